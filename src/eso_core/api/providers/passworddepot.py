"""``spec.provider.passworddepot``: entries of Password Depot Enterprise Server."""

from eso_core.api.types import Model, SecretKeySelector


class SecretRef(Model):
    """A Secret with user name and password."""

    credentials: SecretKeySelector | None = None


class Auth(Model):
    """How to log in."""

    secret_ref: SecretRef


class Spec(Model):
    """One database of a server."""

    host: str
    database: str
    auth: Auth
