"""The door every backend comes through: one :class:`Provider` value per file in ``eso_core/providers``.

A provider is parsed form, needs, and conversations. A conversation (:data:`Talk`) is a generator that yields calls and is sent replies; it
holds no client, cache, lock, token store or thread. Sessions, batching, single flight, limits, TLS and retries are outside it.

Guarantees to the provider
    * ``fetch`` is called with 1 to ``batch_max`` queries, all different, of one :class:`Access`.
    * ``push``, ``delete`` and ``exists`` are called with one command each, never two at a time for one remote key.
    * Every :class:`HttpReply` has a complete body of at most ``HttpCall.body_max`` bytes, of any status.
    * A conversation may be dropped at any ``yield`` (shutdown); nothing is owed then.
    * ``Access`` is that of the latest use: a login sees a token of a ServiceAccount that is still valid.

Duties of the provider
    * Answer every query. A query left out counts as ``Broken``.
    * Put no secret into a ``Failure``, a URL path excepted where the backend's protocol demands it.
    * Raise nothing; an exception is a bug, reported as ``Broken`` for the queries of that conversation alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

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


@dataclass(frozen=True, slots=True)
class AccountNotes:
    """The annotations of a ServiceAccount, given as the bytes of a JSON object of texts. ``namespace`` as written."""

    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class WholeSecret:
    """Every key of a Secret, given as the bytes of a JSON object of base64 texts. ``namespace`` as written.

    ``label``: the Secret must carry it, as name and value.
    """

    name: str
    namespace: str = ""
    label: tuple[str, str] | None = None


Need: TypeAlias = SecretKey | ConfigMapKey | AccountToken | AccountNotes | WholeSecret

# ---------------------------------------------------------------- one use of a store


@dataclass(frozen=True, slots=True)
class Retries:
    """``spec.retrySettings``: how often a question whose answer is throttled or unreachable is put again before it counts as answered."""

    most: int = 0
    interval_ns: int = 0


NO_RETRIES: Final = Retries()


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
    retries: Retries = NO_RETRIES

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
    """One remote secret, whole. ``metadata``: its metadata instead of its value (``metadataPolicy: Fetch``).

    ``property`` is set only for providers that ask for it (``Provider.asks_property``).
    """

    key: str
    version: str = ""
    metadata: bool = False
    property: str = ""


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


# ---------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """The Kubernetes Secret that is pushed."""

    data: Mapping[str, SecretBytes]
    type: str = "Opaque"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Push:
    """Write ``source.data[secret_key]``, or with ``""`` the whole Secret, to the remote secret ``key`` or to one ``property`` of it.

    ``metadata`` is ``PushSecret.spec.data[].metadata`` as written. ``held`` are the secrets of ``Provider.push_needs``, by slot.
    """

    key: str
    property: str = ""
    secret_key: str = ""
    source: Source
    metadata: Mapping[str, Any] | None = field(default=None, repr=False)
    held: Mapping[str, SecretBytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove the remote secret ``key``, or one ``property`` of it. What is not there is removed. ``metadata`` is that of the push."""

    key: str
    property: str = ""
    metadata: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """Is there the remote secret ``key`` (and its ``property``)? ``metadata`` is that of the push."""

    key: str
    property: str = ""
    metadata: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Done:
    """The command was carried out. ``changed``: the backend was written to."""

    changed: bool


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
    """One backend. ``parse`` is given the model of ``spec.provider.<key>`` or, where there is none, the plain mapping.

    ``more_needs(parsed form, what is held so far)`` names what only the first needs tell, such as a token whose audience is an annotation;
    it is called once, when all of ``needs`` are held. A ``None`` among the commands: the backend cannot do it.
    """

    key: str  # under spec.provider
    label: str  # `provider` label of metrics, such as "HashiCorp/Vault"; "" when the backend makes no calls
    capabilities: str  # ReadOnly, WriteOnly, ReadWrite
    parse: Callable[[Any, Ref], Result[Any, InvalidSpec]]  # model and store -> the parsed form given as Access.spec
    needs: Callable[[Any], Mapping[str, Need]]  # parsed form -> slot -> what must be read
    fetch: Callable[[Access, Session, tuple[Query, ...]], Talk[Mapping[Query, Answer]]]  # Get, Find and Probe queries; Probe comes alone
    dialect: Dialect
    more_needs: Callable[[Any, Mapping[str, SecretBytes]], Result[Mapping[str, Need], Failure]] | None = None
    login: Callable[[Access], Talk[Session | Failure]] | None = None  # None: no session is needed
    push: Callable[[Access, Session, Push], Talk[Done | Failed]] | None = None
    delete: Callable[[Access, Session, Delete], Talk[Done | Failed]] | None = None
    exists: Callable[[Access, Session, Exists], Talk[bool | Failed]] | None = None
    push_needs: Callable[[Any, Push], Result[Mapping[str, Need], InvalidSpec]] | None = None  # what the metadata of a push refers to
    batch_max: int = 1  # Get queries in one conversation; Find and Probe come alone
    talks_max: int = 32  # conversations at a time for one identity
    talks_per_s: float | None = None  # of one identity; None: as many as talks_max allows
    find_converts: bool = False  # found names go through the conversion strategy before `rewrite` (and not only without one)
    retries_default: int = 3  # where spec.retrySettings gives no maxRetries
    asks_property: bool = False  # what is asked for depends on the property; entries with different ones cost a call each
    by_namespace: Callable[[Any], bool] | None = None  # True: sessions of this parsed form differ by the consuming object's namespace
    maintained: bool = True
    deprecated: bool = False
    model: Any = None  # out-of-tree providers: the `eso_core.api.types.Model` of the spec; None: any object


@dataclass(frozen=True, slots=True, eq=False)
class Extra:
    """Providers from outside this package, by key. A built-in key cannot be replaced. Hashed by identity."""

    by_key: Mapping[str, Provider] = field(default_factory=dict)


NO_EXTRA: Final = Extra()
