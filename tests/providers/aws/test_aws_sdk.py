"""What the library calls give: endpoints, leases, signed requests that prove who we are."""

from __future__ import annotations

import botocore.exceptions as faults
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from eso_core.failure import InvalidSpec, Refused, Throttled, Unreachable
from eso_shell.sdk import SdkFailure, aws
from tests.e2e.harness.services import Moto

KEYS = {"access_key": "AKIDEXAMPLE", "secret_key": "s3cr3t", "session_token": ""}
ROLE = "arn:aws:iam::123456789012:role/app"


class TestEndpoints:
    @pytest.mark.parametrize(
        ("service", "region", "url"),
        [
            ("secretsmanager", "eu-central-1", "https://secretsmanager.eu-central-1.amazonaws.com"),
            ("ssm", "cn-north-1", "https://ssm.cn-north-1.amazonaws.com.cn"),
            ("acm", "us-gov-west-1", "https://acm.us-gov-west-1.amazonaws.com"),
            ("tagging", "us-east-1", "https://tagging.us-east-1.amazonaws.com"),
            ("sts", "eu-central-1", "https://sts.eu-central-1.amazonaws.com"),
        ],
    )
    def test_of_regions(self, service, region, url):
        assert aws.endpoint(service, region, {}) == url

    @pytest.mark.parametrize(
        ("service", "name"),
        [
            ("secretsmanager", "AWS_SECRETSMANAGER_ENDPOINT"),
            ("ssm", "AWS_SSM_ENDPOINT"),
            ("acm", "AWS_ACM_ENDPOINT"),
            ("tagging", "AWS_RESOURCE_GROUPS_TAGGING_API_ENDPOINT"),
            ("sts", "AWS_STS_ENDPOINT"),
        ],
    )
    def test_of_the_environment(self, service, name):
        assert aws.endpoint(service, "eu-central-1", {name: "http://here", "AWS_ENDPOINT_URL": "http://there"}) == "http://here"
        assert aws.endpoint(service, "eu-central-1", {"AWS_ENDPOINT_URL": "http://there"}) == "http://there"

    @pytest.mark.parametrize(
        ("service", "region", "names", "url"),
        [
            ("secretsmanager", "us-east-1", ["FIPS"], "https://secretsmanager-fips.us-east-1.amazonaws.com"),
            ("ssm", "us-gov-west-1", ["FIPS"], "https://ssm.us-gov-west-1.amazonaws.com"),  # it has no others
            ("sts", "us-east-1", ["DUALSTACK"], "https://sts.us-east-1.api.aws"),
            ("ssm", "us-east-1", ["FIPS", "DUALSTACK"], "https://ssm-fips.us-east-1.api.aws"),
        ],
    )
    def test_variants_of_the_environment(self, service, region, names, url):
        assert aws.endpoint(service, region, {f"AWS_USE_{name}_ENDPOINT": "True" for name in names}) == url
        assert aws.endpoint(service, region, {f"AWS_USE_{name}_ENDPOINT": "false" for name in names}) == aws.endpoint(service, region, {})

    def test_no_such_variant(self):
        with pytest.raises(SdkFailure) as raised:
            aws.endpoint("ssm", "us-iso-east-1", {"AWS_USE_DUALSTACK_ENDPOINT": "true"})
        assert isinstance(raised.value.failure, InvalidSpec)

    def test_a_region_that_asks_for_fips(self):
        held = aws.credentials({"service": "acm", "region": "us-east-1", "fips": True, "roles": [], **KEYS}, {})
        assert held["endpoint"] == "https://acm-fips.us-east-1.amazonaws.com"
        assert held["endpoint_beside"] == "https://tagging-fips.us-east-1.amazonaws.com"

    def test_certificates_have_two(self):
        held = aws.credentials({"service": "acm", "region": "eu-west-1", "roles": [], **KEYS}, {})
        assert held["endpoint"] == "https://acm.eu-west-1.amazonaws.com"
        assert held["endpoint_beside"] == "https://tagging.eu-west-1.amazonaws.com"
        assert held["lease_s"] is None

    @pytest.mark.parametrize("region", ["x.evil.example/", "nowhere", "eu-central-1\n", "-", "a" * 65])
    def test_no_region(self, region):
        with pytest.raises(SdkFailure) as raised:
            aws.credentials({"service": "ssm", "region": region, **KEYS}, {})
        assert isinstance(raised.value.failure, InvalidSpec)


class TestCallerIdentity:
    def made(self, environ=None, **more):
        return aws.caller_identity({"region": "eu-central-1", **KEYS, **more}, environ or {})

    def test_the_request(self):
        made = self.made()
        assert set(made) == {"method", "url", "headers", "body"}
        assert (made["method"], made["url"]) == ("POST", "https://sts.eu-central-1.amazonaws.com/")
        assert made["body"] == "Action=GetCallerIdentity&Version=2011-06-15"
        assert made["headers"]["Host"] == "sts.eu-central-1.amazonaws.com"
        assert made["headers"]["Content-Length"] == "43"
        assert "/eu-central-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=" in made["headers"]["Authorization"]
        assert "s3cr3t" not in str(made)

    def test_the_signature_is_botocores(self, monkeypatch):
        monkeypatch.setattr(aws.time, "time", lambda: 1_700_000_000)
        made = self.made(session_token="tok", headers={"X-Vault-AWS-IAM-Server-ID": "vault.example"})
        names = ("Content-Type", "X-Vault-AWS-IAM-Server-ID", "X-Amz-Date", "X-Amz-Security-Token")
        headers = {name: made["headers"][name] for name in names}
        request = AWSRequest(method="POST", url=made["url"], headers=headers, data=made["body"].encode())
        request.context["timestamp"] = made["headers"]["X-Amz-Date"]
        theirs = SigV4Auth(Credentials("AKIDEXAMPLE", "s3cr3t", "tok"), "sts", "eu-central-1")
        theirs_text = theirs.string_to_sign(request, theirs.canonical_request(request))
        assert "x-vault-aws-iam-server-id" in theirs.canonical_request(request)
        assert made["headers"]["Authorization"].endswith(f"Signature={theirs.signature(theirs_text, request)}")

    def test_regions(self):
        assert self.made(region="")["url"] == "https://sts.us-east-1.amazonaws.com/"
        assert self.made({"AWS_REGION": "eu-west-1"}, region="")["url"] == "https://sts.eu-west-1.amazonaws.com/"
        assert self.made(endpoint="https://sts.amazonaws.com", region="us-east-1")["headers"]["Host"] == "sts.amazonaws.com"

    @pytest.mark.parametrize("endpoint", ["ftp://x", "https://user@x", "https://x/?a=b", "nonsense"])
    def test_no_endpoint(self, endpoint):
        with pytest.raises(SdkFailure) as raised:
            self.made(endpoint=endpoint)
        assert isinstance(raised.value.failure, InvalidSpec)

    def test_sts_takes_it(self):
        """moto answers the request as it is."""
        with Moto() as moto:
            made = aws.caller_identity({"region": moto.region, **KEYS, "roles": [{"arn": ROLE}]}, {"AWS_STS_ENDPOINT": moto.url})
            pool = urllib3.PoolManager()
            answer = pool.request(made["method"], made["url"], headers=made["headers"], body=made["body"])
            pool.clear()
        assert answer.status == 200
        assert b"assumed-role/app/external-secrets-provider-aws" in answer.data


def client_error(code, status):
    return faults.ClientError({"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "AssumeRole")


@pytest.mark.parametrize(
    ("error", "kind", "session"),
    [
        (client_error("AccessDenied", 403), Refused, False),
        (client_error("ExpiredToken", 400), Refused, True),
        (client_error("Throttling", 400), Throttled, None),
        (client_error("InternalFailure", 503), Unreachable, None),
        (faults.NoCredentialsError(), Refused, True),
        (faults.EndpointConnectionError(endpoint_url="http://x"), Unreachable, None),
        (faults.ParamValidationError(report="secret s3cr3t"), InvalidSpec, None),
    ],
)
def test_failures(error, kind, session):
    got = aws.failure_of(error)
    assert isinstance(got, kind)
    assert session is None or got.session is session
    assert "s3cr3t" not in got.what
