"""What conversations may know of the operator's own surroundings: the time, chance, its own token, and vendors' variables."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from eso_core.failure import InvalidSpec, Missing
from eso_shell.sdk import SdkFailure

OWN_TOKEN: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
TOKEN_FILE_MAX: Final = 64 * 1024  # bytes
TOKEN_FILES: Final = ("AZURE_FEDERATED_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""Variables that name a file with a token."""
VARIABLES: Final = re.compile(r"(AZURE|AWS|GOOGLE|GCE|DOPPLER|BITWARDEN|INFISICAL|AKEYLESS|SCW|VAULT|CLOUDRU)_[A-Z0-9_]{1,60}")


def now(args: Mapping[str, Any], environ: Mapping[str, str]) -> float:
    """Seconds since 1970."""
    return time.time()


def chance(args: Mapping[str, Any], environ: Mapping[str, str]) -> bytes:
    """``bytes`` random bytes, 1 to 64."""
    return secrets.token_bytes(max(1, min(int(args["bytes"]), 64)))


def variables(args: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Those of ``names`` that are set and not empty. Only variables of vendors can be asked for."""
    return {name: environ[name] for name in args["names"] if VARIABLES.fullmatch(name) and environ.get(name)}


def service_account_token(args: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """The operator's own ServiceAccount token, as the kubelet keeps it."""
    return _read(OWN_TOKEN, "the operator's ServiceAccount token")


def token_file(args: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """The token in the file that variable ``variable``, one of :data:`TOKEN_FILES`, names."""
    name = args["variable"]
    if name not in TOKEN_FILES:
        raise SdkFailure(InvalidSpec("there is no such token file"))
    path = environ.get(name, "")
    if not path:
        raise SdkFailure(Missing(f"the operator's environment does not set {name}"))
    return _read(Path(path), f"the file that {name} names")


def _read(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            return file.read(TOKEN_FILE_MAX).decode("utf-8", "replace").strip()
    except OSError as error:
        raise SdkFailure(Missing(f"{what} cannot be read: {type(error).__name__}")) from None
