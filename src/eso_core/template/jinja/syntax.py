"""Texts to Jinja2's syntax trees, by Jinja2's own lexer and parser, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Token, TokenStream
from jinja2.parser import Parser

from eso_core.template.limits import DEPTH_MAX

TEXT_MAX: Final = 1 << 18  # bytes of a template
WORDS_MAX: Final = 10_000  # tokens of a template; its texts between the tags count as one each
BRACKETS_MAX: Final = 40  # within each other; the parser takes a dozen Python frames for each

_OPEN = frozenset(("lparen", "lbracket", "lbrace"))
_CLOSE = frozenset(("rparen", "rbracket", "rbrace"))


class Rejected(Exception):
    """The text is no template. ``line`` is 0 if it is not known."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.what, self.line = what, line


class _Language(Environment):
    """The syntax as Jinja2 has it by default. It only reads: templates are never compiled by it."""

    def _tokenize(self, source: str, name: str | None, filename: str | None = None, state: str | None = None) -> TokenStream:
        tokens = self.lexer.wrap(self.lexer.tokeniter(source, name, filename, state), name, filename)
        return TokenStream(_bounded(tokens), name, filename)


_LANGUAGE: Final = _Language(keep_trailing_newline=True)


def _bounded(tokens: Iterator[Token]) -> Iterator[Token]:
    depth = 0
    for count, token in enumerate(tokens, 1):
        depth += (token.type in _OPEN) - (token.type in _CLOSE)
        if count > WORDS_MAX:
            raise Rejected(f"a template of more than {WORDS_MAX} words", token.lineno)
        if depth > BRACKETS_MAX:
            raise Rejected(f"brackets nested more than {BRACKETS_MAX} levels deep", token.lineno)
        yield token


def parse(text: bytes) -> nodes.Template:
    """The tree; :class:`Rejected` if there is none."""
    if len(text) > TEXT_MAX:
        raise Rejected(f"a template of more than {TEXT_MAX} bytes")
    source = text.decode("utf-8", "surrogateescape")
    try:
        tree = Parser(_LANGUAGE, source).parse()
    except TemplateSyntaxError as error:
        raise Rejected(error.message or "a syntax error", error.lineno) from None
    except RecursionError:
        raise Rejected("a template that is nested too deeply") from None
    except ValueError:
        raise Rejected("a number that is too long") from None
    _measure(tree)
    return tree


def _measure(tree: nodes.Template) -> None:
    """An error for a tree that is too deep: lists of operators and filters make one without any bracket."""
    todo: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while todo:
        node, depth = todo.pop()
        if depth > DEPTH_MAX:
            raise Rejected(f"more than {DEPTH_MAX} operators, filters or statements within each other", node.lineno)
        todo.extend((child, depth + 1) for child in node.iter_child_nodes())


def size(node: nodes.Node) -> int:
    """The number of nodes of an expression."""
    count, todo = 0, [node]
    while todo:
        count += 1
        todo.extend(todo.pop().iter_child_nodes())
    return count
