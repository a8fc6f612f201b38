"""What the suite cannot know of reads: exact requests, kinds of objects, metadata, finds, and what answers mean."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from eso_core.door import (
    Absent,
    Failed,
    Find,
    Found,
    Get,
    Probe,
    Session,
)
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.wire import CallFailed, HttpReply, SdkReply
from tests.providers import scripts
from tests.providers.azurekv.case import SECRET_SPEC
from tests.providers.azurekv.server import VAULT
from tests.providers.azurekv.talks import SESSION, TOKEN, use


def get(reply: Any, key: str = "db", **query: Any) -> Any:
    wanted = Get(key=key, **query)
    ran = scripts.run(scripts.provider("azurekv").fetch(use(), SESSION, (wanted,)), [scripts.ok(reply)])
    return ran.value[wanted]


def vault_error(status: int, code: str, inner: str = "", **headers: str) -> HttpReply:
    return scripts.ok({"error": {"code": code, "message": "m", "innererror": {"code": inner} if inner else None}}, status, **headers)


def test_a_server_that_repeats_the_token() -> None:
    wanted = Get(key="db")
    reply = scripts.ok({"error": {"code": "Forbidden", "message": "who is Bearer eyJ0.token?"}}, 403)
    ran = scripts.run(scripts.provider("azurekv").fetch(use(), Session(value="eyJ0.token"), (wanted,)), [reply])
    assert scripts.failure(ran.value[wanted]).what.endswith("/secrets/db: status 403")


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("key", "version", "path", "name"),
    [
        ("db", "", "/secrets/db", "GetSecret"),
        ("secret/db", "0a", "/secrets/db/0a", "GetSecret"),
        ("key/db", "", "/keys/db", "GetKey"),
        ("cert/db", "0a", "/certificates/db/0a", "GetCertificate"),
        ("secret/db/more", "", "/secrets/db", "GetSecret"),
    ],
)
def test_a_read_is_one_request(key: str, version: str, path: str, name: str) -> None:
    ran = scripts.ask("azurekv", use(), Get(key=key, version=version), login=[TOKEN], replies=[vault_error(404, "SecretNotFound")])
    [call] = ran.calls
    assert (call.method, call.url, call.name) == ("GET", f"{VAULT}{path}?api-version=7.4", name)
    assert call.headers == {"Authorization": "Bearer tok", "Accept": "application/json"}
    assert list(ran.value.values()) == [Absent()]


@pytest.mark.parametrize("key", ["certificate/db", "../db", "secret/", "a_b", "x" * 128, "secret/..", "Secret/db"])
def test_a_key_that_is_none_is_refused_without_a_call(key: str) -> None:
    assert isinstance(scripts.failure(scripts.one("azurekv", use(), Get(key=key), login=[TOKEN])), InvalidSpec)


def test_a_probe_asks_nothing_but_the_login() -> None:
    assert isinstance(scripts.one("azurekv", use(), Probe(), login=[TOKEN]), Found)


# ---------------------------------------------------------------- kinds of objects


def test_a_key_is_its_json_web_key() -> None:
    body = {"key": {"kid": "k<1>", "kty": "EC", "key_ops": ["sign"], "crv": "P-256", "x": "AQ", "y": "Ag", "other": "dropped"}}
    text = b'{"kid":"k\\u003c1\\u003e","kty":"EC","key_ops":["sign"],"crv":"P-256","x":"AQ","y":"Ag"}'
    found = get(body, "key/db")
    assert scripts.value("azurekv", found) == text
    assert scripts.value("azurekv", found, "key_ops.0") == b"sign"
    assert scripts.entries("azurekv", found) == Failed(InvalidSpec("cannot get use dataFrom to get key secret"))
    newer = use({**SECRET_SPEC, "useAzureSDK": True})
    ran = scripts.run(scripts.provider("azurekv").fetch(newer, SESSION, (Get(key="key/db"),)), [scripts.ok(body)])
    assert list(orjson.loads(scripts.value("azurekv", ran.value[Get(key="key/db")]))) == ["crv", "key_ops", "kid", "kty", "x", "y"]


def test_a_certificate_is_its_der_form_whatever_the_property() -> None:
    found = get({"cer": base64.b64encode(b"\x30\x00").decode()}, "cert/db")
    assert scripts.value("azurekv", found) == scripts.value("azurekv", found, "any.thing") == b"\x30\x00"
    assert scripts.entries("azurekv", found) == Failed(InvalidSpec("cannot get use dataFrom to get certificate secret"))


@pytest.mark.parametrize("key", ["db", "key/db", "cert/db"])
def test_an_object_without_a_value_is_a_failure(key: str) -> None:
    assert isinstance(scripts.failure(get({"id": "x"}, key)), Broken)


def test_the_map_of_a_secret() -> None:
    found = get({"value": '{"a":"x","n":1.50,"o":{"p": null},"z":null}'})
    assert scripts.entries("azurekv", found) == {"a": b"x", "n": b"1.50", "o": b'{"p": null}', "z": b""}
    assert scripts.entries("azurekv", found, "o") == {"p": b""}
    assert isinstance(scripts.failure(scripts.entries("azurekv", get({"value": "text"}))), Broken)


# ---------------------------------------------------------------- metadata

TAGGED = {
    "value": scripts.CANARY,
    "tags": {"team": "red", "conf": '{"a":"b","c":{"d":1}}', "flat": '{"x":"1","y":"<"}'},
    "attributes": {"enabled": True, "created": 1700000000, "updated": 1700000001, "exp": 1800000000, "nbf": 0},
}


def test_metadata_is_tags_and_times() -> None:
    found = get(TAGGED, metadata=True)
    held = orjson.loads(scripts.value("azurekv", found))
    assert held == {
        **TAGGED["tags"],  # type: ignore[dict-item]
        "attribute.created": "2023-11-14T22:13:20Z",
        "attribute.updated": "2023-11-14T22:13:21Z",
        "attribute.expires": "2027-01-15T08:00:00Z",
        "attribute.notBefore": "1970-01-01T00:00:00Z",
    }
    assert scripts.value("azurekv", found, "team") == b"red"
    assert scripts.value("azurekv", found, "attribute.created") == b"2023-11-14T22:13:20Z"
    assert scripts.value("azurekv", found, "conf.c.d") == b"1"
    for missing in ("none", "none.a", "conf.none"):
        assert isinstance(scripts.failure(scripts.value("azurekv", found, missing)), Missing)
    assert scripts.CANARY.encode() not in scripts.value("azurekv", found)


def test_the_map_of_metadata_has_the_name_in_front() -> None:
    found = get(TAGGED, "secret/db", metadata=True)
    held = scripts.entries("azurekv", found)
    assert held["db_team"] == b"red"
    assert (held["db_flat_x"], held["db_flat_y"]) == (b"1", b"<")
    assert held["db_conf"] == b'{"a":"b","c":{"d":1}}'
    assert held["db_attribute.created"] == b"2023-11-14T22:13:20Z"
    assert "db_flat" not in held
    assert scripts.entries("azurekv", found, "team") == {"db_team": b"red"}
    assert isinstance(scripts.failure(scripts.entries("azurekv", found, "none")), Missing)


def test_metadata_of_keys_and_certificates() -> None:
    for key, body in (("key/db", {"key": {"kty": "EC"}}), ("cert/db", {"cer": "MAA="})):
        found = get({**body, "tags": {"a": "1", "null": None}}, key, metadata=True)
        assert scripts.value("azurekv", found) == b'{"a":"1"}'
        assert scripts.value("azurekv", found, "null") == scripts.value("azurekv", found, "null.x") == b""
        assert isinstance(scripts.failure(scripts.entries("azurekv", found)), InvalidSpec)


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (vault_error(401, "Unauthorized"), Refused),
        (vault_error(403, "Forbidden", "SecretDisabled"), Refused),
        (vault_error(404, "ResourceNotFound"), Broken),
        (HttpReply(status=404, body=b"<html>"), Broken),
        (HttpReply(status=404), Broken),
        (vault_error(400, "BadParameter"), Broken),
        (vault_error(409, "Conflict"), Broken),
        (HttpReply(status=302, headers={"location": "https://x"}), Unreachable),
        (HttpReply(status=503), Unreachable),
        (HttpReply(status=429, headers={"retry-after": "9"}), Throttled),
        (CallFailed(Unreachable("reset")), Unreachable),
        (SdkReply(value=1), Broken),
    ],
)
def test_no_answer_but_the_vaults_own_is_an_absence(reply: Any, failure: type[Failure]) -> None:
    got = scripts.failure(scripts.one("azurekv", use(), Get(key="db"), reply, login=[TOKEN]))
    assert isinstance(got, failure)
    assert not isinstance(got, Throttled) or got.after_ns == 9 * SECOND


def test_only_a_401_asks_for_a_new_login() -> None:
    denied, disabled = vault_error(401, "Unauthorized"), vault_error(403, "Forbidden", "SecretDisabled")
    first = scripts.failure(scripts.one("azurekv", use(), Get(key="db"), denied, login=[TOKEN]))
    second = scripts.failure(scripts.one("azurekv", use(), Get(key="db"), disabled, login=[TOKEN]))
    assert isinstance(first, Refused)
    assert first.session
    assert isinstance(second, Refused)
    assert not second.session
    assert "SecretDisabled: m" in second.what


# ---------------------------------------------------------------- finding


def find(pages: list[Any], query: Find, spec: Mapping[str, Any] = SECRET_SPEC) -> scripts.Ran[Any]:
    ran = scripts.run(scripts.provider("azurekv").fetch(use(spec), SESSION, (query,)), pages)
    return scripts.Ran(ran.value[query], ran.calls)


def item(name: str, *, enabled: bool | None = True, **tags: str) -> dict[str, Any]:
    return {"id": f"{VAULT}/secrets/{name}", "attributes": {"enabled": enabled}, "tags": tags}


def test_a_find_follows_pages_and_reads_what_matches_alone() -> None:
    link = f"{VAULT}:443/secrets?api-version=7.4&$skiptoken=abc&maxresults=25"
    pages = [
        scripts.ok({"value": [item("alpha", team="red"), item("off", enabled=False, team="red")], "nextLink": link}),
        scripts.ok({"value": [item("beta", team="red"), item("gamma", team="blue"), {"id": f"{VAULT}/secrets/none"}], "nextLink": None}),
        scripts.ok({"value": "1"}),
        vault_error(404, "SecretNotFound"),
    ]
    ran = find(pages, Find(name="a$", tags=(("team", "red"),), path="ignored"))
    assert scripts.plain(ran.value) == {"alpha": b"1"}
    assert [call.url.removeprefix(VAULT) for call in ran.calls] == [
        "/secrets?api-version=7.4",
        link.removeprefix(VAULT),
        "/secrets/alpha?api-version=7.4",
        "/secrets/beta?api-version=7.4",
    ]
    assert [call.name for call in ran.calls] == ["GetSecrets", "GetSecrets", "GetSecret", "GetSecret"]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/secrets?api-version=7.4",
        "http://team.vault.azure.net/secrets",
        "https://team.vault.azure.net:8443/secrets",
        "https://team.vault.azure.net@evil.example/secrets",
        "https://user@team.vault.azure.net/secrets",
        "https://team.vault.azure.net/keys",
        "https://[/secrets",
        "//evil.example/secrets",
    ],
)
def test_a_list_never_goes_on_elsewhere(link: str) -> None:
    ran = find([scripts.ok({"value": [], "nextLink": link})], Find(name="."))
    assert isinstance(scripts.failure(ran.value), Broken)


def test_a_list_ends() -> None:
    page = scripts.ok({"value": [], "nextLink": f"{VAULT}/secrets?again"})
    talk = scripts.provider("azurekv").fetch(use(), SESSION, (Find(name="."),))
    ran = scripts.run(talk, lambda call: page)
    assert isinstance(scripts.failure(ran.value[Find(name=".")]), Broken)
    assert len(ran.calls) == 1_000


def test_an_entry_of_another_vault_is_not_believed() -> None:
    ran = find([scripts.ok({"value": [{"id": "https://evil.example/secrets/a", "attributes": {"enabled": True}}]})], Find(name="."))
    assert isinstance(scripts.failure(ran.value), Broken)
