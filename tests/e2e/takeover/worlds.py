"""The recorded worlds: one file per group, one world per scenario.

A world has ``namespaces``, the first of which is that of every object that names none; what the user had ``given`` (stores with the
status that the reference wrote, ConfigMaps); its ``externalSecrets`` with status; and all ``secrets``, with ``managedFields`` as
``manager|operation: [field paths]``. ``from`` is the scenario and its step. ``leftAfterDeletion`` names the Secrets that were there
after its ExternalSecret had been deleted.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.parity import reference_rules as rules

Json = dict[str, Any]
FOLDER = Path(__file__).parent
_STRUCTS = ("metadata.labels.", "metadata.annotations.", "data.")


@dataclass(frozen=True)
class World:
    """One scenario, settled. Objects that are handed out are copies."""

    name: str
    document: Json

    @property
    def namespace(self) -> str:
        return str(self.document["namespaces"][0]["name"])

    @property
    def namespaces(self) -> list[Json]:
        return list(self.document["namespaces"])

    @property
    def given(self) -> list[Json]:
        return [self._placed(each) for each in self.document["given"]]

    @property
    def external_secrets(self) -> list[Json]:
        whole = [{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", **each} for each in self.document["externalSecrets"]]
        return [self._placed(each) for each in whole]

    @property
    def secrets(self) -> list[Json]:
        return [self._placed({"apiVersion": "v1", "kind": "Secret", **each}) for each in self.document["secrets"]]

    @property
    def left_after_deletion(self) -> list[str] | None:
        return self.document.get("leftAfterDeletion")

    def recorded_external_secrets(self, refreshed: datetime) -> list[Json]:
        """As the API server would answer them; uids are made up."""
        made = [filled(each, {}, refreshed) for each in self.external_secrets]
        for each in made:
            each["metadata"]["uid"] = made_up_uid(each["metadata"]["name"])
        return made

    def recorded_secrets(self, written: datetime) -> dict[tuple[str, str], Json]:
        """The same for Secrets, by namespace and name."""
        uids = {each["metadata"]["name"]: made_up_uid(each["metadata"]["name"]) for each in self.external_secrets}
        found = {}
        for each in (filled(secret, uids, written) for secret in self.secrets):
            meta = each["metadata"]
            meta["uid"] = f"uid-of-secret-{meta['name']}"
            meta["managedFields"] = managed_fields(meta["managedFields"])
            found[meta["namespace"], meta["name"]] = each
        return found

    def is_plain(self, es: Json) -> bool:
        """A pass over it would be a plain copy, and the object has not changed since the last one."""
        current = es["status"]["syncedResourceVersion"] == rules.resource_version(es["metadata"])
        plain = "template" not in es["spec"].get("target", {}) and rules.creation_policy(es) != "None"
        return plain and current

    def produced(self, es: Json, target: Json) -> dict[str, bytes]:
        """What its backends gave last: the keys that the object manages."""
        keys = rules.managed_keys("data", es["metadata"]["name"], target["metadata"]["managedFields"])
        return {key: value for key, value in rules.data_of(target).items() if key in keys}

    def _placed(self, manifest: Json) -> Json:
        made = copy.deepcopy(manifest)
        if not made["kind"].startswith("Cluster"):
            made["metadata"].setdefault("namespace", self.namespace)
        return made


@cache
def worlds() -> tuple[World, ...]:
    files = sorted(FOLDER.glob("*.yaml"))
    documents = [yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader) for file in files]
    return tuple(World(name, document) for file in documents for name, document in file.items())


def world(name: str) -> World:
    return next(each for each in worlds() if each.name == name)


def made_up_uid(name: str) -> str:
    return f"uid-of-{name}"


def filled(value: Any, uids: dict[str, str], at: datetime) -> Any:
    """A copy with ``<time>`` and ``<uid of ExternalSecret/…>`` replaced."""
    if isinstance(value, dict):
        return {filled(key, uids, at): filled(item, uids, at) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, uids, at) for item in value]
    if not isinstance(value, str):
        return value
    if value == "<time>":
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, uid in uids.items():
        value = value.replace(f"<uid of ExternalSecret/{name}>", uid)
    return value


# ---------------------------------------------------------------- managedFields


def managed_fields(recorded: dict[str, list[str]]) -> list[Json]:
    """In the API server's form."""
    return [
        {
            "manager": who.split("|")[0],
            "operation": who.split("|")[1],
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(paths),
        }
        for who, paths in recorded.items()
    ]


def recorded_fields(entries: Iterable[Json]) -> dict[str, list[str]]:
    """In the recordings' form."""
    return {f"{entry['manager']}|{entry['operation']}": sorted(_paths(entry["fieldsV1"], "")) for entry in entries}


def _tree(paths: Iterable[str]) -> Json:
    tree: Json = {}
    for path in paths:
        node = tree
        for part in _parts(path):
            node = node.setdefault(part, {})
    return tree


def _parts(path: str) -> list[str]:
    """Keys of maps may have dots: what they are the keys of is known."""
    for struct in _STRUCTS:
        if path.startswith(struct):
            return [*(f"f:{part}" for part in struct.rstrip(".").split(".")), f"f:{path.removeprefix(struct)}"]
    plain, bracket, item = path.partition("[")
    return [*(f"f:{part}" for part in plain.split(".")), *([item.removesuffix("]")] if bracket else [])]


def _paths(tree: Json, prefix: str) -> Iterator[str]:
    for key, below in tree.items():
        if key == ".":
            continue
        name = f"{prefix}.{key[2:]}".removeprefix(".") if key.startswith("f:") else f"{prefix}[{key}]"
        if set(below) - {"."}:
            yield from _paths(below, name)
        else:
            yield name


def normalised(recorded: dict[str, list[str]]) -> dict[str, list[str]]:
    """Sorted, and JSON inside of paths without spaces."""
    return {who: sorted(map(_compact, paths)) for who, paths in recorded.items()}


def _compact(path: str) -> str:
    head, bracket, item = path.partition("[k:")
    return f"{head}[k:{json.dumps(json.loads(item.removesuffix(']')), separators=(',', ':'))}]" if bracket else path
