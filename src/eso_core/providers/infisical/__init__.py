"""``spec.provider.infisical``: secrets of one environment of a project of Infisical, its cloud or one of your own.

A find lists folder and imports in one call, with the values. A secret that is there under the same name twice counts as the reference
counts it: of folders the last, then of imports the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from eso_core.compat.property import property_gjson
from eso_core.compat.values import json_to_secret_data_map
from eso_core.door import Absent, Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Provider, Query, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.providers.infisical.logins import login
from eso_core.providers.infisical.pushes import delete, exists, push
from eso_core.providers.infisical.store import At, Line, Store, address, failure_of, line_of, needs, parse, says_absent, what
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply

FOUND_MAX: Final = 10_000  # secrets that one find looks at


class Secret(msgspec.Struct, rename="camel"):
    """A secret as the API shows it. ``secret_path`` is left out of imports."""

    secret_key: str
    secret_value: str
    secret_path: str = ""
    secret_value_hidden: bool = False


class _One(msgspec.Struct):
    secret: Secret


class _Import(msgspec.Struct):
    secrets: list[Secret]


class _List(msgspec.Struct):
    secrets: list[Secret]
    imports: list[_Import] | None = None


HIDDEN: Final = "the identity may see that the secret is there, but not read its value"


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
    """The value of the secret, of an import if the folder has none. Version and ``metadataPolicy`` play no part, as in the reference."""
    at = address(line.store, query.key)
    if isinstance(at, InvalidSpec):
        return Failed(at)
    call = line.secret("GET", "GetSecretByKeyV3", at, query=_scope(line.store, at))
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return Failed(reply)
    if not 200 <= reply.status < 300:
        return Absent() if says_absent(reply) else Failed(failure_of(call, reply))
    held = _kit.decoded(reply.body, _One)
    if held is None:
        return Failed(Broken(f"{what(call)}: the answer is not JSON of the expected shape"))
    if held.secret.secret_value_hidden:
        return Failed(Refused(f"{what(call)}: {HIDDEN}"))
    return Found(Blob(_kit.secret(held.secret.secret_value)))


def _scope(store: Store, at: At) -> dict[str, str]:
    return {
        "workspaceSlug": store.project,
        "environment": store.environment,
        "secretPath": at.folder,
        "type": "shared",
        "expandSecretReferences": _text(store.expand),
        "include_imports": "true",
    }


def _text(value: bool) -> str:
    return "true" if value else "false"


# ---------------------------------------------------------------- finding


def _find(line: Line, query: Find) -> Talk[Answer]:
    """By name and by the start of the folder's path, below ``secretsPath``. Imports have no path and are found by name alone."""
    if query.tags:
        return Failed(InvalidSpec("find by tags not supported"))
    matches = _kit.matcher(query.name) if query.name is not None else None
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    held = yield from _list(line, _listing(line.store, values=True))
    if not isinstance(held, list):
        return Failed(held)
    chosen: dict[str, SecretBytes] = {}
    for secret in held:
        if matches is not None and not matches(secret.secret_key):
            continue
        if query.path is not None and not secret.secret_path.startswith(query.path):
            continue
        if secret.secret_value_hidden:
            return Failed(Refused(f"Infisical list of {line.store.path}, secret {_kit.line(secret.secret_key)}: {HIDDEN}"))
        chosen[secret.secret_key] = _kit.secret(secret.secret_value)
    return Found(Entries(chosen))


def _listing(store: Store, *, values: bool) -> dict[str, str]:
    """``values=False``: only whether the list can be had."""
    return {
        "workspaceSlug": store.project,
        "environment": store.environment,
        "secretPath": store.path,
        "expandSecretReferences": _text(values and store.expand),
        "include_imports": _text(values),
        "recursive": _text(values and store.recursive),
        **({} if values else {"viewSecretValue": "false"}),
    }


def _list(line: Line, query: Mapping[str, str]) -> Talk[list[Secret] | Failure]:
    """Each name once."""
    call = line.call("GET", "/v3/secrets/raw", "GetSecretsV3", query=query)
    reply = yield from line.ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    return _each_once(call, reply)


def _each_once(call: HttpCall, reply: HttpReply) -> list[Secret] | Failure:
    if not 200 <= reply.status < 300:
        return failure_of(call, reply)
    held = _kit.decoded(reply.body, _List)
    if held is None:
        return Broken(f"{what(call)}: the answer is not a list of secrets")
    imports = held.imports or []
    if len(held.secrets) + sum(len(block.secrets) for block in imports) > FOUND_MAX:
        return Broken(f"{what(call)}: more than {FOUND_MAX} secrets; narrow the store by secretsPath")
    named = {secret.secret_key: secret for secret in held.secrets}
    for block in imports:
        for secret in block.secrets:
            named.setdefault(secret.secret_key, secret)
    return [named[name] for name in sorted(named)]


def _probe(line: Line) -> Talk[Answer]:
    """Whether the folder's list can be had; no values are asked for."""
    held = yield from _list(line, _listing(line.store, values=False))
    return Found(Entries({})) if isinstance(held, list) else Failed(held)


# ---------------------------------------------------------------- dialect


def _read(raw: bytes, prop: str) -> Answer:
    """The whole value, or what a gjson path finds in it."""
    if not prop:
        return Found(Blob(SecretBytes(raw)))
    found = property_gjson(raw, prop).value_or(None)
    if found is None:
        return Failed(Missing(f"property {_kit.line(prop)} does not exist in the secret"))
    return Found(Blob(SecretBytes(found)))


PROVIDER = Provider(
    key="infisical",
    label="infisical",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    login=login,
    fetch=fetch,
    dialect=_kit.blob_dialect(_read, json_to_secret_data_map),
    push=push,
    delete=delete,
    exists=exists,
)
