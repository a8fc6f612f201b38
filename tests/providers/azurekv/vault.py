"""A key vault in memory: the data plane for secrets, keys and certificates.

Written from "Azure Key Vault REST API" on learn.microsoft.com (operation pages of secrets, keys and certificates, version 7.4;
"Authentication, requests and responses"; "Common error codes"; "Soft-delete overview"), read on 2026-11-29, and from error bodies that
issues in public trackers quote (401 AKV10000, 403 SecretDisabled, 404 SecretNotFound, 409 ObjectIsDeletedButRecoverable).
Soft delete is on, as it is in every vault of today. Time is a counter; a deletion is complete at once.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12

from eso_core.wire import HttpCall, HttpReply

VERSIONS = frozenset({"7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"})
NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
PAGE = 4  # items; the service's own page has 25
VALUE_MAX = 25 * 1024  # bytes of a secret
EPOCH = 1_700_000_000
NOUN = {"secrets": "Secret", "keys": "Key", "certificates": "Certificate"}
PRIVATE = frozenset({"d", "dp", "dq", "qi", "p", "q", "k", "key_hsm"})


@dataclass(frozen=True)
class Version:
    """One version of an object. ``body`` is what a Get shows besides id, attributes and tags."""

    number: str
    body: Mapping[str, Any]
    attributes: Mapping[str, Any]
    tags: Mapping[str, str] | None
    managed: bool = False  # belongs to a certificate


@dataclass
class Vault:
    """``url`` without a final slash. ``authorized(token)`` says whether a token is good; ``authority`` is told to those without one."""

    url: str
    authority: str
    resource: str
    authorized: Callable[[str], bool]
    held: dict[str, dict[str, list[Version]]] = field(default_factory=lambda: {noun: {} for noun in NOUN})
    deleted: dict[str, dict[str, list[Version]]] = field(default_factory=lambda: {noun: {} for noun in NOUN})
    clock: int = 0

    def tick(self) -> int:
        self.clock += 1
        return EPOCH + self.clock

    # ------------------------------------------------------------ the front door

    def answer(self, call: HttpCall) -> HttpReply:
        url, headers = urlsplit(call.url), {name.lower(): value for name, value in call.headers.items()}
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.authorized(token):
            return self._unauthorized(token)
        query = parse_qs(url.query, keep_blank_values=True)
        [version] = query.get("api-version", [""])
        if version not in VERSIONS:
            return wrong(400, "BadParameter", f"The specified version ({version}) is not recognized.")
        parts = url.path.removeprefix("/").split("/")
        if parts[-1] == "" and len(parts) == 3:
            parts.pop()  # the latest version, as the SDKs spell it
        if any(not NAME.fullmatch(part) for part in parts[1:]):
            return wrong(400, "BadParameter", f"The request URI contains an invalid name: {parts[1]}")
        return self._routed(call, parts, query)

    def _unauthorized(self, token: str) -> HttpReply:
        """The challenge."""
        text = "AKV10000: Request is missing a Bearer or PoP token." if not token else "[TokenExpired] Error validating token: 'S2S12086'."
        challenge = f'Bearer authorization="{self.authority}", resource="{self.resource}"'
        return wrong(401, "Unauthorized", text, headers={"www-authenticate": challenge})

    def _routed(self, call: HttpCall, parts: list[str], query: Mapping[str, list[str]]) -> HttpReply:
        collection = parts[0]
        deleted = collection.removeprefix("deleted")
        if deleted != collection and deleted in NOUN:
            return self._of_deleted(call, deleted, parts, query)
        if collection not in NOUN:
            return wrong(404, "ResourceNotFound", "The resource is not known.")
        body = parsed(call.body)
        match call.method, parts:
            case "GET", [_]:
                return self._list(collection, [(name, all_[-1]) for name, all_ in sorted(self.held[collection].items())], query)
            case "GET", [_, name, "versions"]:
                return self._list(collection, [(f"{name}/{one.number}", one) for one in self.held[collection].get(name, ())], query)
            case "GET", [_, name]:
                return self._get(collection, name, "")
            case "GET", [_, name, version]:
                return self._get(collection, name, version)
            case "DELETE", [_, name]:
                return self._delete(collection, name)
            case "PATCH", [_, name, *version]:
                return self._update(collection, name, version[0] if version else "", body)
            case "PUT", ["secrets", name]:
                return self._set_secret(name, body)
            case "PUT", ["keys", name]:
                return self._import_key(name, body)
            case "POST", ["certificates", name, "import"]:
                return self._import_certificate(name, body)
            case _:
                return wrong(405, "MethodNotAllowed", "Method not allowed.")

    # ------------------------------------------------------------ reading

    def _get(self, collection: str, name: str, version: str) -> HttpReply:
        versions = self.held[collection].get(name, [])
        found = next((one for one in reversed(versions) if not version or one.number == version), None)
        if found is None:
            return self._missing(collection, name, version)
        if not found.attributes["enabled"] and collection == "secrets":
            return wrong(403, "Forbidden", "Operation get is not allowed on a disabled secret.", inner="SecretDisabled")
        return reply(self.shown(collection, name, found))

    def _missing(self, collection: str, name: str, version: str = "") -> HttpReply:
        noun, what = NOUN[collection], f"{name}/{version}" if version else name
        text = f"A {noun.lower()} with (name/id) {what} was not found in this key vault. If you recently deleted this {noun.lower()} "
        return wrong(404, f"{noun}NotFound", f"{text}you may be able to recover it using the correct recovery command.")

    def shown(self, collection: str, name: str, one: Version, *, item: bool = False) -> dict[str, Any]:
        """A bundle, or an item of a list: without what it holds, and in a list of objects without the version."""
        identifier = f"{self.url}/{collection}/{name}" if item else f"{self.url}/{collection}/{name}/{one.number}"
        id_name = "kid" if collection == "keys" else "id"
        body: dict[str, Any] = {} if item else dict(one.body)
        if collection == "keys" and not item:
            body["key"] = {"kid": identifier, **body["key"]}
        elif collection == "keys" or not (collection == "certificates" and item):
            body[id_name] = identifier
        else:
            body["id"] = identifier
        shown = {**body, "attributes": dict(one.attributes)}
        if one.tags is not None:
            shown["tags"] = dict(one.tags)
        return {**shown, "managed": True} if one.managed else shown

    def _list(self, collection: str, items: list[tuple[str, Version]], query: Mapping[str, list[str]]) -> HttpReply:
        """``$skiptoken`` is where a page begins. The next link names the port, as the service's does."""
        most = min(int(query.get("maxresults", [str(PAGE)])[0]), PAGE)
        start = int(query.get("$skiptoken", ["0"])[0])
        value = [self.shown(collection, name, one, item=True) for name, one in items[start : start + most]]
        rest = f"?api-version={query['api-version'][0]}&$skiptoken={start + most}&maxresults={most}"
        path = collection if not items or "/" not in items[0][0] else f"{collection}/{items[0][0].partition('/')[0]}/versions"
        base = self.url if urlsplit(self.url).port is not None else f"{self.url}:443"
        return reply({"value": value, "nextLink": f"{base}/{path}{rest}" if start + most < len(items) else None})

    # ------------------------------------------------------------ writing

    def add(
        self, collection: str, name: str, body: Mapping[str, Any], tags: Any = None, managed: bool = False, **attributes: Any
    ) -> Version:
        now = self.tick()
        base = {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}
        given = {key: value for key, value in attributes.items() if value is not None}
        one = Version(f"{self.clock:032x}", body, {**base, **given}, dict(tags) if tags is not None else None, managed)
        self.held[collection].setdefault(name, []).append(one)
        return one

    def _write(self, collection: str, name: str, body: Mapping[str, Any], held: Mapping[str, Any]) -> HttpReply:
        if name in self.deleted[collection]:
            text = (
                f"{NOUN[collection]} {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, "
            )
            return wrong(409, "Conflict", f"{text}it can only be recovered or purged.", inner="ObjectIsDeletedButRecoverable")
        attributes = body.get("attributes") or {}
        if not isinstance(attributes, dict) or set(attributes) - {"enabled", "exp", "nbf", "exportable"}:
            return wrong(400, "BadParameter", "Property attributes has invalid value")
        one = self.add(collection, name, held, body.get("tags"), **attributes)
        return reply(self.shown(collection, name, one))

    def _set_secret(self, name: str, body: Any) -> HttpReply:
        if not isinstance(body, dict) or not isinstance(body.get("value"), str):
            return wrong(400, "BadParameter", "Property value has invalid value")
        if len(body["value"].encode()) > VALUE_MAX:
            return wrong(400, "BadParameter", "The value of the secret is too long.")
        held = {"value": body["value"], **({"contentType": body["contentType"]} if body.get("contentType") is not None else {})}
        return self._write("secrets", name, body, held)

    def _update(self, collection: str, name: str, version: str, body: Any) -> HttpReply:
        versions = self.held[collection].get(name, [])
        at = next((index for index, one in reversed([*enumerate(versions)]) if not version or one.number == version), None)
        if at is None or not isinstance(body, dict):
            return self._missing(collection, name, version)
        attributes = {**versions[at].attributes, **(body.get("attributes") or {}), "updated": self.tick()}
        versions[at] = replace(versions[at], attributes=attributes, tags=body.get("tags", versions[at].tags))
        return reply(self.shown(collection, name, versions[at]))

    def _import_key(self, name: str, body: Any) -> HttpReply:
        key = body.get("key") if isinstance(body, dict) else None
        needed = {"RSA": ("n", "e", "d", "p", "q", "dp", "dq", "qi"), "EC": ("crv", "x", "y", "d")}
        if not isinstance(key, dict) or key.get("kty") not in needed:
            return wrong(400, "BadParameter", "Property kty has invalid value")
        for member in needed[key["kty"]]:
            if not isinstance(key.get(member), str) or not re.fullmatch(r"[0-9A-Za-z_-]+", key[member]):
                return wrong(400, "BadParameter", f"Property {member} has invalid value")
        shown = {member: text for member, text in key.items() if member not in PRIVATE and text is not None and member != "kid"}
        shown.setdefault("key_ops", ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"])
        return self._write("keys", name, body, {"key": shown})

    def _import_certificate(self, name: str, body: Any) -> HttpReply:
        """Makes a secret and a key of the same name, which the certificate manages."""
        text = body.get("value") if isinstance(body, dict) else None
        if not isinstance(text, str):
            return wrong(400, "BadParameter", "Property value has invalid value")
        kind = ((body.get("policy") or {}).get("secret_props") or {}).get("contentType", "application/x-pkcs12")
        der = read_pem(base64.b64decode(text)) if kind == "application/x-pem-file" else read_pfx(base64.b64decode(text))
        if isinstance(der, str):
            return wrong(400, "BadParameter", der)
        written = self._write("certificates", name, body, {"cer": base64.b64encode(der).decode(), "policy": {"id": f"{self.url}/x"}})
        if written.status == 200:
            self.add("secrets", name, {"value": text, "contentType": kind}, managed=True)
        return written

    # ------------------------------------------------------------ deletion

    def _delete(self, collection: str, name: str) -> HttpReply:
        versions = self.held[collection].pop(name, None)
        if versions is None:
            return self._missing(collection, name)
        self.deleted[collection][name] = versions
        if collection == "certificates":
            self.held["secrets"].pop(name, None)
        return reply(self._shown_deleted(collection, name))

    def _shown_deleted(self, collection: str, name: str) -> dict[str, Any]:
        one = self.deleted[collection][name][-1]
        shown = {key: value for key, value in self.shown(collection, name, one).items() if key != "value"}
        return {
            **shown,
            "recoveryId": f"{self.url}/deleted{collection}/{name}",
            "deletedDate": EPOCH,
            "scheduledPurgeDate": EPOCH + 90 * 86400,
        }

    def _of_deleted(self, call: HttpCall, collection: str, parts: list[str], query: Mapping[str, list[str]]) -> HttpReply:
        held = self.deleted[collection]
        if len(parts) > 1 and parts[1] not in held:
            return self._missing(collection, parts[1])
        match call.method, parts[1:]:
            case "GET", [name]:
                return reply(self._shown_deleted(collection, name))
            case "DELETE", [name]:
                held.pop(name)
                return HttpReply(status=204)
            case "POST", [name, "recover"]:
                self.held[collection][name] = held.pop(name)
                return self._get(collection, name, "")
            case "GET", []:
                return reply({"value": [self._shown_deleted(collection, name) for name in sorted(held)], "nextLink": None})
            case _:
                return wrong(405, "MethodNotAllowed", "Method not allowed.")


# ---------------------------------------------------------------- forms


def reply(body: Any) -> HttpReply:
    return HttpReply(status=200, headers={"content-type": "application/json; charset=utf-8"}, body=orjson.dumps(body))


def wrong(status: int, code: str, message: str, *, inner: str = "", headers: Mapping[str, str] | None = None) -> HttpReply:
    error = {"code": code, "message": message, **({"innererror": {"code": inner}} if inner else {})}
    kind = {"content-type": "application/json; charset=utf-8"}
    return HttpReply(status=status, headers={**kind, **(headers or {})}, body=orjson.dumps({"error": error}))


def parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None


def read_pfx(raw: bytes) -> bytes | str:
    """The DER form of the certificate, or the vault's complaint."""
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(raw, None)
    except ValueError:
        return "The specified PKCS#12 X.509 certificate content can not be read."
    if key is None or certificate is None:
        return "The specified PKCS#12 X.509 certificate has no private key."
    return certificate.public_bytes(Encoding.DER)


def read_pem(raw: bytes) -> bytes | str:
    try:
        load_pem_private_key(raw, None)
        return x509.load_pem_x509_certificate(raw).public_bytes(Encoding.DER)
    except ValueError:
        return "The specified PEM X.509 certificate content is in an unexpected format."
