"""``spec.provider.chef``: data bags of a Chef Infra Server."""

from eso_core.api.types import Model, SecretKeySelector


class SecretRef(Model):
    """The private key that signs requests, in PEM."""

    private_key_secret_ref: SecretKeySelector


class Auth(Model):
    """How requests are signed."""

    secret_ref: SecretRef


class Spec(Model):
    """A Chef server; its URL ends with the organization and a slash."""

    auth: Auth
    username: str
    server_url: str
