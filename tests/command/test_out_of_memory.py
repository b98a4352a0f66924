# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each allocation in turn fails: the answer is the whole one, or an error and nothing on stdout."""

import os
import subprocess

import pytest
from command.machine import complete
from command.run import PCIPATH
from golden.machines import blk, node, nvme, tape, usb
from programs import BUILD, PCIPATH_ID
from trees import sandbox
from trees.machine import (Ata, AtaPort, Disk, FibreChannel, Group, HostBridge, Lun, Machine, Namespace, Net, Node, Nodes, Nvme,
                           NvmeSubsystem, Port, Root, Sas, SasDevice, ScsiHosts, Usb, UsbDisk, VirtioPmem, VirtioScsi,
                           VirtualFunctions, VmbusRoot, function, vf)
from trees.names import Names
from trees.sysfs import Tree

COVERS = {
    "command_out_of_memory": "Input: each allocation fails in turn",
    "helper_out_of_memory": "Input: each allocation fails in turn",
}

FAIL_ALLOCATION = BUILD / "tests/trees/fail-allocation.so"

HEAD, SUBSYSTEM = Namespace(1, Disk(1)), NvmeSubsystem()
GIVEN_AWAY = [function("0b.0"), function("0b.1")]

# Each kind of root, function, disk, interface and node, once.
CROWDED = Machine([
    Root([function("02.0", function("00.0", blk(1))),
          function("02.1", function("00.0", vfs=VirtualFunctions([vf(nvme(1)), vf()]))),
          function("03.0", VirtioScsi([Lun(0, 0)])),
          function("04.0", ScsiHosts([[Lun(0, 300)], [Lun(1, 2)]])),
          function("05.0", FibreChannel({"0x50060e801049cfd1": [Lun(0, 0)]})),
          function("06.0", Sas([[SasDevice(0, "0x5000c500a1b2c3d1", [Lun()])]])),
          function("07.0", Usb([UsbDisk("1.2", [Lun(0, 0)])], root_hubs=2)),
          function("08.0", Nvme([HEAD], SUBSYSTEM)), function("08.1", Nvme([HEAD], SUBSYSTEM)),
          function("09.0", VirtioPmem(Disk())),
          function("0a.0", Net([Port(0), Port(1), Port(0, "p0")])),
          *GIVEN_AWAY,
          function("0c.0", Nodes([
              node("drm/card0", "drm", "dri/by-pci-path/FLAT-card"), tape("st0", "tape/by-pci-path/FLAT-scsi-0:0:0:0"),
              Node(usb("1", ("ttyUSB0", "usb-serial", None, {"port_number": 1}), ("tty/ttyUSB0", "tty")),
                   "serial/by-pci-path/FLAT-usb-0:1:1.0-port1")])),
          function("0e.0", HostBridge(0xe0, [function("01.0", nvme(1))])),
          function("1f.2", Ata([AtaPort(1, multiplied=[(0, blk().disk)])]))]),
    VmbusRoot([function("02.0", nvme(1))], "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0")],
    groups=[Group(GIVEN_AWAY, GIVEN_AWAY)])


def run(command, number=0):
    """The command with its allocation of that number failing; also how many it made."""
    ours, theirs = os.pipe()
    try:
        done = subprocess.run(command, capture_output=True, pass_fds=[theirs], check=False, timeout=60,
                              env=os.environ | {"LD_PRELOAD": str(FAIL_ALLOCATION), "PCIPATH_FAIL_ALLOCATION": str(number),
                                                "PCIPATH_ALLOCATIONS_FD": str(theirs), "LC_ALL": "C.UTF-8"})
    finally:
        os.close(theirs)
    with os.fdopen(ours) as counted:
        return done, int(counted.read())


def fail_each(command):
    """How often it failed, when it must not have had a bad answer; the bad ones."""
    whole, total = run(command)
    assert (whole.returncode, whole.stderr) == (0, b""), command
    failed, bad = 0, []
    for number in range(1, total + 1):
        done, made = run(command, number)
        assert made >= number
        answered = (done.returncode, done.stdout, done.stderr) == (0, whole.stdout, b"")
        refused = done.returncode == 1 and done.stdout == b"" and done.stderr.count(b"\n") == 1
        failed += refused
        if not answered and not refused:
            bad.append((number, done.returncode, done.stdout, done.stderr))
    return failed, bad


def on_crowded(check, arguments):
    tree = Tree(CROWDED, "/sys")
    complete(tree)
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    names = Names(CROWDED)
    for device in tree.devices:
        for link in names[device.key].links if device.devname and names.get(device.key) else ():
            os.makedirs(os.path.dirname(f"/dev/{link}"), exist_ok=True)
            os.symlink(f"/dev/{device.devname}", f"/dev/{link}")
    return check(tree, arguments)


def check_command(_, arguments):
    return fail_each([PCIPATH, *arguments])


@pytest.mark.parametrize("arguments", [
    ["list"], ["list", "-a", "-J"], ["tree"], ["tree", "-J"], ["of", "0000:01:00.0"], ["of", "/sys/class/block/nvme0n1"],
    ["find", "02.0/00.0"], ["find", "08.1,nvme-1"], ["find", "0b.0"], ["find", "0a.0"],
    ["find", "-t", "pci", "0e.0/e0:01.0"], ["wait", "--kernel", "-t", "pci", "02.0/00.0"],
    ["convert", "--to=lspci", "02.0/00.0"], ["convert", "--to=link", "02.0/00.0,part=1"], ["convert", "--to=uefi", "--live", "02.0/00.0"],
    ["cdi"], ["cdi", "-k", "vfio"], ["cdi", "--write=/dev"],
], ids=" ".join)
def test_command_out_of_memory(arguments):
    failed, bad = sandbox.run(on_crowded, check_command, arguments)
    assert failed > 0 and bad == []


def check_helper(tree, _):
    return {device.devpath: fail_each([PCIPATH_ID, device.syspath]) for device in tree.devices
            if device.devname or device.subsystem in ("net", "vfio")}


def test_helper_out_of_memory():
    outcomes = sandbox.run(on_crowded, check_helper, None)
    assert len(outcomes) > 10
    for devpath, (failed, bad) in outcomes.items():
        assert failed > 0 and bad == [], devpath
