"""A connection to a Bitwarden SDK server: the parsed form of a store, its calls, and what answers mean.

The server puts Bitwarden's SDK behind a few routes. It logs in anew for each request, with the token, and the addresses of Bitwarden, that
the request's headers carry. Requests have JSON bodies, those that read as well. Its errors are lines of text with status 400, in which
the SDK tells what Bitwarden said: ``API error: Received error message from server: [404 Not Found] {"message":"Resource not found.",..}``.

=================================================  =======================================================
answer                                             meaning
=================================================  =======================================================
400 ``[404 Not Found]`` .. ``Resource not found``  missing
400 ``failed to login``, ``[401 Unauthorized]``    refused: the access token
400 ``[403 Forbidden]``                            refused: a permission
400 ``[429 ..]``                                   throttled
400 ``[5xx ..]``, ``error sending request``        unreachable: Bitwarden, from the server
401                                                refused: the access token is empty
429; 3xx, 5xx                                      throttled; unreachable
anything else                                      broken
=================================================  =======================================================

Documents: ``pkg/server/server.go`` and ``pkg/bitwarden/bitwarden.go`` of external-secrets/bitwarden-sdk-server, ``schema.go`` of
bitwarden/sdk-go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.bitwardensecretsmanager import Spec
from eso_core.door import Access, Need, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.wire import JSON, HttpCall, HttpReply, Tls

PATH: Final = "spec.provider.bitwardensecretsmanager"
API: Final = "/rest/api/1"
SECRET, SECRETS, BY_IDS = f"{API}/secret", f"{API}/secrets", f"{API}/secrets-by-ids"
TOKEN: Final = "credentials"
LIST_MAX: Final = 64 * 1024 * 1024  # bytes of an answer; a value has up to 25,000 characters
TIMEOUT_S: Final = 60.0  # the server logs in to Bitwarden first
UUID: Final = re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
NO_ROUTE: Final = b"404 page not found"
"""What a server that is older than a route says."""
SAID: Final = re.compile(r"\[([1-5][0-9]{2}) [A-Za-z' -]{2,40}\]")
GONE: Final = "Resource not found"
LOGIN: Final = "failed to login to bitwarden"
UNSENT: Final = "error sending request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``base`` is the SDK server; ``api`` and ``identity`` are Bitwarden's, ``""`` for its cloud."""

    base: str
    api: str
    identity: str
    organization: str
    project: str
    token: Mapping[str, Need]
    ca_pem: bytes = b""
    ca: Mapping[str, Need] = field(default_factory=dict)


# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    if not model.bitwarden_server_sdk_url:
        return Wrong(InvalidSpec("bitwardenServerSDKURL not configured", f"{PATH}.bitwardenServerSDKURL"))
    token = model.auth.secret_ref.credentials
    if not token.name or not token.key:
        return Wrong(InvalidSpec("must name a Secret and a key", f"{PATH}.auth.secretRef.credentials"))
    base = _kit.base_url(model.bitwarden_server_sdk_url, f"{PATH}.bitwardenServerSDKURL")
    api, identity = _optional(model.api_url, "apiURL"), _optional(model.identity_url, "identityURL")
    plain = _kit.pem_of(model.ca_bundle.encode("utf-8", "replace"))  # the field is a text, and may hold the certificate as it is
    ca_pem = Success(plain) if plain else _kit.ca_bundle(model.ca_bundle)
    ca = _kit.ca_need(model.ca_provider, store).map(lambda need: {_kit.CA: need}) if model.ca_provider is not None else Success({})
    for part in (base, api, identity, ca_pem, ca):
        if isinstance(part, Wrong):
            return part
    if urlsplit(base.unwrap()).scheme != "https":
        return Wrong(InvalidSpec("must start with https://, for the access token is sent there", f"{PATH}.bitwardenServerSDKURL"))
    return Success(
        Store(
            base=base.unwrap(),
            api=api.unwrap(),
            identity=identity.unwrap(),
            organization=model.organization_id,
            project=model.project_id,
            token={TOKEN: _kit.secret_key(token)},
            ca_pem=ca_pem.unwrap(),
            ca=ca.unwrap() if not ca_pem.unwrap() else {},
        )
    )


def _optional(url: str, name: str) -> Result[str, InvalidSpec]:
    return _kit.base_url(url, f"{PATH}.{name}") if url else Success("")


def needs(store: Store) -> Mapping[str, Need]:
    """The access token, and a CA."""
    return {**store.token, **store.ca}


def uuid_of(key: str) -> str:
    """``key`` as Bitwarden writes ids, where it is one; else ``""``."""
    if not UUID.fullmatch(key):
        return ""
    text = key.replace("-", "").lower()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


# ---------------------------------------------------------------- calls


@dataclass(frozen=True, slots=True)
class Line:
    """One conversation's connection."""

    store: Store
    tls: Tls
    token: str = field(repr=False)

    def call(self, method: str, path: str, name: str, body: Mapping[str, Any]) -> HttpCall:
        """A request. ``name`` is the label of its metric."""
        headers = {
            "Accept": JSON,
            "Content-Type": JSON,
            "Warden-Access-Token": self.token,
            "Warden-Api-Url": self.store.api,
            "Warden-Identity-Url": self.store.identity,
        }
        return HttpCall(
            method=method,
            url=f"{self.store.base}{path}",
            headers=headers,
            body=orjson.dumps(body),
            tls=self.tls,
            timeout_s=TIMEOUT_S,
            body_max=LIST_MAX,
            name=name,
        )

    def ask(self, call: HttpCall) -> Talk[HttpReply | Failure]:
        """The answer, of any status."""
        if not _kit.fits_header(self.token):
            return Refused("the access token of Bitwarden is empty or holds what no token has", session=True)
        return _kit.http((yield call))


def line_of(access: Access) -> Line:
    """The connection of a use of a store."""
    store: Store = access.spec
    return Line(store, _kit.tls_of(access, store.ca_pem), access.text(TOKEN))


# ---------------------------------------------------------------- what answers mean


def what(call: HttpCall) -> str:
    """A call in words: no header, no body."""
    return f"Bitwarden SDK server {call.method} {call.url}"


def no_route(reply: HttpReply) -> bool:
    """The server does not know the route."""
    return reply.status == 404 and reply.body.strip() == NO_ROUTE


def failure_of(line: Line, call: HttpCall, reply: HttpReply, *, secret: str = "") -> Failure:
    """Why an answer that is not 2xx is not what was asked for. A text that repeats ``secret`` or the token is left out."""
    text = reply.body[:4096].decode("utf-8", "replace")
    hidden = any(word and word in text for word in (secret, line.token)) or "<" in text
    sentence = f"{what(call)}: {f'status {reply.status}' if hidden or not text.strip() else _kit.line(text)}"
    if reply.status == 401:
        return Refused(sentence, session=True)
    if reply.status == 403:
        return Refused(sentence)
    return _told(text, sentence) if reply.status == 400 else _kit.common_failure(reply, what(call)) or Broken(sentence)


def _told(text: str, sentence: str) -> Failure:
    """What the SDK was told, or that it was told nothing."""
    said = SAID.search(text)
    status = int(said[1]) if said is not None else 0
    if status == 429:
        return Throttled(sentence)
    if status >= 500 or (not status and UNSENT in text):
        return Unreachable(sentence)
    if status == 401 or text.startswith(LOGIN):
        return Refused(sentence, session=True)
    if status == 403:
        return Refused(sentence)
    return Missing(sentence) if status == 404 and said is not None and _is_gone(text[said.end() :]) else Broken(sentence)


def _is_gone(rest: str) -> bool:
    """What follows the status is Bitwarden's own JSON, and no page of a wrong address."""
    held = _kit.decoded(rest.encode("utf-8", "replace"), _Error)
    return held is not None and held.message.startswith(GONE)


class _Error(msgspec.Struct):
    message: str


class Secret(msgspec.Struct, rename="camel"):
    """A secret with its value. ``project_id`` is null for one without a project."""

    id: str
    key: str
    value: str
    note: str = ""
    project_id: str | None = None

    def __repr__(self) -> str:
        return f"Secret(id={self.id!r})"


def one(line: Line, call: HttpCall, reply: HttpReply, *, secret: str = "") -> Secret | Failure:
    """A secret out of an answer."""
    if not 200 <= reply.status < 300:
        return failure_of(line, call, reply, secret=secret)
    held = _kit.decoded(reply.body, Secret)
    return held if held is not None and uuid_of(held.id) else Broken(f"{what(call)}: the answer is not a secret")
