"""Laws of the decision: it is total, deterministic, bound to what was read, and leaves alone what belongs to somebody else.

Each test draws one kind of input and checks every law that speaks of it; drawing is what takes the time.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Result

from eso_core.api import ExternalSecret
from eso_core.config import Config
from eso_core.door import Answer, Query
from eso_core.effect import Answers, World
from eso_core.failure import InvalidSpec
from eso_core.instant import Instant
from eso_core.plan import Action, CreateTarget, DeleteTarget, MarkTarget, Outcome, Plan, Settled, UpdateTarget
from eso_core.providers import fake
from eso_core.refs import CLUSTER_SECRET_STORE, Ref
from eso_core.stages.asks import questions
from eso_core.stages.decode import decode_answers
from eso_core.stages.depart import depart
from eso_core.stages.needs import Blocked, NotOurs, Resolved, Unresolved, Use, needs, store_refs
from eso_core.stages.reconcile import Observed, reconcile
from eso_core.stages.settle import settle
from eso_core.stages.templates import transformer
from eso_core.target import TargetSeen
from tests.property.strategies import core as made
from tests.unit.core.objects import NS, access, ambient


def resolved(es: ExternalSecret) -> Resolved:
    return Resolved({ref: Use(fake.PROVIDER, access(str(ref))) for ref in store_refs(es)})


Touch: TypeAlias = CreateTarget | UpdateTarget | MarkTarget | DeleteTarget


def touched(plan: Plan) -> Iterator[tuple[Touch, Ref]]:
    for step in plan.steps:
        match step.action:
            case CreateTarget(desired) | UpdateTarget(desired):
                yield step.action, desired.ref
            case MarkTarget(ref) | DeleteTarget(ref):
                yield step.action, ref


def is_foreign(target: TargetSeen, policy: str) -> bool:
    """Another ExternalSecret controls it, or (for those that want to own it) anybody else."""
    owner = target.controller
    return owner is not None and (owner["name"] == "somebody-else" or (policy == "Owner" and owner["kind"] == "Deployment"))


class TestReconcile:
    @given(made.observations())
    def test_total_and_deterministic(self, seen: Observed) -> None:
        """The same input gives the same plan, and no input is changed. A plan that fails says why; one that is well says nothing.

        Every action on an existing object carries the uid and version of what was read; only what was not seen is created.
        """
        target = seen.target
        before = copy.deepcopy((seen.external_secret, target and (target.labels, target.annotations, target.owners)))
        plan = reconcile(seen)
        assert isinstance(plan, Plan)
        assert plan == reconcile(seen)
        assert before == (seen.external_secret, target and (target.labels, target.annotations, target.owners))
        assert plan.because.ready == (plan.detail is None)
        assert plan.because.ready or all(isinstance(step.action, MarkTarget) for step in plan.steps)
        self._has_preconditions(seen, [action for action, _ in touched(plan)])

    def _has_preconditions(self, seen: Observed, actions: list[Touch]) -> None:
        versions = {held.version for held in (seen.target, *seen.orphans) if held is not None}
        for action in actions:
            if isinstance(action, CreateTarget):
                assert seen.target is None
            else:
                assert action.at in versions
                assert action.at.uid
                assert action.at.resource_version
        assert sum(isinstance(action, CreateTarget | UpdateTarget | MarkTarget) for action in actions) <= 1

    @given(made.observations())
    def test_ownership(self, seen: Observed) -> None:
        """A Secret that somebody else owns is never written or deleted, nor one without our marks deleted, nor any in another namespace."""
        actions = list(touched(reconcile(seen)))
        policy = seen.external_secret.spec.target.creation_policy
        for held in (seen.target, *seen.orphans):
            mine = [action for action, ref in actions if held is not None and ref == held.ref and not isinstance(action, CreateTarget)]
            if held is not None and is_foreign(held, policy):
                assert mine == []
            if held is not None and not held.labels and not held.owners:
                assert not any(isinstance(action, DeleteTarget) for action in mine)
        assert {ref.namespace for _, ref in actions} <= {seen.external_secret.metadata.namespace, *([NS] if seen.orphans else [])}


class TestSettle:
    @given(made.observations(), st.lists(made.outcomes(), max_size=2).map(tuple), made.moments(), st.integers(0, 10**12))
    def test_total_and_deterministic(self, seen: Observed, outcomes: tuple[Outcome, ...], started: Instant, took: int) -> None:
        plan, es = reconcile(seen), seen.external_secret
        tried = outcomes[: len(plan.steps)]
        first, second = (settle(es, plan, tried, started=started, now=started.plus(took)) for _ in range(2))
        assert first == second
        if first.status is not None:
            assert (first.status.at.uid, first.status.at.resource_version) == (es.metadata.uid, es.metadata.resource_version)
            if not first.because or not first.because.ready:
                self._is_not_told_again(es, plan, tried, first, started)

    def _is_not_told_again(self, es: ExternalSecret, plan: Plan, tried: tuple[Outcome, ...], first: Settled, started: Instant) -> None:
        """A failure whose status was written needs no second write."""
        assert first.status is not None
        held = es.model_dump(mode="json", by_alias=True, exclude_unset=True)
        held["status"] = {**held.get("status", {}), **first.status.status}
        again = settle(ExternalSecret.model_validate(held), plan, tried, started=started, now=started.plus(10**12))
        assert again.status is None


class TestDecode:
    @given(made.syncables().map(made.as_stored) | made.external_secrets(), made.backends())
    def test_total_and_deterministic(self, es: ExternalSecret, backend: dict[Query, Answer]) -> None:
        asked = questions(es, resolved(es))
        if not isinstance(asked, InvalidSpec):
            answers = Answers({question.ask: made.answer_of(backend, question.ask.query) for question in asked})
            result = decode_answers(es, asked, answers, transformer(ambient()))
            assert isinstance(result, Result)
            assert str(result) == str(decode_answers(es, asked, answers, transformer(ambient())))


class TestNeeds:
    @given(st.data(), made.referring())
    def test_they_come_to_an_end_and_keep_tenants_apart(self, data: st.DataObject, es: ExternalSecret) -> None:
        """Whatever the stores hold, reading what is asked for ends; a namespaced store asks for nothing outside of its namespace."""
        world: World = data.draw(made.worlds(es))
        config = Config(flood_gate=data.draw(st.sampled_from([False, True])))
        local = not any(ref.kind == CLUSTER_SECRET_STORE for ref in store_refs(es))
        for _ in range(4):
            step = needs(world, es, config)
            if not isinstance(step, Unresolved):
                assert isinstance(step, Blocked | Resolved | NotOurs)
                return
            assert step.what
            assert not any(item in world for item in step.what)
            if local:
                assert {_namespace(item) for item in step.what} == {es.metadata.namespace}
            world = world | World({item: data.draw(made.credentials()) for item in sorted(step.what, key=str)})
        raise AssertionError("no end")


class TestDepart:
    @given(made.syncables(st.just({"deletionPolicy": "Delete"}) | made.targets()).map(made.as_stored), st.none() | made.seen_targets())
    def test_only_what_this_very_object_controls(self, es: ExternalSecret, target: TargetSeen | None) -> None:
        actions: list[Action] = list(depart(es, target))
        deleted = [action for action in actions if isinstance(action, DeleteTarget)]
        controller = (target.controller if target is not None else None) or {}
        assert not deleted or controller.get("uid") == es.metadata.uid
        assert [action.at for action in deleted] == ([target.version] if target is not None and deleted else [])


def _namespace(item: object) -> str:
    ref = item if isinstance(item, Ref) else getattr(item, "ref", None) or getattr(item, "account", None)
    assert isinstance(ref, Ref)
    return ref.namespace
