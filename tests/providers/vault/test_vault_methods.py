"""What each login of Vault sends, and what it needs."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from returns.result import Failure as Wrong

from eso_core.door import AccountNotes, AccountToken, Find, Get, SecretKey, Session
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Unreachable
from eso_core.providers._vault.store import Ticket, later
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, HttpCall, HttpReply, SdkCall, SdkReply
from tests.providers.scripts import CANARY, access, ask, ok, parsed, provider, run

BASE = {"server": "https://vault.example:8200", "path": "secret"}
LOGGED_IN = ok({"auth": {"client_token": "hvs.x", "lease_duration": 60}})
SECRET = {"name": "s", "key": "k"}
ACCOUNT = {"name": "app", "audiences": ["mine"]}


def use(auth, secrets=None, **how):
    """A store with this login, and what it needs and then needs besides."""
    spec = {**BASE, "auth": auth}
    held = access("vault", spec, {slot: text for slot, text in (secrets or {}).items() if slot != "web_identity"}, **how)
    if secrets and "web_identity" in secrets:
        held.secrets["web_identity"] = SecretBytes(secrets["web_identity"].encode())
    return held


def log_in(held, *replies):
    ran = run(provider("vault").login(held), replies)
    return ran.value, ran.calls


def needs(auth, **how):
    return provider("vault").needs(parsed("vault", {**BASE, "auth": auth}, **how))


def sent(call):
    assert call.method == "PUT"
    assert "X-Vault-Token" not in call.headers
    return call.url.removeprefix("https://vault.example:8200/v1/"), orjson.loads(call.body)


class TestKubernetes:
    AUTH = {"kubernetes": {"mountPath": "k8s/eu", "role": "r"}}

    def auth(self, **more):
        return {"kubernetes": {**self.AUTH["kubernetes"], **more}}

    def test_a_token_is_requested_for_ten_minutes(self):
        assert needs(self.auth(serviceAccountRef=ACCOUNT, secretRef=SECRET)) == {"jwt": AccountToken("app", ("mine",), "", 600)}

    def test_in_a_cluster_store_the_namespace_counts(self):
        auth = self.auth(serviceAccountRef={**ACCOUNT, "namespace": "x"})
        assert needs(auth, cluster=True)["jwt"].namespace == "x"

    @pytest.mark.parametrize(("key", "read"), [("", "token"), ("jwt", "jwt")])
    def test_a_token_of_a_secret(self, key, read):
        assert needs(self.auth(secretRef={"name": "s", "key": key})) == {"jwt": SecretKey("s", read)}

    def test_login(self):
        session, [call] = log_in(use(self.auth(serviceAccountRef=ACCOUNT), {"jwt": f"{CANARY}\n"}), LOGGED_IN)
        assert session == Session(value=Ticket("hvs.x"), lease_s=60)
        assert sent(call) == ("auth/k8s/eu/login", {"role": "r", "jwt": CANARY})
        assert call.name == "Login"

    def test_the_operators_own_token(self):
        assert needs(self.AUTH) == {}
        _, calls = log_in(use(self.AUTH), SdkReply(value="own"), LOGGED_IN)
        assert calls[0] == SdkCall(name="ambient.service_account_token")
        assert sent(calls[1])[1]["jwt"] == "own"

    @pytest.mark.parametrize("reply", [CallFailed(Missing("no file")), SdkReply(value=None)])
    def test_no_own_token(self, reply):
        session, calls = log_in(use(self.AUTH), reply)
        assert isinstance(session, Missing | Broken)
        assert len(calls) == 1


class TestJwt:
    def test_a_token_for_vault(self):
        auth = {"jwt": {"path": "jwt", "role": " r ", "kubernetesServiceAccountToken": {"serviceAccountRef": ACCOUNT}}}
        assert needs(auth) == {"jwt": AccountToken("app", ("mine", "vault"), "", 600)}
        _, [call] = log_in(use(auth, {"jwt": "t"}), LOGGED_IN)
        assert sent(call) == ("auth/jwt/login", {"role": "r", "jwt": "t"})
        assert call.name == "WriteSecretData"

    def test_audiences_and_duration(self):
        source = {"serviceAccountRef": {"name": "app"}, "audiences": ["a", "b"], "expirationSeconds": 1200}
        assert needs({"jwt": {"kubernetesServiceAccountToken": source}}) == {"jwt": AccountToken("app", ("a", "b"), "", 1200)}

    def test_a_secret_wins(self):
        auth = {"jwt": {"secretRef": SECRET, "kubernetesServiceAccountToken": {"serviceAccountRef": ACCOUNT}}}
        assert needs(auth) == {"jwt": SecretKey("s", "k")}


class TestPassword:
    @pytest.mark.parametrize(("name", "mount"), [("ldap", "ldap"), ("userPass", "userpass")])
    def test_login(self, name, mount):
        auth = {name: {"path": mount, "username": " al ice/x? ", "secretRef": SECRET}}
        assert needs(auth) == {"password": SecretKey("s", "k")}
        _, [call] = log_in(use(auth, {"password": CANARY}), LOGGED_IN)
        assert sent(call) == (f"auth/{mount}/login/al%20ice/x%3F", {"password": CANARY})

    def test_a_refusal(self):
        auth = {"userPass": {"username": "a", "secretRef": SECRET}}
        session, _ = log_in(use(auth, {"password": CANARY}), ok({"errors": ["invalid username or password"]}, 400))
        assert session == Refused(
            "Vault PUT https://vault.example:8200/v1/auth/userpass/login/a: invalid username or password", session=True
        )


class TestCert:
    AUTH = {"cert": {"path": "", "clientCert": {"name": "c", "key": "crt"}, "secretRef": {"name": "c", "key": "key"}, "vaultRole": "web"}}
    HELD = {"tls_cert": "CERT", "tls_key": CANARY}

    def test_the_certificate_is_shown_to_the_login_and_to_all_that_follows(self):
        assert needs(self.AUTH) == {"tls_cert": SecretKey("c", "crt"), "tls_key": SecretKey("c", "key")}
        held = use(self.AUTH, self.HELD)
        _, [call] = log_in(held, LOGGED_IN)
        assert sent(call) == ("auth/cert/login", {"name": "web"})
        assert (call.tls.cert_pem, call.tls.key_pem) == (b"CERT", CANARY.encode())
        [read] = ask("vault", held, Get(key="x"), replies=[ok({"data": {"data": {}}})], login=[LOGGED_IN]).calls
        assert read.tls == call.tls

    def test_it_wins_over_that_of_the_connection(self):
        spec = {**BASE, "auth": self.AUTH, "tls": {"certSecretRef": SECRET, "keySecretRef": SECRET}}
        assert provider("vault").needs(parsed("vault", spec))["tls_key"] == SecretKey("c", "key")

    def test_without_a_role(self):
        auth = {"cert": {**self.AUTH["cert"], "vaultRole": "", "path": "tls"}}
        assert sent(log_in(use(auth, self.HELD), LOGGED_IN)[1][0]) == ("auth/tls/login", {})

    def test_keys_of_a_tls_secret_are_the_default(self):
        spec = {**BASE, "tls": {"certSecretRef": {"name": "c"}, "keySecretRef": {"name": "c"}}}
        assert provider("vault").needs(parsed("vault", spec)) == {
            "tls_cert": SecretKey("c", "tls.crt"), "tls_key": SecretKey("c", "tls.key"),
        }  # fmt: skip


class TestIam:
    KEYS = {"secretRef": {"accessKeyIDSecretRef": {"name": "a", "key": "id"}, "secretAccessKeySecretRef": {"name": "a", "key": "key"}}}
    SIGNED = {
        "method": "POST",
        "url": "https://sts.amazonaws.com/",
        "headers": {"Host": "sts.amazonaws.com", "Authorization": "AWS4-HMAC-SHA256 x"},
        "body": "Action=GetCallerIdentity&Version=2011-06-15",
    }

    def login(self, iam, secrets=None):
        return log_in(use({"iam": {"vaultRole": "r", **iam}}, secrets), SdkReply(value=self.SIGNED), LOGGED_IN)[1]

    def test_the_signed_request_is_passed_on(self):
        identity, call = self.login(self.KEYS, {"access_key": "AKIA", "secret_key": CANARY})
        path, body = sent(call)
        assert path == "auth/aws/login"
        assert body == {
            "iam_http_request_method": "POST",
            "iam_request_url": base64.b64encode(b"https://sts.amazonaws.com/").decode(),
            "iam_request_body": base64.b64encode(b"Action=GetCallerIdentity&Version=2011-06-15").decode(),
            "iam_request_headers": base64.b64encode(
                b'{"Host":["sts.amazonaws.com"],"Authorization":["AWS4-HMAC-SHA256 x"]}'
            ).decode(),
            "role": "r",
        }  # fmt: skip
        assert identity.name == "aws.caller_identity"
        assert identity.args == {
            "region": "us-east-1",
            "access_key": "AKIA",
            "secret_key": CANARY,
            "session_token": "",
            "endpoint": "https://sts.amazonaws.com",
        }

    def test_a_role_an_external_id_a_server_id_and_another_region(self):
        iam = {"path": "aws-eu", "region": "eu-central-1", "role": "arn:r", "externalID": "e", "vaultAwsIamServerID": "vault.example"}
        identity, call = self.login(iam)
        assert identity.args == {
            "region": "eu-central-1",
            "roles": [{"arn": "arn:r", "external_id": "e", "session": "external-secrets-provider-vault"}],
            "headers": {"X-Vault-AWS-IAM-Server-ID": "vault.example"},
        }
        assert sent(call)[0] == "auth/aws-eu/login"

    def test_a_service_account(self):
        auth = {"iam": {"vaultRole": "r", "jwt": {"serviceAccountRef": ACCOUNT}, **self.KEYS}}
        assert needs(auth) == {"notes": AccountNotes("app")}
        form = parsed("vault", {**BASE, "auth": auth})
        notes = {"eks.amazonaws.com/role-arn": "arn:acc", "eks.amazonaws.com/audience": "aud"}
        more = provider("vault").more_needs(form, {"notes": SecretBytes(orjson.dumps(notes))})
        assert more.unwrap() == {"web_identity": AccountToken("app", ("aud", "mine"))}
        del notes["eks.amazonaws.com/audience"]
        more = provider("vault").more_needs(form, {"notes": SecretBytes(orjson.dumps(notes))})
        assert more.unwrap()["web_identity"].audiences == ("sts.amazonaws.com", "mine")
        held = use(auth, {"notes": orjson.dumps(notes).decode(), "web_identity": CANARY})
        _, calls = log_in(held, SdkReply(value=self.SIGNED), LOGGED_IN)
        assert calls[0].args["web_identity"] == {"token": CANARY, "role_arn": "arn:acc", "session": "external-secrets-provider-vault"}
        assert "access_key" not in calls[0].args

    def test_a_service_account_without_a_role(self):
        form = parsed("vault", {**BASE, "auth": {"iam": {"vaultRole": "r", "jwt": {"serviceAccountRef": ACCOUNT}}}})
        more = provider("vault").more_needs(form, {"notes": SecretBytes(b"{}")})
        assert isinstance(more, Wrong)
        assert "eks.amazonaws.com/role-arn" in more.failure().what

    @pytest.mark.parametrize("value", [None, {}, {**SIGNED, "headers": None}, {**SIGNED, "url": 1}])
    def test_half_a_signed_request(self, value):
        session, calls = log_in(use({"iam": {"vaultRole": "r"}}), SdkReply(value=value))
        assert isinstance(session, Broken)
        assert len(calls) == 1

    def test_aws_says_no(self):
        session, _ = log_in(use({"iam": {"vaultRole": "r"}}), CallFailed(Refused("AWS: no")))
        assert session == Refused("AWS: no")


class TestGoogle:
    KEY = {"secretRef": {"secretAccessKeySecretRef": SECRET}}
    WORKLOAD = {"workloadIdentity": {"serviceAccountRef": ACCOUNT, "clusterLocation": "eu", "clusterName": "c"}, "projectID": "p"}
    EMAIL = "eso@p.iam.gserviceaccount.com"

    def test_a_key_signs_for_the_role(self):
        auth = {"gcp": {"role": "r", **self.KEY}}
        assert needs(auth) == {"gcp_key": SecretKey("s", "k")}
        _, calls = log_in(use(auth, {"gcp_key": CANARY}), SdkReply(value="signed"), LOGGED_IN)
        assert calls[0].name == "gcp.assertion"
        assert calls[0].args == {"key": CANARY, "audience": "vault/r", "subject": "", "seconds": 600}
        assert sent(calls[1]) == ("auth/gcp/login", {"role": "r", "jwt": "signed"})

    def workload(self, signed):
        auth = {"gcp": {"role": "r", "path": "google", **self.WORKLOAD}}
        notes = orjson.dumps({"iam.gke.io/gcp-service-account": self.EMAIL}).decode()
        replies = [SdkReply(value=1000.5), ok({"access_token": "bound"}), ok({"accessToken": "impersonated"}), *signed]
        return log_in(use(auth, {"gcp_account_token": "k", "gcp_account_notes": notes}), *replies)

    def test_google_signs_for_a_workload_identity(self):
        _, calls = self.workload([ok({"keyId": "1", "signedJwt": "signed"}), LOGGED_IN])
        assert calls[3].url == "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/eso@p.iam.gserviceaccount.com:signJwt"
        assert calls[3].headers["Authorization"] == "Bearer impersonated"
        claims = {"aud": "vault/r", "sub": self.EMAIL, "exp": 1600}
        assert orjson.loads(orjson.loads(calls[3].body)["payload"]) == claims
        assert sent(calls[4]) == ("auth/google/login", {"role": "r", "jwt": "signed"})

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (ok({}, 403), Refused),
            (ok({}, 503), Unreachable),
            (ok({"signedJwt": 1}), Broken),
            (ok({}, 404), Broken),
            (CallFailed(Unreachable("x")), Unreachable),
        ],
    )
    def test_google_does_not_sign(self, reply, kind):
        assert isinstance(self.workload([reply])[0], kind)

    def test_a_workload_identity_without_a_google_account(self):
        auth = {"gcp": {"role": "r", **self.WORKLOAD}}
        session, calls = log_in(use(auth, {"gcp_account_token": "k", "gcp_account_notes": "{}"}))
        assert isinstance(session, InvalidSpec)
        assert calls == []

    @pytest.mark.parametrize("more", [{}, {"serviceAccountRef": ACCOUNT}])
    def test_the_instance_itself(self, more):
        auth = {"gcp": {"role": "r", **more}}
        assert needs(auth) == {}
        token = HttpReply(status=200, body=b"identity")
        _, calls = log_in(use(auth), SdkReply(value={}), token, LOGGED_IN)
        assert isinstance(calls[1], HttpCall)
        assert calls[1].url.startswith("http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity?")
        assert calls[1].headers["Metadata-Flavor"] == "Google"
        query = parse_qs(urlsplit(calls[1].url).query)
        assert query == {"audience": ["https://vault.example:8200/vault/r"], "format": ["full"]}
        assert sent(calls[2])[1]["jwt"] == "identity"


class TestOrder:
    ALL = {
        "tokenSecretRef": SECRET,
        "appRole": {"roleId": "r", "secretRef": SECRET},
        "kubernetes": {"role": "r", "secretRef": SECRET},
        "ldap": {"username": "u", "secretRef": SECRET},
        "userPass": {"username": "u", "secretRef": SECRET},
        "jwt": {"secretRef": SECRET},
        "cert": {"clientCert": SECRET, "secretRef": SECRET},
        "iam": {"vaultRole": "r"},
        "gcp": {"role": "r"},
    }
    KINDS = ["Token", "AppRole", "Jwt", "Password", "Password", "Jwt", "Cert", "Iam", "Gcp"]

    def test_the_first_that_is_set(self):
        left = dict(self.ALL)
        mounts = []
        for name, kind in zip(self.ALL, self.KINDS, strict=True):
            login = parsed("vault", {**BASE, "auth": left}).login
            assert type(login).__name__ == kind
            mounts.append(getattr(login, "mount", ""))
            del left[name]
        assert mounts == ["", "approle", "kubernetes", "ldap", "userpass", "jwt", "cert", "aws", "gcp"]


def state(cluster, local, replicated):
    return base64.b64encode(f"v1:{cluster}:{local}:{replicated}:sig".encode()).decode()


class TestReadYourWrites:
    SPEC = {**BASE, "auth": {"appRole": {"roleId": "r", "secretRef": SECRET}}, "readYourWrites": True}

    def test_later_calls_ask_for_what_earlier_ones_saw(self):
        held = access("vault", self.SPEC, {"secret_id": "s"})
        first, second = state("c", 1, 1), state("c", 2, 2)
        login = ok({"auth": {"client_token": "t"}}, **{"x-vault-index": first})
        session = run(provider("vault").login(held), [login]).value
        assert session.value == Ticket("t", first)
        replies = [ok({"data": {"keys": ["a", "b"]}}, **{"x-vault-index": second}), *[ok({"data": {"data": {}}})] * 2]
        calls = run(provider("vault").fetch(held, session, (Find(name="."),)), replies).calls
        assert [call.headers["X-Vault-Index"] for call in calls] == [first, second, second]

    def test_not_unless_it_is_asked_for(self):
        held = access("vault", {**self.SPEC, "readYourWrites": False}, {"secret_id": "s"})
        login = ok({"auth": {"client_token": "t"}}, **{"x-vault-index": state("c", 1, 1)})
        calls = ask("vault", held, Get(key="x"), replies=[ok({"data": {"data": {}}})], login=[login]).calls
        assert not {"X-Vault-Inconsistent", "X-Vault-Index"} & set(calls[0].headers)
        reading = access("vault", {**self.SPEC, "readYourWrites": False, "forwardInconsistent": True}, {"secret_id": "s"})
        calls = ask("vault", reading, Get(key="x"), replies=[ok({"data": {"data": {}}})], login=[login]).calls
        assert calls[0].headers["X-Vault-Index"] == state("c", 1, 1)
        assert "X-Vault-Inconsistent" not in calls[0].headers

    @pytest.mark.parametrize(
        ("old", "new", "kept"),
        [
            (state("c", 1, 1), state("c", 2, 1), "new"),
            (state("c", 2, 1), state("c", 1, 1), "old"),
            (state("c", 2, 1), state("c", 1, 2), "new"),
            (state("c", 2, 2), state("d", 1, 1), "new"),
            ("", state("c", 1, 1), "new"),
            (state("c", 1, 1), "", "old"),
            (state("c", 1, 1), "nonsense", "new"),
            (state("c", 1, 1), base64.b64encode(b"v2:x").decode(), "new"),
        ],
    )
    def test_the_further_state(self, old, new, kept):
        assert later(old, new) == (new if kept == "new" else old)
