"""What the API server does to a custom object by its schema: prune, default, validate.

============  ==================================================================================================
pruned        unknown fields are dropped, except below ``x-kubernetes-preserve-unknown-fields``; the root keeps its head
defaulted     nulls that are not nullable vanish; then defaults fill what is absent, from the outside in
faults        the rest against the schema; texts and order of checks are the API server's, fields come in name order
============  ==================================================================================================

CEL rules are not evaluated. Patterns are RE2 and match anywhere in the text unless anchored.
Values stay as they are: what changes is built anew, and what does not change is shared.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

from eso_core.api.parse import FieldError
from eso_core.api.types import Json

Schema = Mapping[str, Json]

HEAD: Final = frozenset({"apiVersion", "kind", "metadata"})
PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
BASE64: Final = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$"
DATE: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIME_OF_DAY: Final = "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$"
BITS: Final = {"int32": 31, "int64": 63}


def apply_schema(schema: Schema, value: Json) -> tuple[Json, tuple[FieldError, ...]]:
    """`value` as the API server would store it, and why it would not. `schema` is that of a whole object."""
    stored = defaulted(schema, pruned(schema, value, root=True))
    return stored, tuple(faults(schema, stored, ""))


# ---------------------------------------------------------------- prune


def pruned(schema: Schema, value: Json, *, root: bool = False) -> Json:
    """`value` without fields that `schema` does not know."""
    if isinstance(value, Mapping):
        kept = {}
        for key, item in value.items():
            if root and key in HEAD:
                kept[key] = item
            elif (inner := _member(schema, key)) is not None:
                kept[key] = pruned(inner, item)
            elif schema.get(PRESERVE):
                kept[key] = item
        return kept
    return _each(pruned, schema, value)


def _member(schema: Schema, key: str) -> Schema | None:
    inner: Schema | None = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
    return inner


def _each(change: Any, schema: Schema, value: Json) -> Json:
    if _is_list(value) and "items" in schema:
        return [change(schema["items"], item) for item in value]
    return value


def _is_list(value: Json) -> bool:
    return isinstance(value, list | tuple)


def unknown(schema: Schema, value: Json, path: str = "") -> Iterator[str]:
    """The paths that :func:`pruned` drops, in name order; a strict client refuses them."""
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            if not path and key in HEAD:
                continue
            if (inner := _member(schema, key)) is not None:
                yield from unknown(inner, value[key], _below(path, key))
            elif not schema.get(PRESERVE):
                yield _below(path, key)
    elif _is_list(value) and "items" in schema:
        for index, item in enumerate(value):
            yield from unknown(schema["items"], item, f"{path}[{index}]")


# ---------------------------------------------------------------- default


def defaulted(schema: Schema, value: Json) -> Json:
    """`value` with the defaults of `schema` where a field is absent or null."""
    if value is None and not schema.get("nullable"):
        value = schema.get("default")
    if isinstance(value, Mapping):
        members = {**_defaults(schema), **{key: item for key, item in value.items() if not _vanishes(schema, key, item)}}
        return {key: defaulted(_member(schema, key) or {}, item) for key, item in members.items()}
    return _each(defaulted, schema, value)


def _defaults(schema: Schema) -> dict[str, Json]:
    return {key: inner["default"] for key, inner in schema.get("properties", {}).items() if "default" in inner}


def _vanishes(schema: Schema, key: str, item: Json) -> bool:
    """Whether a member is a null of a known field that may not be null."""
    inner = _member(schema, key)
    return item is None and inner is not None and not inner.get("nullable")


# ---------------------------------------------------------------- validate


def faults(schema: Schema, value: Json, path: str) -> Iterator[FieldError]:
    """Why `value`, found at `path`, does not fit `schema`."""
    yield from _type_faults(schema, value, path)
    if isinstance(value, str):
        yield from _string_faults(schema, value, path)
    elif _is_list(value):
        yield from _list_faults(schema, value, path)
    elif _type_name(value) == "integer":
        yield from _range_faults(schema, value, path)
    if "enum" in schema and value not in schema["enum"]:
        supported = ", ".join(_quoted(item) for item in schema["enum"])
        yield FieldError(path, f"Unsupported value: {_quoted(value)}: supported values: {supported}", "FieldValueNotSupported")
    if isinstance(value, Mapping):
        yield from _object_faults(schema, value, path)


def _type_faults(schema: Schema, value: Json, path: str) -> Iterator[FieldError]:
    wanted = ("integer", "string") if schema.get("x-kubernetes-int-or-string") else (schema.get("type", ""),)
    name = _type_name(value)
    integral = isinstance(value, float) and value.is_integer() and "integer" in wanted
    nullable = value is None and schema.get("nullable")
    if any(wanted) and name not in wanted and not integral and not nullable:
        yield _invalid(path, name, f'must be of type {",".join(wanted)}: "{name}"', "FieldValueTypeInvalid")


def _string_faults(schema: Schema, text: str, path: str) -> Iterator[FieldError]:
    """At most one fault of length or pattern, then one of format."""
    length = len(text)
    if length > schema.get("maxLength", length):
        bound = schema["maxLength"]
        yield FieldError(path, f"Too long: may not be more than {_count(bound, 'byte')}", "FieldValueTooLong")
    elif length < schema.get("minLength", 0):
        yield _invalid(path, text, f"should be at least {schema['minLength']} chars long")
    elif "pattern" in schema and not _matches(schema["pattern"], text):
        yield _invalid(path, text, f"should match '{schema['pattern']}'")
    if "format" in schema and not _has_format(schema["format"], text):
        yield _invalid(path, text, f"must be of type {schema['format']}: {_quoted(text)}", "FieldValueTypeInvalid")


def _range_faults(schema: Schema, number: int, path: str) -> Iterator[FieldError]:
    bits = BITS.get(schema.get("format", "int64"), 63)
    if schema.get("type") == "integer" and not -(1 << bits) <= number < 1 << bits:
        yield FieldError("", f'Invalid value: "": Checked value must be of type integer with format int{bits + 1} in {path}')


def _list_faults(schema: Schema, items: Sequence[Json], path: str) -> Iterator[FieldError]:
    for index, item in enumerate(items):
        yield from faults(schema.get("items", {}), item, f"{path}[{index}]")
    size = len(items)
    if size < schema.get("minItems", 0):
        yield _invalid(path, size, f"should have at least {schema['minItems']} items")
    if size > schema.get("maxItems", size):
        yield _too_many(path, size, schema["maxItems"])


def _object_faults(schema: Schema, members: Mapping[str, Json], path: str) -> Iterator[FieldError]:
    size = len(members)
    if size < schema.get("minProperties", 0):
        yield _invalid(path, size, f"should have at least {schema['minProperties']} properties")
    if size > schema.get("maxProperties", size):
        yield _too_many(path, size, schema["maxProperties"])
    for key in sorted(members):
        if (inner := _member(schema, key)) is not None:
            yield from faults(inner, members[key], _below(path, key))
    for key in schema.get("required", ()):
        if key not in members:
            yield FieldError(_below(path, key), "Required value", "FieldValueRequired")


# ---------------------------------------------------------------- words and formats


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _invalid(path: str, value: Json, rule: str, reason: str = "FieldValueInvalid") -> FieldError:
    return FieldError(path, f"Invalid value: {_quoted(value)}: {path} in body {rule}", reason)


def _too_many(path: str, size: int, bound: int) -> FieldError:
    return FieldError(path, f"Too many: {size}: must have at most {_count(bound, 'item')}", "FieldValueTooMany")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _quoted(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _type_name(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "number"
    return "array" if _is_list(value) else "object"


def _has_format(name: str, text: str) -> bool:
    """Whether `text` has a string format; formats that no schema here uses are taken as fulfilled."""
    if name == "byte":
        return _matches(BASE64, text)
    if name == "date-time":
        day, _, clock = text.lower().partition("t")
        return _is_date(day) and _matches(TIME_OF_DAY, clock.partition("t")[0])
    return True


def _is_date(text: str) -> bool:
    try:
        return _matches(DATE, text) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _matches(pattern: str, text: str) -> bool:
    return bool(_compiled(pattern).search(text.encode("utf-8", "surrogatepass")))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2

    return re2.compile(pattern.encode())
