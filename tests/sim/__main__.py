"""``python -m tests.sim``: one seed with its trace, or many in a row.

--seed N                    replay one run, and print everything that happens
--runs N [--start S]        N runs from seed S on (1)
--jobs J                    in J processes
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.sim.coverage import ENOUGH, missing, table
from tests.sim.run import Result, Tally, run, uncollected


def main() -> int:
    """0: no violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description="Simulate the whole operator.")
    parser.add_argument("--seed", type=int, help="replay one run with its trace")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--start", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    if asked.seed is not None:
        result = run(asked.seed, print)
        print(result.fault or "no violation", dict(result.totals))
        return 1 if result.fault else 0
    return many(range(asked.start, asked.start + asked.runs), asked.jobs)


def many(seeds: range, jobs: int) -> int:
    """Run all seeds; print each violation, what happened how often, and the rate."""
    began = time.perf_counter()
    tally = Tally()
    for result in results(seeds, jobs):
        tally.add(result)
        if result.fault:
            print(f"seed {result.seed}: {result.fault[:600]}\n    make sim SEED={result.seed}", flush=True)
    length = time.perf_counter() - began
    print(table(tally.totals))
    print(", ".join(f"at most {n} {name}" for name, n in sorted(tally.most.items())))
    print(f"{len(seeds)} runs, {tally.failed} failed, {length:.1f} s, {len(seeds) / length:.1f} runs/s")
    absent = missing(tally.totals) if len(seeds) >= ENOUGH else []
    if absent:
        print("never happened:", ", ".join(absent))
    return 1 if tally.failed or absent else 0


def results(seeds: Iterable[int], jobs: int) -> Iterator[Result]:
    """The results, in order."""
    if jobs <= 1:
        with uncollected():
            yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs, initializer=gc.disable) as pool:
        yield from pool.map(run, seeds, chunksize=20)


if __name__ == "__main__":
    sys.exit(main())
