"""Resources that a CustomResourceDefinition defines, and schema-less ones for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eso_core.api import structural
from eso_core.refs import Kind
from eso_core.sim.resource import Doc, Resource
from eso_core.sim.shape import ANY, METADATA, Mismatch, Shape, decode, strangers
from eso_core.sim.status import Cause, required, wrong
from eso_core.sim.uniqueness import duplicates, has_unique_lists

Schema = Mapping[str, Any]

_FREE: Schema = {"x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True, slots=True)
class Structural:
    """What an ``openAPIV3Schema`` does to an object.

    ``coerce(schema, value)`` prunes and defaults a whole object; ``faults(schema, value, path)`` says what is wrong with a part of one;
    ``unknown(schema, value)`` gives the paths that ``coerce`` drops.
    """

    coerce: Callable[[Schema, Any], Any]
    faults: Callable[[Schema, Any, str], Iterable[Cause]]
    unknown: Callable[[Schema, Any], Iterable[str]]


def _coerce(schema: Schema, value: Any) -> Any:
    return structural.defaulted(schema, structural.pruned(schema, value, root=True))


def _faults(schema: Schema, value: Any, path: str) -> Iterable[Cause]:
    return (Cause(fault.reason, fault.message, fault.path) for fault in structural.faults(schema, value, path))


CHECKED = Structural(_coerce, _faults, structural.unknown)
UNCHECKED = Structural(lambda schema, value: value, lambda schema, value, path: (), lambda schema, value: ())


def from_definition(definition: Mapping[str, Any], rules: Structural = CHECKED) -> tuple[Resource, ...]:
    """One resource for each served version of a definition, the storage version first. Conversion between versions is not emulated."""
    spec = definition["spec"]
    versions = sorted((version for version in spec["versions"] if version.get("served")), key=lambda version: not version.get("storage"))
    return tuple(_of_version(spec, version, rules) for version in versions)


def schemaless(kind: Kind, *, status: bool = True) -> Resource:
    """A custom resource whose fields are all kept as they are."""
    return _custom(kind, _FREE, UNCHECKED, status)


def _of_version(spec: Mapping[str, Any], version: Mapping[str, Any], rules: Structural) -> Resource:
    plural = spec["names"]["plural"]
    kind = Kind(spec["group"], version["name"], spec["names"]["kind"], plural, namespaced=spec["scope"] == "Namespaced")
    return _custom(kind, version.get("schema", {}).get("openAPIV3Schema", _FREE), rules, "status" in version.get("subresources", {}))


def _custom(kind: Kind, schema: Schema, rules: Structural, status: bool) -> Resource:
    def read(doc: Doc, known: Doc | None) -> Doc:
        kept, changed = _divided(doc, known)
        out = {**rules.coerce(schema, changed), **kept}
        out["metadata"] = _read_metadata(doc.get("metadata"), known["metadata"] if known else None)
        return out

    def check(doc: Doc, old: Doc | None) -> list[Cause]:
        head = (("apiVersion", kind.api_version), ("kind", kind.name))
        if strange := [wrong(key, doc[key], f"must be {right}") for key, right in head if key in doc]:
            return strange
        if old is None:
            return [*rules.faults(schema, {**doc, "metadata": {}}, ""), *repeated({}, doc)]
        members = schema.get("properties", {})
        _, changed = _divided(doc, old)
        missing = [required(key) for key in schema.get("required", ()) if key not in doc]
        faults = [fault for key, value in changed.items() if key in members for fault in rules.faults(members[key], value, key)]
        return faults + missing + repeated(old, doc)

    def strange(doc: Doc) -> list[str]:
        return [*rules.unknown(schema, doc), *strangers(METADATA, doc.get("metadata"), "metadata")]

    def repeated(old: Doc, doc: Doc) -> list[Cause]:
        """What the object has twice, unless the stored one has already something twice."""
        return list(duplicates(own_shape, doc)) if unique_lists and not any(duplicates(own_shape, old)) else []

    own_shape = shape_of(schema)
    unique_lists = has_unique_lists(own_shape)
    shape = _with_metadata(own_shape)
    return Resource(
        kind=kind,
        shape=shape,
        read=read,
        strangers=strange,
        blank={},
        check=check,
        native=False,
        status=status,
        generation=True,
        blind_update=False,
    )


def _divided(doc: Doc, known: Doc | None) -> tuple[Doc, Doc]:
    """The members that are those of ``known``, and the others; metadata is in neither.

    What was read and checked once is not read and checked again: a status that changes does not cost the specification.
    """
    kept: Doc = {}
    changed: Doc = {}
    for key, value in doc.items():
        if key != "metadata":
            (kept if known is not None and known.get(key) is value else changed)[key] = value
    return kept, changed


def _read_metadata(value: Any, known: Doc | None) -> Doc:
    try:
        out: Doc = decode(METADATA, value, ".metadata", known)
    except Mismatch as error:
        raise Mismatch(f"error decoding metadata: {error}") from error
    if out.get("managedFields") == []:
        del out["managedFields"]  # a reset for native kinds only
    return out


# ---------------------------------------------------------------- ownership shapes


def _with_metadata(shape: Shape) -> Shape:
    return Shape(form="map", fields={**shape.fields, "metadata": METADATA}, item=shape.item)


def shape_of(schema: Mapping[str, Any]) -> Shape:
    """How the fields of a structural schema are owned."""
    if schema.get("x-kubernetes-int-or-string"):
        return Shape(form="leaf")
    kind = schema.get("type")
    if kind == "array":
        return _shape_of_list(schema)
    if kind == "object" or (kind is None and "properties" in schema):
        return _shape_of_map(schema)
    return ANY if kind is None else Shape(form="leaf", type=str(kind))


def _shape_of_map(schema: Mapping[str, Any]) -> Shape:
    fields = {key: shape_of(inner) for key, inner in schema.get("properties", {}).items()}
    more = schema.get("additionalProperties")
    item = shape_of(more) if isinstance(more, Mapping) else ANY if more or schema.get("x-kubernetes-preserve-unknown-fields") else None
    return Shape(form="map", fields=fields, item=item, atomic=schema.get("x-kubernetes-map-type") == "atomic")


def _shape_of_list(schema: Mapping[str, Any]) -> Shape:
    keys = {"set": (), "map": tuple(schema.get("x-kubernetes-list-map-keys", ()))}.get(schema.get("x-kubernetes-list-type", "atomic"))
    return Shape(form="list", item=shape_of(schema.get("items", {})), atomic=keys is None, keys=keys or ())
