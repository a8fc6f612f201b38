"""What is written is read back, and anything can be read."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st
from returns.result import Result, Success

from eso_core.compat import goyaml
from eso_core.compat.gojson import Numbers, marshal
from eso_core.compat.goyaml import decode, quick

_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x7f\ufffe\uffff" + "".join(map(chr, range(0x80, 0xA0)))))
_NASTY = st.sampled_from(
    ["yes", "~", "1", "0x1f", "1e3", "- a", "a: b", "x\n", "\n", " x", "#", "'", '"', "\\", "\t", "\ufeffx", "\u2028", "<<", "[", "%"]
)
_STRINGS = _TEXT | _NASTY | st.lists(_NASTY, max_size=4).map("".join)
_SCALARS = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False, allow_infinity=False) | _STRINGS
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_STRINGS.filter("<<".__ne__), inner, max_size=4), max_leaves=12
)
_PIECES = st.sampled_from(
    (
        *("a", "b: ", "- ", "? ", ": ", "\n", "\n  ", " ", "\t", "[", "]", "{", "}", ",", "&x ", "*x", "!!str ", "'", '"', "\\", "|", ">"),
        *("|-\n", "#", "---\n", "...\n", "%YAML 1.1\n", "<<: ", "1", "~", "\x85", "\u2028", "\ufeff", "\r", "\0"),
    )
)


class TestRoundTrip:
    """What ``dump`` writes is the value, for all values that the library can write, without keys ``<<``, which it does not quote."""

    @given(_VALUES)
    @example({"a": "x\n\ny \n", "b": ["\u2028 x", {"k" * 200: -0.0}]})
    def test_load_of_dump(self, value):
        text = goyaml.dump(value).unwrap()
        assert goyaml.load(text, Numbers.FLOAT) == Success(_floats(value))

    @given(_VALUES)
    def test_dump_is_stable(self, value):
        text = goyaml.dump(value).unwrap()
        assert goyaml.dump(goyaml.load(text).unwrap()) == Success(text)

    @given(_VALUES)
    def test_json_is_yaml(self, value):
        """Go's JSON, that is, which escapes U+2028; keys of more than 1022 characters and escapes such as ``\\/`` aside."""
        assert goyaml.load(marshal(value), Numbers.FLOAT) == Success(_floats(value))


_VALUE_TEXTS = st.sampled_from(
    ("", "x", "1", "a: b", "x #c", "x#c", "'q'", "'q''r'", '"d"', '"d\\n"', "- x", "-x", "*a", "!x", "x:", "[1]", "a, b", "0x1", "@", "~")
)
_LINES = st.tuples(
    st.sampled_from(["a", "b.c", "yes", "x-1", "null", "1", "a b", "<<"]),
    st.sampled_from([": ", ":  ", ":", " : "]),
    _VALUE_TEXTS,
    st.sampled_from(["\n", "\n\n", " \n", "", "\n ", "\r\n", " #c\n"]),
).map("".join)
_INDENTS, _SEPARATORS = st.sampled_from([None, 0, 2, "\t"]), st.sampled_from([(",", ":"), (" ,\n", " : "), (", ", "\n:")])
_JSON = st.tuples(_VALUES, _INDENTS, _SEPARATORS, _LINES | st.just("")).map(
    lambda drawn: json.dumps(drawn[0], indent=drawn[1], separators=drawn[2]) + drawn[3]
)


class TestQuick:
    """What is read without the scanner is read as the scanner reads it."""

    @given(st.lists(_LINES, max_size=4).map("".join) | _JSON)
    @settings(max_examples=300)
    def test_quick_is_scanned(self, text):
        quickly = quick.read(text.encode())
        assert quickly is None or repr(quickly) == repr(decode.scanned(text.encode()))


class TestTotality:
    """Any bytes are read or refused, in text that has an encoding."""

    @given(st.binary(max_size=200) | st.lists(_PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode()))
    @settings(max_examples=300)
    def test_anything_is_read_or_refused(self, data):
        for read in (goyaml.load, goyaml.load_map, goyaml.load_strings):
            result = read(data)
            assert isinstance(result, Result)
            result.alt(lambda fault: fault.full.encode("utf-8", "surrogateescape"))


def _floats(value):
    """``value`` with its numbers as floats."""
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
