"""What stores of any provider may need, with one from outside that needs everything."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core.api.types import Model
from eso_core.config import Config
from eso_core.door import NO_RETRIES, Access, AccountNotes, AccountToken, Extra, Need, Provider, Retries, SecretKey, WholeSecret
from eso_core.effect import Present, Readable, Token, Whole, World
from eso_core.failure import Failure, InvalidSpec, Missing, Refused
from eso_core.instant import SECOND
from eso_core.providers import fake
from eso_core.refs import SECRET, SERVICE_ACCOUNT, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.needs import CREDENTIAL_AGE_S, Blocked, Resolved, Unresolved, needs, provider_of
from tests.unit.core.objects import CLUSTER_STORE, NS, STORE, es_of, raw, store_manifest

LABEL = ("external-secrets.io/type", "webhook")
ACCOUNT = Ref(SERVICE_ACCOUNT, NS, "robot")
NOTES, TOKEN = Whole(ACCOUNT, CREDENTIAL_AGE_S), Token(ACCOUNT, ("aud",), 600)
BUNDLE = Whole(Ref(SECRET, NS, "bundle"), CREDENTIAL_AGE_S)


class Spec(Model):
    """Of the provider ``outer``."""

    size: int
    name: str = ""


def more(spec: Any, held: Mapping[str, SecretBytes]) -> Result[Mapping[str, Need], Failure]:
    """A token whose audience is an annotation."""
    audience = orjson.loads(held["notes"].reveal()).get("audience")
    return Success({"token": AccountToken("robot", (audience,))}) if audience else Bad(Missing("no audience"))


OUTER = replace(
    fake.PROVIDER,
    key="outer",
    parse=lambda model, store: Success(model),
    needs=lambda spec: {"notes": AccountNotes("robot"), "bundle": WholeSecret("bundle", label=LABEL)},
    more_needs=more,
)
ACCOUNT_OBJECT = {"metadata": {"name": "robot", "annotations": {"audience": "aud", "odd": 5}}}
BUNDLE_OBJECT = {"metadata": {"labels": dict([LABEL])}, "data": {"a": base64.b64encode(b"1").decode(), "b": 5}}


def config(provider: Provider = OUTER) -> Config:
    return Config(extra=Extra({"outer": provider}))


def step(seen: Mapping[Readable, Any] | None = None, by: Provider = OUTER, ref: Ref = STORE, **spec: Any) -> Any:
    """What is next for an object of a store of ``outer``."""
    store = store_manifest(ref, spec={"provider": {"outer": {"size": 1}}, **spec})
    es = es_of() if ref == STORE else es_of(spec={"secretStoreRef": {"name": ref.name, "kind": ref.kind.name}})
    world = {
        ref: Present(raw(store)),
        **{what: Present(value if isinstance(value, bytes) else raw(value)) for what, value in (seen or {}).items()},
    }
    return needs(World(world), es, config(by))


ALL: dict[Readable, Any] = {NOTES: ACCOUNT_OBJECT, BUNDLE: BUNDLE_OBJECT, TOKEN: b"jwt-1"}


def access(seen: Mapping[Readable, Any] = ALL, provider: Provider = OUTER, ref: Ref = STORE, **spec: Any) -> Access:
    found = step(seen, provider, ref, **spec)
    assert isinstance(found, Resolved), found
    return found.uses[ref].access


def why(seen: Mapping[Readable, Any], provider: Provider = OUTER, **spec: Any) -> Failure:
    found = step(seen, provider, **spec)
    assert isinstance(found, Blocked), found
    return found.failure


class TestSteps:
    def test_what_is_known_at_once_is_read_first(self) -> None:
        assert step() == Unresolved(frozenset({NOTES, BUNDLE}))

    def test_then_what_that_tells(self) -> None:
        assert step({NOTES: ACCOUNT_OBJECT, BUNDLE: BUNDLE_OBJECT}) == Unresolved(frozenset({TOKEN}))

    def test_then_all_is_there(self) -> None:
        found = access()
        assert {slot: value.reveal() for slot, value in found.secrets.items()} == {
            "notes": b'{"audience":"aud"}',
            "bundle": b'{"a":"MQ=="}',
            "token": b"jwt-1",
        }
        assert set(found.sources) == {ACCOUNT, BUNDLE.ref}

    def test_what_cannot_be_known_further_is_told(self) -> None:
        failure = why({NOTES: {"metadata": {}}, BUNDLE: BUNDLE_OBJECT})
        assert (failure, failure.about) == (Missing("no audience"), 'SecretStore "st"')

    @pytest.mark.parametrize("labels", [{}, {LABEL[0]: "other"}, {"other": LABEL[1]}, {LABEL[1]: LABEL[0]}])
    def test_a_secret_without_the_label_is_not_given(self, labels: dict[str, str]) -> None:
        failure = why({**ALL, BUNDLE: {**BUNDLE_OBJECT, "metadata": {"labels": labels}}})
        what = f'Secret {NS}/bundle cannot be used here: it does not carry the label "external-secrets.io/type: webhook"'
        assert failure == Refused(what)

    def test_without_a_label_any_secret_is(self) -> None:
        free = replace(OUTER, needs=lambda spec: {"bundle": WholeSecret("bundle")}, more_needs=None)
        assert access({BUNDLE: {"data": {"a": "MQ=="}}}, free).secrets["bundle"].reveal() == b'{"a":"MQ=="}'

    @pytest.mark.parametrize("held", [{"metadata": 5}, {"metadata": {"annotations": 5}}, {}])
    def test_odd_objects_hold_nothing(self, held: Any) -> None:
        notes = replace(OUTER, needs=lambda spec: {"notes": AccountNotes("robot")}, more_needs=None)
        assert access({NOTES: held}, notes).secrets["notes"].reveal() == b"{}"


class TestIdentity:
    """What makes two uses one."""

    def test_the_bytes_of_a_token_do_not_count(self) -> None:
        assert access().identity == access({**ALL, TOKEN: b"jwt-2"}).identity

    def test_what_a_token_is_for_does(self) -> None:
        def with_token(**parts: Any) -> str:
            need = AccountToken("robot", **parts)
            provider = replace(OUTER, needs=lambda spec: {"token": need}, more_needs=None)
            return access({Token(ACCOUNT, need.audiences, need.seconds): b"jwt"}, provider).identity

        found = [with_token(), with_token(audiences=("a",)), with_token(audiences=("a", "b")), with_token(seconds=700)]
        assert len(set(found)) == len(found)

    def test_another_account_is_another_identity(self) -> None:
        def of(name: str) -> str:
            provider = replace(OUTER, needs=lambda spec: {"token": AccountToken(name)}, more_needs=None)
            return access({Token(Ref(SERVICE_ACCOUNT, NS, name), (), 600): b"jwt"}, provider).identity

        assert of("one") != of("two")

    def test_credentials_count(self) -> None:
        other = {**BUNDLE_OBJECT, "data": {"a": "Mg=="}}
        assert access().identity != access({**ALL, BUNDLE: other}).identity

    def test_the_consumers_namespace_counts_where_a_provider_says_so(self) -> None:
        def of(namespace: str, by_namespace: Any) -> str:
            provider = replace(OUTER, needs=lambda spec: {}, more_needs=None, by_namespace=by_namespace)
            store = store_manifest(CLUSTER_STORE, spec={"provider": {"outer": {"size": 1}}})
            es = es_of(meta={"namespace": namespace}, spec={"secretStoreRef": {"name": CLUSTER_STORE.name, "kind": "ClusterSecretStore"}})
            found = needs(World({CLUSTER_STORE: Present(raw(store))}), es, config(provider))
            assert isinstance(found, Resolved), found
            return found.uses[CLUSTER_STORE].access.identity

        assert of("a", None) == of("b", None) == of("a", lambda spec: False)
        assert of("a", lambda spec: True) != of("b", lambda spec: True)
        assert of("a", lambda spec: spec["size"] == 1) != of("a", None)


class TestRetries:
    plain = replace(OUTER, needs=lambda spec: {}, more_needs=None)

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({}, Retries(3, 3 * SECOND)),
            ({"maxRetries": 5}, Retries(5, 3 * SECOND)),
            ({"maxRetries": 0}, Retries(0, 3 * SECOND)),
            ({"maxRetries": -7}, Retries(0, 3 * SECOND)),
            ({"maxRetries": 99, "retryInterval": "1h"}, Retries(10, 60 * SECOND)),
            ({"retryInterval": "0s"}, Retries(3, 0)),
            ({"retryInterval": "500ms"}, Retries(3, SECOND // 2)),
            ({"retryInterval": ""}, Retries(3, 3 * SECOND)),
        ],
    )
    def test_settings(self, settings: dict[str, Any], expected: Retries) -> None:
        assert access({}, self.plain, retrySettings=settings).retries == expected

    def test_none(self) -> None:
        assert access({}, self.plain).retries is NO_RETRIES

    def test_the_providers_own_number(self) -> None:
        assert access({}, replace(self.plain, retries_default=0), retrySettings={}).retries == Retries(0, 3 * SECOND)

    @pytest.mark.parametrize("text", ["soon", "-1s"])
    def test_no_duration(self, text: str) -> None:
        found = why({}, self.plain, retrySettings={"retryInterval": text})
        assert found == InvalidSpec("is not a duration such as 10s", "spec.retrySettings.retryInterval")


class TestModels:
    """The spec of a provider from outside, with a model of its own."""

    plain = replace(OUTER, needs=lambda spec: {"k": SecretKey("n", "k")}, more_needs=None)

    def parsed(self, provider: Provider, spec: Any) -> Any:
        found = step(None, provider, provider={"outer": spec})
        assert isinstance(found, Unresolved | Blocked)
        return found

    def test_with_a_model(self) -> None:
        seen: list[Any] = []
        provider = replace(self.plain, model=Spec, parse=lambda model, store: Success(seen.append(model) or model))
        assert isinstance(self.parsed(provider, {"size": 7, "name": "x"}), Unresolved)
        assert seen == [Spec(size=7, name="x")]

    def test_without_one(self) -> None:
        seen: list[Any] = []
        provider = replace(self.plain, parse=lambda model, store: Success(seen.append(model) or model))
        assert isinstance(self.parsed(provider, {"size": 7}), Unresolved)
        assert seen == [{"size": 7}]

    def test_what_does_not_fit(self) -> None:
        found = self.parsed(replace(self.plain, model=Spec), {"name": "x"})
        assert found.failure == InvalidSpec("size: is required", "spec.provider.outer")


def test_built_in_providers_cannot_be_replaced() -> None:
    extra = Extra({"fake": OUTER, "outer": OUTER})
    assert provider_of("fake", extra) is fake.PROVIDER
    assert provider_of("outer", extra) is OUTER
    assert provider_of("nobody", extra) is None
