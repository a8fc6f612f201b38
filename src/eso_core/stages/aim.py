"""Which object an ExternalSecret writes: a Secret, or with ``spec.target.manifest`` any other kind (reference: ``getTargetGVK``)."""

from __future__ import annotations

from typing import Any

import orjson

from eso_core.api import ExternalSecret
from eso_core.because import OF_RESOURCES, OF_SECRETS, RESOURCE_UNREADABLE, TARGET_INVALID, Because, Verdicts
from eso_core.config import Config
from eso_core.effect import Gone, Served, Unreadable, World
from eso_core.failure import Broken, Failure, InvalidSpec, Missing
from eso_core.plan import Plan
from eso_core.refs import EXTERNAL_SECRET, SECRET, Kind, Ref
from eso_core.stages.needs import Unresolved

WHERE = "spec.target.manifest"


def ref_of(es: ExternalSecret) -> Ref:
    """``es`` itself."""
    return Ref(EXTERNAL_SECRET, es.metadata.namespace, es.metadata.name)


def target_of(es: ExternalSecret, kind: Kind = SECRET) -> Ref:
    """The target of ``es``, which is of this kind."""
    return Ref(kind, es.metadata.namespace, es.spec.target.name or es.metadata.name)


def is_generic(es: ExternalSecret) -> bool:
    """The target is named by its kind, even if that is Secret: verdicts and events speak of resources."""
    return es.spec.target.manifest is not None


def verdicts_of(es: ExternalSecret) -> Verdicts:
    """What can be said of ``es``."""
    return OF_RESOURCES if is_generic(es) else OF_SECRETS


def aim(world: World, es: ExternalSecret, config: Config) -> Kind | Unresolved | Plan:
    """The kind of the target; what has to be read to tell it; or the verdict that there is none."""
    manifest = es.spec.target.manifest
    if manifest is None:
        return SECRET
    if not config.generic_targets:
        return _refused(TARGET_INVALID, InvalidSpec("generic targets are disabled. Enable with --unsafe-allow-generic-targets flag", WHERE))
    if (manifest.api_version, manifest.kind) == (SECRET.api_version, SECRET.name):
        return SECRET
    if not _is_api_version(manifest.api_version):
        return _refused(TARGET_INVALID, InvalidSpec("is neither a version nor group/version", f"{WHERE}.apiVersion"))
    served = Served(manifest.api_version)
    if served not in world:
        return Unresolved(frozenset({served}))
    seen = world[served]
    if isinstance(seen, Unreadable):
        return _refused(RESOURCE_UNREADABLE, seen.failure)
    found = None if isinstance(seen, Gone) else _listed(seen.raw, manifest.api_version, manifest.kind)
    if found is None:
        what = f'failed to get target resource: no matches for kind "{manifest.kind}" in version "{manifest.api_version}"'
        return _refused(RESOURCE_UNREADABLE, Missing(what))
    if isinstance(found, Kind) and not found.namespaced:
        return _refused(TARGET_INVALID, InvalidSpec(f"{manifest.kind} is not namespaced; a target lives in its object's namespace", WHERE))
    return found if isinstance(found, Kind) else _refused(RESOURCE_UNREADABLE, found)


def _refused(verdict: Because, why: Failure) -> Plan:
    return Plan(because=verdict, detail=why)


def _is_api_version(text: str) -> bool:
    """It can stand in a URL path as it is."""
    group, slash, version = text.rpartition("/")
    parts = (group, version) if slash else (version,)
    return all(part and part.isascii() and part.strip(".-") == part and part.replace(".", "").replace("-", "").isalnum() for part in parts)


def _listed(raw: bytes, api_version: str, name: str) -> Kind | Broken | None:
    """The kind in an APIResourceList; subresources, whose names have a slash, are none."""
    try:
        resources: list[Any] = orjson.loads(raw)["resources"]
        for resource in resources:
            if resource["kind"] == name and "/" not in resource["name"]:
                group, _, version = api_version.rpartition("/")
                return Kind(group, version, name, str(resource["name"]), namespaced=resource.get("namespaced") is True)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return Broken(f"the API server's list of resources of {api_version} cannot be read")
    return None
