"""Azure's own packages as clients of our vault and directory, over real TLS, and our conversations on the same state.

What the packages accept is as much as can be proved here of the servers that every other test of this provider talks to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import CertificateCredential, ClientAssertionCredential, ClientSecretCredential
from azure.keyvault.certificates import CertificateClient, CertificateContentType, CertificatePolicy
from azure.keyvault.keys import JsonWebKey, KeyClient
from azure.keyvault.secrets import SecretClient
from cryptography.hazmat.primitives.serialization import Encoding

from eso_core.door import Absent, Find, Get
from eso_core.failure import Failure, InvalidSpec, Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.secret import SecretBytes
from eso_core.wire import HttpReply
from eso_shell.sdk import SdkFailure, azure
from tests.providers import scripts
from tests.providers.azurekv import material
from tests.providers.azurekv.directory import App
from tests.providers.azurekv.server import CLIENT, LOGIN, RESOURCE, TENANT, VAULT, Server
from tests.providers.azurekv.talks import SESSION, use
from tests.providers.azurekv.tls import listening
from tests.providers.serve import serve

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@dataclass
class Azure:
    """The servers, and how a client of Azure reaches them."""

    server: Server
    vault: str
    authority: str
    roots: str

    def options(self, **more: Any) -> dict[str, Any]:
        return {"connection_verify": self.roots, "retry_total": 0, **more}

    @contextmanager
    def client(self, kind: type[Any]) -> Iterator[Any]:
        """A client of the vault that logs in with a secret."""
        more = self.options(authority=self.authority, disable_instance_discovery=True)
        with (
            ClientSecretCredential(TENANT, CLIENT, "sesame-open", **more) as credential,
            kind(self.vault, credential, verify_challenge_resource=False, **self.options()) as client,
        ):
            yield client

    def ours(self, query: Any) -> Any:
        """What our conversation says of the same state."""
        self.server.vault.url = VAULT
        try:
            self.server.directory.tokens.add("tok")
            return scripts.run(scripts.provider("azurekv").fetch(use(), SESSION, (query,)), self.server.answer).value[query]
        finally:
            self.server.vault.url = self.vault


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    files = tmp_path / "tls.crt", tmp_path / "tls.key"
    files[0].write_bytes(material.certificate().public_bytes(Encoding.PEM))
    files[1].write_bytes(material.pem(material.rsa_key()))
    tls = str(files[0]), str(files[1])
    app = App(CLIENT, secrets={"sesame-open"}, certificates=[material.certificate()], federated={"eyJ.workload.sig"})
    server = Server(app, identity=True)
    with listening(server.http, *tls) as vault, listening(server.http, *tls, f"https://{LOGIN}") as login:
        server.vault.url, server.directory.host = vault, login.removeprefix("https://")
        yield Azure(server, vault, login, tls[0])


# ---------------------------------------------------------------- azure-keyvault-*


def test_secrets(cloud: Azure) -> None:
    with cloud.client(SecretClient) as client:
        first = client.set_secret("db", "one", tags={"team": "red"}, content_type="text/plain", expires_on=datetime(2030, 1, 1, tzinfo=UTC))
        second = client.set_secret("db", "two")
        assert client.get_secret("db").value == "two"
        assert client.get_secret("db", first.properties.version).value == "one"
        assert client.get_secret("db", first.properties.version).properties.tags == {"team": "red"}
        assert [one.version for one in client.list_properties_of_secret_versions("db")] == [
            first.properties.version,
            second.properties.version,
        ]
        for number in range(9):
            client.set_secret(f"n{number}", str(number))
        assert [one.name for one in client.list_properties_of_secrets()] == ["db", *(f"n{number}" for number in range(9))]
        client.update_secret_properties("n3", enabled=False)
        with pytest.raises(HttpResponseError, match="disabled secret"):
            client.get_secret("n3")
        assert scripts.value("azurekv", cloud.ours(Get(key="db"))) == b"two"
        assert scripts.value("azurekv", cloud.ours(Get(key="db", version=first.properties.version))) == b"one"
        assert isinstance(scripts.failure(cloud.ours(Get(key="n3"))), Refused)
        assert sorted(scripts.plain(cloud.ours(Find(name="^n")))) == ["n0", "n1", "n2", "n4", "n5", "n6", "n7", "n8"]
        held = scripts.value("azurekv", cloud.ours(Get(key="db", version=first.properties.version, metadata=True)), "attribute.expires")
        assert held == b"2030-01-01T00:00:00Z"


def test_deletion(cloud: Azure) -> None:
    with cloud.client(SecretClient) as client:
        client.set_secret("db", "one")
        client.begin_delete_secret("db").wait()
        with pytest.raises(ResourceNotFoundError):
            client.get_secret("db")
        assert cloud.ours(Get(key="db")) == Absent()
        with pytest.raises(ResourceExistsError):
            client.set_secret("db", "two")
        assert client.get_deleted_secret("db").name == "db"
        client.begin_recover_deleted_secret("db", _polling_interval=0).wait()
        assert client.get_secret("db").value == "one"
        client.begin_delete_secret("db").wait()
        client.purge_deleted_secret("db")
        assert client.set_secret("db", "two").value == "two"


def test_keys(cloud: Azure) -> None:
    numbers = material.ec_key().private_numbers()
    x, y = (number.to_bytes(32, "big") for number in (numbers.public_numbers.x, numbers.public_numbers.y))
    with cloud.client(KeyClient) as client:
        made = client.import_key("sign", JsonWebKey(kty="EC", crv="P-256", x=x, y=y, d=numbers.private_value.to_bytes(32, "big")))
        assert client.get_key("sign").key.x == x
        assert [one.name for one in client.list_properties_of_keys()] == ["sign"]
        found = cloud.ours(Get(key="key/sign"))
        assert scripts.value("azurekv", found, "kid").decode() == made.id.replace(cloud.vault, VAULT)
        assert b'"d"' not in scripts.value("azurekv", found)
        client.begin_delete_key("sign").wait()
    assert cloud.ours(Get(key="key/sign")) == Absent()


def test_certificates(cloud: Azure) -> None:
    pem = CertificatePolicy(issuer_name="Unknown", content_type=CertificateContentType.pem)
    with cloud.client(CertificateClient) as client:
        assert bytes(client.import_certificate("web", material.pfx()).cer) == material.der()
        with pytest.raises(HttpResponseError, match=r"PKCS#12"):
            client.import_certificate("text", material.pem_pair(1))
        client.import_certificate("text", material.pem_pair(1), policy=pem)
        assert [one.name for one in client.list_properties_of_certificates()] == ["text", "web"]
        assert scripts.value("azurekv", cloud.ours(Get(key="cert/web"))) == material.der()
        assert scripts.value("azurekv", cloud.ours(Get(key="cert/text"))) == material.der(1)
        client.begin_delete_certificate("web").wait()
    assert cloud.ours(Get(key="cert/web")) == Absent()
    assert cloud.ours(Get(key="web")) == Absent()


def test_a_client_without_a_good_secret_is_refused(cloud: Azure) -> None:
    cloud.server.directory.apps[CLIENT].secrets.clear()
    with cloud.client(SecretClient) as client, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        client.get_secret("db")


def test_the_directory_takes_each_proof(cloud: Azure) -> None:
    more = cloud.options(authority=cloud.authority)
    for credential in (
        CertificateCredential(TENANT, CLIENT, certificate_data=material.pem_pair(), disable_instance_discovery=True, **more),
        ClientAssertionCredential(TENANT, CLIENT, lambda: "eyJ.workload.sig", **more),
    ):
        with credential:
            assert credential.get_token(f"{RESOURCE}/.default").token in cloud.server.directory.tokens
            with pytest.raises(ClientAuthenticationError, match="AADSTS500011"):
                credential.get_token("https://evil.example/.default")


# ---------------------------------------------------------------- eso_shell.sdk.azure


def token_args(cloud: Azure, method: str, **more: Any) -> dict[str, Any]:
    base = {"method": method, "tenant": TENANT, "client_id": CLIENT, "resource": RESOURCE, "custom": True}
    return {**base, "authority": cloud.authority, **more}


@pytest.mark.parametrize(
    ("method", "proof"),
    [
        ("secret", {"secret": "sesame-open"}),
        ("certificate", {"certificate": SecretBytes(material.pem_pair())}),
        ("certificate", {"certificate": SecretBytes(material.pfx())}),
        ("certificate", {"certificate": SecretBytes(material.certificate(1).public_bytes(Encoding.PEM) + material.pem_pair())}),
        ("assertion", {"assertion": "eyJ.workload.sig"}),
    ],
)
def test_a_token_is_had_over_the_network(cloud: Azure, method: str, proof: dict[str, Any]) -> None:
    given = azure.token(token_args(cloud, method, **proof), {"SSL_CERT_FILE": cloud.roots})
    assert given["token"] in cloud.server.directory.tokens
    assert 3500 < given["lease_s"] <= 3600


def failed(args: dict[str, Any], server: Server) -> Failure:
    with pytest.raises(SdkFailure) as raised:
        azure.token(args, {}, server.transport())
    return raised.value.failure


@pytest.mark.parametrize(
    ("change", "failure", "text"),
    [
        ({"secret": "wrong-secret"}, Refused, "Azure: Authentication failed: AADSTS7000215: Invalid client secret provided."),
        ({"client_id": "nobody"}, Refused, "AADSTS700016"),
        ({"tenant": "elsewhere"}, Refused, ""),
        ({"tenant": "no such tenant!"}, Refused, "an id is not well-formed"),
        ({"resource": "https://evil.example"}, Refused, "AADSTS500011"),
        ({"method": "certificate", "certificate": SecretBytes(b"-----BEGIN nothing")}, InvalidSpec, "PKCS#12 without a password"),
        ({"method": "certificate", "certificate": SecretBytes(b"\x30")}, InvalidSpec, "PKCS#12 without a password"),
        ({"method": "certificate", "certificate": SecretBytes(material.pem(material.ec_key()))}, InvalidSpec, ""),
        ({"method": "certificate", "certificate": None}, InvalidSpec, "missing"),
        ({"method": "certificate", "certificate": SecretBytes(material.pem_pair(1))}, Refused, "AADSTS700211"),
        ({"method": "assertion", "assertion": "eyJ.other.sig"}, Refused, "AADSTS700211"),
        ({"method": "managed", "client_id": ""}, Refused, "Identity not found"),
    ],
)
def test_why_there_is_no_token(change: dict[str, Any], failure: type[Failure], text: str) -> None:
    server = Server(App(CLIENT, secrets={"sesame-open"}, certificates=[material.certificate()]), identity=True)
    base = {"method": "secret", "tenant": TENANT, "client_id": CLIENT, "resource": RESOURCE, "custom": False, "secret": "sesame-open"}
    got = failed({**base, "authority": f"https://{LOGIN}", **change}, server)
    assert isinstance(got, failure), got
    assert text in got.what
    assert "wrong-secret" not in got.what
    assert "Trace ID" not in got.what


@pytest.mark.parametrize("method", ["secret", "assertion", "managed"])
@pytest.mark.parametrize(("status", "failure"), [(503, Unreachable), (429, Throttled)])
def test_a_directory_that_fails(method: str, status: int, failure: type[Failure]) -> None:
    server = Server(App(CLIENT, secrets={"s"}), managed="", identity=True)
    reply = HttpReply(status=status, headers={"retry-after": "7", "content-type": "text/html"}, body=b"<html>")
    server.directory.answer = server.directory.instance = lambda call: reply  # type: ignore[method-assign]
    base = {"tenant": TENANT, "client_id": "" if method == "managed" else CLIENT, "resource": RESOURCE, "custom": False}
    got = failed({**base, "authority": f"https://{LOGIN}", "method": method, "secret": "s", "assertion": "a"}, server)
    assert isinstance(got, failure), got
    assert not isinstance(got, Throttled) or got.after_ns == 7 * SECOND
    assert len(server.sent) == 1


@pytest.mark.parametrize(("method", "sent"), [("secret", "client_secret"), ("assertion", "client_assertion")])
def test_a_directory_that_repeats_what_it_was_sent(method: str, sent: str) -> None:
    server = Server(App(CLIENT, secrets={"s"}), identity=True)
    refused = server.directory._refused
    server.directory._token = lambda tenant, form: refused(401, "invalid_client", f"no: {form[sent]}")  # type: ignore[method-assign]
    base = {"tenant": TENANT, "client_id": CLIENT, "resource": RESOURCE, "custom": False, "authority": f"https://{LOGIN}"}
    got = failed({**base, "method": method, method: "open-sesame"}, server)
    assert isinstance(got, Refused), got
    assert "open-sesame" not in got.what


def test_a_managed_identity_is_the_instances() -> None:
    server = Server(managed=CLIENT, identity=True)
    given = azure.token({"method": "managed", "client_id": CLIENT, "resource": RESOURCE}, {}, server.transport())
    assert given["token"] in server.directory.tokens
    [call] = server.sent
    assert call.url.startswith("http://169.254.169.254/metadata/identity/oauth2/token?")


def test_the_instances_service_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(managed="", identity=True)
    monkeypatch.setenv("http_proxy", "http://localhost:1")
    monkeypatch.setenv("no_proxy", "")
    with serve(server, base="http://169.254.169.254") as where:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", where.url)
        given = azure.token({"method": "managed", "client_id": "", "resource": RESOURCE}, {})
        assert given["token"] in server.directory.tokens
        assert [call.headers["Metadata"] for call in where.calls] == ["true"]


def test_a_managed_identity_is_not_the_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"):
        monkeypatch.setenv(name, "set")
    server = Server(managed="", identity=True)
    assert azure.token({"method": "managed", "client_id": "", "resource": RESOURCE}, {}, server.transport())["token"]


def test_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    base = {"method": "assertion", "tenant": TENANT, "client_id": CLIENT, "resource": RESOURCE, "custom": True, "assertion": "a"}
    with pytest.raises(SdkFailure) as raised:
        azure.token({**base, "authority": "https://localhost:1"}, {})
    assert isinstance(raised.value.failure, Unreachable)


WRITE = {"token": "tok", "name": "db", "tags": None, "content_type": None, "expires": None}


def written(server: Server) -> Failure | None:
    try:
        azure.set_secret({**WRITE, "vault": server.vault.url, "value": SecretBytes(b"value-of-it")}, {}, server.transport())
    except SdkFailure as error:
        return error.failure
    return None


def test_a_challenge_changes_neither_the_token_nor_where_it_goes() -> None:
    server = Server()
    server.directory.tokens.add("tok")
    server.vault.url = "https://asks-for-more.vault.azure.net"  # challenges are remembered by host
    server.vault.resource, server.vault.authority = "https://graph.microsoft.com", "https://login.evil.example/t"
    assert written(server) is None
    assert [call.url for call in server.sent] == [f"{server.vault.url}/secrets/db?api-version=7.4"] * 2
    assert [(call.headers.get("Authorization"), bool(call.body)) for call in server.sent] == [(None, False), ("Bearer tok", True)]


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (401, Refused),
        (403, Refused),
        (302, Unreachable),
        (307, Unreachable),
        (308, Unreachable),
        (500, Unreachable),
        (429, Throttled),
        (400, None),
    ],
)
def test_why_nothing_is_written(status: int, failure: type[Failure] | None) -> None:
    server = Server()
    server.directory.tokens.add("tok")
    body = b'{"error":{"code":"BadParameter","message":"it is value-of-it"}}'
    headers = {"retry-after": "7", "location": "https://evil.example/", "content-type": "application/json"}
    server.vault._set_secret = lambda name, held: HttpReply(status=status, headers=headers, body=body)  # type: ignore[method-assign]
    got = written(server)
    assert failure is None or isinstance(got, failure), got
    assert got is not None
    assert "value-of-it" not in got.what
    assert not isinstance(got, Throttled) or got.after_ns == 7 * SECOND
    assert not any("evil" in call.url for call in server.sent)
