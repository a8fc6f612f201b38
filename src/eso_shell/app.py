"""``eso run``: the whole operator in one process."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import NoReturn

import orjson

from eso_core.config import Config
from eso_core.door import NO_EXTRA, Extra
from eso_core.failure import describe
from eso_core.instant import SECOND, Now
from eso_core.machines.commands import Report
from eso_core.machines.engine import Engine
from eso_core.machines.watch import Watcher
from eso_core.operator import build
from eso_core.refs import EXTERNAL_SECRET, Ref
from eso_core.stages.conditions import conditions_of
from eso_shell.chance import SystemChance
from eso_shell.converse import SdkRunner
from eso_shell.drive import Driver, clocks
from eso_shell.egress import EgressRule
from eso_shell.http import HttpClient, ProxyRules
from eso_shell.kube.client import KubeClient
from eso_shell.kube.config import ClusterConfig, ConfigError
from eso_shell.kube.kubeconfig import find_cluster
from eso_shell.memory import give_back, trimmer
from eso_shell.observe import logging
from eso_shell.observe.health import Check, Health, watch_health
from eso_shell.observe.lag import Lag, watch_lag
from eso_shell.observe.metrics import Metrics
from eso_shell.plugins import plugins
from eso_shell.serve.endpoints import endpoints
from eso_shell.serve.http import ServeError
from eso_shell.settings import Settings, arguments
from eso_shell.sigv4 import signer

KUBE_IN_FLIGHT = 64
DEAF_S = 600  # seconds without a sign of life of a watch after which the operator counts as broken
TROUBLES_S = 1.0
OVERDUE_S = 300  # seconds that a due object may wait before the operator counts as broken
LATE_S = 3  # seconds by which the event loop may be late before the operator counts as broken; less than a probe's time limit of 5
STORES_SHOWN = 100  # stores that hold something back, with series of their own


def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    logging.configure(settings.loglevel, settings.zap_time_encoding)
    environ = arguments()[1]
    _calm_collector()
    try:
        cluster = find_cluster(environ, path=settings.kubeconfig, context=settings.context)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_operate(settings, cluster, environ))
    except (ConfigError, ServeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


def _calm_collector() -> None:
    """Modules and models live as long as the process: leave them out of every collection, and collect less often.

    A pass leaves no cycles behind; measured on 2,000 passes, the default thresholds cost a fifth of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def config_of(settings: Settings, extra: Extra = NO_EXTRA) -> Config:
    """The flags that change decisions, and the providers from other packages."""
    return Config(
        controller_class=settings.controller_class,
        cluster_stores=settings.enable_cluster_store_reconciler,
        stores=settings.enable_secret_store_reconciler,
        flood_gate=settings.enable_flood_gate,
        store_requeue_ns=settings.store_requeue_interval,
        generic_targets=settings.unsafe_allow_generic_targets,
        template_delimiters=(settings.template_left_delimiter, settings.template_right_delimiter),
        extra=extra,
    )


async def _operate(settings: Settings, cluster: ClusterConfig, environ: Mapping[str, str]) -> int:
    log = logging.get("setup")
    for warning in settings.warnings:
        log.warning(warning)
    await cluster.identities.current()  # a login plugin that does not work ends the start, not the first request
    metrics = Metrics(extended=settings.enable_extended_metric_labels)
    config = config_of(settings, _outsiders(log))
    engine = build(config, random=random.SystemRandom().random, chance=SystemChance(), namespace=settings.namespace)
    rate = settings.rate_limit
    kube = KubeClient(
        cluster,
        in_flight_max=KUBE_IN_FLIGHT,
        qps=rate[0] if rate else None,
        burst=rate[1] if rate else 100,
        counted=_requests(metrics, cluster.server),
    )
    egress = EgressRule(settings.backend_egress_deny)
    http = HttpClient(user_agent="external-secrets", proxies=ProxyRules(environ), signer=signer(), egress=egress)
    sdk = SdkRunner(environ, egress=egress)
    driver = Driver(engine, kube, http, sdk, Reporter(engine, metrics, extended=settings.enable_extended_metric_labels))
    lag = Lag(asyncio.get_running_loop().time)
    health = Health(_checks(engine, lag))
    _gauges(metrics, engine, health)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(kube.close)
        stack.push_async_callback(http.close)
        stack.callback(sdk.close)
        where = await stack.enter_async_context(endpoints(settings, metrics, live=health.probes(), ready={"watches": _ready(engine)}))
        chores = (watch_lag(_both(metrics.lag, lag.observe)), watch_health(health), tell_troubles(engine.watchers), give_back(trimmer()))
        for chore in chores:
            stack.callback(asyncio.create_task(chore).cancel)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, driver.stop)
        log.info("starting", server=cluster.server, metrics=where.metrics, live=where.live, namespace=settings.namespace)
        await driver.run()
        log.info("stopped")
    return 0


def _outsiders(log: logging.Logger) -> Extra:
    """Providers from other packages. One that cannot be used is told, and nothing more."""
    held = plugins()
    for trouble in held.troubles:
        log.error(trouble)
    for key, package in held.sources.items():
        log.info("provider loaded", provider=key, package=package)
    return held.extra


class Reporter:
    """Turns reports into log lines and numbers."""

    def __init__(self, engine: Engine, metrics: Metrics, *, extended: bool) -> None:
        self._engine = engine
        self._metrics = metrics
        self._extended = extended
        self._logs: dict[str, logging.Logger] = {}

    def report(self, report: Report) -> None:
        """See :class:`eso_shell.drive.Watcher`."""
        settled = report.settled
        failed = settled.detail is not None and not (settled.because.ready if settled.because is not None else settled.waits_on)
        self._metrics.settled(report.key, settled, self._labels(report.key), report.took_ns, failed)
        if settled.because is None and not settled.gone:
            self._as_found(report.key)
        kind = report.key.kind.name
        self._metrics.queued(kind.lower())
        log = self._logs.get(kind)
        if log is None:
            log = self._logs[kind] = logging.get(f"controllers.{kind}")
        fields = {"namespace": report.key.namespace, "name": report.key.name}
        if failed and settled.detail is not None:
            log.error("not synced", reason=settled.because.reason if settled.because else "", error=describe(settled.detail), **fields)
        elif settled.because is not None:
            say = log.debug if settled.status is None else log.info  # an unchanged verdict is no news
            say(settled.because.message, reason=settled.because.reason, **fields)

    def called(self, label: str, name: str, *, ok: bool) -> None:
        """See :class:`eso_shell.drive.Watcher`."""
        self._metrics.provider_call(label, name, "success" if ok else "error")

    def _as_found(self, key: Ref) -> None:
        """A pass that decided nothing leaves the condition that the object has, so that a restart does not end its series."""
        packed = self._engine.cache.get(key)
        found = orjson.loads(packed.raw) if packed is not None else {}
        for condition in conditions_of(found):
            if condition.type == "Ready":
                self._metrics.condition(key, condition.status == "True", self._labels(key))

    def _labels(self, key: Ref) -> Mapping[str, str]:
        if not self._extended:
            return {}
        packed = self._engine.cache.get(key)
        labels: Mapping[str, str] = orjson.loads(packed.raw)["metadata"].get("labels") or {} if packed is not None else {}
        return labels


async def tell_troubles(watchers: Iterable[Watcher], *, interval_s: float = TROUBLES_S) -> NoReturn:
    """Log why a kind cannot be listed or watched, once for each reason, and that it can be again. Runs until it is cancelled."""
    log = logging.get("watch")
    told: dict[str, str] = {}
    while True:
        await asyncio.sleep(interval_s)
        for watcher in watchers:
            kind, why = watcher.kind.plural, describe(watcher.trouble) if watcher.trouble is not None else ""
            if why and why != told.get(kind, ""):
                log.warning("cannot read from the API server, trying again", kind=kind, error=why)
            elif told.get(kind, "") and not why:
                log.info("reading from the API server again", kind=kind)
            told[kind] = why


def _requests(metrics: Metrics, server: str) -> Callable[[str, int], None]:
    host = server.rpartition("://")[2]
    return lambda method, status: metrics.request(status or "<error>", method, host)


def _both(*observers: Callable[[float], None]) -> Callable[[float], None]:
    def observe(seconds: float) -> None:
        for observer in observers:
            observer(seconds)

    return observe


def _gauges(metrics: Metrics, engine: Engine, health: Health) -> None:
    def watch_ages() -> Mapping[str, float]:
        now = clocks().mono
        return {w.kind.name: (now - w.heard_at) / SECOND for w in engine.watchers}

    metrics.gauge("eso_queue_depth", lambda: float(engine.queue.waiting(clocks().mono)))
    metrics.gauge("eso_in_flight", lambda: float(engine.passes))
    metrics.gauge("eso_watch_age_seconds", watch_ages)
    metrics.gauge("eso_oldest_overdue_seconds", lambda: engine.overdue(clocks()) / SECOND)
    metrics.gauge(
        "eso_overdue_by_class_seconds",
        lambda: {reason.name.lower(): late / SECOND for reason, late in engine.overdue_by_class(clocks()).items()},
    )
    metrics.gauge("eso_healthy", health.reading)
    metrics.gauge("eso_store_breaker_open", lambda: _by_store(engine, lambda held: held[0] > 0))
    metrics.gauge("eso_store_waiting_objects", lambda: _by_store(engine, lambda held: held[1]))
    metrics.gauge("eso_store_breakers_open", lambda: float(sum(opened for opened, _ in engine.held_back().values())))
    metrics.gauge("workqueue_depth", lambda: {EXTERNAL_SECRET.name.lower(): float(engine.queue.waiting(clocks().mono))})


def _by_store(engine: Engine, number: Callable[[tuple[int, int]], float]) -> Mapping[tuple[str, ...], float]:
    """Of the stores that hold something back, those with most objects waiting."""
    most = sorted(engine.held_back().items(), key=lambda item: (-item[1][1], item[0]))[:STORES_SHOWN]
    return {(store.kind.name, store.namespace, store.name): float(number(held)) for store, held in most}


def _checks(engine: Engine, lag: Lag) -> Mapping[str, Check]:
    """What a restart may mend. All of them run on the event loop: when it stands still, the probe's own time limit tells."""

    def hears() -> tuple[bool, str]:
        now: Now = clocks()
        deaf = [w.kind.plural for w in engine.vital if w.synced and now.mono - w.heard_at > DEAF_S * SECOND]
        return not deaf, f"nothing heard for {DEAF_S} s of {', '.join(deaf)}"

    def keeps_up() -> tuple[bool, str]:
        late = engine.overdue_by_class(clocks())
        worst = max(late, key=lambda reason: late[reason])
        seconds = late[worst] // SECOND
        return seconds <= OVERDUE_S, f"an object has been due for {seconds} s (class {worst.name.lower()})"

    def is_on_time() -> tuple[bool, str]:
        seconds = lag.seconds()
        return seconds <= LATE_S, f"the event loop is {seconds:.1f} s late"

    return {"watches": hears, "queue": keeps_up, "event loop": is_on_time}


def _ready(engine: Engine) -> Check:
    return lambda: (engine.synced, engine.not_ready)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
