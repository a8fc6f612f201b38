"""Custom resources: schema, status, generation."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.refs import Kind
from eso_core.sim.api import ApiServer
from eso_core.sim.custom import UNCHECKED, shape_of
from tests.unit.sim.requests import WIDGETS as DEFINITION
from tests.unit.sim.world import WIDGET, WIDGETS, World, owners

PATH = f"{WIDGETS}/a"


def widget(**rest: Any) -> dict[str, Any]:
    return {**WIDGET, "metadata": {"name": "a"}, "spec": {}, **rest}


def test_unknown_fields_are_dropped_and_defaults_filled_in() -> None:
    assert World().do("POST", WIDGETS, widget(spec={"unknown": 1, "free": {"kept": 1}}, top=1))["spec"] == {"size": 3, "free": {"kept": 1}}


def test_values_are_checked() -> None:
    assert World().refused("POST", WIDGETS, widget(spec={"color": "green"})) == (422, "Invalid")
    assert World().refused("POST", WIDGETS, widget(spec={"set": ["x", "x"]})) == (422, "Invalid")
    assert World().refused("POST", WIDGETS, {**WIDGET, "metadata": {"name": "a"}}) == (422, "Invalid")


@pytest.mark.parametrize(
    ("head", "expected"),
    [({}, 400), ({"kind": "Widget"}, 400), ({**WIDGET, "apiVersion": "x/v1"}, 400), ({**WIDGET, "kind": "Pod"}, 422)],
)
def test_the_head_must_be_right(head: dict[str, str], expected: int) -> None:
    assert World().ask("POST", WIDGETS, {**head, "metadata": {"name": "a"}, "spec": {}}).status == expected


class TestStatus:
    def test_each_endpoint_ignores_the_half_of_the_other(self) -> None:
        world = World()
        assert "status" not in world.do("POST", WIDGETS, widget(status={"phase": "x"}))
        written = world.do("PATCH", f"{PATH}/status", {"spec": {"size": 9}, "status": {"phase": "x"}, "metadata": {"labels": {"l": "m"}}})
        assert (written["spec"]["size"], written["status"]) == (3, {"phase": "x"})
        assert "labels" not in written["metadata"]
        written = world.do("PATCH", PATH, {"spec": {"size": 9}, "status": {"phase": "y"}})
        assert (written["spec"]["size"], written["status"]) == (9, {"phase": "x"})

    def test_the_status_has_owners_of_its_own(self) -> None:
        world = World()
        world.do("POST", WIDGETS, widget(), fieldManager="user")
        written = world.do("PATCH", f"{PATH}/status", {"status": {"phase": "x"}}, fieldManager="operator")
        assert owners(written) == {
            "user": {"f:spec": {".": {}, "f:size": {}}},
            "operator/status": {"f:status": {".": {}, "f:phase": {}}},
        }

    def test_an_update_of_the_status_needs_a_version(self) -> None:
        world = World()
        first = world.do("POST", WIDGETS, widget())
        assert world.refused("PUT", f"{PATH}/status", widget(status={"phase": "x"})) == (422, "Invalid")
        world.do("PUT", f"{PATH}/status", {**first, "status": {"phase": "x"}})
        assert world.refused("PUT", f"{PATH}/status", {**first, "status": {"phase": "y"}}) == (409, "Conflict")


class TestGeneration:
    def test_it_counts_changes_of_the_specification(self) -> None:
        world = World()
        world.do("POST", WIDGETS, widget())
        changes = [
            (PATH, {"metadata": {"labels": {"x": "y"}}}, 1),
            (PATH, {"spec": {"size": 3}}, 1),
            (PATH, {"spec": {"size": 4}}, 2),
            (f"{PATH}/status", {"status": {"phase": "x"}}, 2),
            (PATH, {"metadata": {"generation": 9}}, 2),
        ]
        for path, patch, expected in changes:
            assert world.do("PATCH", path, patch)["metadata"]["generation"] == expected

    def test_a_deletion_that_waits_counts_too(self) -> None:
        world = World()
        world.do("POST", WIDGETS, {**widget(), "metadata": {"name": "a", "finalizers": ["x.io/y"]}})
        assert world.do("DELETE", PATH)["metadata"]["generation"] == 2


class TestInstall:
    def test_a_definition_is_served_and_stored(self) -> None:
        world = World(ApiServer())
        assert world.ask("GET", WIDGETS).status == 404
        [resource] = world.server.install(DEFINITION)
        assert resource.kind == Kind("conformance.example.com", "v1", "Widget", "widgets", namespaced=True)
        assert world.do("POST", WIDGETS, widget())["spec"] == {"size": 3}
        world.do("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.conformance.example.com")

    def test_rules_can_be_left_out(self) -> None:
        world = World(ApiServer())
        world.server.install(DEFINITION, UNCHECKED)
        assert world.do("POST", WIDGETS, widget(spec={"unknown": 1}))["spec"] == {"unknown": 1}

    def test_a_kind_without_a_schema_keeps_everything(self) -> None:
        world = World(ApiServer())
        world.server.serve(Kind("apps", "v1", "Deployment", "deployments", namespaced=True))
        path = "/apis/apps/v1/namespaces/default/deployments"
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"any": [1, {"x": None}]}}
        assert world.do("POST", path, body)["spec"] == {"any": [1, {"x": None}]}


def test_shapes_of_schemas() -> None:
    shape = shape_of(DEFINITION["spec"]["versions"][0]["schema"]["openAPIV3Schema"]).fields["spec"]  # type: ignore[index]
    assert shape.fields["parts"].keys == ("name",)
    assert (shape.fields["set"].atomic, shape.fields["set"].keys) == (False, ())
    assert shape.fields["list"].atomic
    assert shape.fields["whole"].atomic
    assert shape.fields["free"].item is not None
    assert shape.item is None
