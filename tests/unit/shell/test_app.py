"""``eso run`` without a cluster: what reports become, which flags reach the core, and what the probes say."""

from __future__ import annotations

import json
import logging as stdlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from eso_core.because import PROVIDER_FAILED, SYNCED, Because
from eso_core.failure import Failure, InvalidSpec, Refused, Unreachable
from eso_core.instant import SECOND, Instant, Now
from eso_core.machines.commands import Report
from eso_core.machines.turns import Reason
from eso_core.plan import At, Backoff, OnChange, Requeue, SetStatus, Settled, Version
from eso_core.refs import EXTERNAL_SECRET, SECRET, SECRET_STORE, Kind, Ref
from eso_shell import app
from eso_shell.observe import logging
from eso_shell.observe.metrics import Metrics
from eso_shell.settings import FLAGS, parse

ES = Ref(EXTERNAL_SECRET, "team", "es")
STORE = Ref(SECRET_STORE, "team", "st")
STATUS = SetStatus(ES, Version("u", "1"), {})


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Log lines from ``debug`` on, without their time."""
    root = stdlib.getLogger()
    before = (list(root.handlers), root.level)
    found: list[dict[str, Any]] = []

    def write(raw: bytes) -> None:
        line = json.loads(raw)
        del line["ts"]
        found.append(line)

    logging.configure("debug", write=write, mono_ns=lambda: 0)
    yield found
    stdlib.captureWarnings(False)
    logging.configure()
    root.handlers[:], root.level = before
    stdlib.captureWarnings(False)


@dataclass
class Reporting:
    """A reporter, the objects that its engine knows, and its numbers."""

    extended: bool = False
    objects: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    ready: str = ""  # of the condition that the objects hold; empty: they hold none

    def __post_init__(self) -> None:
        def get(ref: Ref) -> Any:
            found = self.objects.get(ref)
            held = {"status": {"conditions": [{"type": "Ready", "status": self.ready}]}} if self.ready else {}
            return None if found is None else SimpleNamespace(raw=json.dumps({"metadata": found, **held}).encode())

        engine: Any = SimpleNamespace(cache=SimpleNamespace(get=get))
        self.metrics = Metrics(extended=self.extended, process=False)
        self.reporter = app.Reporter(engine, self.metrics, extended=self.extended)

    def settled(
        self,
        because: Because | None = SYNCED,
        detail: Failure | None = None,
        *,
        key: Ref = ES,
        requeue: Requeue = OnChange(),
        status: SetStatus | None = None,
        waits: bool = False,
        gone: bool = False,
    ) -> None:
        waits_on = frozenset({STORE}) if waits else frozenset[Ref]()
        settled = Settled(requeue=requeue, because=because, detail=detail, status=status, waits_on=waits_on, gone=gone)
        self.reporter.report(Report(key, settled, 5_000_000, ()))

    def sample(self, name: str) -> list[str]:
        text = b"".join(self.metrics.render()).decode()
        return [line for line in text.splitlines() if line.startswith(name)]


class TestReporter:
    def test_a_change_is_news(self, lines: list[dict[str, Any]]) -> None:
        Reporting().settled(status=STATUS)
        assert lines == [
            {
                "level": "info",
                "logger": "controllers.ExternalSecret",
                "msg": "secret synced",
                "reason": "SecretSynced",
                "namespace": "team",
                "name": "es",
            }
        ]

    def test_an_unchanged_verdict_is_not(self, lines: list[dict[str, Any]]) -> None:
        Reporting().settled()
        assert [line["level"] for line in lines] == ["debug"]

    def test_a_failure_names_its_cause(self, lines: list[dict[str, Any]]) -> None:
        Reporting().settled(PROVIDER_FAILED, InvalidSpec("is no key", "spec.data[0]"), requeue=Backoff())
        [line] = lines
        assert (line["level"], line["msg"], line["reason"], line["error"]) == (
            "error",
            "not synced",
            "SecretSyncedError",
            "spec.data[0]: is no key",
        )

    @pytest.mark.parametrize(
        ("because", "detail", "waits", "failed"),
        [
            (SYNCED, None, False, False),
            (PROVIDER_FAILED, Refused("no"), False, True),
            (PROVIDER_FAILED, Refused("no"), True, True),
            (None, Unreachable("no"), False, True),  # no verdict, because it could not even be read
            (None, Unreachable("not yet"), True, False),  # ADR 6: waiting is not an error
            (None, None, False, False),
        ],
    )
    def test_what_counts_as_failed(
        self, because: Because | None, detail: Failure | None, waits: bool, failed: bool, lines: list[dict[str, Any]]
    ) -> None:
        reporting = Reporting()
        reporting.settled(because, detail, waits=waits, requeue=Backoff())
        assert any(line["level"] == "error" for line in lines) == failed
        assert bool(reporting.sample('externalsecret_sync_calls_error{name="es"')) == failed
        result = "error" if failed else "requeue"
        assert any(
            f'result="{result}"' in line and not line.endswith(" 0") for line in reporting.sample("controller_runtime_reconcile_total")
        )

    def test_each_kind_has_its_logger(self, lines: list[dict[str, Any]]) -> None:
        reporting = Reporting()
        for key in (ES, STORE, ES):
            reporting.settled(key=key)
        assert [line["logger"].rpartition(".")[2] for line in lines] == ["ExternalSecret", "SecretStore", "ExternalSecret"]

    def test_series_end_with_their_object(self, lines: list[dict[str, Any]]) -> None:
        reporting = Reporting()
        reporting.settled()
        assert reporting.sample("externalsecret_status_condition{")
        reporting.settled(None, gone=True)
        assert reporting.sample("externalsecret_status_condition{") == []
        assert len(lines) == 1

    @pytest.mark.parametrize(("ok", "status"), [(True, "success"), (False, "error")])
    def test_backend_calls(self, ok: bool, status: str) -> None:
        reporting = Reporting()
        reporting.reporter.called("HashiCorp/Vault", "ReadSecretData", ok=ok)
        [line] = reporting.sample("externalsecret_provider_api_calls_count")
        assert [part for part in ("HashiCorp/Vault", "ReadSecretData", f'"{status}"') if part not in line] == []

    @pytest.mark.parametrize("ready", ["True", "False"])
    def test_after_a_restart_an_object_that_is_not_due_shows_the_condition_it_holds(self, ready: str) -> None:
        made = Reporting(objects={ES: {}}, ready=ready)
        made.settled(because=None)
        [line] = [line for line in made.sample("externalsecret_status_condition{") if f'status="{ready}"' in line]
        assert line.endswith(" 1")

    def test_extended_labels_are_those_of_the_object(self) -> None:
        labels = {"app.kubernetes.io/name": "shop"}
        on = Reporting(extended=True, objects={ES: {"labels": labels}})
        on.settled()
        assert 'app_kubernetes_io_name="shop"' in on.sample("externalsecret_sync_calls_total{")[0]
        bare = Reporting(extended=True, objects={ES: {"labels": None}})
        bare.settled()
        assert 'app_kubernetes_io_name=""' in bare.sample("externalsecret_sync_calls_total{")[0]
        off = Reporting(objects={ES: {"labels": labels}})
        off.settled()
        assert "shop" not in off.sample("externalsecret_sync_calls_total{")[0]


class TestConfig:
    def test_defaults(self) -> None:
        config = app.config_of(parse([], {}))
        assert (config.controller_class, config.cluster_stores, config.stores, config.flood_gate) == ("default", True, True, True)
        assert config.store_requeue_ns == 300 * SECOND

    @pytest.mark.parametrize(
        ("argument", "name", "value"),
        [
            ("--controller-class=mine", "controller_class", "mine"),
            ("--enable-cluster-store-reconciler=false", "cluster_stores", False),
            ("--enable-secret-store-reconciler=false", "stores", False),
            ("--enable-flood-gate=false", "flood_gate", False),
            ("--store-requeue-interval=90s", "store_requeue_ns", 90 * SECOND),
        ],
    )
    def test_flags(self, argument: str, name: str, value: object) -> None:
        assert argument.partition("=")[0].removeprefix("--") in {flag.name for flag in FLAGS}
        assert getattr(app.config_of(parse([argument], {})), name) == value


# ---------------------------------------------------------------- probes


@dataclass
class Watching:
    kind: Kind
    synced: bool
    heard_at: int


@dataclass
class Engine:
    """What the probes ask."""

    vital: list[Watching]
    late_ns: int = 0
    synced: bool = True
    not_ready: str = ""

    held: dict[Ref, tuple[int, int]] = field(default_factory=dict)

    def overdue_by_class(self, now: Now) -> dict[Reason, int]:
        return {Reason.STORE: 0, Reason.NEW: self.late_ns // 2, Reason.RETRY: self.late_ns}

    def held_back(self) -> dict[Ref, tuple[int, int]]:
        return self.held


@dataclass
class Late:
    """An event loop."""

    by_s: float = 0.0

    def seconds(self) -> float:
        return self.by_s


def probe(make: Callable[[Any], Any], engine: Engine) -> tuple[bool, str]:
    answer: tuple[bool, str] = make(engine)()
    return answer


class TestProbes:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(app, "clocks", lambda: Now(Instant(0), 10_000 * SECOND))

    def heard(self, seconds_ago: float, *, synced: bool = True) -> Watching:
        return Watching(SECRET, synced, int((10_000 - seconds_ago) * SECOND))

    @pytest.mark.parametrize(
        ("ago", "synced", "alive"),
        [
            (0, True, True),
            (app.DEAF_S, True, True),
            (app.DEAF_S + 1, True, False),
            (app.DEAF_S + 1, False, True),  # a kind that was never listed is a matter of readiness: a restart would not help
        ],
    )
    def test_a_watch_that_has_gone_deaf(self, ago: float, synced: bool, alive: bool) -> None:
        good, why = self.asked("watches", Engine([self.heard(0), self.heard(ago, synced=synced)]))
        assert good == alive
        assert ("secrets" in why) == (not alive)

    @pytest.mark.parametrize(("late_s", "alive"), [(0, True), (app.OVERDUE_S, True), (app.OVERDUE_S + 1, False)])
    def test_an_object_that_is_overdue(self, late_s: int, alive: bool) -> None:
        good, why = self.asked("queue", Engine([self.heard(0)], late_ns=late_s * SECOND))
        assert good == alive
        assert alive or why == f"an object has been due for {late_s} s (class retry)"

    @pytest.mark.parametrize(("late_s", "alive"), [(0.0, True), (app.LATE_S, True), (app.LATE_S + 0.25, False)])
    def test_a_late_event_loop(self, late_s: float, alive: bool) -> None:
        good, why = self.asked("event loop", Engine([]), Late(late_s))
        assert good == alive
        assert alive or why == "the event loop is 3.2 s late"

    def asked(self, name: str, engine: Engine, lag: Late | None = None) -> tuple[bool, str]:
        checks = app._checks(engine, lag or Late())  # type: ignore[arg-type]
        assert list(checks) == ["watches", "queue", "event loop"]
        return checks[name]()

    def test_stores_that_hold_something_back(self) -> None:
        """A bounded number of series: those with most objects waiting."""
        held = {Ref(SECRET_STORE, "ns", f"{number:03}"): (number % 2, number) for number in range(150)}
        engine: Any = Engine([], held=held)
        shown = app._by_store(engine, lambda numbers: numbers[1])
        assert len(shown) == app.STORES_SHOWN
        assert min(shown.values()) == 50
        assert app._by_store(engine, lambda numbers: numbers[0] > 0)["SecretStore", "ns", "149"] == 1.0

    def test_ready_when_every_kind_is_listed(self) -> None:
        assert probe(app._ready, Engine([])) == (True, "")
        assert probe(app._ready, Engine([], synced=False, not_ready="secrets: refused")) == (False, "secrets: refused")


def test_again_when_due_is_no_failure(lines: list[dict[str, Any]]) -> None:
    reporting = Reporting()
    reporting.settled(requeue=At(Instant(0)), status=STATUS)
    assert [line["level"] for line in lines] == ["info"]
