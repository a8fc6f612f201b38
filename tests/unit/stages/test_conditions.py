"""Condition lists."""

from __future__ import annotations

from typing import Any

from eso_core.api import Condition
from eso_core.because import PROVIDER_FAILED, SYNCED, UPDATE_FAILED
from eso_core.stages.conditions import conditions_of, with_ready
from tests.unit.core.objects import at

NOW, BEFORE = "2026-01-01T12:00:00Z", "2025-01-01T00:00:00Z"
OTHER = {"type": "Deleted", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": BEFORE}
READY = {"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced", "lastTransitionTime": BEFORE}
FAILED = {
    "type": "Ready",
    "status": "False",
    "reason": "SecretSyncedError",
    "message": "could not update secret",
    "lastTransitionTime": BEFORE,
}


def made(*held: dict[str, str], because: Any = SYNCED) -> Any:
    return with_ready([Condition.model_validate(c) for c in held], because, at(NOW))


def test_first() -> None:
    assert made() == [{**READY, "lastTransitionTime": NOW}]
    assert made(OTHER) == [OTHER, {**READY, "lastTransitionTime": NOW}]


def test_unchanged() -> None:
    assert made(READY) is None
    assert made(READY, OTHER) is None
    assert made(FAILED, because=UPDATE_FAILED) is None


def test_another_status_is_a_transition() -> None:
    assert made(FAILED) == [{**READY, "lastTransitionTime": NOW}]
    assert made(READY, because=UPDATE_FAILED) == [{**FAILED, "lastTransitionTime": NOW}]


def test_the_same_status_keeps_its_time_and_goes_to_the_end() -> None:
    assert made(FAILED, OTHER, because=PROVIDER_FAILED) == [OTHER, {**FAILED, "message": "could not get secret data from provider"}]


def test_a_missing_time_is_filled() -> None:
    held = {key: value for key, value in FAILED.items() if key != "lastTransitionTime"}
    assert made(held, because=PROVIDER_FAILED)[0]["lastTransitionTime"] == NOW


def test_only_one_of_a_type() -> None:
    assert made(FAILED, READY) == [{**READY, "lastTransitionTime": NOW}]


def test_conditions_of_what_does_not_parse() -> None:
    found = conditions_of({"status": {"conditions": [READY, "text", {"type": 1}, None]}})
    assert [c.type for c in found] == ["Ready"]
    for odd in ({}, {"status": None}, {"status": []}, {"status": {"conditions": "x"}}):
        assert conditions_of(odd) == ()
