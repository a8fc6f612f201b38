"""The structural OpenAPI v3 schema of a model, as Kubernetes wants it: no references, no unions with null.

What a field says by its type becomes schema; what only the API server reads comes from :class:`~eso_core.api.types.Kube`
and from ``Model.schema_extra``. Keys are sorted, so equal models give equal text.
"""

from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from eso_core.api.types import DEFAULTED, Json, Kube, Model

SCALARS: Final[Mapping[Any, str]] = {str: "string", bool: "boolean", int: "integer"}


def object_schema(model: type[Model]) -> dict[str, Json]:
    """The schema of a model's JSON object. Its description is the first line of the docstring."""
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    required = sorted(name for name, info in fields.items() if _is_required(info))
    return ordered(
        {
            "type": "object",
            "description": (model.__doc__ or "").partition("\n")[0],
            **({"properties": {name: field_schema(info) for name, info in fields.items()}} if fields else {}),
            **({"required": required} if required else {}),
            **model.schema_extra,
        }
    )


def field_schema(info: FieldInfo) -> dict[str, Json]:
    """The schema of one field."""
    schema = _with(type_schema(info.annotation), info.metadata)
    if info.json_schema_extra is DEFAULTED:
        schema["default"] = info.default
    if info.description:
        schema["description"] = info.description
    return schema


def type_schema(hint: Any) -> dict[str, Json]:
    """The schema of a type as it is written in a model."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _with(type_schema(args[0]), args[1:])
    if origin in (Union, UnionType):
        return _union_schema(tuple(arg for arg in args if arg is not NoneType))
    if origin is Literal:
        return {"type": "string", "enum": list(args)}
    if origin is tuple:
        return {"type": "array", "items": type_schema(args[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": type_schema(args[1])}
    if isinstance(hint, type) and issubclass(hint, Model):
        return object_schema(hint)
    return {"type": SCALARS[hint]} if hint in SCALARS else {}


def ordered(value: Mapping[str, Json]) -> dict[str, Json]:
    """`value` with the keys of every object in order."""
    return {key: _ordered(value[key]) for key in sorted(value)}


def _ordered(value: Json) -> Json:
    if isinstance(value, Mapping):
        return ordered(value)
    return [_ordered(item) for item in value] if isinstance(value, list | tuple) else value


def _union_schema(members: tuple[Any, ...]) -> dict[str, Json]:
    """Optional is not a matter of schema; a true union gets its keywords from ``Kube``."""
    return type_schema(members[0]) if len(members) == 1 else {}


def _with(schema: dict[str, Json], metadata: Iterable[Any]) -> dict[str, Json]:
    for item in metadata:
        if isinstance(item, Kube):
            schema = {**schema, **item.extra}
    return schema


def _is_required(info: FieldInfo) -> bool:
    return info.is_required() or any(isinstance(item, Kube) and item.required for item in info.metadata)
