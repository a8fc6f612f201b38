"""Library calls in threads."""

from __future__ import annotations

import asyncio
import sys
import threading
import types

import pytest

from eso_core.failure import Broken, Refused, Unreachable
from eso_core.wire import CallFailed, SdkCall, SdkReply
from eso_shell.converse import SdkRunner
from eso_shell.sdk import SdkFailure

SECRET = "s3cr3t-of-a-library"


@pytest.fixture
def library(monkeypatch):
    """A module ``eso_shell.sdk.sample``."""
    release = threading.Event()
    sample = types.ModuleType("eso_shell.sdk.sample")
    sample.echo = lambda args, environ: {**args, **environ}
    sample.slow = lambda args, environ: release.wait(10)
    sample.refuse = lambda args, environ: _raise(SdkFailure(Refused("no")))
    sample.bug = lambda args, environ: _raise(ValueError(SECRET))
    sample.late = lambda args, environ: _raise(TimeoutError(SECRET))
    sample.lacks = lambda args, environ: __import__("no_such_package_at_all.part")
    monkeypatch.setitem(sys.modules, "eso_shell.sdk.sample", sample)
    yield sample
    release.set()


@pytest.fixture
def runner():
    made = SdkRunner({"HOME": "x"}, threads=1)
    yield made
    made.close()


async def test_a_value(library, runner):
    assert await runner.run_sdk(SdkCall(name="sample.echo", args={"a": 1})) == SdkReply(value={"a": 1, "HOME": "x"})


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("sample.refuse", Refused("no")),
        ("sample.bug", Broken("sample.bug: ValueError")),
        ("sample.late", Unreachable("sample.late: TimeoutError")),
        ("sample.lacks", Broken("sample.lacks: ModuleNotFoundError")),
        ("sample.nothing", Broken("there is no library call sample.nothing")),
        ("nosuch.call", Broken("there is no library call nosuch.call")),
        ("sample", Broken("there is no such library call")),
        ("sample._private", Broken("there is no such library call")),
        ("..sample.echo", Broken("there is no such library call")),
        ("os.path.join", Broken("there is no such library call")),
    ],
)
async def test_failures(library, runner, name, failure):
    assert await runner.run_sdk(SdkCall(name=name, args={"secret": SECRET})) == CallFailed(failure)


async def test_a_missing_package_is_named(runner, monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore", None)
    monkeypatch.delitem(sys.modules, "eso_shell.sdk.aws", raising=False)
    reply = await runner.run_sdk(SdkCall(name="aws.credentials"))
    assert reply == CallFailed(Broken("aws.credentials: the Python package botocore is not installed"))
    monkeypatch.delitem(sys.modules, "eso_shell.sdk.aws", raising=False)


async def test_time_limit(library, runner):
    reply = await runner.run_sdk(SdkCall(name="sample.slow", timeout_s=0.01))
    assert reply == CallFailed(Unreachable("sample.slow: no answer within 0.01 s"))


async def test_waiting_calls_are_bounded(library, runner, monkeypatch):
    monkeypatch.setattr("eso_shell.converse.WAITING_MAX", 1)
    first = asyncio.create_task(runner.run_sdk(SdkCall(name="sample.slow", timeout_s=0.05)))
    await asyncio.sleep(0)
    assert isinstance(await runner.run_sdk(SdkCall(name="sample.echo")), CallFailed)
    await first


async def test_cancellation_passes(library, runner):
    task = asyncio.create_task(runner.run_sdk(SdkCall(name="sample.slow")))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def _raise(error):
    raise error
