"""Growing pauses."""

from __future__ import annotations

import pytest

from eso_core.instant import MINUTE, SECOND
from eso_core.machines.backoff import Backoff, pause


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 1), (1, 2), (2, 4), (8, 256), (9, 420), (10, 420), (10_000, 420)])
def test_doubling_up_to_seven_minutes(attempt: int, seconds: int) -> None:
    assert pause(attempt, 0.0) == seconds * SECOND


def test_jitter_only_shortens() -> None:
    assert pause(0, 0.999999) >= 0.9 * SECOND
    assert pause(0, 0.5) == 0.95 * SECOND


def test_other_bounds() -> None:
    assert [pause(i, 0.0, first=3, last=10) for i in range(4)] == [3, 6, 10, 10]


def test_counts_by_key_until_cleared() -> None:
    backoff: Backoff[str] = Backoff(lambda: 0.0)
    assert [backoff.next("a") for _ in range(3)] == [SECOND, 2 * SECOND, 4 * SECOND]
    assert backoff.next("b") == SECOND
    assert len(backoff) == 2
    backoff.clear("a")
    backoff.clear("never")
    assert backoff.next("a") == SECOND
    for _ in range(20):
        last = backoff.next("a")
    assert last == 7 * MINUTE
