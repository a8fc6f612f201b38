"""The HTTP look-alikes of :mod:`tests.parity.recordings.backends`, on a port."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.e2e.harness.process import free_port
from tests.parity.recordings.backends import Stubs


class StubServer(Stubs):
    """A context manager. Requests are answered one at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True  # connections that a client keeps open hold up nothing
        self._thread = threading.Thread(target=self._server.serve_forever, name="stubs", kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> StubServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        with self._lock:
            return super().respond(method, target, headers, body)

    def set_vault(self, path: str, data: Mapping[str, Any] | None, custom: Mapping[str, Any] | None) -> None:
        with self._lock:
            super().set_vault(path, data, custom)

    def vault_below(self, prefix: str) -> dict[str, Any]:
        with self._lock:
            return super().vault_below(prefix)

    def live_tokens(self, prefix: str) -> dict[str, list[int]]:
        with self._lock:
            return super().live_tokens(prefix)


def _handler(stubs: StubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: a scenario tells what it has to know of the calls."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, raw = stubs.respond(self.command, self.path, dict(self.headers.items()), body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_LIST = _answer  # noqa: N815 -- the server looks for these

    return Handler
