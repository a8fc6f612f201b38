"""The functions of Go's templates in Jinja2's, and values on their way between the two models.

A Jinja2 value becomes a Go value of its own (maps are copied, so ``set`` changes nothing that was there before), and integers have to
fit. Parameters are more lenient than in Go's templates: an integer is a float where one is wanted, and a list of strings a ``[]string``.
On the way back a float without a fraction becomes an integer, since Go writes it so: ``fromJson`` knows floats only, and ``5432.0`` is no
port.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from eso_core.template.arguments import Signature, accept, can_be_nil, signature_of, zero
from eso_core.template.builtins import BUILTINS
from eso_core.template.costs import cost_of
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions import FUNCTIONS
from eso_core.template.jinja.state import MISSING, NODE_COST, Callee, Fault, Run, Undefined, Value, from_bytes, to_bytes, type_name
from eso_core.template.run import Stop, give, take
from eso_core.template.values import Function, Ints, Object, Sized, StringMap, Strings

OWN = ("html", "index", "js", "len", "print", "printf", "println", "urlquery")
"""Functions of Go's language that are of use here; for the others there are operators."""

_EXACT = 1 << 53  # up to here a float holds each integer


class GoFunction(Callee):
    """``receiver`` is given for methods of objects, in a tuple."""

    __slots__ = ("function", "name", "receiver")

    def __init__(self, name: str, function: Function, receiver: tuple[Value, ...] = ()) -> None:
        self.name, self.function, self.receiver = name, function, receiver

    def call(self, run: Run, args: list[Value], kwargs: dict[str, Value]) -> Value:
        if kwargs:
            raise Fault(f"{self.name} has no arguments by name", kind="arg-count")
        signature = _signature(self.function.signature, self.name)
        if signature.fault:
            raise Fault(signature.fault, kind="field")
        what, _, counts = signature.count_fault(self.name, len(args), len(args)).partition(":")
        if what:
            raise Fault(what, f":{counts}", "arg-count")
        cost = cost_of(self.name)
        given = [fit(to_go(run, arg), signature.parameter(index), self.name) for index, arg in enumerate(args)]
        before = (run.ambient, *self.receiver) if self.function.ambient else self.receiver
        try:
            take(run.meter, given, cost)
            run.spend(cost.arg * len(given) + cost.more(*given))
            result = self.function.call(*before, *given)
            give(run.meter, result, cost)
        except FunctionError as error:
            kind = "limit" if isinstance(error, LimitExceeded) else "call"
            start = f"error calling {self.name}"
            raise (Fault(f"{start}: {error.what}", error.detail, kind) if error.what else Fault(start, f": {error.detail}", kind)) from None
        return from_go(run, result)


@cache
def _signature(text: str, name: str) -> Signature:
    return signature_of(text, name)


GO: Mapping[str, GoFunction] = MappingProxyType(
    {name: GoFunction(name, function) for name, function in {**{own: BUILTINS[own] for own in OWN}, **FUNCTIONS}.items()}
)
"""By name."""


def field(value: Object | Sized, name: str) -> Value:
    """A field or method of an object, or ``MISSING``."""
    if isinstance(value, Object):
        fields = value.fields()
        if name in fields:
            found = fields[name]
            return found if isinstance(found, Object | Sized) else _plain(found)
    function = value.methods.get(name)
    return MISSING if function is None else GoFunction(name, function, (value,))


def to_go(run: Run, value: Value) -> Value:
    """A value for a Go function. A list or map that can be reached twice is two."""
    if isinstance(value, list | tuple | dict):
        run.weigh(value)
        return _deep_to_go(value)
    return _scalar_to_go(run, value)


def _scalar_to_go(run: Run | None, value: Value) -> Value:
    kind = type(value)
    if kind is str:
        if run is not None:
            run.spend(len(value))
        return to_bytes(value)
    if kind is int:
        if not -(1 << 63) <= value < 1 << 63:
            raise Fault("an integer that does not fit in 64 bits", kind="arg-type")
        return value
    if value is None or kind is bool or kind is float or isinstance(value, Object | Sized | complex):
        return value
    if kind is Undefined:
        raise value.fault()
    raise Fault(f"a '{type_name(value)}' cannot be the argument of this function", kind="arg-type")


def _deep_to_go(value: Value) -> Value:
    if isinstance(value, list | tuple):
        return [_deep_to_go(inner) for inner in value]
    if isinstance(value, dict):
        made = {}
        for key, inner in value.items():
            if type(key) is not str:
                raise Fault(f"the keys of a map must be strings, not '{type_name(key)}'", kind="arg-type")
            made[to_bytes(key)] = _deep_to_go(inner)
        return made
    return _scalar_to_go(None, value)


def fit(value: Value, go_type: str, name: str) -> Value:
    """``value`` as an argument of that type."""
    kind = type(value)
    if kind is int and go_type == "float64":
        return float(value)
    if kind is bytes and go_type == "sprig.HashAlgorithm":
        return value
    if kind is list and go_type in ("[]string", "[]int"):
        element = bytes if go_type == "[]string" else int
        if all(type(item) is element for item in value):
            return Strings(value) if element is bytes else Ints(value)
    if kind is dict and go_type == "map[string]string" and all(type(item) is bytes for item in value.values()):
        return StringMap(value)
    if kind is int and (sized := _sized().get(go_type)) is not None:
        low = -(1 << sized.bits - 1) if sized.signed else 0
        if not low <= value < low + (1 << sized.bits):
            raise Fault(f"error calling {name}: an integer that does not fit in {go_type}", kind="arg-type")
        return sized(value)
    if value is None and can_be_nil(go_type):
        return zero(go_type)
    try:
        return accept(value, go_type, None)
    except Stop as stop:
        raise Fault(f"error calling {name}: {stop.public}", kind="arg-type") from None


@cache
def _sized() -> Mapping[str, type[Sized]]:
    """Integer types by name."""
    kinds, todo = {}, [Sized]
    while todo:
        below = todo.pop().__subclasses__()
        kinds.update({kind.go_type: kind for kind in below})
        todo.extend(below)
    return kinds


def from_go(run: Run, value: Value) -> Value:
    """What a Go function has given."""
    if type(value) is bytes:
        return from_bytes(value)
    if not isinstance(value, list | dict):
        return _plain(value)
    count, depth = 0, 0

    def converted(inner: Value) -> Value:
        nonlocal count, depth
        if not isinstance(inner, list | dict):
            return _plain(inner)
        count += len(inner) + 1
        if NODE_COST * count > run.meter.work or depth > 100:
            raise Fault("a value that is too large or nested too deeply", kind="limit")
        depth += 1
        if isinstance(inner, list):
            made: Value = [converted(item) for item in inner]
        else:
            made = {from_bytes(key): converted(item) for key, item in inner.items()}
        depth -= 1
        return made

    result = converted(value)
    run.spend(NODE_COST * count)
    return result


def _plain(value: Value) -> Value:
    """A value that holds no others. Integers without methods of their own are just integers."""
    kind = type(value)
    if kind is bytes:
        return from_bytes(value)
    if kind is float:
        return int(value) if value.is_integer() and abs(value) <= _EXACT else value
    if isinstance(value, Sized) and not value.methods and value.text() is None:
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {from_bytes(key): _plain(item) for key, item in value.items()}
    return value
