"""Where an observation differs from a recording, and which of the differences count.

Masks of a recording: ``<varies>`` anything, ``<n>`` anything but nothing, ``<random ...>`` any value of a shape, ``optional: true`` may be
absent, ``<same as previous step>``. Wording of messages, counts and sources of events, managers other than those of single ExternalSecrets,
and writes of other objects than Secrets are not compared.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SAME, VARIES, NUMBER, ABSENT = "<same as previous step>", "<varies>", "<n>", "<absent>"
OWNER = "externalsecrets.external-secrets.io/"
PARTS = ("api", "objects", "events", "refreshed", "writes", "vault", "http", "liveTokens")
_RANDOM = re.compile(r"<random( b64)? (.*)>", re.DOTALL)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]{16,}")
_NO_BINDING: tuple[Any, ...] = ({"name": ""}, {}, "", None, ABSENT)

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """``path`` begins with ``step 1``."""

    path: str
    expected: Any
    actual: Any

    def __str__(self) -> str:
        return f"{self.path}: expected {_short(self.expected)}, actual {_short(self.actual)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}…"


def compare(expected: Sequence[Mapping[str, Any]], actual: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Everything that counts, step by step."""
    out = []
    for number, (wanted, seen) in enumerate(zip(_whole(expected), _whole(actual), strict=True), 1):
        for part in PARTS:
            for path, left, right in differences(wanted.get(part) or {}, seen.get(part) or {}, (part,)):
                if counts(path) and not _cosmetic(path, left, right):
                    out.append(Difference(f"step {number} {'.'.join(path)}", left, right))
    return out


def _whole(steps: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Steps with the objects of the one before where they did not change."""
    before: dict[str, Any] = {}
    for step in steps:
        before = {name: before.get(name) if found == SAME else _trimmed(name, found) for name, found in (step.get("objects") or {}).items()}
        yield {**step, "objects": before}


def _trimmed(name: str, found: Any) -> Any:
    """A GeneratorState without what the server wrote on its copy of the generator."""
    if not name.startswith("GeneratorState/") or not isinstance(found, dict):
        return found
    resource = (found.get("spec") or {}).get("resource") or {}
    meta = resource.get("metadata")
    if not isinstance(meta, dict):
        return found
    kept = {key: value for key, value in meta.items() if key not in ("managedFields", "resourceVersion", "uid", "creationTimestamp")}
    return {**found, "spec": {**found["spec"], "resource": {**resource, "metadata": kept}}}


# ---------------------------------------------------------------- finding


def differences(expected: Any, actual: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Path, expected and actual value of each difference."""
    if masks(expected, actual):
        return
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in [*expected, *(key for key in actual if key not in expected)]:
            if key == "optional" and expected.get(key) is True:
                continue
            here = (*path, str(key))
            if key in expected and key in actual:
                yield from differences(expected[key], actual[key], here)
            elif key in actual:
                yield here, ABSENT, actual[key]
            elif not _may_lack(expected[key]):
                yield here, expected[key], ABSENT
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (left, right) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(left, right, (*path, str(index)))
    elif expected != actual:
        yield path, expected, actual


def _may_lack(expected: Any) -> bool:
    return expected == VARIES or (isinstance(expected, dict) and bool(expected.get("optional")))


def masks(expected: Any, actual: Any) -> bool:
    """``expected`` is a mask, and ``actual`` fits it."""
    if not isinstance(expected, str):
        return False
    if expected == VARIES or (expected == NUMBER and actual is not None):
        return True
    found = _RANDOM.fullmatch(expected)
    return found is not None and isinstance(actual, str) and _has_shape(found[2], actual, encoded=bool(found[1]))


def _has_shape(shape: str, value: str, *, encoded: bool) -> bool:
    words = shape.split()
    said = dict(word.split("=", 1) for word in words if "=" in word)
    try:
        raw = base64.b64decode(value) if encoded else value.encode()
    except ValueError:
        return False
    if words[0] == "bytes":
        return len(raw) == int(said["len"])
    text = raw.decode(errors="replace")
    if words[0] == "uuid":
        return _UUID.fullmatch(text) is not None
    if words[0] == "pem":
        return text.startswith(f"-----BEGIN {said['type'].replace('_', ' ')}-----")
    if words[0] == "sshkey":
        kind, _, rest = text.strip().partition(" ")
        return kind == said["type"] and (rest.partition(" ")[2].strip().replace(" ", "_") or "-") == said["comment"]
    allowed = set(said["charset"].split("+"))
    fits = _HEX.fullmatch(text) is not None if allowed == {"hex"} else {_class(char) for char in text} <= allowed
    return len(text) == int(said["len"]) and fits


def _class(char: str) -> str:
    if char.isspace():
        return "space"
    return "lower" if char.islower() else "upper" if char.isupper() else "digit" if char.isdigit() else "symbol"


# ---------------------------------------------------------------- judging


def counts(path: Path) -> bool:
    """Whether a difference at this place makes another operator of it."""
    match path:
        case ("writes", *rest):
            return bool(rest) and rest[0].startswith("Secret/")
        case ("events", *rest):
            return len(rest) < 2  # which events there are, not how they look
        case ("refreshed", *_):
            return True
        case ("api" | "http", *rest):
            return not rest or rest[-1] not in ("message", "causes")
    if (
        (path[-1] == "message" and "data" not in path)
        or path[-2:-1] == ("failedNamespaces",)
        or ("failedNamespaces" in path and path[-1] == "reason")
    ):
        return False
    if "managedFields" in path:
        below = path[path.index("managedFields") + 1 :]
        return bool(below) and below[0].startswith(OWNER)
    return True


def _cosmetic(path: Path, expected: Any, actual: Any) -> bool:
    """Nobody can tell the two apart: absent and null, an empty binding and none."""
    if expected in (None, ABSENT) and actual in (None, ABSENT):
        return True
    return "binding" in path[-2:] and expected in _NO_BINDING and actual in _NO_BINDING
