"""The verdict on a store."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eso_core.api import parse_store
from eso_core.because import STORE_CLIENT_FAILED, STORE_INVALID, STORE_UNKNOWN, STORE_VALID, Because
from eso_core.config import Config
from eso_core.door import Absent, Answer, Entries, Failed, Found
from eso_core.failure import Broken, Failure, InvalidSpec, Refused, Throttled
from eso_core.instant import MINUTE, SECOND, Instant
from eso_core.plan import At, Backoff, Settled, Version
from eso_core.providers import fake
from eso_core.refs import Ref
from eso_core.stages.health import IGNORE_MAINTENANCE, judge, next_validation, settle_store, validation_interval
from tests.unit.core.objects import CLUSTER_STORE, READY, STORE, at, raw, store_manifest

NOW = at("2026-01-01T12:00:00Z")
KEPT = replace(fake.PROVIDER, maintained=True)


def settled(verdict: Because, detail: Failure | None = None, *, ref: Ref = STORE, provider: Any = KEPT, **parts: Any) -> Settled:
    manifest = store_manifest(ref, spec=parts.get("spec"), conditions=parts.get("conditions"))
    manifest["metadata"].update(parts.get("meta", {}))
    manifest.setdefault("status", {}).update(parts.get("status", {}))
    return settle_store(ref, parse_store(raw(manifest)).unwrap(), provider, verdict, detail, Config(), NOW)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Found(Entries({})), (STORE_VALID, None)),
        (Absent("x"), (STORE_INVALID, InvalidSpec("x"))),
        (Failed(Refused("x")), (STORE_INVALID, Refused("x"))),
        (Failed(Broken("x"), unsure=True), (STORE_UNKNOWN, Broken("x"))),
    ],
)
def test_judge(answer: Answer, expected: object) -> None:
    assert judge(answer) == expected


def test_valid() -> None:
    end = settled(STORE_VALID)
    assert end.requeue == At(next_validation("store-uid", 5 * MINUTE, NOW))
    assert end.status is not None
    assert (end.status.ref, end.status.at) == (STORE, Version("store-uid", "3"))
    assert end.status.status["capabilities"] == "ReadWrite"
    assert end.status.status["conditions"] == [{**READY[0], "lastTransitionTime": "2026-01-01T12:00:00Z"}]
    [event] = end.events
    assert (event.reason, event.message, event.warning, event.source) == ("Valid", "store validated", False, "secret-store")


@given(uid=st.text(), seconds=st.integers(60, 100_000), ns=st.integers(0, 2**61))
def test_validations_keep_their_interval_and_each_store_has_its_moment(uid: str, seconds: int, ns: int) -> None:
    interval, now = seconds * SECOND, Instant(ns)
    first = next_validation(uid, interval, now)
    assert interval // 10 <= first.since(now) <= interval * 11 // 10
    assert next_validation(uid, interval, first).since(first) == interval
    assert (next_validation(uid, interval, now.plus(interval // 3)).ns - first.ns) % interval == 0


def test_a_thousand_stores_are_spread() -> None:
    minutes = Counter(next_validation(f"uid-{i}", 10 * MINUTE, NOW).since(NOW) // MINUTE for i in range(1000))
    assert set(minutes) == set(range(1, 11))
    assert max(minutes.values()) < 200


def test_short_intervals_are_as_they_are() -> None:
    assert next_validation("u", 59 * SECOND, NOW) == NOW.plus(59 * SECOND)


def test_still_valid_writes_nothing() -> None:
    assert settled(STORE_VALID, conditions=READY, status={"capabilities": "ReadWrite"}).status is None


def test_invalid() -> None:
    end = settled(STORE_INVALID, Refused("no"))
    assert (end.because, end.requeue) == (STORE_INVALID, Backoff())
    assert end.status is not None
    assert "capabilities" not in end.status.status
    [event] = end.events
    assert (event.reason, event.message, event.warning) == ("InvalidProviderConfig", "no", True)
    assert settled(STORE_INVALID, Throttled("no", 7)).requeue == Backoff(7)


def test_its_own_condition_does_not_name_it() -> None:
    end = settled(STORE_INVALID, Refused("no", about='SecretStore "st"'))
    assert end.status is not None
    assert end.status.status["conditions"][0]["message"] == "unable to validate store: denied"


def test_a_tenth_of_the_interval_is_enough() -> None:
    """Exactly so much is kept, and not put off by a whole interval."""
    now = Instant(-6 * MINUTE)  # the moment of an empty uid is the start of the interval
    assert next_validation("", 60 * MINUTE, now) == Instant(0)
    assert next_validation("", 60 * MINUTE, Instant(-6 * MINUTE + 1)) == Instant(60 * MINUTE)


def test_unknown_counts_as_ready_and_warns() -> None:
    end = settled(STORE_UNKNOWN, Broken("x"), ref=CLUSTER_STORE)
    assert end.requeue == At(next_validation("store-uid", 5 * MINUTE, NOW))
    assert [(event.reason, event.warning, event.source) for event in end.events] == [("ValidationUnknown", True, "cluster-secret-store")]


def test_unmaintained_providers_are_told() -> None:
    assert [event.reason for event in settled(STORE_VALID, provider=fake.PROVIDER).events] == ["Valid", "StoreUnmaintained"]
    old = replace(fake.PROVIDER, maintained=True, deprecated=True)
    told = settled(STORE_VALID, provider=old).events
    assert [event.reason for event in told] == ["Valid", "StoreDeprecated"]
    assert told[1].message == "store is deprecated and will be removed on the next minor release. Please plan and prepare accordingly."
    quiet = settled(STORE_VALID, provider=fake.PROVIDER, meta={"annotations": {IGNORE_MAINTENANCE: "true"}})
    assert [event.reason for event in quiet.events] == ["Valid"]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (None, 5 * MINUTE),
        (0, 5 * MINUTE),
        (30, 30 * SECOND),
        ("", 5 * MINUTE),
        ("90s", 90 * SECOND),
        ("0s", 5 * MINUTE),
        ("30", InvalidSpec("is neither seconds nor a duration such as 1h30m", "spec.refreshInterval")),
        ("-1s", InvalidSpec("must not be negative", "spec.refreshInterval")),
        (-1, InvalidSpec("must not be negative", "spec.refreshInterval")),
    ],
)
def test_interval(interval: object, expected: object) -> None:
    store = parse_store(raw(store_manifest(spec={} if interval is None else {"refreshInterval": interval}))).unwrap()
    assert validation_interval(store, Config()) == expected


def test_an_unusable_interval_is_a_verdict() -> None:
    end = settled(STORE_VALID, spec={"refreshInterval": "soon"})
    assert (end.because, end.requeue) == (STORE_CLIENT_FAILED, Backoff())
    assert isinstance(end.detail, InvalidSpec)
