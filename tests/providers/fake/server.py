"""The fake provider's backend: the entries of the store itself. There is nothing to call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eso_core.failure import Broken
from eso_core.wire import Call, CallFailed, CallReply


class Server:
    """What ``put`` is given becomes entries of the store; each value gets the next version besides the unnamed one."""

    def __init__(self) -> None:
        self._values: dict[str, list[bytes]] = {}

    def spec(self) -> Mapping[str, Any]:
        """``spec.provider.fake`` as of now: the latest value without a version, and each by its own."""
        entries = []
        for name, values in self._values.items():
            entries.append({"key": name, "value": values[-1].decode()})
            entries.extend({"key": name, "value": value.decode(), "version": f"v{number}"} for number, value in enumerate(values, 1))
        return {"data": entries or [{"key": "none", "value": "none"}]}

    def answer(self, call: Call) -> CallReply:
        return CallFailed(Broken("the fake provider makes no calls"))

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        self._values.setdefault(name, []).append(value)
        return f"v{len(self._values[name])}"

    def remove(self, name: str) -> None:
        self._values.pop(name, None)

    def held(self, name: str) -> bytes | None:
        values = self._values.get(name)
        return values[-1] if values else None

    def expire(self) -> None:
        """No sessions."""

    def rotate(self) -> Mapping[str, bytes]:
        return {}
