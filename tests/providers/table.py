"""The table of the providers in ``docs/providers/README.md``, made of their cases: ``python -m tests.providers.table`` writes it there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from eso_core.sim.provider.bench import Unmet
from eso_core.sim.provider.case import Case
from eso_core.sim.provider.suite import calls_of
from tests.providers.cases import CASES
from tests.providers.pages import BUILT, FOLDER, KEY

BEGIN, END = "<!-- made of the cases: python -m tests.providers.table -->", "<!-- end -->"
PAGE = FOLDER / "README.md"
HEADS = ("provider", "proven against", "cases", "login", "read", "many", "find", "probe", "push", "equal push", "deletion")
COUNTED = ("login", "get", "probe", "push_new", "push_same", "delete")
PROOF = {
    "aws": "an emulator (moto), botocore's signer",
    "doppler": "Doppler's own library, at our server",
    "onepassword": "1Password's own library, at our server",
    "azurekv": "Azure's own libraries, at our server",
    "fake": "the reference's recordings",
    "gcpsm": "Google's own library, at our server",
    "kubernetes": "a real API server",
    "openbao": "a real OpenBao",
    "vault": "a real OpenBao, hvac",
    "webhook": "the reference's recordings, Go's JSONPath",
}
OURS = "our server only"
"""For a provider whose page names nothing better: what is left is a server in memory, written from the vendor's documentation."""


def table() -> str:
    """One row for each provider, by name."""
    rows = [HEADS, *(row(name) for name in BUILT)]
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join([lines[0], "|" + "---|" * len(HEADS), *lines[1:]])


def row(name: str) -> tuple[str, ...]:
    """The cells of one provider: the least and the most that its cases take."""
    cases = [case for case in CASES if case.provider.key.lower() == name]
    took = list(map(counted, cases))
    login, get, probe, *writes = (spread(one[what][0] for one in took if what in one) for what in COUNTED)
    link = f"[{KEY[name]}]({name}.md)"
    find = spread(finds(case, one["find"][0]) for case, one in zip(cases, took, strict=True) if "find" in one)
    return (link, PROOF.get(name, OURS), str(len(cases)), login, get, many(cases), find, probe, *writes)


def counted(case: Case) -> dict[str, tuple[int, int]]:
    """The calls that were taken; none for a case that does not work, of which the suite tells."""
    try:
        return calls_of(case)
    except Unmet:
        return {}


def spread(values: Iterable[int | str]) -> str:
    """``1``, ``1 to 3``; nothing where there are none."""
    found = sorted(set(values), key=str)
    return " to ".join(map(str, found if len(found) < 3 else (found[0], found[-1])))


def many(cases: list[Case]) -> str:
    """How many secrets are read with how many calls."""
    return " or ".join(sorted({f"{case.calls.batch[0]} with {case.calls.batch[1]}" for case in cases if case.calls.batch is not None}))


def finds(case: Case, took: int) -> str:
    """The calls of a find without and with what it finds: ``1 + n``. It was counted with two."""
    each = case.calls.found or 0
    return f"{max(0, took - 2 * each)}{f' + {each if each > 1 else str()}n' if each else ''}"


def shown() -> str:
    """The table as it is in the page."""
    found = re.search(f"{re.escape(BEGIN)}\n(.*?)\n{re.escape(END)}", PAGE.read_text(), re.DOTALL)
    return found[1] if found else ""


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().replace(f"{BEGIN}\n{shown()}\n{END}", f"{BEGIN}\n{table()}\n{END}"))
