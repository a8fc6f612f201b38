"""Conversations with backends: sessions, batches, single flight, and limits, per identity.

One :class:`_Desk` per identity (store, scope and credentials; see :class:`eso_core.door.Access`)::

    pass ─► admit ─► ask ──► pending ──(session? login if not)──► a conversation of up to batch_max asks ──► answers
              │       │        │ equal asks join                    at most breaker.permitted at a time
              │       └─ refused at once while the breaker is open; the key waits in line
              └─ no room: the pass is put aside, its key waits in line

The life of a desk (:mod:`eso_core.machines.breaker` says when it goes from one state to another):

========  ====================================  ============================  ====================================================
state     passes                                asks                          the line is let out
========  ====================================  ============================  ====================================================
closed    as many as there is room, the others  go through; if all talks hang as room is made, each class with its share
          stand in line                         for ``PROBE_LAST``, one more
                                                begins beside them
open      all                                   fail at once; one every       one key every ``PROBE_LAST``, whose ask is the probe,
                                                ``PROBE_LAST`` is a probe     stores first; who has not been told yet, after 1 s,
                                                                              20 a second
reopened  as closed, but room for 2 at first    one talk at a time at first   as room is made: 2, 4, 8 passes ... at a time
========  ====================================  ============================  ====================================================

Room at a desk is for two passes for each query that may be under way (permitted talks * batch_max), and never for more passes than may
still be parked anywhere: so n desks that do not answer leave an (n + 1)th of all places free. Passes from before the breaker last opened,
whose calls may hang on, count only against twice the room of a desk at full speed. Stores, probes, and desks whose last answer was not good
wait while half of all places are taken.

Guarantees
    * Every ask is answered exactly once, whatever a provider or a backend does.
    * Equal asks of one identity that are under way at the same time cost one call; different identities share nothing.
    * A call that is refused for its session leads to one new login and one repetition, not more.
    * While the breaker is open, asks cost no calls but for the probes. If an earlier probe hangs, the next one repeats its question.
    * A key that stands in line is let out, and it stands in one line only.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard, TypeVar

from eso_core.door import Access, Answer, Ask, Failed, Get, Provider, Query, Session, Talk
from eso_core.failure import Broken, Failure, Refused, Throttled, Unreachable
from eso_core.instant import MILLISECOND, MINUTE, SECOND
from eso_core.machines.breaker import PROBE_LAST, Breaker
from eso_core.machines.turns import Line, Reason
from eso_core.refs import Ref
from eso_core.wire import Call, CallReply

T = TypeVar("T")
Then = Callable[[Ask, Answer, int], None]
Load = Callable[[str], Provider | None]

DESKS = 4096  # identities remembered
ROOM = 2  # passes for each query that may be under way: one is asking, one comes next
LIVES_ROOM = 2  # the same for all lives of a desk together, as a multiple of the room of one
PROBES_MAX = 8  # conversations of an open desk; more would be more than the time-outs of calls explain
FORGOTTEN_AFTER = 15 * MINUTE  # for a desk with an open breaker that nobody asks any more, because its store or credentials changed
CROWD_BUSY, CROWD_IDLE = 20 * MILLISECOND, 4 * MILLISECOND  # between two attempts to get a pass into a desk that is full
WORKS = 250 * MILLISECOND  # a desk that answered this recently makes room by itself
TOLD_AFTER = 1 * SECOND  # from opening until who stands in line is told
TOLD_AT_ONCE, TOLD_EVERY = 2, 100 * MILLISECOND  # so that a thousand objects which fail at once are no burst of passes and writes


@dataclass(slots=True, eq=False)
class _Life:
    """What began at a desk since its breaker last opened or closed. What began before is not counted against what comes now."""

    desk: _Desk
    guests: int = 0  # passes
    talks: int = 0


@dataclass(slots=True, eq=False)
class Stay:
    """One pass at its desks."""

    key: Ref
    reason: Reason
    lives: list[_Life]


@dataclass(slots=True, eq=False)
class _Waiting:
    ask: Ask
    readers: list[tuple[Then, Stay | None]]
    repeated: bool = False
    answered: bool = False


@dataclass(slots=True, eq=False)
class _Desk:
    access: Access
    provider: Provider
    breaker: Breaker
    life: _Life = field(init=False)
    session: Session | None = None
    session_until: int | None = None
    logins: int = 0  # under way
    talks: int = 0  # of all lives
    guests: int = 0  # of all lives
    unanswered: int = 0  # asks
    pending: deque[_Waiting] = field(default_factory=deque)
    asked: dict[Query, _Waiting] = field(default_factory=dict)  # pending or under way
    line: Line[Ref] = field(default_factory=Line)
    aside: set[Ref] = field(default_factory=set)  # of the line, those that have not been told that they failed
    called: int = 0  # keys that were let out of the line and have not asked yet
    prober: Stay | None = None  # whose asks are probes
    probing: tuple[_Waiting, ...] = ()
    permits: int = 0  # conversations that may begin while the breaker is open
    tell_at: int = 0  # when the next of ``aside`` are told that they fail
    heard_at: int = 0  # the last answer, or the last attempt to get one

    def __post_init__(self) -> None:
        self.life = _Life(self)

    @property
    def idle(self) -> bool:
        return not (self.unanswered or self.logins or self.talks or self.guests or self.called or self.line)

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


@dataclass(slots=True, eq=False)
class Conversation:
    """A talk under way. The owner sends ``call`` and gives the reply to :meth:`Backends.reply`."""

    desk: _Desk
    talk: Talk[Any]
    asks: tuple[_Waiting, ...]  # empty: a login
    session: Session | None = None  # the one that its calls use
    call: Call | None = None
    provider_label: str = ""
    extra: bool = False  # beside as many as are permitted, which all hang
    life: _Life = field(init=False)

    def __post_init__(self) -> None:
        self.life = self.desk.life


class Backends:
    """All desks of the operator."""

    def __init__(self, load: Load, random: Callable[[], float]) -> None:
        self._load = load
        self._random = random
        self._desks: OrderedDict[str, _Desk] = OrderedDict()
        self._ready: list[Conversation] = []
        self._refused: list[Access] = []
        self._uneasy: dict[str, _Desk] = {}  # desks with an open breaker or a line
        self._line_of: dict[Ref, _Desk] = {}
        self._called: dict[Ref, _Desk] = {}
        self._latest: _Desk | None = None  # the last one that a pass came to
        self._aside_at = -CROWD_BUSY  # the last time that a pass was

    @property
    def waiting(self) -> int:
        """Asks that are not answered yet."""
        return sum(desk.unanswered for desk in self._desks.values())

    @property
    def aside(self) -> int:
        """Passes that were put aside and have neither begun again nor been told."""
        return sum(len(desk.aside) for desk in self._uneasy.values())

    def held_back(self) -> dict[Ref, tuple[int, int]]:
        """For each store with desks that hold something back: how many breakers are open, and how many keys wait."""
        found: dict[Ref, tuple[int, int]] = {}
        for desk in self._uneasy.values():
            opened, keys = found.get(desk.access.store, (0, 0))
            found[desk.access.store] = (opened + desk.breaker.open, keys + len(desk.line))
        return {store: numbers for store, numbers in found.items() if any(numbers)}

    # ------------------------------------------------------------ passes

    def admit(self, key: Ref, reason: Reason, asks: Iterable[Ask], now: int, free: int, places: int) -> Stay | None:
        """Let a pass ask, or (``None``) have its key wait for room. ``free`` of ``places`` passes may still be parked.

        Whoever was admitted has to :meth:`leave`.
        """
        desks = {desk: None for ask in asks if (desk := self._desk(ask)) is not None}
        mine = self._called.pop(key, None)
        if mine is not None:
            mine.called -= 1  # its place was kept
        for desk in desks:
            if desk.breaker.open:
                continue  # its asks are refused, or are the probe
            if desk.room(free) - desk.called <= 0 or (2 * free <= places and (reason is Reason.STORE or not desk.breaker.proven)):
                self._stand(desk, key, reason)
                desk.aside.add(key)
                self._latest, self._aside_at = desk, now
                return None
            self._latest = desk
        stay = Stay(key, reason, [desk.life for desk in desks])
        for life in stay.lives:
            life.guests += 1
            life.desk.guests += 1
        return stay

    def crowded_until(self, free: int, *, busy: bool) -> int:
        """Until then a pass is likely to be put aside: the latest was, and the desk where it asked is full still, but works on.

        ``busy``: there is other work, so that more time is worth losing. 0: no reason to wait.
        """
        desk = self._latest
        if desk is None or desk.called or not desk.breaker.proven or self._aside_at - desk.heard_at >= WORKS or desk.room(free) > 0:
            return 0
        return self._aside_at + (CROWD_BUSY if busy else CROWD_IDLE)

    def leave(self, stay: Stay) -> None:
        """All asks of the pass have been answered."""
        for life in stay.lives:
            life.guests -= 1
            life.desk.guests -= 1

    def begins(self, key: Ref) -> None:
        """A pass over ``key`` begins: it does not stand in line any more."""
        desk = self._line_of.pop(key, None)
        if desk is not None:
            desk.line.forget(key)
            desk.aside.discard(key)

    def ended(self, key: Ref) -> None:
        """A pass over ``key`` has ended. If it was let out of a line and did not ask, the place is the next one's."""
        desk = self._called.pop(key, None)
        if desk is not None:
            desk.called -= 1

    def let_out(self, now: int, free: int, places: int) -> list[tuple[Ref, Reason]]:
        """The keys that are worth a pass now, of all lines."""
        out: list[tuple[Ref, Reason]] = []
        for identity, desk in list(self._uneasy.items()):
            if desk.breaker.open:
                if desk.idle and now - desk.breaker.probe_at > FORGOTTEN_AFTER:
                    del self._uneasy[identity], self._desks[identity]
                else:
                    self._try_again(desk, now, 2 * free > places, out)
                continue
            if desk.pending and now >= desk.heard_at + PROBE_LAST:
                self._try_beside(desk, now)
            while desk.may_call(free, places):
                self._call(desk, out)
            if not desk.line and not desk.pending:
                del self._uneasy[identity]
        return out

    def wake_at(self, free: int, places: int) -> int | None:
        """When :meth:`let_out` has something to do without news; 0: now."""
        times: list[int] = []
        for desk in self._uneasy.values():
            if desk.breaker.open:
                if desk.aside:
                    times.append(max(desk.breaker.opened_at + TOLD_AFTER, desk.tell_at))
                if (desk.line or _hangs(desk)) and not desk.called:
                    times.append(desk.breaker.probe_at)
            elif desk.may_call(free, places):
                return 0
            elif desk.pending:
                times.append(desk.heard_at + PROBE_LAST)
        return min(times, default=None)

    def _try_again(self, desk: _Desk, now: int, free: bool, out: list[tuple[Ref, Reason]]) -> None:
        """An open desk: send a probe when it is time, and tell those who were put aside that they fail."""
        breaker = desk.breaker
        if now >= breaker.probe_at and not desk.called:
            if _hangs(desk):
                self._repeat_probe(desk, now)
            elif desk.line and free:
                self._call(desk, out)
            elif desk.line:
                breaker.postpone(now)
        if desk.aside and now >= max(breaker.opened_at + TOLD_AFTER, desk.tell_at):
            desk.tell_at = now + TOLD_EVERY
            for key in heapq.nsmallest(TOLD_AT_ONCE, desk.aside):
                desk.aside.discard(key)
                desk.line.forget(key)
                del self._line_of[key]
                out.append((key, Reason.STORE if key.kind == desk.access.store.kind else Reason.RETRY))

    def _try_beside(self, desk: _Desk, now: int) -> None:
        """All talks of a closed desk hang: perhaps a new one does not. Nobody is refused for it."""
        desk.heard_at = now
        if desk.life.talks + desk.logins >= desk.breaker.permitted + PROBES_MAX:
            return
        if desk.session is None:
            self._log_in(desk, now)
        else:
            self._talk(desk, desk.session, _batch(desk), now, extra=True)

    def _repeat_probe(self, desk: _Desk, now: int) -> None:
        desk.breaker.probed(now, self._random())
        if desk.life.talks + desk.logins >= PROBES_MAX:
            return
        if desk.pending:
            desk.permits = 1
            self._pump(desk, now)
        elif desk.session is not None:
            self._talk(desk, desk.session, desk.probing, now)

    def _call(self, desk: _Desk, out: list[tuple[Ref, Reason]]) -> None:
        taken = desk.line.take()
        assert taken is not None
        key = taken[0]
        del self._line_of[key]
        desk.aside.discard(key)
        desk.called += 1
        self._called[key] = desk
        out.append(taken)

    def _stand(self, desk: _Desk, key: Ref, reason: Reason) -> None:
        before = self._line_of.get(key)
        if before is not None and before is not desk:
            self.begins(key)
        self._line_of[key] = desk
        desk.line.put(key, reason)
        self._uneasy[desk.access.identity] = desk

    # ------------------------------------------------------------ asks

    def ask(self, ask: Ask, now: int, then: Then, stay: Stay | None = None) -> None:
        """Have ``then`` called with the answer, perhaps at once. ``stay``: of the pass that asks."""
        desk = self._desk(ask)
        if desk is None:
            then(ask, Failed(Broken(f"there is no provider {ask.provider!r}")), now)
            return
        if desk.breaker.open and not self._is_probe(desk, stay, now):
            self._will_wait(desk, stay)
            then(ask, Failed(desk.breaker.refusal(now)), now)
            return
        same = desk.asked.get(ask.query)
        if same is not None and not desk.breaker.open:  # a probe has to be a call of its own
            same.readers.append((then, stay))
            return
        if not desk.unanswered:
            desk.breaker.rested(now)
            desk.heard_at = now
        waiting = _Waiting(ask, [(then, stay)])
        desk.unanswered += 1
        desk.asked[ask.query] = waiting
        desk.pending.append(waiting)
        self._pump(desk, now)

    def _is_probe(self, desk: _Desk, stay: Stay | None, now: int) -> bool:
        """One pass asks while the breaker is open: its first question is the probe, the others wait for what becomes of it."""
        if stay is not None and stay is desk.prober:
            return True
        if now < desk.breaker.probe_at:
            return False
        desk.breaker.probed(now, self._random())
        desk.prober = stay
        desk.permits = 1
        return True

    def _will_wait(self, desk: _Desk, stay: Stay | None) -> None:
        if stay is not None:
            self._stand(desk, stay.key, Reason.STORE if stay.reason is Reason.STORE else Reason.RETRY)

    def take(self) -> list[Conversation]:
        """Conversations whose ``call`` has to be sent now."""
        ready, self._ready = self._ready, []
        return ready

    def take_refused(self) -> list[Access]:
        """Accesses whose credentials were refused since the last call: worth reading anew."""
        refused, self._refused = self._refused, []
        return refused

    def reply(self, conversation: Conversation, reply: CallReply, now: int) -> None:
        """The reply to ``conversation.call``."""
        self._advance(conversation, reply, now)
        self._pump(conversation.desk, now)

    # ------------------------------------------------------------ desks

    def _desk(self, ask: Ask) -> _Desk | None:
        desk = self._desks.get(ask.access.identity)
        if desk is None:
            provider = self._load(ask.provider)
            if provider is None:
                return None
            desk = self._desks[ask.access.identity] = _Desk(ask.access, provider, Breaker(provider.talks_max))
            self._evict()
        else:
            self._desks.move_to_end(ask.access.identity)
        return desk

    def _evict(self) -> None:
        if len(self._desks) <= DESKS:
            return
        for identity, desk in self._desks.items():
            if desk.idle:
                del self._desks[identity]
                self._uneasy.pop(identity, None)
                return

    def _pump(self, desk: _Desk, now: int) -> None:
        """Start what can be started; see to it that the rest is looked after."""
        self._start(desk, now)
        if desk.pending:
            self._uneasy[desk.access.identity] = desk

    def _start(self, desk: _Desk, now: int) -> None:
        while desk.pending:
            opened = desk.breaker.open
            if desk.pending[0].answered:
                desk.pending.popleft()
            elif opened and not desk.permits:
                return
            elif desk.session is None or (desk.session_until is not None and now >= desk.session_until):
                if desk.logins and not opened:
                    return
                self._log_in(desk, now)
            elif opened or desk.life.talks < desk.breaker.permitted:
                desk.permits = max(0, desk.permits - 1)
                batch = _batch(desk)
                desk.probing = batch if opened else ()
                self._talk(desk, desk.session, batch, now)
            else:
                return

    def _log_in(self, desk: _Desk, now: int) -> None:
        provider = desk.provider
        if provider.login is None:
            desk.session = Session()
            return
        desk.permits = max(0, desk.permits - 1)
        desk.logins += 1
        self._advance(Conversation(desk, _talk(provider.login, desk.access), (), provider_label=provider.label), None, now)

    def _talk(self, desk: _Desk, session: Session, batch: tuple[_Waiting, ...], now: int, *, extra: bool = False) -> None:
        provider = desk.provider
        talk = _talk(provider.fetch, desk.access, session, tuple(w.ask.query for w in batch))
        desk.talks += 1
        desk.life.talks += 1
        self._advance(Conversation(desk, talk, batch, session, provider_label=provider.label, extra=extra), None, now)

    # ------------------------------------------------------------ conversations

    def _advance(self, conversation: Conversation, reply: CallReply | None, now: int) -> None:
        """Send the reply in (``None``: start), and queue the next call or finish."""
        try:
            conversation.call = next(conversation.talk) if reply is None else conversation.talk.send(reply)
        except StopIteration as end:
            self._finish(conversation, end.value, now)
        except Exception as bug:  # a provider must not raise: its fault stays with its own asks
            self._finish(conversation, Broken(f"provider {conversation.desk.provider.key} failed: {type(bug).__name__}"), now)
        else:
            self._ready.append(conversation)

    def _finish(self, conversation: Conversation, result: object, now: int) -> None:
        desk = conversation.desk
        desk.heard_at = now
        if conversation.asks:
            desk.talks -= 1
            conversation.life.talks -= 1
            self._answered(conversation, result, now)
        else:
            desk.logins -= 1
            self._logged_in(conversation, result, now)

    def _logged_in(self, conversation: Conversation, result: object, now: int) -> None:
        desk = conversation.desk
        if isinstance(result, Session):
            desk.session = result
            lease = result.lease_s
            desk.session_until = None if lease is None else now + max(1, int((lease - min(lease / 10, 30)) * SECOND))
            desk.permits = int(desk.breaker.open and bool(desk.pending))  # the probe goes on
            return
        failure = result if _is_failure(result) else Broken(f"provider {desk.provider.key} logged in without a session")
        self._judge(conversation, [failure], now)
        if isinstance(failure, Refused):
            self._refused.append(desk.access)
        self._answer_pending(desk, failure, now)

    def _answer_pending(self, desk: _Desk, failure: Failure, now: int) -> None:
        pending, desk.pending = list(desk.pending), deque()
        for waiting in pending:
            self._answer(desk, waiting, Failed(failure), now)

    def _answered(self, conversation: Conversation, result: object, now: int) -> None:
        desk = conversation.desk
        answers: Mapping[Query, Answer] = result if isinstance(result, Mapping) else {}
        missing = Failed(result if _is_failure(result) else Broken(f"provider {desk.provider.key} gave no answer"))
        given = [(waiting, answers.get(waiting.ask.query, missing)) for waiting in conversation.asks]
        self._judge(conversation, [answer.failure if isinstance(answer, Failed) else None for _, answer in given], now)
        repeat: list[_Waiting] = []
        for waiting, answer in given:
            failure = answer.failure if isinstance(answer, Failed) else None
            if isinstance(failure, Refused) and failure.session:
                if desk.provider.login is not None and not waiting.repeated and not waiting.answered:
                    repeat.append(waiting)
                    continue
                self._refused.append(desk.access)
            self._answer(desk, waiting, answer, now)
        if repeat:
            if desk.session is conversation.session:
                desk.session = None
            for waiting in reversed(repeat):
                waiting.repeated = True
                desk.pending.appendleft(waiting)

    def _answer(self, desk: _Desk, waiting: _Waiting, answer: Answer, now: int) -> None:
        """Tell all who asked, unless they know already: the question of a probe may have been asked several times."""
        if waiting.answered:
            return
        waiting.answered = True
        desk.unanswered -= 1
        if desk.asked.get(waiting.ask.query) is waiting:
            del desk.asked[waiting.ask.query]
        waits = desk.breaker.open and isinstance(answer, Failed) and _is_bad(answer.failure)
        for reader, stay in waiting.readers:
            if waits:
                self._will_wait(desk, stay)
            reader(waiting.ask, answer, now)

    def _judge(self, conversation: Conversation, failures: list[Failure | None], now: int) -> None:
        """Tell the breaker what one conversation says about the backend: the worst, if nothing in it was good, or a time was named."""
        desk = conversation.desk
        bad = [failure for failure in failures if _is_bad(failure)]
        worst = max(bad, key=lambda failure: failure.after_ns if isinstance(failure, Throttled) else 0, default=None)
        if worst is None or (len(bad) < len(failures) and not (isinstance(worst, Throttled) and worst.after_ns)):
            if (desk.breaker.open or conversation.life is desk.life) and desk.breaker.good(now):
                self._revive(desk, conversation)
            elif conversation.extra and conversation.life is desk.life:
                desk.breaker.woke()
                self._revive(desk, conversation)
        elif conversation.life is not desk.life:
            desk.breaker.late(worst, now)
        else:
            if desk.breaker.bad(worst, now, self._random()):
                self._begin_life(desk)
                self._uneasy[desk.access.identity] = desk
            if desk.breaker.open:
                self._answer_pending(desk, desk.breaker.refusal(now), now)

    def _revive(self, desk: _Desk, conversation: Conversation) -> None:
        """The backend answers again. What hangs still is asked anew: it may hang until its time-out."""
        self._begin_life(desk)
        known = {*map(id, desk.pending), *map(id, conversation.asks)}
        desk.pending.extend(waiting for waiting in desk.asked.values() if id(waiting) not in known)

    def _begin_life(self, desk: _Desk) -> None:
        desk.life, desk.prober, desk.probing, desk.permits = _Life(desk), None, (), 0


def _hangs(desk: _Desk) -> bool:
    """A probe is under way."""
    return bool(desk.pending) or any(not waiting.answered for waiting in desk.probing)


def _batch(desk: _Desk) -> tuple[_Waiting, ...]:
    """The next asks of one conversation: up to ``batch_max`` Gets, or one of anything else."""
    first = desk.pending.popleft()
    batch = [first]
    if isinstance(first.ask.query, Get):
        while desk.pending and len(batch) < desk.provider.batch_max and isinstance(desk.pending[0].ask.query, Get):
            waiting = desk.pending.popleft()
            if not waiting.answered:
                batch.append(waiting)
    return tuple(batch)


def _talk(start: Callable[..., Talk[T]], *given: Any) -> Talk[T]:
    """The talk that ``start`` gives; what ``start`` itself raises is raised by the talk."""
    return (yield from start(*given))


def _is_failure(value: object) -> TypeGuard[Failure]:
    return isinstance(value, Failure)


def _is_bad(failure: Failure | None) -> TypeGuard[Throttled | Unreachable]:
    """It says that the backend is not there, or has too much to do."""
    return isinstance(failure, Throttled | Unreachable)
