"""What the suite cannot know: requests as documented, peculiarities of the reference, each kind of refusal."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, urlsplit

import pytest

from eso_core.door import Absent, Entries, Failed, Find, Found, Get, Probe, Session
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Stale, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.providers.gcpsm import PROVIDER
from eso_core.providers.gcpsm.store import Held, crc32c
from eso_core.wire import CallFailed
from tests.providers.scripts import CANARY, access, entries, failure, ok, parsed, plain, run, value

AUTH = {"secretRef": {"secretAccessKeySecretRef": {"name": "gcp", "key": "key.json"}}}
SPEC = {"projectID": "acme", "auth": AUTH}
SESSION = Session(value=Held("tok", "acme"))
GLOBAL = "https://secretmanager.googleapis.com/v1/projects/acme/secrets"


def use(**more):
    return access("gcpsm", {**SPEC, **more}, {"gcp_key": "{}"})


def ask(query, *replies, store=None):
    return run(PROVIDER.fetch(store or use(), SESSION, (query,)), replies)


def answer(query, *replies, store=None):
    return ask(query, *replies, store=store).value[query]


def accessed(data: bytes, **more):
    return ok({"name": "n", "payload": {"data": base64.b64encode(data).decode(), **more}})


def error(status, code, message="", **headers):
    return ok({"error": {"code": status, "status": code, "message": message}}, status=status, **headers)


NOT_FOUND = error(404, "NOT_FOUND", "Secret [projects/1/secrets/k] not found or has no versions.")


class TestRequests:
    def test_the_latest_version(self):
        [call] = ask(Get(key="k"), accessed(b"v")).calls
        assert (call.method, call.url, call.name, call.body) == ("GET", f"{GLOBAL}/k/versions/latest:access", "AccessSecretVersion", b"")
        assert call.headers == {"Authorization": "Bearer tok", "Accept": "application/json"}

    def test_a_version_of_a_regional_secret(self):
        [call] = ask(Get(key="k", version="7"), accessed(b"v"), store=use(location="europe-west3")).calls
        host = "https://secretmanager.europe-west3.rep.googleapis.com"
        assert call.url == f"{host}/v1/projects/acme/locations/europe-west3/secrets/k/versions/7:access"

    def test_metadata_asks_for_no_more(self):
        [call] = ask(Get(key="k", metadata=True), ok({"name": "n"})).calls
        assert call.url == f"{GLOBAL}/k?fields=name%2Cannotations%2Clabels"
        assert call.name == "GetSecret"

    def test_a_list_asks_for_no_more(self):
        ran = ask(
            Find(name="x", path="app"), ok({"secrets": [{"name": "p/1/secrets/app-x"}], "nextPageToken": "a b"}), ok({}), accessed(b"v")
        )
        first, second, _ = (dict(parse_qsl(urlsplit(call.url).query)) for call in ran.calls)
        asked = {"pageSize": "500", "fields": "secrets(name,labels),nextPageToken", "filter": "name:app"}
        assert (first, second) == (asked, asked | {"pageToken": "a b"})
        assert [call.name for call in ran.calls] == ["ListSecrets", "ListSecrets", "AccessSecretVersion"]

    def test_tags_of_a_regional_store_search_its_location(self):
        query = Find(tags=(("team", "red"), ("env", "")), path="app")
        [call] = ask(query, ok({}), store=use(location="europe-west3")).calls
        assert call.url.startswith("https://secretmanager.europe-west3.rep.googleapis.com/v1/projects/acme/locations/europe-west3/secrets?")
        assert dict(parse_qsl(urlsplit(call.url).query))["filter"] == 'labels.team=red labels.env="" name:app'

    def test_a_probe_makes_no_call(self):
        assert ask(Probe()).calls == []
        assert isinstance(answer(Probe()), Found)


@pytest.mark.parametrize("key", ["", "a/b", "..", "a/../b", "a:access", "a?b", "a b", "ä", "k" * 256, "k\n"])
def test_keys_that_are_no_names(key):
    for query in (Get(key=key), Get(key=key, metadata=True)):
        ran = ask(query)
        assert isinstance(failure(ran.value[query]), InvalidSpec)
        assert ran.calls == []


@pytest.mark.parametrize("version", ["1/2", "..", "1:destroy", "a b", "1?x"])
def test_versions_that_are_none(version):
    assert isinstance(failure(answer(Get(key="k", version=version))), InvalidSpec)


class TestPayloads:
    def test_a_sum_that_fits(self):
        assert value("gcpsm", answer(Get(key="k"), accessed(b"123456789", dataCrc32c=str(0xE3069283)))) == b"123456789"
        assert value("gcpsm", answer(Get(key="k"), accessed(b"123456789", dataCrc32c=0xE3069283))) == b"123456789"

    def test_a_damaged_payload_is_not_used(self):
        failed = failure(answer(Get(key="k"), accessed(CANARY.encode(), dataCrc32c="1")))
        assert isinstance(failed, Unreachable) and "CRC32C" in failed.what and CANARY not in failed.what

    @pytest.mark.parametrize(
        "body", [{}, {"payload": None}, {"payload": {}}, {"payload": {"data": "%%"}}, {"payload": {"data": 1}}, [], b""]
    )
    def test_what_is_no_payload(self, body):
        assert isinstance(failure(answer(Get(key="k"), ok(body))), Broken)

    def test_the_published_vectors(self):
        assert crc32c(b"") == 0
        assert crc32c(b"\x00" * 32) == 0x8A9136AA  # RFC 3720, B.4
        assert crc32c(bytes(range(32))) == 0x46DD794E


class TestWhatAnAnswerMeans:
    def test_missing(self):
        assert answer(Get(key="k"), NOT_FOUND) == Absent()
        assert answer(Get(key="k", metadata=True), NOT_FOUND) == Absent()

    @pytest.mark.parametrize(
        "reply",
        [
            ok(b"<html>404</html>", status=404),
            ok({}, status=404),
            ok({"error": "not found"}, status=404),
            error(404, "NOT_FOUND", "Project 'acme' not found or deleted."),
            error(403, "NOT_FOUND", "Secret [projects/1/secrets/k] not found."),
            ok(b"", status=404),
        ],
    )
    def test_what_is_not_googles_word_on_a_secret(self, reply):
        assert isinstance(answer(Get(key="k"), reply), Failed)

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (error(401, "UNAUTHENTICATED", "expired"), Refused("AccessSecretVersion k/latest: UNAUTHENTICATED: expired", session=True)),
            (error(403, "PERMISSION_DENIED", "no"), Refused("AccessSecretVersion k/latest: PERMISSION_DENIED: no")),
            (error(400, "INVALID_ARGUMENT", "bad"), InvalidSpec("AccessSecretVersion k/latest: INVALID_ARGUMENT: bad")),
            (error(409, "ABORTED", "x"), Stale("AccessSecretVersion k/latest: ABORTED: x")),
            (error(500, "INTERNAL", "x"), Unreachable("AccessSecretVersion k/latest: INTERNAL: x")),
            (error(503, "UNAVAILABLE", "x"), Unreachable("AccessSecretVersion k/latest: UNAVAILABLE: x")),
            (error(400, "ODD", "x"), Broken("AccessSecretVersion k/latest: ODD: x")),
            (ok(b"", status=401), Refused("AccessSecretVersion k/latest: status 401", session=True)),
            (ok(b"", status=403), Refused("AccessSecretVersion k/latest: status 403")),
            (CallFailed(Unreachable("timeout")), Unreachable("timeout")),
        ],
    )
    def test_failures(self, reply, kind):
        assert failure(answer(Get(key="k"), reply)) == kind

    def test_too_many_calls(self):
        failed = failure(answer(Get(key="k"), error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", retry_after="7")))
        assert isinstance(failed, Throttled) and failed.after_ns == 7 * SECOND

    def test_a_redirect(self):
        assert isinstance(failure(answer(Get(key="k"), ok(b"", status=302))), Unreachable)


class TestVersions:
    DISABLED = error(400, "FAILED_PRECONDITION", "Secret Version [projects/1/secrets/k/versions/3] is in DISABLED state.")

    def test_latest_or_fail(self):
        assert isinstance(failure(answer(Get(key="k"), self.DISABLED)), Missing)

    def test_latest_or_fetch(self):
        listed = ok({"versions": [{"name": "projects/1/secrets/k/versions/2", "state": "ENABLED"}]})
        ran = ask(Get(key="k"), self.DISABLED, listed, accessed(b"two"), store=use(secretVersionSelectionPolicy="LatestOrFetch"))
        assert value("gcpsm", ran.value[Get(key="k")]) == b"two"
        asked = dict(parse_qsl(urlsplit(ran.calls[1].url).query))
        assert asked == {"filter": "state:ENABLED", "pageSize": "1", "fields": "versions(name,state),nextPageToken"}
        assert ran.calls[2].url == f"{GLOBAL}/k/versions/2:access"

    def test_it_looks_on_where_a_page_is_empty(self):
        listed = ok({"versions": [{"name": "n/1", "state": "ENABLED"}]})
        replies = (self.DISABLED, ok({"nextPageToken": "t"}), listed, accessed(b"one"))
        ran = ask(Get(key="k"), *replies, store=use(secretVersionSelectionPolicy="LatestOrFetch"))
        assert "pageToken=t" in ran.calls[2].url
        assert value("gcpsm", ran.value[Get(key="k")]) == b"one"

    def test_none_is_enabled(self):
        ran = ask(Get(key="k"), self.DISABLED, ok({}), store=use(secretVersionSelectionPolicy="LatestOrFetch"))
        assert "DISABLED state" in failure(ran.value[Get(key="k")]).what

    @pytest.mark.parametrize("query", [Get(key="k", version="3"), Get(key="k", version="latest")])
    def test_a_version_that_is_asked_for_is_not_replaced(self, query):
        assert isinstance(failure(answer(query, self.DISABLED, store=use(secretVersionSelectionPolicy="LatestOrFetch"))), Missing)

    def test_other_preconditions_are_not_looked_around(self):
        odd = error(400, "FAILED_PRECONDITION", "CMEK key is unavailable")
        assert isinstance(failure(answer(Get(key="k"), odd, store=use(secretVersionSelectionPolicy="LatestOrFetch"))), Missing)


class TestMetadata:
    HELD = ok({"name": "n", "annotations": {"a.b/c": "<x>", "d": '{"e":1}'}, "labels": {"team": "red"}})

    def held(self):
        return answer(Get(key="k", metadata=True), self.HELD)

    def test_properties(self):
        found = self.held()
        assert value("gcpsm", found, "annotations.a.b/c") == b"<x>"
        assert value("gcpsm", found, "labels.team") == b"red"
        assert value("gcpsm", found, "labels") == b'{"team":"red"}'
        assert value("gcpsm", found, "annotations") == b'{"a.b/c":"\\u003cx\\u003e","d":"{\\"e\\":1}"}'

    def test_missing_ones(self):
        assert failure(value("gcpsm", self.held(), "labels.x")) == Missing("label with key x does not exist in the secret")
        assert failure(value("gcpsm", self.held(), "annotations.a")) == Missing("annotation with key a does not exist in the secret")
        for prop in ("team", "annotations.", "label", ".labels"):
            assert isinstance(failure(value("gcpsm", self.held(), prop)), InvalidSpec)

    def test_there_are_none(self):
        assert value("gcpsm", answer(Get(key="k", metadata=True), ok({"name": "n"}))) == b'{"annotations":null,"labels":null}'

    def test_extracted(self):
        assert entries("gcpsm", self.held(), "labels") == {"team": b"red"}
        assert entries("gcpsm", self.held(), "annotations.d") == {"e": b"1"}
        assert set(entries("gcpsm", self.held())) == {"annotations", "labels"}
        assert isinstance(failure(entries("gcpsm", self.held(), "labels.team")), Broken)

    def test_an_answer_without_a_name_is_none(self):
        assert isinstance(failure(answer(Get(key="k", metadata=True), ok({"labels": {"a": "b"}}))), Broken)


class TestFinds:
    LISTED = ok({"secrets": [{"name": f"projects/1/secrets/{key}", "labels": {"t": "x"}} for key in ("app-a", "app-b", "my-app-a")]})

    def test_a_path_is_a_prefix(self):
        found = answer(Find(name=".", path="app-"), self.LISTED, accessed(b"1"), accessed(b"2"))
        assert plain(found) == {"app-a": b"1", "app-b": b"2"}

    def test_a_name_wins_over_tags(self):
        ran = ask(Find(name="a$", tags=(("t", "other"),)), self.LISTED, accessed(b"1"), accessed(b"2"))
        assert set(plain(ran.value[Find(name="a$", tags=(("t", "other"),))])) == {"app-a", "my-app-a"}
        assert "filter" not in ran.calls[0].url

    def test_labels_are_looked_at_again(self):
        assert plain(answer(Find(tags=(("t", "y"),)), self.LISTED)) == {}

    def test_what_vanishes_or_has_no_version_is_left_out(self):
        assert plain(answer(Find(name="^app"), self.LISTED, NOT_FOUND, accessed(b"2"))) == {"app-b": b"2"}

    def test_what_may_not_be_read_fails_the_find(self):
        assert isinstance(failure(answer(Find(name="^app"), self.LISTED, error(403, "PERMISSION_DENIED", "no"))), Refused)

    @pytest.mark.parametrize(
        "query",
        [Find(), Find(path="a"), Find(name="("), Find(name="a", path="a b"), Find(name="a", path="a OR b"), Find(tags=(("a b", "c"),)),
         Find(tags=(("a", "b OR labels.c=d"),)), Find(tags=(("a", 'b"'),))],
    )  # fmt: skip
    def test_refused(self, query):
        ran = ask(query)
        assert isinstance(failure(ran.value[query]), InvalidSpec)
        assert ran.calls == []

    def test_a_missing_project_is_a_failure(self):
        assert isinstance(failure(answer(Find(name="."), error(404, "NOT_FOUND", "Project not found."))), Missing)
        assert isinstance(failure(answer(Find(name="."), NOT_FOUND)), Missing)

    def test_pages_without_an_end(self):
        count = 0

        def reply(call):
            nonlocal count
            count += 1
            return ok({"secrets": [{"name": f"s/{count}-{number}"} for number in range(500)], "nextPageToken": str(count)})

        ran = run(PROVIDER.fetch(use(), SESSION, (Find(name="x"),)), reply)
        assert isinstance(failure(ran.value[Find(name="x")]), Broken) and count == 21

    def test_a_token_that_leads_nowhere(self):
        same = ok({"nextPageToken": "t"})
        assert isinstance(failure(answer(Find(name="x"), same, same)), Broken)

    def test_an_object_of_another_kind_is_no_empty_list(self):
        assert isinstance(failure(answer(Find(name="x"), ok({"items": []}))), Broken)

    def test_nothing_is_found(self):
        found = answer(Find(name="x"), ok({}))
        assert isinstance(found, Found) and found.payload == Entries({})


class TestParsing:
    @pytest.mark.parametrize(
        ("spec", "path"),
        [
            ({"auth": AUTH}, "projectID"),
            ({"projectID": "a/b", "auth": AUTH}, "projectID"),
            ({"projectID": "..", "auth": AUTH}, "projectID"),
            ({"projectID": "a", "location": "evil.example/"}, "location"),
            ({"projectID": "a", "location": "eu.x"}, "location"),
            ({"projectID": "a", "auth": {"secretRef": {}}}, "auth.secretRef.secretAccessKeySecretRef"),
            ({"auth": {"workloadIdentity": {"serviceAccountRef": {"name": "x"}}}}, "auth.workloadIdentity.clusterProjectID"),
            ({"projectID": "a", "auth": {"workloadIdentityFederation": {}}}, "auth.workloadIdentityFederation"),
            (
                {"projectID": "a", "auth": {"workloadIdentityFederation": {"serviceAccountRef": {"name": "x"}}}},
                "auth.workloadIdentityFederation.audience",
            ),
        ],
    )
    def test_refused(self, spec, path):
        wrong = parsed("gcpsm", spec)
        assert isinstance(wrong, InvalidSpec) and wrong.path == f"spec.provider.gcpsm.{path}"

    def test_projects(self):
        assert parsed("gcpsm", {"projectID": "example.com:acme"}).project == "example.com:acme"
        assert parsed("gcpsm", {}).project == ""
        workload = {"workloadIdentity": {"serviceAccountRef": {"name": "x"}, "clusterProjectID": "cluster"}}
        assert parsed("gcpsm", {"auth": workload}).project == "cluster"
        assert parsed("gcpsm", {"auth": workload, "projectID": "secrets"}).project == "secrets"
