"""How many calls to a backend it takes: no more logins than roles, no more reads than keys, and none that is not due."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from eso_core.instant import HOUR, MINUTE, SECOND
from eso_core.wire import Call, CallReply, HttpCall, HttpReply
from tests.scenarios.stepper import Stepper, api_server

NS = "team"
API = "external-secrets.io/v1"
LOGIN, READ = "PUT auth/approle/login", "GET kv/data/"
ROLE = {"path": "approle", "roleId": "role", "secretRef": {"name": "creds", "key": "id"}}
STORE = {
    "apiVersion": API,
    "kind": "SecretStore",
    "metadata": {"name": "st", "namespace": NS},
    "spec": {
        "refreshInterval": "24h",
        "provider": {"vault": {"server": "https://vault", "path": "kv", "version": "v2", "auth": {"appRole": ROLE}}},
    },
}


def wanted(name: str, key: str, interval: str = "1h", note: str = "") -> dict[str, Any]:
    spec = {
        "refreshInterval": interval,
        "secretStoreRef": {"name": "st", "kind": "SecretStore"},
        "data": [{"secretKey": "k", "remoteRef": {"key": key, "property": "p"}}],
    }
    meta = {"name": name, "namespace": NS, **({"annotations": {"external-secrets.io/force-sync": note}} if note else {})}
    return {"apiVersion": API, "kind": "ExternalSecret", "metadata": meta, "spec": spec}


class Cluster(Stepper):
    """With a role of the Vault: its tokens live for ``lease_s``, and it knows one secret id."""

    def __init__(self, lease_s: int = 7200, secret_id: str = "right") -> None:
        self.good, self.lease_s = "right", lease_s
        super().__init__(server=api_server(NS))
        self.vault.values = {f"k{number}": {"p": f"v{number}"} for number in range(1000)}
        work = self.vault.answer

        def answer(call: Call) -> CallReply:
            assert isinstance(call, HttpCall)
            if not urlsplit(call.url).path.endswith("/login"):
                return work(call)
            self.vault.calls.append(LOGIN)
            if json.loads(call.body)["secret_id"] != self.good:
                return HttpReply(status=400, body=b'{"errors":["invalid role or secret ID"]}')
            token = f"token {len(self.vault.calls)}"
            self.vault.tokens.add(token)
            return HttpReply(status=200, body=json.dumps({"auth": {"client_token": token, "lease_duration": self.lease_s}}).encode())

        self.vault.answer = answer  # type: ignore[method-assign]
        self.credential(secret_id)
        self.apply(STORE)

    def credential(self, secret_id: str) -> None:
        data = {"id": base64.b64encode(secret_id.encode()).decode()}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "creds", "namespace": NS}, "data": data})

    def later(self, length_ns: int) -> None:
        """Time passes at once."""
        self._pass(length_ns)

    def calls(self) -> Counter[str]:
        """Logins, and reads of keys, since the last call; not the validations of the store."""
        taken, self.vault.calls[:] = [line for line in self.vault.calls if line == LOGIN or line.startswith(READ)], []
        return Counter(LOGIN if line == LOGIN else READ for line in taken)

    def value(self, name: str) -> str:
        secret = self.secret(name)
        assert secret is not None
        return base64.b64decode(secret["data"]["k"]).decode()


def test_a_thousand_objects_of_one_role_log_in_once() -> None:
    cluster = Cluster()
    for number in range(1000):
        cluster.apply(wanted(f"es{number}", f"k{number}"))
    cluster.settle(10_000)
    assert cluster.calls() == {LOGIN: 1, READ: 1000}
    assert (cluster.value("es0"), cluster.value("es999")) == ("v0", "v999")
    for number in range(10):
        cluster.apply(wanted(f"es{number}", f"k{number}", note="now"))
    cluster.settle()
    assert cluster.calls() == {READ: 10}


def test_twenty_objects_that_read_one_key_cost_one_call() -> None:
    cluster = Cluster()
    for number in range(20):
        cluster.apply(wanted(f"es{number}", "k7"))
    cluster.settle()
    assert cluster.calls() == {LOGIN: 1, READ: 1}
    assert {cluster.value(f"es{number}") for number in range(20)} == {"v7"}


def test_a_sync_that_is_forced_after_a_rotation_sees_the_new_value() -> None:
    """However short the time after an object that read the same key."""
    cluster = Cluster()
    for name in ("one", "two"):
        cluster.apply(wanted(name, "k7"))
    cluster.settle()
    cluster.calls()
    for turn in range(3):
        cluster.vault.values["k7"] = {"p": f"rotated {turn}"}
        for name in ("one", "two"):
            cluster.apply(wanted(name, "k7", note=str(turn)))
        cluster.settle()
        assert {cluster.value(name) for name in ("one", "two")} == {f"rotated {turn}"}
        assert cluster.calls() == {READ: 1}


def test_what_is_not_due_costs_nothing() -> None:
    cluster = Cluster()
    cluster.apply(wanted("es", "k7"))
    cluster.advance(59 * MINUTE)
    assert cluster.calls() == {LOGIN: 1, READ: 1}
    cluster.start()
    cluster.settle()
    assert cluster.calls() == {LOGIN: 1}  # the store is validated
    cluster.advance(10 * MINUTE)
    assert cluster.calls() == {READ: 1}


def test_a_lease_is_renewed_once() -> None:
    cluster = Cluster(lease_s=600)
    for number in range(5):
        cluster.apply(wanted(f"es{number}", f"k{number}", interval="30s"))
    cluster.advance(HOUR)
    found = cluster.calls()
    assert 6 <= found[LOGIN] <= 7
    assert found[READ] > 500


def test_many_objects_with_a_wrong_credential_hardly_log_in() -> None:
    cluster = Cluster()
    cluster.settle()
    cluster.calls()
    cluster.credential("wrong")
    cluster.later(20 * SECOND)
    for number in range(300):
        cluster.apply(wanted(f"es{number}", f"k{number}"))
    cluster.settle(10_000)
    assert cluster.calls() == {LOGIN: 1}
    for _ in range(5):
        cluster.later(2 * SECOND)
        cluster.settle(10_000)
    assert cluster.calls()[LOGIN] <= 4
    cluster.good = "wrong"
    for _ in range(20):
        cluster.later(20 * SECOND)
        cluster.settle(10_000)
    assert cluster.calls() == {LOGIN: 1, READ: 300}
