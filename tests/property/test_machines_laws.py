"""Laws of the machines: nothing is lost, nothing runs twice, nothing goes back in time, everything is answered once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from returns.result import Success

from eso_core.door import NO_RETRIES, Absent, Answer, Ask, Blob, Dialect, Found, Get, Provider, Query, Retries, Session, Talk
from eso_core.failure import Missing, Refused, Throttled, Unreachable
from eso_core.instant import MINUTE, SECOND, Now
from eso_core.machines.backends import PROBES_MAX, Backends
from eso_core.machines.backoff import pause
from eso_core.machines.breaker import PROBE_LAST
from eso_core.machines.cache import Cache, Packed
from eso_core.machines.desk import Conversation
from eso_core.machines.events import BURST, EventRecorder
from eso_core.machines.queue import Queue
from eso_core.machines.turns import REASONS, SHARES, Line, Reason, Turns
from eso_core.machines.watch import Complete, Listed, ListPage, OpenStream, Watcher
from eso_core.plan import Event
from eso_core.refs import SECRET, Ref
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, HttpCall, HttpReply, KubeReply
from tests.unit.core.objects import KEY, access, at

REF = Ref(SECRET, "ns", "n")

# ---------------------------------------------------------------- queue

NAMES = st.sampled_from("abcd")
TIMES = st.integers(0, 20)
WHY = st.sampled_from(REASONS)
QUEUE_OPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), NAMES, TIMES, WHY),
        st.tuples(st.just("first"), NAMES, TIMES, WHY),
        st.tuples(st.just("take"), st.none(), TIMES, WHY),
        st.tuples(st.just("done"), NAMES, st.none() | TIMES, WHY),
    ),
    max_size=60,
)
Due = dict[str, tuple[int, Reason]]


class TestQueue:
    """Requeues are never lost: a key that was added runs at or after its earliest time, once at a time, in its best class."""

    @given(QUEUE_OPS)
    def test_against_a_model(self, ops: list[tuple[str, str | None, int | None, Reason]]) -> None:
        queue: Queue[str] = Queue()
        due: Due = {}
        running: dict[str, tuple[int, Reason] | None] = {}
        for op, key, time, why in ops:
            if op in ("add", "first") and key is not None and time is not None:
                at = time
                if op == "first":
                    if key not in running:
                        at = min([time, *(each - 1 for each, other in due.values() if other == why)])
                    queue.add_first(key, time, why, time)
                else:
                    queue.add(key, time, why)
                _better(running if key in running else due, key, at, why)
            elif op == "take" and time is not None:
                self._takes(queue, due, running, time)
            elif op == "done" and key in running:
                assert key is not None
                queue.done(key, time, why)
                held = running.pop(key)
                if held is not None:
                    due[key] = held
                if time is not None:
                    _better(due, key, time, why)
            assert (len(queue), queue.running) == (len(due), len(running))
            assert queue.next_at() == min((at for at, _ in due.values()), default=None)
            late = {why: max(0, 10 - min((at for at, other in due.values() if other == why), default=10)) for why in REASONS}
            assert queue.overdue(10) == late
        left = []
        while (key := queue.take(10**9)) is not None:
            left.append(key)
        assert sorted(left) == sorted(due)

    def _takes(self, queue: Queue[str], due: Due, running: dict[str, tuple[int, Reason] | None], now: int) -> None:
        taken = queue.take(now)
        ready = {key: found for key, found in due.items() if found[0] <= now}
        assert (taken is None) == (not ready)
        if taken is None:
            return
        at, why = due.pop(taken)
        assert queue.reason(taken) == why
        assert at == min(each for each, other in ready.values() if other == why)
        assert why == Reason.STORE or all(other != Reason.STORE for _, other in ready.values())
        running[taken] = None

    @given(QUEUE_OPS)
    def test_no_pass_is_told_that_it_was_asked_for_earlier_than_it_was(self, ops: list[tuple[str, str | None, int | None, Reason]]) -> None:
        """Whatever it was added for, and however often; without a plan for later it is told exactly."""
        queue: Queue[str] = Queue()
        asked: dict[str, list[int]] = {}  # of keys that wait
        meanwhile: dict[str, list[int]] = {}  # of keys that run
        for op, key, time, why in ops:
            if op == "take" and time is not None:
                taken = queue.take(time)
                if taken is not None:
                    times = asked.pop(taken)
                    past = [at for at in times if at <= time]
                    assert max(past) <= queue.asked_at(taken) <= time
                    assert max(times) > time or queue.asked_at(taken) == max(past)
                    meanwhile[taken] = []
            elif op == "done" and key in meanwhile:
                assert key is not None
                queue.done(key, time, why)
                held = meanwhile.pop(key) + ([] if time is None else [time])
                asked.update({key: held} if held else {})
            elif op == "add" and key is not None and time is not None:
                queue.add(key, time, why)
                (meanwhile[key] if key in meanwhile else asked.setdefault(key, [])).append(time)

    @given(st.lists(st.sets(st.sampled_from(REASONS[1:]), max_size=4), min_size=1, max_size=120), WHY)
    def test_guaranteed_shares(self, rounds: list[set[Reason]], watched: Reason) -> None:
        """Whatever else is due: of 2 * 15 - 1 turns during which a class is due all the time it gets at least its share."""
        assume(watched != Reason.STORE)
        turns = Turns()
        got = [turns.pick(sorted({*others, watched})) for others in rounds]
        window = 2 * sum(SHARES) - 1
        for start in range(len(got) - window + 1):
            assert got[start : start + window].count(watched) >= SHARES[watched]

    @given(st.lists(st.tuples(NAMES, WHY), max_size=30), st.lists(NAMES, max_size=5))
    def test_lines(self, puts: list[tuple[str, Reason]], gone: list[str]) -> None:
        """Everyone comes out once, with the best class that it was given."""
        line: Line[str] = Line()
        best: dict[str, Reason] = {}
        for key, why in puts:
            line.put(key, why)
            best[key] = min(why, best.get(key, why))
        for key in gone:
            line.forget(key)
            best.pop(key, None)
        assert len(line) == len(best)
        out = []
        while (found := line.take()) is not None:
            out.append(found)
        assert sorted(out) == sorted(best.items())


def _better(held: dict[str, Any], key: str, time: int, why: Reason) -> None:
    known = held.get(key)
    held[key] = (time, why) if known is None else (min(known[0], time), min(known[1], why))


# ---------------------------------------------------------------- cache


class TestCache:
    """Whatever order a watch's events and the answers to own writes arrive in, no object goes back in time, and the end is the truth."""

    @given(st.lists(st.booleans(), min_size=1, max_size=12), st.data())
    def test_orders(self, history: list[bool], data: st.DataObject) -> None:
        """``history``: at version i+1 the object exists, or not. Own writes are a subset of the versions at which it exists."""
        versions = list(enumerate(history, 1))
        owned = data.draw(st.lists(st.sampled_from(versions), unique=True, max_size=6))
        answers = [version for version, exists in owned if exists]
        cache, told, newest = Cache(), 0, 0
        while told < len(versions) or answers:
            if answers and (told == len(versions) or data.draw(st.booleans())):
                version = answers.pop(data.draw(st.integers(0, len(answers) - 1)))
                cache.put(_packed(version), told=False)
            else:
                version, exists = versions[told]
                told += 1
                if exists:
                    cache.heard(SECRET, version)
                    cache.put(_packed(version), told=True)
                else:
                    cache.remove(REF, version)
            held = cache.get(REF)
            if held is not None:
                assert held.version >= newest
                newest = held.version
        held = cache.get(REF)
        assert (held.version if held is not None else None) == (len(history) if history[-1] else None)

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", ""])), max_size=20), st.sets(st.sampled_from("abc")))
    def test_index(self, puts: list[tuple[str, str]], kept: set[str]) -> None:
        """The index finds exactly the objects that carry the value now."""
        cache, now = Cache(), {}
        for version, (name, value) in enumerate(puts, 1):
            ref = Ref(SECRET, "ns", name)
            cache.put(Packed(ref, version, b"{}", None, (("i", value),) if value else ()), told=True)
            now[name] = value
        cache.keep_only(SECRET, lambda ref: ref.name in kept, 10**6)
        for value in ("x", "y"):
            found = [ref.name for ref in cache.find("i", SECRET, "ns", value)]
            assert found == sorted(name for name, held in now.items() if held == value and name in kept)


def _packed(version: int) -> Packed:
    return Packed(REF, version, b"{}", version)


# ---------------------------------------------------------------- watch

LINES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}}',
            b'{"type":"DELETED","object":{"metadata":{"resourceVersion":"8"}}}',
            b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}',
            b'{"type":"ERROR","object":{"code":410}}',
            b'{"type":"ERROR","object":{"code":500}}',
            b'{"type":"ERROR","object":7}',
            b'{"type":"OTHER","object":{}}',
        ]
    ),
)
PAGES = st.one_of(
    st.binary(max_size=12).map(lambda body: KubeReply(status=200, body=body)),
    st.sampled_from([b"", b"t"]).map(
        lambda more: KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"5","continue":"%b"},"items":[{"a":1}]}' % more)
    ),
    st.sampled_from([401, 403, 404, 410, 429, 500]).map(lambda status: KubeReply(status=status, body=b'{"message":"m"}')),
    st.just(CallFailed(Unreachable("x"))),
)
HAPPENINGS = st.one_of(
    st.tuples(st.just("page"), PAGES),
    st.tuples(st.just("lines"), st.lists(LINES, max_size=3)),
    st.tuples(st.just("closed"), st.sampled_from([(None, 0), (Unreachable("x"), 0), (Unreachable("x"), 410), (None, 410)])),
    st.tuples(st.just("wait"), st.integers(0, 200 * SECOND)),
)


class TestWatch:
    """Whatever the API server sends, the machine wants one thing at a time, and with good answers it is in sync in the end."""

    @given(st.lists(HAPPENINGS, max_size=40))
    def test_anything(self, happenings: list[tuple[str, Any]]) -> None:
        watcher = Watcher(SECRET, namespace="", selector="", random=lambda: 0.0)
        now, want, listed = 0, None, 0
        for kind, what in happenings:
            if want is None:
                want = watcher.poll(now)
                assert want is not None or watcher.next_at() is not None
                if isinstance(want, ListPage):
                    listed = 0 if want.first else listed
                    assert want.first == (not any(name == "continue" for name, _ in want.call.query))
            else:
                assert watcher.poll(now) is None
            if kind == "wait":
                now += what
            elif kind == "page" and isinstance(want, ListPage):
                news, want = watcher.page(what, now), None
                listed += sum(isinstance(item, Listed) for item in news)
                assert not any(isinstance(item, Complete) for item in news[:-1])
            elif kind == "lines" and isinstance(want, OpenStream):
                assert not any(isinstance(item, Listed | Complete) for item in watcher.lines(what, now))
                want = want if watcher.phase.name == "WATCHING" else None
            elif kind == "closed" and isinstance(want, OpenStream):
                watcher.closed(*what[:1], now, what[1])
                want = None
        self._recovers(watcher, now, want)

    def _recovers(self, watcher: Watcher, now: int, want: object) -> None:
        for _ in range(5):
            now = max(now, watcher.next_at() or 0)
            want = want or watcher.poll(now)
            if isinstance(want, OpenStream):
                assert watcher.synced
                return
            assert isinstance(want, ListPage)
            watcher.page(KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"5"}}'), now)
            want = None
        raise AssertionError("never in sync")


# ---------------------------------------------------------------- backends

REPLIES = st.sampled_from([200, 200, 200, 401, 403, 404, 429, 503, -1])
FAILURES = {
    401: Refused("session", session=True),
    403: Refused("no"),
    404: Missing("none"),
    429: Throttled("slow", 3 * SECOND),
    503: Unreachable("down"),
}


def _fetch(calls: int, bad: str) -> Any:
    def fetch(access: Any, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer] | Any]:
        status, body = 200, b""
        assert len(set(queries)) == len(queries)
        for number in range(calls):
            reply = yield HttpCall(method="GET", url=f"https://{access.identity}")
            status = reply.status if isinstance(reply, HttpReply) else 503
            if not number and isinstance(reply, HttpReply):
                body = reply.body  # when it was sent, and by whom: what the backend held when the talk began
        if bad == "raises" and status == 200:
            raise ValueError("no")
        if status in FAILURES:
            return FAILURES[status]
        if body:
            return {query: Found(Blob(SecretBytes(body))) for query in queries if bad != "forgets" or query != queries[0]}
        return {query: Absent() for query in queries if bad != "forgets" or query != queries[0]}

    return fetch


def _login(access: Any) -> Talk[Session | Any]:
    reply = yield HttpCall(method="POST", url="https://b/login")
    status = reply.status if isinstance(reply, HttpReply) else 503
    return FAILURES.get(status) or Session(lease_s=30.0)


BASE = Provider(
    key="p", label="", capabilities="ReadOnly", parse=lambda m, s: Success(m), needs=lambda s: {}, fetch=_fetch(1, ""),
    dialect=Dialect(value=lambda p, _: Found(p), entries=lambda p, _: Found(p)),
)  # fmt: skip
PROVIDERS = st.builds(
    lambda calls, bad, login, batch, talks, per_s: replace(
        BASE, fetch=_fetch(calls, bad), login=_login if login else None, batch_max=batch, talks_max=talks, talks_per_s=per_s
    ),
    st.integers(0, 2),
    st.sampled_from(["", "", "raises", "forgets"]),
    st.booleans(),
    st.sampled_from([1, 3]),
    st.sampled_from([1, 2, 32]),
    st.sampled_from([None, None, 0.5, 3.0]),
)
RETRIES = st.sampled_from([NO_RETRIES, NO_RETRIES, Retries(2, 3 * SECOND), Retries(1, 0)])


class Visits:
    """Passes that ask, as the engine has them do: begin, admit, ask, leave, end. A key runs once at a time."""

    def __init__(self, provider: Provider, retries: Retries = NO_RETRIES) -> None:
        self.provider = provider
        self.retries = retries
        self.backends = Backends(lambda _: provider, lambda: 0.5)
        self.now = 10**12
        self.places = 6
        self.parked = 0
        self.asked = 0
        self.answered = 0
        self.running: set[Ref] = set()
        self.aside: set[Ref] = set()
        self.under_way: list[Conversation] = []
        self.sent: dict[int, int] = {}  # when first, by conversation
        self.kept: list[Conversation] = []  # so that no other has its number
        self.calls: dict[str, int] = {"me": 0, "you": 0, "new": 0}
        self.latest = "me"  # of the place that "me" and "new" share

    def visit(self, key: Ref, identity: str, why: Reason = Reason.REFRESH, ago: int = 0) -> None:
        """``ago``: it was asked for so long before now."""
        if key in self.running:
            return
        self.latest = self.latest if identity == "you" else identity
        self.backends.begins(key)
        self.aside.discard(key)
        asked = self.now - ago
        used = replace(access(identity), namespace="me" if identity == "new" else identity, retries=self.retries)
        ask = Ask("p", used, Get(key=key.name[0]))
        stay = self.backends.admit(key, why, (ask,), self.now, self.places - self.parked, self.places, asked)
        if stay is None:
            self.aside.add(key)
            self.backends.ended(key)
            return
        self.running.add(key)
        self.parked += 1
        self.asked += 1

        def then(ask: Ask, answer: Answer, at: int) -> None:
            if isinstance(answer, Found) and isinstance(answer.payload, Blob):
                whose, began = answer.payload.value.reveal().decode().split()
                assert whose == identity
                assert int(began) >= asked
            self.answered += 1
            self.parked -= 1
            self.running.remove(key)
            self.backends.leave(stay)
            self.backends.ended(key)

        self.backends.ask(ask, self.now, then, stay)
        self.collect()

    def collect(self) -> None:
        came = self.backends.take(self.now)
        self.under_way += came
        for conversation in came:
            self.calls[conversation.desk.access.identity] += 1
            self.sent.setdefault(id(conversation), self.now)
            self.kept.append(conversation)

    def reply(self, index: int, status: int) -> None:
        conversation = self.under_way.pop(index % len(self.under_way))
        body = f"{conversation.desk.access.identity} {self.sent[id(conversation)]}".encode()
        reply = CallFailed(Unreachable("x")) if status < 0 else HttpReply(status=status, body=body)
        self.backends.reply(conversation, reply, self.now)
        self.collect()

    def let_out(self) -> list[Ref]:
        self.backends.tend(self.now)
        self.collect()
        out = [key for key, *_ in self.backends.let_out(self.now, self.places - self.parked, self.places)]
        self.collect()
        return out

    def check(self) -> None:
        assert self.answered + len(self.running) == self.asked
        assert self.parked <= self.places
        assert self.backends.aside <= len(self.aside)
        for desk in self.backends._desks.by_identity.values():
            mine = [each for each in self.under_way if each.desk is desk]
            talks = sum(bool(each.asks) for each in mine if each.life is desk.life)
            assert talks == desk.life.talks <= PROBES_MAX + (0 if desk.breaker.open else desk.breaker.most)
            assert len(mine) - sum(bool(each.asks) for each in mine) == desk.logging_in
            assert desk.called >= 0
            assert all(self.backends._lines.of[key] is desk for key in self.backends._lines.of if key in desk.line)
            assert desk.breaker.open or not desk.permits


KEYS = st.sampled_from([Ref(SECRET, "ns", f"{question}{number}") for question in "abc" for number in range(3)])
VISIT_OPS = st.lists(
    st.one_of(
        st.tuples(st.just("visit"), KEYS, st.sampled_from(["me", "you", "new"])),
        st.tuples(st.just("visit"), KEYS, st.just("me")),
        st.tuples(st.just("late"), KEYS, st.sampled_from([1, SECOND, 5 * SECOND])),
        st.tuples(st.just("reply"), st.integers(0, 5), REPLIES),
        st.tuples(st.just("reply"), st.just(0), st.sampled_from([429, 503, -1])),
        st.tuples(st.just("wait"), st.integers(0, 20 * SECOND), st.none()),
    ),
    max_size=60,
)


class TestBackends:
    """Every ask is answered exactly once, there are never more conversations than allowed, and nobody is forgotten.

    No answer is older than the question, and none is another identity's.
    """

    @given(PROVIDERS, RETRIES, VISIT_OPS)
    def test_anything(self, provider: Provider, retries: Retries, ops: list[tuple[str, Any, Any]]) -> None:
        visits = Visits(provider, retries)
        for op, first, second in ops:
            if op == "visit":
                visits.visit(first, second)
            elif op == "late":
                visits.visit(first, "me", ago=second)
            elif op == "reply" and visits.under_way:
                visits.reply(first, second)
            elif op == "wait":
                visits.now += first
            for key in visits.let_out():
                visits.visit(key, visits.latest)
            visits.check()
        self._recovers(visits)

    def _recovers(self, visits: Visits) -> None:
        """With good answers from now on, all who wait are let out, and all is answered."""
        for _ in range(200):
            while visits.under_way:
                visits.reply(0, 200)
            for key in visits.let_out():
                visits.visit(key, visits.latest)
            if not visits.under_way:
                times = (visits.backends.wake_at(visits.places - visits.parked, visits.places), visits.backends.tend_at())
                if times == (None, None):
                    break
                visits.now = max(visits.now, min(at for at in times if at is not None))
            visits.check()
        assert visits.aside == set()
        assert (visits.backends.waiting, visits.running) == (0, set())
        assert all(keys == 0 for _, keys in visits.backends.held_back().values())

    @given(PROVIDERS, st.lists(st.tuples(KEYS, st.integers(0, 3 * SECOND), st.booleans()), min_size=1, max_size=80))
    def test_a_dead_backend_costs_a_fixed_number_of_calls(self, provider: Provider, asks: list[tuple[Ref, int, bool]]) -> None:
        """Whoever asks, and however often: once the breaker is open, no more conversations than there are probes in that time."""
        visits = Visits(replace(provider, fetch=_fetch(1, ""), talks_per_s=None))
        while not any(desk.breaker.open for desk in visits.backends._desks.by_identity.values()):
            visits.visit(asks[0][0], "me")
            visits.reply(0, -1)
        opened, before = visits.now, visits.calls["me"]
        for key, wait, hangs in asks:
            visits.now += wait
            for each in (*visits.let_out(), key):
                visits.visit(each, "me")
            while visits.under_way and not hangs:
                visits.reply(0, -1)
            visits.check()
        assert visits.calls["me"] - before <= 5 + (visits.now - opened) // (PROBE_LAST * 9 // 10)


# ---------------------------------------------------------------- backoff, events


class TestBackoff:
    """Pauses never shrink from one attempt to the next by more than the jitter, and never leave their bounds."""

    @given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True), st.integers(1, 10**9), st.integers(1, 10**12))
    def test_bounds(self, attempt: int, jitter: float, first: int, last: int) -> None:
        wait = pause(attempt, jitter, first=first, last=last)
        assert 0.9 * min(first, last) - 1 <= wait <= last
        assert pause(attempt + 1, jitter, first=first, last=last) >= wait


class TestEvents:
    """No object makes more events than its allowance, and what is sent is an event of the right object."""

    @given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 3 * MINUTE)), max_size=80))
    def test_rate(self, happenings: list[tuple[str, str, int]]) -> None:
        recorder, mono, sent = EventRecorder(), 0, {"a": 0, "b": 0}
        wall = at("2026-01-01T00:00:00Z")
        for uid, message, passed in happenings:
            mono += passed
            call = recorder.record(Event(about=KEY, uid=uid, reason="R", message=message), Now(wall.plus(mono), mono))
            if call is not None:
                sent[uid] += 1
                body = json.loads(call.body or b"")
                assert body["count"] >= (1 if call.method == "POST" else 2)
        assert all(count <= BURST + mono // (5 * MINUTE) + 1 for count in sent.values())
