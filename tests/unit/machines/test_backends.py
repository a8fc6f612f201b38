"""Conversations with backends: batches, single flight, limits, lines and pauses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from eso_core.door import Absent, Ask, Failed, Find, Get, Probe, Query, Session, Talk
from eso_core.failure import Broken, Missing, Throttled, Unreachable
from eso_core.instant import MINUTE, SECOND
from eso_core.machines.backends import FORGOTTEN_AFTER, PROBES_MAX
from eso_core.machines.breaker import ALONE
from eso_core.machines.desks import DESKS
from eso_core.machines.lines import CROWD_BUSY, CROWD_IDLE, TOLD_AFTER
from eso_core.machines.turns import Reason
from eso_core.wire import CallFailed, HttpCall, HttpReply
from tests.unit.core.objects import access, blob
from tests.unit.machines.conversing import PLACES, PLAIN, WITH_LOGIN, Bench, ref, who


class TestSingleFlight:
    def test_equal_asks_join(self) -> None:
        bench = Bench()
        bench.ask("a", "a", "b")
        assert bench.urls == ["me/a", "me/b"]
        bench.reply()
        assert bench.answers == [(Get(key="a"), blob(b"v"))] * 2
        bench.now += 1
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
    def test_what_is_asked_in_one_turn_shares_batches(self) -> None:
        """Of several passes, too: the owner takes what has to be sent at the end of its turn."""
        bench = Bench(replace(PLAIN, batch_max=3, talks_max=1))
        bench.ask("a", "b", "c", "d", "e")
        assert bench.urls == ["me/a,b,c"]
        bench.reply()
        assert bench.urls == ["me/d,e"]

    def test_and_what_is_asked_while_a_conversation_is_awaited(self) -> None:
        bench = Bench(replace(PLAIN, batch_max=3, talks_max=1))
        bench.ask("a")
        bench.ask("b", "c")
        bench.ask("d", "e")
        assert bench.urls == ["me/a"]
        bench.reply()
        assert bench.urls == ["me/b,c,d"]

    def test_others_come_alone(self) -> None:
        bench = Bench(replace(PLAIN, batch_max=9, talks_max=1))
        bench.ask("a", "b", Find(name="x"), "c", Probe(), "d", "e")
        seen = []
        while bench.open:
            seen += bench.urls
            bench.reply()
        assert seen == ["me/a,b", "me/Find", "me/c", "me/Probe", "me/d,e"]
        assert len(bench.answers) == 7

    def test_limit(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=2))
        bench.ask("a", "b", "c")
        assert len(bench.open) == 2
        bench.reply()
        assert bench.urls == ["me/b", "me/c"]


class TestOpen:
    """While the breaker is open, asks cost no calls but for the probes."""

    def test_throttled_several_times_in_a_row(self) -> None:
        bench = Bench()
        for number in range(3):
            bench.ask(str(number))
            bench.reply(HttpReply(status=429))
        bench.ask("b")
        assert bench.open == []
        assert bench.failure() == Throttled("busy", ALONE)
        bench.now += SECOND
        bench.ask("b", "c")
        assert bench.urls == ["me/b"]
        assert bench.failure() == Throttled("busy", ALONE)

    def test_asks_that_wait_cost_no_calls_either(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=1))
        bench.ask("a", "b", "c")
        bench.reply(CallFailed(Throttled("busy", 5 * SECOND)))
        assert bench.open == []
        assert [type(answer.failure) for _, answer in bench.answers if isinstance(answer, Failed)] == [Throttled] * 3

    def test_the_backend_names_the_pause(self) -> None:
        bench = Bench()
        bench.ask("a", "b")
        bench.reply(CallFailed(Throttled("busy", 70 * SECOND)))
        bench.reply(CallFailed(Throttled("busier", 90 * SECOND)))
        bench.ask("c")
        assert bench.failure() == Throttled("busier", 90 * SECOND)

    def test_good_answers_to_earlier_calls_do_not_shorten_it(self) -> None:
        bench = Bench()
        bench.ask("a", "b")
        bench.reply(CallFailed(Throttled("busy", 70 * SECOND)))
        bench.reply()
        bench.ask("c")
        assert bench.failure() == Throttled("busy", 70 * SECOND)

    def test_dead(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=1))
        for _ in range(2):
            bench.ask("a")
            bench.reply(HttpReply(status=503))
        bench.ask("a")
        assert bench.urls == ["me/a"]
        bench.reply(HttpReply(status=503))
        bench.ask("a")
        assert bench.failure() == Throttled("down", ALONE)

    def test_probes_that_fail_come_less_and_less_often(self) -> None:
        bench = Bench().opened()
        waits = []
        for _ in range(7):
            bench.ask("x")
            assert bench.failure() == Throttled("down", ALONE)
            [desk] = bench.backends._desks.by_identity.values()
            wait = desk.breaker.probe_at - bench.now
            waits.append(wait // SECOND)
            bench.now += wait
            bench.ask("x")
            assert bench.answer_all(HttpReply(status=503)) == 1
        assert waits == [1, 2, 4, 8, 10, 10, 10]

    def test_an_answer_ends_the_row(self) -> None:
        bench = Bench()
        for status in (503, 503, 404, 503, 503, 403, 503, 503):
            bench.now += 1
            bench.ask("a")
            bench.reply(HttpReply(status=status))
        bench.ask("a")
        assert bench.urls == ["me/a"]

    def test_one_failed_batch_is_one_answer(self) -> None:
        bench = Bench(replace(PLAIN, batch_max=9, talks_max=1))
        bench.ask("first")
        bench.ask("a", "b", "c", "d")
        bench.reply()
        bench.reply(HttpReply(status=503))
        bench.ask("a")
        assert bench.urls == ["me/a"]

    def test_identities_are_judged_alone(self) -> None:
        bench = Bench().opened()
        bench.ask("a", identity="other")
        assert bench.urls == ["other/a"]

    def test_calls_from_before_are_no_news(self) -> None:
        """Three of four have failed; the other neither moves the next probe nor, later, slows down what came back."""
        bench = Bench()
        bench.ask(*"abcd")
        for _ in range(3):
            bench.reply(HttpReply(status=503))
        bench.now += SECOND
        bench.ask("probe")
        bench.reply(index=1)
        before = bench.backends._desks.by_identity["me"].breaker.permitted
        bench.reply(HttpReply(status=503))
        assert bench.backends._desks.by_identity["me"].breaker.permitted == before == 1
        assert not bench.backends._desks.by_identity["me"].breaker.open

    def test_who_asks_a_probing_question_gets_its_answer(self) -> None:
        bench = Bench().opened()
        bench.now += SECOND
        bench.ask("a")
        bench.reply()
        assert bench.last == blob(b"v")
        bench.now += 1
        bench.ask("a")
        assert bench.urls == ["me/a"]


class TestRecovery:
    """Permitted talks start at 1, double with each good answer, and halve with each bad one."""

    def test_ramp(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=8)).opened()
        bench.now += SECOND
        bench.ask("probe")
        bench.reply()
        bench.ask(*map(str, range(40)))
        seen = [len(bench.open)]
        for status in (200, 200, 503, 200, 200):
            bench.reply(HttpReply(status=status))
            seen.append(len(bench.open))
        assert seen == [1, 2, 4, 3, 4, 8]

    def test_a_hanging_call_from_before_takes_no_place(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=4))
        bench.ask(*"abcd")
        for _ in range(3):
            bench.reply(HttpReply(status=503))
        bench.now += SECOND
        bench.ask("probe")
        bench.reply(index=1)
        assert bench.urls == ["me/d", "me/d"]  # it may hang until its time-out, so it is asked anew
        bench.reply(index=1)
        assert bench.last == blob(b"v")
        bench.ask("next")
        assert bench.urls == ["me/d", "me/next"]
        bench.reply(HttpReply(status=503))
        assert [query for query, _ in bench.answers].count(Get(key="d")) == 1


class TestHanging:
    """Before anything has failed, a backend that hangs is tried again beside the calls that hang."""

    def hanging(self) -> Bench:
        bench = Bench(replace(PLAIN, talks_max=2)).proven("me")
        bench.ask(*"abcdefgh")
        bench.backends.take_refused()
        return bench

    def test_one_more_every_ten_seconds(self) -> None:
        bench = self.hanging()
        seen = []
        for _ in range(3):
            assert bench.backends.wake_at(PLACES, PLACES) == bench.now + 10 * SECOND
            bench.now += 10 * SECOND - 1
            assert bench.out() == []
            bench.now += 1
            assert bench.out() == []
            seen.append(bench.urls[-1])
        assert seen == ["me/c", "me/d", "me/e"]

    def test_its_answer_lets_all_go_on_in_step(self) -> None:
        bench = self.hanging()
        bench.now += 10 * SECOND
        bench.out()
        bench.reply(index=2)
        assert bench.urls == ["me/a", "me/b", "me/d"]
        bench.reply(index=2)
        assert bench.urls == ["me/a", "me/b", "me/e", "me/f"]
        bench.reply(HttpReply(status=503))
        bench.reply(HttpReply(status=503))
        assert bench.backends._desks.by_identity["me"].breaker.permitted == 2

    def test_a_login_that_hangs(self) -> None:
        bench = Bench(WITH_LOGIN)
        bench.ask("a")
        bench.now += 10 * SECOND
        bench.out()
        assert bench.urls == ["me/login", "me/login"]
        bench.reply(index=1)
        assert bench.urls == ["me/login", "me/a"]

    def test_a_slow_backend_is_let_be(self) -> None:
        bench = self.hanging()
        for _ in range(4):
            bench.now += 9 * SECOND
            bench.reply()
            bench.out()
            assert len(bench.open) == 2


class TestRoom:
    """A pass that finds no room is put aside; its key is let out when there is room."""

    PROVIDER = replace(PLAIN, talks_max=2)
    KEYS = tuple(f"{number:02}" for number in range(12))

    def test_two_for_each_talk(self) -> None:
        bench = Bench(self.PROVIDER)
        assert bench.visit(*self.KEYS) == list(self.KEYS[:4])
        assert (bench.urls, bench.answers, bench.backends.aside) == (["me/00", "me/01"], [], 8)

    def test_passes_that_share_a_question_count_all(self) -> None:
        assert len(Bench(self.PROVIDER).visit(*self.KEYS, query="same")) == 4

    def test_let_out_as_room_is_made(self) -> None:
        bench = Bench(self.PROVIDER)
        bench.visit(*self.KEYS)
        assert bench.out() == []
        bench.reply()
        assert bench.backends.wake_at(PLACES, PLACES) == 0
        assert (bench.out(), bench.out()) == (["04"], [])
        assert bench.visit("new") == []  # the place is kept for whom it was given to
        assert bench.visit("04") == ["04"]
        bench.reply()
        bench.reply()
        assert bench.out() == ["05", "06"]

    def test_the_place_of_one_who_does_not_come_is_given_on(self) -> None:
        bench = Bench(self.PROVIDER)
        bench.visit(*self.KEYS)
        bench.reply()
        assert bench.out() == ["04"]
        bench.backends.begins(ref("04"))
        bench.backends.ended(ref("04"))
        assert bench.out() == ["05"]

    def test_who_runs_for_another_reason_does_not_stand_in_line(self) -> None:
        bench = Bench(self.PROVIDER)
        bench.visit(*self.KEYS[:5])
        bench.backends.begins(ref("04"))
        bench.reply()
        assert (bench.out(), bench.backends.aside) == ([], 0)

    def test_better_classes_first_but_all_get_their_share(self) -> None:
        bench = Bench(self.PROVIDER)
        bench.visit(*self.KEYS[:8], reason=Reason.RETRY)
        bench.visit(*(f"new {number}" for number in range(8)), reason=Reason.NEW)
        bench.visit("store", reason=Reason.STORE)
        order = []
        while bench.open:
            bench.reply()
            order += (out := bench.out())
            bench.visit(*out)
        assert order[:7] == ["store", "new 0", "new 1", "new 2", "new 3", "04", "new 4"]

    def test_half_of_what_is_free_at_most(self) -> None:
        bench = Bench().proven("me", "other")
        free = 10
        while bench.visit(str(free), free=free):
            free -= 1
        assert free == 5
        assert bench.visit("other", identity="other", free=free) == ["other"]

    def test_stores_leave_half_to_objects(self) -> None:
        bench = Bench().proven("me", "other")
        assert bench.visit("a", reason=Reason.STORE, free=PLACES // 2) == []
        assert bench.out(PLACES // 2) == []
        assert bench.visit("b", identity="other", free=PLACES // 2) == ["b"]
        assert bench.out(PLACES // 2 + 1) == ["a"]

    def test_so_do_desks_that_have_not_shown_what_they_bear(self) -> None:
        bench = Bench().proven("other")
        assert bench.visit(*map(str, range(20))) == [str(number) for number in range(8)]
        assert bench.visit("a", identity="new", free=PLACES // 2) == []
        assert bench.visit("a", identity="other", free=PLACES // 2) == ["a"]
        bench.answer_all()
        bench.now += 2 * MINUTE
        assert bench.visit("b", identity="other", free=PLACES // 2) == ["b"]
        bench.answer_all(HttpReply(status=503))
        assert bench.visit("c", identity="other", free=PLACES // 2) == []

    def test_little_time_is_lost_at_a_full_desk_that_works(self) -> None:
        bench = Bench(self.PROVIDER).proven("me")
        bench.visit(*self.KEYS[:4])
        assert max(bench.crowded()) < bench.now
        bench.visit(self.KEYS[5])
        assert bench.crowded() == (bench.now + CROWD_BUSY, bench.now + CROWD_IDLE)
        bench.visit("a", identity="other")
        assert bench.crowded() == (0, 0)
        bench.visit(self.KEYS[6])
        bench.reply()
        assert bench.crowded() == (0, 0)
        bench.visit(*bench.out(), self.KEYS[7])
        assert bench.crowded() == (bench.now + CROWD_BUSY, bench.now + CROWD_IDLE)

    def test_but_one_that_hangs_is_no_reason_to_wait(self) -> None:
        bench = Bench(self.PROVIDER).proven("me")
        bench.visit(*self.KEYS[:4])
        bench.now += 2 * SECOND
        bench.visit(self.KEYS[5])
        assert bench.crowded() == (0, 0)

    def test_batches_make_more_room(self) -> None:
        assert len(Bench(replace(self.PROVIDER, batch_max=3)).visit(*map(str, range(20)))) == 12


class TestLine:
    """Whoever failed because of an open breaker waits for it."""

    def opened(self, *names: str) -> Bench:
        bench = Bench().opened()
        bench.visit(*names)
        assert bench.open == []
        assert len(bench.answers) == 3 + len(names)
        return bench

    def test_one_is_let_out_for_each_probe(self) -> None:
        bench = self.opened("a", "b", "c")
        assert bench.backends.wake_at(PLACES, PLACES) == bench.now + SECOND
        assert bench.out() == []
        bench.now += SECOND
        assert (bench.out(), bench.out()) == (["a"], [])
        assert bench.visit("a") == ["a"]
        assert bench.urls == ["me/a"]
        bench.reply(HttpReply(status=503))
        assert bench.out() == []
        bench.now += 2 * SECOND
        assert bench.out() == ["b"]

    def test_whoever_probed_in_vain_waits_on(self) -> None:
        bench = self.opened("a")
        for wait in (1, 2, 4):
            bench.now += wait * SECOND
            assert bench.out() == ["a"]
            bench.visit("a")
            bench.reply(HttpReply(status=503))

    def test_stores_first(self) -> None:
        bench = self.opened("a")
        bench.visit("store", reason=Reason.STORE)
        bench.now += SECOND
        assert bench.out() == ["store"]

    def test_whoever_does_not_ask_gives_the_turn_to_the_next(self) -> None:
        bench = self.opened("a", "b")
        bench.now += SECOND
        assert bench.out() == ["a"]
        bench.backends.begins(ref("a"))
        bench.backends.ended(ref("a"))
        assert bench.out() == ["b"]

    def test_a_probe_that_hangs_is_repeated(self) -> None:
        bench = self.opened("a", "b")
        bench.now += SECOND
        bench.visit(*bench.out())
        for _ in range(3):
            assert bench.out() == []
            assert bench.backends.wake_at(PLACES, PLACES) == bench.now + 10 * SECOND
            bench.now += 10 * SECOND
        assert bench.out() == []
        assert bench.urls == ["me/a"] * 4
        bench.reply(index=3)
        assert bench.last == blob(b"v")
        assert bench.answer_all(HttpReply(status=503)) == 3
        assert len(bench.answers) == 6  # of three that opened, a, b, and the probe
        assert bench.out() == ["b"]

    def test_but_not_for_ever(self) -> None:
        bench = self.opened("a")
        for _ in range(3 * PROBES_MAX):
            bench.now += 10 * SECOND
            bench.visit(*bench.out())
        assert len(bench.open) == PROBES_MAX

    def test_a_login_that_hangs_is_repeated(self) -> None:
        bench = Bench(WITH_LOGIN)
        for number in range(3):
            bench.ask(str(number))
            bench.reply(HttpReply(status=503))
        bench.visit("a")
        bench.now += SECOND
        bench.visit(*bench.out())
        bench.now += 10 * SECOND
        bench.out()
        assert bench.urls == ["me/login", "me/login"]
        bench.reply(index=1)
        assert bench.urls == ["me/login", "me/a"]
        bench.reply(index=1)
        assert bench.last == blob(b"v")
        bench.reply(HttpReply(status=503))
        assert not bench.backends._desks.by_identity["me"].breaker.open

    def test_the_rest_of_a_probing_pass_waits_for_the_probe(self) -> None:
        for status, expected in ((503, [Failed(Unreachable("down"))]), (200, [blob(b"v")] * 3)):
            bench = Bench().opened()
            bench.now += SECOND
            asks = tuple(Ask("plain", who(), Get(key=name)) for name in "xyz")
            stay = bench.backends.admit(ref("a"), Reason.NEW, asks, bench.now, PLACES, PLACES, bench.now)
            assert stay is not None
            bench.answers.clear()
            for ask in asks:
                bench.backends.ask(ask, bench.now, lambda ask, answer, at, bench=bench: bench.answers.append((ask.query, answer)), stay)
            bench.collect()
            assert bench.urls == ["me/x"]
            bench.answer_all(HttpReply(status=status, body=b"v"))
            assert len(bench.answers) == 3
            assert [answer for query, answer in bench.answers if query == Get(key="x") or status == 200] == expected
            assert bench.backends.waiting == 0

    def test_after_the_probe_they_come_back_in_step(self) -> None:
        bench = self.opened(*map(str, range(100)))
        bench.now += SECOND
        bench.visit(*bench.out())
        came = []
        while bench.open:
            bench.answer_all()
            out = bench.out()
            came.append(len(out))
            assert bench.visit(*out) == out
        assert came[:2] == [2, 8]  # two good answers: from 1 talk to 4
        assert sum(came) == 99
        assert bench.backends.held_back() == {}

    def test_those_put_aside_are_told_once_it_is_open(self) -> None:
        bench = Bench(replace(PLAIN, talks_max=3))
        bench.visit(*map(str, range(9)))
        bench.answer_all(HttpReply(status=503))
        bench.answer_all(HttpReply(status=503))
        assert (len(bench.answers), bench.backends.aside, bench.out()) == (6, 3, [])
        assert bench.backends.wake_at(PLACES, PLACES) == bench.now + TOLD_AFTER
        bench.now += TOLD_AFTER
        assert bench.out() == ["6", "7", "8"]
        assert bench.visit("6", "7", "8") == ["6", "7", "8"]
        assert bench.urls == ["me/6"]  # which is the probe
        assert bench.backends.aside == 0

    def test_a_key_stands_in_one_line(self) -> None:
        bench = Bench().opened()
        for number in range(3):
            bench.ask(str(number), identity="other")
            bench.reply(HttpReply(status=503))
        bench.visit("a")
        bench.visit("a", identity="other")
        assert bench.backends.held_back() == {access().store: (2, 1)}
        bench.now += SECOND
        assert (bench.out(), bench.out()) == (["a"], [])

    def test_without_free_places_no_probe(self) -> None:
        bench = self.opened("a")
        bench.now += SECOND
        assert bench.out(PLACES // 2) == []
        assert bench.backends.wake_at(PLACES, PLACES) == bench.now + SECOND
        bench.now += SECOND
        assert bench.out() == ["a"]

    def test_an_open_desk_that_nobody_asks_is_forgotten(self) -> None:
        bench = Bench().opened()
        bench.now += FORGOTTEN_AFTER
        bench.out()
        assert bench.backends.held_back() == {access().store: (1, 0)}
        bench.now += 2 * SECOND
        bench.out()
        assert (bench.backends.held_back(), bench.backends._desks.by_identity) == ({}, {})

    def test_desks_with_a_line_are_not_forgotten(self) -> None:
        bench = self.opened("a")
        for number in range(DESKS + 10):
            bench.ask("x", identity=str(number))
            bench.reply()
        bench.tend()
        assert len(bench.backends._desks.by_identity) == DESKS
        bench.now += SECOND
        assert bench.out() == ["a"]


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
