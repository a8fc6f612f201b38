"""What ``/metrics`` shows: the reference's names and labels, and a few of our own. ``docs/metrics.md`` is the list for people.

Three parts, by how they grow:

==============  =======================================  ===================================================
part            grows with                               kept as
==============  =======================================  ===================================================
rows            objects                                  one slotted row an object, written out when asked
tallies         label values of calls and passes         a bounded dictionary of numbers
distributions   nothing                                  ``prometheus_client`` histograms and process metrics
==============  =======================================  ===================================================

Gauges are functions that are called when somebody asks (:meth:`Metrics.gauge`).

Differences from the reference, all deliberate: the series of an object end with the object (the reference leaves the counters and a
``condition="Deleted"`` behind for ever); a failing ClusterSecretStore is reported as not ready; an object's labels cannot replace
``name`` and ``namespace``.

One owner: everything here runs on the event loop's thread.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from prometheus_client import CollectorRegistry, GCCollector, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import generate_latest

from eso_core.plan import Again, At, Backoff, Requeue, Settled
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET_STORE, Kind, Ref
from eso_shell.observe.exposition import Family, escape, pages

# By the value of the gauge's labels, when it has any: one value for all of them, or one for each.
Reading: TypeAlias = float | Mapping[str, float] | Mapping[tuple[str, ...], float]

EXTENDED_LABELS = ("component", "instance", "managed_by", "name", "part_of", "version")  # each behind "app_kubernetes_io_"
RESULTS = ("success", "error", "requeue", "requeue_after")
OTHER = "other"  # stands for label values beyond a tally's bound

GAUGES: tuple[Family, ...] = (
    Family("eso_queue_depth", "gauge", "Keys that are due and wait for their turn."),
    Family("eso_in_flight", "gauge", "Keys that are being reconciled."),
    Family("eso_oldest_overdue_seconds", "gauge", "How long the key that waits longest has been due."),
    Family("eso_overdue_by_class_seconds", "gauge", "The same for each class of the queue.", ("class",)),
    Family("eso_healthy", "gauge", "1 for each check of the live endpoint that is well, 0 for one that fails.", ("check",)),
    Family("eso_store_breaker_open", "gauge", "1 for a store whose backend is not asked for a while.", ("kind", "namespace", "name")),
    Family("eso_store_waiting_objects", "gauge", "Objects that are held back for a store's backend.", ("kind", "namespace", "name")),
    Family("eso_store_breakers_open", "gauge", "Identities whose backend is not asked for a while, of all stores."),
    Family("eso_watch_age_seconds", "gauge", "Time since the API server was last heard about a kind.", ("kind",)),
    Family("workqueue_depth", "gauge", "Keys that are due and wait for their turn.", ("controller", "name")),
    Family("controller_runtime_active_workers", "gauge", "Keys that are being reconciled.", ("controller",)),
)
_BY_NAME = {family.name: family for family in GAUGES}


class Observer(Protocol):
    """A distribution that takes observations."""

    def observe(self, amount: float) -> None:
        """Add one."""


class Tally:
    """A counter with labels, at most ``most`` different combinations of their values; what is beyond is counted as ``other``."""

    __slots__ = ("_counts", "_most", "family")

    def __init__(self, family: Family, most: int = 512) -> None:
        self.family = family
        self._most = most
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *values: str, by: int = 1) -> None:
        """Count; one value for each label."""
        counts = self._counts
        if values in counts:
            counts[values] += by
            return
        if len(counts) >= self._most:
            values = (OTHER,) * len(values)
        counts[values] = counts.get(values, 0) + by

    def render(self) -> Iterator[bytes]:
        """The family's text."""
        return pages(self.family, [self.family.line(values, count) for values, count in self._counts.items()])


@dataclass(slots=True, weakref_slot=False)
class _Row:
    """One object: 160 bytes. ``extra`` is the text of its extended labels, shared between objects that have the same."""

    extra: str = ""
    passes: int = 0
    errors: int = 0
    duration_ns: int = 0
    ready: bool | None = None


class Metrics:
    """All numbers of one process."""

    def __init__(self, *, extended: bool = False, process: bool = True) -> None:
        self._extended = extended
        self._rows: dict[str, dict[Ref, _Row]] = {}
        self._gauges: dict[str, Callable[[], Reading]] = {}
        self._registry = CollectorRegistry()
        if process:
            ProcessCollector(registry=self._registry)
            GCCollector(registry=self._registry)
        self._calls, self._passes, self._errors, self._adds, self._requests, self._broken = _tallies()
        self._durations = _histogram(self._registry, "controller_runtime_reconcile_time_seconds", "Length of one pass.", "controller")
        self._lag = _histogram(self._registry, "eso_event_loop_lag_seconds", "How late the event loop wakes a sleeper.")
        self._observers: dict[str, Observer] = {}
        for kind in (EXTERNAL_SECRET, SECRET_STORE, CLUSTER_SECRET_STORE):
            self._observers[_stem(kind.name)] = self._start(kind)

    # ------------------------------------------------------------ what happened

    def settled(self, key: Ref, settled: Settled, labels: Mapping[str, str], duration_ns: int, error: bool) -> None:
        """One pass over one key has ended. ``labels`` are the object's; ``error`` says that the pass failed."""
        stem = _stem(key.kind.name)
        self._pass(stem, key.kind, settled.requeue, duration_ns, error)
        if settled.gone:
            self.gone(key)
            return
        row = self._row(key, labels)
        row.passes += 1
        row.errors += error
        row.duration_ns = duration_ns
        if settled.because is not None:
            row.ready = settled.because.ready

    def condition(self, key: Ref, ready: bool, labels: Mapping[str, str]) -> None:
        """An object's ``Ready`` condition as found, for objects that need no pass (after a restart)."""
        self._row(key, labels).ready = ready

    def gone(self, key: Ref) -> None:
        """The object does not exist any more; its series end."""
        self._rows.get(key.kind.name, {}).pop(key, None)

    def provider_call(self, provider: str, call: str, status: str) -> None:
        """One call of a backend has ended; ``status`` is ``success`` or ``error``."""
        self._calls.add(call, provider, status)

    def request(self, code: int | str, method: str, host: str) -> None:
        """One request to the API server has ended; ``code`` is its status, or ``<error>`` when there is none."""
        self._requests.add(str(code), host, method)

    def queued(self, name: str) -> None:
        """A key was put into the queue of one controller (``externalsecret``)."""
        self._adds.add(name, name)

    def lag(self, seconds: float) -> None:
        """A sleeper was woken this late."""
        self._lag.observe(seconds)

    def gauge(self, name: str, read: Callable[[], Reading]) -> None:
        """Ask ``read`` whenever the gauge of this name (one of ``GAUGES``) is shown."""
        self._gauges[_BY_NAME[name].name] = read

    # ------------------------------------------------------------ what is shown

    def render(self) -> Iterator[bytes]:
        """The whole text in pages. What happens between two pages may show in later ones."""
        for kind, rows in self._rows.items():
            yield from _render_rows(kind, tuple(rows.items()))
        for tally in (self._calls, self._passes, self._errors, self._adds, self._requests):
            yield from tally.render()
        for name, read in self._gauges.items():
            yield from self._render_gauge(_BY_NAME[name], read)
        yield from self._broken.render()
        yield generate_latest(self._registry)

    def _render_gauge(self, family: Family, read: Callable[[], Reading]) -> Iterator[bytes]:
        try:
            reading = read()
            values = reading.items() if isinstance(reading, Mapping) else [("", reading)]
            lines = [family.line(_labels(label, family), round(float(number), 6)) for label, number in values]
        except Exception:
            self._broken.add(family.name)
            return iter(())
        return pages(family, lines)

    # ------------------------------------------------------------ parts

    def _start(self, kind: Kind) -> Observer:
        """All series of a controller, at 0, so that rates are right from the first event on."""
        stem = _stem(kind.name)
        for result in RESULTS:
            self._passes.add(stem, result, by=0)
        self._errors.add(stem, by=0)
        return self._durations.labels(stem)

    def _pass(self, stem: str, kind: Kind, requeue: Requeue, duration_ns: int, error: bool) -> None:
        observer = self._observers.get(stem)
        if observer is None:
            observer = self._observers[stem] = self._start(kind)
        observer.observe(duration_ns / 1e9)
        self._passes.add(stem, _result(requeue, error))
        if error:
            self._errors.add(stem)

    def _row(self, key: Ref, labels: Mapping[str, str]) -> _Row:
        rows = self._rows.setdefault(key.kind.name, {})
        row = rows.get(key)
        if row is None:
            row = rows[key] = _Row()
        row.extra = _extended(labels) if self._extended else ""
        return row


def _labels(given: str | tuple[str, ...], family: Family) -> tuple[str, ...]:
    return given if isinstance(given, tuple) else (given,) * len(family.labels)


# ---------------------------------------------------------------- rows as text

_CLEAN = re.compile(r"[^a-zA-Z0-9 ]+")
_EXTENDED = frozenset(f"app_kubernetes_io_{name}" for name in EXTENDED_LABELS)


def _extended(labels: Mapping[str, str]) -> str:
    known = {clean: value for name, value in labels.items() if (clean := _CLEAN.sub("_", name)) in _EXTENDED}
    text = "".join(f'app_kubernetes_io_{name}="{escape(known.get(f"app_kubernetes_io_{name}", ""))}",' for name in EXTENDED_LABELS)
    return sys.intern(text)


def _stem(kind: str) -> str:
    """The prefix of a kind's metrics and the name of its controller."""
    return kind.lower()


Rows: TypeAlias = tuple[tuple[Ref, _Row], ...]


def _render_rows(kind: str, rows: Rows) -> Iterator[bytes]:
    stem = _stem(kind)
    if kind == EXTERNAL_SECRET.name:
        calls = Family(f"{stem}_sync_calls_total", "counter", "Passes over an object.")
        yield from pages(calls, _numbers(calls.name, rows, lambda row: row.passes or None))
        errors = Family(f"{stem}_sync_calls_error", "counter", "Passes over an object that failed.")
        yield from pages(errors, _numbers(errors.name, rows, lambda row: row.errors or None))
    duration = Family(f"{stem}_reconcile_duration", "gauge", "Length of the last pass over an object, in nanoseconds.")
    yield from pages(duration, _numbers(duration.name, rows, lambda row: row.duration_ns if row.passes else None))
    condition = Family(f"{stem}_status_condition", "gauge", "1 for the status that a condition of an object has, 0 for its opposite.")
    yield from pages(condition, _conditions(condition.name, rows))


def _numbers(name: str, rows: Rows, number: Callable[[_Row], int | None]) -> Iterator[str]:
    """One line for each row that has the number. Names of objects need no escaping."""
    for ref, row in rows:
        value = number(row)
        if value is not None:
            yield f'{name}{{{row.extra}name="{ref.name}",namespace="{ref.namespace}"}} {value}\n'


def _conditions(name: str, rows: Rows) -> Iterator[str]:
    for ref, row in rows:
        if row.ready is not None:
            head = f'{name}{{{row.extra}condition="Ready",name="{ref.name}",namespace="{ref.namespace}",status='
            yield f'{head}"False"}} {int(not row.ready)}\n{head}"True"}} {int(row.ready)}\n'


# ---------------------------------------------------------------- the rest


def _result(requeue: Requeue, error: bool) -> str:
    """The word controller-runtime has for the end of a pass."""
    if error:
        return "error"
    if isinstance(requeue, At):
        return "requeue_after"
    return "requeue" if isinstance(requeue, Again | Backoff) else "success"


def _tallies() -> tuple[Tally, ...]:
    return (
        Tally(Family("externalsecret_provider_api_calls_count", "counter", "Calls of backends.", ("call", "provider", "status"))),
        Tally(Family("controller_runtime_reconcile_total", "counter", "Passes by how they ended.", ("controller", "result"))),
        Tally(Family("controller_runtime_reconcile_errors_total", "counter", "Passes that failed.", ("controller",))),
        Tally(Family("workqueue_adds_total", "counter", "Keys put into the queue.", ("controller", "name"))),
        Tally(Family("rest_client_requests_total", "counter", "Requests to the API server.", ("code", "host", "method"))),
        Tally(Family("eso_gauge_errors_total", "counter", "Gauges that could not be read.", ("gauge",))),
    )


_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


def _histogram(registry: CollectorRegistry, name: str, help_: str, *labels: str) -> Histogram:
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second family of time stamps for each histogram, which nothing reads
    return Histogram(name, help_, labels, buckets=_BUCKETS, registry=registry)
