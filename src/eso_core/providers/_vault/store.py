"""A connection to a server that speaks Vault's API: the parsed form of a store, its calls, and what answers mean.

=======================  ==========================================================================
answer                   meaning
=======================  ==========================================================================
2xx with data            found; ``data: null`` (a deleted version) is absent
404                      absent, if Vault says so of a secret; of a mount, or from a proxy, a failure
400 to a login, or that  refused: the credentials of a login are wrong, or none were sent
names credentials
500 to a login: not      refused
authorized
401, 403                 refused; a new login may help, for the token has ended, or the role has got another policy
403 with a policy's      refused; where the token is not of a login, nothing but another policy helps
words to a given token
412, 3xx, 5xx            unreachable: a standby, sealed, behind its leader, or a fault
429, 473                 throttled
anything else            broken
=======================  ==========================================================================
"""

from __future__ import annotations

import base64
import binascii
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import msgspec

from eso_core.door import Absent, Access, Need, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers import _kit
from eso_core.providers._vault.auth import Login, Nobody, Token, climbs
from eso_core.wire import HttpCall, HttpReply, Tls

TLS_CERT: Final = "tls_cert"  # slots
TLS_KEY: Final = "tls_key"

REQUEST: Final[Mapping[str, str]] = {"X-Vault-Request": "true"}
"""What every client sends, so that a server can refuse requests that a browser was tricked into."""
INDEX: Final = "X-Vault-Index"
_STATE: Final = re.compile(r"v1:([^:]+):([0-9]{1,20}):([0-9]{1,20}):.*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``server`` is scheme, host and path without a final slash; ``mount=None``: keys start with the mount.

    ``consistent``: answers say how far the server's replication is, and later calls ask for no less (``readYourWrites``).
    """

    server: str
    mount: str | None
    v2: bool
    namespace: str
    login_namespace: str
    login: Login
    ca_pem: bytes = b""
    tls: Mapping[str, Need] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=lambda: REQUEST, repr=False)
    consistent: bool = False
    cas: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """The value of a session: a token, and the replication state of the server that gave it."""

    token: str = field(repr=False)
    index: str = ""


@dataclass(slots=True, eq=False)
class Line:
    """One conversation's connection. ``index`` is the replication state that its next call asks for, ``""`` for any."""

    store: Store
    tls: Tls
    headers: Mapping[str, str] = field(repr=False)
    index: str = ""

    def call(self, method: str, path: str, name: str, *, query: str = "", body: bytes = b"") -> HttpCall:
        """A call to ``/v1/<path>``; doubled slashes and a final one do not count, as in the reference's client."""
        clean = posixpath.normpath("/v1/" + path.lstrip("/"))
        headers = {**self.headers, INDEX: self.index} if self.index else self.headers
        url = f"{self.store.server}{quote(clean, safe=_kit.URL_PATH_SAFE)}{query}"
        return HttpCall(method=method, url=url, headers=headers, body=body, tls=self.tls, name=name)

    def send(self, call: HttpCall) -> Talk[HttpReply | Failure]:
        """The answer, of any status."""
        reply = _kit.http((yield call))
        if isinstance(reply, HttpReply) and self.store.consistent:
            self.index = later(self.index, reply.headers.get(INDEX.lower(), ""))
        return reply

    def ask(self, call: HttpCall) -> Talk[HttpReply | Absent | Failure]:
        """The answer to a question about a secret. 404 is absent, unless the server says that nothing is mounted there."""
        reply = yield from self.send(call)
        if not isinstance(reply, HttpReply) or 200 <= reply.status < 300:
            return reply
        return Absent() if reply.status == 404 and says_absent(reply.body) else self.failure(call, reply)

    def failure(self, call: HttpCall, reply: HttpReply, *, login: bool = False) -> Failure:
        """Why an answer that is not 2xx is not what was asked for."""
        held = _kit.decoded(reply.body, _Errors)
        errors = held.errors if held is not None else []
        told = "; ".join(errors)
        text = _kit.line(told) if told and not repeats(told, call.body) else f"status {reply.status}"
        sentence = f"{what(call)}: {text}"
        match reply.status:
            case 403 if errors == [DENIED] and isinstance(self.store.login, Token | Nobody):
                return Refused(sentence)
            case 401 | 403:
                return Refused(sentence, session=True)
            case 400 if login or any(mark in told for mark in NOT_LOGGED_IN):
                return Refused(sentence, session=True)
            case 500 if login and NOT_BOUND in told:
                return Refused(sentence, session=True)
            case 404:
                return Missing(sentence)
            case 412:
                return Unreachable(sentence)
            case 429 | 473:
                return Throttled(sentence, _kit.throttled(reply, "").after_ns)
            case status if status >= 500:
                return Unreachable(sentence)
            case _:
                return _kit.common_failure(reply, what(call)) or Broken(sentence)


def line_of(access: Access, ticket: Ticket) -> Line:
    """The connection of a logged-in conversation."""
    return _line(access, access.spec, access.spec.namespace, ticket)


def login_line(access: Access) -> Line:
    """The connection of a login: in its own namespace, without a token."""
    return _line(access, access.spec, access.spec.login_namespace, Ticket(""))


def _line(access: Access, store: Store, namespace: str, ticket: Ticket) -> Line:
    headers = dict(store.headers)
    if namespace:
        headers["X-Vault-Namespace"] = namespace
    if ticket.token:
        headers["X-Vault-Token"] = ticket.token
    return Line(store, _kit.tls_of(access, store.ca_pem, TLS_CERT, TLS_KEY), headers, ticket.index)


def later(old: str, new: str) -> str:
    """The further of two replication states: ``new``, unless ``old`` is of the same cluster and not behind it in either part."""
    before, after = _state(old), _state(new)
    if before is None or after is None:
        return new or old
    ahead = before[0] == after[0] and before[1] >= after[1] and before[2] >= after[2]
    return old if ahead else new


def _state(text: str) -> tuple[str, int, int] | None:
    """Cluster, local and replicated index of base64 ``v1:<cluster>:<local>:<replicated>:<signature>``."""
    try:
        found = _STATE.fullmatch(base64.b64decode(text, validate=True).decode("latin-1"))
    except (binascii.Error, ValueError):
        return None
    return (found[1], int(found[2]), int(found[3])) if found is not None else None


# ---------------------------------------------------------------- what answers mean


class _Errors(msgspec.Struct):
    errors: list[str] = []


class _NotFound(msgspec.Struct):
    errors: list[str] | None = None
    data: dict[str, msgspec.Raw] | None = None


WRONG_ENGINE: Final = b"Invalid path for a versioned K/V secrets engine"
NOT_LOGGED_IN: Final = ("missing client token", "permission denied")
NOT_BOUND: Final = "not authorized"
"""Older servers say this with status 500 to the token of a ServiceAccount that the role does not name."""
NAMES: Final = frozenset({"role", "role_id", "name"})  # members of the body of a login that are no secrets
REPEATED_MIN, REPEATED = 4, 24  # characters: shorter values are found in any text; of longer ones the beginning is looked for
DENIED: Final = "1 error occurred:\n\t* permission denied\n\n"
"""A policy's word. Of a token that is unknown or has ended, the server says ``permission denied`` and no more, or ``invalid token``."""


def repeats(told: str, body: bytes) -> bool:
    """Whether an error shows a credential or a value of the request, or how one begins."""
    held = _kit.decoded(body, dict[str, Any]) if body else None
    left: list[Any] = [value for name, value in (held or {}).items() if name not in NAMES]
    while left:
        match left.pop():
            case str(text) if len(text) >= REPEATED_MIN and text[:REPEATED] in told:
                return True
            case dict(inner):
                left += inner.values()
            case list(inner):
                left += inner
    return False


def what(call: HttpCall) -> str:
    """A call in words: no query, no header, no body."""
    return f"Vault {call.method} {call.url.partition('?')[0]}"


def says_absent(body: bytes) -> bool:
    """Whether a 404 is Vault's word on a secret: not a proxy's, nor Vault's on a mount or namespace that is missing or of another kind."""
    held = _kit.decoded(body, _NotFound)
    return held is not None and (held.errors == [] if held.errors is not None else held.data is not None) and WRONG_ENGINE not in body


def fault_of_path(text: str, path: str) -> InvalidSpec | None:
    """Why ``text`` cannot be part of the addresses that are called; ``path`` names the field that holds it."""
    return InvalidSpec("must not contain '..'", path) if climbs(text) else None
