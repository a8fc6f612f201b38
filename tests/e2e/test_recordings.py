"""On a real API server, too, can be seen of the operator's process what could be seen of the reference's.

All scenarios of ``recordings/chosen.py`` that are selected run before the first test, many at the same time (:mod:`tests.e2e.recordings`).
A step is observed after a time of quiet: why, :class:`tests.parity.recordings.user.User` says. Second attempts are told on the terminal.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness.binaries import Binaries
from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.recordings.chosen import CHOSEN
from tests.e2e.recordings.suite import Outcome, run
from tests.parity.recordings.suite import DATA, load, not_yet

pytestmark = pytest.mark.xdist_group("recordings")
FORGED = "basic/extract-numbers"
Outcomes = Mapping[str, Outcome]


def recording(name: str) -> dict[str, Any]:
    found = load(DATA / f"{name}.yaml")
    assert found is not None
    return found


def forged() -> dict[str, Any]:
    """A recording with one value that the reference never wrote."""
    out = copy.deepcopy(recording(FORGED))
    out["steps"][0]["observed"]["objects"]["Secret/app"]["data"]["p_big"] = "MQ=="
    return out


def selected(session: pytest.Session) -> list[str]:
    """Names of the scenarios whose test is going to run."""
    specs = (getattr(item, "callspec", None) for item in session.items if item.path == Path(__file__))
    return [str(spec.params["name"]) for spec in specs if spec is not None]


@pytest.fixture(scope="module")
def outcomes(binaries: Binaries, request: pytest.FixtureRequest) -> Outcomes:
    if binaries.controller_manager is None:
        without = "KUBEBUILDER_ASSETS has no kube-controller-manager"
        pytest.fail(without, pytrace=False) if os.environ.get("CI") else pytest.skip(without)
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def tell(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", file=sys.stderr, flush=True)

    asked = [forged(), *map(recording, selected(request.session))]
    with ControlPlane(binaries) as plane:
        return {outcome.verdict.name: outcome for outcome in run(asked, plane, tell)}


@pytest.mark.parametrize("name", CHOSEN)
def test_recording(name: str, outcomes: Outcomes) -> None:
    verdict = outcomes[name].verdict
    assert verdict.error == ""
    assert [str(difference) for difference in verdict.differences] == []


def test_a_wrong_value_is_seen_twice(outcomes: Outcomes) -> None:
    """The judge can say no here, too, and the second attempt excuses nothing that is still wrong."""
    found = outcomes[FORGED]
    assert found.first is not None
    for verdict in (found.first, found.verdict):
        [difference] = verdict.differences
        assert str(difference) == "step 1 objects.Secret/app.data.p_big: expected 'MQ==', actual 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTA='"


def test_the_choice_is_of_recordings_that_are_to_pass() -> None:
    assert len(set(CHOSEN)) == len(CHOSEN)
    assert [name for name in CHOSEN if name in not_yet() or name == FORGED or not (DATA / f"{name}.yaml").exists()] == []
