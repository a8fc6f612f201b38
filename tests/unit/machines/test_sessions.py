"""Sessions: one login for all, renewal beside the calls, and few logins where they are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from eso_core.door import Access, Answer, Ask, Failed, Get, Probe, Query, Session, Talk
from eso_core.failure import Failure, Refused, Throttled, Unreachable
from eso_core.instant import MINUTE, SECOND
from eso_core.machines.logins import FIRST, LAST, RENEWED, Logins
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, HttpCall, HttpReply
from tests.unit.core.objects import access, blob
from tests.unit.machines.conversing import OK, PLAIN, WITH_LOGIN, Bench, leased, who

S1, S2 = HttpReply(status=200, body=b"s1"), HttpReply(status=200, body=b"s2")
LOST, DENIED = HttpReply(status=401), HttpReply(status=403)


class TestLogin:
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

    def test_a_login_without_calls(self) -> None:
        def quick(access: Any) -> Talk[Session | Failure]:
            yield from ()
            return Session(value="q")

    def test_a_session_refused_without_a_call(self) -> None:
        def picky(access: Any, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
            yield from ()
            return {query: Failed(Refused("stale", session=True)) for query in queries}

    def test_the_latest_access_logs_in(self) -> None:
        """A token of a ServiceAccount is another one each time, of the same identity."""

        def shown(access: Any) -> Talk[Session | Failure]:
            yield HttpCall(method="POST", url="https://b/" + access.text("token"))
            return Session(lease_s=1.0)

        bench = Bench(replace(PLAIN, login=shown))
        for token in ("first", "second"):
            used = replace(who(), secrets={"token": SecretBytes(token.encode())})
            bench.backends.ask(Ask("plain", used, Get(key=token)), bench.now, lambda ask, answer, at: None)
            bench.collect()
            assert bench.urls == [token]
            bench.answer_all()
            bench.now += 2 * SECOND

    @pytest.mark.parametrize("lease", [0.0, -5.0, 1e-12, float("nan")])
    def test_a_lease_of_nothing_is_used_once(self, lease: float) -> None:
        bench = Bench(leased(lease))
        bench.ask("a")
        assert bench.answer_all() == 2
        assert bench.last == blob(b"v")

    def test_a_lease_without_end(self) -> None:
        bench = Bench(leased(float("inf")))
        bench.ask("a")
        assert bench.answer_all() == 2
        bench.now += 100 * 24 * 60 * MINUTE
        bench.ask("b")
        assert bench.urls == ["me/b"]


class TestRenewal:
    """A login beside the calls, once a fifth of the lease is left."""

    def begun(self, lease: float = 100.0) -> Bench:
        bench = Bench(leased(lease))
        bench.ask("a")
        bench.reply(S1)
        bench.answer_all()
        return bench

    def renewing(self) -> Bench:
        bench = self.begun()
        bench.now += 80 * SECOND
        bench.ask("b", "c")
        assert bench.urls == ["me/login", "me/b", "me/c"]
        assert bench.sessions[1:] == ["s1", "s1"]
        return bench

    @pytest.mark.parametrize(("lease", "left"), [(100.0, 20), (3600.0, 60), (10.0, 2)])
    def test_when(self, lease: float, left: int) -> None:
        bench = self.begun(lease)
        bench.now += (int(lease) - left) * SECOND - 1
        bench.ask("b")
        assert bench.urls == ["me/b"]
        bench.answer_all()
        bench.now += 1
        bench.ask("c")
        assert bench.urls == ["me/login", "me/c"]

    def test_asks_go_on_with_the_old_session_until_the_new_one_is_there(self) -> None:
        bench = self.renewing()
        bench.reply(S2)
        bench.ask("d")
        assert (bench.urls, bench.sessions) == (["me/b", "me/c", "me/d"], ["s1", "s1", "s2"])
        bench.answer_all()
        bench.now += 79 * SECOND
        bench.ask("e")
        assert bench.urls == ["me/e"]

    def test_one_at_a_time(self) -> None:
        bench = self.renewing()
        bench.now += 5 * SECOND
        bench.ask("d")
        assert bench.urls == ["me/login", "me/b", "me/c", "me/d"]

    def test_one_that_hangs_blocks_nobody_until_the_lease_ends(self) -> None:
        bench = self.renewing()
        bench.now += 20 * SECOND - 1
        bench.ask("d")
        assert bench.urls[-1] == "me/d"
        bench.now += 1
        bench.ask("e")
        assert "me/e" not in bench.urls
        bench.reply(S2)
        assert (bench.urls[-1], bench.sessions[-1]) == ("me/e", "s2")

    @pytest.mark.parametrize("reply", [DENIED, HttpReply(status=503), CallFailed(Throttled("busy", 2 * SECOND))])
    def test_the_old_session_is_used_to_its_end_if_it_fails(self, reply: Any) -> None:
        bench = self.renewing()
        bench.reply(reply)
        bench.ask("d")
        assert (bench.urls, set(bench.sessions)) == (["me/b", "me/c", "me/d"], {"s1"})
        bench.answer_all()
        assert [answer for _, answer in bench.answers] == [blob(b"v")] * 4

    def test_the_next_try_comes_after_a_growing_pause(self) -> None:
        bench = self.renewing()
        tries = []
        for _ in range(190):
            bench.now += SECOND // 10
            bench.ask(str(bench.now))
            if "me/login" in bench.urls:
                tries.append(bench.now)
            bench.answer_all(HttpReply(status=403))
        assert [(after - before) // SECOND for before, after in pairwise(tries)] == [1, 2, 4, 8]

    def test_not_before_the_time_that_the_backend_names(self) -> None:
        logins = Logins()
        logins.came(Session(lease_s=100.0), 0, real=True)
        logins.failed(Throttled("busy", 5 * SECOND), 80 * SECOND, 0.0, real=True)
        assert [logins.wants_renewal(at * SECOND) for at in (80, 84, 85)] == [False, False, True]

    def test_a_session_without_end_is_not_renewed(self) -> None:
        logins = Logins()
        logins.came(Session(), 0, real=True)
        logins.failed(Unreachable("a second login, that hung"), 5, 0.0, real=True)
        assert not logins.wants_renewal(LAST * 100)


class TestRefusedSession:
    def test_permission_is_missing_if_a_new_session_is_refused_too(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a")
        for reply in (S1, LOST, S2, LOST):
            bench.reply(reply)
        assert bench.failure() == Refused("no session")
        assert (bench.open, bench.backends.take_refused()) == ([], [])

    def test_a_login_that_makes_no_call_proves_nothing(self) -> None:
        def quick(access: Any) -> Talk[Session | Failure]:
            yield from ()
            return Session(value="q")

        bench = Bench(replace(PLAIN, login=quick))
        bench.ask("a")
        assert bench.answer_all(LOST) == 2
        assert bench.failure() == Refused("no session", session=True)
        assert bench.backends.take_refused() == [access()]

    def denied(self) -> Bench:
        bench = Bench(WITH_LOGIN)
        bench.ask("a")
        for reply in (S1, LOST, S2, LOST):
            bench.reply(reply)
        return bench

    def test_then_refusals_are_believed_for_a_while(self) -> None:
        bench = self.denied()
        for number in range(100):
            bench.ask(str(number))
            assert bench.urls == [f"me/{number}"]
            bench.reply(LOST)
            assert bench.failure() == Refused("no session")
        bench.now += FIRST
        bench.ask("b")
        bench.reply(LOST)
        assert bench.urls == ["me/login"]

    def test_for_longer_each_time(self) -> None:
        bench = self.denied()
        logins = []
        for _ in range(3000):
            bench.now += SECOND // 10
            bench.ask(str(bench.now))
            while bench.open:
                logins += [bench.now] * (bench.urls == ["me/login"])
                bench.reply(S2 if bench.urls == ["me/login"] else LOST)
        waits = [(after - before) / SECOND for before, after in pairwise(logins)]
        assert waits == [2, 4, 8, 16, 32, 60, 60, 60]

    def test_until_a_new_session_helps(self) -> None:
        bench = self.denied()
        bench.now += FIRST
        bench.ask("b")
        for reply in (LOST, S1, OK):
            bench.reply(reply)
        bench.ask("c")
        for reply in (LOST, S2, LOST):
            bench.reply(reply)
        bench.now += FIRST  # as after the first time
        bench.ask("d")
        bench.reply(LOST)
        assert bench.urls == ["me/login"]

    def test_many_refused_at_once_count_once(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a")
        bench.reply(S1)
        bench.reply()
        bench.ask(*"bcdefgh")
        while bench.open:
            bench.reply(S2 if bench.urls[0] == "me/login" else LOST)
        assert len(bench.answers) == 8
        bench.now += FIRST
        bench.ask("i")
        bench.reply(LOST)
        assert bench.urls == ["me/login"]


class TestRefusedLogin:
    def test_all_who_wait_are_told(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a", "b")
        bench.reply(DENIED)
        assert [answer for _, answer in bench.answers] == [Failed(Refused("no"))] * 2
        assert bench.backends.take_refused() == [access()]
        assert bench.backends.take_refused() == []

    def test_few_logins_however_many_ask(self) -> None:
        bench = Bench(WITH_LOGIN)
        logins = []
        for number in range(4000):
            bench.ask(str(number))
            logins += [bench.now] * len(bench.open)
            bench.answer_all(DENIED)
            assert bench.failure() == Refused("no")
            bench.now += SECOND // 10
        waits = [(after - before) / SECOND for before, after in pairwise(logins)]
        assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]

    def test_another_identity_is_not_held_back(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a")
        bench.reply(DENIED)
        bench.ask("a", identity="you")
        assert bench.urls == ["you/login"]

    def test_one_that_helps_ends_it(self) -> None:
        bench = Bench(leased(10.0))
        bench.ask("a")
        bench.reply(DENIED)
        bench.now += FIRST
        bench.ask("a")
        bench.answer_all()
        assert bench.last == blob(b"v")
        bench.now += 10 * SECOND
        bench.ask("b")
        bench.reply(DENIED)
        bench.now += FIRST
        bench.ask("b")
        assert bench.urls == ["me/login"]

    def test_what_costs_no_call_is_tried_each_time(self) -> None:
        failures = [Refused("not there yet"), None]

        def local(access: Any) -> Talk[Session | Failure]:
            yield from ()
            return failures.pop(0) or Session()

        bench = Bench(replace(PLAIN, login=local))
        bench.ask("a")
        assert bench.failure() == Refused("not there yet")
        bench.ask("a")
        assert bench.urls == ["me/a"]

    def test_a_backend_that_is_down_is_the_breakers_matter(self) -> None:
        bench = Bench(WITH_LOGIN)
        for _ in range(3):
            bench.ask("a")
            assert bench.answer_all(HttpReply(status=503)) == 1
        assert bench.backends.held_back() == {access().store: (1, 0)}


def test_the_numbers() -> None:
    assert (RENEWED, FIRST, LAST) == (60 * SECOND, SECOND, 60 * SECOND)


def test_a_doubt_outlives_the_repetition() -> None:
    """A probe that is refused for its session twice says still that nothing is known."""

    def doubt(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
        yield HttpCall(method="GET", url="probe")
        return {query: Failed(Refused("who are you", session=True), unsure=True) for query in queries}

    bench = Bench(replace(WITH_LOGIN, fetch=doubt))
    bench.ask(Probe())
    while bench.open:
        bench.reply()
    assert bench.last == Failed(Refused("who are you"), unsure=True)
