"""The webhook provider: JSON with a JSONPath, the response as it is, and NTLM."""

import base64

import orjson

from eso_core.providers.webhook import PROVIDER
from eso_core.sim.provider.case import Calls, Case, Sample
from tests.providers.webhook.server import FOLDER, ORIGIN, NtlmServer, PlainServer, Server, held

URL = ORIGIN + FOLDER + "{{ with .remoteRef.key }}{{ . }}{{ else }}{{ .remoteRef.remoteKey }}{{ end }}"
COMMON = {
    "provider": PROVIDER,
    "absent_statuses": frozenset({404}),  # any 404 is the endpoint's word, as in the reference: a webhook has no shape of its own
    "reach": True,
    "calls": Calls(get=1, probe=1, push_new=1, push_same=1, delete=1),
    "push_property": "",  # as in the reference, a property of a push is not looked at
    "guarded": False,
}
KEYED = {"headers": {"X-Api-Key": "{{ .auth.key }}"}, "secrets": [{"name": "auth", "secretRef": {"name": "hook"}}]}
CASES = (
    Case(
        name="webhook-json",
        spec={"url": URL, **KEYED, "result": {"jsonPath": '$.data.value{{ with .remoteRef.property }}["{{ . }}"]{{ end }}'}},
        server=Server,
        secrets={"secret0": held()},
        dialect=(Sample(value=b"text", property="", gives=b"text"), Sample(value=b"text", property="nope", gives="failed")),
        **COMMON,
    ),
    Case(
        name="webhook-plain",
        spec={"url": URL, **KEYED, "result": {}},
        server=PlainServer,
        secrets={"secret0": held()},
        opaque=True,
        properties=False,
        **COMMON,
    ),
    Case(
        name="webhook-ntlm",
        spec={
            "url": URL,
            "result": {"jsonPath": "$.data.value"},
            "auth": {"ntlm": {"usernameSecret": {"name": "ad", "key": "user"}, "passwordSecret": {"name": "ad", "key": "key"}}},
        },
        server=NtlmServer,
        secrets={"ntlm_user": orjson.dumps({"user": base64.b64encode(b"CORP\\reader").decode()}), "ntlm_password": held()},
        properties=False,
        **COMMON,
    ),
)
