"""``spec.provider.previder``: Previder Vault."""

from eso_core.api.types import Model, SecretKeySelector


class SecretRef(Model):
    """An access token."""

    access_token: SecretKeySelector


class Auth(Model):
    """How to authenticate."""

    secret_ref: SecretRef | None = None


class Spec(Model):
    """One vault."""

    auth: Auth
    base_uri: str = ""
