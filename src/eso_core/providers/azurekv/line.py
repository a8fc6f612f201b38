"""A store's connection: objects of a vault by name, and what its answers mean.

=====================================  ====================================================================
answer                                 meaning
=====================================  ====================================================================
200                                    found
404 SecretNotFound, KeyNotFound,       absent; so is a deleted object that can still be recovered
CertificateNotFound
any other 404                          broken: not the vault's word on an object
401                                    refused, a new login may help
403                                    refused: no permission, a firewall, a disabled object
429                                    throttled
3xx, 5xx                               unreachable
anything else                          broken
=====================================  ====================================================================

Source: "Azure Key Vault REST API" (7.4: Get Secret, Get Key, Get Certificate, Get Secrets), "Authentication, requests and responses",
"REST API error codes".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.door import Absent, Access, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Refused
from eso_core.providers import _kit
from eso_core.providers.azurekv.store import Store
from eso_core.wire import HttpCall, HttpReply

API_VERSION: Final = "7.4"
SECRET: Final = "secret"  # kinds of object, as keys of a remoteRef name them
KEY: Final = "key"
CERT: Final = "cert"
KINDS: Final = {SECRET: ("secrets", "GetSecret"), KEY: ("keys", "GetKey"), CERT: ("certificates", "GetCertificate")}
"""The collection of a kind, and the name of its call."""
NOT_FOUND: Final = frozenset({"SecretNotFound", "KeyNotFound", "CertificateNotFound"})
SHORT: Final = 8  # characters; a token with fewer, which is none of a directory's, may be in any text
NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")
"""Names of objects. Versions are hexadecimal; they are held to the same letters."""


@dataclass(frozen=True, slots=True)
class Object:
    """One object of the vault."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """One store's connection, as one identity."""

    store: Store
    token: str = field(repr=False)

    def get(self, what: Object, version: str = "") -> HttpCall:
        collection, name = KINDS[what.kind]
        suffix = f"/{version}" if version else ""
        return self.call(f"{self.store.vault}/{collection}/{what.name}{suffix}?api-version={API_VERSION}", name)

    def call(self, url: str, name: str) -> HttpCall:
        """``url`` is one of this vault."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        return HttpCall(method="GET", url=url, headers=headers, name=name)

    def is_own(self, url: str, path: str) -> bool:
        """Whether ``url`` is this path of the vault: where a page of a list continues is the server's text."""
        try:
            mine, other = urlsplit(self.store.vault), urlsplit(url)
            same = (mine.hostname, mine.port or 443) == (other.hostname, other.port or 443)
        except ValueError:
            return False
        return same and other.scheme == "https" and "@" not in other.netloc and other.path == mine.path + path


def line_of(access: Access, session: Session) -> Line:
    store: Store = access.spec
    return Line(store, session.value)


def object_of(key: str) -> Result[Object, InvalidSpec]:
    """``name`` is a secret, ``secret/name``, ``key/name`` and ``cert/name`` say what they are; further parts do not count."""
    parts = key.split("/")
    kind, name = (parts[0], parts[1]) if len(parts) > 1 else (SECRET, parts[0])
    if kind not in KINDS:
        return Wrong(InvalidSpec(f"unknown Azure Keyvault object Type for {_kit.line(name)}"))
    if not NAME.fullmatch(name):
        return Wrong(InvalidSpec("the name of an object of a key vault has 1 to 127 letters, digits and dashes"))
    return Success(Object(kind, name))


# ---------------------------------------------------------------- answers


class Attributes(msgspec.Struct):
    enabled: bool | None = None
    exp: int | None = None
    nbf: int | None = None
    created: int | None = None
    updated: int | None = None


class Bundle(msgspec.Struct, rename={"content_type": "contentType"}):
    """A secret, key or certificate: ``value``, ``key`` or ``cer`` is there, and its metadata."""

    value: str | None = None
    key: dict[str, str | list[str] | None] | None = None
    cer: bytes | None = None  # base64 in JSON
    tags: dict[str, str | None] | None = None
    attributes: Attributes | None = None
    content_type: str | None = None


class _Inner(msgspec.Struct):
    code: str | None = None


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    innererror: _Inner | None = None


class _Errors(msgspec.Struct):
    error: _Error | None = None


def what(call: HttpCall) -> str:
    """A call in words: no query, no header."""
    return f"Azure Key Vault {call.name} {call.url.partition('?')[0]}"


def ask(call: HttpCall) -> Talk[HttpReply | Absent | Failure]:
    """One call."""
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply) or reply.status == 200:
        return reply
    held = _kit.decoded(reply.body, _Errors)
    error = held.error if held is not None else None
    if reply.status == 404 and error is not None and error.code in NOT_FOUND:
        return Absent()
    return _failure(call, reply, error)


def read(line: Line, wanted: Object, version: str = "") -> Talk[Bundle | Absent | Failure]:
    """One object with its value and its metadata."""
    call = line.get(wanted, version)
    reply = yield from ask(call)
    if not isinstance(reply, HttpReply):
        return reply
    return _kit.decoded(reply.body, Bundle) or Broken(f"{what(call)}: the answer is not JSON of the expected shape")


def _failure(call: HttpCall, reply: HttpReply, error: _Error | None) -> Failure:
    common = _kit.common_failure(reply, what(call))
    if common is not None:
        return common
    said, token = _said(error), call.headers["Authorization"].removeprefix("Bearer ")
    repeated = len(token) >= SHORT and token in said  # a server that is no vault may do so
    sentence = f"{what(call)}: {_kit.line(said) if said and not repeated else f'status {reply.status}'}"
    if reply.status == 401:
        return Refused(sentence, session=True)
    return Refused(sentence) if reply.status == 403 else Broken(sentence)


def _said(error: _Error | None) -> str:
    """The vault's own words, led by the most exact of its codes."""
    if error is None:
        return ""
    code = (error.innererror.code if error.innererror is not None else None) or error.code or ""
    return f"{code}: {error.message or ''}" if code else error.message or ""
