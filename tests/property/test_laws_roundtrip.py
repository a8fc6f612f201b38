"""Laws of the ways there and back: what is sent is what is seen."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from eso_core.compat.gotime import format_time, parse_time
from eso_core.instant import SECOND, Instant
from eso_core.machines.apply import call_of, manifest_of
from eso_core.plan import CreateTarget, SecretBody, UpdateTarget
from eso_core.refs import SECRET, Ref
from eso_core.stages.reconcile import Observed, reconcile
from eso_core.target import digest, see_target
from tests.property.strategies import core as made
from tests.unit.core.objects import NAME, NS, raw, revealed

REF = Ref(SECRET, NS, NAME)


class TestTargets:
    @given(made.observations())
    def test_what_is_sent_is_seen(self, seen: Observed) -> None:
        """``see_target`` of ``manifest_of`` of a Secret is that Secret, whole and digested, and it is in sync."""
        for step in reconcile(seen).steps:
            if not isinstance(step.action, CreateTarget | UpdateTarget):
                continue
            desired = step.action.desired
            at = step.action.at if isinstance(step.action, UpdateTarget) else None
            manifest = manifest_of(desired, at)
            for form in (manifest, digest(manifest)):
                again = see_target(desired.ref, raw(form))
                assert (dict(again.labels), dict(again.annotations)) == (dict(desired.labels), dict(desired.annotations))
                assert ([dict(o) for o in again.owners], again.finalizers) == ([dict(o) for o in desired.owners], desired.finalizers)
                assert again.in_sync
                assert at is None or again.version == at
            assert json.loads(call_of(step.action).body or b"") == manifest
            assert isinstance(desired.body, SecretBody)
            whole = see_target(desired.ref, raw(manifest))
            assert whole.values is not None
            assert revealed(whole.values) == revealed(desired.body.data)

    @given(made.secrets())
    def test_digests(self, manifest: dict[str, Any]) -> None:
        """A digest differs from its Secret in having no values, and is its own digest's equal in all that is decided upon."""
        whole, short = see_target(REF, raw(manifest)), see_target(REF, raw(digest(manifest)))
        assert short.values is None
        assert whole.data_hash == short.data_hash
        assert whole.in_sync == short.in_sync
        for field in ("version", "labels", "annotations", "owners", "finalizers", "managed_fields", "deleting", "kind", "immutable"):
            assert getattr(whole, field) == getattr(short, field)


class TestTimes:
    @given(st.integers(-(10**10), 10**11))
    def test_seconds(self, seconds: int) -> None:
        assert parse_time(format_time(seconds * SECOND)).unwrap() == seconds * SECOND

    @given(made.instants())
    def test_fractions_are_cut_off(self, at: Instant) -> None:
        back = Instant(parse_time(format_time(at.ns)).unwrap())
        assert 0 <= at.since(back) < SECOND
