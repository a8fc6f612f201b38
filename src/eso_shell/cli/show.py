"""How the human commands print: plain columns, colour only on a terminal, secret values only when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eso_core.plan import CreateTarget, DeleteTarget, SecretBody, SetFinalizers, SetStatus, UpdateTarget
from eso_core.secret import SecretBytes

RED, GREEN, BOLD, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[1m", "\x1b[0m"


class Paint:
    """Colours, or none."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def __call__(self, code: str, text: str) -> str:
        return f"{code}{text}{PLAIN}" if self._colour else text


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as ``kubectl get`` prints them. Control characters are shown, not sent to the terminal."""
    lines = [tuple(heads), *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def printable(text: str) -> str:
    """``text`` on one line, without anything that a terminal would act on."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def revealed(value: SecretBytes) -> str:
    """A value for a person who asked to see it."""
    raw = value.reveal()
    try:
        return printable(raw.decode())
    except UnicodeDecodeError:
        return f"{len(raw)} bytes, not text: {raw[:24].hex()}{'…' if len(raw) > 24 else ''}"


def action_json(action: object, key: bytes) -> dict[str, Any]:
    """One write, as ``eso plan -o json`` shows it. Values of Secrets are fingerprints under ``key``."""
    match action:
        case CreateTarget(desired) | UpdateTarget(desired):
            verb = "create" if isinstance(action, CreateTarget) else "update"
            body = desired.body
            shown: dict[str, Any] = {
                "verb": verb,
                "kind": desired.ref.kind.name,
                "namespace": desired.ref.namespace,
                "name": desired.ref.name,
                "labels": dict(desired.labels),
                "annotations": dict(desired.annotations),
            }
            if isinstance(body, SecretBody):
                shown["type"] = body.kind or "Opaque"
                shown["data"] = {name: value.fingerprint(key) for name, value in sorted(body.data.items())}
            return shown
        case DeleteTarget(ref):
            return {"verb": "delete", "kind": ref.kind.name, "namespace": ref.namespace, "name": ref.name}
        case SetFinalizers(ref, _, finalizers):
            fields = {"kind": ref.kind.name, "namespace": ref.namespace, "name": ref.name, "finalizers": list(finalizers)}
            return {"verb": "set finalizers", **fields}
        case SetStatus(ref, _, status):
            return {"verb": "set status", "kind": ref.kind.name, "namespace": ref.namespace, "name": ref.name, "status": dict(status)}
        case _:
            return {"verb": type(action).__name__}
