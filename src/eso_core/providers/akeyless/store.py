"""A connection to Akeyless or to one of its Gateways: the parsed form of a store, its calls, and what answers mean.

All calls are POSTs of JSON with the token in the body; errors are ``{"error": text}``.

=========================  ===============================================================================
answer                     meaning
=========================  ===============================================================================
404 with an error text     there is no such item; said only to callers who may know
401                        refused: a bad token, or an item that the caller may not see; a new login may help
403                        refused
4xx to a login             refused: the credentials are wrong
429; 3xx, 5xx              throttled; unreachable
anything else              broken
=========================  ===============================================================================

Documents: ``docs/`` of akeylesslabs/akeyless-go (API version 2.0), and what api.akeyless.io was seen to answer, as the reference's
``TestDescribeItemMapsAPIStatus`` has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.akeyless import Auth, KubernetesAuth, SecretRef, Spec
from eso_core.door import Access, AccountNotes, AccountToken, Need, SecretKey, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import JSON, HttpCall, HttpReply, Tls

PATH: Final = "spec.provider.akeyless"
PUBLIC: Final = "https://api.akeyless.io"
ACCESS_ID: Final = "access_id"  # slots
ACCESS_TYPE: Final = "access_type"
ACCESS_TYPE_PARAM: Final = "access_type_param"
JWT: Final = "jwt"
NOTES: Final = "account"
ASSERTION: Final = "assertion"

AZURE_AD: Final = "azure_ad"
EXCHANGE: Final = "api://AzureADTokenExchange"
"""Audience of a token that Microsoft Entra ID exchanges."""
TOKEN_S: Final = 600
UNIVERSAL: Final = "u-"
"""How tokens of a universal identity begin; they go into another field."""
HIDDEN: Final = ("access-key", "cloud-id", "k8s-service-account-token", "token", "uid-token", "value")  # members of requests
REPEATED: Final = 24  # characters from the beginning of a hidden member that an error must not show
LIST_MAX: Final = 64 * 1024 * 1024  # bytes of one page of a list


@dataclass(frozen=True, slots=True)
class ByAccess:
    """An access id with a type and what the type takes, all of Secrets. ``account`` is for type ``azure_ad`` alone."""

    needs: Mapping[str, Need]
    account: tuple[Need, Need] | None = None  # annotations, token


@dataclass(frozen=True, slots=True)
class ByKubernetes:
    """A ServiceAccount token, checked by the Kubernetes configuration ``config`` of a Gateway."""

    access_id: str
    config: str
    need: Need


Login: TypeAlias = ByAccess | ByKubernetes


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """``ask``: whether calls go to ``url`` itself or below ``/v2`` is to be found out."""

    url: str
    ask: bool
    ignore_cache: bool
    login: Login
    ca_pem: bytes = b""
    ca: Mapping[str, Need] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ticket:
    """The value of a session: where calls go, and a token."""

    base: str
    token: str = field(repr=False)


# ---------------------------------------------------------------- parsing


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    url = _kit.base_url(model.akeyless_gw_api_url.strip() or PUBLIC, f"{PATH}.akeylessGWApiURL")
    login, ca_pem = _login(model.auth_secret_ref), _kit.ca_bundle(model.ca_bundle)
    ca = _kit.ca_need(model.ca_provider, store).map(lambda need: {_kit.CA: need}) if model.ca_provider is not None else Success({})
    for wrong in (url, login, ca_pem, ca):
        if isinstance(wrong, Wrong):
            return wrong
    base = url.unwrap()
    return Success(
        Store(
            url=base,
            ask=not base.endswith("/v2") and urlsplit(base).hostname != urlsplit(PUBLIC).hostname,
            ignore_cache=bool(model.ignore_cache),
            login=login.unwrap(),
            ca_pem=ca_pem.unwrap(),
            ca=ca.unwrap() if not ca_pem.unwrap() else {},
        )
    )


def _login(auth: Auth) -> Result[Login, InvalidSpec]:
    path = f"{PATH}.authSecretRef"
    if auth.kubernetes_auth is not None:
        return _by_kubernetes(auth.kubernetes_auth, f"{path}.kubernetesAuth")
    account = auth.service_account_ref
    held: tuple[Need, Need] | None = None
    if account is not None:
        where = account.namespace or ""
        token = AccountToken(account.name, (*account.audiences, EXCHANGE), where, TOKEN_S)
        held = (AccountNotes(account.name, where), token)
    return _selectors(auth.secret_ref, f"{path}.secretRef").map(lambda needs: ByAccess(needs, held))


def _selectors(ref: SecretRef, path: str) -> Result[Mapping[str, Need], InvalidSpec]:
    needs: dict[str, Need] = {}
    for slot, name, selector in (
        (ACCESS_ID, "accessID", ref.access_id),
        (ACCESS_TYPE, "accessType", ref.access_type),
        (ACCESS_TYPE_PARAM, "accessTypeParam", ref.access_type_param),
    ):
        if slot == ACCESS_TYPE_PARAM and (selector is None or not selector.name):
            continue
        if selector is None or not selector.name:
            return Wrong(InvalidSpec(f"missing akeyless {name} name", f"{path}.{name}.name"))
        if not selector.key:
            return Wrong(InvalidSpec(f"missing akeyless {name} key", f"{path}.{name}.key"))
        needs[slot] = _kit.secret_key(selector)
    return Success(needs)


def _by_kubernetes(held: KubernetesAuth, path: str) -> Result[Login, InvalidSpec]:
    if not held.access_id:
        return Wrong(InvalidSpec("missing kubernetes auth-method access-id", f"{path}.accessID"))
    if not held.k8s_conf_name:
        return Wrong(InvalidSpec("missing kubernetes config name", f"{path}.k8sConfName"))
    account, secret = held.service_account_ref, held.secret_ref
    if account is not None:
        need: Need = AccountToken(account.name, account.audiences, account.namespace or "", TOKEN_S)
    elif secret is not None and secret.name:
        need = SecretKey(secret.name, secret.key or "token", secret.namespace or "")
    else:
        what = "serviceAccountRef or secretRef must be given; the operator's own ServiceAccount token is not shown to Akeyless"
        return Wrong(InvalidSpec(what, path))
    return Success(ByKubernetes(held.access_id, held.k8s_conf_name, need))


def needs(store: Store) -> Mapping[str, Need]:
    """The credentials of the login, and a CA."""
    login = store.login
    return {**(login.needs if isinstance(login, ByAccess) else {JWT: login.need}), **store.ca}


def more_needs(store: Store, held: Mapping[str, SecretBytes]) -> Result[Mapping[str, Need], Failure]:
    """The ServiceAccount of an Azure workload, where the Secret says that the access type is Azure's."""
    login = store.login
    if not isinstance(login, ByAccess) or login.account is None or held[ACCESS_TYPE].reveal().strip() != AZURE_AD.encode():
        return Success({})
    notes, token = login.account
    return Success({NOTES: notes, ASSERTION: token})


# ---------------------------------------------------------------- calls


@dataclass(frozen=True, slots=True)
class Line:
    """One conversation's connection; without a token for a login."""

    store: Store
    tls: Tls
    base: str
    token: str = field(default="", repr=False)

    def call(self, path: str, name: str, body: Mapping[str, Any], body_max: int = LIST_MAX) -> HttpCall:
        """A request; ``name`` is the label of its metric."""
        shown = {("uid-token" if self.token.startswith(UNIVERSAL) else "token"): self.token} if self.token else {}
        return HttpCall(
            method="POST",
            url=f"{self.base}{path}",
            headers={"Content-Type": JSON, "Accept": JSON},
            body=orjson.dumps({**body, **shown}),
            tls=self.tls,
            body_max=body_max,
            name=name,
        )

    def ask(self, call: HttpCall) -> Talk[HttpReply | Failure]:
        """The answer, of any status."""
        return _kit.http((yield call))

    @property
    def cache(self) -> Mapping[str, str]:
        """What makes a Gateway ask Akeyless instead of its cache."""
        return {"ignore-cache": "true"} if self.store.ignore_cache else {}


def line_of(access: Access, ticket: Ticket) -> Line:
    """The connection of a use of a store."""
    store: Store = access.spec
    return Line(store, _kit.tls_of(access, store.ca_pem), ticket.base, ticket.token)


# ---------------------------------------------------------------- what answers mean


class Error(msgspec.Struct):
    """Akeyless' error."""

    error: str


def says_absent(reply: HttpReply) -> bool:
    """Akeyless says that there is no such item. An error that is no more than the status in words is that of a gateway in between."""
    held = _kit.decoded(reply.body, Error) if reply.status == 404 else None
    return held is not None and held.error.strip().lower() not in ("", "not found")


def what(call: HttpCall) -> str:
    """A call in words."""
    return f"Akeyless {urlsplit(call.url).path.rpartition('/')[2] or call.url}"


def _hidden(call: HttpCall) -> list[str]:
    """How the secret members of a request begin, and those of a value that is a JSON object."""
    held = _kit.decoded(call.body, dict[str, Any]) or {}
    inner = _kit.decoded(str(held.get("value", "")).encode(), dict[str, Any]) or {}
    texts = [held.get(name) for name in HIDDEN] + list(inner.values())
    return [text[:REPEATED] for text in texts if isinstance(text, str) and text]


def failure_of(call: HttpCall, reply: HttpReply, about: str = "", *, login: bool = False) -> Failure:
    """Why an answer that is not 2xx is not what was asked for. A message that repeats a value or a credential of the call is left out."""
    held = _kit.decoded(reply.body, Error)
    text = held.error if held is not None and not any(hidden in held.error for hidden in _hidden(call)) else ""
    who = f"{what(call)} {_kit.line(about)}" if about else what(call)
    sentence = f"{who}: {_kit.line(text or f'status {reply.status}')}"
    status = reply.status
    if status == 401 or (login and status in (400, 403, 404)):
        return Refused(sentence, session=True)
    if status == 403:
        return Refused(sentence)
    if status == 404:
        return Missing(sentence)
    return _kit.common_failure(reply, who) or Broken(sentence)
