"""Doppler: the parsed form of a store, its logins, its calls, and what answers mean.

Doppler's errors are JSON of ``messages`` and ``success: false``.

=======================  ==================================================================
answer                   meaning
=======================  ==================================================================
200 without a name       there is no such secret; never absent, as in the reference
304                      what an earlier answer with this ETag said
401; 4xx to a login      refused; a new login may help
403                      refused: the token may not
404                      missing: a project, a config, a wrong address
429; 3xx, 5xx            throttled; unreachable
anything else            broken
=======================  ==================================================================

Documents: "API Reference", "Secrets: List, Update, Download" and "Service Account Identities" of docs.doppler.com; DopplerHQ/cli.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.doppler import OidcAuth, Spec
from eso_core.compat.gotime import parse_time
from eso_core.door import Access, AccountToken, Need, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.instant import SECOND
from eso_core.providers import _kit
from eso_core.refs import CLUSTER_SECRET_STORE, Ref
from eso_core.secret import SecretBytes
from eso_core.wire import JSON, HttpCall, HttpReply, SdkCall, SdkReply, Tls

T = TypeVar("T")

PATH: Final = "spec.provider.doppler"
API: Final = "https://api.doppler.com"
BASE_URL, VERIFY_TLS = "DOPPLER_BASE_URL", "DOPPLER_VERIFY_TLS"
FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
"""What Go's ``strconv.ParseBool`` takes for false."""
DOWNLOAD: Final = "/v3/configs/config/secrets/download"
NAME: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,254}")
TOKEN_KEY: Final = "dopplerToken"
TOKEN, ACCOUNT = "token", "account"
TIMEOUT_S: Final = 10.0
TOKEN_SECONDS: Final = 600
EARLY_S: Final = 60.0  # a token is replaced so long before it ends
KEPT_MAX: Final = 64  # answers that a session keeps with their ETags
KEPT_BYTES: Final = 4 * 1024 * 1024
"""Of all answers that a session keeps."""
LIST_MAX: Final = 32 * 1024 * 1024  # bytes of a config, which comes in one piece


@dataclass(frozen=True, slots=True)
class Store:
    """``identity`` is that of a service account; ``""`` where the token is in a Secret."""

    project: str
    config: str
    transformer: str
    format: str
    needs: Mapping[str, Need]
    identity: str = ""

    @property
    def scope(self) -> dict[str, str]:
        """Project and config, where they are named; a service token knows its own."""
        return {name: value for name, value in (("project", self.project), ("config", self.config)) if value}


# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used. ``secretRef`` counts where both logins are there."""
    auth = model.auth
    needs: Mapping[str, Need]
    identity = ""
    if auth.secret_ref is not None:
        selector = auth.secret_ref.doppler_token
        if not selector.name:
            return Wrong(InvalidSpec("dopplerToken.name cannot be empty", f"{PATH}.auth.secretRef.dopplerToken.name"))
        token = _kit.secret_key(selector)
        needs = {TOKEN: token if token.key else type(token)(token.name, TOKEN_KEY, token.namespace)}
    elif auth.oidc_config is not None:
        identity = auth.oidc_config.identity
        account = auth.oidc_config.service_account_ref
        if not identity:
            return Wrong(InvalidSpec("oidcConfig.identity cannot be empty", f"{PATH}.auth.oidcConfig.identity"))
        if not account.name:
            what = "oidcConfig.serviceAccountRef.name cannot be empty"
            return Wrong(InvalidSpec(what, f"{PATH}.auth.oidcConfig.serviceAccountRef.name"))
        needs = {ACCOUNT: _account(auth.oidc_config, store)}
    else:
        return Wrong(InvalidSpec("either auth.secretRef or auth.oidcConfig must be specified", f"{PATH}.auth"))
    return Success(Store(model.project, model.config, model.name_transformer or "", model.format or "", needs, identity))


def _account(oidc: OidcAuth, store: Ref) -> AccountToken:
    """A token for the audiences that are named, else for the API, and for this very store."""
    account = oidc.service_account_ref
    own = f"clusterSecretStore:{store.name}" if store.kind == CLUSTER_SECRET_STORE else f"secretStore:{store.namespace}:{store.name}"
    audiences = (*(account.audiences or (API,)), own)
    seconds = oidc.expiration_seconds if oidc.expiration_seconds > 0 else TOKEN_SECONDS
    return AccountToken(account.name, audiences, account.namespace or "", seconds)


def needs(store: Store) -> Mapping[str, Need]:
    """The token, or a token of the ServiceAccount."""
    return store.needs


# ---------------------------------------------------------------- sessions


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer and its ETag."""

    etag: str
    body: SecretBytes


@dataclass(slots=True, eq=False)
class Known:
    """What a session knows: where the API is, the token, and answers that need not be sent again, by their query."""

    base: str
    tls: Tls
    ambient: bool
    token: str = field(default="", repr=False)
    kept: dict[str, Kept] = field(default_factory=dict, repr=False)

    def keep(self, query: str, etag: str, body: bytes) -> None:
        """Keep an answer, and drop the oldest where there are too many."""
        self.kept.pop(query, None)
        if not etag or len(body) > KEPT_BYTES:
            return
        self.kept[query] = Kept(etag, SecretBytes(body))
        while len(self.kept) > KEPT_MAX or sum(len(held.body.reveal()) for held in self.kept.values()) > KEPT_BYTES:
            self.kept.pop(next(iter(self.kept)))


class _Granted(msgspec.Struct):
    success: bool
    token: str = ""
    expires_at: str = ""


def login(access: Access) -> Talk[Session | Failure]:
    """The token as it is, or one for the ServiceAccount's, until shortly before it ends."""
    store: Store = access.spec
    known = yield from _surroundings()
    if not isinstance(known, Known):
        return known
    if not store.identity:
        known.token = access.text(TOKEN)
        return Session(value=known) if known.token else Refused("the token for Doppler is empty", session=True)
    line = Line(store, known)
    call = line.call("POST", "/v3/auth/oidc", "AuthOIDC", body={"identity": store.identity, "token": access.text(ACCOUNT)})
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    if not 200 <= reply.status < 300:
        return failure_of(call, reply, login=True)
    held = _kit.decoded(reply.body, _Granted)
    if held is None or not held.success or not held.token:
        return Broken(f"{what(call)}: the answer holds no token")
    lease_s = yield from _lease(held.expires_at)
    if not isinstance(lease_s, float):
        return lease_s if lease_s is not None else Broken(f"{what(call)}: the answer does not tell when the token ends")
    known.token = held.token
    return Session(value=known, lease_s=lease_s)


def _lease(expires_at: str) -> Talk[float | Failure | None]:
    """Seconds until a time, less :data:`EARLY_S`; ``None`` where it is not one."""
    ends = parse_time(expires_at)
    reply = yield SdkCall(name="ambient.now")
    if not isinstance(reply, SdkReply) or not isinstance(reply.value, int | float):
        return Broken("the time cannot be told")
    return max(1.0, ends.unwrap() / SECOND - reply.value - EARLY_S) if isinstance(ends, Success) else None


def _surroundings() -> Talk[Known | Failure]:
    """What the operator's environment says of the API."""
    held = yield from _kit.library(SdkCall(name="ambient.variables", args={"names": [BASE_URL, VERIFY_TLS]}), dict)
    if not isinstance(held, dict):
        failure: Failure = held
        return failure
    text = str(held.get(BASE_URL, ""))
    base = _kit.base_url((text if "://" in text else f"https://{text}") if text else API, BASE_URL)
    if isinstance(base, Wrong):
        wrong: InvalidSpec = base.failure()
        return wrong
    return Known(base.unwrap(), Tls(verify=held.get(VERIFY_TLS) not in FALSE), ambient=bool(text))


# ---------------------------------------------------------------- calls


@dataclass(frozen=True, slots=True)
class Line:
    """One conversation's connection."""

    store: Store
    known: Known

    def call(
        self, method: str, path: str, name: str, *, query: Mapping[str, str] | None = None, body: Any = None, accept: str = JSON
    ) -> HttpCall:
        """A request; ``name`` is the label of its metric."""
        headers = {"Accept": accept}
        if self.known.token:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{self.known.token}:".encode()).decode()
        if body is not None:
            headers["Content-Type"] = JSON
        return HttpCall(
            method=method,
            url=f"{self.known.base}{path}" + (f"?{urlencode(query, quote_via=quote, errors='replace')}" if query else ""),
            headers=headers,
            body=orjson.dumps(body) if body is not None else b"",
            tls=self.known.tls,
            timeout_s=TIMEOUT_S,
            body_max=LIST_MAX,
            name=name,
            ambient=self.known.ambient,
        )

    def download(self, query: Mapping[str, str], read: Callable[[bytes], T | None], accept: str = JSON) -> Talk[T | Failure]:
        """What ``read`` makes of values of the config, of an earlier answer where Doppler says that nothing has changed since."""
        call = self.call(
            "GET", "/v3/configs/config/secrets/download", "DownloadSecrets", query={**self.store.scope, **query}, accept=accept
        )
        kept = self.known.kept.get(call.url)
        if kept is not None:
            call = replace(call, headers={**call.headers, "If-None-Match": kept.etag})
        reply = _kit.http((yield call))
        if not isinstance(reply, HttpReply):
            return reply
        same = reply.status == 304 and kept is not None
        if not same and not 200 <= reply.status < 300:
            return failure_of(call, reply)
        body = kept.body.reveal() if same and kept is not None else reply.body
        held = read(body)
        if held is None:
            return Broken(f"{what(call)}: the answer is not JSON of the expected shape")
        if not same:
            self.known.keep(call.url, reply.headers.get("etag", ""), body)
        return held

    def ask(self, call: HttpCall) -> Talk[HttpReply | Failure]:
        """The answer, if it is 2xx."""
        reply = _kit.http((yield call))
        return failure_of(call, reply) if isinstance(reply, HttpReply) and not 200 <= reply.status < 300 else reply


def line_of(access: Access, session: Session) -> Line:
    """The connection of a use of a store."""
    return Line(access.spec, session.value)


def bad_name(name: str) -> InvalidSpec | None:
    """Why there can be no secret of this name."""
    if NAME.fullmatch(name):
        return None
    return InvalidSpec(f'secret name "{_kit.line(name)}" may only contain uppercase letters, numbers, and underscores')


def texts(body: bytes) -> dict[str, str] | None:
    """A JSON object of texts."""
    return _kit.decoded(body, dict[str, str])


# ---------------------------------------------------------------- what answers mean


class Error(msgspec.Struct):
    """Doppler's error."""

    messages: list[str]
    success: bool


def error_of(reply: HttpReply) -> Error | None:
    """Doppler's own error; ``None`` where somebody else answers."""
    held = _kit.decoded(reply.body, Error)
    return held if held is not None and not held.success else None


def what(call: HttpCall) -> str:
    """A call in words: no query, no header, no body."""
    return f"Doppler {call.method} {call.url.partition('?')[0]}"


def failure_of(call: HttpCall, reply: HttpReply, *, login: bool = False) -> Failure:
    """Why an answer that is not 2xx is not what was asked for. Messages about what was sent in a body may repeat it, and are left out."""
    held = error_of(reply)
    text = _kit.line("; ".join(held.messages)) if held is not None and not call.body else ""
    sentence = f"{what(call)}: status {reply.status}" + (f": {text}" if text else "")
    status = reply.status
    if status == 401 or (login and status in (400, 403, 404, 422)):
        return Refused(sentence, session=True)
    if status == 403:
        return Refused(sentence)
    if status == 404:
        return Missing(sentence)
    return _kit.common_failure(reply, what(call)) or Broken(sentence)
