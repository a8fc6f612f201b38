"""Randomness for templates, from the operating system."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

_MAKERS: Mapping[str, Callable[[], Any]] = {
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-4096": lambda: rsa.generate_private_key(65537, 4096),
    "dsa-2048": lambda: dsa.generate_private_key(2048),
    "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


class SystemChance:
    """``eso_core.template.limits.Chance``."""

    __slots__ = ()

    def token(self, size: int) -> bytes:
        return secrets.token_bytes(size)

    def key(self, kind: str) -> Any:
        return _MAKERS[kind]()
