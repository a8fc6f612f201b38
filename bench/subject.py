"""The operator under test: a command line with placeholders, run as a child process.

{kubeconfig}  a file whose user has all rights and is counted apart       {vault} {token}  the backend stub's address and its token
{metrics}     where it may serve metrics, host:port                       {python}         the interpreter that runs the bench
{live}        where it may serve its probes, host:port
"""

from __future__ import annotations

import http.client
import os
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import proc
from bench.burst import ROOT
from tests.e2e.harness.process import Process, ProcessEnded, free_port

OURS = "{python} -m eso_shell.cli.main run --kubeconfig {kubeconfig} --metrics-addr {metrics} --live-addr {live} --loglevel warn"
BARE = "{python} -m bench.bare --kubeconfig {kubeconfig} --vault {vault} --token {token}"
OUR_CRDS = "{python} -m eso_shell.cli.main crds"

_READY_PATHS = ("/readyz", "/healthz")
_STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class Command:
    """A name for the report and the line as it was given."""

    name: str
    line: str

    def argv(self, values: Mapping[str, str]) -> list[str]:
        filled = []
        for word in shlex.split(self.line):
            for name, value in {"python": sys.executable, "extra": "", **values}.items():
                word = word.replace("{" + name + "}", value)
            if word:
                filled.append(word)
        return filled


class Subject:
    """One operator process at a time. `log` keeps what all of them say."""

    def __init__(self, command: Command, kubeconfig: Path, log: Path, values: Mapping[str, str]) -> None:
        self.command = command
        self._metrics, self._live = free_port(), free_port()
        places = {"kubeconfig": str(kubeconfig), "metrics": f"127.0.0.1:{self._metrics}", "live": f"127.0.0.1:{self._live}"}
        environ = {
            "KUBECONFIG": str(kubeconfig),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        }
        self._process = Process(command.name, command.argv({**places, **values}), log, environ)
        self.started_at = 0.0

    def start(self) -> None:
        """Returns at once; `started_at` is the moment, on the monotonic clock."""
        self.started_at = time.monotonic()
        self._process.start()

    def stop(self) -> None:
        self._process.stop(_STOP_S)

    def usage(self) -> proc.Usage:
        return proc.usage(self._process.pid)

    def check(self) -> None:
        """Raises `ProcessEnded` when it is no longer there."""
        pid = self._process.pid
        if pid is None or _is_zombie_or_gone(pid):
            raise ProcessEnded(f"{self.command.name} ended by itself; {self._process.tail()}")

    def says_ready(self) -> bool | None:
        """Its readiness probe's answer; None when it has no probe, as far as can be told."""
        if "{live}" not in self.command.line:
            return None
        answers = [_status(self._live, path) for path in _READY_PATHS]
        return next((answer == 200 for answer in answers if answer not in (0, 404)), False)


def _status(port: int, path: str) -> int:
    """0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _is_zombie_or_gone(pid: int) -> bool:
    try:
        text = (proc.PROC / str(pid) / "stat").read_text()
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] == "Z"
