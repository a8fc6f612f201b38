"""One path against one JSON text. All text is byte text (see `scan`).

The readers walk the raw text once and build a value only where the path ends. Like gjson they do not require the text to be valid, and
a path that fails in one of several equal keys goes on to the next.
"""

import re
from dataclasses import dataclass, field, replace
from typing import TypeVar

from eso_core.compat.gjson import scan
from eso_core.compat.gjson.modifiers import modify
from eso_core.compat.gjson.paths import (
    MODIFIERS,
    Query,
    Step,
    array_step,
    member_name,
    object_step,
    selectors,
    split_pipe,
    wildcard,
)
from eso_core.compat.gjson.scan import NOTHING, Budget, Kind, Value

WILDCARD_COST = 8  # bytes of work for each rune of a name and of a pattern, multiplied

_OPEN = re.compile(r"[{\[]")
_KEY_OR_END = re.compile(r'["}]')
_ELEMENT = re.compile(r'["{\[+\-0-9iINntf\]]')
_LINE_SPACE = re.compile(r"[ \t\r\n]*")
_NAME_END = re.compile(r"[:|.]")
_Ordered = TypeVar("_Ordered", str, float)
_STATIC = frozenset(("true", "false", "null", "nan", "inf"))


@dataclass(slots=True)
class _Search:
    """What a walk has found so far. `pipe` is the path that starts over with the result."""

    text: str
    budget: Budget
    value: Value = NOTHING
    pipe: str | None = None


@dataclass(slots=True)
class _Array:
    """State of the walk through one array."""

    step: Step
    index: int
    seen: int = 0
    starts: list[int] = field(default_factory=list)  # where each element is looked for, with `#.path`
    matches: list[str] = field(default_factory=list)  # raw text of the elements a `#(...)#` has picked


def get(text: str, path: str, budget: Budget) -> Value:
    """gjson's `Get`."""
    if not (budget.charge(len(text) + len(path)) and budget.enter()):
        budget.leave()
        return NOTHING
    found = _special(text, path, budget) if path[:1] in ("@", "!", "[", "{") and len(path) > 1 else path
    if isinstance(found, str):
        found = _plain(text, found, budget)
    budget.leave()
    return found


def _plain(text: str, path: str, budget: Budget) -> Value:
    search = _Search(text, budget)
    if path.startswith(".."):
        _walk_array(search, 0, path[2:])
    else:
        opening = _OPEN.search(text)
        if opening is not None:
            walk = _walk_object if opening[0] == "{" else _walk_array
            walk(search, opening.end(), path)
    return search.value if search.pipe is None else get(search.value.raw, search.pipe, budget)


# --- objects -----------------------------------------------------------------------------------------------------------------------


def _walk_object(search: _Search, at: int, path: str) -> tuple[int, bool]:
    """Looks for `path` in the object whose members start at `at`: (offset after what was read, found)."""
    step, text = object_step(path), search.text
    if step.rest is None and step.pipe is not None:
        search.pipe = step.pipe
    while (quote := _KEY_OR_END.search(text, at)) is not None:
        if quote[0] == "}":
            return quote.end(), False
        end = scan.value_end(text, quote.start())
        value = scan.VALUE_START.search(text, end) if end >= 0 else None
        if value is None:
            return max(end, len(text)), False
        fits = _fits(step, text[quote.end() : end - 1], search.budget)
        at, found = _member(search, value.start(), step, fits)
        if found or at < 0:
            return at, found
    return max(at, len(text)), False


def _fits(step: Step, raw_key: str, budget: Budget) -> bool:
    key = scan.unescape(raw_key)
    if not step.wild:
        return key == step.part
    return budget.charge(WILDCARD_COST * len(key) * len(step.part)) and wildcard(step.part, key)


def _member(search: _Search, start: int, step: Step, fits: bool) -> tuple[int, bool]:
    """A value that the path may go through or end at: (offset after it, or -1 at an endless string; found)."""
    char = search.text[start]
    if fits and step.rest is not None and char in "{[":
        return _descend(search, start, step.rest)
    end = scan.value_end(search.text, start)
    if fits and step.rest is None and end >= 0:
        search.value = scan.value_of(search.text, start, end)
        return end, True
    return end, False


def _descend(search: _Search, start: int, path: str) -> tuple[int, bool]:
    walked = len(search.text), False
    if search.budget.enter():
        walk = _walk_object if search.text[start] == "{" else _walk_array
        walked = walk(search, start + 1, path)
    search.budget.leave()
    return walked


# --- arrays ------------------------------------------------------------------------------------------------------------------------


def _walk_array(search: _Search, at: int, path: str) -> tuple[int, bool]:
    """Like `_walk_object`, for the array whose elements start at `at`. The end of the text closes it too."""
    step, text = array_step(path), search.text
    array = _Array(step, -1 if step.hashed else _index(step.part))
    if step.rest is None and step.pipe is not None:
        search.pipe = step.pipe
    while 0 <= at <= len(text) and not search.budget.spent:
        if step.each is not None:
            array.starts.append(at)
        element = _ELEMENT.search(text, at)
        if element is None or element[0] == "]":
            return (element.end() if element else len(text) + 1), _close(search, array)
        at, found = _element(search, element.start(), array)
        if found:
            return at, True
        array.seen += 1
    return len(text), False


def _index(part: str) -> int:
    return int(part) if part.isascii() and part.isdigit() and len(part) < 19 else -1


def _element(search: _Search, start: int, array: _Array) -> tuple[int, bool]:
    step = array.step
    if step.query is None:
        return _member(search, start, step, array.index == array.seen)
    end = scan.value_end(search.text, start)
    if end < 0:
        return end, False
    return end, _ask(search, array, step.query, scan.value_of(search.text, start, end))


def _ask(search: _Search, array: _Array, query: Query, value: Value) -> bool:
    """Puts the query to one element; True when the walk ends with it."""
    if value.kind is not Kind.JSON and query.path:
        return False
    asked = get(value.raw, query.path, search.budget) if value.kind is Kind.JSON else value
    cost = WILDCARD_COST * len(query.operand) * len(asked.text) if "%" in query.operator else 0
    if not (search.budget.charge(cost) and _matches(query, asked)):
        return False
    found = _after_query(search, array, value)
    if not query.all:
        search.value = found
        return True
    raw = found.raw or found.string()
    if raw and search.budget.charge(len(raw)):
        array.matches.append(raw)
    return False


def _after_query(search: _Search, array: _Array, value: Value) -> Value:
    if array.step.rest is None:
        return value
    sides = split_pipe(array.step.rest)
    if sides is not None:
        array.step, search.pipe = replace(array.step, rest=sides[0]), sides[1]
    return get(value.raw, array.step.rest or "", search.budget)


def _close(search: _Search, array: _Array) -> bool:
    """The array ends: lengths and collected results."""
    step = array.step
    if step.hashed and step.part == "#":
        search.value = Value(Kind.NUMBER, str(array.seen), "", float(array.seen)) if step.each is None else _each(search, array, step.each)
        return True
    if step.query is not None and not search.value.exists and (step.query.all or array.matches):
        search.value = Value(Kind.JSON, "[" + ",".join(array.matches) + "]")
    return False


def _each(search: _Search, array: _Array, path: str) -> Value:
    """`#.path`: the path of every element that has it."""
    sides = split_pipe(path)
    if sides is not None:
        path, search.pipe = sides
    out: list[str] = []
    for start in array.starts:
        gap = _LINE_SPACE.match(search.text, start)
        at = gap.end() if gap else start
        found = scan.next_value(search.text, at) if search.text[at : at + 1] not in ("", "]") else None
        value = get(found[0].raw, path, search.budget) if found else NOTHING
        if value.exists and search.budget.charge(len(value.raw)):
            out.append(value.raw or value.string())
    return Value(Kind.JSON, "[" + ",".join(out) + "]")


# --- queries -----------------------------------------------------------------------------------------------------------------------


def _matches(query: Query, value: Value) -> bool:
    operand = query.operand
    if operand.startswith("~"):
        truth = _ish(operand[1:], value)
        if truth is None:
            return False
        operand, value = "true", Value(Kind.TRUE if truth else Kind.FALSE, "")
    if not value.exists:
        return False
    if not query.operator:
        return True
    match value.kind:
        case Kind.STRING:
            return _compare_strings(query.operator, value.text, operand)
        case Kind.NUMBER:
            return _compare(query.operator, value.number, scan.parse_float(operand))
        case Kind.TRUE:
            return _compare_true(query.operator, operand)
        case Kind.FALSE:
            return _compare_false(query.operator, operand)
    return False


def _ish(word: str, value: Value) -> bool | None:
    match word:
        case "*":
            return value.exists
        case "null":
            return value.kind is Kind.NULL
        case "true":
            return value.truth() is True
        case "false":
            return value.kind is Kind.NULL or value.truth() is False
    return None


def _compare_strings(operator: str, text: str, operand: str) -> bool:
    if operator in ("%", "!%"):
        return wildcard(operand, text) is (operator == "%")
    return _compare(operator, text, operand)


def _compare(operator: str, left: _Ordered, right: _Ordered) -> bool:
    order = (left > right) - (left < right) if left == left and right == right else None  # None: a NaN, equal to nothing
    match operator:
        case "=":
            return order == 0
        case "!=":
            return order != 0
        case "<":
            return order == -1
        case "<=":
            return order in (-1, 0)
        case ">":
            return order == 1
        case ">=":
            return order in (0, 1)
    return False


def _compare_true(operator: str, operand: str) -> bool:
    answers = {"=": operand == "true", "!=": operand != "true", ">": operand == "false", ">=": True}
    return answers.get(operator, False)


def _compare_false(operator: str, operand: str) -> bool:
    answers = {"=": operand == "false", "!=": operand != "false", "<": operand == "true", "<=": True}
    return answers.get(operator, False)


# --- modifiers, literals, multipaths -----------------------------------------------------------------------------------------------


def _special(text: str, path: str, budget: Budget) -> Value | str:
    """A path that does not start with a key; the path to read as keys where it turns out to be none of these."""
    if path[0] in "[{":
        return _multipath(text, path, budget)
    applied = _static(path) if path[0] == "!" else _modifier(text, path, budget)
    if applied is None:
        return path
    result, rest = applied
    return get(result, rest[1:], budget) if rest[:1] in ("|", ".") else scan.parse(result)


def _multipath(text: str, path: str, budget: Budget) -> Value | str:
    """The members' values joined. What follows a multipath without a separator is taken as the path, as gjson does."""
    split = selectors(path)
    if split is None:
        return ""
    members, rest = split
    if rest[:1] not in ("", "|", "."):
        return rest
    out: list[str] = []
    for member in members:
        found = get(text, member.path, budget)
        if found.exists:
            raw = found.raw or found.string() or "null"
            out.append(raw if path[0] == "[" else f"{member_name(member)}:{raw}")
            budget.charge(len(raw))
    if budget.spent:
        return NOTHING
    joined = path[0] + ",".join(out) + ("]" if path[0] == "[" else "}")
    return get(joined, rest[1:], budget) if rest else Value(Kind.JSON, joined)


def _static(path: str) -> tuple[str, str] | None:
    """`!` and a JSON literal or a word: (text, rest of the path)."""
    if path[1] in '{["+-0123456789':
        end = scan.balanced(path, 1)
        return path[1:end], path[end:]
    stop = re.compile("[|.]").search(path, 1)
    end = stop.start() if stop else len(path)
    return (path[1:end], path[end:]) if path[1:end].lower() in _STATIC else None


def _modifier(text: str, path: str, budget: Budget) -> tuple[str, str] | None:
    """`@name`, `@name:argument`: (result, rest of the path)."""
    stop = _NAME_END.search(path, 1)
    end = stop.start() if stop else len(path)
    name, argument, rest = path[1:end], "", path[end:]
    if name not in MODIFIERS:
        return None
    if rest.startswith(":"):
        argument, rest = _argument(rest[1:])
    result = modify(name, text, argument, budget, get)
    return (result, rest) if budget.charge(len(result)) else ("", rest)


def _argument(rest: str) -> tuple[str, str]:
    """(argument, what follows it): a JSON value, or everything up to a `|` outside of brackets."""
    if rest[:1] in ("{", "[", '"') and scan.parse(rest).exists:
        argument = scan.squash(rest)
        return argument, rest[len(argument) :]
    at = 0
    while at < len(rest) and rest[at] != "|":
        at = scan.balanced(rest, at, 0 if rest[at] == '"' else 1) if rest[at] in '{["(' else at + 1
    return rest[:at], rest[at:]
