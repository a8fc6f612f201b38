"""Events: counted, and bounded per object."""

from __future__ import annotations

import json
from typing import Any

from eso_core.instant import MINUTE, SECOND, Instant, Now
from eso_core.machines.events import BURST, MESSAGE_MAX, REMEMBERED, EventRecorder
from eso_core.plan import Event
from eso_core.wire import MERGE_PATCH, KubeCall
from tests.unit.core.objects import CLUSTER_STORE, KEY, at

WALL = at("2026-01-01T12:00:00Z")


def now(mono: int = 0) -> Now:
    return Now(Instant(WALL.ns + mono), mono)


def event(message: str = "m", *, uid: str = "u", **more: Any) -> Event:
    return Event(about=KEY, uid=uid, reason="Created", message=message, **more)


def body(call: KubeCall | None) -> dict[str, Any]:
    assert call is not None
    return json.loads(call.body or b"")


def test_first() -> None:
    call = EventRecorder().record(event(), now())
    assert call is not None
    assert (call.method, call.path) == ("POST", "/api/v1/namespaces/team/events")
    made = body(call)
    name = made["metadata"].pop("name")
    assert name.startswith("app.")
    assert made == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": "team"},
        "involvedObject": {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "name": "app",
            "namespace": "team",
            "uid": "u",
        },
        "reason": "Created",
        "message": "m",
        "source": {"component": "external-secrets"},
        "firstTimestamp": "2026-01-01T12:00:00Z",
        "lastTimestamp": "2026-01-01T12:00:00Z",
        "count": 1,
        "type": "Normal",
    }


def test_warnings_sources_and_cluster_scope() -> None:
    made = body(
        EventRecorder().record(
            Event(about=CLUSTER_STORE, uid="u", reason="R", message="m", warning=True, source="cluster-secret-store"), now()
        )
    )
    assert (made["type"], made["source"], made["metadata"]["namespace"]) == ("Warning", {"component": "cluster-secret-store"}, "default")
    assert "namespace" not in made["involvedObject"]


def test_repeats_are_counted() -> None:
    recorder = EventRecorder()
    first = body(recorder.record(event(), now()))
    for count in (2, 3):
        call = recorder.record(event(), now(count * MINUTE))
        assert call is not None
        assert (call.method, call.content_type) == ("PATCH", MERGE_PATCH)
        assert call.path == f"/api/v1/namespaces/team/events/{first['metadata']['name']}"
        assert body(call) == {"count": count, "lastTimestamp": f"2026-01-01T12:0{count}:00Z"}


def test_what_makes_a_repeat() -> None:
    recorder = EventRecorder()
    recorder.record(event(), now())
    for other in (event("other"), event(uid="other"), Event(about=KEY, uid="u", reason="Updated", message="m")):
        call = recorder.record(other, now())
        assert call is not None
        assert call.method == "POST"


def test_a_repeat_after_ten_minutes_is_a_new_event() -> None:
    recorder = EventRecorder()
    recorder.record(event(), now())
    call = recorder.record(event(), now(10 * MINUTE))
    assert call is not None
    assert call.method == "POST"


def test_an_event_that_expired_at_the_server_starts_anew() -> None:
    recorder = EventRecorder()
    recorder.record(event(), now())
    patch = recorder.record(event(), now())
    assert patch is not None
    recorder.lost(patch)
    again = recorder.record(event(), now())
    assert again is not None
    assert again.method == "POST"


def test_names_differ_within_one_moment() -> None:
    recorder = EventRecorder()
    names = {body(recorder.record(event(str(i)), now()))["metadata"]["name"] for i in range(BURST)}
    assert len(names) == BURST


def test_no_object_floods() -> None:
    recorder = EventRecorder()
    made = [recorder.record(event(str(i)), now()) is not None for i in range(BURST + 5)]
    assert made == [True] * BURST + [False] * 5
    assert recorder.record(event(uid="other"), now()) is not None
    assert recorder.record(event("x"), now(5 * MINUTE - SECOND)) is None
    assert recorder.record(event("x"), now(5 * MINUTE)) is not None
    assert recorder.record(event("y"), now(5 * MINUTE)) is None
    assert [recorder.record(event(str(i)), now(10**6 * MINUTE)) is not None for i in range(BURST + 1)] == [True] * BURST + [False]


def test_long_messages_are_cut_between_characters() -> None:
    text = body(EventRecorder().record(event("ä" * 1000), now()))["message"]
    assert len(text.encode()) <= MESSAGE_MAX
    assert text.startswith("äää")
    assert text.endswith("…")


def test_long_names() -> None:
    about = type(KEY)(KEY.kind, "ns", "n" * 253)
    made = body(EventRecorder().record(Event(about=about, uid="u", reason="R", message="m"), now()))
    assert len(made["metadata"]["name"]) <= 253


def test_memory_is_bounded() -> None:
    recorder = EventRecorder()
    for i in range(REMEMBERED + 100):
        recorder.record(event(uid=str(i)), now())
    assert len(recorder._series) == len(recorder._spent) == REMEMBERED
