"""Jinja2's tests (``is …``; what they do: ``jinja2.tests`` 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from eso_core.template.jinja.arguments import a_number, charge, check, parameters_of, string
from eso_core.template.jinja.filters import FILTERS
from eso_core.template.jinja.operators import COMPARE, modulo
from eso_core.template.jinja.state import Callee, Run, Undefined, Value

Test = Callable[..., bool]


def _of_type(*kinds: type) -> Test:
    return lambda run, value: isinstance(value, kinds)


def _remainder(rest: int) -> Test:
    return lambda run, value: bool(modulo(run, a_number(value), 2) == rest)


def _divisibleby(run: Run, value: Value, num: Value) -> bool:
    return bool(modulo(run, a_number(value), a_number(num)) == 0)


def _compared(name: str) -> Test:
    compare = COMPARE[name]
    return lambda run, value, other: compare(run, value, other)


def _cased(holds: Callable[[str], bool]) -> Test:
    def cased(run: Run, value: Value) -> bool:
        given = string(run, value)
        run.spend(30 * len(given))
        return holds(given)

    return cased


def _integer(run: Run, value: Value) -> bool:
    return isinstance(value, int) and type(value) is not bool


def _sameas(run: Run, value: Value, other: Value) -> bool:
    return value is other


_TYPES: Mapping[str, Test] = {
    "boolean": _of_type(bool),
    "callable": _of_type(Callee),
    "float": _of_type(float),
    "integer": _integer,
    "iterable": _of_type(str, list, tuple, dict),
    "mapping": _of_type(dict),
    "number": _of_type(int, float),
    "sequence": _of_type(str, list, tuple, dict),
    "string": _of_type(str),
}

_OWN: Mapping[str, Test] = {
    **_TYPES,
    **{name: _compared("eq") for name in ("==", "eq", "equalto")},
    **{name: _compared("ne") for name in ("!=", "ne")},
    **{name: _compared("lt") for name in ("<", "lt", "lessthan")},
    **{name: _compared("lteq") for name in ("<=", "le")},
    **{name: _compared("gt") for name in (">", "gt", "greaterthan")},
    **{name: _compared("gteq") for name in (">=", "ge")},
    "in": _compared("in"),
    "defined": lambda run, value: type(value) is not Undefined,
    "divisibleby": _divisibleby,
    "escaped": lambda run, value: False,
    "even": _remainder(0),
    "false": lambda run, value: value is False,
    "filter": lambda run, value: type(value) is str and value in FILTERS,
    "lower": _cased(str.islower),
    "none": lambda run, value: value is None,
    "odd": _remainder(1),
    "sameas": _sameas,
    "test": lambda run, value: type(value) is str and value in TESTS,
    "true": lambda run, value: value is True,
    "undefined": lambda run, value: type(value) is Undefined,
    "upper": _cased(str.isupper),
}


def _checked(name: str, call: Test) -> Test:
    wanted, label = parameters_of(call, 2), f"the test {name}"

    def called(run: Run, value: Value, /, *args: Value, **kwargs: Value) -> bool:
        check(label, wanted, list(args), kwargs)
        charge(run, value, *args)
        return call(run, value, *args, **kwargs)

    return called


TESTS: Mapping[str, Test] = MappingProxyType({name: _checked(name, call) for name, call in _OWN.items()})
"""By name."""
