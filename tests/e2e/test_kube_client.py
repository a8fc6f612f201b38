"""The client against a real API server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from eso_core.failure import Refused, Unreachable
from eso_core.wire import MERGE_PATCH, CallFailed, KubeCall, KubeReply
from eso_shell.kube import StreamFailed
from eso_shell.kube.client import KubeClient
from eso_shell.kube.config import ClusterConfig, Fixed, Identity
from eso_shell.kube.kubeconfig import load_kubeconfig
from tests.e2e.harness.control_plane import ControlPlane


@pytest.fixture
def config(control_plane: ControlPlane) -> ClusterConfig:
    identity = Identity(f"Bearer {control_plane.admin_token}")
    return ClusterConfig(server=control_plane.server, ca_pem=control_plane.ca_pem, identities=Fixed(identity))


@pytest.fixture
async def client(config: ClusterConfig) -> AsyncIterator[KubeClient]:
    client = KubeClient(config)
    yield client
    await client.close()


async def reply(client: KubeClient, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    call = KubeCall(method=method, path=path, body=None if body is None else json.dumps(body).encode(), **more)
    answer = await client.call(call)
    assert isinstance(answer, KubeReply), answer
    return answer.status, json.loads(answer.body)


def secret(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": labels}, "data": {"a": "Yg=="}}


async def test_an_object_from_its_creation_to_its_end(client: KubeClient, namespace: str) -> None:
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    status, created = await reply(client, "POST", secrets, secret("s", color="blue"))
    assert status == 201
    status, patched = await reply(client, "PATCH", f"{secrets}/s", {"data": {"c": "ZA=="}}, content_type=MERGE_PATCH)
    assert (status, patched["data"]) == (200, {"a": "Yg==", "c": "ZA=="})
    stale = {"metadata": {"resourceVersion": created["metadata"]["resourceVersion"]}, "data": {"e": "Zg=="}}
    assert (await reply(client, "PATCH", f"{secrets}/s", stale, content_type=MERGE_PATCH))[0] == 409
    status, listed = await reply(client, "GET", secrets, query=(("labelSelector", "color in (blue, red),!shape"), ("limit", "5")))
    assert (status, [item["metadata"]["name"] for item in listed["items"]]) == (200, ["s"])
    condition = {"preconditions": {"uid": created["metadata"]["uid"], "resourceVersion": created["metadata"]["resourceVersion"]}}
    assert (await reply(client, "DELETE", f"{secrets}/s", condition))[0] == 409
    condition["preconditions"]["resourceVersion"] = patched["metadata"]["resourceVersion"]
    assert (await reply(client, "DELETE", f"{secrets}/s", condition))[0] == 200
    assert (await reply(client, "GET", f"{secrets}/s"))[0] == 404
    assert client.stats[("GET", 404)] == 1


async def test_pages_follow_on_each_other(client: KubeClient, namespace: str) -> None:
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    for number in range(5):
        await reply(client, "POST", secrets, secret(f"s{number}"))
    names: list[str] = []
    token = ""
    while True:
        _, page = await reply(client, "GET", secrets, query=(("limit", "2"), ("continue", token)))
        names += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert names == [f"s{number}" for number in range(5)]


async def test_a_watch_from_a_list_on(client: KubeClient, namespace: str) -> None:
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    _, listed = await reply(client, "GET", secrets)
    query = (("watch", "true"), ("resourceVersion", listed["metadata"]["resourceVersion"]), ("timeoutSeconds", "20"))
    large = secret("large")
    large["data"]["a"] = "QUFB" * 250_000
    seen: list[tuple[str, str]] = []
    async with aclosing(client.stream(KubeCall(method="GET", path=secrets, query=query), idle_s=30)) as batches:
        await reply(client, "POST", secrets, secret("s"))
        await reply(client, "POST", secrets, large)
        await reply(client, "PATCH", f"{secrets}/s", {"data": None}, content_type=MERGE_PATCH)
        await reply(client, "DELETE", f"{secrets}/s")
        async for batch in batches:
            events = [json.loads(line) for line in batch]
            seen += [(event["type"], event["object"]["metadata"]["name"]) for event in events]
            if len(seen) >= 4:
                break
    assert seen == [("ADDED", "s"), ("ADDED", "large"), ("MODIFIED", "s"), ("DELETED", "s")]


async def test_a_watch_ends_when_it_was_asked_to(client: KubeClient, namespace: str) -> None:
    query = (("watch", "true"), ("timeoutSeconds", "1"), ("allowWatchBookmarks", "true"))
    call = KubeCall(method="GET", path=f"/api/v1/namespaces/{namespace}/secrets", query=query)
    async with aclosing(client.stream(call, idle_s=30)) as batches:
        assert [line async for batch in batches for line in batch if b'"ADDED"' in line] == []


async def test_a_watch_of_what_is_not_there(client: KubeClient) -> None:
    with pytest.raises(StreamFailed) as caught:
        await anext(client.stream(KubeCall(method="GET", path="/apis/no.such/v1/things", query=(("watch", "true"),)), idle_s=30))
    assert caught.value.status == 404


async def test_a_token_that_the_server_does_not_know(config: ClusterConfig) -> None:
    client = KubeClient(replace(config, identities=Fixed(Identity("Bearer unknown"))))
    status, body = await reply(client, "GET", "/api/v1/secrets")
    assert (status, body["reason"]) == (401, "Unauthorized")
    with pytest.raises(StreamFailed) as caught:
        await anext(client.stream(KubeCall(method="GET", path="/api/v1/secrets", query=(("watch", "true"),)), idle_s=30))
    assert isinstance(caught.value.failure, Refused)
    await client.close()


async def test_a_server_of_another_authority(config: ClusterConfig) -> None:
    client = KubeClient(replace(config, ca_pem=b""))
    answer = await client.call(KubeCall(method="GET", path="/version"))
    await client.close()
    assert isinstance(answer, CallFailed)
    assert isinstance(answer.failure, Unreachable)
    assert "certificate is not trusted" in answer.failure.what


async def test_a_kubeconfig_file(control_plane: ControlPlane) -> None:
    client = KubeClient(load_kubeconfig({}, path=str(control_plane.kubeconfig)))
    status, version = await reply(client, "GET", "/version")
    await client.close()
    assert (status, version["major"]) == (200, "1")


async def test_many_calls_at_once(config: ClusterConfig, namespace: str) -> None:
    client = KubeClient(config, in_flight_max=8)
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    answers = await asyncio.gather(*(reply(client, "POST", secrets, secret(f"s{number}")) for number in range(100)))
    await client.close()
    assert {status for status, _ in answers} == {201}
