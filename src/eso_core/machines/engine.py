"""The operator without I/O: everything between "a watch line arrived" and "send this request".

::

    stream lines, list pages ─► Watcher ─► pack ─► Cache ─► Queue ─key─► flow (generator)
                                                              ▲             │ Read   ─► Cache, else Lookups
                                      settled: requeue, waits ┘             │ Fetch  ─► Backends ─► Talk
                                                                            ▼ Write  ─► apply, EventRecorder

The owner (``eso_shell.drive``, or a simulator) carries out the commands of :meth:`Engine.tick` and hands back what came, in any order.
All methods return at once; work goes on inside ``tick``. Times are readings of the owner's clocks.

Bounds: ``Limits``. Everything that waits is counted, and nothing waits without one of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from eso_core.door import Answer, Ask, Failed
from eso_core.effect import (
    Answers,
    Body,
    Compute,
    Computed,
    Effect,
    Fetch,
    Flow,
    Followed,
    Gone,
    Present,
    Read,
    Readable,
    Reply,
    Seen,
    Selection,
    Unreadable,
    Whole,
    World,
    Write,
)
from eso_core.failure import Broken, Failure, Throttled, Unreachable
from eso_core.instant import SECOND, Now
from eso_core.machines.apply import Applicable, call_of, outcome_of
from eso_core.machines.backends import Backends
from eso_core.machines.backoff import Backoff as Pauses
from eso_core.machines.cache import Cache, Change, version_number
from eso_core.machines.commands import CloseWatch, Command, OpenWatch, Report, SendCall, SendKube, SendWork
from eso_core.machines.desk import Conversation, Stay
from eso_core.machines.desks import Load
from eso_core.machines.events import EventRecorder
from eso_core.machines.kinds import Kinds, Watched
from eso_core.machines.lookups import KEEP_S, Inquiry, Looked, Lookups
from eso_core.machines.outbox import Outbox
from eso_core.machines.passes import Held, Pass, computed, place_of
from eso_core.machines.queue import Queue
from eso_core.machines.turns import Reason
from eso_core.machines.waits import Waits
from eso_core.machines.watch import Complete, Deleted, Listed, ListPage, News, Phase, Progress, Upsert, Watcher, why_not_synced
from eso_core.plan import (
    Again,
    At,
    Backoff,
    CreateTarget,
    DeleteTarget,
    Done,
    Emit,
    MarkTarget,
    NotDone,
    OnChange,
    Outcome,
    SetFinalizers,
    SetStatus,
    Settled,
    UpdateTarget,
)
from eso_core.refs import Kind, Ref
from eso_core.template.limits import Ambient, Chance, Meter
from eso_core.wire import CallFailed, CallReply, KubeCall, KubeReply

# ---------------------------------------------------------------- what the owner says at the start


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every bound of the engine."""

    passes_max: int = 128  # passes that are not waiting for a backend
    parked_max: int = 1024  # passes that are
    works_max: int = 4096  # passes that wait for a long computation
    kube_max: int = 48  # requests to the API server at a time, streams and lists not counted
    events_max: int = 12  # of them, kept free for events, so that writes do not starve them
    events_waiting_max: int = 20_000  # further events are dropped
    effects_max: int = 64  # effects of one pass; more is a bug
    starts_max: int = 64  # passes started in one tick, so that a tick stays short
    asides_max: int = 2  # passes put aside in one tick: they cost time and get nowhere


class Engine:
    """See the module's docstring."""

    def __init__(
        self,
        *,
        watched: Iterable[Watched],
        flows: Mapping[Kind, Callable[[Ref], Flow[Settled]]],
        load: Load,
        random: Callable[[], float],
        chance: Chance,
        follow: Callable[[Kind], Watched],
        namespace: str = "",
        limits: Limits = Limits(),
    ) -> None:
        self.cache = Cache()
        self.queue: Queue[Ref] = Queue()
        self._limits = limits
        self._flows = flows
        self._kinds = Kinds(watched, follow, namespace=namespace, random=random)
        self._first = frozenset(rule.kind for rule in self._kinds.rules.values() if rule.first)
        self._listed: dict[Kind, set[Ref]] = {}
        self._pauses: Pauses[Ref] = Pauses(random)
        self._lookups = Lookups()
        self._backends = Backends(load, random)
        self._events = EventRecorder()
        self._passes: dict[Ref, Pass] = {}
        self._works: dict[int, Pass] = {}
        self._chance = chance
        self._parked = 0
        self._asides = 0  # in this tick
        self._ready: deque[tuple[Pass, Reply | None]] = deque()
        self._waits: Waits[Ref, Ref] = Waits()
        self._held: dict[Ref, Held] = {}
        self._outbox = Outbox(at_once=limits.kube_max, events_at_once=limits.events_max, events_waiting=limits.events_waiting_max)
        self._pages: dict[int, Watcher] = {}
        self._talks: dict[int, Conversation] = {}
        self._streams: dict[int, Watcher] = {}
        self._tickets = 0
        self._out: list[Command] = []
        self._expired_at = 0
        self._stopping = False

    # ------------------------------------------------------------ asked by the owner

    @property
    def watchers(self) -> Sequence[Watcher]:
        """Of every kind that is watched now."""
        return self._kinds.watchers

    @property
    def vital(self) -> Sequence[Watcher]:
        """Of the kinds without which nothing goes on."""
        return self._kinds.vital

    @property
    def synced(self) -> bool:
        """Every vital kind has been listed once; no pass starts before."""
        return all(w.synced for w in self.vital)

    @property
    def not_ready(self) -> str:
        """Why :attr:`synced` is false; ``""`` when it is true."""
        return why_not_synced(self.vital)

    @property
    def busy(self) -> int:
        """Passes and requests under way, and passes put aside; 0 means that nothing happens before :meth:`wake_at` or news."""
        return len(self._passes) + self._outbox.busy + len(self._talks) + (0 if self._stopping else self._backends.aside)

    @property
    def dropped_events(self) -> int:
        """Events that were not sent, because too many were waiting."""
        return self._outbox.dropped

    @property
    def passes(self) -> int:
        """Passes under way."""
        return len(self._passes)

    def overdue(self, now: Now) -> int:
        """For how long (nanoseconds) the most overdue key has been waiting. Keys that are held back for their backend do not count."""
        return self.queue.due_since(now.mono) if self.synced else 0

    def overdue_by_class(self, now: Now) -> Mapping[Reason, int]:
        """The same for each class."""
        return self.queue.overdue(now.mono) if self.synced else dict.fromkeys(Reason, 0)

    def held_back(self) -> Mapping[Ref, tuple[int, int]]:
        """By store: how many of its breakers are open, and how many keys wait for its backend. Stores without either are left out."""
        return self._backends.held_back()

    def stop(self) -> None:
        """Start no more passes. Those under way go on."""
        self._stopping = True

    def wake_at(self) -> int | None:
        """When :meth:`tick` has something to do without news (monotonic nanoseconds)."""
        times = [w.next_at() for w in self.watchers]
        if self.synced and not self._stopping:
            next_at = self.queue.next_at() if self._has_room() else None
            times.append(None if next_at is None else max(next_at, self._backends.crowded_until(self._places_left, busy=False)))
            times.append(self._backends.wake_at(self._places_left, self._limits.parked_max))
        times += (self._backends.tend_at(), self._outbox.wake_at())
        return min((t for t in times if t is not None), default=None)

    # ------------------------------------------------------------ told by the owner

    def kube_reply(self, ticket: int, reply: KubeReply | CallFailed, now: Now) -> None:
        """The answer to :class:`SendKube`."""
        watcher = self._pages.pop(ticket, None)
        if watcher is not None:
            self._take_in(watcher, watcher.page(reply, now.mono), now)
        else:
            self._outbox.reply(ticket, reply, now)

    def call_reply(self, ticket: int, reply: CallReply, now: Now) -> None:
        """The answer to :class:`SendCall`."""
        conversation = self._talks.pop(ticket, None)
        if conversation is not None:
            self._backends.reply(conversation, reply, now.mono)

    def work_reply(self, ticket: int, computed: Computed, now: Now) -> None:
        """What a :class:`SendWork` has given."""
        current = self._works.pop(ticket, None)
        if current is not None:
            self._resume(current, computed, now)

    def watch_lines(self, ticket: int, lines: Iterable[bytes], now: Now) -> None:
        """Complete lines of a stream, in order."""
        watcher = self._streams.get(ticket)
        if watcher is None:
            return
        self._take_in(watcher, watcher.lines(lines, now.mono), now)
        if watcher.phase is not Phase.WATCHING:
            self._give_up(ticket)

    def watch_closed(self, ticket: int, failure: Failure | None, now: Now, status: int = 0) -> None:
        """A stream has ended."""
        watcher = self._streams.pop(ticket, None)
        if watcher is not None:
            watcher.closed(failure, now.mono, status)

    def tick(self, now: Now) -> list[Command]:
        """Do everything that can be done now; the commands to carry out."""
        self._watch(now)
        self._backends.tend(now.mono)
        worked = bool(self._ready)
        self._advance_ready(now)
        self._start_passes(now, worked)
        self._advance_ready(now)
        self._out.extend(SendKube(ticket, call) for ticket, call in self._outbox.send(now.mono, self._ticket))
        if now.mono - self._expired_at > KEEP_S * SECOND:
            self._expired_at = now.mono
            self._lookups.expire(now.mono)
        out, self._out = self._out, []
        return out

    def _advance_ready(self, now: Now) -> None:
        """Carry on all passes that can be, then send what they asked, together; an answer that takes no call carries on more."""
        while True:
            while self._ready:
                self._advance(*self._ready.popleft(), now)
            self._send_backend_calls(now)
            if not self._ready:
                return

    # ------------------------------------------------------------ watching

    def _watch(self, now: Now) -> None:
        for ticket, watcher in list(self._streams.items()):
            if watcher.silent(now.mono):
                self._give_up(ticket)
                watcher.closed(Unreachable(f"the watch of {watcher.kind.plural} was silent"), now.mono)
        for watcher in self.watchers:
            want = watcher.poll(now.mono)
            if want is None:
                continue
            ticket = self._ticket()
            if isinstance(want, ListPage):
                if want.first:
                    self._listed.pop(watcher.kind, None)
                self._pages[ticket] = watcher
                self._out.append(SendKube(ticket, want.call))
            else:
                self._streams[ticket] = watcher
                self._out.append(OpenWatch(ticket, want.call))

    def _give_up(self, ticket: int) -> None:
        if self._streams.pop(ticket, None) is not None:
            self._out.append(CloseWatch(ticket))

    def _take_in(self, watcher: Watcher, news: Iterable[News], now: Now) -> None:
        rule = self._kinds.rules[watcher.kind]
        for item in news:
            match item:
                case Listed(raw):
                    packed = rule.pack(raw)
                    if packed is not None:
                        self._listed.setdefault(watcher.kind, set()).add(packed.ref)
                        self._changed(rule, self.cache.put(packed, told=True), now)
                case Upsert(raw):
                    packed = rule.pack(raw) if self.cache.hears(watcher.kind, raw) else None
                    if packed is not None:
                        self._changed(rule, self.cache.put(packed, told=True), now)
                case Deleted(raw):
                    packed = rule.pack(raw)
                    if packed is not None:
                        self._changed(rule, self.cache.remove(packed.ref, packed.version), now)
                case Progress(version):
                    self.cache.heard(watcher.kind, version_number(version))
                case Complete(version):
                    listed = self._listed.pop(watcher.kind, set())
                    for change in self.cache.keep_only(watcher.kind, listed.__contains__, version_number(version)):
                        self._changed(rule, change, now)
                case _:
                    assert_never(item)

    def _changed(self, rule: Watched, change: Change | None, now: Now) -> None:
        if change is None:
            return
        self._wake_waiters(change.ref, now)
        if rule.first and change.after is None:
            self._backends.gone(change.ref)
        if not change.matters:
            return
        keys = tuple(rule.wakes(change, self.cache))
        held = self._held.get(change.ref)
        if held is not None and change.after is not None:
            held.versions.append((change.after.version, keys, rule.why(change)))
            return
        for key in keys:
            self._wake(key, rule.why(change), change.ref, now)

    def _wake(self, key: Ref, why: Reason, cause: Ref, now: Now) -> None:
        """``key`` is worth a pass, because ``cause`` has changed. An object that was edited itself starts with a clean record."""
        if key == cause and why is Reason.CHANGED:
            self._pauses.clear(key)
        self.queue.add(key, now.mono, self._class(key, why))

    def _class(self, key: Ref, why: Reason) -> Reason:
        return Reason.STORE if key.kind in self._first else why

    def _wake_waiters(self, ref: Ref, now: Now) -> None:
        for key in self._waits.changed(ref):
            self.queue.add(key, now.mono, self._class(key, Reason.RETRY))

    # ------------------------------------------------------------ passes

    @property
    def _places_left(self) -> int:
        return self._limits.parked_max - self._parked

    def _has_room(self) -> bool:
        return len(self._passes) - self._parked - len(self._works) < self._limits.passes_max and self._parked < self._limits.parked_max

    def _start_passes(self, now: Now, worked: bool) -> None:
        """``worked``: there is other work, so that less time is to be lost with passes that are likely to be put aside."""
        if self._stopping or not self.synced:
            return
        self._let_out(now)
        self._asides = 0
        for _ in range(self._limits.starts_max):
            if not self._has_room() or now.mono < self._backends.crowded_until(self._places_left, busy=worked):
                return
            key = self.queue.take(now.mono) if self._asides < self._limits.asides_max else None
            if key is None:
                return
            self._waits.forget(key)
            self._backends.begins(key)
            started = self._passes[key] = Pass(key, self._flows[key.kind](key), now, self.queue.reason(key), self.queue.asked_at(key))
            self._advance(started, None, now)

    def _let_out(self, now: Now) -> None:
        """Keys that were held back for a backend, and need not be any more."""
        for key, why, asked in self._backends.let_out(now.mono, self._places_left, self._limits.parked_max):
            self._pauses.clear(key)  # that it failed was not its own fault
            self.queue.add_first(key, now.mono, why, asked)

    def _advance(self, current: Pass, reply: Reply | None, now: Now) -> None:
        """Run one pass until it waits for something or ends."""
        while True:
            try:
                effect = next(current.flow) if reply is None else current.flow.send(reply)
            except StopIteration as end:
                self._settle(current, end.value, now)
                return
            except Exception as bug:  # a flow must not raise: the fault stays with its key
                self._break_off(current, f"{type(bug).__name__} at {place_of(bug)}", now)
                return
            current.effects += 1
            if current.effects > self._limits.effects_max:
                self._break_off(current, "the pass does not end", now)
                return
            try:
                body = self._perform(current, effect, now)
            except Exception as bug:  # an effect that cannot be carried out is its flow's fault
                self._break_off(current, f"{type(bug).__name__} at {place_of(bug)}", now)
                return
            if body is None:
                return
            reply = Reply(body, now.wall)

    def _break_off(self, current: Pass, why: str, now: Now) -> None:
        self._settle(current, Settled(requeue=Backoff(), detail=Broken(f"internal error: {why}")), now)

    def _perform(self, current: Pass, effect: Effect, now: Now) -> Body | None:
        """Answer an effect at once, or start what will answer it (``None``)."""
        match effect:
            case Read(what):
                return self._read(current, what, now)
            case Fetch(asks):
                return self._fetch(current, asks, now)
            case Compute(make, long):
                return self._compute(current, partial(make, Ambient(now.wall.ns, self._chance, Meter())), now, long=long)
            case Write(Emit(event)):
                call = self._events.record(event, now)
                if call is not None:
                    self._outbox.put_event(call, lambda reply, at: self._event_sent(call, reply))
                return Done()
            case Write(CreateTarget() | UpdateTarget() | MarkTarget() | DeleteTarget() | SetFinalizers() | SetStatus() as action):
                self._write(current, action)
                return None
            case _:
                assert_never(effect)  # type: ignore[arg-type]  # the action inside Write is matched, not narrowed

    def _resume(self, current: Pass, body: Body, now: Now) -> None:
        if self._passes.get(current.key) is current:
            self._ready.append((current, Reply(body, now.wall)))

    def _settle(self, current: Pass, settled: Settled, now: Now) -> None:
        key = current.key
        self._passes.pop(key, None)
        self._backends.ended(key)
        self._unfollow(self._kinds.ended(key, current.follows))
        why = current.reason
        match settled.requeue:
            case At(when):
                why = Reason.REFRESH
                self._pauses.clear(key)
                again: int | None = max(now.mono, min(now.mono_of(when), current.started.mono_of(when)))  # the wall clock may have jumped
            case Again():
                again = now.mono + self._pauses.next(key) // 10
            case Backoff(at_least):
                why = Reason.RETRY
                again = now.mono + max(self._pauses.next(key), at_least)
            case OnChange():
                self._pauses.clear(key)
                again = None
            case _:
                assert_never(settled.requeue)
        if any(self._changed_since(current, ref) for ref in settled.waits_on):
            again = now.mono
        else:
            self._waits.wait(key, settled.waits_on)
        self.queue.done(key, again, self._class(key, why))
        self._report(current, settled, now)

    def _report(self, current: Pass, settled: Settled, now: Now) -> None:
        self._out.append(Report(current.key, settled, now.mono - current.started.mono, tuple(current.writes)))

    def _unfollow(self, watchers: Iterable[Watcher]) -> None:
        for watcher in watchers:
            for ticket in [ticket for ticket, other in self._streams.items() if other is watcher]:
                self._give_up(ticket)
            for ticket in [ticket for ticket, other in self._pages.items() if other is watcher]:
                del self._pages[ticket]
            self._listed.pop(watcher.kind, None)
            self.cache.drop(watcher.kind)

    def _changed_since(self, current: Pass, ref: Ref) -> bool:
        """What the pass waits for has changed while it ran."""
        packed = self.cache.get(ref)
        return ref in current.saw and current.saw[ref] != (packed.version if packed is not None else 0)

    # ------------------------------------------------------------ Read

    def _read(self, current: Pass, what: frozenset[Readable], now: Now) -> World | None:
        seen: dict[Readable, Seen] = {}
        slow: list[Readable] = []
        for item in what:
            known = self._cached(item, current)
            if known is None:
                slow.append(item)
            else:
                seen[item] = known
        if not slow:
            return World(seen)
        started = False

        def got(item: Readable, answer: Seen, at: Now) -> None:
            seen[item] = answer
            if started and len(seen) == len(what):
                self._resume(current, World(seen), at)

        for item in sorted(slow, key=repr) if len(slow) > 1 else slow:  # the order of a set is another one in every process
            if isinstance(item, Ref) and item.kind in self._kinds.rules:
                self._confirm(current, item, now, got)
            else:
                self._look(current.reason, item, now, got)
        started = True
        return World(seen) if len(seen) == len(what) else None

    def _cached(self, item: Readable, current: Pass) -> Seen | None:
        """The answer of the cache; ``None`` when the cache does not keep such things."""
        match item:
            case Ref() if item.kind in self._kinds.rules:
                return None if self._may_be_behind(item, current) else self._from_cache(item, current)
            case Followed(ref):
                current.follows = ref.kind
                return self._from_cache(ref, current) if self._kinds.follow(ref.kind, current.key).synced else None
            case Selection(kind, namespace, label, value):
                names = [ref.name for ref in self.cache.find(label, kind, namespace, value)]
                return Present(b"\n".join(name.encode() for name in names))
            case _:
                return None

    def _from_cache(self, ref: Ref, current: Pass) -> Seen:
        packed = self.cache.get(ref)
        current.saw[ref] = packed.version if packed is not None else 0
        return Gone() if packed is None else Present(packed.raw)

    def _may_be_behind(self, ref: Ref, current: Pass) -> bool:
        """A change of the key may rest on an earlier one of its store, which is told on another stream, perhaps later."""
        if current.reason is not Reason.CHANGED or ref.kind not in self._first or ref == current.key:
            return False
        packed = self.cache.get(current.key)
        return packed is not None and not self.cache.is_as_new_as(ref, packed.version)

    def _confirm(self, current: Pass, ref: Ref, now: Now, got: Callable[[Readable, Seen, Now], None]) -> None:
        """Read ``ref`` anew into the cache, and answer from there; from there alone where it cannot be read."""
        packed = self.cache.get(current.key)
        version = packed.version if packed is not None else 0

        def read(_whole: Readable, answer: Seen, at: Now) -> None:
            if not isinstance(answer, Unreadable):
                self.cache.confirm(ref, version)
            got(ref, self._from_cache(ref, current), at)

        self._look(current.reason, Whole(ref), now, read)

    def _look(self, reason: Reason, item: Readable, now: Now, got: Callable[[Readable, Seen, Now], None]) -> None:
        assert not isinstance(item, Selection)
        what: Looked = Whole(item, 10) if isinstance(item, Ref) else Whole(item.ref) if isinstance(item, Followed) else item
        inquiry = self._lookups.look(what, now.mono, lambda seen, at: got(item, seen, Now(now.wall.plus(at - now.mono), at)))
        if inquiry is not None:
            self._outbox.put(inquiry.call, lambda reply, at: self._looked(inquiry, reply, at), reason)

    def _looked(self, inquiry: Inquiry, reply: KubeReply | CallFailed, now: Now) -> None:
        what = inquiry.what
        rule = self._kinds.rules.get(what.ref.kind) if isinstance(what, Whole) else None
        if rule is not None and isinstance(reply, KubeReply) and reply.status == 200:
            packed = rule.pack(reply.body)
            if packed is not None and rule.selected(packed):
                self._changed(rule, self.cache.put(packed, told=False), now)  # the watch may be late, or silent
        self._lookups.answer(inquiry, reply, now.mono)

    # ------------------------------------------------------------ Fetch

    def _fetch(self, current: Pass, asks: tuple[Ask, ...], now: Now) -> Answers | None:
        answers: dict[Ask, Answer] = {}
        wanted = len(set(asks))
        places = (self._places_left, self._limits.parked_max)
        stay = self._backends.admit(current.key, current.reason, asks, now.mono, *places, current.asked)
        if stay is None:
            self._set_aside(current, now)
            return None
        started = False

        def got(ask: Ask, answer: Answer, at: int) -> None:
            answers[ask] = answer
            if started and len(answers) == wanted:
                if current.reason is not Reason.STORE and any(isinstance(given, Failed) for given in answers.values()):
                    current.reason = Reason.RETRY  # that it fails is told after whatever goes well
                self._unpark(current, stay)
                self._resume(current, Answers(answers), Now(now.wall.plus(at - now.mono), at))

        for ask in dict.fromkeys(asks):
            self._backends.ask(ask, now.mono, got, stay)
        started = True
        if len(answers) == wanted:
            self._backends.leave(stay)
            return Answers(answers)
        current.parked = True
        self._parked += 1
        return None

    # ------------------------------------------------------------ Compute

    def _compute(self, current: Pass, run: Callable[[], object], now: Now, *, long: bool) -> Computed | None:
        if not long:
            return Computed(run())
        if len(self._works) >= self._limits.works_max:
            detail = Throttled(f"{self._limits.works_max} objects with templates that take long are waiting already")
            self._settle(current, Settled(requeue=Backoff(), detail=detail), now)
            return None
        ticket = self._ticket()
        self._works[ticket] = current
        self._out.append(SendWork(ticket, partial(computed, run)))
        return None

    def _unpark(self, current: Pass, stay: Stay) -> None:
        self._parked -= 1
        current.parked = False
        self._backends.leave(stay)

    def _set_aside(self, current: Pass, now: Now) -> None:
        """There is no room at a backend: forget the pass. Its key comes back when there is."""
        self._asides += 1
        self._passes.pop(current.key)
        current.flow.close()
        self.queue.done(current.key, None)
        if current.writes:  # a finalizer: whoever reads reports wants to know of every write
            self._report(current, Settled(requeue=OnChange()), now)

    def _send_backend_calls(self, now: Now) -> None:
        for conversation in self._backends.take(now.mono):
            assert conversation.call is not None
            ticket = self._ticket()
            self._talks[ticket] = conversation
            self._out.append(SendCall(ticket, conversation.call, conversation.label))
        for access in self._backends.take_refused():
            self._lookups.forget(access.sources)

    # ------------------------------------------------------------ Write

    def _write(self, current: Pass, action: Applicable) -> None:
        ref = action.desired.ref if isinstance(action, CreateTarget | UpdateTarget) else action.ref
        call = call_of(action)
        self._held.setdefault(ref, Held())

        def done(reply: KubeReply | CallFailed, now: Now) -> None:
            outcome = outcome_of(action, reply)
            current.writes.append((action, outcome))
            self._written(current.key, ref, outcome, now)
            self._resume(current, outcome, now)

        self._outbox.put(call, done, current.reason, first=isinstance(action, SetStatus))

    def _written(self, writer: Ref, ref: Ref, outcome: Outcome, now: Now) -> None:
        """Take in the object as the API server returned it, then judge the watch events that came meanwhile.

        Its own write is no news to ``writer``, but it is to every other key that the change wakes.
        """
        held = self._held.pop(ref, Held())
        version = 0
        rule = self._kinds.rules.get(ref.kind)
        if isinstance(outcome, Done) and outcome.raw and rule is not None:
            packed = rule.pack(outcome.raw)
            if packed is not None and packed.ref == ref:
                version = packed.version
                change = self.cache.put(packed, told=False)
                if change is not None:
                    self._wake_waiters(ref, now)
                    if change.matters:
                        held.versions.append((version, tuple(rule.wakes(change, self.cache)), rule.why(change)))
        for seen, keys, why in held.versions:
            for key in keys:
                if seen > version or key != writer or isinstance(outcome, NotDone):
                    self._wake(key, why, ref, now)

    def _event_sent(self, call: KubeCall, reply: KubeReply | CallFailed) -> None:
        if call.method == "PATCH" and isinstance(reply, KubeReply) and reply.status == 404:
            self._events.lost(call)

    def _ticket(self) -> int:
        self._tickets += 1
        return self._tickets
