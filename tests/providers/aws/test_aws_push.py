"""Writes of Secrets Manager and Parameter Store: what is sent, and what is left alone."""

from __future__ import annotations

import base64

import orjson
import pytest

from eso_core.door import ConfigMapKey, Delete, Done, Exists, Failed, Push, SecretKey, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused
from eso_core.secret import SecretBytes
from tests.providers.aws.server import REGION, Cloud
from tests.providers.scripts import access, failure, ok, parsed, provider, run

KEYS = {"accessKeyIDSecretRef": {"name": "c", "key": "id"}, "secretAccessKeySecretRef": {"name": "c", "key": "secret"}}
OURS = {"managed-by": "external-secrets"}
FIRST = "00000000-0000-0000-0000-000000000001"
READS = {"DescribeSecret", "GetSecretValue", "GetResourcePolicy", "GetParameter", "ListTagsForResource"}


def metadata(**spec):
    return {"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata", "spec": spec}


class Bench:
    """A cloud, a store and a session."""

    service, short = "SecretsManager", "secretsmanager"

    def __init__(self, **spec):
        self.cloud = Cloud(self.short)
        self.use = access("aws", {"service": self.service, "region": REGION, "auth": {"secretRef": KEYS}, **spec}, self.cloud.credential())
        self.session = run(provider("aws").login(self.use), self.cloud.answer).value

    def do(self, command):
        name = type(command).__name__.lower()
        del self.cloud.asked[:]
        return run(getattr(provider("aws"), name)(self.use, self.session, command), self.cloud.answer).value

    def push(self, value=b"v", prop="", meta=None, key="k", secret_key="s", data=None, held=None):
        source = Source(data={name: SecretBytes(raw) for name, raw in (data or {"s": value}).items()})
        secrets = {slot: SecretBytes(text.encode()) for slot, text in (held or {}).items()}
        return self.do(Push(key=key, property=prop, secret_key=secret_key, source=source, metadata=meta, held=secrets))

    @property
    def writes(self):
        return [(operation, body) for operation, body in self.cloud.asked if operation not in READS]


@pytest.mark.parametrize(
    ("target", "service", "meta"),
    [
        ("secretsmanager.CreateSecret", "SecretsManager", metadata()),
        ("secretsmanager.CreateSecret", "SecretsManager", metadata(secretPushFormat="string")),
        ("AmazonSSM.PutParameter", "ParameterStore", metadata()),
    ],
)
@pytest.mark.parametrize("shown", [str, lambda text: f"{text[:30]}..."])
def test_a_message_that_repeats_the_value_is_not_told(target, service, meta, shown):
    class Repeating(Bench):
        short = {"SecretsManager": "secretsmanager", "ParameterStore": "ssm"}[service]

    Repeating.service = service
    bench = Repeating()
    answer = bench.cloud.answer

    def repeat(call):
        if call.headers["X-Amz-Target"] != target:
            return answer(call)
        [sent] = (text for name, text in orjson.loads(call.body).items() if name in ("SecretString", "SecretBinary", "Value"))
        return ok({"__type": "ValidationException", "message": f"Value '{shown(sent)}' at 'value' failed"}, 400)

    bench.cloud.answer = repeat
    told = failure(bench.push(b"a-value-that-nobody-else-may-see", meta=meta))
    assert told.what == f"{target.partition('.')[2]} k: ValidationException"


class TestSecrets:
    def test_a_new_secret(self):
        bench = Bench(prefix="app/")
        assert bench.push() == Done(changed=True)
        [(operation, body)] = bench.writes
        assert operation == "CreateSecret"
        assert body == {
            "Name": "app/k",
            "SecretBinary": base64.b64encode(b"v").decode(),
            "Description": "secret 'managed-by:external-secrets'",
            "KmsKeyId": "alias/aws/secretsmanager",
            "ClientRequestToken": FIRST,
            "Tags": [{"Key": "managed-by", "Value": "external-secrets"}],
        }

    def test_all_that_the_metadata_says(self):
        bench = Bench()
        meta = metadata(
            secretPushFormat="string", description="d", kmsKeyId="key", tags={"a": "b"}, replicationLocations=["us-east-1"],
            resourcePolicy={"blockPublicPolicy": True, "policySourceRef": {"kind": "ConfigMap", "name": "p", "key": "k"}},
        )  # fmt: skip
        assert bench.push(meta=meta, held={"policy": '{"Version":"1"}'}) == Done(changed=True)
        (_, body), (put, policy) = bench.writes
        assert body["SecretString"] == "v"
        assert "SecretBinary" not in body
        assert (body["Description"], body["KmsKeyId"]) == ("d", "key")
        assert body["Tags"] == [{"Key": "a", "Value": "b"}, {"Key": "managed-by", "Value": "external-secrets"}]
        assert body["AddReplicaRegions"] == [{"Region": "us-east-1", "KmsKeyId": "key"}]
        assert put == "PutResourcePolicy"
        assert policy["ResourcePolicy"] == '{"Version":"1"}'
        assert policy["BlockPublicPolicy"] is True
        assert bench.push(meta=meta, held={"policy": ' { "Version" : "1" }'}) == Done(changed=False)

    def test_a_changed_value_is_a_new_version_with_a_random_id(self):
        bench = Bench()
        bench.push()
        assert bench.push(b"w") == Done(changed=True)
        [(operation, body)] = bench.writes
        assert operation == "PutSecretValue"
        assert body["ClientRequestToken"] == "00010203-0405-4607-8809-0a0b0c0d0e0f"
        assert [name for name, _ in bench.cloud.asked] == ["DescribeSecret", "GetSecretValue", "PutSecretValue"]

    def test_a_secret_without_a_version_gets_its_first(self):
        bench = Bench()
        bench.cloud.put("k", b"old", OURS)
        bench.cloud.secrets.held["k"].versions.clear()
        bench.cloud.secrets.held["k"].stages.clear()
        assert bench.push() == Done(changed=True)
        assert [name for name, _ in bench.cloud.asked] == ["DescribeSecret", "PutSecretValue"]
        assert bench.writes[0][1]["ClientRequestToken"] == FIRST

    def test_the_format_does_not_count_as_a_change(self):
        bench = Bench()
        bench.push()
        assert bench.push(meta=metadata(secretPushFormat="string")) == Done(changed=False)

    def test_an_update_keeps_the_format(self):
        bench = Bench()
        bench.push(b"w", meta=metadata(secretPushFormat="string"))
        bench.push(b"v", meta=metadata(secretPushFormat="string"))
        assert bench.writes[0][1]["SecretString"] == "v"

    def test_no_text_as_text(self):
        bench = Bench()
        assert isinstance(failure(bench.push(b"\xff", meta=metadata(secretPushFormat="string"))), Broken)
        assert bench.writes == []

    def test_properties_are_edited_in_place(self):
        bench = Bench()
        bench.cloud.put("k", b'{"n": 1.50, "a": {"b": "old"}}', OURS)
        assert bench.push(b"new", "a.b") == Done(changed=True)
        assert bench.cloud.held("k") == b'{"n": 1.50, "a": {"b": "new"}}'
        assert bench.push(b"new", "a.b") == Done(changed=False)

    @pytest.mark.parametrize(("value", "prop"), [(b"text", "a"), (b"[]", "a"), (b"{}", "a*")])
    def test_a_property_of_what_has_none(self, value, prop):
        bench = Bench()
        bench.cloud.put("k", value, OURS)
        assert isinstance(failure(bench.push(b"x", prop)), InvalidSpec)
        assert bench.writes == []

    def test_of_others(self):
        bench = Bench()
        bench.cloud.put("k", b"theirs", {"managed-by": "someone"})
        assert isinstance(failure(bench.push()), InvalidSpec)
        assert bench.do(Delete(key="k")) == Done(changed=False)
        assert bench.writes == []

    def test_a_missing_key(self):
        assert isinstance(failure(Bench().push(secret_key="nope")), Missing)

    @pytest.mark.parametrize(
        "spec",
        [
            {"tags": {"managed-by": "x"}}, {"secretPushFormat": "yaml"}, {"unknown": 1}, {"resourcePolicy": {"blockPublicPolicy": True}},
            {"resourcePolicy": {"policySourceRef": {"kind": "Pod", "name": "p", "key": "k"}}}, {"tags": {"a": {"b": "1"}}},
            {"resourcePolicy": {"policySourceRef": {"kind": "Secret", "name": "p", "key": "k", "namespace": "n"}}},
        ],
    )  # fmt: skip
    def test_metadata_that_cannot_be_used(self, spec):
        bench = Bench()
        assert isinstance(failure(bench.push(meta=metadata(**spec))), InvalidSpec)
        assert bench.cloud.asked == []


class TestTagsOfSecrets:
    def held(self, bench):
        return bench.cloud.secrets.held["k"].tags

    def test_they_become_those_of_the_metadata(self):
        bench = Bench()
        bench.cloud.put("k", b"v", {**OURS, "old": "1", "kept": "1", "aws:x": "y"})
        assert bench.push(meta=metadata(tags={"kept": "2", "new": "3"})) == Done(changed=True)
        assert self.held(bench) == {**OURS, "kept": "2", "new": "3", "aws:x": "y"}
        assert [name for name, _ in bench.writes] == ["UntagResource", "TagResource"]
        assert bench.push(meta=metadata(tags={"kept": "2", "new": "3"})) == Done(changed=False)

    def test_without_any_in_the_metadata_they_stay(self):
        bench = Bench()
        bench.cloud.put("k", b"v", {**OURS, "old": "1"})
        bench.push(b"w")
        assert self.held(bench) == {**OURS, "old": "1"}


class TestPolicies:
    META = metadata(resourcePolicy={"policySourceRef": {"kind": "Secret", "name": "p", "key": "k"}})

    @pytest.mark.parametrize(("kind", "need"), [("Secret", SecretKey("p", "k")), ("ConfigMap", ConfigMapKey("p", "k"))])
    def test_the_source_is_needed(self, kind, need):
        meta = metadata(resourcePolicy={"policySourceRef": {"kind": kind, "name": "p", "key": "k"}})
        push = Push(key="k", source=Source(data={}), metadata=meta)
        assert provider("aws").push_needs(Bench().use.spec, push).unwrap() == {"policy": need}

    @pytest.mark.parametrize("meta", [None, metadata(), metadata(resourcePolicy={"policySourceRef": {"kind": "?"}}), {"kind": "?"}])
    def test_or_nothing(self, meta):
        push = Push(key="k", source=Source(data={}), metadata=meta)
        assert provider("aws").push_needs(Bench().use.spec, push).unwrap() == {}

    def test_of_other_services(self):
        form = parsed("aws", {"service": "ParameterStore", "region": REGION})
        assert provider("aws").push_needs(form, Push(key="k", source=Source(data={}), metadata=self.META)).unwrap() == {}

    def test_an_update_without_one_keeps_what_is_there(self):
        """The reference deletes it."""
        bench = Bench()
        bench.push(meta=self.META, held={"policy": '{"a":1}'})
        bench.push(b"w")
        assert bench.cloud.secrets.held["k"].policy == '{"a":1}'

    def test_another_policy_is_put_and_an_empty_one_removed(self):
        bench = Bench()
        bench.push(meta=self.META, held={"policy": '{"a":1}'})
        assert bench.push(meta=self.META, held={"policy": '{"a":2}'}) == Done(changed=True)
        assert bench.cloud.secrets.held["k"].policy == '{"a":2}'
        assert bench.push(meta=self.META, held={"policy": " "}) == Done(changed=True)
        assert bench.cloud.secrets.held["k"].policy is None
        assert bench.push(meta=self.META, held={"policy": " "}) == Done(changed=False)

    @pytest.mark.parametrize("held", [{"policy": "{"}, {"policy": "[]"}, {}])
    def test_what_is_no_policy_stops_the_push(self, held):
        bench = Bench()
        assert isinstance(bench.push(meta=self.META, held=held), Failed)
        assert bench.cloud.asked == []


class TestReplicas:
    def test_they_become_those_of_the_metadata(self):
        bench = Bench()
        bench.push(meta=metadata(replicationLocations=["us-east-1", "us-west-2"]))
        assert bench.push(meta=metadata(replicationLocations=["us-west-2", "eu-west-1"])) == Done(changed=True)
        remove, add = bench.writes
        assert remove == ("RemoveRegionsFromReplication", {"SecretId": "k", "RemoveReplicaRegions": ["us-east-1"]})
        assert add[1]["AddReplicaRegions"] == [{"Region": "eu-west-1", "KmsKeyId": "alias/aws/secretsmanager"}]
        assert bench.push(meta=metadata(replicationLocations=["us-west-2", "eu-west-1"])) == Done(changed=False)

    def test_without_a_list_they_stay_and_an_empty_one_removes_them(self):
        bench = Bench()
        bench.push(meta=metadata(replicationLocations=["us-east-1"]))
        assert bench.push() == Done(changed=False)
        assert set(bench.cloud.secrets.held["k"].replicas) == {"us-east-1"}
        assert bench.push(meta=metadata(replicationLocations=[])) == Done(changed=True)
        assert bench.cloud.secrets.held["k"].replicas == {}


class TestDeletingSecrets:
    @pytest.mark.parametrize(
        ("spec", "how"),
        [
            ({}, {}),
            ({"secretsManager": {"forceDeleteWithoutRecovery": True}}, {"ForceDeleteWithoutRecovery": True}),
            ({"secretsManager": {"recoveryWindowInDays": 9}}, {"RecoveryWindowInDays": 9}),
        ],
    )
    def test_as_the_store_says(self, spec, how):
        bench = Bench(**spec)
        bench.push()
        assert bench.do(Delete(key="k", property="ignored")) == Done(changed=True)
        arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:k-AbCdEf"
        assert bench.writes == [("DeleteSecret", {"SecretId": arn, **how})]
        assert len(bench.cloud.asked) == 2

    def test_replicas_go_first(self):
        bench = Bench()
        bench.push(meta=metadata(replicationLocations=["us-east-1"]))
        assert bench.do(Delete(key="k")) == Done(changed=True)
        assert [name for name, _ in bench.writes] == ["RemoveRegionsFromReplication", "DeleteSecret"]

    def test_what_is_not_there_or_is_going(self):
        bench = Bench()
        assert bench.do(Delete(key="k")) == Done(changed=False)
        bench.push()
        bench.do(Delete(key="k"))
        assert bench.do(Delete(key="k")) == Done(changed=False)
        assert bench.do(Exists(key="k")) is False
        assert "marked for deletion" in failure(bench.push()).what

    def test_denied(self):
        bench = Bench()
        bench.cloud.secrets.denied = {"DescribeSecret", "GetSecretValue"}
        for command in (Delete(key="k"), Exists(key="k")):
            assert isinstance(failure(bench.do(command)), Refused)
        assert isinstance(failure(bench.push()), Refused)


class ParameterBench(Bench):
    service, short = "ParameterStore", "ssm"

    @property
    def held(self):
        return self.cloud.parameters.held["k"]


class TestParameters:
    def test_a_new_parameter(self):
        bench = ParameterBench(prefix="/app/")
        assert bench.push() == Done(changed=True)
        assert bench.writes == [
            (
                "PutParameter",
                {
                    "Name": "/app/k", "Value": "v", "Type": "String", "Description": "secret 'managed-by:external-secrets'",
                    "Overwrite": False, "Tags": [{"Key": "managed-by", "Value": "external-secrets"}],
                },
            )
        ]  # fmt: skip

    def test_all_that_the_metadata_says(self):
        bench = ParameterBench()
        policies = [{"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "<2030>"}}]
        meta = metadata(
            secretType="SecureString", kmsKeyID="key", tier={"type": "Advanced", "policies": policies}, tags={"a": "b"}, description="d"
        )
        assert bench.push(meta=meta) == Done(changed=True)
        [(_, body)] = bench.writes
        assert (body["Type"], body["KeyId"], body["Tier"], body["Description"]) == ("SecureString", "key", "Advanced", "d")
        assert orjson.loads(body["Policies"]) == policies
        assert "<2030>" in body["Policies"]
        assert bench.push(meta=meta) == Done(changed=False)
        assert [name for name, _ in bench.cloud.asked] == ["GetParameter", "ListTagsForResource"]

    @pytest.mark.parametrize("kind", ["Standard", "Intelligent-Tiering", ""])
    def test_only_tier_advanced_is_sent(self, kind):
        bench = ParameterBench()
        bench.push(meta=metadata(tier={"type": kind}))
        assert not {"Tier", "Policies", "KeyId"} & set(bench.writes[0][1])

    def test_the_key_of_secure_strings(self):
        bench = ParameterBench()
        bench.push(meta=metadata(secretType="SecureString"))
        assert bench.writes[0][1]["KeyId"] == "alias/aws/ssm"

    @pytest.mark.parametrize(
        ("decoded", "text"), [(False, '{"a":"PGE+","b":"/w=="}'), (True, '{"a":"<a>","b":"\\ufffd"}')], ids=["encoded", "decoded"]
    )
    def test_a_whole_secret(self, decoded, text):
        bench = ParameterBench()
        bench.push(data={"b": b"\xff", "a": b"<a>"}, secret_key="", meta=metadata(encodeAsDecoded=decoded))
        assert bench.held.values[-1] == text

    def test_a_changed_value(self):
        bench = ParameterBench()
        bench.push()
        bench.held.tags["other"] = "x"
        assert bench.push(b"w") == Done(changed=True)
        [(operation, body)] = bench.writes
        assert (operation, body["Overwrite"]) == ("PutParameter", True)
        assert "Tags" not in body
        assert bench.held.tags == {**OURS, "other": "x"}

    def test_tags_follow_the_metadata_without_a_new_value(self):
        """The reference leaves them until the value changes."""
        bench = ParameterBench()
        bench.push(meta=metadata(tags={"a": "1", "b": "1"}))
        assert bench.push(meta=metadata(tags={"a": "2"})) == Done(changed=True)
        assert bench.held.tags == {**OURS, "a": "2"}
        assert [name for name, _ in bench.writes] == ["RemoveTagsFromResource", "AddTagsToResource"]

    def test_a_value_that_is_sensitive_is_one_like_any(self):
        """The reference takes it for an encrypted one, and never updates it."""
        bench = ParameterBench()
        bench.push(b"sensitive")
        assert bench.push(b"w") == Done(changed=True)

    def test_no_text(self):
        bench = ParameterBench()
        assert isinstance(failure(bench.push(b"\xff")), Broken)
        assert bench.cloud.asked == []

    def test_of_others(self):
        bench = ParameterBench()
        bench.cloud.put("k", b"theirs", {})
        assert isinstance(failure(bench.push()), InvalidSpec)
        assert bench.do(Delete(key="k")) == Done(changed=False)
        assert bench.writes == []

    def test_deletion(self):
        bench = ParameterBench()
        assert bench.do(Delete(key="k")) == Done(changed=False)
        bench.push()
        assert bench.do(Exists(key="k")) is True
        assert bench.do(Delete(key="k", property="ignored")) == Done(changed=True)
        assert [name for name, _ in bench.cloud.asked] == ["ListTagsForResource", "DeleteParameter"]
        assert bench.do(Exists(key="k")) is False

    @pytest.mark.parametrize(
        "spec",
        [
            {"tags": {"managed-by": "x"}},
            {"secretType": "Secret"},
            {"tier": {"type": "Gold"}},
            {"tier": {"x": 1}},
            {"encodeAsDecoded": "yes"},
        ],
    )
    def test_metadata_that_cannot_be_used(self, spec):
        bench = ParameterBench()
        assert isinstance(failure(bench.push(meta=metadata(**spec))), InvalidSpec)
        assert bench.cloud.asked == []

    def test_denied(self):
        bench = ParameterBench()
        bench.cloud.parameters.denied = {"GetParameter", "ListTagsForResource"}
        for command in (Delete(key="k"), Exists(key="k")):
            assert isinstance(failure(bench.do(command)), Refused)
        assert isinstance(failure(bench.push()), Refused)
