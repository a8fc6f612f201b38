"""The kinds that are compiled into the API server, as far as an operator for secrets meets them."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson

from eso_core import refs
from eso_core.refs import Kind
from eso_core.sim import names
from eso_core.sim.ownership import same
from eso_core.sim.resource import Doc, Resource, closed, nothing_wrong, typed
from eso_core.sim.shape import ANY, STRING, Shape, decode, leaf, list_of, map_of, strangers, struct
from eso_core.sim.status import Cause, required, ruled_out, too_long, wrong

LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)
CUSTOM_RESOURCE_DEFINITION = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False)

DATA_MAX = 1024 * 1024  # bytes of all decoded values of a Secret or ConfigMap
_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_TOKEN_TYPE = "kubernetes.io/service-account-token"
_KEPT = "field is immutable when `immutable` is set"
_BYTES = leaf("bytes")


def _native(kind: Kind, members: Mapping[str, Shape], **rest: Any) -> Resource:
    shape = closed(members)
    read = rest.pop("read", None) or typed(shape, kind)
    rules: Callable[[Doc, Doc | None], list[Cause]] = rest.pop("check", nothing_wrong)
    check = rules if kind.group else partial(_check_core, rules)
    decoded = rest.pop("decoded", shape)
    return Resource(kind=kind, shape=shape, read=read, strangers=partial(strangers, decoded), blank=decode(shape, {}), check=check, **rest)


def _check_core(rules: Callable[[Doc, Doc | None], list[Cause]], doc: Doc, old: Doc | None) -> list[Cause]:
    """The core group has one rule more about metadata: finalizers are standard ones or have a domain."""
    finalizers = enumerate(doc["metadata"].get("finalizers", ()))
    bare = [(index, name) for index, name in finalizers if "/" not in name and name not in _STANDARD_FINALIZERS]
    why = "name is neither a standard finalizer name nor is it fully qualified"
    return rules(doc, old) + [wrong(f"metadata.finalizers[{index}]", name, why) for index, name in bare]


# ---------------------------------------------------------------- Secrets

_SECRET_FIELDS = {"data": map_of(_BYTES), "type": STRING, "immutable": leaf("bool", "null")}
_SECRET_INPUT = closed({**_SECRET_FIELDS, "stringData": map_of(STRING)})
_secret_members = typed(_SECRET_INPUT, refs.SECRET)


def _read_secret(doc: Doc, known: Doc | None) -> Doc:
    """``stringData`` is folded into ``data``, and the type filled in, whenever a Secret is decoded."""
    out: Doc = _secret_members(doc, known)
    texts = out.pop("stringData", None)
    if texts:
        folded = {key: _base64(text) for key, text in texts.items()}
        out["data"] = {**out.get("data", {}), **folded}
    out.setdefault("type", "Opaque")
    return out


def _base64(text: str) -> str:
    return binascii.b2a_base64(text.encode("utf-8", "surrogatepass"), newline=False).decode()


def _check_secret(doc: Doc, old: Doc | None) -> list[Cause]:
    out: list[Cause] = []
    if old is not None:
        if doc["type"] != old["type"]:
            out.append(wrong("type", doc["type"], "field is immutable"))
        out += _check_immutable(doc, old, ("data",))
    data: dict[str, str] = doc.get("data", {})
    if old is not None and data is old.get("data") and doc["type"] == old["type"] != _TOKEN_TYPE:
        return out  # the very same data was checked before
    out += [wrong(f"data[{key}]", key, text) for key in data for text in names.data_key(key)]
    if _size(data) > DATA_MAX:
        out.append(too_long("data", DATA_MAX))
    rule = _SECRET_TYPES.get(doc["type"])
    return out + (rule(doc, data) if rule else [])


def _check_immutable(doc: Doc, old: Doc, bags: tuple[str, ...]) -> list[Cause]:
    if old.get("immutable") is not True:
        return []
    out = [] if doc.get("immutable") is True else [ruled_out("immutable", _KEPT)]
    return out + [ruled_out(bag, _KEPT) for bag in bags if not same(doc.get(bag), old.get(bag))]


def _size(data: Mapping[str, str]) -> int:
    """Decoded bytes of base64 values in their canonical spelling."""
    return sum(len(value) // 4 * 3 - value.count("=", -2) for value in data.values())


def _token(doc: Doc, data: Mapping[str, str]) -> list[Cause]:
    key = "kubernetes.io/service-account.name"
    return [] if doc["metadata"].get("annotations", {}).get(key) else [required(f"metadata.annotations[{key}]")]


def _docker(key: str, doc: Doc, data: Mapping[str, str]) -> list[Cause]:
    if key not in data:
        return [required(f"data[{key}]")]
    try:
        fine = type(orjson.loads(binascii.a2b_base64(data[key]))) in (dict, type(None))
    except orjson.JSONDecodeError:
        fine = False
    return [] if fine else [wrong(f"data[{key}]", "<secret contents redacted>", "is not a JSON object")]


def _basic(doc: Doc, data: Mapping[str, str]) -> list[Cause]:
    return [] if "username" in data or "password" in data else [required("data[username]"), required("data[password]")]


def _ssh(doc: Doc, data: Mapping[str, str]) -> list[Cause]:
    return [] if data.get("ssh-privatekey") else [required("data[ssh-privatekey]")]


def _tls(doc: Doc, data: Mapping[str, str]) -> list[Cause]:
    return [required(f"data[{key}]") for key in ("tls.crt", "tls.key") if key not in data]


_SECRET_TYPES: Mapping[str, Callable[[Doc, Mapping[str, str]], list[Cause]]] = {
    _TOKEN_TYPE: _token,
    "kubernetes.io/dockercfg": partial(_docker, ".dockercfg"),
    "kubernetes.io/dockerconfigjson": partial(_docker, ".dockerconfigjson"),
    "kubernetes.io/basic-auth": _basic,
    "kubernetes.io/ssh-auth": _ssh,
    "kubernetes.io/tls": _tls,
}


def _secret_fields(doc: Doc) -> Mapping[str, str]:
    meta = doc["metadata"]
    return {"metadata.name": meta["name"], "metadata.namespace": meta.get("namespace", ""), "type": doc["type"]}


SECRET = _native(
    refs.SECRET,
    _SECRET_FIELDS,
    read=_read_secret,
    decoded=_SECRET_INPUT,
    check=_check_secret,
    fields=_secret_fields,
    fields_known=frozenset({"metadata.name", "metadata.namespace", "type"}),
)

# ---------------------------------------------------------------- ConfigMaps


def _check_config_map(doc: Doc, old: Doc | None) -> list[Cause]:
    out = _check_immutable(doc, old, ("data", "binaryData")) if old is not None else []
    texts: dict[str, str] = doc.get("data", {})
    blobs: dict[str, str] = doc.get("binaryData", {})
    for bag, keys in (("data", texts), ("binaryData", blobs)):
        out += [wrong(f"{bag}[{key}]", key, text) for key in keys for text in names.data_key(key)]
    out += [wrong(f"data[{key}]", key, "duplicate of key present in binaryData") for key in texts if key in blobs]
    if sum(len(value.encode("utf-8", "surrogatepass")) for value in texts.values()) + _size(blobs) > DATA_MAX:
        out.append(too_long("[]", DATA_MAX))
    return out


CONFIG_MAP = _native(
    refs.CONFIG_MAP,
    {"data": map_of(STRING), "binaryData": map_of(_BYTES), "immutable": leaf("bool", "null")},
    check=_check_config_map,
)

# ---------------------------------------------------------------- Namespaces and accounts

_NAME_LABEL = "kubernetes.io/metadata.name"


_NAMESPACE_FIELDS = {
    "spec": struct({"finalizers": list_of(STRING)}, omit="never"),
    "status": struct({"phase": STRING, "conditions": list_of(ANY)}, omit="never"),
}


_namespace_members = typed(closed(_NAMESPACE_FIELDS), refs.NAMESPACE)


def _read_namespace(doc: Doc, known: Doc | None) -> Doc:
    """A namespace says its own name in a label."""
    out: Doc = _namespace_members(doc, known)
    meta = out["metadata"]
    if name := meta.get("name"):
        out["metadata"] = {**meta, "labels": {**meta.get("labels", {}), _NAME_LABEL: name}}
    return out


def _prepare_namespace(doc: Doc, old: Doc | None) -> Doc:
    """A namespace starts Active, with the finalizer of the namespace controller."""
    if old is not None:
        return {**doc, "spec": old["spec"], "status": old["status"]}
    meta = doc["metadata"]
    labels = {**meta.get("labels", {}), _NAME_LABEL: meta["name"]}  # a generated name was not known when the document was read
    finalizers = doc["spec"].get("finalizers", [])
    kept = finalizers if "kubernetes" in finalizers else [*finalizers, "kubernetes"]
    return {**doc, "metadata": {**meta, "labels": labels}, "spec": {"finalizers": kept}, "status": {"phase": "Active"}}


NAMESPACE = _native(
    refs.NAMESPACE,
    _NAMESPACE_FIELDS,
    read=_read_namespace,
    prepare=_prepare_namespace,
    name_rule=names.label,
    fields=lambda doc: {"metadata.name": doc["metadata"]["name"], "status.phase": doc["status"].get("phase", "")},
    fields_known=frozenset({"metadata.name", "status.phase"}),
    status=True,
    returns_deleted=True,
)

_REFERENCE = dict.fromkeys(("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"), STRING)
SERVICE_ACCOUNT = _native(
    refs.SERVICE_ACCOUNT,
    {
        "secrets": list_of(struct(_REFERENCE, atomic=True, omit="never"), keys=("name",)),
        "imagePullSecrets": list_of(struct({"name": STRING}, atomic=True, omit="never"), keys=("name",)),
        "automountServiceAccountToken": leaf("bool", "null"),
    },
    returns_deleted=True,
)

# ---------------------------------------------------------------- Events and Leases

_TIME, _MICRO_TIME = leaf("time", "never"), leaf("microtime", "never")
_EVENT_FIELDS = {
    "involvedObject": struct(_REFERENCE, atomic=True, omit="never"),
    "reason": STRING,
    "message": STRING,
    "source": struct({"component": STRING, "host": STRING}, omit="never"),
    "firstTimestamp": _TIME,
    "lastTimestamp": _TIME,
    "count": leaf("int"),
    "type": STRING,
    "eventTime": _MICRO_TIME,
    "series": struct({"count": leaf("int"), "lastObservedTime": _MICRO_TIME}, omit="null"),
    "action": STRING,
    "related": struct(_REFERENCE, atomic=True, omit="null"),
    "reportingComponent": leaf("string", "never"),
    "reportingInstance": leaf("string", "never"),
}


def _check_event(doc: Doc, old: Doc | None) -> list[Cause]:
    namespace = doc["involvedObject"].get("namespace", "")
    if (namespace or "default") != doc["metadata"].get("namespace", ""):
        return [wrong("involvedObject.namespace", namespace, "does not match event.namespace")]
    return []


def _event_fields(doc: Doc) -> Mapping[str, str]:
    about = {f"involvedObject.{key}": doc["involvedObject"].get(key, "") for key in _REFERENCE}
    source = doc["source"].get("component", "") or doc["reportingComponent"]
    own = {"reason": doc.get("reason", ""), "type": doc.get("type", ""), "reportingComponent": doc["reportingComponent"], "source": source}
    return {"metadata.name": doc["metadata"]["name"], "metadata.namespace": doc["metadata"]["namespace"], **about, **own}


EVENT = _native(
    refs.EVENT,
    _EVENT_FIELDS,
    check=_check_event,
    fields=_event_fields,
    fields_known=frozenset(
        {
            "metadata.name",
            "metadata.namespace",
            "reason",
            "type",
            "reportingComponent",
            "source",
            *(f"involvedObject.{key}" for key in _REFERENCE),
        }
    ),
    name_rule=names.path_segment,
    create_on_update=True,
)

_LEASE_SPEC = {
    "holderIdentity": leaf("string", "null"),
    "leaseDurationSeconds": leaf("int", "null"),
    "acquireTime": leaf("microtime", "null"),
    "renewTime": leaf("microtime", "null"),
    "leaseTransitions": leaf("int", "null"),
}


def _check_lease(doc: Doc, old: Doc | None) -> list[Cause]:
    spec = doc["spec"]
    out: list[Cause] = []
    if (seconds := spec.get("leaseDurationSeconds")) is not None and seconds <= 0:
        out.append(wrong("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    if spec.get("leaseTransitions", 0) < 0:
        out.append(wrong("spec.leaseTransitions", spec["leaseTransitions"], "must be greater than or equal to 0"))
    return out


LEASE_RESOURCE = _native(LEASE, {"spec": struct(_LEASE_SPEC, omit="never")}, check=_check_lease, create_on_update=True, blind_update=False)

NATIVES: tuple[Resource, ...] = (SECRET, CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT, EVENT, LEASE_RESOURCE)
