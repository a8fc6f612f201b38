"""The kubernetes provider against a real API server. Needs its binaries, like all ``e2e`` tests."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from eso_core.door import Absent, Delete, Done, Entries, Exists, Failed, Find, Found, Get, Probe, Push, Session, Source
from eso_core.failure import Missing, Refused, Stale, Unreachable
from eso_core.providers import kubernetes
from eso_core.secret import SecretBytes
from tests.e2e.harness.binaries import BinariesUnavailable, find_or_build
from tests.e2e.harness.control_plane import ControlPlane
from tests.providers.live import Live
from tests.providers.scripts import access, entries, failure, plain, value

pytestmark = pytest.mark.e2e
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    try:
        binaries = find_or_build()
    except BinariesUnavailable as unavailable:
        pytest.fail(str(unavailable)) if os.environ.get("CI") else pytest.skip(str(unavailable))
    with ControlPlane(binaries, controllers=False) as running:
        admin = running.admin
        for namespace in ("apps", "empty"):
            admin.create_namespace(namespace)
        remote = {"name": "remote", "namespace": "apps", "labels": {"team": "x"}, "annotations": {"n": "1"}}
        data = {"user": "u", "file.png": "PNG", "j": '{"a":{"b":"c"}}'}
        admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": remote, "stringData": data})
        for n in range(120):
            admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"many-{n}", "namespace": "apps"}})
        reader = {"name": "reader", "namespace": "apps"}
        admin.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": reader})
        rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]
        admin.create({"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": reader, "rules": rules})
        subject = {"kind": "ServiceAccount", **reader}
        role = {"apiGroup": RBAC, "kind": "Role", "name": "reader"}
        admin.create({"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": reader, "roleRef": role, "subjects": [subject]})
        yield running


async def one(plane, query, token=None, namespace="apps", **server):
    server = {"url": plane.server, "caBundle": base64.b64encode(plane.ca_pem).decode(), **server}
    spec = {"server": server, "remoteNamespace": namespace, "auth": {"serviceAccount": {"name": "reader"}}}
    use = access("kubernetes", spec, {"token": token or plane.admin.service_account_token("reader", "apps")})
    async with Live() as live:
        return await live.one("kubernetes", use, query)


async def test_reading(plane):
    answer = await one(plane, Get(key="remote"))
    assert entries("kubernetes", answer) == {"user": b"u", "file.png": b"PNG", "j": b'{"a":{"b":"c"}}'}
    assert [value("kubernetes", answer, prop) for prop in ("user", "file.png", "j.a.b")] == [b"u", b"PNG", b"c"]
    assert value("kubernetes", answer) == b'{"file.png":"PNG","j":"{\\"a\\":{\\"b\\":\\"c\\"}}","user":"u"}'


async def test_metadata(plane):
    answer = await one(plane, Get(key="remote", metadata=True))
    assert json.loads(value("kubernetes", answer)) == {"annotations": {"n": "1"}, "labels": {"team": "x"}}
    assert value("kubernetes", answer, "labels.team") == b"x"


async def test_absent(plane):
    assert await one(plane, Get(key="nosuch")) == Absent()
    assert isinstance(failure(await one(plane, Get(key="remote"), url=f"{plane.server}/nowhere")), Missing | Refused)


async def test_finding(plane):
    found = plain(await one(plane, Find(name="^many-")))
    assert len(found) == 120
    assert set(plain(await one(plane, Find(tags=(("team", "x"),))))) == {"remote"}


async def test_validation(plane):
    assert await one(plane, Probe()) == Found(Entries({}))
    assert await one(plane, Probe(), token=plane.admin_token) == Found(Entries({}))
    assert await one(plane, Probe(), namespace="empty") == Failed(Refused("client is not allowed to get secrets"))
    unknown = await one(plane, Probe(), token="wrong")
    assert isinstance(unknown, Failed)
    assert unknown.unsure


async def test_refusals(plane):
    assert failure(await one(plane, Get(key="x"), token="wrong")).session
    forbidden = failure(await one(plane, Get(key="x"), namespace="empty"))
    assert isinstance(forbidden, Refused)
    assert "forbidden" in forbidden.what
    assert isinstance(failure(await one(plane, Get(key="remote"), caBundle="")), Unreachable)


def kubeconfig(plane):
    cluster = {"server": plane.server, "certificate-authority-data": base64.b64encode(plane.ca_pem).decode()}
    parts = {"clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": {"token": plane.admin_token}}]}
    contexts = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
    return json.dumps({"kind": "Config", "current-context": "x", "contexts": contexts, **parts})


def admin(plane):
    """A cluster store with a kubeconfig."""
    return access(
        "kubernetes", {"authRef": {"name": "k", "key": "k"}, "remoteNamespace": "apps"}, {"kubeconfig": kubeconfig(plane)}, cluster=True
    )


async def test_a_kubeconfig(plane):
    async with Live() as live:
        answer = await live.one("kubernetes", admin(plane), Get(key="remote"))
        assert entries("kubernetes", answer)["user"] == b"u"
        assert await live.one("kubernetes", admin(plane), Probe()) == Found(Entries({}))


async def test_commands(plane):
    use, source = admin(plane), Source(data={"a": SecretBytes(b"1"), "b": SecretBytes(b"\xff\x00")}, labels={"team": "y"})
    one_key = Push(key="pushed", property="p", secret_key="a", source=source)
    whole = Push(key="pushed", source=source)
    where = {"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata", "spec": {"remoteNamespace": "empty"}}

    async def done(talk):
        async with Live() as live:
            return await live.run(talk)

    assert await done(kubernetes.exists(use, Session(), Exists(key="pushed"))) is False
    assert await done(kubernetes.push(use, Session(), one_key)) == Done(changed=True)
    assert await done(kubernetes.push(use, Session(), one_key)) == Done(changed=False)
    assert await done(kubernetes.exists(use, Session(), Exists(key="pushed", property="p"))) is True
    assert await done(kubernetes.push(use, Session(), whole)) == Done(changed=True)
    assert await done(kubernetes.push(use, Session(), whole)) == Done(changed=False)
    held = plane.admin.get("v1", "Secret", "pushed", "apps")
    assert (held["data"], held["metadata"]["labels"]) == ({"a": "MQ==", "b": "/wA="}, {"team": "y"})
    assert await done(kubernetes.push(use, Session(), replace(whole, metadata=where))) == Done(changed=True)
    assert await done(kubernetes.exists(use, Session(), Exists(key="pushed", metadata=where))) is True
    assert await done(kubernetes.delete(use, Session(), Delete(key="pushed", property="a"))) == Done(changed=True)
    assert await done(kubernetes.delete(use, Session(), Delete(key="pushed", property="b"))) == Done(changed=True)
    assert await done(kubernetes.delete(use, Session(), Delete(key="pushed"))) == Done(changed=False)
    assert await done(kubernetes.delete(use, Session(), Delete(key="pushed", metadata=where))) == Done(changed=True)
    nowhere = {**where, "spec": {"remoteNamespace": "nowhere"}}
    assert isinstance(failure(await done(kubernetes.push(use, Session(), replace(whole, metadata=nowhere)))), Missing)


async def test_a_change_in_between_is_not_undone(plane):
    def command(prop, value):
        source = Source(data={"a": SecretBytes(value)})
        return kubernetes.push(admin(plane), Session(), Push(key="race", property=prop, secret_key="a", source=source))

    def interrupted(talk):
        """``talk`` up to its first reply, then all of another one, then the rest."""
        reply = yield next(talk)
        yield from command("q", b"3")
        reply = yield talk.send(reply)
        with pytest.raises(StopIteration) as end:
            talk.send(reply)
        return end.value.value

    async with Live() as live:
        assert await live.run(command("p", b"1")) == Done(changed=True)
        assert isinstance(failure(await live.run(interrupted(command("p", b"2")))), Stale)
    assert plane.admin.get("v1", "Secret", "race", "apps")["data"] == {"p": "MQ==", "q": "Mw=="}
