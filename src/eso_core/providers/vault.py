"""``spec.provider.vault``: KV engines, version 1 and 2, of HashiCorp Vault, OpenBao and servers that speak their API.

Tokens of a login are used for their lease and not revoked: they expire.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.vault import Spec, Tls
from eso_core.compat.gojson import Numbers, parse_object
from eso_core.compat.property import property_vault
from eso_core.door import (
    Absent,
    Access,
    Answer,
    Blob,
    Entries,
    Failed,
    Find,
    Found,
    Get,
    Need,
    Probe,
    Provider,
    Query,
    SecretKey,
    Session,
    Talk,
)
from eso_core.failure import Broken, Failure, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers._vault.auth import Cert, Login, login_needs, more_login_needs, parse_login
from eso_core.providers._vault.kv import exact, members, metadata, names, place, read, too_many
from eso_core.providers._vault.login import login
from eso_core.providers._vault.push import delete, exists, push
from eso_core.providers._vault.store import REQUEST, TLS_CERT, TLS_KEY, Line, Store, fault_of_path, line_of, what
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import HttpReply

PATH: Final = "spec.provider.vault"

# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    server = _kit.base_url(model.server, f"{PATH}.server")
    method = parse_login(model.auth, f"{PATH}.auth")
    ca_pem = _kit.ca_bundle(model.ca_bundle)
    tls = method.bind(lambda held: _tls(model, held, store))
    for wrong in (server, method, ca_pem, tls):
        if isinstance(wrong, Wrong):
            return wrong
    fault = fault_of_path(model.path or "", f"{PATH}.path")
    cas = model.check_and_set is not None and model.check_and_set.required
    if cas and model.version == "v1":
        fault = InvalidSpec("checkAndSet is not supported with Vault KV version v1", f"{PATH}.checkAndSet")
    if fault is not None:
        return Wrong(fault)
    inconsistent = {"X-Vault-Inconsistent": "forward-active-node"} if model.read_your_writes and model.forward_inconsistent else {}
    namespace = model.namespace or ""
    return Success(
        Store(
            server=server.unwrap(),
            mount=model.path,
            v2=model.version != "v1",
            namespace=namespace,
            login_namespace=model.auth.namespace if model.auth is not None and model.auth.namespace is not None else namespace,
            login=method.unwrap(),
            ca_pem=ca_pem.unwrap(),
            tls=tls.unwrap(),
            headers={**model.headers, **inconsistent, **REQUEST},
            consistent=model.read_your_writes or model.forward_inconsistent,
            cas=cas,
        )
    )


def _tls(model: Spec, method: Login, store: Ref) -> Result[Mapping[str, Need], InvalidSpec]:
    """What the connection needs: a CA, and a client certificate, which is the login's where it logs in with one."""
    if (model.tls.cert_secret_ref is None) != (model.tls.key_secret_ref is None):
        return Wrong(InvalidSpec("certSecretRef and keySecretRef must be given together", f"{PATH}.tls"))
    slots: dict[str, Need] = {TLS_CERT: method.cert, TLS_KEY: method.key} if isinstance(method, Cert) else _certificate(model.tls)
    if model.ca_provider is None or model.ca_bundle:
        return Success(slots)
    return _kit.ca_need(model.ca_provider, store).map(lambda need: {**slots, _kit.CA: need})


def _certificate(tls: Tls) -> dict[str, Need]:
    """The client certificate, under the keys of a Secret of type ``kubernetes.io/tls`` unless told otherwise."""
    cert, key = tls.cert_secret_ref, tls.key_secret_ref
    if cert is None or key is None:
        return {}
    return {
        TLS_CERT: SecretKey(cert.name, cert.key or "tls.crt", cert.namespace or ""),
        TLS_KEY: SecretKey(key.name, key.key or "tls.key", key.namespace or ""),
    }


def needs(store: Store) -> Mapping[str, Need]:
    """The credentials of the login, the CA, and the client certificate."""
    return {**login_needs(store.login), **store.tls}


def more_needs(store: Store, held: Mapping[str, SecretBytes]) -> Result[Mapping[str, Need], Failure]:
    """What the annotations of a ServiceAccount lead to."""
    return more_login_needs(store.login, held)


# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time."""
    line = line_of(access, session.value)
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get(metadata=True):
                answers[query] = yield from _get_metadata(line, query)
            case Get():
                answers[query] = yield from read(line, place(line.store, query.key), query.version)
            case Find():
                answers[query] = yield from _find(line, query)
            case Probe():
                answers[query] = yield from _probe(line)
    return answers


def _get_metadata(line: Line, query: Get) -> Talk[Answer]:
    if not line.store.v2:
        return Failed(InvalidSpec("cannot perform metadata fetch operations with kv version v1"))
    held = yield from metadata(line, place(line.store, query.key))
    if isinstance(held, Absent | Failed):
        return held
    texts = held.texts()
    return Found(Blob(_kit.json_object(texts) if texts else SecretBytes(b"")))


# ---------------------------------------------------------------- finding


def _find(line: Line, query: Find) -> Talk[Answer]:
    """By name (which wins) or by tags, below the path; values are whole secrets as JSON. One read after the other."""
    if query.tags and not line.store.v2:
        return Failed(InvalidSpec("cannot perform find by tag operations with kv version v1"))
    if query.path is None and line.store.mount is None:
        return Failed(InvalidSpec("find.path is needed where the store has no path: it starts with the mount"))
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
        answer = (yield from read(line, exact(line.store, key))) if wanted else Absent()
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
        held = yield from names(line, exact(line.store, folder))
        if isinstance(held, Failed) or (isinstance(held, Absent) and folder == top):
            return held
        if isinstance(held, Absent):
            continue
        folders.extend(f"{folder}{name}" for name in held if name.endswith("/"))
        keys.extend(f"{folder}{name}" for name in held if not name.endswith("/"))
        crowd = too_many(len(keys) + len(folders))
        if crowd is not None:
            return crowd
    return keys


def _tagged(line: Line, key: str, tags: tuple[tuple[str, str], ...]) -> Talk[bool | Failed]:
    if not tags:
        return True
    held = yield from metadata(line, exact(line.store, key))
    if isinstance(held, Failed):
        return held
    texts = {} if isinstance(held, Absent) else held.texts()
    return all(texts.get(name) == value for name, value in tags)


def _whole(key: str, answer: Found) -> dict[str, SecretBytes]:
    value = PROVIDER.dialect.value(answer.payload, "")
    return {key: value.payload.value} if isinstance(value, Found) and isinstance(value.payload, Blob) else {}


# ---------------------------------------------------------------- validating


def _probe(line: Line) -> Talk[Answer]:
    """Whether the token is known to the server."""
    call = line.call("GET", "auth/token/lookup-self", "LookupSelf")
    reply = yield from line.send(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if not 200 <= reply.status < 300:
        return Failed(line.failure(call, reply))
    held = _kit.decoded(reply.body, dict[str, Any])
    data = held.get("data") if held is not None else None
    good = isinstance(data, dict) and "ttl" in data
    return Found(Entries({})) if good else Failed(Broken(f"{what(call)}: no TTL found in response"))


# ---------------------------------------------------------------- dialect


def _read(raw: bytes, prop: str) -> Answer:
    """A key of the data object, else a gjson path into it. Metadata of which there is none is an empty value."""
    if not raw:
        return Found(Blob(SecretBytes(b"")))
    data = parse_object(raw, Numbers.TEXT)
    if isinstance(data, Wrong):
        return Failed(Broken("the data is not a JSON object"))
    return _kit.value_of(property_vault(data.unwrap(), prop), f'cannot find secret data for key: "{prop}"')


PROVIDER = Provider(
    key="vault",
    retries_default=0,
    label="HashiCorp/Vault",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    more_needs=more_needs,
    login=login,
    fetch=fetch,
    push=push,
    delete=delete,
    exists=exists,
    dialect=_kit.blob_dialect(_read, members),
)
