"""From characters to tokens (source: go-yaml v2.4 ``scannerc.go``, a port of libyaml 0.1).

It is a port and not PyYAML over libyaml, because the two differ where it shows: libyaml 0.2 takes ``%YAML 1.2``, ``[a]:b`` and tabs that
this library refuses, has other rules for ``:`` and ``?`` inside ``[]``, and words and places its errors differently. Runs of plain
characters are taken by regular expressions. What most documents are, flat maps, does not come here at all (``quick.py``).

A *simple key* is a token after which a ``:`` would make it a key; it has to be on one line and at most 1024 characters long. The token
KEY is put before it when that ``:`` is found, so the parser waits while the first token in the queue could be one. The library keeps
the candidates twice, in a stack and by token number; ``[]`` removes one from the numbers alone, which makes the list of ``[]: x`` no key.

A byte order mark behind the first one makes the library skip a character at the beginning of every line of its first block (it looks
for the mark at the beginning of its buffer); any other mark is a character like others.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from eso_core.compat.goyaml import scalars
from eso_core.compat.goyaml.fault import Refused
from eso_core.compat.goyaml.reader import BLOCK, BOM, END, Source

STREAM_END, VERSION, TAG_DIRECTIVE, DOCUMENT_START, DOCUMENT_END = range(5)
SEQUENCE_START, MAPPING_START, BLOCK_END = range(5, 8)  # of block collections
FLOW_SEQUENCE_START, FLOW_SEQUENCE_END, FLOW_MAPPING_START, FLOW_MAPPING_END = range(8, 12)
ENTRY, FLOW_ENTRY, KEY, VALUE, ALIAS, ANCHOR, TAG, SCALAR = range(12, 20)

KEY_MAX = 1024  # characters of a simple key
DEPTH_MAX = 10_000  # levels of collections that the library scans

_BREAK = "\n\r\x85\u2028\u2029"
_BLANKZ = frozenset(END + " \t" + _BREAK)
_BLANKS = re.compile("[ \t]*")
_SPACES = re.compile(" *")
_COMMENT = re.compile(f"#[^{END}{_BREAK}]*")
_WORD = re.compile("[0-9A-Za-z_-]*")
_VERSION = re.compile("([0-9]*)(.?)([0-9]*)", re.DOTALL)
_AFTER_ANCHOR = _BLANKZ | set("?:,]}%@`")
_INDICATORS = _BLANKZ | set(".-?:,[]{}#&*!|>'\"%@`")  # and the dot, with which a line of three may begin
_PROPERTIES = frozenset("*&!'\"")  # and quotes
_EMPTY_LINES = re.compile("\n(?: *\n)*+")
_FLOW = {
    "[": FLOW_SEQUENCE_START,
    "{": FLOW_MAPPING_START,
    "]": FLOW_SEQUENCE_END,
    "}": FLOW_MAPPING_END,
}


class Token(NamedTuple):
    """``line`` counts from 0. ``plain`` is true of a scalar without quotes. A tag is (handle, suffix)."""

    kind: int
    line: int
    value: str = ""
    suffix: str = ""
    plain: bool = False


class _Key:
    """A candidate for a simple key."""

    __slots__ = ("at", "column", "line", "number", "possible", "required")

    def __init__(self, number: int, at: int = 0, line: int = 0, column: int = 0, possible: bool = False, required: bool = False) -> None:
        self.number, self.at, self.line, self.column, self.possible, self.required = number, at, line, column, possible, required


class Scanner:
    """One document stream. ``at``, ``line`` and ``start`` (of the line) are where it reads."""

    def __init__(self, source: Source) -> None:
        self.text, self.size, self.problem = source.text, source.size, source.problem
        self.at = self.line = self.start = 0
        self.indent = -1
        self._indents: list[int] = []
        self.flow = 0
        self.key_allowed = True
        self._keys = [_Key(0)]
        self._by_number: dict[int, int] = {}
        self._marked = BLOCK - 6 if self.text[0] == BOM else 0
        self._queue: list[Token] = []
        self._taken = 1  # tokens; the library's first one is the start of the stream

    def fail(self, what: str) -> Refused:
        """A problem at the place that is read."""
        self.need(0)
        return Refused(f"line {self.line + 1}: {what}" if self.line else what)

    def need(self, ahead: int) -> None:
        """The reader's problem, if the next ``ahead`` characters are beyond what could be read."""
        if self.problem and self.at + ahead > self.size:
            raise Refused(self.problem)

    def peek(self) -> Token:
        """The next token, which stays."""
        queue = self._queue
        if not queue:
            self._fetch()
        while self._taken in self._by_number and self._is_valid(self._keys[self._by_number[self._taken]]):
            self._fetch()
        return queue[0]

    def skip(self) -> None:
        """Take the token that was peeked at."""
        self._taken += 1
        del self._queue[0]

    def _put(self, kind: int, width: int = 1) -> None:
        self._queue.append(Token(kind, self.line))
        self.at += width

    def _fetch(self) -> None:
        """Read one token (and those that it implies) into the queue."""
        self._to_next()
        if not self.flow and self.indent > self.at - self.start:
            self._unroll(self.at - self.start)
        self.need(4)
        rune = self.text[self.at]
        if rune not in _INDICATORS:
            self._plain()
            return
        after = self.text[self.at + 1]
        if self.at == self.start and self._at_margin(rune):
            return
        if rune == END:
            self._stream_end()
        elif rune in "[{":
            self._save_key()
            self._enter_flow()
            self._put(_FLOW[rune])
        elif rune in "]}":
            self._forget_key()
            self._leave_flow()
            self.key_allowed = False
            self._put(_FLOW[rune])
        elif rune == ",":
            self._forget_key()
            self.key_allowed = True
            self._put(FLOW_ENTRY)
        elif rune == "-" and after in _BLANKZ:
            self._entry()
        elif rune == "?" and (self.flow or after in _BLANKZ):
            self._explicit_key()
        elif rune == ":" and (self.flow or after in _BLANKZ):
            self._value()
        else:
            self._content(rune, after)

    def _at_margin(self, rune: str) -> bool:
        """Read what only stands at the beginning of a line; whether there was any."""
        if rune == "%":
            self._directive()
        elif rune in "-." and self.at_document_mark():
            self._document_mark(DOCUMENT_START if rune == "-" else DOCUMENT_END)
        else:
            return False
        return True

    def _plain(self) -> None:
        self._save_key()
        self.key_allowed = False
        line = self.line
        self._queue.append(Token(SCALAR, line, scalars.plain(self), "", True))

    def _content(self, rune: str, after: str) -> None:
        """An alias, a property or a scalar."""
        if rune in "|>" and not self.flow:
            self._forget_key()
            self.key_allowed = True
            line = self.line
            self._queue.append(Token(SCALAR, line, scalars.block(self, rune == "|")))
            return
        if rune in _PROPERTIES:
            self._save_key()
            self.key_allowed = False
            line = self.line
            if rune in "*&":
                token = self._anchor(ALIAS if rune == "*" else ANCHOR)
            elif rune == "!":
                token = Token(TAG, line, *scalars.tag(self))
            else:
                token = Token(SCALAR, line, scalars.quoted(self, rune))
            self._queue.append(token)
        elif rune == "." or (rune == "-" and after not in " \t") or (rune in "?:" and not self.flow):
            self._plain()
        else:
            raise self.fail("found character that cannot start any token")

    def at_document_mark(self) -> bool:
        """Whether ``---`` or ``...`` stands here (at column 0)."""
        text, at = self.text, self.at
        return text.startswith(("---", "..."), at) and text[at + 3] in _BLANKZ

    def skip_lines(self) -> int:
        """Take the line feed that stands here and empty lines behind it; how many line feeds these are."""
        begin = self.at
        self.at = self.start = _EMPTY_LINES.match(self.text, begin).end()  # type: ignore[union-attr]
        count = self.text.count("\n", begin, self.at)
        self.line += count
        return count

    def skip_break(self) -> None:
        """Take the line break that stands here."""
        self.at += 2 if self.text.startswith("\r\n", self.at) else 1
        self.line += 1
        self.start = self.at

    def read_break(self) -> str:
        """Take the line break that stands here, if any, as it is in a scalar."""
        rune = self.text[self.at]
        if rune not in _BREAK:
            return ""
        self.skip_break()
        return rune if rune in "\u2028\u2029" else "\n"

    def skip_blanks_and_comment(self) -> bool:
        """Take blanks and a comment; whether the line ends then."""
        self.at = _BLANKS.match(self.text, self.at).end()  # type: ignore[union-attr]
        comment = _COMMENT.match(self.text, self.at)
        if comment is not None:
            self.at = comment.end()
        self.need(1)
        return self.text[self.at] == END or self.text[self.at] in _BREAK

    def _to_next(self) -> None:
        text = self.text
        while True:
            if self.at == self.start and self.at < self._marked:
                self.at += 1
            gap = _BLANKS if self.flow or not self.key_allowed else _SPACES
            self.at = gap.match(text, self.at).end()  # type: ignore[union-attr]
            rune = text[self.at]
            if rune == "#":
                self.at = _COMMENT.match(text, self.at).end()  # type: ignore[union-attr]
                rune = text[self.at]
            if self.problem:
                self.need(1)
            if rune not in _BREAK:
                return
            if rune == "\n" and not self._marked:
                self.skip_lines()
            else:
                self.skip_break()
            if not self.flow:
                self.key_allowed = True

    # --- simple keys, levels ------------------------------------------------------------------------------------------------------

    def _is_valid(self, key: _Key) -> bool:
        if not key.possible:
            return False
        if key.line < self.line or key.at + KEY_MAX < self.at:
            if key.required:
                raise self.fail("could not find expected ':'")
            key.possible = False
            return False
        return True

    def _save_key(self) -> None:
        column = self.at - self.start
        if self.key_allowed:
            key = _Key(self._taken + len(self._queue), self.at, self.line, column, True, not self.flow and self.indent == column)
            self._forget_key()
            self._keys[-1] = key
            self._by_number[key.number] = len(self._keys) - 1

    def _forget_key(self) -> None:
        key = self._keys[-1]
        if key.possible:
            if key.required:
                raise self.fail("could not find expected ':'")
            key.possible = False
            self._by_number.pop(key.number, None)

    def _enter_flow(self) -> None:
        self._keys.append(_Key(self._taken + len(self._queue)))
        self.flow += 1
        if self.flow > DEPTH_MAX:
            raise self.fail(f"exceeded max depth of {DEPTH_MAX}")
        self.key_allowed = True

    def _leave_flow(self) -> None:
        if self.flow:
            self.flow -= 1
            self._by_number.pop(self._keys.pop().number, None)

    def _roll(self, column: int, kind: int, line: int, number: int = -1) -> None:
        """Begin a block collection at ``column``, if it is deeper; its token stands before the token ``number``."""
        if self.flow or self.indent >= column:
            return
        self._indents.append(self.indent)
        self.indent = column
        if len(self._indents) > DEPTH_MAX:
            raise self.fail(f"exceeded max depth of {DEPTH_MAX}")
        self._insert(number - self._taken if number > -1 else -1, Token(kind, line))

    def _insert(self, place: int, token: Token) -> None:
        if place < 0:
            self._queue.append(token)
        else:
            self._queue.insert(place, token)

    def _unroll(self, column: int) -> None:
        if not self.flow:
            while self.indent > column:
                self._queue.append(Token(BLOCK_END, self.line))
                self.indent = self._indents.pop()

    # --- tokens -------------------------------------------------------------------------------------------------------------------

    def _stream_end(self) -> None:
        if self.at != self.start:
            self.start = self.at
            self.line += 1
        self._unroll(-1)
        self._forget_key()
        self.key_allowed = False
        self._put(STREAM_END, 0)

    def _document_mark(self, kind: int) -> None:
        self._unroll(-1)
        self._forget_key()
        self.key_allowed = False
        self._put(kind, 3)

    def _entry(self) -> None:
        if not self.flow:
            if not self.key_allowed:
                raise self.fail("block sequence entries are not allowed in this context")
            self._roll(self.at - self.start, SEQUENCE_START, self.line)
        self._forget_key()
        self.key_allowed = True
        self._put(ENTRY)

    def _explicit_key(self) -> None:
        if not self.flow:
            if not self.key_allowed:
                raise self.fail("mapping keys are not allowed in this context")
            self._roll(self.at - self.start, MAPPING_START, self.line)
        self._forget_key()
        self.key_allowed = not self.flow
        self._put(KEY)

    def _value(self) -> None:
        key = self._keys[-1]
        if self._is_valid(key):
            self._insert(key.number - self._taken, Token(KEY, key.line))
            self._roll(key.column, MAPPING_START, key.line, key.number)
            key.possible = False
            self._by_number.pop(key.number, None)
            self.key_allowed = False
        else:
            if not self.flow:
                if not self.key_allowed:
                    raise self.fail("mapping values are not allowed in this context")
                self._roll(self.at - self.start, MAPPING_START, self.line)
            self.key_allowed = not self.flow
        self._put(VALUE)

    def _anchor(self, kind: int) -> Token:
        line = self.line
        name = self.word(1)
        self.need(1)
        if not name or self.text[self.at] not in _AFTER_ANCHOR:
            raise self.fail("did not find expected alphabetic or numeric character")
        return Token(kind, line, name)

    def word(self, skip: int = 0) -> str:
        """Take ``skip`` characters and the letters, digits, ``-`` and ``_`` behind them, which are returned."""
        begin = self.at + skip
        self.at = _WORD.match(self.text, begin).end()  # type: ignore[union-attr]
        return self.text[begin : self.at]

    def blanks(self) -> bool:
        """Take blanks; whether there were any."""
        begin = self.at
        self.at = _BLANKS.match(self.text, begin).end()  # type: ignore[union-attr]
        return self.at > begin

    def _directive(self) -> None:
        self._unroll(-1)
        self._forget_key()
        self.key_allowed = False
        line = self.line
        name = self.word(1)
        if not name:
            raise self.fail("could not find expected directive name")
        if self.text[self.at] not in _BLANKZ:
            raise self.fail("found unexpected non-alphabetical character")
        if name == "YAML":
            token = Token(VERSION, line, self._version())
        elif name == "TAG":
            token = Token(TAG_DIRECTIVE, line, *self._tag_directive())
        else:
            raise self.fail("found unknown directive name")
        if not self.skip_blanks_and_comment():
            raise self.fail("did not find expected comment or line break")
        self.read_break()
        self._queue.append(token)

    def _version(self) -> str:
        self.blanks()
        major, dot, minor = _VERSION.match(self.text, self.at).groups()  # type: ignore[union-attr]
        for number, mark in ((major, dot), (minor, ".")):
            if len(number) > 2:
                raise self.fail("found extremely long version number")
            if not number:
                raise self.fail("did not find expected version number")
            if mark != ".":
                raise self.fail("did not find expected digit or '.' character")
        self.at += len(major) + 1 + len(minor)
        return f"{int(major)}.{int(minor)}"

    def _tag_directive(self) -> tuple[str, str]:
        self.blanks()
        handle = scalars.tag_handle(self, directive=True)
        if not self.blanks():
            raise self.fail("did not find expected whitespace")
        prefix = scalars.tag_uri(self, "")
        if self.text[self.at] not in _BLANKZ:
            raise self.fail("did not find expected whitespace or line break")
        return handle, prefix
