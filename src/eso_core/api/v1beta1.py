"""ExternalSecret ``v1beta1``, told as the differences of its schema from ``v1``.

The version is no longer served; it stays in the CRD because clusters that once stored it name it in ``status.storedVersions``.
"""

from collections.abc import Mapping
from typing import Final

from eso_core.api.types import Json

LATER: Final = frozenset(
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
)
"""Fields that ``v1beta1`` does not have."""

GENERATOR_KINDS: Final = (
    "ACRAccessToken", "ClusterGenerator", "ECRAuthorizationToken", "Fake", "GCRAccessToken", "GithubAccessToken", "QuayAccessToken",
    "Password", "SSHKey", "STSSessionToken", "UUID", "VaultDynamicSecret", "Webhook", "Grafana",
)  # fmt: skip

_CONVERSION: Final = {"default": "Default"}
_NONE: Final = {"default": "None"}

CHANGED: Final[Mapping[str, Mapping[str, Json]]] = {
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
    "status.conditions[].type": {"enum": ()},
}
"""Keywords that differ; an empty ``enum`` means none."""


def older(schema: Mapping[str, Json], path: str = "") -> dict[str, Json]:
    """The ``v1beta1`` form of a ``v1`` schema found at `path`."""
    made = {**schema, **CHANGED.get(path, {})}
    if made.get("enum") == ():
        del made["enum"]
    if "items" in made:
        made["items"] = older(made["items"], f"{path}[]")
    if "properties" in made:
        named = {f"{path}.{name}" if path else name: name for name in made["properties"]}
        made["properties"] = {name: older(made["properties"][name], at) for at, name in named.items() if at not in LATER}
    return made
