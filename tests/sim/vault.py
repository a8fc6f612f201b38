"""A Vault server as far as the operator can tell: AppRole logins, KV version 2, tokens that end. Checked against the contract of
``tests/providers``; it knows nothing of the operator."""

from __future__ import annotations

from random import Random
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from eso_core.instant import SECOND
from eso_core.wire import HttpCall, HttpReply
from tests.sim.model import CANARY, Store


class Vault:
    """One server, one mount for each store. Tokens live for ``lease_s`` seconds."""

    def __init__(self, stores: dict[str, Store], lease_s: int) -> None:
        self._stores = stores  # by mount
        self._lease_s = lease_s
        self._tokens: dict[str, tuple[Store, int]] = {}
        self._count = 0
        self.logins = 0
        self.bent = False  # a fault has changed an answer

    def revoke(self) -> None:
        """All tokens end now."""
        self._tokens.clear()

    def answer(self, call: HttpCall, mono: int, fault: str, random: Random) -> HttpReply:
        """The reply to one request, bent by the faults that a working server may have."""
        if fault == "expired" and self._tokens:
            self._tokens.clear()
            self.bent = True
        parts = urlsplit(call.url)
        path = unquote(parts.path).removeprefix("/v1/")
        if path == "auth/approle/login" and call.method == "PUT":
            return self._login(orjson.loads(call.body), mono)
        store, until = self._tokens.get(call.headers.get("X-Vault-Token", ""), (None, 0))
        if store is None or mono >= until:
            return _errors(403, "permission denied")
        if path == "auth/token/lookup-self":
            return _json(200, {"data": {"ttl": (until - mono) // SECOND, "id": "hidden"}})
        return self._read(store, path, parts.query, fault, random)

    def _login(self, body: dict[str, str], mono: int) -> HttpReply:
        store = self._stores.get(body.get("role_id", "").removeprefix("role-"))
        if store is None or body.get("secret_id") != store.secret_id:
            return _errors(400, "invalid role or secret ID")
        self._count += 1
        self.logins += 1
        token = f"{CANARY}t{self._count}"
        self._tokens[token] = (store, mono + self._lease_s * SECOND)
        return _json(200, {"auth": {"client_token": token, "lease_duration": self._lease_s}})

    def _read(self, store: Store, path: str, query: str, fault: str, random: Random) -> HttpReply:
        mount, _, rest = path.partition("/")
        if mount != store.id.name:
            return _errors(403, "permission denied")
        if rest.rstrip("/") == "metadata" and query == "list=true":
            if fault == "short page":
                self.bent = True
                return _errors(500, "the list broke off")
            return _json(200, {"data": {"keys": sorted(store.values)}}) if store.values else _json(404, {"errors": []})
        key = rest.removeprefix("data/")
        value = held = store.values.get(key)
        if fault == "lagging":
            value = store.lagging(key, random)
        if fault == "shrunk":
            value = store.shrunk(key, value)
        self.bent = self.bent or value != held
        if value is None:
            deleted = key in store.past
            return _json(404, {"data": {"data": None, "metadata": {}}} if deleted else {"errors": []})
        return _json(200, {"data": {"data": value, "metadata": {"version": 1}}})


def _json(status: int, body: Any) -> HttpReply:
    return HttpReply(status=status, body=orjson.dumps(body))


def _errors(status: int, *errors: str) -> HttpReply:
    return _json(status, {"errors": list(errors)})
