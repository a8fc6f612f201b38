"""The parsed form of ``spec.provider.azurekv``, and what it needs from the cluster.

A token is made for one *resource*, the domain of a cloud's vaults, and a vault is a host below that domain: ``https://team.vault.azure.net``
is given tokens for ``https://vault.azure.net`` and no others. A store that names another host is refused, so that the operator's own
identity cannot be lured to a server that is no vault. In a cloud of one's own (``customCloudConfig``) the resource is
``keyVaultEndpoint``, else ``keyVaultDNSSuffix``, else the vault's host without its first label.

=================  ===================================  ==============================================
environmentType    login                                resources
=================  ===================================  ==============================================
PublicCloud        login.microsoftonline.com            vault.azure.net, managedhsm.azure.net
USGovernmentCloud  login.microsoftonline.us             vault.usgovcloudapi.net, managedhsm.usgov...
ChinaCloud         login.chinacloudapi.cn               vault.azure.cn, managedhsm.azure.cn
GermanCloud        login.microsoftonline.de             vault.microsoftazure.de
AzureStackCloud    ``activeDirectoryEndpoint``          of ``customCloudConfig``
=================  ===================================  ==============================================

Source: ``keyvault.go`` and ``keyvault_new_sdk.go`` of the reference; ``ActiveDirectoryEndpoint`` and ``KeyVaultEndpoint`` of go-autorest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never
from urllib.parse import urlsplit

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.azurekv import CustomCloudConfig, Spec
from eso_core.door import AccountNotes, AccountToken, Need
from eso_core.failure import InvalidSpec
from eso_core.providers import _kit
from eso_core.refs import Ref

PATH: Final = "spec.provider.azurekv"
EXCHANGE: Final = "api://AzureADTokenExchange"
"""Audience of a token that Microsoft Entra ID exchanges."""

CLIENT_ID: Final = "client_id"  # slots
TENANT_ID: Final = "tenant_id"
CLIENT_SECRET: Final = "client_secret"
CLIENT_CERTIFICATE: Final = "client_certificate"
NOTES: Final = "account"
ASSERTION: Final = "assertion"

GERMANY_IS_GONE: Final = (
    "Azure Germany (Microsoft Cloud Deutschland) was discontinued on October 29, 2021. "
    "Please use AzureStackCloud with custom configuration or migrate to public cloud regions"
)


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where a cloud's identities log in, and the domains of its vaults."""

    authority: str
    domains: tuple[str, ...]


CLOUDS: Final[Mapping[str, Cloud]] = {
    "PublicCloud": Cloud("https://login.microsoftonline.com", ("vault.azure.net", "managedhsm.azure.net")),
    "USGovernmentCloud": Cloud("https://login.microsoftonline.us", ("vault.usgovcloudapi.net", "managedhsm.usgovcloudapi.net")),
    "ChinaCloud": Cloud("https://login.chinacloudapi.cn", ("vault.azure.cn", "managedhsm.azure.cn")),
    "GermanCloud": Cloud("https://login.microsoftonline.de", ("vault.microsoftazure.de",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A service principal with a client secret or a client certificate (PEM, or PKCS#12 without a password)."""

    tenant: str
    client_id: Need
    secret: Need | None = None
    certificate: Need | None = None


@dataclass(frozen=True, slots=True)
class Managed:
    """The managed identity of where the operator runs; ``client_id`` names one of several."""

    client_id: str


@dataclass(frozen=True, slots=True)
class OwnToken:
    """The operator's own workload identity, as its webhook put it into the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The workload identity of a ServiceAccount."""

    name: str
    namespace: str
    audiences: tuple[str, ...]
    tenant: str
    client_id: Need | None
    tenant_id: Need | None
    strict: bool  # an id from two sources is refused


Login: TypeAlias = Principal | Managed | OwnToken | Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``vault`` and ``authority`` are ``https`` URLs without a final slash, ``resource`` is what tokens are for."""

    vault: str
    resource: str
    authority: str
    custom: bool  # the authority is one of `customCloudConfig`, which no directory of Microsoft vouches for
    sorted_keys: bool  # members of a JSON Web Key in the order of their names, as the reference's newer SDK writes them
    login: Login


# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    wrong = _clouded(model)
    if wrong is not None:
        return Wrong(wrong)
    vault = _https(model.vault_url, f"{PATH}.vaultUrl")
    if isinstance(vault, Wrong):
        return vault
    resource = _resource(model, vault.unwrap())
    authority = _authority(model)
    login = _login(model)
    for part in (resource, authority, login):
        if isinstance(part, Wrong):
            return part
    return Success(
        Store(
            vault=vault.unwrap(),
            resource=resource.unwrap(),
            authority=authority.unwrap(),
            custom=model.custom_cloud_config is not None,
            sorted_keys=model.use_azure_sdk,
            login=login.unwrap(),
        )
    )


def _clouded(model: Spec) -> InvalidSpec | None:
    """The reference's rules on clouds."""
    custom, path = model.custom_cloud_config, f"{PATH}.customCloudConfig"
    if custom is not None and not model.use_azure_sdk:
        what = "CustomCloudConfig requires UseAzureSDK to be set to true - the legacy SDK does not support custom clouds"
        return InvalidSpec(what, path)
    if custom is not None and not custom.active_directory_endpoint.strip():
        return InvalidSpec("activeDirectoryEndpoint is required in CustomCloudConfig", f"{path}.activeDirectoryEndpoint")
    if model.environment_type == "AzureStackCloud" and custom is None:
        return InvalidSpec("CustomCloudConfig is required when EnvironmentType is AzureStackCloud", path)
    if model.environment_type == "GermanCloud" and model.use_azure_sdk:
        return InvalidSpec(GERMANY_IS_GONE, f"{PATH}.environmentType")
    return None


def _https(text: str, path: str) -> Result[str, InvalidSpec]:
    """A token is a bearer's: it is never sent in clear text."""
    return _kit.base_url(text, path).bind(
        lambda url: Success(url) if url.startswith("https://") else Wrong(InvalidSpec("must start with https://", path))
    )


def _resource(model: Spec, vault: str) -> Result[str, InvalidSpec]:
    """What a token for this vault is made for: the domain that the vault's host lies below."""
    host = urlsplit(vault).hostname or ""
    domains = _domains(model, host)
    if isinstance(domains, Wrong):
        return domains
    found = next((domain for domain in domains.unwrap() if host.endswith(f".{domain}") and domain), None)
    if found is None:
        where = " or ".join(f"*.{domain}" for domain in domains.unwrap() if domain) or "a domain of vaults"
        return Wrong(InvalidSpec(f"must be the address of a vault, a host of {where}", f"{PATH}.vaultUrl"))
    return Success(f"https://{found}")


def _domains(model: Spec, host: str) -> Result[tuple[str, ...], InvalidSpec]:
    custom = model.custom_cloud_config
    if custom is not None and custom.key_vault_endpoint:
        return _https(custom.key_vault_endpoint, f"{PATH}.customCloudConfig.keyVaultEndpoint").map(_host_alone)
    if custom is not None and custom.key_vault_dns_suffix:
        return Success((custom.key_vault_dns_suffix.strip().strip(".").lower(),))
    cloud = CLOUDS.get(model.environment_type)
    return Success(cloud.domains if cloud is not None else (host.partition(".")[2],))


def _host_alone(url: str) -> tuple[str, ...]:
    return ((urlsplit(url).hostname or "").lower(),)


def _authority(model: Spec) -> Result[str, InvalidSpec]:
    custom: CustomCloudConfig | None = model.custom_cloud_config
    if custom is not None:
        return _https(custom.active_directory_endpoint, f"{PATH}.customCloudConfig.activeDirectoryEndpoint")
    return Success(CLOUDS[model.environment_type].authority)


def _login(model: Spec) -> Result[Login, InvalidSpec]:
    match model.auth_type:
        case "ServicePrincipal":
            return _principal(model)
        case "ManagedIdentity":
            return Success(Managed((model.identity_id or "").strip()))
        case "WorkloadIdentity":
            return _workload(model)
        case _:
            assert_never(model.auth_type)


def _principal(model: Spec) -> Result[Login, InvalidSpec]:
    tenant, auth = (model.tenant_id or "").strip(), model.auth_secret_ref
    if not tenant:
        return Wrong(InvalidSpec("missing tenantID in store config", f"{PATH}.tenantId"))
    if auth is None:
        return Wrong(InvalidSpec("missing secretRef in provider config", f"{PATH}.authSecretRef"))
    if auth.client_id is None or (auth.client_secret is None and auth.client_certificate is None):
        return Wrong(InvalidSpec("missing accessKeyID/secretAccessKey in store config", f"{PATH}.authSecretRef"))
    if auth.client_secret is not None and auth.client_certificate is not None:
        return Wrong(InvalidSpec("both clientSecret and clientCredentials set", f"{PATH}.authSecretRef"))
    return Success(
        Principal(
            tenant=tenant,
            client_id=_kit.secret_key(auth.client_id),
            secret=_kit.secret_key(auth.client_secret) if auth.client_secret is not None else None,
            certificate=_kit.secret_key(auth.client_certificate) if auth.client_certificate is not None else None,
        )
    )


def _workload(model: Spec) -> Result[Login, InvalidSpec]:
    """Without a ServiceAccount the operator's own, whatever else is set."""
    account, auth = model.service_account_ref, model.auth_secret_ref
    if account is None:
        return Success(OwnToken())
    if auth is not None and auth.client_id is None and not model.use_azure_sdk:
        return Wrong(InvalidSpec("missing accessKeyID/secretAccessKey in store config", f"{PATH}.authSecretRef.clientId"))
    return Success(
        Account(
            name=account.name,
            namespace=account.namespace or "",
            audiences=(EXCHANGE, *account.audiences),
            tenant=(model.tenant_id or "").strip(),
            client_id=_kit.secret_key(auth.client_id) if auth is not None and auth.client_id is not None else None,
            tenant_id=_kit.secret_key(auth.tenant_id) if auth is not None and auth.tenant_id is not None else None,
            strict=not model.use_azure_sdk,
        )
    )


# ---------------------------------------------------------------- needs


def needs(store: Store) -> Mapping[str, Need]:
    """What the login is made with; the token of a ServiceAccount included, for its audience does not depend on annotations."""
    match store.login:
        case Principal(client_id=client_id, secret=secret, certificate=certificate):
            held = {CLIENT_ID: client_id, CLIENT_SECRET: secret, CLIENT_CERTIFICATE: certificate}
        case Account(name=name, namespace=namespace, audiences=audiences, client_id=client, tenant_id=tenant):
            token = AccountToken(name, audiences, namespace)
            held = {NOTES: AccountNotes(name, namespace), ASSERTION: token, CLIENT_ID: client, TENANT_ID: tenant}
        case Managed() | OwnToken():
            return {}
        case _:
            assert_never(store.login)
    return {slot: need for slot, need in held.items() if need is not None}
