"""JSON that is nested deeper than decoders bear, cut so that they bear it.

An API server lets through 10,000 levels; the decoders here recurse, and give up at 1,000 (writing: at 254). What is cut is still deeper
than the models accept (200): its object, and nothing else, is refused as nested too deeply.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

MALFORMED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoders raise over bytes that are not what was asked for."""

LEVELS: Final = 230

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def shallow(text: bytes) -> bytes:
    """``text``, which is JSON, with ``null`` for every list and object below ``LEVELS`` others."""
    kept: list[bytes] = []
    depth = start = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in b"[{":
            depth += 1
            if depth == LEVELS + 1:
                kept += text[start : token.start()], b"null"
        elif first in b"]}":
            depth -= 1
            if depth == LEVELS:
                start = token.end()
    if depth <= LEVELS:
        kept.append(text[start:])
    return b"".join(kept)
