"""Targets as they are in the cluster."""

from __future__ import annotations

from eso_core.compat.hash import data_hash
from eso_core.plan import Version
from eso_core.target import digest
from tests.unit.core.objects import NAME, owner, raw, revealed, secret_manifest, seen


def test_whole() -> None:
    meta = {
        "ownerReferences": [{**owner("x"), "controller": False}, owner()],
        "finalizers": ["f/g"],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
    }
    target = seen(secret_manifest({"k": b"v"}, meta=meta, immutable=True))
    assert (target.version, target.kind, target.immutable, target.deleting) == (Version(f"{NAME}-uid", "5"), "Opaque", True, True)
    assert (target.controller, target.finalizers) == (owner(), ("f/g",))
    assert target.values is not None
    assert revealed(target.values) == {"k": b"v"}


def test_a_digest_keeps_everything_but_the_values() -> None:
    manifest = secret_manifest({"k": b"s3cr3t"})
    whole, short = seen(manifest), seen(manifest, whole=False)
    assert short.values is None
    assert short.data_hash == whole.data_hash == data_hash({"k": b"s3cr3t"})
    assert (short.labels, short.annotations, short.version) == (whole.labels, whole.annotations, whole.version)
    assert b"s3cr3t" not in raw(digest(manifest))
    assert b"czNjcjN0" not in raw(digest(manifest))
    assert set(digest(manifest)) == {"metadata", "type", "dataHash"}


def test_in_sync() -> None:
    assert seen(secret_manifest({"k": b"v"})).in_sync
    assert not seen(secret_manifest({"k": b"v"}, hashed="x")).in_sync
    assert not seen(secret_manifest({"k": b"v"}, managed=False)).in_sync
    assert not seen(secret_manifest({"k": b"v"}, meta={"labels": {"reconcile.external-secrets.io/managed": "false"}})).in_sync


def test_values_that_are_no_base64_count_as_empty() -> None:
    manifest = {**secret_manifest(), "data": {"a": "!", "b": None, "c": 5, "d": "YQ=="}}
    target = seen(manifest)
    assert target.values is not None
    assert revealed(target.values) == {"a": b"", "b": b"", "c": b"", "d": b"a"}
    assert seen({**secret_manifest(), "data": None}).values == {}


def test_managed_names() -> None:
    fields = [
        {"manager": "me", "fieldsV1": {"f:data": {".": {}, "f:a": {}, "k:b": {}}}},
        {"manager": "me", "operation": "Apply", "fieldsV1": {"f:data": {"f:c": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}},
        {"manager": "other", "fieldsV1": {"f:data": {"f:z": {}}}},
        {"manager": "me"},
        {"manager": "me", "fieldsV1": {"f:data": None}},
        {"manager": "me", "fieldsV1": {"f:data": "y", "f:metadata": {"f:labels": 1}}},
        {"manager": "me", "fieldsV1": {"f:metadata": "y"}},
        {"manager": "me", "fieldsV1": ["f:data"]},
    ]
    target = seen(secret_manifest(meta={"managedFields": fields}))
    assert target.managed("me", "data") == {"a", "c", "k:b"}
    assert target.managed("me", "metadata", "labels") == {"l"}
    assert target.managed("nobody", "data") == frozenset()


def test_annotations_are_in_no_repr() -> None:
    """kubectl keeps the last applied manifest there, values included."""
    target = seen(secret_manifest(meta={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "s3cr3t"}}))
    assert "s3cr3t" not in repr(target)
