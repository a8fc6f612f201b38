"""A watch that is silent, or late: what can be known without it is taken in at once, long before it is given up."""

from __future__ import annotations

import base64
import copy
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
    made.silence()
    made.apply(wanted("new"))
    made.take_log()
    made.advance(MINUTE + MINUTE // 5)
    refused = [line for line in made.writes() if line.endswith("409")]
    assert refused == ["PATCH team/externalsecrets/app/status -> 409"]
    assert made.secret() is not None
    assert made.secret()["data"] == {"k": "dHdv"}  # type: ignore[index]


def test_a_store_whose_change_is_told_after_that_of_its_object() -> None:
    """Both were changed, the store first, and the object's stream is the faster one: the object's pass must see the new store."""
    made = Stepper(server=api_server(NS))
    made.apply(STORE)
    made.apply(wanted("db"))
    made.settle()
    made.silence("secretstores")
    store = copy.deepcopy(STORE)
    store["spec"]["provider"]["fake"]["data"][0]["value"] = "changed"
    made.apply(store)
    object_ = wanted("db")
    object_["metadata"]["annotations"] = {"external-secrets.io/force-sync": "now"}
    made.apply(object_)
    made.take_log()
    made.settle()
    secret = made.secret()
    assert secret is not None
    assert base64.b64decode(secret["data"]["k"]) == b"changed"
