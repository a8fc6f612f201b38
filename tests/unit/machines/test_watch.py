"""List and watch one kind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eso_core.failure import Broken, Failure, Refused, Throttled, Unreachable
from eso_core.instant import MILLISECOND, SECOND
from eso_core.machines.watch import (
    PAUSE_LAST,
    SILENCE_S,
    Complete,
    Deleted,
    Listed,
    ListPage,
    OpenStream,
    Phase,
    Progress,
    Upsert,
    Watcher,
    why_not_synced,
)
from eso_core.refs import SECRET
from eso_core.wire import CallFailed, KubeCall, KubeReply


def watcher(namespace: str = "") -> Watcher:
    return Watcher(SECRET, namespace=namespace, selector="a=b", random=lambda: 0.0)


def item(name: str, version: str = "1") -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": version}}


def page(*names: str, version: str = "10", more: str = "") -> KubeReply:
    meta = {"resourceVersion": version, **({"continue": more} if more else {})}
    return KubeReply(status=200, body=json.dumps({"metadata": meta, "items": [item(name) for name in names]}).encode())


def line(kind: str, about: dict[str, Any] | None = None) -> bytes:
    return json.dumps({"type": kind, "object": item("a", "11") if about is None else about}).encode()


def query(call: KubeCall) -> dict[str, str]:
    return dict(call.query)


def listing(made: Watcher, now: int = 0) -> ListPage:
    want = made.poll(now)
    assert isinstance(want, ListPage), want
    return want


def watching(now: int = 0, version: str = "10") -> Watcher:
    """A watcher with an open stream."""
    made = watcher()
    listing(made, now)
    made.page(page(version=version), now)
    assert isinstance(made.poll(now), OpenStream)
    return made


class TestList:
    def test_one_page(self) -> None:
        made = watcher("ns")
        want = listing(made)
        assert (want.call.path, query(want.call), want.first) == (
            "/api/v1/namespaces/ns/secrets",
            {"limit": "500", "labelSelector": "a=b"},
            True,
        )
        assert made.poll(0) is None
        news = made.page(page("a", "b", version="12"), 0)
        assert [type(n) for n in news] == [Listed, Listed, Complete]
        assert news[-1] == Complete("12")
        assert made.synced

    def test_pages(self) -> None:
        made = watcher()
        listing(made)
        assert [type(n) for n in made.page(page("a", more="tok"), 0)] == [Listed]
        assert not made.synced
        want = listing(made)
        assert (query(want.call)["continue"], want.first) == ("tok", False)
        assert [type(n) for n in made.page(page("b"), 0)] == [Listed, Complete]

    def test_empty_lists(self) -> None:
        made = watcher()
        listing(made)
        assert made.page(KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"3"},"items":null}'), 0) == [Complete("3")]

    @pytest.mark.parametrize(
        ("reply", "trouble"),
        [
            (KubeReply(status=410, body=b""), Unreachable("the list expired while it was read")),
            (KubeReply(status=403, body=b'{"message":"no"}'), Refused("list secrets: no")),
            (KubeReply(status=401, body=b"x"), Refused("list secrets: status 401")),
            (KubeReply(status=500, body=b'{"message":"\xff"}'), Unreachable("list secrets: status 500")),
            (CallFailed(Unreachable("down")), Unreachable("down")),
            (KubeReply(status=200, body=b"<html>"), Broken("the API server's list of secrets is not valid JSON")),
            (
                KubeReply(status=200, body=b'{"metadata":{"resourceVersion":"\xff"}}'),
                Broken("the API server's list of secrets is not valid JSON"),
            ),
        ],
    )
    def test_a_page_that_fails_starts_the_list_again(self, reply: KubeReply | CallFailed, trouble: Failure) -> None:
        made = watcher()
        listing(made)
        made.page(page("a", more="tok"), 0)
        listing(made)
        assert made.page(reply, 0) == []
        assert (made.phase, made.trouble) == (Phase.PAUSED, trouble)
        want = listing(made, SECOND)
        assert want.first
        assert "continue" not in query(want.call)

    def test_pauses_grow_and_are_reset(self) -> None:
        made, now, waits = watcher(), 0, []
        for _ in range(12):
            listing(made, now)
            made.page(CallFailed(Unreachable("down")), now)
            at = made.next_at()
            assert at is not None
            assert made.poll(at - 1) is None
            waits.append(at - now)
            now = at
        assert waits[:4] == [n * 200 * MILLISECOND for n in (1, 2, 4, 8)]
        assert waits[-1] == PAUSE_LAST
        listing(made, now)
        made.page(page(more="tok"), now)
        assert made.trouble is None
        listing(made, now)
        made.page(CallFailed(Unreachable("down")), now)
        assert made.next_at() == now + 200 * MILLISECOND

    def test_throttling_sets_the_pause(self) -> None:
        made = watcher()
        listing(made)
        made.page(KubeReply(status=429, body=b"{}", retry_after_s=7), 0)
        assert (made.next_at(), made.trouble) == (7 * SECOND, Throttled("list secrets: ", 7 * SECOND))


class TestStream:
    def test_opened_from_the_lists_version(self) -> None:
        made = watcher()
        listing(made)
        made.page(page(version="12"), 0)
        want = made.poll(0)
        assert isinstance(want, OpenStream)
        assert query(want.call) == {
            "watch": "1", "allowWatchBookmarks": "true", "resourceVersion": "12", "timeoutSeconds": "290", "labelSelector": "a=b"
        }  # fmt: skip
        assert made.poll(0) is None

    def test_events_in_order(self) -> None:
        made = watching()
        lines = [
            line("ADDED"),
            line("MODIFIED"),
            line("DELETED"),
            line("BOOKMARK", {"metadata": {"resourceVersion": "20"}}),
            line("NEW-KIND"),
        ]
        news = made.lines(lines, 5)
        assert [type(n) for n in news] == [Upsert, Upsert, Deleted, Progress]
        assert news[3] == Progress("20")
        assert made.phase is Phase.WATCHING

    def test_it_goes_on_where_it_was(self) -> None:
        made = watching()
        made.lines([line("ADDED", item("a", "15"))], 0)
        made.closed(None, 10 * SECOND)
        want = made.poll(10 * SECOND)
        assert isinstance(want, OpenStream)
        assert query(want.call)["resourceVersion"] == "15"

    def test_a_stream_that_ends_at_once_makes_a_pause(self) -> None:
        made = watching()
        made.closed(None, SECOND - 1)
        assert made.phase is Phase.PAUSED
        assert made.poll(SECOND - 1) is None
        assert isinstance(made.poll(2 * SECOND), OpenStream)

    def test_failed(self) -> None:
        made = watching()
        made.closed(Unreachable("reset"), 100 * SECOND)
        assert (made.phase, made.trouble) == (Phase.PAUSED, Unreachable("reset"))
        assert isinstance(made.poll(101 * SECOND), OpenStream)

    @pytest.mark.parametrize("failure", [Unreachable("gone"), None])
    def test_410_when_opened(self, failure: Failure | None) -> None:
        made = watching()
        made.closed(failure, 10 * SECOND, status=410)
        assert listing(made, 11 * SECOND).first

    def test_410_as_an_event(self) -> None:
        made = watching()
        news = made.lines([line("ADDED"), line("ERROR", {"code": 410, "message": "too old"}), line("ADDED")], 0)
        assert [type(n) for n in news] == [Upsert]
        assert (made.phase, made.trouble) == (Phase.PAUSED, Unreachable("watch of secrets: too old"))
        made.closed(None, 0)
        assert listing(made, SECOND).first

    def test_another_error_keeps_the_place(self) -> None:
        made = watching()
        made.lines([line("ERROR", {"code": 500, "reason": "InternalError"})], 0)
        assert isinstance(made.poll(SECOND), OpenStream)

    @pytest.mark.parametrize(
        "garbage",
        [b"", b"{", b"[]", b"\xff", b'{"type":"\xff","object":{}}', b'{"type":"ADDED","object":{"metadata":1}}', b'{"type":"ADDED"}'],
    )
    def test_garbage_ends_the_streams_use(self, garbage: bytes) -> None:
        made = watching()
        news = made.lines([line("ADDED"), garbage, line("ADDED")], 0)
        assert [type(n) for n in news] == [Upsert]
        assert isinstance(made.trouble, Broken)
        assert listing(made, SECOND).first


class TestSilence:
    def test_is_taken_for_death(self) -> None:
        made = watching(now=100)
        until = 100 + SILENCE_S * SECOND
        assert not made.silent(until)
        assert made.next_at() == until + 1
        assert made.silent(until + 1)

    @pytest.mark.parametrize("sign", [line("ADDED"), line("BOOKMARK", {"metadata": {"resourceVersion": "20"}})])
    def test_every_line_is_a_sign_of_life(self, sign: bytes) -> None:
        made = watching(now=0)
        made.lines([sign], 100 * SECOND)
        assert not made.silent(200 * SECOND)
        assert made.silent(251 * SECOND)

    def test_only_an_open_stream_can_be_silent(self) -> None:
        made = watcher()
        assert not made.silent(10**15)
        listing(made)
        assert not made.silent(10**15)
        assert made.next_at() is None


def test_why_not_synced() -> None:
    waiting, failing, done = watcher(), watcher(), watching()
    listing(failing)
    failing.page(KubeReply(status=403, body=b'{"message":"no"}'), 0)
    assert why_not_synced([waiting, failing, done]) == "not listed yet: secrets, secrets (list secrets: no)"
    assert why_not_synced([done]) == ""
