"""Pushes, deletions and existence at Vault: what is written, what is left alone, and with which calls."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec import Raw

from eso_core.door import Delete, Done, Exists, Failed, Push, Source
from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Unreachable
from eso_core.providers._push import NOT_MANAGED
from eso_core.secret import SecretBytes
from tests.providers.scripts import CANARY, access, ok, provider, run, session
from tests.providers.vault.server import URL, Secret, Vault, Version

V2 = {"server": URL, "path": "secret", "auth": {"tokenSecretRef": {"name": "t", "key": "k"}}}
V1 = {**V2, "version": "v1"}
TAG = {"managed-by": "external-secrets"}
WRITES = ("PUT", "POST", "DELETE")


class Desk:
    """A server and a store that uses it. ``made`` is what the last command called, in short."""

    def __init__(self, spec=V2, server=None, token="hvs.static-token-1"):
        self.vault = server or Vault(version=1 if spec.get("version") == "v1" else 2)
        self.use = access("vault", spec, {"token": token})
        self.session = session("vault", self.use)
        self.calls: list[Any] = []

    def do(self, command):
        name = {Push: "push", Delete: "delete", Exists: "exists"}[type(command)]
        ran = run(getattr(provider("vault"), name)(self.use, self.session, command), self.vault.answer)
        self.calls = ran.calls
        return ran.value

    def push(self, key, value=None, prop="", **data):
        held = {name: SecretBytes(text if isinstance(text, bytes) else text.encode()) for name, text in data.items()}
        if value is not None:
            held["value"] = SecretBytes(value if isinstance(value, bytes) else value.encode())
        name = "value" if value is not None else ""
        return self.do(Push(key=key, property=prop, secret_key=name, source=Source(data=held)))

    @property
    def made(self):
        return [(call.method, call.url.removeprefix(f"{URL}/v1/"), call.name) for call in self.calls]

    def writes(self):
        return [call for call in self.calls if call.method in WRITES]

    def held(self, key="x"):
        found = self.vault.held(key)
        return orjson.loads(found) if found is not None else None


@pytest.mark.parametrize(
    ("told", "what"), [("cannot store a-value-that-nobody-else-m...", "status 400"), ("cannot store it", "cannot store it")]
)
@pytest.mark.parametrize("prop", ["p", ""])
def test_an_error_that_repeats_a_value_is_not_told(told, what, prop):
    desk = Desk(V1)
    answer, value = desk.vault.answer, "a-value-that-nobody-else-may-see"
    desk.vault.answer = lambda call: ok({"errors": [told]}, 400) if call.method in WRITES else answer(call)
    pushed = desk.push("x", value if prop else orjson.dumps({"k": [value]}), prop)
    assert pushed == Failed(Broken(f"Vault PUT {URL}/v1/secret/x: {what}"))


class TestVersion2:
    def test_a_new_secret(self):
        desk = Desk()
        assert desk.push("app/x", '{"a":1.50,"b":"<&>"}') == Done(changed=True)
        assert desk.made == [
            ("GET", "secret/data/app/x", "ReadSecretData"),
            ("PUT", "secret/metadata/app/x", "WriteSecretData"),
            ("PUT", "secret/data/app/x", "WriteSecretData"),
        ]
        assert [call.body for call in desk.calls[1:]] == [
            b'{"custom_metadata":{"managed-by":"external-secrets"}}',
            b'{"data":{"a":1.50,"b":"<&>"}}',
        ]

    def test_the_same_again_is_not_written(self):
        desk = Desk()
        desk.push("x", '{"a":{"b":[1.50,null]},"c":"d"}')
        assert desk.push("x", '{ "c":"d", "a":{"b":[1.50,null]}}') == Done(changed=False)
        assert len(desk.calls) == 1

    def test_numbers_are_compared_as_the_engine_keeps_them(self):
        desk = Desk()
        desk.push("x", '{"a":1.50,"b":1e3,"c":12345678901234567890}')
        desk.vault.engine.v2["x"].versions[1] = Version({"a": Raw(b"1.5"), "b": Raw(b"1000"), "c": Raw(b"12345678901234567000")})
        assert desk.push("x", '{"a":1.50,"b":1e3,"c":12345678901234567890}') == Done(changed=False)
        assert desk.push("x", '{"a":1.51,"b":1e3,"c":12345678901234567890}') == Done(changed=True)
        old = Desk(V1)
        old.push("x", '{"a":1.5}')
        assert old.push("x", '{"a":1.50}') == Done(changed=True)

    @pytest.mark.parametrize(("levels", "got"), [(300, Done), (9990, Failed), (20_000, Failed)])
    def test_deep_values(self, levels, got):
        desk = Desk()
        deep = b'{"a":' + b"[" * levels + b"]" * levels + b"}"
        talk = provider("vault").push(desk.use, desk.session, Push(key="x", secret_key="v", source=Source(data={"v": SecretBytes(deep)})))
        there = b'{"data":{"data":' + deep + b',"metadata":{"version":1,"custom_metadata":{"managed-by":"external-secrets"}}}}'
        assert isinstance(run(talk, [ok(there)]).value, got)

    def test_another_value_takes_two_calls_and_replaces_all(self):
        desk = Desk()
        desk.push("x", '{"a":"1","b":"2"}')
        assert desk.push("x", '{"a":"3"}') == Done(changed=True)
        assert [call.method for call in desk.calls] == ["GET", "PUT"]
        assert desk.held() == {"a": "3"}

    def test_other_tags_stay(self):
        desk = Desk()
        desk.push("x", '{"a":"1"}')
        desk.vault.engine.v2["x"].custom = {**TAG, "team": "red"}
        desk.push("x", '{"a":"2"}')
        assert desk.vault.engine.v2["x"].custom == {**TAG, "team": "red"}

    def test_anothers_secret(self):
        desk = Desk()
        desk.vault.put("x", b'{"a":"theirs"}', {"managed-by": "someone"})
        assert desk.push("x", '{"a":"ours"}') == NOT_MANAGED
        assert desk.do(Delete(key="x")) == Done(changed=False)
        assert desk.held() == {"a": "theirs"}

    def test_after_a_deletion_the_tags_of_the_secret_stay(self):
        desk = Desk()
        desk.vault.engine.v2["x"] = Secret({1: Version(None)}, {"team": "red"})
        assert desk.push("x", '{"a":"1"}') == Done(changed=True)
        assert desk.vault.engine.v2["x"].custom == {**TAG, "team": "red"}
        assert desk.vault.engine.v2["x"].current == 2

    def test_a_property(self):
        desk = Desk()
        desk.push("x", '{"n":12345678901234567890,"a":"1"}')
        assert desk.push("x", "text", "b.c") == Done(changed=True)
        assert desk.vault.held("x") == b'{"a":"1","b.c":"text","n":12345678901234567000}'
        assert desk.push("x", "text", "b.c") == Done(changed=False)
        assert desk.push("x", "new", "a") == Done(changed=True)
        assert desk.held()["a"] == "new"

    def test_a_property_of_a_new_secret(self):
        desk = Desk()
        assert desk.push("x", CANARY, "a") == Done(changed=True)
        assert desk.held() == {"a": CANARY}

    def test_a_property_that_is_no_text_is_not_replaced(self):
        desk = Desk()
        desk.push("x", '{"a":{"deep":1}}')
        assert isinstance(desk.push("x", "t", "a"), Failed)
        assert desk.writes() == []

    def test_the_whole_secret(self):
        desk = Desk()
        assert desk.push("x", None, b="2", a="<1>") == Done(changed=True)
        assert desk.held() == {"a": "<1>", "b": "2"}
        assert desk.push("x", None, "whole", c="3") == Done(changed=True)
        assert desk.held()["whole"] == '{"c":"3"}'

    @pytest.mark.parametrize("value", ["text", "[1]", "null", "1", "", '{"a":', b"\xff"])
    def test_a_value_that_is_no_object(self, value):
        desk = Desk()
        got = desk.push("x", value)
        assert isinstance(got, Failed)
        assert "not a JSON object" in got.failure.what
        assert desk.writes() == []

    def test_bytes_that_are_no_text(self):
        desk = Desk()
        assert "UTF-8" in desk.push("x", b"\xff", "a").failure.what
        assert desk.writes() == []

    def test_a_key_that_the_secret_does_not_have(self):
        desk = Desk()
        got = desk.do(Push(key="x", secret_key="nope", source=Source(data={})))
        assert isinstance(got.failure, Missing)
        assert desk.calls == []

    @pytest.mark.parametrize("key", ["", "/", "secret/", "secret/data/", "a/../b", ".."])
    def test_keys_that_name_no_secret(self, key):
        desk = Desk()
        for got in (desk.push(key, "{}"), desk.do(Delete(key=key))):
            assert isinstance(got.failure, InvalidSpec)
        assert desk.calls == []

    def test_a_repeated_mount_is_left_out_of_both_paths(self):
        desk = Desk()
        desk.push("secret/app/x", '{"a":"1"}')
        assert [path for _, path, _ in desk.made] == ["secret/data/app/x", "secret/metadata/app/x", "secret/data/app/x"]

    def test_what_the_reference_tagged_under_a_repeated_mount_is_ours(self):
        desk = Desk()
        desk.vault.put("app/x", b'{"a":"1"}', {})
        desk.vault.engine.v2["secret/app/x"] = Secret({}, dict(TAG))
        assert desk.push("secret/app/x", '{"a":"1"}') == Done(changed=False)
        assert desk.push("secret/app/x", '{"a":"2"}') == Done(changed=True)
        assert desk.push("app/x", '{"a":"2"}') == NOT_MANAGED

    @pytest.mark.parametrize("status", [403, 500, 503])
    def test_a_read_that_fails_writes_nothing(self, status):
        desk = Desk()
        talk = provider("vault").push(desk.use, desk.session, Push(key="x", secret_key="v", source=Source(data={"v": SecretBytes(b"{}")})))
        ran = run(talk, [ok({"errors": ["no"]}, status)])
        assert isinstance(ran.value.failure, Refused | Unreachable)

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"data":null}', b'{"data":{"data":"text"}}', b'{"data":{}}', b"<html>"])
    def test_nonsense_is_not_taken_for_nothing(self, body):
        desk = Desk()
        for name, command in (
            ("push", Push(key="x", secret_key="v", source=Source(data={"v": SecretBytes(b"{}")}))),
            ("delete", Delete(key="x")),
        ):
            got = run(getattr(provider("vault"), name)(desk.use, desk.session, command), [ok(body)]).value
            assert isinstance(got.failure, Broken)

    def test_a_tag_that_cannot_be_written(self):
        desk = Desk()
        replies = [ok({"errors": []}, 404), ok({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}, 403)]
        talk = provider("vault").push(desk.use, desk.session, Push(key="x", secret_key="v", source=Source(data={"v": SecretBytes(b"{}")})))
        ran = run(talk, replies)
        assert isinstance(ran.value.failure, Refused)
        assert len(ran.calls) == 2


class TestCheckAndSet:
    SPEC = {**V2, "checkAndSet": {"required": True}}

    def desk(self):
        desk = Desk(self.SPEC)
        desk.vault.cas_required = True
        return desk

    def cas(self, desk):
        return orjson.loads(desk.calls[-1].body)["options"]["cas"]

    def test_the_version_that_is_replaced(self):
        desk = self.desk()
        assert desk.push("x", '{"a":"1"}') == Done(changed=True)
        assert self.cas(desk) == 0
        assert desk.push("x", '{"a":"2"}') == Done(changed=True)
        assert self.cas(desk) == 1
        assert desk.push("x", "3", "b") == Done(changed=True)
        assert self.cas(desk) == 2

    def test_after_a_deletion_of_the_latest_version(self):
        desk = self.desk()
        desk.push("x", '{"a":"1"}')
        desk.vault.engine.v2["x"].versions[1] = Version(None)
        assert desk.push("x", '{"a":"2"}') == Done(changed=True)
        assert self.cas(desk) == 1

    def test_a_property_is_removed_with_it(self):
        desk = self.desk()
        desk.push("x", '{"a":"1","b":"2"}')
        assert desk.do(Delete(key="x", property="a")) == Done(changed=True)
        assert self.cas(desk) == 1

    def test_an_old_server_tells_the_version_with_the_metadata(self):
        desk = Desk(self.SPEC, Vault(told=False))
        desk.push("x", '{"a":"1"}')
        assert desk.push("x", '{"a":"2"}') == Done(changed=True)
        assert [path for _, path, _ in desk.made] == ["secret/data/x", "secret/metadata/x", "secret/data/x"]
        assert self.cas(desk) == 1

    def test_somebody_was_faster(self):
        desk = self.desk()
        refused = ok({"errors": ["check-and-set parameter did not match the current version"]}, 400)
        talk = provider("vault").push(desk.use, desk.session, Push(key="x", secret_key="v", source=Source(data={"v": SecretBytes(b"{}")})))
        got = run(talk, [ok({"errors": []}, 404), ok(b"", 204), refused]).value
        assert "check-and-set" in got.failure.what


class TestDeleting:
    def test_the_secret_with_all_versions(self):
        desk = Desk()
        desk.push("x", '{"a":"1"}')
        assert desk.do(Delete(key="x")) == Done(changed=True)
        assert desk.made == [("GET", "secret/data/x", "ReadSecretData"), ("DELETE", "secret/metadata/x", "DeleteSecret")]
        assert desk.held() is None
        assert desk.do(Delete(key="x")) == Done(changed=False)

    def test_a_property(self):
        desk = Desk()
        desk.push("x", '{"a":"1","b":"2"}')
        assert desk.do(Delete(key="x", property="c")) == Done(changed=False)
        assert desk.do(Delete(key="x", property="a")) == Done(changed=True)
        assert desk.made[-1] == ("PUT", "secret/data/x", "DeleteSecret")
        assert desk.held() == {"b": "2"}
        assert desk.do(Delete(key="x", property="b")) == Done(changed=True)
        assert desk.held() is None

    def test_a_404_that_is_not_the_servers_word(self):
        desk = Desk()
        got = run(provider("vault").delete(desk.use, desk.session, Delete(key="x")), [ok(b"404 page not found", 404)]).value
        assert isinstance(got, Failed)


class TestVersion1:
    def test_the_tag_is_part_of_the_data(self):
        desk = Desk(V1)
        assert desk.push("x", '{"a":"1"}') == Done(changed=True)
        assert desk.made == [("GET", "secret/x", "ReadSecretData"), ("PUT", "secret/x", "WriteSecretData")]
        assert desk.held() == {"a": "1", "custom_metadata": TAG}
        assert desk.push("x", '{"a":"1"}') == Done(changed=False)
        assert desk.push("x", "2", "b") == Done(changed=True)
        assert desk.held() == {"a": "1", "b": "2", "custom_metadata": TAG}

    def test_anothers_secret(self):
        desk = Desk(V1)
        desk.vault.put("x", b'{"a":"theirs"}', {})
        assert desk.push("x", '{"a":"ours"}') == NOT_MANAGED
        assert desk.do(Delete(key="x")) == Done(changed=False)

    def test_deleting(self):
        desk = Desk(V1)
        desk.push("x", '{"a":"1","b":"2"}')
        assert desk.do(Delete(key="x", property="a")) == Done(changed=True)
        assert desk.held() == {"b": "2", "custom_metadata": TAG}
        assert desk.do(Delete(key="x", property="b")) == Done(changed=True)
        assert desk.made[-1] == ("DELETE", "secret/x", "DeleteSecret")
        assert desk.held() is None

    def test_not_without_a_mount(self):
        desk = Desk({"server": URL, "version": "v1", "auth": V2["auth"]})
        got = desk.push("sys/policies/acl/root", '{"policy":"x"}')
        assert isinstance(got.failure, InvalidSpec)
        assert desk.calls == []


class TestWithoutAMount:
    SPEC = {"server": URL, "auth": V2["auth"]}

    @pytest.mark.parametrize("key", ["secret/app/x", "secret/data/app/x"])
    def test_both_spellings(self, key):
        desk = Desk(self.SPEC)
        assert desk.push(key, '{"a":"1"}') == Done(changed=True)
        assert [path for _, path, _ in desk.made] == ["secret/data/app/x", "secret/metadata/app/x", "secret/data/app/x"]
        assert desk.do(Exists(key=key)) is True
        assert desk.do(Delete(key=key)) == Done(changed=True)

    def test_a_mount_alone_is_no_secret(self):
        desk = Desk(self.SPEC)
        assert isinstance(desk.push("secret", "{}").failure, InvalidSpec)
        assert desk.calls == []


class TestExistence:
    @pytest.mark.parametrize(
        ("prop", "there"), [("", True), ("a", True), ("n", False), ("deep.b", True), ("deep.c", False), ("e", True), ("nope", False)]
    )
    def test_properties(self, prop, there):
        desk = Desk()
        desk.vault.put("x", b'{"a":"1","n":null,"deep":{"b":null},"e":""}', {})
        assert desk.do(Exists(key="x", property=prop)) is there
        assert desk.made == [("GET", "secret/data/x", "ReadSecretData")]

    def test_nothing(self):
        desk = Desk()
        assert desk.do(Exists(key="x")) is False
        desk.vault.engine.v2["x"] = Secret({1: Version(None)})
        assert desk.do(Exists(key="x")) is False

    def test_it_cannot_be_told(self):
        desk = Desk(token="wrong")
        assert isinstance(desk.do(Exists(key="x")).failure, Refused)
        nowhere = Desk({**V2, "path": "nomount"})
        assert isinstance(nowhere.do(Exists(key="x")).failure, Missing)
