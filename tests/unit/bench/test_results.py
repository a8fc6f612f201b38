"""Figures, their JSON document, their table."""

from pathlib import Path

import pytest

from bench import results
from bench.results import Cold, Idle, Percentiles, Phase, Restart, Run, Spent, arrival, percentiles


def _spent(**other: object) -> Spent:
    values: dict[str, object] = {
        "seconds": 2.0,
        "api_calls": 300,
        "api_writes": 200,
        "api_calls_by_kind": {"POST secrets": 100, "LIST secrets": 0},
        "events": 100,
        "backend_calls": {"data": 100, "lookup-self": 1},
        "backend_in_flight_max": 32,
        "operator_cpu_s": 0.123456,
        "rss_mb": 60.0,
        "rss_peak_mb": 70.0,
        "apiserver_cpu_s": 1.0,
        "bench_cpu_s": 0.1,
        "bench_lag_ms_max": 3.0,
        "others_cpu_cores": 0.01,
        **other,
    }
    return Spent(**values)  # type: ignore[arg-type]


def _cold(**other: object) -> Cold:
    values: dict[str, object] = {
        "arrival": arrival(100, [1.0 + 0.01 * number for number in range(100)], 0.0),
        "startup_s": 1.0,
        "startup_cpu_s": 0.5,
        "cpu_ms_per_object": 1.25,
        "api_calls_per_object": 3.0,
        "backend_calls_per_object": 1.01,
        "spent": _spent(),
        **other,
    }
    return Cold(**values)  # type: ignore[arg-type]


def _run(operator: str, **phases: Phase) -> Run:
    return Run(operator=operator, command="{python} x", objects=100, mode="preloaded", phases=phases)


def test_percentiles_are_nearest_ranks_in_milliseconds() -> None:
    assert percentiles(number / 1000 for number in range(1, 101)) == Percentiles(50, 90, 99, 100)
    assert percentiles([0.25]) == Percentiles(250, 250, 250, 250)
    assert percentiles([]) is None


def test_a_steady_arrival_is_equal_in_all_quarters() -> None:
    came = arrival(400, [5 + number / 100 for number in range(401)], 3.0)
    assert (came.first_s, came.all_s) == pytest.approx((2.0, 6.0))
    assert came.per_s == pytest.approx(401 / 6)
    assert came.per_s_after_first == pytest.approx(100)
    assert came.per_s_by_quarter == pytest.approx([100, 100, 100, 100])


def test_none_and_one_arrive() -> None:
    assert arrival(5, [], 1.0).arrived == 0
    assert arrival(1, [2.0], 1.0).per_s == 1.0


def test_a_document_is_saved_rounded_and_read_again(tmp_path: Path) -> None:
    found = results.document([_run("eso", cold=_cold())], {"objects": (100,)})
    assert found["schema"] == "eso-bench/1"
    assert found["runs"][0]["phases"]["cold"]["spent"]["operator_cpu_s"] == 0.123
    assert results.load(results.save(found, tmp_path / "new", "a")) == found


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"schema": "other"}')
    with pytest.raises(ValueError, match="no result of this bench"):
        results.load(tmp_path / "x.json")


def test_the_table_has_a_column_a_run_and_only_measures_that_exist() -> None:
    restart = Restart(ready_s=None, secret_writes=0, status_writes=0, spent=_spent(backend_calls={"lookup-self": 1}))
    latency = {"create_per_s": 700.0, "create_to_secret_ms": Percentiles(10, 20, 30, 40)}
    runs = [_run("eso", cold=_cold(), idle=Idle(cpu_percent=0.5, spent=_spent()), restart=restart), _run("other", cold=_cold(**latency))]
    runs[1].failure = "90 of 100 arrived\nmore"
    lines = results.table(results.document(runs, {})["runs"]).splitlines()
    rows = {line[:34].strip(): line[34:].split() for line in lines}
    assert lines[0].split() == ["operator", "eso", "other"]
    assert _row(lines, "objects per second") == ["50", "50"]
    assert _row(lines, "create -> Secret p99, ms") == ["-", "30"]
    assert _row(lines, "  POST secrets") == ["1.00", "1.00"]
    assert _row(lines, "backend reads of secrets") == ["0", "-"]
    assert "LIST secrets" not in rows
    assert not any("probe says ready" in line or "annotated" in line for line in lines)
    assert lines[-1] == "other, 100 preloaded: ended early: 90 of 100 arrived"


def _row(lines: list[str], label: str) -> list[str]:
    [line] = [each for each in lines if each.startswith(f"{label}  ")]
    return line.removeprefix(label).split()
