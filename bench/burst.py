"""Many requests to the API server as fast as it takes them, or at a steady rate, from a process of their own.

``python -m bench.burst`` reads one JSON document from standard input and writes one to standard output (the shapes are `Load` and
`Done`). Times are of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

import aiohttp
import uvloop

from bench.objects import Request

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Target:
    """The API server, and who we are to it."""

    server: str
    ca_pem: str
    token: str


@dataclass(frozen=True, slots=True)
class Load:
    """What one process sends."""

    target: Target
    requests: list[Request]
    connections: int = 16
    per_s: float = 0.0  # 0 is unlimited; else request i is sent i / per_s seconds after the first, late or not
    first_at: float = 0.0  # on the monotonic clock; not before


@dataclass(frozen=True, slots=True)
class Done:
    """In the order of the requests."""

    sent: list[float]
    answered: list[float]
    failures: list[str] = field(default_factory=list)


class BurstFailed(Exception):
    """Some requests were refused; the message has the first one's answer."""


class Burst:
    """``with Burst(...) as burst: ...; burst.wait()``: spread over `processes`, request i goes to process i modulo their number."""

    def __init__(
        self, target: Target, requests: Iterable[Request], *, connections: int = 32, processes: int = 2, per_s: float = 0.0
    ) -> None:
        whole = list(requests)
        self._count = len(whole)
        self._step = max(1, min(processes, len(whole)))
        shares = [whole[first :: self._step] for first in range(self._step)]
        each = max(1, connections // self._step)
        start = time.monotonic() + 0.5  # when all of them have been started
        self._loads = [
            Load(target, share, each, per_s / self._step, start + (first / per_s if per_s else 0.0)) for first, share in enumerate(shares)
        ]
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Burst:
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
        for load in self._loads:
            child = subprocess.Popen(
                [sys.executable, "-m", "bench.burst"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, start_new_session=True
            )
            self._children.append(child)
            assert child.stdin is not None
            child.stdin.write(json.dumps(asdict(load)).encode())
            child.stdin.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        for child in self._children:
            if child.poll() is None:
                child.terminate()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()

    @property
    def pids(self) -> Sequence[int]:
        return [child.pid for child in self._children]

    def wait(self) -> Done:
        """When all have been answered. Raises `BurstFailed`."""
        parts = [_answers(child) for child in self._children]
        failures = [each for part in parts for each in part.failures]
        if failures:
            raise BurstFailed(f"{len(failures)} of {self._count} requests were refused: {failures[0]}")
        return Done(_interleaved([part.sent for part in parts], self._count), _interleaved([part.answered for part in parts], self._count))


def send(target: Target, requests: Iterable[Request], *, connections: int = 32, processes: int = 2) -> Done:
    """All of them, as fast as they are taken."""
    with Burst(target, requests, connections=connections, processes=processes) as burst:
        return burst.wait()


def _answers(child: subprocess.Popen[bytes]) -> Done:
    assert child.stdout is not None
    raw = child.stdout.read()
    if child.wait() != 0:
        raise BurstFailed(f"a sending process ended with {child.returncode}")
    return Done(**json.loads(raw))


def _interleaved(parts: Sequence[Sequence[float]], count: int) -> list[float]:
    return [parts[index % len(parts)][index // len(parts)] for index in range(count)]


# ---------------------------------------------------------------- the sending process


def session(target: Target, connections: int) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cadata=target.ca_pem)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, ssl=context),
        headers={"Authorization": f"Bearer {target.token}", "Accept": "application/json"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        skip_auto_headers=("User-Agent",),
    )


async def sending(load: Load) -> Done:
    """The load, with one worker a connection."""
    done = Done([0.0] * len(load.requests), [0.0] * len(load.requests))
    waiting: Iterator[int] = iter(range(len(load.requests)))

    async def worker(api: aiohttp.ClientSession, begin: float) -> None:
        for index in waiting:
            if load.per_s:
                await asyncio.sleep(max(0.0, begin + index / load.per_s - time.monotonic()))
            method, path, content_type, body = load.requests[index]
            done.sent[index] = time.monotonic()
            async with api.request(method, load.target.server + path, data=body.encode(), headers={"Content-Type": content_type}) as answer:
                raw = await answer.read()
            done.answered[index] = time.monotonic()
            if answer.status >= 300:
                done.failures.append(f"{method} {path}: {answer.status} {raw[:300].decode(errors='replace')}")

    async with session(load.target, load.connections) as api, asyncio.TaskGroup() as group:
        await asyncio.sleep(max(0.0, load.first_at - time.monotonic()))
        begin = max(load.first_at, time.monotonic())
        for _ in range(load.connections):
            group.create_task(worker(api, begin))
    return done


def load_from(document: Mapping[str, object]) -> Load:
    target, requests = document["target"], document["requests"]
    assert isinstance(target, dict)
    assert isinstance(requests, list)
    rest = {name: value for name, value in document.items() if name not in ("target", "requests")}
    return Load(Target(**target), [tuple(each) for each in requests], **rest)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(uvloop.run(sending(load_from(json.load(sys.stdin)))))))
