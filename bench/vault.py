"""A stub of Vault: KV v2 reads, token look-up, AppRole login. Counts what it is asked, answers after a set time.

Raw HTTP/1.1 on an asyncio protocol, so that the backend costs next to nothing beside the operator. Any key exists; its value depends on
the key and on the generation, which ``POST /bench/generation`` moves on. After ``POST /bench/hang`` it takes requests and answers none,
until ``POST /bench/answer``; what was asked meanwhile is never answered. ``GET /bench/counts`` answers the counts. Such questions of the
bench are answered at once and not counted.

``python -m bench.vault --port N`` runs it until SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import orjson
import uvloop

DATA, LOOKUP, LOGIN, REFUSED, OTHER, UNANSWERED = "data", "lookup-self", "login", "refused", "other", "unanswered"
_SLASH = "/"


@dataclass(slots=True)
class Vault:
    """What all connections share."""

    token: str = "bench"
    mount: str = "secret"
    properties: int = 3
    latency_s: float = 0.0
    generation: int = 1
    counts: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)  # that were read
    in_flight: int = 0
    in_flight_max: int = 0
    hangs: bool = False

    def answer(self, method: str, target: str, token: str) -> tuple[int, bytes]:
        """Counted, without the wait."""
        path = target.partition("?")[0]
        status, kind, body = self._decide(method, path, token)
        self.counts[kind] += 1
        return status, orjson.dumps(body)

    def control(self, method: str, path: str) -> bytes:
        """The bench's own questions."""
        if (method, path) == ("POST", "/bench/generation"):
            self.generation += 1
        elif method == "POST" and path in ("/bench/hang", "/bench/answer"):
            self.hangs = path == "/bench/hang"
        return orjson.dumps(
            {"counts": self.counts, "keys": len(self.keys), "in_flight_max": self.in_flight_max, "generation": self.generation}
        )

    def _decide(self, method: str, path: str, token: str) -> tuple[int, str, object]:
        if method in ("POST", "PUT") and path.startswith("/v1/auth/") and path.endswith("/login"):
            return 200, LOGIN, {"auth": {"client_token": self.token, "lease_duration": 3600, "renewable": True, "token_type": "service"}}
        if token != self.token:
            return 403, REFUSED, {"errors": ["permission denied"]}
        if path == "/v1/auth/token/lookup-self":
            return 200, LOOKUP, {"data": {"id": self.token, "type": "service", "ttl": 0, "expire_time": None, "policies": ["root"]}}
        prefix = f"/v1/{self.mount}/data/"
        if method == "GET" and path.startswith(prefix):
            return 200, DATA, self._secret(path.removeprefix(prefix))
        return 404, OTHER, {"errors": []}

    def _secret(self, key: str) -> object:
        self.keys.add(key)
        values = {f"p{number}": f"{key}#p{number}@{self.generation}" for number in range(self.properties)}
        metadata = {"created_time": "2020-01-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": self.generation}
        return {"request_id": "", "lease_id": "", "renewable": False, "lease_duration": 0, "data": {"data": values, "metadata": metadata}}


class Connection(asyncio.Protocol):
    """Requests of one connection are answered in order, one at a time."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._received = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._busy:
            self._next()

    def _next(self) -> None:
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        request, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._received = rest[length:]
        method, target, _ = request.split(" ", 2)
        if target.startswith("/bench/"):
            self._reply(200, self._vault.control(method, target))
            self._next()
            return
        self._busy = True
        vault = self._vault
        if vault.hangs:
            vault.counts[UNANSWERED] += 1
            return
        vault.in_flight += 1
        vault.in_flight_max = max(vault.in_flight_max, vault.in_flight)
        status, body = vault.answer(method, target, headers.get("x-vault-token", ""))
        asyncio.get_running_loop().call_later(vault.latency_s, self._finish, status, body)

    def _finish(self, status: int, body: bytes) -> None:
        self._vault.in_flight -= 1
        self._busy = False
        self._reply(status, body)
        self._next()

    def _reply(self, status: int, body: bytes) -> None:
        if self._transport is not None:
            head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)


async def serve(vault: Vault, port: int) -> asyncio.Server:
    """On loopback; port 0 takes a free one."""
    return await asyncio.get_running_loop().create_server(lambda: Connection(vault), "127.0.0.1", port, backlog=1024)


async def _run(vault: Vault, port: int) -> None:
    server = await serve(vault, port)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with server:
        await ended.wait()


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m bench.vault", description="A stub of Vault that counts what it is asked.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--properties", type=int, default=3)
    parser.add_argument("--token", default="bench")
    given = parser.parse_args(argv)
    uvloop.run(_run(Vault(token=given.token, properties=given.properties, latency_s=given.latency_ms / 1000), given.port))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
