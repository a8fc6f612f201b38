"""Stores, logins and validation of AWS."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from eso_core.door import Access, AccountNotes, AccountToken, Entries, Found, Get, Probe, SecretKey, Session
from eso_core.failure import Broken, InvalidSpec, Missing, Refused
from eso_core.providers.aws.store import SINGLY, Memory
from eso_core.secret import SecretBytes
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

    @pytest.mark.parametrize("region", ["us-east-1-fips", "fips-us-east-1", "us-fips-east-1"])
    def test_a_region_with_fips(self, region):
        use = access("aws", {"service": "SecretsManager", "region": region})
        args = self.login(use, aws_login(SdkCall(name="x"))).calls[0].args
        assert (args["region"], args["fips"]) == ("us-east-1", True)
        [call] = ask("aws", use, Get(key="k"), replies=[ok({"SecretString": "v"})], login=aws_login).calls
        assert call.sign.region == "us-east-1"

    def test_roles(self):
        use = store(
            additionalRoles=["r1"], role="r2", externalID="e", sessionTags=[{"key": "a", "value": "b"}], transitiveTagKeys=["a"],
            sessionTagsPolicy="Custom", customSessionTags={"c": "d"},
        )  # fmt: skip
        first, last = self.login(use, aws_login(SdkCall(name="x"))).calls[0].args["roles"]
        assert (first["arn"], first["external_id"], first["tags"]) == ("r1", "", {})
        assert (last["arn"], last["external_id"], last["transitive"]) == ("r2", "e", ("a",))
        assert last["tags"] == {"c": "d", "esoNamespace": "team", "esoStoreName": store_ref().name, "esoStoreKind": "SecretStore"}

    def test_session_tags_as_written(self):
        use = store(role="r", sessionTags=[{"key": "a", "value": "b"}], transitiveTagKeys=["a"])
        [last] = self.login(use, aws_login(SdkCall(name="x"))).calls[0].args["roles"]
        assert (last["tags"], last["transitive"]) == ({"a": "b"}, ("a",))

    @pytest.mark.parametrize("namespace", ["team", ""])
    def test_a_cluster_store_tells_its_consumer(self, namespace):
        spec = {**SPEC, "role": "r", "sessionTagsPolicy": "Simple", "sessionTags": [{"key": "a", "value": "b"}]}
        use = replace(access("aws", spec, {"access_key": "AKIA", "secret_key": CANARY}, cluster=True), namespace=namespace)
        [last] = self.login(use, aws_login(SdkCall(name="x"))).calls[0].args["roles"]
        assert last["tags"] == {"esoNamespace": namespace, "esoStoreName": "store", "esoStoreKind": "ClusterSecretStore"}

    @pytest.mark.parametrize(
        ("more", "differs"),
        [
            ({}, False),
            ({"role": "r"}, False),
            ({"role": "r", "sessionTagsPolicy": "Simple"}, True),
            ({"sessionTagsPolicy": "Custom"}, False),
        ],
    )
    def test_sessions_differ_by_namespace_where_they_tell_it(self, more, differs):
        assert provider("aws").by_namespace(parsed("aws", {**SPEC, **more})) is differs

    @pytest.mark.parametrize(("service", "name"), [("ParameterStore", "ssm"), ("CertificateManager", "acm")])
    def test_services(self, service, name):
        assert self.login(store(service=service), aws_login(SdkCall(name="x"))).calls[0].args["service"] == name

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
        ("change", "text", "path"),
        [
            ({"region": "x.evil.example/"}, "region not found", "region"),
            ({"region": "-eu"}, "region not found", "region"),
            ({"region": ""}, "region not found", "region"),
            ({"auth": {"jwt": {}}}, "must be given", "auth.jwt.serviceAccountRef"),
            ({"auth": {"secretRef": {"accessKeyIDSecretRef": KEYS["accessKeyIDSecretRef"]}}}, "must both be given", "auth.secretRef"),
            ({"secretsManager": {"recoveryWindowInDays": 6}}, "between 7 and 30", "secretsManager.recoveryWindowInDays"),
            ({"secretsManager": {"recoveryWindowInDays": 31}}, "between 7 and 30", "secretsManager.recoveryWindowInDays"),
            (
                {"secretsManager": {"recoveryWindowInDays": 7, "forceDeleteWithoutRecovery": True}},
                "conflicts",
                "secretsManager.forceDeleteWithoutRecovery",
            ),
        ],
    )
    def test_unusable(self, change, text, path):
        wrong = parsed("aws", {**SPEC, **change})
        assert isinstance(wrong, InvalidSpec)
        assert text in wrong.what
        assert wrong.path == f"spec.provider.aws.{path}"


class TestServiceAccounts:
    """IRSA: a role that the annotations of a ServiceAccount name, for its token."""

    SPEC = {"service": "SecretsManager", "region": "eu-central-1", "auth": {"jwt": {"serviceAccountRef": {"name": "app"}}}}

    def form(self, **ref):
        return parsed("aws", {**self.SPEC, "auth": {"jwt": {"serviceAccountRef": {"name": "app", **ref}}}})

    def more(self, form, **notes):
        held = {"annotations": SecretBytes(orjson.dumps({f"eks.amazonaws.com/{key}": value for key, value in notes.items()}))}
        return provider("aws").more_needs(form, held)

    def test_the_annotations_are_needed(self):
        assert provider("aws").needs(self.form(namespace="n")) == {"annotations": AccountNotes("app", "n")}

    def test_then_a_token(self):
        more = self.more(self.form(audiences=["vault"]), **{"role-arn": "arn"}).unwrap()
        assert more == {"token": AccountToken("app", ("sts.amazonaws.com", "vault"), "")}

    def test_for_the_audience_of_the_annotation(self):
        more = self.more(self.form(namespace="n"), **{"role-arn": "arn", "audience": "sts.cn"}).unwrap()
        assert more == {"token": AccountToken("app", ("sts.cn",), "n")}

    @pytest.mark.parametrize("notes", [{}, {"role-arn": ""}, {"audience": "x"}])
    def test_without_a_role(self, notes):
        assert isinstance(self.more(self.form(), **notes).failure(), Missing)

    def test_others_need_no_more(self):
        assert provider("aws").more_needs(parsed("aws", SPEC), {}).unwrap() == {}

    def test_the_login(self):
        notes = SecretBytes(b'{"eks.amazonaws.com/role-arn":"arn"}')
        held = {"annotations": notes, "token": SecretBytes(CANARY.encode())}
        use = Access(identity="x", store=store_ref(), namespace="team", spec=self.form(), secrets=held)
        [call] = run(provider("aws").login(use), [aws_login(SdkCall(name="x"))]).calls
        assert call.args["web_identity"] == {"role_arn": "arn", "token": CANARY}
        assert "access_key" not in call.args

    def test_it_wins_over_keys(self):
        form = parsed("aws", {**self.SPEC, "auth": {"secretRef": KEYS, **self.SPEC["auth"]}})
        assert set(provider("aws").needs(form)) == {"annotations"}


class TestMemory:
    """What a session remembers."""

    def test_a_refused_batch_is_tried_again_after_a_while(self):
        memory = Memory()
        assert memory.batches()
        memory.may_not_batch()
        assert [memory.batches() for _ in range(SINGLY)] == [*[False] * (SINGLY - 1), True]

    def test_it_is_bounded(self):
        memory = Memory()
        for number in range(2000):
            memory.keep_arn(str(number), "arn")
            memory.keep_export(str(number), "f", SecretBytes(b""))
        assert (len(memory.arns), len(memory.exports)) == (512, 128)
        assert "1999" in memory.exports
        assert "1871" not in memory.exports

    def test_a_session_shows_no_secret(self):
        session = run(provider("aws").login(store()), [aws_login(SdkCall(name="x"))]).value
        session.value.memory.keep_export("arn", "f", SecretBytes(CANARY.encode()))
        assert CANARY not in repr(session)
        assert CANARY not in repr(session.value)
