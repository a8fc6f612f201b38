"""One server, and the conversations that a case has with it. Whatever goes over the wire or comes out is searched for secrets."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final, TypeVar, cast

import orjson

from eso_core.door import (
    NO_EXTRA,
    Access,
    Answer,
    Blob,
    Delete,
    Done,
    Entries,
    Exists,
    Extra,
    Failed,
    Found,
    Get,
    Provider,
    Push,
    Query,
    Session,
    Source,
    Talk,
)
from eso_core.failure import Failure, InvalidSpec, describe
from eso_core.providers import load
from eso_core.refs import CLUSTER_SECRET_STORE, SECRET_STORE, Ref
from eso_core.secret import SecretBytes
from eso_core.sim.provider.case import Case, Server
from eso_core.stages.needs import ReadStore, read_store
from eso_core.wire import Call, CallReply, HttpCall, SdkCall

T = TypeVar("T")
Tamper = Callable[[int, Call, Callable[[], CallReply]], CallReply]
"""Number of a call in its conversation, the call, and what asks the server: the reply that is given."""

NAMESPACE: Final = "team"
CANARY: Final = "c4n4ry-s3cr3t"
"""Part of every value that the suite writes."""
CALLS_MAX: Final = 400
"""In one conversation; more is taken for one without an end."""
WATCHED_MIN: Final = 6  # characters; shorter secrets occur by chance


class Unmet(Exception):
    """A demand that a provider does not meet. The text is one line."""


class NotApplicable(Exception):
    """The case does not have what a check is about. The text says what."""


def expect(met: object, text: str) -> None:
    """Raise :class:`Unmet` with ``text`` unless ``met``."""
    if not met:
        raise Unmet(text)


def demand(has: object, text: str) -> None:
    """Raise :class:`NotApplicable` with ``text`` unless ``has``."""
    if not has:
        raise NotApplicable(text)


@dataclass(frozen=True, slots=True)
class Told:
    """What a conversation gave, and what it took. Calls to the operator's own surroundings do not count."""

    result: Any
    calls: tuple[tuple[Call, CallReply], ...] = field(repr=False)
    logins: int  # calls of the login

    @property
    def count(self) -> int:
        """Calls after the login."""
        return sum(map(counts, (call for call, _ in self.calls))) - self.logins


def counts(call: Call) -> bool:
    """It goes to the backend."""
    return not (isinstance(call, SdkCall) and call.name.startswith("ambient."))


# ---------------------------------------------------------------- a use of a store


def manifest(case: Case, server: Server) -> dict[str, Any]:
    """The store object."""
    spec = case.spec(server) if callable(case.spec) else case.spec
    kind = "ClusterSecretStore" if case.cluster else "SecretStore"
    meta = {"name": "store", **({} if case.cluster else {"namespace": NAMESPACE}), "uid": "u", "generation": 1}
    body = {"provider": {case.provider.key: spec}}
    return {"apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": meta, "spec": body}


def ref_of(case: Case) -> Ref:
    """The store's name."""
    return Ref(CLUSTER_SECRET_STORE, "", "store") if case.cluster else Ref(SECRET_STORE, NAMESPACE, "store")


def read_case(case: Case, server: Server) -> ReadStore:
    """The store as the operator reads it. Raises :class:`Unmet` when it cannot be used."""
    read = read_store(orjson.dumps(manifest(case, server)), ref_of(case), extra_of(case.provider))
    if isinstance(read, InvalidSpec):
        raise Unmet(describe(read))
    expect(read.fault is None, f"the store cannot be used: {describe(read.fault)}" if read.fault is not None else "")
    expect(read.provider == case.provider, f"{case.provider.key} is another provider than the case's")
    return read


@lru_cache(maxsize=64)
def extra_of(provider: Provider) -> Extra:
    """What makes the operator know a provider from outside."""
    return NO_EXTRA if load(provider.key) is not None else Extra({provider.key: provider})


def wrapped(secrets: Mapping[str, bytes]) -> dict[str, SecretBytes]:
    """Bytes, made unprintable."""
    return {slot: SecretBytes(value) for slot, value in secrets.items()}


class Bench:
    """A server with the three secrets of the case, unless told otherwise."""

    def __init__(self, case: Case, *, filled: bool = True, mark: str = "") -> None:
        self.case = case
        self.server = case.server()
        self.mark = mark
        self.versions: dict[str, str] = {}
        self._watched = (CANARY, ENCODED, *_words(value for slot, value in case.secrets.items() if slot not in case.public))
        if filled:
            for name in case.names:
                self.put(name)

    def text(self, name: str) -> str:
        """What :meth:`put` writes when not told otherwise."""
        return f"{CANARY}-{self.mark}{name.replace('/', '-')}"

    def put(self, name: str, text: str | None = None, tags: Mapping[str, str] | None = None) -> str:
        """Write a secret whose content is ``text``; its version."""
        value = self.case.sample(self.text(name) if text is None else text)
        self.versions[name] = self.server.put(name, value, tags or {})
        return self.versions[name]

    def access(self, secrets: Mapping[str, bytes] | None = None, tenant: str = "") -> Access:
        """A use of the store as it is now."""
        read = read_case(self.case, self.server)
        held = self.case.secrets if secrets is None else secrets
        digest = hashlib.sha256(repr((self.case.name, tenant, sorted(held.items()))).encode()).hexdigest()
        return Access(identity=digest, store=ref_of(self.case), namespace=NAMESPACE, spec=read.spec, secrets=wrapped(held))

    # ------------------------------------------------------------ conversations

    def converse(self, then: Callable[[Access, Session], Talk[Any]], tamper: Tamper | None = None, use: Access | None = None) -> Told:
        """A login and what comes after it. The result is a :class:`~eso_core.failure.Failure` where the login fails."""
        use = self.access() if use is None else use
        taken = _Taken()
        talk = self._whole(use, then, taken)
        reply: CallReply | None = None
        while True:
            try:
                call = next(talk) if reply is None else talk.send(reply)
            except StopIteration as end:
                self.unseen(end.value)
                return Told(end.value, tuple(taken.calls), taken.logins)
            expect(len(taken.calls) < CALLS_MAX, f"a conversation makes more than {CALLS_MAX} calls")
            self.unseen(call)
            ask = partial(self.server.answer, call)
            reply = ask() if tamper is None else tamper(len(taken.calls), call, ask)
            taken.calls.append((call, reply))

    def _whole(self, use: Access, then: Callable[[Access, Session], Talk[Any]], taken: _Taken) -> Talk[Any]:
        login = self.case.provider.login
        session: Session | Failure = Session() if login is None else (yield from login(use))
        taken.logins = sum(map(counts, (call for call, _ in taken.calls)))
        self.unseen(session)
        return (yield from then(use, session)) if isinstance(session, Session) else session

    def fetch(self, *queries: Query, tamper: Tamper | None = None, use: Access | None = None) -> Told:
        """One conversation about ``queries``; the result is a mapping of answers to all of them."""
        fetch = self.case.provider.fetch
        told = self.converse(lambda access, session: fetch(access, session, queries), tamper, use)
        if isinstance(told.result, Failure):
            return Told(dict.fromkeys(queries, Failed(told.result)), told.calls, told.logins)
        expect(isinstance(told.result, Mapping), "a fetch does not give a mapping")
        unanswered = [query for query in queries if not isinstance(told.result.get(query), Found | Failed) and not _absent(told, query)]
        expect(not unanswered, f"{len(unanswered)} of {len(queries)} queries are not answered")
        return told

    def one(self, query: Query, tamper: Tamper | None = None, use: Access | None = None) -> Answer:
        """The answer to one query."""
        return cast(Answer, self.fetch(query, tamper=tamper, use=use).result[query])

    def get(self, name: str, version: str = "") -> Get:
        """The query for a remote secret."""
        return Get(key=self.case.key(name), version=version)

    def push(self, push: Push, tamper: Tamper | None = None) -> Told:
        """One push."""
        command = self.case.provider.push
        demand(command, "no pushes")
        assert command is not None
        return _as_failed(self.converse(lambda access, session: command(access, session, push), tamper), Done)

    def delete(self, name: str = "", prop: str | None = None, *, key: str | None = None, tamper: Tamper | None = None) -> Told:
        """One deletion."""
        command = self.case.provider.delete
        demand(command, "no deletions")
        assert command is not None
        what = Delete(key=self.case.push_key(name) if key is None else key, property=self._property(prop))
        return _as_failed(self.converse(lambda access, session: command(access, session, what), tamper), Done)

    def exists(self, name: str = "", prop: str | None = None, *, key: str | None = None, tamper: Tamper | None = None) -> Told:
        """One question for existence."""
        command = self.case.provider.exists
        demand(command, "existence cannot be asked for")
        assert command is not None
        what = Exists(key=self.case.push_key(name) if key is None else key, property=self._property(prop))
        return _as_failed(self.converse(lambda access, session: command(access, session, what), tamper), bool)

    def push_of(self, name: str, data: Mapping[str, bytes], prop: str | None = None, secret_key: str = "value") -> Push:
        """A push to remote secret ``name``; the whole Secret with ``secret_key=""``."""
        case = self.case
        source = Source(data=wrapped(data))
        held = wrapped(case.push_held)
        return Push(
            key=case.push_key(name),
            property=self._property(prop),
            secret_key=secret_key,
            source=source,
            metadata=case.push_metadata,
            held=held,
        )

    def _property(self, prop: str | None) -> str:
        return self.case.push_to if prop is None else prop

    # ------------------------------------------------------------ values

    def read(self, answer: Answer, prop: str | None = None) -> Answer:
        """What ``remoteRef.property`` gives; by default that which holds the text."""
        if not isinstance(answer, Found):
            return answer
        read = self.case.provider.dialect.value(answer.payload, self.case.reads if prop is None else prop)
        self.unseen(read)
        return read

    def bytes_of(self, answer: Answer, prop: str | None = None) -> bytes | str:
        """The same as bytes, or, where there are none, what there is instead."""
        read = self.read(answer, prop)
        return read.payload.value.reveal() if isinstance(read, Found) and isinstance(read.payload, Blob) else said(read)

    def values(self, answer: Answer) -> dict[str, bytes] | str:
        """What a find gave, or what there is instead."""
        if isinstance(answer, Found) and isinstance(answer.payload, Entries):
            return {name: value.reveal() for name, value in answer.payload.values.items()}
        return said(answer)

    # ------------------------------------------------------------ secrets

    def unseen(self, thing: Any) -> None:
        """No text form of ``thing`` shows a value or a credential; of a call, the URL neither."""
        own: Any = type(thing).__str__
        texts = [repr(thing)] if own is object.__str__ else [repr(thing), str(thing)]
        if isinstance(thing, HttpCall):
            texts.append(thing.url)
        failure = thing.failure if isinstance(thing, Failed) else thing
        if isinstance(failure, Failure):
            texts.append(describe(failure))
        if any(word in text for text in texts for word in self._watched):
            raise Unmet(f"a secret is seen in {type(thing).__name__}")


ENCODED: Final = base64.b64encode(CANARY.encode()).decode()[:16]


@dataclass(slots=True)
class _Taken:
    calls: list[tuple[Call, CallReply]] = field(default_factory=list)
    logins: int = 0


def _words(values: Iterable[bytes]) -> Iterator[str]:
    """Of each secret its longest line; certificates are public."""
    for value in values:
        if b"-----BEGIN CERTIFICATE-----" not in value:
            longest = max(value.decode("utf-8", "replace").split(), key=len, default="")
            if len(longest) >= WATCHED_MIN:
                yield longest


def _absent(told: Told, query: Query) -> bool:
    return said(told.result.get(query)) == "Absent"


def _as_failed(told: Told, kind: type) -> Told:
    """A failed login is a failed command. Raises :class:`Unmet` for a result of another kind than these."""
    result = Failed(told.result) if isinstance(told.result, Failure) else told.result
    expect(isinstance(result, Failed | kind), f"a command gives {type(result).__name__}")
    return Told(result, told.calls, told.logins)


def said(answer: Any) -> str:
    """An answer or result in short, without values."""
    match answer:
        case Failed(failure):
            return f"Failed({type(failure).__name__}: {describe(failure)})"
        case Found():
            return "Found"
        case bool():
            return str(answer)
        case Done(changed):
            return f"Done(changed={changed})"
        case _:
            return type(answer).__name__
