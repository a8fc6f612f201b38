"""A service of the kind that webhook stores are made for: values under ``/secrets/<key>``, behind a key in a header.

There is no vendor and so no document; what is fixed is HTTP (RFC 9110): 404, 401, 405, 304 for a push of what is there already, HEAD.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import unquote_plus, urlsplit

import orjson

from eso_core.failure import Refused, Unreachable
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, SdkCall, SdkReply

ORIGIN = "https://hooks.example:8443"
KEY = "k3y-of-the-hook"
FOLDER = "/api/secrets/"


def held(key: str = KEY) -> bytes:
    """A whole Secret, as a slot holds it."""
    return orjson.dumps({"key": base64.b64encode(key.encode()).decode()})


class Server:
    """``put`` is given the value itself; a read answers with it in JSON, or, where ``plain``, as it is."""

    plain = False

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.key = KEY

    def answer(self, call: Call) -> CallReply:
        parts = urlsplit(call.url) if isinstance(call, HttpCall) else None
        if not isinstance(call, HttpCall) or parts is None or f"{parts.scheme}://{parts.netloc}" != ORIGIN:
            return CallFailed(Unreachable("there is no such server"))
        if call.method == "HEAD":
            return HttpReply(status=204)
        if {name.lower(): value for name, value in call.headers.items()}.get("x-api-key") != self.key:
            return _error(401, "who are you?")
        if not parts.path.startswith(FOLDER) or "/" in parts.path.removeprefix(FOLDER) or parts.query:
            return _error(404, "no such page")
        return self._of(call.method, unquote_plus(parts.path.removeprefix(FOLDER)), call.body)

    def _of(self, method: str, name: str, body: bytes) -> HttpReply:
        value = self.values.get(name)
        match method:
            case "GET" if value is not None:
                return HttpReply(status=200, body=value if self.plain else orjson.dumps({"data": {"value": value.decode()}}))
            case "POST" if value == body:
                return HttpReply(status=304)
            case "POST" if name and (self.plain or _is_text(body)):
                self.values[name] = body
                return HttpReply(status=201)
            case "POST":
                return _error(400, "no text")
            case "DELETE" if value is not None:
                del self.values[name]
                return HttpReply(status=204)
            case "GET" | "DELETE":
                return _error(404, "no such secret")
            case _:
                return _error(405, "no such method")

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        self.values[name] = value
        return ""

    def remove(self, name: str) -> None:
        self.values.pop(name, None)

    def held(self, name: str) -> bytes | None:
        return self.values.get(name)

    def expire(self) -> None:
        """There are no sessions."""

    def rotate(self) -> Mapping[str, bytes]:
        self.key = f"{KEY}-rotated"
        return {"secret0": held(self.key)}


class PlainServer(Server):
    plain = True


class NtlmServer(Server):
    """Reached through ``ntlm.send``; the key in the header is not asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.password = KEY

    def answer(self, call: Call) -> CallReply:
        if isinstance(call, HttpCall) and call.method == "HEAD":
            return super().answer(call)
        if not isinstance(call, SdkCall) or call.name != "ntlm.send":
            return CallFailed(Unreachable("there is no such server"))
        args = call.args
        if (args["username"], args["password"]) != ("CORP\\reader", self.password):
            return CallFailed(Refused("the NTLM handshake failed"))
        sent = HttpCall(method=args["method"], url=args["url"], headers={"X-Api-Key": self.key}, body=args["body"])
        reply = super().answer(sent)
        assert isinstance(reply, HttpReply)
        return SdkReply(value={"status": reply.status, "headers": dict(reply.headers), "body": reply.body})

    def rotate(self) -> Mapping[str, bytes]:
        self.password = f"{KEY}-rotated"
        return {"ntlm_password": held(self.password)}


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _error(status: int, text: str) -> HttpReply:
    return HttpReply(status=status, headers={"content-type": "application/json"}, body=orjson.dumps({"error": text}))
