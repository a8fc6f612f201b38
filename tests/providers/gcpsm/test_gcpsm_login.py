"""Every way to become somebody at Google: what is needed, what is called, and what a tenant's text may not name."""

from __future__ import annotations

import json

import pytest
from returns.result import Success

from eso_core.api.providers.gcpsm import Auth
from eso_core.door import AccountNotes, AccountToken, ConfigMapKey, SecretKey, Session, WholeSecret
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable, describe
from eso_core.providers._gcp import login as gcp_login
from eso_core.providers._gcp.account import AWS_REQUEST
from eso_core.providers._gcp.token import Token
from eso_core.providers.gcpsm import PROVIDER
from eso_core.wire import CallFailed, HttpCall, SdkCall, SdkReply
from tests.providers.gcpsm.case import AWS, BOUND, CONFIGURED, FEDERATED, TOKEN, aws_secret, config
from tests.providers.gcpsm.identity import AUDIENCE, EMAIL, POOL, PROJECT, SUBJECT_URL, Identity, key_file
from tests.providers.gcpsm.server import Server
from tests.providers.scripts import CANARY, access, ok, parsed, run

KEY = {"secretRef": {"secretAccessKeySecretRef": {"name": "gcp", "key": "key.json", "namespace": "vault"}}}
NOTES = json.dumps({"iam.gke.io/gcp-service-account": EMAIL})
ELSEWHERE = f"https://evil.example/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
IMDS = "http://169.254.169.254/latest"


def use(auth, secrets=None, *, cluster=False, **more):
    return access("gcpsm", {"projectID": PROJECT, "auth": auth, **more}, secrets, cluster=cluster)


def login(store, identity):
    return run(PROVIDER.login(store), Server(identity=identity).answer)


def hosts(ran):
    return [call.url.split("/")[2] for call in ran.calls if isinstance(call, HttpCall)]


class TestKey:
    def test_needs(self):
        assert PROVIDER.needs(parsed("gcpsm", {"projectID": "p", "auth": KEY})) == {"gcp_key": SecretKey("gcp", "key.json", "vault")}

    def test_an_access_token(self):
        ran = login(use(KEY, {"gcp_key": key_file()}), Identity())
        assert isinstance(ran.value, Session) and ran.value.lease_s == 3540
        sdk, call = ran.calls
        assert sdk.name == "gcp.assertion" and sdk.args["scope"] == "https://www.googleapis.com/auth/cloud-platform"
        assert (call.method, call.url, call.name) == ("POST", "https://oauth2.googleapis.com/token", "")

    @pytest.mark.parametrize("text", ["", "x", "[]", "{}", json.dumps({"type": "authorized_user"}), json.dumps({"client_email": "a"})])
    def test_what_is_no_key(self, text):
        ran = run(PROVIDER.login(use(KEY, {"gcp_key": text})))
        assert isinstance(ran.value, Refused)

    def test_a_private_key_that_is_none(self):
        ran = login(use(KEY, {"gcp_key": key_file(private_key=CANARY)}), Identity())
        assert isinstance(ran.value, InvalidSpec) and CANARY not in describe(ran.value)

    def test_an_unknown_key(self):
        ran = login(use(KEY, {"gcp_key": key_file(1)}), Identity())
        assert ran.value == Refused("Google's token endpoint: invalid_grant: Invalid JWT Signature.", session=True)

    def test_a_token_uri_that_is_none(self):
        ran = run(PROVIDER.login(use(KEY, {"gcp_key": key_file(token_uri="file:///etc/passwd")})))
        assert isinstance(ran.value, InvalidSpec)

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (ok({}), Broken),
            (ok(b"x"), Broken),
            (ok({"access_token": ""}), Broken),
            (ok({"error": "internal_failure"}, status=500), Unreachable),
            (ok(b"x", status=503), Unreachable),
            (ok({"error": "slow_down"}, status=429), Throttled),
            (ok({"error": "invalid_grant"}, status=401), Refused),
            (ok({}, status=404), Broken),
            (CallFailed(Unreachable("x")), Unreachable),
        ],
    )
    def test_answers_of_the_endpoint(self, reply, kind):
        ran = run(PROVIDER.login(use(KEY, {"gcp_key": key_file()})), [SdkReply(value="a.b.c"), reply])
        assert isinstance(ran.value, kind)


class TestWorkloadIdentity:
    def auth(self, **more):
        return {"workloadIdentity": {"serviceAccountRef": {"name": "app", "namespace": "apps", "audiences": ["more"]}, **more}}

    def test_needs(self):
        held = PROVIDER.needs(parsed("gcpsm", {"auth": self.auth(clusterProjectID="other"), "projectID": PROJECT}))
        assert held == {
            "gcp_account_token": AccountToken("app", ("other.svc.id.goog", "more"), "apps", 900),
            "gcp_account_notes": AccountNotes("app", "apps"),
        }
        held = PROVIDER.needs(parsed("gcpsm", {"auth": self.auth(), "projectID": PROJECT}))
        assert held["gcp_account_token"].audiences == (POOL, "more")

    def test_directly_with_what_the_metadata_server_knows(self):
        store = use(self.auth(), {"gcp_account_token": TOKEN, "gcp_account_notes": "{}"})
        ran = login(store, Identity(subjects={BOUND: {TOKEN}}))
        assert isinstance(ran.value, Session) and ran.value.lease_s == 3540
        assert hosts(ran) == ["metadata.google.internal", "metadata.google.internal", "securetoken.googleapis.com"]
        assert [call.ambient for call in ran.calls if isinstance(call, HttpCall)] == [True, True, False]

    def test_impersonation(self):
        store = use(self.auth(clusterName="main", clusterLocation="europe-west3"), {"gcp_account_token": TOKEN, "gcp_account_notes": NOTES})
        ran = login(store, Identity(subjects={BOUND: {TOKEN}}))
        assert isinstance(ran.value, Session)
        assert [(call.name, call.provider) for call in ran.calls] == [
            ("GenerateIDBindToken", "GCP/SecretManager"),
            ("GenerateAccessToken", "GCP/SecretManager"),
        ]
        assert ran.calls[1].url.endswith(f"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken")

    def test_an_annotation_cannot_name_another_address(self):
        notes = json.dumps({"iam.gke.io/gcp-service-account": "../../x?a=b#c"})
        store = use(self.auth(clusterName="main", clusterLocation="europe-west3"), {"gcp_account_token": TOKEN, "gcp_account_notes": notes})
        ran = login(store, Identity(subjects={BOUND: {TOKEN}}))
        assert isinstance(ran.value, Refused)
        assert ran.calls[1].url.endswith("/serviceAccounts/..%2F..%2Fx%3Fa%3Db%23c:generateAccessToken")

    def test_may_not_impersonate(self):
        store = use(self.auth(clusterName="main", clusterLocation="europe-west3"), {"gcp_account_token": TOKEN, "gcp_account_notes": NOTES})
        ran = login(store, Identity(subjects={BOUND: {TOKEN}}, impersonators=()))
        assert isinstance(ran.value, Refused) and "getAccessToken" in ran.value.what


class TestFederation:
    def test_needs(self):
        def needs(auth):
            return PROVIDER.needs(parsed("gcpsm", {"projectID": "p", "auth": {"workloadIdentityFederation": auth}}))

        token = AccountToken("app", ("gcp",), "", 900)
        assert needs(FEDERATED) == {"gcp_account_token": token, "gcp_account_notes": AccountNotes("app")}
        assert needs({**FEDERATED, "gcpServiceAccountEmail": EMAIL}) == {"gcp_account_token": token}
        assert needs(AWS) == {"gcp_aws_keys": WholeSecret("aws")}
        assert needs(CONFIGURED) == {"gcp_cred_config": ConfigMapKey("gcp", "config.json")}

    @pytest.mark.parametrize(
        ("auth", "notes"), [(FEDERATED, {"gcp_account_notes": NOTES}), ({**FEDERATED, "gcpServiceAccountEmail": EMAIL}, {})]
    )
    def test_impersonation(self, auth, notes):
        store = use({"workloadIdentityFederation": auth}, {"gcp_account_token": TOKEN, **notes})
        ran = login(store, Identity(subjects={AUDIENCE: {TOKEN}}))
        assert isinstance(ran.value, Session)
        assert hosts(ran) == ["sts.googleapis.com", "iamcredentials.googleapis.com"]

    def test_an_annotation_that_names_another_address(self):
        notes = json.dumps({"iam.gke.io/gcp-service-account": "x@evil.example/"})
        ran = run(PROVIDER.login(use({"workloadIdentityFederation": FEDERATED}, {"gcp_account_token": TOKEN, "gcp_account_notes": notes})))
        assert isinstance(ran.value, InvalidSpec) and ran.calls == []

    def test_an_email_that_is_none(self):
        auth = {"workloadIdentityFederation": {**FEDERATED, "gcpServiceAccountEmail": "a/b@c.iam.gserviceaccount.com"}}
        assert isinstance(parsed("gcpsm", {"projectID": "p", "auth": auth}), InvalidSpec)

    def test_more_than_one_source(self):
        wrong = parsed("gcpsm", {"projectID": "p", "auth": {"workloadIdentityFederation": {**FEDERATED, **CONFIGURED}}})
        assert isinstance(wrong, InvalidSpec) and wrong.what.startswith("exactly one of credConfig")

    def test_aws(self):
        store = use({"workloadIdentityFederation": AWS}, {"gcp_aws_keys": aws_secret("AKIAOLD").decode()})
        assert isinstance(login(store, Identity(aws_keys={"AKIAOLD"})).value, Session)
        assert login(store, Identity()).value == Refused(
            "Google's token exchange: invalid_grant: The given credential is rejected by the attribute condition.", session=True
        )

    @pytest.mark.parametrize("held", ["{}", '{"aws_access_key_id":"QQ=="}', "x"])
    def test_aws_keys_that_are_missing(self, held):
        assert isinstance(run(PROVIDER.login(use({"workloadIdentityFederation": AWS}, {"gcp_aws_keys": held}))).value, Refused)


class TestConfig:
    def store(self, text, **more):
        auth = {"workloadIdentityFederation": {**CONFIGURED, **more}}
        return use(auth, {"gcp_cred_config": text if isinstance(text, str) else text.decode()})

    def test_an_endpoint(self):
        ran = login(
            self.store(config(service_account_impersonation={"token_lifetime_seconds": 600})), Identity(subjects={AUDIENCE: {TOKEN}})
        )
        assert isinstance(ran.value, Session)
        assert [call.url for call in ran.calls] == [SUBJECT_URL, "https://sts.googleapis.com/v1/token"]
        assert not any(call.ambient for call in ran.calls)

    def test_the_store_completes_it(self):
        ran = login(
            self.store(config(audience=""), audience=AUDIENCE, gcpServiceAccountEmail=EMAIL), Identity(subjects={AUDIENCE: {TOKEN}})
        )
        assert isinstance(ran.value, Session) and hosts(ran)[-1] == "iamcredentials.googleapis.com"

    def test_how_long_an_impersonation_is_to_last(self):
        url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
        held = config(service_account_impersonation={"token_lifetime_seconds": 600}, service_account_impersonation_url=url)
        ran = login(self.store(held), Identity(subjects={AUDIENCE: {TOKEN}}))
        assert ran.value.lease_s == 540 and json.loads(ran.calls[-1].body)["lifetime"] == "600s"

    def test_client_credentials(self):
        ran = run(
            PROVIDER.login(self.store(config(client_id="a:b", client_secret="c"))), [ok({"token": "t"}), ok({"access_token": CANARY})]
        )
        assert ran.calls[1].headers["Authorization"] == "Basic YSUzQWI6Yw=="

    @pytest.mark.parametrize("reply", [ok(b""), ok({"token": 1}), ok({}), ok(b"x")])
    def test_an_endpoint_without_a_token(self, reply):
        assert isinstance(run(PROVIDER.login(self.store(config())), [reply]).value, Broken)

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("", "JSON"),
            ("{}", 'type ""'),
            (config(type="service_account"), "service_account"),
            (config(audience=""), "audience"),
            (config(token_url="https://sts.evil.example/v1/token"), "token_url"),
            (config(token_url="https://sts.googleapis.com.evil.example/v1/token"), "token_url"),
            (config(token_url="http://sts.googleapis.com/v1/token"), "token_url"),
            (config(token_url="https://sts.googleapis.com/v1/token?x=y"), "token_url"),
            (config(token_url="", universe_domain="evil.example"), "token_url"),
            (config(service_account_impersonation_url=ELSEWHERE), "impersonation"),
            (config(credential_source=None), "credential_source"),
            (config(credential_source={}), "neither"),
            (config(credential_source={"executable": {"command": "id"}}), "executable"),
            (config(credential_source={"file": "/etc/passwd"}), "file"),
            (config(credential_source={"file": "/var/run/secrets/kubernetes.io/serviceaccount/token"}), "file"),
            (config(credential_source={"url": "http://169.254.169.254/latest"}), "externalTokenEndpoint"),
            (config(credential_source={"url": "https://user@idp.example/"}), "url"),
            (config(credential_source={"url": "gopher://x"}), "url"),
            (config(credential_source={"environment_id": "azure1"}), "environment_id"),
            (config(credential_source={"environment_id": "aws1", "url": "http://evil.example/latest"}), "url"),
        ],
    )  # fmt: skip
    def test_refused(self, text, part):
        ran = run(PROVIDER.login(self.store(text)))
        assert isinstance(ran.value, InvalidSpec) and part in ran.value.what
        assert ran.calls == []

    SOURCE = {
        "environment_id": "aws1",
        "url": f"{IMDS}/meta-data/iam/security-credentials",
        "region_url": f"{IMDS}/meta-data/placement/availability-zone",
        "imdsv2_session_token_url": f"{IMDS}/api/token",
        "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
    }

    def test_an_aws_instance(self):
        keys = {"AccessKeyId": "AKIAOLD", "SecretAccessKey": CANARY, "Token": "session"}
        replies = iter([ok(b"imds"), ok(b"eu-central-1b"), ok(b"role/x"), ok(keys)])
        identity = Identity(aws_keys={"AKIAOLD"})
        server = Server(identity=identity)

        def answer(call):
            return next(replies) if isinstance(call, HttpCall) and call.url.startswith(IMDS) else server.answer(call)

        ran = run(PROVIDER.login(self.store(config(credential_source=self.SOURCE, subject_token_type=AWS_REQUEST))), answer)
        assert isinstance(ran.value, Session)
        put, zone, role, held = (call for call in ran.calls if isinstance(call, HttpCall) and call.url.startswith(IMDS))
        assert (put.method, put.headers) == ("PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "300"})
        assert zone.headers == role.headers == held.headers == {"X-aws-ec2-metadata-token": "imds"}
        assert held.url.endswith("/security-credentials/role%2Fx")
        signed = next(call for call in ran.calls if isinstance(call, SdkCall) and call.name == "gcp.aws_subject_token")
        assert signed.args["region"] == "eu-central-1" and signed.args["session_token"] == "session"

    def test_aws_keys_of_the_environment(self):
        variables = {"AWS_ACCESS_KEY_ID": "AKIAOLD", "AWS_SECRET_ACCESS_KEY": CANARY, "AWS_DEFAULT_REGION": "us-east-1"}
        ran = login(
            self.store(config(credential_source=self.SOURCE, subject_token_type=AWS_REQUEST)),
            Identity(aws_keys={"AKIAOLD"}, variables=variables),
        )
        assert isinstance(ran.value, Session) and hosts(ran) == ["sts.googleapis.com"]


class TestDefaults:
    def store(self, **more):
        return access("gcpsm", more)

    def default(self, held, subject="", **more):
        return Identity(default_file={"json": held if isinstance(held, str) else json.dumps(held), "subject_token": subject}, **more)

    def test_the_metadata_server(self):
        ran = login(self.store(), Identity())
        assert isinstance(ran.value, Session) and ran.value.value.project == PROJECT
        assert all(call.ambient and call.headers == {"Metadata-Flavor": "Google"} for call in ran.calls if isinstance(call, HttpCall))
        assert ran.calls[-1].url.startswith(
            "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token?scopes="
        )

    def test_another_address_of_it(self):
        replies = [SdkReply(value={"GCE_METADATA_HOST": "127.0.0.1:8080"}), ok(b"acme-dev\n"), SdkReply(value={"json": ""})]
        more = [SdkReply(value={"GCE_METADATA_HOST": "127.0.0.1:8080"}), ok({"access_token": "t", "expires_in": 100})]
        ran = run(PROVIDER.login(self.store()), [*replies, *more])
        assert ran.calls[1].url == "http://127.0.0.1:8080/computeMetadata/v1/project/project-id"
        assert ran.value.value.project == "acme-dev" and ran.value.lease_s == 50

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [(ok(b"../x"), Broken), (ok(b"<html>"), Broken), (ok(b"", status=404), Missing), (ok(b"", status=403), Refused),
         (CallFailed(Unreachable("no route")), Unreachable)],
    )  # fmt: skip
    def test_no_project(self, reply, kind):
        assert isinstance(run(PROVIDER.login(self.store()), [SdkReply(value={}), reply]).value, kind)

    def test_a_key_file(self):
        ran = login(self.store(projectID=PROJECT), self.default(key_file()))
        assert isinstance(ran.value, Session) and hosts(ran) == ["oauth2.googleapis.com"]

    USER = {"type": "authorized_user", "client_id": "gcloud", "client_secret": "hush", "refresh_token": "1//refresh"}

    def test_a_user(self):
        assert isinstance(login(self.store(projectID=PROJECT), self.default(self.USER)).value, Session)
        wrong = self.default({**self.USER, "refresh_token": "other"})
        assert isinstance(login(self.store(projectID=PROJECT), wrong).value, Refused)

    def test_a_user_who_impersonates(self):
        url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
        held = {"type": "impersonated_service_account", "service_account_impersonation_url": url, "source_credentials": self.USER}
        ran = login(self.store(projectID=PROJECT), self.default(held))
        assert isinstance(ran.value, Session) and hosts(ran) == ["oauth2.googleapis.com", "iamcredentials.googleapis.com"]
        nested = self.default({**held, "source_credentials": held})
        assert isinstance(login(self.store(projectID=PROJECT), nested).value, InvalidSpec)

    def test_an_external_account_of_a_file(self):
        held = config(credential_source={"file": "/var/run/token"}).decode()
        ran = login(self.store(projectID=PROJECT), self.default(held, TOKEN, subjects={AUDIENCE: {TOKEN}}))
        assert isinstance(ran.value, Session) and hosts(ran) == ["sts.googleapis.com"]

    def test_an_external_account_of_an_endpoint_is_the_operators_surroundings(self):
        ran = login(self.store(projectID=PROJECT), self.default(config().decode(), subjects={AUDIENCE: {TOKEN}}))
        assert isinstance(ran.value, Session)
        assert next(call for call in ran.calls if isinstance(call, HttpCall)).ambient

    @pytest.mark.parametrize("text", ["{}", "x", '{"type":"gdch_service_account"}', '{"type":"external_account"}'])
    def test_files_that_cannot_be_used(self, text):
        assert isinstance(login(self.store(projectID=PROJECT), self.default(text)).value, InvalidSpec | Broken)


class TestForOthers:
    """What other providers and generators use of the login."""

    def of(self, auth):
        held = gcp_login.parse_auth(Auth.model_validate(auth) if auth is not None else None, "spec.auth", "proj")
        assert isinstance(held, Success)
        return held.unwrap()

    def test_identity_tokens(self):
        identity = Server(identity=Identity()).answer
        key = use(KEY, {"gcp_key": key_file()})
        assert run(gcp_login.identity_token(key, self.of(KEY), "vault/x"), identity).value == Token("id-for-vault/x")
        nobody = access("gcpsm", {"projectID": "p"})
        assert run(gcp_login.identity_token(nobody, self.of(None), "akeyless.io"), identity).value == Token("id-for-akeyless.io")
        federated = self.of({"workloadIdentityFederation": FEDERATED})
        assert isinstance(run(gcp_login.identity_token(nobody, federated, "x")).value, InvalidSpec)

    def test_the_account(self):
        assert gcp_login.account_email(use(KEY, {"gcp_key": key_file()}), self.of(KEY)) == EMAIL
        workload = {"workloadIdentity": {"serviceAccountRef": {"name": "x"}}}
        held = use(workload, {"gcp_account_token": "t", "gcp_account_notes": NOTES})
        assert gcp_login.account_email(held, self.of(workload)) == EMAIL
        assert gcp_login.account_email(access("gcpsm", {"projectID": "p"}), self.of(None)) == ""

    def test_faults_name_the_field_of_the_caller(self):
        wrong = gcp_login.parse_auth(Auth.model_validate({"secretRef": {}}), "spec.provider.vault.auth.gcp").failure()
        assert wrong.path.startswith("spec.provider.vault.auth.gcp.secretRef")


def test_tokens_are_not_shown():
    ran = login(use(KEY, {"gcp_key": key_file()}), Identity())
    assert "ya29" not in repr(ran.value) + repr(ran.value.value) + repr(Token("ya29.x"))
