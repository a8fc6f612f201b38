"""Raw manifests that the API server admits, as JSON values.

Each function gives a strategy for one object of the API; larger ones are put together from smaller ones. ``optional`` members
may be absent, as users leave them out. Extend an object where it is built and every law over manifests covers the new field.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Json = Any
Made = st.SearchStrategy[dict[str, Json]]

LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"
KEY = LOWER + "ABCXYZ-._"

# ---------------------------------------------------------------- scalars


def texts(min_size: int = 0, max_size: int = 12) -> st.SearchStrategy[str]:
    """Any text that UTF-8 can hold."""
    return st.text(st.characters(codec="utf-8"), min_size=min_size, max_size=max_size)


def names() -> st.SearchStrategy[str]:
    """DNS labels, also fit as object names and namespaces."""
    return st.text(LOWER, min_size=1, max_size=8) | st.lists(st.text(LOWER, min_size=1, max_size=4), min_size=2, max_size=3).map("-".join)


def secret_keys() -> st.SearchStrategy[str]:
    """Keys of Secrets and ConfigMaps."""
    return st.text(KEY, min_size=1, max_size=10)


def times() -> st.SearchStrategy[str]:
    """RFC 3339 in seconds, UTC."""
    return st.datetimes().map(lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0"))


def string_maps(keys: st.SearchStrategy[str] = names()) -> st.SearchStrategy[dict[str, str]]:
    """Small maps of text."""
    return st.dictionaries(keys, texts(), max_size=3)


def base64_texts() -> st.SearchStrategy[str]:
    """What ``format: byte`` admits."""
    return st.binary(min_size=1, max_size=9).map(lambda raw: base64.b64encode(raw).decode())


def json_values(max_leaves: int = 12) -> st.SearchStrategy[Json]:
    """Any JSON value whose numbers are whole or not, but never whole written with a fraction."""
    fractions = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer())
    scalars = st.none() | st.booleans() | st.integers() | fractions | st.text(max_size=8)
    return st.recursive(
        scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=8), v, max_size=3), max_leaves=max_leaves
    )


def objects(required: dict[str, st.SearchStrategy[Json]], optional: dict[str, st.SearchStrategy[Json]] | None = None) -> Made:
    """Objects with the required members and any of the optional ones."""
    return st.fixed_dictionaries(required, optional=optional or {})


def one_of_members(members: dict[str, st.SearchStrategy[Json]]) -> Made:
    """Objects with exactly one of the members."""
    return st.one_of([objects({key: value}) for key, value in members.items()])


# ---------------------------------------------------------------- shared objects


def metadata(*, namespaced: bool = True) -> Made:
    """What a stored object's metadata holds."""
    owner = objects({"apiVersion": st.just("v1"), "kind": texts(1), "name": names(), "uid": names()}, {"controller": st.booleans()})
    return objects(
        {"name": names(), **({"namespace": names()} if namespaced else {})},
        {
            "uid": names(),
            "resourceVersion": st.integers(1, 10**6).map(str),
            "generation": st.integers(1, 100),
            "labels": string_maps(),
            "annotations": string_maps(),
            "finalizers": st.lists(names(), max_size=2),
            "ownerReferences": st.lists(owner, max_size=2),
            "creationTimestamp": times(),
            "deletionTimestamp": times(),
            "managedFields": st.lists(objects({"manager": names()}), max_size=1),
        },
    )


def secret_selectors() -> Made:
    return objects({}, {"name": names(), "key": secret_keys(), "namespace": names()})


def account_selectors() -> Made:
    return objects({"name": names()}, {"namespace": names(), "audiences": st.lists(texts(), max_size=2)})


def ca_providers() -> Made:
    return objects({"type": st.sampled_from(["Secret", "ConfigMap"]), "name": names()}, {"key": secret_keys(), "namespace": names()})


def store_refs() -> Made:
    return objects({}, {"name": names(), "kind": st.sampled_from(["SecretStore", "ClusterSecretStore"])})


def conditions(types: st.SearchStrategy[str]) -> Made:
    return objects(
        {"type": types, "status": st.sampled_from(["True", "False", "Unknown"])},
        {"reason": texts(), "message": texts(), "lastTransitionTime": times()},
    )


def _whole(kind: str, spec: Made, status: Made, *, namespaced: bool) -> Made:
    head = {"apiVersion": st.just("external-secrets.io/v1"), "kind": st.just(kind), "metadata": metadata(namespaced=namespaced)}
    return objects({**head, "spec": spec}, {"status": status})


# ---------------------------------------------------------------- ExternalSecret

CONVERSION = st.sampled_from(["Default", "Unicode"])
DECODING = st.sampled_from(["Auto", "Base64", "Base64URL", "None"])
NULL_BYTES = st.sampled_from(["Ignore", "Fail"])
GENERATORS = st.sampled_from(["Password", "UUID", "ClusterGenerator", "Fake", "MFA"])


def remote_refs(keys: st.SearchStrategy[str] = texts()) -> Made:
    return objects(
        {"key": keys},
        {
            "property": texts(),
            "version": texts(),
            "metadataPolicy": st.sampled_from(["None", "Fetch"]),
            "conversionStrategy": CONVERSION,
            "decodingStrategy": DECODING,
            "nullBytePolicy": NULL_BYTES,
        },
    )


def finds() -> Made:
    return objects(
        {},
        {
            "path": texts(),
            "name": objects({}, {"regexp": texts()}),
            "tags": string_maps(texts()),
            "conversionStrategy": CONVERSION,
            "decodingStrategy": DECODING,
            "nullBytePolicy": NULL_BYTES,
        },
    )


def generator_refs() -> Made:
    return objects({"kind": GENERATORS, "name": names()}, {"apiVersion": st.just("generators.external-secrets.io/v1alpha1")})


def source_refs() -> Made:
    return one_of_members({"storeRef": store_refs(), "generatorRef": generator_refs()})


def rewrites() -> Made:
    merge = objects(
        {},
        {
            "into": texts(),
            "conflictPolicy": st.sampled_from(["Ignore", "Error"]),
            "priority": st.lists(texts(), max_size=2),
            "priorityPolicy": st.sampled_from(["IgnoreNotFound", "Strict"]),
            "strategy": st.sampled_from(["Extract", "JSON"]),
        },
    )
    return one_of_members(
        {"merge": merge, "regexp": objects({"source": texts(), "target": texts()}), "transform": objects({"template": texts()})}
    )


def data_entries(keys: st.SearchStrategy[str] = texts()) -> Made:
    return objects({"secretKey": secret_keys(), "remoteRef": remote_refs(keys)}, {"sourceRef": source_refs()})


def data_from_entries(keys: st.SearchStrategy[str] = texts()) -> Made:
    """Entries that admission lets pass: one source each."""
    steps: dict[str, st.SearchStrategy[Json]] = {"rewrite": st.lists(rewrites(), max_size=2)}
    stored = {**steps, "sourceRef": objects({"storeRef": store_refs()})}
    return (
        objects({"extract": remote_refs(keys)}, stored)
        | objects({"find": finds()}, stored)
        | objects({"sourceRef": objects({"generatorRef": generator_refs()})}, steps)
    )


def template_sources() -> Made:
    item = objects({"key": secret_keys()}, {"templateAs": st.sampled_from(["Values", "KeysAndValues"])})
    return objects({"name": names(), "items": st.lists(item, max_size=2)})


def templates() -> Made:
    """Templates that admission lets pass."""
    part = objects(
        {},
        {
            "configMap": template_sources(),
            "secret": template_sources(),
            "literal": texts(),
            "target": st.sampled_from(["Data", "Annotations", "Labels", "data"]),
            "valuesDecodingStrategy": DECODING,
        },
    )
    meta = objects({}, {"annotations": string_maps(), "labels": string_maps(), "finalizers": st.lists(names(), max_size=2)})
    return objects(
        {},
        {
            "type": st.sampled_from(["", "Opaque", "kubernetes.io/tls"]),
            "engineVersion": st.sampled_from(("v2", "jinja2")),
            "mergePolicy": st.sampled_from(["Replace", "Merge"]),
            "metadata": meta,
            "data": string_maps(secret_keys()),
            "templateFrom": st.lists(part, max_size=2),
        },
    )


POLICIES = [
    {"creationPolicy": creation, "deletionPolicy": deletion}
    for creation in ("Owner", "Orphan", "Merge", "None", "CreateOrMerge")
    for deletion in ("Delete", "Merge", "Retain")
    if not (deletion == "Delete" and creation in ("Merge", "None", "CreateOrMerge")) and not (deletion == "Merge" and creation == "None")
]
"""The pairs that admission lets pass."""


def targets() -> Made:
    others = objects({}, {"name": names(), "immutable": st.booleans(), "template": templates()})
    pair = st.sampled_from([{}, *POLICIES])
    return st.builds(lambda policy, other: {**policy, **other}, pair, others)


def sync_windows() -> Made:
    schedule = st.sampled_from(["@daily", "@every 1h30m", "0 9 * * 1-5"])
    window = objects({"schedule": schedule, "duration": st.sampled_from(["1h", "30m"])})
    return objects({"kind": st.sampled_from(["allow", "deny"]), "windows": st.lists(window, min_size=1, max_size=2)})


def external_secret_specs(keys: st.SearchStrategy[str] = texts()) -> Made:
    """Specs with something to read and each secret key once."""
    data = st.lists(data_entries(keys), max_size=3, unique_by=lambda entry: entry["secretKey"])
    many = st.lists(data_from_entries(keys), max_size=2)
    some = st.tuples(data, many).filter(any).map(lambda pair: {"data": pair[0], "dataFrom": pair[1]})
    rest = objects(
        {},
        {
            "secretStoreRef": store_refs(),
            "target": targets(),
            "refreshPolicy": st.sampled_from(["CreatedOnce", "Periodic", "OnChange"]),
            "refreshInterval": st.sampled_from(["0", "1h", "1h0m0s", "90s"]),
            "syncWindows": sync_windows(),
        },
    )
    return st.builds(lambda sources, others: {**others, **sources}, some, rest)


def external_secret_statuses() -> Made:
    return objects(
        {},
        {
            "refreshTime": times(),
            "syncedResourceVersion": texts(),
            "conditions": st.lists(conditions(st.sampled_from(["Ready", "Deleted"])), max_size=2),
            "binding": objects({}, {"name": texts()}),
        },
    )


def external_secrets(spec: Made = external_secret_specs()) -> Made:
    """Whole ExternalSecrets, as stored."""
    return _whole("ExternalSecret", spec, external_secret_statuses(), namespaced=True)


# ---------------------------------------------------------------- stores


def fake_entries() -> Made:
    return objects({"key": texts(), "value": texts()}, {"version": texts()})


def fake_providers(data: st.SearchStrategy[list[Json]] = st.lists(fake_entries(), max_size=3)) -> Made:
    return objects({"data": data}, {"validationResult": st.integers(0, 2)})


def kubernetes_providers() -> Made:
    server = objects({}, {"url": texts(), "caBundle": base64_texts(), "caProvider": ca_providers()})
    auth = one_of_members(
        {
            "cert": objects({"clientCert": secret_selectors(), "clientKey": secret_selectors()}),
            "token": objects({"bearerToken": secret_selectors()}),
            "serviceAccount": account_selectors(),
        }
    )
    return objects({}, {"server": server, "auth": auth, "authRef": secret_selectors(), "remoteNamespace": names()})


def vault_providers() -> Made:
    auth = one_of_members(
        {
            "tokenSecretRef": secret_selectors(),
            "appRole": objects({"secretRef": secret_selectors()}, {"path": texts(), "roleId": texts()}),
            "kubernetes": objects({"role": texts()}, {"mountPath": texts(), "serviceAccountRef": account_selectors()}),
        }
    )
    return objects(
        {"server": texts()},
        {"path": texts(), "version": st.sampled_from(["v1", "v2"]), "namespace": texts(), "auth": auth, "headers": string_maps()},
    )


def aws_providers() -> Made:
    services = st.sampled_from(["SecretsManager", "ParameterStore", "CertificateManager"])
    static = objects({}, {"accessKeyIDSecretRef": secret_selectors(), "secretAccessKeySecretRef": secret_selectors()})
    return objects(
        {"service": services, "region": texts()},
        {"auth": objects({}, {"secretRef": static}), "role": texts(), "externalID": texts(), "prefix": texts()},
    )


def untyped_providers() -> Made:
    """A provider this package may not know the type of."""
    return objects({"passworddepot": st.just({"host": "h", "database": "d", "auth": {"secretRef": {"credentials": {"key": "k"}}}})})


PROVIDERS: dict[str, Callable[[], Made]] = {
    "aws": aws_providers,
    "fake": fake_providers,
    "kubernetes": kubernetes_providers,
    "vault": vault_providers,
}


def providers() -> Made:
    return st.one_of([objects({key: make()}) for key, make in PROVIDERS.items()]) | untyped_providers()


def store_specs(provider: Made = providers()) -> Made:
    selector = objects({}, {"matchLabels": string_maps()})
    condition = objects(
        {}, {"namespaceSelector": selector, "namespaces": st.lists(names(), max_size=2), "namespaceRegexes": st.lists(texts(), max_size=2)}
    )
    return objects(
        {"provider": provider},
        {
            "controller": texts(),
            "retrySettings": objects({}, {"maxRetries": st.integers(0, 9), "retryInterval": st.just("10s")}),
            "refreshInterval": st.integers(0, 3600) | st.just("5m"),
            "conditions": st.lists(condition, max_size=2),
        },
    )


def store_statuses() -> Made:
    capabilities = st.sampled_from(["ReadOnly", "WriteOnly", "ReadWrite"])
    return objects({}, {"capabilities": capabilities, "conditions": st.lists(conditions(texts()), max_size=1)})


def stores(spec: Made = store_specs()) -> Made:
    """Whole SecretStores and ClusterSecretStores, as stored."""
    namespaced = _whole("SecretStore", spec, store_statuses(), namespaced=True)
    return namespaced | _whole("ClusterSecretStore", spec, store_statuses(), namespaced=False)


def manifests() -> Made:
    """Any object of this package."""
    return external_secrets() | stores()


# ---------------------------------------------------------------- damage


@st.composite
def damaged(draw: st.DrawFn, whole: Made, wrong: st.SearchStrategy[Json] = json_values()) -> dict[str, Json]:
    """A manifest of which one value below ``spec`` or ``status`` became another JSON value or vanished."""
    manifest = draw(whole)
    paths = [path for part in ("spec", "status") if part in manifest for path in _paths(manifest[part], (part,))]
    path = draw(st.sampled_from(paths))
    return _with(manifest, path, draw(wrong))


def _paths(value: Json, at: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, item in inner for path in _paths(item, (*at, key)))]


def _with(value: Json, path: tuple[str | int, ...], new: Json) -> Json:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], new)
    return copy
