"""YAML and JSON read as ``kubectl`` and Helm read them: the rules of ``sigs.k8s.io/yaml`` (go-yaml 2), not those of PyYAML.

No dates, no base 60; ``y`` and ``on`` are booleans; ``017`` is 15; keys become texts; a ``<<`` counts from where it stands. What cannot be
JSON is refused. A key that stands twice is refused too: ``kubectl`` silently takes the last, the strict readers of other tools refuse.

Bounds: ``DEPTH_MAX``, ``SIZE_MAX``; aliases count as often as they are used, so that a small file cannot become a large object.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml.error import Mark, MarkedYAMLError
from yaml.reader import ReaderError

DEPTH_MAX = 100  # levels of one document
SIZE_MAX = 64 * 1024 * 1024  # characters and values of one document, aliases counted as often as they are used

_TAG = "tag:yaml.org,2002:"
_LITERALS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Document:
    """One document that is not empty. ``line`` and ``column`` (from 1) are where it begins."""

    line: int
    column: int
    value: Any


class Unreadable(Exception):
    """The text cannot be used; ``str()`` says why, without values. ``line`` and ``column`` count from 1."""

    def __init__(self, line: int, column: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.column = column


def documents(text: bytes) -> list[Document]:
    """The documents of a YAML stream, or of JSON objects one after the other. Raises :class:`Unreadable`."""
    if text.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        try:
            return list(_json(text))
        except (ValueError, RecursionError):
            pass  # flow style; or broken, and then the YAML reader says where
    return list(_yaml(text))


# ---------------------------------------------------------------- JSON


def _json(text: bytes) -> Iterator[Document]:
    """Raises :class:`ValueError` or :class:`RecursionError` for what is not plain JSON."""
    whole = text.decode("utf-8-sig")
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_json_float, parse_int=_json_int)
    at = 0
    while at < len(whole):
        if whole[at] in " \t\r\n":
            at += 1
            continue
        value, end = decoder.raw_decode(whole, at)
        if _height(value) > DEPTH_MAX:
            raise ValueError("too deep")
        yield Document(whole.count("\n", 0, at) + 1, at - whole.rfind("\n", 0, at), value)
        at = end


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _json_int(text: str) -> int | float:
    return _number(int(text)) if len(text) < 30 else _json_float(text)


def _json_float(text: str) -> int | float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return _number(value)


def _height(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_height, inner), default=0)


# ---------------------------------------------------------------- YAML


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader, where PyYAML has it
    """Composes nodes; plain scalars get their tags from :func:`plain`."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        if kind is ScalarNode and implicit[0]:
            return _tag_of(plain(value))
        return str(super().resolve(kind, value, implicit))


def _yaml(text: bytes) -> Iterator[Document]:
    try:
        loader = _Loader(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                value = _Builder().value(node)
                if value is not None:
                    yield Document(node.start_mark.line + 1, node.start_mark.column + 1, value)
        finally:
            loader.dispose()
    except MarkedYAMLError as error:
        raise _marked(error) from None
    except ReaderError as error:
        line, column = _place(text, error.position)
        raise Unreadable(line, column, error.reason) from None
    except RecursionError:
        raise Unreadable(1, 1, f"more than {DEPTH_MAX} levels") from None


def _marked(error: MarkedYAMLError) -> Unreadable:
    mark = error.problem_mark or error.context_mark
    return _unreadable(mark, error.problem or error.context or "is not YAML")


def _unreadable(mark: Mark | None, problem: str) -> Unreadable:
    return Unreadable(mark.line + 1, mark.column + 1, problem) if mark is not None else Unreadable(1, 1, problem)


def _place(text: bytes, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count(b"\n") + 1, position - before.rfind(b"\n")


def plain(text: str) -> bool | int | float | str | None:
    """What a scalar without quotes and tag means (go-yaml 2 ``resolve.go``)."""
    if text in _LITERALS:
        return _LITERALS[text]
    if text[0] not in "+-.0123456789":
        return text
    bare = text.replace("_", "") if text[0] != "." else text
    return _plain_number(bare, text)


def _plain_number(bare: str, text: str) -> int | float | str:
    whole = _INT.fullmatch(bare)
    if whole is not None:
        sign, *digits = whole.groups()
        value = next(int(found, base) for found, base in zip(digits, (16, 2, 8, 10), strict=True) if found)
        value = -value if sign == "-" else value
        if -(2**63) <= value < (2**63 if sign else 2**64):
            return value
    if _FLOAT.fullmatch(bare) is None or math.isinf(float(bare)):
        return text
    return float(bare)


def _tag_of(value: bool | int | float | str | None) -> str:
    if value is None:
        return f"{_TAG}null"
    return _TAG + {bool: "bool", int: "int", float: "float", str: "str"}[type(value)]


def _number(value: int | float) -> int | float:
    """As Go's JSON writes it: no point where none is needed, floats beyond 64 bits."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**63 else value
    return value if -(2**63) <= value < 2**64 else float(value)


@dataclass(frozen=True, slots=True)
class _Built:
    value: Any
    size: int
    height: int


class _Builder:
    """Makes values of the nodes of one document. A node that has several aliases is made once and measured as often as it is used."""

    def __init__(self) -> None:
        self._built: dict[int, _Built] = {}
        self._open: set[int] = set()

    def value(self, node: Node) -> Any:
        """Raises :class:`Unreadable`."""
        return self._of(node).value

    def _of(self, node: Node) -> _Built:
        known = self._built.get(id(node))
        if known is None:
            if id(node) in self._open:
                raise _unreadable(node.start_mark, "an alias holds itself")
            self._open.add(id(node))
            known = self._built[id(node)] = self._make(node)
            self._open.discard(id(node))
            if known.height > DEPTH_MAX or known.size > SIZE_MAX:
                raise _unreadable(node.start_mark, f"more than {DEPTH_MAX} levels, or than {SIZE_MAX} characters and values")
        return known

    def _make(self, node: Node) -> _Built:
        if isinstance(node, ScalarNode):
            return _Built(_scalar(node), 1 + len(node.value), 0)
        parts = [self._of(item) for item in node.value] if isinstance(node, SequenceNode) else self._parts(node)
        size, height = 1 + sum(part.size for part in parts), 1 + max((part.height for part in parts), default=0)
        if size > SIZE_MAX:  # before anything is copied
            raise _unreadable(node.start_mark, f"more than {SIZE_MAX} characters and values")
        value = [part.value for part in parts] if isinstance(node, SequenceNode) else self._mapping(node)
        return _Built(value, size, height)

    def _parts(self, node: Node) -> list[_Built]:
        assert isinstance(node, MappingNode)
        return [self._of(part) for key, value in node.value for part in ((value,) if _merges(key) else (key, value))]

    def _mapping(self, node: Node) -> dict[str, Any]:
        found: dict[str, Any] = {}
        own: set[str] = set()
        for key, value in node.value:
            if _merges(key):
                found.update(self._merged(value))
                continue
            name = self._key(key)
            if name in own:
                raise _unreadable(key.start_mark, f"the key {json.dumps(name)} stands twice in one object")
            own.add(name)
            found[name] = self._of(value).value
        return found

    def _merged(self, node: Node) -> dict[str, Any]:
        """What ``<<`` brings in: of several mappings the first wins."""
        sources = node.value if isinstance(node, SequenceNode) else [node]
        if not all(isinstance(source, MappingNode) for source in sources):
            raise _unreadable(node.start_mark, "a << takes a mapping, or a list of mappings")
        found: dict[str, Any] = {}
        for source in reversed(sources):
            found.update(self._of(source).value)
        return found

    def _key(self, node: Node) -> str:
        key = self._of(node).value if isinstance(node, ScalarNode) else None
        match key:
            case str():
                return key
            case bool():
                return "true" if key else "false"
            case int() | float():
                return str(key)
            case _:
                raise _unreadable(node.start_mark, "a key must be a text, a number or a boolean")


def _merges(key: Node) -> bool:
    return isinstance(key, ScalarNode) and key.value == "<<" and (not key.style or key.tag == f"{_TAG}merge")


def _scalar(node: ScalarNode) -> Any:
    tag = node.tag.removeprefix(_TAG)
    if tag not in ("null", "bool", "int", "float", "binary"):
        return node.value
    if tag == "binary":
        return _binary(node)
    value = plain(node.value)
    fits = _tag_of(value) == node.tag or (tag == "float" and type(value) is int)
    if not fits:
        raise _unreadable(node.start_mark, f"the value is not a !!{tag}")
    if isinstance(value, float) and not math.isfinite(value):
        raise _unreadable(node.start_mark, "infinity and not-a-number cannot be JSON")
    return _number(value) if type(value) in (int, float) else value  # type: ignore[arg-type]  # narrowed by its exact type


def _binary(node: ScalarNode) -> str:
    try:
        return base64.b64decode(node.value).decode()
    except (binascii.Error, ValueError):
        raise _unreadable(node.start_mark, "the value is not a !!binary text") from None
