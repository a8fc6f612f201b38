"""List and watch one kind, without I/O.

::

            page (more) ──┐
                          ▼
    start ──► LISTING ──────► WATCHING ──── closed, silent, error ──► PAUSED ──┐
                 ▲  page (last)   ▲                                            │
                 │                └──────────── version known ◄────────────────┤
                 └───────────── 410, no version known ◄────────────────────────┘

A list is paged and consistent; a page that is too large to be read is asked for by halves. A stream that is silent for ``SILENCE_S``
although bookmarks were asked for is taken for dead. Pauses double from 0.2 s to 30 s and are reset by the first page or line of good news.

Sources: Kubernetes API concepts, "Efficient detection of changes", "Watch bookmarks", "410 Gone".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import msgspec

from eso_core.failure import Broken, Failure, Refused, Throttled, Unreachable, describe
from eso_core.instant import MILLISECOND, SECOND
from eso_core.machines.backoff import pause
from eso_core.machines.shallow import MALFORMED, shallow
from eso_core.refs import Kind, collection_path
from eso_core.wire import CallFailed, KubeCall, KubeReply

T = TypeVar("T")

PAGE = 500  # objects
STREAM_S = 290  # seconds after which the API server is asked to end a stream
SILENCE_S = 150  # seconds without a line or bookmark; the API server sends a bookmark about every minute
PAUSE_FIRST, PAUSE_LAST = 200 * MILLISECOND, 30 * SECOND


class Phase(Enum):
    """See the picture above."""

    LISTING = "listing"
    WATCHING = "watching"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Listed:
    """An object of a list."""

    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Upsert:
    """An object as added or modified."""

    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Deleted:
    """An object's last state."""

    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything up to this resourceVersion has been told."""

    version: str


@dataclass(frozen=True, slots=True)
class Complete:
    """The list is complete: what none of the ``Listed`` since the last ``Complete`` named does not exist at ``version``."""

    version: str


News = Listed | Upsert | Deleted | Progress | Complete


@dataclass(frozen=True, slots=True)
class ListPage:
    """Send this and give the answer to :meth:`Watcher.page`. ``first``: a list begins; what an earlier one showed counts no more."""

    call: KubeCall
    first: bool


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Open this and give what comes to :meth:`Watcher.lines` and :meth:`Watcher.closed`."""

    call: KubeCall


Want = ListPage | OpenStream


class _ListMeta(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815
    continue_: str = msgspec.field(name="continue", default="")


class _List(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Status(msgspec.Struct):
    code: int = 0
    reason: str = ""
    message: str = ""


class _BookmarkMeta(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815


class _Bookmark(msgspec.Struct):
    metadata: _BookmarkMeta


_list = msgspec.json.Decoder(_List)
_line = msgspec.json.Decoder(_Line)
_status = msgspec.json.Decoder(_Status)
_bookmark = msgspec.json.Decoder(_Bookmark)


class Watcher:
    """The state of one list-watch.

    The owner carries out what :meth:`poll` wants, one at a time, and hands back what came; every method that returns news returns it in
    the API server's order.
    """

    def __init__(self, kind: Kind, *, namespace: str, selector: str, random: Callable[[], float]) -> None:
        self.kind = kind
        self.synced = False  # a complete list has been seen
        self.heard_at = 0  # monotonic nanoseconds of the last sign of life
        self.trouble: Failure | None = None  # why the last attempt ended, until the next good news
        self._path = collection_path(kind, namespace)
        self._selector = (("labelSelector", selector),) if selector else ()
        self._random = random
        self._phase = Phase.LISTING
        self._asked = False
        self._continue = ""
        self._page = PAGE
        self._version = ""
        self._failures = 0
        self._until = 0
        self._opened_at = 0

    @property
    def phase(self) -> Phase:
        """Where in the picture this watch is."""
        return self._phase

    def poll(self, now: int) -> Want | None:
        """What to do next, if it is time for something."""
        if self._phase is Phase.PAUSED and now >= self._until:
            self._phase, self._asked = (Phase.WATCHING if self._version else Phase.LISTING), False
        if self._asked or self._phase is Phase.PAUSED:
            return None
        self._asked = True
        if self._phase is Phase.LISTING:
            more = (("continue", self._continue),) if self._continue else ()
            call = KubeCall(method="GET", path=self._path, query=(("limit", str(self._page)), *more, *self._selector))
            return ListPage(call, first=not more)
        self.heard_at = self._opened_at = now
        query = (("watch", "1"), ("allowWatchBookmarks", "true"), ("resourceVersion", self._version), ("timeoutSeconds", str(STREAM_S)))
        return OpenStream(KubeCall(method="GET", path=self._path, query=(*query, *self._selector)))

    def next_at(self) -> int | None:
        """When :meth:`poll` or :meth:`silent` has something to say; ``None`` while a page is awaited."""
        if self._phase is Phase.PAUSED:
            return self._until
        if not self._asked:
            return 0
        return self.heard_at + SILENCE_S * SECOND + 1 if self._phase is Phase.WATCHING else None

    def page(self, reply: KubeReply | CallFailed, now: int) -> list[News]:
        """The answer to a :class:`ListPage`."""
        self._asked = False
        if isinstance(reply, CallFailed):
            if isinstance(reply.failure, Broken):
                self._page = max(1, self._page // 2)
            return self._pause(reply.failure, now)
        if reply.status == 410:
            self._continue = ""  # the continue token is too old: start over
            return self._pause(Unreachable("the list expired while it was read"), now)
        if reply.status != 200:
            return self._pause(refusal(reply, self.kind), now)
        try:
            page = _decoded(_list, reply.body)
        except MALFORMED:
            return self._pause(Broken(f"the API server's list of {self.kind.plural} is not valid JSON"), now)
        self._good_news(now)
        news: list[News] = [Listed(bytes(item)) for item in page.items or ()]
        self._continue = page.metadata.continue_
        if not self._continue:
            self._phase, self._version, self.synced = Phase.WATCHING, page.metadata.resourceVersion, True
            self._page = min(PAGE, self._page * 2)
            news.append(Complete(self._version))
        return news

    def lines(self, lines: Iterable[bytes], now: int) -> list[News]:
        """Complete lines of the stream. A line that is no watch event ends the stream's use; what came before it counts."""
        news: list[News] = []
        for line in lines:
            try:
                event = _decoded(_line, line)
                news.extend(self._event(event, now))
            except MALFORMED:
                self._version = ""  # the same line would come again: list instead
                self._pause(Broken(f"the API server sent a line that is no watch event of {self.kind.plural}"), now)
            if self._phase is not Phase.WATCHING:
                break
        return news

    def closed(self, failure: Failure | None, now: int, status: int = 0) -> None:
        """The stream ended: by itself (``None``), or with a failure and perhaps an HTTP status."""
        if self._phase is not Phase.WATCHING:
            return  # an error line ended it already
        self._asked = False
        if status == 410:
            self._version = ""
        elif failure is None and now - self._opened_at >= SECOND:
            return  # it ran and ended by itself, as asked with timeoutSeconds
        self._pause(failure or Unreachable("the stream was closed"), now)

    def silent(self, now: int) -> bool:
        """True when the open stream has to be given up; call :meth:`closed` then."""
        return self._phase is Phase.WATCHING and self._asked and now - self.heard_at > SILENCE_S * SECOND

    def _event(self, event: _Line, now: int) -> list[News]:
        match event.type:
            case "ADDED" | "MODIFIED":
                news: News = Upsert(bytes(event.object))
            case "DELETED":
                news = Deleted(bytes(event.object))
            case "BOOKMARK":
                news = Progress("")
            case "ERROR":
                status = _status.decode(event.object)
                if status.code == 410:
                    self._version = ""
                self._pause(Unreachable(f"watch of {self.kind.plural}: {status.message or status.reason or 'error'}"), now)
                return []
            case _:
                return []
        version = _bookmark.decode(event.object).metadata.resourceVersion
        self._good_news(now)
        self._version = version or self._version
        return [Progress(self._version)] if isinstance(news, Progress) else [news]

    def _good_news(self, now: int) -> None:
        self.heard_at, self._failures, self.trouble = now, 0, None

    def _pause(self, why: Failure, now: int) -> list[News]:
        self.trouble = why
        self._phase, self._asked = Phase.PAUSED, True
        wait = pause(self._failures, self._random(), first=PAUSE_FIRST, last=PAUSE_LAST)
        if isinstance(why, Throttled):
            wait = max(wait, why.after_ns)
        self._failures += 1
        self._until = now + wait
        if self._version == "":
            self._continue = ""
        return []


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """``body``; what one object holds too deep must not make the others unreadable."""
    try:
        return decoder.decode(body)
    except RecursionError:
        return decoder.decode(shallow(body))


def refusal(reply: KubeReply, kind: Kind) -> Failure:
    """A list or watch answer that is not 200, as a failure."""
    try:
        text = _status.decode(reply.body).message[:300]
    except MALFORMED:
        text = f"status {reply.status}"
    what = f"list {kind.plural}: {text}"
    if reply.status in (401, 403):
        return Refused(what)
    if reply.status == 429:
        return Throttled(what, reply.retry_after_s * SECOND)
    return Unreachable(what)


def why_not_synced(watchers: Iterable[Watcher]) -> str:
    """One sentence for ``/readyz``: which kinds are not listed yet, and why."""
    missing = [f"{w.kind.plural} ({describe(w.trouble)})" if w.trouble else w.kind.plural for w in watchers if not w.synced]
    return "not listed yet: " + ", ".join(missing) if missing else ""
