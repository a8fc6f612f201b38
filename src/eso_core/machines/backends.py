"""Conversations with backends: sessions, batches, single flight and limits, per identity.

One :class:`_Desk` per identity (store, scope and credentials; see :class:`eso_core.door.Access`)::

    ask ──► pending ──(session? login if not)──► a conversation of up to batch_max asks ──► answers
              │ equal asks join                         at most talks_max at a time
              └─ refused at once while the desk pauses (throttled, or unreachable several times in a row)

Guarantees
    * Every ask is answered exactly once, whatever a provider or a backend does.
    * Equal asks of one identity that are under way at the same time cost one call; different identities share nothing.
    * A call that is refused for its session leads to one new login and one repetition, not more.
    * While a desk pauses, asks cost no calls.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard, TypeVar

from eso_core.door import Access, Answer, Ask, Failed, Get, Provider, Query, Session, Talk
from eso_core.failure import Broken, Failure, Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.machines.backoff import pause
from eso_core.wire import Call, CallReply

T = TypeVar("T")
Then = Callable[[Ask, Answer, int], None]
Load = Callable[[str], Provider | None]

DESKS = 4096  # identities remembered
PENDING_MAX = 512  # asks that wait at a desk which makes no progress
PROGRESS_NS = 5 * SECOND  # a desk that answered something this recently makes progress
DEAD_AFTER = 3  # unreachable answers in a row
PAUSE_FIRST, PAUSE_LAST = 1 * SECOND, 60 * SECOND


@dataclass(slots=True)
class _Waiting:
    ask: Ask
    readers: list[Then]
    repeated: bool = False


@dataclass(slots=True, eq=False)
class _Desk:
    access: Access
    provider: Provider
    session: Session | None = None
    session_until: int | None = None
    logging_in: bool = False
    pending: deque[_Waiting] = field(default_factory=deque)
    asked: dict[Query, _Waiting] = field(default_factory=dict)  # pending or under way
    talks: int = 0
    paused_until: int = 0
    paused_for: Failure | None = None
    unreachable: int = 0
    progress_at: int = 0

    @property
    def idle(self) -> bool:
        return not self.asked and not self.logging_in and self.talks == 0


@dataclass(slots=True, eq=False)
class Conversation:
    """A talk under way. The owner sends ``call`` and gives the reply to :meth:`Backends.reply`."""

    desk: _Desk
    talk: Talk[Any]
    asks: tuple[_Waiting, ...]  # empty: a login
    session: Session | None = None  # the one that its calls use
    call: Call | None = None
    provider_label: str = ""


class Backends:
    """All desks of the operator."""

    def __init__(self, load: Load, random: Callable[[], float]) -> None:
        self._load = load
        self._random = random
        self._desks: OrderedDict[str, _Desk] = OrderedDict()
        self._ready: list[Conversation] = []
        self._refused: list[Access] = []

    @property
    def waiting(self) -> int:
        """Asks that are not answered yet."""
        return sum(len(desk.asked) for desk in self._desks.values())

    def ask(self, ask: Ask, now: int, then: Then) -> None:
        """Have ``then`` called with the answer, perhaps at once."""
        desk = self._desk(ask)
        if desk is None:
            then(ask, Failed(Broken(f"there is no provider {ask.provider!r}")), now)
            return
        same = desk.asked.get(ask.query)
        if same is not None:
            same.readers.append(then)
            return
        refusal = _refusal(desk, now)
        if refusal is not None:
            then(ask, Failed(refusal), now)
            return
        if desk.idle:
            desk.progress_at = now
        waiting = _Waiting(ask, [then])
        desk.asked[ask.query] = waiting
        desk.pending.append(waiting)
        self._pump(desk, now)

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
            desk = self._desks[ask.access.identity] = _Desk(ask.access, provider)
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
                return

    def _pump(self, desk: _Desk, now: int) -> None:
        """Start what can be started."""
        while desk.pending and not desk.logging_in:
            pausing = _pause_of(desk, now)
            if pausing is not None:
                self._answer_pending(desk, pausing, now)
            elif desk.session is None or (desk.session_until is not None and now >= desk.session_until):
                self._log_in(desk, now)
            elif desk.talks < desk.provider.talks_max:
                self._fetch(desk, desk.session, now)
            else:
                return

    def _log_in(self, desk: _Desk, now: int) -> None:
        provider = desk.provider
        if provider.login is None:
            desk.session = Session()
            return
        desk.logging_in = True
        self._advance(Conversation(desk, _talk(provider.login, desk.access), (), provider_label=provider.label), None, now)

    def _fetch(self, desk: _Desk, session: Session, now: int) -> None:
        provider, batch = desk.provider, _batch(desk)
        talk = _talk(provider.fetch, desk.access, session, tuple(w.ask.query for w in batch))
        desk.talks += 1
        self._advance(Conversation(desk, talk, batch, session, provider_label=provider.label), None, now)

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
        if conversation.asks:
            conversation.desk.talks -= 1
            self._answered(conversation, result, now)
        else:
            self._logged_in(conversation.desk, result, now)

    def _logged_in(self, desk: _Desk, result: object, now: int) -> None:
        desk.logging_in = False
        if isinstance(result, Session):
            desk.session = result
            lease = result.lease_s
            desk.session_until = None if lease is None else now + max(1, int((lease - min(lease / 10, 30)) * SECOND))
            desk.progress_at, desk.unreachable = now, 0
            return
        failure = result if _is_failure(result) else Broken(f"provider {desk.provider.key} logged in without a session")
        self._judge(desk, failure, now)
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
        repeat: list[_Waiting] = []
        for waiting in conversation.asks:
            answer = answers.get(waiting.ask.query, missing)
            failure = answer.failure if isinstance(answer, Failed) else None
            if isinstance(failure, Refused) and failure.session and desk.provider.login is not None and not waiting.repeated:
                repeat.append(waiting)
                continue
            if isinstance(failure, Refused) and failure.session:
                self._refused.append(desk.access)
            self._judge(desk, failure, now)
            self._answer(desk, waiting, answer, now)
        if repeat:
            if desk.session is conversation.session:
                desk.session = None
            for waiting in reversed(repeat):
                waiting.repeated = True
                desk.pending.appendleft(waiting)

    def _answer(self, desk: _Desk, waiting: _Waiting, answer: Answer, now: int) -> None:
        del desk.asked[waiting.ask.query]
        for reader in waiting.readers:
            reader(waiting.ask, answer, now)

    def _judge(self, desk: _Desk, failure: Failure | None, now: int) -> None:
        """Pause the desk after a throttled answer, and after several unreachable ones in a row."""
        if isinstance(failure, Throttled) and failure.after_ns > desk.paused_until - now > 0:
            desk.paused_until, desk.paused_for = now + failure.after_ns, failure
        elif isinstance(failure, Throttled | Unreachable):
            if desk.paused_until > now:
                return  # of the calls that were under way when the pause began: no news
            desk.unreachable += 1
            if isinstance(failure, Throttled):
                wait = failure.after_ns or pause(desk.unreachable - 1, self._random(), first=PAUSE_FIRST, last=PAUSE_LAST)
            elif desk.unreachable >= DEAD_AFTER:
                wait = pause(desk.unreachable - DEAD_AFTER, self._random(), first=PAUSE_FIRST, last=PAUSE_LAST)
            else:
                return
            desk.paused_until, desk.paused_for = now + wait, failure
        else:
            desk.unreachable, desk.progress_at = 0, now


def _pause_of(desk: _Desk, now: int) -> Throttled | None:
    """The rest of the desk's pause, if it pauses."""
    left = desk.paused_until - now
    return Throttled(desk.paused_for.what if desk.paused_for else "paused", left) if left > 0 else None


def _refusal(desk: _Desk, now: int) -> Failure | None:
    """Why a new ask is not let in: the desk pauses, or is full and makes no progress."""
    pausing = _pause_of(desk, now)
    if pausing is not None:
        return pausing
    if len(desk.pending) >= PENDING_MAX and now - desk.progress_at > PROGRESS_NS:
        return Throttled(f"{len(desk.pending)} requests wait for this backend, which does not answer", PAUSE_FIRST)
    return None


def _batch(desk: _Desk) -> tuple[_Waiting, ...]:
    """The next asks of one conversation: up to ``batch_max`` Gets, or one of anything else."""
    first = desk.pending.popleft()
    batch = [first]
    if isinstance(first.ask.query, Get):
        while desk.pending and len(batch) < desk.provider.batch_max and isinstance(desk.pending[0].ask.query, Get):
            batch.append(desk.pending.popleft())
    return tuple(batch)


def _talk(start: Callable[..., Talk[T]], *given: Any) -> Talk[T]:
    """The talk that ``start`` gives; what ``start`` itself raises is raised by the talk."""
    return (yield from start(*given))


def _is_failure(value: object) -> TypeGuard[Failure]:
    return isinstance(value, Failure)
