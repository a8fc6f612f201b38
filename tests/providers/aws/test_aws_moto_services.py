"""The same conversations with moto's server and with the server in memory; and what only moto has: STS, real signatures."""

from __future__ import annotations

import base64
import datetime
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from eso_core.door import Absent, Access, Delete, Done, Exists, Failed, Find, Get, Push, Session, Source
from eso_core.failure import Refused
from eso_core.secret import SecretBytes
from tests.e2e.harness.services import Moto
from tests.providers.aws.server import ROLE, Cloud
from tests.providers.live import Live
from tests.providers.scripts import access, parsed, plain, provider, run, store_ref, value

KEYS = {"accessKeyIDSecretRef": {"name": "c", "key": "id"}, "secretAccessKeySecretRef": {"name": "c", "key": "secret"}}


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as server:
        yield server


@pytest.fixture
def environ(moto):
    moto.reset()
    names = ("SECRETSMANAGER", "SSM", "ACM", "RESOURCE_GROUPS_TAGGING_API", "STS")
    return {f"AWS_{name}_ENDPOINT": moto.url for name in names}


def metadata(**spec):
    return {"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata", "spec": spec}


def push(key, text, prop="", meta=None, name="s"):
    return Push(key=key, property=prop, secret_key=name, source=Source(data={"s": SecretBytes(text)}), metadata=meta)


class Live2:
    """One store at moto, and one in memory: each thing is done at both, and has to come out equal."""

    def __init__(self, live, moto, service, short):
        spec = {"service": service, "region": moto.region, "auth": {"secretRef": KEYS}}
        self.live, self.cloud = live, Cloud(short)
        keys = {"access_key": moto.access_key_id, "secret_key": moto.secret_access_key}
        self.theirs = access("aws", spec, keys)
        self.mine = access("aws", spec, self.cloud.credential())

    async def open(self):
        self.session = await self.live.login("aws", self.theirs)
        assert isinstance(self.session, Session), self.session
        self.own = run(provider("aws").login(self.mine), self.cloud.answer).value
        return self

    async def do(self, command):
        act = getattr(provider("aws"), type(command).__name__.lower())
        theirs = await self.live.run(act(self.theirs, self.session, command))
        mine = run(act(self.mine, self.own, command), self.cloud.answer).value
        return self.same(theirs, mine)

    async def ask(self, *queries):
        theirs = await self.live.run(provider("aws").fetch(self.theirs, self.session, queries))
        mine = run(provider("aws").fetch(self.mine, self.own, queries), self.cloud.answer).value
        return [self.same(plain(theirs[query]), plain(mine[query])) for query in queries]

    @staticmethod
    def same(theirs, mine):
        if isinstance(theirs, Failed):
            assert isinstance(mine, Failed)
            assert type(theirs.failure) is type(mine.failure), (theirs, mine)
            return type(theirs.failure)
        assert theirs == mine
        return theirs


async def test_secrets_manager(moto, environ):
    async with Live(environ) as live:
        both = await Live2(live, moto, "SecretsManager", "secretsmanager").open()
        tagged = metadata(tags={"team": "red"}, description="d")
        assert await both.do(push("app/a", b"one", meta=tagged)) == Done(changed=True)
        assert await both.do(push("app/a", b"one", meta=tagged)) == Done(changed=False)
        assert await both.do(push("app/a", b"two", meta=tagged)) == Done(changed=True)
        assert await both.do(push("app/b", b"x", "p.q", metadata(secretPushFormat="string"))) == Done(changed=True)
        assert await both.do(push("app/b", b"y", "r", metadata(secretPushFormat="string"))) == Done(changed=True)
        assert await both.ask(Get(key="app/a"), Get(key="app/b"), Get(key="nope")) == [b"two", b'{"p":{"q":"x"},"r":"y"}', Absent()]
        assert await both.ask(Get(key="app/a", version="AWSPREVIOUS")) == [b"one"]
        assert await both.ask(Get(key="app/a", version="uuid/00000000-0000-0000-0000-000000000001")) == [b"one"]
        [tags] = await both.ask(Get(key="app/a", metadata=True))
        assert orjson.loads(tags) == {"team": "red", "managed-by": "external-secrets"}
        await both.do(push("app/a", b"two", meta=metadata(tags={"team": "blue"})))
        assert (await both.ask(Get(key="app/a", metadata=True)))[0].count(b"blue") == 1
        for query in (Find(name="^app/"), Find(name="a$", path="app/"), Find(tags=(("team", "blue"),)), Find(name="nothing")):
            await both.ask(query)
        assert await both.do(Exists(key="app/a")) is True
        assert await both.do(Delete(key="app/a")) == Done(changed=True)
        assert await both.do(Delete(key="app/a")) == Done(changed=False)
        assert await both.do(Exists(key="app/a")) is False
        assert await both.ask(Get(key="app/a")) == [Absent()]


async def test_a_resource_policy(moto, environ):
    async with Live(environ) as live:
        both = await Live2(live, moto, "SecretsManager", "secretsmanager").open()
        meta = metadata(resourcePolicy={"policySourceRef": {"kind": "Secret", "name": "p", "key": "k"}})
        held = {"policy": SecretBytes(b'{"Version":"2012-10-17","Statement":[]}')}

        def one(text):
            return Push(key="k", secret_key="s", source=Source(data={"s": SecretBytes(text)}), metadata=meta, held=held)

        assert await both.do(one(b"a")) == Done(changed=True)
        assert await both.do(one(b"a")) == Done(changed=False)
        client = boto3.client("secretsmanager", **moto.client_arguments())
        assert orjson.loads(client.get_resource_policy(SecretId="k")["ResourcePolicy"]) == {"Version": "2012-10-17", "Statement": []}
        client.close()


async def test_parameter_store(moto, environ):
    async with Live(environ) as live:
        both = await Live2(live, moto, "ParameterStore", "ssm").open()
        secure = metadata(secretType="SecureString", tags={"team": "red"})
        for number in range(12):
            assert await both.do(push(f"/app/{number}", b"v%d" % number, meta=secure)) == Done(changed=True)
        assert await both.do(push("/app/0", b"v0", meta=secure)) == Done(changed=False)
        assert await both.do(push("/app/0", b"w0", meta=secure)) == Done(changed=True)
        queries = [*(Get(key=f"/app/{number}") for number in range(12)), Get(key="/nope"), Get(key="/app/0", version="1")]
        assert await both.ask(*queries) == [b"w0", *(b"v%d" % number for number in range(1, 12)), Absent(), b"v0"]
        assert [call.headers["X-Amz-Target"] for call in live.calls[-3:]] == [
            "AmazonSSM.GetParameters", "AmazonSSM.GetParameters", "AmazonSSM.GetParameter",
        ]  # fmt: skip
        [tags] = await both.ask(Get(key="/app/0", metadata=True))
        assert orjson.loads(tags) == {"team": "red", "managed-by": "external-secrets"}
        for query in (Find(name="/1", path="/app"), Find(name="nothing", path="/app"), Find(tags=(("team", "red"),))):
            await both.ask(query)
        assert await both.do(Exists(key="/app/1")) is True
        assert await both.do(Delete(key="/app/1")) == Done(changed=True)
        assert await both.do(Delete(key="/app/1")) == Done(changed=False)
        assert await both.do(Exists(key="/app/1")) is False


def self_signed(name):
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start, end = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2020, 2100))
    made = x509.CertificateBuilder(subject, subject, key.public_key(), 1, start, end)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), pem


async def test_certificate_manager(moto, environ):
    """moto appends its own root to each chain and forgets tags in a second import, so that only the first is tried there."""
    async with Live(environ) as live:
        both = await Live2(live, moto, "CertificateManager", "acm").open()
        crt, key = self_signed("web.example")
        data = {"tls.crt": SecretBytes(crt), "tls.key": SecretBytes(key)}
        one = Push(key="web", source=Source(data=data), metadata=metadata(tags={"a": "1"}))
        assert await both.do(one) == Done(changed=True)
        client = boto3.client("acm", **moto.client_arguments())
        [held] = client.list_certificates()["CertificateSummaryList"]
        tags = client.list_tags_for_certificate(CertificateArn=held["CertificateArn"])["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {
            "a": "1", "managed-by": "external-secrets", "external-secrets-remote-key": "web",
        }  # fmt: skip
        client.close()
        again = await live.login("aws", both.theirs)
        assert await live.run(provider("aws").exists(both.theirs, again, Exists(key="web"))) is True
        assert [call.headers["X-Amz-Target"].rpartition(".")[2] for call in live.calls[-2:]] == ["GetResources", "ListTagsForCertificate"]
        assert await both.do(Delete(key="web")) == Done(changed=True)
        assert await both.do(Delete(key="web")) == Done(changed=False)
        assert await both.do(Exists(key="web")) is False


async def test_an_exported_certificate(moto, environ):
    client = boto3.client("acm", **moto.client_arguments())
    arn = client.request_certificate(DomainName="web.example", Options={"Export": "ENABLED"})["CertificateArn"]
    client.close()
    async with Live(environ) as live:
        both = await Live2(live, moto, "CertificateManager", "acm").open()
        answer = (await live.run(provider("aws").fetch(both.theirs, both.session, (Get(key=arn),))))[Get(key=arn)]
        bundle = value("aws", answer)
        assert b"-----BEGIN CERTIFICATE-----" in bundle
        assert bundle.rstrip().endswith(b"-----END PRIVATE KEY-----")
        assert [call.name for call in live.calls[-2:]] == ["ambient.chance", "ExportCertificate"]
        again = (await live.run(provider("aws").fetch(both.theirs, both.session, (Get(key=arn),))))[Get(key=arn)]
        assert value("aws", again) == bundle
        assert live.calls[-1].name == "GetCertificate"


def web_identity(moto, token):
    form = parsed("aws", {"service": "SecretsManager", "region": moto.region, "auth": {"jwt": {"serviceAccountRef": {"name": "app"}}}})
    notes = orjson.dumps({"eks.amazonaws.com/role-arn": ROLE})
    held = {"annotations": SecretBytes(notes), "token": SecretBytes(token.encode())}
    return Access(identity="irsa", store=store_ref(), namespace="team", spec=form, secrets=held)


async def test_a_role_for_the_token_of_a_service_account(moto, environ):
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"RS256"}', b'{"sub":"app"}', b"x"))
    mark = moto.mark()
    async with Live(environ) as live:
        session = await live.login("aws", web_identity(moto, token))
        assert isinstance(session, Session)
        assert session.value.token
        assert 3500 < session.lease_s <= 3600
        use = web_identity(moto, token)
        assert await live.run(provider("aws").exists(use, session, Exists(key="nope"))) is False
    [call] = moto.calls("AssumeRoleWithWebIdentity", since=mark)
    assert "RoleSessionName=external-secrets-provider-aws" in call.body
    assert f"WebIdentityToken={token}" in call.body


async def test_a_token_that_sts_refuses(environ, monkeypatch):
    import botocore.exceptions

    from eso_shell.sdk import aws

    def refused(*_):
        error = {"Error": {"Code": "InvalidIdentityToken", "Message": "no provider"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        raise botocore.exceptions.ClientError(error, "AssumeRoleWithWebIdentity")

    monkeypatch.setattr(aws, "_by_token", refused)
    async with Live(environ) as live:
        got = await live.login("aws", web_identity(Moto, "t"))
    assert got == Refused("AWS AssumeRoleWithWebIdentity: InvalidIdentityToken: no provider", session=True)


class TestAmbient:
    """What the SDK finds where the operator runs."""

    @pytest.fixture(autouse=True)
    def nowhere(self, monkeypatch, tmp_path):
        """No other source than the one that a test sets."""
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.setenv(name, str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    async def login(self, moto, environ):
        async with Live(environ) as live:
            session = await live.login("aws", access("aws", {"service": "SecretsManager", "region": moto.region}))
            assert isinstance(session, Session), session
            use = access("aws", {"service": "SecretsManager", "region": moto.region})
            assert await live.run(provider("aws").exists(use, session, Exists(key="nope"))) is False
        return session

    async def test_the_operators_own_web_identity(self, moto, environ, monkeypatch, tmp_path):
        (tmp_path / "token").write_text("header.payload.signature")
        for name, text in {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": ROLE, "AWS_ENDPOINT_URL_STS": moto.url,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, text)
        session = await self.login(moto, environ)
        assert session.value.token
        assert 3000 < session.lease_s <= 3600

    async def test_pod_identity(self, moto, environ, monkeypatch, tmp_path):
        """The agent's address and token file, as EKS sets them."""
        (tmp_path / "token").write_text("pod-token")
        seen = []
        held = {"AccessKeyId": "ASIAPOD", "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z", "AccountId": "1"}

        class Agent(BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append((self.path, self.headers["Authorization"]))
                body = orjson.dumps(held)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Agent) as agent:
            serving = threading.Thread(target=agent.serve_forever)
            serving.start()
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{agent.server_port}/v1/credentials")
            monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
            session = await self.login(moto, environ)
            agent.shutdown()
            serving.join()
        assert session.value.access_key == "ASIAPOD"
        assert session.lease_s > 3600
        assert seen == [("/v1/credentials", "pod-token")]

    async def test_an_instance(self, moto, environ, monkeypatch):
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", moto.url)
        session = await self.login(moto, environ)
        assert session.value.token
        assert session.lease_s is not None
