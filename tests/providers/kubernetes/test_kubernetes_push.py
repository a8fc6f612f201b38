"""Pushes to Secrets of an API server: what is sent, and what is kept."""

from __future__ import annotations

import base64
import json

import pytest

from eso_core.door import Delete, Done, Exists, Push, Session, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Stale, Unreachable
from eso_core.providers import kubernetes
from eso_core.secret import SecretBytes
from tests.providers.kubernetes.server import NAMESPACE, NOW, ORIGIN, TOKEN, Server, ref
from tests.providers.scripts import CANARY, access, failure, ok, run

SPEC = {"server": {"url": ORIGIN}, "remoteNamespace": NAMESPACE, "auth": {"token": {"bearerToken": {"name": "t", "key": "k"}}}}
NOT_FOUND = ok({"kind": "Status", "reason": "NotFound", "details": {"kind": "secrets"}}, 404)
MANIFEST = {"apiVersion": "v1", "kind": "Secret"}


def use(*, cluster=False):
    return access("kubernetes", SPEC, {"token": TOKEN}, cluster=cluster)


def source(labels=None, annotations=None, type="Opaque", **data):
    held = {key: SecretBytes(value.encode()) for key, value in data.items()}
    return Source(data=held, type=type, labels=labels or {}, annotations=annotations or {})


def meta(**spec):
    return {"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata", "spec": spec}


def push(server, command, *, cluster=False):
    return run(kubernetes.push(use(cluster=cluster), Session(), command), server if callable(server) else server.answer)


def one(key="db", prop="p", secret_key="user", metadata=None, given=None):
    return Push(key=key, property=prop, secret_key=secret_key, source=given or source(user=CANARY), metadata=metadata)


@pytest.fixture
def server():
    return Server()


def existing(server, labels=None, annotations=None, **data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    metadata = {"name": "db", "namespace": NAMESPACE, "labels": labels or {}, "annotations": annotations or {}}
    server.api.apply({**MANIFEST, "metadata": metadata, "data": encoded, "immutable": False}, NOW)


def held(server, name="db", namespace=None):
    place = ref(name)
    found = server.api.read(place if namespace is None else type(place)(place.kind, namespace, name))
    assert found is not None
    return {key: base64.b64decode(text).decode() for key, text in (found.get("data") or {}).items()}, found["metadata"], found


def test_a_new_secret(server):
    ran = push(server, one(given=source({"app": "x"}, {"n": "1"}, "example.com/kind", user=CANARY, other="o")))
    assert ran.value == Done(changed=True)
    assert [(call.method, call.url.removeprefix(ORIGIN), call.name) for call in ran.calls] == [
        ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/db", "GetSecret"),
        ("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", "CreateSecret"),
    ]
    data, metadata, found = held(server)
    assert (data, metadata["labels"], metadata["annotations"], found["type"]) == (
        {"p": CANARY},
        {"app": "x"},
        {"n": "1"},
        "example.com/kind",
    )


def test_an_update_keeps_what_it_does_not_know(server):
    existing(server, {"a": "1", "b": "1"}, {"x": "1"}, p="old", q="kept")
    ran = push(server, one(given=source({"b": "2"}, user=CANARY)))
    assert ran.value == Done(changed=True)
    assert [(call.method, call.name) for call in ran.calls] == [("GET", "GetSecret"), ("PUT", "UpdateSecret")]
    assert json.loads(ran.calls[1].body)["metadata"]["resourceVersion"]
    data, metadata, found = held(server)
    assert (data, metadata["labels"], metadata["annotations"]) == ({"p": CANARY, "q": "kept"}, {"a": "1", "b": "2"}, {"x": "1"})
    assert found["immutable"] is False


def test_what_is_equal_is_not_written(server):
    existing(server, p=CANARY)
    ran = push(server, one())
    assert (ran.value, len(ran.calls)) == (Done(changed=False), 1)
    labelled = push(server, one(given=source({"new": "label"}, user=CANARY)))
    assert labelled.value == Done(changed=True)


def test_a_whole_secret_replaces_all_keys(server):
    existing(server, old="o")
    assert push(server, one(prop="", secret_key="", given=source(a="1", b="2"))).value == Done(changed=True)
    assert held(server)[0] == {"a": "1", "b": "2"}
    assert push(server, one(prop="", secret_key="", given=source(b="2", a="1"))).value == Done(changed=False)


def test_a_whole_secret_in_one_property(server):
    existing(server, old="o")
    assert push(server, one(secret_key="", given=source(b="<2>", a="1"))).value == Done(changed=True)
    assert held(server)[0] == {"old": "o", "p": '{"a":"1","b":"<2>"}'}


@pytest.mark.parametrize(
    ("spec", "labels"),
    [
        ({}, {"own": "1", "both": "own", "remote": "1"}),
        ({"labels": {"both": "meta", "more": "1"}}, {"own": "1", "both": "meta", "more": "1", "remote": "1"}),
        ({"sourceMergePolicy": "Merge", "labels": {"more": "1"}}, {"own": "1", "both": "own", "more": "1", "remote": "1"}),
        ({"sourceMergePolicy": "Replace", "labels": {"more": "1"}}, {"more": "1", "both": "remote", "remote": "1"}),
        ({"targetMergePolicy": "Replace"}, {"own": "1", "both": "own"}),
        ({"targetMergePolicy": "Replace", "sourceMergePolicy": "Replace", "labels": {"more": "1"}}, {"more": "1"}),
        ({"targetMergePolicy": "Ignore", "labels": {"more": "1"}}, {"both": "remote", "remote": "1"}),
    ],
)
def test_policies_of_labels_and_annotations(server, spec, labels):
    existing(server, {"remote": "1", "both": "remote"}, {"remote": "1", "both": "remote"})
    metadata = meta(**spec, **({"annotations": spec["labels"]} if "labels" in spec else {}))
    own = {"own": "1", "both": "own"}
    assert push(server, one(metadata=metadata, given=source(own, own, user="u"))).value == Done(changed=True)
    _, found, _ = held(server)
    assert (found["labels"], found["annotations"]) == (labels, labels)


class TestAnotherNamespace:
    META = meta(remoteNamespace="elsewhere")

    def test_of_a_cluster_store(self, server):
        server.api.create_namespace("elsewhere", NOW)
        assert push(server, one(metadata=self.META), cluster=True).value == Done(changed=True)
        assert held(server, namespace="elsewhere")[0] == {"p": CANARY}
        exists = Exists(key="db", property="p", metadata=self.META)
        assert run(kubernetes.exists(use(cluster=True), Session(), exists), server.answer).value is True
        assert run(kubernetes.exists(use(cluster=True), Session(), Exists(key="db")), server.answer).value is False
        gone = run(kubernetes.delete(use(cluster=True), Session(), Delete(key="db", property="p", metadata=self.META)), server.answer)
        assert gone.value == Done(changed=True)

    def test_of_a_namespaced_store(self, server):
        for talk in (
            kubernetes.push(use(), Session(), one(metadata=self.META)),
            kubernetes.delete(use(), Session(), Delete(key="db", metadata=self.META)),
            kubernetes.exists(use(), Session(), Exists(key="db", metadata=self.META)),
        ):
            ran = run(talk)
            assert isinstance(failure(ran.value), InvalidSpec)

    @pytest.mark.parametrize("name", ["..", "a/b", "A", "x" * 64])
    def test_that_is_none(self, server, name):
        assert isinstance(failure(push(server, one(metadata=meta(remoteNamespace=name)), cluster=True).value), InvalidSpec)

    def test_that_is_not_there(self, server):
        assert isinstance(failure(push(server, one(metadata=self.META), cluster=True).value), Missing)


@pytest.mark.parametrize(
    "command",
    [
        one(prop=""),
        one(key="a/b"),
        one(key=".."),
        one(metadata={"kind": "Other"}),
        one(metadata=meta(nosuch=1)),
        one(metadata=meta(targetMergePolicy="Other")),
        one(metadata=meta(labels={"a": {"b": "1"}})),
    ],
)
def test_refused(command):
    assert isinstance(failure(run(kubernetes.push(use(cluster=True), Session(), command)).value), InvalidSpec)


@pytest.mark.parametrize("text", [CANARY, base64.b64encode(CANARY.encode()).decode(), TOKEN])
def test_what_a_server_repeats_is_not_told(text):
    def answer(call):
        return NOT_FOUND if call.method == "GET" else ok({"kind": "Status", "message": f"denied: {text}", "reason": "Invalid"}, 422)

    assert failure(push(answer, one()).value).what == f"POST {ORIGIN}/api/v1/namespaces/{NAMESPACE}/secrets: status 422"


def test_a_key_that_the_source_does_not_have(server):
    assert isinstance(failure(push(server, one(secret_key="nosuch")).value), Missing)


class TestDeletion:
    def delete(self, server, prop="", key="db"):
        return run(kubernetes.delete(use(), Session(), Delete(key=key, property=prop)), server.answer)

    def test_of_one_property_of_several(self, server):
        existing(server, p="1", q="2")
        ran = self.delete(server, "p")
        assert (ran.value, [call.method for call in ran.calls]) == (Done(changed=True), ["GET", "PUT"])
        assert held(server)[0] == {"q": "2"}

    def test_of_the_last_property(self, server):
        existing(server, p="1")
        ran = self.delete(server, "p")
        assert (ran.value, [call.name for call in ran.calls]) == (Done(changed=True), ["GetSecret", "DeleteSecret"])
        assert json.loads(ran.calls[1].body)["preconditions"]["resourceVersion"]
        assert server.api.read(ref("db")) is None

    def test_of_a_whole_secret(self, server):
        existing(server, p="1", q="2")
        ran = self.delete(server)
        assert (ran.value, len(ran.calls)) == (Done(changed=True), 1)
        assert server.api.read(ref("db")) is None

    def test_of_nothing(self, server):
        existing(server, p="1")
        assert self.delete(server, "nosuch").value == Done(changed=False)
        assert self.delete(server, "p", "nosuch").value == Done(changed=False)
        assert self.delete(server, "", "nosuch").value == Done(changed=False)
        assert held(server)[0] == {"p": "1"}


class TestFailures:
    SECRET = {**MANIFEST, "metadata": {"name": "db", "resourceVersion": "7"}, "data": {"p": "b2xk", "q": "cQ=="}}

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (ok({"message": "changed", "reason": "Conflict"}, 409), Stale),
            (ok({"message": "no", "reason": "Forbidden"}, 403), Refused),
            (ok({"message": "immutable", "reason": "Invalid"}, 422), Broken),
            (ok(b"", 503), Unreachable),
            (ok(b"<html>"), Broken),
            (ok({}), Broken),
            (ok({**SECRET, "metadata": {"name": "other", "resourceVersion": "8"}}), Broken),
            (NOT_FOUND, Missing),
        ],
    )
    def test_of_a_write(self, reply, kind):
        ran = run(kubernetes.push(use(), Session(), one()), [ok(self.SECRET), reply])
        assert isinstance(failure(ran.value), kind)
        assert CANARY not in repr(ran.value)

    @pytest.mark.parametrize(
        "reply",
        [
            ok({}),
            ok([]),
            ok(b""),
            ok({**SECRET, "kind": "ConfigMap"}),
            ok({**SECRET, "metadata": {"name": "other", "resourceVersion": "7"}}),
            ok({**SECRET, "metadata": {"name": "db", "resourceVersion": ""}}),
            ok({**SECRET, "data": {"p": 1}}),
            ok({}, 404),
            ok(b"<html>", 404),
        ],
    )
    def test_of_the_read_before_it(self, reply):
        """Nothing is written over what cannot be understood."""
        for talk in (
            kubernetes.push(use(), Session(), one()),
            kubernetes.delete(use(), Session(), Delete(key="db", property="p")),
            kubernetes.exists(use(), Session(), Exists(key="db")),
        ):
            assert isinstance(failure(run(talk, [reply]).value), Broken | Missing)
