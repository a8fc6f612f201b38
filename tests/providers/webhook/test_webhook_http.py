"""The webhook provider over the operator's HTTP client, against the service in memory behind a real socket."""

from __future__ import annotations

from eso_core.door import Absent, Delete, Done, Entries, Exists, Found, Get, Probe, Push, Session, Source
from eso_core.failure import Broken, Refused
from eso_core.providers import webhook
from eso_core.secret import SecretBytes
from eso_core.wire import HttpReply
from tests.providers.live import Live
from tests.providers.scripts import access, failure, value
from tests.providers.serve import serve
from tests.providers.webhook.server import FOLDER, ORIGIN, Server, held

KEY = "{{ with .remoteRef.key }}{{ . }}{{ else }}{{ .remoteRef.remoteKey }}{{ end }}"


def use(url, key=None):
    keyed = {"headers": {"X-Api-Key": "{{ .auth.key }}"}, "secrets": [{"name": "auth", "secretRef": {"name": "hook"}}]}
    spec = {"url": url + FOLDER + KEY, "result": {"jsonPath": "$.data.value"}, **keyed}
    return access("webhook", spec, {"secret0": (held() if key is None else held(key)).decode()})


async def test_reads_and_commands():
    server = Server()
    server.put("a b", b"one", {})
    with serve(server, base=ORIGIN) as where:
        async with Live() as live:
            store = use(where.url)
            assert await live.one("webhook", store, Probe()) == Found(Entries({}))
            assert value("webhook", await live.one("webhook", store, Get(key="a b"))) == b"one"
            assert await live.one("webhook", store, Get(key="nosuch")) == Absent()
            push = Push(key="new", secret_key="k", source=Source(data={"k": SecretBytes(b"two")}))
            assert await live.run(webhook.push(store, Session(), push)) == Done(changed=True)
            assert await live.run(webhook.push(store, Session(), push)) == Done(changed=False)
            assert await live.run(webhook.exists(store, Session(), Exists(key="new"))) is True
            assert await live.run(webhook.delete(store, Session(), Delete(key="new"))) == Done(changed=True)
            assert await live.run(webhook.exists(store, Session(), Exists(key="new"))) is False
            assert isinstance(failure(await live.one("webhook", use(where.url, "wrong"), Get(key="a b"))), Refused)
    assert server.values == {"a b": b"one"}


async def test_a_redirect_to_another_host_is_not_followed():
    with serve(lambda call: HttpReply(status=302, headers={"location": "https://elsewhere.example/"})) as where:
        async with Live() as live:
            got = failure(await live.one("webhook", use(where.url), Get(key="x")))
    assert isinstance(got, Broken)
    assert "redirects to another origin" in got.what
