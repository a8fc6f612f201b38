"""Providers from other packages: the entry points of group ``eso.providers``.

An entry point's name is the key under ``spec.provider``, its value a :class:`~eso_core.door.Provider` of that key. What cannot be used is
told in one line each, with the package and the cause, and never stops a command. This is a seam where exceptions become texts: importing
a package runs its code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from eso_core.api.crd import Extra as Models
from eso_core.api.crd import provider_schema
from eso_core.api.providers import KEYS
from eso_core.api.types import Model
from eso_core.door import NO_EXTRA, Extra, Provider
from eso_core.providers import KEY

GROUP: Final = "eso.providers"
CAUSE_MAX: Final = 300  # characters of what an import raised


@dataclass(frozen=True, slots=True)
class Plugins:
    """What was found. ``sources`` is the package of each key, as name and version; ``troubles`` are one line each."""

    extra: Extra = NO_EXTRA
    sources: Mapping[str, str] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()

    @property
    def models(self) -> Models:
        """The model of each key, for the resource types; ``None`` for any object."""
        return {key: provider.model for key, provider in self.extra.by_key.items()}


NO_PLUGINS: Final = Plugins()


@lru_cache(maxsize=1)
def plugins() -> Plugins:
    """Those that are installed. Looked up once in a process."""
    return found(entry_points(group=GROUP))


def found(points: Iterable[EntryPoint]) -> Plugins:
    """The providers behind ``points``. A key that two packages claim is nobody's."""
    by_key: dict[str, list[EntryPoint]] = {}
    for point in points:
        by_key.setdefault(point.name, []).append(point)
    providers: dict[str, Provider] = {}
    sources: dict[str, str] = {}
    troubles: list[str] = []
    for key, claims in sorted(by_key.items()):
        if len(claims) > 1:
            packages = ", ".join(sorted(map(package_of, claims)))
            troubles.append(f"provider {key!r} is not loaded: several packages have it: {packages}")
            continue
        [point] = claims
        loaded = _loaded(point)
        if isinstance(loaded, Provider):
            providers[key], sources[key] = loaded, package_of(point)
        else:
            troubles.append(f"provider {key!r} of package {package_of(point)} is not loaded: {loaded}")
    return Plugins(Extra(providers) if providers else NO_EXTRA, sources, tuple(troubles))


def package_of(point: EntryPoint) -> str:
    """Name and version of the package that has the entry point."""
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "(unknown)"


def _loaded(point: EntryPoint) -> Provider | str:
    """The provider, or why it cannot be used."""
    if not KEY.fullmatch(point.name):
        return "the name is not a key: letters and digits, a small letter first"
    if point.name.lower() in {key.lower() for key in KEYS}:
        return "the operator has a provider of this key, which cannot be replaced"
    try:
        value = point.load()
    except (Exception, SystemExit) as error:  # of code that is not ours
        return f"{point.value}: {_cause(error)}"
    if not isinstance(value, Provider):
        return f"{point.value} is not a Provider but {type(value).__name__}"
    if value.key != point.name:
        return f"{point.value} is a provider of key {value.key!r}"
    return _unfit(value) or value


def _unfit(provider: Provider) -> str | None:
    """Why the provider's model is none that a resource type can be made of."""
    model: Any = provider.model
    if model is not None and not (isinstance(model, type) and issubclass(model, Model)):
        return "its model is not a subclass of eso_core.api.types.Model"
    try:
        schema = provider_schema({provider.key: model})["properties"][provider.key]
    except Exception as error:  # of a model that is not ours
        return f"no schema can be made of its model: {_cause(error)}"
    untyped = next(_untyped(schema, f"spec.provider.{provider.key}"), None)
    return f"no schema can be made of its model: {untyped} is of a type that resource types do not have" if untyped else None


def _untyped(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """The paths of fields without a type; an API server refuses the whole resource type for one."""
    if not schema.keys() & {"type", "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"}:
        yield path
    for name, member in schema.get("properties", {}).items():
        yield from _untyped(member, f"{path}.{name}")
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(keyword), Mapping):
            yield from _untyped(schema[keyword], f"{path}{mark}")


def _cause(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' if text else ''}{text[:CAUSE_MAX]}"
