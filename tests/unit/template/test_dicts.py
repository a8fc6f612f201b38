"""Maps: who changes what, merges by mergo's rules, copies by copystructure's."""

import pytest

from eso_core.template.equal import NilList
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.dicts import TABLE
from eso_core.template.limits import DEPTH_MAX, ITEMS_MAX
from eso_core.template.values import Ints, NilMap, Object, StringMap, Strings, Value
from tests.unit.template.engine import output, why

MERGES = ["merge", "mustMerge", "mergeOverwrite", "mustMergeOverwrite"]


class Version(Object):
    go_type, kind = "*semver.Version", "ptr"

    def copied(self) -> Value:
        return ZERO


class Certificate(Object):
    go_type = "sprig.certificate"

    def fields(self) -> dict[str, Value]:
        return {"Cert": b"c", "Key": b"k"}


ZERO, VERSION, CERTIFICATE = Version(), Version(), Certificate()


def call(name: str, *args: Value) -> Value:
    return TABLE[name].call(*args)


def refusal(name: str, *args: Value) -> str:
    with pytest.raises(FunctionError) as caught:
        call(name, *args)
    assert caught.value.detail == ""
    return caught.value.what


@pytest.mark.parametrize(
    ("pairs", "made"),
    [
        ((), {}),
        ((b"a", 1, b"a", 2), {b"a": 2}),
        ((b"a",), {b"a": b""}),
        ((1, 2, None, 3, 1.5, b"x"), {b"1": 2, b"<nil>": 3, b"1.5": b"x"}),
        (([1], b"x"), {b"[1]": b"x"}),
    ],
)
def test_dict(pairs: tuple[Value, ...], made: Value) -> None:
    assert call("dict", *pairs) == made


@pytest.mark.parametrize(
    ("name", "args", "value"),
    [
        ("get", ({b"a": None}, b"a"), None),
        ("get", ({b"a": 1}, b"b"), b""),
        ("get", (None, b"b"), b""),
        ("hasKey", ({b"a": None}, b"a"), True),
        ("hasKey", ({}, b"a"), False),
        ("hasKey", (None, b"a"), False),
        ("pluck", (b"a", {b"a": 1}, {}, None, {b"a": None}), [1, None]),
        ("keys", ({b"b": 1, b"a": 2}, None, {b"a": 3}), Strings([b"a", b"b", b"a"])),
        ("keys", (), Strings()),
        ("values", ({b"b": 1, b"a": 2},), [2, 1]),
        ("values", (None,), []),
        ("pick", ({b"b": 1, b"a": 2}, b"a", b"z"), {b"a": 2}),
        ("pick", (None, b"a"), {}),
        ("omit", ({b"b": 1, b"a": 2}, b"a", b"z"), {b"b": 1}),
        ("omit", (None,), {}),
        ("unset", (None, b"a"), NilMap()),
        ("dig", (b"a", b"else", {b"a": 1}), 1),
        ("dig", (b"a", b"else", {b"a": None}), None),
        ("dig", (b"a", b"b", b"else", {b"a": {}}), b"else"),
        ("dig", (b"z", b"b", b"else", {b"a": 1}), b"else"),
        ("dig", (b"a", b"b", None, {b"a": {b"b": [1]}}), [1]),
    ],
)
def test_reading(name: str, args: tuple[Value, ...], value: Value) -> None:
    result = call(name, *args)
    assert result == value
    assert type(result) is type(value)


def test_set_and_unset_change_their_map() -> None:
    values = {b"a": 1}
    assert call("set", values, b"b", 2) is values
    assert call("unset", values, b"a") is values
    assert call("unset", values, b"absent") is values
    assert values == {b"b": 2}


@pytest.mark.parametrize("name", ["pick", "omit"])
def test_selections_are_new_maps(name: str) -> None:
    values = {b"a": 1}
    assert call(name, values, b"a") is not values
    assert values == {b"a": 1}


def test_nil_map_takes_nothing() -> None:
    assert refusal("set", None, b"a", 1) == "assignment to entry in nil map"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((b"a", {}), "dig needs at least three arguments"),
        ((b"a", 1, None), "interface conversion: interface {} is nil, not map[string]interface {}"),
        ((b"a", 1, StringMap()), "interface conversion: interface {} is map[string]string, not map[string]interface {}"),
        ((1, 1, {}), "interface conversion: interface {} is int, not string"),
        ((None, 1, {}), "interface conversion: interface {} is nil, not string"),
        ((b"a", b"b", 1, {b"a": 1}), "interface conversion: interface {} is int, not map[string]interface {}"),
    ],
)
def test_dig_on_the_wrong_way(path: tuple[Value, ...], text: str) -> None:
    assert refusal("dig", *path) == text


@pytest.mark.parametrize(
    ("old", "new", "merged", "overwritten"),
    [
        (1, 2, 1, 2),
        (1, 0, 1, 0),
        (1, None, 1, None),
        (None, 2, 2, 2),
        (0, 2, 2, 2),
        (b"", 2, 2, 2),
        (False, 2, 2, 2),
        (0j, 2, 0j, 2),
        (None, None, None, None),
        ([1], [2], [1], [2]),
        ([1], [], [1], []),
        ([], [2], [2], [2]),
        (b"s", [1], b"s", [1]),
        (b"s", {b"x": 1}, b"s", {b"x": 1}),
        ({b"x": 1}, 5, {b"x": 1}, 5),
        ({b"x": 1}, [5], {b"x": 1}, [5]),
        ({b"x": 1}, {b"y": 2}, {b"x": 1, b"y": 2}, {b"x": 1, b"y": 2}),
        ({b"x": 1}, {b"x": 2, b"y": 0}, {b"x": 1, b"y": 0}, {b"x": 2, b"y": 0}),
        ({}, {b"x": 1}, {b"x": 1}, {b"x": 1}),
        ({b"x": b""}, StringMap({b"x": b"1"}), {b"x": b"1"}, {b"x": b"1"}),
        (StringMap({b"x": b"1"}), StringMap({b"x": b"2", b"y": b"3"}), {b"x": b"1", b"y": b"3"}, {b"x": b"2", b"y": b"3"}),
        (VERSION, 1, VERSION, 1),
        (VERSION, ZERO, VERSION, ZERO),
        (CERTIFICATE, Certificate, CERTIFICATE, Certificate),
        ({b"x": 1}, VERSION, {b"x": 1}, VERSION),
    ],
)
def test_merging_one_key(old: Value, new: Value, merged: Value, overwritten: Value) -> None:
    for name in MERGES:
        target = {b"k": call("deepCopy", old) if isinstance(old, dict) else old, b"other": 1}
        assert call(name, target, {b"k": new}) is target
        assert target == {b"k": overwritten if "Overwrite" in name else merged, b"other": 1}


def test_merging_takes_maps_as_they_are() -> None:
    inner = {b"x": 1}
    target: dict[bytes, Value] = {}
    call("merge", target, {b"n": inner, b"l": [1]}, None, {b"n": {b"y": 2}})
    assert target[b"n"] is inner
    assert inner == {b"x": 1, b"y": 2}


def test_merging_into_nil() -> None:
    assert call("merge", None, {b"a": 1}) == {b"a": 1}
    assert call("merge", None) == {}


def test_a_pointer_and_a_map_do_not_merge() -> None:
    assert call("merge", {b"v": VERSION}, {b"v": {b"x": 1}}) == b""
    assert refusal("mustMerge", {b"v": VERSION}, {b"v": {b"x": 1}}) == "src and dst must be of same type"
    assert call("mergeOverwrite", {b"v": VERSION}, {b"v": {b"x": 1}}) == {b"v": {b"x": 1}}
    assert refusal("merge", {b"c": CERTIFICATE}, {b"c": {b"x": 1}}) == "reflect: call of reflect.Value.Field on map Value"


@pytest.mark.parametrize(
    ("new", "text"),
    [
        ({b"y": b"1"}, "reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string"),
        ({b"y": [1]}, "reflect.Value.SetMapIndex: value of type []interface {} is not assignable to type string"),
        ({b"x": Ints([1])}, "reflect: call of reflect.Value.IsNil on string Value"),
    ],
)
def test_a_string_map_takes_no_interface(new: Value, text: str) -> None:
    assert refusal("merge", {b"m": StringMap({b"x": b"1"})}, {b"m": new}) == text


def chain(levels: int) -> dict[bytes, Value]:
    value: dict[bytes, Value] = {}
    for _ in range(levels):
        value = {b"n": value}
    return value


def cycle() -> dict[bytes, Value]:
    value: dict[bytes, Value] = {}
    value[b"self"] = value
    return value


def test_walks_are_bounded() -> None:
    for name, args in [("merge", (chain(DEPTH_MAX + 2), chain(DEPTH_MAX + 2))), ("merge", (cycle(), cycle())), ("deepCopy", (cycle(),))]:
        with pytest.raises(LimitExceeded):
            call(name, *args)
    assert list(call("merge", {}, cycle())) == [b"self"]


def test_maps_are_bounded() -> None:
    full = dict.fromkeys((b"%d" % number for number in range(ITEMS_MAX)), 1)
    with pytest.raises(LimitExceeded):
        call("set", full, b"one more", 1)
    with pytest.raises(LimitExceeded):
        call("keys", full, full)
    assert call("set", full, b"7", 2)[b"7"] == 2


@pytest.mark.parametrize(
    "value", [1, b"a", 1.5, [1, None, [b"x"]], Strings([b"a"]), {b"a": {b"b": [1]}}, StringMap({b"a": b"b"}), NilList()]
)
def test_deep_copy(value: Value) -> None:
    for name in ("deepCopy", "mustDeepCopy"):
        copy = call(name, value)
        assert copy == value
        assert type(copy) is type(value)


def test_deep_copy_is_deep() -> None:
    value = {b"l": [{b"x": 1}]}
    copy = call("deepCopy", value)
    copy[b"l"][0][b"x"] = 2
    assert value == {b"l": [{b"x": 1}]}


def test_deep_copy_of_objects_and_nil() -> None:
    assert call("deepCopy", [CERTIFICATE])[0] is CERTIFICATE
    assert call("deepCopy", {b"v": VERSION})[b"v"] is ZERO
    assert refusal("deepCopy", None) == "reflect: call of reflect.Value.Type on zero Value"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{toJson (merge nil)}} {{toJson (merge nil nil)}} {{toJson (merge nil (dict))}}", b"null null {}"),
        ('{{$x := unset nil "a"}}{{merge $x (dict "b" 1) | toJson}} {{toJson $x}}', b'{"b":1} null'),
        ('{{$x := unset nil "a"}}{{len $x}} {{$x}} {{typeOf $x}} {{kindOf $x}}', b"0 map[] map[string]interface {} map"),
        ('{{printf "%#v %p" (merge nil) (merge nil)}}', b"map[string]interface {}(nil) 0x0"),
        ("{{deepEqual (merge nil) (dict)}} {{eq (merge nil) nil}} {{eq (merge nil) (merge nil)}}", b"false true true"),
        ("{{list (merge nil) (dict) | uniq | toJson}} {{has (dict) (list (merge nil))}}", b"[null,{}] false"),
        ('{{dict "a" (merge nil) | toYaml}} {{toJson (deepCopy (merge nil))}}', b"a: null null"),
        ('{{dig "a" 1 (merge nil)}} {{merge (dict "a" (merge nil)) (dict "a" (dict "x" 1)) | toJson}}', b'1 {"a":{"x":1}}'),
    ],
)
def test_nil_maps(text: str, shown: bytes) -> None:
    assert output(text) == shown


def test_nothing_can_be_set_in_a_nil_map() -> None:
    assert why('{{set (unset nil "a") "b" 1}}').endswith("error calling set: assignment to entry in nil map")
