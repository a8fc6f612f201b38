"""Methods of texts, lists and maps that templates may call: those that change nothing and run no code of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from eso_core.template.jinja.arguments import a_string, an_int, charge, check, parameters_of
from eso_core.template.jinja.operators import hashed
from eso_core.template.jinja.state import ITEM_COST, Callee, Fault, Run, Value, iterate
from eso_core.template.limits import items, room_for


class Method(Callee):
    """A method of one value."""

    __slots__ = ("implementation", "name", "receiver")
    type_name = "method"

    def __init__(self, name: str, implementation: Callable[..., Value], receiver: Value) -> None:
        self.name, self.implementation, self.receiver = name, implementation, receiver

    def call(self, run: Run, args: list[Value], kwargs: dict[str, Value]) -> Value:
        check(f"{self.name}()", parameters_of(self.implementation, 2), args, kwargs)
        charge(run, self.receiver, *args)
        return self.implementation(run, self.receiver, *args, **kwargs)


def method(value: Value, name: str) -> Method | None:
    """The method of that name."""
    table = METHODS.get(type(value))
    implementation = table.get(name) if table is not None else None
    return None if implementation is None else Method(name, implementation, value)


def _plain(name: str) -> Callable[[Run, str], Value]:
    call = getattr(str, name)

    def plain(run: Run, value: str) -> Value:
        run.spend(30 * len(value))
        made = call(value)
        return run.made(made) if type(made) is str else made

    return plain


def _strip(name: str) -> Callable[..., Value]:
    call = getattr(str, name)

    def strip(run: Run, value: str, chars: Value = None) -> Value:
        if chars is not None and len(a_string(chars)) > 1024:
            raise Fault("too many characters to strip", kind="limit")
        return run.made(call(value, chars))

    return strip


def _cut(name: str) -> Callable[..., Value]:
    call = getattr(str, name)
    return lambda run, value, part: run.made(call(value, a_string(part)))


def _aligned(name: str) -> Callable[..., Value]:
    call = getattr(str, name)

    def aligned(run: Run, value: str, width: Value, fillchar: Value = " ") -> Value:
        room_for(an_int(width))
        return run.made(call(value, an_int(width), _one(fillchar)))

    return aligned


def _one(char: Value) -> str:
    if len(a_string(char)) != 1:
        raise Fault("one character is needed to fill with", kind="arg-type")
    return str(char)


def _zfill(run: Run, value: str, width: Value) -> str:
    room_for(an_int(width))
    return run.made(value.zfill(an_int(width)))


def _ends(name: str) -> Callable[..., Value]:
    call = getattr(str, name)

    def ends(run: Run, value: str, prefix: Value, start: Value = None, end: Value = None) -> bool:
        wanted = tuple(map(a_string, prefix)) if isinstance(prefix, tuple) else a_string(prefix)
        run.spend(ITEM_COST * len(wanted))
        return bool(call(value, wanted, _place(start), _place(end)))

    return ends


def _place(value: Value) -> int | None:
    return None if value is None else an_int(value)


def _search(name: str) -> Callable[..., Value]:
    call, must = getattr(str, name.replace("index", "find")), name.endswith("index")

    def search(run: Run, value: str, sub: Value, start: Value = None, end: Value = None) -> int:
        at = int(call(value, a_string(sub), _place(start), _place(end)))
        if at < 0 and must:
            raise Fault("the part is not there")
        return at

    return search


def _split(name: str) -> Callable[..., Value]:
    call = getattr(str, name)

    def split(run: Run, value: str, sep: Value = None, maxsplit: Value = -1) -> list[Value]:
        if sep is not None and not a_string(sep):
            raise Fault("an empty separator")
        pieces = value.count(sep) if sep is not None else len(value) // 2
        most = an_int(maxsplit)
        if most < 0 or most > pieces:
            items(pieces)
        return run.listed(call(value, sep, most))

    return split


def _splitlines(run: Run, value: str, keepends: Value = False) -> list[Value]:
    lines = value.splitlines(bool(keepends))
    return run.listed(list(lines))


def _partition(name: str) -> Callable[..., Value]:
    call = getattr(str, name)

    def partition(run: Run, value: str, sep: Value) -> Value:
        if not a_string(sep):
            raise Fault("an empty separator")
        run.spend(len(value))
        return call(value, sep)

    return partition


def replaced(run: Run, value: str, old: str, new: str, count: int) -> str:
    """``value.replace(old, new, count)``, paid for."""
    found = value.count(old)
    found = found if count < 0 else min(found, count)
    room_for(len(value) + found * (len(new) - len(old)))
    return run.made(value.replace(old, new, count))


def _replace(run: Run, value: str, old: Value, new: Value, count: Value = -1) -> str:
    return replaced(run, value, a_string(old), a_string(new), an_int(count))


def _join(run: Run, value: str, iterable: Value) -> str:
    return run.joined([a_string(item) for item in iterate(run, iterable)], value)


def _expandtabs(run: Run, value: str, tabsize: Value = 8) -> str:
    size = an_int(tabsize)
    room_for(len(value) + value.count("\t") * max(size, 0))
    return run.made(value.expandtabs(size))


def _get(run: Run, value: dict[Value, Value], key: Value, default: Value = None) -> Value:
    run.weigh(key)
    return value.get(key, default) if hashed(key) else default


def _index(run: Run, value: list[Value] | tuple[Value, ...], item: Value) -> int:
    run.weigh(value)
    run.weigh(item)
    if item not in value:
        raise Fault("the element is not there")
    return value.index(item)


def _count(run: Run, value: list[Value] | tuple[Value, ...], item: Value) -> int:
    run.weigh(value)
    run.weigh(item)
    return value.count(item)


_PLAIN = ("capitalize", "casefold", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric")
_MORE = ("isprintable", "isspace", "istitle", "isupper", "lower", "swapcase", "title", "upper")

_STR: Mapping[str, Callable[..., Value]] = {
    **{name: _plain(name) for name in (*_PLAIN, *_MORE)},
    **{name: _strip(name) for name in ("strip", "lstrip", "rstrip")},
    **{name: _cut(name) for name in ("removeprefix", "removesuffix")},
    **{name: _aligned(name) for name in ("center", "ljust", "rjust")},
    **{name: _ends(name) for name in ("startswith", "endswith")},
    **{name: _search(name) for name in ("count", "find", "index", "rfind", "rindex")},
    **{name: _split(name) for name in ("split", "rsplit")},
    **{name: _partition(name) for name in ("partition", "rpartition")},
    "expandtabs": _expandtabs,
    "join": _join,
    "replace": _replace,
    "splitlines": _splitlines,
    "zfill": _zfill,
}
_SEQUENCE: Mapping[str, Callable[..., Value]] = {"count": _count, "index": _index}
_DICT: Mapping[str, Callable[..., Value]] = {
    "copy": lambda run, value: value,
    "get": _get,
    "items": lambda run, value: run.listed(list(value.items())),
    "keys": lambda run, value: run.listed(list(value)),
    "values": lambda run, value: run.listed(list(value.values())),
}

METHODS: Mapping[type, Mapping[str, Callable[..., Value]]] = MappingProxyType({str: _STR, list: _SEQUENCE, tuple: _SEQUENCE, dict: _DICT})
"""By the type of the value. What is not here does not exist for a template: ``format`` and ``encode``, whatever changes the value."""
