"""The chart beside the reference chart 2.9.0: same values, same flags, same names, no right more.

``reference_2_9_0.json`` holds what the reference renders for its controller, case by case (webhook and certificate controller off):
objects, arguments, selector and the permissions of its service account. ``reference_values_2_9_0.yaml`` holds its values.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.render import container_args, find, operator_permissions, render

HERE = Path(__file__).parent
CASES: dict[str, dict[str, Any]] = json.loads((HERE / "reference_2_9_0.json").read_text())
VALUES: dict[str, Any] = yaml.load((HERE / "reference_values_2_9_0.yaml").read_text(), Loader=yaml.CSafeLoader)

cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def by_the_reference(case: dict[str, Any]) -> list[str]:
    """The reference's arguments with the differences of docs/chart.md applied."""
    args: list[str] = ["run"]
    probes = {kind: case["values"].get(kind, {}).get("enabled", True) for kind in ("livenessProbe", "readinessProbe")}
    for arg in case["args"]:
        if arg.startswith(("--metrics-cert-name=", "--metrics-key-name=")):
            flag, _, path = arg.partition("=")
            arg = f"{flag}={Path(path).name}"
        args.append(arg)
        if arg.startswith("--zap-time-encoding=") and any(probes.values()) and not any(a.startswith("--live-addr=") for a in case["args"]):
            args.append("--live-addr=:8082")
    return args


@cases
def test_arguments_are_the_references(case):
    assert container_args(render(case["values"])) == by_the_reference(case)


@cases
def test_no_permission_beyond_the_reference(case):
    allowed = {
        ("" if group == "core" else group, resource, verb)
        for key, verbs in case["permissions"].items()
        for group, resource in [key.split(" ")]
        for verb in verbs.split()
    }
    assert operator_permissions(render(case["values"])) - allowed == set()


@cases
def test_selector_is_the_references(case):
    """A Deployment's selector is immutable: an upgrade from the reference keeps it."""
    assert find(render(case["values"]), "Deployment")["spec"]["selector"]["matchLabels"] == case["selector"]


@cases
def test_objects_keep_their_names(case):
    """Objects of the reference that this chart leaves out are the documented ones; what it adds are its roles per concern."""
    objects = render(case["values"] | {"installCRDs": False})
    ours = {f"{o['kind']} {o['metadata'].get('namespace', '-')}/{o['metadata']['name']}" for o in objects}
    gone = set(case["objects"]) - ours
    if not case["values"].get("leaderElect"):
        gone = {o for o in gone if not o.endswith("-leaderelection")}
    if case["values"].get("scopedRBAC"):
        gone = {o for o in gone if not o.endswith("-servicebindings")}
    assert gone == set()
    more = {o for o in ours - set(case["objects"]) if "-controller-" not in o}
    # The reference's template joins the service account and its token Secret into one document, of which the Secret survives.
    assert {o for o in more if not o.startswith("ServiceAccount ")} == set()


def test_bindings_keep_their_role():
    """roleRef is immutable: the binding that the reference also has must keep naming the same role."""
    binding = find(render({}), "ClusterRoleBinding", "external-secrets-controller")
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "external-secrets-controller"}


def test_pod_is_the_references_plus_probes():
    theirs = CASES["defaults"]["pod"]
    ours = find(render({}), "Deployment")["spec"]["template"]["spec"]
    [container], [reference] = ours.pop("containers"), theirs["containers"]
    assert ours == {k: v for k, v in theirs.items() if k != "containers"}
    for added in ("livenessProbe", "readinessProbe"):
        assert container.pop(added)
    container["ports"] = [p for p in container["ports"] if p["name"] != "live"]
    assert {k: v for k, v in container.items() if k != "args"} == {k: v for k, v in reference.items() if k != "args"}


def test_every_value_of_the_reference_is_accepted():
    assert render(VALUES)


def leaves(node: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found = []
    for key, value in node.items():
        found += leaves(value, (*path, key)) if isinstance(value, dict) and value else [((*path, key), value)]
    return found


def test_defaults_are_the_references_but_for_the_documented():
    ours = dict(leaves(yaml.load((HERE.parents[1] / "helm/external-secrets/values.yaml").read_text(), Loader=yaml.CSafeLoader)))
    theirs = dict(leaves(VALUES))
    no_effect_yet = ("webhook", "certController", "bitwarden-sdk-server", "grafanaDashboard")
    assert {".".join(path) for path in theirs if path not in ours and path[0] not in no_effect_yet} == set()
    assert {".".join(path) for path, value in ours.items() if path in theirs and theirs[path] != value} == {
        "certController.create",
        "livenessProbe.enabled",
        "readinessProbe.enabled",
        "webhook.create",
    }
