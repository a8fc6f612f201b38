"""A request to Oracle Cloud, signed and not sent: Infisical sends it on and learns who signed.

Signature version 1: an RSA signature (PKCS#1 v1.5, SHA-256) of the lines ``date``, ``(request-target)`` and ``host``, by the key that the
user registered under a fingerprint. Documents: "Request Signatures" of Oracle Cloud Infrastructure; draft-cavage-http-signatures-08.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from eso_core.compat.layouts import Moment, write
from eso_core.failure import InvalidSpec
from eso_core.template.errors import FunctionError
from eso_core.template.limits import Meter
from eso_core.template.pki import asn1
from eso_core.template.pki.passwords import ITERATION_COST, Password, decrypt, strict

REGION: Final = re.compile(r"[a-z]{2}-[a-z]+-[1-9]")
"""Names of regions that Infisical sends requests to."""
OCID: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")
FINGERPRINT: Final = re.compile(r"[0-9A-Fa-f:]{1,128}")
KEY_MAX: Final = 16 * 1024  # bytes of a PEM text
BITS_MAX: Final = 8192
ITERATIONS_MAX: Final = 100_000  # of a key's password; OpenSSL takes 2048
DATE: Final = b"Mon, 02 Jan 2006 15:04:05 GMT"
ENCRYPTED: Final = re.compile(r"-----BEGIN ENCRYPTED PRIVATE KEY-----(.*?)-----END ENCRYPTED PRIVATE KEY-----", re.DOTALL)
BAD_KEY: Final = InvalidSpec("the private key for Oracle Cloud must be an RSA key in PEM, with the right passphrase if it is encrypted")
_ENCRYPTED_KEY: Final = asn1.struct("encryptedPrivateKeyInfo", asn1.ALGORITHM, asn1.OCTETS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An Oracle Cloud user with one of its keys."""

    tenancy: str
    user: str
    fingerprint: str
    region: str
    key: str = field(repr=False)
    passphrase: str = field(default="", repr=False)


def signed_headers(signer: Signer, seconds: float) -> Mapping[str, str] | InvalidSpec:
    """The headers of ``GET /20160918/users/<user>``, signed at ``seconds`` since 1970. Oracle accepts them for five minutes."""
    for name, text, pattern in (
        ("region", signer.region, REGION),
        ("userId", signer.user, OCID),
        ("tenancyId", signer.tenancy, OCID),
        ("fingerprint", signer.fingerprint, FINGERPRINT),
    ):
        if not pattern.fullmatch(text):
            return InvalidSpec(f"the {name} of the login by Oracle Cloud is not well-formed")
    key = _key(signer.key, signer.passphrase)
    if key is None:
        return BAD_KEY
    host, date = f"identity.{signer.region}.oraclecloud.com", http_date(seconds)
    lines = f"date: {date}\n(request-target): get /20160918/users/{quote(signer.user)}\nhost: {host}"
    signature = base64.b64encode(key.sign(lines.encode(), PKCS1v15(), SHA256())).decode()
    parts = {
        "version": "1",
        "headers": "date (request-target) host",
        "keyId": f"{signer.tenancy}/{signer.user}/{signer.fingerprint}",
        "algorithm": "rsa-sha256",
        "signature": signature,
    }
    named = ",".join(f'{name}="{text}"' for name, text in parts.items())
    return {"host": host, "date": date, "authorization": f"Signature {named}"}


def http_date(seconds: float) -> str:
    """A time in UTC, as HTTP headers have it."""
    days, rest = divmod(int(seconds), 86_400)
    return write(DATE, Moment(days, rest, 0, b"", 0)).decode()


def _key(pem: str, passphrase: str) -> RSAPrivateKey | None:
    if len(pem) > KEY_MAX:
        return None
    sealed = ENCRYPTED.search(pem)
    try:
        if sealed is not None:
            key = load_der_private_key(_unsealed(sealed[1], passphrase), None, unsafe_skip_rsa_key_validation=True)
        else:
            password = passphrase.encode("utf-8", "replace") if "ENCRYPTED" in pem else None
            key = load_pem_private_key(pem.encode("utf-8", "replace"), password, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm, FunctionError):
        return None
    return key if isinstance(key, RSAPrivateKey) and 1024 <= key.key_size <= BITS_MAX else None


def _unsealed(text: str, passphrase: str) -> bytes:
    """PKCS#8 under a password. Iterations are the writer's choice, so that they are counted before they run."""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    algorithm, data = strict(raw, _ENCRYPTED_KEY)
    password = Password(passphrase.encode("utf-8", "replace"), Meter(work=ITERATIONS_MAX * ITERATION_COST))
    return decrypt(algorithm, data, password)
