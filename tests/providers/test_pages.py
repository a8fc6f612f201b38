"""The page about all providers says what is so."""

from __future__ import annotations

import re

from tests.providers import table
from tests.providers.pages import BUILT, page


def test_the_table_is_current():
    assert table.shown() == table.table(), "python -m tests.providers.table"


def test_the_table_claims_no_more_than_the_pages():
    assert set(table.PROOF) <= set(BUILT)
    for name, proof in table.PROOF.items():
        _, _, told = page(name).partition("**Proof.**")
        words = {
            "emulator": "moto",
            "Azure's own": "azure-",
            "Google's own": "google-",
            "Doppler's own": "doppler-sdk",
            "1Password's own": "onepasswordconnectsdk",
            "OpenBao": "OpenBao",
            "API server": "real API server",
        }
        wanted = [told_as for word, told_as in words.items() if word in proof]
        assert [word for word in wanted if word not in told] == [], name


def test_spreads():
    assert table.spread([2, 1, 3]) == "1 to 3"
    assert table.spread([2, 2]) == "2"
    assert table.spread([]) == ""


def test_the_example_of_a_page_is_found():
    text = "# x\n\n## Example\n\ntext\n```yaml\na: 1\n```\n## More\n```yaml\nb: 1\n```\n"
    from tests.providers.pages import SECTION, YAML

    section = SECTION.search(text)
    assert section is not None
    assert YAML.findall(section[1]) == ["a: 1\n"]
    assert re.search("More", section[1]) is None
