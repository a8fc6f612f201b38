"""Many requests from processes of their own."""

import asyncio
import time

import pytest
from aiohttp import web

from bench.burst import Burst, BurstFailed, Load, Target, load_from, sending


class Server:
    """Plain HTTP in the place of the API server; remembers bodies by path."""

    def __init__(self) -> None:
        self.received: dict[str, str] = {}
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app)
        self.url = ""

    async def __aenter__(self) -> "Server":
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.received[request.path] = await request.text()
        return web.json_response({}, status=409 if request.path == "/no" else 201)


def _requests(count: int) -> list[tuple[str, str, str, str]]:
    return [("POST", f"/{number}", "application/json", f"body {number}") for number in range(count)]


async def test_all_are_sent_once_and_times_are_in_the_order_of_requests() -> None:
    async with Server() as server:

        def send() -> tuple[list[float], list[float]]:
            with Burst(Target(server.url, "", "t"), _requests(25), connections=4, processes=3) as burst:
                done = burst.wait()
            return done.sent, done.answered

        begin = time.monotonic()
        sent, answered = await asyncio.to_thread(send)
        assert server.received == {f"/{number}": f"body {number}" for number in range(25)}
        assert len(sent) == len(answered) == 25
        assert all(begin < before < after <= time.monotonic() for before, after in zip(sent, answered, strict=True))


async def test_a_refusal_is_told() -> None:
    async with Server() as server:

        def send() -> None:
            with Burst(Target(server.url, "", "t"), [("POST", "/no", "application/json", "")], processes=1) as burst:
                burst.wait()

        with pytest.raises(BurstFailed, match="1 of 1 requests were refused: POST /no: 409"):
            await asyncio.to_thread(send)


async def test_a_rate_is_kept() -> None:
    async with Server() as server:
        done = await sending(Load(Target(server.url, "", "t"), _requests(11), connections=4, per_s=50))
    assert done.sent[-1] - done.sent[0] >= 0.19


def test_a_load_survives_its_trip() -> None:
    load = Load(Target("s", "ca", "t"), [("POST", "/", "application/json", "{}")], 3, 2.0, 1.5)
    document = {
        "target": {"server": "s", "ca_pem": "ca", "token": "t"},
        "requests": [["POST", "/", "application/json", "{}"]],
        "connections": 3,
        "per_s": 2.0,
        "first_at": 1.5,
    }
    assert load_from(document) == load
