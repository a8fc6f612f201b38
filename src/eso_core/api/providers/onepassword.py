"""``spec.provider.onepassword``: 1Password, through a Connect server."""

from collections.abc import Mapping

from eso_core.api.types import Int, Model, SecretKeySelector


class SecretRef(Model):
    """The token of a Connect server."""

    connect_token_secret_ref: SecretKeySelector


class Auth(Model):
    """How to authenticate."""

    secret_ref: SecretRef


class Spec(Model):
    """Vaults by name, each with its place in the order of search."""

    auth: Auth
    connect_host: str
    vaults: Mapping[str, Int]
