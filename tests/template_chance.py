"""Randomness that repeats: the double of ``eso_shell.chance.SystemChance``."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa


class SeededChance:
    """Bytes follow from the seed. Keys of the same kind are the same in the whole run of the tests: making one takes long."""

    def __init__(self, seed: int = 0) -> None:
        self._seed, self._drawn = seed, 0

    def token(self, size: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(f"{self._seed}/{self._drawn}".encode()).digest(size)

    def key(self, kind: str) -> Any:
        return _key(kind)


@cache
def _key(kind: str) -> Any:
    match kind:
        case "rsa-2048" | "rsa-4096":
            return rsa.generate_private_key(65537, int(kind.removeprefix("rsa-")))
        case "dsa-2048":
            return dsa.generate_private_key(2048)
        case "ecdsa-p256":
            return ec.derive_private_key(0x1234567890ABCDEF, ec.SECP256R1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        case _:
            raise KeyError(kind)
