"""CPU and memory of a process tree."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import proc


def _add(root: Path, pid: int, parent: int, ticks: tuple[int, int, int, int], kb: tuple[int, int], name: str = "x") -> None:
    folder = root / str(pid)
    folder.mkdir()
    before = ["S", str(parent), *["0"] * 9]
    (folder / "stat").write_text(f"{pid} ({name}) " + " ".join([*before, *map(str, ticks), *["0"] * 5]))
    (folder / "status").write_text(f"Name:\t{name}\nVmHWM:\t  {kb[1]} kB\nVmRSS:\t  {kb[0]} kB\n")


def test_a_tree_is_summed_and_strangers_are_not(tmp_path: Path) -> None:
    _add(tmp_path, 10, 1, (100, 50, 30, 20), (1024, 2048), name="odd ) name (")
    _add(tmp_path, 11, 10, (10, 0, 0, 0), (1024, 1024))
    _add(tmp_path, 12, 11, (5, 5, 0, 0), (0, 1024))
    _add(tmp_path, 13, 1, (999, 0, 0, 0), (9999, 9999))
    (tmp_path / "self").mkdir()
    found = proc.usage(10, tmp_path)
    assert found == proc.Usage(220 / proc.TICKS_PER_S, 2.0, 4.0)


def test_nothing_there_has_used_nothing(tmp_path: Path) -> None:
    assert proc.usage(None, tmp_path) == proc.usage(7, tmp_path) == proc.Usage()


def test_the_machine_counts_work_and_neither_idling_nor_guests_twice(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 20 30 5000 700 1 2 3 90 0\ncpu0 1 1 1 1\n")
    assert proc.machine_cpu_s(tmp_path) == pytest.approx(156 / proc.TICKS_PER_S)


def test_a_real_process() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = proc.usage(child.pid)
        child.communicate(b"\n")
    assert 0.15 <= found.cpu_s < 5
    assert 3 < found.rss_mb <= found.rss_peak_mb < 200


def test_own_time_grows() -> None:
    before = proc.own_cpu_s()
    end = time.process_time() + 0.05
    while time.process_time() < end:
        os.getpid()
    assert proc.own_cpu_s() > before
