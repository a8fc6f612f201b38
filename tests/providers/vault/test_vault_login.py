"""Stores, logins and validation of Vault."""

from __future__ import annotations

import base64

import pytest

from eso_core.door import ConfigMapKey, Entries, Found, Get, Probe, SecretKey, Session
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers._vault.store import Ticket
from eso_core.wire import CallFailed
from tests.providers.scripts import CANARY, access, ask, failure, ok, one, parsed, provider, run

TOKEN = {"auth": {"tokenSecretRef": {"name": "t", "key": "k"}}}
V2 = {"server": "https://vault.example:8200", "path": "secret", **TOKEN}
ROLE = {**V2, "auth": {"appRole": {"path": "approle", "roleId": " role ", "secretRef": {"name": "s", "key": "id"}}}}
LOGGED_IN = ok({"auth": {"client_token": "hvs.x", "lease_duration": 3600, "renewable": True}})
KEY = Get(key="app/db")


def store(spec=V2):
    return access("vault", spec, {"token": CANARY})


def kv2(data):
    return ok({"data": {"data": data, "metadata": {"version": 1}}})


PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def b64(text):
    return base64.b64encode(text.encode()).decode()


class TestLogin:
    @pytest.mark.parametrize(("told", "what"), [(f"no secret id {CANARY}", "status 400"), ("no role my-role-id", "no role my-role-id")])
    def test_an_error_that_repeats_a_credential_is_not_told(self, told, what):
        use = access("vault", ROLE, {"secret_id": CANARY})
        refused = run(provider("vault").login(use), [ok({"errors": [told]}, 400)]).value
        assert refused == Refused(f"Vault PUT https://vault.example:8200/v1/auth/approle/login: {what}", session=True)

    def test_a_token_is_used_as_it_is(self):
        assert run(provider("vault").login(store())).value == Session(value=Ticket(CANARY))

    def test_no_auth_sends_no_token(self):
        use = access("vault", {"server": "https://vault.example", "path": "secret"})
        assert "X-Vault-Token" not in ask("vault", use, KEY, replies=[kv2({})]).calls[0].headers

    def test_app_role(self):
        use = access("vault", ROLE, {"secret_id": f"{CANARY}\n"})
        ran = run(provider("vault").login(use), [LOGGED_IN])
        assert ran.value == Session(value=Ticket("hvs.x"), lease_s=3600)
        [call] = ran.calls
        assert (call.method, call.url, call.name) == ("PUT", "https://vault.example:8200/v1/auth/approle/login", "Login")
        assert call.body == b'{"role_id":"role","secret_id":"%s"}' % CANARY.encode()
        assert "X-Vault-Token" not in call.headers

    def test_a_role_id_from_a_secret(self):
        spec = {
            **V2,
            "auth": {"appRole": {"path": "custom", "roleRef": {"name": "r", "key": "id"}, "secretRef": {"name": "s", "key": "id"}}},
        }
        use = access("vault", spec, {"role_id": "r1", "secret_id": "s1"})
        [call] = run(provider("vault").login(use), [LOGGED_IN]).calls
        assert call.body == b'{"role_id":"r1","secret_id":"s1"}'
        assert call.url.endswith("/v1/auth/custom/login")

    def test_a_token_without_end(self):
        use = access("vault", ROLE, {"secret_id": "x"})
        assert run(provider("vault").login(use), [ok({"auth": {"client_token": "t", "lease_duration": 0}})]).value.lease_s is None

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (ok({"errors": ["invalid role or secret ID"]}, 400), Refused),
            (ok({"errors": ["invalid secret id"]}, 400), Refused),
            (ok({"errors": ["permission denied"]}, 403), Refused),
            (ok({"errors": ['no handler for route "auth/approle/login"']}, 404), Missing),
            (ok({"errors": ["entry for role reader not found"]}, 400), Refused),
            (ok({"errors": ["service account name not authorized"]}, 500), Refused),
            (ok({"errors": ["sealed"]}, 503), Unreachable),
            (ok({"errors": ["internal error"]}, 500), Unreachable),
            (ok({}, 429), Throttled),
            (ok(b"?", 200), Broken),
            (ok({"auth": None}), Broken),
            (ok({"auth": {"client_token": ""}}), Broken),
            (CallFailed(Unreachable("x")), Unreachable),
        ],
    )
    def test_failures(self, reply, kind):
        got = run(provider("vault").login(access("vault", ROLE, {"secret_id": CANARY})), [reply]).value
        assert isinstance(got, kind)
        assert CANARY not in repr(got)

    def test_namespaces(self):
        spec = {**ROLE, "namespace": "team/a", "auth": {**ROLE["auth"], "namespace": "team"}}
        use = access("vault", spec, {"secret_id": "x"})
        assert run(provider("vault").login(use), [LOGGED_IN]).calls[0].headers["X-Vault-Namespace"] == "team"
        assert ask("vault", use, KEY, replies=[kv2({})], login=[LOGGED_IN]).calls[0].headers["X-Vault-Namespace"] == "team/a"

    def test_headers(self):
        use = store({**V2, "headers": {"X-Team": "a"}, "readYourWrites": True, "forwardInconsistent": True})
        headers = ask("vault", use, KEY, replies=[kv2({})]).calls[0].headers
        assert headers["X-Team"] == "a"
        assert headers["X-Vault-Inconsistent"] == "forward-active-node"
        assert headers["X-Vault-Request"] == "true"


class TestProbe:
    def test_a_known_token(self):
        ran = ask("vault", store(), Probe(), replies=[ok({"data": {"type": "service", "ttl": 0, "expire_time": None}})])
        assert ran.value[Probe()] == Found(Entries({}))
        assert ran.calls[0].url.endswith("/v1/auth/token/lookup-self")

    def test_an_unknown_token(self):
        answer = one("vault", store(), Probe(), ok({"errors": ["permission denied"]}, 403))
        assert isinstance(failure(answer), Refused)
        assert not answer.unsure

    @pytest.mark.parametrize("reply", [ok({}), ok(b""), ok({"data": {}}), ok([])])
    def test_nonsense(self, reply):
        assert isinstance(failure(one("vault", store(), Probe(), reply)), Broken)


class TestParsing:
    def test_needs(self):
        spec = {
            **ROLE,
            "tls": {"certSecretRef": {"name": "c", "key": "crt"}, "keySecretRef": {"name": "c", "key": "key"}},
            "caProvider": {"type": "ConfigMap", "name": "ca", "key": "ca.crt"},
        }
        assert provider("vault").needs(parsed("vault", spec)) == {
            "secret_id": SecretKey("s", "id"),
            "tls_cert": SecretKey("c", "crt"),
            "tls_key": SecretKey("c", "key"),
            "ca": ConfigMapKey("ca", "ca.crt"),
        }

    @pytest.mark.parametrize("bundle", [b64(PEM), b64(b64(PEM))])
    def test_a_bundle_wins_over_a_provider(self, bundle):
        use = store({**V2, "caBundle": bundle, "caProvider": {"type": "Secret", "name": "ca", "key": "x"}})
        [call] = ask("vault", use, KEY, replies=[kv2({})]).calls
        assert call.tls.ca_pem == PEM.encode()
        assert set(provider("vault").needs(use.spec)) == {"token"}

    def test_material_of_secrets(self):
        spec = {
            **V2,
            "tls": {"certSecretRef": {"name": "c", "key": "crt"}, "keySecretRef": {"name": "c", "key": "key"}},
            "caProvider": {"type": "Secret", "name": "ca", "key": "ca.crt"},
        }
        use = access("vault", spec, {"token": "t", "ca": PEM, "tls_cert": "C", "tls_key": CANARY})
        [call] = ask("vault", use, KEY, replies=[kv2({})]).calls
        assert (call.tls.ca_pem, call.tls.cert_pem, call.tls.key_pem) == (PEM.encode(), b"C", CANARY.encode())

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"server": "vault.example"}, "https://"),
            ({"server": "https://u:p@vault.example"}, "user name"),
            ({"server": "https://vault:port"}, "URL"),
            ({"auth": {}}, "no valid auth method"),
            ({"auth": {"kubernetes": {"role": "", "mountPath": "k"}}}, "no role name"),
            ({"auth": {"userPass": {"username": "u"}}}, "a password is needed"),
            ({"auth": {"ldap": {"username": " ", "secretRef": {"name": "s", "key": "k"}}}}, "no user name"),
            ({"auth": {"jwt": {"role": "r"}}}, "neither `secretRef` nor"),
            ({"auth": {**TOKEN["auth"], "jwt": {"role": "r"}}}, "neither `secretRef` nor"),
            ({"auth": {**TOKEN["auth"], "appRole": {"secretRef": {"name": "s"}}}}, "neither `roleId` nor `roleRef`"),
            ({"auth": {"cert": {"secretRef": {"name": "s", "key": "k"}}}}, "must both be given"),
            ({"auth": {"iam": {"vaultRole": "r", "jwt": {}}}}, "a ServiceAccount is needed"),
            ({"auth": {"iam": {"vaultRole": "r", "secretRef": {"accessKeyIDSecretRef": {"name": "s"}}}}}, "must both be given"),
            ({"auth": {"gcp": {"role": "r", "secretRef": {}}}}, "must be given"),
            ({"auth": {"gcp": {"role": "r", "workloadIdentity": {"serviceAccountRef": {"name": "a"}}}}}, "where projectID is not"),
            ({"auth": {"userPass": {"username": "../x", "secretRef": {"name": "s", "key": "k"}}}}, ".."),
            ({"auth": {"appRole": {"path": "a/../../sys", "roleId": "r", "secretRef": {"name": "s", "key": "k"}}}}, ".."),
            ({"path": "secret/../sys"}, ".."),
            ({"auth": {"appRole": {"secretRef": {"name": "s"}}}}, "neither `roleId` nor `roleRef`"),
            ({"tls": {"certSecretRef": {"name": "c", "key": "k"}}}, "together"),
            ({"caBundle": b64("nonsense")}, "caBundle"),
            ({"version": "v1", "checkAndSet": {"required": True}}, "checkAndSet"),
            ({"caProvider": {"type": "Secret", "name": "n", "key": "k", "namespace": "other"}}, "namespace"),
        ],
    )
    def test_unusable(self, change, text):
        wrong = parsed("vault", {**V2, **change})
        assert isinstance(wrong, InvalidSpec)
        assert text in wrong.what

    def test_a_cluster_store_names_the_namespace_of_its_ca(self):
        spec = {**V2, "caProvider": {"type": "Secret", "name": "n", "key": "k"}}
        assert parsed("vault", spec, cluster=True).what == "missing namespace on caProvider secret"
        named = parsed("vault", {**spec, "caProvider": {**spec["caProvider"], "namespace": "x"}}, cluster=True)
        assert provider("vault").needs(named)["ca"] == SecretKey("n", "k", "x")

    def test_the_first_method_counts(self):
        spec = {**V2, "auth": {**TOKEN["auth"], "kubernetes": {"role": "r", "mountPath": "k"}}}
        assert set(provider("vault").needs(parsed("vault", spec))) == {"token"}
