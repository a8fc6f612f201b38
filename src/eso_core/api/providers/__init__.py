"""The provider schemas, one module each: the module is the provider's key in lower case, its class is ``Spec``.

A key without a module is admitted as any object and kept as received. A module is imported when its key first occurs.
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
    """The class that types provider `key`, one of ``KEYS``; ``None`` where no module exists."""
    name = f"{__name__}.{key.lower()}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    spec: type[Model] = module.Spec
    return spec


def typed(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    """`raw` with each known key's object parsed. Unknown keys and nulls are dropped, as the API server prunes them.

    Raises ``ValidationError`` with the faults of all keys.
    """
    parsed: dict[str, Json] = {}
    faults: list[InitErrorDetails] = []
    for key, value in raw.items():
        if key in KEYS and value is not None:
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
