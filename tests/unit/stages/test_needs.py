"""What must be read before a store can be asked, and why it cannot."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from eso_core.config import Config
from eso_core.door import AccountToken, ConfigMapKey, Need, SecretKey
from eso_core.effect import Gone, Present, Readable, Seen, Token, Unreadable, Whole, World
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Unreachable
from eso_core.refs import CLUSTER_SECRET_STORE, CONFIG_MAP, NAMESPACE, SECRET, SECRET_STORE, SERVICE_ACCOUNT, Ref
from eso_core.stages.needs import (
    NAMESPACE_AGE_S,
    Blocked,
    NotOurs,
    Resolved,
    Unresolved,
    is_referent,
    needs,
    place_of,
    read_store,
    store_refs,
)
from tests.unit.core.objects import CLUSTER_STORE, NOT_READY, NS, STORE, es_of, raw, store_manifest

CONFIG = Config()
SHARED = {"secretStoreRef": {"name": "shared", "kind": "ClusterSecretStore"}}
PLACE = Whole(Ref(NAMESPACE, "", NS), NAMESPACE_AGE_S)
VAULT = {"vault": {"server": "https://vault", "path": "kv", "auth": {"tokenSecretRef": {"name": "creds", "key": "token"}}}}


def world(seen: Mapping[Readable, Seen | dict[str, Any]]) -> World:
    return World({what: Present(raw(value)) if isinstance(value, dict) else value for what, value in seen.items()})


def secret(values: Mapping[str, str]) -> dict[str, Any]:
    return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}


def blocked(step: object) -> Blocked:
    assert isinstance(step, Blocked), step
    return step


class TestReading:
    """First all stores, then what they need; never more than that."""

    def test_stores_first(self) -> None:
        assert needs(World({}), es_of(), CONFIG) == Unresolved(frozenset({STORE}))

    def test_a_store_without_credentials_is_resolved(self) -> None:
        step = needs(world({STORE: store_manifest()}), es_of(), CONFIG)
        assert isinstance(step, Resolved)
        use = step.uses[STORE]
        assert use.provider.key == "fake"
        assert (use.access.store, use.access.namespace, dict(use.access.secrets)) == (STORE, NS, {})

    def test_then_credentials(self) -> None:
        held: dict[Readable, Any] = {STORE: store_manifest(spec={"provider": VAULT})}
        step = needs(world(held), es_of(), CONFIG)
        assert isinstance(step, Unresolved)
        [place] = step.what
        assert isinstance(place, Whole)
        assert place.ref == Ref(SECRET, NS, "creds")
        step = needs(world({**held, place: secret({"token": "t0k"})}), es_of(), CONFIG)
        assert isinstance(step, Resolved)
        access = step.uses[STORE].access
        assert [value.reveal() for value in access.secrets.values()] == [b"t0k"]
        assert access.sources == (Ref(SECRET, NS, "creds"),)

    def test_entries_with_stores_of_their_own(self) -> None:
        own = {"storeRef": {"name": "other", "kind": "SecretStore"}}
        made = es_of(
            spec={
                "data": [{"secretKey": "a", "remoteRef": {"key": "x"}}, {"secretKey": "b", "remoteRef": {"key": "y"}, "sourceRef": own}],
                "dataFrom": [{"extract": {"key": "z"}, "sourceRef": {"storeRef": {"name": "shared", "kind": "ClusterSecretStore"}}}],
            }
        )
        other = Ref(SECRET_STORE, NS, "other")
        assert list(store_refs(made)) == [CLUSTER_STORE, STORE, other]
        assert needs(World({}), made, CONFIG) == Unresolved(frozenset({STORE, other, CLUSTER_STORE}))

    def test_an_object_without_entries_needs_nothing(self) -> None:
        assert needs(World({}), es_of(spec={"data": []}), CONFIG) == Resolved({})


class TestBlocked:
    """Every reason, who must act, and whose change is worth another try."""

    def test_store_missing(self) -> None:
        step = blocked(needs(world({STORE: Gone()}), es_of(), CONFIG))
        assert step == Blocked(Missing('could not get SecretStore "st", it does not exist'), frozenset({STORE}))

    def test_store_unreadable(self) -> None:
        step = blocked(needs(world({STORE: Unreadable(Refused("no"))}), es_of(), CONFIG))
        assert step == Blocked(Refused("no"), frozenset({STORE}))

    def test_store_does_not_parse(self) -> None:
        step = blocked(needs(world({STORE: store_manifest(spec={"provider": "text"})}), es_of(), CONFIG))
        assert isinstance(step.failure, InvalidSpec)
        assert "spec.provider" in step.failure.what
        assert step.waits_on == {STORE}

    @pytest.mark.parametrize(("conditions", "soon"), [(None, True), ([], True), (NOT_READY, False)])
    def test_store_not_ready(self, conditions: list[Any] | None, soon: bool) -> None:
        step = blocked(needs(world({STORE: store_manifest(conditions=conditions)}), es_of(), CONFIG))
        assert step == Blocked(Unreachable('SecretStore "st" is not ready'), frozenset({STORE}), soon=soon)

    def test_without_the_gate_readiness_does_not_matter(self) -> None:
        seen = world({STORE: store_manifest(conditions=NOT_READY)})
        assert isinstance(needs(seen, es_of(), Config(flood_gate=False)), Resolved)

    @pytest.mark.parametrize(
        ("provider", "what"),
        [
            ({}, "exactly one backend"),
            ({"fake": {"data": []}, "vault": VAULT["vault"]}, "exactly one backend"),
            ({"previder": {"auth": {}}}, "no provider 'previder'"),
        ],
    )
    def test_provider_unusable(self, provider: dict[str, Any], what: str) -> None:
        step = blocked(needs(world({STORE: store_manifest(spec={"provider": provider})}), es_of(), CONFIG))
        assert isinstance(step.failure, InvalidSpec)
        assert what in step.failure.what
        assert step.waits_on == {STORE}

    @pytest.mark.parametrize(
        ("held", "expected"),
        [
            (Gone(), Missing(f'cannot get Kubernetes Secret "creds" from namespace "{NS}": it does not exist')),
            (Unreadable(Broken("odd")), Broken("odd")),
            (secret({"other": "x"}), Missing(f'cannot find secret data for key: "token" in Secret {NS}/creds')),
            ({}, Missing(f'cannot find secret data for key: "token" in Secret {NS}/creds')),
        ],
    )
    def test_credentials(self, held: Seen | dict[str, Any], expected: object) -> None:
        place = Whole(Ref(SECRET, NS, "creds"), 10)
        step = blocked(needs(world({STORE: store_manifest(spec={"provider": VAULT}), place: held}), es_of(), CONFIG))
        assert step.failure == expected

    def test_the_first_blocked_store_decides(self) -> None:
        made = es_of(spec={"dataFrom": [{"extract": {"key": "z"}, "sourceRef": {"storeRef": {"name": "gone", "kind": "SecretStore"}}}]})
        gone = Ref(SECRET_STORE, NS, "gone")
        step = blocked(needs(world({STORE: store_manifest(conditions=NOT_READY), gone: Gone()}), made, CONFIG))
        assert step.waits_on == {gone}


class TestNotOurs:
    """Another controller class, or a kind that is switched off."""

    def test_controller_class(self) -> None:
        theirs = world({STORE: store_manifest(spec={"controller": "theirs"}, conditions=NOT_READY)})
        assert needs(theirs, es_of(), CONFIG) == NotOurs()
        assert isinstance(needs(theirs, es_of(), Config(controller_class="theirs", flood_gate=False)), Resolved)

    def test_one_of_several_stores_is_enough(self) -> None:
        made = es_of(spec={"dataFrom": [{"extract": {"key": "z"}, "sourceRef": {"storeRef": {"name": "x", "kind": "ClusterSecretStore"}}}]})
        other = Ref(CLUSTER_SECRET_STORE, "", "x")
        both = world({other: store_manifest(other), STORE: store_manifest(spec={"controller": "theirs"})})
        assert needs(both, made, CONFIG) == NotOurs()

    def test_cluster_stores_switched_off(self) -> None:
        assert needs(World({}), es_of(spec=SHARED), Config(cluster_stores=False)) == NotOurs()
        assert isinstance(needs(World({}), es_of(), Config(cluster_stores=False)), Unresolved)


class TestConditions:
    """Which namespaces may use a cluster store."""

    def step(self, conditions: list[Any], labels: dict[str, str] | None = None) -> object:
        store = store_manifest(CLUSTER_STORE, spec={"conditions": conditions})
        return needs(world({CLUSTER_STORE: store, PLACE: {"metadata": {"labels": labels or {}}}}), es_of(spec=SHARED), CONFIG)

    @pytest.mark.parametrize(
        "conditions",
        [
            [],
            [{"namespaces": ["other", NS]}],
            [{"namespaces": ["other"]}, {"namespaceRegexes": ["^te.m$"]}],
            [{"namespaceRegexes": ["^nope$", "ea"]}],
            [{"namespaceSelector": {"matchLabels": {"env": "prod"}}}],
            [{"namespaceSelector": {}}],
        ],
    )
    def test_admitted(self, conditions: list[Any]) -> None:
        assert isinstance(self.step(conditions, {"env": "prod"}), Resolved)

    @pytest.mark.parametrize(
        "conditions",
        [
            [{}],
            [{"namespaces": ["team-b"]}],
            [{"namespaceRegexes": ["^eam$"]}],
            [{"namespaceSelector": {"matchLabels": {"env": "prod"}}}],
        ],
    )
    def test_denied(self, conditions: list[Any]) -> None:
        step = blocked(self.step(conditions, {"env": "dev"}))
        assert isinstance(step.failure, Refused)
        assert "denied by spec.condition" in step.failure.what
        assert step.waits_on == {CLUSTER_STORE}

    def test_a_bad_expression_admits_nobody(self) -> None:
        step = blocked(self.step([{"namespaceRegexes": ["("]}]))
        assert isinstance(step.failure, InvalidSpec)

    def test_the_namespace_is_read_only_for_conditions(self) -> None:
        store = store_manifest(CLUSTER_STORE, spec={"conditions": [{"namespaces": [NS]}]})
        assert needs(world({CLUSTER_STORE: store}), es_of(spec=SHARED), CONFIG) == Unresolved(frozenset({PLACE}))
        assert isinstance(needs(world({CLUSTER_STORE: store_manifest(CLUSTER_STORE)}), es_of(spec=SHARED), CONFIG), Resolved)

    @pytest.mark.parametrize(
        ("held", "failure"), [(Gone(), Missing(f"Namespace {NS} does not exist")), (Unreadable(Refused("x")), Refused("x"))]
    )
    def test_the_namespace_cannot_be_read(self, held: Seen, failure: object) -> None:
        store = store_manifest(CLUSTER_STORE, spec={"conditions": [{"namespaces": [NS]}]})
        assert blocked(needs(world({CLUSTER_STORE: store, PLACE: held}), es_of(spec=SHARED), CONFIG)).failure == failure

    def test_conditions_of_a_namespaced_store_say_nothing(self) -> None:
        store = store_manifest(spec={"conditions": [{"namespaces": ["other"]}]})
        assert isinstance(needs(world({STORE: store}), es_of(), CONFIG), Resolved)


NEEDS: list[Need] = [SecretKey("n", "k", "else"), ConfigMapKey("n", "k", "else"), AccountToken("n", (), "else")]
BARE: list[Need] = [SecretKey("n", "k"), ConfigMapKey("n", "k"), AccountToken("n")]


class TestPlaces:
    """A namespaced store never reaches into another namespace; a cluster store only where it says so."""

    @pytest.mark.parametrize("need", [*NEEDS, *BARE])
    def test_namespaced_store(self, need: Need) -> None:
        place = place_of(need, STORE, NS)
        assert (place.ref if isinstance(place, Whole) else place.account).namespace == NS

    @pytest.mark.parametrize("need", NEEDS)
    def test_cluster_store_with_a_namespace(self, need: Need) -> None:
        place = place_of(need, CLUSTER_STORE, NS)
        assert (place.ref if isinstance(place, Whole) else place.account).namespace == "else"

    @pytest.mark.parametrize("need", BARE)
    def test_referent(self, need: Need) -> None:
        place = place_of(need, CLUSTER_STORE, NS)
        assert (place.ref if isinstance(place, Whole) else place.account).namespace == NS

    def test_kinds(self) -> None:
        assert place_of(SecretKey("n", "k"), STORE, NS) == Whole(Ref(SECRET, NS, "n"), 10)
        assert place_of(ConfigMapKey("n", "k"), STORE, NS) == Whole(Ref(CONFIG_MAP, NS, "n"), 10)
        assert place_of(AccountToken("n", ("a",), "", 900), STORE, NS) == Token(Ref(SERVICE_ACCOUNT, NS, "n"), ("a",), 900)

    def test_who_is_referent(self) -> None:
        def stored(ref: Ref, selector: dict[str, str]) -> bool:
            auth = {"tokenSecretRef": selector}
            held = store_manifest(ref, spec={"provider": {"vault": {"server": "https://v", "auth": auth}}})
            read = read_store(raw(held), ref)
            assert not isinstance(read, InvalidSpec)
            return is_referent(read)

        assert stored(CLUSTER_STORE, {"name": "n", "key": "k"})
        assert not stored(CLUSTER_STORE, {"name": "n", "key": "k", "namespace": "ns"})


class TestIdentity:
    """Sessions and answers are shared by the same store object with the same credentials from the same place, and by nothing else."""

    def identity(self, ref: Ref = STORE, token: str = "t", uid: str = "u", generation: int = 1, namespace: str = NS) -> str:
        store = store_manifest(ref, spec={"provider": VAULT}, uid=uid)
        store["metadata"]["generation"] = generation
        es = es_of(spec=SHARED if ref == CLUSTER_STORE else {}, meta={"namespace": namespace})
        place = Whole(Ref(SECRET, namespace, "creds"), 10)
        step = needs(world({ref: store, place: secret({"token": token})}), es, CONFIG)
        assert isinstance(step, Resolved), step
        return step.uses[ref].access.identity

    def test_stable(self) -> None:
        assert self.identity() == self.identity()

    def test_every_part_counts(self) -> None:
        made = [
            self.identity(),
            self.identity(token="other"),
            self.identity(uid="other"),
            self.identity(generation=2),
            self.identity(CLUSTER_STORE),
            self.identity(CLUSTER_STORE, namespace="other"),
        ]
        assert len(set(made)) == len(made)

    def test_it_tells_nothing(self) -> None:
        assert "t0k" not in self.identity(token="t0k")
