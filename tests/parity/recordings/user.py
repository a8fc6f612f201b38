"""The user of one scenario: what they do step by step, and what they look at. Whose cluster it is, and which clock, the heirs say."""

from __future__ import annotations

import base64
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import orjson

from eso_core.refs import collection_path
from eso_core.wire import MERGE_PATCH, KubeReply
from tests.parity.recordings.backends import Stubs
from tests.parity.recordings.journal import Journal, Key, Object
from tests.parity.recordings.kinds import kind_of
from tests.parity.recordings.observe import PATCHER, USER, Observer
from tests.parity.recordings.places import Places

QUIET_S, TIMEOUT_S = 1.2, 12.0  # a step is over after so much quiet, or after so much time
STORE_S, AFTER_STORE_S = 2.5, 0.3  # how long a new store may take to get a condition, and the pause after it
STRICT = (("fieldValidation", "Strict"),)
_UID = re.compile(r"\$\{UID:(\w+)/([^}]+)\}")


class User(ABC):
    """A step is observed once nothing of the scenario has changed for a while, or when that takes too long.

    That quiet is part of what is observed: a recording says "this is how it stays", which no condition on the objects can tell
    from "this is how it is on the way". An operator that writes once more after it looked finished is caught by the quiet alone.
    """

    def __init__(self, scenario: Mapping[str, Any], journal: Journal, stubs: Stubs, places: Places) -> None:
        self.journal = journal
        self.stubs = stubs
        self.namespaces: list[str] = [namespace["name"] for namespace in scenario["namespaces"]]
        self.seen = Observer(journal, self.namespaces, places)
        self._scenario = scenario
        self._given = places.given()
        self._own: set[str] = set()  # versions that the user made
        self._api: dict[str, Any] = {}  # refusals of this step
        self._verbs: dict[str, Callable[[str, Any], None]] = {
            "apply": self._apply,
            "create": self._create,
            "dryRun": self._dry_run,
            "patch": self._patch,
            "delete": self._delete,
            "wait": lambda label, seconds: self.pass_time(seconds),
            "until": self._until,
            "hook": self._hook,
            "vault": self._vault,
            "operator": lambda label, asked: self.operator(asked),
        }

    # ------------------------------------------------------------ what depends on the cluster

    @abstractmethod
    def begin(self) -> None:
        """Have an operator run."""

    @abstractmethod
    def operator(self, asked: str) -> None:
        """``start``, ``stop`` or ``restart`` the operator."""

    @abstractmethod
    def send(
        self, method: str, path: str, body: Any, query: tuple[tuple[str, str], ...] = (), *, manager: str = USER, media: str = ""
    ) -> KubeReply:
        """One request of the user."""

    @abstractmethod
    def apply(self, manifest: Object, key: Key, collection: str) -> KubeReply:
        """Server-side apply; ``collection`` is a path."""

    @abstractmethod
    def now(self) -> int:
        """Monotonic nanoseconds, of the clock that the journal is kept by."""

    @abstractmethod
    def pass_time(self, seconds: float) -> None:
        """Let time pass because the scenario says so."""

    @abstractmethod
    def wait_until(self, seconds: float, there: Callable[[], bool]) -> None:
        """Return when ``there()``, which is asked whenever something has changed, or when the time is over."""

    @abstractmethod
    def wait_quiet(self, quiet_s: float, timeout_s: float, last: Callable[[], int]) -> None:
        """Return when :meth:`now` is ``quiet_s`` after ``last()``, or when the time is over."""

    @abstractmethod
    def looking(self) -> AbstractContextManager[object]:
        """Nothing in the journal changes meanwhile."""

    # ------------------------------------------------------------ steps

    def run(self) -> list[dict[str, Any]]:
        """Carry out every step. What could be seen after each."""
        self.begin()
        for namespace in self._scenario["namespaces"]:
            manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": dict(namespace)}
            reply = self.send("POST", "/api/v1/namespaces", manifest)
            if reply.status >= 300:
                raise RuntimeError(f"namespace {namespace['name']}: {reply.body.decode()}")
        self._settle(0.3, 3.0)
        return [self._step(step) for step in self._scenario["steps"]]

    def _step(self, step: Mapping[str, Any]) -> dict[str, Any]:
        with self.looking():
            written, called = len(self.journal.entries), len(self.stubs.calls)
        self._api = {}
        for index, action in enumerate(step["do"]):
            self._act(index, action)
        settle = step.get("settle") or {}
        quiet = settle.get("quiet", QUIET_S)
        if quiet:
            self._settle(quiet, settle.get("timeout", TIMEOUT_S))
        with self.looking():
            return self._look(step, written, called)

    def _look(self, step: Mapping[str, Any], written: int, called: int) -> dict[str, Any]:
        """What can be seen now; ``written`` and ``called`` are the lengths of the logs when the step began."""
        out: dict[str, Any] = {
            "api": self._api,
            "objects": self.seen.objects(),
            "refreshed": self.seen.refreshed(),
            "events": self.seen.events(),
            "writes": self.seen.writes(self.journal.entries[written:], self._own),
        }
        if step.get("vault"):
            out["vault"] = self.stubs.vault_below(step["vault"])
        if step.get("liveTokens"):
            out["liveTokens"] = self.stubs.live_tokens(step["liveTokens"])
        if step.get("http"):
            calls = self.stubs.calls[called:]
            out["http"] = sorted({f"{method} {path} {body}".strip() for method, path, body in calls if path.startswith(step["http"])})
        return out

    def _act(self, index: int, action: Mapping[str, Any]) -> None:
        ((verb, what),) = [(key, value) for key, value in action.items() if key != "nowait"]
        store = self._store(what) if verb in ("apply", "create") and not action.get("nowait") else None
        known = store is not None and self._object(*store) is not None
        self._verbs[verb](f"{index}: {verb}", what)
        if store is not None and not any(label.startswith(f"{index}: ") for label in self._api):
            self._await_store(store, known=known)

    # ------------------------------------------------------------ requests

    def _note(self, label: str, reply: KubeReply, *, dry: bool = False) -> Object | None:
        """Remember a refusal, or the version that the user made."""
        out = orjson.loads(reply.body)
        if reply.status < 300:
            if dry:
                self._api[label] = {"accepted": True}
            else:
                self._own.add(out["metadata"].get("resourceVersion", ""))
            return out if isinstance(out, dict) else None
        told: dict[str, Any] = {"accepted": False, "code": reply.status, "reason": out.get("reason", "")}
        causes = (out.get("details") or {}).get("causes") or ()
        if causes:
            told["fields"] = sorted({f"{cause.get('field', '')}: {cause.get('reason', '')}" for cause in causes})
        self._api[label] = told
        return None

    def _object(self, kind: str, namespace: str, name: str) -> Object | None:
        return self.journal.objects.get((kind, namespace, name))

    def _namespace(self, kind: str, given: str | None) -> str:
        return (given or self.namespaces[0]) if kind_of(kind).namespaced else ""

    def _filled(self, value: Any) -> Any:
        """``value`` with addresses and identities in the place of their names."""
        if isinstance(value, str):
            for name, own in self._given.items():
                value = value.replace(name, own)
            return _UID.sub(self._identity, value)
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if isinstance(value, dict):
            return {self._filled(key): self._filled(inner) for key, inner in value.items()}
        return value

    def _identity(self, asked: re.Match[str]) -> str:
        kind, name = asked[1], asked[2]
        found = self._object(kind, self._namespace(kind, None), name)
        return str(found["metadata"]["uid"]) if found is not None else asked[0]

    def _manifest(self, raw: Any) -> tuple[Object, Key, str]:
        """The manifest as it is sent, the key of its object, and the path of its collection."""
        manifest = self._filled(raw)
        kind = kind_of(manifest["kind"])
        manifest.setdefault("apiVersion", kind.api_version)
        meta = manifest["metadata"] = dict(manifest["metadata"])
        namespace = self._namespace(kind.name, meta.get("namespace"))
        if namespace:
            meta["namespace"] = namespace
        version = manifest["apiVersion"]
        path = collection_path(kind, namespace)
        if version != kind.api_version:
            path = path.replace(kind.root, f"/apis/{version}" if "/" in version else f"/api/{version}", 1)
        return manifest, (kind.name, namespace, meta.get("name", "")), path

    # ------------------------------------------------------------ verbs

    def _apply(self, label: str, raw: Any) -> None:
        manifest, key, path = self._manifest(raw)
        self.seen.wrote.add(key)
        self._note(f"{label} {key[0]}/{key[2]}", self.apply(manifest, key, path))

    def _create(self, label: str, raw: Any) -> None:
        manifest, key, path = self._manifest(raw)
        self.seen.wrote.add(key)
        self._note(f"{label} {key[0]}/{manifest['metadata'].get('name')}", self.send("POST", path, manifest, STRICT))

    def _dry_run(self, label: str, raw: Any) -> None:
        manifest, key, path = self._manifest(raw)
        reply = self.send("POST", path, manifest, (*STRICT, ("dryRun", "All")))
        self._note(f"{label} {key[0]}/{manifest['metadata'].get('name')}", reply, dry=True)

    def _store(self, raw: Mapping[str, Any]) -> Key | None:
        """The key of a store's manifest; ``None`` for other kinds."""
        if raw["kind"] not in ("SecretStore", "ClusterSecretStore"):
            return None
        return self._manifest(raw)[1]

    def _await_store(self, key: Key, *, known: bool) -> None:
        """A new store is given time to become valid; every write of a store is followed by a pause."""
        if not known:
            self.wait_until(STORE_S, lambda: bool(((self._object(*key) or {}).get("status") or {}).get("conditions")))
        self.pass_time(AFTER_STORE_S)

    def _patch(self, label: str, raw: Any) -> None:
        asked = self._filled(raw)
        if asked.get("type", "merge") != "merge":
            raise ValueError("scenarios use merge patches only")
        path, name = self._path(asked)
        path += f"/{asked['subresource']}" if asked.get("subresource") else ""
        reply = self.send("PATCH", path, asked["patch"], manager=asked.get("manager", PATCHER), media=MERGE_PATCH)
        self._note(f"{label} {name}", reply)

    def _delete(self, label: str, asked: Any) -> None:
        path, name = self._path(asked)
        reply = self.send("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"})
        if reply.status >= 300 or orjson.loads(reply.body).get("kind") == asked["kind"]:
            self._note(f"{label} {name}", reply)

    def _path(self, asked: Mapping[str, Any]) -> tuple[str, str]:
        kind = kind_of(asked["kind"])
        collection = collection_path(kind, self._namespace(kind.name, asked.get("namespace")))
        return f"{collection}/{asked['name']}", f"{kind.name}/{asked['name']}"

    def _hook(self, label: str, asked: Any) -> None:
        self.stubs.hooks[asked["path"]] = asked.get("status", 200), asked["body"]

    def _vault(self, label: str, asked: Any) -> None:
        self.stubs.set_vault(asked["path"], asked["data"], asked.get("custom"))

    # ------------------------------------------------------------ waiting

    def _until(self, label: str, asked: Mapping[str, Any]) -> None:
        kind = asked["kind"]
        key = kind, self._namespace(kind, asked.get("namespace")), asked["name"]
        self.wait_until(asked.get("timeout", 20), lambda: _reached(self._object(*key), asked))

    def _settle(self, quiet: float, timeout: float) -> None:
        """Until nothing of the scenario has changed for ``quiet`` seconds."""
        scopes = [*self.namespaces, *(f"/{kind}/{name}" for kind, namespace, name in self.seen.wrote if not namespace)]
        start = self.now()
        self.wait_quiet(quiet, timeout, lambda: max(start, *(self.journal.changed.get(scope, 0) for scope in scopes)))


def _reached(found: Object | None, asked: Mapping[str, Any]) -> bool:
    """Whether an object is as ``until`` wants it."""
    if asked.get("absent") or found is None:
        return bool(asked.get("absent")) and found is None
    conditions: Sequence[Mapping[str, Any]] = (found.get("status") or {}).get("conditions") or ()
    condition = next((each for each in conditions if each["type"] == asked.get("type", "Ready")), {})
    if any(name in asked and condition.get(name) != asked[name] for name in ("status", "reason")):
        return False
    data: Mapping[str, str] = found.get("data") or {}
    if "dataKey" in asked and asked["dataKey"] not in data:
        return False
    decode = asked["kind"] == "Secret"
    texts = [base64.b64decode(value).decode(errors="replace") if decode else value for value in data.values()]
    return "value" not in asked or asked["value"] in texts
