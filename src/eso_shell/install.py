"""Manifests put into an API server in memory, as ``kubectl apply`` would; also those that were read from another cluster.

What another cluster's API server decided (versions, identities, times) does not hold in this one. It is left out, and what refers to it is
translated: owner references to new identities, and the generation in ``status.syncedResourceVersion``. An object that was in step with its
Secret there is so here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from eso_core.api.crd import Extra as Models
from eso_core.api.crd import crds
from eso_core.door import NO_EXTRA, Extra
from eso_core.instant import Now
from eso_core.refs import EXTERNAL_SECRET, Kind, Ref
from eso_core.sim.api import ApiServer
from eso_core.sim.natives import CUSTOM_RESOURCE_DEFINITION, NATIVES
from eso_core.wire import KubeReply
from eso_shell.manifests import Manifest

BODY_MAX = 3 * 1024 * 1024  # bytes of one object, as a real API server takes them
MANAGER = "kubectl"
_OF_THE_SERVER = ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink")
_OURS = (EXTERNAL_SECRET.group, f"generators.{EXTERNAL_SECRET.group}")


@dataclass(frozen=True, slots=True)
class Turned:
    """A manifest that was not taken. ``ignored``: its kind is not served here, and the operator has nothing to do with it."""

    name: str  # Kind namespace/name
    where: str
    message: str
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class _Taken:
    """A manifest that was taken as the object ``ref``."""

    ref: Ref
    content: Mapping[str, Any]
    meta: Mapping[str, Any]


def cluster(extra: Extra = NO_EXTRA) -> tuple[ApiServer, frozenset[Kind]]:
    """An API server with the operator's resource types, which know the providers of ``extra``, and the kinds that it serves."""
    server = ApiServer()
    own = [resource.kind for definition in crds(_models(extra)) for resource in server.install(definition)]
    return server, frozenset((*own, CUSTOM_RESOURCE_DEFINITION, *(resource.kind for resource in NATIVES)))


def _models(extra: Extra) -> Models:
    return {key: provider.model for key, provider in extra.by_key.items()}


def install(server: ApiServer, kinds: frozenset[Kind], manifests: Iterable[Manifest], namespace: str, now: Now) -> tuple[Turned, ...]:
    """Apply ``manifests`` in order, creating the namespaces they name. ``namespace`` is for objects that name none."""
    turned: list[Turned] = []
    taken: list[_Taken] = []
    for manifest in manifests:
        one = _take(server, kinds, manifest, namespace, now)
        if isinstance(one, Turned):
            turned.append(one)
        else:
            taken.append(one)
    _adopt(server, taken, now)
    return tuple(turned)


def _take(server: ApiServer, kinds: frozenset[Kind], manifest: Manifest, namespace: str, now: Now) -> _Taken | Turned:
    content = manifest.content
    meta = content.get("metadata")
    meta = dict(meta) if isinstance(meta, Mapping) else {}
    kind = _served(kinds, content)
    if isinstance(kind, Turned):
        return _told(kind, manifest, meta)
    fault = _unusable(meta)
    if fault:
        return _told(Turned("", "", fault), manifest, meta)
    if kind.namespaced:
        meta["namespace"] = meta.get("namespace") or namespace
        server.create_namespace(meta["namespace"], now.wall)
    ref = Ref(kind, meta["namespace"] if kind.namespaced else "", meta["name"])
    reply = _apply(server, content, meta, now)
    return _Taken(ref, content, meta) if reply.status < 300 else _told(Turned("", "", _message(reply)), manifest, meta)


def _told(why: Turned, manifest: Manifest, meta: Mapping[str, Any]) -> Turned:
    place = "/".join(str(meta[key]) for key in ("namespace", "name") if meta.get(key))
    return Turned(f"{manifest.content['kind']} {place}".rstrip(), manifest.where, why.message, why.ignored)


def _served(served: frozenset[Kind], content: Mapping[str, Any]) -> Kind | Turned:
    version, name = content["apiVersion"], content["kind"]
    kinds = [kind for kind in served if kind.name == name]
    found = next((kind for kind in kinds if kind.api_version == version), None)
    if found is not None:
        return found
    group = version.partition("/")[0] if "/" in version else ""
    other = next((kind for kind in kinds if kind.group == group), None)
    if other is not None:
        return Turned("", "", f"{version} is not served for this kind; {other.api_version} is")
    if group in _OURS:
        return Turned("", "", f"{version} {name} is not there in this version of the operator")
    return Turned("", "", f"{version} {name} is not served here", ignored=True)


def _unusable(meta: Mapping[str, Any]) -> str:
    """Why an API server could not even find the place of an object; ``""`` when it could."""
    for field in ("name", "namespace"):
        value = meta.get(field)
        if not isinstance(value, str | None) or (field == "name" and not value):
            return f"metadata.{field}: " + ("is required" if not value else "must be a text")
        if value and ("/" in value or "%" in value or value in (".", "..")):
            return f"metadata.{field}: may not be '.' or '..', or contain '/' or '%'"
    return ""


def _apply(server: ApiServer, content: Mapping[str, Any], meta: Mapping[str, Any], now: Now) -> KubeReply:
    portable = {key: value for key, value in meta.items() if key not in _OF_THE_SERVER}
    whole = {**content, "metadata": portable, **_status(content, meta)}
    if len(orjson.dumps(whole)) > BODY_MAX:
        return KubeReply(status=413, body=orjson.dumps({"message": f"Request entity too large: limit is {BODY_MAX}"}))
    return server.apply(whole, now.wall, MANAGER)


def _status(content: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    """The status with its generation translated: every object begins with generation 1 here."""
    status = content.get("status")
    if not isinstance(status, Mapping):
        return {}
    version, before = status.get("syncedResourceVersion"), f"{meta.get('generation')}-"
    if not isinstance(version, str) or not version.startswith(before):
        return {"status": status}
    return {"status": {**status, "syncedResourceVersion": "1-" + version.removeprefix(before)}}


def _adopt(server: ApiServer, taken: Iterable[_Taken], now: Now) -> None:
    """Let owner references name the identities that their owners have here."""
    taken = list(taken)
    identities = {old: found["metadata"]["uid"] for one in taken if (old := one.meta.get("uid")) and (found := server.read(one.ref))}
    for one in taken:
        owners = one.meta.get("ownerReferences") or ()
        if any(owner.get("uid") in identities for owner in owners):
            moved = [{**owner, "uid": identities.get(owner.get("uid"), owner.get("uid"))} for owner in owners]
            head = {key: one.content[key] for key in ("apiVersion", "kind")}
            namespace = {"namespace": one.ref.namespace} if one.ref.namespace else {}
            server.apply({**head, "metadata": {"name": one.ref.name, **namespace, "ownerReferences": moved}}, now.wall, MANAGER)


def _message(reply: KubeReply) -> str:
    status: dict[str, Any] = orjson.loads(reply.body)
    return str(status.get("message", f"status {reply.status}"))
