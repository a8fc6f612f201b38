"""Lists that are sets or maps hold no item twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from eso_core.sim.shape import Shape
from eso_core.sim.status import Cause


def has_unique_lists(shape: Shape) -> bool:
    """Whether :func:`duplicates` can ever find something."""
    if shape.form == "list" and not shape.atomic:
        return True
    return any(has_unique_lists(inner) for inner in (*shape.fields.values(), *((shape.item,) if shape.item else ())))


def duplicates(shape: Shape, value: Any, path: str = "") -> Iterator[Cause]:
    """The items of sets and maps that occur before, each once however often it occurs."""
    if type(value) is dict:
        for key, inner in value.items():
            below = shape.fields.get(key)
            if below is not None:
                yield from duplicates(below, inner, f"{path}.{key}" if path else key)
            elif shape.item is not None:
                yield from duplicates(shape.item, inner, f"{path}[{key}]")
    elif type(value) is list and shape.form == "list":
        if not shape.atomic:
            yield from _duplicate_items(shape, value, path)
        for index, inner in enumerate(value):
            if shape.item is not None:
                yield from duplicates(shape.item, inner, f"{path}[{index}]")


def _duplicate_items(shape: Shape, items: list[Any], path: str) -> Iterator[Cause]:
    times: dict[bytes, int] = {}
    for index, item in enumerate(items):
        if shape.keys and item is not None and type(item) is not dict:
            yield Cause("FieldValueInvalid", "must be an object for an array of list-type map", f"{path}[{index}]")
            return
        identity = {key: item[key] for key in shape.keys if key in item} if shape.keys and item else item
        token = orjson.dumps(identity or None if shape.keys else identity, option=orjson.OPT_SORT_KEYS)
        times[token] = times.get(token, 0) + 1
        if times[token] == 2:
            yield Cause("FieldValueDuplicate", f"Duplicate value: {orjson.dumps(identity).decode()}", f"{path}[{index}]")
