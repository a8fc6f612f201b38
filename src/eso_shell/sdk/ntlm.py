"""NTLM through pyspnego: one request, sent as often as the handshake takes, all on one connection, for NTLM authenticates connections.

====================================  ==========================================================
server says                           what is sent next
====================================  ==========================================================
401 with a challenge                  the answer to it; what comes then is the reply
401 that offers ``Negotiate`` alone   the same handshake under that name
401 that offers ``Basic`` alone       user name and password, as the reference's client does
anything else                         nothing: it is the reply
====================================  ==========================================================

Redirects are not followed. What may appear in a failure's text: scheme, host and port, and the type of the cause.
"""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Timer
from typing import Any, Final
from urllib.parse import urlsplit

import spnego
from spnego.exceptions import SpnegoError

from eso_core.failure import Broken, InvalidSpec, Refused, Unreachable
from eso_core.wire import Tls
from eso_shell.sdk import SdkFailure
from eso_shell.tls import ssl_context

CONNECT_S: Final = 5.0
CHUNK: Final = 64 * 1024  # bytes
OURS: Final = frozenset(
    {"authorization", "connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that belong to the handshake and its connection; a request's are left out."""
OFFER: Final = re.compile(r"(?:^|,)\s*(NTLM|Negotiate|Basic)(?:\s+([A-Za-z0-9+/]+=*))?\s*(?=,|$|\s+realm)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Sent:
    """The request that is repeated."""

    method: str
    target: str
    headers: Mapping[str, str | bytes]
    body: bytes
    body_max: int
    until: float  # of the monotonic clock


def send(args: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """``args``: ``method``, ``url``, ``headers``, ``body``, ``username`` (also ``DOMAIN\\user``), ``password``, ``tls`` (a
    :class:`~eso_core.wire.Tls`), ``body_max``, ``timeout_s``. Gives ``status``, ``headers`` (names in lower case) and ``body``.
    """
    parts = urlsplit(str(args["url"]))
    peer = f"{parts.scheme}://{parts.netloc}"
    until = time.monotonic() + float(args["timeout_s"])
    headers = {name: value.encode("utf-8", "replace") for name, value in args["headers"].items() if name.lower() not in OURS}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = _Sent(args["method"], target, {"Accept-Encoding": "identity", **headers}, args["body"], int(args["body_max"]), until)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port)
    watchdog = Timer(max(0.0, until - time.monotonic()), _cut, [connection])
    watchdog.daemon = True
    try:
        connection.sock = _connected(connection, peer, args["tls"], parts.scheme)
        watchdog.start()
        return _handshake(connection, sent, str(args["username"]), str(args["password"]))
    except SpnegoError:
        raise SdkFailure(Refused(f"{peer}: the NTLM handshake failed")) from None
    except (http.client.HTTPException, OSError) as error:
        what = "no answer in time" if time.monotonic() >= until or isinstance(error, TimeoutError) else type(error).__name__
        raise SdkFailure(Unreachable(f"{peer}: {what}")) from None
    finally:
        watchdog.cancel()
        connection.close()


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=CONNECT_S)
    return http.client.HTTPConnection(host, port, timeout=CONNECT_S)


def _connected(connection: http.client.HTTPConnection, peer: str, tls: Tls, scheme: str) -> socket.socket:
    """A socket, behind TLS where the URL says so."""
    raw = socket.create_connection((connection.host, connection.port), CONNECT_S)
    if scheme != "https":
        return raw
    context = ssl_context(tls)
    if isinstance(context, InvalidSpec):
        raw.close()
        raise SdkFailure(context)
    try:
        return context.wrap_socket(raw, server_hostname=connection.host)
    except ssl.SSLError as error:
        raw.close()
        raise SdkFailure(Unreachable(f"{peer}: TLS: {error.reason or type(error).__name__}")) from None


def _cut(connection: http.client.HTTPConnection) -> None:
    """Time is up: whoever reads or writes gets an error."""
    try:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _handshake(connection: http.client.HTTPConnection, sent: _Sent, username: str, password: str) -> dict[str, Any]:
    scheme = "NTLM"
    reply: dict[str, Any] = {}
    for _ in range(2):
        client = spnego.client(username, password, protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        reply = _exchange(connection, sent, f"{scheme} {_text(client.step())}")
        offers = _offers(reply)
        if reply["status"] != 401 or not offers:
            return reply
        challenge = offers.get(scheme)
        if challenge:
            return _exchange(connection, sent, f"{scheme} {_answer(client, challenge)}")
        if "Negotiate" in offers and scheme == "NTLM":
            scheme = "Negotiate"
            continue
        if set(offers) == {"Basic"}:
            return _exchange(connection, sent, "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode())
        return reply
    return reply


def _answer(client: Any, challenge: str) -> str:
    """What answers a challenge. Of one that makes no sense the library raises what its parsing runs into."""
    try:
        return _text(client.step(base64.b64decode(challenge)))
    except (ValueError, LookupError, struct.error):
        raise SdkFailure(Broken("the server's NTLM challenge makes no sense")) from None


def _text(token: bytes | None) -> str:
    return base64.b64encode(token or b"").decode()


def _offers(reply: Mapping[str, Any]) -> dict[str, str]:
    """What the server takes, by name, with the challenge where there is one."""
    found: dict[str, str] = {}
    for name, token in OFFER.findall(str(reply["headers"].get("www-authenticate", ""))[:65_536]):
        found[{"ntlm": "NTLM", "negotiate": "Negotiate", "basic": "Basic"}[name.lower()]] = token
    return found


def _exchange(connection: http.client.HTTPConnection, sent: _Sent, authorization: str) -> dict[str, Any]:
    """One request and its answer, on the connection as it is: the server must not close it in between."""
    left = sent.until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    if connection.sock is None:
        raise http.client.NotConnected
    connection.sock.settimeout(left)
    connection.auto_open = 0
    connection.request(sent.method, sent.target, body=sent.body or None, headers={**sent.headers, "Authorization": authorization})
    response = connection.getresponse()
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return {"status": response.status, "headers": headers, "body": _body(response, sent)}


def _body(response: http.client.HTTPResponse, sent: _Sent) -> bytes:
    chunks: list[bytes] = []
    left = sent.body_max
    while chunk := response.read1(CHUNK):
        left -= len(chunk)
        if left < 0:
            raise SdkFailure(Broken(f"answer larger than {sent.body_max} bytes"))
        chunks.append(chunk)
    if response.length:
        raise http.client.IncompleteRead(b"")
    response.close()  # the connection stays open, and takes the next request
    return b"".join(chunks)
