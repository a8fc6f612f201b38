"""PEM, byte for byte as Go reads and writes it (source: Go 1.26 ``encoding/pem/pem.go``).

A block is found from its END line backwards: the last BEGIN line before the first END line counts, so repeated BEGIN lines are skipped.
A block that does not hold together is skipped silently and the search goes on after its END line. Positions instead of slices of the
rest keep the reading of a long bundle linear.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from eso_core.template.errors import LimitExceeded

BLOCKS_MAX = 1_000
HEADERS_MAX = 1_000  # lines of headers in one block

_BEGIN, _END, _DASHES = b"-----BEGIN ", b"\n-----END ", b"-----"
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_SKIPPED = b" \t\r\n"
_LINE = 64


@dataclass(frozen=True, slots=True)
class Block:
    """``pem.Block``."""

    type: bytes
    headers: Mapping[bytes, bytes]
    body: bytes


def decode(data: bytes, start: int = 0) -> tuple[Block | None, int]:
    """``pem.Decode`` of ``data[start:]``: the next block and where its rest begins; no block leaves ``start`` where it is."""
    rest = trailer = start
    while rest <= trailer <= len(data):
        rest = trailer
        end = data.find(_END, rest)
        if end < 0:
            return None, start
        trailer = end + len(_END)
        begin = data.rfind(_BEGIN, rest, end)
        if begin < 0 or (begin > rest and data[begin - 1] != 0x0A):
            continue
        line, rest = _line(data, begin + len(_BEGIN))
        if not line.endswith(_DASHES):
            continue
        kind = line[: -len(_DASHES)]
        headers, body_at = _headers(data, rest)
        if body_at is None:
            return None, start
        rest = body_at
        if headers and end < rest:
            continue
        if not _closes(data, trailer, kind):
            continue
        body = _body(data[rest:end]) if end > rest else b""
        if body is None:
            continue
        return Block(kind, headers, body), _line(data, end + len(_END) - 1)[1]
    return None, start


def blocks(data: bytes) -> Iterator[tuple[Block, int]]:
    """Each block of ``data`` and where its rest begins, until there is none; :class:`LimitExceeded` after ``BLOCKS_MAX``."""
    at = 0
    for _ in range(BLOCKS_MAX):
        block, at = decode(data, at)
        if block is None:
            return
        yield block, at
    if decode(data, at)[0] is not None:
        raise LimitExceeded(f"a PEM text of more than {BLOCKS_MAX} blocks")


def encode(kind: bytes, body: bytes, headers: Mapping[bytes, bytes] | None = None) -> bytes:
    """``pem.EncodeToMemory``: header ``Proc-Type`` first, the others in the order of their names, lines of 64 characters."""
    out = [_BEGIN, kind, b"-----\n"]
    if headers:
        names = sorted(headers, key=lambda name: (name != b"Proc-Type", name))
        out += [b"%s: %s\n" % (name, headers[name]) for name in names]
        out.append(b"\n")
    text = binascii.b2a_base64(body, newline=False)
    out += [text[at : at + _LINE] + b"\n" for at in range(0, len(text), _LINE)]
    out += [_END[1:], kind, b"-----\n"]
    return b"".join(out)


def encode_block(block: Block) -> bytes:
    return encode(block.type, block.body, block.headers)


def from_begin(data: bytes) -> bytes:
    """``pem.go: trimJunk`` of the reference: what precedes the first ``-----BEGIN`` is dropped."""
    at = data.find(_BEGIN[:-1])
    return data if at < 0 else data[at:]


def _line(data: bytes, at: int) -> tuple[bytes, int]:
    """The line at ``at`` without its end and the blanks before it, and where the next one begins."""
    newline = data.find(b"\n", at)
    if newline < 0:
        return data[at:].rstrip(b" \t"), len(data)
    end = newline - 1 if newline > at and data[newline - 1] == 0x0D else newline
    return data[at:end].rstrip(b" \t"), newline + 1


def _headers(data: bytes, at: int) -> tuple[dict[bytes, bytes], int | None]:
    """The ``name: value`` lines from ``at`` on and where the body begins; None where the text ends first."""
    headers: dict[bytes, bytes] = {}
    lines = 0
    while at < len(data):
        line, after = _line(data, at)
        name, colon, value = line.partition(b":")
        if not colon:
            return headers, at
        headers[name.strip()] = value.strip()
        at, lines = after, lines + 1
        if lines > HEADERS_MAX:
            raise LimitExceeded(f"a PEM block of more than {HEADERS_MAX} headers")
    return headers, None


def _closes(data: bytes, at: int, kind: bytes) -> bool:
    """Whether the END line repeats the type and ends after its dashes."""
    ending = kind + _DASHES
    return data.startswith(ending, at) and not _line(data, at + len(ending))[0]


def _body(text: bytes) -> bytes | None:
    text = text.translate(None, _SKIPPED)
    return binascii.a2b_base64(text) if _BASE64.fullmatch(text) else None
