"""``spec.provider.dvls``: entries of Devolutions Server."""

from eso_core.api.types import Bool, Model, SecretKeySelector


class SecretRef(Model):
    """An application id and its secret."""

    app_id: SecretKeySelector
    app_secret: SecretKeySelector


class Auth(Model):
    """An application."""

    secret_ref: SecretRef


class Spec(Model):
    """A server, and the vault that keys are relative to."""

    server_url: str
    vault: str = ""
    insecure: Bool = False
    auth: Auth
