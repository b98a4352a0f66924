# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests/run, tests/setup and tests/demo show while they run: on a terminal a line that is rewritten, plain lines elsewhere."""

import ast
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from summary import KINDS, format_times

TESTS = Path(__file__).resolve().parents[1]
LONG = "a name that is longer than a line of this terminal has columns"
PROGRAMS = {
    "sh": ["sh", "-euc", f". {TESTS}/steps.sh; add_steps 2; begin_step '{LONG}'; begin_step second; clear_step"],
    "python": ["/usr/bin/python3", "-c", f"from steps import Steps; s = Steps(); s.begin('{LONG}'); s.begin('second'); s.clear()"],
}


def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PCIPATH_STEP")}
    return kept | {"PYTHONPATH": str(TESTS), "TERM": "xterm"}


def run_on_terminal(command, columns):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment())
    os.close(theirs)
    output = b""
    try:
        while data := os.read(ours, 4096):
            output += data
    except OSError:  # EIO: no process has the other end open
        pass
    os.close(ours)
    assert process.wait() == 0, output
    return output.decode()


@pytest.mark.parametrize("program", PROGRAMS)
def test_terminal(program):
    output = run_on_terminal(PROGRAMS[program], 40)
    lines = output.split("\r\033[K")
    assert "\n" not in output and all(len(line) < 40 for line in lines)
    assert re.match(r"\[1/\d\] a name that", lines[1]) and re.match(r"\[2/2\] second \(a name", lines[2]) and lines[3] == ""


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_terminal(program):
    done = subprocess.run(PROGRAMS[program], capture_output=True, text=True, check=True, env=environment())
    first, second = done.stderr.splitlines()
    assert first.endswith(LONG) and re.fullmatch(rf"\[2/2\] second \({LONG}: \d+ s\)", second) and done.stdout == ""


def test_times():
    assert format_times({"setup": 3, "vm": 125, "unit": 60}) == "took 3 min 8 s: setup 3 s, vm 2 min 5 s, unit 1 min 0 s"


def test_kinds_of_coverage():
    """A row of the table has one of its kinds."""
    rows = set()
    for path in (Path(__file__).parents[1]).glob("*/test_*.py"):
        for statement in ast.parse(path.read_text()).body:
            name = getattr(statement.targets[0], "id", "") if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict) else ""
            if name in ("COVERS", "UNCOVERED"):
                cells = statement.value.values if name == "COVERS" else statement.value.keys
                rows |= {cell.value for cell in cells if isinstance(cell, ast.Constant)}
    assert len(rows) > 100 and {row.partition(":")[0] for row in rows} <= set(KINDS)
