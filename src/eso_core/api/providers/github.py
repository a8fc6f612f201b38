"""``spec.provider.github``: GitHub Actions secrets, which can be written but not read."""

from typing import Literal

from pydantic import Field

from eso_core.api.types import Int64, Model, SecretKeySelector, default


class Auth(Model):
    """The private key of a GitHub App."""

    private_key: SecretKeySelector


class Spec(Model):
    """The secrets of an organization, of a repository, or of an environment of a repository."""

    url: str = default("https://github.com/")
    upload_url: str = Field(default="", alias="uploadURL")
    auth: Auth
    app_id: Int64 = Field(alias="appID")
    installation_id: Int64 = Field(alias="installationID")
    organization: str
    repository: str = ""
    environment: str = ""
    org_secret_visibility: Literal["all", "private"] | None = None
