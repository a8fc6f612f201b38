"""The syntax of gjson paths. All text is byte text (see `scan`).

    name.last  name\\.last  child*.2  c?ild    keys, escapes, wildcards, indexes
    friends.#  friends.#.age                  length, one path for every element
    friends.#(age>45)  friends.#(age>45)#     first match, all matches; operators = == != < <= > >= % !%, and ~true ~false ~null ~*
    a|b                                       starts over with the result
    @reverse  @flatten:{"deep":true}          modifiers
    [a,b]  {"x":a,b}  !"text"                 several paths at once, literals

What is none of these is part of a key.
"""

import json
import re
from dataclasses import dataclass

from eso_core.compat.gjson.scan import squash, unescape
from eso_core.compat.gojson import is_valid
from eso_core.compat.text import go_text

MODIFIERS = frozenset(
    ("pretty", "ugly", "reverse", "this", "flatten", "join", "valid", "keys", "values", "tostr", "fromstr", "group", "dig")
)

_MODIFIER_NAME = re.compile(r"@([^.|:]*)")
_SPACE = "".join(map(chr, range(33)))


@dataclass(frozen=True, slots=True)
class Query:
    """The part between `#(` and `)`."""

    path: str = ""
    operator: str = ""
    operand: str = ""
    all: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """First component of a path. `rest` follows a dot, `pipe` a `|` (None where there is none)."""

    part: str
    rest: str | None = None
    pipe: str | None = None
    wild: bool = False
    hashed: bool = False  # a `#` occurs in the component
    each: str | None = None  # path after `#.`
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """One member of `[...]` or `{...}`."""

    name: str
    path: str


def object_step(path: str) -> Step:
    """`path` as it is read against an object: the component loses its escapes."""
    out: list[str] = []
    wild = False
    at = 0
    while at < len(path):
        char = path[at]
        if char == "\\":
            out.append(path[at + 1 : at + 2])
            at += 2
            continue
        if char in "|.":
            return _cut("".join(out), path, at, wild=wild)
        wild = wild or char in "*?"
        out.append(char)
        at += 1
    return Step("".join(out), wild=wild)


def array_step(path: str) -> Step:
    """`path` as it is read against an array."""
    hashed, each, query = False, None, None
    at = 0
    while at < len(path):
        char = path[at]
        if char in "|.":
            step = _cut(path[:at], path, at, wild=False, keep=hashed)
            return Step(step.part, step.rest, step.pipe, hashed=hashed, each=each, query=query)
        if char == "#":
            hashed = True
            if at == 0 and path[1:2] == ".":
                each = path[2:]
            elif at == 0 and path[1:2] in ("[", "("):
                query, end = _query(path)
                if end < 0:
                    break
                at = end - 1
        at += 1
    return Step(path, hashed=hashed, each=each, query=query)


def _cut(part: str, path: str, at: int, *, wild: bool, keep: bool = False) -> Step:
    """The component ends at `at`. A dot before a modifier or a multipath counts as a pipe, unless `keep`."""
    following = path[at + 1 :]
    if path[at] == "|" or (not keep and _starts_pipe(following)):
        return Step(part, pipe=following, wild=wild)
    return Step(part, rest=following, wild=wild)


def _starts_pipe(following: str) -> bool:
    if following.startswith("@"):
        name = _MODIFIER_NAME.match(following)
        return name is not None and name[1] in MODIFIERS
    return following[:1] in ("[", "{")


def _query(path: str) -> tuple[Query, int]:
    """(query, offset after its bracket) of a path that starts with `#(` or `#[`; offset -1 if the bracket never closes."""
    start, end, escaped = _query_span(path)
    if end < 0:
        return Query(), -1
    operator, operand = _operation(path[start:end].strip(_SPACE)) if start else ("", "")
    if len(operand) >= 2 and operand[0] == operand[-1] == '"':
        operand = unescape(operand[1:-1]) if escaped else operand[1:-1]
    name = path[2 : start or end].strip(_SPACE)
    return Query(name, operator, operand, path[end + 1 : end + 2] == "#"), end + 1


def _query_span(path: str) -> tuple[int, int, bool]:
    """(offset of the operator or 0, offset of the closing bracket or -1, whether a string in it holds an escape)."""
    start, depth, escaped, at = 0, 1, False, 2
    while at < len(path):
        char = path[at]
        if depth == 1 and not start and char in "!=<>%":
            start = at
        elif char == "\\":
            at += 1
        elif char in "[(":
            depth += 1
        elif char in "])":
            depth -= 1
            if depth == 0:
                return start, at, escaped
        elif char == '"':
            end = string_end(path, at)
            escaped = escaped or "\\" in path[at:end]
            at = end
        at += 1
    return start, -1, escaped


def _operation(text: str) -> tuple[str, str]:
    for operator in ("!=", "!%", "<=", ">="):
        if text.startswith(operator):
            return operator, text[2:].strip(_SPACE)
    if text.startswith("=="):
        return "=", text[2:].strip(_SPACE)
    if text.startswith("!") and len(text) > 1:
        return "", text
    return text[:1], text[1:].strip(_SPACE)


def string_end(path: str, at: int) -> int:
    """Offset of the quote that closes the string at `at`; the length of `path`, or one more, where none does."""
    at += 1
    while at < len(path) and path[at] != '"':
        at += 2 if path[at] == "\\" else 1
    return at


def split_pipe(path: str) -> tuple[str, str] | None:
    """The two sides of the first `|` outside of queries and, in front, of a multipath object."""
    if "|" not in path:
        return None
    if path[0] == "{":
        end = len(squash(path[1:])) + 1 if len(path) > 1 else len(path)
        return (path[:end], path[end + 1 :]) if path[end : end + 1] == "|" else None
    at = 0
    while at < len(path):
        if path[at] == "\\":
            at += 1
        elif path[at] == ".":
            if at == len(path) - 1:
                return None
            if path[at + 1] == "#":
                at += 2
                if at == len(path):
                    return None
                if path[at] in "[(":
                    at = _skip_selector(path, at)
        elif path[at] == "|":
            return path[:at], path[at + 1 :]
        at += 1
    return None


def _skip_selector(path: str, at: int) -> int:
    opening, closing = path[at], "]" if path[at] == "[" else ")"
    depth, at = 1, at + 1
    while at < len(path):
        if path[at] == "\\":
            at += 1
        elif path[at] == opening:
            depth += 1
        elif path[at] == closing:
            depth -= 1
            if depth == 0:
                return at
        elif path[at] == '"':
            at = string_end(path, at)
        at += 1
    return at


def selectors(path: str) -> tuple[list[Selector], str] | None:
    """The members of the multipath at the start of `path`, and what follows it; None if its bracket never closes."""
    out: list[Selector] = []
    modifier, depth, colon, start, at = False, 1, 0, 1, 1
    while at < len(path):
        char = path[at]
        if char == "\\":
            at += 1
        elif char == "@":
            modifier = modifier or path[at - 1] in ".|"
        elif char == ":":
            colon = at if not modifier and not colon and depth == 1 else colon
        elif char == '"':
            at = string_end(path, at)
        elif char in "[({":
            depth += 1
        elif char in "])}" or (char == "," and depth == 1):
            depth -= char != ","
            if depth == 0 or char == ",":
                out.append(Selector(path[start:colon], path[colon + 1 : at]) if colon else Selector("", path[start:at]))
                modifier, colon, start = False, 0, at + 1
            if depth == 0:
                return out, path[at + 1 :]
        at += 1
    return None


def member_name(selector: Selector) -> str:
    """JSON text of the key that a member of `{...}` gets."""
    if selector.name:
        given = selector.name[0] == '"' and is_valid(selector.name.encode("latin-1"))
        return selector.name if given else json_string(selector.name)
    last = _last_name(selector.path)
    simple = not any(char < " " or char in "[]{}()#|!" for char in last)
    return json_string(last if simple else "_")


def json_string(text: str) -> str:
    """gjson's `AppendJSONString`: HTML characters escaped, bytes that are not UTF-8 as `\\ufffd`."""
    encoded = json.dumps(text.encode("latin-1").decode("utf-8", "surrogateescape"), ensure_ascii=False)
    encoded = re.sub("[\ud800-\udfff]", lambda _: "\\ufffd", encoded)
    encoded = re.sub("[<>&\u2028\u2029]", lambda char: f"\\u{ord(char[0]):04x}", encoded)
    return encoded.encode().decode("latin-1")


def _last_name(path: str) -> str:
    for at in range(len(path) - 1, -1, -1):
        if path[at] in "|." and not (at > 0 and path[at - 1] == "\\"):
            return path[at + 1 :]
    return path


def wildcard(pattern: str, name: str) -> bool:
    """`tidwall/match`: `*` any runes, `?` one rune, `\\\\` takes the next rune as it is. Cost: product of the lengths."""
    return _wildcard(go_text(pattern.encode("latin-1")), go_text(name.encode("latin-1")))


def _wildcard(pattern: str, name: str) -> bool:
    tokens = _wildcard_tokens(pattern)
    if tokens is None:
        return False
    states = _star_closure({0}, tokens)
    for rune in name:
        moved = {state if tokens[state] == "*" else state + 1 for state in states if state < len(tokens) and _fits(tokens[state], rune)}
        states = _star_closure(moved, tokens)
        if not states:
            return False
    return len(tokens) in states


def _wildcard_tokens(pattern: str) -> list[str] | None:
    """`*`, `?`, or `=` and a rune; None for a pattern that matches nothing: it ends in a backslash with no star before."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            if at + 1 == len(pattern) and "*" not in out:
                return None
            at += at + 1 < len(pattern)
            out.append("=" + pattern[at])
        else:
            out.append(pattern[at] if pattern[at] in "*?" else "=" + pattern[at])
        at += 1
    return out


def _fits(token: str, rune: str) -> bool:
    return token in ("*", "?") or token[1] == rune


def _star_closure(states: set[int], tokens: list[str]) -> set[int]:
    out = set(states)
    for state in states:
        while state < len(tokens) and tokens[state] == "*":
            state += 1
            out.add(state)
    return out
