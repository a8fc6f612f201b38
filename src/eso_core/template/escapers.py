"""The escapers of text/template: `html`, `js` and `urlquery` (`text/template/funcs.go`, `net/url: QueryEscape`).

Each takes any values, prints them as an action would, put together as `fmt.Sprint` does, and escapes the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from eso_core.compat.printable import is_print, printable_class
from eso_core.compat.text import replace_each
from eso_core.template.limits import room_for
from eso_core.template.printing import show, sprint
from eso_core.template.values import Value

_NO_VALUE = b"<no value>"
_HTML = (
    (b"&", b"&amp;"),
    (b'"', b"&#34;"),
    (b"'", b"&#39;"),
    (b"<", b"&lt;"),
    (b">", b"&gt;"),
    (b"\0", b"\xef\xbf\xbd"),
)
_HTML_SPECIAL = re.compile(rb"""[&"'<>\0]""")
_JS_SPECIAL = re.compile(r"([^ !#-%(-;?-\[\]-\x7f])")


class _JsEscapes(dict[str, str]):
    def __missing__(self, rune: str) -> str:
        return rune if rune > "\uffff" and is_print(rune) else f"\\u{ord(rune):04X}"


_JS = _JsEscapes({"\\": "\\\\", "'": "\\'", '"': '\\"'})
_QUERY_SPECIAL = re.compile(r"([^A-Za-z0-9_.~-])")
_QUERY = {chr(byte): "+" if byte == 0x20 else f"%{byte:02X}" for byte in range(256)}
_CHUNK = 1 << 16  # that much is escaped at once, so that what becomes too large is noticed early


def html(args: Sequence[Value]) -> bytes:
    """`HTMLEscaper`."""
    text = _text(args)
    if not _HTML_SPECIAL.search(text):
        return text
    if len(text) > _CHUNK:
        room_for(len(text) + sum(text.count(char) * (len(escape) - 1) for char, escape in _HTML))
    for char, escape in _HTML:
        text = text.replace(char, escape)
    return text


def js(args: Sequence[Value]) -> bytes:
    """`JSEscaper`: bytes that are not UTF-8 stay as they are."""
    text = _text(args)
    decoded = text.decode("utf-8", "surrogateescape")
    special = _JS_SPECIAL if text.isascii() else _js_unprintable()
    if not special.search(decoded):
        return text
    parts, size = [], 0
    for start in range(0, len(decoded), _CHUNK):
        parts.append(replace_each(special, _JS, decoded[start : start + _CHUNK]).encode("utf-8", "surrogateescape"))
        size += len(parts[-1])
        room_for(size)
    return b"".join(parts)


@cache
def _js_unprintable() -> re.Pattern[str]:
    return re.compile(rf"([^ !#-%(-;?-\[\]-\x7f\udc80-\udcff{printable_class()}])")


def urlquery(args: Sequence[Value]) -> bytes:
    """`URLQueryEscaper`."""
    return query_escape(_text(args))


def query_escape(text: bytes) -> bytes:
    """`url.QueryEscape`."""
    if len(text) <= _CHUNK:
        return _query_piece(text)
    parts, size = [], 0
    for start in range(0, len(text), _CHUNK):
        parts.append(_query_piece(text[start : start + _CHUNK]))
        size += len(parts[-1])
        room_for(size)
    return b"".join(parts)


def _query_piece(text: bytes) -> bytes:
    return replace_each(_QUERY_SPECIAL, _QUERY, text.decode("latin-1")).encode()


def _text(args: Sequence[Value]) -> bytes:
    """`evalArgs`: one string is itself; a nil among the values is `<no value>`, a pointer what it points to."""
    if len(args) == 1:
        return _NO_VALUE if args[0] is None else show(args[0])
    return sprint([_NO_VALUE if arg is None else arg for arg in args], indirect=True)
