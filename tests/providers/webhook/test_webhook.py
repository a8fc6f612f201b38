"""The webhook provider: what is sent, what is made of the answer, and what is refused."""

from __future__ import annotations

import base64
import json

import pytest

from eso_core.door import Absent, Delete, Done, Entries, Exists, Failed, Find, Found, Get, Probe, Push, Session, Source, WholeSecret
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers import webhook
from eso_core.providers.webhook.text import AMBIENT
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, SdkReply
from tests.providers.scripts import CANARY, NAMESPACE, access, ask, entries, failure, ok, one, parsed, provider, run, value

URL = "https://hook.example/s/{{ .remoteRef.key }}"
HELD = {"key": CANARY, "user": "u1"}
SECRETS = [{"name": "cred", "secretRef": {"name": "hook"}}]
KEY = Get(key="db")


def whole(**keys):
    return json.dumps({key: base64.b64encode(text.encode()).decode() for key, text in keys.items()})


def store(path="", cluster=False, **spec):
    held = {"secret0": whole(**HELD)} if "secrets" in spec else {}
    return access("webhook", {"url": URL, "result": {"jsonPath": path}, **spec}, held, cluster=cluster)


def call_of(use, query=KEY, reply=None):
    [call] = ask("webhook", use, query, replies=[reply if reply is not None else ok({})]).calls
    return call


# ---------------------------------------------------------------- requests


def test_the_plainest_request():
    call = call_of(store())
    assert (call.method, call.url, dict(call.headers), call.body, call.timeout_s) == ("GET", "https://hook.example/s/db", {}, b"", 30)
    assert (call.name, provider("webhook").label, provider("webhook").capabilities) == ("HTTPRequest", "Webhook", "ReadWrite")


def test_everything_is_a_template():
    use = store(
        method="PUT",
        url="https://{{ .cred.user }}.hook.example/{{ .remoteRef.key }}?v={{ .remoteRef.version }}&p={{ .remoteRef.property }}",
        headers={"X-Key": "{{ .cred.key }}", "X-From": "{{ .remoteRef.namespace }}/{{ .remoteRef.key | upper }}"},
        body='{"k":{{ .remoteRef.key | toJson }},"u":"{{ index .cred "user" }}"}',
        secrets=SECRETS,
        timeout="1m1s",
    )
    call = call_of(use, Get(key='a/b "c"', version="v&1", property="p=q"))
    assert (call.method, call.timeout_s) == ("PUT", 61)
    assert call.url == "https://u1.hook.example/a%2Fb+%22c%22?v=v%261&p=p%3Dq"
    assert call.headers == {"X-Key": CANARY, "X-From": f'{NAMESPACE}/A/B "C"'}
    assert json.loads(call.body) == {"k": 'a/b "c"', "u": "u1"}


def test_what_is_not_there_prints_as_in_the_reference():
    assert call_of(store(url="https://h/{{ .remoteRef.nosuch }}{{ .nosuch }}")).url == "https://h/%3Cno%20value%3E%3Cno%20value%3E"


def test_a_secret_named_remote_ref_is_laid_over():
    use = store(url="https://h/{{ .remoteRef.key }}-{{ .remoteRef.version }}", secrets=[{"name": "remoteRef", "secretRef": {"name": "x"}}])
    assert call_of(use, Get(key="db", version="v1")).url == f"https://h/{CANARY}-v1"


def test_secrets_must_be_labelled():
    spec = {
        "url": URL,
        "result": {},
        "secrets": [{"name": "a", "secretRef": {"name": "x", "namespace": "n"}}, {"name": "a", "secretRef": {"name": "y"}}],
        "auth": {"ntlm": {"usernameSecret": {"name": "u", "key": "k"}, "passwordSecret": {"name": "p", "key": "k"}}},
        "caProvider": {"type": "ConfigMap", "name": "ca", "key": "crt"},
    }
    needs = provider("webhook").needs(parsed("webhook", spec))
    label = ("external-secrets.io/type", "webhook")
    wholes = {slot: WholeSecret(name, space, label) for slot, name, space in (("secret0", "x", "n"), ("secret1", "y", ""))}
    assert {slot: need for slot, need in needs.items() if slot != "ca"} == {
        **wholes,
        "ntlm_user": WholeSecret("u", "", label),
        "ntlm_password": WholeSecret("p", "", label),
    }
    assert set(needs) == {*wholes, "ntlm_user", "ntlm_password", "ca"}


def test_a_user_in_the_url_is_an_authorization():
    call = call_of(store(url="https://me%40x:p%2Fw@h:8443/x#y"))
    assert call.url == "https://h:8443/x"
    assert call.headers == {"Authorization": "Basic " + base64.b64encode(b"me@x:p/w").decode()}
    assert call_of(store(url="https://me:pw@h/x", headers={"authorization": "Bearer t"})).headers == {"authorization": "Bearer t"}


@pytest.mark.parametrize(
    ("key", "path"),
    [(".hidden", "/s/.hidden"), ("a b", "/s/a+b"), ("ü", "/s/%C3%BC"), ("a..b", "/s/a..b"), ("x#y?z", "/s/x%23y%3Fz"), ("%2e", "/s/%252e")],
)
def test_keys_stay_keys(key, path):
    assert call_of(store(), Get(key=key)).url == f"https://hook.example{path}"


@pytest.mark.parametrize(
    ("spec", "key", "text"),
    [
        ({}, "..", "'..'"),
        ({}, ".", "'..'"),
        ({}, "../admin", "'..'"),
        ({}, "a/../../b", "'..'"),
        ({}, "..\\admin", "'..'"),
        ({"url": "{{ .remoteRef.key }}"}, "db", "https://"),
        ({"url": "{{ .remoteRef.key }}://h/"}, "ftp", "https://"),
        ({"url": "https://h:{{ .remoteRef.key }}/"}, "x", "URL"),
        ({"url": "https://{{ .remoteRef.key }}"}, "", "https://"),
        ({"url": 'https://h/{{ "a\\nb" }}'}, "db", "character"),
        ({"url": 'https://h/{{ fail "no" }}'}, "db", "url"),
        ({"headers": {"X": '{{ "a\\nb" }}'}}, "db", "line break"),
        ({"body": "{{ .remoteRef.key.x }}"}, "db", "body"),
        ({"body": '{{ htpasswd "a" "b" | repeat 1 }}'}, "db", "body"),
        ({"body": '{{ genPrivateKey "rsa" }}'}, "db", "body"),
        ({"body": "{{ range until 99999 }}{{ range until 99999 }}x{{ end }}{{ end }}"}, "db", "body"),
    ],
)
def test_requests_that_cannot_be_made(spec, key, text):
    use = store(**spec)
    ran = ask("webhook", use, Get(key=key), replies=lambda call: SdkReply(value=1.0 if call.name == "ambient.now" else b"s" * 48))
    got = failure(ran.value[Get(key=key)])
    assert isinstance(got, InvalidSpec)
    assert text in f"{got.what} {got.path}"


def test_time_and_chance_are_asked_for_where_they_are_used():
    use = store(url='https://h/{{ now | date "2006" }}/{{ uuidv4 }}', body="{{ randAlphaNum 8 }}")
    ran = ask("webhook", use, KEY, replies=[SdkReply(value=1_700_000_000.5), SdkReply(value=b"\x07" * 48), ok({})])
    assert [call.name for call in ran.calls] == ["ambient.now", "ambient.chance", "HTTPRequest"]
    assert ran.calls[2].url.startswith("https://h/2023/")
    again = ask("webhook", use, KEY, replies=[SdkReply(value=1_700_000_000.5), SdkReply(value=b"\x08" * 48), ok({})])
    assert (again.calls[2].url, again.calls[2].body) != (ran.calls[2].url, ran.calls[2].body)
    assert len(ran.calls[2].body) == 8
    assert {"now", "uuidv4", "randAlphaNum", "date", "htpasswd"} <= AMBIENT
    assert not {"regexMatch", "fromJson", "toJson", "quote", "upper"} & AMBIENT


@pytest.mark.parametrize("replies", [[CallFailed(Broken("x")), SdkReply(value=b"")], [SdkReply(value="x"), SdkReply(value=b"s")]])
def test_without_time_and_chance_nothing_is_sent(replies):
    assert isinstance(failure(ask("webhook", store(body="{{ uuidv4 }}"), KEY, replies=replies).value[KEY]), Failure)


@pytest.mark.parametrize(
    ("template", "apart"),
    [
        ("{{ .remoteRef.key }}{{ .cred.namespace }}", False),
        ("{{ .remoteRef.namespace }}", True),
        ("{{ toJson .remoteRef }}", True),
        ("{{ with .remoteRef }}{{ .namespace }}{{ end }}", True),
        ('{{ index . "remoteRef" "namespace" }}', True),
        ("{{ toJson . }}", True),
        ("{{ range . }}{{ end }}", True),
    ],
)
def test_namespaces_are_kept_apart_where_templates_may_tell_them_apart(template, apart):
    by_namespace = provider("webhook").by_namespace
    assert by_namespace is not None
    assert by_namespace(store(body=template).spec) is apart
    assert by_namespace(store(path="$.a" + template).spec) is apart


# ---------------------------------------------------------------- answers

DOCUMENT = {
    "s": "text",
    "json": '{"a":1}',
    "t": True,
    "n": None,
    "l": ["first", 2],
    "deep": [[7]],
    "none": [],
    "o": {"b": 1.50, "a": "<&>", "u": "ü"},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.s", b"text"),
        ("$.t", b"true"),
        ("$.n", b""),
        ("$.l", b"first"),
        ("$.l[1]", b"2"),
        ("$.deep", b"7"),
        ("$..a", b"<&>"),
        ("$.o", b'{"a":"\\u003c\\u0026\\u003e","b":1.5,"u":"\xc3\xbc"}'),
        ("$.{{ .remoteRef.property }}", b"text"),
        ("$.{{ .cred.user | replace `u1` `s` }}", b"text"),
        ("", json.dumps(DOCUMENT).encode()),
    ],
)
def test_one_value(path, found):
    use = store(path, secrets=SECRETS)
    query = Get(key="db", property="s")
    assert value("webhook", one("webhook", use, query, ok(json.dumps(DOCUMENT).encode())), "s") == found


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1", b"1"),
        ("1.5", b"1.5"),
        ("1.50", b"1.5"),
        ("2.0", b"2"),
        ("0.1", b"0.1"),
        ("-0", b"-0"),
        ("100", b"100"),
        ("1e3", b"1000"),
        ("12345678901234567890", b"12345678901234567890"),
        ("1234567890.12345678901", b"1234567890.12345678901"),
        ("1e-7", b"0.0000001"),
        ("1e21", b"1000000000000000000000"),
        ("1e999999999", b"1e999999999"),
    ],
)
def test_numbers_are_exact(number, text):
    answer = one("webhook", store("$.n"), KEY, ok(f'{{"n":{number}}}'.encode()))
    assert value("webhook", answer) == text
    assert entries("webhook", one("webhook", store("$"), KEY, ok(f'{{"n":{number}}}'.encode()))) == {"n": text}


def test_large_numbers_inside_are_kept():
    answer = one("webhook", store("$.o"), KEY, ok(b'{"o":{"big":12345678901234567890,"f":1.50,"l":[1e2]}}'))
    assert value("webhook", answer) == b'{"big":12345678901234567890,"f":1.5,"l":[100]}'


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        (
            "$.value",
            b'{"value":{"a":"1","b":2,"c":true,"n":null,"o":{"x":"<"}}}',
            {"a": b"1", "b": b"2", "c": b"true", "n": b"", "o": b'{"x":"\\u003c"}'},
        ),
        ("", b'{"a":"1"}', {"a": b"1"}),
        ("$.s", b'{"s":"{\\"a\\":1}"}', {"a": b"1"}),
        ("", b'"{\\"a\\":1}"', {"a": b"1"}),
    ],
)
def test_several_values(path, body, found):
    assert entries("webhook", one("webhook", store(path), KEY, ok(body))) == found


@pytest.mark.parametrize(
    ("path", "body"),
    [("$.l", b'{"l":[{"a":1}]}'), ("$.s", b'{"s":"text"}'), ("", b"[1]"), ("", b"null"), ("", b"text"), ("", b""), ("$.n", b'{"n":1}')],
)
def test_what_is_no_map(path, body):
    assert isinstance(failure(entries("webhook", one("webhook", store(path), KEY, ok(body)))), Broken)


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("$.nosuch", b"{}", Missing),
        ("$.s.t", b'{"s":1}', Missing),
        ("$.s", b"<html>", Broken),
        ("$.s", b"", Broken),
        ("$.s", b'{"s":"t"', Broken),
        ("$.s", b"[" + b"1," * 100_001 + b"1]", Broken),
        ("$.{{ .remoteRef.key }}[", b"{}", InvalidSpec),
    ],
)
def test_responses_without_the_value(path, body, kind):
    got = failure(one("webhook", store(path), KEY, ok(body)))
    assert isinstance(got, kind)


def test_a_list_of_nothing():
    answer = one("webhook", store("$.none"), KEY, ok(DOCUMENT))
    assert isinstance(failure(provider("webhook").dialect.value(answer.payload, "")), Missing)


def test_deep_documents_are_survived():
    answer = one("webhook", store("$"), KEY, ok(b'{"a":' * 5_000 + b"1" + b"}" * 5_000))
    assert isinstance(value("webhook", answer), bytes)
    assert isinstance(entries("webhook", answer), dict)


@pytest.mark.parametrize("body", [b"", b"<html>nginx</html>", b'{"error":"no such secret"}'])
def test_any_404_is_a_missing_secret(body):
    assert one("webhook", store("$.s"), KEY, ok(body, 404)) == Absent()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (ok(b"", 304), Broken),
        (ok(b"", 400), Broken),
        (ok(b"", 401), Refused),
        (ok(b"", 403), Refused),
        (ok(b"", 405), Broken),
        (ok(b"", 410), Broken),
        (ok(b"", 429, retry_after="7"), Throttled),
        (ok(b"", 500), Unreachable),
        (ok(b"", 302, location="https://elsewhere"), Unreachable),
        (CallFailed(Unreachable("x")), Unreachable),
    ],
)
def test_failures(reply, kind):
    got = failure(one("webhook", store("$.s", secrets=SECRETS, url="https://h/?k={{ .cred.key }}"), KEY, reply))
    assert isinstance(got, kind)
    assert CANARY not in repr(got)


@pytest.mark.parametrize("status", [418, 401, 500])
def test_the_text_of_an_error(status):
    got = failure(one("webhook", store(url="https://h:8443/x?k=y"), KEY, ok(b"body", status)))
    assert got.what == f"webhook GET https://h:8443: endpoint gave error {status}"


def test_finds_are_refused():
    assert isinstance(failure(one("webhook", store(), Find(name="x"))), InvalidSpec)


# ---------------------------------------------------------------- probe


class TestProbe:
    @pytest.mark.parametrize("status", [200, 204, 302, 401, 404, 405, 500, 503])
    def test_any_answer_will_do(self, status):
        ran = ask("webhook", store(headers={"X": "{{ .cred.key }}"}, secrets=SECRETS), Probe(), replies=[ok(b"", status)])
        assert ran.value[Probe()] == Found(Entries({}))
        [call] = ran.calls
        assert (call.method, call.url, dict(call.headers)) == ("HEAD", "https://hook.example/", {})

    def test_no_answer(self):
        assert one("webhook", store(), Probe(), CallFailed(Unreachable("x"))) == Failed(Unreachable("x"))

    def test_an_address_that_a_key_makes(self):
        answer = one("webhook", store(url="https://{{ .remoteRef.key }}/"), Probe())
        assert isinstance(answer, Failed)
        assert answer.unsure


# ---------------------------------------------------------------- commands

PUSH_URL = "https://h/{{ .remoteRef.remoteKey }}"


def push_of(key="a/b", secret_key="k", **data):
    held = {name: SecretBytes(text.encode()) for name, text in (data or {"k": CANARY}).items()}
    return Push(key=key, secret_key=secret_key, source=Source(data=held))


def pushed(command, *replies, **spec):
    return run(webhook.push(store(**{"url": PUSH_URL, **spec}), Session(), command), replies)


def test_a_push_sends_the_value():
    ran = pushed(push_of(), ok(b"", 201))
    [call] = ran.calls
    assert (ran.value, call.method, call.url, call.body) == (Done(changed=True), "POST", "https://h/a%2Fb", CANARY.encode())


def test_a_push_by_template():
    spec = {"method": "PUT", "body": '{"v":"{{ index .remoteRef .remoteRef.remoteKey }}","k":"{{ .remoteRef.secretKey }}"}'}
    [call] = pushed(push_of("x-y"), ok(b""), **spec).calls
    assert (call.method, json.loads(call.body)) == ("PUT", {"v": CANARY, "k": "k"})
    [call] = pushed(push_of("plain"), ok(b""), url="https://h/?v={{ .remoteRef.plain }}", body="{{ .remoteRef.plain }}").calls
    assert (call.url, call.body) == (f"https://h/?v={CANARY}", CANARY.encode())


def test_a_push_of_a_whole_secret():
    [call] = pushed(push_of("x", "", b="2", a="<1>"), ok(b""), headers={"X": "{{ .remoteRef.secretKey }}"}).calls
    assert (call.body, call.headers["X"]) == (b'{"a":"<1>","b":"2"}', "<no value>")


@pytest.mark.parametrize(
    ("reply", "result"),
    [(ok(b"", 200), Done(changed=True)), (ok(b"", 204), Done(changed=True)), (ok(b"", 304), Done(changed=False))],
)
def test_pushes_that_are_done(reply, result):
    assert pushed(push_of(), reply).value == result


@pytest.mark.parametrize(("reply", "kind"), [(ok(b"", 404), Missing), (ok(b"", 400), Broken), (ok(b"", 500), Unreachable)])
def test_pushes_that_fail(reply, kind):
    got = failure(pushed(push_of(), reply).value)
    assert isinstance(got, kind)
    assert CANARY not in repr(got)


@pytest.mark.parametrize(("command", "kind"), [(push_of(""), InvalidSpec), (push_of("x", "nosuch"), Missing), (push_of(".."), InvalidSpec)])
def test_pushes_that_are_not_sent(command, kind):
    assert isinstance(failure(pushed(command).value), kind)


@pytest.mark.parametrize(
    ("reply", "result"),
    [(ok(b"", 200), Done(changed=True)), (ok(b"", 404), Done(changed=False)), (ok(b"", 304), Done(changed=False)), (ok(b"", 500), None)],
)
def test_deletions(reply, result):
    use = store(url=PUSH_URL + "?t={{ .cred.user }}", method="PUT", headers={"X": "{{ .cred.key }}"}, secrets=SECRETS, body="b")
    ran = run(webhook.delete(use, Session(), Delete(key="a b")), [reply])
    [call] = ran.calls
    assert (call.method, call.url, call.headers["X"], call.body) == ("DELETE", "https://h/a+b?t=u1", CANARY, b"")
    assert ran.value == result if result is not None else isinstance(failure(ran.value), Unreachable)


@pytest.mark.parametrize(("reply", "result"), [(ok(b""), True), (ok(b"", 404), False), (ok(b"", 500), None)])
def test_existence_is_a_read(reply, result):
    use = store(url="https://h/{{ .remoteRef.key }}/{{ .remoteRef.remoteKey }}", path="$.nosuch")
    ran = run(webhook.exists(use, Session(), Exists(key="x")), [reply])
    assert (ran.calls[0].method, ran.calls[0].url) == ("GET", "https://h/x/x")
    assert ran.value is result if result is not None else isinstance(failure(ran.value), Unreachable)


# ---------------------------------------------------------------- NTLM

NTLM = {"ntlm": {"usernameSecret": {"name": "ad", "key": "u"}, "passwordSecret": {"name": "ad", "key": "p"}}}


class TestNtlm:
    def use(self, **keys):
        held = {"ntlm_user": whole(u="CORP\\me"), "ntlm_password": whole(**(keys or {"p": CANARY}))}
        return access("webhook", {"url": URL, "result": {"jsonPath": "$.s"}, "auth": NTLM, "timeout": "10s"}, held)

    def test_the_library_sends(self):
        ran = ask("webhook", self.use(), KEY, replies=[SdkReply(value={"status": 200, "headers": {}, "body": b'{"s":"t"}'})])
        [call] = ran.calls
        assert (call.name, call.goes_to, call.args["username"], call.args["password"]) == (
            "ntlm.send",
            "https://hook.example/s/db",
            "CORP\\me",
            CANARY,
        )
        assert (call.args["method"], call.args["url"], call.args["timeout_s"]) == ("GET", "https://hook.example/s/db", 10)
        assert value("webhook", ran.value[KEY]) == b"t"

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (SdkReply(value={"status": 401, "headers": {}, "body": b""}), Refused),
            (SdkReply(value={"status": 429, "headers": {"retry-after": "7"}, "body": b""}), Throttled),
            (SdkReply(value=None), Broken),
            (SdkReply(value={"status": "200", "body": b""}), Broken),
            (CallFailed(Unreachable("x")), Unreachable),
        ],
    )
    def test_failures(self, reply, kind):
        assert isinstance(failure(one("webhook", self.use(), KEY, reply)), kind)

    def test_a_missing_key(self):
        assert isinstance(failure(one("webhook", self.use(other="x"), KEY)), Missing)


# ---------------------------------------------------------------- parsing


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"url": ""}, "url"),
        ({"url": "https://h/{{ .x"}, "url"),
        ({"url": "https://h/{{ nosuch }}"}, "url"),
        ({"body": "{{ end }}"}, "body"),
        ({"headers": {"X": "{{"}}, "headers.X"),
        ({"headers": {"a b": "x"}}, "headers"),
        ({"method": "GET /x"}, "method"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": "-1s"}, "timeout"),
        ({"result": {"jsonPath": "$.a["}}, "result.jsonPath"),
        ({"result": {"jsonPath": "{{"}}, "result.jsonPath"),
        ({"auth": {}}, "auth"),
        ({"caBundle": "bm9uc2Vuc2U="}, ""),
    ],
)
def test_stores_that_cannot_be_used(spec, path):
    wrong = parsed("webhook", {"url": URL, "result": {}, **spec})
    assert isinstance(wrong, InvalidSpec)
    assert wrong.path == (f"spec.provider.webhook.{path}" if path else "")


@pytest.mark.parametrize(("text", "seconds"), [(None, 30), ("0s", 30), ("500ms", 0.5), ("10s", 10), ("1h", 120)])
def test_time_limits(text, seconds):
    spec = {"url": URL, "result": {}, **({"timeout": text} if text is not None else {})}
    assert parsed("webhook", spec).timeout_s == seconds


def test_nothing_of_a_store_is_shown():
    use = store(url=f"https://h/{CANARY}", headers={"X": CANARY}, body=CANARY, path=f'$["{CANARY}"]')
    assert CANARY not in repr(use)
    assert CANARY not in repr(one("webhook", use, KEY, ok({CANARY: CANARY})))
