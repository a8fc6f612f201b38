"""Checks of what a provider says when a backend misbehaves: any status, any body, no answer, on each call of each conversation.

A failure is always right; an answer is right only when it is the truth. What is *absent* drives the deletion of Secrets, so that nothing
but the vendor's own words may be taken for it: neither a status alone nor a body that a proxy, a crash or a cut may leave behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from eso_core.door import Failed, Found
from eso_core.failure import Broken, Failure, Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.sim.provider.bench import Bench, Tamper, Told, Unmet, counts, demand, expect, said
from eso_core.sim.provider.case import Case
from eso_core.sim.provider.operations import Operation, operations, outcome, reads
from eso_core.wire import CallFailed, CallReply, HttpCall, HttpReply

STATUSES: Final = (*range(300, 309), *range(400, 432), *range(500, 512))
SOME_STATUSES: Final = (302, 400, 401, 403, 404, 409, 410, 412, 422, 429, 500, 503)
PAUSE_S: Final = 7  # that 429 asks for
EMPTY, PAGE = b"", b"<html><head><title>404 Not Found</title></head><body>nginx</body></html>"
PLAIN: Final = b"404 page not found\n"
IN_BETWEEN: Final = (
    EMPTY,
    PAGE,
    PLAIN,
    b'{"error":"Not Found"}',
    b"{}",
    b"Cannot GET /\n",
    b'{"message":"no Route matched with those values"}',
    b'{"message":"Not Found"}',
    b'{"status":404,"error":"Not Found","path":"/"}',
    b'{"type":"about:blank","title":"Not Found","status":404}',
    b'{"detail":"Not Found"}',
    b'{"code":404,"message":"Not Found"}',
)
"""What gateways, load balancers and web frameworks say with 404 when nobody behind them was asked. Commands hear each third."""
HOLLOW: Final = (b"null", b"[]", b"{}")
"""Valid JSON that says nothing; some vendors' word for an empty list."""
GARBAGE: Final = (
    EMPTY,
    PAGE,
    PLAIN,
    *HOLLOW,
    b'"text"',
    b"0",
    b"true",
    b"\x00\x00\x00",
    b'{"a": "\xff\xfe"}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b"9" * 6_000,
    b'{"a":1e999}',
    b'[[["a"]]]',
    b'{"a":{"b":"\\u0000"}}',
)
SOME_GARBAGE: Final = (EMPTY, PAGE, b"{}", b"[]", b'"text"', b"[" * 100_000)
OTHERS: Final[tuple[Any, ...]] = ("text", 7, True, ["text"], {"text": "text"}, 1.5, [[]], {"": {}})
"""What stands in the place of a value of another type."""
MUTATIONS_MAX: Final = 67  # of one body; a prime, so that all kinds of change occur
CUTS: Final = (0.1, 0.4, 0.7, 1.0)  # of a body, less one byte
NO_ANSWERS: Final[tuple[Failure, ...]] = (
    Unreachable("no answer within 30 s"),
    Broken("the body is larger than allowed"),
    Throttled("too many calls are under way", PAUSE_S * SECOND),
    Refused("the certificate is not accepted"),
)


def statuses_are_failures(case: Case) -> None:
    """No status makes a secret absent, and each is the failure that it means."""
    for place in _places(case, operations(case)):
        for status in STATUSES if place.operation.name == "get" else SOME_STATUSES:
            for body in _bodies(place, status):
                headers = {"retry-after": str(PAUSE_S)} if status in (429, 503) else {}
                what = f"status {status}{f', body {body[:40]!r}' if body else ''}"
                got = place.truth(_given(HttpReply(status=status, headers=headers, body=body)), what, body, status)
                _fits(place, status, got)


def _bodies(place: Place, status: int) -> tuple[bytes, ...]:
    if status == 404:
        return IN_BETWEEN[::3] if place.operation.writes else IN_BETWEEN
    return (EMPTY, PAGE) if status in (400, 403, 410) and not place.operation.writes else (EMPTY,)


def _fits(place: Place, status: int, got: Any) -> None:
    """The class of the failure, where the status alone says it."""
    text = f"{place}, status {status}: {said(got)}"
    ready = place.operation.name == "probe" and isinstance(got, Found) and not place.case.reach
    expect(not (ready and (status in (401, 429) or status >= 500)), text)
    if not isinstance(got, Failed):
        return
    if status == 429:
        expect(isinstance(got.failure, Throttled) and got.failure.after_ns == PAUSE_S * SECOND, f"{text} instead of Throttled for 7 s")
    elif status >= 500:
        expect(isinstance(got.failure, Unreachable | Throttled), f"{text} instead of Unreachable")
    elif status == 401:
        expect(isinstance(got.failure, Refused), f"{text} instead of Refused")
    elif status < 400:
        expect(isinstance(got.failure, Unreachable | Broken), f"{text} instead of Unreachable")


def garbage_is_not_believed(case: Case) -> None:
    """No body that makes no sense is an answer."""
    for place in _places(case, operations(case)):
        for body in SOME_GARBAGE if place.operation.writes else GARBAGE:
            place.truth(_instead(body), f"body {body[:20]!r}", body)


def cut_bodies_are_not_believed(case: Case) -> None:
    """No part of an answer is taken for the whole."""
    for place in _places(case, operations(case)):
        for part in CUTS:
            place.truth(_cut(part), "a cut body")


def other_types_are_survived(case: Case) -> None:
    """Valid JSON with a value of another type in any place: something is answered, and it is not that a secret is absent."""
    demand(not case.opaque, "bodies are values")
    for place in _places(case, reads(case)):
        bodies = list(_mutations(place.reply.body)) if isinstance(place.reply, HttpReply) else []
        for body in bodies:
            got = outcome(place.run(_instead(body)))
            expect(said(got) != "Absent", f"{place}: a value of another type makes a secret absent: {body[:60]!r}")


def no_answer_is_a_failure(case: Case) -> None:
    """A time-out, a reset, an oversized body, and the failures of libraries are passed on as they are."""
    for place in _places(case, operations(case), libraries=True):
        for failure in NO_ANSWERS:
            got = place.truth(_given(CallFailed(failure)), type(failure).__name__)
            if isinstance(got, Failed):
                expect(got.failure == failure or not isinstance(failure, Throttled), f"{place}: the pause of Throttled is lost")
                expect(type(got.failure) is type(failure), f"{place}, {type(failure).__name__}: {said(got)}")


def surroundings_may_fail(case: Case) -> None:
    """Without the time, chance and tokens of the operator's own, an operation fails."""
    asked = False
    for operation in reads(case):
        for reply in (HttpReply(status=200), CallFailed(Broken("library"))):
            bench = operation.bench(case)
            told = operation.run(bench, _alone(reply))
            asked = asked or any(not counts(call) for call, _ in told.calls)
            lie = operation.lie(bench, outcome(told))
            expect(lie is None, f"{operation.name}: {lie}")
    demand(asked, "the surroundings are not asked")


def _alone(reply: CallReply) -> Tamper:
    """The surroundings say ``reply``."""
    return lambda at, call, ask: ask() if counts(call) else reply


# ---------------------------------------------------------------- one call goes wrong

Give = Callable[[Callable[[], CallReply]], CallReply]
"""What comes in the place of a reply, given what asks the server."""


@dataclass(frozen=True, slots=True)
class Place:
    """One call of one operation; ``reply`` is what the server says to it when all is well."""

    case: Case
    operation: Operation
    number: int
    reply: CallReply
    shared: Bench | None  # for operations that leave the server as it is

    def __str__(self) -> str:
        return f"{self.operation.name}, call {self.number + 1}"

    def run(self, give: Give) -> Told:
        """The operation with ``give`` in the place of the reply."""
        return self._run(self._bench(), give)

    def truth(self, give: Give, what: str, body: bytes | None = None, status: int = 200) -> Any:
        """The outcome of that. Raises :class:`Unmet` for a lie; ``body`` and ``status`` are what is given."""
        bench = self._bench()
        try:
            got = outcome(self._run(bench, give))
        except Unmet as unmet:
            raise Unmet(f"{self}, {what}: {unmet}") from None
        lie = self.operation.lie(bench, got)
        expect(lie is None or self._excused(lie, body, status), f"{self}, {what}: {lie}")
        return got

    def _bench(self) -> Bench:
        return self.shared if self.shared is not None else self.operation.bench(self.case)

    def _run(self, bench: Bench, give: Give) -> Told:
        return self.operation.run(bench, lambda at, call, ask: give(ask) if at == self.number else ask())

    def _excused(self, lie: str, body: bytes | None, status: int) -> bool:
        """Body or status was the vendor's own word for nothing, or, where bodies are values, another value."""
        return (
            status in self.case.absent_statuses
            or (body is not None and body in self.case.nothing)
            or (self.case.opaque and status == 200 and "Absent" not in lie)
        )


def _places(case: Case, all_of: Iterable[Operation], *, libraries: bool = False) -> Iterator[Place]:
    """Each HTTP call, and on demand each library call, of each operation."""
    found = False
    for operation in all_of:
        bench = operation.bench(case)
        for number, (call, reply) in enumerate(operation.run(bench, None).calls):
            if isinstance(call, HttpCall) or (libraries and counts(call)):
                found = True
                yield Place(case, operation, number, reply, None if operation.writes else bench)
    demand(found, "no calls")


def _given(reply: CallReply) -> Give:
    """This reply; the server is not asked."""
    return lambda ask: reply


def _instead(body: bytes) -> Give:
    """The server's reply with another body."""
    return _changed(lambda real: body)


def _cut(part: float) -> Give:
    """The server's reply without its end."""
    return _changed(lambda real: real[: max(0, int(len(real) * part) - 1)])


def _changed(change: Callable[[bytes], bytes]) -> Give:
    def give(ask: Callable[[], CallReply]) -> CallReply:
        reply = ask()
        return replace(reply, body=change(reply.body)) if isinstance(reply, HttpReply) else reply

    return give


# ---------------------------------------------------------------- other types


def _mutations(body: bytes) -> Iterator[bytes]:
    """``body`` with one of its values replaced by one of another type; at most :data:`MUTATIONS_MAX`, spread evenly."""
    try:
        held = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    changes = [(path, other) for path in _paths(held, ()) for other in OTHERS]
    step = max(1, -(-len(changes) // MUTATIONS_MAX))
    for path, other in changes[::step]:
        yield orjson.dumps(_replaced(held, path, other))


def _paths(held: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield path
    members = held.items() if isinstance(held, dict) else enumerate(held[:2]) if isinstance(held, list) else ()
    for key, value in members:
        yield from _paths(value, (*path, key))


def _replaced(held: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return held if isinstance(other, type(held)) else other
    key, rest = path[0], path[1:]
    changed: Any = dict(held) if isinstance(held, dict) else list(held)
    changed[key] = _replaced(held[key], rest, other)
    return changed
