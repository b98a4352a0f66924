# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath prune` beside the real udevd, which is slow between making a link and giving it its name."""

import os
import re
import shutil
import subprocess

import pytest
from command.machine import complete
from command.run import PCIPATH
from synthetic.parts import blk
from rules import udev
from trees import sandbox
from trees.machine import Machine, Root, function
from trees.sysfs import Tree

MACHINE = Machine([Root([function(f"{slot:02x}.{n}", blk(1)) for slot in range(2, 6) for n in range(8)])])

PRUNE_UNTIL_STOPPED = """
while [ ! -e /run/stop ]; do
    "$1" prune || exit 1
    echo >>/run/rounds
done
"""


def slow_down(udevd):
    """Its workers, too: 20 ms before each rename of a link or of a file of the database."""
    tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", "-e",
                               "inject=rename,renameat,renameat2:delay_enter=20000", "-p", str(udevd.daemon.pid)],
                              stderr=subprocess.PIPE, text=True)
    assert re.search("attached", tracer.stderr.readline())
    return tracer


def prune_beside_udevd():
    udev.enter()
    with udev.Udevd() as udevd:
        tracer = slow_down(udevd)
        tree = Tree(MACHINE, "/sys")
        complete(tree)
        udevd.boot(tree)
        pruner = subprocess.Popen(["sh", "-c", PRUNE_UNTIL_STOPPED, "sh", PCIPATH], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True)
        for _ in range(2):
            udevd.events("add")
        open("/run/stop", "wb").close()
        said = pruner.communicate(timeout=60)
        rounds = os.path.getsize("/run/rounds")
        tracer.terminate()
        tracer.communicate(timeout=60)
        return said, pruner.returncode, rounds, {name for name in udev.links_on_disk() if not name.startswith(".")}


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_prune_beside_a_slow_udevd():
    said, status, rounds, links = sandbox.run(prune_beside_udevd)
    assert (said, status) == (("", ""), 0) and rounds > 2
    assert links == {f"{slot:02x}.{n}{part}" for slot in range(2, 6) for n in range(8) for part in ("", "-part1")}
