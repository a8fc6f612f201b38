"""From answers to keys and values."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from returns.result import Failure as Bad
from returns.result import Result, Success

from eso_core.door import Absent, Answer, Entries, Failed, Find, Found, Query
from eso_core.effect import Answers
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Throttled
from eso_core.providers import fake
from eso_core.stages.asks import questions
from eso_core.stages.decode import Decoded, decode_answers
from eso_core.stages.needs import Resolved, Use, store_refs
from eso_core.stages.templates import transformer
from tests.unit.core.objects import access, ambient, blob, entries, es_of, get, revealed


def decode(answers: dict[Query, Answer], *, deletion: str = "Retain", converts: bool = False, **spec: Any) -> Result[Decoded, Failure]:
    es = es_of(spec=spec, target={"deletionPolicy": deletion})
    provider = replace(fake.PROVIDER, find_converts=converts)
    asked = questions(es, Resolved({ref: Use(provider, access()) for ref in store_refs(es)}))
    assert isinstance(asked, tuple)
    return decode_answers(
        es, asked, Answers({q.ask: answers[q.ask.query] for q in asked if q.ask.query in answers}), transformer(ambient())
    )


def values(answers: dict[Query, Answer], **spec: Any) -> dict[str, bytes]:
    return revealed(decode(answers, **spec).unwrap().values)


def fault(answers: dict[Query, Answer], **spec: Any) -> Failure:
    result = decode(answers, **spec)
    assert isinstance(result, Bad), result
    return result.failure()


def one(key: str = "k", **ref: Any) -> dict[str, Any]:
    return {"secretKey": key, "remoteRef": {"key": "remote", **ref}}


def extract(**ref: Any) -> dict[str, Any]:
    rewrite = ref.pop("rewrite", None)
    return {"extract": {"key": "many", **ref}, **({"rewrite": rewrite} if rewrite else {})}


def found_by(**find: Any) -> dict[str, Any]:
    return {"find": {"name": {"regexp": ".*"}, **find}}


ANY = Find(name=".*")


class TestOrder:
    """dataFrom first, then data, each in order; a later entry overwrites."""

    def test_data_wins_over_many(self) -> None:
        answers = {get(): blob(b"one"), get("many"): blob(b'{"k": "many", "x": "y"}')}
        assert values(answers, data=[one()], dataFrom=[extract()]) == {"k": b"one", "x": b"y"}

    def test_later_wins(self) -> None:
        answers = {get(): blob(b"1"), get("other"): blob(b"2")}
        assert values(answers, data=[one(), {"secretKey": "k", "remoteRef": {"key": "other"}}]) == {"k": b"2"}

    def test_one_question_many_properties(self) -> None:
        made = [one("a", property="x"), one("b", property="y.z"), one("c")]
        whole = b'{"x": "1", "y": {"z": 2}}'
        assert values({get(): blob(whole)}, data=made) == {"a": b"1", "b": b"2", "c": whole}

    def test_nothing_asked(self) -> None:
        assert decode({}, data=[]) == Success(Decoded({}))


class TestMissing:
    """An absent secret is an error under Retain and is left out otherwise; every other failure always is one."""

    @pytest.mark.parametrize("deletion", ["Delete", "Merge"])
    def test_left_out(self, deletion: str) -> None:
        spec = {"data": [one(), {"secretKey": "x", "remoteRef": {"key": "there"}}], "dataFrom": [extract(), found_by()]}
        answers: dict[Query, Answer] = {get(): Absent(), get("there"): blob(b"v"), get("many"): Absent(), ANY: Absent()}
        result = decode(answers, deletion=deletion, **spec).unwrap()
        assert revealed(result.values) == {"x": b"v"}
        assert result.missing == (
            "secret does not exist at provider using spec.dataFrom[0]",
            "secret does not exist at provider using spec.dataFrom[1]",
            "secret does not exist at provider using spec.dataFrom[0] (key=remote)",
        )

    def test_retain(self) -> None:
        assert fault({get(): Absent("nope")}, data=[one()]) == Missing("error processing spec.data[0] (key: remote), err: nope")

    @pytest.mark.parametrize("deletion", ["Delete", "Retain"])
    def test_missing_property(self, deletion: str) -> None:
        result = decode({get(): blob(b'{"a": 1}')}, deletion=deletion, data=[one(property="b")])
        if deletion == "Delete":
            assert result.unwrap() == Decoded({}, ("secret does not exist at provider using spec.dataFrom[0] (key=remote)",))
        else:
            assert isinstance(result.failure(), Missing)
            assert 'no property "b"' in result.failure().what

    @pytest.mark.parametrize("deletion", ["Delete", "Retain", "Merge"])
    @pytest.mark.parametrize("failure", [Refused("r"), Throttled("t", 5), Broken("b")])
    def test_failures(self, deletion: str, failure: Failure) -> None:
        found = fault({get("many"): Failed(failure)}, deletion=deletion, data=[], dataFrom=[extract()])
        assert type(found) is type(failure)
        assert found.what == f"error processing spec.dataFrom[0].extract, err: {failure.what}"

    def test_throttling_keeps_its_pause(self) -> None:
        found = fault({ANY: Failed(Throttled("t", 5))}, data=[], dataFrom=[found_by()])
        assert found == Throttled("error processing spec.dataFrom[0].find, err: t", 5)

    def test_no_answer(self) -> None:
        assert isinstance(fault({}, data=[one()]), Broken)

    def test_the_first_failure_decides(self) -> None:
        answers: dict[Query, Answer] = {get("many"): Failed(Refused("first")), get(): Failed(Broken("second"))}
        assert isinstance(fault(answers, data=[one()], dataFrom=[extract()]), Refused)


class TestDecoding:
    """Strategies and the null byte policy."""

    @pytest.mark.parametrize(
        ("strategy", "raw", "expected"),
        [
            ("None", b"YQ==", b"YQ=="),
            ("Base64", b"YQ==", b"a"),
            ("Base64URL", b"_w==", b"\xff"),
            ("Auto", b"YQ==", b"a"),
            ("Auto", b"not base64!", b"not base64!"),
        ],
    )
    def test_one(self, strategy: str, raw: bytes, expected: bytes) -> None:
        assert values({get(): blob(raw)}, data=[one(decodingStrategy=strategy)]) == {"k": expected}

    def test_many(self) -> None:
        answers = {get("many"): blob(b'{"a": "YQ=="}'), ANY: entries({"b": b"Yg=="})}
        spec = {"data": [], "dataFrom": [extract(decodingStrategy="Base64"), found_by(decodingStrategy="Base64")]}
        assert values(answers, **spec) == {"a": b"a", "b": b"b"}

    @pytest.mark.parametrize(
        "entry", [{"data": [one(decodingStrategy="Base64")]}, {"data": [], "dataFrom": [extract(decodingStrategy="Base64")]}]
    )
    def test_undecodable(self, entry: dict[str, Any]) -> None:
        found = fault({get(): blob(b"!"), get("many"): blob(b'{"a": "s3cr3t!"}')}, **entry)
        assert isinstance(found, InvalidSpec)
        assert "s3cr3t" not in found.what

    def test_null_bytes_are_looked_for_after_decoding(self) -> None:
        raw = base64.b64encode(b"a\0b")
        assert values({get(): blob(raw)}, data=[one(nullBytePolicy="Fail")]) == {"k": raw}
        found = fault({get(): blob(raw)}, data=[one(nullBytePolicy="Fail", decodingStrategy="Base64")])
        assert 'key "k" contains null bytes' in found.what
        assert values({get(): blob(b"\0")}, data=[one()]) == {"k": b"\0"}

    def test_null_bytes_of_many(self) -> None:
        found = fault({ANY: entries({"a": b"\0"})}, data=[], dataFrom=[found_by(nullBytePolicy="Fail")])
        assert 'key "a" contains null bytes' in found.what


class TestKeys:
    """Rewrite, else conversion; then validation."""

    def test_conversion(self) -> None:
        answers = {get("many"): blob(b'{"a/b": "1"}')}
        assert values(answers, data=[], dataFrom=[extract()]) == {"a_b": b"1"}
        assert values(answers, data=[], dataFrom=[extract(conversionStrategy="Unicode")]) == {"a_U002f_b": b"1"}

    def test_collision(self) -> None:
        found = fault({get("many"): blob(b'{"a/b": "1", "a_b": "2"}')}, data=[], dataFrom=[extract()])
        assert "error applying conversion strategy Default to keys: secret name collision" in found.what

    def test_rewrite_replaces_conversion(self) -> None:
        answers = {get("many"): blob(b'{"a/b": "1"}')}
        rewrite = [{"regexp": {"source": "a", "target": "x"}}]
        found = fault(answers, data=[], dataFrom=[extract(rewrite=rewrite)])
        assert "invalid secret keys (TIP: use rewrite or conversionStrategy to change keys)" in found.what
        rewrite.append({"regexp": {"source": "/", "target": "-"}})
        assert values(answers, data=[], dataFrom=[extract(rewrite=rewrite)]) == {"x-b": b"1"}

    def test_rewrite_of_found_secrets(self) -> None:
        rewrite = [{"regexp": {"source": "^.*/", "target": ""}}]
        made = [{**found_by(), "rewrite": rewrite}]
        assert values({ANY: entries({"path/to/a": b"1"})}, data=[], dataFrom=made) == {"a": b"1"}
        assert values({ANY: entries({"path/to/a": b"1"})}, data=[], dataFrom=made, converts=True) == {"path_to_a": b"1"}

    def test_a_bad_expression(self) -> None:
        found = fault(
            {ANY: entries({"a": b"1"})}, data=[], dataFrom=[{**found_by(), "rewrite": [{"regexp": {"source": "(", "target": ""}}]}]
        )
        assert isinstance(found, InvalidSpec)
        assert "error applying rewrite to keys" in found.what

    def test_transform(self) -> None:
        def made(template: str) -> dict[str, Any]:
            return {"data": [], "dataFrom": [{**found_by(), "rewrite": [{"transform": {"template": template}}]}]}

        found = {ANY: entries({"a": b"1"})}
        assert values(found, **made("fixed")) == {"fixed": b"1"}
        assert values(found, **made("x_{{ .value | upper }}")) == {"x_A": b"1"}
        assert 'failed to parse template: template: transform:1: function "no" not defined' in fault(found, **made("{{ no }}")).what
        assert 'failed to execute template for key "a": template: transform:1:3: ' in fault(found, **made("{{ fail .value }}")).what

    def test_the_empty_key_is_dropped(self) -> None:
        assert values({ANY: entries({"": b"1", "a": b"2"})}, data=[], dataFrom=[found_by()]) == {"a": b"2"}


class TestShapes:
    """Payloads of the wrong shape are the provider's fault, not an exception."""

    def test_several_for_one(self) -> None:
        assert isinstance(fault({get(): entries({"a": b"1"})}, data=[one()]), Broken)

    def test_one_for_several(self) -> None:
        assert isinstance(fault({ANY: blob(b"x")}, data=[], dataFrom=[found_by()]), Broken)

    def test_a_value_that_is_no_object(self) -> None:
        found = fault({get("many"): blob(b"s3cr3t text")}, data=[], dataFrom=[extract()])
        assert "s3cr3t" not in found.what

    def test_empty(self) -> None:
        assert values({ANY: Found(Entries({}))}, data=[], dataFrom=[found_by()]) == {}
