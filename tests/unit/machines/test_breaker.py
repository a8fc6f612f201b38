"""When a desk is tried again, and with how many talks."""

from __future__ import annotations

import pytest

from eso_core.failure import Throttled, Unreachable
from eso_core.instant import HOUR, MINUTE, SECOND
from eso_core.machines.breaker import ALONE, ASKED_MAX, DEAD_AFTER, PROBE_LAST, Breaker

DOWN, BUSY = Unreachable("down"), Throttled("busy")
NOW = 1000 * SECOND


def opened(failure: Throttled | Unreachable = DOWN) -> Breaker:
    breaker = Breaker(8)
    while not breaker.bad(failure, NOW, 0.0):
        pass
    return breaker


@pytest.mark.parametrize("failure", [DOWN, BUSY])
def test_opens_after_several_in_a_row(failure: Throttled | Unreachable) -> None:
    breaker = Breaker(8)
    for _ in range(DEAD_AFTER - 1):
        assert not breaker.bad(failure, NOW, 0.0)
    assert not breaker.good(NOW)
    for _ in range(DEAD_AFTER - 1):
        assert not breaker.bad(failure, NOW, 0.0)
    assert (breaker.open, breaker.permitted) == (False, 1)
    assert breaker.bad(failure, NOW, 0.0)
    assert (breaker.open, breaker.opened_at, breaker.probe_at) == (True, NOW, NOW + SECOND)


def test_one_that_names_a_time_is_enough() -> None:
    breaker = Breaker(8)
    assert breaker.bad(Throttled("busy", 400 * SECOND), NOW, 0.0)
    assert breaker.refusal(NOW + SECOND) == Throttled("busy", 399 * SECOND)


def test_a_named_time_has_a_bound() -> None:
    assert opened(Throttled("busy", 24 * HOUR)).probe_at == NOW + ASKED_MAX == NOW + 10 * MINUTE


def test_a_named_time_holds_against_good_answers_and_quick_probes() -> None:
    breaker = opened(Throttled("busy", 40 * SECOND))
    assert not breaker.good(NOW + 39 * SECOND)
    assert not breaker.bad(DOWN, NOW + SECOND, 0.0)
    assert breaker.probe_at == NOW + 40 * SECOND
    breaker.late(Throttled("busier", 60 * SECOND), NOW)
    assert (breaker.open, breaker.probe_at) == (True, NOW + 60 * SECOND)
    assert breaker.good(NOW + 60 * SECOND)


def test_late_answers_are_no_news() -> None:
    breaker = opened()
    breaker.late(DOWN, NOW + 5 * SECOND)
    breaker.late(BUSY, NOW + 5 * SECOND)
    assert breaker.probe_at == NOW + SECOND


def test_ramp() -> None:
    breaker = opened()
    assert breaker.good(NOW)
    seen = [breaker.permitted]
    for _ in range(4):
        assert not breaker.good(NOW)
        seen.append(breaker.permitted)
    breaker.bad(DOWN, NOW, 0.0)
    seen.append(breaker.permitted)
    assert seen == [1, 2, 4, 8, 8, 4]


def test_ramp_begins_with_one_however_many_it_bore() -> None:
    breaker = Breaker(64)
    for _ in range(6):
        breaker.good(NOW)
    assert breaker.permitted == 64
    while not breaker.bad(DOWN, NOW, 0.0):
        pass
    assert breaker.good(NOW)
    assert breaker.permitted == 1


def test_a_probe_that_hangs_does_not_keep_the_next_from_starting() -> None:
    breaker, at, begun = opened(), NOW, []
    while at < NOW + MINUTE:
        at = breaker.probe_at
        begun.append((at - NOW) // SECOND)
        breaker.probed(at, 0.0)
    assert begun == [1, 11, 21, 31, 41, 51, 61]


def test_jitter_shortens_by_a_tenth_at_most() -> None:
    breaker = opened()
    breaker.probed(NOW, 0.999)
    assert 0.9 * PROBE_LAST <= breaker.probe_at - NOW < PROBE_LAST


def test_no_answer_is_told_to_come_back_at_once() -> None:
    """It is called when there is an answer; its own tries are for the case that it is not."""
    breaker = opened()
    assert breaker.refusal(NOW + HOUR).after_ns == ALONE
    breaker.postpone(NOW + HOUR)
    assert breaker.refusal(NOW + HOUR).after_ns == ALONE
