"""A certificate as Go 1.26's ``crypto/x509: ParseCertificate`` reads it: what it accepts, what it refuses and in which words.

Read are the parts that templates can see: the whole, the names, the key, the key identifiers and the alternative names. The other
extensions are checked only. Sizes are bounded: see ``CERTIFICATE_MAX``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from eso_core.compat.text import quote
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.pki import der
from eso_core.template.pki.curves import BY_OID
from eso_core.template.pki.der import GENERALIZED_TIME, OCTET_STRING, SEQUENCE, UTC_TIME, Reader
from eso_core.template.pki.extensions import CHECKS, Extension, Names, authority_key, subject_key, subject_names
from eso_core.template.pki.keys import DSA_OID, ECDSA_OID, ED25519_OID, RSA_OID
from eso_core.template.pki.names import Name, parse_name

CERTIFICATE_MAX = 1 << 18

_ALT_NAMES, _SUBJECT_KEY, _AUTHORITY_KEY = der.oid("2.5.29.17"), der.oid("2.5.29.14"), der.oid("2.5.29.35")


@dataclass(frozen=True, slots=True)
class Certificate:
    """``public`` identifies the key; None for an algorithm that Go does not know."""

    raw: bytes = field(repr=False)
    subject: Name
    raw_subject: bytes
    public: tuple[object, ...] | None
    subject_key: bytes | None = None
    authority_key: bytes | None = None
    names: Names = field(default_factory=Names)


def parse(data: bytes) -> Certificate:
    """``x509.ParseCertificate``."""
    found = parse_first(data)
    if len(found.raw) != len(data):
        raise FunctionError("x509: trailing data")
    return found


def parse_all(data: bytes) -> list[Certificate]:
    """``x509.ParseCertificates``: certificates one after the other."""
    found = []
    while data:
        found.append(parse_first(data))
        data = data[len(found[-1].raw) :]
    return found


def parse_first(data: bytes) -> Certificate:
    outer = Reader(data).element(SEQUENCE, "x509: malformed certificate")
    raw = outer.rest
    if len(raw) > CERTIFICATE_MAX:
        raise LimitExceeded(f"a certificate of more than {CERTIFICATE_MAX} bytes")
    whole = outer.read(SEQUENCE, "x509: malformed certificate")
    tbs = whole.read(SEQUENCE, "x509: malformed tbs certificate")
    version = _version(tbs)
    if tbs.integer("x509: malformed serial number") < 0:
        raise FunctionError("x509: negative serial number")
    _signature_algorithm(tbs, whole)
    parse_name(tbs.element(SEQUENCE, "x509: malformed issuer"))
    _validity(tbs.read(SEQUENCE, "x509: malformed validity"))
    subject_reader = tbs.element(SEQUENCE, "x509: malformed issuer")
    raw_subject = subject_reader.rest
    subject = parse_name(subject_reader)
    public = _public_key(tbs.read(SEQUENCE, "x509: malformed spki"))
    found = {}
    if version > 1:
        _skip(tbs, 0x81, "x509: malformed issuerUniqueID")
        _skip(tbs, 0x82, "x509: malformed subjectUniqueID")
        if version == 3:
            found = _extensions(tbs)
    subject_id = authority_id = None
    names = Names()
    for extension in found.values():
        match extension.oid:
            case ext if ext == _ALT_NAMES:
                names = subject_names(extension)
            case ext if ext == _SUBJECT_KEY:
                subject_id = subject_key(extension)
            case ext if ext == _AUTHORITY_KEY:
                authority_id = authority_key(extension)
            case ext:
                if (check := CHECKS.get(ext)) is not None:
                    check(extension)
    whole.bits("x509: malformed signature")
    return Certificate(raw, subject, raw_subject, public, subject_id, authority_id, names)


def _version(tbs: Reader) -> int:
    fault = "x509: malformed version"
    inner = tbs.optional(0xA0, fault)
    if inner is None:
        return 1
    version = inner.integer(fault, bits=64)
    if not inner.empty or version < 0:
        raise FunctionError(fault)
    if version > 2:
        raise FunctionError("x509: invalid version")
    return version + 1


def _signature_algorithm(tbs: Reader, whole: Reader) -> None:
    inner = tbs.read(SEQUENCE, "x509: malformed signature algorithm identifier")
    outer = whole.read(SEQUENCE, "x509: malformed algorithm identifier")
    if inner.rest != outer.rest:
        raise FunctionError("x509: inner and outer signature algorithm identifiers don't match")
    _algorithm(inner)


def _algorithm(reader: Reader) -> tuple[bytes, bytes]:
    """Identifier and parameters."""
    identifier = reader.object("x509: malformed OID")
    if reader.empty:
        return identifier, b""
    at = reader.at
    reader.any("x509: malformed parameters")
    return identifier, reader.data[at : reader.at]


def _validity(reader: Reader) -> None:
    for _ in range(2):
        if reader.peek(UTC_TIME):
            fault = "x509: malformed UTCTime"
            _time(reader.read(UTC_TIME, fault).rest, 2, (12, 10), fault)
        elif reader.peek(GENERALIZED_TIME):
            fault = "x509: malformed GeneralizedTime"
            _time(reader.read(GENERALIZED_TIME, fault).rest, 4, (14,), fault)
        else:
            raise FunctionError("x509: unsupported time format")


def _time(raw: bytes, year_size: int, sizes: tuple[int, ...], fault: str) -> None:
    """As many digits as one of ``sizes`` says, then ``Z`` or an offset other than zero; such that Go prints the time as it was."""
    size = next((size for size in sizes if raw[:size].isdigit() and not raw[size : size + 1].isdigit()), 0)
    if not size or not _zone(raw[size:]):
        raise FunctionError(fault)
    month, day, hour, minute, second = [*(int(raw[at : at + 2]) for at in range(year_size, size, 2)), 0][:5]
    try:
        datetime(2000 + int(raw[:year_size]) % 400, month, day, hour, minute, second)  # noqa: DTZ001 (years repeat after 400)
    except ValueError:
        raise FunctionError(fault) from None


def _zone(raw: bytes) -> bool:
    if raw == b"Z":
        return True
    if len(raw) != 5 or raw[:1] not in (b"+", b"-") or not raw[1:].isdigit():
        return False
    hours, minutes = int(raw[1:3]), int(raw[3:])
    return hours <= 24 and minutes < 60 and (hours, minutes) != (0, 0)


def _public_key(spki: Reader) -> tuple[object, ...] | None:
    identifier, parameters = _algorithm(spki.read(SEQUENCE, "x509: malformed public key algorithm identifier"))
    body = spki.bits("x509: malformed subjectPublicKey")
    match identifier:
        case oid if oid == RSA_OID:
            return _rsa(parameters, body)
        case oid if oid == ECDSA_OID:
            curve = BY_OID.get(Reader(parameters).object("x509: invalid ECDSA parameters"))
            if curve is None:
                raise FunctionError("x509: unsupported elliptic curve")
            if body[:1] != b"\x04":
                raise FunctionError("ecdsa: invalid uncompressed public key")
            curve.check(body)
            return "ecdsa", curve.name, body
        case oid if oid == ED25519_OID:
            if parameters:
                raise FunctionError("x509: Ed25519 key encoded with illegal parameters")
            if len(body) != 32:
                raise FunctionError("x509: wrong Ed25519 public key size")
            return "ed25519", body
        case oid if oid == DSA_OID:
            return _dsa(parameters, body)
        case _:
            return None


def _rsa(parameters: bytes, body: bytes) -> tuple[object, ...]:
    if parameters != b"\x05\x00":
        raise FunctionError("x509: RSA key missing NULL parameters")
    inner = Reader(body).read(SEQUENCE, "x509: invalid RSA public key")
    modulus = inner.integer("x509: invalid RSA modulus")
    exponent = inner.integer("x509: invalid RSA public exponent", bits=64)
    if modulus <= 0:
        raise FunctionError("x509: RSA modulus is not a positive number")
    if exponent <= 0:
        raise FunctionError("x509: RSA public exponent is not a positive number")
    return "rsa", modulus, exponent


def _dsa(parameters: bytes, body: bytes) -> tuple[object, ...]:
    y = Reader(body).integer("x509: invalid DSA public key")
    fault = "x509: invalid DSA parameters"
    group = Reader(parameters).read(SEQUENCE, fault)
    numbers = (group.integer(fault), group.integer(fault), group.integer(fault))
    if min(y, *numbers) <= 0:
        raise FunctionError("x509: zero or negative DSA parameter")
    return "dsa", y, *numbers


def _skip(reader: Reader, tag: int, fault: str) -> None:
    reader.optional(tag, fault)


def _extensions(tbs: Reader) -> dict[bytes, Extension]:
    """The extensions by identifier, in their order."""
    found: dict[bytes, Extension] = {}
    wrapper = tbs.optional(0xA3, "x509: malformed extensions")
    if wrapper is None:
        return found
    reader = wrapper.read(SEQUENCE, "x509: malformed extensions")
    while not reader.empty:
        entry = reader.read(SEQUENCE, "x509: malformed extension")
        identifier = entry.object("x509: malformed extension OID field")
        critical = entry.peek(der.BOOLEAN) and entry.boolean("x509: malformed extension critical field")
        value = entry.read(OCTET_STRING, "x509: malformed extension value field").rest
        if identifier in found:
            raise FunctionError("x509: certificate contains duplicate extension with OID ", quote(der.dotted(identifier)))
        found[identifier] = Extension(identifier, critical, value)
    return found
