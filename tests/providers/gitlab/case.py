"""GitLab: a project in one environment, a project with the groups above it, and groups alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from eso_core.providers.gitlab import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.gitlab.server import HOST, PARENT, PROJECT, TOP, GitLab

SECRETS = {"access_token": b"glpat-token-0"}
DIALECT = (
    Sample(value=b"plain", property="", gives=b"plain"),
    Sample(value=b"", property="", gives="failed"),
    Sample(value=b'{"user": "ann", "n": 7, "at": {"b": [1]}, "none": null}', property="user", gives=b"ann"),
    Sample(value=b'{"n": 7}', property="n", gives=b"7"),
    Sample(value=b'{"at": {"b": [1]}}', property="at", gives=b'{"b": [1]}'),
    Sample(value=b'{"at": {"b": [1]}}', property="at.b.0", gives=b"1"),
    Sample(value=b'{"n": 7}', property="x", gives="failed"),
)


def spec(**more: Any) -> Mapping[str, Any]:
    """A store."""
    return {"url": f"https://{HOST}", "auth": {"SecretRef": {"accessToken": {"name": "gitlab", "key": "token"}}}, **more}


def case(name: str, store: Mapping[str, Any], server: Any, calls: Calls, **more: Any) -> Case:
    """What all stores have in common."""
    base: dict[str, Any] = {"secrets": SECRETS, "missing": "failed", "finds": frozenset({"name"}), "dialect": DIALECT}
    # an empty list is GitLab's word for no variables, and for no groups
    return Case(name=f"gitlab-{name}", provider=PROVIDER, spec=store, server=server, calls=calls, nothing=(b"[]",), **{**base, **more})


CASES: tuple[Case, ...] = (
    case("project", spec(projectID=PROJECT, environment="prod"), partial(GitLab, scope="prod"), Calls(get=1, probe=1, find=1, found=None)),
    case("fallback", spec(projectID=PROJECT, environment="prod"), GitLab, Calls(get=2, probe=1, find=1, found=None)),
    case(
        "inherited",
        spec(projectID="acme/platform/shop", inheritFromGroups=True),
        partial(GitLab, home=f"groups/{TOP}"),
        Calls(login=1, get=3, probe=3, find=3, found=None),
    ),
    case("groups", spec(groupIDs=[TOP, PARENT]), partial(GitLab, home=f"groups/{PARENT}"), Calls(get=1, probe=2, find=2, found=None)),
)
