"""``spec.provider.gcpsm``: Google Secret Manager."""

from typing import Annotated

from pydantic import Field

from eso_core.api.types import Kube, Model, Name, NamespaceName, SecretKey, SecretKeySelector, ServiceAccountSelector, blank, default


class SecretRef(Model):
    """A Google service account key."""

    secret_access_key_secret_ref: SecretKeySelector | None = None


class WorkloadIdentity(Model):
    """A ServiceAccount that acts as a Google service account."""

    service_account_ref: ServiceAccountSelector
    cluster_location: str = ""
    cluster_name: str = ""
    cluster_project_id: str = Field(default="", alias="clusterProjectID")


class ConfigMapReference(Model):
    """A key of a ConfigMap."""

    name: Name
    namespace: NamespaceName = ""
    key: SecretKey


class SecretReference(Model):
    """A Secret with AWS credentials."""

    name: Name
    namespace: NamespaceName = ""


class AwsSecurityCredentials(Model):
    """AWS credentials to exchange for a Google token."""

    region: Annotated[str, Kube({"maxLength": 50, "minLength": 1, "pattern": "^[a-z0-9-]+$"})]
    aws_credentials_secret_ref: SecretReference


class WorkloadIdentityFederation(Model):
    """A foreign identity, exchanged for a Google token in a workload identity pool."""

    cred_config: ConfigMapReference | None = None
    service_account_ref: ServiceAccountSelector | None = None
    aws_security_credentials: AwsSecurityCredentials | None = None
    audience: str = ""
    external_token_endpoint: str = ""
    gcp_service_account_email: Annotated[str, Kube({"minLength": 1, "pattern": r"^.*@.*\.iam\.gserviceaccount\.com$"})] = ""


class Auth(Model):
    """How to authenticate; the environment's default credentials when empty."""

    secret_ref: SecretRef | None = None
    workload_identity: WorkloadIdentity | None = None
    workload_identity_federation: WorkloadIdentityFederation | None = None


class Spec(Model):
    """The secrets of a project, global or of one location."""

    auth: Auth = blank(Auth)
    project_id: str = Field(default="", alias="projectID")
    location: str = ""
    secret_version_selection_policy: str = default("LatestOrFail")
