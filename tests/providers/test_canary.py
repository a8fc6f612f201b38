"""A secret is never seen in what is printed: whatever a backend answers, and whatever goes wrong."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eso_core.door import Find, Found, Get, Probe, Session
from eso_core.failure import Failure, describe
from eso_core.wire import HttpReply
from tests.providers.scripts import CANARY, access, aws_login, ok, plain, provider, run

B64 = base64.b64encode(CANARY.encode()).decode()
TOKEN = {"name": "t", "key": "k"}
PAIR = {"clientCert": {"name": "c", "key": "crt"}, "clientKey": {"name": "c", "key": "key"}}
AWS = {"accessKeyIDSecretRef": TOKEN, "secretAccessKeySecretRef": TOKEN, "sessionTokenSecretRef": TOKEN}
VAULT = {"server": "https://vault", "path": "secret"}
ROLE = {"path": "approle", "roleRef": TOKEN, "secretRef": TOKEN}

STORES = [
    ("fake", {"data": [{"key": "k", "value": CANARY}, {"key": "j", "value": f'{{"a":"{CANARY}"}}'}]}, ()),
    ("vault", {**VAULT, "auth": {"tokenSecretRef": TOKEN}, "headers": {"X-Key": CANARY}}, ("token",)),
    (
        "vault",
        {**VAULT, "auth": {"appRole": ROLE}, "tls": {"certSecretRef": TOKEN, "keySecretRef": TOKEN}},
        ("secret_id", "role_id", "tls_key"),
    ),
    ("kubernetes", {"auth": {"token": {"bearerToken": TOKEN}}}, ("token",)),
    ("kubernetes", {"auth": {"cert": PAIR}}, ("client_key",)),
    (
        "aws",
        {"service": "SecretsManager", "region": "eu-central-1", "auth": {"secretRef": AWS}},
        ("access_key", "secret_key", "session_token"),
    ),
]
QUERIES = [Get(key="k"), Get(key="j", metadata=True), Find(name="."), Find(tags=(("a", "b"),)), Probe()]
BODIES: list[Any] = [
    CANARY.encode(),
    b'"%s"' % CANARY.encode(),
    {"data": CANARY},
    {"data": {"data": CANARY}},
    {"data": {"data": {"a": CANARY, "b": {"c": CANARY}}}},
    {"data": {"keys": ["k"]}},
    {"data": {"data": [CANARY]}},
    {"data": {"ttl": 1, "id": CANARY}},
    {"auth": {"client_token": CANARY, "lease_duration": CANARY}},
    {"auth": {"client_token": CANARY, "lease_duration": 1}},
    {"metadata": {"name": "k"}, "data": {"a": B64}},
    {"metadata": {"name": "k"}, "data": {"a": CANARY}},
    {"metadata": {"name": "k", "labels": {"a": CANARY}}},
    {"items": [{"metadata": {"name": "k"}, "data": {"a": B64}}]},
    {"SecretString": CANARY, "Name": "k"},
    {"SecretBinary": B64},
    {"SecretBinary": CANARY},
    {"SecretString": [CANARY]},
    {"SecretValues": [{"Name": "k", "SecretString": CANARY}, {"Name": "k", "SecretString": {"a": CANARY}}]},
    {"SecretList": [{"Name": "k"}]},
]


def unseen(*values):
    """Nothing that prints shows the secret. A call's URL and body are what is sent; its repr shows the URL only."""
    for value in values:
        for text in (repr(value), str(value), f"{value}"):
            assert CANARY not in text
            assert B64 not in text
        if isinstance(value, Failure):
            assert CANARY not in describe(value)


def talk_through(key, spec, slots, query, reply):
    """One login and one query, every call answered by ``reply`` (six times, then by 500)."""
    use, backend, left = access(key, spec, dict.fromkeys(slots, CANARY)), provider(key), [reply] * 6
    unseen(use, use.spec, backend.needs(use.spec))

    def answer(call):
        unseen(call)
        return left.pop() if left else ok({}, 500)

    session = Session()
    if backend.login is not None:
        logged_in = run(backend.login(use), aws_login if key == "aws" else answer).value
        unseen(logged_in)
        if not isinstance(logged_in, Session):
            return
        session = logged_in
    ran = run(backend.fetch(use, session, (query,)), answer)
    found = ran.value[query]
    unseen(ran.value, found)
    if isinstance(found, Found):
        readers = (backend.dialect.value, backend.dialect.entries)
        unseen(*(read(found.payload, prop) for read in readers for prop in ("", "a", "a.b", "#")))


@pytest.mark.parametrize(("key", "spec", "slots"), STORES)
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_answers_of_every_shape(key, spec, slots, query, status):
    for body in BODIES:
        talk_through(key, spec, slots, query, ok(body, status))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.just(CANARY) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "keys", "auth", "items", "a", "SecretString"]), inner)
    ),
    max_leaves=8,
)


@given(
    body=JSON,
    status=st.sampled_from([200, 201, 204, 301, 400, 404, 410, 429, 500]),
    query=st.sampled_from(QUERIES),
    store=st.sampled_from(STORES),
)
def test_any_json(body, status, query, store):
    talk_through(*store, query, ok(body, status))


@given(body=st.binary(max_size=60), query=st.sampled_from(QUERIES), store=st.sampled_from(STORES))
def test_any_bytes(body, query, store):
    talk_through(*store, query, HttpReply(status=200, body=CANARY.encode() + body))


def test_the_canary_can_be_seen():
    """The test would notice: the value does come out where it is meant to."""
    use = access("fake", STORES[0][1])
    found = run(provider("fake").fetch(use, None, (Get(key="k"),))).value[Get(key="k")]
    assert plain(found) == CANARY.encode()
    with pytest.raises(AssertionError):
        unseen(plain(found))
