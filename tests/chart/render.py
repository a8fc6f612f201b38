"""The chart rendered in this process, as the objects a cluster would be given.

>>> objects = render({"scopedRBAC": True})
>>> find(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"][0]
'run'
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

CHART = Path(__file__).resolve().parents[2] / "helm" / "external-secrets"

Manifest = dict[str, Any]


def render(values: Mapping[str, Any], release: str = "external-secrets", namespace: str = "external-secrets") -> list[Manifest]:
    """Every object of the release, in template order.

    Raises ``helm_python.HelmValuesError`` where the schema refuses *values* and ``helm_python.HelmRenderError`` where a template does.
    """
    with helm_python.Chart.load(CHART) as chart:
        files = _files(chart, values, release, namespace)
    return [
        manifest
        for path, text in sorted(files.items())
        if path.endswith(".yaml")
        for manifest in yaml.load_all(text, Loader=yaml.CSafeLoader)
        if manifest
    ]


def notes(values: Mapping[str, Any], release: str = "external-secrets", namespace: str = "external-secrets") -> str:
    """What an installation prints."""
    with helm_python.Chart.load(CHART) as chart:
        return _files(chart, values, release, namespace)["external-secrets/templates/NOTES.txt"]


def find(objects: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The only object of *kind*, and of *name* where one is given. Raises LookupError when there is none or more than one."""
    found = [o for o in objects if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    if len(found) != 1:
        raise LookupError(f"{len(found)} objects of kind {kind}, name {name}: {[o['metadata']['name'] for o in found]}")
    return found[0]


def container_args(objects: list[Manifest]) -> list[str]:
    """Arguments of the operator's container: the sub-command, then its flags."""
    [container] = [c for c in find(objects, "Deployment")["spec"]["template"]["spec"]["containers"] if c["name"] == "external-secrets"]
    return list(container["args"])


def service_account(objects: list[Manifest]) -> tuple[str, str]:
    """Namespace and name of the account the operator runs as, whether or not the release creates it."""
    deployment = find(objects, "Deployment")
    return deployment["metadata"]["namespace"], deployment["spec"]["template"]["spec"]["serviceAccountName"]


def rbac(objects: list[Manifest]) -> list[Manifest]:
    """The service account, roles and bindings: what has to exist before the operator runs."""
    kinds = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    return [o for o in objects if o["kind"] in kinds]


Permission = tuple[str, str, str]  # API group, resource, verb


def operator_permissions(objects: list[Manifest]) -> set[Permission]:
    """What the operator's service account may do by the roles bound to it. Object names are left out."""
    namespace, account = service_account(objects)
    roles = {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o for o in objects if o["kind"] in {"Role", "ClusterRole"}}
    granted: set[Permission] = set()
    for binding in (o for o in objects if o["kind"] in {"RoleBinding", "ClusterRoleBinding"}):
        if {"kind": "ServiceAccount", "name": account, "namespace": namespace} not in binding["subjects"]:
            continue
        ref = binding["roleRef"]
        role = roles.get((ref["kind"], binding["metadata"].get("namespace") if ref["kind"] == "Role" else None, ref["name"]))
        for rule in role["rules"] if role else []:
            granted |= {(g, r, v) for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}
    return granted


def _files(chart: helm_python.Chart, values: Mapping[str, Any], release: str, namespace: str) -> dict[str, str]:
    chart.validate_schema(dict(values))
    return chart.render(dict(values), name=release, namespace=namespace)
