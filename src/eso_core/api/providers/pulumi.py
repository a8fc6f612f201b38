"""``spec.provider.pulumi``: environments of Pulumi ESC."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from eso_core.api.providers._shared import WrappedRef, either, rules
from eso_core.api.types import Int64, Json, Kube, Model, ServiceAccountSelector, default


class OidcAuth(Model):
    """A ServiceAccount token, exchanged for an access token of an organization."""

    organization: str
    service_account_ref: ServiceAccountSelector
    expiration_seconds: Annotated[Int64, Kube({"minimum": 600})] = default(600)


class Auth(Model):
    """One way to authenticate."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(either("accessToken", "oidcConfig"))
    access_token: WrappedRef | None = None
    oidc_config: OidcAuth | None = None


class Spec(Model):
    """One environment. The outer access token is deprecated."""

    schema_extra: ClassVar[Mapping[str, Json]] = rules(
        either("auth", "accessToken", "Exactly one of 'auth' or deprecated 'accessToken' must be specified")
    )
    api_url: str = default("https://api.pulumi.com/api/esc")
    auth: Auth | None = None
    organization: str
    project: str
    environment: str
    access_token: WrappedRef | None = None
