"""The built-in modifiers of gjson (`@name:argument`). All text is byte text (see `scan`)."""

import re
from collections.abc import Callable
from typing import TypeAlias

from eso_core.compat.gjson import pretty, scan
from eso_core.compat.gjson.paths import json_string
from eso_core.compat.gjson.scan import Budget, Kind, Value
from eso_core.compat.gojson import is_valid

Get: TypeAlias = Callable[[str, str, Budget], Value]

_SPACE = "".join(map(chr, range(33)))
_GO_SPACE = "\t\n\v\f\r "
_NOT_SPACE = re.compile(r"[^ \t\n\r]")


def modify(name: str, text: str, argument: str, budget: Budget, get: Get) -> str:
    """`text` after the modifier `name`, one of `paths.MODIFIERS`."""
    match name:
        case "this":
            return text
        case "pretty":
            return pretty.pretty(text, _pretty_options(argument), budget)
        case "ugly":
            return pretty.ugly(text)
        case "flatten":
            return _flatten(text, _flag(argument, "deep"), budget)
        case "join":
            return _join(text, _flag(argument, "preserve"))
        case "dig":
            return _dig(text, argument, budget, get)
        case _:
            return _PLAIN[name](text)


def _reverse(text: str) -> str:
    value = scan.parse(text)
    if not (value.starts("[") or value.starts("{")):
        return text
    out = [f"{key.raw}:{item.raw}" if value.starts("{") else item.raw for key, item in scan.members(value)]
    return value.raw[0] + ",".join(reversed(out)) + ("]" if value.starts("[") else "}")


def _keys(text: str) -> str:
    return "[" + ",".join([key.raw or "null" for key, _ in scan.members(scan.parse(text))]) + "]"


def _values(text: str) -> str:
    value = scan.parse(text)
    return text if value.starts("[") else "[" + ",".join([item.raw for _, item in scan.members(value)]) + "]"


def _valid(text: str) -> str:
    return text if is_valid(text.encode("latin-1")) else ""


def _from_string(text: str) -> str:
    return scan.parse(text).string() if is_valid(text.encode("latin-1")) else ""


def _group(text: str) -> str:
    value = scan.parse(text)
    if not value.starts("{"):
        return ""
    rows: list[list[str]] = []
    for key, column in scan.members(value):
        if column.starts("["):
            for index, (_, item) in enumerate(scan.members(column)):
                if index == len(rows):
                    rows.append([])
                rows[index].append(f"{key.raw}:{item.raw}")
    return "[" + ",".join(["{" + ",".join(row) + "}" for row in rows]) + "]"


def _flatten(text: str, deep: bool, budget: Budget) -> str:
    value = scan.parse(text)
    if not value.starts("["):
        return text
    out = [_unwrapped(item, deep, budget) for _, item in scan.members(value)]
    return "[" + ",".join([raw for raw in out if raw]) + "]"


def _unwrapped(item: Value, deep: bool, budget: Budget) -> str:
    raw = item.raw
    if item.starts("["):
        if deep:
            raw = _flatten(raw, deep, budget) if budget.charge(len(raw)) and budget.enter() else "[]"
            budget.leave()
        raw = _inside(raw)
    return raw.strip(_GO_SPACE)


def _inside(raw: str) -> str:
    raw = raw.strip(_SPACE)
    return raw[1:-1] if len(raw) >= 2 and raw[0] in "[{" else raw


def _join(text: str, preserve: bool) -> str:
    value = scan.parse(text)
    if not value.starts("["):
        return text
    objects = [item for _, item in scan.members(value) if item.starts("{")]
    if preserve:
        return "{" + ",".join([_inside(item.raw) for item in objects]) + "}"
    names: dict[str, str] = {}
    values: dict[str, str] = {}
    for item in objects:
        for key, member in scan.members(item):
            names.setdefault(key.text, key.raw)
            values[key.text] = member.raw
    return "{" + ",".join([f"{raw}:{values[key]}" for key, raw in names.items()]) + "}"


def _dig(text: str, path: str, budget: Budget, get: Get) -> str:
    out: list[Value] = []
    _descend(scan.parse(text), path, out, budget, get)
    return "[" + ",".join([value.raw for value in out]) + "]"


def _descend(value: Value, path: str, out: list[Value], budget: Budget, get: Get) -> None:
    found = get(value.raw, path, budget)
    if found.exists:
        out.append(found)
    if value.kind is not Kind.JSON:
        return
    if budget.enter():
        for _, item in scan.members(value):
            _descend(item, path, out, budget, get)
    budget.leave()


def _flag(argument: str, name: str) -> bool:
    """The last member `name` of a JSON argument, as a bool."""
    found = False
    for key, value in scan.members(scan.parse(argument)):
        if key.string() == name:
            found = value.truth() is True
    return found


def _pretty_options(argument: str) -> pretty.Options:
    sort_keys, indent, prefix, width = False, "  ", "", 80
    for key, value in scan.members(scan.parse(argument)):
        match key.string():
            case "sortKeys":
                sort_keys = value.truth() is True
            case "indent":
                indent = _only_space(value.string())
            case "prefix":
                prefix = _only_space(value.string())
            case "width":
                width = _integer(value)
    return pretty.Options(width, prefix, indent, sort_keys)


def _only_space(text: str) -> str:
    return _NOT_SPACE.sub("", text)


def _integer(value: Value) -> int:
    """gjson's `Result.Int()`, limited to a sensible width."""
    if value.kind is Kind.TRUE:
        return 1
    if value.kind is Kind.STRING:
        return int(value.text) if re.fullmatch("-?[0-9]{1,9}", value.text) else 0
    return int(max(-1e9, min(1e9, value.number))) if value.number == value.number else 0


_PLAIN: dict[str, Callable[[str], str]] = {
    "reverse": _reverse,
    "keys": _keys,
    "values": _values,
    "valid": _valid,
    "tostr": json_string,
    "fromstr": _from_string,
    "group": _group,
}
