"""Writes what `eso crds` prints into the chart, one file a kind: files/crds/<name of the CustomResourceDefinition>.yaml.

python helm/sync_crds.py            # write, and delete files whose kind is gone
python helm/sync_crds.py --check    # exit 1 where a file differs
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parent / "external-secrets" / "files" / "crds"


def generated() -> str:
    """What the `eso` beside this interpreter prints. Raises CalledProcessError when it fails."""
    eso = Path(sys.executable).with_name("eso")
    return subprocess.run([str(eso), "crds"], check=True, capture_output=True, text=True).stdout


def split(text: str) -> dict[str, str]:
    """File name to content, for each document of *text*. The text of a document is kept as it is. Raises ValueError on another kind."""
    files: dict[str, str] = {}
    for document in re.split(r"(?m)^---[ \t]*\n", text):
        crd = yaml.load(document, Loader=yaml.CSafeLoader)
        if crd is None:
            continue
        if crd["kind"] != "CustomResourceDefinition":
            raise ValueError(f"not a CustomResourceDefinition: {crd['kind']}")
        files[f"{crd['metadata']['name']}.yaml"] = document.strip("\n") + "\n"
    return files


def stored() -> dict[str, str]:
    """File name to content, as they are in the chart."""
    return {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yaml"))}


def main(argv: list[str]) -> int:
    wanted, present = split(generated()), stored()
    differing = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if argv == ["--check"]:
        sys.stderr.writelines(f"differs: {name}\n" for name in differing)
        return 1 if differing else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in differing:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name])
        else:
            (FOLDER / name).unlink()
    sys.stdout.write(f"{len(wanted)} kinds, {len(differing)} files changed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
