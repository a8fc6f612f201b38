"""PKCS#12 files: what is read and refused, in whose words (source: ``software.sslmate.com/src/go-pkcs12`` 0.7.0, ``pkcs12.go``).

A file holds one or two safes with bags: one private key, and certificates of which the first counts as the key's. Written are files
with certificates encrypted (PBES2, AES-256-CBC) in the first safe and the encrypted key in the second (``Modern2023``).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.limits import Meter
from eso_core.template.pki import asn1, der
from eso_core.template.pki.certificate import Certificate, parse_all
from eso_core.template.pki.faults import prefixed
from eso_core.template.pki.keys import PrivateKey, marshal_pkcs8, parse_pkcs8
from eso_core.template.pki.passwords import (
    AES256_OID,
    HMAC_SHA256_OID,
    PBES2_OID,
    PBKDF2_OID,
    SHA256_OID,
    Password,
    decrypt,
    encrypt_aes,
    mac,
    strict,
    ucs2,
)

FILE_MAX = 1 << 19
ITERATIONS, SALT = 2048, 16

_DATA, _ENCRYPTED = der.oid("1.2.840.113549.1.7.1"), der.oid("1.2.840.113549.1.7.6")
_KEY_BAG, _SHROUDED_BAG, _CERT_BAG = (der.oid(f"1.2.840.113549.1.12.10.1.{arc}") for arc in (1, 2, 3))
_X509, _FRIENDLY, _LOCAL_KEY = der.oid("1.2.840.113549.1.9.22.1"), der.oid("1.2.840.113549.1.9.20"), der.oid("1.2.840.113549.1.9.21")
_JAVA_TRUSTED, _ANY_USAGE = der.oid("2.16.840.1.113894.746875.1.1"), der.oid("2.5.29.37.0")

_CONTENT = asn1.struct("contentInfo", asn1.OID, asn1.Field("raw", "RawValue", optional=True, explicit=True, tag=0))
_MAC = asn1.struct(
    "macData",
    asn1.struct("digestInfo", asn1.ALGORITHM, asn1.OCTETS),
    asn1.OCTETS,
    asn1.Field("int", "int", optional=True, default=1),
    optional=True,
)
_PFX = asn1.struct("pfxPdu", asn1.INT, _CONTENT, _MAC)
_ENCRYPTED_INFO = asn1.struct("encryptedContentInfo", asn1.OID, asn1.ALGORITHM, asn1.Field("octets", optional=True, tag=0))
_ENCRYPTED_DATA = asn1.struct("encryptedData", asn1.INT, _ENCRYPTED_INFO)
_ATTRIBUTE = asn1.struct("pkcs12Attribute", asn1.OID, asn1.Field("raw", "RawValue", set=True))
_BAG = asn1.struct(
    "safeBag",
    asn1.OID,
    asn1.Field("raw", "RawValue", explicit=True, tag=0),
    asn1.Field("slice", element=_ATTRIBUTE, set=True, optional=True),
)
_CERTIFICATE = asn1.struct("certBag", asn1.OID, asn1.Field("octets", explicit=True, tag=0))
_SHROUDED = asn1.struct("encryptedPrivateKeyInfo", asn1.ALGORITHM, asn1.OCTETS)


@dataclass(frozen=True, slots=True)
class Contents:
    key: PrivateKey
    certificate: Certificate
    others: tuple[Certificate, ...]


def decode_chain(data: bytes, password: bytes, meter: Meter) -> Contents:
    """``DecodeChain``."""
    if len(data) > FILE_MAX:
        raise LimitExceeded(f"a PKCS#12 file of more than {FILE_MAX} bytes")
    word = Password(password, meter)
    key: PrivateKey | None = None
    found: list[Certificate] = []
    for identifier, value, _ in _bags(data, word):
        if identifier == _CERT_BAG:
            found.append(_certificate(value.body))
        elif identifier in (_KEY_BAG, _SHROUDED_BAG):
            if key is not None:
                raise FunctionError("pkcs12: expected exactly one key bag")
            key = parse_pkcs8(value.body) if identifier == _KEY_BAG else _shrouded(value.body, word)
    if not found:
        raise FunctionError("pkcs12: certificate missing")
    if key is None:
        raise FunctionError("pkcs12: private key missing")
    return Contents(key, found[0], tuple(found[1:]))


def _bags(data: bytes, password: Password) -> Iterable[Any]:
    """``getSafeContents``."""
    try:
        version, (content_type, content), mac_data = strict(data, _PFX)
    except FunctionError as error:
        raise prefixed("pkcs12: error reading P12 data: ", error) from None
    if version != 3:
        raise FunctionError("pkcs12: can only decode v3 PFX PDU's")
    if content_type != _DATA:
        raise FunctionError("pkcs12: only password-protected PFX is implemented")
    safe = strict(content.body, asn1.RAW).body
    _verify(mac_data, safe, password)
    safes = strict(safe, asn1.Field("slice", element=_CONTENT))
    if not 1 <= len(safes) <= 2:
        raise FunctionError("pkcs12: expected between 1 and 2 items in the authenticated safe, but this file has ", str(len(safes)))
    bags: list[Any] = []
    for kind, body in safes:
        bags += strict(_safe(kind, body.body, password), asn1.Field("slice", element=_BAG))
    return bags


def _safe(kind: bytes, body: bytes, password: Password) -> bytes:
    if kind == _DATA:
        plain: bytes = strict(body, asn1.OCTETS)
        return plain
    if kind != _ENCRYPTED:
        raise FunctionError("pkcs12: only data and encryptedData content types are supported in authenticated safe")
    version, (_, algorithm, content) = strict(body, _ENCRYPTED_DATA)
    if version != 0:
        raise FunctionError("pkcs12: only version 0 of EncryptedData is supported")
    return decrypt(algorithm, content, password)


def _verify(mac_data: Any, safe: bytes, password: Password) -> None:
    """An empty password is tried in both of its forms; without MAC only an empty one will do."""
    (algorithm, digest), salt, iterations = mac_data
    if not algorithm[0]:
        if not password.empty:
            raise FunctionError("pkcs12: no MAC in data")
        return
    if hmac.compare_digest(digest, mac(algorithm, salt, iterations, safe, password)):
        return
    if password.empty:
        password.emptied()
        if hmac.compare_digest(digest, mac(algorithm, salt, iterations, safe, password)):
            return
    raise FunctionError("pkcs12: decryption password incorrect")


def _certificate(data: bytes) -> Certificate:
    try:
        kind, body = strict(data, _CERTIFICATE)
    except FunctionError as error:
        raise prefixed("pkcs12: error decoding cert bag: ", error) from None
    if kind != _X509:
        raise FunctionError("pkcs12: only X509 certificates are supported in cert bags")
    found = parse_all(body)
    if len(found) != 1:
        raise FunctionError("pkcs12: expected exactly one certificate in the certBag")
    return found[0]


def _shrouded(data: bytes, password: Password) -> PrivateKey:
    """``decodePkcs8ShroudedKeyBag``."""
    algorithm, body = _step("pkcs12: error decoding PKCS#8 shrouded key bag: ", lambda: strict(data, _SHROUDED))
    plain = _step("pkcs12: error decrypting PKCS#8 shrouded key bag: ", lambda: decrypt(algorithm, body, password))
    _step("pkcs12: error unmarshaling decrypted private key: ", lambda: strict(plain, asn1.RAW))
    key: PrivateKey = _step("pkcs12: error parsing PKCS#8 private key: ", lambda: parse_pkcs8(plain))
    return key


def _step(prefix: str, run: Callable[[], Any]) -> Any:
    try:
        return run()
    except FunctionError as error:
        raise prefixed(prefix, error) from None


# --- writing ---------------------------------------------------------------------------------------------------------------------


class Writer:
    """``Modern2023``: one file, with its password and its randomness."""

    __slots__ = ("_password", "_token")

    def __init__(self, password: bytes, meter: Meter, token: Callable[[int], bytes]) -> None:
        self._password, self._token = Password(password, meter), token

    def encode(self, key: PrivateKey, certificate: Certificate, others: Sequence[Certificate]) -> bytes:
        """``Encoder.Encode``: salts and vectors are drawn in Go's order, the key's first."""
        local = _attribute(_LOCAL_KEY, der.octets(hashlib.sha1(certificate.raw, usedforsecurity=False).digest()))
        bags = [_certificate_bag(certificate, [local]), *(_certificate_bag(one, []) for one in others)]
        algorithm, body = self._encrypted(_step("pkcs12: error encoding PKCS#8 private key: ", lambda: marshal_pkcs8(key)))
        key_bag = _bag(_SHROUDED_BAG, der.sequence(algorithm, der.octets(body)), [local])
        safes = [self._certificates(bags), _content(_DATA, der.octets(der.sequence(key_bag)))]
        return self._file(der.sequence(*safes))

    def encode_trust_store(self, certificates: Sequence[Certificate]) -> bytes:
        """``Encoder.EncodeTrustStore``: each certificate is named by its subject and marked as Java's trust stores mark them."""
        trusted = _attribute(_JAVA_TRUSTED, der.tlv(der.OBJECT, _ANY_USAGE))
        bags = []
        for one in certificates:
            friendly = _attribute(_FRIENDLY, der.tlv(der.BMP_STRING, ucs2(one.subject.text())))
            bags.append(_certificate_bag(one, [trusted, friendly]))
        return self._file(der.sequence(self._certificates(bags)))

    def _certificates(self, bags: Sequence[bytes]) -> bytes:
        algorithm, body = self._encrypted(der.sequence(*bags))
        info = der.sequence(der.tlv(der.OBJECT, _DATA), algorithm, der.tlv(der.CONTEXT, body))
        return _content(_ENCRYPTED, der.sequence(der.integer(0), info))

    def _encrypted(self, data: bytes) -> tuple[bytes, bytes]:
        """The algorithm with its parameters, and the text."""
        salt, iv = self._token(SALT), self._token(16)
        prf = der.sequence(der.tlv(der.OBJECT, HMAC_SHA256_OID))
        kdf = der.sequence(der.tlv(der.OBJECT, PBKDF2_OID), der.sequence(der.octets(salt), der.integer(ITERATIONS), prf))
        scheme = der.sequence(der.tlv(der.OBJECT, AES256_OID), der.octets(iv))
        algorithm = der.sequence(der.tlv(der.OBJECT, PBES2_OID), der.sequence(kdf, scheme))
        return algorithm, encrypt_aes(self._password.derive_pbkdf2("sha256", salt, ITERATIONS, 32), iv, data)

    def _file(self, safe: bytes) -> bytes:
        salt = self._token(SALT)
        digest = mac((SHA256_OID, asn1.Raw()), salt, ITERATIONS, safe, self._password)
        info = der.sequence(der.sequence(der.tlv(der.OBJECT, SHA256_OID)), der.octets(digest))
        mac_data = der.sequence(info, der.octets(salt), der.integer(ITERATIONS))
        return der.sequence(der.integer(3), _content(_DATA, der.octets(safe)), mac_data)


def _content(kind: bytes, body: bytes) -> bytes:
    return der.sequence(der.tlv(der.OBJECT, kind), der.explicit(0, body))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(der.tlv(der.OBJECT, kind), der.tlv(der.SET, value))


def _bag(kind: bytes, body: bytes, attributes: Sequence[bytes]) -> bytes:
    return der.sequence(der.tlv(der.OBJECT, kind), der.explicit(0, body), der.set_of(attributes))


def _certificate_bag(certificate: Certificate, attributes: Sequence[bytes]) -> bytes:
    body = der.sequence(der.tlv(der.OBJECT, _X509), der.explicit(0, der.octets(certificate.raw)))
    return _bag(_CERT_BAG, body, attributes)
