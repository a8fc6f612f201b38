"""Which question each entry of an ExternalSecret puts to which store. Equal questions are asked once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from eso_core.api import ExternalSecret, RemoteRef
from eso_core.api import Find as FindSpec
from eso_core.door import Ask, Find, Get, Provider, Query
from eso_core.failure import InvalidSpec
from eso_core.stages.needs import Resolved, store_of


@dataclass(frozen=True, slots=True)
class Question:
    """One entry of the spec. ``path`` is its place, such as ``spec.data[2]``."""

    path: str
    part: Literal["data", "dataFrom"]
    index: int
    provider: Provider
    ask: Ask


def questions(es: ExternalSecret, resolved: Resolved) -> tuple[Question, ...] | InvalidSpec:
    """Every entry's question: ``dataFrom`` first, then ``data``, in order (reference: ``GetProviderSecretData``).

    An entry of ``dataFrom`` with neither ``find`` nor ``extract`` asks nothing, as in the reference.
    """
    found: list[Question] = []
    for part, index, query in _queries(es):
        path = f"spec.{part}[{index}]"
        if isinstance(query, InvalidSpec):
            return InvalidSpec(query.what, f"{path}.{query.path}")
        use = resolved.uses[store_of(es, part, index)]
        if isinstance(query, Get) and not use.provider.asks_property:
            query = replace(query, property="")
        found.append(Question(path, part, index, use.provider, Ask(use.provider.key, use.access, query)))
    return tuple(found)


def _queries(es: ExternalSecret) -> Iterator[tuple[Literal["data", "dataFrom"], int, Query | InvalidSpec]]:
    for i, many in enumerate(es.spec.data_from):
        if many.find is not None:
            yield "dataFrom", i, _find(many.find)
        elif many.extract is not None:
            yield "dataFrom", i, _get(many.extract)
        elif many.source_ref is not None and many.source_ref.generator_ref is not None:
            yield "dataFrom", i, InvalidSpec("generators are not built yet", "sourceRef.generatorRef")
    for i, one in enumerate(es.spec.data):
        yield "data", i, _get(one.remote_ref)


def _get(ref: RemoteRef) -> Get:
    return Get(key=ref.key, version=ref.version, metadata=ref.metadata_policy == "Fetch", property=ref.property)


def _find(spec: FindSpec) -> Find:
    name = spec.name.regexp if spec.name is not None else None
    return Find(name=name, path=spec.path, tags=tuple(sorted(spec.tags.items())))
