"""``spec.provider.vault``: KV engines of HashiCorp Vault, or of a server that speaks its API."""

from typing import Annotated, Literal

from pydantic import Field

from eso_core.api.providers.aws import JwtAuth as AwsJwtAuth
from eso_core.api.providers.aws import SecretRef as AwsSecretRef
from eso_core.api.providers.gcpsm import SecretRef as GcpSecretRef
from eso_core.api.providers.gcpsm import WorkloadIdentity as GcpWorkloadIdentity
from eso_core.api.types import (
    REQUIRED,
    Base64,
    Bool,
    CAProvider,
    Int64,
    Model,
    SecretKeySelector,
    ServiceAccountSelector,
    Strings,
    blank,
    default,
)

RequiredPath = Annotated[str, REQUIRED]


class AppRole(Model):
    """Logs in with a role id and a secret id."""

    path: RequiredPath = default("approle")
    role_id: str = ""
    role_ref: SecretKeySelector | None = None
    secret_ref: SecretKeySelector


class Cert(Model):
    """Logs in with a client certificate."""

    path: str = default("cert")
    client_cert: SecretKeySelector | None = None
    secret_ref: SecretKeySelector | None = None
    vault_role: str = ""


class Gcp(Model):
    """Logs in with a Google identity."""

    path: str = default("gcp")
    role: str
    project_id: str = Field(default="", alias="projectID")
    location: str = ""
    secret_ref: GcpSecretRef | None = None
    service_account_ref: ServiceAccountSelector | None = None
    workload_identity: GcpWorkloadIdentity | None = None


class Iam(Model):
    """Logs in with an AWS identity."""

    path: str = ""
    region: str = ""
    role: str = ""
    vault_role: str
    external_id: str = Field(default="", alias="externalID")
    vault_aws_iam_server_id: str = Field(default="", alias="vaultAwsIamServerID")
    secret_ref: AwsSecretRef | None = None
    jwt: AwsJwtAuth | None = None


class KubernetesServiceAccountToken(Model):
    """A token to request for the login."""

    service_account_ref: ServiceAccountSelector
    audiences: tuple[str, ...] = ()
    expiration_seconds: Int64 | None = None


class Jwt(Model):
    """Logs in with a JWT or OIDC token."""

    path: RequiredPath = default("jwt")
    role: str = ""
    secret_ref: SecretKeySelector | None = None
    kubernetes_service_account_token: KubernetesServiceAccountToken | None = None


class Kubernetes(Model):
    """Logs in with a ServiceAccount token."""

    mount_path: RequiredPath = default("kubernetes")
    role: str
    service_account_ref: ServiceAccountSelector | None = None
    secret_ref: SecretKeySelector | None = None


class Ldap(Model):
    """Logs in with an LDAP account."""

    path: RequiredPath = default("ldap")
    username: str
    secret_ref: SecretKeySelector | None = None


class UserPass(Model):
    """Logs in with user name and password."""

    path: RequiredPath = default("userpass")
    username: str
    secret_ref: SecretKeySelector | None = None


class Auth(Model):
    """How to log in; the first method that is set is taken."""

    namespace: str | None = None
    token_secret_ref: SecretKeySelector | None = None
    app_role: AppRole | None = None
    kubernetes: Kubernetes | None = None
    ldap: Ldap | None = None
    user_pass: UserPass | None = None
    jwt: Jwt | None = None
    cert: Cert | None = None
    iam: Iam | None = None
    gcp: Gcp | None = None


class Tls(Model):
    """The client certificate of the connection."""

    cert_secret_ref: SecretKeySelector | None = None
    key_secret_ref: SecretKeySelector | None = None


class CheckAndSet(Model):
    """Whether writes name the version they replace."""

    required: Bool = False


class Spec(Model):
    """A KV engine."""

    server: str
    path: str | None = None
    version: Literal["v1", "v2"] = default("v2")
    namespace: str | None = None
    auth: Auth | None = None
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None
    tls: Tls = blank(Tls)
    headers: Strings = Field(default={}, repr=False)
    read_your_writes: Bool = False
    forward_inconsistent: Bool = False
    check_and_set: CheckAndSet | None = None
