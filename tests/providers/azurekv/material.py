"""Keys and certificates for tests, made once."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID

_rsa = lru_cache(lambda number: rsa.generate_private_key(65537, 2048))
_ec = lru_cache(lambda number: ec.generate_private_key(ec.SECP256R1()))


def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    return _rsa(number)


def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    return _ec(number)


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))


def certificate(number: int = 0) -> x509.Certificate:
    """Self-signed, of :func:`rsa_key`, for localhost."""
    return _certificate(number)


@lru_cache
def _certificate(number: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(rsa_key(number).public_key())
    builder = builder.serial_number(1000 + number).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    return builder.sign(rsa_key(number), hashes.SHA256())


def der(number: int = 0) -> bytes:
    return certificate(number).public_bytes(Encoding.DER)


def pem_pair(number: int = 0) -> bytes:
    """Key and certificate in one text."""
    return pem(rsa_key(number)) + certificate(number).public_bytes(Encoding.PEM)


def pfx(number: int = 0) -> bytes:
    return _pfx(number)


@lru_cache
def _pfx(number: int) -> bytes:
    return pkcs12.serialize_key_and_certificates(b"x", rsa_key(number), certificate(number), None, NoEncryption())
