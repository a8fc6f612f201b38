"""Raw JSON text: where values begin and end, without checking that the text is valid.

All text here is *byte text*: a `str` in which each character is one byte (Latin-1), so that any input can be read, indexed and given back
unchanged. The readers follow gjson in what they make of text that is not JSON: they skip what cannot start a value.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from eso_core.compat.gofmt import float_f

DEPTH_MAX = 120  # path components, nested queries, modifiers and `@dig` levels under way at once
WORK_FREE = 8 << 20  # bytes that any lookup may read or write
WORK_PER_BYTE = 128  # times the JSON may be read on top of that
WORK_PER_STEP = 256  # bytes that each level entered costs beyond what it reads


class Kind(Enum):
    """Type of a value."""

    NULL = "Null"
    FALSE = "False"
    NUMBER = "Number"
    STRING = "String"
    TRUE = "True"
    JSON = "JSON"


@dataclass(frozen=True, slots=True)
class Value:
    """A value as found: its raw text; for a string what it says, for a number what it is worth."""

    kind: Kind
    raw: str
    text: str = ""
    number: float = 0.0

    @property
    def exists(self) -> bool:
        """Whether anything was found; a JSON null counts."""
        return self.kind is not Kind.NULL or self.raw != ""

    def string(self) -> str:
        """gjson's `Result.String()`: whole numbers as written, other numbers in shortest form, null empty."""
        match self.kind:
            case Kind.STRING:
                return self.text
            case Kind.JSON:
                return self.raw
            case Kind.NUMBER:
                return self.raw if _WHOLE.fullmatch(self.raw) else float_f(self.number)
            case Kind.TRUE:
                return "true"
            case Kind.FALSE:
                return "false"
        return ""

    def starts(self, bracket: str) -> bool:
        """Whether the value is an object (`{`) or an array (`[`)."""
        return self.kind is Kind.JSON and self.raw.startswith(bracket)

    def truth(self) -> bool | None:
        """gjson's bool: what a string or number says; None for a string that is no bool, and for null and JSON."""
        match self.kind:
            case Kind.TRUE | Kind.FALSE:
                return self.kind is Kind.TRUE
            case Kind.NUMBER:
                return self.number != 0
            case Kind.STRING:
                return _BOOLS.get(self.text.lower())
        return None


NOTHING = Value(Kind.NULL, "")


class Budget:
    """What one lookup may still spend. Once `spent`, every reader answers with nothing and the lookup is an error."""

    __slots__ = ("depth", "spent", "work")

    def __init__(self, size: int) -> None:
        self.work = WORK_FREE + WORK_PER_BYTE * size
        self.depth = DEPTH_MAX
        self.spent = False

    def charge(self, size: int) -> bool:
        """Takes `size` bytes of reading or writing; False when there is too little left."""
        self.work -= size
        self.spent = self.spent or self.work < 0
        return not self.spent

    def enter(self) -> bool:
        """Goes one level down; each call is paired with `leave`."""
        self.depth -= 1
        self.spent = self.spent or self.depth < 0
        return self.charge(WORK_PER_STEP)

    def leave(self) -> None:
        """Comes one level up."""
        self.depth += 1


_WHOLE = re.compile("-?[0-9]*")
_BOOLS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
_STARTS = {"t": Kind.TRUE, "f": Kind.FALSE, "n": Kind.NULL}

VALUE_START = re.compile(r'["{\[+\-0-9iINntf]')
QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_LITERAL = re.compile(r".[a-z]*", re.DOTALL)
_NUMBER = re.compile(r".[^\x00-\x20,\]}]*", re.DOTALL)
_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+("|\\?\Z)|[{\[(]|[}\])]', re.DOTALL)
_TO_OBJECT_KEY = re.compile(r'"')
_BEFORE_VALUE = re.compile(r"[\x00-\x20,:]*")
_FLOAT = re.compile(r"[-+]?(?:[0-9_]+\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9_]+)?|[-+]?(?i:inf|infinity)|(?i:nan)")
_HEX_FLOAT = re.compile(r"[-+]?0[xX][0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][-+]?[0-9_]+")
_ESCAPE = re.compile(r"[^\\\x00-\x1f]+|\\(?:([\"\\/bfnrt])|u(....))|(.)", re.DOTALL)
_HEX = re.compile("[0-9a-fA-F]{4}")
_LOW = re.compile(r"\\u(....)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def balanced(text: str, at: int, depth: int = 1) -> int:
    """End of the bracketed text whose opening character stands at `at`.

    Where it never closes, the end of `text`, and one more if the text ends inside a string. With `depth` 0 the character at `at` is
    read like any other, and a string that stands there is the whole.
    """
    for token in _BRACKETS.finditer(text, at + depth):
        if token[0] in "{[(":
            depth += 1
        elif token[1] is None:
            depth -= 1
        elif token[1] != '"':
            return len(text) + 1
        if depth == 0:
            return token.end()
    return len(text)


def squash(text: str) -> str:
    """The leading string or bracketed text of `text`."""
    return text[: balanced(text, 0, 0 if text[0] == '"' else 1)]


def value_end(text: str, at: int) -> int:
    """End of the value that starts at `at`; -1 for a string without end."""
    char = text[at]
    if char == '"':
        found = QUOTED.match(text, at)
        return found.end() if found else -1
    if char in "{[":
        return balanced(text, at)
    pattern = _LITERAL if _kind_at(text, at) is not Kind.NUMBER else _NUMBER
    found = pattern.match(text, at)
    return found.end() if found else -1


def value_of(text: str, start: int, end: int) -> Value:
    """The value between two offsets that `value_end` gave."""
    raw, kind = text[start:end], _kind_at(text, start)
    match kind:
        case Kind.STRING:
            return Value(kind, raw, unescape(raw[1:-1]))
        case Kind.NUMBER:
            return Value(kind, raw, "", parse_float(raw))
        case _:
            return Value(kind, raw)


def next_value(text: str, at: int) -> tuple[Value, int] | None:
    """The next value at or after `at`, and its end."""
    found = VALUE_START.search(text, at)
    end = value_end(text, found.start()) if found else -1
    return (value_of(text, found.start(), end), end) if found and end >= 0 else None


def parse(text: str) -> Value:
    """gjson's `Parse`: the first value; an object or array takes the whole rest of the text."""
    start = len(text) - len(text.lstrip("".join(map(chr, range(33)))))
    char = text[start : start + 1]
    if not char or not VALUE_START.match(char):
        return NOTHING
    if char in "{[":
        return Value(Kind.JSON, text[start:])
    end = value_end(text, start)
    return value_of(text, start, end) if end >= 0 else Value(Kind.STRING, text[start:], unescape(text[start + 1 :]))


def members(value: Value) -> Iterator[tuple[Value, Value]]:
    """gjson's `ForEach`: (key, value) of an object, (nothing, value) of an array or of a single value."""
    if value.kind is not Kind.JSON:
        if value.exists:
            yield NOTHING, value
        return
    text, at = value.raw, 1
    while True:
        key = NOTHING
        if text[0] == "{":
            quote = _TO_OBJECT_KEY.search(text, at)
            end = value_end(text, quote.start()) if quote else -1
            if quote is None or end < 0:
                return
            key, at = value_of(text, quote.start(), end), end
        gap = _BEFORE_VALUE.match(text, at)
        found = next_value(text, gap.end() if gap else at)
        if found is None:
            return
        yield key, found[0]
        at = found[1] + 1


def parse_float(raw: str) -> float:
    """`strconv.ParseFloat` without its error: 0 for what is no number, infinite for what is too large."""
    if _HEX_FLOAT.fullmatch(raw):
        return _guarded(float.fromhex, raw.replace("_", ""))
    return _guarded(float, raw) if _FLOAT.fullmatch(raw) else 0.0


def unescape(text: str) -> str:
    """The bytes a JSON string stands for; with an escape in it, it ends early at a control character or a bad escape."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        found = _ESCAPE.match(text, at)
        if found is None or found[3] is not None:
            break
        at = found.end()
        if found[2] is not None:
            rune, at = _unicode_escape(text, found[2], at)
            out.append(rune)
        else:
            out.append(_ESCAPED.get(found[1], found[1]) if found[1] else found[0])
    return "".join(out)


def _unicode_escape(text: str, digits: str, at: int) -> tuple[str, int]:
    code = _hex(digits)
    if 0xD800 <= code < 0xE000:
        low = _LOW.match(text, at)
        second = _hex(low[1]) if low else 0
        at = low.end() if low else at
        paired = code < 0xDC00 <= second < 0xE000
        code = 0x10000 + ((code - 0xD800) << 10) + second - 0xDC00 if paired else 0xFFFD
    return chr(code).encode().decode("latin-1"), at


def _hex(digits: str) -> int:
    return int(digits, 16) if _HEX.fullmatch(digits) else 0


def _guarded(convert: Callable[[str], float], raw: str) -> float:
    try:
        return convert(raw)
    except OverflowError:
        return float("-inf") if raw.startswith("-") else float("inf")
    except ValueError:
        return 0.0


def _kind_at(text: str, at: int) -> Kind:
    char = text[at]
    if char == '"':
        return Kind.STRING
    if char in "{[":
        return Kind.JSON
    if char == "n" and text[at + 1 : at + 2] not in ("u", ""):
        return Kind.NUMBER
    return _STARTS.get(char, Kind.NUMBER)
