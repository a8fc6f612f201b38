"""A JSON reader that follows Go's `encoding/json` scanner state by state: its error texts, its nesting limit, no recursion.

States, and what Go says when a character does not fit:

    value       looking for beginning of value
    key         looking for beginning of object key string
    colon       after object key
    member      after object key:value pair
    element     after array element
    end         after top-level value
"""

import json
import re
from collections.abc import Callable
from typing import Any

from returns.result import Failure, Result, Success

from eso_core.compat.text import quote, whole

MAX_DEPTH = 10_000  # levels
END_OF_INPUT = "unexpected end of JSON input"

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"')
_STRING_PREFIX = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_LITERALS: dict[str, tuple[str, Any]] = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}
_AFTER = {"{": "after object key:value pair", "[": "after array element", "": "after top-level value"}

# Where the text may end: Go feeds its scanner a space at the end, and these states accept one.
_TRUNCATES = frozenset((*_AFTER.values(), "in string literal", "after object key", "looking for beginning of value")) | {
    "looking for beginning of object key string"
}

_STAYS_OPEN = object()
_CLOSER = {"{": "}", "[": "]"}

# What may have been read of a number that is not one, and what Go says about the character after it.
_PARTIAL_NUMBER = (
    (re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?[eE][-+]?"), "in exponent of numeric literal"),
    (re.compile(r"-?(?:0|[1-9][0-9]*)\."), "after decimal point in numeric literal"),
    (re.compile(r"-"), "in numeric literal"),
)


class Reader:
    """One pass over one text. `fault` is empty until the text turns out not to be JSON; then nothing else counts."""

    __slots__ = ("at", "convert", "fault", "keys", "kinds", "stack", "text", "trouble")

    def __init__(self, text: str, convert: Callable[[str], Any]) -> None:
        self.text, self.convert, self.at = text, convert, 0
        self.stack: list[Any] = []  # open containers, outermost first
        self.kinds: list[str] = []  # "{" or "[" for each
        self.keys: list[str] = []  # key being filled, "" in arrays
        self.fault = ""
        self.trouble = ""  # a number out of range: reported when the rest is sound

    def run(self) -> Any:
        """The value, or anything if `fault` or `trouble` is set."""
        value: Any = None
        while not self.fault:
            char = self.peek()
            value = self.open(char) if char in ("{", "[") else self.leaf(char)
            if value is _STAYS_OPEN:
                continue
            if not self.fault and not self.deliver(value):
                return self.finish(value)
            while not self.fault and (closed := self.close_or_next()) is not None:
                value = closed[0]
                if not self.deliver(value):
                    return self.finish(value)
        return None

    def peek(self) -> str:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def refuse(self, where: str) -> None:
        char = self.text[self.at : self.at + 1]
        if not char and where in _TRUNCATES:
            self.fault = self.fault or END_OF_INPUT
        self.fault = self.fault or f"invalid character {_quote_char(char or ' ')} {where}"

    def open(self, char: str) -> Any:
        """The container if it closes at once, else `_STAYS_OPEN`."""
        if len(self.stack) >= MAX_DEPTH:
            self.fault = "exceeded max depth"
            return None
        self.at += 1
        self.stack.append({} if char == "{" else [])
        self.kinds.append(char)
        self.keys.append("")
        if self.closes(self.peek()):
            return self.shut()
        if char == "{":
            self.key()
        return _STAYS_OPEN

    def key(self) -> None:
        if self.peek() != '"':
            self.refuse("looking for beginning of object key string")
            return
        self.keys[-1] = self.string()
        if self.peek() == ":":
            self.at += 1
        else:
            self.refuse("after object key")

    def leaf(self, char: str) -> Any:
        """A scalar."""
        if char == '"':
            return self.string()
        if char in _LITERALS:
            return self.literal(char)
        if char == "-" or char.isdigit():
            return self.number()
        self.refuse("looking for beginning of value")
        return None

    def closes(self, char: str) -> bool:
        return char == _CLOSER[self.kinds[-1]]

    def shut(self) -> Any:
        self.at += 1
        self.kinds.pop()
        self.keys.pop()
        return self.stack.pop()

    def deliver(self, value: Any) -> bool:
        """Puts `value` into the innermost container; False where there is none."""
        if not self.stack:
            return False
        if self.kinds[-1] == "{":
            self.stack[-1][self.keys[-1]] = value
        else:
            self.stack[-1].append(value)
        return True

    def close_or_next(self) -> tuple[Any] | None:
        """After a value: the container that ends here, or None where another value follows."""
        char = self.peek()
        if char == ",":
            self.at += 1
            if self.kinds[-1] == "{":
                self.key()
            return None
        if self.closes(char):
            return (self.shut(),)
        self.refuse(_AFTER[self.kinds[-1]])
        return None

    def finish(self, value: Any) -> Any:
        if self.peek():
            self.refuse(_AFTER[""])
        return value

    def string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if found is None:
            self.string_fault()
            return ""
        self.at = found.end()
        return whole(json.loads(found[0]))

    def string_fault(self) -> None:
        prefix = _STRING_PREFIX.match(self.text, self.at)
        self.at = prefix.end() if prefix else self.at
        if self.text[self.at : self.at + 1] != "\\":
            self.refuse("in string literal")
            return
        self.at += 1
        if self.text[self.at : self.at + 1] != "u":
            self.refuse("in string escape code")
            return
        self.at += 1
        while self.text[self.at : self.at + 1] in set("0123456789abcdefABCDEF"):
            self.at += 1
        self.refuse("in \\u hexadecimal character escape")

    def literal(self, char: str) -> Any:
        word, value = _LITERALS[char]
        for expected in word:
            if self.text[self.at : self.at + 1] != expected:
                self.refuse(f"in literal {word} (expecting {_quote_char(expected)})")
                return None
            self.at += 1
        return value

    def number(self) -> Any:
        for pattern, where in _PARTIAL_NUMBER:
            partial = pattern.match(self.text, self.at)
            if partial and not "0" <= self.text[partial.end() : partial.end() + 1] <= "9":
                self.at = partial.end()
                self.refuse(where)
                return None
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            self.refuse("looking for beginning of value")
            return None
        self.at = found.end()
        try:
            return self.convert(found[0])
        except ValueError:
            self.trouble = self.trouble or f"json: cannot unmarshal number {found[0]} into Go value of type float64"
            return None


def read(text: str, convert: Callable[[str], Any]) -> Result[Any, str]:
    """The value of `text`, or what Go says is wrong with it. `convert` reads a number and raises ValueError where it overflows."""
    reader = Reader(text, convert)
    value = reader.run()
    wrong = reader.fault or reader.trouble
    return Failure(wrong) if wrong else Success(value)


def rescue(text: str, convert: Callable[[str], Any]) -> Any:
    """The value of `text` with None for each number that `convert` refuses; None as a whole where the syntax is wrong."""
    reader = Reader(text, convert)
    value = reader.run()
    return None if reader.fault else value


def fault(text: str) -> str | None:
    """What is wrong with the syntax of `text`; None if nothing is."""
    reader = Reader(text, len)
    reader.run()
    return reader.fault or None


def _quote_char(char: str) -> str:
    """Go quotes the first byte of the character, taken as a code point."""
    if char == "'":
        return "'\\''"
    first = char.encode("utf-8", "surrogateescape")[:1].decode("latin-1")
    return "'\"'" if char == '"' else "'" + quote(first)[1:-1] + "'"
