"""1Password's own client against the server in memory, and our conversations against the state that it leaves."""

from __future__ import annotations

import pytest
from onepasswordconnectsdk import new_client
from onepasswordconnectsdk.errors import FailedToRetrieveItemException
from onepasswordconnectsdk.models import Field, Item, ItemVault

from eso_core.door import Delete, Done, Get, Push, Source
from eso_core.providers.onepassword import PROVIDER
from eso_core.secret import SecretBytes
from tests.providers.onepassword.case import BY_ID, spec
from tests.providers.onepassword.server import HOST, Connect
from tests.providers.scripts import access, ask, run, value
from tests.providers.serve import serve

FIRST, SECOND = BY_ID
USE = access("onepassword", spec(BY_ID), {"token": "connect-token-0"})


@pytest.fixture
def server():
    return Connect()


@pytest.fixture
def client(server):
    with serve(server, base=f"https://{HOST}") as where:
        yield new_client(where.url, server.token)


def push(server, key, text, prop=""):
    session = run(PROVIDER.login(USE)).value
    command = Push(key=key, property=prop, secret_key="k", source=Source(data={"k": SecretBytes(text)}))
    return run(PROVIDER.push(USE, session, command), server.answer).value


def read(server, key, prop=""):
    query = Get(key=key, property=prop)
    return value("onepassword", ask("onepassword", USE, query, replies=server.answer).value[query], prop)


def test_it_finds_vaults(client):
    assert [(vault.id, vault.name) for vault in client.get_vaults()] == [(FIRST, "first"), (SECOND, "second")]
    assert client.get_vault_by_title("second").id == SECOND


def test_what_it_makes_is_read(server, client):
    fields = [Field(id="", type="CONCEALED", label="password", value="p"), Field(id="", type="STRING", label="user", value="u")]
    made = client.create_item(SECOND, Item(title="db", category="LOGIN", vault=ItemVault(id=SECOND), fields=fields, tags=["t"]))
    assert (read(server, "db"), read(server, "db", "user"), read(server, made.id)) == (b"p", b"u", b"p")
    made.fields[1].value = "other"
    assert client.update_item(made.id, SECOND, made).version == 2
    assert read(server, "db", "user") == b"other"


def test_what_we_push_it_reads(server, client):
    assert push(server, "db", b"p") == Done(changed=True)
    assert push(server, "db", b"u", "user") == Done(changed=True)
    held = client.get_item("db", FIRST)
    assert {field.label: field.value for field in held.fields if field.value} == {"password": "p", "user": "u"}
    assert (held.category, held.title, held.version) == ("SERVER", "db", 2)
    assert [item.title for item in client.get_items(FIRST)] == ["db"]


def test_what_it_changes_is_kept_by_a_push(server, client):
    push(server, "db", b"p")
    held = client.get_item("db", FIRST)
    held.tags = ["theirs"]
    held.fields.append(Field(id="", type="STRING", label="note", value="n"))
    client.update_item(held.id, FIRST, held)
    assert push(server, "db", b"new") == Done(changed=True)
    held = client.get_item("db", FIRST)
    assert held.tags == ["theirs"]
    assert {field.label: field.value for field in held.fields if field.value} == {"password": "new", "note": "n"}


def test_it_sees_what_is_deleted(server, client):
    push(server, "db", b"p")
    held = client.get_item("db", FIRST)
    session = run(PROVIDER.login(USE)).value
    assert run(PROVIDER.delete(USE, session, Delete(key="db")), server.answer).value == Done(changed=True)
    with pytest.raises(FailedToRetrieveItemException):
        client.get_item_by_id(held.id, FIRST)


def test_files_are_what_it_reads(server, client):
    item = server.document(FIRST, "keys", {"a.pem": b"\xff\x00a", "b.pem": b"b"})
    files = {file.name: client.get_file_content(file.id, item, FIRST) for file in client.get_files(item, FIRST)}
    assert files == {"a.pem": read(server, "keys", "a.pem"), "b.pem": read(server, "keys", "file/b.pem")}
