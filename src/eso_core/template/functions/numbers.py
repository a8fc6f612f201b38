"""Arithmetic: sprig's ``numeric.go`` and the numbers of its ``functions.go``.

Operands may be of any type and are read by ``cast``. Integers are ``int64`` and wrap around. The functions that end in ``f`` add, subtract,
multiply and divide in decimals of any length (``github.com/shopspring/decimal`` 1.4; a quotient has 16 digits after the point) and give
the nearest float.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from eso_core.compat.gofmt import float_v
from eso_core.compat.strconv import INT64_MAX, INT64_MIN, atoi, parse_int
from eso_core.template.cast import to_float64, to_int, to_int64
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import ITEMS_MAX, Ambient, items
from eso_core.template.printing import plain
from eso_core.template.values import Function, Int64, Ints, Value, wrap

DIVIDE_BY_ZERO = "runtime error: integer divide by zero"
DIGITS_MAX = 100_000  # of a product or quotient


# --- integers --------------------------------------------------------------------------------------------------------------------


def add(*values: Value) -> Int64:
    return Int64(wrap(sum(map(to_int64, values))))


def add1(value: Value) -> Int64:
    return Int64(wrap(to_int64(value) + 1))


def sub(left: Value, right: Value) -> Int64:
    return Int64(wrap(to_int64(left) - to_int64(right)))


def mul(first: Value, *others: Value) -> Int64:
    product = to_int64(first)
    for other in others:
        product = wrap(product * to_int64(other))
    return Int64(product)


def div(left: Value, right: Value) -> Int64:
    """Rounds towards zero."""
    a, b = to_int64(left), to_int64(right)
    if b == 0:
        raise FunctionError(DIVIDE_BY_ZERO)
    quotient = abs(a) // abs(b)
    return Int64(wrap(quotient if (a < 0) == (b < 0) else -quotient))


def mod(left: Value, right: Value) -> Int64:
    """Has the sign of ``left``."""
    a, b = to_int64(left), to_int64(right)
    if b == 0:
        raise FunctionError(DIVIDE_BY_ZERO)
    rest = abs(a) % abs(b)
    return Int64(-rest if a < 0 else rest)


def largest(first: Value, *others: Value) -> Int64:
    return Int64(max(map(to_int64, (first, *others))))


def smallest(first: Value, *others: Value) -> Int64:
    return Int64(min(map(to_int64, (first, *others))))


def as_int64(value: Value) -> Int64:
    return Int64(to_int64(value))


def to_decimal(value: Value) -> Int64:
    """The text of ``value`` read as an octal number; 0 where it is none."""
    number, fault = parse_int(value if type(value) is bytes else plain(value), 8)
    return Int64(0 if fault else number)


def rand_int(ambient: Ambient, low: int, high: int) -> int:
    """An integer in ``[low, high)``."""
    span = wrap(high - low)
    if span <= 0:
        raise FunctionError("invalid argument to Intn")
    return wrap(low + int.from_bytes(ambient.chance.token(16), "big") % span)


# --- sequences -------------------------------------------------------------------------------------------------------------------


def until(count: int) -> Ints:
    return until_step(0, count, -1 if count < 0 else 1)


def until_step(start: int, stop: int, step: int) -> Ints:
    if step == 0 or (stop < start) != (step < 0):
        return Ints()
    count = -((start - stop) // step)
    items(count)
    if not INT64_MIN <= start + count * step <= INT64_MAX:
        items(ITEMS_MAX + 1)  # the counter wraps around, and Go goes on
    return Ints(range(start, stop, step))


def seq(*params: int) -> bytes:
    """``end``, ``start end`` or ``start step end``; both ends belong to the sequence."""
    if not 1 <= len(params) <= 3:
        return b""
    start = params[0] if len(params) > 1 else 1
    end = params[-1]
    direction = -1 if end < start else 1
    step = params[1] if len(params) == 3 else direction
    if direction < 0 < step:
        return b""
    return " ".join(map(str, until_step(start, wrap(end + direction), step))).encode()


# --- floats ----------------------------------------------------------------------------------------------------------------------


def floor(value: Value) -> float:
    number = to_float64(value)
    return math.copysign(math.floor(number), number) if math.isfinite(number) else number


def ceil(value: Value) -> float:
    number = to_float64(value)
    return math.copysign(math.ceil(number), number) if math.isfinite(number) else number


def round_(value: Value, places: int, *options: float) -> float:
    """Rounds up from a fraction of ``options[0]`` on (0.5 unless given), which for negative numbers is never."""
    power = _power_of_ten(places)
    digits = power * to_float64(value)
    fraction = math.modf(digits)[0]
    rounded = ceil(digits) if fraction >= (options[0] if options else 0.5) else floor(digits)
    if power == 0.0:
        return math.nan if rounded == 0.0 or rounded != rounded else math.copysign(math.inf, rounded)
    return rounded / power


def maxf(first: Value, *others: Value) -> float:
    return _extreme(first, others, 1.0)


def minf(first: Value, *others: Value) -> float:
    return _extreme(first, others, -1.0)


def _extreme(first: Value, others: tuple[Value, ...], sign: float) -> float:
    """`math.Max` (``sign`` 1) or `math.Min` (-1) over all: the infinity that wins outright, then NaN, then by size; 0 is above -0."""
    best = to_float64(first)
    for other in others:
        number = to_float64(other)
        if sign * math.inf in (best, number):
            best = sign * math.inf
        elif best != best or number != number:
            best = math.nan
        elif best == number == 0.0:
            best = best if math.copysign(1.0, best) == sign else number
        elif sign * number > sign * best:
            best = number
    return best


def _power_of_ten(places: int) -> float:
    """`math.Pow(10, places)`: by squaring, with the rounding of each step, so it is not always the nearest float."""
    exponent = int(abs(float(places)))
    if exponent >= INT64_MAX:
        return 0.0 if places < 0 else math.inf
    mantissa, scale = 1.0, 0
    square, square_scale = math.frexp(10.0)
    while exponent:
        if not -4096 <= square_scale <= 4096:
            scale += square_scale
            break
        if exponent & 1:
            mantissa *= square
            scale += square_scale
        square *= square
        square_scale *= 2
        if square < 0.5:
            square += square
            square_scale -= 1
        exponent >>= 1
    if places == 1:
        return 10.0
    if places < 0:
        mantissa, scale = 1 / mantissa, -scale
    try:
        return math.ldexp(mantissa, scale)
    except OverflowError:
        return math.inf


# --- decimals --------------------------------------------------------------------------------------------------------------------

Decimal: TypeAlias = tuple[int, int]  # value, exponent of ten


def addf(*values: Value) -> float:
    return _fold(_plus, (0, 0), values)


def add1f(value: Value) -> float:
    return _float(_plus(_decimal(value), (1, 0)))


def subf(first: Value, *others: Value) -> float:
    return _fold(_minus, _decimal(first), others)


def mulf(first: Value, *others: Value) -> float:
    return _fold(_times, _decimal(first), others)


def divf(first: Value, *others: Value) -> float:
    return _fold(_over, _decimal(first), others)


def _fold(operation: Callable[[Decimal, Decimal], Decimal], start: Decimal, others: tuple[Value, ...]) -> float:
    for other in others:
        start = operation(start, _decimal(other))
    return _float(start)


def _decimal(value: Value) -> Decimal:
    """`decimal.NewFromFloat`: the shortest digits that read back as the float."""
    number = to_float64(value)
    if not math.isfinite(number):
        raise FunctionError("Cannot create a Decimal from ", float_v(number))
    if number.is_integer() and -1e15 < number < 1e15:
        return int(number), 0
    mantissa, _, exponent = repr(number).partition("e")
    before, _, after = mantissa.partition(".")
    return int(before + after), int(exponent or 0) - len(after)


def _float(number: Decimal) -> float:
    """The nearest float, an infinity where it is too large."""
    value, exponent = number
    try:
        return float(value * 10**exponent) if exponent >= 0 else value / 10**-exponent
    except OverflowError:
        return -math.inf if value < 0 else math.inf


def _aligned(left: Decimal, right: Decimal) -> tuple[int, int, int]:
    exponent = min(left[1], right[1])
    return left[0] * 10 ** (left[1] - exponent), right[0] * 10 ** (right[1] - exponent), exponent


def _plus(left: Decimal, right: Decimal) -> Decimal:
    a, b, exponent = _aligned(left, right)
    return a + b, exponent


def _minus(left: Decimal, right: Decimal) -> Decimal:
    a, b, exponent = _aligned(left, right)
    return a - b, exponent


def _times(left: Decimal, right: Decimal) -> Decimal:
    return _bounded(left[0] * right[0], left[1] + right[1])


def _bounded(value: int, exponent: int) -> Decimal:
    if abs(exponent) > DIGITS_MAX or value.bit_length() > DIGITS_MAX * 4:
        raise LimitExceeded(f"a number of more than {DIGITS_MAX} digits")
    return value, exponent


def _over(left: Decimal, right: Decimal) -> Decimal:
    """16 digits after the point, the last one rounded away from zero at a half."""
    if right[0] == 0:
        raise FunctionError("decimal division by 0")
    shift = left[1] - right[1] + 16
    a, b = abs(left[0]) * 10 ** max(shift, 0), abs(right[0]) * 10 ** max(-shift, 0)
    quotient, rest = divmod(a, b)
    quotient += 2 * rest >= b
    return _bounded(quotient if (left[0] < 0) == (right[0] < 0) else -quotient, -16)


_ANY, _ANY2 = "func(interface {}) int64", "func(interface {}, interface {}) int64"
_SOME = "func(interface {}, ...interface {}) int64"
_FLOAT, _FLOATS, _SOME_FLOATS = "func(interface {}) float64", "func(...interface {}) float64", "func(interface {}, ...interface {}) float64"

TABLE: Mapping[str, Function] = {
    "add": Function("func(...interface {}) int64", add),
    "add1": Function(_ANY, add1),
    "add1f": Function(_FLOAT, add1f),
    "addf": Function(_FLOATS, addf),
    "atoi": Function("func(string) int", atoi),
    "biggest": Function(_SOME, largest),
    "ceil": Function(_FLOAT, ceil),
    "div": Function(_ANY2, div),
    "divf": Function(_SOME_FLOATS, divf),
    "float64": Function(_FLOAT, to_float64),
    "floor": Function(_FLOAT, floor),
    "int": Function("func(interface {}) int", to_int),
    "int64": Function(_ANY, as_int64),
    "max": Function(_SOME, largest),
    "maxf": Function(_SOME_FLOATS, maxf),
    "min": Function(_SOME, smallest),
    "minf": Function(_SOME_FLOATS, minf),
    "mod": Function(_ANY2, mod),
    "mul": Function(_SOME, mul),
    "mulf": Function(_SOME_FLOATS, mulf),
    "randInt": Function("func(int, int) int", rand_int, ambient=True),
    "round": Function("func(interface {}, int, ...float64) float64", round_),
    "seq": Function("func(...int) string", seq),
    "sub": Function(_ANY2, sub),
    "subf": Function(_SOME_FLOATS, subf),
    "toDecimal": Function(_ANY, to_decimal),
    "until": Function("func(int) []int", until),
    "untilStep": Function("func(int, int, int) []int", until_step),
}
