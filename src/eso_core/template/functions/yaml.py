"""YAML over the values of templates (source: ``runtime/template/v2/yaml.go``).

``toYaml`` writes what ``toJson`` would, read as YAML and written again, without its last line feed; nothing where either fails.
``fromYaml`` always gives a map: what is wrong is told under its key ``Error``. Numbers that are read are float64.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from returns.result import Success

from eso_core.compat.gojson import Json
from eso_core.compat.goyaml import dump, load_map
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.json import must_to_json
from eso_core.template.limits import Ambient, room_for
from eso_core.template.values import Function, Value

_READING = 16  # bytes of work for each byte that is read: YAML is read in Python


def to_yaml(value: Value) -> bytes:
    try:
        text = must_to_json(value)
    except LimitExceeded:
        raise
    except FunctionError:
        return b""
    written = dump(orjson.loads(text)).value_or(b"").removesuffix(b"\n")
    room_for(len(written))
    return written


def from_yaml(ambient: Ambient, text: bytes) -> dict[bytes, Value]:
    ambient.meter.spend(len(text) * _READING)
    match load_map(text):
        case Success(members):
            return {key.encode(): _own(value) for key, value in members.items()}
        case failed:
            return {b"Error": failed.failure().full.encode("utf-8", "replace")}


def _own(value: Json) -> Value:
    """A JSON value as one of templates."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return [_own(item) for item in value]
    if isinstance(value, dict):
        return {key.encode(): _own(item) for key, item in value.items()}
    return value


TABLE: Mapping[str, Function] = {
    "toYaml": Function("func(interface {}) string", to_yaml),
    "fromYaml": Function("func(string) map[string]interface {}", from_yaml, ambient=True),
}
