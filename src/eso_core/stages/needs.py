"""What must be read before anything can be asked: stores, their credentials, the namespace. The one place where tenants are kept apart.

Every reference that a store makes is resolved by :func:`place_of`, which is given the store and the namespace of the object that uses it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, assert_never

import orjson
from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core import providers
from eso_core.api import ExternalSecret, Store, parse_store
from eso_core.api.parse import parse
from eso_core.compat.duration import parse_duration
from eso_core.compat.regexp import match_string
from eso_core.config import Config
from eso_core.door import (
    NO_EXTRA,
    NO_RETRIES,
    Access,
    AccountNotes,
    AccountToken,
    ConfigMapKey,
    Extra,
    Need,
    Provider,
    Retries,
    SecretKey,
    WholeSecret,
)
from eso_core.effect import Gone, Present, Readable, Token, Unreadable, Whole, World
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Unreachable
from eso_core.instant import SECOND
from eso_core.refs import CLUSTER_SECRET_STORE, CONFIG_MAP, NAMESPACE, SECRET, SECRET_STORE, SERVICE_ACCOUNT, Ref, named
from eso_core.secret import SecretBytes
from eso_core.stages.labels import selects

REMEMBERED_MAX = 64 * 1024  # bytes of a store
NAMESPACE_AGE_S = 1  # seconds that the labels of a namespace may be old: a refused object is tried again after that
CREDENTIAL_AGE_S = 10  # seconds that a credential may be old; a refused one is read anew
RETRIES_MAX = 10
RETRY_INTERVAL, RETRY_INTERVAL_MAX = 3 * SECOND, 60 * SECOND

# ---------------------------------------------------------------- results


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Read these, then ask again."""

    what: frozenset[Readable]


@dataclass(frozen=True, slots=True)
class Blocked:
    """It cannot be done now. A change of one of ``waits_on`` is worth another try.

    ``soon``: that change is under way, so that nothing need be said about it yet.
    """

    failure: Failure
    waits_on: frozenset[Ref] = frozenset()
    soon: bool = False


@dataclass(frozen=True, slots=True)
class NotOurs:
    """A store belongs to another controller class, or its kind is switched off."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """How each store of an object is reached."""

    uses: Mapping[Ref, Use]


@dataclass(frozen=True, slots=True)
class Use:
    """One store, ready to be asked."""

    provider: Provider
    access: Access


Needs = Unresolved | Blocked | NotOurs | Resolved


# ---------------------------------------------------------------- stores of an ExternalSecret


def needs(world: World, es: ExternalSecret, config: Config) -> Needs:
    """The next thing to read for ``es``, or all of its stores resolved. Call again with a larger world while ``Unresolved``."""
    refs = tuple(dict.fromkeys(store_refs(es)))
    if any(ref.kind == CLUSTER_SECRET_STORE for ref in refs) and not config.cluster_stores:
        return NotOurs()
    unread = frozenset(ref for ref in refs if ref not in world)
    if unread:
        return Unresolved(unread)
    if any(_of_other_class(world, ref, config) for ref in refs):
        return NotOurs()
    steps = [resolve(world, ref, es.metadata.namespace, config, gate=config.flood_gate) for ref in refs]
    return _joined(refs, steps)


def _joined(refs: tuple[Ref, ...], steps: list[Unresolved | Blocked | Use]) -> Needs:
    blocked = next((step for step in steps if isinstance(step, Blocked)), None)
    if blocked is not None:
        return blocked
    missing = frozenset[Readable]().union(*(step.what for step in steps if isinstance(step, Unresolved)))
    if missing:
        return Unresolved(missing)
    return Resolved({ref: step for ref, step in zip(refs, steps, strict=True) if isinstance(step, Use)})


def store_refs(es: ExternalSecret) -> Iterable[Ref]:
    """The stores that the entries of ``es`` read from, in order, with repetitions."""
    for i in range(len(es.spec.data_from)):
        yield store_of(es, "dataFrom", i)
    for i in range(len(es.spec.data)):
        yield store_of(es, "data", i)


def store_of(es: ExternalSecret, part: str, index: int) -> Ref:
    """The store of ``spec.<part>[index]``: its own ``sourceRef.storeRef``, else ``spec.secretStoreRef``."""
    source = (es.spec.data_from[index] if part == "dataFrom" else es.spec.data[index]).source_ref
    ref = source.store_ref if source is not None and source.store_ref is not None else es.spec.secret_store_ref
    if ref.kind == "ClusterSecretStore":
        return Ref(CLUSTER_SECRET_STORE, "", ref.name)
    return Ref(SECRET_STORE, es.metadata.namespace, ref.name)


# ---------------------------------------------------------------- one store


@dataclass(frozen=True, slots=True)
class ReadStore:
    """A store object with what its provider makes of it."""

    store: Store
    provider: Provider | None
    spec: Any
    needs: Mapping[str, Need]
    fault: Failure | None
    retries: Retries = NO_RETRIES


def provider_of(key: str, extra: Extra) -> Provider | None:
    """The provider of this key: a built-in one, else one from outside."""
    return providers.load(key) or extra.by_key.get(key)


def read_store(raw: bytes, ref: Ref, extra: Extra = NO_EXTRA) -> ReadStore | InvalidSpec:
    """Parse a store. Remembered, because thousands of objects share a store, unless it is so large that many would fill the memory."""
    return _read_store(raw, ref, extra) if len(raw) <= REMEMBERED_MAX else _read_store.__wrapped__(raw, ref, extra)


@lru_cache(maxsize=512)
def _read_store(raw: bytes, ref: Ref, extra: Extra) -> ReadStore | InvalidSpec:
    parsed = parse_store(raw if b'"kind"' in raw else orjson.dumps({**orjson.loads(raw), "kind": ref.kind.name}))
    if isinstance(parsed, Bad):
        return InvalidSpec(f"{ref}: {parsed.failure().summary()}")
    store = parsed.unwrap()
    key = store.provider_key
    if key is None:
        found = len(store.provider_keys)
        return _faulty(store, InvalidSpec(f"secret stores must only have exactly one backend specified, found {found}", "spec.provider"))
    provider = provider_of(key, extra)
    if provider is None:
        what = f"there is no provider {key!r} in this version of the operator"
        return _faulty(store, InvalidSpec(what, f"spec.provider.{key}"))
    spec = _parsed(provider, store.provider_spec(key), ref)
    retries = _retries(store, provider.retries_default)
    if not isinstance(spec, Success):
        return _faulty(store, spec.failure())
    if isinstance(retries, InvalidSpec):
        return _faulty(store, retries)
    return ReadStore(store, provider, spec.unwrap(), provider.needs(spec.unwrap()), None, retries)


def _parsed(provider: Provider, spec: Any, ref: Ref) -> Result[Any, InvalidSpec]:
    if provider.model is not None and isinstance(spec, Mapping):
        model = parse(provider.model, spec)
        if isinstance(model, Bad):
            return Bad(InvalidSpec(model.failure().summary(), f"spec.provider.{provider.key}"))
        spec = model.unwrap()
    return provider.parse(spec, ref)


def _retries(store: Store, default: int) -> Retries | InvalidSpec:
    """``spec.retrySettings``; 3 s apart unless told."""
    held = store.spec.retry_settings
    if held is None:
        return NO_RETRIES
    interval = parse_duration(held.retry_interval) if held.retry_interval else Success(RETRY_INTERVAL)
    if isinstance(interval, Bad) or interval.unwrap() < 0:
        return InvalidSpec("is not a duration such as 10s", "spec.retrySettings.retryInterval")
    most = default if held.max_retries is None else held.max_retries
    return Retries(max(0, min(most, RETRIES_MAX)), min(interval.unwrap(), RETRY_INTERVAL_MAX))


def _faulty(store: Store, fault: Failure) -> ReadStore:
    return ReadStore(store, None, None, {}, fault)


def resolve(world: World, ref: Ref, namespace: str, config: Config, *, gate: bool) -> Unresolved | Blocked | Use:
    """The store ``ref`` as used from ``namespace`` (``""``: by itself)."""
    step = _resolve(world, ref, namespace, config, gate=gate)
    return replace(step, failure=replace(step.failure, about=named(ref))) if isinstance(step, Blocked) else step


def _resolve(world: World, ref: Ref, namespace: str, config: Config, *, gate: bool) -> Unresolved | Blocked | Use:
    """The order of checks is the reference's (``client_manager.go``)."""
    seen = world[ref]
    on_store = frozenset({ref})
    if isinstance(seen, Unreadable):
        return Blocked(seen.failure, on_store)
    if isinstance(seen, Gone):
        return Blocked(Missing(f"could not get {named(ref)}, it does not exist"), on_store)
    read = read_store(seen.raw, ref, config.extra)
    if isinstance(read, InvalidSpec):
        return Blocked(read, on_store)
    barred = _barred(world, read.store, ref, namespace) if namespace else None
    if barred is not None:
        return barred
    if gate and not is_ready(read.store):
        return Blocked(Unreachable(f"{named(ref)} is not ready"), on_store, soon=not read.store.status.conditions)
    if read.provider is None:
        return Blocked(read.fault or Broken("the store cannot be used"), on_store)
    return _credentials(world, read, read.provider, ref, namespace)


def is_ready(store: Store) -> bool:
    """The store's condition Ready is True."""
    return any(condition.type == "Ready" and condition.status == "True" for condition in store.status.conditions)


def of_class(store: Store, config: Config) -> bool:
    """The store is handled by this controller class."""
    return store.spec.controller in ("", config.controller_class)


def _of_other_class(world: World, ref: Ref, config: Config) -> bool:
    raw = world.raw(ref)
    read = read_store(raw, ref, config.extra) if raw is not None else None
    return isinstance(read, ReadStore) and not of_class(read.store, config)


# ---------------------------------------------------------------- namespace conditions of cluster stores


def _barred(world: World, store: Store, ref: Ref, namespace: str) -> Unresolved | Blocked | None:
    """Why ``spec.conditions`` does not let ``namespace`` use the store, if no condition matches (reference: ``shouldProcessSecret``)."""
    if ref.kind != CLUSTER_SECRET_STORE or not store.spec.conditions:
        return None
    labels = _labels(world, Whole(Ref(NAMESPACE, "", namespace), NAMESPACE_AGE_S))
    if isinstance(labels, Unresolved | Blocked):
        return labels
    for condition in store.spec.conditions:
        if namespace in condition.namespaces:
            return None
        if condition.namespace_selector is not None and selects(condition.namespace_selector, labels):
            return None
        for pattern in condition.namespace_regexes:
            matched = match_string(pattern, namespace)
            if isinstance(matched, Bad):
                return Blocked(InvalidSpec(f"{named(ref)}: spec.conditions: {matched.failure()}"), frozenset({ref}))
            if matched.unwrap():
                return None
    what = f'using cluster store "{ref.name}" is not allowed from namespace "{namespace}": denied by spec.condition'
    return Blocked(Refused(what), frozenset({ref}))


def _labels(world: World, what: Whole) -> Unresolved | Blocked | Mapping[str, str]:
    if what not in world:
        return Unresolved(frozenset({what}))
    seen = world[what]
    match seen:
        case Unreadable(failure):
            return Blocked(failure)
        case Gone():
            return Blocked(Missing(f"{what.ref} does not exist"))
        case Present(raw):
            labels = (orjson.loads(raw).get("metadata") or {}).get("labels")
            return labels if isinstance(labels, dict) else {}
        case _:
            assert_never(seen)


# ---------------------------------------------------------------- credentials


def _credentials(world: World, read: ReadStore, provider: Provider, ref: Ref, namespace: str) -> Unresolved | Blocked | Use:
    held = _held(world, read.needs, ref, namespace)
    if not isinstance(held, _Held):
        return held
    if provider.more_needs is not None:
        more = provider.more_needs(read.spec, held.secrets)
        if isinstance(more, Bad):
            return Blocked(more.failure())
        later = _held(world, more.unwrap(), ref, namespace)
        if not isinstance(later, _Held):
            return later
        held = held | later
    meta = read.store.metadata
    apart = namespace if provider.by_namespace is not None and provider.by_namespace(read.spec) else ""
    access = Access(
        identity=_identity(provider.key, ref, f"{meta.uid} {meta.generation} {apart}", held),
        store=ref,
        namespace=namespace,
        spec=read.spec,
        secrets=held.secrets,
        sources=tuple(dict.fromkeys(_source(place) for place in held.places.values())),
        retries=read.retries,
    )
    return Use(provider, access)


@dataclass(frozen=True, slots=True)
class _Held:
    """What was read for some slots, and where."""

    places: Mapping[str, Whole | Token]
    secrets: Mapping[str, SecretBytes]

    def __or__(self, more: _Held) -> _Held:
        return _Held({**self.places, **more.places}, {**self.secrets, **more.secrets})


def _held(world: World, needs: Mapping[str, Need], ref: Ref, namespace: str) -> Unresolved | Blocked | _Held:
    places = {slot: place_of(need, ref, namespace) for slot, need in needs.items()}
    unread = frozenset(place for place in places.values() if place not in world)
    if unread:
        return Unresolved(unread)
    secrets: dict[str, SecretBytes] = {}
    for slot, need in needs.items():
        value = _value(world, places[slot], need)
        if not isinstance(value, SecretBytes):
            return Blocked(value)
        secrets[slot] = value
    return _Held(places, secrets)


def place_of(need: Need, store: Ref, namespace: str) -> Whole | Token:
    """Where a store's reference points to, for a consumer in ``namespace``.

    A cluster store may name a namespace; without one, and always for a namespaced store, it is the consumer's own (reference:
    ``runtime/esutils/resolvers/secret_ref.go``). A namespaced store can therefore never reach into another namespace.
    """
    where = need.namespace if store.kind == CLUSTER_SECRET_STORE and need.namespace else namespace
    match need:
        case SecretKey(name) | WholeSecret(name):
            return Whole(Ref(SECRET, where, name), CREDENTIAL_AGE_S)
        case AccountNotes(name):
            return Whole(Ref(SERVICE_ACCOUNT, where, name), CREDENTIAL_AGE_S)
        case ConfigMapKey(name):
            return Whole(Ref(CONFIG_MAP, where, name), CREDENTIAL_AGE_S)
        case AccountToken(name, audiences):
            return Token(Ref(SERVICE_ACCOUNT, where, name), audiences, need.seconds)
        case _:
            assert_never(need)


def is_referent(read: ReadStore) -> bool:
    """A cluster store with a reference that only a consumer's namespace completes."""
    return any(not need.namespace for need in read.needs.values())


def _value(world: World, place: Whole | Token, need: Need) -> SecretBytes | Failure:
    seen = world[place]
    source = _source(place)
    if isinstance(seen, Unreadable):
        return seen.failure
    if isinstance(seen, Gone):
        return Missing(f'cannot get Kubernetes {source.kind.name} "{source.name}" from namespace "{source.namespace}": it does not exist')
    match need:
        case AccountToken():
            return SecretBytes(seen.raw)
        case AccountNotes():
            return SecretBytes(orjson.dumps(_texts(_metadata(seen.raw), "annotations")))
        case WholeSecret(label=label):
            if label is not None and _texts(_metadata(seen.raw), "labels").get(label[0]) != label[1]:
                return Refused(f'{source} cannot be used here: it does not carry the label "{label[0]}: {label[1]}"')
            return SecretBytes(orjson.dumps(_texts(orjson.loads(seen.raw), "data")))
        case SecretKey(key=key) | ConfigMapKey(key=key):
            return _key_of(seen.raw, source, key)
        case _:
            assert_never(need)


def _metadata(raw: bytes) -> Any:
    return orjson.loads(raw).get("metadata")


def _texts(held: Any, name: str) -> dict[str, str]:
    """The texts of a map of an object; nothing where it is no map."""
    found = held.get(name) if isinstance(held, dict) else None
    return {key: text for key, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def _key_of(raw: bytes, source: Ref, key: str) -> SecretBytes | Failure:
    data = orjson.loads(raw).get("data")
    text = data.get(key) if isinstance(data, dict) else None
    if not isinstance(text, str):
        return Missing(f'cannot find secret data for key: "{key}" in {source}')
    try:
        return SecretBytes(base64.b64decode(text) if source.kind == SECRET else text.encode())
    except ValueError:
        return Broken(f'the data under key "{key}" in {source} is not base64')


def _source(place: Whole | Token) -> Ref:
    return place.ref if isinstance(place, Whole) else place.account


def _identity(provider: str, store: Ref, version: str, held: _Held) -> str:
    digest = hashlib.blake2b(f"{provider} {store} {version}".encode(), digest_size=16)
    for slot in sorted(held.secrets):
        place = held.places[slot]
        digest.update(f"\0{slot} {_source(place)}\0".encode())
        if isinstance(place, Token):
            digest.update(f"{place.seconds} {place.audiences}".encode())
        else:
            digest.update(hashlib.sha256(held.secrets[slot].reveal()).digest())
    return digest.hexdigest()
