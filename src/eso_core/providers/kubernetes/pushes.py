"""Pushing to Secrets of an API server: one property, all keys in one property, or the whole Secret.

Labels and annotations of the pushed Secret go with it, as ``metadata`` says:

=======================  ==========================================================================
``sourceMergePolicy``    ``Merge`` (the default): ``labels`` and ``annotations`` of the metadata win
                         over the Secret's; ``Replace``: they alone are pushed
``targetMergePolicy``    ``Merge`` (the default): what the remote Secret has besides is kept;
                         ``Replace``: it is not; ``Ignore``: the remote Secret's are left alone
``remoteNamespace``      another namespace than the store's; of a ClusterSecretStore alone
=======================  ==========================================================================

An update names the version that was read, so that it never undoes what somebody else wrote in between.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final, Literal

import msgspec
import orjson
from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.types import Model, Strings
from eso_core.door import Absent, Access, Delete, Done, Exists, Failed, Push, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing
from eso_core.providers._push import push_metadata, push_value
from eso_core.providers.kubernetes.connection import Line, ask, bad_name, line_of
from eso_core.providers.kubernetes.store import NAMESPACE, Store, path_of

OPAQUE: Final = "Opaque"


class Metadata(Model):
    """``PushSecret.spec.data[].metadata.spec``."""

    target_merge_policy: Literal["", "Merge", "Replace", "Ignore"] = ""
    source_merge_policy: Literal["", "Merge", "Replace"] = ""
    labels: Strings = {}
    annotations: Strings = {}
    remote_namespace: str = ""


class _Named(msgspec.Struct):
    name: str
    resource_version: str = msgspec.field(name="resourceVersion")
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Held(msgspec.Struct):
    """What has to be right about a Secret before it is changed."""

    metadata: _Named
    kind: Literal["Secret"]
    type: str = OPAQUE
    data: dict[str, bytes] | None = None


class _Gone(msgspec.Struct):
    kind: Literal["Status", "Secret"]


# ---------------------------------------------------------------- commands


def push(access: Access, session: Session, command: Push) -> Talk[Done | Failed]:
    """Create the Secret, or change what differs."""
    store: Store = access.spec
    line, refused = line_of(access, store.connection), bad_name(command.key) or _unfit(command)
    if isinstance(line, InvalidSpec) or refused is not None:
        return Failed(line if isinstance(line, InvalidSpec) else refused or Broken("unfit"))
    prepared = _prepared(store, command)
    if isinstance(prepared, Wrong):
        failed: Failed = prepared.failure()
        return failed
    metadata, data = prepared.unwrap()
    namespace = metadata.remote_namespace or store.namespace
    held = yield from _read(line, namespace, command.key)
    match held:
        case Absent():
            made = _desired({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": command.key}}, command, metadata, data)
            return (yield from _write(line, "POST", path_of(namespace), "CreateSecret", made, command.key))
        case dict():
            wanted = _desired(deepcopy(held), command, metadata, data)
            if _same(held, wanted):
                return Done(changed=False)
            return (yield from _write(line, "PUT", path_of(namespace, command.key), "UpdateSecret", wanted, command.key))
        case _:
            return Failed(held)


def _unfit(command: Push) -> InvalidSpec | None:
    missing = command.secret_key and not command.property
    return InvalidSpec("requires property in RemoteRef to push secret value if secret key is defined") if missing else None


def _prepared(store: Store, command: Push) -> Result[tuple[Metadata, dict[str, bytes]], Failed]:
    """The metadata, and the keys to set; all keys there are where no property is named."""
    metadata = _metadata(store, command)
    if isinstance(metadata, Wrong):
        return metadata
    if not command.property:
        return Success((metadata.unwrap(), {key: value.reveal() for key, value in command.source.data.items()}))
    return push_value(command).map(lambda value: (metadata.unwrap(), {command.property: value.reveal()}))


def _metadata(store: Store, command: Push | Delete | Exists) -> Result[Metadata, Failed]:
    metadata, path = push_metadata(command, Metadata), "metadata.spec.remoteNamespace"
    namespace = metadata.unwrap().remote_namespace if isinstance(metadata, Success) else ""
    if namespace and not NAMESPACE.fullmatch(namespace):
        return Wrong(Failed(InvalidSpec("is not the name of a namespace", path)))
    if namespace and not store.cluster:
        return Wrong(Failed(InvalidSpec("remoteNamespace override is only supported with ClusterSecretStore", path)))
    return metadata


def _place(access: Access, command: Delete | Exists) -> Result[tuple[Line, str], Failed]:
    """The connection, and the namespace that was pushed to."""
    store: Store = access.spec
    line, refused, metadata = line_of(access, store.connection), bad_name(command.key), _metadata(store, command)
    if isinstance(line, InvalidSpec) or refused is not None:
        return Wrong(Failed(line if isinstance(line, InvalidSpec) else refused or Broken("unfit")))
    return metadata.map(lambda read: (line, read.remote_namespace or store.namespace))


def _desired(secret: dict[str, Any], command: Push, metadata: Metadata, data: Mapping[str, bytes]) -> dict[str, Any]:
    """``secret`` with the values, the type, labels and annotations. It is changed in place."""
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    secret["data"] = {**(secret.get("data") or {}), **encoded} if command.property else encoded
    secret["type"] = command.source.type or OPAQUE
    source = command.source
    for name, own, added in (("labels", source.labels, metadata.labels), ("annotations", source.annotations, metadata.annotations)):
        given = dict(added) if metadata.source_merge_policy == "Replace" else {**own, **added}
        remote = secret["metadata"].get(name) or {}
        match metadata.target_merge_policy:
            case "Ignore":
                given = remote
            case "Replace":
                pass
            case _:
                given = {**remote, **given}
        secret["metadata"][name] = given
    return secret


def _same(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Equal in what a push writes; nothing is as good as empty."""
    parts = [((held["metadata"]).get(name) or {}, wanted["metadata"].get(name) or {}) for name in ("labels", "annotations")]
    parts += [(held.get("data") or {}, wanted.get("data") or {}), (held.get("type") or OPAQUE, wanted["type"])]
    return all(one == other for one, other in parts)


def delete(access: Access, session: Session, command: Delete) -> Talk[Done | Failed]:
    """The Secret, or a property of it; with its last property the Secret goes, too."""
    place = _place(access, command)
    if isinstance(place, Wrong):
        failed: Failed = place.failure()
        return failed
    line, namespace = place.unwrap()
    path = path_of(namespace, command.key)
    if not command.property:
        return (yield from _remove(line, path, {}))
    held = yield from _read(line, namespace, command.key)
    if not isinstance(held, dict):
        return Done(changed=False) if isinstance(held, Absent) else Failed(held)
    data = held.get("data") or {}
    if command.property not in data:
        return Done(changed=False)
    if len(data) > 1:
        rest = {**held, "data": {key: value for key, value in data.items() if key != command.property}}
        return (yield from _write(line, "PUT", path, "UpdateSecret", rest, command.key))
    return (yield from _remove(line, path, {"resourceVersion": held["metadata"]["resourceVersion"]}))


def exists(access: Access, session: Session, command: Exists) -> Talk[bool | Failed]:
    """Whether there is the Secret, and the property in it."""
    place = _place(access, command)
    if isinstance(place, Wrong):
        failed: Failed = place.failure()
        return failed
    line, namespace = place.unwrap()
    held = yield from _read(line, namespace, command.key)
    if isinstance(held, dict):
        return not command.property or command.property in (held.get("data") or {})
    return False if isinstance(held, Absent) else Failed(held)


# ---------------------------------------------------------------- calls


def _read(line: Line, namespace: str, name: str) -> Talk[dict[str, Any] | Absent | Failure]:
    """The Secret with all its fields."""
    outcome = yield from ask(line.call("GET", path_of(namespace, name), "GetSecret"), msgspec.Raw)
    if not isinstance(outcome, msgspec.Raw):
        return outcome
    return _whole(bytes(outcome), name) or Broken(f"{path_of(namespace, name)}: the answer is not that Secret")


def _whole(raw: bytes, name: str) -> dict[str, Any] | None:
    try:
        held = msgspec.json.decode(raw, type=_Held)
        whole: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return whole if held.metadata.name == name and held.metadata.resource_version else None


def _write(line: Line, method: str, path: str, call: str, secret: Mapping[str, Any], name: str) -> Talk[Done | Failed]:
    try:
        body = orjson.dumps(secret)
    except orjson.JSONEncodeError:
        return Failed(Broken("the pushed Secret is no JSON"))
    outcome = yield from ask(line.call(method, path, call, body), _Held)
    if isinstance(outcome, _Held):
        return Done(changed=True) if outcome.metadata.name == name else Failed(Broken(f"{path}: the answer is not that Secret"))
    return Failed(Missing(f"{path}: the Secret is gone") if isinstance(outcome, Absent) else outcome)


def _remove(line: Line, path: str, preconditions: Mapping[str, str]) -> Talk[Done | Failed]:
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
    body = orjson.dumps(options) if preconditions else b""
    outcome = yield from ask(line.call("DELETE", path, "DeleteSecret", body), _Gone)
    if isinstance(outcome, _Gone):
        return Done(changed=True)
    return Done(changed=False) if isinstance(outcome, Absent) else Failed(outcome)
