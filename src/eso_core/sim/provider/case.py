"""What an author says about a provider, so that one suite can walk it.

A *server* is the backend in memory: written from the vendor's API documentation, request by request, stateful, deterministic, without I/O.
A *case* joins it with one way to configure the provider (one authentication method, one dialect); a provider has at least one.

The suite speaks of remote secrets by name and of their content by a text. ``sample`` makes the remote value that holds a text, and
``reads`` is the property that gives the text back: ``""`` where the whole value is the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from eso_core.door import Provider
from eso_core.wire import Call, CallReply

FindBy = Literal["name", "path", "tags"]
Outcome = Literal["absent", "failed"]


class Server(Protocol):
    """A backend in memory."""

    def answer(self, call: Call) -> CallReply:
        """The reply to one request; to what the vendor does not know, the vendor's own error. Raises for nothing a provider may send."""
        ...

    def put(self, name: str, value: bytes, tags: Mapping[str, str]) -> str:
        """Create a secret, or give it a newer value: the ``remoteRef.version`` of this value, ``""`` where the vendor has none."""
        ...

    def remove(self, name: str) -> None:
        """Delete a secret for good."""
        ...

    def held(self, name: str) -> bytes | None:
        """The current value, as :meth:`put` would be given it; ``None`` where there is no such secret."""
        ...

    def expire(self) -> None:
        """Refuse every session given so far, as after its end. A login gives a new one."""
        ...

    def rotate(self) -> Mapping[str, bytes]:
        """Replace the credential: the old one and its sessions are refused from now on. The new secrets, by slot."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the dialect makes of one remote value: bytes, or the way in which a property is missing."""

    value: bytes
    property: str
    gives: bytes | Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The most calls that one operation may take: the provider's row in the table of calls."""

    login: int = 0
    get: int = 1
    batch: tuple[int, int] | None = None  # so many Gets in one conversation take so many calls
    probe: int = 1
    find: int = 1  # besides reading what was found
    found: int | None = 1  # for each secret that was found; None: values come with the find
    push_new: int | None = None  # None: no pushes
    push_same: int | None = None  # the value is there already
    delete: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to use one provider."""

    name: str  # unique, such as "vault-approle"
    provider: Provider
    spec: Mapping[str, Any]  # under spec.provider.<key>
    server: Callable[[], Server]
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # by slot, as the server accepts them
    cluster: bool = False  # used as a ClusterSecretStore
    names: tuple[str, str, str] = ("alpha", "beta", "gamma")  # of remote secrets; the first two match ``^.(l|e)``, the third does not
    path: str = ""  # find.path below which the three lie, where paths can be searched
    key: Callable[[str], str] = lambda name: name  # remoteRef.key of a remote secret
    found: Callable[[str], str] = lambda name: name  # its name among what a find gives
    sample: Callable[[str], bytes] = lambda text: text.encode()
    reads: str = ""
    missing: Outcome = "absent"  # what a Get of an unknown key is
    finds: frozenset[FindBy] = frozenset()
    versions: bool = False  # an older value can be read by the version that `put` returned
    metadata: bool = False  # metadataPolicy: Fetch gives the tags as a JSON object
    dialect: tuple[Sample, ...] = ()
    calls: Calls = Calls()
    push_key: Callable[[str], str] = lambda name: name  # remoteKey of a remote secret
    push_metadata: Mapping[str, Any] | None = None
