"""How the conformance suite uses the provider: ``eso provider-test eso_lockers.case``."""

from eso_core.sim.provider.case import Calls, Case, Sample
from eso_lockers.provider import PROVIDER
from eso_lockers.server import CLIENT, Server

CASES = (
    Case(
        name="lockers",
        provider=PROVIDER,
        spec={
            "server": "https://lockers.example.com",
            "clientId": CLIENT,
            "clientSecretRef": {"name": "lockers", "key": "secret"},
        },
        server=Server,
        secrets={"secret": b"first-client-secret"},
        finds=frozenset({"name", "tags"}),
        versions=True,
        metadata=True,
        dialect=(
            Sample(value=b"text", property="", gives=b"text"),
            Sample(value=b'{"a":{"b":"deep"}}', property="a.b", gives=b"deep"),
            Sample(value=b'{"a":1}', property="b", gives="absent"),
        ),
        calls=Calls(login=1, get=1, probe=1, find=1, found=1, push_new=2, push_same=1, delete=2),
        push_metadata={
            "apiVersion": "kubernetes.external-secrets.io/v1alpha1",
            "kind": "PushSecretMetadata",
            "spec": {"tags": {"team": "red"}},
        },
    ),
)
