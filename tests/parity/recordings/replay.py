"""One scenario, carried out step by step on a cluster in memory of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import orjson

from eso_core.instant import SECOND
from eso_core.wire import MERGE_PATCH, KubeCall, KubeReply
from eso_shell.settings import parse
from tests.parity.recordings.backends import PLACES
from tests.parity.recordings.journal import Key, Object
from tests.parity.recordings.observe import USER
from tests.parity.recordings.user import STRICT, User
from tests.parity.recordings.world import World

REQUEST_S = 0.01  # a request of the user
POLL_S = 0.05


class PassBroke(Exception):
    """A flow raised: a fault of the operator whatever the recording says."""


def replay(scenario: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What could be seen after each step."""
    return Replay(scenario).run()


class Replay(User):
    """The user of one scenario, in virtual time."""

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        self._world = World(parse(scenario.get("operatorArgs") or [], {}))
        super().__init__(scenario, self._world.journal, self._world.backends, PLACES)
        self._applied: dict[str, tuple[Object, Object]] = {}  # uid -> what was applied last, and the object after it

    def run(self) -> list[dict[str, Any]]:
        """Carry out every step."""
        seen = super().run()
        if self._world.bugs:
            raise PassBroke(self._world.bugs[0])
        return seen

    def begin(self) -> None:
        self._world.start()

    def operator(self, asked: str) -> None:
        if asked in ("stop", "restart"):
            self._world.stop()
        if asked in ("start", "restart"):
            self._world.start()

    def send(
        self, method: str, path: str, body: Any, query: tuple[tuple[str, str], ...] = (), *, manager: str = USER, media: str = ""
    ) -> KubeReply:
        call = KubeCall(method=method, path=path, query=query, body=orjson.dumps(body), **({"content_type": media} if media else {}))
        reply = self._world.server.handle(call, self._world.clock.now.wall, manager)
        self._world.run(REQUEST_S)
        return reply

    def apply(self, manifest: Object, key: Key, collection: str) -> KubeReply:
        """Server-side apply, as far as it can be told apart: what was applied before and is not any more goes away."""
        live = self.journal.objects.get(key)
        if live is None:
            reply = self.send("POST", collection, manifest, STRICT)
        else:
            before, after = self._applied.get(live["metadata"]["uid"], ({}, {}))
            patch = _merged(manifest, removals(before, manifest, after, live))
            patch["metadata"] = {**patch["metadata"], **shared_lists(before, manifest, live)}
            reply = self.send("PATCH", f"{collection}/{key[2]}", patch, STRICT, media=MERGE_PATCH)
        if reply.status < 300:
            out = orjson.loads(reply.body)
            self._applied[out["metadata"]["uid"]] = manifest, out
        return reply

    # ------------------------------------------------------------ time

    def now(self) -> int:
        return self._world.clock.mono

    def pass_time(self, seconds: float) -> None:
        self._world.run(seconds)

    def wait_until(self, seconds: float, there: Callable[[], bool]) -> None:
        end = self.now() + int(seconds * SECOND)
        while not there() and self.now() < end:
            self._world.run(POLL_S)

    def wait_quiet(self, quiet_s: float, timeout_s: float, last: Callable[[], int]) -> None:
        self.wait_until(timeout_s, lambda: self.now() - last() >= quiet_s * SECOND)

    def looking(self) -> AbstractContextManager[object]:
        return nullcontext()


def removals(old: Any, new: Any, after: Any, live: Any) -> dict[str, Any]:
    """The merge patch that takes away what ``old`` applied and ``new`` does not, unless somebody changed it since.

    ``after`` is the object as the last apply left it.
    """
    out: dict[str, Any] = {}
    for key, value in old.items():
        if key not in live or key not in after:
            continue
        if isinstance(value, dict) and isinstance(live[key], dict) and isinstance(after[key], dict):
            wanted = new.get(key)
            inner = removals(value, wanted if isinstance(wanted, dict) else {}, after[key], live[key])
            whole = key not in new and len(inner) == len(live[key]) and not any(inner.values())
            if whole or inner:
                out[key] = None if whole else inner
        elif key not in new and live[key] == after[key]:
            out[key] = None
    return out


def shared_lists(old: Mapping[str, Any], new: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The lists of metadata that have several writers: an apply replaces its own items alone."""
    out: dict[str, list[Any]] = {}
    for name, identity in (("finalizers", str), ("ownerReferences", lambda owner: owner["uid"])):
        before, wanted, there = (document.get("metadata", {}).get(name, []) for document in (old, new, live))
        mine = {identity(item) for item in (*before, *wanted)}
        if mine:
            out[name] = [*(item for item in there if identity(item) not in mine), *wanted]
    return out


def _merged(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(left)
    for key, value in right.items():
        out[key] = _merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out
