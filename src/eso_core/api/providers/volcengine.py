"""``spec.provider.volcengine``: Volcengine Key Management Service."""

from pydantic import Field

from eso_core.api.types import Model, SecretKeySelector


class SecretRef(Model):
    """An access key, and the session token of a temporary one."""

    access_key_id: SecretKeySelector = Field(alias="accessKeyID")
    secret_access_key: SecretKeySelector
    token: SecretKeySelector | None = None


class Auth(Model):
    """Static credentials."""

    secret_ref: SecretRef | None = None


class Spec(Model):
    """The secrets of a region, with the identity of the operator's ServiceAccount where nothing else is set."""

    region: str
    auth: Auth | None = None
