"""A last look at what a provider says of a failure: no credential that it was given may stand in it, whatever a backend repeats.

Providers leave secrets out by themselves; backends do not. Some repeat the header that they refuse, or the body that they cannot read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eso_core.door import Access, Session
from eso_core.failure import Failure

SHORTEST = 6  # characters; less is found in any sentence, and is no secret
LONGEST = 16 * 1024
HIDDEN = "***"


def scrubbed(failure: Failure, access: Access, session: Session | None) -> Failure:
    """``failure`` without the secrets of ``access`` and the token of ``session``."""
    what = failure.what
    for text in _texts(access, session):
        what = what.replace(text, HIDDEN)
    return failure if what == failure.what else replace(failure, what=what)


def _texts(access: Access, session: Session | None) -> Iterator[str]:
    held = [secret.reveal().decode("utf-8", "replace").strip() for secret in access.secrets.values() if len(secret.reveal()) <= LONGEST]
    if session is not None and isinstance(session.value, str):
        held.append(session.value)
    yield from sorted((text for text in held if len(text) >= SHORTEST), key=len, reverse=True)
