"""A synchronous admin client over plain HTTP. It shares no code with the operator, so it can bear witness against it.

Kinds are found by the API server's own discovery; objects are plain dicts. A missing namespace means ``default``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import urllib3
import yaml

from tests.e2e.harness.process import poll

Json = dict[str, Any]
T = TypeVar("T")

FIELD_MANAGER = "e2e"
_PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class ApiError(Exception):
    """The API server answered with a failure. `status` is the HTTP status, `reason` the word in the body ("NotFound", "Forbidden", ...)."""

    def __init__(self, method: str, path: str, status: int, body: bytes) -> None:
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = {}
        self.status = status
        self.reason = str(parsed.get("reason", "")) if isinstance(parsed, dict) else ""
        self.message = str(parsed.get("message", "")) if isinstance(parsed, dict) else ""
        super().__init__(f"{method} {path}: {status} {self.reason}: {self.message or body[:500].decode(errors='replace')}")


@dataclass(frozen=True, slots=True)
class _Resource:
    """One line of discovery."""

    plural: str
    namespaced: bool


class Kubectl:
    """Speaks as whoever `token` is. Connections are kept; `close` or leaving the ``with`` block drops them."""

    def __init__(self, server: str, ca_pem: bytes, token: str | None) -> None:
        self.server = server
        self._ca_pem = ca_pem
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self._pool = urllib3.PoolManager(
            maxsize=8, ca_cert_data=ca_pem.decode(), retries=False, timeout=urllib3.Timeout(connect=5, read=60), cert_reqs="CERT_REQUIRED"
        )
        self._known: dict[tuple[str, str], _Resource] = {}

    def __enter__(self) -> Kubectl:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._pool.clear()

    def as_token(self, token: str | None) -> Kubectl:
        """The same server, another identity; without a token an anonymous one. The caller closes it."""
        return Kubectl(self.server, self._ca_pem, token)

    # ------------------------------------------------------------------ objects

    def apply(self, *manifests: Mapping[str, Any], manager: str = FIELD_MANAGER) -> Json:
        """Server-side apply, conflicts forced. Returns the last object as stored."""
        stored: Json = {}
        for manifest in manifests:
            path = self._path_of(manifest)
            stored = self._json("PATCH", path, manifest, _PATCH_TYPES["apply"], fieldManager=manager, force="true")
        return stored

    def apply_status(self, manifest: Mapping[str, Any], manager: str = FIELD_MANAGER) -> Json:
        """Server-side apply of the status subresource."""
        path = f"{self._path_of(manifest)}/status"
        return self._json("PATCH", path, manifest, _PATCH_TYPES["apply"], fieldManager=manager, force="true")

    def create(self, manifest: Mapping[str, Any]) -> Json:
        """Fails with 409 when the object is there. ``metadata.generateName`` works."""
        metadata = manifest.get("metadata", {})
        path = self.path(manifest["apiVersion"], manifest["kind"], namespace=metadata.get("namespace"))
        return self._json("POST", path, manifest, fieldManager=FIELD_MANAGER)

    def replace(self, manifest: Mapping[str, Any]) -> Json:
        return self._json("PUT", self._path_of(manifest), manifest, fieldManager=FIELD_MANAGER)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Json:
        return self._json("GET", self.path(api_version, kind, name, namespace))

    def find(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Json | None:
        """The object, or None when the API server says NotFound."""
        try:
            return self.get(api_version, kind, name, namespace)
        except ApiError as failure:
            if failure.status == 404:
                return None
            raise

    def list(self, api_version: str, kind: str, namespace: str | None = None, labels: str | None = None) -> list[Json]:
        """Items of one namespace, or of all when none is given. Items carry apiVersion and kind, which lists leave out."""
        group, resource = self._resource(api_version, kind)
        scope = f"/namespaces/{namespace}" if namespace and resource.namespaced else ""
        answer = self._json("GET", f"{group}{scope}/{resource.plural}", **({"labelSelector": labels} if labels else {}))
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer["items"]]

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        namespace: str | None = None,
        *,
        patch_type: Literal["merge", "json", "strategic"] = "merge",
        subresource: str | None = None,
    ) -> Json:
        path = self.path(api_version, kind, name, namespace) + (f"/{subresource}" if subresource else "")
        return self._json("PATCH", path, patch, _PATCH_TYPES[patch_type], fieldManager=FIELD_MANAGER)

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
    ) -> bool:
        """Whether there was something to delete. The object may outlive the call while finalizers hold it."""
        try:
            self._json("DELETE", self.path(api_version, kind, name, namespace), {"propagationPolicy": propagation})
        except ApiError as failure:
            if failure.status == 404:
                return False
            raise
        return True

    # ------------------------------------------------------------------ particular objects

    def create_namespace(self, name: str) -> str:
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def service_account_token(self, name: str, namespace: str, audiences: Sequence[str] = (), seconds: int = 3600) -> str:
        """A bound token by TokenRequest; `seconds` is at least 600."""
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds, **({"audiences": list(audiences)} if audiences else {})},
        }
        answer = self._json("POST", f"{self.path('v1', 'ServiceAccount', name, namespace)}/token", request)
        return str(answer["status"]["token"])

    def apply_crds(self, manifests: Iterable[Mapping[str, Any]], timeout_s: float = 60.0) -> None:
        """Returns once every definition is Established and every served version of it is in discovery."""
        definitions = list(manifests)
        for definition in definitions:
            self.apply(definition)
        for definition in definitions:
            name = definition["metadata"]["name"]
            self.wait_for(partial(self._established, name), f"{name} is Established", timeout_s)

    def _established(self, name: str) -> bool:
        definition = self.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
        conditions = {each["type"]: each["status"] for each in definition["status"].get("conditions") or ()}
        if conditions.get("Established") != "True":
            return False
        spec = definition["spec"]
        served = [version["name"] for version in spec["versions"] if version["served"]]
        return all(self._discover(f"{spec['group']}/{version}", spec["names"]["kind"]) is not None for version in served)

    def wait_for(self, condition: Callable[[], T], what: str = "the condition holds", timeout_s: float = 30.0) -> T:
        """The first truthy answer of `condition`; "not found" counts as "not yet". Raises `NotInTime`."""

        def asked() -> T | None:
            try:
                return condition()
            except ApiError as failure:
                if failure.status == 404:
                    return None
                raise

        answer = poll(asked, what, timeout_s)
        assert answer is not None
        return answer

    def wait_gone(self, api_version: str, kind: str, name: str, namespace: str | None = None, timeout_s: float = 30.0) -> None:
        poll(lambda: self.find(api_version, kind, name, namespace) is None, f"{kind} {name} is gone", timeout_s)

    # ------------------------------------------------------------------ the wire

    def request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json", **query: str
    ) -> tuple[int, bytes]:
        """Status and raw body of any answer, failures included. `OSError` when the server cannot be reached."""
        url = f"{self.server}{path}" + (f"?{urlencode(query)}" if query else "")
        payload = None if body is None else json.dumps(body).encode()
        headers = self._headers if payload is None else {**self._headers, "Content-Type": content_type}
        try:
            answer = self._pool.request(method, url, body=payload, headers=headers)
        except urllib3.exceptions.HTTPError as failure:
            raise OSError(f"{method} {path}: {failure}") from failure
        return answer.status, answer.data

    def _json(self, method: str, path: str, body: object = None, content_type: str = "application/json", **query: str) -> Json:
        status, raw = self.request(method, path, body, content_type, **query)
        if status >= 300:
            raise ApiError(method, path, status, raw)
        answer: Json = json.loads(raw)
        return answer

    def path(self, api_version: str, kind: str, name: str | None = None, namespace: str | None = None) -> str:
        """The URL path of an object, or of its collection without a name."""
        group, resource = self._resource(api_version, kind)
        scope = f"/namespaces/{namespace or 'default'}" if resource.namespaced else ""
        return f"{group}{scope}/{resource.plural}" + (f"/{name}" if name else "")

    def _path_of(self, manifest: Mapping[str, Any]) -> str:
        metadata = manifest["metadata"]
        return self.path(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace"))

    def _resource(self, api_version: str, kind: str) -> tuple[str, _Resource]:
        resource = self._known.get((api_version, kind)) or self._discover(api_version, kind)
        if resource is None:
            raise LookupError(f"the API server serves no {kind} in {api_version}")
        return _group_path(api_version), resource

    def _discover(self, api_version: str, kind: str) -> _Resource | None:
        """Asks discovery afresh and remembers everything it answers for this group version."""
        status, raw = self.request("GET", _group_path(api_version))
        if status == 404:
            return None
        if status != 200:
            raise ApiError("GET", _group_path(api_version), status, raw)
        for each in json.loads(raw)["resources"]:
            if "/" not in each["name"]:
                self._known[api_version, each["kind"]] = _Resource(each["name"], each["namespaced"])
        return self._known.get((api_version, kind))


def load_manifests(*paths: Path) -> list[Json]:
    """All documents of YAML or JSON files, in order; empty documents are left out."""
    return [document for path in paths for document in yaml.safe_load_all(path.read_text()) if document]


def _group_path(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
