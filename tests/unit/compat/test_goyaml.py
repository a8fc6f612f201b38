"""YAML as go-yaml v2 and sigs.k8s.io/yaml read and write it. Every expectation was seen from the library."""

import math

import pytest
from returns.result import Failure, Success

from eso_core.compat import goyaml
from eso_core.compat.gojson import Numbers
from eso_core.compat.goyaml import emit, parser, resolve

CONVERTING = "error converting YAML to JSON: "


def loaded(text):
    return goyaml.load(text if isinstance(text, bytes) else text.encode()).unwrap()


def refused(text):
    return goyaml.load(text if isinstance(text, bytes) else text.encode()).failure().full


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("y", True),
        ("On", True),
        ("n", False),
        ("OFF", False),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("012", 10),
        ("0o12", 10),
        ("08", 8),
        ("0x1F", 31),
        ("-0x1F", -31),
        ("0b11", 3),
        ("0b-11", -3),
        ("1_000", 1000),
        ("+5", 5),
        ("5.", 5),
        (".5", 0.5),
        (".5_1", 0.51),
        ("._5", "._5"),
        ("1e3", 1000),
        ("1e400", "1e400"),
        ("-0.0", 0),
        ("9223372036854775807", 9223372036854775807),
        ("9223372036854775808", 9223372036854775808.0),
        ("18446744073709551616", 18446744073709551616.0),
        ("0o", "0o"),
        ("1:30", "1:30"),
        ("12e03", 12000),
        ("2024-01-02", "2024-01-02"),
        ("!!timestamp 2024-1-2 3:4:5.6", "2024-1-2 3:4:5.6"),
        ("!!str 1", "1"),
        ("!!int '2'", 2),
        ("!!float 1", 1),
        ("!!bool 'yes'", True),
        ("!!null ''", None),
        ("!foo ~", "~"),
        ("! 1", "1"),
        ("!!binary aGVsbG8=", "hello"),
        ("!!binary /w==", "\ufffd"),
        ("'1'", "1"),
    ],
)
def test_scalars(text, value):
    got = loaded(text)
    assert (type(got), got) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\na: 2", {"a": 2}),
        ("a: b # c", {"a": "b"}),
        ("a:b: c", {"a:b": "c"}),
        ("{a:b}", {"a:b": None}),
        ('{"a":b}', {"a": "b"}),
        ("[a, b: c, ? d]", ["a", {"b": "c"}, {"d": None}]),
        ("a:\n- 1\n-\n- - 2", {"a": [1, None, [2]]}),
        ("? a\n? b\n: c", {"a": None, "b": "c"}),
        ("? |\n  k\n: v", {"k\n": "v"}),
        ("1: a\n1.5: b\n16777217.5: c\ntrue: d\n.inf: e", {"1": "a", "1.5": "b", "1.6777218e+07": "c", "true": "d", ".inf": "e"}),
        ("a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n  l: 2", {"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 1, "l": 2}}),
        ("a: 1\n<<: {a: 2}", {"a": 2}),
        ("<<: [{a: 1}, {a: 2, b: 3}]", {"a": 1, "b": 3}),
        ("'<<': {a: 1}", {"<<": {"a": 1}}),
        ("a: |\n  x\n   y\n\nb: >\n  x\n  y\n\n  z\n   w\n", {"a": "x\n y\n", "b": "x y\nz\n w\n"}),
        ("a: |-\n  x\n\nb: |+\n  x\n\nc: |2\n    x", {"a": "x", "b": "x\n\n", "c": "  x"}),
        ("a: x\n  y\n\n  z", {"a": "x y\nz"}),
        ("a: 'it''s\n\n  b'", {"a": "it's\nb"}),
        ('a: "x\\\n   y \\x41\\u00e9\\U0001F680\\_"', {"a": "xy Aé🚀\xa0"}),
        ("%YAML 1.1\n%TAG !e! tag:yaml.org,2002:\n--- !e!str 1\n...", "1"),
        ("a: 1\n---\nb: 2", {"a": 1}),
        ("a: 1\n...\n%bad", {"a": 1}),
        ("{a: 1} ]", {"a": 1}),
        ("[]: x", []),
        ("\ufeffa: 1", {"a": 1}),
        ("a: é🚀".encode("utf-16"), {"a": "é🚀"}),
        ("\ufeffa: é🚀".encode("utf-16-be"), {"a": "é🚀"}),
        ("a\r\nb", "a b"),
        ("http://x/y?z", "http://x/y?z"),
        ("- -x\n- ?y\n- :z", ["-x", "?y", ":z"]),
        ("# only a comment", None),
    ],
)
def test_documents(text, value):
    assert loaded(text) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("\tk: v", "yaml: found character that cannot start any token"),
        ("a: 'b", "yaml: found unexpected end of stream"),
        ("a: [b", "yaml: line 1: did not find expected ',' or ']'"),
        ("a: {b", "yaml: line 1: did not find expected ',' or '}'"),
        ("a: }", "yaml: did not find expected node content"),
        ("a: b: c", "yaml: mapping values are not allowed in this context"),
        ("a: 1\n b: 2", "yaml: line 2: mapping values are not allowed in this context"),
        ("a: 1\nb", "yaml: line 3: could not find expected ':'"),
        ("a:\n  - b\n c", "yaml: line 2: did not find expected key"),
        ("- a\nb: c", "yaml: line 1: did not find expected '-' indicator"),
        ("a: - b", "yaml: block sequence entries are not allowed in this context"),
        ("a: |0\n", "yaml: found an indentation indicator equal to 0"),
        ("a: |x\n", "yaml: did not find expected comment or line break"),
        ("a: |\n\tx", "yaml: line 2: found a tab character where an indentation space is expected"),
        ('a: "\\q"', "yaml: found unknown escape character"),
        ('a: "\\xg0"', "yaml: did not find expected hexdecimal number"),
        ('a: "\\ud800"', "yaml: found invalid Unicode character escape code"),
        ("a: 'x\n---\n'", "yaml: line 2: found unexpected document indicator"),
        ("&", "yaml: did not find expected alphabetic or numeric character"),
        ("*a", "yaml: unknown anchor 'a' referenced"),
        ("&a [*a]", "yaml: anchor 'a' value contains itself"),
        ("!x!y z", "yaml: found undefined tag handle"),
        ("!<x z", "yaml: did not find the expected '>'"),
        ("%YAML 1.2\n---\na", "yaml: found incompatible YAML document"),
        ("%FOO\n---\na", "yaml: found unknown directive name"),
        ("[a]: b", 'yaml: invalid map key: []interface {}{"a"}'),
        ("{{2: x, a: [~]}: b}", 'yaml: invalid map key: map[interface {}]interface {}{2:"x", "a":[]interface {}{interface {}(nil)}}'),
        ("!!int x", "yaml: cannot decode !!str `x` as a !!int"),
        ("!!binary '!'", "yaml: !!binary value contains invalid base64 data"),
        ("<<: 1", "yaml: map merge requires map or sequence of maps as the value"),
        ("a: .nan", "json: unsupported value: NaN"),
        ("~: 1", "unsupported map key of type: %!s(<nil>), key: <nil>, value: 1"),
        ("18446744073709551615: ", "unsupported map key of type: uint64, key: 0xffffffffffffffff, value: <nil>"),
        (b"a: \xff", "yaml: invalid leading UTF-8 octet"),
        (b"a: \xc3", "yaml: incomplete UTF-8 octet sequence"),
        (b"a: \xc3a", "yaml: invalid trailing UTF-8 octet"),
        (b"a: \xc0\x80", "yaml: invalid length of a UTF-8 sequence"),
        (b"a: \xed\xa0\x80", "yaml: invalid Unicode character"),
        (b"a: \x7f", "yaml: control characters are not allowed"),
        (b"\xff\xfea", "yaml: incomplete UTF-16 character"),
        (b"\xff\xfe\x00\xdc", "yaml: unexpected low surrogate area"),
    ],
)
def test_errors(text, error):
    assert refused(text) == CONVERTING + error


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"]" + b" " * 600 + b"\xff", "yaml: did not find expected node content"),
        (b"]" + b" " * 400 + b"\xff", "yaml: invalid leading UTF-8 octet"),
        (b"- a\n...\n" + b" " * 600 + b"\x00", ""),
        (b"- a\n...\n" + b" " * 400 + b"\x00", "yaml: control characters are not allowed"),
    ],
)
def test_bytes_are_read_in_blocks(text, error):
    """A byte that is no character only matters to who reads its block."""
    assert goyaml.load(text) == (Failure(goyaml.Fault(CONVERTING + error)) if error else Success(["a"]))


@pytest.mark.parametrize("text", ["secret: *topsecret", "[topsecret]: 1", "!!int topsecret", "&topsecret [*topsecret]", "~: topsecret"])
def test_what_of_a_fault_has_no_data(text):
    fault = goyaml.load(text.encode()).failure()
    assert "topsecret" in fault.full and "topsecret" not in fault.what + repr(fault)


def test_numbers_are_as_the_target_wants_them():
    text = b"a: [1, 1.0, 1.5, 1e21, 18446744073709551615]"
    assert repr(goyaml.load(text).unwrap()["a"]) == "[1, 1, 1.5, 1e+21, 1.8446744073709552e+19]"
    assert repr(goyaml.load(text, Numbers.FLOAT).unwrap()["a"]) == "[1.0, 1.0, 1.5, 1e+21, 1.8446744073709552e+19]"
    assert goyaml.load_map(text) == goyaml.load(text, Numbers.FLOAT)
    assert math.copysign(1, goyaml.load_map(b"a: -0.0").unwrap()["a"]) == -1


def test_a_map_of_strings():
    text = b"a: 1.1\nb: 3.14159265359\nc: yes\nd:\ne: 0x10\nf: .inf\ng: '1'\nh: 1e39\ni: 16777217\nj: 123456789.0\n2: 18446744073709551615"
    assert goyaml.load_strings(text) == Success(
        {
            "a": "1.1",
            "b": "3.1415927",
            "c": "true",
            "d": "",
            "e": "16",
            "f": "+Inf",
            "g": "1",
            "h": "+Inf",
            "i": "16777217",
            "j": "1.2345679e+08",
            "2": "18446744073709551615",
        }
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"b: [1]\na: {}", "object into Go value of type string"),
        (b"x", "string into Go value of type map[string]string"),
        (b"1", "number into Go value of type map[string]string"),
        (b"yes", "bool into Go value of type map[string]string"),
        (b"[]", "array into Go value of type map[string]string"),
    ],
)
def test_what_is_no_map_of_strings(text, error):
    wanted = f"error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {error}"
    assert goyaml.load_strings(text).failure().full == wanted
    assert goyaml.load_strings(b"null") == goyaml.load_strings(b"") == Success({})


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: x y\n\n# c\nc: \"d: # e\"  \nd: 'f: [g'\ne:\nf: a:b#c\n",
        "yes: no\nnull: x\ny.z/w: 1",
        "a: -x\nb: - x\n",
        "a: x #c\nb: 'it''s'",
        'a: "\\n"',
        "a: &b c\nd: *b",
        "a: x:\nb: c",
        "a: [1]\nb: {c: d}\ne: |\n f",
        "a: @x",
        "a: b\n  c",
        "a: b\r\nc: d",
        "---\na: b",
        "a: 'b' c",
        "a : b",
        "a: ?x\nb: !x",
    ],
)
def test_flat_documents_are_read_alike(text, monkeypatch):
    quick = goyaml.load(text.encode())
    monkeypatch.setattr(goyaml.decode.quick, "read", lambda _: None)
    assert goyaml.load(text.encode()) == quick


# --- bounds ---------------------------------------------------------------------------------------------------------------------


def test_billion_laughs():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert refused("\n".join(lines)) == CONVERTING + "yaml: document contains excessive aliasing"
    assert refused(f"a: &a [{'x,' * 500}]\nb: [{'*a,' * 150}]") == CONVERTING + "yaml: document contains excessive aliasing"
    assert isinstance(goyaml.load(f"a: &a [{'x,' * 3000}]\nb: [{'*a,' * 3}]".encode()), Success)
    assert refused(f"a: &a [{'x,' * 3000}]\nb: [{'*a,' * 4}]") == CONVERTING + "yaml: document contains excessive aliasing"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[" * 101 + "]" * 101, "yaml: exceeded max depth of 100"),
        ("- " * 101 + "x", "yaml: exceeded max depth of 100"),
        ("[" * 200_000, "yaml: exceeded max depth of 100"),
        ("[" + "x," * 50_000 + "]", "yaml: document has more than 50000 nodes"),
        (" " * (goyaml.SIZE_MAX + 1), "document has more than 4194304 bytes"),
    ],
)
def test_bounds(text, error):
    assert refused(text) == CONVERTING + error


def test_within_the_bounds():
    depth = parser.DEPTH_MAX
    assert loaded("[" * depth + "]" * depth) == loaded("- " * (depth - 1) + "[]")
    nested = []
    for _ in range(depth):
        nested = [nested]
    assert goyaml.dump(nested) == Failure(goyaml.Fault(f"yaml: exceeded max depth of {depth}"))
    assert goyaml.load(goyaml.dump(nested[0]).unwrap()) == Success(nested[0])


# --- writing --------------------------------------------------------------------------------------------------------------------


def dumped(value):
    return goyaml.dump(value).unwrap().decode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (-(1 << 63), "-9223372036854775808"),
        (1 << 64, "1.8446744073709552e+19"),
        (1.0, "1"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (1e6, "1000000"),
        (1e-6, "1e-06"),
        (1e20, "1e+20"),
        (123456789.5, "1.234567895e+08"),
        ("", '""'),
        ("x", "x"),
        ("1", '"1"'),
        ("yes", '"yes"'),
        ("~", '"~"'),
        ("12:30", '"12:30"'),
        ("2024-01-02", '"2024-01-02"'),
        ("2024-01-32", "2024-01-32"),
        ("0x1f", '"0x1f"'),
        ("08", '"08"'),
        (".5_1", '".5_1"'),
        ("1e400", "1e400"),
        ("- a", "'- a'"),
        ("-a", "-a"),
        ("a: b", "'a: b'"),
        ("a:", "'a:'"),
        ("a:b", "a:b"),
        ("a #b", "'a #b'"),
        ("a#b", "a#b"),
        (" x", "' x'"),
        ("it's ", "'it''s '"),
        ("---", "'---'"),
        ("<<", "<<"),
        ("é", "é"),
        ("🚀", '"\\U0001F680"'),
        ("\t", '"\\t"'),
        ("a\tb", '"a\\tb"'),
        ("\x1b\0\xa0", '"\\e\\0\xa0"'),
        ("\ufeffa b", '"\\uFEFF\\x61\\x20\\x62"'),
        ("a\ufeff", '"a\\uFEFF"'),
        ("a\x85b", "a b"),
        ("a \x85 \x85b", "|-\n  a\n  b"),
        ("a\u2028b", "'a\u2028  b'"),
        ("\ud800", "\ufffd"),
        ("a\nb", "|-\n  a\n  b"),
        ("a\nb\n", "|\n  a\n  b"),
        ("a\n\n", "|+\n  a\n"),
        ("\n", "|2+\n"),
        (" a\nb", "|2-\n   a\n  b"),
        ("a \nb", '"a \\nb"'),
        ("a\n b", "|-\n  a\n   b"),
        ("a\nb ", '"a\\nb "'),
        ([], "[]"),
        ({}, "{}"),
        ([1, [2, []], {"a": 1, "b": {}}], "- 1\n- - 2\n  - []\n- a: 1\n  b: {}"),
        ({"a": [1, {"b": [2]}], "c": {"d": None}}, "a:\n- 1\n- b:\n  - 2\nc:\n  d: null"),
        ({"a": "x\ny", "1": 2, "": 3, "a\nb": 4}, '"": 3\n"1": 2\na: |-\n  x\n  y\n? |-\n  a\n  b\n: 4'),
        ({"k" * 129: [1, 2]}, f"? {'k' * 129}\n: - 1\n  - 2"),
        ({"k" * 128: {"a": 1}}, f"{'k' * 128}:\n  a: 1"),
    ],
)
def test_dump(value, text):
    got = dumped(value)
    assert got == text + "\n" or (text.endswith("\n") and got == text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("w" * 90 + " v w", "w" * 90 + "\n  v w"),
        ("word " * 17 + "x", "word " * 15 + "word\n  word x"),
        ("it: " * 21 + "x", "'" + "it: " * 19 + "it:\n  it: x'"),
        ("w" * 80 + "  v", "w" * 80 + "  v"),
        ("\t" * 41 + "  v w", '"' + "\\t" * 41 + '\n  \\ v w"'),
    ],
)
def test_long_lines_are_folded(text, wanted):
    assert dumped({"k": text}) == f"k: {wanted}\n"


def test_order_of_keys():
    keys = ["", "_", "1", "2", "10", "A", "a", "a-b", "a_b", "a1", "a01", "a2", "a10", "ab", "b", "é"]
    assert emit.sorted_keys(reversed(keys)) == keys
    assert emit.sorted_keys(["b", "A", "a"]) == ["A", "a", "b"]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("a\x7f", "yaml: control characters are not allowed"),
        ("\uffff", "yaml: control characters are not allowed"),
        ("\x85--- x", "yaml: found unexpected document indicator"),
        ({"a\x85b": 1}, "yaml: did not find expected ',' or '}'"),
        ({"k" * 1023: 1}, "yaml: did not find expected ',' or '}'"),
        ({"<" * 171: 1}, "yaml: did not find expected ',' or '}'"),
        (math.inf, "error marshaling into JSON: json: unsupported value: +Inf"),
    ],
)
def test_what_cannot_be_written(value, error):
    assert goyaml.dump(value) == Failure(goyaml.Fault(error))


def test_keys_that_just_can():
    assert isinstance(goyaml.dump({"k" * 1022: 1, "<" * 170: 2}), Success)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2001-12-14t21:59:43.10-05:00", True),
        ("2001-12-14 21:59:43.10", True),
        ("2001-12-14  1:2:3", True),
        ("2001-12-14T21:59:43", False),
        ("2001-12-14 21:59:43Z", False),
        ("2001-2-29", False),
        ("2000-2-29", True),
        ("2001-12-14t24:00:00Z", False),
        ("2001-12-14t1:60:00Z", False),
        ("2001-12-14t1:2:3+25:00", False),
        ("2001-12-14t1:2:3+24:59", True),
        ("1-2-3", False),
    ],
)
def test_timestamps(text, wanted):
    assert resolve.is_timestamp(text) is wanted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1e39, "+Inf"),
        (-1e39, "-Inf"),
        (1e-50, "0"),
        (-1e-50, "-0"),
        (16777216.0, "1.6777216e+07"),
        (math.nan, "NaN"),
        (1e10, "1e+10"),
    ],
)
def test_float32(value, text):
    assert resolve.float32_text(value) == text
