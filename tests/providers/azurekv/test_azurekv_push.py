"""Pushes to a vault, by the official packages: what is written, what is not, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import PrivateFormat

from eso_core.door import (
    Delete,
    Done,
    Exists,
    Push,
    Source,
)
from eso_core.failure import Broken, InvalidSpec
from eso_core.secret import SecretBytes
from tests.providers import scripts
from tests.providers.azurekv import material
from tests.providers.azurekv.directory import App
from tests.providers.azurekv.server import CLIENT, VAULT, Server
from tests.providers.azurekv.talks import SESSION, use

META = {"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata"}

# ---------------------------------------------------------------- pushing


def service(kind: str = "secrets") -> Server:
    server = Server(App(CLIENT, secrets={"sesame-open-1"}), kind=kind)
    server.directory.tokens.add("tok")
    return server


def push(server: Server, key: str, value: bytes, prop: str = "", **spec: Any) -> Any:
    command = scripts.provider("azurekv").push
    assert command is not None
    source = Source(data={"v": SecretBytes(value)})
    what = Push(key=key, property=prop, secret_key="v", source=source, metadata={**META, "spec": spec} if spec else None)
    return scripts.run(command(use(), SESSION, what), server.answer)


def test_a_pushed_secret_is_complete() -> None:
    server = service()
    spec = {"expirationDate": "2030-01-02T03:04:05+01:00", "contentType": "text/plain", "tags": {"team": "red"}}
    assert push(server, "db", b"v1", **spec).value == Done(changed=True)
    [put] = [call for call in server.sent if call.method == "PUT" and call.body]
    assert put.url == f"{VAULT}/secrets/db?api-version=7.4"
    assert orjson.loads(put.body) == {
        "value": "v1",
        "tags": {"managed-by": "external-secrets", "team": "red"},
        "contentType": "text/plain",
        "attributes": {"enabled": True, "exp": 1893549845},
    }
    assert put.headers["Authorization"] == "Bearer tok"


def test_what_is_the_same_is_not_written() -> None:
    server = service()
    spec: dict[str, Any] = {"expirationDate": "2030-01-02T03:04:05Z", "contentType": "a", "tags": {"team": "red"}}
    push(server, "db", b"v1", **spec)
    assert push(server, "db", b"v1", **spec).value == Done(changed=False)
    assert push(server, "db", b"v1", **{**spec, "contentType": ""}).value == Done(changed=False)
    assert push(server, "db", b"v1", **{**spec, "tags": {}}).value == Done(changed=False)
    for changed in ({"expirationDate": ""}, {"contentType": "b"}, {"tags": {"team": "blue"}}):
        assert push(server, "db", b"v1", **{**spec, **changed}).value == Done(changed=True), changed
        push(server, "db", b"v1", **spec)


def test_a_content_type_stays_when_none_is_given() -> None:
    server = service()
    push(server, "db", b"v1", contentType="a")
    push(server, "db", b"v2")
    assert server.vault.held["secrets"]["db"][-1].body == {"value": "v2", "contentType": "a"}


def test_a_property_is_a_member() -> None:
    server = service()
    push(server, "db", b"1", "a")
    assert push(server, "db", b"2", "b.c").value == Done(changed=True)
    assert push(server, "db", b"2", "b.c").value == Done(changed=False)
    assert server.held("db") == b'{"a":"1","b":{"c":"2"}}'
    for key in ("key/db", "cert/db"):
        assert isinstance(scripts.failure(push(server, key, b"1", "a").value), InvalidSpec)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"expirationDate": "tomorrow"}, "metadata.spec.expirationDate"),
        ({"expirationDate": "0001-01-01T00:00:00Z"}, "metadata.spec.expirationDate"),
        ({"tags": {"managed-by": "me"}}, "metadata.spec.tags.managed-by"),
        ({"expires": "x"}, "metadata.spec.expires"),
    ],
)
def test_metadata_is_refused_before_any_call(spec: dict[str, Any], path: str) -> None:
    ran = push(service(), "db", b"v", **spec)
    wrong = scripts.failure(ran.value)
    assert isinstance(wrong, InvalidSpec)
    assert wrong.path == path
    assert not ran.calls


def test_what_is_no_text_is_refused() -> None:
    ran = push(service(), "db", b"\xff")
    assert isinstance(scripts.failure(ran.value), Broken)
    assert not ran.calls


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("key", [material.rsa_key, material.ec_key])
def test_keys_are_imported_once(key: Any, form: PrivateFormat) -> None:
    server = service("keys")
    assert push(server, "key/db", material.pem(key(), form)).value == Done(changed=True)
    same = push(server, "key/db", material.pem(key()))
    assert same.value == Done(changed=False)
    assert [call.name for call in same.calls] == ["GetKey"]
    other = push(server, "key/db", material.pem(key(1)))
    assert other.value == Done(changed=True)
    write = other.calls[-1]
    assert (write.name, write.counted, write.goes_to) == ("azure.import_key", "ImportKey", VAULT)


def test_the_numbers_of_a_key_arrive() -> None:
    server = service("keys")
    push(server, "key/db", material.pem(material.ec_key()))
    held = server.vault.held["keys"]["db"][0].body["key"]
    numbers = material.ec_key().public_key().public_numbers()
    assert (held["kty"], held["crv"]) == ("EC", "P-256")
    assert int.from_bytes(base64.urlsafe_b64decode(held["x"] + "=="), "big") == numbers.x


def test_a_json_web_key_is_a_key() -> None:
    server = service("keys")
    push(server, "key/db", material.pem(material.rsa_key()))
    [sent] = [orjson.loads(call.body)["key"] for call in server.sent if call.method == "PUT" and call.body]
    assert push(server, "key/other", orjson.dumps(sent)).value == Done(changed=True)
    assert push(server, "key/other", material.pem(material.rsa_key())).value == Done(changed=False)
    assert isinstance(scripts.failure(push(server, "key/other", b'{"kty":"RSA","n":"*"}').value), Broken)


@pytest.mark.parametrize(
    "value",
    [
        b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
        material.pem(ed25519.Ed25519PrivateKey.generate()),
        material.pem(ec.generate_private_key(ec.SECP224R1())),
    ],
)
def test_keys_that_no_vault_takes_are_refused(value: bytes) -> None:
    ran = push(service("keys"), "key/db", value)
    assert isinstance(scripts.failure(ran.value), Broken)
    assert not ran.calls


def test_a_symmetric_key_is_for_the_vault_to_refuse() -> None:
    ran = push(service("keys"), "key/db", b"just bytes")
    assert "Property kty has invalid value" in scripts.failure(ran.value).what


@pytest.mark.parametrize("value", [material.pfx(), material.pem_pair()])
def test_certificates_are_imported_once(value: bytes) -> None:
    server = service("certificates")
    assert push(server, "cert/web", value, tags={"team": "red"}).value == Done(changed=True)
    [sent] = [orjson.loads(call.body) for call in server.sent if call.body]
    assert base64.b64decode(sent["value"]) == value
    assert sent["tags"] == {"managed-by": "external-secrets", "team": "red"}
    assert ("policy" in sent) == value.startswith(b"-----BEGIN")
    assert push(server, "cert/web", material.der(), tags={"team": "red"}).value == Done(changed=False)
    assert push(server, "cert/web", material.pfx(1)).value == Done(changed=True)


def test_what_is_no_certificate_is_refused() -> None:
    for value in (b"", b"text", material.pem(material.rsa_key())):
        ran = push(service("certificates"), "cert/web", value)
        assert isinstance(scripts.failure(ran.value), Broken)
        assert not ran.calls


def test_a_refusal_of_the_vault_is_told_without_the_value() -> None:
    wrong = scripts.failure(push(service("certificates"), "cert/web", material.der()).value)
    assert "The specified PKCS#12 X.509 certificate content can not be read" in wrong.what
    server = service()
    push(server, "db", b"v")
    server.vault.deleted["secrets"]["db"] = server.vault.held["secrets"].pop("db")
    conflict = scripts.failure(push(server, "db", b"v").value)
    assert isinstance(conflict, Broken)
    assert "deleted but recoverable" in conflict.what


# ---------------------------------------------------------------- deleting


@pytest.mark.parametrize(("key", "kind", "value"), [("db", "secrets", b"v"), ("key/db", "keys", b""), ("cert/db", "certificates", b"")])
def test_each_kind_is_deleted_whole(key: str, kind: str, value: bytes) -> None:
    server = service(kind)
    values = {"secrets": b"v", "keys": material.pem(material.ec_key()), "certificates": material.pfx()}
    delete, exists = scripts.provider("azurekv").delete, scripts.provider("azurekv").exists
    assert delete is not None
    assert exists is not None
    push(server, key, values[kind])
    assert scripts.run(exists(use(), SESSION, Exists(key=key, property="p")), server.answer).value is True
    ran = scripts.run(delete(use(), SESSION, Delete(key=key, property="p")), server.answer)
    assert ran.value == Done(changed=True)
    assert ran.calls[-1].counted == {"secrets": "DeleteSecret", "keys": "DeleteKey", "certificates": "DeleteCertificate"}[kind]
    assert server.held("db") is None
    assert scripts.run(exists(use(), SESSION, Exists(key=key)), server.answer).value is False


def test_what_is_gone_meanwhile_is_deleted() -> None:
    server, delete = service(), scripts.provider("azurekv").delete
    assert delete is not None
    push(server, "db", b"v")
    talk = delete(use(), SESSION, Delete(key="db"))
    reply = server.answer(next(talk))
    server.remove("db")
    call = talk.send(reply)
    with pytest.raises(StopIteration) as end:
        talk.send(server.answer(call))
    assert end.value.value == Done(changed=False)
