"""Checksums (source: the reference's ``sprig/crypto.go``): SHA in lower-case hex, Adler-32 in decimal."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping

from eso_core.template.values import Function


def sha1sum(text: bytes) -> bytes:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


def sha256sum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def sha512sum(text: bytes) -> bytes:
    return hashlib.sha512(text).hexdigest().encode()


def adler32sum(text: bytes) -> bytes:
    return b"%d" % zlib.adler32(text)


_SIGNATURE = "func(string) string"

TABLE: Mapping[str, Function] = {
    "sha1sum": Function(_SIGNATURE, sha1sum),
    "sha256sum": Function(_SIGNATURE, sha256sum),
    "sha512sum": Function(_SIGNATURE, sha512sum),
    "adler32sum": Function(_SIGNATURE, adler32sum),
}
