"""Conversations with Vault."""

from __future__ import annotations

import pytest

from eso_core.door import Absent, Failed, Find, Get
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.wire import CallFailed, SdkReply
from tests.providers.scripts import CANARY, access, ask, entries, failure, ok, one, plain, value

TOKEN = {"auth": {"tokenSecretRef": {"name": "t", "key": "k"}}}
V2 = {"server": "https://vault.example:8200", "path": "secret", **TOKEN}
V1 = {**V2, "version": "v1"}
ROLE = {**V2, "auth": {"appRole": {"path": "approle", "roleId": " role ", "secretRef": {"name": "s", "key": "id"}}}}
LOGGED_IN = ok({"auth": {"client_token": "hvs.x", "lease_duration": 3600, "renewable": True}})
KEY = Get(key="app/db")


def store(spec=V2):
    return access("vault", spec, {"token": CANARY})


def kv2(data, **more):
    return ok({"data": {"data": data, "metadata": {"version": 1}}, **more})


class TestReading:
    def test_version_2(self):
        ran = ask("vault", store(), KEY, replies=[kv2({"user": "u"})])
        [call] = ran.calls
        assert (call.method, call.url) == ("GET", "https://vault.example:8200/v1/secret/data/app/db")
        assert call.headers["X-Vault-Token"] == CANARY
        assert call.name == "ReadSecretData"
        assert value("vault", ran.value[KEY]) == b'{"user":"u"}'
        assert value("vault", ran.value[KEY], "user") == b"u"

    def test_version_1(self):
        ran = ask("vault", store(V1), KEY, replies=[ok({"data": {"user": "u"}})])
        assert ran.calls[0].url == "https://vault.example:8200/v1/secret/app/db"
        assert entries("vault", ran.value[KEY]) == {"user": b"u"}

    def test_a_version_is_part_of_the_query(self):
        query = Get(key="app/db", version="3&x")
        ran = ask("vault", store(), query, replies=[kv2({})])
        assert ran.calls[0].url == "https://vault.example:8200/v1/secret/data/app/db?version=3%26x"

    def test_without_a_mount(self):
        use = store({"server": "https://vault.example/base/", **TOKEN})
        assert ask("vault", use, Get(key="kv/app"), replies=[kv2({})]).calls[0].url == "https://vault.example/base/v1/kv/data/app"

    def test_odd_characters_stay_in_the_path(self):
        ran = ask("vault", store(), Get(key="a b/ü?x#y%2e"), replies=[kv2({})])
        assert ran.calls[0].url.endswith("/v1/secret/data/a%20b/%C3%BC%3Fx%23y%252e")

    def test_doubled_slashes_do_not_count(self):
        assert ask("vault", store(), Get(key="/app//db/"), replies=[kv2({})]).calls[0].url.endswith("/v1/secret/data/app/db")

    @pytest.mark.parametrize("key", ["../sys/mounts", "a/../../x", ".."])
    def test_a_key_does_not_climb(self, key):
        assert isinstance(failure(one("vault", store(), Get(key=key))), InvalidSpec)

    @pytest.mark.parametrize("key", ["auth/token/lookup-self", "/auth//token/lookup-self"])
    def test_a_key_does_not_name_the_token(self, key):
        use = store({"server": "https://vault.example", "version": "v1", **TOKEN})
        assert isinstance(failure(one("vault", use, Get(key=key))), InvalidSpec)

    def test_numbers_keep_their_text(self):
        answer = one("vault", store(), KEY, ok(b'{"data":{"data":{"n":12345678901234567890,"d":1.50}}}'))
        assert value("vault", answer) == b'{"d":1.50,"n":12345678901234567890}'
        assert value("vault", answer, "n") == b"12345678901234567890"

    def test_properties(self):
        answer = one("vault", store(), KEY, kv2({"a.b": "flat", "a": {"b": "deep", "c": [1, 2]}, "t": True, "n": None}))
        assert value("vault", answer, "a.b") == b"flat"
        assert value("vault", answer, "a.c.1") == b"2"
        assert value("vault", answer, "t") == b"true"
        assert value("vault", answer, "n") == b""
        assert "cannot find secret data for key" in failure(value("vault", answer, "nope")).what
        assert entries("vault", answer, "a") == {"b": b"deep", "c": b"[1,2]"}


class TestMissing:
    @pytest.mark.parametrize(
        "reply",
        [
            ok({"errors": []}, 404),
            ok({"data": {"data": None, "metadata": {"deletion_time": "2024-01-01T00:00:00Z"}}}, 404),
            ok({"data": {"data": None, "metadata": {}}}),
        ],
    )
    def test_absent(self, reply):
        assert one("vault", store(), KEY, reply) == Absent()

    def test_absent_in_version_1(self):
        assert one("vault", store(V1), KEY, ok({"errors": []}, 404)) == Absent()
        assert one("vault", store(V1), KEY, ok({"data": None})) == Absent()

    @pytest.mark.parametrize(
        "reply",
        [
            ok(b"", 404),
            ok(b"404 page not found", 404),
            ok({"message": "no Route matched"}, 404),
            ok({"errors": ["namespace not found"]}, 404),
            ok({"errors": [], "warnings": ["Invalid path for a versioned K/V secrets engine. See the API docs."]}, 404),
        ],
    )
    def test_another_404_is_not_a_missing_secret(self, reply):
        assert isinstance(failure(one("vault", store(), KEY, reply)), Missing)
        assert isinstance(failure(one("vault", store(), Find(name="."), reply)), Missing)

    def test_no_mount_is_not_a_missing_secret(self):
        text = 'no handler for route "secret/data/app/db". route entry not found.'
        assert failure(one("vault", store(), KEY, ok({"errors": [text]}, 404))) == Missing(
            f"Vault GET https://vault.example:8200/v1/secret/data/app/db: {text}"
        )


class TestFailures:
    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (ok({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}, 403), Refused),
            (ok({"errors": ["missing client token"]}, 400), Refused),
            (ok({"errors": ["Field validation failed"]}, 400), Broken),
            (ok({"errors": []}, 412), Unreachable),
            (ok({"errors": ["Vault is sealed"]}, 503), Unreachable),
            (ok(b"<html>bad gateway</html>", 502), Unreachable),
            (ok(b"", 307, location="https://active"), Unreachable),
            (ok({"errors": ["quota"]}, 429), Throttled),
            (ok({}, 473), Throttled),
            (ok(b"", 204), Broken),
            (ok(b"", 200), Broken),
            (ok(b"<html>", 200), Broken),
            (ok([]), Broken),
            (ok({"data": {}}), Broken),
            (ok({"data": {"data": [1]}}), Broken),
            (ok({"data": {"data": "text"}}), Broken),
            (ok({"data": "text"}), Broken),
            (ok(b"[" * 100_000), Broken),
            (ok({"errors": "text"}, 418), Broken),
            (CallFailed(Unreachable("https://vault.example:8200: connection refused")), Unreachable),
            (SdkReply(value=1), Broken),
        ],
    )
    def test_kinds(self, reply, kind):
        got = failure(one("vault", store(), KEY, reply))
        assert isinstance(got, kind)
        assert CANARY not in got.what

    def test_a_refusal_repeats_the_server_on_one_line(self):
        got = failure(one("vault", store(), KEY, ok({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}, 403)))
        where = "https://vault.example:8200/v1/secret/data/app/db"
        assert got == Refused(f"Vault GET {where}: 1 error occurred: * permission denied")

    def test_a_policy_that_denies_a_static_token_is_no_fault_of_the_token(self):
        denied = ok({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}, 403)
        for text in ("permission denied", "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"):
            assert failure(one("vault", store(), KEY, ok({"errors": [text]}, 403))).session
        assert not failure(one("vault", store(), KEY, denied)).session
        logged_in = access("vault", ROLE, {"secret_id": CANARY})
        assert failure(one("vault", logged_in, KEY, denied, login=[LOGGED_IN])).session

    def test_texts_are_bounded(self):
        assert len(failure(one("vault", store(), KEY, ok({"errors": ["x" * 5000]}, 500))).what) < 300

    @pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("999999", 300), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("-1", 0), ("", 0)])
    def test_retry_after(self, header, seconds):
        assert failure(one("vault", store(), KEY, ok({}, 429, retry_after=header))).after_ns == seconds * 10**9


class TestMetadata:
    META = {
        "created_time": "2024-01-01T00:00:00Z",
        "current_version": 2,
        "delete_version_after": "0s",
        "custom_metadata": {"env": "<prod>"},
    }
    QUERY = Get(key="app/db", metadata=True)

    def test_system_and_custom(self):
        ran = ask("vault", store(), self.QUERY, replies=[ok({"data": self.META})])
        assert ran.calls[0].url == "https://vault.example:8200/v1/secret/metadata/app/db"
        answer = ran.value[self.QUERY]
        assert value("vault", answer) == (
            b'{"created_time":"2024-01-01T00:00:00Z","current_version":"2","delete_version_after":"0s","env":"\\u003cprod\\u003e"}'
        )
        assert value("vault", answer, "env") == b"<prod>"

    def test_nothing_is_an_empty_value(self):
        assert value("vault", one("vault", store(), self.QUERY, ok({"data": {"custom_metadata": None}}))) == b""

    def test_missing(self):
        assert one("vault", store(), self.QUERY, ok({"errors": []}, 404)) == Absent()

    def test_not_in_version_1(self):
        assert "kv version v1" in failure(one("vault", store(V1), self.QUERY)).what

    @pytest.mark.parametrize("key", ["kv/app/x", "kv/data/app/x"])
    def test_without_a_mount_it_lies_beside_the_value(self, key):
        use = store({"server": "https://vault.example", **TOKEN})
        ran = ask("vault", use, Get(key=key, metadata=True), replies=[ok({"data": self.META})])
        assert ran.calls[0].url == "https://vault.example/v1/kv/metadata/app/x"

    @pytest.mark.parametrize("key", ["secret/app/db", "secret/data/app/db"])
    def test_a_repeated_mount_is_left_out_as_it_is_of_the_value(self, key):
        ran = ask("vault", store(), Get(key=key, metadata=True), replies=[ok({"data": self.META})])
        assert ran.calls[0].url == "https://vault.example:8200/v1/secret/metadata/app/db"

    def test_wrong_types(self):
        assert isinstance(failure(one("vault", store(), self.QUERY, ok({"data": [1]}))), Broken)


class TestFinding:
    TREE = {"": ["app/", "top"], "app/": ["db", "web", "gone", "deep/"], "app/deep/": ["db"]}
    TAGS = {"app/db": {"env": "prod"}, "app/web": {"env": "dev"}, "top": None}

    def server(self, call):
        path, _, query = call.url.removeprefix("https://vault.example:8200/v1/secret/").partition("?")
        part, _, name = path.partition("/")
        if query == "list=true":
            keys = self.TREE.get(f"{name}/" if name else "")
            return ok({"data": {"keys": keys}}) if keys else ok({"errors": []}, 404)
        if part == "metadata":
            return ok({"data": {"custom_metadata": self.TAGS.get(name), "current_version": 1}})
        return ok({"errors": []}, 404) if name == "app/gone" else kv2({"name": name})

    def find(self, spec=V2, **query):
        wanted = Find(**query)
        ran = ask("vault", store(spec), wanted, replies=self.server)
        return plain(ran.value[wanted]), ran.calls

    def test_by_name_in_full_paths(self):
        found, calls = self.find(name="db$")
        assert found == {"app/db": b'{"name":"app/db"}', "app/deep/db": b'{"name":"app/deep/db"}'}
        assert [call.name for call in calls] == ["ListSecrets"] * 3 + ["ReadSecretData"] * 2

    def test_below_a_path(self):
        found, _ = self.find(name=".*", path="app")
        assert sorted(found) == ["app/db", "app/deep/db", "app/web"]

    def test_by_tags(self):
        found, _ = self.find(tags=(("env", "prod"),))
        assert found == {"app/db": b'{"name":"app/db"}'}

    def test_a_name_wins_over_tags(self):
        found, _ = self.find(name="top", tags=(("env", "prod"),))
        assert sorted(found) == ["top"]

    def test_everything(self):
        assert len(self.find()[0]) == 4

    def test_no_such_path_is_absent(self):
        assert self.find(name=".*", path="nope")[0] == Absent()

    def test_a_folder_that_vanishes_is_empty(self):
        query = Find(name=".*")
        ran = ask("vault", store(), query, replies=[ok({"data": {"keys": ["a/"]}}), ok({"errors": []}, 404)])
        assert plain(ran.value[query]) == {}

    def test_a_secret_whose_name_begins_as_the_mount_does(self):
        query = Find(name="x")
        replies = [ok({"data": {"keys": ["secret/"]}}), ok({"data": {"keys": ["x"]}}), kv2({"k": "v"})]
        ran = ask("vault", store(), query, replies=replies)
        assert ran.calls[2].url.endswith("/v1/secret/data/secret/x")
        assert plain(ran.value[query]) == {"secret/x": b'{"k":"v"}'}

    def test_without_a_mount_the_path_has_it(self):
        use = store({"server": "https://vault.example", **TOKEN})
        query = Find(name="x", path="kv/app")
        ran = ask("vault", use, query, replies=[ok({"data": {"keys": ["x"]}}), kv2({"k": "v"})])
        assert [call.url for call in ran.calls] == [
            "https://vault.example/v1/kv/metadata/app?list=true", "https://vault.example/v1/kv/data/app/x",
        ]  # fmt: skip
        assert plain(ran.value[query]) == {"kv/app/x": b'{"k":"v"}'}
        assert "find.path is needed" in failure(one("vault", use, Find(name="x"))).what

    def test_tags_need_version_2(self):
        assert "kv version v1" in failure(one("vault", store(V1), Find(tags=(("a", "b"),)))).what

    def test_a_bad_regexp(self):
        assert failure(one("vault", store(), Find(name="(")))

    @pytest.mark.parametrize("reply", [ok({}, 403), ok(b"x"), ok({"data": {"keys": [1]}})])
    def test_a_list_that_fails(self, reply):
        assert isinstance(one("vault", store(), Find(name=".*"), reply), Failed)

    def test_one_refused_secret_fails_the_find(self):
        answer = one("vault", store(), Find(name=".*"), ok({"data": {"keys": ["a"]}}), ok({"errors": ["permission denied"]}, 403))
        assert isinstance(failure(answer), Refused)

    def test_a_tree_without_end_is_cut(self):
        answer = ask("vault", store(), Find(name="x"), replies=lambda _: ok({"data": {"keys": [f"{n}/" for n in range(200)]}}))
        assert "narrow it by a path" in failure(answer.value[Find(name="x")]).what
