"""encryptAES and decryptAES (source: ``sprig/crypto.go``): AES-256-CBC, the key being the password cut or filled with zeros to 32 bytes.

The initial vector stands before the text; it comes from the ``Ambient``.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from returns.result import Success

from eso_core.compat.decode import decode
from eso_core.template.errors import FunctionError
from eso_core.template.limits import Ambient, room_for
from eso_core.template.pki.faults import Panic
from eso_core.template.values import Function

_BLOCK = 16


def encrypt_aes(ambient: Ambient, password: bytes, text: bytes) -> bytes:
    if not text:
        return b""
    room_for((len(text) + 2 * _BLOCK) * 4 // 3)
    padding = _BLOCK - len(text) % _BLOCK
    iv = ambient.chance.token(_BLOCK)
    encryptor = Cipher(AES(_key(password)), CBC(iv)).encryptor()
    cipher = encryptor.update(text + bytes((padding,)) * padding) + encryptor.finalize()
    return binascii.b2a_base64(iv + cipher, newline=False)


def decrypt_aes(password: bytes, encoded: bytes) -> bytes:
    """The padding is believed: as many bytes as the last one says go. What cannot go is a panic of Go's."""
    if not encoded:
        return b""
    decoded = decode("Base64", encoded)
    if not isinstance(decoded, Success):
        raise FunctionError("illegal base64 data at input byte ", str(decoded.failure()).rpartition(" ")[2])
    cipher = decoded.unwrap()
    if len(cipher) < _BLOCK:
        raise Panic("runtime error: slice bounds out of range ", f"[:{_BLOCK}] with capacity {_capacity(encoded)}")
    iv, cipher = cipher[:_BLOCK], cipher[_BLOCK:]
    if len(cipher) % _BLOCK:
        raise Panic("crypto/cipher: input not full blocks")
    if not cipher:
        raise Panic("runtime error: index out of range [-1]")
    decryptor = Cipher(AES(_key(password)), CBC(iv)).decryptor()
    plain = decryptor.update(cipher) + decryptor.finalize()
    size = len(plain) - plain[-1]
    if size < 0:
        raise Panic("runtime error: slice bounds out of range ", f"[:{size}]")
    return plain[:size]


def _key(password: bytes) -> bytes:
    return password[:32].ljust(32, b"\0")


def _capacity(encoded: bytes) -> int:
    """What ``base64.DecodeString`` makes room for, which Go's message tells: 3 bytes for 4 characters, newlines included."""
    return len(encoded) // 4 * 3


TABLE: Mapping[str, Function] = {
    "encryptAES": Function("func(string, string) (string, error)", encrypt_aes, ambient=True),
    "decryptAES": Function("func(string, string) (string, error)", decrypt_aes),
}
