"""The edges of the refresh decision: exact instants, and the reason that is told."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.api import ExternalSecret
from eso_core.instant import MINUTE, SECOND, Instant
from eso_core.plan import At
from eso_core.stages.due import Due, Overtaken, due, next_refresh, version_of
from eso_core.target import TargetSeen
from tests.unit.core.objects import at, es_of, secret_manifest, seen

NOW = at("2026-01-01T12:00:00Z")
BEFORE, LATER = "2026-01-01T11:30:00Z", "2026-01-01T12:00:01Z"
CURRENT = version_of(es_of())
INTACT = seen(secret_manifest({"k": b"v"}), whole=False)
EDITED = seen(secret_manifest({"k": b"v"}, hashed="0" * 56), whole=False)
WAITED = {"type": "Ready", "status": "True", "reason": "SecretMissing"}
SYNCED = {"syncedResourceVersion": CURRENT, "refreshTime": BEFORE}


def made(**parts: Any) -> ExternalSecret:
    """An object without a uid, whose refreshes are therefore not spread."""
    return es_of(meta={"uid": ""}, **parts)


@pytest.mark.parametrize(
    ("spec", "status", "target", "why"),
    [
        ({"refreshPolicy": "CreatedOnce"}, {}, INTACT, "not created yet"),
        ({"refreshPolicy": "OnChange"}, {}, INTACT, "changed"),
        ({}, {**SYNCED, "syncedResourceVersion": "0-other"}, INTACT, "changed"),
        ({}, {**SYNCED, "refreshTime": LATER}, INTACT, "not refreshed yet"),
        ({"refreshInterval": "1m"}, SYNCED, INTACT, "refresh interval elapsed"),
        ({}, SYNCED, None, "target is missing"),
        ({}, SYNCED, EDITED, "target was changed"),
        ({}, {**SYNCED, "conditions": [WAITED]}, INTACT, "target has appeared"),
    ],
)
def test_the_reason_is_told(spec: dict[str, str], status: dict[str, object], target: TargetSeen | None, why: str) -> None:
    assert due(made(spec=spec, status=status), target, NOW) == Due(why)


@pytest.mark.parametrize(
    ("interval", "length"),
    [("1ns", SECOND), ("500ms", SECOND), ("1s", SECOND), ("1s1ns", SECOND + 1), ("2s", 2 * SECOND), ("soon", 3600 * SECOND)],
)
def test_an_interval_is_a_second_at_least(interval: str, length: int) -> None:
    assert next_refresh(made(spec={"refreshInterval": interval}), NOW, NOW) == At(NOW.plus(length + 1))


@pytest.mark.parametrize(
    ("ago", "wait"),
    [(60 * SECOND, 1), (60 * SECOND + 1, MINUTE), (60 * SECOND + 2, MINUTE), (-1, 0)],
    ids=["not yet over", "over this instant", "over", "refreshed in the future"],
)
def test_a_closed_window_waits_from_the_first_instant_that_would_be_due(ago: int, wait: int) -> None:
    never = {"kind": "allow", "windows": [{"schedule": "0 0 30 2 *", "duration": "1h"}]}
    es = made(spec={"refreshInterval": "1m", "syncWindows": never})
    assert next_refresh(es, NOW.plus(-ago), NOW) == At(NOW.plus(wait))


def test_a_refresh_at_this_very_instant_is_none_in_the_future() -> None:
    assert next_refresh(made(spec={"refreshInterval": "1m"}), NOW, NOW) == At(NOW.plus(MINUTE + 1))


@pytest.mark.parametrize("ns", [0, 1])
def test_the_last_instant_of_the_interval_is_not_due(ns: int) -> None:
    es = made(spec={"refreshInterval": "30m"}, status=SYNCED)
    assert isinstance(due(es, INTACT, at(BEFORE).plus(30 * MINUTE + ns)), Due) is (ns == 1)


def failed(**spec: str) -> ExternalSecret:
    condition = {"type": "Ready", "status": "False", "reason": "SecretSyncedError"}
    return made(spec=spec, target={"creationPolicy": "Orphan"}, status={**SYNCED, "conditions": [condition]})


def test_a_target_that_is_not_looked_at_is_in_nobodys_way() -> None:
    assert due(failed(refreshPolicy="CreatedOnce"), None, NOW) == Overtaken(Instant(at(BEFORE).ns))


@pytest.mark.parametrize("kind", ["Deleted", "Ready"])
def test_only_the_condition_ready_tells_of_a_failure(kind: str) -> None:
    condition = {"type": kind, "status": "False", "reason": "x"}
    es = made(status={**SYNCED, "conditions": [condition]})
    assert isinstance(due(es, INTACT, NOW), Due) is (kind == "Ready")


def test_only_the_condition_ready_tells_of_a_target_waited_for() -> None:
    es = made(status={**SYNCED, "conditions": [{**WAITED, "type": "Deleted"}]})
    assert not isinstance(due(es, INTACT, NOW), Due)


@pytest.mark.parametrize("interval", ["1s", "0"])
def test_a_refresh_time_that_is_none_counts_as_never(interval: str) -> None:
    es = made(spec={"refreshInterval": interval}, status={"syncedResourceVersion": CURRENT, "refreshTime": "yesterday"})
    assert isinstance(due(es, INTACT, NOW), Due) is (interval == "1s")


@pytest.mark.parametrize("kind", ["Ready", "Deleted"])
@pytest.mark.parametrize("reason", ["SecretDeleted", "ResourceDeleted", "SecretSynced"])
def test_a_target_that_was_taken_away_is_not_missed(kind: str, reason: str) -> None:
    es = made(status={**SYNCED, "conditions": [{"type": kind, "status": "True", "reason": reason}]})
    missed = kind != "Ready" or reason == "SecretSynced"
    assert isinstance(due(es, None, NOW), Due) is missed
