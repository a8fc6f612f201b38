"""Scenarios: what exactly does the operator do, step by step?

A file of ``tests/scenarios/*.txt`` holds commands, each followed by ``----`` and what they produced. ``UPDATE=1 pytest tests/scenarios``
writes what they produce now; the difference is reviewed like code.

========================  ================================================================================
command                   what it does
========================  ================================================================================
apply                     the manifests (YAML) on the following lines, as a user
delete KIND NAME          delete an object as a user
tick                      everything that can be done at this moment
advance LENGTH            let time pass (a Go duration)
restart                   start the operator anew
collect                   run the garbage collector
backend KEY NAME=VALUE …  what the backend holds under a key; without pairs: nothing
tokens NAME …             the tokens that the backend knows
fault STATUS              the backend answers everything with this status; 0: works again; -1: no answer
refuse METHOD WORD STATUS the API server answers the next request of this method and path with this status
show KIND NAME            an object, without what is always the same
events                    all events
========================  ================================================================================

After every command comes what the operator did: requests that write, calls to the backend, and the ends of passes.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from eso_core.compat.duration import parse_duration
from eso_core.refs import CLUSTER_SECRET_STORE, CONFIG_MAP, EXTERNAL_SECRET, SECRET, SECRET_STORE, Kind, Ref
from eso_core.wire import KubeCall, KubeReply
from tests.scenarios.stepper import Stepper, api_server

FOLDER = Path(__file__).parent
KINDS = {kind.name: kind for kind in (CLUSTER_SECRET_STORE, CONFIG_MAP, EXTERNAL_SECRET, SECRET, SECRET_STORE)}
NAMESPACE = "team"
UPDATE = bool(os.environ.get("UPDATE"))
DULL = ("creationTimestamp", "managedFields", "namespace", "name", "uid", "resourceVersion")


@dataclass(frozen=True)
class Step:
    """One command. ``comment`` are the lines above it."""

    comment: str
    command: str
    body: str
    expected: str


def steps(text: str) -> Iterator[Step]:
    """The commands of a file."""
    for block in text.strip("\n").split("\n\n"):
        lines = block.split("\n")
        comment = [line for line in lines if line.startswith("#")]
        rest = [line for line in lines if not line.startswith("#")]
        if not rest:
            yield Step("\n".join(comment), "", "", "")
            continue
        cut = rest.index("----") if "----" in rest else len(rest)
        yield Step("\n".join(comment), rest[0], "\n".join(rest[1:cut]), "\n".join(rest[cut + 1 :]))


def shown(step: Step, result: str) -> str:
    parts = [step.comment, step.command, step.body, *(("----", result) if step.command else ())]
    return "\n".join(part for part in parts if part)


class Scenario:
    """Runs commands."""

    def __init__(self) -> None:
        self.stepper = Stepper(server=api_server(NAMESPACE))

    def run(self, step: Step) -> str:
        """What the command produced."""
        word, *args = step.command.split()
        act: Callable[..., str | None] = getattr(self, f"do_{word}")
        said = act(step.body, *args)
        log = self.stepper.take_log()
        return "\n".join(([said] if said else []) + log) or "ok"

    def ref(self, kind: str, name: str) -> Ref:
        return Ref(KINDS[kind], NAMESPACE if KINDS[kind].namespaced else "", name)

    def do_apply(self, body: str) -> None:
        for manifest in yaml.safe_load_all(body):
            kind: Kind = KINDS[manifest["kind"]]
            head = {"apiVersion": kind.api_version}
            if kind.namespaced:
                manifest["metadata"].setdefault("namespace", NAMESPACE)
            self.stepper.apply(head | manifest)

    def do_delete(self, body: str, kind: str, name: str) -> None:
        assert self.stepper.delete(self.ref(kind, name)).status < 300

    def do_tick(self, body: str) -> None:
        self.stepper.settle()

    def do_advance(self, body: str, length: str) -> None:
        self.stepper.advance(parse_duration(length).unwrap())

    def do_restart(self, body: str) -> None:
        self.stepper.start()
        self.stepper.settle()

    def do_collect(self, body: str) -> str:
        writes = self.stepper.server.collect_garbage(self.stepper.now.wall)
        self.stepper.settle()
        return f"{writes} writes"

    def do_backend(self, body: str, key: str, *pairs: str) -> None:
        if pairs:
            self.stepper.vault.values[key] = dict(pair.split("=", 1) for pair in pairs)
        else:
            self.stepper.vault.values.pop(key, None)

    def do_tokens(self, body: str, *names: str) -> None:
        self.stepper.vault.tokens = set(names)

    def do_fault(self, body: str, status: str) -> None:
        self.stepper.vault.status = int(status)

    def do_refuse(self, body: str, method: str, word: str, status: str) -> None:
        def once(call: KubeCall) -> KubeReply | None:
            if call.method != method or word not in call.path:
                return None
            self.stepper.fault = lambda call: None
            return KubeReply(status=int(status), body=b'{"message":"refused by the scenario"}')

        self.stepper.fault = once

    def do_show(self, body: str, kind: str, name: str) -> str:
        found = self.stepper.server.read(self.ref(kind, name))
        return "absent" if found is None else yaml.safe_dump(told(found), sort_keys=True, width=160).strip("\n")

    def do_events(self, body: str) -> str:
        return "\n".join(self.stepper.events()) or "none"


def told(found: dict[str, Any]) -> dict[str, Any]:
    """An object's parts that say something: Secrets decoded, ExternalSecrets by their status."""
    meta = {key: value for key, value in found["metadata"].items() if key not in DULL and value}
    if found["kind"] == "Secret":
        values = {key: base64.b64decode(value).decode("utf-8", "replace") for key, value in found.get("data", {}).items()}
        if "ownerReferences" in meta:
            meta["ownerReferences"] = [f"{owner['kind']} {owner['name']}" for owner in meta["ownerReferences"]]
        return {"metadata": meta, "data": values, "type": found.get("type")}
    kept = {key: meta[key] for key in ("finalizers", "deletionTimestamp", "generation") if key in meta}
    return {"metadata": kept, "status": found.get("status", {})}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    text = path.read_text()
    scenario = Scenario()
    made = "\n\n".join(shown(step, scenario.run(step) if step.command else "") for step in steps(text)) + "\n"
    if UPDATE:
        path.write_text(made)
    else:
        assert made == text


def test_there_are_scenarios() -> None:
    assert len(list(FOLDER.glob("*.txt"))) >= 10
