"""Doppler: both logins, a token of all projects, a store that changes names, and a server that refuses names that are not there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from eso_core.providers.doppler import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.doppler.server import CONFIG, IDENTITY, PROJECT, TRANSFORMERS, Doppler

TOKEN: Mapping[str, Any] = {"auth": {"secretRef": {"dopplerToken": {"name": "doppler"}}}}
OIDC: Mapping[str, Any] = {"auth": {"oidcConfig": {"identity": IDENTITY, "serviceAccountRef": {"name": "reader"}}}}
SCOPE = {"project": PROJECT, "config": CONFIG}
DIALECT = (
    Sample(value=b"plain", property="", gives=b"plain"),
    Sample(value=b'{"user": "ann"}', property="user", gives=b'{"user": "ann"}'),
    Sample(value=b" spaces \n", property="any", gives=b" spaces \n"),
)


def case(name: str, spec: Mapping[str, Any], server: Any = Doppler, *, login: int = 0, batch: int = 1, **more: Any) -> Case:
    """What all have in common: no call of the login for a token, and one for a find, values included."""
    base: dict[str, Any] = {
        "secrets": {"token": b"dp.st.prd.token-0"},
        "names": ("APP_ALPHA", "APP_BETA", "APP_GAMMA"),
        "find_name": ("^APP_.(L|E)", "M+"),
        "path": "APP_",
        "push_new": "APP_DELTA",
    }
    return Case(
        name=f"doppler-{name}",
        provider=PROVIDER,
        spec=spec,
        server=server,
        missing="failed",
        properties=False,
        finds=frozenset({"name", "path"}),
        dialect=DIALECT,
        calls=Calls(login=login, get=1, batch=(10, batch), probe=1, find=1, found=None, push_new=2, push_same=1, delete=2),
        push_property="",
        guarded=False,
        **{**base, **more},
    )


CASES: tuple[Case, ...] = (
    case("token", TOKEN),
    case("oidc", OIDC, partial(Doppler, oidc=True), login=1, secrets={"account": b"account-token-0"}),
    case("scope", {**TOKEN, **SCOPE}, partial(Doppler, scoped=False)),
    case("strict", TOKEN, partial(Doppler, strict=True)),
    case(
        "transformer",
        {**TOKEN, "nameTransformer": "lower-kebab"},
        path="app-",
        find_name=("^app-.(l|e)", "m+"),
        found=TRANSFORMERS["lower-kebab"],
    ),
)
