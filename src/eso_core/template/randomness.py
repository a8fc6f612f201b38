"""Random texts: ``Masterminds/goutils`` 1.1.1 ``CryptoRandom*`` and ``xstrings.Shuffle``."""

from __future__ import annotations

import string

from eso_core.compat.text import go_text
from eso_core.template.limits import Ambient, Chance, items, room_for

_ALPHA = string.ascii_letters.encode()
_NUMERIC = string.digits.encode()
_ASCII = bytes(range(32, 127))


def rand_alpha(ambient: Ambient, count: int) -> bytes:
    return _chosen(ambient.chance, _ALPHA, count)


def rand_alpha_num(ambient: Ambient, count: int) -> bytes:
    return _chosen(ambient.chance, _ALPHA + _NUMERIC, count)


def rand_ascii(ambient: Ambient, count: int) -> bytes:
    """Of the space and what is printable."""
    return _chosen(ambient.chance, _ASCII, count)


def rand_numeric(ambient: Ambient, count: int) -> bytes:
    return _chosen(ambient.chance, _NUMERIC, count)


def shuffle(ambient: Ambient, text: bytes) -> bytes:
    """The characters in any order; a byte that is not UTF-8 becomes U+FFFD."""
    runes = list(go_text(text))
    items(len(runes))
    chance = memoryview(ambient.chance.token(8 * len(runes))).cast("Q")
    for at in range(len(runes) - 1, 0, -1):
        other = chance[at] % (at + 1)  # 64 bits: the bias is below 2**-47
        runes[at], runes[other] = runes[other], runes[at]
    return "".join(runes).encode()


def _chosen(chance: Chance, alphabet: bytes, count: int) -> bytes:
    """``count`` characters, each as likely as any other; none if it is negative."""
    room_for(count)
    span = 256 - 256 % len(alphabet)
    keep = bytes(alphabet[byte % len(alphabet)] for byte in range(span)).ljust(256, b"\0")
    unwanted = bytes(range(span, 256))
    out = b""
    while len(out) < count:
        out += chance.token(count - len(out) + 16).translate(keep, unwanted)
    return out[: max(count, 0)]
