"""Requests on their way to the API server."""

from __future__ import annotations

from itertools import count

from eso_core.instant import SECOND, Instant, Now
from eso_core.machines.outbox import Outbox
from eso_core.machines.turns import Reason
from eso_core.wire import CallFailed, KubeCall, KubeReply

CALL = KubeCall(method="GET", path="/")


def at(mono: int) -> Now:
    return Now(Instant(mono), mono)


def nothing(reply: KubeReply | CallFailed, now: Now) -> None:
    """For tests that look at what is sent."""


def outbox(at_once: int = 4, events: int = 1, waiting: int = 2) -> tuple[Outbox, object]:
    return Outbox(at_once=at_once, events_at_once=events, events_waiting=waiting), count(1).__next__


def test_room_is_kept_for_events() -> None:
    box, ticket = outbox()
    for _ in range(10):
        box.put(CALL, nothing, Reason.NEW)
    box.put_event(CALL, nothing)
    assert len(box.send(0, ticket)) == 3 + 1


def test_a_first_one_overtakes_those_that_wait() -> None:
    box, ticket = outbox(at_once=2, events=1)
    box.put(CALL, nothing, Reason.NEW)
    box.put(KubeCall(method="PATCH", path="/"), nothing, Reason.NEW, first=True)
    assert [call.method for _, call in box.send(0, ticket)] == ["PATCH"]


def test_events_beyond_the_bound_are_dropped_and_counted() -> None:
    box, _ = outbox(waiting=2)
    for _ in range(5):
        box.put_event(CALL, nothing)
    assert box.dropped == 3


def test_429_makes_a_pause_of_at_most_a_minute() -> None:
    box, ticket = outbox()
    box.put(CALL, nothing, Reason.NEW)
    [(first, _)] = box.send(0, ticket)
    box.put(CALL, nothing, Reason.NEW)
    box.reply(first, KubeReply(status=429, body=b"", retry_after_s=3600), at(0))
    assert box.send(59 * SECOND, ticket) == []
    assert box.wake_at() == 60 * SECOND
    assert len(box.send(60 * SECOND, ticket)) == 1


def test_an_unknown_ticket_is_ignored() -> None:
    box, _ = outbox()
    box.reply(99, KubeReply(status=200, body=b""), at(0))
    assert box.busy == 0


def test_classes_take_turns() -> None:
    """A thousand objects that tell that they fail do not stand in the way of a new one."""
    box, ticket = outbox(at_once=3, events=1)
    for number in range(20):
        box.put(KubeCall(method="PATCH", path=f"/retry/{number}"), nothing, Reason.RETRY, first=True)
    box.put(KubeCall(method="POST", path="/new"), nothing, Reason.NEW)
    assert "/new" in [call.path for _, call in box.send(0, ticket)]
