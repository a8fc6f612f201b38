"""The CustomResourceDefinitions of the chart: what `eso crds` prints, and the values that change it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from helm import sync_crds
from tests.chart import render as chart
from tests.chart.render import render


def crd(kind: str, group: str = "external-secrets.io") -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{kind.lower()}s.{group}", "annotations": {"from": "file"}},
            "spec": {
                "group": group,
                "names": {"kind": kind},
                "versions": [{"name": "v1", "served": True}, {"name": "v1beta1", "served": False, "schema": {"maximum": 1000000000}}],
            },
        }
    )


SWITCHED = ["ClusterExternalSecret", "ClusterSecretStore", "SecretStore", "ClusterPushSecret", "PushSecret"]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart with a handful of small definitions in place of its own."""
    shutil.copytree(chart.CHART, tmp_path / "chart")
    folder = tmp_path / "chart/files/crds"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = [crd(kind) for kind in ("ExternalSecret", *SWITCHED)]
    text += [crd(kind, "generators.external-secrets.io") for kind in ("ClusterGenerator", "Fake")]
    for name, content in sync_crds.split("---\n" + "---\n".join(text)).items():
        (folder / name).write_text(content)
    monkeypatch.setattr(chart, "CHART", tmp_path / "chart")


def installed(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {o["spec"]["names"]["kind"]: o for o in render(values) if o["kind"] == "CustomResourceDefinition"}


def test_files_are_what_the_operator_prints():
    """`python helm/sync_crds.py` writes them."""
    assert sync_crds.stored() == sync_crds.split(sync_crds.generated())


def test_every_printed_definition_is_installed_unchanged():
    printed = {o["spec"]["names"]["kind"]: o for o in yaml.load_all(sync_crds.generated(), Loader=yaml.CSafeLoader) if o}
    assert printed.keys() >= {"ExternalSecret", "SecretStore", "ClusterSecretStore"}
    assert installed({}) == printed


@pytest.mark.usefixtures("small")
def test_all_by_default():
    assert installed({}).keys() == {"ExternalSecret", *SWITCHED, "ClusterGenerator", "Fake"}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", [*SWITCHED, "ClusterGenerator"])
def test_each_switch_leaves_one_kind_out(kind):
    assert installed({}).keys() - installed({"crds": {f"create{kind}": False}}).keys() == {kind}


@pytest.mark.usefixtures("small")
def test_none_when_they_are_managed_elsewhere():
    assert installed({"installCRDs": False}) == {}


@pytest.mark.usefixtures("small")
def test_annotations_join_those_of_the_file():
    assert installed({"crds": {"annotations": {"mine": "1"}}})["Fake"]["metadata"]["annotations"] == {"from": "file", "mine": "1"}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("served", [True, False])
def test_old_version_is_served_on_request(served):
    versions = {v["name"]: v for v in installed({"crds": {"unsafeServeV1Beta1": served}})["ExternalSecret"]["spec"]["versions"]}
    assert (versions["v1"]["served"], versions["v1beta1"]["served"]) == (True, served)


@pytest.mark.usefixtures("small")
def test_numbers_survive():
    assert installed({})["Fake"]["spec"]["versions"][1]["schema"]["maximum"] == 1000000000


def test_split_refuses_other_kinds():
    with pytest.raises(ValueError, match="not a CustomResourceDefinition: Secret"):
        sync_crds.split("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n")
