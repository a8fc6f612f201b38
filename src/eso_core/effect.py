"""The four effects that cross the border, and the generators that yield them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar, cast

from eso_core.door import Answer, Ask
from eso_core.failure import Failure
from eso_core.instant import Instant
from eso_core.plan import Action, Outcome
from eso_core.refs import Kind, Ref
from eso_core.template.limits import Ambient

T = TypeVar("T")

# ---------------------------------------------------------------- what can be read


@dataclass(frozen=True, slots=True)
class Whole:
    """An object with everything in it, from the API server; at most ``age_s`` seconds old. Secrets read as a plain Ref have no values."""

    ref: Ref
    age_s: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """The names of the cached objects of one kind and namespace that carry one label."""

    kind: Kind
    namespace: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a ServiceAccount, with at least a minute left."""

    account: Ref
    audiences: tuple[str, ...]
    seconds: int


@dataclass(frozen=True, slots=True)
class Served:
    """The resources of one API group and version, as the API server's discovery tells them; at most half a minute old."""

    api_version: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A managed object of a kind that is not watched by itself: its kind is watched from now on, for as long as somebody follows it.

    Answered without the object's content, like a Secret; live until the watch has begun.
    """

    ref: Ref


Readable: TypeAlias = Ref | Whole | Selection | Token | Served | Followed


@dataclass(frozen=True, slots=True)
class Present:
    """The object as compact JSON, or the token, or (Selection) the names, one a line, or (Served) an APIResourceList."""

    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such object."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It is not known: the read failed."""

    failure: Failure


Seen: TypeAlias = Present | Gone | Unreadable


@dataclass(frozen=True, slots=True)
class World:
    """What has been read so far in one pass."""

    seen: Mapping[Readable, Seen]

    def __or__(self, more: World) -> World:
        return World({**self.seen, **more.seen})

    def __contains__(self, what: Readable) -> bool:
        return what in self.seen

    def __getitem__(self, what: Readable) -> Seen:
        return self.seen[what]

    def __iter__(self) -> Iterator[Readable]:
        return iter(self.seen)

    def raw(self, what: Readable) -> bytes | None:
        """The bytes of a present object, else ``None``."""
        seen = self.seen.get(what)
        return seen.raw if isinstance(seen, Present) else None


# ---------------------------------------------------------------- effects and replies


@dataclass(frozen=True, slots=True)
class Read:
    """Answered by a :class:`World` with exactly these keys."""

    what: frozenset[Readable]


@dataclass(frozen=True, slots=True)
class Fetch:
    """Answered by :class:`Answers` with exactly these asks."""

    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Answered by an :data:`Outcome`."""

    action: Action


@dataclass(frozen=True, slots=True)
class Compute:
    """Answered by :class:`Computed`: what ``make`` returns, which needs the time or chance.

    ``long``: it may take tens of milliseconds or more, so that nothing else must wait for it.
    """

    make: Callable[[Ambient], object] = field(repr=False)
    long: bool = False


Effect: TypeAlias = Read | Fetch | Write | Compute


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer per ask."""

    by_ask: Mapping[Ask, Answer] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Computed:
    """The result of a computation, or the exception that it raised, which is a bug."""

    value: object = field(repr=False)
    bug: Exception | None = None


Body: TypeAlias = World | Answers | Outcome | Computed


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and the wall clock then."""

    body: Body
    at: Instant


Flow: TypeAlias = Generator[Effect, Reply, T]


def read(*what: Readable) -> Flow[tuple[World, Instant]]:
    """Read all of ``what``."""
    reply = yield Read(frozenset(what))
    assert isinstance(reply.body, World)
    return reply.body, reply.at


def fetch(asks: tuple[Ask, ...]) -> Flow[tuple[Answers, Instant]]:
    """Ask the backends; no question, no effect on them."""
    reply = yield Fetch(asks)
    assert isinstance(reply.body, Answers)
    return reply.body, reply.at


def write(action: Action) -> Flow[tuple[Outcome, Instant]]:
    """Carry out one action."""
    reply = yield Write(action)
    assert not isinstance(reply.body, World | Answers | Computed)
    return reply.body, reply.at


def compute(make: Callable[[Ambient], T], *, long: bool) -> Flow[T]:
    """What ``make`` returns."""
    reply = yield Compute(make, long)
    assert isinstance(reply.body, Computed)
    if reply.body.bug is not None:
        raise reply.body.bug
    return cast(T, reply.body.value)
