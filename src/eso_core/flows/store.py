"""The life of one SecretStore or ClusterSecretStore: parse → credentials → probe → verdict."""

from __future__ import annotations

from typing import Any

import orjson

from eso_core.api import Store
from eso_core.because import STORE_CLIENT_FAILED, STORE_VALID
from eso_core.config import Config
from eso_core.door import Ask, Probe
from eso_core.effect import Flow, fetch, read, write
from eso_core.failure import InvalidSpec, Stale
from eso_core.flows.common import conclude, read_all
from eso_core.instant import Instant
from eso_core.plan import Again, Backoff, Event, NotDone, OnChange, SetFinalizers, SetStatus, Settled, Version
from eso_core.refs import CLUSTER_SECRET_STORE, Ref
from eso_core.stages.conditions import conditions_of, with_ready
from eso_core.stages.health import judge, settle_store
from eso_core.stages.hold import FINALIZER, PUSHES, may_be_held
from eso_core.stages.needs import Blocked, Use, is_referent, of_class, read_store, resolve


def validate(key: Ref, config: Config) -> Flow[Settled]:
    """One validation of the store ``key``."""
    world, now = yield from read(key)
    raw = world.raw(key)
    if raw is None:
        return Settled(requeue=OnChange(), gone=True)
    if not (config.cluster_stores if key.kind == CLUSTER_SECRET_STORE else config.stores):
        return Settled(requeue=OnChange())
    stored = read_store(raw, key, config.extra)
    if isinstance(stored, InvalidSpec):
        return (yield from conclude(_unusable(key, raw, stored, now)))
    store = stored.store
    if not of_class(store, config):
        return Settled(requeue=OnChange())
    if store.metadata.deletion_timestamp:
        return (yield from _depart(key, store))
    if key.kind == CLUSTER_SECRET_STORE and is_referent(stored):
        return (yield from conclude(settle_store(key, store, stored.provider, STORE_VALID, None, config, now)))

    world, step = yield from read_all(world, lambda seen: resolve(seen, key, key.namespace, config, gate=False))
    if isinstance(step, Blocked):
        return (yield from conclude(settle_store(key, store, stored.provider, STORE_CLIENT_FAILED, step.failure, config, now)))
    assert isinstance(step, Use)
    ask = Ask(step.provider.key, step.access, Probe())
    answers, now = yield from fetch((ask,))
    verdict, detail = judge(answers.by_ask[ask])
    return (yield from conclude(settle_store(key, store, step.provider, verdict, detail, config, now)))


def _depart(key: Ref, store: Store) -> Flow[Settled]:
    """A store that is being deleted goes unless pushes may still need it to delete what they wrote."""
    meta = store.metadata
    if FINALIZER not in meta.finalizers:
        return Settled(requeue=OnChange())
    world, _now = yield from read(PUSHES)
    if may_be_held(world):
        return Settled(requeue=Backoff())
    rest = tuple(name for name in meta.finalizers if name != FINALIZER)
    outcome, _now = yield from write(SetFinalizers(key, Version(meta.uid, meta.resource_version), rest))
    if isinstance(outcome, NotDone):
        return Settled(requeue=Again() if isinstance(outcome.failure, Stale) else Backoff(), detail=outcome.failure)
    return Settled(requeue=OnChange(), gone=True)


def _unusable(key: Ref, raw: bytes, fault: InvalidSpec, now: Instant) -> Settled:
    """A store that does not parse."""
    found: dict[str, Any] = orjson.loads(raw)
    meta = found["metadata"]
    at = Version(meta.get("uid", ""), meta["resourceVersion"])
    conditions = with_ready(conditions_of(found), STORE_CLIENT_FAILED.told(fault), now)
    status = SetStatus(key, at, {"conditions": conditions}) if conditions is not None else None
    event = Event(about=key, uid=at.uid, reason=STORE_CLIENT_FAILED.reason, message=fault.what, warning=True)
    return Settled(requeue=OnChange(), because=STORE_CLIENT_FAILED, detail=fault, status=status, events=(event,))
