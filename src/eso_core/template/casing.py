"""Upper and lower case, and the forms of compound words: Go's ``strings`` and ``unicode``, ``Masterminds/goutils`` 1.1.1 and
``huandu/xstrings`` 1.5.

Bytes that are not UTF-8 are here lone surrogates (``surrogateescape``): a surrogate has no case and no class. They come out as U+FFFD,
save in ``snakecase`` and ``kebabcase``, which keep them within words without capitals.

``snakecase`` and ``kebabcase`` cut a text into words of one kind (:func:`_words`) and then decide by the kinds of neighbours where a
connector goes (:func:`_joined_words`):

===========  =====================================================================
CONNECTOR    ``-``, ``_`` and spaces: written as connectors
PUNCT        other punctuation
UPPER        a capital and small letters, or capitals up to the next such word
ALPHABET     letters from a small one on, no capitals
NUMBER       digits and other numbers
OTHER        symbols, Chinese characters, marks
INVALID      nothing more, or bytes that are not UTF-8
===========  =====================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from functools import cache

from eso_core.compat.runes import SPACES, is_letter, mapping, members
from eso_core.compat.text import go_text, whole
from eso_core.template.limits import Ambient, room_for

_RUNE_COST, _ASCII_WORD_COST, _WORD_COST = 250, 400, 2_000  # work of a byte that is looked at by itself, and of one that is put into words

_LOW = re.compile(rb"(?<![0-9A-Za-z_])[a-z]")
_WORD_START = re.compile(rb"(?<![^\t\n\v\f\r ])[A-Z]")
_SPACE_CLASS = re.escape(SPACES)
_WORD_START_TEXT = re.compile(f"(?<![^{_SPACE_CLASS}])[^{_SPACE_CLASS}]")
_CONNECTORS = frozenset("-_" + SPACES)


def upper(text: bytes) -> bytes:
    """`strings.ToUpper`."""
    return text.upper() if text.isascii() else _mapped(text, "upper")


def lower(text: bytes) -> bytes:
    """`strings.ToLower`."""
    return text.lower() if text.isascii() else _mapped(text, "lower")


def title(text: bytes) -> bytes:
    """`strings.Title`: each letter after a separator."""
    if text.isascii():
        return _LOW.sub(lambda found: found[0].upper(), text)
    titles = mapping("title")
    return _encoded(_title_start().sub(lambda found: chr(titles.get(ord(found[0]), ord(found[0]))), go_text(text)))


def untitle(text: bytes) -> bytes:
    """`goutils.Uncapitalize`: the first character of each word, and words end at spaces."""
    if text.isascii():
        return _WORD_START.sub(lambda found: found[0].lower(), text)
    lowers = mapping("lower")
    return _encoded(_WORD_START_TEXT.sub(lambda found: chr(lowers.get(ord(found[0]), ord(found[0]))), go_text(text)))


def swapcase(ambient: Ambient, text: bytes) -> bytes:
    """`goutils.SwapCase`; a small letter at the beginning of a word gets title case."""
    if text.isascii():
        return text.swapcase()
    ambient.meter.spend(len(text) * _RUNE_COST)
    uppers, lowers, titles = mapping("upper"), mapping("lower"), mapping("title")
    capital, title_case, small = members("upper"), members("title"), members("lower")
    out, begin = [], True
    for rune in go_text(text):
        code = ord(rune)
        if rune in capital or rune in title_case:
            code, begin = lowers.get(code, code), False
        elif rune in small:
            code, begin = (titles if begin else uppers).get(code, code), False
        else:
            begin = rune in SPACES
        out.append(chr(code))
    return _encoded("".join(out))


def camelcase(ambient: Ambient, text: bytes) -> bytes:
    """`xstrings.ToPascalCase`: connectors go, and the letter after one becomes a capital. Runs of capitals become small."""
    ambient.meter.spend(len(text) * _RUNE_COST)
    runes = go_text(text)
    start = 0
    while start < len(runes) and runes[start] in _CONNECTORS:
        start += 1
    if start == len(runes):
        return _encoded(runes + runes[-1:])  # of connectors alone, Go writes the last one twice
    return _encoded(runes[:start] + _camel(runes, start))


def snakecase(ambient: Ambient, text: bytes) -> bytes:
    """`xstrings.ToSnakeCase`."""
    return _lowered(ambient, text, "_")


def kebabcase(ambient: Ambient, text: bytes) -> bytes:
    """`xstrings.ToKebabCase`."""
    return _lowered(ambient, text, "-")


def _mapped(text: bytes, case: str) -> bytes:
    return _encoded(go_text(text).translate(mapping(case)))


def _encoded(text: str) -> bytes:
    room_for(len(text))
    out = text.encode()
    room_for(len(out))
    return out


@cache
def _title_start() -> re.Pattern[str]:
    """A character after a separator (`strings.isSeparator`): ASCII that is no letter, digit or ``_``, and spaces beyond ASCII."""
    beyond = re.escape("".join(rune for rune in SPACES if rune >= "\x80"))
    return re.compile(f"(?:(?<=[\\x00-/:-@\\[-^`{{-\\x7f{beyond}])|\\A).", re.DOTALL)


# --- camel case ------------------------------------------------------------------------------------------------------------------


def _camel(runes: str, start: int) -> str:
    """From the first character that is no connector on."""
    uppers, lowers, capitals = mapping("upper"), mapping("lower"), members("upper")
    now = runes[start]
    run = now in capitals
    now = chr(uppers.get(ord(now), ord(now)))
    out = []
    for at in range(start + 1, len(runes)):
        before, now = now, runes[at]
        if before not in _CONNECTORS:
            if run:
                if now in capitals:
                    now = chr(lowers.get(ord(now), ord(now)))
                else:
                    run = False
            out.append(before)
        elif now in _CONNECTORS:
            out.append(before)
        else:
            run = now in capitals
            now = chr(uppers.get(ord(now), ord(now)))
    out.append(now)
    return "".join(out)


# --- snake and kebab case --------------------------------------------------------------------------------------------------------


class _Kind(Enum):
    INVALID = auto()
    CONNECTOR = auto()
    PUNCT = auto()
    UPPER = auto()
    ALPHABET = auto()
    NUMBER = auto()
    OTHER = auto()


_ASCII_WORD = re.compile(
    r"(?P<CONNECTOR>[-_\t\n\v\f\r ]+)"
    r"|(?P<PUNCT>[!-#%-*,-/:;?@\[-\]_{}]+)"
    r"|(?P<UPPER>[A-Z]+(?=[A-Z][a-z])|[A-Z]{2,}|[A-Z][a-z]*)"
    r"|(?P<ALPHABET>[a-z]+)"
    r"|(?P<NUMBER>[0-9]+)"
    r"|(?P<OTHER>[^-!-#%-*,-/:;?@\[-\]_{}\t\n\v\f\r A-Za-z0-9]+)"
)
_Words = list[tuple[_Kind, str]]
_END = (_Kind.INVALID, "")
_NO_CONNECTOR = (_Kind.CONNECTOR, _Kind.PUNCT)
_NO_CONNECTOR_AFTER_NUMBER = (*_NO_CONNECTOR, _Kind.INVALID)
_IN_NUMBER = (_Kind.ALPHABET, _Kind.NUMBER)


def _lowered(ambient: Ambient, text: bytes, connector: str) -> bytes:
    if not text:
        return b""
    ambient.meter.spend(len(text) * (_ASCII_WORD_COST if text.isascii() else _WORD_COST))
    runes = text.decode("utf-8", "surrogateescape")
    words = _ascii_words(runes) if text.isascii() else _words(runes)
    out = _joined_words(words, connector).encode("utf-8", "surrogateescape")
    room_for(len(out))
    return out


def _ascii_words(text: str) -> _Words:
    return [(_Kind[found.lastgroup or "OTHER"], found[0]) for found in _ASCII_WORD.finditer(text)]


def _joined_words(words: _Words, connector: str) -> str:
    """`camelCaseToLowerCase`."""
    out: list[str] = []
    last_at = len(words) - 1
    at = 0
    while at < last_at:
        kind, word = words[at]
        out.append(_small(kind, word, connector))
        at += 1
        following = words[at][0]
        if kind is _Kind.NUMBER:
            at = _take_number(words, at, out, connector)
        elif kind is _Kind.CONNECTOR or kind is _Kind.PUNCT:
            continue
        elif following is not _Kind.NUMBER:
            if following not in _NO_CONNECTOR:
                out.append(connector)
        elif at < last_at:
            at = _take_number_after_word(words, at, out, connector)
    out.append(_small(*(words[at] if at <= last_at else _END), connector))
    return "".join(out)


def _take_number(words: _Words, at: int, out: list[str], connector: str) -> int:
    """The letters and numbers from ``at`` on belong to the number before; where the next word begins."""
    while at < len(words) and words[at][0] in _IN_NUMBER:
        out.append(words[at][1])
        at += 1
    following = words[at][0] if at < len(words) else _Kind.INVALID
    if following not in _NO_CONNECTOR_AFTER_NUMBER:
        out.append(connector)
    return at


def _take_number_after_word(words: _Words, at: int, out: list[str], connector: str) -> int:
    """A number after a word belongs to it, unless small letters follow the number."""
    number, following = words[at][1], words[at + 1][0]
    if following is _Kind.ALPHABET:
        out += (connector, number)
        return _take_number(words, at + 1, out, connector)
    out.append(number)
    if following not in _NO_CONNECTOR:
        out.append(connector)
    return at + 1


def _small(kind: _Kind, word: str, connector: str) -> str:
    """`toLower`."""
    if kind is _Kind.CONNECTOR:
        return "".join(connector if rune in _CONNECTORS else rune for rune in whole(word))
    if kind is not _Kind.UPPER:
        return word
    return word.lower() if word.isascii() else whole(word).translate(_capitals())


@cache
def _capitals() -> Mapping[int, int]:
    capitals = members("upper")
    return {code: low for code, low in mapping("lower").items() if chr(code) in capitals}


# --- words beyond ASCII ----------------------------------------------------------------------------------------------------------


def _words(text: str) -> _Words:
    """`nextWord`, over and over. A run of invalid bytes goes with the valid character after it."""
    words, at = [], 0
    while at < len(text):
        kind, end = _word(text, at)
        words.append((kind, text[at:end]))
        at = end
    return words


def _word(text: str, at: int) -> tuple[_Kind, int]:
    rune, end = _valid(text, at, "\ufffd")
    if rune == "\ufffd":
        return _Kind.INVALID, end
    kind = _kind(rune)
    if kind is _Kind.UPPER:
        return kind, _end_of_upper(text, end, rune)
    while end < len(text):
        rune, after = _valid(text, end, rune)
        if not _continues(kind, rune):
            break
        end = after
    return kind, end


def _end_of_upper(text: str, end: int, rune: str) -> int:
    if end == len(text):
        return end
    rune, after = _valid(text, end, rune)
    if rune in members("upper"):
        before, end = end, after
        while end < len(text):
            rune, after = _valid(text, end, rune)
            if rune not in members("upper"):
                break
            before, end = end, after
        return before if end < len(text) and _is_alphabet(rune) else end
    if not _is_alphabet(rune):
        return end
    while True:
        end = after
        if end == len(text):
            return end
        rune, after = _valid(text, end, rune)
        if not _continues(_Kind.ALPHABET, rune):
            return end


def _valid(text: str, at: int, before: str) -> tuple[str, int]:
    """`nextValidRune`: the first character from ``at`` on that is not U+FFFD, ``before`` if there is none, and where it ends."""
    while at < len(text):
        rune = text[at]
        at += 1
        if rune != "\ufffd" and not "\udc80" <= rune <= "\udcff":
            return rune, at
    return before, at


def _kind(rune: str) -> _Kind:
    if rune in _CONNECTORS:
        return _Kind.CONNECTOR
    if rune in members("punctuation"):
        return _Kind.PUNCT
    if rune in members("upper"):
        return _Kind.UPPER
    if _is_alphabet(rune):
        return _Kind.ALPHABET
    return _Kind.NUMBER if rune in members("numbers") else _Kind.OTHER


def _continues(kind: _Kind, rune: str) -> bool:
    if kind is _Kind.CONNECTOR:
        return rune in _CONNECTORS
    if kind is _Kind.PUNCT:
        return rune in members("punctuation")
    if kind is _Kind.ALPHABET:
        return _is_alphabet(rune) and rune not in members("upper")
    if kind is _Kind.NUMBER:
        return rune in members("numbers")
    return not (rune in _CONNECTORS or rune in members("punctuation") or rune in members("numbers") or _is_alphabet(rune))


def _is_alphabet(rune: str) -> bool:
    """`isAlphabet`: a letter that is no Chinese character."""
    chinese = "\u4e00" <= rune <= "\u9fcc" or "\u3400" <= rune <= "\u4d85" or "\U00020000" <= rune <= "\U0002b81d"
    return not chinese and is_letter(rune)
