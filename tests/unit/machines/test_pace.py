"""How often talks may begin at one desk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eso_core.door import Find
from eso_core.instant import SECOND
from eso_core.machines.pace import Pace
from eso_core.wire import HttpReply
from tests.unit.machines.conversing import PLAIN, WITH_LOGIN, Bench


def begun(pace: Pace, seconds: int, every: int = SECOND // 20) -> list[int]:
    """When talks begin, of as many as there is time for."""
    return [now for now in range(0, seconds * SECOND, every) if pace.take(now)]


class TestPace:
    def test_without_a_bound(self) -> None:
        pace = Pace(None)
        assert all(pace.take(7) for _ in range(1000))

    @pytest.mark.parametrize(("per_s", "burst", "seconds"), [(5.0, 5, 4), (1.0, 1, 9), (0.5, 1, 9), (2.5, 2, 6)])
    def test_a_second_at_once_and_then_evenly(self, per_s: float, burst: int, seconds: int) -> None:
        pace = Pace(per_s)
        assert [pace.take(0) for _ in range(burst + 1)] == [True] * burst + [False]
        assert pace.ready_at == pytest.approx(SECOND / per_s, abs=1000)
        assert len(begun(pace, seconds)) == pytest.approx(seconds * per_s, abs=1)

    def test_a_pause_makes_room_for_a_second_and_not_for_more(self) -> None:
        pace = Pace(3.0)
        begun(pace, 5)
        assert [pace.take(100 * SECOND) for _ in range(4)] == [True, True, True, False]


class TestDesk:
    """A desk asks no more often than its backend permits; what waits for that begins by itself."""

    def drained(self, bench: Bench, seconds: int = 20) -> list[float]:
        """When the calls began, in seconds from now."""
        begin, calls = bench.now, [0.0] * len(bench.open)
        bench.answer_all()
        for _ in range(100):
            at = bench.backends.tend_at()
            if at is None or at >= begin + seconds * SECOND:
                break
            bench.now = max(bench.now, at)
            bench.tend()
            calls += [(bench.now - begin) / SECOND] * len(bench.open)
            bench.answer_all()
        return calls

    def test_questions(self) -> None:
        bench = Bench(replace(PLAIN, talks_per_s=2.0))
        bench.ask(*"abcdef")
        assert self.drained(bench) == [0, 0, 0.5, 1, 1.5, 2]
        assert len(bench.answers) == 6

    def test_batches_count_once(self) -> None:
        bench = Bench(replace(PLAIN, talks_per_s=1.0, batch_max=3))
        bench.ask(*"abcdef", Find())
        assert self.drained(bench) == [0, 1, 2]

    def test_logins_count(self) -> None:
        bench = Bench(replace(WITH_LOGIN, talks_per_s=1.0))
        bench.ask("a")
        bench.reply()
        assert bench.urls == []
        assert self.drained(bench) == [1]
        assert len(bench.answers) == 1

    def test_so_do_probes(self) -> None:
        bench = Bench(replace(PLAIN, talks_per_s=0.25))
        for _ in range(3):
            bench.ask("a")
            bench.now = max(bench.now, bench.backends.tend_at() or 0)
            bench.tend()
            bench.reply(HttpReply(status=503))
        bench.now += SECOND
        bench.visit("probe")
        assert bench.urls == []
        bench.now += 3 * SECOND - 1
        bench.tend()
        assert bench.urls == []
        bench.now += 1
        bench.tend()
        assert bench.urls == ["me/probe"]

    def test_identities_have_a_pace_each(self) -> None:
        bench = Bench(replace(PLAIN, talks_per_s=1.0))
        bench.ask("a")
        bench.ask("a", identity="you")
        assert bench.urls == ["me/a", "you/a"]
