"""What an entry that fails says, in full; and what a missing property is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from returns.result import Failure as Bad

from eso_core.api import ExternalSecret
from eso_core.door import Absent, Answer, Provider, Query
from eso_core.effect import Answers
from eso_core.failure import Broken, Failure, InvalidSpec, Missing
from eso_core.providers import fake
from eso_core.stages.asks import Question, questions
from eso_core.stages.decode import decode_answers
from eso_core.stages.needs import Resolved, Use, store_refs
from eso_core.stages.templates import transformer
from tests.unit.core.objects import access, ambient, blob, entries, es_of, get


def asked(es: ExternalSecret, provider: Provider) -> tuple[Question, ...]:
    found = questions(es, Resolved({ref: Use(provider, access()) for ref in store_refs(es)}))
    assert isinstance(found, tuple)
    return found


def said(es: ExternalSecret, question: Question, answer: Answer) -> Failure:
    """What becomes of one question."""
    found = decode_answers(es, (question,), Answers({question.ask: answer}), transformer(ambient()))
    assert isinstance(found, Bad)
    return found.failure()


def fault(answers: dict[Query, Answer], **spec: Any) -> Failure:
    """Under ``deletionPolicy: Retain``."""
    es = es_of(spec={"data": [], **spec})
    put = asked(es, fake.PROVIDER)
    found = decode_answers(es, put, Answers({q.ask: answers[q.ask.query] for q in put if q.ask.query in answers}), transformer(ambient()))
    assert isinstance(found, Bad), found
    return found.failure()


def many(answer: Answer, entry: dict[str, Any]) -> Failure:
    """Of an entry that extracts."""
    rewrite = {"rewrite": entry.pop("rewrite")} if "rewrite" in entry else {}
    return fault({get("many"): answer}, dataFrom=[{"extract": {"key": "many", **entry}, **rewrite}])


ONE = {"secretKey": "k", "remoteRef": {"key": "remote"}}
IN_EXTRACT = "error processing spec.dataFrom[0].extract, err: "
IN_DATA = "error processing spec.data[0] (key: remote), err: "


def test_no_answer() -> None:
    assert fault({}, data=[ONE]) == Broken(f"{IN_DATA}no answer")


def test_a_payload_of_the_wrong_form() -> None:
    odd = replace(fake.PROVIDER.dialect, value=lambda payload, name: entries({"a": b""}), entries=lambda payload, name: blob(b""))
    es = es_of(spec={"dataFrom": [{"extract": {"key": "many"}}]})
    many, one = asked(es, replace(fake.PROVIDER, dialect=odd))
    assert said(es, many, blob(b"x")) == Broken(f"{IN_EXTRACT}the provider gave one value for several")
    assert said(es, one, blob(b"x")) == Broken(f"{IN_DATA}the provider gave several values for one")


@pytest.mark.parametrize(
    ("answer", "what"),
    [(blob(b'{"a": 1}'), 'the secret has no property "b"'), (Absent(), "Secret does not exist"), (Absent("gone"), "gone")],
)
def test_a_missing_property_is_told_apart_from_a_missing_secret(answer: Answer, what: str) -> None:
    assert many(answer, {"property": "b"}) == Missing(IN_EXTRACT + what)
    one = {"secretKey": "k", "remoteRef": {"key": "remote", "property": "b"}}
    assert fault({get(): answer}, data=[one]) == Missing(IN_DATA + what)


def test_a_find_that_finds_nothing_has_no_property() -> None:
    es = es_of(spec={"data": [], "dataFrom": [{"find": {"name": {"regexp": "x"}}}]})
    [question] = asked(es, fake.PROVIDER)
    assert said(es, question, Absent("nothing")) == Missing("error processing spec.dataFrom[0].find, err: nothing")


@pytest.mark.parametrize(
    ("payload", "entry", "what"),
    [
        (
            b'{"a b": "1", "a/b": "2"}',
            {},
            "error applying conversion strategy Default to keys: secret name collision during conversion: a_b",
        ),
        (
            b'{"a": "1"}',
            {"rewrite": [{"regexp": {"source": "[", "target": ""}}]},
            "error applying rewrite to keys: failed rewrite operation[0]: regexp failed with failed to compile: "
            "error parsing regexp: missing closing ]: `[`",
        ),
        (
            b'{"a": "!"}',
            {"decodingStrategy": "Base64"},
            "error applying decoding strategy Base64 to data: failure decoding key a: illegal base64 data at input byte 0",
        ),
        (
            b'{"a": "1"}',
            {"rewrite": [{"regexp": {"source": "a", "target": "b c"}}]},
            "invalid secret keys (TIP: use rewrite or conversionStrategy to change keys): key has invalid character  , "
            "only alphanumeric, '-', '.' and '_' are allowed: b c",
        ),
    ],
    ids=["conversion", "rewrite", "decoding", "keys"],
)
def test_every_step_says_what_it_was_doing(payload: bytes, entry: dict[str, Any], what: str) -> None:
    assert many(blob(payload), dict(entry)) == InvalidSpec(IN_EXTRACT + what)
