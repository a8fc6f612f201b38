"""AWS through botocore: credentials, roles and endpoints. The one file that imports it; the first AWS store pays for that.

Everything else of AWS is signed by :mod:`eso_shell.sigv4` and sent by the HTTP client.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions as faults
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.loaders import Loader, create_loader
from botocore.regions import EndpointResolver

from eso_core.failure import Broken, Failure, InvalidSpec, Refused, Throttled, Unreachable
from eso_core.wire import HttpCall, SigV4
from eso_shell.sdk import SdkFailure
from eso_shell.sigv4 import host_of, sign

ENDPOINT_OF = {
    "secretsmanager": ("AWS_SECRETSMANAGER_ENDPOINT", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"),
    "ssm": ("AWS_SSM_ENDPOINT", "AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL"),
    "acm": ("AWS_ACM_ENDPOINT", "AWS_ENDPOINT_URL_ACM", "AWS_ENDPOINT_URL"),
    "tagging": ("AWS_RESOURCE_GROUPS_TAGGING_API_ENDPOINT", "AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API", "AWS_ENDPOINT_URL"),
    "sts": ("AWS_STS_ENDPOINT", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"),
}
"""Variables that name another endpoint; the first that is set wins."""
BESIDE = {"acm": "tagging"}
"""The service that is called beside another."""
REGION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")  # it becomes part of a host name
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
SESSION = "external-secrets-provider-aws"
UNKNOWN_LEASE_S = 900.0  # of ambient credentials that expire but do not say when
LEASE_MIN_S = 60.0
ROLE_S = 3600  # seconds that an assumed role is asked for; the most that a chain of roles may have
FIPS, DUAL_STACK = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
"""Variables that choose among a service's endpoints, where none is named."""
CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2, "mode": "standard"})

ARGUMENT_OF = {"aws_access_key_id": "access_key", "aws_secret_access_key": "secret_key", "aws_session_token": "session_token"}

IDENTITY_BODY = "Action=GetCallerIdentity&Version=2011-06-15"
IDENTITY_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
VOLATILE = re.compile(r"\(?request id: \S+|\s*Credential=.+", re.IGNORECASE | re.DOTALL)
TEXT_MAX = 200  # characters


def credentials(args: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What to sign with, and where to call.

    ``args``: ``service`` and ``region``; ``fips`` for endpoints with validated cryptography; the identity; ``roles``, assumed one after
    the other, each with ``arn`` and, if wanted, ``session``, ``external_id``, ``tags``, ``transitive``. The identity is ``access_key``,
    ``secret_key`` and ``session_token``, or ``web_identity`` (``token``, ``role_arn``, ``session``), or without both the SDK's own sources.

    Gives ``endpoint`` (and, where :data:`BESIDE` names a second service, ``endpoint_beside``), ``access_key``, ``secret_key``,
    ``session_token`` and ``lease_s`` (``None``: they do not expire).
    """
    service, region = str(args["service"]), _region(args, environ)
    environ = {**environ, FIPS: "true"} if args.get("fips") else environ
    held = {**_identity(args, region, environ), "endpoint": endpoint(service, region, environ)}
    if service in BESIDE:
        held["endpoint_beside"] = endpoint(BESIDE[service], region, environ)
    return held


def caller_identity(args: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """A signed STS ``GetCallerIdentity`` request, for a backend that sends it to learn who we are; it is not sent here.

    ``args`` as for :func:`credentials`, without ``service``. ``headers``: further headers, signed with the others. ``endpoint``: of STS,
    in place of the region's. Gives ``method``, ``url``, ``headers`` (text by name, the signature's included) and ``body`` (text).
    """
    region = _region(args, environ)
    url = str(args.get("endpoint") or "") or endpoint("sts", region, environ)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise SdkFailure(InvalidSpec("the endpoint of STS is not a usable URL"))
    held = _identity(args, region, environ)
    more = {str(name): str(value) for name, value in (args.get("headers") or {}).items()}
    call = HttpCall(
        method="POST",
        url=f"{url.rstrip('/')}/",
        headers={"Content-Type": IDENTITY_TYPE, **more},
        body=IDENTITY_BODY.encode(),
        sign=SigV4(service="sts", region=region, access_key=held["access_key"], secret_key=held["secret_key"], token=held["session_token"]),
    )
    connection = {"Host": host_of(call.url), "Content-Length": str(len(call.body))}
    signed = sign(call, time.time(), {name.lower() for name in more})
    return {"method": call.method, "url": call.url, "headers": {**connection, **call.headers, **signed}, "body": IDENTITY_BODY}


# ---------------------------------------------------------------- endpoints


def endpoint(service: str, region: str, environ: Mapping[str, str]) -> str:
    """The URL of a service in a region: as the environment says, else as botocore knows it."""
    fips, dual_stack = (environ.get(name, "").lower() == "true" for name in (FIPS, DUAL_STACK))
    return _override(service, environ) or _resolved(service, region, fips=fips, dual_stack=dual_stack)


def _override(service: str, environ: Mapping[str, str]) -> str:
    return next((environ[name] for name in ENDPOINT_OF[service] if environ.get(name)), "")


@lru_cache(maxsize=256)
def _resolved(service: str, region: str, *, fips: bool, dual_stack: bool) -> str:
    try:
        found = _resolver().construct_endpoint(service, region, use_fips_endpoint=fips, use_dualstack_endpoint=dual_stack)
    except faults.EndpointVariantError:
        found = None
    if not found or "hostname" not in found:
        raise SdkFailure(InvalidSpec("region not found", "spec.provider.aws.region"))
    return f"https://{found['hostname']}"


@lru_cache(maxsize=1)
def _resolver() -> EndpointResolver:
    return EndpointResolver(_loader().load_data("endpoints"))


@lru_cache(maxsize=1)
def _loader() -> Loader:
    """Keeps the descriptions of services, which take most of the time that a client takes."""
    return create_loader()


def _region(args: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    ours = next((environ[name] for name in REGIONS if environ.get(name)), "us-east-1")
    region = str(args.get("region") or "") or ours
    if not REGION.fullmatch(region):
        raise SdkFailure(InvalidSpec("region not found", "spec.provider.aws.region"))
    return region


# ---------------------------------------------------------------- identities


def _identity(args: Mapping[str, Any], region: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """``access_key``, ``secret_key``, ``session_token`` and ``lease_s`` at the end of all roles."""
    try:
        held = _first(args, region, environ)
        for role in args.get("roles") or ():
            held = _assumed(role, held, region, environ)
        return held
    except SdkFailure:
        raise
    except Exception as error:
        raise SdkFailure(failure_of(error)) from None


def _first(args: Mapping[str, Any], region: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The identity before any role."""
    if args.get("access_key"):
        return {**{name: args.get(name) or "" for name in ("access_key", "secret_key", "session_token")}, "lease_s": None}
    if args.get("web_identity"):
        return _by_token(args["web_identity"], region, environ)
    session = _session()
    session.set_config_variable("region", region)  # for sources that call STS
    found = session.get_credentials()
    if found is None:
        raise SdkFailure(Refused("AWS: no credentials were found where the operator runs", session=True))
    frozen = found.get_frozen_credentials()
    until = getattr(found, "_expiry_time", None)
    expires = until is not None or hasattr(found, "refresh_needed")
    lease = max(until.timestamp() - time.time(), LEASE_MIN_S) if until is not None else UNKNOWN_LEASE_S if expires else None
    return {"access_key": frozen.access_key, "secret_key": frozen.secret_key, "session_token": frozen.token or "", "lease_s": lease}


def _by_token(identity: Mapping[str, Any], region: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """A role for the token of a ServiceAccount. The request is not signed: the token is what counts."""
    sts = _sts(region, environ, config=CONFIG.merge(Config(signature_version=UNSIGNED)))
    try:
        return _lent(
            sts.assume_role_with_web_identity(
                RoleArn=identity["role_arn"],
                RoleSessionName=identity.get("session") or SESSION,
                WebIdentityToken=identity["token"],
            )
        )
    finally:
        sts.close()


def _assumed(role: Mapping[str, Any], held: Mapping[str, Any], region: str, environ: Mapping[str, str]) -> dict[str, Any]:
    keys = {name: held[slot] or None for name, slot in ARGUMENT_OF.items()}
    sts = _sts(region, environ, config=CONFIG, **keys)
    try:
        return _lent(sts.assume_role(**_request(role)))
    finally:
        sts.close()


def _sts(region: str, environ: Mapping[str, str], **more: Any) -> Any:
    """A client of STS."""
    return _session().create_client("sts", region_name=region, endpoint_url=endpoint("sts", region, environ), **more)


def _session() -> botocore.session.Session:
    session = botocore.session.Session()
    session.register_component("data_loader", _loader())
    return session


def _lent(answer: Mapping[str, Any]) -> dict[str, Any]:
    lent = answer["Credentials"]
    return {
        "access_key": lent["AccessKeyId"],
        "secret_key": lent["SecretAccessKey"],
        "session_token": lent["SessionToken"],
        "lease_s": max(lent["Expiration"].timestamp() - time.time(), LEASE_MIN_S),
    }


def _request(role: Mapping[str, Any]) -> dict[str, Any]:
    request = {"RoleArn": role["arn"], "RoleSessionName": role.get("session") or SESSION, "DurationSeconds": ROLE_S}
    if role.get("external_id"):
        request["ExternalId"] = role["external_id"]
    if role.get("tags"):
        request["Tags"] = [{"Key": key, "Value": value} for key, value in role["tags"].items()]
        transitive: Sequence[str] = role.get("transitive") or ()
        if transitive:
            request["TransitiveTagKeys"] = list(transitive)
    return request


# ---------------------------------------------------------------- failures


REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized"})
"""Known, but not allowed; any other refusal of STS says that the identity itself is not good."""


def failure_of(error: Exception) -> Failure:
    """What an exception of botocore means. Texts of the service are repeated, bounded and without what differs from call to call."""
    if isinstance(error, faults.ClientError):
        fault = error.response.get("Error", {})
        code, status = str(fault.get("Code", "error")), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        message = " ".join(VOLATILE.sub("", str(fault.get("Message", ""))).split())[:TEXT_MAX]
        text = f"AWS {error.operation_name}: {code}: {message}"
        if code in THROTTLED or status == 429:
            return Throttled(text)
        return Unreachable(text) if status >= 500 else Refused(text, session=code not in REFUSED)
    if isinstance(error, faults.NoCredentialsError | faults.PartialCredentialsError | faults.CredentialRetrievalError):
        return Refused(f"AWS: the credentials cannot be retrieved: {type(error).__name__}", session=True)
    if isinstance(error, faults.InvalidRegionError | faults.ParamValidationError | faults.ProfileNotFound):
        return InvalidSpec(f"AWS: a setting is not usable: {type(error).__name__}")
    if isinstance(error, faults.HTTPClientError | faults.ConnectionError | OSError):
        return Unreachable(f"AWS: the service for credentials cannot be reached: {type(error).__name__}")
    return Broken(f"AWS: the credentials cannot be had: {type(error).__name__}")
