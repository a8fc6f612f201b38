"""What the suite cannot know of Scaleway: requests as documented, keys, pushes, each kind of refusal."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from eso_core.door import Absent, Delete, Done, Exists, Failed, Find, Get, Probe, Push, Session, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Stale, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.providers.scaleway import PROVIDER
from eso_core.secret import SecretBytes
from tests.providers.scaleway.case import spec
from tests.providers.scaleway.server import PROJECT, Scaleway, id_of, key_of
from tests.providers.scripts import CANARY, access, ask, entries, failure, ok, parsed, plain, run, value

BASE = "https://api.scaleway.com/secret-manager/v1beta1/regions/fr-par"
IDENT = "0c1d2e3f-0000-4000-8000-aabbccddeeff"
GONE = ok({"type": "not_found", "resource": "secret", "resource_id": IDENT}, status=404)


def use(**more):
    store = spec(**more)
    return access("scaleway", store, {"secret_key": key_of(0)} if "secretRef" in store["secretKey"] else {})


def accessed(data: bytes, revision: int = 1, **more):
    return ok({"secret_id": IDENT, "revision": revision, "data": base64.b64encode(data).decode(), "type": "opaque", **more})


def listed(*secrets, total=None):
    shown = [{"id": id_of(f"{path}/{name}"), "name": name, "path": path} for path, name in secrets]
    return ok({"secrets": shown, "total_count": len(shown) if total is None else total})


def command(server, act, what):
    return run(act(use(), Session(), what), server.answer)


def pushing(key="name:new", data=None, secret_key="k", prop=""):
    held = {name: SecretBytes(text) for name, text in (data or {"k": b"v"}).items()}
    return Push(key=key, secret_key=secret_key, property=prop, source=Source(data=held))


class TestRequests:
    def test_an_id_takes_one_call(self):
        [call] = ask("scaleway", use(), Get(key=f"id:{IDENT}"), replies=[accessed(b"v")]).calls
        assert (call.method, call.url) == ("GET", f"{BASE}/secrets/{IDENT}/versions/latest_enabled/access")
        assert (call.name, call.body) == ("AccessSecretVersion", b"")
        assert call.headers == {"Accept": "application/json", "X-Auth-Token": key_of(0)}

    def test_a_path_takes_one_call(self):
        [call] = ask("scaleway", use(), Get(key="path:/a b/c/db", version="7"), replies=[accessed(b"v", 7)]).calls
        assert call.url.startswith(f"{BASE}/secrets-by-path/versions/7/access?")
        assert dict(parse_qsl(urlsplit(call.url).query)) == {"secret_path": "/a b/c", "secret_name": "db", "project_id": PROJECT}

    def test_a_name_is_in_the_root_folder_or_looked_for(self):
        calls = ask("scaleway", use(), Get(key="name:db"), replies=[GONE, listed(("/x", "db")), accessed(b"v")]).calls
        assert dict(parse_qsl(urlsplit(calls[0].url).query)) == {"secret_path": "/", "secret_name": "db", "project_id": PROJECT}
        assert calls[1].url == f"{BASE}/secrets?project_id={PROJECT}&page=1&page_size=100&name=db"
        assert calls[2].url == f"{BASE}/secrets/{id_of('/x/db')}/versions/latest_enabled/access"

    def test_a_find_lists_by_folder_and_the_names_of_tags(self):
        query = Find(path="/app", tags=(("team", "ignored"), ("a&b", "")))
        [call] = ask("scaleway", use(), query, replies=[listed()]).calls
        assert parse_qsl(urlsplit(call.url).query)[3:] == [("path", "/app"), ("tags", "team"), ("tags", "a&b")]

    def test_a_probe_asks_for_one_secret(self):
        [call] = ask("scaleway", use(), Probe(), replies=[listed()]).calls
        assert call.url == f"{BASE}/secrets?project_id={PROJECT}&page=1&page_size=1"

    def test_a_key_in_the_spec(self):
        store = use(secretKey={"value": key_of(0)})
        assert PROVIDER.needs(store.spec) == {} and key_of(0) not in repr(store)
        [call] = ask("scaleway", store, Probe(), replies=[listed()]).calls
        assert call.headers["X-Auth-Token"] == key_of(0)


class TestReading:
    def test_latest_may_be_disabled(self):
        server = Scaleway()
        server.put("db", b"old", {})
        server.put("db", b"new", {})
        server.secrets["/", "db"].versions[1].enabled = False
        queries = {text: Get(key="name:db", version=text) for text in ("", "latest_enabled", "latest", "1")}
        held = {text: ask("scaleway", use(), query, replies=server.answer).value[query] for text, query in queries.items()}
        assert [value("scaleway", held[text]) for text in ("", "latest_enabled", "1")] == [b"old"] * 3
        assert isinstance(failure(held["latest"]), Broken) and "precondition_failed version_status" in failure(held["latest"]).what

    def test_a_name_is_sooner_one_of_the_root_folder(self):
        server = Scaleway()
        server.put("/a/db", b"in a folder", {})
        server.put("db", b"in the root", {})
        query = Get(key="name:db")
        assert value("scaleway", ask("scaleway", use(), query, replies=server.answer).value[query]) == b"in the root"

    def test_a_find_leaves_out_what_has_no_version(self):
        server = Scaleway()
        server.put("db", b"v", {})
        server.put("none", b"v", {})
        server.secrets["/", "none"].versions.clear()
        assert plain(ask("scaleway", use(), Find(name="."), replies=server.answer).value[Find(name=".")]) == {"db": b"v"}

    def test_a_find_by_tags(self):
        server = Scaleway()
        server.put("db", b"v", {"team": "red", "prod": ""})
        server.put("web", b"w", {"team": "blue"})
        for tags, wanted in (((("team", "x"),), {"db": b"v", "web": b"w"}), ((("team", ""), ("prod", "y")), {"db": b"v"})):
            query = Find(tags=tags)
            assert plain(ask("scaleway", use(), query, replies=server.answer).value[query]) == wanted

    def test_a_find_that_may_not_read_fails(self):
        server = Scaleway()
        server.put("db", b"v", {})
        server.denied.add("access")
        told = failure(ask("scaleway", use(), Find(name="."), replies=server.answer).value[Find(name=".")])
        assert told == Refused(
            f"Scaleway GET {BASE}/secrets/{id_of('//db')}/versions/latest_enabled/access: permissions_denied access secret_version"
        )

    def test_a_key_that_may_only_read_values_leaves_a_probe_open(self):
        server = Scaleway()
        server.denied.add("read")
        told = ask("scaleway", use(), Probe(), replies=server.answer).value[Probe()]
        assert isinstance(told, Failed) and told.unsure and isinstance(told.failure, Refused)

    def test_a_list_that_ends_early_is_no_list(self):
        told = failure(ask("scaleway", use(), Find(), replies=[listed(("/", "a"), total=2), listed(total=2)]).value[Find()])
        assert told == Broken("Scaleway ListSecrets: the list ends before its 2 secrets")

    def test_entries(self):
        raw = b'{"s": "abc def", "i": -100, "b": false, "o": { "x": 1 }}'
        query = Get(key=f"id:{IDENT}")
        found = ask("scaleway", use(), query, replies=[accessed(raw)]).value[query]
        assert entries("scaleway", found) == {"s": b"abc def", "i": b"-100", "b": b"false", "o": b'{ "x": 1 }'}
        assert entries("scaleway", found, "o") == {"x": b"1"}
        assert entries("scaleway", found, "none") == Absent()


class TestAnswers:
    @pytest.mark.parametrize(
        ("reply", "wanted"),
        [
            (ok({"type": "denied_authentication", "reason": "expired"}, 401), Refused("denied_authentication expired", session=True)),
            (ok({"type": "not_found", "resource": "project"}, 404), Broken("not_found project")),
            (ok({"message": "route not found"}, 404), Broken("status 404")),
            (ok({"type": "resource_expired", "resource": "secret"}, 410), Broken("resource_expired secret")),
            (
                ok(
                    {"type": "invalid_arguments", "details": [{"argument_name": "revision", "reason": "format", "help_message": CANARY}]},
                    400,
                ),
                Broken("invalid_arguments revision format"),
            ),
            (ok(b"", 503), Unreachable("status 503")),
            (ok(b"", 429, retry_after="3"), Throttled("too many requests", 3 * SECOND)),
            (accessed(b"v", data_crc32=1), Broken("the payload does not fit its checksum")),
        ],
    )
    def test_a_failure_by_its_class(self, reply, wanted):
        query = Get(key=f"id:{IDENT}")
        told = failure(ask("scaleway", use(), query, replies=[reply]).value[query])
        what = f"Scaleway GET {BASE}/secrets/{IDENT}/versions/latest_enabled/access: {wanted.what}"
        assert told == type(wanted)(what, **{name: getattr(wanted, name) for name in ("session", "after_ns") if hasattr(wanted, name)})

    def test_another_revision_is_no_answer(self):
        query = Get(key=f"id:{IDENT}", version="3")
        told = failure(ask("scaleway", use(), query, replies=[accessed(CANARY.encode(), 2)]).value[query])
        assert isinstance(told, Broken) and CANARY not in told.what

    def test_not_found_is_absent(self):
        query = Get(key=f"id:{IDENT}")
        assert ask("scaleway", use(), query, replies=[GONE]).value[query] == Absent()

    @pytest.mark.parametrize("key", ["db", "id:x", f"id:{IDENT}/..", "name:", "name:a/b", "path:db", "path:/", "path:/a/", "other:x", ""])
    def test_what_is_no_key_makes_no_call(self, key):
        ran = ask("scaleway", use(), Get(key=key))
        assert isinstance(failure(ran.value[Get(key=key)]), InvalidSpec) and ran.calls == []

    @pytest.mark.parametrize("version", ["0", "x", "1/..", "-1", "latest?x=1"])
    def test_what_is_no_version_makes_no_call(self, version):
        query = Get(key="name:db", version=version)
        assert isinstance(failure(ask("scaleway", use(), query).value[query]), InvalidSpec)

    def test_a_key_that_would_break_the_header_makes_no_call(self):
        store = access("scaleway", spec(), {"secret_key": "a\r\nX-Evil: 1"})
        ran = ask("scaleway", store, Probe())
        assert isinstance(failure(ran.value[Probe()]), Refused) and ran.calls == []


class TestPush:
    def test_a_new_secret(self):
        server = Scaleway()
        ran = command(server, PROVIDER.push, pushing("path:/app/db", {"k": b"\xff"}))
        assert ran.value == Done(changed=True)
        *_, create, add = ran.calls
        assert (create.method, create.url) == ("POST", f"{BASE}/secrets")
        assert orjson.loads(create.body) == {"project_id": PROJECT, "name": "db", "path": "/app"}
        assert (add.method, add.url) == ("POST", f"{BASE}/secrets/{id_of('/app/db')}/versions")
        assert orjson.loads(add.body) == {"data": "/w==", "data_crc32": zlib.crc32(b"\xff"), "disable_previous": True}
        assert server.secrets["/app", "db"].versions[0].data == b"\xff"

    def test_a_changed_value_takes_two_calls_and_disables_the_one_before(self):
        server = Scaleway()
        server.put("db", b"old", {})
        ran = command(server, PROVIDER.push, pushing("name:db"))
        assert (ran.value, len(ran.calls)) == (Done(changed=True), 2)
        assert [(version.data, version.enabled) for version in server.secrets["/", "db"].versions] == [(b"old", False), (b"v", True)]

    def test_a_secret_without_a_version_gets_one(self):
        server = Scaleway()
        server.put("db", b"old", {})
        server.secrets["/", "db"].versions.clear()
        assert command(server, PROVIDER.push, pushing("name:db")).value == Done(changed=True)
        assert len(server.secrets) == 1 and server.held("db") == b"v"

    def test_a_name_in_a_folder_is_written_there(self):
        server = Scaleway()
        server.put("/app/db", b"v", {})
        assert command(server, PROVIDER.push, pushing("name:db")).value == Done(changed=False)
        assert command(server, PROVIDER.push, pushing("name:db", {"k": b"w"})).value == Done(changed=True)
        assert list(server.secrets) == [("/app", "db")] and server.held("/app/db") == b"w"

    @pytest.mark.parametrize("ident", ["", "..", "../x"])
    def test_an_id_that_is_none_is_written_to_no_path(self, ident):
        made = ok({"id": ident})
        ran = run(PROVIDER.push(use(), Session(), pushing("path:/new")), [GONE, listed(), made])
        assert isinstance(failure(ran.value), Broken)
        there = ok({"secret_id": ident, "revision": 1, "data": ""})
        assert isinstance(failure(run(PROVIDER.push(use(), Session(), pushing("path:/new")), [there]).value), Broken)

    def test_a_whole_secret(self):
        server = Scaleway()
        command(server, PROVIDER.push, pushing("name:db", {"b": b"2", "a": b"<1>"}, secret_key=""))
        assert server.held("db") == b'{"a":"<1>","b":"2"}'

    @pytest.mark.parametrize(
        ("push", "wanted"),
        [
            (pushing(f"id:{IDENT}"), InvalidSpec("secrets can only be pushed by name or path")),
            (pushing("db"), InvalidSpec("invalid secret reference: missing colon ':'")),
            (
                pushing(prop="p"),
                InvalidSpec("a push to Scaleway writes a whole secret and no property of it", "remoteRef.property"),
            ),
            (pushing(secret_key="none"), Missing('the pushed Secret has no key "none"')),
            (
                pushing(data={"k": b"x" * 65537}),
                Broken("the pushed value is larger than 65536 bytes, which is all that Scaleway holds"),
            ),
        ],
    )
    def test_what_is_refused_makes_no_call(self, push, wanted):
        ran = command(Scaleway(), PROVIDER.push, push)
        assert (failure(ran.value), ran.calls) == (wanted, [])

    def test_a_race_is_told(self):
        conflict = ok({"type": "already_exists", "resource": "secret"}, 409)
        ran = run(PROVIDER.push(use(), Session(), pushing()), [GONE, listed(), conflict])
        assert isinstance(failure(ran.value), Stale)

    def test_a_deletion(self):
        server = Scaleway()
        server.put("/app/db", b"v", {})
        ran = command(server, PROVIDER.delete, Delete(key="path:/app/db"))
        assert [(call.method, call.name) for call in ran.calls] == [("GET", "ListSecrets"), ("DELETE", "DeleteSecret")]
        assert (ran.value, server.secrets) == (Done(changed=True), {})
        assert command(server, PROVIDER.delete, Delete(key="path:/app/db")).value == Done(changed=False)

    def test_a_protected_secret_is_kept(self):
        server = Scaleway()
        server.put("db", b"v", {})
        server.protected.add("db")
        assert "precondition_failed secret_protected" in failure(command(server, PROVIDER.delete, Delete(key="name:db")).value).what

    def test_existence_takes_a_list_and_no_value(self):
        server = Scaleway()
        server.put("db", b"v", {})
        ran = command(server, PROVIDER.exists, Exists(key="name:db"))
        assert (ran.value, [call.name for call in ran.calls]) == (True, ["ListSecrets"])
        assert command(server, PROVIDER.exists, Exists(key="path:/app/db")).value is False


class TestSpec:
    @pytest.mark.parametrize(
        ("more", "text"),
        [
            ({"region": "fr-par-1"}, "invalid region"),
            ({"projectId": "x"}, "invalid project id"),
            ({"apiUrl": "api.scaleway.com"}, "must be a URL that starts with https:// or http://"),
            ({"accessKey": {}}, "missing secret reference"),
            ({"secretKey": {"value": "x", "secretRef": {"name": "a", "key": "b"}}}, "cannot specify both secret reference and value"),
            ({"secretKey": {"secretRef": {"name": "a"}}}, "must name a Secret and a key"),
        ],
    )
    def test_what_is_refused(self, more, text):
        told = parsed("scaleway", spec(**more))
        assert isinstance(told, InvalidSpec) and told.what == text
