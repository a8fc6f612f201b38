"""A server for GET requests without a body: enough for metrics and probes, and small enough to be read.

Guarantees
    * Memory is bounded: a request head of at most 8 KB, at most ``Limits.connections`` connections, a reply sent page by page as the
      reader takes it. When a new connection finds no room, the one that has been idle longest is closed for it.
    * Time is bounded: a client has ``head_s`` seconds for a request, ``write_s`` to take a page, and ``idle_s`` until the next request.
    * A request that could be understood in two ways is answered with 400 and the connection is closed.
    * Between two pages other tasks run.

Caveats
    * No request body, no pipelining beyond what the buffer holds, no HTTP/2. A request with a body is answered and the connection closed.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

from eso_shell.observe import logging

_LOG = logging.get("serve")
_HEAD_MAX = 8192  # bytes
_BACKLOG = 128  # connections that the kernel keeps until they are accepted
_TEXT = "text/plain; charset=utf-8"


class ServeError(Exception):
    """A server cannot start. The text is one line for a person."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. ``body`` in parts; ``compress`` when the reader allows it."""

    body: Iterable[bytes]
    status: int = HTTPStatus.OK
    content_type: str = _TEXT
    compress: bool = False
    allow: str = ""  # methods, for 405


Route: TypeAlias = Callable[[], Page]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one server; times in seconds."""

    connections: int = 64
    head_s: float = 5.0
    idle_s: float = 120.0
    write_s: float = 30.0
    close_s: float = 1.0  # for replies under way when the server closes


# ---------------------------------------------------------------- addresses


def bind(address: str) -> socket.socket | None:
    """A bound socket for ``:8080``, ``127.0.0.1:0``, ``[::1]:80`` or ``localhost:80``; ``None`` for ``0`` and the empty text.

    Without a host, all addresses of both families. Raises :class:`ServeError`.
    """
    if address in ("", "0"):
        return None
    host, port = _split(address)
    try:
        return _every_address(port) if not host else _one_address(host, port)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]
        raise ServeError(f"cannot listen on {address}: {reason}") from None
    except UnicodeError:
        raise ServeError(f"cannot listen on {address}: the host is not a name") from None


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or (":" in bare and bare == host):
        raise ServeError(f"cannot listen on {address!r}: an address is host:port or :port, with [ ] around an IPv6 host")
    return bare, int(port)


def _every_address(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
    return socket.create_server(("", port), backlog=_BACKLOG)


def _one_address(host: str, port: int) -> socket.socket:
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server((str(where[0]), port), family=family, backlog=_BACKLOG)


# ---------------------------------------------------------------- requests


class _Unclear(Exception):
    """A request that is answered with 400."""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    modern: bool  # HTTP/1.1
    keep: bool
    gzip: bool


def _parse(head: bytes) -> _Request:
    """One request head, with its empty line. Raises :class:`_Unclear`."""
    line, *rest = head[:-4].decode("latin-1").split("\r\n")
    parts = line.split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.0", "HTTP/1.1") or not parts[1].startswith("/"):
        raise _Unclear("malformed request line")
    headers = _headers(rest)
    modern = parts[2] == "HTTP/1.1"
    if modern and "host" not in headers:
        raise _Unclear("no Host header")
    keep = modern and "close" not in headers.get("connection", "").lower() and not _has_body(headers)
    return _Request(parts[0], parts[1].partition("?")[0], modern, keep, _takes_gzip(headers))


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or "\r" in line or "\n" in line:
            raise _Unclear("malformed header")
        if name.lower() in headers and name.lower() in ("host", "content-length", "transfer-encoding"):
            raise _Unclear(f"{name.lower()} is given twice")
        headers[name.lower()] = value.strip()
    return headers


def _has_body(headers: Mapping[str, str]) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _takes_gzip(headers: Mapping[str, str]) -> bool:
    offers = [offer.replace(" ", "") for offer in headers.get("accept-encoding", "").lower().split(",")]
    return any(offer == "gzip" or (offer.startswith("gzip;") and not offer.endswith((";q=0", ";q=0.0"))) for offer in offers)


# ---------------------------------------------------------------- replies


def _problem(status: HTTPStatus, text: str = "", *, allow: str = "") -> Page:
    return Page([f"{text or status.phrase}\n".encode()], status, allow=allow)


def _reply_head(page: Page, request: _Request, length: int | None) -> bytes:
    phrase = HTTPStatus(page.status).phrase
    lines = [f"HTTP/1.1 {int(page.status)} {phrase}", f"Content-Type: {page.content_type}", "X-Content-Type-Options: nosniff"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    elif request.modern:
        lines.append("Transfer-Encoding: chunked")
    if page.compress:
        lines.append("Vary: Accept-Encoding")
    if page.compress and request.gzip:
        lines.append("Content-Encoding: gzip")
    if page.allow:
        lines.append(f"Allow: {page.allow}")
    if not request.keep:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _gzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    squeeze = zlib.compressobj(1, wbits=31)
    for part in parts:
        yield squeeze.compress(part)
    yield squeeze.flush()


def _chunked(parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield b"%x\r\n%b\r\n" % (len(part), part) if part else b""
    yield b"0\r\n\r\n"


# ---------------------------------------------------------------- the server


@dataclass(slots=True, eq=False)
class Server:
    """Answers ``routes`` until it is closed. Made by :func:`serve`."""

    routes: Mapping[str, Route]
    limits: Limits
    address: str = ""  # as bound: "127.0.0.1:41231"
    _server: asyncio.Server | None = None
    _tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)
    _idle: dict[asyncio.Task[None], None] = field(default_factory=dict)  # longest idle first

    async def start(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Answer what arrives at ``sock``."""
        handshake_s = self.limits.head_s if tls else None
        self._server = await asyncio.start_server(self.accept, sock=sock, limit=_HEAD_MAX, ssl=tls, ssl_handshake_timeout=handshake_s)

    async def close(self) -> None:
        """Take no more connections, give replies under way ``close_s`` seconds, and end."""
        if self._server is not None:
            self._server.close()
        for task in list(self._idle):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=self.limits.close_s)
        for task, writer in list(self._tasks.items()):
            writer.transport.abort()
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte to its last."""
        task = asyncio.current_task()
        assert task is not None
        self._make_room()
        self._tasks[task] = writer
        try:
            await self._converse(task, reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # it is gone, slow, or closed by us: nobody to tell
        except Exception:
            _LOG.exception("a request could not be answered")
        finally:
            self._tasks.pop(task, None)
            self._idle.pop(task, None)
            writer.close()

    def _make_room(self) -> None:
        if len(self._tasks) < self.limits.connections:
            return
        victim = next(iter(self._idle), None) or next(iter(self._tasks))
        self._idle.pop(victim, None)
        self._tasks.pop(victim).transport.abort()

    async def _converse(self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wait_s, keep = self.limits.head_s, True
        while keep and self._server is not None and self._server.is_serving():
            self._idle[task] = None
            async with asyncio.timeout(wait_s):
                head = await self._read_head(reader)
            self._idle.pop(task, None)
            keep = await self._answer(head, writer)
            wait_s = self.limits.idle_s

    async def _read_head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return b""

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> bool:
        """Send the reply; whether another request may follow."""
        try:
            request = _parse(head) if head else None
            page = self._page(request) if request else _problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        except _Unclear as error:
            request, page = None, _problem(HTTPStatus.BAD_REQUEST, str(error))
        request = request or _Request("GET", "", modern=True, keep=False, gzip=False)
        await self._send(page, request, writer)
        return request.keep

    def _page(self, request: _Request) -> Page:
        route = self.routes.get(request.path)
        if route is None:
            return _problem(HTTPStatus.NOT_FOUND)
        if request.method not in ("GET", "HEAD"):
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED, allow="GET, HEAD")
        try:
            return route()
        except Exception:
            _LOG.exception("a page could not be made", path=request.path)
            return _problem(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _send(self, page: Page, request: _Request, writer: asyncio.StreamWriter) -> None:
        parts, length = page.body, None
        if page.compress and request.gzip:
            parts = _gzipped(parts)
        elif isinstance(parts, list | tuple):
            length = sum(map(len, parts))
        writer.write(_reply_head(page, request, length))
        if request.method != "HEAD":
            for part in parts if length is not None or not request.modern else _chunked(parts):
                writer.write(part)
                await self._drain(writer)
        await self._drain(writer)

    async def _drain(self, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self.limits.write_s):
            await writer.drain()
        await asyncio.sleep(0)  # `drain` alone does not let others run while the buffer has room


async def serve(
    address: str, routes: Mapping[str, Route], *, tls: ssl.SSLContext | None = None, limits: Limits | None = None
) -> Server | None:
    """Start a server; ``None`` when ``address`` turns it off. Raises :class:`ServeError` when the address cannot be had."""
    sock = bind(address)
    if sock is None:
        return None
    server = Server(routes, limits or Limits(), _written(sock))
    await server.start(sock, tls)
    return server


def _written(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
