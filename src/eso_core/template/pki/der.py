"""Writing DER, and reading it as ``golang.org/x/crypto/cryptobyte`` does.

Objects are named by the bytes of their identifier, not by the dotted text: comparing needs no decoding.
"""

from __future__ import annotations

from collections.abc import Iterable

from eso_core.template.errors import FunctionError

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OBJECT = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, NUMERIC_STRING, PRINTABLE_STRING, T61_STRING, IA5_STRING, BMP_STRING = 0x0C, 0x12, 0x13, 0x14, 0x16, 0x1E
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
CONTEXT, CONSTRUCTED = 0x80, 0x20


def tlv(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def sequence(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, b"".join(parts))


def set_of(parts: Iterable[bytes]) -> bytes:
    """A SET OF: its elements in the order of their encodings."""
    return tlv(SET, b"".join(sorted(parts)))


def explicit(number: int, body: bytes) -> bytes:
    return tlv(CONTEXT | CONSTRUCTED | number, body)


def integer(value: int) -> bytes:
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(body: bytes) -> bytes:
    return tlv(OCTET_STRING, body)


def bits(body: bytes, unused: int = 0) -> bytes:
    return tlv(BIT_STRING, bytes((unused,)) + body)


def oid(dotted: str) -> bytes:
    """The bytes of an object identifier, without tag and length."""
    first, second, *others = map(int, dotted.split("."))
    return b"".join(_base128(arc) for arc in (first * 40 + second, *others))


def oid_arcs(raw: bytes) -> list[int] | None:
    """The arcs of an identifier; None unless each is written in its shortest form and fits 31 bits."""
    if not raw or raw[-1] & 0x80:
        return None
    arcs: list[int] = []
    arc, fresh = 0, True
    for byte in raw:
        if (fresh and byte == 0x80) or arc >= 1 << 24:
            return None
        arc, fresh = arc << 7 | byte & 0x7F, not byte & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    top = min(arcs[0] // 40, 2)
    return [top, arcs[0] - 40 * top, *arcs[1:]]


def dotted(raw: bytes) -> str:
    return ".".join(map(str, oid_arcs(raw) or ()))


def _base128(arc: int) -> bytes:
    out = [arc & 0x7F]
    while arc := arc >> 7:
        out.append(0x80 | arc & 0x7F)
    return bytes(reversed(out))


class Reader:
    """``cryptobyte.String``: what is left of a text. Each reading either advances or raises the fault that it is given."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    @property
    def empty(self) -> bool:
        return self.at >= self.end

    @property
    def rest(self) -> bytes:
        return self.data[self.at : self.end]

    def peek(self, tag: int) -> bool:
        return self.at < self.end and self.data[self.at] == tag

    def any(self, fault: str) -> tuple[int, Reader]:
        """The next element, whatever its tag: tag and content."""
        header = self._header()
        if header is None:
            raise FunctionError(fault)
        start, stop = header
        tag = self.data[self.at]
        self.at = stop
        return tag, Reader(self.data, start, stop)

    def read(self, tag: int, fault: str) -> Reader:
        """The content of the next element, which has this tag."""
        if not self.peek(tag):
            raise FunctionError(fault)
        return self.any(fault)[1]

    def element(self, tag: int, fault: str) -> Reader:
        """The next element as a whole."""
        at = self.at
        self.read(tag, fault)
        return Reader(self.data, at, self.at)

    def optional(self, tag: int, fault: str) -> Reader | None:
        return self.read(tag, fault) if self.peek(tag) else None

    def object(self, fault: str) -> bytes:
        raw = self.read(OBJECT, fault).rest
        if oid_arcs(raw) is None:
            raise FunctionError(fault)
        return raw

    def integer(self, fault: str, tag: int = INTEGER, bits: int = 0) -> int:
        """``bits``: 0 for any size, else the size of the signed type that it must fit."""
        raw = self.read(tag, fault).rest
        if not is_minimal(raw) or (bits and len(raw) * 8 > bits):
            raise FunctionError(fault)
        return int.from_bytes(raw, "big", signed=True)

    def boolean(self, fault: str) -> bool:
        raw = self.read(BOOLEAN, fault).rest
        if raw not in (b"\0", b"\xff"):
            raise FunctionError(fault)
        return raw != b"\0"

    def bits(self, fault: str) -> bytes:
        """A BIT STRING as ``asn1.BitString.RightAlign`` gives it."""
        raw = self.read(BIT_STRING, fault).rest
        aligned = right_align(raw)
        if aligned is None:
            raise FunctionError(fault)
        return aligned

    def _header(self) -> tuple[int, int] | None:
        """Where the content of the next element begins and ends."""
        data, at = self.data, self.at
        if self.end - at < 2 or data[at] & 0x1F == 0x1F:
            return None
        length, start = data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            start += size
            if not 1 <= size <= 4 or start > self.end:
                return None
            length = int.from_bytes(data[at + 2 : start], "big")
            if length < 0x80 or data[at + 2] == 0:
                return None
        return (start, start + length) if start + length <= self.end else None


def is_minimal(raw: bytes) -> bool:
    """Whether an INTEGER is written in its shortest form."""
    if len(raw) < 2:
        return bool(raw)
    return not ((raw[0] == 0 and raw[1] < 0x80) or (raw[0] == 0xFF and raw[1] >= 0x80))


def right_align(raw: bytes) -> bytes | None:
    """The value of a BIT STRING; None where its padding is not allowed."""
    if not raw or raw[0] > 7 or (raw[0] and (len(raw) == 1 or raw[-1] & ((1 << raw[0]) - 1))):
        return None
    if not raw[0]:
        return raw[1:]
    return (int.from_bytes(raw[1:], "big") >> raw[0]).to_bytes(len(raw) - 1, "big")
