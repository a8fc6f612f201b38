"""Google's own client against the server in memory, and our conversations against the state that it leaves."""

from __future__ import annotations

import google.auth.credentials
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.api_core import exceptions
from google.auth import jwt
from google.auth.crypt import RSAVerifier
from google.cloud import secretmanager_v1 as sm
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceRestTransport

from eso_core.door import Absent, Delete, Done, Entries, Exists, Find, Found, Get, Push, Source
from eso_core.failure import Missing
from eso_core.providers.gcpsm import PROVIDER
from eso_core.secret import SecretBytes
from eso_shell.sdk import gcp
from tests.providers.gcpsm.identity import EMAIL, PROJECT, SCOPE, TOKEN_URI, key_file, public_key_of
from tests.providers.gcpsm.server import Server, crc32c
from tests.providers.scripts import access, failure, plain, run, value
from tests.providers.serve import serve

AUTH = {"secretRef": {"secretAccessKeySecretRef": {"name": "gcp", "key": "key.json"}}}


class Token(google.auth.credentials.Credentials):
    """A token as it is."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token

    def refresh(self, request):
        """There is no newer one."""

    @property
    def expired(self):
        return False


@pytest.fixture(params=["", "europe-west3"], ids=["global", "regional"])
def server(request):
    return Server(location=request.param)


@pytest.fixture
def parent(server):
    return f"projects/{PROJECT}" + (f"/locations/{server.location}" if server.location else "")


@pytest.fixture
def client(server):
    host = f"secretmanager.{server.location}.rep.googleapis.com" if server.location else "secretmanager.googleapis.com"
    with serve(server, base=f"https://{host}") as where:
        held = Token(server.identity.issue("key"))
        yield sm.SecretManagerServiceClient(
            transport=SecretManagerServiceRestTransport(host=f"localhost:{where.port}", url_scheme="http", credentials=held)
        )


@pytest.fixture
def use(server):
    spec = {"projectID": PROJECT, "auth": AUTH, "secretVersionSelectionPolicy": "LatestOrFetch"}
    return access("gcpsm", {**spec, **({"location": server.location} if server.location else {})}, {"gcp_key": key_file()})


@pytest.fixture
def create(client, server, parent):
    def make(key, *values, **more):
        replication = {} if server.location else {"replication": {"automatic": {}}}
        secret = client.create_secret(parent=parent, secret_id=key, secret={**replication, **more})
        for data in values:
            client.add_secret_version(parent=f"{parent}/secrets/{key}", payload={"data": data, "data_crc32c": crc32c(data)})
        return secret

    return make


def _ask(server, use, query):
    session = run(PROVIDER.login(use), server.answer).value
    return run(PROVIDER.fetch(use, session, (query,)), server.answer).value[query]


def command(server, use, what):
    session = run(PROVIDER.login(use), server.answer).value
    talk = {Push: PROVIDER.push, Delete: PROVIDER.delete, Exists: PROVIDER.exists}[type(what)]
    return run(talk(use, session, what), server.answer).value


class TestTheOfficialClient:
    def test_life_of_a_secret(self, client, create, parent):
        made = create("db", b"one", b"two", labels={"team": "red"}, annotations={"note": "x"})
        assert made.name.endswith("/secrets/db") and made.labels["team"] == "red"
        name = f"{parent}/secrets/db"
        assert client.access_secret_version(name=f"{name}/versions/latest").payload.data == b"two"
        assert client.access_secret_version(name=f"{name}/versions/1").payload.data_crc32c == crc32c(b"one")
        assert client.disable_secret_version(name=f"{name}/versions/2").state == sm.SecretVersion.State.DISABLED
        with pytest.raises(exceptions.BadRequest, match="DISABLED state"):
            client.access_secret_version(name=f"{name}/versions/latest")
        assert client.enable_secret_version(name=f"{name}/versions/2").state == sm.SecretVersion.State.ENABLED
        assert client.destroy_secret_version(name=f"{name}/versions/1").state == sm.SecretVersion.State.DESTROYED
        states = [version.state.name for version in client.list_secret_versions(parent=name)]
        assert states == ["ENABLED", "DESTROYED"]
        enabled = client.list_secret_versions(request={"parent": name, "filter": "state:ENABLED"})
        assert [version.name.rpartition("/")[2] for version in enabled] == ["2"]
        client.delete_secret(name=name)
        with pytest.raises(exceptions.NotFound):
            client.get_secret(name=name)

    def test_lists(self, client, create, parent):
        for number in range(12):
            create(f"app-{number:02}", labels={"even": "yes" if number % 2 == 0 else "no"})
        names = [secret.name.rpartition("/")[2] for secret in client.list_secrets(parent=parent)]
        assert names == [f"app-{number:02}" for number in range(12)]
        found = client.list_secrets(request={"parent": parent, "filter": "labels.even=yes name:app-0"})
        assert [secret.name.rpartition("/")[2] for secret in found] == ["app-00", "app-02", "app-04", "app-06", "app-08"]
        with pytest.raises(exceptions.BadRequest):
            list(client.list_secrets(request={"parent": parent, "filter": "name~x"}))

    def test_updates(self, client, create, parent):
        made = create("db", labels={"a": "b"})
        update = {"secret": {"name": f"{parent}/secrets/db", "etag": made.etag, "labels": {"c": "d"}}, "update_mask": {"paths": ["labels"]}}
        changed = client.update_secret(request=update)
        assert dict(changed.labels) == {"c": "d"} and changed.etag != made.etag
        with pytest.raises(exceptions.BadRequest, match="etag"):
            client.update_secret(request=update)

    def test_refusals(self, client, create, parent, server):
        create("db", b"x")
        with pytest.raises(exceptions.Conflict):
            create("db")
        with pytest.raises(exceptions.BadRequest):
            client.add_secret_version(parent=f"{parent}/secrets/db", payload={"data": b"x", "data_crc32c": 1})
        with pytest.raises(exceptions.BadRequest):
            client.add_secret_version(parent=f"{parent}/secrets/db", payload={"data": b""})
        with pytest.raises(exceptions.BadRequest):
            create("dc", labels={"Not": "Lower"})
        with pytest.raises(exceptions.NotFound, match="secrets/none"):
            client.access_secret_version(name=f"{parent}/secrets/none/versions/latest")
        with pytest.raises(exceptions.Forbidden):
            client.get_secret(name=f"{parent.replace(PROJECT, 'foreign')}/secrets/db")
        server.expire()
        with pytest.raises(exceptions.Unauthorized):
            client.get_secret(name=f"{parent}/secrets/db")


class TestTheSameState:
    def test_reads(self, client, create, parent, server, use):
        create("db", b'{"a.b":"flat"}', b'{"a":{"b":"deep"}}', labels={"team": "red"}, annotations={"note": "<x>"})
        assert value("gcpsm", _ask(server, use, Get(key="db")), "a.b") == b"deep"
        assert value("gcpsm", _ask(server, use, Get(key="db", version="1")), "a.b") == b"flat"
        held = _ask(server, use, Get(key="db", metadata=True))
        assert value("gcpsm", held, "labels.team") == b"red"
        assert value("gcpsm", held) == b'{"annotations":{"note":"\\u003cx\\u003e"},"labels":{"team":"red"}}'

    def test_the_latest_enabled_version(self, client, create, parent, server, use):
        create("db", b"one", b"two", b"three")
        name = f"{parent}/secrets/db/versions"
        client.disable_secret_version(name=f"{name}/3")
        assert value("gcpsm", _ask(server, use, Get(key="db"))) == b"two"
        client.destroy_secret_version(name=f"{name}/2")
        assert value("gcpsm", _ask(server, use, Get(key="db"))) == b"one"
        client.disable_secret_version(name=f"{name}/1")
        assert isinstance(failure(_ask(server, use, Get(key="db"))), Missing)
        assert isinstance(failure(_ask(server, use, Get(key="db", version="3"))), Missing)
        client.delete_secret(name=f"{parent}/secrets/db")
        assert _ask(server, use, Get(key="db")) == Absent()

    def test_finds(self, create, server, use):
        for number in range(12):
            create(f"app-{number:02}", str(number).encode(), labels={"even": "yes" if number % 2 == 0 else "no"})
        create("empty", labels={"even": "yes"})
        by_name = _ask(server, use, Find(name="[0-4]$", path="app-"))
        assert isinstance(by_name, Found) and isinstance(by_name.payload, Entries)
        assert plain(by_name) == {f"app-{number:02}": str(number).encode() for number in (0, 1, 2, 3, 4, 10, 11)}
        by_label = plain(_ask(server, use, Find(tags=(("even", "yes"),))))
        assert sorted(by_label) == [f"app-{number:02}" for number in range(0, 12, 2)], "a secret without versions is left out"

    def test_what_is_pushed(self, client, parent, server, use):
        metadata = {
            "apiVersion": "kubernetes.external-secrets.io/v1alpha1",
            "kind": "PushSecretMetadata",
            "spec": {"labels": {"team": "red"}, "annotations": {"a": "b"}, "topics": [f"projects/{PROJECT}/topics/t"]},
        }
        push = Push(key="db", secret_key="k", source=Source(data={"k": SecretBytes(b"pushed")}), metadata=metadata)
        assert command(server, use, push) == Done(changed=True)
        secret = client.get_secret(name=f"{parent}/secrets/db")
        assert dict(secret.labels) == {"managed-by": "external-secrets", "team": "red"}
        assert dict(secret.annotations) == {"a": "b"} and secret.topics[0].name == f"projects/{PROJECT}/topics/t"
        assert client.access_secret_version(name=f"{secret.name}/versions/latest").payload.data == b"pushed"
        assert command(server, use, push) == Done(changed=False)
        assert command(server, use, Exists(key="db")) is True
        assert command(server, use, Delete(key="db")) == Done(changed=True)
        assert list(client.list_secrets(parent=parent)) == []


def test_the_assertion_is_what_googles_library_accepts():
    token = gcp.assertion({"key": key_file(), "scope": SCOPE}, {})
    pem = public_key_of(key_file()).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header, claims, signed, signature = jwt._unverified_decode(token)
    assert RSAVerifier.from_string(pem).verify(signed, signature)
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "key0"}
    assert (claims["iss"], claims["aud"], claims["scope"]) == (EMAIL, TOKEN_URI, SCOPE)
    assert claims["exp"] - claims["iat"] == 3600
