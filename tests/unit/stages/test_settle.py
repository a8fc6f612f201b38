"""The end of a pass."""

from __future__ import annotations

import pytest

from eso_core import because
from eso_core.because import VERDICTS, Because, Retry
from eso_core.failure import InvalidSpec, Missing, Refused, Stale, Throttled, Unreachable
from eso_core.instant import HOUR, SECOND
from eso_core.plan import (
    Again,
    At,
    Backoff,
    CreateTarget,
    DeleteTarget,
    Desired,
    Done,
    Event,
    NotDone,
    OnChange,
    Outcome,
    Plan,
    SecretBody,
    Settled,
    Step,
    Version,
)
from eso_core.refs import SECRET, Ref
from eso_core.stages.due import spread_of, version_of
from eso_core.stages.settle import settle
from tests.unit.core.objects import KEY, NAME, NS, STORE, at, es_of

START, END = at("2026-01-01T12:00:00Z"), at("2026-01-01T12:00:05Z")
TARGET = Ref(SECRET, NS, NAME)
TOLD = Event(about=KEY, uid="es-uid", reason="Created", message="secret created")
ORPHAN = Step(action=DeleteTarget(TARGET, Version("u", "1")), event=None, otherwise=because.ORPHANS_FAILED)
CREATE = Step(
    action=CreateTarget(Desired(ref=TARGET, labels={}, annotations={}, owners=(), finalizers=(), body=SecretBody({})), "m"),
    event=TOLD,
    otherwise=because.UPDATE_FAILED,
)


def late(interval: int) -> int:
    return spread_of(es_of(), interval)


SYNCED = Plan(steps=(ORPHAN, CREATE), because=because.SYNCED, binding=NAME)


def settled(plan: Plan, *outcomes: Outcome, **parts: dict[str, object]) -> Settled:
    return settle(es_of(**parts), plan, outcomes, started=START, now=END, waits_on=frozenset({STORE}))


class TestSuccess:
    def test_everything_is_said(self) -> None:
        end = settled(SYNCED, Done(), Done())
        assert (end.because, end.detail, end.events, end.waits_on) == (because.SYNCED, None, (TOLD,), frozenset())
        assert end.requeue == At(START.plus(HOUR + late(HOUR) + 1))
        assert end.status is not None
        assert (end.status.ref, end.status.at) == (KEY, Version("es-uid", "7"))
        condition = {
            "type": "Ready",
            "status": "True",
            "reason": "SecretSynced",
            "message": "secret synced",
            "lastTransitionTime": "2026-01-01T12:00:05Z",
        }
        assert end.status.status == {
            "conditions": [condition],
            "refreshTime": "2026-01-01T12:00:00Z",
            "syncedResourceVersion": version_of(es_of()),
            "binding": {"name": NAME},
        }

    def test_what_has_not_changed_is_not_said_again(self) -> None:
        condition = {
            "type": "Ready",
            "status": "True",
            "reason": "SecretSynced",
            "message": "secret synced",
            "lastTransitionTime": "2025-01-01T00:00:00Z",
        }
        end = settled(SYNCED, Done(), Done(), status={"conditions": [condition], "binding": {"name": NAME}})
        assert end.status is not None
        assert set(end.status.status) == {"refreshTime", "syncedResourceVersion"}

    @pytest.mark.parametrize(
        ("spec", "requeue"),
        [
            ({"refreshInterval": "0"}, OnChange()),
            ({"refreshPolicy": "OnChange"}, OnChange()),
            ({"refreshInterval": "10s"}, At(START.plus(10 * SECOND + late(10 * SECOND) + 1))),
        ],
    )
    def test_requeue(self, spec: dict[str, object], requeue: object) -> None:
        assert settled(SYNCED, Done(), Done(), spec=spec).requeue == requeue


class TestFailure:
    def test_the_step_that_failed_decides(self) -> None:
        end = settled(SYNCED, NotDone(Refused("not you")))
        assert (end.because, end.detail, end.requeue) == (because.ORPHANS_FAILED, Refused("not you"), Backoff())
        end = settled(SYNCED, Done(), NotDone(InvalidSpec("bad", "data")))
        assert end.because == because.UPDATE_FAILED
        [event] = end.events
        assert (event.reason, event.message, event.warning) == ("UpdateFailed", "data: bad", True)

    def test_success_before_the_failure_is_told(self) -> None:
        plan = Plan(steps=(CREATE, ORPHAN), because=because.SYNCED)
        assert [event.reason for event in settled(plan, Done(), NotDone(Refused("x"))).events] == ["Created", "UpdateFailed"]

    def test_a_failure_moves_neither_time_nor_version(self) -> None:
        end = settled(SYNCED, NotDone(Refused("x")))
        assert end.status is not None
        assert set(end.status.status) == {"conditions", "binding"}

    def test_the_same_failure_again_writes_nothing(self) -> None:
        message = "could not update secret"
        condition = {
            "type": "Ready",
            "status": "False",
            "reason": "SecretSyncedError",
            "message": message,
            "lastTransitionTime": "2025-01-01T00:00:00Z",
        }
        status = {"conditions": [condition], "binding": {"name": NAME}}
        assert settled(SYNCED, Done(), NotDone(Unreachable("x")), status=status).status is None

    def test_a_stale_precondition_is_no_verdict(self) -> None:
        end = settled(SYNCED, Done(), NotDone(Stale("conflict")))
        assert (end.because, end.status, end.requeue) == (None, None, Again())

    def test_the_other_side_names_the_pause(self) -> None:
        plan = Plan(because=because.PROVIDER_FAILED, detail=Throttled("slow down", 9 * SECOND))
        assert settled(plan).requeue == Backoff(9 * SECOND)

    def test_it_waits_for_what_may_help(self) -> None:
        assert settled(Plan(because=because.PROVIDER_FAILED, detail=Missing("x"))).waits_on == {STORE}

    @pytest.mark.parametrize("verdict", [v for v in VERDICTS if not v.reason.startswith(("Valid", "InvalidProv"))], ids=lambda v: v.message)
    def test_every_verdict(self, verdict: Because) -> None:
        end = settled(Plan(because=verdict, detail=None if verdict.ready else Refused("why", about='SecretStore "st"')))
        assert end.because is verdict
        assert end.status is not None
        [ready] = end.status.status["conditions"]
        message = f'{verdict.message}: SecretStore "st": denied' if verdict.causes else verdict.message
        assert (ready["status"], ready["reason"], ready["message"]) == (str(verdict.ready), verdict.reason, message)
        assert [event.warning for event in end.events] == ([] if verdict.ready else [True])
        expected = {Retry.BACKOFF: Backoff(), Retry.ON_CHANGE: OnChange(), Retry.WHEN_DUE: At(START.plus(HOUR + late(HOUR) + 1))}
        assert end.requeue == expected[verdict.retry]


class TestVerdicts:
    """Reasons and messages of the reference."""

    FIXED = {
        ("SecretSynced", "secret synced"),
        ("SecretSynced", "secret retained due to DeletionPolicy=Retain"),
        ("SecretDeleted", "secret deleted due to DeletionPolicy=Delete"),
        ("SecretMissing", "secret will not be created due to CreationPolicy=Merge"),
        ("SecretSyncedError", "could not get secret data from provider"),
        ("SecretSyncedError", "could not delete secret"),
        ("SecretSyncedError", "could not delete orphaned secrets"),
        ("SecretSyncedError", "failed to take ownership of target secret"),
        ("SecretSyncedError", "target is owned by another ExternalSecret"),
        ("SecretSyncedError", "could not update secret, target is immutable"),
        ("SecretSyncedError", "could not update secret"),
        ("SecretSyncedError", "invalid generic target"),
        ("Valid", "store validated"),
        ("ValidationUnknown", "could not determine validation status"),
        ("ResourceSynced", "secret synced"),
        ("ResourceSynced", "secret retained due to DeletionPolicy=Retain"),
        ("ResourceDeleted", "secret deleted due to DeletionPolicy=Delete"),
        ("ResourceMissing", "resource will not be created due to CreationPolicy=Merge"),
        ("ResourceSyncedError", "could not get secret data from provider"),
        ("ResourceSyncedError", "could not get target resource"),
        ("ResourceSyncedError", "could not delete resource"),
        ("ResourceSyncedError", "could not apply template to manifest"),
        ("ResourceSyncedError", "could not update secret"),
        ("InvalidProviderConfig", "unable to create client"),
        ("InvalidProviderConfig", "unable to validate store"),
    }

    def test_they_are_all_there_and_no_others(self) -> None:
        assert {(verdict.reason, verdict.message) for verdict in VERDICTS} == self.FIXED

    def test_what_is_not_ready_comes_with_advice(self) -> None:
        assert all(verdict.ready or verdict.advice for verdict in VERDICTS)

    def test_a_target_that_may_not_be_watched_is_looked_at_again(self) -> None:
        """A foreign Secret without our label wakes nobody when it goes: waiting for a change would be waiting for ever."""
        assert {because.OWNERSHIP_FAILED.retry, because.OWNED_BY_OTHER.retry, because.IMMUTABLE.retry} == {Retry.WHEN_DUE}
