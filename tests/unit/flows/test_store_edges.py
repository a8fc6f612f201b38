"""A store that does not parse, and an object whose needs have no end."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.because import STORE_CLIENT_FAILED
from eso_core.config import Config
from eso_core.effect import Present, World, Write
from eso_core.failure import Broken
from eso_core.flows.common import read_all
from eso_core.flows.store import validate
from eso_core.plan import OnChange, SetStatus, Settled, Version
from eso_core.refs import SECRET, Ref
from eso_core.stages.needs import Blocked, Unresolved
from tests.scenarios.stepper import api_server
from tests.unit.core.objects import NS, STORE, raw
from tests.unit.flows.driver import Driver

SAYS = {"type": "Ready", "status": "False", "reason": "InvalidProviderConfig", "message": "unable to create client: invalid"}


def faulty(**meta: str) -> dict[str, Any]:
    """A store whose provider is no object."""
    metadata = {"name": STORE.name, "namespace": NS, "resourceVersion": "3", **meta}
    return {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": metadata, "spec": {"provider": 7}}


def run(store: dict[str, Any]) -> tuple[Settled, Driver]:
    made = Driver(api_server(NS), refuse=lambda action: None)
    made.see = lambda item: Present(raw(store))  # type: ignore[method-assign]
    return made.run(validate(STORE, Config())), made


@pytest.mark.parametrize(("meta", "uid"), [({"uid": "u"}, "u"), ({}, "")])
def test_it_is_told_on_the_store(meta: dict[str, str], uid: str) -> None:
    _, made = run(faulty(**meta))
    [event] = made.events
    assert (event.about, event.uid, event.reason, event.warning) == (STORE, uid, "InvalidProviderConfig", True)
    assert event.message == "SecretStore team/st: spec.provider: must be an object"
    [action] = [effect.action for effect in made.effects if isinstance(effect, Write) and isinstance(effect.action, SetStatus)]
    assert (action.ref, action.at) == (STORE, Version(uid, "3"))
    assert action.status == {"conditions": [{**SAYS, "lastTransitionTime": "2026-01-01T12:00:00Z"}]}


def test_it_is_told_once() -> None:
    end, made = run({**faulty(uid="u"), "status": {"conditions": [{**SAYS, "lastTransitionTime": "2025-01-01T00:00:00Z"}]}})
    assert (end.because, end.requeue, end.status) == (STORE_CLIENT_FAILED, OnChange(), None)
    assert [event.reason for event in made.events] == ["InvalidProviderConfig"]


def test_eight_rounds_are_read_and_then_no_more() -> None:
    made = Driver(api_server(NS))
    _, step = made.run(read_all(World({}), lambda world: Unresolved(frozenset({Ref(SECRET, NS, "x")}))))
    assert step == Blocked(Broken("internal error: the needs of this object have no end"))
    assert len(made.effects) == 8
