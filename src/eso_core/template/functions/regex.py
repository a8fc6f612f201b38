"""Regular expressions: sprig's ``regex.go`` over Go's ``regexp``.

A pattern that Go refuses is an error; ``regexMatch`` takes it for one that matches nothing. Searching costs work, by the size of the
pattern's program and of the text: where a search can look far beyond the match that it finds, each match costs it anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from returns.result import Failure, Result, Success

from eso_core.compat.regexp import Finds, Pattern, compile_pattern, quote_meta, split_points
from eso_core.compat.text import can_backquote, go_text, quote_bytes
from eso_core.template.equal import NilStrings
from eso_core.template.errors import FunctionError
from eso_core.template.limits import ITEMS_MAX, Ambient, items, room_for
from eso_core.template.values import Function, Strings

_SHIFT = 8  # one unit of work is 256 steps of a program


def match(ambient: Ambient, regex: bytes, text: bytes) -> bool:
    """False for a pattern that Go refuses."""
    compiled = _compile(regex)
    return isinstance(compiled, Success) and _matches(ambient, compiled.unwrap(), text)


def must_match(ambient: Ambient, regex: bytes, text: bytes) -> bool:
    return _matches(ambient, _checked(regex), text)


def find(ambient: Ambient, regex: bytes, text: bytes) -> bytes:
    """`FindString`: the first match, or nothing."""
    return _find(ambient, _must_compile(regex), text)


def must_find(ambient: Ambient, regex: bytes, text: bytes) -> bytes:
    return _find(ambient, _checked(regex), text)


def find_all(ambient: Ambient, regex: bytes, text: bytes, n: int) -> Strings:
    """`FindAllString`: at most ``n`` matches, all if it is negative."""
    return _find_all(ambient, _must_compile(regex), text, n)


def must_find_all(ambient: Ambient, regex: bytes, text: bytes, n: int) -> Strings:
    return _find_all(ambient, _checked(regex), text, n)


def replace_all(ambient: Ambient, regex: bytes, text: bytes, replacement: bytes) -> bytes:
    """`ReplaceAllString`: ``$1``, ``${name}`` stand for groups."""
    return _replace(ambient, _must_compile(regex), text, replacement)


def must_replace_all(ambient: Ambient, regex: bytes, text: bytes, replacement: bytes) -> bytes:
    return _replace(ambient, _checked(regex), text, replacement)


def replace_all_literal(ambient: Ambient, regex: bytes, text: bytes, replacement: bytes) -> bytes:
    """`ReplaceAllLiteralString`."""
    return _replace(ambient, _must_compile(regex), text, replacement, literal=True)


def must_replace_all_literal(ambient: Ambient, regex: bytes, text: bytes, replacement: bytes) -> bytes:
    return _replace(ambient, _checked(regex), text, replacement, literal=True)


def split(ambient: Ambient, regex: bytes, text: bytes, n: int) -> Strings:
    """`Regexp.Split`: at most ``n`` parts, all if it is negative, nil if it is 0."""
    return _split(ambient, _must_compile(regex), text, n)


def must_split(ambient: Ambient, regex: bytes, text: bytes, n: int) -> Strings:
    return _split(ambient, _checked(regex), text, n)


def quote(text: bytes) -> bytes:
    """`regexp.QuoteMeta`."""
    quoted = quote_meta(text)
    room_for(len(quoted))
    return quoted


# --- compiling -------------------------------------------------------------------------------------------------------------------


def _compile(regex: bytes) -> Result[Pattern, str]:
    try:
        return compile_pattern(regex.decode())
    except UnicodeDecodeError as fault:
        return Failure(f"error parsing regexp: invalid UTF-8: `{go_text(regex[fault.start :])}`")


def _checked(regex: bytes) -> Pattern:
    """`regexp.Compile`."""
    compiled = _compile(regex)
    if isinstance(compiled, Success):
        pattern: Pattern = compiled.unwrap()
        return pattern
    what, colon, detail = compiled.failure().partition(": `")
    raise FunctionError(what, colon + detail)


def _must_compile(regex: bytes) -> Pattern:
    """`regexp.MustCompile`."""
    compiled = _compile(regex)
    if isinstance(compiled, Success):
        pattern: Pattern = compiled.unwrap()
        return pattern
    quoted = f"`{regex.decode()}`" if can_backquote(regex) else quote_bytes(regex).decode()
    raise FunctionError("regexp: Compile", f"({quoted}): {compiled.failure()}")


# --- matching --------------------------------------------------------------------------------------------------------------------


def _spend(ambient: Ambient, pattern: Pattern, size: int) -> None:
    ambient.meter.spend(pattern.size * size >> _SHIFT)


def _found(ambient: Ambient, pattern: Pattern, text: bytes) -> Finds:
    size, endless, last = len(text), pattern.endless, 0
    _spend(ambient, pattern, size)
    for count, spans in enumerate(pattern.found(text), 1):
        items(count)
        if endless:
            _spend(ambient, pattern, size - last)
            last = spans[0][1]
        yield spans


def _matches(ambient: Ambient, pattern: Pattern, text: bytes) -> bool:
    _spend(ambient, pattern, len(text))
    return pattern.matches_bytes(text)


def _find(ambient: Ambient, pattern: Pattern, text: bytes) -> bytes:
    for spans in _found(ambient, pattern, text):
        return text[slice(*spans[0])]
    return b""


def _find_all(ambient: Ambient, pattern: Pattern, text: bytes, n: int) -> Strings:
    found = Strings(text[slice(*spans[0])] for spans in _some(_found(ambient, pattern, text), n))
    return found or NilStrings()


def _replace(ambient: Ambient, pattern: Pattern, text: bytes, replacement: bytes, literal: bool = False) -> bytes:
    out, size = [], 0
    for piece in pattern.replaced(text, replacement, literal=literal, finds=_found(ambient, pattern, text)):
        size += len(piece)
        room_for(size)
        out.append(piece)
    return b"".join(out)


def _split(ambient: Ambient, pattern: Pattern, text: bytes, n: int) -> Strings:
    if n == 0:
        return NilStrings()
    if pattern.source and not text:
        return Strings((b"",))
    points = split_points(_some(_found(ambient, pattern, text), n), n, len(text))
    return Strings(text[begin:end] for begin, end in points)


def _some(finds: Finds, n: int) -> Iterator[list[tuple[int, int]]]:
    return finds if n < 0 else islice(finds, min(n, ITEMS_MAX + 1))


_TEST, _TEST_E = "func(string, string) bool", "func(string, string) (bool, error)"
_FIND, _FIND_E = "func(string, string) string", "func(string, string) (string, error)"
_LIST, _LIST_E = "func(string, string, int) []string", "func(string, string, int) ([]string, error)"
_TEXT, _TEXT_E = "func(string, string, string) string", "func(string, string, string) (string, error)"

TABLE: Mapping[str, Function] = {
    "mustRegexFind": Function(_FIND_E, must_find, ambient=True),
    "mustRegexFindAll": Function(_LIST_E, must_find_all, ambient=True),
    "mustRegexMatch": Function(_TEST_E, must_match, ambient=True),
    "mustRegexReplaceAll": Function(_TEXT_E, must_replace_all, ambient=True),
    "mustRegexReplaceAllLiteral": Function(_TEXT_E, must_replace_all_literal, ambient=True),
    "mustRegexSplit": Function(_LIST_E, must_split, ambient=True),
    "regexFind": Function(_FIND, find, ambient=True),
    "regexFindAll": Function(_LIST, find_all, ambient=True),
    "regexMatch": Function(_TEST, match, ambient=True),
    "regexQuoteMeta": Function("func(string) string", quote),
    "regexReplaceAll": Function(_TEXT, replace_all, ambient=True),
    "regexReplaceAllLiteral": Function(_TEXT, replace_all_literal, ambient=True),
    "regexSplit": Function(_LIST, split, ambient=True),
}
