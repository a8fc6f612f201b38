"""Logins by AWS and Google with the libraries that the operator has, as far as no cloud is needed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from eso_core.door import Session
from eso_core.wire import CallReply, HttpCall
from tests.providers.live import Live
from tests.providers.scripts import CANARY, access, ok
from tests.providers.serve import Served, serve

SECRET = {"name": "s", "key": "k"}


@pytest.fixture
def vault() -> Iterator[Served]:
    """Takes every login."""

    def answer(call: Any) -> CallReply:
        assert isinstance(call, HttpCall)
        return ok({"auth": {"client_token": "t", "lease_duration": 60}})

    with serve(answer) as where:
        yield where


async def log_in(vault: Served, auth: Any, secrets: dict[str, str]) -> dict[str, Any]:
    use = access("vault", {"server": vault.url, "path": "secret", "auth": auth}, secrets)
    async with Live() as live:
        session = await live.login("vault", use)
    assert isinstance(session, Session), session
    [call] = vault.calls
    body: dict[str, Any] = orjson.loads(call.body)
    return body


def segment(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=="))


async def test_a_google_key_signs_a_token_that_vault_would_take(vault):
    """ "Login to Google Cloud": ``sub`` and ``aud`` as told, an end within 15 minutes, and the key that signed it by ``kid``."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    file = {"type": "service_account", "client_email": "eso@p.iam.gserviceaccount.com", "private_key_id": "k1", "private_key": pem}
    auth = {"gcp": {"role": "reader", "secretRef": {"secretAccessKeySecretRef": SECRET}}}
    body = await log_in(vault, auth, {"gcp_key": json.dumps(file)})
    head, claims, signature = body["jwt"].split(".")
    assert segment(head) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    told = segment(claims)
    assert (told["aud"], told["sub"]) == ("vault/reader", "eso@p.iam.gserviceaccount.com")
    assert 0 < told["exp"] - told["iat"] <= 900
    key.public_key().verify(base64.urlsafe_b64decode(signature + "=="), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())


async def test_an_aws_key_signs_a_request_that_vault_would_send_on(vault):
    """ "Login" of the AWS method: the URL, the body and the headers, the server's id among those that are signed."""
    auth = {
        "iam": {
            "vaultRole": "reader", "vaultAwsIamServerID": "vault.example",
            "secretRef": {"accessKeyIDSecretRef": SECRET, "secretAccessKeySecretRef": SECRET},
        }
    }  # fmt: skip
    body = await log_in(vault, auth, {"access_key": "AKIAEXAMPLE", "secret_key": CANARY})
    assert (body["role"], body["iam_http_request_method"]) == ("reader", "POST")
    assert base64.b64decode(body["iam_request_url"]) == b"https://sts.amazonaws.com/"
    assert base64.b64decode(body["iam_request_body"]) == b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = orjson.loads(base64.b64decode(body["iam_request_headers"]))
    assert headers["X-Vault-AWS-IAM-Server-ID"] == ["vault.example"]
    [authorization] = headers["Authorization"]
    assert "AKIAEXAMPLE/" in authorization
    assert "/us-east-1/sts/aws4_request" in authorization
    assert "x-vault-aws-iam-server-id" in authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert CANARY not in json.dumps(body)
