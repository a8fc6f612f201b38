"""The edges of a pass: what stops it, what it tries again, and what it does not read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eso_core import because
from eso_core.compat.gotime import format_time
from eso_core.config import Config
from eso_core.effect import Fetch, Present, Read, Seen, Selection, Unreadable, Whole
from eso_core.failure import Refused, Stale, Unreachable
from eso_core.flows.external_secret import sync
from eso_core.instant import HOUR
from eso_core.plan import (
    Action,
    Again,
    Backoff,
    CreateTarget,
    DeleteTarget,
    Done,
    MarkTarget,
    NotDone,
    OnChange,
    SetFinalizers,
    SetStatus,
    Settled,
    Version,
)
from eso_core.refs import SECRET, Ref
from eso_core.stages.depart import FINALIZER
from eso_core.target import MANAGED_LABEL
from eso_core.wire import MERGE_PATCH, KubeCall
from tests.scenarios.stepper import api_server
from tests.unit.core.objects import KEY, NAME, NS, es_manifest, raw, store_manifest
from tests.unit.flows.driver import Driver

TARGET = Ref(SECRET, NS, NAME)


def driver(**es: Any) -> Driver:
    """A cluster with a ready store and an ExternalSecret."""
    made = Driver(api_server(NS))
    put(made, store_manifest())
    put(made, es_manifest(**es))
    return made


def put(made: Driver, manifest: dict[str, Any]) -> None:
    meta = {key: value for key, value in manifest["metadata"].items() if key not in ("uid", "resourceVersion", "generation")}
    reply = made.server.apply({**manifest, "metadata": meta}, made.now)
    assert reply.status < 300, reply.body


def run(made: Driver, *, later: int = 0) -> Settled:
    made.effects.clear()
    made.written.clear()
    made.events.clear()
    made.now = made.now.plus(later)
    return made.run(sync(KEY, Config()))


def refusing(kind: type[Action], *outcomes: NotDone) -> Callable[[Action], NotDone | None]:
    """These outcomes for the first actions of a kind."""
    left = list(outcomes)
    return lambda action: left.pop(0) if left and isinstance(action, kind) else None


def seeing(made: Driver, change: Callable[[Any, Seen], Seen]) -> None:
    see = made.see
    made.see = lambda item: change(item, see(item))  # type: ignore[method-assign]


def reads(made: Driver) -> list[Any]:
    return [item for effect in made.effects if isinstance(effect, Read) for item in effect.what]


def moved(*names: str) -> Driver:
    """An object that has written Secrets of these names, and now writes ``new``."""
    made = driver(target={"name": names[0]})
    run(made)
    for name in names[1:]:
        first = made.server.read(Ref(SECRET, NS, names[0]))
        assert first is not None
        put(made, {"apiVersion": "v1", "kind": "Secret", **first, "metadata": {**first["metadata"], "name": name, "managedFields": []}})
    put(made, es_manifest(target={"name": "new"}))
    return made


class TestOrphans:
    def test_all_of_them_go_first(self) -> None:
        made = moved("one", "two")
        assert run(made).because is because.SYNCED
        assert made.targets() == ["DeleteTarget one", "DeleteTarget two", "CreateTarget new"]

    def test_a_step_that_fails_is_the_last(self) -> None:
        made = moved("one", "two")
        made.refuse = refusing(DeleteTarget, NotDone(Refused("no")))
        end = run(made)
        assert (end.because, end.detail, made.targets()) == (because.ORPHANS_FAILED, Refused("no"), [])

    def test_a_later_step_that_is_out_of_date_is_tried_again(self) -> None:
        made = moved("one")
        made.refuse = refusing(CreateTarget, NotDone(Stale("conflict")))
        assert run(made).because is because.SYNCED
        assert made.targets() == ["DeleteTarget one", "CreateTarget new"]

    def test_nothing_but_the_orphans_is_read(self) -> None:
        made = driver()
        run(made)
        assert [item for item in reads(made) if isinstance(item, Ref) and item.kind == SECRET] == [TARGET]
        assert run(made, later=2 * HOUR).because is because.SYNCED
        assert [item for item in reads(made) if isinstance(item, Ref) and item.kind == SECRET] == [TARGET]
        assert [type(item) for item in reads(made) if isinstance(item, Selection)] == [Selection]
        assert all(effect.what for effect in made.effects if isinstance(effect, Read))

    def test_one_that_is_gone_meanwhile_is_none(self) -> None:
        made = moved("one")
        seeing(made, lambda item, seen: Present(b"one\ngone") if isinstance(item, Selection) else seen)
        assert run(made).because is because.SYNCED
        assert made.targets() == ["DeleteTarget one", "CreateTarget new"]


class TestTarget:
    def test_it_keeps_changing(self) -> None:
        made = driver()
        tried: list[Action] = []

        def refuse(action: Action) -> NotDone | None:
            tried.append(action)
            return NotDone(Stale("conflict"))

        made.refuse = refuse
        assert run(made) == Settled(requeue=Again(), detail=Stale("the target keeps changing"))
        assert len(tried) == 3

    @pytest.mark.parametrize("policy", ["Merge", "CreateOrMerge"])
    def test_one_to_merge_with_cannot_be_read(self, policy: str) -> None:
        made = driver(target={"creationPolicy": policy})
        seeing(made, lambda item, seen: Unreadable(Unreachable("down")) if isinstance(item, Whole) else seen)
        assert run(made) == Settled(requeue=Backoff(), detail=Unreachable("down"))
        assert made.written == []

    def test_one_that_is_to_be_deleted_cannot_be_read(self) -> None:
        made = driver(target={"deletionPolicy": "Delete"})
        run(made)
        made.server.handle(KubeCall(method="DELETE", path=KEY.path), made.now)
        seeing(made, lambda item, seen: Unreadable(Unreachable("down")) if isinstance(item, Whole) else seen)
        assert run(made) == Settled(requeue=Backoff(), detail=Unreachable("down"))

    def test_one_that_the_cache_knows_is_not_read_whole(self) -> None:
        made = driver(target={"deletionPolicy": "Delete"}, spec={"data": [{"secretKey": "k", "remoteRef": {"key": "remote"}}]})
        run(made)
        put(made, store_manifest(spec={"provider": {"fake": {"data": []}}}))
        assert run(made, later=2 * HOUR).because is because.DELETED
        assert not any(isinstance(item, Whole) and item.ref == TARGET for item in reads(made))


class TestLostLabel:
    """A Secret without the managed label is in no cache. One that was written once is looked for before it is missed."""

    def unlabelled(self, made: Driver) -> Driver:
        patch = raw({"metadata": {"labels": {MANAGED_LABEL: None}}})
        path = TARGET.path
        reply = made.server.handle(KubeCall(method="PATCH", path=path, body=patch, content_type=MERGE_PATCH), made.now)
        assert reply.status == 200
        return made

    def synced(self, **target: str) -> Driver:
        made = driver(target=target)
        assert run(made).because is because.SYNCED
        return made

    def test_it_gets_its_label_and_nothing_else(self) -> None:
        made = self.unlabelled(self.synced())
        assert run(made).because is None
        assert [type(action) for action in made.written] == [MarkTarget]
        assert run(made).because is None
        assert made.written == []

    @pytest.mark.parametrize("policy", ["Orphan", "None"])
    def test_policies_under_which_nobody_looks(self, policy: str) -> None:
        made = self.synced()
        put(made, es_manifest(target={"creationPolicy": policy}))
        assert run(made).because is because.SYNCED
        assert run(self.unlabelled(made)).because is None
        assert not any(isinstance(item, Whole) for item in reads(made))

    def test_it_cannot_be_read(self) -> None:
        made = self.unlabelled(self.synced())
        seeing(made, lambda item, seen: Unreadable(Unreachable("down")) if isinstance(item, Whole) else seen)
        assert run(made) == Settled(requeue=Backoff(), detail=Unreachable("down"))

    @pytest.mark.parametrize(("failure", "requeue"), [(Stale("x"), Again()), (Refused("x"), Backoff())])
    def test_the_label_cannot_be_written(self, failure: Stale | Refused, requeue: Again | Backoff) -> None:
        made = self.unlabelled(self.synced())
        made.refuse = refusing(MarkTarget, NotDone(failure))
        assert run(made) == Settled(requeue=requeue, detail=failure)

    def test_a_target_that_is_to_go_gets_no_label(self) -> None:
        made = self.unlabelled(self.synced(deletionPolicy="Delete"))
        made.server.handle(KubeCall(method="DELETE", path=KEY.path), made.now)
        assert run(made).gone
        assert [type(action) for action in made.written] == [DeleteTarget, SetFinalizers]


def test_a_crash_before_the_verdict_is_made_good_without_a_fetch() -> None:
    """What is fetched once has been fetched; its condition alone tells of a failure."""
    made = driver(spec={"refreshPolicy": "CreatedOnce"})
    run(made)
    began = made.now
    says = {"type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    patch = raw({"status": {"conditions": [says]}})
    path = f"{KEY.path}/status"
    assert made.server.handle(KubeCall(method="PATCH", path=path, body=patch, content_type=MERGE_PATCH), made.now).status == 200
    end = run(made, later=HOUR)
    assert (end.because, [type(action) for action in made.written]) == (because.SYNCED, [SetStatus])
    assert not any(isinstance(effect, Fetch) for effect in made.effects)
    found = made.server.read(KEY)
    assert found is not None
    assert found["status"]["refreshTime"] == format_time(began.ns)
    assert [condition["status"] for condition in found["status"]["conditions"]] == ["True"]


class TestFinalizer:
    def test_the_answer_is_what_the_pass_goes_on_with(self) -> None:
        """The status is written with the version that the finalizer gave the object."""
        made = driver(target={"deletionPolicy": "Delete"}, meta={"finalizers": ["keep/it"]})
        assert run(made).because is because.SYNCED
        [status] = [action for action in made.written if isinstance(action, SetStatus)]
        [names] = [action.finalizers for action in made.written if isinstance(action, SetFinalizers)]
        found = made.server.read(KEY)
        assert found is not None
        assert names == ("keep/it", FINALIZER)
        assert status.at.uid == found["metadata"]["uid"]
        assert int(status.at.resource_version) < int(found["metadata"]["resourceVersion"])

    def test_an_answer_that_does_not_parse_is_read_again(self) -> None:
        made = driver(target={"deletionPolicy": "Delete"})
        write = made._write

        def odd(action: Action) -> Any:
            done = write(action)
            return Done(b'{"spec":7}') if isinstance(action, SetFinalizers) else done

        made._write = odd  # type: ignore[method-assign]
        assert run(made) == Settled(requeue=Again())


class TestUnusable:
    """An object that does not parse."""

    SAYS = {"type": "Ready", "status": "False", "reason": because.SPEC_INVALID.reason, "message": because.SPEC_INVALID.message}

    def unusable(self, *, status: object = None, **meta: Any) -> Driver:
        made = driver()
        metadata = {"name": NAME, "namespace": NS, "resourceVersion": "7", **meta}
        held = {"metadata": metadata, "spec": {"data": 7}, "status": status}
        seeing(made, lambda item, seen: Present(raw(held)) if item == KEY else seen)
        return made

    @pytest.mark.parametrize(("meta", "uid"), [({"uid": "u"}, "u"), ({}, "")])
    def test_is_told(self, meta: dict[str, str], uid: str) -> None:
        made = self.unusable(**meta)
        made.refuse = lambda action: None
        actions: list[Action] = []
        made._write = lambda action: actions.append(action) or NotDone(Stale("x"))  # type: ignore[method-assign, func-returns-value]
        run(made)
        at = Version(uid, "7")
        assert actions == [SetStatus(KEY, at, {"conditions": [{**self.SAYS, "lastTransitionTime": "2026-01-01T12:00:00Z"}]})]
        [event] = made.events
        assert (event.about, event.uid, event.reason, event.message) == (KEY, uid, "UpdateFailed", "spec.data: must be a list")
        assert event.warning

    def test_is_told_once(self) -> None:
        made = self.unusable(uid="u", status={"conditions": [{**self.SAYS, "lastTransitionTime": "2025-01-01T00:00:00Z"}]})
        end = run(made)
        assert (end.because, end.requeue, end.status, made.written) == (because.SPEC_INVALID, OnChange(), None, [])

    @pytest.mark.parametrize(("finalizers", "left"), [([FINALIZER], ()), (["a/b", FINALIZER, "c/d"], ("a/b", "c/d"))])
    def test_is_let_go(self, finalizers: list[str], left: tuple[str, ...]) -> None:
        made = self.unusable(uid="u", finalizers=finalizers, deletionTimestamp="2026-01-01T00:00:00Z")
        actions: list[Action] = []
        made._write = lambda action: actions.append(action) or NotDone(Refused("x"))  # type: ignore[method-assign, func-returns-value]
        assert run(made) == Settled(requeue=Backoff(), detail=Refused("x"))
        assert actions == [SetFinalizers(KEY, Version("u", "7"), left)]

    @pytest.mark.parametrize("finalizers", [None, [], ["a/b"]])
    def test_is_left_alone_without_our_finalizer(self, finalizers: list[str] | None) -> None:
        made = self.unusable(uid="u", finalizers=finalizers, deletionTimestamp="2026-01-01T00:00:00Z")
        assert run(made) == Settled(requeue=OnChange(), gone=True)
        assert made.written == []


def test_an_unusable_interval_is_told_in_full() -> None:
    made = driver(spec={"refreshInterval": "soon"})
    end = run(made)
    assert end.detail is not None
    assert [event.message for event in made.events] == ["spec.refreshInterval: is not a duration such as 1h30m"]
