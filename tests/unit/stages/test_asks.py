"""Which question each entry puts to which store."""

from __future__ import annotations

from typing import Any

import pytest

from eso_core.api import ExternalSecret
from eso_core.door import Find, Get
from eso_core.failure import InvalidSpec
from eso_core.providers import fake
from eso_core.stages.asks import Question, questions
from eso_core.stages.needs import Resolved, Use, store_refs
from tests.unit.core.objects import STORE, access, es_of


def resolved(es: ExternalSecret) -> Resolved:
    return Resolved({ref: Use(fake.PROVIDER, access(str(ref))) for ref in store_refs(es)})


def asked(**spec: Any) -> tuple[Question, ...]:
    es = es_of(spec=spec)
    found = questions(es, resolved(es))
    assert not isinstance(found, InvalidSpec)
    return found


def test_many_before_one_each_in_order() -> None:
    found = asked(
        data=[{"secretKey": "a", "remoteRef": {"key": "1"}}, {"secretKey": "b", "remoteRef": {"key": "2"}}],
        dataFrom=[{"find": {"name": {"regexp": "x"}}}, {"extract": {"key": "3"}}],
    )
    assert [question.path for question in found] == ["spec.dataFrom[0]", "spec.dataFrom[1]", "spec.data[0]", "spec.data[1]"]
    assert [question.ask.query for question in found] == [Find(name="x"), Get(key="3"), Get(key="1"), Get(key="2")]


@pytest.mark.parametrize(
    ("entry", "query"),
    [
        ({"extract": {"key": "k", "version": "2", "property": "p"}}, Get(key="k", version="2")),
        ({"extract": {"key": "k", "metadataPolicy": "Fetch"}}, Get(key="k", metadata=True)),
        ({"find": {"path": "p", "tags": {"b": "2", "a": "1"}}}, Find(path="p", tags=(("a", "1"), ("b", "2")))),
        ({"find": {"name": {"regexp": ""}}}, Find(name="")),
        ({"find": {}, "extract": {"key": "k"}}, Find()),
    ],
)
def test_queries(entry: dict[str, Any], query: object) -> None:
    assert [question.ask.query for question in asked(data=[], dataFrom=[entry])] == [query]


def test_properties_of_one_remote_secret_are_one_question() -> None:
    found = asked(
        data=[{"secretKey": p, "remoteRef": {"key": "same", "property": p}} for p in ("a", "b", "c")],
        dataFrom=[{"extract": {"key": "same"}}],
    )
    assert len(found) == 4
    assert len({question.ask for question in found}) == 1


def test_versions_metadata_and_stores_make_different_questions() -> None:
    other = {"storeRef": {"name": "other", "kind": "SecretStore"}}
    entries = [
        {"remoteRef": {"key": "same"}},
        {"remoteRef": {"key": "same", "version": "1"}},
        {"remoteRef": {"key": "same", "metadataPolicy": "Fetch"}},
        {"remoteRef": {"key": "same"}, "sourceRef": other},
    ]
    found = asked(data=[{"secretKey": str(i), **entry} for i, entry in enumerate(entries)])
    assert len({question.ask for question in found}) == 4


def test_an_entry_with_a_store_only_asks_nothing() -> None:
    assert asked(data=[], dataFrom=[{"sourceRef": {"storeRef": {"name": STORE.name, "kind": "SecretStore"}}}]) == ()


def test_generators_are_told_with_their_place() -> None:
    generator = {"generatorRef": {"kind": "UUID", "name": "g"}}
    es = es_of(spec={"data": [], "dataFrom": [{"extract": {"key": "k"}}, {"sourceRef": generator}]})
    found = questions(es, resolved(es))
    assert found == InvalidSpec("generators are not built yet", "spec.dataFrom[1].sourceRef.generatorRef")
