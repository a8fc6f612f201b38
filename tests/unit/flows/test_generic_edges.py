"""An ExternalSecret whose target is no Secret: passes that end before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eso_core import because
from eso_core.config import Config
from eso_core.effect import Followed, Gone, Present, Seen, Served, Unreadable, Whole, Write
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused
from eso_core.flows.external_secret import sync
from eso_core.plan import Backoff, Done, NotDone, SetFinalizers, SetStatus, Settled
from eso_core.refs import CONFIG_MAP, Ref
from eso_core.stages.depart import FINALIZER
from eso_core.stages.due import version_of
from tests.scenarios.stepper import api_server
from tests.unit.core.objects import KEY, NAME, NS, es_manifest, es_of, raw, store_manifest
from tests.unit.flows.driver import Driver

ON = Config(generic_targets=True)
MAP = {"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}
CORE = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}
SYNCED = {"syncedResourceVersion": version_of(es_of()), "refreshTime": "2026-01-01T12:00:00Z"}
FAILED = [{"type": "Ready", "status": "False", "reason": "ResourceSyncedError", "message": "m"}]


def driver(es: dict[str, Any], see: Callable[[Any], Seen | None] = lambda item: None) -> Driver:
    """A cluster with a ready store, and this ExternalSecret, status included."""
    made = Driver(api_server(NS))
    store = store_manifest()
    assert made.server.apply({**store, "metadata": {"name": "st", "namespace": NS}}, made.now).status < 300
    plain = made.see

    def seen(item: Any) -> Seen:
        if item == KEY:
            return Present(raw(es))
        special = see(item)
        return special if special is not None else plain(item)

    made.see = seen  # type: ignore[method-assign]
    made.refuse = lambda action: Done()  # every write is taken for carried out
    return made


def run(made: Driver, config: Config = ON) -> Settled:
    return made.run(sync(KEY, config))


def served(seen: Seen) -> Callable[[Any], Seen | None]:
    return lambda item: seen if isinstance(item, Served) else None


NO_KIND = Missing('failed to get target resource: no matches for kind "ConfigMap" in version "v1"')
OFF = InvalidSpec("generic targets are disabled. Enable with --unsafe-allow-generic-targets flag", "spec.target.manifest")


class TestNoKind:
    """It is told on every pass, whether anything is due or not."""

    @pytest.mark.parametrize(
        "parts",
        [
            {},
            {"target": {**MAP, "creationPolicy": "Orphan"}, "status": SYNCED},
            {
                "target": {**MAP, "creationPolicy": "Orphan"},
                "spec": {"refreshPolicy": "CreatedOnce"},
                "status": {**SYNCED, "conditions": FAILED},
            },
        ],
        ids=["due", "not due", "overtaken"],
    )
    @pytest.mark.parametrize(
        ("config", "seen", "verdict", "detail"),
        [
            (Config(), Gone(), because.TARGET_INVALID, OFF),
            (ON, Gone(), because.RESOURCE_UNREADABLE, NO_KIND),
            (ON, Unreadable(Refused("no")), because.RESOURCE_UNREADABLE, Refused("no")),
        ],
        ids=["off", "not served", "unreadable"],
    )
    def test_is_told(self, parts: dict[str, Any], config: Config, seen: Seen, verdict: because.Because, detail: Failure) -> None:
        made = driver(es_manifest(**{"target": MAP, **parts}), served(seen))
        end = run(made, config)
        assert (end.because, end.detail) == (verdict, detail)
        assert [event.reason for event in made.events] == ["UpdateFailed"]
        assert made.targets() == []

    @pytest.mark.parametrize("policy", ["Retain", "Delete"])
    @pytest.mark.parametrize("config", [ON, Config()], ids=["not served", "off"])
    def test_departure_without_targets(self, policy: str, config: Config) -> None:
        meta = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}
        made = driver(es_manifest(target={**MAP, "deletionPolicy": policy}, meta=meta), served(Gone()))
        assert run(made, config).gone

    def test_under_other_policies_nobody_needs_to_know(self) -> None:
        meta = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}
        assert run(driver(es_manifest(target=MAP, meta=meta), served(Unreadable(Refused("no"))))).gone

    @pytest.mark.parametrize(
        ("seen", "end"),
        [
            (Gone(), Settled(requeue=Backoff(), detail=Refused("x"))),
            (Unreadable(Refused("no")), Settled(requeue=Backoff(), detail=Refused("no"))),
            (Present(b"no list"), Settled(requeue=Backoff(), detail=Broken("the API server's list of resources of v1 cannot be read"))),
        ],
        ids=["not served", "unreadable", "broken"],
    )
    def test_departure(self, seen: Seen, end: Settled) -> None:
        """What is served no more has no targets, and the finalizer goes; what is not known is waited for."""
        meta = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}
        made = driver(es_manifest(target={**MAP, "deletionPolicy": "Delete"}, meta=meta), served(seen))
        tried: list[object] = []

        def refuse(action: Any) -> Any:
            tried.append(type(action))
            return NotDone(Refused("x"))

        made.refuse = refuse
        assert run(made) == end
        assert tried == ([SetFinalizers] if isinstance(seen, Gone) else [])


class TestTarget:
    @pytest.mark.parametrize("deletes", [True, False])
    def test_it_cannot_be_read_whole(self, deletes: bool) -> None:
        def see(item: Any) -> Seen | None:
            if isinstance(item, Served):
                return Present(raw(CORE))
            if isinstance(item, Followed):
                return Gone()
            return Unreadable(Refused("no")) if isinstance(item, Whole) and item.ref.kind == CONFIG_MAP else None

        meta = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]} if deletes else {}
        policy = {"deletionPolicy": "Delete"} if deletes else {"creationPolicy": "Merge"}
        end = run(driver(es_manifest(target={**MAP, **policy}, meta=meta), see))
        assert (end.because, end.detail) == (because.RESOURCE_UNREADABLE, Refused("no"))

    @pytest.mark.parametrize("policy", ["Owner", "Merge"])
    def test_it_cannot_be_read(self, policy: str) -> None:
        def see(item: Any) -> Seen | None:
            if isinstance(item, Served):
                return Present(raw(CORE))
            return Unreadable(Refused("no")) if isinstance(item, Followed) else None

        made = driver(es_manifest(target={**MAP, "creationPolicy": policy}), see)
        end = run(made)
        assert (end.because, end.detail) == (because.RESOURCE_UNREADABLE, Refused("no"))
        [status] = [effect.action for effect in made.effects if isinstance(effect, Write) and isinstance(effect.action, SetStatus)]
        assert status.status["conditions"][0]["message"] == "could not get target resource"

    def test_it_is_followed_under_its_own_kind(self) -> None:
        asked: list[Followed] = []

        def see(item: Any) -> Seen | None:
            if isinstance(item, Followed):
                asked.append(item)
            return Present(raw(CORE)) if isinstance(item, Served) else Gone() if isinstance(item, Followed) else None

        end = run(driver(es_manifest(target={**MAP, "creationPolicy": "Merge"}), see))
        assert [item.ref for item in asked] == [Ref(CONFIG_MAP, NS, NAME)]
        assert end.because is because.RESOURCE_MISSING
