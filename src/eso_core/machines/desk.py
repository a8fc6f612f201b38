"""What is known of one desk: an identity (store, scope and credentials; see :class:`eso_core.door.Access`) at one backend."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from eso_core.door import Access, Answer, Ask, Get, Provider, Query, Session, Talk
from eso_core.failure import Failure, Throttled, Unreachable
from eso_core.machines.breaker import Breaker
from eso_core.machines.logins import Logins
from eso_core.machines.pace import Pace
from eso_core.machines.recent import Shelf
from eso_core.machines.turns import Line, Reason
from eso_core.refs import Ref
from eso_core.wire import Call, HttpCall

Then = Callable[[Ask, Answer, int], None]
Place = tuple[Ref, str]  # a store, and the namespace that it is used from

ROOM = 2  # passes for each query that may be under way: one is asking, one comes next
LIVES_ROOM = 2  # the same for all lives of a desk together, as a multiple of the room of one


@dataclass(slots=True, eq=False)
class Life:
    """What began at a desk since its breaker last opened or closed. What began before is not counted against what comes now."""

    desk: Desk
    guests: int = 0  # passes
    talks: int = 0


@dataclass(slots=True, eq=False)
class Stay:
    """One pass at its desks."""

    key: Ref
    reason: Reason
    lives: list[Life]
    asked: int  # when the pass was last asked for: no answer may come of a talk that began earlier


@dataclass(slots=True, eq=False)
class Waiting:
    """A question, and who waits for its answer. It is pending, under way, or rests until it is put again."""

    ask: Ask
    readers: list[tuple[Then, Stay | None]]
    began: int | None = None  # the first of its talks that are under way
    talks: int = 0  # under way
    retried: int = 0
    repeated: bool = False  # with a new session
    answered: bool = False

    def serves(self, asked: int) -> bool:
        """Its answer will be good enough for a pass that was last asked for at ``asked``."""
        return self.began is None or self.began >= asked


@dataclass(slots=True, eq=False)
class Desk:
    """Counted are things under way, and passes inside."""

    access: Access  # the latest: a login sees a token that is still valid
    provider: Provider
    breaker: Breaker
    pace: Pace
    life: Life = field(init=False)
    logins: Logins = field(default_factory=Logins)
    logging_in: int = 0
    talks: int = 0  # of all lives
    guests: int = 0  # of all lives
    unanswered: int = 0  # asks
    pending: deque[Waiting] = field(default_factory=deque)
    asked: dict[Query, Waiting] = field(default_factory=dict)  # not answered; the latest of each query
    resting: list[tuple[int, int, Waiting]] = field(default_factory=list)  # a heap: when they are put again, in order
    rests: int = 0  # so far
    shelf: Shelf = field(default_factory=Shelf)
    line: Line[Ref] = field(default_factory=Line)
    aside: dict[Ref, int] = field(default_factory=dict)  # of the line, those that have not been told that they failed; asked for when
    called: int = 0  # keys that were let out of the line and have not asked yet
    prober: Stay | None = None  # whose asks are probes
    probing: tuple[Waiting, ...] = ()
    permits: int = 0  # conversations that may begin while the breaker is open
    paced: bool = False  # something is pending for want of a token
    tell_at: int = 0  # when the next of ``aside`` are told that they fail
    heard_at: int = 0  # the last answer, or the last attempt to get one
    used_at: int = 0  # the last ask
    places: set[Place] = field(default_factory=set)  # for which this is the latest identity

    def __post_init__(self) -> None:
        self.life = Life(self)

    @property
    def idle(self) -> bool:
        """Nothing is under way, and nobody waits."""
        return not (self.unanswered or self.logging_in or self.talks or self.guests or self.called or self.line)

    @property
    def restless(self) -> bool:
        """There is something to do at a time that no news will tell."""
        return bool(self.line or self.pending or self.resting)

    def hangs(self) -> bool:
        """A probe is under way."""
        return bool(self.pending) or any(not waiting.answered for waiting in self.probing)

    def may_call(self, free: int, places: int) -> bool:
        """Somebody stands in line, and there is room for one who is let out now."""
        if not self.line or self.room(free) <= self.called:
            return False
        return 2 * free > places or (self.breaker.proven and not self.line.has(Reason.STORE))

    def room(self, free: int) -> int:
        """How many more passes are let in; may be negative."""
        step = ROOM * self.provider.batch_max
        most = min(step * self.breaker.permitted, free)
        return min(most - self.life.guests, LIVES_ROOM * step * self.breaker.most - self.guests)

    def begin_life(self) -> None:
        """The breaker has opened or closed."""
        self.life, self.prober, self.probing, self.permits = Life(self), None, (), 0

    def rest(self, waiting: Waiting, until: int) -> None:
        """Put ``waiting`` again at ``until``."""
        waiting.retried += 1
        self.rests += 1
        heapq.heappush(self.resting, (until, self.rests, waiting))

    def rested(self, now: int) -> None:
        """Make pending what was to be put again by now."""
        while self.resting and self.resting[0][0] <= now:
            self.pending.append(heapq.heappop(self.resting)[2])

    def batch(self) -> tuple[Waiting, ...]:
        """The next questions of one conversation, all different: up to ``batch_max`` Gets, or one of anything else."""
        first = self.pending.popleft()
        batch, queries = [first], {first.ask.query}
        if isinstance(first.ask.query, Get):
            while self.pending and len(batch) < self.provider.batch_max:
                query = self.pending[0].ask.query
                if not isinstance(query, Get) or query in queries:
                    break
                waiting = self.pending.popleft()
                if not waiting.answered:
                    batch.append(waiting)
                    queries.add(query)
        return tuple(batch)


@dataclass(slots=True, eq=False)
class Conversation:
    """A talk under way. The owner sends ``call`` and gives the reply to :meth:`Backends.reply`."""

    desk: Desk
    talk: Talk[Any]
    began: int
    asks: tuple[Waiting, ...] = ()  # empty: a login
    session: Session | None = None  # the one that its calls use
    call: Call | None = None
    calls: int = 0  # so far
    received: int = 0  # bytes
    extra: bool = False  # beside as many as are permitted, which all hang
    life: Life = field(init=False)

    def __post_init__(self) -> None:
        self.life = self.desk.life

    @property
    def label(self) -> str:
        """The ``provider`` label of the call, for metrics."""
        own = self.call.provider if isinstance(self.call, HttpCall) else ""
        return own or self.desk.provider.label


def is_bad(failure: Failure | None) -> TypeGuard[Throttled | Unreachable]:
    """It says that the backend is not there, or has too much to do."""
    return isinstance(failure, Throttled | Unreachable)
