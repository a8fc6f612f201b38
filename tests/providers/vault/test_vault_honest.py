"""The Vault in memory answers as a real server (OpenBao 2.7): the same requests one by one, and the same conversations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from eso_core.door import Delete, Exists, Find, Get, Probe, Push, Source
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply
from tests.e2e.harness.services import OpenBao
from tests.providers.live import Live
from tests.providers.scripts import access, provider, run, session
from tests.providers.vault.server import URL, Engine, Vault

VOLATILE = {
    "request_id",
    "policies",
    "lease_duration",
    "created_time",
    "deletion_time",
    "versions",
    "warnings",
    "description",
    "lease_id",
    "renewable",
}
TEXTS = {"Field validation failed: error converting input for field", "Invalid path for a versioned K/V secrets engine"}


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        server.enable_kv("old", version=1)
        yield server


def fake() -> Vault:
    vault = Vault()
    vault.engines["old"] = Engine(1)
    vault.tokens.add("root")
    return vault


def differences(ours: Any, theirs: Any, where: str = "") -> list[str]:
    """What our answer says that the real one does not. The real one may say more."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        lacking = [f"{where}.{name} is not told" for name in ours if name not in theirs]
        both = [name for name in ours if name in theirs and name not in VOLATILE]
        return [*lacking, *(line for name in both for line in differences(ours[name], theirs[name], f"{where}.{name}"))]
    if isinstance(ours, str) and isinstance(theirs, str) and any(ours.startswith(text) and theirs.startswith(text) for text in TEXTS):
        return []
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [line for one, other in zip(ours, theirs, strict=True) for line in differences(one, other, f"{where}[]")]
    return [] if ours == theirs else [f"{where}: {ours!r}, really {theirs!r}"]


def compared(call: HttpCall, ours: HttpReply, theirs: HttpReply) -> list[str]:
    what = f"{call.method} {call.url.removeprefix(URL)}"
    if ours.status != theirs.status:
        return [f"{what}: status {ours.status}, really {theirs.status} {theirs.body[:100]!r}"]
    if not ours.body or not theirs.body:
        return [] if ours.body == theirs.body else [f"{what}: {ours.body!r}, really {theirs.body!r}"]
    return differences(orjson.loads(ours.body), orjson.loads(theirs.body), what)


REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "secret/data/h/x", None),
    ("GET", "secret/metadata/h/x", None),
    ("GET", "secret/metadata/h?list=true", None),
    ("PUT", "secret/metadata/h/x", {"custom_metadata": {"a": "b"}}),
    ("GET", "secret/data/h/x", None),
    ("GET", "secret/metadata/h/x", None),
    ("PUT", "secret/data/h/x", {"data": {"n": 1.5, "t": "<&>"}, "options": {"cas": 0}}),
    ("PUT", "secret/data/h/x", {"data": {"n": 2}, "options": {"cas": 0}}),
    ("PUT", "secret/data/h/x", {"data": {"n": 2}, "options": {"cas": 1}}),
    ("GET", "secret/data/h/x", None),
    ("GET", "secret/data/h/x?version=1", None),
    ("GET", "secret/data/h/x?version=9", None),
    ("GET", "secret/data/h/x?version=x", None),
    ("PUT", "secret/data/h/y/z", {"data": {}}),
    ("GET", "secret/data/h/y", None),
    ("GET", "secret/metadata/h?list=true", None),
    ("GET", "secret/metadata/h/y?list=true", None),
    ("DELETE", "secret/data/h/x", None),
    ("GET", "secret/data/h/x", None),
    ("GET", "secret/data/h/x?version=1", None),
    ("PUT", "secret/data/h/x", {"data": {"n": 3}, "options": {"cas": 2}}),
    ("PUT", "secret/data/h/x", {"wrong": 1}),
    ("PUT", "secret/data/h/x", None),
    ("DELETE", "secret/metadata/h/x", None),
    ("DELETE", "secret/metadata/h/x", None),
    ("GET", "secret/data/h/x", None),
    ("GET", "secret/h/x", None),
    ("PUT", "secret/h/x", {"a": "b"}),
    ("DELETE", "secret/h/x", None),
    ("GET", "secret/h/x?list=true", None),
    ("GET", "nomount/data/x", None),
    ("PUT", "nomount/data/x", {"data": {}}),
    ("GET", "nomount/x", None),
    ("GET", "old/x", None),
    ("PUT", "old/x", {"a": 1.5, "custom_metadata": {"managed-by": "external-secrets"}}),
    ("GET", "old/x", None),
    ("GET", "old/data/x", None),
    ("GET", "old?list=true", None),
    ("GET", "old/zz?list=true", None),
    ("PUT", "old/x", {}),
    ("PUT", "old/x", None),
    ("DELETE", "old/x", None),
    ("DELETE", "old/x", None),
    ("GET", "auth/token/lookup-self", None),
    ("GET", "sys/mounts/secret", None),
    ("GET", "sys/mounts/old", None),
    ("GET", "sys/mounts/sys", None),
    ("GET", "sys/mounts/nope", None),
    ("PUT", "auth/nope/login", {"password": "x"}),
]


async def both(live: Live, bao: OpenBao, vault: Vault, call: HttpCall) -> tuple[HttpReply, list[str]]:
    """Their answer, and what differs."""
    ours = vault.answer(call)
    theirs = await live._send(replace(call, url=call.url.replace(URL, bao.url)))
    assert isinstance(ours, HttpReply)
    assert isinstance(theirs, HttpReply), theirs
    return theirs, compared(call, ours, theirs)


async def test_request_by_request(bao):
    vault, found = fake(), []
    async with Live() as live:
        for method, path, body in REQUESTS:
            headers = {"X-Vault-Token": "root", "X-Vault-Request": "true"}
            call = HttpCall(method=method, url=f"{URL}/v1/{path}", headers=headers, body=orjson.dumps(body) if body is not None else b"")
            found += (await both(live, bao, vault, call))[1]
    assert found == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("secret/data/x", {"X-Vault-Token": "wrong"}),
        ("secret/data/x", {}),
        ("auth/token/lookup-self", {}),
        ("auth/token/lookup-self", {"X-Vault-Token": "wrong"}),
        ("secret/data/x", {"X-Vault-Token": "root", "X-Vault-Namespace": "nope"}),
    ],
)
async def test_who_is_refused(bao, path, headers):
    async with Live() as live:
        call = HttpCall(method="GET", url=f"{URL}/v1/{path}", headers=headers)
        assert (await both(live, bao, fake(), call))[1] == []


@pytest.mark.parametrize("method", ["approle", "userpass"])
async def test_logins(bao, method):
    vault = Vault(method)
    if method == "approle":
        role = bao.create_approle("honest", "default")
        vault.secrets = {"role_id": role.role_id.encode(), "secret_id": role.secret_id.encode()}
        path, bodies = "approle/login", [{"role_id": role.role_id, "secret_id": text} for text in (role.secret_id, "wrong")]
    else:
        bao.enable_auth("userpass")
        bao.api("POST", "auth/userpass/users/alice", {"password": vault.text("password"), "token_ttl": "1h"})
        path, bodies = "userpass/login/alice", [{"password": text} for text in (vault.text("password"), "wrong")]
    VOLATILE.update({"client_token", "accessor"})
    async with Live() as live:
        for body in bodies:
            call = HttpCall(method="PUT", url=f"{URL}/v1/auth/{path}", body=orjson.dumps(body))
            theirs, found = await both(live, bao, vault, call)
            assert found == []
            if theirs.status == 200:
                lease = orjson.loads(theirs.body)["auth"]["lease_duration"]
                assert lease == 3600


def push(key: str, value: bytes, prop: str = "") -> Push:
    return Push(key=key, property=prop, secret_key="v", source=Source(data={"v": SecretBytes(value)}))


COMMANDS: list[Any] = [
    Probe(),
    Exists(key="c/x"),
    Get(key="c/x"),
    push("c/x", b'{"a":1.50,"e":1e3,"l":12345678901234567890123,"b":{"c":[true,null]}}'),
    push("c/x", b'{"a":1.50,"e":1e3,"l":12345678901234567890123,"b":{"c":[true,null]}}'),
    push("c/x", b"text", "p"),
    push("c/x", b"text", "p"),
    push("c/deep/y", b"1", "p"),
    Get(key="c/x"),
    Get(key="c/x", version="1"),
    Get(key="c/x", metadata=True),
    Find(name=".", path="c"),
    Find(tags=(("managed-by", "external-secrets"),), path="c"),
    Exists(key="c/x", property="p"),
    Delete(key="c/x", property="p"),
    Delete(key="c/x", property="p"),
    Delete(key="c/x"),
    Delete(key="c/x"),
    Delete(key="c/deep/y", property="p"),
    Get(key="c/x"),
    Find(name=".", path="c"),
]


@pytest.mark.parametrize("version", ["v2", "v1"])
async def test_conversations(bao, version):
    """Each call of a conversation has the same answer, and so the conversation the same outcome."""
    spec = {"path": "secret" if version == "v2" else "old", "version": version, "auth": {"tokenSecretRef": {"name": "t", "key": "k"}}}
    spec |= {"checkAndSet": {"required": True}} if version == "v2" else {}
    use = access("vault", {"server": URL, **spec}, {"token": "root"})
    vault, known, opened = fake(), provider("vault"), session("vault", use)
    async with Live() as live:
        for command in COMMANDS:
            if version == "v1" and (getattr(command, "metadata", None) is True or getattr(command, "tags", ())):
                continue
            name = {Push: "push", Delete: "delete", Exists: "exists"}.get(type(command), "fetch")
            asked = command if name != "fetch" else (command,)
            ours = run(getattr(known, name)(use, opened, asked), vault.answer)
            theirs, seen = await _really(live, bao, getattr(known, name)(use, opened, asked))
            assert [replace(call, url=call.url.replace(bao.url, URL)) for call in seen] == ours.calls, command
            if name != "fetch":
                assert theirs == ours.value, command
            else:
                assert _plainly(theirs[command]) == _plainly(ours.value[command]), command


async def _really(live: Live, bao: OpenBao, talk: Any) -> tuple[Any, list[HttpCall]]:
    seen: list[HttpCall] = []
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            return end.value, seen
        seen.append(call)
        reply = await live._send(replace(call, url=call.url.replace(URL, bao.url)))


def _plainly(answer: Any) -> Any:
    """Type and values, times left out."""
    payload = getattr(answer, "payload", None)
    if payload is None:
        return answer
    values = {"": payload.value} if hasattr(payload, "value") else payload.values
    held = {name: orjson.loads(value.reveal()) for name, value in values.items()}
    return {name: {key: text for key, text in value.items() if key not in VOLATILE} for name, value in held.items()}
