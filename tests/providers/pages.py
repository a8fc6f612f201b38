"""The pages of the providers, ``docs/providers/KEY.md``, and the manifests in their Example blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from eso_core.api.providers import KEYS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/providers"
BUILT = sorted(path.stem for path in (ROOT / "src/eso_core/providers").iterdir() if re.fullmatch(r"[a-z0-9]+(\.py)?", path.name))
"""A provider is a file, or a package of several."""
KEY = {key.lower(): key for key in KEYS}
"""File name to key."""
SECTION = re.compile(r"^## Example\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    """The page of a provider file; empty where there is none."""
    path = FOLDER / f"{name}.md"
    return path.read_text() if path.exists() else ""


def example(name: str) -> str:
    """The first YAML block of its Example section; empty where there is none."""
    section = SECTION.search(page(name))
    block = YAML.search(section[1]) if section else None
    return block[1] if block else ""


def manifests(name: str) -> list[Mapping[str, Any]]:
    """The objects of the example."""
    return [held for held in yaml.load_all(example(name), yaml.CSafeLoader) if held is not None]
