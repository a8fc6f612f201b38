"""A plan as one document: what ``eso plan -o json`` prints, and what its text is made from.

Values of Secrets and of annotations are fingerprints under a key. The data hash that the operator writes into an annotation is left out:
it has no key, and short values could be guessed from it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from eso_core.because import Because
from eso_core.failure import describe
from eso_core.plan import CreateTarget, DeleteTarget, MarkTarget, SecretBody, SetFinalizers, SetStatus, UpdateTarget
from eso_core.refs import CLUSTER_SECRET_STORE, EXTERNAL_SECRET, SECRET_STORE, Ref
from eso_core.secret import SecretBytes
from eso_core.target import HASH_ANNOTATION
from eso_shell.embedded import Finding, Finished, Wrote
from eso_shell.install import Turned

SCHEMA = "eso-plan/1"
_STORES = (SECRET_STORE, CLUSTER_SECRET_STORE)
_UNHEARD = "not known: the time was over before it was decided"
_WAITING = "not decided: it waits"


def plan_of(finished: Finished, key: bytes) -> dict[str, Any]:
    """The document that ``docs/plan.md`` describes."""
    objects = [_object(finding, finished, key) for finding in finished.findings.values()]
    objects += [_head(ref, None, _UNHEARD) | {"actions": []} for ref in finished.unheard]
    objects.sort(key=lambda shown: (shown["kind"] == EXTERNAL_SECRET.name, shown["kind"], shown["namespace"], shown["name"]))
    rejected = [_turned(one) for one in finished.turned if not one.ignored]
    ready = finished.in_time and not rejected and all(shown["ready"] for shown in objects)
    ignored = [_turned(one) for one in finished.turned if one.ignored]
    return {"schema": SCHEMA, "ready": ready, "finished": finished.in_time, "rejected": rejected, "ignored": ignored, "objects": objects}


def _turned(one: Turned) -> dict[str, str]:
    return {"name": one.name, "where": one.where, "message": one.message}


# ---------------------------------------------------------------- objects


def _object(finding: Finding, finished: Finished, key: bytes) -> dict[str, Any]:
    settled = finding.report.settled
    shown = _head(finding.report.key, settled.because, _WAITING if settled.detail is not None else "nothing to do")
    if settled.detail is not None:
        shown |= {"ready": shown["ready"] and settled.because is not None, "detail": describe(settled.detail)}
    if not shown["ready"]:
        shown["advice"] = _advice(finding, finished)
    shown["actions"] = [action_of(wrote, key) for wrote in finding.writes if not isinstance(wrote.action, SetStatus)]
    return shown


def _head(ref: Ref, because: Because | None, otherwise: str) -> dict[str, Any]:
    """``ready`` of an object that nothing is to be done about is true."""
    name = {"kind": ref.kind.name, "namespace": ref.namespace, "name": ref.name}
    if because is None:
        return name | {"ready": otherwise != _UNHEARD, "reason": "", "message": otherwise}
    return name | {"ready": because.ready, "reason": because.reason, "message": because.message}


def _advice(finding: Finding, finished: Finished) -> str:
    """What to do. The plan knows more than the operator does: everything that may be missing is a manifest."""
    settled = finding.report.settled
    missing = [ref for ref in sorted(settled.waits_on) if ref.kind in _STORES and finished.server.read(ref) is None]
    if missing:
        return f"Add {missing[0]} to the manifests that are planned, or name another store in spec.secretStoreRef."
    return settled.because.advice if settled.because is not None else ""


# ---------------------------------------------------------------- actions


def action_of(wrote: Wrote, key: bytes) -> dict[str, Any]:
    """One write. For Secrets ``changes`` compares it with the object that was there."""
    action = wrote.action
    match action:
        case CreateTarget(desired) | UpdateTarget(desired):
            verb = "create" if isinstance(action, CreateTarget) else "update"
            prints = _prints(desired.annotations, key)
            shown = {**_place(verb, desired.ref), "labels": dict(sorted(desired.labels.items())), "annotations": prints}
            if isinstance(desired.body, SecretBody):
                data = {name: value.fingerprint(key) for name, value in sorted(desired.body.data.items())}
                shown |= {"type": desired.body.kind or "Opaque", "data": data}
                shown["changes"] = _changes(shown, _secret(wrote.before, key))
            return shown
        case MarkTarget(ref):
            before = _secret(wrote.before, key)
            changes = {part: _patched(patch, before.get(part) or {}) for part, patch in _patches(action, key)}
            return {**_place("mark", ref), "changes": {part: moved for part, moved in changes.items() if moved}}
        case DeleteTarget(ref):
            before = _secret(wrote.before, key)
            return {**_place("delete", ref), "changes": _changes({}, before)}
        case SetFinalizers(ref, _, finalizers):
            return {**_place("set finalizers", ref), "finalizers": list(finalizers)}
        case SetStatus(ref, _, status):
            return {**_place("set status", ref), "status": dict(status)}


def _place(verb: str, ref: Ref) -> dict[str, Any]:
    return {"verb": verb, "kind": ref.kind.name, "namespace": ref.namespace, "name": ref.name}


def _secret(raw: Mapping[str, Any] | None, key: bytes) -> dict[str, dict[str, str]]:
    """What is compared of a Secret as the API server has it."""
    if raw is None:
        return {}
    meta = raw["metadata"]
    data = {name: SecretBytes(base64.b64decode(value)).fingerprint(key) for name, value in (raw.get("data") or {}).items()}
    return {"data": data, "labels": meta.get("labels") or {}, "annotations": _prints(meta.get("annotations") or {}, key)}


def _prints(texts: Mapping[str, str], key: bytes) -> dict[str, str]:
    shown = sorted((name, text) for name, text in texts.items() if name != HASH_ANNOTATION)
    return {name: SecretBytes(text.encode(errors="surrogatepass")).fingerprint(key) for name, text in shown}


def _changes(after: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Names of what is added, changed, removed and kept, for each part of a Secret that has any."""
    found = {part: _difference(after.get(part) or {}, before.get(part) or {}) for part in ("data", "labels", "annotations")}
    return {part: difference for part, difference in found.items() if difference}


def _patches(mark: MarkTarget, key: bytes) -> Iterator[tuple[str, dict[str, str | None]]]:
    yield "labels", dict(mark.labels)
    kept = _prints({name: text for name, text in mark.annotations.items() if text is not None}, key)
    yield "annotations", {**{name: None for name, text in mark.annotations.items() if text is None}, **kept}


def _patched(patch: Mapping[str, str | None], before: Mapping[str, str]) -> dict[str, list[str]]:
    """The difference that a merge patch makes; what it does not name is left out."""
    wanted = {name: text for name, text in patch.items() if text is not None}
    return _difference(wanted, {name: text for name, text in before.items() if name in patch})


def _difference(after: Mapping[str, str], before: Mapping[str, str]) -> dict[str, list[str]]:
    names = sorted({*after, *before})
    kinds = {name: _kind(after.get(name), before.get(name)) for name in names}
    order = ("added", "changed", "removed", "same")
    return {kind: [name for name in names if kinds[name] == kind] for kind in order if kind in kinds.values()}


def _kind(after: str | None, before: str | None) -> str:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "same" if after == before else "changed"
