"""``spec.provider.senhasegura``: senhasegura DevOps Secrets Management."""

from eso_core.api.types import Bool, Model, SecretKeySelector, default


class Auth(Model):
    """An OAuth client."""

    client_id: str
    client_secret_secret_ref: SecretKeySelector


class Spec(Model):
    """One module of a server; only `DSM` is known."""

    url: str
    module: str
    auth: Auth
    ignore_ssl_certificate: Bool = default(False)
