"""How actions are spelled to the API server, and what its answers mean. Pure functions."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, assert_never

import msgspec
import orjson

from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Stale, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.machines.shallow import MALFORMED
from eso_core.plan import (
    CreateTarget,
    DeleteTarget,
    Desired,
    Done,
    MarkTarget,
    NotDone,
    Outcome,
    SecretBody,
    SetFinalizers,
    SetStatus,
    UpdateTarget,
    Version,
)
from eso_core.refs import Ref, collection_path
from eso_core.wire import MERGE_PATCH, CallFailed, KubeCall, KubeReply

MANAGER = "external-secrets"  # field manager of everything but targets, as the reference's binary name

Applicable = CreateTarget | UpdateTarget | MarkTarget | DeleteTarget | SetFinalizers | SetStatus


class _Status(msgspec.Struct):
    message: str = ""
    reason: str = ""


_VALUE = re.compile(r'((?:Invalid|Unsupported|Duplicate) value: )(?:"(?:[^"\\]|\\.)*(?:"|\Z)|[^":][^:]*)', re.DOTALL)
_status = msgspec.json.Decoder(_Status)


def call_of(action: Applicable) -> KubeCall:
    """The request that carries out ``action``."""
    match action:
        case CreateTarget(desired, manager):
            path = collection_path(desired.ref.kind, desired.ref.namespace)
            return KubeCall(method="POST", path=path, query=(("fieldManager", manager),), body=_dump(manifest_of(desired, None)))
        case UpdateTarget(desired, manager, at):
            return KubeCall(method="PUT", path=desired.ref.path, query=(("fieldManager", manager),), body=_dump(manifest_of(desired, at)))
        case MarkTarget(ref, manager, at):
            return _patch(ref, "", at, marks_of(action), manager)
        case DeleteTarget(ref, at):
            preconditions = {"uid": at.uid, "resourceVersion": at.resource_version}
            body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions, "propagationPolicy": "Background"}
            return KubeCall(method="DELETE", path=ref.path, body=_dump(body))
        case SetFinalizers(ref, at, finalizers):
            return _patch(ref, "", at, {"metadata": {"finalizers": list(finalizers)}})
        case SetStatus(ref, at, status):
            return _patch(ref, "/status", at, {"status": dict(status)})
        case _:
            assert_never(action)


def manifest_of(desired: Desired, at: Version | None) -> dict[str, Any]:
    """The object as sent: Secret data in base64, empty metadata left out."""
    ref = desired.ref
    metadata: dict[str, Any] = {"name": ref.name, "namespace": ref.namespace}
    if at is not None:
        metadata |= {"uid": at.uid, "resourceVersion": at.resource_version}
    for name, value in (("labels", desired.labels), ("annotations", desired.annotations)):
        if value:
            metadata[name] = dict(value)
    if desired.owners:
        metadata["ownerReferences"] = [dict(owner) for owner in desired.owners]
    if desired.finalizers:
        metadata["finalizers"] = list(desired.finalizers)
    head: dict[str, Any] = {"apiVersion": ref.kind.api_version, "kind": ref.kind.name, "metadata": metadata}
    body = desired.body
    if not isinstance(body, SecretBody):
        return head | dict(body.fields)
    head["data"] = {key: base64.b64encode(value.reveal()).decode() for key, value in body.data.items()}
    if body.kind:
        head["type"] = body.kind
    if body.immutable is not None:
        head["immutable"] = body.immutable
    return head


def marks_of(action: MarkTarget) -> dict[str, Any]:
    """The merge patch of a :class:`MarkTarget`, preconditions apart."""
    metadata: dict[str, Any] = {}
    for name, value in (("labels", action.labels), ("annotations", action.annotations)):
        if value:
            metadata[name] = dict(value)
    if action.owners is not None:
        metadata["ownerReferences"] = [dict(owner) for owner in action.owners]
    if action.finalizers is not None:
        metadata["finalizers"] = list(action.finalizers)
    return {"metadata": metadata, **({"immutable": action.immutable} if action.immutable is not None else {})}


def outcome_of(action: Applicable, reply: KubeReply | CallFailed) -> Outcome:
    """What the answer says about ``action``."""
    if isinstance(reply, CallFailed):
        return NotDone(reply.failure)
    if reply.status < 300:
        return Done(b"" if isinstance(action, DeleteTarget) else reply.body)
    if isinstance(action, DeleteTarget) and reply.status == 404:
        return Done()
    failure = failure_of(reply)
    gone = isinstance(action, UpdateTarget | MarkTarget) and isinstance(failure, Missing)
    return NotDone(Stale(failure.what) if gone else failure)


def failure_of(reply: KubeReply) -> Failure:
    """A refusal of the API server, sorted by who must act. Its message names objects and fields; values are taken out."""
    try:
        status = _status.decode(reply.body)
    except MALFORMED:
        status = _Status()
    what = _without_values(status.message)[:500] or f"the API server answered with status {reply.status}"
    match reply.status:
        case 409:
            return Stale(what)
        case 404:
            return Missing(what)
        case 400 | 413 | 415 | 422:
            return InvalidSpec(what)
        case 401 | 403:
            return Refused(what)
        case 429:
            return Throttled(what, reply.retry_after_s * SECOND)
        case code if code >= 500:
            return Unreachable(what)
        case _:
            return Broken(what)


def _without_values(message: str) -> str:
    """Each field's value hidden: a template may have made it of a secret (``field.Error``: ``Invalid value: "x": why``)."""
    return _VALUE.sub(r"\1***", message)


def _patch(ref: Ref, subresource: str, at: Version, change: Mapping[str, Any], manager: str = MANAGER) -> KubeCall:
    metadata = {"uid": at.uid, "resourceVersion": at.resource_version, **change.get("metadata", {})}
    return KubeCall(
        method="PATCH",
        path=ref.path + subresource,
        query=(("fieldManager", manager),),
        body=_dump({**change, "metadata": metadata}),
        content_type=MERGE_PATCH,
    )


def _dump(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps(value)
