"""Conversations with an API server whose Secrets are read."""

from __future__ import annotations

import base64
import json

import pytest

from eso_core.door import Absent, AccountToken, Entries, Failed, Find, Found, Get, Probe, SecretKey
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.wire import CallFailed
from tests.providers.scripts import CANARY, access, ask, entries, failure, ok, one, parsed, plain, provider, value

AUTH = {"auth": {"token": {"bearerToken": {"name": "t", "key": "k"}}}}
SPEC = {"server": {"url": "https://api.example:6443/"}, "remoteNamespace": "apps", **AUTH}
KEY = Get(key="db")
META = Get(key="db", metadata=True)


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def secret(name="db", labels=None, annotations=None, **data):
    meta = {"name": name, "labels": labels, "annotations": annotations}
    return {"metadata": {k: v for k, v in meta.items() if v is not None}, "data": {key: b64(text) for key, text in data.items()}}


def status(code, reason, message="", kind="secrets"):
    return ok({"kind": "Status", "message": message, "reason": reason, "code": code, "details": {"kind": kind}}, code)


NOT_FOUND = status(404, "NotFound", 'secrets "db" not found')


def store(spec=SPEC):
    return access("kubernetes", spec, {"token": f"{CANARY}\n"})


class TestReading:
    ANSWER = ok(secret(user="u", j='{"a":{"b":"c"}}', file_png=b"\xff\x00"))

    def test_one_call(self):
        ran = ask("kubernetes", store(), KEY, replies=[self.ANSWER])
        [call] = ran.calls
        assert (call.method, call.url) == ("GET", "https://api.example:6443/api/v1/namespaces/apps/secrets/db")
        assert call.headers["Authorization"] == f"Bearer {CANARY}"
        assert entries("kubernetes", ran.value[KEY]) == {"user": b"u", "j": b'{"a":{"b":"c"}}', "file_png": b"\xff\x00"}

    def test_properties(self):
        answer = one("kubernetes", store(), KEY, self.ANSWER)
        assert value("kubernetes", answer, "user") == b"u"
        assert value("kubernetes", answer, "j.a.b") == b"c"
        assert value("kubernetes", answer, "file_png") == b"\xff\x00"
        assert isinstance(value("kubernetes", answer, "nope"), Failed)
        assert json.loads(value("kubernetes", answer)) == {"user": "u", "j": '{"a":{"b":"c"}}', "file_png": "\ufffd\x00"}

    def test_a_secret_without_data(self):
        answer = one("kubernetes", store(), KEY, ok({"metadata": {"name": "db"}}))
        assert entries("kubernetes", answer) == {}
        assert value("kubernetes", answer) == b"{}"

    def test_metadata(self):
        answer = one("kubernetes", store(), META, ok(secret(labels={"team": "<x>"}, annotations={"j": '{"k":"v"}'})))
        assert value("kubernetes", answer) == b'{"annotations":{"j":"{\\"k\\":\\"v\\"}"},"labels":{"team":"<x>"}}'
        assert value("kubernetes", answer, "labels") == b'{"team":"<x>"}'
        assert value("kubernetes", answer, "labels.team") == b"<x>"
        assert value("kubernetes", answer, "annotations.j.k") == b"v"
        assert isinstance(value("kubernetes", answer, "labels.nope"), Failed)
        assert isinstance(value("kubernetes", answer, "name"), Failed)
        assert entries("kubernetes", answer) == {"labels": b'{"team":"<x>"}', "annotations": b'{"j":"{\\"k\\":\\"v\\"}"}'}

    def test_metadata_that_is_not_there(self):
        answer = one("kubernetes", store(), META, ok(secret()))
        assert value("kubernetes", answer) == b'{"annotations":null,"labels":null}'
        assert value("kubernetes", answer, "labels") == b"null"

    def test_a_key_that_is_no_text(self):
        ran = ask("kubernetes", store(), Get(key="\ud800"), replies=[NOT_FOUND])
        assert ran.calls[0].url.endswith("/secrets/%3F")

    @pytest.mark.parametrize("key", ["", ".", "..", "a/b", "../configmaps/x", "a%2fb"])
    def test_a_key_is_a_name(self, key):
        assert isinstance(failure(one("kubernetes", store(), Get(key=key))), InvalidSpec)


class TestMissing:
    @pytest.mark.parametrize("query", [KEY, META])
    def test_absent(self, query):
        assert one("kubernetes", store(), query, NOT_FOUND) == Absent()

    @pytest.mark.parametrize(
        "reply", [ok(b"<html>", 404), ok({}, 404), status(404, "NotFound", "namespaces not found", "namespaces"), ok(b"", 404)]
    )
    def test_another_404_is_not_a_missing_secret(self, reply):
        assert isinstance(failure(one("kubernetes", store(), KEY, reply)), Missing)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (status(401, "Unauthorized", "Unauthorized"), Refused),
        (status(403, "Forbidden", "secrets is forbidden"), Refused),
        (status(429, "TooManyRequests"), Throttled),
        (ok(b"", 500), Unreachable),
        (status(503, "ServiceUnavailable"), Unreachable),
        (ok(b"", 301, location="https://elsewhere"), Unreachable),
        (ok(b"", 200), Broken),
        (ok(b"{", 200), Broken),
        (ok([]), Broken),
        (ok({"metadata": {"name": "db"}, "data": {"a": 1}}), Broken),
        (ok({"metadata": {"name": "db"}, "data": {"a": "no base64!"}}), Broken),
        (ok({"metadata": {"name": "db"}, "data": ["a"]}), Broken),
        (status(422, "Invalid"), Broken),
        (CallFailed(Unreachable("x")), Unreachable),
    ],
)
@pytest.mark.parametrize("query", [KEY, META, Find(name=".*")])
def test_failures(query, reply, kind):
    got = failure(one("kubernetes", store(), query, reply))
    assert isinstance(got, kind)
    assert CANARY not in repr(got)


def test_refused_credentials_may_be_renewed():
    assert failure(one("kubernetes", store(), KEY, status(401, "Unauthorized", "Unauthorized"))).session
    assert not failure(one("kubernetes", store(), KEY, status(403, "Forbidden"))).session


class TestFinding:
    def test_by_name_over_pages(self):
        query = Find(name="^rem")
        pages = [
            ok({"items": [secret("remote", user="u"), secret("other")], "metadata": {"continue": "n/x+t"}}),
            ok({"items": [secret("remote2", a="<")], "metadata": {}}),
        ]
        ran = ask("kubernetes", store(), query, replies=pages)
        assert plain(ran.value[query]) == {"remote": b'{"user":"u"}', "remote2": b'{"a":"<"}'}
        assert ran.calls[1].url.endswith("/secrets?limit=100&continue=n%2Fx%2Bt")

    def test_by_labels(self):
        query = Find(name="ignored", tags=(("team", "x"), ("a/b", "")))
        ran = ask("kubernetes", store(), query, replies=[ok({"items": [secret("one")]})])
        assert plain(ran.value[query]) == {"one": b"{}"}
        assert ran.calls[0].url.endswith("?limit=100&labelSelector=team%3Dx%2Ca%2Fb%3D")

    def test_nothing(self):
        assert one("kubernetes", store(), Find(name="x"), ok({"items": None})) == Found(Entries({}))

    @pytest.mark.parametrize("query", [Find(), Find(name="("), Find(tags=(("a", "b,c!=d"),)), Find(tags=(("a in (b)", ""),))])
    def test_unusable(self, query):
        assert isinstance(failure(one("kubernetes", store(), query)), InvalidSpec)

    def test_a_list_that_grew_stale(self):
        assert isinstance(failure(one("kubernetes", store(), Find(name="x"), status(410, "Expired"))), Unreachable)

    def test_a_list_without_end_is_cut(self):
        page = ok({"items": [{"metadata": {"name": str(n)}} for n in range(100)], "metadata": {"continue": "x"}})
        answer = ask("kubernetes", store(), Find(name="x"), replies=lambda _: page).value[Find(name="x")]
        assert "narrow the find" in failure(answer).what


class TestProbe:
    @staticmethod
    def rules(**rule):
        return ok({"status": {"resourceRules": [rule]}}, 201)

    @pytest.mark.parametrize(
        "rule",
        [
            {"resources": ["secrets"], "verbs": ["list", "get"], "apiGroups": [""]},
            {"resources": ["*"], "verbs": ["*"], "apiGroups": ["*"]},
            {"resources": ["secrets"], "verbs": ["get"]},
        ],
    )
    def test_granted_by_a_rule(self, rule):
        ran = ask("kubernetes", store(), Probe(), replies=[self.rules(**rule)])
        assert ran.value[Probe()] == Found(Entries({}))
        [call] = ran.calls
        assert json.loads(call.body)["spec"] == {"namespace": "apps"}
        assert call.name == "CreateSelfSubjectRulesReview"

    @pytest.mark.parametrize(
        "rule",
        [
            {"resources": ["pods"], "verbs": ["get"], "apiGroups": [""]},
            {"resources": ["secrets"], "verbs": ["list"], "apiGroups": [""]},
            {"resources": ["secrets"], "verbs": ["get"], "apiGroups": ["apps"]},
            {},
        ],
    )
    def test_the_authorizer_decides_else(self, rule):
        yes, no = ok({"status": {"allowed": True}}, 201), ok({"status": {"allowed": False}}, 201)
        assert one("kubernetes", store(), Probe(), self.rules(**rule), yes) == Found(Entries({}))
        answer = one("kubernetes", store(), Probe(), self.rules(**rule), no)
        assert answer == Failed(Refused("client is not allowed to get secrets"))

    @pytest.mark.parametrize("reply", [status(401, "Unauthorized", "Unauthorized"), ok(b"x"), CallFailed(Unreachable("x")), ok({}, 404)])
    def test_not_known(self, reply):
        answer = one("kubernetes", store(), Probe(), reply)
        assert isinstance(answer, Failed)
        assert answer.unsure


class TestParsing:
    def test_account_token(self):
        spec = {"auth": {"serviceAccount": {"name": "reader", "audiences": ["a"], "namespace": "x"}}}
        form = parsed("kubernetes", spec)
        assert provider("kubernetes").needs(form) == {"token": AccountToken("reader", ("a",), "x", 3600)}
        assert (form.connection.server, form.namespace) == ("https://kubernetes.default", "default")

    def test_client_certificate(self):
        spec = {"auth": {"cert": {"clientCert": {"name": "c", "key": "crt"}, "clientKey": {"name": "c", "key": "key"}}}}
        use = access("kubernetes", spec, {"client_cert": "C", "client_key": CANARY})
        assert provider("kubernetes").needs(use.spec) == {"client_cert": SecretKey("c", "crt"), "client_key": SecretKey("c", "key")}
        [call] = ask("kubernetes", use, KEY, replies=[NOT_FOUND]).calls
        assert (call.tls.cert_pem, call.tls.key_pem) == (b"C", CANARY.encode())
        assert "Authorization" not in call.headers

    @pytest.mark.parametrize(
        ("url", "server"),
        [
            ("kubernetes.default", "https://kubernetes.default"),
            ("https://api:6443", "https://api:6443"),
            ("api.example:443/clusters/x/", "https://api.example:443/clusters/x"),
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ],
    )
    def test_addresses(self, url, server):
        assert parsed("kubernetes", {**SPEC, "server": {"url": url}}).connection.server == server

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"auth": None}, "no auth provider given"),
            ({"auth": {}}, "no auth provider given"),
            ({"auth": {**AUTH["auth"], "serviceAccount": {"name": "x"}}}, "multiple auth methods"),
            ({"auth": {"token": {"bearerToken": {"key": "k"}}}}, "auth.token.bearerToken.name"),
            ({"auth": {"token": {"bearerToken": {"name": "x"}}}}, "auth.token.bearerToken.key"),
            ({"auth": {"cert": {"clientCert": {"key": "k"}, "clientKey": {"name": "x", "key": "k"}}}}, "auth.cert.clientCert.name"),
            ({"auth": {"cert": {"clientCert": {"name": "x", "key": "k"}, "clientKey": {"name": "x"}}}}, "auth.cert.clientKey.key"),
            ({"auth": None, "authRef": {"name": "x"}}, "authRef.key"),
            ({"remoteNamespace": "../x"}, "namespace"),
            ({"authRef": {"name": "x", "key": "y"}}, "cannot both be set"),
            ({"server": {"url": "ftp://x"}}, "https://"),
            ({"server": {"url": "https://u:p@x"}}, "https://"),
            ({"server": {"url": "https://x:y"}}, "URL"),
            ({"server": {"caBundle": b64("nonsense")}}, "caBundle"),
        ],
    )
    def test_unusable(self, change, text):
        spec = {key: item for key, item in {**SPEC, **change}.items() if item is not None}
        wrong = parsed("kubernetes", spec)
        assert isinstance(wrong, InvalidSpec)
        assert text in f"{wrong.what} {wrong.path}"
