"""AWS Secrets Manager in memory, from the "AWS Secrets Manager API Reference" (API version 2017-10-17), as of November 2026."""

# ruff: noqa: N803  (arguments are named as the members of the requests)
from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.providers.aws.protocol import Json, Refusal, checked_tags, length, page

NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
BATCH_MAX = 20
MISSING = "Secrets Manager can't find the specified secret."
DOOMED = "You can't perform this operation on the secret because it was marked for deletion."


@dataclass
class Secret:
    name: str
    arn: str
    tags: dict[str, str] = field(default_factory=dict)
    description: str = ""
    kms_key: str | None = None
    versions: dict[str, dict[str, str]] = field(default_factory=dict)  # id -> {"SecretString" or "SecretBinary": ...}
    stages: dict[str, str] = field(default_factory=dict)  # stage -> id
    policy: str | None = None
    public_blocked: bool | None = None
    replicas: dict[str, str | None] = field(default_factory=dict)  # region -> key
    doomed: bool = False

    def add(self, token: str, value: dict[str, str]) -> None:
        if token in self.versions and self.versions[token] != value:
            raise Refusal("ResourceExistsException", "the version exists, with another value")
        self.versions[token] = value
        if "AWSCURRENT" in self.stages:
            self.stages["AWSPREVIOUS"] = self.stages["AWSCURRENT"]
        self.stages["AWSCURRENT"] = token


class Secrets:
    """``denied``: operations that the role may not use, and names that it may not read."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.held: dict[str, Secret] = {}
        self.denied: set[str] = set()
        self.asked: list[tuple[str, Json]] = []
        self.count = 0

    @property
    def operations(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in dir(self) if name[0].isupper()}

    # ------------------------------------------------------------ for tests

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        secret = self.held.get(name)
        if secret is None:
            secret = self._made(name)
        secret.tags.update(tags)
        self.count += 1
        token = f"{self.count:08d}-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
        try:
            secret.add(token, {"SecretString": value.decode()})
        except UnicodeDecodeError:
            secret.add(token, {"SecretBinary": base64.b64encode(value).decode()})
        return f"uuid/{token}"

    def value(self, name: str) -> bytes | None:
        secret = self.held.get(name)
        if secret is None or secret.doomed or "AWSCURRENT" not in secret.stages:
            return None
        value = secret.versions[secret.stages["AWSCURRENT"]]
        return value["SecretString"].encode() if "SecretString" in value else base64.b64decode(value["SecretBinary"])

    def _made(self, name: str) -> Secret:
        arn = f"arn:aws:secretsmanager:{self.region}:123456789012:secret:{name}-AbCdEf"
        self.held[name] = secret = Secret(name, arn)
        return secret

    # ------------------------------------------------------------ lookup

    def _find(self, given: Any) -> Secret:
        length(given, "secretId", 1, 2048)
        for secret in self.held.values():
            if given in (secret.name, secret.arn, secret.arn.rpartition("-")[0]):
                return secret
        raise Refusal("ResourceNotFoundException", MISSING)

    def _alive(self, given: Any) -> Secret:
        secret = self._find(given)
        if secret.doomed:
            raise Refusal("InvalidRequestException", DOOMED)
        return secret

    def _entry(self, secret: Secret, version: str) -> Json:
        stages = [stage for stage, held in secret.stages.items() if held == version]
        value = secret.versions[version]
        return {"ARN": secret.arn, "Name": secret.name, "VersionId": version, "VersionStages": stages, "CreatedDate": 1.7e9, **value}

    def _current(self, secret: Secret) -> Json:
        if secret.name in self.denied:
            raise Refusal("AccessDeniedException", f"not authorized to perform: secretsmanager:GetSecretValue on resource: {secret.arn}")
        if "AWSCURRENT" not in secret.stages:
            raise Refusal("ResourceNotFoundException", f"{MISSING} value for staging label: AWSCURRENT")
        return self._entry(secret, secret.stages["AWSCURRENT"])

    def _matching(self, filters: Sequence[Json]) -> list[Secret]:
        """All filters, each by the beginning of a name, of a tag's name or of a tag's value."""

        def one(secret: Secret, by: str, begin: str) -> bool:
            held = {"name": [secret.name], "tag-key": list(secret.tags), "tag-value": list(secret.tags.values())}
            if by not in held:
                raise Refusal("ValidationException", f"filter {by}")
            return any(text.startswith(begin) for text in held[by])

        for given in filters:
            if set(given) != {"Key", "Values"} or not given["Values"] or not all(0 < len(value) <= 512 for value in given["Values"]):
                raise Refusal("ValidationException", "a filter is not usable")
        return [
            secret
            for secret in self.held.values()
            if not secret.doomed and all(any(one(secret, given["Key"], value) for value in given["Values"]) for given in filters)
        ]

    # ------------------------------------------------------------ reading

    def GetSecretValue(self, SecretId: Any = None, VersionId: str = "", VersionStage: str = "") -> Json:
        secret = self._alive(SecretId)
        if secret.name in self.denied:
            return self._current(secret)
        length(VersionStage or "x", "versionStage", 1, 256)
        version = VersionId or secret.stages.get(VersionStage or "AWSCURRENT", "")
        if version not in secret.versions:
            raise Refusal("ResourceNotFoundException", f"{MISSING} value for VersionId")
        return self._entry(secret, version)

    def BatchGetSecretValue(
        self, SecretIdList: Any = None, Filters: Any = None, MaxResults: int | None = None, NextToken: str | None = None
    ) -> Json:
        if (SecretIdList is None) == (Filters is None) or (SecretIdList is not None and MaxResults is not None):
            raise Refusal("InvalidParameterException", "Either 'SecretIdList' or 'Filters' must be provided, but not both.")
        values: list[Json] = []
        errors: list[Json] = []
        more: Json = {}
        if SecretIdList is not None:
            if not 1 <= len(SecretIdList) <= BATCH_MAX or len(set(SecretIdList)) != len(SecretIdList):
                raise Refusal("ValidationException", "1 validation error detected: Value at 'secretIdList' failed to satisfy constraint")
            for given in SecretIdList:
                length(given, "secretIdList", 1, 2048)
            wanted: list[Any] = list(SecretIdList)
        else:
            if not 1 <= (MaxResults or 1) <= BATCH_MAX:
                raise Refusal("ValidationException", "maxResults")
            wanted, more = page([secret.name for secret in self._matching(Filters)], MaxResults or BATCH_MAX, NextToken)
        for given in wanted:
            try:
                entry = self._current(self._alive(given))
                if entry not in values:
                    values.append(entry)
            except Refusal as refusal:
                errors.append({"SecretId": given, "ErrorCode": refusal.code, "Message": refusal.message})
        return {"SecretValues": values, "Errors": errors, **more}

    def ListSecrets(self, Filters: Sequence[Json] = (), MaxResults: int = 100, NextToken: str | None = None) -> Json:
        found, more = page(self._matching(Filters), MaxResults, NextToken)
        return {"SecretList": [{"ARN": secret.arn, "Name": secret.name} for secret in found], **more}

    def DescribeSecret(self, SecretId: Any = None) -> Json:
        secret = self._find(SecretId)
        told: Json = {
            "ARN": secret.arn,
            "Name": secret.name,
            "Description": secret.description,
            "Tags": [{"Key": key, "Value": value} for key, value in secret.tags.items()],
            "VersionIdsToStages": {
                version: [stage for stage, held in secret.stages.items() if held == version] for version in set(secret.stages.values())
            },
            "ReplicationStatus": [{"Region": region, "Status": "InSync"} for region in secret.replicas],
        }
        if secret.kms_key is not None:
            told["KmsKeyId"] = secret.kms_key
        return {**told, "DeletedDate": 1.7e9} if secret.doomed else told

    # ------------------------------------------------------------ writing

    def CreateSecret(
        self,
        Name: Any = None,
        ClientRequestToken: Any = None,
        SecretString: str | None = None,
        SecretBinary: str | None = None,
        Description: str = "",
        KmsKeyId: str | None = None,
        Tags: Sequence[Json] = (),
        AddReplicaRegions: Sequence[Json] = (),
    ) -> Json:
        if not isinstance(Name, str) or not NAME.fullmatch(Name):
            raise Refusal("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or: -/_+=.@!")
        if Name in self.held:
            raise Refusal("ResourceExistsException", f"The operation failed because the secret {Name} already exists.")
        value, token = _value(SecretString, SecretBinary), _token(ClientRequestToken)
        tags = checked_tags(Tags)
        secret = self._made(Name)
        secret.tags, secret.description, secret.kms_key = tags, Description, KmsKeyId
        secret.replicas = {replica["Region"]: replica.get("KmsKeyId") for replica in AddReplicaRegions}
        secret.add(token, value)
        return {"ARN": secret.arn, "Name": Name, "VersionId": token}

    def PutSecretValue(
        self, SecretId: Any = None, ClientRequestToken: Any = None, SecretString: str | None = None, SecretBinary: str | None = None
    ) -> Json:
        secret, token = self._alive(SecretId), _token(ClientRequestToken)
        secret.add(token, _value(SecretString, SecretBinary))
        return {"ARN": secret.arn, "Name": secret.name, "VersionId": token, "VersionStages": ["AWSCURRENT"]}

    def DeleteSecret(self, SecretId: Any = None, ForceDeleteWithoutRecovery: bool = False, RecoveryWindowInDays: int | None = None) -> Json:
        if ForceDeleteWithoutRecovery and RecoveryWindowInDays is not None:
            raise Refusal("InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
        if RecoveryWindowInDays is not None and not 7 <= RecoveryWindowInDays <= 30:
            raise Refusal("InvalidParameterException", "RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
        secret = self._alive(SecretId)
        if secret.replicas:
            raise Refusal("InvalidRequestException", "You can't delete secret that still has replica regions.")
        if ForceDeleteWithoutRecovery:
            del self.held[secret.name]
        else:
            secret.doomed = True
        return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": 1.7e9}

    def TagResource(self, SecretId: Any = None, Tags: Sequence[Json] = ()) -> None:
        self._alive(SecretId).tags.update(checked_tags(Tags))

    def UntagResource(self, SecretId: Any = None, TagKeys: Sequence[str] = ()) -> None:
        secret = self._alive(SecretId)
        if any(key.startswith("aws:") for key in TagKeys):
            raise Refusal("InvalidParameterException", "system tags cannot be removed")
        for key in TagKeys:
            secret.tags.pop(key, None)

    # ------------------------------------------------------------ policy and replicas

    def GetResourcePolicy(self, SecretId: Any = None) -> Json:
        secret = self._alive(SecretId)
        return {"ARN": secret.arn, "Name": secret.name, **({"ResourcePolicy": secret.policy} if secret.policy is not None else {})}

    def PutResourcePolicy(self, SecretId: Any = None, ResourcePolicy: str = "", BlockPublicPolicy: bool | None = None) -> Json:
        secret = self._alive(SecretId)
        try:
            orjson.loads(ResourcePolicy)
        except orjson.JSONDecodeError:
            raise Refusal("MalformedPolicyDocumentException", "This resource policy contains invalid Json.") from None
        secret.policy, secret.public_blocked = ResourcePolicy, BlockPublicPolicy
        return {"ARN": secret.arn, "Name": secret.name}

    def DeleteResourcePolicy(self, SecretId: Any = None) -> Json:
        secret = self._alive(SecretId)
        secret.policy = None
        return {"ARN": secret.arn, "Name": secret.name}

    def ReplicateSecretToRegions(self, SecretId: Any = None, AddReplicaRegions: Sequence[Json] = ()) -> Json:
        secret = self._alive(SecretId)
        if not AddReplicaRegions or any(replica["Region"] in (*secret.replicas, self.region) for replica in AddReplicaRegions):
            raise Refusal("InvalidParameterException", "Invalid replica region.")
        secret.replicas.update({replica["Region"]: replica.get("KmsKeyId") for replica in AddReplicaRegions})
        return {"ARN": secret.arn, "ReplicationStatus": []}

    def RemoveRegionsFromReplication(self, SecretId: Any = None, RemoveReplicaRegions: Sequence[str] = ()) -> Json:
        secret = self._alive(SecretId)
        if not RemoveReplicaRegions or set(RemoveReplicaRegions) - set(secret.replicas):
            raise Refusal("InvalidParameterException", "no such replica")
        for region in RemoveReplicaRegions:
            del secret.replicas[region]
        return {"ARN": secret.arn, "ReplicationStatus": []}


def _token(token: Any) -> str:
    length(token, "clientRequestToken", 32, 64)
    return str(token)


def _value(text: str | None, binary: str | None) -> dict[str, str]:
    if (text is None) == (binary is None):
        raise Refusal("InvalidParameterException", "You must provide either SecretString or SecretBinary.")
    if text is not None:
        length(text, "secretString", 1, 65536)
        return {"SecretString": text}
    try:
        raw = base64.b64decode(binary or "", validate=True)
    except binascii.Error:
        raise Refusal("SerializationException") from None
    if not 1 <= len(raw) <= 65536:
        raise Refusal("ValidationException", "secretBinary")
    return {"SecretBinary": base64.b64encode(raw).decode()}
