"""What pushes of all providers share: the value that is written, and the metadata of a PushSecret.

Rules of the reference: ``runtime/esutils/utils.go: ExtractSecretData``, ``runtime/esutils/metadata``, and the *managed tag*, which guards
what the operator did not create.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from returns.result import Failure as Wrong
from returns.result import Result, Success

from eso_core.api.parse import parse
from eso_core.api.types import Model, Strings
from eso_core.compat.gofmt import format_float
from eso_core.compat.gojson import marshal_strings
from eso_core.door import Delete, Exists, Failed, Push
from eso_core.failure import Broken, InvalidSpec, Missing
from eso_core.secret import SecretBytes

M = TypeVar("M", bound=Model)

MANAGED_BY: Final = "managed-by"
MANAGED_BY_US: Final = "external-secrets"
"""Name and value of the tag that created secrets carry, and that an update or a deletion demands."""
NOT_MANAGED: Final = Failed(InvalidSpec("secret not managed by external-secrets"))
TEXTS: Final = (str, Strings, dict[str, str], tuple[str, ...], tuple[str, ...] | None)
"""Types of members that are texts, or hold nothing else."""
API_VERSION: Final = "kubernetes.external-secrets.io/v1alpha1"
KIND: Final = "PushSecretMetadata"


def push_value(push: Push) -> Result[SecretBytes, Failed]:
    """The bytes under ``secret_key``, or, without one, all keys as a JSON object of texts: sorted, nothing escaped for HTML."""
    if push.secret_key:
        value = push.source.data.get(push.secret_key)
        return Success(value) if value is not None else Wrong(Failed(Missing(f'the pushed Secret has no key "{push.secret_key}"')))
    return Success(SecretBytes(marshal_strings({key: value.reveal() for key, value in push.source.data.items()})))


def push_metadata(push: Push | Delete | Exists, into: type[M]) -> Result[M, Failed]:
    """The ``spec`` of the metadata as a model, with nothing set where there is none.

    A wrong ``apiVersion`` or ``kind`` and unknown fields are refused; no value is repeated. As in the reference, which reads it as YAML,
    names may be written in another case, and numbers and booleans stand for texts where a text is wanted.
    """
    held: Mapping[str, Any] = push.metadata if push.metadata is not None else {"apiVersion": API_VERSION, "kind": KIND}
    if held.get("apiVersion") != API_VERSION:
        return _wrong(f"must be {API_VERSION}", "metadata.apiVersion")
    if held.get("kind") != KIND:
        return _wrong(f"must be {KIND}", "metadata.kind")
    unknown = sorted(set(held) - {"apiVersion", "kind", "spec"})
    spec = held.get("spec") if held.get("spec") is not None else {}
    if not isinstance(spec, Mapping):
        return _wrong("must be an object", "metadata.spec")
    fields = {(info.alias or name).lower(): (info.alias or name, info.annotation) for name, info in into.model_fields.items()}
    spec = {fields[name.lower()][0] if name.lower() in fields else name: value for name, value in spec.items()}
    unknown += sorted(f"spec.{name}" for name in set(spec) - {alias for alias, _ in fields.values()})
    if unknown:
        return _wrong("is not known", f"metadata.{unknown[0]}")
    texts = {alias for alias, kind in fields.values() if kind in TEXTS}
    return parse(into, {name: _as_text(value) if name in texts else value for name, value in spec.items()}).alt(
        lambda faults: Failed(InvalidSpec(faults.summary(), "metadata.spec"))
    )


def _as_text(value: Any) -> Any:
    """``value`` with its numbers and booleans as Go's YAML writes them where it reads a text."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return format_float(value, "g", -1)
        case dict():
            return {name: _as_text(inner) for name, inner in value.items()}
        case list():
            return [_as_text(inner) for inner in value]
        case _:
            return value


def unwritten(what: str) -> Failed:
    """A value that cannot be written as it is; ``what`` goes on from "the pushed value"."""
    return Failed(Broken(f"the pushed value {what}"))


def _wrong(what: str, path: str) -> Result[Any, Failed]:
    return Wrong(Failed(InvalidSpec(what, path)))
