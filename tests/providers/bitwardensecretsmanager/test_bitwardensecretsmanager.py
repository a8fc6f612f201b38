"""What the suite cannot know of Bitwarden: requests as the SDK server takes them, names and projects, maps, notes, what texts mean."""

from __future__ import annotations

import base64

import orjson
import pytest

from eso_core.door import Delete, Done, Exists, Failed, Find, Found, Get, Probe, Push, Session, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers.bitwardensecretsmanager import PROVIDER
from eso_core.secret import SecretBytes
from tests.providers.bitwardensecretsmanager.case import SPEC
from tests.providers.bitwardensecretsmanager.server import (
    API_URL,
    HOST,
    IDENTITY_URL,
    ORGANIZATION,
    OTHER,
    PROJECT,
    Bitwarden,
    id_of,
    text,
)
from tests.providers.scripts import CANARY, access, ask, entries, failure, parsed, plain, run, value

BASE = f"https://{HOST}/rest/api/1"
KEY = "bitwardensecretsmanager"
TOKEN = "0.machine-token-0.secret:key"
PEM = "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n"
SAID = "failed to get secret: API error: Received error message from server: "


def use(**more):
    return access(KEY, {**SPEC, **more}, {"credentials": f"{TOKEN}\n"})


def asked(server, *queries):
    return ask(KEY, use(), *queries, replies=server.answer)


def answer(server, query):
    return asked(server, query).value[query]


def command(server, act, what):
    return run(act(use(), Session(), what), server.answer)


def pushing(data=b"v", key="new", metadata=None, **more):
    return Push(key=key, secret_key="k", source=Source(data={"k": SecretBytes(data)}), metadata=metadata, **more)


class TestRequests:
    def test_an_id_takes_one_call(self):
        server = Bitwarden()
        server.define("db", "v")
        [call] = asked(server, Get(key=id_of("db").replace("-", "").upper())).calls
        assert (call.method, call.url, call.name) == ("GET", f"{BASE}/secret", "GetSecret")
        assert orjson.loads(call.body) == {"id": id_of("db")}
        assert {name: text for name, text in call.headers.items() if name.startswith("Warden-")} == {
            "Warden-Access-Token": TOKEN,
            "Warden-Api-Url": API_URL,
            "Warden-Identity-Url": IDENTITY_URL,
        }

    def test_many_keys_take_one_list_and_one_answer(self):
        server = Bitwarden()
        for name in ("a", "b", "c"):
            server.define(name, f"of {name}")
        queries = (Get(key="a"), Get(key="b"), Get(key=id_of("c")), Get(key=id_of("a")))
        ran = asked(server, *queries)
        assert [value(KEY, ran.value[query]) for query in queries] == [b"of a", b"of b", b"of c", b"of a"]
        assert [(call.url, call.name) for call in ran.calls] == [
            (f"{BASE}/secrets", "ListSecrets"),
            (f"{BASE}/secrets-by-ids", "GetSecretsByIds"),
        ]
        assert orjson.loads(ran.calls[0].body) == {"organizationId": ORGANIZATION}
        assert orjson.loads(ran.calls[1].body) == {"ids": [id_of("c"), id_of("a"), id_of("b")]}

    def test_ids_alone_take_no_list(self):
        server = Bitwarden()
        server.define("a", "of a")
        server.define("b", "of b")
        assert [call.name for call in asked(server, Get(key=id_of("a")), Get(key=id_of("b"))).calls] == ["GetSecretsByIds"]

    def test_one_that_is_missing_costs_no_more_than_halves(self):
        server = Bitwarden()
        names = [f"n{number}" for number in range(16)]
        for name in names:
            server.define(name, f"of {name}")
        del server.secrets[id_of("n7")]
        queries = [Get(key=id_of(name)) for name in names]
        ran = asked(server, *queries)
        assert [name for name, query in zip(names, queries, strict=True) if isinstance(ran.value[query], Failed)] == ["n7"]
        assert isinstance(failure(ran.value[queries[7]]), Missing) and len(ran.calls) <= 9

    def test_an_old_server_is_asked_one_by_one(self):
        server = Bitwarden(old=True)
        server.define("a", "of a")
        server.define("b", "of b")
        ran = asked(server, Get(key="a"), Get(key="b"))
        assert [call.name for call in ran.calls] == ["ListSecrets", "GetSecretsByIds", "GetSecret", "GetSecret"]
        assert all(isinstance(found, Found) for found in ran.value.values())


class TestNames:
    def test_a_name_is_that_of_the_project(self):
        server = Bitwarden()
        server.define("db", "mine")
        server.define("db", "another's", id_of("other"), project=OTHER)
        server.define("db", "nobody's", id_of("none"), project=None)
        assert value(KEY, answer(server, Get(key="db"))) == b"mine"

    def test_a_name_that_is_there_twice(self):
        server = Bitwarden()
        server.define("db", "one")
        server.define("db", "two", id_of("other"))
        assert failure(answer(server, Get(key="db"))) == Broken(f"more than one secret found for project {PROJECT} with key db")

    def test_a_name_that_is_not_there(self):
        told = failure(answer(Bitwarden(), Get(key="db")))
        assert told == Missing(f"no secret found for project id {PROJECT} and name db")

    def test_a_failed_list_fails_names_alone(self):
        server = Bitwarden()
        server.define("a", "of a")

        def reply(call):
            return text(500, "") if call.name == "ListSecrets" else server.answer(call)

        ran = ask(KEY, use(), Get(key="a"), Get(key=id_of("a")), replies=reply).value
        assert isinstance(failure(ran[Get(key="a")]), Unreachable)
        assert value(KEY, ran[Get(key=id_of("a"))]) == b"of a"


class TestFind:
    def test_names_choose_and_ids_name(self):
        server = Bitwarden()
        for name in ("app-a", "app-b", "other"):
            server.define(name, f"of {name}", project=OTHER)
        assert plain(answer(server, Find(name="^app"))) == {id_of("app-a"): b"of app-a", id_of("app-b"): b"of app-b"}
        assert len(plain(answer(server, Find()))) == 3

    def test_a_find_of_nothing_reads_nothing(self):
        server = Bitwarden()
        server.define("a", "of a")
        assert [call.name for call in asked(server, Find(name="^x")).calls] == ["ListSecrets"]

    @pytest.mark.parametrize("query", [Find(path="x"), Find(tags=(("a", "b"),)), Find(name="(")])
    def test_what_cannot_be_found_by(self, query):
        assert isinstance(failure(answer(Bitwarden(), query)), InvalidSpec)


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "body", "wanted"),
        [
            (400, f'{SAID}[404 Not Found] {{"message":"Resource not found."}}', Missing),
            (400, f"{SAID}[404 Not Found] <!doctype html><html>Resource not found", Broken),
            (400, f"{SAID}[403 Forbidden] {{}}", Refused),
            (400, f"{SAID}[429 Too Many Requests] {{}}", Throttled),
            (400, f"{SAID}[503 Service Unavailable] {{}}", Unreachable),
            (
                400,
                "failed to login to bitwarden using access token: bitwarden login: API error: error sending request for url (x)",
                Unreachable,
            ),
            (500, "missing client in context, login error", Unreachable),
            (400, "failed to get secret: Validation error", Broken),
            (404, "404 page not found", Broken),
        ],
    )
    def test_a_failure_by_its_class(self, status, body, wanted):
        server = Bitwarden()
        server.mood = text(status, body)
        told = failure(answer(server, Get(key=id_of("a"))))
        assert type(told) is wanted

    @pytest.mark.parametrize(
        "body",
        [
            f"failed to login to bitwarden using access token: {SAID}[400 Bad Request] " + '{"error":"invalid_client"}',
            f"{SAID}[401 Unauthorized] ",
        ],
    )
    def test_a_bad_token(self, body):
        server = Bitwarden()
        server.mood = text(400, body)
        assert getattr(failure(answer(server, Get(key="a"))), "session", False) is True

    def test_a_text_with_the_token_is_left_out(self):
        server = Bitwarden()
        server.mood = text(400, f"access token {TOKEN} is not valid")
        assert failure(answer(server, Get(key=id_of("a")))) == Broken(f"Bitwarden SDK server GET {BASE}/secret: status 400")

    def test_another_secret_is_no_answer(self):
        server = Bitwarden()
        server.define("a", CANARY)
        reply = server.get({"id": id_of("a")})
        told = failure(ask(KEY, use(), Get(key=id_of("b")), replies=[reply]).value[Get(key=id_of("b"))])
        assert isinstance(told, Broken) and CANARY not in told.what

    def test_a_probe_reads_no_value(self):
        server = Bitwarden()
        assert [call.name for call in asked(server, Probe()).calls] == ["ListSecrets"]
        server.mood = text(400, f'{SAID}[404 Not Found] {{"message":"Resource not found."}}')
        told = answer(server, Probe())
        assert isinstance(told, Failed) and told.unsure


class TestEntries:
    """Written down from the reference's code and go-yaml v3.0.1, with which 18,000 random documents were compared."""

    @pytest.mark.parametrize(
        ("raw", "wanted"),
        [
            (
                b'{"a": "x", "n": 7, "t": true, "none": null, "l": [1, "q", null]}',
                {"a": "x", "n": "7", "t": "true", "none": "<nil>", "l": "[1 q <nil>]"},
            ),
            (b"a: yes\nb: 0x10\nc: 1e6\nd: 'x'\n", {"a": "yes", "b": "16", "c": "1e+06", "d": "x"}),
            (
                b"a: 2024-01-02\nb: 2024-01-02T10:00:00.5+02:00\n",
                {"a": "2024-01-02 00:00:00 +0000 UTC", "b": "2024-01-02 10:00:00.5 +0200 +0200"},
            ),
            (
                b'{"m": {"b": [1, {"c": "yes"}], "a": "x\\ny"}}',
                {"m": 'a: |-\n    x\n    "y"\nb:\n    - 1\n    - c: "yes"'.replace('"y"', "y")},
            ),
            (b"m:\n  1: x\n", {"m": "map[1:x]"}),
            (b"x: &x {a: 1}\ny:\n  <<: *x\n  b: 2\n", {"x": "a: 1", "y": "a: 1\nb: 2"}),
            (b'{"a": 1, "a": {"x": 1}}', {"a": '{"x": 1}'}),
            (b"a: !!binary VGVzdA==\nb: !!binary |\n  VGVz\n  dA==\nl: [!!binary VGVzdA==]\n", {"a": "Test", "b": "Test", "l": "[Test]"}),
            (b"m: {a: !!binary VGVzdA==}", {"m": "a: Test"}),
            (b"", {}),
        ],
    )
    def test_a_map(self, raw, wanted):
        assert entries(KEY, self.found(raw)) == {name: text.encode() for name, text in wanted.items()}

    @pytest.mark.parametrize(
        "raw", [b"plain", b"[1]", b"a: b: c", b"&a a: *b", b"a: !!binary x", b"a: [!!binary /w==]", b"a: {b: !!binary /w==}"]
    )
    def test_what_is_no_map(self, raw):
        assert isinstance(failure(entries(KEY, self.found(raw))), Broken)

    def test_bytes_that_are_no_text(self):
        assert entries(KEY, self.found(b"a: !!binary /wA=")) == {"a": b"\xff\x00"}

    def found(self, raw):
        server = Bitwarden()
        server.define("a", raw.decode())
        return answer(server, Get(key=id_of("a")))


class TestPush:
    def test_a_new_secret(self):
        server = Bitwarden()
        ran = command(server, PROVIDER.push, pushing(metadata={"note": " by us "}))
        assert (ran.value, [call.name for call in ran.calls]) == (Done(changed=True), ["ListSecrets", "CreateSecret"])
        assert orjson.loads(ran.calls[1].body) == {
            "key": "new",
            "note": "by us",
            "organizationId": ORGANIZATION,
            "projectIds": [PROJECT],
            "value": "v",
        }

    def test_a_changed_value_is_written_over(self):
        server = Bitwarden()
        server.define("new", "old", note="n")
        ran = command(server, PROVIDER.push, pushing(metadata={"spec": {"note": "n"}}))
        assert [(call.method, call.name) for call in ran.calls] == [("GET", "ListSecrets"), ("GET", "GetSecret"), ("PUT", "UpdateSecret")]
        assert orjson.loads(ran.calls[2].body)["id"] == id_of("new") and server.held("new") == b"v"

    @pytest.mark.parametrize("more", [{"note": "another's"}, {"project": OTHER}])
    def test_what_has_another_note_or_project_is_left_alone(self, more):
        server = Bitwarden()
        server.define("new", "old", id_of("other"), **more)
        assert command(server, PROVIDER.push, pushing()).value == Done(changed=True)
        assert (server.secrets[id_of("other")].value, len(server.secrets)) == ("old", 2)
        assert command(server, PROVIDER.push, pushing()).value == Done(changed=False)

    def test_one_that_was_renamed_since_the_list_is_left_alone(self):
        server = Bitwarden()
        ident = server.define("new", "v")

        def answer(call):
            reply = server.answer(call)
            server.define("renamed", "v", ident)
            return reply

        ran = run(PROVIDER.push(use(), Session(), pushing()), answer)
        assert ran.calls[-1].method == "POST"
        assert server.secrets[ident].value == "v"

    def test_an_equal_one_among_several_is_enough(self):
        server = Bitwarden()
        server.define("new", "other")
        server.define("new", "v", id_of("second"))
        assert command(server, PROVIDER.push, pushing()).value == Done(changed=False)

    @pytest.mark.parametrize(
        ("push", "kind"),
        [
            (pushing(key=""), InvalidSpec),
            (pushing(key=" a"), InvalidSpec),
            (pushing(property="p"), InvalidSpec),
            (pushing(metadata={"note": 1}), InvalidSpec),
            (pushing(b""), Broken),
            (pushing(b"\xff"), Broken),
            (pushing(b"x" * 25_001), Broken),
        ],
    )
    def test_what_is_refused_makes_no_call(self, push, kind):
        ran = command(Bitwarden(), PROVIDER.push, push)
        assert isinstance(failure(ran.value), kind) and ran.calls == []

    def test_a_text_with_the_value_is_left_out(self):
        server = Bitwarden()
        replies = [server.list({"organizationId": ORGANIZATION}), text(400, f"value {CANARY} is too odd")]
        told = failure(run(PROVIDER.push(use(), Session(), pushing(CANARY.encode())), replies).value)
        assert told == Broken(f"Bitwarden SDK server POST {BASE}/secret: status 400")

    def test_a_deletion_by_name_and_by_id(self):
        server = Bitwarden()
        server.define("a", "v")
        server.define("b", "v")
        ran = command(server, PROVIDER.delete, Delete(key="a"))
        assert (ran.value, [call.name for call in ran.calls]) == (Done(changed=True), ["ListSecrets", "GetSecret", "DeleteSecret"])
        assert [call.name for call in command(server, PROVIDER.delete, Delete(key=id_of("b"))).calls] == ["DeleteSecret"]
        assert server.secrets == {}
        assert command(server, PROVIDER.delete, Delete(key=id_of("b"))).value == Done(changed=False)

    def test_a_deletion_that_bitwarden_refuses(self):
        refused = text(200, orjson.dumps({"data": [{"id": id_of("a"), "error": "access denied"}]}).decode())
        told = failure(run(PROVIDER.delete(use(), Session(), Delete(key=id_of("a"))), [refused]).value)
        assert told == Broken(f"Bitwarden SDK server DELETE {BASE}/secret: access denied ({id_of('a')})")

    def test_a_name_that_is_there_twice_is_not_deleted(self):
        server = Bitwarden()
        server.define("a", "v")
        server.define("a", "w", id_of("other"))
        assert isinstance(failure(command(server, PROVIDER.delete, Delete(key="a")).value), Broken)
        assert len(server.secrets) == 2

    def test_existence_by_id(self):
        server = Bitwarden()
        server.define("a", "v")
        assert [command(server, PROVIDER.exists, Exists(key=id_of(name))).value for name in ("a", "b")] == [True, False]


class TestSpec:
    @pytest.mark.parametrize("written", [PEM, base64.b64encode(PEM.encode()).decode()])
    def test_a_certificate_as_it_is_or_as_base64(self, written):
        assert parsed(KEY, {**SPEC, "caBundle": written}).ca_pem == PEM.encode()

    @pytest.mark.parametrize(
        ("more", "text"),
        [
            ({"bitwardenServerSDKURL": ""}, "bitwardenServerSDKURL not configured"),
            ({"bitwardenServerSDKURL": "http://x"}, "must start with https://, for the access token is sent there"),
            ({"apiURL": "https://user@x"}, "must not carry a user name or password"),
            ({"identityURL": "x"}, "must be a URL that starts with https:// or http://"),
            ({"auth": {"secretRef": {"credentials": {"name": "x"}}}}, "must name a Secret and a key"),
            ({"caBundle": "bm8="}, "caBundle is not a PEM certificate"),
        ],
    )
    def test_what_is_refused(self, more, text):
        told = parsed(KEY, {**SPEC, **more})
        assert isinstance(told, InvalidSpec) and told.what == text
