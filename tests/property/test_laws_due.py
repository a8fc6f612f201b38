"""Laws of the refresh decision."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from eso_core.api import ExternalSecret
from eso_core.instant import Instant
from eso_core.plan import At
from eso_core.stages.due import Due, NotDue, due, next_refresh, refreshed_at
from eso_core.target import TargetSeen
from tests.property.strategies import core as made
from tests.unit.core.objects import owner, secret_manifest, seen

LATER = st.integers(0, 10**17)
TARGETS: st.SearchStrategy[TargetSeen | None] = st.sampled_from(
    [
        None,
        seen(secret_manifest({"k": b"v"}, meta={"ownerReferences": [owner()]})),
        seen(secret_manifest({"k": b"v"}), whole=False),
        seen(secret_manifest({"k": b"v"}, hashed="x"), whole=False),
        seen(secret_manifest({"k": b"v"}, managed=False)),
    ]
)


class TestMonotone:
    """Once due, due until refreshed. (A refresh time in the future is due, too; when it comes true it is an ordinary one.)"""

    @given(made.timed(), TARGETS, made.moments(), LATER)
    def test_time(self, es: ExternalSecret, target: TargetSeen | None, now: Instant, later: int) -> None:
        refreshed = refreshed_at(es)
        assume(refreshed is None or refreshed <= now)
        if isinstance(due(es, target, now), Due):
            assert isinstance(due(es, target, now.plus(later)), Due)

    @given(made.timed(), TARGETS, made.moments())
    def test_a_missing_target_is_at_least_as_due(self, es: ExternalSecret, target: TargetSeen | None, now: Instant) -> None:
        if isinstance(due(es, target, now), Due) and (target is None or target.in_sync) and not es.status.conditions:
            assert isinstance(due(es, None, now), Due)


class TestWaiting:
    """The wait ends exactly when the object becomes due: no pass comes too early, and none too late."""

    @given(made.timed(), TARGETS, made.moments())
    def test_end(self, es: ExternalSecret, target: TargetSeen | None, now: Instant) -> None:
        verdict = due(es, target, now)
        if isinstance(verdict, NotDue) and isinstance(verdict.requeue, At):
            assert verdict.requeue.when > now
            assert isinstance(due(es, target, verdict.requeue.when), Due)
            assert not isinstance(due(es, target, verdict.requeue.when.plus(-1)), Due)

    @given(made.timed(), made.moments(), LATER)
    def test_after_a_refresh(self, es: ExternalSecret, started: Instant, later: int) -> None:
        """A pass that began at ``started`` and ended later is repeated after ``started``, and not in its own past for ever."""
        requeue = next_refresh(es, started, started.plus(later))
        assert not isinstance(requeue, At) or requeue.when > started
