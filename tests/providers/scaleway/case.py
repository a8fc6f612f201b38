"""Scaleway: secrets by name in the root folder, by name in another, by path and by id."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from eso_core.providers.scaleway import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.scaleway.server import PROJECT, REGION, Scaleway, id_of, key_of

SECRETS = {"secret_key": key_of(0).encode()}
ACCESS_KEY = "SCWXXXXXXXXXXXXXXXXX"
DIALECT = (
    Sample(value=b"plain", property="", gives=b"plain"),
    Sample(value=b"\xff\x00", property="", gives=b"\xff\x00"),
    Sample(value=b'{"user": "ann", "n": -100, "on": false, "at": {"b": [ 1 ]}}', property="user", gives=b"ann"),
    Sample(value=b'{"n": -100}', property="n", gives=b"-100"),
    Sample(value=b'{"n": 1.50}', property="n", gives=b"1.50"),
    Sample(value=b'{"on": false}', property="on", gives=b"false"),
    Sample(value=b'{"none": null}', property="none", gives=b""),
    Sample(value=b'{"at": {"b": [ 1 ]}}', property="at", gives=b'{"b": [ 1 ]}'),
    Sample(value=b'{"at": {"b": 9}}', property="at.b", gives=b"9"),
    Sample(value=b'{"n": 7}', property="x", gives="absent"),
    Sample(value=b"plain", property="x", gives="absent"),
)


def spec(**more: Any) -> Mapping[str, Any]:
    """A store."""
    return {
        "region": REGION,
        "projectId": PROJECT,
        "accessKey": {"value": ACCESS_KEY},
        "secretKey": {"secretRef": {"name": "scaleway", "key": "secret-key"}},
        **more,
    }


def case(name: str, prefix: str, server: Any, calls: Calls, **more: Any) -> Case:
    """What all keys have in common."""
    base: dict[str, Any] = {
        "key": lambda key: f"{prefix}{key}",
        "push_key": lambda key: f"{prefix}{key}",
        "secrets": SECRETS,
        "finds": frozenset({"name", "path", "tags"}),
        "tag_values": False,
        "dialect": DIALECT,
        "versions": True,
        "push_property": "",
        "guarded": False,
    }
    return Case(name=f"scaleway-{name}", provider=PROVIDER, spec=spec(), server=server, calls=calls, **{**base, **more})


CASES: tuple[Case, ...] = (
    case("name", "name:", Scaleway, Calls(get=1, probe=1, find=1, push_new=4, push_same=1, delete=2), path="/"),
    case("folder", "name:", partial(Scaleway, "/app"), Calls(get=3, probe=1, find=1, push_new=4, push_same=1, delete=2), path="/app"),
    case("path", "path:/app/", partial(Scaleway, "/app"), Calls(get=1, probe=1, find=1, push_new=4, push_same=1, delete=2), path="/app"),
    case(
        "id",
        "",
        Scaleway,
        Calls(get=1, probe=1, find=1, push_new=4, push_same=1, delete=2),
        path="/",
        key=lambda name: f"id:{id_of(f'//{name}')}",
        push_key=lambda name: f"name:{name}",
    ),
)
