"""The hash that ties a Secret to its ExternalSecret.

Lower-case hex of SHA3-224 over the UTF-8 of Go's `%+v` (`runtime/esutils/utils.go:ObjectHash`). It decides whether a settled cluster
is left alone, so it must not change in a single byte.
"""

import hashlib
from collections.abc import Mapping

from returns.result import Failure, Result, Success

from eso_core.compat.gofmt import Printable, bytes_map_text, plus_v, string_map_text
from eso_core.compat.text import to_bytes

FIELD_OWNER = "externalsecrets.external-secrets.io/"
FIELD_OWNER_MAX = 63  # bytes


def text_hash(text: str) -> str:
    """SHA3-224 of `text`, 56 hex digits."""
    return hashlib.sha3_224(to_bytes(text)).hexdigest()


def object_hash(value: Printable) -> str:
    """`ObjectHash` of any value."""
    return text_hash(plus_v(value))


def data_hash(data: Mapping[str, bytes]) -> str:
    """`ObjectHash` of a Secret's data: the annotation `reconcile.external-secrets.io/data-hash`."""
    return text_hash(bytes_map_text(data))


def meta_hash(annotations: Mapping[str, str] | None, labels: Mapping[str, str] | None) -> str:
    """`pkg/controllers/util/util.go:HashMeta`. Absent and empty maps are equal."""
    return text_hash(f"{{annotations:{string_map_text(annotations)} labels:{string_map_text(labels)}}}")


def resource_version(generation: int, annotations: Mapping[str, str] | None, labels: Mapping[str, str] | None) -> str:
    """`status.syncedResourceVersion` of an object with this metadata."""
    return f"{generation}-{meta_hash(annotations, labels)}"


def owner_label(namespace: str, name: str) -> str:
    """Value of the label `reconcile.external-secrets.io/created-by`."""
    return text_hash(f"{namespace}/{name}")


def field_owner(name: str) -> str:
    """Field manager of the Secret of the ExternalSecret `name` (`externalsecret/util.go:fqdnFor`)."""
    plain = FIELD_OWNER + name
    return plain if len(to_bytes(plain)) <= FIELD_OWNER_MAX else f"{FIELD_OWNER}sha3/{text_hash(name)}"


def generic_target_hash(target: Mapping[str, Printable]) -> Result[str, str]:
    """Hash of a target that is not a Secret: of `.spec`, or of `.data` where `.spec` is absent or null."""
    for field in ("spec", "data"):
        content = target.get(field)
        if content is not None:
            return Success(object_hash(content))
    return Failure("generic target content does not have a spec or data field for content hashing")
