"""What the operator makes of bad backends and bad objects: it says why, on the object itself, and goes on with all others.

A control plane of its own, whose CRDs admit everything. Every patient is synced first, then all fall ill at once.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.e2e.harness import nasty as manners
from tests.e2e.harness.backends import secret
from tests.e2e.harness.binaries import Binaries
from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.kubectl import Kubectl
from tests.e2e.harness.nasty import CANARY, Behaviour, Nasty
from tests.e2e.harness.operator import Operator
from tests.e2e.harness.process import NotInTime

pytestmark = pytest.mark.xdist_group("bad-input")

API = "external-secrets.io/v1"
NS = "ward"
TOKEN = "s.token-of-the-ward"
HEALTHY = tuple(f"healthy-{i}" for i in range(5))
BULK = tuple(f"bulk-{i}" for i in range(20))
RSS_MAX = 200  # MB
Json = dict[str, Any]

MB = b"x" * 1024 * 1024


@dataclass(frozen=True)
class Case:
    """A backend that falls ill, and what is said about it."""

    behaviour: Behaviour
    says: str
    cause: str = "bad data"  # the class, in the condition; empty: the provider is not to blame
    calls_max: int = 8  # in the time that it takes until all have been looked at


NO_JSON = "the answer is not JSON of the expected shape"
CASES: dict[str, Case] = {
    "garbage": Case(manners.garbage, NO_JSON),
    "html": Case(manners.html, NO_JSON),
    "shape": Case(manners.other_shape, NO_JSON),
    "empty": Case(manners.empty, NO_JSON),
    "null": Case(manners.body(b'{"data": null}'), "failed to find data field"),
    "deep": Case(manners.body(b'{"data": {"data": {"k": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}}"), NO_JSON),
    "huge": Case(manners.body(b'{"data": {"data": {"k": "' + MB * 10 + b'"}}}'), "answer larger than 8388608 bytes"),
    "large": Case(manners.body(b'{"data": {"data": {"k": "' + MB + MB[:300_000] + b'"}}}'), "Too long", ""),
    "crowded": Case(manners.body(b'{"data": {"data": {"k": [' + b"[]," * 2_500_000 + b"1]}}}"), "the secret has more than 100000 values"),
    "error": Case(manners.error, "internal error", "unreachable"),
    "reset": Case(manners.reset, "the connection broke inside the answer", "unreachable"),
    "redirect": Case(manners.redirect("http://localhost:9"), "redirects to another origin, http://localhost:9"),
    "throttled": Case(manners.throttle(30), "slow down", "throttled", calls_max=2),
    "expired": Case(manners.refused, "permission denied", "auth", calls_max=16),
    "hang": Case(manners.hang, "no answer within 30 s", "unreachable", calls_max=3),
    "trickle": Case(manners.trickle, "no answer within 30 s", "unreachable", calls_max=3),
}

GOOD: Json = {"data": [{"secretKey": "k", "remoteRef": {"key": "one", "property": "k"}}], "refreshInterval": "1h"}


def _one(**ref: Any) -> Json:
    return {"data": [{"secretKey": "k", "remoteRef": {"key": "one", "property": "k", **ref}}]}


def _all(key: str, **rewrite: Any) -> Json:
    return {"data": [], "dataFrom": [{"extract": {"key": key}, **({"rewrite": [rewrite]} if rewrite else {})}]}


def _template(text: str) -> Json:
    return {"target": {"template": {"data": {"t": text}}}}


BAD_OBJECTS: dict[str, tuple[Any, str]] = {
    "text": ("text", "spec: must be an object"),
    "data": ({"data": [7]}, "spec.data[0]: must be an object"),
    "policy": ({"target": {"deletionPolicy": "Shred"}}, "spec.target.deletionPolicy: must be 'Delete', 'Merge' or 'Retain'"),
    "interval": ({"refreshInterval": "soon"}, "spec.refreshInterval: is not a duration such as 1h30m"),
    "store": ({"secretStoreRef": {"name": "absent"}}, 'could not get SecretStore "absent", it does not exist'),
    "regexp": ({"data": [], "dataFrom": [{"find": {"name": {"regexp": "("}}}]}, "spec.dataFrom[0].find"),
    "property": (_one(property="nope"), 'spec.data[0] (key: one), err: the secret has no property "nope"'),
    "missing": (_one(key="nope"), "spec.data[0] (key: nope), err: Secret does not exist"),
    "decoding": (_one(decodingStrategy="Base64"), "spec.data[0] (key: one), err: illegal base64 data"),
    "null-byte": (_one(key="odd", property="null", nullBytePolicy="Fail"), 'value for key "k" contains null bytes'),
    "collision": (_all("slashes"), "secret name collision during conversion"),
    "rewrite": (_all("one", regexp={"source": "(", "target": "x"}), "spec.dataFrom[0].extract, err: error applying rewrite to keys"),
    "key": (_all("one", regexp={"source": "k", "target": "no key"}), "spec.dataFrom[0].extract, err: invalid secret keys"),
    "priority": (_all("nothing", merge={"priority": ["nope"]}), 'merge failed with key "nope" not found in input map'),
    "no-json": (_all("one", merge={}), "merge failed with failed to unmarshal JSON"),
    "manifest": ({"target": {"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}}, "spec.target.manifest: generic targets are disabled"),
    "token": ({"target": {"template": {"type": "bootstrap.kubernetes.io/token"}}}, "spec.target.template.type: "),
    "no-template": (_template("{{ .k"), "spec.target.template.data.t: unable to parse template at key t: template: t:1: unclosed action"),
    "no-value": (_template("{{ .nope }}"), 'executing "t" at <.nope>: map has no entry for key "nope"'),
    "told": (_template("{{ fail .k }}"), "error calling fail: its message is not shown, since it may hold data"),
    "endless": (_template("{{ range until 1000000000 }}x{{ end }}"), "error calling until: a list of more than 100000 elements"),
    "doubling": (
        _template("{{ $x := .k }}{{ range until 99 }}{{ $x = print $x $x }}{{ end }}"),
        "error calling print: a value of more than",
    ),
    "no-source": (
        {"target": {"template": {"templateFrom": [{"configMap": {"name": "nope", "items": [{"key": "k"}]}}]}}},
        'configmaps "nope" not found',
    ),
    "not-owned": ({**_all("nothing"), "target": {"creationPolicy": "Orphan", "deletionPolicy": "Delete"}}, "spec.target.creationPolicy: "),
}
FAKE: Json = {
    "data": [
        {"key": "one", "value": '{"k": "first"}'},
        {"key": "odd", "value": '{"null": "a\\u0000b"}'},
        {"key": "slashes", "value": '{"a/b": "1", "a_b": "2"}'},
        {"key": "nothing", "value": "{}"},
    ]
}
BAD_STORES: dict[str, tuple[Any, str]] = {
    "text": ("text", "spec: must be an object"),
    "none": ({"provider": {}}, "exactly one backend specified, found 0"),
    "two": ({"provider": {"fake": FAKE, "vault": {"server": "https://vault.example"}}}, "exactly one backend specified, found 2"),
    "unknown": ({"provider": {"previder": {"auth": {}}}}, "there is no provider 'previder'"),
    "shape": ({"provider": {"fake": {"data": {}}}}, "spec.provider.fake.data: must be a list"),
    "url": ({"provider": {"vault": {"server": "vault"}}}, "spec.provider.vault.server: must be a URL"),
}


def es(name: str, store: str, **spec: Any) -> Json:
    return {
        "apiVersion": API,
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": NS},
        "spec": {**GOOD, "secretStoreRef": {"name": store}, **spec},
    }


def store(name: str, spec: Any) -> Json:
    return {"apiVersion": API, "kind": "SecretStore", "metadata": {"name": name, "namespace": NS}, "spec": spec}


def vault(server: str, **auth: Any) -> Json:
    login = auth or {"tokenSecretRef": {"name": "token", "key": "token"}}
    return {"refreshInterval": "1h", "provider": {"vault": {"server": server, "path": "kv", "version": "v2", "auth": login}}}


@dataclass
class Ward:
    """The cluster with its patients."""

    plane: ControlPlane
    operator: Operator
    nasty: Nasty
    untrusted: Nasty
    kubectl: Kubectl = field(init=False)
    pid: int | None = None
    ill_since: float = 0.0

    def __post_init__(self) -> None:
        self.kubectl = self.plane.admin

    def value(self, name: str) -> str | None:
        found = self.kubectl.find("v1", "Secret", name, NS)
        return None if found is None else base64.b64decode(found["data"]["k"]).decode()

    def ready(self, name: str, kind: str = "ExternalSecret") -> tuple[str, str]:
        found = self.kubectl.find(API, kind, name, NS) or {}
        held = found.get("status", {}).get("conditions", [])
        return next(((c["status"], c["reason"]) for c in held if c["type"] == "Ready"), ("", ""))

    def ready_message(self, name: str, kind: str = "ExternalSecret") -> str:
        held = self.kubectl.get(API, kind, name, NS)["status"]["conditions"]
        return next(c["message"] for c in held if c["type"] == "Ready")

    def warnings(self, name: str, kind: str = "ExternalSecret") -> list[str]:
        events = self.kubectl.list("v1", "Event", NS)
        about = ((event["involvedObject"], event) for event in events if event["type"] == "Warning")
        return [event["message"] for object_, event in about if (object_["kind"], object_["name"]) == (kind, name)]

    def says(self, name: str, cause: str, kind: str = "ExternalSecret", timeout_s: float = 20.0) -> None:
        """The condition is False, and an event names the cause."""
        self.until(lambda: self.ready(name, kind)[0] == "False", f"{kind} {name} is not ready", timeout_s)
        self.until(lambda: any(cause in text for text in self.warnings(name, kind)), f"{kind} {name}: {cause}", 5)

    def until(self, condition: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
        try:
            self.kubectl.wait_for(condition, what, timeout_s)
        except NotInTime as late:
            raise AssertionError(f"{late}\n{self.operator.log[-3000:]}") from None

    def force(self, *names: str) -> None:
        patch = {"metadata": {"annotations": {"external-secrets.io/force-sync": str(time.monotonic())}}}
        for name in names:
            self.kubectl.patch(API, "ExternalSecret", name, patch, NS)

    def put_raw(self, path: str, body: str, method: str = "POST") -> None:
        """JSON that Python's own encoder does not make."""
        with urllib3.PoolManager(ca_cert_data=self.plane.ca_pem.decode(), retries=False, timeout=20) as pool:
            headers = {"Authorization": f"Bearer {self.plane.admin_token}", "Content-Type": "application/json"}
            answer = pool.request(method, f"{self.plane.server}{path}", body=body.encode(), headers=headers)
            assert answer.status in (200, 201), answer.data[:500]

    def memory(self, line: str = "VmRSS") -> int:
        """MB of the operator's process."""
        found = re.search(rf"{line}:\s+(\d+) kB", Path(f"/proc/{self.operator.pid}/status").read_text())
        assert found is not None
        return int(found[1]) // 1024

    def all_is_well(self) -> None:
        """Nothing crashed, and whoever is healthy is served at once."""
        assert self.operator.pid == self.pid
        assert self.operator.ready()
        assert self.operator.healthy()
        value = f"at {time.monotonic()}"
        for name in HEALTHY:
            self.nasty.put("healthy", name, {"k": value})
        self.force(*HEALTHY)
        self.until(lambda: all(self.value(name) == value for name in HEALTHY), "the healthy ones are served", 5)


def admit_everything(kubectl: Kubectl) -> None:
    """CRDs without a schema, as if an older or newer release had made them."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for plural in ("externalsecrets", "secretstores", "clustersecretstores"):
        name = f"{plural}.external-secrets.io"
        versions = kubectl.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)["spec"]["versions"]
        for version in versions:
            version["schema"]["openAPIV3Schema"] = anything
            version.pop("selectableFields", None)  # of the schema that was
        kubectl.patch("apiextensions.k8s.io/v1", "CustomResourceDefinition", name, {"spec": {"versions": versions}})
        kind = "ExternalSecret" if plural == "externalsecrets" else "SecretStore" if plural == "secretstores" else "ClusterSecretStore"
        path = kubectl.path(API, kind, namespace="default")
        probe = {"apiVersion": API, "kind": kind, "metadata": {"name": "probe"}, "spec": 5}
        kubectl.wait_for(lambda path=path, probe=probe: kubectl.request("POST", path, probe, dryRun="All")[0] == 201, f"{kind} is loose")


@pytest.fixture(scope="module")
def ward(binaries: Binaries) -> Iterator[Ward]:
    with ControlPlane(binaries, controllers=False) as plane, Nasty() as nasty, Nasty(tls=True) as untrusted:
        operator = Operator(plane)
        admit_everything(plane.admin)
        with operator:
            made = Ward(plane, operator, nasty, untrusted)
            plane.admin.create_namespace(NS)
            admit_patients(made)
            fall_ill(made)
            yield made
    assert TOKEN not in made.operator.log
    assert CANARY not in made.operator.log


def admit_patients(ward: Ward) -> None:
    kubectl, nasty = ward.kubectl, ward.nasty
    kubectl.apply(secret(NS, "token", {"token": TOKEN}), secret(NS, "role", {"id": "secret-id"}))
    app_role = {"path": "approle", "roleId": "role", "secretRef": {"name": "role", "key": "id"}}
    kubectl.apply(*(store(name, vault(nasty.server(name))) for name in (*CASES, "healthy", "bulk")))
    kubectl.apply(store("renewed", vault(nasty.server("renewed"), appRole=app_role)), store("fake", {"provider": {"fake": FAKE}}))
    for name in (*CASES, "renewed"):
        nasty.put(name, "one", {"k": "first"})
        kubectl.apply(es(name, name))
    for name in (*HEALTHY, *BULK):
        group = name.partition("-")[0]
        nasty.put(group, name, {"k": "first"})
        kubectl.apply(es(name, group, data=[{"secretKey": "k", "remoteRef": {"key": name, "property": "k"}}]))
    for name in BAD_OBJECTS:
        kubectl.apply(es(f"object-{name}", "fake"))
    for name in BAD_STORES:
        kubectl.apply(store(f"store-{name}", {"provider": {"fake": FAKE}, "refreshInterval": "1h"}), es(f"of-{name}", f"store-{name}"))
    expected = {*CASES, "renewed", *HEALTHY, *BULK, *(f"object-{n}" for n in BAD_OBJECTS), *(f"of-{n}" for n in BAD_STORES)}

    def synced() -> set[str]:
        held = kubectl.list("v1", "Secret", NS, "reconcile.external-secrets.io/managed=true")
        return expected - {each["metadata"]["name"] for each in held}

    ward.until(lambda: not synced(), "all are synced", 30)
    ward.pid = ward.operator.pid


def fall_ill(ward: Ward) -> None:
    kubectl, nasty = ward.kubectl, ward.nasty
    for name, case in CASES.items():
        nasty.behave(name, case.behaviour)
    nasty.behave("renewed", manners.only_the_last_token)
    nasty.tokens["renewed"] = "another one: the operator's has expired"
    nasty.put("renewed", "one", {"k": "second"})
    ward.ill_since = time.monotonic()
    ward.force(*CASES, "renewed")
    for name, (spec, _) in BAD_OBJECTS.items():
        held = kubectl.get(API, "ExternalSecret", f"object-{name}", NS)
        kubectl.replace({**held, "spec": {**held["spec"], **spec} if isinstance(spec, dict) else spec})
    for name, (spec, _) in BAD_STORES.items():
        held = kubectl.get(API, "SecretStore", f"store-{name}", NS)
        kubectl.replace({**held, "spec": spec})
    kubectl.apply(store("untrusted", vault(ward.untrusted.server("untrusted"))), es("untrusted", "untrusted"))
    for name, behaviour in (("probe-garbage", manners.garbage), ("probe-refused", manners.refused), ("probe-error", manners.error)):
        nasty.behave(name, behaviour, "auth")
        kubectl.apply(store(name, vault(nasty.server(name))))


# ---------------------------------------------------------------- tests, in this order


def test_healthy_neighbours(ward: Ward) -> None:
    ward.all_is_well()


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("hang", "trickle")])
def test_bad_backend(ward: Ward, name: str) -> None:
    case = CASES[name]
    ward.says(name, case.says)
    if case.cause:
        told = f'could not get secret data from provider: SecretStore "{name}", key "one": {case.cause}'
        assert ward.ready_message(name) == told
    assert ward.value(name) == "first"


def test_an_expired_session_is_renewed_without_a_word(ward: Ward) -> None:
    ward.until(lambda: ward.value("renewed") == "second", "a new login was made")
    assert ward.warnings("renewed") == []
    assert ward.nasty.calls("renewed", "auth/approle/login", since=ward.ill_since) == 1
    assert ward.nasty.calls("renewed", "kv", since=ward.ill_since) == 2


def test_a_certificate_that_nobody_trusts(ward: Ward) -> None:
    ward.says("untrusted", "its certificate is not trusted: ", "SecretStore")
    ward.says("untrusted", 'SecretStore "untrusted" is not ready')
    assert ward.ready_message("untrusted", "SecretStore") == "unable to validate store: unreachable"
    assert ward.untrusted.calls("untrusted") == 0  # not even a token was sent


@pytest.mark.parametrize(
    ("name", "cause"), [("garbage", "no TTL found in response"), ("refused", "permission denied"), ("error", "internal error")]
)
def test_bad_answers_to_a_validation(ward: Ward, name: str, cause: str) -> None:
    ward.says(f"probe-{name}", cause, "SecretStore")


@pytest.mark.parametrize("name", BAD_OBJECTS)
def test_bad_object(ward: Ward, name: str) -> None:
    ward.says(f"object-{name}", BAD_OBJECTS[name][1])
    assert ward.value(f"object-{name}") == "first"


@pytest.mark.parametrize("name", BAD_STORES)
def test_bad_store(ward: Ward, name: str) -> None:
    ward.says(f"store-{name}", BAD_STORES[name][1], "SecretStore")
    assert ward.ready(f"store-{name}", "SecretStore") == ("False", "InvalidProviderConfig")
    ward.force(f"of-{name}")
    ward.says(f"of-{name}", f"store-{name}")
    assert ward.value(f"of-{name}") == "first"


@pytest.mark.parametrize("levels", [250, 1100, 9_900])
def test_a_store_that_is_nested_without_end(ward: Ward, levels: int) -> None:
    """Deeper than decoders bear; the API server takes 10,000 levels."""
    name = f"deep-{levels}"
    whole = json.dumps(store(name, {"provider": {"outer": "HERE"}})).replace('"HERE"', '{"a":' * levels + "1" + "}" * levels)
    ward.put_raw(ward.kubectl.path(API, "SecretStore", namespace=NS), whole)
    ward.kubectl.apply(es(name, name))
    ward.until(lambda: any("is nested too deeply" in text for text in ward.warnings(name, "SecretStore")), "the store says so")
    ward.says(name, "is nested too deeply")
    ward.all_is_well()


def test_a_watch_line_of_more_than_a_megabyte(ward: Ward) -> None:
    """The largest object that etcd takes; most of it in a field that nobody knows."""
    ward.kubectl.apply(es("megabyte", "fake", novelty="n" * 1_300_000))
    ward.until(lambda: ward.value("megabyte") == "first", "it is synced like any other")
    ward.until(lambda: ward.ready("megabyte") == ("True", "SecretSynced"), "it says so")


def test_twenty_answers_of_ten_megabytes(ward: Ward) -> None:
    ward.nasty.behave("bulk", manners.chunks(MB, 10))
    start = time.monotonic()
    ward.force(*BULK)
    for name in BULK:
        ward.says(name, "answer larger than 8388608 bytes", timeout_s=30)
    ward.all_is_well()
    assert {ward.value(name) for name in BULK} == {"first"}
    assert (ward.memory() < RSS_MAX, ward.memory("VmHWM") < RSS_MAX) == (True, True), (ward.memory(), ward.memory("VmHWM"))
    assert ward.nasty.calls("bulk", since=start) <= 7 * len(BULK)


@pytest.mark.parametrize("name", ["hang", "trickle"])
def test_a_backend_that_keeps_one_waiting(ward: Ward, name: str) -> None:
    ward.says(name, CASES[name].says, timeout_s=40)
    assert ward.value(name) == "first"


def test_calls_are_few(ward: Ward) -> None:
    """Pauses double: no backend is asked more often for being ill."""
    spent = time.monotonic() - ward.ill_since
    calls = {name: ward.nasty.calls(name, since=ward.ill_since) for name in CASES}
    assert spent < 120
    assert {name: count for name, count in calls.items() if count > CASES[name].calls_max} == {}
    ward.all_is_well()


def test_a_restart_among_the_ill(ward: Ward) -> None:
    """It ends while backends hang, and comes up with every bad object in its first lists."""
    asked = ward.nasty.calls("hang")

    def hangs() -> bool:
        ward.force("hang")  # again and again: its backend may be in the middle of a pause, during which nothing is asked
        return ward.nasty.calls("hang") > asked

    ward.until(hangs, "a call hangs", 90)
    start = time.monotonic()
    ward.operator.stop()
    assert time.monotonic() - start < 10
    assert '"msg":"stopped"' in ward.operator.log.splitlines()[-1]
    for name in ("throttled", "hang", "trickle"):  # each would take half a minute again
        ward.nasty.behave(name, manners.good)
    ward.operator.start()
    ward.pid = ward.operator.pid
    ward.all_is_well()
    assert ward.value("garbage") == "first"


def test_all_recover(ward: Ward) -> None:
    ward.nasty.behave_well()
    for name in CASES:
        ward.nasty.put(name, "one", {"k": "mended"})
    ward.kubectl.apply(*(es(f"object-{name}", "fake") for name in BAD_OBJECTS))

    def mended() -> bool:
        ill = [name for name in CASES if ward.value(name) != "mended"]
        ward.force(*ill)
        return not ill

    ward.until(mended, "all follow their backends again", 30)
    ward.until(lambda: all(ward.ready(name)[0] == "True" for name in CASES), "all say so")
