"""The rules written a second time, against what was observed from the reference: vectors, and whole worlds that it had settled."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.takeover.worlds import World, worlds
from tests.parity import reference_rules as rules

Json = dict[str, Any]
DATA = Path(__file__).parent / "data" / "functions"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def vectors(file: str, *functions: str, keep: Callable[[Json], object] = bool) -> list[Any]:
    """keep: which of them, by their arguments."""
    with (DATA / f"{file}.jsonl").open(encoding="utf-8") as lines:
        found = [vector for vector in map(json.loads, lines) if vector["fn"] in functions and keep(vector["args"])]
    assert len(found) >= 10
    return [pytest.param(vector, id=vector["id"]) for vector in found]


def is_plain(args: Json) -> bool:
    return "template" not in args["externalSecret"]["spec"].get("target", {})


def raw(value: Any) -> bytes:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else str(value).encode("utf-8", "surrogatepass")


def raw_map(value: Json | None) -> dict[str, bytes]:
    return {key: raw(item) for key, item in (value or {}).items()}


def stored(secret: Json) -> Json:
    """As the API server would answer it."""
    data = {key: base64.b64encode(value).decode() for key, value in raw_map(secret.get("data")).items()}
    return {**secret, "metadata": {"uid": "u", **secret["metadata"]}, "data": data}


@pytest.mark.parametrize("vector", vectors("hash", "object_hash", keep=lambda args: args["type"] != "object"))
def test_hash(vector: Json) -> None:
    args = vector["args"]
    match args["type"]:
        case "bytes_map":
            value = args["value"]
            assert rules.data_hash(raw_map(value)) == vector["result"]
        case "string_map":
            assert rules.sha3(rules.string_map(args["value"])) == vector["result"]
        case _:
            assert rules.sha3(args["value"]) == vector["result"]


@pytest.mark.parametrize("vector", vectors("hash", "resource_version", "field_owner", "owner_label"))
def test_names(vector: Json) -> None:
    args = vector["args"]
    match vector["fn"]:
        case "resource_version":
            assert rules.resource_version(args) == vector["result"]
        case "field_owner":
            assert rules.field_manager(args["name"]) == vector["result"]
        case _:
            assert rules.owner_label(args["namespace"], args["name"]) == vector["result"]


@pytest.mark.parametrize("vector", vectors("hash", "managed_keys"))
def test_managed_keys(vector: Json) -> None:
    args = vector["args"]
    assert rules.managed_keys(args["what"], args["name"], args["managedFields"]) == (vector["result"] or [])


@pytest.mark.parametrize("vector", vectors("hash", "secret_valid"))
def test_secret_valid(vector: Json) -> None:
    args = vector["args"]
    meta = {"uid": args["uid"], "labels": args["labels"], "annotations": args["annotations"]}
    assert rules.secret_valid(args["creationPolicy"], stored({"metadata": meta, "data": args["data"]})) is vector["result"]


@pytest.mark.parametrize("vector", vectors("hash", "apply_ownership"))
def test_ownership(vector: Json) -> None:
    es, secret = vector["args"]["externalSecret"], stored(vector["args"]["secret"])
    if not vector["ok"]:
        with pytest.raises(rules.Owned):
            rules.apply_ownership(es, secret)
        return
    rules.apply_ownership(es, secret)
    wanted = vector["result"]
    assert secret["metadata"]["labels"] == (wanted["labels"] or {})
    assert secret["metadata"]["ownerReferences"] == (wanted["ownerReferences"] or [])


@pytest.mark.parametrize("vector", vectors("refresh", "should_refresh", keep=lambda args: args["syncWindows"] is None))
def test_should_refresh(vector: Json) -> None:
    args = vector["args"]
    offset = args["refreshTimeOffset"]
    meta = args["metadata"]
    synced = rules.resource_version(meta) if args["syncedResourceVersion"] == "CURRENT" else args["syncedResourceVersion"]
    status = {"syncedResourceVersion": synced}
    if offset is not None:
        status["refreshTime"] = (NOW + rules.duration(offset)).isoformat()
    es = {"metadata": meta, "spec": {"refreshPolicy": args["refreshPolicy"], "refreshInterval": args["refreshInterval"]}, "status": status}
    assert rules.should_refresh(es, NOW) is vector["result"]


@pytest.mark.parametrize("vector", vectors("apply", "apply_template", keep=is_plain))
def test_plain_copy(vector: Json) -> None:
    args = vector["args"]
    secret = stored(args["secret"])
    rules.apply_plain(args["externalSecret"], secret, raw_map(args["data"]))
    wanted = vector["result"]
    assert rules.data_of(secret) == raw_map(wanted["data"])
    assert (secret["metadata"]["labels"], secret["metadata"]["annotations"]) == (wanted["labels"] or {}, wanted["annotations"] or {})
    assert rules.data_hash(rules.data_of(secret)) == wanted["hash"]


@pytest.mark.parametrize("world", worlds(), ids=lambda world: world.name)
def test_the_reference_would_write_nothing_to_what_it_settled(world: World) -> None:
    """Otherwise the rules would be too strict, or too lax, to judge others by."""
    assert world.external_secrets
    secrets = world.recorded_secrets(NOW)
    for es in world.recorded_external_secrets(NOW - timedelta(minutes=1)):
        target = secrets.get((es["metadata"]["namespace"], rules.target_name(es)))
        policy = rules.creation_policy(es)
        assert rules.secret_valid(policy, target) is (policy != "None")
        assert not rules.should_refresh(es, NOW, window_open=False)
        assert not rules.lacks_finalizer(es)
        assert rules.orphans(es, [s for (namespace, _), s in secrets.items() if namespace == es["metadata"]["namespace"]]) == []
        edited = target is not None and not rules.secret_valid("Owner", target)  # which goes unnoticed with Orphan
        if target is not None and world.is_plain(es) and not edited:
            assert rules.is_no_op(target, rules.mutated(es, target, world.produced(es, target)))
