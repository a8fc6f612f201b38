"""``spec.provider.oracle``: vaults of Oracle Cloud Infrastructure."""

from typing import Literal

from eso_core.api.types import Model, SecretKeySelector, ServiceAccountSelector


class SecretRef(Model):
    """An API signing key in PEM, and its fingerprint."""

    privatekey: SecretKeySelector
    fingerprint: SecretKeySelector


class Auth(Model):
    """A user whose key signs requests."""

    tenancy: str
    user: str
    secret_ref: SecretRef


class Spec(Model):
    """One vault; writes need the compartment and the key that encrypts."""

    region: str
    vault: str
    compartment: str = ""
    encryption_key: str = ""
    principal_type: Literal["", "UserPrincipal", "InstancePrincipal", "Workload"] = ""
    auth: Auth | None = None
    service_account_ref: ServiceAccountSelector | None = None
