"""Watches, lists and history."""

from __future__ import annotations

import orjson
import pytest

from eso_core.sim.api import ApiServer
from eso_core.wire import KubeCall, KubeReply
from tests.unit.sim.world import CONFIG_MAPS, SECRETS, World, events


def with_three() -> World:
    world = World()
    for name in "abc":
        world.do("POST", SECRETS, {"metadata": {"name": name, "labels": {"l": name}}})
    return world


class TestEvents:
    def test_a_watch_reports_what_follows_its_version(self) -> None:
        world = with_three()
        watch = world.watch(SECRETS, resourceVersion="3")
        assert events(watch) == [("ADDED", "c")]
        world.do("PATCH", f"{SECRETS}/a", {"data": {"k": ""}})
        world.do("DELETE", f"{SECRETS}/b")
        assert events(watch) == [("MODIFIED", "a"), ("DELETED", "b")]
        assert events(watch) == []

    def test_without_a_version_the_present_state_comes_first(self) -> None:
        world = with_three()
        for version in ({}, {"resourceVersion": "0"}):
            assert events(world.watch(SECRETS, **version)) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]

    def test_the_last_state_has_the_version_of_the_deletion(self) -> None:
        world = with_three()
        watch = world.watch(SECRETS, resourceVersion="4")
        world.do("DELETE", f"{SECRETS}/b")
        [line] = watch.take()
        assert orjson.loads(line)["object"]["metadata"]["resourceVersion"] == str(world.server.version)

    def test_objects_enter_and_leave_a_selection(self) -> None:
        world = with_three()
        watch = world.watch(SECRETS, resourceVersion="4", labelSelector="l=x")
        world.do("PATCH", f"{SECRETS}/a", {"metadata": {"labels": {"l": "x"}}})
        world.do("PATCH", f"{SECRETS}/a", {"data": {"k": ""}})
        world.do("PATCH", f"{SECRETS}/a", {"metadata": {"labels": {"l": "y"}}})
        world.do("PATCH", f"{SECRETS}/a", {"data": {"k": None}})
        world.do("DELETE", f"{SECRETS}/a")
        lines = [orjson.loads(line) for line in watch.take()]
        assert [line["type"] for line in lines] == ["ADDED", "MODIFIED", "DELETED"]
        assert lines[-1]["object"]["metadata"]["labels"] == {"l": "x"}, "the state that was last in the selection"

    def test_namespaces_names_and_kinds_are_kept_apart(self) -> None:
        world = with_three()
        world.server.create_namespace("other")
        start = str(world.server.version)
        one, all_of_them = world.watch(f"{SECRETS}/a", resourceVersion=start), world.watch("/api/v1/secrets", resourceVersion=start)
        world.do("POST", "/api/v1/namespaces/other/secrets", {"metadata": {"name": "a"}})
        world.do("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
        world.do("PATCH", f"{SECRETS}/a", {"data": {"k": ""}})
        assert events(one) == [("MODIFIED", "a")]
        assert events(all_of_them) == [("ADDED", "a"), ("MODIFIED", "a")]

    def test_every_event_is_one_line(self) -> None:
        world = with_three()
        assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in world.watch(SECRETS).take())

    def test_a_closed_watch_gives_what_it_had_and_no_more(self) -> None:
        world = with_three()
        watch = world.watch(SECRETS, resourceVersion="3")
        watch.close()
        world.do("DELETE", f"{SECRETS}/a")
        assert (events(watch), events(watch), watch.closed) == ([("ADDED", "c")], [], True)


class TestExpiry:
    def test_a_version_before_the_history_is_an_error_event(self) -> None:
        world = with_three()
        world.server.compact()
        watch = world.watch(SECRETS, resourceVersion="2")
        [line] = watch.take()
        error = orjson.loads(line)
        assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 410, "Expired")
        assert watch.closed

    def test_the_present_version_never_expires(self) -> None:
        world = with_three()
        world.server.compact()
        watch = world.watch(SECRETS, resourceVersion=str(world.server.version))
        world.do("DELETE", f"{SECRETS}/a")
        assert events(watch) == [("DELETED", "a")]

    def test_an_open_watch_survives_compaction(self) -> None:
        world = with_three()
        watch = world.watch(SECRETS, resourceVersion="2")
        world.server.compact()
        assert events(watch) == [("ADDED", "b"), ("ADDED", "c")]

    def test_a_reader_that_falls_behind_the_history_is_told(self) -> None:
        world = World(ApiServer(history=5))
        world.do("POST", SECRETS, {"metadata": {"name": "a"}})
        watch = world.watch(SECRETS, resourceVersion=str(world.server.version))
        for number in range(20):
            world.do("PATCH", f"{SECRETS}/a", {"metadata": {"labels": {"n": str(number)}}})
        assert events(watch) == [("ERROR", "Expired")]

    def test_an_old_page_or_exact_list_is_gone(self) -> None:
        world = with_three()
        token = world.do("GET", SECRETS, limit="1")["metadata"]["continue"]
        world.do("DELETE", f"{SECRETS}/a")
        world.server.compact()
        assert world.refused("GET", SECRETS, **{"continue": token}) == (410, "Expired")
        assert world.refused("GET", SECRETS, resourceVersion="2", resourceVersionMatch="Exact") == (410, "Expired")


class TestBookmarks:
    def test_they_follow_the_events_and_carry_the_present_version(self) -> None:
        world = with_three()
        watch = world.watch(SECRETS, resourceVersion="3", allowWatchBookmarks="true")
        world.do("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})
        watch.bookmark()
        lines = [orjson.loads(line) for line in watch.take()]
        assert [line["type"] for line in lines] == ["ADDED", "BOOKMARK"]
        assert lines[1]["object"] == {"kind": "Secret", "apiVersion": "v1", "metadata": {"resourceVersion": str(world.server.version)}}

    def test_only_readers_that_asked_get_them(self) -> None:
        watch = with_three().watch(SECRETS, resourceVersion="4")
        watch.bookmark()
        assert watch.take() == []

    def test_the_initial_state_ends_with_one(self) -> None:
        world = with_three()
        asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
        last = orjson.loads(world.watch(SECRETS, **asked).take()[-1])
        assert last["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "query", "status"),
        [
            ("/api/v1/nothing", {}, 404),
            (SECRETS, {"labelSelector": "a=b=c"}, 400),
            (SECRETS, {"fieldSelector": "data.k=1"}, 400),
            (SECRETS, {"resourceVersion": "x"}, 500),
            (SECRETS, {"sendInitialEvents": "true"}, 422),
            (SECRETS, {"resourceVersionMatch": "NotOlderThan", "resourceVersion": "1"}, 422),
        ],
    )
    def test_a_watch_that_cannot_be_is_refused(self, path: str, query: dict[str, str], status: int) -> None:
        reply = World().server.watch(KubeCall(method="GET", path=path, query=tuple(query.items())))
        assert isinstance(reply, KubeReply)
        assert reply.status == status


class TestSelectors:
    @pytest.mark.parametrize(
        ("selector", "names"),
        [
            ("l=a", "a"),
            ("l==a", "a"),
            ("l!=a", "bc"),
            ("l in (a, b)", "ab"),
            ("l notin (a,b)", "c"),
            ("l", "abc"),
            ("!l", ""),
            ("other notin (x)", "abc"),
            ("other!=x", "abc"),
            ("l in (a,b),l!=a", "b"),
            ("n>5", ""),
            ("", "abc"),
        ],
    )
    def test_labels(self, selector: str, names: str) -> None:
        items = with_three().do("GET", SECRETS, labelSelector=selector)["items"]
        assert "".join(item["metadata"]["name"] for item in items) == names

    @pytest.mark.parametrize(
        ("selector", "names"),
        [
            ("metadata.name=a", "a"),
            ("metadata.name!=a", "bc"),
            ("metadata.namespace=default", "abc"),
            ("type=Opaque,metadata.name==b", "b"),
            ("type=other", ""),
        ],
    )
    def test_fields(self, selector: str, names: str) -> None:
        items = with_three().do("GET", SECRETS, fieldSelector=selector)["items"]
        assert "".join(item["metadata"]["name"] for item in items) == names
