"""What tests of azurekv share: a use of a store, and a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eso_core.door import (
    Access,
    Session,
)
from eso_core.wire import SdkReply
from tests.providers import scripts
from tests.providers.azurekv.case import SECRET_SPEC, SECRETS

TOKEN = SdkReply(value={"token": "tok", "lease_s": 3600.0})
SESSION = Session(value="tok", lease_s=3600.0)


def use(spec: Mapping[str, Any] = SECRET_SPEC, secrets: Mapping[str, str] | None = None, **more: Any) -> Access:
    held = {slot: value.decode() for slot, value in SECRETS.items()} if secrets is None else secrets
    return scripts.access("azurekv", spec, held, **more)
