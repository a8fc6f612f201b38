"""Statements as closures, one for each node of Jinja2's tree. Each pays its steps, and says on which line an error has happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from jinja2 import nodes

from eso_core.template.errors import FunctionError
from eso_core.template.jinja.callees import Definition, Loop, Macro, Namespace
from eso_core.template.jinja.expressions import applied_filter, call, expression
from eso_core.template.jinja.operators import PYTHON_ERRORS
from eso_core.template.jinja.state import (
    CALL_COST,
    Expression,
    Fault,
    Run,
    Scope,
    Statement,
    Undefined,
    Value,
    iterate,
    located,
    truth,
    type_name,
)
from eso_core.template.jinja.syntax import Rejected, size
from eso_core.template.jinja.texts import text

Assign: TypeAlias = Callable[[Run, Scope, Value], None]

_REFUSED = {
    "Extends": "'extends' is not supported: a template stands for itself",
    "Include": "'include' is not supported: a template stands for itself",
    "Import": "'import' is not supported: a template stands for itself",
    "FromImport": "'from' is not supported: a template stands for itself",
    "Scope": "'autoescape' is not supported: nothing is escaped",
}


class Compiler:
    """Compiles one template; ``blocks`` are those that it has found, by name."""

    def __init__(self) -> None:
        self.blocks: dict[str, Statement] = {}

    def body(self, statements: Sequence[nodes.Node]) -> Statement:
        """The statements one after the other."""
        compiled: list[Statement] = []
        for node in statements:
            if isinstance(node, nodes.Output):
                compiled.extend(_output(child) for child in node.nodes)
            else:
                compiled.append(self._statement(node))
        if len(compiled) == 1:
            return compiled[0]

        def body(run: Run, scope: Scope) -> None:
            for statement in compiled:
                statement(run, scope)

        return body

    def _statement(self, node: nodes.Node) -> Statement:
        kind = type(node).__name__
        made = _STATEMENTS.get(kind)
        if made is None:
            raise Rejected(_REFUSED.get(kind, f"{kind} is not supported"), node.lineno or 0)
        return _guarded(node.lineno, _own_size(node), made(self, node))

    def _if(self, node: nodes.If) -> Statement:
        branches = [(expression(branch.test), self.body(branch.body)) for branch in (node, *node.elif_)]
        otherwise = self.body(node.else_) if node.else_ else None

        def choose(run: Run, scope: Scope) -> None:
            for test, body in branches:
                if truth(test(run, scope)):
                    body(run, scope)
                    return
            if otherwise is not None:
                otherwise(run, scope)

        return choose

    def _for(self, node: nodes.For) -> Statement:
        elements, target, body = expression(node.iter), _target(node.target), self.body(node.body)
        test = expression(node.test) if node.test is not None else None
        otherwise = self.body(node.else_) if node.else_ else None
        recursive, cost = node.recursive, 1 + (size(node.test) if node.test is not None else 0)

        def loop(run: Run, scope: Scope, given: Value, depth: int) -> None:
            values = iterate(run, given)
            if test is not None:
                values = _chosen(run, scope, values, target, test, cost)

            def again(run: Run, inner: Value, deeper: int) -> str:
                run.enter()
                made = run.capture(lambda run, scope: loop(run, scope, inner, deeper), scope)
                run.depth -= 1
                return made

            known = Loop(values, depth, again if recursive else None)
            for index, value in enumerate(values):
                run.step(1)
                known.index0 = index
                inner = Scope({"loop": known}, scope)
                target(run, inner, value)
                body(run, inner)
            if otherwise is not None and not values:
                otherwise(run, Scope({}, scope))

        return lambda run, scope: loop(run, scope, elements(run, scope), 0)

    def _macro(self, node: nodes.Macro) -> Statement:
        definition, name = self._definition(node.name, node), node.name

        def define(run: Run, scope: Scope) -> None:
            scope.names[name] = Macro(definition, scope)

        return define

    def _definition(self, name: str | None, node: nodes.Macro | nodes.CallBlock) -> Definition:
        names = tuple(arg.name for arg in node.args)
        used = {found.name for found in node.find_all(nodes.Name)}
        defaults = tuple(expression(default) for default in node.defaults)
        flags = ("caller" in used, "varargs" in used, "kwargs" in used)
        return Definition(name, names, defaults, self.body(node.body), *flags)

    def _call_block(self, node: nodes.CallBlock) -> Statement:
        definition = self._definition(None, node)
        called = call(node.call, lambda run, scope: Macro(definition, scope))
        return lambda run, scope: run.write(text(run, called(run, scope)))

    def _filter_block(self, node: nodes.FilterBlock) -> Statement:
        body, change = self.body(node.body), _filters(node.filter)
        return lambda run, scope: run.write(text(run, change(run, scope, run.capture(body, Scope({}, scope)))))

    def _with(self, node: nodes.With) -> Statement:
        pairs = [(_target(target), expression(value)) for target, value in zip(node.targets, node.values, strict=True)]
        body = self.body(node.body)

        def with_names(run: Run, scope: Scope) -> None:
            inner = Scope({}, scope)
            for target, value in pairs:
                target(run, inner, value(run, scope))
            body(run, inner)

        return with_names

    def _assign(self, node: nodes.Assign) -> Statement:
        target, value = _target(node.target), expression(node.node)
        return lambda run, scope: target(run, scope, value(run, scope))

    def _assign_block(self, node: nodes.AssignBlock) -> Statement:
        target, body = _target(node.target), self.body(node.body)
        change = _filters(node.filter) if node.filter is not None else None

        def assign(run: Run, scope: Scope) -> None:
            made: Value = run.capture(body, Scope({}, scope))
            target(run, scope, made if change is None else change(run, scope, made))

        return assign

    def _block(self, node: nodes.Block) -> Statement:
        if node.name in self.blocks:
            raise Rejected(f"block '{node.name}' defined twice", node.lineno)
        if node.required:
            raise Rejected(f"Required block '{node.name}' not found", node.lineno)
        name, scoped, inner = node.name, node.scoped, self.body(node.body)

        def body(run: Run, scope: Scope) -> None:
            run.enter()
            inner(run, Scope({}, scope))
            run.depth -= 1

        self.blocks[name] = body
        return lambda run, scope: body(run, scope if scoped else run.root)


_STATEMENTS: dict[str, Callable[..., Statement]] = {
    "Assign": Compiler._assign,
    "AssignBlock": Compiler._assign_block,
    "Block": Compiler._block,
    "CallBlock": Compiler._call_block,
    "FilterBlock": Compiler._filter_block,
    "For": Compiler._for,
    "If": Compiler._if,
    "Macro": Compiler._macro,
    "With": Compiler._with,
}
"""By the class of Jinja2's node."""


def _chosen(run: Run, scope: Scope, values: Sequence[Value], target: Assign, test: Expression, cost: int) -> list[Value]:
    """The elements for which the condition of a loop holds."""
    chosen = []
    for value in values:
        run.step(cost)
        inner = Scope({}, scope)
        target(run, inner, value)
        if truth(test(run, inner)):
            chosen.append(value)
    return run.listed(chosen)


def _output(node: nodes.Node) -> Statement:
    if isinstance(node, nodes.TemplateData):
        data = node.data

        def written(run: Run, scope: Scope) -> None:
            run.step(1)
            run.write(data)

        return written
    value = expression(node)
    return _guarded(node.lineno, size(node), lambda run, scope: run.write(text(run, value(run, scope))))


def _guarded(line: int, steps: int, inner: Statement) -> Statement:
    def statement(run: Run, scope: Scope) -> None:
        try:
            run.step(steps)
            inner(run, scope)
        except FunctionError as error:
            raise located(error, line) from None
        except PYTHON_ERRORS as error:
            raise Fault(f"a value that does not fit ({type(error).__name__})", f": {error}", line=line) from None

    return statement


def _own_size(node: nodes.Node) -> int:
    """The nodes of a statement's own expressions, without those of its body."""
    return 1 + sum(size(child) for child in node.iter_child_nodes() if isinstance(child, nodes.Expr))


def _filters(node: nodes.Filter) -> Callable[[Run, Scope, Value], Value]:
    """The filters of a ``filter`` or ``set`` block, from the innermost on."""
    chain = []
    at: nodes.Node | None = node
    while isinstance(at, nodes.Filter):
        chain.append(applied_filter(at))
        at = at.node
    chain.reverse()

    def change(run: Run, scope: Scope, value: Value) -> Value:
        for applied in chain:
            value = applied(run, scope, value)
        return value

    return change


def _target(node: nodes.Node) -> Assign:
    """What gives a value to a name, to several, or to one of a ``namespace()``."""
    if isinstance(node, nodes.Name):
        name = node.name

        def assign(run: Run, scope: Scope, value: Value) -> None:
            scope.names[name] = value

        return assign
    if isinstance(node, nodes.NSRef):
        return _namespace_target(node)
    if not isinstance(node, nodes.Tuple):
        raise Rejected(f"cannot assign to {type(node).__name__}", node.lineno)
    targets = [_target(inner) for inner in node.items]

    def unpack(run: Run, scope: Scope, value: Value) -> None:
        values = iterate(run, value)
        run.spend(CALL_COST * len(values))
        if len(values) != len(targets):
            raise Fault(f"{len(targets)} values are needed", f", not {len(values)}")
        for target, each in zip(targets, values, strict=True):
            target(run, scope, each)

    return unpack


def _namespace_target(node: nodes.NSRef) -> Assign:
    found, attribute = expression(nodes.Name(node.name, "load", lineno=node.lineno)), node.attr

    def assign(run: Run, scope: Scope, value: Value) -> None:
        names = found(run, scope)
        if type(names) is Undefined:
            raise names.fault()
        if not isinstance(names, Namespace):
            raise Fault(f"cannot assign attribute on non-namespace object ('{type_name(names)}')")
        names.names[attribute] = value

    return assign
