"""The operator on a cluster in this process: what is taken in, what is done, and when it ends."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from eso_core.config import Config
from eso_core.machines.commands import Report
from eso_core.plan import Again, CreateTarget, Done, MarkTarget, OnChange, SetStatus, Settled, UpdateTarget
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Ref
from eso_shell import embedded, install
from eso_shell.drive import Driver
from eso_shell.embedded import Finished, run
from tests.unit.shell.offline import ESO, Json, cluster_store, external_secret, given, hanging_store, secret, store
from tests.unit.shell.virtual import virtual_run

GROUP = "external-secrets.io"
ES = Ref(EXTERNAL_SECRET, "team", "es")
TARGET = Ref(SECRET, "team", "es")


def ran(*contents: Mapping[str, Any], namespace: str = "default", timeout_s: float = 30, config: Config = Config()) -> Finished:
    return run(given(*contents), namespace=namespace, environ={}, timeout_s=timeout_s, config=config)


def verdicts(finished: Finished) -> dict[str, str]:
    found = {str(ref): finding.report.settled.because for ref, finding in finished.findings.items()}
    return {ref: because.reason if because is not None else "" for ref, because in found.items()}


def writes(finished: Finished) -> list[str]:
    """Kinds of the writes, status left out."""
    found = (wrote.action for finding in finished.findings.values() for wrote in finding.writes)
    return [type(action).__name__ for action in found if not isinstance(action, SetStatus)]


def turned(finished: Finished) -> list[tuple[str, str, bool]]:
    return [(one.name, one.message, one.ignored) for one in finished.turned]


class TestWhatIsDone:
    def test_the_main_job(self) -> None:
        finished = ran(store(), external_secret())
        assert verdicts(finished) == {"SecretStore team/st": "Valid", "ExternalSecret team/es": "SecretSynced"}
        assert writes(finished) == ["CreateTarget"]
        assert (finished.turned, finished.in_time, finished.unheard) == ((), True, ())
        held = finished.server.read(TARGET)
        assert held is not None
        assert list(held["data"]) == ["key"]

    def test_the_order_of_manifests_does_not_matter(self) -> None:
        assert verdicts(ran(external_secret(), store())) == verdicts(ran(store(), external_secret()))

    def test_a_chain_of_stores(self) -> None:
        """One store reads what an ExternalSecret of another writes: the second comes after the first."""
        vault = {"server": "http://127.0.0.1:9", "path": "kv", "auth": {"tokenSecretRef": {"name": "es", "key": "key"}}}
        second = store("second")
        second["spec"]["provider"] = {"vault": vault}
        found = verdicts(ran(second, external_secret(), store()))
        assert found["SecretStore team/second"] == "InvalidProviderConfig"  # nobody listens there, but the token was there
        assert found["ExternalSecret team/es"] == "SecretSynced"

    def test_two_objects_that_merge_into_one_secret(self) -> None:
        """The second finds the Secret changed and tries again; that is waited for."""
        parts = [
            external_secret(name, keys={name: "k"}, target={"name": "both", "creationPolicy": "Merge"})
            for name in ("a", "b", "c", "d", "e")
        ]
        finished = ran(store(), secret("both"), *parts)
        held = finished.server.read(Ref(SECRET, "team", "both"))
        assert held is not None
        assert sorted(held["data"]) == ["a", "b", "c", "d", "e", "old"]
        assert set(verdicts(finished).values()) == {"Valid", "SecretSynced"}

    def test_the_object_before_each_write(self) -> None:
        finished = ran(store(), secret("es"), external_secret())
        marked, wrote = [wrote for wrote in finished.findings[ES].writes if not isinstance(wrote.action, SetStatus)]
        assert isinstance(marked.action, MarkTarget)
        assert isinstance(wrote.action, UpdateTarget)
        assert marked.before is not None
        assert wrote.before is not None
        assert list(wrote.before["data"]) == ["old"]
        assert [("labels" in before["metadata"]) for before in (marked.before, wrote.before)] == [False, True]

    def test_nothing_before_a_create(self) -> None:
        [wrote] = [wrote for wrote in ran(store(), external_secret()).findings[ES].writes if not isinstance(wrote.action, SetStatus)]
        assert isinstance(wrote.action, CreateTarget)
        assert wrote.before is None

    def test_configuration(self) -> None:
        finished = ran(cluster_store(), external_secret(secretStoreRef={"name": "shared", "kind": "ClusterSecretStore"}))
        assert verdicts(finished)["ClusterSecretStore shared"] == "Valid"
        off = ran(cluster_store(), config=Config(cluster_stores=False))
        assert verdicts(off) == {"ClusterSecretStore shared": ""}


class TestWhatIsTaken:
    def test_namespaces(self) -> None:
        finished = ran(store(namespace=""), external_secret(namespace=""), store(namespace="other"), namespace="here")
        assert set(verdicts(finished)) == {"SecretStore here/st", "ExternalSecret here/es", "SecretStore other/st"}

    def test_a_cluster_store_has_no_namespace(self) -> None:
        odd = cluster_store()
        odd["metadata"]["namespace"] = "ignored"
        assert CLUSTER_SECRET_STORE in {ref.kind for ref in ran(odd).findings}

    def test_the_later_of_two_manifests_of_one_object_is_laid_over(self) -> None:
        finished = ran(store(values={}), external_secret(), store())
        assert verdicts(finished)["ExternalSecret team/es"] == "SecretSynced"

    @pytest.mark.parametrize(("version", "kind"), [("apps/v1", "Deployment"), ("kustomize.config.k8s.io/v1beta1", "Kustomization")])
    def test_foreign_kinds_are_ignored(self, version: str, kind: str) -> None:
        content = {"apiVersion": version, "kind": kind, "metadata": {"name": "web", "namespace": "team"}}
        assert turned(ran(content)) == [(f"{kind} team/web", f"{version} {kind} is not served here", True)]
        del content["metadata"]
        assert turned(ran(content)) == [(kind, f"{version} {kind} is not served here", True)]

    @pytest.mark.parametrize(
        ("version", "kind", "message"),
        [
            (f"{GROUP}/v1beta1", "SecretStore", f"{GROUP}/v1beta1 is not served for this kind; {GROUP}/v1 is"),
            (f"{GROUP}/v1alpha1", "PushSecret", f"{GROUP}/v1alpha1 PushSecret is not there in this version of the operator"),
            (
                f"generators.{GROUP}/v1alpha1",
                "Password",
                f"generators.{GROUP}/v1alpha1 Password is not there in this version of the operator",
            ),
        ],
    )
    def test_own_kinds_that_are_not_served_are_rejected(self, version: str, kind: str, message: str) -> None:
        content = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}
        assert turned(ran(content)) == [(f"{kind} x", message, False)]

    @pytest.mark.parametrize(
        ("metadata", "name", "message"),
        [
            (None, "", "metadata.name: is required"),
            ({"name": ""}, "", "metadata.name: is required"),
            ({"name": 5}, " 5", "metadata.name: must be a text"),
            ({"name": "x", "namespace": 5}, " 5/x", "metadata.namespace: must be a text"),
            ({"name": "es/status"}, " es/status", "metadata.name: may not be '.' or '..', or contain '/' or '%'"),
            ({"name": "x", "namespace": ".."}, " ../x", "metadata.namespace: may not be '.' or '..', or contain '/' or '%'"),
        ],
    )
    def test_names(self, metadata: object, name: str, message: str) -> None:
        content = {"apiVersion": ESO, "kind": "SecretStore", "metadata": metadata}
        assert turned(ran(content)) == [(f"SecretStore{name}", message, False)]

    def test_what_the_schema_refuses(self) -> None:
        odd = external_secret(refreshPolicy="Sometimes")
        [(name, message, ignored)] = turned(ran(odd))
        assert (name, ignored) == ("ExternalSecret team/es", False)
        assert "spec.refreshPolicy" in message

    def test_what_is_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(install, "BODY_MAX", 100)
        assert turned(ran(store())) == [("SecretStore team/st", "Request entity too large: limit is 100", False)]

    def test_where_it_stands(self) -> None:
        finished = ran(store(), {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}})
        assert [one.where for one in finished.turned] == ["all.yaml:2:1"]


class TestFromAnotherCluster:
    """What ``kubectl get -o yaml`` gives can be planned as it is."""

    def exported(self, *contents: Json) -> list[Json]:
        server = ran(*contents).server
        kinds = (SECRET_STORE, SECRET, EXTERNAL_SECRET)
        found = [thing for kind in kinds for thing in server.objects(kind)]
        for number, thing in enumerate(found):
            old, new = thing["metadata"]["uid"], f"0000-{number}"
            for other in found:  # as if another API server had given the identities
                for owner in other["metadata"].get("ownerReferences", ()):
                    owner["uid"] = new if owner["uid"] == old else owner["uid"]
            thing["metadata"]["uid"] = new
        return found

    def test_what_is_in_step_stays_untouched(self) -> None:
        world = self.exported(store(), external_secret())
        assert writes(ran(*world)) == []
        assert writes(ran(*reversed(world))) == []

    def test_the_generation_plays_no_part(self) -> None:
        world = self.exported(store(), external_secret())
        es = next(thing for thing in world if thing["kind"] == "ExternalSecret")
        _, _, labels = es["status"]["syncedResourceVersion"].partition("-")
        es["metadata"]["generation"], es["status"]["syncedResourceVersion"] = 7, f"7-{labels}"
        finished = ran(*world)
        assert finished.findings[ES].report.settled.because is None  # not due
        es["metadata"]["generation"] = 8  # edited since
        assert ran(*world).findings[ES].report.settled.because is not None

    def test_owners_are_known_again(self) -> None:
        """A refresh that is due compares everything, owner references included."""
        world = self.exported(store(), external_secret())
        es = next(thing for thing in world if thing["kind"] == "ExternalSecret")
        es["status"]["refreshTime"] = "2020-01-01T00:00:00Z"
        finished = ran(*world)
        assert finished.findings[ES].report.settled.because is not None
        assert writes(finished) == []

    def test_drift_is_mended(self) -> None:
        world = self.exported(store(), external_secret())
        target = next(thing for thing in world if thing["metadata"]["name"] == "es" and thing["kind"] == "Secret")
        target["data"] = {"key": "b3RoZXI="}
        assert writes(ran(*world)) == ["UpdateTarget"]


# ---------------------------------------------------------------- time


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections, and never says anything."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield server.getsockname()[1]


class TestTime:
    def test_a_backend_that_hangs(self, silent_port: int) -> None:
        start = time.monotonic()
        finished = ran(*hanging_store(silent_port), external_secret(), timeout_s=0.3)
        assert time.monotonic() - start < 10
        assert not finished.in_time
        assert finished.unheard == (Ref(SECRET_STORE, "team", "st"),)

    def test_what_is_decided_is_kept(self, silent_port: int) -> None:
        others = (store("good"), external_secret("quick", secretStoreRef={"name": "good"}))
        finished = ran(*hanging_store(silent_port), external_secret(), *others, timeout_s=0.3)
        assert verdicts(finished)["ExternalSecret team/quick"] == "SecretSynced"

    def test_a_fault_of_the_driver_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def broken(_: Driver) -> None:
            raise LookupError("a bug")

        monkeypatch.setattr(embedded.Driver, "run", broken)
        with pytest.raises(LookupError):
            ran(store())

    def test_it_rests_at_once(self) -> None:
        start = time.process_time()
        ran(store(), external_secret(refreshInterval="1s"))
        assert time.process_time() - start < 2


class TestRest:
    """When the operator counts as being at rest."""

    def rested(self, notes: Any, engine: Any, until: float, change: Any) -> float:
        async def main() -> float:
            loop = asyncio.get_running_loop()
            loop.call_at(until, change)
            await asyncio.wait_for(embedded._rest(engine, notes), 100)
            return loop.time()

        return virtual_run(main())

    def parts(self, **engine: Any) -> tuple[Any, Any]:
        queue = SimpleNamespace(next_at=lambda: None)
        return SimpleNamespace(again=set()), SimpleNamespace(**{"busy": 0, "synced": True, "queue": queue, **engine})

    def test_at_once(self) -> None:
        notes, engine = self.parts()
        assert self.rested(notes, engine, 5, lambda: None) == 0

    def test_not_while_something_is_under_way(self) -> None:
        notes, engine = self.parts(busy=1)
        assert self.rested(notes, engine, 5, lambda: setattr(engine, "busy", 0)) > 4.99

    def test_not_before_a_pass_that_wants_to_begin_again_has_done_so(self) -> None:
        notes, engine = self.parts()
        notes.again.add(ES)
        assert self.rested(notes, engine, 5, notes.again.clear) > 4.99

    def test_who_wants_to_begin_again(self) -> None:
        notes = embedded._Notes(Finished(install.cluster()[0], ()))
        for requeue, waiting in ((Again(), {ES}), (OnChange(), set())):
            notes.report(Report(ES, Settled(requeue=requeue), 0, ()))
            assert notes.again == waiting


def test_only_what_was_done_is_written_down() -> None:
    """A create that met an existing Secret was refused; the update that followed is the write."""
    finished = ran(store(), secret("es"), external_secret())
    raw = finished.findings[ES].report.writes
    assert [isinstance(outcome, Done) for _, outcome in raw].count(False) == 1
    assert writes(finished) == ["MarkTarget", "UpdateTarget"]
