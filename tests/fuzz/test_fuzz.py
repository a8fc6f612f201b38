"""The corpora are replayed, and gone on from for a moment."""

import resource

import pytest

from tests.fuzz.engine import CPU_MAX, GROWTH_MAX_KB, by_chance, mutated, seeds
from tests.fuzz.targets import TARGETS, TooSlow, timed


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_raises_hangs_or_grows(name: str) -> None:
    corpus, target = seeds(name), TARGETS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for raw in corpus:
        timed(target, raw, CPU_MAX)
    count = 0
    for raw, error in by_chance(lambda raw: timed(target, raw, CPU_MAX), corpus, seconds=2):
        assert error is None, raw
        count += 1
    assert count
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH_MAX_KB


def test_a_target_that_raises_is_found() -> None:
    def target(raw: bytes) -> None:
        raw.decode("ascii")

    found = [(raw, error) for raw, error in by_chance(target, [b"a"], seconds=0.1) if error is not None]
    assert found
    assert all(isinstance(error, UnicodeDecodeError) and not raw.isascii() for raw, error in found)


def test_a_target_that_takes_long_is_found() -> None:
    with pytest.raises(TooSlow):
        timed(lambda raw: sum(range(100_000)), b"", 1e-6)


def test_changes_are_the_same_for_the_same_seed() -> None:
    import random

    made = [[mutated([b"abc", b"{{.a}}"], random.Random(seed)) for seed in range(50)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 40
