"""Secrets a second that the vault provider reads: conversations over the operator's HTTP client, against the stub of :mod:`bench.vault`.

``python -m bench.backends_vault [--secrets N] [--at-once N]`` runs the stub as a process of its own, logs in once, reads N different
secrets of a KV engine of version 2 with as many conversations at a time as the operator has for one identity, takes one property of each,
and prints one line. A tenth more is read first and not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import uvloop
from returns.result import Success

from eso_core.api.providers.vault import Spec
from eso_core.door import Access, Found, Get, Session, Talk
from eso_core.providers.vault import PROVIDER
from eso_core.refs import SECRET_STORE, Ref
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall
from eso_shell.http import HttpClient

T = TypeVar("T")
WAIT_S = 10.0  # until the stub listens
STORE = Ref(SECRET_STORE, "bench", "vault")


def access(url: str) -> Access:
    """A store that logs in with a role."""
    auth = {"appRole": {"path": "approle", "roleId": "role", "secretRef": {"name": "vault", "key": "id"}}}
    form = PROVIDER.parse(Spec.model_validate({"server": url, "path": "secret", "auth": auth}), STORE)
    assert isinstance(form, Success), form
    return Access(identity="bench", store=STORE, namespace="bench", spec=form.unwrap(), secrets={"secret_id": SecretBytes(b"secret")})


async def converse(client: HttpClient, talk: Talk[T]) -> T:
    """A conversation, to its end."""
    try:
        call = next(talk)
        while True:
            assert isinstance(call, HttpCall)
            call = talk.send(await client.call(call))
    except StopIteration as end:
        result: T = end.value
        return result


async def read(client: HttpClient, use: Access, session: Session, keys: Iterator[str]) -> None:
    """Secret after secret, one property of each."""
    for key in keys:
        query = Get(key=key)
        answer = (await converse(client, PROVIDER.fetch(use, session, (query,))))[query]
        assert isinstance(answer, Found), answer
        assert isinstance(PROVIDER.dialect.value(answer.payload, "p0"), Found)


async def measure(url: str, secrets: int, at_once: int) -> tuple[float, float]:
    """Wall and CPU seconds of reading ``secrets`` secrets."""
    use, client = access(url), HttpClient(user_agent="eso-bench")
    try:
        assert PROVIDER.login is not None
        session = await converse(client, PROVIDER.login(use))
        assert isinstance(session, Session), session
        await _all(client, use, session, secrets // 10, at_once, "warm")
        began, spent = time.perf_counter(), time.process_time()
        await _all(client, use, session, secrets, at_once, "app")
        return time.perf_counter() - began, time.process_time() - spent
    finally:
        await client.close()


async def _all(client: HttpClient, use: Access, session: Session, secrets: int, at_once: int, folder: str) -> None:
    keys = iter([f"{folder}/{number}" for number in range(secrets)])
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(read(client, use, session, keys))


@contextmanager
def stub() -> Iterator[str]:
    """The URL of a stub in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([sys.executable, "-m", "bench.vault", "--port", str(port)]) as child:
        try:
            until = time.monotonic() + WAIT_S
            while not _listens(port):
                assert child.poll() is None, "the stub has ended"
                assert time.monotonic() < until, "the stub does not start"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m bench.backends_vault", description="Secrets a second that the vault provider reads.")
    parser.add_argument("--secrets", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=PROVIDER.talks_max)
    given = parser.parse_args(argv)
    with stub() as url:
        wall, cpu = uvloop.run(measure(url, given.secrets, given.at_once))
    rate, each = given.secrets / wall, 1e6 * cpu / given.secrets
    print(f"vault: {rate:,.0f} secrets/s, {each:,.0f} us CPU a secret, {given.at_once} at once, {given.secrets} secrets in {wall:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
