"""Create, read, update, patch and delete of native objects."""

from __future__ import annotations

import base64

import orjson
import pytest

from tests.unit.sim.world import CONFIG_MAPS, SECRETS, World


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class TestCreate:
    def test_the_server_gives_identity_version_and_time(self) -> None:
        meta = World().do("POST", SECRETS, {"metadata": {"name": "a", "uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z"}})[
            "metadata"
        ]
        assert meta["uid"] == "00000000-0000-4000-8000-000000000002"
        assert meta["creationTimestamp"] == "2023-11-14T22:13:20Z"
        assert (meta["namespace"], meta["resourceVersion"]) == ("default", "2")

    def test_a_name_is_taken_once(self) -> None:
        world = World()
        world.do("POST", SECRETS, {"metadata": {"name": "a"}})
        assert world.refused("POST", SECRETS, {"metadata": {"name": "a"}}) == (409, "AlreadyExists")

    def test_generated_names_differ_and_are_the_same_every_time(self) -> None:
        def names() -> list[str]:
            world = World()
            return [str(world.do("POST", SECRETS, {"metadata": {"generateName": "gen-"}})["metadata"]["name"]) for _ in range(50)]

        assert len(set(names())) == 50
        assert names() == names()
        assert all(name.startswith("gen-") and len(name) == 9 for name in names())

    def test_the_namespace_must_be_there(self) -> None:
        assert World().refused("POST", "/api/v1/namespaces/none/secrets", {"metadata": {"name": "a"}}) == (404, "NotFound")

    def test_a_rehearsal_stores_nothing(self) -> None:
        world = World()
        before = world.server.version
        assert "resourceVersion" not in world.do("POST", SECRETS, {"metadata": {"name": "a"}}, dryRun="All")["metadata"]
        assert world.server.version == before
        assert world.refused("GET", f"{SECRETS}/a") == (404, "NotFound")


class TestSecrets:
    def test_string_data_becomes_data_and_the_type_is_opaque(self) -> None:
        secret = World().do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": encoded("x"), "l": ""}, "stringData": {"k": "y"}})
        assert secret["data"] == {"k": encoded("y"), "l": ""}
        assert secret["type"] == "Opaque"
        assert "stringData" not in secret

    def test_the_type_never_changes(self) -> None:
        world = World()
        world.do("POST", SECRETS, {"metadata": {"name": "a"}, "type": "custom"})
        assert world.refused("PATCH", f"{SECRETS}/a", {"type": "Opaque"}) == (422, "Invalid")

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            ({"k": "not base64!"}, (400, "BadRequest")),
            ({"k": 1}, (400, "BadRequest")),
            ({"a/b": ""}, (422, "Invalid")),
            ({"..": ""}, (422, "Invalid")),
            ({"x" * 254: ""}, (422, "Invalid")),
            ({"k": encoded("x" * (1024 * 1024 + 1))}, (422, "Invalid")),
        ],
    )
    def test_data_is_checked(self, data: dict[str, object], expected: tuple[int, str]) -> None:
        assert World().refused("POST", SECRETS, {"metadata": {"name": "a"}, "data": data}) == expected

    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("kubernetes.io/tls", {"tls.crt": "", "tls.key": ""}),
            ("kubernetes.io/basic-auth", {"password": ""}),
            ("kubernetes.io/ssh-auth", {"ssh-privatekey": encoded("x")}),
            ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": encoded("{}")}),
            ("kubernetes.io/dockercfg", {".dockercfg": encoded("{}")}),
        ],
    )
    def test_types_demand_their_keys(self, kind: str, data: dict[str, str]) -> None:
        world = World()
        assert world.refused("POST", SECRETS, {"metadata": {"name": "a"}, "type": kind, "data": {}}) == (422, "Invalid")
        world.do("POST", SECRETS, {"metadata": {"name": "a"}, "type": kind, "data": data})

    def test_an_immutable_secret_keeps_its_data_but_not_its_labels(self) -> None:
        world = World()
        path = f"{SECRETS}/a"
        world.do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": ""}, "immutable": True})
        assert world.refused("PATCH", path, {"data": {"k": "dg=="}}) == (422, "Invalid")
        assert world.refused("PATCH", path, {"immutable": False}) == (422, "Invalid")
        assert world.do("PATCH", path, {"metadata": {"labels": {"x": "y"}}})["data"] == {"k": ""}

    def test_a_message_says_what_is_wrong_and_where(self) -> None:
        status = orjson.loads(World().ask("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"a/b": "", "c/d": ""}}).body)
        assert status["message"].startswith('Secret "a" is invalid: [data[a/b]: Invalid value: "a/b": a valid config key must consist of')
        assert [cause["field"] for cause in status["details"]["causes"]] == ["data[a/b]", "data[c/d]"]
        assert status["details"]["kind"] == "Secret"


class TestUpdate:
    def test_an_update_names_the_version_it_read_or_none(self) -> None:
        world = World()
        first = world.do("POST", CONFIG_MAPS, {"metadata": {"name": "a"}, "data": {"k": "1"}})
        world.do("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "a"}, "data": {"k": "2"}})
        assert world.refused("PUT", f"{CONFIG_MAPS}/a", first) == (409, "Conflict")

    def test_an_update_of_another_identity_is_refused(self) -> None:
        world = World()
        world.do("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
        assert world.refused("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "a", "uid": "other"}}) == (409, "Conflict")
        assert world.refused("PATCH", f"{CONFIG_MAPS}/a", {"metadata": {"uid": "other"}}) == (422, "Invalid")

    def test_an_update_that_changes_nothing_keeps_the_version(self) -> None:
        world = World()
        first = world.do("POST", CONFIG_MAPS, {"metadata": {"name": "a"}, "data": {"k": "1"}})
        assert world.do("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "a"}, "data": {"k": "1"}}, fieldManager="other") == first
        assert world.do("PATCH", f"{CONFIG_MAPS}/a", {"data": {"k": "1"}}, fieldManager="other") == first

    def test_name_and_namespace_are_those_of_the_path(self) -> None:
        world = World()
        world.do("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
        assert world.refused("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "b"}}) == (400, "BadRequest")
        assert world.refused("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "a", "namespace": "x"}}) == (400, "BadRequest")
        assert world.refused("PUT", f"{CONFIG_MAPS}/b", {"metadata": {"name": "b"}}) == (404, "NotFound")

    def test_a_patch_may_name_a_version(self) -> None:
        world = World()
        world.do("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
        version = world.do("PATCH", f"{CONFIG_MAPS}/a", {"data": {"k": "1"}})["metadata"]["resourceVersion"]
        assert world.refused("PATCH", f"{CONFIG_MAPS}/a", {"metadata": {"resourceVersion": "2"}, "data": {"k": "2"}}) == (409, "Conflict")
        world.do("PATCH", f"{CONFIG_MAPS}/a", {"metadata": {"resourceVersion": version}, "data": {"k": "2"}})

    def test_only_merge_patches_are_understood(self) -> None:
        reply = World().ask("PATCH", f"{CONFIG_MAPS}/a", {}, "application/strategic-merge-patch+json")
        assert (reply.status, orjson.loads(reply.body)["reason"]) == (415, "UnsupportedMediaType")


class TestDelete:
    def test_preconditions_are_identity_and_version(self) -> None:
        world = World()
        meta = world.do("POST", SECRETS, {"metadata": {"name": "a"}})["metadata"]
        path = f"{SECRETS}/a"
        assert world.refused("DELETE", path, {"preconditions": {"uid": "other"}}) == (409, "Conflict")
        assert world.refused("DELETE", path, {"preconditions": {"resourceVersion": "1"}}) == (409, "Conflict")
        status = world.do("DELETE", path, {"preconditions": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}})
        assert status["details"] == {"name": "a", "kind": "secrets", "uid": meta["uid"]}
        assert world.refused("DELETE", path) == (404, "NotFound")

    def test_finalizers_hold_an_object_until_the_last_is_gone(self) -> None:
        world = World()
        path = f"{CONFIG_MAPS}/a"
        world.do("POST", CONFIG_MAPS, {"metadata": {"name": "a", "finalizers": ["x.io/a", "x.io/b"]}})
        assert world.do("DELETE", path)["metadata"]["deletionTimestamp"] == "2023-11-14T22:13:20Z"
        version = world.server.version
        world.do("DELETE", path)
        assert world.server.version == version, "a second request changes nothing"
        assert world.refused("PATCH", path, {"metadata": {"finalizers": ["x.io/a", "x.io/b", "x.io/c"]}}) == (422, "Invalid")
        world.do("PATCH", path, {"metadata": {"finalizers": ["x.io/b"]}})
        world.do("PATCH", path, {"metadata": {"finalizers": None}})
        assert world.refused("GET", path) == (404, "NotFound")

    def test_a_collection_is_deleted_by_selector(self) -> None:
        world = World()
        for name, label in (("a", "x"), ("b", "y"), ("c", "x")):
            world.do("POST", SECRETS, {"metadata": {"name": name, "labels": {"l": label}}})
        assert len(world.do("DELETE", SECRETS, labelSelector="l=x")["items"]) == 2
        assert [item["metadata"]["name"] for item in world.do("GET", SECRETS)["items"]] == ["b"]


class TestSurroundings:
    def test_health_and_version(self) -> None:
        world = World()
        assert world.ask("GET", "/readyz").body == b"ok"
        assert world.do("GET", "/version")["gitVersion"].startswith("v1.")

    def test_what_was_read_is_a_copy(self) -> None:
        world = World()
        world.do("POST", SECRETS, {"metadata": {"name": "a"}, "data": {"k": ""}})
        [secret] = world.server.objects(world.server.kind_of("secrets"))
        secret["data"]["k"] = "changed"
        assert world.do("GET", f"{SECRETS}/a")["data"] == {"k": ""}

    def test_apply_creates_and_then_merges(self) -> None:
        world = World()
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"}}
        assert world.server.apply(manifest, world.now).status == 201
        assert world.server.apply({**manifest, "data": {"l": "2"}}, world.now).status == 200
        assert world.do("GET", f"{CONFIG_MAPS}/a")["data"] == {"k": "1", "l": "2"}

    def test_subscribers_hear_of_every_write_until_they_leave(self) -> None:
        world = World()
        heard: list[int] = []
        leave = world.server.subscribe(lambda: heard.append(world.server.version))
        world.do("POST", SECRETS, {"metadata": {"name": "a"}})
        world.do("PATCH", f"{SECRETS}/a", {"type": "Opaque"})
        world.do("DELETE", f"{SECRETS}/a")
        leave()
        world.do("POST", SECRETS, {"metadata": {"name": "a"}})
        assert heard == [2, 3]
