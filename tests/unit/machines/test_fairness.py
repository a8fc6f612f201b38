"""Fairness between keys and between stores, in virtual time."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from eso_core.failure import Unreachable
from eso_core.instant import MILLISECOND, MINUTE, SECOND
from eso_core.machines.engine import Limits
from eso_core.machines.turns import Reason
from eso_core.refs import CONFIG_MAP, SECRET_STORE, Ref
from eso_core.wire import CallFailed, HttpReply
from tests.unit.machines.fair import LATENCY, OK, Fair, dead_between


def created(fair: Fair, store: str, count: int, per_s: int) -> list[Ref]:
    """Objects created one by one, from now on. The answer: which; when is in `wanted_at`."""
    refs = []
    for number in range(count):
        name = f"{store}-{number}"
        refs.append(Ref(CONFIG_MAP, "ns", name))
        fair.at(fair.mono + number * SECOND // per_s, lambda name=name: fair.create(name) and None)  # type: ignore[misc]
    return refs


def latencies(fair: Fair, refs: list[Ref], begin: int, per_s: int) -> list[int]:
    return sorted(fair.synced[ref] - begin - number * SECOND // per_s for number, ref in enumerate(refs))


def p99(values: list[int]) -> int:
    return values[math.ceil(0.99 * len(values)) - 1]


def settled(fair: Fair, store: str) -> int:
    return sum(ref.name.startswith(f"{store}-") for ref in fair.synced)


class TestBlackHole:
    """One store that does not answer, with many objects, beside a healthy one."""

    BACK = 5 * MINUTE

    def healthy(self, dead: int) -> tuple[Fair, int]:
        fair = Fair(dead_between(0, self.BACK, "dead"))
        for number in range(dead):
            fair.create(f"dead-{number}")
        fair.run(0.5)
        begin = fair.mono
        refs = created(fair, "healthy", 500, 100)
        fair.run(40)
        return fair, p99(latencies(fair, refs, begin, 100))

    def test_the_healthy_do_not_notice(self) -> None:
        _, alone = self.healthy(0)
        fair, beside = self.healthy(500)
        assert beside <= 1.2 * alone
        assert fair.parked_max < 100

    @pytest.mark.parametrize("dead", [10, 500])
    def test_calls_do_not_grow_with_the_objects(self, dead: int) -> None:
        fair, _ = self.healthy(dead)
        fair.run(200)
        minutes = Counter(at // MINUTE for at, name in fair.calls if name == "dead")
        assert minutes[0] <= 4 + 2 + 4  # at first, beside them until they have timed out, probes
        assert all(calls <= 7 + 4 * (minute == 1) for minute, calls in minutes.items() if minute > 0)
        assert minutes[2] >= 6

    def test_all_are_settled_soon_after_it_comes_back(self) -> None:
        fair, _ = self.healthy(500)
        fair.run((self.BACK - fair.mono) / SECOND)
        assert settled(fair, "dead") == 0
        fair.run(30, until=lambda: settled(fair, "dead") == 500)
        assert settled(fair, "dead") == 500
        assert fair.mono - self.BACK < 15 * SECOND
        assert fair.engine.held_back() == {}

    @pytest.mark.parametrize("hung_s", [1, 15, 29, 45])
    def test_so_they_are_when_its_calls_hang_still(self, hung_s: int) -> None:
        fair = Fair(dead_between(0, hung_s * SECOND, "dead"))
        for number in range(200):
            fair.create(f"dead-{number}")
        fair.run(hung_s + 15, until=lambda: settled(fair, "dead") == 200)
        assert settled(fair, "dead") == 200
        assert fair.mono <= (hung_s + 12) * SECOND

    def test_they_come_back_as_retries_in_step(self) -> None:
        fair, _ = self.healthy(500)
        fair.run((self.BACK - fair.mono) / SECOND)
        fair.calls.clear()
        fair.run(30, until=lambda: settled(fair, "dead") == 500)
        assert all(at > self.BACK for at, _ in fair.calls)
        first = fair.calls[0][0]
        assert sum(at < first + LATENCY for at, _ in fair.calls) == 1
        assert sum(at < first + 2 * LATENCY for at, _ in fair.calls) <= 1 + 1

    def test_many_dead_stores_do_not_fill_the_places(self) -> None:
        names = [f"dead{number}" for number in range(30)]
        fair = Fair(dead_between(0, self.BACK, *names), limits=Limits(parked_max=200))
        fair.create("healthy-first")
        fair.run(1)
        for name in names:
            for number in range(30):
                fair.create(f"{name}-{number}")
        fair.run(5)
        begin = fair.mono
        refs = created(fair, "healthy", 50, 10)
        fair.run(10)
        assert fair.parked_max < 200
        assert p99(latencies(fair, refs, begin, 10)) < 2 * LATENCY


class TestConditions:
    def test_everybody_is_told_that_a_store_is_dead(self) -> None:
        """Also those who never came as far as to ask."""
        fair = Fair(lambda name, now: (LATENCY, CallFailed(Unreachable("refused"))))
        for number in range(300):
            fair.create(f"dead-{number}")
        fair.run(5)
        assert {report.key.name for _, report in fair.reports} == {f"dead-{number}" for number in range(300)}
        assert fair.engine.overdue(fair.now) == 0
        [(store, numbers)] = fair.engine.held_back().items()
        assert (store, numbers) == (Ref(SECRET_STORE, "ns", "dead"), (1, 300))

    def test_that_a_store_is_dead_does_not_count_against_its_objects(self) -> None:
        """The next failure after the store is back waits a second, not minutes."""
        fair = Fair(lambda name, now: (LATENCY, CallFailed(Unreachable("refused"))))
        key = fair.create("dead-0")
        fair.run(300)
        assert fair.passes["dead-0"] > 25
        assert fair.engine._pauses._failures[key] <= 2

    def test_whoever_does_not_ask_any_more_keeps_no_place(self) -> None:
        fair = Fair(lambda name, now: (LATENCY, CallFailed(Unreachable("refused")) if now < 60 * SECOND else OK))
        for number in range(20):
            fair.create(f"dead-{number}")
        fair.run(45)
        fair.mute = {f"dead-{number}" for number in range(19)}
        fair.run(27)
        assert Ref(CONFIG_MAP, "ns", "dead-19") in fair.synced
        assert fair.engine.held_back() == {}
        assert [desk.called for desk in fair.engine._backends._desks.by_identity.values()] == [0]

    def test_put_aside_without_a_word(self) -> None:
        fair = Fair(dead_between(0, MINUTE, "dead"))
        for number in range(200):
            fair.create(f"dead-{number}")
        fair.run(20)
        assert (fair.reports, fair.engine.passes) == ([], 8)
        assert fair.engine.busy == 8 + (4 + 2) + 192  # passes, calls, and who was put aside
        assert max(fair.passes.values()) == 1
        fair.engine.stop()
        assert fair.engine.busy == 8 + (4 + 2)

    def test_what_a_pass_wrote_is_told_although_it_was_put_aside(self) -> None:
        fair = Fair(dead_between(0, MINUTE, "dead"))
        fair.writers = {"dead-last"}
        for number in range(20):
            fair.create(f"dead-{number}")
        fair.create("dead-last")
        fair.run(5)
        [(_, report)] = fair.reports
        assert (report.key.name, len(report.writes), report.settled.because) == ("dead-last", 1, None)

    def test_a_time_that_the_backend_names_is_kept(self) -> None:
        reply = HttpReply(status=429, body=b"40")
        fair = Fair(lambda name, now: (LATENCY, reply if now < 30 * SECOND else OK))
        for number in range(100):
            fair.create(f"busy-{number}")
        fair.run(41, until=lambda: len(fair.calls) > 32)
        assert fair.calls[32][0] >= 40 * SECOND
        fair.run(10, until=lambda: settled(fair, "busy") == 100)
        assert settled(fair, "busy") == 100

    def test_the_stores_own_pass_is_the_first_probe(self) -> None:
        fair = Fair(dead_between(0, 100 * SECOND, "dead"))
        for number in range(50):
            fair.create(f"dead-{number}")
        fair.run(35)
        fair.create("dead-store", SECRET_STORE)
        fair.run(1)
        store = Ref(SECRET_STORE, "ns", "dead-store")
        assert store not in fair.synced
        fair.run(90, until=lambda: bool(fair.synced))
        assert store in fair.synced


class TestWave:
    """New objects do not wait behind refreshes that are all due at once."""

    def test_latency(self) -> None:
        fair = Fair(lambda name, now: (LATENCY, OK))
        for number in range(3000):
            fair.engine.queue.add(Ref(CONFIG_MAP, "ns", f"old-{number}"), fair.mono, Reason.REFRESH)
        begin = fair.mono
        refs = created(fair, "new", 50, 20)
        fair.run(10)
        assert settled(fair, "old") == 3000
        assert max(latencies(fair, refs, begin, 20)) < 400 * MILLISECOND

    def test_a_wave_at_a_slow_store_is_put_aside_once_at_most(self) -> None:
        fair = Fair(lambda name, now: (10 * LATENCY, OK))
        for number in range(2000):
            fair.engine.queue.add(Ref(CONFIG_MAP, "ns", f"slow-{number}"), fair.mono, Reason.REFRESH)
        fair.run(20, until=lambda: settled(fair, "slow") == 2000)
        assert settled(fair, "slow") == 2000
        assert fair.mono < 1.3 * 2000 / 32 * 10 * LATENCY  # the store is kept busy
        assert max(fair.passes.values()) == 2
