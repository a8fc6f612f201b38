"""A server and short words for requests to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from eso_core.instant import SECOND, Instant
from eso_core.sim.api import ApiServer
from eso_core.sim.watch import Watch
from eso_core.wire import JSON, MERGE_PATCH, KubeCall, KubeReply
from tests.unit.sim.requests import RESOURCES

SECRETS = "/api/v1/namespaces/default/secrets"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
WIDGETS = "/apis/conformance.example.com/v1/namespaces/default/widgets"
WIDGET = {"apiVersion": "conformance.example.com/v1", "kind": "Widget"}


START = Instant(1_700_000_000 * SECOND)


@dataclass
class World:
    """Time stands still until a test moves it."""

    server: ApiServer = field(default_factory=lambda: ApiServer(resources=RESOURCES))
    now: Instant = START

    def ask(self, method: str, path: str, body: Any = None, media: str = "", **query: str) -> KubeReply:
        raw = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        chosen = media or (MERGE_PATCH if method == "PATCH" else JSON)
        return self.server.handle(KubeCall(method=method, path=path, query=tuple(query.items()), body=raw, content_type=chosen), self.now)

    def do(self, method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """The body of a request that must succeed."""
        reply = self.ask(method, path, body, **query)
        assert reply.status < 300, reply.body
        answer: dict[str, Any] = orjson.loads(reply.body)
        return answer

    def refused(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, str]:
        """Status and reason of a request that must fail."""
        reply = self.ask(method, path, body, **query)
        assert reply.status >= 400, reply.body
        status = orjson.loads(reply.body)
        assert status["code"] == reply.status
        return reply.status, status.get("reason", "")

    def watch(self, path: str, **query: str) -> Watch:
        watch = self.server.watch(KubeCall(method="GET", path=path, query=(("watch", "1"), *query.items())))
        assert isinstance(watch, Watch)
        return watch


def events(watch: Watch) -> list[tuple[str, str]]:
    """Type and name of the events since the last take; for an ERROR the reason."""
    parsed = [orjson.loads(line) for line in watch.take()]
    return [(event["type"], event["object"].get("reason") or event["object"]["metadata"].get("name", "")) for event in parsed]


def owners(item: dict[str, Any]) -> dict[str, Any]:
    """``fieldsV1`` by manager, and subresource if there is one."""
    entries = item["metadata"].get("managedFields", [])
    return {"/".join(filter(None, (entry["manager"], entry.get("subresource", "")))): entry["fieldsV1"] for entry in entries}
