#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up the JUnit files of a run: what failed or was skipped, and the line that closes it.

Usage: summary.py DIRECTORY [README]

With README, which is given when everything was run, its table of what is covered must be that of the tests that passed.

Exit status: 0 when something passed and nothing failed; with CI in the environment nothing may be skipped either, but for
what a test has excused: a property of its testcase.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# Of the table, in their order: the kinds of rows, and by suite what the columns after them say.
KINDS = ("Root", "Function", "Bridge", "Disk", "Interface", "Node", "Plug", "Boot", "Unit", "Container", "Architecture", "Release", "Host",
         "Input")
SUITES = {"vm": "booted", "host": "paused", "golden": "fake tree", "rules": "fake tree", "command": "fake tree"}
COLUMNS = tuple(dict.fromkeys(SUITES.values()))
BEGIN, END = "<!-- covered: tests/summary.py -->\n", "<!-- end -->\n"


def read_case(case):
    """The outcome ("passed", "failed", "skipped") of a JUnit testcase element, and its first line of reason."""
    for outcome, tags in (("failed", ("failure", "error")), ("skipped", ("skipped",))):
        for tag in tags:
            found = case.find(tag)
            if found is not None:
                reason = found.get("message") or found.text or ""
                return outcome, (reason.strip().splitlines() or [""])[0]
    return "passed", ""


class Table:
    """What is covered: from (kind, what) to, by column, the words for tests/run, of tests that passed."""

    def __init__(self):
        self.rows = {}

    def add(self, suite, case):
        for row in case.iterfind("properties/property[@name='covers']"):
            word, kind, what = row.get("value").split(": ", 2)
            cells = self.rows.setdefault((KINDS.index(kind), what), {})
            cells.setdefault(SUITES[suite], set()).add(word)

    def lines(self):
        columns = [column for column in COLUMNS if any(column in cells for cells in self.rows.values())]
        yield f"| | machine or event | {' | '.join(columns)} |\n"
        yield "|---" * (len(columns) + 2) + "|\n"
        before = None
        for (kind, what), cells in sorted(self.rows.items()):
            words = (" ".join(f"`{word}`" for word in sorted(cells.get(column, ()))) for column in columns)
            yield f"| {KINDS[kind] if kind != before else ''} | {what} | {' | '.join(words)} |\n"
            before = kind


def check_readme(path, table, results):
    """Is its table that of this run? If not, the README that would have it is put beside the results."""
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    wanted = before + BEGIN + "".join(table.lines()) + END + after
    if text == wanted:
        return True
    (results / "README.md").write_text(wanted)
    print(f"failed: {path.name}: its table of what is covered is not of the tests that passed: {results}/README.md is")
    return False


def main(directory, readme=None):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    excused = 0
    table = Table()
    print("\n== summary")
    for path in sorted(directory.glob("*.xml")):
        of_suite = dict.fromkeys(counts, 0)
        for case in ElementTree.parse(path).iter("testcase"):
            outcome, reason = read_case(case)
            of_suite[outcome] += 1
            excused += outcome == "skipped" and case.find("properties/property[@name='excused']") is not None
            if outcome != "passed":
                print(f"{outcome}: {path.stem}: {case.get('name')}: {reason}")
            elif path.stem in SUITES:
                table.add(path.stem, case)
        print(f"{path.stem:10} " + ", ".join(f"{of_suite[outcome]} {outcome}" for outcome in counts))
        for outcome in counts:
            counts[outcome] += of_suite[outcome]

    broken = directory / "broken"
    for suite in broken.read_text().split() if broken.exists() else ():
        counts["failed"] += 1
        print(f"failed: {suite}: the suite did not run to its end")
    # Where something is excused, the table cannot be whole.
    if readme and not excused and not check_readme(readme, table, directory):
        counts["failed"] += 1

    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in counts))
    bad = counts["failed"] + (counts["skipped"] - excused if os.environ.get("CI") else 0)
    return 1 if bad or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
