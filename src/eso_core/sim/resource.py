"""What the server must know of one served resource: how to read it, what to fill in, and what to refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eso_core.refs import Kind
from eso_core.sim import names
from eso_core.sim.meta import NameRule
from eso_core.sim.shape import METADATA, Mismatch, Shape, decode
from eso_core.sim.status import Cause

Doc = dict[str, Any]


def _same(doc: Doc, old: Doc | None) -> Doc:
    return doc


def nothing_wrong(doc: Doc, old: Doc | None) -> list[Cause]:
    """The check of a kind without rules of its own."""
    return []


def _meta_fields(doc: Doc) -> Mapping[str, str]:
    meta = doc["metadata"]
    return {"metadata.name": meta["name"], "metadata.namespace": meta.get("namespace", "")}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resource:
    """One row of the server's table of kinds.

    ``read`` decodes a document (without ``apiVersion`` and ``kind``) into its stored form; it raises :class:`Mismatch`. ``prepare`` fills
    in and ``check`` refuses. The second argument is the stored object, for patches (``read``) and updates, so that parts which are the very
    same need no second look. None of the functions changes its arguments.
    """

    kind: Kind
    shape: Shape  # of a whole document, metadata included
    read: Callable[[Doc, Doc | None], Doc]
    strangers: Callable[[Doc], list[str]]  # the paths that read() drops because nobody knows them
    blank: Doc  # what a create is compared with: the fields that are always there
    prepare: Callable[[Doc, Doc | None], Doc] = _same
    check: Callable[[Doc, Doc | None], list[Cause]] = nothing_wrong
    name_rule: NameRule = names.subdomain
    fields: Callable[[Doc], Mapping[str, str]] = _meta_fields
    fields_known: frozenset[str] = frozenset({"metadata.name", "metadata.namespace"})
    native: bool = True  # compiled in: typed, list items carry no apiVersion and kind
    status: bool = False  # there is a /status endpoint, and the main one ignores the field
    generation: bool = False  # metadata.generation counts changes outside metadata
    create_on_update: bool = False
    blind_update: bool = True  # an update may leave out resourceVersion
    returns_deleted: bool = False  # DELETE answers with the object
    owned: bool = True  # metadata.managedFields is kept; without it writes are quicker

    @property
    def head(self) -> bytes:
        """The beginning of every object's JSON."""
        return _head(self.kind)


@lru_cache(maxsize=256)
def _head(kind: Kind) -> bytes:
    return f'{{"apiVersion":"{kind.api_version}","kind":"{kind.name}",'.encode()


def closed(fields: Mapping[str, Shape]) -> Shape:
    """The shape of a native kind: these fields and metadata, nothing else."""
    return Shape(form="map", fields={"metadata": METADATA, **fields}, omit="never")


def typed(shape: Shape, kind: Kind) -> Callable[[Doc, Doc | None], Doc]:
    """The reader of a native kind."""

    def read(doc: Doc, known: Doc | None) -> Doc:
        try:
            out: Doc = decode(shape, doc, known=known)
        except Mismatch as error:
            raise Mismatch(f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {error}') from error
        return out

    return read
