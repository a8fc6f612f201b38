"""The reference's CRDs, and how a CRD of ours is compared with one of them.

``data/crds`` holds one file each, compressed JSON: what a manifest's ``spec`` has, without the texts for people, and the schema of each
version in place of ``{"openAPIV3Schema": ...}``.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "data" / "crds"
SUFFIX = ".json.gz"
NAMES = tuple(sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}")))
MEANT = Path(__file__).with_name("crd_differences.yaml")

COMPARED = ("group", "names", "scope", "versions")
TEXTS = frozenset({"description", "example", "title"})
IN_ANY_ORDER = frozenset({"categories", "enum", "required", "shortNames"})
NAMED_BY = ("name", "jsonPath", "rule")  # what tells the members of a list apart, where they have it
ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not the same. ``path`` begins with the name of the CRD and a colon."""

    path: str
    reference: Any
    ours: Any


@cache
def reference(name: str) -> Mapping[str, Any]:
    """The reference's CRD `name`. Not to be changed."""
    loaded: Mapping[str, Any] = json.loads(gzip.decompress((FOLDER / f"{name}{SUFFIX}").read_bytes()))
    return loaded


def served(name: str) -> Mapping[str, Any]:
    """The schema of the version of the reference's CRD `name` that is served."""
    [schema] = [version["schema"] for version in reference(name)["versions"] if version["served"]]
    return schema


def meant() -> dict[str, str]:
    """The differences that are meant: a regular expression over paths, and why."""
    return {rule["path"]: rule["why"] for rule in yaml.safe_load(MEANT.read_text(encoding="utf-8"))}


def differences(manifest: Mapping[str, Any]) -> list[Difference]:
    """What is not the same in a manifest of ours and in the reference's CRD of that name, by path."""
    name = manifest["metadata"]["name"]
    ours, theirs = (dict(_leaves({part: spec[part] for part in COMPARED}, "")) for spec in (_bare(manifest["spec"]), reference(name)))
    return [
        Difference(f"{name}:{path}", theirs.get(path, ABSENT), ours.get(path, ABSENT))
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path, ABSENT) != theirs.get(path, ABSENT)
    ]


def unmeant(found: Sequence[Difference], rules: Mapping[str, str]) -> list[Difference]:
    """The differences that no rule covers."""
    return [each for each in found if not any(re.search(path, each.path) for path in rules)]


def _bare(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**spec, "versions": [{**version, "schema": version["schema"]["openAPIV3Schema"]} for version in spec["versions"]]}


def _leaves(value: Any, path: str, *, fields: bool = False) -> Iterator[tuple[str, Any]]:
    """The values that hold no others, by path. `fields`: the keys of `value` are names of fields, which may be any word."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            if fields or key not in TEXTS:
                members = sorted(inner, key=str) if key in IN_ANY_ORDER and isinstance(inner, list) else inner
                yield from _leaves(members, f"{path}.{key}".lstrip("."), fields=key == "properties" and not fields)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{_mark(inner, index)}]")
    else:
        yield path, value


def _mark(member: Any, index: int) -> str | int:
    if isinstance(member, Mapping):
        return next((member[key] for key in NAMED_BY if isinstance(member.get(key), str)), index)
    return index
