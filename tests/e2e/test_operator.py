"""The whole operator, installed as the chart installs it, on a real API server with real backends."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eso_core.compat.hash import resource_version
from tests.e2e.harness.backends import STORE, Aws, Backend, Fake, Kubernetes, Vault
from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.kubectl import Kubectl
from tests.e2e.harness.operator import Operator
from tests.e2e.harness.process import NotInTime
from tests.e2e.harness.services import Moto, OpenBao

API = "external-secrets.io/v1"
Manifest = dict[str, Any]
pytestmark = pytest.mark.xdist_group("operator")


@pytest.fixture(scope="module")
def operator(collecting_control_plane: ControlPlane, moto: Moto) -> Iterator[Operator]:
    environment = {"AWS_SECRETSMANAGER_ENDPOINT": moto.url, "AWS_STS_ENDPOINT": moto.url}
    with Operator(collecting_control_plane, environment=environment) as running:
        collecting_control_plane.restart_controllers()  # it learns the new owner kinds
        yield running


@pytest.fixture(params=["fake", "vault", "aws", "kubernetes"])
def backend(
    request: pytest.FixtureRequest,
    operator: Operator,
    kubectl: Kubectl,
    namespace: str,
    control_plane: ControlPlane,
    openbao: OpenBao,
    moto: Moto,
) -> Backend:
    backends: dict[str, Callable[[], Backend]] = {
        "fake": lambda: Fake(kubectl, namespace),
        "vault": lambda: Vault(kubectl, namespace, openbao),
        "aws": lambda: Aws(kubectl, namespace, moto),
        "kubernetes": lambda: Kubernetes(kubectl, namespace, control_plane),
    }
    made = backends[request.param]()
    made.prepare()
    return made


class Cluster:
    """What the tests do and see in one namespace."""

    def __init__(self, kubectl: Kubectl, namespace: str, operator: Operator) -> None:
        self.kubectl, self.namespace, self._operator = kubectl, namespace, operator

    def want(self, backend: Backend, name: str = "app", **spec: Any) -> None:
        remote = backend.remote("one")
        data = [{"secretKey": "user", "remoteRef": {"key": remote, "property": "user"}}]
        wanted = {"refreshInterval": "1h", "secretStoreRef": {"kind": "SecretStore", "name": STORE}, "data": data, **spec}
        meta = {"name": name, "namespace": self.namespace}
        self.kubectl.apply({"apiVersion": API, "kind": "ExternalSecret", "metadata": meta, "spec": wanted})

    def data(self, name: str = "app") -> dict[str, str] | None:
        found = self.kubectl.find("v1", "Secret", name, self.namespace)
        return None if found is None else {key: base64.b64decode(value).decode() for key, value in found.get("data", {}).items()}

    def ready(self, name: str = "app", kind: str = "ExternalSecret") -> tuple[str, str]:
        found = self.kubectl.find(API, kind, name, self.namespace) or {}
        for condition in found.get("status", {}).get("conditions", []):
            if condition["type"] == "Ready":
                return condition["status"], condition["reason"]
        return "", ""

    def up_to_date(self, name: str) -> bool:
        """The status tells of the object's present spec and metadata."""
        found = self.kubectl.get(API, "ExternalSecret", name, self.namespace)
        meta = found["metadata"]
        version = resource_version(meta["generation"], meta.get("annotations"), meta.get("labels"))
        return self.ready(name)[0] == "True" and found["status"].get("syncedResourceVersion") == version

    def until(self, condition: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
        try:
            self.kubectl.wait_for(condition, what, timeout_s)
        except NotInTime as late:
            raise AssertionError(f"{late}\n{self._operator.log[-4000:]}") from None

    def force(self, name: str = "app", word: str = "now") -> None:
        patch = {"metadata": {"annotations": {"external-secrets.io/force-sync": word}}}
        self.kubectl.patch(API, "ExternalSecret", name, patch, self.namespace)

    def events(self, name: str) -> set[str]:
        events = self.kubectl.list("v1", "Event", self.namespace)
        return {event["reason"] for event in events if event["involvedObject"]["name"] == name}


@pytest.fixture
def cluster(kubectl: Kubectl, namespace: str, operator: Operator) -> Cluster:
    return Cluster(kubectl, namespace, operator)


@pytest.fixture
def synced(backend: Backend, cluster: Cluster) -> Backend:
    """A synced object called ``app``."""
    backend.put("one", {"user": "ada", "password": "first"})
    cluster.want(backend)
    cluster.until(lambda: cluster.data() == {"user": "ada"}, "the Secret is there")
    cluster.until(lambda: cluster.ready() == ("True", "SecretSynced"), "the object says so")
    return backend


def test_create(synced: Backend, cluster: Cluster) -> None:
    found = cluster.kubectl.get("v1", "Secret", "app", cluster.namespace)
    assert found["metadata"]["labels"]["reconcile.external-secrets.io/managed"] == "true"
    assert [owner["name"] for owner in found["metadata"]["ownerReferences"]] == ["app"]
    managers = {entry["manager"] for entry in found["metadata"]["managedFields"]}
    assert managers == {"externalsecrets.external-secrets.io/app"}
    cluster.until(lambda: "Created" in cluster.events("app"), "the event is there")


def test_rotate(synced: Backend, cluster: Cluster) -> None:
    synced.put("one", {"user": "grace", "password": "second"})
    cluster.force()
    cluster.until(lambda: cluster.data() == {"user": "grace"}, "the new value is there")


def test_extract_and_find(synced: Backend, cluster: Cluster) -> None:
    cluster.want(synced, name="whole", data=[], dataFrom=[{"extract": {"key": synced.remote("one")}}])
    cluster.until(lambda: cluster.data("whole") == {"user": "ada", "password": "first"}, "every key is there")


def test_drift_is_repaired(synced: Backend, cluster: Cluster) -> None:
    patch = {"data": {"user": base64.b64encode(b"mallory").decode(), "more": ""}}
    cluster.kubectl.patch("v1", "Secret", "app", patch, cluster.namespace)
    cluster.until(lambda: cluster.data() == {"user": "ada"}, "the edit is undone")


def test_deleted_target_comes_back(synced: Backend, cluster: Cluster) -> None:
    cluster.kubectl.delete("v1", "Secret", "app", cluster.namespace)
    cluster.until(lambda: cluster.data() == {"user": "ada"}, "the Secret is back")


def test_deleted_object_takes_its_secret_along(synced: Backend, cluster: Cluster) -> None:
    cluster.kubectl.delete(API, "ExternalSecret", "app", cluster.namespace)
    cluster.until(lambda: cluster.data() is None, "the Secret is collected")


def test_vanished_value_deletes_the_secret_where_the_policy_says_so(synced: Backend, cluster: Cluster) -> None:
    cluster.want(synced, target={"deletionPolicy": "Delete"})
    cluster.until(lambda: cluster.ready() == ("True", "SecretSynced"), "synced under the new policy")
    synced.delete("one")
    cluster.force()
    cluster.until(lambda: cluster.data() is None, "the Secret is gone")
    cluster.until(lambda: cluster.ready() == ("True", "SecretDeleted"), "the object says so")
    cluster.kubectl.delete(API, "ExternalSecret", "app", cluster.namespace)
    cluster.kubectl.wait_gone(API, "ExternalSecret", "app", cluster.namespace)


def test_vanished_value_keeps_the_secret_otherwise(synced: Backend, cluster: Cluster) -> None:
    synced.delete("one")
    cluster.force()
    cluster.until(lambda: cluster.ready() == ("False", "SecretSyncedError"), "the object says so")
    assert cluster.data() == {"user": "ada"}


def test_templates(synced: Backend, cluster: Cluster) -> None:
    """Of the values, of a ConfigMap, and one that makes a key."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "texts", "namespace": cluster.namespace}}
    cluster.kubectl.apply({**config, "data": {"greeting": "hello {{ .user | title }}"}})
    template = {
        "metadata": {"labels": {"user": "{{ .user }}"}},
        "data": {"url": "db://{{ .user }}@host", "key": '{{ genPrivateKey "ecdsa" }}'},
        "templateFrom": [{"configMap": {"name": "texts", "items": [{"key": "greeting"}]}}],
    }
    cluster.want(synced, name="made", target={"template": template})
    cluster.until(lambda: cluster.ready("made") == ("True", "SecretSynced"), "it is synced")
    data = cluster.data("made") or {}
    assert data.keys() == {"url", "key", "greeting"}
    assert (data["url"], data["greeting"]) == ("db://ada@host", "hello Ada")
    assert data["key"].startswith("-----BEGIN EC PRIVATE KEY-----")
    assert cluster.kubectl.get("v1", "Secret", "made", cluster.namespace)["metadata"]["labels"]["user"] == "ada"
    cluster.kubectl.apply({**config, "data": {"greeting": "bye"}})
    cluster.force("made")
    cluster.until(lambda: (cluster.data("made") or {}).get("greeting") == "bye", "the ConfigMap's new text is there")


def test_store_fixed_after_a_bad_token(synced: Backend, cluster: Cluster) -> None:
    synced.spoil()
    cluster.until(lambda: cluster.ready(STORE, "SecretStore")[0] == "False", "the store is not ready")
    cluster.want(synced, name="late")
    cluster.until(lambda: cluster.ready("late")[0] == "False", "an object of it fails")
    assert cluster.data() == {"user": "ada"}
    synced.mend()
    cluster.until(lambda: cluster.ready(STORE, "SecretStore") == ("True", "Valid"), "the store is ready again", 60)
    cluster.until(lambda: cluster.data("late") == {"user": "ada"}, "its object follows at once", 10)


def test_killed_at_random(synced: Backend, cluster: Cluster, operator: Operator, request: pytest.FixtureRequest) -> None:
    """Whatever moment it dies at, the next one finishes the work, and a restart by itself writes nothing."""
    chance = random.Random(synced.name)
    names = [f"obj-{i}" for i in range(10)]
    for round_ in range(3):
        value = f"round-{round_}"
        synced.put("one", {"user": value})
        for name in names:
            cluster.want(synced, name=name, refreshInterval="1h")
            cluster.force(name, value)
        alive_for = chance.uniform(0.0, 0.3)
        cluster.until(_after(alive_for), "some time has passed")
        operator.kill()
        operator.start()
        cluster.until(lambda value=value: all(cluster.data(name) == {"user": value} for name in names), f"all have {value}", 60)
        cluster.until(lambda: all(cluster.up_to_date(name) for name in names), "all say so")
    versions = _versions(cluster)
    operator.stop()
    operator.start()
    cluster.until(
        lambda: operator.metric("externalsecret_sync_calls_total", namespace=cluster.namespace) >= len(names), "all were looked at"
    )
    assert _versions(cluster) == versions


def _after(seconds: float) -> Callable[[], bool]:
    import time

    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _versions(cluster: Cluster) -> dict[str, str]:
    kinds = (("v1", "Secret"), (API, "ExternalSecret"))
    return {
        f"{kind}/{o['metadata']['name']}": o["metadata"]["resourceVersion"]
        for api, kind in kinds
        for o in cluster.kubectl.list(api, kind, cluster.namespace)
    }


def test_foreign_secret_is_adopted_without_losing_the_race(synced: Backend, cluster: Cluster) -> None:
    """It carries no managed label, so the cache does not show it; the API server's 409 does."""
    meta = {"name": "foreign", "namespace": cluster.namespace}
    cluster.kubectl.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"old": "value"}})
    cluster.want(synced, name="foreign")
    cluster.until(lambda: cluster.data("foreign") == {"user": "ada"}, "the Secret is ours")


def test_probes_and_metrics(operator: Operator, synced: Backend, cluster: Cluster) -> None:
    assert operator.ready()
    assert operator.healthy()
    labels = {"name": "app", "namespace": cluster.namespace}
    cluster.until(
        lambda: operator.metric("externalsecret_status_condition", status="True", condition="Ready", **labels) == 1, "the gauge is set"
    )


def test_no_value_in_the_log(operator: Operator, synced: Backend) -> None:
    assert "grace" not in operator.log
    assert "first" not in operator.log
