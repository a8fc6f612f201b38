"""The aws provider against moto's server, with the number of calls it takes."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from eso_core.door import Absent, Entries, Failed, Find, Found, Get, Probe, Session
from eso_core.failure import Missing, Refused, Unreachable
from tests.e2e.harness.services import Moto
from tests.providers.live import Live
from tests.providers.scripts import access, entries, plain, value

KEYS = {"accessKeyIDSecretRef": {"name": "c", "key": "id"}, "secretAccessKeySecretRef": {"name": "c", "key": "secret"}}


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as server:
        yield server


@pytest.fixture(scope="module")
def manager(moto):
    client = boto3.client("secretsmanager", **moto.client_arguments())
    for n in range(45):
        client.create_secret(Name=f"many/{n}", SecretString=f"v{n}")
    client.create_secret(Name="prod/db", SecretString='{"user":"u","a.b":"flat","a":{"b":"deep"}}', Tags=[{"Key": "env", "Value": "prod"}])
    client.create_secret(Name="binary", SecretBinary=b"\xff\x00")
    first = client.create_secret(Name="versions", SecretString="one")["VersionId"]
    client.put_secret_value(SecretId="versions", SecretString="two")
    client.create_secret(Name="doomed", SecretString="x")
    client.delete_secret(SecretId="doomed")
    client.first = first
    yield client
    client.close()


def use(moto, **spec):
    return access(
        "aws", {"service": "SecretsManager", "region": moto.region, "auth": {"secretRef": KEYS}, **spec},
        {"access_key": moto.access_key_id, "secret_key": moto.secret_access_key},
    )  # fmt: skip


@pytest.fixture
def environ(moto):
    return {"AWS_SECRETSMANAGER_ENDPOINT": moto.url, "AWS_STS_ENDPOINT": moto.url}


async def test_forty_five_secrets_cost_three_calls(moto, manager, environ):
    mark = moto.mark()
    queries = [Get(key=f"many/{n}") for n in range(45)]
    async with Live(environ) as live:
        answers = await live.ask("aws", use(moto), *queries)
    assert [plain(answers[query]) for query in queries] == [f"v{n}".encode() for n in range(45)]
    assert [call.operation for call in moto.calls(since=mark)] == ["BatchGetSecretValue"] * 3


async def test_properties_of_one_secret_cost_one_call(moto, manager, environ):
    mark = moto.mark()
    async with Live(environ) as live:
        answers = await live.ask("aws", use(moto), *[Get(key="prod/db")] * 3)
    answer = answers[Get(key="prod/db")]
    assert [value("aws", answer, prop) for prop in ("user", "a.b", "a")] == [b"u", b"flat", b'{"b":"deep"}']
    assert entries("aws", answer, "a") == {"b": b"deep"}
    assert [call.operation for call in moto.calls(since=mark)] == ["GetSecretValue"]


async def test_what_is_missing_in_a_batch(moto, manager, environ):
    arn = manager.describe_secret(SecretId="prod/db")["ARN"]
    keys = ["nope", "binary", "doomed", "versions", arn, "prod/db"]
    async with Live(environ) as live:
        answers = await live.ask("aws", use(moto), *(Get(key=key) for key in keys))
    got = {key: plain(answers[Get(key=key)]) for key in keys}
    assert got["nope"] == Absent() == got["doomed"]
    assert (got["binary"], got["versions"]) == (b"\xff\x00", b"two")
    assert got[arn] == got["prod/db"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Get(key="nope"), Absent()),
        (Get(key="doomed"), Absent()),
        (Get(key="versions"), b"two"),
        (Get(key="versions", version="AWSPREVIOUS"), b"one"),
        (Get(key="versions", version="NOSUCH"), Absent()),
        (Get(key="prod/db", metadata=True), b'{"env":"prod"}'),
        (Get(key="nope", metadata=True), Failed(Missing("DescribeSecret nope: it does not exist"))),
    ],
)
async def test_single_values(moto, manager, environ, query, found):
    async with Live(environ) as live:
        assert plain(await live.one("aws", use(moto), query)) == found


async def test_a_version_by_its_id(moto, manager, environ):
    async with Live(environ) as live:
        assert plain(await live.one("aws", use(moto), Get(key="versions", version=f"uuid/{manager.first}"))) == b"one"


async def test_prefix(moto, manager, environ):
    async with Live(environ) as live:
        assert plain(await live.one("aws", use(moto, prefix="many/"), Get(key="7"))) == b"v7"


class TestFinding:
    async def find(self, moto, environ, **query):
        mark = moto.mark()
        async with Live(environ) as live:
            found = plain(await live.one("aws", use(moto), Find(**query)))
        return found, [call.operation for call in moto.calls(since=mark)]

    async def test_by_name(self, moto, manager, environ):
        found, calls = await self.find(moto, environ, name="^many/4")
        assert sorted(found) == ["many/4", "many/40", "many/41", "many/42", "many/43", "many/44"]
        assert calls == ["ListSecrets", "BatchGetSecretValue"]

    async def test_by_path(self, moto, manager, environ):
        found, calls = await self.find(moto, environ, name=".", path="many/")
        assert len(found) == 45
        assert calls == ["BatchGetSecretValue"] * 3

    async def test_by_tags(self, moto, manager, environ):
        found, _ = await self.find(moto, environ, tags=(("env", "prod"),))
        assert sorted(found) == ["prod/db"]


class TestIdentity:
    async def test_roles(self, moto, manager, environ):
        mark = moto.mark()
        roles = {"additionalRoles": ["arn:aws:iam::123456789012:role/first"], "role": "arn:aws:iam::123456789012:role/last"}
        more = {"externalID": "ext", "sessionTags": [{"key": "team", "value": "a"}], "transitiveTagKeys": ["team"]}
        async with Live(environ) as live:
            session = await live.login("aws", use(moto, **roles, **more))
        assert isinstance(session, Session)
        assert session.value.token
        assert 3500 < session.lease_s <= 3600
        first, last = moto.calls("AssumeRole", since=mark)
        assert "role%2Ffirst" in first.body
        assert "ExternalId" not in first.body
        assert "role%2Flast" in last.body
        assert "ExternalId=ext" in last.body
        assert "Tags.member.1.Key=team" in last.body
        assert "TransitiveTagKeys.member.1=team" in last.body

    async def test_a_session_token_is_sent(self, moto, manager, environ):
        async with Live(environ) as live:
            await live.ask("aws", use(moto, role="arn:aws:iam::123456789012:role/last"), Get(key="prod/db"))
        assert live.calls[-1].sign.token

    async def test_probe(self, moto, environ):
        async with Live(environ) as live:
            assert await live.one("aws", use(moto), Probe()) == Found(Entries({}))

    async def test_endpoints_of_the_service(self, moto):
        async with Live() as live:
            for region, endpoint in {
                "eu-central-1": "https://secretsmanager.eu-central-1.amazonaws.com",
                "cn-north-1": "https://secretsmanager.cn-north-1.amazonaws.com.cn",
                "us-gov-west-1": "https://secretsmanager.us-gov-west-1.amazonaws.com",
            }.items():
                session = await live.login("aws", use(moto, region=region))
                assert session.value.endpoint == endpoint

    async def test_nobody_there(self, moto):
        async with Live({"AWS_STS_ENDPOINT": "http://127.0.0.1:1"}) as live:
            got = await live.login("aws", use(moto, role="arn:aws:iam::123456789012:role/x"))
        assert isinstance(got, Unreachable)

    async def test_no_credentials_anywhere(self, moto, monkeypatch, tmp_path):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
            monkeypatch.delenv(name, raising=False)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.setenv(name, str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        ambient = access("aws", {"service": "SecretsManager", "region": moto.region})
        async with Live() as live:
            assert isinstance(await live.login("aws", ambient), Refused)

    async def test_ambient_credentials(self, moto, monkeypatch):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDAMBIENT")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        async with Live() as live:
            session = await live.login("aws", access("aws", {"service": "SecretsManager", "region": moto.region}))
        assert session.value.access_key == "AKIDAMBIENT"
        assert session.lease_s is None
