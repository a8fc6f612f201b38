"""Doppler's own client against the server in memory, and our conversations against the state that it leaves."""

from __future__ import annotations

import pytest
from dopplersdk import DopplerSDK
from http_exceptions import NotFoundException, UnauthorizedException

from eso_core.door import Delete, Done, Find, Get, Push, Source
from eso_core.providers.doppler import PROVIDER
from eso_core.secret import SecretBytes
from tests.providers.doppler.case import SCOPE, TOKEN
from tests.providers.doppler.server import CONFIG, HOST, PROJECT, Doppler
from tests.providers.scripts import access, ask, plain, run
from tests.providers.serve import serve

USE = access("doppler", {**TOKEN, **SCOPE}, {"token": "dp.st.prd.token-0"})


@pytest.fixture
def server():
    return Doppler(scoped=False)


@pytest.fixture
def client(server):
    with serve(server, base=f"https://{HOST}") as where:
        sdk = DopplerSDK()
        sdk.set_base_url(where.url)
        sdk.set_access_token(server.token)
        yield sdk


def one(server, query):
    return plain(ask("doppler", USE, query, replies=server.answer, login=server.answer).value[query])


def push(server, key, text):
    session = run(PROVIDER.login(USE), server.answer).value
    command = Push(key=key, secret_key="k", source=Source(data={"k": SecretBytes(text)}))
    return run(PROVIDER.push(USE, session, command), server.answer).value


def updated(client, **body):
    return client.secrets.update({"project": PROJECT, "config": CONFIG, **body})


def test_what_it_writes_is_read(server, client):
    updated(client, secrets={"DB_HOST": "db", "DB_URL": "https://${DB_HOST}/"})
    assert one(server, Get(key="DB_URL")) == b"https://db/"
    assert one(server, Find(path="DB_")) == {"DB_HOST": b"db", "DB_URL": b"https://db/"}


def test_what_we_push_it_reads(server, client):
    assert push(server, "NEW", b"https://${NEW}") == Done(changed=True)
    held = client.secrets.list(CONFIG, PROJECT, secrets="NEW,NO_SUCH")
    assert held.secrets["NEW"]["raw"] == "https://${NEW}"
    assert set(held.secrets) == {"NEW"}


def test_it_sees_what_is_deleted(server, client):
    updated(client, secrets={"OLD": "1", "KEPT": "2"})
    session = run(PROVIDER.login(USE), server.answer).value
    assert run(PROVIDER.delete(USE, session, Delete(key="OLD")), server.answer).value == Done(changed=True)
    assert set(client.secrets.list(CONFIG, PROJECT, secrets="OLD,KEPT").secrets) == {"KEPT"}


@pytest.mark.parametrize("form", ["env", "yaml", "docker"])
def test_a_file_is_what_it_downloads(server, client, form):
    updated(client, secrets={"DB_HOST": "db"})
    use = access("doppler", {**TOKEN, **SCOPE, "format": form, "nameTransformer": "camel"}, {"token": "dp.st.prd.token-0"})
    held = plain(ask("doppler", use, Find(), replies=server.answer, login=server.answer).value[Find()])
    answer = client.secrets.download(CONFIG, PROJECT, format=form, name_transformer="camel")
    assert held == {"DOPPLER_SECRETS_FILE": answer.content}


def test_it_lists_projects_and_is_told_what_is_not_there(server, client):
    assert [project["slug"] for project in client.projects.list().projects] == [PROJECT]
    with pytest.raises(NotFoundException):
        client.secrets.list("dev", PROJECT)
    server.rotate()
    with pytest.raises(UnauthorizedException):
        client.projects.list()
