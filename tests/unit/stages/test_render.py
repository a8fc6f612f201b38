"""Metadata, type and data of the target."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.compat.hash import field_owner
from eso_core.plan import SecretBody
from eso_core.refs import SECRET
from eso_core.secret import SecretBytes
from eso_core.stages.render import Rendered, render
from eso_core.target import TargetSeen
from tests.unit.core.objects import NAME, es_of, pieces_of, revealed, secret_manifest, seen

VALUES = {"k": SecretBytes(b"v")}


def rendered(target: TargetSeen | None = None, *, meta: dict[str, Any] | None = None, **spec: Any) -> Rendered:
    es = es_of(target=spec, meta=meta or {})
    return pieces_of(es, SECRET, VALUES).bind(lambda pieces: render(es, SECRET, VALUES, pieces, target)).unwrap()


def data(made: Rendered) -> dict[str, bytes]:
    assert isinstance(made.body, SecretBody)
    return revealed(made.body.data)


def managed_by(manager: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"manager": manager, "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": fields}]


class TestMetadata:
    """The template's, or without one the ExternalSecret's, over what others wrote."""

    META = {"labels": {"l": "es"}, "annotations": {"a": "es"}}

    def test_copied_from_the_object(self) -> None:
        made = rendered(meta=self.META)
        assert (made.labels, made.annotations, made.finalizers) == ({"l": "es"}, {"a": "es"}, ())

    def test_a_template_replaces_the_objects_own(self) -> None:
        made = rendered(meta=self.META, template={"metadata": {"labels": {"t": "1"}, "annotations": {"u": "2"}, "finalizers": ["f/g"]}})
        assert (made.labels, made.annotations, made.finalizers) == ({"t": "1"}, {"u": "2"}, ("f/g",))

    def test_foreign_marks_stay_and_our_former_ones_go(self) -> None:
        fields = {"f:metadata": {"f:labels": {".": {}, "f:old": {}}, "f:annotations": {"f:old": {}}}}
        held = secret_manifest(
            managed=False,
            meta={
                "labels": {"old": "1", "foreign": "2"},
                "annotations": {"old": "1", "foreign": "2"},
                "managedFields": managed_by(field_owner(NAME), fields),
                "finalizers": ["x/y"],
            },
        )
        made = rendered(seen(held), meta=self.META)
        assert made.labels == {"foreign": "2", "l": "es"}
        assert made.annotations == {"foreign": "2", "a": "es"}
        assert made.finalizers == ("x/y",)

    def test_finalizers_are_not_added_to_a_target_that_goes(self) -> None:
        template = {"metadata": {"finalizers": ["f/g"]}}
        held = secret_manifest(meta={"finalizers": ["x/y"], "deletionTimestamp": "2026-01-01T00:00:00Z"})
        assert rendered(seen(held), template=template).finalizers == ("x/y",)
        assert rendered(seen(secret_manifest(meta={"finalizers": ["x/y"]})), template=template).finalizers == ("x/y", "f/g")


class TestData:
    """Provider values, templates, and foreign keys under merging policies."""

    def test_plain(self) -> None:
        assert data(rendered()) == {"k": b"v"}

    @pytest.mark.parametrize(
        ("template", "expected"),
        [
            ({}, {"k": b"v"}),
            ({"data": {"t": "text"}}, {"t": b"text"}),
            ({"data": {"t": "text"}, "mergePolicy": "Merge"}, {"t": b"text", "k": b"v"}),
            ({"data": {"k": "text"}, "mergePolicy": "Merge"}, {"k": b"text"}),
            ({"metadata": {"labels": {"a": "b"}}}, {"k": b"v"}),
        ],
    )
    def test_templates(self, template: dict[str, Any], expected: dict[str, bytes]) -> None:
        assert data(rendered(template=template)) == expected

    @pytest.mark.parametrize("policy", ["Merge", "CreateOrMerge"])
    def test_foreign_keys_stay_and_our_former_ones_go(self, policy: str) -> None:
        held = secret_manifest({"foreign": b"1", "ours": b"2", "k": b"old"})
        held["metadata"]["managedFields"] = managed_by(field_owner(NAME), {"f:data": {".": {}, "f:ours": {}, "f:k": {}}})
        assert data(rendered(seen(held), creationPolicy=policy)) == {"foreign": b"1", "k": b"v"}

    @pytest.mark.parametrize("policy", ["Owner", "Orphan"])
    def test_foreign_keys_go(self, policy: str) -> None:
        assert data(rendered(seen(secret_manifest({"foreign": b"1"})), creationPolicy=policy)) == {"k": b"v"}


class TestTypeAndImmutability:
    @pytest.mark.parametrize(
        ("template", "held", "expected"),
        [(None, None, ""), ("t/x", None, "t/x"), (None, "Opaque", "Opaque"), ("t/x", "Opaque", "t/x"), ("", "Opaque", "Opaque")],
    )
    def test_type(self, template: str | None, held: str | None, expected: str) -> None:
        target = None if held is None else seen(secret_manifest(type=held))
        spec = {} if template is None else {"template": {"type": template}}
        assert rendered(target, **spec).body.kind == expected

    @pytest.mark.parametrize(
        ("wanted", "held", "expected"), [(False, False, None), (True, False, True), (False, True, True), (True, True, True)]
    )
    def test_immutable(self, wanted: bool, held: bool, expected: bool | None) -> None:
        assert rendered(seen(secret_manifest(immutable=held)), immutable=wanted).body.immutable is expected
