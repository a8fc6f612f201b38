"""Logins: whose token is asked for, where and for what; and the stores that are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from eso_core.door import (
    AccountNotes,
    AccountToken,
    Get,
    Session,
)
from eso_core.failure import Broken, InvalidSpec, Missing, Refused
from eso_core.wire import CallFailed, HttpCall, HttpReply, SdkCall, SdkReply
from tests.providers import scripts
from tests.providers.azurekv.case import SECRET_SPEC, WORKLOAD
from tests.providers.azurekv.server import CLIENT, RESOURCE, TENANT, VAULT
from tests.providers.azurekv.talks import SESSION, TOKEN, use

# ---------------------------------------------------------------- logging in


def login(spec: Mapping[str, Any], secrets: Mapping[str, str], *replies: Any) -> scripts.Ran[Any]:
    talk = scripts.provider("azurekv").login
    assert talk is not None
    return scripts.run(talk(use(spec, secrets)), replies)


def asked(ran: scripts.Ran[Any]) -> dict[str, Any]:
    call = ran.calls[-1]
    assert isinstance(call, SdkCall)
    assert call.name == "azure.token"
    return dict(call.args)


def test_a_session_is_a_token_for_as_long_as_it_says() -> None:
    ran = login(SECRET_SPEC, {"client_id": f" {CLIENT}\n", "client_secret": "s\n"}, TOKEN)
    assert ran.value == SESSION
    assert ran.calls[0].goes_to == "https://login.microsoftonline.com"
    assert asked(ran) == {
        "method": "secret",
        "tenant": TENANT,
        "client_id": CLIENT,
        "secret": "s",
        "authority": "https://login.microsoftonline.com",
        "custom": False,
        "resource": RESOURCE,
    }


@pytest.mark.parametrize("reply", [CallFailed(Refused("no", session=True)), SdkReply(value={}), SdkReply(value=1), HttpReply(status=200)])
def test_a_login_without_a_token_is_a_failure(reply: Any) -> None:
    assert isinstance(login(SECRET_SPEC, {}, reply).value, Refused | Broken)


STACK = {"environmentType": "AzureStackCloud", "useAzureSDK": True}
CLOUD = {"activeDirectoryEndpoint": "https://adfs.local/adfs/"}


@pytest.mark.parametrize(
    ("spec", "authority", "resource"),
    [
        (
            {"vaultUrl": "https://t.vault.usgovcloudapi.net/", "environmentType": "USGovernmentCloud"},
            "login.microsoftonline.us",
            "vault.usgovcloudapi.net",
        ),
        ({"vaultUrl": "https://t.vault.azure.cn", "environmentType": "ChinaCloud"}, "login.chinacloudapi.cn", "vault.azure.cn"),
        (
            {"vaultUrl": "https://t.vault.microsoftazure.de", "environmentType": "GermanCloud"},
            "login.microsoftonline.de",
            "vault.microsoftazure.de",
        ),
        ({"vaultUrl": "https://t.managedhsm.azure.net"}, "login.microsoftonline.com", "managedhsm.azure.net"),
        (
            {
                "vaultUrl": "https://t.vault.local.stack",
                "environmentType": "AzureStackCloud",
                "useAzureSDK": True,
                "customCloudConfig": CLOUD,
            },
            "adfs.local/adfs",
            "vault.local.stack",
        ),
        (
            {
                "vaultUrl": "https://t.vault.azure.cn",
                "environmentType": "ChinaCloud",
                "useAzureSDK": True,
                "customCloudConfig": {**CLOUD, "keyVaultEndpoint": "https://vault.azure.cn/"},
            },
            "adfs.local/adfs",
            "vault.azure.cn",
        ),
        (
            {"vaultUrl": "https://t.kv.corp", "useAzureSDK": True, "customCloudConfig": {**CLOUD, "keyVaultDNSSuffix": ".kv.corp"}},
            "adfs.local/adfs",
            "kv.corp",
        ),
    ],
)
def test_clouds(spec: dict[str, Any], authority: str, resource: str) -> None:
    args = asked(login({**SECRET_SPEC, **spec}, {}, TOKEN))
    assert (args["authority"], args["resource"]) == (f"https://{authority}", f"https://{resource}")
    assert args["custom"] == ("customCloudConfig" in spec)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"vaultUrl": "http://team.vault.azure.net"}, "vaultUrl"),
        ({"vaultUrl": "https://team.vault.azure.net.evil.example"}, "vaultUrl"),
        ({"vaultUrl": "https://evilvault.azure.net"}, "vaultUrl"),
        ({"vaultUrl": "https://vault.azure.net"}, "vaultUrl"),
        ({"vaultUrl": "https://user@team.vault.azure.net"}, "vaultUrl"),
        ({"vaultUrl": "https://team.vault.azure.net\\@evil.example"}, "vaultUrl"),
        ({"vaultUrl": "team.vault.azure.net"}, "vaultUrl"),
        ({"vaultUrl": "https://team.vault.azure.cn"}, "vaultUrl"),
        ({"customCloudConfig": CLOUD}, "customCloudConfig"),
        ({"customCloudConfig": {"activeDirectoryEndpoint": " "}, "useAzureSDK": True}, "customCloudConfig.activeDirectoryEndpoint"),
        ({"customCloudConfig": {"activeDirectoryEndpoint": "http://x"}, "useAzureSDK": True}, "customCloudConfig.activeDirectoryEndpoint"),
        ({"customCloudConfig": {**CLOUD, "keyVaultEndpoint": "https://other.net"}, "useAzureSDK": True}, "vaultUrl"),
        ({"environmentType": "AzureStackCloud", "useAzureSDK": True}, "customCloudConfig"),
        ({"environmentType": "GermanCloud", "useAzureSDK": True}, "environmentType"),
        ({"tenantId": None}, "tenantId"),
        ({"authSecretRef": None}, "authSecretRef"),
        ({"authSecretRef": {"clientId": {"name": "a", "key": "b"}}}, "authSecretRef"),
        ({"authSecretRef": {"clientSecret": {"name": "a", "key": "b"}}}, "authSecretRef"),
        (
            {"authSecretRef": {name: {"name": "a", "key": "b"} for name in ("clientId", "clientSecret", "clientCertificate")}},
            "authSecretRef",
        ),
        (
            {**WORKLOAD, "serviceAccountRef": {"name": "sa"}, "authSecretRef": {"tenantId": {"name": "a", "key": "b"}}},
            "authSecretRef.clientId",
        ),
    ],
)
def test_stores_that_are_refused(spec: dict[str, Any], path: str) -> None:
    wrong = scripts.parsed("azurekv", {**SECRET_SPEC, **spec})
    assert isinstance(wrong, InvalidSpec), wrong
    assert wrong.path == f"spec.provider.azurekv.{path}"


NOTE = "azure.workload.identity/"
ACCOUNT = {**WORKLOAD, "serviceAccountRef": {"name": "sa", "namespace": "other", "audiences": ["more"]}}


def test_a_service_account_is_asked_for_a_token_that_the_directory_exchanges() -> None:
    form = scripts.parsed("azurekv", ACCOUNT, cluster=True)
    assert scripts.provider("azurekv").needs(form) == {
        "account": AccountNotes("sa", "other"),
        "assertion": AccountToken("sa", ("api://AzureADTokenExchange", "more"), "other"),
    }


@pytest.mark.parametrize(
    ("spec", "notes", "secrets", "ids"),
    [
        ({}, {"client-id": "c", "tenant-id": "t"}, {}, ("c", "t")),
        ({"tenantId": "spec"}, {"client-id": "c"}, {}, ("c", "spec")),
        ({"tenantId": "spec"}, {"client-id": "c", "tenant-id": "t"}, {}, "multiple tenantID"),
        ({"tenantId": "spec", "useAzureSDK": True}, {"client-id": "c", "tenant-id": "t"}, {}, ("c", "spec")),
        ({}, {"tenant-id": "t"}, {"client_id": "s"}, ("s", "t")),
        ({}, {"client-id": "c", "tenant-id": "t"}, {"client_id": "s"}, "multiple clientID"),
        ({"useAzureSDK": True}, {"client-id": "c", "tenant-id": "t"}, {"client_id": "s"}, ("c", "t")),
        ({"tenantId": "spec"}, {}, {"client_id": "s", "tenant_id": "st"}, ("s", "st")),
        ({}, {"tenant-id": "t"}, {}, "missing clientID"),
    ],
)
def test_where_the_ids_of_a_workload_come_from(spec: dict[str, Any], notes: dict[str, str], secrets: dict[str, str], ids: Any) -> None:
    references = {"client_id": "clientId", "tenant_id": "tenantId"}
    auth = {references[slot]: {"name": "a", "key": "b"} for slot in secrets}
    full = {**ACCOUNT, **spec, **({"authSecretRef": auth} if auth else {})}
    held = {"account": orjson.dumps({NOTE + name: value for name, value in notes.items()}).decode(), "assertion": "jwt", **secrets}
    ran = login(full, held, *([TOKEN] if isinstance(ids, tuple) else []))
    if isinstance(ids, tuple):
        args = asked(ran)
        assert (args["method"], args["client_id"], args["tenant"], args["assertion"]) == ("assertion", *ids, "jwt")
    else:
        assert isinstance(ran.value, InvalidSpec)
        assert ids in ran.value.what


@pytest.mark.parametrize("tenant", ["env", ""])
def test_the_tenant_of_a_workload_may_be_the_operators(tenant: str) -> None:
    held = {"account": orjson.dumps({f"{NOTE}client-id": "c"}).decode(), "assertion": "jwt"}
    ran = login(ACCOUNT, held, SdkReply(value={"AZURE_TENANT_ID": tenant}), *([TOKEN] if tenant else []))
    assert asked(ran)["tenant"] == "env" if tenant else isinstance(ran.value, InvalidSpec)


OWN = {"AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t"}


def test_the_operators_own_identity() -> None:
    ran = login(WORKLOAD, {}, SdkReply(value=OWN), SdkReply(value="own-jwt"), TOKEN)
    assert [call.name for call in ran.calls] == ["ambient.variables", "ambient.token_file", "azure.token"]
    assert asked(ran)["assertion"] == "own-jwt"
    assert isinstance(login(WORKLOAD, {}, SdkReply(value={"AZURE_CLIENT_ID": "c"})).value, Missing)
    assert isinstance(login(WORKLOAD, {}, SdkReply(value=OWN), CallFailed(Missing("no file"))).value, Missing)


def test_the_operators_own_token_is_shown_to_no_directory_that_a_tenant_names() -> None:
    lure = {
        **WORKLOAD,
        "useAzureSDK": True,
        "environmentType": "AzureStackCloud",
        "vaultUrl": "https://t.vault.evil.example",
        "customCloudConfig": {"activeDirectoryEndpoint": "https://login.evil.example"},
    }
    ran = login(lure, {}, SdkReply(value=OWN))
    assert isinstance(ran.value, InvalidSpec)
    assert [call.name for call in ran.calls] == ["ambient.variables"]
    named = SdkReply(value={**OWN, "AZURE_AUTHORITY_HOST": "https://login.evil.example/"})
    assert login(lure, {}, named, SdkReply(value="own-jwt"), TOKEN).value == SESSION
    partner = {**WORKLOAD, "useAzureSDK": True, "environmentType": "ChinaCloud", "vaultUrl": "https://t.vault.azure.cn"}
    partner["customCloudConfig"] = {"activeDirectoryEndpoint": "https://login.partner.microsoftonline.cn/"}
    assert login(partner, {}, SdkReply(value=OWN), SdkReply(value="own-jwt"), TOKEN).value == SESSION


def test_a_managed_identity_may_be_named() -> None:
    spec = {"vaultUrl": VAULT, "authType": "ManagedIdentity"}
    assert asked(login(spec, {}, TOKEN))["client_id"] == ""
    ran = login({**spec, "identityId": "id"}, {}, TOKEN)
    assert asked(ran)["client_id"] == "id"
    assert ran.calls[0].goes_to == ""


def test_no_text_form_shows_a_credential() -> None:
    ran = login(
        SECRET_SPEC, {"client_id": CLIENT, "client_secret": scripts.CANARY}, SdkReply(value={"token": scripts.CANARY, "lease_s": 1})
    )
    assert scripts.CANARY not in repr((ran.value, ran.calls))
    call = scripts.run(scripts.provider("azurekv").fetch(use(), Session(value=scripts.CANARY), (Get(key="a"),)), [HttpReply(status=500)])
    assert scripts.CANARY not in repr((call.value, call.calls))
    assert isinstance(call.calls[0], HttpCall)
