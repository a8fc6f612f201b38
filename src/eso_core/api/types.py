"""What the API types share: the model base, Kubernetes' scalars, and the small objects that occur in many places.

Python defaults are *effective* values: what the operator acts on when a field is absent. A default that the API server
applies as well is written :func:`default`; it is part of the CRD. Constraints in :class:`Kube` (patterns, lengths, counts)
are part of the CRD and checked by :mod:`eso_core.api.structural`, not by parsing: an object stored before a constraint
existed still parses. Types, enums and required fields are checked by both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StrictBool, StrictInt
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

Json: TypeAlias = Any
"""Any JSON value."""

DEFAULTED: Final[dict[str, Any]] = {"x-defaulted": True}


@dataclass(frozen=True, slots=True, eq=False)
class Kube:
    """Schema keywords of an annotated type that only the API server reads."""

    extra: Mapping[str, Json]
    required: bool = False


def default(value: Json, alias: str | None = None) -> Any:
    """A field default that is part of the CRD: the API server fills it in when the parent object is present."""
    return Field(default=value, alias=alias, json_schema_extra=DEFAULTED)


def blank(model: type[BaseModel]) -> Any:
    """A field default: the one instance of `model` with nothing set, made when first needed."""
    return Field(default_factory=cache(model))


class Model(BaseModel):
    """An immutable API object. Unknown fields are dropped, as the API server prunes them."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        defer_build=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )
    schema_extra: ClassVar[Mapping[str, Json]] = {}
    """Schema keywords of the object itself."""


REQUIRED: Final = Kube({}, required=True)
ONE_OF: Final[Mapping[str, Json]] = {"maxProperties": 1, "minProperties": 1}
NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
NAMESPACE_PATTERN: Final = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
KEY_PATTERN: Final = "^[-._a-zA-Z0-9]+$"


def _int_or_string(value: Json) -> int | str:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise PydanticCustomError("int_or_string", "must be an integer or a string")


INT_OR_STRING: Final = Kube({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True})

Name = Annotated[str, Kube({"maxLength": 253, "minLength": 1, "pattern": NAME_PATTERN})]
NamespaceName = Annotated[str, Kube({"maxLength": 63, "minLength": 1, "pattern": NAMESPACE_PATTERN})]
SecretKey = Annotated[str, Kube({"maxLength": 253, "minLength": 1, "pattern": KEY_PATTERN})]
NonEmpty = Annotated[str, Kube({"minLength": 1})]
Base64 = Annotated[str, Kube({"format": "byte"})]
Time = Annotated[str, Kube({"format": "date-time"})]
"""RFC 3339 text."""
Bool = StrictBool
Int = StrictInt
Int32 = Annotated[StrictInt, Field(ge=-(2**31), le=2**31 - 1), Kube({"format": "int32"})]
Int64 = Annotated[StrictInt, Field(ge=-(2**63), le=2**63 - 1), Kube({"format": "int64"})]
IntOrString = Annotated[int | str, PlainValidator(_int_or_string), INT_OR_STRING]
Strings: TypeAlias = Mapping[str, str]

StoreKind: TypeAlias = Literal["SecretStore", "ClusterSecretStore"]


class OwnerReference(Model):
    """An object that owns this one."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: Bool | None = None
    block_owner_deletion: Bool | None = None


class ObjectMeta(Model):
    """Object metadata. Absent text is empty; ``managed_fields`` stays as received."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: Int = 0
    labels: Strings = {}
    annotations: Strings = {}
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[OwnerReference, ...] = ()
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: Int | None = None
    managed_fields: Json = Field(default=(), repr=False)


class Condition(Model):
    """One observed aspect of an object's state."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: Time | None = None


class LabelRequirement(Model):
    """A rule on one label."""

    key: str
    operator: str
    values: Annotated[tuple[str, ...], Kube({"x-kubernetes-list-type": "atomic"})] = ()


class LabelSelector(Model):
    """Selects objects by label; every rule must hold."""

    schema_extra: ClassVar[Mapping[str, Json]] = {"x-kubernetes-map-type": "atomic"}
    match_expressions: Annotated[tuple[LabelRequirement, ...], Kube({"x-kubernetes-list-type": "atomic"})] = ()
    match_labels: Strings = {}


class LocalObjectReference(Model):
    """An object of the same namespace, by name."""

    schema_extra: ClassVar[Mapping[str, Json]] = {"x-kubernetes-map-type": "atomic"}
    name: str = default("")


class SecretKeySelector(Model):
    """A key of a Secret. The namespace counts in cluster-scoped stores only."""

    name: Name = ""
    key: SecretKey = ""
    namespace: NamespaceName | None = None


class ServiceAccountSelector(Model):
    """A ServiceAccount whose token is requested. The namespace counts in cluster-scoped stores only."""

    name: Name
    namespace: NamespaceName | None = None
    audiences: tuple[str, ...] = ()


class CAProvider(Model):
    """A Secret or ConfigMap key with CA certificates."""

    type: Literal["Secret", "ConfigMap"]
    name: Name
    key: SecretKey = ""
    namespace: NamespaceName | None = None


class StoreRef(Model):
    """The store to read from."""

    name: Name = ""
    kind: StoreKind = "SecretStore"
