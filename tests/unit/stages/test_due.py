"""When a pass over an ExternalSecret is worth anything."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.api import ExternalSecret
from eso_core.instant import HOUR, SECOND, Instant
from eso_core.plan import At, OnChange
from eso_core.stages.due import SPREAD_MAX, Due, NotDue, Overtaken, due, next_refresh, spread_of, unusable_interval, version_of
from eso_core.target import TargetSeen
from tests.unit.core.objects import NAME, at, es_manifest, es_of, owner, secret_manifest, seen

NOW = at("2026-01-01T12:00:00Z")
CURRENT = version_of(es_of())
NO_SPREAD = {"uid": ""}
INTACT = seen(secret_manifest({"k": b"v"}), whole=False)
EDITED = seen(secret_manifest({"k": b"v"}, hashed="0" * 56), whole=False)
UNMANAGED = seen(secret_manifest({"k": b"v"}, managed=False), whole=False)


def es(
    policy: str = "Periodic", interval: str = "1h", *, synced: str = CURRENT, refreshed: str = "", creation: str = "Owner"
) -> ExternalSecret:
    status = {"syncedResourceVersion": synced, **({"refreshTime": refreshed} if refreshed else {})}
    spec = {"refreshPolicy": policy, "refreshInterval": interval}
    return es_of(meta=NO_SPREAD, spec=spec, target={"creationPolicy": creation}, status=status)


def is_due(made: ExternalSecret, target: TargetSeen | None = INTACT, now: Instant = NOW) -> bool:
    return isinstance(due(made, target, now), Due)


BEFORE, LONG_BEFORE, LATER = "2026-01-01T11:30:00Z", "2026-01-01T10:00:00Z", "2026-01-01T12:00:01Z"

TABLE = [
    # policy, interval, synced, refreshed, due
    ("CreatedOnce", "1h", "", "", True),
    ("CreatedOnce", "1h", CURRENT, "", True),
    ("CreatedOnce", "1h", "", LONG_BEFORE, True),
    ("CreatedOnce", "1h", CURRENT, LONG_BEFORE, False),
    ("CreatedOnce", "1h", "1-other", LONG_BEFORE, False),
    ("OnChange", "1h", "", LONG_BEFORE, True),
    ("OnChange", "1h", "1-other", LONG_BEFORE, True),
    ("OnChange", "1h", CURRENT, "", True),
    ("OnChange", "1h", CURRENT, LONG_BEFORE, False),
    ("Periodic", "1h", "", "", True),
    ("Periodic", "1h", "1-other", BEFORE, True),
    ("Periodic", "1h", CURRENT, "", True),
    ("Periodic", "1h", CURRENT, BEFORE, False),
    ("Periodic", "1h", CURRENT, LONG_BEFORE, True),
    ("Periodic", "1h", CURRENT, LATER, True),
    ("Periodic", "10m", CURRENT, BEFORE, True),
    ("Periodic", "0", "", "", True),
    ("Periodic", "0", CURRENT, LONG_BEFORE, False),
    ("Periodic", "0", "1-other", LONG_BEFORE, False),
    ("Periodic", "-5m", CURRENT, LATER, False),
    ("Periodic", "0s", "", LONG_BEFORE, True),
]


class TestRefresh:
    """The reference's table, with a target that is as it was left."""

    @pytest.mark.parametrize(("policy", "interval", "synced", "refreshed", "expected"), TABLE)
    def test_table(self, policy: str, interval: str, synced: str, refreshed: str, expected: bool) -> None:
        assert is_due(es(policy, interval, synced=synced, refreshed=refreshed)) is expected

    def test_without_a_policy_it_is_periodic(self) -> None:
        made = es_of(status={"syncedResourceVersion": CURRENT, "refreshTime": LONG_BEFORE})
        assert is_due(made)
        assert not is_due(es_of(status={"syncedResourceVersion": CURRENT, "refreshTime": BEFORE}))

    @pytest.mark.parametrize("change", [{"labels": {"a": "b"}}, {"annotations": {"force-sync": "1"}}, {"generation": 2}])
    def test_a_change_of_spec_or_metadata_counts(self, change: dict[str, Any]) -> None:
        assert is_due(es_of(meta=change, status={"syncedResourceVersion": CURRENT, "refreshTime": BEFORE}))

    def test_finalizers_do_not_count(self) -> None:
        assert not is_due(es_of(meta={"finalizers": ["x/y"]}, status={"syncedResourceVersion": CURRENT, "refreshTime": BEFORE}))

    def test_an_unusable_interval_is_told_and_counts_as_an_hour(self) -> None:
        made = es(interval="soon", refreshed=BEFORE)
        assert unusable_interval(made)
        assert not is_due(made)
        assert not unusable_interval(es())


class TestDrift:
    """A target that is missing or was edited is due, whatever the policy says."""

    @pytest.mark.parametrize("policy", ["CreatedOnce", "OnChange", "Periodic"])
    @pytest.mark.parametrize("target", [None, EDITED, UNMANAGED], ids=["missing", "edited", "unmanaged"])
    @pytest.mark.parametrize("creation", ["Owner", "Merge", "CreateOrMerge"])
    def test_is_due(self, policy: str, target: TargetSeen | None, creation: str) -> None:
        assert is_due(es(policy, refreshed=BEFORE, creation=creation), target)

    @pytest.mark.parametrize("creation", ["Orphan", "None"])
    @pytest.mark.parametrize("target", [None, EDITED, UNMANAGED], ids=["missing", "edited", "unmanaged"])
    def test_is_not_looked_at(self, creation: str, target: TargetSeen | None) -> None:
        assert not is_due(es(refreshed=BEFORE, creation=creation), target)

    def test_an_interval_of_zero_repairs(self) -> None:
        assert is_due(es(interval="0", refreshed=BEFORE), EDITED)
        assert not is_due(es(interval="0", refreshed=BEFORE), INTACT)

    def test_a_target_that_was_waited_for(self) -> None:
        """creationPolicy Merge, and somebody else has made the Secret since."""
        ready = {"type": "Ready", "status": "True", "reason": "SecretMissing"}
        status = {"syncedResourceVersion": CURRENT, "refreshTime": BEFORE, "conditions": [ready]}
        made = es_of(target={"creationPolicy": "Merge"}, status=status)
        assert is_due(made, INTACT)


class TestFailed:
    """No failure outlives its cause; objects that are fetched once are not fetched again for it."""

    FAILED = [{"type": "Ready", "status": "False", "reason": "SecretSyncedError"}]
    MINE = seen(secret_manifest({"k": b"v"}, meta={"ownerReferences": [owner()]}), whole=False)

    def verdict(self, target: TargetSeen | None, creation: str = "Owner", **spec: str) -> object:
        status = {"syncedResourceVersion": CURRENT, "refreshTime": BEFORE, "conditions": self.FAILED}
        return due(es_of(spec=spec, target={"creationPolicy": creation}, status=status), target, NOW)

    @pytest.mark.parametrize("spec", [{}, {"refreshPolicy": "OnChange"}])
    def test_is_due(self, spec: dict[str, str]) -> None:
        assert self.verdict(self.MINE, **spec) == Due("the last pass failed")

    @pytest.mark.parametrize("spec", [{"refreshPolicy": "CreatedOnce"}, {"refreshInterval": "0"}])
    def test_fetched_once(self, spec: dict[str, str]) -> None:
        assert self.verdict(self.MINE, **spec) == Overtaken(at(BEFORE))
        assert self.verdict(INTACT, "Merge", **spec) == Overtaken(at(BEFORE))
        assert isinstance(self.verdict(EDITED, **spec), Due)
        assert isinstance(self.verdict(None, **spec), Due)

    def test_of_somebody_else(self) -> None:
        theirs = seen(secret_manifest({"k": b"v"}, meta={"ownerReferences": [owner("other", uid="x")]}), whole=False)
        assert self.verdict(theirs, refreshPolicy="CreatedOnce") == NotDue(OnChange())


class TestNext:
    """The wait ends at the first instant that is due: neither earlier, which would spin, nor later."""

    def test_periodic(self) -> None:
        made = es(interval="1h", refreshed=BEFORE)
        verdict = due(made, INTACT, NOW)
        assert verdict == NotDue(At(at(BEFORE).plus(HOUR + 1)))

    def test_the_end_of_the_wait_is_due_and_not_before(self) -> None:
        made = es(interval="90s", refreshed="2026-01-01T12:00:00Z")
        verdict = due(made, INTACT, NOW)
        assert isinstance(verdict, NotDue)
        assert isinstance(verdict.requeue, At)
        assert is_due(made, now=verdict.requeue.when)
        assert not is_due(made, now=verdict.requeue.when.plus(-1))
        assert verdict.requeue.when > NOW.plus(90 * SECOND)

    @pytest.mark.parametrize(("policy", "interval"), [("CreatedOnce", "1h"), ("OnChange", "1h"), ("Periodic", "0"), ("Periodic", "-1s")])
    def test_nothing_to_wait_for(self, policy: str, interval: str) -> None:
        made = es(policy, interval, refreshed=LONG_BEFORE)
        assert due(made, INTACT, NOW) == NotDue(OnChange())
        assert next_refresh(made, NOW, NOW) == OnChange()

    def test_a_refresh_in_the_future_is_repeated_at_once(self) -> None:
        assert next_refresh(es(), NOW.plus(SECOND), NOW) == At(NOW)

    def test_never_refreshed_is_a_whole_interval_away(self) -> None:
        assert next_refresh(es(), None, NOW) == At(NOW.plus(HOUR))


def test_version_is_generation_and_hash() -> None:
    """The vector of the reference for no labels and no annotations."""
    assert CURRENT == "1-f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2"
    assert es_manifest()["metadata"]["name"] == NAME


class TestSpread:
    """Objects that were made at one moment are not refreshed at one moment for ever."""

    def objects(self, interval: str) -> list[ExternalSecret]:
        return [es_of(meta={"uid": f"uid-{n}"}, spec={"refreshInterval": interval}) for n in range(200)]

    @pytest.mark.parametrize(("interval", "length", "most"), [("30s", 30 * SECOND, 3 * SECOND), ("24h", 24 * HOUR, SPREAD_MAX)])
    def test_late_by_a_tenth_at_most(self, interval: str, length: int, most: int) -> None:
        late = [spread_of(made, length) for made in self.objects(interval)]
        assert 0 <= min(late) < most / 20
        assert most * 19 / 20 < max(late) < most
        assert sum(most / 2 > one for one in late) in range(70, 131)

    def test_due_and_the_next_pass_agree(self) -> None:
        for made in self.objects("1h"):
            at_last = next_refresh(made, NOW, NOW)
            assert isinstance(at_last, At)
            done = made.model_copy(update={"status": es(refreshed="2026-01-01T12:00:00Z", synced=version_of(made)).status})
            assert not is_due(done, now=at_last.when.plus(-1))
            assert is_due(done, now=at_last.when)


class TestSyncWindows:
    """They hold back periodic refreshes, and nothing else."""

    NOON = {"schedule": "0 12 * * *", "duration": "1h"}  # NOW lies in it

    def windowed(self, kind: str, *windows: dict[str, str], refreshed: str = LONG_BEFORE, synced: str = CURRENT) -> ExternalSecret:
        spec = {"refreshInterval": "1h", "syncWindows": {"kind": kind, "windows": list(windows)}}
        return es_of(meta=NO_SPREAD, spec=spec, status={"syncedResourceVersion": synced, "refreshTime": refreshed})

    @pytest.mark.parametrize(
        ("kind", "window", "expected"),
        [
            ("allow", NOON, True),
            ("deny", NOON, False),
            ("allow", {"schedule": "0 3 * * *", "duration": "1h"}, False),
            ("deny", {"schedule": "0 3 * * *", "duration": "1h"}, True),
            ("allow", {"schedule": "61 * * * *", "duration": "1h"}, False),
            ("deny", {"schedule": "0 12 * * *", "duration": "soon"}, True),
        ],
    )
    def test_due(self, kind: str, window: dict[str, str], expected: bool) -> None:
        assert is_due(self.windowed(kind, window)) is expected

    def test_a_closed_window_is_looked_at_again_in_a_minute(self) -> None:
        assert due(self.windowed("deny", self.NOON), INTACT, NOW) == NotDue(At(NOW.plus(60 * SECOND)))

    def test_before_the_interval_is_over_the_wait_is_the_interval(self) -> None:
        assert due(self.windowed("deny", self.NOON, refreshed=BEFORE), INTACT, NOW) == NotDue(At(at(BEFORE).plus(HOUR + 1)))

    def test_changes_and_drift_pass(self) -> None:
        assert is_due(self.windowed("deny", self.NOON, synced="1-other"))
        assert is_due(self.windowed("deny", self.NOON), EDITED)
