"""The openBao provider: its three logins, both engines, a namespace."""

from __future__ import annotations

from functools import partial
from typing import Any

from eso_core.providers.openbao import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.openbao.server import OpenBao
from tests.providers.vault.case import AUTH, PUBLIC, sample, secrets
from tests.providers.vault.server import URL

BASE: dict[str, Any] = {"server": URL}
DIALECT = (
    Sample(value=b'{"user":"u"}', property="user", gives=b"u"),
    Sample(value=b'{"a":{"b":"deep"},"a.b":"flat"}', property="a.b", gives=b"flat"),
    Sample(value=b'{"a":{"b":"deep"}}', property="a.b", gives="failed"),
    Sample(value=b'{"a":{"b":[1,"x"]}}', property="a", gives=b'{"b":[1,"x"]}'),
    Sample(value=b'{"n":1.50,"z":null,"t":true}', property="", gives=b'{"n":1.50,"t":true,"z":null}'),
    Sample(value=b'{"z":null}', property="z", gives=b""),
)
OPENBAO = partial(
    Case,
    provider=PROVIDER,
    sample=sample,
    reads="value",
    missing="failed",
    missing_version="failed",
    finds=frozenset({"name", "path"}),
    names=("app/alpha", "app/beta", "app/gamma"),
    path="app",
    dialect=DIALECT,
    public=PUBLIC,
)

CASES: tuple[Case, ...] = (
    OPENBAO(name="openbao-token", spec={**BASE, "auth": AUTH[""]}, server=OpenBao, secrets=secrets(""), versions=True),
    OPENBAO(
        name="openbao-userpass",
        spec={**BASE, "auth": AUTH["userpass"]},
        server=partial(OpenBao, "userpass"),
        secrets=secrets("userpass"),
        versions=True,
        calls=Calls(login=1),
    ),
    OPENBAO(
        name="openbao-approle-v1",
        spec={**BASE, "path": "old", "version": "v1", "namespace": "team", "auth": {**AUTH["approle"], "namespace": "outer"}},
        server=partial(OpenBao, "approle", version=1, mount="old", namespace="team", login_namespace="outer"),
        secrets=secrets("approle"),
        cluster=True,
        calls=Calls(login=1),
    ),
)
