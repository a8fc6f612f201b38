"""What a run found: plain dataclasses, their JSON document and a table for people. ``docs/bench.md`` describes every field."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

SCHEMA = "eso-bench/1"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds, nearest rank."""

    p50: float
    p90: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a phase cost, from its first to its last reading."""

    seconds: float
    api_calls: int  # of the operator, exact
    api_writes: int
    api_calls_by_kind: dict[str, int]
    events: int
    backend_calls: dict[str, int]
    backend_in_flight_max: int  # since the stub was started
    operator_cpu_s: float
    rss_mb: float  # at the end
    rss_peak_mb: float  # since the operator process was started
    apiserver_cpu_s: float
    bench_cpu_s: float
    bench_lag_ms_max: float  # by which the bench's watches were late at worst; latencies are no more exact than this
    others_cpu_cores: float  # used by processes that are no part of the run: a quiet machine shows about 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How a wave of objects came in."""

    objects: int
    arrived: int
    first_s: float  # from the first possible moment
    all_s: float
    per_s: float  # arrived / all_s
    per_s_after_first: float
    per_s_by_quarter: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cold:
    """New objects."""

    arrival: Arrival
    startup_s: float  # to the first object; 0 in `created` mode
    startup_cpu_s: float
    cpu_ms_per_object: float  # without the start
    api_calls_per_object: float
    backend_calls_per_object: float
    create_per_s: float | None = None  # `created` mode only, as are the latencies
    create_to_secret_ms: Percentiles | None = None
    create_to_ready_ms: Percentiles | None = None
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Nothing happens."""

    cpu_percent: float  # of one core
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """On a settled cluster."""

    ready_s: float | None  # until its probe says ready; None without a probe
    secret_writes: int
    status_writes: int
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """Of all objects at once: overdue when the operator starts (`refresh`), or annotated (`force`)."""

    arrival: Arrival
    startup_cpu_s: float  # 0 in `force`
    secret_changes: int
    cpu_ms_per_object: float
    api_calls_per_object: float
    backend_calls_per_object: float
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """New objects at a steady rate while the others refresh when they are due."""

    arrival: Arrival
    create_per_s: float
    create_to_secret_ms: Percentiles | None
    create_to_ready_ms: Percentiles | None
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Waved:
    """New objects at a steady rate while all others are overdue."""

    arrival: Arrival  # of the new ones
    during: int  # of them, created while others were still overdue; the latencies are of these
    refreshed: Arrival
    create_per_s: float
    create_to_secret_ms: Percentiles | None
    create_to_ready_ms: Percentiles | None
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackhole:
    """New objects of a healthy store, without and beside as many of a store that does not answer; then that one answers again."""

    arrival: Arrival  # of the healthy ones beside it
    create_per_s: float
    alone_to_secret_ms: Percentiles | None
    create_to_secret_ms: Percentiles | None  # beside it
    p99_ratio: float  # beside / alone
    hung_calls: int  # that were not answered
    hung_s: float  # for how long it did not answer
    back: Arrival  # of its own objects, from the moment at which it answers
    spent: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Many stores: how their validations are spread, and new objects of healthy ones without and beside dead ones."""

    arrival: Arrival  # of the healthy ones beside the dead stores
    watched_s: float
    validations: int  # while nothing else happened
    validations_per_s_max: float  # in the busiest second
    idle_rss_mb: float
    dead_stores: int
    alone_to_secret_ms: Percentiles | None
    create_to_secret_ms: Percentiles | None  # beside the dead stores
    p99_ratio: float  # beside / alone
    hung_calls: int
    spent: Spent


Phase = Stores | Cold | Idle | Restart | Refresh | Beside | Waved | Blackhole


@dataclass(slots=True, kw_only=True)
class Run:
    """One operator, one number of objects, one control plane of its own."""

    operator: str
    command: str
    objects: int
    mode: str
    phases: dict[str, Phase] = field(default_factory=dict)
    failure: str = ""  # why it ended early


def percentiles(seconds: Iterable[float]) -> Percentiles | None:
    """None of nothing."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    p50, p90, p99 = (ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1000 for share in (0.5, 0.9, 0.99))
    return Percentiles(p50, p90, p99, ordered[-1] * 1000)


def arrival(objects: int, times: Sequence[float], begin: float) -> Arrival:
    """`begin` is the first possible moment, on the clock of `times`."""
    ordered = sorted(times)
    if not ordered:
        return Arrival(objects=objects, arrived=0, first_s=0.0, all_s=0.0, per_s=0.0, per_s_after_first=0.0, per_s_by_quarter=[])
    edges = [ordered[round(part * (len(ordered) - 1) / 4)] for part in range(5)]
    return Arrival(
        objects=objects,
        arrived=len(ordered),
        first_s=ordered[0] - begin,
        all_s=ordered[-1] - begin,
        per_s=_rate(len(ordered), ordered[-1] - begin),
        per_s_after_first=_rate(len(ordered) - 1, ordered[-1] - ordered[0]),
        per_s_by_quarter=[_rate((len(ordered) - 1) / 4, after - before) for before, after in pairwise(edges)],
    )


def _rate(count: float, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0


# ---------------------------------------------------------------- JSON


def document(runs: Sequence[Run], setting: Mapping[str, object]) -> Json:
    """Numbers have three digits behind the point."""
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "platform": f"{sys.platform}-{platform.machine()}"}
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    whole: Json = {"schema": SCHEMA, "at": at, "machine": machine, "setting": dict(setting), "runs": [asdict(run) for run in runs]}
    rounded: Json = _rounded(whole)
    return rounded


def save(found: Json, folder: Path, stem: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.json"
    path.write_text(json.dumps(found, indent=2) + "\n")
    return path


def load(path: Path) -> Json:
    """Raises ValueError when it is no result."""
    found = json.loads(path.read_text())
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise ValueError(f"{path} is no result of this bench ({SCHEMA})")
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value


# ---------------------------------------------------------------- table

_Row = tuple[str, str, str]  # label, where, format: what str.format takes, or "list"

_REFRESH: tuple[_Row, ...] = (
    ("objects refreshed", "arrival.arrived", "{:,d}"),
    ("all refreshed after, s", "arrival.all_s", "{:,.1f}"),
    ("objects per second", "arrival.per_s", "{:,.0f}"),
    ("  from the first on", "arrival.per_s_after_first", "{:,.0f}"),
    ("  by quarter", "arrival.per_s_by_quarter", "list"),
    ("operator CPU per object, ms", "cpu_ms_per_object", "{:.2f}"),
    ("peak RSS, MB", "spent.rss_peak_mb", "{:,.0f}"),
    ("API calls per object", "api_calls_per_object", "{:.2f}"),
    ("  ", "spent.api_calls_by_kind", "kinds"),
    ("backend calls per object", "backend_calls_per_object", "{:.2f}"),
    ("Secrets changed", "secret_changes", "{:,d}"),
    ("other processes, cores", "spent.others_cpu_cores", "{:.2f}"),
)

_TABLE: tuple[tuple[str, str, tuple[_Row, ...]], ...] = (
    (
        "cold",
        "Cold start",
        (
            ("objects ready", "arrival.arrived", "{:,d}"),
            ("all ready after, s", "arrival.all_s", "{:,.1f}"),
            ("objects per second", "arrival.per_s", "{:,.0f}"),
            ("  from the first on", "arrival.per_s_after_first", "{:,.0f}"),
            ("  by quarter", "arrival.per_s_by_quarter", "list"),
            ("created per second", "create_per_s", "{:,.0f}"),
            ("create -> Secret p50, ms", "create_to_secret_ms.p50", "{:,.0f}"),
            ("create -> Secret p99, ms", "create_to_secret_ms.p99", "{:,.0f}"),
            ("start to first object, s", "startup_s", "{:.2f}"),
            ("start CPU, s", "startup_cpu_s", "{:.2f}"),
            ("operator CPU per object, ms", "cpu_ms_per_object", "{:.2f}"),
            ("peak RSS, MB", "spent.rss_peak_mb", "{:,.0f}"),
            ("API calls per object", "api_calls_per_object", "{:.2f}"),
            ("  ", "spent.api_calls_by_kind", "kinds"),
            ("backend calls per object", "backend_calls_per_object", "{:.2f}"),
            ("backend calls at once, most", "spent.backend_in_flight_max", "{:,d}"),
            ("the bench was late by, ms at most", "spent.bench_lag_ms_max", "{:,.0f}"),
            ("other processes, cores", "spent.others_cpu_cores", "{:.2f}"),
        ),
    ),
    (
        "idle",
        "Idle",
        (
            ("seconds", "spent.seconds", "{:.0f}"),
            ("API calls", "spent.api_calls", "{:,d}"),
            ("backend calls", "spent.backend_calls", "total"),
            ("CPU, % of a core", "cpu_percent", "{:.2f}"),
            ("RSS, MB", "spent.rss_mb", "{:,.0f}"),
        ),
    ),
    (
        "restart",
        "Restart on a settled cluster",
        (
            ("probe says ready after, s", "ready_s", "{:.2f}"),
            ("API calls", "spent.api_calls", "{:,d}"),
            ("writes of Secrets", "secret_writes", "{:,d}"),
            ("writes of status", "status_writes", "{:,d}"),
            ("all writes", "spent.api_writes", "{:,d}"),
            ("backend reads of secrets", "spent.backend_calls.data", "{:,d}"),
            ("backend calls", "spent.backend_calls", "total"),
            ("CPU, s", "spent.operator_cpu_s", "{:.2f}"),
            ("peak RSS, MB", "spent.rss_peak_mb", "{:,.0f}"),
        ),
    ),
    ("refresh", "Start when all are overdue", _REFRESH),
    ("force", "All are annotated", _REFRESH),
    (
        "beside",
        "New objects while the others refresh",
        (
            ("objects ready", "arrival.arrived", "{:,d}"),
            ("created per second", "create_per_s", "{:,.0f}"),
            ("create -> Secret p50, ms", "create_to_secret_ms.p50", "{:,.0f}"),
            ("create -> Secret p99, ms", "create_to_secret_ms.p99", "{:,.0f}"),
            ("create -> Ready p99, ms", "create_to_ready_ms.p99", "{:,.0f}"),
            ("backend calls", "spent.backend_calls", "total"),
            ("the bench was late by, ms at most", "spent.bench_lag_ms_max", "{:,.0f}"),
            ("other processes, cores", "spent.others_cpu_cores", "{:.2f}"),
        ),
    ),
    (
        "wave",
        "New objects while all others are overdue",
        (
            ("objects ready", "arrival.arrived", "{:,d}"),
            ("created per second", "create_per_s", "{:,.0f}"),
            ("created while others were overdue", "during", "{:,d}"),
            ("create -> Secret p50, ms", "create_to_secret_ms.p50", "{:,.0f}"),
            ("create -> Secret p99, ms", "create_to_secret_ms.p99", "{:,.0f}"),
            ("create -> Ready p99, ms", "create_to_ready_ms.p99", "{:,.0f}"),
            ("others refreshed", "refreshed.arrived", "{:,d}"),
            ("  all after, s", "refreshed.all_s", "{:,.1f}"),
            ("  per second, from the first on", "refreshed.per_s_after_first", "{:,.0f}"),
            ("the bench was late by, ms at most", "spent.bench_lag_ms_max", "{:,.0f}"),
            ("other processes, cores", "spent.others_cpu_cores", "{:.2f}"),
        ),
    ),
    (
        "stores",
        "Many stores",
        (
            ("watched, s", "watched_s", "{:.0f}"),
            ("validations", "validations", "{:,d}"),
            ("  in the busiest second", "validations_per_s_max", "{:,.0f}"),
            ("idle RSS, MB", "idle_rss_mb", "{:,.0f}"),
            ("dead stores", "dead_stores", "{:,d}"),
            ("create -> Secret p50, ms, without them", "alone_to_secret_ms.p50", "{:,.0f}"),
            ("create -> Secret p99, ms, without them", "alone_to_secret_ms.p99", "{:,.0f}"),
            ("create -> Secret p50, ms, beside them", "create_to_secret_ms.p50", "{:,.0f}"),
            ("create -> Secret p99, ms, beside them", "create_to_secret_ms.p99", "{:,.0f}"),
            ("  p99, beside / without", "p99_ratio", "{:.2f}"),
            ("calls that were not answered", "hung_calls", "{:,d}"),
            ("other processes, cores", "spent.others_cpu_cores", "{:.2f}"),
        ),
    ),
    (
        "blackhole",
        "Beside a store that does not answer",
        (
            ("objects ready", "arrival.arrived", "{:,d}"),
            ("created per second", "create_per_s", "{:,.0f}"),
            ("create -> Secret p50, ms, without it", "alone_to_secret_ms.p50", "{:,.0f}"),
            ("create -> Secret p99, ms, without it", "alone_to_secret_ms.p99", "{:,.0f}"),
            ("create -> Secret p50, ms, beside it", "create_to_secret_ms.p50", "{:,.0f}"),
            ("create -> Secret p99, ms, beside it", "create_to_secret_ms.p99", "{:,.0f}"),
            ("  p99, beside / without", "p99_ratio", "{:.2f}"),
            ("calls that were not answered", "hung_calls", "{:,d}"),
            ("  in, s", "hung_s", "{:.0f}"),
            ("its objects ready, once it answers", "back.arrived", "{:,d}"),
            ("  all after, s", "back.all_s", "{:,.1f}"),
            ("the bench was late by, ms at most", "spent.bench_lag_ms_max", "{:,.0f}"),
            ("other processes, cores", "spent.others_cpu_cores", "{:.2f}"),
        ),
    ),
)


def table(runs: Sequence[Json]) -> str:
    """One column a run, from the ``runs`` of one or more documents; a measure that no run has is left out."""
    grid: list[list[str]] = [["operator", *(str(run["operator"]) for run in runs)]]
    grid.append(["objects", *(f"{run['objects']:,d}" for run in runs)])
    grid.append(["mode", *(str(run["mode"]) for run in runs)])
    for name, title, rows in _TABLE:
        phases = [run["phases"].get(name) for run in runs]
        if any(phases):
            grid += [[""], [title], *(line for row in rows for line in _lines(row, phases, [run["objects"] for run in runs]))]
    for run in runs:
        if run["failure"]:
            grid += [[""], [f"{run['operator']}, {run['objects']:,d} {run['mode']}: ended early: {run['failure'].splitlines()[0]}"]]
    return _aligned(grid)


def _lines(row: _Row, phases: Sequence[Json | None], objects: Sequence[int]) -> list[list[str]]:
    label, where, form = row
    values = [_at(phase, where) for phase in phases]
    if form == "kinds":
        kinds = dict.fromkeys(kind for value in values if value for kind in value)
        counts = [[f"  {kind}", *(_per(value, kind, count) for value, count in zip(values, objects, strict=True))] for kind in kinds]
        return [line for line in counts if any(cell not in ("", "0.00") for cell in line[1:])]
    if all(value is None for value in values):
        return []
    return [[label, *(_cell(value, form) for value in values)]]


def _per(value: Json | None, kind: str, objects: int) -> str:
    return "" if value is None else f"{value.get(kind, 0) / objects:.2f}"


def _cell(value: Any, form: str) -> str:
    if value is None:
        return "-"
    if form == "list":
        return " ".join(f"{each:,.0f}" for each in value)
    if form == "total":
        return f"{sum(value.values()):,d}"
    return form.format(value)


def _at(phase: Json | None, where: str) -> Any:
    found: Any = phase
    for name in where.split("."):
        if found is None:
            return None
        found = found.get(name, 0 if where.startswith("spent.backend_calls.") else None)
    return found


def _aligned(grid: Sequence[Sequence[str]]) -> str:
    columns = max(len(row) for row in grid)
    widths = [max((len(row[column]) for row in grid if len(row) > max(1, column)), default=0) for column in range(columns)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=False))]).rstrip()
        for row in grid
    )
