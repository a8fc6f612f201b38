"""Is a pass over an ExternalSecret worth anything now? (reference: ``shouldRefresh``, ``shouldRefreshPeriodic``, ``isSecretValid``)"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from returns.result import Success

from eso_core.api import ExternalSecret
from eso_core.because import DELETED, RESOURCE_DELETED, RESOURCE_MISSING, TARGET_MISSING
from eso_core.compat.cron import refresh_allowed
from eso_core.compat.duration import parse_duration
from eso_core.compat.gotime import parse_time
from eso_core.compat.hash import resource_version
from eso_core.instant import HOUR, MINUTE, SECOND, Instant
from eso_core.plan import At, OnChange, Requeue
from eso_core.target import TargetSeen

TAKEN_AWAY = (DELETED.reason, RESOURCE_DELETED.reason)
WAITED_FOR = (TARGET_MISSING.reason, RESOURCE_MISSING.reason)
INTERVAL_DEFAULT = 1 * HOUR
WINDOW_CHECK = 1 * MINUTE  # how often a closed sync window is looked at again
SPREAD_MAX = 5 * MINUTE  # no refresh is later than this because of others
INTERVAL_MIN = 1 * SECOND  # `status.refreshTime` has whole seconds; less would be a loop without a pause


@dataclass(frozen=True, slots=True)
class Due:
    """Go on; ``why`` is for logs and ``eso plan``."""

    why: str


@dataclass(frozen=True, slots=True)
class NotDue:
    """Everything is as it should be until ``requeue`` says otherwise."""

    requeue: Requeue


@dataclass(frozen=True, slots=True)
class Overtaken:
    """An object that is fetched once has what it needs since ``refreshed``, and its condition tells of a failure all the same.

    A crash, or a lost answer, came between the write that mended the target and the one that says so. Only the condition is written.
    """

    refreshed: Instant


def due(es: ExternalSecret, target: TargetSeen | None, now: Instant) -> Due | NotDue | Overtaken:
    """The reference's refresh decision, OR-ed with the target's state.

    A target that is missing, was edited, or was waited for is due whatever the policy says. ``Orphan`` targets are never looked at between
    refreshes, and ``None`` has no target. Unlike in the reference, an object whose last pass failed is due: no failure outlives its cause.
    """
    why = _refresh(es, now) or _repair(es, target)
    failed = any(c.type == "Ready" and c.status == "False" for c in es.status.conditions)
    if why or (failed and not _is_fetched_once(es)):
        return Due(why or "the last pass failed")
    refreshed = refreshed_at(es)
    if failed and refreshed is not None and _holds(es, target):
        return Overtaken(refreshed)
    return NotDue(next_refresh(es, refreshed, now))


def next_refresh(es: ExternalSecret, refreshed: Instant | None, now: Instant) -> Requeue:
    """The first instant at which the refresh after the one at ``refreshed`` is due.

    ``CreatedOnce`` and ``OnChange`` objects wait for a change.
    """
    interval = interval_of(es)
    if es.spec.refresh_policy != "Periodic" or interval <= 0:
        return OnChange()
    if refreshed is None:
        return At(now.plus(interval))
    if refreshed > now:
        return At(now)
    wake = refreshed.plus(interval + spread_of(es, interval) + 1)  # at the very end of the interval it is not due yet
    return At(wake) if wake > now or es.spec.sync_windows is None else At(now.plus(WINDOW_CHECK))


def interval_of(es: ExternalSecret) -> int:
    """``spec.refreshInterval`` in nanoseconds, a second at least unless it is 0 or less.

    An hour when it is empty, or is no duration (:func:`unusable_interval` tells).
    """
    text = es.spec.refresh_interval
    length = parse_duration(text).value_or(INTERVAL_DEFAULT) if text else INTERVAL_DEFAULT
    return max(length, INTERVAL_MIN) if length > 0 else length


def spread_of(es: ExternalSecret, interval: int) -> int:
    """How much later than its interval an object is refreshed, in nanoseconds: at most a tenth of it, and ``SPREAD_MAX``.

    Fixed by the uid, so that objects which were made at one moment drift apart, and stay apart over restarts.
    """
    return min(interval // 10, SPREAD_MAX) * zlib.crc32(es.metadata.uid.encode()) >> 32 if es.metadata.uid else 0


def unusable_interval(es: ExternalSecret) -> bool:
    """``spec.refreshInterval`` is not a Go duration. The CRD does not rule it out."""
    text = es.spec.refresh_interval
    return bool(text) and not isinstance(parse_duration(text), Success)


def refreshed_at(es: ExternalSecret) -> Instant | None:
    """``status.refreshTime``; ``None`` when never refreshed."""
    text = es.status.refresh_time
    ns = parse_time(text).value_or(None) if text else None
    return None if ns is None else Instant(ns)


def version_of(es: ExternalSecret) -> str:
    """What ``status.syncedResourceVersion`` is compared with."""
    meta = es.metadata
    return resource_version(meta.generation, meta.annotations, meta.labels)


def _refresh(es: ExternalSecret, now: Instant) -> str:
    synced = es.status.synced_resource_version
    refreshed = refreshed_at(es)
    match es.spec.refresh_policy:
        case "CreatedOnce":
            return "" if synced and refreshed else "not created yet"
        case "OnChange":
            return "" if synced == version_of(es) and refreshed else "changed"
        case _:
            return _refresh_periodic(es, refreshed, now)


def _refresh_periodic(es: ExternalSecret, refreshed: Instant | None, now: Instant) -> str:
    interval = interval_of(es)
    if interval <= 0 and es.status.synced_resource_version:
        return ""
    if es.status.synced_resource_version != version_of(es):
        return "changed"
    if refreshed is None or refreshed > now:
        return "not refreshed yet"
    elapsed = refreshed.plus(interval + spread_of(es, interval)) < now
    return "refresh interval elapsed" if elapsed and _window_open(es, now) else ""


def _window_open(es: ExternalSecret, now: Instant) -> bool:
    """``spec.syncWindows``, in UTC; they hold back periodic refreshes only (reference: ``isPeriodicRefreshAllowedByWindows``).

    A window whose duration is no duration is never active, as one whose schedule does not parse.
    """
    windows = es.spec.sync_windows
    if windows is None:
        return True
    lengths = [(window.schedule, parse_duration(window.duration).value_or(-1)) for window in windows.windows]
    return refresh_allowed(windows.kind, lengths, now.ns)


def _is_fetched_once(es: ExternalSecret) -> bool:
    return es.spec.refresh_policy == "CreatedOnce" or (es.spec.refresh_policy == "Periodic" and interval_of(es) <= 0)


def _holds(es: ExternalSecret, target: TargetSeen | None) -> bool:
    """Nobody else controls the target."""
    controller = target.controller if target is not None else None
    return controller is None or controller.get("uid") == es.metadata.uid


def _repair(es: ExternalSecret, target: TargetSeen | None) -> str:
    if es.spec.target.creation_policy in ("Orphan", "None"):
        return ""
    if target is None:
        return "" if _has_reason(es, TAKEN_AWAY) else "target is missing"
    if _has_reason(es, WAITED_FOR):
        return "target has appeared"
    return "" if target.in_sync else "target was changed"


def _has_reason(es: ExternalSecret, reasons: tuple[str, ...]) -> bool:
    return any(condition.type == "Ready" and condition.reason in reasons for condition in es.status.conditions)
