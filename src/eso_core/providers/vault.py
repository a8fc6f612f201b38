"""``spec.provider.vault``: KV engines, version 1 and 2, of HashiCorp Vault, OpenBao and servers that speak their API.

Tokens of a login are used for their lease and not revoked: they expire.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result

from eso_core.compat.gojson import Numbers, parse_object
from eso_core.compat.property import property_vault, vault_metadata_path, vault_path
from eso_core.compat.values import get_byte_values
from eso_core.door import Absent, Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Provider, Query, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers._vault import (
    ROLE_ID,
    SECRET_ID,
    TOKEN,
    AppRole,
    Line,
    Nobody,
    Store,
    Token,
    ask,
    failure_of,
    line_of,
    needs,
    parse,
    what,
)
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply

SYSTEM_METADATA: Final = ("created_time", "current_version", "delete_version_after")
FOUND_MAX: Final = 10_000  # secrets that one find looks at

# ---------------------------------------------------------------- login


class _Auth(msgspec.Struct):
    client_token: str
    lease_duration: int = 0


class _LoggedIn(msgspec.Struct):
    auth: _Auth


def login(access: Access) -> Talk[Session | Failure]:
    """The token as it is, or the one that the AppRole method gives."""
    store: Store = access.spec
    match store.login:
        case Token():
            return Session(value=access.text(TOKEN))
        case Nobody():
            return Session(value="")
        case AppRole(path=path, role_id=role_id):
            body = orjson.dumps({"role_id": role_id or access.text(ROLE_ID), "secret_id": access.text(SECRET_ID)})
            call = line_of(access, "").call("PUT", f"auth/{path}/login", "Login", body=body, login=True)
            reply = _kit.http((yield call))
            return _session(call, reply) if isinstance(reply, HttpReply) else reply


def _session(call: HttpCall, reply: HttpReply) -> Session | Failure:
    if not 200 <= reply.status < 300:
        return failure_of(call, reply)
    held = _kit.decoded(reply.body, _LoggedIn)
    if held is None or not held.auth.client_token:
        return Broken(f"{what(call)}: the answer holds no token")
    return Session(value=held.auth.client_token, lease_s=held.auth.lease_duration or None)


# ---------------------------------------------------------------- reading


class _Versioned(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()


class _V2(msgspec.Struct):
    data: _Versioned | None = None


class _V1(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time."""
    line = line_of(access, session.value)
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get(metadata=True):
                answers[query] = yield from _get_metadata(line, query)
            case Get():
                answers[query] = yield from _get(line, query.key, query.version)
            case Find():
                answers[query] = yield from _find(line, query)
            case Probe():
                answers[query] = yield from _probe(line)
    return answers


def unsafe(store: Store, path: str) -> InvalidSpec | None:
    """A key must not climb out of its engine, nor read the store's own token."""
    if ".." in path.split("/"):
        return InvalidSpec("a key of Vault must not contain '..'")
    if not store.mount and posixpath.normpath(path.lstrip("/")).startswith("auth/token"):
        return InvalidSpec("a key of Vault must not name a token")
    return None


def _get(line: Line, key: str, version: str = "") -> Talk[Answer]:
    path = vault_path(key, line.store.mount, v2=line.store.v2)
    refused = unsafe(line.store, path)
    if refused is not None:
        return Failed(refused)
    query = f"?version={quote(version, safe='')}" if version else ""
    call = line.call("GET", path, "ReadSecretData", query=query)
    reply = yield from ask(call)
    if not isinstance(reply, HttpReply):
        return reply if isinstance(reply, Absent) else Failed(reply)
    return _payload(call, reply, v2=line.store.v2)


def _payload(call: HttpCall, reply: HttpReply, *, v2: bool) -> Answer:
    """The data object as its JSON text, numbers as the server wrote them."""
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


# ---------------------------------------------------------------- metadata


class _Metadata(msgspec.Struct):
    data: dict[str, msgspec.Raw] | None = None


def _get_metadata(line: Line, query: Get) -> Talk[Answer]:
    if not line.store.v2:
        return Failed(InvalidSpec("cannot perform metadata fetch operations with kv version v1"))
    held = yield from _metadata(line, query.key)
    if not isinstance(held, dict):
        return held
    return Found(Blob(_kit.json_object(held) if held else SecretBytes(b"")))


def _metadata(line: Line, key: str) -> Talk[dict[str, str] | Absent | Failed]:
    """System metadata, overlaid with custom metadata, as text."""
    call = _metadata_call(line, key, "ReadSecretData")
    if isinstance(call, InvalidSpec):
        return Failed(call)
    reply = yield from ask(call)
    if not isinstance(reply, HttpReply):
        return reply if isinstance(reply, Absent) else Failed(reply)
    held = _kit.decoded(reply.body, _Metadata)
    if held is None or held.data is None:
        return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))
    shown: dict[str, msgspec.Raw] = {
        name: held.data[name] for name in SYSTEM_METADATA if name in held.data and bytes(held.data[name]) != b"null"
    }
    custom = _kit.decoded(bytes(held.data.get("custom_metadata", b"null")), dict[str, msgspec.Raw])
    if custom is not None:
        shown.update(custom)
    return {name: _plain(raw) for name, raw in shown.items()}


def _metadata_call(line: Line, key: str, name: str, query: str = "") -> HttpCall | InvalidSpec:
    path = vault_metadata_path(key, line.store.mount, v2=line.store.v2)
    if isinstance(path, Wrong):
        return InvalidSpec(path.failure())
    return unsafe(line.store, path.unwrap()) or line.call("GET", path.unwrap(), name, query=query)


def _plain(raw: msgspec.Raw) -> str:
    """Text as it is, anything else as its JSON text."""
    value: Any = msgspec.json.decode(raw)
    return value if isinstance(value, str) else bytes(raw).decode("utf-8", "replace")


# ---------------------------------------------------------------- finding


class _Names(msgspec.Struct):
    keys: list[str]  # required: an answer without it is no empty folder, whatever its status


class _Listed(msgspec.Struct):
    data: _Names


def _find(line: Line, query: Find) -> Talk[Answer]:
    """By name (which wins) or by tags, below the path; values are whole secrets as JSON. One read after the other."""
    if query.tags and not line.store.v2:
        return Failed(InvalidSpec("cannot perform find by tag operations with kv version v1"))
    matches = _kit.matcher(query.name) if query.name is not None else None
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    keys = yield from _list(line, f"{query.path}/" if query.path is not None else "")
    if not isinstance(keys, list):
        return keys
    values: dict[str, SecretBytes] = {}
    for key in keys:
        wanted = matches(key) if matches is not None else (yield from _tagged(line, key, query.tags))
        if isinstance(wanted, Failed):
            return wanted
        answer = (yield from _get(line, key)) if wanted else Absent()
        if isinstance(answer, Failed):
            return answer
        if isinstance(answer, Found):
            values |= _whole(key, answer)
    return Found(Entries(values))


def _list(line: Line, top: str) -> Talk[list[str] | Absent | Failed]:
    """All keys below ``top``. A folder that vanishes meanwhile is empty; only a missing ``top`` is absent."""
    keys: list[str] = []
    folders = [top]
    while folders:
        folder = folders.pop()
        call = _metadata_call(line, folder, "ListSecrets", "?list=true")
        if isinstance(call, InvalidSpec):
            return Failed(call)
        reply = yield from ask(call)
        if isinstance(reply, Absent):
            if folder == top:
                return reply
            continue
        held = _kit.decoded(reply.body, _Listed) if isinstance(reply, HttpReply) else None
        if held is None:
            return Failed(Broken(f"{what(call)}: the answer is not a list") if isinstance(reply, HttpReply) else reply)
        names = held.data.keys
        folders.extend(f"{folder}{name}" for name in names if name.endswith("/"))
        keys.extend(f"{folder}{name}" for name in names if not name.endswith("/"))
        if len(keys) + len(folders) > FOUND_MAX:
            return Failed(Broken(f"{what(call)}: more than {FOUND_MAX} secrets; narrow the find by a path"))
    return keys


def _tagged(line: Line, key: str, tags: tuple[tuple[str, str], ...]) -> Talk[bool | Failed]:
    if not tags:
        return True
    held = yield from _metadata(line, key)
    if isinstance(held, Failed):
        return held
    return isinstance(held, dict) and all(held.get(name) == value for name, value in tags)


def _whole(key: str, answer: Found) -> dict[str, SecretBytes]:
    value = PROVIDER.dialect.value(answer.payload, "")
    return {key: value.payload.value} if isinstance(value, Found) and isinstance(value.payload, Blob) else {}


# ---------------------------------------------------------------- validating


def _probe(line: Line) -> Talk[Answer]:
    """Whether the token is known to the server."""
    call = line.call("GET", "auth/token/lookup-self", "LookupSelf")
    reply = _kit.http((yield call))
    if isinstance(reply, HttpReply):
        if not 200 <= reply.status < 300:
            return Failed(failure_of(call, reply))
        held = _kit.decoded(reply.body, _Metadata)
        good = held is not None and held.data is not None and "ttl" in held.data
        return Found(Entries({})) if good else Failed(Broken(f"{what(call)}: no TTL found in response"))
    return Failed(reply)


# ---------------------------------------------------------------- dialect


def _read(raw: bytes, prop: str) -> Answer:
    """A key of the data object, else a gjson path into it. Metadata of which there is none is an empty value."""
    if not raw:
        return Found(Blob(SecretBytes(b"")))
    data = parse_object(raw, Numbers.TEXT)
    if isinstance(data, Wrong):
        return Failed(Broken("the data is not a JSON object"))
    return _kit.value_of(property_vault(data.unwrap(), prop), f'cannot find secret data for key: "{prop}"')


def _members(raw: bytes) -> Result[dict[str, bytes], str]:
    """Numbers are floating point here, as in the reference's maps."""
    return parse_object(raw).bind(get_byte_values)


PROVIDER = Provider(
    key="vault",
    label="HashiCorp/Vault",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    fetch=fetch,
    login=login,
    dialect=_kit.blob_dialect(_read, _members),
)
