"""CustomResourceDefinition manifests, generated from the models."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from eso_core.api import providers, structural
from eso_core.api.external_secret import ExternalSecret
from eso_core.api.schema import object_schema, ordered
from eso_core.api.store import ClusterSecretStore, SecretStore
from eso_core.api.types import Json, Model
from eso_core.api.v1beta1 import EXTERNAL_SECRET, Older
from eso_core.api.v1beta1_store import STORE

GROUP: Final = "external-secrets.io"
LABELS: Final = {"external-secrets.io/component": "controller"}
READY: Final = '.status.conditions[?(@.type=="Ready")]'
HEAD: Final[Mapping[str, Json]] = {
    "apiVersion": {"type": "string", "description": "The versioned schema of this object."},
    "kind": {"type": "string", "description": "The resource type of this object."},
    "metadata": {"type": "object"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a printed table."""

    name: str
    path: str
    type: str = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a resource type, and the model that types it, or types what ``older`` makes its schema from."""

    name: str = "v1"
    model: type[Model]
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()
    served: bool = True
    older: Older | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource type. The stored version comes first; versions that are not served are deprecated."""

    kind: str
    short: str
    namespaced: bool
    versions: tuple[Version, ...]
    group: str = GROUP
    categories: tuple[str, ...] = ("external-secrets",)

    @property
    def plural(self) -> str:
        """The name in URLs."""
        return f"{self.kind.lower()}s"


EXTERNAL_SECRET_COLUMNS: Final = (
    Column("StoreType", ".spec.secretStoreRef.kind"),
    Column("Store", ".spec.secretStoreRef.name"),
    Column("Refresh Interval", ".spec.refreshInterval"),
    Column("Status", f"{READY}.reason"),
    Column("Ready", f"{READY}.status"),
    Column("Last Sync", ".status.refreshTime", "date"),
)
STORE_COLUMNS: Final = (
    Column("AGE", ".metadata.creationTimestamp", "date"),
    Column("Status", f"{READY}.reason"),
    Column("Capabilities", ".status.capabilities"),
    Column("Ready", f"{READY}.status"),
)
SELECTABLE: Final = (".spec.secretStoreRef.name", ".spec.secretStoreRef.kind", ".spec.target.name", ".spec.refreshInterval")

RESOURCES: Final = (
    Resource(
        kind="ClusterSecretStore",
        short="css",
        namespaced=False,
        versions=(
            Version(model=ClusterSecretStore, columns=STORE_COLUMNS),
            Version(name="v1beta1", model=ClusterSecretStore, columns=STORE_COLUMNS, served=False, older=STORE),
        ),
    ),
    Resource(
        kind="ExternalSecret",
        short="es",
        namespaced=True,
        versions=(
            Version(model=ExternalSecret, columns=EXTERNAL_SECRET_COLUMNS, selectable=SELECTABLE),
            Version(name="v1beta1", model=ExternalSecret, columns=EXTERNAL_SECRET_COLUMNS, served=False, older=EXTERNAL_SECRET),
        ),
    ),
    Resource(
        kind="SecretStore",
        short="ss",
        namespaced=True,
        versions=(
            Version(model=SecretStore, columns=STORE_COLUMNS),
            Version(name="v1beta1", model=SecretStore, columns=STORE_COLUMNS, served=False, older=STORE),
        ),
    ),
)


Extra = Mapping[str, type[Model] | None]
"""Providers outside this package: the key under ``spec.provider``, and the model of its object; ``None`` for any object."""

NO_EXTRA: Final[Extra] = {}


def crds(extra: Extra = NO_EXTRA) -> tuple[Mapping[str, Json], ...]:
    """The manifest of every resource type, by name, with `extra` providers in the stored version of stores."""
    return tuple(_manifest(resource, extra) for resource in RESOURCES)


def schema_for(group: str, version: str, plural: str) -> Mapping[str, Json]:
    """The ``openAPIV3Schema`` of a served version. Raises ``KeyError`` for one that is not served. Not to be changed."""
    for resource in RESOURCES:
        for each in resource.versions:
            if each.served and (resource.group, each.name, resource.plural) == (group, version, plural):
                return _root_schema(each.model)
    raise KeyError(f"{plural}.{group}/{version}")


def defaulted(kind: str, raw: Mapping[str, Json]) -> Json:
    """`raw` with the CRD defaults of the stored version of `kind`. Raises ``KeyError`` for a kind without CRD."""
    for resource in RESOURCES:
        if resource.kind == kind:
            return structural.defaulted(schema_for(resource.group, resource.versions[0].name, resource.plural), raw)
    raise KeyError(kind)


def provider_schema(extra: Extra = NO_EXTRA) -> dict[str, Json]:
    """The schema of ``spec.provider``: exactly one of its keys. Raises ``ValueError`` for an extra key that is in ``KEYS``."""
    if known := extra.keys() & set(providers.KEYS):
        raise ValueError(f"already a provider: {', '.join(sorted(known))}")
    models = {**{key: providers.spec_class(key) for key in providers.KEYS}, **extra}
    keys = {key: object_schema(model) if model else providers.LOOSE for key, model in models.items()}
    return ordered({**providers.SCHEMA.extra, "description": "The provider: exactly one.", "properties": keys})


@cache
def _root_schema(model: type[Model]) -> dict[str, Json]:
    return _extended_schema(model, NO_EXTRA)


def _extended_schema(model: type[Model], extra: Extra) -> dict[str, Json]:
    """A model's schema, its head as the API server knows it. No field of the root is required."""
    schema = object_schema(model)
    schema.pop("required", None)
    schema["properties"] = {**schema["properties"], **HEAD}
    spec = schema["properties"]["spec"]
    if "provider" in spec["properties"]:
        spec["properties"]["provider"] = provider_schema(extra)
    return ordered(schema)


def _manifest(resource: Resource, extra: Extra) -> Mapping[str, Json]:
    return ordered(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{resource.plural}.{resource.group}", "labels": LABELS},
            "spec": {
                "group": resource.group,
                "names": _names(resource),
                "scope": "Namespaced" if resource.namespaced else "Cluster",
                "versions": [_version(resource, version, extra) for version in resource.versions],
            },
        }
    )


def _names(resource: Resource) -> Mapping[str, Json]:
    return {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
        "shortNames": [resource.short],
        "categories": list(resource.categories),
    }


def _version(resource: Resource, version: Version, extra: Extra) -> Mapping[str, Json]:
    selectable = [{"jsonPath": path} for path in version.selectable]
    return {
        "name": version.name,
        "served": version.served,
        **({} if version.served else {"deprecated": True}),
        "storage": version is resource.versions[0],
        "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": c.name, "jsonPath": c.path, "type": c.type} for c in version.columns],
        **({"selectableFields": selectable} if selectable else {}),
        "schema": {"openAPIV3Schema": _schema_of(version, extra)},
    }


def _schema_of(version: Version, extra: Extra) -> Mapping[str, Json]:
    if version.older:
        return version.older.of(_root_schema(version.model))
    return _extended_schema(version.model, extra) if extra else _root_schema(version.model)
