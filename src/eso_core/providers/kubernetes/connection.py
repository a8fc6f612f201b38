"""How a store reaches an API server: the parsed form, what it needs from the cluster, calls, and what answers mean.

=======================  ==========================================================================
answer                   meaning
=======================  ==========================================================================
404 of the object        absent; any other 404 (wrong address, no such namespace) is a failure
401                      refused, new credentials may help
403                      refused
409                      stale: the object changed or appeared meanwhile
429, 5xx                 throttled, unreachable
410 in a list            unreachable: the list grew stale, the next one starts anew
=======================  ==========================================================================
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.kubernetes import Auth, Server
from eso_core.api.types import SecretKeySelector
from eso_core.door import Absent, Access, AccountToken, Need, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Stale, Unreachable
from eso_core.providers import _kit
from eso_core.providers.kubernetes.config import Config, Identity, read_config
from eso_core.refs import Ref
from eso_core.wire import HttpCall, HttpReply, Tls

T = TypeVar("T")

TOKEN: Final = "token"  # slots
CLIENT_CERT: Final = "client_cert"
CLIENT_KEY: Final = "client_key"
KUBECONFIG: Final = "kubeconfig"

TOKEN_S: Final = 3600  # seconds that a requested token lives
BODY_MAX: Final = 8 * 1024 * 1024  # bytes
MESSAGE_MAX: Final = 16 * 1024  # characters of a server's text that are looked through
SHORT: Final = 4  # characters; a secret with fewer is in any text


# ---------------------------------------------------------------- parsed form


class Connected(Protocol):
    """The fields of a spec that say how to connect."""

    @property
    def server(self) -> Server | None: ...
    @property
    def auth(self) -> Auth | None: ...
    @property
    def auth_ref(self) -> SecretKeySelector | None: ...


@dataclass(frozen=True, slots=True)
class Connection:
    """``server`` is scheme, host and path without a final slash, ``""`` where a kubeconfig names it; ``slots`` are all credentials."""

    server: str
    ca_pem: bytes
    slots: Mapping[str, Need]


def connection(model: Connected, store: Ref, path: str) -> Result[Connection, InvalidSpec]:
    """The parsed form of the fields below ``path``, or the first thing that cannot be used."""
    if model.auth_ref is not None:
        if model.auth is not None:
            return Wrong(InvalidSpec("authRef and inline auth cannot both be set", f"{path}.authRef"))
        return _selected({KUBECONFIG: (model.auth_ref, f"{path}.authRef")}).map(lambda slots: Connection("", b"", slots))
    server = model.server or Server()
    url, ca_pem = server_url(server.url, f"{path}.server.url"), _kit.ca_bundle(server.ca_bundle)
    credentials, ca_slot = _credentials(model.auth, f"{path}.auth"), _ca(server, store)
    for wrong in (url, ca_pem, credentials, ca_slot):
        if isinstance(wrong, Wrong):
            return wrong
    return Success(Connection(url.unwrap(), ca_pem.unwrap(), {**credentials.unwrap(), **ca_slot.unwrap()}))


def server_url(text: str, path: str) -> Result[str, InvalidSpec]:
    """Scheme, host and path of an address; without a scheme it is https."""
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        return Wrong(InvalidSpec("is not a URL", path))
    if parts.scheme not in ("https", "http") or not host or "@" in parts.netloc or parts.query or parts.fragment:
        return Wrong(InvalidSpec("must be a host, or a URL that starts with https:// or http://", path))
    return Success(f"{parts.scheme}://{parts.netloc}{quote(parts.path.rstrip('/'), safe=_kit.URL_PATH_SAFE + '%')}")


def _ca(server: Server, store: Ref) -> Result[Mapping[str, Need], InvalidSpec]:
    if server.ca_provider is None or server.ca_bundle:
        return Success({})
    return _kit.ca_need(server.ca_provider, store).map(lambda need: {_kit.CA: need})


def _credentials(auth: Auth | None, path: str) -> Result[Mapping[str, Need], InvalidSpec]:
    methods = [] if auth is None else [method for method in (auth.token, auth.service_account, auth.cert) if method is not None]
    if auth is None or not methods:
        return Wrong(InvalidSpec("no auth provider given", path))
    if len(methods) > 1:
        return Wrong(InvalidSpec("multiple auth methods provided: set exactly one of token, serviceAccount and cert", path))
    if auth.service_account is not None:
        account = auth.service_account
        return Success({TOKEN: AccountToken(account.name, account.audiences, account.namespace or "", TOKEN_S)})
    if auth.token is not None:
        return _selected({TOKEN: (auth.token.bearer_token, f"{path}.token.bearerToken")})
    assert auth.cert is not None
    cert = {CLIENT_CERT: (auth.cert.client_cert, f"{path}.cert.clientCert"), CLIENT_KEY: (auth.cert.client_key, f"{path}.cert.clientKey")}
    return _selected(cert)


def _selected(selectors: Mapping[str, tuple[SecretKeySelector, str]]) -> Result[Mapping[str, Need], InvalidSpec]:
    """The needs behind selectors, by slot. A name and a key, which the schema lets be left out, are demanded."""
    for selector, path in selectors.values():
        for field_name, text in (("name", selector.name), ("key", selector.key)):
            if not text:
                return Wrong(InvalidSpec("cannot be empty", f"{path}.{field_name}"))
    return Success({slot: _kit.secret_key(selector) for slot, (selector, _) in selectors.items()})


# ---------------------------------------------------------------- calls


@dataclass(frozen=True, slots=True)
class Line:
    """One store's connection, as one identity."""

    server: str
    tls: Tls
    authorization: str = field(repr=False)

    def call(self, method: str, path: str, name: str = "", body: bytes = b"", body_max: int = BODY_MAX) -> HttpCall:
        headers = {"Accept": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        if body:
            headers["Content-Type"] = "application/json"
        return HttpCall(method=method, url=f"{self.server}{path}", headers=headers, body=body, tls=self.tls, name=name, body_max=body_max)


def line_of(access: Access, held: Connection) -> Line | InvalidSpec:
    """The connection with its credentials; of a kubeconfig what its current context says."""
    if KUBECONFIG not in held.slots:
        token = access.text(TOKEN)
        tls = _kit.tls_of(access, held.ca_pem, CLIENT_CERT, CLIENT_KEY)
        return Line(held.server, tls, f"Bearer {token}" if token else "")
    value = access.secrets.get(KUBECONFIG)
    config = read_config(value.reveal() if value is not None else b"")
    return config if isinstance(config, InvalidSpec) else _of_config(config)


def _of_config(config: Config) -> Line | InvalidSpec:
    url = server_url(config.server, "")
    if isinstance(url, Wrong):
        return InvalidSpec("the kubeconfig has no usable server address")
    identity: Identity = config.identity
    tls = Tls(ca_pem=config.ca_pem, cert_pem=identity.cert_pem, key_pem=identity.key_pem, verify=not config.insecure)
    return Line(url.unwrap(), tls, identity.authorization)


def bad_name(key: str) -> InvalidSpec | None:
    """Why ``key`` cannot be the name of an object."""
    unfit = key in ("", ".", "..") or "/" in key or "%" in key
    return InvalidSpec("the key must be the name of an object") if unfit else None


# ---------------------------------------------------------------- answers


class _Details(msgspec.Struct):
    kind: str = ""


class _Status(msgspec.Struct):
    message: str = ""
    reason: str = ""
    details: _Details | None = None


class _Sent(msgspec.Struct):
    data: dict[str, bytes] | None = None


def _is_told(message: str, call: HttpCall) -> bool:
    """Whether a server's text may be repeated: it is not too long, and holds nothing of the credential or of a value that was sent.

    An admission webhook may say what it does not like, and whoever answers at the address of a store, what it likes.
    """
    sent = _kit.decoded(call.body, _Sent)
    values = [value for value in (sent.data or {}).values() if len(value) >= SHORT] if sent is not None else []
    texts = [value.decode("utf-8", "replace") for value in values] + [base64.b64encode(value).decode() for value in values]
    credential = call.headers.get("Authorization", "").rpartition(" ")[2]
    return 0 < len(message) <= MESSAGE_MAX and not any(text in message for text in (credential, *texts) if len(text) >= SHORT)


def failure_of(call: HttpCall, reply: HttpReply) -> Failure:
    """Why an answer is not what was asked for, in the API server's words."""
    held = _kit.decoded(reply.body, _Status)
    text = _kit.line(held.message) if held is not None and _is_told(held.message, call) else f"status {reply.status}"
    sentence = f"{call.method} {call.url.partition('?')[0]}: {text}"
    match reply.status:
        case 401:
            return Refused(sentence, session=True)
        case 403:
            return Refused(sentence)
        case 404:
            return Missing(sentence)
        case 409:
            return Stale(sentence)
        case 410:
            return Unreachable(sentence)
        case _:
            return _kit.common_failure(reply, sentence) or Broken(sentence)


def ask(call: HttpCall, into: type[T], plural: str = "secrets") -> Talk[T | Absent | Failure]:
    """One call. Absent is what the API server itself says about an object of the resource ``plural``."""
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    if reply.status in (200, 201):
        return _kit.decoded(reply.body, into) or Broken(f"{call.url.partition('?')[0]}: the answer is not JSON of the expected shape")
    if reply.status == 404:
        held = _kit.decoded(reply.body, _Status)
        if held is not None and held.reason == "NotFound" and held.details is not None and held.details.kind == plural:
            return Absent()
    return failure_of(call, reply)
