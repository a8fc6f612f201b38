"""What the suite cannot know of Akeyless: exact requests, each proof of a login, item types, and what a push merges."""

from __future__ import annotations

import base64

import orjson
import pytest

from eso_core.door import AccountNotes, AccountToken, Delete, Done, Exists, Find, Found, Get, Probe, Push, SecretKey, Session, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers.akeyless.store import Ticket
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, SdkReply
from tests.providers.akeyless.case import GATEWAY, KUBERNETES, by_access, secrets
from tests.providers.akeyless.server import ACCESS_ID, CONFIG, NOW, Akeyless, Item, absent, error
from tests.providers.scripts import CANARY, access, entries, failure, ok, one, parsed, plain, provider, run, value

KEY = "akeyless"
API = "https://api.akeyless.io"
TICKET = Ticket(API, CANARY)
GRANTED = ok({"token": "t-1"})


def text(kind, param=None):
    return {slot: held.decode() for slot, held in secrets(kind, param.encode() if param is not None else None).items()}


def store(**more):
    return access(KEY, by_access(**more), text("api_key", "k"))


def logged_in(kind, replies, param=None, spec=None, held=None):
    spec = spec or by_access(param=param is not None)
    use = access(KEY, spec, {} if held else text(kind, param))
    if held:
        use = access_with(spec, held)
    return run(provider(KEY).login(use), replies)


def access_with(spec, held):
    """With secrets of ``more_needs``, too."""
    use = access(KEY, spec)
    values = {slot: SecretBytes(content.encode()) for slot, content in held.items()}
    return type(use)(identity="more", store=use.store, namespace=use.namespace, spec=use.spec, secrets=values)


def body(call):
    return orjson.loads(call.body)


def unbase64(coded):
    return base64.b64decode(coded).decode()


class TestParsing:
    def test_where_calls_go(self):
        assert (parsed(KEY, by_access()).url, parsed(KEY, by_access()).ask) == (API, False)
        assert not parsed(KEY, by_access(url=f"{API}/")).ask
        assert not parsed(KEY, by_access(url="https://gw.example:8080/v2")).ask
        assert parsed(KEY, by_access(url="https://gw.example:8081")).ask

    @pytest.mark.parametrize("url", ["ftp://a", "https://u:p@a.example", "no-host", "https://"])
    def test_an_address_that_is_none(self, url):
        assert parsed(KEY, by_access(url=url)).path == "spec.provider.akeyless.akeylessGWApiURL"

    @pytest.mark.parametrize(
        ("ref", "path"),
        [
            ({}, "accessID.name"),
            ({"accessID": {"name": "a"}}, "accessID.key"),
            ({"accessID": {"name": "a", "key": "b"}}, "accessType.name"),
            ({"accessID": {"name": "a", "key": "b"}, "accessType": {"name": "a"}}, "accessType.key"),
        ],
    )
    def test_an_access_id_must_be_complete(self, ref, path):
        wrong = parsed(KEY, {"akeylessGWApiURL": "", "authSecretRef": {"secretRef": ref}})
        assert wrong.path == f"spec.provider.akeyless.authSecretRef.secretRef.{path}"

    def kubernetes(self, **auth):
        held = {"accessID": "p", "k8sConfName": "c", **auth}
        return parsed(KEY, {"akeylessGWApiURL": "", "authSecretRef": {"kubernetesAuth": held}})

    def test_kubernetes(self):
        assert self.kubernetes(accessID="").what == "missing kubernetes auth-method access-id"
        assert self.kubernetes(k8sConfName="").what == "missing kubernetes config name"
        assert isinstance(self.kubernetes(), InvalidSpec)  # the operator's own token
        needs = provider(KEY).needs
        account = {"name": "reader", "namespace": "apps", "audiences": ["akeyless"]}
        assert needs(self.kubernetes(serviceAccountRef=account, secretRef={"name": "s"})) == {
            "jwt": AccountToken("reader", ("akeyless",), "apps", 600)
        }
        assert needs(self.kubernetes(secretRef={"name": "s"})) == {"jwt": SecretKey("s", "token")}
        assert needs(self.kubernetes(secretRef={"name": "s", "key": "k", "namespace": "n"})) == {"jwt": SecretKey("s", "k", "n")}

    def test_an_account_is_read_for_azure_alone(self):
        form = parsed(KEY, by_access(param=False, account=True))
        more = provider(KEY).more_needs
        assert more is not None
        azure = more(form, {"access_type": SecretBytes(b"azure_ad\n")}).unwrap()
        assert azure == {
            "account": AccountNotes("workload"),
            "assertion": AccountToken("workload", ("api://AzureADTokenExchange",), "", 600),
        }
        assert more(form, {"access_type": SecretBytes(b"gcp")}).unwrap() == {}
        assert more(parsed(KEY, by_access()), {"access_type": SecretBytes(b"azure_ad")}).unwrap() == {}


class TestLogin:
    @pytest.mark.parametrize("kind", ["api_key", "access_key"])
    def test_an_access_key(self, kind):
        ran = logged_in(kind, [GRANTED], CANARY)
        assert ran.value == Session(value=Ticket(API, "t-1"))
        [call] = ran.calls
        assert (call.method, call.url, call.name) == ("POST", f"{API}/auth", "Auth")
        assert body(call) == {"access-id": ACCESS_ID, "access-type": "access_key", "access-key": CANARY}
        assert CANARY not in repr(call) and "t-1" not in repr(ran.value)

    def test_the_end_of_a_token(self):
        def lease(expiry):
            replies = [ok({"token": "t-1", "creds": {"expiry": expiry, "token": "x"}}), SdkReply(value=NOW)]
            return logged_in("api_key", replies, "k").value.lease_s

        assert lease(int(NOW) + 900) == 900
        assert lease(int(NOW) - 1) is None and lease(int(NOW) * 1000) is None

    def test_empty_credentials(self):
        assert isinstance(logged_in("", [], "k").value, Refused)
        assert isinstance(logged_in("api_key", [], " ").value, Refused)

    @pytest.mark.parametrize("kind", ["k8s", "saml", CANARY])
    def test_access_types_that_are_refused(self, kind):
        wrong = logged_in(kind, [], "x").value
        assert isinstance(wrong, InvalidSpec) and CANARY not in wrong.what

    @pytest.mark.parametrize("status", [400, 401, 403, 404])
    def test_a_login_that_is_refused(self, status):
        wrong = logged_in("api_key", [error(status, "failed to authenticate")], CANARY).value
        assert wrong == Refused("Akeyless auth: failed to authenticate", session=True)

    def test_an_error_that_repeats_the_key(self):
        wrong = logged_in("api_key", [error(401, f"bad key {CANARY}")], CANARY).value
        assert wrong == Refused("Akeyless auth: status 401", session=True)

    def test_aws(self):
        signed = {"method": "POST", "url": "https://sts.x/", "headers": {"Host": "sts.x", "Authorization": "A"}, "body": "Action=G"}
        ran = logged_in("aws_iam", [SdkReply(value=signed), GRANTED])
        assert ran.calls[0].name == "aws.caller_identity" and ran.calls[0].args == {"region": ""}
        assert body(ran.calls[1])["access-type"] == "aws_iam"
        cloud = orjson.loads(unbase64(body(ran.calls[1])["cloud-id"]))
        assert cloud["sts_request_method"] == "POST"
        assert unbase64(cloud["sts_request_url"]) == "https://sts.x/" and unbase64(cloud["sts_request_body"]) == "Action=G"
        assert orjson.loads(unbase64(cloud["sts_request_headers"])) == {"Host": ["sts.x"], "Authorization": ["A"]}

    @pytest.mark.parametrize("signed", [{}, {"method": "POST", "url": "u", "body": "b"}, []])
    def test_an_incomplete_signature(self, signed):
        assert isinstance(logged_in("aws_iam", [SdkReply(value=signed)]).value, Broken)

    @pytest.mark.parametrize(("param", "audience"), [(None, "akeyless.io"), ("my.audience", "my.audience")])
    def test_google(self, param, audience):
        replies = [SdkReply(value={"json": "", "subject_token": ""}), SdkReply(value={}), ok(b"google"), GRANTED]
        ran = logged_in("gcp", replies, param)
        assert ran.calls[2].url.endswith(f"/instance/service-accounts/default/identity?audience={audience}&format=full")
        assert body(ran.calls[3]) == {"access-id": ACCESS_ID, "access-type": "gcp", "cloud-id": base64.b64encode(b"google").decode()}

    def test_kubernetes(self):
        ran = logged_in("k8s", [GRANTED], spec=KUBERNETES, held={"jwt": CANARY})
        [call] = ran.calls
        coded = base64.b64encode(CANARY.encode()).decode()
        shown = {"k8s-service-account-token": coded, "k8s-auth-config-name": CONFIG}
        assert body(call) == {"access-id": ACCESS_ID, "access-type": "k8s", **shown} and call.url == f"{GATEWAY}/v2/auth"
        assert isinstance(logged_in("k8s", [], spec=KUBERNETES, held={"jwt": ""}).value, Refused)


class TestAzure:
    token = SdkReply(value={"token": "az", "lease_s": 1.0})

    def of_operator(self, env):
        ran = logged_in("azure_ad", [SdkReply(value=env), *self.file(env), self.token, GRANTED])
        assert body(ran.calls[-1])["cloud-id"] == base64.b64encode(b"az").decode()
        return ran.calls[-2].args

    def file(self, env):
        return [SdkReply(value="own")] if "AZURE_FEDERATED_TOKEN_FILE" in env and "AZURE_CLIENT_SECRET" not in env else []

    def test_what_the_operator_is(self):
        public = {"authority": "https://login.microsoftonline.com", "custom": False, "resource": "https://management.azure.com"}
        ids = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}
        who = {"tenant": "t", "client_id": "c"}
        file = {"AZURE_FEDERATED_TOKEN_FILE": "/f"}
        assert self.of_operator({}) == {"method": "managed", "client_id": "", **public}
        assert self.of_operator(ids) == {"method": "managed", "client_id": "c", **public}
        assert self.of_operator(ids | file) == {"method": "assertion", "assertion": "own", **who, **public}
        assert self.of_operator(ids | file | {"AZURE_CLIENT_SECRET": "s"}) == {"method": "secret", "secret": "s", **who, **public}

    @pytest.mark.parametrize("name", ["AZURE_ENVIRONMENT", "AZURE_CLOUD"])
    def test_other_clouds(self, name):
        args = self.of_operator({name: " AzureChinaCloud "})
        assert (args["authority"], args["resource"]) == ("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn")
        assert self.of_operator({name: "AzureUSGovernment"})["resource"] == "https://management.usgovcloudapi.net"
        assert self.of_operator({name: "nothing"})["resource"] == "https://management.azure.com"

    def test_an_object_id(self):
        ran = logged_in("azure_ad", [SdkReply(value={}), ok({"access_token": "az"}), GRANTED], "o&x=1")
        where = "http://169.254.169.254/metadata/identity/oauth2/token"
        assert ran.calls[1].url == f"{where}?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F&object_id=o%26x%3D1"
        assert ran.calls[1].ambient and ran.calls[1].headers == {"Metadata": "true"}

    def workload(self, notes, env=None, param=None):
        held = {**text("azure_ad", param), "account": orjson.dumps(notes).decode(), "assertion": "jwt"}
        spec = by_access(param=param is not None, account=True)
        return logged_in("azure_ad", [SdkReply(value=env or {}), self.token, GRANTED], spec=spec, held=held)

    def test_a_workload(self):
        notes = {"azure.workload.identity/client-id": "c", "azure.workload.identity/tenant-id": "t"}
        who = {"method": "assertion", "assertion": "jwt"}

        def sent(ran):
            return {name: ran.calls[1].args[name] for name in ("method", "assertion", "client_id", "tenant")}

        assert sent(self.workload(notes, {"AZURE_TENANT_ID": "env"}, "param")) == {**who, "client_id": "c", "tenant": "t"}
        assert sent(self.workload({}, {"AZURE_TENANT_ID": "env"}, "param")) == {**who, "client_id": "param", "tenant": "env"}

    @pytest.mark.parametrize(("notes", "param"), [({}, None), ({}, "param")])
    def test_a_workload_without_ids(self, notes, param):
        held = {**text("azure_ad", param), "account": orjson.dumps(notes).decode(), "assertion": "jwt"}
        spec = by_access(param=param is not None, account=True)
        ran = logged_in("azure_ad", [SdkReply(value={})], spec=spec, held=held)
        assert isinstance(ran.value, Missing)


class TestWhereTheApiIs:
    def base(self, *replies):
        use = access(KEY, by_access(url=GATEWAY), text("api_key", "k"))
        return run(provider(KEY).login(use), [*replies, GRANTED])

    def test_at_the_root(self):
        ran = self.base(ok(b"Unknown? unknown command", 400))
        assert ran.calls[0].url == GATEWAY and not ran.calls[0].body
        assert ran.value == Session(value=Ticket(GATEWAY, "t-1"))

    @pytest.mark.parametrize("reply", [ok(b"<html>", 404), ok(b"", 401), ok(b"{}"), ok(b"", 302)])
    def test_below(self, reply):
        assert self.base(reply).value == Session(value=Ticket(f"{GATEWAY}/v2", "t-1"))

    def test_nobody_answers(self):
        use = access(KEY, by_access(url=GATEWAY), text("api_key", "k"))
        assert run(provider(KEY).login(use), [CallFailed(Unreachable("reset"))]).value == Unreachable("reset")
        assert isinstance(run(provider(KEY).login(use), [ok(b"", 503)]).value, Unreachable)


class Desk:
    """A server, and conversations that are logged in."""

    def __init__(self, **spec):
        self.server = Akeyless()
        self.use = access(KEY, by_access(**spec), text("api_key", "credential-0"))
        granted = run(provider(KEY).login(self.use), self.server.answer).value
        assert isinstance(granted, Session)
        self.session = granted

    def ask(self, *queries):
        return run(provider(KEY).fetch(self.use, self.session, queries), self.server.answer)

    def one(self, query):
        return self.ask(query).value[query]

    def run(self, command, what):
        return run(command(self.use, self.session, what), self.server.answer)

    def push(self, data, secret_key="", prop="", key="/a"):
        source = Source(data={name: SecretBytes(content) for name, content in data.items()})
        return self.run(provider(KEY).push, Push(key=key, property=prop, secret_key=secret_key, source=source))

    def delete(self, key="/a", prop=""):
        return self.run(provider(KEY).delete, Delete(key=key, property=prop))


class TestGet:
    def test_the_requests(self):
        desk = Desk()
        desk.server.put("/a", b"v", {})
        describe, read = desk.ask(Get(key="/a")).calls
        token = desk.session.value.token
        assert (describe.url, describe.name) == (f"{API}/describe-item", "DescribeItem")
        assert body(describe) == {"name": "/a", "token": token}
        assert (read.url, read.name) == (f"{API}/get-secret-value", "GetSecretValue")
        assert body(read) == {"names": ["/a"], "token": token}

    def test_a_universal_token_and_a_cache_that_is_left_out(self):
        use = access(KEY, by_access(param=False, ignoreCache=True), text("api_key"))
        talk = provider(KEY).fetch(use, Session(value=Ticket(API, "u-1")), (Get(key="/a", version="2"),))
        ran = run(talk, [ok({"item_name": "/a", "item_type": "STATIC_SECRET"}), ok({"/a": "v"})])
        assert body(ran.calls[0]) == {"name": "/a", "uid-token": "u-1"}
        assert body(ran.calls[1]) == {"names": ["/a"], "version": 2, "ignore-cache": "true", "uid-token": "u-1"}

    @pytest.mark.parametrize("version", ["latest", "1.5", "99999999999", "2147483648", " 1"])
    def test_a_version_that_is_none(self, version):
        ran = Desk().ask(Get(key="/a", version=version))
        assert isinstance(failure(ran.value[Get(key="/a", version=version)]), InvalidSpec) and not ran.calls

    def test_a_dynamic_secret(self):
        desk = Desk()
        desk.server.items["/d"] = Item([{"user": "u<1>", "password": "p", "ttl": 60.0}], "DYNAMIC_SECRET")
        ran = desk.ask(Get(key="/d", version="7"))
        assert ran.calls[1].name == "GetDynamicSecretsValue" and "version" not in body(ran.calls[1])
        answer = ran.value[Get(key="/d", version="7")]
        assert plain(answer) == b'{"password":"p","ttl":60,"user":"u\\u003c1\\u003e"}'
        assert value(KEY, answer, "user") == b"u<1>"
        assert entries(KEY, answer) == {"password": b"p", "ttl": b"60", "user": b"u<1>"}

    @pytest.mark.parametrize(
        ("held", "gives"),
        [
            ({"value": {"payload": "text", "target_value": {"a": 1}}}, b"text"),
            ({"value": {"payload": {"b": 1, "a": 2}}}, b'{"a":2,"b":1}'),
            ({"value": {"target_value": {"b": "1"}}}, b'{"b":"1"}'),
            ({"value": {"username": "u", "password": "p"}}, b'{"password":"p","username":"u"}'),
            ({"username": "u"}, b'{"username":"u"}'),
        ],
    )
    def test_a_rotated_secret(self, held, gives):
        desk = Desk(ignoreCache=True)
        desk.server.items["/r"] = Item([held], "ROTATED_SECRET")
        ran = desk.ask(Get(key="/r"))
        assert plain(ran.value[Get(key="/r")]) == gives
        assert body(ran.calls[1])["names"] == "/r" and body(ran.calls[1])["ignore-cache"] == "true"

    def test_a_rotated_secret_of_another_form(self):
        desk = Desk()
        desk.server.items["/r"] = Item([{"value": "text"}], "ROTATED_SECRET")
        assert isinstance(failure(desk.one(Get(key="/r"))), Broken)

    def test_a_certificate(self):
        desk = Desk()
        desk.server.items["/c"] = Item(
            [{"certificate_pem": "C", "private_key_pem": "K", "more": "x"}, {"certificate_pem": "D"}], "CERTIFICATE"
        )
        assert plain(desk.one(Get(key="/c", version="1"))) == b'{"certificate_pem":"C","private_key_pem":"K"}'
        assert plain(desk.one(Get(key="/c"))) == b'{"certificate_pem":"D"}'
        desk.server.items["/c"] = Item([{}], "CERTIFICATE")
        assert isinstance(failure(desk.one(Get(key="/c"))), Broken)

    def test_another_type(self):
        desk = Desk()
        desk.server.items["/k"] = Item(["x"], "AES256GCM")
        assert failure(desk.one(Get(key="/k"))) == Broken("Akeyless /k: invalid item type: AES256GCM")

    def test_no_item_is_a_failure_and_no_absence(self):
        assert failure(Desk().one(Get(key="/a"))) == Missing("item does not exist: /a")
        assert isinstance(failure(Desk().one(Get(key=""))), InvalidSpec)

    def test_classes(self):
        def told(reply):
            return failure(run(provider(KEY).fetch(store(), Session(value=TICKET), (Get(key="/a"),)), [reply]).value[Get(key="/a")])

        assert told(error(401, "UnauthorizedAccess")) == Refused("Akeyless describe-item /a: UnauthorizedAccess", session=True)
        assert told(error(403, "no")) == Refused("Akeyless describe-item /a: no")
        assert told(ok(b"404 page not found", 404)) == Missing("Akeyless describe-item /a: status 404")
        assert told(absent("/a")) == Missing("item does not exist: /a")
        assert isinstance(told(ok(b"", 429, retry_after="3")), Throttled)
        assert isinstance(told(error(500, "internal server error")), Unreachable)
        assert isinstance(told(ok({"item_type": "STATIC_SECRET"})), Broken)

    def test_a_value_that_is_no_text(self):
        described = ok({"item_name": "/a", "item_type": "STATIC_SECRET"})
        for held in ({"/a": {"x": 1}}, {"/b": "v"}):
            assert isinstance(failure(one(KEY, store(), Get(key="/a"), described, ok(held), login=[GRANTED])), Broken)


class TestBatches:
    def test_statics_are_read_together(self):
        desk = Desk()
        for name in ("/a", "/b", "/c"):
            desk.server.put(name, name.encode(), {})
        desk.server.items["/d"] = Item([{"user": "u"}], "DYNAMIC_SECRET")
        gets = [Get(key=key) for key in ("/a", "/b", "/d", "/none")] + [Get(key="/c", version="1"), Get(key="/a", metadata=True)]
        ran = desk.ask(*gets)
        assert [call.name for call in ran.calls] == [
            *["DescribeItem"] * 2,
            "DescribeItem",
            "GetDynamicSecretsValue",
            "DescribeItem",
            "DescribeItem",
            "GetSecretValue",
            "GetSecretValue",
        ]
        assert body(ran.calls[-1])["names"] == ["/a", "/b"]
        assert [plain(ran.value[get]) for get in gets if get.key in ("/a", "/b", "/c")] == [b"/a", b"/b", b"/c", b"/a"]
        assert isinstance(failure(ran.value[gets[3]]), Missing)

    def both(self, *replies):
        described = [ok({"item_name": name, "item_type": "STATIC_SECRET"}) for name in ("/a", "/b")]
        gets = (Get(key="/a"), Get(key="/b"))
        return run(provider(KEY).fetch(store(), Session(value=TICKET), gets), [*described, *replies]).value.values()

    @pytest.mark.parametrize("refused", [error(401, "may not read /b"), error(403, "no"), error(400, "one name only"), ok({})])
    def test_one_that_may_not_be_read_does_not_keep_back_the_others(self, refused):
        first, second = self.both(refused, ok({"/a": "v"}), error(401, "may not read /b"))
        assert plain(first) == b"v" and isinstance(failure(second), Refused)

    def test_an_answer_without_one_of_the_names(self):
        first, second = self.both(ok({"/a": "v"}), ok({"/b": "w"}))
        assert (plain(first), plain(second)) == (b"v", b"w")

    @pytest.mark.parametrize("reply", [ok(b"", 503), ok(b"", 429)])
    def test_a_service_that_is_down_is_not_asked_one_by_one(self, reply):
        assert all(isinstance(failure(answer), Unreachable | Throttled) for answer in self.both(reply))

    @pytest.mark.parametrize("described", [0, 1])
    def test_a_service_that_is_down_is_not_asked_again(self, described):
        gets = tuple(Get(key=f"/{number}") for number in range(5))
        replies = [ok({"item_name": "/0", "item_type": "DYNAMIC_SECRET"})] * described
        ran = run(provider(KEY).fetch(store(), Session(value=TICKET), gets), [*replies, ok(b"", 503)])
        assert set(ran.value) == set(gets) and all(isinstance(failure(answer), Unreachable) for answer in ran.value.values())

    def test_a_service_that_goes_down_is_not_asked_again(self):
        assert all(isinstance(failure(answer), Unreachable) for answer in self.both(error(401, "may not read /b"), ok(b"", 503)))


class TestFind:
    def desk(self):
        desk = Desk()
        for name in ("/app/a", "/app/b", "/other/app/a"):
            desk.server.put(name, name.encode(), {"x": "blue"} if name == "/app/b" else {"x": "red"})
        return desk

    @pytest.mark.parametrize("path", ["app", "/app", "app/", "/app/"])
    def test_a_path_is_a_prefix_between_slashes(self, path):
        ran = self.desk().ask(Find(name=".", path=path))
        asked = body(ran.calls[0])
        asked.pop("token")
        kinds = ["static-secret", "dynamic-secret", "rotated-secret"]
        assert asked == {"filter": "/app/", "type": kinds, "minimal-view": True, "auto-pagination": "disabled"}
        assert set(plain(*ran.value.values())) == {"/app/a", "/app/b"}

    def test_tags(self):
        ran = self.desk().ask(Find(tags=(("any", "blue"), ("key", "red")), path="/app"))
        assert [body(call).get("tag") for call in ran.calls[:2]] == ["blue", "red"] and body(ran.calls[0])["minimal-view"] is False
        assert set(plain(*ran.value.values())) == {"/app/a", "/app/b"} and len(ran.calls) == 3

    def test_pages_and_values_of_all_types(self):
        desk = self.desk()
        for number in range(30):
            desk.server.put(f"/many/{number:02}", b"v", {})
        desk.server.put("/many/empty", b"", {})
        desk.server.items["/many/d"] = Item([{"a": 1}], "DYNAMIC_SECRET")
        desk.server.items["/many/c"] = Item([{"certificate_pem": "C"}], "CERTIFICATE")
        ran = desk.ask(Find(name="^/many/"))
        [found] = ran.value.values()
        assert len(plain(found)) == 31 and plain(found)["/many/d"] == b'{"a":1}' and "/many/empty" not in plain(found)
        assert [call.name for call in ran.calls] == [*["ListItems"] * 7, *["GetSecretValue"] * 2, "GetDynamicSecretsValue"]

    def test_a_list_that_tells_no_types(self):
        desk = self.desk()
        desk.server.types_in_lists = False
        ran = desk.ask(Find(name="^/app/"))
        assert set(plain(*ran.value.values())) == {"/app/a", "/app/b"}
        assert [call.name for call in ran.calls] == ["ListItems", *["DescribeItem", "GetSecretValue"] * 2]

    def test_neither_name_nor_tags(self):
        assert isinstance(failure(Desk().one(Find(path="/app"))), InvalidSpec)

    def test_a_list_without_an_end(self):
        endless = ok({"items": [], "next_page": "again"})
        ran = run(provider(KEY).fetch(store(), Session(value=TICKET), (Find(name="."),)), lambda call: endless)
        assert isinstance(failure(*ran.value.values()), Broken) and len(ran.calls) == 100

    @pytest.mark.parametrize("kind", ["STATIC_SECRET", "DYNAMIC_SECRET"])
    def test_the_first_failure_ends_the_find(self, kind):
        items = [{"item_name": f"/{number:02}", "item_type": kind} for number in range(25)]
        talk = provider(KEY).fetch(store(), Session(value=TICKET), (Find(name="."),))
        ran = run(talk, [ok({"items": items}), ok(b"", 503)])
        assert isinstance(failure(*ran.value.values()), Unreachable)

    def test_a_value_that_cannot_be_read_fails_the_find(self):
        replies = [ok({"items": [{"item_name": "/a", "item_type": "STATIC_SECRET"}]}), error(401, "no")]
        ran = run(provider(KEY).fetch(store(), Session(value=TICKET), (Find(name="."),)), replies)
        assert isinstance(failure(*ran.value.values()), Refused)


class TestProbe:
    def test_the_token_is_looked_at(self):
        desk = Desk()
        ran = desk.ask(Probe())
        assert ran.calls[0].url == f"{API}/validate-token" and isinstance(ran.value[Probe()], Found)
        desk.server.expire()
        assert failure(desk.one(Probe())) == Refused("Akeyless: the token is not valid: token has expired", session=True)

    def test_a_gateway_that_knows_no_such_call_leaves_it_open(self):
        answer = run(provider(KEY).fetch(store(), Session(value=TICKET), (Probe(),)), [error(404, "unknown command")]).value[Probe()]
        assert answer.unsure

    def test_a_universal_token_is_not_looked_at(self):
        ran = run(provider(KEY).fetch(store(), Session(value=Ticket(API, "u-1")), (Probe(),)), [])
        assert isinstance(ran.value[Probe()], Found)


class TestPush:
    def test_a_new_item(self):
        desk = Desk()
        ran = desk.push({"k": b"<v>", "other": b"x"}, "k")
        assert ran.value == Done(changed=True)
        create = body(ran.calls[1])
        create.pop("token")
        assert create == {"name": "/a", "value": '{"k":"\\u003cv\\u003e"}', "tags": ["k8s-external-secrets"]}
        assert ran.calls[1].name == "CreateSecret"

    def test_members_are_merged(self):
        desk = Desk()
        desk.server.put("/a", b'{"n": 12345678901234567890, "k": "old"}', {})
        assert desk.push({"k": b"new", "m": b"1"}).value == Done(changed=True)
        assert desk.server.held("/a") == b'{"k":"new","m":"1","n":12345678901234567890}'
        assert desk.push({"p": b"2"}, "p", "part").value == Done(changed=True)
        assert orjson.loads(desk.server.held("/a") or b"")["part"] == "2"

    def test_members_that_are_there_are_not_written(self):
        desk = Desk()
        desk.server.put("/a", b'{ "k": "v", "a": 1 }', {})
        ran = desk.push({"k": b"v"})
        assert ran.value == Done(changed=False) and desk.server.held("/a") == b'{ "k": "v", "a": 1 }' and len(ran.calls) == 2

    @pytest.mark.parametrize("held", [b"text", b"", b'"text"', b"[1]", b"null"])
    def test_a_remote_value_that_is_no_object(self, held):
        desk = Desk()
        desk.server.put("/a", held, {})
        assert isinstance(failure(desk.push({"k": b"v"}).value), Broken) and desk.server.held("/a") == held

    def test_only_static_secrets_are_written(self):
        desk = Desk()
        desk.server.items["/a"] = Item([{"user": "u"}], "DYNAMIC_SECRET", ["k8s-external-secrets"])
        assert isinstance(failure(desk.push({"k": b"v"}).value), InvalidSpec)
        assert isinstance(failure(desk.delete(prop="user").value), InvalidSpec)

    def test_bytes_that_are_no_text(self):
        ran = Desk().push({"k": b"\xff"})
        assert isinstance(failure(ran.value), Broken) and not ran.calls

    def test_a_denied_describe_creates_nothing(self):
        source = Source(data={"k": SecretBytes(b"v")})
        push = provider(KEY).push
        assert push is not None
        ran = run(push(store(), Session(value=TICKET), Push(key="/a", source=source)), [error(401, "UnauthorizedAccess")])
        assert isinstance(failure(ran.value), Refused)

    @pytest.mark.parametrize("text", [f'bad value {{"k":"{CANARY}"}}', f"bad {CANARY}"])
    def test_an_error_that_repeats_the_value(self, text):
        source = Source(data={"k": SecretBytes(CANARY.encode())})
        push = provider(KEY).push
        assert push is not None
        replies = [absent("/a"), error(400, text)]
        told = failure(run(push(store(), Session(value=TICKET), Push(key="/a", source=source)), replies).value)
        assert told == Broken("Akeyless create-secret /a: status 400")

    def test_what_others_made_is_not_deleted(self):
        desk = Desk()
        desk.server.put("/a", b'{"k": "v"}', {"x": "other"})
        assert desk.delete().value == Done(changed=False) and desk.delete(prop="k").value == Done(changed=False)
        assert desk.server.held("/a") is not None

    def test_a_property_is_deleted_and_the_last_one_with_the_item(self):
        desk = Desk()
        desk.push({"k": b"v", "m": b"w"})
        assert desk.delete(prop="none").value == Done(changed=False)
        assert desk.delete(prop="k").value == Done(changed=True) and desk.server.held("/a") == b'{"m":"w"}'
        ran = desk.delete(prop="m")
        assert ran.value == Done(changed=True) and desk.server.held("/a") is None
        assert [call.name for call in ran.calls] == ["DescribeItem", "GetSecretValue", "DeleteItem"]

    def test_an_item_that_vanishes_before_it_is_deleted(self):
        described = ok({"item_name": "/a", "item_type": "STATIC_SECRET", "item_tags": ["k8s-external-secrets"]})
        delete = provider(KEY).delete
        assert delete is not None
        assert run(delete(store(), Session(value=TICKET), Delete(key="/a")), [described, absent("/a")]).value == Done(changed=False)

    def test_existence(self):
        desk = Desk()
        desk.server.put("/a", b'{"k": null}', {})
        desk.server.put("/text", b"text", {})
        exists = provider(KEY).exists
        assert exists is not None
        assert desk.run(exists, Exists(key="/a", property="k")).value is True
        assert desk.run(exists, Exists(key="/a", property="none")).value is False
        assert desk.run(exists, Exists(key="/none", property="k")).value is False
        assert len(desk.run(exists, Exists(key="/text")).calls) == 1
        assert isinstance(failure(desk.run(exists, Exists(key="/text", property="k")).value), Broken)

    def test_an_empty_key(self):
        desk = Desk()
        assert isinstance(failure(desk.push({"k": b"v"}, key="").value), InvalidSpec)
        assert isinstance(failure(desk.delete("").value), InvalidSpec)
