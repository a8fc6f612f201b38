"""``encoding/json`` over the values of templates (sources: Go 1.26 ``encoding/json``, the reference's ``sprig/defaults.go``).

``toJson`` and ``toPrettyJson`` give an empty string for what JSON cannot hold, ``fromJson`` what was understood before the error: nil, or
the value with nil for each number that no float64 holds. Written as Go does: map keys in byte order, ``[]uint8`` as base64, a nil slice as
null, structs field by field unless they have a ``MarshalJSON`` (``json()`` of an ``Object``). Numbers that are read are float64.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from returns.result import Failure, Result

from eso_core.compat.gofmt import float_json, float_v
from eso_core.compat.gojson import Json, finish, parse, parse_quickly, quoted, salvage
from eso_core.template.equal import is_nil_map, is_nil_slice
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import DEPTH_MAX, NODES_MAX, VALUE_MAX, Ambient, items, room_for
from eso_core.template.values import Bytes, Function, Object, Sized, Value, type_of

_CYCLE_LEVEL = 1000  # levels of maps and lists after which Go looks for cycles
_PLAIN_BELOW = 1 << 53  # whole floats up to here are written like integers
_VALUE, _CONTAINER = 250, 1_200  # work of a comma or colon, and of a bracket; containers take memory as well
_SLOW, _SLOW_BYTE, _SLOW_VALUE, _SLOW_CONTAINER = 30_000, 200, 7_000, 1_000  # the same, and of a call where Python's decoder gives up
_DATA_FOLLOWS = ("invalid character ", "json: cannot unmarshal number ")  # then the input is quoted


# --- reading -------------------------------------------------------------------------------------------------------------------


def must_from_json(ambient: Ambient, text: bytes) -> Value:
    parsed = _parsed(ambient, text)
    if isinstance(parsed, Failure):
        raise _unreadable(parsed.failure())
    return _own(parsed.unwrap(), 0)


def from_json(ambient: Ambient, text: bytes) -> Value:
    parsed = _parsed(ambient, text)
    return _own(salvage(text) if isinstance(parsed, Failure) else parsed.unwrap(), 0)


def _parsed(ambient: Ambient, text: bytes) -> Result[Json, str]:
    """What is wrong with a text is found out slowly, and twice."""
    values, containers = text.count(b",") + text.count(b":"), text.count(b"[") + text.count(b"{")
    ambient.meter.spend(_VALUE * values + _CONTAINER * containers)
    items(values)
    quick = parse_quickly(text)
    if quick is not None:
        return quick
    ambient.meter.spend(_SLOW + _SLOW_BYTE * len(text) + _SLOW_VALUE * values + _SLOW_CONTAINER * containers)
    return parse(text)


def _unreadable(message: str) -> FunctionError:
    for start in _DATA_FOLLOWS:
        if message.startswith(start):
            return FunctionError(start, message[len(start) :])
    return FunctionError(message)


def _own(value: Any, depth: int) -> Value:
    """A value of ``compat.gojson`` as one of templates."""
    kind = type(value)
    if kind is str:
        return value.encode()
    if kind is dict or kind is list:
        if depth == DEPTH_MAX:
            raise LimitExceeded("JSON that is nested too deeply")
        depth += 1
        if kind is list:
            return [_own(item, depth) for item in value]
        return {key.encode(): _own(item, depth) for key, item in value.items()}
    return value


# --- writing -------------------------------------------------------------------------------------------------------------------


class _TooDeep(Exception):
    """More than ``DEPTH_MAX`` levels: a cycle, or more than we do."""


class _Writer:
    """Collects the text of one value. ``newline`` is empty, or what begins each line of ``MarshalIndent``."""

    __slots__ = ("colon", "left", "newline", "out", "size")

    def __init__(self, pretty: bool) -> None:
        self.out: list[str] = []
        self.size, self.left = 0, NODES_MAX
        self.newline, self.colon = ("\n", ": ") if pretty else ("", ":")

    def write(self, value: Value, depth: int) -> None:
        scalar = _SCALARS.get(type(value))
        if scalar is not None:
            self.emit(scalar(value))
        elif is_nil_map(value):
            self.emit("null")
        elif isinstance(value, dict):
            self.members([(quoted(key), value[key]) for key in sorted(value)], depth)
        elif isinstance(value, list):
            self.elements(value, depth)
        elif isinstance(value, Object):
            self.object(value, depth)
        elif isinstance(value, Sized):
            self.emit(int.__repr__(value))
        else:
            raise FunctionError(f"json: unsupported type: {type_of(value)}")

    def emit(self, text: str) -> None:
        self.size += len(text)
        if self.size > VALUE_MAX:
            room_for(self.size)
        self.out.append(text)

    def line(self, depth: int) -> str:
        return self.newline + "  " * depth if self.newline else ""

    def enter(self, count: int, depth: int) -> str:
        """What begins a line within a container of ``count`` values."""
        self.left -= count
        if self.left < 0:
            raise LimitExceeded("a value that is too large to be written as JSON")
        if depth == DEPTH_MAX:
            raise _TooDeep
        return self.line(depth + 1)

    def members(self, pairs: list[tuple[str, Value]], depth: int) -> None:
        """``pairs`` are JSON strings and values."""
        begin = self.enter(len(pairs), depth)
        lead, colon = "{" + begin, self.colon
        for key, value in pairs:
            scalar = _SCALARS.get(type(value))
            if scalar is not None:
                self.emit(lead + key + colon + scalar(value))
            else:
                self.emit(lead + key + colon)
                self.write(value, depth + 1)
            lead = "," + begin
        self.emit(self.line(depth) + "}" if pairs else "{}")

    def elements(self, values: list[Value], depth: int) -> None:
        begin = self.enter(len(values), depth)
        lead = "[" + begin
        for value in values:
            scalar = _SCALARS.get(type(value))
            if scalar is not None:
                self.emit(lead + scalar(value))
            else:
                self.emit(lead)
                self.write(value, depth + 1)
            lead = "," + begin
        self.emit(self.line(depth) + "]" if values else "null" if is_nil_slice(values) else "[]")

    def object(self, value: Object, depth: int) -> None:
        own = getattr(value, "json", None)
        if own is not None:
            self.emit(own().decode("utf-8", "surrogateescape"))
        else:
            self.members([(f'"{name}"', item) for name, item in value.fields().items()], depth)


def _float(value: float) -> str:
    if value - value != 0:
        raise FunctionError("json: unsupported value: ", float_v(value))
    whole = int(value)
    return repr(whole) if whole == value and 0 < abs(whole) < _PLAIN_BELOW else float_json(value)


def _base64(value: Bytes) -> str:
    return f'"{binascii.b2a_base64(bytes(value), newline=False).decode()}"'


_SCALARS: Mapping[type, Callable[[Any], str]] = {
    bytes: quoted,
    bool: {True: "true", False: "false"}.__getitem__,
    int: int.__repr__,
    float: _float,
    type(None): {None: "null"}.__getitem__,
    Bytes: _base64,
}


def must_to_json(value: Value) -> bytes:
    return _marshal(value)


def must_to_pretty_json(value: Value) -> bytes:
    return _marshal(value, pretty=True)


def to_raw_json(value: Value) -> bytes:
    """``<``, ``>`` and ``&`` stay."""
    return _marshal(value, escape_html=False)


def to_json(value: Value) -> bytes:
    return _or_empty(value, pretty=False)


def to_pretty_json(value: Value) -> bytes:
    return _or_empty(value, pretty=True)


def _or_empty(value: Value, pretty: bool) -> bytes:
    try:
        return _marshal(value, pretty)
    except LimitExceeded:
        raise
    except FunctionError:
        return b""


def _marshal(value: Value, pretty: bool = False, escape_html: bool = True) -> bytes:
    writer = _Writer(pretty)
    try:
        writer.write(value, 0)
    except _TooDeep:
        # The encoder that leaves HTML as it is gets a pointer to the value, which is a level of its own.
        raise _too_deep(value, _CYCLE_LEVEL + 1 if escape_html else _CYCLE_LEVEL) from None
    written = finish("".join(writer.out), escape_html)
    room_for(len(written))
    return written


def _too_deep(value: Value, level: int) -> FunctionError:
    """Go names the type of the map or list that it is in, at ``level`` (from 1), on the first way into a cycle."""
    path: list[Value] = [value]
    inner = [_containers(value)]
    place = {id(value): 0}
    finished: set[int] = set()
    while inner:
        child = next(inner[-1], None)
        if child is None:
            inner.pop()
            finished.add(id(path[-1]))
            del place[id(path.pop())]
        elif id(child) in place:
            cycle = path[place[id(child)] :]
            found = cycle[(level - 1 - place[id(child)]) % len(cycle)]
            return FunctionError(f"json: unsupported value: encountered a cycle via {type_of(found)}")
        elif id(child) not in finished:
            place[id(child)] = len(path)
            path.append(child)
            inner.append(_containers(child))
    return LimitExceeded("a value that is nested too deeply to be written as JSON")


def _containers(value: Value) -> Iterator[Value]:
    inner = (value[key] for key in sorted(value)) if isinstance(value, dict) else iter(value)
    return (item for item in inner if isinstance(item, dict | list))


_WRITE, _MUST_WRITE = "func(interface {}) string", "func(interface {}) (string, error)"

TABLE: Mapping[str, Function] = {
    "toJson": Function(_WRITE, to_json),
    "mustToJson": Function(_MUST_WRITE, must_to_json),
    "toRawJson": Function(_WRITE, to_raw_json),
    "mustToRawJson": Function(_MUST_WRITE, to_raw_json),
    "toPrettyJson": Function(_WRITE, to_pretty_json),
    "mustToPrettyJson": Function(_MUST_WRITE, must_to_pretty_json),
    "fromJson": Function("func(string) interface {}", from_json, ambient=True),
    "mustFromJson": Function("func(string) (interface {}, error)", must_from_json, ambient=True),
}
