"""``spec.retrySettings``: an ask that is throttled or unreachable is put again before it is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eso_core.door import Failed, Probe, Retries
from eso_core.failure import Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.wire import CallFailed, HttpReply
from tests.unit.core.objects import blob
from tests.unit.machines.conversing import OK, PLACES, PLAIN, WITH_LOGIN, Bench

DOWN, BUSY = HttpReply(status=503), HttpReply(status=429)
TWICE = Retries(2, 3 * SECOND)


def failing(retries: Retries = TWICE) -> Bench:
    """One question, which has failed once."""
    bench = Bench(retries=retries)
    bench.ask("a")
    bench.reply(DOWN)
    return bench


def later(bench: Bench, passed: int = 3 * SECOND) -> None:
    bench.now += passed
    bench.tend()


def test_none_unless_told() -> None:
    bench = failing(Retries())
    assert (bench.failure(), bench.backends.tend_at()) == (Unreachable("down"), None)


def test_after_the_interval() -> None:
    bench = failing()
    assert (bench.answers, bench.open, bench.backends.waiting) == ([], [], 1)
    assert bench.backends.tend_at() == bench.now + 3 * SECOND
    later(bench, 3 * SECOND - 1)
    assert bench.open == []
    later(bench, 1)
    assert bench.urls == ["me/a"]
    bench.reply()
    assert [answer for _, answer in bench.answers] == [blob(b"v")]


def test_as_often_as_told() -> None:
    """Good answers between keep the breaker closed."""
    bench = failing()
    for _ in range(2):
        assert bench.answers == []
        later(bench)
        bench.ask("good")
        bench.reply(index=1)
        bench.answers.clear()
        bench.reply(DOWN)
    assert [answer for _, answer in bench.answers] == [Failed(Unreachable("down"))]
    later(bench)
    assert (bench.open, bench.backends.waiting) == ([], 0)


def test_not_when_the_breaker_opens() -> None:
    bench = failing(Retries(10, 3 * SECOND))
    bench.visit("b")
    bench.reply(BUSY)
    bench.visit("c")
    assert bench.answers == []
    bench.reply(DOWN)
    assert len(bench.answers) == 3
    assert all(isinstance(answer, Failed) for _, answer in bench.answers)
    assert (bench.backends.waiting, bench.backends.tend_at()) == (0, None)
    assert bench.backends.held_back()[bench.backends._desks.by_identity["me"].access.store] == (1, 2)


def test_a_probe_is_not_repeated() -> None:
    bench = Bench(retries=TWICE)
    for number in range(3):
        bench.ask(str(number))
        bench.reply(DOWN)
    bench.answers.clear()
    bench.now += SECOND
    bench.ask("probe")
    bench.reply(DOWN)
    assert len(bench.answers) == 1


def test_other_failures_are_answers() -> None:
    bench = Bench(retries=TWICE)
    bench.ask("a")
    bench.reply(HttpReply(status=403))
    assert bench.failure() == Refused("no")


def test_equal_asks_join_one_that_rests() -> None:
    bench = failing()
    later(bench, SECOND)
    bench.ask("a")
    assert bench.open == []
    later(bench, 2 * SECOND)
    bench.reply()
    assert [answer for _, answer in bench.answers] == [blob(b"v")] * 2


@pytest.mark.parametrize("query", ["b", Probe()])
def test_others_do_not_wait_for_it(query: str | Probe) -> None:
    bench = failing()
    bench.ask(query)
    assert len(bench.open) == 1
    bench.reply()
    assert bench.last == blob(b"v")


def test_a_login_that_fails_is_put_again_too() -> None:
    bench = Bench(WITH_LOGIN, retries=TWICE)
    bench.ask("a")
    bench.reply(DOWN)
    assert bench.answers == []
    later(bench)
    assert bench.urls == ["me/login"]
    bench.answer_all()
    assert bench.last == blob(b"v")


def test_a_batch_is_put_again_as_one() -> None:
    bench = Bench(replace(PLAIN, batch_max=2, talks_max=1), retries=TWICE)
    bench.ask("first")
    bench.ask("a", "b")
    bench.reply()
    bench.reply(CallFailed(Unreachable("down")))
    assert len(bench.answers) == 1
    later(bench)
    assert bench.urls == ["me/a,b"]
    bench.reply(OK)
    assert len(bench.answers) == 3


def test_its_pass_keeps_its_room() -> None:
    bench = Bench(replace(PLAIN, talks_max=1), retries=TWICE)
    assert bench.visit("a", "b", "c") == ["a", "b"]
    bench.reply(DOWN)
    assert bench.out() == []
    assert bench.backends.wake_at(PLACES, PLACES) != 0


@pytest.mark.parametrize(("after", "expected"), [(1, 3), (7, 7)])
def test_the_backends_time_counts_if_it_is_longer(after: int, expected: int) -> None:
    bench = Bench(retries=TWICE)
    bench.ask("a")
    [conversation] = bench.open
    [waiting] = conversation.asks
    bench.backends._answer_or_rest(conversation.desk, waiting, Failed(Throttled("busy", after * SECOND)), bench.now)
    assert conversation.desk.resting[0][0] == bench.now + expected * SECOND
