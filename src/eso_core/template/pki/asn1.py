"""Go's ``encoding/asn1``: ``Unmarshal`` of DER into a struct, with its leniencies and the texts of its errors (source: ``asn1.go``).

A struct is described by a :class:`Field` and read to a tuple of the values of its fields:

==================  ==============================================================
Go                  here
==================  ==============================================================
int, *big.Int       ``int``; an absent ``*big.Int`` is None
ObjectIdentifier    ``bytes``: the encoded identifier, empty when absent
BitString, []byte   ``bytes``
RawValue            :class:`Raw`
struct, slice       ``tuple``, ``list``
==================  ==============================================================

Elements after the last field of a struct are ignored; an optional field whose tag does not match is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from eso_core.template.errors import FunctionError
from eso_core.template.pki.der import is_minimal, oid_arcs, right_align


class Raw(NamedTuple):
    """``asn1.RawValue``."""

    klass: int = 0
    tag: int = 0
    compound: bool = False
    body: bytes = b""
    full: bytes = b""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct; ``kind`` is ``int``, ``bigint``, ``oid``, ``bits``, ``octets``, ``raw``, ``struct`` or ``slice``."""

    kind: str
    name: str = ""
    fields: tuple[Field, ...] = ()
    element: Field | None = None
    optional: bool = False
    explicit: bool = False
    set: bool = False
    tag: int | None = None
    default: int | None = None


def struct(name: str, *fields: Field, optional: bool = False) -> Field:
    return Field("struct", name, fields, optional=optional)


INT, BIGINT, OID, OCTETS, RAW = (
    Field("int", "int"),
    Field("bigint"),
    Field("oid", "ObjectIdentifier"),
    Field("octets"),
    Field("raw", "RawValue"),
)
ALGORITHM = struct("AlgorithmIdentifier", OID, Field("raw", "RawValue", optional=True))

_TAGS: Mapping[str, int] = MappingProxyType({"int": 2, "bigint": 2, "oid": 6, "bits": 3, "octets": 4, "struct": 16, "slice": 16, "raw": -1})
_ZERO: Mapping[str, Any] = MappingProxyType({"int": 0, "bigint": None, "oid": b"", "bits": b"", "octets": b"", "raw": Raw()})


def unmarshal(data: bytes, field: Field) -> tuple[Any, bytes]:
    """The value and what follows it."""
    value, at = _parse(field, data, 0)
    return value, data[at:]


class _Header(NamedTuple):
    klass: int
    tag: int
    length: int
    compound: bool

    def __str__(self) -> str:
        return f"{{class:{self.klass} tag:{self.tag} length:{self.length} isCompound:{str(self.compound).lower()}}}"


def _syntax(text: str) -> NoReturn:
    raise FunctionError(f"asn1: syntax error: {text}")


def _structural(text: str, detail: str = "") -> NoReturn:
    raise FunctionError(f"asn1: structure error: {text}", detail)


def _zero(field: Field) -> Any:
    if field.kind == "struct":
        return tuple(_zero(inner) for inner in field.fields)
    if field.kind == "slice":
        return []
    return field.default if field.default is not None else _ZERO[field.kind]


def _parse(field: Field, data: bytes, start: int) -> tuple[Any, int]:
    """``parseField``."""
    if start == len(data):
        if not field.optional:
            _syntax("sequence truncated")
        return _zero(field), start
    header, at = _header(data, start)
    if field.explicit:
        if at == len(data):
            _structural("explicit tag has no child")
        if header.klass != 2 or header.tag != field.tag or not (header.length == 0 or header.compound):
            if not field.optional:
                _structural("explicitly tagged member didn't match")
            return _zero(field), start
        if field.kind != "raw":
            if not header.length:
                _structural("zero length explicit tag was not an asn1.Flag")
            header, at = _header(data, at)
    if not _matches(field, header):
        if not field.optional:
            _mismatch(field, header, at)
        return _zero(field), start
    stop = at + header.length
    if stop > len(data):
        _syntax("data truncated")
    if field.kind == "raw":
        return Raw(header.klass, header.tag, header.compound, data[at:stop], data[start:stop]), stop
    return _value(field, data[at:stop]), stop


def _expected(field: Field) -> tuple[int, int]:
    """Class and tag."""
    if field.tag is not None and not field.explicit:
        return 2, field.tag
    return 0, 17 if field.set else _TAGS[field.kind]


def _matches(field: Field, header: _Header) -> bool:
    if field.kind == "raw":
        return field.explicit or field.tag is None or (header.klass, header.tag) == _expected(field)
    return (header.klass, header.tag) == _expected(field) and header.compound == (field.kind in ("struct", "slice"))


def _mismatch(field: Field, header: _Header, at: int) -> NoReturn:
    flags = f"optional:false explicit:{str(field.explicit).lower()} application:false private:false"
    pointers = f"defaultValue:<nil> tag:{'<nil>' if field.tag is None else '0xc000010000'}"
    params = f"{{{flags} {pointers} stringType:0 timeType:0 set:{str(field.set).lower()} omitEmpty:false}}"
    _structural("tags don't match ", f"({_expected(field)[1]} vs {header}) {params} {field.name} @{at}")


def _value(field: Field, body: bytes) -> Any:
    match field.kind:
        case "octets":
            return body
        case "oid":
            return _object(body)
        case "int" | "bigint":
            return _integer(body, field.kind == "int")
        case "bits":
            return _bits(body)
        case "struct":
            values, at = [], 0
            for inner in field.fields:
                value, at = _parse(inner, body, at)
                values.append(value)
            return tuple(values)
        case _:
            return _slice(field, body)


def _slice(field: Field, body: bytes) -> list[Any]:
    """``parseSequenceOf``: the tags of all elements are checked before any is read."""
    element = field.element or RAW
    at, starts = 0, []
    while at < len(body):
        starts.append(at)
        header, at = _header(body, at)
        if not _matches(element, header):
            _structural("sequence tag mismatch")
        at += header.length
        if at > len(body):
            _syntax("truncated sequence")
    return [_parse(element, body, start)[0] for start in starts]


def _integer(body: bytes, small: bool) -> int:
    if not body:
        _structural("empty integer")
    if not is_minimal(body):
        _structural("integer not minimally-encoded")
    if small and len(body) > 8:
        _structural("integer too large")
    return int.from_bytes(body, "big", signed=True)


def _object(body: bytes) -> bytes:
    if not body:
        _syntax("zero length OBJECT IDENTIFIER")
    if oid_arcs(body) is None:
        at = 0
        while at < len(body):
            _, at = _base128(body, at)
    return body


def _bits(body: bytes) -> bytes:
    if not body:
        _syntax("zero length BIT STRING")
    aligned = right_align(body)
    if aligned is None:
        _syntax("invalid padding bits in BIT STRING")
    return aligned


def _base128(data: bytes, at: int) -> tuple[int, int]:
    """``parseBase128Int``."""
    value = 0
    for shifted in range(6):
        if at >= len(data):
            break
        if shifted == 5:
            _structural("base 128 integer too large")
        byte = data[at]
        if shifted == 0 and byte == 0x80:
            _syntax("integer is not minimally encoded")
        value, at = value << 7 | byte & 0x7F, at + 1
        if byte < 0x80:
            if value >= 1 << 31:
                _structural("base 128 integer too large")
            return value, at
    _syntax("truncated base 128 integer")


def _header(data: bytes, at: int) -> tuple[_Header, int]:
    """``parseTagAndLength``."""
    first = data[at]
    at += 1
    tag = first & 0x1F
    if tag == 0x1F:
        tag, at = _base128(data, at)
        if tag < 0x1F:
            _syntax("non-minimal tag")
    if at >= len(data):
        _syntax("truncated tag or length")
    length = data[at]
    at += 1
    if length >= 0x80:
        length, at = _long_length(data, at, length & 0x7F)
    return _Header(first >> 6, tag, length, bool(first & 0x20)), at


def _long_length(data: bytes, at: int, size: int) -> tuple[int, int]:
    if not size:
        _syntax("indefinite length found (not DER)")
    length = 0
    for _ in range(size):
        if at >= len(data):
            _syntax("truncated tag or length")
        if length >= 1 << 23:
            _structural("length too large")
        length, at = length << 8 | data[at], at + 1
        if not length:
            _structural("superfluous leading zeros in length")
    if length < 0x80:
        _structural("non-minimal length")
    return length, at
