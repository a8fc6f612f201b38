"""The backend stub, over real connections."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from bench.vault import Vault, serve

GOOD = {"X-Vault-Token": "bench"}


@asynccontextmanager
async def _serving(vault: Vault) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    async with await serve(vault, 0) as server, aiohttp.ClientSession() as client:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", client


async def test_a_secret_has_its_properties_and_a_new_generation_changes_them() -> None:
    async with _serving(Vault(properties=2)) as (url, client):
        async with client.get(f"{url}/v1/secret/data/es/7", headers=GOOD) as answer:
            first = await answer.json()
        assert first["data"]["data"] == {"p0": "es/7#p0@1", "p1": "es/7#p1@1"}
        assert first["data"]["metadata"]["version"] == 1
        async with client.post(f"{url}/bench/generation") as answer:
            assert (await answer.json())["generation"] == 2
        async with client.get(f"{url}/v1/secret/data/es/7", headers=GOOD) as answer:
            assert (await answer.json())["data"]["data"]["p0"] == "es/7#p0@2"


async def test_what_is_asked_is_counted_by_kind() -> None:
    async with _serving(Vault()) as (url, client):
        statuses = [
            (await client.get(f"{url}/v1/secret/data/a", headers=GOOD)).status,
            (await client.get(f"{url}/v1/secret/data/a?version=0", headers=GOOD)).status,
            (await client.get(f"{url}/v1/secret/data/a", headers={"X-Vault-Token": "other"})).status,
            (await client.get(f"{url}/v1/auth/token/lookup-self", headers=GOOD)).status,
            (await client.post(f"{url}/v1/auth/approle/login", json={"role_id": "r", "secret_id": "s"})).status,
            (await client.get(f"{url}/v1/sys/health", headers=GOOD)).status,
        ]
        async with client.get(f"{url}/bench/counts") as answer:
            counted = await answer.json()
    assert statuses == [200, 200, 403, 200, 200, 404]
    assert counted["counts"] == {"data": 2, "refused": 1, "lookup-self": 1, "login": 1, "other": 1}
    assert counted["keys"] == 1


async def test_answers_take_their_time_side_by_side() -> None:
    vault = Vault(latency_s=0.1)
    async with _serving(vault) as (url, client):
        begin = time.monotonic()
        await asyncio.gather(*(client.get(f"{url}/v1/secret/data/{number}", headers=GOOD) for number in range(20)))
        took = time.monotonic() - begin
    assert 0.1 <= took < 1.5
    assert vault.in_flight_max == 20
    assert vault.in_flight == 0


async def test_a_request_in_pieces_and_two_at_once() -> None:
    vault = Vault()
    async with await serve(vault, 0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        writer.write(b"POST /v1/auth/approle/login HTTP/1.1\r\nContent-Length: 4\r\n\r\n{")
        await asyncio.sleep(0.02)
        assert not vault.counts
        writer.write(b"  }GET /v1/secret/data/a HTTP/1.1\r\nX-Vault-Token: bench\r\n\r\n")
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK")
            await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
        writer.close()
    assert vault.counts == {"login": 1, "data": 1}


async def test_a_black_hole_takes_requests_and_never_answers_them() -> None:
    vault = Vault()
    async with _serving(vault) as (url, client):
        await client.post(f"{url}/bench/hang")
        hung = asyncio.create_task(client.get(f"{url}/v1/secret/data/a", headers=GOOD).__aenter__())
        while await asyncio.sleep(0, not vault.counts["unanswered"]):
            pass
        await client.post(f"{url}/bench/answer")
        assert (await client.get(f"{url}/v1/secret/data/a", headers=GOOD)).status == 200
        assert not hung.done()
        hung.cancel()
        async with client.get(f"{url}/bench/counts") as answer:
            assert (await answer.json())["counts"] == {"unanswered": 1, "data": 1}
