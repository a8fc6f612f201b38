"""Adapters of `eso_core/compat`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from returns.result import Failure, Result, Success

from eso_core.compat import cron, decode, duration, gjson, gofmt, gojson, gotime, hash, keys, property, regexp, rewrite, values
from eso_core.stages.templates import transformer
from tests.parity.form import Adapter, NotBuilt, raw, raw_map
from tests.rewrites import Merge, Operation, Regexp, Transform
from tests.unit.core.objects import ambient


def _object_hash(args: dict[str, Any]) -> Result[Any, str]:
    match args["type"]:
        case "bytes_map":
            return Success(hash.data_hash(raw_map(args["value"])))
        case "string_map" | "string" | "nil":
            return Success(hash.object_hash(args.get("value")))
        case "object":
            return gojson.parse(raw(args["json"]), gojson.Numbers.KUBERNETES).map(hash.object_hash)
        case kind:
            raise NotBuilt(f"object_hash {kind}")


def _generic_target_hash(args: dict[str, Any]) -> Result[Any, str]:
    return gojson.parse_object(raw(args["json"]), gojson.Numbers.KUBERNETES).bind(hash.generic_target_hash)


def _get_byte_value(args: dict[str, Any]) -> Result[Any, str]:
    text = raw(args["json"])
    match args["type"]:
        case "json":
            return gojson.parse(text).bind(values.get_byte_value)
        case "json_number":
            return gojson.parse(text, gojson.Numbers.TEXT).bind(values.get_byte_value)
        case "raw":
            return values.get_byte_value(text)
        case "bytes":
            return values.get_byte_value(raw(json.loads(text)))
        case "strings":
            return values.get_byte_value(tuple(json.loads(text)))
        case "int64":
            return gojson.parse(text, gojson.Numbers.KUBERNETES).bind(values.get_byte_value)
        case kind:  # Go types that have no counterpart here
            return Failure(f"can not handle secret value with type: {kind}")


def _null_byte_policy(args: dict[str, Any]) -> Result[Any, str]:
    if "key" in args:
        return decode.check_null_bytes(args["policy"], args["key"], raw(args["value"]))
    return decode.check_null_bytes_map(args["policy"], raw_map(args["data"]))


def _json_field(args: dict[str, Any], parsed: Callable[[str], Result[Any, str]], null: Result[Any, str]) -> Result[Any, str]:
    return gojson.parse_string(raw(args["json"])).bind(lambda text: null if text is None else parsed(text))


def _duration_field(args: dict[str, Any]) -> Result[Any, str]:
    shown = _json_field(args, duration.parse_duration, duration.parse_duration(""))
    return shown.map(lambda ns: {"json": json.dumps(duration.format_duration(ns), ensure_ascii=False), "ns": str(ns)})


def _parse_duration(args: dict[str, Any]) -> Result[Any, str]:
    return duration.parse_duration(args["s"]).map(
        lambda ns: {"ns": str(ns), "seconds": _seconds(ns), "string": duration.format_duration(ns)}
    )


def _seconds(ns: int) -> int | float:
    value = float(gofmt.float_f(ns / duration.SECOND))
    return int(value) if value.is_integer() else value


def _time_field(args: dict[str, Any]) -> Result[Any, str]:
    return _json_field(args, gotime.parse_time, Success(gotime.ZERO)).map(
        lambda at: {"json": gotime.time_json(at), "unix": at // duration.SECOND, "zero": at == gotime.ZERO}
    )


def _find_match(args: dict[str, Any]) -> Result[Any, str]:
    return regexp.find_matcher(args["regexp"]).map(lambda pattern: [name for name in args["names"] if pattern.matches(name)])


def _operation(spec: dict[str, Any]) -> Operation:
    merge = spec.get("merge")
    return Operation(
        merge=None
        if merge is None
        else Merge(
            merge.get("into", ""),
            tuple(merge.get("priority") or ()),
            merge.get("priorityPolicy", ""),
            merge.get("conflictPolicy", ""),
            merge.get("strategy", ""),
        ),
        regexp=Regexp(**spec["regexp"]) if spec.get("regexp") is not None else None,
        transform=Transform(**spec["transform"]) if spec.get("transform") is not None else None,
    )


def _rewrite_map(args: dict[str, Any]) -> Result[Any, str]:
    return rewrite.rewrite_map([_operation(spec) for spec in args["operations"] or ()], raw_map(args["in"]), transformer(ambient()))


def _gjson(args: dict[str, Any]) -> Result[Any, str]:
    return gjson.get(raw(args["json"]), args["path"]).map(
        lambda found: {"exists": found.exists, "raw": found.raw, "string": found.string, "type": found.kind}
    )


def _property(args: dict[str, Any]) -> Result[Any, str]:
    secret, path = raw(args["secret"]), args["property"]
    match args["provider"]:
        case "fake":
            return property.property_fake(secret, path)
        case "vault":
            parsed = gojson.parse(secret, gojson.Numbers.TEXT).bind(_vault_data)
            return parsed.bind(lambda data: property.property_vault(data, path))
        case "aws_secretsmanager" | "aws_parameterstore":
            return property.property_aws(secret, path, "key")
        case "gcp":
            return property.property_gcp(secret, path, "key")
        case "azure":
            return property.property_azure(secret, path, "key")
        case provider:
            raise NotBuilt(f"property {provider}")


def _vault_data(value: Any) -> Result[Any, str]:
    return Success(value) if value is None or isinstance(value, dict) else Failure("failed to unmarshall JSON")


def _kubernetes_get(args: dict[str, Any]) -> Result[Any, str]:
    if args["metadataPolicy"] == "Fetch":
        return property.property_kubernetes_metadata(args.get("labels"), args.get("annotations"), args["property"], "key")
    return property.property_kubernetes(raw_map(args["data"]), args["property"], "key")


def _zone(name: str) -> cron.Offset | None:
    """A zone's rules from the system's time zone database."""
    if not name:
        return cron.utc
    try:
        zone = ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError):
        return None
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return lambda at: int((epoch + timedelta(seconds=at)).astimezone(zone).utcoffset().total_seconds())


def _cron_next(args: dict[str, Any]) -> Result[Any, str]:
    offset, at = _zone(args["zone"]), gotime.parse_time(args["from"]).unwrap()
    assert offset is not None

    def firings(schedule: cron.Schedule) -> list[str]:
        out: list[str] = []
        after: int | None = at
        while len(out) < args["n"] and after is not None:
            after = cron.next_time(schedule, after, offset)
            out.append("" if after is None else _local(after, offset))
        return out

    return cron.parse_schedule(args["schedule"], _zone).map(firings)


def _local(at: int, offset: cron.Offset) -> str:
    east = offset(at // duration.SECOND)
    shown = gotime.format_time(at + east * duration.SECOND)[:-1]
    return shown + (f"{'+' if east > 0 else '-'}{abs(east) // 3600:02d}:{abs(east) // 60 % 60:02d}" if east else "Z")


def _within_sync_window(args: dict[str, Any]) -> Result[Any, str]:
    offset, at = _zone(args["zone"]), gotime.parse_time(args["at"]).unwrap()
    assert offset is not None
    length = duration.parse_duration(args["duration"]).unwrap()
    return cron.parse_schedule(args["schedule"], _zone).map(lambda schedule: cron.within_window(schedule, length, at, offset))


def _refresh_allowed(args: dict[str, Any]) -> Result[Any, str]:
    spec = args["syncWindows"] or {"kind": "", "windows": []}
    windows = [(window["schedule"], duration.parse_duration(window["duration"]).unwrap()) for window in spec["windows"] or ()]
    return Success(cron.refresh_allowed(spec["kind"], windows, gotime.parse_time(args["at"]).unwrap(), zones=_zone))


ADAPTERS: dict[str, Adapter] = {
    "convert_keys": lambda args: keys.convert_keys(args["strategy"], raw_map(args["in"])),
    "reverse_keys": lambda args: keys.reverse_keys(args["strategy"], raw_map(args["in"])),
    "validate_keys": lambda args: keys.validate_keys(raw_map(args["in"])).map(sorted),
    "decode": lambda args: decode.decode(args["strategy"], raw(args["in"])),
    "decode_map": lambda args: decode.decode_map(args["strategy"], raw_map(args["in"])),
    "null_byte_policy": _null_byte_policy,
    "object_hash": _object_hash,
    "generic_target_hash": _generic_target_hash,
    "resource_version": lambda args: Success(hash.resource_version(args["generation"], args.get("annotations"), args.get("labels"))),
    "field_owner": lambda args: Success(hash.field_owner(args["name"])),
    "owner_label": lambda args: Success(hash.owner_label(args["namespace"], args["name"])),
    "get_byte_value": _get_byte_value,
    "json_to_secret_data_map": lambda args: values.json_to_secret_data_map(raw(args["data"])),
    "json_marshal": lambda args: Success(gojson.marshal_strings(raw_map(args["data"]))),
    "extract_secret_data": lambda args: values.extract_secret_data(args["secretKey"], raw_map(args["data"])),
    "parse_duration": _parse_duration,
    "duration_field": _duration_field,
    "duration_string": lambda args: Success(duration.format_duration(int(args["ns"]))),
    "time_field": _time_field,
    "find_match": _find_match,
    "rewrite_map": _rewrite_map,
    "cron_next": _cron_next,
    "within_sync_window": _within_sync_window,
    "refresh_allowed_by_windows": _refresh_allowed,
    "gjson": _gjson,
    "property": _property,
    "kubernetes_get": _kubernetes_get,
    "kubernetes_property_map": lambda args: property.property_map_kubernetes(raw_map(args["data"]), args["property"], "key"),
    "vault_path": lambda args: Success(property.vault_path(args["path"], args["mount"], args["v2"])),
    "vault_metadata_path": lambda args: property.vault_metadata_path(args["path"], args["mount"], args["v2"]),
}
