"""Objects that say something unusable, as a CRD without a schema would let them through.

One patient and one healthy neighbour: the patient's condition and event name the cause, its Secret stays as it was, the neighbour follows
its store, and the patient recovers when the fault is mended.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from eso_core import providers
from eso_core.door import Blob, Entries, Failed, Found
from eso_core.failure import Broken, Unreachable
from eso_core.instant import MINUTE, SECOND
from eso_core.machines.shallow import LEVELS, shallow
from eso_core.machines.watch import PAGE
from eso_core.providers import _kit
from eso_core.providers._kit import CROWDED
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET, SECRET_STORE, Ref, collection_path
from eso_core.secret import SecretBytes
from eso_core.sim.api import ApiServer
from eso_core.wire import CallFailed, HttpReply, KubeCall, KubeReply
from tests.scenarios.stepper import Stepper
from tests.unit.core.objects import NS, es_manifest, raw

Json = Any
PATIENT, NEIGHBOUR = Ref(EXTERNAL_SECRET, NS, "app"), Ref(EXTERNAL_SECRET, NS, "well")
STORE, OTHER_STORE = Ref(SECRET_STORE, NS, "st"), Ref(SECRET_STORE, NS, "other")
GOOD = es_manifest(meta={"name": "app"})["spec"]
FAKE = {"fake": {"data": [{"key": "remote", "value": "first"}]}}


def provider(value: str) -> Json:
    return {"provider": {"fake": {"data": [{"key": "remote", "value": value}]}}}


def manifest(ref: Ref, spec: Json, **meta: Json) -> dict[str, Json]:
    where = {"namespace": ref.namespace} if ref.namespace else {}
    return {"apiVersion": ref.kind.api_version, "kind": ref.kind.name, "metadata": {"name": ref.name, **where, **meta}, "spec": spec}


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


class Ward:
    """Patient and neighbour, both synced."""

    def __init__(self) -> None:
        self.server = ApiServer()
        for kind in (EXTERNAL_SECRET, SECRET_STORE, CLUSTER_SECRET_STORE):
            self.server.serve(kind)
        self.server.create_namespace(NS)
        self.operator = Stepper(server=self.server)
        self.operator.apply(manifest(STORE, provider("first")))
        self.operator.apply(manifest(OTHER_STORE, provider("first")))
        self.operator.apply(manifest(PATIENT, GOOD))
        self.operator.apply(manifest(NEIGHBOUR, {**GOOD, "secretStoreRef": {"name": "other"}, "refreshInterval": "1m"}))
        self.operator.settle()
        assert (self.value("app"), self.value("well")) == ("first", "first")

    def value(self, name: str) -> str | None:
        found = self.operator.secret(name)
        return None if found is None else base64.b64decode(found["data"]["k"]).decode()

    def replace(self, ref: Ref, spec: Json, **meta: Json) -> None:
        """The whole spec, whatever it is."""
        held = self.server.read(ref)
        assert held is not None
        body = {**held, "metadata": {**held["metadata"], **meta}, "spec": spec}
        reply = self.server.handle(KubeCall(method="PUT", path=ref.path, body=raw(body)), self.operator.now.wall, "kubectl")
        assert reply.status == 200, reply.body
        self.operator.settle()

    def verdict(self, ref: Ref) -> tuple[str, str, str]:
        ready = self.operator.ready(ref)
        assert ready is not None
        return ready["status"], ready["reason"], ready["message"]

    def warnings(self, ref: Ref) -> list[str]:
        return [line.split(": ", 1)[1] for line in self.operator.events() if line.startswith(f"Warning {ref.kind.name}/{ref.name} ")]

    def neighbour_is_well(self) -> None:
        self.operator.apply(manifest(OTHER_STORE, provider("second")))
        self.operator.advance(2 * MINUTE)
        assert self.value("well") == "second"

    def mend(self) -> None:
        self.replace(STORE, provider("third"))
        self.replace(PATIENT, {**GOOD, "refreshInterval": "1m"})
        self.operator.advance(10 * MINUTE)
        assert self.value("app") == "third"
        assert self.verdict(PATIENT)[0] == "True"


UPDATE, PROVIDER = "could not update secret", "could not get secret data from provider"


def said(verdict: tuple[str, str, str]) -> tuple[str, str, str]:
    """A verdict without the cause that its message ends with."""
    status, reason, message = verdict
    return status, reason, message.partition(": ")[0]


@pytest.mark.parametrize(
    ("spec", "message", "event"),
    [
        ("text", UPDATE, "spec: must be an object"),
        ({"data": "text"}, UPDATE, "spec.data: must be a list"),
        ({"data": [5]}, UPDATE, "spec.data[0]: must be an object"),
        ({"data": [{"secretKey": 5, "remoteRef": {"key": "remote"}}]}, UPDATE, "spec.data[0].secretKey: must be a string"),
        ({"data": [{"secretKey": "k"}]}, UPDATE, "spec.data[0].remoteRef: is required"),
        ({"data": [{}] * 9}, UPDATE, "; and 13 more"),
        ({"dataFrom": {"extract": 1}}, UPDATE, "spec.dataFrom: must be a list"),
        ({"dataFrom": [{"extract": {"key": ["x"]}}]}, UPDATE, "spec.dataFrom[0].extract.key: must be a string"),
        ({"target": {"deletionPolicy": "Shred"}}, UPDATE, "spec.target.deletionPolicy: must be 'Delete', 'Merge' or 'Retain'"),
        ({"target": {"name": 5}}, UPDATE, "spec.target.name: must be a string"),
        ({"target": {"immutable": "yes"}}, UPDATE, "spec.target.immutable: must be a boolean"),
        ({"refreshInterval": 5}, UPDATE, "spec.refreshInterval: must be a string"),
        ({"refreshInterval": "soon"}, UPDATE, "spec.refreshInterval: is not a duration such as 1h30m"),
        ({"refreshInterval": "9" * 5000 + "h"}, UPDATE, "spec.refreshInterval: is not a duration such as 1h30m"),
        ({"refreshPolicy": "Sometimes"}, UPDATE, "spec.refreshPolicy: must be 'CreatedOnce', 'Periodic' or 'OnChange'"),
        ({"secretStoreRef": {"name": "st", "kind": "Store"}}, UPDATE, "spec.secretStoreRef.kind: must be 'SecretStore' or "),
        ({"secretStoreRef": {"name": "absent"}}, PROVIDER, 'could not get SecretStore "absent", it does not exist'),
        ({"secretStoreRef": {}}, PROVIDER, 'could not get SecretStore "", it does not exist'),
        ({"data": [{"secretKey": "k", "remoteRef": {"key": "absent"}}]}, PROVIDER, "spec.data[0] (key: absent)"),
        ({"data": [], "dataFrom": [{"find": {"name": {"regexp": "("}}}]}, PROVIDER, "spec.dataFrom[0].find, err: "),
        (
            {"data": [], "dataFrom": [{"extract": {"key": "remote"}}]},
            PROVIDER,
            "error processing spec.dataFrom[0].extract, err: the value is not a JSON object",
        ),
        ({"target": {"template": {"data": {"k": "{{ .k"}}}}, UPDATE, "spec.target.template.data.k: "),
    ],
)
def test_external_secret(spec: Json, message: str, event: str) -> None:
    ward = Ward()
    ward.replace(PATIENT, {**GOOD, **spec} if isinstance(spec, dict) else spec)
    ward.operator.advance(3 * SECOND)
    assert said(ward.verdict(PATIENT)) == ("False", "SecretSyncedError", message)
    assert [event in warning for warning in ward.warnings(PATIENT)] == [True]
    assert ward.value("app") == "first"
    ward.neighbour_is_well()
    ward.mend()


@pytest.mark.parametrize(
    ("spec", "message", "event"),
    [
        (5, "unable to create client", "spec: must be an object"),
        ({}, "unable to create client", "spec.provider: is required"),
        ({"provider": None}, "unable to create client", "spec.provider: is required"),
        ({"provider": []}, "unable to create client", "spec.provider: must be an object"),
        (
            {"provider": {}},
            "unable to create client",
            "spec.provider: secret stores must only have exactly one backend specified, found 0",
        ),
        (
            {"provider": {**FAKE, "vault": {"server": "https://vault"}}},
            "unable to create client",
            "spec.provider: secret stores must only have exactly one backend specified, found 2",
        ),
        ({"provider": {"fake": 5}}, "unable to create client", "spec.provider.fake: must be an object"),
        ({"provider": {"fake": {"data": [{"key": 1}]}}}, "unable to create client", "spec.provider.fake.data[0].key: must be a string"),
        ({"provider": {"previder": {"auth": {}}}}, "unable to create client", "there is no provider 'previder'"),
        ({"provider": {"vault": {"server": "vault"}}}, "unable to create client", "spec.provider.vault.server: must be a URL"),
        ({"provider": FAKE, "refreshInterval": "often"}, "unable to create client", "spec.refreshInterval: is neither"),
        ({"provider": FAKE, "refreshInterval": "-1s"}, "unable to create client", "spec.refreshInterval: must not be negative"),
        ({"provider": FAKE, "refreshInterval": [1]}, "unable to create client", "spec.refreshInterval: must be an integer or a string"),
        ({"provider": FAKE, "controller": {}}, "unable to create client", "spec.controller: must be a string"),
    ],
)
def test_store(spec: Json, message: str, event: str) -> None:
    ward = Ward()
    ward.replace(STORE, spec)
    ward.operator.advance(3 * SECOND)
    assert ward.verdict(STORE) == ("False", "InvalidProviderConfig", f"{message}: invalid")
    assert all(event in warning for warning in ward.warnings(STORE) if "currently maintained" not in warning)
    patch = {"external-secrets.io/force-sync": "now"}
    ward.replace(PATIENT, GOOD, annotations=patch)
    assert said(ward.verdict(PATIENT)) == ("False", "SecretSyncedError", PROVIDER)
    assert len(ward.warnings(PATIENT)) == 1
    assert "st" in ward.warnings(PATIENT)[0]
    assert ward.value("app") == "first"
    ward.neighbour_is_well()
    ward.mend()


def test_unknown_fields_are_no_fault() -> None:
    ward = Ward()
    ward.replace(STORE, {**provider("second"), "novelty": {"a": [1]}})
    entry = {"secretKey": "k", "remoteRef": {"key": "remote", "novelty": 1}, "novelty": []}
    ward.replace(PATIENT, {**GOOD, "data": [entry], "novelty": "x", "target": {"novelty": 2.5}})
    assert ward.value("app") == "second"
    assert ward.verdict(PATIENT)[0] == "True"


@pytest.mark.parametrize("name", ["labels", "annotations", "finalizers", "ownerReferences"])
def test_metadata_that_is_null(name: str) -> None:
    ward = Ward()
    ward.replace(PATIENT, GOOD | {"refreshInterval": "30m"}, **{name: None})
    assert ward.verdict(PATIENT)[0] == "True"
    assert ward.value("app") == "first"


@pytest.mark.parametrize(
    "status", ["text", {"conditions": "x"}, {"conditions": [{"type": "Odd", "status": "Very"}], "refreshTime": 5, "binding": [7]}]
)
def test_a_status_that_makes_no_sense_is_written_anew(status: Json) -> None:
    """What nobody wishes for must not keep a good spec from being done."""
    ward = Ward()
    for ref in (PATIENT, STORE):
        held = ward.server.read(ref)
        assert held is not None
        call = KubeCall(method="PUT", path=f"{ref.path}/status", body=raw({**held, "status": status}))
        assert ward.server.handle(call, ward.operator.now.wall, "kubectl").status == 200
    ward.operator.settle()
    ward.replace(STORE, provider("second"))
    ward.replace(PATIENT, {**GOOD, "refreshInterval": "30m"})
    ward.operator.advance(3 * SECOND)
    assert ward.value("app") == "second"
    assert (ward.verdict(PATIENT)[0], ward.verdict(STORE)[0]) == ("True", "True")


def test_the_reasons_of_a_huge_object_stay_short() -> None:
    ward = Ward()
    ward.replace(PATIENT, {**GOOD, "data": [{"secretKey": "k" * 1000, "remoteRef": {"key": 1, "x" * 5000: 1}}] * 300})
    [warning] = ward.warnings(PATIENT)
    assert len(warning) < 500
    assert ward.value("app") == "first"


@pytest.mark.parametrize("interval", ["1ns", "999ms"])
def test_a_tiny_interval_is_no_loop(interval: str) -> None:
    ward = Ward()
    ward.replace(STORE, {**provider("first"), "refreshInterval": interval})
    ward.replace(PATIENT, {**GOOD, "refreshInterval": interval})
    before = len(ward.operator.reports)
    ward.operator.advance(20 * SECOND)
    assert 15 <= len(ward.operator.reports) - before <= 60


# ---------------------------------------------------------------- what no API server should send


def listing(*items: str, version: str = "900") -> KubeReply:
    return KubeReply(status=200, body=f'{{"metadata":{{"resourceVersion":"{version}"}},"items":[{",".join(items)}]}}'.encode())


def item(ref: Ref, spec: str, **meta: Json) -> str:
    head = {**manifest(ref, 0)["metadata"], "uid": "u", "resourceVersion": "800", "generation": 1, **meta}
    return f'{{"apiVersion":"{ref.kind.api_version}","kind":"{ref.kind.name}","metadata":{json.dumps(head)},"spec":{spec}}}'


class TestDepth:
    @pytest.mark.parametrize("levels", [150, 190, 210, 240, 300, 900, 1100, 9_900])
    def test_one_deep_object_harms_no_other(self, levels: int) -> None:
        """In a list and in a watch line: it alone is refused, with the reason."""
        ward = Ward()
        body = f'{{"provider":{{"gitlab":{deep(levels)}}}}}'
        for path in ("list", "line"):
            operator = Stepper(server=ward.server)
            if path == "list":
                healthy = json.dumps(ward.server.read(OTHER_STORE))
                stores = listing(item(STORE, body), healthy, version=str(ward.server.version))
                where = collection_path(SECRET_STORE, "")
                operator.fault = lambda call: stores if call.path == where and call.method == "GET" else None  # noqa: B023
                operator.settle()
            else:
                operator.settle()
                [ticket] = [t for t, w in operator.engine._streams.items() if w.kind == SECRET_STORE]
                line = f'{{"type":"MODIFIED","object":{item(STORE, body, resourceVersion="99999")}}}'
                operator.engine.watch_lines(ticket, [line.encode()], operator.now)
                operator.settle()
            assert operator.engine.synced
            assert operator.engine.cache.get(STORE) is not None
            says = "is nested too deeply" if levels > 200 else "spec.provider.gitlab: must be an object"
            assert [warning for warning in ward.warnings(STORE) if warning.endswith(says)]
            assert ward.value("well") == "first"

    def test_what_fits_is_left_as_it_is(self) -> None:
        for text in (b'{"a": "[[{{", "b": [1, {"c": "\\"]"}]}', deep(LEVELS).encode(), b"", b"5"):
            assert shallow(text) == text

    def test_what_does_not_fit(self) -> None:
        assert shallow(deep(LEVELS + 1).encode()) == b"[" * LEVELS + b"null" + b"]" * LEVELS
        text = b"[" * LEVELS + b'[1, "]", {}], 2, {"x": [[]]}, "["' + b"]" * LEVELS
        assert shallow(text) == b"[" * LEVELS + b'null, 2, null, "["' + b"]" * LEVELS

    def test_a_refusal_of_any_depth(self) -> None:
        ward = Ward()
        ward.operator.fault = lambda call: KubeReply(status=500, body=b"[" * 100_000) if call.method == "PUT" else None
        ward.replace(STORE, provider("second"))
        patched = ward.server.read(PATIENT)
        assert patched is not None


@pytest.mark.parametrize(
    "odd",
    [
        '{"metadata":{"name":"x","namespace":5,"resourceVersion":"9"}}',
        '{"metadata":{"name":"x","namespace":["a"],"resourceVersion":"9"}}',
        '{"metadata":{"name":{},"resourceVersion":"9"}}',
        '{"metadata":{"name":"x","labels":7,"namespace":"team","resourceVersion":"9"},"data":[],"spec":[]}',
        '{"metadata":{"name":"x","labels":{"reconcile.external-secrets.io/created-by":{}},"namespace":"team","resourceVersion":"9"}}',
        '{"metadata":{"name":"x","namespace":"team","resourceVersion":"9","finalizers":5,"deletionTimestamp":{}},"data":"x"}',
        '{"metadata":{"name":"x","namespace":"team","resourceVersion":"9","uid":5,"generation":"1"},"data":{"k":5},"status":5}',
        '{"metadata":{"name":"x","namespace":"team","resourceVersion":"9"},"data":{"k":"no base64, \u00e9"}}',
        "5",
        '"text"',
        "[]",
        "{}",
        '{"metadata":null}',
        '{"metadata":{"name":"x","namespace":"team","resourceVersion":"' + "9" * 5000 + '"}}',
    ],
)
@pytest.mark.parametrize("kind", [SECRET, EXTERNAL_SECRET, SECRET_STORE, CLUSTER_SECRET_STORE], ids=lambda kind: kind.name)
def test_odd_items_of_a_list(kind: Any, odd: str) -> None:
    """They may be dropped; they must not stop the others."""
    ward = Ward()
    operator = Stepper(server=ward.server)
    where = collection_path(kind, "")
    held = [json.dumps(o) for o in ward.server.objects(kind)]
    reply = listing(odd, *held, version=str(ward.server.version))
    operator.fault = lambda call: reply if call.path == where and call.method == "GET" else None
    operator.settle()
    assert operator.engine.synced
    ward.operator = operator
    ward.neighbour_is_well()


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"\xff", b"null"])
def test_a_credential_that_is_no_object(answer: bytes) -> None:
    """A proxy in the way answers 200 with a page of its own."""
    ward = Ward()
    credentials = Ref(SECRET, NS, "credentials")
    auth = {"tokenSecretRef": {"name": "credentials", "key": "token"}}
    ward.operator.fault = lambda call: KubeReply(status=200, body=answer) if call.path == credentials.path else None
    ward.replace(STORE, {"provider": {"vault": {"server": "https://vault", "path": "kv", "auth": auth}}})
    assert ward.verdict(STORE) == ("False", "InvalidProviderConfig", "unable to create client: bad data")
    assert f"the API server's answer for {credentials} is not a JSON object" in ward.warnings(STORE)
    ward.neighbour_is_well()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"token": "no base64, \u00e9"}, 'the data under key "token" in Secret team/credentials is not base64'),
        ({"token": 5}, 'cannot find secret data for key: "token" in Secret team/credentials'),
        ("text", 'cannot find secret data for key: "token" in Secret team/credentials'),
    ],
)
def test_a_credential_that_is_not_usable(data: Json, says: str) -> None:
    ward = Ward()
    credentials = Ref(SECRET, NS, "credentials")
    auth = {"tokenSecretRef": {"name": "credentials", "key": "token"}}
    body = raw({"metadata": {"name": "credentials"}, "data": data})
    ward.operator.fault = lambda call: KubeReply(status=200, body=body) if call.path == credentials.path else None
    ward.replace(STORE, {"provider": {"vault": {"server": "https://vault", "path": "kv", "auth": auth}}})
    assert says in ward.warnings(STORE)


def test_a_page_that_is_too_large_is_asked_for_by_halves() -> None:
    """Objects of a megabyte each make a list that no client reads at once."""
    ward = Ward()
    asked: list[int] = []

    def too_large(call: KubeCall) -> CallFailed | None:
        query = dict(call.query)
        if call.path != collection_path(SECRET, "") or call.method != "GET":
            return None
        asked.append(int(query["limit"]))
        return CallFailed(Broken("API server: answer larger than 67108864 bytes")) if asked[-1] > 1 else None

    operator = Stepper(server=ward.server)
    operator.fault = too_large
    operator.advance(5 * MINUTE)
    assert operator.engine.synced
    assert asked == [PAGE, 250, 125, 62, 31, 15, 7, 3, 1, 1]
    assert operator.engine.cache.get(Ref(SECRET, NS, "well")) is not None


def test_an_api_server_that_is_down_gets_pages_of_the_usual_size() -> None:
    operator = Stepper(server=Ward().server)
    operator.fault = lambda call: CallFailed(Unreachable("down"))
    operator.advance(MINUTE)
    operator.fault = lambda call: None
    seen: list[str] = []
    operator.fault = lambda call: seen.append(dict(call.query).get("limit", "")) or None
    operator.advance(MINUTE)
    assert operator.engine.synced
    assert {limit for limit in seen if limit} == {str(PAGE)}


# ---------------------------------------------------------------- answers of backends that are too much


MANY = b"[" + b"[]," * 60_000 + b"1]"


@pytest.mark.parametrize("key", ["vault", "aws", "fake"])
def test_a_secret_with_too_many_values(key: str) -> None:
    """A body below the size limit that would take a minute and most of a gigabyte to read."""
    dialect = providers.load(key).dialect
    whole = Blob(SecretBytes(b'{"a":' + MANY + b"}"))
    escaped = Blob(SecretBytes(json.dumps({"a": MANY.decode()}).replace("[", "\\u005b").replace(",", "\\u002c").encode()))
    assert dialect.value(whole, "a") == dialect.value(whole, "") == dialect.entries(whole, "") == dialect.entries(whole, "a") == CROWDED
    assert dialect.entries(escaped, "a") == CROWDED
    assert isinstance(dialect.value(Blob(SecretBytes(b'{"a":' + b"1," * 3 + b"}")), "a"), Failed | Found)


def test_a_kubernetes_secret_with_too_many_values() -> None:
    """It is no matter while it is copied as a whole."""
    dialect = providers.load("kubernetes").dialect
    found = Entries({"a": SecretBytes(MANY)})
    assert dialect.value(found, "a") == Found(Blob(SecretBytes(MANY)))
    assert dialect.entries(found, "") == Found(found)
    assert dialect.value(found, "a.0") == dialect.entries(found, "a") == dialect.entries(found, "a.0") == CROWDED


def test_a_pause_of_any_length() -> None:
    reply = HttpReply(status=429, headers={"retry-after": "9" * 5000})
    assert _kit.throttled(reply, "x").after_ns == _kit.RETRY_AFTER_MAX * SECOND
