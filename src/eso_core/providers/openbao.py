"""``spec.provider.openBao``: KV engines of OpenBao, read only.

It speaks Vault's API (:mod:`eso_core.providers._vault.store`) in a dialect of its own: a key is a path below the mount and nothing else, a
property is a key of the data and no path into it, a find looks into one folder, and what does not exist is a failure: no deletion policy
acts on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.openbao import Auth, Spec
from eso_core.compat.gojson import Numbers, marshal, parse_object
from eso_core.compat.values import get_byte_value
from eso_core.door import Absent, Access, Answer, Blob, Entries, Failed, Find, Found, Get, Need, Probe, Provider, Query, Session, Talk
from eso_core.failure import Broken, InvalidSpec, Missing
from eso_core.providers import _kit
from eso_core.providers._vault.auth import Login, Nobody, Token, app_role, climbing, login_needs, password
from eso_core.providers._vault.kv import exact, members, names, read, too_many
from eso_core.providers._vault.login import login
from eso_core.providers._vault.store import Line, Store, fault_of_path, line_of, what
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import HttpReply

PATH: Final = "spec.provider.openBao"
MOUNT: Final = "kv"
VERSION: Final = re.compile(r"[+-]?[0-9]{1,18}")

# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    server = _kit.base_url(model.server, f"{PATH}.server")
    method = _login(model.auth)
    ca_pem = _kit.ca_bundle(model.ca_bundle)
    ca: Result[Mapping[str, Need], InvalidSpec] = Success({})
    if model.ca_provider is not None and not model.ca_bundle:
        ca = _kit.ca_need(model.ca_provider, store).map(lambda need: {_kit.CA: need})
    for wrong in (server, ca_pem, ca):
        if isinstance(wrong, Wrong):
            return wrong
    if isinstance(method, InvalidSpec):
        return Wrong(method)
    fault = climbing(method, f"{PATH}.auth") or fault_of_path(model.path or "", f"{PATH}.path")
    if fault is not None:
        return Wrong(fault)
    namespace = model.namespace or ""
    return Success(
        Store(
            server=server.unwrap(),
            mount=MOUNT if model.path is None else model.path,
            v2=model.version != "v1",
            namespace=namespace,
            login_namespace=model.auth.namespace if model.auth is not None and model.auth.namespace is not None else namespace,
            login=method,
            ca_pem=ca_pem.unwrap(),
            tls=ca.unwrap(),
        )
    )


def _login(auth: Auth | None) -> Login | InvalidSpec:
    """A token, an account, or a role, in this order."""
    if auth is None:
        return Nobody()
    if auth.token_secret_ref is not None:
        return Token(_kit.secret_key(auth.token_secret_ref))
    if auth.user_pass is not None:
        return password(auth.user_pass, f"{PATH}.auth.userPass")
    if auth.app_role is not None:
        role = auth.app_role
        return app_role(
            role.path, "" if role.role_ref is not None else role.role_id, role.role_ref, role.secret_ref, f"{PATH}.auth.appRole"
        )
    return InvalidSpec("no valid auth method specified", f"{PATH}.auth")


def needs(store: Store) -> Mapping[str, Need]:
    """The credentials of the login, and the CA."""
    return {**login_needs(store.login), **store.tls}


# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time."""
    line = line_of(access, session.value)
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get():
                answers[query] = yield from _get(line, query)
            case Find():
                answers[query] = yield from _find(line, query)
            case Probe():
                answers[query] = yield from _probe(line)
    return answers


def _get(line: Line, query: Get) -> Talk[Answer]:
    """``metadataPolicy`` is not looked at, as in the reference. Version 0 is the latest."""
    if query.version and not line.store.v2:
        return Failed(InvalidSpec("OpenBao KVv1 secrets do not support versioning (use KVv2)"))
    if query.version and not VERSION.fullmatch(query.version):
        return Failed(InvalidSpec("the version of an OpenBao secret is a whole number"))
    version = int(query.version or "0")
    found = yield from read(line, exact(line.store, query.key), str(version) if version else "")
    return Failed(Missing(f"secret not found: {query.key}")) if isinstance(found, Absent) else found


def _find(line: Line, query: Find) -> Talk[Answer]:
    """The secrets of one folder by name; a folder that is not there is empty. Values are whole secrets as JSON."""
    if query.tags:
        return Failed(InvalidSpec("tag based search is not implemented"))
    matches = _kit.matcher(query.name) if query.name is not None else None
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    folder = (query.path or "").strip("/")
    held = yield from names(line, exact(line.store, folder))
    if isinstance(held, Failed):
        return held
    listed = [] if isinstance(held, Absent) else held
    wanted = [name for name in listed if not name.endswith("/") and (matches is None or matches(name))]
    crowd = too_many(len(wanted))
    if crowd is not None:
        return crowd
    values: dict[str, SecretBytes] = {}
    for name in wanted:
        key = f"{folder}/{name}" if folder else name
        answer = yield from read(line, exact(line.store, key))
        if isinstance(answer, Failed):
            return answer
        whole = PROVIDER.dialect.value(answer.payload, "") if isinstance(answer, Found) else Absent()
        if isinstance(whole, Found) and isinstance(whole.payload, Blob):
            values[key] = whole.payload.value
    return Found(Entries(values))


# ---------------------------------------------------------------- validating


class _Mount(msgspec.Struct):
    type: str
    options: dict[str, str] | None = None


class _Mounted(msgspec.Struct):
    data: _Mount


def _probe(line: Line) -> Talk[Answer]:
    """Whether the mount is a KV engine of the store's version. One made without a version is of version 1."""
    call = line.call("GET", f"sys/mounts/{line.store.mount}", "MountInfo")
    reply = yield from line.send(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if not 200 <= reply.status < 300:
        return Failed(line.failure(call, reply))
    held = _kit.decoded(reply.body, _Mounted)
    if held is None:
        return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))
    if held.data.type != "kv":
        return Failed(InvalidSpec(f'expected mount type "kv" found "{_kit.line(held.data.type)}"', f"{PATH}.path"))
    wanted, actual = "2" if line.store.v2 else "1", (held.data.options or {}).get("version") or "1"
    if wanted != actual:
        return Failed(InvalidSpec(f"expected kv engine version {wanted} found version {_kit.line(actual)}", f"{PATH}.version"))
    return Found(Entries({}))


# ---------------------------------------------------------------- dialect


def _read(raw: bytes, prop: str) -> Answer:
    """A key of the data object; the whole of it as JSON with sorted keys."""
    parsed = parse_object(raw, Numbers.TEXT)
    if isinstance(parsed, Wrong):
        return Failed(Broken("the data is not a JSON object"))
    data: dict[str, Any] = parsed.unwrap()
    if not prop:
        return Found(Blob(SecretBytes(marshal(data))))
    missing = f'cannot find secret data for key: "{prop}"'
    return _kit.value_of(get_byte_value(data[prop]), missing) if prop in data else Failed(Missing(missing))


PROVIDER = Provider(
    key="openBao",
    label="OpenBao",
    capabilities="ReadOnly",
    parse=parse,
    needs=needs,
    login=login,
    fetch=fetch,
    dialect=_kit.blob_dialect(_read, members),
)
