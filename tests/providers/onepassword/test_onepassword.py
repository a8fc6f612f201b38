"""1Password Connect: requests as documented, and what the reference says of fields, files, finds and pushes."""

from __future__ import annotations

import orjson
import pytest

from eso_core.door import Delete, Done, Exists, Failed, Find, Found, Get, Probe, Push, Session, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Unreachable
from eso_core.providers.onepassword import PROVIDER
from eso_core.providers.onepassword import pushes as pushing
from eso_core.secret import SecretBytes
from eso_core.sim.provider.suite import CHECKS
from eso_core.wire import HttpReply, SdkReply
from tests.providers.onepassword.case import APART, BY_ID, BY_NAME, CASES, spec
from tests.providers.onepassword.server import HOST, NOW, Connect, error, id_of
from tests.providers.scripts import CANARY, access, ask, entries, failure, ok, parsed, plain, run, value

FIRST, SECOND = BY_ID
TOKEN = {"token": "connect-token-0"}


def use(vaults=BY_NAME, token=TOKEN):
    return access("onepassword", spec(vaults), token)


def answer(server, query, vaults=BY_NAME):
    return ask("onepassword", use(vaults), query, replies=server.answer, login=server.answer).value[query]


def read(server, key, prop=""):
    return value("onepassword", answer(server, Get(key=key, property=prop)), prop)


def found(server, **query):
    return plain(answer(server, Find(**query)))


def requests(calls):
    return [(call.method, call.url.removeprefix(f"https://{HOST}/v1")) for call in calls if hasattr(call, "url")]


class Writer:
    """One session, as the operator keeps it."""

    def __init__(self, server, vaults=BY_NAME):
        self.server, self.use = server, use(vaults)
        self.session = run(PROVIDER.login(self.use), server.answer if vaults is BY_NAME else ()).value
        assert isinstance(self.session, Session)

    def push(self, key, text="s3cr3t", prop="", secret_key="k", **spec):
        metadata = {"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata", "spec": spec} if spec else None
        raw = text if isinstance(text, bytes) else text.encode()
        push = Push(key=key, property=prop, secret_key=secret_key, source=Source(data={"k": SecretBytes(raw)}), metadata=metadata)
        return self.ran(PROVIDER.push(self.use, self.session, push))

    def delete(self, key, prop=""):
        return self.ran(PROVIDER.delete(self.use, self.session, Delete(key=key, property=prop)))

    def exists(self, key, prop=""):
        return self.ran(PROVIDER.exists(self.use, self.session, Exists(key=key, property=prop))).value

    def ran(self, talk):
        return run(talk, self.server.answer)


@pytest.mark.parametrize("check", [check for check in CHECKS if check.name not in APART], ids=lambda check: check.name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_suite_but_for_what_it_cannot_ask(case, check):
    assert check.of(case).verdict != "failed", check.of(case).text


# ---------------------------------------------------------------- stores


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"vaults": {}}, "spec.provider.onepassword.vaults"),
        ({"vaults": {"a": 1, "b": 1}}, "spec.provider.onepassword.vaults"),
        ({"vaults": {"": 1}}, "spec.provider.onepassword.vaults"),
        ({"connectHost": "connect:8080"}, "spec.provider.onepassword.connectHost"),
        ({"connectHost": "https://user:pw@connect"}, "spec.provider.onepassword.connectHost"),
        (
            {"auth": {"secretRef": {"connectTokenSecretRef": {"name": "", "key": "k"}}}},
            "spec.provider.onepassword.auth.secretRef.connectTokenSecretRef.name",
        ),
        (
            {"auth": {"secretRef": {"connectTokenSecretRef": {"name": "n"}}}},
            "spec.provider.onepassword.auth.secretRef.connectTokenSecretRef.key",
        ),
    ],
)
def test_a_store_that_cannot_work_is_refused(change, path):
    wrong = parsed("onepassword", {**spec(BY_NAME), **change})
    assert isinstance(wrong, InvalidSpec)
    assert wrong.path == path


def test_vaults_are_searched_in_their_order():
    assert parsed("onepassword", spec({"z": 1, "a": 10, "m": 2})).vaults == ("z", "m", "a")


def test_a_path_in_front_of_the_api_and_a_final_slash_are_kept_and_dropped():
    assert parsed("onepassword", {**spec(BY_NAME), "connectHost": "http://gate/connect/"}).host == "http://gate/connect"


def test_names_of_vaults_are_looked_up_once_for_a_session():
    server = Connect(fields=True)
    server.put("db", b"1", {})
    login = run(PROVIDER.login(use()), server.answer)
    assert requests(login.calls) == [("GET", "/vaults")]
    assert login.value.lease_s == 600
    get = Get(key="db")
    fetched = run(PROVIDER.fetch(use(), login.value, (get,)), server.answer)
    item = server._named("db")[1]
    assert requests(fetched.calls) == [
        ("GET", f"/vaults/{FIRST}/items?filter=title%20eq%20%22db%22"),
        ("GET", f"/vaults/{FIRST}/items/{item}"),
    ]
    assert all(call.headers == {"Accept": "application/json", "Authorization": "Bearer connect-token-0"} for call in fetched.calls)


def test_ids_of_vaults_are_not_looked_up():
    login = run(PROVIDER.login(use(BY_ID)))
    assert login.calls == []
    assert [vault.id for vault in login.value.value.vaults] == [FIRST, SECOND]


@pytest.mark.parametrize("token", ["", "two\nlines", "tokén"])
def test_a_token_that_would_break_the_header_makes_no_call(token):
    login = run(PROVIDER.login(use(token={"token": token})))
    assert login.calls == []
    assert isinstance(login.value, Refused)
    assert login.value.session


def test_a_vault_that_is_not_there_is_missing_and_two_of_a_name_are_refused():
    server = Connect()
    assert isinstance(run(PROVIDER.login(use({"third": 1})), server.answer).value, Missing)
    server.vaults[id_of("other")] = "first"
    server.scope.add(id_of("other"))
    assert isinstance(run(PROVIDER.login(use()), server.answer).value, InvalidSpec)


def test_a_probe_wants_every_vault():
    server = Connect()
    assert isinstance(answer(server, Probe(), BY_ID), Found)
    server.scope.remove(SECOND)
    assert isinstance(failure(answer(server, Probe(), BY_ID)), Missing)


@pytest.mark.parametrize(
    ("vaults", "reply", "kind"),
    [
        (BY_NAME, error(401, "Invalid bearer token"), Refused("", session=True)),
        (BY_NAME, error(403, "Authorization: token does not have access to vault"), Refused("", session=True)),
        (BY_NAME, error(404, f"vault {FIRST} not found"), Refused("", session=True)),
        (BY_ID, error(404, f"vault {FIRST} not found"), Missing("")),
        (BY_NAME, HttpReply(status=404, body=b"<html>"), Missing("")),
        (BY_NAME, error(400, "Invalid Vault UUID"), Broken("")),
        (BY_NAME, error(503, "sync is not ready"), Unreachable("")),
    ],
)
def test_failures(vaults, reply, kind):
    server = Connect()
    ran = ask("onepassword", use(vaults), Get(key="db"), replies=[reply], login=server.answer if vaults is BY_NAME else ())
    told = failure(ran.value[Get(key="db")])
    assert type(told) is type(kind)
    assert getattr(told, "session", None) == getattr(kind, "session", None)


# ---------------------------------------------------------------- reading


def test_titles_are_looked_for_in_the_vaults_in_order_and_must_be_unique_in_one():
    server = Connect()
    server.item(SECOND, "db", {"password": "second"})
    assert read(server, "db") == b"second"
    server.item(FIRST, "db", {"password": "first"})
    assert read(server, "db") == b"first"
    server.item(FIRST, "db", {"password": "again"}, item=id_of("x"))
    assert isinstance(failure(answer(server, Get(key="db"))), Broken)


def test_an_id_is_looked_for_in_every_vault_and_then_as_a_title():
    server = Connect()
    item = server.item(SECOND, "db", {"password": "by id"})
    assert read(server, item) == b"by id"
    title = id_of("a title like an id")
    server.item(SECOND, title, {"password": "by title"})
    assert read(server, title) == b"by title"
    assert isinstance(failure(answer(server, Get(key=id_of("nothing")))), Missing)


@pytest.mark.parametrize("title", ['say "db"', "back\\slash", 'x" or title eq "db', "a & b ?c=d #e ü"])
def test_titles_of_any_characters(title):
    server = Connect()
    server.item(FIRST, "db", {"password": "other"})
    server.item(FIRST, title, {"password": "s"})
    assert read(server, title) == b"s"


def test_fields_by_label():
    server = Connect()
    server.item(FIRST, "db", {"password": "p", "user.name": "u", "field/x": "f", "": "none"})
    assert read(server, "db") == b"p"
    assert read(server, "db", "user.name") == b"u"
    assert read(server, "db", "field/user.name") == b"u"
    assert read(server, "db", "field/field/x") == b"f"
    assert isinstance(failure(value("onepassword", answer(server, Get(key="db")), "nope")), Missing)
    got = answer(server, Get(key="db"))
    assert entries("onepassword", got) == {"password": b"p", "user.name": b"u", "field/x": b"f", "": b"none"}
    assert entries("onepassword", got, "user.name") == {"user.name": b"u"}
    assert entries("onepassword", got, "nope") == {}


def test_a_label_that_occurs_twice_is_no_value_and_no_map():
    server = Connect()
    item = server.item(FIRST, "db", {"password": "p", "a": "1"})
    server.items[FIRST][item]["fields"].append({"id": "x", "type": "STRING", "label": "a", "value": "2"})
    got = answer(server, Get(key="db"))
    assert value("onepassword", got) == b"p"
    assert isinstance(failure(value("onepassword", got, "a")), Broken)
    assert isinstance(failure(entries("onepassword", got)), Broken)
    assert entries("onepassword", got, "password") == {"password": b"p"}


def test_a_field_without_value_is_empty():
    server = Connect()
    item = server.item(FIRST, "db", {"password": "p"})
    del server.items[FIRST][item]["fields"][0]["value"]
    assert read(server, "db") == b""


def test_files_are_read_when_they_are_asked_for():
    server = Connect()
    item = server.document(FIRST, "keys", {"a.pem": b"\xff\x00a", "b.pem": b"b"})
    server.items[FIRST][item]["fields"] = [{"id": "x", "type": "STRING", "label": "a.pem", "value": "field"}]
    assert read(server, "keys") == b"\xff\x00a"
    assert read(server, "keys", "b.pem") == b"b"
    assert read(server, "keys", "file/b.pem") == b"b"
    assert read(server, "keys", "field/a.pem") == b"field"
    assert isinstance(failure(read(server, "keys", "c.pem")), Missing)
    assert entries("onepassword", answer(server, Get(key="keys"))) == {"a.pem": b"\xff\x00a", "b.pem": b"b"}
    query = Get(key="keys", property="b.pem")
    assert entries("onepassword", answer(server, query), "b.pem") == {"b.pem": b"b"}
    calls = ask("onepassword", use(BY_ID), query, replies=server.answer).calls
    file = id_of(f"{item} b.pem")
    assert requests(calls)[1:] == [
        ("GET", f"/vaults/{FIRST}/items/{item}"),
        ("GET", f"/vaults/{FIRST}/items/{item}/files/{file}/content"),
    ]


def test_files_of_other_items_are_not_read_with_their_fields():
    server = Connect()
    server.document(FIRST, "login", {"a.pem": b"a"}, category="LOGIN")
    assert len(ask("onepassword", use(BY_ID), Get(key="login", property="x"), replies=server.answer).calls) == 2
    assert read(server, "login", "file/a.pem") == b"a"
    assert read(server, "login", "file/") == b"a"


def test_a_file_of_another_size_is_not_whole():
    server = Connect()
    server.document(FIRST, "keys", {"a": b"abc"})
    server.contents[next(iter(server.contents))] = b"ab"
    assert isinstance(failure(answer(server, Get(key="keys"))), Broken)


def test_properties_of_one_item_are_one_conversation():
    server = Connect()
    server.item(FIRST, "db", {"password": "p", "user": "u"})
    gets = [Get(key="db", property=prop) for prop in ("", "user", "password", "file/x")]
    ran = ask("onepassword", use(BY_ID), *gets, replies=server.answer)
    assert len(ran.calls) == 2
    assert value("onepassword", ran.value[gets[1]], "user") == b"u"


def test_a_file_that_two_properties_mean_is_read_once():
    server = Connect()
    server.document(FIRST, "keys", {"a.pem": b"a", "b.pem": b"b"})
    gets = [Get(key="keys", property=prop) for prop in ("", "a.pem", "file/a.pem")]
    ran = ask("onepassword", use(BY_ID), *gets, replies=server.answer)
    assert len(ran.calls) == 4
    assert {value("onepassword", ran.value[get], get.property) for get in gets} == {b"a"}


def test_versions_are_refused():
    assert isinstance(failure(answer(Connect(), Get(key="db", version="2"))), InvalidSpec)


# ---------------------------------------------------------------- finding


@pytest.fixture
def several():
    server = Connect()
    server.item(FIRST, "db", {"user": "u1", "port": "1"}, tags=["prod", "db"])
    server.item(SECOND, "db", {"user": "u2", "host": "h"}, tags=["prod"])
    server.document(SECOND, "certs", {"tls.pem": b"c", "port": b"file"}, tags=["prod", "db"])
    return server


def test_a_find_by_path_is_of_one_title(several):
    assert found(several, path="db") == {"user": b"u1", "port": b"1", "host": b"h"}
    assert found(several, path="certs") == {"tls.pem": b"c", "port": b"file"}
    assert found(several, path="d") == {}


def test_a_find_by_name_looks_at_labels_and_files_and_the_first_counts(several):
    assert found(several, name="^(user|port|tls)") == {"user": b"u1", "port": b"1", "tls.pem": b"c"}
    assert found(several, name="user", path="certs") == {}


def test_a_find_by_tags_looks_at_all_vaults(several):
    assert found(several, tags=(("prod", ""), ("db", "any value"))) == {"user": b"u1", "port": b"1", "tls.pem": b"c"}
    assert found(several, tags=(("prod", "x"),), name="^h") == {"host": b"h"}
    assert found(several, tags=(("db", ""),), path="certs") == {"user": b"u1", "port": b"1", "tls.pem": b"c"}
    assert found(several, tags=(("none", ""),)) == {}


def test_a_find_of_everything(several):
    assert set(found(several)) == {"user", "port", "host", "tls.pem"}


def test_a_find_meets_a_label_that_occurs_twice(several):
    several.items[SECOND][id_of(f"item {SECOND} db")]["fields"].append({"id": "x", "type": "STRING", "label": "host", "value": "2"})
    assert isinstance(failure(answer(several, Find(name="user"))), Broken)
    assert found(several, path="certs")


def test_what_is_not_chosen_is_not_read(several):
    ran = ask("onepassword", use(BY_ID), Find(tags=(("db", ""),), name="tls"), replies=several.answer)
    certs = id_of(f"item {SECOND} certs")
    assert requests(ran.calls) == [
        ("GET", f"/vaults/{FIRST}/items"),
        ("GET", f"/vaults/{FIRST}/items/{id_of(f'item {FIRST} db')}"),
        ("GET", f"/vaults/{SECOND}/items"),
        ("GET", f"/vaults/{SECOND}/items/{certs}"),
        ("GET", f"/vaults/{SECOND}/items/{certs}/files/{id_of(f'{certs} tls.pem')}/content"),
    ]


# ---------------------------------------------------------------- writing


def test_a_new_item():
    writer = Writer(Connect(), BY_ID)
    ran = writer.push("db", CANARY, "user", tags=["a"], vault=SECOND)
    assert ran.value == Done(changed=True)
    call = ran.calls[2]
    assert (call.method, call.url) == ("POST", f"https://{HOST}/v1/vaults/{SECOND}/items")
    assert orjson.loads(call.body) == {
        "title": "db",
        "category": "SERVER",
        "vault": {"id": SECOND},
        "fields": [{"id": "", "type": "CONCEALED", "label": "user", "value": CANARY}],
        "tags": ["a"],
    }


def test_a_new_item_is_made_in_the_first_vault():
    writer = Writer(Connect())
    writer.push("db")
    assert [held["title"] for held in writer.server.items[FIRST].values()] == ["db"]
    assert read(writer.server, "db") == b"s3cr3t"


def test_the_vault_of_the_metadata_must_be_one_of_the_store():
    wrong = failure(Writer(Connect()).push("db", vault="third").value)
    assert isinstance(wrong, InvalidSpec)
    assert wrong.path == "metadata.spec.vault"


def test_the_vault_of_the_metadata_plays_no_part_for_an_item_that_is_there():
    writer = Writer(Connect())
    writer.push("db")
    assert writer.push("db", "n3w", vault="third").value == Done(changed=True)
    assert read(writer.server, "db") == b"n3w"


def test_an_item_keeps_what_a_push_does_not_name():
    server = Connect()
    item = server.item(FIRST, "db", {"password": "old", "user": "u"}, tags=["mine"])
    server.items[FIRST][item] |= {"urls": [{"href": "https://db"}], "favorite": True}
    ran = Writer(server).push("db", "new")
    assert ran.value == Done(changed=True)
    put = ran.calls[2]
    assert (put.method, put.url) == ("PUT", f"https://{HOST}/v1/vaults/{FIRST}/items/{item}")
    held = server.items[FIRST][item]
    assert (held["urls"], held["favorite"], held["tags"], held["version"]) == ([{"href": "https://db"}], True, ["mine"], 2)
    assert [(field["label"], field["value"]) for field in held["fields"]] == [("password", "new"), ("user", "u")]


def test_what_no_program_of_today_knows_stays_byte_for_byte():
    odd = b'{"n": 123456789012345678901234567890, "x": 1.50, "deep": ' + b"[" * 400 + b"]" * 400 + b"}"
    item = id_of("odd")
    body = (
        b'{"id": "%s", "title": "db", "fields": [{"id": "a", "type": "STRING", "label": "password", "value": "p", "new": %s}], "more": %s}'
    )
    listed = orjson.dumps([{"id": item, "title": "db"}])
    held = body % (item.encode(), odd, odd)
    push = Push(key="db", secret_key="k", source=Source(data={"k": SecretBytes(b"other")}))
    talk = PROVIDER.push(use(BY_ID), run(PROVIDER.login(use(BY_ID))).value, push)
    put = run(talk, [ok(listed), ok(held), ok(held), SdkReply(value=NOW)]).calls[2]
    assert put.body.count(odd) == 2
    assert b'"value":"other"' in put.body


def test_only_what_changes_is_written():
    writer = Writer(Connect())
    writer.server.item(FIRST, "db", {"password": "p"}, tags=["a", "b"])
    assert writer.push("db", "p").value == Done(changed=False)
    assert writer.push("db", "p", tags=["b", "a"]).value == Done(changed=False)
    assert writer.push("db", "p", tags=["c"]).value == Done(changed=True)
    assert next(iter(writer.server.items[FIRST].values()))["tags"] == ["c"]


def test_a_label_that_occurs_twice_is_not_written():
    server = Connect()
    item = server.item(FIRST, "db", {"password": "p"})
    server.items[FIRST][item]["fields"].append({"id": "x", "type": "STRING", "label": "password", "value": "2"})
    writer = Writer(server)
    assert isinstance(failure(writer.push("db").value), Broken)
    assert isinstance(failure(writer.delete("db").value), Broken)


def test_bytes_that_are_no_text_are_refused():
    assert isinstance(failure(Writer(Connect()).push("db", b"\xff").value), Broken)


def test_a_whole_secret_is_json_in_one_field():
    writer = Writer(Connect())
    assert writer.push("db", "v", secret_key="").value == Done(changed=True)
    assert read(writer.server, "db") == b'{"k":"v"}'


def test_a_deletion_removes_the_field_and_the_item_with_its_last_one():
    writer = Writer(Connect())
    writer.push("db", "1")
    writer.push("db", "2", "user")
    assert writer.delete("db", "other").value == Done(changed=False)
    assert writer.delete("db").value == Done(changed=True)
    assert (writer.exists("db"), writer.exists("db", "password"), writer.exists("db", "user")) == (True, False, True)
    ran = writer.delete("db", "user")
    assert ran.value == Done(changed=True)
    assert ran.calls[-1].method == "DELETE"
    assert writer.server.items[FIRST] == {}
    assert writer.delete("db", "user").value == Done(changed=False)


@pytest.mark.parametrize(
    ("left", "deleted"),
    [
        ({"sections": [{}]}, True),
        ({"sections": [{"id": "s", "label": "More"}]}, False),
        ({"files": [{"id": id_of("f"), "name": "a", "size": 1}]}, False),
    ],
)
def test_an_item_that_holds_something_else_is_kept(left, deleted):
    server = Connect()
    item = server.item(FIRST, "db", {"password": "p"})
    server.items[FIRST][item] |= left
    assert Writer(server).delete("db").value == Done(changed=True)
    assert (item not in server.items[FIRST]) is deleted


def test_notes_that_are_not_empty_keep_an_item():
    server = Connect()
    writer = Writer(server)
    writer.push("db")
    [held] = server.items[FIRST].values()
    held["fields"][1]["value"] = "remember"
    assert writer.delete("db").value == Done(changed=True)
    assert [field["label"] for field in next(iter(server.items[FIRST].values()))["fields"]] == ["notesPlain"]


def test_a_failure_of_a_write_repeats_nothing_of_what_was_sent():
    server = Connect()

    def replies(call):
        return error(400, f"bad value {CANARY}") if call.method == "POST" else server.answer(call)

    push = Push(key="db", secret_key="k", source=Source(data={"k": SecretBytes(CANARY.encode())}))
    told = failure(run(PROVIDER.push(use(BY_ID), run(PROVIDER.login(use(BY_ID))).value, push), replies).value)
    assert isinstance(told, Broken)
    assert CANARY not in told.what


# ---------------------------------------------------------------- writes that are shown late


def test_two_pushes_of_a_new_item_make_one_item():
    server = Connect(lag=20)
    writer = Writer(server)
    assert writer.push("db", "1").value == Done(changed=True)
    assert writer.push("db", "1").value == Done(changed=False)
    late = failure(writer.push("db", "2", "user").value)
    assert isinstance(late, Unreachable)
    assert server.items[FIRST] == {}
    assert writer.exists("db") is True
    for _ in range(20):
        server.answer(writer.ran(PROVIDER.fetch(writer.use, writer.session, (Probe(),))).calls[0])
    assert writer.push("db", "2", "user").value == Done(changed=True)
    assert [held["title"] for held in [*server.items[FIRST].values(), *(held[3] for held in server.pending)]] == ["db", "db"]
    server.calls += 100
    server._settle()
    [held] = server.items[FIRST].values()
    assert {field["label"]: field.get("value") for field in held["fields"]} == {"password": "1", "user": "2", "notesPlain": None}


def test_a_push_goes_on_from_a_change_that_is_not_shown_yet():
    server = Connect()
    item = server.item(FIRST, "db", {"password": "0"})
    writer = Writer(server)
    server.lag = 50
    writer.push("db", "1")
    writer.push("db", "2", "user")
    server.calls += 100
    server._settle()
    assert {field["label"]: field["value"] for field in server.items[FIRST][item]["fields"]} == {"password": "1", "user": "2"}


def test_what_was_written_counts_for_a_minute():
    server = Connect()
    writer = Writer(server)
    writer.push("db", "1")
    server.items[FIRST].clear()  # by somebody else
    assert writer.push("db", "1").value == Done(changed=False)
    server.now = NOW + pushing.SETTLING_S
    assert writer.push("db", "1").value == Done(changed=True)
    assert len(server.items[FIRST]) == 1


def test_a_session_remembers_a_few_writes_and_shows_none():
    writer = Writer(Connect(lag=10_000))
    for number in range(pushing.WRITTEN_MAX + 3):
        writer.push(f"db{number}", CANARY)
    assert len(writer.session.value.written) == pushing.WRITTEN_MAX
    assert CANARY not in repr(writer.session) + repr(writer.session.value) + repr(writer.session.value.written)
    writer.push("large", "x" * pushing.REMEMBERED_MAX)
    assert "large" not in writer.session.value.written


def test_a_deletion_of_what_is_not_shown_yet_is_put_again():
    writer = Writer(Connect(lag=50))
    writer.push("db")
    assert isinstance(failure(writer.delete("db").value), Unreachable)
    assert isinstance(writer.delete("db").value, Failed)
