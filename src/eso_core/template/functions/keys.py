"""rsaDecrypt, genPrivateKey, derivePassword (source: ``decrypt.go`` of the reference, ``sprig/crypto.go``).

Keys come from the ``Ambient``. Making one is dear, as are scrypt and bcrypt: a template may do each a certain number of times only,
such that no mixture of them runs much longer than ten seconds. :func:`share` gives the price of one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from types import MappingProxyType

from cryptography.hazmat.primitives import hashes

from eso_core.template.errors import FunctionError
from eso_core.template.limits import WORK_MAX, Ambient
from eso_core.template.pemfile import decode, encode
from eso_core.template.pki.faults import prefixed
from eso_core.template.pki.keys import PrivateKey, RsaKey, decrypt_oaep, effort, from_generated, parse_any, pem_form
from eso_core.template.values import Function


def share(times: int) -> int:
    """The work that may be done ``times`` times, with some to spare for what is done with the results."""
    return WORK_MAX // (times + 1) + 1


SCRYPT = share(8)
PRIVATE = share(256)  # signing or decrypting
KEYS: Mapping[str, int] = MappingProxyType(
    {"rsa-4096": share(8), "dsa-2048": share(8), "rsa-2048": share(16), "ecdsa-p256": share(256), "ed25519": share(256)}
)


def rsa_decrypt(ambient: Ambient, scheme: bytes, digest: bytes, cipher: bytes, key: bytes) -> bytes:
    if scheme == b"None":
        return cipher
    if scheme != b"RSA-OAEP":
        raise FunctionError("decryption scheme ", f"{scheme.decode('utf-8', 'surrogateescape')} is not supported")
    block, _ = decode(key)
    if block is None:
        raise FunctionError("failed to decode PEM block")
    try:
        private = parse_any(block.body)
    except FunctionError as error:
        raise prefixed("could not parse private key: ", error) from None
    if not isinstance(private, RsaKey):
        raise FunctionError("could not parse RSA private key")
    ambient.meter.spend(PRIVATE * effort(private))
    try:
        return decrypt_oaep(private, cipher, _DIGESTS.get(digest, hashes.SHA256)())
    except FunctionError as error:
        raise prefixed("error decrypting data with RSA: ", error) from None


def gen_private_key(ambient: Ambient, kind: bytes) -> bytes:
    named = _KINDS.get(kind)
    if named is None:
        return b"Unknown type " + kind
    return encode(*pem_form(new_key(ambient, named)))


def new_key(ambient: Ambient, kind: str) -> PrivateKey:
    ambient.meter.spend(KEYS[kind])
    return from_generated(ambient.chance.key(kind))


def derive_password(ambient: Ambient, counter: int, kind: bytes, password: bytes, user: bytes, site: bytes) -> bytes:
    """The Master Password algorithm; ``counter`` is an uint32, and so is the length of a name."""
    templates = _TEMPLATES.get(kind)
    if templates is None:
        return b"cannot find password template " + kind
    ambient.meter.spend(SCRYPT)
    salt = _SEED + _sized(user)
    key = hashlib.scrypt(password, salt=salt, n=32768, r=8, p=2, dklen=64, maxmem=1 << 26)
    seed = hmac.digest(key, _SEED + _sized(site) + (counter % 2**32).to_bytes(4, "big"), "sha256")
    template = templates[seed[0] % len(templates)]
    characters = (_CHARACTERS[letter] for letter in template)
    return bytes(choice[byte % len(choice)] for choice, byte in zip(characters, seed[1:], strict=False))


_DIGESTS: Mapping[bytes, type[hashes.HashAlgorithm]] = MappingProxyType({b"SHA1": hashes.SHA1, b"SHA512": hashes.SHA512})
_KINDS: Mapping[bytes, str] = MappingProxyType(
    {b"": "rsa-4096", b"rsa": "rsa-4096", b"dsa": "dsa-2048", b"ecdsa": "ecdsa-p256", b"ed25519": "ed25519"}
)
_SEED = b"com.lyndir.masterpassword"
_LONG = (
    "CvcvnoCvcvCvcvCvcvCvcvnoCvcvCvcvCvcvCvcvnoCvccnoCvcvCvcvCvccCvcvnoCvcvCvccCvcvCvcvnoCvcvnoCvccCvcv"
    "CvcvCvccnoCvcvCvcvCvccCvcvnoCvcvnoCvcvCvccCvcvCvcvnoCvccCvcvCvcvCvccnoCvccnoCvccCvcvCvccCvccnoCvcv"
    "CvccCvccCvcvnoCvcvnoCvccCvccCvcvCvccnoCvccCvcvCvccCvccnoCvccnoCvcvCvccCvccCvcvnoCvccCvccCvcvCvccno"
)
_TEMPLATES: Mapping[bytes, tuple[str, ...]] = MappingProxyType(
    {
        b"maximum": ("anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"),
        b"long": tuple(_LONG[at : at + 14] for at in range(0, len(_LONG), 14)),
        b"medium": ("CvcnoCvc", "CvcCvcno"),
        b"short": ("Cvcn",),
        b"basic": ("aaanaaan", "aannaaan", "aaannaaa"),
        b"pin": ("nnnn",),
    }
)
_UPPER, _LOWER = b"BCDFGHJKLMNPQRSTVWXYZ", b"bcdfghjklmnpqrstvwxyz"
_LETTERS = b"AEIOUaeiou" + _UPPER + _LOWER
_CHARACTERS: Mapping[str, bytes] = MappingProxyType(
    {
        "V": b"AEIOU",
        "C": _UPPER,
        "v": b"aeiou",
        "c": _LOWER,
        "a": _LETTERS,
        "n": b"0123456789",
        "o": b"@&%?,=[]_:-+*$#!'^~;()/.",
        "x": _LETTERS + b"0123456789!@#$%^&*()",
    }
)


def _sized(text: bytes) -> bytes:
    return (len(text) % 2**32).to_bytes(4, "big") + text


TABLE: Mapping[str, Function] = {
    "rsaDecrypt": Function("func(string, string, string, string) (string, error)", rsa_decrypt, ambient=True),
    "genPrivateKey": Function("func(string) string", gen_private_key, ambient=True),
    "derivePassword": Function("func(uint32, string, string, string, string) string", derive_password, ambient=True),
}
