"""`tidwall/pretty`: JSON on several lines, and JSON without spaces. All text is byte text (see `scan`).

An array goes on one line if it holds no object and fits the width. Text that is not JSON comes out as the original makes it: what
cannot be part of a value is skipped.
"""

import re
from dataclasses import dataclass
from functools import cmp_to_key

from eso_core.compat.gjson.scan import QUOTED, Budget, parse_float, unescape

_NUMBER = re.compile(r".[^\x00-\x20,:\]}]*", re.DOTALL)
_UGLY = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\x00-\x20]+', re.DOTALL)
_RANKS = {"": 0, "n": 0, "f": 1, '"': 3, "t": 4, "{": 5, "[": 5}
_NUMBER_RANK = 2
_WORDS = {"t": "true", "f": "false", "n": "null"}


@dataclass(frozen=True, slots=True)
class Options:
    """Arguments of `@pretty`. `width` is the widest single-line array, in bytes."""

    width: int = 80
    prefix: str = ""
    indent: str = "  "
    sort_keys: bool = False


def ugly(text: str) -> str:
    """`text` without white space outside strings."""
    return _UGLY.sub(lambda found: found[0] if found[0][0] == '"' else "", text)


def pretty(text: str, options: Options, budget: Budget) -> str:
    """`text` laid out, with a newline at the end."""
    printer = _Printer(text, options, budget, [options.prefix] if options.prefix else [])
    printer.size = len(options.prefix)
    printer.value(0, _Layout())
    out = "".join(printer.out)
    return out + "\n" if out else out


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a value is printed: over several lines at a depth of `tabs`, or (`line_max` >= 0) in one line."""

    tabs: int = 0
    line_max: int = -1

    @property
    def lines(self) -> bool:
        return self.line_max < 0


@dataclass(slots=True)
class _Printer:
    text: str
    options: Options
    budget: Budget
    out: list[str]
    size: int = 0
    line_start: int = 0

    def put(self, text: str) -> None:
        self.out.append(text)
        self.size += len(text)

    def value(self, at: int, layout: _Layout) -> tuple[int, bool]:
        """Prints the next value: (offset after it, whether it may stand in a single line)."""
        text = self.text
        while at < len(text):
            char = text[at]
            if char in "{[":
                return self.container(at, layout)
            if char == '"':
                return self.string(at), True
            if char in "-+iIN0123456789" or (char == "n" and text[at + 1 : at + 2] not in ("", "u")):
                found = _NUMBER.match(text, at)
                self.put(found[0] if found else char)
                return (found.end() if found else at + 1), True
            if char in _WORDS:
                self.put(_WORDS[char])
                return at + len(_WORDS[char]), True
            at += 1
        return at, True

    def string(self, at: int) -> int:
        found = QUOTED.match(self.text, at)
        end = found.end() if found else len(self.text)
        self.put(self.text[at:end])
        return end

    def container(self, at: int, layout: _Layout) -> tuple[int, bool]:
        char = self.text[at]
        if self.options.width > 0:
            if layout.lines and char == "[":
                fitted = self.one_line(at)
                if fitted is not None:
                    return fitted, True
            elif not layout.lines and char == "{":
                return at, False
        if not self.budget.enter():
            self.budget.leave()
            return len(self.text), False
        end, fits = self.members(at, layout, "}" if char == "{" else "]")
        self.budget.leave()
        return end, fits and char == "["

    def one_line(self, at: int) -> int | None:
        """Tries the array in the rest of the line; None, and nothing printed, if it holds an object or is too long."""
        room = self.options.width - (self.size - self.line_start)
        if room <= 3:
            return None
        mark, size, line_start = len(self.out), self.size, self.line_start
        end, fits = self.container(at, _Layout(0, room))
        self.budget.charge(self.size - size)
        if fits and self.size - size <= room:
            self.line_start = line_start
            return end
        del self.out[mark:]
        self.size, self.line_start = size, line_start
        return None

    def members(self, at: int, layout: _Layout, closing: str) -> tuple[int, bool]:
        text, count, opened = self.text, 0, len(self.out)
        self.put(text[at])
        sort = self.options.sort_keys and closing == "}" and layout.lines
        pairs: list[tuple[str, str]] = []
        at += 1
        while at < len(text) and not self.budget.spent:
            if text[at] == closing:
                self.close(layout, closing, pairs if sort else [], count, opened)
                return at + 1, True
            if text[at] <= " " or (closing == "}" and text[at] != '"'):
                at += 1
                continue
            at, fits, pair = self.member(at, layout, closing, count)
            if not layout.lines and not fits:
                return at, False
            pairs.append(pair)
            count += 1
        return at, True

    def member(self, at: int, layout: _Layout, closing: str, count: int) -> tuple[int, bool, tuple[str, str]]:
        spaced = count > 0 and closing == "]" and self.options.width != -1
        if count:
            self.put("," if layout.lines or not spaced else ", ")
        if layout.lines:
            self.line_start = self.size + spaced  # the original turns the space after the comma into the line break
            self.put("\n")
            self.tabs(layout.tabs + 1)
        mark, start, key = len(self.out), at, ""
        if closing == "}":
            at = self.string(at)
            key = self.text[start:at]
            self.put(": " if layout.lines else ":")
        at, fits = self.value(at, _Layout(layout.tabs + 1, layout.line_max))
        return at, fits, (key, "".join(self.out[mark:]))

    def close(self, layout: _Layout, closing: str, pairs: list[tuple[str, str]], count: int, opened: int) -> None:
        if layout.lines and count:
            if pairs:
                self.sort(pairs, layout, opened)
            self.line_start = self.size
            self.put("\n")
            self.tabs(layout.tabs)
        self.put(closing)

    def tabs(self, depth: int) -> None:
        self.put(self.options.prefix + self.options.indent * depth)

    def sort(self, pairs: list[tuple[str, str]], layout: _Layout, opened: int) -> None:
        tab = "\n" + self.options.prefix + self.options.indent * (layout.tabs + 1)
        body = ",".join([tab + shown for _, shown in sorted(pairs, key=cmp_to_key(_order))])
        del self.out[opened + 1 :]
        self.out.append(body)


def _order(left: tuple[str, str], right: tuple[str, str]) -> int:
    """Members by key, equal keys by value."""
    by_key = _compare(left[0], right[0])
    return by_key or _compare(left[1][len(left[0]) + 1 :].strip(), right[1][len(right[0]) + 1 :].strip())


def _compare(left: str, right: str) -> int:
    ranks = _rank(left), _rank(right)
    if ranks[0] != ranks[1]:
        return -1 if ranks[0] < ranks[1] else 1
    if ranks[0] == _RANKS['"']:
        left, right = unescape(left[1:-1]), unescape(right[1:-1])
    elif ranks[0] == _NUMBER_RANK:
        numbers = parse_float(left), parse_float(right)
        return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])
    return (left > right) - (left < right)


def _rank(raw: str) -> int:
    return _RANKS.get(raw[:1], _NUMBER_RANK)
