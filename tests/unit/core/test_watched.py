"""What is kept of an object, and whose pass its change makes worthwhile."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.machines.cache import Cache, Change, Packed
from eso_core.machines.turns import Reason
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Kind, Ref
from eso_core.target import MANAGED_LABEL, OWNER_LABEL
from eso_core.watched import BY_TARGET, watched
from tests.unit.core.objects import KEY, NAME, NS, STORE, es_manifest, raw, secret_manifest, store_manifest

RULES = {rule.kind: rule for rule in watched()}
MANIFESTS: dict[Kind, dict[str, Any]] = {EXTERNAL_SECRET: es_manifest(), SECRET: secret_manifest(), SECRET_STORE: store_manifest()}


def packed(kind: Kind, manifest: dict[str, Any]) -> Packed:
    made = RULES[kind].pack(raw(manifest))
    assert made is not None
    return made


def with_meta(manifest: dict[str, Any], **meta: Any) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], **meta}}


def test_stores_come_first_and_only_managed_secrets_are_watched() -> None:
    assert list(RULES) == [CLUSTER_SECRET_STORE, SECRET_STORE, SECRET, EXTERNAL_SECRET]
    assert {kind: rule.selector for kind, rule in RULES.items() if rule.selector} == {SECRET: f"{MANAGED_LABEL}=true"}


def test_secrets_are_kept_without_values() -> None:
    made = packed(SECRET, secret_manifest({"k": b"s3cr3t"}, meta={"labels": {OWNER_LABEL: "h"}}))
    assert b"czNjcjN0" not in made.raw
    assert made.indexed == ((OWNER_LABEL, "h"),)
    assert (made.ref, made.version) == (Ref(SECRET, NS, NAME), 5)


@pytest.mark.parametrize(("target", "name"), [({}, NAME), ({"name": "other"}, "other"), ({"name": ""}, NAME), ({"name": ["x"]}, NAME)])
def test_external_secrets_are_found_by_target(target: dict[str, Any], name: str) -> None:
    assert packed(EXTERNAL_SECRET, es_manifest(target=target)).indexed == ((BY_TARGET, name),)


@pytest.mark.parametrize("kind", [EXTERNAL_SECRET, SECRET_STORE])
def test_managed_fields_are_dropped(kind: Kind) -> None:
    assert b"managedFields" not in packed(kind, with_meta(MANIFESTS[kind], managedFields=[{"manager": "x"}])).raw


@pytest.mark.parametrize("kind", [EXTERNAL_SECRET, SECRET_STORE])
@pytest.mark.parametrize(
    ("change", "matters"),
    [
        ({"generation": 2}, True),
        ({"labels": {"a": "b"}}, True),
        ({"annotations": {"a": "b"}}, True),
        ({"finalizers": ["x"]}, True),
        ({"deletionTimestamp": "2026-01-01T00:00:00Z"}, True),
        ({"ownerReferences": [{"name": "x"}]}, False),
        ({}, False),
    ],
)
def test_what_matters(kind: Kind, change: dict[str, Any], matters: bool) -> None:
    before = packed(kind, MANIFESTS[kind])
    told = {"type": "Ready", "status": "False", "reason": "x", "message": "y"}
    status = {"conditions": [told]} if MANIFESTS[kind].get("status", {}).get("conditions") else {"conditions": []}
    after = packed(kind, {**with_meta(MANIFESTS[kind], resourceVersion="99", **change), "status": status})
    assert Change(before.ref, before, after).matters is matters


@pytest.mark.parametrize("kind", [EXTERNAL_SECRET, SECRET_STORE])
def test_a_status_that_somebody_has_wiped_matters(kind: Kind) -> None:
    """An object that is due once only would stay without a condition for ever."""
    ready = {"type": "Ready", "status": "True", "reason": "x", "message": "y"}
    before = packed(kind, {**MANIFESTS[kind], "status": {"conditions": [ready]}})
    after = packed(kind, {**with_meta(MANIFESTS[kind], resourceVersion="99"), "status": {}})
    assert Change(before.ref, before, after).matters


def test_absent_and_empty_are_one() -> None:
    """Reference: ``shouldEnqueueExternalSecretUpdate``."""
    before = packed(EXTERNAL_SECRET, es_manifest())
    after = packed(EXTERNAL_SECRET, with_meta(es_manifest(), resourceVersion="99", labels={}, annotations={}, finalizers=[]))
    assert not Change(before.ref, before, after).matters


def test_every_version_of_a_secret_matters() -> None:
    before, after = packed(SECRET, secret_manifest()), packed(SECRET, with_meta(secret_manifest(), resourceVersion="6"))
    assert Change(before.ref, before, after).matters


@pytest.mark.parametrize(
    "odd",
    [b"", b"[]", b"1", b"{}", b"\xff", b'{"metadata":[]}', b'{"metadata":{"name":"x"}}', b'{"metadata":{"name":1,"resourceVersion":"1"}}'],
)
@pytest.mark.parametrize("kind", list(RULES))
def test_what_is_no_object_is_not_kept(kind: Kind, odd: bytes) -> None:
    assert RULES[kind].pack(odd) is None


def test_who_is_woken() -> None:
    cache = Cache()
    cache.put(packed(EXTERNAL_SECRET, es_manifest(target={"name": "s"})), told=True)
    cache.put(packed(EXTERNAL_SECRET, es_manifest(meta={"name": "s"})), told=True)
    cache.put(packed(EXTERNAL_SECRET, es_manifest(meta={"name": "s", "namespace": "other"})), told=True)
    secret = Change(Ref(SECRET, NS, "s"), None, None)
    assert list(RULES[SECRET].wakes(secret, cache)) == [Ref(EXTERNAL_SECRET, NS, NAME), Ref(EXTERNAL_SECRET, NS, "s")]
    assert list(RULES[EXTERNAL_SECRET].wakes(Change(KEY, None, None), cache)) == [KEY]
    assert list(RULES[SECRET_STORE].wakes(Change(STORE, None, None), cache)) == [STORE]


def test_versions_that_are_no_numbers_count_as_nothing() -> None:
    assert packed(SECRET, with_meta(secret_manifest(), resourceVersion="v1x")).version == 0


class TestClasses:
    """A new object is one that turns up and was never synced."""

    NEW = es_manifest()
    SYNCED = {**es_manifest(), "status": {"syncedResourceVersion": "1-abc"}}

    def why(self, kind: Kind, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Reason:
        states = [packed(kind, each) if each is not None else None for each in (before, after)]
        return RULES[kind].why(Change(KEY, *states))

    def test_external_secrets(self) -> None:
        assert self.why(EXTERNAL_SECRET, None, self.NEW) is Reason.NEW
        assert self.why(EXTERNAL_SECRET, None, self.SYNCED) is Reason.REFRESH
        assert self.why(EXTERNAL_SECRET, self.NEW, self.SYNCED) is Reason.CHANGED
        assert self.why(EXTERNAL_SECRET, self.SYNCED, None) is Reason.CHANGED

    def test_a_text_that_looks_like_it(self) -> None:
        assert self.why(EXTERNAL_SECRET, None, with_meta(self.NEW, annotations={"a": '"syncedResourceVersion":"1"'})) is Reason.NEW

    def test_targets(self) -> None:
        target = secret_manifest()
        assert self.why(SECRET, None, target) is Reason.REFRESH
        assert self.why(SECRET, target, target) is Reason.CHANGED
        assert self.why(SECRET, target, None) is Reason.CHANGED

    def test_stores_come_before_all(self) -> None:
        assert {kind for kind, rule in RULES.items() if rule.first} == {CLUSTER_SECRET_STORE, SECRET_STORE}
