"""``python -m tests.e2e.recordings [--only TEXT,...] [-v] [FOLDER...]``: carry out recordings on a fresh control plane."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.e2e.harness.control_plane import ControlPlane
from tests.e2e.recordings.suite import THREADS, run
from tests.parity.recordings.report import show
from tests.parity.recordings.suite import DATA, name_of, recordings


def main() -> int:
    """The exit code: 1 when a scenario failed, when one passed that is listed as not yet, and when there was none."""
    asked = argparse.ArgumentParser(prog="python -m tests.e2e.recordings", description=__doc__)
    asked.add_argument("folders", nargs="*", type=Path, default=[DATA], metavar="FOLDER", help="folders or files with recordings")
    asked.add_argument("--only", default="", metavar="TEXT,...", help="scenarios whose group/name contains one of these")
    asked.add_argument("--threads", type=int, default=THREADS, help="scenarios at the same time (%(default)s)")
    asked.add_argument("-v", "--verbose", action="store_true", help="all differences, those of scenarios that are not yet included")
    options = asked.parse_args()
    missing = [str(folder) for folder in options.folders if not folder.exists()]
    if missing:
        asked.error(f"there is no {', '.join(missing)}")
    wanted = options.only.split(",")
    found = [each for folder in options.folders for each in recordings(folder) if any(text in name_of(each) for text in wanted)]
    counts = {"passed": 0, "failed": 0, "not yet": 0, "passed at the second attempt": 0}
    start = time.monotonic()
    with ControlPlane() as plane:
        if not plane.has_controllers:
            asked.error("the control plane has no kube-controller-manager: owned objects would not be collected")
        for outcome in run(found, plane, lambda text: print(text, flush=True), options.threads):
            note = f"{outcome.seconds:.1f} s" + (", second attempt" if outcome.first else "")
            counts[show(outcome.recording, outcome.verdict, verbose=options.verbose, note=note)] += 1
            counts["passed at the second attempt"] += bool(outcome.first and outcome.verdict.passed)
    print(", ".join(f"{count} {what}" for what, count in counts.items()), f"in {time.monotonic() - start:.0f} s")
    return 1 if counts["failed"] or not found else 0


if __name__ == "__main__":
    sys.exit(main())
