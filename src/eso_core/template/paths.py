"""Dotted paths into an object (source: ``runtime/template/v2/template.go``: parseTargetPath, setAtPath)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from returns.result import Failure, Result, Success

from eso_core.compat.text import quote

INDEX_MAX = 10_000
STEPS_MAX = 100  # of a path; the reference has no bound

Step: TypeAlias = str | int
_NUMBER = re.compile("[+-]?[0-9]+")
_TYPES = {str: "string", bool: "bool", int: "int64", float: "float64", list: "[]interface {}", dict: "map[string]interface {}"}


def parse_path(path: str) -> Result[tuple[Step, ...], str]:
    """``a.b[0].c``: names, and indexes behind names or instead of them; it begins with a name."""
    steps: list[Step] = []
    for segment in path.split("."):
        name, bracket, rest = segment.partition("[")
        if not segment:
            return _invalid(path, "empty segment")
        if name:
            steps.append(name)
        while bracket:
            digits, end, rest = rest.partition("]")
            if not end:
                return _invalid(path, "unterminated '['")
            wrong = _bad_index(digits)
            if wrong:
                return _invalid(path, wrong)
            steps.append(int(digits))
            if rest and rest[0] != "[":
                return _invalid(path, f"expected '[' near {quote(rest)}")
            bracket, rest = rest[:1], rest[1:]
    if not isinstance(steps[0], str):
        return _invalid(path, "path must start with a key")
    return Success(tuple(steps)) if len(steps) <= STEPS_MAX else _invalid(path, f"more than {STEPS_MAX} steps")


def _bad_index(digits: str) -> str:
    if not _NUMBER.fullmatch(digits) or len(digits.lstrip("+-0")) > 18:
        return f"bad index {quote(digits)}"
    index = int(digits)
    if index < 0:
        return f"negative index {index}"
    return f"index {index} exceeds maximum ({INDEX_MAX})" if index > INDEX_MAX else ""


def _invalid(path: str, what: str) -> Result[tuple[Step, ...], str]:
    return Failure(f"invalid path {quote(path)}: {what}")


def set_at(root: dict[str, Any], steps: tuple[Step, ...], leaf: Callable[[Any], Any]) -> Result[dict[str, Any], str]:
    """``root`` with ``leaf`` of what is at ``steps`` in its place. What is missing on the way is made; ``root`` does not change."""
    top: list[dict[str, Any]] = [root]
    holder: Any = top
    place: Step = 0
    for step in steps:
        node = _get(holder, place)
        kind: type = dict if isinstance(step, str) else list
        if node is not None and not isinstance(node, kind):
            wanted = f"map at key {quote(step)}" if isinstance(step, str) else f"array at index {step}"
            return Failure(f"expected {wanted} but found {type_name(node)}")
        copy = kind(node or ())
        if isinstance(step, int):
            copy.extend([None] * (step + 1 - len(copy)))
        holder[place] = copy
        holder, place = copy, step
    holder[place] = leaf(_get(holder, place))
    return Success(top[0])


def _get(holder: Any, place: Step) -> Any:
    return holder.get(place) if isinstance(holder, dict) else holder[place]


def type_name(value: Any) -> str:
    """``%T`` of a value of an object."""
    return _TYPES.get(type(value), "<nil>")
