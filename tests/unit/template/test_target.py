"""Templates applied to objects: scopes, targets, paths, and what may be told of errors."""

import pytest
from returns.result import Failure, Success

from eso_core.template.errors import TemplateError
from eso_core.template.paths import parse_path, set_at
from eso_core.template.target import Entries, Structure, TargetError, apply, evaluate

FOO = {
    "apiVersion": "x.io/v1",
    "kind": "Foo",
    "metadata": {"name": "x", "labels": {"l": "1"}},
    "spec": {"a": {"b": "c"}, "list": [{"n": "x"}, {"n": "y"}], "str": "s"},
}
SECRET = {"metadata": {"name": "s"}, "data": {"old": b"\xff"}, "type": "Opaque"}


def as_written(name, text):
    """A template without actions."""
    return Success(text)


def pieces(text, target, scope="Values", strategy="", key="k"):
    return evaluate({key: text.encode() if isinstance(text, str) else text}, scope, target, strategy, as_written)


def made(text, target, scope="Values", strategy="", found=FOO, secret=False):
    return pieces(text, target, scope, strategy).bind(lambda them: apply(them, found, secret=secret))


def spec(**changes):
    return {**FOO["spec"], **changes}


@pytest.mark.parametrize(
    ("text", "target", "wanted"),
    [
        ("v", "data", {"data": {"k": "v"}}),
        ("5", "DATA", {"data": {"k": "5"}}),
        ("v", "Labels", {"metadata": {"name": "x", "labels": {"l": "1", "k": "v"}, "annotations": {}}}),
        ("v", "annotations", {"metadata": {"name": "x", "labels": {"l": "1"}, "annotations": {"k": "v"}}}),
        ("5", "Spec", {"spec": spec(k="5")}),
        ("5", "spec.a.b", {"spec": spec(a={"b": 5})}),
        ("x: [1, yes]", "spec.a", {"spec": spec(a={"x": [1, True]})}),
        ("a: [", "spec.a", {"spec": spec(a="a: [")}),
        (b"\xff", "spec.a", {"spec": spec(a="\ufffd")}),
        ("z", "spec.list[1].n", {"spec": spec(list=[{"n": "x"}, {"n": "z"}])}),
        ("z", "spec.list[3]", {"spec": spec(list=[{"n": "x"}, {"n": "y"}, None, "z"])}),
        ("z", "spec.Deep.m[1][0]", {"spec": spec(Deep={"m": [None, ["z"]]})}),
        ("5", "status", {"status": 5}),
        ("v", "metadata.labels.new", {"metadata": {"name": "x", "labels": {"l": "1", "new": "v"}, "annotations": {}}}),
        ("v", "metadata.labels", {"metadata": {"name": "x", "labels": {}, "annotations": {}}}),
        ("null", "metadata", {"metadata": None}),
    ],
)
def test_a_value_in_any_object(text, target, wanted):
    metadata = {"name": "x", "labels": {"l": "1"}, "annotations": {}}
    assert made(text, target).unwrap() == {**FOO, "metadata": metadata, **wanted}


@pytest.mark.parametrize(
    ("text", "target", "wanted"),
    [
        ("a: 1\nb: yes\nc:\nd: 3.14159265359", "Data", {"data": {"a": "1", "b": "true", "c": "", "d": "3.1415927"}}),
        ("a: b", "spec", {"spec": {"a": "b"}}),
        ("a: b", "Spec", {"Spec": {"a": "b"}}),
        ("x: 1", "spec.a", {"spec": spec(a={"b": "c", "x": 1})}),
        ("[1]", "spec.a", {"spec": spec(a=[1])}),
        ("x: 1", "spec.list[0]", {"spec": spec(list=[{"n": "x", "x": 1}, {"n": "y"}])}),
        ("k: v", "apiVersion", {"apiVersion": {"k": "v"}}),
        ("k: v", "metadata.annotations", {"metadata": {**FOO["metadata"], "annotations": {"k": "v"}}}),
        ("", "spec.a", {"spec": spec(a=None)}),
    ],
)
def test_a_map_in_any_object(text, target, wanted):
    """Paths do not fill in labels and annotations; entries do."""
    filled = {"metadata": {**FOO["metadata"], "annotations": {}}} if target == "Data" else {}
    assert made(text, target, "KeysAndValues").unwrap() == {**FOO, **filled, **wanted}


@pytest.mark.parametrize("text", ["", "null", "# nothing"])
def test_an_empty_map_changes_nothing(text):
    assert made(text, "Labels", "KeysAndValues").unwrap() == FOO


@pytest.mark.parametrize(
    ("text", "target", "scope", "strategy", "wanted"),
    [
        (b"\x00\xff", "Data", "Values", "", {"data": {"old": b"\xff", "k": b"\x00\xff"}}),
        ("aGk=", "Data", "Values", "Base64", {"data": {"old": b"\xff", "k": b"hi"}}),
        ("k: aGk=\nl: aGk", "data", "KeysAndValues", "Auto", {"data": {"old": b"\xff", "k": b"hi", "l": b"aGk"}}),
        ("aGk=", "data.old", "Values", "", {"data": {"old": b"hi"}}),
        ("[104, 361]", "data.x", "Values", "", {"data": {"old": b"\xff", "x": b"hi"}}),
        ("kubernetes.io/tls", "type", "Values", "", {"type": "kubernetes.io/tls"}),
        ("true", "immutable", "Values", "", {"immutable": True}),
        ("a: b", "stringData", "Values", "", {"stringData": {"a": "b"}}),
        ("v", "spec", "Values", "", {}),
        ("5", "status.x", "Values", "", {}),
        ("[f]", "metadata.finalizers", "Values", "", {"metadata": {"name": "s", "finalizers": ["f"]}}),
        ("5.0", "metadata.generation", "Values", "", {"metadata": {"name": "s", "generation": 5}}),
        ("1e19", "metadata.generation", "Values", "", {"metadata": {"name": "s", "generation": -(1 << 63)}}),
    ],
)
def test_a_secret_keeps_what_its_type_has(text, target, scope, strategy, wanted):
    got = made(text, target, scope, strategy, SECRET, secret=True).unwrap()
    bare = {**got, "metadata": {key: value for key, value in got["metadata"].items() if value != {}}}
    assert bare == {**SECRET, **wanted}
    assert got["metadata"].get("labels") == got["metadata"].get("annotations") == {}


def test_what_was_found_does_not_change():
    found = {"kind": "Foo", "spec": {"a": [{"b": 1}]}, "metadata": {"labels": {"l": "1"}}}
    apply([Structure("spec.a[0]", {"c": 2}), Entries("labels", {"l": b"2"})], found, secret=False).unwrap()
    assert found == {"kind": "Foo", "spec": {"a": [{"b": 1}]}, "metadata": {"labels": {"l": "1"}}}


def test_later_pieces_win_and_applying_again_changes_nothing():
    them = [*pieces("a: 1\nb: 2", "data", "KeysAndValues").unwrap(), *pieces("3", "data", key="b").unwrap()]
    once = apply(them, FOO, secret=False).unwrap()
    assert once["data"] == {"a": "1", "b": "3"}
    assert apply(them, once, secret=False).unwrap() == once


def test_nothing_in_a_result_is_shared_with_what_is_merged():
    them = pieces("x: {z: 1}", "spec.a", "KeysAndValues").unwrap()
    first = apply(them, FOO, secret=False)
    assert apply(pieces("2", "spec.a.x.z").unwrap(), first.unwrap(), secret=False).unwrap()["spec"]["a"]["x"] == {"z": 2}
    assert apply(them, FOO, secret=False) == first


@pytest.mark.parametrize(
    ("text", "target", "scope", "strategy", "error"),
    [
        ("x", "", "Values", "", 'failed to apply to target: invalid path "": empty segment'),
        ("x: 1", "spec..a", "KeysAndValues", "", 'invalid path "spec..a": empty segment'),
        ("x", "spec.list[0", "Values", "", "failed to apply to target: invalid path \"spec.list[0\": unterminated '['"),
        ("x", "[0]", "Values", "", 'failed to apply to target: invalid path "[0]": path must start with a key'),
        ("x", "spec.str.x", "KeysAndValues", "", 'failed to set path spec.str.x: expected map at key "x" but found string'),
        (
            "x",
            "spec.a[0]",
            "KeysAndValues",
            "",
            "failed to set path spec.a[0]: expected array at index 0 but found map[string]interface {}",
        ),
        ("x", "spec.list.n", "KeysAndValues", "", 'failed to set path spec.list.n: expected map at key "n" but found []interface {}'),
        (
            "- a",
            "Data",
            "KeysAndValues",
            "",
            "could not unmarshal template to 'map[string][]byte': error unmarshaling JSON: while decoding JSON: "
            "json: cannot unmarshal array into Go value of type map[string]string",
        ),
        (
            "a: [",
            "spec",
            "KeysAndValues",
            "",
            "could not unmarshal template YAML: error converting YAML to JSON: yaml: line 1: did not find expected node content",
        ),
        ("x", "data", "Nothing", "", "unknown scope 'Nothing': expected 'Values' or 'KeysAndValues'"),
        (
            "x",
            "kind.x",
            "Values",
            "",
            'failed to apply to target: failed to set path kind.x: expected map at key "x" but found string',
        ),
    ],
)
def test_what_does_not_apply(text, target, scope, strategy, error):
    assert made(text, target, scope, strategy) == Failure(TargetError("apply", error, error))


@pytest.mark.parametrize(
    ("text", "target", "error"),
    [
        ("x", "stringData", "cannot restore map from string"),
        ("5", "metadata.labels", "cannot restore map from int64"),
        ("x", "immutable", "unrecognized type: bool"),
        ("a: b", "type", "unrecognized type: string"),
        ("5", "type", "cannot convert int64 to v1.SecretType"),
        ("5", "metadata.name", "cannot convert int64 to string"),
        ("x", "metadata.finalizers", "cannot restore slice from string"),
        ("x", "metadata", "cannot restore struct from: string"),
        ("5.5", "metadata.generation", "cannot convert float64 to int64"),
        ("x", "metadata.generation", "unrecognized type: int64"),
        ("5", "data.x", "cannot restore slice from int64"),
        ("5", "metadata.creationTimestamp", "json: cannot unmarshal number into Go value of type string"),
    ],
)
def test_what_a_secret_cannot_hold(text, target, error):
    full = f"failed to apply to target: failed to convert unstructured to object: {error}"
    assert made(text, target, found=SECRET, secret=True) == Failure(TargetError("apply", full, full))


@pytest.mark.parametrize(
    ("strategy", "error"),
    [
        ("Base64", "illegal base64 data at input byte 4"),
        ("bogus", "decoding strategy bogus is not supported"),
    ],
)
def test_what_does_not_decode(strategy, error):
    text = f"failed to decode rendered template value for key k: {error}"
    assert pieces("admin", "data", strategy=strategy) == Failure(TargetError("decode", text, text))
    failed = pieces("topsecret: admin", "data", "KeysAndValues", strategy).failure()
    assert failed.full == text.replace(" k:", " topsecret:") and "topsecret" not in failed.public


@pytest.mark.parametrize(
    ("text", "target", "scope", "found", "secret"),
    [
        ("topsecret: *topsecret", "data", "KeysAndValues", FOO, False),
        ("[topsecret]: x", "spec", "KeysAndValues", FOO, False),
        ("!!int topsecret", "spec", "KeysAndValues", FOO, False),
        ("topsecret", "data.x", "Values", SECRET, True),
        ("topsecret", "metadata.creationTimestamp", "Values", SECRET, True),
        ("topsecret", "spec.x", "Values", {"apiVersion": "v1"}, False),
        ("topsecret", "data", "Values", {"apiVersion": "v1"}, False),
    ],
)
def test_what_is_rendered_is_not_told(text, target, scope, found, secret):
    failed = made(text, target, scope, found=found, secret=secret).failure()
    assert "topsecret" not in failed.public + repr(failed)
    assert failed.full.startswith(failed.public.partition("cannot parse a time")[0].partition("illegal base64 data")[0])


@pytest.mark.parametrize("stage", ["parse", "exec"])
def test_a_template_that_fails(stage):
    def fails(name, text):
        return Failure(TemplateError(stage, name, 1, 2, f"template: {name}:1: public", f"template: {name}:1: full"))

    executing = "unable to execute template at key"
    inner = executing if stage == "exec" else "unable to parse template at key"
    value = evaluate({"k": b"{{"}, "Values", "data", "", fails).failure()
    assert value.full == f"{executing} k: {inner} k: template: k:1: full"
    assert value == TargetError(stage, f"{inner} k: template: k:1: public", value.full)
    literal = evaluate({"k": b"{{ x: 1"}, "KeysAndValues", "data", "", fails).failure()
    assert literal.full == f"{executing} {{{{ x: 1: {inner} {{{{ x: 1: template: {{{{ x: 1:1: full"
    assert literal.public == f"{inner} k: template: k:1: public"


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("a[1][2]", ("a", 1, 2)),
        ("a.[3]", ("a", 3)),
        ("a]b", ("a]b",)),
        ("a[+01]", ("a", 1)),
    ],
)
def test_paths(path, steps):
    assert parse_path(path) == Success(steps)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("a.", "empty segment"),
        ("a[x]", 'bad index "x"'),
        ("a[ 0]", 'bad index " 0"'),
        ("a[1_0]", 'bad index "1_0"'),
        ("a[99999999999999999999]", 'bad index "99999999999999999999"'),
        ("a[-1]", "negative index -1"),
        ("a[10001]", "index 10001 exceeds maximum (10000)"),
        ("a[0]b", "expected '[' near \"b\""),
        ("a" + ".b" * 100, "more than 100 steps"),
    ],
)
def test_paths_that_are_none(path, error):
    assert parse_path(path) == Failure(f'invalid path "{path}": {error}')


def test_a_long_path_is_no_recursion():
    steps = parse_path(".".join(["a[1]"] * 50)).unwrap()
    assert isinstance(set_at({}, steps, lambda _: 1), Success)
