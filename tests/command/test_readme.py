# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the README has against the problems that come first, in a guest that has them."""

import shlex

from command.run import on_machine
from documents import troubleshooting
from trees.machine import Disk, Lun, Machine, Root, VirtioBlk, VirtioScsi, function

MACHINE = Machine([Root([function("02.0", function("00.0", VirtioBlk(Disk(1)))),
                         function("02.1", function("00.0", VirtioScsi([Lun(0, 0), Lun(1, 1)])))])])
LINKS = {"/dev/disk/by-pci-path": {"02.1-00.0-scsi-0:0:0:0": "../../sda", "02.1-00.0-scsi-0:0:1:1": "../../sdb"}}


def test_troubleshooting():
    calls = [shlex.split(command)[1:] for command in troubleshooting() if command.startswith("pcipath ")]
    missing, suffixes = on_machine(MACHINE, *calls, links=LINKS)
    assert missing.status == 4 and "02.0" in missing.stderr and "03.0" in missing.stderr
    assert suffixes.status == 0 and all(link in suffixes.stdout for link in LINKS["/dev/disk/by-pci-path"])
