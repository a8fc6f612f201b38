"""The shell's part of Google's login: assertions, files of default credentials, the subject token of an AWS identity."""

from __future__ import annotations

import base64
import json
from urllib.parse import unquote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from eso_core.failure import Broken, InvalidSpec, Missing
from eso_shell.sdk import SdkFailure, gcp
from tests.providers.gcpsm.identity import AUDIENCE, EMAIL, TOKEN_URI, key_file


def claims_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def failure_of(function, args, environ=None):
    with pytest.raises(SdkFailure) as raised:
        function(args, environ or {})
    return raised.value.failure


class TestAssertion:
    def test_claims(self):
        claims = claims_of(gcp.assertion({"key": key_file(), "target_audience": "x", "seconds": 600, "claims": {"iss": "no", "y": 1}}, {}))
        assert {name: claims[name] for name in ("iss", "aud", "target_audience", "y")} == {
            "iss": EMAIL, "aud": TOKEN_URI, "target_audience": "x", "y": 1,
        }  # fmt: skip
        assert claims["exp"] - claims["iat"] == 600 and "scope" not in claims and "sub" not in claims

    def test_subjects_and_audiences(self):
        assert claims_of(gcp.assertion({"key": key_file(), "subject": ""}, {}))["sub"] == EMAIL
        assert claims_of(gcp.assertion({"key": key_file(), "subject": "me"}, {}))["sub"] == "me"
        assert claims_of(gcp.assertion({"key": key_file(), "audience": "vault/role"}, {}))["aud"] == "vault/role"
        assert claims_of(gcp.assertion({"key": key_file(token_uri=None)}, {}))["aud"] == TOKEN_URI

    def test_it_lives_an_hour_at_most(self):
        claims = claims_of(gcp.assertion({"key": key_file(), "seconds": 999_999}, {}))
        assert claims["exp"] - claims["iat"] == 3600

    def test_keys_that_are_none(self):
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        for key in ("", "[]", "{}", key_file(private_key=1), key_file(private_key="x"), key_file(private_key=pem)):
            assert isinstance(failure_of(gcp.assertion, {"key": key}), InvalidSpec)


class TestDefaults:
    def test_the_file_that_is_named(self, tmp_path):
        file = tmp_path / "adc.json"
        file.write_text('{"type":"authorized_user"}\n')
        held = gcp.application_default({}, {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "HOME": "/none"})
        assert held == {"json": '{"type":"authorized_user"}', "subject_token": ""}
        assert isinstance(failure_of(gcp.application_default, {}, {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "none")}), Missing)

    def test_gclouds_file(self, tmp_path):
        folder = tmp_path / ".config/gcloud"
        folder.mkdir(parents=True)
        (folder / "application_default_credentials.json").write_text("{}")
        assert gcp.application_default({}, {"HOME": str(tmp_path)})["json"] == "{}"
        assert gcp.application_default({}, {"CLOUDSDK_CONFIG": str(folder)})["json"] == "{}"
        assert gcp.application_default({}, {"HOME": str(folder)})["json"] == ""
        assert gcp.application_default({}, {})["json"] == ""

    @pytest.mark.parametrize("nested", [False, True])
    def test_the_subject_token(self, tmp_path, nested):
        (tmp_path / "token").write_text("subject\n")
        held = {"type": "external_account", "credential_source": {"file": str(tmp_path / "token")}}
        (tmp_path / "adc.json").write_text(json.dumps({"source_credentials": held} if nested else held))
        environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "adc.json")}
        assert gcp.application_default({}, environ)["subject_token"] == "subject"
        (tmp_path / "token").unlink()
        assert isinstance(failure_of(gcp.application_default, {}, environ), Missing)

    def test_a_file_that_is_not_json(self, tmp_path):
        (tmp_path / "adc.json").write_text("hello")
        assert isinstance(failure_of(gcp.application_default, {}, {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "adc.json")}), Broken)


@pytest.mark.parametrize("session", ["", "session/token=="])
def test_the_aws_subject_token_is_signed_as_botocore_signs(session):
    args = {"region": "eu-central-1", "access_key": "AKIA", "secret_key": "secret", "session_token": session, "audience": AUDIENCE}
    held = json.loads(unquote(gcp.aws_subject_token(args, {})))
    headers = {item["key"]: item["value"] for item in held["headers"]}
    assert held["url"] == "https://sts.eu-central-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
    assert held["method"] == "POST" and headers["x-goog-cloud-target-resource"] == AUDIENCE
    given = headers.pop("Authorization")
    signer = SigV4Auth(Credentials("AKIA", "secret", session or None), "sts", "eu-central-1")
    request = AWSRequest(method="POST", url=held["url"].replace("?", "/?"), headers=headers)
    request.context["timestamp"] = headers["x-amz-date"]
    canonical = signer.canonical_request(request)
    assert signer.signature(signer.string_to_sign(request, canonical), request) == given.rpartition("Signature=")[2]
    assert f"SignedHeaders={signer.signed_headers(signer.headers_to_sign(request))}," in given
