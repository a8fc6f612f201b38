"""Distinguished names: how Go reads, prints and writes them (source: ``crypto/x509/parser.go: parseName``, ``crypto/x509/pkix``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from eso_core.template.errors import FunctionError
from eso_core.template.pki import der
from eso_core.template.pki.der import SEQUENCE, SET, Reader

COMMON_NAME = der.oid("2.5.4.3")

_SHORT: Mapping[bytes, str] = MappingProxyType(
    {
        der.oid(f"2.5.4.{arc}"): name
        for arc, name in (
            *((6, "C"), (8, "ST"), (7, "L"), (9, "STREET"), (17, "POSTALCODE")),
            *((10, "O"), (11, "OU"), (3, "CN"), (5, "SERIALNUMBER")),
        )
    }
)
_SINGLE = frozenset({"CN", "SERIALNUMBER"})
_PRINTABLE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'()+,-./ :=?")
_ALSO_READ = _PRINTABLE | frozenset(b"*&")
_PREFIX = "x509: invalid RDNSequence"


@dataclass(frozen=True, slots=True)
class Name:
    """The attributes in their order, as identifier and value."""

    attributes: tuple[tuple[bytes, str], ...] = ()

    def text(self) -> str:
        """``pkix.Name.String``: the common attributes in a fixed order, last first, and the others behind them."""
        known: dict[str, list[str]] = {name: [] for name in _SHORT.values()}
        others: list[list[str]] = []
        for identifier, value in self.attributes:
            name = _SHORT.get(identifier)
            if name is None:
                others.append([f"{der.dotted(identifier)}=#{_string(value).hex()}"])
            elif name in _SINGLE:
                known[name] = [value] if value else []
            else:
                known[name].append(value)
        parts = others + [[f"{name}={_escape(value)}" for value in values] for name, values in known.items() if values]
        return ",".join("+".join(part) for part in reversed(parts))


def parse_name(reader: Reader) -> Name:
    attributes = []
    name = reader.read(SEQUENCE, _PREFIX)
    while not name.empty:
        group = name.read(SET, _PREFIX)
        while not group.empty:
            pair = group.read(SEQUENCE, f"{_PREFIX}: invalid attribute")
            identifier = pair.object(f"{_PREFIX}: invalid attribute type")
            tag, value = pair.any(f"{_PREFIX}: invalid attribute value")
            attributes.append((identifier, _parse_string(tag, value.rest)))
    return Name(tuple(attributes))


def common_name(value: bytes) -> bytes:
    """The encoded name that has a common name alone; an empty one leaves the name empty (``Name.ToRDNSequence``)."""
    if not value:
        return der.sequence()
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise FunctionError("asn1: string not valid UTF-8") from None
    return der.sequence(der.tlv(SET, der.sequence(der.tlv(der.OBJECT, COMMON_NAME), _string(text))))


def _string(text: str) -> bytes:
    """A PrintableString where that can hold the text, else a UTF8String (``asn1.Marshal``)."""
    raw = text.encode()
    return der.tlv(der.PRINTABLE_STRING if _PRINTABLE.issuperset(raw) else der.UTF8_STRING, raw)


def _parse_string(tag: int, raw: bytes) -> str:
    """``parseASN1String``."""
    fault = f"{_PREFIX}: invalid attribute value: invalid "
    match tag:
        case der.T61_STRING:
            return raw.decode("latin-1")
        case der.PRINTABLE_STRING if _ALSO_READ.issuperset(raw):
            return raw.decode("ascii")
        case der.PRINTABLE_STRING:
            raise FunctionError(fault + "PrintableString")
        case der.UTF8_STRING:
            try:
                return raw.decode()
            except UnicodeDecodeError:
                raise FunctionError(fault + "UTF-8 string") from None
        case der.BMP_STRING:
            return _parse_bmp(raw, fault + "BMPString")
        case der.IA5_STRING if raw.isascii():
            return raw.decode("ascii")
        case der.IA5_STRING:
            raise FunctionError(fault + "IA5String")
        case der.NUMERIC_STRING if not raw.strip(b"0123456789 "):
            return raw.decode("ascii")
        case der.NUMERIC_STRING:
            raise FunctionError(fault + "NumericString")
        case _:
            raise FunctionError(f"{_PREFIX}: invalid attribute value: unsupported string type: ", str(tag))


def _parse_bmp(raw: bytes, fault: str) -> str:
    if len(raw) % 2:
        raise FunctionError(fault)
    if raw[-2:] == b"\0\0":
        raw = raw[:-2]
    try:
        text = raw.decode("utf-16-be")
    except UnicodeDecodeError:
        raise FunctionError(fault) from None
    if any(ord(rune) > 0xFFFD or 0xFDD0 <= ord(rune) <= 0xFDEF for rune in text):
        raise FunctionError(fault)
    return text


def _escape(value: str) -> str:
    """Source: ``pkix.RDNSequence.String``. ``last`` counts bytes there, so a space after a rune of many bytes is not the last one."""
    last, at, out = len(value.encode()) - 1, 0, []
    for rune in value:
        if rune in ',+"\\<>;' or (rune == " " and at in (0, last)) or (rune == "#" and at == 0):
            out.append("\\")
        out.append(rune)
        at += len(rune.encode())
    return "".join(out)
