"""What is peculiar to openBao, beside what it shares with vault."""

from __future__ import annotations

import pytest

from eso_core.door import ConfigMapKey, Entries, Find, Found, Get, Probe, SecretKey, Session
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Unreachable
from eso_core.providers._vault.store import Ticket
from tests.providers.scripts import CANARY, access, ask, entries, failure, ok, one, parsed, plain, provider, run, value

TOKEN = {"auth": {"tokenSecretRef": {"name": "t", "key": "k"}}}
V2 = {"server": "https://bao.example:8200", **TOKEN}
V1 = {**V2, "version": "v1"}
LOGGED_IN = ok({"auth": {"client_token": "s.x", "lease_duration": 60}})


def store(spec=V2):
    return access("openBao", spec, {"token": CANARY})


def kv2(data):
    return ok({"data": {"data": data, "metadata": {"version": 1}}})


class TestReading:
    @pytest.mark.parametrize(("spec", "url"), [(V2, "kv/data/kv/app"), ({**V2, "path": "x/y"}, "x/y/data/kv/app"), (V1, "kv/kv/app")])
    def test_a_key_is_a_path_below_the_mount_and_nothing_else(self, spec, url):
        reply = ok({"data": {"a": "b"}}) if spec is V1 else kv2({"a": "b"})
        ran = ask("openBao", store(spec), Get(key="kv/app"), replies=[reply])
        [call] = ran.calls
        assert (call.method, call.url) == ("GET", f"https://bao.example:8200/v1/{url}")
        assert call.headers == {"X-Vault-Request": "true", "X-Vault-Token": CANARY}

    @pytest.mark.parametrize(("version", "query"), [("3", "?version=3"), ("+3", "?version=3"), ("0", ""), ("-1", "?version=-1")])
    def test_versions(self, version, query):
        ran = ask("openBao", store(), Get(key="a", version=version), replies=[kv2({})])
        assert ran.calls[0].url.partition("?")[1] + ran.calls[0].url.partition("?")[2] == query

    @pytest.mark.parametrize(("spec", "version"), [(V2, "x"), (V2, "1.0"), (V2, "9" * 30), (V1, "1")])
    def test_versions_that_are_none(self, spec, version):
        assert isinstance(failure(one("openBao", store(spec), Get(key="a", version=version))), InvalidSpec)

    def test_a_property_is_a_key_and_no_path(self):
        answer = one("openBao", store(), Get(key="a"), kv2({"a": {"b": "deep"}, "c.d": "flat", "n": 1, "z": None}))
        assert value("openBao", answer, "c.d") == b"flat"
        assert value("openBao", answer, "n") == b"1"
        assert value("openBao", answer, "z") == b""
        assert failure(value("openBao", answer, "a.b")) == Missing('cannot find secret data for key: "a.b"')
        assert entries("openBao", answer, "a") == {"b": b"deep"}
        assert entries("openBao", answer)["n"] == b"1"

    @pytest.mark.parametrize(
        "reply",
        [
            ok({"errors": []}, 404),
            ok({"data": {"data": None, "metadata": {"deletion_time": "2026-01-01T00:00:00Z"}}}, 404),
            ok({"errors": ['no handler for route "kv/data/a". route entry not found.']}, 404),
        ],
    )
    def test_what_is_missing_is_a_failure(self, reply):
        assert isinstance(failure(one("openBao", store(), Get(key="a"), reply)), Missing)

    def test_metadata_is_not_looked_at(self):
        answer = one("openBao", store(), Get(key="a", metadata=True), kv2({"a": "b"}))
        assert value("openBao", answer) == b'{"a":"b"}'

    @pytest.mark.parametrize("key", ["../x", "a/../../sys/mounts"])
    def test_a_key_does_not_climb(self, key):
        assert isinstance(failure(one("openBao", store(), Get(key=key))), InvalidSpec)


class TestFinding:
    def find(self, replies, spec=V2, **query):
        wanted = Find(**query)
        ran = ask("openBao", store(spec), wanted, replies=replies)
        return ran.value[wanted], [call.url.removeprefix("https://bao.example:8200/v1/") for call in ran.calls]

    def test_one_folder(self):
        replies = [ok({"data": {"keys": ["db", "db/", "web"]}}), kv2({"a": "b"})]
        answer, calls = self.find(replies, name="^db", path="/app/")
        assert plain(answer) == {"app/db": b'{"a":"b"}'}
        assert calls == ["kv/metadata/app?list=true", "kv/data/app/db"]

    def test_the_top_without_a_name(self):
        answer, calls = self.find([ok({"data": {"keys": ["x"]}}), ok({"data": {"a": "b"}})], V1)
        assert plain(answer) == {"x": b'{"a":"b"}'}
        assert calls == ["kv?list=true", "kv/x"]

    def test_no_folder_is_nothing_found(self):
        assert plain(self.find([ok({"errors": []}, 404)], name="x", path="nope")[0]) == {}

    def test_a_secret_that_vanishes_or_was_deleted(self):
        assert plain(self.find([ok({"data": {"keys": ["a"]}}), ok({"errors": []}, 404)], name=".")[0]) == {}

    def test_tags(self):
        assert "not implemented" in failure(self.find([], tags=(("a", "b"),))[0]).what

    @pytest.mark.parametrize("reply", [ok({}, 403), ok(b"x"), ok({"data": {}}), ok(b"404 page not found", 404)])
    def test_a_list_that_fails(self, reply):
        assert failure(self.find([reply], name=".")[0])

    def test_a_folder_without_end(self):
        answer, _ = self.find([ok({"data": {"keys": [str(number) for number in range(10_001)]}})], name=".")
        assert isinstance(failure(answer), Broken)


def mounted(kind="kv", options=None):
    return ok({"data": {"type": kind, "options": options}, "type": kind, "options": options})


class TestProbe:
    @pytest.mark.parametrize(
        ("spec", "reply"),
        [(V2, mounted(options={"version": "2"})), (V1, mounted(options={"version": "1"})), (V1, mounted()), (V1, mounted(options={}))],
    )
    def test_the_mount_fits(self, spec, reply):
        ran = ask("openBao", store(spec), Probe(), replies=[reply])
        assert ran.value[Probe()] == Found(Entries({}))
        assert ran.calls[0].url == "https://bao.example:8200/v1/sys/mounts/kv"

    @pytest.mark.parametrize(
        ("spec", "reply", "what"),
        [
            (V2, mounted("system"), 'expected mount type "kv" found "system"'),
            (V2, mounted(), "expected kv engine version 2 found version 1"),
            (V1, mounted(options={"version": "2"}), "expected kv engine version 1 found version 2"),
        ],
    )
    def test_the_mount_is_another(self, spec, reply, what):
        got = failure(one("openBao", store(spec), Probe(), reply))
        assert isinstance(got, InvalidSpec)
        assert got.what == what

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (ok({"errors": ["No secret engine mount at kv/"]}, 400), Broken),
            (ok({"errors": ["permission denied"]}, 403), Refused),
            (ok({}, 503), Unreachable),
            (ok({}), Broken),
            (ok({"data": None}), Broken),
        ],
    )
    def test_it_cannot_be_told(self, reply, kind):
        assert isinstance(failure(one("openBao", store(), Probe(), reply)), kind)


class TestStore:
    PASS = {"userPass": {"path": "custom", "username": "alice", "secretRef": {"name": "s", "key": "pw"}}}

    def test_user_and_password(self):
        spec = {**V2, "namespace": "inner", "auth": {**self.PASS, "namespace": "outer"}}
        use = access("openBao", spec, {"password": CANARY})
        ran = run(provider("openBao").login(use), [LOGGED_IN])
        [call] = ran.calls
        assert ran.value == Session(value=Ticket("s.x"), lease_s=60)
        assert (call.method, call.url) == ("PUT", "https://bao.example:8200/v1/auth/custom/login/alice")
        assert call.headers["X-Vault-Namespace"] == "outer"
        reading = ask("openBao", use, Get(key="a"), replies=[kv2({})], login=[LOGGED_IN]).calls[0]
        assert reading.headers["X-Vault-Namespace"] == "inner"

    def test_a_role_of_a_secret(self):
        auth = {"appRole": {"roleRef": {"name": "r", "key": "id"}, "secretRef": {"name": "s", "key": "id"}}}
        use = access("openBao", {**V2, "auth": auth}, {"role_id": "r1", "secret_id": "s1"})
        [call] = run(provider("openBao").login(use), [LOGGED_IN]).calls
        assert call.url.endswith("/v1/auth/approle/login")
        assert call.body == b'{"role_id":"r1","secret_id":"s1"}'

    def test_needs(self):
        spec = {**V2, "auth": self.PASS, "caProvider": {"type": "ConfigMap", "name": "ca", "key": "crt"}}
        assert provider("openBao").needs(parsed("openBao", spec)) == {"password": SecretKey("s", "pw"), "ca": ConfigMapKey("ca", "crt")}

    def test_nobody(self):
        use = access("openBao", {"server": "https://bao.example:8200"})
        assert "X-Vault-Token" not in ask("openBao", use, Get(key="a"), replies=[kv2({})]).calls[0].headers

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"server": "bao.example"}, "https://"),
            ({"auth": {}}, "no valid auth method"),
            ({"auth": {"userPass": {"username": "a"}}}, "a password is needed"),
            ({"auth": {"userPass": {**PASS["userPass"], "path": "../x"}}}, ".."),
            ({"auth": {"appRole": {"secretRef": {"name": "s"}}}}, "neither `roleId` nor `roleRef`"),
            ({"path": "a/../b"}, ".."),
            ({"caBundle": "bm9uc2Vuc2U="}, "caBundle"),
            ({"caProvider": {"type": "Secret", "name": "n", "key": "k", "namespace": "other"}}, "namespace"),
        ],
    )
    def test_unusable(self, change, text):
        wrong = parsed("openBao", {**V2, **change})
        assert isinstance(wrong, InvalidSpec)
        assert text in wrong.what

    def test_it_reads_only(self):
        known = provider("openBao")
        assert (known.capabilities, known.push, known.delete, known.exists) == ("ReadOnly", None, None, None)
