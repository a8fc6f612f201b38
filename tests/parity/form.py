"""How vectors write values, and what an adapter is."""

import base64
from collections.abc import Callable
from typing import Any, TypeAlias

from returns.result import Result

Adapter: TypeAlias = Callable[[dict[str, Any]], Result[Any, str]]
"""From a vector's `args` to what our code makes of them. It calls the code and re-implements no rule of it."""


class NotBuilt(Exception):
    """The vector needs something that does not exist yet."""


def raw(value: Any) -> bytes:
    """The bytes a vector writes as a string or as {"b64": ...}."""
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode("utf-8", "surrogatepass")


def raw_map(value: dict[str, Any] | None) -> dict[str, bytes]:
    return {key: raw(item) for key, item in (value or {}).items()}


def plain(value: Any) -> Any:
    """`value` as a vector writes it."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def same(got: Any, want: Any) -> bool:
    """Equal, where a null and an empty result, map or list do not differ."""
    return _bare(got) == _bare(want) or (not got and not want and (got is None or want is None))


def _bare(value: Any) -> Any:
    """`value` with nulls for its empty lists and maps."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items()} or None
    return ([_bare(item) for item in value] or None) if isinstance(value, list) else value
