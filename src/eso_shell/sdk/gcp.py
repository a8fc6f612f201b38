"""What Google's login needs of the operator: the time for signatures, and the files of Application Default Credentials.

No library of Google's: assertions are RS256 JSON Web Tokens (RFC 7515, RFC 7523), made with ``cryptography``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from eso_core.failure import Broken, InvalidSpec, Missing
from eso_shell.sdk import SdkFailure

TOKEN_URI: Final = "https://oauth2.googleapis.com/token"
FILE_MAX: Final = 64 * 1024  # bytes
SECONDS_MAX: Final = 3600  # of an assertion; Google takes no longer ones
SKEW_S: Final = 10  # an assertion is valid from so long ago, for clocks that are behind
CREDENTIALS: Final = "GOOGLE_APPLICATION_CREDENTIALS"
GCLOUD_FOLDER: Final = "CLOUDSDK_CONFIG"
GCLOUD_FILE: Final = "application_default_credentials.json"
GET_CALLER_IDENTITY: Final = "Action=GetCallerIdentity&Version=2011-06-15"


def assertion(args: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """A token that the key of a service account signs, valid for ``seconds`` (1 to :data:`SECONDS_MAX`, the default).

    ``args``: ``key``, the JSON text of a key file; ``audience`` (empty: the key's ``token_uri``); ``scope`` and ``target_audience``
    (empty: left out); ``subject`` (left out: no ``sub``; empty: the account itself); ``claims``, further claims by name.
    """
    key = _key_file(str(args["key"]))
    seconds = max(1, min(int(args.get("seconds") or SECONDS_MAX), SECONDS_MAX))
    issued = int(time.time()) - SKEW_S
    claims: dict[str, Any] = {**(args.get("claims") or {}), "iss": key["client_email"], "iat": issued, "exp": issued + seconds}
    claims["aud"] = str(args.get("audience") or key.get("token_uri") or TOKEN_URI)
    claims |= {name: args[name] for name in ("scope", "target_audience") if args.get(name)}
    if "subject" in args:
        claims["sub"] = args["subject"] or key["client_email"]
    header = {"alg": "RS256", "typ": "JWT", **({"kid": key["private_key_id"]} if key.get("private_key_id") else {})}
    text = f"{_segment(header)}.{_segment(claims)}"
    signature = _private_key(str(key["private_key"])).sign(text.encode(), padding.PKCS1v15(), SHA256())
    return f"{text}.{_base64(signature)}"


def application_default(args: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Application Default Credentials that are files: ``json``, their text, and ``subject_token``, the file that an external account names.

    The first of: the file of :data:`CREDENTIALS`, gcloud's own file. Both texts are empty where there is none.
    """
    named = environ.get(CREDENTIALS, "")
    text = _read(Path(named), f"the file that {CREDENTIALS} names") if named else _gcloud(environ)
    return {"json": text, "subject_token": _subject_token(text)}


def aws_subject_token(args: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """The subject token of an AWS identity: a signed call of ``GetCallerIdentity``, for Google's token exchange to send.

    ``args``: ``region``, ``access_key``, ``secret_key``, ``session_token`` (may be empty), and ``audience``, the provider's resource name.
    Document: "Method: v1.token" of the Security Token Service API, field ``subjectToken``.
    """
    region, token = str(args["region"]), str(args.get("session_token") or "")
    host = f"sts.{region}.amazonaws.com"
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"host": host, "x-amz-date": stamp, "x-goog-cloud-target-resource": str(args["audience"])}
    headers |= {"x-amz-security-token": token} if token else {}
    headers["Authorization"] = _authorization(headers, region, stamp, str(args["access_key"]), str(args["secret_key"]))
    request = {
        "url": f"https://{host}?{GET_CALLER_IDENTITY}",
        "method": "POST",
        "headers": [{"key": name, "value": headers[name]} for name in sorted(headers)],
    }
    return quote(json.dumps(request, separators=(",", ":")), safe="")


# ---------------------------------------------------------------- keys


def _key_file(text: str) -> Mapping[str, Any]:
    try:
        held = json.loads(text)
    except ValueError:
        held = None
    if not isinstance(held, dict) or not all(isinstance(held.get(name), str) for name in ("client_email", "private_key")):
        raise SdkFailure(InvalidSpec("the key of the service account is not JSON with a client_email and a private_key"))
    return held


def _private_key(pem: str) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SdkFailure(InvalidSpec("the private_key of the service account is not a PEM key")) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SdkFailure(InvalidSpec("the private_key of the service account is not an RSA key"))
    return key


def _segment(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


# ---------------------------------------------------------------- files


def _gcloud(environ: Mapping[str, str]) -> str:
    """The file that ``gcloud auth application-default login`` writes; empty where there is none."""
    folder = environ.get(GCLOUD_FOLDER) or (f"{environ['HOME']}/.config/gcloud" if environ.get("HOME") else "")
    path = Path(folder, GCLOUD_FILE)
    return _read(path, "gcloud's file of default credentials") if folder and path.is_file() else ""


def _subject_token(text: str) -> str:
    try:
        source = json.loads(text or "null")
    except ValueError:
        raise SdkFailure(Broken("the file of default credentials is not JSON")) from None
    if isinstance(source, dict) and isinstance(source.get("source_credentials"), dict):
        source = source["source_credentials"]
    source = source.get("credential_source") if isinstance(source, dict) else None
    name = source.get("file") if isinstance(source, dict) else None
    return _read(Path(name), "the file of the subject token") if isinstance(name, str) and name else ""


def _read(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            return file.read(FILE_MAX).decode("utf-8", "replace").strip()
    except OSError as error:
        raise SdkFailure(Missing(f"{what} cannot be read: {type(error).__name__}")) from None


# ---------------------------------------------------------------- AWS


def _authorization(headers: Mapping[str, str], region: str, stamp: str, access_key: str, secret_key: str) -> str:
    """Signature Version 4 over all of ``headers`` and an empty body."""
    names = ";".join(sorted(headers))
    lines = (f"{name}:{headers[name].strip()}" for name in sorted(headers))
    request = "\n".join(("POST", "/", GET_CALLER_IDENTITY, *lines, "", names, hashlib.sha256(b"").hexdigest()))
    scope = f"{stamp[:8]}/{region}/sts/aws4_request"
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
