"""A syntax tree as Python closures (source: Go 1.26 ``text/template/exec.go``: walk).

All that the tree alone tells is decided here, once: which function a name is, whether the number of its arguments is right, constants and
the types that they take, slots of variables, names of fields as bytes, and the node that an error would point to. What turns out to be
wrong becomes a closure that says so when it is reached, as Go does.

A closure of a statement gives None, or how a loop is to go on. Statements within one list count as steps of the execution together, with
all nodes below them that are no lists themselves.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from eso_core.compat.text import quote
from eso_core.template.calls import Evaluate
from eso_core.template.costs import SHOWN
from eso_core.template.errors import LimitExceeded
from eso_core.template.expressions import Expressions
from eso_core.template.limits import DEPTH_MAX
from eso_core.template.nodes import Action, Branch, Chain, Command, Invoke, Leap, List, Node, Pipe, Text, Tree
from eso_core.template.printing import show
from eso_core.template.ranges import Loop, loop_step
from eso_core.template.run import Run, Signal, Step, Stop, step, take
from eso_core.template.values import Function, Value

FRAMES_MAX = 300  # Python frames of templates that call each other
"""Python allows 1,000 unless told otherwise; the rest is for the caller, for expressions of the last template, and for functions."""


@dataclass(slots=True)
class Body:
    """A compiled template: its statements, what they cost together, how many slots its variables need, and how many nodes it has."""

    steps: tuple[Step, ...] = ()
    cost: int = 0
    slots: int = 1
    size: int = 0


def compile_tree(tree: Tree, functions: Mapping[str, Function], builtins: Mapping[str, Function], strict: bool) -> dict[str, Body]:
    """Every template that the text defines. ``strict`` makes a missing key an error."""
    bodies = {name: Body() for name in tree.bodies}
    for name, nodes in tree.bodies.items():
        statements = _Statements(Expressions(functions, builtins, strict), bodies)
        body = bodies[name]
        body.steps, body.cost = statements.block(nodes)
        body.slots, body.size = statements.expressions.scope.size, statements.size
    return bodies


def execute(body: Body, run: Run, dot: Value) -> None:
    """Runs a template with ``dot`` as its data."""
    run.vars = [dot] + [None] * (body.slots - 1)
    step(run, body.cost, None)
    for perform in body.steps:
        perform(run, dot)


def printed(run: Run, value: Value, node: Node) -> bytes:
    """What an action prints."""
    if type(value) is int:
        return b"%d" % value
    try:
        take(run.meter, (value,), SHOWN)
        return b"<no value>" if value is None else show(value)
    except LimitExceeded as error:
        raise Stop(node, error.what, "limit", error.full) from None


_Block: TypeAlias = tuple[tuple[Step, ...], int]
_Made = TypeVar("_Made")
_Work: TypeAlias = Generator[List, "_Block | None", _Made]
"""Compiles one thing, and asks for each list within to be compiled."""


class _Statements:
    """Compiles the statements of one template. ``level`` is how many lists the current one is within."""

    def __init__(self, expressions: Expressions, bodies: dict[str, Body]) -> None:
        self.expressions, self.bodies = expressions, bodies
        self.level = self.size = 0

    def block(self, nodes: List) -> _Block:
        """The statements of a list, and their cost. Lists within are compiled one after the other, not by recursion: they may be deep."""
        works = [self._list(nodes)]
        done: _Block | None = None
        while True:
            try:
                inner = works[-1].send(done)
            except StopIteration as end:
                works.pop()
                done = end.value
                if not works:
                    return done
            else:
                works.append(self._list(inner))
                done = None

    def _list(self, nodes: List) -> _Work[_Block]:
        steps = []
        for node in nodes.nodes:
            if isinstance(node, Branch):
                steps.append((yield from (self._range(node) if node.word == "range" else self._branch(node))))
            else:
                steps.append(self._statement(node))
        cost = 1 + sum(map(_weight, nodes.nodes))
        self.size += cost
        return tuple(steps), cost

    def _statement(self, node: Node) -> Step:
        match node:
            case Text():
                return _text(node)
            case Action():
                value = self.expressions.pipeline(node.pipe)
                return _action(value.get, node) if not node.pipe.declares else _silent(value.get)
            case Invoke():
                return self._invoke(node)
            case Leap():
                word = node.word
                return lambda run, dot: "break" if word == "break" else "continue"
        raise TypeError(f"no statement: {node}")

    def _inner(self, nodes: List | None, box: int | None) -> _Work[_Block]:
        """A list within another: its variables are its own, and ``box`` belongs to its dot."""
        if nodes is None:
            return (), 0
        expressions = self.expressions
        mark, outer = expressions.scope.mark(), expressions.box
        expressions.box = box
        self.level += 1
        compiled = yield nodes
        assert compiled is not None
        self.level -= 1
        expressions.box = outer
        expressions.scope.leave(mark)
        return compiled

    def _branch(self, node: Branch) -> _Work[Step]:
        """``if`` and ``with``."""
        scope = self.expressions.scope
        mark = scope.mark()
        get = self.expressions.pipeline(node.pipe).get
        moves = node.word == "with"
        body, body_cost = yield from self._inner(node.body, None if moves else self.expressions.box)
        orelse, other_cost = yield from self._inner(node.orelse, self.expressions.box)
        scope.leave(mark)

        def branch(run: Run, dot: Value) -> Signal:
            value = get(run, dot)
            if value:
                chosen, cost = body, body_cost
                dot = value if moves else dot
            else:
                chosen, cost = orelse, other_cost
            step(run, cost, node)
            for perform in chosen:
                signal = perform(run, dot)
                if signal is not None:
                    return signal
            return None

        return branch

    def _range(self, node: Branch) -> _Work[Step]:
        expressions, scope, pipe = self.expressions, self.expressions.scope, node.pipe
        mark = scope.mark()
        value = expressions.pipeline(pipe)
        names, top = [variable.name for variable in pipe.declares], scope.mark()
        targets = [scope.slots(name) for name in names] if pipe.assign else [(slot,) for slot in range(top - len(names), top)]
        box = scope.declare(None)
        if names and not pipe.assign:
            scope.boxes[top - 1] = box
        body, cost = yield from self._inner(node.body, box)
        orelse, other_cost = yield from self._inner(node.orelse, expressions.box)
        scope.leave(mark)
        loop = Loop(
            node=node,
            last=value.last,
            get=value.get,
            index=(targets[0], names[0]) if len(names) > 1 else None,
            element=(targets[-1], names[-1]) if names else None,
            box=box,
            body=body,
            cost=cost,
            orelse=orelse,
            other_cost=other_cost,
        )
        return loop_step(loop)

    def _invoke(self, node: Invoke) -> Step:
        """``template``: variables of the caller are not seen, its dot is the value of the pipeline."""
        get = self.expressions.pipeline(node.pipe).get if node.pipe is not None else None
        body = self.bodies.get(node.name)
        frames = self.level + 2
        name = node.name

        def invoke(run: Run, dot: Value) -> Signal:
            if body is None:
                raise Stop(node, f"template {quote(name)} not defined", "template")
            if run.levels >= DEPTH_MAX or run.depth + frames > FRAMES_MAX:
                raise Stop(node, f"exceeded maximum template depth ({DEPTH_MAX})", "template")
            value = get(run, dot) if get is not None else None
            outer = run.vars, run.template, run.depth, run.levels
            run.template, run.depth, run.levels = name, run.depth + frames, run.levels + 1
            execute(body, run, value)
            run.vars, run.template, run.depth, run.levels = outer
            return None

        return invoke


def _text(node: Text) -> Step:
    text, size = node.text, len(node.text)

    def write(run: Run, dot: Value) -> Signal:
        run.room -= size
        if run.room < 0:
            raise _too_much(node)
        run.out.append(text)
        return None

    return write


def _action(get: Evaluate, node: Action) -> Step:
    def action(run: Run, dot: Value) -> Signal:
        value = get(run, dot)
        if type(value) is not bytes:
            value = printed(run, value, node)
        run.room -= len(value)
        if run.room < 0:
            raise _too_much(node)
        run.out.append(value)
        return None

    return action


def _silent(get: Evaluate) -> Step:
    def silent(run: Run, dot: Value) -> Signal:
        get(run, dot)
        return None

    return silent


def _too_much(node: Node) -> Stop:
    return Stop(node, "the template prints more than is allowed", "limit")


def _weight(node: Node) -> int:
    """How many nodes there are, those in lists below not counted: what a loop executes often it counts itself."""
    count, todo = 0, [node]
    while todo:
        item = todo.pop()
        count += 1
        match item:
            case Command():
                todo.extend(item.args)
            case Pipe():
                todo.extend(item.commands)
            case Action() | Branch():
                todo.append(item.pipe)
            case Invoke() if item.pipe is not None:
                todo.append(item.pipe)
            case Chain():
                todo.append(item.node)
    return count
