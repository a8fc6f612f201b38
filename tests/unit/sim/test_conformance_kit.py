"""What the comparison with a real server looks at, and what it does not."""

from __future__ import annotations

from typing import Any

from eso_core.instant import SECOND
from eso_core.sim.conformance import Session, Step, Symbol, masked_events
from tests.unit.sim.world import SECRETS, World

PATH = f"{SECRETS}/a"
CREATE = Step(method="POST", path=SECRETS, body={"metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": ""}})


def session(world: World) -> Session:
    return Session(lambda call: world.server.handle(call, world.now))


def later() -> World:
    """A world with other identities, versions and times."""
    world = World()
    for name in "xyz":
        world.server.create_namespace(name)
    world.now = world.now.plus(3600 * SECOND)
    return world


def test_two_servers_agree_whatever_their_identities_are() -> None:
    steps = [CREATE, Step(method="GET", path=PATH), Step(method="GET", path=SECRETS), Step(method="DELETE", path=PATH), CREATE]
    first, second = session(World()), session(later())
    assert [first.run(step) for step in steps] == [second.run(step) for step in steps]


def test_a_version_that_should_not_have_moved_is_seen() -> None:
    quiet, busy = World(), World()
    first, second = session(quiet), session(busy)
    for each in (first, second):
        each.run(CREATE)
    busy.do("PATCH", PATH, {"data": {"k": "dg=="}})
    busy.do("PATCH", PATH, {"data": {"k": ""}})
    assert first.run(Step(method="GET", path=PATH)) != second.run(Step(method="GET", path=PATH))


def test_symbols_stand_for_what_the_server_answered() -> None:
    world = World()
    run = session(world).run
    run(CREATE)
    patch: dict[str, Any] = {"metadata": {"resourceVersion": Symbol("version", PATH), "uid": Symbol("uid", PATH)}, "data": {"k": "dg=="}}
    step = Step(method="PATCH", path=PATH, body=patch, content_type="application/merge-patch+json")
    assert run(step).status == 200
    assert run(Step(method="DELETE", path=PATH, body={"preconditions": {"resourceVersion": Symbol("first_version", PATH)}})).status == 409
    assert run(Step(method="DELETE", path=PATH, body={"preconditions": {"resourceVersion": Symbol("version", PATH)}})).status == 200


def test_an_edit_changes_the_object_that_was_seen() -> None:
    world = World()
    run = session(world).run
    run(CREATE)
    seen = run(Step(method="PUT", path=PATH, edit={"data": {"l": "dg=="}, "metadata": {"labels": None}}))
    assert seen.status == 200
    assert seen.body["data"] == {"k": "", "l": "dg=="}
    assert "labels" not in seen.body["metadata"]


def test_messages_are_not_compared_but_causes_are() -> None:
    run = session(World()).run
    seen = run(Step(method="POST", path=SECRETS, body={"metadata": {"name": "a"}, "data": {"a/b": ""}}))
    assert seen.body == {
        "status": "Failure",
        "reason": "Invalid",
        "code": 422,
        "details": {"name": "a", "kind": "Secret"},
        "causes": [("FieldValueInvalid", "data[a/b]")],
    }


def test_bookmarks_count_only_where_they_end_the_initial_state() -> None:
    world = World()
    watch = world.watch(SECRETS, resourceVersion="0", allowWatchBookmarks="true")
    watch.bookmark()
    assert masked_events(session(world), watch.take()) == [("BOOKMARK", {"k8s.io/initial-events-end": "true"})]
