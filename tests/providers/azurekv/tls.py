"""The server behind real TLS, one connection for each request, so that nothing is open when a test ends."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eso_core.wire import HttpCall, HttpReply


@contextmanager
def listening(answer: Callable[[HttpCall], HttpReply], certificate: str, key: str, base: str = "") -> Iterator[str]:
    """The URL that ``answer`` is reached at; it sees requests as if they were made to ``base``, else to that URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda call: answer(call), lambda: base or url))
    server.daemon_threads = False  # closing waits for them
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _handler(answer: Callable[[HttpCall], HttpReply], base: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def _served(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = answer(HttpCall(method=self.command, url=f"{base()}{self.path}", headers=dict(self.headers), body=body))
            self.send_response(reply.status)
            for name, value in {**reply.headers, "content-length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _served  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Nothing is printed."""

    return Handler
