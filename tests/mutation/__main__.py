"""``python -m tests.mutation``: change the decisions in one place at a time, and see whether a test fails.

--files PATH …          source files (all stages and flows)
--tests PATH …          tests (those of the stages and flows, their laws, the scenarios)
--sample N [--seed S]   N mutants at random, from a fixed seed (all)
--jobs J                mutants at a time (1)
--simulate N            run the first N simulated schedules, too, before a mutant counts as survived (0)

Mutants that change nothing are listed in ``equivalent.txt`` with the reason, one a line; they are not run. Exit code 1: the share of
killed mutants is less than ``--at-least`` (85 percent).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.mutation.changes import Mutant, mutants
from tests.mutation.session import Fate, Plugin

ROOT = Path(__file__).parents[2]
FILES = sorted(path.relative_to(ROOT) for part in ("stages", "flows") for path in (ROOT / "src" / "eso_core" / part).glob("[!_]*.py"))
LAWS = ("due", "decision", "convergence", "roundtrip")
TESTS = [
    "tests/unit/stages",
    "tests/unit/flows",
    "tests/unit/core/test_target.py",
    "tests/scenarios",
    *(f"tests/property/test_laws_{law}.py" for law in LAWS),
    "tests/property/test_redaction.py",
]
EQUIVALENT = Path(__file__).with_name("equivalent.txt")


def equivalents() -> dict[str, str]:
    """Key of a mutant -> why it changes nothing."""
    lines = (line for line in EQUIVALENT.read_text(encoding="utf-8").splitlines() if line and not line.startswith("# "))
    return {key: reason for key, _, reason in (line.partition("  # ") for line in lines)}


class Tally:
    """The fates so far."""

    def __init__(self) -> None:
        self.fates: dict[Path, Counter[Fate]] = defaultdict(Counter)

    def add(self, mutant: Mutant, fate: Fate) -> None:
        self.fates[mutant.path][fate] += 1
        if fate is not Fate.KILLED:
            print(f"{fate.value}: {mutant}", flush=True)

    def share(self, counts: Counter[Fate]) -> float:
        """Percent of mutants that did not survive."""
        return 100 * (1 - counts[Fate.SURVIVED] / counts.total()) if counts.total() else 100.0

    def line(self, name: str, counts: Counter[Fate]) -> str:
        told = ", ".join(f"{counts[fate]} {fate.value}" for fate in Fate)
        return f"{name}: {counts.total()} mutants, {told}, {self.share(counts):.1f} %"

    def show(self, length: float, left_out: int) -> None:
        for path in sorted(self.fates):
            print(self.line(str(path), self.fates[path]))
        print(self.line("all", self.all), f"in {length:.0f} s, {left_out} equivalent left out")

    @property
    def all(self) -> Counter[Fate]:
        return sum(self.fates.values(), Counter())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Mutation testing of the decisions.")
    parser.add_argument("--files", nargs="+", type=Path, default=FILES)
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--simulate", type=int, default=0)
    parser.add_argument("--at-least", type=float, default=85.0)
    asked = parser.parse_args()
    made = [mutant for path in asked.files for mutant in mutants(path)]
    known = equivalents()
    chosen = [mutant for mutant in made if mutant.key not in known]
    if asked.sample is not None and asked.sample < len(chosen):
        chosen = random.Random(asked.seed).sample(chosen, asked.sample)
    tally = Tally()
    plugin = Plugin(chosen, asked.jobs, asked.simulate, tally.add)
    began = time.perf_counter()
    code = pytest.main(
        ["-q", "--assert=plain", "-p", "no:xdist", "-p", "no:cacheprovider", "--no-header", "--no-summary", *asked.tests], [plugin]
    )
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return 2
    for name, why in plugin.baseline.failed.items():
        print(f"left out, fails without any change: {name}: {why.splitlines()[-1]}")
    tally.show(time.perf_counter() - began, len(made) - len([mutant for mutant in made if mutant.key not in known]))
    return 0 if tally.share(tally.all) >= asked.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
