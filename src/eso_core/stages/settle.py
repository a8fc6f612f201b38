"""The end of a pass: what the outcomes make of the plan's verdict, and how that is made known.

Reference: ``markAsDone``, ``markAsFailed``.
"""

from __future__ import annotations

from typing import Any

from eso_core.api import ExternalSecret
from eso_core.because import Because, Retry
from eso_core.compat.gotime import format_time
from eso_core.failure import Failure, Stale, Throttled, describe
from eso_core.instant import Instant
from eso_core.plan import Again, Backoff, CreateTarget, Event, NotDone, OnChange, Outcome, Plan, Requeue, SetStatus, Settled, Version
from eso_core.refs import Ref
from eso_core.stages.aim import ref_of
from eso_core.stages.conditions import with_ready
from eso_core.stages.due import next_refresh, version_of


def settle(
    es: ExternalSecret,
    plan: Plan,
    outcomes: tuple[Outcome, ...],
    *,
    started: Instant,
    now: Instant,
    waits_on: frozenset[Ref] = frozenset(),
) -> Settled:
    """One outcome per step that was tried, in order; the last may be a failure.

    ``started`` becomes ``status.refreshTime``. A precondition that did not hold changes no condition: the pass is done again.
    """
    verdict, detail = plan.because, plan.detail
    failed = outcomes[-1] if outcomes and isinstance(outcomes[-1], NotDone) else None
    if failed is not None:
        if isinstance(failed.failure, Stale):
            return Settled(requeue=Again(), detail=failed.failure, events=_told(plan, outcomes))
        verdict, detail = plan.steps[len(outcomes) - 1].otherwise, failed.failure
    events = _told(plan, outcomes)
    if not verdict.ready:
        events = (*events, _failure_event(es, verdict, detail))
    created = failed is None or not isinstance(plan.steps[len(outcomes) - 1].action, CreateTarget)
    return Settled(
        requeue=_requeue(es, verdict, detail, started, now),
        because=verdict,
        detail=detail,
        status=_status(es, plan.binding if created else None, verdict.told(detail), started, now),
        events=events,
        waits_on=waits_on if not verdict.ready else frozenset(),
    )


def _told(plan: Plan, outcomes: tuple[Outcome, ...]) -> tuple[Event, ...]:
    done = zip(plan.steps, outcomes, strict=False)
    return (*plan.events, *(step.event for step, outcome in done if step.event is not None and not isinstance(outcome, NotDone)))


def _failure_event(es: ExternalSecret, verdict: Because, detail: Failure | None) -> Event:
    message = describe(detail) if detail is not None else verdict.message
    return Event(about=ref_of(es), uid=es.metadata.uid, reason="UpdateFailed", message=message, warning=True)


def _requeue(es: ExternalSecret, verdict: Because, detail: Failure | None, started: Instant, now: Instant) -> Requeue:
    match verdict.retry:
        case Retry.BACKOFF:
            return Backoff(detail.after_ns if isinstance(detail, Throttled) else 0)
        case Retry.ON_CHANGE:
            return OnChange()
        case Retry.WHEN_DUE:
            return next_refresh(es, started, now)


def _status(es: ExternalSecret, binding: str | None, verdict: Because, started: Instant, now: Instant) -> SetStatus | None:
    """The changed top-level fields of the status; ``None`` when nothing changes."""
    status: dict[str, Any] = {}
    conditions = with_ready(es.status.conditions, verdict, now)
    if conditions is not None:
        status["conditions"] = conditions
    if verdict.ready:
        status |= {"refreshTime": format_time(started.ns), "syncedResourceVersion": version_of(es)}
    bound = es.status.binding.name if es.status.binding is not None else None
    if binding is not None and binding != bound:
        status["binding"] = {"name": binding}
    if not status:
        return None
    return SetStatus(ref_of(es), Version(es.metadata.uid, es.metadata.resource_version), status)
