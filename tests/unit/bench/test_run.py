"""The whole bench against a real API server, with the bare client in the place of an operator."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.subject import BARE
from tests.e2e.harness.binaries import BinariesUnavailable, find_or_build

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def _control_plane() -> None:
    """Missing binaries skip on a user's machine and fail in CI."""
    try:
        find_or_build()
    except BinariesUnavailable as unavailable:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(unavailable))


def test_every_phase_with_a_small_operator(tmp_path: Path) -> None:
    count, beside = 30, 5
    words = {
        "--operator": f"{BARE} --watch",
        "--operator-name": "small",
        "--objects": count,
        "--phases": "idle,restart,refresh,force,beside",
        "--idle-s": 1,
        "--beside-objects": beside,
        "--latency-ms": 1,
        "--out": tmp_path,
        "-o": "json",
    }
    argv = [sys.executable, "-m", "bench", *(str(part) for pair in words.items() for part in pair)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    preloaded, created = json.loads(done.stdout)["runs"]

    assert list(preloaded["phases"]) == ["cold", "idle", "restart", "refresh", "force", "beside"]
    assert list(created["phases"]) == ["cold"]
    for run in (preloaded, created):
        cold = run["phases"]["cold"]
        assert cold["arrival"]["arrived"] == count
        made = cold["spent"]["api_calls_by_kind"]
        assert [made[kind] for kind in ("POST secrets", "PATCH externalsecrets/status", "POST events")] == [count] * 3
        assert "POST externalsecrets" not in made
        assert cold["spent"]["backend_calls"] == {"data": count}
        assert cold["spent"]["operator_cpu_s"] > 0
    assert created["phases"]["cold"]["create_to_secret_ms"]["p99"] > 0

    phases = preloaded["phases"]
    assert phases["idle"]["spent"]["api_calls"] == 0
    assert phases["idle"]["spent"]["backend_calls"] == {}
    assert (phases["restart"]["secret_writes"], phases["restart"]["spent"]["backend_calls"]) == (0, {})
    for name in ("refresh", "force"):
        assert phases[name]["arrival"]["arrived"] == count
        assert phases[name]["secret_changes"] == 0
        assert phases[name]["spent"]["backend_calls"] == {"data": count}
    assert phases["beside"]["arrival"]["arrived"] == beside
    assert next(tmp_path.glob("*-small.json")).exists()


def test_an_operator_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    words = ["--operator", "{python} -c pass", "--objects", "3", "--mode", "preloaded", "--phases", "cold", "--out", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "bench", *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "ended by itself" in done.stderr
