"""The small HTTP server: what it answers, and what a client cannot make it do."""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from eso_shell.serve.http import Limits, Page, ServeError, Server, bind, serve

HERE = "127.0.0.1:0"


def big() -> Page:
    return Page((b"%d\n" % number * 1000 for number in range(100)), compress=True)


BIG = b"".join(b"%d\n" % number * 1000 for number in range(100))


def broken() -> Page:
    raise RuntimeError("hunter2")


def broken_later() -> Page:
    def body() -> Iterator[bytes]:
        yield b"a"
        raise RuntimeError("hunter2")

    return Page(body())


ROUTES = {"/ok": lambda: Page([b"o", b"k"]), "/big": big, "/broken": broken, "/broken-later": broken_later}


@asynccontextmanager
async def serving(limits: Limits | None = None, address: str = HERE) -> AsyncIterator[Server]:
    server = await serve(address, ROUTES, limits=limits)
    assert server is not None
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = server.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def exchange(server: Server, request: bytes) -> bytes:
    """Everything that is sent back until the server closes."""
    async with connected(server) as (reader, writer):
        writer.write(request)
        return await reader.read()


def asks(line: str, *headers: str, close: bool = True) -> bytes:
    return "\r\n".join([line, "Host: x", *headers, *(["Connection: close"] if close else []), "", ""]).encode()


# ---------------------------------------------------------------- answers


async def test_a_page() -> None:
    async with serving() as server:
        got = await exchange(server, asks("GET /ok?verbose=1 HTTP/1.1"))
    head, _, body = got.partition(b"\r\n\r\n")
    assert body == b"ok"
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: text/plain; charset=utf-8",
        b"X-Content-Type-Options: nosniff",
        b"Content-Length: 2",
        b"Connection: close",
    ]


async def test_head_has_no_body() -> None:
    async with serving() as server:
        assert (await exchange(server, asks("HEAD /ok HTTP/1.1"))).endswith(b"Content-Length: 2\r\nConnection: close\r\n\r\n")
        assert (await exchange(server, asks("HEAD /big HTTP/1.1"))).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        (asks("GET /no HTTP/1.1"), b"404 Not Found", b"Not Found\n"),
        (asks("POST /ok HTTP/1.1"), b"405 Method Not Allowed", b"Method Not Allowed\n"),
        (asks("GET /broken HTTP/1.1"), b"500 Internal Server Error", b"Internal Server Error\n"),
        (asks("GET /ok HTTP/2.0"), b"400 Bad Request", b"malformed request line\n"),
        (asks("GET  /ok HTTP/1.1"), b"400 Bad Request", b"malformed request line\n"),
        (asks("GET ok HTTP/1.1"), b"400 Bad Request", b"malformed request line\n"),
        (b"GET /ok HTTP/1.1\r\n\r\n", b"400 Bad Request", b"no Host header\n"),
        (asks("GET /ok HTTP/1.1", "Host: y"), b"400 Bad Request", b"host is given twice\n"),
        (asks("GET /ok HTTP/1.1", "Content-Length: 1", "Content-Length: 2"), b"400 Bad Request", b"content-length is given twice\n"),
        (asks("GET /ok HTTP/1.1", "no colon"), b"400 Bad Request", b"malformed header\n"),
        (asks("GET /ok HTTP/1.1", " folded: x"), b"400 Bad Request", b"malformed header\n"),
        (asks("GET /ok HTTP/1.1", "Transfer-Encoding : chunked"), b"400 Bad Request", b"malformed header\n"),
        (asks("GET /ok HTTP/1.1", "A: b\nC: d"), b"400 Bad Request", b"malformed header\n"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400 Bad Request", b"malformed request line\n"),
        (asks("GET /ok HTTP/1.1", "X: " + "x" * 8200), b"431 Request Header Fields Too Large", b"Request Header Fields Too Large\n"),
    ],
)
async def test_problems(request_: bytes, status: bytes, body: bytes) -> None:
    async with serving() as server:
        got = await exchange(server, request_)
    assert got.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert got.endswith(b"\r\n\r\n" + body)
    assert b"Connection: close\r\n" in got


async def test_which_methods_are_allowed() -> None:
    async with serving() as server:
        assert b"\r\nAllow: GET, HEAD\r\n" in await exchange(server, asks("DELETE /ok HTTP/1.1"))


async def test_many_requests_on_one_connection() -> None:
    async with serving() as server, connected(server) as (reader, writer):
        for _ in range(3):
            writer.write(asks("GET /ok HTTP/1.1", close=False))
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"Connection" not in head
            assert await reader.readexactly(2) == b"ok"


@pytest.mark.parametrize("header", ["Content-Length: 30", "Transfer-Encoding: chunked"])
async def test_a_body_is_not_taken_for_a_request(header: str) -> None:
    async with serving() as server:
        got = await exchange(server, asks("GET /ok HTTP/1.1", header, close=False) + asks("GET /no HTTP/1.1"))
    assert got.count(b"HTTP/1.1") == 1


async def test_an_old_client_gets_the_page_up_to_the_end_of_the_connection() -> None:
    async with serving() as server:
        got = await exchange(server, b"GET /big HTTP/1.0\r\n\r\n")
    head, _, body = got.partition(b"\r\n\r\n")
    assert body == BIG
    assert b"chunked" not in head


@pytest.mark.parametrize("accepted", ["gzip", "deflate, gzip;q=0.5", "identity", "gzip;q=0"])
async def test_other_peoples_client(accepted: str) -> None:
    async with serving() as server, aiohttp.ClientSession(auto_decompress=False) as session:
        for _ in range(2):
            async with session.get(f"http://{server.address}/big", headers={"Accept-Encoding": accepted}) as reply:
                body = await reply.read()
                squeezed = reply.headers.get("Content-Encoding") == "gzip"
                assert reply.headers["Vary"] == "Accept-Encoding"
            assert squeezed is (accepted in ("gzip", "deflate, gzip;q=0.5"))
            assert (gzip.decompress(body) if squeezed else body) == BIG


async def test_a_page_that_breaks_off_is_seen_to_be_incomplete() -> None:
    async with serving() as server:
        got = await exchange(server, asks("GET /broken-later HTTP/1.1"))
    assert not got.endswith(b"0\r\n\r\n")
    assert b"hunter2" not in got


async def test_others_run_while_a_page_is_sent() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serving() as server:
        task = asyncio.create_task(others())
        await exchange(server, asks("GET /big HTTP/1.1"))
        task.cancel()
    assert turns > 100


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize("sent", [b"", b"GET /ok HT"])
async def test_a_slow_request_is_given_up(sent: bytes) -> None:
    async with serving(Limits(head_s=0.01)) as server:
        assert await exchange(server, sent) == b""


async def test_an_idle_connection_ends() -> None:
    async with serving(Limits(idle_s=0.01)) as server:
        assert (await exchange(server, asks("GET /ok HTTP/1.1", close=False))).endswith(b"\r\n\r\nok")


async def test_a_reader_that_does_not_read_is_given_up() -> None:
    ended = asyncio.Event()

    def endless() -> Page:
        def body() -> Iterator[bytes]:
            try:
                while True:
                    yield b"x" * 1_000_000
            finally:
                ended.set()

        return Page(body())

    server = await serve(HERE, {"/endless": endless}, limits=Limits(write_s=0.01))
    assert server is not None
    async with connected(server) as (_, writer):
        writer.write(asks("GET /endless HTTP/1.1"))
        await ended.wait()
    await server.close()


async def test_the_longest_idle_connection_makes_room() -> None:
    async with (
        serving(Limits(connections=2)) as server,
        connected(server) as (first, to_first),
        connected(server) as (second, to_second),
    ):
        for reader, writer in ((first, to_first), (second, to_second), (first, to_first)):
            writer.write(asks("GET /ok HTTP/1.1", close=False))
            await reader.readuntil(b"ok")
        assert (await exchange(server, asks("GET /ok HTTP/1.1"))).endswith(b"ok")
        with contextlib.suppress(ConnectionResetError):
            assert await second.read() == b""
        to_first.write(asks("GET /ok HTTP/1.1"))
        assert (await first.read()).endswith(b"ok")


async def test_closing_ends_connections_and_frees_the_port() -> None:
    async with serving() as server, connected(server) as (reader, writer):
        writer.write(asks("GET /ok HTTP/1.1", close=False))
        await reader.readuntil(b"ok")
        await server.close()
        assert await reader.read() == b""
        async with serving(address=server.address) as again:
            assert again.address == server.address


async def test_closing_lets_a_reply_end() -> None:
    ending: list[asyncio.Task[None]] = []

    def page() -> Page:
        ending.append(asyncio.create_task(server.close()))
        return Page(b"%d" % number for number in range(3))

    server = await serve(HERE, {"/": page})
    assert server is not None
    assert (await exchange(server, asks("GET / HTTP/1.1"))).endswith(b"0\r\n\r\n")
    await ending[0]


async def test_closing_does_not_wait_for_ever() -> None:
    started = asyncio.Event()

    def page() -> Page:
        started.set()
        return Page(b"x" * 1_000_000 for _ in range(1000))

    server = await serve(HERE, {"/": page}, limits=Limits(close_s=0.01))
    assert server is not None
    async with connected(server) as (_, writer):
        writer.write(asks("GET / HTTP/1.1"))
        await started.wait()
        await server.close()


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize("address", ["0", ""])
async def test_turned_off(address: str) -> None:
    assert await serve(address, ROUTES) is None


Made = Callable[[str], socket.socket | None]


@pytest.mark.parametrize(
    ("address", "hosts"), [("127.0.0.1:0", {"127.0.0.1"}), ("localhost:0", {"127.0.0.1", "::1"}), (":0", {"::", "0.0.0.0"})]
)
def test_addresses(address: str, hosts: set[str]) -> None:
    made = bind(address)
    assert made is not None
    with made:
        assert made.getsockname()[0] in hosts
        assert made.getsockname()[1] > 0


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
async def test_ipv6() -> None:
    async with serving(address="[::1]:0") as server:
        assert server.address.startswith("[::1]:")


async def test_all_addresses_of_both_families() -> None:
    async with serving(address=":0") as server:
        port = int(server.address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asks("GET /ok HTTP/1.1"))
        assert (await reader.read()).endswith(b"ok")
        writer.close()


@pytest.mark.parametrize("address", ["8080", "host:", "host:port", "::1:80", "host:99999", "host:-1", "[::1]", "a:b:1"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ServeError, match=r"^cannot listen on '.*': an address is host:port or :port, with \[ \] around an IPv6 host$"):
        bind(address)


def test_a_port_in_use_is_one_line() -> None:
    with bind(HERE) as taken:  # type: ignore[union-attr]
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ServeError) as caught:
            bind(address)
    assert str(caught.value) == f"cannot listen on {address}: Address already in use"


def test_an_unknown_host_is_one_line() -> None:
    with pytest.raises(ServeError, match=r"^cannot listen on no\.such\.host\.invalid:80: \S[^\n]+$"):
        bind("no.such.host.invalid:80")
