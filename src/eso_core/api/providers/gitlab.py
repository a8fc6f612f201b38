"""``spec.provider.gitlab``: CI/CD variables of GitLab projects and groups."""

from pydantic import Field

from eso_core.api.types import Base64, Bool, CAProvider, Model, SecretKeySelector


class SecretRef(Model):
    """An access token."""

    access_token: SecretKeySelector | None = None


class Auth(Model):
    """How to authenticate."""

    secret_ref: SecretRef = Field(alias="SecretRef")


class Spec(Model):
    """The variables of a project, of groups, or of both; those of the project win."""

    url: str = ""
    auth: Auth
    project_id: str = Field(default="", alias="projectID")
    inherit_from_groups: Bool = False
    group_ids: tuple[str, ...] = Field(default=(), alias="groupIDs")
    environment: str = ""
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None
