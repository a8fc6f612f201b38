"""Every built provider has an example that parses, and a page."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from returns.result import Success

from eso_core.api.parse import parse_external_secret, parse_store
from eso_core.failure import InvalidSpec
from tests.providers.scripts import parsed

ROOT = Path(__file__).resolve().parents[2]
BUILT = sorted(path.stem for path in (ROOT / "src/eso_core/providers").glob("[a-z]*.py"))


@pytest.mark.parametrize("key", BUILT)
def test_example(key):
    manifests = list(yaml.safe_load_all((ROOT / f"examples/providers/{key}.yaml").read_text()))
    kinds = {manifest["kind"]: manifest for manifest in manifests}
    assert isinstance(parse_store(kinds["SecretStore"]), Success)
    assert isinstance(parse_external_secret(kinds["ExternalSecret"]), Success)
    assert not isinstance(parsed(key, kinds["SecretStore"]["spec"]["provider"][key]), InvalidSpec)


@pytest.mark.parametrize("key", BUILT)
def test_page(key):
    page = (ROOT / f"docs/providers/{key}.md").read_text()
    assert f"examples/providers/{key}.yaml" in page
    for part in ("**Proof.**", "**Differences.**"):
        assert part in page
