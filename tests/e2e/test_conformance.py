"""The API server of the simulator, held against a real one: generated requests, equal answers, equal watch events."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
import urllib3
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from eso_core.instant import SECOND, Instant
from eso_core.sim.api import ApiServer
from eso_core.sim.conformance import Seen, Session, Step, masked_events
from eso_core.wire import JSON, KubeCall, KubeReply
from tests.e2e.harness.binaries import Binaries
from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.process import poll
from tests.unit.sim.requests import DEFINITIONS, FULL, HEADS, RESOURCES, ROOTS, sequences
from tests.unit.sim.traces import TRACES

MANAGER = "conformance"
SEQUENCES = 60

# ---------------------------------------------------------------- the two servers


@dataclass
class Real:
    """A kube-apiserver without controllers: nothing writes but the test."""

    plane: ControlPlane
    pool: urllib3.PoolManager

    def send(self, call: KubeCall) -> KubeReply:
        answer = self.pool.request(call.method, self._url(call), body=call.body, headers=self._headers(call.content_type))
        return KubeReply(status=answer.status, body=answer.data)

    def events(self, call: KubeCall, last: str) -> list[bytes]:
        """The events of a watch up to the first about the object ``last``."""
        answer = self.pool.request("GET", self._url(call), headers=self._headers(JSON), preload_content=False)
        lines: list[bytes] = []
        try:
            rest = b""
            for chunk in answer.stream(65536):
                rest += chunk
                *whole, rest = rest.split(b"\n")
                for line in whole:
                    if orjson.loads(line)["object"].get("metadata", {}).get("name") == last:
                        return lines
                    lines.append(line)
            return lines
        finally:
            answer.close()

    def opened(self, call: KubeCall) -> tuple[int, list[bytes]]:
        """The status and all lines of a watch that ends by itself."""
        answer = self.pool.request("GET", self._url(call), headers=self._headers(JSON))
        return answer.status, answer.data.splitlines()

    def _url(self, call: KubeCall) -> str:
        return f"{self.plane.server}{call.path}" + (f"?{urlencode(call.query)}" if call.query else "")

    def _headers(self, content_type: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.plane.admin_token}",
            "Accept": "application/json",
            "Content-Type": content_type,
            "User-Agent": f"{MANAGER}/1",
        }


@dataclass
class Simulated:
    """The server under test. A second passes with every request."""

    server: ApiServer
    seconds: int = 1_700_000_000

    def send(self, call: KubeCall) -> KubeReply:
        self.seconds += 1
        return self.server.handle(call, Instant(self.seconds * SECOND), MANAGER)

    def events(self, call: KubeCall, last: str) -> list[bytes]:
        watch = self.server.watch(call)
        assert not isinstance(watch, KubeReply)
        lines = watch.take()
        return list(itertools.takewhile(lambda line: orjson.loads(line)["object"].get("metadata", {}).get("name") != last, lines))

    def opened(self, call: KubeCall) -> tuple[int, list[bytes]]:
        watch = self.server.watch(call)
        return (watch.status, [watch.body]) if isinstance(watch, KubeReply) else (200, watch.take())


@pytest.fixture(scope="module")
def real(binaries: Binaries) -> Iterator[Real]:
    with ControlPlane(binaries, controllers=False) as plane:
        plane.admin.apply_crds(DEFINITIONS)
        real = Real(plane, urllib3.PoolManager(ca_cert_data=plane.ca_pem.decode(), retries=False, timeout=urllib3.Timeout(10)))
        warm_up(real)
        yield real


# ---------------------------------------------------------------- the comparison

_namespaces = itertools.count()


def warm_up(real: Real) -> None:
    """Wait until the watch cache of every kind has begun: before that, no version is young enough for a watch."""
    for plural, root in ROOTS.items():
        path = f"{root}/namespaces/default/{plural}"
        end = {**HEADS[plural], **FULL[plural], "metadata": {"name": "zz-end"}}
        poll(lambda path=path: real.send(KubeCall(method="GET", path=path)).status == 200, f"{plural} are served", 30)
        version = orjson.loads(real.send(KubeCall(method="GET", path=path)).body)["metadata"]["resourceVersion"]
        real.send(KubeCall(method="POST", path=path, body=orjson.dumps(end)))
        real.events(KubeCall(method="GET", path=path, query=(("watch", "1"), ("resourceVersion", version))), "zz-end")


class Pair:
    """A session with each server, in one new namespace of the same name."""

    def __init__(self, real: Real, namespace: str) -> None:
        self.sides: tuple[Real, Simulated] = (real, Simulated(ApiServer(resources=RESOURCES)))
        self.sessions = [Session(side.send) for side in self.sides]
        self.namespace = namespace
        self.same(Step(method="POST", path="/api/v1/namespaces", body={"metadata": {"name": namespace}}))
        path = f"/api/v1/namespaces/{namespace}"
        self.versions = [session.latest(path)["metadata"]["resourceVersion"] for session in self.sessions]

    def same(self, step: Step) -> Seen:
        """Run one step on both sides; raises ``AssertionError`` when the answers differ."""
        expected, got = (session.run(step) for session in self.sessions)
        assert got == expected, f"{step}\nreal:      {expected}\nsimulated: {got}"
        return got

    def same_events(self, collection: str, last: str, query: tuple[tuple[str, str], ...]) -> None:
        """Watch a collection since the beginning of the namespace, up to the object ``last``; raises when the events differ."""
        seen = []
        for side, session, version in zip(self.sides, self.sessions, self.versions, strict=True):
            asked = (("watch", "1"), ("resourceVersion", version), *query)
            seen.append(masked_events(session, side.events(KubeCall(method="GET", path=collection, query=asked), last)))
        assert seen[1] == seen[0], f"events of {collection} with {query}:\nreal:      {seen[0]}\nsimulated: {seen[1]}"


def run(real: Real, sequence: list[Step], namespace: str) -> None:
    """Raises ``AssertionError`` at the first answer, or the first list of events, that differs."""
    pair = Pair(real, namespace)
    for each in sequence:
        pair.same(each)
    for plural, root in ROOTS.items():
        collection = f"{root}/namespaces/{namespace}/{plural}"
        end = {**HEADS[plural], **FULL[plural], "metadata": {"name": "zz-end", "labels": {"app": "one"}}}
        assert pair.same(Step(method="POST", path=collection, body=end)).status == 201
        for selector in ((), (("labelSelector", "app=one"),), (("labelSelector", "app"),)):
            pair.same_events(collection, "zz-end", selector)


@settings(
    max_examples=SEQUENCES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_generated_sequences_have_equal_answers_and_events(real: Real, data: st.DataObject) -> None:
    namespace = f"conformance-{next(_namespaces)}"
    run(real, data.draw(sequences(namespace)), namespace)


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.__name__)
def test_fixed_sequences_have_equal_answers(real: Real, trace: Callable[[str], list[Step]]) -> None:
    pair = Pair(real, f"trace-{next(_namespaces)}")
    for each in trace(pair.namespace):
        pair.same(each)


WATCHES: tuple[dict[str, str], ...] = (
    {},
    {"resourceVersion": "0"},
    {"resourceVersion": "0", "allowWatchBookmarks": "true"},
    {"resourceVersion": "x"},
    {"labelSelector": "a=b=c"},
    {"fieldSelector": "unknown=1"},
    {"fieldSelector": "metadata.name=b"},
    {"sendInitialEvents": "true"},
    {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"},
    {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"},
    {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"},
    {"resourceVersion": "0", "resourceVersionMatch": "NotOlderThan"},
)


@pytest.mark.parametrize("plural", ["secrets", "widgets"])
def test_watches_begin_alike(real: Real, plural: str) -> None:
    pair = Pair(real, f"watches-{next(_namespaces)}")
    collection = f"{ROOTS[plural]}/namespaces/{pair.namespace}/{plural}"
    for name in ("b", "a"):
        pair.same(Step(method="POST", path=collection, body={**HEADS[plural], **FULL[plural], "metadata": {"name": name}}))
    for asked in WATCHES:
        call = KubeCall(method="GET", path=collection, query=(("watch", "1"), ("timeoutSeconds", "1"), *asked.items()))
        seen = [_shown(session, *side.opened(call)) for side, session in zip(pair.sides, pair.sessions, strict=True)]
        assert seen[1] == seen[0], f"watch with {asked}:\nreal:      {seen[0]}\nsimulated: {seen[1]}"


def _shown(session: Session, status: int, lines: list[bytes]) -> Any:
    return status, masked_events(session, lines) if status == 200 else session.masked(orjson.loads(lines[0]))


def test_a_continued_list_shows_the_state_of_its_first_page(real: Real) -> None:
    """Pages of one list with writes in between, on both sides."""
    pair = Pair(real, f"pages-{next(_namespaces)}")
    collection = f"/api/v1/namespaces/{pair.namespace}/configmaps"
    for number in range(7):
        pair.same(Step(method="POST", path=collection, body={"metadata": {"name": f"p{number}"}}))
    tokens = ["", ""]
    seen: list[list[Any]] = [[], []]
    for turn in range(3):
        for index, side in enumerate(pair.sides):
            query = (("limit", "3"), *((("continue", tokens[index]),) if tokens[index] else ()))
            page = orjson.loads(side.send(KubeCall(method="GET", path=collection, query=query)).body)
            tokens[index] = page["metadata"].get("continue", "")
            seen[index].append(pair.sessions[index].masked(page))
        pair.same(Step(method="DELETE", path=f"{collection}/p{4 + turn}"))
        pair.same(Step(method="POST", path=collection, body={"metadata": {"name": f"p{turn}x"}}))
    assert seen[1] == seen[0]
    assert tokens == ["", ""]
