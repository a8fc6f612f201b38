"""Azure Key Vault in each way to log in. Keys and certificates are read and written in other forms, so that their own tests do it."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from eso_core.providers.azurekv import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.azurekv import material
from tests.providers.azurekv.directory import App
from tests.providers.azurekv.server import CLIENT, TENANT, VAULT, Server

PUBLIC = frozenset({"client_id", "tenant_id", "account"})
CALLS = Calls(login=1, get=1, probe=0, find=4, found=1, push_new=2, push_same=1, delete=2)
DIALECT = (
    Sample(value=b"text", property="", gives=b"text"),
    Sample(value=b'{"a":{"b":"deep"}}', property="a.b", gives=b"deep"),
    Sample(value=b'{"a.b":"flat"}', property="a.b", gives=b"flat"),
    Sample(value=b'{"a.b":"flat","a":{"b":"deep"}}', property="a.b", gives=b"deep"),
    Sample(value=b'{"n":1.50,"o":{"x": 1}}', property="n", gives=b"1.5"),
    Sample(value=b'{"n":1.50,"o":{"x": 1}}', property="o", gives=b'{"x": 1}'),
    Sample(value=b'{"a":1}', property="b", gives="failed"),
)
CLIENT_ID = {"name": "azure", "key": "client-id"}


def _principal(**auth: Any) -> dict[str, Any]:
    return {"vaultUrl": VAULT, "tenantId": TENANT, "authSecretRef": {"clientId": CLIENT_ID, **auth}}


def _case(name: str, **more: Any) -> Case:
    common: dict[str, Any] = {
        "provider": PROVIDER,
        "public": PUBLIC,
        "finds": frozenset({"name", "tags"}),
        "versions": True,
        "missing_version": "absent",
        "metadata": True,
        "dialect": DIALECT,
        "calls": CALLS,
    }
    return Case(name=name, **{**common, **more})


SECRET_SPEC = _principal(clientSecret={"name": "azure", "key": "client-secret"})
SECRETS = {"client_id": CLIENT.encode(), "client_secret": b"sesame-open-1"}
WORKLOAD = {"vaultUrl": VAULT, "authType": "WorkloadIdentity"}
NOTES = orjson.dumps({"azure.workload.identity/client-id": CLIENT, "azure.workload.identity/tenant-id": TENANT})


def _secret_server() -> Server:
    rotated = ({**SECRETS, "client_secret": b"sesame-open-2"}, App(CLIENT, secrets={"sesame-open-2"}))
    return Server(App(CLIENT, secrets={"sesame-open-1"}), rotates=rotated, identity=True)


def _certificate_server() -> Server:
    rotated = {"client_id": CLIENT.encode(), "client_certificate": material.pfx(1)}
    return Server(App(CLIENT, files={material.pem_pair()}), rotates=(rotated, App(CLIENT, files={material.pfx(1)})))


def _workload_server() -> Server:
    rotated = ({"account": NOTES, "assertion": b"eyJ.workload-2.sig"}, App(CLIENT, federated={"eyJ.workload-2.sig"}))
    return Server(App(CLIENT, federated={"eyJ.workload-1.sig"}), rotates=rotated)


def _own_server() -> Server:
    environ = {"AZURE_CLIENT_ID": CLIENT, "AZURE_TENANT_ID": TENANT}
    return Server(App(CLIENT, federated={"eyJ.own.sig"}), environ=environ, own_token="eyJ.own.sig")


CASES = (
    _case("azurekv-secret", spec=SECRET_SPEC, secrets=SECRETS, server=_secret_server),
    _case(
        "azurekv-certificate",
        spec=_principal(clientCertificate={"name": "azure", "key": "certificate.pem"}),
        secrets={"client_id": CLIENT.encode(), "client_certificate": material.pem_pair()},
        server=_certificate_server,
    ),
    _case(
        "azurekv-managed-identity",
        spec={"vaultUrl": VAULT, "authType": "ManagedIdentity", "identityId": CLIENT},
        server=partial(Server, managed=CLIENT),
    ),
    _case(
        "azurekv-workload-identity",
        spec={**WORKLOAD, "serviceAccountRef": {"name": "reader", "namespace": "team"}},
        secrets={"account": NOTES, "assertion": b"eyJ.workload-1.sig"},
        server=_workload_server,
        cluster=True,
    ),
    _case("azurekv-own-workload-identity", spec=WORKLOAD, server=_own_server),
)
