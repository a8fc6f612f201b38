"""Conversations with AWS Secrets Manager."""

from __future__ import annotations

import base64
import re

import orjson
import pytest

from eso_core.door import Absent, Find, Get
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers.aws.store import SINGLY
from eso_core.wire import CallFailed, HttpReply, SdkReply
from tests.providers.scripts import (
    CANARY,
    access,
    ask,
    aws_login,
    entries,
    failure,
    ok,
    plain,
    provider,
    run,
    session,
    value,
)

KEYS = {"accessKeyIDSecretRef": {"name": "c", "key": "id"}, "secretAccessKeySecretRef": {"name": "c", "key": "secret"}}
SPEC = {"service": "SecretsManager", "region": "eu-central-1", "auth": {"secretRef": KEYS}}
KEY = Get(key="prod/db")
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"


def store(**more):
    return access("aws", {**SPEC, **more}, {"access_key": "AKIA", "secret_key": CANARY})


def error(code, message="", status=400, **headers):
    return ok({"__type": code, "message": message}, status, **headers)


def asked(call):
    return call.headers["X-Amz-Target"].removeprefix("secretsmanager."), orjson.loads(call.body)


def talk(*queries, replies, **more):
    return ask("aws", store(**more), *queries, replies=replies, login=aws_login)


def answered(*replies, query=KEY, **more):
    return talk(query, replies=replies, **more).value[query]


SNAKE = re.compile(r"(?<!^)(?=[A-Z])")
OPERATIONS = {"GetSecretValue": "get", "BatchGetSecretValue": "batch", "ListSecrets": "names"}


class Service:
    """Secrets Manager in a few lines. ``denied``: operations the role may not use."""

    def __init__(self, secrets, denied=(), broken=None):
        self.secrets, self.denied, self.broken = secrets, denied, broken or {}

    def __call__(self, call):
        operation, body = asked(call)
        if operation in self.denied:
            return error("AccessDeniedException", "not authorized")
        return getattr(self, OPERATIONS[operation])(**{SNAKE.sub("_", name).lower(): value for name, value in body.items()})

    def _entry(self, name):
        return {"ARN": f"{ARN}{name}-AbCdEf", "Name": name, "SecretString": self.secrets[name], "VersionId": "v"}

    def _named(self, given):
        return next((name for name in self.secrets if given in (name, f"{ARN}{name}-AbCdEf", f"{ARN}{name}")), None)

    def get(self, secret_id, version_stage="AWSCURRENT", version_id=""):
        name = self._named(secret_id)
        if secret_id in self.broken:
            return error(self.broken[secret_id], "why")
        return error("ResourceNotFoundException", "can't find") if name is None else ok(self._entry(name))

    def batch(self, secret_id_list=None, filters=None, max_results=20, next_token="0"):
        assert filters is None or secret_id_list is None
        if secret_id_list is None:
            start = int(next_token)
            names = [name for name in self.secrets if name not in self.broken]
            more = {"NextToken": str(start + max_results)} if start + max_results < len(names) else {}
            faults = [{"SecretId": name, "ErrorCode": code, "Message": "why"} for name, code in self.broken.items()]
            return ok({"SecretValues": [self._entry(name) for name in names[start : start + max_results]], "Errors": faults, **more})
        assert len(secret_id_list) <= 20
        values, faults = [], []
        for given in secret_id_list:
            name = self._named(given)
            if given in self.broken:
                faults.append({"SecretId": given, "ErrorCode": self.broken[given], "Message": "why"})
            elif name is None:
                faults.append({"SecretId": given, "ErrorCode": "ResourceNotFoundException", "Message": "can't find"})
            elif self._entry(name) not in values:
                values.append(self._entry(name))
        return ok({"SecretValues": values, "Errors": faults})

    def names(self, filters, max_results, next_token="0"):
        start, names = int(next_token), list(self.secrets)
        more = {"NextToken": str(start + max_results)} if start + max_results < len(names) else {}
        return ok({"SecretList": [{"Name": name, "ARN": f"{ARN}{name}-AbCdEf"} for name in names[start : start + max_results]], **more})


class TestReading:
    def test_one_value(self):
        ran = talk(KEY, replies=[ok({"Name": "prod/db", "SecretString": '{"a":{"b":"c"},"x.y":1}'})])
        [call] = ran.calls
        assert (call.method, call.url) == ("POST", "https://secretsmanager.eu-central-1.amazonaws.com/")
        assert asked(call) == ("GetSecretValue", {"SecretId": "prod/db", "VersionStage": "AWSCURRENT"})
        assert (call.sign.service, call.sign.region, call.sign.secret_key) == ("secretsmanager", "eu-central-1", CANARY)
        assert value("aws", ran.value[KEY], "a.b") == b"c"
        assert value("aws", ran.value[KEY], "x.y") == b"1"
        assert entries("aws", ran.value[KEY]) == {"a": b'{"b":"c"}', "x.y": b"1"}
        assert isinstance(failure(value("aws", ran.value[KEY], "nope")).what, str)

    @pytest.mark.parametrize(
        ("version", "sent"),
        [("uuid/abc", {"VersionId": "abc"}), ("AWSPREVIOUS", {"VersionStage": "AWSPREVIOUS"}), ("uuid", {"VersionStage": "uuid"})],
    )
    def test_versions(self, version, sent):
        query = Get(key="k", version=version)
        ran = talk(query, replies=[ok({"SecretString": "v"})])
        assert asked(ran.calls[0]) == ("GetSecretValue", {"SecretId": "k", **sent})

    def test_prefix(self):
        assert asked(talk(KEY, replies=[ok({"SecretString": ""})], prefix="team/").calls[0])[1]["SecretId"] == "team/prod/db"

    def test_binary(self):
        assert value("aws", answered(ok({"SecretBinary": base64.b64encode(b"\xff\x00").decode()}))) == b"\xff\x00"

    def test_empty_text_is_a_value(self):
        assert value("aws", answered(ok({"SecretString": ""}))) == b""

    def test_tags(self):
        query = Get(key="k", metadata=True)
        ran = talk(query, replies=[ok({"Name": "k", "Tags": [{"Key": "b", "Value": "<"}, {"Key": "a", "Value": "1"}]})])
        assert asked(ran.calls[0]) == ("DescribeSecret", {"SecretId": "k"})
        assert value("aws", ran.value[query]) == b'{"a":"1","b":"\\u003c"}'
        assert value("aws", ran.value[query], "b") == b"<"
        assert value("aws", answered(ok({"Name": "k"}), query=query)) == b"{}"


class TestBatches:
    def test_values_of_a_batch(self):
        names = ["a", "b", f"{ARN}c-AbCdEf", f"{ARN}d", "missing"]
        queries = [Get(key=name) for name in names]
        ran = talk(*queries, replies=Service({"a": "1", "b": "2", "c": "3", "d": "4"}))
        assert [plain(ran.value[query]) for query in queries] == [b"1", b"2", b"3", b"4", Absent()]
        assert [asked(call) for call in ran.calls] == [("BatchGetSecretValue", {"SecretIdList": names})]

    def test_a_name_and_its_arn(self):
        queries = [Get(key="a"), Get(key=f"{ARN}a-AbCdEf")]
        ran = talk(*queries, replies=Service({"a": "1"}))
        assert [plain(ran.value[query]) for query in queries] == [b"1", b"1"]

    def test_other_versions_and_tags_go_by_themselves(self):
        queries = [Get(key="a"), Get(key="b", version="AWSCURRENT"), Get(key="a", version="AWSPREVIOUS")]
        ran = talk(*queries, replies=Service({"a": "1", "b": "2"}))
        assert [asked(call)[0] for call in ran.calls] == ["BatchGetSecretValue", "GetSecretValue"]

    def test_the_current_version_in_both_spellings_is_one_name(self):
        queries = [Get(key="a"), Get(key="a", version="AWSCURRENT")]
        ran = talk(*queries, replies=Service({"a": "1"}))
        assert asked(ran.calls[0])[1] == {"SecretIdList": ["a"]}
        assert [plain(ran.value[query]) for query in queries] == [b"1", b"1"]

    @pytest.mark.parametrize("code", ["AccessDeniedException", "InvalidParameterException", "ValidationException"])
    def test_a_batch_as_a_whole_may_fail(self, code):
        service = Service({"a": "1", "b": "2"})
        ran = talk(Get(key="a"), Get(key="b"), replies=lambda call: error(code) if asked(call)[0].startswith("Batch") else service(call))
        assert [plain(answer) for answer in ran.value.values()] == [b"1", b"2"]
        assert len(ran.calls) == 3

    def test_that_a_role_may_not_batch_is_remembered(self):
        """One refused call in a while, and not one in each conversation."""
        use, service = store(), Service({"a": "1", "b": "2"}, denied=["BatchGetSecretValue"])
        held = session("aws", use, aws_login)
        asked_for = []
        for _ in range(SINGLY + 1):
            ran = run(provider("aws").fetch(use, held, (Get(key="a"), Get(key="b"))), service)
            assert [plain(answer) for answer in ran.value.values()] == [b"1", b"2"]
            asked_for += [asked(call)[0] for call in ran.calls]
        assert asked_for.count("BatchGetSecretValue") == 2
        assert asked_for.count("GetSecretValue") == 2 * (SINGLY + 1)

    def test_a_secret_that_may_not_be_read_says_nothing_about_batches(self):
        use, held = store(), session("aws", store(), aws_login)
        for _ in range(2):
            ran = run(provider("aws").fetch(use, held, (Get(key="a"), Get(key="b"))), lambda call: error("AccessDeniedException"))
            assert asked(ran.calls[0])[0] == "BatchGetSecretValue"

    @pytest.mark.parametrize("code", ["ThrottlingException", "ExpiredTokenException", "InternalServiceError"])
    def test_single_calls_stop_where_more_would_not_help(self, code):
        queries = [Get(key=name) for name in "abc"]
        replies = [error("ValidationException"), ok({"SecretString": "1"}), error(code)]
        ran = talk(*queries, replies=replies)
        assert [asked(call)[0] for call in ran.calls] == ["BatchGetSecretValue", "GetSecretValue", "GetSecretValue"]
        a, b, c = ran.value.values()
        assert plain(a) == b"1"
        assert b == c
        assert type(failure(b)) is not Broken

    def test_faults_stay_with_their_keys(self):
        service = Service({"a": "1"}, broken={"b": "AccessDeniedException", "c": "DecryptionFailure", "d": "InternalServiceError"})
        ran = talk(*(Get(key=name) for name in "abcd"), replies=service)
        a, b, c, d = ran.value.values()
        assert plain(a) == b"1"
        assert [type(failure(answer)) for answer in (b, c, d)] == [Refused, Broken, Unreachable]

    def test_throttling_is_not_answered_by_more_calls(self):
        ran = talk(Get(key="a"), Get(key="b"), replies=[error("ThrottlingException", "Rate exceeded", 400)])
        assert all(isinstance(failure(answer), Throttled) for answer in ran.value.values())

    def test_expired_credentials_are_said_for_all(self):
        ran = talk(Get(key="a"), Get(key="b"), replies=[error("ExpiredTokenException")])
        assert all(failure(answer).session for answer in ran.value.values())

    def test_a_name_the_service_forgets_is_asked_for_again(self):
        ran = talk(
            Get(key="a"), Get(key="b"), replies=[ok({"SecretValues": []}), ok({"SecretString": "1"}), error("ResourceNotFoundException")]
        )
        assert [plain(answer) for answer in ran.value.values()] == [b"1", Absent()]

    def test_pages(self):
        pages = [ok({"SecretValues": [], "NextToken": "t"}), ok({"SecretValues": [{"Name": n, "SecretString": n} for n in "ab"]})]
        ran = talk(Get(key="a"), Get(key="b"), replies=pages)
        assert asked(ran.calls[1])[1] == {"SecretIdList": ["a", "b"], "NextToken": "t"}
        assert [plain(answer) for answer in ran.value.values()] == [b"a", b"b"]

    def test_the_limit_is_the_services(self):
        assert provider("aws").batch_max == 20


@pytest.mark.parametrize(
    "reply",
    [
        error("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
        error("com.amazonaws.secretsmanager#ResourceNotFoundException"),
        error("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion."),
        error("InvalidParameterException", "it was marked for deletion"),
        HttpReply(status=400, headers={"x-amzn-errortype": "ResourceNotFoundException:http://x"}, body=b"{}"),
    ],
)
@pytest.mark.parametrize("query", [KEY, Get(key="k", version="x")])
def test_absent(query, reply):
    assert answered(reply, query=query) == Absent()


def test_the_tags_of_what_is_not_there_are_a_plain_error():
    """As in the reference: no deletion policy acts on it."""
    got = failure(answered(error("ResourceNotFoundException"), query=Get(key="k", metadata=True)))
    assert got == Missing("DescribeSecret k: it does not exist")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error("AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized"), Refused),
        (error("UnrecognizedClientException"), Refused),
        (error("InvalidSignatureException"), Refused),
        (error("ThrottlingException"), Throttled),
        (error("SlowDown", "", 429), Throttled),
        (error("InternalServiceError", "", 500), Unreachable),
        (error("SomethingNew", "", 500), Unreachable),
        (ok(b"<html>", 503), Unreachable),
        (ok(b"", 302), Unreachable),
        (error("DecryptionFailure"), Broken),
        (error("InvalidRequestException", "You tried something else"), Broken),
        (ok(b"", 400), Broken),
        (ok(b"<html>", 401), Refused),
        (ok(b"<html>", 403), Refused),
        (ok(b"", 200), Broken),
        (ok(b"{", 200), Broken),
        (ok([]), Broken),
        (ok({}), Broken),
        (ok({"SecretString": 1}), Broken),
        (ok({"SecretBinary": "no base64!"}), Broken),
        (CallFailed(Unreachable("x")), Unreachable),
        (SdkReply(value={}), Broken),
    ],
)
def test_failures(reply, kind):
    got = failure(answered(reply))
    assert isinstance(got, kind)
    assert CANARY not in repr(got)


def test_texts_do_not_change_from_call_to_call():
    texts = {
        failure(answered(error("AccessDeniedException", f"User: x is not authorized (request id: {n})"))).what for n in ("aaaa-1", "bbbb-2")
    }
    assert texts == {"GetSecretValue prod/db: AccessDeniedException: User: x is not authorized"}
    signed = "The signature does not match. Credential=AKIA/20240101/eu, SignedHeaders=x"
    assert "Credential" not in failure(answered(error("InvalidSignatureException", signed))).what


def test_retry_after():
    assert failure(answered(error("ThrottlingException", retry_after="3"))).after_ns == 3 * 10**9


class TestFinding:
    SECRETS = {f"app/{n}": f"v{n}" for n in range(45)} | {"other": "o"}

    def find(self, service=None, **query):
        wanted = Find(**query)
        ran = talk(wanted, replies=service or Service(self.SECRETS), prefix="app/")
        return plain(ran.value[wanted]), [asked(call)[0] for call in ran.calls], ran.calls

    def test_by_name(self):
        found, calls, _ = self.find(name="^app/")
        assert found == {name: text.encode() for name, text in self.SECRETS.items() if name != "other"}
        assert calls == ["ListSecrets", *["BatchGetSecretValue"] * 3]

    def test_by_path(self):
        found, calls, sent = self.find(name="1$", path="app/")
        assert sorted(found) == ["app/1", "app/11", "app/21", "app/31", "app/41"]
        assert calls == ["BatchGetSecretValue"] * 3
        assert asked(sent[0])[1] == {"Filters": [{"Key": "name", "Values": ["app/"]}], "MaxResults": 20}

    def test_by_tags(self):
        _, calls, sent = self.find(tags=(("env", "prod"),))
        assert set(calls) == {"BatchGetSecretValue"}
        assert asked(sent[0])[1]["Filters"] == [{"Key": "tag-key", "Values": ["env"]}, {"Key": "tag-value", "Values": ["prod"]}]

    def test_by_name_and_tags(self):
        _, calls, sent = self.find(name="^app/1$", tags=(("env", "prod"),))
        assert calls == ["ListSecrets", "BatchGetSecretValue"]
        assert len(asked(sent[0])[1]["Filters"]) == 2

    def test_without_the_right_to_batch(self):
        found, calls, _ = self.find(Service({"app/1": "1", "app/2": "2"}, denied=["BatchGetSecretValue"]), path="app/", name=".")
        assert found == {"app/1": b"1", "app/2": b"2"}
        assert calls == ["BatchGetSecretValue", "ListSecrets", "GetSecretValue", "GetSecretValue"]

    def test_what_may_not_be_read(self):
        service = Service({"app/1": "1", "app/2": "2"}, broken={"app/2": "AccessDeniedException"})
        assert self.find(service, path="app/", name=".")[0] == {"app/1": b"1"}
        assert isinstance(failure(self.find(service, name=".")[0]), Refused)

    def test_a_fault_fails_the_find(self):
        service = Service({"app/1": "1", "app/2": "2"}, broken={"app/2": "InternalServiceError"})
        assert isinstance(failure(self.find(service, path="app/", name=".")[0]), Unreachable)

    def test_what_vanishes_is_left_out(self):
        service = Service({"app/1": "1", "app/2": "2"}, broken={"app/2": "ResourceNotFoundException"})
        assert self.find(service, name=".")[0] == {"app/1": b"1"}

    def test_nothing(self):
        assert self.find(Service({}), name=".")[0] == {}

    @pytest.mark.parametrize("query", [Find(), Find(path="x"), Find(name="(")])
    def test_unusable(self, query):
        assert isinstance(failure(answered(query=query)), InvalidSpec)

    def test_pages_without_end_are_cut(self):
        ran = talk(Find(name="."), replies=lambda _: ok({"SecretList": [], "NextToken": "t"}))
        assert "narrow the find" in failure(ran.value[Find(name=".")]).what

    def test_answers_without_end_are_cut(self):
        """Ten thousand secrets may be more than there is memory for."""
        big = {"SecretValues": [{"Name": "n", "SecretString": "x" * 7_000_000}], "NextToken": "t"}
        ran = talk(Find(name="x", path="y"), replies=lambda _: ok(big))
        assert "64 MiB" in failure(ran.value[Find(name="x", path="y")]).what
        assert len(ran.calls) == 10
