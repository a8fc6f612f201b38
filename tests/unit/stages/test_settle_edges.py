"""The end of a pass: what the event of a failure says, and from when on the next pass counts."""

from __future__ import annotations

import pytest

from eso_core import because
from eso_core.failure import Failure, InvalidSpec, Refused, Throttled
from eso_core.instant import HOUR, SECOND
from eso_core.plan import At, Backoff, CreateTarget, DeleteTarget, Desired, Done, Event, NotDone, Plan, SecretBody, Step, Version
from eso_core.refs import SECRET, Ref
from eso_core.stages.settle import settle
from tests.unit.core.objects import KEY, NAME, NS, STORE, at, es_of

START, END = at("2026-01-01T12:00:00Z"), at("2026-01-01T12:00:05Z")
ES = es_of(meta={"uid": ""})  # refreshes of objects without a uid are not spread
DELETE = DeleteTarget(Ref(SECRET, NS, NAME), Version("u", "1"))
TOLD = Event(about=KEY, uid="", reason="Deleted", message="gone")


@pytest.mark.parametrize(
    ("detail", "message"),
    [(None, because.PROVIDER_FAILED.message), (Refused("no"), "no"), (InvalidSpec("bad", "spec.x"), "spec.x: bad")],
)
def test_the_event_names_the_cause_or_else_the_verdict(detail: Failure | None, message: str) -> None:
    end = settle(ES, Plan(because=because.PROVIDER_FAILED, detail=detail), (), started=START, now=END)
    assert end.events == (Event(about=KEY, uid="", reason="UpdateFailed", message=message, warning=True),)


def test_the_interval_counts_from_the_start_of_the_pass() -> None:
    end = settle(ES, Plan(because=because.SYNCED), (), started=START, now=END)
    assert end.requeue == At(START.plus(HOUR + 1))
    assert end.status is not None
    assert end.status.status["refreshTime"] == "2026-01-01T12:00:00Z"


def test_what_happened_before_is_told_first_and_the_failure_last() -> None:
    steps = tuple(Step(action=DELETE, event=TOLD, otherwise=because.ORPHANS_FAILED) for _ in range(2))
    plan = Plan(steps=steps, because=because.SYNCED, events=(Event(about=KEY, uid="", reason="MissingProviderSecret", message="m"),))
    end = settle(ES, plan, (Done(), NotDone(Throttled("slow", 3 * SECOND))), started=START, now=END, waits_on=frozenset({STORE}))
    assert [event.reason for event in end.events] == ["MissingProviderSecret", "Deleted", "UpdateFailed"]
    assert (end.requeue, end.waits_on) == (Backoff(3 * SECOND), frozenset({STORE}))


def test_a_step_without_an_event_tells_nothing() -> None:
    plan = Plan(steps=(Step(action=DELETE, otherwise=because.ORPHANS_FAILED),), because=because.SYNCED)
    assert settle(ES, plan, (Done(),), started=START, now=END).events == ()


CREATE = CreateTarget(
    Desired(ref=Ref(SECRET, NS, NAME), labels={}, annotations={}, owners=(), finalizers=(), body=SecretBody({})), "manager"
)


@pytest.mark.parametrize(
    ("action", "outcome", "bound"),
    [(CREATE, Done(), True), (CREATE, NotDone(Refused("no")), False), (DELETE, NotDone(Refused("no")), True)],
    ids=["made", "not made", "another step failed"],
)
def test_a_target_that_could_not_be_made_is_no_target(action: CreateTarget | DeleteTarget, outcome: Done | NotDone, bound: bool) -> None:
    plan = Plan(steps=(Step(action=action, otherwise=because.UPDATE_FAILED),), because=because.SYNCED, binding=NAME)
    end = settle(ES, plan, (outcome,), started=START, now=END)
    assert end.status is not None
    assert end.status.status.get("binding") == ({"name": NAME} if bound else None)
