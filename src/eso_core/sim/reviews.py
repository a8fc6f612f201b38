"""Requests that are answered and not stored: tokens of service accounts, and what the caller may do."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from eso_core.instant import SECOND, Instant
from eso_core.refs import SERVICE_ACCOUNT
from eso_core.sim.cluster import Cluster
from eso_core.sim.options import token_seconds
from eso_core.sim.resource import Doc
from eso_core.sim.status import bad_request, not_found
from eso_core.sim.text import stamp

ISSUER = "https://kubernetes.default.svc.cluster.local"

SUBJECT_REVIEWS = {
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
}


def token(cluster: Cluster, namespace: str, name: str, body: Doc, now: Instant) -> bytes:
    """A TokenRequest with its status, without ``managedFields``.

    The token has a real one's claims and no valid signature; equal requests at one time get equal tokens.
    """
    account = cluster.table(cluster.resources["", "v1", SERVICE_ACCOUNT.plural]).get((namespace, name))
    if account is None:
        raise not_found(SERVICE_ACCOUNT, name)
    spec = body.get("spec") or {}
    audiences = spec.get("audiences") or [ISSUER] if type(spec) is dict else None
    if type(audiences) is not list or not all(type(audience) is str for audience in audiences):
        raise bad_request('TokenRequest in version "v1" cannot be handled as a TokenRequest: json: cannot unmarshal spec')
    seconds = token_seconds(spec)
    expires = now.plus(seconds * SECOND)
    claims = {
        "aud": audiences,
        "exp": expires.ns // SECOND,
        "iat": now.ns // SECOND,
        "iss": ISSUER,
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": account.uid}},
        "nbf": now.ns // SECOND,
        "sub": f"system:serviceaccount:{namespace}:{name}",
    }
    out = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name, "namespace": namespace, "uid": account.uid, "creationTimestamp": stamp(now)},
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": spec.get("boundObjectRef")},
        "status": {"token": _jwt(claims), "expirationTimestamp": stamp(expires)},
    }
    return orjson.dumps(out)


def _jwt(claims: dict[str, Any]) -> str:
    parts = (orjson.dumps({"alg": "RS256", "kid": "simulated"}), orjson.dumps(claims), b"simulated")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def subject_review(kind: str, body: Doc) -> bytes:
    """Everything is allowed: this server knows no authorization."""
    status: dict[str, Any] = {"allowed": True}
    if kind == "SelfSubjectRulesReview":
        rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        status = {"resourceRules": [rule], "nonResourceRules": [], "incomplete": False}
    spec = {} if kind == "SelfSubjectRulesReview" else body.get("spec", {})
    return orjson.dumps({"kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec, "status": status})
