"""A 1Password Connect server: the parsed form of a store, its vaults, and what answers mean.

Connect's errors are JSON of ``status`` and ``message``.

============================  =========================================================================
answer                        meaning
============================  =========================================================================
404, ``item ... not found``   the vault has no such item
404, ``vault ... not found``  refused where the vault was looked up by name: a new login looks again
401                           refused; a new login may help
403                           the same: a vault out of scope, or what Connect says by mistake now and then
any other 404                 a failure: a wrong address, a proxy
429; 3xx, 5xx                 throttled; unreachable
anything else                 broken
============================  =========================================================================

Documents: "1Password Connect Server API reference", the OpenAPI specification (1.7.1) of 1Password/connect; 1Password/connect-sdk-go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result

from eso_core.api.providers.onepassword import Spec
from eso_core.door import Access, Need, SecretKey, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import JSON, HttpCall, HttpReply

T = TypeVar("T")

PATH: Final = "spec.provider.onepassword"
TOKEN: Final = "token"
ID: Final = re.compile(r"[0-9a-z]{26}")
"""What vaults, items and files are called by, besides their names."""
NO_ITEM: Final = re.compile(r"item\b.*\bnot found", re.IGNORECASE | re.DOTALL)
NO_VAULT: Final = re.compile(r"vault\b.*\bnot found", re.IGNORECASE | re.DOTALL)
LEASE_S: Final = 600.0
"""After which the names of vaults are looked up again; a vault may have been renamed, or made anew."""
LIST_MAX: Final = 32 * 1024 * 1024  # bytes of a list, which comes in one piece
FOUND_MAX: Final = 10_000  # items of one list


@dataclass(frozen=True, slots=True)
class Store:
    """``host`` has no final slash; ``vaults`` are names or ids, in the order in which they are searched."""

    host: str
    vaults: tuple[str, ...]
    token: SecretKey


@dataclass(frozen=True, slots=True)
class Vault:
    """``name`` is that of the store, which may be the id."""

    name: str
    id: str

    @property
    def looked_up(self) -> bool:
        """The id was found by the name."""
        return self.name != self.id


@dataclass(frozen=True, slots=True)
class Written:
    """An item as Connect answered a write at ``at`` (seconds since 1970). Until ``until`` it counts where Connect shows an older one."""

    vault: Vault
    id: str
    version: int
    body: SecretBytes
    until: float


@dataclass(slots=True, eq=False)
class Known:
    """What a session knows: the vaults, in order, and what was written a moment ago, by the key of the push."""

    vaults: tuple[Vault, ...]
    written: dict[str, Written] = field(default_factory=dict, repr=False)


# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    selector = model.auth.secret_ref.connect_token_secret_ref
    for part in ("name", "key"):
        if not getattr(selector, part):
            return Wrong(InvalidSpec("must not be empty", f"{PATH}.auth.secretRef.connectTokenSecretRef.{part}"))
    if not model.vaults:
        return Wrong(InvalidSpec("must name at least one vault", f"{PATH}.vaults"))
    if "" in model.vaults:
        return Wrong(InvalidSpec("must not hold an empty name", f"{PATH}.vaults"))
    if len(set(model.vaults.values())) < len(model.vaults):
        return Wrong(InvalidSpec("vault order numbers must be unique", f"{PATH}.vaults"))
    ordered = tuple(sorted(model.vaults, key=lambda name: model.vaults[name]))
    host = _kit.base_url(model.connect_host, f"{PATH}.connectHost")
    return host.map(lambda base: Store(base, ordered, _kit.secret_key(selector)))


def needs(store: Store) -> Mapping[str, Need]:
    """The token."""
    return {TOKEN: store.token}


# ---------------------------------------------------------------- calls


@dataclass(frozen=True, slots=True)
class Line:
    """One conversation's connection."""

    host: str
    token: str = field(repr=False)

    def call(self, method: str, path: str, name: str, *, query: Mapping[str, str] | None = None, body: Any = None) -> HttpCall:
        """A request below ``/v1``; ``path`` is escaped already. ``name`` is the label of its metric."""
        headers = {"Accept": JSON, "Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = JSON
        return HttpCall(
            method=method,
            url=f"{self.host}/v1{path}" + (f"?{urlencode(query, quote_via=quote, errors='replace')}" if query else ""),
            headers=headers,
            body=msgspec.json.encode(body) if body is not None else b"",
            body_max=LIST_MAX,
            name=name,
        )

    def ask(self, call: HttpCall, vault: Vault | None = None) -> Talk[HttpReply | Failure]:
        """The answer, if it is 2xx or says that there is no such item."""
        if not _kit.fits_header(self.token):
            return Refused("the token of 1Password Connect is empty or holds what no token has", session=True)
        reply = _kit.http((yield call))
        if not isinstance(reply, HttpReply) or 200 <= reply.status < 300 or says_no_item(reply):
            return reply
        return failure_of(call, reply, vault)

    def read(self, call: HttpCall, into: type[T], vault: Vault | None = None) -> Talk[T | Failure | None]:
        """The answer as JSON of this shape; ``None``: there is no such item."""
        reply = yield from self.ask(call, vault)
        if not isinstance(reply, HttpReply):
            return reply
        if reply.status == 404:
            return None
        held = _kit.decoded(reply.body, into)
        return held if held is not None else Broken(f"{what(call)}: the answer is not JSON of the expected shape")


def line_of(access: Access) -> Line:
    """The connection of a use of a store."""
    return Line(access.spec.host, access.text(TOKEN))


# ---------------------------------------------------------------- vaults


class _Vault(msgspec.Struct):
    id: str
    name: str = ""


def login(access: Access) -> Talk[Session | Failure]:
    """The ids of the vaults. No call is made where the store names no vault but by its id."""
    store: Store = access.spec
    if all(ID.fullmatch(name) for name in store.vaults):
        return Session(value=Known(tuple(Vault(name, name) for name in store.vaults)))
    vaults = yield from vaults_of(line_of(access), store)
    return Session(value=Known(vaults), lease_s=LEASE_S) if isinstance(vaults, tuple) else vaults


def vaults_of(line: Line, store: Store) -> Talk[tuple[Vault, ...] | Failure]:
    """All vaults of the store, each found in the list of those that the token may see."""
    held = yield from line.read(line.call("GET", "/vaults", "GetVaults"), list[_Vault])
    if not isinstance(held, list):
        return held if held is not None else Missing("1Password lists no vaults")
    found: list[Vault] = []
    for name in store.vaults:
        by_id = ID.fullmatch(name) is not None
        ids = [vault.id for vault in held if name == (vault.id if by_id else vault.name)]
        if len(ids) != 1:
            why = f"error finding 1Password Vault: found {len(ids)} vaults named {_kit.line(name)} among those that the token may see"
            return Missing(why) if not ids else InvalidSpec(why, f"{PATH}.vaults")
        if not ID.fullmatch(ids[0]):
            return Broken(f"1Password GET /v1/vaults: the id of vault {_kit.line(name)} is not one")
        found.append(Vault(name, ids[0]))
    return tuple(found)


# ---------------------------------------------------------------- what answers mean


class Error(msgspec.Struct):
    """Connect's error."""

    status: int
    message: str = ""


def error_of(reply: HttpReply) -> Error | None:
    """Connect's own error; ``None`` where somebody else answers."""
    held = _kit.decoded(reply.body, Error)
    return held if held is not None and held.status == reply.status else None


def says_no_item(reply: HttpReply) -> bool:
    """Connect says that the vault has no such item."""
    held = error_of(reply) if reply.status == 404 else None
    return held is not None and NO_ITEM.match(held.message) is not None


def what(call: HttpCall) -> str:
    """A call in words: no query, no header, no body."""
    return f"1Password {call.method} {call.url.partition('?')[0]}"


def failure_of(call: HttpCall, reply: HttpReply, vault: Vault | None = None) -> Failure:
    """Why an answer that is not 2xx is not what was asked for. A message that repeats what was sent is left out."""
    held = error_of(reply)
    text = held.message if held is not None and not call.body else ""
    sentence = f"{what(call)}: {_kit.line(text) or f'status {reply.status}'}"
    if reply.status in (401, 403):
        return Refused(sentence, session=True)
    if reply.status == 404:
        stale = vault is not None and vault.looked_up and held is not None and NO_VAULT.match(held.message) is not None
        return Refused(sentence, session=True) if stale else Missing(sentence)
    return _kit.common_failure(reply, what(call)) or Broken(sentence)
