"""JSONPath as `github.com/PaesslerAG/jsonpath` v0.1.1 reads it, with the expressions of `gval` v1.2.4 that it builds on.

    $ @                       the document; the value that a filter, script or key looks at (null outside of them)
    .name  [key]              one member or element; a missing one is an error
    [k1, k2]  [*]  .*         several of them, or all: what is missing is left out
    [min:max:step]            elements of a list; negative bounds count from its end
    [? expression]            members and elements for which the expression is true; one that has an error is left out
    ..                        the value itself and all values within it, each before what it holds
    (expression)              the result of an expression
    == != - ( ) name "text"   what expressions are made of; a bare name is a member of the document; there are no functions

A path with one of `* , : ? ..` gives a list of all that match, which may be empty. Keys are Go literals: `'x'` holds one character, longer
names stand between double or back quotes. `//` and `/* */` begin comments.

Deviation: members of an object are visited in their order, where Go's order is random. Numbers of the document keep their text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NoReturn

from returns.result import Failure, Result, Success

from eso_core.compat.gojson import Json
from eso_core.compat.jsonpath_eval import (
    STEPS_MAX,
    Constant,
    Exhausted,
    Expression,
    Fault,
    Path,
    Scope,
    Selector,
    Steps,
    Value,
    call,
    current,
    equality,
    every,
    filtered,
    member,
    members,
    negative,
    script,
    sliced,
    variable,
    within,
)
from eso_core.compat.runes import is_letter
from eso_core.compat.strconv import parse_float
from eso_core.compat.text import to_bytes

PATH_MAX: Final = 4096  # characters of a path
NESTED_MAX: Final = 40  # levels of brackets and signs
FAR: Final = 2**31 - 1  # the end of a range that names none


def get(path: str, document: Json) -> Result[Value, str]:
    """`jsonpath.Get`. The text of an error holds nothing of the path and the document."""
    return compile_path(path).bind(lambda expression: evaluate(expression, document))


def compile_path(path: str) -> Result[Expression, str]:
    """`jsonpath.New`."""
    if len(path) > PATH_MAX:
        return Failure(f"the path is longer than {PATH_MAX} characters")
    try:
        return Success(_Parser(path).whole())
    except Fault as fault:
        return Failure(str(fault))
    except RecursionError:
        return Failure("the path is nested too deeply")


def evaluate(expression: Expression, document: Json) -> Result[Value, str]:
    """What a compiled path gives."""
    try:
        return Success(expression(Scope(document, None, Steps())))
    except Fault as fault:
        return Failure(str(fault))
    except Exhausted:
        return Failure(f"the path looks at more than {STEPS_MAX} values")
    except RecursionError:
        return Failure("the path or the document is nested too deeply")


_GAP = re.compile(r"(?:[ \t\n\r]|//[^\n]*|/\*(?:.*?\*/|.*))*+", re.DOTALL)
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|(?:0[oObB])?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eEpP][+-]?[0-9_]*)?|\.[0-9][0-9_]*(?:[eEpP][+-]?[0-9_]*)?"
)
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*+"|\'(?:[^\'\\\n]|\\.)*+\'|`[^`]*`')
_ESCAPE = re.compile(
    r"\\(?:(?P<named>[abfnrtv\\'\"])|x(?P<byte>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"
)
_NAMED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_COMPARISONS = ("??", "||", "&&", "==", "!=", ">", ">=", "<", "<=", "=~", "!~", "in")
_OPERATORS = (*_COMPARISONS, "^", "&", "|", "<<", ">>", "+", "-", "*", "/", "%", "**")
"""All that gval knows. Only `==` and `!=` mean something here, but the others decide where an operator ends."""
_SYMBOLS = frozenset("".join(_OPERATORS))

_END_OF_PATH, _NAME, _NUMERAL, _LITERAL = "end", "name", "number", "text"


class _Parser:
    """One token of look-ahead: :meth:`back` has the next :meth:`scan` give the same token again."""

    def __init__(self, path: str) -> None:
        self._path = path.removeprefix("\ufeff")
        self._at = 0
        self._again = False
        self._kind = self._text = ""
        self._depth = 0

    def whole(self) -> Expression:
        parsed = self.expression()
        if self.scan() != _END_OF_PATH:
            _refuse()
        return parsed

    def scan(self) -> str:
        """The kind of the next token; of any other character the character itself."""
        if not self._again:
            self._read()
        self._again = False
        return self._kind

    def back(self) -> None:
        self._again = True

    def _read(self) -> None:
        gap = _GAP.match(self._path, self._at)
        self._at = gap.end() if gap is not None else self._at
        rest = self._path[self._at : self._at + 1]
        if not rest:
            self._kind, self._text = _END_OF_PATH, ""
            return
        if _begins_name(rest):
            end = self._at + 1
            while end < len(self._path) and (_begins_name(self._path[end]) or self._path[end].isdecimal()):
                end += 1
            self._kind, self._text = _NAME, self._path[self._at : end]
        elif (found := _NUMBER.match(self._path, self._at)) is not None:
            self._kind, self._text = _NUMERAL, found[0]
        elif rest in "\"'`":
            literal = _TEXT.match(self._path, self._at)
            self._kind, self._text = _LITERAL, literal[0] if literal is not None else _refuse()
        else:
            self._kind = self._text = rest
        self._at += len(self._text)

    # ------------------------------------------------------------ expressions

    def expression(self) -> Expression:
        self._depth += 1
        if self._depth > NESTED_MAX:
            raise Fault("the path is nested too deeply")
        left = self._operand()
        while (operator := self._operator()) is not None:
            left = equality(left, self._operand(), operator == "==")
        self._depth -= 1
        return left

    def _operator(self) -> str | None:
        kind = self.scan()
        if kind not in _SYMBOLS or kind == _NAME:
            self.back()
            return None
        operator = kind
        while self._at < len(self._path) and any(known.startswith(operator + self._path[self._at]) for known in _OPERATORS):
            operator += self._path[self._at]
            self._at += 1
        if operator in ("==", "!="):
            return operator
        if operator != kind:
            _refuse()
        self.back()
        return None

    def _operand(self) -> Expression:
        match self.scan():
            case "$":
                return self._path_from(())
            case "@":
                return self._path_from((Selector(one=current),))
            case "-":
                return negative(self._nested(self._operand))
            case "(":
                inner = self.expression()
                self._expect(")")
                return inner
            case kind if kind == _NUMERAL:
                number, fault = parse_float(to_bytes(self._text))
                return Constant(number) if not fault else _refuse()
            case kind if kind == _LITERAL:
                return Constant(_unquoted(self._text))
            case kind if kind == _NAME:
                return Constant(self._text == "true") if self._text in ("true", "false") else self._name()
            case _:
                return _refuse()

    def _nested(self, parse: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > NESTED_MAX:
            raise Fault("the path is nested too deeply")
        inner = parse()
        self._depth -= 1
        return inner

    def _name(self) -> Expression:
        keys: list[Expression] = [Constant(self._text)]
        while True:
            match self.scan():
                case ".":
                    self._expect(_NAME)
                    keys.append(Constant(self._text))
                case "[":
                    keys.append(self.expression())
                    self._expect("]")
                case "(":
                    self._arguments()
                    return call
                case _:
                    self.back()
                    return variable(tuple(keys))

    def _arguments(self) -> None:
        if self.scan() == ")":
            return
        self.back()
        while True:
            self.expression()
            kind = self.scan()
            if kind == ")":
                return
            if kind != ",":
                _refuse()

    def _expect(self, kind: str) -> None:
        if self.scan() != kind:
            _refuse()

    # ------------------------------------------------------------ paths

    def _path_from(self, begin: tuple[Selector, ...]) -> Expression:
        selectors = list(begin)
        while True:
            match self.scan():
                case ".":
                    self._select(selectors)
                case "[":
                    selectors.append(self._bracket_selector())
                case "(":
                    selectors.append(self._script_selector())
                case _:
                    self.back()
                    return Path(tuple(selectors))

    def _select(self, selectors: list[Selector]) -> None:
        match self.scan():
            case "*":
                selectors.append(Selector(many=every))
            case ".":
                selectors += (Selector(many=within), self._within_selector())
            case kind if kind == _NAME:
                selectors.append(Selector(one=member(Constant(self._text))))
            case _:
                _refuse()

    def _within_selector(self) -> Selector:
        """What follows `..`."""
        match self.scan():
            case "*":
                return Selector(many=every)
            case "(":
                return self._script_selector()
            case "[":
                keys, separator = self._bracket()
                if separator == ":":
                    _refuse()
                return self._filter_selector(keys) if separator == "?" else Selector(many=members(keys))
            case kind if kind == _NAME:
                return Selector(one=member(Constant(self._text)))
            case _:
                return _refuse()

    def _bracket_selector(self) -> Selector:
        keys, separator = self._bracket()
        if separator == ":":
            if len(keys) > 3:
                _refuse()
            defaults = (Constant(0.0), Constant(float(FAR)), Constant(1.0))
            return Selector(many=sliced(*keys, *defaults[len(keys) :]))
        if separator == "?":
            return self._filter_selector(keys)
        return Selector(one=member(keys[0])) if len(keys) == 1 else Selector(many=members(keys))

    def _filter_selector(self, keys: tuple[Expression, ...]) -> Selector:
        return Selector(many=filtered(keys[0])) if len(keys) == 1 else _refuse()

    def _script_selector(self) -> Selector:
        inner = self.expression()
        self._expect(")")
        return Selector(one=script(inner))

    def _bracket(self) -> tuple[tuple[Expression, ...], str]:
        """The keys up to `]`, and what stands between them (`]` where nothing does)."""
        keys: list[Expression] = []
        separator = ""
        while True:
            kind = self.scan()
            if kind == ":":
                keys.append(Constant(float(FAR if len(keys) == 1 else 0)))
            elif kind == "*":
                self._expect("]")
                return (), ""
            elif kind != "?" and not (kind == "]" and separator == ":"):
                self.back()
                keys.append(self.expression())
                kind = self.scan()
            separator = separator or kind
            if kind == "]":
                return tuple(keys), separator
            if kind not in (":", ",", "?") or (kind == "?" and keys) or kind != separator:
                _refuse()


def _begins_name(char: str) -> bool:
    return char == "_" or is_letter(char)


def _refuse() -> NoReturn:
    raise Fault("the path cannot be parsed")


def _unquoted(text: str) -> str:
    """`strconv.Unquote`. Bytes that are no UTF-8 are kept as lone surrogates."""
    quote, inner = text[0], text[1:-1]
    if quote == "`":
        return inner.replace("\r", "")
    parts: list[bytes] = []
    at = 0
    while at < len(inner):
        if inner[at] != "\\":
            parts.append(to_bytes(inner[at]))
            at += 1
            continue
        found = _ESCAPE.match(inner, at)
        parts.append(_unescaped(found, quote) if found is not None else _refuse())
        at = found.end() if found is not None else at
    if quote == "'" and len(parts) != 1:
        _refuse()
    return b"".join(parts).decode("utf-8", "surrogateescape")


def _unescaped(found: re.Match[str], quote: str) -> bytes:
    if named := found["named"]:
        return _NAMED.get(named, named).encode() if named not in "\"'" or named == quote else _refuse()
    if found["byte"] or found["octal"]:
        return bytes((int(found["byte"], 16) if found["byte"] else int(found["octal"], 8),))
    code = int(found["short"] or found["long"], 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        _refuse()
    return chr(code).encode()
