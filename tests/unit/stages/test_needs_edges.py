"""What blocks an object, in full; and what is remembered of stores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from eso_core.config import Config
from eso_core.door import SecretKey
from eso_core.effect import Present, Readable, Seen, Token, Whole, World
from eso_core.failure import Broken, InvalidSpec, Missing, Refused
from eso_core.refs import CONFIG_MAP, NAMESPACE, SECRET, SERVICE_ACCOUNT, Ref
from eso_core.stages.needs import Blocked, NotOurs, ReadStore, Resolved, Unresolved, is_referent, needs, read_store
from tests.unit.core.objects import CLUSTER_STORE, NS, STORE, es_of, raw, store_manifest

CONFIG = Config()
SHARED = {"secretStoreRef": {"name": "shared", "kind": "ClusterSecretStore"}}
OTHER_ENTRY = {"extract": {"key": "z"}, "sourceRef": {"storeRef": {"name": "shared", "kind": "ClusterSecretStore"}}}


def world(seen: Mapping[Readable, Any]) -> World:
    return World({what: Present(raw(value)) for what, value in seen.items()})


def vault(**more: Any) -> dict[str, Any]:
    return {"vault": {"server": "https://v", "path": "kv", "auth": {"tokenSecretRef": {"name": "creds", "key": "token"}}, **more}}


def why(step: object) -> object:
    assert isinstance(step, Blocked), step
    return step.failure


class TestStores:
    def test_one_cluster_store_among_others_is_enough_when_they_are_switched_off(self) -> None:
        made = es_of(spec={"dataFrom": [OTHER_ENTRY]})
        assert needs(World({}), made, Config(cluster_stores=False)) == NotOurs()

    @pytest.mark.parametrize(
        ("spec", "failure"),
        [
            ({"provider": {}}, InvalidSpec("secret stores must only have exactly one backend specified, found 0", "spec.provider")),
            (
                {"provider": {"fake": {"data": []}, **vault()}},
                InvalidSpec("secret stores must only have exactly one backend specified, found 2", "spec.provider"),
            ),
            (
                {"provider": {"previder": {"auth": {}}}},
                InvalidSpec("there is no provider 'previder' in this version of the operator", "spec.provider.previder"),
            ),
            ({"provider": 7}, InvalidSpec("SecretStore team/st: spec.provider: must be an object")),
        ],
    )
    def test_an_unusable_provider(self, spec: dict[str, Any], failure: InvalidSpec) -> None:
        assert why(needs(world({STORE: store_manifest(spec=spec)}), es_of(), CONFIG)) == failure

    def test_what_the_provider_itself_refuses(self) -> None:
        step = needs(world({STORE: store_manifest(spec={"provider": vault(caBundle="bm8=")})}), es_of(), CONFIG)
        assert step == Blocked(InvalidSpec("caBundle is not a PEM certificate"), frozenset({STORE}))

    def test_a_store_may_come_without_its_kind(self) -> None:
        """The items of a list have none."""
        held = {key: value for key, value in store_manifest().items() if key != "kind"}
        assert isinstance(needs(world({STORE: held}), es_of(), CONFIG), Resolved)

    @pytest.mark.parametrize(("size", "kept"), [(64 * 1024, True), (64 * 1024 + 1, False)])
    def test_large_stores_are_not_remembered(self, size: int, kept: bool) -> None:
        bare = json.dumps(store_manifest(spec={"x": ""}))
        text = json.dumps(store_manifest(spec={"x": "y" * (size - len(bare))})).encode()
        assert len(text) == size
        first, again = read_store(text, STORE), read_store(text, STORE)
        assert not isinstance(first, InvalidSpec)
        assert (first is again) is kept

    def test_all_stores_are_read_before_their_credentials(self) -> None:
        made = es_of(spec={"dataFrom": [OTHER_ENTRY]})
        shared = store_manifest(CLUSTER_STORE, spec={"provider": vault()})
        mine = store_manifest(spec={"provider": vault(auth={"tokenSecretRef": {"name": "mine", "key": "token"}})})
        step = needs(world({STORE: mine, CLUSTER_STORE: shared}), made, CONFIG)
        assert step == Unresolved(frozenset(Whole(Ref(SECRET, NS, name), 10) for name in ("creds", "mine")))


class TestAdmission:
    def step(self, *conditions: dict[str, Any], labels: object = None) -> object:
        store = store_manifest(CLUSTER_STORE, spec={"conditions": list(conditions)})
        step = needs(world({CLUSTER_STORE: store}), es_of(spec=SHARED), CONFIG)
        assert isinstance(step, Unresolved)
        [place] = step.what
        assert (place if isinstance(place, Ref) else getattr(place, "ref", None)) == Ref(NAMESPACE, "", NS)
        return needs(world({CLUSTER_STORE: store, place: {"metadata": {"labels": labels}}}), es_of(spec=SHARED), CONFIG)

    def test_denied(self) -> None:
        what = 'using cluster store "shared" is not allowed from namespace "team": denied by spec.condition'
        assert self.step({"namespaces": ["x"]}) == Blocked(Refused(what), frozenset({CLUSTER_STORE}))

    def test_a_bad_expression(self) -> None:
        step = self.step({"namespaceRegexes": ["["]})
        what = 'ClusterSecretStore "shared": spec.conditions: error parsing regexp: missing closing ]: `[`'
        assert step == Blocked(InvalidSpec(what), frozenset({CLUSTER_STORE}))

    @pytest.mark.parametrize("labels", [None, 7, []])
    def test_labels_that_are_none_match_an_empty_selector_only(self, labels: object) -> None:
        assert isinstance(self.step({"namespaceSelector": {}}, labels=labels), Resolved)
        assert isinstance(self.step({"namespaceSelector": {"matchLabels": {"a": "b"}}}, labels=labels), Blocked)

    def test_an_expression_that_does_not_match_is_followed_by_the_next(self) -> None:
        assert isinstance(self.step({"namespaceRegexes": ["^x", "^te"]}), Resolved)
        assert isinstance(self.step({"namespaceRegexes": ["^x"]}, {"namespaces": [NS]}), Resolved)


class TestCredentials:
    PLACE = Whole(Ref(SECRET, NS, "creds"), 10)

    def step(self, data: object) -> object:
        return needs(world({STORE: store_manifest(spec={"provider": vault()}), self.PLACE: {"data": data}}), es_of(), CONFIG)

    @pytest.mark.parametrize("data", [None, 7, {}, {"token": None}, {"token": 7}])
    def test_missing(self, data: object) -> None:
        assert why(self.step(data)) == Missing('cannot find secret data for key: "token" in Secret team/creds')

    def test_no_base64(self) -> None:
        assert why(self.step({"token": "a"})) == Broken('the data under key "token" in Secret team/creds is not base64')

    def test_the_text_of_a_config_map_is_the_value(self) -> None:
        ca = {"type": "ConfigMap", "name": "roots", "key": "ca.crt"}
        place = Whole(Ref(CONFIG_MAP, NS, "roots"), 10)
        held = {STORE: store_manifest(spec={"provider": vault(caProvider=ca)}), self.PLACE: {"data": {"token": "dA=="}}}
        step = needs(world({**held, place: {"data": {"ca.crt": "dA=="}}}), es_of(), CONFIG)
        assert isinstance(step, Resolved)
        access = step.uses[STORE].access
        assert sorted(value.reveal() for value in access.secrets.values()) == [b"dA==", b"t"]
        assert set(access.sources) == {self.PLACE.ref, place.ref}

    def test_a_token_is_the_value(self) -> None:
        provider = {"kubernetes": {"server": {"url": "https://k", "caBundle": ""}, "auth": {"serviceAccount": {"name": "sa"}}}}
        held: dict[Readable, Seen] = {STORE: Present(raw(store_manifest(spec={"provider": provider})))}
        step = needs(World(held), es_of(), CONFIG)
        assert isinstance(step, Unresolved)
        [place] = step.what
        assert isinstance(place, Token)
        step = needs(World({**held, place: Present(b"a.b.c")}), es_of(), CONFIG)
        assert isinstance(step, Resolved)
        access = step.uses[STORE].access
        assert [value.reveal() for value in access.secrets.values()] == [b"a.b.c"]
        assert access.sources == (Ref(SERVICE_ACCOUNT, NS, "sa"),)

    def test_the_parts_of_an_identity_do_not_run_into_each_other(self) -> None:
        def identity(name: str, uid: str, generation: int) -> str:
            ref = Ref(STORE.kind, NS, name)
            store = store_manifest(ref, uid=uid)
            store["metadata"]["generation"] = generation
            step = needs(world({ref: store}), es_of(spec={"secretStoreRef": {"name": name, "kind": "SecretStore"}}), CONFIG)
            assert isinstance(step, Resolved)
            return step.uses[ref].access.identity

        assert identity("st", "u1", 1) != identity("st", "u", 11)
        assert identity("st", "1u", 1) != identity("st1", "u", 1)
        assert len(identity("st", "u", 1)) == 32  # hex digits of 128 bits

    def test_one_reference_without_a_namespace_makes_a_store_referent(self) -> None:
        read = read_store(raw(store_manifest(CLUSTER_STORE)), CLUSTER_STORE)
        assert isinstance(read, ReadStore)
        here, there = SecretKey("n", "k"), SecretKey("n", "k", "ns")
        assert is_referent(replace(read, needs={"a": there, "b": here}))
        assert not is_referent(replace(read, needs={"a": there}))
        assert not is_referent(replace(read, needs={}))
