"""``spec.provider.bitwardensecretsmanager``: Bitwarden Secrets Manager, through a Bitwarden SDK server."""

from pydantic import Field

from eso_core.api.types import CAProvider, Model, SecretKeySelector


class SecretRef(Model):
    """The access token of a machine account."""

    credentials: SecretKeySelector


class Auth(Model):
    """A machine account."""

    secret_ref: SecretRef


class Spec(Model):
    """One project of an organization."""

    api_url: str = Field(default="", alias="apiURL")
    identity_url: str = Field(default="", alias="identityURL")
    bitwarden_server_sdk_url: str = Field(default="", alias="bitwardenServerSDKURL")
    ca_bundle: str = ""
    ca_provider: CAProvider | None = None
    organization_id: str = Field(alias="organizationID")
    project_id: str = Field(alias="projectID")
    auth: Auth
