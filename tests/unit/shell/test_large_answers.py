"""What bounds the memory of many large answers at a time."""

from __future__ import annotations

import asyncio

import pytest

from eso_core.failure import Broken
from eso_core.wire import CallFailed, HttpCall, HttpReply
from eso_shell import http
from eso_shell.http import HttpClient
from tests.unit.shell.servers import CHUNKED, Request, chunk, serve

PART = b"x" * 1000


class Slowly:
    """Sends a part more than is small, then waits to be told to go on."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self.under_way = asyncio.Semaphore(0)
        self.go_on = asyncio.Event()

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"".join(chunk(PART) for _ in range(self.parts)))
        self.under_way.release()
        await self.go_on.wait()
        writer.write(b"0\r\n\r\n")


async def call(client: HttpClient, url: str, body_max: int = 1_000_000) -> HttpReply | CallFailed:
    return await client.call(HttpCall(method="GET", url=url, timeout_s=5.0, body_max=body_max))


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGE", 1500)
    monkeypatch.setattr(http, "LARGE_MAX", 2)


@pytest.mark.usefixtures("limits")
async def test_large_ones_wait_for_their_turn_and_small_ones_do_not() -> None:
    large, small = Slowly(2), Slowly(1)
    client = HttpClient(user_agent="tests")
    async with serve(large.answer) as a, serve(small.answer) as b:
        waiting = [asyncio.create_task(call(client, a.url)) for _ in range(5)]
        for _ in waiting:
            await large.under_way.acquire()
        small.go_on.set()
        assert isinstance(await call(client, b.url), HttpReply)
        assert client._large.locked()
        large.go_on.set()
        answers = await asyncio.gather(*waiting)
        assert [len(answer.body) for answer in answers if isinstance(answer, HttpReply)] == [2000] * 5
    assert not client._large.locked()
    await client.close()


@pytest.mark.usefixtures("limits")
async def test_a_turn_is_given_back_after_a_failure() -> None:
    endless = Slowly(5)
    client = HttpClient(user_agent="tests")
    async with serve(endless.answer) as server:
        for _ in range(4):
            failed = await call(client, server.url, body_max=3000)
            assert failed == CallFailed(Broken(f"{server.url}: answer larger than 3000 bytes"))
    assert not client._large.locked()
    await client.close()


async def test_an_answer_that_tells_its_size_is_not_read_at_all() -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2001\r\n\r\n")

    client = HttpClient(user_agent="tests")
    async with serve(answer) as server:
        failed = await call(client, server.url, body_max=2000)
        assert failed == CallFailed(Broken(f"{server.url}: answer larger than 2000 bytes"))
    await client.close()
