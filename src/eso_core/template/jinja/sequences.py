"""Jinja2's filters of lists and maps (what they do: ``jinja2.filters`` 3.1). They give lists where Jinja2 gives generators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from eso_core.template.jinja import registry
from eso_core.template.jinja.access import Group, path
from eso_core.template.jinja.arguments import a_string, an_int, string
from eso_core.template.jinja.operators import BINARY, PYTHON_ERRORS, defined, hashed
from eso_core.template.jinja.state import CALL_COST, ITEM_COST, Fault, Run, Undefined, Value, iterate, truth, type_name
from eso_core.template.jinja.texts import text
from eso_core.template.limits import items

Key = Callable[[Value], Value]


def _first(run: Run, seq: Value) -> Value:
    return _end(seq, 0, "first")


def _last(run: Run, seq: Value) -> Value:
    return _end(seq, -1, "last")


def _end(seq: Value, at: int, which: str) -> Value:
    defined(seq)
    if isinstance(seq, dict):
        seq = list(seq)
    if not isinstance(seq, str | list | tuple):
        raise Fault(f"'{type_name(seq)}' object is not iterable")
    return seq[at] if seq else Undefined(f"No {which} item, sequence was empty.")


def _length(run: Run, value: Value) -> int:
    defined(value)
    if not isinstance(value, str | list | tuple | dict):
        raise Fault(f"object of type '{type_name(value)}' has no length")
    return len(value)


def _list(run: Run, value: Value) -> list[Value]:
    return run.listed(list(iterate(run, value)))


def _reverse(run: Run, value: Value) -> Value:
    return run.made(value[::-1]) if type(value) is str else run.listed(list(reversed(iterate(run, value))))


def _join(run: Run, value: Value, d: Value = "", attribute: Value = None) -> str:
    elements = iterate(run, value)
    if attribute is not None:
        elements = [path(run, element, attribute) for element in elements]
    run.spend(CALL_COST * len(elements))
    return run.joined([text(run, element) for element in elements], string(run, d))


def _batch(run: Run, value: Value, linecount: Value, fill_with: Value = None) -> list[Value]:
    elements, size = list(iterate(run, value)), an_int(linecount)
    if size < 1:
        raise Fault("batch: at least 1 element a batch")
    items(size)
    run.spend(2 * ITEM_COST * (len(elements) + size))
    batches = [elements[at : at + size] for at in range(0, len(elements), size)]
    if batches and fill_with is not None:
        batches[-1] += [fill_with] * (size - len(batches[-1]))
    return batches


def _slice(run: Run, value: Value, slices: Value, fill_with: Value = None) -> list[Value]:
    elements, count = iterate(run, value), an_int(slices)
    if count < 1:
        raise Fault("slice: at least 1 slice")
    items(count)
    run.spend(2 * ITEM_COST * (len(elements) + count))
    size, larger = divmod(len(elements), count)
    made, at = [], 0
    for number in range(count):
        end = at + size + (number < larger)
        part = list(elements[at:end])
        made.append([*part, fill_with] if fill_with is not None and number >= larger else part)
        at = end
    return made


def _key(run: Run, attribute: Value, case_sensitive: Value) -> Key:
    """What elements are compared by."""

    def key(element: Value) -> Value:
        run.step(1)
        found = element if attribute is None else path(run, element, attribute)
        defined(found)
        return run.made(found.lower()) if not case_sensitive and type(found) is str else found

    return key


def _sorted(run: Run, elements: Sequence[Value], keys: Sequence[Value], reverse: Value) -> list[Value]:
    """Paid for by what there is to compare, and how often."""
    cost = 25 * len(keys)
    for key in keys:
        cost += run.weigh(key)
    run.spend(ITEM_COST * len(keys) + cost * len(keys).bit_length())
    try:
        order = sorted(range(len(keys)), key=keys.__getitem__, reverse=bool(reverse))
    except PYTHON_ERRORS:
        raise Fault("the elements cannot be compared with each other", kind="arg-type") from None
    return [elements[at] for at in order]


def _sort(run: Run, value: Value, reverse: Value = False, case_sensitive: Value = False, attribute: Value = None) -> list[Value]:
    elements = iterate(run, value)
    names = attribute.split(",") if type(attribute) is str else [attribute]
    readers = [_key(run, name, case_sensitive) for name in names[:16]]
    keys = [readers[0](element) if len(readers) == 1 else tuple(read(element) for read in readers) for element in elements]
    return _sorted(run, elements, keys, reverse)


def _dictsort(run: Run, value: Value, case_sensitive: Value = False, by: Value = "key", reverse: Value = False) -> list[Value]:
    if not isinstance(value, dict) or by not in ("key", "value"):
        defined(value)
        raise Fault("dictsort takes a map, to be sorted by 'key' or 'value'", kind="arg-type")
    pairs = run.listed(list(value.items()))
    read = _key(run, None, case_sensitive)
    return _sorted(run, pairs, [read(pair[by == "value"]) for pair in pairs], reverse)


def _unique(run: Run, value: Value, case_sensitive: Value = False, attribute: Value = None) -> list[Value]:
    read = _key(run, attribute, case_sensitive)
    made: dict[Value, Value] = {}
    for element in iterate(run, value):
        made.setdefault(_hashable(run, read(element)), element)
    return run.listed(list(made.values()))


def _hashable(run: Run, key: Value) -> Value:
    run.weigh(key)
    run.spend(6 * ITEM_COST)
    if not hashed(key):
        raise Fault(f"unhashable type: '{type_name(key)}'", kind="arg-type")
    return key


def _extreme(name: str, call: Callable[..., Value]) -> Callable[..., Value]:
    def extreme(run: Run, value: Value, case_sensitive: Value = False, attribute: Value = None) -> Value:
        elements, read = iterate(run, value), _key(run, attribute, case_sensitive)
        if not elements:
            return Undefined("No aggregated item, sequence was empty.")
        keys = [read(element) for element in elements]
        run.weigh(keys)
        try:
            return elements[call(range(len(keys)), key=keys.__getitem__)]
        except PYTHON_ERRORS:
            raise Fault(f"{name}: the elements cannot be compared with each other", kind="arg-type") from None

    return extreme


def _groupby(run: Run, value: Value, attribute: Value, default: Value = None, case_sensitive: Value = False) -> list[Value]:
    def read(element: Value) -> Value:
        run.step(1)
        found = path(run, element, attribute)
        if type(found) is Undefined and default is not None:
            return default
        defined(found)
        return found

    elements = iterate(run, value)
    names = [read(element) for element in elements]
    keys = [run.made(name.lower()) if not case_sensitive and type(name) is str else name for name in names]
    groups: list[tuple[Value, list[Value]]] = []
    for at in _sorted(run, range(len(keys)), keys, False):
        if not groups or keys[at] != groups[-1][0]:
            groups.append((keys[at], []))
        groups[-1][1].append(at)
    run.spend(2 * ITEM_COST * (len(elements) + len(groups)))
    return [Group((names[group[0]], [elements[at] for at in group])) for _, group in groups]


def _sum(run: Run, iterable: Value, attribute: Value = None, start: Value = 0) -> Value:
    total = start
    for element in iterate(run, iterable):
        run.step(1)
        total = BINARY["Add"](run, total, element if attribute is None else path(run, element, attribute))
    return total


def _map(run: Run, value: Value, /, *args: Value, **kwargs: Value) -> list[Value]:
    if not args and "attribute" in kwargs:
        attribute, default = kwargs["attribute"], kwargs.get("default")
        if not truth(value):
            return []
        if kwargs.keys() - {"attribute", "default"}:
            raise Fault("map takes 'attribute' and 'default', or a filter", kind="arg-count")
        elements = iterate(run, value)
        run.step(len(elements))
        found = [path(run, element, attribute) for element in elements]
        return run.listed([default if type(each) is Undefined and default is not None else each for each in found])
    if not args:
        raise Fault("map requires a filter argument", kind="arg-count")
    change = registry.filter_named(a_string(args[0]))
    made: list[Value] = []
    if not truth(value):
        return made
    for element in iterate(run, value):
        run.step(3)
        made.append(change(run, element, *args[1:], **kwargs))
    return run.listed(made)


def _selection(wanted: bool, by_attribute: bool) -> Callable[..., Value]:
    def select(run: Run, value: Value, /, *args: Value, **kwargs: Value) -> list[Value]:
        rest = list(args)
        if by_attribute and not rest:
            raise Fault("Missing parameter for attribute name", kind="arg-count")
        attribute = rest.pop(0) if by_attribute else None
        test = registry.test_named(a_string(rest.pop(0))) if rest else None
        made: list[Value] = []
        if not truth(value):
            return made
        for element in iterate(run, value):
            run.step(3)
            looked = path(run, element, attribute) if by_attribute else element
            holds = truth(looked) if test is None else test(run, looked, *rest, **kwargs)
            if holds is wanted:
                made.append(element)
        return run.listed(made)

    return select


FILTERS: Mapping[str, Callable[..., Value]] = MappingProxyType(
    {
        "batch": _batch,
        "count": _length,
        "dictsort": _dictsort,
        "first": _first,
        "groupby": _groupby,
        "join": _join,
        "last": _last,
        "length": _length,
        "list": _list,
        "map": _map,
        "max": _extreme("max", max),
        "min": _extreme("min", min),
        "reject": _selection(False, False),
        "rejectattr": _selection(False, True),
        "reverse": _reverse,
        "select": _selection(True, False),
        "selectattr": _selection(True, True),
        "slice": _slice,
        "sort": _sort,
        "sum": _sum,
        "unique": _unique,
    }
)
"""By name."""
