"""Runs conversations against real servers, over the operator's own HTTP client and library runner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from eso_core.door import Access, Answer, Query, Session, Talk
from eso_core.failure import Failure
from eso_core.wire import CallReply, HttpCall, SdkCall
from eso_shell.converse import SdkRunner
from eso_shell.http import HttpClient
from eso_shell.sigv4 import signer
from tests.providers.scripts import provider

T = TypeVar("T")


class Live:
    """``async with Live() as live:`` one client for a test. ``calls`` is what was sent."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.calls: list[Any] = []
        self._http = HttpClient(user_agent="eso-test", signer=signer())
        self._sdk = SdkRunner(environ or {}, threads=1)

    async def __aenter__(self) -> Live:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        self._sdk.close()

    async def run(self, talk: Talk[T]) -> T:
        reply: CallReply | None = None
        while True:
            try:
                call = next(talk) if reply is None else talk.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            self.calls.append(call)
            reply = await self._send(call)

    async def _send(self, call: HttpCall | SdkCall) -> CallReply:
        return await self._http.call(call) if isinstance(call, HttpCall) else await self._sdk.run_sdk(call)

    async def login(self, key: str, use: Access) -> Session | Failure:
        login = provider(key).login
        return Session() if login is None else await self.run(login(use))

    async def ask(self, key: str, use: Access, *queries: Query) -> Mapping[Query, Answer]:
        """Answers to all queries, in batches as the operator makes them; one login."""
        session = await self.login(key, use)
        assert isinstance(session, Session), session
        backend, answers = provider(key), {}
        distinct = list(dict.fromkeys(queries))
        for start in range(0, len(distinct), backend.batch_max):
            answers |= await self.run(backend.fetch(use, session, tuple(distinct[start : start + backend.batch_max])))
        return answers

    async def one(self, key: str, use: Access, query: Query) -> Answer:
        return (await self.ask(key, use, query))[query]
