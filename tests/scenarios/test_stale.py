"""A watch that is silent: what a refused write tells is taken in at once, long before the watch is given up."""

from __future__ import annotations

from typing import Any

from eso_core.instant import MINUTE
from tests.scenarios.stepper import Stepper, api_server

NS = "team"
API = "external-secrets.io/v1"
STORE = {
    "apiVersion": API,
    "kind": "SecretStore",
    "metadata": {"name": "st", "namespace": NS},
    "spec": {"refreshInterval": "24h", "provider": {"fake": {"data": [{"key": "db", "value": "one"}, {"key": "new", "value": "two"}]}}},
}


def wanted(key: str) -> dict[str, Any]:
    spec = {
        "refreshInterval": "1m",
        "secretStoreRef": {"name": "st", "kind": "SecretStore"},
        "data": [{"secretKey": "k", "remoteRef": {"key": key}}],
    }
    return {"apiVersion": API, "kind": "ExternalSecret", "metadata": {"name": "app", "namespace": NS}, "spec": spec}


def test_an_edit_that_the_watch_does_not_tell() -> None:
    made = Stepper(server=api_server(NS))
    made.apply(STORE)
    made.apply(wanted("db"))
    made.settle()
    made._streams.clear()
    made.apply(wanted("new"))
    made.take_log()
    made.advance(MINUTE + MINUTE // 5)
    refused = [line for line in made.writes() if line.endswith("409")]
    assert refused == ["PATCH team/externalsecrets/app/status -> 409"]
    assert made.secret() is not None
    assert made.secret()["data"] == {"k": "dHdv"}  # type: ignore[index]
