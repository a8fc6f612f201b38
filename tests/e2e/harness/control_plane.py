"""A throw-away Kubernetes control plane on loopback: etcd, kube-apiserver, and kube-controller-manager for garbage collection.

Its state, logs and credentials live in one folder. The API server keeps its port over a restart.
"""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import urllib3

from tests.e2e.harness import pki
from tests.e2e.harness.binaries import Binaries, find_or_build
from tests.e2e.harness.kubectl import ApiError, Kubectl
from tests.e2e.harness.process import Process, free_port

_ADMIN = "admin"
_CONTROLLERS = "garbage-collector-controller,namespace-controller,serviceaccount-controller"
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


class ControlPlane:
    """``with ControlPlane() as plane:`` starts it, and stops and removes it afterwards.

    binaries: found or built when not given.
    audit_log: where to write one JSON line per request at metadata level; off when None.
    controllers: whether the controller manager runs; without it owned objects and namespaces are never collected.
    apiserver_flags: appended, so they win over the ones used here.
    state: a folder to keep after `stop`, logs included; a temporary one that is removed when None.
    """

    def __init__(
        self,
        binaries: Binaries | None = None,
        *,
        audit_log: Path | None = None,
        controllers: bool = True,
        apiserver_flags: Sequence[str] = (),
        state: Path | None = None,
    ) -> None:
        self.binaries = binaries or find_or_build()
        self.audit_log = audit_log
        self._controllers = controllers and self.binaries.controller_manager is not None
        self._keep_state = state is not None
        self.state = state or Path(tempfile.mkdtemp(prefix="eso-e2e-plane-"))
        self.state.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.server = f"https://127.0.0.1:{self.port}"
        self.issuer = self.server  # of service account tokens; also their default audience
        self.admin_token = secrets.token_hex(16)
        self._etcd_url = f"http://127.0.0.1:{free_port()}"
        self._write_credentials()
        self.kubeconfig = self.kubeconfig_for(self.admin_token, _ADMIN)
        self.etcd = Process("etcd", self._etcd_command(), self.state / "etcd.log")
        self.apiserver = Process("kube-apiserver", self._apiserver_command(apiserver_flags), self.state / "kube-apiserver.log")
        self.controller_manager = (
            Process("kube-controller-manager", self._controller_manager_command(), self.state / "kube-controller-manager.log")
            if self._controllers
            else None
        )
        self.admin = Kubectl(self.server, self.ca_pem, self.admin_token)

    @property
    def has_controllers(self) -> bool:
        """Whether owned objects are collected. False when KUBEBUILDER_ASSETS has no kube-controller-manager."""
        return self._controllers

    def __enter__(self) -> ControlPlane:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> ControlPlane:
        """Returns when the API server is ready, ``default`` exists and garbage is collected. On failure nothing is left running."""
        try:
            self.etcd.start()
            self.etcd.wait_until(self._etcd_healthy)
            self.start_apiserver()
            self.admin.wait_for(lambda: self.admin.get("v1", "Namespace", "default"), "namespace default exists")
            self.start_controllers()
        except BaseException:
            self._stop_processes()
            raise
        return self

    def stop(self) -> None:
        """Ends the children by their pids, last started first, and waits for each. Removes the state unless it was given. Idempotent."""
        self._stop_processes()
        if self._keep_state:
            shutil.rmtree(self.state / "etcd", ignore_errors=True)
        else:
            shutil.rmtree(self.state, ignore_errors=True)

    def _stop_processes(self) -> None:
        self.admin.close()
        if self.controller_manager is not None:
            self.controller_manager.stop()
        self.apiserver.stop()
        self.etcd.stop()

    # ------------------------------------------------------------------ parts that tests stop and start

    def start_apiserver(self, timeout_s: float = 60.0) -> None:
        self.apiserver.start()
        self.apiserver.wait_until(self._ready, timeout_s)

    def stop_apiserver(self, *, kill: bool = False) -> None:
        """Returns when the process is gone. With `kill` it has no chance to finish what it serves."""
        self.apiserver.stop(kill=kill)

    def restart_apiserver(self, *, kill: bool = False) -> None:
        self.stop_apiserver(kill=kill)
        self.start_apiserver()

    def start_controllers(self, timeout_s: float = 60.0) -> None:
        """Returns when garbage is collected. Does nothing without a controller manager."""
        if self.controller_manager is None:
            return
        self.controller_manager.start()
        self.controller_manager.wait_until(self._controller_manager_healthy, timeout_s)
        self._wait_for_collection(timeout_s)

    def restart_controllers(self) -> None:
        """The controller manager looks for new kinds every 30 s; after a restart it knows all that there are now."""
        if self.controller_manager is not None:
            self.controller_manager.stop()
        self.start_controllers()

    def _wait_for_collection(self, timeout_s: float) -> None:
        """An object whose owner never existed is garbage: once it is collected, the collector works."""
        name = f"collector-probe-{secrets.token_hex(4)}"
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": "00000000-0000-4000-8000-000000000000"}
        self.admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-owned", "ownerReferences": [owner]}})
        self.admin.wait_gone("v1", "ConfigMap", f"{name}-owned", "default", timeout_s)

    # ------------------------------------------------------------------ what tests read

    def kubeconfig_for(self, token: str, name: str) -> Path:
        """Writes (or overwrites) ``<name>.kubeconfig`` for this token; readable by its owner only."""
        cluster = {"server": self.server, "certificate-authority-data": base64.b64encode(self.ca_pem).decode()}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": "e2e", "user": name}}],
            "current-context": name,
        }
        path = self.state / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config, indent=2))
        return path

    def metrics(self) -> str:
        """The API server's own metrics, in the text format."""
        status, raw = self.admin.request("GET", "/metrics")
        if status != 200:
            raise ApiError("GET", "/metrics", status, raw)
        return raw.decode()

    def audit_events(self) -> list[dict[str, object]]:
        """The finished requests so far, oldest first; a line that is being written is left out. Empty without an audit log."""
        if self.audit_log is None or not self.audit_log.exists():
            return []
        whole, _, _ = self.audit_log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    # ------------------------------------------------------------------ credentials, commands, conditions

    def _write_credentials(self) -> None:
        authority = pki.Authority("eso-e2e")
        self.ca_pem = authority.pem
        serving = authority.issue("kube-apiserver", hosts=("localhost", "kubernetes.default.svc"), addresses=("127.0.0.1",))
        signing_key, self.service_account_public_key = pki.rsa_pair()
        for name, content in {
            "ca.crt": self.ca_pem,
            "apiserver.crt": serving.certificate,
            "apiserver.key": serving.key,
            "service-account.key": signing_key,
            "service-account.pub": self.service_account_public_key,
            "tokens.csv": f'{self.admin_token},{_ADMIN},{_ADMIN},"system:masters"\n'.encode(),
            "audit-policy.json": json.dumps(_AUDIT_POLICY).encode(),
        }.items():
            path = self.state / name
            path.touch(mode=0o600)
            path.write_bytes(content)

    def _etcd_command(self) -> list[str]:
        peer = f"http://127.0.0.1:{free_port()}"
        return [
            str(self.binaries.etcd),
            f"--data-dir={self.state / 'etcd'}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver_command(self, more: Sequence[str]) -> list[str]:
        audit = [] if self.audit_log is None else self._audit_flags(self.audit_log)
        return [
            str(self.binaries.apiserver),
            f"--etcd-servers={self._etcd_url}",
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--tls-cert-file={self.state / 'apiserver.crt'}",
            f"--tls-private-key-file={self.state / 'apiserver.key'}",
            f"--token-auth-file={self.state / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={self.state / 'service-account.pub'}",
            f"--service-account-signing-key-file={self.state / 'service-account.key'}",
            f"--service-account-issuer={self.issuer}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
            "--allow-privileged=true",
            "--max-requests-inflight=2000",
            "--max-mutating-requests-inflight=1000",
            # Without it an open watch holds back the end of the process for a minute.
            "--shutdown-watch-termination-grace-period=1s",
            *audit,
            *more,
        ]

    def _audit_flags(self, log: Path) -> list[str]:
        log.parent.mkdir(parents=True, exist_ok=True)
        # Blocking: a request is in the log before its answer is out. The size keeps the log in one file.
        return [
            f"--audit-policy-file={self.state / 'audit-policy.json'}",
            f"--audit-log-path={log}",
            "--audit-log-mode=blocking",
            "--audit-log-maxsize=100000",
        ]

    def _controller_manager_command(self) -> list[str]:
        self._controller_manager_port = free_port()
        return [
            str(self.binaries.controller_manager),
            f"--kubeconfig={self.kubeconfig}",
            f"--service-account-private-key-file={self.state / 'service-account.key'}",
            f"--controllers={_CONTROLLERS}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._controller_manager_port}",
            f"--tls-cert-file={self.state / 'apiserver.crt'}",
            f"--tls-private-key-file={self.state / 'apiserver.key'}",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ]

    def _etcd_healthy(self) -> bool:
        return _answers_200(f"{self._etcd_url}/readyz")

    def _ready(self) -> bool:
        status, _ = self.admin.request("GET", "/readyz")
        return status == 200

    def _controller_manager_healthy(self) -> bool:
        return _answers_200(f"https://127.0.0.1:{self._controller_manager_port}/healthz", self.ca_pem)


def _answers_200(url: str, ca_pem: bytes | None = None) -> bool:
    """False for any other answer and for none at all."""
    trusted = None if ca_pem is None else ca_pem.decode()
    try:
        with urllib3.PoolManager(retries=False, ca_cert_data=trusted) as pool:
            return pool.request("GET", url, timeout=5).status == 200
    except urllib3.exceptions.HTTPError:
        return False
