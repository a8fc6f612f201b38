"""``spec.provider.onepasswordSDK``: 1Password, through its service accounts."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from eso_core.api.providers._shared import at_most_one, rules
from eso_core.api.types import Int, Json, Kube, Model, SecretKeySelector, default


class IntegrationInfo(Model):
    """What the operator calls itself."""

    name: str = default("1Password SDK")
    version: str = default("v1.0.0")


class Auth(Model):
    """The token of a service account."""

    service_account_secret_ref: SecretKeySelector


class Cache(Model):
    """How long, and how many, values that were read are remembered."""

    ttl: str = default("5m")
    max_size: Annotated[Int, Kube({"minimum": 1})] = default(100)


class Spec(Model):
    """One vault, or one environment."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(at_most_one("vault", "environment"))
    vault: str = ""
    environment: str = ""
    integration_info: IntegrationInfo | None = None
    auth: Auth
    cache: Cache | None = None
