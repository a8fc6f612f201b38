"""The one type that carries secret bytes."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, NoReturn, final


@final
class SecretBytes:
    """Secret bytes that cannot leak by accident.

    ``repr``, ``str`` and ``format`` give ``SecretBytes(***)``. The value is not hashable, sized, iterable or picklable.
    :meth:`reveal` is the only way out and is called at exits only: a request body, a digest, a decoder.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The bytes themselves."""
        return self._value

    def fingerprint(self, key: bytes) -> str:
        """12 hexadecimal digits of BLAKE2b keyed with ``key`` (1 to 64 bytes).

        Equal values under one key look equal, and nothing can be guessed without the key.
        """
        return hashlib.blake2b(self._value, key=key[:64], digest_size=6).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretBytes) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash of a secret would be a stable trace of it

    def __repr__(self) -> str:
        return "SecretBytes(***)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("SecretBytes cannot be pickled")
