"""Whose a target is: the words, and the Secrets that are claimed before they are judged."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core import because
from eso_core.compat.hash import field_owner, owner_label
from eso_core.failure import Refused
from eso_core.plan import ManifestBody, MarkTarget, SecretBody, Version
from eso_core.refs import CONFIG_MAP, SECRET, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.marks import claim, content_hash, is_ours, owned_labels, owners_of, refusal
from eso_core.target import MANAGED_LABEL, OWNER_LABEL, TargetSeen, see_target
from tests.unit.core.objects import NAME, NS, es_of, owner, raw

GENERIC = {"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}
GONE = "2026-01-01T00:00:00Z"


def target(ref: Ref = Ref(SECRET, NS, NAME), **meta: Any) -> TargetSeen:
    return see_target(ref, raw({"metadata": {"name": ref.name, "uid": "u", "resourceVersion": "5", **meta}}))


@pytest.mark.parametrize(
    ("seen", "claimed"),
    [
        (target(), True),
        (target(labels={MANAGED_LABEL: "false", "a": "b"}), True),
        (target(labels={MANAGED_LABEL: "true"}), False),
        (target(deletionTimestamp=GONE), False),
        (target(Ref(CONFIG_MAP, NS, NAME)), False),
    ],
    ids=["bare", "no longer managed", "managed", "going", "no secret"],
)
def test_what_is_claimed(seen: TargetSeen, claimed: bool) -> None:
    mark = MarkTarget(seen.ref, field_owner(NAME), Version("u", "5"), labels={MANAGED_LABEL: "true"})
    assert claim(es_of(), seen) == (mark if claimed else None)


@pytest.mark.parametrize(
    ("reference", "policy", "expected"),
    [
        (owner("other", uid="x"), "Owner", (because.OWNED_BY_OTHER, Refused("secret is owned by another ExternalSecret: other"))),
        (owner("other", uid="x"), "Merge", (because.OWNED_BY_OTHER, Refused("secret is owned by another ExternalSecret: other"))),
        (
            owner("web", uid="x", kind="Deployment", group="apps/v1"),
            "Owner",
            (because.OWNERSHIP_FAILED, Refused("target is owned by another controller: Deployment web")),
        ),
        (owner("web", uid="x", kind="Deployment", group="apps/v1"), "Merge", None),
        (
            owner(NAME, kind="ExternalSecret", group="apps/v1"),
            "Owner",
            (because.OWNERSHIP_FAILED, Refused(f"target is owned by another controller: ExternalSecret {NAME}")),
        ),
        (
            owner("x", kind="ClusterExternalSecret"),
            "Owner",
            (because.OWNERSHIP_FAILED, Refused("target is owned by another controller: ClusterExternalSecret x")),
        ),
        (owner(uid="before"), "Owner", None),
        ({**owner("other", uid="x"), "controller": False}, "Owner", None),
        ({"controller": True}, "Owner", (because.OWNERSHIP_FAILED, Refused("target is owned by another controller: None None"))),
    ],
)
def test_another_owner(reference: dict[str, Any], policy: str, expected: object) -> None:
    assert refusal(es_of(target={"creationPolicy": policy}), target(ownerReferences=[reference])) == expected


def test_a_missing_target_has_no_owner() -> None:
    assert refusal(es_of(), None) is None


def test_verdicts_on_other_targets_speak_of_resources() -> None:
    found = refusal(es_of(target=GENERIC), target(Ref(CONFIG_MAP, NS, NAME), ownerReferences=[owner("other", uid="x")]))
    assert found == (because.RESOURCE_OWNED, Refused("secret is owned by another ExternalSecret: other"))


@pytest.mark.parametrize(
    ("meta", "ours"),
    [
        ({"labels": {MANAGED_LABEL: "true"}}, True),
        ({"ownerReferences": [owner()]}, True),
        ({"ownerReferences": [owner("web", kind="Deployment", group="apps/v1"), owner(uid="before")]}, True),
        ({"ownerReferences": [owner("other")]}, False),
        ({"ownerReferences": [owner(kind="PushSecret")]}, False),
        ({"ownerReferences": [owner(group="example.org/v1")]}, False),
        ({"ownerReferences": [{"name": NAME}]}, False),
        ({}, False),
    ],
)
def test_what_is_ours(meta: dict[str, Any], ours: bool) -> None:
    assert is_ours(es_of(), target(**meta)) is ours


@pytest.mark.parametrize("policy", ["Owner", "Orphan", "Merge", "CreateOrMerge", "None"])
def test_labels_and_owners(policy: str) -> None:
    es = es_of(target={"creationPolicy": policy})
    bare, other = {"a": "b", MANAGED_LABEL: "true"}, owner("web", uid="x", kind="Deployment", group="apps/v1")
    owned = policy == "Owner"
    assert owned_labels(es, {"a": "b", OWNER_LABEL: "forged"}) == {**bare, **({OWNER_LABEL: owner_label(NS, NAME)} if owned else {})}
    assert owners_of(es, (owner(uid="before"), other)) == ((owner(), other) if owned else (other,))
    assert owners_of(es, (other,)) == ((other, owner()) if owned else (other,))


def test_hashes() -> None:
    """Of the data of a Secret, of ``spec`` or ``data`` of anything else, and none where there is neither."""
    assert content_hash(SecretBody({"a": SecretBytes(b"1")})) == "eb5ab2676d1ed4009bcd06b409f718cb6e49a8e80907334f80d01648"
    assert content_hash(ManifestBody({"data": {"a": "1"}})) == content_hash(ManifestBody({"spec": {"a": "1"}, "data": {"b": "2"}}))
    assert content_hash(ManifestBody({"kind": "x"})) == ""
