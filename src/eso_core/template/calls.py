"""Calls of functions and methods as closures (source: Go 1.26 ``text/template/exec.go``: evalCall, evalArg)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from eso_core.template.arguments import ANY, EXACT, REFLECT, Signature, accept, constant, signature_of
from eso_core.template.builtins import call, truth
from eso_core.template.costs import USUAL, cost_of, weight
from eso_core.template.errors import FunctionError
from eso_core.template.nodes import Bool, Nil, Node, Number, Pipe, String
from eso_core.template.run import BOXED_NIL, MISSING, UNSET, Run, Stop, failed_call, give, take
from eso_core.template.scope import Scope
from eso_core.template.values import Function, Value, type_of


class Evaluate(Protocol):
    """A command's or operand's value. ``final`` is what a pipeline passes on."""

    def __call__(self, run: Run, dot: Value, final: Value = ..., /) -> Value: ...


@dataclass(frozen=True, slots=True)
class Expression:
    """How to get a value, and the node that Go has looked at last then; None if only the execution knows."""

    get: Evaluate
    last: Node | None


class Operands(Protocol):
    """What compiles the arguments."""

    @property
    def scope(self) -> Scope: ...

    def operand(self, node: Node, keep: bool) -> Expression: ...

    def pipeline(self, pipe: Pipe) -> Expression: ...


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a known parameter: a constant if ``get`` is None. The value is checked unless its type is ``want``, which
    may be None: anything goes."""

    get: Evaluate | None
    value: Value
    want: type | None
    go_type: str
    last: Node | None


class _Never:
    """The type of no value."""


def failing(stop: Stop) -> Expression:
    """What is known to be wrong as soon as it is evaluated."""

    def fail(run: Run, dot: Value, final: Value = MISSING) -> Value:
        raise Stop(stop.node, stop.public, stop.kind, stop.full)

    return Expression(fail, stop.node)


def _want(go_type: str) -> type | None:
    return None if go_type in (ANY, REFLECT) else EXACT.get(go_type, _Never)


def _argument(owner: Operands, node: Node, go_type: str) -> Argument:
    if isinstance(node, Nil | Bool | Number | String):
        try:
            return Argument(None, constant(node, go_type), None, go_type, node)
        except Stop as stop:
            return Argument(failing(stop).get, None, None, go_type, node)
    operand = owner.pipeline(node) if isinstance(node, Pipe) else owner.operand(node, go_type != ANY)
    return Argument(operand.get, None, _want(go_type), go_type, operand.last)


def build_call(owner: Operands, function: Function, name: str, node: Node, word: Node, args: Sequence[Node], piped: bool) -> Expression:
    """A call of a function known by name. ``node`` is what an error that it gives points to, ``word`` the name."""
    signature = signature_of(function.signature, name)
    fault = signature.count_fault(name, len(args), len(args) + piped)
    if fault:
        return failing(Stop(word, fault, "arg-count"))
    compiled = []  # in a plain loop: a comprehension is a frame more for each level of parentheses
    for index, arg in enumerate(args):
        compiled.append(_argument(owner, arg, signature.parameter(index)))
    last = compiled[-1].last if compiled else word
    target = _named_call(args) if name == "call" and function.signature.startswith(f"func({REFLECT}") else function.call
    get = _call(function, target, name, node, compiled, signature.parameter(len(args)) if piped else None, last)
    return Expression(get, last)


def _named_call(args: Sequence[Node]) -> Callable[..., Value]:
    """``call`` is told how the template writes what it is to call."""
    if args:
        written = str(args[0])
        return lambda callee, *_: call(written, callee)
    return lambda callee, *_: call(callee.decode("utf-8", "replace") if type(callee) is bytes else f"<{type_of(callee)} Value>", callee)


def _call(
    function: Function, target: Callable[..., Value], name: str, node: Node, args: list[Argument], final_type: str | None, last: Node | None
) -> Evaluate:
    """The closure of a call: constants stand in ``base`` already, the others are evaluated into their place."""
    base = [arg.value for arg in args]
    todo = [(index, arg.get, arg.want, arg.go_type, arg.last) for index, arg in enumerate(args) if arg.get is not None]
    piped, final_want = final_type is not None, _want(final_type or ANY)
    go_type, ambient, cost = final_type or ANY, function.ambient, cost_of(name)
    byte, node_cost, more, plain = cost.byte, cost.node, cost.more, cost.more is USUAL.more
    fixed = cost.call + cost.arg * (len(base) + piped) + byte * sum(len(value) for value in base if type(value) is bytes)

    def called(run: Run, dot: Value, final: Value = MISSING) -> Value:
        argv, work, meter = base[:], fixed, run.meter
        for index, get, want, wanted, at in todo:
            value = get(run, dot)
            kind = type(value)
            if want is not None and kind is not want:
                value = accept(value, wanted, at)
            argv[index] = value
            if kind is bytes:
                work += len(value) * byte
            elif node_cost and isinstance(value, list | dict):
                work += weight(value, cost)
        if piped:
            kind = type(final)
            if final_want is not None and kind is not final_want:
                final = accept(final, go_type, last)
            argv.append(final)
            if kind is bytes:
                work += len(final) * byte
            elif node_cost and isinstance(final, list | dict):
                work += weight(final, cost)
        meter.work -= work if plain else work + more(*argv)
        try:
            if meter.work < 0:
                meter.spend(0)
            result = target(run.ambient, *argv) if ambient else target(*argv)
            give(meter, result, cost)
        except FunctionError as error:
            raise failed_call(error, name, node) from None
        return result

    return called


def build_lazy(owner: Operands, signature: Function, name: str, word: Node, args: Sequence[Node], piped: bool) -> Expression:
    """``and`` and ``or``: arguments from left to right until one settles it."""
    fault = signature_of(signature.signature, name).count_fault(name, len(args), len(args) + piped)
    if fault:
        return failing(Stop(word, fault, "arg-count"))
    compiled: list[tuple[Argument, tuple[int, ...]]] = []
    scope = owner.scope
    for index, arg in enumerate(args):
        mark = scope.mark()
        argument = _argument(owner, arg, REFLECT)
        slots = tuple(range(mark, scope.mark())) if index else ()
        scope.skippable.update(slots)
        compiled.append((argument, slots))
    settles = name == "or"

    def lazy(run: Run, dot: Value, final: Value = MISSING) -> Value:
        value: Value = None
        for position, (argument, _) in enumerate(compiled):
            value = argument.value if argument.get is None else argument.get(run, dot)
            if argument.last is not None:
                run.at = argument.last
            if truth(value) is settles:
                for _, slots in compiled[position + 1 :]:
                    for slot in slots:
                        run.vars[slot] = UNSET
                return None if value is BOXED_NIL else value
        if piped:
            value = final
        return None if value is BOXED_NIL else value

    return Expression(lazy, None if args else word)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An argument of a method, whose type only the receiver tells: a constant's node, or how to get the value."""

    node: Nil | Bool | Number | String | None
    get: Evaluate | None
    last: Node | None


def prepare(owner: Operands, args: Sequence[Node]) -> tuple[Prepared, ...]:
    """The arguments of what may turn out to be a method."""
    prepared = []
    for node in args:
        if isinstance(node, Nil | Bool | Number | String):
            prepared.append(Prepared(node, None, node))
        else:
            operand = owner.operand(node, True)
            prepared.append(Prepared(None, operand.get, operand.last))
    return tuple(prepared)


def call_method(
    run: Run,
    dot: Value,
    function: Function,
    name: str,
    node: Node,
    at: Node | None,
    receiver: Value,
    args: tuple[Prepared, ...],
    final: Value,
) -> Value:
    """The result of a method of ``receiver``. ``node`` is what an error that it gives points to, ``at`` any other before the arguments."""
    piped = final is not MISSING
    signature = signature_of(function.signature, name)
    fault = signature.count_fault(name, len(args), len(args) + piped)
    if fault:
        raise Stop(at, fault, "arg-count")
    if signature.fault:
        raise Stop(at, signature.fault, "field")
    argv = [_prepared(run, dot, arg, signature, index) for index, arg in enumerate(args)]
    if piped:
        argv.append(accept(final, signature.parameter(len(args)), args[-1].last if args else at))
    try:
        take(run.meter, argv)
        result = function.call(run.ambient, receiver, *argv) if function.ambient else function.call(receiver, *argv)
        give(run.meter, result)
    except FunctionError as error:
        raise failed_call(error, name, node) from None
    return result


def _prepared(run: Run, dot: Value, arg: Prepared, signature: Signature, index: int) -> Value:
    go_type = signature.parameter(index)
    if arg.node is not None:
        return constant(arg.node, go_type)
    assert arg.get is not None
    return accept(arg.get(run, dot), go_type, arg.last)
