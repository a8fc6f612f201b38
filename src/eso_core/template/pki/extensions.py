"""The extensions of a certificate (source: Go 1.26 ``crypto/x509/parser.go: processExtensions``)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from returns.result import Success

from eso_core.compat.gourl import Url, parse_url
from eso_core.compat.text import quote
from eso_core.template.errors import FunctionError
from eso_core.template.pki import der
from eso_core.template.pki.der import OBJECT, OCTET_STRING, SEQUENCE, Reader
from eso_core.template.printing import quoted


@dataclass(frozen=True, slots=True)
class Extension:
    oid: bytes
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Names:
    """Subject alternative names, as text."""

    dns: tuple[bytes, ...] = ()
    ips: tuple[bytes, ...] = ()
    emails: tuple[bytes, ...] = ()
    uris: tuple[bytes, ...] = ()


def subject_names(extension: Extension) -> Names:
    """``parseSANExtension``."""
    found: dict[int, list[bytes]] = {1: [], 2: [], 6: [], 7: []}
    reader = Reader(extension.value).read(SEQUENCE, "x509: invalid subject alternative names")
    while not reader.empty:
        tag, content = reader.any("x509: invalid subject alternative name")
        raw, kind = content.rest, tag ^ 0x80
        if kind == 7:
            found[7].append(_address(raw))
        elif kind in _TEXTUAL:
            if not raw.isascii():
                raise FunctionError(f"x509: SAN {_TEXTUAL[kind]} is malformed")
            found[kind].append(_uri(raw) if kind == 6 else raw)
    return Names(tuple(found[2]), tuple(found[7]), tuple(found[1]), tuple(found[6]))


def subject_key(extension: Extension) -> bytes:
    if extension.critical:
        raise FunctionError("x509: subject key identifier incorrectly marked critical")
    return Reader(extension.value).read(OCTET_STRING, "x509: invalid subject key identifier").rest


def authority_key(extension: Extension) -> bytes | None:
    """The key identifier; None where the extension has none."""
    fault = "x509: invalid authority key identifier"
    if extension.critical:
        raise FunctionError("x509: authority key identifier incorrectly marked critical")
    inner = Reader(extension.value).read(SEQUENCE, fault)
    return inner.read(0x80, fault).rest if inner.peek(0x80) else None


def show_address(packed: bytes) -> bytes:
    """``net.IP.String`` of 4 or 16 bytes."""
    if len(packed) == 16 and packed.startswith(bytes(10) + b"\xff\xff"):
        packed = packed[12:]
    return str(ipaddress.ip_address(packed)).encode()


_TEXTUAL: Mapping[int, str] = MappingProxyType({1: "rfc822Name", 2: "dNSName", 6: "uniformResourceIdentifier"})


def _address(raw: bytes) -> bytes:
    if len(raw) not in (4, 16):
        raise FunctionError("x509: cannot parse IP address of length ", str(len(raw)))
    return show_address(raw)


def _uri(raw: bytes) -> bytes:
    parsed = parse_url(raw)
    shown = quote(raw.decode("ascii"))
    if not isinstance(parsed, Success):
        raise FunctionError("x509: cannot parse URI ", f"{shown}: {parsed.failure()}")
    uri: Url = parsed.unwrap()
    if uri.host and not _domain(uri.host, constraint=False):
        raise FunctionError("x509: cannot parse URI ", f"{shown}: invalid domain")
    return uri.text()


def _key_usage(extension: Extension) -> None:
    Reader(extension.value).bits("x509: invalid key usage")


def _basic_constraints(extension: Extension) -> None:
    fault = "x509: invalid basic constraints"
    inner = Reader(extension.value).read(SEQUENCE, fault)
    if inner.peek(der.BOOLEAN):
        inner.boolean(fault)
    if inner.peek(der.INTEGER) and not 0 <= inner.integer(fault) < 1 << 63:
        raise FunctionError(fault)


def _extended_usage(extension: Extension) -> None:
    fault = "x509: invalid extended key usages"
    inner = Reader(extension.value).read(SEQUENCE, fault)
    while not inner.empty:
        inner.object(fault)


def _policies(extension: Extension) -> None:
    fault = "x509: invalid certificate policies"
    inner = Reader(extension.value).read(SEQUENCE, fault)
    seen = set()
    while not inner.empty:
        raw = inner.read(SEQUENCE, fault).read(OBJECT, fault).rest
        if raw in seen or not _minimal_object(raw):
            raise FunctionError(fault)
        seen.add(raw)


def _minimal_object(raw: bytes) -> bool:
    """``newOIDFromDER``: arcs of any size, each in its shortest form."""
    return bool(raw) and raw[-1] < 0x80 and raw[0] != 0x80 and not re.search(rb"[\x00-\x7f]\x80", raw)


def _policy_mappings(extension: Extension) -> None:
    fault = "x509: invalid policy mappings extension"
    inner = Reader(extension.value).read(SEQUENCE, fault)
    while not inner.empty:
        pair = inner.read(SEQUENCE, fault)
        pair.read(OBJECT, fault)
        pair.read(OBJECT, fault)


def _policy_constraints(extension: Extension) -> None:
    fault = "x509: invalid policy constraints extension"
    inner = Reader(extension.value).read(SEQUENCE, fault)
    for tag in (0x80, 0x81):
        if inner.peek(tag):
            inner.integer(fault, tag, bits=64)


def _inhibit_any(extension: Extension) -> None:
    Reader(extension.value).integer("x509: invalid inhibit any policy extension", bits=64)


def _distribution_points(extension: Extension) -> None:
    inner = Reader(extension.value).read(SEQUENCE, "x509: invalid CRL distribution points")
    fault = "x509: invalid CRL distribution point"
    while not inner.empty:
        name = inner.read(SEQUENCE, fault).optional(0xA0, fault)
        if name is None:
            continue
        uris = name.read(0xA0, fault)
        while uris.peek(0x86):
            uris.read(0x86, fault)


def _authority_information(extension: Extension) -> None:
    if extension.critical:
        raise FunctionError("x509: authority info access incorrectly marked critical")
    fault = "x509: invalid authority info access"
    inner = Reader(extension.value).read(SEQUENCE, fault)
    while not inner.empty:
        entry = inner.read(SEQUENCE, fault)
        entry.object(fault)
        entry.optional(0x86, fault)


def _name_constraints(extension: Extension) -> None:
    fault = "x509: invalid NameConstraints extension"
    outer = Reader(extension.value)
    inner = outer.read(SEQUENCE, fault)
    if not outer.empty:
        raise FunctionError(fault)
    trees = [inner.optional(tag, fault) for tag in (0xA0, 0xA1)]
    if not inner.empty:
        raise FunctionError(fault)
    if all(tree is None or tree.empty for tree in trees):
        raise FunctionError("x509: empty name constraints extension")
    for tree in trees:
        while tree is not None and not tree.empty:
            _constraint(*tree.read(SEQUENCE, fault).any(fault))


def _constraint(tag: int, content: Reader) -> None:
    raw = content.rest
    if tag == 0x87:
        if len(raw) not in (8, 32):
            raise FunctionError("x509: IP constraint contained value of length ", str(len(raw)))
        mask = raw[len(raw) // 2 :]
        ones = int.from_bytes(mask, "big") ^ ((1 << len(mask) * 8) - 1)
        if ones & (ones + 1):
            raise FunctionError("x509: IP constraint contained invalid mask ", mask.hex())
    elif tag in _CONSTRAINED:
        if not raw.isascii():
            raise FunctionError("x509: invalid constraint value: x509: ", f"{quoted(raw).decode()} cannot be encoded as an IA5String")
        _constrained_name(_CONSTRAINED[tag], raw)


_CONSTRAINED: Mapping[int, str] = MappingProxyType({0x82: "dnsName", 0x81: "rfc822Name", 0x86: "URI"})
_MAILBOX = re.compile(
    rb"""(?:"(?:\\[^\n\r]|[^"\\\r\n\x00])*"|[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@(.+)"""
)


def _constrained_name(kind: str, raw: bytes) -> None:
    shown = quote(raw.decode("ascii"))
    if kind == "URI" and _is_address(raw):
        raise FunctionError("x509: failed to parse URI constraint ", f"{shown}: cannot be IP address")
    if kind == "rfc822Name" and b"@" in raw:
        mailbox = _MAILBOX.fullmatch(raw)
        valid = mailbox is not None and _domain(mailbox[1], constraint=False)
    else:
        valid = _domain(raw, constraint=True)
    if not valid:
        raise FunctionError(f"x509: failed to parse {kind} constraint ", shown)


def _is_address(raw: bytes) -> bool:
    return parse_address(raw) is not None


def parse_address(raw: bytes) -> bytes | None:
    """``net.ParseIP``: 4 or 16 bytes."""
    if not raw.isascii() or b"%" in raw or b"/" in raw:
        return None
    try:
        return ipaddress.ip_address(raw.decode("ascii")).packed
    except ValueError:
        return None


def _domain(raw: bytes, *, constraint: bool) -> bool:
    """``domainNameValid``."""
    if not raw:
        return True
    if raw.endswith(b"."):
        return False
    if constraint and raw.startswith(b"."):
        raw = raw[1:]
    return all(33 <= byte <= 126 for byte in raw) and all(raw.split(b"."))


CHECKS: Mapping[bytes, Callable[[Extension], None]] = MappingProxyType(
    {
        der.oid("2.5.29.15"): _key_usage,
        der.oid("2.5.29.19"): _basic_constraints,
        der.oid("2.5.29.30"): _name_constraints,
        der.oid("2.5.29.31"): _distribution_points,
        der.oid("2.5.29.32"): _policies,
        der.oid("2.5.29.33"): _policy_mappings,
        der.oid("2.5.29.36"): _policy_constraints,
        der.oid("2.5.29.37"): _extended_usage,
        der.oid("2.5.29.54"): _inhibit_any,
        der.oid("1.3.6.1.5.5.7.1.1"): _authority_information,
    }
)
