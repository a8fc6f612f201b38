"""The life of one ExternalSecret, effect by effect."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core import because
from eso_core.config import Config
from eso_core.door import Absent, Answer, Failed
from eso_core.effect import Fetch, Read, Seen, Unreadable, Whole
from eso_core.failure import Failure, InvalidSpec, Missing, Refused, Stale, Unreachable
from eso_core.flows.external_secret import WRITES_MAX, sync
from eso_core.plan import (
    Action,
    Again,
    Backoff,
    CreateTarget,
    DeleteTarget,
    NotDone,
    OnChange,
    SetFinalizers,
    SetStatus,
    Settled,
    UpdateTarget,
)
from eso_core.refs import SECRET, Ref
from eso_core.stages.depart import FINALIZER
from eso_core.wire import MERGE_PATCH, KubeCall
from tests.scenarios.stepper import api_server
from tests.unit.core.objects import KEY, NAME, NOT_READY, NS, STORE, es_manifest, raw, secret_manifest, store_manifest
from tests.unit.flows.driver import Driver

TARGET = Ref(SECRET, NS, NAME)


def driver(*, store: dict[str, Any] | None = None, answer: Answer | None = None, **es: Any) -> Driver:
    """A cluster with a ready store and an ExternalSecret."""
    made = Driver(api_server(NS), answer=None if answer is None else lambda ask: answer)
    put(made, store if store is not None else store_manifest())
    meta = {"uid": "", "resourceVersion": "", "generation": 0, **es.pop("meta", {})}
    put(made, es_manifest(meta={key: value for key, value in meta.items() if value}, **es))
    return made


def put(made: Driver, manifest: dict[str, Any]) -> None:
    manifest = {
        **manifest,
        "metadata": {k: v for k, v in manifest["metadata"].items() if k not in ("uid", "resourceVersion", "generation")},
    }
    reply = made.server.apply(manifest, made.now)
    assert reply.status < 300, reply.body


def run(made: Driver, config: Config = Config()) -> Settled:
    made.effects.clear()
    made.written.clear()
    made.events.clear()
    return made.run(sync(KEY, config))


def kinds(made: Driver) -> list[str]:
    return [type(action).__name__ for action in made.written]


def once(kind: type[Action], outcome: NotDone) -> Any:
    """Refuse the first action of a kind."""
    left = [outcome]

    def refuse(action: Action) -> NotDone | None:
        return left.pop() if left and isinstance(action, kind) else None

    return refuse


class TestPath:
    def test_first_sync(self) -> None:
        made = driver()
        end = run(made)
        assert (end.because, kinds(made)) == (because.SYNCED, ["CreateTarget", "SetStatus"])
        assert [event.reason for event in made.events] == ["Created"]
        assert made.server.read(TARGET) is not None

    def test_then_nothing_but_two_reads(self) -> None:
        made = driver()
        run(made)
        end = run(made)
        assert end.because is None
        assert [type(effect) for effect in made.effects] == [Read, Read]

    def test_gone(self) -> None:
        made = Driver(api_server(NS))
        assert run(made) == Settled(requeue=OnChange(), gone=True)

    def test_questions_are_put_together(self) -> None:
        entries = [{"secretKey": str(i), "remoteRef": {"key": "remote"}} for i in range(3)]
        made = driver(spec={"data": entries})
        run(made)
        [fetch] = [effect for effect in made.effects if isinstance(effect, Fetch)]
        assert len(set(fetch.asks)) == 1

    def test_the_target_is_read_whole_only_for_merging(self) -> None:
        for policy, expected in (("Owner", False), ("Orphan", False), ("CreateOrMerge", True), ("Merge", True)):
            made = driver(target={"creationPolicy": policy})
            run(made)
            whole = any(isinstance(effect, Read) and Whole(TARGET) in effect.what for effect in made.effects)
            assert whole is expected


class TestStores:
    def test_not_validated_yet(self) -> None:
        made = driver(store=store_manifest(conditions=None))
        end = run(made)
        assert (end.requeue, end.because, end.waits_on, made.written) == (Backoff(), None, frozenset({STORE}), [])

    def test_not_validated_and_nobody_does(self) -> None:
        made = driver(store=store_manifest(conditions=None))
        assert run(made, Config(stores=False)).because is because.PROVIDER_FAILED

    def test_not_ready(self) -> None:
        made = driver(store=store_manifest(conditions=NOT_READY))
        end = run(made)
        assert (end.because, end.waits_on, kinds(made)) == (because.PROVIDER_FAILED, frozenset({STORE}), ["SetStatus"])

    def test_another_class(self) -> None:
        made = driver(store=store_manifest(spec={"controller": "theirs"}))
        assert run(made) == Settled(requeue=OnChange())
        assert made.written == []

    def test_missing(self) -> None:
        made = driver(spec={"secretStoreRef": {"name": "other", "kind": "SecretStore"}})
        end = run(made)
        assert end.because is because.PROVIDER_FAILED
        assert isinstance(end.detail, Missing)


class TestBackend:
    def test_failure(self) -> None:
        made = driver(answer=Failed(Unreachable("down")))
        end = run(made)
        assert (end.because, end.requeue, kinds(made)) == (because.PROVIDER_FAILED, Backoff(), ["SetStatus"])

    def test_failure_leaves_the_target(self) -> None:
        made = driver()
        run(made)
        before = made.server.read(TARGET)
        made.answer = lambda ask: Failed(Refused("no"))
        made.now = made.now.plus(2 * 3600 * 10**9)
        assert run(made).because is because.PROVIDER_FAILED
        assert made.server.read(TARGET) == before

    def test_nothing_left(self) -> None:
        made = driver(target={"deletionPolicy": "Delete"})
        run(made)
        assert made.server.read(TARGET) is not None
        made.answer = lambda ask: Absent()
        made.now = made.now.plus(2 * 3600 * 10**9)
        assert run(made).because is because.DELETED
        assert made.targets() == [f"DeleteTarget {NAME}"]
        assert made.server.read(TARGET) is None

    def test_generators(self) -> None:
        made = driver(spec={"data": [], "dataFrom": [{"sourceRef": {"generatorRef": {"kind": "UUID", "name": "g"}}}]})
        end = run(made)
        assert end.because is because.PROVIDER_FAILED


class TestConflicts:
    def test_a_foreign_secret_is_found_by_the_create(self) -> None:
        made = driver()
        put(made, secret_manifest({"old": b"1"}, managed=False, meta={"labels": {"theirs": "yes"}}))
        end = run(made)
        assert (end.because, kinds(made)) == (because.SYNCED, ["MarkTarget", "UpdateTarget", "SetStatus"])
        found = made.server.read(TARGET)
        assert found is not None
        assert found["metadata"]["labels"]["theirs"] == "yes"
        assert set(found["data"]) == {"k"}

    @pytest.mark.parametrize("failure", [Stale("conflict"), Stale("gone")])
    def test_a_target_that_changed_is_read_again(self, failure: Stale) -> None:
        made = driver()
        run(made)
        put(made, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME, "namespace": NS}, "data": {"extra": "eA=="}})
        made.refuse = once(UpdateTarget, NotDone(failure))
        assert run(made).because is because.SYNCED
        assert made.targets() == [f"UpdateTarget {NAME}"]

    def test_it_is_given_up_in_the_end(self) -> None:
        made = driver()
        tried: list[Action] = []

        def refuse(action: Action) -> NotDone | None:
            tried.append(action)
            return NotDone(Stale("conflict")) if isinstance(action, CreateTarget) else None

        made.refuse = refuse
        end = run(made)
        assert (end.requeue, end.because, len(tried)) == (Again(), None, WRITES_MAX)

    def test_the_reread_fails(self) -> None:
        made = driver()
        made.refuse = once(CreateTarget, NotDone(Stale("conflict")))
        see = made.see
        made.see = lambda item: Driver.see(made, item) if not isinstance(item, Whole) else _unreadable()  # type: ignore[method-assign]
        assert run(made) == Settled(requeue=Backoff(), detail=Unreachable("down"))
        made.see = see  # type: ignore[method-assign]

    @pytest.mark.parametrize(("failure", "requeue"), [(Stale("x"), Again()), (Unreachable("x"), Backoff())])
    def test_a_status_that_is_not_written_makes_another_pass(self, failure: Stale | Unreachable, requeue: Any) -> None:
        made = driver()
        made.refuse = once(SetStatus, NotDone(failure))
        end = run(made)
        assert (end.requeue, end.detail) == (requeue, failure)
        assert run(made).because is because.SYNCED
        assert made.targets() == []

    def test_a_404_of_the_status_is_no_proof(self) -> None:
        """The object may be there all the same; that it is gone is for the watch to say."""
        made = driver()
        made.refuse = once(SetStatus, NotDone(Missing("gone")))
        end = run(made)
        assert (end.requeue, end.gone) == (Backoff(), False)

    def test_a_refused_write(self) -> None:
        made = driver()
        made.refuse = once(CreateTarget, NotDone(InvalidSpec("bad")))
        end = run(made)
        assert (end.because, end.detail) == (because.UPDATE_FAILED, InvalidSpec("bad"))
        assert [event.message for event in made.events] == ["bad"]


class TestFinalizer:
    DELETES = {"deletionPolicy": "Delete"}

    def test_before_the_first_write(self) -> None:
        made = driver(target=self.DELETES)
        run(made)
        assert kinds(made) == ["SetFinalizers", "CreateTarget", "SetStatus"]

    def test_not_before_the_store_is_known(self) -> None:
        made = driver(target=self.DELETES, store=store_manifest(conditions=None))
        run(made)
        assert made.written == []

    @pytest.mark.parametrize(("failure", "requeue"), [(Stale("x"), Again()), (Unreachable("x"), Backoff())])
    def test_nothing_is_written_without_it(self, failure: Stale | Unreachable, requeue: Any) -> None:
        made = driver(target=self.DELETES)
        made.refuse = once(SetFinalizers, NotDone(failure))
        end = run(made)
        assert (end.requeue, made.written) == (requeue, [])


class TestDeparture:
    def departing(self, **target: Any) -> Driver:
        made = driver(target=target, meta={"finalizers": [FINALIZER, "keep/it"]})
        run(made)
        made.server.handle(KubeCall(method="DELETE", path=KEY.path), made.now)
        return made

    def test_delete(self) -> None:
        made = self.departing(deletionPolicy="Delete")
        assert run(made).gone
        assert kinds(made) == ["DeleteTarget", "SetFinalizers"]
        found = made.server.read(KEY)
        assert found is not None
        assert found["metadata"]["finalizers"] == ["keep/it"]

    def test_retain(self) -> None:
        made = self.departing()
        assert run(made).gone
        assert kinds(made) == ["SetFinalizers"]
        assert made.server.read(TARGET) is not None

    def test_a_target_of_somebody_else(self) -> None:
        made = self.departing(deletionPolicy="Delete")
        other = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "w", "controller": True}
        put(made, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME, "namespace": NS, "ownerReferences": [other]}})
        assert run(made).gone
        assert kinds(made) == ["SetFinalizers"]

    @pytest.mark.parametrize("kind", [DeleteTarget, SetFinalizers])
    def test_what_fails_is_tried_again(self, kind: type[Action]) -> None:
        made = self.departing(deletionPolicy="Delete")
        made.refuse = once(kind, NotDone(Unreachable("x")))
        end = run(made)
        assert (end.requeue, end.gone) == (Backoff(), False)
        assert run(made).gone
        assert FINALIZER not in (made.server.read(KEY) or {})["metadata"]["finalizers"]


class TestUnusable:
    """An object that does not parse; the schema was changed, or an old one is stored."""

    def unusable(self, **meta: Any) -> Driver:
        made = driver(meta=meta)
        damage = raw({"spec": {"data": [{"secretKey": "k"}]}})
        stored = made.server.handle(KubeCall(method="PATCH", path=KEY.path, body=damage, content_type=MERGE_PATCH), made.now)
        if stored.status < 300:
            return made
        see = made.see

        def odd(item: Any) -> Any:
            seen = see(item)
            if item != KEY:
                return seen
            return type(seen)(seen.raw.replace(b'"remoteRef":{"key":"remote"}', b'"remoteRef":7'))

        made.see = odd  # type: ignore[method-assign]
        return made

    def test_is_told(self) -> None:
        made = self.unusable()
        end = run(made)
        assert (end.because, end.requeue, kinds(made)) == (because.SPEC_INVALID, OnChange(), ["SetStatus"])
        [event] = made.events
        assert "spec.data[0].remoteRef" in event.message
        assert run(made).status is None

    def test_is_let_go(self) -> None:
        made = self.unusable(finalizers=[FINALIZER, "keep/it"])
        made.server.handle(KubeCall(method="DELETE", path=KEY.path), made.now)
        made.refuse = once(SetFinalizers, NotDone(Stale("x")))
        assert run(made).requeue == Again()
        assert run(made).gone
        assert (made.server.read(KEY) or {})["metadata"]["finalizers"] == ["keep/it"]

    def test_interval(self) -> None:
        made = driver(spec={"refreshInterval": "soon"})
        end = run(made)
        assert (end.because, end.requeue, kinds(made)) == (because.SPEC_INVALID, OnChange(), ["SetStatus"])


class TestOrphans:
    def test_a_former_target_goes(self) -> None:
        made = driver()
        run(made)
        put(made, {**es_manifest(target={"name": "new"})})
        assert run(made).because is because.SYNCED
        assert made.targets() == [f"DeleteTarget {NAME}", "CreateTarget new"]


def _unreadable() -> Seen:
    return Unreadable(Unreachable("down"))


@pytest.mark.parametrize(("failure", "reads"), [(Stale("conflict"), [KEY]), (Refused("no"), []), (Unreachable("no"), [])])
def test_a_status_that_is_out_of_date_is_read_anew(failure: Failure, reads: list[Ref]) -> None:
    """The watch may be silent: the next pass has to see what this one did not. Any other refusal tells nothing about the object."""
    made = driver()
    made.refuse = once(SetStatus, NotDone(failure))
    run(made)
    looked = [item.ref for effect in made.effects if isinstance(effect, Read) for item in effect.what if isinstance(item, Whole)]
    assert looked == reads
