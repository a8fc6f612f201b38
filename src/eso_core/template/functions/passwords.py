"""bcrypt, htpasswd, randBytes (source: ``sprig/crypto.go``, ``golang.org/x/crypto/bcrypt``).

Salts and bytes come from the ``Ambient``. A bcrypt hash is dear: 32 of them make a file of users.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping

import bcrypt as bcrypt_lib

from eso_core.template.functions.keys import share
from eso_core.template.limits import Ambient, room_for
from eso_core.template.pki.faults import Panic
from eso_core.template.values import Function

BCRYPT = share(32)

_ALPHABET = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)


def bcrypt(ambient: Ambient, text: bytes) -> bytes:
    """Cost 10, version 2a. A zero byte is a byte like others."""
    if len(text) > 72:
        return b"failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes"
    ambient.meter.spend(BCRYPT)
    salt = base64.b64encode(ambient.chance.token(16)).rstrip(b"=").translate(_ALPHABET)
    return bcrypt_lib.hashpw(text, b"$2a$10$" + salt)


def htpasswd(ambient: Ambient, user: bytes, password: bytes, algorithm: bytes) -> bytes:
    if b":" in user:
        return b"invalid username: " + user
    if algorithm == b"sha":
        digest = hashlib.sha1(password, usedforsecurity=False).digest()
        return b"%s:{SHA}%s" % (user, base64.b64encode(digest))
    return b"%s:%s" % (user, bcrypt(ambient, password))


def rand_bytes(ambient: Ambient, count: int) -> bytes:
    if count < 0 or count > _MAKE_MAX:
        raise Panic("runtime error: makeslice: len out of range")
    room_for((count + 2) // 3 * 4)
    return binascii.b2a_base64(ambient.chance.token(count), newline=False)


_MAKE_MAX = 1 << 48  # bytes that a Go slice may have on amd64

TABLE: Mapping[str, Function] = {
    "bcrypt": Function("func(string) string", bcrypt, ambient=True),
    "htpasswd": Function("func(string, string, sprig.HashAlgorithm) string", htpasswd, ambient=True),
    "randBytes": Function("func(int) (string, error)", rand_bytes, ambient=True),
}
