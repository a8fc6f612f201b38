"""``python -m tests.sim``: one seed with its trace, or many in a row.

--seed N                    replay one run, and print everything that happens
--runs N [--start S]        N runs from seed S on (1)
--jobs J                    in J processes
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.sim.run import Result, run


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
    """Run all seeds; print each violation and the totals."""
    began = time.perf_counter()
    totals: Counter[str] = Counter()
    most = failed = 0
    for result in results(seeds, jobs):
        totals.update(result.totals)
        most = max(most, result.totals.get("passes to settle", 0))
        if result.fault:
            failed += 1
            print(f"seed {result.seed}: {result.fault[:600]}\n    make sim SEED={result.seed}", flush=True)
    length = time.perf_counter() - began
    del totals["passes to settle"]
    print(f"{len(seeds)} runs, {failed} failed, {length:.1f} s, {len(seeds) / length:.1f} runs/s; at most {most} passes to settle")
    print(", ".join(f"{n} {name}" for name, n in sorted(totals.items())))
    return 1 if failed else 0


def results(seeds: Iterable[int], jobs: int) -> Iterator[Result]:
    """The results, in order."""
    if jobs <= 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run, seeds, chunksize=20)


if __name__ == "__main__":
    sys.exit(main())
