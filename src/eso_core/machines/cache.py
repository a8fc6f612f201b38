"""What the operator remembers of the API server: small packed copies, never secret values.

An object is kept as compact JSON bytes; what is looked up often (resource version, the fields whose change matters, index keys) beside it.
Secrets are kept as digests: ``data`` is replaced by ``dataHash`` (see :mod:`eso_core.target`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from eso_core.machines.shallow import MALFORMED
from eso_core.refs import Kind, Ref

VERSION_DIGITS = 20  # of 64 bits


def version_number(text: str) -> int:
    """A resourceVersion as a number; 0 when it is none."""
    return int(text) if text.isdecimal() and len(text) <= VERSION_DIGITS else 0


class _Meta(msgspec.Struct):
    name: str
    namespace: str = ""
    resourceVersion: str = ""  # noqa: N815


class _Head(msgspec.Struct):
    metadata: _Meta


_head = msgspec.json.Decoder(_Head)


@dataclass(slots=True, frozen=True)
class Packed:
    """One object as the cache keeps it.

    ``version``: its resourceVersion as a number (Kubernetes promises an order since 1.35). ``gate``: equal for two states whose
    difference is not worth a pass. ``indexed``: values under which the object is found, such as ``("created-by", digest)``.
    """

    ref: Ref
    version: int
    raw: bytes = field(repr=False)
    gate: object
    indexed: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True, frozen=True)
class Change:
    """An object before and after; ``None``: it does not exist."""

    ref: Ref
    before: Packed | None
    after: Packed | None

    @property
    def matters(self) -> bool:
        """False when only fields changed that no pass looks for (status of an ExternalSecret, for example)."""
        return self.before is None or self.after is None or self.before.gate != self.after.gate


class Cache:
    """Objects of the watched kinds.

    Guarantees
        * An object never goes back to an older version, whatever order watch events and answers to own writes arrive in.
        * An own write is visible as soon as its answer is given to :meth:`put`, before the watch tells of it.
    """

    def __init__(self) -> None:
        self._objects: dict[Ref, Packed] = {}
        self._index: dict[tuple[str, Kind, str, str], Ref | set[Ref]] = {}  # hardly ever more than one: a set is 200 bytes
        self._seen_up_to: dict[Kind, int] = {}  # version up to which the watch of a kind has told everything
        self._confirmed: dict[Ref, int] = {}  # version up to which a read has told everything of one object

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, ref: Ref) -> Packed | None:
        """The object, if it exists."""
        return self._objects.get(ref)

    def hears(self, kind: Kind, raw: bytes) -> bool:
        """A watch tells of ``raw``, an object of ``kind``; whether that is news. Most of it is not: own writes are known before."""
        try:
            meta = _head.decode(raw).metadata
        except MALFORMED:
            return True  # whoever packs it will see
        version = version_number(meta.resourceVersion)
        self.heard(kind, version)
        held = self._objects.get(Ref(kind, meta.namespace, meta.name))
        return held is None or not version or version > held.version

    def find(self, index: str, kind: Kind, namespace: str, value: str) -> tuple[Ref, ...]:
        """Objects by index value, in order of name."""
        held = self._index.get((index, kind, namespace, value), ())
        return (held,) if isinstance(held, Ref) else tuple(sorted(held))

    def refs(self, kind: Kind) -> Iterator[Ref]:
        """All objects of a kind, in no order."""
        return (ref for ref in self._objects if ref.kind == kind)

    def put(self, packed: Packed, *, told: bool) -> Change | None:
        """Take in one state; ``None`` when it is not newer than what is known.

        ``told``: by a list or watch. Otherwise it is the answer to an own write, and may be about an object whose deletion the watch
        has told already; it is then not newer than the watch, and ignored.
        """
        ref = packed.ref
        before = self._objects.get(ref)
        if before is not None and packed.version <= before.version:
            return None
        if before is None and not told and packed.version <= self._seen_up_to.get(ref.kind, 0):
            return None
        self._store(before, packed)
        return Change(ref, before, packed)

    def remove(self, ref: Ref, version: int) -> Change | None:
        """The watch says that the object was deleted at ``version``; ignored when a newer object of that name is known."""
        self.heard(ref.kind, version)
        before = self._objects.get(ref)
        if before is None or before.version > version:
            return None
        self._store(before, None)
        return Change(ref, before, None)

    def heard(self, kind: Kind, version: int) -> None:
        """The watch of ``kind`` has told everything up to ``version``."""
        self._seen_up_to[kind] = max(version, self._seen_up_to.get(kind, 0))

    def confirm(self, ref: Ref, version: int) -> None:
        """``ref`` was read when the API server was at ``version`` or later, and taken in."""
        self._confirmed[ref] = max(version, self._confirmed.get(ref, 0))

    def is_as_new_as(self, ref: Ref, version: int) -> bool:
        """Whether what is known of ``ref`` is its state at ``version`` or a later one, for certain."""
        return max(self._seen_up_to.get(ref.kind, 0), self._confirmed.get(ref, 0)) >= version

    def keep_only(self, kind: Kind, listed: Callable[[Ref], bool], version: int) -> list[Change]:
        """A list of ``kind`` at ``version`` is complete: what it did not show, and is not newer, is gone."""
        lost = [p for r, p in self._objects.items() if r.kind == kind and not listed(r) and p.version <= version]
        for packed in lost:
            self._store(packed, None)
        self.heard(kind, version)
        return [Change(packed.ref, packed, None) for packed in lost]

    def drop(self, kind: Kind) -> None:
        """Forget everything about ``kind``, which is watched no more."""
        for packed in [packed for packed in self._objects.values() if packed.ref.kind == kind]:
            self._store(packed, None)
        self._seen_up_to.pop(kind, None)

    def _store(self, before: Packed | None, after: Packed | None) -> None:
        if before is not None:
            self._unindex(before)
        if after is None:
            if before is not None:
                del self._objects[before.ref]
                self._confirmed.pop(before.ref, None)
            return
        self._objects[after.ref] = after
        for index, value in after.indexed:
            key = (index, after.ref.kind, after.ref.namespace, value)
            held = self._index.get(key)
            if isinstance(held, set):
                held.add(after.ref)
            elif held is None or held == after.ref:
                self._index[key] = after.ref
            else:
                self._index[key] = {held, after.ref}

    def _unindex(self, packed: Packed) -> None:
        for index, value in packed.indexed:
            key = (index, packed.ref.kind, packed.ref.namespace, value)
            held = self._index.get(key)
            if isinstance(held, set):
                held.discard(packed.ref)
            if not held or held == packed.ref:
                self._index.pop(key, None)
