"""Runs a conversation without a network: replies come from a list or a function, and every call is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson
from returns.result import Success

from eso_core.api.providers import spec_class
from eso_core.door import Access, Answer, Blob, Entries, Failed, Found, Provider, Query, Session, Talk
from eso_core.failure import Failure, InvalidSpec
from eso_core.providers import load
from eso_core.refs import CLUSTER_SECRET_STORE, SECRET_STORE, Ref
from eso_core.secret import SecretBytes
from eso_core.wire import Call, CallReply, HttpReply, SdkCall, SdkReply

T = TypeVar("T")
NAMESPACE = "team"
CANARY = "c4n4ry-s3cr3t"  # must never be seen outside a SecretBytes


@dataclass(frozen=True)
class Ran(Generic[T]):
    """What a conversation gave, and the calls it made."""

    value: T
    calls: list[Any] = field(default_factory=list)


def run(talk: Talk[T], replies: Iterable[CallReply] | Callable[[Any], CallReply] = ()) -> Ran[T]:
    """To its end; fails when a reply is missing or left over."""
    answer = replies if callable(replies) else None
    left = iter(() if callable(replies) else replies)
    calls: list[Call] = []
    reply: CallReply | None = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            assert next(left, None) is None, "a reply was not asked for"
            return Ran(end.value, calls)
        calls.append(call)
        assert "***" not in str(call)
        found = answer(call) if answer is not None else next(left, None)
        assert found is not None, f"no reply for {call}"
        reply = found


def ok(body: Any = None, status: int = 200, **headers: str) -> HttpReply:
    """An HTTP answer; anything but bytes is sent as JSON. ``retry_after`` names the header ``retry-after``."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return HttpReply(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=raw)


def provider(key: str) -> Provider:
    found = load(key)
    assert found is not None
    return found


def store_ref(cluster: bool = False) -> Ref:
    return Ref(CLUSTER_SECRET_STORE, "", "store") if cluster else Ref(SECRET_STORE, NAMESPACE, "store")


def parsed(key: str, spec: Mapping[str, Any], *, cluster: bool = False) -> Any:
    """The parsed form, or the :class:`InvalidSpec`."""
    model = spec_class(key)
    assert model is not None
    result = provider(key).parse(model.model_validate(spec), store_ref(cluster))
    return result.unwrap() if isinstance(result, Success) else result.failure()


def access(key: str, spec: Mapping[str, Any], secrets: Mapping[str, str] | None = None, *, cluster: bool = False) -> Access:
    form = parsed(key, spec, cluster=cluster)
    assert not isinstance(form, InvalidSpec), form
    held = {slot: SecretBytes(value.encode()) for slot, value in (secrets or {}).items()}
    assert set(held) <= set(provider(key).needs(form))
    return Access(identity=f"{key}-{sorted(held)}", store=store_ref(cluster), namespace=NAMESPACE, spec=form, secrets=held)


def session(key: str, use: Access, replies: Any = ()) -> Session | Failure:
    login = provider(key).login
    return Session() if login is None else run(login(use), replies).value


def ask(
    key: str, use: Access, *queries: Query, replies: Iterable[CallReply] | Callable[[Any], CallReply] = (), login: Any = ()
) -> Ran[Mapping[Query, Answer]]:
    """The answers to ``queries`` in one conversation."""
    with_session = session(key, use, login)
    assert isinstance(with_session, Session), with_session
    ran = run(provider(key).fetch(use, with_session, queries), replies)
    assert set(ran.value) == set(queries)
    return ran


def one(key: str, use: Access, query: Query, *replies: CallReply, login: Any = ()) -> Answer:
    return ask(key, use, query, replies=replies, login=login).value[query]


def value(key: str, answer: Answer, prop: str = "") -> Any:
    """What ``remoteRef.property`` gives: bytes, or the answer where that is not found."""
    assert isinstance(answer, Found), answer
    read = provider(key).dialect.value(answer.payload, prop)
    return plain(read)


def entries(key: str, answer: Answer, prop: str = "") -> Any:
    """What ``dataFrom.extract`` gives."""
    assert isinstance(answer, Found), answer
    return plain(provider(key).dialect.entries(answer.payload, prop))


def plain(answer: Answer) -> Any:
    """A found value as bytes or a dictionary of bytes; anything else as it is."""
    match answer:
        case Found(Blob(secret)):
            return secret.reveal()
        case Found(Entries(values)):
            return {name: secret.reveal() for name, secret in values.items()}
        case _:
            return answer


def failure(answer: Any) -> Failure:
    assert isinstance(answer, Failed), answer
    return answer.failure


def aws_login(call: Any) -> SdkReply:
    """What the SDK would give."""
    assert isinstance(call, SdkCall)
    held = {"endpoint": "https://secretsmanager.eu-central-1.amazonaws.com", "access_key": "AKIA", "secret_key": CANARY, "lease_s": None}
    return SdkReply(value={**held, "session_token": ""})
