"""A Bitwarden SDK server in memory, with the part of Bitwarden Secrets Manager that is behind it: one organization.

Written on 2026-11-29 from ``pkg/server/server.go`` and ``pkg/bitwarden/bitwarden.go`` of external-secrets/bitwarden-sdk-server (routes,
headers, statuses, texts of errors), ``schema.go`` of bitwarden/sdk-go (fields), ``SecretCreateRequest`` of bitwarden/sdk-sm (lengths),
and ``SecretsController.cs`` of bitwarden/server, which gives none of several secrets where one of them is missing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from eso_core.failure import Missing
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply

HOST = "bitwarden-sdk-server.eso.svc:9998"
API_URL, IDENTITY_URL = "https://vault.bitwarden.eu/api", "https://vault.bitwarden.eu/identity"
ORGANIZATION, PROJECT, OTHER = (str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in ("organization", "project", "other project"))
GONE = '{"message":"Resource not found.","validationErrors":null,"exceptionMessage":null,"object":"error"}'
PREFIX = "API error: Received error message from server: "


def text(status: int, message: str) -> HttpReply:
    """``http.Error`` of Go."""
    return HttpReply(status=status, headers={"content-type": "text/plain; charset=utf-8"}, body=f"{message}\n".encode())


def ok(body: Any) -> HttpReply:
    return HttpReply(status=200, headers={"content-type": "text/plain; charset=utf-8"}, body=orjson.dumps(body))


def id_of(name: str) -> str:
    """The id of what :meth:`Bitwarden.put` writes."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"secret {name}"))


@dataclass(frozen=True)
class Secret:
    id: str
    key: str
    value: str
    note: str = ""
    project: str | None = PROJECT


class Bitwarden:
    """``old``: a server that knows no ``/secrets-by-ids``."""

    def __init__(self, old: bool = False) -> None:
        self.old = old
        self.secrets: dict[str, Secret] = {}
        self.number = 0
        self.token = "0.machine-token-0.secret:key"
        self.created = 0
        self.mood: HttpReply | None = None  # what every request is answered with

    # ------------------------------------------------------------ Server

    def answer(self, call: Call) -> CallReply:
        if not isinstance(call, HttpCall):
            return CallFailed(Missing("no library here"))
        url = urlsplit(call.url)
        if url.scheme != "https" or url.netloc != HOST or url.query:
            return HttpReply(status=404, body=b"<html>not here</html>")
        route = ROUTES.get((call.method, url.path))
        token = call.headers.get("Warden-Access-Token", "")
        if not token:
            return text(401, "Missing Warden access token")
        if token != self.token or (call.headers["Warden-Api-Url"], call.headers["Warden-Identity-Url"]) != (API_URL, IDENTITY_URL):
            said = f'bitwarden login: {PREFIX}[400 Bad Request] {{"error":"invalid_client"}}'
            return text(400, f"failed to login to bitwarden using access token: {said}")
        if route is None or (self.old and url.path.endswith("/secrets-by-ids")):
            return text(404, "404 page not found")
        if self.mood is not None:
            return self.mood
        return route(self, orjson.loads(call.body)) if call.body else text(500, "unexpected end of JSON input")

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        self.define(name, value.decode())
        return ""

    def remove(self, name: str) -> None:
        del self.secrets[id_of(name)]

    def held(self, name: str) -> bytes | None:
        found = [secret for secret in self.secrets.values() if secret.key == name and secret.project == PROJECT]
        return found[0].value.encode() if found else None

    def expire(self) -> None:
        """There are no sessions."""

    def rotate(self) -> Mapping[str, bytes]:
        self.number += 1
        self.token = f"0.machine-token-{self.number}.secret:key"
        return {"credentials": self.token.encode()}

    # ------------------------------------------------------------ state

    def define(self, name: str, value: str, ident: str = "", **more: Any) -> str:
        """One secret; its id."""
        ident = ident or id_of(name)
        self.secrets[ident] = Secret(ident, name, value, **more)
        return ident

    # ------------------------------------------------------------ routes

    def get(self, body: dict[str, Any]) -> HttpReply:
        found = self.secrets.get(body["id"])
        return ok(shown(found)) if found is not None else text(400, f"failed to get secret: {PREFIX}[404 Not Found] {GONE}")

    def by_ids(self, body: dict[str, Any]) -> HttpReply:
        found = [self.secrets[ident] for ident in body["ids"] if ident in self.secrets]
        if not found or len(found) != len(body["ids"]):
            return text(400, f"failed to get secrets: {PREFIX}[404 Not Found] {GONE}")
        return ok({"data": [shown(secret) for secret in found]})

    def list(self, body: dict[str, Any]) -> HttpReply:
        if body.get("organizationId") != ORGANIZATION:
            return text(400, f"failed to get secret: {PREFIX}[404 Not Found] {GONE}")
        named = [{"id": item.id, "key": item.key, "organizationId": ORGANIZATION} for item in self.secrets.values()]
        return ok({"data": named})

    def create(self, body: dict[str, Any]) -> HttpReply:
        wrong = self._wrong(body)
        if wrong is not None:
            return wrong
        self.created += 1
        free = id_of(body["key"]) not in self.secrets
        ident = self.define(body["key"], body["value"], "" if free else id_of(f"created {self.created}"))
        return self._kept(ident, body)

    def update(self, body: dict[str, Any]) -> HttpReply:
        wrong = self._wrong(body)
        if wrong is not None:
            return wrong
        if body["id"] not in self.secrets:
            return text(400, f"failed to update secret: {PREFIX}[404 Not Found] {GONE}")
        return self._kept(body["id"], body)

    def _kept(self, ident: str, body: dict[str, Any]) -> HttpReply:
        kept = replace(self.secrets[ident], key=body["key"].strip(), value=body["value"], note=body["note"].strip())
        self.secrets[ident] = replace(kept, project=body["projectIds"][0])
        return ok(shown(self.secrets[ident]))

    def _wrong(self, body: dict[str, Any]) -> HttpReply | None:
        if set(body) - {"id"} != {"key", "note", "organizationId", "projectIds", "value"} or body["organizationId"] != ORGANIZATION:
            return text(400, f"failed to create secret: {PREFIX}[404 Not Found] {GONE}")
        if not 1 <= len(body["value"]) <= 25_000 or not body["key"].strip() or len(body["key"]) > 500 or len(body["note"]) > 7_000:
            return text(400, "failed to create secret: API error: Validation error: value: length")
        return None

    def delete(self, body: dict[str, Any]) -> HttpReply:
        if any(ident not in self.secrets for ident in body["ids"]):
            return text(400, f"{PREFIX}[404 Not Found] {GONE}")
        for ident in body["ids"]:
            del self.secrets[ident]
        return ok({"data": [{"id": ident, "error": None} for ident in body["ids"]]})


ROUTES: Mapping[tuple[str, str], Callable[[Bitwarden, dict[str, Any]], HttpReply]] = {
    ("GET", "/rest/api/1/secret"): Bitwarden.get,
    ("GET", "/rest/api/1/secrets"): Bitwarden.list,
    ("GET", "/rest/api/1/secrets-by-ids"): Bitwarden.by_ids,
    ("POST", "/rest/api/1/secret"): Bitwarden.create,
    ("PUT", "/rest/api/1/secret"): Bitwarden.update,
    ("DELETE", "/rest/api/1/secret"): Bitwarden.delete,
}


def shown(secret: Secret) -> dict[str, Any]:
    """A secret as the SDK shows it."""
    return {
        "creationDate": "2026-11-29T12:00:00Z",
        "id": secret.id,
        "key": secret.key,
        "note": secret.note,
        "organizationId": ORGANIZATION,
        "projectId": secret.project,
        "revisionDate": "2026-11-29T12:00:00Z",
        "value": secret.value,
    }
