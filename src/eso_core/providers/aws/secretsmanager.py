"""Service SecretsManager: reading and finding.

Values of the current version are read up to 20 in one BatchGetSecretValue. Where that call as a whole is not answered (the role may
not batch, or one name is malformed), the same conversation asks for each value by itself; that the role may not is remembered for a while.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from eso_core.door import Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Query, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec
from eso_core.providers import _kit
from eso_core.providers.aws.calls import (
    FOUND_MAX,
    Json,
    Line,
    Tag,
    collected,
    denied,
    failed,
    fails,
    groups,
    hopeless,
    one_by_one,
    open_of,
    readable,
    tags_of,
    verdict,
)
from eso_core.secret import SecretBytes

BATCH_MAX: Final = 20  # secrets in one BatchGetSecretValue, set by the service
LIST_MAX: Final = 100  # secrets on one page of ListSecrets, set by the service
CURRENT: Final = "AWSCURRENT"
TOO_MANY_FOUND: Final = Broken(f"more than {FOUND_MAX} secrets; narrow the find by a path or tags")


class Value(msgspec.Struct, rename="pascal"):
    """A secret's value, or its place in a list."""

    arn: str = msgspec.field(default="", name="ARN")
    name: str = ""
    secret_string: str | None = None
    secret_binary: str | None = None


class _Fault(msgspec.Struct, rename="pascal"):
    secret_id: str = ""
    error_code: str = ""
    message: str = ""


class _Batch(msgspec.Struct, rename="pascal"):
    secret_values: list[Value]
    errors: list[_Fault] = []
    next_token: str | None = None


class _Listed(msgspec.Struct, rename="pascal"):
    secret_list: list[Value]
    next_token: str | None = None


class _Described(msgspec.Struct, rename="pascal"):
    tags: list[Tag] = []


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """Up to :data:`BATCH_MAX` Gets, or one of the others."""
    reader = _Reader(access, session.value)
    answers: dict[Query, Answer] = {}
    current = [query for query in queries if isinstance(query, Get) and not query.metadata and query.version in ("", CURRENT)]
    if len(current) > 1:
        by_name = yield from reader.batch(list(dict.fromkeys(reader.name(query.key) for query in current)))
        answers = {query: by_name[reader.name(query.key)] for query in current}
    for query in queries:
        if query not in answers:
            answers[query] = yield from reader.one(query)
    return answers


def value_of(value: Value, about: str) -> Answer:
    """Text or bytes, as stored."""
    if value.secret_string is not None:
        return Found(Blob(_kit.secret(value.secret_string)))
    if value.secret_binary is None:
        return Failed(Broken(f"{_kit.line(about)}: invalid secret received, no secret string nor binary"))
    try:
        return Found(Blob(SecretBytes(base64.b64decode(value.secret_binary, validate=True))))
    except (binascii.Error, ValueError):
        return Failed(Broken(f"{_kit.line(about)}: the binary is not base64"))


class _Reader(Line):
    """The operations of one conversation."""

    __slots__ = ()

    def one(self, query: Query) -> Talk[Answer]:
        match query:
            case Get(metadata=True):
                return (yield from self.tags(self.name(query.key)))
            case Get():
                return (yield from self.value(self.name(query.key), query.version))
            case Find():
                return (yield from self.find(query))
            case Probe():
                return Found(Entries({}))  # the login has retrieved credentials, which is what the reference validates

    def value(self, name: str, version: str = "") -> Talk[Answer]:
        """One value, by version id (``uuid/<id>``) or stage."""
        by_id = version.startswith("uuid/")
        which = {"VersionId": version.removeprefix("uuid/")} if by_id else {"VersionStage": version or CURRENT}
        outcome = yield from self.ask("GetSecretValue", {"SecretId": name, **which}, Value, name)
        return value_of(outcome, f"GetSecretValue {name}") if isinstance(outcome, Value) else failed(outcome)

    def tags(self, name: str) -> Talk[Answer]:
        """The tags as a JSON object. A missing secret is a plain error here, as in the reference."""
        outcome = yield from self.ask("DescribeSecret", {"SecretId": name}, _Described, name)
        if not isinstance(outcome, _Described):
            return fails(outcome, f"DescribeSecret {name}")
        return Found(Blob(_kit.json_object(tags_of(outcome.tags))))

    def batch(self, names: Sequence[str]) -> Talk[dict[str, Answer]]:
        """Current values, by the name asked for. Names that the batch leaves open are asked for by themselves."""
        answers: dict[str, Answer] = {}
        refused: list[str] = []
        for group in groups(names, BATCH_MAX) if self.keys.memory.batches() else ():
            outcome = yield from self.pages("BatchGetSecretValue", {"SecretIdList": group}, _Batch)
            if isinstance(outcome, list):
                answers |= _of_batch(group, outcome)
            elif hopeless(outcome):
                return answers | dict.fromkeys(open_of(names, answers), Failed(outcome))
            elif denied(outcome):
                refused = open_of(names, answers)
                break
        answers |= yield from one_by_one(open_of(names, answers), self.value)
        if refused and readable(refused, answers):
            self.keys.memory.may_not_batch()
        return answers

    # ------------------------------------------------------------ finding

    def find(self, query: Find) -> Talk[Answer]:
        """By name, path (a prefix of the name) and tags. Names in the result are full names; a prefix of the store plays no part."""
        if query.name is None and not query.tags:
            return Failed(InvalidSpec("unexpected find operator: name or tags must be given"))
        matches = _kit.matcher(query.name) if query.name is not None else None
        if isinstance(matches, InvalidSpec):
            return Failed(matches)
        filters = [{"Key": key, "Values": [value]} for tag in query.tags for key, value in zip(("tag-key", "tag-value"), tag, strict=True)]
        if query.path is not None:
            filters.append({"Key": "name", "Values": [query.path]})
        found: dict[str, Answer] | Failure | None = None
        if query.path is not None or query.name is None:
            found = yield from self.filtered(filters)
        if found is None:
            found = yield from self.listed(filters, matches)
        if not isinstance(found, dict):
            return Failed(found)
        wanted = {name: answer for name, answer in found.items() if matches is None or matches(name)}
        return collected(wanted, skip_denied=query.path is not None or query.name is None)

    def filtered(self, filters: Sequence[Json]) -> Talk[dict[str, Answer] | Failure | None]:
        """Values by filter; ``None`` when the role may not batch."""
        if not self.keys.memory.batches():
            return None
        outcome = yield from self.pages("BatchGetSecretValue", {"Filters": filters, "MaxResults": BATCH_MAX}, _Batch)
        if denied(outcome):
            self.keys.memory.may_not_batch()
            return None
        if not isinstance(outcome, list):
            return outcome
        answers = {fault.secret_id: _of_fault(fault) for page in outcome for fault in page.errors}
        answers |= {value.name: value_of(value, f"BatchGetSecretValue {value.name}") for page in outcome for value in page.secret_values}
        return answers if len(answers) <= FOUND_MAX else TOO_MANY_FOUND

    def listed(self, filters: Sequence[Json], matches: _kit.Matcher | None) -> Talk[dict[str, Answer] | Failure]:
        """Values of the secrets whose names are listed and match."""
        outcome = yield from self.pages("ListSecrets", {"Filters": filters, "MaxResults": LIST_MAX}, _Listed)
        if not isinstance(outcome, list):
            return outcome
        names = dict.fromkeys(secret.name for page in outcome for secret in page.secret_list if secret.name)
        wanted = [name for name in names if matches is None or matches(name)]
        return (yield from self.batch(wanted)) if len(wanted) <= FOUND_MAX else TOO_MANY_FOUND


def _of_batch(asked: Sequence[str], pages: Sequence[_Batch]) -> dict[str, Answer]:
    """Answers by the name asked for, which may be a name, an ARN, or an ARN without its random end."""
    answers: dict[str, Answer] = {}
    values = [value for page in pages for value in page.secret_values]
    faults = {fault.secret_id: fault for page in pages for fault in page.errors}
    by_spelling = {spelling: value for value in values for spelling in (value.arn.rpartition("-")[0], value.arn, value.name)}
    for name in asked:
        if name in by_spelling:
            answers[name] = value_of(by_spelling[name], f"BatchGetSecretValue {name}")
        elif name in faults:
            answers[name] = _of_fault(faults[name])
    return answers


def _of_fault(fault: _Fault) -> Answer:
    what = f"BatchGetSecretValue {_kit.line(fault.secret_id)}"
    return failed(verdict(fault.error_code or "error", fault.message, what, {"ResourceNotFoundException"}))
