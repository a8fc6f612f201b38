"""What the core decides about: values, answers, targets, stores, worlds, outcomes.

Extend a strategy here and every law over it covers the new case. Values are marked with :data:`CANARY` on request, so that a test can look
for them wherever text is made.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from hypothesis import strategies as st
from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core.api import ExternalSecret, parse_external_secret
from eso_core.compat.hash import data_hash, field_owner, owner_label
from eso_core.door import Absent, Answer, Blob, Entries, Failed, Find, Found, Get, Payload, Query
from eso_core.effect import Gone, Present, Readable, Seen, Unreadable, Whole, World
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Stale, Throttled, Unreachable
from eso_core.instant import HOUR, SECOND, Instant
from eso_core.plan import Done, NotDone, Outcome
from eso_core.refs import NAMESPACE, SECRET, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.decode import Decoded
from eso_core.stages.due import version_of
from eso_core.stages.needs import NAMESPACE_AGE_S, store_refs
from eso_core.stages.reconcile import Observed
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL, OWNER_LABEL, TargetSeen, digest, see_target
from tests.property.strategies import api as made
from tests.unit.core.objects import NAME, NS, at, es_manifest, es_of, owner, raw, store_manifest

Json = Any
CANARY = b"C4n4ryVa1ue"
REMOTE = ("alpha", "beta", "gamma")  # keys at the backend
KEYS = ("a", "b", "c.d", "e/f")  # names inside of a remote secret


def weighted(*options: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of the strategies, about as often as its weight says; shrinks towards the first."""
    chosen = [index for index, (weight, _) in enumerate(options) for _ in range(weight)]
    return st.sampled_from(chosen).flatmap(lambda index: options[index][1])


# ---------------------------------------------------------------- values and answers


def values(mark: bytes = b"") -> st.SearchStrategy[bytes]:
    """Values of remote secrets: bytes, text, JSON, base64, with null bytes. Each holds ``mark``."""
    plain = st.binary(max_size=6).map(lambda value: mark + value)
    json_text = st.dictionaries(st.sampled_from(KEYS), plain.map(_text), max_size=3).map(
        lambda v: json.dumps(v or {"a": mark.decode()}).encode()
    )
    nested = json_text.map(lambda text: b'{"a":' + text + b',"list":[1,true,null,' + text + b"]}")
    encoded = plain.map(base64.b64encode)
    return st.one_of(plain, json_text, nested, encoded, plain.map(lambda value: b"\0" + value), json_text.map(lambda text: text + b"}"))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def payloads(mark: bytes = b"") -> st.SearchStrategy[Payload]:
    one = values(mark).map(SecretBytes)
    return one.map(Blob) | st.dictionaries(st.sampled_from((*KEYS, "", "é", "x" * 300)), one, max_size=3).map(Entries)


@cache
def failures() -> st.SearchStrategy[Failure]:
    """Every kind of failure."""
    what = st.sampled_from(["x", "a longer reason: because"])
    plain = st.sampled_from([Refused, Missing, Unreachable, Stale, Broken, InvalidSpec])
    return st.one_of(
        st.builds(lambda kind, text: kind(text), plain, what),
        st.builds(InvalidSpec, what, st.sampled_from(["", "spec.data[0]"])),
        st.builds(Throttled, what, st.integers(0, 100 * SECOND)),
        st.builds(Refused, what, st.booleans()),
    )


def answers(mark: bytes = b"") -> st.SearchStrategy[Answer]:
    """Every kind of answer; mostly found ones, since one failure decides a whole pass."""
    found = payloads(mark).map(Found)
    return weighted((10, found), (1, st.just(Absent())), (1, failures().map(Failed)))


def backends(mark: bytes = b"") -> st.SearchStrategy[dict[Query, Answer]]:
    """What a backend answers: one answer for each key of :data:`REMOTE`, one for every find (under ``Find()``)."""
    found = st.dictionaries(st.sampled_from(KEYS), values(mark).map(SecretBytes), max_size=3).map(lambda v: Found(Entries(v)))
    finds = weighted((6, found), (1, st.just(Absent())), (1, failures().map(Failed)))
    return st.tuples(finds, *(answers(mark) for _ in REMOTE)).map(
        lambda made: {Find(): made[0], **{Get(key=k): a for k, a in zip(REMOTE, made[1:], strict=True)}}
    )


def answer_of(backend: dict[Query, Answer], query: Query) -> Answer:
    """How a backend answers a question: versions and metadata do not matter to it."""
    return backend[Get(key=query.key)] if isinstance(query, Get) else backend[Find()]


def outcomes() -> st.SearchStrategy[Outcome]:
    """How a write ends."""
    return weighted((2, st.just(Done())), (1, failures().map(NotDone)))


# ---------------------------------------------------------------- ExternalSecrets


def external_secrets() -> st.SearchStrategy[ExternalSecret]:
    """Anything that admission lets pass, parsed."""
    keys = st.sampled_from(REMOTE)
    return made.external_secrets(made.external_secret_specs(keys)).map(lambda manifest: parse_external_secret(manifest).unwrap())


def syncables(target: st.SearchStrategy[dict[str, Json]] | None = None) -> made.Made:
    """ExternalSecrets ``team/app`` over the one store ``st``, without what is not built yet; as a user applies them."""
    keys = st.sampled_from(REMOTE)
    ref = made.objects({"key": keys}, {"property": st.sampled_from(["a", "list.0", "nope"]), "decodingStrategy": made.DECODING})
    many = made.objects(
        {"key": keys}, {"conversionStrategy": made.CONVERSION, "decodingStrategy": made.DECODING, "nullBytePolicy": made.NULL_BYTES}
    )
    rewrite = made.objects(
        {"regexp": st.sampled_from([{"source": "/", "target": "_"}, {"source": "^", "target": "p-"}, {"source": ".", "target": "x"}])}
    )
    steps = {"rewrite": st.lists(rewrite, max_size=2)}
    entry = made.objects({"extract": many}, steps) | made.objects({"find": st.just({"name": {"regexp": ".*"}})}, steps)
    data = st.lists(
        made.objects({"secretKey": st.sampled_from(["k", "l", "m"]), "remoteRef": ref}), max_size=3, unique_by=lambda e: e["secretKey"]
    )
    sources = st.tuples(data, st.lists(entry, max_size=2)) | st.tuples(data, st.lists(entry, min_size=1, max_size=2))
    meta = made.objects({}, {"labels": _marks(), "annotations": _marks()})
    interval = st.sampled_from(["0", "1h0m0s", "1m"])
    policy = st.sampled_from(["CreatedOnce", "Periodic", "OnChange"])

    def build(source: tuple[Json, Json], target: Json, meta: Json, interval: str, policy: str) -> dict[str, Json]:
        spec = {"data": source[0], "dataFrom": source[1], "refreshInterval": interval, "refreshPolicy": policy}
        manifest = es_manifest(spec=spec, target=target, meta=meta)
        for name in ("uid", "resourceVersion", "generation"):
            del manifest["metadata"][name]
        return manifest

    return st.builds(build, sources, target if target is not None else targets(), meta, interval, policy)


REFRESHED = ("", "2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z", "2026-01-01T12:00:01Z", "2026-01-01T13:00:00Z", "not a time")


def timed() -> st.SearchStrategy[ExternalSecret]:
    """ExternalSecrets as far as the refresh decision looks at them: policies, intervals, and what was said of the last refresh."""

    def build(policy: str, interval: str, creation: str, synced: str, refreshed: str, ready: str, generation: int) -> ExternalSecret:
        spec = {"refreshPolicy": policy, "refreshInterval": interval}
        meta = {"generation": generation}
        status: dict[str, Json] = {"syncedResourceVersion": synced.replace("current", version_of(es_of(meta=meta)))}
        status |= {"refreshTime": refreshed} if refreshed else {}
        status |= {"conditions": [{"type": "Ready", "status": "False" if "Error" in ready else "True", "reason": ready}]} if ready else {}
        return es_of(spec=spec, meta=meta, target={"creationPolicy": creation}, status=status)

    policies = st.sampled_from(["CreatedOnce", "Periodic", "Periodic", "OnChange"])
    intervals = st.sampled_from(["", "0", "-1s", "1ns", "1s", "1h", "1h", "24h", "soon"])
    creations = st.sampled_from(["Owner", "Orphan", "Merge", "None", "CreateOrMerge"])
    synced = st.sampled_from(["", "current", "current", "1-other"])
    ready = st.sampled_from(["", "SecretSynced", "SecretSynced", "SecretSyncedError", "SecretMissing"])
    return st.builds(build, policies, intervals, creations, synced, st.sampled_from(REFRESHED), ready, st.integers(1, 2))


def moments() -> st.SearchStrategy[Instant]:
    """Times around those of :func:`timed`, to the nanosecond."""
    near = [at(text).ns + length for text in REFRESHED[1:-1] for length in (0, SECOND, HOUR)]
    return st.builds(lambda base, more: Instant(base + more), st.sampled_from(near), st.sampled_from([-1, 0, 1, SECOND, 30 * SECOND]))


def _marks() -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(
        st.sampled_from(["x", "example.com/y", MANAGED_LABEL, HASH_ANNOTATION, OWNER_LABEL]), st.sampled_from(["1", "true"]), max_size=2
    )


def targets() -> made.Made:
    """``spec.target`` with every pair of policies, and templates without actions."""
    meta = made.objects({}, {"labels": _marks(), "annotations": _marks(), "finalizers": st.just(["example.com/f"])})
    data = st.dictionaries(st.sampled_from(["k", "t"]), st.sampled_from(["text", ""]), max_size=2)
    template = made.objects(
        {},
        {
            "type": st.sampled_from(["", "Opaque", "example.com/t"]),
            "metadata": meta,
            "data": data,
            "mergePolicy": st.sampled_from(["Replace", "Merge"]),
        },
    )
    others = made.objects({}, {"name": st.just("other"), "immutable": st.sampled_from([False, False, True]), "template": template})
    return st.builds(lambda pair, rest: {**pair, **rest}, weighted((1, st.just({})), (2, st.sampled_from(made.POLICIES))), others)


# ---------------------------------------------------------------- Secrets in the cluster

ES_UID = "es-uid"
OTHER_ES = owner("somebody-else", uid="other-uid")
DEPLOYMENT = owner("web", uid="web-uid", kind="Deployment", group="apps/v1")
MINE = owner(NAME, uid=ES_UID)
OWNERS: dict[str, list[dict[str, Json]]] = {
    "nobody": [],
    "us": [MINE],
    "our former self": [owner(NAME, uid="former-uid")],
    "another ExternalSecret": [OTHER_ES],
    "another controller": [DEPLOYMENT],
    "a bystander": [{**DEPLOYMENT, "controller": False}],
    "us and a bystander": [MINE, {**DEPLOYMENT, "controller": False}],
}
FOREIGN = ("another ExternalSecret", "another controller")


def secrets(
    name: str = NAME, *, owners: st.SearchStrategy[str] = st.sampled_from(sorted(OWNERS)), mark: bytes = b"", deleting: bool = True
) -> made.Made:
    """Secrets in every state that one can be found in; those of another name than the target's with the owner label that finds them."""
    data = st.dictionaries(st.sampled_from(["k", "l", "foreign", "p-a"]), values(mark), max_size=3)
    hashes = st.sampled_from(["right", "wrong", "none"])
    fields = {"f:data": {".": {}, "f:k": {}, "f:p-a": {}}, "f:metadata": {"f:labels": {"f:x": {}}, "f:annotations": {"f:x": {}}}}
    managers = st.sampled_from([[], [{"manager": field_owner(NAME), "fieldsV1": fields}], [{"manager": "kubectl", "fieldsV1": fields}]])
    gone = st.just("2026-01-01T00:00:00Z") if deleting else st.nothing()
    meta = made.objects(
        {}, {"labels": _marks(), "finalizers": st.just(["example.com/f"]), "managedFields": managers, "deletionTimestamp": gone}
    )
    applied = st.just({"kubectl.kubernetes.io/last-applied-configuration": base64.b64encode(mark).decode()}) | st.just({})

    def build(held: dict[str, bytes], hashed: str, managed: bool, owned: str, meta: Json, applied: dict[str, str], immutable: bool) -> Json:
        labels = {
            **meta.get("labels", {}),
            **({MANAGED_LABEL: "true"} if managed else {}),
            **({OWNER_LABEL: owner_label(NS, NAME)} if owned == "us" or name != NAME else {}),
        }
        hashes = {"right": {HASH_ANNOTATION: data_hash(held)}, "wrong": {HASH_ANNOTATION: "0"}, "none": {}}
        head = {"name": name, "namespace": NS, "uid": f"{name}-uid", "resourceVersion": "5"}
        metadata = {**meta, **head, "labels": labels, "annotations": {**applied, **hashes[hashed]}, "ownerReferences": OWNERS[owned]}
        encoded = {key: base64.b64encode(value).decode() for key, value in held.items()}
        found: dict[str, Json] = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded}
        return found | ({"immutable": True} if immutable else {})

    immutable = st.sampled_from([False, False, False, True])
    return st.builds(build, data, hashes, st.booleans(), owners, meta, applied, immutable)


def seen_targets(whole: st.SearchStrategy[bool] = st.booleans(), **what: Any) -> st.SearchStrategy[TargetSeen]:
    """Secrets as read."""

    def build(manifest: Json, whole: bool) -> TargetSeen:
        ref = Ref(SECRET, NS, manifest["metadata"]["name"])
        return see_target(ref, raw(manifest if whole else digest(manifest)))

    return st.builds(build, secrets(**what), whole)


# ---------------------------------------------------------------- what is decided upon


def decoded(mark: bytes = b"") -> st.SearchStrategy[Result[Decoded, Failure]]:
    """What the backends gave, or why they gave nothing."""
    some = st.dictionaries(st.sampled_from(["k", "l", "p-a"]), values(mark).map(SecretBytes), min_size=1, max_size=3)
    missing = st.lists(st.just("secret does not exist"), max_size=2).map(tuple)
    given = weighted((4, some), (1, st.just({})))
    return weighted((6, st.builds(Decoded, given, missing).map(Success)), (1, failures().map(Bad)))


def observations(mark: bytes = b"") -> st.SearchStrategy[Observed]:
    """Everything that one decision depends on."""
    synced = syncables().map(as_stored)
    es = weighted((3, synced), (1, external_secrets()))
    orphans = weighted((1, st.just(())), (1, st.tuples(seen_targets(name="former", mark=mark))))
    target = weighted((1, st.none()), (3, seen_targets(st.just(True), mark=mark)))
    return st.builds(lambda e, d, t, o: Observed(external_secret=e, decoded=d, target=t, orphans=o), es, decoded(mark), target, orphans)


def as_stored(manifest: Json) -> ExternalSecret:
    """A manifest of :func:`syncables`, as the API server has it."""
    meta = {**manifest["metadata"], "uid": ES_UID, "resourceVersion": "7", "generation": 1}
    return parse_external_secret({**manifest, "metadata": meta}).unwrap()


def instants() -> st.SearchStrategy[Instant]:
    """Times around those that the other strategies use, to the nanosecond."""
    return st.integers(0, 2 * 365 * 86_400 * SECOND).map(lambda ns: Instant(1_735_689_600 * SECOND + ns))


# ---------------------------------------------------------------- worlds


_KEY = {"name": "creds", "key": "key"}
_STATIC = {"accessKeyIDSecretRef": _KEY, "secretAccessKeySecretRef": _KEY}
PROVIDERS: tuple[dict[str, Json], ...] = (
    {},
    {"fake": {"data": []}, "vault": {"server": "https://v"}},
    {"previder": {"auth": {}}},
    {"vault": {"server": "https://v", "path": "kv", "auth": {"tokenSecretRef": _KEY}}},
    {"vault": {"server": "https://v", "path": "kv", "auth": {"tokenSecretRef": {**_KEY, "namespace": "elsewhere"}}}},
    {"vault": {"server": "https://v", "auth": {"kubernetes": {"role": "r", "serviceAccountRef": {"name": "sa"}}}}},
    {
        "vault": {
            "server": "https://v",
            "auth": {"kubernetes": {"role": "r", "serviceAccountRef": {"name": "sa", "namespace": "elsewhere"}}},
        }
    },
    {"vault": {"server": "https://v", "auth": {"appRole": {"roleId": "r", "secretRef": {**_KEY, "namespace": "elsewhere"}}}}},
    {"kubernetes": {"auth": {"token": {"bearerToken": _KEY}}, "server": {"caProvider": {"type": "ConfigMap", "name": "ca", "key": "key"}}}},
    {
        "aws": {
            "service": "SecretsManager",
            "region": "r",
            "auth": {"secretRef": {"accessKeyIDSecretRef": _KEY, "secretAccessKeySecretRef": _KEY}},
        }
    },
)
"""Stores of providers that need something, and stores that cannot be used."""


@cache
def stores(ref: Ref, mark: bytes = b"") -> made.Made:
    """A store of some provider, in some state."""
    entry = st.builds(
        lambda key, value: {"key": key, "value": (mark + value).decode("latin-1")}, st.sampled_from(REMOTE), st.binary(max_size=4)
    )
    fake = st.lists(entry, max_size=3).map(lambda data: {"fake": {"data": data}})
    usual = st.sampled_from(PROVIDERS)
    provider = st.one_of(fake, fake, usual, usual, usual, made.providers())
    ready = st.sampled_from(
        [None, [], [{"type": "Ready", "status": "True"}], [{"type": "Ready", "status": "True"}], [{"type": "Ready", "status": "False"}]]
    )
    condition = made.objects(
        {}, {"namespaces": st.just([NS]), "namespaceRegexes": st.sampled_from([["^t"], ["("]]), "namespaceSelector": st.just({})}
    )
    spec = made.objects(
        {"provider": provider}, {"controller": st.sampled_from(["", "other"]), "conditions": st.lists(condition, max_size=2)}
    )
    return st.builds(lambda spec, conditions: store_manifest(ref, spec=spec, conditions=conditions), spec, ready)


STORE_REFS = (
    None,
    {"name": "st", "kind": "SecretStore"},
    {"name": "two", "kind": "SecretStore"},
    {"name": "shared", "kind": "ClusterSecretStore"},
)


def referring() -> st.SearchStrategy[ExternalSecret]:
    """ExternalSecrets whose entries read from one to three stores."""

    def build(refs: list[Json], default: Json) -> ExternalSecret:
        sources = [{"sourceRef": {"storeRef": ref}} if ref is not None else {} for ref in refs]
        data = [{"secretKey": str(i), "remoteRef": {"key": "alpha"}, **source} for i, source in enumerate(sources)]
        return es_of(spec={"data": data[1:], "dataFrom": [{"extract": {"key": "beta"}, **sources[0]}], "secretStoreRef": default})

    return st.builds(build, st.lists(st.sampled_from(STORE_REFS), min_size=1, max_size=3), st.sampled_from(STORE_REFS[1:]))


@st.composite
def worlds(draw: st.DrawFn, es: ExternalSecret, *, mark: bytes = b"") -> World:
    """What can be read for ``es``: its stores and its namespace, each there, missing or unreadable."""
    seen: dict[Readable, Seen] = {}
    for ref in dict.fromkeys(store_refs(es)):
        there = stores(ref, mark).map(lambda manifest: Present(raw(manifest)))
        seen[ref] = draw(st.one_of(there, there, there, st.just(Gone()), failures().map(Unreadable)))
    namespace = Whole(Ref(NAMESPACE, "", es.metadata.namespace), NAMESPACE_AGE_S)
    seen[namespace] = draw(st.sampled_from([Present(b"{}"), Present(b'{"metadata":{"labels":{"a":"b"}}}'), Gone()]))
    return World(seen)


@cache
def credentials(mark: bytes = b"") -> st.SearchStrategy[Seen]:
    """A Secret, ConfigMap or token that a store refers to."""
    held = st.dictionaries(st.sampled_from(["k", "key", "token"]), st.just(base64.b64encode(mark or b"t").decode()), max_size=2)
    return st.one_of(held.map(lambda data: Present(raw({"data": data}))), st.just(Gone()), failures().map(Unreadable))
