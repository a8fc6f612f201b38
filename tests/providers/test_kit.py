"""Every provider, in each way that its cases use it, meets every demand of the suite."""

from __future__ import annotations

import re

import pytest

from eso_core.providers import load
from eso_core.sim.provider.case import Case
from eso_core.sim.provider.suite import CHECKS, Check
from tests.providers.cases import CASES, WITH_CASES, cases_of
from tests.providers.pages import BUILT


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kit(case: Case, check: Check) -> None:
    checked = check.of(case)
    if checked.verdict == "failed":
        pytest.fail(checked.text, pytrace=False)


@pytest.mark.parametrize("name", WITH_CASES)
def test_cases_can_be_read(name: str) -> None:
    assert cases_of(name)


@pytest.mark.parametrize("name", BUILT)
def test_every_provider_has_a_case(name: str) -> None:
    assert any(case.provider.key.lower() == name for case in CASES)


def test_cases_have_names_of_their_own() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_of_a_provider_that_is_found(case: Case) -> None:
    assert load(case.provider.key) is case.provider


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_put_apart_is_a_check_and_has_a_reason(case: Case) -> None:
    assert set(case.apart) <= {check.name for check in CHECKS}
    assert all(len(why) > 20 for why in case.apart.values())
    assert len(case.apart) <= 3


def test_checks_say_what_they_demand() -> None:
    assert all(check.about for check in CHECKS)
    assert len({check.name for check in CHECKS}) == len(CHECKS)
