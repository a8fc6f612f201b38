"""The service in memory, request by request as its documentation says. It refuses what the real one refuses."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from eso_core.failure import Broken
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply

CLIENT = "operator"
PAGE = 5  # names


@dataclass(slots=True)
class Held:
    """A locker: its values, oldest first, and its tags."""

    values: list[str]
    tags: Mapping[str, str] = field(default_factory=dict)


def said(status: int, body: Any) -> HttpReply:
    """An answer."""
    return HttpReply(status=status, headers={"content-type": "application/json"}, body=orjson.dumps(body))


def error(status: int, word: str) -> HttpReply:
    """An error."""
    return said(status, {"error": word})


class Server:
    """Implements :class:`eso_core.sim.provider.case.Server`."""

    def __init__(self) -> None:
        self.lockers: dict[str, Held] = {}
        self.secret = "first-client-secret"
        self.tokens: set[str] = set()
        self._given = 0

    # ------------------------------------------------------------ requests

    def answer(self, call: Call) -> CallReply:
        """The reply to one request."""
        if not isinstance(call, HttpCall):
            return CallFailed(Broken("the service has no library"))
        url = urlsplit(call.url)
        if url.path == "/v1/token":
            return self._token(call)
        if call.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return error(401, "unauthorized")
        if url.path == "/v1/lockers" and call.method == "GET":
            return self._list(parse_qs(url.query).get("cursor", [""])[0])
        head, _, name = url.path.rpartition("/")
        if head != "/v1/lockers" or not name:
            return error(404, "no_such_page")
        version = parse_qs(url.query).get("version", [""])[0]
        return self._locker(call, unquote(name), version)

    def _token(self, call: HttpCall) -> HttpReply:
        if call.method != "POST" or call.headers.get("Content-Type") != "application/json":
            return error(400, "bad_request")
        if orjson.loads(call.body) != {"client_id": CLIENT, "client_secret": self.secret}:
            return error(401, "unauthorized")
        self._given += 1
        token = f"token-number-{self._given}"
        self.tokens.add(token)
        return said(200, {"token": token, "expires_in": 900})

    def _list(self, cursor: str) -> HttpReply:
        names = sorted(name for name in self.lockers if name > cursor)
        more = names[PAGE - 1] if len(names) > PAGE else ""
        lockers = [{"name": name, "tags": self.lockers[name].tags} for name in names[:PAGE]]
        return said(200, {"lockers": lockers, "next": more})

    def _locker(self, call: HttpCall, name: str, version: str) -> HttpReply:
        held = self.lockers.get(name)
        if call.method == "PUT":
            body = orjson.loads(call.body)
            self._write(name, body["value"], body["tags"])
            return said(200, {"done": True})
        if held is None:
            return error(404, "no_such_locker")
        if call.method == "DELETE":
            del self.lockers[name]
            return said(200, {"done": True})
        if call.method != "GET":
            return error(405, "no_such_method")
        if version and not (version.isascii() and version.isdigit() and 1 <= int(version[:9]) <= len(held.values)):
            return error(404, "no_such_version")
        return said(200, {"name": name, "value": held.values[int(version) - 1 if version else -1], "tags": held.tags})

    def _write(self, name: str, value: str, tags: Mapping[str, str]) -> None:
        held = self.lockers.setdefault(name, Held([]))
        held.values.append(value)
        held.tags = dict(tags)

    # ------------------------------------------------------------ the suite's side

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        """Somebody writes a locker."""
        self._write(name, base64.b64encode(value).decode(), tags)
        return str(len(self.lockers[name].values))

    def remove(self, name: str) -> None:
        """Somebody deletes a locker."""
        self.lockers.pop(name, None)

    def held(self, name: str) -> bytes | None:
        """What is in a locker."""
        held = self.lockers.get(name)
        return base64.b64decode(held.values[-1]) if held is not None else None

    def expire(self) -> None:
        """All tokens end."""
        self.tokens.clear()

    def rotate(self) -> Mapping[str, bytes]:
        """The client gets another secret."""
        self.tokens.clear()
        self.secret = "second-client-secret"
        return {"secret": self.secret.encode()}
