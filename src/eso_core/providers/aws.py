"""``spec.provider.aws`` with service SecretsManager: the JSON 1.1 protocol, signed by the shell.

Values of the current version are read up to 20 in one BatchGetSecretValue. Where that call as a whole is not answered (the role may
not batch, or one name is malformed), the same conversation asks for each value by itself: one call more in 21, and nothing to remember.

================================================  =========================================
error code                                        meaning
================================================  =========================================
ResourceNotFoundException, marked for deletion    absent
AccessDeniedException                             refused
:data:`CREDENTIALS`                               refused, a new login may help
:data:`TOO_MANY`, status 429                      throttled
:data:`FAULTS`, status 5xx                        unreachable
anything else                                     broken
================================================  =========================================
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import orjson

from eso_core.compat.property import property_aws
from eso_core.compat.values import json_to_secret_data_map
from eso_core.door import Absent, Access, Answer, Blob, Entries, Failed, Find, Found, Get, Probe, Provider, Query, Session, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Refused, Throttled, Unreachable
from eso_core.providers import _kit
from eso_core.providers._aws import Keys, Store, login, needs, parse
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply, SigV4

BATCH_MAX: Final = 20  # secrets in one BatchGetSecretValue, set by the service
LIST_MAX: Final = 100  # secrets on one page of ListSecrets, set by the service
FOUND_MAX: Final = 10_000  # secrets that one find looks at
CURRENT: Final = "AWSCURRENT"

DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorized"})
CREDENTIALS: Final = frozenset({
    "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException", "InvalidClientTokenId",
    "InvalidSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "RequestExpired",
    "SignatureDoesNotMatch", "UnrecognizedClientException",
})  # fmt: skip
TOO_MANY: Final = frozenset({
    "LimitExceededException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "Throttling", "ThrottlingException",
    "TooManyRequestsException",
})  # fmt: skip
FAULTS: Final = frozenset({"InternalFailure", "InternalServiceError", "InternalServiceErrorException", "ServiceUnavailable"})
DELETED: Final = ("was marked for deletion", "marked deleted")
VOLATILE: Final = re.compile(r"\(?request id: \S+|\s*Credential=.+", re.IGNORECASE | re.DOTALL)  # differs from call to call

# ---------------------------------------------------------------- calls and answers


class _Value(msgspec.Struct, rename="pascal"):
    arn: str = msgspec.field(default="", name="ARN")
    name: str = ""
    secret_string: str | None = None
    secret_binary: str | None = None


class _Fault(msgspec.Struct, rename="pascal"):
    secret_id: str = ""
    error_code: str = ""
    message: str = ""


class _Batch(msgspec.Struct, rename="pascal"):
    secret_values: list[_Value] = []
    errors: list[_Fault] = []
    next_token: str | None = None


class _Listed(msgspec.Struct, rename="pascal"):
    secret_list: list[_Value] = []
    next_token: str | None = None


class _Tag(msgspec.Struct, rename="pascal"):
    key: str
    value: str = ""


class _Described(msgspec.Struct, rename="pascal"):
    tags: list[_Tag] = []


class _Error(msgspec.Struct):
    type: str = msgspec.field(default="", name="__type")
    message: str | None = None
    Message: str | None = None


T = TypeVar("T")
Page = TypeVar("Page", _Batch, _Listed)
Json: TypeAlias = Mapping[str, Any]


def _call(access: Access, keys: Keys, operation: str, body: Json) -> HttpCall:
    store: Store = access.spec
    sign = SigV4(service="secretsmanager", region=store.region, access_key=keys.access_key, secret_key=keys.secret_key, token=keys.token)
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"secretsmanager.{operation}"}
    url = keys.endpoint if keys.endpoint.endswith("/") else f"{keys.endpoint}/"
    return HttpCall(method="POST", url=url, headers=headers, body=orjson.dumps(body), sign=sign, name=operation)


def verdict(code: str, message: str, about: str, reply: HttpReply | None = None) -> Absent | Failure:
    """What an error code means; ``about`` is the operation and the secret."""
    text = f"{about}: {code}: {_kit.line(VOLATILE.sub('', message))}" if message else f"{about}: {code}"
    if code == "ResourceNotFoundException" or any(mark in message for mark in DELETED):
        return Absent()
    if code in DENIED:
        return Refused(text)
    if code in CREDENTIALS:
        return Refused(text, session=True)
    if code in TOO_MANY:
        return Throttled(text, _kit.throttled(reply, about).after_ns if reply is not None else 0)
    return Unreachable(text) if code in FAULTS else Broken(text)


def _ask(call: HttpCall, about: str, into: type[T]) -> Talk[T | Absent | Failure]:
    """One call: its result, or what its error code means."""
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    if reply.status == 200:
        return _kit.decoded(reply.body, into) or Broken(f"{about}: the answer is not JSON of the expected shape")
    held = _kit.decoded(reply.body, _Error)
    code = (held.type if held is not None else "") or reply.headers.get("x-amzn-errortype", "").partition(":")[0]
    code = code.rpartition("#")[2]
    if not code:
        return _kit.common_failure(reply, about) or Broken(f"{about}: status {reply.status}")
    message = (held.message or held.Message or "") if held is not None else ""
    meaning = verdict(code, message, about, reply)
    return _kit.common_failure(reply, about) or meaning if isinstance(meaning, Broken) else meaning


def _answer(value: _Value, about: str) -> Answer:
    if value.secret_string is not None:
        return Found(Blob(_kit.secret(value.secret_string)))
    if value.secret_binary is None:
        return Failed(Broken(f"{about}: invalid secret received, no secret string nor binary"))
    try:
        return Found(Blob(SecretBytes(base64.b64decode(value.secret_binary, validate=True))))
    except (binascii.Error, ValueError):
        return Failed(Broken(f"{about}: the binary is not base64"))


def _failed(outcome: Absent | Failure) -> Absent | Failed:
    return outcome if isinstance(outcome, Absent) else Failed(outcome)


# ---------------------------------------------------------------- reading


def fetch(access: Access, session: Session, queries: tuple[Query, ...]) -> Talk[Mapping[Query, Answer]]:
    """Up to :data:`BATCH_MAX` Gets, or one of the others."""
    talker = _Talker(access, session.value)
    answers: dict[Query, Answer] = {}
    current = [query for query in queries if isinstance(query, Get) and not query.metadata and query.version in ("", CURRENT)]
    if len(current) > 1:
        by_name = yield from talker.batch(list(dict.fromkeys(talker.name(query) for query in current)))
        answers = {query: by_name[talker.name(query)] for query in current}
    for query in queries:
        if query not in answers:
            answers[query] = yield from talker.one(query)
    return answers


class _Talker:
    """The operations of one conversation."""

    __slots__ = ("access", "keys", "store")

    def __init__(self, access: Access, keys: Keys) -> None:
        self.access, self.keys = access, keys
        self.store: Store = access.spec

    def name(self, query: Get) -> str:
        return f"{self.store.prefix}{query.key}"

    def one(self, query: Query) -> Talk[Answer]:
        match query:
            case Get(metadata=True):
                return (yield from self.tags(self.name(query)))
            case Get():
                return (yield from self.value(self.name(query), query.version))
            case Find():
                return (yield from self.find(query))
            case Probe():
                return Found(Entries({}))  # the login has retrieved credentials, which is what the reference validates

    def ask(self, operation: str, body: Json, into: type[T], about: str = "") -> Talk[T | Absent | Failure]:
        return _ask(_call(self.access, self.keys, operation, body), f"{operation} {about}".rstrip(), into)

    def value(self, name: str, version: str = "") -> Talk[Answer]:
        """One value, by version id (``uuid/<id>``) or stage."""
        by_id = version.startswith("uuid/")
        which = {"VersionId": version.removeprefix("uuid/")} if by_id else {"VersionStage": version or CURRENT}
        outcome = yield from self.ask("GetSecretValue", {"SecretId": name, **which}, _Value, name)
        return _answer(outcome, f"GetSecretValue {name}") if isinstance(outcome, _Value) else _failed(outcome)

    def tags(self, name: str) -> Talk[Answer]:
        """The tags as a JSON object."""
        outcome = yield from self.ask("DescribeSecret", {"SecretId": name}, _Described, name)
        if not isinstance(outcome, _Described):
            return _failed(outcome)
        return Found(Blob(_kit.json_object({tag.key: tag.value for tag in outcome.tags})))

    def batch(self, names: Sequence[str]) -> Talk[dict[str, Answer]]:
        """Current values, by the name asked for. Names that the batch leaves open are asked for by themselves."""
        answers: dict[str, Answer] = {}
        for group in _groups(names):
            outcome = yield from self.pages("BatchGetSecretValue", {"SecretIdList": group}, _Batch)
            if isinstance(outcome, Throttled | Unreachable) or (isinstance(outcome, Refused) and outcome.session):
                answers |= dict.fromkeys(group, Failed(outcome))
            elif isinstance(outcome, list):
                answers |= _of_batch(group, outcome)
        for name in names:
            if name not in answers:
                answers[name] = yield from self.value(name)
        return answers

    def pages(self, operation: str, body: Json, into: type[Page]) -> Talk[list[Page] | Absent | Failure]:
        """All pages of a call."""
        pages: list[Page] = []
        more: dict[str, str] = {}
        while True:
            page = yield from self.ask(operation, {**body, **more}, into)
            if not isinstance(page, _Batch | _Listed):
                return page
            pages.append(page)
            if not page.next_token:
                return pages
            if len(pages) > FOUND_MAX // BATCH_MAX:
                return Broken(f"{operation}: more than {FOUND_MAX} secrets; narrow the find by a path or tags")
            more = {"NextToken": page.next_token}

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
        found: dict[str, Answer] | Absent | Failure | None = None
        if query.path is not None or query.name is None:
            found = yield from self.filtered(filters)
        if found is None:
            found = yield from self.listed(filters, matches)
        if not isinstance(found, dict):
            return _failed(found)
        wanted = {name: answer for name, answer in found.items() if matches is None or matches(name)}
        return _collected(wanted, skip_refused=query.path is not None or query.name is None)

    def filtered(self, filters: Sequence[Json]) -> Talk[dict[str, Answer] | Absent | Failure | None]:
        """Values by filter; ``None`` when the role may not batch."""
        outcome = yield from self.pages("BatchGetSecretValue", {"Filters": filters, "MaxResults": BATCH_MAX}, _Batch)
        if isinstance(outcome, Refused) and not outcome.session:
            return None
        if not isinstance(outcome, list):
            return outcome
        answers = {fault.secret_id: _of_fault(fault) for page in outcome for fault in page.errors}
        return answers | {
            value.name: _answer(value, f"BatchGetSecretValue {value.name}") for page in outcome for value in page.secret_values
        }

    def listed(self, filters: Sequence[Json], matches: _kit.Matcher | None) -> Talk[dict[str, Answer] | Absent | Failure]:
        """Values of the secrets whose names are listed and match."""
        outcome = yield from self.pages("ListSecrets", {"Filters": filters, "MaxResults": LIST_MAX}, _Listed)
        if not isinstance(outcome, list):
            return outcome
        names = dict.fromkeys(secret.name for page in outcome for secret in page.secret_list if secret.name)
        return (yield from self.batch([name for name in names if matches is None or matches(name)]))


def _groups(names: Sequence[str]) -> Iterator[list[str]]:
    return (list(names[start : start + BATCH_MAX]) for start in range(0, len(names), BATCH_MAX))


def _of_batch(asked: Sequence[str], pages: Sequence[_Batch]) -> dict[str, Answer]:
    """Answers by the name asked for, which may be a name, an ARN, or an ARN without its random end."""
    answers: dict[str, Answer] = {}
    values = [value for page in pages for value in page.secret_values]
    faults = {fault.secret_id: fault for page in pages for fault in page.errors}
    by_spelling = {spelling: value for value in values for spelling in (value.arn.rpartition("-")[0], value.arn, value.name)}
    for name in asked:
        if name in by_spelling:
            answers[name] = _answer(by_spelling[name], f"BatchGetSecretValue {name}")
        elif name in faults:
            answers[name] = _of_fault(faults[name])
    return answers


def _of_fault(fault: _Fault) -> Answer:
    return _failed(verdict(fault.error_code or "error", fault.message, f"BatchGetSecretValue {fault.secret_id}"))


def _collected(answers: Mapping[str, Answer], *, skip_refused: bool) -> Answer:
    """The found values. What vanished is left out, and, with ``skip_refused``, what the role may not read (as in the reference)."""
    values: dict[str, SecretBytes] = {}
    for name, answer in answers.items():
        if isinstance(answer, Found) and isinstance(answer.payload, Blob):
            values[name] = answer.payload.value
        elif isinstance(answer, Failed) and not (skip_refused and isinstance(answer.failure, Refused)):
            return answer
    return Found(Entries(values))


PROVIDER = Provider(
    key="aws",
    label="AWS/SecretsManager",
    capabilities="ReadWrite",
    parse=parse,
    needs=needs,
    fetch=fetch,
    login=login,
    dialect=_kit.blob_dialect(
        lambda raw, prop: _kit.value_of(property_aws(raw, prop, ""), f"key {prop} does not exist in the secret"), json_to_secret_data_map
    ),
    batch_max=BATCH_MAX,
)
