"""AWS through boto3: credentials, roles and endpoints. The one file that imports it; the first AWS store pays for that.

Everything else of AWS is signed by :mod:`eso_shell.sigv4` and sent by the HTTP client.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import boto3.session
import botocore.exceptions as faults
import botocore.session
from botocore.config import Config
from botocore.loaders import create_loader
from botocore.regions import EndpointResolver

from eso_core.failure import Broken, Failure, InvalidSpec, Refused, Throttled, Unreachable
from eso_shell.sdk import SdkFailure

ENDPOINT_OF = {
    "secretsmanager": ("AWS_SECRETSMANAGER_ENDPOINT", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"),
    "sts": ("AWS_STS_ENDPOINT", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"),
}
UNKNOWN_LEASE_S = 900.0  # of ambient credentials that expire but do not say when
LEASE_MIN_S = 60.0
ROLE_S = 3600  # seconds that an assumed role is asked for; the most that a chain of roles may have
CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2, "mode": "standard"})

THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
VOLATILE = re.compile(r"\(?request id: \S+|\s*Credential=.+", re.IGNORECASE | re.DOTALL)
TEXT_MAX = 200  # characters


def credentials(args: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What to sign with, and where to call.

    ``args``: ``service``, ``region``; ``access_key``, ``secret_key``, ``session_token`` (empty: the SDK's own sources); ``roles``, assumed
    one after the other, each with ``arn``, ``session``, ``external_id``, ``tags``, ``transitive``. ``environ`` may name other endpoints.
    Gives ``endpoint``, ``access_key``, ``secret_key``, ``session_token`` and ``lease_s`` (``None``: they do not expire).
    """
    region = str(args["region"])
    try:
        held = _assumed(args.get("roles") or (), _first(args), region, environ)
        return {**held, "endpoint": endpoint(str(args["service"]), region, environ)}
    except SdkFailure:
        raise
    except Exception as error:
        raise SdkFailure(failure_of(error)) from None


def endpoint(service: str, region: str, environ: Mapping[str, str]) -> str:
    """The URL of a service in a region: as the environment says, else as botocore knows it."""
    override = next((environ[name] for name in ENDPOINT_OF[service] if environ.get(name)), "")
    return override or _resolved(service, region)


@lru_cache(maxsize=256)
def _resolved(service: str, region: str) -> str:
    found = _resolver().construct_endpoint(service, region)
    if not found or "hostname" not in found:
        raise SdkFailure(InvalidSpec("region not found", "spec.provider.aws.region"))
    return f"https://{found['hostname']}"


@lru_cache(maxsize=1)
def _resolver() -> EndpointResolver:
    return EndpointResolver(create_loader().load_data("endpoints"))


def _first(args: Mapping[str, Any]) -> dict[str, Any]:
    """The identity before any role."""
    if args.get("access_key"):
        return {**{name: args.get(name) or "" for name in ("access_key", "secret_key", "session_token")}, "lease_s": None}
    found = botocore.session.Session().get_credentials()
    if found is None:
        raise SdkFailure(Refused("AWS: no credentials were found where the operator runs"))
    frozen = found.get_frozen_credentials()
    until = getattr(found, "_expiry_time", None)
    expires = until is not None or hasattr(found, "refresh_needed")
    lease = max(until.timestamp() - time.time(), LEASE_MIN_S) if until is not None else UNKNOWN_LEASE_S if expires else None
    return {"access_key": frozen.access_key, "secret_key": frozen.secret_key, "session_token": frozen.token or "", "lease_s": lease}


def _assumed(roles: Sequence[Mapping[str, Any]], held: dict[str, Any], region: str, environ: Mapping[str, str]) -> dict[str, Any]:
    for role in roles:
        session = boto3.session.Session(held["access_key"], held["secret_key"], held["session_token"] or None, region)
        sts = session.client("sts", endpoint_url=endpoint("sts", region, environ), config=CONFIG)
        answer = sts.assume_role(**_request(role))["Credentials"]
        held = {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "session_token": answer["SessionToken"],
            "lease_s": max(answer["Expiration"].timestamp() - time.time(), LEASE_MIN_S),
        }
    return held


def _request(role: Mapping[str, Any]) -> dict[str, Any]:
    request = {"RoleArn": role["arn"], "RoleSessionName": role["session"], "DurationSeconds": ROLE_S}
    if role.get("external_id"):
        request["ExternalId"] = role["external_id"]
    if role.get("tags"):
        request["Tags"] = [{"Key": key, "Value": value} for key, value in role["tags"].items()]
        if role.get("transitive"):
            request["TransitiveTagKeys"] = list(role["transitive"])
    return request


def failure_of(error: Exception) -> Failure:
    """What an exception of boto3 means. Texts of the service are repeated, bounded and without what differs from call to call."""
    if isinstance(error, faults.ClientError):
        fault = error.response.get("Error", {})
        code, status = str(fault.get("Code", "error")), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        message = " ".join(VOLATILE.sub("", str(fault.get("Message", ""))).split())[:TEXT_MAX]
        text = f"AWS {error.operation_name}: {code}: {message}"
        if code in THROTTLED or status == 429:
            return Throttled(text)
        return Unreachable(text) if status >= 500 else Refused(text)
    if isinstance(error, faults.NoCredentialsError | faults.PartialCredentialsError | faults.CredentialRetrievalError):
        return Refused(f"AWS: the credentials cannot be retrieved: {type(error).__name__}")
    if isinstance(error, faults.InvalidRegionError | faults.ParamValidationError | faults.ProfileNotFound):
        return InvalidSpec(f"AWS: a setting is not usable: {type(error).__name__}")
    if isinstance(error, faults.HTTPClientError | faults.ConnectionError | OSError):
        return Unreachable(f"AWS: the service for credentials cannot be reached: {type(error).__name__}")
    return Broken(f"AWS: the credentials cannot be had: {type(error).__name__}")
