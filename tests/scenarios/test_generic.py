"""Targets that are no Secrets, over the whole life of their watch."""

from __future__ import annotations

from typing import Any

import orjson

from eso_core.config import Config
from eso_core.instant import HOUR, MINUTE
from eso_core.refs import CONFIG_MAP, EXTERNAL_SECRET, Kind, Ref
from eso_core.wire import KubeReply
from tests.scenarios.stepper import Stepper, api_server

NS = "team"
TARGET = Ref(CONFIG_MAP, NS, "app")
WIDGET = Kind("example.com", "v1", "Widget", "widgets", namespaced=True)
API = "external-secrets.io/v1"
STORE = {
    "apiVersion": API,
    "kind": "SecretStore",
    "metadata": {"name": "st", "namespace": NS},
    "spec": {"refreshInterval": "24h", "provider": {"fake": {"data": [{"key": "db", "value": "one"}]}}},
}


def wanted(name: str = "app", kind: str = "ConfigMap", api_version: str = "v1", **target: Any) -> dict[str, Any]:
    spec = {
        "secretStoreRef": {"name": "st", "kind": "SecretStore"},
        "target": {"manifest": {"apiVersion": api_version, "kind": kind}, **target},
        "data": [{"secretKey": "k", "remoteRef": {"key": "db"}}],
    }
    return {"apiVersion": API, "kind": "ExternalSecret", "metadata": {"name": name, "namespace": NS}, "spec": spec}


def stepper(*objects: dict[str, Any]) -> Stepper:
    made = Stepper(Config(generic_targets=True), server=api_server(NS))
    for each in (STORE, *objects):
        made.apply(each)
    made.settle()
    return made


def ready(made: Stepper, name: str = "app") -> tuple[str, str]:
    condition = made.ready(Ref(EXTERNAL_SECRET, NS, name))
    assert condition is not None
    return condition["status"], condition["reason"]


def followed(made: Stepper) -> list[str]:
    return [watcher.kind.name for watcher in made.engine.watchers if watcher not in made.engine.vital]


def writes(made: Stepper) -> list[str]:
    return [line for line in made.writes() if "configmaps" in line]


def data(made: Stepper, ref: Ref = TARGET) -> Any:
    found = made.server.read(ref)
    return None if found is None else found["data"]


def test_it_is_written_and_its_kind_is_watched_from_then_on() -> None:
    made = stepper()
    assert followed(made) == []
    made.apply(wanted())
    made.settle()
    assert (ready(made), data(made)) == (("True", "ResourceSynced"), {"k": "one"})
    assert followed(made) == ["ConfigMap"]
    assert len(writes(made)) == 1


def test_drift_is_repaired() -> None:
    made = stepper(wanted())
    writes(made)
    made.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app", "namespace": NS}, "data": {"k": "hand", "more": "x"}})
    made.settle()
    assert (data(made), len(writes(made))) == ({"k": "one"}, 1)
    made.delete(TARGET)
    made.settle()
    assert (data(made), len(writes(made))) == ({"k": "one"}, 1)


def test_a_settled_target_is_not_written_again() -> None:
    made = stepper(wanted())
    writes(made)
    made.advance(3 * HOUR)
    assert writes(made) == []
    made.start()
    made.settle()
    assert writes(made) == []
    assert followed(made) == ["ConfigMap"]


def test_contents_are_not_kept() -> None:
    made = stepper(wanted())
    packed = made.engine.cache.get(TARGET)
    assert packed is not None
    assert b'"one"' not in packed.raw


def test_the_last_who_follows_ends_the_watch() -> None:
    made = stepper(wanted(), wanted("second"))
    assert followed(made) == ["ConfigMap"]
    for name, left in (("app", ["ConfigMap"]), ("second", [])):
        made.delete(Ref(EXTERNAL_SECRET, NS, name))
        made.settle()
        assert followed(made) == left
    assert list(made.engine.cache.refs(CONFIG_MAP)) == []


def test_another_kind_takes_its_place() -> None:
    made = stepper(wanted())
    made.server.serve(WIDGET)
    made.apply(wanted(kind="Widget", api_version="example.com/v1"))
    made.settle()
    assert ready(made) == ("True", "ResourceSynced")
    assert made.server.read(Ref(WIDGET, NS, "app"))["spec"] == {"data": {"k": "one"}}  # type: ignore[index]
    assert followed(made) == ["Widget"]


def test_a_kind_that_comes_later() -> None:
    made = stepper(wanted(kind="Widget", api_version="example.com/v1"))
    assert ready(made) == ("False", "ResourceSyncedError")
    made.server.serve(WIDGET)
    made.advance(3 * MINUTE)
    assert ready(made) == ("True", "ResourceSynced")


def test_without_the_right_to_watch_it_is_written_all_the_same() -> None:
    """Its drift is seen at the next refresh, and the operator is ready and healthy."""
    made = stepper()
    refused = KubeReply(status=403, body=orjson.dumps({"kind": "Status", "reason": "Forbidden", "message": "cannot list configmaps"}))
    made.fault = lambda call: refused if call.method == "GET" and call.path == "/api/v1/configmaps" else None
    made.apply(wanted())
    made.settle()
    assert (ready(made), data(made), made.engine.synced) == (("True", "ResourceSynced"), {"k": "one"}, True)
    made.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app", "namespace": NS}, "data": {"k": "hand"}})
    made.advance(2 * HOUR)
    assert data(made) == {"k": "one"}


def test_departure() -> None:
    made = stepper(wanted(deletionPolicy="Delete"))
    made.delete(Ref(EXTERNAL_SECRET, NS, "app"))
    made.settle()
    assert data(made) is None
    assert made.server.read(Ref(EXTERNAL_SECRET, NS, "app")) is None


def test_somebody_elses_stays() -> None:
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app", "namespace": NS}, "data": {"own": "x"}}
    made = stepper(theirs, wanted(deletionPolicy="Delete", creationPolicy="Orphan"))
    assert data(made) == {"k": "one"}
    made.delete(Ref(EXTERNAL_SECRET, NS, "app"))
    made.settle()
    assert data(made) == {"k": "one"}
