"""Pipelines, commands and operands as closures (source: Go 1.26 ``text/template/exec.go``: evalPipeline to evalChainNode)."""

from __future__ import annotations

from collections.abc import Mapping

from eso_core.compat.text import quote
from eso_core.template.arguments import ideal
from eso_core.template.calls import Evaluate, Expression, build_call, build_lazy, call_method, failing, prepare
from eso_core.template.fields import field, method
from eso_core.template.nodes import Bool, Chain, Command, Dot, Field, Identifier, Nil, Node, Number, Pipe, String, Variable
from eso_core.template.run import BOXED_NIL, MISSING, Run, Stop
from eso_core.template.scope import Scope, assign, find
from eso_core.template.values import Function, StringMap, Value


class Expressions:
    """Compiles expressions. ``box`` is the slot that tells whether dot was reached as an interface; None if it never is."""

    def __init__(self, functions: Mapping[str, Function], builtins: Mapping[str, Function], strict: bool) -> None:
        self.functions, self.builtins, self.strict = functions, builtins, strict
        self.scope = Scope()
        self.box: int | None = None

    def pipeline(self, pipe: Pipe) -> Expression:
        """The value of a pipeline, never ``BOXED_NIL``; assigns or declares its variables."""
        first = self._command(pipe.commands[0], pipe, piped=False)
        rest, last = [], first.last
        for command in pipe.commands[1:]:
            further = self._command(command, last, piped=True)
            rest.append(further.get)
            last = further.last
        get = _piped(first.get, rest)
        for variable in pipe.declares:
            get = self._stored(get, variable, pipe.assign, last)
        return Expression(get, last)

    def _stored(self, get: Evaluate, variable: Variable, assigned: bool, last: Node | None) -> Evaluate:
        """``get``, which stores its value in the variable as well."""
        scope, name = self.scope, variable.name
        slots = scope.slots(name) if assigned else (scope.declare(name),)
        box = scope.boxes.get(slots[0]) if slots else None

        def stored(run: Run, dot: Value, final: Value = MISSING) -> Value:
            value = get(run, dot)
            if len(slots) == 1:
                run.vars[slots[0]] = value
            elif slots:
                assign(run, slots, name, value)
            else:
                raise Stop(last, f"undefined variable: {name}", "other")
            if box is not None:
                run.vars[box] = False
            return value

        return stored

    def _command(self, command: Command, at: Node | None, piped: bool) -> Expression:
        """``at`` is the node before; with ``piped`` the closure takes a final argument."""
        word = command.args[0]
        many = len(command.args) > 1 or piped
        match word:
            case Identifier():
                return self.call(word, command, command.args[1:], piped)
            case Field():
                return self._chain(_dot, word, word.fields, word, command.args[1:], piped, self.box)
            case Chain():
                return self._term(word, command.args[1:], piped)
            case Variable(fields=(_, *_)):
                return self._chain(self._variable(word), word, word.fields, word, command.args[1:], piped, self._box(word))
        if many:
            return failing(Stop(at if isinstance(word, Pipe) else word, f"can't give argument to non-function {word}", "command"))
        if isinstance(word, Pipe):
            return self.pipeline(word)
        if isinstance(word, Variable):
            return Expression(_unboxed(self._variable(word)), word)
        return _literal(word)

    def call(self, word: Identifier, node: Node, args: tuple[Node, ...], piped: bool) -> Expression:
        """A function's call; ``node`` is what an error of the function points to."""
        name = word.name
        function = self.functions.get(name)
        if function is not None:
            return build_call(self, function, name, node, word, args, piped)
        if name in ("and", "or"):
            return build_lazy(self, self.builtins[name], name, word, args, piped)
        if name not in self.builtins:
            return failing(Stop(word, f'"{name}" is not a defined function', "other"))
        return build_call(self, self.builtins[name], name, node, word, args, piped)

    def operand(self, node: Node, keep: bool) -> Expression:
        """The value of an argument that is no constant; with ``keep`` it may be ``BOXED_NIL``."""
        match node:
            case Dot():
                return Expression(_dot if keep else _unboxed(_dot), node)
            case Field():
                return self._chain(_dot, node, node.fields, node, (), False, self.box, keep)
            case Variable(fields=()):
                get = self._variable(node)
                return Expression(get if keep else _unboxed(get), node)
            case Variable():
                return self._chain(self._variable(node), node, node.fields, node, (), False, self._box(node), keep)
            case Chain():
                return self._term(node, (), False, keep)
            case Identifier():
                called = self.call(node, node, (), False)
                function = self.functions.get(node.name)
                if keep and function is not None and function.signature.endswith(("interface {}", "(interface {}, error)")):
                    return Expression(_boxed(called.get), called.last)
                return called
            case Pipe():
                return self.pipeline(node)
        raise TypeError(f"no operand: {node}")

    def _term(self, node: Chain, args: tuple[Node, ...], piped: bool, keep: bool = False) -> Expression:
        """``(pipeline).Field``; errors of its fields point to the last node within."""
        if isinstance(node.node, Nil):
            return failing(Stop(node, f"indirection through explicit nil in {node}", "other"))
        inner = self.operand(node.node, keep=True)
        return self._chain(inner.get, node, node.fields, inner.last, args, piped, None, keep)

    def _variable(self, node: Variable) -> Evaluate:
        slots = self.scope.slots(node.name)
        if len(slots) == 1 and slots[0] not in self.scope.skippable:
            slot = slots[0]
            return lambda run, dot, final=MISSING: run.vars[slot]

        def searched(run: Run, dot: Value, final: Value = MISSING) -> Value:
            run.at = node
            return run.vars[find(run, slots, node.name)]

        return searched

    def _box(self, node: Variable) -> int | None:
        slots = self.scope.slots(node.name)
        return self.scope.boxes.get(slots[0]) if slots else None

    def _chain(
        self,
        receiver: Evaluate,
        node: Node,
        names: tuple[str, ...],
        at: Node | None,
        args: tuple[Node, ...],
        piped: bool,
        box: int | None,
        keep: bool = False,
    ) -> Expression:
        """``.A.B`` of what ``receiver`` gives, the arguments being the last one's."""
        walk = _Walk(self, node, names, at, args, piped)
        last = walk.last
        key = names[0].encode()

        def simple(run: Run, dot: Value, final: Value = MISSING) -> Value:
            value = dot if receiver is _dot else receiver(run, dot)
            kind = type(value)
            if kind is StringMap or kind is dict:
                found = value.get(key)
                if found is not None:
                    return found
            value = walk(run, dot, value, box is not None and run.vars[box], final)
            return value if keep or value is not BOXED_NIL else None

        def general(run: Run, dot: Value, final: Value = MISSING) -> Value:
            value = walk(run, dot, receiver(run, dot), box is not None and run.vars[box], final)
            return value if keep or value is not BOXED_NIL else None

        return Expression(general if args or piped or len(names) > 1 else simple, last)


class _Walk:
    """The fields of a chain, one after the other. What is a method shows at run time only, by the receiver."""

    def __init__(
        self, owner: Expressions, node: Node, names: tuple[str, ...], at: Node | None, args: tuple[Node, ...], piped: bool
    ) -> None:
        self._strict, self._node, self._names, self._at = owner.strict, node, names, at
        self._called = piped or bool(args)
        self._args = prepare(owner, args)
        self.last = self._args[-1].last if args else at

    def __call__(self, run: Run, dot: Value, receiver: Value, boxed: bool, final: Value) -> Value:
        end = len(self._names) - 1
        for position, name in enumerate(self._names):
            last = position == end
            function = method(receiver, name)
            if function is None:
                value = field(receiver, name, self._at, strict=self._strict, boxed=boxed, called=last and self._called)
            elif last:
                value = call_method(run, dot, function, name, self._node, self._at, receiver, self._args, final)
            else:
                value = call_method(run, dot, function, name, self._node, self._at, receiver, (), MISSING)
            boxed = type(receiver) is dict
            receiver = value
        return receiver


def _dot(run: Run, dot: Value, final: Value = MISSING) -> Value:
    return dot


def _unboxed(get: Evaluate) -> Evaluate:
    def unboxed(run: Run, dot: Value, final: Value = MISSING) -> Value:
        value = get(run, dot)
        return None if value is BOXED_NIL else value

    return unboxed


def _boxed(get: Evaluate) -> Evaluate:
    def boxed(run: Run, dot: Value, final: Value = MISSING) -> Value:
        value = get(run, dot)
        return BOXED_NIL if value is None else value

    return boxed


def _piped(first: Evaluate, rest: list[Evaluate]) -> Evaluate:
    """Each command's value as the final argument of the next."""
    if not rest:
        return first
    if len(rest) == 1:
        second = rest[0]
        return lambda run, dot, final=MISSING: second(run, dot, first(run, dot))

    def piped(run: Run, dot: Value, final: Value = MISSING) -> Value:
        value = first(run, dot)
        for get in rest:
            value = get(run, dot, value)
        return value

    return piped


def _literal(word: Node) -> Expression:
    """A command that is nothing but a constant or dot."""
    match word:
        case Dot():
            return Expression(_unboxed(_dot), word)
        case Bool() | String():
            value: Value = word.value
        case Number():
            try:
                value = ideal(word)
            except Stop as stop:
                return failing(stop)
        case Nil():
            return failing(Stop(word, "nil is not a command", "command"))
        case _:
            return failing(Stop(word, f"can't evaluate command {quote(str(word))}", "command"))
    return Expression(lambda run, dot, final=MISSING: value, word)
