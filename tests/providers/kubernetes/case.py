"""The kubernetes provider with a token, and with a kubeconfig."""

import orjson

from eso_core.providers.kubernetes import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.kubernetes.server import NAMESPACE, ORIGIN, TOKEN, ConfigServer, Server, kubeconfig

DIALECT = (
    Sample(value=b'{"user":"u"}', property="user", gives=b"u"),
    Sample(value=b'{"b":"2","a":"1"}', property="", gives=b'{"a":"1","b":"2"}'),
    Sample(value=b'{"j":"{\\"a\\":{\\"b\\":\\"c\\"}}"}', property="j.a.b", gives=b"c"),
    Sample(value=b'{"file.png":"PNG"}', property="file.png", gives=b"PNG"),
    Sample(value=b'{"user":"u"}', property="nope", gives="failed"),
)
COMMON = {
    "provider": PROVIDER,
    "sample": lambda text: orjson.dumps({"value": text}),
    "reads": "value",
    "finds": frozenset({"name", "tags"}),
    "metadata": True,
    "dialect": DIALECT,
    "guarded": False,  # as in the reference: the permissions of the store's account are the guard
    "calls": Calls(get=1, probe=1, find=1, found=None, push_new=2, push_same=1, delete=2),
    "push_to": "value",
}
CASES = (
    Case(
        name="kubernetes-token",
        spec={
            "server": {"url": ORIGIN},
            "remoteNamespace": NAMESPACE,
            "auth": {"token": {"bearerToken": {"name": "reader", "key": "token"}}},
        },
        server=Server,
        secrets={"token": TOKEN.encode()},
        **COMMON,
    ),
    Case(
        name="kubernetes-kubeconfig",
        spec={"remoteNamespace": NAMESPACE, "authRef": {"name": "remote", "key": "config", "namespace": "stores"}},
        server=ConfigServer,
        secrets={"kubeconfig": kubeconfig()},
        cluster=True,
        **COMMON,
    ),
)
