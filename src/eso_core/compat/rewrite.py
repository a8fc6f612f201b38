"""`dataFrom[].rewrite`: new names for fetched keys, or several JSON objects merged into one.

Source: `runtime/esutils/utils.go` RewriteMap, RewriteRegexp, RewriteTransform, RewriteMerge. Where the reference lets a random one of
several colliding keys win, the last in byte order wins here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from returns.result import Failure, Result, Success

from eso_core.compat.gojson import Json, marshal, parse_object
from eso_core.compat.regexp import compile_pattern
from eso_core.compat.text import quote
from eso_core.compat.values import get_byte_values

OUTPUT_MAX = 64 << 20  # bytes of all keys and values together

Data: TypeAlias = Mapping[str, bytes]
Rewritten: TypeAlias = Result[dict[str, bytes], str]
Rename: TypeAlias = Callable[[str], Result[str, str]]
"""key -> new key. The failure says what failed: `failed to execute template for key "a": ...`."""

Render: TypeAlias = Callable[[str], Result[Rename, str]]
"""template -> what renames by it, or `failed to parse template: ...`, which is so without any key, too."""


class Regexp(Protocol):
    """`rewrite[].regexp`."""

    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...


class Transform(Protocol):
    """`rewrite[].transform`."""

    @property
    def template(self) -> str: ...


class Merge(Protocol):
    """`rewrite[].merge`."""

    @property
    def into(self) -> str: ...
    @property
    def priority(self) -> Sequence[str]: ...
    @property
    def priority_policy(self) -> str: ...
    @property
    def conflict_policy(self) -> str: ...
    @property
    def strategy(self) -> str: ...


class Operation(Protocol):
    """One entry of `rewrite`. Of several members that are set, `merge` counts first, then `regexp`."""

    @property
    def merge(self) -> Merge | None: ...
    @property
    def regexp(self) -> Regexp | None: ...
    @property
    def transform(self) -> Transform | None: ...


def rewrite_map(operations: Sequence[Operation], data: Data, render: Render) -> Rewritten:
    """`data` after all operations, in order."""
    out = dict(data)
    for index, operation in enumerate(operations):
        match _apply(operation, out, render).bind(_bounded):
            case Success(rewritten):
                out = rewritten
            case Failure(fault):
                return Failure(f"failed rewrite operation[{index}]: {fault}")
    return Success(out)


def rewrite_regexp(operation: Regexp, data: Data) -> Rewritten:
    """Every key after `ReplaceAllString(key, target)`."""
    compiled = compile_pattern(operation.source).alt(lambda fault: f"regexp failed with failed to compile: {fault}")
    return compiled.bind(lambda pattern: _renamed(data, lambda key: pattern.replace_all(key, operation.target)))


def rewrite_transform(operation: Transform, data: Data, render: Render) -> Rewritten:
    """Every key replaced by its rendered template."""
    renamed = render(operation.template).bind(lambda rename: _renamed(data, rename))
    return renamed.alt(lambda fault: f"transform failed with {fault}")


def rewrite_merge(operation: Merge, data: Data) -> Rewritten:
    """The members of all values, or (strategy JSON) the values and their union under `into`."""
    merged = _merged(operation, data).bind(lambda pair: _conflict_free(operation, *pair))
    return merged.bind(lambda union: _shaped(operation, data, union))


def _apply(operation: Operation, data: Data, render: Render) -> Rewritten:
    if operation.merge is not None:
        return rewrite_merge(operation.merge, data)
    if operation.regexp is not None:
        return rewrite_regexp(operation.regexp, data)
    if operation.transform is not None:
        return rewrite_transform(operation.transform, data, render)
    return Success(dict(data))


def _bounded(data: dict[str, bytes]) -> Rewritten:
    size = sum(len(key) + len(value) for key, value in data.items())
    return Success(data) if size <= OUTPUT_MAX else Failure(f"result exceeds {OUTPUT_MAX} bytes")


def _renamed(data: Data, name: Rename) -> Rewritten:
    out: dict[str, bytes] = {}
    for key in sorted(data):
        match name(key):
            case Success(renamed):
                out[renamed] = data[key]
            case Failure(fault):
                return Failure(fault)
    return Success(out)


def _merged(operation: Merge, data: Data) -> Result[tuple[dict[str, Json], list[str]], str]:
    """(union, keys seen twice): keys without priority in byte order, then `priority`, so that its last entry wins."""
    union: dict[str, Json] = {}
    conflicts: list[str] = []
    for key in [*sorted(key for key in data if key not in operation.priority), *operation.priority]:
        if key not in data:
            if operation.priority_policy == "IgnoreNotFound":
                continue
            return Failure(f"merge failed with key {quote(key)} not found in input map")
        match parse_object(data[key]):
            case Success(members):
                conflicts += sorted(members.keys() & union.keys())
                union |= members
            case Failure(fault):
                return Failure(f"merge failed with failed to unmarshal JSON: {fault}")
    return Success((union, conflicts))


def _conflict_free(operation: Merge, union: dict[str, Json], conflicts: list[str]) -> Result[dict[str, Json], str]:
    if conflicts and operation.conflict_policy != "Ignore":
        return Failure(f"merge failed with conflicts: {', '.join(conflicts)}")
    return Success(union)


def _shaped(operation: Merge, data: Data, union: dict[str, Json]) -> Rewritten:
    match operation.strategy:
        case "" | "Extract":
            return get_byte_values(union).alt(lambda fault: f"merge failed with failed to convert value to []byte: {fault}")
        case "JSON":
            if not operation.into:
                return Failure("merge failed with missing 'into' field")
            return Success({**data, operation.into: marshal(union, escape_html=False)})
        case _:
            return Success({})
