"""Text: sprig's ``strings.go`` and the string functions of its ``functions.go``.

Lengths and places are in bytes, as in Go; what works on characters says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from eso_core.compat.runes import SPACES
from eso_core.compat.text import go_text, quote_bytes
from eso_core.template import casing, randomness
from eso_core.template.costs import ESCAPE, special
from eso_core.template.errors import FunctionError
from eso_core.template.limits import Ambient, items, room_for
from eso_core.template.printing import plain
from eso_core.template.values import Bytes, Function, Object, Sized, StringMap, Strings, Value, wrap

NEGATIVE_REPEAT = "strings: negative Repeat count"
OUT_OF_RANGE = "runtime error: slice bounds out of range"

_BLANK = b"\t\n\v\f\r "
_BLANKS = re.compile(rb" +")
_LATIN_SPACE = r"\t\n\v\f\r \x85\xa0"
_LATIN_INITIAL = re.compile(f"(?<![^{_LATIN_SPACE}])[^{_LATIN_SPACE}]")
_LATIN_SPACES = re.compile(f"[{_LATIN_SPACE}]+")
_STRAYS = frozenset(map(chr, range(0xDC80, 0xDD00)))  # what surrogateescape makes of bytes that are not UTF-8
_MANY = 64  # characters of a cutset


# --- values as text --------------------------------------------------------------------------------------------------------------


def strval(value: Value) -> bytes:
    """The text of a value: of bytes their content, of what has a ``String`` method its result, else ``%v``."""
    kind = type(value)
    if kind is bytes:
        return value  # type: ignore[no-any-return]
    if kind is Bytes:
        return bytes(value)
    if isinstance(value, Sized | Object):
        text = value.text()
        if text is not None:
            return text.encode("utf-8", "surrogateescape")
    return plain(value)


def strslice(value: Value) -> Strings:
    """A list as texts, without nil; any other value as a list of one. A ``[]string`` is returned itself."""
    if isinstance(value, Strings):
        return value
    if isinstance(value, list):
        return _texts(value)
    return Strings() if value is None else Strings((strval(value),))


def _texts(values: list[Value]) -> Strings:
    out, size = Strings(), 0
    for value in values:
        if value is not None:
            text = strval(value)
            size += len(text)
            room_for(size)
            out.append(text)
    return out


def join(separator: bytes, value: Value) -> bytes:
    parts = strslice(value)
    room_for(sum(map(len, parts)) + len(separator) * (len(parts) - 1))
    return separator.join(parts)


def sort_alpha(value: Value) -> Strings:
    """Sorted by bytes; a ``[]string`` is itself sorted, as in Go."""
    parts = strslice(value) if isinstance(value, list) else Strings((strval(value),))
    parts.sort()
    return parts


def quote(ambient: Ambient, *values: Value) -> bytes:
    """Each value but nil as a Go string literal."""
    return _spaced([_quoted(ambient, strval(value)) for value in values if value is not None])


def squote(*values: Value) -> bytes:
    """Each value but nil between single quotes; nothing is escaped."""
    return _spaced([b"'%b'" % plain(value) for value in values if value is not None])


def cat(*values: Value) -> bytes:
    return _spaced([plain(value) for value in values if value is not None])


def _quoted(ambient: Ambient, text: bytes) -> bytes:
    escaped = special(text)
    if not escaped:
        return b'"%b"' % text
    ambient.meter.spend(escaped * ESCAPE)
    return quote_bytes(text)


def _spaced(parts: list[bytes]) -> bytes:
    room_for(sum(map(len, parts)) + len(parts))
    return b" ".join(parts)


# --- cutting ---------------------------------------------------------------------------------------------------------------------


def trunc(count: int, text: bytes) -> bytes:
    """The first ``count`` bytes; the last ones if it is negative."""
    if count < 0:
        return text[count:] if len(text) + count > 0 else text
    return text[:count]


def substr(start: int, end: int, text: bytes) -> bytes:
    """``text[start:end]``; a negative ``start`` is 0, and an ``end`` that is negative or too large is the end of the text."""
    size = len(text)
    if start < 0:
        if end < 0:
            raise FunctionError(OUT_OF_RANGE, f" [:{end}]")
        if end > size:
            raise FunctionError(OUT_OF_RANGE, f" [:{end}] with length {size}")
        return text[:end]
    if end < 0 or end > size:
        end = size
    if start > end:
        raise FunctionError(OUT_OF_RANGE, f" [{start}:{end}]")
    return text[start:end]


def abbrev(width: int, text: bytes) -> bytes:
    """At most ``width`` bytes, the last three of which are dots where something is missing; a ``width`` below 4 changes nothing."""
    return text if width < 4 else _abbreviated(text, 0, width)


def abbrevboth(left: int, right: int, text: bytes) -> bytes:
    """At most ``right`` bytes, from about ``left`` on, with dots where something is missing."""
    return text if right < 4 or (left > 0 and right < 7) else _abbreviated(text, left, right)


def _abbreviated(text: bytes, offset: int, width: int) -> bytes:
    """`goutils.AbbreviateFull`; nothing where it returns an error."""
    size, room = len(text), width - 3
    if size <= width:
        return text
    offset = min(offset, size)
    if wrap(size - offset) < room:
        offset = size - room
    if offset <= 4:
        return text[:room] + b"..."
    if width < 7:
        return b""
    if offset + room < size:
        return b"..." + _abbreviated(text[offset:], 0, room)
    return b"..." + text[size - room :]


def trim(text: bytes) -> bytes:
    """`strings.TrimSpace`: Unicode's spaces."""
    text = text.strip(_BLANK)
    if not text or (text[0] < 0x80 and text[-1] < 0x80):
        return text
    return _escape(_unescape(text).strip(SPACES))


def trim_all(cutset: bytes, text: bytes) -> bytes:
    """`strings.Trim`: characters of ``cutset`` from both ends. U+FFFD, or any byte that is not UTF-8, stands for all such bytes."""
    if cutset.isascii():
        return text.strip(bytes(set(cutset))) if cutset else text
    cut = set(go_text(cutset))
    if "\ufffd" in cut:
        cut |= _STRAYS
    runes = _unescape(text)
    if len(cut) <= _MANY:
        return _escape(runes.strip("".join(cut)))
    start, end = 0, len(runes)
    while start < end and runes[start] in cut:
        start += 1
    while start < end and runes[end - 1] in cut:
        end -= 1
    return _escape(runes[start:end])


def nospace(text: bytes) -> bytes:
    """`goutils.DeleteWhiteSpace`, which reads each byte as a Latin-1 character; a text without spaces stays as it is."""
    if text.isascii():
        return text.translate(None, _BLANK)
    latin = text.decode("latin-1")
    kept = _LATIN_SPACES.sub("", latin)
    if len(kept) == len(latin):
        return text
    room_for(2 * len(kept))
    return kept.encode()


def initials(text: bytes) -> bytes:
    """`goutils.Initials`: the first byte of each word, as a Latin-1 character."""
    return "".join(_LATIN_INITIAL.findall(text.decode("latin-1"))).encode()


def _unescape(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _escape(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


# --- splitting -------------------------------------------------------------------------------------------------------------------


def split_list(separator: bytes, text: bytes) -> Strings:
    """`strings.Split`: without a separator, the characters."""
    return _split(text, separator, -1)


def split(separator: bytes, text: bytes) -> StringMap:
    """The parts under ``_0``, ``_1``…"""
    return _numbered(_split(text, separator, -1))


def splitn(separator: bytes, count: int, text: bytes) -> StringMap:
    """At most ``count`` parts, all if it is negative, the last with the rest of the text."""
    return _numbered(_split(text, separator, count))


def _split(text: bytes, separator: bytes, count: int) -> Strings:
    """`strings.SplitN`."""
    if count == 0:
        return Strings()
    if not separator:
        return _exploded(text, count)
    found = text.count(separator) + 1
    items(found if count < 0 else min(found, count))
    return Strings(text.split(separator, count - 1 if 0 < count <= found else -1))


def _exploded(text: bytes, count: int) -> Strings:
    runes = _unescape(text)
    if count < 0 or count > len(runes):
        count = len(runes)
    items(count)
    if not count:
        return Strings()
    out = Strings(map(_escape, runes[: count - 1]))
    out.append(_escape(runes[count - 1 :]))
    return out


def _numbered(parts: Strings) -> StringMap:
    return StringMap({b"_%d" % at: part for at, part in enumerate(parts)})


# --- building --------------------------------------------------------------------------------------------------------------------


def repeat(count: int, text: bytes) -> bytes:
    if count < 0:
        raise FunctionError(NEGATIVE_REPEAT)
    room_for(count * len(text))
    return text * count if text else b""


def replace(old: bytes, new: bytes, text: bytes) -> bytes:
    """`strings.Replace`, all of them; without ``old``, ``new`` goes before each character and to the end."""
    if old:
        room_for(len(text) + text.count(old) * (len(new) - len(old)))
        return text.replace(old, new)
    runes = _unescape(text)
    room_for(len(text) + (len(runes) + 1) * len(new))
    return _escape(runes.replace("", _unescape(new)))


def indent(spaces: int, text: bytes) -> bytes:
    """``spaces`` before each line, empty ones too."""
    if spaces < 0:
        raise FunctionError(NEGATIVE_REPEAT)
    room_for(len(text) + spaces * (text.count(b"\n") + 1))
    pad = b" " * spaces
    return pad + text.replace(b"\n", b"\n" + pad)


def nindent(spaces: int, text: bytes) -> bytes:
    return b"\n" + indent(spaces, text)


def plural(one: bytes, many: bytes, count: int) -> bytes:
    return one if count == 1 else many


def wrap_words(width: int, text: bytes) -> bytes:
    """Lines of at most ``width`` bytes; a longer word stays whole."""
    return _wrapped(text, width, b"\n", False)


def wrap_with(width: int, separator: bytes, text: bytes) -> bytes:
    """As ``wrap``, with ``separator`` between the lines; a longer word is cut."""
    return _wrapped(text, width, separator or b"\n", True)


def _wrapped(text: bytes, width: int, separator: bytes, cut: bool) -> bytes:
    """`goutils.WrapCustom`."""
    width, size = max(width, 1), len(text)
    lines: list[bytes] = []
    room, at = 0, 0
    while size - at > width:
        blanks = _BLANKS.match(text, at)
        if blanks is not None:
            at = min(blanks.end(), size - width)
            continue
        end = at + width
        space = text.rfind(b" ", at, end + 1)
        if space < 0:
            space = end if cut else text.find(b" ", end)
            if space < 0:
                break
            following = space if cut else space + 1
        else:
            following = space + 1
        lines.append(text[at:space])
        room += space - at + len(separator)
        items(len(lines))
        room_for(room)
        at = following
    room_for(room + size - at)
    lines.append(text[at:])
    return separator.join(lines)


# --- tests -----------------------------------------------------------------------------------------------------------------------


def contains(part: bytes, text: bytes) -> bool:
    return part in text


def has_prefix(prefix: bytes, text: bytes) -> bool:
    return text.startswith(prefix)


def has_suffix(suffix: bytes, text: bytes) -> bool:
    return text.endswith(suffix)


def trim_prefix(prefix: bytes, text: bytes) -> bytes:
    return text.removeprefix(prefix)


def trim_suffix(suffix: bytes, text: bytes) -> bytes:
    return text.removesuffix(suffix)


_TEXT, _TEST, _TWO = "func(string) string", "func(string, string) bool", "func(string, string) string"
_COUNT, _COUNTED, _ANYS = "func(int) string", "func(int, string) string", "func(...interface {}) string"

TABLE: Mapping[str, Function] = {
    "abbrev": Function(_COUNTED, abbrev),
    "abbrevboth": Function("func(int, int, string) string", abbrevboth),
    "camelcase": Function(_TEXT, casing.camelcase, ambient=True),
    "cat": Function(_ANYS, cat),
    "contains": Function(_TEST, contains),
    "hasPrefix": Function(_TEST, has_prefix),
    "hasSuffix": Function(_TEST, has_suffix),
    "indent": Function(_COUNTED, indent),
    "initials": Function(_TEXT, initials),
    "join": Function("func(string, interface {}) string", join),
    "kebabcase": Function(_TEXT, casing.kebabcase, ambient=True),
    "lower": Function(_TEXT, casing.lower),
    "nindent": Function(_COUNTED, nindent),
    "nospace": Function(_TEXT, nospace),
    "plural": Function("func(string, string, int) string", plural),
    "quote": Function(_ANYS, quote, ambient=True),
    "randAlpha": Function(_COUNT, randomness.rand_alpha, ambient=True),
    "randAlphaNum": Function(_COUNT, randomness.rand_alpha_num, ambient=True),
    "randAscii": Function(_COUNT, randomness.rand_ascii, ambient=True),
    "randNumeric": Function(_COUNT, randomness.rand_numeric, ambient=True),
    "repeat": Function(_COUNTED, repeat),
    "replace": Function("func(string, string, string) string", replace),
    "shuffle": Function(_TEXT, randomness.shuffle, ambient=True),
    "snakecase": Function(_TEXT, casing.snakecase, ambient=True),
    "sortAlpha": Function("func(interface {}) []string", sort_alpha),
    "split": Function("func(string, string) map[string]string", split),
    "splitList": Function("func(string, string) []string", split_list),
    "splitn": Function("func(string, int, string) map[string]string", splitn),
    "squote": Function(_ANYS, squote),
    "substr": Function("func(int, int, string) string", substr),
    "swapcase": Function(_TEXT, casing.swapcase, ambient=True),
    "title": Function(_TEXT, casing.title),
    "toString": Function("func(interface {}) string", strval),
    "toStrings": Function("func(interface {}) []string", strslice),
    "trim": Function(_TEXT, trim),
    "trimAll": Function(_TWO, trim_all),
    "trimall": Function(_TWO, trim_all),
    "trimPrefix": Function(_TWO, trim_prefix),
    "trimSuffix": Function(_TWO, trim_suffix),
    "trunc": Function(_COUNTED, trunc),
    "untitle": Function(_TEXT, casing.untitle),
    "upper": Function(_TEXT, casing.upper),
    "wrap": Function(_COUNTED, wrap_words),
    "wrapWith": Function("func(int, string, string) string", wrap_with),
}
