"""Runs recordings on a control plane: those with the same arguments share an operator, and many run at the same time."""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.operator import Operator
from tests.e2e.recordings.stubs import StubServer
from tests.e2e.recordings.user import LiveUser, Site
from tests.e2e.recordings.witness import Witness
from tests.parity.recordings.places import Places
from tests.parity.recordings.suite import Verdict, judge, not_yet
from tests.parity.recordings.user import QUIET_S

Recording = Mapping[str, Any]
Tell = Callable[[str], None]
THREADS = 10  # scenarios at the same time: they wait most of the time
GENERIC = "--unsafe-allow-generic-targets"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``first``: the verdict on the first attempt, where that did not pass and there was another one; ``verdict`` is the last."""

    recording: Recording
    verdict: Verdict
    first: Verdict | None
    seconds: float  # of all attempts


def run(recordings: Sequence[Recording], plane: ControlPlane, tell: Tell, threads: int = THREADS) -> Iterator[Outcome]:
    """Outcomes as they come. What happens beside them (a second attempt, the end of an operator) goes to ``tell``.

    A scenario that differs is run once more, alone: on a busy machine a pause of ours can look like quiet of the operator's.
    """
    with ExitStack() as stack:
        shared: tuple[Witness, StubServer, Places] | None = None
        for args, group in _grouped(recordings):
            operator = Operator(plane, values={"genericTargets": {"enabled": True}} if GENERIC in args else {}, extra=args)
            if shared is None:  # the kinds exist from now on
                plane.restart_controllers()
                stubs = stack.enter_context(StubServer())
                places = Places(
                    apiserver=plane.server,
                    ca_bundle=base64.b64encode(plane.ca_pem).decode(),
                    token=plane.admin_token,
                    stub=stubs.url,
                )
                shared = stack.enter_context(Witness(plane)), stubs, places
            with operator:
                yield from _run_group(group, Site(plane, operator, *shared), threads, tell)


def _grouped(recordings: Sequence[Recording]) -> list[tuple[tuple[str, ...], list[Recording]]]:
    """By arguments of the operator. Those that take longest come first, so that none is left over at the end."""
    groups: dict[tuple[str, ...], list[Recording]] = defaultdict(list)
    for recording in sorted(recordings, key=_duration, reverse=True):
        groups[tuple(recording.get("operatorArgs") or ())].append(recording)
    return sorted(groups.items())


def _duration(recording: Recording) -> float:
    """About how many seconds it takes."""
    quiet = sum((step.get("settle") or {}).get("quiet", QUIET_S) for step in recording["steps"])
    return float(quiet + sum(action.get("wait", 0) for step in recording["steps"] for action in step["do"]))


def _run_group(group: Sequence[Recording], site: Site, threads: int, tell: Tell) -> Iterator[Outcome]:
    """Those that stop the operator run alone, after the others; those that differed come last."""
    again = []
    for serial in (False, True):
        part = [recording for recording in group if bool(recording.get("serial")) == serial]
        with ThreadPoolExecutor(1 if serial else threads) as pool:
            for outcome in pool.map(lambda each: _attempt(each, site), part):
                if outcome.verdict.passed or outcome.verdict.name in not_yet():
                    yield outcome
                else:
                    again.append(outcome)
    for outcome in again:
        tell(f"{outcome.verdict.name} differed and runs once more, alone; first it was:\n{reasons(outcome.verdict)}")
        yield _once_more(outcome, site)


def reasons(verdict: Verdict) -> str:
    """Step, path, expected and actual of each difference, one a line; or why it could not be carried out."""
    return "\n".join(f"     {line}" for line in ([verdict.error] if verdict.error else map(str, verdict.differences)))


def _attempt(recording: Recording, site: Site) -> Outcome:
    start = time.monotonic()

    def carry_out(scenario: Recording) -> list[dict[str, Any]]:
        with LiveUser(scenario, site) as user:
            seen = user.run()
        site.check()
        return seen

    return Outcome(recording, judge(recording, carry_out), None, time.monotonic() - start)


def _once_more(before: Outcome, site: Site) -> Outcome:
    start = time.monotonic()
    try:
        with LiveUser(before.recording, site) as user:
            user.forget()
    except Exception as error:
        verdict = Verdict(
            before.verdict.name, error=f"no second attempt: {type(error).__name__}: {error}; the first:\n{reasons(before.verdict)}"
        )
    else:
        verdict = _attempt(before.recording, site).verdict
    return Outcome(before.recording, verdict, before.verdict, before.seconds + time.monotonic() - start)
