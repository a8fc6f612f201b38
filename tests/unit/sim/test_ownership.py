"""Who owns which field after which writes."""

from __future__ import annotations

from eso_core.instant import SECOND
from eso_core.sim.ownership import Manager, Share, compare, decode_entries, encode, encode_paths, own
from eso_core.sim.shape import ANY
from tests.unit.sim.world import CONFIG_MAPS, SECRETS, WIDGET, WIDGETS, World, owners

PATH = f"{SECRETS}/a"


class TestWrites:
    def test_a_creator_owns_what_it_sent(self) -> None:
        body = {"metadata": {"name": "a", "labels": {"x": "y"}, "finalizers": ["x.io/y"]}, "data": {"k": ""}, "type": "Opaque"}
        expected = {
            "f:data": {".": {}, "f:k": {}},
            "f:metadata": {"f:finalizers": {".": {}, 'v:"x.io/y"': {}}, "f:labels": {".": {}, "f:x": {}}},
            "f:type": {},
        }
        assert owners(World().do("POST", SECRETS, body, fieldManager="m1")) == {"m1": expected}

    def test_a_changed_value_changes_hands_and_an_equal_one_does_not(self) -> None:
        world = World()
        world.do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": "", "l": ""}}, fieldManager="m1")
        written = world.do("PATCH", PATH, {"data": {"k": "dg==", "l": ""}}, fieldManager="m2")
        assert owners(written) == {"m1": {"f:data": {".": {}, "f:l": {}}, "f:type": {}}, "m2": {"f:data": {"f:k": {}}}}

    def test_a_removed_value_is_nobodys(self) -> None:
        world = World()
        world.do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": "", "l": ""}}, fieldManager="m1")
        world.do("PATCH", PATH, {"data": {"m": ""}}, fieldManager="m2")
        assert owners(world.do("PATCH", PATH, {"data": {"m": None, "k": None}}, fieldManager="m3")) == {
            "m1": {"f:data": {".": {}, "f:l": {}}, "f:type": {}}
        }

    def test_one_list_item_has_one_owner(self) -> None:
        world = World()
        path = f"{WIDGETS}/a"
        world.do("POST", WIDGETS, {**WIDGET, "metadata": {"name": "a"}, "spec": {"parts": [{"name": "p", "n": 1}]}}, fieldManager="m1")
        written = world.do("PATCH", path, {"spec": {"parts": [{"name": "q"}, {"name": "p", "n": 2}]}}, fieldManager="m2")
        spec = {name: fields["f:spec"]["f:parts"] for name, fields in owners(written).items()}
        assert spec == {
            "m1": {".": {}, 'k:{"name":"p"}': {".": {}, "f:name": {}}},
            "m2": {'k:{"name":"p"}': {"f:n": {}}, 'k:{"name":"q"}': {".": {}, "f:name": {}}},
        }

    def test_an_owner_reference_is_owned_as_a_whole(self) -> None:
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
        written = World().do("POST", SECRETS, {"metadata": {"name": "a", "ownerReferences": [reference]}})
        assert owners(written)["eso"]["f:metadata"] == {"f:ownerReferences": {".": {}, 'k:{"uid":"u"}': {}}}

    def test_the_time_is_that_of_the_last_change_of_the_owner(self) -> None:
        world = World()
        world.do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": ""}}, fieldManager="m1")
        world.now = world.now.plus(60 * SECOND)
        world.do("PATCH", PATH, {"data": {"l": ""}}, fieldManager="m2")
        written = world.do("PATCH", PATH, {"data": {"k": None}}, fieldManager="m2")
        assert [(entry["manager"], entry["time"]) for entry in written["metadata"]["managedFields"]] == [
            ("m1", "2023-11-14T22:13:20Z"),
            ("m2", "2023-11-14T22:14:20Z"),
        ]


class TestWhatAWriteBringsAlong:
    def test_an_update_without_owners_keeps_them(self) -> None:
        world = World()
        first = world.do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": ""}}, fieldManager="m1")
        written = world.do("PUT", PATH, {"metadata": {"name": "a"}, "data": {"k": "", "l": ""}}, fieldManager="m2")
        assert owners(written) == {**owners(first), "m2": {"f:data": {"f:l": {}}}}

    def test_an_empty_list_ends_the_tracking(self) -> None:
        world = World()
        world.do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": ""}})
        assert owners(world.do("PATCH", PATH, {"metadata": {"managedFields": []}})) == {}
        assert owners(world.do("PATCH", PATH, {"data": {"l": ""}})) == {}

    def test_owners_can_be_rewritten(self) -> None:
        world = World()
        world.do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": ""}}, fieldManager="m1")
        entry = {"manager": "new", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:k": {}}}}
        assert owners(world.do("PATCH", PATH, {"metadata": {"managedFields": [entry]}})) == {"new": {"f:data": {"f:k": {}}}}

    def test_nonsense_is_ignored(self) -> None:
        world = World()
        first = world.do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": ""}})
        assert owners(world.do("PATCH", PATH, {"metadata": {"managedFields": [{"manager": "x"}]}})) == owners(first)


def test_at_most_ten_updaters_are_remembered() -> None:
    world = World()
    world.do("POST", CONFIG_MAPS, {"metadata": {"name": "a"}, "data": {"k00": ""}}, fieldManager="m00")
    for number in range(1, 14):
        world.now = world.now.plus(SECOND)
        written = world.do("PATCH", f"{CONFIG_MAPS}/a", {"data": {f"k{number:02}": ""}}, fieldManager=f"m{number:02}")
    names = [entry["manager"] for entry in written["metadata"]["managedFields"]]
    assert names == ["ancient-changes", *(f"m{number:02}" for number in range(5, 14))]
    assert set(owners(written)["ancient-changes"]["f:data"]) == {".", "f:k00", "f:k01", "f:k02", "f:k03", "f:k04"}


class TestParts:
    def test_a_type_change_below_a_free_field_owns_both(self) -> None:
        change = compare({"a": [1]}, {"a": {"x": 1}}, ANY)
        assert change.set == {("f:a",), ("f:a", "f:x")}

    def test_true_is_not_one(self) -> None:
        assert compare({"a": 1}, {"a": True}, ANY).set == {("f:a",)}

    def test_the_wire_form_is_read_back(self) -> None:
        paths = frozenset({("f:a",), ("f:a", "f:b"), ("f:c", 'k:{"n":1}'), ("f:c", 'k:{"n":1}', "f:x")})
        owned = {Manager("Update", "m", "v1", ""): Share(paths, "2020-01-01T00:00:00Z")}
        assert decode_entries(encode(owned)) == owned
        assert encode_paths(paths) == {"f:a": {".": {}, "f:b": {}}, "f:c": {'k:{"n":1}': {".": {}, "f:x": {}}}}

    def test_nothing_moves_when_nothing_changed(self) -> None:
        owned = {Manager("Update", "m", "v1", ""): Share(frozenset({("f:a",)}), "")}
        assert own(owned, compare({"a": 1}, {"a": 1}, ANY), Manager("Update", "n", "v1", ""), frozenset(), "t") is owned
