"""The API server in memory, through the port of the real one."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from eso_core.failure import Missing, Unreachable
from eso_core.instant import Instant
from eso_core.sim.api import ApiServer
from eso_core.wire import CallFailed, KubeCall, KubeReply
from eso_shell.kube import Kube, StreamFailed, memory
from eso_shell.kube.memory import MemoryKube

SECRETS = "/api/v1/namespaces/default/secrets"


def watch(**query: str) -> KubeCall:
    return KubeCall(method="GET", path=SECRETS, query=(("watch", "true"), *query.items()))


async def create(kube: Kube, name: str) -> None:
    body = json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}).encode()
    answer = await kube.call(KubeCall(method="POST", path=SECRETS, body=body))
    assert isinstance(answer, KubeReply)
    assert answer.status == 201


def names(batch: list[bytes]) -> list[str]:
    events = [json.loads(line) for line in batch]
    return [f"{event['type']} {event['object']['metadata'].get('name', '')}".strip() for event in events]


@pytest.fixture
def kube() -> MemoryKube:
    return MemoryKube(ApiServer(), lambda: Instant(1_700_000_000_000_000_000))


async def test_calls(kube: MemoryKube) -> None:
    await create(kube, "a")
    answer = await kube.call(KubeCall(method="GET", path=f"{SECRETS}/a"))
    assert isinstance(answer, KubeReply)
    assert json.loads(answer.body)["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"
    assert kube.stats == {("POST", 201): 1, ("GET", 200): 1}


async def test_a_watch_tells_what_is_and_what_becomes(kube: MemoryKube) -> None:
    await create(kube, "a")
    async with aclosing(kube.stream(watch(), idle_s=60)) as batches:
        assert names(await anext(batches)) == ["ADDED a"]
        following = asyncio.ensure_future(anext(batches))
        await create(kube, "b")
        assert names(await following) == ["ADDED b"]
        await create(kube, "c")
        await create(kube, "d")
        assert names(await anext(batches)) == ["ADDED c", "ADDED d"]


async def test_it_ends_when_asked(kube: MemoryKube) -> None:
    async with aclosing(kube.stream(watch(timeoutSeconds="0.02"), idle_s=60)) as batches:
        assert [batch async for batch in batches] == []


async def test_bookmarks_break_the_silence(kube: MemoryKube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "BOOKMARK_S", 0.01)
    async with aclosing(kube.stream(watch(allowWatchBookmarks="true"), idle_s=60)) as batches:
        assert names(await anext(batches)) == ["BOOKMARK"]


async def test_a_version_that_is_gone_is_an_error_event_and_the_end(kube: MemoryKube) -> None:
    await create(kube, "a")
    kube.server.compact()
    await create(kube, "b")
    async with aclosing(kube.stream(watch(resourceVersion="1"), idle_s=60)) as batches:
        (batch,) = [batch async for batch in batches]
    assert json.loads(batch[0])["object"]["code"] == 410


async def test_a_refusal(kube: MemoryKube) -> None:
    with pytest.raises(StreamFailed) as caught:
        await anext(kube.stream(KubeCall(method="GET", path="/apis/no.such/v1/things", query=(("watch", "1"),)), idle_s=60))
    assert isinstance(caught.value.failure, Missing)
    assert caught.value.status == 404


async def test_closing(kube: MemoryKube) -> None:
    async with aclosing(kube.stream(watch(), idle_s=60)) as batches:
        following = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await kube.close()
        with pytest.raises(StreamFailed):
            await following
    answer = await kube.call(KubeCall(method="GET", path=SECRETS))
    assert isinstance(answer, CallFailed)
    assert isinstance(answer.failure, Unreachable)


async def test_nothing_is_kept_of_a_closed_stream(kube: MemoryKube) -> None:
    async with aclosing(kube.stream(watch(timeoutSeconds="60"), idle_s=60)) as batches:
        await create(kube, "a")
        await anext(batches)
    assert kube._wakers == set()
    assert kube.server._cluster._callbacks == []
