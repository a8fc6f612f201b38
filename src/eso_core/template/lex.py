"""The words of a template: what stands between the delimiters, and the text around (source: Go 1.26 ``text/template/parse/lex.go``).

A word is ``(kind, pos, value, spaced)``: its offset in the text, its bytes, and whether space precedes it within its action. Space is no
word of its own; comments are none at all. The last word is ``EOF`` or ``ERROR``, whose value is what Go says.

One regular expression reads a word of the usual kinds. What it does not match (other letters than ASCII, numbers that are not plain
integers, mistakes) is read by the slower :func:`_unusual`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeAlias

from eso_core.compat.letters import character_class
from eso_core.compat.printable import is_print
from eso_core.compat.text import quote

Word: TypeAlias = tuple[int, int, bytes, bool]

# The kinds of words. Those of the first two lines are the groups of the regular expression of a word.
RIGHT_TRIM, RIGHT, IDENTIFIER, FIELD, VARIABLE, DOT, STRING, RAW_STRING, NUMBER, CHARACTER = range(1, 11)
PIPE, DECLARE, ASSIGN, LEFT_PAREN, RIGHT_PAREN, OTHER = range(11, 17)
TEXT, LEFT, EOF, ERROR, BOOL, COMPLEX = range(17, 23)
NIL, BLOCK, BREAK, CONTINUE, DEFINE, ELSE, END, IF, RANGE, TEMPLATE, WITH = range(23, 34)

_KEYWORDS = {
    b"nil": NIL,
    b"block": BLOCK,
    b"break": BREAK,
    b"continue": CONTINUE,
    b"define": DEFINE,
    b"else": ELSE,
    b"end": END,
    b"if": IF,
    b"range": RANGE,
    b"template": TEMPLATE,
    b"with": WITH,
    b"true": BOOL,
    b"false": BOOL,
}
WORDS_MAX = 15_000  # several times what a large template has; to parse and compile as many takes 0.1 s
NUMBER_MAX = 10_000  # bytes of a number
_BYTES = 16  # of actions and comments, which count as a word

_SPACE = b" \t\r\n"
_RUN = re.compile(rb"[0-9A-Za-z_\x80-\xff]*")
_NUMBER = re.compile(
    rb"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    rb"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    rb"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_KAKTOVIK = range(0x1D2C0, 0x1D2D4)  # numbers that are no digits, unknown to the Unicode data of Python 3.11


class LexError(Exception):
    """What Go's lexer says, about the word that begins at ``pos``."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class TooManyWords(Exception):
    """The template has more than ``WORDS_MAX`` words, or some of them are very long."""


@dataclass(frozen=True, slots=True)
class _Grammar:
    """What depends on the delimiters."""

    right: bytes
    word: re.Pattern[bytes]
    terminator: re.Pattern[bytes]


@lru_cache(maxsize=16)
def _grammar(right: bytes) -> _Grammar:
    close = re.escape(right)
    end = rb"(?=[ \t\r\n.,|:()]|" + close + rb"|\Z)"
    name_like = re.match(rb"[0-9A-Za-z_\x80-\xff]", right) is not None
    guard = rb"(?!" + close + rb")" if name_like else b""  # a name may not begin with the delimiter, only contain it
    after_number = rb"(?=[ \t\r\n,|)]" + (b"" if re.match(rb"[0-9A-Za-z_.+-]", right) else b"|" + close) + rb")"
    kinds = (
        rb"[ \t\r\n]-(" + close + rb")",
        rb"(" + close + rb")",
        rb"([A-Za-z_][0-9A-Za-z_]*+)" + end,
        rb"(\." + guard + rb"[A-Za-z_][0-9A-Za-z_]*+)" + end,
        rb"(\$(?:" + guard + rb"[0-9A-Za-z_]++)?+)" + end,
        rb"(\.)(?!\Z)" + end,
        rb'("[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+")',
        rb"(`[^`]*+`)",
        rb"([+-]?[0-9]++)" + after_number,
        rb"('[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+')",
        rb"(\|)",
        rb"(:=)",
        rb"(=)",
        rb"(\()",
        rb"(\))",
        rb"([!#%&*,/;<>?@\[\\\]^{}~])",
    )
    word = rb"(?:[ \t\r\n](?!-" + close + rb"))*+(?:" + b"|".join(kinds) + rb"|)"
    return _Grammar(right, re.compile(word), re.compile(end))


def lex(text: bytes, functions: Container[str], left: bytes, right: bytes) -> list[Word]:
    """All words of ``text``. A function named ``break`` or ``continue`` hides the keyword."""
    keywords = _KEYWORDS
    for name in ("break", "continue"):
        if name in functions:
            keywords = {word: kind for word, kind in keywords.items() if word != name.encode()}
    grammar = _grammar(right)
    words: list[Word] = []
    pos = size = comments = 0
    while True:
        start = text.find(left, pos)
        if start < 0:
            break
        inside = start + len(left)
        trim = text[inside : inside + 1] == b"-" and text[inside + 1 : inside + 2] in (b" ", b"\t", b"\r", b"\n")
        if start > pos:
            before = text[pos:start]
            if trim:
                before = before.rstrip(_SPACE)
            if before:
                words.append((TEXT, pos, before, False))
        if trim:
            inside += 2
        if text.startswith(b"/*", inside):
            after = _comment(text, inside, right)
            if isinstance(after, str):
                words.append((ERROR, inside, after.encode(), False))
                return words
            pos, size, comments = after, size + after - start, comments + 1
            if comments > WORDS_MAX:
                raise TooManyWords
            continue
        words.append((LEFT, start, left, False))
        pos = _action(text, inside, grammar, keywords, words)
        if pos < 0:
            return words
        size += pos - start
        if len(words) + comments + size // _BYTES > WORDS_MAX:
            raise TooManyWords
    if pos < len(text):
        words.append((TEXT, pos, text[pos:], False))
    words.append((EOF, len(text), b"EOF", False))
    return words


def _comment(text: bytes, pos: int, right: bytes) -> int | str:
    """The offset after the comment that begins at ``pos`` and after the space that its end trims, or what is wrong with it."""
    end = text.find(b"*/", pos + 2)
    if end < 0:
        return "unclosed comment"
    end += 2
    if text[end : end + 1] in (b" ", b"\t", b"\r", b"\n") and text.startswith(b"-" + right, end + 1):
        return _trimmed(text, end + 2 + len(right))
    if text.startswith(right, end):
        return end + len(right)
    return "comment ends before closing delimiter"


_SPACES = re.compile(rb"[ \t\r\n]*+")


def _trimmed(text: bytes, pos: int) -> int:
    found = _SPACES.match(text, pos)
    return found.end() if found is not None else pos


def _action(text: bytes, pos: int, grammar: _Grammar, keywords: dict[bytes, int], words: list[Word]) -> int:
    """Append the words of the action that begins at ``pos``; the offset after it, or -1 after an error."""
    match, add, depth, room = grammar.word.match, words.append, 0, WORDS_MAX
    while True:
        found = match(text, pos)
        if found is None:
            return -1
        kind = found.lastindex
        if kind is None:
            start = found.end()
            try:
                kind, end = _unusual(text, start, grammar)
            except LexError as error:
                add((ERROR, start, error.what.encode(), start > pos))
                return -1
            add((kind, start, text[start:end], start > pos))
            pos = end
            continue
        value, start, end = found[kind], found.start(kind), found.end()
        spaced, pos = start - (2 if kind == RIGHT_TRIM else 0) > pos, end
        if kind == IDENTIFIER:
            kind = keywords.get(value, IDENTIFIER)
        elif kind <= RIGHT:
            if depth:
                add((ERROR, start - 2 if kind == RIGHT_TRIM else start, b"unclosed left paren", spaced))
                return -1
            add((RIGHT, start, value, spaced))
            return _trimmed(text, pos) if kind == RIGHT_TRIM else pos
        elif kind == LEFT_PAREN:
            depth += 1
        elif kind == RIGHT_PAREN:
            depth -= 1
            if depth < 0:
                add((ERROR, start, b"unexpected right paren", spaced))
                return -1
        add((kind, start, value, spaced))
        if len(words) > room:
            raise TooManyWords


def _unusual(text: bytes, pos: int, grammar: _Grammar) -> tuple[int, int]:
    """Kind and end of the word at ``pos`` that the regular expression left."""
    if pos >= len(text):
        raise LexError("unclosed action")
    rune, _ = _rune(text, pos)
    if rune == ":":
        raise LexError("expected :=")
    if rune in _UNTERMINATED:
        raise LexError(f"unterminated {_UNTERMINATED[rune]}")
    if rune == "$":
        return VARIABLE, _name(text, pos + 1, grammar)
    if rune == "." and pos + 1 < len(text) and text[pos + 1] not in b"0123456789":
        return FIELD, _name(text, pos + 1, grammar)
    if rune in "+-.0123456789":
        return _number(text, pos)
    if _in_word(rune):
        return IDENTIFIER, _name(text, pos, grammar)
    raise LexError(f"unrecognized character in action: {_named(rune)}")


_UNTERMINATED = {'"': "quoted string", "`": "raw quoted string", "'": "character constant"}


def _name(text: bytes, pos: int, grammar: _Grammar) -> int:
    """The end of the letters and digits from ``pos`` on; what follows must be able to end a name."""
    run = _RUN.match(text, pos)
    end = run.end() if run is not None else pos
    if not text[pos:end].isascii():
        decoded = text[pos:end].decode("utf-8", "surrogateescape")
        others = {rune for rune in set(decoded) if not _in_word(rune)}
        length = next((index for index, rune in enumerate(decoded) if rune in others), len(decoded)) if others else len(decoded)
        end = pos + len(decoded[:length].encode())
    if grammar.terminator.match(text, end) is None:
        raise LexError(f"bad character {_named(_rune(text, end)[0])}")
    return end


def _number(text: bytes, pos: int) -> tuple[int, int]:
    """``lexNumber``: one number, or two with a sign between that end in ``i``. Wrong ones may pass: the parser looks closer."""
    end = _scan_number(text, pos, pos)
    if text[end : end + 1] not in (b"+", b"-"):
        return NUMBER, end
    end = _scan_number(text, end, pos)
    if text[end - 1 : end] != b"i":
        raise LexError(f"bad number syntax: {quote(text[pos:end].decode())}")
    return COMPLEX, end


def _scan_number(text: bytes, pos: int, start: int) -> int:
    found = _NUMBER.match(text, pos)
    end = found.end() if found is not None else pos
    if end < len(text):
        rune, size = _rune(text, end)
        if _in_word(rune):
            raise LexError(f"bad number syntax: {quote(text[start : end + size].decode())}")
    return end


def _rune(text: bytes, pos: int) -> tuple[str, int]:
    """The code point at ``pos`` and its size; U+FFFD of one byte where the text is not UTF-8."""
    lead = text[pos]
    if lead < 0x80:
        return chr(lead), 1
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    try:
        return text[pos : pos + size].decode(), size
    except UnicodeDecodeError:
        return "\ufffd", 1


@cache
def _letters_and_numbers() -> re.Pattern[str]:
    return re.compile(f"[{character_class()}]")


def _in_word(rune: str) -> bool:
    """Go's ``isAlphaNumeric``: a letter, a decimal digit or ``_``."""
    if rune < "\x80":
        return rune.isalnum() or rune == "_"
    if _letters_and_numbers().match(rune) is None:
        return False
    return unicodedata.category(rune) not in ("Nl", "No") and ord(rune) not in _KAKTOVIK


def _named(rune: str) -> str:
    """``%#U``"""
    return f"U+{ord(rune):04X} '{rune}'" if is_print(rune) else f"U+{ord(rune):04X}"
