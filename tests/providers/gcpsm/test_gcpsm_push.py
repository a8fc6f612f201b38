"""Pushes, deletions and existence: calls, metadata, properties, and what is refused."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from eso_core.door import Delete, Done, Exists, Push, Session, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Stale, Unreachable
from eso_core.providers.gcpsm import PROVIDER
from eso_core.providers.gcpsm.store import Held
from eso_core.secret import SecretBytes
from tests.providers.gcpsm.identity import NUMBER, PROJECT
from tests.providers.gcpsm.server import MANAGED, Server, crc32c
from tests.providers.scripts import CANARY, access, failure, ok, run

SPEC = {"projectID": PROJECT}
TOPIC, OTHER = f"projects/{PROJECT}/topics/one", f"projects/{PROJECT}/topics/two"


def metadata(**spec):
    return {"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata", "spec": spec}


def push(value=b"v", prop="", key="db", **more):
    return Push(key=key, property=prop, secret_key="k", source=Source(data={"k": SecretBytes(value)}), **more)


class Store:
    """A server, and the commands that it is given."""

    def __init__(self, location=""):
        self.server = Server(location=location)
        self.use = access("gcpsm", {**SPEC, **({"location": location} if location else {})})

    def do(self, command):
        session = Session(value=Held(self.server.identity.issue("instance"), PROJECT))
        talk = {Push: PROVIDER.push, Delete: PROVIDER.delete, Exists: PROVIDER.exists}[type(command)]
        ran = run(talk(self.use, session, command), self.server.answer)
        self.calls = ran.calls
        return ran.value

    @property
    def names(self):
        return [call.name for call in self.calls]

    def put(self, value, labels=None, key="db", **more):
        self.server.put(key, value, {**MANAGED, **(labels or {})})
        for name, held in more.items():
            setattr(self.server.secrets[key], name, held)

    def held(self, key="db"):
        return self.server.held(key)


@pytest.fixture
def store():
    return Store()


class TestPush:
    def test_a_new_secret(self, store):
        assert store.do(push(b"\x00\xff")) == Done(changed=True)
        assert store.names == ["GetSecret", "CreateSecret", "AddSecretVersion"]
        _, create, add = store.calls
        url = f"https://secretmanager.googleapis.com/v1/projects/{PROJECT}/secrets"
        assert (create.method, create.url, create.headers["Content-Type"]) == ("POST", f"{url}?secretId=db", "application/json")
        assert orjson.loads(create.body) == {"labels": MANAGED, "replication": {"automatic": {}}}
        assert add.url == f"{url}/db:addVersion"
        assert orjson.loads(add.body) == {
            "payload": {"data": base64.b64encode(b"\x00\xff").decode(), "dataCrc32c": str(crc32c(b"\x00\xff"))}
        }

    def test_a_regional_secret_has_no_replication(self):
        store = Store("europe-west3")
        assert store.do(push(metadata=metadata(replicationLocations=["a"]))) == Done(changed=True)
        assert "replication" not in orjson.loads(store.calls[1].body)

    def test_the_same_value(self, store):
        store.put(b"v")
        assert store.do(push()) == Done(changed=False)
        assert store.names == ["GetSecret", "AccessSecretVersion"]

    def test_another_value(self, store):
        store.put(b"old")
        assert store.do(push(b"new")) == Done(changed=True)
        assert store.names == ["GetSecret", "AccessSecretVersion", "AddSecretVersion"]
        assert store.held() == b"new" and len(store.server.secrets["db"].versions) == 2

    def test_a_secret_without_versions(self, store):
        store.put(b"x")
        store.server.secrets["db"].versions.clear()
        assert store.do(push()) == Done(changed=True)

    def test_a_whole_secret(self, store):
        source = Source(data={"b": SecretBytes(b"<2>"), "a": SecretBytes(b"1")})
        assert store.do(Push(key="db", source=source)) == Done(changed=True)
        assert store.held() == b'{"a":"1","b":"<2>"}'

    def test_what_is_not_managed(self, store):
        store.server.put("db", b"x", {"managed-by": "somebody"})
        assert isinstance(failure(store.do(push())), InvalidSpec)
        assert store.names == ["GetSecret"] and store.held() == b"x"

    def test_a_disabled_latest_version_is_left_alone(self, store):
        store.put(b"x")
        store.server.secrets["db"].versions[0].state = "DISABLED"
        assert isinstance(failure(store.do(push())), Missing)

    @pytest.mark.parametrize("value", [b"", b"x" * 65_537])
    def test_sizes_that_google_does_not_take(self, store, value):
        assert isinstance(failure(store.do(push(value))), Broken)
        assert store.names == ["GetSecret"]

    def test_a_key_that_is_missing(self, store):
        missing = failure(store.do(Push(key="db", secret_key="x", source=Source(data={}))))
        assert isinstance(missing, Missing) and store.calls == []

    @pytest.mark.parametrize("key", ["a/b", "..", ""])
    def test_names_that_are_none(self, store, key):
        for command in (push(key=key), Delete(key=key), Exists(key=key), Exists(key=key, property="p")):
            assert isinstance(failure(store.do(command)), InvalidSpec)
            assert store.calls == []


class TestMetadata:
    def test_replaced(self, store):
        store.put(b"v", {"old": "x"}, annotations={"a": "1"})
        assert store.do(push(metadata=metadata(labels={"team": "red"}, annotations={"b": "2"}))) == Done(changed=True)
        assert store.names == ["GetSecret", "AccessSecretVersion", "UpdateSecret"]
        call = store.calls[2]
        assert call.method == "PATCH" and dict(parse_qsl(urlsplit(call.url).query)) == {"updateMask": "labels,annotations"}
        body = orjson.loads(call.body)
        assert body["name"] == f"projects/{NUMBER}/secrets/db" and body["etag"]
        secret = store.server.secrets["db"]
        assert secret.labels == {**MANAGED, "team": "red"} and secret.annotations == {"b": "2"}
        assert store.do(push(metadata=metadata(labels={"team": "red"}, annotations={"b": "2"}))) == Done(changed=False)

    def test_without_metadata_labels_and_annotations_are_cleared(self, store):
        store.put(b"v", {"old": "x"}, annotations={"a": "1"}, topics=[{"name": TOPIC}])
        assert store.do(push()) == Done(changed=True)
        secret = store.server.secrets["db"]
        assert (secret.labels, secret.annotations, secret.topics) == (MANAGED, {}, [{"name": TOPIC}])

    def test_merged_labels_that_are_there_stay_as_they_are(self, store):
        store.put(b"v", {"old": "x", "team": "blue"})
        store.do(push(metadata=metadata(mergePolicy="Merge", labels={"team": "red", "new": "y"})))
        assert store.server.secrets["db"].labels == {**MANAGED, "old": "x", "team": "blue", "new": "y"}

    def test_topics_are_updated(self, store):
        store.put(b"v", topics=[{"name": TOPIC}])
        assert store.do(push(metadata=metadata(topics=[OTHER]))) == Done(changed=True)
        assert dict(parse_qsl(urlsplit(store.calls[2].url).query)) == {"updateMask": "topics"}
        assert store.server.secrets["db"].topics == [{"name": OTHER}]
        assert store.do(push(metadata=metadata(topics=[OTHER]))) == Done(changed=False)

    def test_topics_are_merged(self, store):
        store.put(b"v", topics=[{"name": TOPIC}])
        store.do(push(metadata=metadata(topics=[OTHER, TOPIC], mergePolicy="Merge")))
        assert store.server.secrets["db"].topics == [{"name": TOPIC}, {"name": OTHER}]

    @pytest.mark.parametrize(
        ("spec", "replication"),
        [
            ({}, {"automatic": {}}),
            ({"cmekKeyName": "k"}, {"automatic": {"customerManagedEncryption": {"kmsKeyName": "k"}}}),
            ({"replicationLocation": "a"}, {"userManaged": {"replicas": [{"location": "a"}]}}),
            (
                {"replicationLocation": "a", "replicationLocations": ["b", "c"]},
                {"userManaged": {"replicas": [{"location": "b"}, {"location": "c"}]}},
            ),
            (
                {"replicationLocations": ["b"], "cmekKeyName": "k"},
                {"userManaged": {"replicas": [{"location": "b", "customerManagedEncryption": {"kmsKeyName": "k"}}]}},
            ),
        ],
    )
    def test_replication(self, store, spec, replication):
        store.do(push(metadata=metadata(**spec)))
        assert store.server.secrets["db"].replication == replication

    @pytest.mark.parametrize(
        "given",
        [metadata(mergePolicy="Other"), metadata(unknown=1), metadata(labels="x"), metadata(topics=[{}]), {"kind": "x"}],
    )
    def test_refused(self, store, given):
        assert isinstance(failure(store.do(push(metadata=given))), InvalidSpec)
        assert store.calls == []


class TestProperties:
    def test_a_new_secret(self, store):
        assert store.do(push(prop="a.b")) == Done(changed=True)
        assert store.held() == b'{"a":{"b":"v"}}'

    def test_a_member_beside_others(self, store):
        store.put(b'{"x": 1}', {"team": "red"}, annotations={"a": "1"}, topics=[{"name": TOPIC}])
        assert store.do(push(prop="y")) == Done(changed=True)
        assert store.held() == b'{"x": 1,"y":"v"}'
        assert "UpdateSecret" not in store.names
        assert store.do(push(prop="y")) == Done(changed=False)

    def test_what_is_there_is_compared_as_it_is_read(self, store):
        store.put(b'{"n": 5, "a.b": "v"}')
        assert store.do(push(b"5", prop="n")) == Done(changed=False)
        assert store.do(push(prop="a.b")) == Done(changed=False)

    def test_a_member_with_a_dot_is_replaced(self, store):
        store.put(b'{"a.b": "old"}')
        assert store.do(push(prop="a.b")) == Done(changed=True)
        assert store.held() == b'{"a.b": "v"}'
        assert store.do(push(prop="a.b")) == Done(changed=False)

    def test_it_takes_over_what_is_not_managed(self, store):
        store.server.put("db", b'{"x":"1"}', {"team": "red"})
        assert store.do(push(prop="y")) == Done(changed=True)
        assert store.server.secrets["db"].labels == {**MANAGED, "team": "red"}

    def test_refused(self, store):
        store.put(CANARY.encode())
        assert failure(store.do(push(prop="y"))) == InvalidSpec("the property of db: is not JSON", "property")
        assert isinstance(failure(store.do(push(b"\xff", prop="y"))), Broken)
        assert isinstance(failure(store.do(push(prop="y", metadata=metadata()))), InvalidSpec)
        assert store.held() == CANARY.encode()


class TestDelete:
    def test_a_managed_secret(self, store):
        store.put(b"v")
        assert store.do(Delete(key="db")) == Done(changed=True)
        assert store.names == ["GetSecret", "DeleteSecret"]
        assert dict(parse_qsl(urlsplit(store.calls[1].url).query)) == {"etag": '"1"'}
        assert store.do(Delete(key="db")) == Done(changed=False)

    def test_what_is_not_managed_stays(self, store):
        store.server.put("db", b"v", {})
        assert store.do(Delete(key="db")) == Done(changed=False)
        assert store.held() == b"v"

    def test_one_property(self, store):
        store.put(b'{"a": {"b": "1", "c": [2]}, "d": "<3>"}')
        assert store.do(Delete(key="db", property="a.b")) == Done(changed=True)
        assert store.held() == b'{"a":{"c":[2]},"d":"<3>"}'
        assert store.do(Delete(key="db", property="a.b")) == Done(changed=False)
        assert store.do(Delete(key="db", property="a")) == Done(changed=True)
        assert store.do(Delete(key="db", property="d")) == Done(changed=True)
        assert store.held() is None, "with its last property the secret goes"

    def test_a_property_with_a_dot(self, store):
        store.put(b'{"tls.crt":"1","a":{"b.c":"2"},"x":"3"}')
        assert store.do(Delete(key="db", property="tls.crt")) == Done(changed=True)
        assert store.do(Delete(key="db", property="a.b\\.c")) == Done(changed=True)
        assert store.held() == b'{"a":{},"x":"3"}'
        assert store.do(Delete(key="db", property="x.y")) == Done(changed=False)
        store.put(b"text")
        assert store.do(Delete(key="db", property="x")) == Done(changed=False)

    def test_somebody_else_wrote_meanwhile(self, store):
        gone = ok({"error": {"code": 400, "status": "FAILED_PRECONDITION", "message": "The etag does not match."}}, status=400)
        session = Session(value=Held("t", PROJECT))
        held = ok({"name": "n", "labels": MANAGED, "etag": "x"})
        assert isinstance(failure(run(PROVIDER.delete(store.use, session, Delete(key="db")), [held, gone]).value), Stale)

    @pytest.mark.parametrize(("status", "kind"), [(403, Refused), (500, Unreachable), (404, Broken)])
    def test_what_is_not_known_is_not_gone(self, store, status, kind):
        for talk in (PROVIDER.delete(store.use, Session(value=Held("t", "p")), Delete(key="db")),
                     PROVIDER.exists(store.use, Session(value=Held("t", "p")), Exists(key="db"))):  # fmt: skip
            assert isinstance(failure(run(talk, [ok(b"<html>", status=status)]).value), kind)


class TestExists:
    def test_a_secret(self, store):
        assert store.do(Exists(key="db")) is False
        store.put(b"v")
        assert store.do(Exists(key="db")) is True
        [call] = store.calls
        assert "/secrets/db/versions?filter=state%3AENABLED&pageSize=1&" in call.url and call.name == ""

    def test_without_versions(self, store):
        store.put(b"v")
        store.server.secrets["db"].versions.clear()
        assert store.do(Exists(key="db")) is False

    def test_with_disabled_versions_only(self, store):
        store.put(b"v")
        store.server.secrets["db"].versions[0].state = "DISABLED"
        assert isinstance(failure(store.do(Exists(key="db"))), Missing)

    def test_a_property(self, store):
        store.put(b'{"a": 1}')
        assert store.do(Exists(key="db", property="a")) is True
        assert store.do(Exists(key="db", property="b")) is False
        assert store.names == ["AccessSecretVersion"]
        assert store.do(Exists(key="none", property="b")) is False
