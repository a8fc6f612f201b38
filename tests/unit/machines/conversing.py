"""Backends whose calls and answers a test sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from returns.result import Success

from eso_core.door import NO_RETRIES, Absent, Access, Answer, Ask, Dialect, Failed, Found, Get, Provider, Query, Retries, Session, Talk
from eso_core.failure import Failure, Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.machines.backends import Backends
from eso_core.machines.desk import Conversation, Stay
from eso_core.machines.turns import Reason
from eso_core.refs import EXTERNAL_SECRET, SECRET_STORE, Ref
from eso_core.secret import SecretBytes
from eso_core.wire import CallFailed, CallReply, HttpCall, HttpReply
from tests.unit.core.objects import access, blob

PLACES = 1000

OK = HttpReply(status=200, body=b"v")
DIALECT = Dialect(value=lambda p, _: Found(p), entries=lambda p, _: Found(p))


def read(reply: CallReply) -> Answer:
    """How the test's provider reads one reply."""
    if isinstance(reply, CallFailed):
        return Failed(reply.failure)
    assert isinstance(reply, HttpReply)
    failures: dict[int, Failure] = {
        401: Refused("no session", session=True),
        403: Refused("no"),
        429: Throttled("busy"),
        503: Unreachable("down"),
    }
    if reply.status in failures:
        return Failed(failures[reply.status])
    return Absent() if reply.status == 404 else blob(reply.body)


def fetch(access: Any, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    names = ",".join(q.key if isinstance(q, Get) else type(q).__name__ for q in queries)
    reply = yield HttpCall(method="GET", url=f"https://b/{access.identity}/{names}", headers={"session": str(session.value)})
    return {query: read(reply) for query in queries}


def login(access: Any) -> Talk[Session | Failure]:
    reply = yield HttpCall(method="POST", url=f"https://b/{access.identity}/login")
    if isinstance(reply, HttpReply) and reply.status == 200:
        return Session(value=reply.body.decode(), lease_s=None)
    answer = read(reply)
    assert isinstance(answer, Failed)
    return answer.failure


PLAIN = Provider(
    key="plain", label="Plain", capabilities="ReadOnly", parse=lambda m, s: Success(m), needs=lambda s: {}, fetch=fetch, dialect=DIALECT
)
WITH_LOGIN = replace(PLAIN, login=login)


def leased(seconds: float) -> Provider:
    """Sessions of this length."""

    def brief(access: Any) -> Talk[Session | Failure]:
        made = yield from login(access)
        return replace(made, lease_s=seconds) if isinstance(made, Session) else made

    return replace(PLAIN, login=brief)


@dataclass
class Bench:
    """Backends, the conversations that wait for a reply, and the answers."""

    provider: Provider | None = PLAIN
    answers: list[tuple[Query, Answer]] = field(default_factory=list)
    now: int = 1000 * SECOND
    retries: Retries = NO_RETRIES
    secrets: Mapping[str, SecretBytes] = field(default_factory=dict)
    open: list[Conversation] = field(default_factory=list)
    backends: Backends = field(init=False)

    def __post_init__(self) -> None:
        self.backends = Backends(lambda _: self.provider, lambda: 0.0)

    def ask(self, *queries: Query | str, identity: str = "me") -> None:
        used = replace(who(identity), retries=self.retries, secrets=self.secrets)
        for query in queries:
            ask = Ask("plain", used, Get(key=query) if isinstance(query, str) else query)
            self.backends.ask(ask, self.now, lambda ask, answer, at: self.answers.append((ask.query, answer)))
        self.collect()

    def tend(self) -> None:
        self.backends.tend(self.now)
        self.collect()

    def collect(self) -> None:
        self.open += self.backends.take(self.now)

    def visit(
        self,
        *names: str,
        query: str = "",
        reason: Reason = Reason.REFRESH,
        identity: str = "me",
        free: int = PLACES,
        asked: int | None = None,
    ) -> list[str]:
        """Passes over the keys ask, each its own question or all the same; who got in."""
        came = []
        for name in names:
            ask = Ask("plain", replace(who(identity), retries=self.retries), Get(key=query or name))
            self.backends.begins(ref(name))
            stay = self.backends.admit(ref(name), reason, (ask,), self.now, free, PLACES, self.now if asked is None else asked)
            if stay is not None:
                came.append(name)
                self.backends.ask(ask, self.now, self.then(stay), stay)
            else:
                self.backends.ended(ref(name))
        self.collect()
        return came

    def then(self, stay: Stay) -> Any:
        def answered(ask: Ask, answer: Answer, at: int) -> None:
            self.answers.append((ask.query, answer))
            self.backends.leave(stay)
            self.backends.ended(stay.key)

        return answered

    def crowded(self) -> tuple[int, int]:
        return self.backends.crowded_until(PLACES, busy=True), self.backends.crowded_until(PLACES, busy=False)

    def out(self, free: int = PLACES) -> list[str]:
        """Who is let out of the lines now."""
        found = [key.name for key, *_ in self.backends.let_out(self.now, free, PLACES)]
        self.collect()
        return found

    def proven(self, *identities: str) -> Bench:
        """With desks that have answered."""
        for identity in identities:
            self.ask("first", identity=identity)
            self.reply()
        return self

    def opened(self, provider_replies: int = 3) -> Bench:
        """With an open breaker, and nothing under way."""
        for number in range(provider_replies):
            self.ask(f"opening {number}")
            self.reply(HttpReply(status=503))
        return self

    @property
    def sessions(self) -> list[str]:
        """That the calls under way use."""
        return [c.call.headers.get("session", "") for c in self.open if isinstance(c.call, HttpCall)]

    @property
    def urls(self) -> list[str]:
        return [c.call.url.removeprefix("https://b/") for c in self.open if isinstance(c.call, HttpCall)]

    def reply(self, reply: CallReply = OK, index: int = 0) -> None:
        self.backends.reply(self.open.pop(index), reply, self.now)
        self.collect()

    def answer_all(self, reply: CallReply = OK) -> int:
        count = 0
        while self.open:
            self.reply(reply)
            count += 1
        return count

    @property
    def last(self) -> Answer:
        return self.answers[-1][1]

    def failure(self) -> Failure:
        assert isinstance(self.last, Failed), self.last
        return self.last.failure


def who(identity: str = "me") -> Access:
    """Each identity in a namespace of its own."""
    return replace(access(identity), namespace=identity)


def ref(name: str) -> Ref:
    return Ref(SECRET_STORE if name == "store" else EXTERNAL_SECRET, "ns", name)
