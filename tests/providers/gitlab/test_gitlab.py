"""What the suite cannot know of GitLab: requests as documented, scopes, the order of groups, each kind of refusal."""

from __future__ import annotations

import orjson
import pytest

from eso_core.door import Failed, Find, Found, Get, Probe
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.providers.gitlab import PROVIDER
from eso_core.wire import HttpReply
from tests.providers.gitlab.case import spec
from tests.providers.gitlab.server import PARENT, PROJECT, TOP, GitLab
from tests.providers.scripts import CANARY, access, ask, entries, failure, ok, parsed, plain, run, value

API = "https://gitlab.example/api/v4"
BOTH = {"projectID": "1", "groupIDs": ["2"], "inheritFromGroups": True}
GONE = ok({"message": "404 Variable Not Found"}, status=404)


def use(**more):
    return access("gitlab", spec(**more), {"access_token": " glpat-token-0\n"})


def variable(text, key="K", scope="*"):
    return ok({"key": key, "value": text, "environment_scope": scope, "variable_type": "env_var"})


def answer(store, query, server):
    return ask("gitlab", store, query, replies=server.answer, login=server.answer).value[query]


class TestRequests:
    def test_a_get(self):
        [call] = ask("gitlab", use(projectID="7"), Get(key="my-key"), replies=[variable("v", "my_key")]).calls
        assert (call.method, call.url, call.name, call.body) == ("GET", f"{API}/projects/7/variables/my_key", "ProjectVariableGet", b"")
        assert call.headers == {"Accept": "application/json", "PRIVATE-TOKEN": "glpat-token-0"}

    def test_an_environment_is_a_filter_and_then_the_scope_for_all(self):
        calls = ask("gitlab", use(projectID="7", environment="review/*"), Get(key="K"), replies=[GONE, variable("v")]).calls
        asked = [call.url.partition("?")[2] for call in calls]
        assert asked == ["filter%5Benvironment_scope%5D=review%2F%2A", "filter%5Benvironment_scope%5D=%2A"]

    def test_a_project_is_named_by_its_path(self):
        [call] = ask("gitlab", use(projectID="acme/shop.x"), Get(key="K"), replies=[variable("v")]).calls
        assert call.url == f"{API}/projects/acme%2Fshop.x/variables/K"

    @pytest.mark.parametrize(
        ("url", "api"), [("https://g.example/", "https://g.example/api/v4"), ("https://g.example/x/api/v4", "https://g.example/x/api/v4")]
    )
    def test_the_api_is_below_the_url(self, url, api):
        assert parsed("gitlab", {**spec(projectID="7"), "url": url}).api == api
        assert parsed("gitlab", {**spec(projectID="7"), "url": ""}).api == "https://gitlab.com/api/v4"

    def test_a_probe_asks_for_one_variable_of_each_place(self):
        calls = ask("gitlab", use(groupIDs=["3", "20"]), Probe(), replies=[ok([]), ok([])]).calls
        assert [call.url for call in calls] == [f"{API}/groups/{ident}/variables?page=1&per_page=1" for ident in ("20", "3")]
        assert [call.name for call in calls] == ["GroupVariablesList"] * 2


class TestGroups:
    def test_a_login_makes_no_call_unless_groups_are_inherited(self):
        assert run(PROVIDER.login(use(projectID="7"))).calls == []

    def test_inherited_groups_go_by_the_length_of_their_paths(self):
        groups = [{"id": 1, "full_path": "a/b/c"}, {"id": 2, "full_path": "a"}, {"id": 3, "full_path": "a/b"}]
        ran = run(PROVIDER.login(use(projectID="7", inheritFromGroups=True)), [ok(groups, x_next_page="")])
        assert ran.calls[0].url == f"{API}/projects/7/groups?page=1&per_page=100"
        assert (ran.value.value.ids, ran.value.lease_s) == (("2", "3", "1"), 60.0)

    def test_the_nearest_group_goes_first_under_both_scopes(self):
        server = GitLab()
        server.define(f"groups/{TOP}", "K", "far", "prod")
        store = use(projectID=PROJECT, inheritFromGroups=True, environment="prod")
        assert value("gitlab", answer(store, Get(key="K"), server)) == b"far"
        server.define(f"groups/{PARENT}", "K", "near")
        assert value("gitlab", answer(store, Get(key="K"), server)) == b"near"
        server.define(f"projects/{PROJECT}", "K", "own")
        assert value("gitlab", answer(store, Get(key="K"), server)) == b"own"

    def test_a_missing_project_is_no_missing_variable(self):
        store = use(projectID="8", groupIDs=[PARENT])
        server = GitLab()
        server.define(f"groups/{PARENT}", "K", "another value")
        told = failure(answer(store, Get(key="K"), server))
        assert told == Missing(f"GitLab GET {API}/projects/8/variables/K: 404 Project Not Found")

    def test_a_denied_group_is_no_missing_variable(self):
        server = GitLab(denied={f"groups/{PARENT}"})
        server.define(f"groups/{TOP}", "K", "another value")
        told = failure(answer(use(projectID=PROJECT, groupIDs=[TOP, PARENT]), Get(key="K"), server))
        assert told == Refused(f"GitLab GET {API}/groups/{PARENT}/variables/K: 403 Forbidden")


class TestFind:
    def found(self, server, query, **more):
        return plain(answer(use(**{"projectID": PROJECT, "groupIDs": [TOP, PARENT], **more}), query, server))

    def test_the_nearer_overrides_and_all_environments_override_none(self):
        server = GitLab()
        for name in ("A", "B", "C", "D"):
            server.define(f"groups/{TOP}", name, f"top {name}", "prod" if name == "B" else "*")
        for name in ("A", "B", "C"):
            server.define(f"groups/{PARENT}", name, f"parent {name}")
        server.define(f"projects/{PROJECT}", "C", "project C")
        wanted = {"A": b"parent A", "B": b"top B", "C": b"project C", "D": b"top D"}
        assert self.found(server, Find(name=".")) == wanted

    def test_a_scope_leaves_out_others(self):
        server = GitLab()
        for scope in ("prod", "*", "test"):
            server.define(f"projects/{PROJECT}", "K", f"for {scope}", scope)
        server.define(f"projects/{PROJECT}", "OTHER", "x", "test")
        assert self.found(server, Find(name=".", tags=(("environment_scope", "prod"),))) == {"K": b"for prod"}
        assert self.found(server, Find(name="."), environment="prod") == {"K": b"for prod"}
        assert self.found(server, Find(name=".", tags=(("environment_scope", "*"),)), environment="prod") == {
            "K": b"for test",
            "OTHER": b"x",
        }

    def test_a_hidden_variable_hides_what_is_behind_it(self):
        server = GitLab()
        server.define(f"groups/{TOP}", "K", "of the group")
        server.define(f"projects/{PROJECT}", "K", None)
        assert self.found(server, Find(name=".")) == {}
        told = failure(answer(use(projectID=PROJECT), Get(key="K"), server))
        assert isinstance(told, Refused) and "hidden" in told.what

    @pytest.mark.parametrize(
        ("query", "text"),
        [
            (Find(), "'find.name' is mandatory"),
            (Find(name=".", path="x"), "'find.path' is not implemented"),
            (Find(name=".", tags=(("team", "x"),)), "'find.tags' only supports 'environment_scope'"),
        ],
    )
    def test_what_cannot_be_found_by(self, query, text):
        told = failure(answer(use(projectID="7"), query, GitLab()))
        assert isinstance(told, InvalidSpec) and told.what.startswith(text)

    def test_one_environment_is_not_another(self):
        query = Find(name=".", tags=(("environment_scope", "test"),))
        told = failure(answer(use(projectID="7", environment="prod"), query, GitLab()))
        assert told == InvalidSpec("'find.tags' is constrained by 'environment_scope' of the store")

    def test_a_full_page_has_a_next_one_where_a_proxy_takes_the_header(self):
        full = [{"key": f"K{number}", "value": "v"} for number in range(100)]
        ran = ask("gitlab", use(projectID="7"), Find(name="."), replies=[ok(full), ok([{"key": "LAST", "value": "v"}])])
        assert [call.url.rpartition("?")[2] for call in ran.calls] == ["page=1&per_page=100", "page=2&per_page=100"]
        assert len(plain(ran.value[Find(name=".")])) == 101


class TestAnswers:
    @pytest.mark.parametrize(
        ("reply", "wanted"),
        [
            (ok({"message": "401 Unauthorized"}, 401), Refused(f"GitLab GET {API}/projects/7/variables/K: 401 Unauthorized", session=True)),
            (
                ok({"error": "insufficient_scope", "error_description": "needs api"}, 403),
                Refused(f"GitLab GET {API}/projects/7/variables/K: insufficient_scope: needs api"),
            ),
            (ok({"message": {"key": ["x"]}}, 409), Broken(f"GitLab GET {API}/projects/7/variables/K: status 409")),
            (ok(b"", 502), Unreachable(f"GitLab GET {API}/projects/7/variables/K: status 502")),
            (ok(b"", 429, retry_after="5"), Throttled(f"GitLab GET {API}/projects/7/variables/K: too many requests", 5 * SECOND)),
            (GONE, Missing("GitLab has no variable K in the project or the groups of the store")),
        ],
    )
    def test_a_failure_by_its_class(self, reply, wanted):
        assert failure(ask("gitlab", use(projectID="7"), Get(key="K"), replies=[reply]).value[Get(key="K")]) == wanted

    def test_several_scopes_without_an_environment(self):
        server = GitLab()
        server.define(f"projects/{PROJECT}", "K", "a", "prod")
        server.define(f"projects/{PROJECT}", "K", "b", "test")
        assert "filter[environment_scope]" in failure(answer(use(projectID=PROJECT), Get(key="K"), server)).what

    def test_another_variable_is_no_answer(self):
        told = failure(ask("gitlab", use(projectID="7"), Get(key="K"), replies=[variable(CANARY, "L")]).value[Get(key="K")])
        assert isinstance(told, Broken) and CANARY not in told.what

    @pytest.mark.parametrize("key", ["", "a.b", "..", "a/b", "x" * 256])
    def test_what_is_no_key_makes_no_call(self, key):
        ran = ask("gitlab", use(projectID="7"), Get(key=key))
        assert isinstance(failure(ran.value[Get(key=key)]), InvalidSpec) and ran.calls == []

    def test_a_token_that_would_break_the_header_makes_no_call(self):
        store = access("gitlab", spec(projectID="7"), {"access_token": "a\r\nX-Evil: 1"})
        ran = ask("gitlab", store, Get(key="K"))
        assert isinstance(failure(ran.value[Get(key="K")]), Refused) and ran.calls == []

    def test_entries_are_texts(self):
        found = answer_of(b'{"a": "x", "none": null}')
        assert entries("gitlab", found) == {"a": b"x", "none": b""}
        assert isinstance(entries("gitlab", answer_of(b'{"n": 7}')), Failed)


def answer_of(raw):
    query = Get(key="K")
    found = ask("gitlab", use(projectID="7"), query, replies=[variable(raw.decode())]).value[query]
    assert isinstance(found, Found)
    return found


class TestSpec:
    @pytest.mark.parametrize(
        ("more", "text"),
        [
            ({}, "projectID and groupIDs must not both be empty"),
            (
                {"projectID": "1", "groupIDs": ["2"], "inheritFromGroups": True},
                "defining groupIDs and inheritFromGroups = true is not allowed",
            ),
            ({"projectID": ".."}, "must be the id or the path of a project"),
            ({"groupIDs": ["1", ""]}, "must be ids of groups"),
            ({"projectID": "1", "url": "ftp://x"}, "must be a URL that starts with https:// or http://"),
            ({"projectID": "1", "auth": {"SecretRef": {"accessToken": {"name": "x"}}}}, "accessToken.key cannot be empty"),
            ({"projectID": "1", "auth": {"SecretRef": {"accessToken": {"key": "x"}}}}, "accessToken.name cannot be empty"),
            ({"projectID": "1", "caBundle": "bm8="}, "caBundle is not a PEM certificate"),
        ],
    )
    def test_what_is_refused(self, more, text):
        told = parsed("gitlab", spec(**more))
        assert isinstance(told, InvalidSpec) and told.what == text


def test_the_server_pages():
    server = GitLab()
    for number in range(6):
        server.put(f"K{number}", b"v", {})
    call = ask("gitlab", use(projectID=PROJECT), Find(name="."), replies=server.answer).calls[0]
    reply = server.answer(call)
    assert isinstance(reply, HttpReply) and len(orjson.loads(reply.body)) == 5 and reply.headers["x-next-page"] == "2"
