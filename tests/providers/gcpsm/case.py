"""The cases of Secret Manager: each way to log in, global and regional secrets."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from eso_core.providers.gcpsm import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.gcpsm.identity import AUDIENCE, CLUSTER, EMAIL, POOL, PROJECT, SUBJECT_URL, Identity, key_file
from tests.providers.gcpsm.server import Server

BOUND = f"identitynamespace:{POOL}:{CLUSTER}"
TOKEN, NEW_TOKEN = "eyJhbGciOi.first-token-of-an-account.x", "eyJhbGciOi.second-token-of-an-account.x"
SELECTOR = {"name": "gcp", "key": "key.json"}
NOTES = json.dumps({"iam.gke.io/gcp-service-account": EMAIL}).encode()
KEY_AUTH = {"secretRef": {"secretAccessKeySecretRef": SELECTOR}}
DIALECT = (
    Sample(value=b"text", property="", gives=b"text"),
    Sample(value=b"\x00\xff", property="", gives=b"\x00\xff"),
    Sample(value=b"text", property="a", gives="failed"),
    Sample(value=b'{"a":{"b":"deep"},"a.b":"flat","n":12.50,"l":[1,{"x":"y"}]}', property="a.b", gives=b"flat"),
    Sample(value=b'{"a":{"b":"deep"}}', property="a.b", gives=b"deep"),
    Sample(value=b'{"n":12.50,"l":[1,{"x":"y"}]}', property="n", gives=b"12.5"),
    Sample(value=b'{"l":[1,{"x":"y"}]}', property="l.1.x", gives=b"y"),
    Sample(value=b'{"l":[1,{"x":"y"}]}', property="l.1", gives=b'{"x":"y"}'),
    Sample(value=b'{"a":1}', property="b", gives="failed"),
)


def aws_secret(key: str) -> bytes:
    """A whole Secret as the operator holds it."""
    held = {"aws_access_key_id": key, "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG"}
    return json.dumps({name: base64.b64encode(value.encode()).decode() for name, value in held.items()}).encode()


def config(**more: Any) -> bytes:
    """An external account whose token an HTTP endpoint gives."""
    source = {"url": SUBJECT_URL, "headers": {"X-Idp": "yes"}, "format": {"type": "json", "subject_token_field_name": "token"}}
    held = {
        "type": "external_account", "audience": AUDIENCE, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token", "token_info_url": "https://sts.googleapis.com/v1/introspect",
        "credential_source": source, **more,
    }  # fmt: skip
    return json.dumps(held).encode()


def with_key(location: str = "") -> Server:
    def rotating(identity: Identity) -> Mapping[str, bytes]:
        identity.keys = {1}
        return {"gcp_key": key_file(1).encode()}

    return Server(location=location, rotating=rotating)


def with_subject(audience: str) -> Server:
    """A server that knows the token of one ServiceAccount."""

    def rotating(identity: Identity) -> Mapping[str, bytes]:
        identity.subjects = {audience: {NEW_TOKEN}}
        return {"gcp_account_token": NEW_TOKEN.encode()}

    return Server(identity=Identity(subjects={audience: {TOKEN}}), rotating=rotating)


def with_aws() -> Server:
    def rotating(identity: Identity) -> Mapping[str, bytes]:
        identity.aws_keys = {"AKIANEW"}
        return {"gcp_aws_keys": aws_secret("AKIANEW")}

    return Server(identity=Identity(aws_keys={"AKIAOLD"}), rotating=rotating)


def with_config() -> Server:
    return Server(identity=Identity(subjects={AUDIENCE: {TOKEN}}))


def case(name: str, auth: Mapping[str, Any], server: Any, login: int, **more: Any) -> Case:
    spec = {"projectID": PROJECT, **({"auth": auth} if auth else {}), **more.pop("spec", {})}
    return Case(
        name=f"gcpsm-{name}",
        provider=PROVIDER,
        spec=spec,
        server=server,
        finds=frozenset({"name", "tags"}),
        versions=True,
        nothing=(b"{}",),  # protobuf's JSON leaves out lists that are empty
        metadata=True,
        dialect=DIALECT,
        calls=Calls(login=login, get=1, probe=0, find=4, found=1, push_new=3, push_same=2, delete=2),
        **more,
    )


FEDERATED = {"serviceAccountRef": {"name": "app", "audiences": ["gcp"]}, "audience": AUDIENCE}
AWS = {"awsSecurityCredentials": {"region": "eu-central-1", "awsCredentialsSecretRef": {"name": "aws"}}, "audience": AUDIENCE}
CONFIGURED = {"credConfig": {"name": "gcp", "key": "config.json"}, "externalTokenEndpoint": SUBJECT_URL}
WORKLOAD = {"serviceAccountRef": {"name": "app"}, "clusterName": "main", "clusterLocation": "europe-west3"}

CASES = (
    case("key", KEY_AUTH, with_key, 2, secrets={"gcp_key": key_file(0).encode()}),
    case(
        "regional",
        KEY_AUTH,
        lambda: with_key("europe-west3"),
        2,
        secrets={"gcp_key": key_file(0).encode()},
        spec={"location": "europe-west3", "secretVersionSelectionPolicy": "LatestOrFetch"},
    ),
    case(
        "workload-identity",
        {"workloadIdentity": WORKLOAD},
        lambda: with_subject(BOUND),
        2,
        secrets={"gcp_account_token": TOKEN.encode(), "gcp_account_notes": NOTES},
        public=frozenset({"gcp_account_notes"}),
    ),
    case(
        "federation",
        {"workloadIdentityFederation": FEDERATED},
        lambda: with_subject(AUDIENCE),
        2,
        secrets={"gcp_account_token": TOKEN.encode(), "gcp_account_notes": NOTES},
        public=frozenset({"gcp_account_notes"}),
    ),
    case(
        "config",
        {"workloadIdentityFederation": CONFIGURED},
        with_config,
        2,
        secrets={"gcp_cred_config": config()},
        public=frozenset({"gcp_cred_config"}),
    ),
    case("aws", {"workloadIdentityFederation": AWS}, with_aws, 2, secrets={"gcp_aws_keys": aws_secret("AKIAOLD")}, cluster=True),
    case("default", {}, Server, 3, spec={"projectID": ""}),
)
