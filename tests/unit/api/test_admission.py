"""The admission rules of ExternalSecrets, one test per rule, texts as in the reference."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.api import parse_external_secret
from eso_core.api.admission import admission_errors, template_errors

ENTRY = {"secretKey": "a", "remoteRef": {"key": "k"}}
OWNER_ONLY = "deletionPolicy=Delete must not be used when the controller doesn't own the secret. Please set creationPolicy=Owner"
NO_SECRET = "deletionPolicy=Merge must not be used with creationPolicy=None. There is no Secret to merge with"
ONE_SOURCE = "extract, find, or generatorRef cannot be set at the same time"
NO_SOURCE = "either extract, find, or sourceRef must be set to dataFrom"
EMPTY_SOURCE = "generatorRef or storeRef must be set when using sourceRef in dataFrom"
TOKEN = "kubernetes.io/service-account-token"
GENERATOR = {"generatorRef": {"kind": "Password", "name": "g"}}


def found(**spec: Any) -> list[tuple[str, str]]:
    es = parse_external_secret({"spec": {"data": [ENTRY], **spec}}).unwrap()
    return [(error.path, error.message) for error in admission_errors(es)]


@pytest.mark.parametrize("creation", ["Owner", "Orphan", "Merge", "None", "CreateOrMerge"])
@pytest.mark.parametrize("deletion", ["Delete", "Merge", "Retain"])
def test_policies(creation: str, deletion: str) -> None:
    errors = [text for _, text in found(target={"creationPolicy": creation, "deletionPolicy": deletion})]
    delete = deletion == "Delete" and creation in ("Merge", "None", "CreateOrMerge")
    merge = deletion == "Merge" and creation == "None"
    assert errors == [OWNER_ONLY] * delete + [NO_SECRET] * merge


def test_something_must_be_read() -> None:
    assert found(data=[]) == [("spec", "either data or dataFrom should be specified")]
    assert admission_errors(parse_external_secret({}).unwrap())[0].path == "spec"


@pytest.mark.parametrize(
    ("entry", "errors"),
    [
        ({"extract": {"key": "k"}}, []),
        ({"find": {}}, []),
        ({"sourceRef": GENERATOR}, []),
        ({"extract": {"key": "k"}, "sourceRef": {"storeRef": {"name": "s"}}}, []),
        ({"sourceRef": {"storeRef": {"name": "s"}}}, []),
        ({"extract": {"key": "k"}, "find": {}}, [ONE_SOURCE]),
        ({"extract": {"key": "k"}, "sourceRef": GENERATOR}, [ONE_SOURCE]),
        ({"find": {}, "sourceRef": GENERATOR}, [ONE_SOURCE]),
        ({}, [NO_SOURCE]),
        ({"sourceRef": {}}, [EMPTY_SOURCE]),
    ],
)
def test_data_from(entry: dict[str, Any], errors: list[str]) -> None:
    assert found(dataFrom=[{"find": {}}, entry]) == [("spec.dataFrom[1]", text) for text in errors]


def test_duplicate_keys_matter_under_retain_only() -> None:
    twice = [ENTRY, {"secretKey": "b", "remoteRef": {"key": "k"}}, ENTRY]
    assert found(data=twice) == [("spec.data[2].secretKey", "duplicate secretKey found: a")]
    assert found(data=twice, target={"deletionPolicy": "Delete"}) == []


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"type": "bootstrap.kubernetes.io/token"}, 'template.type="bootstrap.kubernetes.io/token" is not allowed'),
        (
            {"type": TOKEN, "metadata": {"annotations": {"kubernetes.io/service-account.name": "x"}}},
            f'template.type="{TOKEN}" with annotation "kubernetes.io/service-account.name" is not allowed',
        ),
        (
            {"type": TOKEN, "templateFrom": [{"literal": "", "target": "ANNOTATIONS"}]},
            f'template.type="{TOKEN}" with templateFrom target="Annotations" is not allowed',
        ),
    ],
)
def test_templates_make_no_tokens(template: dict[str, Any], message: str) -> None:
    assert found(target={"template": template}) == [("spec.target.template.type", message)]
    manifest = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert found(target={"template": template, "manifest": manifest}) == [("spec.target.template.type", message)]


def test_template_targets_are_parts_of_a_secret() -> None:
    target: dict[str, Any] = {"template": {"templateFrom": [{"target": t} for t in ("Data", "labels", "", "spec.x", "type")]}}
    texts = [
        (
            f"spec.target.template.templateFrom[{index}].target",
            f'templateFrom target="{name}" is not allowed when targeting a Secret, must be one of "Data", "Annotations" or "Labels"',
        )
        for index, name in ((3, "spec.x"), (4, "type"))
    ]
    assert found(target=target) == texts
    assert found(target={**target, "manifest": {"apiVersion": "v1", "kind": "Secret"}}) == texts
    assert found(target={**target, "manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}) == []


def test_errors_come_in_the_order_of_the_rules() -> None:
    bad = {"creationPolicy": "None", "deletionPolicy": "Merge", "template": {"type": "bootstrap.kubernetes.io/token"}}
    assert [path for path, _ in found(data=[], dataFrom=[{}], target=bad)] == [
        "spec.target.deletionPolicy",
        "spec.target.template.type",
        "spec.dataFrom[0]",
    ]


def test_the_template_rules_stand_alone() -> None:
    es = parse_external_secret({"spec": {"target": {"template": {"type": "bootstrap.kubernetes.io/token"}}}}).unwrap()
    assert len(template_errors(es.spec.target)) == 1
    assert template_errors(parse_external_secret({}).unwrap().spec.target) == ()
