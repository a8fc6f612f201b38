"""What the suite cannot know of Infisical: exact requests, each login's body, and what the reference does oddly."""

from __future__ import annotations

import base64
from functools import partial

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from eso_core.door import Absent, Delete, Done, Entries, Exists, Failed, Find, Found, Get, Probe, Push, SecretKey, Session, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers.infisical.oci import Signer, http_date, signed_headers
from eso_core.secret import SecretBytes
from eso_core.template.pki import der, passwords
from eso_core.wire import CallFailed, HttpCall, SdkCall, SdkReply
from tests.providers.infisical.case import GOOGLE_KEY, OCI, spec
from tests.providers.infisical.server import ENVIRONMENT, HOST, IDENTITY, NOW, PROJECT, PROJECT_ID, Infisical, error
from tests.providers.scripts import CANARY, access, ask, failure, ok, one, parsed, plain, provider, run, session

KEY = "infisical"
UNIVERSAL = spec("universalAuthCredentials", "clientId", "clientSecret")
TOKEN = spec("tokenAuthCredentials", "accessToken")
LOGGED_IN = ok({"accessToken": "granted", "expiresIn": 7200, "accessTokenMaxTTL": 43200, "tokenType": "Bearer"})
SCOPE = f"workspaceSlug={PROJECT}&environment={ENVIRONMENT}"


def store(**scope):
    return access(KEY, spec("tokenAuthCredentials", "accessToken", **scope), {"access_token": CANARY})


def secret(name="A", value="v", **more):
    return {"secretKey": name, "secretValue": value, "workspace": PROJECT_ID, "secretPath": "/", **more}


def logged_in(method, secrets, replies, *slots, **scope):
    use = access(KEY, spec(method, *slots, **scope), secrets)
    return run(provider(KEY).login(use), replies)


class TestParsing:
    def test_the_address_ends_in_api_once(self):
        urls = ("https://a.example", "https://a.example/", "https://a.example/api", "https://a.example/api/")
        assert {parsed(KEY, {**TOKEN, "hostAPI": url}).api for url in urls} == {"https://a.example/api"}
        assert parsed(KEY, {name: TOKEN[name] for name in ("auth", "secretsScope")}).api == "https://app.infisical.com/api"

    @pytest.mark.parametrize("url", ["ftp://a", "https://u:p@a.example", "https://a.example/?x=1", "nothing"])
    def test_an_address_that_is_none(self, url):
        assert parsed(KEY, {**TOKEN, "hostAPI": url}).path == "spec.provider.infisical.hostAPI"

    @pytest.mark.parametrize("scope", [{"projectSlug": ""}, {"environmentSlug": ""}])
    def test_a_scope_must_be_complete(self, scope):
        wrong = parsed(KEY, {**TOKEN, "secretsScope": {**TOKEN["secretsScope"], **scope}})
        assert wrong.path == "spec.provider.infisical.secretsScope"

    def test_no_method(self):
        assert parsed(KEY, {**TOKEN, "auth": {}}) == InvalidSpec("authentication method not found", "spec.provider.infisical.auth")

    def test_a_selector_without_key(self):
        auth = {"jwtAuthCredentials": {"identityId": {"name": "a", "key": "b"}, "jwt": {"name": "a"}}}
        wrong = parsed(KEY, {**TOKEN, "auth": auth})
        assert wrong.path == "spec.provider.infisical.auth.jwtAuthCredentials.jwt"

    def test_the_first_method_counts_and_names_its_secrets(self):
        both = {**UNIVERSAL, "auth": {**TOKEN["auth"], **UNIVERSAL["auth"]}}
        needs = provider(KEY).needs(parsed(KEY, both))
        assert needs == {"client_id": SecretKey("infisical", "clientId"), "client_secret": SecretKey("infisical", "clientSecret")}

    def test_what_may_be_left_out_is_no_need(self):
        auth = {"azureAuthCredentials": {"identityId": {"name": "a", "key": "b"}, "resource": {}}}
        assert set(provider(KEY).needs(parsed(KEY, {**TOKEN, "auth": auth}))) == {"identity_id"}

    def test_a_ca_of_a_cluster_store_names_its_namespace(self):
        wrong = parsed(KEY, {**TOKEN, "caProvider": {"type": "Secret", "name": "ca", "key": "ca"}}, cluster=True)
        assert isinstance(wrong, InvalidSpec)


class TestLogin:
    def test_universal(self):
        ran = logged_in("universalAuthCredentials", {"client_id": "c1\n", "client_secret": CANARY}, [LOGGED_IN], "clientId", "clientSecret")
        assert ran.value == Session(value="granted", lease_s=7200)
        [call] = ran.calls
        assert (call.method, call.url) == ("POST", f"https://{HOST}/api/v1/auth/universal-auth/login")
        assert call.name == "MachineIdentityLoginViaUniversalAuth"
        assert orjson.loads(call.body) == {"clientId": "c1", "clientSecret": CANARY}
        assert "Authorization" not in call.headers and CANARY not in repr(call)

    def test_an_organization(self):
        secrets = {"client_id": "c1", "client_secret": "s"}
        ran = logged_in("universalAuthCredentials", secrets, [LOGGED_IN], "clientId", "clientSecret", organizationSlug="sub")
        assert orjson.loads(ran.calls[0].body)["organizationSlug"] == "sub"

    def test_a_token_that_does_not_expire(self):
        ran = logged_in(
            "jwtAuthCredentials", {"identity_id": "i", "jwt": "j"}, [ok({"accessToken": "t", "expiresIn": 0})], "identityId", "jwt"
        )
        assert ran.value == Session(value="t", lease_s=None)
        assert orjson.loads(ran.calls[0].body) == {"identityId": "i", "jwt": "j"}

    def test_ldap_sends_the_name_as_the_name(self):
        secrets = {"identity_id": "i", "ldap_username": "ann", "ldap_password": CANARY}
        ran = logged_in("ldapAuthCredentials", secrets, [LOGGED_IN], "identityId", "ldapUsername", "ldapPassword")
        assert orjson.loads(ran.calls[0].body) == {"identityId": "i", "username": "ann", "password": CANARY}

    def test_a_token_is_used_as_it_is(self):
        assert run(provider(KEY).login(store())).value == Session(value=CANARY)

    def test_an_empty_token_is_refused(self):
        use = access(KEY, TOKEN, {"access_token": " \n"})
        assert isinstance(run(provider(KEY).login(use)).value, Refused)

    def test_azure(self):
        secrets = {"identity_id": IDENTITY, "resource": "api://x&intruder=1"}
        ran = logged_in("azureAuthCredentials", secrets, [ok({"access_token": "az"}), LOGGED_IN], "identityId", "resource")
        metadata, call = ran.calls
        where = "http://169.254.169.254/metadata/identity/oauth2/token"
        assert metadata.url == f"{where}?api-version=2018-02-01&resource=api%3A%2F%2Fx%26intruder%3D1"
        assert metadata.ambient and metadata.headers["Metadata"] == "true"
        assert orjson.loads(call.body) == {"identityId": IDENTITY, "jwt": "az"} and not call.ambient

    def test_an_azure_instance_without_identity(self):
        ran = logged_in("azureAuthCredentials", {"identity_id": "i"}, [ok({"error": "invalid_request"}, 400)], "identityId")
        assert isinstance(ran.value, Refused)

    def test_google(self):
        replies = [SdkReply(value={}), ok(b"jwt\n"), LOGGED_IN]
        ran = logged_in("gcpIdTokenAuthCredentials", {"identity_id": "i d"}, replies, "identityId")
        _, metadata, call = ran.calls
        assert metadata.url.endswith("/instance/service-accounts/default/identity?audience=i+d&format=full") and metadata.ambient
        assert call.url.endswith("/v1/auth/gcp-auth/login") and orjson.loads(call.body) == {"identityId": "i d", "jwt": "jwt"}

    def test_a_google_key_signs_for_the_identity(self):
        secrets = {"identity_id": "i", "service_account_key_file_path": GOOGLE_KEY.decode()}
        ran = logged_in("gcpIamAuthCredentials", secrets, [SdkReply(value="jwt"), LOGGED_IN], "identityId", "serviceAccountKeyFilePath")
        sign, call = ran.calls
        assert sign == SdkCall(name="gcp.assertion", args={"key": GOOGLE_KEY.decode(), "audience": "i", "subject": ""})
        assert call.name == "MachineIdentityLoginViaGcpServiceAccountAuth"

    def test_the_operators_own_google_key_file(self):
        secrets = {"identity_id": "i", "service_account_key_file_path": "/keys/gcp.json"}
        own = SdkReply(value={"GOOGLE_APPLICATION_CREDENTIALS": "/keys/gcp.json"})
        file = SdkReply(value={"json": "{}", "subject_token": ""})
        replies = [own, file, SdkReply(value="jwt"), LOGGED_IN]
        ran = logged_in("gcpIamAuthCredentials", secrets, replies, "identityId", "serviceAccountKeyFilePath")
        assert ran.calls[2].args["key"] == "{}" and isinstance(ran.value, Session)

    @pytest.mark.parametrize("held", [{}, {"GOOGLE_APPLICATION_CREDENTIALS": "/keys/gcp.json"}])
    def test_another_file_of_the_operator_is_not_read(self, held):
        secrets = {"identity_id": "i", "service_account_key_file_path": "/etc/passwd"}
        ran = logged_in("gcpIamAuthCredentials", secrets, [SdkReply(value=held)], "identityId", "serviceAccountKeyFilePath")
        assert isinstance(ran.value, InvalidSpec)

    def test_kubernetes(self):
        ran = logged_in("kubernetesAuthCredentials", {"identity_id": "i"}, [SdkReply(value="own"), LOGGED_IN], "identityId")
        assert ran.calls[0].name == "ambient.service_account_token"
        assert orjson.loads(ran.calls[1].body) == {"identityId": "i", "jwt": "own"}

    def test_another_token_file_is_not_sent_away(self):
        secrets = {"identity_id": "i", "service_account_token_path": "/etc/passwd"}
        ran = logged_in("kubernetesAuthCredentials", secrets, [], "identityId", "serviceAccountTokenPath")
        assert isinstance(ran.value, InvalidSpec) and not ran.calls

    def test_aws(self):
        signed = {"method": "POST", "url": "https://sts.x/", "headers": {"Host": "sts.x", "Authorization": "A"}, "body": "Action=G"}
        ran = logged_in("awsAuthCredentials", {"identity_id": "i"}, [SdkReply(value=signed), LOGGED_IN], "identityId")
        assert ran.calls[0] == SdkCall(name="aws.caller_identity", args={"region": ""})
        body = orjson.loads(ran.calls[1].body)
        assert orjson.loads(base64.b64decode(body.pop("iamRequestHeaders"))) == signed["headers"]
        assert base64.b64decode(body.pop("iamRequestBody")) == b"Action=G"
        assert body == {"identityId": "i", "iamHttpRequestMethod": "POST"}

    @pytest.mark.parametrize("value", [{"method": "POST"}, {}, "text"])
    def test_an_incomplete_signature(self, value):
        ran = logged_in("awsAuthCredentials", {"identity_id": "i"}, [SdkReply(value=value)], "identityId")
        assert isinstance(ran.value, Broken)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
    def test_a_login_that_is_refused(self, status):
        replies = [error(status, "Invalid credentials", "UnauthorizedError")]
        ran = logged_in("universalAuthCredentials", {"client_id": "c", "client_secret": CANARY}, replies, "clientId", "clientSecret")
        assert isinstance(ran.value, Refused) and ran.value.session and "Invalid credentials" in ran.value.what

    def test_a_login_that_is_not_answered(self):
        secrets = {"client_id": "c", "client_secret": CANARY}
        slots = ("clientId", "clientSecret")
        assert isinstance(logged_in("universalAuthCredentials", secrets, [ok(b"<html>", 502)], *slots).value, Unreachable)
        assert isinstance(logged_in("universalAuthCredentials", secrets, [ok(b"<html>")], *slots).value, Broken)
        down = CallFailed(Unreachable("reset"))
        assert logged_in("universalAuthCredentials", secrets, [down], *slots).value == Unreachable("reset")


class TestOracleCloud:
    signer = partial(Signer, tenancy="ocid1.tenancy.oc1..t", user="ocid1.user.oc1..u", fingerprint="aa:bb", region="eu-frankfurt-1")
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def pem(self, form=PrivateFormat.PKCS8, password=b""):
        return self.rsa_key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(password) if password else NoEncryption()).decode()

    def test_the_signature_is_of_the_documented_lines(self):
        headers = signed_headers(self.signer(key=self.pem()), NOW)
        assert not isinstance(headers, InvalidSpec)
        assert headers["host"] == "identity.eu-frankfurt-1.oraclecloud.com"
        text = headers["authorization"]
        assert text.startswith(
            'Signature version="1",headers="date (request-target) host",keyId="ocid1.tenancy.oc1..t/ocid1.user.oc1..u/aa:bb"'
        )
        fake = Infisical("oci", key=self.rsa_key)
        assert fake.oci({"identityId": IDENTITY, "userOcid": "ocid1.user.oc1..u", "headers": dict(headers)})
        assert not fake.oci({"identityId": IDENTITY, "userOcid": "other", "headers": dict(headers)})

    def test_dates(self):
        assert http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
        assert http_date(1_388_683_860.9) == "Thu, 02 Jan 2014 17:31:00 GMT"

    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_encrypted_keys(self, form):
        pem = self.pem(form, b"pass")
        plain = signed_headers(self.signer(key=self.pem()), NOW)
        assert signed_headers(self.signer(key=pem, passphrase="pass"), NOW) == plain
        assert isinstance(signed_headers(self.signer(key=pem, passphrase="wrong"), NOW), InvalidSpec)
        assert isinstance(signed_headers(self.signer(key=pem), NOW), InvalidSpec)

    def test_keys_that_are_none(self):
        curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        for key in ("", "nothing", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", curve, "x" * 20_000):
            wrong = signed_headers(self.signer(key=key), NOW)
            assert isinstance(wrong, InvalidSpec) and "x" * 100 not in wrong.what

    def test_a_key_that_would_take_hours_to_decrypt(self):
        pbkdf2 = der.sequence(der.tlv(6, passwords.PBKDF2_OID), der.sequence(der.octets(b"salt"), der.integer(2**30)))
        aes = der.sequence(der.tlv(6, passwords.AES256_OID), der.octets(bytes(16)))
        scheme = der.sequence(der.tlv(6, passwords.PBES2_OID), der.sequence(pbkdf2, aes))
        text = base64.b64encode(der.sequence(scheme, der.octets(bytes(64)))).decode()
        pem = f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{text}\n-----END ENCRYPTED PRIVATE KEY-----\n"
        assert isinstance(signed_headers(self.signer(key=pem, passphrase="pass"), NOW), InvalidSpec)

    @pytest.mark.parametrize("part", ["tenancy", "user", "fingerprint", "region"])
    def test_parts_that_would_change_the_signature(self, part):
        parts = {"tenancy": "t", "user": "u", "fingerprint": "aa", "region": "eu-frankfurt-1", part: 'x",evil="'}
        assert isinstance(signed_headers(Signer(key=self.pem(), **parts), NOW), InvalidSpec)

    def test_the_body(self):
        secrets = {slot: value.decode() for slot, value in OCI.items()}
        slots = ("identityId", "privateKey", "fingerprint", "userId", "tenancyId", "region")
        ran = logged_in("ociAuthCredentials", secrets, [SdkReply(value=NOW), LOGGED_IN], *slots)
        body = orjson.loads(ran.calls[1].body)
        assert set(body) == {"identityId", "userOcid", "headers"} and set(body["headers"]) == {"host", "date", "authorization"}


class TestGet:
    def test_the_request(self):
        ran = ask(KEY, store(), Get(key="A"), replies=[ok({"secret": secret()})])
        [call] = ran.calls
        query = f"{SCOPE}&secretPath=%2F&type=shared&expandSecretReferences=true&include_imports=true"
        assert (call.method, call.url) == ("GET", f"https://{HOST}/api/v3/secrets/raw/A?{query}")
        assert call.headers["Authorization"] == f"Bearer {CANARY}" and call.name == "GetSecretByKeyV3"

    @pytest.mark.parametrize(
        ("key", "folder", "name"),
        [
            ("A", "/app", "A"),
            ("sub/A", "/app/sub", "A"),
            ("./sub//A", "/app/sub", "A"),
            ("/abs/deep/A", "/abs/deep", "A"),
            ("/A", "/", "A"),
        ],
    )
    def test_addresses(self, key, folder, name):
        ran = ask(KEY, store(secretsPath="/app"), Get(key=key), replies=[ok({"secret": secret()})])
        path, _, query = ran.calls[0].url.partition("?")
        assert path.endswith(f"/raw/{name}") and f"secretPath={folder.replace('/', '%2F')}&" in query

    @pytest.mark.parametrize("key", ["", "/", "a/", "../A", "/a/../A", "a/..", ".", " "])
    def test_keys_that_are_none(self, key):
        assert isinstance(failure(one(KEY, store(), Get(key=key))), InvalidSpec)

    def test_references_may_stay(self):
        ran = ask(KEY, store(expandSecretReferences=False), Get(key="A"), replies=[ok({"secret": secret()})])
        assert "expandSecretReferences=false" in ran.calls[0].url

    @pytest.mark.parametrize("text", ["Secret with name 'A' not found", "Folder with path '/x' in environment with slug 'p' not found"])
    def test_what_is_absent(self, text):
        assert one(KEY, store(), Get(key="A"), error(404, text, "GetSecretByName")) == Absent()

    @pytest.mark.parametrize(
        "reply",
        [
            error(404, "Project with slug 'shop' not found", "NotFound"),
            ok({"message": "Route GET:/api/v3/secrets/raw/A not found", "error": "Not Found", "statusCode": 404}, 404),
            ok({"message": "Secret with name 'A' not found", "error": "NotFound", "statusCode": 200}, 404),
            ok(b"Secret with name 'A' not found", 404),
        ],
    )
    def test_other_404s_are_failures(self, reply):
        assert isinstance(failure(one(KEY, store(), Get(key="A"), reply)), Missing)

    def test_classes(self):
        def told(reply):
            return failure(one(KEY, store(), Get(key="A"), reply))

        assert told(error(401, "Token missing", "UnauthorizedError")) == Refused(
            f"Infisical GET https://{HOST}/api/v3/secrets/raw/A: Token missing", session=True
        )
        assert told(error(403, "Your token has expired", "TokenError")).session
        assert not told(error(403, "You are not allowed to read on secrets", "PermissionDenied")).session
        assert told(ok(b"<html>", 403)).session
        assert told(ok(b"", 429, retry_after="7")) == Throttled(
            f"Infisical GET https://{HOST}/api/v3/secrets/raw/A: too many requests", 7 * 10**9
        )
        assert isinstance(told(error(500, "Something went wrong", "InternalServerError")), Unreachable)
        assert isinstance(told(error(422, [{"received": CANARY}], "ValidationFailure")), Broken)

    def test_a_hidden_value_is_no_value(self):
        reply = ok({"secret": secret(value="<hidden-by-infisical>", secretValueHidden=True)})
        assert isinstance(failure(one(KEY, store(), Get(key="A"), reply)), Refused)


class TestFind:
    def list_of(self, *secrets, imports=()):
        return ok({"secrets": list(secrets), "imports": [{"secretPath": "/i", "secrets": list(held)} for held in imports]})

    def test_the_request(self):
        ran = ask(KEY, store(secretsPath="/app", recursive=True), Find(name="."), replies=[self.list_of()])
        query = f"{SCOPE}&secretPath=%2Fapp&expandSecretReferences=true&include_imports=true&recursive=true"
        assert ran.calls[0].url == f"https://{HOST}/api/v3/secrets/raw?{query}" and ran.calls[0].name == "GetSecretsV3"

    def test_one_name_in_two_places(self):
        replies = self.list_of(
            secret("A", "first"), secret("A", "last"), imports=([secret("A", "no"), secret("B", "one")], [secret("B", "two")])
        )
        assert plain(one(KEY, store(), Find(), replies)) == {"A": b"last", "B": b"one"}

    def test_imports_have_no_path(self):
        imported = {"secretKey": "B", "secretValue": "b"}
        assert plain(one(KEY, store(), Find(path="/"), self.list_of(secret(), imports=([imported],)))) == {"A": b"v"}

    def test_tags_are_refused(self):
        assert failure(one(KEY, store(), Find(tags=(("a", "b"),)))) == InvalidSpec("find by tags not supported")

    def test_a_hidden_value_that_matches(self):
        hidden = self.list_of(secret("A"), secret("B", "<hidden-by-infisical>", secretValueHidden=True))
        assert isinstance(failure(one(KEY, store(), Find(name="B"), hidden)), Refused)
        assert plain(one(KEY, store(), Find(name="A"), hidden)) == {"A": b"v"}

    def test_a_list_is_bounded(self):
        many = self.list_of(*(secret(f"S{number}") for number in range(10_001)))
        assert isinstance(failure(one(KEY, store(), Find(name="."), many)), Broken)

    def test_a_probe_asks_for_no_values(self):
        ran = ask(KEY, store(recursive=True), Probe(), replies=[self.list_of()])
        query = f"{SCOPE}&secretPath=%2F&expandSecretReferences=false&include_imports=false&recursive=false&viewSecretValue=false"
        assert ran.calls[0].url == f"https://{HOST}/api/v3/secrets/raw?{query}"
        assert ran.value == {Probe(): Found(Entries({}))}


class Bench:
    """A server, and commands that log in first."""

    def __init__(self, **held):
        self.server = Infisical()
        for name, value in held.items():
            self.server.put(name, value.encode(), {})
        self.use = access(KEY, UNIVERSAL, {"client_id": "client-1", "client_secret": "credential-0"})
        granted = session(KEY, self.use, self.server.answer)
        assert isinstance(granted, Session)
        self.session = granted

    def push(self, name, value, prop=""):
        source = Source(data={"k": SecretBytes(value)})
        return self.run(provider(KEY).push, Push(key=name, property=prop, secret_key="k", source=source))

    def run(self, command, what):
        return run(command(self.use, self.session, what), self.server.answer)

    def delete(self, name, prop=""):
        return self.run(provider(KEY).delete, Delete(key=name, property=prop))


class TestPush:
    def test_a_new_secret_names_the_project_by_its_slug(self):
        ran = Bench().push("A", b"v")
        assert ran.value == Done(changed=True)
        read, write = ran.calls
        assert "expandSecretReferences=false&include_imports=false" in read.url
        assert (write.method, write.url, write.name) == ("POST", f"https://{HOST}/api/v3/secrets/raw/A", "CreateSecretV3")
        common = {"environment": ENVIRONMENT, "secretPath": "/", "type": "shared"}
        assert orjson.loads(write.body) == {"projectSlug": PROJECT, **common, "secretValue": "v", "skipMultilineEncoding": True}

    def test_an_update_names_the_project_by_the_id_that_was_read(self):
        [_, write] = Bench(A="old").push("A", b"new").calls
        assert write.method == "PATCH" and write.name == "UpdateSecretV3"
        assert orjson.loads(write.body)["workspaceId"] == PROJECT_ID and "projectSlug" not in orjson.loads(write.body)

    @pytest.mark.parametrize("old", [False, True])
    def test_a_version_that_wants_the_id(self, old):
        bench = Bench()
        bench.server.wants_id, bench.server.old_route = True, old
        ran = bench.push("A", b"v")
        assert ran.value == Done(changed=True) and bench.server.held("A") == b"v"
        assert [call.name for call in ran.calls[2:-1]] == ["GetWorkspaceBySlug"] * (2 if old else 1)

    def test_a_project_that_is_not_there(self):
        bench = Bench()
        bench.server.wants_id = True
        replies = iter([bench.server.answer, bench.server.answer, *[lambda call: error(404, "Project not found", "NotFound")] * 2])
        source = Source(data={"k": SecretBytes(b"v")})
        talk = provider(KEY).push(bench.use, bench.session, Push(key="A", secret_key="k", source=source))
        assert failure(run(talk, lambda call: next(replies)(call)).value) == Missing(f"no Infisical project found for slug {PROJECT}")

    def test_an_empty_value_replaces_another(self):
        bench = Bench(A="old")
        assert bench.push("A", b"").value == Done(changed=True) and bench.server.held("A") == b""

    def test_what_infisical_would_change_is_refused(self):
        for value in (b" a", b"a ", b"a\n\n", b"\na", b"a\r\n", "a\u00a0".encode(), b"\xff"):
            bench = Bench()
            ran = bench.push("A", value)
            assert isinstance(failure(ran.value), Broken) and bench.server.held("A") is None
        assert Bench().push("A", b"-----BEGIN-----\nx\n-----END-----\n").value == Done(changed=True)

    def test_a_value_that_refers_to_others_is_compared_as_it_is_stored(self):
        bench = Bench(A="${B}", B="b")
        assert bench.push("A", b"${B}").value == Done(changed=False)

    def test_a_property_leaves_the_rest_byte_for_byte(self):
        bench = Bench(A='{ "b" : 1.0,"a":"x" }')
        assert bench.push("A", b"y", "a").value == Done(changed=True)
        assert bench.server.held("A") == b'{ "b" : 1.0,"a":"y" }'

    @pytest.mark.parametrize(("held", "prop"), [("text", "a"), ('{"a":1}', "a|b"), ("[1]", "a")])
    def test_a_property_that_cannot_be_set(self, held, prop):
        bench = Bench(A=held)
        assert isinstance(failure(bench.push("A", b"y", prop).value), InvalidSpec) and bench.server.held("A") == held.encode()

    def test_a_change_that_waits_for_approval_is_not_done(self):
        bench = Bench()
        bench.server.approvals = True
        assert isinstance(failure(bench.push("A", b"v").value), Refused)

    def test_a_message_that_repeats_the_value_is_not_told(self):
        bench = Bench()
        answers = iter([bench.server.answer, lambda call: error(400, f"bad value {CANARY}", "BadRequest")])
        source = Source(data={"k": SecretBytes(CANARY.encode())})
        talk = provider(KEY).push(bench.use, bench.session, Push(key="A", secret_key="k", source=source))
        told = failure(run(talk, lambda call: next(answers)(call)).value)
        assert CANARY not in told.what and "status 400" in told.what

    def test_a_login_that_repeats_the_credential_is_not_told(self):
        use = access(KEY, UNIVERSAL, {"client_id": "c", "client_secret": CANARY})
        refused = run(provider(KEY).login(use), [error(401, f"bad secret {CANARY}", "Unauthorized")]).value
        assert isinstance(refused, Refused) and CANARY not in refused.what and "status 401" in refused.what

    def test_a_folder_that_is_not_there(self):
        assert isinstance(failure(Bench().push("/none/A", b"v").value), Missing)


class TestDelete:
    def test_a_secret(self):
        bench = Bench(A="v")
        ran = bench.delete("A")
        [call] = ran.calls
        assert ran.value == Done(changed=True) and bench.server.held("A") is None
        assert (call.method, call.name) == ("DELETE", "DeleteSecretV3")
        assert orjson.loads(call.body) == {"projectSlug": PROJECT, "environment": ENVIRONMENT, "secretPath": "/", "type": "shared"}

    def test_a_property(self):
        bench = Bench(A='{ "c":3.0, "a":{"b":1,"d":2} }')
        assert bench.delete("A", "a.b").value == Done(changed=True)
        assert bench.server.held("A") == b'{"c":3.0,"a":{"d":2}}'
        assert bench.delete("A", "none").value == Done(changed=False)
        assert bench.delete("A", "a").value == Done(changed=True)
        assert bench.delete("A", "c").value == Done(changed=True) and bench.server.held("A") is None
        assert bench.delete("A", "c").value == Done(changed=False)

    @pytest.mark.parametrize("held", ["text", '"text"', "[1]"])
    def test_a_property_of_what_is_no_object(self, held):
        bench = Bench(A=held)
        assert isinstance(failure(bench.delete("A", "a").value), Broken) and bench.server.held("A") == held.encode()

    def test_a_property_that_is_no_member(self):
        bench = Bench(A='{"a":[1,2]}')
        assert isinstance(failure(bench.delete("A", "a.0").value), InvalidSpec)
        assert isinstance(failure(bench.delete("A", "a.#").value), InvalidSpec)

    def test_existence_of_a_property(self):
        bench = Bench(A='{"a":{"b":null}}', B="text")
        exists = provider(KEY).exists
        assert bench.run(exists, Exists(key="A", property="a.b")).value is True
        assert bench.run(exists, Exists(key="A", property="c")).value is False
        assert bench.run(exists, Exists(key="none", property="c")).value is False
        assert isinstance(bench.run(exists, Exists(key="B", property="c")).value, Failed)

    def test_a_project_that_is_not_there_is_no_deletion(self):
        use = store()
        talk = provider(KEY).delete(use, Session(value="t"), Delete(key="A"))
        reply = error(404, "Project with slug 'shop' not found", "NotFound")
        ran = run(talk, [reply])
        assert isinstance(failure(ran.value), Missing) and isinstance(ran.calls[0], HttpCall)
