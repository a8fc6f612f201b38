"""Reading KV engines, version 1 and 2: where a secret lies, its value, its metadata, and what lies in a folder.

=========  =================================  ===================================
engine     value                              metadata, and lists
=========  =================================  ===================================
version 1  ``<mount>/<key>``                  lists only, at the same place
version 2  ``<mount>/data/<key>``             ``<mount>/metadata/<key>``
=========  =================================  ===================================
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec
from returns.result import Result

from eso_core.compat.gojson import parse_object
from eso_core.compat.property import vault_path
from eso_core.compat.values import get_byte_values
from eso_core.door import Absent, Answer, Blob, Failed, Found, Talk
from eso_core.failure import Broken, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers._vault.auth import climbs
from eso_core.providers._vault.store import Line, Store, what
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply

SYSTEM_METADATA: Final = ("created_time", "current_version", "delete_version_after")
FOUND_MAX: Final = 10_000  # secrets that one find looks at

# ---------------------------------------------------------------- places


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret or a folder is read, and where its metadata is (the same in version 1)."""

    data: str
    metadata: str


def place(store: Store, key: str) -> Place | InvalidSpec:
    """The place of ``remoteRef.key``, in front of which the mount, and ``data/`` behind it, may be repeated."""
    data = vault_path(key, store.mount, v2=store.v2)
    return _checked(store, _beside(store, data))


def exact(store: Store, path: str) -> Place | InvalidSpec:
    """The place of what a list named, or of a folder: nothing in front of it is left out."""
    if store.mount is None:
        return place(store, path)
    return _checked(store, _beside(store, f"{store.mount}/data/{path}" if store.v2 else f"{store.mount}/{path}"))


def _beside(store: Store, data: str) -> Place:
    if not store.v2:
        return Place(data, data)
    if store.mount is None:
        return Place(data, data.replace("/data/", "/metadata/", 1))
    return Place(data, f"{store.mount}/metadata/{data.removeprefix(f'{store.mount}/data/')}")


def _checked(store: Store, at: Place) -> Place | InvalidSpec:
    """A key must not climb out of its engine, nor read the store's own token."""
    if climbs(at.data):
        return InvalidSpec("a key of Vault must not contain '..'")
    if store.mount is None and posixpath.normpath(at.data.lstrip("/")).startswith("auth/token"):
        return InvalidSpec("a key of Vault must not name a token")
    return at


# ---------------------------------------------------------------- values


class _Versioned(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()


class _V2(msgspec.Struct):
    data: _Versioned | None = None


class _V1(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()


def read(line: Line, at: Place | InvalidSpec, version: str = "") -> Talk[Answer]:
    """The data object as its JSON text, numbers as the server wrote them."""
    if isinstance(at, InvalidSpec):
        return Failed(at)
    query = f"?version={quote(version, safe='')}" if version else ""
    call = line.call("GET", at.data, "ReadSecretData", query=query)
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply if isinstance(reply, Absent) else Failed(reply)
    return _payload(call, reply, v2=line.store.v2)


def _payload(call: HttpCall, reply: HttpReply, *, v2: bool) -> Answer:
    held = _kit.decoded(reply.body, _V2) if v2 else _kit.decoded(reply.body, _V1)
    if held is None:
        return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))
    if isinstance(held, _V2):
        raw = bytes(held.data.data) if held.data is not None else b""
    else:
        raw = bytes(held.data)
    if raw == b"null":
        return Absent()
    if not raw.startswith(b"{"):
        return Failed(Broken(f"{what(call)}: failed to find data field"))
    return Found(Blob(SecretBytes(raw)))


def members(raw: bytes) -> Result[dict[str, bytes], str]:
    """The values of a JSON object. Numbers are floating point here, as in the reference's maps."""
    return parse_object(raw).bind(get_byte_values)


# ---------------------------------------------------------------- metadata


class _Metadata(msgspec.Struct):
    data: dict[str, msgspec.Raw] | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a version 2 engine says of a secret besides its values."""

    system: Mapping[str, msgspec.Raw]
    custom: Mapping[str, str]

    def texts(self) -> dict[str, str]:
        """System metadata, overlaid with custom metadata, as text."""
        shown = {name: self.system[name] for name in SYSTEM_METADATA if name in self.system and bytes(self.system[name]) != b"null"}
        return {**{name: _plain(raw) for name, raw in shown.items()}, **self.custom}


def metadata(line: Line, at: Place | InvalidSpec) -> Talk[Metadata | Absent | Failed]:
    """System and custom metadata."""
    if isinstance(at, InvalidSpec):
        return Failed(at)
    call = line.call("GET", at.metadata, "ReadSecretData")
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply if isinstance(reply, Absent) else Failed(reply)
    held = _kit.decoded(reply.body, _Metadata)
    if held is None or held.data is None:
        return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))
    return Metadata(held.data, custom_of(held.data.get("custom_metadata")))


def custom_of(raw: msgspec.Raw | None) -> dict[str, str]:
    """Custom metadata as text; none where it is null or no object."""
    custom = _kit.decoded(bytes(raw), dict[str, msgspec.Raw]) if raw is not None else None
    return {name: _plain(value) for name, value in custom.items()} if custom is not None else {}


def _plain(raw: msgspec.Raw) -> str:
    """Text as it is, anything else as its JSON text."""
    text = _kit.decoded(bytes(raw), str)
    return text if text is not None else bytes(raw).decode("utf-8", "replace")


# ---------------------------------------------------------------- folders


class _Names(msgspec.Struct):
    keys: list[str]  # required: an answer without it is no empty folder, whatever its status


class _Listed(msgspec.Struct):
    data: _Names


def names(line: Line, at: Place | InvalidSpec) -> Talk[list[str] | Absent | Failed]:
    """What lies in one folder; names of folders end with a slash."""
    if isinstance(at, InvalidSpec):
        return Failed(at)
    call = line.call("GET", at.metadata, "ListSecrets", query="?list=true")
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply if isinstance(reply, Absent) else Failed(reply)
    held = _kit.decoded(reply.body, _Listed)
    return held.data.keys if held is not None else Failed(Broken(f"{what(call)}: the answer is not a list"))


def too_many(number: int) -> Failed | None:
    """A find that would look at too much."""
    what = f"the find looks at more than {FOUND_MAX} secrets; narrow it by a path"
    return Failed(Broken(what)) if number > FOUND_MAX else None
