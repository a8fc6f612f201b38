"""Executes :class:`SdkCall`: a vendor's library, in a thread of its own pool, with a time limit.

This is one of the seams where exceptions become failures. A library's text is not repeated: it may hold credentials.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, final
from urllib.parse import urlsplit

from eso_core.failure import Broken, Refused, Unreachable
from eso_core.wire import CallFailed, SdkCall, SdkReply
from eso_shell.egress import CLOSED, EgressRule
from eso_shell.sdk import SdkFailure

NAME = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")
THREADS = 8
WAITING_MAX = 256  # calls that wait for a thread or are in one


@final
class SdkRunner:
    """Runs library calls; one event loop owns it. ``environ`` is what libraries may read of the environment.

    A call that exceeds its time limit is answered at once, but its thread stays busy until the library returns.
    """

    def __init__(self, environ: Mapping[str, str], *, threads: int = THREADS, egress: EgressRule | None = None) -> None:
        self._environ = environ
        self._egress = egress
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sdk")
        self._open = 0

    async def run_sdk(self, call: SdkCall) -> SdkReply | CallFailed:
        """The function's value, or why there is none. Raises nothing but cancellation."""
        if self._open >= WAITING_MAX:
            return CallFailed(Unreachable(f"{call.name}: too many library calls are under way"))
        self._open += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, self._run, call)
        future.add_done_callback(self._closed)
        try:
            return SdkReply(value=await asyncio.wait_for(asyncio.shield(future), call.timeout_s))
        except TimeoutError:
            return CallFailed(Unreachable(f"{call.name}: no answer within {call.timeout_s:g} s"))
        except SdkFailure as error:
            return CallFailed(error.failure)
        except Exception as error:
            return CallFailed(Broken(f"{call.name}: {type(error).__name__}"))

    def _run(self, call: SdkCall) -> Any:
        """Runs in a thread; importing a library takes its time there, too."""
        if self._egress and call.goes_to:
            _look(self._egress, call.goes_to)
        return _run(call.name, call.args, self._environ)

    def close(self) -> None:
        """Accept no more calls; those under way are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _closed(self, future: asyncio.Future[Any]) -> None:
        self._open -= 1
        if not future.cancelled():
            future.exception()  # seen here, so that a late one is not logged


def _look(rule: EgressRule, url: str) -> None:
    """Refuse an address that the rule closes. The library resolves the name once more by itself."""
    host = urlsplit(url).hostname or ""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return  # the library will say so
    if any(map(rule.closes, found)):
        raise SdkFailure(Refused(CLOSED.format(url)))


def _run(name: str, args: Mapping[str, Any], environ: Mapping[str, str]) -> Any:
    found = NAME.fullmatch(name)
    if found is None:
        raise SdkFailure(Broken("there is no such library call"))
    module = f"eso_shell.sdk.{found[1]}"
    try:
        function: Callable[..., Any] = getattr(import_module(module), found[2])
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing == module:
            raise SdkFailure(Broken(f"there is no library call {name}")) from None
        raise SdkFailure(Broken(f"{name}: the Python package {missing.partition('.')[0]} is not installed")) from None
    except AttributeError:
        raise SdkFailure(Broken(f"there is no library call {name}")) from None
    try:
        return function(args, environ)
    except TimeoutError as error:
        raise SdkFailure(Unreachable(f"{name}: {type(error).__name__}")) from None
