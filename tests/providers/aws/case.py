"""The aws provider: Secrets Manager by each identity, and Parameter Store. Certificates have a form of their own: see their tests."""

from __future__ import annotations

from functools import partial
from typing import Any

from eso_core.providers.aws import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.aws.server import REGION, ROLE, Cloud, IdentityKind

KEYS = {"accessKeyIDSecretRef": {"name": "aws", "key": "id"}, "secretAccessKeySecretRef": {"name": "aws", "key": "secret"}}
AUTH: dict[IdentityKind, dict[str, Any]] = {
    "static": {"auth": {"secretRef": KEYS}},
    "token": {"auth": {"jwt": {"serviceAccountRef": {"name": "app"}}}},
    "ambient": {},
}
DIALECT = (
    Sample(value=b"text", property="", gives=b"text"),
    Sample(value=b'{"a":{"b":"deep"},"a.b":"flat"}', property="a.b", gives=b"flat"),
    Sample(value=b'{"a":{"b":[1,"x"]}}', property="a.b.1", gives=b"x"),
    Sample(value=b'{"n":1.50,"o":{"x":1}}', property="o", gives=b'{"x":1}'),
    Sample(value=b'{"a":1}', property="b", gives="failed"),
)


def case(name: str, service: str, identity: IdentityKind, **more: Any) -> Case:
    short = {"SecretsManager": "secretsmanager", "ParameterStore": "ssm"}[service]
    spec = {"service": service, "region": REGION, **AUTH[identity], **more.pop("spec", {})}
    return Case(
        name=name,
        provider=PROVIDER,
        spec=spec,
        server=partial(Cloud, short, identity),
        secrets={slot: value.encode() for slot, value in Cloud(short, identity).credential().items()},
        public=frozenset({"annotations", "access_key"}),
        finds=more.pop("finds", frozenset({"name", "tags"})),
        versions=True,
        metadata=True,
        dialect=DIALECT,
        **more,
    )


SECRETS = Calls(login=1, get=1, batch=(20, 1), probe=0, find=2, found=None, push_new=2, push_same=2, delete=2)
PARAMETERS = Calls(login=1, get=1, batch=(20, 2), probe=0, find=1, found=None, push_new=2, push_same=2, delete=2)


def metadata(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata", "spec": spec}


PLAIN = metadata(encodeAsDecoded=True, secretType="SecureString")

CASES: tuple[Case, ...] = (
    case("aws-secretsmanager", "SecretsManager", "static", calls=SECRETS),
    case(
        "aws-secretsmanager-role",
        "SecretsManager",
        "static",
        spec={"role": ROLE, "sessionTagsPolicy": "Simple"},
        cluster=True,
        push_metadata=metadata(secretPushFormat="string", tags={"team": "red"}),
        calls=SECRETS,
    ),
    case("aws-secretsmanager-irsa", "SecretsManager", "token", calls=SECRETS),
    case("aws-secretsmanager-ambient", "SecretsManager", "ambient", calls=SECRETS),
    case(
        "aws-parameterstore",
        "ParameterStore",
        "token",
        missing_version="failed",
        nothing=(b"{}",),
        push_property="",
        push_metadata=PLAIN,
        calls=PARAMETERS,
    ),
    case(
        "aws-parameterstore-path",
        "ParameterStore",
        "static",
        names=("/app/alpha", "/app/beta", "/app/gamma"),
        push_new="/app/delta",
        find_name=("/app/.(l|e)", "m+"),
        path="/app",
        finds=frozenset({"name", "tags"}),
        push_property="",
        push_metadata=PLAIN,
        nothing=(b"{}",),
        calls=PARAMETERS,
    ),
)
