"""Conversations with Parameter Store."""

from __future__ import annotations

import orjson
import pytest

from eso_core.door import Absent, Find, Get
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from tests.providers.aws.server import REGION, Cloud
from tests.providers.scripts import CANARY, access, ask, aws_login, entries, failure, ok, plain, provider, run, value

KEYS = {"accessKeyIDSecretRef": {"name": "c", "key": "id"}, "secretAccessKeySecretRef": {"name": "c", "key": "secret"}}
SPEC = {"service": "ParameterStore", "region": REGION, "auth": {"secretRef": KEYS}}
KEY = Get(key="/app/db")


def error(code, message="", status=400, **headers):
    return ok({"__type": code, "message": message}, status, **headers)


def scripted(*queries, replies, **more):
    use = access("aws", {**SPEC, **more}, {"access_key": "AKIA", "secret_key": CANARY})
    return ask("aws", use, *queries, replies=replies, login=aws_login)


def asked(call):
    return call.headers["X-Amz-Target"].removeprefix("AmazonSSM."), orjson.loads(call.body)


def answered(*replies, query=KEY, **more):
    return scripted(query, replies=replies, **more).value[query]


class Held:
    """A cloud with parameters."""

    def __init__(self, values, **spec):
        self.cloud = Cloud("ssm")
        for name, text in values.items():
            self.cloud.put(name, text.encode(), {"team": "red" if "db" in name else "blue"})
        self.use = access("aws", {**SPEC, **spec}, self.cloud.credential())
        self.session = run(provider("aws").login(self.use), self.cloud.answer).value

    def ask(self, *queries):
        del self.cloud.asked[:]
        return run(provider("aws").fetch(self.use, self.session, queries), self.cloud.answer).value

    @property
    def calls(self):
        return [operation for operation, _ in self.cloud.asked]


def test_one_value():
    ran = scripted(KEY, replies=[ok({"Parameter": {"Name": "/app/db", "Value": '{"a":{"b":"c"},"x.y":1}'}})])
    [call] = ran.calls
    assert asked(call) == ("GetParameter", {"Name": "/app/db", "WithDecryption": True})
    assert call.headers["X-Amz-Target"] == "AmazonSSM.GetParameter"
    assert (call.sign.service, call.provider, call.name) == ("ssm", "AWS/ParameterStore", "GetParameter")
    assert value("aws", ran.value[KEY], "a.b") == b"c"
    assert value("aws", ran.value[KEY], "x.y") == b"1"
    assert entries("aws", ran.value[KEY]) == {"a": b'{"b":"c"}', "x.y": b"1"}
    assert isinstance(failure(value("aws", ran.value[KEY], "nope")), Missing)


def test_prefix_and_version():
    ran = scripted(Get(key="db", version="3"), replies=[ok({"Parameter": {"Name": "/app/db", "Value": "v"}})], prefix="/app/")
    assert asked(ran.calls[0])[1]["Name"] == "/app/db:3"


def test_tags():
    query = Get(key="/app/db", metadata=True, version="3")
    ran = scripted(query, replies=[ok({"TagList": [{"Key": "b", "Value": "<"}, {"Key": "a", "Value": "1"}]})])
    assert asked(ran.calls[0]) == ("ListTagsForResource", {"ResourceType": "Parameter", "ResourceId": "/app/db"})
    assert value("aws", ran.value[query]) == b'{"a":"1","b":"\\u003c"}'


@pytest.mark.parametrize(
    ("reply", "query", "kind"),
    [
        (error("ParameterNotFound"), KEY, Absent),
        (error("com.amazonaws.ssm#ParameterNotFound"), KEY, Absent),
        (error("ResourceNotFoundException"), KEY, Broken),
        (error("ParameterVersionNotFound", "no such version"), KEY, Missing),
        (error("InvalidResourceId"), Get(key="k", metadata=True), Missing),
        (error("AccessDeniedException"), KEY, Refused),
        (error("ThrottlingException"), KEY, Throttled),
        (error("InternalServerError", "", 500), KEY, Unreachable),
        (error("ParameterNotFound", "", 500), KEY, Unreachable),
        (ok(b"<html>", 404), KEY, Broken),
        (ok({}), KEY, Broken),
        (ok({"Parameter": {}}), KEY, Broken),
        (ok({"Parameter": {"Value": 1}}), KEY, Broken),
    ],
)
def test_answers(reply, query, kind):
    got = answered(reply, query=query)
    assert isinstance(got if kind is Absent else failure(got), kind)


class TestBatches:
    def test_ten_a_call(self):
        held = Held({f"p{n}": f"v{n}" for n in range(25)})
        queries = [Get(key=f"p{n}") for n in range(19)] + [Get(key="nope")]
        answers = held.ask(*queries)
        assert [plain(answers[query]) for query in queries] == [*(f"v{n}".encode() for n in range(19)), Absent()]
        assert held.calls == ["GetParameters", "GetParameters"]

    def test_versions_and_arns_go_by_themselves(self):
        held = Held({"a": "1", "b": "2"})
        held.cloud.put("a", b"newer", {})
        arn = f"{held.cloud.parameters.arn}/b"
        queries = [Get(key="a"), Get(key="a", version="1"), Get(key="b"), Get(key=arn), Get(key="a", version="9")]
        got = [plain(answer) for answer in held.ask(*queries).values()]
        assert got[:4] == [b"newer", b"1", b"2", b"2"]
        assert isinstance(failure(got[4]), Missing)
        assert held.calls == ["GetParameters", "GetParameter", "GetParameter", "GetParameter"]

    def test_a_malformed_name_fails_alone(self):
        held = Held({"a": "1"})
        a, bad = held.ask(Get(key="a"), Get(key="b/c")).values()
        assert plain(a) == b"1"
        assert isinstance(failure(bad), Broken)

    def test_that_a_role_may_not_batch_is_remembered(self):
        held = Held({"a": "1", "b": "2"})
        held.cloud.parameters.denied = {"GetParameters"}
        for calls in (["GetParameters", "GetParameter", "GetParameter"], ["GetParameter", "GetParameter"]):
            assert [plain(answer) for answer in held.ask(Get(key="a"), Get(key="b")).values()] == [b"1", b"2"]
            assert held.calls == calls

    def test_one_denied_name_says_nothing_about_batches(self):
        held = Held({"a": "1", "b": "2"})
        held.cloud.parameters.denied = {"b"}
        for _ in range(2):
            a, b = held.ask(Get(key="a"), Get(key="b")).values()
            assert plain(a) == b"1"
            assert isinstance(failure(b), Refused)
            assert held.calls == ["GetParameters", "GetParameter", "GetParameter"]

    def test_throttling_is_not_answered_by_more_calls(self):
        queries = [Get(key=f"p{n}") for n in range(20)]
        ran = scripted(*queries, replies=[error("ThrottlingException")])
        assert all(isinstance(failure(answer), Throttled) for answer in ran.value.values())


class TestFinding:
    VALUES = {f"/app/{name}{n}": f"{name}{n}" for name in ("db", "web") for n in range(12)} | {"/other/db": "o", "root": "r"}

    def find(self, denied=(), **query):
        held = Held(self.VALUES, prefix="/app/")
        held.cloud.parameters.denied = set(denied)
        return plain(held.ask(Find(**query))[Find(**query)]), held.calls, held.cloud.asked

    def test_by_name(self):
        found, calls, sent = self.find(name="db1")
        assert found == {"/app/db1": b"db1", "/app/db10": b"db10", "/app/db11": b"db11"}
        assert set(calls) == {"GetParametersByPath"}
        assert sent[0][1] == {"Path": "/", "Recursive": True, "WithDecryption": True, "MaxResults": 10}

    def test_by_name_below_a_path(self):
        found, _, sent = self.find(name="db", path="/other")
        assert found == {"/other/db": b"o"}
        assert sent[0][1]["Path"] == "/other"

    def test_by_name_without_the_right_to_read_by_path(self):
        found, calls, sent = self.find(denied=["GetParametersByPath"], name="db", path="/app")
        assert found == {f"/app/db{n}": f"db{n}".encode() for n in range(12)}
        assert calls == ["GetParametersByPath", *["DescribeParameters"] * 5, "GetParameters", "GetParameters"]
        assert sent[1][1]["ParameterFilters"] == [{"Key": "Path", "Option": "Recursive", "Values": ["/app"]}]

    def test_by_tags(self):
        found, calls, sent = self.find(tags=(("team", "red"),))
        assert sorted(found) == sorted([*(f"/app/db{n}" for n in range(12)), "/other/db"])
        assert sent[0][1]["ParameterFilters"] == [{"Key": "tag:team", "Option": "Equals", "Values": ["red"]}]
        assert calls.count("GetParameters") == 2

    def test_by_tags_below_a_path(self):
        found, _, _ = self.find(tags=(("team", "red"),), path="/other")
        assert found == {"/other/db": b"o"}

    def test_what_may_not_be_read_fails_the_find(self):
        assert isinstance(failure(self.find(denied=["/app/db1"], tags=(("team", "red"),))[0]), Refused)

    def test_the_call_is_counted_as_the_reference_counts_it(self):
        query = Find(tags=(("a", "b"),))
        assert scripted(query, replies=[ok({"Parameters": []})]).calls[0].name == "DescribeParameter"

    @pytest.mark.parametrize("query", [Find(), Find(path="/app"), Find(name="(")])
    def test_unusable(self, query):
        assert isinstance(failure(answered(query=query)), InvalidSpec)

    def test_pages_without_end_are_cut(self):
        ran = scripted(Find(name="."), replies=lambda _: ok({"Parameters": [], "NextToken": "t"}))
        assert "narrow the find" in failure(ran.value[Find(name=".")]).what

    def test_a_page_that_fails_fails_the_find(self):
        first = ok({"Parameters": [{"Name": "a", "Value": "1"}], "NextToken": "t"})
        assert isinstance(failure(answered(first, error("InternalServerError", "", 500), query=Find(name="."))), Unreachable)
