"""From one request to the operation it asks for: a table of verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eso_core.instant import Instant
from eso_core.refs import NAMESPACE, Kind
from eso_core.sim import remove, reviews, write
from eso_core.sim.cluster import Cluster
from eso_core.sim.options import DeleteOptions, body_object, delete_options, document, write_options
from eso_core.sim.patch import merge
from eso_core.sim.read import body_of, get, list_body, read_page
from eso_core.sim.resource import Doc, Resource
from eso_core.sim.route import Target, parse
from eso_core.sim.shape import Mismatch
from eso_core.sim.status import Refusal, bad_request, invalid, no_such_group, no_such_path, not_allowed, not_found, unsupported_media, wrong
from eso_core.sim.table import Stored
from eso_core.wire import JSON, MERGE_PATCH, KubeCall, KubeReply

_NO_KIND = Kind("", "", "", "", namespaced=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose path has been understood."""

    cluster: Cluster
    call: KubeCall
    target: Target
    resource: Resource
    query: Mapping[str, str]
    now: Instant
    manager: str


def answer(cluster: Cluster, call: KubeCall, now: Instant, manager: str) -> KubeReply:
    """Do what one request asks for. Raises ``Refusal``."""
    target = target_of(call.path)
    if target.place in reviews.SUBJECT_REVIEWS and call.method == "POST":
        return KubeReply(status=201, body=reviews.subject_review(reviews.SUBJECT_REVIEWS[target.place], body_object(call.body)))
    resource = resource_of(cluster, target)
    return _handler(call, target, resource)(Asked(cluster, call, target, resource, dict(call.query), now, manager))


def target_of(path: str) -> Target:
    """The parsed path. Refuses with 404."""
    target = parse(path)
    if target is None:
        raise no_such_path()
    return target


def resource_of(cluster: Cluster, target: Target) -> Resource:
    """The resource that is served at a path. Refuses with 404, also when the path has a namespace too many or too few."""
    resource = cluster.resources.get(target.place)
    if resource is None and target.place[:2] not in {place[:2] for place in cluster.resources}:
        raise no_such_group()
    if resource is None or (bool(target.namespace) and not resource.kind.namespaced):
        raise no_such_path()
    if target.name and resource.kind.namespaced and not target.namespace:
        raise no_such_path()
    return resource


def _handler(call: KubeCall, target: Target, resource: Resource) -> Callable[[Asked], KubeReply]:
    if target.subresource == "token" and target.place == ("", "v1", "serviceaccounts"):
        verbs = _ON_TOKEN
    elif target.subresource == "status" and resource.status:
        verbs = _ON_STATUS
    elif target.subresource:
        raise no_such_path() if resource.native else not_found(resource.kind, target.name)
    else:
        verbs = _ON_OBJECT if target.name else _ON_COLLECTION
    handler = verbs.get(call.method)
    if handler is None:
        raise not_allowed(None if resource.native else resource.kind)
    return handler


# ---------------------------------------------------------------- verbs


def _get(asked: Asked) -> KubeReply:
    return KubeReply(status=200, body=get(asked.cluster, asked.resource, (asked.target.namespace, asked.target.name), asked.query))


def _list(asked: Asked) -> KubeReply:
    return KubeReply(
        status=200, body=list_body(asked.resource, read_page(asked.cluster, asked.resource, asked.target.namespace, asked.query))
    )


def _create(asked: Asked) -> KubeReply:
    if asked.resource.kind.namespaced and not asked.target.namespace:
        raise not_allowed()
    return _stored(201, asked.resource, write.create(_request(asked, "CreateOptions"), _decoded(asked)))


def _replace(asked: Asked) -> KubeReply:
    stored, created = write.replace(_request(asked, "UpdateOptions"), _decoded(asked))
    return _stored(201 if created else 200, asked.resource, stored)


def _patch(asked: Asked) -> KubeReply:
    if _media_type(asked.call) != MERGE_PATCH:
        raise unsupported_media((MERGE_PATCH,))
    request = _request(asked, "PatchOptions")
    stored = asked.cluster.table(asked.resource).get(request.key)
    if stored is None:
        raise not_found(asked.resource.kind, asked.target.name)
    patch = body_object(asked.call.body)
    return _stored(200, asked.resource, write.modify(request, stored, _patched(asked, stored, patch)))


def _delete(asked: Asked) -> KubeReply:
    options = _delete_options(asked)
    resource = asked.resource
    stored, gone = remove.delete(asked.cluster, resource, (asked.target.namespace, asked.target.name), options, asked.now)
    if gone and not resource.returns_deleted:
        return KubeReply(status=200, body=remove.deletion_status(resource.kind, stored))
    return _stored(202 if not gone and options.accepted_when_pending else 200, resource, stored)


def _delete_all(asked: Asked) -> KubeReply:
    resource, namespace = asked.resource, asked.target.namespace
    if resource.kind == NAMESPACE or (resource.kind.namespaced and not namespace):
        raise not_allowed()
    options = _delete_options(asked)
    page = read_page(asked.cluster, resource, namespace, asked.query)
    body = list_body(resource, page)
    for stored in page.items:
        remove.delete(asked.cluster, resource, stored.key, options, asked.now)
    return KubeReply(status=200, body=body)


def _token(asked: Asked) -> KubeReply:
    target = asked.target
    return KubeReply(status=201, body=reviews.token(asked.cluster, target.namespace, target.name, body_object(asked.call.body), asked.now))


_Verbs = Mapping[str, Callable[[Asked], KubeReply]]
_ON_OBJECT: _Verbs = {"GET": _get, "PUT": _replace, "PATCH": _patch, "DELETE": _delete}
_ON_STATUS: _Verbs = {"GET": _get, "PUT": _replace, "PATCH": _patch}
_ON_COLLECTION: _Verbs = {"GET": _list, "POST": _create, "DELETE": _delete_all}
_ON_TOKEN: _Verbs = {"POST": _token}

# ---------------------------------------------------------------- bodies


def _request(asked: Asked, options: str) -> write.Request:
    target = asked.target
    chosen = write_options(asked.query, asked.manager, options)
    return write.Request(asked.cluster, asked.resource, target.namespace, target.name, target.subresource, chosen, asked.now)


def _delete_options(asked: Asked) -> DeleteOptions:
    if asked.call.body and _media_type(asked.call) != JSON:
        raise unsupported_media((JSON,))
    return delete_options(asked.call.body, asked.query)


def _media_type(call: KubeCall) -> str:
    return call.content_type.partition(";")[0].strip()


def _decoded(asked: Asked) -> Doc:
    if _media_type(asked.call) != JSON:
        raise unsupported_media((JSON,))
    doc = document(asked.resource, body_object(asked.call.body, null={}))
    _refuse_strangers(asked, doc)
    try:
        return asked.resource.read(doc, None)
    except Mismatch as error:
        raise bad_request(str(error)) from None


def _refuse_strangers(asked: Asked, doc: Doc) -> None:
    """What ``fieldValidation=Strict`` asks for; otherwise unknown fields are dropped in silence (the real server adds a warning header)."""
    if asked.query.get("fieldValidation") == "Strict" and (unknown := asked.resource.strangers(doc)):
        named = ", ".join(f'unknown field "{path}"' for path in unknown)
        kind = asked.resource.kind
        raise bad_request(f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: strict decoding error: {named}')


def _patched(asked: Asked, stored: Stored, patch: Mapping[str, Any]) -> Doc:
    resource, kind = asked.resource, asked.resource.kind
    try:
        doc = document(resource, merge({"apiVersion": kind.api_version, "kind": kind.name, **stored.doc}, patch), patched=True)
        _refuse_strangers(asked, doc)
    except Refusal as refusal:
        raise invalid(_NO_KIND, "", [wrong("patch", "...", refusal.message)]) from None
    try:
        return resource.read(doc, stored.doc)
    except Mismatch as error:
        raise invalid(_NO_KIND, "", [wrong("patch", "...", str(error))]) from None


def _stored(status: int, resource: Resource, stored: Stored) -> KubeReply:
    return KubeReply(status=status, body=body_of(resource, stored))
