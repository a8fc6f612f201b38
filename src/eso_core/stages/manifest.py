"""The content of a target that is no Secret (reference: ``applyTemplateToManifest``, ``createSimpleManifest``).

Values are text there: bytes that are no UTF-8 become U+FFFD, as Go's JSON encoder makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eso_core.api import ExternalSecret
from eso_core.plan import ManifestBody
from eso_core.refs import CONFIG_MAP, SECRET, Kind
from eso_core.secret import SecretBytes
from eso_core.stages.decode import Values
from eso_core.target import MERGING, TargetSeen

HEAD = ("apiVersion", "kind", "metadata")


def manifest(es: ExternalSecret, kind: Kind, values: Values, target: TargetSeen | None) -> dict[str, Any]:
    """The target before its templates, without metadata.

    Without a template ``values`` are under ``data`` of a ConfigMap, and under ``spec.data`` of any other kind; templates take their place.
    Under a merging policy everything else in ``target``, which has been read whole then, stays, former keys of our own included: all
    ExternalSecrets write such targets under one field manager. Otherwise nothing stays.
    """
    base: dict[str, Any] = dict(target.fields or {}) if target is not None and es.spec.target.creation_policy in MERGING else {}
    head = {"apiVersion": kind.api_version, "kind": kind.name}
    place = "data" if kind.name in (CONFIG_MAP.name, SECRET.name) else "spec"
    if es.spec.target.template is not None:
        return {place: {}, **base, **head}
    texts = {key: _text(value) for key, value in values.items()}
    if kind.name == CONFIG_MAP.name:
        return {**base, **head, "data": {**_map(base.get("data")), **texts}}
    spec = _map(base.get("spec"))
    return {**base, **head, "spec": {**spec, "data": {**_map(spec.get("data")), **texts}}}


def manifest_body(made: Mapping[str, Any]) -> ManifestBody:
    """``made`` without its head."""
    return ManifestBody({name: value for name, value in made.items() if name not in HEAD})


def _map(held: object) -> Mapping[str, Any]:
    return held if isinstance(held, Mapping) else {}


def _text(value: SecretBytes) -> str:
    return value.reveal().decode("utf-8", "replace")
