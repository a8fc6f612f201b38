"""Calls of the JSON 1.1 protocol that the services of ``spec.provider.aws`` share, and what their errors mean.

===================================================  =========================================
error code                                           meaning
===================================================  =========================================
the service's own for what is not there              absent
``... was marked for deletion``                      absent
:data:`DENIED`                                       refused
:data:`CREDENTIALS`                                  refused, a new login may help
:data:`TOO_MANY`, status 429                         throttled
:data:`FAULTS`, status 5xx                           unreachable
anything else                                        broken
===================================================  =========================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeGuard, TypeVar

import msgspec
import orjson

from eso_core.compat.gojson import marshal
from eso_core.door import Absent, Access, Answer, Blob, Entries, Failed, Found, Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Missing, Refused, Throttled, Unreachable
from eso_core.providers import _kit
from eso_core.providers._push import MANAGED_BY, MANAGED_BY_US
from eso_core.providers.aws.store import TAGGING, Keys, Service, Store
from eso_core.secret import SecretBytes
from eso_core.wire import HttpCall, HttpReply, SigV4

FOUND_MAX: Final = 10_000  # secrets that one find looks at
PAGES_MAX: Final = 2_000  # of one list; a page may be empty
READ_MAX: Final = 64 << 20  # bytes of answers in one conversation; a Kubernetes Secret holds 1 MiB

DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorized", "UnauthorizedOperation"})
CREDENTIALS: Final = frozenset({
    "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException", "InvalidClientTokenId",
    "InvalidSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "RequestExpired",
    "SignatureDoesNotMatch", "UnrecognizedClientException",
})  # fmt: skip
TOO_MANY: Final = frozenset({
    "LimitExceededException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "Throttling", "ThrottlingException",
    "ThrottledException", "TooManyRequestsException", "TooManyUpdates",
})  # fmt: skip
FAULTS: Final = frozenset({
    "InternalFailure", "InternalServerError", "InternalServiceError", "InternalServiceErrorException", "InternalServiceException",
    "ServiceUnavailable",
})  # fmt: skip
DELETED: Final = ("was marked for deletion", "marked deleted")
VOLATILE: Final = re.compile(r"\(?request id: \S+|\s*Credential=.+", re.IGNORECASE | re.DOTALL)  # differs from call to call

HIDDEN: Final = ("Passphrase", "PrivateKey", "SecretBinary", "SecretString", "Value")
"""Fields of requests that no text repeats; an error may ("Value '...' at 'value' failed to satisfy constraint"), and then shorten it."""
REPEATED: Final = 24  # characters from the beginning of a hidden value that are looked for

T = TypeVar("T")
Json: TypeAlias = Mapping[str, Any]


class Nothing(msgspec.Struct):
    """The answer of a call that has none: no body, or an object."""


class Tag(msgspec.Struct, rename="pascal"):
    """A tag, as all services write it."""

    key: str
    value: str = ""


class Page(Protocol):
    """A part of a list."""

    @property
    def next_token(self) -> str | None: ...


P = TypeVar("P", bound=Page)


class _Error(msgspec.Struct):
    type: str = msgspec.field(default="", name="__type")
    message: str | None = None
    Message: str | None = None


class Line:
    """The calls of one conversation. ``room``: bytes of answers that it may still read."""

    __slots__ = ("keys", "room", "store")

    def __init__(self, access: Access, keys: Keys) -> None:
        self.store: Store = access.spec
        self.keys = keys
        self.room = READ_MAX

    def name(self, key: str) -> str:
        """The remote name of a key."""
        return f"{self.store.prefix}{key}"

    def ask(
        self,
        operation: str,
        body: Json,
        into: type[T],
        about: str = "",
        *,
        service: Service | None = None,
        absent: Collection[str] | None = None,
        counted: str = "",
    ) -> Talk[T | Absent | Failure]:
        """One call: its result, or what its error code means. ``absent``: the codes for "there is none", if not the usual ones."""
        used = service or self.store.service
        what = f"{operation} {_kit.line(about)}".rstrip()
        if self.room < 0:
            return Broken(f"{what}: more than {READ_MAX >> 20} MiB are too much for one question; narrow the find by a path or tags")
        reply = _kit.http((yield self._call(used, operation, body, counted or operation)))
        if not isinstance(reply, HttpReply):
            return reply
        self.room -= len(reply.body)
        if reply.status == 200:
            return _kit.decoded(reply.body or b"{}", into) or Broken(f"{what}: the answer is not JSON of the expected shape")
        hidden = [str(body[name])[:REPEATED] for name in HIDDEN if body.get(name)]
        return _meaning(reply, what, used.absent if absent is None else absent, hidden)

    def pages(
        self,
        operation: str,
        body: Json,
        into: type[P],
        *,
        service: Service | None = None,
        counted: str = "",
        token: str = "NextToken",
    ) -> Talk[list[P] | Failure]:
        """All pages of a list."""
        pages: list[P] = []
        more: dict[str, str] = {}
        while True:
            page = yield from self.ask(operation, {**body, **more}, into, service=service, absent=(), counted=counted)
            if isinstance(page, Absent):
                return Broken(f"{operation}: the service says that there is none")
            if isinstance(page, Failure):
                return page
            pages.append(page)
            if not page.next_token:
                return pages
            if len(pages) >= PAGES_MAX:
                return Broken(f"{operation}: more than {PAGES_MAX} pages; narrow the find by a path or tags")
            more = {token: page.next_token}

    def _call(self, service: Service, operation: str, body: Json, counted: str) -> HttpCall:
        keys = self.keys
        sign = SigV4(
            service=service.name, region=self.store.region, access_key=keys.access_key, secret_key=keys.secret_key, token=keys.token
        )
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{service.target}.{operation}"}
        endpoint = keys.beside if service is TAGGING else keys.endpoint
        return HttpCall(
            method="POST",
            url=endpoint if endpoint.endswith("/") else f"{endpoint}/",
            headers=headers,
            body=_encoded(body),
            sign=sign,
            name=counted,
            provider=service.label,
            ambient=True,  # a region and nothing else of the address is a tenant's, and the library knows all regions
        )


def _encoded(body: Json) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # text that UTF-8 cannot carry
        return marshal(dict(body), escape_html=False)


def _meaning(reply: HttpReply, what: str, absent: Collection[str], hidden: Sequence[str]) -> Absent | Failure:
    held = _kit.decoded(reply.body, _Error)
    code = (held.type if held is not None else "") or reply.headers.get("x-amzn-errortype", "").partition(":")[0]
    code = code.rpartition("#")[2]
    if not code or any(text in code for text in hidden):
        return _kit.common_failure(reply, what) or _wordless(reply.status, what)
    message = (held.message or held.Message or "") if held is not None else ""
    message = "" if any(text in message for text in hidden) else message
    meaning = verdict(code, message, what, absent, reply)
    if isinstance(meaning, Absent):
        return meaning if reply.status < 500 else Unreachable(f"{what}: status {reply.status}")
    return _kit.common_failure(reply, what) or meaning if isinstance(meaning, Broken) else meaning


def _wordless(status: int, what: str) -> Failure:
    """A refusal that is not the service's own, such as a proxy's."""
    text = f"{what}: status {status}"
    return Refused(text, session=status == 401) if status in (401, 403) else Broken(text)


def verdict(code: str, message: str, what: str, absent: Collection[str], reply: HttpReply | None = None) -> Absent | Failure:
    """What an error code means; ``what`` is the operation and the secret."""
    text = f"{what}: {_kit.line(code)}"
    if message:
        text = f"{text}: {_kit.line(VOLATILE.sub('', message))}"
    if code in absent or any(mark in message for mark in DELETED):
        return Absent()
    if code in DENIED:
        return Refused(text)
    if code in CREDENTIALS:
        return Refused(text, session=True)
    if code in TOO_MANY:
        return Throttled(text, _kit.throttled(reply, what).after_ns if reply is not None else 0)
    return Unreachable(text) if code in FAULTS else Broken(text)


def failed(outcome: Absent | Failure) -> Absent | Failed:
    """As an answer."""
    return outcome if isinstance(outcome, Absent) else Failed(outcome)


def fails(outcome: Absent | Failure, what: str) -> Failed:
    """As the end of a command, or of a question whose secret may not be missing."""
    return Failed(Missing(f"{_kit.line(what)}: it does not exist") if isinstance(outcome, Absent) else outcome)


def denied(outcome: object) -> TypeGuard[Refused]:
    """The role may not do this."""
    return isinstance(outcome, Refused) and not outcome.session


def hopeless(outcome: object) -> TypeGuard[Throttled | Unreachable | Refused]:
    """More calls would not help now."""
    return isinstance(outcome, Throttled | Unreachable) or (isinstance(outcome, Refused) and outcome.session)


# ---------------------------------------------------------------- many values


def groups(names: Sequence[str], most: int) -> Iterator[list[str]]:
    """Names in groups of at most ``most``."""
    return (list(names[start : start + most]) for start in range(0, len(names), most))


def open_of(names: Sequence[str], answers: Mapping[str, Answer]) -> list[str]:
    """Names without an answer."""
    return [name for name in names if name not in answers]


def one_by_one(names: Sequence[str], value: Callable[[str], Talk[Answer]]) -> Talk[dict[str, Answer]]:
    """Each value by a call of its own. Where one tells that more calls would not help, it is the answer for the rest."""
    answers: dict[str, Answer] = {}
    for name in names:
        answer = answers[name] = yield from value(name)
        if isinstance(answer, Failed) and hopeless(answer.failure):
            return {**dict.fromkeys(names, answer), **answers}
    return answers


def readable(names: Sequence[str], answers: Mapping[str, Answer]) -> bool:
    """None of them is denied."""
    return not any(isinstance(answer := answers[name], Failed) and denied(answer.failure) for name in names)


def collected(answers: Mapping[str, Answer], *, skip_denied: bool = False) -> Answer:
    """The found values, or the first failure. What vanished is left out, and, with ``skip_denied``, what the role may not read."""
    values: dict[str, SecretBytes] = {}
    for name, answer in answers.items():
        if isinstance(answer, Found) and isinstance(answer.payload, Blob):
            values[name] = answer.payload.value
        elif isinstance(answer, Failed) and not (skip_denied and denied(answer.failure)):
            return answer
    return Found(Entries(values))


# ---------------------------------------------------------------- tags


def tags_of(tags: Sequence[Tag]) -> dict[str, str]:
    return {tag.key: tag.value for tag in tags}


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the services take them."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def marked(tags: Mapping[str, str]) -> dict[str, str] | Failed:
    """The tags of a push, with the one that says that the operator made it."""
    if MANAGED_BY in tags:
        return Failed(InvalidSpec(f"the tag '{MANAGED_BY}' cannot be specified", "metadata.spec.tags"))
    return {**tags, MANAGED_BY: MANAGED_BY_US}


def surplus(held: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """The names of tags to remove. Those of AWS itself cannot be."""
    return sorted(key for key in held if key not in wanted and not key.startswith("aws:"))


def is_ours(tags: Mapping[str, str]) -> bool:
    return tags.get(MANAGED_BY) == MANAGED_BY_US
