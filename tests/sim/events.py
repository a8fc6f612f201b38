"""The API server's events: they are most of the writes, and nothing depends on them, so they get a cheaper answer than the rest."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from eso_core.instant import SECOND
from eso_core.wire import KubeCall, KubeReply

KEPT_S = 3600


class Events:
    """Names of events and when they were made. Like the API server, it forgets them after an hour."""

    def __init__(self, mono: Callable[[], int]) -> None:
        self._mono = mono
        self._made: dict[str, int] = {}

    def answer(self, call: KubeCall) -> KubeReply:
        """The reply to a POST or PATCH."""
        if call.method == "POST":
            name = orjson.loads(call.body or b"{}")["metadata"]["name"]
            if f"{call.path}/{name}" in self._made:
                return KubeReply(status=409, body=b'{"reason":"AlreadyExists"}')
            self._made[f"{call.path}/{name}"] = self._mono()
            return KubeReply(status=201, body=b"{}")
        made = self._made.get(call.path)
        there = made is not None and self._mono() - made < KEPT_S * SECOND
        return KubeReply(status=200, body=b"{}") if there else KubeReply(status=404, body=b'{"reason":"NotFound"}')
