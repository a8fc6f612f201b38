"""The parsed form of ``spec.provider.gcpsm``, its login, and its connection to Secret Manager.

Secrets are global, ``projects/<project>/secrets/<id>``, or of one location, which has its own host:
``projects/<project>/locations/<location>/secrets/<id>``. Documents: Secret Manager API v1, REST reference, ``projects.secrets``,
``projects.locations.secrets`` and their ``versions``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.gcpsm import Spec
from eso_core.door import Absent, Access, Need, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Unreachable
from eso_core.providers._gcp import api as gcp_api
from eso_core.providers._gcp import login as gcp_login
from eso_core.providers._gcp.api import ask
from eso_core.providers._gcp.login import Key, Login
from eso_core.providers._gcp.token import Token
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import JSON, HttpCall

PATH: Final = "spec.provider.gcpsm"
LATEST_OR_FETCH: Final = "LatestOrFetch"
PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9.:-]{0,99}")
LOCATION: Final = re.compile(r"[a-z][a-z0-9-]{0,49}")
SECRET_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
VERSION: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")  # a number or an alias
LATEST: Final = "latest"
LISTED_MAX: Final = 100  # pages of versions that are looked through for an enabled one


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``project`` is empty where the metadata server tells it; ``location`` is empty for global secrets."""

    project: str
    location: str
    latest_or_fetch: bool
    login: Login


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    workload = model.auth.workload_identity
    cluster = workload.cluster_project_id if workload is not None else ""
    login = gcp_login.parse_auth(model.auth, f"{PATH}.auth", model.project_id)
    if isinstance(login, Wrong):
        return login
    project = model.project_id or cluster
    if not project and isinstance(login.unwrap(), Key):
        return Wrong(InvalidSpec("unable to find ProjectID in storeSpec: it must be given with static credentials", f"{PATH}.projectID"))
    if project and not PROJECT.fullmatch(project):
        return Wrong(InvalidSpec("is not the id or number of a project", f"{PATH}.projectID"))
    if model.location and not LOCATION.fullmatch(model.location):
        return Wrong(InvalidSpec("is not a location such as europe-west3", f"{PATH}.location"))
    fetch = model.secret_version_selection_policy == LATEST_OR_FETCH
    return Success(Store(project=project, location=model.location, latest_or_fetch=fetch, login=login.unwrap()))


def needs(store: Store) -> dict[str, Need]:
    """Those of the login."""
    return dict(gcp_login.needs(store.login))


@dataclass(frozen=True, slots=True)
class Held:
    """A session: the access token, and the project of the secrets."""

    token: str = field(repr=False)
    project: str


def login(access: Access) -> Talk[Session | Failure]:
    """An access token, and where the store names no project, that of the operator."""
    store: Store = access.spec
    project: str | Failure = store.project
    if not project:
        project = yield from gcp_api.metadata("project/project-id")
        if isinstance(project, str) and not PROJECT.fullmatch(project):
            project = Broken("the metadata server, project/project-id: this is no project")
    if not isinstance(project, str):
        return project
    token = yield from gcp_login.access_token(access, store.login)
    return Session(value=Held(token.value, project), lease_s=token.lease_s) if isinstance(token, Token) else token


# ---------------------------------------------------------------- calls


@dataclass(frozen=True, slots=True)
class Line:
    """One store's connection, as one identity."""

    store: Store
    held: Held

    @property
    def parent(self) -> str:
        location = f"/locations/{self.store.location}" if self.store.location else ""
        return f"projects/{self.held.project}{location}"

    def call(self, method: str, name: str, path: str, *, query: str = "", body: bytes = b"") -> HttpCall:
        """A call to ``path`` below the parent; ``name`` is the method of the API where metrics count it, as in the reference."""
        host = f"secretmanager.{self.store.location}.rep" if self.store.location else "secretmanager"
        headers = {"Authorization": f"Bearer {self.held.token}", "Accept": JSON, **({"Content-Type": JSON} if body else {})}
        url = f"https://{host}.googleapis.com/v1/{self.parent}/secrets{path}{query}"
        return HttpCall(method=method, url=url, headers=headers, body=body, name=name)


def line_of(access: Access, session: Session) -> Line:
    return Line(access.spec, session.value)


def bad_key(key: str) -> InvalidSpec | None:
    """Google's own rule for names of secrets, so that no key is part of a path in another way."""
    return None if SECRET_ID.fullmatch(key) else InvalidSpec("the name of a secret of GCP has 1 to 255 letters, digits, '_' and '-'")


# ---------------------------------------------------------------- payloads


class Payload(msgspec.Struct):
    """``SecretPayload``: base64, and the CRC32C of the bytes as a decimal text."""

    data: str | None = None
    crc32c: str | int | None = msgspec.field(default=None, name="dataCrc32c")


class Accessed(msgspec.Struct):
    """``AccessSecretVersionResponse``."""

    payload: Payload | None = None
    name: str = ""


def payload_of(accessed: Accessed, what: str) -> SecretBytes | Failure:
    """The bytes of a version, checked against their sum where there is one."""
    payload = accessed.payload
    if payload is None or payload.data is None:
        return Broken(f"{what}: invalid secret received, no secret string")
    try:
        raw = base64.b64decode(payload.data, validate=True)
    except (binascii.Error, ValueError):
        return Broken(f"{what}: the payload is not base64")
    if payload.crc32c is not None and len(raw) <= CHECKED_MAX and str(payload.crc32c) != str(crc32c(raw)):
        return Unreachable(f"{what}: the payload was damaged on its way, its CRC32C differs")
    return SecretBytes(raw)


def _table() -> tuple[int, ...]:
    entries = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        entries.append(value)
    return tuple(entries)


_CRC: Final = _table()
CHECKED_MAX: Final = 4096  # bytes of a payload whose CRC is looked at; for larger ones TLS has to do, so that no other object waits 40 ms


def crc32c(raw: bytes) -> int:
    """The Castagnoli CRC (RFC 3720, B.4) of ``raw``; about half a microsecond a byte."""
    crc = 0xFFFFFFFF
    for byte in raw:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


# ---------------------------------------------------------------- versions


class Version(msgspec.Struct):
    """``SecretVersion``, in part."""

    name: str
    state: str = ""


class _Versions(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    versions: list[Version] = []
    next_page_token: str = ""
    total_size: int = 0


def newest_enabled(line: Line, key: str) -> Talk[str | Absent | Failure]:
    """The number of the newest version that is enabled; empty where none is. Versions are listed from the newest on."""
    token = ""
    for _ in range(LISTED_MAX):
        asked = {
            "filter": "state:ENABLED",
            "pageSize": "1",
            "fields": "versions(name,state),nextPageToken",
            **({"pageToken": token} if token else {}),
        }
        call = line.call("GET", "", f"/{key}/versions", query=f"?{urlencode(asked)}")
        held = yield from ask(call, f"ListSecretVersions {key}", _Versions)
        if not isinstance(held, _Versions):
            return held
        enabled = next((version for version in held.versions if version.state == "ENABLED"), None)
        if enabled is not None:
            return quote(enabled.name.rpartition("/")[2], safe="")
        if not held.next_page_token or held.next_page_token == token:
            return ""
        token = held.next_page_token
    return ""
