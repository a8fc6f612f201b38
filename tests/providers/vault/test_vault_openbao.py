"""The vault provider against a real server (OpenBao), with the number of calls it takes."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from eso_core.door import Absent, Entries, Find, Found, Get, Probe, Session
from eso_core.failure import Broken, Missing, Refused, Unreachable
from tests.e2e.harness.services import OpenBao
from tests.providers.live import Live
from tests.providers.scripts import access, entries, failure, plain, value

READ = 'path "secret/*" { capabilities = ["read", "list"] }'


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        server.write_policy("reader", READ)
        server.write("app/db", {"user": "u1", "pass": "old"})
        server.write("app/db", {"user": "u2", "pass": "n&w", "nested": {"a.b": {"c": [1, 2.5]}}, "n": 12345678901, "t": True, "z": None})
        server.write_metadata("app/db", {"env": "prod", "tier": "db"})
        server.write("app/web", {"k": "v"})
        server.write_metadata("app/web", {"env": "dev"})
        server.write("app/deep/er/x", {"k": "deep"})
        server.write("app/gone", {"k": "v"})
        server.delete_latest("app/gone")
        server.write("odd/a b ü?#%41+&=", {"k": "odd"})
        server.enable_kv("old", version=1)
        server.write("app/db", {"user": "u", "n": 1}, mount="old", version=1)
        yield server


def use(bao, token=None, **spec):
    return access(
        "vault", {"server": bao.url, "path": "secret", "auth": {"tokenSecretRef": {"name": "t", "key": "k"}}, **spec},
        {"token": token or bao.root_token},
    )  # fmt: skip


async def one(bao, query, **how):
    async with Live() as live:
        return await live.one("vault", use(bao, **how), query)


class TestVersion2:
    async def test_properties_of_one_secret_cost_one_call(self, bao):
        mark = bao.mark()
        async with Live() as live:
            answers = await live.ask("vault", use(bao), *[Get(key="app/db")] * 3)
        answer = answers[Get(key="app/db")]
        assert [value("vault", answer, prop) for prop in ("user", "pass", "t", "z")] == [b"u2", b"n&w", b"true", b""]
        assert [call.path for call in bao.calls(since=mark)] == ["secret/data/app/db"]
        assert value("vault", answer, "n") == b"12345678901"
        assert value("vault", answer, r"nested.a\.b.c.1") == b"2.5"
        assert value("vault", answer).startswith(b'{"n":12345678901,"nested":{"a.b":{"c":[1,2.5]}},"pass":"n\\u0026w"')

    async def test_versions(self, bao):
        assert value("vault", await one(bao, Get(key="app/db", version="1")), "pass") == b"old"
        assert await one(bao, Get(key="app/db", version="99")) == Absent()
        assert isinstance(failure(await one(bao, Get(key="app/db", version="x"))), Broken)

    async def test_absent(self, bao):
        assert await one(bao, Get(key="app/nope")) == Absent()
        assert await one(bao, Get(key="app/gone")) == Absent()
        assert await one(bao, Get(key="app/nope", metadata=True)) == Absent()

    async def test_a_mount_that_is_not_there_is_not_a_missing_secret(self, bao):
        assert isinstance(failure(await one(bao, Get(key="x"), path="nomount")), Missing)

    async def test_odd_names(self, bao):
        assert value("vault", await one(bao, Get(key="odd/a b ü?#%41+&=")), "k") == b"odd"

    @pytest.mark.parametrize("key", ["secret/app/db", "secret/data/app/db", "app//db", "/app/db"])
    async def test_spellings_of_a_key(self, bao, key):
        assert value("vault", await one(bao, Get(key=key)), "user") == b"u2"

    async def test_metadata(self, bao):
        answer = await one(bao, Get(key="app/db", metadata=True))
        found = entries("vault", answer)
        assert {name: found[name] for name in ("env", "tier", "current_version", "delete_version_after")} == {
            "env": b"prod", "tier": b"db", "current_version": b"2", "delete_version_after": b"0s",
        }  # fmt: skip
        assert value("vault", answer, "env") == b"prod"

    async def test_without_a_mount(self, bao):
        reader = access("vault", {"server": bao.url, "auth": {"tokenSecretRef": {"name": "t", "key": "k"}}}, {"token": bao.root_token})
        async with Live() as live:
            assert value("vault", await live.one("vault", reader, Get(key="secret/app/web")), "k") == b"v"


async def test_version_1(bao):
    old = {"path": "old", "version": "v1"}
    assert entries("vault", await one(bao, Get(key="app/db"), **old)) == {"user": b"u", "n": b"1"}
    assert await one(bao, Get(key="nope"), **old) == Absent()
    assert plain(await one(bao, Find(name="db"), **old)) == {"app/db": b'{"n":1,"user":"u"}'}


class TestFinding:
    async def test_by_name(self, bao):
        assert sorted(plain(await one(bao, Find(name=".*")))) == ["app/db", "app/deep/er/x", "app/web", "odd/a b ü?#%41+&="]
        assert plain(await one(bao, Find(name="web$"))) == {"app/web": b'{"k":"v"}'}

    async def test_calls(self, bao):
        mark = bao.mark()
        await one(bao, Find(name="web$", path="app"))
        made = [(call.operation, call.path) for call in bao.calls(since=mark)]
        lists = [("list", f"secret/metadata/app{folder}") for folder in ("", "/deep", "/deep/er")]
        assert [(operation, path.rstrip("/")) for operation, path in made] == [*lists, ("read", "secret/data/app/web")]

    async def test_by_tags(self, bao):
        assert sorted(plain(await one(bao, Find(tags=(("env", "prod"),))))) == ["app/db"]

    async def test_no_such_path(self, bao):
        assert await one(bao, Find(name=".", path="nope")) == Absent()


class TestIdentity:
    async def test_a_policy_says_no(self, bao):
        bao.write_policy("other", 'path "other/*" { capabilities = ["read"] }')
        got = failure(await one(bao, Get(key="app/db"), token=bao.create_token("other")))
        assert isinstance(got, Refused)
        assert "permission denied" in got.what
        assert "/v1/secret/data/app/db" in got.what

    async def test_a_token_that_is_gone(self, bao):
        token = bao.create_token("reader")
        bao.revoke_token(token)
        for query in (Get(key="app/db"), Probe()):
            got = failure(await one(bao, query, token=token))
            assert isinstance(got, Refused)
            assert got.session
            assert token not in got.what

    async def test_probe(self, bao):
        assert await one(bao, Probe(), token=bao.create_token("reader")) == Found(Entries({}))

    async def test_app_role(self, bao):
        role = bao.create_approle("app", "reader", ttl="30m")
        spec = {"appRole": {"path": "approle", "roleId": role.role_id, "secretRef": {"name": "s", "key": "id"}}}
        reader = access("vault", {"server": bao.url, "path": "secret", "auth": spec}, {"secret_id": role.secret_id})
        async with Live() as live:
            session = await live.login("vault", reader)
            assert isinstance(session, Session)
            assert session.lease_s == 1800
            mark = bao.mark()
            answers = await live.ask("vault", reader, Get(key="app/db"), Get(key="app/web"), Get(key="app/nope"))
        assert value("vault", answers[Get(key="app/web")], "k") == b"v"
        assert bao.calls(since=mark)[0].path == "auth/approle/login"
        assert len(bao.calls(since=mark)) == 4

    async def test_a_wrong_secret_id(self, bao):
        role = bao.create_approle("app2", "reader")
        spec = {"appRole": {"path": "approle", "roleRef": {"name": "r", "key": "id"}, "secretRef": {"name": "s", "key": "id"}}}
        reader = access("vault", {"server": bao.url, "path": "secret", "auth": spec}, {"role_id": role.role_id, "secret_id": "wr0ng"})
        async with Live() as live:
            got = await live.login("vault", reader)
        assert isinstance(got, Refused)
        assert "wr0ng" not in got.what

    async def test_namespaces(self, bao):
        bao.create_namespace("tenant")
        bao.enable_kv("secret", namespace="tenant")
        bao.write("x", {"k": "theirs"}, namespace="tenant")
        bao.write_policy("reader", READ, namespace="tenant")
        token = bao.create_token("reader", namespace="tenant")
        assert value("vault", await one(bao, Get(key="x"), token=token, namespace="tenant"), "k") == b"theirs"
        role = bao.create_approle("app", "reader", namespace="tenant")
        spec = {"namespace": "tenant", "appRole": {"path": "approle", "roleId": role.role_id, "secretRef": {"name": "s", "key": "id"}}}
        reader = access("vault", {"server": bao.url, "path": "secret", "namespace": "tenant", "auth": spec}, {"secret_id": role.secret_id})
        async with Live() as live:
            assert value("vault", await live.one("vault", reader, Get(key="x")), "k") == b"theirs"


class TestConnection:
    async def test_tls(self):
        with OpenBao(tls=True) as bao:
            bao.write("x", {"k": "v"})
            bundle = base64.b64encode(bao.ca_pem).decode()
            assert value("vault", await one(bao, Get(key="x"), caBundle=bundle), "k") == b"v"
            untrusted = failure(await one(bao, Get(key="x")))
            assert isinstance(untrusted, Unreachable)
            assert "certificate" in untrusted.what

    async def test_nobody_there(self, bao):
        nowhere = access(
            "vault", {"server": "http://127.0.0.1:1", "path": "s", "auth": {"tokenSecretRef": {"name": "t", "key": "k"}}}, {"token": "t"}
        )
        async with Live() as live:
            assert isinstance(failure(await live.one("vault", nowhere, Get(key="x"))), Unreachable)
