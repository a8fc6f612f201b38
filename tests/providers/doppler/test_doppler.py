"""Doppler: requests as documented, logins, kept answers, batches, files and writes."""

from __future__ import annotations

import base64

import orjson
import pytest

from eso_core.door import AccountToken, Delete, Done, Exists, Find, Found, Get, Probe, Push, SecretKey, Session, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers.doppler import PROVIDER, store
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, HttpReply, SdkCall
from tests.providers.doppler.case import OIDC, SCOPE, TOKEN
from tests.providers.doppler.server import FORMATS, IDENTITY, TRANSFORMERS, Doppler, error
from tests.providers.scripts import CANARY, access, entries, failure, ok, parsed, plain, run, value

HELD = {"token": "dp.st.prd.token-0"}
BASIC = "Basic " + base64.b64encode(b"dp.st.prd.token-0:").decode()


def use(spec=TOKEN, held=HELD):
    return access("doppler", spec, held)


def session(server, where=None):
    held = run(PROVIDER.login(where or use()), server.answer).value
    assert isinstance(held, Session), held
    return held


def fetch(server, *queries, where=None, held=None, replies=None):
    where = where or use()
    return run(PROVIDER.fetch(where, held or session(server, where), queries), replies or server.answer)


def one(server, query, **more):
    return fetch(server, query, **more).value[query]


@pytest.fixture
def server():
    held = Doppler()
    for name in ("DB_HOST", "DB_USER", "API_KEY"):
        held.put(name, f"{name} value".encode(), {})
    return held


# ---------------------------------------------------------------- stores


@pytest.mark.parametrize(
    ("auth", "path"),
    [
        ({}, "spec.provider.doppler.auth"),
        ({"secretRef": {"dopplerToken": {"name": "", "key": "x"}}}, "spec.provider.doppler.auth.secretRef.dopplerToken.name"),
        ({"oidcConfig": {"identity": "", "serviceAccountRef": {"name": "a"}}}, "spec.provider.doppler.auth.oidcConfig.identity"),
        (
            {"oidcConfig": {"identity": "i", "serviceAccountRef": {"name": ""}}},
            "spec.provider.doppler.auth.oidcConfig.serviceAccountRef.name",
        ),
    ],
)
def test_a_store_that_cannot_work_is_refused(auth, path):
    wrong = parsed("doppler", {"auth": auth})
    assert isinstance(wrong, InvalidSpec)
    assert wrong.path == path


def test_the_token_is_under_a_key_of_its_own_unless_told_otherwise():
    assert PROVIDER.needs(parsed("doppler", TOKEN)) == {"token": SecretKey("doppler", "dopplerToken")}
    spec = {"auth": {"secretRef": {"dopplerToken": {"name": "doppler", "key": "t", "namespace": "other"}}}}
    assert PROVIDER.needs(parsed("doppler", spec, cluster=True)) == {"token": SecretKey("doppler", "t", "other")}


def test_the_account_token_is_for_the_api_and_for_this_store():
    api = "https://api.doppler.com"
    assert PROVIDER.needs(parsed("doppler", OIDC)) == {"account": AccountToken("reader", (api, "secretStore:team:store"))}
    own = {"name": "reader", "namespace": "ns", "audiences": ["mine"]}
    spec = {"auth": {"oidcConfig": {"identity": "i", "expirationSeconds": 900, "serviceAccountRef": own}}}
    wanted = AccountToken("reader", ("mine", "clusterSecretStore:store"), "ns", 900)
    assert PROVIDER.needs(parsed("doppler", spec, cluster=True)) == {"account": wanted}


# ---------------------------------------------------------------- logins


def test_a_token_needs_no_call(server):
    login = run(PROVIDER.login(use()), server.answer)
    assert [call.name for call in login.calls] == ["ambient.variables"]
    assert login.value.lease_s is None
    assert isinstance(run(PROVIDER.login(use(held={"token": " \n"})), server.answer).value, Refused)


def test_oidc():
    server = Doppler(oidc=True)
    login = run(PROVIDER.login(use(OIDC, {"account": "account-token-0"})), server.answer)
    call = login.calls[1]
    assert (call.method, call.url) == ("POST", "https://api.doppler.com/v3/auth/oidc")
    assert call.headers == {"Accept": "application/json", "Content-Type": "application/json"}
    assert orjson.loads(call.body) == {"identity": IDENTITY, "token": "account-token-0"}
    assert login.value.lease_s == 3540.0
    assert login.value.value.token == "dp.said.token-1-of-account-token-0"
    assert "dp.said" not in repr(login.value) + repr(login.value.value)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "no"), Refused),
        (error(404, "no identity"), Refused),
        (error(400, "bad token"), Refused),
        (error(500, "down"), Unreachable),
        (ok({"success": False, "messages": ["no"]}), Broken),
        (ok({"success": True, "token": "t", "expires_at": "soon"}), Broken),
        (ok({"success": True, "token": "", "expires_at": "2026-11-30T01:53:20Z"}), Broken),
    ],
)
def test_a_login_that_fails(reply, kind):
    server = Doppler(oidc=True)

    def replies(call):
        return server.answer(call) if isinstance(call, SdkCall) else reply

    told = run(PROVIDER.login(use(OIDC, {"account": "account-token-0"})), replies).value
    assert type(told) is kind
    assert "account-token" not in told.what


@pytest.mark.parametrize(
    ("variables", "base", "verify"),
    [
        ({}, "https://api.doppler.com", True),
        ({"DOPPLER_BASE_URL": "http://doppler.internal:8080/"}, "http://doppler.internal:8080", True),
        ({"DOPPLER_BASE_URL": "doppler.internal"}, "https://doppler.internal", True),
        ({"DOPPLER_VERIFY_TLS": "False"}, "https://api.doppler.com", False),
        ({"DOPPLER_VERIFY_TLS": "0"}, "https://api.doppler.com", False),
        ({"DOPPLER_VERIFY_TLS": "no"}, "https://api.doppler.com", True),
    ],
)
def test_the_environment_of_the_operator(server, variables, base, verify):
    server.variables = variables
    calls = fetch(server, Get(key="DB_HOST")).calls
    assert calls[0].url == f"{base}/v3/configs/config/secrets/download?secrets=DB_HOST"
    assert (calls[0].tls.verify, calls[0].ambient) == (verify, "DOPPLER_BASE_URL" in variables)


def test_an_environment_that_cannot_be_used_or_read(server):
    server.variables = {"DOPPLER_BASE_URL": "https://user@doppler"}
    assert run(PROVIDER.login(use()), server.answer).value == InvalidSpec("must not carry a user name or password", "DOPPLER_BASE_URL")
    assert isinstance(run(PROVIDER.login(use()), [CallFailed(Broken("no"))]).value, Broken)


# ---------------------------------------------------------------- reading


def test_one_secret(server):
    server = Doppler(scoped=False)
    server.put("DB_HOST", b"db", {})
    ran = fetch(server, Get(key="DB_HOST"), where=use({**TOKEN, **SCOPE, "nameTransformer": "camel", "format": "env"}))
    [call] = ran.calls
    assert call.method == "GET"
    assert call.url == "https://api.doppler.com/v3/configs/config/secrets/download?project=shop&config=prd&secrets=DB_HOST"
    assert call.headers == {"Accept": "application/json", "Authorization": BASIC}
    assert call.timeout_s == 10
    got = ran.value[Get(key="DB_HOST")]
    assert (value("doppler", got), value("doppler", got, "any.property")) == (b"db", b"db")


def test_several_secrets_are_one_call(server):
    ran = fetch(server, *(Get(key=name) for name in ("DB_USER", "lower", "API_KEY", "NO_SUCH")))
    [call] = ran.calls
    assert call.url.endswith("?secrets=API_KEY%2CDB_USER%2CNO_SUCH")
    assert value("doppler", ran.value[Get(key="DB_USER")]) == b"DB_USER value"
    assert isinstance(failure(ran.value[Get(key="NO_SUCH")]), Missing)
    assert isinstance(failure(ran.value[Get(key="lower")]), InvalidSpec)


def test_where_doppler_refuses_one_name_each_is_asked_for_alone(server):
    server.strict = True
    ran = fetch(server, *(Get(key=name) for name in ("DB_USER", "NO_SUCH", "API_KEY")))
    assert [call.url.rpartition("=")[2] for call in ran.calls] == ["API_KEY%2CDB_USER%2CNO_SUCH", "API_KEY", "DB_USER", "NO_SUCH"]
    assert value("doppler", ran.value[Get(key="API_KEY")]) == b"API_KEY value"
    assert isinstance(failure(ran.value[Get(key="NO_SUCH")]), Missing)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "Invalid Auth token"), Refused("", session=True)),
        (error(403, "You do not have access"), Refused("")),
        (error(429, "Slow down"), Throttled("")),
        (error(503, "down"), Unreachable("")),
        (HttpReply(status=304), Unreachable("")),
    ],
)
def test_failures_of_all_are_told_once(server, reply, kind):
    ran = fetch(server, Get(key="DB_USER"), Get(key="API_KEY"), replies=[reply])
    for answer in ran.value.values():
        assert type(failure(answer)) is type(kind)
        assert getattr(failure(answer), "session", None) == getattr(kind, "session", None)


def test_a_config_that_is_not_there_is_missing_and_a_scope_that_lacks_is_told():
    told = failure(one(Doppler(), Get(key="A"), where=use({**TOKEN, "project": "shop", "config": "dev"})))
    assert isinstance(told, Missing)
    assert "Could not find requested config 'dev'" in told.what
    assert "You must specify a project" in failure(one(Doppler(scoped=False), Get(key="A"))).what


def test_a_map_is_the_members_of_a_json_object(server):
    server.put("JSON", b'{"a": "1", "b": {"c": 2}}', {})
    server.put("TEXT", b"text", {})
    assert entries("doppler", one(server, Get(key="JSON"))) == {"a": b"1", "b": b'{"c": 2}'}
    assert isinstance(failure(entries("doppler", one(server, Get(key="TEXT")))), Broken)


def test_a_probe_lists_projects(server):
    ran = fetch(server, Probe())
    assert isinstance(ran.value[Probe()], Found)
    assert [call.url for call in ran.calls] == ["https://api.doppler.com/v3/projects"]
    assert isinstance(failure(one(server, Probe(), replies=[ok({})])), Broken)


# ---------------------------------------------------------------- finding


def test_a_find_by_name_and_by_the_start_of_it(server):
    assert plain(one(server, Find(name="^DB", path="DB_H"))) == {"DB_HOST": b"DB_HOST value"}
    assert plain(one(server, Find(path="DB_"))) == {"DB_HOST": b"DB_HOST value", "DB_USER": b"DB_USER value"}
    assert set(plain(one(server, Find()))) == {"DB_HOST", "DB_USER", "API_KEY", "DOPPLER_CONFIG", "DOPPLER_ENVIRONMENT", "DOPPLER_PROJECT"}
    assert isinstance(failure(one(server, Find(tags=(("a", "b"),)))), InvalidSpec)


@pytest.mark.parametrize("transformer", sorted(TRANSFORMERS))
def test_names_are_changed_before_they_are_matched(server, transformer):
    ran = fetch(server, Find(name="(?i)user"), where=use({**TOKEN, "nameTransformer": transformer}))
    assert plain(ran.value[Find(name="(?i)user")]) == {TRANSFORMERS[transformer]("DB_USER"): b"DB_USER value"}
    assert ran.calls[0].url.endswith(f"?name_transformer={transformer}")


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_format_makes_one_file(server, form):
    ran = fetch(server, Find(name="."), where=use({**TOKEN, "format": form}))
    held = plain(ran.value[Find(name=".")])
    assert set(held) == {"DOPPLER_SECRETS_FILE"}
    assert b"DB_USER value" in held["DOPPLER_SECRETS_FILE"]
    assert ran.calls[0].url.endswith(f"?format={form}")
    assert ran.calls[0].headers["Accept"] == ("application/json" if form == "json" else "text/plain")
    assert plain(one(server, Find(path="DB_"), where=use({**TOKEN, "format": form}))) == {}


def test_a_file_of_json_is_json(server):
    for form in ("json", "dotnet-json"):
        assert isinstance(failure(one(server, Find(), where=use({**TOKEN, "format": form}), replies=[ok(b'{"a"')])), Broken)


# ---------------------------------------------------------------- kept answers


def test_an_answer_that_has_not_changed_is_not_sent_again(server):
    held = session(server)
    gets = Get(key="DB_USER"), Get(key="DB_HOST")
    for queries in (gets, (Find(path="DB_"),)):
        first = fetch(server, *queries, held=held)
        again = fetch(server, *reversed(queries), held=held)
        assert "If-None-Match" not in first.calls[0].headers
        assert again.calls[0].headers["If-None-Match"].startswith('W/"')
        assert {query: plain(answer) for query, answer in first.value.items()} == {
            query: plain(answer) for query, answer in again.value.items()
        }
    assert server.unchanged == 2
    server.put("DB_USER", b"new", {})
    assert plain(one(server, gets[0], held=held)) == b"new"
    assert plain(one(server, Find(name="DB_USER"), held=held)) == {"DB_USER": b"new"}


def test_kept_answers_are_few_and_unseen(server):
    known = session(server).value
    for number in range(store.KEPT_MAX + 5):
        known.keep(f"query{number}", "etag", CANARY.encode())
    assert list(known.kept) == [f"query{number}" for number in range(5, store.KEPT_MAX + 5)]
    assert CANARY not in repr(known) + repr(known.kept)
    known.keep("half", "etag", b"x" * (store.KEPT_BYTES - 10))
    assert list(known.kept) == ["half"]
    known.keep("large", "etag", b"x" * (store.KEPT_BYTES + 1))
    known.keep("untagged", "", b"x")
    assert list(known.kept) == ["half"]


def test_what_cannot_be_read_is_not_kept(server):
    held = session(server)
    one(server, Get(key="DB_USER"), held=held, replies=[ok(b"{", etag="e")])
    assert held.value.kept == {}


# ---------------------------------------------------------------- writing


def commands(server, spec=TOKEN):
    where = use(spec)
    held = session(server, where)

    def push(key, raw, prop="", secret_key="k"):
        source = Source(data={"k": SecretBytes(raw)})
        return run(PROVIDER.push(where, held, Push(key=key, property=prop, secret_key=secret_key, source=source)), server.answer)

    def delete(key):
        return run(PROVIDER.delete(where, held, Delete(key=key)), server.answer)

    def exists(key):
        return run(PROVIDER.exists(where, held, Exists(key=key)), server.answer)

    return push, delete, exists, held


def test_a_push_writes_what_has_changed(server):
    push, *_ = commands(server, {**TOKEN, **SCOPE})
    ran = push("NEW", CANARY.encode())
    assert ran.value == Done(changed=True)
    read, write = ran.calls
    assert read.url == "https://api.doppler.com/v3/configs/config/secrets?project=shop&config=prd&secrets=NEW"
    assert (write.method, write.url) == ("POST", "https://api.doppler.com/v3/configs/config/secrets")
    assert write.headers == {"Accept": "application/json", "Authorization": BASIC, "Content-Type": "application/json"}
    assert orjson.loads(write.body) == {"secrets": {"NEW": CANARY}, "project": "shop", "config": "prd"}
    assert push("NEW", CANARY.encode()).value == Done(changed=False)
    assert push("NEW", b"other", "any property").value == Done(changed=True)
    assert server.held("NEW") == b"other"


def test_a_reference_to_another_secret_is_compared_as_it_is_written(server):
    push, *_ = commands(server)
    push("URL", b"https://${DB_HOST}/")
    assert plain(one(server, Get(key="URL"))) == b"https://DB_HOST value/"
    assert push("URL", b"https://${DB_HOST}/").value == Done(changed=False)


def test_a_whole_secret_is_json(server):
    push, *_ = commands(server)
    assert push("ALL", b"v", secret_key="").value == Done(changed=True)
    assert server.held("ALL") == b'{"k":"v"}'


def test_a_write_drops_what_was_kept(server):
    push, _, _, held = commands(server)
    fetch(server, Find(), held=held)
    assert held.value.kept
    push("NEW", b"1")
    assert held.value.kept == {}


def test_a_deletion(server):
    _, delete, exists, _ = commands(server)
    assert exists("DB_USER").value is True
    ran = delete("DB_USER")
    assert ran.value == Done(changed=True)
    change = {"name": "DB_USER", "originalName": "DB_USER", "value": None, "shouldDelete": True}
    assert orjson.loads(ran.calls[1].body) == {"change_requests": [change]}
    assert exists("DB_USER").value is False
    assert delete("DB_USER").value == Done(changed=False)
    assert len(delete("DB_USER").calls) == 1


def test_what_cannot_be_written_is_refused(server):
    push, delete, exists, _ = commands(server)
    assert isinstance(failure(push("lower", b"1").value), InvalidSpec)
    assert isinstance(failure(delete("1A").value), InvalidSpec)
    assert isinstance(failure(exists("A,B").value), InvalidSpec)
    assert isinstance(failure(push("NEW", b"\xff").value), Broken)
    assert isinstance(failure(push("NEW", b"x", secret_key="other").value), Missing)


def test_a_failure_of_a_write_repeats_nothing_of_what_was_sent(server):
    def replies(call):
        return error(400, f"bad {CANARY}") if getattr(call, "method", "") == "POST" else server.answer(call)

    push = Push(key="NEW", secret_key="k", source=Source(data={"k": SecretBytes(CANARY.encode())}))
    told = failure(run(PROVIDER.push(use(), session(server), push), replies).value)
    assert isinstance(told, Broken)
    assert CANARY not in told.what
