"""Private keys as Go 1.26's ``crypto/x509`` reads and writes them (source: ``pkcs1.go``, ``pkcs8.go``, ``sec1.go``, ``crypto/rsa``).

A key is its numbers: writing one never needs more. ``cryptography`` is asked only to sign, to decrypt and for public points.
RSA keys of more than two primes are refused (Go reads and writes them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa, x25519

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.pki import asn1, der
from eso_core.template.pki.curves import BY_CLASS, BY_OID, Curve
from eso_core.template.pki.faults import final, prefixed

RSA_BITS_MAX = 16_384

RSA_OID, ECDSA_OID, DSA_OID = der.oid("1.2.840.113549.1.1.1"), der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10040.4.1")
ED25519_OID, X25519_OID = der.oid("1.3.101.112"), der.oid("1.3.101.110")


@dataclass(frozen=True, slots=True)
class RsaKey:
    go_type: ClassVar[str] = "*rsa.PrivateKey"
    n: int
    e: int
    d: int
    p: int
    q: int
    dp: int
    dq: int
    qinv: int

    @property
    def key(self) -> rsa.RSAPrivateKey:
        """The same in ``cryptography``; refused below the size that Go uses keys of."""
        if self.n.bit_length() < 1024:
            raise FunctionError(
                "crypto/rsa: ",
                f"{self.n.bit_length()}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)",
            )
        public = rsa.RSAPublicNumbers(self.e, self.n)
        numbers = rsa.RSAPrivateNumbers(self.p, self.q, self.d, self.dp, self.dq, self.qinv, public)
        try:
            return numbers.private_key(unsafe_skip_rsa_key_validation=True)
        except ValueError:
            raise FunctionError("crypto/rsa: invalid key") from None


@dataclass(frozen=True, slots=True)
class EcKey:
    go_type: ClassVar[str] = "*ecdsa.PrivateKey"
    curve: Curve
    scalar: int
    point: bytes


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    go_type: ClassVar[str] = "ed25519.PrivateKey"
    seed: bytes

    @property
    def public(self) -> bytes:
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class X25519Key:
    go_type: ClassVar[str] = "*ecdh.PrivateKey"
    seed: bytes


@dataclass(frozen=True, slots=True)
class DsaKey:
    go_type: ClassVar[str] = "*dsa.PrivateKey"
    p: int
    q: int
    g: int
    y: int
    x: int


PrivateKey: TypeAlias = RsaKey | EcKey | Ed25519Key | X25519Key | DsaKey

_BIG_OPTIONAL = asn1.Field("bigint", optional=True)
_PRIME = asn1.struct("pkcs1AdditionalRSAPrime", asn1.BIGINT, asn1.BIGINT, asn1.BIGINT)
_BIG, _INT = asn1.BIGINT, asn1.INT
PKCS1 = asn1.struct(
    "pkcs1PrivateKey",
    *(_INT, _BIG, _INT, _BIG, _BIG, _BIG),
    *(_BIG_OPTIONAL, _BIG_OPTIONAL, _BIG_OPTIONAL),
    asn1.Field("slice", element=_PRIME, optional=True),
)
PKCS8 = asn1.struct("pkcs8", _INT, asn1.ALGORITHM, asn1.OCTETS)
SEC1 = asn1.struct(
    "ecPrivateKey",
    *(_INT, asn1.OCTETS),
    asn1.Field("oid", "ObjectIdentifier", optional=True, explicit=True, tag=0),
    asn1.Field("bits", "BitString", optional=True, explicit=True, tag=1),
)
DSA = asn1.struct("DSAKeyFormat", _INT, _BIG, _BIG, _BIG, _BIG, _BIG)

_OTHERS = (
    (SEC1, "x509: failed to parse private key (use ParseECPrivateKey instead for this key format)"),
    (PKCS8, "x509: failed to parse private key (use ParsePKCS8PrivateKey instead for this key format)"),
    (PKCS1, "x509: failed to parse private key (use ParsePKCS1PrivateKey instead for this key format)"),
)


def parse_any(data: bytes) -> PrivateKey:
    """``pkcs12.go: parsePrivateKey`` of the reference."""
    for parse in (parse_pkcs1, parse_pkcs8, parse_ec):
        try:
            return parse(data)
        except FunctionError as error:
            if final(error):
                raise
    raise FunctionError("unable to parse private key type")


def parse_pkcs1(data: bytes) -> RsaKey:
    (version, n, e, d, p, q, dp, dq, qinv, others), rest = _read(data, PKCS1)
    if rest:
        raise FunctionError("asn1: syntax error: trailing data")
    if version > 1:
        raise FunctionError("x509: unsupported private key version")
    if min(n, d, p, q) <= 0 or any(value is not None and value <= 0 for value in (dp, dq, qinv)):
        raise FunctionError("x509: private key contains zero or negative value")
    if any(prime <= 0 for prime, _, _ in others):
        raise FunctionError("x509: private key contains zero or negative prime")
    if others:
        raise FunctionError("crypto/rsa: keys of more than two primes are not supported")
    return rsa_key(n, e, d, p, q, (dp, dq, qinv))


def parse_pkcs8(data: bytes) -> PrivateKey:
    (_, (algorithm, parameters), body), _ = _read(data, PKCS8)
    if algorithm == RSA_OID:
        try:
            return parse_pkcs1(body)
        except FunctionError as error:
            raise prefixed("x509: failed to parse RSA private key embedded in PKCS#8: ", error) from None
    if algorithm == ECDSA_OID:
        try:
            return parse_ec(body, _curve_named(parameters.full))
        except FunctionError as error:
            raise prefixed("x509: failed to parse EC private key embedded in PKCS#8: ", error) from None
    if algorithm in (ED25519_OID, X25519_OID):
        return _parse_edwards(algorithm, parameters, body)
    raise FunctionError("x509: PKCS#8 wrapping contained private key with unknown algorithm: ", der.dotted(algorithm))


def parse_ec(data: bytes, named: bytes | None = None) -> EcKey:
    """``named``: the identifier of the curve that stands outside of the key."""
    try:
        (version, body, own, _), _ = asn1.unmarshal(data, SEC1)
    except FunctionError as error:
        for other, text in reversed(_OTHERS[1:]):
            if not _fits(data, other):
                continue
            raise FunctionError(text) from None
        raise prefixed("x509: failed to parse EC private key: ", error) from None
    if version != 1:
        raise FunctionError("x509: unknown EC private key version ", str(version))
    curve = BY_OID.get(own if named is None else named)
    if curve is None:
        raise FunctionError("x509: unknown elliptic curve")
    size = (curve.order.bit_length() + 7) // 8
    if any(body[: max(0, len(body) - size)]):
        raise FunctionError("x509: invalid private key length")
    return ec_key(curve, int.from_bytes(body, "big"))


def parse_pem(kind: bytes, data: bytes) -> PrivateKey:
    """``sprig/crypto.go: parsePrivateKeyPEM``, once the block is decoded."""
    if kind == b"PRIVATE KEY":
        return _prefixed("decoding PEM as PKCS#8: ", parse_pkcs8, data)
    if not kind.endswith(b" PRIVATE KEY"):
        raise FunctionError("no private key data in PEM block of type ", _shown(kind))
    match kind[: -len(b" PRIVATE KEY")]:
        case b"RSA":
            return _prefixed("parsing RSA private key from PEM: ", parse_pkcs1, data)
        case b"EC":
            return _prefixed("parsing EC private key from PEM: ", parse_ec, data)
        case b"DSA":
            return _prefixed("parsing DSA private key from PEM: ", _parse_dsa, data)
        case _:
            raise FunctionError("invalid private key type ", _shown(kind))


def marshal_pkcs1(key: RsaKey) -> bytes:
    numbers = (0, key.n, key.e, key.d, key.p, key.q, key.dp, key.dq, key.qinv)
    return der.sequence(*map(der.integer, numbers))


def marshal_pkcs8(key: PrivateKey) -> bytes:
    match key:
        case RsaKey():
            algorithm, body = (der.tlv(der.OBJECT, RSA_OID), der.tlv(der.NULL, b"")), marshal_pkcs1(key)
        case EcKey():
            algorithm = (der.tlv(der.OBJECT, ECDSA_OID), der.tlv(der.OBJECT, key.curve.oid))
            body = marshal_ec(key, named=False)
        case Ed25519Key():
            algorithm, body = (der.tlv(der.OBJECT, ED25519_OID), b""), der.octets(key.seed)
        case X25519Key():
            algorithm, body = (der.tlv(der.OBJECT, X25519_OID), b""), der.octets(key.seed)
        case DsaKey():
            raise FunctionError("x509: unknown key type while marshaling PKCS#8: *dsa.PrivateKey")
    return der.sequence(der.integer(0), der.sequence(*algorithm), der.octets(body))


def marshal_ec(key: EcKey, named: bool = True) -> bytes:
    curve = der.explicit(0, der.tlv(der.OBJECT, key.curve.oid)) if named else b""
    size = (key.curve.order.bit_length() + 7) // 8
    return der.sequence(der.integer(1), der.octets(key.scalar.to_bytes(size, "big")), curve, der.explicit(1, der.bits(key.point)))


def pem_form(key: PrivateKey) -> tuple[bytes, bytes]:
    """``sprig/crypto.go: pemBlockForKey``: type and content."""
    match key:
        case RsaKey():
            return b"RSA PRIVATE KEY", marshal_pkcs1(key)
        case DsaKey():
            return b"DSA PRIVATE KEY", der.sequence(*map(der.integer, (0, key.p, key.q, key.g, key.y, key.x)))
        case EcKey():
            return b"EC PRIVATE KEY", marshal_ec(key)
        case _:
            return b"PRIVATE KEY", marshal_pkcs8(key)


def rsa_key(n: int, e: int, d: int, p: int, q: int, crt: tuple[int | None, int | None, int | None]) -> RsaKey:
    """``rsa.PrivateKey.Precompute`` and ``Validate``."""
    if n.bit_length() > RSA_BITS_MAX or max(p, q).bit_length() > RSA_BITS_MAX:
        raise LimitExceeded(f"an RSA key of more than {RSA_BITS_MAX} bits")
    dp, dq, qinv = crt
    if min(n, p, q) <= 1:
        raise FunctionError("modulus must be > 1")
    _below(d, n)
    if dp is None or dq is None or qinv is None:
        if min(p, q) <= 2:
            raise FunctionError("modulus must be > 1")
        if p % 2 == 0:
            raise FunctionError("crypto/rsa: p is even")
        dp, dq, qinv = d % (p - 1), d % (q - 1), _inverse(q, p)
    else:
        _below(qinv, p)
    key = RsaKey(n, e, d, p, q, dp, dq, qinv)
    _check_public(n, e)
    _check_primes(key)
    return key


def ec_key(curve: Curve, scalar: int) -> EcKey:
    """``ecdsa.ParseRawPrivateKey``."""
    if scalar % curve.order == 0:
        raise FunctionError("ecdsa: invalid public key encoding")
    if scalar >= curve.order:
        raise FunctionError("input overflows the modulus")
    return EcKey(curve, scalar, curve.multiply(scalar))


def from_generated(key: Any) -> PrivateKey:
    """The numbers of a key of ``cryptography``."""
    match key:
        case rsa.RSAPrivateKey():
            r = key.private_numbers()
            return RsaKey(r.public_numbers.n, r.public_numbers.e, r.d, r.p, r.q, r.dmp1, r.dmq1, r.iqmp)
        case ec.EllipticCurvePrivateKey():
            return ec_key(BY_CLASS[key.curve.name], key.private_numbers().private_value)
        case ed25519.Ed25519PrivateKey():
            return Ed25519Key(key.private_bytes_raw())
        case dsa.DSAPrivateKey():
            s = key.private_numbers()
            group = s.public_numbers.parameter_numbers
            return DsaKey(group.p, group.q, group.g, s.public_numbers.y, s.x)
        case _:
            raise TypeError(f"no private key: {type(key).__name__}")


def x25519_public(seed: bytes) -> bytes:
    return x25519.X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def effort(key: PrivateKey) -> int:
    """How many times as long as with a common key it takes to sign or decrypt: the cube of the size, from 4096 bits of RSA on."""
    return max(1, (key.n.bit_length() // 4096) ** 3) if isinstance(key, RsaKey) else 1


def decrypt_oaep(key: RsaKey, cipher: bytes, digest: hashes.HashAlgorithm) -> bytes:
    """``rsa.DecryptOAEP`` without a label. A text shorter than the modulus counts as led by zeros."""
    private, size = key.key, (key.n.bit_length() + 7) // 8
    if len(cipher) > size or size < digest.digest_size * 2 + 2:
        raise FunctionError("crypto/rsa: decryption error")
    try:
        return private.decrypt(cipher.rjust(size, b"\0"), padding.OAEP(padding.MGF1(digest), digest, None))
    except ValueError:
        raise FunctionError("crypto/rsa: decryption error") from None


def sign(key: RsaKey | EcKey | Ed25519Key, message: bytes, digest: hashes.HashAlgorithm | None) -> bytes:
    match key:
        case RsaKey():
            return key.key.sign(message, padding.PKCS1v15(), digest or hashes.SHA256())
        case EcKey():
            private = ec.derive_private_key(key.scalar, key.curve.curve)
            return private.sign(message, ec.ECDSA(digest or hashes.SHA256()))
        case Ed25519Key():
            return ed25519.Ed25519PrivateKey.from_private_bytes(key.seed).sign(message)


def _prefixed(prefix: str, parse: Any, data: bytes) -> PrivateKey:
    try:
        parsed: PrivateKey = parse(data)
    except FunctionError as error:
        raise prefixed(prefix, error) from None
    return parsed


def _shown(kind: bytes) -> str:
    return kind.decode("utf-8", "surrogateescape")


def _read(data: bytes, field: asn1.Field) -> tuple[Any, bytes]:
    """A key of this format; if it is one of another, the error says which function of Go's reads that."""
    try:
        return asn1.unmarshal(data, field)
    except FunctionError:
        for other, text in _OTHERS:
            if other is not field and _fits(data, other):
                raise FunctionError(text) from None
        raise


def _fits(data: bytes, field: asn1.Field) -> bool:
    try:
        asn1.unmarshal(data, field)
    except FunctionError:
        return False
    return True


def _curve_named(parameters: bytes) -> bytes | None:
    try:
        named: bytes = asn1.unmarshal(parameters, asn1.OID)[0]
    except FunctionError:
        return None
    return named


def _parse_edwards(algorithm: bytes, parameters: asn1.Raw, body: bytes) -> PrivateKey:
    name = "Ed25519" if algorithm == ED25519_OID else "X25519"
    if parameters.full:
        raise FunctionError(f"x509: invalid {name} private key parameters")
    try:
        seed: bytes = asn1.unmarshal(body, asn1.OCTETS)[0]
    except FunctionError as error:
        raise prefixed(f"x509: invalid {name} private key: ", error) from None
    if algorithm == ED25519_OID:
        if len(seed) != 32:
            raise FunctionError("x509: invalid Ed25519 private key length: ", str(len(seed)))
        return Ed25519Key(seed)
    if len(seed) != 32:
        raise FunctionError("crypto/ecdh: invalid private key size")
    return X25519Key(seed)


def _parse_dsa(data: bytes) -> DsaKey:
    (_, *numbers), _ = asn1.unmarshal(data, DSA)
    return DsaKey(*numbers)


def _below(value: int, modulus: int) -> None:
    """``bigmod.Nat.SetBytes``."""
    if value >= modulus:
        words = (modulus.bit_length() + 63) // 64
        raise FunctionError("input overflows the modulus size" if value.bit_length() > 64 * words else "input overflows the modulus")


def _inverse(value: int, modulus: int) -> int:
    try:
        return pow(value, -1, modulus)
    except ValueError:
        return 0


def _check_public(n: int, e: int) -> None:
    if n % 2 == 0:
        raise FunctionError("crypto/rsa: public modulus is even")
    if e < 2:
        raise FunctionError("crypto/rsa: public exponent too small or negative")
    if e % 2 == 0:
        raise FunctionError("crypto/rsa: public exponent is even")
    if e > 2**31 - 1:
        raise FunctionError("crypto/rsa: public exponent too large")


def _check_primes(key: RsaKey) -> None:
    """``crypto/internal/fips140/rsa: checkPrivateKey``."""
    n, p, q = key.n, key.p, key.q
    if p >= n or q >= n:
        raise FunctionError("crypto/rsa: invalid prime")
    if p * q % n:
        raise FunctionError("crypto/rsa: p * q != n")
    for prime, exponent in ((p, key.dp), (q, key.dq)):
        if prime <= 2:
            raise FunctionError("crypto/rsa: invalid prime")
        if exponent >= prime - 1 or key.e * exponent % (prime - 1) != 1:
            raise FunctionError("crypto/rsa: invalid CRT exponent")
    if q * key.qinv % p != 1:
        raise FunctionError("crypto/rsa: invalid CRT coefficient")
    for name, prime, exponent in (("P", p, key.dp), ("Q", q, key.dq)):
        if key.d % (prime - 1) != exponent:
            raise FunctionError(f"crypto/rsa: d does not match d{name}")
    if p == q:
        raise FunctionError("crypto/rsa: p == q")
    half = n.bit_length() // 2
    if abs(p - q).bit_length() <= half - 100:
        raise FunctionError("crypto/rsa: |p - q| too small")
    if key.d.bit_length() <= half:
        raise FunctionError("crypto/rsa: d too small")
