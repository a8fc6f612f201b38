"""The provider schemas, one module each: the module is the provider's key in lower case, its class is ``Spec``.

A module is imported when its key first occurs. Modules whose names begin with an underscore are shared by several providers.
Keys that are not in ``KEYS`` belong to providers outside this package: their objects are kept as received.
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from eso_core.api.types import ONE_OF, Json, Kube, Model

KEYS: Final = (
    "akeyless", "aws", "azurekv", "barbican", "beyondtrust", "beyondtrustworkloadcredentials", "bitwardensecretsmanager",
    "chef", "cloudrusm", "conjur", "crd", "delinea", "doppler", "dvls", "fake", "fortanix", "gcpsm", "github", "gitlab",
    "ibm", "infisical", "keepersecurity", "kubernetes", "nebiusmysterybox", "ngrok", "onboardbase", "onepassword",
    "onepasswordSDK", "openBao", "oracle", "ovh", "passbolt", "passworddepot", "previder", "pulumi", "scaleway",
    "secretserver", "senhasegura", "vault", "volcengine", "webhook", "yandexcertificatemanager", "yandexlockbox",
)  # fmt: skip

LOOSE: Final[Mapping[str, Json]] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

_ANY_OBJECT: Final[TypeAdapter[dict[str, Json]]] = TypeAdapter(dict[str, Json])


@lru_cache(maxsize=len(KEYS))
def spec_class(key: str) -> type[Model] | None:
    """The class that types provider `key`; ``None`` for a key that is not in ``KEYS``."""
    if key not in KEYS:
        return None
    spec: type[Model] = import_module(f"{__name__}.{key.lower()}").Spec
    return spec


def typed(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    """`raw` with each known key's object parsed, and the objects of other keys as they are: the API server has already dropped what
    its CRD does not know. Nulls are dropped.

    Raises ``ValidationError`` with the faults of all keys.
    """
    parsed: dict[str, Json] = {}
    faults: list[InitErrorDetails] = []
    for key, value in raw.items():
        if value is not None:
            try:
                parsed[key] = _parsed(key, value)
            except ValidationError as error:
                faults.extend(_below(key, fault) for fault in error.errors(include_url=False, include_input=False))
    if faults:
        raise ValidationError.from_exception_data("provider", faults, hide_input=True)
    return parsed


def _parsed(key: str, value: Json) -> Json:
    spec = spec_class(key)
    return _ANY_OBJECT.validate_python(value) if spec is None else spec.model_validate(value)


def _below(key: str, fault: ErrorDetails) -> InitErrorDetails:
    kind = PydanticCustomError(fault["type"], "{reason}", {"reason": "is not valid", **fault.get("ctx", {})})
    return InitErrorDetails(type=kind, loc=(key, *fault["loc"]), input=None)


SCHEMA: Final = Kube({**ONE_OF, "type": "object"})
