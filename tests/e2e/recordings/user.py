"""The user of one scenario on a real control plane, in real time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eso_core.refs import collection_path
from eso_core.wire import KubeReply
from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.kubectl import ApiError, Kubectl
from tests.e2e.harness.operator import Operator
from tests.e2e.recordings.stubs import StubServer
from tests.e2e.recordings.witness import Witness
from tests.parity.recordings.journal import Key, Object
from tests.parity.recordings.kinds import kind_of
from tests.parity.recordings.observe import USER
from tests.parity.recordings.places import Places
from tests.parity.recordings.user import STRICT, User

JSON, APPLY = "application/json", "application/apply-patch+yaml"
GONE_S = 20.0  # what the operator and the cluster get to take an object away
EMPTY_S = 90.0  # the same for a namespace
LOG_CHARS = 3000


class OperatorGone(Exception):
    """It has crashed or hangs."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the users of one operator share."""

    plane: ControlPlane
    operator: Operator
    witness: Witness
    stubs: StubServer
    places: Places

    def check(self) -> None:
        """Start the operator where a scenario has left it stopped. Raises ``OperatorGone`` when it does not answer though it should."""
        if self.operator.pid is None:
            self.operator.start()
        elif not self.operator.healthy():
            raise OperatorGone(f"the operator does not answer; its log ends with:\n{self.operator.log[-LOG_CHARS:]}")


class LiveUser(User):
    """A context manager: afterwards nothing of the scenario makes the operator work. The namespaces stay, see :meth:`forget`."""

    def __init__(self, scenario: Mapping[str, Any], site: Site) -> None:
        super().__init__(scenario, site.witness.journal, site.stubs, site.places)
        self._site = site
        self._client: Kubectl = site.plane.admin.as_token(site.plane.admin_token)

    def __enter__(self) -> LiveUser:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._leave()
        finally:
            self._client.close()

    # ------------------------------------------------------------ the operator

    def begin(self) -> None:
        self._site.check()

    def operator(self, asked: str) -> None:
        if asked in ("stop", "restart"):
            self._site.operator.stop()
        if asked in ("start", "restart"):
            self._site.operator.start()

    # ------------------------------------------------------------ requests

    def send(
        self, method: str, path: str, body: Any, query: tuple[tuple[str, str], ...] = (), *, manager: str = USER, media: str = ""
    ) -> KubeReply:
        told = {"fieldManager": manager} if method != "DELETE" else {}
        status, raw = self._client.request(method, path, body, media or JSON, **told, **dict(query))
        if not raw.lstrip().startswith(b"{"):  # a path that is not served is answered in plain text
            raw = json.dumps({"kind": "Status", "code": status, "message": raw.decode(errors="replace")}).encode()
        return KubeReply(status=status, body=raw)

    def apply(self, manifest: Object, key: Key, collection: str) -> KubeReply:
        return self.send("PATCH", f"{collection}/{key[2]}", manifest, (*STRICT, ("force", "true")), media=APPLY)

    # ------------------------------------------------------------ time

    def now(self) -> int:
        return time.monotonic_ns()

    def pass_time(self, seconds: float) -> None:
        self._site.witness.wait_until(seconds, lambda: False)

    def wait_until(self, seconds: float, there: Callable[[], bool]) -> None:
        self._site.witness.wait_until(seconds, there)

    def wait_quiet(self, quiet_s: float, timeout_s: float, last: Callable[[], int]) -> None:
        self._site.witness.wait_quiet(quiet_s, timeout_s, last)

    def looking(self) -> threading.Condition:
        return self._site.witness.news

    # ------------------------------------------------------------ afterwards

    def _leave(self) -> None:
        """Take away what the operator would keep at, its sources last."""
        self._site.check()
        with self.looking():
            asked = [key for key in self.journal.objects if key[0] == "ExternalSecret" and key[1] in self.namespaces]
        self._delete_all(asked)
        self._delete_all([key for key in self.seen.wrote if not key[1] and key[0] != "Namespace"])

    def forget(self) -> None:
        """Take away the namespaces, too, so that the scenario can be run again."""
        self._delete_all([("Namespace", "", name) for name in self.namespaces], EMPTY_S)

    def _delete_all(self, keys: list[Key], timeout_s: float = GONE_S) -> None:
        """Delete, and wait until they are gone. Raises ``TimeoutError``."""
        for kind, namespace, name in keys:
            path = f"{collection_path(kind_of(kind), namespace)}/{name}"
            reply = self.send("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"})
            if reply.status not in (200, 202, 404):
                raise ApiError("DELETE", path, reply.status, reply.body)
        self.wait_until(timeout_s, lambda: self.journal.objects.keys().isdisjoint(keys))
        left = [key for key in keys if key in self.journal.objects]
        if left:
            raise TimeoutError(f"not gone within {timeout_s:g} s: {left}")
