"""A 1Password Connect server in memory.

Written on 2026-11-29 from "1Password Connect Server API reference" (1.8.1), the OpenAPI specification (1.7.1) of 1Password/connect,
and from what 1Password/connect-sdk-go sends and expects. No document tells that Connect shows writes late; the reference waits for it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from eso_core.failure import Missing
from eso_core.wire import Call, CallFailed, CallReply, HttpCall, HttpReply, SdkCall, SdkReply

HOST = "connect.example:8080"
NOW = 1_796_000_000.0
ID = re.compile(r"[\da-z]{26}")
CATEGORIES = frozenset({"LOGIN", "PASSWORD", "SERVER", "DATABASE", "SECURE_NOTE", "DOCUMENT", "API_CREDENTIAL"})
TYPES = frozenset({"STRING", "EMAIL", "CONCEALED", "URL", "TOTP", "DATE", "MONTH_YEAR", "MENU"})
SUMMARY = ("id", "title", "tags", "version", "vault", "category", "createdAt", "updatedAt")
ITEM = frozenset({*SUMMARY, "urls", "favorite", "state", "trashed", "lastEditedBy", "sections", "fields", "files"})


def id_of(text: str) -> str:
    """26 characters, always the same for the same text."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:26]


def error(status: int, message: str) -> HttpReply:
    """Connect's shape."""
    return HttpReply(status=status, headers={"content-type": "application/json"}, body=orjson.dumps({"status": status, "message": message}))


def ok(body: Any) -> HttpReply:
    return HttpReply(status=200, headers={"content-type": "application/json"}, body=orjson.dumps(body))


class Connect:
    """Vaults ``first`` and ``second``, unless told otherwise.

    What others make are documents of the title ``app`` with one file, addressed by ids that :func:`id_of` makes of names; with ``fields``
    they are items with a title of their own, and the value in two fields, ``password`` and one labelled as the title. ``lag``: so many
    calls go by until a write is shown.
    """

    def __init__(self, *, fields: bool = False, lag: int = 0) -> None:
        self.fields, self.lag = fields, lag
        self.vaults = {id_of("vault first"): "first", id_of("vault second"): "second"}
        self.items: dict[str, dict[str, dict[str, Any]]] = {vault: {} for vault in self.vaults}
        self.contents: dict[str, bytes] = {}
        self.token = "connect-token-0"
        self.scope = set(self.vaults)
        self.pending: list[tuple[int, str, str, dict[str, Any]]] = []  # at which call, vault, item, what
        self.calls = 0
        self.made = 0
        self.now = NOW

    # ------------------------------------------------------------ Server

    def answer(self, call: Call) -> CallReply:
        if isinstance(call, SdkCall):
            return SdkReply(value=self.now) if call.name == "ambient.now" else CallFailed(Missing(f"no {call.name} here"))
        self.calls += 1
        self._settle()
        url = urlsplit(call.url)
        if url.scheme != "https" or url.netloc != HOST or not url.path.startswith("/v1/"):
            return HttpReply(status=404, body=b"404 page not found\n")
        headers = {name.lower(): value for name, value in call.headers.items()}
        if headers.get("authorization") != f"Bearer {self.token}":
            return error(401, "Invalid bearer token")
        return self._route(call, url.path.removeprefix("/v1"), dict(parse_qsl(url.query, keep_blank_values=True)))

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        vault = self._first()
        if self.fields:
            self.item(vault, name, {"password": value.decode(), name: value.decode()}, tags=list(tags))
        else:
            self.document(vault, "app", {name: value}, tags=list(tags), item=id_of(name))
        return ""

    def remove(self, name: str) -> None:
        vault, item = self._named(name)
        del self.items[vault][item]

    def held(self, name: str) -> bytes | None:
        try:
            vault, item = self._named(name)
        except KeyError:
            return None
        found = self.items[vault][item]
        if found["category"] == "DOCUMENT":
            return self.contents[found["files"][0]["id"]]
        return next((field.get("value", "").encode() for field in found["fields"] if field["label"] == "password"), b"")

    def expire(self) -> None:
        """Sessions are nothing that Connect knows of."""

    def rotate(self) -> Mapping[str, bytes]:
        self.token = f"connect-token-{int(self.token.rpartition('-')[2]) + 1}"
        return {"token": self.token.encode()}

    # ------------------------------------------------------------ what tests put

    def item(self, vault: str, title: str, fields: Mapping[str, str], *, tags: list[str] | None = None, item: str = "") -> str:
        """An item with fields of these labels."""
        item = item or id_of(f"item {vault} {title}")
        held = [{"id": id_of(f"{item} {label}"), "type": "CONCEALED", "label": label, "value": value} for label, value in fields.items()]
        self._store(vault, item, {"title": title, "category": "LOGIN", "tags": tags or [], "fields": held})
        return item

    def document(
        self,
        vault: str,
        title: str,
        files: Mapping[str, bytes],
        *,
        tags: list[str] | None = None,
        item: str = "",
        category: str = "DOCUMENT",
    ) -> str:
        """An item with files."""
        item = item or id_of(f"item {vault} {title}")
        held = []
        for name, content in files.items():
            file = id_of(f"{item} {name}")
            self.contents[file] = content
            path = f"/v1/vaults/{vault}/items/{item}/files/{file}/content"
            held.append({"id": file, "name": name, "size": len(content), "content_path": path})
        self._store(vault, item, {"title": title, "category": category, "tags": tags or [], "fields": [], "files": held})
        return item

    def _store(self, vault: str, item: str, body: dict[str, Any]) -> dict[str, Any]:
        before = self.items[vault].get(item, {"version": 0})
        times = {"createdAt": "2026-11-29T10:00:00Z", "updatedAt": "2026-11-29T10:00:00Z", "lastEditedBy": "U"}
        held = {**body, "id": item, "vault": {"id": vault}, "version": before["version"] + 1, **times}
        self.items[vault][item] = held
        return held

    def _first(self) -> str:
        return next(iter(self.vaults))

    def _named(self, name: str) -> tuple[str, str]:
        for vault, items in self.items.items():
            if id_of(name) in items:
                return vault, id_of(name)
            for item, held in items.items():
                if held["title"] in (name, id_of(name)):
                    return vault, item
        raise KeyError(name)

    # ------------------------------------------------------------ requests

    def _route(self, call: HttpCall, path: str, query: dict[str, str]) -> HttpReply:
        if path == "/vaults" and call.method == "GET":
            shown = [{"id": vault, "name": name, "type": "USER_CREATED"} for vault, name in self.vaults.items() if vault in self.scope]
            asked = re.fullmatch(r'(?:name|title) eq "([^"\\]*)"', query.get("filter", ""))
            return ok([held for held in shown if asked is None or held["name"] == asked[1]])
        parts = re.fullmatch(r"/vaults/([^/]*)(?:/items(?:/([^/]*)(?:/(files)(?:/([^/]*)/content)?)?)?)?", path)
        if parts is None:
            return HttpReply(status=404, body=b"404 page not found\n")
        vault, item, files, file = parts.groups()
        if not ID.fullmatch(vault):
            return error(400, "Invalid Vault UUID")
        if vault not in self.scope:
            return error(403, "Authorization: token does not have access to vault")
        if vault not in self.vaults:
            return error(404, f"vault {vault} not found")
        if item is None:
            return self._many(call, vault, query)
        if not ID.fullmatch(item):
            return error(400, "Invalid Item UUID")
        if item not in self.items[vault]:
            return error(404, f"item {item} not found")
        if files is not None and call.method == "GET":
            return self._file(vault, item, file) if file is not None else ok(self.items[vault][item].get("files", []))
        return self._one(call, vault, item) if files is None else error(405, "Method not allowed")

    def _many(self, call: HttpCall, vault: str, query: dict[str, str]) -> HttpReply:
        if call.method == "POST":
            return self._written(call, vault, "")
        held = [{name: item[name] for name in SUMMARY if name in item} for item in self.items[vault].values()]
        if "filter" in query:
            asked = re.fullmatch(r'title eq "([^"\\]*)"', query["filter"], re.DOTALL)
            if asked is None:
                return error(400, "Invalid filter")
            held = [item for item in held if item["title"] == asked[1]]
        return ok(held)

    def _one(self, call: HttpCall, vault: str, item: str) -> HttpReply:
        match call.method:
            case "GET":
                return ok(self.items[vault][item])
            case "PUT":
                return self._written(call, vault, item)
            case "DELETE":
                del self.items[vault][item]
                return HttpReply(status=204)
            case _:
                return error(405, "Method not allowed")

    def _file(self, vault: str, item: str, file: str) -> HttpReply:
        if not any(held["id"] == file for held in self.items[vault][item].get("files", ())):
            return error(404, f"file {file} not found")
        return HttpReply(status=200, headers={"content-type": "application/octet-stream"}, body=self.contents[file])

    def _written(self, call: HttpCall, vault: str, item: str) -> HttpReply:
        body: dict[str, Any] = orjson.loads(call.body)
        if call.headers.get("Content-Type") != "application/json" or set(body) - ITEM:
            return error(400, "Invalid item")
        if body.get("vault") != {"id": vault} or body.get("category") not in CATEGORIES or (item and body.get("id") != item):
            return error(400, "Invalid item category")
        fields = body.get("fields", [])
        if any(field.get("type") not in TYPES or not isinstance(field.get("id"), str) for field in fields):
            return error(400, "Invalid item field")
        self.made += 1
        for number, field in enumerate(fields):
            field["id"] = field["id"] or id_of(f"made {self.made} {number}")
            if not field.get("value"):
                field.pop("value", None)
        if not item and not any(field.get("purpose") == "NOTES" for field in fields):
            fields.append({"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain"})
        shown = deepcopy(self.items[vault])
        held = deepcopy(self._store(vault, item or id_of(f"made {self.made}"), {**body, "fields": fields}))
        if self.lag:
            self.items[vault] = shown
            self.pending.append((self.calls + self.lag, vault, held["id"], held))
        return ok(held)

    def _settle(self) -> None:
        for due in [held for held in self.pending if held[0] <= self.calls]:
            self.pending.remove(due)
            self.items[due[1]][due[2]] = due[3]
