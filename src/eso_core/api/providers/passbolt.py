"""``spec.provider.passbolt``: resources of Passbolt."""

from eso_core.api.types import Base64, CAProvider, Model, SecretKeySelector


class Auth(Model):
    """A user's private key, in armoured OpenPGP, and its passphrase."""

    password_secret_ref: SecretKeySelector
    private_key_secret_ref: SecretKeySelector


class Spec(Model):
    """A Passbolt server."""

    auth: Auth
    host: str
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None
