"""The language of formats: `fmt/print.go: doPrintf`.

    % flags [n] width-or-* . [n] precision-or-* [n] verb

A format becomes steps. Which argument a verb takes depends on the format and the number of arguments alone, so the steps of a format
are kept. Widths and precisions of ``*`` come with the values: a ``Star`` step stands before the ``Operand`` that it is for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

from eso_core.template.limits import items
from eso_core.template.verbs import PLAIN, Spec

_SIZE_MAX = 1_000_000
_FLAGS = re.compile(rb"[#0+ -]+")
_DIGITS = re.compile(rb"[0-9]+")
_KEPT = 256  # bytes of the longest format that is kept


@dataclass(frozen=True, slots=True)
class Literal:
    text: bytes


@dataclass(frozen=True, slots=True)
class Star:
    """Takes a width or precision from ``args[index]``; a negative index has no argument."""

    index: int
    precision: bool


@dataclass(frozen=True, slots=True)
class Operand:
    """Prints ``args[index]``, counted from 1: the format is the argument 0."""

    verb: str
    index: int
    spec: Spec

    def with_sizes(self, width: int | None, prec: int | None) -> Spec:
        """The spec with what ``*`` gave; a negative width pads on the right, never with zeros."""
        spec = self.spec if prec is None else replace(self.spec, prec=prec)
        if width is None:
            return spec
        return replace(spec, width=width) if width >= 0 else replace(spec, width=-width, minus=True, zero=False)


Step: TypeAlias = Literal | Star | Operand


def parse(text: bytes, count: int) -> tuple[tuple[Step, ...], int]:
    """The steps of a format over ``count`` arguments, and the first argument that is left over, from 0; -1 if none is."""
    return _kept(text, count) if len(text) <= _KEPT else _Parser(text, count).run()


@lru_cache(maxsize=256)
def _kept(text: bytes, count: int) -> tuple[tuple[Step, ...], int]:
    return _Parser(text, count).run()


class _Parser:
    __slots__ = ("after_index", "argument", "at", "closes", "count", "good", "reordered", "steps", "text")

    def __init__(self, text: bytes, count: int) -> None:
        self.text, self.count = text, count
        self.at = self.argument = 0
        self.reordered = self.after_index = False
        self.good = self.closes = True  # closes: there is a bracket ahead; once there is none, none is looked for
        self.steps: list[Step] = []

    def run(self) -> tuple[tuple[Step, ...], int]:
        text, end = self.text, len(self.text)
        while self.at < end:
            start, found = self.at, text.find(b"%", self.at)
            stop = end if found < 0 else found
            if stop > start:
                self.steps.append(Literal(text[start:stop]))
            if found < 0:
                break
            items(len(self.steps))
            self.at = found + 1
            if not self.directive():
                self.steps.append(Literal(b"%!(NOVERB)"))
                break
        left = -1 if self.reordered or self.argument >= self.count else self.argument
        return tuple(self.steps), left

    def directive(self) -> bool:
        """What follows a percent sign; false if the format ends before the verb."""
        text, end = self.text, len(self.text)
        flags = self.run_of(_FLAGS)
        self.good = True
        self.index()
        width = self.width()
        prec = self.precision() if self.at + 1 < end and text[self.at] == 0x2E else -1
        if not self.after_index:
            self.index()
        if self.at >= end:
            return False
        verb = self.verb()
        if verb == "%":
            self.steps.append(Literal(b"%"))
        elif not self.good:
            self.steps.append(Literal(b"%!" + verb.encode() + b"(BADINDEX)"))
        elif self.argument >= self.count:
            self.steps.append(Literal(b"%!" + verb.encode() + b"(MISSING)"))
        else:
            self.steps.append(Operand(verb, self.argument + 1, _spec(flags, verb, width, prec)))
            self.argument += 1
        return True

    def width(self) -> int:
        if self.star(precision=False):
            return 0
        width, found = self.number()
        if self.after_index and found:
            self.good = False
        return width

    def precision(self) -> int:
        self.at += 1
        if self.after_index:
            self.good = False
        self.index()
        if self.star(precision=True):
            return -1
        return self.number()[0]

    def star(self, *, precision: bool) -> bool:
        if self.text[self.at : self.at + 1] != b"*":
            return False
        self.at += 1
        present = self.argument < self.count
        self.steps.append(Star(self.argument + 1 if present else -1, precision))
        self.argument += present
        self.after_index = False
        return True

    def number(self) -> tuple[int, bool]:
        """`parsenum`: a number that is too large swallows the rest of the format."""
        digits = self.run_of(_DIGITS)
        if not digits:
            return 0, False
        number = _number(digits)
        if number is None:
            self.at = len(self.text)
            return 0, False
        return number, True

    def run_of(self, pattern: re.Pattern[bytes]) -> bytes:
        start, match = self.at, pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return self.text[start : self.at]

    def index(self) -> None:
        """`argNumber`: an explicit argument index, like `[3]`."""
        text = self.text
        if text[self.at : self.at + 1] != b"[":
            self.after_index = False
            return
        self.reordered = True
        if self.closes:
            close = text.find(b"]", self.at + 1)
            self.closes = close >= 0
        if not self.closes or len(text) - self.at < 3:
            self.at, self.good, self.after_index = self.at + 1, False, False
            return
        digits = text[self.at + 1 : close]
        self.at = close + 1
        number = _number(digits) if digits.isdigit() else None
        self.after_index = number is not None
        if number is not None and 0 < number <= self.count:
            self.argument = number - 1
        else:
            self.good = False

    def verb(self) -> str:
        """The rune at this place; U+FFFD for a byte that starts none."""
        for size in range(1, 5):
            try:
                verb = self.text[self.at : self.at + size].decode()
            except UnicodeDecodeError:
                continue
            self.at += size
            return verb
        self.at += 1
        return "\ufffd"


def _number(digits: bytes) -> int | None:
    """What the digits say; ``None`` if all but the last say more than ``_SIZE_MAX``."""
    digits = digits.lstrip(b"0")
    number = int(digits[:9] or b"0")
    return number if number // 10 <= _SIZE_MAX else None


def _spec(flags: bytes, verb: str, width: int, prec: int) -> Spec:
    if not flags and not width and prec < 0:
        return PLAIN
    plus, sharp = b"+" in flags, b"#" in flags
    syntax = verb in "vw"
    return Spec(
        minus=b"-" in flags,
        plus=plus and not syntax,
        sharp=sharp and not syntax,
        space=b" " in flags,
        zero=b"0" in flags,
        plus_v=plus and syntax,
        sharp_v=sharp and syntax,
        width=width,
        prec=prec,
    )
