"""Laws of whole passes against the in-memory API server: they settle, whatever stops them, and then stay silent."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from eso_core.config import Config
from eso_core.door import Answer, Ask, Query
from eso_core.flows.external_secret import sync
from eso_core.plan import Again, Settled
from eso_core.refs import EXTERNAL_SECRET, SECRET, Ref
from eso_core.sim.api import ApiServer
from eso_core.target import MANAGED_LABEL
from eso_core.wire import JSON, KubeCall
from tests.property.strategies import core as made
from tests.scenarios.stepper import api_server
from tests.unit.core.objects import KEY, NS, raw, store_manifest
from tests.unit.flows.driver import NOON, Crashed, Driver

CONFIG = Config(flood_gate=False)
Json = Any
EXISTING = made.weighted((1, st.none()), (2, made.secrets(deleting=False)))


def cluster(es: Json, existing: Json | None) -> ApiServer:
    """A store, the ExternalSecret, and perhaps a Secret of the target's name, whose owner references fit the object's real uid."""
    server = api_server(NS)
    for manifest in (store_manifest(), es):
        meta = {key: value for key, value in manifest["metadata"].items() if key not in ("uid", "resourceVersion", "generation")}
        reply = server.apply({**manifest, "metadata": meta}, NOON, "kubectl")
        assert reply.status < 300, reply.body
    if existing is not None:
        stored = server.read(KEY)
        assert stored is not None
        body = copy.deepcopy(existing)
        for name in ("uid", "resourceVersion", "managedFields"):
            body["metadata"].pop(name, None)
        for owner in body["metadata"]["ownerReferences"]:
            owner["uid"] = stored["metadata"]["uid"] if owner["uid"] == made.ES_UID else owner["uid"]
        body["metadata"]["name"] = es["spec"]["target"].get("name") or es["metadata"]["name"]
        path = f"/api/v1/namespaces/{NS}/secrets"
        reply = server.handle(KubeCall(method="POST", path=path, body=raw(body), content_type=JSON), NOON, "kubectl")
        assert reply.status < 300, reply.body
    return server


def driver(server: ApiServer, backend: dict[Query, Answer], **more: Any) -> Driver:
    def answer(ask: Ask) -> Answer:
        return made.answer_of(backend, ask.query)

    return Driver(server, answer=answer, **more)


def run(made_driver: Driver) -> Settled:
    """Passes until one does not ask for another at once; at most three."""
    for _ in range(3):
        end = made_driver.run(sync(KEY, CONFIG))
        if not isinstance(end.requeue, Again):
            return end
    return end


def state(server: ApiServer) -> Json:
    """What matters in the end: Secrets without versions, and the status."""
    secrets = []
    for secret in server.objects(SECRET, NS):
        meta = {key: value for key, value in secret["metadata"].items() if key not in ("resourceVersion", "uid", "managedFields")}
        secrets.append({**secret, "metadata": meta})
    es = server.read(Ref(EXTERNAL_SECRET, NS, KEY.name)) or {}
    return secrets, es.get("status"), es["metadata"].get("finalizers")


def staying(server: ApiServer) -> list[Json]:
    """Metadata of the Secrets that are not being deleted."""
    return [secret["metadata"] for secret in server.objects(SECRET, NS) if not secret["metadata"].get("deletionTimestamp")]


class TestIdempotence:
    """What a pass has made so needs no second pass: the next one writes nothing, and a refresh of the same values only its time."""

    @given(made.syncables(), EXISTING, made.backends())
    def test_second_pass(self, es: Json, existing: Json | None, backend: dict[Query, Answer]) -> None:
        server = cluster(es, existing)
        run(driver(server, backend))
        version, before = server.version, state(server)[0]
        again = driver(server, backend)
        run(again)
        assert again.targets() == []
        assert server.version == version
        later = driver(server, backend, now=NOON.plus(25 * 3600 * 10**9))
        run(later)
        assert later.targets() == []
        assert state(server)[0] == before


class TestCrash:
    """Stopped at any effect, with the write applied or lost, and started again: the same end, and silence after it."""

    @given(made.syncables(), EXISTING, made.backends(), st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=3))
    def test_converges(self, es: Json, existing: Json | None, backend: dict[Query, Answer], crashes: list[tuple[int, bool]]) -> None:
        calm, rough = cluster(es, existing), cluster(es, existing)
        run(driver(calm, backend))
        for at, applied in crashes:
            try:
                run(driver(rough, backend, crash_at=at, crash_applied=applied))
            except Crashed:
                continue
        run(driver(rough, backend))
        assert state(rough) == state(calm)
        version = rough.version
        run(driver(rough, backend))
        assert rough.version == version


def _unmarked(secret: Json) -> Json:
    """Without what the managed label changes."""
    meta = {name: value for name, value in secret["metadata"].items() if name not in ("managedFields", "resourceVersion")}
    labels = {name: value for name, value in meta.get("labels", {}).items() if name != MANAGED_LABEL}
    return {**secret, "metadata": {**meta, "labels": labels}}


class TestOwnership:
    """A Secret that somebody else owns comes out of any number of passes as it was, but for the label that lets it be watched."""

    @given(made.syncables(), made.secrets(owners=st.sampled_from(made.FOREIGN), deleting=False), made.backends())
    def test_untouched(self, es: Json, existing: Json, backend: dict[Query, Answer]) -> None:
        others = existing["metadata"]["ownerReferences"] == made.OWNERS["another ExternalSecret"]
        assume(others or es["spec"]["target"].get("creationPolicy", "Owner") == "Owner")
        server = cluster(es, existing)
        before = [_unmarked(held) for held in server.objects(SECRET, NS)]
        run(driver(server, backend))
        run(driver(server, backend, now=NOON.plus(25 * 3600 * 10**9)))
        assert [_unmarked(held) for held in server.objects(SECRET, NS)] == before

    @given(made.syncables(), made.secrets(deleting=False), made.backends())
    def test_departure(self, es: Json, existing: Json, backend: dict[Query, Answer]) -> None:
        """After the object is deleted it is gone, and so is, under ``Delete``, exactly what it controlled."""
        server = cluster(es, existing)
        run(driver(server, backend))
        stored = server.read(KEY)
        assert stored is not None
        uid = stored["metadata"]["uid"]
        held = staying(server)
        before = {meta["name"] for meta in held}
        ours = {meta["name"] for meta in held for o in meta.get("ownerReferences", []) if o["uid"] == uid and o.get("controller")}
        server.handle(KubeCall(method="DELETE", path=KEY.path), NOON)
        run(driver(server, backend))
        assert server.read(KEY) is None
        after = {meta["name"] for meta in staying(server)}
        deletes = es["spec"]["target"].get("deletionPolicy") == "Delete"
        assert after == before - (ours if deletes else set())
