"""The one place where a user's regular expression is compiled: Go's `regexp` on top of RE2.

Both take the same language with these differences, levelled here: `\\C` is refused, names of groups are ASCII, and Go 1.25 on knows the
long names of Unicode categories (`\\p{Letter}`). Matching is linear in the text. A pattern that needs more than `MEMORY_MAX` is refused
although Go might take it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2
from returns.result import Failure, Result, Success

from eso_core.compat.letters import character_class
from eso_core.compat.text import go_text, quote, whole

PATTERN_MAX = 65_536  # characters
MEMORY_MAX = 8 << 20  # bytes of a compiled program
OUTPUT_MAX = 65_536  # characters of one replaced text
CACHE_MAX = 256  # patterns


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern."""

    source: str
    program: Any

    def matches(self, text: str) -> bool:
        """`MatchString`: whether any part of `text` matches."""
        return self.program.search(whole(text)) is not None

    def replace_all(self, text: str, template: str) -> Result[str, str]:
        """`ReplaceAllString`; fails where the result is longer than `OUTPUT_MAX`."""
        text, parts, out, size, last = whole(text), _expansion(whole(template)), [], 0, 0
        for spans in self._spans(text):
            pieces = [text[last : spans[0][0]]]
            if spans[0][1] > last or spans[0][0] == 0:
                pieces += [self._expanded(part, text, spans) for part in parts]
            last = spans[0][1]
            size += sum(map(len, pieces))
            if size > OUTPUT_MAX:
                return Failure(f"result of replacing {quote(self.source)} exceeds {OUTPUT_MAX} characters")
            out += pieces
        return Success("".join(out) + text[last:])

    def _spans(self, text: str) -> "Iterator[list[tuple[int, int]]]":
        """Every match as spans of its groups, an empty one after each character included."""
        at = 0
        while at <= len(text):
            found = self.program.search(text, at)
            if found is None:
                return
            spans = [found.span(group) for group in range(self.program.groups + 1)]
            yield spans
            at = max(at + 1, spans[0][1])

    def _expanded(self, part: "str | _Group", text: str, spans: list[tuple[int, int]]) -> str:
        if isinstance(part, str):
            return part
        number = part.number if part.number >= 0 else self.program.groupindex.get(part.name, len(spans))
        if number >= len(spans) or spans[number][0] < 0:
            return ""
        return text[spans[number][0] : spans[number][1]]


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
    return Failure(_PREFIX + refused) if refused else Success(Pattern(source, program))


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


_REFERENCE = re.compile(rf"\$(?:(\$)|\{{([{character_class().removeprefix('-.')}]+)\}}|([{character_class().removeprefix('-.')}]+))")


@lru_cache(maxsize=CACHE_MAX)
def _expansion(template: str) -> "tuple[str | _Group, ...]":
    """`Regexp.Expand`: `$1`, `$name`, `${name}` and `$$`; a `$` that starts none of them stands for itself."""
    out: list[str | _Group] = []
    last = 0
    for found in _REFERENCE.finditer(template):
        out.append(template[last : found.start()])
        out.append("$" if found[1] else _group(found[2] or found[3]))
        last = found.end()
    return (*out, template[last:])


def _group(name: str) -> _Group:
    digits = name.isascii() and name.isdigit()
    usable = digits and len(name) <= 9 and (name == "0" or name[0] != "0")
    return _Group(name, int(name) if usable else -1)
