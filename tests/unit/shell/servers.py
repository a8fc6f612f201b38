"""Servers on loopback that say exactly what a test tells them to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from eso_shell.tls import _as_file
from tests.e2e.harness.pki import Authority, Pair


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire. Header names are lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """``url`` has no slash at the end; ``dropped`` is set when a client has closed a connection."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    dropped: asyncio.Event = field(default_factory=asyncio.Event)
    peer_certificates: list[dict[str, object] | None] = field(default_factory=list)


def text(body: bytes = b"{}", status: str = "200 OK", headers: str = "") -> bytes:
    """A whole answer with a length."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def say(*answers: bytes) -> Answer:
    """The answers in order, the last one for ever."""
    left = list(answers)

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return answer


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection without a farewell."""
    writer.transport.abort()


async def silence(_: Request, writer: asyncio.StreamWriter) -> None:
    """No answer at all."""


@asynccontextmanager
async def serve(answer: Answer, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        server.peer_certificates.append(writer.get_extra_info("peercert"))
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                server.requests.append(Request(head[0], headers, body))
                await answer(server.requests[-1], writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            server.dropped.set()
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()
            tasks.discard(task)

    listening = await asyncio.start_server(connection, host, 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://{host}:{port}"
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)


def server_tls(pair: Pair, client_ca: bytes = b"") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with _as_file(pair.certificate + pair.key) as path:
        context.load_cert_chain(path)
    if client_ca:
        context.load_verify_locations(cadata=client_ca.decode())
        context.verify_mode = ssl.CERT_REQUIRED
    return context


AUTHORITY = Authority("tests")
LOOPBACK = AUTHORITY.issue("server", addresses=("127.0.0.1",))
