"""``spec.provider.doppler``: configs of Doppler."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from eso_core.api.providers._shared import either, rules
from eso_core.api.types import Int64, Json, Model, SecretKeySelector, ServiceAccountSelector, default


class SecretRef(Model):
    """A Doppler token; the key is `dopplerToken` when none is named."""

    doppler_token: SecretKeySelector


class OidcAuth(Model):
    """A ServiceAccount token, exchanged as a service account identity."""

    identity: str
    service_account_ref: ServiceAccountSelector
    expiration_seconds: Int64 = default(600)


class Auth(Model):
    """One way to authenticate."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(either("secretRef", "oidcConfig"))
    secret_ref: SecretRef | None = None
    oidc_config: OidcAuth | None = None


class Spec(Model):
    """A config of a project; a service token implies both."""

    auth: Auth
    project: str = ""
    config: str = ""
    name_transformer: Literal["upper-camel", "camel", "lower-snake", "tf-var", "dotnet-env", "lower-kebab"] | None = None
    format: Literal["json", "dotnet-json", "env", "yaml", "docker"] | None = None
