"""From nodes to values (source: go-yaml v2.4 ``decode.go``, sigs.k8s.io/yaml v1.6 ``convertToJSONableObject``).

The reference's values go through four forms: nodes, Go values with keys of any type, JSON, and what the JSON is read into. Here the second
is a *raw* value, whose keys are strings or ``(type, value)``: ``1``, ``1.0`` and ``true`` are different keys until they are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

from eso_core.compat.decode import decode as decode_base64
from eso_core.compat.gofmt import float_v
from eso_core.compat.gojson import Json, Numbers
from eso_core.compat.goyaml import parser, quick
from eso_core.compat.goyaml.fault import Refused
from eso_core.compat.goyaml.resolve import BINARY, MERGE, as_key, float32_text, resolve
from eso_core.compat.text import go_text, quote

VALUES_MAX = 100_000  # of one document, aliases expanded; the library has a ratio alone
ALIASED_MAX = 10_000  # of these, values that aliases stand for
_RATIO_LOW, _RATIO_HIGH = 400_000, 4_000_000  # values from which less, and least, of them may come from aliases
_INT64: Final = 1 << 63
_PLAIN_FLOAT = 1e21  # from which on JSON has an exponent

Raw: TypeAlias = Any  # None, bool, int, float, str, list[Raw] or dict[str | tuple[type, Scalar], Raw]


def raw_value(data: bytes) -> Raw:
    """``yaml.Unmarshal`` into an ``interface {}``. Raises :class:`Refused`."""
    found = quick.read(data)
    return found if found is not None else scanned(data)


def scanned(data: bytes) -> Raw:
    """The same by the scanner, whatever ``data`` is."""
    root = parser.compose(data)
    return _Decoder().value(root) if root is not None else None


def _resolved(tag: str, text: str) -> Raw:
    kind, value = resolve(tag, text)
    if kind != BINARY:
        return value
    data = decode_base64("Base64", text.encode("utf-8", "surrogateescape")).value_or(None)
    if data is None:
        raise Refused("!!binary value contains invalid base64 data")
    return go_text(data)


class _Decoder:
    """Counts values as the library does, which refuses documents that consist of aliases."""

    def __init__(self) -> None:
        self.count = self.aliased = self.alias_depth = 0
        self.open: set[parser.Alias] = set()

    def _spend(self) -> None:
        self.count += 1
        if self.alias_depth:
            self.aliased += 1
        if self.aliased > 100 and self.count > 1000 and self.aliased / self.count > _allowed(self.count):
            raise Refused("document contains excessive aliasing")
        if self.aliased > ALIASED_MAX:
            raise Refused("document contains excessive aliasing")
        if self.count > VALUES_MAX:
            raise Refused(f"document has more than {VALUES_MAX} values")

    def value(self, node: parser.Node) -> Raw:
        self._spend()
        if isinstance(node, parser.Scalar):
            if node.implicit or node.tag:
                return _resolved(node.tag, node.value)
            return node.value
        if isinstance(node, parser.Sequence):
            return [self.value(item) for item in node.items]
        if isinstance(node, parser.Mapping):
            out: dict[Any, Raw] = {}
            self._fill(node, out)
            return out
        self._enter(node)
        found = self.value(node.node)
        self._leave(node)
        return found

    def _enter(self, alias: parser.Alias) -> None:
        if alias in self.open or len(self.open) >= parser.DEPTH_MAX:
            raise Refused("anchor", f" '{alias.name}' value contains itself")
        self.open.add(alias)
        self.alias_depth += 1

    def _leave(self, alias: parser.Alias) -> None:
        self.alias_depth -= 1
        self.open.remove(alias)

    def _fill(self, node: parser.Mapping, out: dict[Any, Raw]) -> None:
        items = iter(node.items)
        for key, item in zip(items, items, strict=True):
            if isinstance(key, parser.Scalar) and key.value == "<<" and (key.implicit or key.tag == MERGE):
                self._merge(item, out)
                continue
            name = self.value(key)
            if isinstance(name, dict | list):
                raise Refused("invalid map key", ": " + go_syntax(name))
            out[as_key(name)] = self.value(item)

    def _merge(self, node: parser.Node, out: dict[Any, Raw]) -> None:
        sources = node.items[::-1] if isinstance(node, parser.Sequence) else [node]  # earlier ones win
        for source in sources:
            target = source.node if isinstance(source, parser.Alias) else source
            if not isinstance(target, parser.Mapping):
                raise Refused("map merge requires map or sequence of maps as the value")
            self._spend()
            if isinstance(source, parser.Alias):
                self._enter(source)
                self._spend()
                self._fill(target, out)
                self._leave(source)
            else:
                self._fill(target, out)


def _allowed(count: int) -> float:
    """The part of ``count`` values that may come from aliases."""
    if count <= _RATIO_LOW:
        return 0.99
    return 0.10 if count >= _RATIO_HIGH else 0.99 - 0.89 * ((count - _RATIO_LOW) / (_RATIO_HIGH - _RATIO_LOW))


def to_json(raw: Raw, numbers: Numbers) -> Json:
    """A raw value as its JSON is read. Raises :class:`Refused`."""
    shown = _with_text_keys(raw)
    _check_finite(shown)
    return _finished(shown, numbers)


def to_strings(raw: Raw) -> dict[str, str]:
    """A raw value as ``map[string]string``: numbers and booleans as text, null empty. Raises :class:`Refused`."""
    shown = _with_text_keys(raw)
    if isinstance(shown, dict):
        shown = {key: _as_text(value) for key, value in shown.items()}
    _check_finite(shown)
    members = as_map(shown, "map[string]string")
    for key in sorted(members):
        if not isinstance(members[key], str | None):
            raise Refused(_UNMARSHAL + f"{_kind(members[key])} into Go value of type string")
    return {key: cast("str | None", value) or "" for key, value in members.items()}


def as_map(value: Json, target: str) -> dict[str, Json]:
    """``value`` as JSON is read into a map of the Go type ``target``. Raises :class:`Refused`."""
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise Refused(_UNMARSHAL + f"{_kind(value)} into Go value of type {target}")


_UNMARSHAL = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "


def _kind(value: Json) -> str:
    kinds = ((bool, "bool"), (str, "string"), (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "number")


def _as_text(value: Raw) -> Raw:
    """A number or boolean as text: a float as a float32."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return float32_text(value) if isinstance(value, float) else value


def _with_text_keys(raw: Raw) -> Json:
    if isinstance(raw, list):
        return [_with_text_keys(item) for item in raw]
    if isinstance(raw, dict):
        return {key if isinstance(key, str) else _key_text(key[1], item): _with_text_keys(item) for key, item in raw.items()}
    return cast(Json, raw)


def _key_text(key: Raw, value: Raw) -> str:
    if key is None or (isinstance(key, int) and key >= _INT64):
        kind = "%!s(<nil>)" if key is None else "uint64"
        shown = "<nil>" if key is None else go_syntax(key)
        raise Refused(f"unsupported map key of type: {kind}", f", key: {shown}, value: {'<nil>' if value is None else go_syntax(value)}")
    text = cast(str, _as_text(key))
    return {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(text, text) if isinstance(key, float) else text


def _check_finite(value: Json) -> None:
    """JSON has no NaN and no infinity. Keys are looked through in order, as JSON has them."""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise Refused(f"json: unsupported value: {float_v(value)}")
    elif isinstance(value, list):
        for item in value:
            _check_finite(item)
    elif isinstance(value, dict):
        for key in value if len(value) < 2 else sorted(value):
            _check_finite(value[key])


def _finished(value: Json, numbers: Numbers) -> Json:
    if isinstance(value, dict):
        return {key: _finished(item, numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [_finished(item, numbers) for item in value]
    if type(value) is int:
        return value if numbers is Numbers.KUBERNETES and value < _INT64 else float(value)
    if type(value) is float and numbers is Numbers.KUBERNETES and value.is_integer() and abs(value) < _PLAIN_FLOAT:
        return int(value) if -_INT64 <= value < _INT64 else value
    return value


def go_syntax(value: Raw) -> str:
    """``%#v``; map keys in the order in which ``fmt`` prints them."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value < _INT64 else f"0x{value:x}"
    if isinstance(value, float):
        return float_v(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(map(go_syntax, value)) + "}"
    members = _ordered(value)
    return "map[interface {}]interface {}{" + ", ".join(f"{go_syntax(key)}:{go_syntax(item)}" for key, item in members) + "}"


def _ordered(raw: Mapping[Any, Raw]) -> list[tuple[Raw, Raw]]:
    members = [(key if isinstance(key, str) else key[1], item) for key, item in raw.items()]
    kinds = (type(None), bool, int, float, str)
    return sorted(members, key=lambda member: (kinds.index(type(member[0])), member[0] if member[0] is not None else 0))
