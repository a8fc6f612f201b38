"""Get and list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from eso_core.sim import select
from eso_core.sim.cluster import Cluster
from eso_core.sim.options import ListOptions, encode_token, list_options, whole_number
from eso_core.sim.resource import Resource
from eso_core.sim.status import expired, not_found, rv_too_large, unparsable_version
from eso_core.sim.table import Key, Stored

Test = Callable[[Stored], bool]

_TOO_OLD = "The provided continue parameter is too old to display a consistent list result."


def body_of(resource: Resource, stored: Stored) -> bytes:
    """The JSON of one object."""
    return resource.head + stored.inner[1:]


def get(cluster: Cluster, resource: Resource, key: Key, query: Mapping[str, str]) -> bytes:
    """One object. Refuses with 404."""
    version = query.get("resourceVersion")
    if version and not version.isdecimal():
        raise unparsable_version(version)
    if version and (wanted := whole_number(version, "resourceVersion")) > cluster.rv:
        raise rv_too_large(wanted, cluster.rv)
    stored = cluster.table(resource).get(key)
    if stored is None:
        raise not_found(resource.kind, key[1])
    return body_of(resource, stored)


def selector(resource: Resource, query: Mapping[str, str]) -> Test | None:
    """The test that the selectors of a query describe; ``None`` when everything passes."""
    labels = select.labels(query.get("labelSelector", ""))
    terms = select.fields(query.get("fieldSelector", ""), resource.fields_known)
    if labels is None and not terms:
        return None

    def test(stored: Stored) -> bool:
        if labels is not None and not labels(stored.labels):
            return False
        if not terms:
            return True
        fields = resource.fields(stored.doc)
        return all((fields.get(term.name, "") == term.value) is term.equal for term in terms)

    return test


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list as of ``version``; ``next`` is the token for the rest, ``remaining`` its length where that is known."""

    items: list[Stored]
    version: int
    next: str = ""
    remaining: int | None = None


def read_page(cluster: Cluster, resource: Resource, namespace: str, query: Mapping[str, str]) -> Page:
    """The page that a query asks for. Refuses with 400, 410, 422 and 504."""
    options = list_options(query)
    test = selector(resource, query)
    version = _version(cluster, resource, options)
    table = cluster.table(resource)
    found = table.select_at(version, namespace, options.after) if options.exact else table.select(namespace, options.after)
    chosen, rest = _divided(found, test, options.limit)
    if not rest:
        return Page(chosen, version)
    return Page(chosen, version, encode_token(version, rest[0].key), len(rest) if test is None else None)


def list_body(resource: Resource, page: Page) -> bytes:
    """The JSON of a list."""
    meta: dict[str, object] = {"resourceVersion": str(page.version)}
    if page.next:
        meta["continue"] = page.next
    if page.remaining is not None:
        meta["remainingItemCount"] = page.remaining
    items = b",".join(stored.inner if resource.native else body_of(resource, stored) for stored in page.items)
    head = f'{{"apiVersion":"{resource.kind.api_version}","kind":"{resource.kind.name}List","metadata":'.encode()
    return b"".join((head, orjson.dumps(meta), b',"items":[', items, b"]}"))


def _divided(found: list[Stored], test: Test | None, limit: int) -> tuple[list[Stored], list[Stored]]:
    """The first ``limit`` (0: all) that pass, and what comes after the last of them, whether it passes or not."""
    if test is None:
        return (found[:limit], found[limit:]) if limit else (found, [])
    chosen: list[Stored] = []
    for index, stored in enumerate(found):
        if test(stored):
            chosen.append(stored)
            if len(chosen) == limit:
                return chosen, found[index + 1 :]
    return chosen, []


def _version(cluster: Cluster, resource: Resource, options: ListOptions) -> int:
    """The version that the list shows."""
    if options.version is not None and options.version > cluster.rv:
        raise rv_too_large(options.version, cluster.rv)
    if not options.exact or options.version is None:
        return cluster.rv
    if options.version < cluster.table(resource).floor:
        raise expired(_TOO_OLD if options.after else f"too old resource version: {options.version} ({cluster.table(resource).floor})")
    return options.version
