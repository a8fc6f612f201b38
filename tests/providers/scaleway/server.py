"""Scaleway's Secret Manager in memory: v1beta1, one project in one region.

Written on 2026-11-29 from "Secret Manager API" (scaleway.com/en/developers/api/secret-manager, v1beta1) and from
``api/secret/v1beta1/secret_sdk.go`` and ``scw/errors.go`` of scaleway/scaleway-sdk-go, which say which paths, parameters, fields and
errors there are. Tags are words; :meth:`Scaleway.put` keeps the names of tags alone.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from eso_core.failure import Missing
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply

HOST = "api.scaleway.com"
REGION, PROJECT = "fr-par", "6d1c5b0e-0000-4000-8000-1f2e3d4c5b6a"
PAGE_MAX = 5  # Scaleway's is 100
LISTED = frozenset({"project_id", "organization_id", "order_by", "page", "page_size", "tags", "name", "path", "ephemeral", "type"})
CREATED = frozenset({"project_id", "name", "tags", "description", "type", "path", "ephemeral_policy", "protected", "key_id"})
WRITTEN = frozenset({"data", "description", "disable_previous", "data_crc32"})
NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
PAYLOAD_MAX = 64 * 1024


def error(status: int, kind: str, **more: Any) -> HttpReply:
    """Scaleway's shape."""
    return HttpReply(status=status, headers={"content-type": "application/json"}, body=orjson.dumps({"type": kind, **more}))


def ok(body: Any, status: int = 200) -> HttpReply:
    return HttpReply(status=status, headers={"content-type": "application/json"}, body=orjson.dumps(body))


def not_found(resource: str, ident: str) -> HttpReply:
    return error(404, "not_found", resource=resource, resource_id=ident, message="resource is not found")


def invalid(argument: str, reason: str = "constraint") -> HttpReply:
    return error(400, "invalid_arguments", details=[{"argument_name": argument, "reason": reason, "help_message": ""}])


def key_of(number: int) -> str:
    """A secret key."""
    return f"{number:08d}-aaaa-4bbb-8ccc-dddddddddddd"


def id_of(name: str) -> str:
    """The id of a secret."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


@dataclass
class Version:
    data: bytes
    enabled: bool = True
    crc32: int | None = None


@dataclass
class Secret:
    name: str
    path: str = "/"
    tags: list[str] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)

    @property
    def ident(self) -> str:
        return id_of(f"{self.path}/{self.name}")


class Scaleway:
    """``folder`` is where :meth:`put` writes names without a path."""

    def __init__(self, folder: str = "/") -> None:
        self.folder = folder
        self.secrets: dict[tuple[str, str], Secret] = {}
        self.number = 0
        self.key = key_of(0)
        self.denied: set[str] = set()  # of read (lists) and access
        self.protected: set[str] = set()  # names that cannot be deleted

    # ------------------------------------------------------------ Server

    def answer(self, call: Call) -> CallReply:
        if not isinstance(call, HttpCall):
            return CallFailed(Missing("no library here"))
        url = urlsplit(call.url)
        if url.scheme != "https" or url.netloc != HOST:
            return HttpReply(status=404, body=b"<html>not here</html>")
        if call.headers.get("X-Auth-Token") != self.key:
            return error(401, "denied_authentication", method="api_key", reason="not_found", message="authentication is denied")
        path = url.path.removeprefix(f"/secret-manager/v1beta1/regions/{REGION}")
        if path == url.path:
            return ok({"message": "route not found"}, 404)
        return self._route(call, path, parse_qsl(url.query, keep_blank_values=True))

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        place = self._place(name)
        secret = self.secrets.setdefault(place, Secret(place[1], place[0]))
        secret.tags = list(tags)
        secret.versions.append(Version(value))
        return str(len(secret.versions))

    def remove(self, name: str) -> None:
        del self.secrets[self._place(name)]

    def held(self, name: str) -> bytes | None:
        secret = self.secrets.get(self._place(name)) or self.secrets.get(("/", name))
        return next((version.data for version in reversed(secret.versions) if version.enabled), b"") if secret is not None else None

    def expire(self) -> None:
        """There are no sessions."""

    def rotate(self) -> Mapping[str, bytes]:
        self.number += 1
        self.key = key_of(self.number)
        return {"secret_key": self.key.encode()}

    def _place(self, name: str) -> tuple[str, str]:
        folder, slash, rest = name.rpartition("/")
        return (folder or "/", rest) if slash else (self.folder, name)

    # ------------------------------------------------------------ routes

    def _route(self, call: HttpCall, path: str, query: list[tuple[str, str]]) -> HttpReply:
        found = re.fullmatch(r"/secrets-by-path/versions/([^/]+)/access", path)
        if found is not None and call.method == "GET":
            return self._by_path(found[1], dict(query))
        if path == "/secrets" and call.method == "GET":
            return self._list(query)
        if path == "/secrets" and call.method == "POST":
            return self._create(call)
        found = re.fullmatch(r"/secrets/([0-9a-f-]{36})(/versions(?:/([^/]+)/access)?)?", path)
        if found is None:
            return ok({"message": "route not found"}, 404)
        secret = next((held for held in self.secrets.values() if held.ident == found[1]), None)
        if secret is None:
            return not_found("secret", found[1])
        match call.method, found[2], found[3]:
            case "GET", str(), str(revision):
                return self._access(secret, revision)
            case "POST", "/versions", None:
                return self._add(call, secret)
            case "DELETE", None, None:
                return self._delete(secret)
            case _:
                return ok({"message": "method not allowed"}, 405)

    def _list(self, query: list[tuple[str, str]]) -> HttpReply:
        if "read" in self.denied:
            return error(403, "permissions_denied", details=[{"resource": "secret", "action": "read"}])
        one = dict(query)
        if set(one) - LISTED or one.get("project_id") != PROJECT:
            return invalid("project_id")
        tags = [value for name, value in query if name == "tags"]
        chosen = [
            secret
            for _, secret in sorted(self.secrets.items(), key=lambda item: item[1].name)
            if one.get("name", secret.name) == secret.name and one.get("path", secret.path) == secret.path and set(tags) <= set(secret.tags)
        ]
        page, size = int(one.get("page", "1")), min(int(one.get("page_size", "20")), PAGE_MAX)
        shown = [self._shown(secret) for secret in chosen[(page - 1) * size : page * size]]
        return ok({"secrets": shown, "total_count": len(chosen)})

    def _shown(self, secret: Secret) -> dict[str, Any]:
        return {
            "id": secret.ident,
            "project_id": PROJECT,
            "name": secret.name,
            "status": "ready",
            "created_at": "2026-11-29T12:00:00Z",
            "updated_at": "2026-11-29T12:00:00Z",
            "tags": secret.tags,
            "version_count": len(secret.versions),
            "description": None,
            "managed": False,
            "protected": secret.name in self.protected,
            "type": "opaque",
            "path": secret.path,
            "region": REGION,
        }

    def _by_path(self, revision: str, query: dict[str, str]) -> HttpReply:
        if set(query) != {"secret_path", "secret_name", "project_id"} or query["project_id"] != PROJECT:
            return invalid("project_id")
        secret = self.secrets.get((query["secret_path"], query["secret_name"]))
        return self._access(secret, revision) if secret is not None else not_found("secret", query["secret_name"])

    def _access(self, secret: Secret, revision: str) -> HttpReply:
        if "access" in self.denied:
            return error(403, "permissions_denied", details=[{"resource": "secret_version", "action": "access"}])
        enabled = [number for number, version in enumerate(secret.versions, 1) if version.enabled]
        match revision:
            case "latest":
                number = len(secret.versions)
            case "latest_enabled":
                number = max(enabled, default=0)
            case _:
                if not revision.isdigit():
                    return invalid("revision", "format")
                number = int(revision)
        if not 1 <= number <= len(secret.versions):
            return not_found("secret_version", f"{secret.ident}/{revision}")
        version = secret.versions[number - 1]
        if not version.enabled:
            return error(412, "precondition_failed", precondition="version_status", help_message="version is not enabled")
        data = base64.b64encode(version.data).decode()
        return ok({"secret_id": secret.ident, "revision": number, "data": data, "data_crc32": version.crc32, "type": "opaque"})

    # ------------------------------------------------------------ writes

    def _create(self, call: HttpCall) -> HttpReply:
        body: dict[str, Any] = orjson.loads(call.body)
        if set(body) - CREATED or body.get("project_id") != PROJECT:
            return invalid("project_id")
        path = body.get("path", "/")
        if not NAME.fullmatch(body.get("name", "")) or not path.startswith("/"):
            return invalid("name", "format")
        place = (path, body["name"])
        if place in self.secrets:
            return error(409, "already_exists", resource="secret", message="cannot have same secret name in same project")
        self.secrets[place] = Secret(body["name"], path)
        return ok(self._shown(self.secrets[place]))

    def _add(self, call: HttpCall, secret: Secret) -> HttpReply:
        body: dict[str, Any] = orjson.loads(call.body)
        try:
            data = base64.b64decode(body["data"], validate=True)
        except (KeyError, binascii.Error):
            return invalid("data", "format")
        if set(body) - WRITTEN or len(data) > PAYLOAD_MAX or body.get("data_crc32", zlib.crc32(data)) != zlib.crc32(data):
            return invalid("data_crc32")
        if body.get("disable_previous") and secret.versions:
            secret.versions[-1].enabled = False
        secret.versions.append(Version(data, crc32=body.get("data_crc32")))
        return ok({"revision": len(secret.versions), "secret_id": secret.ident, "status": "enabled", "latest": True, "region": REGION})

    def _delete(self, secret: Secret) -> HttpReply:
        if secret.name in self.protected:
            return error(412, "precondition_failed", precondition="secret_protected", help_message="secret is protected")
        del self.secrets[secret.path, secret.name]
        return HttpReply(status=204)
