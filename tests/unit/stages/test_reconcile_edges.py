"""The decision in full: what has to be looked at, what is written to Secrets that cannot change, and what is said of other targets."""

from __future__ import annotations

from typing import Any

import pytest
from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core import because
from eso_core.compat.hash import data_hash, field_owner, owner_label
from eso_core.failure import Failure, InvalidSpec, Refused
from eso_core.plan import Action, CreateTarget, DeleteTarget, Event, MarkTarget, Plan, Step, UpdateTarget, Version
from eso_core.refs import CONFIG_MAP, SECRET, Kind, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.decode import Decoded
from eso_core.stages.reconcile import Observed, needs_look, reconcile
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL, OWNER_LABEL, TargetSeen, see_target
from tests.unit.core.objects import KEY, NAME, NS, es_of, owned, owner, raw, secret_manifest, seen

LABEL = owner_label(NS, NAME)
DATA = {"k": b"v"}
VALUES = {"k": SecretBytes(b"v")}
MINE = owned(DATA, owner_label=LABEL)
MAP: dict[str, Any] = {"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}
OWNED = {MANAGED_LABEL: "true", OWNER_LABEL: LABEL}


def plan(
    target: TargetSeen | None = None,
    values: dict[str, SecretBytes] = VALUES,
    *,
    missing: tuple[str, ...] = (),
    orphans: tuple[TargetSeen, ...] = (),
    kind: Kind = SECRET,
    **spec: Any,
) -> Plan:
    decoded: Result[Decoded, Failure] = Success(Decoded(values, missing))
    return reconcile(Observed(external_secret=es_of(target=spec), decoded=decoded, target=target, orphans=orphans, kind=kind))


def told(reason: str, message: str) -> Event:
    return Event(about=KEY, uid="es-uid", reason=reason, message=message)


def actions(made: Plan) -> list[type[Action]]:
    return [type(step.action) for step in made.steps]


class TestLook:
    """What the cache knows is enough, but for foreign keys, and for Secrets without our label that matter all the same."""

    @pytest.mark.parametrize(
        ("spec", "kind", "values", "missing", "looks"),
        [
            ({}, SECRET, VALUES, True, False),
            ({}, SECRET, VALUES, False, False),
            ({"creationPolicy": "Merge"}, SECRET, VALUES, False, True),
            ({"creationPolicy": "CreateOrMerge"}, CONFIG_MAP, VALUES, True, True),
            ({"deletionPolicy": "Delete"}, SECRET, {}, True, True),
            ({"deletionPolicy": "Delete"}, SECRET, {}, False, False),
            ({"deletionPolicy": "Delete"}, SECRET, VALUES, True, False),
            ({"deletionPolicy": "Delete"}, SECRET, None, True, False),
            ({"deletionPolicy": "Merge"}, SECRET, {}, True, False),
            ({"creationPolicy": "None"}, SECRET, VALUES, True, True),
            ({"creationPolicy": "None"}, SECRET, VALUES, False, False),
            ({"creationPolicy": "None"}, CONFIG_MAP, VALUES, True, False),
            ({"creationPolicy": "Orphan"}, SECRET, VALUES, True, False),
        ],
    )
    def test_table(self, spec: dict[str, str], kind: Kind, values: dict[str, SecretBytes] | None, missing: bool, looks: bool) -> None:
        decoded: Result[Decoded, Failure] = Bad(Refused("no")) if values is None else Success(Decoded(values))
        assert needs_look(es_of(target=spec), kind, decoded, None if missing else seen(MINE)) is looks


class TestFrozen:
    """``spec.target.immutable``, and Secrets that somebody else froze: their content stays, their marks are ours."""

    def test_the_whole_step(self) -> None:
        held = secret_manifest(DATA, hashed="0" * 56, meta={"labels": {"a": "b", OWNER_LABEL: "old"}, "ownerReferences": []})
        made = plan(seen(held), {"k": SecretBytes(b"new")}, immutable=True)
        mark = MarkTarget(
            Ref(SECRET, NS, NAME),
            field_owner(NAME),
            Version(f"{NAME}-uid", "5"),
            labels={OWNER_LABEL: LABEL},
            annotations={HASH_ANNOTATION: data_hash(DATA)},
            owners=(owner(),),
            immutable=True,
        )
        step = Step(action=mark, event=told("Updated", "secret updated"), otherwise=because.UPDATE_FAILED)
        assert made == Plan(steps=(step,), because=because.SYNCED, binding=NAME)

    @pytest.mark.parametrize(
        ("frozen", "hashed", "references", "written"),
        [
            (True, data_hash(DATA), [owner()], None),
            (False, data_hash(DATA), [owner()], ({}, None, True)),
            (True, "0" * 56, [owner()], ({HASH_ANNOTATION: data_hash(DATA)}, None, None)),
            (True, data_hash(DATA), [], ({}, (owner(),), None)),
        ],
    )
    def test_only_what_differs_is_written(self, frozen: bool, hashed: str, references: list[Any], written: Any) -> None:
        held = owned(DATA, owner_label=LABEL, hashed=hashed, immutable=frozen, meta={"ownerReferences": references})
        found = [step.action for step in plan(seen(held), immutable=True).steps]
        assert [(m.annotations, m.owners, m.immutable) for m in found if isinstance(m, MarkTarget)] == ([written] if written else [])

    def test_annotations_of_others_stay(self) -> None:
        held = owned(DATA, owner_label=LABEL, hashed="0" * 56, immutable=True, meta={"annotations": {"a": "b", HASH_ANNOTATION: "0"}})
        [step] = plan(seen(held), immutable=True).steps
        assert isinstance(step.action, MarkTarget)
        assert step.action.annotations == {HASH_ANNOTATION: data_hash(DATA)}

    def test_labels_that_go_are_patched_to_null(self) -> None:
        held = owned(DATA, owner_label=LABEL, immutable=True)
        [step] = plan(seen(held), immutable=True, creationPolicy="Orphan").steps
        assert isinstance(step.action, MarkTarget)
        assert (step.action.labels, step.action.owners) == ({OWNER_LABEL: None}, ())

    def test_a_target_to_come_is_rendered(self) -> None:
        assert actions(plan(None, immutable=True)) == [CreateTarget]
        assert actions(plan(see_target(Ref(CONFIG_MAP, NS, NAME), raw({})), immutable=True, kind=CONFIG_MAP, **MAP)) == [UpdateTarget]

    def test_orphans_go_all_the_same(self) -> None:
        orphan = seen(owned(DATA, name="former", owner_label=LABEL), whole=False)
        assert actions(plan(seen(MINE), immutable=True, orphans=(orphan,))) == [DeleteTarget, MarkTarget]

    def test_somebody_else_froze_it(self) -> None:
        held = owned({"k": b"old"}, owner_label=LABEL, hashed="0" * 56, immutable=True, meta={"labels": {}, "ownerReferences": []})
        made = plan(seen(held), template={"metadata": {"labels": {"l": "1"}, "finalizers": ["x/y"]}})
        mark = MarkTarget(
            Ref(SECRET, NS, NAME),
            field_owner(NAME),
            Version(f"{NAME}-uid", "5"),
            labels={"l": "1", OWNER_LABEL: LABEL},
            annotations={HASH_ANNOTATION: data_hash(DATA)},
            owners=(owner(),),
            finalizers=("x/y",),
        )
        assert made == Plan(
            steps=(Step(action=mark, otherwise=because.UPDATE_FAILED),),
            because=because.IMMUTABLE,
            detail=Refused("secret is immutable"),
            binding=NAME,
        )

    @pytest.mark.parametrize("part", ["finalizers", "owners", "labels"])
    def test_any_part_is_worth_a_write(self, part: str) -> None:
        references = [] if part == "owners" else [owner()]
        labels = {OWNER_LABEL: LABEL, **({"extra": "x"} if part == "labels" else {})}
        fields = [{"manager": field_owner(NAME), "fieldsV1": {"f:metadata": {"f:labels": {"f:extra": {}}}}}]
        meta = {"ownerReferences": references, "labels": labels, "managedFields": fields}
        held = secret_manifest({"k": b"old"}, hashed=data_hash(DATA), immutable=True, meta=meta)
        made = plan(seen(held), template={"metadata": {"finalizers": ["x/y"] if part == "finalizers" else []}})
        [step] = made.steps
        mark = step.action
        assert isinstance(mark, MarkTarget)
        assert (mark.finalizers, mark.owners, mark.labels) == (
            ("x/y",) if part == "finalizers" else None,
            (owner(),) if part == "owners" else None,
            {"extra": None} if part == "labels" else {},
        )


class TestResources:
    """Of targets that are no Secrets the events name kind and name, and the status has no binding."""

    HELD = {"metadata": {"name": NAME, "uid": "u", "resourceVersion": "1", "labels": OWNED, "ownerReferences": [owner()]}}

    def test_created(self) -> None:
        made = plan(None, kind=CONFIG_MAP, **MAP)
        assert [step.event for step in made.steps] == [told("Created", f"Created ConfigMap {NAME}")]
        assert (made.because, made.binding, made.steps[0].otherwise) == (because.RESOURCE_SYNCED, None, because.RESOURCE_UPDATE_FAILED)

    def test_updated(self) -> None:
        made = plan(see_target(Ref(CONFIG_MAP, NS, NAME), raw(self.HELD)), kind=CONFIG_MAP, **MAP)
        assert [step.event for step in made.steps] == [told("Updated", f"Updated ConfigMap {NAME}")]
        assert made.steps[0].otherwise is because.RESOURCE_UPDATE_FAILED

    def test_deleted(self) -> None:
        made = plan(see_target(Ref(CONFIG_MAP, NS, NAME), raw(self.HELD)), {}, kind=CONFIG_MAP, deletionPolicy="Delete", **MAP)
        assert [step.event for step in made.steps] == [told("Deleted", f"Deleted ConfigMap {NAME}")]
        assert (made.because, made.steps[0].otherwise) == (because.RESOURCE_DELETED, because.RESOURCE_DELETE_FAILED)

    def test_a_secret_may_be_named_as_a_resource(self) -> None:
        made = plan(None, manifest={"apiVersion": "v1", "kind": "Secret"})
        assert [step.event for step in made.steps] == [told("Created", f"Created Secret {NAME}")]
        assert made.binding is None

    def test_they_leave_no_orphans(self) -> None:
        orphan = seen(owned(DATA, name="former", owner_label=LABEL), whole=False)
        assert actions(plan(None, orphans=(orphan,), kind=CONFIG_MAP, **MAP)) == [CreateTarget]


class TestWords:
    def test_a_deletion_without_owning(self) -> None:
        made = plan(seen(MINE), {}, missing=("gone",), creationPolicy="Merge", deletionPolicy="Delete")
        detail = InvalidSpec("the secret is not deleted, since this object does not own it", "spec.target.creationPolicy")
        assert made == Plan(because=because.DELETE_NOT_OWNED, detail=detail, events=(told("MissingProviderSecret", "gone"),))

    def test_a_deletion_that_another_owner_forbids(self) -> None:
        held = secret_manifest(DATA, meta={"ownerReferences": [owner("other", uid="x")]})
        made = plan(seen(held), {}, missing=("gone",), deletionPolicy="Delete")
        detail = Refused("secret is owned by another ExternalSecret: other")
        assert made == Plan(because=because.OWNED_BY_OTHER, detail=detail, events=(told("MissingProviderSecret", "gone"),))

    def test_an_orphan(self) -> None:
        orphan = seen(owned(DATA, name="former", owner_label=LABEL), whole=False)
        made = plan(seen(MINE), orphans=(orphan,))
        assert [step.event for step in made.steps] == [told("Deleted", "secret deleted because it was orphaned")]

    @pytest.mark.parametrize("found", [True, False])
    def test_the_target_is_bound_once_there_is_one(self, found: bool) -> None:
        made = plan(seen(MINE) if found else None, template={"type": "bootstrap.kubernetes.io/token"})
        assert (made.because, made.binding) == (because.UPDATE_FAILED, NAME if found else None)

    def test_a_refused_target_is_bound(self) -> None:
        held = secret_manifest(DATA, meta={"ownerReferences": [owner("other", uid="x")]})
        made = plan(seen(held), missing=("gone",))
        assert (made.binding, made.events) == (NAME, (told("MissingProviderSecret", "gone"),))


class TestSame:
    """Every field that is written is compared."""

    @pytest.mark.parametrize(
        "change",
        [
            {"labels": {"extra": "x", OWNER_LABEL: LABEL}, "managed": "extra"},
            {"annotations": {"extra": "x"}, "managed": "extra"},
            {"ownerReferences": []},
            {"ownerReferences": [{**owner(), "blockOwnerDeletion": False}]},
        ],
        ids=["labels", "annotations", "no owner", "another owner reference"],
    )
    def test_metadata(self, change: dict[str, Any]) -> None:
        part: dict[str, Any] = {"f:labels": {"f:extra": {}}, "f:annotations": {"f:extra": {}}}
        meta = {key: value for key, value in change.items() if key != "managed"}
        meta["managedFields"] = [{"manager": field_owner(NAME), "fieldsV1": {"f:metadata": part}}]
        assert actions(plan(seen(owned(DATA, owner_label=LABEL, meta=meta)))) == [UpdateTarget]

    def test_finalizers_and_type(self) -> None:
        assert actions(plan(seen(MINE), template={"metadata": {"finalizers": ["x/y"]}})) == [UpdateTarget]
        assert actions(plan(seen(MINE), template={"type": "t/x"})) == [UpdateTarget]
        assert actions(plan(seen(MINE), template={"type": MINE["type"]})) == []
