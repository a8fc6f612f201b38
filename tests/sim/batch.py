"""A third kind of backend: batches, pages, tags, sessions, a bound on calls. Provider and server, made for the simulator alone.

``POST /<store>/login``, ``/get`` (names in one batch) and ``/list`` (a page of names). While a simulation runs, the provider takes
the place of the one whose key and schema it uses (``KEY``).
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import orjson
from returns.result import Result, Success

from eso_core.door import (
    Absent,
    Access,
    Answer,
    Blob,
    Dialect,
    Entries,
    Failed,
    Find,
    Found,
    Get,
    Need,
    Payload,
    Provider,
    Query,
    SecretKey,
    Session,
    Talk,
)
from eso_core.failure import Broken, Failure, InvalidSpec, Refused, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import CallReply, HttpCall, HttpReply
from tests.sim.model import CANARY, Store, tag_of, text

KEY = "passbolt"
BATCH = "https://batch.sim"
PAGE = 2  # names
MAX = 3  # names in a batch


# ---------------------------------------------------------------- the provider


def _parse(model: Any, store: Ref) -> Result[Any, InvalidSpec]:
    return Success({"name": store.name, "secret": model.auth.private_key_secret_ref})


def _needs(spec: Any) -> Mapping[str, Need]:
    held = spec["secret"]
    return {"secret": SecretKey(held.name, held.key, held.namespace or "")}


def _login(access: Access) -> Talk[Session | Failure]:
    body = orjson.dumps({"secret": access.text("secret")})
    reply = yield HttpCall(method="POST", url=f"{BATCH}/{access.spec['name']}/login", body=body)
    said = _said(reply)
    return Session(value=said["token"], lease_s=said["lease"]) if isinstance(said, dict) and "token" in said else _unless(said)


def _fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    names = [query.key for query in queries if isinstance(query, Get)]
    if names:
        answers = yield from _get(access, session, names)
        return {query: answers[query.key] for query in queries if isinstance(query, Get)}
    [query] = queries
    names, wanted = [], query if isinstance(query, Find) else Find(name="")
    after: str | None = ""
    while after is not None:
        said = _said((yield _call(access, session, "list", {"after": after, "tags": dict(wanted.tags)})))
        if not isinstance(said, dict) or "names" not in said:
            return {query: Failed(_unless(said))}
        names += said["names"]
        after = said["next"]
    if not isinstance(query, Find):
        return {query: Found(Entries({}))}
    chosen = [name for name in names if name.startswith((query.name or "").removeprefix("^"))]
    answers = {}
    for start in range(0, len(chosen), MAX):
        answers |= yield from _get(access, session, chosen[start : start + MAX])
    return {query: _joined(answers)}


def _joined(answers: Mapping[str, Answer]) -> Answer:
    found: dict[str, SecretBytes] = {}
    for name, answer in answers.items():
        if isinstance(answer, Failed):
            return answer
        if isinstance(answer, Found) and isinstance(answer.payload, Blob):
            found[name] = answer.payload.value
    return Found(Entries(found))


def _get(access: Access, session: Session, names: list[str]) -> Talk[dict[str, Answer]]:
    said = _said((yield _call(access, session, "get", {"names": names})))
    if not isinstance(said, dict) or "values" not in said:
        return dict.fromkeys(names, Failed(_unless(said)))
    return {name: _one(said, name) for name in names}


def _one(said: Mapping[str, Any], name: str) -> Answer:
    error = said["errors"].get(name)
    if error is not None:
        failures: dict[str, Failure] = {"expired": Refused("the session ended", session=True), "busy": Throttled("busy")}
        return Failed(failures.get(error, Refused("not this one")))
    return Found(Blob(SecretBytes(said["values"][name].encode()))) if name in said["values"] else Absent()


def _call(access: Access, session: Session, verb: str, body: Mapping[str, Any]) -> HttpCall:
    return HttpCall(
        method="POST",
        url=f"{BATCH}/{access.spec['name']}/{verb}",
        headers={"Authorization": session.value},
        body=orjson.dumps(body),
    )


def _said(reply: CallReply) -> dict[str, Any] | Failure:
    if not isinstance(reply, HttpReply):
        return getattr(reply, "failure", Broken("no reply"))
    if reply.status == 200:
        try:
            said = orjson.loads(reply.body)
        except ValueError:
            return Broken("not JSON")
        return said if isinstance(said, dict) else Broken("no object")
    if reply.status == 429:
        return Throttled("slow down", int(reply.headers.get("retry-after", "0")) * SECOND)
    if reply.status in (401, 403):
        return Refused("not allowed", session=reply.status == 401)
    return Unreachable(f"status {reply.status}") if reply.status >= 500 else Broken(f"status {reply.status}")


def _unless(said: dict[str, Any] | Failure) -> Failure:
    return Broken("an answer without the expected member") if isinstance(said, dict) else said


def _value(payload: Payload, prop: str) -> Answer:
    if not isinstance(payload, Blob) or not prop:
        return Found(payload)
    held = orjson.loads(payload.value.reveal())
    return Found(Blob(SecretBytes(held[prop].encode()))) if isinstance(held, dict) and prop in held else Absent()


def _entries(payload: Payload, prop: str) -> Answer:
    held = orjson.loads(payload.value.reveal()) if isinstance(payload, Blob) else None
    if not isinstance(held, dict):
        return Failed(Broken("not an object"))
    return Found(Entries({key: SecretBytes(value.encode()) for key, value in held.items()}))


PROVIDER = Provider(
    key=KEY,
    label="Simulated/Batch",
    capabilities="ReadOnly",
    parse=_parse,
    needs=_needs,
    fetch=_fetch,
    login=_login,
    dialect=Dialect(value=_value, entries=_entries),
    batch_max=MAX,
    talks_max=2,
    talks_per_s=5.0,
)

# ---------------------------------------------------------------- the server


class Batch:
    """All stores of this kind. Tokens live for ``lease_s`` seconds."""

    def __init__(self, stores: dict[str, Store], lease_s: int) -> None:
        self._stores = stores
        self._lease_s = lease_s
        self._tokens: dict[str, tuple[Store, int]] = {}
        self.logins = 0
        self.bent = False  # a fault has changed an answer

    def revoke(self) -> None:
        """All tokens end now."""
        self._tokens.clear()

    def answer(self, call: HttpCall, mono: int, fault: str, random: Random) -> HttpReply:
        """The reply to one request, bent by the faults that only this kind of backend has."""
        name, _, verb = call.url.removeprefix(f"{BATCH}/").partition("/")
        body, store = orjson.loads(call.body), self._stores.get(name)
        if verb == "login":
            if store is None or body["secret"] != store.secret_id:
                return _json(403, {})
            self.logins += 1
            token = f"{CANARY}b{self.logins}"
            self._tokens[token] = (store, mono + self._lease_s * SECOND)
            return _json(200, {"token": token, "lease": self._lease_s})
        owner, until = self._tokens.get(call.headers.get("Authorization", ""), (None, 0))
        if owner is None or owner is not store or mono >= until:
            return _json(401, {})
        return self._page(store, body, fault) if verb == "list" else self._batch(store, body["names"], fault, random)

    def _batch(self, store: Store, names: list[str], fault: str, random: Random) -> HttpReply:
        values = {name: store.lagging(name, random) if fault == "lagging" else store.values.get(name) for name in names}
        errors: dict[str, str] = {}
        if fault == "bad key":
            errors[random.choice(names)] = random.choice(("denied", "busy"))
        if fault == "expired":
            self._tokens.clear()
            errors = dict.fromkeys(names[len(names) // 2 :], "expired")
        if fault == "shrunk":
            values = {name: store.shrunk(name, value) for name, value in values.items()}
        self.bent = bool(errors) or any(values[name] != store.values.get(name) for name in names)
        return _json(200, {"values": {n: text(v) for n, v in values.items() if v is not None and n not in errors}, "errors": errors})

    def _page(self, store: Store, body: Mapping[str, Any], fault: str) -> HttpReply:
        after = body["after"]  # a name, not a number of names: what goes away between two pages hides no other
        tagged = [name for name in sorted(store.values) if all(tag_of(name) == value for value in body["tags"].values())]
        names = [name for name in tagged if name > after]
        if fault == "short page" and after:
            self.bent = True
            return _json(500, {})
        return _json(200, {"names": names[:PAGE], "next": names[PAGE - 1] if len(names) > PAGE else None})


def _json(status: int, body: Any) -> HttpReply:
    return HttpReply(status=status, body=orjson.dumps(body))
