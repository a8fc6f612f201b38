"""Go's `encoding/json` where it differs from Python's `json`.

    invalid UTF-8, lone \\uD800          U+FFFD in strings, an error elsewhere
    NaN, Infinity                        refused
    numbers                              float64; one that overflows is an error, or the text is kept (json.Number)
    a key twice                          the last one wins
    nesting                              10,000 levels, then "exceeded max depth"
    json.Marshal                         keys sorted, no spaces; <, >, & as \\u003c..., and U+2028, U+2029 always escaped
    SetEscapeHTML(false)                 <, >, & stay

Python's C decoder does the work; what it refuses, and what is nested too deep for it, is read again by `eso_core.compat.gojson_slow`,
which knows Go's error texts and does not recurse.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import Any, NoReturn, TypeAlias, cast

from returns.result import Failure, Result, Success

from eso_core.compat.gofmt import float_json
from eso_core.compat.gojson_slow import MAX_DEPTH, fault, read, rescue
from eso_core.compat.text import whole


@dataclass(frozen=True, slots=True)
class Number:
    """A number that kept its text (`json.Number`)."""

    text: str


Json: TypeAlias = "bool | int | float | str | Number | list[Json] | dict[str, Json] | None"
Convert: TypeAlias = Callable[[str], "int | float | Number"]


class Numbers(Enum):
    """What a number becomes."""

    FLOAT = "float64, as in an interface{}"
    TEXT = "json.Number"
    KUBERNETES = "int64 where the text is whole and fits, else float64"


def parse(data: bytes, numbers: Numbers = Numbers.FLOAT) -> Result[Json, str]:
    """`json.Unmarshal` into an interface{}."""
    quick = parse_quickly(data, numbers)
    if quick is not None:
        return quick
    return cast("Result[Json, str]", read(data.decode("utf-8", "surrogateescape"), _CONVERT[numbers]))


def parse_quickly(data: bytes, numbers: Numbers = Numbers.FLOAT) -> Success[Json] | None:
    """`parse`, or nothing where that takes a hundred times as long: where something is wrong, or nested deeply."""
    try:
        if _deep(data):
            return None
        return Success(_decode(data, data.decode("utf-8", "surrogateescape"), numbers))
    except (ValueError, RecursionError):
        return None


def salvage(data: bytes) -> Json:
    """What a failing `json.Unmarshal` leaves in an interface{}: null for numbers out of range, null for all where the syntax is wrong."""
    return cast("Json", rescue(data.decode("utf-8", "surrogateescape"), _finite))


def parse_object(data: bytes, numbers: Numbers = Numbers.FLOAT, target: str = "map[string]interface {}") -> Result[dict[str, Json], str]:
    """`json.Unmarshal` into a map; null gives an empty one. `target` is the Go type that the error names."""
    return parse(data, numbers).bind(lambda value: _as_object(value, target))


def parse_string(data: bytes) -> Result[str | None, str]:
    """`json.Unmarshal` into a string; null gives None."""
    return parse(data).bind(_as_string)


def split_object(data: bytes) -> Result[dict[str, bytes], str]:
    """`json.Unmarshal` into a map[string]json.RawMessage: the text of each member's value, as it stands in `data`."""
    parsed = parse(data, Numbers.TEXT)
    if isinstance(parsed, Failure):
        return parsed
    value = parsed.unwrap()
    if not isinstance(value, dict):
        return _as_object(value, "map[string]json.RawMessage").map(lambda _: {})
    return Success(object_members(data))


def object_members(data: bytes) -> dict[str, bytes]:
    """`split_object` of what is known to be a valid JSON object."""
    return _members(data.decode("utf-8", "surrogateescape"))


def is_valid(data: bytes) -> bool:
    """`json.Valid`."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        if _deep(data):
            raise RecursionError
        _CHECK.decode(text)
    except (ValueError, RecursionError):
        return fault(text) is None
    return True


def marshal(value: Json, escape_html: bool = True) -> bytes:
    """`json.Marshal`, or the reference's `JSONMarshal` with `escape_html=False`. Floats must be finite."""
    return finish(_render(value), escape_html)


def marshal_strings(data: Mapping[str, bytes], escape_html: bool = False) -> bytes:
    """JSON object of `string(value)` for each value; bytes that are not UTF-8 are written as the escape `\\ufffd`."""
    strings = {key: value.decode("utf-8", "surrogateescape") for key, value in data.items()}
    return finish(_ENCODER.encode(strings), escape_html)


def quoted(raw: bytes) -> str:
    """A Go string as a JSON string, within a text that is still to be given to `finish`."""
    return _QUOTE(raw.decode("utf-8", "surrogateescape"))


def finish(text: str, escape_html: bool) -> bytes:
    """`text` is JSON; the characters replaced here stand in strings only."""
    if escape_html:
        text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _LONE.sub(r"\\ufffd", text).encode()


def value_kind(value: Json) -> str:
    """What Go's errors call a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "number"


# --- reading -------------------------------------------------------------------------------------------------------------------

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_INT64 = range(-(1 << 63), 1 << 63)


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _finite(text: str) -> float:
    value = float(text)
    return value if value - value == 0 else _refuse(text)


def _whole(text: str) -> int | float:
    value = int(text) if len(text) <= 20 else _INT64.stop
    return value if value in _INT64 else _finite(text)


def _convert_kubernetes(text: str) -> int | float:
    return _finite(text) if any(mark in text for mark in ".eE") else _whole(text)


def _clean_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {whole(key): _clean(value) for key, value in pairs}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    return [_clean(item) for item in value] if isinstance(value, list) else value


_CONVERT: dict[Numbers, Convert] = {Numbers.FLOAT: _finite, Numbers.TEXT: Number, Numbers.KUBERNETES: _convert_kubernetes}
_WHOLE: dict[Numbers, Convert] = {Numbers.FLOAT: _finite, Numbers.TEXT: Number, Numbers.KUBERNETES: _whole}


def _make(numbers: Numbers, clean: bool) -> json.JSONDecoder:
    convert = cast("Callable[[str], float]", _CONVERT[numbers])
    whole_number = cast("Callable[[str], int]", _WHOLE[numbers])
    return json.JSONDecoder(
        parse_float=convert, parse_int=whole_number, parse_constant=_refuse, object_pairs_hook=_clean_pairs if clean else None
    )


_DECODERS = {(numbers, clean): _make(numbers, clean) for numbers in Numbers for clean in (False, True)}
_CHECK = json.JSONDecoder(parse_float=len, parse_int=len, parse_constant=_refuse)


def _decode(data: bytes, text: str, numbers: Numbers) -> Json:
    """The plain decoder serves where every string is whole: valid UTF-8 and no escaped surrogate."""
    if (text.isascii() or _is_utf8(data)) and not _SURROGATE.search(data):
        return cast("Json", _DECODERS[numbers, False].decode(text))
    return cast("Json", _clean(_DECODERS[numbers, True].decode(text)))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _deep(data: bytes) -> bool:
    """Whether `data` may be nested deeper than Go allows; the C decoder would accept it where Python's own limit is higher."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _QUOTED.sub(b"", data).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_LEVELS.__getitem__, brackets)), default=0) > MAX_DEPTH


_QUOTED = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_LEVELS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _LEVELS)


def _as_object(value: Json, target: str) -> Result[dict[str, Json], str]:
    if isinstance(value, dict):
        return Success(value)
    return Success({}) if value is None else Failure(f"json: cannot unmarshal {value_kind(value)} into Go value of type {target}")


def _as_string(value: Json) -> Result[str | None, str]:
    if value is None or isinstance(value, str):
        return Success(value)
    return Failure(f"json: cannot unmarshal {value_kind(value)} into Go value of type string")


# --- the members of an object ----------------------------------------------------------------------------------------------------

_GAP = re.compile(r"[ \t\n\r]*\{[ \t\n\r]*")
_BETWEEN = re.compile(r"[ \t\n\r,:]*")
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(r"[^ \t\n\r,}\]]*")
_NESTING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]|[\]}]', re.DOTALL)


def _members(text: str) -> dict[str, bytes]:
    """`text` is a valid JSON object."""
    out: dict[str, bytes] = {}
    at = _skip_gap(text, 0)
    while text[at] != "}":
        name_end = _value_end(text, at)
        start = _skip_gap(text, name_end)
        end = _value_end(text, start)
        out[whole(json.loads(text[at:name_end]))] = text[start:end].encode("utf-8", "surrogateescape")
        at = _skip_gap(text, end)
    return out


def _skip_gap(text: str, at: int) -> int:
    """Past white space, comma and colon; past the brace that opens the object too."""
    found = (_GAP if at == 0 else _BETWEEN).match(text, at)
    return found.end() if found else at


def _value_end(text: str, at: int) -> int:
    if text[at] not in "[{":
        found = (_STRING if text[at] == '"' else _SCALAR).match(text, at)
        return found.end() if found else at
    depth = 0
    for token in _NESTING.finditer(text, at):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if depth == 0:
            return token.end()
    return len(text)


# --- writing ---------------------------------------------------------------------------------------------------------------------

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_QUOTE = json.encoder.encode_basestring
_LONE = re.compile("[\ud800-\udfff]")


class _Text(str):
    """Finished JSON text among values that still have to be written."""

    __slots__ = ()


def _render(value: Json) -> str:
    if isinstance(value, dict) and all(type(item) is str for item in value.values()):
        return _ENCODER.encode(value)
    out: list[str] = []
    todo: list[Json | _Text] = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo.extend(reversed(_object_parts(item)))
        elif isinstance(item, list):
            todo.extend(reversed(_array_parts(item)))
        else:
            out.append(item if isinstance(item, _Text) else _scalar(item))
    return "".join(out)


def _object_parts(value: dict[str, Json]) -> list[Json]:
    parts: list[Json] = []
    for key in sorted(value):
        parts += (_Text(("," if parts else "{") + _ENCODER.encode(key) + ":"), value[key])
    parts.append(_Text("}" if parts else "{}"))
    return parts


def _array_parts(value: list[Json]) -> list[Json]:
    parts: list[Json] = []
    for item in value:
        parts += (_Text("," if parts else "["), item)
    parts.append(_Text("]" if parts else "[]"))
    return parts


def _scalar(value: Json) -> str:
    match value:
        case Number():
            return value.text
        case float():
            return float_json(value)
        case _:
            return _ENCODER.encode(value)
