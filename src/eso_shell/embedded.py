"""The real operator on a small cluster in this process: what ``eso demo`` and ``eso plan`` run.

Same engine, flows and driver as ``eso run``; only the API server is the in-memory one. Backends are called for real.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from eso_core.api.crd import crds
from eso_core.config import Config
from eso_core.instant import Now
from eso_core.machines.apply import Applicable
from eso_core.machines.engine import Engine, Report
from eso_core.operator import build
from eso_core.plan import Outcome
from eso_core.refs import Ref
from eso_core.sim.api import ApiServer
from eso_core.wire import KubeReply
from eso_shell.converse import SdkRunner
from eso_shell.drive import Driver, clocks
from eso_shell.http import HttpClient, ProxyRules
from eso_shell.kube.memory import MemoryKube
from eso_shell.sigv4 import signer

TURNS = 5  # turns of the event loop without news after which nothing is on its way any more


@dataclass(frozen=True, slots=True)
class Rejected:
    """The API server did not take a manifest."""

    name: str  # Kind namespace/name
    message: str


@dataclass(slots=True)
class Finding:
    """What became of one object: its last report, and everything that was written in its passes."""

    report: Report
    writes: list[tuple[Applicable, Outcome]]


@dataclass(slots=True)
class Finished:
    """The cluster after the operator has nothing more to do at once."""

    server: ApiServer
    rejected: tuple[Rejected, ...]
    findings: dict[Ref, Finding] = field(default_factory=dict)
    in_time: bool = True


class _Notes:
    def __init__(self, finished: Finished) -> None:
        self._finished = finished

    def report(self, report: Report) -> None:
        known = self._finished.findings.get(report.key)
        if known is None:
            self._finished.findings[report.key] = Finding(report, list(report.writes))
            return
        known.writes.extend(report.writes)
        if report.settled.because is not None or report.settled.detail is not None:
            known.report = report

    def called(self, label: str, name: str, *, ok: bool) -> None:
        """Backend calls need no note."""


def run(
    manifests: Sequence[Mapping[str, Any]], *, namespace: str, environ: Mapping[str, str], timeout_s: float, config: Config = Config()
) -> Finished:
    """Apply ``manifests`` in order and let the operator work until it would have to wait, at most ``timeout_s`` seconds."""
    return asyncio.run(_run(manifests, namespace, environ, timeout_s, config))


async def _run(
    manifests: Sequence[Mapping[str, Any]], namespace: str, environ: Mapping[str, str], timeout_s: float, config: Config
) -> Finished:
    server = ApiServer()
    for definition in crds():
        server.install(definition)
    finished = Finished(server, tuple(_apply(server, manifests, namespace, clocks())))
    engine = build(config, random=random.SystemRandom().random)
    kube = MemoryKube(server, now=lambda: clocks().wall)
    http = HttpClient(user_agent="external-secrets", proxies=ProxyRules(environ), signer=signer())
    sdk = SdkRunner(environ)
    driver = Driver(engine, kube, http, sdk, _Notes(finished))
    work = asyncio.create_task(driver.run())
    try:
        async with asyncio.timeout(timeout_s):
            await _quiet(engine)
    except TimeoutError:
        finished.in_time = False
    driver.stop()
    await work
    await http.close()
    await kube.close()
    sdk.close()
    return finished


async def _quiet(engine: Engine) -> None:
    """Until nothing is under way and nothing is due."""
    turns = 0
    while turns < TURNS:
        await asyncio.sleep(0 if engine.busy == 0 else 0.002)
        due = engine.queue.next_at()
        idle = engine.synced and engine.busy == 0 and (due is None or due > clocks().mono)
        turns = turns + 1 if idle else 0


def _apply(server: ApiServer, manifests: Iterable[Mapping[str, Any]], namespace: str, now: Now) -> Iterable[Rejected]:
    """Apply manifests, creating the namespaces they name."""
    for manifest in manifests:
        kind, meta = manifest["kind"], dict(manifest["metadata"])
        meta.setdefault("namespace", namespace)
        try:
            server.create_namespace(meta["namespace"], now.wall)
            reply = server.apply({**manifest, "metadata": meta}, now.wall, "kubectl")
        except LookupError:
            yield Rejected(f"{kind} {meta['namespace']}/{meta['name']}", "this kind is not served here; it is ignored")
            continue
        if reply.status >= 300:
            yield Rejected(f"{kind} {meta['namespace']}/{meta['name']}", _message(reply))


def _message(reply: KubeReply) -> str:
    status: dict[str, Any] = orjson.loads(reply.body)
    return str(status.get("message", f"status {reply.status}"))
