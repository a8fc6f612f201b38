"""Is the server honest? The same steps against two servers, and what of the answers must agree.

A :class:`Step` is a request in which identities and versions are symbols, because every server hands out its own. A :class:`Session` runs
steps against one server, resolves symbols by what that server answered before, and returns :class:`Seen` values that are comparable:

===================  ==============================================================================================
identities           numbered in the order in which they first appear
resource versions    numbered likewise: equal and different versions stay so; those of lists are masked
times                masked
generated names      numbered likewise
field owners         compared in full, in name order: the server's order depends on the second in which a write came
error messages       not compared; status, reason, and the fields and reasons of causes are
===================  ==============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from eso_core.wire import JSON, KubeCall, KubeReply

Send = Callable[[KubeCall], KubeReply]

_TIMES = ("creationTimestamp", "deletionTimestamp", "time", "expirationTimestamp")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A value that only the server knows: ``uid``, ``version``, ``first_version`` or ``managed`` of the object at ``path``."""

    what: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request. ``body`` may hold :class:`Symbol` values.

    With ``edit``, what is sent is the object as it was last seen, or ``body`` if it was not, with ``edit`` laid over it: a read, a
    modification and a write.
    """

    method: str
    path: str
    body: Any = None
    edit: Mapping[str, Any] | None = None
    query: tuple[tuple[str, str], ...] = ()
    content_type: str = JSON


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer, as far as it must be the same everywhere."""

    status: int
    body: Any


@dataclass(slots=True)
class Session:
    """The memory of one server's answers. Both sessions of a comparison must run the same steps."""

    send: Send
    _latest: dict[str, Any] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)
    _numbers: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self, step: Step) -> Seen:
        """Send one step; the answer in comparable form."""
        body = self._edited(step) if step.edit is not None else self._resolved(step.body)
        raw = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        reply = self.send(KubeCall(method=step.method, path=step.path, query=step.query, body=raw, content_type=step.content_type))
        answer = _parsed(reply.body)
        self._remember(step, reply.status, answer)
        return Seen(reply.status, self.masked(answer, _prefix(step)))

    def latest(self, path: str) -> Any:
        """The object at ``path`` as it was last seen."""
        return self._latest.get(path)

    def masked(self, answer: Any, prefix: str = "") -> Any:
        """``answer`` without what may differ. ``prefix``: of the name that was to be generated."""
        if not isinstance(answer, dict):
            return answer
        if answer.get("kind") == "TokenRequest":
            return {"spec": answer["spec"], "status": sorted(answer["status"]), "name": answer["metadata"]["name"]}
        if answer.get("kind") == "Status":
            return self._masked_status(answer, prefix)
        if "items" in answer:
            rest = {key: value for key, value in answer["metadata"].items() if key not in ("resourceVersion", "continue", "selfLink")}
            more = bool(answer["metadata"].get("continue"))
            return {**answer, "metadata": rest, "more": more, "items": [self._masked_object(item) for item in answer["items"]]}
        return self._masked_object(answer)

    # ------------------------------------------------------------ symbols

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, Symbol):
            return self._value_of(value)
        if isinstance(value, dict):
            resolved = {key: self._resolved(inner) for key, inner in value.items()}
            return {key: inner for key, inner in resolved.items() if inner is not _NOTHING}
        if isinstance(value, list):
            return [self._resolved(inner) for inner in value]
        return value

    def _value_of(self, symbol: Symbol) -> Any:
        meta = self._latest.get(symbol.path, {}).get("metadata", {})
        if symbol.what == "first_version":
            return self._first.get(symbol.path, _NOTHING)
        return meta.get({"uid": "uid", "version": "resourceVersion", "managed": "managedFields"}[symbol.what], _NOTHING)

    def _edited(self, step: Step) -> Any:
        return _overlaid(self._latest.get(step.path.removesuffix("/status"), step.body), self._resolved(step.edit))

    def _remember(self, step: Step, status: int, answer: Any) -> None:
        if status >= 300 or not isinstance(answer, dict) or "metadata" not in answer or "name" not in answer["metadata"]:
            return
        if any(name == "dryRun" for name, _ in step.query):
            return
        name = answer["metadata"]["name"]
        path = f"{step.path}/{name}" if step.method == "POST" else step.path.removesuffix("/status")
        self._latest[path] = answer
        self._first.setdefault(path, answer["metadata"].get("resourceVersion", ""))

    # ------------------------------------------------------------ masks

    def _masked_status(self, status: dict[str, Any], prefix: str) -> Any:
        details = dict(status.get("details", {}))
        if prefix and details.get("name", "").startswith(prefix):
            details["name"] = prefix
        causes = {(cause.get("reason", ""), cause.get("field", "")) for cause in details.pop("causes", ())}
        if "uid" in details:
            details["uid"] = self._number("uid", details["uid"])
        kept = {key: status[key] for key in ("status", "reason", "code") if key in status}
        return {**kept, "details": details, "causes": sorted(causes)}

    def _masked_object(self, value: dict[str, Any]) -> dict[str, Any]:
        meta: dict[str, Any] = {key: "masked" if key in _TIMES else inner for key, inner in value.get("metadata", {}).items()}
        for key in ("uid", "resourceVersion"):
            if key in meta:
                meta[key] = self._number(key, meta[key])
        if "generateName" in meta and meta.get("name", "").startswith(meta["generateName"]):
            meta["name"] = f"{meta['generateName']}{self._number('name', meta['name'])}"
        if "managedFields" in meta:
            meta["managedFields"] = sorted((self._masked_entry(entry) for entry in meta["managedFields"]), key=orjson.dumps)
        if "ownerReferences" in meta:
            meta["ownerReferences"] = [{**owner, "uid": self._number("uid", owner["uid"])} for owner in meta["ownerReferences"]]
        return {**value, "metadata": meta}

    def _masked_entry(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        masked = {key: "masked" if key in _TIMES else inner for key, inner in sorted(entry.items())}
        text = orjson.dumps(masked.get("fieldsV1", {}), option=orjson.OPT_SORT_KEYS).decode()
        for uid, number in self._numbers.get("uid", {}).items():
            text = text.replace(uid, number)
        return {**masked, "fieldsV1": text}

    def _number(self, what: str, value: str) -> str:
        numbers = self._numbers.setdefault(what, {})
        return numbers.setdefault(value, f"{what}#{len(numbers)}")


_NOTHING = object()


def _prefix(step: Step) -> str:
    given = step.body.get("metadata") if isinstance(step.body, dict) and step.method == "POST" else None
    return str(given.get("generateName", "")) if isinstance(given, dict) and "name" not in given else ""


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return "not JSON"


def _overlaid(value: Any, edit: Any) -> Any:
    """``value`` with the members of ``edit``, deeply; an ``edit`` member of ``None`` removes."""
    if not isinstance(edit, dict) or not isinstance(value, dict):
        return edit
    out = dict(value)
    for key, inner in edit.items():
        if inner is None:
            out.pop(key, None)
        else:
            out[key] = _overlaid(out.get(key), inner)
    return out


def masked_events(session: Session, lines: Iterable[bytes]) -> list[tuple[str, Any]]:
    """Watch events in comparable form. Of a bookmark its annotations are left; one without, which comes whenever it likes, is left out."""
    out: list[tuple[str, Any]] = []
    for event in map(orjson.loads, lines):
        if event["type"] != "BOOKMARK":
            out.append((event["type"], session.masked(event["object"])))
        elif annotations := event["object"]["metadata"].get("annotations"):
            out.append(("BOOKMARK", annotations))
    return out
