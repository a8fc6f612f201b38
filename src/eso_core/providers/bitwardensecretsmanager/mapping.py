"""``dataFrom.extract`` of a secret of Bitwarden: YAML, of which JSON is a part, else JSON.

The reference reads with go-yaml v3 into a ``map[string]any`` and writes each member so:

    text, ``!!binary``      as it is; bytes that are no UTF-8 are refused deeper in a member
    map with text keys      YAML, as go-yaml v3 writes it (four spaces), without the last line end
    anything else           ``%v``: ``true``, ``7``, ``1e+06``, ``<nil>``, ``[1 a]``

v3 differs from v2, which :mod:`eso_core.compat.goyaml` follows: ``yes``, ``no``, ``on`` and ``off`` are texts, dates are times, and a key
that is there twice is a fault. YAML that is a fault is read as JSON: texts unquoted, everything else as it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, TypeAlias

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.compat.decode import decode as decode_base64
from eso_core.compat.gofmt import float_v, plus_v
from eso_core.compat.goyaml import SIZE_MAX, dump, parser
from eso_core.compat.goyaml.emit import sorted_keys
from eso_core.compat.goyaml.fault import Refused
from eso_core.compat.goyaml.resolve import BINARY, BOOL, MERGE, NULL, TIMESTAMP, resolve
from eso_core.compat.text import to_bytes
from eso_core.compat.values import json_to_secret_data_map

SIMPLE_KEY_MAX: Final = 128  # bytes
NO_TEXT: Final = "!!binary value is no text"
VALUES_MAX: Final = 100_000  # of one document, aliases expanded
BOOLS: Final = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
TIME: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]| +)(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?(Z|([+-])(\d{2}):(\d{2}))?)?", re.ASCII
)
Value: TypeAlias = Any  # None, bool, int, float, str, bytes, Time, list[Value] or dict[str, Value]


@dataclass(frozen=True, slots=True)
class Time:
    """A time as ``%v`` shows it, and as YAML has it."""

    shown: str
    written: str


class General(dict[str, Value]):
    """A map with keys that are no texts, which is not written as YAML."""


def members(raw: bytes) -> Result[dict[str, bytes], str]:
    """The members of a YAML or JSON object."""
    try:
        found = _Reader().document(raw)
        return Success({key: _member(value) for key, value in found.items()})
    except (Refused, RecursionError):
        return json_to_secret_data_map(raw)


def _member(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return to_bytes(value)
    if isinstance(value, dict) and not isinstance(value, General):
        return to_bytes("\n".join(_lines(value)).strip())
    return to_bytes(plus_v(_plain(value)))


def _plain(value: Value) -> Any:
    """A value as Go prints it."""
    if isinstance(value, Time):
        return value.shown
    if isinstance(value, bytes):
        raise Refused(NO_TEXT)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value


# ---------------------------------------------------------------- reading


class _Reader:
    """Nodes to values. Counts them, for aliases stand for many."""

    def __init__(self) -> None:
        self.count = 0
        self.open: list[parser.Alias] = []

    def document(self, raw: bytes) -> dict[str, Value]:
        """The members of the document. Raises :class:`Refused` where it is no map."""
        if len(raw) > SIZE_MAX:
            raise Refused("document is too large")
        root = parser.compose(raw)
        if root is None or (isinstance(root, parser.Scalar) and root.implicit and resolve("", root.value)[0] == NULL):
            return {}
        if not isinstance(root, parser.Mapping):
            raise Refused("document is no map")
        return self._map(root)

    def _value(self, node: parser.Node) -> Value:
        self.count += 1
        if self.count > VALUES_MAX:
            raise Refused(f"document has more than {VALUES_MAX} values")
        if isinstance(node, parser.Scalar):
            return _scalar(node)
        if isinstance(node, parser.Sequence):
            return [self._value(item) for item in node.items]
        if isinstance(node, parser.Mapping):
            return self._map(node)
        if node in self.open:
            raise Refused(f"anchor '{node.name}' value contains itself")
        self.open.append(node)
        found = self._value(node.node)
        self.open.pop()
        return found

    def _map(self, node: parser.Mapping) -> dict[str, Value]:
        """What a merge key brings does not replace what is written."""
        own: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        texts = True
        for key, item in zip(node.items[::2], node.items[1::2], strict=True):
            held = key.node if isinstance(key, parser.Alias) else key
            if not isinstance(held, parser.Scalar):
                raise Refused("invalid map key")
            if held.value == "<<" and (held.implicit or held.tag == MERGE):
                merged = self._merged(item) | merged
                continue
            if held.value in own:
                raise Refused("mapping key is already defined")
            texts = texts and isinstance(_scalar(held), str)
            own[held.value] = self._value(item)
        found = {**merged, **own}
        return found if texts else General(found)

    def _merged(self, node: parser.Node) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for source in node.items if isinstance(node, parser.Sequence) else [node]:
            held = self._value(source)
            if not isinstance(held, dict):
                raise Refused("map merge requires map or sequence of maps as the value")
            found = held | found
        return found


def _scalar(node: parser.Scalar) -> Value:
    if not node.implicit and not node.tag:
        return node.value
    kind, value = resolve(node.tag, node.value)
    if kind == BINARY:
        return _binary(node.value)
    if kind == BOOL and node.value not in BOOLS:
        return node.value
    return _time(node.value) if kind == TIMESTAMP else value


def _binary(text: str) -> str | bytes:
    """Decoded, as text where it is UTF-8."""
    raw = decode_base64("Base64", to_bytes(text)).value_or(None)
    if raw is None:
        raise Refused("!!binary value contains invalid base64 data")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _time(text: str) -> Value:
    match = TIME.fullmatch(text)
    if match is None:
        return text
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    away = timedelta(hours=int(match[10] or 0), minutes=int(match[11] or 0)) * (-1 if match[9] == "-" else 1)
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=timezone(away))
    except ValueError:
        return text
    fraction = (match[7] or "").rstrip("0")
    point = f".{fraction}" if fraction else ""
    zone = at.strftime("%z")
    clock = f"{year:04}-{month:02}-{day:02}{{}}{hour:02}:{minute:02}:{second:02}{point}"
    shown = f"{clock.format(' ')} {zone} {'UTC' if not away else zone}"
    return Time(shown, f"{clock.format('T')}{'Z' if not away else f'{zone[:3]}:{zone[3:]}'}")


# ---------------------------------------------------------------- writing


def _lines(value: Value, block: str = "    ") -> list[str]:
    """A map, list or scalar as lines of YAML. ``block`` is how far texts of several lines are indented in a map."""
    if isinstance(value, dict) and value:
        return [line for key in sorted_keys(value) for line in _pair(key, value[key], block)]
    if isinstance(value, list) and value:
        return [line for item in value for line in _item(item)]
    return _text(value)


def _pair(key: str, value: Value, block: str) -> Iterator[str]:
    """A key that is long or has several lines stands alone, behind a question mark."""
    names, lines = _text(key), _lines(value)
    deep = isinstance(value, dict | list) and bool(value)
    if len(names) == 1 and len(to_bytes(key)) <= SIMPLE_KEY_MAX:
        first = [f"{names[0]}:", f"    {lines[0]}"] if deep else [f"{names[0]}: {lines[0]}"]
    else:
        first = [f"? {names[0]}", *(f"{block}{line}" for line in names[1:]), f":   {lines[0]}" if deep else f": {lines[0]}"]
    yield from first
    indent = "    " if deep else block
    yield from (f"{indent}{line}" if line else line for line in lines[1:])


def _item(value: Value) -> Iterator[str]:
    lines = _lines(value, "  ")
    yield f"- {lines[0]}"
    yield from (f"  {line}" if line else line for line in lines[1:])


def _text(value: Value) -> list[str]:
    """A scalar, or an empty map or list; a text of several lines as a block."""
    if isinstance(value, Time):
        return [value.written]
    if isinstance(value, bytes):
        raise Refused(NO_TEXT)
    if isinstance(value, dict | list):
        return ["{}" if isinstance(value, dict) else "[]"]
    if isinstance(value, float):
        return [{"NaN": ".nan", "+Inf": ".inf", "-Inf": "-.inf"}.get(float_v(value), float_v(value))]
    written = dump(value)
    if isinstance(written, Wrong):
        raise Refused(str(written.failure()))
    head, *rest = written.unwrap().decode().removesuffix("\n").split("\n")
    if not isinstance(value, str) or not rest:
        return [head]
    if head.startswith("|"):
        return [head.replace("2", "4"), *(line.removeprefix("  ") for line in rest)]
    return [_unfolded(value, head[:1])]


def _unfolded(text: str, style: str) -> str:
    """A long text on one line: v2 breaks it, v3 does not."""
    if style == '"':
        return json.dumps(text, ensure_ascii=False)
    return "'" + text.replace("'", "''") + "'" if style == "'" else text
