"""Akeyless: each access type, a Gateway, and a universal identity's token."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from eso_core.providers.akeyless import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.akeyless.server import ACCESS_ID, CONFIG, Akeyless

FIRST = b"credential-0"
GATEWAY = "https://gateway.example:8080"
NAMES = ("/lion", "/eel", "/gamma")


def selector(key: str) -> dict[str, str]:
    return {"name": "akeyless", "key": key}


def by_access(*, param: bool = True, url: str = "", account: bool = False, **more: Any) -> dict[str, Any]:
    """A store with an access id."""
    ref = {"accessID": selector("id"), "accessType": selector("type"), **({"accessTypeParam": selector("param")} if param else {})}
    auth = {"secretRef": ref, **({"serviceAccountRef": {"name": "workload"}} if account else {})}
    return {"akeylessGWApiURL": url, "authSecretRef": auth, **more}


def secrets(kind: str, param: bytes | None = None) -> dict[str, bytes]:
    held = {"access_id": ACCESS_ID.encode(), "access_type": kind.encode()}
    return held if param is None else {**held, "access_type_param": param}


KUBERNETES = {
    "akeylessGWApiURL": f"{GATEWAY}/v2",
    "authSecretRef": {
        "kubernetesAuth": {"accessID": ACCESS_ID, "k8sConfName": CONFIG, "serviceAccountRef": {"name": "reader"}},
    },
}

DIALECT = (
    Sample(value=b"plain", property="", gives=b"plain"),
    Sample(value=b"", property="", gives="failed"),
    Sample(value=b'{"user": "ann", "n": 7}', property="user", gives=b"ann"),
    Sample(value=b'{"n": 7}', property="n", gives=b"7"),
    Sample(value=b'{"a.b": "literal", "a": {"b": "nested"}}', property="a.b", gives=b"literal"),
    Sample(value=b'{"a": {"b": "nested"}}', property="a.b", gives=b"nested"),
    Sample(value=b'{"a": {"b": "nested"}}', property="a", gives=b'{"b": "nested"}'),
    Sample(value=b'{"n": 7}', property="x", gives="failed"),
)


def case(name: str, spec: Mapping[str, Any], server: Any, held: Mapping[str, bytes], *, login: int = 1, public: str = "") -> Case:
    """What all access types have in common."""
    return Case(
        name=f"akeyless-{name}",
        provider=PROVIDER,
        spec=spec,
        server=server,
        secrets=held,
        public=frozenset({"access_id", "access_type", *public.split()}) & set(held),
        names=NAMES,
        missing="failed",
        finds=frozenset({"name", "tags"}),
        tags_any=True,
        versions=True,
        dialect=DIALECT,
        calls=Calls(login=login, get=2, batch=(15, 17), probe=1, find=2, found=None, push_new=2, push_same=2, delete=2),
        push_new="/delta",
        push_reads="value",  # a push sets the member named as its secret key
        guarded=False,  # deletions are, pushes are not
        reach=name == "gateway",  # the first call finds out where the API is, whatever status the root has
    )


CASES: tuple[Case, ...] = (
    case("key", by_access(), Akeyless, secrets("api_key", FIRST)),
    case("gateway", by_access(url=GATEWAY), partial(Akeyless, root=f"{GATEWAY}/v2"), secrets("access_key", FIRST), login=2),
    case("universal", by_access(ignoreCache=True), partial(Akeyless, prefix="u-"), secrets("api_key", FIRST)),
    case("kubernetes", KUBERNETES, partial(Akeyless, "k8s", f"{GATEWAY}/v2"), {"jwt": FIRST}),
    case("aws", by_access(param=False), partial(Akeyless, "aws_iam"), secrets("aws_iam"), login=2),
    case("gcp", by_access(param=False), partial(Akeyless, "gcp"), secrets("gcp"), login=3),
    case("azure", by_access(param=False), partial(Akeyless, "azure_ad"), secrets("azure_ad"), login=2),
    case("azure-object", by_access(), partial(Akeyless, "azure_ad"), secrets("azure_ad", b"object-1"), login=2, public="access_type_param"),
    case(
        "azure-workload",
        by_access(param=False, account=True),
        partial(Akeyless, "azure_ad"),
        {
            **secrets("azure_ad"),
            "account": b'{"azure.workload.identity/client-id": "client", "azure.workload.identity/tenant-id": "tenant"}',
            "assertion": b"workload-assertion",
        },
        login=2,
        public="account",
    ),
)
