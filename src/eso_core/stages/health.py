"""The verdict on a store (reference: ``pkg/controllers/secretstore/common.go``, ``reconcile``, ``validateStore``)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from returns.result import Failure as Bad

from eso_core.api import Store
from eso_core.because import STORE_CLIENT_FAILED, STORE_INVALID, STORE_UNKNOWN, STORE_VALID, Because, Retry
from eso_core.compat.duration import parse_duration
from eso_core.config import Config
from eso_core.door import Absent, Answer, Failed, Found, Provider
from eso_core.failure import Failure, InvalidSpec, Throttled, describe
from eso_core.instant import MINUTE, SECOND, Instant
from eso_core.plan import At, Backoff, Event, Requeue, SetStatus, Settled, Version
from eso_core.refs import CLUSTER_SECRET_STORE, Ref
from eso_core.stages.conditions import with_ready

SPREAD_FROM = 1 * MINUTE  # of a validation interval; shorter ones make no wave worth spreading
IGNORE_MAINTENANCE = "external-secrets.io/ignore-maintenance-checks"


def judge(answer: Answer) -> tuple[Because, Failure | None]:
    """What a probe says about the store."""
    match answer:
        case Found():
            return STORE_VALID, None
        case Absent(what):
            return STORE_INVALID, InvalidSpec(what)
        case Failed(failure, unsure=True):
            return STORE_UNKNOWN, failure
        case Failed(failure):
            return STORE_INVALID, failure


def settle_store(
    ref: Ref, store: Store, provider: Provider | None, verdict: Because, detail: Failure | None, config: Config, now: Instant
) -> Settled:
    """Condition, capabilities, events and the next validation."""
    interval = validation_interval(store, config)
    if isinstance(interval, InvalidSpec) and verdict.ready:
        verdict, detail = STORE_CLIENT_FAILED, interval
    meta = store.metadata
    status: dict[str, Any] = {}
    conditions = with_ready(store.status.conditions, verdict.told(detail and replace(detail, about="")), now)
    if conditions is not None:
        status["conditions"] = conditions
    if verdict is STORE_VALID and provider is not None and store.status.capabilities != provider.capabilities:
        status["capabilities"] = provider.capabilities
    return Settled(
        requeue=_requeue(verdict, detail, interval, meta.uid, now),
        because=verdict,
        detail=detail,
        status=SetStatus(ref, Version(meta.uid, meta.resource_version), status) if status else None,
        events=_events(ref, store, provider, verdict, detail),
    )


def validation_interval(store: Store, config: Config) -> int | InvalidSpec:
    """``spec.refreshInterval`` in nanoseconds: whole seconds or a Go duration, a second at least. 0 and unset: the operator's default."""
    held = store.spec.refresh_interval
    if isinstance(held, int):
        length = held * SECOND
    else:
        parsed = parse_duration(held) if held else None
        if isinstance(parsed, Bad):
            return InvalidSpec("is neither seconds nor a duration such as 1h30m", "spec.refreshInterval")
        length = parsed.unwrap() if parsed is not None else 0
    if length < 0:
        return InvalidSpec("must not be negative", "spec.refreshInterval")
    return max(length, SECOND) if length else config.store_requeue_ns


def _requeue(verdict: Because, detail: Failure | None, interval: int | InvalidSpec, uid: str, now: Instant) -> Requeue:
    if verdict.retry is Retry.BACKOFF or isinstance(interval, InvalidSpec):
        return Backoff(detail.after_ns if isinstance(detail, Throttled) else 0)
    return At(next_validation(uid, interval, now))


def next_validation(uid: str, interval: int, now: Instant) -> Instant:
    """Every store has a moment of its own in each interval, fixed by its uid: a thousand stores that were validated together at the start
    are not validated together again. At least a tenth of the interval from ``now``, at most eleven; short intervals are kept as they are.
    """
    if interval < SPREAD_FROM:
        return now.plus(interval)
    own = interval * zlib.crc32(uid.encode()) >> 32
    ahead = (own - now.ns) % interval
    return now.plus(ahead if ahead >= interval // 10 else ahead + interval)


def _events(ref: Ref, store: Store, provider: Provider | None, verdict: Because, detail: Failure | None) -> tuple[Event, ...]:
    source = "cluster-secret-store" if ref.kind == CLUSTER_SECRET_STORE else "secret-store"
    message = verdict.message if verdict is STORE_VALID or detail is None else describe(detail)
    events = [_event(ref, store, source, verdict.reason, message, warning=verdict is not STORE_VALID)]
    if verdict is STORE_VALID and provider is not None and IGNORE_MAINTENANCE not in store.metadata.annotations:
        events += [_event(ref, store, source, *told, warning=True) for told in _upkeep(provider)]
    return tuple(events)


def _upkeep(provider: Provider) -> Iterator[tuple[str, str]]:
    """Reason and text of what users of this provider should know."""
    if not provider.maintained:
        yield "StoreUnmaintained", "store isn't currently maintained. Please plan and prepare accordingly."
    if provider.deprecated:
        yield "StoreDeprecated", "store is deprecated and will be removed on the next minor release. Please plan and prepare accordingly."


def _event(ref: Ref, store: Store, source: str, reason: str, message: str, *, warning: bool) -> Event:
    return Event(about=ref, uid=store.metadata.uid, reason=reason, message=message, warning=warning, source=source)
