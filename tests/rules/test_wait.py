# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath wait` beside the real udevd, and alone, where events and devices can be had in any order.

tests/vm/test_wait.py has the real ones.
"""

import os
import shutil
import subprocess

from command.machine import complete
from command.run import PCIPATH
from golden.machines import blk, nvme
from rules import udev
from trees import sandbox
from trees.machine import Machine, Root, function
from trees.sysfs import Tree

DONE, TIMEOUT = 0, 4

MACHINE = Machine([Root([function("02.0", function("00.0", blk(1))), function("03.0", blk()), function("04.0", nvme(1))])])

# 60-persistent-storage.rules has it from systemd 252 on.
DISKSEQ = 'SUBSYSTEM=="block", ATTR{diskseq}=="?*", SYMLINK+="disk/by-diskseq/$attr{diskseq}"\n'


def begin(*arguments):
    return subprocess.Popen([PCIPATH, "wait", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=os.environ | {"LC_ALL": "C.UTF-8"})


def end(waiter):
    stdout, stderr = waiter.communicate(timeout=60)
    return waiter.returncode, stdout, stderr


def wait(*arguments):
    return end(begin(*arguments))


def now(*arguments):
    """Would it have to wait? Why?"""
    status, stdout, stderr = wait("--timeout=0", *arguments)
    assert (status == DONE) == (stderr == "") and (status == DONE or stdout == ""), stderr
    return stdout if status == DONE else (status, stderr.removeprefix("pcipath: "))


def make_tree():
    tree = Tree(MACHINE, "/sys")
    complete(tree)
    return tree


def device_named(tree, name):
    return next(device for device in tree.devices if device.syspath.endswith(f"/{name}"))


def write_attribute(device, name, text):
    with open(f"{device.syspath}/{name}", "w", encoding="ascii") as f:
        f.write(text)


def beside_udevd():
    udev.enter()
    with open("/run/udev/rules.d/65-diskseq.rules", "w", encoding="ascii") as rules:
        rules.write(DISKSEQ)
    with udev.Udevd() as udevd:
        tree = make_tree()
        disk = device_named(tree, "vda")
        write_attribute(disk, "diskseq", "7\n")
        udevd.boot(tree)

        # The kernel has them, udevd has not.
        assert now("02.0/00.0") == (TIMEOUT, "timed out: 02.0/00.0: /dev/vda is there, but udev is not finished with it\n")
        waiters = {text: begin(*text.split()) for text in (
            "02.0/00.0", "02.0-00.0-part1", "-t pci 02.0", "-t all 03.0", "--settled 03.0", "02.0/00.0 03.0 04.0")}
        udevd.events("add")
        assert {text: end(waiter) for text, waiter in waiters.items()} == {text: (DONE, found, "") for text, found in {
            "02.0/00.0": "/dev/vda\n", "02.0-00.0-part1": "/dev/vda1\n", "-t pci 02.0": "0000:00:02.0\n",
            "-t all 03.0": "/dev/vdb\n", "--settled 03.0": "/dev/vdb\n",
            "02.0/00.0 03.0 04.0": "/dev/vda\n/dev/vdb\n/dev/nvme0n1\n"}.items()}

        # Another disk has the number of one that udevd knew.
        write_attribute(disk, "diskseq", "8\n")
        assert now("02.0/00.0")[0] == now("02.0-00.0-part1")[0] == TIMEOUT
        udevd.events("change", [disk])
        assert now("02.0/00.0") == "/dev/vda\n"
        assert now("02.0-00.0-part1") == "/dev/vda1\n"

        # udevd has it and its link is not there.
        os.rename(f"{udev.LINKS}/03.0", f"{udev.LINKS}/moved")
        assert now("03.0")[0] == TIMEOUT
        os.rename(f"{udev.LINKS}/moved", f"{udev.LINKS}/03.0")
        assert now("03.0") == "/dev/vdb\n"

        # It goes: first for the kernel, then for udevd.
        assert now("--removed", "03.0") == (TIMEOUT, "timed out: 03.0: /dev/vdb is still there\n")
        waiter = begin("--removed", "03.0")
        gone = [device for device in udevd.devices if "/0000:00:03.0" in device.devpath]
        shutil.rmtree(gone[0].syspath)
        assert now("--removed", "03.0") == (TIMEOUT, "timed out: 03.0: it is gone, but its links are still there\n")
        udevd.events("remove", gone)
        assert end(waiter) == (DONE, "", "")


def test_beside_udevd():
    sandbox.run(beside_udevd)


def without_udevd():
    """The controller's node is one that can be made here; disks of a fake machine do not open."""
    udev.enter()
    daemon = udev.Udevd()
    daemon.kernel = udev.netlink(0)
    tree = make_tree()
    controller = device_named(tree, "nvme0")
    write_attribute(controller, "dev", "1:3\n")
    write_attribute(controller, "uevent", "MAJOR=1\nMINOR=3\nDEVNAME=nvme0\n")

    assert now("-t", "nvme", "04.0") == (TIMEOUT,
                                         "timed out: 04.0: /dev/nvme0 is there, but the kernel is not finished with it\n")
    assert now("02.0/00.0")[0] == TIMEOUT
    waiter = begin("-t", "nvme", "04.0")
    daemon.send("change", controller)
    assert waiter.poll() is None
    os.mknod("/dev/nvme0", 0o60600, os.makedev(1, 3))
    daemon.send("change", controller)
    assert now("-t", "nvme", "04.0")[0] == TIMEOUT  # a block device
    os.unlink("/dev/nvme0")
    os.mknod("/dev/nvme0", 0o20600, os.makedev(1, 3))
    daemon.send("change", controller)
    assert end(waiter) == (DONE, "/dev/nvme0\n", "")

    assert now("--removed", "04.0")[0] == TIMEOUT
    shutil.rmtree("/sys/devices/pci0000:00/0000:00:04.0")
    assert now("--removed", "04.0") == ""


def test_without_udevd():
    sandbox.run(without_udevd)
