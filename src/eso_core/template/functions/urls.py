"""URLs: sprig's ``url.go`` over Go's ``net/url``."""

from __future__ import annotations

from collections.abc import Mapping

from returns.result import Success

from eso_core.compat.gourl import Url, User, parse_url
from eso_core.template.errors import FunctionError
from eso_core.template.limits import room_for
from eso_core.template.values import Function, Value, kind_of


def url_parse(text: bytes) -> dict[bytes, Value]:
    """The parts of a URL; each is there, if only empty."""
    url = _parsed(text, "unable to parse url: ")
    return {
        b"scheme": url.scheme,
        b"host": url.host,
        b"hostname": url.hostname(),
        b"path": url.path,
        b"query": url.raw_query,
        b"opaque": url.opaque,
        b"fragment": url.fragment,
        b"userinfo": url.user.text() if url.user is not None else b"",
    }


def url_join(parts: dict[bytes, Value] | None) -> bytes:
    """The URL of such parts; unknown ones are passed over."""
    known = parts or {}
    scheme, host, path, query, opaque, fragment, userinfo = (
        _part(known, key) for key in (b"scheme", b"host", b"path", b"query", b"opaque", b"fragment", b"userinfo")
    )
    room_for(len(scheme) + len(query) + len(opaque) + 3 * (len(host) + len(path) + len(fragment) + len(userinfo)))
    user: User | None = None
    if userinfo:
        user = _parsed(b"proto://%b@host" % userinfo, "unable to parse userinfo in dict: ").user
    return Url(scheme=scheme, host=host, path=path, raw_query=query, opaque=opaque, fragment=fragment, user=user).text()


def _part(parts: dict[bytes, Value], key: bytes) -> bytes:
    """`dictGetOrEmpty`."""
    value = parts.get(key, b"")
    if type(value) is bytes:
        return value
    if value is None:
        raise FunctionError("runtime error: invalid memory address or nil pointer dereference")
    raise FunctionError(f"unable to parse {key.decode()} key, must be of type string, but {kind_of(value)} found")


def _parsed(text: bytes, prefix: str) -> Url:
    room_for(len(text) * 4)  # as many as escaping and quoting may need
    parsed = parse_url(text)
    if isinstance(parsed, Success):
        url: Url = parsed.unwrap()
        return url
    what, _, detail = parsed.failure().partition(" ")
    raise FunctionError(f"{prefix}{what} ", detail)


TABLE: Mapping[str, Function] = {
    "urlJoin": Function("func(map[string]interface {}) string", url_join),
    "urlParse": Function("func(string) map[string]interface {}", url_parse),
}
