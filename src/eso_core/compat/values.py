"""From parsed JSON to the bytes of a Secret.

Source: `runtime/esutils/utils.go` GetByteValue, JSONToSecretDataMap, ExtractSecretData.
"""

from collections.abc import Mapping

from returns.result import Failure, Result, Success

from eso_core.compat.gofmt import float_f
from eso_core.compat.gojson import Json, Number, Numbers, marshal, marshal_strings, object_members, parse_object, value_kind
from eso_core.compat.text import to_bytes


def get_byte_value(value: "Json | bytes | tuple[str, ...]") -> Result[bytes, str]:
    """The bytes of a value: strings as they are, null empty, containers as JSON, a tuple (Go's []string) joined by newlines.

    A Python `int` stands for Go's int64, which the reference refuses: it reads numbers as float64 or `Number`.
    """
    match value:
        case str():
            return Success(to_bytes(value))
        case bytes():
            return Success(value)
        case None:
            return Success(b"")
        case bool():
            return Success(b"true" if value else b"false")
        case float():
            return Success(float_f(value).encode())
        case Number():
            return Success(to_bytes(value.text))
        case tuple():
            return Success(to_bytes("\n".join(value)))
        case int():
            return Failure("can not handle secret value with type: int64")
        case _:
            return Success(marshal(value))


def get_byte_values(value: Mapping[str, Json]) -> Result[dict[str, bytes], str]:
    """`get_byte_value` of each value."""
    out: dict[str, bytes] = {}
    for key in sorted(value):
        match get_byte_value(value[key]):
            case Success(data):
                out[key] = data
            case Failure(fault):
                return Failure(fault)
    return Success(out)


def json_to_secret_data_map(data: bytes) -> Result[dict[str, bytes], str]:
    """*json-map*: string values unquoted, null empty, every other value as its JSON text stands in `data`."""
    parsed = parse_object(data, Numbers.TEXT, "map[string]json.RawMessage")
    return parsed.map(lambda members: {key: _unquoted(value) for key, value in _with_texts(data, members).items()})


def json_to_string_map(data: bytes) -> Result[dict[str, bytes], str]:
    """*string-map*: a value that is neither string nor null is an error."""
    return parse_object(data, target="map[string]string").bind(_only_strings)


def extract_secret_data(secret_key: str, data: Mapping[str, bytes]) -> Result[bytes, str]:
    """*push-whole*: the bytes of `secret_key`; without one, a JSON object of all keys."""
    if not secret_key:
        return Success(marshal_strings(data))
    if secret_key not in data:
        return Failure(f"failed to find secret key in secret with key: {secret_key}")
    return Success(data[secret_key])


def _with_texts(data: bytes, members: dict[str, Json]) -> "Mapping[str, Json | bytes]":
    """`members` with the text of each container in its place."""
    if not any(isinstance(value, dict | list) for value in members.values()):
        return members
    texts = object_members(data)
    return {key: texts[key] if isinstance(value, dict | list) else value for key, value in members.items()}


def _unquoted(value: "Json | bytes") -> bytes:
    match value:
        case str():
            return to_bytes(value)
        case bytes():
            return value
        case None:
            return b""
        case _:
            return marshal(value)


def _only_strings(value: Mapping[str, Json]) -> Result[dict[str, bytes], str]:
    out: dict[str, bytes] = {}
    for key, item in value.items():
        if item is not None and not isinstance(item, str):
            return Failure(f"json: cannot unmarshal {value_kind(item)} into Go value of type string")
        out[key] = to_bytes(item or "")
    return Success(out)
