"""Jinja2's filters of texts, numbers and single values (what they do: ``jinja2.filters`` 3.1), and the table of all filters.

Left out, so that a template that names them does not compile: ``attr`` (there are no attributes), ``random`` (not pure), ``pprint``,
``urlize`` and ``xmlattr`` (for web pages).
"""

from __future__ import annotations

import html
import json
import math
import re
import textwrap
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote_from_bytes

from markupsafe import escape

from eso_core.template.jinja import sequences
from eso_core.template.jinja.arguments import a_number, a_string, an_int, charge, check, parameters_of, string
from eso_core.template.jinja.bridge import GO
from eso_core.template.jinja.methods import replaced
from eso_core.template.jinja.operators import PYTHON_ERRORS, number, percent
from eso_core.template.jinja.state import Callee, Fault, Run, Undefined, Value, iterate, to_bytes, truth, type_name
from eso_core.template.jinja.texts import text
from eso_core.template.limits import room_for

Filter = Callable[..., Value]
"""Takes the ``Run``, the value and the arguments."""

_WORD_BEGINNING = re.compile(r"([-\s({\[<]+)")
_WORD = re.compile(r"\w+")
_SIZES = (("KiB", "kB"), ("MiB", "MB"), ("GiB", "GB"), ("TiB", "TB"), ("PiB", "PB"), ("EiB", "EB"), ("ZiB", "ZB"), ("YiB", "YB"))
_FOR_HTML = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("'", "\\u0027"))


def _of_text(change: Callable[[str], str]) -> Filter:
    def changed(run: Run, value: Value) -> str:
        return run.made(change(string(run, value)))

    return changed


def _titled(value: str) -> str:
    return "".join([word[0].upper() + word[1:].lower() for word in _WORD_BEGINNING.split(value) if word])


def _title(run: Run, value: Value) -> str:
    given = string(run, value)
    run.spend(100 * len(given))
    return run.made(_titled(given))


def _escape(run: Run, value: Value) -> str:
    given = string(run, value)
    room_for(len(given) + 4 * sum(map(given.count, "<>&'\"")))
    return run.made(str(escape(given)))


def _default(run: Run, value: Value, default_value: Value = "", boolean: Value = False) -> Value:
    return default_value if type(value) is Undefined or (truth(boolean) and not value) else value


def _replace(run: Run, s: Value, old: Value, new: Value, count: Value = None) -> str:
    return replaced(run, string(run, s), string(run, old), string(run, new), -1 if count is None else an_int(count))


def _trim(run: Run, value: Value, chars: Value = None) -> str:
    if chars is not None and len(a_string(chars)) > 1024:
        raise Fault("too many characters to trim", kind="limit")
    return run.made(string(run, value).strip(chars))


def _center(run: Run, value: Value, width: Value = 80) -> str:
    room_for(an_int(width))
    return run.made(string(run, value).center(width))


def _indent(run: Run, s: Value, width: Value = 4, first: Value = False, blank: Value = False) -> str:
    given = a_string(s)
    if type(width) is not str:
        room_for(an_int(width))
    indention = width if type(width) is str else " " * width
    lines = (given + "\n").splitlines()
    run.listed(list(lines))
    room_for(len(given) + len(lines) * (len(indention) + 1))
    if blank:
        made = ("\n" + indention).join(lines)
    else:
        made = "\n".join([lines[0], *[indention + line if line else line for line in lines[1:]]])
    return run.made(indention + made if first else made)


def _truncate(run: Run, s: Value, length: Value = 255, killwords: Value = False, end: Value = "...", leeway: Value = None) -> str:
    given, room, tail = string(run, s), an_int(length), a_string(end)
    if room < len(tail) or (leeway is not None and an_int(leeway) < 0):
        raise Fault("truncate: the length is less than that of the end, or the leeway is negative")
    if len(given) <= room + (5 if leeway is None else an_int(leeway)):
        return given
    cut = given[: room - len(tail)]
    return run.made((cut if killwords else cut.rsplit(" ", 1)[0]) + tail)


def _wordwrap(
    run: Run, s: Value, width: Value = 79, break_long_words: Value = True, wrapstring: Value = None, break_on_hyphens: Value = True
) -> str:
    given, most, between = a_string(s), an_int(width), "\n" if wrapstring is None else a_string(wrapstring)
    if most <= 0:
        raise Fault("wordwrap: the width must be at least 1")
    longest = max(map(len, given.split()), default=0)
    run.spend(500 * len(given) + longest * (longest // most))
    wrapped = [
        textwrap.wrap(
            line,
            width=most,
            expand_tabs=False,
            replace_whitespace=False,
            break_long_words=bool(break_long_words),
            break_on_hyphens=bool(break_on_hyphens),
        )
        for line in given.splitlines()
    ]
    return run.joined([run.joined(lines, between) for lines in wrapped], between)


def _wordcount(run: Run, s: Value) -> int:
    given = string(run, s)
    run.spend(150 * len(given))
    return sum(1 for _ in _WORD.finditer(given))


def _striptags(run: Run, value: Value) -> str:
    given = _without(_without(string(run, value), "<!--", "-->"), "<", ">")
    run.spend(100 * len(given))
    return run.made(html.unescape(" ".join(given.split())))


def _without(given: str, start: str, end: str) -> str:
    """Without what is between ``start`` and ``end``."""
    parts, at = [], 0
    while (begin := given.find(start, at)) >= 0 and (close := given.find(end, begin)) >= 0:
        parts.append(given[at:begin])
        at = close + len(end)
    return "".join(parts) + given[at:]


def _urlencode(run: Run, value: Value) -> str:
    if type(value) is str or not isinstance(value, list | tuple | dict):
        return _quoted(run, value, "/")
    pairs = value.items() if isinstance(value, dict) else iterate(run, value)
    parts = []
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise Fault("urlencode takes a text, a map, or pairs")
        parts.append("=".join(_quoted(run, item, "").replace("%20", "+") for item in pair))
    return run.joined(parts, "&")


def _quoted(run: Run, value: Value, safe: str) -> str:
    raw = to_bytes(string(run, value))
    room_for(3 * len(raw))
    return run.made(quote_from_bytes(raw, safe))


def _format(run: Run, value: Value, /, *args: Value, **kwargs: Value) -> str:
    if args and kwargs:
        raise Fault("format takes arguments by position or by name, not both", kind="arg-count")
    return percent(run, string(run, value), kwargs or args)


def _tojson(run: Run, value: Value, indent: Value = None) -> str:
    cost = run.weigh(value)
    if indent is not None and not 0 <= an_int(indent) <= 16:
        raise Fault("tojson: an indentation is 0 to 16 spaces")
    room_for(cost)
    try:
        made = json.dumps(value, sort_keys=True, indent=indent)
    except PYTHON_ERRORS:
        raise Fault(f"tojson: a '{type_name(value)}' that JSON cannot hold", kind="arg-type") from None
    for char, written in _FOR_HTML:
        made = made.replace(char, written)
    return run.made(made)


def _filesizeformat(run: Run, value: Value, binary: Value = False) -> str:
    size, base = float(_float(run, value)), 1024 if binary else 1000
    if math.isnan(size) or math.isinf(size):
        raise Fault("filesizeformat: no size")
    if size == 1:
        return "1 Byte"
    if size < base:
        return f"{int(size)} Bytes"
    power = next((power for power in range(len(_SIZES)) if size < base ** (power + 2)), len(_SIZES) - 1)
    return f"{base * size / base ** (power + 2):.1f} {_SIZES[power][0 if binary else 1]}"


def _int(run: Run, value: Value, default: Value = 0, base: Value = 10) -> Value:
    given = _scalar(run, value)
    try:
        return number(int(given, an_int(base)) if type(given) is str else int(given))
    except PYTHON_ERRORS:
        pass
    try:
        return number(int(float(given)))
    except PYTHON_ERRORS:
        return default


def _float(run: Run, value: Value, default: Value = 0.0) -> Value:
    try:
        return float(_scalar(run, value))
    except PYTHON_ERRORS:
        return default


def _scalar(run: Run, value: Value) -> Value:
    """A number or text; anything else is none."""
    if type(value) is Undefined:
        raise value.fault()
    if type(value) is str:
        run.spend(len(value))
    return value if isinstance(value, str | int | float) else ""


def _round(run: Run, value: Value, precision: Value = 0, method: Value = "common") -> Value:
    digits, given = an_int(precision), a_number(value)
    if method not in ("common", "ceil", "floor") or abs(digits) > 300:
        raise Fault("round: the method is common, ceil or floor, and the precision at most 300")
    try:
        if method == "common":
            return round(given, digits)
        factor = 10**digits
        return (math.ceil if method == "ceil" else math.floor)(given * factor) / factor
    except PYTHON_ERRORS:
        raise Fault("round: a number that cannot be rounded") from None


def _abs(run: Run, value: Value) -> Value:
    return abs(a_number(value))


def _items(run: Run, value: Value) -> list[Value]:
    if type(value) is Undefined:
        return []
    if not isinstance(value, dict):
        raise Fault("Can only get item pairs from a mapping.")
    return run.listed(list(value.items()))


_OWN: Mapping[str, Filter] = {
    "abs": _abs,
    "capitalize": _of_text(str.capitalize),
    "center": _center,
    "d": _default,
    "default": _default,
    "e": _escape,
    "escape": _escape,
    "filesizeformat": _filesizeformat,
    "float": _float,
    "forceescape": _escape,
    "format": _format,
    "indent": _indent,
    "int": _int,
    "items": _items,
    "lower": _of_text(str.lower),
    "replace": _replace,
    "round": _round,
    "safe": lambda run, value: value,
    "string": text,
    "striptags": _striptags,
    "title": _title,
    "tojson": _tojson,
    "trim": _trim,
    "truncate": _truncate,
    "upper": _of_text(str.upper),
    "urlencode": _urlencode,
    "wordcount": _wordcount,
    "wordwrap": _wordwrap,
}


def checked(name: str, call: Filter) -> Filter:
    """``call`` after a look at the number and names of its arguments."""
    wanted = parameters_of(call, 2)
    plain = wanted.most is not None
    label = f"the filter {name}"

    def called(run: Run, value: Value, /, *args: Value, **kwargs: Value) -> Value:
        if kwargs or not plain or not wanted.required <= len(args) <= (wanted.most or 0):
            check(label, wanted, list(args), kwargs)
        charge(run, value, *args)
        return call(run, value, *args, **kwargs)

    return called


def piped(function: Callee) -> Filter:
    """A function as a filter: what is piped is its last argument, as in Go's pipelines."""

    def called(run: Run, value: Value, /, *args: Value, **kwargs: Value) -> Value:
        return function.call(run, [*args, value], kwargs)

    return called


def _all() -> Mapping[str, Filter]:
    table = {name: piped(function) for name, function in GO.items()}
    for name, call in {**_OWN, **sequences.FILTERS}.items():
        table[name] = checked(name, call)
    return MappingProxyType(table)


FILTERS: Mapping[str, Filter] = _all()
"""By name: Jinja2's own win over Go's functions."""
