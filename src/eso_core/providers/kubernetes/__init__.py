"""``spec.provider.kubernetes``: Secrets of one namespace of an API server, this cluster's or another's.

A Secret is found as :class:`Entries`, its metadata as a :class:`Blob` of ``{"annotations": ..., "labels": ...}``; the dialect tells
them apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import orjson
from returns.result import Result, Success

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
    Answer,
    Blob,
    Dialect,
    Entries,
    Failed,
    Find,
    Found,
    Get,
    Payload,
    Probe,
    Provider,
    Query,
    Session,
    Talk,
)
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.providers import _kit
from eso_core.providers.kubernetes.connection import Line, ask, bad_name, line_of
from eso_core.providers.kubernetes.pushes import delete, exists, push
from eso_core.providers.kubernetes.store import Store, needs, parse, path_of
from eso_core.secret import SecretBytes

PAGE: Final = 100  # Secrets on one page of a list
PAGE_MAX: Final = 64 * 1024 * 1024  # bytes of one page
FOUND_MAX: Final = 10_000  # secrets that one find looks at
LABEL_KEY: Final = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_./]{0,316}")
LABEL_VALUE: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]{0,62})?")

# ---------------------------------------------------------------- reading


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


class _Rule(msgspec.Struct):
    verbs: list[str] | None = None
    api_groups: list[str] | None = msgspec.field(default=None, name="apiGroups")
    resources: list[str] | None = None


class _Review(msgspec.Struct):
    allowed: bool = False
    rules: list[_Rule] | None = msgspec.field(default=None, name="resourceRules")


class _Reviewed(msgspec.Struct):
    status: _Review


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """One query after the other; there is one at a time."""
    store: Store = access.spec
    line = line_of(access, store.connection)
    if isinstance(line, InvalidSpec):
        return dict.fromkeys(queries, Failed(line))
    answers: dict[Query, Answer] = {}
    for query in queries:
        match query:
            case Get():
                answers[query] = yield from _get(line, store, query)
            case Find():
                answers[query] = yield from _find(line, store, query)
            case Probe():
                answers[query] = yield from _probe(line, store)
    return answers


def _get(line: Line, store: Store, query: Get) -> Talk[Answer]:
    unfit = bad_name(query.key)
    if unfit is not None:
        return Failed(unfit)
    outcome = yield from ask(line.call("GET", path_of(store.namespace, query.key), "GetSecret"), _Secret)
    if not isinstance(outcome, _Secret):
        return outcome if isinstance(outcome, Absent) else Failed(outcome)
    if query.metadata:
        return Found(Blob(SecretBytes(whole_kubernetes_metadata(outcome.metadata.labels, outcome.metadata.annotations))))
    return Found(Entries({key: SecretBytes(value) for key, value in (outcome.data or {}).items()}))


def _find(line: Line, store: Store, query: Find) -> Talk[Answer]:
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
        call = line.call("GET", f"{path_of(store.namespace)}?{urlencode(parameters)}", "ListSecrets", body_max=PAGE_MAX)
        outcome = yield from ask(call, _List)
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
            return Failed(Broken(f"{path_of(store.namespace)}: more than {FOUND_MAX} Secrets; narrow the find by tags"))
        parameters["continue"] = outcome.metadata.next


# ---------------------------------------------------------------- validating


def _probe(line: Line, store: Store) -> Talk[Answer]:
    """May these credentials get Secrets? Asked of the rules first, of the authorizer if they do not say so."""
    where = {"namespace": store.namespace}
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
    outcome = yield from ask(line.call("POST", f"/apis/authorization.k8s.io/v1/{plural}", name, body), _Reviewed)
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
    push=push,
    delete=delete,
    exists=exists,
    find_converts=True,
)
