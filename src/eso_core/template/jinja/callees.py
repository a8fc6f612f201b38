"""What templates call: macros, ``loop``, and the functions that Jinja2 has from the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from eso_core.template.jinja.arguments import Parameters, an_int, charge, check, parameters_of
from eso_core.template.jinja.bridge import GO
from eso_core.template.jinja.operators import defined, equal, hashed
from eso_core.template.jinja.state import MISSING, Callee, Expression, Fault, Run, Scope, Statement, Undefined, Value, iterate, type_name
from eso_core.template.limits import items

_NONE = Parameters((), 0, 0, False)
_ANY = Parameters((), 0, None, False)


class Loop(Callee):
    """``loop``. ``again`` renders the loop for other elements, if it is recursive."""

    __slots__ = ("again", "depth0", "elements", "index0", "seen")
    type_name = "loop"

    def __init__(self, elements: Sequence[Value], depth0: int, again: Callable[[Run, Value, int], str] | None) -> None:
        self.elements, self.depth0, self.again = elements, depth0, again
        self.index0 = -1
        self.seen: Value = MISSING

    def attribute(self, run: Run, name: str) -> Value:
        read = _LOOP.get(name)
        if read is not None:
            return read(self)
        return Bound(name, self._cycle if name == "cycle" else self._changed, _ANY) if name in ("cycle", "changed") else MISSING

    def _cycle(self, run: Run, *args: Value) -> Value:
        if not args:
            raise Fault("no items for cycling given")
        return args[self.index0 % len(args)]

    def _changed(self, run: Run, *value: Value) -> bool:
        changed = self.seen is MISSING or not equal(run, self.seen, value)
        self.seen = value
        return changed

    def neighbour(self, at: int, which: str) -> Value:
        """The element at ``at``, if there is one."""
        return self.elements[at] if 0 <= at < len(self.elements) else Undefined(f"there is no {which} item")

    def call(self, run: Run, args: list[Value], kwargs: dict[str, Value]) -> Value:
        if self.again is None:
            raise Fault("The loop must have the 'recursive' marker to be called recursively.")
        if len(args) != 1 or kwargs:
            raise Fault("loop() takes the elements, and nothing else", kind="arg-count")
        return self.again(run, args[0], self.depth0 + 1)


_LOOP: Mapping[str, Callable[[Loop], Value]] = {
    "index": lambda loop: loop.index0 + 1,
    "index0": lambda loop: loop.index0,
    "revindex": lambda loop: len(loop.elements) - loop.index0,
    "revindex0": lambda loop: len(loop.elements) - loop.index0 - 1,
    "first": lambda loop: loop.index0 == 0,
    "last": lambda loop: loop.index0 == len(loop.elements) - 1,
    "length": lambda loop: len(loop.elements),
    "depth": lambda loop: loop.depth0 + 1,
    "depth0": lambda loop: loop.depth0,
    "previtem": lambda loop: loop.neighbour(loop.index0 - 1, "previous"),
    "nextitem": lambda loop: loop.neighbour(loop.index0 + 1, "next"),
}


class Bound(Callee):
    """A function of this package under a name, and the arguments that it takes."""

    __slots__ = ("implementation", "name", "wanted")

    def __init__(self, name: str, implementation: Callable[..., Value], wanted: Parameters) -> None:
        self.name, self.implementation, self.wanted = name, implementation, wanted

    def call(self, run: Run, args: list[Value], kwargs: dict[str, Value]) -> Value:
        check(f"{self.name}()", self.wanted, args, kwargs)
        charge(run, *args)
        return self.implementation(run, *args, **kwargs)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a macro is made of; ``defaults`` are those of the last names. The last three tell which of these names its body uses."""

    name: str | None
    names: tuple[str, ...]
    defaults: tuple[Expression, ...]
    body: Statement
    caller: bool
    varargs: bool
    kwargs: bool


class Macro(Callee):
    """A macro, or the body of a ``call`` block, with the names around it."""

    __slots__ = ("definition", "scope")
    type_name = "macro"

    def __init__(self, definition: Definition, scope: Scope) -> None:
        self.definition, self.scope = definition, scope

    def attribute(self, run: Run, name: str) -> Value:
        made = self.definition
        known = {
            "name": made.name,
            "arguments": made.names,
            "caller": made.caller,
            "catch_kwargs": made.kwargs,
            "catch_varargs": made.varargs,
        }
        return known.get(name, MISSING)

    def call(self, run: Run, args: list[Value], kwargs: dict[str, Value]) -> Value:
        made = self.definition
        names: dict[str, Value] = dict(zip(made.names, args, strict=False))
        given = dict(kwargs)
        for name in made.names[len(args) :]:
            if name in given:
                names[name] = given.pop(name)
        if made.caller and "caller" not in names:
            names["caller"] = given.pop("caller", Undefined("No caller defined"))
        if made.kwargs:
            names["kwargs"] = given
        elif given:
            raise Fault(f"macro '{made.name}' takes no keyword argument", f": '{next(iter(given))}'", "arg-count")
        if made.varargs:
            names["varargs"] = tuple(args[len(made.names) :])
        elif len(args) > len(made.names):
            raise Fault(f"macro '{made.name}' takes not more than {len(made.names)} argument(s)", kind="arg-count")
        scope = Scope(names, self.scope)
        run.enter()
        self._defaults(run, scope)
        text = run.capture(made.body, scope)
        run.depth -= 1
        return text

    def _defaults(self, run: Run, scope: Scope) -> None:
        made, names = self.definition, scope.names
        first = len(made.names) - len(made.defaults)
        for index, name in enumerate(made.names):
            if name not in names:
                names[name] = Undefined(f"parameter '{name}' was not provided") if index < first else MISSING
                if index >= first:
                    del names[name]
                    names[name] = made.defaults[index - first](run, scope)


class Namespace(Callee):
    """``namespace()``: what ``{% set ns.name = … %}`` may change."""

    __slots__ = ("names",)
    type_name = "namespace"

    def __init__(self, names: dict[str, Value]) -> None:
        self.names = names

    def attribute(self, run: Run, name: str) -> Value:
        return self.names.get(name, MISSING)


class Cycler(Callee):
    """``cycler(…)``."""

    __slots__ = ("elements", "position")
    type_name = "cycler"

    def __init__(self, elements: tuple[Value, ...]) -> None:
        self.elements, self.position = elements, 0

    def attribute(self, run: Run, name: str) -> Value:
        if name == "current":
            return self.elements[self.position]
        return Bound(name, self._next if name == "next" else self._reset, _NONE) if name in ("next", "reset") else MISSING

    def _next(self, run: Run) -> Value:
        element = self.elements[self.position]
        self.position = (self.position + 1) % len(self.elements)
        return element

    def _reset(self, run: Run) -> None:
        self.position = 0


class Joiner(Callee):
    """``joiner(sep)``: nothing at first, then ``sep``."""

    __slots__ = ("sep", "used")
    type_name = "joiner"

    def __init__(self, sep: Value) -> None:
        self.sep, self.used = sep, False

    def call(self, run: Run, args: list[Value], kwargs: dict[str, Value]) -> Value:
        if args or kwargs:
            raise Fault("a joiner takes no arguments", kind="arg-count")
        if self.used:
            return self.sep
        self.used = True
        return ""


class Blocks(Callee):
    """``self``: the blocks of the template."""

    __slots__ = ()
    type_name = "template"

    def attribute(self, run: Run, name: str) -> Value:
        body = run.blocks.get(name)
        return MISSING if body is None else Bound(name, partial(_rendered, body), _NONE)


def _rendered(body: Statement, run: Run) -> str:
    return run.capture(body, run.root)


def _range(run: Run, start: Value, stop: Value = None, step: Value = 1) -> list[Value]:
    low, high = (0, an_int(start)) if stop is None else (an_int(start), an_int(stop))
    if an_int(step) == 0:
        raise Fault("range() needs a step that is not 0")
    numbers = range(low, high, an_int(step))
    items(len(numbers))
    return run.listed(list(numbers))


def _mapping(run: Run, source: tuple[Value, ...], more: dict[str, Value]) -> dict[Value, Value]:
    if len(source) > 1:
        raise Fault("at most 1 argument is needed", kind="arg-count")
    made: dict[Value, Value] = {}
    for given in source:
        if isinstance(given, dict):
            made.update(given)
            continue
        for pair in iterate(run, given):
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise Fault("a map is made of pairs")
            run.weigh(pair[0])
            if not hashed(pair[0]):
                raise Fault(f"a '{type_name(pair[0])}' cannot be the key of a map")
            made[pair[0]] = pair[1]
    made.update(more)
    run.listed(list(made))
    return made


def _dict(run: Run, /, *source: Value, **more: Value) -> dict[Value, Value]:
    return _mapping(run, source, more)


def _namespace(run: Run, /, *source: Value, **more: Value) -> Namespace:
    return Namespace(_mapping(run, source, more))


def _cycler(run: Run, *elements: Value) -> Cycler:
    if not elements:
        raise Fault("at least one item has to be provided")
    return Cycler(elements)


def _joiner(run: Run, sep: Value = ", ") -> Joiner:
    defined(sep)
    return Joiner(sep)


_OWN: Mapping[str, Callable[..., Value]] = {"cycler": _cycler, "dict": _dict, "joiner": _joiner, "namespace": _namespace, "range": _range}

GLOBALS: Mapping[str, Callee] = MappingProxyType(
    {**GO, **{name: Bound(name, call, parameters_of(call, 1)) for name, call in _OWN.items()}, "self": Blocks()}
)
"""What a name means that neither the template nor the data give: Jinja2's own win over Go's. ``lipsum`` is left out: it is random."""
