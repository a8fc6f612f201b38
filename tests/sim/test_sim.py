"""As many schedules as fit, from a fixed first seed on, and every seed that has ever failed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from tests.sim.run import run

BUDGET_S = 45.0  # seconds for new schedules
FIRST = 1_000_000
RUNS_MIN = 100
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


def test_schedules(record_property: pytest.RecordProperty) -> None:
    began = time.perf_counter()
    for done in count():
        if done >= RUNS_MIN and time.perf_counter() - began > BUDGET_S:
            break
        result = run(FIRST + done)
        assert not result.fault, f"seed {FIRST + done}: {result.fault}\n{replay(FIRST + done)}"
    rate = done / (time.perf_counter() - began)
    record_property("schedules", done)
    print(f"{done} schedules, {rate:.1f} a second")


def test_a_seed_is_one_schedule_in_every_process() -> None:
    """The order of sets of text differs from process to process; no schedule may depend on it."""
    traces = {_trace_in_process(seed=6, hash_seed=hash_seed) for hash_seed in ("1", "2")}
    assert len(traces) == 1


def _trace_in_process(seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.sim", "--seed", str(seed)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True)
    return done.stdout
