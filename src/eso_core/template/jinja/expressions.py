"""Expressions as closures, one for each node of Jinja2's tree. Steps are counted by the statements that hold them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from jinja2 import nodes

from eso_core.template.jinja.access import attribute, item, part
from eso_core.template.jinja.checks import TESTS
from eso_core.template.jinja.filters import FILTERS
from eso_core.template.jinja.operators import BINARY, COMPARE, hashed, signed
from eso_core.template.jinja.state import (
    INT_BITS,
    ITEM_COST,
    Callee,
    Expression,
    Fault,
    Run,
    Scope,
    Undefined,
    Value,
    iterate,
    truth,
    type_name,
)
from eso_core.template.jinja.syntax import Rejected
from eso_core.template.jinja.texts import text

Arguments: TypeAlias = Callable[[Run, Scope], tuple[list[Value], dict[str, Value]]]
Applied: TypeAlias = Callable[[Run, Scope, Value], Value]

_NONE = nodes.Const(None)
_SILENT = Undefined("an if-expression without else evaluated to false", silent=True)


def expression(node: nodes.Node) -> Expression:
    """What evaluates ``node``."""
    made = _KINDS.get(type(node).__name__)
    if made is None:
        raise Rejected(f"{type(node).__name__} is not supported", node.lineno)
    return made(node)


def _name(node: nodes.Name) -> Expression:
    key = node.name

    def name(run: Run, scope: Scope) -> Value:
        within: Scope | None = scope
        while within is not None:
            if key in within.names:
                return within.names[key]
            within = within.parent
        return run.resolve(key)

    return name


def _const(node: nodes.Const) -> Expression:
    value = node.value
    if type(value) is int and value.bit_length() > INT_BITS:
        raise Rejected("a number that is too long", node.lineno)
    return lambda run, scope: value


def _data(node: nodes.TemplateData) -> Expression:
    value = node.data
    return lambda run, scope: value


def _list(node: nodes.List) -> Expression:
    elements = [expression(element) for element in node.items]
    return lambda run, scope: run.listed([element(run, scope) for element in elements])


def _tuple(node: nodes.Tuple) -> Expression:
    elements = [expression(element) for element in node.items]
    return lambda run, scope: tuple(run.listed([element(run, scope) for element in elements]))


def _dict(node: nodes.Dict) -> Expression:
    pairs = [(expression(pair.key), expression(pair.value)) for pair in node.items]

    def mapping(run: Run, scope: Scope) -> Value:
        made: dict[Value, Value] = {}
        for key, value in pairs:
            name = key(run, scope)
            run.weigh(name)
            if not hashed(name):
                raise Fault(f"a '{type_name(name)}' cannot be the key of a map")
            made[name] = value(run, scope)
        run.spend(ITEM_COST * len(made))
        return made

    return mapping


def _condition(node: nodes.CondExpr) -> Expression:
    test, yes = expression(node.test), expression(node.expr1)
    no = expression(node.expr2) if node.expr2 is not None else lambda run, scope: _SILENT
    return lambda run, scope: yes(run, scope) if truth(test(run, scope)) else no(run, scope)


def _attribute(node: nodes.Getattr) -> Expression:
    inner, name = expression(node.node), node.attr
    return lambda run, scope: attribute(run, inner(run, scope), name)


def _item(node: nodes.Getitem) -> Expression:
    inner = expression(node.node)
    if isinstance(node.arg, nodes.Slice):
        start, stop, step = (expression(bound or _NONE) for bound in (node.arg.start, node.arg.stop, node.arg.step))
        return lambda run, scope: part(run, inner(run, scope), start(run, scope), stop(run, scope), step(run, scope))
    if isinstance(node.arg, nodes.Const) and type(node.arg.value) is str:
        known = node.arg.value
        return lambda run, scope: _known_item(run, inner(run, scope), known)
    key = expression(node.arg)
    return lambda run, scope: item(run, inner(run, scope), key(run, scope))


def _known_item(run: Run, value: Value, key: str) -> Value:
    """An element whose key the template itself gives: errors may name it."""
    found = item(run, value, key)
    if type(found) is Undefined:
        return Undefined(f"'{type_name(value)} object' has no attribute '{key}'")
    return found


def _concat(node: nodes.Concat) -> Expression:
    parts = [expression(part) for part in node.nodes]
    return lambda run, scope: run.joined([text(run, part(run, scope)) for part in parts])


def _compare(node: nodes.Compare) -> Expression:
    first = expression(node.expr)
    rest = [(COMPARE[operand.op], expression(operand.expr)) for operand in node.ops]
    if len(rest) == 1:
        holds, other = rest[0]
        return lambda run, scope: holds(run, first(run, scope), other(run, scope))

    def compare(run: Run, scope: Scope) -> bool:
        left = first(run, scope)
        for holds, operand in rest:
            right = operand(run, scope)
            if not holds(run, left, right):
                return False
            left = right
        return True

    return compare


def _binary(node: nodes.BinExpr) -> Expression:
    left, right, computed = expression(node.left), expression(node.right), BINARY[type(node).__name__]
    return lambda run, scope: computed(run, left(run, scope), right(run, scope))


def _and(node: nodes.And) -> Expression:
    left, right = expression(node.left), expression(node.right)

    def both(run: Run, scope: Scope) -> Value:
        value = left(run, scope)
        return right(run, scope) if truth(value) else value

    return both


def _or(node: nodes.Or) -> Expression:
    left, right = expression(node.left), expression(node.right)

    def either(run: Run, scope: Scope) -> Value:
        value = left(run, scope)
        return value if truth(value) else right(run, scope)

    return either


def _not(node: nodes.Not) -> Expression:
    inner = expression(node.node)
    return lambda run, scope: not truth(inner(run, scope))


def _signed(sign: str) -> Callable[[nodes.UnaryExpr], Expression]:
    def made(node: nodes.UnaryExpr) -> Expression:
        inner = expression(node.node)
        return lambda run, scope: signed(sign, inner(run, scope))

    return made


def arguments(node: nodes.Call | nodes.Filter | nodes.Test) -> Arguments | None:
    """The arguments of a call; None if there are none."""
    if not (node.args or node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None):
        return None
    given = [expression(arg) for arg in node.args]
    named = [(str(pair.key), expression(pair.value)) for pair in node.kwargs]
    if len({key for key, _ in named}) < len(named):
        raise Rejected("an argument is given twice", node.lineno)
    more = expression(node.dyn_args) if node.dyn_args is not None else None
    more_named = expression(node.dyn_kwargs) if node.dyn_kwargs is not None else None

    def evaluated(run: Run, scope: Scope) -> tuple[list[Value], dict[str, Value]]:
        args = [arg(run, scope) for arg in given]
        kwargs = {key: value(run, scope) for key, value in named}
        if more is not None:
            args.extend(run.listed(list(iterate(run, more(run, scope)))))
        if more_named is not None:
            _add_named(run, kwargs, more_named(run, scope))
        return args, kwargs

    return evaluated


def _add_named(run: Run, kwargs: dict[str, Value], more: Value) -> None:
    if type(more) is Undefined:
        raise more.fault()
    if not isinstance(more, dict) or not all(type(key) is str for key in more):
        raise Fault("arguments by name are a map with strings as keys", kind="arg-type")
    if kwargs.keys() & more.keys():
        raise Fault("an argument is given twice", kind="arg-count")
    run.spend(ITEM_COST * len(more))
    kwargs.update(more)


def call(node: nodes.Call, caller: Expression | None = None) -> Expression:
    """A call; ``caller`` makes one more argument of that name."""
    callee, given = expression(node.node), arguments(node)

    def called(run: Run, scope: Scope) -> Value:
        target = callee(run, scope)
        if not isinstance(target, Callee):
            if type(target) is Undefined:
                raise target.fault()
            raise Fault(f"'{type_name(target)}' object is not callable")
        args, kwargs = given(run, scope) if given is not None else ([], {})
        if caller is not None:
            kwargs["caller"] = caller(run, scope)
        return target.call(run, args, kwargs)

    return called


def _applied(change: Callable[..., Value], given: Arguments | None) -> Applied:
    if given is None:
        return lambda run, scope, value: change(run, value)

    def applied(run: Run, scope: Scope, value: Value) -> Value:
        args, kwargs = given(run, scope)
        return change(run, value, *args, **kwargs)

    return applied


def applied_filter(node: nodes.Filter) -> Applied:
    """A filter without what it is applied to."""
    change = FILTERS.get(node.name)
    if change is None:
        raise Rejected(f"No filter named '{node.name}'.", node.lineno)
    return _applied(change, arguments(node))


def _filter(node: nodes.Filter) -> Expression:
    assert node.node is not None
    inner, applied = expression(node.node), applied_filter(node)
    return lambda run, scope: applied(run, scope, inner(run, scope))


def _test(node: nodes.Test) -> Expression:
    test = TESTS.get(node.name)
    if test is None:
        raise Rejected(f"No test named '{node.name}'.", node.lineno)
    inner, applied = expression(node.node), _applied(test, arguments(node))
    return lambda run, scope: applied(run, scope, inner(run, scope))


_KINDS: dict[str, Callable[..., Expression]] = {
    "Add": _binary,
    "And": _and,
    "Call": call,
    "Compare": _compare,
    "Concat": _concat,
    "CondExpr": _condition,
    "Const": _const,
    "Dict": _dict,
    "Div": _binary,
    "Filter": _filter,
    "FloorDiv": _binary,
    "Getattr": _attribute,
    "Getitem": _item,
    "List": _list,
    "Mod": _binary,
    "Mul": _binary,
    "Name": _name,
    "Neg": _signed("-"),
    "Not": _not,
    "Or": _or,
    "Pos": _signed("+"),
    "Pow": _binary,
    "Sub": _binary,
    "TemplateData": _data,
    "Test": _test,
    "Tuple": _tuple,
}
"""By the class of Jinja2's node. A node that is not here ends the compilation."""
