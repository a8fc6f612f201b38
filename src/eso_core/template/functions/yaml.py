"""YAML over the values of templates (source: ``runtime/template/v2/yaml.go``).

``toYaml`` writes what ``toJson`` would, read as YAML and written again, without its last line feed; nothing where either fails.
``fromYaml`` always gives a map: what is wrong is told under its key ``Error``. Numbers that are read are float64.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson
from returns.result import Success

from eso_core.compat.gojson import Json
from eso_core.compat.goyaml import dump, load_map
from eso_core.template.errors import FunctionError, LimitExceeded
from eso_core.template.functions.json import must_to_json
from eso_core.template.limits import Ambient, Meter, room_for
from eso_core.template.values import Function, Value

_BYTE, _MARK = 200, 6_000  # work of a byte, and of what begins a node
_MARKS = (b"\n", b"- ", b": ", b",", b"[", b"{")
_ALIAS, _ALIASES = re.compile(rb"[\s\[{,:-]\*[^\s,\]}]"), 25_000_000  # what aliases stand for may be much


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


def weigh_yaml(meter: Meter, text: bytes) -> None:
    """Charge for YAML that is to be read, which Python does slowly."""
    meter.spend(len(text) * _BYTE + _MARK * sum(map(text.count, _MARKS)))
    if b"*" in text and _ALIAS.search(text):
        meter.spend(_ALIASES)


def from_yaml(ambient: Ambient, text: bytes) -> dict[bytes, Value]:
    weigh_yaml(ambient.meter, text)
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
