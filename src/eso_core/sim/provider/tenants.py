"""Checks of sessions, credentials and tenants, with the operator's own machine for them (:mod:`eso_core.machines.backends`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eso_core.door import Access, Answer, Ask, Failed, Provider, Query
from eso_core.failure import Refused
from eso_core.instant import SECOND
from eso_core.machines.backends import Backends
from eso_core.machines.desk import Conversation, Then
from eso_core.sim.provider.bench import CALLS_MAX, Bench, counts, demand, expect, said
from eso_core.sim.provider.case import Case, Server

After = Callable[[Conversation], None]
"""Told of each call that was answered."""


class Desks:
    """The machine, with a server behind each identity. Time goes on when questions are put, and when they wait for their turn."""

    def __init__(self, provider: Provider) -> None:
        self._backends = Backends(lambda key: provider if key == provider.key else None, lambda: 0.0)
        self._provider = provider
        self._now = 0
        self.calls = 0
        self.logins: dict[int, Conversation] = {}  # conversations that made a call

    def ask(self, uses: Mapping[Access, Server], *questions: tuple[Access, Query], after: After = lambda talk: None) -> list[Answer]:
        """The answers to questions that are under way at the same time."""
        answers: list[tuple[int, Answer]] = []
        self._now += SECOND
        for number, (use, query) in enumerate(questions):
            self._backends.ask(Ask(self._provider.key, use, query), self._now, _keep(answers, number))
        while talks := self._due():
            for talk in talks:
                self._answer(talk, uses)
                after(talk)
        expect(len(answers) == len(questions), f"{len(questions) - len(answers)} questions are not answered")
        return [answer for _, answer in sorted(answers, key=lambda found: found[0])]

    def _due(self) -> list[Conversation]:
        """What has to be sent now, or, when nothing has, what has to be sent next."""
        talks = self._backends.take(self._now)
        while not talks and self._backends.waiting and (at := self._backends.tend_at()) is not None:
            self._now = max(self._now + 1, at)
            self._backends.tend(self._now)
            talks = self._backends.take(self._now)
        return talks

    def _answer(self, talk: Conversation, uses: Mapping[Access, Server]) -> None:
        call = talk.call
        assert call is not None
        if counts(call):
            self.calls += 1
            if not talk.asks:
                self.logins[id(talk)] = talk
        expect(self.calls < CALLS_MAX, f"more than {CALLS_MAX} calls are made")
        self._backends.reply(talk, uses[talk.desk.access].answer(call), self._now)


def _keep(answers: list[tuple[int, Answer]], number: int) -> Then:
    return lambda ask, answer, now: answers.append((number, answer))


def an_expired_session_is_renewed(case: Case) -> None:
    """When a session ends, between two questions or in the middle of one, the question is answered after one more login."""
    demand(case.provider.login, "no sessions")
    bench = Bench(case)
    use, desks = bench.access(), Desks(case.provider)
    uses = {use: bench.server}
    _read(bench, case.names[0], desks.ask(uses, (use, bench.get(case.names[0]))))
    before = len(desks.logins)
    bench.server.expire()
    _read(bench, case.names[1], desks.ask(uses, (use, bench.get(case.names[1]))))
    expect(len(desks.logins) <= before + 1, "more than one login follows the end of a session")
    _in_the_middle(case)


def _in_the_middle(case: Case) -> None:
    bench = Bench(case)
    use, desks = bench.access(), Desks(case.provider)
    ended = False

    def end_once(talk: Conversation) -> None:
        nonlocal ended
        if talk.asks and not ended:
            ended = True
            bench.server.expire()

    _read(bench, case.names[0], desks.ask({use: bench.server}, (use, bench.get(case.names[0])), after=end_once))
    expect(len(desks.logins) <= 2, "more than one login follows the end of a session in the middle of a question")


def a_session_is_used_again(case: Case) -> None:
    """Many questions of one identity take one login."""
    demand(case.provider.login, "no sessions")
    bench = Bench(case)
    use, desks = bench.access(), Desks(case.provider)
    for name in (*case.names, *case.names):
        _read(bench, name, desks.ask({use: bench.server}, (use, bench.get(name))))
    expect(len(desks.logins) <= 1, f"6 questions take {len(desks.logins)} logins")


def a_rotated_credential_is_used(case: Case) -> None:
    """After a rotation the old credential is refused, with its session; the new one works, and the old session is not used for it."""
    bench = Bench(case)
    old, desks = bench.access(), Desks(case.provider)
    name, server = case.names[0], bench.server
    _read(bench, name, desks.ask({old: server}, (old, bench.get(name))))
    secrets = server.rotate()
    demand(secrets, "no credential")
    [answer] = desks.ask({old: server}, (old, bench.get(name)))
    expect(
        isinstance(answer, Failed) and isinstance(answer.failure, Refused), f"the old credential gives {said(answer)} instead of Refused"
    )
    new = bench.access({**case.secrets, **secrets}, "rotated")
    _read(bench, name, desks.ask({new: server}, (new, bench.get(name))))


def tenants_share_nothing(case: Case) -> None:
    """Two identities at two backends each get their own; equal questions of one identity that are under way cost one call."""
    benches = [Bench(case, mark=mark) for mark in ("one-", "two-")]
    uses = [bench.access(tenant=bench.mark) for bench in benches]
    servers = {use: bench.server for use, bench in zip(uses, benches, strict=True)}
    desks, name = Desks(case.provider), case.names[0]
    questions = [(use, bench.get(name)) for _ in range(2) for use, bench in zip(uses, benches, strict=True)]
    for number, answer in enumerate(desks.ask(servers, *questions)):
        _read(benches[number % 2], name, [answer])
    alone = Desks(case.provider)
    alone.ask(servers, *questions[:2])
    expect(desks.calls == alone.calls, f"equal questions take {desks.calls} calls instead of {alone.calls}")
    expect(len(desks.logins) == len(alone.logins), "equal questions take more logins")


def _read(bench: Bench, name: str, answers: list[Answer]) -> None:
    for answer in answers:
        read = bench.bytes_of(answer)
        expect(read == bench.text(name).encode(), f"{name} is {read if isinstance(read, str) else 'the value of another'}")
