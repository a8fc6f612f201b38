"""Which object an ExternalSecret writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eso_core import because
from eso_core.config import Config
from eso_core.effect import Gone, Present, Served, Unreadable, World
from eso_core.failure import Broken, InvalidSpec, Missing, Refused
from eso_core.plan import Plan
from eso_core.refs import SECRET, Kind
from eso_core.stages.aim import aim, is_generic, target_of, verdicts_of
from eso_core.stages.needs import Unresolved
from tests.unit.core.objects import NS, es_of

ON = Config(generic_targets=True)
WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget"}
SERVED = Served("example.com/v1")
LISTED: dict[str, Any] = {
    "groupVersion": "example.com/v1",
    "resources": [
        {"name": "widgets/status", "namespaced": True, "kind": "Widget"},
        {"name": "widgets", "namespaced": True, "kind": "Widget"},
        {"name": "planets", "namespaced": False, "kind": "Planet"},
    ],
}


def aimed(manifest: dict[str, str] | None, seen: object = None, config: Config = ON) -> object:
    known = {} if seen is None else {SERVED: seen}
    return aim(World(known), es_of(target={"manifest": manifest} if manifest else {}), config)  # type: ignore[arg-type]


def refused(step: object) -> tuple[object, type, str]:
    assert isinstance(step, Plan)
    assert step.steps == ()
    return step.because, type(step.detail), step.detail.path if isinstance(step.detail, InvalidSpec) else ""


def listed(resources: object = None) -> Present:
    return Present(json.dumps(LISTED if resources is None else resources).encode())


def test_a_secret_needs_no_question() -> None:
    assert aimed(None, config=Config()) == SECRET
    assert aimed({"apiVersion": "v1", "kind": "Secret"}) == SECRET


def test_the_flag() -> None:
    assert refused(aimed(WIDGET, config=Config())) == (because.TARGET_INVALID, InvalidSpec, "spec.target.manifest")


def test_discovery_tells_the_plural() -> None:
    assert aimed(WIDGET) == Unresolved(frozenset({SERVED}))
    kind = Kind("example.com", "v1", "Widget", "widgets", namespaced=True)
    assert aimed(WIDGET, listed()) == kind
    assert target_of(es_of(target={"manifest": WIDGET, "name": "w"}), kind).path == f"/apis/example.com/v1/namespaces/{NS}/widgets/w"


def test_core_kinds() -> None:
    resources = {"resources": [{"name": "configmaps", "namespaced": True, "kind": "ConfigMap"}]}
    world = World({Served("v1"): Present(json.dumps(resources).encode())})
    assert aim(world, es_of(target={"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}), ON) == Kind(
        "", "v1", "ConfigMap", "configmaps", True
    )


@pytest.mark.parametrize("seen", [Gone(), Present(b'{"resources":[]}')])
def test_a_kind_that_is_not_served(seen: object) -> None:
    assert refused(aimed(WIDGET, seen)) == (because.RESOURCE_UNREADABLE, Missing, "")


def test_a_kind_that_has_no_namespaces() -> None:
    step = aimed({"apiVersion": "example.com/v1", "kind": "Planet"}, listed())
    assert refused(step) == (because.TARGET_INVALID, InvalidSpec, "spec.target.manifest")


def test_discovery_fails() -> None:
    assert refused(aimed(WIDGET, Unreadable(Refused("no")))) == (because.RESOURCE_UNREADABLE, Refused, "")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"resources":3}', b'{"resources":[3]}', b'{"resources":[{"name":"x"}]}'])
def test_discovery_that_cannot_be_read(body: bytes) -> None:
    assert refused(aimed(WIDGET, Present(body))) == (because.RESOURCE_UNREADABLE, Broken, "")


@pytest.mark.parametrize("version", ["a/b/c", "/v1", "v1/", "../v1", "a b/v1", "v1?x=1", "g/v1%2f"])
def test_an_api_version_that_is_none(version: str) -> None:
    step = aimed({"apiVersion": version, "kind": "Widget"})
    assert refused(step) == (because.TARGET_INVALID, InvalidSpec, "spec.target.manifest.apiVersion")


def test_the_words_for_it() -> None:
    plain, named = es_of(), es_of(target={"manifest": {"apiVersion": "v1", "kind": "Secret"}})
    assert (is_generic(plain), is_generic(named)) == (False, True)
    assert verdicts_of(plain).synced.reason == "SecretSynced"
    assert verdicts_of(named).synced.reason == "ResourceSynced"
