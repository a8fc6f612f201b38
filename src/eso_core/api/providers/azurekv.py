"""``spec.provider.azurekv``: secrets, keys and certificates of Azure Key Vault."""

from typing import Literal

from pydantic import Field

from eso_core.api.types import Bool, Model, SecretKeySelector, ServiceAccountSelector, default


class Auth(Model):
    """A service principal: its ids, and a client secret or a client certificate."""

    client_id: SecretKeySelector | None = None
    tenant_id: SecretKeySelector | None = None
    client_secret: SecretKeySelector | None = None
    client_certificate: SecretKeySelector | None = None


class CustomCloudConfig(Model):
    """Endpoints of a private cloud, or of one that the environment type does not describe."""

    active_directory_endpoint: str
    key_vault_endpoint: str | None = None
    key_vault_dns_suffix: str | None = Field(default=None, alias="keyVaultDNSSuffix")
    resource_manager_endpoint: str | None = None


class Spec(Model):
    """One key vault."""

    auth_type: Literal["ServicePrincipal", "ManagedIdentity", "WorkloadIdentity"] = default("ServicePrincipal")
    vault_url: str
    tenant_id: str | None = None
    environment_type: Literal["PublicCloud", "USGovernmentCloud", "ChinaCloud", "GermanCloud", "AzureStackCloud"] = default("PublicCloud")
    auth_secret_ref: Auth | None = None
    service_account_ref: ServiceAccountSelector | None = None
    identity_id: str | None = None
    use_azure_sdk: Bool = default(False, alias="useAzureSDK")
    custom_cloud_config: CustomCloudConfig | None = None
