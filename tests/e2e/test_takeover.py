"""Changing from the reference v2.9.0 to this operator, back again, and from this one to itself after a crash: nothing is written twice.

A control plane of its own with an audit log. The worlds that the reference had settled are built before the operator starts for the first
time; the tests run in the order of the file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.harness import nasty as manners
from tests.e2e.harness.backends import secret
from tests.e2e.harness.binaries import Binaries
from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.kubectl import Kubectl
from tests.e2e.harness.nasty import Nasty
from tests.e2e.harness.operator import Operator
from tests.e2e.harness.process import NotInTime
from tests.e2e.takeover.rebuild import REFERENCE, USER, rebuild, send
from tests.e2e.takeover.worlds import World, normalised, recorded_fields, world, worlds
from tests.parity import reference_rules as rules

pytestmark = pytest.mark.xdist_group("takeover")

API = "external-secrets.io/v1"
FORCE = "external-secrets.io/force-sync"
LONG = "a-name-of-more-than-27-bytes-but-no-more-than-63"
KINDS = ("Secret", "ExternalSecret", "SecretStore", "ClusterSecretStore")
LONG_AGO = "2020-01-01T00:00:00Z"
STORE_GONE = ("store-deleted", "store-gone-then-delete")
READS = {"get", "list", "watch"}
Json = dict[str, Any]
Id = tuple[str, str, str]  # kind, namespace, name


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251


@dataclass
class Site:
    """The cluster, and what was seen before the operator came."""

    plane: ControlPlane
    operator: Operator
    nasty: Nasty
    before: dict[Id, Json] = field(default_factory=dict)
    log_mark: int = 0

    @property
    def kubectl(self) -> Kubectl:
        return self.plane.admin

    def objects(self, *kinds: str) -> dict[Id, Json]:
        """Of every namespace; Secrets without the service accounts' ones."""
        found = {}
        for kind in kinds:
            for each in self.kubectl.list("v1" if kind == "Secret" else API, kind):
                found[kind, each["metadata"].get("namespace", ""), each["metadata"]["name"]] = each
        return found

    def get(self, kind: str, namespace: str, name: str) -> Json:
        return self.kubectl.get("v1" if kind == "Secret" else API, kind, name, namespace)

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        return self.kubectl.find("v1" if kind == "Secret" else API, kind, name, namespace)

    def mark(self) -> int:
        return len(self.plane.audit_events())

    def writes(self, resource: str, namespace: str = "", since: int | None = None) -> list[tuple[str, str, str, int]]:
        """The operator's requests that write: verb, subresource, name, status. since: of :meth:`mark`; else its first start."""
        found = []
        for event in self.plane.audit_events()[self.log_mark if since is None else since :]:
            entry: Any = event
            ref, user, verb = entry.get("objectRef") or {}, entry["user"]["username"], entry["verb"]
            ours = user.startswith("system:serviceaccount:") and "kube-system" not in user
            wanted = ref.get("resource") == resource and (not namespace or ref.get("namespace") == namespace)
            if ours and wanted and verb not in READS:
                found.append((verb, ref.get("subresource", ""), ref.get("name", ""), entry["responseStatus"]["code"]))
        return found

    def visited(self, ids: list[Id]) -> bool:
        """A pass has looked at each of them, every store is validated, and nothing is under way."""
        count = self.operator.metric
        stores = sum(kind.endswith("Store") for kind, _, _ in self.before)
        if count(r"(?:cluster)?secretstore_status_condition", status="True") < stores:
            return False
        if count("externalsecret_sync_calls_total") < len(ids) or count("eso_in_flight") or count("eso_oldest_overdue_seconds"):
            return False
        return all(count("externalsecret_sync_calls_total", namespace=namespace, name=name) for _, namespace, name in ids)

    def until(self, condition: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
        try:
            self.kubectl.wait_for(condition, what, timeout_s)
        except NotInTime as late:
            raise AssertionError(f"{late}\n{self.operator.log[-3000:]}") from None

    def force(self, namespace: str, name: str, **parts: Any) -> None:
        """A change of the user's, and the annotation that asks for a refresh."""
        meta = {"name": name, "namespace": namespace, "annotations": {FORCE: now().isoformat()}}
        send(self.kubectl, "PATCH", {"apiVersion": API, "kind": "ExternalSecret", **parts, "metadata": meta}, USER)

    def up_to_date(self, namespace: str, name: str) -> bool:
        es = self.get("ExternalSecret", namespace, name)
        status = es.get("status", {})
        ready = [c for c in status.get("conditions", []) if c["type"] == "Ready" and c["status"] == "True"]
        return bool(ready) and status.get("syncedResourceVersion") == rules.resource_version(es["metadata"])

    def wait_synced(self, namespace: str, name: str) -> None:
        self.until(lambda: self.up_to_date(namespace, name), f"{namespace}/{name} is up to date")


@pytest.fixture(scope="module")
def site(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    log = tmp_path_factory.mktemp("takeover") / "audit.log"
    with ControlPlane(binaries, audit_log=log) as plane, Nasty() as nasty:
        operator = Operator(plane)
        made = Site(plane, operator, nasty)
        plane.restart_controllers()  # they learn the new owner kinds
        refreshed = now() - timedelta(minutes=1)
        for each in worlds():
            rebuild(plane.admin, each, nasty.server(each.name), refreshed)
        rebuild(plane.admin, long_merge(), nasty.server(LONG), refreshed)
        made.before = made.objects(*KINDS)
        made.log_mark = made.mark()
        with operator:
            yield made


def long_merge() -> World:
    """``drift-merge`` with a name whose field manager is a hash, though the name itself is not too long."""
    text = json.dumps(world("drift-merge").document)
    for old, new in (
        ('"name": "drift-merge"', '"name": "long-merge"'),
        ('"creationPolicy": "Merge"', '"creationPolicy": "Merge", "name": "app"'),
        (rules.field_manager("app"), rules.field_manager(LONG)),
        ('{"name": "app", "finalizers"', f'{{"name": "{LONG}", "finalizers"'),
    ):
        assert old in text
        text = text.replace(old, new)
    return World("long-merge", json.loads(text))


def ids(*found: World) -> list[Id]:
    return [("ExternalSecret", es["metadata"]["namespace"], es["metadata"]["name"]) for each in found for es in each.external_secrets]


# ---------------------------------------------------------------- from the reference


def test_the_worlds_are_as_the_reference_left_them(site: Site) -> None:
    """The hashes, field managers and fields in the recordings come out the same here; so the rest of this file means something."""
    at = now()
    uids = {(ns, name): es["metadata"]["uid"] for (kind, ns, name), es in site.before.items() if kind == "ExternalSecret"}
    for each in worlds():
        for recorded in each.secrets:
            meta = recorded["metadata"]
            held = site.before["Secret", meta["namespace"], meta["name"]]
            wanted = json.dumps(meta["managedFields"])
            for (namespace, name), uid in uids.items():
                if namespace == meta["namespace"]:
                    wanted = wanted.replace(f"<uid of ExternalSecret/{name}>", uid)
            assert recorded_fields(held["metadata"]["managedFields"]) == normalised(json.loads(wanted)), each.name
            assert (held.get("data", {}), held["metadata"].get("labels", {})) == (recorded.get("data", {}), meta.get("labels", {}))
    for (kind, _, name), es in site.before.items():
        if kind == "ExternalSecret":
            assert not rules.should_refresh(es, at, window_open=False), name
            assert not rules.lacks_finalizer(es), name


def test_nothing_is_written_and_nobody_is_called(site: Site) -> None:
    known = [id_ for id_ in site.before if id_[0] == "ExternalSecret"]
    assert len(known) > 60
    site.until(lambda: site.visited(known), "every object has been looked at")
    assert site.objects(*KINDS) == site.before
    assert site.writes("secrets") == []
    assert site.writes("externalsecrets") == []
    asked = {(name, path) for name, path, _ in site.nasty.visits}
    assert {path for _, path in asked} <= {"auth/token/lookup-self"}  # a store is validated by asking about its token
    assert reads(site) == 0


def reads(site: Site) -> float:
    """Calls for data of Vault that the present process of the operator has counted."""
    return site.operator.metric("externalsecret_provider_api_calls_count", call="ReadSecretData")


def test_a_refresh_that_is_due_finds_what_the_reference_found(site: Site) -> None:
    """The same values from the same backends come out as the same Secret, byte for byte, so that nothing is sent."""
    recall(site)
    site.operator.stop()
    known = [id_ for id_ in site.before if id_[0] == "ExternalSecret"]
    for _, namespace, name in known:
        site.kubectl.patch(API, "ExternalSecret", name, {"status": {"refreshTime": LONG_AGO}}, namespace, subresource="status")
    before, mark = site.objects("Secret"), site.mark()
    site.operator.start()
    site.until(lambda: site.visited(known), "every object has been looked at")
    after = site.objects("Secret")
    # Edited by hand while its policy is Orphan, which goes unnoticed until the next refresh.
    assert [id_ for id_ in before if after.pop(id_) != before[id_]] == [("Secret", "drift-orphan", "app")]
    assert after == {}
    assert len(site.writes("secrets", since=mark)) == len(site.writes("secrets", "drift-orphan", mark)) == 1
    objects = site.objects("ExternalSecret")
    refreshed = {id_ for id_, es in objects.items() if es["status"]["refreshTime"] != LONG_AGO}
    due = {id_ for id_ in known if rules.should_refresh(stale(site.before[id_]), now(), window_open=id_[1] != "window-deny-active")}
    assert len(due) > 50
    assert refreshed <= due
    assert {id_ for id_ in due - refreshed if not is_beyond_copying(objects[id_])} == {("ExternalSecret", ns, "app") for ns in STORE_GONE}


def stale(es: Json) -> Json:
    return {**es, "status": {**es["status"], "refreshTime": LONG_AGO}}


def is_beyond_copying(es: Json) -> bool:
    """Whether a release can serve it depends on its generators; its Secret is left alone either way."""
    return "generatorRef" in json.dumps(es["spec"])


def recall(site: Site) -> None:
    """What Vault answered when the worlds were recorded."""
    rest = {"user": "u2", "nested": {"a": {"b": 1}}, "n": 5}
    for name in ("vault-data", "vault-find-name"):
        site.nasty.put(name, f"{name}/data/app/db", {**rest, "pass": "new"})

    def old(visit: manners.Visit) -> None:
        first = "version=1" in visit.path.partition("?")[2]
        visit.reply(200, {"data": {"data": {**rest, "pass": "old" if first else "new"}, "metadata": {"version": 2}}})

    def listed(visit: manners.Visit) -> None:
        folder = visit.path_in_store.removeprefix("vault-find-name/metadata").strip("/")
        visit.reply(200, {"data": {"keys": ["db", "web"] if folder == "app" else ["app/"]}})

    site.nasty.behave("vault-data", old, "vault-data/data/app/db")
    for folder in ("", "/", "/app", "/app/"):
        site.nasty.behave("vault-find-name", listed, f"vault-find-name/metadata{folder}")


def test_a_forced_object_is_written_once(site: Site) -> None:
    """Two values of a backend that counts its calls have changed, and a key is no longer asked for."""
    site.nasty.behave_well()
    site.nasty.put("vault-data", "vault-data/data/app/db", {"user": "u3", "pass": "old", "n": 5})
    entries = site.get("ExternalSecret", "vault-data", "app")["spec"]["data"]
    mark, visits, calls = site.mark(), len(site.nasty.visits), reads(site)
    site.force("vault-data", "app", spec={"data": [entry for entry in entries if entry["secretKey"] not in ("nb", "all")]})
    site.wait_synced("vault-data", "app")
    held = site.get("Secret", "vault-data", "app")
    assert rules.data_of(held) == {"u": b"u3", "old": b"old", "n": b"5"}
    assert [(verb, status) for verb, _, name, status in site.writes("secrets", "vault-data", mark) if name == "app"] == [("update", 200)]
    asked = [path for name, path, _ in site.nasty.visits[visits:] if name == "vault-data" and path.startswith("vault-data/")]
    assert len(asked) == reads(site) - calls == 2  # the newest version and version 1
    assert site.writes("secrets", since=mark) == site.writes("secrets", "vault-data", mark)


@pytest.mark.parametrize(("namespace", "name", "target"), [("restart-settled", "merge", "unmanaged"), ("long-merge", LONG, "app")])
def test_keys_of_the_reference_are_known_as_ours(site: Site, namespace: str, name: str, target: str) -> None:
    """Of a Secret that others write to as well; managedFields tell whose a key is."""
    old = site.get("Secret", namespace, target)
    mine = rules.managed_keys("data", name, old["metadata"]["managedFields"])
    entries = site.get("ExternalSecret", namespace, name)["spec"]["data"]
    assert len(mine) == len(entries) == 2
    mark = site.mark()
    site.force(namespace, name, spec={"data": entries[:1]})
    site.wait_synced(namespace, name)
    new = site.get("Secret", namespace, target)
    kept = {key: value for key, value in rules.data_of(old).items() if key not in mine}
    assert kept
    assert rules.data_of(new).keys() == {*kept, entries[0]["secretKey"]}
    assert rules.data_of(new).items() >= kept.items()
    assert rules.managed_keys("data", name, new["metadata"]["managedFields"]) == [entries[0]["secretKey"]]
    assert [(verb, written) for verb, _, written, _ in site.writes("secrets", namespace, mark)] == [("update", target)]


def test_labels_of_the_reference_are_known_as_ours(site: Site) -> None:
    es = site.get("ExternalSecret", "propagation", "app")
    [first, *rest] = sorted(es["metadata"]["labels"])
    mark = site.mark()
    meta = {"name": "app", "namespace": "propagation", "labels": {first: None}}
    send(site.kubectl, "PATCH", {"apiVersion": API, "kind": "ExternalSecret", "metadata": meta}, USER)
    site.wait_synced("propagation", "app")
    labels = site.get("Secret", "propagation", "app")["metadata"]["labels"]
    assert labels.keys() == {*rest, rules.MANAGED, rules.OWNER}
    assert len(site.writes("secrets", "propagation", mark)) == 1


def test_what_ours_has_done_is_settled_for_the_reference(site: Site) -> None:
    secrets = site.objects("Secret")
    for (_, namespace, _), es in site.objects("ExternalSecret").items():
        ready = {condition["type"]: condition["status"] for condition in es["status"]["conditions"]}["Ready"] == "True"
        if ready and rules.creation_policy(es) != "None":
            target = secrets.get(("Secret", namespace, rules.target_name(es)))
            assert rules.secret_valid(rules.creation_policy(es), target), namespace
            assert not rules.should_refresh(es, now(), window_open=False), namespace
        assert not rules.lacks_finalizer(es), namespace


@pytest.mark.parametrize("name", [each.name for each in worlds() if each.left_after_deletion is not None])
def test_deleted_objects_leave_what_they_would_have_left(site: Site, name: str) -> None:
    each = world(name)
    [es] = each.external_secrets
    kept = each.left_after_deletion
    assert kept is not None
    held = {s["metadata"]["name"]: s for s in site.kubectl.list("v1", "Secret", each.namespace)}
    stored = site.get("ExternalSecret", each.namespace, es["metadata"]["name"])
    assert [target for target, s in held.items() if rules.left_after_deletion(stored, s)] == kept
    mark = site.mark()
    site.kubectl.delete(API, "ExternalSecret", es["metadata"]["name"], each.namespace)
    site.kubectl.wait_gone(API, "ExternalSecret", es["metadata"]["name"], each.namespace)
    for target, before in held.items():
        if target in kept:
            assert site.get("Secret", each.namespace, target) == before
        else:
            site.kubectl.wait_gone("v1", "Secret", target, each.namespace)
    deletes = [verb for verb, *_ in site.writes("secrets", each.namespace, mark)]
    explicit = not kept and es["spec"]["target"].get("deletionPolicy") == "Delete"
    assert deletes == (["delete"] if explicit else [])


def test_namespaces_with_the_finalizers_of_the_reference_end(site: Site) -> None:
    """deletionPolicy Retain everywhere: ours sets no finalizer there, and takes away the one that it finds."""
    names = ("data-single", "restart-settled", "created-once")
    assert all(not rules.lacks_finalizer(es) for (kind, ns, _), es in site.objects("ExternalSecret").items() if ns in names)
    for name in names:
        site.kubectl.delete("v1", "Namespace", name)
    for name in names:
        site.kubectl.wait_gone("v1", "Namespace", name)


# ---------------------------------------------------------------- back to the reference

BACK = "back"
FETCHED = {"user": b"ada", "password": b"s3cret"}
WHOLE = {"dataFrom": [{"extract": {"key": "one"}}]}
FULL_NAME = f"{'n' * 60}.{'m' * 60}"
POLICIES: dict[str, Json] = {
    "owner": {},
    "orphan": {"target": {"creationPolicy": "Orphan"}},
    "create-or-merge": {"target": {"creationPolicy": "CreateOrMerge"}},
    "create-or-merge-existing": {"target": {"creationPolicy": "CreateOrMerge", "name": "theirs-1"}},
    "merge": {"target": {"creationPolicy": "Merge", "name": "theirs-2", "deletionPolicy": "Merge"}},
    "owner-existing": {"target": {"name": "theirs-3"}},
    "none": {"target": {"creationPolicy": "None"}},
    "delete": {"target": {"deletionPolicy": "Delete"}},
    "delete-orphan": {"target": {"creationPolicy": "Orphan", "deletionPolicy": "Delete"}},
    "renamed": {"target": {"name": "first-name"}},
    "immutable": {"target": {"immutable": True}},
    "once": {"refreshPolicy": "CreatedOnce"},
    "on-change": {"refreshPolicy": "OnChange"},
    "never": {"refreshInterval": "0"},
    LONG: {},
    FULL_NAME: {},
}


def want(site: Site, namespace: str, name: str, spec: Json, **meta: Any) -> None:
    whole = {"refreshInterval": "1h", "secretStoreRef": {"name": "store"}, **WHOLE, **spec}
    meta = {"name": name, "namespace": namespace, **meta}
    site.kubectl.apply({"apiVersion": API, "kind": "ExternalSecret", "metadata": meta, "spec": whole})


@pytest.fixture(scope="class")
def back(site: Site) -> Iterator[dict[str, Json]]:
    """What ours made of one object of every policy, from nothing, after it has stopped. It is started again afterwards."""
    site.kubectl.create_namespace(BACK)
    value = json.dumps({key: text.decode() for key, text in FETCHED.items()})
    spec = {"provider": {"fake": {"data": [{"key": "one", "value": value}]}}}
    site.kubectl.apply({"apiVersion": API, "kind": "SecretStore", "metadata": {"name": "store", "namespace": BACK}, "spec": spec})
    for i in (1, 2, 3):
        theirs = secret(BACK, f"theirs-{i}", {"own": "x", "user": "before"})
        theirs["metadata"] |= {"labels": {"team": "z"}, "annotations": {"note": "mine"}}
        site.kubectl.apply(theirs)
    for name, spec in POLICIES.items():
        want(site, BACK, name, spec, labels={"app": "shop"}, annotations={"example.com/a": "b"})
    for name in POLICIES:
        site.wait_synced(BACK, name)
    want(site, BACK, "renamed", {"target": {"name": "second-name"}}, labels={"app": "shop"}, annotations={"example.com/a": "b"})
    site.wait_synced(BACK, "renamed")
    site.operator.stop()
    try:
        yield {es["metadata"]["name"]: es for es in site.kubectl.list(API, "ExternalSecret", BACK)}
    finally:
        site.operator.start()


class TestBackToTheReference:
    @pytest.mark.parametrize("name", POLICIES, ids=lambda name: name[:30])
    def test_it_finds_nothing_to_do(self, site: Site, back: dict[str, Json], name: str) -> None:
        """By its rules. It would read the Secret, find it as it would write it, and leave it; ``None`` it fetches on every pass anyway."""
        es, at = back[name], now()
        target = site.find("Secret", BACK, rules.target_name(es))
        assert not rules.should_refresh(es, at)
        assert rules.orphans(es, site.kubectl.list("v1", "Secret", BACK)) == []
        if rules.creation_policy(es) == "None":
            assert target is None
            return
        assert target is not None
        assert rules.secret_valid(rules.creation_policy(es), target)
        assert rules.secret_valid("Owner", target)
        assert rules.is_no_op(target, rules.mutated(es, target, FETCHED))
        assert es["status"]["binding"] == {"name": rules.target_name(es)}
        assert rules.managed_keys("data", name, target["metadata"]["managedFields"]) == sorted(FETCHED)
        changes = not rules.is_no_op(target, rules.mutated(es, target, {**FETCHED, "user": b"eve"}))  # so the rule can fail
        assert changes is (name != "immutable")

    def test_foreign_content_of_shared_secrets_is_theirs_still(self, site: Site, back: dict[str, Json]) -> None:
        for name, kept in (("theirs-1", True), ("theirs-2", True), ("theirs-3", False)):
            held = site.get("Secret", BACK, name)
            assert ("own" in held["data"]) is kept
            assert (held["metadata"]["labels"]["team"], held["metadata"]["annotations"]["note"]) == ("z", "mine")
        assert site.find("Secret", BACK, "first-name") is None

    def test_the_finalizer_is_its_only_write(self, site: Site, back: dict[str, Json]) -> None:
        """Ours has it with deletionPolicy Delete only. Adding it as the reference does makes nothing due."""
        lacking = {name for name, es in back.items() if rules.lacks_finalizer(es)}
        assert lacking == POLICIES.keys() - {"delete", "delete-orphan"}
        at = now()
        for name in sorted(lacking):
            meta = {"name": name, "namespace": BACK, "finalizers": [*back[name]["metadata"].get("finalizers", []), rules.FINALIZER]}
            patched = send(site.kubectl, "PATCH", {"apiVersion": API, "kind": "ExternalSecret", "metadata": meta}, REFERENCE)
            assert not rules.should_refresh(patched, at)
            assert patched["metadata"]["generation"] == back[name]["metadata"]["generation"]


# ---------------------------------------------------------------- ours after ours

BURST = "burst"
NAMES = [f"burst-{i:02}" for i in range(50)]


def test_what_was_written_before_a_kill_is_not_written_again(site: Site) -> None:
    """The backend does not answer for every second object, so that the end comes in the middle whatever the speed."""
    nasty = site.nasty
    site.kubectl.create_namespace(BURST)
    site.kubectl.apply(secret(BURST, "token", {"token": "t"}))
    auth = {"tokenSecretRef": {"name": "token", "key": "token"}}
    spec = {"provider": {"vault": {"server": nasty.server(BURST), "path": "kv", "version": "v2", "auth": auth}}}
    site.kubectl.apply({"apiVersion": API, "kind": "SecretStore", "metadata": {"name": "store", "namespace": BURST}, "spec": spec})
    for i, name in enumerate(NAMES):
        nasty.put(BURST, name, {"k": f"value of {name}"})
        if i % 2:
            nasty.behave(BURST, manners.hang, f"kv/data/{name}")
    for name in NAMES:
        want(site, BURST, name, {"dataFrom": [{"extract": {"key": name}}]})
    site.until(lambda: len(_burst(site)) >= 10, "some are written")
    site.operator.kill()
    written = _settled_burst(site)
    assert 10 <= len(written) <= 25
    for name in sorted(written)[::2]:  # as if the end had come between the Secret and the status
        site.kubectl.patch(API, "ExternalSecret", name, {"status": None}, BURST, subresource="status")
    nasty.behave_well()
    mark = site.mark()
    site.operator.start()
    site.until(lambda: all(site.up_to_date(BURST, name) for name in NAMES), "all are synced")
    after = _burst(site)
    assert after.keys() == set(NAMES)
    assert {name: after[name] for name in written} == written
    requests = [(verb, name) for verb, _, name, _ in site.writes("secrets", BURST, mark)]
    assert sorted(requests) == [("create", name) for name in NAMES if name not in written]
    for name, held in after.items():
        assert base64.b64decode(held["data"]["k"]).decode() == f"value of {name}"


def _burst(site: Site) -> dict[str, Json]:
    return {s["metadata"]["name"]: s for s in site.kubectl.list("v1", "Secret", BURST, f"{rules.MANAGED}=true")}


def _settled_burst(site: Site) -> dict[str, Json]:
    """Read twice: what the operator had sent when it was killed may still be carried out."""
    seen = [_burst(site)]

    def unchanged() -> bool:
        seen.append(_burst(site))
        return seen[-1] == seen[-2]

    site.until(unchanged, "nothing more is written")
    return seen[-1]
