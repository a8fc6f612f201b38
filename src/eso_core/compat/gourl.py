"""URLs as Go 1.26 parses and writes them: ``net/url``, and ``netip.ParseAddr`` for addresses in brackets.

Which bytes stand for themselves depends on the part of the URL (``net/url/encoding_table.go``); all others are escaped as ``%XX``:

=========  ==================================================
part       besides letters, digits, ``-``, ``.``, ``_``, ``~``
=========  ==================================================
path       ``$ & + , / : ; = @``
userinfo   ``$ & + , ; =``
fragment   ``! $ & ( ) * + , / : ; = ? @``
host       ``! " $ & ' ( ) * + , : ; < = > [ ]``
zone       as host
=========  ==================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from returns.result import Failure, Result, Success

from eso_core.compat.text import quote_bytes

_ALWAYS = rb"A-Za-z0-9\-._~"
_UNSAFE = {
    "path": re.compile(rb"[^%b$&+,/:;=@]" % _ALWAYS),
    "userinfo": re.compile(rb"[^%b$&+,;=]" % _ALWAYS),
    "fragment": re.compile(rb"[^%b!$&()*+,/:;=?@]" % _ALWAYS),
    "host": re.compile(rb"""[^%b!"$&'()*+,:;<=>\[\]]""" % _ALWAYS),
}
_UNSAFE["zone"] = _UNSAFE["host"]
_PLAIN_HOST = re.compile(rb"""[%b!"$&'()*+,:;<=>\[\]\x80-\xff]*""" % _ALWAYS)
_ESCAPE = re.compile(b"%([0-9A-Fa-f]{2})")
_VALID_PATH = re.compile(rb"[%b!$&'()*+,/;=:@\[\]%%]*" % _ALWAYS)
_VALID_FRAGMENT = re.compile(rb"[%b!$&'()*+,/;=?:@\[\]%%]*" % _ALWAYS)
_SCHEME = re.compile(rb"([A-Za-z][A-Za-z0-9+\-.]*):")
_CONTROL = re.compile(b"[\x00-\x1f\x7f]")
_PORT = re.compile(b"(?::[0-9]*)?")
_USERINFO = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_HEX_GROUP = re.compile(b"[0-9a-fA-F]*")


class _Refused(Exception):
    """Go's text of an error."""


@dataclass(frozen=True, slots=True)
class User:
    """The userinfo of a URL, unescaped. No password is another thing than an empty one."""

    name: bytes
    password: bytes | None

    def text(self) -> bytes:
        name = _escaped(self.name, "userinfo")
        return name if self.password is None else name + b":" + _escaped(self.password, "userinfo")


@dataclass(frozen=True, slots=True)
class Url:
    """`url.URL`. ``path`` and ``fragment`` are unescaped; the raw ones are as written where that is not how they would be written."""

    scheme: bytes = b""
    opaque: bytes = b""
    user: User | None = None
    host: bytes = b""
    path: bytes = b""
    raw_path: bytes = b""
    raw_query: bytes = b""
    force_query: bool = False
    omit_host: bool = False
    fragment: bytes = b""
    raw_fragment: bytes = b""

    def hostname(self) -> bytes:
        """`Hostname()`: the host without port and brackets."""
        host, colon = self.host, self.host.rfind(b":")
        if colon >= 0 and _PORT.fullmatch(host, colon):
            host = host[:colon]
        return host[1:-1] if host[:1] == b"[" and host[-1:] == b"]" else host

    def text(self) -> bytes:
        """`String()`."""
        out = [self.scheme, b":"] if self.scheme else []
        if self.opaque:
            out.append(self.opaque)
        else:
            out += self._hierarchy(bool(out))
        if self.force_query or self.raw_query:
            out += (b"?", self.raw_query)
        if self.fragment:
            out += (b"#", _as_written(self.fragment, self.raw_fragment, "fragment", _VALID_FRAGMENT))
        return b"".join(out)

    def _hierarchy(self, begun: bool) -> list[bytes]:
        out: list[bytes] = []
        if (self.scheme or self.host or self.user) and not (self.omit_host and not self.host and not self.user):
            if self.host or self.path or self.user:
                out.append(b"//")
            if self.user is not None:
                out += (self.user.text(), b"@")
            out.append(_escaped(self.host, "host"))
        path = b"*" if self.path == b"*" else _as_written(self.path, self.raw_path, "path", _VALID_PATH)
        if path and path[:1] != b"/" and self.host:
            out.append(b"/")
        if not begun and not any(out) and b":" in path.partition(b"/")[0]:
            out.append(b"./")
        return [*out, path]


def parse_url(raw: bytes) -> Result[Url, str]:
    """`url.Parse`; the error is Go's, `parse "...": ...`."""
    before, _, fragment = raw.partition(b"#")
    try:
        fields = _parse(before)
    except _Refused as fault:
        return Failure(f"parse {_quoted(before)}: {fault}")
    if fragment:
        try:
            fields["fragment"] = _unescaped(fragment, "fragment")
        except _Refused as fault:
            return Failure(f"parse {_quoted(raw)}: {fault}")
        fields["raw_fragment"] = _raw(fragment, fields["fragment"], "fragment")
    return Success(Url(**fields))


# --- parsing ---------------------------------------------------------------------------------------------------------------------


def _parse(raw: bytes) -> dict[str, Any]:
    if _CONTROL.search(raw):
        raise _Refused("net/url: invalid control character in URL")
    if raw == b"*":
        return {"path": b"*"}
    found = _SCHEME.match(raw)
    if found is None and raw[:1] == b":":
        raise _Refused("missing protocol scheme")
    scheme, rest = (found[1].lower(), raw[found.end() :]) if found is not None else (b"", raw)
    fields: dict[str, Any] = {"scheme": scheme}
    if rest[-1:] == b"?" and rest.count(b"?") == 1:
        fields["force_query"], rest = True, rest[:-1]
    else:
        rest, _, fields["raw_query"] = rest.partition(b"?")
    if rest[:1] != b"/":
        if scheme:
            return fields | {"opaque": rest}
        if b":" in rest.partition(b"/")[0]:
            raise _Refused("first path segment in URL cannot contain colon")
    if rest[:2] == b"//" and (scheme or rest[:3] != b"///"):
        authority, slash, path = rest[2:].partition(b"/")
        rest = slash + path
        fields["user"], fields["host"] = _authority(scheme, authority)
    elif scheme and rest[:1] == b"/":
        fields["omit_host"] = True
    fields["path"] = _unescaped(rest, "path")
    fields["raw_path"] = _raw(rest, fields["path"], "path")
    return fields


def _authority(scheme: bytes, authority: bytes) -> tuple[User | None, bytes]:
    userinfo, at, host = authority.rpartition(b"@")
    host = _host(scheme, host)
    if not at:
        return None, host
    if not _USERINFO.fullmatch(userinfo):
        raise _Refused("net/url: invalid userinfo")
    name, colon, password = userinfo.partition(b":")
    user = _unescaped(name, "userinfo")
    return User(user, _unescaped(password, "userinfo") if colon else None), host


def _host(scheme: bytes, host: bytes) -> bytes:
    bracket = host.rfind(b"[")
    if bracket > 0:
        raise _Refused("invalid IP-literal")
    if bracket == 0:
        return _literal_host(host)
    colon = host.find(b":")
    if colon >= 0:
        if scheme not in (b"http", b"https"):
            colon = host.rfind(b":")  # databases take lists of hosts with ports
        _check_port(host[colon:])
    return _unescaped(host, "host")


def _literal_host(host: bytes) -> bytes:
    """An IPv6 address in brackets, perhaps with a zone after ``%25``, and a port."""
    close = host.rfind(b"]")
    if close < 0:
        raise _Refused("missing ']' in host")
    _check_port(host[close + 1 :])
    port = _unescaped(host[close + 1 :], "host")
    name = host[1:close]
    zone = name.find(b"%25")
    address = _unescaped(name, "host") if zone < 0 else _unescaped(name[:zone], "host") + _unescaped(name[zone:], "zone")
    try:
        is_ipv4 = _check_address(address)
    except _Refused as fault:
        raise _Refused(f"invalid host: {fault}") from None
    if is_ipv4:
        raise _Refused("invalid IP-literal")
    return b"[%b]%b" % (address, port)


def _check_port(port: bytes) -> None:
    if not _PORT.fullmatch(port):
        raise _Refused(f"invalid port {_quoted(port)} after host")


# --- escaping --------------------------------------------------------------------------------------------------------------------


def _unescaped(raw: bytes, part: str) -> bytes:
    """`unescape`."""
    if part in ("host", "zone"):
        _check_host_bytes(raw, part)
    elif b"%" in raw:
        bad = _bad_escape(raw)
        if bad is not None:
            raise _Refused(f"invalid URL escape {_quoted(bad)}")
    return _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), raw) if b"%" in raw else raw


def _bad_escape(raw: bytes) -> bytes | None:
    at = raw.find(b"%")
    while at >= 0:
        if not _ESCAPE.match(raw, at):
            return raw[at : at + 3]
        at = raw.find(b"%", at + 3)
    return None


def _check_host_bytes(raw: bytes, part: str) -> None:
    """Only bytes beyond ASCII and ``%25`` may be escaped in a host; a zone may also hold escapes of what need not be escaped."""
    if _PLAIN_HOST.fullmatch(raw):
        return
    unsafe, at = _UNSAFE["host"], 0
    while at < len(raw):
        if raw[at] != 0x25:
            if raw[at] < 0x80 and unsafe.match(raw, at):
                raise _Refused(f"invalid character {_quoted(raw[at : at + 1])} in host name")
            at += 1
            continue
        found = _ESCAPE.match(raw, at)
        escape = raw[at : at + 3]
        if found is None or (escape != b"%25" and _forbidden(bytes((int(found[1], 16),)), part)):
            raise _Refused(f"invalid URL escape {_quoted(escape)}")
        at += 3


def _forbidden(byte: bytes, part: str) -> bool:
    return byte < b"\x80" if part == "host" else byte != b" " and _UNSAFE["host"].match(byte) is not None


def _escaped(text: bytes, part: str) -> bytes:
    """`escape`."""
    return _UNSAFE[part].sub(lambda found: b"%%%02X" % found[0][0], text)


def _raw(written: bytes, text: bytes, part: str) -> bytes:
    return b"" if written == _escaped(text, part) else written


def _as_written(text: bytes, raw: bytes, part: str, valid: re.Pattern[bytes]) -> bytes:
    """`EscapedPath`, `EscapedFragment`. A raw form comes from parsing and so unescapes to ``text``."""
    return raw if raw and valid.fullmatch(raw) else _escaped(text, part)


def _quoted(raw: bytes) -> str:
    return quote_bytes(raw).decode()


# --- addresses -------------------------------------------------------------------------------------------------------------------


def _check_address(raw: bytes) -> bool:
    """`netip.ParseAddr`: whether it is IPv4."""
    first = re.search(b"[.:%]", raw)
    if first is None:
        raise _bad_address(raw, "unable to parse IP")
    if first[0] == b"%":
        raise _bad_address(raw, "missing IPv6 address")
    if first[0] == b".":
        _check_ipv4(raw, raw)
        return True
    _check_ipv6(raw)
    return False


def _bad_address(raw: bytes, message: str, at: bytes = b"") -> _Refused:
    return _Refused(f"ParseAddr({_quoted(raw)}): {message}" + (f" (at {_quoted(at)})" if at else ""))


def _check_ipv4(raw: bytes, text: bytes) -> None:
    """The four fields that ``text``, the end of the address ``raw``, has to be."""
    dots = value = digits = 0
    for at, byte in enumerate(text):
        if 0x30 <= byte <= 0x39:
            if digits == 1 and value == 0:
                raise _bad_address(raw, "IPv4 field has octet with leading zero")
            value, digits = value * 10 + byte - 0x30, digits + 1
            if value > 255:
                raise _bad_address(raw, "IPv4 field has value >255")
        elif byte == 0x2E:
            if at in (0, len(text) - 1) or text[at - 1] == 0x2E:
                raise _bad_address(raw, "IPv4 field must have at least one digit", text[at:])
            if dots == 3:
                raise _bad_address(raw, "IPv4 address too long")
            dots, value, digits = dots + 1, 0, 0
        else:
            raise _bad_address(raw, "unexpected character", text[at:])
    if dots < 3:
        raise _bad_address(raw, "IPv4 address too short")


def _check_ipv6(raw: bytes) -> None:
    rest, percent, zone = raw.partition(b"%")
    if percent and not zone:
        raise _bad_address(raw, "zone must be a non-empty string")
    ellipsis = rest[:2] == b"::"
    if ellipsis:
        rest = rest[2:]
        if not rest:
            return
    size = 0  # bytes of the address
    while size < 16:
        group = _group(raw, rest)
        if rest[len(group) : len(group) + 1] == b".":
            _check_embedded(raw, rest, size, ellipsis)
            rest, size = b"", size + 4
            break
        size, rest = size + 2, rest[len(group) :]
        if not rest:
            break
        if rest[:1] != b":":
            raise _bad_address(raw, "unexpected character, want colon", rest)
        if len(rest) == 1:
            raise _bad_address(raw, "colon must be followed by more characters", rest)
        rest = rest[1:]
        if rest[:1] == b":":
            if ellipsis:
                raise _bad_address(raw, "multiple :: in address", rest)
            ellipsis, rest = True, rest[1:]
            if not rest:
                break
    if rest:
        raise _bad_address(raw, "trailing garbage after address", rest)
    if size < 16 and not ellipsis:
        raise _bad_address(raw, "address string too short")
    if size == 16 and ellipsis:
        raise _bad_address(raw, "the :: must expand to at least one field of zeros")


def _group(raw: bytes, rest: bytes) -> bytes:
    found = _HEX_GROUP.match(rest)
    digits = found[0] if found is not None else b""
    if len(digits) > 4:
        raise _bad_address(raw, "each group must have 4 or less digits", rest)
    if not digits:
        raise _bad_address(raw, "each colon-separated field must have at least one digit", rest)
    return digits


def _check_embedded(raw: bytes, rest: bytes, size: int, ellipsis: bool) -> None:
    if not ellipsis and size != 12:
        raise _bad_address(raw, "embedded IPv4 address must replace the final 2 fields of the address", rest)
    if size + 4 > 16:
        raise _bad_address(raw, "too many hex fields to fit an embedded IPv4 at the end of the address", rest)
    _check_ipv4(raw, rest)
