"""From the text of a template to its tree (source: Go 1.26 ``text/template/parse/parse.go``).

The grammar::

    items     = { text | action | branch | block | "{{define name}}" items "{{end}}" }       define: at the top only
    branch    = "{{if pipeline}}" items [ "{{else}}" items ] "{{end}}"                       also with, range
    block     = "{{block name pipeline}}" items "{{end}}"
    pipeline  = [ "$x" [ "," "$y" ] (":=" | "=") ] command { "|" command }
    command   = operand { operand }
    operand   = term { ".Field" }

``{{else if}}`` opens a branch that shares the end of the one before. Branches and blocks are read with a stack (:class:`_Open`), only
parentheses by recursion.

Each definition is a tree of its own in Go: with its own variables, its own count of ranges and its own place in the text for errors
(:class:`_Scope`). The line of an error is the line of the last word that the tree has looked at, which may lie after the mistake.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from returns.result import Failure, Result, Success

from eso_core.compat.text import go_text, to_bytes
from eso_core.template import lex, literals, nodes
from eso_core.template.errors import FunctionError, TemplateError
from eso_core.template.limits import DEPTH_MAX, TEXT_MAX
from eso_core.template.nodes import Branch, Command, Invoke, List, Node, Pipe, Text, Tree, Variable
from eso_core.template.printing import sprintf

_TERMS = frozenset(
    (
        *(lex.BOOL, lex.CHARACTER, lex.COMPLEX, lex.DOT, lex.FIELD, lex.IDENTIFIER, lex.NUMBER, lex.NIL),
        *(lex.RAW_STRING, lex.STRING, lex.VARIABLE, lex.LEFT_PAREN),
    )
)
_BRANCHES = {lex.IF: "if", lex.WITH: "with", lex.RANGE: "range"}
ACTIONS_MAX = 2 * DEPTH_MAX  # levels of if, with, range and block; real templates come near DEPTH_MAX
_VERBS_MAX = 1000  # of a name: more than that are shown as they are
_SHOWN_MAX = 100_000  # bytes of a word that an error shows
_CONSTANTS = nodes.Bool | nodes.String | nodes.Number | nodes.Nil | nodes.Dot


def parse(name: str, text: bytes, functions: Container[str], left: bytes = b"{{", right: bytes = b"}}") -> Result[Tree, TemplateError]:
    """The tree of ``text``, or what is wrong with it in Go's words (an empty delimiter stands for the usual one).

    Besides Go's errors: a text of more than ``TEXT_MAX`` bytes or ``lex.WORDS_MAX`` words, and more than ``DEPTH_MAX`` levels of
    parentheses or ``ACTIONS_MAX`` of actions.
    """
    if len(text) > TEXT_MAX:
        return Failure(_failure(name, 0, f"template: {name}: longer than {TEXT_MAX} bytes"))
    try:
        words = lex.lex(text, functions, left or b"{{", right or b"}}")
        bodies = _Parser(name, text, words, functions).bodies()
    except lex.TooManyWords:
        return Failure(_failure(name, 0, f"template: {name}: more than {lex.WORDS_MAX} words"))
    except _Refused as refused:
        return Failure(_failure(name, refused.line, refused.text))
    return Success(Tree(name, text, bodies))


def _failure(name: str, line: int, text: str) -> TemplateError:
    return TemplateError("parse", name, line, -1, text, text)


class _Refused(Exception):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line, self.text = line, text


class _Mark(Enum):
    """What ends a list of nodes."""

    END = b"{{end}}"
    ELSE = b"{{else}}"


class _Scope:
    """What each definition has of its own."""

    __slots__ = ("action", "ranges", "variables", "visible")

    def __init__(self) -> None:
        self.variables = ["$"]
        self.visible = Counter(self.variables)
        self.ranges = 0
        self.action: int | None = None  # where the action that is being read begins, if no action within it has ended

    def declare(self, name: str) -> None:
        self.variables.append(name)
        self.visible[name] += 1

    def forget(self, count: int) -> None:
        """Keep the first ``count`` variables."""
        for name in self.variables[count:]:
            self.visible[name] -= 1
        del self.variables[count:]


@dataclass(slots=True)
class _Open:
    """An action whose end is still to come, with the list that it belongs to and where that begins."""

    start: int
    found: list[Node]
    pipe: Pipe
    word: str = ""  # of a branch
    before: int = 0  # variables before it
    chained: bool = False  # it is the else part of the one before, and ends with it
    body: List | None = None  # set when the else part has begun
    invoke: Invoke | None = None  # of a block
    outer: _Scope | None = None  # of a block
    last: int = 0  # where the last word of a block's action begins


class _Parser:
    """``at`` is the next word, ``seen`` the last one that was looked at without being taken."""

    __slots__ = ("at", "counted", "depth", "functions", "name", "scope", "seen", "text", "trees", "words")

    def __init__(self, name: str, text: bytes, words: list[lex.Word], functions: Container[str]) -> None:
        self.name, self.text, self.words, self.functions = name, text, words, functions
        self.at = self.seen = self.depth = 0
        self.counted = (0, 1)  # an offset and its line
        self.scope = _Scope()
        self.trees: dict[str, List] = {}

    # Errors

    def line(self, pos: int) -> int:
        """The line of an offset; cheap when called for one place after the other."""
        last, line = self.counted
        if pos >= last:
            line += self.text.count(b"\n", last, pos)
        else:
            line -= self.text.count(b"\n", pos, last)
        self.counted = (pos, line)
        return line

    def refuse(self, format_: str, *args: bytes | int, pos: int | None = None) -> NoReturn:
        """``Tree.errorf``, where the name is part of the format; ``pos`` says where Go's last word begins if it is not ours."""
        line = self.line(self.words[max(self.seen, self.at - 1)][1] if pos is None else pos)
        prefix, pattern = to_bytes(f"template: {self.name}:{line}: "), format_.encode()
        shown = [arg[:_SHOWN_MAX] if isinstance(arg, bytes) else arg for arg in args]
        if 0 < prefix.count(b"%") <= _VERBS_MAX:
            with contextlib.suppress(FunctionError):  # the name asks for too much
                raise _Refused(line, go_text(sprintf([prefix + pattern, *shown])))
        raise _Refused(line, go_text(prefix + sprintf([pattern, *shown])))

    def unexpected(self, word: lex.Word, context: bytes) -> NoReturn:
        kind, pos, value, _ = word
        if kind != lex.ERROR:
            self.refuse("unexpected %s in %s", _shown(word), context)
        begun, extra = self.scope.action, ""
        if begun is not None and (line := self.line(begun)) != self.line(pos):
            extra = f"{'' if value.endswith(b' action') else ' in action'} started at {self.name}:{line}"
        self.refuse("%s%s", value, to_bytes(extra))

    def too_deep(self, levels: int) -> NoReturn:
        self.refuse("nested more than %d levels deep", levels)

    # Definitions

    def bodies(self) -> dict[str, List]:
        """``Parse``: the text's own body and all that it defines."""
        body, end = self.items(top=True)
        if end is not None:
            self.refuse("unexpected %s", end.value)
        self.define(self.name, body)
        return self.trees

    def definition(self) -> None:
        outer, self.scope = self.scope, _Scope()
        word = self.take()
        if word[0] not in (lex.STRING, lex.RAW_STRING):
            self.unexpected(word, b"define clause")
        name = self.unquoted(word)
        self.expect(lex.RIGHT, b"define clause")
        body, end = self.items()
        if end is not _Mark.END:
            self.refuse("unexpected %s in %s", _Mark.ELSE.value, b"define clause")
        self.define(_name(name), body)
        self.scope = outer

    def define(self, name: str, body: List) -> None:
        """``Tree.add``: of two bodies one must be empty, and then the other counts."""
        old = self.trees.get(name)
        if old is None or is_empty(old):
            self.trees[name] = body
        elif not is_empty(body):
            self.refuse("template: multiple definition of template %q", to_bytes(name))

    # Text and actions

    def items(self, *, top: bool = False) -> tuple[List, _Mark | None]:
        """Nodes up to an end that is not theirs, or with ``top`` up to the end of the text."""
        words, opened = self.words, list[_Open]()
        start, found = words[self.at][1], list[Node]()
        while True:
            word = words[self.at]
            kind, pos, value, _ = word
            if kind == lex.EOF:
                self.seen = self.at
                if top and not opened:
                    return List(start, tuple(found)), None
                self.refuse("unexpected EOF")
            self.at += 1
            if kind == lex.TEXT:
                found.append(Text(pos, value))
                continue
            if kind != lex.LEFT:
                self.unexpected(word, b"input")
            kind = words[self.at][0]
            if kind == lex.DEFINE and top and not opened:
                self.at += 1
                self.definition()
                continue
            self.scope.action = pos
            if kind == lex.BLOCK or kind in _BRANCHES:
                if len(opened) == ACTIONS_MAX:
                    self.too_deep(ACTIONS_MAX)
                self.at += 1
                opened.append(self.block(start, found) if kind == lex.BLOCK else self.branch(_BRANCHES[kind], start, found))
                start, found = words[self.at][1], []
                continue
            if kind in (lex.END, lex.ELSE):
                mark = self.mark()
                self.scope.action = None
                if not opened:
                    return List(start, tuple(found)), mark
                start, found = self.close(opened, mark, List(start, tuple(found)))
                continue
            found.append(self.action())
            self.scope.action = None

    def action(self) -> Node:
        """An action that has no body."""
        kind, pos, _, _ = self.words[self.at]
        if kind == lex.TEMPLATE:
            self.at += 1
            return self.template()
        if kind not in (lex.BREAK, lex.CONTINUE):
            return nodes.Action(pos, self.line(pos), self.pipeline(b"command", lex.RIGHT))
        self.at += 1
        word = "break" if kind == lex.BREAK else "continue"
        self.expect(lex.RIGHT, f"{{{{{word}}}}}".encode())
        if not self.scope.ranges:
            self.refuse(f"{{{{{word}}}}} outside {{{{range}}}}")
        return nodes.Leap(pos, self.line(pos), word)

    def template(self) -> Invoke:
        word, name = self.template_name(b"template clause")
        pipe = None
        if self.words[self.at][0] == lex.RIGHT:
            self.at += 1
        else:
            pipe = self.pipeline(b"template clause", lex.RIGHT)
        return Invoke(word[1], self.line(word[1]), name, pipe)

    def template_name(self, context: bytes) -> tuple[lex.Word, str]:
        word = self.take()
        if word[0] not in (lex.STRING, lex.RAW_STRING):
            self.unexpected(word, context)
        return word, _name(self.unquoted(word))

    def mark(self) -> _Mark:
        """``{{end}}`` or ``{{else}}``; of ``{{else if}}`` and ``{{else with}}`` the rest is left."""
        kind = self.take()[0]
        if kind == lex.END:
            self.expect(lex.RIGHT, b"end")
            return _Mark.END
        if self.words[self.at][0] in (lex.IF, lex.WITH):
            self.seen = self.at
        else:
            self.expect(lex.RIGHT, b"else")
        return _Mark.ELSE

    # Actions with a body

    def branch(self, word: str, start: int, found: list[Node], *, chained: bool = False) -> _Open:
        scope = self.scope
        before = len(scope.variables)
        pipe = self.pipeline(word.encode(), lex.RIGHT)
        scope.ranges += word == "range"
        return _Open(start, found, pipe, word, before, chained)

    def block(self, start: int, found: list[Node]) -> _Open:
        word, name = self.template_name(b"block clause")
        pipe = self.pipeline(b"block clause", lex.RIGHT)
        invoke = Invoke(word[1], self.line(word[1]), name, pipe)
        outer, self.scope = self.scope, _Scope()
        return _Open(start, found, pipe, invoke=invoke, outer=outer, last=self.words[self.at - 1][1])

    def close(self, opened: list[_Open], mark: _Mark, part: List) -> tuple[int, list[Node]]:
        """End a part of the innermost open action: the list to go on with."""
        inner = opened[-1]
        if inner.invoke is not None and inner.outer is not None:
            if mark is _Mark.ELSE:
                self.refuse("unexpected %s in %s", mark.value, b"block clause", pos=inner.last)
            self.define(inner.invoke.name, part)
            self.scope = inner.outer
            self.scope.action = None
            inner.found.append(inner.invoke)
            opened.pop()
            return inner.start, inner.found
        if inner.body is None:
            inner.body = part
            self.scope.ranges -= inner.word == "range"
            if mark is _Mark.ELSE:
                self.chain(opened, inner.word)
                return self.words[self.at][1], []
            return self.ended(opened, None)
        if mark is _Mark.ELSE:
            self.refuse("expected end; found %s", mark.value)
        return self.ended(opened, part)

    def chain(self, opened: list[_Open], word: str) -> None:
        """Open the ``if`` of ``{{else if}}`` or the ``with`` of ``{{else with}}``."""
        kind, pos, _, _ = self.words[self.at]
        if word != "range" and _BRANCHES.get(kind) == word:
            if len(opened) == ACTIONS_MAX:
                self.too_deep(ACTIONS_MAX)
            self.at += 1
            opened.append(self.branch(word, pos, [], chained=True))

    def ended(self, opened: list[_Open], orelse: List | None) -> tuple[int, list[Node]]:
        """Close the innermost branch, and those that it is the ``else`` part of. What they declare ends with them."""
        while True:
            inner = opened.pop()
            assert inner.body is not None
            self.scope.forget(inner.before)
            pipe = inner.pipe
            inner.found.append(Branch(pipe.pos, pipe.line, inner.word, pipe, inner.body, orelse))
            if not inner.chained:
                return inner.start, inner.found
            orelse = List(inner.start, tuple(inner.found))

    # Pipelines

    def pipeline(self, context: bytes, end: int) -> Pipe:
        words = self.words
        pos = words[self.at][1]
        line = self.line(pos)
        declares, assign = self.declarations(context) if words[self.at][0] == lex.VARIABLE else ((), False)
        commands: list[Command] = []
        while True:
            word = words[self.at]
            if word[0] in _TERMS:
                commands.append(self.command())
                continue
            self.at += 1
            if word[0] != end:
                self.unexpected(word, context)
            break
        if not commands:
            self.refuse("missing value for %s", context)
        for stage, command in enumerate(commands[1:], start=2):
            if isinstance(command.args[0], _CONSTANTS):
                self.refuse("non executable command in pipeline stage %d", stage)
        return Pipe(pos, line, assign, declares, tuple(commands))

    def declarations(self, context: bytes) -> tuple[tuple[Variable, ...], bool]:
        """The variables before ``:=`` or ``=``, and whether it is ``=``; none if the variable here is an operand."""
        words = self.words
        found: list[Variable] = []
        while words[self.at][0] == lex.VARIABLE:
            kind, _, value, _ = words[self.at + 1]
            comma = kind == lex.OTHER and value == b","
            if not comma and kind not in (lex.DECLARE, lex.ASSIGN):
                self.seen = self.at + 1
                break
            name = words[self.at][2].decode()
            found.append(Variable(words[self.at][1], name, ()))
            self.scope.declare(name)
            self.at += 2
            if not comma:
                return tuple(found), kind == lex.ASSIGN
            if context != b"range" or len(found) > 1:
                self.refuse("too many declarations in %s", context)
            if words[self.at][0] not in (lex.VARIABLE, lex.RIGHT, lex.RIGHT_PAREN):
                self.seen = self.at
                self.refuse("range can only initialize variables")
        return tuple(found), False

    def command(self) -> Command:
        words = self.words
        pos = words[self.at][1]
        args: list[Node] = []
        while True:
            if words[self.at][0] in _TERMS:
                args.append(self.operand())
                if words[self.at][3]:
                    continue
            word = words[self.at]
            if word[0] == lex.PIPE:
                self.at += 1
            elif word[0] not in (lex.RIGHT, lex.RIGHT_PAREN):
                self.at += 1
                self.unexpected(word, b"operand")
            return Command(pos, tuple(args))

    def operand(self) -> Node:
        words = self.words
        _, _, shown, _ = words[self.at]
        node = self.term()
        kind, pos, _, spaced = words[self.at]
        if kind != lex.FIELD or spaced:
            return node
        names: list[str] = []
        while words[self.at][0] == lex.FIELD and not words[self.at][3]:
            names.append(words[self.at][2][1:].decode())
            self.at += 1
        if isinstance(node, nodes.Field):
            return nodes.Field(pos, (*node.fields, *names))
        if isinstance(node, Variable):
            return Variable(pos, node.name, tuple(names))
        if isinstance(node, _CONSTANTS):
            _, last, value, _ = words[self.at - 1]
            _, after, _, spaced = words[self.at]
            self.refuse("unexpected . after term %q", shown, pos=last + len(value) if spaced else after)
        return nodes.Chain(pos, node, tuple(names))

    def term(self) -> Node:
        word = self.words[self.at]
        kind, pos, value, _ = word
        self.at += 1
        if kind == lex.FIELD:
            return nodes.Field(pos, (value[1:].decode(),))
        if kind == lex.IDENTIFIER:
            name = value.decode()
            if name not in self.functions:
                self.refuse("function %q not defined", value)
            return nodes.Identifier(pos, name)
        if kind in (lex.STRING, lex.RAW_STRING):
            return nodes.String(pos, value.decode("utf-8", "replace"), self.unquoted(word))
        if kind == lex.DOT:
            return nodes.Dot(pos)
        if kind == lex.VARIABLE:
            name = value.decode()
            if not self.scope.visible[name]:
                self.refuse("undefined variable %q", value)
            return Variable(pos, name, ())
        if kind == lex.LEFT_PAREN:
            self.depth += 1
            if self.depth > DEPTH_MAX:
                self.too_deep(DEPTH_MAX)
            pipe = self.pipeline(b"parenthesized pipeline", lex.RIGHT_PAREN)
            self.depth -= 1
            return pipe
        if kind == lex.BOOL:
            return nodes.Bool(pos, value == b"true")
        return nodes.Nil(pos) if kind == lex.NIL else self.number(word)

    def number(self, word: lex.Word) -> nodes.Number:
        kind, pos, value, _ = word
        if len(value) > lex.NUMBER_MAX:
            raise lex.TooManyWords
        try:
            if kind == lex.CHARACTER:
                return literals.character(pos, value)
            return literals.number(pos, value.decode()) if kind == lex.NUMBER else literals.pair(pos, value.decode())
        except literals.BadLiteral as bad:
            self.refuse("%s", to_bytes(str(bad)))

    def unquoted(self, word: lex.Word) -> bytes:
        try:
            return literals.unquote(word[2])
        except literals.BadLiteral as bad:
            self.refuse("%s", to_bytes(str(bad)))

    # Words

    def take(self) -> lex.Word:
        word = self.words[self.at]
        self.at += 1
        return word

    def expect(self, kind: int, context: bytes) -> None:
        word = self.take()
        if word[0] != kind:
            self.unexpected(word, context)


def is_empty(node: Node | None) -> bool:
    """``IsEmptyTree``: nothing but space. (Comments are no nodes.)"""
    if isinstance(node, List):
        return all(isinstance(inner, Text) and not go_text(inner.text).strip(_UNICODE_SPACE) for inner in node.nodes)
    return node is None


_UNICODE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def _name(raw: bytes) -> str:
    """The name of a template; names that are not text stay apart."""
    return raw.decode("utf-8", "backslashreplace")


def _shown(word: lex.Word) -> bytes:
    """How an error shows a word (``item.String``)."""
    kind, _, value, _ = word
    if kind == lex.EOF:
        return b"EOF"
    if kind >= lex.NIL or kind == lex.DOT:
        return b"<" + value + b">"
    return sprintf([b"%.10q...", value]) if len(value) > 10 else sprintf([b"%q", value])
