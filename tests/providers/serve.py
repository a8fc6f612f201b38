"""Serves a provider's in-memory backend over real HTTP, so that other clients than ours can be run against it: vendors' own libraries.

``with serve(server) as where:`` gives the base URL; the server runs in a thread of its own and answers one request at a time.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from eso_core.wire import Call, CallReply, HttpCall, HttpReply

BODY_MAX = 32 * 1024 * 1024  # bytes
OF_THE_CONNECTION = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "date", "server", "content-encoding"})


class Answers(Protocol):
    """The part of :class:`eso_core.sim.provider.case.Server` that is served."""

    def answer(self, call: Call) -> CallReply: ...


@dataclass
class Served:
    """``url`` without a final slash; ``calls`` are what came in, as they were answered."""

    url: str
    port: int
    calls: list[HttpCall] = field(default_factory=list)


@contextmanager
def serve(
    server: Answers | Callable[[Call], CallReply],
    *,
    base: str | Callable[[str], str] | None = None,
    tls: tuple[str, str] | None = None,
    host: str = "localhost",
) -> Iterator[Served]:
    """``server`` at a free port of this machine; ``host`` is how the URL names it.

    ``base``: what requests are addressed to as the server sees it, such as ``https://vault.example``, in place of the real address; or a
    function of the request's Host header (without port), for a server behind several names. ``tls``: paths of a certificate and its key.
    """
    answer = server if callable(server) else server.answer
    where = Served("", 0)
    ready, loop = threading.Event(), asyncio.new_event_loop()
    failed: list[BaseException] = []
    stop = asyncio.Event()

    async def main() -> None:
        runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_context(tls))
            await site.start()
            where.port = runner.addresses[0][1]
            where.url = f"{'https' if tls else 'http'}://{host}:{where.port}"
            ready.set()
            await stop.wait()
        finally:
            await runner.cleanup()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        call = await _call(request, _base(base, request.headers.get("Host", ""), where))
        where.calls.append(call)
        reply = answer(call)
        if not isinstance(reply, HttpReply):
            return web.Response(status=502, text=f"{type(reply).__name__}: not an HTTP answer")
        kept = {name: value for name, value in reply.headers.items() if name.lower() not in OF_THE_CONNECTION}
        return web.Response(status=reply.status, headers=kept, body=reply.body)

    def run() -> None:
        try:
            loop.run_until_complete(main())
        except BaseException as error:  # told to the thread that waits
            failed.append(error)
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run, name="served-provider", daemon=True)
    thread.start()
    assert ready.wait(10), "the server does not start"
    if failed:
        raise failed[0]
    try:
        yield where
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
    if failed:
        raise failed[0]


def _base(base: str | Callable[[str], str] | None, host: str, where: Served) -> str:
    if base is None:
        return where.url
    return base(host.partition(":")[0]) if callable(base) else base


async def _call(request: web.BaseRequest, base: str) -> HttpCall:
    """The request as our own client would have been asked to send it; header names in title case, as providers write them."""
    headers = {"-".join(part.capitalize() for part in name.split("-")): value for name, value in request.headers.items()}
    headers = {name: value for name, value in headers.items() if name.lower() not in OF_THE_CONNECTION | {"host", "accept-encoding"}}
    return HttpCall(method=request.method, url=f"{base}{request.raw_path}", headers=headers, body=await request.read())


def _context(tls: tuple[str, str] | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    return context


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Header names in lower case: what a server that is served to all clients looks them up by."""
    return {name.lower(): value for name, value in headers.items()}
