"""Requests on their way to the API server: at most so many at a time, with room kept for events, and none while it asks for peace.

What waits is sent in turns of the classes of passes (:mod:`eso_core.machines.turns`), so that a thousand objects which tell that they fail
do not stand in the way of a new one. Within a class, a pass that is nearly done comes before one that begins.

Lists and streams do not come through here: they are few, and what everything else waits for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from eso_core.failure import Throttled
from eso_core.instant import SECOND, Now
from eso_core.machines.turns import REASONS, Reason, Turns
from eso_core.wire import CallFailed, KubeCall, KubeReply

Then = Callable[[KubeReply | CallFailed, Now], None]
PAUSE_MAX_S = 60  # the longest peace that the API server gets at its word


class Outbox:
    """Every request that is put in gets exactly one answer, unless it is an event that did not fit (``dropped``)."""

    def __init__(self, *, at_once: int, events_at_once: int, events_waiting: int) -> None:
        """``events_at_once`` of the ``at_once`` requests are kept free for events; beyond ``events_waiting`` events are dropped."""
        self.dropped = 0
        self._room = at_once - events_at_once
        self._events_room = events_at_once
        self._events_max = events_waiting
        self._waiting: tuple[deque[tuple[KubeCall, Then]], ...] = tuple(deque() for _ in REASONS)
        self._turns = Turns()
        self._events: deque[tuple[KubeCall, Then]] = deque()
        self._under_way: dict[int, Then] = {}
        self._busy = 0
        self._events_busy = 0
        self._paused_until = 0

    @property
    def busy(self) -> int:
        """Requests under way, and events that wait."""
        return self._busy + self._events_busy + len(self._events)

    def put(self, call: KubeCall, then: Then, reason: Reason, *, first: bool = False) -> None:
        """Send ``call`` for a pass of this class when there is room; ``first``: before all others of the class that wait."""
        if first:
            self._waiting[reason].appendleft((call, then))
        else:
            self._waiting[reason].append((call, then))

    def put_event(self, call: KubeCall, then: Then) -> None:
        """Send an event when there is room."""
        if len(self._events) >= self._events_max:
            self.dropped += 1
        else:
            self._events.append((call, then))

    def send(self, now: int, ticket: Callable[[], int]) -> list[tuple[int, KubeCall]]:
        """What has to be sent now, by ticket."""
        if now < self._paused_until:
            return []
        self._paused_until = 0
        sent: list[tuple[int, KubeCall]] = []
        while self._busy < self._room and (due := [reason for reason, row in enumerate(self._waiting) if row]):
            self._busy += 1
            sent.append(self._start(*self._waiting[self._turns.pick(due)].popleft(), ticket(), self._written))
        while self._events and self._events_busy < self._events_room:
            self._events_busy += 1
            sent.append(self._start(*self._events.popleft(), ticket(), self._told))
        return sent

    def reply(self, ticket: int, reply: KubeReply | CallFailed, now: Now) -> None:
        """The answer to the request sent as ``ticket``; unknown tickets are ignored."""
        then = self._under_way.pop(ticket, None)
        if then is not None:
            then(reply, now)

    def wake_at(self) -> int | None:
        """When :meth:`send` has something to send without further news; ``None`` when it has nothing."""
        return self._paused_until if self._paused_until and (any(self._waiting) or self._events) else None

    def _start(self, call: KubeCall, then: Then, ticket: int, ended: Callable[[], None]) -> tuple[int, KubeCall]:
        def answered(reply: KubeReply | CallFailed, now: Now) -> None:
            ended()
            self._heed(reply, now.mono)
            then(reply, now)

        self._under_way[ticket] = answered
        return ticket, call

    def _written(self) -> None:
        self._busy -= 1

    def _told(self) -> None:
        self._events_busy -= 1

    def _heed(self, reply: KubeReply | CallFailed, now: int) -> None:
        """Leave the API server alone for as long as it asks."""
        if isinstance(reply, KubeReply) and reply.status == 429:
            wait = min(max(reply.retry_after_s, 1), PAUSE_MAX_S) * SECOND
        elif isinstance(reply, CallFailed) and isinstance(reply.failure, Throttled):
            wait = min(reply.failure.after_ns, PAUSE_MAX_S * SECOND)
        else:
            return
        self._paused_until = max(self._paused_until, now + wait)
