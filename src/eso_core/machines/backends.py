"""Conversations with backends: sessions, batches, single flight, retries and limits, per identity.

One :class:`~eso_core.machines.desk.Desk` per identity::

    pass ─► admit ─► ask ──► pending ──(session? login if not)──► a conversation of up to batch_max asks ──► answers
              │       │        │ equal asks join      ▲             at most breaker.permitted at a time,        │
              │       │        │                      │             pace.ready_at                               │
              │       │        └─ answered at once    └── rests, if it may be put again ◄───────────────────────┤
              │       │           by what came lately ◄─────────────────────────────────────────────────────────┘
              │       └─ refused at once while the breaker is open; the key waits in line
              └─ no room: the pass is put aside, its key waits in line

The parts: who gets in and who waits (``lines``), when a desk is asked at all (``breaker``, ``pace``), its session (``logins``), answers
that came a moment ago (``recent``), and which desks there are (``desks``). Here they are joined, and conversations carried on. While
the breaker is closed and all talks hang for ``PROBE_LAST``, one more begins beside them; while it is open, one every ``PROBE_LAST`` is the
probe.

Guarantees
    * Every ask is answered exactly once, whatever a provider or a backend does.
    * No answer comes of a talk that began before the pass was last asked for (``Stay.asked``).
    * Equal asks of one identity cost one call, as far as that permits; different identities share nothing.
    * A call that is refused for its session leads to one new login and one repetition, not more. No call waits for a renewal.
    * While the breaker is open, asks cost no calls but for the probes. If an earlier probe hangs, the next one repeats its question.
    * An ask that is throttled or unreachable is put again as often as its store says (``Access.retries``), unless the breaker opens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeGuard, TypeVar

from eso_core.door import Access, Answer, Ask, Failed, Query, Session, Talk
from eso_core.failure import Broken, Failure, Refused, Throttled
from eso_core.instant import MINUTE
from eso_core.machines.breaker import PROBE_LAST
from eso_core.machines.desk import Conversation, Desk, Stay, Then, Waiting, is_bad
from eso_core.machines.desks import Desks, Load
from eso_core.machines.lines import LetOut, Lines
from eso_core.machines.recent import Recent, weight
from eso_core.machines.scrub import scrubbed
from eso_core.machines.turns import Reason
from eso_core.refs import Ref
from eso_core.wire import CallReply

T = TypeVar("T")

PROBES_MAX = 8  # conversations of an open desk; more would be more than the time-outs of calls explain
FORGOTTEN_AFTER = 15 * MINUTE  # for a desk with an open breaker that nobody asks any more


class Backends:
    """All desks of the operator."""

    def __init__(self, load: Load, random: Callable[[], float]) -> None:
        self._random = random
        self._desks = Desks(load)
        self._lines = Lines()
        self._recent = Recent()
        self._ready: list[Conversation] = []
        self._gathering: dict[Desk, None] = {}  # desks whose new asks wait for the end of the turn, so that they share batches
        self._refused: list[Access] = []

    @property
    def waiting(self) -> int:
        """Asks that are not answered yet."""
        return sum(desk.unanswered for desk in self._desks.by_identity.values())

    @property
    def aside(self) -> int:
        """Passes that were put aside and have neither begun again nor been told."""
        return self._lines.aside

    def held_back(self) -> dict[Ref, tuple[int, int]]:
        """For each store with desks that hold something back: how many breakers are open, and how many keys wait."""
        return self._lines.held_back()

    # ------------------------------------------------------------ passes

    def admit(self, key: Ref, reason: Reason, asks: Iterable[Ask], now: int, free: int, places: int, asked: int) -> Stay | None:
        """Let a pass ask, or (``None``) have its key wait for room. ``free`` of ``places`` passes may still be parked.

        ``asked``: when the pass was last asked for. Whoever was admitted has to :meth:`leave`.
        """
        desks: dict[Desk, None] = {}
        for ask in asks:
            desk = self._desks.of(ask, now)
            if desk is not None and not (desk.shelf.kept and self._recent.get(desk.shelf, ask.query, asked)):
                desks[desk] = None
        return self._lines.admit(key, reason, list(desks), now, free, places, asked)

    def crowded_until(self, free: int, *, busy: bool) -> int:
        """See :meth:`Lines.crowded_until`."""
        return self._lines.crowded_until(free, busy=busy)

    def leave(self, stay: Stay) -> None:
        """All asks of the pass have been answered."""
        self._lines.leave(stay)

    def begins(self, key: Ref) -> None:
        """A pass over ``key`` begins."""
        self._lines.begins(key)

    def ended(self, key: Ref) -> None:
        """A pass over ``key`` has ended."""
        self._lines.ended(key)

    def let_out(self, now: int, free: int, places: int) -> list[LetOut]:
        """The keys that are worth a pass now, of all lines."""
        out: list[LetOut] = []
        for desk in self._desks.given_up.values():
            self._lines.dismiss(desk, now, out)
        for identity, desk in list(self._lines.uneasy.items()):
            if desk.breaker.open:
                if desk.idle and now - desk.breaker.probe_at > FORGOTTEN_AFTER:
                    self._drop(desk)
                else:
                    self._try_again(desk, now, 2 * free > places, out)
                continue
            if desk.pending and now >= desk.heard_at + PROBE_LAST:
                self._try_beside(desk, now)
            while desk.may_call(free, places):
                self._lines.call(desk, now, out)
            if not desk.restless:
                del self._lines.uneasy[identity]
        return out

    def wake_at(self, free: int, places: int) -> int | None:
        """When :meth:`let_out` has something to do without news; 0: now."""
        return self._lines.wake_at(free, places, self._desks.given_up.values())

    def _try_again(self, desk: Desk, now: int, free: bool, out: list[LetOut]) -> None:
        """An open desk: send a probe when it is time, and tell those who were put aside that they fail."""
        breaker = desk.breaker
        if now >= breaker.probe_at and not desk.called:
            if desk.hangs():
                self._repeat_probe(desk, now)
            elif desk.line and free:
                self._lines.call(desk, now, out)
            elif desk.line:
                breaker.postpone(now)
        self._lines.tell(desk, now, out)

    def _try_beside(self, desk: Desk, now: int) -> None:
        """All talks of a closed desk hang: perhaps a new one does not. Nobody is refused for it."""
        desk.heard_at = now
        if desk.life.talks + desk.logging_in >= desk.breaker.permitted + PROBES_MAX:
            return
        session = desk.logins.usable(now)
        if not desk.pace.take(now):
            return
        if session is None:
            self._log_in(desk, now)
        else:
            self._talk(desk, session, desk.batch(), now, extra=True)

    def _repeat_probe(self, desk: Desk, now: int) -> None:
        desk.breaker.probed(now, self._random())
        if desk.life.talks + desk.logging_in >= PROBES_MAX:
            return
        session = desk.logins.usable(now)
        if desk.pending:
            desk.permits = 1
            self._pump(desk, now)
        elif session is not None and desk.pace.take(now):
            self._talk(desk, session, desk.probing, now)

    # ------------------------------------------------------------ what is due without news

    def gone(self, store: Ref) -> None:
        """``store`` does not exist any more."""
        self._desks.gone(store)

    def tend(self, now: int) -> None:
        """Do what is due: put questions again, use new tokens, let go of what is not needed any more."""
        for desk in list(self._lines.uneasy.values()):
            if desk.resting and desk.resting[0][0] <= now:
                desk.rested(now)
                self._pump(desk, now)
            elif desk.paced and now >= desk.pace.ready_at:
                self._pump(desk, now)
        self._recent.sweep(now)
        for desk in self._desks.over(now):
            self._drop(desk)

    def tend_at(self) -> int | None:
        """When :meth:`tend` has something to do without news; 0: now."""
        if any(desk.idle for desk in self._desks.given_up.values()):
            return 0
        times = [desk.resting[0][0] for desk in self._lines.uneasy.values() if desk.resting]
        times += [desk.pace.ready_at for desk in self._lines.uneasy.values() if desk.paced]
        if self._recent.sweep_at is not None:
            times.append(self._recent.sweep_at)
        return min(times, default=None)

    def _drop(self, desk: Desk) -> None:
        self._desks.drop(desk)
        self._lines.uneasy.pop(desk.access.identity, None)
        self._recent.clear(desk.shelf)

    # ------------------------------------------------------------ asks

    def ask(self, ask: Ask, now: int, then: Then, stay: Stay | None = None) -> None:
        """Have ``then`` called with the answer, perhaps at once. ``stay``: of the pass that asks; without one, the question is of now."""
        desk = self._desks.of(ask, now)
        if desk is None:
            then(ask, Failed(Broken(f"there is no provider {ask.provider!r}")), now)
            return
        asked = now if stay is None else stay.asked
        recent = self._recent.get(desk.shelf, ask.query, asked) if desk.shelf.kept else None
        if recent is not None:
            then(ask, recent, now)
            return
        if desk.breaker.open and not self._is_probe(desk, stay, now):
            self._lines.will_wait(desk, stay)
            then(ask, Failed(desk.breaker.refusal(now)), now)
            return
        same = desk.asked.get(ask.query)
        if same is not None and not desk.breaker.open and same.serves(asked):  # a probe has to be a call of its own
            same.readers.append((then, stay))
            return
        if not desk.unanswered:
            desk.breaker.rested(now)
            desk.heard_at = now
        waiting = Waiting(ask, [(then, stay)])
        desk.unanswered += 1
        desk.asked[ask.query] = waiting
        desk.pending.append(waiting)
        if desk.provider.batch_max > 1 and not desk.breaker.open:
            self._gathering[desk] = None
        else:
            self._pump(desk, now)

    def _is_probe(self, desk: Desk, stay: Stay | None, now: int) -> bool:
        """One pass asks while the breaker is open: its first question is the probe, the others wait for what becomes of it."""
        if stay is not None and stay is desk.prober:
            return True
        if now < desk.breaker.probe_at:
            return False
        desk.breaker.probed(now, self._random())
        desk.prober = stay
        desk.permits = 1
        return True

    def take(self, now: int) -> list[Conversation]:
        """Conversations whose ``call`` has to be sent now. What was asked since the last take goes into batches, or is answered here."""
        while self._gathering:
            self._pump(self._gathering.popitem()[0], now)
        ready, self._ready = self._ready, []
        return ready

    def take_refused(self) -> list[Access]:
        """Accesses whose credentials were refused since the last call: worth reading anew."""
        refused, self._refused = self._refused, []
        return refused

    def reply(self, conversation: Conversation, reply: CallReply, now: int) -> None:
        """The reply to ``conversation.call``."""
        conversation.received += weight(reply)
        self._advance(conversation, reply, now)
        self._pump(conversation.desk, now)

    # ------------------------------------------------------------ what begins

    def _pump(self, desk: Desk, now: int) -> None:
        """Start what can be started; see to it that the rest is looked after."""
        desk.paced = False
        self._start(desk, now)
        if desk.pending or desk.resting:
            self._lines.uneasy[desk.access.identity] = desk

    def _start(self, desk: Desk, now: int) -> None:
        while desk.pending:
            opened = desk.breaker.open
            if desk.pending[0].answered:
                desk.pending.popleft()
                continue
            if opened and not desk.permits:
                return
            session = desk.logins.usable(now)
            if session is None:
                if not self._needs_login(desk, now):
                    return
                self._log_in(desk, now)
                continue
            if not opened and desk.life.talks >= desk.breaker.permitted:
                return
            if not opened and desk.logins.wants_renewal(now) and not desk.logging_in and desk.pace.take(now):
                self._log_in(desk, now)
                continue
            if not desk.pace.take(now):
                desk.paced = True
                return
            desk.permits = max(0, desk.permits - 1)
            batch = desk.batch()
            desk.probing = batch if opened else ()
            self._talk(desk, session, batch, now)

    def _needs_login(self, desk: Desk, now: int) -> bool:
        """A login has to begin now, for there is no session; if it was refused lately, all who wait are told so."""
        if desk.provider.login is None:
            return True
        if desk.logging_in and not desk.breaker.open:
            return False
        denied = desk.logins.denied(now)
        if denied is not None:
            self._answer_pending(desk, denied, now)
            return False
        desk.paced = not desk.pace.take(now)
        return not desk.paced

    def _log_in(self, desk: Desk, now: int) -> None:
        login = desk.provider.login
        if login is None:
            desk.logins.came(Session(), now, real=False)
            return
        desk.permits = max(0, desk.permits - 1)
        desk.logging_in += 1
        self._advance(Conversation(desk, _talk(login, desk.access), now), None, now)

    def _talk(self, desk: Desk, session: Session, batch: tuple[Waiting, ...], now: int, *, extra: bool = False) -> None:
        talk = _talk(desk.provider.fetch, desk.access, session, tuple(w.ask.query for w in batch))
        desk.talks += 1
        desk.life.talks += 1
        for waiting in batch:
            waiting.talks += 1
            if waiting.began is None:
                waiting.began = now
        self._advance(Conversation(desk, talk, now, batch, session, extra=extra), None, now)

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
            conversation.calls += 1
            self._ready.append(conversation)

    def _finish(self, conversation: Conversation, result: object, now: int) -> None:
        desk = conversation.desk
        desk.heard_at = now
        if conversation.asks:
            desk.talks -= 1
            conversation.life.talks -= 1
            self._answered(conversation, result, now)
        else:
            desk.logging_in -= 1
            self._logged_in(conversation, result, now)

    def _logged_in(self, conversation: Conversation, result: object, now: int) -> None:
        desk, real = conversation.desk, conversation.calls > 0
        if isinstance(result, Session):
            desk.logins.came(result, now, real=real)
            desk.permits = int(desk.breaker.open and bool(desk.pending))  # the probe goes on
            return
        failure = result if _is_failure(result) else Broken(f"provider {desk.provider.key} logged in without a session")
        failure = scrubbed(failure, desk.access, None)
        desk.logins.failed(failure, now, self._random(), real=real)
        if isinstance(failure, Refused):
            self._refused.append(desk.access)
        if desk.logins.usable(now) is None:  # else the session that was to be replaced is good still
            self._judge(conversation, [failure], now)
            self._answer_pending(desk, failure, now)

    def _answered(self, conversation: Conversation, result: object, now: int) -> None:
        desk = conversation.desk
        answers: Mapping[Query, Answer] = result if isinstance(result, Mapping) else {}
        missing = Failed(result if _is_failure(result) else Broken(f"provider {desk.provider.key} gave no answer"))
        given = [(waiting, _plain(answers.get(waiting.ask.query, missing), conversation)) for waiting in conversation.asks]
        if conversation.calls or not desk.breaker.open:  # what was answered without a call says nothing of a backend that is dead
            self._judge(conversation, [answer.failure if isinstance(answer, Failed) else None for _, answer in given], now)
        repeat: list[Waiting] = []
        for waiting, answer in given:
            waiting.talks -= 1
            if not waiting.talks:
                waiting.began = None
            if isinstance(answer, Failed) and isinstance(answer.failure, Refused) and answer.failure.session:
                if self._is_repeated(conversation, waiting, now):
                    repeat.append(waiting)
                    continue
                answer = replace(answer, failure=self._refusal(desk, answer.failure))
            elif waiting.repeated and not (isinstance(answer, Failed) and is_bad(answer.failure)):
                desk.logins.helped()
            if conversation.calls:  # what costs nothing is not worth the memory
                self._recent.put(desk.shelf, waiting.ask.query, answer, conversation.began, now, conversation.received // len(given))
            self._answer_or_rest(desk, waiting, answer, now)
        for waiting in reversed(repeat):
            waiting.repeated = True
            desk.pending.appendleft(waiting)

    def _is_repeated(self, conversation: Conversation, waiting: Waiting, now: int) -> bool:
        """A call was refused for its session: it is put again with another, unless that has been in vain."""
        desk = conversation.desk
        if desk.provider.login is None or waiting.answered:
            return False
        if waiting.repeated:
            desk.logins.in_vain(conversation.session, now, self._random())
            return False
        if not desk.logins.refused(conversation.session, now):
            return False
        if desk.logins.session is None:
            self._recent.clear(desk.shelf)
        return True

    def _refusal(self, desk: Desk, failure: Refused) -> Refused:
        """What is told of a refusal that stands: if a call gave the session, the credential is good, and permission is missing."""
        if desk.provider.login is not None and desk.logins.real:
            return replace(failure, session=False)
        self._refused.append(desk.access)
        return failure

    # ------------------------------------------------------------ answers

    def _answer_pending(self, desk: Desk, failure: Failure, now: int) -> None:
        """Nothing comes of what has not begun."""
        pending, desk.pending = list(desk.pending), deque()
        for waiting in pending:
            self._answer_or_rest(desk, waiting, Failed(failure), now)

    def _refuse_all(self, desk: Desk, now: int) -> None:
        """The breaker is open: neither what has not begun nor what rests is asked."""
        held, desk.pending, desk.resting = [*desk.pending, *(waiting for *_, waiting in desk.resting)], deque(), []
        for waiting in held:
            self._answer(desk, waiting, Failed(desk.breaker.refusal(now)), now)

    def _answer_or_rest(self, desk: Desk, waiting: Waiting, answer: Answer, now: int) -> None:
        failure = answer.failure if isinstance(answer, Failed) else None
        retries = waiting.ask.access.retries
        if is_bad(failure) and waiting.retried < retries.most and not waiting.answered and not desk.breaker.open:
            asked = failure.after_ns if isinstance(failure, Throttled) else 0
            desk.rest(waiting, now + max(asked, retries.interval_ns))
        else:
            self._answer(desk, waiting, answer, now)

    def _answer(self, desk: Desk, waiting: Waiting, answer: Answer, now: int) -> None:
        """Tell all who asked, unless they know already: the question of a probe may have been asked several times."""
        if waiting.answered:
            return
        waiting.answered = True
        desk.unanswered -= 1
        if desk.asked.get(waiting.ask.query) is waiting:
            del desk.asked[waiting.ask.query]
        waits = desk.breaker.open and isinstance(answer, Failed) and is_bad(answer.failure)
        for reader, stay in waiting.readers:
            if waits:
                self._lines.will_wait(desk, stay)
            reader(waiting.ask, answer, now)

    # ------------------------------------------------------------ the breaker

    def _judge(self, conversation: Conversation, failures: list[Failure | None], now: int) -> None:
        """Tell the breaker what one conversation says about the backend: the worst, if nothing in it was good, or a time was named."""
        desk = conversation.desk
        bad = [failure for failure in failures if is_bad(failure)]
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
                desk.begin_life()
                self._lines.uneasy[desk.access.identity] = desk
            if desk.breaker.open:
                self._refuse_all(desk, now)

    def _revive(self, desk: Desk, conversation: Conversation) -> None:
        """The backend answers again. What hangs still is asked anew: it may hang until its time-out."""
        desk.begin_life()
        known = {*map(id, desk.pending), *map(id, conversation.asks), *(id(waiting) for *_, waiting in desk.resting)}
        desk.pending.extend(waiting for waiting in desk.asked.values() if id(waiting) not in known)


def _talk(start: Callable[..., Talk[T]], *given: Any) -> Talk[T]:
    """The talk that ``start`` gives; what ``start`` itself raises is raised by the talk."""
    return (yield from start(*given))


def _plain(answer: Answer, conversation: Conversation) -> Answer:
    if not isinstance(answer, Failed):
        return answer
    return replace(answer, failure=scrubbed(answer.failure, conversation.desk.access, conversation.session))


def _is_failure(value: object) -> TypeGuard[Failure]:
    return isinstance(value, Failure)
