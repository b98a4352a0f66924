# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names and attributes that no kernel should show: what is printed of them is one field of one line, and no more."""

import json
import os
import subprocess

import pytest
from command.machine import complete, write
from command.run import PCIPATH
from programs import Outcome
from trees import sandbox
from trees.machine import Disk, Machine, Root, VirtioBlk, function
from trees.sysfs import Tree

COVERS = {
    "unprintable_name": "Fault: names with unprintable characters",
    "odd_name": "Fault: names with unprintable characters",
}

MACHINE = Machine([Root([function("02.0", function("00.0", VirtioBlk(Disk(1)))), function("03.0")])])

# The kernel refuses a space, '/' and ':' in an interface's name, and nothing else (net/core/dev.c, dev_valid_name()).
UNPRINTABLE = [b"e\x1b[31mred", b"eth0\nID_EVIL=1", b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"\xc2\x9b31m",
               b"\x7f\x01\t", b"\xe2\x82"]
ODD = [b"e\"'`$(x)\\", b"..x", b"%s%n", "größe".encode(), "€𝄞".encode(), b"x" * 255]


def run(*arguments):
    done = subprocess.run([PCIPATH, *arguments], capture_output=True, check=False, timeout=60, env=os.environ | {"LC_ALL": "C.UTF-8"})
    return Outcome(done.returncode, done.stdout, done.stderr)


def add_interface(function_syspath, name):
    syspath = os.fsencode(function_syspath) + b"/net/" + name
    os.makedirs(syspath)
    write(syspath + b"/ifindex", b"2\n")
    write(syspath + b"/uevent", b"")
    os.symlink("/sys/class/net", syspath + b"/subsystem")
    os.makedirs("/sys/class/net", exist_ok=True)
    os.symlink(os.path.relpath(syspath, b"/sys/class/net"), b"/sys/class/net/" + name)
    return syspath


def ask(names):
    answers = {}
    for name in names:
        sandbox.empty("/sys")
        complete(Tree(MACHINE, "/sys"))
        syspath = add_interface("/sys/devices/pci0000:00/0000:00:03.0", name)
        calls = [["list", "-a"], ["tree"], ["list", "-a", "-J"], ["tree", "-J"], ["find", "03.0"],
                 ["wait", "--kernel", "--timeout=0", "03.0"], ["find", "-t", "block", "03.0"], ["of", syspath]]
        answers[name] = [run(*call) for call in calls]
    return answers


@pytest.fixture(scope="module")
def answers():
    return sandbox.run(ask, UNPRINTABLE + ODD)


@pytest.mark.parametrize("name", UNPRINTABLE, ids=ascii)
def test_unprintable_name(answers, name):
    """Its function has nothing to use, and the rest of the machine is as ever."""
    table, drawing, rows, roots, find, wait, block, of = answers[name]
    for outcome in (table, drawing, rows, roots):
        assert (outcome.status, outcome.stderr) == (0, b"") and name not in outcome.stdout and b"EVIL" not in outcome.stdout
    assert [(row["path"], row["name"]) for row in json.loads(rows.stdout)["functions"]] == [
        ("02.0", None), ("02.0/00.0", "/dev/vda"), ("03.0", None)]
    assert json.loads(roots.stdout)["roots"][0]["children"][1]["names"] == []
    for outcome, status in ((find, 3), (wait, 4), (block, 3)):
        assert (outcome.status, outcome.stdout) == (status, b"") and name not in outcome.stderr and outcome.stderr.count(b"\n") == 1
    assert of.stdout == b"03.0\n"


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_odd_name(answers, name):
    """What can be printed is printed, as it is."""
    table, drawing, rows, roots, find, wait, _, of = answers[name]
    assert name in table.stdout and b"03.0" in drawing.stdout
    assert json.loads(rows.stdout)["functions"][2]["name"] == name.decode()
    assert json.loads(roots.stdout)["roots"][0]["children"][1]["names"] == [name.decode()]
    assert find.stdout == wait.stdout == name + b"\n" and of.stdout == b"03.0\n"
