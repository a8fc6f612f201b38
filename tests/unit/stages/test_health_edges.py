"""What is said of a store, in full."""

from __future__ import annotations

import pytest

from eso_core.api import Condition, parse_store
from eso_core.because import STORE_INVALID, STORE_VALID, Because
from eso_core.config import Config
from eso_core.failure import Failure, InvalidSpec, Refused
from eso_core.instant import SECOND
from eso_core.plan import Event, Settled
from eso_core.providers import fake
from eso_core.stages.conditions import condition_json
from eso_core.stages.health import settle_store, validation_interval
from tests.unit.core.objects import STORE, at, raw, store_manifest


def settled(verdict: Because, detail: Failure | None, **meta: object) -> Settled:
    manifest = store_manifest()
    manifest["metadata"].update(meta)
    return settle_store(STORE, parse_store(raw(manifest)).unwrap(), fake.PROVIDER, verdict, detail, Config(), at())


def test_an_unmaintained_provider_is_told_in_full() -> None:
    text = "store isn't currently maintained. Please plan and prepare accordingly."
    source = "secret-store"
    assert settled(STORE_VALID, None).events == (
        Event(about=STORE, uid="store-uid", reason="Valid", message="store validated", warning=False, source=source),
        Event(about=STORE, uid="store-uid", reason="StoreUnmaintained", message=text, warning=True, source=source),
    )


@pytest.mark.parametrize("name", ["external-secrets.io/ignore-maintenance-checks", "external-secrets.io/other"])
def test_the_annotation_of_the_reference_silences_that(name: str) -> None:
    reasons = [event.reason for event in settled(STORE_VALID, None, annotations={name: ""}).events]
    assert ("StoreUnmaintained" not in reasons) is name.endswith("ignore-maintenance-checks")


@pytest.mark.parametrize(
    ("verdict", "detail", "message"),
    [
        (STORE_INVALID, None, "unable to validate store"),
        (STORE_INVALID, Refused("no"), "no"),
        (STORE_VALID, Refused("no"), "store validated"),
    ],
)
def test_the_event_names_the_cause_of_a_verdict_that_has_one(verdict: Because, detail: Failure | None, message: str) -> None:
    assert settled(verdict, detail).events[0].message == message


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("-1ns", InvalidSpec("must not be negative", "spec.refreshInterval")),
        ("1ns", SECOND),
        ("999ms", SECOND),
        ("2s", 2 * SECOND),
    ],
)
def test_the_smallest_intervals(interval: str, expected: object) -> None:
    assert validation_interval(parse_store(raw(store_manifest(spec={"refreshInterval": interval}))).unwrap(), Config()) == expected


def test_a_condition_has_no_empty_fields() -> None:
    assert condition_json(Condition(type="Ready", status="True")) == {"type": "Ready", "status": "True"}
