"""Ten thousand schedules in four parts, from a fixed first seed on, and every seed that has failed once on this generator."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sim.coverage import missing
from tests.sim.run import Tally, run, uncollected

FIRST = 1_000_000
PARTS, RUNS = 4, 2500  # 4 * 2500 = 10,000; several items, so that workers share them
TALLY = Tally()  # of the parts that ran in this process
DONE: set[int] = set()
SEEDS = Path(__file__).with_name("seeds.txt")


def kept_seeds() -> list[int]:
    """One seed a line; what follows ``#`` says what it found."""
    lines = (line.partition("#")[0].strip() for line in SEEDS.read_text().splitlines())
    return [int(line) for line in lines if line]


def replay(seed: int) -> str:
    return f"replay with: make sim SEED={seed}"


@pytest.mark.parametrize("seed", kept_seeds())
def test_a_seed_that_failed_once_passes(seed: int) -> None:
    result = run(seed)
    assert not result.fault, f"{result.fault}\n{replay(seed)}"


@pytest.mark.parametrize("part", range(PARTS))
def test_schedules(part: int, record_property: pytest.RecordProperty) -> None:
    began = time.perf_counter()
    with uncollected():
        for seed in range(FIRST + part * RUNS, FIRST + (part + 1) * RUNS):
            result = run(seed)
            assert not result.fault, f"seed {seed}: {result.fault}\n{replay(seed)}"
            TALLY.add(result)
    DONE.add(part)
    record_property("schedules", RUNS)
    print(f"{RUNS} schedules, {RUNS / (time.perf_counter() - began):.1f} a second")


def test_every_fault_act_and_crash_has_mattered() -> None:
    """Rare ones matter some ten times in ten thousand schedules; in fewer, which is what a worker may have run, nothing is said."""
    assert len(DONE) < PARTS or missing(TALLY.totals) == []


def test_a_seed_is_one_schedule_in_every_process() -> None:
    """The order of sets of text differs from process to process; no schedule may depend on it."""
    traces = {_trace_in_process(seed=6, hash_seed=hash_seed) for hash_seed in ("1", "2")}
    assert len(traces) == 1


def _trace_in_process(seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.sim", "--seed", str(seed)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True)
    return done.stdout
