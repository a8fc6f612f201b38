"""Adapters of the provider `fake`: its own conversation, which asks for nothing, and its dialect."""

from typing import Any

from returns.result import Failure, Result, Success

from eso_core.api.providers.fake import FakeData, Spec
from eso_core.compat.keys import convert_keys
from eso_core.compat.property import NO_SECRET
from eso_core.door import Absent, Access, Answer, Blob, Entries, Failed, Find, Found, Get, Query, Session
from eso_core.failure import describe
from eso_core.providers.fake import PROVIDER
from eso_core.refs import SECRET_STORE, Ref
from tests.parity.form import Adapter

STORE = Ref(SECRET_STORE, "ns", "fake")


def _ask(data: list[dict[str, Any]], query: Query) -> Answer:
    spec = PROVIDER.parse(Spec(data=tuple(FakeData(**entry) for entry in data or ())), STORE).unwrap()
    talk = PROVIDER.fetch(Access(identity="", store=STORE, namespace="ns", spec=spec), Session(), (query,))
    try:
        call = next(talk)
    except StopIteration as end:
        return end.value[query]
    raise AssertionError(call)


def _shown(answer: Answer) -> Result[Any, str]:
    match answer:
        case Found(Blob(value)):
            return Success(value.reveal())
        case Found(Entries(values)):
            return Success({name: value.reveal() for name, value in values.items()})
        case Absent():
            return Failure(NO_SECRET)
        case Failed(failure):
            return Failure(describe(failure))


def _fake_get(args: dict[str, Any]) -> Result[Any, str]:
    answer = _ask(args["data"], Get(key=args["key"], version=args["version"]))
    return _shown(PROVIDER.dialect.value(answer.payload, args["property"]) if isinstance(answer, Found) else answer)


def _fake_get_map(args: dict[str, Any]) -> Result[Any, str]:
    answer = _ask(args["data"], Get(key=args["key"], version=args["version"]))
    return _shown(PROVIDER.dialect.entries(answer.payload, args["property"]) if isinstance(answer, Found) else answer)


def _fake_get_all(args: dict[str, Any]) -> Result[Any, str]:
    """The reference converts the names inside the provider; here the provider says that it wants this done."""
    assert PROVIDER.find_converts
    found = _shown(_ask(args["data"], Find(name=args["regexp"])))
    return found.bind(lambda names: convert_keys(args["conversionStrategy"], names))


ADAPTERS: dict[str, Adapter] = {"fake_get": _fake_get, "fake_get_map": _fake_get_map, "fake_get_all": _fake_get_all}
