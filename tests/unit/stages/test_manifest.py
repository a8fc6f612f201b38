"""Targets that are no Secrets, from values to the plan."""

from __future__ import annotations

import json
from typing import Any

import pytest
from returns.result import Success

from eso_core import because
from eso_core.compat.hash import generic_target_hash, owner_label
from eso_core.failure import InvalidSpec
from eso_core.plan import CreateTarget, DeleteTarget, Desired, ManifestBody, Plan, UpdateTarget
from eso_core.refs import CONFIG_MAP, Kind, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.decode import Decoded
from eso_core.stages.reconcile import Observed, needs_look, reconcile
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL, OWNER_LABEL, TargetSeen, digest_manifest, see_target
from tests.unit.core.objects import NAME, NS, es_of, owner, pieces_of

WIDGET = Kind("example.com", "v1", "Widget", "widgets", namespaced=True)
VALUES = {"k": SecretBytes(b"v"), "bytes": SecretBytes(b"\xff")}
TEXTS = {"k": "v", "bytes": "\ufffd"}


def found(kind: Kind, *, marked: bool = True, meta: dict[str, Any] | None = None, **content: Any) -> dict[str, Any]:
    head: dict[str, Any] = {"name": NAME, "namespace": NS, "uid": "u", "resourceVersion": "5", **(meta or {})}
    if marked:
        head["labels"] = {MANAGED_LABEL: "true", OWNER_LABEL: owner_label(NS, NAME)}
        head["annotations"] = {HASH_ANNOTATION: generic_target_hash(content).unwrap()}
        head["ownerReferences"] = [owner()]
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": head, **content}


def plan(kind: Kind, target: dict[str, Any] | None = None, *, values: Any = VALUES, whole: bool = True, **spec: Any) -> Plan:
    es = es_of(target={"manifest": {"apiVersion": kind.api_version, "kind": kind.name}, **spec})
    held: TargetSeen | None = None
    if target is not None:
        kept = target if whole else digest_manifest(target)
        held = see_target(Ref(kind, NS, NAME), json.dumps(kept).encode())
    pieces = pieces_of(es, kind, values)
    return reconcile(Observed(external_secret=es, decoded=Success(Decoded(values)), pieces=pieces, target=held, kind=kind))


def desired(made: Plan) -> Desired:
    [step] = made.steps
    assert isinstance(step.action, CreateTarget | UpdateTarget)
    assert step.action.manager == "external-secrets"
    return step.action.desired


def content(made: Plan) -> Any:
    body = desired(made).body
    assert isinstance(body, ManifestBody)
    return body.fields


def told(made: Plan) -> tuple[str, str]:
    [step] = made.steps
    assert step.event is not None
    return step.event.reason, step.event.message


def test_a_config_map() -> None:
    made = plan(CONFIG_MAP)
    assert content(made) == {"data": TEXTS}
    assert told(made) == ("Created", f"Created ConfigMap {NAME}")
    assert (made.because, made.binding) == (because.RESOURCE_SYNCED, None)
    wanted = desired(made)
    assert wanted.annotations == {HASH_ANNOTATION: generic_target_hash({"data": TEXTS}).unwrap()}
    assert wanted.labels == {MANAGED_LABEL: "true", OWNER_LABEL: owner_label(NS, NAME)}
    assert wanted.owners == (owner(),)


def test_any_other_kind() -> None:
    assert content(plan(WIDGET)) == {"spec": {"data": TEXTS}}


@pytest.mark.parametrize("whole", [True, False])
def test_a_settled_target_is_left_alone(whole: bool) -> None:
    assert plan(CONFIG_MAP, found(CONFIG_MAP, data=TEXTS), whole=whole).steps == ()
    assert plan(WIDGET, found(WIDGET, spec={"data": TEXTS}), whole=whole).steps == ()


def test_an_edited_one_is_replaced() -> None:
    made = plan(CONFIG_MAP, found(CONFIG_MAP, data={"k": "other", "own": "x"}))
    assert content(made) == {"data": TEXTS}
    assert told(made) == ("Updated", f"Updated ConfigMap {NAME}")


def test_foreign_marks_stay() -> None:
    meta = {
        "labels": {"mine": "1"},
        "finalizers": ["a/b"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "x"}],
    }
    wanted = desired(plan(CONFIG_MAP, found(CONFIG_MAP, marked=False, meta=meta, data={})))
    assert wanted.labels["mine"] == "1"
    assert wanted.finalizers == ("a/b",)
    assert [held["kind"] for held in wanted.owners] == ["Pod", "ExternalSecret"]


@pytest.mark.parametrize("policy", ["Merge", "CreateOrMerge"])
def test_merging_keeps_everything_else(policy: str) -> None:
    there = found(CONFIG_MAP, marked=False, data={"own": "x", "k": "old"}, binaryData={"b": "AA=="}, immutable=False)
    made = plan(CONFIG_MAP, there, creationPolicy=policy)
    assert content(made) == {"data": {"own": "x", **TEXTS}, "binaryData": {"b": "AA=="}, "immutable": False}
    there = found(WIDGET, marked=False, spec={"size": 3, "data": {"own": "x"}}, status={"ready": True})
    made = plan(WIDGET, there, creationPolicy=policy)
    assert content(made) == {"spec": {"size": 3, "data": {"own": "x", **TEXTS}}, "status": {"ready": True}}


def test_merging_into_nothing() -> None:
    assert plan(WIDGET, creationPolicy="Merge").because == because.RESOURCE_MISSING
    assert plan(WIDGET, found(WIDGET, marked=False, spec=3), creationPolicy="Merge").because == because.RESOURCE_SYNCED


def test_a_template_replaces_all_values() -> None:
    assert content(plan(CONFIG_MAP, template={"data": {"t": "text"}})) == {"data": {"t": "text"}}
    assert content(plan(CONFIG_MAP, template={"mergePolicy": "Merge"})) == {"data": {}}


def test_a_template_of_any_other_kind() -> None:
    assert content(plan(WIDGET, template={"mergePolicy": "Merge"})) == {"spec": {}}
    by_path = {"templateFrom": [{"literal": "n: {{ .k }}", "target": "spec.inner"}]}
    assert content(plan(WIDGET, template=by_path)) == {"spec": {"inner": {"false": TEXTS["k"]}}}


def test_a_template_merges_into_what_is_there() -> None:
    there = found(WIDGET, marked=False, spec={"size": 3, "inner": {"own": "x"}}, status={"ready": True})
    template = {"templateFrom": [{"literal": "k: {{ .k }}", "target": "spec.inner"}]}
    made = plan(WIDGET, there, template=template, creationPolicy="Merge")
    assert content(made) == {"spec": {"size": 3, "inner": {"own": "x", "k": TEXTS["k"]}}, "status": {"ready": True}}


def test_a_template_that_does_not_fit_the_target() -> None:
    there = found(WIDGET, marked=False, spec={"inner": ["list"]})
    made = plan(WIDGET, there, template={"templateFrom": [{"literal": "a: b", "target": "spec.inner.deep"}]}, creationPolicy="Merge")
    assert made.because == because.RESOURCE_TEMPLATE_FAILED
    assert isinstance(made.detail, InvalidSpec)
    assert made.detail.path == "spec.target.template"
    assert "spec.inner.deep" in made.detail.what


def test_a_template_that_fails() -> None:
    assert plan(CONFIG_MAP, template={"data": {"t": "{{ .absent }}"}}).because == because.RESOURCE_TEMPLATE_FAILED


def test_another_owner() -> None:
    other = {**owner(), "name": "other"}
    made = plan(CONFIG_MAP, found(CONFIG_MAP, marked=False, meta={"ownerReferences": [other]}, data={}))
    assert (made.steps, made.because) == ((), because.RESOURCE_OWNED)


def test_nothing_left() -> None:
    there = found(CONFIG_MAP, data=TEXTS)
    made = plan(CONFIG_MAP, there, values={}, deletionPolicy="Delete")
    [step] = made.steps
    assert isinstance(step.action, DeleteTarget)
    assert (told(made), made.because) == (("Deleted", f"Deleted ConfigMap {NAME}"), because.RESOURCE_DELETED)
    assert plan(CONFIG_MAP, there, values={}).because == because.RESOURCE_RETAINED
    refused = plan(CONFIG_MAP, there, values={}, deletionPolicy="Delete", creationPolicy="Orphan")
    assert (refused.steps, refused.because) == ((), because.RESOURCE_DELETE_NOT_OWNED)


def test_only_foreign_keys_need_a_look() -> None:
    es = es_of(target={"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}, "creationPolicy": "None"})
    assert not needs_look(es, CONFIG_MAP, Success(Decoded(VALUES)), None)


def test_content_without_spec_and_data_is_never_in_step() -> None:
    there = found(WIDGET, marked=False, meta={"labels": {MANAGED_LABEL: "true"}}, rules=[])
    seen = see_target(Ref(WIDGET, NS, NAME), json.dumps(there).encode())
    assert seen.data_hash == ""
    assert not seen.in_sync
