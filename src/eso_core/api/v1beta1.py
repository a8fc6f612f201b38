"""The older schemas, told as their differences from ``v1``; here the mechanism and ExternalSecret.

``v1beta1`` is no longer served; it stays in the CRDs because clusters that once stored it name it in ``status.storedVersions``.
A difference is found by its path: names with dots between, ``[]`` for the items of a list, ``spec.data[].remoteRef.key``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from eso_core.api.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """What makes the ``v1beta1`` form of a ``v1`` schema."""

    without: frozenset[str]
    """Fields that came later."""

    changed: Mapping[str, Mapping[str, Json]]
    """Keywords that differ; ``None`` takes one away."""

    gone: Mapping[str, Mapping[str, Json]]
    """Fields that ``v1`` has no more, below the object that had them."""

    def of(self, schema: Mapping[str, Json], path: str = "") -> dict[str, Json]:
        """The older form of a ``v1`` schema found at `path`."""
        kept = {keyword: value for keyword, value in {**schema, **self.changed.get(path, {})}.items() if value is not None}
        if "items" in kept:
            kept["items"] = self.of(kept["items"], f"{path}[]")
        if "properties" in kept:
            named = {f"{path}.{name}" if path else name: name for name in kept["properties"]}
            fields = {name: self.of(kept["properties"][name], at) for at, name in named.items() if at not in self.without}
            kept["properties"] = {**fields, **self.gone.get(path, {})}
        return kept


GENERATOR_KINDS: Final = (
    "ACRAccessToken", "ClusterGenerator", "ECRAuthorizationToken", "Fake", "GCRAccessToken", "GithubAccessToken", "QuayAccessToken",
    "Password", "SSHKey", "STSSessionToken", "UUID", "VaultDynamicSecret", "Webhook", "Grafana",
)  # fmt: skip

_CONVERSION: Final = {"default": "Default"}
_NONE: Final = {"default": "None"}

EXTERNAL_SECRET: Final = Older(
    without=frozenset(
        {
            "spec.data[].remoteRef.nullBytePolicy",
            "spec.dataFrom[].extract.nullBytePolicy",
            "spec.dataFrom[].find.nullBytePolicy",
            "spec.dataFrom[].rewrite[].merge",
            "spec.syncWindows",
            "spec.target.manifest",
            "spec.target.template.metadata.finalizers",
            "spec.target.template.templateFrom[].valuesDecodingStrategy",
        }
    ),
    changed={
        "spec.data[].remoteRef.conversionStrategy": _CONVERSION,
        "spec.data[].remoteRef.decodingStrategy": _NONE,
        "spec.data[].remoteRef.metadataPolicy": _NONE,
        "spec.data[].sourceRef.generatorRef.kind": {"enum": GENERATOR_KINDS},
        "spec.dataFrom[].extract.conversionStrategy": _CONVERSION,
        "spec.dataFrom[].extract.decodingStrategy": _NONE,
        "spec.dataFrom[].extract.metadataPolicy": _NONE,
        "spec.dataFrom[].find.conversionStrategy": _CONVERSION,
        "spec.dataFrom[].find.decodingStrategy": _NONE,
        "spec.dataFrom[].sourceRef.generatorRef.kind": {"enum": GENERATOR_KINDS},
        "spec.target.creationPolicy": {"enum": ("Owner", "Orphan", "Merge", "None")},
        "spec.target.template.templateFrom[].target": {"enum": ("Data", "Annotations", "Labels")},
        "status.conditions[].type": {"enum": None},
    },
    gone={},
)
