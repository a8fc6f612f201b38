"""What a template reads of its data, found without running it.

Followed is where the root of the data can be: in dot, in ``$`` and other variables, and as the argument of defined templates, which have
a dot and a ``$`` of their own. A name read of it by ``.name``, ``$.name``, ``$variable.name``, ``(.).name`` or ``index . "name"`` is a
key. Anything else that is done with the root counts as a use of the whole: printing, a condition, ``range``, a function's argument, a key
that is not written out. So the answer is never too small: a key is read only if it is in ``keys`` or ``whole`` is set.

Variables may change in loops, so the template is walked until nothing new is found. What has been the root once is taken for it always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from eso_core.template import nodes
from eso_core.template.nodes import Branch, Command, Invoke, List, Node, Pipe, Tree

_PASSES_MAX = 8  # no sensible template hands the root on from variable to variable as often


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """As in errors: ``line`` counts from 1, ``column`` from 0, in bytes."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class References:
    """``places`` has the keys' places in order; ``functions`` are those that a call can reach."""

    keys: tuple[str, ...]
    whole: bool
    functions: tuple[str, ...]
    places: Mapping[str, tuple[Place, ...]] = field(repr=False)


class _Kind(Enum):
    ROOT = "root"  # may be the root
    OTHER = "other"


_Value: TypeAlias = _Kind | bytes  # bytes: this string
_Call: TypeAlias = tuple[str, bool]  # a template and whether its dot is the root


def references(tree: Tree) -> References:
    """What ``tree`` reads when it renders its own template."""
    walk = _Walk(tree)
    for _ in range(_PASSES_MAX):
        before = walk.size()
        walk.run()
        if walk.size() == before:
            break
    else:
        walk.whole = True
    places = _places(tree.text, walk.keys)
    return References(tuple(sorted(places)), walk.whole, tuple(sorted(walk.functions)), places)


def _places(text: bytes, keys: Mapping[str, set[int]]) -> dict[str, tuple[Place, ...]]:
    found: dict[int, Place] = {}
    last, line = 0, 1
    for pos in sorted(set[int]().union(*keys.values())):
        line += text.count(b"\n", last, pos)
        last = pos
        found[pos] = Place(line, pos - (text.rfind(b"\n", 0, pos) + 1))
    return {key: tuple(found[pos] for pos in sorted(positions)) for key, positions in keys.items()}


class _Walk:
    """``roots`` are the variables that may be the root: by the place of their declaration, ``$`` by its template's call."""

    __slots__ = ("calls", "dot", "functions", "keys", "roots", "scopes", "todo", "tree", "undo", "whole")

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.keys: dict[str, set[int]] = {}
        self.functions: set[str] = set()
        self.whole = False
        self.roots: set[int | _Call] = set()
        self.calls = {(tree.name, True)}
        self.todo: list[_Call] = []
        self.scopes: dict[str, list[int | _Call]] = {}
        self.undo: list[str] = []
        self.dot = True

    def size(self) -> tuple[int, int]:
        """What can still grow; the rest follows from it."""
        return len(self.roots), len(self.calls)

    def run(self) -> None:
        """Walk each template that is called, once for each kind of dot."""
        self.todo = list(self.calls)
        while self.todo:
            name, root = call = self.todo.pop()
            self.scopes, self.undo = {}, []
            self.declare("$", call, _Kind.ROOT if root else _Kind.OTHER)
            body = self.tree.bodies.get(name)
            if body is not None:
                self.body(body, root)

    # Nodes

    def body(self, body: List, root: bool) -> None:
        """All nodes of a body in order. An ``int`` among them ends the scope of what was declared since there were as many variables."""
        todo: list[tuple[Node | int, bool]] = [(body, root)]
        while todo:
            node, self.dot = todo.pop()
            if isinstance(node, int):
                self.forget(node)
            elif isinstance(node, List):
                todo.extend((inner, self.dot) for inner in reversed(node.nodes))
            elif isinstance(node, nodes.Action):
                self.used(self.pipe(node.pipe), unless=bool(node.pipe.declares))
            elif isinstance(node, Invoke):
                self.invoke(node)
            elif isinstance(node, Branch):
                todo.append((len(self.undo), self.dot))
                value = self.pipe(node.pipe, elements=node.word == "range")
                self.used(value)
                if node.orelse is not None:
                    todo.append((node.orelse, self.dot))
                inside = self.dot if node.word == "if" else node.word == "with" and value is _Kind.ROOT
                todo.append((node.body, inside))

    def invoke(self, node: Invoke) -> None:
        root = node.pipe is not None and self.pipe(node.pipe) is _Kind.ROOT
        if node.name in self.tree.bodies:
            call = node.name, root
            if call not in self.calls:
                self.calls.add(call)
                self.todo.append(call)
        elif root:
            self.whole = True

    def used(self, value: _Value, *, unless: bool = False) -> None:
        if value is _Kind.ROOT and not unless:
            self.whole = True

    # Variables

    def declare(self, name: str, variable: int | _Call, value: _Value) -> None:
        self.scopes.setdefault(name, []).append(variable)
        self.undo.append(name)
        if value is _Kind.ROOT:
            self.roots.add(variable)

    def forget(self, count: int) -> None:
        for name in self.undo[count:]:
            self.scopes[name].pop()
        del self.undo[count:]

    def variable(self, name: str) -> int | _Call | None:
        """The declaration that is seen; none where running would end in an error."""
        seen = self.scopes.get(name)
        return seen[-1] if seen else None

    # Values

    def pipe(self, pipe: Pipe, *, elements: bool = False) -> _Value:
        """Its value. With ``elements`` the variables get what is in the value, as those of ``range`` do."""
        value: _Value | None = None
        for command in pipe.commands:
            value = self.command(command, value)
        result = value if value is not None else _Kind.OTHER
        for declared in pipe.declares:
            if not pipe.assign:
                self.declare(declared.name, declared.pos, _Kind.OTHER if elements else result)
            elif result is _Kind.ROOT and (variable := self.variable(declared.name)) is not None:
                self.roots.add(variable)
        return result

    def command(self, command: Command, piped: _Value | None) -> _Value:
        first, *rest = command.args
        values = [self.operand(node) for node in rest]
        if piped is not None:
            values.append(piped)
        if not isinstance(first, nodes.Identifier):
            for value in values:
                self.used(value)
            return self.operand(first)
        self.functions.add(first.name)
        if first.name == "index" and len(values) > 1 and values[0] is _Kind.ROOT and isinstance(key := values[1], bytes):
            self.read(key.decode("utf-8", "backslashreplace"), (rest[1] if len(rest) > 1 else first).pos)
            values = values[2:]
        for value in values:
            self.used(value)
        return _Kind.OTHER

    def operand(self, node: Node) -> _Value:
        if isinstance(node, nodes.String):
            return node.value
        if isinstance(node, nodes.Dot):
            return _Kind.ROOT if self.dot else _Kind.OTHER
        if isinstance(node, nodes.Field):
            return self.fields(self.dot, node.fields, _begin(node.pos, node.fields))
        if isinstance(node, nodes.Variable):
            return self.fields(self.variable(node.name) in self.roots, node.fields, node.pos)
        if isinstance(node, nodes.Chain):
            return self.fields(self.operand(node.node) is _Kind.ROOT, node.fields, node.pos)
        if isinstance(node, nodes.Identifier):
            self.functions.add(node.name)
        return self.pipe(node) if isinstance(node, Pipe) else _Kind.OTHER

    def fields(self, root: bool, names: tuple[str, ...], pos: int) -> _Value:
        if root and names:
            self.read(names[0], pos)
            return _Kind.OTHER
        return _Kind.ROOT if root else _Kind.OTHER

    def read(self, key: str, pos: int) -> None:
        self.keys.setdefault(key, set()).add(pos)


def _begin(pos: int, names: tuple[str, ...]) -> int:
    """Where ``.a.b`` begins: its position is that of ``.b``."""
    return pos - len(names[0].encode()) - 1 if len(names) > 1 else pos
