"""``python -m tests.parity.recordings [--only TEXT,...] [-v] [FOLDER...]``: replay recordings and print how this operator differs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.parity.recordings.report import show
from tests.parity.recordings.suite import DATA, judge, name_of, recordings


def main() -> int:
    """The exit code: 1 when a scenario failed, when one passed that is listed as not yet, and when there was none."""
    asked = argparse.ArgumentParser(prog="python -m tests.parity.recordings", description=__doc__)
    asked.add_argument("folders", nargs="*", type=Path, default=[DATA], metavar="FOLDER", help="folders or files with recordings")
    asked.add_argument("--only", default="", metavar="TEXT,...", help="scenarios whose group/name contains one of these")
    asked.add_argument("-v", "--verbose", action="store_true", help="all differences, those of scenarios that are not yet included")
    options = asked.parse_args()
    missing = [str(folder) for folder in options.folders if not folder.exists()]
    if missing:
        asked.error(f"there is no {', '.join(missing)}")
    wanted = options.only.split(",")
    counts = {"passed": 0, "failed": 0, "not yet": 0}
    for folder in options.folders:
        for recording in recordings(folder):
            if any(text in name_of(recording) for text in wanted):
                counts[show(recording, judge(recording), verbose=options.verbose)] += 1
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    return 1 if counts["failed"] or not sum(counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
