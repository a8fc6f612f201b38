"""What is asked of Scaleway's Secret Manager: a version of a secret, and lists of secrets."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from eso_core.door import Absent, Talk
from eso_core.failure import Broken, Failure
from eso_core.providers import _kit
from eso_core.providers.scaleway.store import ROOT, UUID, At, Line, failure_of, says_absent, what
from eso_core.wire import HttpCall, HttpReply

PAGE: Final = 100  # secrets; Scaleway gives no more
FOUND_MAX: Final = 10_000  # secrets that one list looks at
Filters = Sequence[tuple[str, str]]


class Version(msgspec.Struct):
    """The payload of a version. It comes with a checksum where it was written with one."""

    secret_id: str
    revision: int
    data: bytes  # msgspec reads base64 text into bytes
    data_crc32: int | None = None

    def __repr__(self) -> str:
        return f"Version(secret_id={self.secret_id!r}, revision={self.revision})"


class Listed(msgspec.Struct):
    """A secret, without its value."""

    id: str
    name: str
    path: str = ROOT


class _Page(msgspec.Struct):
    secrets: list[Listed]
    total_count: int


def access_version(line: Line, at: At, revision: str) -> Talk[Version | Absent | Failure]:
    """A version of a secret, by the secret's id or folder and name; a name alone is one in the root folder."""
    end = f"/versions/{revision}/access"
    if at.ident:
        call = line.call("GET", f"/secrets/{at.ident}{end}", "AccessSecretVersion")
    else:
        query = [("secret_path", at.folder or ROOT), ("secret_name", at.name), ("project_id", line.store.project)]
        call = line.call("GET", f"/secrets-by-path{end}", "AccessSecretVersionByPath", query)
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    if not 200 <= reply.status < 300:
        return Absent() if says_absent(reply) else failure_of(call, reply)
    return _version(call, reply, revision)


def _version(call: HttpCall, reply: HttpReply, revision: str) -> Version | Failure:
    held = _kit.decoded(reply.body, Version)
    if held is None or not UUID.fullmatch(held.secret_id) or (revision.isdigit() and held.revision != int(revision)):
        return Broken(f"{what(call)}: the answer is not the version that was asked for")
    if held.data_crc32 is not None and held.data_crc32 != zlib.crc32(held.data):
        return Broken(f"{what(call)}: the payload does not fit its checksum")
    return held


def one_page(line: Line, filters: Filters, *, page: int, size: int) -> Talk[tuple[list[Listed], int] | Failure]:
    """One page of a list, and how many secrets there are on all pages."""
    query = [("project_id", line.store.project), ("page", str(page)), ("page_size", str(size)), *filters]
    call = line.call("GET", "/secrets", "ListSecrets", query)
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    if not 200 <= reply.status < 300:
        return failure_of(call, reply)
    held = _kit.decoded(reply.body, _Page)
    if held is None or held.total_count < len(held.secrets) or not all(UUID.fullmatch(secret.id) for secret in held.secrets):
        return Broken(f"{what(call)}: the answer is not a list of secrets")
    return held.secrets, held.total_count


def list_secrets(line: Line, filters: Filters) -> Talk[list[Listed] | Failure]:
    """All secrets that the filters let through."""
    secrets: list[Listed] = []
    for page in range(1, 2 + FOUND_MAX):
        held = yield from one_page(line, filters, page=page, size=PAGE)
        if not isinstance(held, tuple):
            return held
        found, total = held
        secrets += found
        if len(secrets) >= total:
            return secrets
        if not found:
            return Broken(f"Scaleway ListSecrets: the list ends before its {total} secrets")
        if total > FOUND_MAX:
            break
    return Broken(f"Scaleway ListSecrets: more than {FOUND_MAX} secrets; narrow the find by a path or tags")


def first(line: Line, at: At) -> Talk[Listed | Absent | Failure]:
    """The secret of this name, in its folder or, where no folder is given, in any, of which the root folder goes first."""
    filters = [("name", at.name), *([("path", at.folder)] if at.folder else [])]
    held = yield from list_secrets(line, filters)
    if not isinstance(held, list):
        return held
    same = [secret for secret in held if secret.name == at.name and at.folder in ("", secret.path)]
    return min(same, key=lambda secret: secret.path != ROOT) if same else Absent()


def path_of(ident: str) -> str:
    """The path of a secret that the backend named."""
    return f"/secrets/{quote(ident, safe='')}"
