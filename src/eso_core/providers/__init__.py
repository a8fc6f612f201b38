"""The backends, one module each: its name is the provider's key under ``spec.provider`` in lower case, its value is ``PROVIDER``.

A module is a file, or a package where one file would be too long. There is no list to edit: a module is imported when a store of that key
first occurs. What starts with ``_`` is no provider, but shared by several.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Final

from eso_core.door import Provider

KEY: Final = re.compile(r"[a-z][a-zA-Z0-9]{0,62}")


@lru_cache(maxsize=256)
def load(key: str) -> Provider | None:
    """The provider of exactly this ``key``; ``None`` when there is none. Any text is safe: only files of this package are imported."""
    if not KEY.fullmatch(key):
        return None
    name = f"{__name__}.{key.lower()}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    provider = getattr(module, "PROVIDER", None)
    return provider if isinstance(provider, Provider) and provider.key == key else None
