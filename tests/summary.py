#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up the JUnit files of a run: what failed or was skipped, and the line that closes it.

Usage: summary.py DIRECTORY

Exit status: 0 when something passed and nothing failed; with CI in the environment nothing may be skipped either.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def read_case(case):
    """The outcome ("passed", "failed", "skipped") of a JUnit testcase element, and its first line of reason."""
    for outcome, tags in (("failed", ("failure", "error")), ("skipped", ("skipped",))):
        for tag in tags:
            found = case.find(tag)
            if found is not None:
                reason = found.get("message") or found.text or ""
                return outcome, (reason.strip().splitlines() or [""])[0]
    return "passed", ""


def main(directory):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    print("\n== summary")
    for path in sorted(directory.glob("*.xml")):
        of_suite = dict.fromkeys(counts, 0)
        for case in ElementTree.parse(path).iter("testcase"):
            outcome, reason = read_case(case)
            of_suite[outcome] += 1
            if outcome != "passed":
                print(f"{outcome}: {path.stem}: {case.get('name')}: {reason}")
        print(f"{path.stem:10} " + ", ".join(f"{of_suite[outcome]} {outcome}" for outcome in counts))
        for outcome in counts:
            counts[outcome] += of_suite[outcome]

    broken = directory / "broken"
    if broken.exists():
        for suite in broken.read_text().split():
            counts["failed"] += 1
            print(f"failed: {suite}: the suite did not run to its end")

    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in counts))
    bad = counts["failed"] + (counts["skipped"] if os.environ.get("CI") else 0)
    return 1 if bad or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
