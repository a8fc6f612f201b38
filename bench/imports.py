"""What the operator's start costs: of the import alone, and of the process without objects."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import scenario
from bench.burst import ROOT
from bench.objects import Json
from bench.subject import Command
from tests.e2e.harness.binaries import Binaries

_MODULES = ("eso_shell.app", "eso_shell.cli.main")
# Memory is read from /proc because ru_maxrss of a new process starts at its parent's.
_PROBE = """
import sys, time
%s
with open("/proc/self/status") as status:
    words = dict(line.split(":", 1) for line in status if ":" in line)
print(time.process_time(), int(words["VmRSS"].split()[0]) / 1024, len(sys.modules))
"""
_TIME = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Import:
    """Of one module in a new interpreter; the interpreter's own share included, and named apart."""

    module: str
    cpu_s: float  # the smallest of several
    rss_mb: float
    modules: int
    interpreter_cpu_s: float
    interpreter_rss_mb: float
    slowest: list[tuple[str, float]]  # module, milliseconds of its own


@dataclass(frozen=True, slots=True)
class Running:
    """The operator with a store and no objects."""

    start_cpu_s: float  # until it has found its store ready
    start_s: float
    idle_cpu_percent: float  # of a core, afterwards
    rss_mb: float
    rss_peak_mb: float


def default_module() -> str:
    return next(name for name in _MODULES if importlib.util.find_spec(name) is not None)


def measure(module: str, repeat: int, top: int) -> Import:
    """Raises `subprocess.CalledProcessError` when it cannot be imported."""
    with_it = [_probe(f"import {module}") for _ in range(repeat)]
    without = [_probe("") for _ in range(repeat)]
    cpu, rss, count = min(with_it)
    return Import(module, cpu, rss, int(count), min(without)[0], min(without)[1], _slowest(module, top))


def measure_running(command: Command, idle_s: float, binaries: Binaries, crds: Sequence[Json], say: Callable[[str], None]) -> Running:
    with tempfile.TemporaryDirectory(prefix="eso-bench-") as folder:
        log = Path(folder) / "operator.log"
        with scenario.stage(command, scenario.Setting(), binaries, crds, log, say) as on:
            on.subject.start()
            on.wait_for_stores()
            start_s, start = time.monotonic() - on.subject.started_at, on.subject.usage()
            time.sleep(2)
            before, at = on.subject.usage(), time.monotonic()
            time.sleep(idle_s)
            after = on.subject.usage()
            share = 100 * (after.cpu_s - before.cpu_s) / (time.monotonic() - at)
            return Running(start.cpu_s, start_s, share, after.rss_mb, after.rss_peak_mb)


def exceeded(imported: Import, running: Running | None, max_import_s: float | None, max_rss_mb: float | None) -> list[str]:
    """One line for each budget that is."""
    found = []
    if max_import_s is not None and imported.cpu_s > max_import_s:
        found.append(f"importing {imported.module} takes {imported.cpu_s:.2f} s of CPU, more than {max_import_s:g}")
    for what, rss in ((f"importing {imported.module}", imported.rss_mb), ("the running operator", running.rss_mb if running else 0.0)):
        if max_rss_mb is not None and rss > max_rss_mb:
            found.append(f"{what} takes {rss:.0f} MB, more than {max_rss_mb:g}")
    return found


def as_json(imported: Import, running: Running | None) -> str:
    return json.dumps(
        {"schema": "eso-bench-imports/1", "import": asdict(imported), "running": asdict(running) if running else None}, indent=2
    )


def as_table(imported: Import, running: Running | None) -> str:
    lines = [
        f"import {imported.module}",
        f"  CPU, s            {imported.cpu_s:8.2f}   of which the interpreter {imported.interpreter_cpu_s:.2f}",
        f"  RSS, MB           {imported.rss_mb:8.0f}   of which the interpreter {imported.interpreter_rss_mb:.0f}",
        f"  modules           {imported.modules:8d}",
    ]
    if imported.slowest:
        lines += ["", "slowest modules, ms of their own", *(f"  {milliseconds:8.1f}  {name}" for name, milliseconds in imported.slowest)]
    if running is not None:
        lines += [
            "",
            "running, no objects",
            f"  start CPU, s      {running.start_cpu_s:8.2f}",
            f"  store ready, s    {running.start_s:8.2f}",
            f"  RSS, MB           {running.rss_mb:8.0f}   at the peak {running.rss_peak_mb:.0f}",
            f"  idle CPU, %       {running.idle_cpu_percent:8.2f}",
        ]
    return "\n".join(lines)


def _probe(statement: str) -> tuple[float, float, float]:
    done = subprocess.run([sys.executable, "-c", _PROBE % statement], check=True, capture_output=True, text=True, cwd=ROOT)
    cpu, rss, count = map(float, done.stdout.split())
    return cpu, rss, count


def _slowest(module: str, top: int) -> list[tuple[str, float]]:
    argv = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    told = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=ROOT).stderr
    own = [(name, int(microseconds) / 1000) for microseconds, name in _TIME.findall(told)]
    return sorted(own, key=lambda each: -each[1])[:top]
