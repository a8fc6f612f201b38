"""``fail``, ``hello`` and ``uuidv4`` (source: the reference's ``sprig/functions.go``, ``google/uuid``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from eso_core.template.errors import FunctionError
from eso_core.template.limits import Ambient
from eso_core.template.values import Function


def fail(message: bytes) -> NoReturn:
    """The message may have been made of data, so the public text goes without it."""
    raise FunctionError("", message.decode("utf-8", "surrogateescape"))


def hello() -> bytes:
    return b"Hello!"


def uuidv4(ambient: Ambient) -> bytes:
    """RFC 9562, section 5.4."""
    raw = bytearray(ambient.chance.token(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return "-".join(raw[start:end].hex() for start, end in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 16))).encode()


TABLE: Mapping[str, Function] = {
    "fail": Function("func(string) (string, error)", fail),
    "hello": Function("func() string", hello),
    "uuidv4": Function("func() string", uuidv4, ambient=True),
}
