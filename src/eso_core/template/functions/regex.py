"""Regular expressions: sprig's ``regex.go`` over Go's ``regexp``.

A pattern that Go refuses is an error; ``regexMatch`` takes it for one that matches nothing.

What costs work (nanoseconds, as measured with the patterns that are worst for RE2):

=====================  ================================================================================================
a pattern              once in an execution, by its length and the size of its program
each byte of a text    a few, more beyond ASCII; with groups, or parts that make the automaton explode, some for each
                       instruction of the program
each stray byte        what is not UTF-8 has to be replaced first
each match             by the number of groups; where a search can look far beyond its match, what is left of the text too
=====================  ================================================================================================
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

_COMPILE, _CHAR, _INSTRUCTION, _TOO_LARGE = 100_000, 300, 300, 40_000_000
_BYTE, _SIMPLE_MAX, _STEP, _WIDE, _STRAY = 4, 48, 5, 40, 500
_MATCH, _SPAN = 3_000, 400


def match(ambient: Ambient, regex: bytes, text: bytes) -> bool:
    """False for a pattern that Go refuses."""
    compiled = _compile(ambient, regex)
    return isinstance(compiled, Success) and _matches(ambient, compiled.unwrap(), text)


def must_match(ambient: Ambient, regex: bytes, text: bytes) -> bool:
    return _matches(ambient, _checked(ambient, regex), text)


def find(ambient: Ambient, regex: bytes, text: bytes) -> bytes:
    """`FindString`: the first match, or nothing."""
    return _find(ambient, _must_compile(ambient, regex), text)


def must_find(ambient: Ambient, regex: bytes, text: bytes) -> bytes:
    return _find(ambient, _checked(ambient, regex), text)


def find_all(ambient: Ambient, regex: bytes, text: bytes, n: int) -> Strings:
    """`FindAllString`: at most ``n`` matches, all if it is negative."""
    return _find_all(ambient, _must_compile(ambient, regex), text, n)


def must_find_all(ambient: Ambient, regex: bytes, text: bytes, n: int) -> Strings:
    return _find_all(ambient, _checked(ambient, regex), text, n)


def replace_all(ambient: Ambient, regex: bytes, text: bytes, replacement: bytes) -> bytes:
    """`ReplaceAllString`: ``$1``, ``${name}`` stand for groups."""
    return _replace(ambient, _must_compile(ambient, regex), text, replacement)


def must_replace_all(ambient: Ambient, regex: bytes, text: bytes, replacement: bytes) -> bytes:
    return _replace(ambient, _checked(ambient, regex), text, replacement)


def replace_all_literal(ambient: Ambient, regex: bytes, text: bytes, replacement: bytes) -> bytes:
    """`ReplaceAllLiteralString`."""
    return _replace(ambient, _must_compile(ambient, regex), text, replacement, literal=True)


def must_replace_all_literal(ambient: Ambient, regex: bytes, text: bytes, replacement: bytes) -> bytes:
    return _replace(ambient, _checked(ambient, regex), text, replacement, literal=True)


def split(ambient: Ambient, regex: bytes, text: bytes, n: int) -> Strings:
    """`Regexp.Split`: at most ``n`` parts, all if it is negative, nil if it is 0."""
    return _split(ambient, _must_compile(ambient, regex), text, n)


def must_split(ambient: Ambient, regex: bytes, text: bytes, n: int) -> Strings:
    return _split(ambient, _checked(ambient, regex), text, n)


def quote(text: bytes) -> bytes:
    """`regexp.QuoteMeta`."""
    quoted = quote_meta(text)
    room_for(len(quoted))
    return quoted


# --- compiling -------------------------------------------------------------------------------------------------------------------


def _compile(ambient: Ambient, regex: bytes) -> Result[Pattern, str]:
    meter = ambient.meter
    known: Result[Pattern, str] | None = meter.kept.get((compile_pattern, regex))
    if known is None:
        meter.spend(_COMPILE + _CHAR * len(regex))
        known = meter.kept[compile_pattern, regex] = _compiled(regex)
        if isinstance(known, Success):
            meter.spend(_INSTRUCTION * known.unwrap().size)
        elif known.failure().endswith("too large"):
            meter.spend(_TOO_LARGE)
    return known


def _compiled(regex: bytes) -> Result[Pattern, str]:
    try:
        return compile_pattern(regex.decode())
    except UnicodeDecodeError as fault:
        return Failure(f"error parsing regexp: invalid UTF-8: `{go_text(regex[fault.start :])}`")


def _checked(ambient: Ambient, regex: bytes) -> Pattern:
    """`regexp.Compile`."""
    compiled = _compile(ambient, regex)
    if isinstance(compiled, Success):
        pattern: Pattern = compiled.unwrap()
        return pattern
    what, colon, detail = compiled.failure().partition(": `")
    raise FunctionError(what, colon + detail)


def _must_compile(ambient: Ambient, regex: bytes) -> Pattern:
    """`regexp.MustCompile`."""
    compiled = _compile(ambient, regex)
    if isinstance(compiled, Success):
        pattern: Pattern = compiled.unwrap()
        return pattern
    quoted = f"`{regex.decode()}`" if can_backquote(regex) else quote_bytes(regex).decode()
    raise FunctionError("regexp: Compile", f"({quoted}): {compiled.failure()}")


# --- matching --------------------------------------------------------------------------------------------------------------------


def _rate(pattern: Pattern) -> int:
    """The work of one byte."""
    return _BYTE + (_STEP * pattern.size if pattern.explosive or len(pattern.groups) > 1 else min(pattern.size, _SIMPLE_MAX))


def _spend(ambient: Ambient, pattern: Pattern, text: bytes) -> None:
    ambient.meter.spend(_rate(pattern) * len(text))
    if not text.isascii():
        ambient.meter.spend(_WIDE * len(text))
        ambient.meter.spend(_STRAY * (len(text) - len(text.decode("utf-8", "ignore").encode())))


def _found(ambient: Ambient, pattern: Pattern, text: bytes) -> Finds:
    size, last, meter = len(text), 0, ambient.meter
    _spend(ambient, pattern, text)
    each = _MATCH + _SPAN * len(pattern.groups)
    again = 0 if not pattern.endless else _rate(pattern) if pattern.explosive else 2
    for count, spans in enumerate(pattern.found(text), 1):
        items(count)
        meter.spend(each + again * (size - last))
        last = spans[0][1]
        yield spans


def _matches(ambient: Ambient, pattern: Pattern, text: bytes) -> bool:
    _spend(ambient, pattern, text)
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
