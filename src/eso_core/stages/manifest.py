"""The content of a target that is no Secret (reference: ``applyTemplateToManifest``, ``createSimpleManifest``).

Values are text there: bytes that are no UTF-8 become U+FFFD, as Go's JSON encoder makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eso_core.api import ExternalSecret
from eso_core.plan import ManifestBody
from eso_core.refs import CONFIG_MAP, Kind
from eso_core.secret import SecretBytes
from eso_core.stages.decode import Values
from eso_core.target import MERGING, TargetSeen


def manifest_body(es: ExternalSecret, kind: Kind, values: Values, target: TargetSeen | None) -> ManifestBody:
    """``values`` under ``data`` of a ConfigMap, and under ``spec.data`` of any other kind.

    Under a merging policy everything else in ``target``, which has been read whole then, stays, former keys of our own included: all
    ExternalSecrets write such targets under one field manager. Otherwise nothing stays.
    """
    base: dict[str, Any] = dict(target.fields or {}) if target is not None and es.spec.target.creation_policy in MERGING else {}
    texts = {key: _text(value) for key, value in values.items()}
    if kind.name == CONFIG_MAP.name:
        return ManifestBody({**base, "data": {**_map(base.get("data")), **texts}})
    spec = _map(base.get("spec"))
    return ManifestBody({**base, "spec": {**spec, "data": {**_map(spec.get("data")), **texts}}})


def _map(held: object) -> Mapping[str, Any]:
    return held if isinstance(held, Mapping) else {}


def _text(value: SecretBytes) -> str:
    return value.reveal().decode("utf-8", "replace")
