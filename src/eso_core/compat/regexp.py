"""The one place where a user's regular expression is compiled: Go's `regexp` on top of RE2.

Both take the same language with these differences, levelled here: `\\C` is refused, names of groups are ASCII, and Go 1.25 on knows the
long names of Unicode categories (`\\p{Letter}`). Matching is linear in the text. A pattern that needs more than `MEMORY_MAX` is refused
although Go might take it.

Texts are matched as bytes. Where one is not UTF-8, Go sees U+FFFD in place of each stray byte; RE2 is given a text that holds it, and
the places of its matches are moved back. RE2 sees `\\B` between the bytes of one character, too; such an (empty) match is passed over.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias

import re2
from returns.result import Failure, Result, Success

from eso_core.compat.letters import character_class
from eso_core.compat.runes import members
from eso_core.compat.text import go_text, quote, to_bytes, whole

PATTERN_MAX = 65_536  # characters
MEMORY_MAX = 2 << 20  # bytes of a compiled program
OUTPUT_MAX = 65_536  # characters of one replaced text
CACHE_MAX = 64  # patterns

Spans: TypeAlias = list[tuple[int, int]]
Finds: TypeAlias = Iterator[Spans]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern."""

    source: str
    program: Any
    endless: bool  # whether a search may look at text far beyond the match that it finds
    explosive: bool  # whether the automaton may have too many states to be kept, so that each byte costs up to `size`
    size: int  # instructions of the program
    groups: range  # numbers of the groups, the whole match included

    def matches(self, text: str) -> bool:
        """`MatchString`: whether any part of `text` matches."""
        return self._next(to_bytes(text), 0) is not None

    def matches_bytes(self, raw: bytes) -> bool:
        """`MatchString` of any Go string."""
        return self._next(_readable(raw)[0], 0) is not None

    def replace_all(self, text: str, template: str) -> Result[str, str]:
        """`ReplaceAllString`; fails where the result up to the end of the last match is longer than `OUTPUT_MAX`."""
        out: list[str] = []
        size = 0
        for piece in self.replaced(to_bytes(text), to_bytes(template)):
            if size > OUTPUT_MAX:
                return Failure(f"result of replacing {quote(self.source)} exceeds {OUTPUT_MAX} characters")
            out.append(piece.decode())
            size += len(out[-1])
        return Success("".join(out))

    def replaced(self, raw: bytes, template: bytes, *, literal: bool = False, finds: Finds | None = None) -> Iterator[bytes]:
        """The pieces of `ReplaceAllString(raw, template)`, or of `ReplaceAllLiteralString`; `finds` stands for `self.found(raw)`."""
        parts = (template,) if literal else self._numbered(_expansion(template))
        last = 0
        for spans in self.found(raw) if finds is None else finds:
            yield raw[last : spans[0][0]]
            for part in parts:
                if isinstance(part, bytes):
                    yield part
                elif part < len(spans) and spans[part][0] >= 0:
                    yield raw[spans[part][0] : spans[part][1]]
            last = spans[0][1]
        yield raw[last:]

    def found(self, raw: bytes) -> Finds:
        """The matches that `FindAll` finds, as the spans of their groups: (-1, -1) for a group without part in the match.

        An empty match right after the match before it is none.
        """
        last = -1
        if raw.isascii():
            for found in self.program.finditer(raw):
                start, end = found.span()
                if not start == end == last:
                    yield [found.span(group) for group in self.groups]
                last = end
            return
        text, back = _readable(raw)
        at = 0
        while at <= len(text) and (found := self._next(text, at)) is not None:
            start, end = found.span()
            if not start == end == last:
                spans = [found.span(group) for group in self.groups]
                yield spans if back is None else [(back(first), back(after)) for first, after in spans]
            at, last = (_after(text, at) if end == at else end), end

    def _next(self, text: bytes, at: int) -> Any:
        found = self.program.search(text, at)
        while found is not None and _within_rune(text, found.start()):
            found = self.program.search(text, _after(text, found.start()))
        return found

    def _numbered(self, parts: "tuple[bytes | _Group, ...]") -> tuple[bytes | int, ...]:
        """`parts` with the number of each group; a group that does not exist is left out."""
        if all(isinstance(part, bytes) for part in parts):
            return parts  # type: ignore[return-value]
        named = self.program.groupindex
        numbered = (part if isinstance(part, bytes) else named.get(part.name, -1) if part.number < 0 else part.number for part in parts)
        return tuple(part for part in numbered if isinstance(part, bytes) or part >= 0)


def compile_pattern(source: str) -> Result[Pattern, str]:
    """`regexp.Compile`; the error is Go's, `error parsing regexp: ...`."""
    if len(source) > PATTERN_MAX:
        return Failure("error parsing regexp: expression too large")
    return _compile(whole(source))


def find_matcher(source: str) -> Result[Pattern, str]:
    """Matcher of `find.name.regexp` (`runtime/find/find.go`)."""
    return compile_pattern(source).alt(lambda fault: f"could not compile find.name.regexp [{source}]: {fault}")


def match_string(source: str, text: str) -> Result[bool, str]:
    """`regexp.MatchString`, unanchored."""
    return compile_pattern(source).map(lambda pattern: pattern.matches(text))


def quote_meta(raw: bytes) -> bytes:
    """`regexp.QuoteMeta`."""
    return _SPECIAL.sub(rb"\\\g<0>", raw)


def split_points(finds: Finds, n: int, size: int) -> "Iterator[tuple[int, int]]":
    """The spans between matches that `Regexp.Split(text, n)` gives for a text of `size` bytes, from what `found` gives; `n` is not 0."""
    begin, end, count = 0, 0, 0
    for spans in finds:
        if count == n - 1:
            break
        end, after = spans[0]
        if after:
            yield begin, end
            count += 1
        begin = after
    if end != size:
        yield begin, size


# --- texts that are not UTF-8 ----------------------------------------------------------------------------------------------------

_SPECIAL = re.compile(rb"[\\.+*?()|\[\]{}^$]")
_STRAYS = re.compile("[\udc80-\udcff]+")


def _readable(raw: bytes) -> tuple[bytes, Callable[[int], int] | None]:
    """`raw` with U+FFFD for each stray byte, and what turns a place in it into one in `raw`; None where the two are the same."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        pass
    else:
        return raw, None
    text = raw.decode("utf-8", "surrogateescape")
    strays: list[int] = []
    size = last = 0
    for run in _STRAYS.finditer(text):
        size += len(text[last : run.start()].encode())
        after = size + 3 * len(run[0])
        strays += range(size, after, 3)
        size, last = after, run.end()
    replaced = _STRAYS.sub(lambda run: "\ufffd" * len(run[0]), text).encode()
    return replaced, lambda at: at - 2 * bisect_left(strays, at)


def _within_rune(text: bytes, at: int) -> bool:
    return at < len(text) and text[at] & 0xC0 == 0x80


def _after(text: bytes, at: int) -> int:
    """The place after the character at `at`; beyond the text at its end."""
    at += 1
    while _within_rune(text, at):
        at += 1
    return at


# --- compiling -----------------------------------------------------------------------------------------------------------------

_PREFIX = "error parsing regexp: "
_TOKEN = re.compile(r"\\Q.*?(?:\\E|\Z)|\\[pP]\{\^?([^}]*)\}|\\.", re.DOTALL)
_UNLIKE_GO = re.compile(r"\\Q.*?(?:\\E|\Z)|\\(.)|\[\^?\]?(?:\\.|\[:\^?\w*:\]|[^\]\\])*\]|\(\?P?<([^>]*)>", re.DOTALL)
_FILLER = re.compile("[ _-]")
_NAME = re.compile("[A-Za-z0-9_]+")

# RE2's message, Go's message. The argument follows a colon and is copied, save for the second group.
_MESSAGES = (
    ("missing ]", "missing closing ]"),
    ("missing )", "missing closing )"),
    ("unexpected )", "unexpected )"),
    ("no argument for repetition operator", "missing argument to repetition operator"),
    ("bad repetition operator", "invalid nested repetition operator"),
    ("invalid repetition size", "invalid repeat count"),
    ("invalid perl operator", "invalid or unsupported Perl syntax"),
    ("invalid named capture group", "invalid named capture"),
    ("invalid escape sequence", "invalid escape sequence"),
    ("invalid character class range", "invalid character class range"),
    ("invalid character class", "invalid character class"),
    ("trailing \\", "trailing backslash at end of expression"),
    ("pattern too large", "expression too large"),
    ("expression nests too deeply", "expression nests too deeply"),
)
_WHOLE_PATTERN = ("missing )", "unexpected )")

_CATEGORIES: Mapping[str, str] = {
    name.replace("_", "").lower(): short
    for short, name in (
        ("L", "Letter"), ("Lu", "Uppercase_Letter"), ("Ll", "Lowercase_Letter"), ("Lt", "Titlecase_Letter"),
        ("Lm", "Modifier_Letter"), ("Lo", "Other_Letter"), ("M", "Mark"), ("M", "Combining_Mark"), ("Mn", "Nonspacing_Mark"),
        ("Mc", "Spacing_Mark"), ("Me", "Enclosing_Mark"), ("N", "Number"), ("Nd", "Decimal_Number"), ("Nd", "digit"),
        ("Nl", "Letter_Number"), ("No", "Other_Number"), ("P", "Punctuation"), ("P", "punct"), ("Pc", "Connector_Punctuation"),
        ("Pd", "Dash_Punctuation"), ("Ps", "Open_Punctuation"), ("Pe", "Close_Punctuation"), ("Pi", "Initial_Punctuation"),
        ("Pf", "Final_Punctuation"), ("Po", "Other_Punctuation"), ("S", "Symbol"), ("Sm", "Math_Symbol"),
        ("Sc", "Currency_Symbol"), ("Sk", "Modifier_Symbol"), ("So", "Other_Symbol"), ("Z", "Separator"),
        ("Zs", "Space_Separator"), ("Zl", "Line_Separator"), ("Zp", "Paragraph_Separator"), ("C", "Other"), ("Cc", "Control"),
        ("Cc", "cntrl"), ("Cf", "Format"), ("Co", "Private_Use"), ("Cs", "Surrogate"),
    )
}  # fmt: skip


@lru_cache(maxsize=CACHE_MAX)
def _compile(source: str) -> Result[Pattern, str]:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY_MAX
    try:
        program = re2.compile(_level(source), options)
    except re2.error as fault:
        return Failure(_go_message(source, fault.args[0]))
    refused = _refused(source)
    if refused:
        return Failure(_PREFIX + refused)
    return Success(Pattern(source, program, *_dangers(source), program.programsize, range(program.groups + 1)))


_PART = re.compile(
    r"\\Q.*?(?:\\E|\Z)|\\[pP](?:\{[^}]*\})?|\\.|\[\^?\]?(?:\\.|\[:\^?\w*:\]|[^\]\\])*\]|\{(\d+)(,?)(\d*)\}|[.()|*+?]", re.DOTALL
)
_WIDE_MAX = 10  # parts that match several characters, from which on they may make too many states together


def _dangers(source: str) -> tuple[bool, bool]:
    """`endless` and `explosive`.

    A search looks far beyond a match if that is there already and a longer one, or one of an earlier alternative, may still come: where
    a loop is in something optional or repeated, or beside an alternative. In a plain sequence a loop that goes on lengthens the match.
    States multiply where many parts match the same characters, each at its own distance from the beginning.
    """
    loops, choices, endless, wide, varied, times = [False], [False], False, 0, 0, 1
    closed = was_loop = False  # the part before ended a group, and that has a loop
    for part in _PART.finditer(source):
        text = part[0]
        quantified = text in "*+?" or part[1] is not None
        if quantified:
            loop = text in "*+" or bool(part[2])
            endless |= closed and was_loop
            loops[-1] |= loop
            varied += part[1] is None or bool(part[2])
            times *= max(1, min(int((part[3] or part[1])[:4]), 1000)) if part[1] is not None else 1
        closed, was_loop = text == ")", False
        if text == "(":
            loops.append(False)
            choices.append(False)
        elif text == ")" and len(loops) > 1:
            was_loop = loops.pop()
            endless |= choices.pop() and was_loop
            loops[-1] |= was_loop
        elif text == "|":
            choices[-1] = True
            wide += 1
        elif text == "." or text[0] == "[" or text[:2] in _WIDE:
            wide += 1
    return endless or (choices[0] and loops[0]), (wide if times == 1 else (wide + varied) * times) > _WIDE_MAX


_WIDE = frozenset(f"\\{letter}" for letter in "pPdDwWsS")


def _level(source: str) -> str:
    """`source` in RE2's dialect."""
    out, last = [], 0
    for token in _TOKEN.finditer(source):
        short = _CATEGORIES.get(_FILLER.sub("", token[1]).lower()) if token[1] else None
        if short:
            out += [source[last : token.start(1)], short]
            last = token.end(1)
    return "".join(out) + source[last:]


def _refused(source: str) -> str:
    """What Go refuses in a pattern that RE2 takes; empty if nothing."""
    for token in _UNLIKE_GO.finditer(source):
        if token[1] == "C":
            return "invalid escape sequence: `\\C`"
        if token[2] is not None and not _NAME.fullmatch(token[2]):
            return f"invalid named capture: `{token[0]}`"
    return ""


def _go_message(source: str, raw: bytes | str) -> str:
    text = go_text(raw) if isinstance(raw, bytes) else raw
    if text.startswith("invalid perl operator: (?<"):
        return f"{_PREFIX}invalid named capture: `{source[source.find('(?<') :]}`"
    for theirs, ours in _MESSAGES:
        if text.startswith(theirs):
            argument = source if theirs in _WHOLE_PATTERN else text[len(theirs) :].removeprefix(": ")
            bare = ours.startswith(("trailing", "expression"))
            return _PREFIX + (f"{ours}: ``" if ours.startswith("trailing") else ours if bare else f"{ours}: `{argument}`")
    return _PREFIX + text


# --- replacement templates -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """A reference to a group: by number, or by name where the number is negative."""

    name: str
    number: int


@lru_cache(maxsize=CACHE_MAX)
def _expansion(template: bytes) -> "tuple[bytes | _Group, ...]":
    """`Regexp.Expand`: `$1`, `$name`, `${name}` and `$$`; a `$` that starts none of them stands for itself."""
    text = template.decode("utf-8", "surrogateescape")
    out: list[bytes | _Group] = []
    last = 0
    for found in _reference().finditer(text) if "$" in text else ():
        out.append(text[last : found.start()].encode("utf-8", "surrogateescape"))
        out.append(b"$" if found[1] else _group(found[2] or found[3]))
        last = found.end()
    return tuple(part for part in (*out, text[last:].encode("utf-8", "surrogateescape")) if part)


@cache
def _reference() -> re.Pattern[str]:
    """A name is letters, decimal digits (other numbers end it) and `_`."""
    others = "".join(members("numbers") - members("digits"))
    name = f"(?:(?![{others}])[{character_class().removeprefix('-.')}])+"
    return re.compile(rf"\$(?:(\$)|\{{({name})\}}|({name}))")


def _group(name: str) -> _Group:
    digits = name.isascii() and name.isdigit()
    usable = digits and len(name) <= 9 and (name == "0" or name[0] != "0")
    return _Group(name, int(name) if usable else -1)
