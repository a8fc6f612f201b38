"""NTLM over a socket, with pyspnego's acceptor on the other side."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from eso_core.failure import Broken, Refused, Unreachable
from eso_core.wire import Tls
from eso_shell.sdk import SdkFailure
from tests.providers.scripts import CANARY
from tests.unit.shell.servers import AUTHORITY, LOOPBACK, server_tls

spnego = pytest.importorskip("spnego")
ntlm = pytest.importorskip("eso_shell.sdk.ntlm")


class Handler(BaseHTTPRequestHandler):
    """One connection, one handshake: a token of another connection is refused."""

    protocol_version = "HTTP/1.1"
    scheme, offer, close_early = "NTLM", "NTLM", False
    seen: list[tuple[int, str, bytes, str]]

    def setup(self) -> None:
        super().setup()
        self.acceptor = None

    def log_message(self, *_: object) -> None:
        pass

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = self.headers.get("Authorization", "")
        self.seen.append((self.client_address[1], self.path, body, given.partition(" ")[0]))
        scheme, _, token = given.partition(" ")
        if scheme == self.scheme and self.scheme != "Basic":
            self.negotiate(base64.b64decode(token), body)
        elif scheme == "Basic" == self.scheme and base64.b64decode(token) == f"CORP\\me:{CANARY}".encode():
            self.reply(200, b"welcome")
        else:
            self.reply(401, b"", **{"WWW-Authenticate": self.offer})

    do_POST = answer  # noqa: N815

    def negotiate(self, token: bytes, body: bytes) -> None:
        if self.acceptor is None:
            self.acceptor = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        try:
            challenge = self.acceptor.step(token)
        except spnego.exceptions.SpnegoError:
            return self.reply(401, b"", **{"WWW-Authenticate": self.offer})
        if not self.acceptor.complete:
            extra = {"Connection": "close"} if self.close_early else {}
            challenged = f"{self.scheme} {base64.b64encode(challenge).decode()}"
            return self.reply(401, b"who?" * 100, **{"WWW-Authenticate": challenged}, **extra)
        return self.reply(200, b"welcome " + body, **{"X-User": str(self.acceptor.client_principal)})

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(handler: type[Handler], tls: bool = False) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls:
        server.socket = server_tls(LOOPBACK).wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # a client that does not trust it is one
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def handler(tmp_path, monkeypatch) -> Callable[..., type[Handler]]:
    users = tmp_path / "users"
    users.write_text(f"CORP:me:{CANARY}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    return lambda **how: type("Chosen", (Handler,), {**how, "seen": []})


def send(url, path="/s/db?v=1", **change):
    args = {"method": "POST", "url": url + path, "headers": {"X-A": "1", "Authorization": "no"}, "body": b"body"}
    login = {"username": "CORP\\me", "password": CANARY}
    return ntlm.send({**args, **login, "tls": Tls(), "body_max": 1000, "timeout_s": 10.0, **change}, {})


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_the_handshake_takes_one_connection(handler, scheme):
    chosen = handler(scheme=scheme, offer=scheme)
    with serving(chosen) as url:
        reply = send(url)
    assert (reply["status"], reply["body"]) == (200, b"welcome body")
    assert "me" in reply["headers"]["x-user"]
    assert len({port for port, *_ in chosen.seen}) == 1
    assert {(path, body) for _, path, body, _ in chosen.seen} == {("/s/db?v=1", b"body")}
    assert [given for *_, given in chosen.seen] == (["NTLM"] * 2 if scheme == "NTLM" else ["NTLM", "Negotiate", "Negotiate"])


def test_headers_of_the_connection_are_not_the_stores(handler):
    chosen = handler()
    with serving(chosen) as url:
        reply = send(
            url, headers={"Connection": "close", "content-length": "1", "Transfer-Encoding": "chunked", "Host": "x", "X-A": "\u00fc\u20ac"}
        )
    assert (reply["status"], reply["body"]) == (200, b"welcome body")
    assert {(path, body) for _, path, body, _ in chosen.seen} == {("/s/db?v=1", b"body")}


def test_the_handshake_over_tls(handler):
    with serving(handler(), tls=True) as url:
        assert send(url, tls=Tls(ca_pem=AUTHORITY.pem))["body"] == b"welcome body"
        with pytest.raises(SdkFailure) as caught:
            send(url)
    assert isinstance(caught.value.failure, Unreachable)
    assert "TLS" in caught.value.failure.what


def test_a_server_that_wants_the_password(handler):
    chosen = handler(scheme="Basic", offer='Basic realm="x"')
    with serving(chosen) as url:
        assert send(url)["body"] == b"welcome"
    assert [given for *_, given in chosen.seen] == ["NTLM", "Basic"]


def test_a_server_that_wants_nothing(handler):
    class Open(handler()):
        def answer(self):
            self.reply(204, b"")

        do_POST = answer  # noqa: N815

    with serving(Open) as url:
        assert send(url)["status"] == 204


def test_a_wrong_password(handler):
    with serving(handler()) as url:
        assert send(url, password="wrong")["status"] == 401


@pytest.mark.parametrize("offer", ["", "Digest x", "Bearer"])
def test_other_offers_are_the_reply(handler, offer):
    chosen = handler(scheme="none", offer=offer)
    with serving(chosen) as url:
        assert send(url)["status"] == 401
    assert len(chosen.seen) == 1


def test_a_connection_that_is_closed_in_between(handler):
    with serving(handler(close_early=True)) as url, pytest.raises(SdkFailure) as caught:
        send(url)
    assert isinstance(caught.value.failure, Unreachable)


def test_a_body_that_is_too_large(handler):
    with serving(handler()) as url, pytest.raises(SdkFailure) as caught:
        send(url, body_max=10)
    assert isinstance(caught.value.failure, Broken)


def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(SdkFailure) as caught:
        send(f"http://127.0.0.1:{port}")
    assert isinstance(caught.value.failure, Unreachable)
    assert CANARY not in caught.value.failure.what


def test_silence_ends(handler):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(SdkFailure) as caught:
            send(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2)
    assert caught.value.failure == Unreachable(f"http://127.0.0.1:{silent_port(caught)}: no answer in time")


def silent_port(caught) -> str:
    return caught.value.failure.what.split(":")[2]


def test_a_challenge_that_is_no_token(handler):
    with serving(handler(scheme="none", offer="NTLM !!!")) as url:
        assert send(url)["status"] == 401


@pytest.mark.parametrize("challenge", [b"\0\0\0", b"NTLMSSP\0" + b"\2" * 60, b"NTLMSSP\0\2\0\0\0", b"x" * 3000])
def test_a_challenge_that_makes_no_sense(handler, challenge):
    offer = f"NTLM {base64.b64encode(challenge).decode()}"
    with serving(handler(scheme="none", offer=offer)) as url, pytest.raises(SdkFailure) as caught:
        send(url)
    assert isinstance(caught.value.failure, Refused | Broken)
