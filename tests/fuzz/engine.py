"""The loop of the fuzzers: with ``atheris`` guided by coverage; without it, changes of the corpus by chance.

Options of ``python -m tests.fuzz.template`` and ``python -m tests.fuzz.readers``:

--seconds N     how long (60)
--corpus DIR    seeds, and where inputs that reach something new are kept (a directory of its own that starts from ``tests/fuzz/corpus``)
--findings DIR  where inputs that fail are kept (``fuzz-findings``)
--minimise DIR  instead: write the smallest inputs of the corpus that reach all lines and jumps it reaches to DIR

``atheris`` is not among the dependencies: ``uv pip install atheris``. Exit code 1 if anything was found.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

CORPUS = Path(__file__).with_name("corpus")
CPU_MAX = 0.5  # seconds that one input may take
CPU_MAX_TRACED = 4.0  # the same where every branch is counted
GROWTH_MAX_KB = 300_000  # what the process may grow by, caches included
SIZE_MAX = 8_192

Target = Callable[[bytes], None]


def seeds(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def mutated(corpus: list[bytes], chance: random.Random) -> bytes:
    """One input, or pieces of two, with a few changes."""
    raw = bytearray(chance.choice(corpus))
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(raw))
        match chance.randrange(5):
            case 0:
                del raw[at : at + chance.randint(1, 8)]
            case 1:
                raw[at:at] = bytes([chance.randrange(256)])
            case 2:
                other = chance.choice(corpus)
                start = chance.randint(0, len(other))
                raw[at:at] = other[start : start + chance.randint(1, 40)]
            case 3 if raw:
                raw[at % len(raw)] = chance.randrange(256)
            case _:
                raw[at:at] = raw[at : at + 16] * chance.randint(1, 20)
    return bytes(raw[:SIZE_MAX])


class Findings:
    """Inputs that failed, one for each place in the code."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.places: set[str] = set()

    def add(self, raw: bytes, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno}"
        if place in self.places:
            return
        self.places.add(place)
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / hashlib.sha256(raw).hexdigest()[:16]
        path.write_bytes(raw)
        print(f"FOUND {place}: {error!s:.200} ({path})", flush=True)


def by_chance(target: Target, corpus: list[bytes], seconds: float, seed: int = 0) -> Iterator[tuple[bytes, BaseException | None]]:
    """Runs changed inputs for ``seconds``: each with what it raised."""
    chance, end = random.Random(seed), time.monotonic() + seconds
    while time.monotonic() < end:
        raw = mutated(corpus, chance)
        try:
            target(raw)
        except Exception as error:
            yield raw, error
        else:
            yield raw, None


def arcs(target: Target, raw: bytes) -> set[tuple[str, int, int]]:
    """The steps from line to line within the core that an input takes."""
    taken: set[tuple[str, int, int]] = set()

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        path = frame.f_code.co_filename
        if "eso_core" not in path:
            return None
        last = frame.f_lineno

        def line(frame: FrameType, event: str, _: object) -> Callable[..., Any]:
            nonlocal last
            taken.add((path, last, frame.f_lineno))
            last = frame.f_lineno
            return line

        return line

    sys.settrace(trace)
    try:
        target(raw)
    finally:
        sys.settrace(None)
    return taken


def minimise(target: Target, corpus: Path, kept: Path) -> int:
    """How many inputs were kept: the shorter first, each that takes a step which none before it takes."""
    kept.mkdir(parents=True, exist_ok=True)
    known: set[tuple[str, int, int]] = set()
    count = 0
    for path in sorted(corpus.iterdir(), key=lambda path: (path.stat().st_size, path.name)):
        raw = path.read_bytes()
        new = arcs(target, raw) - known
        if new:
            known |= new
            count += 1
            (kept / path.name).write_bytes(raw)
    return count


def main(name: str) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--minimise", type=Path)
    options = parser.parse_args()
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    if not options.corpus:
        shutil.copytree(CORPUS / name, corpus, dirs_exist_ok=True)
    if options.minimise:
        print(minimise(importlib.import_module("tests.fuzz.targets").TARGETS[name], corpus, options.minimise))
        return
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print("no atheris: changes by chance, without coverage")
        sys.exit(_unguided(name, corpus, options.findings, options.seconds))
    with atheris.instrument_imports(include=["eso_core.template", "eso_core.compat"], enable_loader_override=False):
        targets = importlib.import_module("tests.fuzz.targets")
    findings, target, timed = Findings(options.findings), targets.TARGETS[name], targets.timed

    def once(raw: bytes) -> None:
        try:
            timed(target, raw, CPU_MAX_TRACED)
        except Exception as error:
            findings.add(raw, error)

    arguments = [sys.argv[0], f"-max_len={SIZE_MAX}", "-rss_limit_mb=3000", "-timeout=60", "-print_final_stats=1"]
    atheris.Setup([*arguments, f"-max_total_time={options.seconds}", str(corpus)], once)
    atheris.Fuzz()


def _unguided(name: str, corpus: Path, directory: Path, seconds: float) -> int:
    targets = importlib.import_module("tests.fuzz.targets")
    findings, before = Findings(directory), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    inputs = [path.read_bytes() for path in sorted(corpus.iterdir())]
    count = 0
    for raw, error in by_chance(lambda raw: targets.timed(targets.TARGETS[name], raw, CPU_MAX), inputs, seconds):
        count += 1
        if error is not None:
            findings.add(raw, error)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{count} inputs, {len(findings.places)} findings, {grown} KB more memory")
    return 1 if findings.places else 0
