"""Executes :class:`HttpCall`: one session for all backends, a TLS context per distinct :class:`Tls`, and a bound on everything.

What may appear in a failure's text: scheme, host and port of the backend, and the cause. Never a path, query, header, body or user name.

The answer's body is decompressed here and not by aiohttp, so that ``body_max`` holds for what a compressed body expands to.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import ssl
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from eso_core.failure import Broken, Failure, InvalidSpec, Refused, Unreachable
from eso_core.wire import CallFailed, HttpCall, HttpReply, Tls
from eso_shell.egress import CLOSED, Closed, ClosedResolver, EgressRule
from eso_shell.tls import ssl_context

CONNECT_S = 5.0
KEEPALIVE_S = 45.0  # less than the 60 to 90 s after which common servers drop an idle connection
CONTEXTS_MAX = 256
REDIRECTS_MAX = 3
PROXIED_MAX = 4096  # hosts whose proxy is remembered
HEADER_MAX = 65_536  # bytes of one header line
LARGE = 256 * 1024  # bytes of an answer from which on it counts as large
LARGE_MAX = 8  # large answers that are read at a time: what bounds the memory of all
PLAIN_BODY_MAX = 1_000_000  # bytes; aiohttp wants larger ones as a file, to send them in pieces

_URL_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_OURS = frozenset(  # headers that belong to the connection; a call's are left out
    {"connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
_CONTROLS = re.compile(r"[\r\n\0]")

Signer = Callable[[HttpCall], Mapping[str, str]]
"""The headers that sign a call, ``call.sign`` being set; they are added to ``call.headers``, of which same-named ones are replaced."""


# ---------------------------------------------------------------- failures


def failure_of(error: BaseException, peer: str) -> Failure:
    """What an exception of aiohttp, ssl, the network or a timer means for ``peer``. The text holds nothing that was sent or received."""
    match error:
        case aiohttp.ClientConnectorDNSError() if isinstance(error.os_error, Closed):
            return Refused(CLOSED.format(peer))
        case aiohttp.ClientConnectorDNSError():
            return Unreachable(f"{peer}: its host name does not resolve")
        case aiohttp.ClientProxyConnectionError():
            return Unreachable(f"{peer}: the proxy cannot be reached: {_system_text(error.os_error)}")
        case aiohttp.ClientHttpProxyError():
            return Unreachable(f"{peer}: the proxy answered {error.status}")
        case aiohttp.ClientConnectorCertificateError():
            return Unreachable(f"{peer}: its certificate is not trusted: {_tls_text(error.certificate_error)}")
        case aiohttp.ClientConnectorError():
            return Unreachable(f"{peer}: {_system_text(error.os_error)}")
        case aiohttp.ConnectionTimeoutError():
            return Unreachable(f"{peer}: no connection within {CONNECT_S:g} s")
        case aiohttp.SocketTimeoutError():
            return Unreachable(f"{peer}: silent for too long")
        case TimeoutError() if error.errno is None:
            return Unreachable(f"{peer}: no answer in time")
        case aiohttp.ServerDisconnectedError():
            return Unreachable(f"{peer}: closed the connection without an answer")
        case aiohttp.ClientPayloadError():
            return Unreachable(f"{peer}: the connection broke inside the answer")
        case aiohttp.InvalidURL():
            return InvalidSpec("the server address is not a usable http or https URL")
        case aiohttp.ClientResponseError():
            return Broken(f"{peer}: the answer is not HTTP")
        case OSError():
            return Unreachable(f"{peer}: {_system_text(error)}")
        case aiohttp.ClientConnectionError():
            return Unreachable(f"{peer}: the connection was closed")
        case _:
            return Broken(f"{peer}: the request cannot be made: {type(error).__name__}")


def _system_text(error: OSError) -> str:
    cause = error
    while not isinstance(cause, ssl.SSLError) and isinstance(cause.__cause__, OSError):
        cause = cause.__cause__
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {_tls_text(cause)}"
    if cause.errno is None:
        return "connection reset" if isinstance(cause, ConnectionResetError) else type(cause).__name__
    return os.strerror(cause.errno).lower()


def _tls_text(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return type(error).__name__


# ---------------------------------------------------------------- proxies


@final
class ProxyRules:
    """``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` (either case) as Go reads them.

    Loopback is never proxied. ``NO_PROXY`` holds ``*``, hosts (and the names below them), ``.domain`` (only names below it), addresses and
    CIDR blocks, separated by commas, each with an optional port.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        def value(name: str) -> str:
            return environ.get(name, "") or environ.get(name.lower(), "")

        self._proxies = {"https": _proxy_url(value("HTTPS_PROXY")), "http": _proxy_url(value("HTTP_PROXY"))}
        if environ.get("REQUEST_METHOD"):  # a CGI server sets HTTP_PROXY from a request header
            self._proxies["http"] = None
        self._chosen: dict[tuple[str, str, int | None], str | None] = {}
        self._entries = tuple(entry.strip().lower() for entry in value("NO_PROXY").split(",") if entry.strip())

    def proxy_for(self, url: URL | str) -> str | None:
        """The proxy's URL for a request to ``url``; ``None``: go there directly."""
        url = URL(url)
        key = (url.scheme, url.raw_host or "", url.port)
        if key not in self._chosen:
            if len(self._chosen) >= PROXIED_MAX:
                self._chosen.clear()
            self._chosen[key] = self._choose(*key)
        return self._chosen[key]

    def _choose(self, scheme: str, host: str, port: int | None) -> str | None:
        host = host.lower().rstrip(".")
        proxy = self._proxies.get(scheme)
        return None if proxy is None or host in ("", "localhost") or self._direct(host, port or 0) else proxy

    def _direct(self, host: str, port: int) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            address = None
        if address is not None and address.is_loopback:
            return True
        for entry in self._entries:
            if entry == "*":
                return True
            name, wanted = _split_port(entry)
            if wanted and wanted != port:
                continue
            network = _network(name)
            if network is not None:
                if address is not None and address in network:
                    return True
                continue
            name = name.removeprefix("*")
            if host == name or host.endswith(name if name.startswith(".") else f".{name}"):
                return True
        return False


def _proxy_url(text: str) -> str | None:
    if not text:
        return None
    return text if "://" in text else f"http://{text}"


def _split_port(entry: str) -> tuple[str, int]:
    name, colon, port = entry.rpartition(":")
    if colon and port.isdecimal() and (":" not in name or name.endswith("]")):
        return name.strip("[]"), int(port)
    return entry.strip("[]"), 0


def _network(name: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(name, strict=False)
    except ValueError:
        return None


# ---------------------------------------------------------------- the client


@final
class HttpClient:
    """Sends backend calls. One event loop owns it; connections open with the first call.

    At most ``connections_max`` connections are in use at a time, and ``host_max`` to one host with one ``Tls``; a call waits for one within
    its time limit, and so does the rest of a large answer for its turn. A reused connection that turns out closed is replaced once for GET,
    HEAD, PUT and DELETE.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        proxies: ProxyRules | None = None,
        signer: Signer | None = None,
        egress: EgressRule | None = None,
        connections_max: int = 1000,
        host_max: int = 100,
    ) -> None:
        self._user_agent = user_agent
        self._proxies = proxies
        self._signer = signer
        self._egress = egress if egress else None
        self._ambient: aiohttp.ClientSession | None = None  # for calls that no egress rule holds for
        self._connections_max, self._host_max = connections_max, host_max
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._contexts: OrderedDict[Tls, ssl.SSLContext | InvalidSpec] = OrderedDict()
        self._large = asyncio.Semaphore(LARGE_MAX)

    async def call(self, call: HttpCall) -> HttpReply | CallFailed:
        """Send and read the whole answer, following redirects that stay at the origin. Raises nothing but cancellation."""
        url: URL | None = None
        try:
            url = _address(call.url)
            async with asyncio.timeout(call.timeout_s):
                for _ in range(REDIRECTS_MAX + 1):
                    reply, target = await self._once(call, url)
                    if target is None:
                        return reply
                    if target.origin() != url.origin():
                        raise _Unusable(f"redirects to another origin, {target.origin()}")
                    call, url = _redirected(call, target, reply.status), target
                raise _Unusable(f"redirects more than {REDIRECTS_MAX} times")
        except Exception as error:
            return CallFailed(_failure(error, call, str(url.origin()) if url is not None else "backend"))

    async def close(self) -> None:
        """Drop all connections; calls under way fail, and all that come after."""
        self._closed = True
        for opened in (self._session, self._ambient):
            if opened is not None:
                await opened.close()
        self._contexts.clear()

    async def _once(self, call: HttpCall, url: URL) -> tuple[HttpReply, URL | None]:
        """One exchange: the answer, and where it redirects to."""
        headers = self._headers(call, url)
        proxy = self._proxies.proxy_for(url) if self._proxies is not None else None
        response = await self._connected(call, url, proxied=proxy is not None).request(
            call.method,
            url,
            data=_payload(call.body),
            headers=headers,
            skip_auto_headers=("Content-Type",) if call.body and "Content-Type" not in headers else None,
            ssl=self._context(call.tls) if url.scheme == "https" else True,
            proxy=proxy,
            allow_redirects=False,
        )
        try:
            body = await _read(response, call.body_max, self._large)
        except BaseException:
            response.close()  # drops the connection; after a body read to its end it is back in the pool
            raise
        reply = HttpReply(status=response.status, headers=_lower(response), body=body)
        location = reply.headers.get("location")
        if response.status not in (301, 302, 303, 307, 308) or not location:
            return reply, None
        try:
            return reply, _address(str(url.join(_url(location))))
        except (ValueError, _Invalid):
            raise _Unusable("redirects to something that is no http or https URL") from None

    def _headers(self, call: HttpCall, url: URL) -> CIMultiDict[str]:
        headers = CIMultiDict(call.headers)
        if call.sign is not None:
            if self._signer is None:
                raise _Unusable("no signer for AWS Signature Version 4 is installed")
            headers.update(self._signer(replace(call, url=str(url))))
        for name in [name for name in headers if name.lower() in _OURS]:
            headers.popall(name, None)
        if any(map(_CONTROLS.search, headers.values())):
            raise _Invalid("a request header holds a line break")
        headers.setdefault("User-Agent", self._user_agent)
        headers.setdefault("Accept", "*/*")
        headers.setdefault("Accept-Encoding", "gzip")
        return headers

    def _context(self, tls: Tls) -> ssl.SSLContext:
        context = self._contexts.get(tls)
        if context is None:
            context = ssl_context(tls)
            while len(self._contexts) >= CONTEXTS_MAX:
                self._contexts.popitem(last=False)  # its connections idle out, with nobody to find them
            self._contexts[tls] = context
        else:
            self._contexts.move_to_end(tls)
        if isinstance(context, InvalidSpec):
            raise _Invalid(context.what)
        return context

    def _connected(self, call: HttpCall, url: URL, *, proxied: bool) -> aiohttp.ClientSession:
        """The session for a call. A proxy is the administrator's own address, too."""
        if self._closed:
            raise aiohttp.ClientConnectionError
        if self._egress is not None and not call.ambient and self._egress.closes(url.host or ""):
            raise _Closed(str(url.origin()))
        if self._egress is not None and (call.ambient or proxied):
            if self._ambient is None:
                self._ambient = session(limit=self._connections_max, limit_per_host=self._host_max)
            return self._ambient
        if self._session is None:
            resolver = ClosedResolver(self._egress) if self._egress is not None else None
            self._session = session(limit=self._connections_max, limit_per_host=self._host_max, resolver=resolver)
        return self._session


def session(
    *, limit: int = 0, limit_per_host: int = 0, timeout: aiohttp.ClientTimeout | None = None, resolver: ClosedResolver | None = None
) -> aiohttp.ClientSession:
    """An aiohttp session that keeps no cookies, reads no environment, decompresses nothing. Made inside the event loop."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit, limit_per_host=limit_per_host, keepalive_timeout=KEEPALIVE_S, resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=timeout or aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        auto_decompress=False,
        trust_env=False,
        max_line_size=HEADER_MAX,
        max_field_size=HEADER_MAX,
    )


class _Invalid(Exception):
    """The call cannot be made as it is; the text is an ``InvalidSpec``'s."""


class _Closed(Exception):
    """The address is closed; the text is the origin's."""


class _Unusable(Exception):
    """The answer is not acceptable; the text goes on from the backend's name."""


def _failure(error: Exception, call: HttpCall, peer: str) -> Failure:
    match error:
        case _Invalid():
            return InvalidSpec(str(error))
        case _Closed():
            return Refused(CLOSED.format(error))
        case _Unusable():
            return Broken(f"{peer}: {error}")
        case TimeoutError() if error.errno is None and not isinstance(error, aiohttp.ServerTimeoutError):
            return Unreachable(f"{peer}: no answer within {call.timeout_s:g} s")
        case _:
            return failure_of(error, peer)


def _url(text: str) -> URL:
    """A URL of legal characters is sent as it is written (a signature may cover it); any other is escaped."""
    return URL(text, encoded=_URL_CHARACTERS.fullmatch(text) is not None)


def _address(text: str) -> URL:
    """An absolute http or https URL."""
    try:
        url = _url(text)
        if url.scheme in ("http", "https") and url.host and url.port:
            return url
    except ValueError:
        pass
    raise _Invalid("the server address is not a usable http or https URL")


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    if not body:
        return None
    return body if len(body) <= PLAIN_BODY_MAX else io.BytesIO(body)


def _redirected(call: HttpCall, target: URL, status: int) -> HttpCall:
    """The call to make at ``target``: 303 becomes GET, and POST does at 301 and 302, as every client has it."""
    if call.method in ("GET", "HEAD") or status in (307, 308) or (status != 303 and call.method != "POST"):
        return replace(call, url=str(target))
    headers = {name: value for name, value in call.headers.items() if name.lower() not in ("content-type", "content-encoding")}
    return replace(call, url=str(target), method="GET", body=b"", headers=headers)


def _lower(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Headers by lower-case name. Repeated ones are joined by a comma, cookies by a line end; those of a compressed body are left out."""
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        if key in headers:
            value = f"{headers[key]}{chr(10) if key == 'set-cookie' else ', '}{value}"
        headers[key] = value
    if headers.pop("content-encoding", None) is not None:
        headers.pop("content-length", None)
    return headers


async def _read(response: aiohttp.ClientResponse, most: int, large: asyncio.Semaphore) -> bytes:
    """The whole body, decompressed, of at most ``most`` bytes. Reading stops where it turns out larger; a large one waits for its turn."""
    gunzip = _gunzip(response)
    if gunzip is None and (response.content_length or 0) > most:
        raise _Unusable(f"answer larger than {most} bytes")
    chunks: list[bytes] = []
    left = most
    content = response.content
    async with AsyncExitStack() as held:
        slot = False
        while not content.at_eof():
            chunk = await content.readany()
            if gunzip is not None:
                chunk = gunzip.feed(chunk, left + 1)
            left -= len(chunk)
            if left < 0:
                raise _Unusable(f"answer larger than {most} bytes")
            chunks.append(chunk)
            if not slot and most - left > LARGE:
                await held.enter_async_context(large)
                slot = True
        if gunzip is not None and not gunzip.whole:
            raise _Unusable("the compressed answer is incomplete")
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _gunzip(response: aiohttp.ClientResponse) -> _Gunzip | None:
    encoding = response.headers.get("Content-Encoding", "").lower().strip()
    if not encoding or encoding == "identity":
        return None
    if encoding not in ("gzip", "x-gzip"):
        raise _Unusable("the answer has a content encoding that was not asked for")
    return _Gunzip()


class _Gunzip:
    """Decompresses a gzip stream of one or more members. ``whole``: nothing was fed, or the last member is complete."""

    def __init__(self) -> None:
        self.whole = True
        self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    def feed(self, chunk: bytes, most: int) -> bytes:
        """What ``chunk`` expands to, cut off at ``most`` bytes (more than 0); the rest is lost then."""
        plain = b""
        try:
            while chunk and len(plain) < most:
                if self._member.eof:
                    self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
                plain += self._member.decompress(chunk, most - len(plain))
                self.whole = self._member.eof
                chunk = self._member.unused_data
        except zlib.error:
            raise _Unusable("the compressed answer does not decompress") from None
        return plain
