# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath coldplug` on a machine that cannot be read or changes while it is read, and with no memory.

Some links are right before it runs, one is wrong, one is stale and one is somebody else's. Whatever fails: no link leads to another
device's node, none that is right goes, the reason is said; and when nothing fails any more, all is as it should be.
"""

import os
import re
import shutil
import stat
import subprocess

import pytest
from command.machine import FUNCTION, complete, links, make_nodes
from command.run import PCIPATH
from command.test_faults import LOOKS, TRACE, looks_of, pytestmark, stop_at, traced, unplug
from command.test_out_of_memory import run as run_allocating
from synthetic.parts import blk, nvme
from trees import sandbox
from trees.machine import Lun, Machine, Root, VirtioScsi, VirtualFunctions, function, vf
from trees.names import Names
from trees.sysfs import Tree

assert pytestmark

COVERS = {
    "links_when_a_look_fails": "Fault: each system call that reads sysfs fails in turn",
    "links_when_unplugged_at_a_look": "Fault: the device is unplugged before each system call that reads sysfs",
    "links_out_of_memory": "Fault: each memory allocation fails in turn",
}

CHANGES = "mkdirat,renameat,symlinkat,unlinkat"
COLDPLUG = [PCIPATH, "coldplug", "--links", "--beside-udev"]

MACHINES = {
    "virtio": Machine([Root([function("02.0", function("00.0", blk(1)))])]),
    "scsi": Machine([Root([function("02.0", VirtioScsi([Lun(0, 0)])), function("03.0", blk())])]),
    "vf": Machine([Root([function("02.0", function("00.0", vfs=VirtualFunctions([vf(nvme(1))]))), function("03.0", blk())])]),
}


class Guest:
    """A fake machine and its /dev: the links that are to be there, and those that are there before."""

    def __init__(self, name):
        sandbox.mount("tmpfs", "/dev", "tmpfs")
        self.machine = MACHINES[name]
        self.plug()
        names = Names(self.machine)
        self.owners = {link: device for device in self.tree.devices if device.devname and names.get(device.key)
                       for link in names[device.key].links}
        self.right = {link: f"../../{device.devname}" for link, device in self.owners.items()}
        first, *_, last = sorted(self.right)
        self.kept = self.right | {"disk/by-uuid/others": "../../dm-0"}
        self.before = self.kept | {first: self.right[last], "disk/by-pci-path/09.0": self.right[last],
                                   "disk/by-uuid/stale": self.right[first]}

    def plug(self):
        for directory in ("/sys", "/dev"):
            sandbox.empty(directory)
        os.mknod("/dev/dm-0", stat.S_IFBLK | 0o600, os.makedev(253, 0))
        self.tree = Tree(self.machine, "/sys")
        complete(self.tree)
        make_nodes(self.tree)

    def unplug(self, function):
        unplug(function)
        for device in self.tree.devices:
            if device.devname and not os.path.exists(device.syspath):
                os.unlink(f"/dev/{device.devname}")

    def reset(self):
        shutil.rmtree("/dev/disk", ignore_errors=True)
        for link, target in self.before.items():
            os.makedirs(os.path.dirname(f"/dev/{link}"), exist_ok=True)
            os.symlink(target, f"/dev/{link}")

    def links_below(self, syspath):
        return {link for link, device in self.owners.items() if f"{device.syspath}/".startswith(f"{syspath}/")}

    def judge(self, done, may_go, what):
        """`may_go`: the links that may be there no more. What was wrong before may have stayed, if it is said that something failed."""
        made = links().items()
        assert done.returncode in (0, 1) and done.stdout == "", (what, done)
        assert re.fullmatch(r"(pcipath: [ -~]+\n)*", done.stderr) and (done.returncode == 0 or done.stderr), (what, done)
        allowed = self.kept.items() | (self.before.items() if done.returncode else set())
        needed = self.kept.items() & (self.before.items() if done.returncode else self.kept.items())
        assert made <= allowed, (what, done, made - allowed)
        assert {link for link, _ in needed - made} <= may_go, (what, done, needed - made)

    def judge_next(self, gone, what):
        """Nothing fails any more."""
        done = subprocess.run(COLDPLUG, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), (what, done)
        wanted = {link: target for link, target in self.right.items() if link not in gone}
        assert {link: target for link, target in links().items() if link not in self.kept or link in self.right} == wanted, what


def function_of(path):
    """The innermost function's directory that a path is in, or None."""
    parts = path.split("/")
    return next(("/".join(parts[:n]) for n in range(len(parts), 0, -1) if FUNCTION.fullmatch(parts[n - 1])), None)


def files(looks):
    """The looks at each file."""
    found = {}
    for look in looks:
        found.setdefault(re.search('(?<!AT_FDCWD)[<"](/[^>"]+)', look[2])[1], []).append(look)
    return found


def fail_each_file(name):
    """What cannot be read has no link, or keeps the one it has; that of no other device goes."""
    guest = Guest(name)
    guest.reset()
    _, looks = looks_of(COLDPLUG, f"{LOOKS},{CHANGES}")
    by_file = files(looks)
    for path, calls in by_file.items():
        guest.reset()
        calls = ",".join({syscall for syscall, *_ in calls})
        done = traced(COLDPLUG, "--quiet=path-resolution", "-P", path, "-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO")
        node = path.removeprefix("/dev/")
        below = next((device.syspath for device in guest.tree.devices if device.devname == node), function_of(path) or path)
        # To sd-device one whose uevent cannot be read is one that has gone (systemd 252, device_read_uevent_file()).
        may_go = done.returncode != 0 or path.endswith("/uevent")
        guest.judge(done, guest.links_below(below) if may_go else set(), path)
        guest.judge_next(set(), path)
    return len(by_file)


@pytest.mark.parametrize("name", MACHINES)
def test_links_when_a_look_fails(name):
    assert sandbox.run(fail_each_file, name) > 20


def unplug_at_each_look(name):
    guest = Guest(name)
    guest.reset()
    _, looks = looks_of(COLDPLUG)
    os.unlink(TRACE)
    function = function_of(next(device.syspath for device in guest.tree.devices if device.devtype == "disk"))
    gone = guest.links_below(function)
    for syscall, count, text in (first for first, *_ in files(looks).values()):
        guest.plug()
        guest.reset()
        done = stop_at(COLDPLUG, syscall, count, lambda: guest.unplug(function))
        guest.judge(done, gone, f"gone at {text}")
        guest.judge_next(gone, f"gone at {text}")


@pytest.mark.parametrize("name", ["scsi", "vf"])
def test_links_when_unplugged_at_a_look(name):
    sandbox.run(unplug_at_each_look, name)


def remove_directory_after_each_call():
    guest = Guest("scsi")
    guest.reset()
    _, looks = looks_of(COLDPLUG, f"{LOOKS},{CHANGES}")
    os.unlink(TRACE)
    calls = [look for look in looks if "/disk/by-pci-path" in look[2]]
    for syscall, count, text in calls:
        guest.reset()
        done = stop_at(COLDPLUG, syscall, count, lambda: shutil.rmtree("/dev/disk/by-pci-path", ignore_errors=True))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), text
        guest.judge_next(set(), text)
    return {syscall for syscall, *_ in calls}


def test_directory_is_removed_meanwhile():
    """As udevd does it, which shares the directories with `pcipath monitor --beside-udev`: it is made again, and nothing is said."""
    assert sandbox.run(remove_directory_after_each_call) >= {"openat", "symlinkat", "renameat", "unlinkat"}


def fail_each_allocation():
    guest = Guest("virtio")
    guest.reset()
    _, total = run_allocating(COLDPLUG)
    failed = 0
    for number in range(1, total + 1):
        guest.reset()
        done, made = run_allocating(COLDPLUG, number)
        assert made >= number
        done = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
        guest.judge(done, set(), f"allocation {number}")
        guest.judge_next(set(), f"allocation {number}")
        failed += done.returncode
    return failed


def test_links_out_of_memory():
    assert sandbox.run(fail_each_allocation) > 0
