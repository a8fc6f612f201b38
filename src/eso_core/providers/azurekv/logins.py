"""An access token for a vault, made by ``azure.token``: azure-identity, in a thread of the shell.

============================  ====================================================================
identity                      where its ids come from
============================  ====================================================================
service principal             ``tenantId``; ``authSecretRef.clientId``
managed identity              ``identityId``, if there are several
workload, ServiceAccount      annotations ``azure.workload.identity/client-id`` and ``tenant-id``, else
                              ``authSecretRef``, ``tenantId``; the tenant at last ``AZURE_TENANT_ID``
workload, the operator's own  ``AZURE_CLIENT_ID``, ``AZURE_TENANT_ID``, ``AZURE_FEDERATED_TOKEN_FILE``
============================  ====================================================================

Without ``useAzureSDK`` an id that has two sources is refused; with it ``tenantId`` of the store wins over the annotation, and the
annotation of the client over ``authSecretRef`` (source: ``authorizerForWorkloadIdentity``, ``buildWorkloadIdentityCredential``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, assert_never
from urllib.parse import urlsplit

from eso_core.door import Access, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.providers.azurekv.store import (
    ASSERTION,
    CLIENT_CERTIFICATE,
    CLIENT_ID,
    CLIENT_SECRET,
    CLOUDS,
    NOTES,
    PATH,
    TENANT_ID,
    Account,
    Managed,
    OwnToken,
    Principal,
    Store,
)
from eso_core.wire import SdkCall

CLIENT_NOTE: Final = "azure.workload.identity/client-id"
TENANT_NOTE: Final = "azure.workload.identity/tenant-id"
VARIABLES: Final = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST")
KNOWN: Final = frozenset(
    {urlsplit(cloud.authority).hostname for cloud in CLOUDS.values()}
    | {"login.microsoft.com", "login.windows.net", "sts.windows.net", "login.partner.microsoftonline.cn", "login-us.microsoftonline.com"}
)
"""Hosts that Microsoft's directories answer at."""
WHO: Final = "missing environment variables. AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE must be set"


def login(access: Access) -> Talk[Session | Failure]:
    """An access token, for as long as it says that it is valid."""
    store: Store = access.spec
    identity = yield from _identity(access, store)
    if not isinstance(identity, Mapping):
        return identity
    args = {**identity, "authority": store.authority, "custom": store.custom, "resource": store.resource}
    call = SdkCall(name="azure.token", args=args, goes_to="" if isinstance(store.login, Managed) else store.authority)
    value: dict[str, Any] | Failure = yield from _kit.library(call, dict)
    if not isinstance(value, dict):
        return value
    token, lease = value.get("token"), value.get("lease_s")
    if not isinstance(token, str) or not token or not isinstance(lease, int | float):
        return Broken("azure.token: the answer holds no token")
    return Session(value=token, lease_s=max(float(lease), 1.0))


def _identity(access: Access, store: Store) -> Talk[Mapping[str, Any] | Failure]:
    """Who asks, in the words of ``azure.token``."""
    match store.login:
        case Principal(tenant=tenant, certificate=certificate):
            who = {"tenant": tenant, "client_id": access.text(CLIENT_ID)}
            if certificate is not None:
                return {**who, "method": "certificate", "certificate": access.secrets.get(CLIENT_CERTIFICATE)}
            return {**who, "method": "secret", "secret": access.text(CLIENT_SECRET)}
        case Managed(client_id):
            return {"method": "managed", "client_id": client_id}
        case OwnToken():
            return (yield from _own(store))
        case Account():
            return (yield from _account(access, store.login))
        case _:
            assert_never(store.login)


def _own(store: Store) -> Talk[Mapping[str, Any] | Failure]:
    """The operator's token is shown to directories of Microsoft, or to the one that the operator's own environment names."""
    held = yield from _variables()
    if not isinstance(held, Mapping):
        return held
    host = urlsplit(store.authority).hostname
    if host not in KNOWN and host != urlsplit(held.get("AZURE_AUTHORITY_HOST", "")).hostname:
        what = "the operator's own token is not sent to this address; its environment does not name it as AZURE_AUTHORITY_HOST"
        return InvalidSpec(what, f"{PATH}.customCloudConfig.activeDirectoryEndpoint")
    client, tenant = held.get("AZURE_CLIENT_ID", ""), held.get("AZURE_TENANT_ID", "")
    if not client or not tenant:
        return Missing(WHO)
    token = yield from _kit.library(SdkCall(name="ambient.token_file", args={"variable": "AZURE_FEDERATED_TOKEN_FILE"}), str)
    if not isinstance(token, str):
        return token
    return {"method": "assertion", "tenant": tenant, "client_id": client, "assertion": token}


def _account(access: Access, account: Account) -> Talk[Mapping[str, Any] | Failure]:
    notes = _kit.notes_of(access, NOTES)
    client, of_note = access.text(CLIENT_ID), notes.get(CLIENT_NOTE, "")
    if account.strict and client and CLIENT_NOTE in notes:
        return InvalidSpec("multiple clientID found. Check secretRef and serviceAccountRef", f"{PATH}.serviceAccountRef")
    client = of_note or client
    if not client:
        what = f"missing clientID: either serviceAccountRef or service account annotation '{CLIENT_NOTE}' is missing"
        return InvalidSpec(what, f"{PATH}.serviceAccountRef")
    tenant, of_note = access.text(TENANT_ID) or account.tenant, notes.get(TENANT_NOTE, "")
    if account.strict and tenant and TENANT_NOTE in notes:
        what = "multiple tenantID found. Check secretRef, 'spec.provider.azurekv.tenantId', and serviceAccountRef"
        return InvalidSpec(what, f"{PATH}.serviceAccountRef")
    tenant = (tenant or of_note) if account.strict else (account.tenant or of_note or tenant)
    if not tenant:
        held = yield from _variables()
        if not isinstance(held, Mapping):
            return held
        tenant = held.get("AZURE_TENANT_ID", "")
    if not tenant:
        return InvalidSpec("missing tenantID in store config", f"{PATH}.tenantId")
    assertion = access.text(ASSERTION)
    if not assertion:
        return Refused("the token of the ServiceAccount is empty")
    return {"method": "assertion", "tenant": tenant, "client_id": client, "assertion": assertion}


def _variables() -> Talk[Mapping[str, str] | Failure]:
    return (yield from _kit.library(SdkCall(name="ambient.variables", args={"names": VARIABLES}), dict))
