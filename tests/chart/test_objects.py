"""What the chart renders, by itself: valid objects, narrow rights, every switch does what its description says."""

from __future__ import annotations

from functools import cache
from typing import Any

import helm_python
import kubernetes_validate
import pytest
from kubernetes_validate import utils

from tests.chart.render import CHART, container_args, find, notes, operator_permissions, rbac, render, service_account
from tests.chart.test_reference import CASES

EVERYTHING: dict[str, Any] = {
    "replicaCount": 2,
    "leaderElect": True,
    "revisionHistoryLimit": 3,
    "image": {"repository": "registry.test/eso", "tag": "1.2.3", "flavour": "slim", "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "pull"}],
    "commonLabels": {"team": "platform"},
    "deploymentAnnotations": {"a": "b"},
    "strategy": {"type": "Recreate"},
    "podAnnotations": {"a": "b"},
    "podLabels": {"c": "d"},
    "serviceAccount": {"annotations": {"role": "arn"}, "extraLabels": {"use": "workload-identity"}},
    "extraEnv": [{"name": "A", "value": "b"}],
    "extraVolumes": [{"name": "tmp", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    "extraInitContainers": [{"name": "wait", "image": "{{ .Values.image.repository }}:init"}],
    "extraContainers": [{"name": "proxy", "image": "proxy:1"}],
    "extraObjects": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-extra"}},
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: text-{{ .Release.Name }}\n",
    ],
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
    "podSecurityContext": {"fsGroup": 2000},
    "metrics": {
        "listen": {"auth": {"enabled": True}, "secure": {"enabled": True}},
        "service": {"enabled": True, "annotations": {"a": "b"}},
    },
    "service": {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6", "IPv4"]},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}],
    "affinity": {"nodeAffinity": {}},
    "priorityClassName": "high",
    "schedulerName": "default-scheduler",
    "runtimeClassName": "gvisor",
    "podDisruptionBudget": {"enabled": True, "maxUnavailable": "50%"},
    "hostNetwork": True,
    "hostUsers": True,
    "networkPolicy": {"enabled": True, "egress": [{"ports": [{"port": 443, "protocol": "TCP"}]}]},
    "dnsPolicy": "ClusterFirstWithHostNet",
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["vault.test"]}],
    "podSpecExtra": {"terminationGracePeriodSeconds": 30},
    "systemAuthDelegator": True,
    "genericTargets": {
        "enabled": True,
        "resources": [{"apiGroup": "argoproj.io", "resources": ["applications"], "verbs": ["get", "create"]}],
    },
}
COMBINATIONS = {name: case["values"] for name, case in CASES.items()} | {"everything": EVERYTHING}

combinations = pytest.mark.parametrize("values", COMBINATIONS.values(), ids=COMBINATIONS.keys())


@pytest.fixture(autouse=True)
def schemas_are_read_once(monkeypatch):
    """The validator reads 2 MB of JSON for each object otherwise."""
    monkeypatch.setattr(utils, "schema_contents", _schema_contents)


_schema_contents = cache(utils.schema_contents)


def deployment(values: dict[str, Any]) -> dict[str, Any]:
    return find(render(values), "Deployment")


def pod(values: dict[str, Any]) -> dict[str, Any]:
    return deployment(values)["spec"]["template"]["spec"]


# --- every object ----------------------------------------------------------------------------------------------------------------


@combinations
@pytest.mark.parametrize("version", ["1.25.0", "1.36.0"])
def test_objects_are_valid(values, version):
    if version == "1.25.0":  # hostUsers is left out by the cluster's version, which is the newest here
        values = {k: v for k, v in values.items() if k != "hostUsers"}
    for manifest in render(values | {"installCRDs": False}):
        if manifest["kind"] == "ServiceMonitor":
            continue  # not one of Kubernetes' own kinds
        kubernetes_validate.validate(manifest, version, strict=True)


@combinations
def test_names_are_unique(values):
    names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in render(values)]
    assert len(names) == len(set(names))


@combinations
def test_objects_carry_the_labels_of_the_release(values):
    for manifest in render({k: v for k, v in values.items() if k != "extraObjects"} | {"installCRDs": False, "commonLabels": {"x": "y"}}):
        labels = manifest["metadata"]["labels"]
        assert labels.keys() >= {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version", "helm.sh/chart", "x"}


@combinations
def test_lint_is_silent(values):
    report = helm_python.lint(CHART, values, strict=True)
    assert report["errors"] == []
    assert [m for m in report["messages"] if m["severity"] > 1] == []


def test_long_names_are_cut_and_keep_their_suffix():
    optional = {"podDisruptionBudget": {"enabled": True}, "networkPolicy": {"enabled": True}, "leaderElect": True}
    names = {o["metadata"]["name"] for o in render(optional | {"installCRDs": False}, release="r" * 53)}
    assert max(map(len, names)) <= 63
    assert "r" * 47 + "-servicebindings" in names


# --- rights ----------------------------------------------------------------------------------------------------------------------

NEEDED = {
    ("external-secrets.io", kind, verb)
    for kind in ("externalsecrets", "secretstores", "clustersecretstores")
    for verb in ("get", "list", "watch", "patch")
}
NEEDED |= {("external-secrets.io", f"{kind}/status", verb) for _, kind, _ in set(NEEDED) for verb in ("update", "patch")}
NEEDED |= {("", "secrets", verb) for verb in ("get", "list", "watch", "create", "update", "patch", "delete")}
NEEDED |= {("", kind, verb) for kind in ("configmaps", "namespaces") for verb in ("get", "list", "watch")}
NEEDED |= {("", "serviceaccounts", "get"), ("", "serviceaccounts/token", "create"), ("", "events", "create"), ("", "events", "patch")}


def test_the_operator_may_do_its_work():
    off = {f"process{kind}": False for kind in ("ClusterExternalSecret", "ClusterPushSecret", "PushSecret", "ClusterGenerator")}
    granted = operator_permissions(render(off))
    assert granted >= NEEDED
    assert {p for p in granted - NEEDED if p[0] != "generators.external-secrets.io"} == {
        ("external-secrets.io", f"{kind}/{sub}", verb)
        for kind in ("externalsecrets", "secretstores", "clustersecretstores")
        for sub, verb in (("status", "get"), ("finalizers", "update"))
    }


@combinations
def test_no_wildcards(values):
    for role in (o for o in render(values) if o["kind"] in {"Role", "ClusterRole"}):
        for rule in role["rules"]:
            assert not [x for x in rule["apiGroups"] + rule["resources"] + rule["verbs"] if "*" in x], role["metadata"]["name"]


@combinations
def test_no_right_to_gain_rights(values):
    forbidden_verbs = {"impersonate", "escalate", "bind"}
    forbidden_kinds = {"roles", "rolebindings", "clusterroles", "clusterrolebindings", "pods", "pods/exec", "nodes"}
    granted = operator_permissions(render(values))
    assert not [p for p in granted if p[2] in forbidden_verbs or p[1] in forbidden_kinds]


def test_one_role_per_concern():
    """Each API group and resource is in one role, but for the two that a second concern adds verbs to."""
    where: dict[tuple[str, str], set[str]] = {}
    for role in (o for o in render(EVERYTHING) if o["kind"] == "ClusterRole" and "-controller" in o["metadata"]["name"]):
        for rule in role["rules"]:
            for resource in rule["resources"]:
                where.setdefault((rule["apiGroups"][0], resource), set()).add(role["metadata"]["name"].removeprefix("external-secrets-"))
    assert {key: names for key, names in where.items() if len(names) > 1} == {
        ("external-secrets.io", "externalsecrets"): {"controller", "controller-cluster-externalsecrets"},
        ("", "namespaces"): {"controller-sources", "controller-cluster-externalsecrets"},
        ("", "configmaps"): {"controller-sources", "controller-targets"},
    }


@pytest.mark.parametrize("values", [{}, {"scopedNamespace": "team-a"}, EVERYTHING | {"systemAuthDelegator": False}])
def test_scoped_rights_are_roles_in_one_namespace(values):
    objects = render(values | {"scopedRBAC": True})
    assert [o for o in objects if o["kind"].startswith("ClusterRole")] == []
    scope = values.get("scopedNamespace", "external-secrets")
    scoped = [o for o in rbac(objects) if o["kind"] != "ServiceAccount" and not o["metadata"]["name"].endswith("-leaderelection")]
    assert {o["metadata"]["namespace"] for o in scoped} == {scope}
    assert not [p for p in operator_permissions(objects) if p[0].endswith("external-secrets.io") and p[1].startswith("cluster")]
    assert f"--namespace={scope}" in container_args(objects)


def test_leader_election_touches_one_lease():
    objects = render({"leaderElect": True, "leaderElectionID": "mine"})
    role = find(objects, "Role")
    assert (role["metadata"]["namespace"], role["metadata"]["name"]) == ("external-secrets", "external-secrets-leaderelection")
    assert role["rules"] == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["mine"], "verbs": ["get", "update", "patch"]},
    ]


def test_leader_election_by_extra_args_gets_its_role():
    objects = render({"extraArgs": {"enable-leader-election": True, "leader-election-id": "theirs"}})
    assert find(objects, "Role")["rules"][1]["resourceNames"] == ["theirs"]


@pytest.mark.parametrize(
    ("switch", "gone"),
    [
        ({"processClusterExternalSecret": False}, {("external-secrets.io", "externalsecrets", "create"), ("", "namespaces", "patch")}),
        ({"processClusterPushSecret": False}, {("external-secrets.io", "pushsecrets", "create")}),
        ({"processClusterStore": False}, {("external-secrets.io", "clustersecretstores", "get")}),
        ({"processClusterGenerator": False}, {("generators.external-secrets.io", "clustergenerators", "get")}),
        ({"rbac": {"serviceAccountTokenCreate": False}}, {("", "serviceaccounts/token", "create")}),
        ({"openshiftFinalizers": False}, {("external-secrets.io", "externalsecrets/finalizers", "update")}),
    ],
)
def test_a_switch_takes_its_rights_away(switch, gone):
    before, after = operator_permissions(render({})), operator_permissions(render(switch))
    assert after < before
    assert gone <= before - after


def test_rights_of_users_aggregate():
    labels = {name: find(render({}), "ClusterRole", f"external-secrets-{name}")["metadata"]["labels"] for name in ("view", "edit")}
    aggregate = {name: {k.rpartition("/")[2] for k in found if "aggregate-to" in k} for name, found in labels.items()}
    assert aggregate == {
        "view": {"aggregate-to-view", "aggregate-to-edit", "aggregate-to-admin"},
        "edit": {"aggregate-to-edit", "aggregate-to-admin"},
    }


def test_no_rights_when_they_are_managed_elsewhere():
    assert [o["kind"] for o in rbac(render({"rbac": {"create": False}}))] == ["ServiceAccount"]


# --- the Deployment --------------------------------------------------------------------------------------------------------------


def test_pod_is_confined():
    assert pod({})["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, "localhost/eso:0.1.0"),
        ({"image": {"tag": "1.2.3"}}, "localhost/eso:1.2.3"),
        ({"image": {"repository": "registry.test/eso", "flavour": "slim"}}, "registry.test/eso:0.1.0-slim"),
        ({"global": {"repository": "mirror.test/eso"}, "image": {"repository": "registry.test/eso"}}, "mirror.test/eso:0.1.0"),
    ],
)
def test_image(values, image):
    assert pod(values)["containers"][0]["image"] == image


@pytest.mark.parametrize(
    ("value", "arg"),
    [
        (None, "--x"),
        ("", "--x"),
        (False, "--x=false"),
        (True, "--x=true"),
        (0, "--x=0"),
        (1500000, "--x=1500000"),
        ("a b: #c", "--x=a b: #c"),
    ],
)
def test_extra_args(value, arg):
    assert arg in container_args(render({"extraArgs": {"x": value}}))


def test_large_numbers_are_written_out():
    args = container_args(render({"concurrent": 2000000, "vault": {"enableTokenCache": True, "tokenCacheSize": 4000000}}))
    assert {"--concurrent=2000000", "--vault-token-cache-size=4000000"} <= set(args)


def test_globals_fill_what_is_empty():
    common = {"nodeSelector": {"a": "b"}, "podLabels": {"c": "d"}, "imagePullSecrets": [{"name": "pull"}]}
    template = deployment({"global": common})["spec"]["template"]
    assert template["spec"]["nodeSelector"] == {"a": "b"}
    assert template["spec"]["imagePullSecrets"] == [{"name": "pull"}]
    assert template["metadata"]["labels"]["c"] == "d"
    assert pod({"global": common, "nodeSelector": {"own": "1"}})["nodeSelector"] == {"own": "1"}


def test_labels_of_users_do_not_change_the_selector():
    mine = {"app.kubernetes.io/name": "mine", "app.kubernetes.io/instance": "mine"}
    found = deployment({"commonLabels": mine, "podLabels": mine})
    assert found["spec"]["selector"]["matchLabels"].items() <= found["spec"]["template"]["metadata"]["labels"].items()


def test_openshift_assigns_the_user():
    spec = pod({"global": {"compatibility": {"openshift": {"adaptSecurityContext": "force"}}}})
    assert "runAsUser" not in spec["containers"][0]["securityContext"]


def test_probes_ask_the_health_server():
    container = pod({"livenessProbe": {"spec": {"port": 9000, "address": "10.0.0.1"}}})["containers"][0]
    assert "--live-addr=10.0.0.1:9000" in container["args"]
    assert {"name": "live", "containerPort": 9000, "protocol": "TCP"} in container["ports"]
    assert container["livenessProbe"]["httpGet"] == {"port": "live", "path": "/healthz"}
    assert container["readinessProbe"]["httpGet"] == {"port": "live", "path": "/readyz"}
    assert "address" not in container["livenessProbe"]


def test_replicas_are_left_to_an_autoscaler():
    assert "replicas" not in deployment({"replicaCount": None})["spec"]
    assert deployment({"replicaCount": 0})["spec"]["replicas"] == 0


def test_no_operator():
    assert "Deployment" not in {o["kind"] for o in render({"createOperator": False})}


def test_service_account_of_the_pod():
    assert service_account(render({})) == ("external-secrets", "external-secrets")
    given = {"serviceAccount": {"create": False, "name": "given"}, "namespaceOverride": "there"}
    assert service_account(render(given)) == ("there", "given")


# --- optional objects ------------------------------------------------------------------------------------------------------------


def test_service_monitor_follows_what_is_served():
    on: dict[str, Any] = {"serviceMonitor": {"enabled": True}}
    assert "ServiceMonitor" not in {o["kind"] for o in render(on)}
    assert "does not serve monitoring.coreos.com/v1" in notes(on)
    with pytest.raises(helm_python.HelmRenderError, match="failIfMissing"):
        render({"serviceMonitor": {"enabled": True, "renderMode": "failIfMissing"}})


def test_service_monitor_speaks_as_the_endpoint_does():
    values = EVERYTHING | {"serviceMonitor": {"enabled": True, "renderMode": "alwaysRender", "tlsConfig": {"insecureSkipVerify": True}}}
    objects = render(values)
    [endpoint] = find(objects, "ServiceMonitor")["spec"]["endpoints"]
    assert (endpoint["scheme"], endpoint["tlsConfig"]) == ("https", {"insecureSkipVerify": True})
    assert find(objects, "Secret", endpoint["authorization"]["credentials"]["name"])["type"] == "kubernetes.io/service-account-token"
    assert find(objects, "Service")["spec"]["selector"] == find(objects, "Deployment")["spec"]["selector"]["matchLabels"]


def test_disruption_budget():
    assert find(render({"podDisruptionBudget": {"enabled": True}}), "PodDisruptionBudget")["spec"]["minAvailable"] == 1
    spec = find(render({"podDisruptionBudget": {"enabled": True, "maxUnavailable": "50%"}}), "PodDisruptionBudget")["spec"]
    assert spec["maxUnavailable"] == "50%"
    assert "minAvailable" not in spec


def test_network_policy_without_egress_leaves_the_operator_its_network():
    assert find(render({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]["policyTypes"] == ["Ingress"]


def test_extra_objects_are_templates():
    names = {o["metadata"]["name"] for o in render(EVERYTHING, release="mine") if o["kind"] == "ConfigMap"}
    assert names == {"mine-extra", "text-mine"}


# --- what is refused, what has no effect -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"replicas": 2}, "additional properties 'replicas' not allowed"),
        ({"image": {"registry": "x"}}, "at '/image': additional properties 'registry' not allowed"),
        ({"crds": {"createStore": True}}, "at '/crds': additional properties 'createStore' not allowed"),
        ({"metrics": {"listen": {"secure": {"cert": "x"}}}}, "at '/metrics/listen/secure': additional properties 'cert' not allowed"),
        ({"log": {"level": "verbose"}}, "at '/log/level': value must be one of"),
        ({"concurrent": "many"}, "at '/concurrent': got string, want integer"),
        ({"extraArgs": {"x": ["a"]}}, "at '/extraArgs/x': got array"),
        ({"leaderElect": "yes"}, "at '/leaderElect': got string, want boolean"),
    ],
)
def test_unknown_values_are_refused(values, message):
    with pytest.raises(helm_python.HelmValuesError) as refused:
        render(values)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        {"global": {"imageRegistry": "x"}},
        {"enabled": True},
        {"nodeSelector": {"any": "label"}},
        {"resources": {"limits": {"memory": "1Gi"}}},
        {"podSecurityContext": {"fsGroup": 1}},
        {"securityContext": {"runAsGroup": 1}},
        {"livenessProbe": {"spec": {"terminationGracePeriodSeconds": 5}}},
    ],
)
def test_free_maps_are_free(values):
    assert render(values)


def test_push_needs_push():
    with pytest.raises(helm_python.HelmRenderError, match="processClusterPushSecret needs processPushSecret"):
        render({"processPushSecret": False})
    assert render({"processPushSecret": False, "scopedRBAC": True})


@pytest.mark.parametrize(
    "values",
    [
        {"webhook": {"create": True, "port": 10250, "certManager": {"enabled": True}}},
        {"certController": {"create": True, "requeueInterval": "1m"}},
        {"crds": {"conversion": {"enabled": True}}},
        {"grafanaDashboard": {"enabled": True}},
        {"bitwarden-sdk-server": {"enabled": True}},
    ],
)
def test_values_without_effect_are_accepted_and_named(values):
    assert render(values) == render({})
    assert next(iter(values)) in notes(values).partition("Accepted, no effect yet:")[2]
    assert "Accepted" not in notes({})
