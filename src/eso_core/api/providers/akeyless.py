"""``spec.provider.akeyless``: items of Akeyless, through its service or a Gateway."""

from pydantic import Field

from eso_core.api.types import Base64, Bool, CAProvider, Model, SecretKeySelector, ServiceAccountSelector, blank


class SecretRef(Model):
    """An access id, its type, and what that type needs: an access key, an Azure object id, a GCP audience, a Kubernetes config name."""

    access_id: SecretKeySelector | None = Field(default=None, alias="accessID")
    access_type: SecretKeySelector | None = None
    access_type_param: SecretKeySelector | None = None


class KubernetesAuth(Model):
    """A ServiceAccount token, checked by a Kubernetes auth method; the operator's own when neither reference is set."""

    access_id: str = Field(alias="accessID")
    k8s_conf_name: str = Field(alias="k8sConfName")
    service_account_ref: ServiceAccountSelector | None = None
    secret_ref: SecretKeySelector | None = None


class Auth(Model):
    """How to authenticate: the Kubernetes method if it is set, else the access id."""

    secret_ref: SecretRef = blank(SecretRef)
    kubernetes_auth: KubernetesAuth | None = None
    service_account_ref: ServiceAccountSelector | None = None


class Spec(Model):
    """An Akeyless account."""

    akeyless_gw_api_url: str = Field(alias="akeylessGWApiURL")
    ignore_cache: Bool | None = None
    auth_secret_ref: Auth
    ca_bundle: Base64 = ""
    ca_provider: CAProvider | None = None
