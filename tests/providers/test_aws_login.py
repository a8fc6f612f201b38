"""Stores, logins and validation of AWS."""

from __future__ import annotations

import pytest

from eso_core.door import Entries, Found, Probe, SecretKey, Session
from eso_core.failure import Broken, InvalidSpec, Refused
from eso_core.wire import CallFailed, SdkCall, SdkReply
from tests.providers.scripts import CANARY, access, ask, aws_login, ok, parsed, provider, run, store_ref

KEYS = {"accessKeyIDSecretRef": {"name": "c", "key": "id"}, "secretAccessKeySecretRef": {"name": "c", "key": "secret"}}
SPEC = {"service": "SecretsManager", "region": "eu-central-1", "auth": {"secretRef": KEYS}}


def store(**more):
    return access("aws", {**SPEC, **more}, {"access_key": "AKIA", "secret_key": CANARY})


class TestLogin:
    def login(self, use, *replies):
        return run(provider("aws").login(use), replies)

    def test_static_keys(self):
        ran = self.login(store(), aws_login(SdkCall(name="x")))
        [call] = ran.calls
        assert call.name == "aws.credentials"
        assert call.args == {
            "service": "secretsmanager", "region": "eu-central-1", "roles": [],
            "access_key": "AKIA", "secret_key": CANARY, "session_token": "",
        }  # fmt: skip
        assert isinstance(ran.value, Session)
        assert ran.value.lease_s is None

    def test_what_the_operator_has(self):
        use = access("aws", {"service": "SecretsManager", "region": "us-east-1"})
        assert self.login(use, aws_login(SdkCall(name="x"))).calls[0].args == {
            "service": "secretsmanager",
            "region": "us-east-1",
            "roles": [],
        }

    def test_roles(self):
        use = store(
            additionalRoles=["r1"], role="r2", externalID="e", sessionTags=[{"key": "a", "value": "b"}], transitiveTagKeys=["a"],
            sessionTagsPolicy="Custom", customSessionTags={"c": "d"},
        )  # fmt: skip
        first, last = self.login(use, aws_login(SdkCall(name="x"))).calls[0].args["roles"]
        assert (first["arn"], first["external_id"], first["tags"]) == ("r1", "", {})
        assert (last["arn"], last["external_id"], last["transitive"]) == ("r2", "e", ("a",))
        assert last["tags"] == {"a": "b", "c": "d", "esoNamespace": "team", "esoStoreName": store_ref().name, "esoStoreKind": "SecretStore"}

    def test_the_lease(self):
        held = {**aws_login(SdkCall(name="x")).value, "lease_s": 3599.5}
        assert self.login(store(), SdkReply(value=held)).value.lease_s == 3599.5

    def test_empty_keys(self):
        use = access("aws", SPEC, {"access_key": "", "secret_key": CANARY})
        assert isinstance(self.login(use).value, Refused)

    @pytest.mark.parametrize("reply", [SdkReply(value=None), SdkReply(value={}), SdkReply(value={"endpoint": 1}), ok({})])
    def test_nonsense(self, reply):
        assert isinstance(self.login(store(), reply).value, Broken)

    def test_no_answer(self):
        assert self.login(store(), CallFailed(Refused("no"))).value == Refused("no")

    def test_a_probe_needs_no_call(self):
        ran = ask("aws", store(), Probe(), login=aws_login)
        assert ran.value[Probe()] == Found(Entries({}))
        assert ran.calls == []


class TestParsing:
    def test_needs(self):
        spec = {**SPEC, "auth": {"secretRef": {**KEYS, "sessionTokenSecretRef": {"name": "c", "key": "token", "namespace": "n"}}}}
        assert provider("aws").needs(parsed("aws", spec)) == {
            "access_key": SecretKey("c", "id"),
            "secret_key": SecretKey("c", "secret"),
            "session_token": SecretKey("c", "token", "n"),
        }

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"service": "ParameterStore"}, "ParameterStore is not built yet"),
            ({"service": "CertificateManager"}, "CertificateManager is not built yet"),
            ({"region": "x.evil.example/"}, "region not found"),
            ({"region": ""}, "region not found"),
            ({"auth": {"jwt": {"serviceAccountRef": {"name": "x"}}}}, "jwt is not built yet"),
            ({"auth": {"secretRef": {"accessKeyIDSecretRef": KEYS["accessKeyIDSecretRef"]}}}, "must both be given"),
        ],
    )
    def test_unusable(self, change, text):
        wrong = parsed("aws", {**SPEC, **change})
        assert isinstance(wrong, InvalidSpec)
        assert text in wrong.what

    def test_session_tags_by_namespace_need_a_namespaced_store(self):
        assert isinstance(parsed("aws", {**SPEC, "sessionTagsPolicy": "Simple"}, cluster=True), InvalidSpec)
