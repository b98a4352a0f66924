# SPDX-License-Identifier: LGPL-2.1-or-later
"""NVMe multipath: a namespace has a link for each live controller that it is attached to, at every settled moment."""

import pytest
from checks import check_disks, check_functions, check_helper
from machine import disk, root_ports
from oracle import link_names, pci_path

LINKS = "/dev/disk/by-pci-path"


def subsystem(name):
    return {"driver": "nvme-subsys", "id": name, "nqn": name}


def controller(name, bus, subsys=None, **properties):
    """QEMU wants one serial of all controllers of a subsystem."""
    of = {"subsys": f"/machine/peripheral/{subsys}"} if subsys else {}
    return {"driver": "nvme", "id": name, "bus": bus, "serial": subsys or name, **of, **properties}


def namespace(name, bus, nsid, **properties):
    return disk("nvme-ns", name, bus=bus, nsid=nsid, **properties)


TOPOLOGY = [
    *root_ports(6),
    subsystem("pair"),
    controller("first", "port0", "pair"),
    controller("second", "port1", "pair"),
    namespace("root", "first", 1),
    namespace("shared", "second", 2),
    namespace("private", "second", 7, shared=False),
    # The same namespace ids in other subsystems: of one controller, which has a head all the same, and of none's.
    subsystem("single"),
    controller("only", "port2", "single"),
    namespace("alone", "only", 1),
    namespace("alone-private", "only", 2, shared=False),
    controller("plain", "port3"),
    namespace("ordinary", "plain", 1),
]


def links(machine, name):
    return [f"{LINKS}/{link}" for link in link_names(machine.qmp, name, machine.buses[name])]


def check_all(machine):
    machine.settle()
    check_functions(machine)
    check_disks(machine)
    check_helper(machine)


@pytest.fixture(scope="module")
def machine(make_machine):
    """The root file system is on a head, in an image that has udevd and no systemd."""
    with make_machine(TOPOLOGY, kind="nosystemd") as machine:
        machine.add_drives()
        machine.start()
        machine.boot(f"root={links(machine, 'root')[0]}")
        yield machine


def test_cold(machine):
    check_all(machine)
    assert [len(links(machine, name)) for name in ("root", "shared", "private", "alone", "ordinary")] == [2, 2, 1, 1, 1]
    heads = machine.run("basename -a /sys/devices/virtual/nvme-subsystem/*/nvme*n*").split()
    kernel = machine.disks()
    assert sorted(heads) == sorted(disk for name, disk in kernel.items() if name != "ordinary")
    for action in ("add", "change"):
        # Not --settle: it waits for events of hidden disks, too, which have none.
        machine.run(f"udevadm trigger --action={action}")
        machine.settle()
        check_disks(machine)


def test_controllers_come_and_go(machine):
    """With a partition of the disk mounted. In another port the controller has the other port's name."""
    first, second = links(machine, "shared")
    machine.run(f"echo 'type=linux' | sfdisk -q {second}")
    for link in (first, second):
        machine.wait(f"{link}-part1")
    machine.run(f"mkfs.ext4 -q {second}-part1 && mount {second}-part1 /mnt && echo kept >/mnt/file && sync")
    check_all(machine)

    machine.unplug("second")
    machine.wait(f"{second}-part1", gone=True)
    check_all(machine)
    assert links(machine, "shared") == [first] and links(machine, "private") == []
    machine.run("echo more >>/mnt/file && sync && echo 3 >/proc/sys/vm/drop_caches")
    assert machine.run("cat /mnt/file") == "kept\nmore\n"

    # Another disk where the controller was.
    machine.add_drive("next")
    machine.plug(disk("nvme", "next", bus="port1"))
    machine.wait(f"{LINKS}/{link_names(machine.qmp, 'next')[0]}")
    check_all(machine)

    # Whoever waits for the path of a head finds the link when the wait is over.
    machine.plug(controller("third", "port4", "pair"))
    path = pci_path(machine.qmp, "third")
    _, third = links(machine, "shared")
    machine.run(f"pcipath wait {path},nvme-2,part=1 && readlink {third}-part1")
    check_all(machine)
    assert machine.run(f"pcipath of {third}").split() == [pci_path(machine.qmp, "first"), path]

    machine.unplug("first")
    machine.wait(first, gone=True)
    check_all(machine)
    machine.run("umount /mnt")


def test_reset(machine):
    """A controller that is reset is still there: its links stay."""
    machine.run("for c in /sys/class/nvme/*/reset_controller; do echo 1 >$c; done")
    check_all(machine)
