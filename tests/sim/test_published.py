"""Bugs that operators of this kind were known for, one scripted scenario each. Nothing is left to chance here."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from eso_core.failure import Unreachable
from eso_core.instant import HOUR, MINUTE, SECOND
from eso_core.machines.commands import CloseWatch, OpenWatch, Report, SendCall, SendKube
from eso_core.refs import CONFIG_MAP, EXTERNAL_SECRET, NAMESPACE, SECRET, SECRET_STORE, Ref
from eso_core.sim.watch import Watch
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL
from eso_core.wire import Call, CallReply, HttpCall, HttpReply, KubeCall, KubeReply
from tests.scenarios.stepper import Stepper, Vault, api_server

NS = "team"
ES = "externalsecrets"


class Server(Vault):
    """A Vault whose stores may hang (a mount that never answers), ask for peace, or list their secrets."""

    hung = ""
    retry_after = ""

    def answer(self, call: Call) -> CallReply:
        assert isinstance(call, HttpCall)
        if self.retry_after:
            self.calls.append(call.url)
            return HttpReply(status=429, headers={"retry-after": self.retry_after})
        if "list=true" in call.url:
            self.calls.append("LIST")
            return HttpReply(status=200, body=json.dumps({"data": {"keys": sorted(self.values)}}).encode())
        return super().answer(call)


class Stage(Stepper):
    """A stepper whose streams can break and whose calls can hang."""

    def __init__(self) -> None:
        super().__init__(server=api_server(NS))
        self.vault: Server = Server(values={"db": {"password": "one"}})
        self.requests: list[KubeCall] = []
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vt", "namespace": NS}, "data": {"token": b64("good")}})

    def _round(self) -> bool:
        commands = self.engine.tick(self.now)
        for command in commands:
            match command:
                case SendKube(ticket, call):
                    self.requests.append(call)
                    self.engine.kube_reply(ticket, self._kube(call), self.now)
                case SendCall(ticket, call):
                    assert isinstance(call, HttpCall)
                    if not self.vault.hung or self.vault.hung not in call.url:
                        self.engine.call_reply(ticket, self.vault.answer(call), self.now)
                case OpenWatch(ticket, call):
                    stream = self.server.watch(call)
                    assert isinstance(stream, Watch)
                    self._streams[ticket] = stream
                case CloseWatch(ticket):
                    self._streams.pop(ticket, None)
                case Report():
                    self.reports.append(command)
        return self._deliver() or bool(commands)

    def pass_time(self, length_ns: int) -> None:
        """Let time pass although calls hang or have to wait: the engine is never idle then."""
        end = self.now.mono + length_ns
        while self.now.mono < end:
            wake: int | None = self.now.mono
            while self._round() or (wake is not None and wake <= self.now.mono):
                wake = self.engine.wake_at()
            self._move(min(SECOND, end - self.now.mono))

    def break_streams(self, *lines: bytes) -> None:
        """Send lines on every stream, and close what is still open then."""
        for ticket in list(self._streams):
            self._streams.pop(ticket)
            self.engine.watch_lines(ticket, lines, self.now)
            self.engine.watch_closed(ticket, Unreachable("reset"), self.now)

    def store(self, name: str = "st", path: str = "kv") -> None:
        """A store at the Vault."""
        auth = {"tokenSecretRef": {"name": "vt", "key": "token"}}
        provider = {"vault": {"server": "https://vault", "path": path, "auth": auth}}
        self.apply(manifest("SecretStore", name, {"refreshInterval": "24h", "provider": provider}))

    def object(self, name: str = "app", *, store: str = "st", target: Mapping[str, Any] | None = None, **spec: Any) -> None:
        """An ExternalSecret that reads ``db``."""
        whole = {
            "secretStoreRef": {"name": store, "kind": "SecretStore"},
            "refreshInterval": "1h",
            "target": {"creationPolicy": "Owner", "deletionPolicy": "Retain", **(target or {})},
            "data": [{"secretKey": "password", "remoteRef": {"key": "db", "property": "password"}}],
        }
        self.apply(manifest("ExternalSecret", name, whole | spec))

    def patch(self, ref: Ref, change: Mapping[str, Any], path: str = "") -> None:
        """A merge patch by somebody else."""
        call = KubeCall(method="PATCH", path=ref.path + path, body=json.dumps(change).encode(), content_type="application/merge-patch+json")
        assert self.server.handle(call, self.now.wall, "argocd").status < 300

    def data(self, name: str = "app") -> dict[str, str] | None:
        """The values of a Secret."""
        secret = self.secret(name)
        return None if secret is None else {k: base64.b64decode(v).decode() for k, v in secret.get("data", {}).items()}

    def secret_writes(self) -> list[str]:
        """Writes of Secrets since the last call."""
        return [line for line in self.writes() if "/secrets" in line]


def manifest(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A namespaced object of this operator."""
    return {"apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": {"name": name, "namespace": NS}, "spec": dict(spec)}


def b64(text: str) -> str:
    """As in Secrets."""
    return base64.b64encode(text.encode()).decode()


def synced() -> Stage:
    """A stage on which one object is synced."""
    stage = Stage()
    stage.store()
    stage.object()
    stage.advance(10 * SECOND)
    assert stage.data() == {"password": "one"}
    stage.writes()
    return stage


APP, TARGET = Ref(EXTERNAL_SECRET, NS, "app"), Ref(SECRET, NS, "app")

# ---------------------------------------------------------------- watches


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n',),
        (b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd is gone"}}\n',),
        (b'{"type":"ADDED","object":{"metad\n',),
        (b"<html>proxy error</html>\n",),
    ],
    ids=["reset", "gone", "error", "half a line", "a proxy's page"],
)
def test_the_queue_does_not_stop_after_a_watch_error(lines: tuple[bytes, ...]) -> None:
    """Known: after one bad event the informer was dead, and health stayed green."""
    stage = synced()
    for _ in range(3):
        stage.break_streams(*lines)
        stage.advance(MINUTE)
    stage.vault.values["db"] = {"password": "two"}
    stage.object(refreshInterval="2h")  # an edit, to be noticed by watch
    stage.advance(MINUTE)
    assert stage.data() == {"password": "two"}
    stage.delete(TARGET)
    stage.advance(MINUTE)
    assert stage.data() == {"password": "two"}


# ---------------------------------------------------------------- deletion


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_namespace_does_not_hang_on_the_finalizer(*, restart: bool) -> None:
    """Known: store and credentials went first, the object could not be cleaned up, and the namespace stayed Terminating for ever."""
    stage = Stage()
    stage.store()
    stage.object(target={"deletionPolicy": "Delete"})
    stage.advance(10 * SECOND)
    assert (stage.es() or {})["metadata"]["finalizers"]
    stage.vault.status = -1
    stage.delete(Ref(SECRET_STORE, NS, "st"))
    stage.delete(Ref(NAMESPACE, "", NS))
    if restart:
        stage.start()
    for _ in range(6):
        stage.server.finish_namespaces(stage.now.wall)
        stage.advance(5 * SECOND)
    assert stage.server.read(Ref(NAMESPACE, "", NS)) is None


# ---------------------------------------------------------------- status


@pytest.mark.parametrize("status", [None, {"refreshTime": "2020-01-01T00:00:00Z", "syncedResourceVersion": "1-0"}], ids=["wiped", "old"])
def test_a_stale_status_rolls_nothing(status: dict[str, str] | None) -> None:
    """Known: a status restored from a backup made the operator write every Secret anew, and pods restarted."""
    stage = synced()
    before = stage.secret()
    stage.patch(APP, {"status": status}, "/status")
    stage.start()  # sees it for certain
    stage.advance(2 * HOUR)
    assert stage.secret_writes() == []
    assert stage.secret() == before
    assert (stage.ready(APP) or {})["status"] == "True"


# ---------------------------------------------------------------- races on the target


def test_a_create_that_lost_the_race_is_decided_anew() -> None:
    """Known: AlreadyExists on create was retried with the same request, for ever."""
    stage = Stage()
    stage.store()
    raced: list[str] = []

    def race(call: KubeCall) -> KubeReply | None:
        if call.method == "POST" and call.path.endswith("/secrets") and not raced:
            raced.append(call.path)
            stage.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": NS}, "data": {"theirs": b64("x")}})
        return None

    stage.fault = race
    stage.object()
    stage.advance(MINUTE)
    assert raced
    assert (stage.data() or {})["password"] == "one"
    assert len([report for report in stage.reports if report.key == APP]) <= 6


def test_two_controllers_do_not_fight_over_fields_of_their_own() -> None:
    """Known: GitOps adds a label, the operator takes it away, GitOps adds it again."""
    stage = synced()
    for number in range(20):
        stage.patch(TARGET, {"metadata": {"labels": {"argocd": str(number)}, "annotations": {"argocd": str(number)}}})
        stage.advance(SECOND)
    assert stage.secret_writes() == []
    assert (stage.secret() or {})["metadata"]["labels"]["argocd"] == "19"


def test_a_fight_over_the_data_costs_one_write_for_one_write() -> None:
    """Known: both controllers write as fast as they can, because each answers its own events too."""
    stage = synced()
    for number in range(20):
        stage.patch(TARGET, {"data": {"password": b64(f"theirs{number}")}})
        stage.advance(SECOND)
    assert len(stage.secret_writes()) <= 20
    assert stage.data() == {"password": "one"}
    stage.advance(10 * MINUTE)
    assert stage.secret_writes() == []


# ---------------------------------------------------------------- nothing found


@pytest.mark.parametrize("policy", ["Retain", "Delete", "Merge"])
def test_a_find_without_matches_is_no_hot_loop(policy: str) -> None:
    """Known: an empty find was an error that was retried at once, and thousands of list calls were paid for."""
    stage = Stage()
    stage.store()
    find = [{"find": {"name": {"regexp": "^nothing"}}}]
    stage.object(target={"deletionPolicy": policy}, refreshInterval="10m", data=[], dataFrom=find)
    stage.advance(10 * SECOND)
    calls, passes = len(stage.vault.calls), len(stage.reports)
    stage.advance(HOUR)
    assert len(stage.vault.calls) - calls <= 7
    assert len(stage.reports) - passes <= 14


# ---------------------------------------------------------------- taking over


def test_another_hash_costs_one_write_and_changes_no_value() -> None:
    """Known: a new version hashed otherwise, found every Secret changed, and wrote it again on each pass."""
    stage = synced()
    uid = (stage.secret() or {})["metadata"]["uid"]
    stage.patch(TARGET, {"metadata": {"annotations": {HASH_ANNOTATION: "md5-of-an-earlier-version"}}})
    stage.patch(APP, {"status": {"syncedResourceVersion": "1-md5-of-an-earlier-version"}}, "/status")
    stage.start()
    stage.advance(10 * MINUTE)
    assert len(stage.secret_writes()) == 1
    assert stage.data() == {"password": "one"}
    assert (stage.secret() or {})["metadata"]["uid"] == uid
    stage.start()
    stage.advance(30 * MINUTE)
    assert stage.secret_writes() == []


@pytest.mark.parametrize("creation", ["Merge", "CreateOrMerge"])
def test_adoption_keeps_the_keys_of_others(creation: str) -> None:
    """Known: the first write of a merging object replaced the data of the Secret that it was to add to."""
    stage = Stage()
    stage.store()
    stage.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": NS}, "data": {"theirs": b64("x")}})
    stage.object(target={"creationPolicy": creation})
    stage.advance(MINUTE)
    assert stage.data() == {"theirs": "x", "password": "one"}
    stage.vault.values["db"] = {"password": "two"}
    stage.advance(2 * HOUR)
    assert stage.data() == {"theirs": "x", "password": "two"}


@pytest.mark.parametrize("creation", ["Owner", "Orphan", "Merge", "CreateOrMerge"])
@pytest.mark.parametrize("status", [-1, 403, 500])
def test_adoption_with_a_failing_backend_touches_no_value(creation: str, status: int) -> None:
    """Known: an object whose fetch failed emptied the Secret that it took over."""
    stage = Stage()
    stage.store()
    stage.advance(SECOND)
    stage.vault.status = status
    stage.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": NS}, "data": {"theirs": b64("x")}})
    stage.object(target={"creationPolicy": creation})
    stage.advance(HOUR)
    assert stage.data() == {"theirs": "x"}


# ---------------------------------------------------------------- backends that fail


def test_one_hung_store_stalls_nobody_else() -> None:
    """Known: all workers waited for one dead backend, and no other Secret was refreshed."""
    stage = Stage()
    stage.vault.hung = "/v1/dead/"
    stage.store("dead", "dead")
    stage.store("st", "kv")
    stage.pass_time(5 * SECOND)
    for number in range(300):
        stage.object(f"stuck{number}", store="dead", target={"name": f"stuck{number}"})
    stage.object(refreshInterval="1m")
    stage.pass_time(5 * SECOND)
    assert stage.data() == {"password": "one"}
    stage.vault.values["db"] = {"password": "two"}
    stage.pass_time(70 * SECOND)
    assert stage.data() == {"password": "two"}
    assert stage.engine.overdue(stage.now) <= 2 * SECOND


def test_retries_do_not_feed_a_throttled_backend() -> None:
    """Known: every object retried on its own after a 429, and kept the backend over its limit."""
    stage = Stage()
    stage.store()
    for number in range(50):
        stage.object(f"app{number}", target={"name": f"app{number}"}, refreshInterval="1m")
    stage.advance(10 * SECOND)
    stage.vault.retry_after = "30"
    stage.advance(70 * SECOND)
    stage.vault.calls.clear()
    stage.advance(10 * MINUTE)
    assert len(stage.vault.calls) <= 25  # every 30 seconds, and a few
    stage.vault.retry_after = ""
    stage.vault.values["db"] = {"password": "two"}
    stage.advance(2 * MINUTE)
    assert all(stage.data(f"app{number}") == {"password": "two"} for number in range(50))


def test_a_throttled_api_server_is_left_alone_for_as_long_as_it_asks() -> None:
    """Known: requests were repeated at once after a 429 of the API server."""
    stage = synced()

    def peace(call: KubeCall) -> KubeReply | None:
        throttled = call.method in ("POST", "PUT") and "/secrets" in call.path
        return KubeReply(status=429, body=b"{}", retry_after_s=20) if throttled else None

    stage.fault = peace
    stage.patch(TARGET, {"data": {"password": b64("theirs")}})
    stage.pass_time(SECOND)
    stage.requests.clear()
    stage.pass_time(18 * SECOND)
    assert [call for call in stage.requests if call.method != "GET"] == []
    stage.fault = lambda call: None
    stage.pass_time(2 * MINUTE)
    assert stage.data() == {"password": "one"}


def test_a_target_that_lost_its_label_is_no_hot_loop() -> None:
    """Known: an unlabelled target was missing for the cache and there for the API server: create, conflict, create, …"""
    stage = synced()
    stage.patch(TARGET, {"metadata": {"labels": {MANAGED_LABEL: None}}})
    stage.advance(10 * MINUTE)
    assert len(stage.requests) < 100
    assert (stage.secret() or {})["metadata"]["labels"][MANAGED_LABEL] == "true"


def test_other_kinds_of_objects_are_left_alone() -> None:
    """Nothing of the above has ever touched what is no Secret."""
    stage = synced()
    assert stage.server.objects(CONFIG_MAP) == []
