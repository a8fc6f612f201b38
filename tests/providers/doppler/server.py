"""Doppler in memory: one config of one project, and the identity of a service account.

Written on 2026-11-29 from docs.doppler.com ("API Reference", "Secrets: List, Update, Download", "Projects: List", "Service Account
Identities", "Secret Names") and from what DopplerHQ/cli and DopplerHQ/kubernetes-operator send and expect. That names which are not there
are left out of an answer is what both rely on; a server that refuses them (``strict``) is here because no document says so.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from eso_core.failure import Missing
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, SdkCall, SdkReply
from tests.providers.serve import lower

HOST = "api.doppler.com"
PROJECT, CONFIG, IDENTITY = "shop", "prd", "0a1b2c3d-0000-4000-8000-9c7c3a2b1e00"
NOW = 1_796_000_000.0  # 2026-11-30T00:53:20Z
ENDS = "2026-11-30T01:53:20Z"
NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
CHANGE = frozenset({"name", "originalName", "value", "shouldDelete"})


def camel(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(part.title() for part in rest)


TRANSFORMERS: Mapping[str, Callable[[str], str]] = {
    "camel": camel,
    "upper-camel": lambda name: "".join(part.title() for part in name.split("_")),
    "lower-snake": str.lower,
    "lower-kebab": lambda name: name.lower().replace("_", "-"),
    "tf-var": lambda name: f"TF_VAR_{name.lower()}",
    "dotnet-env": lambda name: "__".join(part.title() for part in name.split("__")),
}
FORMATS: Mapping[str, Callable[[dict[str, str]], bytes]] = {
    "json": orjson.dumps,
    "dotnet-json": lambda held: orjson.dumps({"Shop": held}),
    "env": lambda held: "".join(f'{name}="{value}"\n' for name, value in held.items()).encode(),
    "docker": lambda held: "".join(f"{name}={value}\n" for name, value in held.items()).encode(),
    "yaml": lambda held: "".join(f'{name}: "{value}"\n' for name, value in held.items()).encode(),
}


def error(status: int, *messages: str) -> HttpReply:
    """Doppler's shape."""
    body = orjson.dumps({"messages": list(messages), "success": False})
    return HttpReply(status=status, headers={"content-type": "application/json; charset=utf-8"}, body=body)


def ok(body: Any) -> HttpReply:
    return HttpReply(status=200, headers={"content-type": "application/json"}, body=orjson.dumps(body))


class Doppler:
    """``scoped``: the token is of one config, and needs no project and config. ``strict``: a name that is not there is an error."""

    def __init__(self, *, oidc: bool = False, scoped: bool = True, strict: bool = False, audiences: tuple[str, ...] = ()) -> None:
        self.oidc, self.scoped, self.strict, self.audiences = oidc, scoped, strict, audiences
        self.secrets: dict[str, str] = {}
        self.token = "dp.st.prd.token-0"
        self.account = "account-token-0"
        self.variables: dict[str, str] = {}
        self.given: set[str] = set()
        self.count = 0
        self.unchanged = 0  # answers of status 304

    # ------------------------------------------------------------ Server

    def answer(self, call: Call) -> CallReply:
        if isinstance(call, SdkCall):
            if call.name == "ambient.variables":
                return SdkReply(value={name: self.variables[name] for name in call.args["names"] if name in self.variables})
            return SdkReply(value=NOW) if call.name == "ambient.now" else CallFailed(Missing(f"no {call.name} here"))
        url = urlsplit(call.url)
        if url.scheme != "https" or url.netloc != HOST:
            return HttpReply(status=404, body=b"<html>not here</html>")
        if url.path == "/v3/auth/oidc" and call.method == "POST":
            return self._login(call)
        token = self._token(call)
        if token not in ({*self.given} if self.oidc else {self.token}):
            return error(401, "Invalid Auth token")
        return self._route(call, url.path, dict(parse_qsl(url.query, keep_blank_values=True)))

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        self.secrets[name] = value.decode()
        return ""

    def remove(self, name: str) -> None:
        del self.secrets[name]

    def held(self, name: str) -> bytes | None:
        value = self.secrets.get(name)
        return value.encode() if value is not None else None

    def expire(self) -> None:
        self.given.clear()

    def rotate(self) -> Mapping[str, bytes]:
        self.given.clear()
        slot, old = ("account", self.account) if self.oidc else ("token", self.token)
        new = f"{old.rpartition('-')[0]}-{int(old.rpartition('-')[2]) + 1}"
        self.account, self.token = (new, self.token) if self.oidc else (self.account, new)
        return {slot: new.encode()}

    # ------------------------------------------------------------ requests

    def _login(self, call: HttpCall) -> HttpReply:
        if not lower(call.headers).get("content-type", "").startswith("application/json") or "authorization" in lower(call.headers):
            return error(400, "Invalid request")
        if orjson.loads(call.body) != {"identity": IDENTITY, "token": self.account} or not self.oidc:
            return error(401, "Unable to authenticate with the provided identity and token")
        self.count += 1
        token = f"dp.said.token-{self.count}-of-{self.account}"
        self.given.add(token)
        return ok({"success": True, "token": token, "expires_at": ENDS})

    def _token(self, call: HttpCall) -> str:
        scheme, _, text = lower(call.headers).get("authorization", "").partition(" ")
        if scheme == "Bearer":
            return text
        user, _, password = base64.b64decode(text).decode().partition(":") if scheme == "Basic" else ("", "", "")
        return user if not password else ""

    def _route(self, call: HttpCall, path: str, query: dict[str, str]) -> HttpReply:
        match call.method, path:
            case "GET", "/v3/projects":
                return ok({"projects": [{"id": PROJECT, "slug": PROJECT, "name": PROJECT}], "page": 1, "success": True})
            case "GET", "/v3/configs/config/secrets/download":
                return self._scope(query) or self._download(call, query)
            case "GET", "/v3/configs/config/secrets":
                return self._scope(query) or self._list(query)
            case "POST", "/v3/configs/config/secrets":
                body: dict[str, Any] = orjson.loads(call.body)
                return self._scope(body) or self._update(call, body)
            case _:
                return error(404, "Could not find requested resource")

    def _scope(self, held: Mapping[str, Any]) -> HttpReply | None:
        for name, value in (("project", PROJECT), ("config", CONFIG)):
            if name not in held and not self.scoped:
                return error(400, f"You must specify a {name}")
            if held.get(name, value) != value:
                return error(404, f"Could not find requested {name} '{held[name]}'")
        return None

    def _chosen(self, query: dict[str, str]) -> dict[str, str] | HttpReply:
        if "secrets" not in query:
            own = {"DOPPLER_CONFIG": CONFIG, "DOPPLER_ENVIRONMENT": "prd", "DOPPLER_PROJECT": PROJECT}
            return {**self.secrets, **own}
        names = query["secrets"].split(",")
        for name in names:
            if not NAME.fullmatch(name):
                return error(400, f'Secret name "{name}" may only contain uppercase letters, numbers, and underscores.')
            if self.strict and name not in self.secrets:
                return error(404, f"Could not find requested secret: {name}")
        return {name: self.secrets[name] for name in names if name in self.secrets}

    def _download(self, call: HttpCall, query: dict[str, str]) -> HttpReply:
        if set(query) - {"project", "config", "secrets", "name_transformer", "format"}:
            return error(400, "Unknown parameter")
        chosen = self._chosen(query)
        if isinstance(chosen, HttpReply):
            return chosen
        held = {name: self._computed(value) for name, value in chosen.items()}
        if "name_transformer" in query:
            held = {TRANSFORMERS[query["name_transformer"]](name): value for name, value in held.items()}
        body = FORMATS[query.get("format", "json")](held)
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
        if lower(call.headers).get("if-none-match") == etag:
            self.unchanged += 1
            return HttpReply(status=304, headers={"etag": etag})
        return HttpReply(status=200, headers={"etag": etag}, body=body)

    def _computed(self, raw: str) -> str:
        return re.sub(r"\$\{([A-Z0-9_]+)\}", lambda found: self.secrets.get(found[1], found[0]), raw)

    def _list(self, query: dict[str, str]) -> HttpReply:
        chosen = self._chosen(query)
        if isinstance(chosen, HttpReply):
            return chosen if chosen.status == 400 else ok({"secrets": {}, "success": True})
        shown = {name: {"raw": raw, "computed": self._computed(raw), "note": ""} for name, raw in chosen.items()}
        return ok({"secrets": shown, "success": True})

    def _update(self, call: HttpCall, body: dict[str, Any]) -> HttpReply:
        if not lower(call.headers).get("content-type", "").startswith("application/json") or ("secrets" in body) == (
            "change_requests" in body
        ):
            return error(400, "Must specify either secrets or change_requests")
        if set(body) - {"secrets", "change_requests", "project", "config"}:
            return error(400, "Unknown parameter")
        changes: dict[str, str | None] = dict(body.get("secrets", {}))
        for change in body.get("change_requests", ()):
            if set(change) != CHANGE or not change["shouldDelete"] or change["name"] not in self.secrets:
                return error(400, "Invalid change request")
            changes[change["name"]] = None
        for name, value in changes.items():
            if not NAME.fullmatch(name) or not isinstance(value, str | None):
                return error(400, f"Invalid secret {name}: {value}")
            if value is None:
                del self.secrets[name]
            else:
                self.secrets[name] = value
        return self._list({})
