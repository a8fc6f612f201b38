"""``spec.provider.infisical``: secrets of Infisical."""

from eso_core.api.types import Base64, Bool, CAProvider, Model, SecretKeySelector, default


class UniversalAuth(Model):
    """Logs in with a client id and a client secret."""

    client_id: SecretKeySelector
    client_secret: SecretKeySelector


class AzureAuth(Model):
    """Logs in with a token of an Azure managed identity."""

    identity_id: SecretKeySelector
    resource: SecretKeySelector | None = None


class GcpIdTokenAuth(Model):
    """Logs in with a Google identity token."""

    identity_id: SecretKeySelector


class GcpIamAuth(Model):
    """Logs in with a token that a Google service account signed; its key is a file of the operator."""

    identity_id: SecretKeySelector
    service_account_key_file_path: SecretKeySelector


class JwtAuth(Model):
    """Logs in with a JWT."""

    identity_id: SecretKeySelector
    jwt: SecretKeySelector


class LdapAuth(Model):
    """Logs in with an LDAP account."""

    identity_id: SecretKeySelector
    ldap_password: SecretKeySelector
    ldap_username: SecretKeySelector


class OciAuth(Model):
    """Logs in with a request signed by an Oracle Cloud user."""

    identity_id: SecretKeySelector
    private_key: SecretKeySelector
    private_key_passphrase: SecretKeySelector | None = None
    fingerprint: SecretKeySelector
    user_id: SecretKeySelector
    tenancy_id: SecretKeySelector
    region: SecretKeySelector


class KubernetesAuth(Model):
    """Logs in with a ServiceAccount token that is a file of the operator."""

    identity_id: SecretKeySelector
    service_account_token_path: SecretKeySelector | None = None


class AwsAuth(Model):
    """Logs in with the operator's AWS identity."""

    identity_id: SecretKeySelector


class TokenAuth(Model):
    """A token that is used as it is."""

    access_token: SecretKeySelector


class Auth(Model):
    """How to log in; the first method that is set is taken."""

    universal_auth_credentials: UniversalAuth | None = None
    azure_auth_credentials: AzureAuth | None = None
    gcp_id_token_auth_credentials: GcpIdTokenAuth | None = None
    gcp_iam_auth_credentials: GcpIamAuth | None = None
    jwt_auth_credentials: JwtAuth | None = None
    ldap_auth_credentials: LdapAuth | None = None
    oci_auth_credentials: OciAuth | None = None
    kubernetes_auth_credentials: KubernetesAuth | None = None
    aws_auth_credentials: AwsAuth | None = None
    token_auth_credentials: TokenAuth | None = None


class SecretsScope(Model):
    """Where secrets are looked for, and whether references in them are resolved."""

    secrets_path: str = default("/")
    recursive: Bool = default(False)
    environment_slug: str
    project_slug: str
    organization_slug: str = ""
    expand_secret_references: Bool = default(True)


class Spec(Model):
    """A path of one environment of a project."""

    auth: Auth
    secrets_scope: SecretsScope
    host_api: str = default("https://app.infisical.com/api", alias="hostAPI")
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None
