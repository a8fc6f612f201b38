"""A pytest session that runs its tests once under a tracer, and then on mutants, each in a forked process.

The process that forks runs no test itself: it has everything imported and nothing remembered.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

from eso_core.api import parse_external_secret, parse_store
from tests.mutation.changes import Function, Mutant
from tests.mutation.install import forget, install, module_of

EXAMPLES = 15  # of each property test
PATIENCE = 8  # a mutant's tests may take this many times as long as on the original
PATIENCE_MIN_S = 5
MEMORY_MAX = 4 << 30  # bytes of address space of one mutant
NO_VERDICT = 3  # exit code of a process that came to none: an exception outside of the tests


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"


@dataclass
class Baseline:
    """Of every test, by index: the lines that it runs, by file, and its length in seconds.

    ``failed``: tests that fail without any change, and so say nothing of mutants.
    """

    names: list[str] = field(default_factory=list)
    lines: list[dict[str, list[int]]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def covering(self, mutant: Mutant) -> list[int]:
        """The tests that run a line of the mutant: those of the module's own test file first, then the quickest.

        A constant is everywhere in its file.
        """
        path, anywhere = str(mutant.path.resolve()), not isinstance(mutant.unit.node, Function)
        hit = [i for i, lines in enumerate(self.lines) if path in lines and (anywhere or not mutant.lines.isdisjoint(lines[path]))]
        return sorted(hit, key=lambda i: (f"test_{mutant.path.stem}" not in self.names[i], self.seconds[i]))


class Plugin:
    """Takes the place of pytest's loop over tests."""

    def __init__(self, mutants: Sequence[Mutant], jobs: int, seeds: int, tell: Callable[[Mutant, Fate], None]) -> None:
        self.mutants, self.jobs, self.seeds, self.tell = mutants, jobs, seeds, tell
        self.baseline = Baseline()

    def pytest_configure(self) -> None:
        """Few examples, always the same, and a failure at once; before any property is imported."""
        few = {"max_examples": EXAMPLES, "derandomize": True, "database": None, "phases": (Phase.explicit, Phase.generate)}
        settings.register_profile("mutation", parent=settings.default, deadline=None, **few)
        settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        parse_external_secret({})  # models are built when first used
        parse_store({"kind": "SecretStore"})
        parse_store({"kind": "ClusterSecretStore"})
        for mutant in self.mutants:
            module_of(mutant.path)
        gc.collect()
        gc.freeze()
        paths = frozenset(str(mutant.path.resolve()) for mutant in self.mutants)
        self.baseline = _measure(session.items, paths)
        self._judge(session.items)
        return True

    def _judge(self, items: list[pytest.Item]) -> None:
        self._control(items)
        running: dict[int, Mutant] = {}
        for mutant in self.mutants:
            while len(running) >= self.jobs:
                self._one_ends(running)
            running[self._start(mutant, items)] = mutant
        while running:
            self._one_ends(running)

    def _control(self, items: list[pytest.Item]) -> None:
        """A mutant without a change: it must survive, in the order and the kind of process that mutants run in."""
        passing = [i for i, item in enumerate(items) if item.nodeid not in self.baseline.failed]
        ordered = [items[i] for i in sorted(passing, key=self.baseline.seconds.__getitem__)]
        _, status = os.waitpid(_forked(lambda: 0 if all(_passes(ordered)) else 1), 0)
        if status:
            raise AssertionError("the tests depend on their order: they fail in another one")

    def _one_ends(self, running: dict[int, Mutant]) -> None:
        pid, status = os.waitpid(-1, 0)
        mutant, code = running.pop(pid), os.waitstatus_to_exitcode(status)
        if code == NO_VERDICT:
            raise AssertionError(f"cannot be tried: {mutant}")
        self.tell(mutant, {0: Fate.SURVIVED, -signal.SIGALRM: Fate.TIMED_OUT}.get(code, Fate.KILLED))

    def _start(self, mutant: Mutant, items: list[pytest.Item]) -> int:
        tests = self.baseline.covering(mutant)
        length = sum(self.baseline.seconds[i] for i in tests)

        def child() -> int:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE_MIN_S + int(PATIENCE * length) + self.seeds)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
            install(mutant)
            passed = all(_passes([items[i] for i in tests])) and (not tests or all(_simulated(self.seeds)))
            return 0 if passed else 1

        return _forked(child)


def _forked(child: Callable[[], int]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status, told = NO_VERDICT, os.dup(2)
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        status = child()
    except BaseException:
        os.write(told, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _passes(items: Sequence[pytest.Item]) -> Iterator[bool]:
    for item, following in zip(items, [*items[1:], None], strict=False):  # no items: one None
        yield not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _simulated(seeds: int) -> Iterator[bool]:
    if not seeds:
        return
    from tests.sim.run import run

    for seed in range(1, seeds + 1):
        yield not run(seed).fault


# ---------------------------------------------------------------- the baseline


def _measure(items: list[pytest.Item], paths: frozenset[str]) -> Baseline:
    """Every test once, in a process of its own; ``paths`` are the files whose lines count."""
    with tempfile.NamedTemporaryFile() as kept:

        def child() -> int:
            found = Baseline()
            for item, following in zip(items, [*items[1:], None], strict=True):
                forget()  # what one test has made must not spare another the lines
                began = time.perf_counter()
                lines: dict[str, set[int]] = {}
                with _Traced(paths, lines):
                    reports = runtestprotocol(item, log=False, nextitem=following)
                found.names.append(item.nodeid)
                found.seconds.append(time.perf_counter() - began)
                broken = [report.longreprtext[-500:] for report in reports if report.failed]
                found.failed |= {item.nodeid: broken[0]} if broken else {}
                found.lines.append({} if broken else {path: sorted(numbers) for path, numbers in lines.items()})
            Path(kept.name).write_text(json.dumps(vars(found)))
            return 0

        os.waitpid(_forked(child), 0)
        written = Path(kept.name).read_text()
        return Baseline(**json.loads(written)) if written else Baseline(failed={"all": "the tests did not come to an end"})


class _Traced:
    """Notes the lines that run while it is entered."""

    def __init__(self, paths: Iterable[str], lines: dict[str, set[int]]) -> None:
        self.paths, self.lines = frozenset(paths), lines

    def __enter__(self) -> None:
        sys.settrace(self._call)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        path = frame.f_code.co_filename
        if path not in self.paths:
            return None
        seen = self.lines.setdefault(path, set())
        seen.add(frame.f_lineno)

        def line(inner: FrameType, event: str, argument: Any) -> Any:
            seen.add(inner.f_lineno)
            return line

        return line
