"""Calls that only a vendor's library can make: one file a library, each function called in a thread as ``function(args, environ)``.

A function returns plain values and raises :class:`SdkFailure`; what else it raises is reported by its type alone, because texts of
libraries may hold credentials.
"""

from __future__ import annotations

from eso_core.failure import Failure


class SdkFailure(Exception):
    """Carries a failure, whose text is free of secrets, out of a library call."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(type(failure).__name__)
        self.failure = failure
