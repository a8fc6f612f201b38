"""Laws of the in-memory API server, over generated requests."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from eso_core.instant import SECOND, Instant
from eso_core.sim.api import ApiServer
from eso_core.sim.conformance import Session, Step
from eso_core.sim.patch import merge
from eso_core.sim.watch import Watch
from eso_core.wire import JSON, MERGE_PATCH, KubeCall, KubeReply
from tests.unit.sim.requests import FULL, HEADS, RESOURCES, ROOTS, sequences

NAMESPACE = "laws"
START = Instant(1_700_000_000 * SECOND)


def new_server() -> ApiServer:
    server = ApiServer(resources=RESOURCES)
    server.create_namespace(NAMESPACE)
    return server


def session_with(server: ApiServer) -> Session:
    clock = itertools.count(1)
    return Session(lambda call: server.handle(call, START.plus(next(clock) * SECOND)))


def get(server: ApiServer, path: str, **query: str) -> KubeReply:
    return server.handle(KubeCall(method="GET", path=path, query=tuple(query.items())), START)


def collection(plural: str) -> str:
    return f"{ROOTS[plural]}/namespaces/{NAMESPACE}/{plural}"


def items(server: ApiServer, plural: str, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(get(server, collection(plural), **query).body)["items"]
    return found


def open_watch(server: ApiServer, plural: str, **query: str) -> Watch:
    watch = server.watch(KubeCall(method="GET", path=collection(plural), query=(("watch", "1"), *query.items())))
    assert isinstance(watch, Watch)
    return watch


def without_head(value: dict[str, Any]) -> dict[str, Any]:
    """List items of native kinds have no apiVersion and kind; events do."""
    return {key: inner for key, inner in value.items() if key not in ("apiVersion", "kind")}


class TestVersions:
    """Every write takes the next resource version; nothing else takes one."""

    @given(sequences(NAMESPACE))
    def test_versions_strictly_increase_over_writes(self, sequence: list[Step]) -> None:
        server = new_server()
        session = session_with(server)
        writes: list[int] = []
        server.subscribe(lambda: writes.append(server.version))
        for step in sequence:
            before = server.version
            seen = session.run(step)
            if step.method == "GET" or seen.status >= 300 or ("dryRun", "All") in step.query:
                assert server.version == before
        assert writes == list(range(writes[0], writes[0] + len(writes))) if writes else True

    @given(sequences(NAMESPACE))
    def test_a_write_of_what_is_there_writes_nothing(self, sequence: list[Step]) -> None:
        server = new_server()
        session = session_with(server)
        for step in sequence:
            session.run(step)
        before = server.version
        for plural in ROOTS:
            for item in items(server, plural):
                path = f"{collection(plural)}/{item['metadata']['name']}"
                whole = orjson.loads(get(server, path).body)
                assert session.run(Step(method="PUT", path=path, body=whole)).status == 200
                if b"null" not in orjson.dumps(whole):  # in a merge patch it would take the member away (RFC 7386)
                    assert session.run(Step(method="PATCH", path=path, body=whole, content_type=MERGE_PATCH)).status == 200
        assert server.version == before


class TestWatches:
    """A list and the watch events after it are the same information."""

    @given(sequences(NAMESPACE), st.sampled_from(list(ROOTS)), st.sampled_from(["", "app=one", "app", "!app"]), st.data())
    def test_replay_from_any_version_rebuilds_the_list(self, sequence: list[Step], plural: str, selector: str, data: st.DataObject) -> None:
        server = new_server()
        session = session_with(server)
        cut = data.draw(st.integers(0, len(sequence)))
        for step in sequence[:cut]:
            session.run(step)
        asked = {"labelSelector": selector} if selector else {}
        listed = orjson.loads(get(server, collection(plural), **asked).body)
        state = {item["metadata"]["name"]: without_head(item) for item in listed["items"]}
        for step in sequence[cut:]:
            session.run(step)
        watch = open_watch(server, plural, resourceVersion=listed["metadata"]["resourceVersion"], **asked)
        last = int(listed["metadata"]["resourceVersion"])
        for line in watch.take():
            event = orjson.loads(line)
            name, version = event["object"]["metadata"]["name"], int(event["object"]["metadata"]["resourceVersion"])
            assert version > last
            assert (name in state) is (event["type"] != "ADDED")
            last = version
            if event["type"] == "DELETED":
                del state[name]
            else:
                state[name] = without_head(event["object"])
        assert state == {item["metadata"]["name"]: without_head(item) for item in items(server, plural, **asked)}

    @given(sequences(NAMESPACE), st.sampled_from(list(ROOTS)))
    def test_a_watch_that_is_open_sees_what_a_later_one_replays(self, sequence: list[Step], plural: str) -> None:
        server = new_server()
        session = session_with(server)
        version = str(server.version)
        early = open_watch(server, plural, resourceVersion=version)
        seen: list[bytes] = []
        for step in sequence:
            session.run(step)
            seen += early.take()
        assert seen == open_watch(server, plural, resourceVersion=version).take()


class TestLists:
    """Pages put together are the list."""

    @given(sequences(NAMESPACE), st.sampled_from(list(ROOTS)), st.integers(1, 3), st.sampled_from(["", "app", "app=one"]))
    def test_pages_are_a_snapshot_of_the_first(self, sequence: list[Step], plural: str, limit: int, selector: str) -> None:
        server = new_server()
        session = session_with(server)
        cut = len(sequence) // 2
        for step in sequence[:cut]:
            session.run(step)
        asked = {"labelSelector": selector} if selector else {}
        whole = items(server, plural, **asked)
        rest = iter(sequence[cut:])
        pages: list[dict[str, Any]] = []
        token = ""
        while True:
            more = {"continue": token} if token else {}
            page = orjson.loads(get(server, collection(plural), limit=str(limit), **asked, **more).body)
            assert len(page["items"]) <= limit
            pages += page["items"]
            token = page["metadata"].get("continue", "")
            if not token:
                break
            if (step := next(rest, None)) is not None:
                session.run(step)
        assert pages == whole

    @given(sequences(NAMESPACE), st.sampled_from(list(ROOTS)))
    def test_an_exact_list_of_a_past_version_is_what_was_listed_then(self, sequence: list[Step], plural: str) -> None:
        server = new_server()
        session = session_with(server)
        past: dict[str, list[dict[str, Any]]] = {}
        for step in sequence:
            session.run(step)
            past[str(server.version)] = items(server, plural)
        for version, listed in past.items():
            assert items(server, plural, resourceVersion=version, resourceVersionMatch="Exact") == listed


class TestOptimisticLocking:
    """Of two writers that read the same version, one is refused."""

    @given(st.lists(st.sampled_from(["read 0", "read 1", "write 0", "write 1"]), max_size=30), st.booleans())
    def test_no_update_is_lost(self, schedule: list[str], patch: bool) -> None:
        server = new_server()
        path = f"{collection('configmaps')}/counter"
        server.handle(KubeCall(method="POST", path=collection("configmaps"), body=_counter(0)), START)
        held: dict[str, dict[str, Any]] = {}
        accepted = 0
        for action in schedule:
            verb, writer = action.split()
            if verb == "read":
                held[writer] = orjson.loads(get(server, path).body)
            elif writer in held:
                value = held[writer]
                meta = value["metadata"]
                count = str(int(value["data"]["count"]) + 1)
                head = {"resourceVersion": meta["resourceVersion"]} if patch else meta
                body = orjson.dumps({"metadata": head, "data": {"count": count}})
                method, media = ("PATCH", MERGE_PATCH) if patch else ("PUT", JSON)
                reply = server.handle(KubeCall(method=method, path=path, body=body, content_type=media), START)
                assert reply.status in (200, 409)
                accepted += reply.status == 200
        assert orjson.loads(get(server, path).body)["data"]["count"] == str(accepted)


def _counter(count: int) -> bytes:
    return orjson.dumps({"metadata": {"name": "counter"}, "data": {"count": str(count)}})


class TestOwnership:
    """A field of an object that is tracked has one owner, and an owner owns only what is there."""

    @given(sequences(NAMESPACE))
    def test_every_data_key_has_one_owner(self, sequence: list[Step]) -> None:
        server = new_server()
        session = session_with(server)
        for step in sequence:
            if b"managedFields" not in orjson.dumps(step.edit or {}, default=str) + orjson.dumps(step.body, default=str):
                session.run(step)
        for plural in ("secrets", "configmaps"):
            for item in items(server, plural):
                owned = [
                    key for entry in item["metadata"].get("managedFields", ()) for key in entry["fieldsV1"].get("f:data", {}) if key != "."
                ]
                if item["metadata"].get("managedFields"):
                    assert sorted(owned) == sorted(f"f:{key}" for key in item.get("data", {}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["metadata", "data", "spec", "status", "name", "x"]), inner)
    ),
    max_leaves=20,
)
json_objects = st.dictionaries(
    st.sampled_from(["metadata", "data", "spec", "kind", "apiVersion", "stringData", "type", "status"]), json_values
)
bodies = st.one_of(st.binary(max_size=64), json_values.map(orjson.dumps), json_objects.map(orjson.dumps), st.none())
words = st.sampled_from(
    ["api", "apis", "v1", "namespaces", NAMESPACE, "secrets", "configmaps", "a", "status", "token", "", "events", "é", "widgets"]
)
known_paths = st.sampled_from([f"{collection(plural)}{tail}" for plural in ROOTS for tail in ("", "/a", "/a/status")])
any_paths = st.lists(words, max_size=7).map(lambda parts: "/" + "/".join(parts))
query_names = st.sampled_from(
    [
        "limit",
        "continue",
        "resourceVersion",
        "resourceVersionMatch",
        "labelSelector",
        "fieldSelector",
        "dryRun",
        "fieldManager",
        "fieldValidation",
    ]
)
queries = st.lists(st.tuples(query_names, st.text(max_size=12)), max_size=3).map(tuple)


class TestTotality:
    """Any input has an answer, and an error is a ``Status``."""

    @given(
        st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
        known_paths | any_paths,
        queries,
        bodies,
        st.sampled_from([JSON, MERGE_PATCH, "text/plain"]),
    )
    @settings(max_examples=500)
    def test_every_request_has_an_answer(
        self, method: str, path: str, query: tuple[tuple[str, str], ...], body: bytes | None, media: str
    ) -> None:
        server = full_server()
        reply = server.handle(KubeCall(method=method, path=path, query=query, body=body, content_type=media), START)
        if reply.status >= 400 and reply.body != b"404 page not found\n":
            status = orjson.loads(reply.body)
            assert (status["kind"], status["code"]) == ("Status", reply.status)
        watch = server.watch(KubeCall(method="GET", path=path, query=query))
        assert isinstance(watch, KubeReply) or all(orjson.loads(line)["type"] for line in watch.take())

    def test_nesting_that_is_too_deep_is_refused(self) -> None:
        for depth in (90, 110, 300, 900, 5000):
            nested = b'{"a":' * depth + b"1" + b"}" * depth
            head = b'"apiVersion":"conformance.example.com/v1","kind":"Widget","metadata":{"name":"%b"}'
            body = b'{"spec":{"free":' + nested + b"}," + head + b"}"
            for method, name, media in (("POST", b"new", JSON), ("PATCH", b"a", MERGE_PATCH)):
                path = collection("widgets") + ("/a" if method == "PATCH" else "")
                reply = full_server().handle(KubeCall(method=method, path=path, body=body % name, content_type=media), START)
                assert reply.status == (400 if depth > 100 else 201 if method == "POST" else 200)


def full_server() -> ApiServer:
    server = new_server()
    session = session_with(server)
    for plural in ROOTS:
        session.run(Step(method="POST", path=collection(plural), body={**HEADS[plural], **FULL[plural], "metadata": {"name": "a"}}))
    return server


class TestDeterminism:
    """Replies depend on the requests and their times alone."""

    @given(sequences(NAMESPACE))
    def test_the_same_requests_have_the_same_replies(self, sequence: list[Step]) -> None:
        replies: list[list[bytes]] = []
        for _ in range(2):
            server = new_server()
            log: list[bytes] = []
            clock = itertools.count(1)

            def send(call: KubeCall, server: ApiServer = server, log: list[bytes] = log, clock: Any = clock) -> KubeReply:
                reply = server.handle(call, START.plus(next(clock) * SECOND))
                log.append(reply.body)
                return reply

            session = Session(send)
            for step in sequence:
                session.run(step)
            replies.append(log)
        assert replies[0] == replies[1]


objects = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.integers(0, 2), lambda inner: st.dictionaries(st.sampled_from("abc"), inner) | st.lists(inner, max_size=2), max_leaves=6
    ),
)
patches = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(st.none() | st.integers(0, 2), lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=6),
)


class TestMergePatch:
    """RFC 7386."""

    @given(objects)
    def test_an_empty_patch_changes_nothing(self, doc: dict[str, Any]) -> None:
        assert merge(doc, {}) == doc

    @given(objects, patches)
    def test_a_second_time_changes_nothing(self, doc: dict[str, Any], patch: dict[str, Any]) -> None:
        once = merge(doc, patch)
        assert merge(once, patch) == once

    @given(objects, patches)
    def test_neither_argument_is_changed(self, doc: dict[str, Any], patch: dict[str, Any]) -> None:
        before = orjson.dumps([doc, patch])
        merge(doc, patch)
        assert orjson.dumps([doc, patch]) == before

    @given(objects, patches)
    def test_it_is_the_rfc_where_the_document_has_no_null(self, doc: dict[str, Any], patch: dict[str, Any]) -> None:
        assert merge(doc, patch) == _rfc(doc, patch)


def _rfc(target: Any, patch: Any) -> Any:
    """The pseudocode of RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = _rfc(out.get(name), value)
    return out
