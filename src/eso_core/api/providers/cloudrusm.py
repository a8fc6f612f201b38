"""``spec.provider.cloudrusm``: Secret Manager of Cloud.ru."""

from pydantic import Field

from eso_core.api.types import Model, SecretKeySelector


class SecretRef(Model):
    """The key id and key secret of a service account."""

    access_key_id_secret_ref: SecretKeySelector = Field(alias="accessKeyIDSecretRef")
    access_key_secret_secret_ref: SecretKeySelector


class Auth(Model):
    """A service account."""

    secret_ref: SecretRef | None = None


class Spec(Model):
    """The secrets of a project."""

    auth: Auth
    project_id: str = Field(default="", alias="projectID")
