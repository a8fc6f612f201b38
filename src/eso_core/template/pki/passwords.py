"""Encryption under a password, as PKCS#12 has it: key derivation and ciphers.

Source: ``software.sslmate.com/src/go-pkcs12`` 0.7.0 (``pbkdf.go``, ``crypto.go``, ``mac.go``), RFC 7292 appendix B, RFC 8018.

Iterations are the writer's choice and may be chosen to hurt: they are counted over a whole file and paid for before they run.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from eso_core.compat.text import go_text
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import Meter
from eso_core.template.pki import asn1, der, rc2
from eso_core.template.pki.faults import Panic, prefixed

ITERATIONS_MAX = 1_000_000
ITERATION_COST = 12  # of a template's work: a fraction of what it takes
RC2_COST = 400  # the same, for each byte
DERIVED_MAX = 1 << 16

PBES2_OID, PBKDF2_OID, PBMAC1_OID = der.oid("1.2.840.113549.1.5.13"), der.oid("1.2.840.113549.1.5.12"), der.oid("1.2.840.113549.1.5.14")
SHA256_OID, HMAC_SHA256_OID, AES256_OID = (
    der.oid("2.16.840.1.101.3.4.2.1"),
    der.oid("1.2.840.113549.2.9"),
    der.oid("2.16.840.1.101.3.4.1.42"),
)
_TRIPLE_DES, _RC2_128, _RC2_40 = (der.oid(f"1.2.840.113549.1.12.1.{arc}") for arc in (3, 5, 6))

_PBE: Mapping[bytes, int] = MappingProxyType({_TRIPLE_DES: 24, _RC2_128: 16, _RC2_40: 5})
_PRF: Mapping[bytes, str] = MappingProxyType(
    {b"": "sha1", der.oid("1.2.840.113549.2.7"): "sha1", HMAC_SHA256_OID: "sha256", der.oid("1.2.840.113549.2.11"): "sha512"}
)
_AES: Mapping[bytes, int] = MappingProxyType(
    {AES256_OID: 32, der.oid("2.16.840.1.101.3.4.1.22"): 24, der.oid("2.16.840.1.101.3.4.1.2"): 16}
)
_DIGESTS: Mapping[bytes, tuple[str, int]] = MappingProxyType(
    {der.oid("1.3.14.3.2.26"): ("sha1", 20), SHA256_OID: ("sha256", 32), der.oid("2.16.840.1.101.3.4.2.3"): ("sha512", 64)}
)

_HASHES: Mapping[str, Callable[..., hashlib._Hash]] = MappingProxyType(
    {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}
)

_PBE_PARAMS = asn1.struct("pbeParams", asn1.OCTETS, asn1.INT)
_PBES2_PARAMS = asn1.struct("pbes2Params", asn1.ALGORITHM, asn1.ALGORITHM)
_PBMAC1_PARAMS = asn1.struct("pbmac1Params", asn1.ALGORITHM, asn1.ALGORITHM)
_OPTIONAL_ALGORITHM = asn1.struct("AlgorithmIdentifier", *asn1.ALGORITHM.fields, optional=True)
_PBKDF2_PARAMS = asn1.struct("pbkdf2Params", asn1.RAW, asn1.INT, asn1.Field("int", "int", optional=True), _OPTIONAL_ALGORITHM)


class Password:
    """A password in the forms that the algorithms want, and what is left of the iterations.

    ``wide`` is UCS-2 with a terminator; :meth:`emptied` has none, as some writers take an empty password.
    """

    __slots__ = ("_left", "_meter", "narrow", "wide")

    def __init__(self, raw: bytes, meter: Meter) -> None:
        text = go_text(raw)
        self.wide, self.narrow = ucs2(text) + b"\0\0", text.encode()
        self._left, self._meter = ITERATIONS_MAX, meter

    @property
    def empty(self) -> bool:
        return self.wide == b"\0\0"

    def emptied(self) -> None:
        self.wide = b""

    def spend(self, iterations: int) -> None:
        self._left -= iterations
        if self._left < 0:
            raise LimitExceeded(f"a PKCS#12 file of more than {ITERATIONS_MAX} iterations")
        self._meter.spend(iterations * ITERATION_COST)

    def spend_rc2(self, size: int) -> None:
        self._meter.spend(size * RC2_COST)

    def derive(self, digest: str, salt: bytes, iterations: int, purpose: int, size: int) -> bytes:
        """RFC 7292, B.2; ``purpose`` 1 is a key, 2 an initial vector, 3 the key of a MAC."""
        make = _HASHES[digest]
        width, block = make().digest_size, make().block_size
        self.spend(max(1, iterations) * -(-size // width))
        state = bytearray(_filled(salt, block) + _filled(self.wide, block))
        out = b""
        while True:
            hashed = make(bytes((purpose,)) * block + state).digest()
            for _ in range(1, iterations):
                hashed = make(hashed).digest()
            out += hashed
            if len(out) >= size:
                return out[:size]
            step = int.from_bytes(_filled(hashed, block)[:block], "big") + 1
            for at in range(0, len(state), block):
                moved = int.from_bytes(state[at : at + block], "big") + step
                state[at : at + block] = (moved & ((1 << 8 * block) - 1)).to_bytes(block, "big")

    def derive_pbkdf2(self, digest: str, salt: bytes, iterations: int, size: int) -> bytes:
        if size > DERIVED_MAX:
            raise LimitExceeded(f"a key of more than {DERIVED_MAX} bytes")
        width = _HASHES[digest]().digest_size
        self.spend(max(1, iterations) * -(-size // width))
        return hashlib.pbkdf2_hmac(digest, self.narrow, salt, max(1, iterations), size)


def ucs2(text: str) -> bytes:
    """``bmpString``."""
    if text and max(text) > "\uffff":
        raise FunctionError("pkcs12: string contains characters that cannot be encoded in UCS-2")
    return text.encode("utf-16-be")


def decrypt(algorithm: tuple[bytes, asn1.Raw], data: bytes, password: Password) -> bytes:
    """``pbDecrypt``."""
    identifier, parameters = algorithm
    cipher: Cipher[CBC] | None
    if identifier == PBES2_OID:
        cipher, size = _aes(*pbes2_key(parameters.full, password)), 16
    elif identifier in _PBE:
        salt, iterations = strict(parameters.full, _PBE_PARAMS)
        key = password.derive("sha1", salt, iterations, 1, _PBE[identifier])
        iv, size = password.derive("sha1", salt, iterations, 2, 8), 8
        cipher = Cipher(TripleDES(key), CBC(iv)) if identifier == _TRIPLE_DES else None
    else:
        raise FunctionError("pkcs12: pbe algorithm ", f"{der.dotted(identifier)} is not supported")
    if not data:
        raise FunctionError("pkcs12: empty encrypted data")
    if len(data) % size:
        raise FunctionError("pkcs12: input is not a multiple of the block size")
    if cipher is None:
        password.spend_rc2(len(data))
        plain = rc2.decrypt(key, iv, data)
    else:
        decryptor = cipher.decryptor()
        plain = decryptor.update(data) + decryptor.finalize()
    padding = plain[-1]
    if not 1 <= padding <= size or plain[-padding:] != plain[-1:] * padding:
        raise FunctionError("pkcs12: decryption error, incorrect padding")
    return plain[:-padding]


def encrypt_aes(key: bytes, iv: bytes, data: bytes) -> bytes:
    padding = 16 - len(data) % 16
    encryptor = _aes(key, iv).encryptor()
    return encryptor.update(data + bytes((padding,)) * padding) + encryptor.finalize()


def pbes2_key(parameters: bytes, password: Password) -> tuple[bytes, bytes]:
    """``pbes2CipherFor``: key and initial vector."""
    (kdf, kdf_parameters), (scheme, scheme_parameters) = strict(parameters, _PBES2_PARAMS)
    if kdf != PBKDF2_OID:
        raise FunctionError("pkcs12: pbes2 kdf algorithm ", f"{der.dotted(kdf)} is not supported")
    salt, iterations, _, (prf, _) = strict(kdf_parameters.full, _PBKDF2_PARAMS)
    if salt.tag != der.OCTET_STRING:
        raise FunctionError("pkcs12: only octet string salts are supported for pbes2/pbkdf2")
    if prf not in _PRF:
        raise FunctionError("pkcs12: pbes2 prf ", f"{der.dotted(prf)} is not supported")
    if scheme not in _AES:
        raise FunctionError("pkcs12: pbes2 algorithm ", f"{der.dotted(scheme)} is not supported")
    return password.derive_pbkdf2(_PRF[prf], salt.body, iterations, _AES[scheme]), scheme_parameters.body


def mac(algorithm: tuple[bytes, asn1.Raw], salt: bytes, iterations: int, message: bytes, password: Password) -> bytes:
    """``doMac``."""
    identifier, parameters = algorithm
    if identifier == PBMAC1_OID:
        return _pbmac1(parameters.full, message, password)
    if identifier not in _DIGESTS:
        raise FunctionError("pkcs12: MAC digest algorithm not supported: ", der.dotted(identifier))
    digest, size = _DIGESTS[identifier]
    return hmac.digest(password.derive(digest, salt, iterations, 3, size), message, digest)


def strict(data: bytes, field: asn1.Field) -> Any:
    """``unmarshal`` of go-pkcs12: nothing may follow."""
    value, rest = asn1.unmarshal(data, field)
    if rest:
        raise FunctionError("pkcs12: trailing data found")
    return value


def _pbmac1(parameters: bytes, message: bytes, password: Password) -> bytes:
    try:
        (kdf, kdf_parameters), (digest, _) = strict(parameters, _PBMAC1_PARAMS)
    except FunctionError as error:
        raise prefixed("error decoding PBMAC1 parameters: ", error) from None
    if kdf != PBKDF2_OID:
        raise FunctionError("pkcs12: PBMAC1 KDF algorithm ", f"{der.dotted(kdf)} is not supported")
    salt, iterations, size, (prf, _) = strict(kdf_parameters.full, _PBKDF2_PARAMS)
    if salt.tag != der.OCTET_STRING:
        raise FunctionError("pkcs12: only octet string salts are supported for PBMAC1/PBKDF2")
    if prf not in _PRF:
        raise FunctionError("pkcs12: PBMAC1 PRF ", f"{der.dotted(prf)} is not supported")
    if not digest or digest not in _PRF:
        raise FunctionError("pkcs12: PBMAC1 MAC algorithm ", f"{der.dotted(digest)} is not supported")
    if size <= 0:
        raise FunctionError("pkcs12: PBMAC1 requires explicit KeyLength parameter in PBKDF2 parameters")
    return hmac.digest(password.derive_pbkdf2(_PRF[prf], salt.body, iterations, size), message, _PRF[digest])


def _aes(key: bytes, iv: bytes) -> Cipher[CBC]:
    if len(iv) != 16:
        raise Panic("cipher.NewCBCDecrypter: IV length must equal block size")
    return Cipher(AES(key), CBC(iv))


def _filled(pattern: bytes, block: int) -> bytes:
    """``pattern`` repeated to whole blocks."""
    if not pattern:
        return b""
    size = -(-len(pattern) // block) * block
    return (pattern * -(-size // len(pattern)))[:size]
