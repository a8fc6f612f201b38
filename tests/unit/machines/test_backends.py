"""Conversations with backends: sessions, batches, single flight, limits and pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from returns.result import Success

from eso_core.door import Absent, Answer, Ask, Dialect, Failed, Find, Found, Get, Probe, Provider, Query, Session, Talk
from eso_core.failure import Broken, Failure, Missing, Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.machines.backends import DESKS, PENDING_MAX, PROGRESS_NS, Backends, Conversation
from eso_core.wire import CallFailed, CallReply, HttpCall, HttpReply
from tests.unit.core.objects import access, blob

OK = HttpReply(status=200, body=b"v")
DIALECT = Dialect(value=lambda p, _: Found(p), entries=lambda p, _: Found(p))


def read(reply: CallReply) -> Answer:
    """How the test's provider reads one reply."""
    if isinstance(reply, CallFailed):
        return Failed(reply.failure)
    assert isinstance(reply, HttpReply)
    failures: dict[int, Failure] = {
        401: Refused("no session", session=True),
        403: Refused("no"),
        429: Throttled("busy"),
        503: Unreachable("down"),
    }
    if reply.status in failures:
        return Failed(failures[reply.status])
    return Absent() if reply.status == 404 else blob(reply.body)


def fetch(access: Any, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    names = ",".join(q.key if isinstance(q, Get) else type(q).__name__ for q in queries)
    reply = yield HttpCall(method="GET", url=f"https://b/{access.identity}/{names}", headers={"session": str(session.value)})
    return {query: read(reply) for query in queries}


def login(access: Any) -> Talk[Session | Failure]:
    reply = yield HttpCall(method="POST", url=f"https://b/{access.identity}/login")
    if isinstance(reply, HttpReply) and reply.status == 200:
        return Session(value=reply.body.decode(), lease_s=None)
    answer = read(reply)
    assert isinstance(answer, Failed)
    return answer.failure


PLAIN = Provider(
    key="plain", label="Plain", capabilities="ReadOnly", parse=lambda m, s: Success(m), needs=lambda s: {}, fetch=fetch, dialect=DIALECT
)
WITH_LOGIN = replace(PLAIN, login=login)


@dataclass
class Bench:
    """Backends, the conversations that wait for a reply, and the answers."""

    provider: Provider | None = PLAIN
    answers: list[tuple[Query, Answer]] = field(default_factory=list)
    now: int = 1000 * SECOND
    open: list[Conversation] = field(default_factory=list)
    backends: Backends = field(init=False)

    def __post_init__(self) -> None:
        self.backends = Backends(lambda _: self.provider, lambda: 0.0)

    def ask(self, *queries: Query | str, identity: str = "me") -> None:
        for query in queries:
            made = Get(key=query) if isinstance(query, str) else query
            self.backends.ask(
                Ask("plain", access(identity), made), self.now, lambda ask, answer, at: self.answers.append((ask.query, answer))
            )
        self.collect()

    def collect(self) -> None:
        self.open += self.backends.take()

    @property
    def urls(self) -> list[str]:
        return [c.call.url.removeprefix("https://b/") for c in self.open if isinstance(c.call, HttpCall)]

    def reply(self, reply: CallReply = OK, index: int = 0) -> None:
        self.backends.reply(self.open.pop(index), reply, self.now)
        self.collect()

    def answer_all(self, reply: CallReply = OK) -> int:
        count = 0
        while self.open:
            self.reply(reply)
            count += 1
        return count

    @property
    def last(self) -> Answer:
        return self.answers[-1][1]

    def failure(self) -> Failure:
        assert isinstance(self.last, Failed), self.last
        return self.last.failure


class TestSingleFlight:
    def test_equal_asks_join(self) -> None:
        bench = Bench()
        bench.ask("a", "a", "b")
        assert bench.urls == ["me/a", "me/b"]
        bench.reply()
        assert bench.answers == [(Get(key="a"), blob(b"v"))] * 2
        bench.ask("a")
        assert bench.urls == ["me/b", "me/a"]

    def test_identities_share_nothing(self) -> None:
        bench = Bench()
        bench.ask("a")
        bench.ask("a", identity="other")
        assert bench.urls == ["me/a", "other/a"]

    def test_waiting(self) -> None:
        bench = Bench()
        bench.ask("a", "a", "b")
        assert bench.backends.waiting == 2
        bench.answer_all()
        assert (bench.backends.waiting, len(bench.answers)) == (0, 3)


class TestBatches:
    def test_gets_are_batched_while_a_conversation_is_awaited(self) -> None:
        bench = Bench(replace(PLAIN, batch_max=3, talks_max=1))
        bench.ask("a", "b", "c", "d", "e")
        assert bench.urls == ["me/a"]
        bench.reply()
        assert bench.urls == ["me/b,c,d"]
        bench.reply()
        assert bench.urls == ["me/e"]

    def test_others_come_alone(self) -> None:
        bench = Bench(replace(PLAIN, batch_max=9, talks_max=1))
        bench.ask("a", "b", Find(name="x"), "c", Probe(), "d", "e")
        seen = []
        while bench.open:
            seen += bench.urls
            bench.reply()
        assert seen == ["me/a", "me/b", "me/Find", "me/c", "me/Probe", "me/d,e"]
        assert len(bench.answers) == 7

    def test_limit(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=2))
        bench.ask("a", "b", "c")
        assert len(bench.open) == 2
        bench.reply()
        assert bench.urls == ["me/b", "me/c"]


class TestSessions:
    def test_one_login_for_all(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a", "b")
        assert bench.urls == ["me/login"]
        bench.reply(HttpReply(status=200, body=b"s1"))
        assert bench.urls == ["me/a", "me/b"]
        assert all(c.call.headers == {"session": "s1"} for c in bench.open if isinstance(c.call, HttpCall))
        bench.answer_all()
        bench.ask("c")
        assert bench.urls == ["me/c"]

    def test_a_failed_login_fails_all_who_wait(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a", "b")
        bench.reply(HttpReply(status=403))
        assert [answer for _, answer in bench.answers] == [Failed(Refused("no"))] * 2
        assert bench.backends.take_refused() == [access()]
        assert bench.backends.take_refused() == []
        bench.ask("a")
        assert bench.urls == ["me/login"]

    def test_one_new_login_and_one_repetition(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a")
        bench.reply(HttpReply(status=200, body=b"s1"))
        bench.reply(HttpReply(status=401))
        assert bench.urls == ["me/login"]
        assert bench.answers == []
        bench.reply(HttpReply(status=200, body=b"s2"))
        bench.reply()
        assert bench.last == blob(b"v")

    def test_not_more_than_one(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a")
        bench.reply(HttpReply(status=200))
        bench.reply(HttpReply(status=401))
        bench.reply(HttpReply(status=200))
        bench.reply(HttpReply(status=401))
        assert bench.failure() == Refused("no session", session=True)
        assert bench.open == []
        assert bench.backends.take_refused() == [access()]

    def test_late_refusals_of_an_old_session_do_not_end_the_new_one(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a", "b")
        bench.reply(HttpReply(status=200, body=b"old"))
        bench.reply(HttpReply(status=401))
        bench.reply(HttpReply(status=200, body=b"new"), index=1)
        assert bench.urls == ["me/b", "me/a"]
        bench.reply(HttpReply(status=401))
        assert bench.urls == ["me/a", "me/b"]
        assert [c.call.headers["session"] for c in bench.open if isinstance(c.call, HttpCall)] == ["new", "new"]

    def test_leases_end_early(self) -> None:
        def brief(access: Any) -> Talk[Session | Failure]:
            yield HttpCall(method="POST", url="https://b/login")
            return Session(lease_s=100.0)

        bench = Bench(replace(PLAIN, login=brief))
        bench.ask("a")
        bench.answer_all()
        bench.now += 89 * SECOND
        bench.ask("b")
        assert bench.urls == ["me/b"]
        bench.answer_all()
        bench.now += SECOND
        bench.ask("c")
        assert bench.urls == ["login"]

    @pytest.mark.parametrize("lease", [0.0, -5.0, 1e-12])
    def test_a_lease_of_nothing_is_used_once(self, lease: float) -> None:
        def brief(access: Any) -> Talk[Session | Failure]:
            yield HttpCall(method="POST", url="https://b/login")
            return Session(lease_s=lease)

        bench = Bench(replace(PLAIN, login=brief))
        bench.ask("a")
        assert bench.answer_all() == 2
        assert bench.last == blob(b"v")

    def test_a_login_without_calls(self) -> None:
        def quick(access: Any) -> Talk[Session | Failure]:
            yield from ()
            return Session(value="q")

        bench = Bench(replace(PLAIN, login=quick))
        bench.ask("a")
        assert bench.urls == ["me/a"]

    def test_a_session_refused_without_a_call(self) -> None:
        def picky(access: Any, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
            yield from ()
            return {query: Failed(Refused("stale", session=True)) for query in queries}

        bench = Bench(replace(WITH_LOGIN, fetch=picky))
        bench.ask("a")
        assert bench.answer_all() == 2
        assert bench.failure() == Refused("stale", session=True)
        assert bench.backends.waiting == 0


class TestPauses:
    def test_throttled(self) -> None:
        bench = Bench()
        bench.ask("a")
        bench.reply(HttpReply(status=429))
        bench.ask("b")
        assert bench.open == []
        assert bench.failure() == Throttled("busy", SECOND)
        bench.now += SECOND
        bench.ask("b")
        assert bench.urls == ["me/b"]

    def test_asks_that_wait_cost_no_calls_either(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=1))
        bench.ask("a", "b", "c")
        bench.reply(HttpReply(status=429))
        assert bench.open == []
        assert [type(answer.failure) for _, answer in bench.answers if isinstance(answer, Failed)] == [Throttled] * 3

    def test_the_backend_names_the_pause(self) -> None:
        bench = Bench()
        bench.ask("a", "b")
        bench.reply(CallFailed(Throttled("busy", 7 * SECOND)))
        bench.reply(CallFailed(Throttled("busier", 9 * SECOND)))
        bench.ask("c")
        assert bench.failure() == Throttled("busier", 9 * SECOND)

    def test_dead(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=1))
        for _ in range(2):
            bench.ask("a")
            bench.reply(HttpReply(status=503))
        bench.ask("a")
        assert bench.urls == ["me/a"]
        bench.reply(HttpReply(status=503))
        bench.ask("a")
        assert bench.failure() == Throttled("down", SECOND)

    def test_pauses_grow_with_each_attempt_after_them(self) -> None:
        bench = Bench()
        waits = []
        bench.ask(*map(str, range(20)))
        bench.answer_all(HttpReply(status=503))
        for _ in range(8):
            bench.ask("x")
            failure = bench.failure()
            assert isinstance(failure, Throttled)
            waits.append(failure.after_ns // SECOND)
            bench.now += failure.after_ns
            bench.ask("x")
            bench.answer_all(HttpReply(status=503))
        assert waits == [1, 2, 4, 8, 16, 32, 60, 60]

    def test_an_answer_ends_the_row(self) -> None:
        bench = Bench()
        for status in (503, 503, 404, 503, 503, 403, 503, 503):
            bench.ask("a")
            bench.reply(HttpReply(status=status))
        bench.ask("a")
        assert bench.urls == ["me/a"]

    def test_identities_pause_alone(self) -> None:
        bench = Bench()
        bench.ask("a")
        bench.reply(HttpReply(status=429))
        bench.ask("a", identity="other")
        assert bench.urls == ["other/a"]


class TestFull:
    def test_many_at_once_are_let_in(self) -> None:
        bench = Bench()
        bench.ask(*map(str, range(3 * PENDING_MAX)))
        assert bench.answers == []
        assert bench.answer_all() == 3 * PENDING_MAX

    def test_without_progress_no_more_are_let_in(self) -> None:
        bench = Bench()
        bench.ask(*map(str, range(2 * PENDING_MAX)))
        bench.now += PROGRESS_NS + 1
        bench.ask("one more")
        assert isinstance(bench.failure(), Throttled)
        bench.reply()
        bench.ask("again")
        assert len(bench.answers) == 2


class TestBadProviders:
    """Every ask is answered exactly once, whatever a provider does."""

    def broken(self, **parts: Any) -> Bench:
        bench = Bench(replace(PLAIN, **parts))
        bench.ask("a", "b")
        bench.answer_all()
        assert len(bench.answers) == 2
        assert bench.backends.waiting == 0
        return bench

    def test_raises_in_the_middle(self) -> None:
        def talk(access: Any, session: Session, queries: Any) -> Talk[Any]:
            yield HttpCall(method="GET", url="https://b/x")
            raise ValueError("s3cr3t")

        assert self.broken(fetch=talk).failure() == Broken("provider plain failed: ValueError")

    def test_raises_at_once(self) -> None:
        def talk(access: Any, session: Session, queries: Any) -> Talk[Any]:
            raise ValueError("s3cr3t")

        assert self.broken(fetch=talk).failure() == Broken("provider plain failed: ValueError")
        assert self.broken(login=lambda access: talk(access, Session(), ())).failure() == Broken("provider plain failed: ValueError")

    def test_gives_no_talk(self) -> None:
        assert isinstance(self.broken(fetch=lambda *_: None).failure(), Broken)

    @pytest.mark.parametrize("result", [{}, None, "text", {Get(key="else"): Absent()}])
    def test_leaves_out_answers(self, result: Any) -> None:
        def talk(access: Any, session: Session, queries: Any) -> Talk[Any]:
            yield HttpCall(method="GET", url="https://b/x")
            return result

        assert self.broken(fetch=talk).failure() == Broken("provider plain gave no answer")

    def test_gives_one_failure_for_all(self) -> None:
        def talk(access: Any, session: Session, queries: Any) -> Talk[Any]:
            yield HttpCall(method="GET", url="https://b/x")
            return Missing("gone")

        assert self.broken(fetch=talk).failure() == Missing("gone")

    def test_answers_what_was_not_asked(self) -> None:
        def talk(access: Any, session: Session, queries: tuple[Query, ...]) -> Talk[Any]:
            yield HttpCall(method="GET", url="https://b/x")
            return {**{query: Absent() for query in queries}, Get(key="else"): Absent()}

        assert self.broken(fetch=talk).last == Absent()

    def test_logs_in_without_a_session(self) -> None:
        def talk(access: Any) -> Talk[Any]:
            yield HttpCall(method="GET", url="https://b/x")

        assert self.broken(login=talk).failure() == Broken("provider plain logged in without a session")

    def test_does_not_exist(self) -> None:
        bench = Bench(None)
        bench.ask("a")
        assert bench.failure() == Broken("there is no provider 'plain'")


def test_idle_identities_are_forgotten() -> None:
    bench = Bench()
    bench.ask("busy", identity="busy")
    for i in range(DESKS + 10):
        bench.ask("a", identity=str(i))
        bench.reply(index=-1)
    assert len(bench.backends._desks) <= DESKS
    assert bench.urls == ["busy/busy"]
    bench.reply()
    assert bench.last == blob(b"v")
