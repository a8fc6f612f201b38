"""A deterministic Kubernetes API server in memory: requests in, replies out, no time, no randomness, no I/O.

Guarantees
    * A request is atomic; replies depend on the requests before it and on ``now`` alone.
    * Resource versions are one counter for all resources; each write that changes something takes the next number.
    * :meth:`ApiServer.handle` answers every input; malformed ones with a ``Status`` error.
    * Statuses, reasons and bodies are those of a real kube-apiserver for the kinds of ``natives.py`` and for custom resources, as far as
      ``tests/e2e/test_conformance.py`` compares them.

Caveats
    * No authentication, authorization, admission plugins (but NamespaceLifecycle), conversion between versions, CEL rules, strategic merge
      patch, JSON patch, server-side apply, warning headers, aggregated discovery, tables or protobuf.
    * The garbage collector and the namespace controller run when they are called.
    * Bodies are nested 100 levels deep at most, not 10,000.
    * Nothing is ever late: a resource version from the future is refused at once where the real server waits 3 seconds first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from eso_core.instant import Instant
from eso_core.refs import Kind, Ref, collection_path
from eso_core.sim import remove
from eso_core.sim.cluster import Cluster
from eso_core.sim.custom import CHECKED, Structural, from_definition, schemaless
from eso_core.sim.handlers import answer, resource_of, target_of
from eso_core.sim.natives import CUSTOM_RESOURCE_DEFINITION
from eso_core.sim.read import body_of
from eso_core.sim.resource import Resource
from eso_core.sim.status import Refusal
from eso_core.sim.watch import Watch, open_watch
from eso_core.wire import JSON, MERGE_PATCH, KubeCall, KubeReply

MANAGER = "eso"
VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")
_EPOCH = Instant(0)
_PLAIN = {
    "/version": orjson.dumps({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "platform": "linux/amd64"}),
    "/readyz": b"ok",
    "/livez": b"ok",
    "/healthz": b"ok",
}


class ApiServer:
    """A machine with one owner. ``history``: changes kept for each resource to watch from; ``resources``: served beside the native ones."""

    __slots__ = ("_cluster", "_definitions")

    def __init__(self, *, history: int = 10_000, resources: Iterable[Resource] = ()) -> None:
        self._cluster = Cluster(history, resources)
        self._definitions = schemaless(CUSTOM_RESOURCE_DEFINITION)
        self._cluster.serve(self._definitions)
        self.create_namespace("default")

    def copy(self) -> ApiServer:
        """A server that goes its own way from here, without subscribers: cheaper than one that is filled anew. Open watches stay here."""
        other = ApiServer.__new__(ApiServer)
        other._cluster, other._definitions = self._cluster.copy(), self._definitions
        return other

    # ------------------------------------------------------------ requests

    def handle(self, call: KubeCall, now: Instant, manager: str = MANAGER) -> KubeReply:
        """Answer one request that is not a watch. ``manager`` owns the fields when the query names no ``fieldManager``."""
        try:
            if call.method == "GET" and (plain := _PLAIN.get(call.path)):
                return KubeReply(status=200, body=plain)
            if call.method == "GET" and (served := self._served(call.path)):
                return KubeReply(status=200, body=served)
            return answer(self._cluster, call, now, manager)
        except Refusal as refusal:
            return _refused(refusal)

    def _served(self, root: str) -> bytes:
        """The APIResourceList of ``/api/v1`` or ``/apis/<group>/<version>``; ``b""`` when there is no such version."""
        if root.count("/") > 3:
            return b""
        kinds = [resource.kind for resource in self._cluster.resources.values() if resource.kind.root == root]
        listed = [{"name": kind.plural, "namespaced": kind.namespaced, "kind": kind.name, "verbs": VERBS} for kind in kinds]
        head = {"kind": "APIResourceList", "apiVersion": "v1"}
        return orjson.dumps({**head, "groupVersion": kinds[0].api_version, "resources": listed}) if kinds else b""

    def watch(self, call: KubeCall) -> Watch | KubeReply:
        """Open a watch: a GET of a collection, or of one object, with ``watch=1``."""
        try:
            target = target_of(call.path)
            resource = resource_of(self._cluster, target)
            query = dict(call.query)
            if target.name:
                query["fieldSelector"] = f"metadata.name={target.name}"
            return open_watch(self._cluster, resource, target.namespace, query)
        except Refusal as refusal:
            return _refused(refusal)

    # ------------------------------------------------------------ the world around it

    def install(self, definition: Mapping[str, Any], rules: Structural = CHECKED, now: Instant = _EPOCH) -> tuple[Resource, ...]:
        """Serve the kinds of a CustomResourceDefinition, and store it. Give the resources to other servers to save the work."""
        resources = from_definition(definition, rules)
        for resource in resources:
            self._cluster.serve(resource)
        self.apply(definition, now)
        return resources

    def serve(self, kind: Kind, *, status: bool = True) -> None:
        """Serve a kind without a schema, as a custom resource."""
        self._cluster.serve(schemaless(kind, status=status))

    def create_namespace(self, name: str, now: Instant = _EPOCH) -> KubeReply:
        """POST a Namespace."""
        body = orjson.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return self.handle(KubeCall(method="POST", path="/api/v1/namespaces", body=body), now)

    def apply(self, manifest: Mapping[str, Any], now: Instant, manager: str = MANAGER) -> KubeReply:
        """Create the object of a manifest, or merge the manifest into the one that is there; status included."""
        kind = self._kind(manifest)
        namespace = manifest["metadata"].get("namespace", "default") if kind.namespaced else ""
        path = Ref(kind, namespace, manifest["metadata"]["name"]).path
        body = orjson.dumps(manifest)
        reply = self.handle(KubeCall(method="PATCH", path=path, body=body, content_type=MERGE_PATCH), now, manager)
        if reply.status == 404:
            reply = self.handle(KubeCall(method="POST", path=collection_path(kind, namespace), body=body, content_type=JSON), now, manager)
        resource = self._cluster.resources[kind.group, kind.version, kind.plural]
        if "status" in manifest and reply.status < 300 and resource.status and resource.generation:
            status = orjson.dumps({"status": manifest["status"]})
            return self.handle(KubeCall(method="PATCH", path=f"{path}/status", body=status, content_type=MERGE_PATCH), now, manager)
        return reply

    def _kind(self, manifest: Mapping[str, Any]) -> Kind:
        for resource in self._cluster.resources.values():
            if resource.kind.api_version == manifest["apiVersion"] and resource.kind.name == manifest["kind"]:
                return resource.kind
        raise LookupError(f"{manifest['apiVersion']} {manifest['kind']} is not served")

    def kind_of(self, plural: str, group: str = "") -> Kind:
        """The kind that is served as ``plural`` in ``group``."""
        kinds = (resource.kind for resource in self._cluster.resources.values())
        return next(kind for kind in kinds if (kind.group, kind.plural) == (group, plural))

    def read(self, ref: Ref) -> dict[str, Any] | None:
        """One object as a mapping of its own, or ``None``."""
        resource = self._cluster.resources[ref.kind.group, ref.kind.version, ref.kind.plural]
        stored = self._cluster.table(resource).get((ref.namespace, ref.name))
        return None if stored is None else orjson.loads(body_of(resource, stored))

    def objects(self, kind: Kind, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a kind, in the order of a list."""
        resource = self._cluster.resources[kind.group, kind.version, kind.plural]
        return [orjson.loads(body_of(resource, stored)) for stored in self._cluster.table(resource).select(namespace)]

    @property
    def version(self) -> int:
        """The present resource version."""
        return self._cluster.rv

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after every write, inside of the request that wrote, until the returned function is called."""
        return self._cluster.subscribe(callback)

    def compact(self) -> None:
        """Forget the past: from now on no watch and no list can start before the present version. Open watches go on."""
        self._cluster.compact()

    def collect_garbage(self, now: Instant) -> int:
        """Run the garbage collector to its end; returns the number of writes."""
        return remove.collect_garbage(self._cluster, now)

    def finish_namespaces(self, now: Instant) -> int:
        """Run one round of the namespace controller; returns the number of writes."""
        return remove.finish_namespaces(self._cluster, now)


def _refused(refusal: Refusal) -> KubeReply:
    details = refusal.details or {}
    return KubeReply(status=refusal.code, body=refusal.body(), retry_after_s=details.get("retryAfterSeconds", 0))
