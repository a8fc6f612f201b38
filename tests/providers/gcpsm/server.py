"""Google Secret Manager in memory, with the identity services in front of it.

Written from the Secret Manager API v1 REST reference (``projects.secrets``, ``projects.secrets.versions``, the same below
``projects.locations``), "Filter lists of secrets and secret versions", "Quotas and limits", "System parameters" and the error model of the
API design guide, as of November 2026. Where the documents are silent, messages are those that clients have recorded.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from eso_core.wire import Call, CallReply, HttpCall, HttpReply, SdkCall
from tests.providers.gcpsm.identity import NUMBER, PAGE, PROJECT, UNAUTHENTICATED, Identity, answered, fault

PAGE_SIZE = 5  # the most of one page; Google has 25,000
ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
TOPIC = re.compile(r"projects/[^/]+/topics/[^/]+")
PATH = re.compile(
    r"/v1/projects/(?P<project>[^/]+)(?:/locations/(?P<location>[^/]+))?/secrets"
    r"(?:/(?P<key>[^/:]+)(?P<versions>/versions(?:/(?P<version>[^/:]+))?)?(?::(?P<verb>\w+))?)?"
)
MANAGED = {"managed-by": "external-secrets"}
COMMON = {"$alt", "alt", "fields", "$fields", "prettyPrint"}


@dataclass
class Version:
    """``data`` is gone when the version is destroyed."""

    data: bytes | None
    state: str = "ENABLED"
    created: int = 0


@dataclass
class Secret:
    """A secret with its versions; version 1 stands first."""

    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    topics: list[dict[str, str]] = field(default_factory=list)
    replication: dict[str, Any] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    edits: int = 0

    @property
    def etag(self) -> str:
        return f'"{self.edits:x}"'


class Server:
    """``location`` is empty for global secrets. ``rotating`` replaces the credential of the case and gives the new one."""

    def __init__(
        self, *, location: str = "", identity: Identity | None = None, rotating: Callable[[Identity], Mapping[str, bytes]] | None = None
    ) -> None:
        self.location = location
        self.identity = identity if identity is not None else Identity()
        self.secrets: dict[str, Secret] = {}
        self.clock = 0
        self._rotating = rotating

    # ------------------------------------------------------------ the suite

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        secret = self.secrets.setdefault(name, Secret(replication={} if self.location else {"automatic": {}}))
        secret.labels |= tags
        return self._add(secret, value)

    def remove(self, name: str) -> None:
        del self.secrets[name]

    def held(self, name: str) -> bytes | None:
        secret = self.secrets.get(name)
        return secret.versions[-1].data if secret is not None and secret.versions else None

    def expire(self) -> None:
        self.identity.tokens.clear()

    def rotate(self) -> Mapping[str, bytes]:
        self.expire()
        return self._rotating(self.identity) if self._rotating is not None else {}

    def answer(self, call: Call) -> CallReply:
        if isinstance(call, SdkCall):
            return self.identity.sdk(call)
        url = urlsplit(call.url)
        host = f"secretmanager.{self.location}.rep.googleapis.com" if self.location else "secretmanager.googleapis.com"
        if url.scheme == "https" and url.netloc == host:
            return self._route(call, url.path, dict(parse_qsl(url.query, keep_blank_values=True)))
        return self.identity.answer(call)

    # ------------------------------------------------------------ routing

    def _route(self, call: HttpCall, path: str, query: dict[str, str]) -> HttpReply:
        found = PATH.fullmatch(path)
        if found is None or (found["location"] or "") != self.location:
            return PAGE
        project, key, version, verb = (unquote(found[name] or "") for name in ("project", "key", "version", "verb"))
        if self.identity.who(call) is None:
            return UNAUTHENTICATED
        if project not in (PROJECT, NUMBER):
            return fault(403, "PERMISSION_DENIED", f"Permission denied on resource project {project}.")
        if key and not ID.fullmatch(key):
            return invalid(f"The provided Secret ID [{key}] does not match the expected format [[a-zA-Z_0-9]+]")
        of_all = {"GET": "list", "POST": "create"}.get(call.method, "none")
        route = (call.method, bool(found["versions"]), bool(version), verb if key else of_all)
        handler, known = {
            ("GET", False, False, "list"): (self._list, {"pageSize", "pageToken", "filter"}),
            ("POST", False, False, "create"): (self._create, {"secretId"}),
            ("GET", False, False, ""): (self._get, set()),
            ("PATCH", False, False, ""): (self._patch, {"updateMask"}),
            ("DELETE", False, False, ""): (self._delete, {"etag"}),
            ("POST", False, False, "addVersion"): (self._add_version, set()),
            ("GET", True, False, ""): (self._versions, {"pageSize", "pageToken", "filter"}),
            ("GET", True, True, ""): (self._version, set()),
            ("GET", True, True, "access"): (self._access, set()),
            ("POST", True, True, "enable"): (self._change("ENABLED"), set()),
            ("POST", True, True, "disable"): (self._change("DISABLED"), set()),
            ("POST", True, True, "destroy"): (self._change("DESTROYED"), set()),
        }.get(route, (None, set()))
        if handler is None:
            return PAGE
        unknown = sorted(set(query) - known - COMMON)
        if unknown:
            return invalid(f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot bind query parameter.')
        body = json.loads(call.body) if call.body else {}
        if not key or key in self.secrets:
            return _projected(handler(key, version, query, body), query.get("fields", ""))
        return fault(404, "NOT_FOUND", f"Secret [{self._name(key)}] not found or has no versions.")

    def _name(self, key: str) -> str:
        location = f"/locations/{self.location}" if self.location else ""
        return f"projects/{NUMBER}{location}/secrets/{key}"

    # ------------------------------------------------------------ secrets

    def _list(self, _key: str, _version: str, query: dict[str, str], _body: Any) -> HttpReply:
        tests = _filter(query.get("filter", ""))
        if tests is None:
            return invalid("Invalid list filter.")
        found = [key for key in sorted(self.secrets) if all(test(self._name(key), self.secrets[key].labels) for test in tests)]
        page, token = _page(found, query)
        return answered(200, {"secrets": [self._shown(key) for key in page], "totalSize": len(found), **token})

    def _shown(self, key: str) -> dict[str, Any]:
        secret = self.secrets[key]
        body = {
            "name": self._name(key), "createTime": "2026-11-29T10:00:00Z", "etag": secret.etag, "labels": secret.labels,
            "annotations": secret.annotations, "topics": secret.topics, "replication": secret.replication,
        }  # fmt: skip
        return {name: value for name, value in body.items() if value}

    def _create(self, _key: str, _version: str, query: dict[str, str], body: dict[str, Any]) -> HttpReply:
        key = query.get("secretId", "")
        if not ID.fullmatch(key):
            return invalid("The provided Secret ID does not match the expected format.")
        replication = body.get("replication")
        if self.location and replication:
            return invalid("Replication must not be set for regional secrets.")
        if not self.location and not (replication and len(replication) == 1 and set(replication) <= {"automatic", "userManaged"}):
            return invalid("Replication must be set for global secrets.")
        wrong = _wrong(body, {"labels", "annotations", "topics", "replication", "name"})
        if wrong:
            return invalid(wrong)
        if key in self.secrets:
            return fault(409, "ALREADY_EXISTS", f"Secret [{self._name(key)}] already exists.")
        kept = {name: body[name] for name in ("labels", "annotations", "topics", "replication") if name in body}
        self.secrets[key] = Secret(**kept)
        return answered(200, self._shown(key))

    def _get(self, key: str, _version: str, _query: dict[str, str], _body: Any) -> HttpReply:
        return answered(200, self._shown(key))

    def _patch(self, key: str, _version: str, query: dict[str, str], body: dict[str, Any]) -> HttpReply:
        secret, mask = self.secrets[key], query.get("updateMask", "").split(",")
        if not set(mask) <= {"labels", "annotations", "topics"}:
            return invalid("The field mask is empty or names a field that cannot be changed.")
        wrong = _wrong(body, {"name", "etag", "labels", "annotations", "topics", "replication"})
        if wrong:
            return invalid(wrong)
        if body.get("etag", secret.etag) != secret.etag:
            return fault(400, "FAILED_PRECONDITION", f"The etag of Secret [{self._name(key)}] does not match.")
        for name in mask:
            setattr(secret, name, body.get(name, [] if name == "topics" else {}))
        secret.edits += 1
        return answered(200, self._shown(key))

    def _delete(self, key: str, _version: str, query: dict[str, str], _body: Any) -> HttpReply:
        if query.get("etag", self.secrets[key].etag) != self.secrets[key].etag:
            return fault(400, "FAILED_PRECONDITION", f"The etag of Secret [{self._name(key)}] does not match.")
        del self.secrets[key]
        return answered(200, {})

    # ------------------------------------------------------------ versions

    def _add(self, secret: Secret, data: bytes) -> str:
        self.clock += 1
        secret.versions.append(Version(data, created=self.clock))
        secret.edits += 1
        return str(len(secret.versions))

    def _add_version(self, key: str, _version: str, _query: dict[str, str], body: dict[str, Any]) -> HttpReply:
        payload = body.get("payload", {})
        if set(body) != {"payload"} or not set(payload) <= {"data", "dataCrc32c"}:
            return invalid("Invalid JSON payload received.")
        try:
            data = base64.b64decode(payload.get("data", ""), validate=True)
        except (binascii.Error, ValueError):
            return invalid("Invalid value at 'payload.data' (TYPE_BYTES), Base64 decoding failed")
        if not 0 < len(data) <= 65536:
            return invalid("Secret Payload cannot be empty, nor larger than 65536 bytes.")
        if "dataCrc32c" in payload and int(payload["dataCrc32c"]) != crc32c(data):
            return invalid("The provided checksum does not match the data.")
        number = self._add(self.secrets[key], data)
        return answered(200, self._shown_version(key, int(number)))

    def _shown_version(self, key: str, number: int) -> dict[str, Any]:
        version = self.secrets[key].versions[number - 1]
        stamp = f"2026-11-29T10:{version.created // 60:02}:{version.created % 60:02}Z"
        return {"name": f"{self._name(key)}/versions/{number}", "createTime": stamp, "state": version.state, "etag": f'"{number}"'}

    def _versions(self, key: str, _version: str, query: dict[str, str], _body: Any) -> HttpReply:
        state = re.fullmatch(r"(?:state:(\w+))?", query.get("filter", ""))
        if state is None:
            return invalid("Invalid list filter.")
        numbers = range(len(self.secrets[key].versions), 0, -1)
        found = [number for number in numbers if not state[1] or self.secrets[key].versions[number - 1].state == state[1]]
        page, token = _page(found, query)
        return answered(200, {"versions": [self._shown_version(key, number) for number in page], **token})

    def _number(self, key: str, version: str) -> int:
        """0 where there is no such version."""
        count = len(self.secrets[key].versions)
        number = count if version == "latest" else int(version) if version.isdigit() else 0
        return number if number <= count else 0

    def _unknown_version(self, key: str, version: str) -> HttpReply:
        if version == "latest":
            return fault(404, "NOT_FOUND", f"Secret [{self._name(key)}] not found or has no versions.")
        return fault(404, "NOT_FOUND", f"Secret Version [{self._name(key)}/versions/{version}] not found.")

    def _version(self, key: str, version: str, _query: dict[str, str], _body: Any) -> HttpReply:
        number = self._number(key, version)
        return answered(200, self._shown_version(key, number)) if number else self._unknown_version(key, version)

    def _access(self, key: str, version: str, _query: dict[str, str], _body: Any) -> HttpReply:
        number = self._number(key, version)
        if not number:
            return self._unknown_version(key, version)
        held = self.secrets[key].versions[number - 1]
        name = f"{self._name(key)}/versions/{number}"
        if held.data is None or held.state != "ENABLED":
            return fault(400, "FAILED_PRECONDITION", f"Secret Version [{name}] is in {held.state} state.")
        payload = {"data": base64.b64encode(held.data).decode(), "dataCrc32c": str(crc32c(held.data))}
        return answered(200, {"name": name, "payload": payload})

    def _change(self, state: str) -> Callable[[str, str, dict[str, str], Any], HttpReply]:
        def change(key: str, version: str, _query: dict[str, str], _body: Any) -> HttpReply:
            number = self._number(key, version)
            if not number:
                return self._unknown_version(key, version)
            held = self.secrets[key].versions[number - 1]
            if held.state == "DESTROYED":
                return fault(400, "FAILED_PRECONDITION", f"Secret Version [{self._name(key)}/versions/{number}] is in DESTROYED state.")
            held.state = state
            held.data = None if state == "DESTROYED" else held.data
            return answered(200, self._shown_version(key, number))

        return change


# ---------------------------------------------------------------- helpers


def invalid(message: str) -> HttpReply:
    return fault(400, "INVALID_ARGUMENT", message)


def crc32c(raw: bytes) -> int:
    """Bit by bit, other than the code under test does it."""
    crc = 0xFFFFFFFF
    for byte in raw:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 * (crc & 1))
    return crc ^ 0xFFFFFFFF


def _wrong(body: dict[str, Any], known: set[str]) -> str:
    unknown = sorted(set(body) - known)
    if unknown:
        return f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
    labels = body.get("labels", {})
    if not all(LABEL.fullmatch(name) and LABEL_VALUE.fullmatch(value) for name, value in labels.items()) or len(labels) > 64:
        return "Label keys or values are not valid."
    if sum(len(name) + len(value) for name, value in body.get("annotations", {}).items()) > 16384:
        return "Annotations are larger than 16KiB."
    return "" if all(TOPIC.fullmatch(topic["name"]) for topic in body.get("topics", [])) else "Topics must be projects/*/topics/*."


def _filter(text: str) -> list[Callable[[str, Mapping[str, str]], bool]] | None:
    """``name:part``, ``labels.key=value`` and ``labels.key:*``, which all must hold."""
    tests: list[Callable[[str, Mapping[str, str]], bool]] = []
    for term in text.split():
        named = re.fullmatch(r"name:([\w-]+)", term)
        labelled = re.fullmatch(r'labels\.([\w-]+)=("?)([\w-]*)\2', term)
        if named is not None:
            tests.append(lambda name, labels, part=named[1]: part in name.rpartition("/")[2])
        elif labelled is not None:
            tests.append(lambda name, labels, key=labelled[1], value=labelled[3]: labels.get(key, "") == value)
        else:
            return None
    return tests


def _page(found: list[Any], query: dict[str, str]) -> tuple[list[Any], dict[str, str]]:
    size = min(int(query.get("pageSize") or PAGE_SIZE), PAGE_SIZE)
    start = int(query.get("pageToken") or 0)
    more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
    return found[start : start + size], more


def _projected(reply: HttpReply, fields: str) -> HttpReply:
    """The answer with the fields asked for and no others."""
    if not fields or reply.status != 200:
        return reply
    body, kept = json.loads(reply.body), {}
    for name, inner in re.findall(r"(\w+)(?:\(([\w,]*)\))?", fields):
        if name in body:
            parts = inner.split(",") if inner else None
            kept[name] = [{part: item[part] for part in parts if part in item} for item in body[name]] if parts else body[name]
    return answered(200, kept)
