"""The reference's names and labels; series that end with their object; bounds in memory and time."""

import asyncio
import re
import time
import tracemalloc
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from eso_core.because import PROVIDER_FAILED, STORE_VALID, SYNCED, Because
from eso_core.instant import Instant
from eso_core.plan import Again, At, Backoff, OnChange, Requeue, Settled
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET_STORE, Ref
from eso_shell.observe.exposition import PAGE_LINES, Family, pages
from eso_shell.observe.lag import Lag, watch_lag
from eso_shell.observe.metrics import GAUGES, Metrics, Tally

DOCS = Path(__file__).parents[3] / "docs"
APP = Ref(EXTERNAL_SECRET, "a", "app")
STORE = Ref(SECRET_STORE, "a", "st")
CLUSTER_STORE = Ref(CLUSTER_SECRET_STORE, "", "shared")
DUE = At(Instant(0))


def ended(because: Because | None = SYNCED, requeue: Requeue = DUE, *, gone: bool = False) -> Settled:
    return Settled(requeue=requeue, because=because, gone=gone)


def made(*, extended: bool = False) -> Metrics:
    return Metrics(extended=extended, process=False)


def shown(metrics: Metrics, prefix: str = "") -> list[str]:
    """The samples whose names start so."""
    return [line for line in text(metrics).splitlines() if line.startswith(prefix) and not line.startswith("#")]


def text(metrics: Metrics) -> str:
    return b"".join(metrics.render()).decode()


# ---------------------------------------------------------------- one object


def test_a_synced_object() -> None:
    """As in the recording creation/absent-owner.yaml."""
    metrics = made()
    metrics.settled(APP, ended(), {}, 1_500_000, False)
    assert shown(metrics, "externalsecret_") == [
        'externalsecret_sync_calls_total{name="app",namespace="a"} 1',
        'externalsecret_reconcile_duration{name="app",namespace="a"} 1500000',
        'externalsecret_status_condition{condition="Ready",name="app",namespace="a",status="False"} 0',
        'externalsecret_status_condition{condition="Ready",name="app",namespace="a",status="True"} 1',
    ]


def test_a_failing_object() -> None:
    metrics = made()
    metrics.settled(APP, ended(), {}, 1, False)
    metrics.settled(APP, ended(PROVIDER_FAILED, Backoff()), {}, 2, True)
    assert shown(metrics, "externalsecret_") == [
        'externalsecret_sync_calls_total{name="app",namespace="a"} 2',
        'externalsecret_sync_calls_error{name="app",namespace="a"} 1',
        'externalsecret_reconcile_duration{name="app",namespace="a"} 2',
        'externalsecret_status_condition{condition="Ready",name="app",namespace="a",status="False"} 1',
        'externalsecret_status_condition{condition="Ready",name="app",namespace="a",status="True"} 0',
    ]


def test_a_pass_without_a_verdict_keeps_the_last_one() -> None:
    metrics = made()
    metrics.settled(APP, ended(), {}, 1, False)
    before = shown(metrics, "externalsecret_status_condition")
    metrics.settled(APP, ended(None), {}, 1, False)
    assert shown(metrics, "externalsecret_status_condition") == before != []


def test_no_verdict_yet_no_condition() -> None:
    metrics = made()
    metrics.settled(APP, ended(None), {}, 1, False)
    assert shown(metrics, "externalsecret_status_condition") == []


def test_a_condition_that_was_found() -> None:
    metrics = made()
    metrics.condition(APP, False, {})
    assert shown(metrics, "externalsecret_") == [
        'externalsecret_status_condition{condition="Ready",name="app",namespace="a",status="False"} 1',
        'externalsecret_status_condition{condition="Ready",name="app",namespace="a",status="True"} 0',
    ]


@pytest.mark.parametrize(("ref", "stem"), [(STORE, "secretstore"), (CLUSTER_STORE, "clustersecretstore")])
def test_stores(ref: Ref, stem: str) -> None:
    metrics = made()
    metrics.settled(ref, ended(STORE_VALID), {}, 7, False)
    labels = f'name="{ref.name}",namespace="{ref.namespace}"'
    assert shown(metrics, f"{stem}_") == [
        f"{stem}_reconcile_duration{{{labels}}} 7",
        f'{stem}_status_condition{{condition="Ready",{labels},status="False"}} 0',
        f'{stem}_status_condition{{condition="Ready",{labels},status="True"}} 1',
    ]


@pytest.mark.parametrize("ref", [APP, STORE, CLUSTER_STORE])
def test_series_end_with_the_object(ref: Ref) -> None:
    metrics = made()
    metrics.settled(ref, ended(), {}, 1, True)
    metrics.settled(ref, ended(None, OnChange(), gone=True), {}, 1, False)
    assert [line for line in shown(metrics) if 'name="app"' in line or 'name="st"' in line or 'name="shared"' in line] == []


def test_what_was_never_there_can_go() -> None:
    made().gone(APP)


# ---------------------------------------------------------------- extended labels


def test_extended_labels() -> None:
    metrics = made(extended=True)
    labels = {"app.kubernetes.io/name": "n", "app.kubernetes.io/managed-by": 'H"\\\n', "app.kubernetes.io/other": "x", "name": "stolen"}
    metrics.settled(APP, ended(), labels, 1, False)
    extra = (
        'app_kubernetes_io_component="",app_kubernetes_io_instance="",app_kubernetes_io_managed_by="H\\"\\\\\\n",'
        'app_kubernetes_io_name="n",app_kubernetes_io_part_of="",app_kubernetes_io_version=""'
    )
    assert shown(metrics, "externalsecret_sync") == [f'externalsecret_sync_calls_total{{{extra},name="app",namespace="a"}} 1']
    assert shown(metrics, "externalsecret_status")[0].startswith(f'externalsecret_status_condition{{{extra},condition="Ready",name="app"')


def test_changed_labels_leave_no_series_behind() -> None:
    metrics = made(extended=True)
    for version in ("1", "2"):
        metrics.settled(APP, ended(), {"app.kubernetes.io/version": version}, 1, False)
    assert len(shown(metrics, "externalsecret_sync")) == 1
    assert 'app_kubernetes_io_version="2"' in shown(metrics, "externalsecret_sync")[0]


# ---------------------------------------------------------------- passes and calls


@pytest.mark.parametrize(
    ("requeue", "error", "result"),
    [
        (DUE, False, "requeue_after"),
        (OnChange(), False, "success"),
        (Again(), False, "requeue"),
        (Backoff(), False, "requeue"),
        (Backoff(), True, "error"),
        (OnChange(), True, "error"),
    ],
)
def test_passes_by_how_they_ended(requeue: Requeue, error: bool, result: str) -> None:
    metrics = made()
    metrics.settled(APP, ended(SYNCED, requeue), {}, 1, error)
    counted = shown(metrics, 'controller_runtime_reconcile_total{controller="externalsecret"')
    assert sorted(counted) == sorted(
        f'controller_runtime_reconcile_total{{controller="externalsecret",result="{name}"}} {int(name == result)}'
        for name in ("success", "error", "requeue", "requeue_after")
    )
    assert shown(metrics, 'controller_runtime_reconcile_errors_total{controller="externalsecret"') == [
        f'controller_runtime_reconcile_errors_total{{controller="externalsecret"}} {int(error)}'
    ]


def test_the_length_of_passes_is_distributed() -> None:
    metrics = made()
    metrics.settled(APP, ended(), {}, 30_000_000, False)
    counts = [line for line in shown(metrics, "controller_runtime_reconcile_time_seconds_bucket") if '"externalsecret"' in line]
    assert [line.rpartition(" ")[2] for line in counts if 'le="0.025"' in line or 'le="0.05"' in line] == ["0.0", "1.0"]


def test_calls() -> None:
    metrics = made()
    metrics.provider_call("HashiCorp/Vault", "ReadSecretData", "success")
    metrics.provider_call("HashiCorp/Vault", "ReadSecretData", "success")
    metrics.provider_call("HashiCorp/Vault", "Login", "error")
    metrics.request(200, "GET", "10.0.0.1:443")
    metrics.queued("externalsecret")
    assert shown(metrics, "externalsecret_provider") == [
        'externalsecret_provider_api_calls_count{call="ReadSecretData",provider="HashiCorp/Vault",status="success"} 2',
        'externalsecret_provider_api_calls_count{call="Login",provider="HashiCorp/Vault",status="error"} 1',
    ]
    assert shown(metrics, "rest_client") == ['rest_client_requests_total{code="200",host="10.0.0.1:443",method="GET"} 1']
    assert shown(metrics, "workqueue_adds") == ['workqueue_adds_total{controller="externalsecret",name="externalsecret"} 1']


def test_label_values_are_bounded() -> None:
    tally = Tally(Family("t", "counter", "T.", ("a", "b")), most=2)
    for number in range(5):
        tally.add(str(number), "x")
    tally.add("0", "x")
    assert b"".join(tally.render()).decode().splitlines()[2:] == ['t{a="0",b="x"} 2', 't{a="1",b="x"} 1', 't{a="other",b="other"} 3']


# ---------------------------------------------------------------- gauges


def test_gauges_are_asked_when_shown() -> None:
    metrics = made()
    depth = 0
    metrics.gauge("eso_queue_depth", lambda: depth)
    metrics.gauge("eso_watch_age_seconds", lambda: {"ExternalSecret": 1.5, "SecretStore": 0})
    depth = 3
    assert shown(metrics, "eso_queue_depth") == ["eso_queue_depth 3.0"]
    assert shown(metrics, "eso_watch_age") == [
        'eso_watch_age_seconds{kind="ExternalSecret"} 1.5',
        'eso_watch_age_seconds{kind="SecretStore"} 0.0',
    ]


def test_gauges_with_several_labels() -> None:
    metrics = made()
    metrics.gauge("eso_store_breaker_open", lambda: {("SecretStore", "ns", 'a"b'): 1.0})
    assert shown(metrics, "eso_store_breaker_open") == [
        'eso_store_breaker_open{kind="SecretStore",namespace="ns",name="a\\"b"} 1.0',
    ]


def test_a_gauge_that_fails_costs_itself_only() -> None:
    metrics = made()
    metrics.gauge("eso_queue_depth", lambda: 1 / 0)
    metrics.gauge("eso_in_flight", lambda: 2)
    assert shown(metrics, "eso_queue_depth") == []
    assert shown(metrics, "eso_in_flight") == ["eso_in_flight 2.0"]
    assert shown(metrics, "eso_gauge_errors") == ['eso_gauge_errors_total{gauge="eso_queue_depth"} 3']


def test_only_known_gauges() -> None:
    with pytest.raises(KeyError):
        made().gauge("eso_surprise", lambda: 1)


# ---------------------------------------------------------------- the text


def everything() -> Metrics:
    metrics = Metrics(extended=True)
    for ref in (APP, STORE, CLUSTER_STORE):
        metrics.settled(ref, ended(), {"app.kubernetes.io/name": 'a "quoted" \\ name'}, 1, True)
    test_calls()
    metrics.provider_call("P", "C", "success")
    metrics.request("<error>", "GET", "h")
    metrics.queued("externalsecret")
    metrics.lag(0.01)
    metrics.gauge("eso_in_flight", lambda: 1 / 0)
    text(metrics)
    for family in GAUGES:
        metrics.gauge(family.name, lambda labels=family.labels: {"x": 1.0} if labels else 1.0)
    return metrics


def test_others_can_read_the_text() -> None:
    families = {family.name: family for family in text_string_to_metric_families(text(everything()))}
    [sample] = families["externalsecret_reconcile_duration"].samples
    assert sample.labels["app_kubernetes_io_name"] == 'a "quoted" \\ name'
    assert families["process_resident_memory_bytes"].samples[0].value > 0


def test_every_family_is_told_once_and_documented() -> None:
    told = re.findall(r"^# TYPE (\S+) ", text(everything()), re.MULTILINE)
    assert sorted(set(told)) == sorted(told)
    documented = set(re.findall(r"`([a-z_]+)`", (DOCS / "metrics.md").read_text()))
    assert [name for name in told if name not in documented and not name.startswith(("process_", "python_gc_"))] == []


def test_a_family_is_one_head_and_full_pages() -> None:
    got = list(pages(Family("f", "gauge", "F."), (f"f {number}\n" for number in range(2 * PAGE_LINES + 1))))
    assert [page.count(b"\n") for page in got] == [PAGE_LINES + 2, PAGE_LINES, 1]
    assert [page.count(b"# TYPE f gauge") for page in got] == [1, 0, 0]
    assert list(pages(Family("f", "gauge", "F."), ())) == []


def test_an_object_that_goes_while_it_is_shown() -> None:
    metrics = made()
    for number in range(2000):
        metrics.settled(Ref(EXTERNAL_SECRET, "a", f"app-{number}"), ended(), {}, 1, False)
    parts = metrics.render()
    next(parts)
    for number in range(2000):
        metrics.gone(Ref(EXTERNAL_SECRET, "a", f"app-{number}"))
    assert b"".join(parts).count(b"externalsecret_status_condition{") == 4000


# ---------------------------------------------------------------- size


def test_ten_thousand_objects() -> None:
    refs = [Ref(EXTERNAL_SECRET, f"ns-{number % 10}", f"external-secret-{number}") for number in range(10_000)]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    metrics = made(extended=True)
    for ref in refs:
        metrics.settled(ref, ended(), {"app.kubernetes.io/managed-by": "Helm"}, 123_456_789, True)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert used < 6_000_000
    spans = []
    for _ in range(3):  # the first may pay for a collection of everything that this process has made
        start = time.process_time()
        longest = max(len(page) for page in metrics.render())
        spans.append(time.process_time() - start)
        assert longest < 1_000_000
    assert min(spans) < 0.3


# ---------------------------------------------------------------- lag


async def test_lag_is_how_much_too_long_a_sleep_was() -> None:
    clock = 100.0
    late = iter([0.0, 0.25, -0.001])
    seen: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal clock
        clock += seconds + next(late)

    with pytest.raises(RuntimeError):  # the sleeps have run out
        await watch_lag(seen.append, interval_s=0.5, sleep=sleep, now_s=lambda: clock)
    assert seen == pytest.approx([0.0, 0.25, 0.0])


def test_the_lag_now_is_of_the_last_sleep_or_of_the_one_under_way() -> None:
    clock = 100.0
    lag = Lag(lambda: clock, interval_s=0.5)
    seen = [lag.seconds()]
    clock = 104.5
    seen.append(lag.seconds())
    lag.observe(4.0)
    seen.append(lag.seconds())
    clock = 105.0
    lag.observe(0.0)
    seen.append(lag.seconds())
    assert seen == [0.0, 4.0, 4.0, 0.0]


async def test_lag_is_watched_until_cancelled() -> None:
    seen = asyncio.Event()
    task = asyncio.create_task(watch_lag(lambda _: seen.set(), interval_s=0))
    await seen.wait()
    task.cancel()
    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError
