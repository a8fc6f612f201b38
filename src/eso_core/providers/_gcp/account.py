"""External accounts (workload identity federation): a token of a foreign identity, exchanged for one of Google's.

The account is JSON that says where the *subject token* of the foreign identity comes from, and where it is exchanged:

==============================================  ==========================================================================
``credential_source``                           subject token
==============================================  ==========================================================================
``file``                                        the file's text or one member of its JSON; the operator's own account only
``url``                                         the same of an HTTP answer; a store's must be its ``externalTokenEndpoint``
``environment_id: aws1``                        a signed ``GetCallerIdentity``; keys from the environment or the instance
``executable``, ``certificate``                 refused
==============================================  ==========================================================================

A store's account is a tenant's text. It may name Google's token service and its impersonation, and no other host, because subject tokens
are sent there. Documents: "AIP-4117: External Account Credentials", "Method: v1.token" of the Security Token Service API, RFC 8693.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec
import orjson

from eso_core.door import Talk
from eso_core.failure import Broken, Failure, InvalidSpec, Refused
from eso_core.providers import _kit
from eso_core.providers._gcp import api as gcp_api
from eso_core.providers._gcp.api import SCOPE
from eso_core.providers._gcp.token import LIFETIME_S, LIFETIME_S_MAX, Token, form, impersonated, impersonation, oauth
from eso_core.wire import HttpCall, HttpReply, SdkCall

STS: Final = "https://sts.googleapis.com/v1/token"
STS_PATTERN: Final = re.compile(r"https://sts\.([a-z0-9-]+\.)*googleapis\.com/v1/token")
IMPERSONATION_PATTERN: Final = re.compile(
    r"https://iamcredentials\.(?:[a-z0-9-]+\.)*googleapis\.com/v1/projects/[a-z0-9:.-]+/serviceAccounts/"
    r"[a-z0-9-]+@[a-z0-9-]+\.iam\.gserviceaccount\.com:generateAccessToken"
)
INSTANCE: Final = r"http://(?:metadata\.google\.internal|169\.254\.169\.254|\[fd00:ec2::254\])/latest/"
AWS_KEYS_PATTERN: Final = re.compile(INSTANCE + "meta-data/iam/security-credentials")
AWS_REGION_PATTERN: Final = re.compile(INSTANCE + "meta-data/placement/availability-zone")
AWS_TOKEN_PATTERN: Final = re.compile(INSTANCE + "api/token")
AWS_IDENTITY: Final = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
REGION: Final = re.compile(r"[a-z0-9-]{1,50}")
URL: Final = re.compile(r"https?://[!-~]+")

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
AWS_REQUEST: Final = "urn:ietf:params:aws:token-type:aws4_request"

# ---------------------------------------------------------------- external accounts


class _Format(msgspec.Struct):
    type: str = "text"
    subject_token_field_name: str = ""


class _Source(msgspec.Struct):
    file: str = ""
    url: str = ""
    headers: dict[str, str] = {}
    environment_id: str = ""
    region_url: str = ""
    regional_cred_verification_url: str = ""
    imdsv2_session_token_url: str = ""
    executable: Any = None
    format: _Format = msgspec.field(default_factory=_Format)


class _Lifetime(msgspec.Struct):
    token_lifetime_seconds: int = 0


class _External(msgspec.Struct):
    type: str = ""
    audience: str = ""
    subject_token_type: str = ""
    token_url: str = ""
    service_account_impersonation_url: str = ""
    service_account_impersonation: _Lifetime = msgspec.field(default_factory=_Lifetime)
    client_id: str = ""
    client_secret: str = ""
    workforce_pool_user_project: str = ""
    universe_domain: str = ""
    credential_source: _Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """An external account, checked. ``impersonate`` is a URL or empty; ``own``: the operator's, whose addresses are its surroundings."""

    audience: str
    kind: str = JWT
    token_url: str = STS
    impersonate: str = ""
    seconds: int = LIFETIME_S
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    user_project: str = ""
    source: _Source | None = field(default=None, repr=False)
    own: bool = False


def external(text: str, *, own: bool = False, audience: str = "", endpoint: str = "", email: str = "") -> External | InvalidSpec:
    """The account of this JSON. ``audience``, ``endpoint`` (``externalTokenEndpoint``) and ``email`` (to impersonate) are the store's."""
    held = _kit.decoded(text.encode("utf-8", "replace"), _External)
    if held is None:
        return InvalidSpec("the external account is not JSON of the expected shape")
    if held.type != "external_account":
        return InvalidSpec(f'the external account has type "{_kit.line(held.type)}" instead of "external_account"')
    account = External(
        audience=audience or held.audience,
        kind=held.subject_token_type or JWT,
        token_url=held.token_url or f"https://sts.{held.universe_domain or 'googleapis.com'}/v1/token",
        impersonate=impersonation(email) if email else held.service_account_impersonation_url,
        seconds=max(1, min(held.service_account_impersonation.token_lifetime_seconds or LIFETIME_S, LIFETIME_S_MAX)),
        client_id=held.client_id,
        client_secret=held.client_secret,
        user_project=held.workforce_pool_user_project,
        source=held.credential_source,
        own=own,
    )
    return _wrong(account, endpoint) or account


def checked(account: External) -> External | InvalidSpec:
    """The account, unless it has no audience or names a host that is not Google's."""
    if not account.audience:
        return InvalidSpec("the external account has no audience")
    for name, url, pattern in (
        ("token_url", account.token_url, STS_PATTERN),
        ("service_account_impersonation_url", account.impersonate, IMPERSONATION_PATTERN),
    ):
        good = URL.fullmatch(url) if account.own else pattern.fullmatch(url)
        if url and not good:
            return InvalidSpec(f'{name} of the external account is not an address of Google\'s: "{_kit.line(url)}"')
    return account


def _wrong(account: External, endpoint: str) -> InvalidSpec | None:
    held = checked(account)
    source = account.source
    if isinstance(held, InvalidSpec):
        return held
    if source is None:
        return InvalidSpec("the external account has no credential_source")
    if source.executable is not None:
        return InvalidSpec("credential_source.executable is not allowed")
    if source.environment_id:
        return _wrong_aws(source)
    if source.file:
        what = "credential_source.file: a store may not name files of the operator; serviceAccountRef gives a token of a ServiceAccount"
        return None if account.own else InvalidSpec(what)
    if not _is_url(source.url):
        return InvalidSpec("credential_source has neither a url nor an environment_id")
    if not account.own and source.url != endpoint:
        return InvalidSpec("credential_source.url is not the store's externalTokenEndpoint")
    return None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(URL.fullmatch(text) and parts.hostname and "@" not in parts.netloc and parts.port != 0)
    except ValueError:
        return False


def _wrong_aws(source: _Source) -> InvalidSpec | None:
    if not source.environment_id.lower().startswith("aws"):
        return InvalidSpec("credential_source.environment_id does not start with aws")
    for name, url, pattern in (
        ("url", source.url, AWS_KEYS_PATTERN),
        ("region_url", source.region_url, AWS_REGION_PATTERN),
        ("imdsv2_session_token_url", source.imdsv2_session_token_url, AWS_TOKEN_PATTERN),
    ):
        if not pattern.fullmatch(url) and (url or name != "imdsv2_session_token_url"):
            return InvalidSpec(f"credential_source.{name} is not an address of the AWS instance metadata service")
    if source.regional_cred_verification_url not in ("", AWS_IDENTITY):
        return InvalidSpec(f"credential_source.regional_cred_verification_url must be {AWS_IDENTITY}")
    return None


def exchanged(account: External, subject: str) -> Talk[Token | Failure]:
    """The access token for a subject token, by impersonation where the account says so."""
    fields = {
        "grant_type": GRANT,
        "audience": account.audience,
        "scope": SCOPE,
        "requested_token_type": ACCESS_TOKEN,
        "subject_token_type": account.kind,
        "subject_token": subject,
    }
    headers: dict[str, str] = {}
    if account.client_id:
        pair = f"{quote(account.client_id, safe='')}:{quote(account.client_secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    elif account.user_project:
        fields["options"] = orjson.dumps({"userProject": account.user_project}).decode()
    token = yield from oauth(form(account.token_url, fields, headers), "Google's token exchange")
    if not isinstance(token, Token) or not account.impersonate:
        return token
    return (yield from impersonated(account.impersonate, token, account.seconds))


# ---------------------------------------------------------------- subject tokens


def subject_token(account: External, file: str = "") -> Talk[str | Failure]:
    """The subject token from where the account says; ``file`` is the text of the file that it names."""
    source = account.source
    if source is None:
        return InvalidSpec("the external account has no credential_source")
    if source.environment_id:
        return (yield from _aws_identity(account, source))
    if source.file:
        return _member(file.encode("utf-8", "replace"), source.format)
    call = HttpCall(method="GET", url=source.url, headers=source.headers, ambient=account.own)
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    what = "the endpoint of the subject token"
    if 200 <= reply.status < 300:
        return _member(reply.body, source.format)
    return _kit.common_failure(reply, what) or Refused(f"{what}: status {reply.status}", session=True)


def _member(raw: bytes, how: _Format) -> str | Failure:
    text: Any = raw.decode("utf-8", "replace").strip()
    if how.type == "json":
        held = _kit.decoded(raw, dict[str, Any])
        text = held.get(how.subject_token_field_name) if held is not None else None
    elif how.type != "text":
        return InvalidSpec("credential_source.format.type is neither text nor json")
    return text if isinstance(text, str) and text else Broken("the source of the subject token holds none")


class _AwsKeys(msgspec.Struct):
    AccessKeyId: str
    SecretAccessKey: str
    Token: str = ""


def _aws_identity(account: External, source: _Source) -> Talk[str | Failure]:
    """Signed by the keys in the operator's environment, else by those of the instance."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION")
    held = yield from gcp_api.variables(*names)
    if not isinstance(held, dict):
        return held
    key, secret, session, *regions = (str(held.get(name) or "") for name in names)
    region = next(filter(None, regions), "")
    if key and secret and region:
        return (yield from aws_subject(account.audience, region, key, secret, session))
    headers: dict[str, str] = {}
    if source.imdsv2_session_token_url:
        token = yield from _instance("PUT", source.imdsv2_session_token_url, {"X-aws-ec2-metadata-token-ttl-seconds": "300"})
        if not isinstance(token, str):
            return token
        headers = {"X-aws-ec2-metadata-token": token}
    if not region:
        zone = yield from _instance("GET", source.region_url, headers)
        if not isinstance(zone, str):
            return zone
        region = zone[:-1]  # us-east-2b is in us-east-2
    if not (key and secret):
        keys = yield from _instance_keys(source.url, headers)
        if not isinstance(keys, _AwsKeys):
            return keys
        key, secret, session = keys.AccessKeyId, keys.SecretAccessKey, keys.Token
    return (yield from aws_subject(account.audience, region, key, secret, session))


def _instance_keys(url: str, headers: Mapping[str, str]) -> Talk[_AwsKeys | Failure]:
    role = yield from _instance("GET", url, headers)
    text = (yield from _instance("GET", f"{url}/{quote(role, safe='')}", headers)) if isinstance(role, str) else role
    if not isinstance(text, str):
        return text
    return _kit.decoded(text.encode("utf-8", "replace"), _AwsKeys) or Broken("the AWS instance metadata service gives no keys")


def _instance(method: str, url: str, headers: Mapping[str, str]) -> Talk[str | Failure]:
    call = HttpCall(method=method, url=url, headers=headers, timeout_s=gcp_api.METADATA_TIMEOUT_S, ambient=True)
    reply = _kit.http((yield call))
    if not isinstance(reply, HttpReply):
        return reply
    text = reply.body.decode("utf-8", "replace").strip()
    what = "the AWS instance metadata service"
    return text if reply.status == 200 and text else _kit.common_failure(reply, what) or Broken(f"{what}: status {reply.status}")


def aws_subject(audience: str, region: str, key: str, secret: str, session: str) -> Talk[str | Failure]:
    """The subject token of an AWS identity, signed by the shell."""
    if not REGION.fullmatch(region):
        return InvalidSpec("the AWS region of the external account is not one")
    args = {"region": region, "access_key": key, "secret_key": secret, "session_token": session, "audience": audience}
    return (yield from _kit.library(SdkCall(name="gcp.aws_subject_token", args=args), str))
