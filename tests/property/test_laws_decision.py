"""Laws of the decision: it is total, deterministic, bound to what was read, and leaves alone what belongs to somebody else."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Result

from eso_core.api import ExternalSecret
from eso_core.config import Config
from eso_core.door import Query
from eso_core.effect import Answers, World
from eso_core.failure import InvalidSpec
from eso_core.instant import Instant
from eso_core.plan import Action, CreateTarget, DeleteTarget, Outcome, Plan, UpdateTarget
from eso_core.providers import fake
from eso_core.refs import Ref
from eso_core.stages.asks import questions
from eso_core.stages.decode import decode_answers
from eso_core.stages.depart import depart
from eso_core.stages.due import Due, NotDue, Overtaken, due
from eso_core.stages.needs import Blocked, NotOurs, Resolved, Unresolved, Use, needs, store_refs
from eso_core.stages.reconcile import Observed, reconcile
from eso_core.stages.settle import settle
from eso_core.target import TargetSeen
from tests.property.strategies import core as made
from tests.unit.core.objects import NS, access


def resolved(es: ExternalSecret) -> Resolved:
    return Resolved({ref: Use(fake.PROVIDER, access(str(ref))) for ref in store_refs(es)})


def touched(plan: Plan) -> Iterator[tuple[Action, Ref]]:
    for step in plan.steps:
        match step.action:
            case CreateTarget(desired) | UpdateTarget(desired):
                yield step.action, desired.ref
            case DeleteTarget(ref):
                yield step.action, ref


def is_foreign(target: TargetSeen, policy: str) -> bool:
    """Another ExternalSecret controls it, or (for those that want to own it) anybody else."""
    owner = target.controller
    return owner is not None and (owner["name"] == "somebody-else" or (policy == "Owner" and owner["kind"] == "Deployment"))


class TestTotality:
    """Stages give an answer for every input; they raise nothing."""

    @given(made.observations())
    def test_reconcile(self, seen: Observed) -> None:
        assert isinstance(reconcile(seen), Plan)

    @given(made.external_secrets(), st.none() | made.seen_targets(), made.instants())
    def test_due(self, es: ExternalSecret, target: TargetSeen | None, now: Instant) -> None:
        assert isinstance(due(es, target, now), Due | NotDue | Overtaken)

    @given(made.external_secrets(), made.backends())
    def test_decode(self, es: ExternalSecret, backend: dict[Query, object]) -> None:
        asked = questions(es, resolved(es))
        if not isinstance(asked, InvalidSpec):
            answers = Answers({question.ask: made.answer_of(backend, question.ask.query) for question in asked})  # type: ignore[arg-type]
            assert isinstance(decode_answers(es, asked, answers), Result)

    @given(made.observations(), st.data())
    def test_settle(self, seen: Observed, data: st.DataObject) -> None:
        plan = reconcile(seen)
        tried = data.draw(st.lists(made.outcomes(), max_size=len(plan.steps)).map(tuple))
        started = data.draw(made.instants())
        end = settle(seen.external_secret, plan, tried, started=started, now=started.plus(data.draw(st.integers(0, 10**12))))
        assert end.requeue is not None

    @given(st.data(), made.external_secrets())
    def test_needs(self, data: st.DataObject, es: ExternalSecret) -> None:
        """Whatever the stores hold, reading what is asked for comes to an end."""
        world: World = data.draw(made.worlds(es))
        config = Config(flood_gate=data.draw(st.booleans()))
        for _ in range(4):
            step = needs(world, es, config)
            if not isinstance(step, Unresolved):
                assert isinstance(step, Blocked | Resolved | NotOurs)
                return
            assert step.what
            assert not any(item in world for item in step.what)
            world = world | World({item: data.draw(made.credentials()) for item in step.what})
        raise AssertionError("no end")

    @given(made.external_secrets(), st.none() | made.seen_targets())
    def test_depart(self, es: ExternalSecret, target: TargetSeen | None) -> None:
        assert len(list(depart(es, target))) <= 2


class TestDeterminism:
    """The same input gives the same plan, and no input is changed."""

    @given(made.observations())
    def test_reconcile(self, seen: Observed) -> None:
        before = copy.deepcopy((seen.external_secret, seen.target and seen.target.labels, seen.target and seen.target.owners))
        assert reconcile(seen) == reconcile(seen)
        assert before == (seen.external_secret, seen.target and seen.target.labels, seen.target and seen.target.owners)

    @given(made.observations(), st.lists(made.outcomes(), max_size=2).map(tuple), made.instants())
    def test_settle(self, seen: Observed, outcomes: tuple[Outcome, ...], now: Instant) -> None:
        plan = reconcile(seen)
        tried = outcomes[: len(plan.steps)]
        first, second = (settle(seen.external_secret, plan, tried, started=now, now=now) for _ in range(2))
        assert first == second


class TestOwnership:
    """A Secret that somebody else owns is never written or deleted."""

    @given(made.observations())
    def test_reconcile(self, seen: Observed) -> None:
        policy = seen.external_secret.spec.target.creation_policy
        for held in (seen.target, *seen.orphans):
            if held is not None and is_foreign(held, policy):
                assert not [action for action, ref in touched(reconcile(seen)) if ref == held.ref and not isinstance(action, CreateTarget)]

    @given(made.external_secrets(), made.seen_targets())
    def test_depart(self, es: ExternalSecret, target: TargetSeen) -> None:
        deleted = [action for action in depart(es, target) if isinstance(action, DeleteTarget)]
        controller = target.controller or {}
        assert not deleted or controller.get("uid") == es.metadata.uid

    @given(made.observations())
    def test_an_unmarked_secret_is_never_deleted(self, seen: Observed) -> None:
        target = seen.target
        if target is not None and not target.labels and not target.owners:
            assert not [action for action, ref in touched(reconcile(seen)) if isinstance(action, DeleteTarget) and ref == target.ref]

    @given(made.observations())
    def test_nothing_of_another_namespace_is_touched(self, seen: Observed) -> None:
        allowed = {seen.external_secret.metadata.namespace, *([NS] if seen.orphans else [])}
        assert {ref.namespace for _, ref in touched(reconcile(seen))} <= allowed


class TestPreconditions:
    """Every action on an existing object carries the uid and resourceVersion of what was read."""

    @given(made.observations())
    def test_reconcile(self, seen: Observed) -> None:
        versions = {held.version for held in (seen.target, *seen.orphans) if held is not None}
        for action, _ in touched(reconcile(seen)):
            if not isinstance(action, CreateTarget):
                assert action.at in versions  # type: ignore[union-attr]
                assert action.at.uid  # type: ignore[union-attr]
                assert action.at.resource_version  # type: ignore[union-attr]

    @given(made.observations())
    def test_creation_only_where_nothing_was_seen(self, seen: Observed) -> None:
        actions = [action for action, _ in touched(reconcile(seen))]
        assert seen.target is None or not any(isinstance(action, CreateTarget) for action in actions)
        assert sum(isinstance(action, CreateTarget | UpdateTarget) for action in actions) <= 1

    @given(made.observations(), made.instants())
    def test_status(self, seen: Observed, now: Instant) -> None:
        es = seen.external_secret
        end = settle(es, reconcile(seen), (), started=now, now=now)
        if end.status is not None:
            assert (end.status.at.uid, end.status.at.resource_version) == (es.metadata.uid, es.metadata.resource_version)


class TestVerdicts:
    """A plan that fails says why; one that is well says nothing and repeats nothing."""

    @given(made.observations())
    def test_plan(self, seen: Observed) -> None:
        plan = reconcile(seen)
        assert plan.because.ready == (plan.detail is None)
        assert plan.because.ready or not plan.steps

    @given(made.observations(), made.instants())
    def test_the_status_that_was_written_is_not_written_again(self, seen: Observed, now: Instant) -> None:
        es = seen.external_secret
        plan = reconcile(seen)
        first = settle(es, plan, (), started=now, now=now)
        if first.status is not None and not plan.because.ready:
            held = es.model_dump(mode="json", by_alias=True, exclude_unset=True)
            held["status"] = {**held.get("status", {}), **first.status.status}
            again = settle(ExternalSecret.model_validate(held), plan, (), started=now, now=now.plus(10**9))
            assert again.status is None
