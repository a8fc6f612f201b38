"""Adapters of the decisions: `eso_core/stages`, `target.py`, `watched.py` and the admission rules that hold at run time."""

import base64
import json
from typing import Any

from returns.result import Failure, Result, Success

from eso_core.api import ExternalSecret, Template, parse_external_secret
from eso_core.api.admission import template_errors
from eso_core.api.external_secret import SyncWindow, SyncWindows, Target
from eso_core.api.parse import parse
from eso_core.compat import duration, gotime, hash
from eso_core.effect import Gone, Present, Readable, Seen, World
from eso_core.failure import describe
from eso_core.instant import SECOND, Instant
from eso_core.machines.cache import Change
from eso_core.plan import At, OnChange, Requeue, SecretBody
from eso_core.refs import CONFIG_MAP, EXTERNAL_SECRET, SECRET, Ref
from eso_core.secret import SecretBytes
from eso_core.stages.due import Due, due, next_refresh, refreshed_at, version_of
from eso_core.stages.marks import content_hash, owned_labels, owners_of, refusal
from eso_core.stages.render import Rendered, render
from eso_core.stages.templates import template_sources
from eso_core.target import HASH_ANNOTATION, MANAGED_LABEL, TargetSeen, see_target
from eso_core.watched import watched
from tests.parity.form import Adapter, raw, raw_map
from tests.unit.core.objects import pieces_of

NOW = Instant(gotime.parse_time("2026-06-15T12:00:30Z").unwrap())
HEAD = {"name": "es", "namespace": "ns", "resourceVersion": "1"}  # without a uid, by which refreshes are spread here


def _parsed(meta: dict[str, Any] | None = None, spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None) -> ExternalSecret:
    whole = {"metadata": {**HEAD, **(meta or {})}, "spec": spec or {}, "status": status or {}}
    return parse_external_secret(whole).unwrap()


def _seen(secret: dict[str, Any]) -> TargetSeen:
    """A Secret whose `data` a vector writes as text."""
    data = {key: base64.b64encode(value).decode() for key, value in raw_map(secret.get("data")).items()}
    meta = secret.get("metadata") or {}
    return see_target(Ref(SECRET, "ns", meta.get("name", "s")), json.dumps({**secret, "data": data}).encode())


# --- refresh ---------------------------------------------------------------------------------------------------------------------


def _after(offset: str | None) -> dict[str, Any]:
    """The status of an object refreshed this long after `NOW`."""
    if offset is None:
        return {}
    return {"refreshTime": gotime.format_time(NOW.plus(duration.parse_duration(offset).unwrap()).ns)}


def _with_windows(es: ExternalSecret, windows: dict[str, Any] | None) -> ExternalSecret:
    """Sync windows of any kind and number; the schema refuses some that vectors have."""
    if windows is None:
        return es
    spans = tuple(SyncWindow.model_construct(**window) for window in windows["windows"])
    return _with_spec(es, sync_windows=SyncWindows.model_construct(kind=windows["kind"], windows=spans))


def _with_spec(es: ExternalSecret, **changes: Any) -> ExternalSecret:
    return es.model_copy(update={"spec": es.spec.model_copy(update=changes)})


def _should_refresh(args: dict[str, Any]) -> Result[Any, str]:
    """The object alone decides: an `Orphan` target is not looked at, and no pass has failed."""
    es = _parsed(args["metadata"], {"target": {"creationPolicy": "Orphan"}, "refreshInterval": args["refreshInterval"]})
    synced = version_of(es) if args["syncedResourceVersion"] == "CURRENT" else args["syncedResourceVersion"]
    status = {**_after(args["refreshTimeOffset"]), "syncedResourceVersion": synced}
    es = _parsed(args["metadata"], {"target": {"creationPolicy": "Orphan"}, "refreshInterval": args["refreshInterval"]}, status)
    if args["refreshPolicy"]:
        es = _with_spec(es, refresh_policy=args["refreshPolicy"])
    return Success(isinstance(due(_with_windows(es, args["syncWindows"]), None, NOW), Due))


def _requeue(args: dict[str, Any]) -> Result[Any, str]:
    """The default interval is an argument of the reference's function; it stands in for an interval that is not set."""
    es = _parsed(spec={"refreshInterval": args["refreshInterval"] or args["defaultInterval"]}, status=_after(args["refreshTimeOffset"]))
    return Success(_wait(next_refresh(es, refreshed_at(es), NOW)))


def _wait(requeue: Requeue) -> dict[str, Any]:
    match requeue:
        case At(when) if when <= NOW:
            return {"requeue": True, "requeueAfterSeconds": 0}
        case At(when):
            return {"requeue": False, "requeueAfterSeconds": round(when.since(NOW) / SECOND)}
        case OnChange():
            return {"requeue": False, "requeueAfterSeconds": 0}
        case _:
            raise AssertionError(requeue)


def _should_enqueue_update(args: dict[str, Any]) -> Result[Any, str]:
    row = next(row for row in watched() if row.kind == EXTERNAL_SECRET)
    states = [row.pack(json.dumps({"metadata": {**HEAD, **args[which]}}).encode()) for which in ("old", "new")]
    return Success(Change(Ref(EXTERNAL_SECRET, "ns", "es"), *states).matters)


# --- the target ------------------------------------------------------------------------------------------------------------------


def _managed_keys(args: dict[str, Any]) -> Result[Any, str]:
    path = ("data",) if args["what"] == "data" else ("metadata", args["what"])
    target = _seen({"metadata": {"managedFields": args["managedFields"]}})
    return Success(sorted(target.managed(hash.field_owner(args["name"]), *path)))


def _secret_valid(args: dict[str, Any]) -> Result[Any, str]:
    """Whether an object that has refreshed this very moment is due all the same. A Secret without uid does not exist."""
    spec = {"target": {"creationPolicy": args["creationPolicy"]} if args["creationPolicy"] else {}}
    es = _parsed(spec=spec, status=_after("0s") | {"syncedResourceVersion": version_of(_parsed())})
    meta = {name: args[name] for name in ("uid", "labels", "annotations")}
    target = _seen({"metadata": meta, "data": args["data"]}) if args["uid"] else None
    return Success(not isinstance(due(es, target, NOW), Due))


def _apply_ownership(args: dict[str, Any]) -> Result[Any, str]:
    """The managed label comes later in the reference; it is as it was, here."""
    given, held = args["externalSecret"], _seen(args["secret"])
    es = _parsed(given["metadata"], given["spec"])
    refused = refusal(es, held)
    if refused is not None:
        return Failure(describe(refused[1]))
    labels = {key: value for key, value in owned_labels(es, held.labels).items() if key != MANAGED_LABEL}
    labels |= {key: value for key, value in held.labels.items() if key == MANAGED_LABEL}
    return Success({"labels": labels, "ownerReferences": [dict(owner) for owner in owners_of(es, held.owners)]})


# --- templates -------------------------------------------------------------------------------------------------------------------


def _validate_template(args: dict[str, Any]) -> Result[Any, str]:
    given = args["template"]
    template = None if given is None else parse(Template, {**given, "engineVersion": "v2"}).unwrap()  # which engine it is does not matter
    errors = template_errors(Target(template=template))
    return Failure(str(errors[0])) if errors else Success(None)


def _apply_template(args: dict[str, Any]) -> Result[Any, str]:
    """Content and metadata, without our marks. What is left out is empty here, not the default that the API server sets."""
    given = args["externalSecret"]
    target = given["spec"]["target"]
    if target.get("template") is not None:
        sources = [{"target": "", **source} for source in target["template"].get("templateFrom") or ()]
        target = {**target, "template": {"engineVersion": "", **target["template"], "templateFrom": sources}}
    es = parse_external_secret({"metadata": {**HEAD, **given["metadata"]}, "spec": {**given["spec"], "target": target}})
    if isinstance(es, Failure):
        return Failure(es.failure().summary())
    values = {key: SecretBytes(raw(value)) for key, value in (args["data"] or {}).items()}
    made, held = es.unwrap(), _seen(_without_owned_data(args["secret"]))
    pieces = pieces_of(made, SECRET, values, _sources(args, made))
    return pieces.bind(lambda found: render(made, SECRET, values, found, held)).map(_shown).alt(describe)


def _sources(args: dict[str, Any], es: ExternalSecret) -> World:
    """What ``templateFrom`` may read."""
    there: dict[Ref, Any] = {Ref(CONFIG_MAP, "ns", found["metadata"]["name"]): found["data"] for found in args.get("configMaps") or ()}
    for found in args.get("secrets") or ():
        there[Ref(SECRET, "ns", found["name"])] = {key: base64.b64encode(raw).decode() for key, raw in raw_map(found["data"]).items()}
    seen: dict[Readable, Seen] = {}
    for place in template_sources(es):
        seen[place] = Present(json.dumps({"data": there[place.ref]}).encode()) if place.ref in there else Gone()
    return World(seen)


def _without_owned_data(secret: dict[str, Any]) -> dict[str, Any]:
    """The reference takes the keys that it owns out of the data in the step before; what a vector has is what is left."""
    meta = secret["metadata"]
    fields = [{**entry, "fieldsV1": {**entry["fieldsV1"], "f:data": {}}} for entry in meta.get("managedFields") or ()]
    return {**secret, "metadata": {**meta, "managedFields": fields}}


def _shown(rendered: Rendered) -> dict[str, Any]:
    assert isinstance(rendered.body, SecretBody)
    return {
        "annotations": {key: value for key, value in rendered.annotations.items() if key != HASH_ANNOTATION},
        "data": {key: value.reveal() for key, value in rendered.body.data.items()},
        "finalizers": list(rendered.finalizers),
        "hash": content_hash(rendered.body),
        "labels": dict(rendered.labels),
        "type": rendered.body.kind,
    }


ADAPTERS: dict[str, Adapter] = {
    "should_refresh": _should_refresh,
    "requeue": _requeue,
    "should_enqueue_update": _should_enqueue_update,
    "managed_keys": _managed_keys,
    "secret_valid": _secret_valid,
    "apply_ownership": _apply_ownership,
    "validate_template": _validate_template,
    "apply_template": _apply_template,
}
