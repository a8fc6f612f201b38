"""What the operator reaches by HTTP in a scenario: JSON hooks, an echo, Vault KV v2, GitLab deploy tokens, and the API server itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import orjson

from eso_core.failure import Unreachable
from eso_core.instant import Instant
from eso_core.sim.api import ApiServer
from eso_core.wire import CallFailed, CallReply, HttpCall, HttpReply, KubeCall
from tests.parity.recordings.places import TOKEN, Places

STUB_HOST, API_HOST = "stub.test:8090", "apiserver.test:6443"
CA_BUNDLE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n").decode()
PLACES = Places(apiserver=f"https://{API_HOST}", ca_bundle=CA_BUNDLE, token=TOKEN, stub=f"http://{STUB_HOST}")
MADE = "2024-01-01T00:00:00Z"

Answer = tuple[int, Any]
_ABSENT: Answer = (404, {"errors": []})


@dataclass(slots=True)
class _Versions:
    """One secret of Vault: what was written, oldest first (``None``: deleted), and its metadata."""

    written: dict[int, Mapping[str, Any] | None] = field(default_factory=dict)
    custom: Mapping[str, Any] | None = None

    def add(self, data: Mapping[str, Any] | None) -> int:
        number = max(self.written, default=0) + 1
        self.written[number] = data
        return number

    @property
    def latest(self) -> int:
        return max(self.written, default=0)


class Stubs:
    """Answers requests, and remembers what it was asked."""

    def __init__(self) -> None:
        self.hooks: dict[str, Answer] = {}
        self.vault: dict[str, _Versions] = {}
        self._tokens: dict[str, dict[int, bool]] = {}
        self.calls: list[tuple[str, str, str]] = []  # method, path with query, body

    # ------------------------------------------------------------ said by the scenario

    def set_vault(self, path: str, data: Mapping[str, Any] | None, custom: Mapping[str, Any] | None) -> None:
        """Write a version of a secret; ``data`` of ``None`` removes the secret with its past."""
        if data is None:
            self.vault.pop(path, None)
            return
        entry = self.vault.setdefault(path, _Versions())
        entry.add(data)
        entry.custom = entry.custom if custom is None else custom

    def vault_below(self, prefix: str) -> dict[str, Any]:
        """What Vault holds, as a recording shows it."""
        return {
            path: {"versions": {str(number): data for number, data in entry.written.items()}, "customMetadata": entry.custom}
            for path, entry in sorted(self.vault.items())
            if path.startswith(prefix)
        }

    def live_tokens(self, prefix: str) -> dict[str, list[int]]:
        """Deploy tokens that were made and not revoked."""
        return {path: [n for n, live in made.items() if live] for path, made in sorted(self._tokens.items()) if path.startswith(prefix)}

    # ------------------------------------------------------------ asked by the operator

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and JSON of the answer to one request. ``target`` is the path with its query."""
        parts = urlsplit(target)
        path, text = unquote(parts.path), body.decode(errors="replace")
        self.calls.append((method, target, text))
        if path.startswith("/v1/"):
            status, out = self._ask_vault(method, path.removeprefix("/v1/"), parse_qs(parts.query), body)
        elif path.startswith("/gitlab/"):
            status, out = self._ask_gitlab(method, path, body)
        elif path.startswith("/echo"):
            header = next((value for name, value in headers.items() if name.lower() == "x-scenario"), "")
            status, out = 200, {"method": method, "path": path, "query": parts.query, "body": text, "header": header}
        else:
            status, out = self.hooks.get(path, (404, {"error": "not found"}))
        return status, out if isinstance(out, bytes) else orjson.dumps(out)

    # ------------------------------------------------------------ Vault

    def _ask_vault(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        if path.startswith("auth/token/lookup-self"):
            return 200, {"data": {"expire_time": None, "ttl": 0, "type": "service", "id": "t", "renewable": False}}
        if path.startswith("sys/health"):
            return 200, {"initialized": True, "sealed": False, "standby": False}
        mount, _, rest = path.partition("/")
        area, _, key = rest.partition("/")
        if not area:
            return _ABSENT
        if method == "LIST" or "list" in query:
            return self._list_vault(f"{mount}/{key}".rstrip("/") + "/")
        place = f"{mount}/{key}".rstrip("/")
        if area == "data":
            return self._vault_data(method, place, query, body)
        return self._vault_metadata(method, place, body) if area == "metadata" else _ABSENT

    def _list_vault(self, prefix: str) -> Answer:
        below = (path.removeprefix(prefix) for path in self.vault if path.startswith(prefix))
        names = {rest.partition("/")[0] + ("/" if "/" in rest else "") for rest in below}
        return (200, {"data": {"keys": sorted(names)}}) if names else _ABSENT

    def _vault_data(self, method: str, place: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        entry = self.vault.get(place)
        if method in ("PUT", "POST"):
            entry = self.vault.setdefault(place, _Versions())
            number = entry.add(orjson.loads(body or b"{}").get("data"))
            return 200, {"data": _version(number, entry)}
        if method == "DELETE":
            if entry is not None:
                entry.written[entry.latest] = None
            return 204, b""
        number = int(query["version"][0]) if "version" in query else entry.latest if entry is not None else 0
        if entry is None or number not in entry.written:
            return _ABSENT
        data = entry.written[number]
        if data is None:
            return 404, {"data": {"data": None, "metadata": {**_version(number, entry), "deletion_time": MADE}}}
        return 200, {"data": {"data": data, "metadata": _version(number, entry)}}

    def _vault_metadata(self, method: str, place: str, body: bytes) -> Answer:
        entry = self.vault.get(place)
        if method in ("PUT", "POST"):
            self.vault.setdefault(place, _Versions()).custom = orjson.loads(body or b"{}").get("custom_metadata")
            return 204, b""
        if method == "DELETE":
            self.vault.pop(place, None)
            return 204, b""
        if entry is None:
            return _ABSENT
        versions = {
            str(number): {"created_time": MADE, "deletion_time": MADE if data is None else "", "destroyed": False}
            for number, data in entry.written.items()
        }
        times = {"created_time": MADE, "updated_time": MADE}
        return 200, {"data": {**times, "current_version": entry.latest, "custom_metadata": entry.custom, "versions": versions}}

    # ------------------------------------------------------------ GitLab

    def _ask_gitlab(self, method: str, path: str, body: bytes) -> Answer:
        base = path.partition("/deploy_tokens")[0]
        made = self._tokens.setdefault(base, {})
        if method == "POST":
            wanted = orjson.loads(body or b"{}")
            number = len(made) + 1
            made[number] = True
            user = wanted.get("username", f"user-{number}")
            return 201, {"id": number, "name": wanted.get("name"), "username": user, "token": f"token-{number}"}
        if method == "DELETE":
            number = int(path.rpartition("/")[2])
            if not made.get(number):
                return 404, {"message": "404 Not Found"}
            made[number] = False
            return 204, b""
        return 200, []


class Backends(Stubs):
    """Answers :class:`HttpCall`: the look-alikes, and the API server as a backend."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__()
        self._server = server

    def answer(self, call: HttpCall, now: Instant) -> CallReply:
        """The reply to one call."""
        parts = urlsplit(call.url)
        if parts.netloc == API_HOST:
            return self._cluster(call, now)
        if parts.netloc != STUB_HOST:
            return CallFailed(Unreachable("no such host"))
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        status, raw = self.respond(call.method, target, call.headers, call.body)
        return HttpReply(status=status, headers={"content-type": "application/json"}, body=raw)

    def _cluster(self, call: HttpCall, now: Instant) -> HttpReply:
        """The administrator's token and tokens of service accounts are good, others are not."""
        given = next((value for name, value in call.headers.items() if name.lower() == "authorization"), "").removeprefix("Bearer ")
        if given != TOKEN and given.count(".") != 2:
            refusal = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401}
            return HttpReply(status=401, body=orjson.dumps({**refusal, "message": "Unauthorized"}))
        parts = urlsplit(call.url)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        asked = KubeCall(method=call.method, path=unquote(parts.path), query=query, body=call.body or None)
        reply = self._server.handle(asked, now)
        return HttpReply(status=reply.status, headers={"content-type": "application/json"}, body=reply.body)


def _version(number: int, entry: _Versions) -> dict[str, Any]:
    return {"created_time": MADE, "custom_metadata": entry.custom, "deletion_time": "", "destroyed": False, "version": number}
