"""The state of the API server: which resources are served, their objects, and the two counters everything gets its identity from."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from eso_core.refs import NAMESPACE
from eso_core.sim.natives import NATIVES
from eso_core.sim.ownership import Owners
from eso_core.sim.resource import Doc, Resource
from eso_core.sim.route import Place
from eso_core.sim.table import Key, Stored, Table, freeze
from eso_core.sim.text import uid_of


class Cluster:
    """A machine with one owner. Every write goes through :meth:`put` or :meth:`remove`: one write, one resource version."""

    __slots__ = ("_callbacks", "_history", "_tables", "_uids", "resources", "rv")

    def __init__(self, history: int, resources: Iterable[Resource]) -> None:
        self.resources: dict[Place, Resource] = {}
        self.rv = 0
        self._tables: dict[tuple[str, str], Table] = {}
        self._history = history
        self._uids = 0
        self._callbacks: list[Callable[[], None]] = []
        for resource in (*NATIVES, *resources):
            self.serve(resource)

    def copy(self) -> Cluster:
        """A cluster that goes its own way from here, without subscribers."""
        other = Cluster.__new__(Cluster)
        other.resources, other.rv, other._uids, other._history = self.resources.copy(), self.rv, self._uids, self._history
        other._tables = {place: table.copy() for place, table in self._tables.items()}
        other._callbacks = []
        return other

    def serve(self, resource: Resource) -> None:
        """Add a resource, or replace the one at its place. Versions of one resource share their objects."""
        kind = resource.kind
        self.resources[kind.group, kind.version, kind.plural] = resource
        self._tables.setdefault((kind.group, kind.plural), Table(self._history))

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after every write, until the returned function is called."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def table(self, resource: Resource) -> Table:
        """The objects of a resource."""
        return self._tables[resource.kind.group, resource.kind.plural]

    def tables(self) -> Iterable[tuple[Resource, Table]]:
        """Every table once, with the resource that was served first for it."""
        seen: set[int] = set()
        for resource in list(self.resources.values()):
            table = self.table(resource)
            if id(table) not in seen:
                seen.add(id(table))
                yield resource, table

    def namespace(self, name: str) -> Stored | None:
        """The Namespace object."""
        return self._tables[NAMESPACE.group, NAMESPACE.plural].get(("", name))

    def new_uid(self) -> str:
        """An identity that was not handed out before."""
        self._uids += 1
        return uid_of(self._uids)

    @property
    def names(self) -> int:
        """A number for generated names; changes with every identity."""
        return self._uids

    def put(self, resource: Resource, key: Key, doc: Doc, owners: Owners) -> Stored:
        """Store a version of an object."""
        stored = freeze(key, doc, self.rv + 1, owners)
        self.rv += 1
        self.table(resource).put(stored)
        self._tell()
        return stored

    def remove(self, resource: Resource, stored: Stored) -> Stored:
        """Remove an object; returns its last state at the version of the removal."""
        self.rv += 1
        last = freeze(stored.key, stored.doc, self.rv, stored.owners)
        self.table(resource).remove(stored.key, last)
        self._tell()
        return last

    def compact(self) -> None:
        """Make every version before the present one too old to start from."""
        for table in self._tables.values():
            table.compact(self.rv)

    def _tell(self) -> None:
        for callback in tuple(self._callbacks):
            callback()
