"""What most documents are, read without the scanner: flat maps of one line for each key, and JSON.

Both are tried only where the outcome is that of the scanner. Not alike in JSON are: a line break between a key and its colon, a long key, a
tab where a line may begin, the escapes ``\\/`` and of surrogates; what is no ASCII would have to be looked through for line breaks.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from eso_core.compat.goyaml.resolve import as_key, resolve

_QUOTED = r"""\"([ !#-\[\]-~]*)\"|'([ -&(-~]*)'"""
_PLAIN = r"(?:[0-9A-Za-z_/+.]|-(?=[0-9A-Za-z_/+.]))(?:[!\"$-9;-~]|:(?=[!-~])|(?<=[!-~])#| +(?=[!\"$-~]))*+"
_LINE = re.compile(rf"([A-Za-z][0-9A-Za-z_./-]{{0,199}}):(?: +(?:{_QUOTED}|({_PLAIN})))? *(?:\n|\Z)| *(?:#[ -~]*)?\n")
_NOT_ALIKE = re.compile(rb"[\t\r\x7f]|\\(?:/|u[dD][89a-fA-F])|\n[ \n]*:|\"[^\"]{300,}\" *:|-0\b")
_CONTAINERS_MAX = 100  # then they cannot be nested too deeply either
_VALUES_MAX = 10_000


def read(data: bytes) -> Any:
    """The raw value of ``data``; ``None`` if that has to be read by the scanner."""
    if not data.isascii():
        return None
    return _json(data) if data.startswith((b"{", b"[")) else _flat(data.decode("ascii"))


def _flat(text: str) -> dict[Any, Any] | None:
    out: dict[Any, Any] = {}
    at, size, match = 0, len(text), _LINE.match
    while at < size:
        line = match(text, at)
        if line is None:
            return None
        at = line.end()
        key, double, single, plain = line.groups()
        if key is not None:
            quoted = double if double is not None else single
            out[as_key(resolve("", key)[1])] = quoted if quoted is not None else resolve("", plain or "")[1]
    return out or None


def _json(data: bytes) -> Any:
    if _NOT_ALIKE.search(data) or data.count(b"[") + data.count(b"{") > _CONTAINERS_MAX or data.count(b",") > _VALUES_MAX:
        return None
    try:
        return orjson.loads(data) if data.rstrip(b" \n").endswith((b"}", b"]")) else None
    except orjson.JSONDecodeError:
        return None
