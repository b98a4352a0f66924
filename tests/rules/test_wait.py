# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath wait` beside the real udevd, and alone, where events and devices can be had in any order.

tests/vm/test_wait.py has the real ones.
"""

import os
import shutil
import subprocess

import pytest
from command.machine import complete
from command.run import PCIPATH
from rules import udev
from synthetic.parts import blk, nvme
from trees import sandbox
from trees.machine import Disk, Group, Machine, Namespace, Net, Nvme, NvmeSubsystem, Root, function
from trees.sysfs import Tree

DONE, FAILED, TIMEOUT = 0, 1, 4

HEAD, SUBSYSTEM, GIVEN_AWAY = Namespace(1, Disk(1)), NvmeSubsystem(), function("07.0")
MACHINE = Machine([Root([function("02.0", function("00.0", blk(1))), function("03.0", blk()), function("04.0", nvme(1)),
                         function("05.0", Nvme([HEAD], SUBSYSTEM)), function("05.1", Nvme([HEAD], SUBSYSTEM)),
                         function("06.0", Net()), GIVEN_AWAY])], groups=[Group([GIVEN_AWAY], [GIVEN_AWAY])])

# 60-persistent-storage.rules has the first from systemd 252 on. The second is an administrator's.
RULES = """SUBSYSTEM=="block", ATTR{diskseq}=="?*", SYMLINK+="disk/by-diskseq/$attr{diskseq}"
KERNEL=="vdb", ATTR{ready}=="?*", ENV{SYSTEMD_READY}="$attr{ready}"
"""


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


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def check_events_end_a_wait(udevd):
    assert now("02.0/00.0") == (TIMEOUT, "timed out: 02.0/00.0: /dev/vda exists, but udev has not finished with it\n")
    waiters = {text: begin(*text.split()) for text in (
        "02.0/00.0", "02.0-00.0-part1", "-t pci 02.0", "-t all 03.0", "--settled 03.0", "02.0/00.0 03.0 04.0")}
    udevd.events("add")
    assert {text: end(waiter) for text, waiter in waiters.items()} == {text: (DONE, found, "") for text, found in {
        "02.0/00.0": "/dev/vda\n", "02.0-00.0-part1": "/dev/vda1\n", "-t pci 02.0": "0000:00:02.0\n",
        "-t all 03.0": "/dev/vdb\n", "--settled 03.0": "/dev/vdb\n",
        "02.0/00.0 03.0 04.0": "/dev/vda\n/dev/vdb\n/dev/nvme0n1\n"}.items()}


def check_another_disk_with_the_same_number(udevd, disk):
    write_attribute(disk, "diskseq", "8\n")
    assert now("02.0/00.0")[0] == now("02.0-00.0-part1")[0] == TIMEOUT
    udevd.events("change", [disk])
    assert now("02.0/00.0") == "/dev/vda\n"
    assert now("02.0-00.0-part1") == "/dev/vda1\n"


def check_link():
    """It is missing, then leads to another disk."""
    os.rename(f"{udev.LINKS}/03.0", f"{udev.LINKS}/moved")
    assert now("03.0")[0] == TIMEOUT
    os.symlink("../../vda", f"{udev.LINKS}/03.0")
    assert now("03.0") == (TIMEOUT, "timed out: 03.0: /dev/vdb exists, but another device has its name "
                                    "/dev/disk/by-pci-path/03.0\n")
    os.rename(f"{udev.LINKS}/moved", f"{udev.LINKS}/03.0")
    assert now("03.0") == "/dev/vdb\n"


def check_declared_unready(udevd, disk):
    """A rule says so, and takes it back in a later event. It says nothing about other disks."""
    for word in ("0", "No", "OFF"):
        write_attribute(disk, "ready", f"{word}\n")
        udevd.events("change", [disk])
        assert now("03.0") == (TIMEOUT, "timed out: 03.0: /dev/vdb exists, but a udev rule has set SYSTEMD_READY=0, so systemd treats "
                                        "it as unplugged\n")
        assert now("02.0/00.0") == "/dev/vda\n"
        waiter = begin("03.0")
        write_attribute(disk, "ready", "1\n")
        udevd.events("change", [disk])
        assert end(waiter) == (DONE, "/dev/vdb\n", "")
    write_attribute(disk, "ready", "perhaps\n")
    udevd.events("change", [disk])
    assert now("03.0") == "/dev/vdb\n"


def check_event_in_progress(disk):
    """systemd 257 and later write this into the database while they handle an event."""
    record = "/run/udev/data/b%d:%d" % disk.devnum
    with open(record, encoding="ascii") as f:
        before = f.read()
    with open(record, "a", encoding="ascii") as f:
        f.write("E:ID_PROCESSING=1\n")
    assert now("03.0") == (TIMEOUT, "timed out: 03.0: /dev/vdb exists, but udev has not finished with it\n")
    with open(record, "w", encoding="ascii") as f:
        f.write(before)
    assert now("03.0") == "/dev/vdb\n"


def check_link_of_the_awaited_path(tree):
    """A disk and a group that have several links are ready when they have the link of the path that is awaited."""
    head = next(device.devname for device in tree.devices if device.key is HEAD.disk)
    group = next(device.devname for device in tree.devices if device.subsystem == "vfio")
    for path, node, link in (("05.1", f"/dev/{head}", "/dev/disk/by-pci-path/05.1-nvme-1"),
                             ("07.0", f"/dev/{group}", "/dev/vfio/by-pci-path/07.0")):
        assert now(path) == node + "\n"
        os.rename(link, f"{link}-moved")
        assert now(path)[0] == TIMEOUT
        os.symlink("/dev/vda", link)
        assert now(path)[0] == TIMEOUT
        os.rename(f"{link}-moved", link)


def check_name_of_an_interface(tree):
    """The interface loses its alternative name, another one gets it, and udevd is about to rename the interface."""
    interface = next(device for device in tree.devices if device.subsystem == "net")
    name = os.path.basename(interface.syspath)
    record = f"/run/udev/data/n{interface.ifindex}"
    assert (interface.ifindex, name) == (2, "eth2") and now("06.0") == "eth2\n"

    ip("link", "property", "del", "dev", "eth2", "altname", "pci-06.0")
    assert now("06.0") == (TIMEOUT, "timed out: 06.0: eth2 exists, but udev has not finished with it\n")
    ip("link", "property", "add", "dev", "other", "altname", "pci-06.0")
    taken = (TIMEOUT, "timed out: 06.0: eth2 exists, but another device has its name pci-06.0\n")
    assert now("06.0") == taken
    os.rename(record, f"{record}-moved")
    with open(f"{record}-moved", encoding="ascii") as old, open(record, "w", encoding="ascii") as new:
        new.writelines(line for line in old if "ID_NET_NAME_PCI_PATH" not in line)
    assert now("06.0") == taken
    ip("link", "property", "del", "dev", "other", "altname", "pci-06.0")
    assert now("06.0") == "eth2\n"  # no rules that give names
    os.rename(f"{record}-moved", record)
    ip("link", "property", "add", "dev", "eth2", "altname", "pci-06.0")
    assert now("06.0") == "eth2\n"

    with open(record, "a", encoding="ascii") as f:
        f.write("E:ID_RENAMING=1\n")
    assert now("06.0")[0] == TIMEOUT


def check_removal(udevd):
    """The kernel removes a disk, then udevd removes its link."""
    assert now("--removed", "03.0") == (TIMEOUT, "timed out: 03.0: /dev/vdb still exists\n")
    waiter = begin("--removed", "03.0")
    gone = [device for device in udevd.devices if "/0000:00:03.0" in device.devpath]
    shutil.rmtree(gone[0].syspath)
    assert now("--removed", "03.0") == (TIMEOUT, "timed out: 03.0: the device is gone, but its links still exist\n")
    udevd.events("remove", gone)
    assert end(waiter) == (DONE, "", "")


def beside_udevd():
    udev.enter()
    # Two interfaces of the kernel, one of which has the index of the machine's. Made first, because udevd would get their events.
    ip("link", "add", "name", "eth2", "index", "2", "type", "bridge")
    ip("link", "add", "name", "other", "index", "99", "type", "bridge")
    with open("/run/udev/rules.d/65-test.rules", "w", encoding="ascii") as rules:
        rules.write(RULES)
    with udev.Udevd() as udevd:
        tree = make_tree()
        disk = device_named(tree, "vda")
        write_attribute(disk, "diskseq", "7\n")
        udevd.boot(tree)

        check_events_end_a_wait(udevd)
        check_another_disk_with_the_same_number(udevd, disk)
        check_link()
        check_declared_unready(udevd, device_named(tree, "vdb"))
        check_event_in_progress(device_named(tree, "vdb"))
        check_link_of_the_awaited_path(tree)
        check_name_of_an_interface(tree)
        check_removal(udevd)


def test_beside_udevd():
    sandbox.run(beside_udevd)


def look_without(call):
    """The first call of this kind to do with events fails."""
    udev.enter()
    make_tree()
    with udev.Udevd():
        done = subprocess.run(["strace", "-qq", "-o", "/dev/trace", "-e", f"trace={call}", "-e", f"inject={call}:error=EMFILE", PCIPATH,
                               "wait", "--timeout=9", "1f.0"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("call", ["socket", "bind", "inotify_init1", "inotify_add_watch", "ppoll"])
def test_no_events(call):
    """Who cannot hear of anything does not wait for it."""
    status, stdout, stderr = sandbox.run(look_without, call)
    assert (status, stdout) == (FAILED, "")
    assert stderr == f"pcipath: cannot {'wait' if call == 'ppoll' else 'listen'} for events: Too many open files\n"


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
                                         "timed out: 04.0: /dev/nvme0 exists, but the kernel has not finished with it\n")
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
