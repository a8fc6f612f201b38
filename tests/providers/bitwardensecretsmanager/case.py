"""Bitwarden Secrets Manager: secrets by name and by id, with a server of today and an old one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from eso_core.providers.bitwardensecretsmanager import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.bitwardensecretsmanager.server import API_URL, HOST, IDENTITY_URL, ORGANIZATION, PROJECT, Bitwarden, id_of

SPEC: Mapping[str, Any] = {
    "apiURL": API_URL,
    "identityURL": IDENTITY_URL,
    "bitwardenServerSDKURL": f"https://{HOST}",
    "organizationID": ORGANIZATION,
    "projectID": PROJECT,
    "auth": {"secretRef": {"credentials": {"name": "bitwarden", "key": "token"}}},
}
SECRETS = {"credentials": b"0.machine-token-0.secret:key"}
DIALECT = (
    Sample(value=b"plain", property="", gives=b"plain"),
    Sample(value=b'{"user": "ann", "n": 7, "at": {"b": [1]}}', property="user", gives=b"ann"),
    Sample(value=b'{"n": 7}', property="n", gives=b"7"),
    Sample(value=b'{"at": {"b": [1]}}', property="at.b", gives=b"[1]"),
    Sample(value=b'{"n": 7}', property="x", gives="failed"),
)
# an organization without secrets is told by an empty list, which has a name
COMMON: Mapping[str, Any] = {
    "provider": PROVIDER,
    "spec": SPEC,
    "secrets": SECRETS,
    "found": id_of,
    "missing": "failed",
    "finds": frozenset({"name"}),
    "dialect": DIALECT,
    "push_property": "",
    "guarded": False,
}
CASES: tuple[Case, ...] = (
    Case(
        name="bitwarden-name",
        server=Bitwarden,
        calls=Calls(get=2, batch=(12, 2), probe=1, find=2, found=None, push_new=2, push_same=2, delete=3),
        **COMMON,
    ),
    Case(
        name="bitwarden-id",
        server=Bitwarden,
        key=id_of,
        push_key=lambda name: name,
        calls=Calls(get=1, batch=(12, 1), probe=1, find=2, found=None, push_new=2, push_same=2, delete=3),
        **COMMON,
    ),
    Case(
        name="bitwarden-old-server",
        server=partial(Bitwarden, True),
        calls=Calls(get=2, batch=(12, 14), probe=1, find=2, found=1, push_new=2, push_same=2, delete=3),
        **COMMON,
    ),
)
