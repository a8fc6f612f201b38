"""The life of one SecretStore or ClusterSecretStore: parse → credentials → probe → verdict."""

from __future__ import annotations

from typing import Any

import orjson

from eso_core.because import STORE_CLIENT_FAILED, STORE_VALID
from eso_core.config import Config
from eso_core.door import Ask, Probe
from eso_core.effect import Flow, fetch, read
from eso_core.failure import InvalidSpec
from eso_core.flows.common import conclude, read_all
from eso_core.instant import Instant
from eso_core.plan import Event, OnChange, SetStatus, Settled, Version
from eso_core.refs import CLUSTER_SECRET_STORE, Ref
from eso_core.stages.conditions import conditions_of, with_ready
from eso_core.stages.health import judge, settle_store
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
    if store.metadata.deletion_timestamp or not of_class(store, config):
        return Settled(requeue=OnChange())
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


def _unusable(key: Ref, raw: bytes, fault: InvalidSpec, now: Instant) -> Settled:
    """A store that does not parse."""
    found: dict[str, Any] = orjson.loads(raw)
    meta = found["metadata"]
    at = Version(meta.get("uid", ""), meta["resourceVersion"])
    conditions = with_ready(conditions_of(found), STORE_CLIENT_FAILED.told(fault), now)
    status = SetStatus(key, at, {"conditions": conditions}) if conditions is not None else None
    event = Event(about=key, uid=at.uid, reason=STORE_CLIENT_FAILED.reason, message=fault.what, warning=True)
    return Settled(requeue=OnChange(), because=STORE_CLIENT_FAILED, detail=fault, status=status, events=(event,))
