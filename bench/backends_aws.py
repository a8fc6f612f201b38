"""How fast values come out of AWS Secrets Manager: conversation, signature, HTTP client and dialect, against a stub with fixed answers.

    python -m bench.backends_aws [--seconds 3] [--talks 32] [--size 100]

The stub is a process of its own and answers from prepared bytes, so that what is measured is the operator's side: one process, one thread.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvloop
from aiohttp import web

from eso_core.api.providers.aws import Spec
from eso_core.door import Access, Answer, Blob, Found, Get, Query, Session
from eso_core.providers.aws import PROVIDER
from eso_core.providers.aws.store import Keys
from eso_core.refs import SECRET_STORE, Ref
from eso_core.wire import CallReply, HttpCall
from eso_shell.http import HttpClient
from eso_shell.sigv4 import signer

REGION = "eu-central-1"
BATCHES = (20, 1)  # secrets in one conversation


# ---------------------------------------------------------------- the stub


def answers(size: int) -> web.Application:
    """GetSecretValue and BatchGetSecretValue; every secret has a value of ``size`` bytes."""
    value = orjson.dumps({"password": "x" * max(0, size - 15)}).decode()

    def entry(name: str) -> dict[str, Any]:
        arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:{name}-AbCdEf"
        return {
            "ARN": arn,
            "Name": name,
            "VersionId": "v" * 36,
            "SecretString": value,
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": 1.7e9,
        }

    held: dict[bytes, bytes] = {}

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")
        body = await request.read()
        if body not in held:
            asked = orjson.loads(body)
            many = asked.get("SecretIdList")
            made = {"SecretValues": [entry(name) for name in many], "Errors": []} if many else entry(asked["SecretId"])
            held[body] = orjson.dumps(made)
        return web.Response(body=held[body], content_type="application/x-amz-json-1.1")

    app = web.Application()
    app.router.add_post("/", answer)
    return app


async def serve(size: int) -> None:
    """Say the port, and serve until the input ends."""
    runner = web.AppRunner(answers(size), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


@asynccontextmanager
async def stub(size: int) -> AsyncIterator[str]:
    """The address of a stub in another process."""
    command = [sys.executable, "-m", "bench.backends_aws", "--stub", "--size", str(size)]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 10)


# ---------------------------------------------------------------- the measurement


def access_of() -> Access:
    store = Ref(SECRET_STORE, "team", "store")
    spec = PROVIDER.parse(Spec.model_validate({"service": "SecretsManager", "region": REGION}), store).unwrap()
    return Access(identity="bench", store=store, namespace="team", spec=spec)


async def fetch(client: HttpClient, access: Access, session: Session, queries: tuple[Query, ...]) -> Mapping[Query, Answer]:
    """One conversation."""
    talk, reply = PROVIDER.fetch(access, session, queries), None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            found: Mapping[Query, Answer] = end.value
            return found
        assert isinstance(call, HttpCall)
        made: CallReply = await client.call(call)
        reply = made


def check(answers: Mapping[Query, Answer]) -> int:
    """Read a property of each, as a data entry would."""
    for answer in answers.values():
        assert isinstance(answer, Found), answer
        read = PROVIDER.dialect.value(answer.payload, "password")
        assert isinstance(read, Found)
        assert isinstance(read.payload, Blob)
    return len(answers)


async def measure(url: str, batch: int, talks: int, seconds: float) -> tuple[float, float]:
    """Secrets a second, and microseconds of this process's CPU for each."""
    client = HttpClient(user_agent="eso-bench", signer=signer())
    access, session = access_of(), Session(value=Keys(url, "AKIDEXAMPLE", "secret"))
    until, done = time.monotonic() + seconds, 0

    async def one(worker: int) -> int:
        count = 0
        queries = tuple(Get(key=f"team-{worker}/secret-{number}") for number in range(batch))
        while time.monotonic() < until:
            count += check(await fetch(client, access, session, queries))
        return count

    began, cpu = time.monotonic(), time.process_time()
    done = sum(await asyncio.gather(*(one(worker) for worker in range(talks))))
    took, spent = time.monotonic() - began, time.process_time() - cpu
    await client.close()
    return done / took, 1e6 * spent / max(1, done)


async def run(seconds: float, talks: int, size: int) -> None:
    async with stub(size) as url:
        print(f"{talks} conversations at a time, values of {size} bytes, one property read of each")
        for batch in BATCHES:
            await measure(url, batch, talks, seconds / 5)  # connections, caches
            rate, cpu = await measure(url, batch, talks, seconds)
            print(f"{batch:3} in a call: {rate:8.0f} secrets/s, {cpu:6.1f} us CPU a secret")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--talks", type=int, default=32)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--stub", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    uvloop.run(serve(given.size) if given.stub else run(given.seconds, given.talks, given.size))


if __name__ == "__main__":
    main()
