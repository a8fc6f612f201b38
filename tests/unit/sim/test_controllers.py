"""Garbage collection, the end of namespaces, tokens and reviews."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from eso_core.instant import SECOND
from tests.unit.sim.world import CONFIG_MAPS, SECRETS, World, events


def owned_by(*owners: dict[str, Any], name: str = "b") -> dict[str, Any]:
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]} for owner in owners
    ]
    return {"metadata": {"name": name, "ownerReferences": references}}


class TestGarbage:
    def test_an_object_goes_when_its_last_owner_is_gone(self) -> None:
        world = World()
        first = world.do("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})
        second = world.do("POST", CONFIG_MAPS, {"metadata": {"name": "y"}})
        world.do("POST", SECRETS, owned_by(first, second))
        assert world.server.collect_garbage(world.now) == 0
        world.do("DELETE", f"{CONFIG_MAPS}/x")
        assert world.server.collect_garbage(world.now) == 1
        assert [owner["name"] for owner in world.do("GET", f"{SECRETS}/b")["metadata"]["ownerReferences"]] == ["y"]
        world.do("DELETE", f"{CONFIG_MAPS}/y")
        assert world.server.collect_garbage(world.now) == 1
        assert world.refused("GET", f"{SECRETS}/b") == (404, "NotFound")

    def test_it_goes_down_the_tree(self) -> None:
        world = World()
        root = world.do("POST", CONFIG_MAPS, {"metadata": {"name": "root"}})
        middle = world.do("POST", CONFIG_MAPS, owned_by(root, name="middle"))
        world.do("POST", SECRETS, owned_by(middle, name="leaf"))
        world.do("DELETE", f"{CONFIG_MAPS}/root")
        assert world.server.collect_garbage(world.now) == 2

    def test_a_new_object_of_the_same_name_is_no_owner(self) -> None:
        world = World()
        owner = world.do("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})
        world.do("POST", SECRETS, owned_by(owner))
        world.do("DELETE", f"{CONFIG_MAPS}/x")
        world.do("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})
        assert world.server.collect_garbage(world.now) == 1

    def test_an_owner_in_another_namespace_is_none(self) -> None:
        world = World()
        world.server.create_namespace("other")
        owner = world.do("POST", "/api/v1/namespaces/other/configmaps", {"metadata": {"name": "x"}})
        world.do("POST", SECRETS, owned_by(owner))
        assert world.server.collect_garbage(world.now) == 1

    def test_a_foreground_deletion_waits_for_the_dependents(self) -> None:
        world = World()
        owner = world.do("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})
        world.do("POST", SECRETS, owned_by(owner))
        watch = world.watch("/api/v1/configmaps", resourceVersion=str(world.server.version))
        assert world.do("DELETE", f"{CONFIG_MAPS}/x", {"propagationPolicy": "Foreground"})["metadata"]["finalizers"] == [
            "foregroundDeletion"
        ]
        world.server.collect_garbage(world.now)
        assert world.refused("GET", f"{SECRETS}/b") == (404, "NotFound")
        assert events(watch) == [("MODIFIED", "x"), ("DELETED", "x")]

    def test_orphans_stay(self) -> None:
        world = World()
        owner = world.do("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})
        world.do("POST", SECRETS, owned_by(owner))
        world.do("DELETE", f"{CONFIG_MAPS}/x", {"propagationPolicy": "Orphan"})
        world.server.collect_garbage(world.now)
        assert world.refused("GET", f"{CONFIG_MAPS}/x") == (404, "NotFound")
        assert "ownerReferences" not in world.do("GET", f"{SECRETS}/b")["metadata"]


class TestNamespaces:
    def test_a_terminating_namespace_takes_nothing_new_and_empties(self) -> None:
        world = World()
        world.server.create_namespace("n")
        inside = "/api/v1/namespaces/n/secrets"
        world.do("POST", inside, {"metadata": {"name": "a"}})
        assert world.do("DELETE", "/api/v1/namespaces/n")["status"] == {"phase": "Terminating"}
        reply = orjson.loads(world.ask("POST", inside, {"metadata": {"name": "b"}}).body)
        assert (reply["code"], reply["details"]["causes"][0]["reason"]) == (403, "NamespaceTerminating")
        assert world.server.finish_namespaces(world.now) == 2
        assert world.refused("GET", "/api/v1/namespaces/n") == (404, "NotFound")
        assert world.refused("POST", inside, {"metadata": {"name": "b"}}) == (404, "NotFound")

    def test_a_finalizer_inside_holds_it(self) -> None:
        world = World()
        world.server.create_namespace("n")
        inside = "/api/v1/namespaces/n/secrets"
        world.do("POST", inside, {"metadata": {"name": "a", "finalizers": ["x.io/y"]}})
        world.do("DELETE", "/api/v1/namespaces/n")
        world.server.finish_namespaces(world.now)
        assert world.server.finish_namespaces(world.now) == 0
        world.do("PATCH", f"{inside}/a", {"metadata": {"finalizers": None}})
        world.server.finish_namespaces(world.now)
        assert world.refused("GET", "/api/v1/namespaces/n") == (404, "NotFound")

    def test_some_are_immortal(self) -> None:
        assert World().refused("DELETE", "/api/v1/namespaces/default") == (403, "Forbidden")


class TestTokens:
    def test_a_token_says_who_for_whom_and_how_long(self) -> None:
        world = World()
        path = "/api/v1/namespaces/default/serviceaccounts"
        world.do("POST", path, {"metadata": {"name": "robot"}})
        answer = world.do("POST", f"{path}/robot/token", {"spec": {"audiences": ["vault"], "expirationSeconds": 600}})
        assert answer["status"]["expirationTimestamp"] == "2023-11-14T22:23:20Z"
        payload = answer["status"]["token"].split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert (claims["sub"], claims["aud"]) == ("system:serviceaccount:default:robot", ["vault"])
        assert claims["exp"] - claims["iat"] == 600

    def test_a_new_time_gives_a_new_token(self) -> None:
        world = World()
        path = "/api/v1/namespaces/default/serviceaccounts"
        world.do("POST", path, {"metadata": {"name": "robot"}})
        tokens = set()
        for _ in range(3):
            tokens.add(world.do("POST", f"{path}/robot/token", {"spec": {}})["status"]["token"])
            world.now = world.now.plus(SECOND)
        assert len(tokens) == 3

    def test_the_account_must_be_there_and_the_time_long_enough(self) -> None:
        world = World()
        path = "/api/v1/namespaces/default/serviceaccounts"
        assert world.refused("POST", f"{path}/robot/token", {"spec": {}}) == (404, "NotFound")
        world.do("POST", path, {"metadata": {"name": "robot"}})
        assert world.refused("POST", f"{path}/robot/token", {"spec": {"expirationSeconds": 5}}) == (422, "Invalid")


def test_everything_is_allowed() -> None:
    body = {"spec": {"resourceAttributes": {"verb": "get", "resource": "secrets"}}}
    assert World().do("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)["status"] == {"allowed": True}
