"""A store whose connection is a kubeconfig in a Secret."""

from __future__ import annotations

import base64
import json

import pytest
import yaml

from eso_core.door import Absent, Get, Probe, SecretKey
from eso_core.failure import InvalidSpec
from eso_core.providers.kubernetes.config import SIZE_MAX, read_config
from tests.providers.scripts import CANARY, access, ask, failure, ok, one, parsed, provider

SPEC = {"authRef": {"name": "remote", "key": "config"}, "remoteNamespace": "apps"}
NOT_FOUND = ok({"kind": "Status", "reason": "NotFound", "details": {"kind": "secrets"}}, 404)
KEY = Get(key="db")


def b64(text):
    return base64.b64encode(text.encode()).decode()


def config(cluster=None, user=None, context=None, **top):
    """A kubeconfig as YAML; ``None`` as a value removes a field."""
    parts = {
        "cluster": {"server": "https://api.example:6443", "certificate-authority-data": b64("CA"), **(cluster or {})},
        "user": {"token": CANARY, **(user or {})},
        "context": {"cluster": "c", "user": "u", **(context or {})},
    }
    parts = {part: {name: value for name, value in fields.items() if value is not None} for part, fields in parts.items()}
    names = {"cluster": "c", "user": "u", "context": "x"}
    lists = {f"{part}s": [{"name": "other", part: {}}, {"name": names[part], part: fields}] for part, fields in parts.items()}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "x", **lists, **top})


def use(text):
    return access("kubernetes", SPEC, {"kubeconfig": text})


def test_it_is_the_only_need():
    assert provider("kubernetes").needs(parsed("kubernetes", SPEC)) == {"kubeconfig": SecretKey("remote", "config")}


def test_a_token():
    [call] = ask("kubernetes", use(config()), KEY, replies=[NOT_FOUND]).calls
    assert call.url == "https://api.example:6443/api/v1/namespaces/apps/secrets/db"
    assert call.headers["Authorization"] == f"Bearer {CANARY}"
    assert (call.tls.ca_pem, call.tls.verify, call.tls.cert_pem) == (b"CA", True, b"")


def test_a_client_certificate():
    user = {"token": None, "client-certificate-data": b64("CERT"), "client-key-data": b64("KEY")}
    [call] = ask("kubernetes", use(config(user=user)), KEY, replies=[NOT_FOUND]).calls
    assert (call.tls.cert_pem, call.tls.key_pem) == (b"CERT", b"KEY")
    assert "Authorization" not in call.headers


def test_a_user_name_and_a_password():
    [call] = ask("kubernetes", use(config(user={"token": None, "username": "u", "password": CANARY})), KEY, replies=[NOT_FOUND]).calls
    assert call.headers["Authorization"] == f"Basic {b64(f'u:{CANARY}')}"


def test_an_insecure_server():
    cluster = {"certificate-authority-data": None, "insecure-skip-tls-verify": True}
    [call] = ask("kubernetes", use(config(cluster)), KEY, replies=[NOT_FOUND]).calls
    assert (call.tls.ca_pem, call.tls.verify) == (b"", False)


def test_json_is_yaml_and_data_wins_over_files():
    text = json.dumps(yaml.safe_load(config({"certificate-authority": "/ca", "server": "api.example/clusters/one/"})))
    [call] = ask("kubernetes", use(text), KEY, replies=[NOT_FOUND]).calls
    assert (call.url, call.tls.ca_pem) == ("https://api.example/clusters/one/api/v1/namespaces/apps/secrets/db", b"CA")


def test_nobody_in_particular():
    [call] = ask("kubernetes", use(config(context={"user": None})), KEY, replies=[NOT_FOUND]).calls
    assert "Authorization" not in call.headers


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "object"),
        ("[]", "object"),
        ("{", "YAML"),
        ("a: &a [*a]", ""),
        ("a: 1\n" * (SIZE_MAX // 5 + 1), "too large"),
        (config(**{"current-context": ""}), "current-context"),
        (config(**{"current-context": "nosuch"}), "no context"),
        (config(**{"current-context": 1}), "text"),
        (config(contexts={}), "no context"),
        (config(context={"cluster": "nosuch"}), "no cluster"),
        (config(context={"user": "nosuch"}), "no user"),
        (config(clusters=[{"name": "c", "cluster": {}}, {"name": "c", "cluster": {}}]), "more than one cluster"),
        (config(clusters=[{"name": "c", "cluster": "text"}]), "not an object"),
        (config({"server": None}), "no server"),
        (config({"server": "ftp://x"}), "server address"),
        (config({"server": "https://u:p@x"}), "server address"),
        (config({"certificate-authority-data": "?"}), "base64"),
        (config({"certificate-authority-data": None, "certificate-authority": "/var/ca"}), "file"),
        (config({"insecure-skip-tls-verify": True}), "insecure"),
        (config({"proxy-url": "http://p"}), "proxy-url"),
        (config({"tls-server-name": "name.example"}), "tls-server-name"),
        (config(user={"exec": {"command": "aws"}}), "exec"),
        (config(user={"auth-provider": {"name": "gcp"}}), "auth-provider"),
        (config(user={"tokenFile": "/var/token"}), "tokenFile"),
        (config(user={"as": "admin"}), "uses as"),
        (config(user={"client-certificate": "/c", "client-key": "/k"}), "file"),
        (config(user={"client-certificate-data": b64("C")}), "without its key"),
        (config(user={"username": "u"}), "user name"),
    ],
)
def test_what_cannot_be_used(text, why):
    for query in (KEY, Probe()):
        wrong = failure(one("kubernetes", use(text), query))
        assert isinstance(wrong, InvalidSpec)
        assert why in wrong.what
        assert CANARY not in repr(wrong)


def test_nothing_of_it_is_shown():
    assert CANARY not in repr(read_config(config().encode()))


def test_absent_stays_absent():
    assert one("kubernetes", use(config()), KEY, NOT_FOUND) == Absent()
