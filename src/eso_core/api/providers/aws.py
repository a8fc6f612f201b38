"""``spec.provider.aws``: Secrets Manager, Parameter Store and Certificate Manager."""

from typing import Annotated, Final, Literal

from pydantic import Field

from eso_core.api.types import Bool, Int64, Kube, Model, SecretKeySelector, ServiceAccountSelector, Strings, default

CUSTOM_SESSION_TAGS: Final = Kube(
    {
        "x-kubernetes-validations": [
            {
                "message": "customSessionTags cannot contain automatically injected reserved keys: "
                "esoNamespace, esoStoreName, esoStoreKind",
                "rule": "!('esoNamespace' in self) && !('esoStoreName' in self) && !('esoStoreKind' in self)",
            }
        ]
    }
)


class SecretRef(Model):
    """Static credentials."""

    access_key_id_secret_ref: SecretKeySelector | None = Field(default=None, alias="accessKeyIDSecretRef")
    secret_access_key_secret_ref: SecretKeySelector | None = None
    session_token_secret_ref: SecretKeySelector | None = None


class JwtAuth(Model):
    """A role assumed with a ServiceAccount token."""

    service_account_ref: ServiceAccountSelector | None = None


class Auth(Model):
    """How to authenticate; the SDK's default chain when empty."""

    jwt: JwtAuth | None = None
    secret_ref: SecretRef | None = None


class SecretsManager(Model):
    """How secrets are deleted."""

    force_delete_without_recovery: Bool = False
    recovery_window_in_days: Int64 | None = None


class Tag(Model):
    """A session tag."""

    key: str
    value: str


class Spec(Model):
    """One AWS service in one region."""

    service: Literal["SecretsManager", "ParameterStore", "CertificateManager"]
    region: str
    auth: Auth | None = None
    role: str = ""
    additional_roles: tuple[str, ...] = ()
    external_id: str = Field(default="", alias="externalID")
    session_tags: tuple[Tag, ...] = ()
    session_tags_policy: Literal["None", "Simple", "Custom"] = default("None")
    custom_session_tags: Annotated[Strings, CUSTOM_SESSION_TAGS] = {}
    transitive_tag_keys: tuple[str, ...] = ()
    prefix: str = ""
    secrets_manager: SecretsManager | None = None
