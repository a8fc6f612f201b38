"""The operator's two servers: ``/metrics`` on ``--metrics-addr``, ``/healthz``, ``/livez`` and ``/readyz`` on ``--live-addr``."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias

from eso_shell.observe import logging
from eso_shell.observe.exposition import CONTENT_TYPE
from eso_shell.observe.health import Check
from eso_shell.observe.metrics import Metrics
from eso_shell.serve.http import Page, Route, ServeError, Server, serve
from eso_shell.settings import Settings

_LOG = logging.get("serve")

Checks: TypeAlias = Mapping[str, Check]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the servers listen; ``""`` for one that is turned off."""

    metrics: str
    live: str


@asynccontextmanager
async def endpoints(settings: Settings, metrics: Metrics, *, live: Checks, ready: Checks) -> AsyncIterator[Endpoints]:
    """Serve for the time of the block. ``live`` checks say whether a restart is needed, ``ready`` checks whether work is being done.

    Raises :class:`ServeError`.
    """
    servers: list[Server] = []
    try:
        probes = {"/healthz": health(live), "/livez": health(live), "/readyz": health(ready)}
        tls = certificate(settings) if settings.metrics_secure else None
        where = [
            await _started(servers, settings.metrics_addr, {"/metrics": numbers(metrics)}, tls),
            await _started(servers, settings.live_addr, probes, None),
        ]
        yield Endpoints(*where)
    finally:
        for server in servers:
            await server.close()


async def _started(servers: list[Server], address: str, routes: Mapping[str, Route], tls: ssl.SSLContext | None) -> str:
    server = await serve(address, routes, tls=tls)
    if server is None:
        return ""
    servers.append(server)
    return server.address


def numbers(metrics: Metrics) -> Route:
    """The page of ``/metrics``."""
    return lambda: Page(metrics.render(), content_type=CONTENT_TYPE, compress=True)


def health(checks: Checks) -> Route:
    """A page that is 200 ``ok`` when all checks are well, else 500 and one line for each that is not."""

    def page() -> Page:
        unwell = [f"{name}: {reason}\n" for name, check in checks.items() if (reason := _asked(check))]
        if not unwell:
            return Page([b"ok"])
        return Page(["".join(unwell).encode()], HTTPStatus.INTERNAL_SERVER_ERROR)

    return page


def _asked(check: Check) -> str:
    """Why the check is not well, ``""`` when it is."""
    try:
        well, reason = check()
    except Exception as error:
        _LOG.exception("a health check failed")
        return f"the check failed: {type(error).__name__}"
    return "" if well else reason or "not well"


# ---------------------------------------------------------------- certificate


def certificate(settings: Settings) -> ssl.SSLContext:
    """A context that always serves the newest certificate of ``--metrics-cert-dir``. Raises :class:`ServeError`."""
    folder = Path(settings.metrics_cert_dir)
    files = _Files(folder / settings.metrics_cert_name, folder / settings.metrics_key_name)
    try:
        context = files.load()
    except (OSError, ssl.SSLError) as error:
        raise ServeError(f"cannot use the certificate in {folder}: {error.strerror or error}") from None
    context.sni_callback = files.choose
    return context


class _Files:
    """A certificate and its key, read again when one of the files has changed."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._paths = (cert, key)
        self._stamp: tuple[int, ...] = ()
        self._context: ssl.SSLContext | None = None

    def load(self) -> ssl.SSLContext:
        stamp = tuple(path.stat().st_mtime_ns for path in self._paths)
        if self._context is None or stamp != self._stamp:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(*self._paths)
            self._context, self._stamp = context, stamp
        return self._context

    def choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, first: ssl.SSLContext) -> None:
        """Called in each handshake. A pair that cannot be read (half written) leaves the last good one in use."""
        try:
            connection.context = self.load()
        except (OSError, ssl.SSLError) as error:
            _LOG.warn("cannot read the certificate for metrics", error=error)
            if self._context is not None:
                connection.context = self._context
