"""``spec.provider.ovh``: Secret Manager of OVHcloud."""

from typing import Annotated

from pydantic import Field

from eso_core.api.types import Base64, Bool, CAProvider, Int32, Kube, Model, SecretKeySelector, default


class Mtls(Model):
    """A client certificate, and the CA that signed the certificate of the server."""

    cert_secret_ref: SecretKeySelector
    key_secret_ref: SecretKeySelector
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None


class Token(Model):
    """A bearer token."""

    token_secret_ref: SecretKeySelector


class Auth(Model):
    """How to authenticate."""

    mtls: Mtls | None = None
    token: Token | None = None


class Spec(Model):
    """One OKMS domain."""

    server: str
    okms_id: str = Field(alias="okmsid")
    cas_required: Bool | None = None
    okms_timeout: Annotated[Int32, Kube({"minimum": 1})] = default(30)
    auth: Auth
