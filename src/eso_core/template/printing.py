"""Go's fmt over the values of templates: `fmt/print.go`.

=================  ====================================================================================
``show``           what an action writes: `text/template: printValue`
``sprint``         `fmt.Sprint`: a space between operands when neither is a string
``sprintln``       `fmt.Sprintln`
``sprintf``        `fmt.Sprintf`; the language of formats is read by ``formats``, single values by ``verbs``
=================  ====================================================================================

An ``Object`` may say more of itself than the contract asks: ``go_string()`` is Go's ``GoString()``, which ``%#v`` prints;
``private()`` are all fields of a struct that has unexported ones, for fmt prints them; ``address`` is what a pointer within a value
prints, 0 being nil. Addresses of lists and maps differ from run to run in Go and are all the same here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eso_core.compat.gofmt import float_v
from eso_core.compat.text import to_bytes
from eso_core.template.equal import is_nil_map, is_nil_slice
from eso_core.template.formats import Literal, Operand, Star, parse
from eso_core.template.limits import room_for, survey
from eso_core.template.values import Bytes, Object, Sized, Value, type_of
from eso_core.template.verbs import PLAIN, Spec, boolean, complex_, floating, hexadecimal, integer, pad, quoted, string

__all__ = ["plain", "quoted", "show", "sprint", "sprintf", "sprintln"]

_ADDRESS = 0xC000010000
_NIL = b"<nil>"


def show(value: Value) -> bytes:
    """The text that an action writes for ``value``; a pointer is written as what it points to. ``<nil>`` for nil."""
    kind = type(value)
    if kind is bytes:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return b"%d" % value
    return plain(value, indirect=True)


def sprint(args: Sequence[Value], *, indirect: bool = False) -> bytes:
    """`fmt.Sprint`. With ``indirect``, pointers print as what they point to."""
    if len(args) == 1:
        return plain(args[0], indirect=indirect)
    parts: list[bytes] = []
    before = True
    for arg in args:
        is_string = type(arg) is bytes
        if not is_string and not before:
            parts.append(b" ")
        parts.append(plain(arg, indirect=indirect))
        before = is_string
    return _joined(parts)


def sprintln(args: Sequence[Value]) -> bytes:
    """`fmt.Sprintln`: a space between all operands, and the end of the line."""
    parts: list[bytes] = []
    for arg in args:
        parts += (plain(arg), b" ")
    if parts:
        parts[-1] = b"\n"
    return _joined(parts) if parts else b"\n"


def sprintf(args: Sequence[Value]) -> bytes:
    """`fmt.Sprintf`; the first argument is the format."""
    steps, extra = parse(args[0], len(args) - 1)
    printer = _Printer(PLAIN)
    width: int | None = None
    prec: int | None = None
    for step in steps:
        if type(step) is Operand:
            spec = step.spec if width is None and prec is None else step.with_sizes(width, prec)
            width = prec = None
            value = args[step.index]
            text = _scalar(spec, step.verb, value)
            if text is None:
                printer.spec = spec
                printer.top(step.verb, value)
            else:
                printer.write(text)
        elif type(step) is Literal:
            printer.write(step.text)
            width = prec = None
        else:
            assert type(step) is Star
            size = _size(args[step.index]) if step.index >= 0 else None
            if step.precision:
                prec = -1 if size is None or size < 0 else size
                bad = prec < 0
            else:
                width, bad = size or 0, size is None
            if bad:
                printer.write(b"%!(BADPREC)" if step.precision else b"%!(BADWIDTH)")
    if extra >= 0:
        printer.spec = PLAIN
        printer.extra(args[extra + 1 :])
    return b"".join(printer.parts)


def _size(value: Value) -> int | None:
    """A width or precision taken from an argument: an integer that is not too large."""
    return int(value) if isinstance(value, int) and type(value) is not bool and -1_000_000 <= value <= 1_000_000 else None


def _joined(parts: list[bytes]) -> bytes:
    room_for(sum(map(len, parts)))
    return b"".join(parts)


def plain(value: Value, *, indirect: bool = False) -> bytes:
    """`fmt.Sprintf("%v", value)`. With ``indirect``, a pointer prints without `&`."""
    kind = type(value)
    if kind is bytes:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return b"%d" % value
    if kind is bool:
        return b"true" if value else b"false"
    if kind is float:
        return float_v(value).encode()
    if value is None:
        return _NIL
    text = _scalar(PLAIN, "v", value)
    if text is not None:
        return text
    printer = _Printer(PLAIN)
    if indirect and isinstance(value, Object) and value.kind == "ptr":
        printer.struct("v", value, 1)
    else:
        printer.top("v", value)
    return b"".join(printer.parts)


def _scalar(spec: Spec, verb: str, value: Value) -> bytes | None:
    """The text of a value that is no container, or that has a text of its own; ``None`` for all others and for verbs that do not fit."""
    kind = type(value)
    if kind is bytes:
        return string(spec, verb, value)
    if kind is int:
        return integer(spec, verb, value)
    if kind is bool:
        return boolean(spec, verb, value)
    if kind is float:
        return floating(spec, verb, value)
    if kind is complex:
        return complex_(spec, verb, value)
    if isinstance(value, Sized):
        text = _own_text(spec, verb, value)
        return integer(spec, verb, value, value.signed) if text is None else text
    return _own_text(spec, verb, value) if isinstance(value, Object) else None


def _own_text(spec: Spec, verb: str, value: Sized | Object) -> bytes | None:
    """Stringer and GoStringer: `pp.handleMethods`."""
    if spec.sharp_v:
        source = getattr(value, "go_string", None)
        return None if source is None or verb != "v" else string(spec, "s", to_bytes(source()))
    if verb not in "vsxXq":
        return None
    text = value.text()
    return None if text is None else string(spec, verb, to_bytes(text))


def _unsigned(value: Value) -> bool:
    return isinstance(value, Sized) and not value.signed


class _Printer:
    """Walks containers and writes what is wrong with a verb: `pp.printValue`, `pp.badVerb`."""

    __slots__ = ("methods", "parts", "size", "spec")

    def __init__(self, spec: Spec) -> None:
        self.parts: list[bytes] = []
        self.size, self.spec, self.methods = 0, spec, True

    def write(self, text: bytes) -> None:
        self.size += len(text)
        room_for(self.size)
        self.parts.append(text)

    def top(self, verb: str, value: Value) -> None:
        """An argument that ``_scalar`` has no text for: `pp.printArg`."""
        if value is None:
            if verb in "vT":
                self.write(pad(self.spec, _NIL))
            else:
                self.bad_verb(verb, value)
        elif verb == "T":
            self.write(string(self.spec, "s", type_of(value).encode()) or b"")
        elif verb == "p":
            self.pointer(verb, value)
        elif verb == "w":
            self.wrong_error(verb, value)
        else:
            survey(value)
            self.value(verb, value, 0)

    def wrong_error(self, verb: str, value: Value) -> None:
        """`%w` outside of Errorf: values with methods say so at once, a []byte element by element."""
        survey(value)
        if isinstance(value, Bytes):
            self.value(verb, value, 0)
        else:
            self.bad_verb(verb, value)

    def value(self, verb: str, value: Value, depth: int) -> None:
        if isinstance(value, list):
            self.list(verb, value, depth)
        elif isinstance(value, dict):
            self.map(verb, value, depth)
        elif value is None:
            self.write(b"interface {}(nil)" if self.spec.sharp_v else _NIL)
        else:
            self.leaf(verb, value, depth)

    def leaf(self, verb: str, value: Value, depth: int) -> None:
        text = _scalar(self.spec, verb, value) if self.methods else _without_methods(self.spec, verb, value)
        if text is not None:
            self.write(text)
        elif not isinstance(value, Object):
            self.bad_verb(verb, value)
        elif value.kind != "ptr":
            self.struct(verb, value, depth)
        elif depth == 0 and _address(value):
            self.write(b"&")
            self.struct(verb, value, depth + 1)
        else:
            self.pointer(verb, value)

    def list(self, verb: str, value: list[Any], depth: int) -> None:
        if isinstance(value, Bytes) and verb in "sqxX":
            self.write(string(self.spec, verb, bytes(value)) or b"")
            return
        sharp = self.spec.sharp_v
        between = b", " if sharp else b" "
        if sharp:
            if is_nil_slice(value):
                self.write(type_of(value).encode() + b"(nil)")
                return
            self.write(b"[]byte{" if depth == 0 and verb == "v" and isinstance(value, Bytes) else type_of(value).encode() + b"{")
        else:
            self.write(b"[")
        for position, item in enumerate(value):
            if position:
                self.write(between)
            self.value(verb, item, depth + 1)
        self.write(b"}" if sharp else b"]")

    def map(self, verb: str, value: dict[bytes, Any], depth: int) -> None:
        sharp = self.spec.sharp_v
        between = b", " if sharp else b" "
        if sharp and is_nil_map(value):
            self.write(type_of(value).encode() + b"(nil)")
            return
        self.write(type_of(value).encode() + b"{" if sharp else b"map[")
        for position, key in enumerate(sorted(value)):
            if position:
                self.write(between)
            self.leaf(verb, key, depth + 1)
            self.write(b":")
            self.value(verb, value[key], depth + 1)
        self.write(b"}" if sharp else b"]")

    def struct(self, verb: str, value: Object, depth: int) -> None:
        sharp = self.spec.sharp_v
        between = b", " if sharp else b" "
        if sharp:
            self.write(value.go_type.lstrip("*").encode())
        self.write(b"{")
        for position, (name, item) in enumerate(_fields(value).items()):
            if position:
                self.write(between)
            if sharp or self.spec.plus_v:
                self.write(name.encode() + b":")
            self.value(verb, item, depth + 1)
        self.write(b"}")

    def pointer(self, verb: str, value: Value) -> None:
        """`pp.fmtPointer`."""
        if not (isinstance(value, list | dict) or (isinstance(value, Object) and value.kind == "ptr")):
            self.bad_verb(verb, value)
            return
        spec, address = self.spec, _address(value)
        if verb == "v" and spec.sharp_v:
            self.write(b"(%b)(%b)" % (type_of(value).encode(), hexadecimal(spec, address, True) if address else b"nil"))
        elif verb == "v" and not address:
            self.write(pad(spec, _NIL))
        elif verb in "vp":
            self.write(hexadecimal(spec, address, not spec.sharp))
        elif verb in "bodxX":
            self.write(integer(spec, verb, address, signed=False) or b"")
        else:
            self.bad_verb(verb, value)

    def bad_verb(self, verb: str, value: Value) -> None:
        """`%!verb(type=value)`, the value printed by ``%v`` under the same flags and without its methods."""
        self.write(b"%!" + to_bytes(verb) + b"(")
        if value is None:
            self.write(_NIL)
        else:
            self.write(type_of(value).encode() + b"=")
            methods, self.methods = self.methods, False
            self.value("v", value, 0)
            self.methods = methods
        self.write(b")")

    def extra(self, values: Sequence[Value]) -> None:
        """Arguments that no verb has used."""
        self.write(b"%!(EXTRA ")
        for position, value in enumerate(values):
            if position:
                self.write(b", ")
            if value is None:
                self.write(_NIL)
                continue
            self.write(type_of(value).encode() + b"=")
            text = _scalar(self.spec, "v", value)
            if text is None:
                self.top("v", value)
            else:
                self.write(text)
        self.write(b")")


def _without_methods(spec: Spec, verb: str, value: Value) -> bytes | None:
    if isinstance(value, Sized):
        return integer(spec, verb, value, value.signed)
    return None if isinstance(value, Object) else _scalar(spec, verb, value)


def _fields(value: Object) -> Mapping[str, Value]:
    source = getattr(value, "private", None)
    return value.fields() if source is None else source()


def _address(value: Value) -> int:
    return 0 if is_nil_slice(value) or is_nil_map(value) else int(getattr(value, "address", _ADDRESS))
