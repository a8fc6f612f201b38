"""One execution of a Jinja2 template: its names, its output, what it costs, and how it ends early."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import DEPTH_MAX, NODES_MAX, OUTPUT_MAX, Ambient, items, room_for
from eso_core.template.run import STEP_COST
from eso_core.template.values import Object, Sized

Value: TypeAlias = Any

CALL_COST: Final = 800  # of a call, in nanoseconds as ``costs.py`` counts them
ITEM_COST: Final = 150  # of each element of a list or map that is made
NODE_COST: Final = 2_000  # of each value that is walked
MADE_COST: Final = 3  # of each byte of a text that is made
NESTED_MAX: Final = 50  # macros, recursive loops and blocks within each other
INT_BITS: Final = 1024  # of an integer

_NO_TEXT = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class Fault(FunctionError):
    """The execution ends. ``line`` is where, 0 as long as no statement has said so; ``kind`` as in ``TemplateError``."""

    def __init__(self, what: str, detail: str = "", kind: str = "other", line: int = 0) -> None:
        super().__init__(what, detail)
        self.kind, self.line = kind, line


def located(error: FunctionError, line: int) -> Fault:
    """``error`` at ``line``, unless it is known more exactly."""
    if isinstance(error, Fault):
        error.line = error.line or line
        return error
    return Fault(error.what, error.detail, "limit" if isinstance(error, LimitExceeded) else "call", line)


class Undefined:
    """What a name stands for that is not defined. It may be tested and given a default; anything else that looks at it is an error.

    A ``silent`` one, what an ``if`` without ``else`` gives within an expression, is also empty: as a text, a list and a condition.
    """

    __slots__ = ("detail", "silent", "what")

    def __init__(self, what: str, detail: str = "", silent: bool = False) -> None:
        self.what, self.detail, self.silent = what, detail, silent

    def fault(self) -> Fault:
        return Fault(self.what, self.detail, "missing-key")


class Callee:
    """What is no plain value: it may have attributes, and be called."""

    __slots__ = ()
    type_name = "function"

    def call(self, run: Run, args: list[Value], kwargs: dict[str, Value]) -> Value:
        raise Fault(f"'{self.type_name}' object is not callable")

    def attribute(self, run: Run, name: str) -> Value:
        """The attribute, or ``MISSING``."""
        return MISSING

    def text(self) -> str:
        return f"<{self.type_name}>"


class Scope:
    """The names of a block of statements, within those of the block around it."""

    __slots__ = ("names", "parent")

    def __init__(self, names: dict[str, Value], parent: Scope | None) -> None:
        self.names, self.parent = names, parent


Expression: TypeAlias = Callable[["Run", Scope], Value]
Statement: TypeAlias = Callable[["Run", Scope], None]


class Missing:
    """Not even undefined."""


MISSING: Final = Missing()


class Run:
    """The state of one execution. ``fixed`` are the names of the language itself, which names of the data hide; ``blocks`` by name."""

    __slots__ = ("ambient", "blocks", "data", "depth", "fixed", "known", "meter", "out", "root")

    def __init__(self, ambient: Ambient, data: Mapping[bytes, bytes], fixed: Mapping[str, Value], blocks: Mapping[str, Statement]) -> None:
        self.ambient, self.meter, self.data, self.fixed, self.blocks = ambient, ambient.meter, data, fixed, blocks
        self.known: dict[str, Value] = {}
        self.out: list[str] = []
        self.depth = 0
        self.root = Scope({}, None)

    def resolve(self, name: str) -> Value:
        """What a name means that no statement has set: ``data``, a key of the data, or what the language has."""
        value = self.known.get(name, MISSING)
        if value is MISSING:
            value = self.known[name] = self._found(name)
        return value

    def _found(self, name: str) -> Value:
        if name == "data":
            return {from_bytes(key): self._text(raw) for key, raw in self.data.items()}
        raw = self.data.get(to_bytes(name))
        if raw is not None:
            return self._text(raw)
        value = self.fixed.get(name, MISSING)
        return Undefined(f"'{name}' is undefined") if value is MISSING else value

    def _text(self, raw: bytes) -> str:
        self.spend(MADE_COST * len(raw))
        return from_bytes(raw)

    def step(self, nodes: int) -> None:
        """Takes ``nodes`` steps."""
        meter = self.meter
        meter.steps -= nodes
        meter.work -= STEP_COST * nodes
        if meter.steps < 0 or meter.work < 0:
            raise Fault("the template takes more steps than are allowed", kind="limit")

    def spend(self, work: int) -> None:
        """Takes work."""
        meter = self.meter
        meter.work -= work
        if meter.work < 0:
            meter.spend(0)

    def write(self, text: str) -> None:
        self.spend(MADE_COST * (len(text) if text.isascii() else 4 * len(text)))
        self.out.append(text)

    def made(self, text: str) -> str:
        """Pays for a text that has been made."""
        self.spend(MADE_COST * (len(text) if text.isascii() else 4 * len(text)))
        return text

    def joined(self, parts: list[str], between: str = "") -> str:
        """The parts as one text, paid for."""
        room_for(sum(map(len, parts)) + len(between) * len(parts))
        return self.made(between.join(parts))

    def listed(self, values: list[Value]) -> list[Value]:
        """Pays for a list that has been made."""
        items(len(values))
        self.spend(ITEM_COST * len(values))
        return values

    def capture(self, body: Statement, scope: Scope) -> str:
        """What ``body`` prints."""
        outer, self.out = self.out, []
        try:
            body(self, scope)
            return self.joined(self.out)
        finally:
            self.out = outer

    def enter(self) -> None:
        """One level more of macros, blocks or recursive loops; whoever enters also takes one from ``depth``."""
        if self.depth >= NESTED_MAX:
            raise Fault("macros, blocks or loops within each other too deeply", kind="limit")
        self.depth += 1

    def finish(self) -> bytes:
        """What has been printed."""
        if sum(map(len, self.out)) <= OUTPUT_MAX:
            text = to_bytes("".join(self.out))
            if len(text) <= OUTPUT_MAX:
                return text
        raise Fault(f"output of more than {OUTPUT_MAX} bytes", kind="limit")

    def weigh(self, value: Value) -> int:
        """Pays for a walk through ``value``, and gives its cost. A walk of what passes ends: not too deep, and every text can be read."""
        kind = type(value)
        if kind is str:
            cost = len(value)
        elif isinstance(value, list | tuple | dict):
            cost = self._walk(value)
        elif kind is Undefined:
            raise value.fault()
        else:
            return 0
        self.spend(cost)
        return cost

    def _walk(self, value: Value) -> int:
        texts, count, todo = 0, 0, [(value, 0)]
        while todo:
            item, depth = todo.pop()
            count += len(item) + 1
            if depth >= DEPTH_MAX or count > NODES_MAX:
                raise LimitExceeded("a value that is too large or nested too deeply to be walked")
            if isinstance(item, dict):
                item = [*item, *item.values()]
            for inner in item:
                kind = type(inner)
                if kind is str:
                    texts += len(inner)
                elif isinstance(inner, list | tuple | dict):
                    todo.append((inner, depth + 1))
                elif kind is Undefined:
                    raise inner.fault()
        return NODE_COST * count + texts


def to_bytes(text: str) -> bytes:
    """UTF-8; a surrogate that stands for a byte is that byte, any other one U+FFFD."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return _NO_TEXT.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def from_bytes(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def type_name(value: Value) -> str:
    """What a template's author calls the type."""
    if isinstance(value, Object | Sized):
        return value.go_type
    if isinstance(value, Callee):
        return value.type_name
    return "none" if value is None else "tuple" if isinstance(value, tuple) else type(value).__name__


def truth(value: Value) -> bool:
    """Whether a condition holds."""
    if type(value) is Undefined:
        if value.silent:
            return False
        raise value.fault()
    return bool(value)


def iterate(run: Run, value: Value) -> list[Value] | tuple[Value, ...]:
    """The elements of a list, the keys of a map, the characters of a text."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, dict):
        return run.listed(list(value))
    if type(value) is str:
        items(len(value))
        return run.listed(list(value))
    if type(value) is Undefined:
        if value.silent:
            return ()
        raise value.fault()
    raise Fault(f"'{type_name(value)}' object is not iterable")
