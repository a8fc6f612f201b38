"""The real parts are what the other end-to-end tests take them for."""

from __future__ import annotations

import base64
from pathlib import Path

import boto3
import kubernetes.client
import kubernetes.config
import pytest

from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.harness.kubectl import ApiError, Json, Kubectl
from tests.e2e.harness.process import NotInTime, Process, ProcessEnded
from tests.e2e.harness.services import Moto, OpenBao, ServiceError


def secret(name: str, namespace: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data}


def config_map(name: str, namespace: str, owner: Json | None = None) -> Json:
    manifest: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}
    if owner is not None:
        manifest["metadata"]["ownerReferences"] = [
            {key: owner[key] for key in ("apiVersion", "kind")} | {key: owner["metadata"][key] for key in ("name", "uid")}
        ]
    return manifest


class TestControlPlane:
    def test_an_applied_secret_is_stored_and_patched_and_deleted(self, kubectl: Kubectl, namespace: str) -> None:
        kubectl.apply(secret("s", namespace, password="first"))
        kubectl.apply(secret("s", namespace, password="second"))
        assert kubectl.get("v1", "Secret", "s", namespace)["data"] == {"password": base64.b64encode(b"second").decode()}
        kubectl.patch("v1", "Secret", "s", {"metadata": {"labels": {"a": "b"}}}, namespace)
        assert [each["metadata"]["name"] for each in kubectl.list("v1", "Secret", namespace, labels="a=b")] == ["s"]
        assert kubectl.delete("v1", "Secret", "s", namespace)
        assert kubectl.find("v1", "Secret", "s", namespace) is None
        assert not kubectl.delete("v1", "Secret", "s", namespace)

    def test_what_an_owner_owned_is_collected_with_it(self, collecting_control_plane: ControlPlane, namespace: str) -> None:
        kubectl = collecting_control_plane.admin
        owner = kubectl.apply(config_map("owner", namespace))
        kubectl.apply(config_map("owned", namespace, owner))
        kubectl.apply(config_map("free", namespace))
        kubectl.delete("v1", "ConfigMap", "owner", namespace)
        kubectl.wait_gone("v1", "ConfigMap", "owned", namespace)
        assert kubectl.find("v1", "ConfigMap", "free", namespace)

    def test_a_deleted_namespace_goes_with_all_in_it(self, collecting_control_plane: ControlPlane) -> None:
        kubectl = collecting_control_plane.admin
        kubectl.create_namespace("short-lived")
        kubectl.apply(secret("s", "short-lived"))
        kubectl.delete("v1", "Namespace", "short-lived")
        kubectl.wait_gone("v1", "Namespace", "short-lived")
        assert kubectl.find("v1", "Secret", "s", "short-lived") is None

    def test_a_service_account_may_do_what_its_role_says_and_no_more(self, kubectl: Kubectl, namespace: str) -> None:
        metadata = {"name": "reader", "namespace": namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
        kubectl.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": metadata,
                "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": role,
                "subjects": [{"kind": "ServiceAccount", **metadata}],
            },
            secret("s", namespace, a="b"),
        )
        with kubectl.as_token(kubectl.service_account_token("reader", namespace)) as reader:
            assert reader.get("v1", "Secret", "s", namespace)["metadata"]["name"] == "s"
            with pytest.raises(ApiError, match="cannot list resource") as denied:
                reader.list("v1", "Secret", namespace)
        assert (denied.value.status, denied.value.reason) == (403, "Forbidden")

    def test_a_definition_serves_its_kind_once_it_is_applied(self, kubectl: Kubectl, namespace: str) -> None:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        names = {"kind": "Thing", "listKind": "ThingList", "plural": "things", "singular": "thing"}
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.e2e.example"},
            "spec": {"group": "e2e.example", "scope": "Namespaced", "names": names, "versions": [version]},
        }
        kubectl.apply_crds([definition])
        thing = {"apiVersion": "e2e.example/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": namespace}}
        kubectl.apply({**thing, "spec": {"size": 1}})
        kubectl.apply_status({**thing, "status": {"ready": True}})
        stored = kubectl.get("e2e.example/v1", "Thing", "t", namespace)
        assert (stored["spec"], stored["status"]) == ({"size": 1}, {"ready": True})

    def test_the_kubeconfig_works_in_another_client(self, control_plane: ControlPlane, namespace: str) -> None:
        client = kubernetes.config.new_client_from_config(str(control_plane.kubeconfig))
        try:
            assert namespace in {each.metadata.name for each in kubernetes.client.CoreV1Api(client).list_namespace().items}
        finally:
            client.close()

    def test_requests_are_counted_by_the_server(self, control_plane: ControlPlane) -> None:
        assert 'apiserver_request_total{code="200"' in control_plane.metrics()


class TestOwnControlPlane:
    def test_objects_survive_a_restart_and_requests_are_audited(self, control_plane: ControlPlane, tmp_path: Path) -> None:
        with ControlPlane(control_plane.binaries, audit_log=tmp_path / "audit.log", controllers=False) as plane:
            plane.admin.apply(secret("s", "default", a="b"))
            plane.restart_apiserver()
            assert plane.admin.find("v1", "Secret", "s")
            plane.stop_apiserver(kill=True)
            with pytest.raises(OSError, match="refused"):
                plane.admin.get("v1", "Secret", "s")
            plane.start_apiserver()
            assert plane.admin.find("v1", "Secret", "s")
            seen = [event["verb"] for event in plane.audit_events() if "/secrets/s" in str(event["requestURI"])]
            assert seen == ["patch", "get", "get"]
            pids = [plane.apiserver.pid, plane.etcd.pid]
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


class TestProcess:
    def test_a_server_that_ends_is_reported_with_its_last_words(self, tmp_path: Path) -> None:
        process = Process("short", ["sh", "-c", "echo last words; exit 3"], tmp_path / "log")
        process.start()
        with pytest.raises(ProcessEnded, match=r"(?s)short ended with 3 before it was ready.*last words"):
            process.wait_until(lambda: False)
        process.stop()

    def test_a_server_that_is_never_ready_is_reported(self, tmp_path: Path) -> None:
        process = Process("slow", ["sh", "-c", "echo still starting; exec tail -f /dev/null"], tmp_path / "log")
        process.start()
        try:
            with pytest.raises(NotInTime, match=r"(?s)slow is ready.*last lines"):
                process.wait_until(lambda: False, timeout_s=0.3)
        finally:
            process.stop()


class TestOpenBao:
    @pytest.mark.parametrize("version", [1, 2])
    def test_a_value_comes_back(self, openbao: OpenBao, version: int) -> None:
        mount = f"kv-v{version}"
        openbao.enable_kv(mount, version)
        openbao.write("team/db", {"user": "u", "password": "p"}, mount, version)
        assert openbao.read("team/db", mount, version) == {"user": "u", "password": "p"}
        openbao.delete("team/db", mount, version)
        assert openbao.read("team/db", mount, version) is None

    def test_each_request_is_counted_once(self, openbao: OpenBao) -> None:
        openbao.write("counted", {"a": "b"})
        before = openbao.mark()
        openbao.read("counted")
        openbao.read("counted")
        assert [call.operation for call in openbao.calls("secret/data/counted", since=before)] == ["read", "read"]

    def test_an_approle_reads_what_its_policy_says_and_no_more(self, openbao: OpenBao) -> None:
        openbao.write("open", {"a": "b"})
        openbao.write("shut", {"a": "b"})
        openbao.write_policy("read-open", 'path "secret/data/open" { capabilities = ["read"] }')
        role = openbao.create_approle("reader", "read-open")
        login = openbao.api("POST", "auth/approle/login", {"role_id": role.role_id, "secret_id": role.secret_id}, token="none")
        token = login["auth"]["client_token"]
        assert openbao.api("GET", "secret/data/open", token=token)["data"]["data"] == {"a": "b"}
        with pytest.raises(ServiceError, match="permission denied"):
            openbao.api("GET", "secret/data/shut", token=token)

    def test_a_revoked_token_is_refused(self, openbao: OpenBao) -> None:
        token = openbao.create_token("default")
        openbao.api("GET", "auth/token/lookup-self", token=token)
        openbao.revoke_token(token)
        with pytest.raises(ServiceError) as refused:
            openbao.api("GET", "auth/token/lookup-self", token=token)
        assert refused.value.status == 403

    def test_namespaces_are_apart(self, openbao: OpenBao) -> None:
        inner = openbao.create_namespace("inner", openbao.create_namespace("outer"))
        openbao.enable_kv("kv", namespace=inner)
        openbao.write("s", {"a": "b"}, "kv", namespace=inner)
        assert openbao.read("s", "kv", namespace=inner) == {"a": "b"}
        assert openbao.read("s", "kv") is None
        assert [call.namespace for call in openbao.calls("kv/data/s") if not call.error] == ["outer/inner", "outer/inner"]

    def test_its_certificate_is_checked_against_its_own_authority(self, openbao_tls: OpenBao) -> None:
        assert openbao_tls.url.startswith("https://")
        assert openbao_tls.ca_pem
        openbao_tls.write("s", {"a": "b"})
        assert openbao_tls.read("s") == {"a": "b"}


class TestMoto:
    def test_secrets_come_back_one_by_one_and_in_a_batch(self, moto: Moto) -> None:
        client = boto3.client("secretsmanager", **moto.client_arguments())
        try:
            for name in ("batch/a", "batch/b"):
                client.create_secret(Name=name, SecretString=f"value of {name}")
            before = moto.mark()
            assert client.get_secret_value(SecretId="batch/a")["SecretString"] == "value of batch/a"
            answer = client.batch_get_secret_value(SecretIdList=["batch/a", "batch/b", "batch/missing"])
        finally:
            client.close()
        assert {each["Name"]: each["SecretString"] for each in answer["SecretValues"]} == {
            "batch/a": "value of batch/a",
            "batch/b": "value of batch/b",
        }
        assert [error["SecretId"] for error in answer["Errors"]] == ["batch/missing"]
        assert [call.operation for call in moto.calls(since=before)] == ["GetSecretValue", "BatchGetSecretValue"]
        assert len(moto.calls("BatchGetSecretValue", since=before)) == 1
