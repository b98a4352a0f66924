#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Summarizes the JUnit files of a run: the tests that failed or were skipped, the number of each, and how long the suites took.

Usage: summary.py [--times="SUITE=SECONDS..."] [--table=FILE] [--all] DIRECTORY

With --table and --all the table of coverage is written to FILE, from the tests that passed. With --table alone a note names the rows
of this run that FILE lacks.

Exit status: 0 if a test passed and none failed. With CI in the environment no test may be skipped either, except those that this
machine cannot run, whose test case has the property "unavailable".
"""

import argparse
import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# Of the table of coverage: the kinds of rows in their order, and the column of each suite.
KINDS = ("Root bus", "Function", "Bridge", "Disk", "Interface", "Device node", "Alias", "Hotplug", "Boot", "Unit", "Container", "Architecture",
         "Release", "Platform", "Host", "Fault")
SUITES = {"vm": "booted", "host": "paused", "synthetic": "synthetic", "rules": "synthetic", "command": "synthetic"}
COLUMNS = tuple(dict.fromkeys(SUITES.values()))
HEADER = """# Coverage

This table is written by `tests/run --all`, and has the tests that passed. `tests/run --all NAME` runs the tests with a name from this
table; `tests/run NAME` runs one of each kind. [testing.md](testing.md) explains the columns.

"""


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
        self.uncovered = {}  # from (kind, what) to the reason

    def add(self, suite, case):
        for row in case.iterfind("properties/property[@name='covers']"):
            word, kind, what = row.get("value").split(": ", 2)
            cells = self.rows.setdefault((KINDS.index(kind), what), {})
            cells.setdefault(SUITES[suite], set()).add(word)
        for row in case.iterfind("properties/property[@name='uncovered']"):
            kind, what, reason = row.get("value").split(": ", 2)
            self.uncovered[KINDS.index(kind), what] = reason

    def lines(self):
        columns = [column for column in COLUMNS if any(column in cells for cells in self.rows.values())]
        yield f"| | machine or event | {' | '.join(columns)} |\n"
        yield "|---" * (len(columns) + 2) + "|\n"
        before = None
        for (kind, what), cells in sorted(self.rows.items()):
            words = (" ".join(f"`{word}`" for word in sorted(cells.get(column, ()))) for column in columns)
            yield f"| {KINDS[kind] if kind != before else ''} | {what} | {' | '.join(words)} |\n"
            before = kind
        if self.uncovered:
            yield "\n## Not covered\n\n| | machine or event | reason |\n|---|---|---|\n"
            for (kind, what), reason in sorted(self.uncovered.items()):
                yield f"| {KINDS[kind]} | {what} | {reason} |\n"


def update_table(path, table, everything):
    """Write the table after a run of every test. After another run print a note if the table lacks one of its rows."""
    lines = list(table.lines())
    before = path.read_text() if path.exists() else ""
    if everything:
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER + "".join(lines))
        if path.read_text() != before:
            print(f"note: {path} was updated")
        return
    known = {what for line in before.splitlines() for what in line.split(" | ")[1:2]}
    if missing := [what for _, what in sorted(table.rows) if what not in known]:
        print(f"note: {path} lacks: {'; '.join(missing)}. Run tests/run --all to update it")


def parse_times(text):
    return {suite: int(seconds) for suite, seconds in (word.split("=") for word in text.split())}


def format_times(times):
    """One line: how long the run and each suite took."""
    def duration(seconds):
        return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"

    return f"took {duration(sum(times.values()))}: " + ", ".join(f"{suite} {duration(seconds)}" for suite, seconds in times.items())


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--times", type=parse_times, default={}, metavar="SUITE=SECONDS...", help="how long each suite took")
    parser.add_argument("--table", type=Path, metavar="FILE")
    parser.add_argument("--all", action="store_true", help="every test was run")
    parser.add_argument("directory", type=Path)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    directory = arguments.directory
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    unavailable = 0
    table = Table()
    print("\n== summary")
    for path in sorted(directory.glob("*.xml")):
        of_suite = dict.fromkeys(counts, 0)
        for case in ElementTree.parse(path).iter("testcase"):
            outcome, reason = read_case(case)
            of_suite[outcome] += 1
            unavailable += outcome == "skipped" and case.find("properties/property[@name='unavailable']") is not None
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
        print(f"failed: {suite}: the suite did not run to completion")
    # After a failure, or without something that this machine lacks, the table would be incomplete.
    if arguments.table and not unavailable and not counts["failed"]:
        update_table(arguments.table, table, arguments.all)
    if arguments.times:
        print(format_times(arguments.times))

    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in counts))
    bad = counts["failed"] + (counts["skipped"] - unavailable if os.environ.get("CI") else 0)
    return 1 if bad or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
