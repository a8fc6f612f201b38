"""Every login that a real server (OpenBao) has, pushes, and an independent client (hvac) that reads what was pushed."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import hvac
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from eso_core.door import Delete, Done, Exists, Failed, Find, Get, Probe, Push, Session, Source
from eso_core.failure import InvalidSpec, Missing, Refused
from eso_core.secret import SecretBytes
from eso_core.wire import CallReply, HttpCall, HttpReply
from tests.e2e.harness.services import OpenBao
from tests.providers.live import Live
from tests.providers.scripts import access, failure, plain, provider, value
from tests.providers.serve import serve

READ = 'path "secret/*" { capabilities = ["read", "list"] }'
SECRET = {"name": "s", "key": "k"}


def key_pair() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key, public.decode()


def signed(key: ec.EllipticCurvePrivateKey, **claims: Any) -> str:
    """A JWT (ES256) that is valid for ten minutes."""
    now = int(time.time())
    parts = [orjson.dumps(part) for part in ({"alg": "ES256", "typ": "JWT"}, {"iat": now, "nbf": now - 5, "exp": now + 600, **claims})]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    signature = base64.urlsafe_b64encode(r.to_bytes(32) + s.to_bytes(32)).rstrip(b"=")
    return (text + b"." + signature).decode()


def certificate() -> tuple[str, str]:
    """A client certificate that signs itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "web")])
    now = datetime.fromtimestamp(time.time(), UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(hours=1))
    usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    made = builder.add_extension(usage, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


@pytest.fixture(scope="module")
def bao() -> Iterator[OpenBao]:
    with OpenBao() as server:
        server.write_policy("reader", READ)
        server.write("app/db", {"user": "u"})
        yield server


def logging_in(bao, auth, secrets, **spec):
    return access("vault", {"server": bao.url, "path": "secret", "auth": auth, **spec}, secrets)


async def reads(use) -> bytes:
    async with Live() as live:
        session = await live.login("vault", use)
        assert isinstance(session, Session), session
        assert session.lease_s == 1200
        found: bytes = value("vault", await live.one("vault", use, Get(key="app/db")), "user")
        return found


async def refused(use) -> Refused:
    async with Live() as live:
        got = await live.login("vault", use)
    assert isinstance(got, Refused), got
    return got


class TestLogins:
    async def test_user_and_password(self, bao):
        bao.enable_auth("userpass")
        bao.api("POST", "auth/userpass/users/alice", {"password": "s3cr3t", "token_policies": ["reader"], "token_ttl": "20m"})
        auth = {"userPass": {"path": "userpass", "username": "alice", "secretRef": SECRET}}
        assert await reads(logging_in(bao, auth, {"password": "s3cr3t\n"})) == b"u"
        assert "invalid username or password" in (await refused(logging_in(bao, auth, {"password": "wrong"}))).what

    async def test_jwt(self, bao):
        key, public = key_pair()
        bao.enable_auth("jwt")
        bao.api("POST", "auth/jwt/config", {"jwt_validation_pubkeys": [public]})
        role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "token_policies": ["reader"], "token_ttl": "20m"}
        bao.api("POST", "auth/jwt/role/reader", role)
        auth = {"jwt": {"path": "jwt", "role": "reader", "kubernetesServiceAccountToken": {"serviceAccountRef": {"name": "app"}}}}
        assert await reads(logging_in(bao, auth, {"jwt": signed(key, sub="system:serviceaccount:team:app", aud=["vault"])})) == b"u"
        await refused(logging_in(bao, auth, {"jwt": signed(key, sub="x", aud=["other"])}))
        await refused(logging_in(bao, auth, {"jwt": signed(key_pair()[0], sub="x", aud=["vault"])}))

    async def test_kubernetes(self, bao):
        """The API server, which reviews the token for OpenBao, is a stand-in."""
        key, _ = key_pair()
        account = {"namespace": "team", "serviceaccount": {"name": "app", "uid": "u-1"}}
        token = signed(key, sub="system:serviceaccount:team:app", **{"kubernetes.io": account}, iss="kubernetes", aud=["api"])

        def review(call: Any) -> CallReply:
            assert isinstance(call, HttpCall)
            assert call.url.endswith("/apis/authentication.k8s.io/v1/tokenreviews")
            asked = json.loads(call.body)["spec"]["token"]
            user = {"username": "system:serviceaccount:team:app", "uid": "u-1", "groups": ["system:serviceaccounts"]}
            status = (
                {"authenticated": True, "user": user, "audiences": ["api"]}
                if asked == token
                else {"authenticated": False, "error": "unknown"}
            )
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}
            return HttpReply(status=201, headers={"Content-Type": "application/json"}, body=orjson.dumps(body))

        with serve(review) as where:
            bao.enable_auth("kubernetes")
            config = {
                "kubernetes_host": where.url,
                "disable_local_ca_jwt": True,
                "token_reviewer_jwt": token,
                "kubernetes_ca_cert": certificate()[0],
            }
            bao.api("POST", "auth/kubernetes/config", config)
            bound = {"bound_service_account_names": ["app"], "bound_service_account_namespaces": ["team"]}
            bao.api("POST", "auth/kubernetes/role/reader", {**bound, "token_policies": ["reader"], "token_ttl": "20m"})
            auth = {"kubernetes": {"mountPath": "kubernetes", "role": "reader", "serviceAccountRef": {"name": "app"}}}
            assert await reads(logging_in(bao, auth, {"jwt": token})) == b"u"
            other = {"namespace": "team", "serviceaccount": {"name": "app", "uid": "u-1"}}
            forged = signed(key, sub="system:serviceaccount:team:app", **{"kubernetes.io": other}, iss="other", aud=["api"])
            assert (await refused(logging_in(bao, auth, {"jwt": forged}))).session
            unknown = {"kubernetes": {**auth["kubernetes"], "role": "nope"}}
            assert "invalid role name" in (await refused(logging_in(bao, unknown, {"jwt": token}))).what

    async def test_certificate(self):
        cert, key = certificate()
        with OpenBao(tls=True) as bao:
            bao.write_policy("reader", READ)
            bao.write("app/db", {"user": "u"})
            bao.enable_auth("cert")
            bao.api("POST", "auth/cert/certs/web", {"certificate": cert, "token_policies": ["reader"], "token_ttl": "20m"})
            auth = {"cert": {"clientCert": SECRET, "secretRef": SECRET, "vaultRole": "web"}}
            assert bao.ca_pem is not None
            bundle = base64.b64encode(bao.ca_pem).decode()
            assert await reads(logging_in(bao, auth, {"tls_cert": cert, "tls_key": key}, caBundle=bundle)) == b"u"
            others = certificate()
            await refused(logging_in(bao, auth, {"tls_cert": others[0], "tls_key": others[1]}, caBundle=bundle))

    async def test_a_token_that_is_revoked_in_the_middle(self, bao):
        role = bao.create_approle("middle", "reader", ttl="20m")
        auth = {"appRole": {"path": "approle", "roleId": role.role_id, "secretRef": SECRET}}
        use = logging_in(bao, auth, {"secret_id": role.secret_id})
        fetch = provider("vault").fetch
        async with Live() as live:
            session = await live.login("vault", use)
            assert isinstance(session, Session)
            assert value("vault", (await live.run(fetch(use, session, (Get(key="app/db"),))))[Get(key="app/db")], "user") == b"u"
            bao.revoke_token(session.value.token)
            got = failure((await live.run(fetch(use, session, (Get(key="app/db"),))))[Get(key="app/db")])
            assert isinstance(got, Refused)
            assert got.session
        assert await reads(use) == b"u"

    async def test_a_policy_is_told_from_a_token(self, bao):
        bao.write_policy("other", 'path "other/*" { capabilities = ["read"] }')
        auth = {"tokenSecretRef": SECRET}
        async with Live() as live:
            use = logging_in(bao, auth, {"token": bao.create_token("other")})
            denied = failure(await live.one("vault", use, Get(key="app/db")))
        assert isinstance(denied, Refused)
        assert not denied.session


def push(key: str, data: dict[str, bytes], prop: str = "", secret_key: str = "") -> Push:
    held = {name: SecretBytes(text) for name, text in data.items()}
    return Push(key=key, property=prop, secret_key=secret_key, source=Source(data=held))


class TestPushing:
    @pytest.mark.parametrize("version", ["v2", "v1"])
    async def test_an_independent_client_reads_what_was_pushed(self, bao, version):
        mount = f"push-{version}"
        bao.enable_kv(mount, version=int(version[1]))
        use = access("vault", {"server": bao.url, "path": mount, "version": version, "auth": {"tokenSecretRef": SECRET}}, {"token": "root"})
        known, session = provider("vault"), Session(value=(await self.opened(use)).value)
        client = hvac.Client(url=bao.url, token="root")
        try:
            async with Live() as live:
                done = await live.run(known.push(use, session, push("app/x", {"a": b"1", "b": "ü<&>".encode()})))
                assert done == Done(changed=True)
                done = await live.run(known.push(use, session, push("app/x", {"v": b"new"}, "p/q.r", "v")))
                assert done == Done(changed=True)
                assert self.read(client, mount, version) == {"a": "1", "b": "ü<&>", "p/q.r": "new"}
                assert await live.run(known.exists(use, session, Exists(key="app/x", property="p/q.r"))) is True
                assert await live.run(known.delete(use, session, Delete(key="app/x", property="a"))) == Done(changed=True)
                assert self.read(client, mount, version) == {"b": "ü<&>", "p/q.r": "new"}
                assert await live.run(known.delete(use, session, Delete(key="app/x"))) == Done(changed=True)
                assert await live.run(known.exists(use, session, Exists(key="app/x"))) is False
                self.write(client, mount, version)
                assert isinstance(await live.run(known.push(use, session, push("theirs", {"a": b"1"}))), Failed)
                assert await live.run(known.delete(use, session, Delete(key="theirs"))) == Done(changed=False)
        finally:
            client.adapter.close()

    async def opened(self, use):
        async with Live() as live:
            session = await live.login("vault", use)
        assert isinstance(session, Session)
        return session

    def read(self, client, mount, version):
        if version == "v2":
            about = client.secrets.kv.v2.read_secret_metadata("app/x", mount_point=mount)
            assert about["data"]["custom_metadata"] == {"managed-by": "external-secrets"}
            return client.secrets.kv.v2.read_secret_version("app/x", mount_point=mount, raise_on_deleted_version=True)["data"]["data"]
        held = client.secrets.kv.v1.read_secret("app/x", mount_point=mount)["data"]
        assert held.pop("custom_metadata") == {"managed-by": "external-secrets"}
        return held

    def write(self, client, mount, version):
        kv = client.secrets.kv.v2 if version == "v2" else client.secrets.kv.v1
        kv.create_or_update_secret("theirs", {"a": "0"}, mount_point=mount)

    async def test_a_mount_that_demands_check_and_set(self, bao):
        bao.enable_kv("strict")
        bao.api("POST", "strict/config", {"cas_required": True})
        spec = {"server": bao.url, "path": "strict", "auth": {"tokenSecretRef": SECRET}}
        known = provider("vault")
        async with Live() as live:
            lax = access("vault", spec, {"token": "root"})
            session = await live.login("vault", lax)
            got = await live.run(known.push(lax, session, push("x", {"a": b"1"})))
            assert "check-and-set parameter required" in failure(got).what
            strict = access("vault", {**spec, "checkAndSet": {"required": True}}, {"token": "root"})
            for text in (b"1", b"2", b"3"):
                assert await live.run(known.push(strict, session, push("x", {"a": text}))) == Done(changed=True)
            bao.delete_latest("x", mount="strict")
            assert await live.run(known.push(strict, session, push("x", {"a": b"4", "b": b"5"}))) == Done(changed=True)
            assert await live.run(known.delete(strict, session, Delete(key="x", property="b"))) == Done(changed=True)
        assert bao.read("x", mount="strict") == {"a": "4"}

    async def test_what_a_push_needs_of_a_policy(self, bao):
        bao.enable_kv("least")
        rules = 'path "least/data/*" { capabilities = ["create", "read", "update"] }\n'
        rules += 'path "least/metadata/*" { capabilities = ["create", "update", "delete"] }'
        bao.write_policy("pusher", rules)
        spec = {"server": bao.url, "path": "least", "auth": {"tokenSecretRef": SECRET}}
        use, known = access("vault", spec, {"token": bao.create_token("pusher")}), provider("vault")
        async with Live() as live:
            session = await live.login("vault", use)
            for text in (b"1", b"2"):
                assert await live.run(known.push(use, session, push("x", {"a": text}))) == Done(changed=True)
            assert await live.run(known.delete(use, session, Delete(key="x"))) == Done(changed=True)


class TestOpenBao:
    """The provider openBao against its server."""

    def use(self, bao, **spec):
        held = {"server": bao.url, "path": "secret", "auth": {"tokenSecretRef": SECRET}, **spec}
        return access("openBao", held, {"token": bao.root_token})

    async def one(self, bao, query, **spec):
        async with Live() as live:
            return await live.one("openBao", self.use(bao, **spec), query)

    async def test_reading_and_finding(self, bao):
        bao.write("box/one", {"k": "1"})
        bao.write("box/two", {"k": "2"})
        bao.write("box/deep/three", {"k": "3"})
        assert value("openBao", await self.one(bao, Get(key="box/one")), "k") == b"1"
        assert plain(await self.one(bao, Find(name="^t", path="box"))) == {"box/two": b'{"k":"2"}'}
        assert sorted(plain(await self.one(bao, Find(path="box")))) == ["box/one", "box/two"]
        assert plain(await self.one(bao, Find(name=".", path="nope"))) == {}
        for key in ("box/nope", "box"):
            assert isinstance(failure(await self.one(bao, Get(key=key))), Missing)
        bao.write("box/gone", {"k": "1"})
        bao.delete_latest("box/gone")
        assert isinstance(failure(await self.one(bao, Get(key="box/gone"))), Missing)

    async def test_validation(self, bao):
        assert plain(await self.one(bao, Probe())) == {}
        assert isinstance(failure(await self.one(bao, Probe(), version="v1")), InvalidSpec)
        assert "system" in failure(await self.one(bao, Probe(), path="sys")).what
        assert "No secret engine mount" in failure(await self.one(bao, Probe(), path="nope")).what
        bao.api("POST", "sys/mounts/plain", {"type": "kv"})
        assert plain(await self.one(bao, Probe(), path="plain", version="v1")) == {}

    async def test_a_login_in_another_namespace(self, bao):
        bao.create_namespace("tenant")
        bao.enable_kv("kv", namespace="tenant")
        bao.write("x", {"k": "theirs"}, mount="kv", namespace="tenant")
        bao.write_policy("reads-tenant", 'path "tenant/kv/*" { capabilities = ["read", "list"] }')
        bao.enable_auth("userpass", "custom")
        bao.api("POST", "auth/custom/users/bob", {"password": "pw", "token_policies": ["reads-tenant"]})
        auth = {"namespace": "", "userPass": {"path": "custom", "username": "bob", "secretRef": SECRET}}
        use = access("openBao", {"server": bao.url, "namespace": "tenant", "auth": auth}, {"password": "pw"})
        async with Live() as live:
            assert value("openBao", await live.one("openBao", use, Get(key="x")), "k") == b"theirs"
