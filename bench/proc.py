"""CPU and memory of a process with all its descendants, and of the machine, from ``/proc``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S: int = os.sysconf("SC_CLK_TCK")

# Positions in /proc/<pid>/stat behind the command name, which may itself contain blanks and brackets.
_PARENT, _OWN_AND_WAITED_FOR = 1, slice(11, 15)
# Positions in the first line of /proc/stat: guest time is part of user time, idle and iowait are not work.
_BUSY = (0, 1, 2, 5, 6, 7)


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process tree. All zero once it is gone."""

    cpu_s: float = 0.0  # user and system, since the root process started; children that have ended and were waited for included
    rss_mb: float = 0.0  # now
    rss_peak_mb: float = 0.0  # the sum of each living process's own peak


def usage(root: int | None, proc: Path = PROC) -> Usage:
    """What the tree under `root` has used."""
    if root is None:
        return Usage()
    ticks, now_kb, peak_kb = 0, 0, 0
    for pid in _tree(root, proc):
        fields = _stat(pid, proc)
        if fields is None:
            continue
        ticks += sum(map(int, fields[_OWN_AND_WAITED_FOR]))
        now, peak = _memory_kb(pid, proc)
        now_kb, peak_kb = now_kb + now, peak_kb + peak
    return Usage(ticks / TICKS_PER_S, now_kb / 1024, peak_kb / 1024)


def machine_cpu_s(proc: Path = PROC) -> float:
    """CPU seconds that all processes together have used since the machine started."""
    first = (proc / "stat").read_text().partition("\n")[0].split()[1:]
    return sum(int(first[each]) for each in _BUSY if each < len(first)) / TICKS_PER_S


def own_cpu_s() -> float:
    """This process, its threads and the children that it has waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _tree(root: int, proc: Path) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid in _pids(proc):
        fields = _stat(pid, proc)
        if fields is not None:
            children.setdefault(int(fields[_PARENT]), []).append(pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, ()))
    return found


def _pids(proc: Path) -> Iterable[int]:
    return (int(name) for name in os.listdir(proc) if name.isdecimal())


def _stat(pid: int, proc: Path) -> list[str] | None:
    try:
        text = (proc / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _memory_kb(pid: int, proc: Path) -> tuple[int, int]:
    """Resident now and at the peak; zeros for a process that has just ended."""
    try:
        lines = (proc / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0, 0
    words = dict(line.split(":", 1) for line in lines if ":" in line)
    return tuple(int(words.get(name, "0").split()[0]) for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]
