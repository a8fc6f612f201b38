"""What an ExternalSecret leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.compat.hash import owner_label
from eso_core.plan import DeleteTarget, SetFinalizers, Version
from eso_core.refs import SECRET, Ref
from eso_core.stages.depart import FINALIZER, depart, wants_finalizer
from tests.unit.core.objects import KEY, NAME, NS, es_of, owned, owner, seen

OURS = owned({"k": b"v"}, owner_label=owner_label(NS, NAME))
GONE = "2026-01-01T00:00:00Z"
LET_GO = SetFinalizers(KEY, Version("es-uid", "7"), ("other/x",))
DELETE = DeleteTarget(Ref(SECRET, NS, NAME), Version(f"{NAME}-uid", "5"))


def left(policy: str, target: dict[str, Any] | None, finalizers: tuple[str, ...] = (FINALIZER, "other/x")) -> list[object]:
    made = es_of(target={"deletionPolicy": policy}, meta={"finalizers": list(finalizers), "deletionTimestamp": GONE})
    return list(depart(made, None if target is None else seen(target)))


def test_our_target_goes_before_the_finalizer() -> None:
    assert left("Delete", OURS) == [DELETE, LET_GO]


@pytest.mark.parametrize("policy", ["Retain", "Merge"])
def test_other_policies_leave_it(policy: str) -> None:
    assert left(policy, OURS) == [LET_GO]


@pytest.mark.parametrize(
    "references", [[], [owner(uid="other")], [{**owner(), "controller": False}], [owner("x", uid="y", kind="Deployment", group="apps/v1")]]
)
def test_what_this_very_object_does_not_control_stays(references: list[Any]) -> None:
    assert left("Delete", {**OURS, "metadata": {**OURS["metadata"], "ownerReferences": references}}) == [LET_GO]


def test_missing_or_going_already() -> None:
    assert left("Delete", None) == [LET_GO]
    assert left("Delete", {**OURS, "metadata": {**OURS["metadata"], "deletionTimestamp": GONE}}) == [LET_GO]


def test_without_our_finalizer_there_is_none_to_remove() -> None:
    assert left("Retain", OURS, ("other/x",)) == []


@pytest.mark.parametrize(
    ("policy", "held", "wants"), [("Delete", [], True), ("Delete", [FINALIZER], False), ("Retain", [], False), ("Merge", [], False)]
)
def test_who_gets_a_finalizer(policy: str, held: list[str], wants: bool) -> None:
    assert wants_finalizer(es_of(target={"deletionPolicy": policy}, meta={"finalizers": held})) is wants
