"""The decision: every creation and deletion policy against every state that a target can be in."""

from __future__ import annotations

from typing import Any

import pytest
from returns.result import Failure as Bad
from returns.result import Success

from eso_core import because
from eso_core.compat.hash import data_hash, field_owner, owner_label
from eso_core.failure import Failure, InvalidSpec, Refused, describe
from eso_core.plan import CreateTarget, DeleteTarget, Desired, MarkTarget, Plan, SecretBody, UpdateTarget, Version
from eso_core.refs import SECRET, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.aim import target_of
from eso_core.stages.decode import Decoded
from eso_core.stages.reconcile import Observed, reconcile, wants_templates
from eso_core.stages.templates import NO_PIECES
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL, OWNER_LABEL, TargetSeen
from tests.unit.core.objects import KEY, NAME, NS, es_of, owned, owner, pieces_of, revealed, secret_manifest, seen

LABEL = owner_label(NS, NAME)
DATA = {"k": b"v"}
VALUES = {"k": SecretBytes(b"v")}
POLICIES = ["Owner", "Orphan", "Merge", "CreateOrMerge", "None"]
MINE = owned(DATA, owner_label=LABEL)


def plan(
    target: dict[str, Any] | None = None,
    *,
    values: dict[str, SecretBytes] | Failure = VALUES,
    missing: tuple[str, ...] = (),
    orphans: tuple[TargetSeen, ...] = (),
    meta: dict[str, Any] | None = None,
    whole: bool = True,
    **spec: Any,
) -> Plan:
    made = es_of(target=spec, meta=meta or {})
    decoded = Success(Decoded(values, missing)) if isinstance(values, dict) else Bad(values)
    held = None if target is None else seen(target, whole=whole)
    pieces = pieces_of(made, SECRET, values) if isinstance(values, dict) else NO_PIECES
    return reconcile(Observed(external_secret=made, decoded=decoded, pieces=pieces, target=held, orphans=orphans))


def desired(made: Plan) -> Desired:
    [step] = made.steps
    assert isinstance(step.action, CreateTarget | UpdateTarget)
    return step.action.desired


def data(made: Plan) -> dict[str, bytes]:
    body = desired(made).body
    assert isinstance(body, SecretBody)
    return revealed(body.data)


def kinds(made: Plan) -> list[str]:
    return [type(step.action).__name__ for step in made.steps]


# target states: as we left it, as the reference would; edited; not managed by anybody
EDITED = owned({"k": b"edited"}, owner_label=LABEL, hashed=data_hash(DATA))
FOREIGN = secret_manifest({"x": b"y"}, managed=False)

TABLE = [
    # creationPolicy, target, actions, verdict
    ("Owner", None, ["CreateTarget"], because.SYNCED),
    ("Owner", MINE, [], because.SYNCED),
    ("Owner", EDITED, ["UpdateTarget"], because.SYNCED),
    ("Owner", FOREIGN, ["UpdateTarget"], because.SYNCED),
    ("Orphan", None, ["CreateTarget"], because.SYNCED),
    ("Orphan", MINE, ["UpdateTarget"], because.SYNCED),
    ("Orphan", FOREIGN, ["UpdateTarget"], because.SYNCED),
    ("CreateOrMerge", None, ["CreateTarget"], because.SYNCED),
    ("CreateOrMerge", FOREIGN, ["UpdateTarget"], because.SYNCED),
    ("Merge", None, [], because.TARGET_MISSING),
    ("Merge", FOREIGN, ["UpdateTarget"], because.SYNCED),
    ("None", None, [], because.SYNCED),
    ("None", FOREIGN, [], because.SYNCED),
    ("None", MINE, [], because.SYNCED),
]


class TestPolicies:
    @pytest.mark.parametrize(("policy", "target", "actions", "verdict"), TABLE)
    def test_table(self, policy: str, target: dict[str, Any] | None, actions: list[str], verdict: because.Because) -> None:
        made = plan(target, creationPolicy=policy)
        assert (kinds(made), made.because) == (actions, verdict)
        assert made.detail is None

    @pytest.mark.parametrize("policy", ["Orphan", "Merge", "CreateOrMerge"])
    def test_a_settled_target_is_left_alone(self, policy: str) -> None:
        made = plan(secret_manifest(DATA), creationPolicy=policy)
        assert (made.steps, made.because, made.binding) == ((), because.SYNCED, NAME)

    @pytest.mark.parametrize("policy", POLICIES)
    def test_binding(self, policy: str) -> None:
        assert plan(FOREIGN, creationPolicy=policy).binding == (None if policy == "None" else NAME)

    def test_events_and_manager(self) -> None:
        [created] = plan(None).steps
        [updated] = plan(EDITED).steps
        assert created.event is not None
        assert updated.event is not None
        assert (created.event.reason, created.event.message, created.event.about) == ("Created", "secret created", KEY)
        assert (updated.event.reason, updated.event.message, updated.event.uid) == ("Updated", "secret updated", "es-uid")
        assert isinstance(created.action, CreateTarget)
        assert isinstance(updated.action, UpdateTarget)
        assert created.action.manager == updated.action.manager == field_owner(NAME)
        assert created.otherwise == updated.otherwise == because.UPDATE_FAILED

    def test_updates_carry_what_was_read(self) -> None:
        [step] = plan(EDITED).steps
        assert isinstance(step.action, UpdateTarget)
        assert step.action.at == Version(f"{NAME}-uid", "5")

    def test_target_name(self) -> None:
        assert target_of(es_of()) == Ref(SECRET, NS, NAME)
        assert target_of(es_of(target={"name": "other"})) == Ref(SECRET, NS, "other")


class TestMarks:
    """What makes a target ours."""

    def test_owner(self) -> None:
        made = desired(plan(None, meta={"labels": {"l": "1"}, "annotations": {"a": "2"}}))
        assert made.labels == {"l": "1", MANAGED_LABEL: "true", OWNER_LABEL: LABEL}
        assert made.annotations == {"a": "2", HASH_ANNOTATION: data_hash(DATA)}
        assert made.owners == (owner(),)

    @pytest.mark.parametrize("policy", ["Orphan", "Merge", "CreateOrMerge"])
    def test_no_owner(self, policy: str) -> None:
        made = desired(plan(MINE, creationPolicy=policy, meta={"labels": {OWNER_LABEL: "forged"}}))
        assert made.owners == ()
        assert OWNER_LABEL not in made.labels
        assert made.labels[MANAGED_LABEL] == "true"

    def test_metadata_cannot_forge_them(self) -> None:
        forged = {"labels": {MANAGED_LABEL: "no", OWNER_LABEL: "x"}, "annotations": {HASH_ANNOTATION: "x"}}
        made = desired(plan(None, meta=forged))
        assert made.labels[MANAGED_LABEL] == "true"
        assert made.labels[OWNER_LABEL] == LABEL
        assert made.annotations[HASH_ANNOTATION] == data_hash(DATA)

    def test_the_hash_covers_foreign_keys(self) -> None:
        made = plan(FOREIGN, creationPolicy="Merge")
        assert data(made) == {"x": b"y", "k": b"v"}
        assert desired(made).annotations[HASH_ANNOTATION] == data_hash({"x": b"y", "k": b"v"})

    def test_foreign_owners_keep_their_place(self) -> None:
        other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}
        held = owned(DATA, owner_label=LABEL, meta={"ownerReferences": [owner(), other]})
        assert plan(held).steps == ()
        held["metadata"]["ownerReferences"] = [other]
        assert desired(plan(held)).owners == (other, owner())
        held["metadata"]["ownerReferences"] = [owner(uid="before"), other]
        assert desired(plan(held)).owners == (owner(), other)


ES_OTHER = owner("other", uid="other-uid")
DEPLOYMENT = owner("web", uid="web-uid", kind="Deployment", group="apps/v1")


class TestOwners:
    """A target that somebody else owns is not touched."""

    @pytest.mark.parametrize("policy", ["Owner", "Orphan", "Merge", "CreateOrMerge"])
    def test_another_external_secret(self, policy: str) -> None:
        made = plan(secret_manifest(DATA, meta={"ownerReferences": [ES_OTHER]}), creationPolicy=policy)
        assert (made.steps, made.because) == ((), because.OWNED_BY_OTHER)
        assert made.detail == Refused("secret is owned by another ExternalSecret: other")

    def test_another_controller(self) -> None:
        held = secret_manifest(DATA, meta={"ownerReferences": [DEPLOYMENT]})
        made = plan(held)
        assert (made.steps, made.because) == ((), because.OWNERSHIP_FAILED)
        assert kinds(plan(held, creationPolicy="Orphan", values={})) == []
        assert desired(plan(held, creationPolicy="Merge", values={"z": SecretBytes(b"1")})).owners == (DEPLOYMENT,)

    def test_an_owner_that_is_no_controller_does_not_matter(self) -> None:
        held = secret_manifest(DATA, meta={"ownerReferences": [{**ES_OTHER, "controller": False}]})
        assert kinds(plan(held)) == ["UpdateTarget"]

    def test_a_recreated_object_takes_over(self) -> None:
        held = owned(DATA, owner_label=LABEL, meta={"ownerReferences": [owner(uid="before")]})
        assert desired(plan(held)).owners == (owner(),)

    def test_another_version_of_our_api_is_the_same_owner(self) -> None:
        held = owned(DATA, owner_label=LABEL, meta={"ownerReferences": [owner(group="external-secrets.io/v1beta1")]})
        assert plan(held).because == because.SYNCED

    @pytest.mark.parametrize("reference", [ES_OTHER, DEPLOYMENT])
    def test_deletion_asks_too(self, reference: dict[str, Any]) -> None:
        held = secret_manifest(DATA, meta={"ownerReferences": [reference]})
        made = plan(held, values={}, deletionPolicy="Delete")
        assert made.steps == ()
        assert not made.because.ready


class TestImmutable:
    def test_content_cannot_change(self) -> None:
        """Only the hash of what should be there is written, as in the reference: it marks the Secret as not in step."""
        held = owned({"k": b"old"}, owner_label=LABEL, immutable=True)
        made = plan(held)
        [step] = made.steps
        assert isinstance(step.action, MarkTarget)
        assert step.action.annotations == {HASH_ANNOTATION: data_hash(DATA)}
        assert (step.action.labels, step.action.owners, step.action.finalizers, step.action.immutable) == ({}, None, None, None)
        assert (made.because, made.detail, step.event) == (because.IMMUTABLE, Refused("secret is immutable"), None)

    def test_content_cannot_change_and_the_marks_are_written(self) -> None:
        marks = {"labels": {OWNER_LABEL: LABEL}, "ownerReferences": [owner()]}
        made = plan(secret_manifest({"k": b"old"}, hashed=data_hash(DATA), meta=marks, immutable=True))
        assert (made.steps, made.because) == ((), because.IMMUTABLE)

    def test_type_cannot_change(self) -> None:
        assert plan(owned(DATA, owner_label=LABEL, immutable=True), template={"type": "t/x"}).because == because.IMMUTABLE

    def test_metadata_can(self) -> None:
        made = plan(owned(DATA, owner_label=LABEL, immutable=True), meta={"labels": {"new": "1"}})
        assert kinds(made) == ["UpdateTarget"]
        assert desired(made).body.immutable is True  # type: ignore[union-attr]

    def test_settled(self) -> None:
        assert plan(owned(DATA, owner_label=LABEL, immutable=True), immutable=True).steps == ()
        assert plan(owned(DATA, owner_label=LABEL, immutable=True)).steps == ()

    def test_becoming_immutable_keeps_what_is_there(self) -> None:
        """Reference: with ``spec.target.immutable`` an existing Secret is never rendered again."""
        made = plan(owned({"k": b"old"}, owner_label=LABEL), immutable=True)
        [step] = made.steps
        assert isinstance(step.action, MarkTarget)
        assert (step.action.immutable, step.action.annotations) == (True, {})
        assert made.because == because.SYNCED

    def test_becoming_immutable_without_a_target(self) -> None:
        made = plan(None, immutable=True)
        assert data(made) == DATA
        assert desired(made).body.immutable is True  # type: ignore[union-attr]


class TestNothingLeft:
    """The backend has none of the values any more."""

    @pytest.mark.parametrize("policy", POLICIES)
    def test_retain(self, policy: str) -> None:
        made = plan(MINE, values={}, creationPolicy=policy)
        assert (made.steps, made.because) == ((), because.RETAINED)

    def test_delete(self) -> None:
        made = plan(MINE, values={}, deletionPolicy="Delete")
        [step] = made.steps
        assert step.action == DeleteTarget(Ref(SECRET, NS, NAME), Version(f"{NAME}-uid", "5"))
        assert step.otherwise == because.DELETE_FAILED
        assert step.event is not None
        assert (step.event.reason, step.event.message) == ("Deleted", "secret deleted due to DeletionPolicy=Delete")
        assert made.because == because.DELETED

    def test_delete_what_is_gone_or_going(self) -> None:
        assert plan(None, values={}, deletionPolicy="Delete").steps == ()
        going = owned(DATA, owner_label=LABEL, meta={"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x/y"]})
        made = plan(going, values={}, deletionPolicy="Delete")
        assert (made.steps, made.because) == ((), because.DELETED)

    def test_delete_what_bears_no_mark_of_ours(self) -> None:
        made = plan(FOREIGN, values={}, deletionPolicy="Delete")
        assert (made.steps, made.because) == ((), because.DELETED)
        unlabelled = secret_manifest(DATA, managed=False, meta={"ownerReferences": [owner()]})
        assert kinds(plan(unlabelled, values={}, deletionPolicy="Delete")) == ["DeleteTarget"]

    @pytest.mark.parametrize("policy", ["Orphan", "Merge", "CreateOrMerge", "None"])
    def test_delete_without_owning(self, policy: str) -> None:
        made = plan(MINE, values={}, deletionPolicy="Delete", creationPolicy=policy)
        assert (made.steps, made.because) == ((), because.DELETE_NOT_OWNED)
        assert isinstance(made.detail, InvalidSpec)

    def test_merge_removes_our_keys(self) -> None:
        held = secret_manifest({"foreign": b"1", "k": b"v"})
        fields = {"f:data": {"f:k": {}}}
        held["metadata"]["managedFields"] = [{"manager": field_owner(NAME), "fieldsV1": fields}]
        assert data(plan(held, values={}, deletionPolicy="Merge", creationPolicy="Merge")) == {"foreign": b"1"}
        assert data(plan(MINE, values={}, deletionPolicy="Merge")) == {}

    def test_missing_secrets_are_told(self) -> None:
        made = plan(None, values={}, missing=("a", "b"), deletionPolicy="Delete")
        assert [(event.reason, event.message, event.warning) for event in made.events] == [
            ("MissingProviderSecret", "a", False),
            ("MissingProviderSecret", "b", False),
        ]


class TestOrphans:
    """Secrets under a former target name."""

    def orphan(self, **meta: Any) -> TargetSeen:
        return seen(owned(DATA, name="former", owner_label=LABEL, meta=meta), whole=False)

    def test_they_go_first(self) -> None:
        made = plan(None, orphans=(self.orphan(),))
        assert kinds(made) == ["DeleteTarget", "CreateTarget"]
        assert made.steps[0].action == DeleteTarget(Ref(SECRET, NS, "former"), Version("former-uid", "5"))
        assert made.steps[0].otherwise == because.ORPHANS_FAILED
        assert made.steps[0].event is not None
        assert made.steps[0].event.message == "secret deleted because it was orphaned"

    def test_the_target_is_none(self) -> None:
        assert plan(MINE, orphans=(seen(MINE, whole=False),)).steps == ()

    @pytest.mark.parametrize("policy", ["Orphan", "CreateOrMerge", "Merge", "None"])
    def test_only_owners_have_orphans(self, policy: str) -> None:
        assert "DeleteTarget" not in kinds(plan(FOREIGN, orphans=(self.orphan(),), creationPolicy=policy))

    @pytest.mark.parametrize("reference", [ES_OTHER, DEPLOYMENT])
    def test_taken_over_by_somebody_else(self, reference: dict[str, Any]) -> None:
        assert kinds(plan(None, orphans=(self.orphan(ownerReferences=[reference]),))) == ["CreateTarget"]

    def test_already_going(self) -> None:
        assert kinds(plan(None, orphans=(self.orphan(deletionTimestamp="2026-01-01T00:00:00Z"),))) == ["CreateTarget"]

    def test_a_label_alone_is_enough(self) -> None:
        assert kinds(plan(None, orphans=(self.orphan(ownerReferences=[]),))) == ["DeleteTarget", "CreateTarget"]


class TestFailures:
    def test_no_values(self) -> None:
        made = plan(EDITED, values=Refused("no"))
        assert (made.steps, made.because, made.detail) == ((), because.PROVIDER_FAILED, Refused("no"))

    def test_a_token_of_any_account_is_not_made(self) -> None:
        """Reference: ``ValidateSecretTemplate``, which does not need the webhook."""
        made = plan(None, template={"type": "bootstrap.kubernetes.io/token"})
        assert (made.steps, made.because) == ((), because.UPDATE_FAILED)
        assert isinstance(made.detail, InvalidSpec)
        assert made.detail.path == "spec.target.template.type"

    def test_template(self) -> None:
        made = plan(EDITED, template={"data": {"t": "{{ .absent }}"}})
        assert (made.steps, made.because) == ((), because.UPDATE_FAILED)
        assert made.detail is not None
        assert describe(made.detail).startswith("spec.target.template.data.t: unable to execute template at key t: template: t:1:3: ")


@pytest.mark.parametrize(
    ("creation", "deletion", "values", "expected"),
    [
        ("Owner", "Retain", VALUES, True),
        ("Owner", "Retain", {}, False),
        ("Owner", "Delete", {}, False),
        ("Owner", "Merge", {}, True),
        ("None", "Merge", {}, False),
        ("None", "Retain", VALUES, False),
    ],
)
def test_templates_are_evaluated_where_something_may_be_written(
    creation: str, deletion: str, values: dict[str, SecretBytes], expected: bool
) -> None:
    es = es_of(target={"creationPolicy": creation, "deletionPolicy": deletion})
    assert wants_templates(es, Decoded(values)) is expected


def test_a_digest_is_enough_without_merging() -> None:
    for target in (MINE, EDITED, FOREIGN):
        assert plan(target, whole=False) == plan(target, whole=True)
