"""The real operator on a small cluster in this process: what ``eso demo`` and ``eso plan`` run.

Same engine, flows and driver as ``eso run``; only the API server is the in-memory one. Backends are called for real.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from eso_core.config import Config
from eso_core.machines.apply import Applicable
from eso_core.machines.commands import Report
from eso_core.machines.engine import Engine
from eso_core.operator import build
from eso_core.plan import Again, CreateTarget, Done, UpdateTarget
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Ref
from eso_core.sim.api import ApiServer
from eso_shell.chance import SystemChance
from eso_shell.converse import SdkRunner
from eso_shell.drive import Driver, clocks
from eso_shell.http import HttpClient, ProxyRules
from eso_shell.install import Turned, cluster, install
from eso_shell.kube.memory import MemoryKube
from eso_shell.manifests import Manifest
from eso_shell.sigv4 import signer

TURNS = 20  # turns of the event loop without news after which nothing is on its way any more
KINDS = (SECRET_STORE, CLUSTER_SECRET_STORE, EXTERNAL_SECRET)  # what the operator reports on


@dataclass(frozen=True, slots=True)
class Wrote:
    """A write that was carried out, and the object that was there before; ``None``: there was none, or it is none that is compared."""

    action: Applicable
    before: Mapping[str, Any] | None = field(repr=False)


@dataclass(slots=True)
class Finding:
    """What became of one object: its last report that says something, and everything that was written in its passes."""

    report: Report
    writes: list[Wrote]


@dataclass(slots=True)
class Finished:
    """The cluster after the operator has nothing more to do at once.

    ``unheard`` are objects that no pass has ended for: there are none ``in_time``.
    """

    server: ApiServer
    turned: tuple[Turned, ...]  # manifests that were not taken
    findings: dict[Ref, Finding] = field(default_factory=dict)
    in_time: bool = True
    unheard: tuple[Ref, ...] = ()


def run(
    manifests: Sequence[Manifest], *, namespace: str, environ: Mapping[str, str], timeout_s: float, config: Config = Config()
) -> Finished:
    """Apply ``manifests`` in order and let the operator work until it would have to wait, at most ``timeout_s`` seconds."""
    return asyncio.run(_run(manifests, namespace, environ, timeout_s, config))


async def _run(manifests: Sequence[Manifest], namespace: str, environ: Mapping[str, str], timeout_s: float, config: Config) -> Finished:
    server, kinds = cluster(config.extra)
    finished = Finished(server, install(server, kinds, manifests, namespace, clocks()))
    notes = _Notes(finished)
    engine = build(config, random=random.SystemRandom().random, chance=SystemChance())
    kube = MemoryKube(server, now=lambda: clocks().wall)
    http = HttpClient(user_agent="external-secrets", proxies=ProxyRules(environ), signer=signer())
    sdk = SdkRunner(environ)
    try:
        finished.in_time = await _work(Driver(engine, kube, http, sdk, notes), engine, notes, timeout_s)
    finally:
        await http.close()
        await kube.close()
        sdk.close()
    finished.unheard = tuple(ref for ref in _reported(server) if ref not in finished.findings)
    return finished


async def _work(driver: Driver, engine: Engine, notes: _Notes, timeout_s: float) -> bool:
    """Drive until the operator rests; whether it did in time. Calls that are under way at the end of the time are dropped."""
    work, rest = asyncio.create_task(driver.run()), asyncio.create_task(_rest(engine, notes))
    try:
        await asyncio.wait((work, rest), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()  # it does not end by itself: this raises what ended it
        return rest.done()
    finally:
        for task in (work, rest):
            task.cancel()
        await asyncio.gather(work, rest, return_exceptions=True)


async def _rest(engine: Engine, notes: _Notes) -> None:
    """Until nothing is under way, nothing is due, and no pass wants to begin again."""
    turns = 0
    while turns < TURNS:
        await asyncio.sleep(0 if engine.busy == 0 and not notes.again else 0.002)
        due = engine.queue.next_at()
        idle = engine.synced and engine.busy == 0 and not notes.again and (due is None or due > clocks().mono)
        turns = turns + 1 if idle else 0


def _reported(server: ApiServer) -> list[Ref]:
    metas = [(kind, found["metadata"]) for kind in KINDS for found in server.objects(kind)]
    return [Ref(kind, meta.get("namespace", ""), meta["name"]) for kind, meta in metas]


class _Notes:
    """A :class:`eso_shell.drive.Watcher`. ``again``: keys whose last pass ended for a new read, which is not far away."""

    def __init__(self, finished: Finished) -> None:
        self.again: set[Ref] = set()
        self._findings = finished.findings
        self._secrets: dict[Ref, Mapping[str, Any]] = {
            Ref(SECRET, found["metadata"]["namespace"], found["metadata"]["name"]): found for found in finished.server.objects(SECRET)
        }

    def report(self, report: Report) -> None:
        writes = [self._wrote(action, outcome) for action, outcome in report.writes if isinstance(outcome, Done)]
        known = self._findings.setdefault(report.key, Finding(report, []))
        known.writes.extend(writes)
        if report.settled.because is not None or report.settled.detail is not None:
            known.report = report
        (self.again.add if isinstance(report.settled.requeue, Again) else self.again.discard)(report.key)

    def called(self, label: str, name: str, *, ok: bool) -> None:
        """Backend calls need no note."""

    def _wrote(self, action: Applicable, outcome: Done) -> Wrote:
        ref = action.desired.ref if isinstance(action, CreateTarget | UpdateTarget) else action.ref
        before = self._secrets.pop(ref, None)
        if ref.kind == SECRET and outcome.raw:
            self._secrets[ref] = orjson.loads(outcome.raw)
        return Wrote(action, before)
