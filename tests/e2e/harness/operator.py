"""The operator as the chart would run it: the container's arguments, the service account's token, the chart's roles and CRDs."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import urllib3

from tests.chart.render import container_args, rbac, render, service_account
from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.process import Process, free_port

ADDRESSES = ("--metrics-addr", "--live-addr")


class Operator:
    """One operator process. A context manager; :meth:`kill` and :meth:`start` may be called any number of times."""

    def __init__(
        self,
        plane: ControlPlane,
        *,
        values: Mapping[str, Any] | None = None,
        extra: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        """Installs the release's CRDs and roles as the admin. ``environment`` replaces variables of the process."""
        self._plane = plane
        self._extra = extra
        self._environment = dict(environment or {})
        objects = render({"installCRDs": True, **(values or {})})
        admin = plane.admin
        admin.apply_crds([o for o in objects if o["kind"] == "CustomResourceDefinition"])
        namespace, account = service_account(objects)
        if admin.find("v1", "Namespace", namespace) is None:
            admin.create_namespace(namespace)
        admin.apply(*rbac(objects))
        self.kubeconfig = plane.kubeconfig_for(admin.service_account_token(account, namespace), f"operator-{free_port()}")
        self._args = [arg for arg in container_args(objects) if not arg.startswith(ADDRESSES)]
        self._log = log or plane.state / f"operator-{free_port()}.log"
        self._live = free_port()
        self._metrics = free_port()
        self._process: Process | None = None
        self._pool = urllib3.PoolManager(timeout=5.0, retries=False)

    def __enter__(self) -> Operator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process is not None else None

    @property
    def log(self) -> str:
        """Everything it wrote so far."""
        return self._log.read_text() if self._log.exists() else ""

    def start(self) -> None:
        """Start and wait until every watch has its first list."""
        command = [sys.executable, "-m", "eso_shell.cli.main", *self._args, "--kubeconfig", str(self.kubeconfig)]
        command += [f"--metrics-addr=127.0.0.1:{self._metrics}", f"--live-addr=127.0.0.1:{self._live}", *self._extra]
        self._process = Process("operator", command, self._log, environment=self._environment or None)
        self._process.start()
        self._process.wait_until(self.ready)

    def stop(self) -> None:
        """SIGTERM; it has 10 s."""
        if self._process is not None:
            self._process.stop(grace_s=10.0)
            self._process = None

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.stop(kill=True)
            self._process = None

    def ready(self) -> bool:
        """``/readyz`` says so."""
        return self._page(self._live, "/readyz")[0] == 200

    def healthy(self) -> bool:
        """``/healthz`` says so."""
        return self._page(self._live, "/healthz")[0] == 200

    def metric(self, series: str, /, **labels: str) -> float:
        """The sum of the numbers called ``series`` that carry ``labels``; 0 when there is none."""
        total = 0.0
        for line in self._page(self._metrics, "/metrics")[1].splitlines():
            found = re.fullmatch(rf"{series}(?:{{(.*)}})? (\S+)", line)
            if found and all(f'{label}="{value}"' in (found[1] or "") for label, value in labels.items()):
                total += float(found[2])
        return total

    def _page(self, port: int, path: str) -> tuple[int, str]:
        try:
            answer = self._pool.request("GET", f"http://127.0.0.1:{port}{path}")
        except urllib3.exceptions.HTTPError:
            return 0, ""
        return answer.status, answer.data.decode()
