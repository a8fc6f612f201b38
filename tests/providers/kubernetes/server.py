"""An API server in memory as a backend of Secrets: the simulator's (``eso_core.sim``), which generated requests compare with a real one.

Besides, written from the documentation of the Kubernetes API ("Authenticating", "Kubernetes API Concepts", read 2026-11-29): bearer tokens,
basic credentials and the 401 of any other request.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from eso_core.failure import Unreachable
from eso_core.instant import Instant
from eso_core.refs import SECRET, Ref
from eso_core.sim.api import ApiServer
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, KubeCall

ORIGIN = "https://api.example:6443"
NAMESPACE = "apps"
TOKEN = "t0k3n-of-the-reader"
NOW = Instant(1_800_000_000_000_000_000)
NOT_JSON = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized", "reason": "Unauthorized"}


def kubeconfig(token: str = TOKEN, **cluster: Any) -> bytes:
    """What a Secret holds for ``authRef``."""
    held = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "reader", "namespace": "elsewhere"}}],
        "clusters": [{"name": "one", "cluster": {"server": f"{ORIGIN}/", **cluster}}],
        "users": [{"name": "reader", "user": {"token": token}}],
    }
    return orjson.dumps(held)


class Server:
    """``put`` is given the data of a Secret as a JSON object of texts; tags are labels."""

    def __init__(self) -> None:
        self.api = ApiServer()
        self.api.create_namespace(NAMESPACE, NOW)
        self.token = TOKEN

    def answer(self, call: Call) -> CallReply:
        parts = urlsplit(call.url) if isinstance(call, HttpCall) else None
        if not isinstance(call, HttpCall) or parts is None or f"{parts.scheme}://{parts.netloc}" != ORIGIN:
            return CallFailed(Unreachable("there is no such server"))
        headers = {name.lower(): value for name, value in call.headers.items()}
        if headers.get("authorization") != f"Bearer {self.token}":
            return HttpReply(status=401, headers={"content-type": "application/json"}, body=orjson.dumps({**NOT_JSON, "code": 401}))
        if call.body and headers.get("content-type") != "application/json":
            return HttpReply(status=415, body=orjson.dumps({**NOT_JSON, "reason": "UnsupportedMediaType", "message": "", "code": 415}))
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        reply = self.api.handle(KubeCall(method=call.method, path=unquote(parts.path), query=query, body=call.body or None), NOW)
        return HttpReply(status=reply.status, headers={"content-type": "application/json"}, body=reply.body)

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        data = {key: base64.b64encode(text.encode()).decode() for key, text in orjson.loads(value).items()}
        self.api.handle(KubeCall(method="DELETE", path=ref(name).path), NOW)
        meta = {"name": name, "namespace": NAMESPACE, "labels": dict(tags)}
        self.api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}, NOW)
        return ""

    def remove(self, name: str) -> None:
        self.api.handle(KubeCall(method="DELETE", path=ref(name).path), NOW)

    def held(self, name: str) -> bytes | None:
        found = self.api.read(ref(name))
        if found is None:
            return None
        return orjson.dumps({key: base64.b64decode(text).decode("utf-8", "replace") for key, text in (found.get("data") or {}).items()})

    def expire(self) -> None:
        """There are no sessions."""

    def rotate(self) -> Mapping[str, bytes]:
        self.token = f"{TOKEN}-rotated"
        return {"token": self.token.encode()}


class ConfigServer(Server):
    """The same for a store with a kubeconfig."""

    def rotate(self) -> Mapping[str, bytes]:
        super().rotate()
        return {"kubeconfig": kubeconfig(self.token)}


def ref(name: str) -> Ref:
    """A Secret of the namespace."""
    return Ref(SECRET, NAMESPACE, name)
