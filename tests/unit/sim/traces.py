"""Fixed sequences of requests for what generated ones do not reach: other kinds, odd paths, empties, sizes, pages, lists with keys."""

from __future__ import annotations

from typing import Any

from eso_core.sim.conformance import Step
from eso_core.wire import JSON, MERGE_PATCH

WIDGET = {"apiVersion": "conformance.example.com/v1", "kind": "Widget"}
MIB = "x" * 1024 * 1024


def step(method: str, path: str, body: Any = None, *, edit: dict[str, Any] | None = None, **query: str) -> Step:
    media = MERGE_PATCH if method == "PATCH" else JSON
    return Step(method=method, path=path, body=body, edit=edit, query=tuple(query.items()), content_type=media)


def named(name: str, **rest: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **rest}


def service_accounts(namespace: str) -> list[Step]:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    token = f"{path}/x/token"
    return [
        step("POST", path, named("x")),
        step("POST", token, {"spec": {"audiences": ["a"], "expirationSeconds": 700}}),
        step("POST", token, {"spec": {"audiences": ["a", "b"]}}),
        step("POST", token, {"spec": {"audiences": ["a"], "expirationSeconds": 5}}),
        step("POST", token, {"spec": {"audiences": ["a"], "expirationSeconds": "5"}}),
        step("POST", token, {"spec": {"audiences": "a"}}),
        step("POST", token),
        step("GET", token),
        step("POST", f"{path}/none/token", {"spec": {"audiences": ["a"]}}),
        step(
            "PATCH",
            f"{path}/x",
            {"secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "p"}, {"name": "q"}], "automountServiceAccountToken": False},
        ),
        step("DELETE", f"{path}/x"),
        step("GET", f"{path}/x"),
        step("POST", f"{path}/x", {}),
        step("PUT", path, {}),
    ]


def events(namespace: str) -> list[Step]:
    path = f"/api/v1/namespaces/{namespace}/events"
    event = {
        "involvedObject": {"kind": "Secret", "name": "s", "namespace": namespace, "apiVersion": "v1"},
        "reason": "R",
        "message": "m",
        "type": "Normal",
        "count": 1,
        "firstTimestamp": "2020-01-01T00:00:00Z",
        "lastTimestamp": "2020-01-01T00:00:00.5Z",
        "source": {"component": "c"},
    }
    return [
        step("POST", path, named("e", **event)),
        step("POST", path, {**event, "metadata": {"generateName": "e."}, "reportingComponent": "c"}),
        step("POST", path, {**named("f", **event), "involvedObject": {"namespace": "other"}}),
        step("PATCH", f"{path}/e", {"count": 2, "lastTimestamp": "2020-01-01T01:00:00+01:00"}),
        step("PUT", f"{path}/put", named("put", **event)),
        step("PUT", f"{path}/put", {**named("put", **event), "count": 4}),
        step("POST", path, named("least", involvedObject={"namespace": namespace})),
        step("GET", path, fieldSelector="involvedObject.name=s,reason=R"),
        step("GET", path, fieldSelector="source=c"),
        step("GET", path, fieldSelector="message=m"),
        step("POST", path, named("g", **event, eventTime="2020-01-01T00:00:00Z")),
        step("POST", path, {**named("h", **event), "firstTimestamp": "nonsense"}),
        step("DELETE", f"{path}/e"),
    ]


def leases(namespace: str) -> list[Step]:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    lease = f"{path}/l"
    spec = {"holderIdentity": "me", "leaseDurationSeconds": 15, "renewTime": "2020-01-01T00:00:00.000001Z", "leaseTransitions": 0}
    return [
        step("PUT", lease, named("l", spec={**spec, "renewTime": "2020-01-01T00:00:00Z"})),
        step("PUT", lease, named("l", spec=spec)),
        step("PUT", lease, named("l", spec={})),
        step("PUT", lease, named("l"), edit={"spec": {"holderIdentity": "you", "leaseTransitions": 1}}),
        step("PATCH", lease, {"spec": {"leaseDurationSeconds": 0}}),
        step("PATCH", lease, {"spec": {"holderIdentity": None}}),
        step("POST", path, {"metadata": {"name": "m", "finalizers": ["plain"]}}),
        step("POST", path, named("k", spec=None)),
        step("POST", path, named("z", spec={"leaseDurationSeconds": 1.5})),
        step("DELETE", lease),
        step("GET", path),
    ]


def namespaces(namespace: str) -> list[Step]:
    path = "/api/v1/namespaces"
    name = f"{namespace}-inner"
    inner = f"{path}/{name}/configmaps"
    return [
        step("POST", path, {"metadata": {"name": name, "labels": {"a": "b"}}}),
        step("POST", path, named(name)),
        step("POST", path, named("Bad")),
        step("PATCH", f"{path}/{name}", {"metadata": {"labels": {"c": "d"}}}),
        step("PATCH", f"{path}/{name}", {"metadata": {"labels": {"kubernetes.io/metadata.name": "other"}}}),
        step("PUT", f"{path}/{name}", {"metadata": {"name": name, "namespace": "q"}}),
        step("PUT", f"{path}/{name}", named(name, spec={"finalizers": []})),
        step("POST", inner, {"metadata": {"name": "a", "finalizers": ["x.io/y"]}}),
        step("DELETE", f"{path}/{name}", {"preconditions": {"uid": "no"}}),
        step("DELETE", f"{path}/{name}"),
        step("DELETE", f"{path}/{name}"),
        step("POST", inner, named("b")),
        step("POST", inner, {"metadata": {"generateName": "b"}}),
        step("PATCH", f"{inner}/a", {"data": {"x": "y"}}),
        step("PATCH", f"{path}/{name}", {"metadata": {"labels": {"e": "d"}}}),
        step("DELETE", f"{inner}/a"),
        step("GET", f"{inner}/a"),
        step("PATCH", f"{inner}/a", {"metadata": {"finalizers": ["x.io/y", "x.io/z"]}}),
        step("PATCH", f"{inner}/a", {"metadata": {"finalizers": None}}),
        step("GET", f"{inner}/a"),
        step("POST", f"{path}/nowhere/configmaps", named("b")),
        step("POST", f"{path}/nowhere/secrets", named("b", data=1)),
        step("GET", f"{path}/nowhere/configmaps"),
        step("DELETE", f"{path}/default"),
        step("DELETE", f"{path}/nowhere"),
        step("GET", f"{path}/{name}/status"),
        step("DELETE", path),
    ]


def paths(namespace: str) -> list[Step]:
    config_maps = f"/api/v1/namespaces/{namespace}/configmaps"
    widgets = f"/apis/conformance.example.com/v1/namespaces/{namespace}/widgets"
    return [
        step("GET", "/api/v1/nothing"),
        step("GET", "/api/v1/namespaces/x/nothing"),
        step("GET", "/apis/apps.example/v1/things"),
        step("GET", f"/apis/conformance.example.com/v2/namespaces/{namespace}/widgets"),
        step("GET", f"{config_maps}/a/status"),
        step("GET", f"{config_maps}/a/b/c"),
        step("GET", "/api/v1/secrets/x"),
        step("POST", "/api/v1/configmaps", named("x")),
        step("DELETE", "/api/v1/configmaps"),
        step("PATCH", config_maps, {}),
        step("PUT", f"{config_maps}/{'a' * 300}", named("a" * 300)),
        step("POST", config_maps, named("a" * 254)),
        step("POST", config_maps, named("a" * 253)),
        step("POST", config_maps, named("UP")),
        step("POST", config_maps, {"metadata": {"generateName": "UP"}}),
        step("GET", f"{widgets}/x/scale"),
        step("POST", f"{widgets}/x/status", {}),
        step("DELETE", f"{widgets}/x/status"),
        step("POST", config_maps, named("fm"), fieldManager="x" * 129),
        step("POST", config_maps, named("fm"), fieldManager="a\nb"),
        step("POST", config_maps, named("fm"), dryRun="x"),
        step("POST", config_maps, named("fm"), fieldValidation="x"),
        step("POST", config_maps, named("fm", unknown=1), fieldValidation="Strict"),
        step("POST", config_maps, {"metadata": {"name": "fm", "unknown": 1}}, fieldValidation="Strict"),
        step("POST", widgets, {**WIDGET, **named("w", spec={"free": {"any": 1}})}, fieldValidation="Strict"),
        step("POST", widgets, {**WIDGET, **named("v", spec={"unknown": 1})}, fieldValidation="Strict"),
        step("PATCH", f"{widgets}/w", {"spec": {"unknown": 1}}, fieldValidation="Strict"),
    ]


def empties(namespace: str) -> list[Step]:
    """Empty maps and lists are left out, nulls in maps become empty values, and none of it changes an object."""
    config_maps, secrets = (f"/api/v1/namespaces/{namespace}/{plural}" for plural in ("configmaps", "secrets"))
    bare = {"name": "a", "labels": {}, "annotations": {}, "finalizers": [], "ownerReferences": []}
    return [
        step("POST", config_maps, {"metadata": bare, "data": {}, "binaryData": {}, "immutable": False}),
        step("PATCH", f"{config_maps}/a", {"data": {}}),
        step("PUT", f"{config_maps}/a", {"metadata": bare, "data": {"k": None}}),
        step("PATCH", f"{config_maps}/a", {"data": {"k": None}}),
        step("POST", secrets, {"metadata": bare, "data": {}, "stringData": {}, "type": ""}),
        step("PUT", f"{secrets}/a", {"metadata": bare, "data": {"k": None, "l": ""}, "stringData": {"m": None}}),
        step("PATCH", f"{secrets}/a", {"stringData": {"k": None, "n": "x"}}),
        step("PATCH", f"{secrets}/a", {"data": None}),
    ]


def sizes(namespace: str) -> list[Step]:
    config_maps, secrets = (f"/api/v1/namespaces/{namespace}/{plural}" for plural in ("configmaps", "secrets"))
    return [
        step("POST", config_maps, named("full", data={"k": MIB})),
        step("POST", config_maps, named("over", data={"k": MIB, "l": "x"})),
        step("POST", secrets, named("full", stringData={"k": MIB})),
        step("POST", secrets, named("over", stringData={"k": MIB, "l": "x"})),
        step("POST", secrets, named("huge", stringData={"k": MIB * 4})),
        step("POST", config_maps, {"metadata": {"name": "notes", "annotations": {"a": "x" * 300_000}}}),
    ]


def pages(namespace: str) -> list[Step]:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    future = "99999999"
    selectors = [
        "i in (0,1),i!=0", "i in ()", "i in (0", "i>0", "i gt 0", "i>x", "i=,j!=1", ",", "i,", "-x=1", "i=-x", " i = 1 , !zz",
    ]  # fmt: skip
    fields = [f"metadata.name=p1,metadata.namespace={namespace}", "metadata.name==p1", "metadata.name", "metadata.name!=p1,"]
    return [
        *(step("POST", path, {"metadata": {"name": f"p{number}", "labels": {"i": str(number % 2)}}}) for number in range(7)),
        *(step("GET", path, limit=limit) for limit in ("3", "7", "0", "-1", "")),
        step("GET", path, limit="3", labelSelector="i=1"),
        step("GET", path, resourceVersion=future),
        step("GET", path, resourceVersion=future, resourceVersionMatch="Exact"),
        step("GET", path, resourceVersion="x"),
        step("GET", path, resourceVersion="0", limit="2"),
        step("GET", path, resourceVersion="0", limit="2", resourceVersionMatch="NotOlderThan"),
        step("GET", f"{path}/p1", resourceVersion=future),
        step("GET", f"{path}/p1", resourceVersion="0"),
        step("GET", f"{path}/p1", resourceVersion="x"),
        step("GET", path, resourceVersionMatch="NotOlderThan"),
        step("GET", path, resourceVersion="0", resourceVersionMatch="zz"),
        step("GET", path, sendInitialEvents="true"),
        *(step("GET", path, labelSelector=selector) for selector in selectors),
        *(step("GET", path, fieldSelector=selector) for selector in fields),
        step("DELETE", path, labelSelector="i=0", limit="2"),
        step("GET", path),
    ]


def keyed_lists(namespace: str) -> list[Step]:
    path = f"/apis/conformance.example.com/v1/namespaces/{namespace}/widgets"
    widget = f"{path}/a"
    start = {"parts": [{"name": "p", "n": 1}, {"name": "q"}], "set": ["x"], "free": {"l": [1, 2], "m": {"z": None}}}
    changes: list[Any] = [
        {"parts": [{"name": "q", "n": 2}, {"name": "p", "n": 1}], "set": ["y"], "free": {"l": [1], "m": {"q": {"r": 1}}}},
        {"parts": [], "set": [], "free": {"m": None}},
        *({"free": {"l": value}} for value in ({"x": 1}, [1], 1, True, 1.0, 1, 1e30, "text", {})),
        None,
    ]
    return [
        step("POST", path, {**WIDGET, **named("a", spec=start)}),
        *(step("PATCH", widget, {"spec": change}, fieldManager=f"m{number}") for number, change in enumerate(changes)),
        step("PATCH", f"{widget}/status", {"status": {"phase": "x"}}),
        step("PATCH", f"{widget}/status", {"status": None}),
        step("PATCH", f"{widget}/status", {"status": {"conditions": [{"type": 1}]}}),
        step("PATCH", f"{widget}/status", {"metadata": {"labels": {"x": "y"}, "finalizers": ["a/b"]}}),
        step("PATCH", f"{widget}/status", {"metadata": {"name": "b"}}),
        step("PATCH", f"{widget}/status", {"metadata": {"uid": "b"}}),
        step("PATCH", f"{widget}/status", {"metadata": {"resourceVersion": "1"}}),
    ]


TRACES = (service_accounts, events, leases, namespaces, paths, empties, sizes, pages, keyed_lists)
