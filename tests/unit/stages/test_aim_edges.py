"""Why there is no target, in full; and what of a target that is no Secret stays."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core import because
from eso_core.compat.hash import field_owner
from eso_core.config import Config
from eso_core.effect import Gone, Present, Seen, Served, Unreadable, World
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.plan import Plan
from eso_core.refs import CONFIG_MAP, SECRET, Kind, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.aim import aim
from eso_core.stages.render import manager_of, render
from eso_core.target import see_target
from tests.unit.core.objects import NAME, NS, es_of, raw

ON = Config(generic_targets=True)
SERVED = Served("example.com/v1")
WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget"}
MAP = {"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}


def aimed(seen: Seen = Gone(), config: Config = ON, **manifest: str) -> Kind | object:
    return aim(World({SERVED: seen}), es_of(target={"manifest": {**WIDGET, **manifest}}), config)


def listed(*resources: dict[str, Any]) -> Present:
    return Present(raw({"resources": list(resources)}))


PLANETS = {"name": "planets", "kind": "Widget"}


@pytest.mark.parametrize(
    ("seen", "config", "manifest", "verdict", "why"),
    [
        (
            Gone(),
            Config(),
            {},
            because.TARGET_INVALID,
            InvalidSpec("generic targets are disabled. Enable with --unsafe-allow-generic-targets flag", "spec.target.manifest"),
        ),
        (
            Gone(),
            ON,
            {"apiVersion": "../v1"},
            because.TARGET_INVALID,
            InvalidSpec("is neither a version nor group/version", "spec.target.manifest.apiVersion"),
        ),
        (
            Gone(),
            ON,
            {},
            because.RESOURCE_UNREADABLE,
            Missing('failed to get target resource: no matches for kind "Widget" in version "example.com/v1"'),
        ),
        (
            listed({"name": "widgets/status", "kind": "Widget"}, {"name": "others", "kind": "Other"}),
            ON,
            {},
            because.RESOURCE_UNREADABLE,
            Missing('failed to get target resource: no matches for kind "Widget" in version "example.com/v1"'),
        ),
        (Unreadable(Refused("no")), ON, {}, because.RESOURCE_UNREADABLE, Refused("no")),
        (
            Present(b"{"),
            ON,
            {},
            because.RESOURCE_UNREADABLE,
            Broken("the API server's list of resources of example.com/v1 cannot be read"),
        ),
        *(
            (
                listed(resource),
                ON,
                {},
                because.TARGET_INVALID,
                InvalidSpec("Widget is not namespaced; a target lives in its object's namespace", "spec.target.manifest"),
            )
            for resource in (PLANETS, {**PLANETS, "namespaced": False}, {**PLANETS, "namespaced": "yes"}, {**PLANETS, "namespaced": 1})
        ),
    ],
)
def test_why_not(seen: Seen, config: Config, manifest: dict[str, str], verdict: because.Because, why: Failure) -> None:
    assert aimed(seen, config, **manifest) == Plan(because=verdict, detail=why)


def test_the_resource_after_its_subresource_counts() -> None:
    found = listed({"name": "widgets/scale", "kind": "Widget"}, {"name": "widgets", "kind": "Widget", "namespaced": True})
    assert aimed(found) == Kind("example.com", "v1", "Widget", "widgets", namespaced=True)


@pytest.mark.parametrize(
    ("version", "usable"),
    [
        ("v1", True),
        ("example.com/v1beta1", True),
        ("a-b.c/v1", True),
        ("", False),
        ("/", False),
        ("a/", False),
        ("/v1", False),
        ("-a/v1", False),
        ("a./v1", False),
        ("ä/v1", False),
        ("a/b/v1", False),
        ("a_b/v1", False),
    ],
)
def test_api_versions(version: str, usable: bool) -> None:
    served = Served(version)
    found = aim(World({served: listed({"name": "widgets", "kind": "Widget", "namespaced": True})}), _naming(version), ON)
    assert isinstance(found, Kind) is usable


def _naming(version: str) -> Any:
    return es_of(target={"manifest": {"apiVersion": version, "kind": "Widget"}})


@pytest.mark.parametrize(("policy", "stays"), [("Owner", False), ("Orphan", False), ("Merge", True), ("CreateOrMerge", True)])
def test_former_marks_of_a_resource(policy: str, stays: bool) -> None:
    """Under a merging policy several objects may write it, all under one manager: whose a label was is not known."""
    fields: dict[str, Any] = {"f:metadata": {"f:labels": {"f:old": {}}, "f:annotations": {"f:old": {}}}}
    meta = {"labels": {"old": "1", "theirs": "2"}, "annotations": {"old": "1"}}
    held = {"metadata": {"name": NAME, **meta, "managedFields": [{"manager": "external-secrets", "fieldsV1": fields}]}}
    target = see_target(Ref(CONFIG_MAP, NS, NAME), raw(held))
    made = render(es_of(target={**MAP, "creationPolicy": policy}), CONFIG_MAP, {"k": SecretBytes(b"v")}, (), target).unwrap()
    assert made.labels == ({"old": "1", "theirs": "2"} if stays else {"theirs": "2"})
    assert made.annotations == ({"old": "1"} if stays else {})


def test_managers() -> None:
    assert (manager_of(es_of(), SECRET), manager_of(es_of(), CONFIG_MAP)) == (field_owner(NAME), "external-secrets")
