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
        """Create a secret, or give it a newer value: the ``remoteRef.version`` of this value, ``""`` where the vendor has none.

        It is somebody else's secret: the operator's mark is not on it.
        """
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
        """Replace the credential: the old one and its sessions are refused from now on. The new secrets, by slot; none where there is no
        credential."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the dialect makes of one remote value: bytes, or the way in which a property is missing."""

    value: bytes
    property: str
    gives: bytes | Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The most calls that one operation may take: the provider's row in the table of calls. The suite demands it.

    Each HTTP and library call counts, but for the operator's own surroundings (``ambient.*``). ``login`` is counted apart from the rest.
    """

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
    spec: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]]  # under spec.provider.<key>; or made of the server as it is now
    server: Callable[[], Server]
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # by slot, as the server accepts them
    public: frozenset[str] = frozenset()  # slots whose content is no secret, such as a user name that is part of a URL
    cluster: bool = False  # used as a ClusterSecretStore
    names: tuple[str, str, str] = ("alpha", "beta", "gamma")  # of remote secrets
    find_name: tuple[str, str] = ("^.(l|e)", "m+")  # expressions for the first two of them (and `more`), and for the third alone
    more: Callable[[int], str] | None = None  # further names, so that a list takes several pages; None: the first name and a number
    path: str = ""  # find.path below which all names lie, where paths can be searched
    key: Callable[[str], str] = lambda name: name  # remoteRef.key of a remote secret
    found: Callable[[str], str] = lambda name: name  # its name among what a find gives
    sample: Callable[[str], bytes] = lambda text: text.encode()
    reads: str = ""
    properties: bool = True  # a property that is not there is missed; False: properties are not looked at
    missing: Outcome = "absent"  # what a Get of an unknown key is
    missing_version: Outcome | None = None  # what a Get of an unknown version is; None: as a missing key, or failed
    nothing: tuple[bytes, ...] = ()  # which of b"", b"null", b"[]", b"{}" are the vendor's own words for "there is none"
    absent_statuses: frozenset[int] = frozenset()  # that say so by themselves, whatever the body
    opaque: bool = False  # the body of a reply is the value itself, so that no body is wrong
    reach: bool = False  # a probe asks no more than whether the host answers, with whatever status
    finds: frozenset[FindBy] = frozenset()
    tags_any: bool = False  # a find by several tags gives what carries any of their values
    tag_values: bool = True  # False: a find looks at the names of tags alone
    versions: bool = False  # an older value can be read by the version that `put` returned
    metadata: bool = False  # metadataPolicy: Fetch gives the tags as a JSON object
    dialect: tuple[Sample, ...] = ()
    calls: Calls = Calls()
    push_key: Callable[[str], str] = lambda name: name  # remoteKey of a remote secret
    push_new: str = "delta"  # the name of a secret that a push creates
    push_to: str = ""  # the property that single values are pushed to; "": the remote secret itself
    push_property: str = "part"  # a property that a push can write; "": there is none
    push_sample: bytes | Callable[[str], bytes] | None = None  # a value that the backend takes, or makes one of a text; None: any
    push_reads: str = ""  # the property under which a pushed value is read back; "": the whole is the value
    push_leaves: frozenset[str] = frozenset()  # members that a push adds to a JSON object that is read back
    push_metadata: Mapping[str, Any] | None = None
    push_held: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # the secrets of `Provider.push_needs`, by slot
    keeps: bool = True  # what is pushed can be read; False: pushes are taken and forgotten
    apart: Mapping[str, str] = field(default_factory=dict)  # checks that cannot be put to this backend, by name: why, and what stands in
    guarded: bool = True  # what the operator did not create is neither written nor deleted
