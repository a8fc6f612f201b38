"""The door every backend comes through: one :class:`Provider` value per file in ``eso_core/providers``.

A provider is parsed form, needs, and conversations. A conversation (:data:`Talk`) is a generator that yields calls and is sent replies; it
holds no client, cache, lock, token store or thread. Sessions, batching, single flight, limits, TLS and retries are outside it.

Guarantees to the provider
    * ``fetch`` is called with 1 to ``batch_max`` queries, all different, of one :class:`Access`.
    * Every :class:`HttpReply` has a complete body of at most ``HttpCall.body_max`` bytes, of any status.
    * A conversation may be dropped at any ``yield`` (shutdown); nothing is owed then.

Duties of the provider
    * Answer every query. A query left out counts as ``Broken``.
    * Put no secret into a ``Failure``, a URL path excepted where the backend's protocol demands it.
    * Raise nothing; an exception is a bug, reported as ``Broken`` for the queries of that conversation alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from returns.result import Result

from eso_core.failure import Failure, InvalidSpec
from eso_core.refs import Ref
from eso_core.secret import SecretBytes
from eso_core.wire import Call, CallReply

T = TypeVar("T")
Talk: TypeAlias = Generator[Call, CallReply, T]

# ---------------------------------------------------------------- what a store needs before it can be used


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key of a Kubernetes Secret. ``namespace`` as written in the selector, ``""`` when it is left out."""

    name: str
    key: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class ConfigMapKey:
    """One key of a ConfigMap. ``namespace`` as written."""

    name: str
    key: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class AccountToken:
    """A token of a ServiceAccount (TokenRequest). ``namespace`` as written."""

    name: str
    audiences: tuple[str, ...] = ()
    namespace: str = ""
    seconds: int = 600


Need: TypeAlias = SecretKey | ConfigMapKey | AccountToken

# ---------------------------------------------------------------- one use of a store


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Access:
    """One tenant's use of one store, credentials included. Equal and hashed by ``identity`` alone.

    ``identity`` is a digest over the store (object and spec), the scope its credentials came from, and the credentials; two uses
    with one identity may share sessions, batches and answers, two with different ones never do.
    """

    identity: str
    store: Ref
    namespace: str  # the consuming object's; "" when a cluster store validates itself
    spec: Any  # the provider's parsed form
    secrets: Mapping[str, SecretBytes] = field(default_factory=dict)  # by the slot names of `Provider.needs`
    sources: tuple[Ref, ...] = ()  # the objects that the secrets came from

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Access) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def text(self, slot: str) -> str:
        """The secret of ``slot`` without surrounding white space (credentials are often stored with a line end); ``""`` when empty."""
        value = self.secrets.get(slot)
        return value.reveal().decode("utf-8", "replace").strip() if value is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a login gave. Used for ``lease_s`` seconds from the reply on (``None``: until a call is refused)."""

    value: Any = field(default=None, repr=False)
    lease_s: float | None = None


# ---------------------------------------------------------------- questions and answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Get:
    """One remote secret, whole. ``metadata``: its metadata instead of its value (``metadataPolicy: Fetch``)."""

    key: str
    version: str = ""
    metadata: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """All remote secrets that match. ``name`` is an RE2 expression matched anywhere in the name; ``None`` where not asked for."""

    name: str | None = None
    path: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """Is the store usable?"""


Query: TypeAlias = Get | Find | Probe


@dataclass(frozen=True, slots=True)
class Blob:
    """A remote secret that is one value."""

    value: SecretBytes


@dataclass(frozen=True, slots=True)
class Entries:
    """A remote secret (or a find) that is several values by name."""

    values: Mapping[str, SecretBytes]


Payload: TypeAlias = Blob | Entries


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to Get (the provider's payload), Find (:class:`Entries`) or Probe (an empty :class:`Entries`)."""

    payload: Payload


@dataclass(frozen=True, slots=True)
class Absent:
    """The backend says that there is no such secret: what a deletion policy acts on."""

    what: str = "Secret does not exist"


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer. ``unsure`` (Probe only): the store may be fine, it cannot be known (the reference's ``ValidationUnknown``)."""

    failure: Failure
    unsure: bool = False


Answer: TypeAlias = Found | Absent | Failed


@dataclass(frozen=True, slots=True)
class Ask:
    """One question of one identity. ``provider`` is the key of the provider that answers."""

    provider: str
    access: Access
    query: Query


# ---------------------------------------------------------------- the record


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a provider reads inside what it found. All functions are pure and total.

    ``value(payload, property)``: ``remoteRef.property``; with ``""`` the whole as one value.
    ``entries(payload, property)``: ``dataFrom.extract``, as a map.
    An ``Absent`` says that the property is missing in the way that a deletion policy acts on.
    """

    value: Callable[[Payload, str], Answer]
    entries: Callable[[Payload, str], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One backend. ``parse`` is given the model of ``spec.provider.<key>`` or, where there is none, the plain mapping."""

    key: str  # under spec.provider
    label: str  # `provider` label of metrics, such as "HashiCorp/Vault"; "" when the backend makes no calls
    capabilities: str  # ReadOnly, WriteOnly, ReadWrite
    parse: Callable[[Any, Ref], Result[Any, InvalidSpec]]  # model and store -> the parsed form given as Access.spec
    needs: Callable[[Any], Mapping[str, Need]]  # parsed form -> slot -> what must be read
    fetch: Callable[[Access, Session, tuple[Query, ...]], Talk[Mapping[Query, Answer]]]  # Get, Find and Probe queries; Probe comes alone
    dialect: Dialect
    login: Callable[[Access], Talk[Session | Failure]] | None = None  # None: no session is needed
    batch_max: int = 1  # Get queries in one conversation; Find and Probe come alone
    talks_max: int = 32  # conversations at a time for one identity
    find_converts: bool = False  # found names go through the conversion strategy before `rewrite` (and not only without one)
    maintained: bool = True
