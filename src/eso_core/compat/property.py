"""`remoteRef.property`: one value out of a secret, in the dialect of each provider.

    fake                          gjson; nothing there: the secret does not exist
    vault                         a key of the data object, else gjson on the object's JSON
    aws (both services), gcp      first as one literal key (dots escaped), then as a path; gcp wants valid JSON
    azure                         the same the other way round
    kubernetes                    a key of the Secret, else `key.path` into the JSON under that key

An empty property is the whole secret (for kubernetes see `whole_kubernetes`). Source: GetSecret of `providers/v1/<name>`.
"""

import base64
import binascii
from collections.abc import Callable, Mapping

from returns.result import Failure, Result, Success

from eso_core.compat import gjson
from eso_core.compat.gojson import Json, is_valid, marshal, marshal_strings, parse_object
from eso_core.compat.text import quote, to_bytes
from eso_core.compat.values import get_byte_value

NO_SECRET = "Secret does not exist"
"""The one error that a deletion policy acts on (`NoSecretErr`)."""


def property_gjson(secret: bytes, path: str) -> Result[bytes | None, str]:
    """*gjson*: the text of what `path` finds, None if it finds nothing."""
    return gjson.get(secret, path).map(lambda found: found.string if found.exists else None)


def property_gjson_escaped(secret: bytes, path: str) -> Result[bytes | None, str]:
    """*gjson-esc*: `path` as a single key first, if it holds a dot; then as a path."""
    literal = property_gjson(secret, gjson.escape_dots(path)) if "." in path else Success(None)
    return literal.bind(lambda found: property_gjson(secret, path) if found is None else Success(found))


def property_fake(secret: bytes, path: str) -> Result[bytes, str]:
    """Provider `fake`."""
    return property_gjson(secret, path).bind(_or_missing(NO_SECRET)) if path else Success(secret)


def property_vault(data: "Mapping[str, Json] | None", path: str) -> Result[bytes, str]:
    """Provider `vault`. `data` is the data object, read with `Numbers.TEXT`; None if the store has none."""
    if data is None:
        return Failure(NO_SECRET)
    if path and path in data:
        return get_byte_value(data[path])
    text = marshal(dict(data))
    return property_gjson(text, path).bind(_or_missing(f"cannot find secret data for key: {quote(path)}")) if path else Success(text)


def property_aws(secret: bytes, path: str, key: str) -> Result[bytes, str]:
    """Provider `aws`, services SecretsManager and ParameterStore."""
    return property_gjson_escaped(secret, path).bind(_or_missing(f"key {path} does not exist in secret {key}")) if path else Success(secret)


def property_gcp(secret: bytes, path: str, key: str) -> Result[bytes, str]:
    """Provider `gcpsm`. A leading dot keeps a path from being tried as one key."""
    if not path:
        return Success(secret)
    if not is_valid(secret):
        return Failure("unable to unmarshal secret from JSON")
    found = property_gjson(secret, path) if path.startswith(".") else property_gjson_escaped(secret, path)
    return found.bind(_or_missing(f"key {path} does not exist in secret {key}"))


def property_azure(secret: bytes, path: str, key: str) -> Result[bytes, str]:
    """Provider `azurekv`."""
    if not path:
        return Success(secret)
    plain = property_gjson(secret, path)
    both = plain.bind(lambda found: property_gjson(secret, gjson.escape_dots(path)) if found is None and "." in path else Success(found))
    return both.bind(_or_missing(f"property {path} does not exist in key {key}"))


def property_kubernetes(data: Mapping[str, bytes], path: str, key: str) -> Result[bytes, str]:
    """Provider `kubernetes`: from a Secret's data. `key` is the name of the Secret; an empty `path` is a key like any other."""
    if path in data:
        return Success(data[path])
    name, _, rest = path.partition(".")
    missing = f"property {path} does not exist in data of secret {quote(key)}"
    if not (name and rest and name in data):
        return Failure(missing)
    return property_gjson(data[name], rest).bind(_or_missing(missing))


def property_kubernetes_metadata(
    labels: Mapping[str, str] | None, annotations: Mapping[str, str] | None, path: str, key: str
) -> Result[bytes, str]:
    """Provider `kubernetes`, `metadataPolicy: Fetch`: `labels`, `annotations.<name>` or `labels.<name>.<path>`.

    A name ends at its first dot, and the dots of the path behind it are dropped, as in the reference.
    """
    kind, *rest = path.split(".")
    missing = f"property {path} does not exist in metadata of secret {quote(key)}"
    if kind not in ("labels", "annotations"):
        return Failure(missing)
    metadata = labels if kind == "labels" else annotations
    if not rest:
        return Success(marshal(_strings(metadata), escape_html=False))
    value = (metadata or {}).get(rest[0])
    if value is None:
        return Failure(missing)
    if len(rest) == 1:
        return Success(to_bytes(value))
    return property_gjson(to_bytes(value), "".join(rest[1:])).bind(_or_missing(missing))


def whole_kubernetes(data: Mapping[str, bytes]) -> bytes:
    """Provider `kubernetes`, no property: the Secret's data as a JSON object of strings."""
    return marshal_strings(data)


def whole_kubernetes_metadata(labels: Mapping[str, str] | None, annotations: Mapping[str, str] | None) -> bytes:
    """Provider `kubernetes`, `metadataPolicy: Fetch`, no property."""
    return marshal({"labels": _strings(labels), "annotations": _strings(annotations)}, escape_html=False)


def property_map_kubernetes(data: Mapping[str, bytes], path: str, key: str) -> Result[dict[str, bytes], str]:
    """Provider `kubernetes`, GetSecretMap with a property: the members of the JSON object that the property holds, as JSON."""
    text = marshal({name: base64.b64encode(value).decode() for name, value in data.items()}, escape_html=False)
    found = property_gjson_escaped(text, path).bind(_or_missing(f"property {path} does not exist in key {key}"))
    return found.bind(_members)


def vault_path(key: str, mount: str | None, v2: bool) -> str:
    """Path of a secret's data (`vault/client_get.go:buildPath`). `mount` is the store's `path`."""
    if mount is not None:
        rest = key.removeprefix(mount + "/")
        if v2 and len(rest) < len(key):
            rest = rest.removeprefix("data/")
        return f"{mount}/data/{rest}" if v2 else f"{mount}/{rest}"
    if not v2 or "/data/" in key:
        return key
    first, slash, rest = key.partition("/")
    return f"{first}/data{slash}{rest}"


def vault_metadata_path(key: str, mount: str | None, v2: bool) -> Result[str, str]:
    """Path of a secret's metadata (`vault/client_get.go:buildMetadataPath`)."""
    if not v2:
        return Success(f"{mount or ''}/{key}")
    if mount is not None:
        return Success(f"{mount}/metadata/{key}")
    if "data" not in key:
        return Failure("provided Path isn't a valid kv v2 path")
    return Success(key.replace("/data/", "/metadata/", 1))


def _or_missing(fault: str) -> Callable[[bytes | None], Result[bytes, str]]:
    """Turns "nothing found" into the provider's error."""
    return lambda found: Failure(fault) if found is None else Success(found)


def _strings(metadata: Mapping[str, str] | None) -> Json:
    """A missing map is JSON null."""
    return None if metadata is None else dict(metadata)


def _members(encoded: bytes) -> Result[dict[str, bytes], str]:
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return Failure("illegal base64 data")
    parsed = parse_object(decoded).alt(lambda _: "failed to unmarshal secret: invalid JSON format")
    return parsed.map(lambda value: {name: marshal(item, escape_html=False) for name, item in value.items()})
