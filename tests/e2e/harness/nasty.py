"""A backend with bad manners: it answers as Vault's KV version 2 does, until it is told to behave otherwise.

A store's server is :meth:`Nasty.server` of a name of its own; values, behaviour and the record of calls go by that name.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.e2e.harness import pki

CANARY = "hunter2"  # in every odd body: it must turn up nowhere
Behaviour = Callable[["Visit"], None]
Json = dict[str, Any]


class Visit(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 120

    def do_GET(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._serve()

    def reply(self, status: int, body: bytes | Json, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.head(status, {"Content-Type": "application/json", "Content-Length": str(len(raw)), **headers})
        self.wfile.write(raw)

    def head(self, status: int, headers: Json) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass

    @property
    def nasty(self) -> Nasty:
        return self.server.nasty

    def _serve(self) -> None:
        name, _, path = self.path.partition("?")[0].removeprefix("/").partition("/v1/")
        nasty = self.nasty
        token = self.headers.get("X-Vault-Token", "")
        with nasty.lock:
            nasty.visits.append((name, path, time.monotonic()))
        try:
            behaviour = nasty.behaviours.get((name, path)) or nasty.behaviours.get((name, path.partition("/")[0])) or good
            self.store, self.path_in_store, self.token = name, path, token
            behaviour(self)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    nasty: Nasty

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""


class Nasty:
    """``with Nasty() as nasty:`` serves on loopback. tls: with a certificate that nobody trusts."""

    def __init__(self, *, tls: bool = False) -> None:
        self.values: dict[tuple[str, str], Json] = {}
        self.behaviours: dict[tuple[str, str], Behaviour] = {}
        self.visits: list[tuple[str, str, float]] = []
        self.tokens: dict[str, str] = {}  # by name: the one that a login gave last
        self.lock = threading.Lock()
        self.over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Visit)
        self._server.nasty = self
        if tls:
            self._server.socket = _untrusted().wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Nasty:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def server(self, name: str) -> str:
        return f"{self.url}/{name}"

    def behave(self, name: str, behaviour: Behaviour, path: str = "kv") -> None:
        """From now on. path: what comes after ``/v1/``, or its first part."""
        self.behaviours[name, path] = behaviour

    def behave_well(self) -> None:
        self.behaviours.clear()

    def put(self, name: str, key: str, value: Json) -> None:
        self.values[name, key] = value

    def calls(self, name: str, path: str = "", *, since: float = 0.0) -> int:
        """Requests so far. since: of ``time.monotonic``."""
        with self.lock:
            return sum(visit[0] == name and visit[1].startswith(path) and visit[2] >= since for visit in self.visits)


def _untrusted() -> ssl.SSLContext:
    pair = pki.Authority("nobody").issue("nasty", addresses=("127.0.0.1",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        cert, key = Path(folder, "crt"), Path(folder, "key")
        cert.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        context.load_cert_chain(cert, key)
    return context


# ---------------------------------------------------------------- behaviours


def good(visit: Visit) -> None:
    """As Vault."""
    path = visit.path_in_store
    if path == "auth/approle/login":
        with visit.nasty.lock:
            token = visit.nasty.tokens[visit.store] = f"{visit.store}-{len(visit.nasty.visits)}"
        visit.reply(200, {"auth": {"client_token": token, "lease_duration": 3600}})
    elif path == "auth/token/lookup-self":
        visit.reply(200, {"data": {"ttl": 3600}})
    else:
        value = visit.nasty.values.get((visit.store, path.removeprefix("kv/data/")))
        found = {"data": {"data": value, "metadata": {"version": 1}}}
        visit.reply(404, {"errors": []}) if value is None else visit.reply(200, found)


def only_the_last_token(visit: Visit) -> None:
    """As Vault, to whom logged in last."""
    good(visit) if visit.token == visit.nasty.tokens.get(visit.store) else refused(visit)


def refused(visit: Visit) -> None:
    visit.reply(403, {"errors": ["permission denied"]})


def garbage(visit: Visit) -> None:
    visit.reply(200, b'\x00\xff{"data": {"data": ' + CANARY.encode())


def html(visit: Visit) -> None:
    visit.reply(200, f"<html>{CANARY}</html>".encode(), Content_Type="text/html")


def other_shape(visit: Visit) -> None:
    visit.reply(200, {"data": [CANARY, {"data": 5}]})


def empty(visit: Visit) -> None:
    visit.reply(200, b"")


def error(visit: Visit) -> None:
    visit.reply(500, {"errors": ["internal error"]})


def hang(visit: Visit) -> None:
    visit.nasty.over.wait(visit.timeout)
    visit.close_connection = True


def trickle(visit: Visit) -> None:
    """A byte a second."""
    visit.head(200, {"Content-Length": "1000"})
    while not visit.nasty.over.wait(1.0):
        visit.wfile.write(b" ")


def reset(visit: Visit) -> None:
    """Half of the body, then RST."""
    visit.head(200, {"Content-Length": "1000"})
    visit.wfile.write(b'{"data": ')
    visit.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.connection.close()
    visit.close_connection = True


def throttle(seconds: int) -> Behaviour:
    return lambda visit: visit.reply(429, {"errors": ["slow down"]}, Retry_After=str(seconds))


def redirect(to: str) -> Behaviour:
    return lambda visit: visit.reply(302, b"", Location=f"{to}{visit.path}")


def body(whole: bytes) -> Behaviour:
    """200 with this."""
    return lambda visit: visit.reply(200, whole)


def chunks(part: bytes, count: int) -> Behaviour:
    """200 with ``count`` parts whose sum is not told before."""

    def behave(visit: Visit) -> None:
        visit.head(200, {"Transfer-Encoding": "chunked"})
        for _ in range(count):
            visit.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        visit.wfile.write(b"0\r\n\r\n")

    return behave
