"""Generated requests to an API server: about objects that mostly exist, with bodies that are mostly valid.

Shared by the laws of the in-memory server and by its comparison with a real one. Names, values and manager names come from small sets,
so that requests meet: the same key twice, a value that is there already, a field that another manager owns.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from eso_core.api.crd import crds
from eso_core.sim.conformance import Step, Symbol
from eso_core.sim.custom import from_definition
from eso_core.wire import JSON, MERGE_PATCH

STEPS_MAX = 14

# A kind with everything a schema can say about the ownership of fields.
WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.conformance.example.com"},
    "spec": {
        "group": "conformance.example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "required": ["spec"],
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer", "default": 3},
                                    "color": {"type": "string", "enum": ["red", "blue"]},
                                    "port": {"x-kubernetes-int-or-string": True},
                                    "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
                                    "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                                    "parts": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name"],
                                        "items": {
                                            "type": "object",
                                            "required": ["name"],
                                            "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
                                        },
                                    },
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                    "map": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "whole": {
                                        "type": "object",
                                        "x-kubernetes-map-type": "atomic",
                                        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                                    },
                                    "nothing": {"type": "string", "nullable": True},
                                },
                            },
                            "status": {
                                "type": "object",
                                "properties": {
                                    "phase": {"type": "string"},
                                    "count": {"type": "integer"},
                                    "conditions": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "required": ["type"],
                                            "properties": {"type": {"type": "string"}, "status": {"type": "string"}},
                                        },
                                    },
                                },
                            },
                        },
                    }
                },
            }
        ],
    },
}

DEFINITIONS = (WIDGETS, *crds())
RESOURCES = [resource for definition in DEFINITIONS for resource in from_definition(definition)]
ROOTS = {
    "secrets": "/api/v1",
    "configmaps": "/api/v1",
    "externalsecrets": "/apis/external-secrets.io/v1",
    "widgets": "/apis/conformance.example.com/v1",
}
HEADS = {
    "secrets": {"apiVersion": "v1", "kind": "Secret"},
    "configmaps": {"apiVersion": "v1", "kind": "ConfigMap"},
    "externalsecrets": {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret"},
    "widgets": {"apiVersion": "conformance.example.com/v1", "kind": "Widget"},
}

# ---------------------------------------------------------------- parts of objects

names = st.sampled_from(["a", "b"])
managers = st.sampled_from([(), (), (("fieldManager", "m1"),), (("fieldManager", "m2"),)])
base64s = st.sampled_from(["", "dg==", "dw==", "eHl6", "YWJj"])
odd_values = st.sampled_from([None, 1, True, "not base64", ["x"], {"y": "z"}, "dx=="])
texts = st.sampled_from(["", "v", "w", "long text é"])
label_maps = st.dictionaries(st.sampled_from(["app", "example.com/tier", "x"]), st.sampled_from(["", "one", "two"]), max_size=2)
odd_label_maps = st.sampled_from([{"-bad": "x"}, {"app": "not valid!"}, {"a/b/c": "x"}, {"app": None}, {"app": 1}, {}, None, []])
annotation_maps = st.dictionaries(st.sampled_from(["note", "example.com/Note"]), texts, max_size=2)
finalizer_lists = st.sampled_from([["example.com/f"], ["example.com/f", "example.com/g"], ["example.com/g"], ["plain"], [], ["bad name"]])
odd_meta = st.sampled_from(
    [
        {"generation": 7},
        {"creationTimestamp": "2001-01-01T00:00:00Z"},
        {"creationTimestamp": None},
        {"deletionTimestamp": "2001-01-01T00:00:00Z"},
        {"selfLink": "/x"},
        {"unknown": 1},
        {"managedFields": []},
        {"managedFields": [{}]},
        {
            "managedFields": [
                {"manager": "m3", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}
            ]
        },
        {
            "managedFields": [
                {"manager": "m3", "operation": "Update", "apiVersion": "x/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:a": {}}}
            ]
        },
        {"managedFields": [{"manager": "m3"}]},
        {"namespace": "elsewhere"},
        {"name": "other"},
        {"labels": "x"},
        {"resourceVersion": "1"},
        {"resourceVersion": "abc"},
        {"resourceVersion": ""},
        {"uid": "11111111-1111-4111-8111-111111111111"},
        {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "o1"}]},
        {
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "o1", "controller": True, "blockOwnerDeletion": False},
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "o2"},
            ]
        },
        {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "o1"}] * 2},
        {"ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "o", "uid": "o1"}]},
        {"ownerReferences": [{"apiVersion": "v1", "name": "o", "uid": "o1"}]},
    ]
)


tame_metadata = st.fixed_dictionaries({}, optional={"labels": label_maps, "annotations": annotation_maps})


@st.composite
def metadata(draw: st.DrawFn) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if draw(st.booleans()):
        meta["labels"] = draw(label_maps if draw(st.integers(0, 7)) else odd_label_maps)
    if draw(st.booleans()):
        meta["annotations"] = draw(annotation_maps)
    if draw(st.integers(0, 4)) == 0:
        meta["finalizers"] = draw(finalizer_lists)
    if draw(st.integers(0, 9)) == 0:
        meta.update(draw(odd_meta))
    return meta


def data_map(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(["k", "l", "tls.crt", "username", "bad/key", ".."])
    common = st.dictionaries(st.sampled_from(["k", "l", "username"]), values, min_size=1, max_size=3)
    odd = st.one_of(st.dictionaries(keys, st.one_of(values, odd_values), min_size=1, max_size=2), st.sampled_from([None, "x", []]))
    return mostly(common, odd)


def mostly(common: st.SearchStrategy[Any], odd: st.SearchStrategy[Any], times: int = 8) -> st.SearchStrategy[Any]:
    """``odd`` once in so many times."""
    return st.integers(1, times).flatmap(lambda number: odd if number == times else common)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


contents: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "secrets": some(
        data=data_map(base64s),
        stringData=data_map(texts),
        type=mostly(st.sampled_from(["Opaque", ""]), st.sampled_from(["kubernetes.io/tls", "kubernetes.io/basic-auth", "custom", None, 1])),
        immutable=mostly(st.sampled_from([False, None]), st.just(True)),
        unknown=st.just(1),
    ),
    "configmaps": some(
        data=data_map(texts),
        binaryData=data_map(base64s),
        immutable=mostly(st.sampled_from([False, None]), st.sampled_from([True, "x"])),
        unknown=st.just({"a": 1}),
    ),
    "externalsecrets": some(
        spec=some(
            refreshInterval=mostly(st.sampled_from(["1h", "5m", None]), st.just(3)),
            secretStoreRef=some(
                name=st.sampled_from(["store", "other"]),
                kind=mostly(st.sampled_from(["SecretStore", "ClusterSecretStore"]), st.just("Odd")),
            ),
            target=some(
                name=st.sampled_from(["t", ""]),
                creationPolicy=mostly(st.sampled_from(["Owner", "Merge"]), st.just("Odd")),
                immutable=st.booleans(),
            ),
            data=st.lists(
                mostly(
                    st.fixed_dictionaries(
                        {
                            "secretKey": st.sampled_from(["k", "l"]),
                            "remoteRef": st.fixed_dictionaries({"key": st.sampled_from(["x", "y"])}, optional={"unknown": st.just(1)}),
                        }
                    ),
                    some(secretKey=st.just("k"), remoteRef=some(property=st.just("p"))),
                ),
                max_size=2,
            ),
            unknown=st.just(True),
        ),
        status=some(
            refreshTime=mostly(st.sampled_from(["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"]), st.just("nonsense")),
            syncedResourceVersion=st.sampled_from(["1-a", "1-b"]),
        ),
        unknown=st.just(1),
    ),
    "widgets": some(
        spec=mostly(
            some(
                size=mostly(st.sampled_from([1, 2, None]), st.sampled_from(["x", 1.0])),
                color=mostly(st.sampled_from(["red", "blue"]), st.just("green")),
                port=mostly(st.sampled_from([80, "http"]), st.just(1.5)),
                list=st.lists(some(a=texts, b=st.just(1)), max_size=2),
                set=mostly(st.sampled_from([[], ["x"], ["y", "x"], ["x", "y"]]), st.just(["x", "x"])),
                parts=mostly(
                    st.sampled_from([[], [{"name": "p"}], [{"name": "q", "n": 1}, {"name": "p", "n": 2}], [{"name": "p", "n": 3}]]),
                    st.sampled_from([[{"n": 1}], [{"name": "p"}, {"name": "p", "n": 1}], ["x"]]),
                ),
                free=some(a=st.integers(0, 1), b=st.just({"c": [1, {"d": None}]}), e=st.just({})),
                map=st.dictionaries(st.sampled_from(["x", "y"]), texts, max_size=2),
                whole=some(a=texts, b=texts),
                nothing=st.sampled_from([None, "some"]),
            ),
            st.sampled_from([None, "x", []]),
        ),
        status=some(
            phase=st.sampled_from(["one", "two", None]),
            count=st.integers(0, 2),
            conditions=st.lists(some(type=st.sampled_from(["Ready"]), status=st.sampled_from(["True", "False"])), max_size=1),
        ),
        unknown=st.just(1),
    ),
}

# Everything that makes a valid object of a kind, so that sequences get past their first create.
FULL: dict[str, dict[str, Any]] = {
    "secrets": {"data": {"k": "dg==", "l": ""}, "type": "Opaque"},
    "configmaps": {"data": {"k": "v"}},
    "externalsecrets": {"spec": {"secretStoreRef": {"name": "store"}, "data": [{"secretKey": "k", "remoteRef": {"key": "x"}}]}},
    "widgets": {"spec": {"color": "red", "set": ["x"], "parts": [{"name": "p", "n": 1}], "map": {"x": "v"}}},
}


def nulls(content: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Merge patches: content in which members may be taken away."""

    def with_nulls(value: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        keys = st.sampled_from(["data", "spec", "status", "immutable", "metadata"])
        return st.one_of(st.just(value), st.just(value), keys.map(lambda key: {**value, key: None}))

    return content.flatmap(with_nulls)


def heads(plural: str) -> st.SearchStrategy[dict[str, str]]:
    """Mostly the right one."""
    head = HEADS[plural]
    wrong = [{}, {"kind": head["kind"]}, {"apiVersion": head["apiVersion"]}, {**head, "kind": "Pod"}, {**head, "apiVersion": "x/v1"}]
    return st.integers(0, 9).flatmap(lambda odd: st.just(head) if odd else st.sampled_from(wrong))


raw_bodies = st.sampled_from(
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b"{}",
        b'"x"',
        b"[1]",
        b"{}{}",
        b" {} ",
        b'{"kind":"Secret","apiVersion":"v1","kind":"ConfigMap"}',
        b'{"metadata":null}',
        b'{"metadata":[]}',
        b'{"metadata":{"labels":{"app":"\xff"}}}',
        b'{"a":NaN}',
        b'{"preconditions":1}',
        b'{"preconditions":null}',
        b'{"preconditions":{"uid":1}}',
        b'{"dryRun":["All"]}',
        b'{"dryRun":["x"]}',
        b'{"kind":"Pod","apiVersion":"v1"}',
        b'{"kind":"DeleteOptions","apiVersion":"v1"}',
        b'{"kind":1}',
        b'{"kind":"Pod"}',
        b'{"kind":null}',
        b'{"apiVersion":"x/v1"}',
        b'{"apiVersion":"x/v1","kind":"Pod","metadata":{"labels":{"-":"x"}}}',
        b'{"apiVersion":[]}',
    ]
)


@st.composite
def sequences(draw: st.DrawFn, namespace: str, least: int = 1) -> list[Step]:
    """Steps about the objects of one kind, or of any; usually objects that exist."""
    plurals = draw(st.sampled_from([*([plural] for plural in ROOTS), list(ROOTS)]))
    start: list[Step] = []
    for plural in plurals:
        collection = f"{ROOTS[plural]}/namespaces/{namespace}/{plural}"
        for name in draw(st.sampled_from(["ab", "ab", "a"])):
            body = {**HEADS[plural], **FULL[plural], "metadata": {"name": name, **draw(tame_metadata)}}
            start.append(Step(method="POST", path=collection, body=body, query=draw(managers)))
    return start + draw(
        st.lists(st.sampled_from(plurals).flatmap(lambda plural: steps(namespace, plural)), min_size=least, max_size=STEPS_MAX)
    )


@st.composite
def steps(draw: st.DrawFn, namespace: str, plural: str) -> Step:
    collection = f"{ROOTS[plural]}/namespaces/{namespace}/{plural}"
    name = draw(names)
    path = f"{collection}/{name}"
    head = draw(heads(plural))
    verb = draw(
        st.sampled_from(
            [
                "create",
                "full",
                "edit",
                "edit",
                "put",
                "put",
                "patch",
                "patch",
                "patch",
                "status",
                "status",
                "get",
                "list",
                "delete all",
                "raw",
            ]
        )
    )
    query = draw(managers) + draw(st.sampled_from([(), (), (), (), (("dryRun", "All"),)]))
    if verb in ("create", "full"):
        content = FULL[plural] if verb == "full" else draw(contents[plural])
        meta = {"name": name, **draw(metadata())} if draw(st.integers(0, 9)) else {"generateName": "gen-"}
        return Step(method="POST", path=collection, body={**head, **content, "metadata": meta}, query=query)
    if verb == "edit":
        edit: dict[str, Any] = {**draw(nulls(contents[plural])), "metadata": draw(metadata())}
        if draw(st.integers(0, 3)) == 0:
            edit["metadata"]["resourceVersion"] = draw(st.sampled_from([None, Symbol("first_version", path)]))
        if draw(st.integers(0, 3)) == 0:
            edit["metadata"]["managedFields"] = None
        suffix = "/status" if plural in ("externalsecrets", "widgets") and draw(st.integers(0, 3)) == 0 else ""
        return Step(method="PUT", path=path + suffix, body={**HEADS[plural], "metadata": {"name": name}}, edit=edit, query=query)
    if verb == "put":
        versions = st.sampled_from([{}, {"resourceVersion": Symbol("version", path)}, {"uid": Symbol("uid", path)}])
        meta = {"name": name, **draw(metadata()), **draw(versions)}
        return Step(method="PUT", path=path, body={**head, **draw(contents[plural]), "metadata": meta}, query=query)
    if verb == "patch":
        meta = draw(metadata()) | draw(
            st.sampled_from([{}, {}, {"resourceVersion": Symbol("version", path)}, {"uid": Symbol("uid", path)}])
        )
        body = {**draw(nulls(contents[plural])), **({"metadata": meta} if meta else {})}
        return Step(method="PATCH", path=path, body=body, query=query, content_type=MERGE_PATCH)
    if verb == "status":
        body = {key: value for key, value in draw(contents[plural]).items() if key != "spec" or draw(st.booleans())}
        return Step(method="PATCH", path=f"{path}/status", body=body, query=query, content_type=MERGE_PATCH)
    if verb == "delete":
        preconditions = draw(
            st.sampled_from(
                [
                    None,
                    None,
                    {"preconditions": {"uid": Symbol("uid", path)}},
                    {"preconditions": {"resourceVersion": Symbol("version", path)}},
                    {"preconditions": {"resourceVersion": Symbol("first_version", path), "uid": Symbol("uid", path)}},
                    {"propagationPolicy": "Background"},
                    {"propagationPolicy": "Foreground"},
                    {"propagationPolicy": "Orphan"},
                    {"propagationPolicy": "Odd"},
                    {"orphanDependents": False},
                    {"preconditions": {"uid": "wrong"}},
                ]
            )
        )
        return Step(method="DELETE", path=path, body=preconditions, query=draw(st.sampled_from([(), (), (("dryRun", "All"),)])))
    if verb == "delete all":
        return Step(method="DELETE", path=collection, query=draw(st.sampled_from([(), (("labelSelector", "app"),), (("dryRun", "All"),)])))
    if verb == "raw":
        method, where = draw(st.sampled_from([("POST", collection), ("PUT", path), ("PATCH", path), ("DELETE", path)]))
        media = MERGE_PATCH if method == "PATCH" else JSON
        return Step(method=method, path=where, body=draw(raw_bodies), content_type=draw(st.sampled_from([media, media, "text/plain"])))
    if verb == "get":
        return Step(method="GET", path=path)
    return Step(method="GET", path=collection, query=draw(list_queries))


list_queries = st.sampled_from(
    [
        (),
        (("limit", "1"),),
        (("labelSelector", "app=one"),),
        (("labelSelector", "app"),),
        (("labelSelector", "!app"),),
        (("labelSelector", "app in (one,two),x!=one"),),
        (("labelSelector", "app notin (one, two)"),),
        (("labelSelector", "app=one=two"),),
        (("labelSelector", "example.com/tier=="),),
        (("fieldSelector", "metadata.name=a"),),
        (("fieldSelector", "metadata.name!=a"),),
        (("fieldSelector", "type=Opaque"),),
        (("fieldSelector", "spec.unknown=1"),),
        (("resourceVersion", "0"),),
        (("resourceVersionMatch", "Exact"),),
        (("resourceVersion", "0"), ("resourceVersionMatch", "Exact")),
        (("limit", "x"),),
        (("continue", "nonsense"),),
    ]
)
