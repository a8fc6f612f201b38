"""Making certificates (source: Go 1.26 ``crypto/x509: CreateCertificate``, with the template that ``sprig/crypto.go`` fills in).

Written by hand and not by ``cryptography``, which refuses what Go writes: an empty name, a validity that ends before it begins, serial
number zero. With an RSA or Ed25519 key the same arguments give the same bytes as Go; ECDSA signatures are random.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from cryptography.hazmat.primitives import hashes

from eso_core.template.errors import FunctionError
from eso_core.template.pki import der
from eso_core.template.pki.keys import ECDSA_OID, ED25519_OID, RSA_OID, DsaKey, EcKey, Ed25519Key, PrivateKey, RsaKey, X25519Key, sign
from eso_core.template.pki.names import common_name
from eso_core.template.printing import quoted

_SHA256_RSA = der.sequence(der.tlv(der.OBJECT, der.oid("1.2.840.113549.1.1.11")), der.tlv(der.NULL, b""))
_ECDSA: Mapping[str, tuple[bytes, type[hashes.HashAlgorithm]]] = MappingProxyType(
    {
        name: (der.sequence(der.tlv(der.OBJECT, der.oid(f"1.2.840.10045.4.3.{arc}"))), digest)
        for name, arc, digest in (
            *(("P224", 2, hashes.SHA256), ("P256", 2, hashes.SHA256)),
            *(("P384", 3, hashes.SHA384), ("P521", 4, hashes.SHA512)),
        )
    }
)
_PURE_ED25519 = der.sequence(der.tlv(der.OBJECT, ED25519_OID))
_USAGES = der.sequence(*(der.tlv(der.OBJECT, der.oid(f"1.3.6.1.5.5.7.3.{arc}")) for arc in (1, 2)))


@dataclass(frozen=True, slots=True)
class Request:
    """``x509.Certificate`` as a template: times in nanoseconds since the epoch."""

    common_name: bytes
    addresses: Sequence[bytes]
    names: Sequence[bytes]
    serial: int
    not_before: int
    not_after: int
    authority: bool = False


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: name, key identifier and public key as the certificate has them, and the private key."""

    subject: bytes
    subject_key: bytes
    public: tuple[object, ...] | None
    key: PrivateKey


def create(request: Request, key: PrivateKey, issuer: Issuer | None = None) -> bytes:
    """A certificate for the key, signed by ``issuer`` or by itself."""
    signer = issuer.key if issuer else key
    if not isinstance(signer, RsaKey | EcKey | Ed25519Key):
        raise FunctionError("x509: certificate private key does not implement crypto.Signer")
    algorithm, digest = _algorithm(signer)
    spki, bits = _public(key)
    subject = common_name(request.common_name)
    authority_key = issuer.subject_key if issuer and issuer.subject != subject else b""
    subject_key = hashlib.sha256(bits).digest()[:20] if request.authority else b""
    if issuer and issuer.public is not None and identity(signer) != issuer.public:
        raise FunctionError("x509: provided PrivateKey doesn't match parent's PublicKey")
    tbs = der.sequence(
        der.explicit(0, der.integer(2)),
        der.integer(request.serial),
        algorithm,
        issuer.subject if issuer else subject,
        der.sequence(_time(request.not_before), _time(request.not_after)),
        subject,
        spki,
        der.explicit(3, der.sequence(*_extensions(request, subject, subject_key, authority_key))),
    )
    return der.sequence(tbs, algorithm, der.bits(sign(signer, tbs, digest)))


def identity(key: PrivateKey) -> tuple[object, ...]:
    """The public half, as ``Certificate.public`` names it."""
    match key:
        case RsaKey():
            return "rsa", key.n, key.e
        case EcKey():
            return "ecdsa", key.curve.name, key.point
        case Ed25519Key():
            return "ed25519", key.public
        case DsaKey():
            return "dsa", key.y, key.p, key.q, key.g
        case X25519Key():
            return ("x25519",)


def _algorithm(key: RsaKey | EcKey | Ed25519Key) -> tuple[bytes, hashes.HashAlgorithm | None]:
    """``signingParamsForKey``."""
    match key:
        case RsaKey():
            return _SHA256_RSA, hashes.SHA256()
        case EcKey():
            algorithm, digest = _ECDSA[key.curve.name]
            return algorithm, digest()
        case Ed25519Key():
            return _PURE_ED25519, None


def _public(key: PrivateKey) -> tuple[bytes, bytes]:
    """``marshalPublicKey``: the whole, and the key alone."""
    match key:
        case RsaKey():
            algorithm, bits = der.tlv(der.OBJECT, RSA_OID) + der.tlv(der.NULL, b""), der.sequence(der.integer(key.n), der.integer(key.e))
        case EcKey():
            algorithm, bits = der.tlv(der.OBJECT, ECDSA_OID) + der.tlv(der.OBJECT, key.curve.oid), key.point
        case Ed25519Key():
            algorithm, bits = der.tlv(der.OBJECT, ED25519_OID), key.public
        case DsaKey():
            raise FunctionError("x509: unsupported public key type: *dsa.PublicKey")
        case X25519Key():
            raise FunctionError("x509: unsupported public key type: *ecdh.PublicKey")
    return der.sequence(der.sequence(algorithm), der.bits(bits)), bits


def _extensions(request: Request, subject: bytes, subject_key: bytes, authority_key: bytes) -> list[bytes]:
    """``buildCertExtensions``."""
    usage = der.bits(b"\xa4", 2) if request.authority else der.bits(b"\xa0", 5)
    out = [
        _extension("2.5.29.15", usage, critical=True),
        _extension("2.5.29.37", _USAGES),
        _extension("2.5.29.19", der.sequence(der.tlv(der.BOOLEAN, b"\xff") if request.authority else b""), critical=True),
    ]
    if subject_key:
        out.append(_extension("2.5.29.14", der.octets(subject_key)))
    if authority_key:
        out.append(_extension("2.5.29.35", der.sequence(der.tlv(0x80, authority_key))))
    if request.names or request.addresses:
        out.append(_extension("2.5.29.17", _alternatives(request), critical=subject == der.sequence()))
    return out


def _extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    flag = der.tlv(der.BOOLEAN, b"\xff") if critical else b""
    return der.sequence(der.tlv(der.OBJECT, der.oid(dotted)), flag, der.octets(value))


def _alternatives(request: Request) -> bytes:
    for name in request.names:
        if not name.isascii():
            raise FunctionError("x509: ", f"{quoted(name).decode()} cannot be encoded as an IA5String")
    return der.sequence(*(der.tlv(0x82, name) for name in request.names), *(der.tlv(0x87, _packed(one)) for one in request.addresses))


def _packed(address: bytes) -> bytes:
    """``net.IP.To4`` where there is one."""
    return address[12:] if address.startswith(bytes(10) + b"\xff\xff") else address


def _time(nanoseconds: int) -> bytes:
    """UTCTime from 1950 to 2049, GeneralizedTime else."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=nanoseconds // 1_000_000_000)
    if 1950 <= moment.year < 2050:
        return der.tlv(der.UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return der.tlv(der.GENERALIZED_TIME, f"{moment.year:04d}{moment:%m%d%H%M%S}Z".encode())
