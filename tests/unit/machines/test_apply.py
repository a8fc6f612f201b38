"""How actions are spelled to the API server, and what its answers mean."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from eso_core.failure import Broken, InvalidSpec, Missing, Refused, Stale, Throttled, Unreachable
from eso_core.instant import SECOND
from eso_core.machines.apply import Applicable, call_of, failure_of, manifest_of, outcome_of
from eso_core.plan import (
    CreateTarget,
    DeleteTarget,
    Desired,
    Done,
    ManifestBody,
    NotDone,
    SecretBody,
    SetFinalizers,
    SetStatus,
    UpdateTarget,
    Version,
)
from eso_core.refs import CLUSTER_SECRET_STORE, CONFIG_MAP, SECRET, Ref
from eso_core.secret import SecretBytes
from eso_core.wire import JSON, MERGE_PATCH, CallFailed, KubeReply
from tests.unit.core.objects import KEY, owner

REF = Ref(SECRET, "team", "s")
AT = Version("uid", "9")
PRECONDITION = {"uid": "uid", "resourceVersion": "9"}


def desired(**fields: Any) -> Desired:
    body = SecretBody({"k": SecretBytes(b"\0v")}, "Opaque", immutable=True)
    base = {"ref": REF, "labels": {"l": "1"}, "annotations": {"a": "2"}, "owners": (owner(),), "finalizers": ("f/g",), "body": body}
    return Desired(**{**base, **fields})


WHOLE = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "s",
        "namespace": "team",
        "labels": {"l": "1"},
        "annotations": {"a": "2"},
        "ownerReferences": [owner()],
        "finalizers": ["f/g"],
    },
    "type": "Opaque",
    "data": {"k": base64.b64encode(b"\0v").decode()},
    "immutable": True,
}


def spelled(action: Applicable) -> tuple[str, str, dict[str, str], str, dict[str, Any]]:
    call = call_of(action)
    return call.method, call.path, dict(call.query), call.content_type, json.loads(call.body or b"")


class TestRequests:
    def test_create(self) -> None:
        path = "/api/v1/namespaces/team/secrets"
        assert spelled(CreateTarget(desired(), "me")) == ("POST", path, {"fieldManager": "me"}, JSON, WHOLE)

    def test_update(self) -> None:
        method, path, query, _, body = spelled(UpdateTarget(desired(), "me", AT))
        assert (method, path, query) == ("PUT", "/api/v1/namespaces/team/secrets/s", {"fieldManager": "me"})
        assert body == {**WHOLE, "metadata": {**WHOLE["metadata"], **PRECONDITION}}  # type: ignore[dict-item]

    def test_delete(self) -> None:
        method, path, query, _, body = spelled(DeleteTarget(REF, AT))
        assert (method, path, query) == ("DELETE", REF.path, {})
        assert body["preconditions"] == PRECONDITION

    def test_finalizers(self) -> None:
        method, path, query, kind, body = spelled(SetFinalizers(KEY, AT, ("a/b",)))
        assert (method, path, kind, query) == ("PATCH", KEY.path, MERGE_PATCH, {"fieldManager": "external-secrets"})
        assert body == {"metadata": {"finalizers": ["a/b"], **PRECONDITION}}
        assert spelled(SetFinalizers(KEY, AT, ()))[4]["metadata"]["finalizers"] == []

    def test_status(self) -> None:
        ref = Ref(CLUSTER_SECRET_STORE, "", "c")
        method, path, _, kind, body = spelled(SetStatus(ref, AT, {"x": 1}))
        assert (method, path, kind) == ("PATCH", "/apis/external-secrets.io/v1/clustersecretstores/c/status", MERGE_PATCH)
        assert body == {"status": {"x": 1}, "metadata": PRECONDITION}


class TestManifests:
    def test_what_is_empty_is_left_out(self) -> None:
        made = manifest_of(desired(labels={}, annotations={}, owners=(), finalizers=(), body=SecretBody({})), None)
        assert made == {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "team"}, "data": {}}

    def test_mutable_again_is_said(self) -> None:
        assert manifest_of(desired(body=SecretBody({}, immutable=False)), None)["immutable"] is False

    def test_other_kinds(self) -> None:
        made = manifest_of(desired(ref=Ref(CONFIG_MAP, "team", "c"), body=ManifestBody({"data": {"a": "b"}})), AT)
        assert (made["kind"], made["data"], made["metadata"]["uid"]) == ("ConfigMap", {"a": "b"}, "uid")


CREATE, UPDATE, DELETE, STATUS = (
    CreateTarget(desired(), "m"),
    UpdateTarget(desired(), "m", AT),
    DeleteTarget(REF, AT),
    SetStatus(KEY, AT, {}),
)
ALL = [CREATE, UPDATE, DELETE, SetFinalizers(KEY, AT, ()), STATUS]


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 201, 202])
    @pytest.mark.parametrize("action", [CREATE, UPDATE, STATUS])
    def test_done(self, status: int, action: Applicable) -> None:
        assert outcome_of(action, KubeReply(status=status, body=b"{}")) == Done(b"{}")

    def test_a_deletion_gives_no_object(self) -> None:
        assert outcome_of(DELETE, KubeReply(status=200, body=b"{}")) == Done()

    def test_gone_already(self) -> None:
        assert outcome_of(DELETE, KubeReply(status=404, body=b"{}")) == Done()
        assert outcome_of(STATUS, KubeReply(status=404, body=b'{"message":"m"}')) == NotDone(Missing("m"))
        assert outcome_of(CREATE, KubeReply(status=404, body=b'{"message":"m"}')) == NotDone(Missing("m"))

    def test_an_update_of_what_is_gone_is_stale(self) -> None:
        """The target was deleted since it was read: to be planned anew, not to be complained about."""
        assert outcome_of(UPDATE, KubeReply(status=404, body=b'{"message":"m"}')) == NotDone(Stale("m"))

    @pytest.mark.parametrize("action", ALL)
    def test_no_answer(self, action: Applicable) -> None:
        assert outcome_of(action, CallFailed(Unreachable("x"))) == NotDone(Unreachable("x"))

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (400, InvalidSpec("m")),
            (401, Refused("m")),
            (403, Refused("m")),
            (404, Missing("m")),
            (405, Broken("m")),
            (409, Stale("m")),
            (413, InvalidSpec("m")),
            (415, InvalidSpec("m")),
            (422, InvalidSpec("m")),
            (429, Throttled("m", 3 * SECOND)),
            (500, Unreachable("m")),
            (503, Unreachable("m")),
            (302, Broken("m")),
        ],
    )
    def test_refusals(self, status: int, expected: object) -> None:
        assert failure_of(KubeReply(status=status, body=b'{"message":"m"}', retry_after_s=3)) == expected

    @pytest.mark.parametrize("body", [b"", b"<html>", b'{"message":1}', b'{"message":"\xff"}', b"\xff", b'"x"', b"{}"])
    def test_bodies_that_are_no_status(self, body: bytes) -> None:
        assert failure_of(KubeReply(status=403, body=body)) == Refused("the API server answered with status 403")

    def test_long_messages_are_cut(self) -> None:
        assert len(failure_of(KubeReply(status=403, body=json.dumps({"message": "x" * 9999}).encode())).what) == 500

    @pytest.mark.parametrize(
        ("message", "shown"),
        [
            ('metadata.labels: Invalid value: "p@ss \\"w\\": x": a valid label', "metadata.labels: Invalid value: ***: a valid label"),
            ('type: Unsupported value: "a": supported values: "b"', 'type: Unsupported value: ***: supported values: "b"'),
            ("spec.n: Invalid value: 12345: must be less", "spec.n: Invalid value: ***: must be less"),
            ('[a: Duplicate value: "x", b: Invalid value: "y": no]', "[a: Duplicate value: ***, b: Invalid value: ***: no]"),
            ("data[a b]: Required value", "data[a b]: Required value"),
            ('x: Invalid value: "unclosed', "x: Invalid value: ***"),
        ],
    )
    def test_values_of_fields_are_not_told(self, message: str, shown: str) -> None:
        """A template may have made them of secrets."""
        assert failure_of(KubeReply(status=422, body=json.dumps({"message": message}).encode())) == InvalidSpec(shown)
