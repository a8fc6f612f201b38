"""``spec.provider.kubernetes``: Secrets of one namespace of an API server, this cluster's or another's.

A Secret is found as :class:`Entries`, its metadata as a :class:`Blob` of ``{"annotations": ..., "labels": ...}``; the dialect tells
them apart.

=======================  ==========================================================================
answer                   meaning
=======================  ==========================================================================
404 of the Secret        absent; any other 404 (wrong address, no such namespace) is a failure
401                      refused, new credentials may help
403                      refused
429, 5xx                 throttled, unreachable
410 in a list            unreachable: the list grew stale, the next one starts anew
=======================  ==========================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.providers.kubernetes import Auth, Server, Spec
from eso_core.compat.gojson import marshal
from eso_core.compat.property import (
    property_kubernetes,
    property_kubernetes_metadata,
    property_map_kubernetes,
    whole_kubernetes,
    whole_kubernetes_metadata,
)
from eso_core.door import (
    Absent,
    Access,
    AccountToken,
    Answer,
    Blob,
    Dialect,
    Entries,
    Failed,
    Find,
    Found,
    Get,
    Need,
    Payload,
    Probe,
    Provider,
    Query,
    Session,
    Talk,
)
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Unreachable
from eso_core.providers import _kit
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply, Tls

T = TypeVar("T")

TOKEN: Final = "token"  # slots
CLIENT_CERT: Final = "client_cert"
CLIENT_KEY: Final = "client_key"

PATH: Final = "spec.provider.kubernetes"
TOKEN_S: Final = 3600  # seconds that a requested token lives
PAGE: Final = 100  # Secrets on one page of a list
PAGE_MAX: Final = 64 * 1024 * 1024  # bytes of one page
FOUND_MAX: Final = 10_000  # secrets that one find looks at
LABEL_KEY: Final = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_./]{0,316}")
LABEL_VALUE: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]{0,62})?")

# ---------------------------------------------------------------- parsed form


@dataclass(frozen=True, slots=True)
class Store:
    """``server`` is scheme, host and path without a final slash; ``slots`` are all credentials."""

    server: str
    namespace: str
    ca_pem: bytes
    slots: Mapping[str, Need]


def parse(model: Spec, store: Ref) -> Result[Store, InvalidSpec]:
    """The parsed form, or the first thing that cannot be used."""
    if model.auth_ref is not None:
        both = model.auth is not None
        return Wrong(InvalidSpec("authRef and inline auth cannot both be set" if both else "authRef is not built yet", f"{PATH}.authRef"))
    server = model.server or Server()
    url, ca_pem, credentials, ca_slot = _url(server.url), _kit.ca_bundle(server.ca_bundle), _credentials(model.auth), _ca(server, store)
    for wrong in (url, ca_pem, credentials, ca_slot):
        if isinstance(wrong, Wrong):
            return wrong
    return Success(Store(url.unwrap(), model.remote_namespace or "default", ca_pem.unwrap(), {**credentials.unwrap(), **ca_slot.unwrap()}))


def _url(text: str) -> Result[str, InvalidSpec]:
    path = f"{PATH}.server.url"
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        return Wrong(InvalidSpec("is not a URL", path))
    if parts.scheme not in ("https", "http") or not host or "@" in parts.netloc or parts.query or parts.fragment:
        return Wrong(InvalidSpec("must be a host, or a URL that starts with https:// or http://", path))
    return Success(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}")


def _ca(server: Server, store: Ref) -> Result[Mapping[str, Need], InvalidSpec]:
    if server.ca_provider is None or server.ca_bundle:
        return Success({})
    return _kit.ca_need(server.ca_provider, store).map(lambda need: {_kit.CA: need})


def _credentials(auth: Auth | None) -> Result[Mapping[str, Need], InvalidSpec]:
    path = f"{PATH}.auth"
    methods = [] if auth is None else [method for method in (auth.token, auth.service_account, auth.cert) if method is not None]
    if auth is None or not methods:
        return Wrong(InvalidSpec("no auth provider given", path))
    if len(methods) > 1:
        return Wrong(InvalidSpec("multiple auth methods provided: set exactly one of token, serviceAccount and cert", path))
    if auth.service_account is not None:
        account = auth.service_account
        return Success({TOKEN: AccountToken(account.name, account.audiences, account.namespace or "", TOKEN_S)})
    if auth.token is not None:
        return Success({TOKEN: _kit.secret_key(auth.token.bearer_token)})
    assert auth.cert is not None
    return Success({CLIENT_CERT: _kit.secret_key(auth.cert.client_cert), CLIENT_KEY: _kit.secret_key(auth.cert.client_key)})


def needs(store: Store) -> Mapping[str, Need]:
    """The token or the client certificate, and the CA."""
    return store.slots


# ---------------------------------------------------------------- calls and answers


class _Meta(msgspec.Struct):
    name: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Secret(msgspec.Struct):
    metadata: _Meta
    data: dict[str, bytes] | None = None  # base64 in JSON


class _ListMeta(msgspec.Struct):
    next: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    items: list[_Secret] | None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


class _Details(msgspec.Struct):
    kind: str = ""


class _Status(msgspec.Struct):
    message: str = ""
    reason: str = ""
    details: _Details | None = None


class _Rule(msgspec.Struct):
    verbs: list[str] | None = None
    api_groups: list[str] | None = msgspec.field(default=None, name="apiGroups")
    resources: list[str] | None = None


class _Review(msgspec.Struct):
    allowed: bool = False
    rules: list[_Rule] | None = msgspec.field(default=None, name="resourceRules")


class _Reviewed(msgspec.Struct):
    status: _Review


@dataclass(frozen=True, slots=True)
class Line:
    """One store's connection, as one identity."""

    store: Store
    tls: Tls
    token: str = field(repr=False)

    def call(self, method: str, path: str, name: str = "", body: bytes = b"", body_max: int = 8 * 1024 * 1024) -> HttpCall:
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body:
            headers["Content-Type"] = "application/json"
        return HttpCall(
            method=method, url=f"{self.store.server}{path}", headers=headers, body=body, tls=self.tls, name=name, body_max=body_max
        )

    @property
    def secrets(self) -> str:
        return f"/api/v1/namespaces/{quote(self.store.namespace, safe='')}/secrets"


def failure_of(call: HttpCall, reply: HttpReply) -> Failure:
    """Why an answer is not what was asked for, in the API server's words."""
    held = _kit.decoded(reply.body, _Status)
    text = _kit.line(held.message) if held is not None and held.message else f"status {reply.status}"
    sentence = f"{call.url.partition('?')[0]}: {text}"
    match reply.status:
        case 401:
            return Refused(sentence, session=True)
        case 403:
            return Refused(sentence)
        case 404:
            return Missing(sentence)
        case 410:
            return Unreachable(sentence)
        case _:
            return _kit.common_failure(reply, sentence) or Broken(sentence)


def _ask(call: HttpCall, into: type[T]) -> Talk[T | Absent | Failure]:
    """One call. Absent is what the API server itself says about a Secret."""
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    if reply.status in (200, 201):
        return _kit.decoded(reply.body, into) or Broken(f"{call.url.partition('?')[0]}: the answer is not JSON of the expected shape")
    if reply.status == 404:
        held = _kit.decoded(reply.body, _Status)
        if held is not None and held.reason == "NotFound" and held.details is not None and held.details.kind == "secrets":
            return Absent()
    return failure_of(call, reply)


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time."""
    store: Store = access.spec
    line = Line(store, _kit.tls_of(access, store.ca_pem, CLIENT_CERT, CLIENT_KEY), access.text(TOKEN))
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
    if query.key in ("", ".", "..") or "/" in query.key or "%" in query.key:
        return Failed(InvalidSpec("the key must be the name of a Secret"))
    outcome = yield from _ask(line.call("GET", f"{line.secrets}/{quote(query.key, safe='')}", "GetSecret"), _Secret)
    if not isinstance(outcome, _Secret):
        return outcome if isinstance(outcome, Absent) else Failed(outcome)
    if query.metadata:
        return Found(Blob(SecretBytes(whole_kubernetes_metadata(outcome.metadata.labels, outcome.metadata.annotations))))
    return Found(Entries({key: SecretBytes(value) for key, value in (outcome.data or {}).items()}))


def _find(line: Line, query: Find) -> Talk[Answer]:
    """By labels (which win) or by name; values are whole Secrets as JSON."""
    if not query.tags and query.name is None:
        return Failed(InvalidSpec("unexpected find operator: name or tags must be given"))
    matches = _kit.matcher(query.name) if query.name is not None and not query.tags else None
    if isinstance(matches, InvalidSpec):
        return Failed(matches)
    parameters = {"limit": str(PAGE)}
    if query.tags:
        parameters["labelSelector"] = ",".join(f"{name}={value}" for name, value in query.tags)
    if not all(LABEL_KEY.fullmatch(name) and LABEL_VALUE.fullmatch(value) for name, value in query.tags):
        return Failed(InvalidSpec("unable to validate selector tags: not a label and its value"))
    values: dict[str, SecretBytes] = {}
    seen = 0
    while True:
        call = line.call("GET", f"{line.secrets}?{urlencode(parameters)}", "ListSecrets", body_max=PAGE_MAX)
        outcome = yield from _ask(call, _List)
        if not isinstance(outcome, _List):
            return Failed(Missing("the Secrets cannot be listed")) if isinstance(outcome, Absent) else Failed(outcome)
        items = outcome.items or []
        values |= {
            item.metadata.name: SecretBytes(whole_kubernetes(item.data or {}))
            for item in items
            if matches is None or matches(item.metadata.name)
        }
        seen += len(items)
        if not outcome.metadata.next:
            return Found(Entries(values))
        if seen > FOUND_MAX:
            return Failed(Broken(f"{line.secrets}: more than {FOUND_MAX} Secrets; narrow the find by tags"))
        parameters["continue"] = outcome.metadata.next


# ---------------------------------------------------------------- validating


def _probe(line: Line) -> Talk[Answer]:
    """May these credentials get Secrets? Asked of the rules first, of the authorizer if they do not say so."""
    where = {"namespace": line.store.namespace}
    review = yield from _review(line, "selfsubjectrulesreviews", "SelfSubjectRulesReview", where)
    if isinstance(review, _Reviewed) and any(map(_grants, review.status.rules or [])):
        return Found(Entries({}))
    if isinstance(review, _Reviewed):
        what = {"resourceAttributes": {**where, "resource": "secrets", "verb": "get"}}
        review = yield from _review(line, "selfsubjectaccessreviews", "SelfSubjectAccessReview", what)
    if not isinstance(review, _Reviewed):
        return Failed(review, unsure=True)
    return Found(Entries({})) if review.status.allowed else Failed(Refused("client is not allowed to get secrets"))


def _review(line: Line, plural: str, kind: str, spec: Mapping[str, Any]) -> Talk[_Reviewed | Failure]:
    body = orjson.dumps({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec})
    name = "CreateSelfSubjectRulesReview" if kind == "SelfSubjectRulesReview" else ""
    outcome = yield from _ask(line.call("POST", f"/apis/authorization.k8s.io/v1/{plural}", name, body), _Reviewed)
    return Missing("the API server has no access reviews") if isinstance(outcome, Absent) else outcome


def _grants(rule: _Rule) -> bool:
    groups = rule.api_groups or [""]
    wanted = ((rule.resources, "secrets"), (rule.verbs, "get"), (groups, ""))
    return all({word, "*"} & set(words or ()) for words, word in wanted)


# ---------------------------------------------------------------- dialect


def _value(payload: Payload, prop: str) -> Answer:
    if isinstance(payload, Entries) and prop not in payload.values and _crowded(payload, prop.partition(".")[0]):
        return _kit.CROWDED
    where = "data" if isinstance(payload, Entries) else "metadata"
    found = _of_data(_revealed(payload), prop) if isinstance(payload, Entries) else _of_metadata(payload, prop)
    return _kit.value_of(found, f"property {prop} does not exist in {where} of the Secret")


def _of_data(data: Mapping[str, bytes], prop: str) -> Result[bytes, str]:
    return property_kubernetes(data, prop, "") if prop else Success(whole_kubernetes(data))


def _of_metadata(payload: Blob, prop: str) -> Result[bytes, str]:
    labels, annotations = _metadata(payload)
    return property_kubernetes_metadata(labels, annotations, prop, "") if prop else Success(whole_kubernetes_metadata(labels, annotations))


def _entries(payload: Payload, prop: str) -> Answer:
    if isinstance(payload, Entries) and not prop:
        return Found(payload)
    if _crowded(payload, prop, prop.partition(".")[0]):
        return _kit.CROWDED
    if isinstance(payload, Entries):
        data = _revealed(payload)
    else:
        labels, annotations = _metadata(payload)
        texts: dict[str, Any] = {"labels": labels, "annotations": annotations}
        data = {name: marshal(text, escape_html=False) for name, text in texts.items()}
    found = property_map_kubernetes(data, prop, "") if prop else Success(data)
    return _kit.entries_of(found, f"property {prop} does not exist, or is not a JSON object")


def _crowded(payload: Payload, *keys: str) -> bool:
    """One of these keys holds more than can be read as JSON."""
    values = payload.values if isinstance(payload, Entries) else {}
    return any(key in values and _kit.crowded(values[key].reveal()) for key in keys)


def _revealed(payload: Entries) -> dict[str, bytes]:
    return {name: value.reveal() for name, value in payload.values.items()}


def _metadata(payload: Blob) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    held = _kit.decoded(payload.value.reveal(), _Meta) or _Meta()
    return held.labels, held.annotations


PROVIDER = Provider(
    key="kubernetes",
    label="Kubernetes",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    fetch=fetch,
    dialect=Dialect(value=_value, entries=_entries),
    find_converts=True,
)
