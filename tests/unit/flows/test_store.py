"""The life of one store."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from eso_core.because import STORE_CLIENT_FAILED, STORE_INVALID, STORE_UNKNOWN, STORE_VALID
from eso_core.config import Config
from eso_core.door import Answer, Entries, Failed, Found, Probe
from eso_core.effect import Fetch, Gone, Present, Served, Unreadable, World, Write
from eso_core.failure import InvalidSpec, Missing, Refused, Stale
from eso_core.flows.common import ROUNDS_MAX, read_all
from eso_core.flows.store import validate
from eso_core.instant import MINUTE
from eso_core.plan import Again, At, Backoff, Done, NotDone, OnChange, SetFinalizers, Settled
from eso_core.refs import SECRET, Ref
from eso_core.stages.health import next_validation
from eso_core.stages.hold import FINALIZER, PUSHES
from eso_core.stages.needs import Blocked, Unresolved
from tests.scenarios.stepper import api_server
from tests.unit.core.objects import CLUSTER_STORE, NS, STORE, store_manifest
from tests.unit.flows.driver import Driver

VAULT = {"vault": {"server": "https://vault", "path": "kv", "auth": {"tokenSecretRef": {"name": "creds", "key": "token"}}}}


def driver(ref: Ref = STORE, *, answer: Answer | None = None, **parts: Any) -> Driver:
    made = Driver(api_server(NS), answer=None if answer is None else lambda ask: answer)
    manifest = store_manifest(ref, conditions=None, **parts)
    for name in ("uid", "resourceVersion", "generation"):
        del manifest["metadata"][name]
    assert made.server.apply(manifest, made.now).status < 300
    return made


def run(made: Driver, ref: Ref = STORE, config: Config = Config()) -> Settled:
    made.effects.clear()
    made.written.clear()
    return made.run(validate(ref, config))


def uid_of(made: Driver, ref: Ref) -> str:
    found = made.server.read(ref)
    assert found is not None
    return str(found["metadata"]["uid"])


def put_secret(made: Driver) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "creds", "namespace": NS}, "data": {"token": "dA=="}}
    assert made.server.apply(secret, made.now).status < 300


@pytest.mark.parametrize("ref", [STORE, CLUSTER_STORE])
def test_valid(ref: Ref) -> None:
    made = driver(ref)
    end = run(made, ref)
    assert (end.because, end.requeue) == (STORE_VALID, At(next_validation(uid_of(made, ref), 5 * MINUTE, made.now)))
    found = made.server.read(ref)
    assert found is not None
    assert found["status"]["capabilities"] == "ReadWrite"
    again = run(made, ref)
    assert (again.because, again.status, made.written) == (STORE_VALID, None, [])


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(Failed(Refused("no")), STORE_INVALID), (Failed(Refused("no"), unsure=True), STORE_UNKNOWN), (Found(Entries({})), STORE_VALID)],
)
def test_the_probe_decides(answer: Answer, verdict: object) -> None:
    made = driver(answer=answer)
    assert run(made).because is verdict
    [fetch] = [effect for effect in made.effects if isinstance(effect, Fetch)]
    assert [ask.query for ask in fetch.asks] == [Probe()]


def test_gone() -> None:
    assert run(Driver(api_server(NS))) == Settled(requeue=OnChange(), gone=True)


def test_switched_off_or_of_another_class() -> None:
    for ref, config in (
        (STORE, Config(stores=False)),
        (CLUSTER_STORE, Config(cluster_stores=False)),
        (STORE, Config(controller_class="mine")),
    ):
        made = driver(ref, spec={"controller": "theirs"} if config.controller_class != "default" else None)
        assert run(made, ref, config) == Settled(requeue=OnChange())
        assert made.written == []


def test_credentials() -> None:
    made = driver(spec={"provider": VAULT}, answer=Found(Entries({})))
    end = run(made)
    assert (end.because, end.requeue) == (STORE_CLIENT_FAILED, Backoff())
    assert isinstance(end.detail, Missing)
    put_secret(made)
    assert run(made).because is STORE_VALID


def test_a_referent_cluster_store_is_valid_by_itself() -> None:
    made = driver(CLUSTER_STORE, spec={"provider": VAULT})
    assert run(made, CLUSTER_STORE).because is STORE_VALID
    assert not any(isinstance(effect, Fetch) for effect in made.effects)


def test_readiness_and_conditions_do_not_stop_its_own_validation() -> None:
    made = driver(CLUSTER_STORE, spec={"conditions": [{"namespaces": ["nobody"]}]})
    assert run(made, CLUSTER_STORE).because is STORE_VALID


def test_unusable() -> None:
    made = driver(spec={"provider": {"previder": {"auth": {}}}})
    end = run(made)
    assert end.because is STORE_CLIENT_FAILED
    assert isinstance(end.detail, InvalidSpec)


def test_it_does_not_parse() -> None:
    made = driver()
    see = made.see

    def odd(item: Any) -> Any:
        seen = see(item)
        return type(seen)(seen.raw.replace(b'"provider":{"fake"', b'"provider":7,"x":{"fake"')) if item == STORE else seen

    made.see = odd  # type: ignore[method-assign]
    end = run(made)
    assert (end.because, end.requeue) == (STORE_CLIENT_FAILED, OnChange())
    assert "spec.provider" in (end.detail.what if end.detail is not None else "")
    assert [event.reason for event in made.events] == ["InvalidProviderConfig"]


def test_a_stale_status_is_written_again() -> None:
    made = driver()
    left = [NotDone(Stale("x"))]
    made.refuse = lambda action: left.pop() if left else None
    assert run(made).requeue == Again()
    assert run(made).because is STORE_VALID


class TestReadAll:
    def test_rounds_are_bounded(self) -> None:
        count = 0

        def endless(world: object) -> Unresolved:
            nonlocal count
            count += 1
            return Unresolved(frozenset({Ref(SECRET, NS, str(count))}))

        made = Driver(api_server(NS))
        _, step = made.run(read_all(World({}), endless))
        assert isinstance(step, Blocked)
        assert count == ROUNDS_MAX

    def test_what_cannot_be_read_is_in_the_world(self) -> None:
        made = driver(CLUSTER_STORE)
        made.see = lambda item: Unreadable(Refused("no"))  # type: ignore[method-assign]
        assert run(made, CLUSTER_STORE) == Settled(requeue=OnChange(), gone=True)


class TestDeparture:
    """The finalizer that the reference leaves on stores while PushSecrets need them."""

    @staticmethod
    def leaving(served: Any, *finalizers: str, outcome: Any = None) -> tuple[Settled, list[Any]]:
        made = Driver(api_server(NS), refuse=lambda action: outcome)
        meta = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": list(finalizers)}
        store = store_manifest(STORE)
        store["metadata"].update(meta)
        made.see = lambda item: served if item == PUSHES else Present(orjson.dumps(store))  # type: ignore[method-assign]
        end = made.run(validate(STORE, Config()))
        return end, [effect.action for effect in made.effects if isinstance(effect, Write)]

    @pytest.mark.parametrize("served", [Gone(), Present(b'{"resources":[]}'), Present(b'{"resources":[{"name":"others"}]}')])
    def test_it_goes_where_there_are_no_pushes(self, served: Any) -> None:
        end, [action] = self.leaving(served, "other", FINALIZER, outcome=Done(b""))
        assert end == Settled(requeue=OnChange(), gone=True)
        assert isinstance(action, SetFinalizers)
        assert (action.ref, action.finalizers) == (STORE, ("other",))

    @pytest.mark.parametrize(
        "served",
        [
            Present(b'{"resources":[{"name":"pushsecrets"}]}'),
            Present(b'{"resources":[{"name":"clusterpushsecrets"}]}'),
            Present(b"{}"),
            Present(b"[1]"),
            Unreadable(Refused("no")),
        ],
    )
    def test_it_stays_where_there_may_be_some(self, served: Any) -> None:
        assert self.leaving(served, FINALIZER) == (Settled(requeue=Backoff()), [])

    def test_one_without_the_finalizer_is_left_alone(self) -> None:
        assert self.leaving(Gone(), "other") == (Settled(requeue=OnChange()), [])

    @pytest.mark.parametrize(("failure", "requeue"), [(Stale("conflict"), Again()), (Refused("no"), Backoff())])
    def test_what_cannot_be_written_is_tried_again(self, failure: Any, requeue: Any) -> None:
        end, _ = self.leaving(Gone(), FINALIZER, outcome=NotDone(failure))
        assert end == Settled(requeue=requeue, detail=failure)

    def test_the_names_are_the_references(self) -> None:
        assert FINALIZER == "secretstore.externalsecrets.io/finalizer"
        assert Served("external-secrets.io/v1alpha1") == PUSHES
