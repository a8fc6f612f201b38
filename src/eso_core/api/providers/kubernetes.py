"""``spec.provider.kubernetes``: Secrets of this or another cluster."""

from collections.abc import Mapping
from typing import ClassVar

from eso_core.api.types import (
    ONE_OF,
    Base64,
    CAProvider,
    Json,
    Model,
    NamespaceName,
    SecretKeySelector,
    ServiceAccountSelector,
    default,
)


class Server(Model):
    """The API server and the CA that signed its certificate."""

    url: str = default("kubernetes.default")
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None


class CertAuth(Model):
    """A client certificate."""

    client_cert: SecretKeySelector
    client_key: SecretKeySelector


class TokenAuth(Model):
    """A bearer token."""

    bearer_token: SecretKeySelector


class Auth(Model):
    """One way to authenticate."""

    schema_extra: ClassVar[Mapping[str, Json]] = ONE_OF
    cert: CertAuth | None = None
    token: TokenAuth | None = None
    service_account: ServiceAccountSelector | None = None


class Spec(Model):
    """Reads Secrets of one namespace."""

    server: Server | None = None
    auth: Auth | None = None
    auth_ref: SecretKeySelector | None = None
    remote_namespace: NamespaceName = default("default")
