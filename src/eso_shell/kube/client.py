"""The client of a real API server: executes :class:`KubeCall`, whole or as a stream.

Every read and write of the operator passes here, so the path of one call is kept short, within a tenth of a bare aiohttp session's cost:
URL text is pasted together and never parsed by parts, headers are made once an identity, one timer bounds the call, no task is started.

There is one seam for exceptions: what aiohttp, ssl and the network raise becomes a failure in :meth:`KubeClient.call` and
:meth:`KubeClient.stream`; cancellation passes through and drops the connection.
"""

from __future__ import annotations

import asyncio
import io
import re
import ssl
from collections.abc import AsyncGenerator, Callable
from functools import lru_cache
from typing import final
from urllib.parse import quote

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from eso_core.failure import Broken, Failure, InvalidSpec, Refused, Unreachable
from eso_core.wire import CallFailed, KubeCall, KubeReply, Tls
from eso_shell.http import CONNECT_S, PLAIN_BODY_MAX, failure_of, session
from eso_shell.kube import PEER, StreamFailed, refused
from eso_shell.kube.config import ClusterConfig, ConfigError, Identity
from eso_shell.tls import ssl_context

CALL_S = 30.0
BODY_MAX = 64 * 1024 * 1024  # bytes of an answer
LINE_MAX = 16 * 1024 * 1024  # bytes of one watch event

_PATH = re.compile(r"/[A-Za-z0-9\-._~:!$&'()*+,;=@/%]+")
_NO_SEGMENT = re.compile(r"//|/\.\.?(?:/|$)|%(?![0-9A-Fa-f]{2})")
_CALL_TIMEOUT = aiohttp.ClientTimeout(total=CALL_S, sock_connect=CONNECT_S)
_STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)


@final
class KubeClient:
    """Implements :class:`eso_shell.kube.Kube`. One event loop owns it; it connects with its first call.

    ``in_flight_max`` calls are on their way at a time, the rest wait in order of arrival; streams do not count. ``qps`` and ``burst`` limit
    how often a call or stream starts; ``None`` is no limit. ``stats`` counts answers by method and status, 0 for no answer; ``counted`` is
    told of each.
    """

    def __init__(
        self,
        config: ClusterConfig,
        *,
        in_flight_max: int = 64,
        user_agent: str = "external-secrets",
        qps: float | None = None,
        burst: int = 100,
        counted: Callable[[str, int], None] | None = None,
    ) -> None:
        self.config = config
        self._counted = counted
        self.stats: dict[tuple[str, int], int] = {}
        self._slots = asyncio.Semaphore(in_flight_max)
        self._bucket = _Bucket(qps, burst) if qps is not None else None
        fixed = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}  # aiohttp has none to add then
        self._fixed_headers = (*fixed.items(), *config.impersonate)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._identity: Identity | None = None
        self._headers: dict[str, CIMultiDict[str]] = {}
        self._context: ssl.SSLContext | bool = True
        self._context_of: tuple[bytes, bytes] | None = None
        self._proxy = config.proxy or None
        self._server_name = config.server_name or None

    async def call(self, call: KubeCall) -> KubeReply | CallFailed:
        """See :class:`eso_shell.kube.Kube`. The 30 s begin when the call has its slot; a 401 is tried once more with a renewed identity."""
        async with self._slots:
            if self._bucket is not None:
                await self._bucket.take()
            try:
                identity = await self.config.identities.current()
                reply = await self._exchange(call, identity)
                if reply.status == 401 and (renewed := await self.config.identities.renewed(identity)) is not None:
                    reply = await self._exchange(call, renewed)
            except Exception as error:
                self._count(call.method, 0)
                return CallFailed(_failure(error))
            return reply

    async def stream(self, call: KubeCall, *, idle_s: float) -> AsyncGenerator[list[bytes], None]:
        """See :class:`eso_shell.kube.Kube`. One line has at most 16 MiB."""
        if self._bucket is not None:
            await self._bucket.take()
        response: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout(idle_s):
                response = await self._open(call)
                if response.status != 200:
                    raise refused(await _whole(response))
            _end_with_connection(response)
            lines = _Lines()
            content = response.content
            while not content.at_eof():
                async with asyncio.timeout(idle_s):  # time spent by the caller is not the server's silence
                    chunk = await content.readany()
                if batch := lines.feed(chunk):
                    yield batch
            lines.end()
        except StreamFailed:
            raise
        except TimeoutError as error:
            if response is None:
                self._count(call.method, 0)
            if isinstance(error, aiohttp.ServerTimeoutError):
                raise StreamFailed(_failure(error)) from None
            raise StreamFailed(Unreachable(f"{PEER}: silent for {idle_s:g} s")) from None
        except Exception as error:
            if response is None:
                self._count(call.method, 0)
            raise StreamFailed(_failure(error)) from None
        finally:
            if response is not None:
                response.close()

    async def close(self) -> None:
        """See :class:`eso_shell.kube.Kube`."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _exchange(self, call: KubeCall, identity: Identity) -> KubeReply:
        reply = await _whole(await self._send(call, identity, _CALL_TIMEOUT))
        self._count(call.method, reply.status)
        return reply

    async def _open(self, call: KubeCall) -> aiohttp.ClientResponse:
        identity = await self.config.identities.current()
        response = await self._send(call, identity, _STREAM_TIMEOUT)
        self._count(call.method, response.status)
        if response.status == 401:
            try:
                renewed = await self.config.identities.renewed(identity)
            except BaseException:
                response.close()
                raise
            if renewed is not None:
                response.close()
                response = await self._send(call, renewed, _STREAM_TIMEOUT)
                self._count(call.method, response.status)
        return response

    async def _send(self, call: KubeCall, identity: Identity, limits: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        """The answer's head; whoever gets it reads or closes it."""
        if self._closed:
            raise aiohttp.ClientConnectionError
        if identity is not self._identity:
            self._become(identity)
        body = call.body
        content_type = call.content_type if body is not None else ""
        headers = self._headers.get(content_type)
        if headers is None:
            headers = self._headers[content_type] = self._headers_for(identity, content_type)
        if self._session is None:
            self._session = session(timeout=_CALL_TIMEOUT)
        return await self._session.request(
            call.method,
            _url(self.config.server, call),
            data=body if body is None or len(body) <= PLAIN_BODY_MAX else io.BytesIO(body),
            headers=headers,
            ssl=self._context,
            server_hostname=self._server_name,
            proxy=self._proxy,
            allow_redirects=False,
            timeout=limits,
        )

    def _headers_for(self, identity: Identity, content_type: str) -> CIMultiDict[str]:
        headers = CIMultiDict(self._fixed_headers)
        if identity.authorization:
            headers["Authorization"] = identity.authorization
        if content_type:
            headers["Content-Type"] = content_type
        return headers

    def _become(self, identity: Identity) -> None:
        """Use ``identity`` from now on. A new client certificate takes a new TLS context, whose connections are new."""
        config = self.config
        certificate = (identity.cert_pem, identity.key_pem)
        if self._context_of != certificate and config.server.startswith("https:"):
            context = ssl_context(Tls(config.ca_pem, identity.cert_pem, identity.key_pem, verify=not config.insecure))
            if isinstance(context, InvalidSpec):
                raise ConfigError(context.what)
            self._context, self._context_of = context, certificate
        self._identity = identity
        self._headers = {}

    def _count(self, method: str, status: int) -> None:
        key = (method, status)
        self.stats[key] = self.stats.get(key, 0) + 1
        if self._counted is not None:
            self._counted(method, status)


async def _whole(response: aiohttp.ClientResponse) -> KubeReply:
    """Read the answer to its end, which frees its connection; anything else drops the connection."""
    content = response.content
    try:
        body = await content.readany()
        if not content.at_eof():
            chunks, size = [body], len(body)
            while not content.at_eof() and size <= BODY_MAX:
                chunk = await content.readany()
                chunks.append(chunk)
                size += len(chunk)
            body = b"".join(chunks)
        if len(body) > BODY_MAX:
            raise _Unusable(f"answer larger than {BODY_MAX} bytes")
    except BaseException:
        response.close()
        raise
    if "Content-Encoding" in response.headers:
        raise _Unusable("the answer is compressed, which was not asked for")
    return KubeReply(status=response.status, body=body, retry_after_s=_retry_after_s(response) if response.status in (429, 503) else 0)


def _retry_after_s(response: aiohttp.ClientResponse) -> int:
    text = response.headers.get("Retry-After", "")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def _url(server: str, call: KubeCall) -> URL:
    path = call.path
    if _PATH.fullmatch(path) is None or _NO_SEGMENT.search(path) is not None:
        raise _Unusable("the path of the request names no object")
    if not call.query:
        return URL(f"{server}{path}", encoded=True)
    return URL(f"{server}{path}?{_query(call.query)}", encoded=True)


@lru_cache(maxsize=512)
def _query(pairs: tuple[tuple[str, str], ...]) -> str:
    return "&".join([f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs])


class _Unusable(Exception):
    """An answer or a call that this client does not accept; the text is a failure's."""


def _failure(error: Exception) -> Failure:
    match error:
        case _Unusable():
            return Broken(f"{PEER}: {error}")
        case ConfigError():
            return Refused(str(error))
        case TimeoutError() if not isinstance(error, aiohttp.ServerTimeoutError):
            return Unreachable(f"{PEER}: no answer within {CALL_S:g} s")
        case _:
            return failure_of(error, PEER)


def _end_with_connection(response: aiohttp.ClientResponse) -> None:
    """A connection that is gone ends its stream: aiohttp leaves the reader waiting where it closed one over bytes that are no HTTP."""
    if response.connection is None or response.connection.protocol is None:  # the answer is complete
        return
    content = response.content

    def end(closed: asyncio.Future[None]) -> None:
        if not closed.cancelled():
            closed.exception()
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    closed = response.connection.protocol.closed
    if closed is not None:
        closed.add_done_callback(end)


class _Lines:
    """Cuts a byte stream into lines; a line of many chunks costs one join."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that ``chunk`` completes, empty ones left out."""
        end = chunk.rfind(b"\n")
        if end < 0:
            if chunk:
                self._keep(chunk)
            return []
        lines = chunk[:end].split(b"\n")
        if self._parts:
            self._parts.append(lines[0])
            lines[0] = b"".join(self._parts)
            self._parts, self._size = [], 0
        if end + 1 < len(chunk):
            self._keep(chunk[end + 1 :])
        return [line for line in lines if line]

    def end(self) -> None:
        """The stream is over."""
        if self._parts:
            raise StreamFailed(Unreachable(f"{PEER}: the stream ended inside an event"))

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > LINE_MAX:
            raise StreamFailed(Broken(f"{PEER}: watch event larger than {LINE_MAX} bytes"))


class _Bucket:
    """A token bucket: ``burst`` at once, ``rate`` a second, first come first served."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, max(burst, 1)
        self._tokens = float(self._burst)
        self._at: float | None = None

    async def take(self) -> None:
        """Wait for a token; one that is not waited for to the end is given back."""
        now = asyncio.get_running_loop().time()
        if self._at is not None:
            self._tokens = min(self._tokens + (now - self._at) * self._rate, self._burst)
        self._at = now
        self._tokens -= 1
        if self._tokens >= 0:
            return
        try:
            await asyncio.sleep(-self._tokens / self._rate)
        except asyncio.CancelledError:
            self._tokens += 1
            raise
