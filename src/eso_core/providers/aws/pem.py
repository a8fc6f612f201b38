"""PEM of certificates as AWS Certificate Manager takes and gives them."""

from __future__ import annotations

from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from eso_core.template.errors import FunctionError
from eso_core.template.pemfile import blocks, encode
from eso_core.template.pki import asn1, der
from eso_core.template.pki.certificate import parse

ITERATIONS_MAX: Final = 200_000  # the service uses 2048; more would take time that nobody else gets
FORM: Final = "latin-1"

_PBES2, _PBKDF2 = der.oid("1.2.840.113549.1.5.13"), der.oid("1.2.840.113549.1.5.12")
_PARAMETERS = asn1.struct("pbes2Params", asn1.ALGORITHM, asn1.ALGORITHM)
_DERIVATION = asn1.struct("pbkdf2Params", asn1.RAW, asn1.INT)
_ENCRYPTED = asn1.struct("encryptedPrivateKeyInfo", asn1.ALGORITHM, asn1.OCTETS)


def split_chain(pem: bytes) -> tuple[bytes, bytes] | str:
    """The leaf and what follows it, written anew; or what is wrong."""
    try:
        found = [block.body for block, _ in blocks(pem) if block.type == b"CERTIFICATE"]
        if not found:
            return "no CERTIFICATE PEM blocks found"
        parse(found[0])
    except FunctionError as error:
        return f"failed to parse leaf certificate: {type(error).__name__}"
    first, *rest = (encode(b"CERTIFICATE", body) for body in found)
    return first, b"".join(rest)


def joined(*parts: str | None) -> bytes:
    """PEM texts, one after the other."""
    return ("\n".join(part.rstrip("\r\n") for part in parts if part) + "\n").encode("utf-8", "replace")


def decrypted(pem: bytes, passphrase: bytes) -> bytes | str:
    """A private key in an encrypted PKCS#8 form, in the plain one; or what is wrong. Nothing of the key is repeated."""
    try:
        block = next((block for block, _ in blocks(pem)), None)
        if block is None:
            return "there is no PEM block"
        if block.type == b"PRIVATE KEY":
            return pem
        if block.type != b"ENCRYPTED PRIVATE KEY":
            return "the PEM block is of another type"
        if not _affordable(block.body):
            return "its encryption is not supported"
        key: Any = load_der_private_key(block.body, passphrase, unsafe_skip_rsa_key_validation=True)
        return encode(b"PRIVATE KEY", key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    except (FunctionError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        return type(error).__name__


def _affordable(data: bytes) -> bool:
    """PBES2 with PBKDF2 and not too many iterations, which are the writer's choice."""
    ((scheme, parameters), _), _ = asn1.unmarshal(data, _ENCRYPTED)
    if scheme != _PBES2:
        return False
    ((derivation, derivation_parameters), _), _ = asn1.unmarshal(parameters.full, _PARAMETERS)
    if derivation != _PBKDF2:
        return False
    (_, iterations), _ = asn1.unmarshal(derivation_parameters.full, _DERIVATION)
    return bool(0 < iterations <= ITERATIONS_MAX)
