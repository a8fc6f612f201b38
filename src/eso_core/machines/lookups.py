"""Reads that the cache cannot answer: whole objects, tokens and discovery, one request at a time for each, remembered for a while.

An answer is reused only within the age that the reader allows; a Secret that was read for its values is forgotten after ``KEEP_S``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import orjson

from eso_core.effect import Gone, Present, Seen, Served, Token, Unreadable, Whole
from eso_core.failure import Broken
from eso_core.instant import SECOND
from eso_core.machines.apply import failure_of
from eso_core.machines.shallow import MALFORMED, shallow
from eso_core.refs import Ref
from eso_core.wire import CallFailed, KubeCall, KubeReply

KEEP_S = 30  # seconds, the largest useful `Whole.age_s`
REMEMBERED = 4096  # answers
TOKEN_SPARE_S = 60  # a token is renewed when less of its life is left

Looked = Whole | Token | Served
Key = Ref | Token | Served
Then = Callable[[Seen, int], None]


class _TokenStatus(msgspec.Struct):
    token: str


class _TokenReply(msgspec.Struct):
    status: _TokenStatus


_token = msgspec.json.Decoder(_TokenReply)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True)
class _Known:
    seen: Seen
    at: int
    fresh_ns: int


@dataclass(slots=True, eq=False)
class Inquiry:
    """A request to send, and who waits for its answer."""

    what: Looked
    call: KubeCall
    waiting: list[Then]
    at: int  # when it was asked for: the answer is at most this old


class Lookups:
    """Answers remembered by the thing read, and requests under way."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, _Known] = OrderedDict()
        self._under_way: dict[Key, Inquiry] = {}

    def look(self, what: Looked, now: int, then: Then) -> Inquiry | None:
        """Answer ``then`` at once or with a request under way (``None``), else when the returned one is given to :meth:`answer`.

        A reader that allows no age never joins a request under way: that one may have been answered before the reader's reason to ask.
        """
        key = what.ref if isinstance(what, Whole) else what
        known = self._known.get(key)
        allowed = min(what.age_s, KEEP_S) * SECOND if isinstance(what, Whole) else known.fresh_ns if known else 0
        if known is not None and now - known.at < allowed:
            then(known.seen, now)
            return None
        joinable = not isinstance(what, Whole) or what.age_s > 0
        if joinable and (under_way := self._under_way.get(key)) is not None:
            under_way.waiting.append(then)
            return None
        inquiry = Inquiry(what, call_of(what), [then], now)
        if joinable:
            self._under_way[key] = inquiry
        return inquiry

    def answer(self, inquiry: Inquiry, reply: KubeReply | CallFailed, now: int) -> None:
        """Hand the answer to everybody who waits for it."""
        what = inquiry.what
        key = what.ref if isinstance(what, Whole) else what
        if self._under_way.get(key) is inquiry:
            del self._under_way[key]
        seen = seen_of(what, reply)
        known = self._known.get(key)
        if not isinstance(seen, Unreadable) and (known is None or known.at <= inquiry.at):
            fresh = (what.seconds - TOKEN_SPARE_S) if isinstance(what, Token) else KEEP_S
            self._known[key] = _Known(seen, inquiry.at, fresh * SECOND)
            self._known.move_to_end(key)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        for then in inquiry.waiting:
            then(seen, now)

    def forget(self, refs: tuple[Ref, ...]) -> None:
        """Read these objects (and their tokens) anew next time."""
        for key in [k for k in self._known if not isinstance(k, Served) and (k.account if isinstance(k, Token) else k) in refs]:
            del self._known[key]

    def expire(self, now: int) -> None:
        """Drop what no reader would be given any more."""
        for key in [k for k, known in self._known.items() if now - known.at >= known.fresh_ns]:
            del self._known[key]


def call_of(what: Looked) -> KubeCall:
    """The request that reads ``what``."""
    if isinstance(what, Whole):
        return KubeCall(method="GET", path=what.ref.path)
    if isinstance(what, Served):
        return KubeCall(method="GET", path=f"/apis/{what.api_version}" if "/" in what.api_version else f"/api/{what.api_version}")
    spec = {"audiences": list(what.audiences), "expirationSeconds": what.seconds}
    body = orjson.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
    return KubeCall(method="POST", path=what.account.path + "/token", body=body)


def seen_of(what: Looked, reply: KubeReply | CallFailed) -> Seen:
    """The answer as the core sees it."""
    if isinstance(reply, CallFailed):
        return Unreadable(reply.failure)
    if reply.status == 404:
        return Gone()
    if reply.status >= 300:
        return Unreadable(failure_of(reply))
    if not isinstance(what, Token):
        return _present(what, reply.body)
    try:
        return Present(_token.decode(reply.body).status.token.encode())
    except MALFORMED:
        return Unreadable(Broken(f"the API server's token of {what.account} is not valid JSON"))


def _present(what: Whole | Served, body: bytes) -> Seen:
    try:
        _object.decode(body)
    except RecursionError:
        return Present(shallow(body))
    except MALFORMED:
        about = what.ref if isinstance(what, Whole) else what.api_version
        return Unreadable(Broken(f"the API server's answer for {about} is not a JSON object"))
    return Present(body)
