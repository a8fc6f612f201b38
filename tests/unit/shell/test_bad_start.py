"""``eso run`` as a process, started wrongly or before its API server: one line and exit code 2, or patience."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging as stdlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from eso_core.failure import Unreachable
from eso_core.machines.watch import Watcher
from eso_core.refs import SECRET
from eso_core.wire import CallFailed, KubeReply
from eso_shell.app import tell_troubles
from eso_shell.kube.config import ConfigError
from eso_shell.kube.kubeconfig import load_kubeconfig
from eso_shell.observe import logging
from eso_shell.serve.http import ServeError, bind

COMMAND = [sys.executable, "-m", "eso_shell.cli.main", "run"]
OFF = ("--metrics-addr=0", "--live-addr=0")
KINDS = 4  # watched ones


def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}


def kubeconfig(folder: Path, server: str = "http://127.0.0.1:1", *, user: Any = None, **cluster: Any) -> Path:
    config = {
        "clusters": [{"name": "c", "cluster": {"server": server} | cluster}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config, allow_unicode=True))
    return path


def ended(folder: Path, *args: object) -> tuple[int, str, str]:
    done = subprocess.run(
        [*COMMAND, *map(str, args)], env=environment(folder), cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


# ---------------------------------------------------------------- one line and exit code 2


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--no-such-flag"], "unknown flag: --no-such-flag"),
        (["--concurrent=many"], 'invalid argument "many" for "--concurrent" flag: must be a whole number'),
        (["--kubeconfig"], "flag needs an argument: --kubeconfig"),
        (["serve"], "unexpected argument: serve"),
    ],
)
def test_wrong_flags(tmp_path: Path, args: list[str], says: str) -> None:
    assert ended(tmp_path, *args) == (2, "", f"error: {says}\nSee 'eso run --help' for usage.\n")


def garbage(folder: Path, content: bytes) -> Path:
    path = folder / "garbage"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "absent", "kubeconfig {path} cannot be read: No such file or directory"),
        (lambda folder: garbage(folder, bytes(range(256)) * 8), "kubeconfig {path} is not YAML"),
        (lambda folder: garbage(folder, b"<html>down</html>"), "kubeconfig {path} is not a mapping"),
        (lambda folder: kubeconfig(folder, "ftp://host"), "kubeconfig context x: its cluster's server is not an http or https URL"),
        (
            lambda folder: kubeconfig(folder, user={"tokenFile": "/no/token"}),
            "token file /no/token cannot be read: No such file or directory",
        ),
    ],
    ids=["absent", "bytes", "text", "server", "token file"],
)
def test_unusable_kubeconfigs(tmp_path: Path, make: Callable[[Path], Path], says: str) -> None:
    path = make(tmp_path)
    assert ended(tmp_path, "--kubeconfig", path, *OFF) == (2, "", f"error: {says.format(path=path)}\n")


@pytest.mark.parametrize(
    ("user", "cluster", "says"),
    [
        ({}, {"server": "https://a b"}, "its cluster's server is not an http or https URL"),
        ({}, {"server": "https://"}, "its cluster's server is not an http or https URL"),
        ({}, {"server": "https://user:hunter2@host"}, "its cluster's server is not an http or https URL"),
        ({}, {"server": "https://host:99999"}, "the server or proxy address is not a URL"),
        ({}, {"certificate-authority-data": "\u00e9"}, "certificate-authority-data is not base64"),
        ({"token": "two\nlines"}, {}, "token holds characters that no token has"),
        ({"as": "x", "as-groups": 5}, {}, "as-groups is not a list"),
        ({"as": "x", "as-user-extra": [1]}, {}, "as-user-extra is not a mapping"),
        ({"as": "x", "as-user-extra": {"a": 1}}, {}, "as-user-extra is not a list"),
    ],
)
def test_entries_of_the_wrong_kind(tmp_path: Path, user: Any, cluster: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        load_kubeconfig({}, path=str(kubeconfig(tmp_path, user=user, **cluster)))
    assert "hunter2" not in str(raised.value)


def test_nowhere_to_go(tmp_path: Path) -> None:
    code, out, err = ended(tmp_path, *OFF)
    assert (code, out) == (2, "")
    assert err == f"error: kubeconfig {tmp_path}/.kube/config cannot be read: No such file or directory\n"


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, out, err = ended(tmp_path, "--kubeconfig", kubeconfig(tmp_path), "--metrics-addr=0", f"--live-addr={address}")
    assert (code, out, err.lower()) == (2, "", f"error: cannot listen on {address}: address already in use\n")


@pytest.mark.parametrize("address", ["nonsense", "a..b:80", "127.0.0.1:70000"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ServeError, match="cannot listen on "):
        bind(address)


# ---------------------------------------------------------------- patience


class Peer:
    """Takes connections in the place of an API server; ``answer`` gets each, ``None`` keeps them open and says nothing."""

    def __init__(self, answer: bytes | None) -> None:
        self.calls = 0
        self._answer = answer
        self._kept: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
        for each in self._kept:
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            if self._answer is None:
                self._kept.append(connection)
                continue
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(self._answer)


@contextlib.contextmanager
def running(folder: Path, config: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process and the address of its probes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        live = f"127.0.0.1:{free.getsockname()[1]}"
    command = [*COMMAND, "--kubeconfig", str(config), "--metrics-addr=0", f"--live-addr={live}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment(folder), stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process, live
    finally:
        process.kill()
        process.wait()


def probe(live: str, path: str) -> tuple[int, str]:
    with urllib3.PoolManager(retries=False, timeout=2) as pool:
        answer = pool.request("GET", f"http://{live}{path}")
        return answer.status, answer.data.decode()


def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while True:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            if condition():
                return
        assert time.monotonic() < end
        time.sleep(0.05)


def page(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("nobody", "API server: connect call failed"),
        (b"", "API server: closed the connection without an answer"),
        (page(b"<html>"), "the API server's list of secrets is not valid JSON"),
        (page(b"", "503 Down"), "list secrets: status 503"),
        (page(b'{"message": "Unauthorized"}', "401 Unauthorized"), "list secrets: Unauthorized"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n", "list secrets: status 302"),
        (b"\x16\x03\x01 no HTTP at all\r\n\r\n", "API server: the answer is not HTTP"),
    ],
    ids=["nobody listens", "closed", "garbage", "503", "401", "redirect", "no HTTP"],
)
def test_an_api_server_that_is_of_no_use(tmp_path: Path, answer: bytes | str, reason: str) -> None:
    """It goes on trying, ever more rarely, says why it is not ready, and ends when it is told to."""
    peer = Peer(answer if isinstance(answer, bytes) else b"")
    if answer == "nobody":
        peer.close()
        reason = "API server: connection refused"
    try:
        with running(tmp_path, kubeconfig(tmp_path, peer.url)) as (process, live):
            until(lambda: reason in probe(live, "/readyz")[1])
            assert probe(live, "/readyz")[0] == 500
            assert probe(live, "/healthz") == (200, "ok")
            until(lambda: reason in (tmp_path / "log").read_text())
            calls = peer.calls
            time.sleep(1.0)
            assert peer.calls - calls <= KINDS * 4
            assert process.poll() is None
            assert stopped(process) < 5
    finally:
        if answer != "nobody":
            peer.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {line["level"] for line in lines} == {"info", "warn"}
    assert len(lines) < 20


@pytest.fixture
def written() -> Iterator[list[bytes]]:
    """The lines of the log."""
    root = stdlib.getLogger()
    before = (list(root.handlers), root.level)
    lines: list[bytes] = []
    logging.configure(write=lines.append)
    yield lines
    logging.configure()
    root.handlers[:], root.level = before
    stdlib.captureWarnings(False)


async def test_troubles_are_told_once_and_so_is_their_end(written: list[bytes]) -> None:
    watcher = Watcher(SECRET, namespace="", selector="", random=lambda: 0.0)
    told = asyncio.create_task(tell_troubles([watcher], interval_s=0.001))
    for reply in (CallFailed(Unreachable("down")), CallFailed(Unreachable("down")), KubeReply(status=200, body=b'{"metadata":{}}')):
        watcher.page(reply, 0)
        await asyncio.sleep(0.05)
    told.cancel()
    lines = [json.loads(line) for line in written]
    assert [(line["level"], line.get("error"), line["kind"]) for line in lines] == [("warn", "down", "secrets"), ("info", None, "secrets")]


def test_an_api_server_that_never_answers(tmp_path: Path) -> None:
    peer = Peer(None)
    try:
        with running(tmp_path, kubeconfig(tmp_path, peer.url)) as (process, live):
            until(lambda: peer.calls == KINDS)
            assert probe(live, "/readyz")[0] == 500
            assert stopped(process) < 5
    finally:
        peer.close()


def stopped(process: subprocess.Popen[bytes]) -> float:
    """Seconds until it has ended, with exit code 0."""
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    return time.monotonic() - start
