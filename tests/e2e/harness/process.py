"""Child processes with a log file each, free ports, and the one polling loop of the harness."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.05
TAIL_LINES = 25

# Below the range from which kernels take ports for outgoing connections, so that a server may be stopped and find its port free again.
_PORTS = range(20_000, 32_000)
_handed_out: set[int] = set()


class NotInTime(Exception):
    """A condition did not come true before its deadline. The message names the condition and the last thing seen."""


class ProcessEnded(Exception):
    """A server ended by itself. The message ends with the last lines of its log."""


def poll(condition: Callable[[], T], what: str, timeout_s: float = 30.0) -> T:
    """The first truthy answer of `condition`, asked every 50 ms.

    `OSError` and `AssertionError` count as "not yet"; every other exception passes through.
    Raises `NotInTime` once `timeout_s` is over; the condition has been asked at least once by then.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        seen: object
        try:
            answer = condition()
            if answer:
                return answer
            seen = answer
        except (OSError, AssertionError) as not_yet:
            seen = not_yet
        if time.monotonic() >= deadline:
            raise NotInTime(f"not within {timeout_s:g} s: {what}; last seen: {seen!r}")
        time.sleep(POLL_S)


def free_port(count: int = 1) -> int:
    """The first of `count` neighbouring loopback ports that nothing listens on; this process hands each port out once."""
    for first in random.sample(_PORTS, k=len(_PORTS)):
        wanted = range(first, first + count)
        if _handed_out.isdisjoint(wanted) and all(map(_is_free, wanted)):
            _handed_out.update(wanted)
            return first
    raise OSError(f"no {count} free ports in {_PORTS}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Process:
    """One child. Its output is appended to `log`, so a restart keeps what came before."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self._environment = None if environment is None else {**os.environ, **environment}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        """In a session of its own: an interrupt typed at the terminal reaches the tests, which then stop their servers in order."""
        if self._child is not None:
            raise RuntimeError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, env=self._environment
            )

    def wait_until(self, ready: Callable[[], object], timeout_s: float = 60.0) -> None:
        """Returns once `ready` holds. Raises with the log's last lines when the child ends first or the time is over."""

        def alive_and_ready() -> object:
            if self._child is None or self._child.poll() is not None:
                code = None if self._child is None else self._child.returncode
                raise ProcessEnded(f"{self.name} ended with {code} before it was ready; {self.tail()}")
            return ready()

        try:
            poll(alive_and_ready, f"{self.name} is ready", timeout_s)
        except NotInTime as late:
            raise NotInTime(f"{late}; {self.tail()}") from None

    def stop(self, grace_s: float = 15.0, *, kill: bool = False) -> None:
        """Returns when the child is gone: asked to end, then killed after `grace_s`; with `kill` killed at once. Idempotent."""
        child, self._child = self._child, None
        if child is None:
            return
        if kill:
            child.kill()
        else:
            child.terminate()
        try:
            child.wait(grace_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def tail(self, lines: int = TAIL_LINES) -> str:
        try:
            text = self.log.read_text(errors="replace")
        except FileNotFoundError:
            text = ""
        return f"last lines of {self.log}:\n" + "\n".join(text.splitlines()[-lines:])
