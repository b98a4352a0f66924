# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example of a guest without udevd and systemd, as it is: what its own pcipath and busybox can say of it."""

import subprocess

import pytest
from machine import disk, root_ports
from oracle import link_name, pci_path

LINKS = "/dev/disk/by-pci-path"

COVERS = {
    "cold_and_hot": "Boot: without udevd: the image of examples/minimal-initramfs",
    "module_on_demand": "Hotplug: without udevd, a disk whose driver is not loaded",
    "volume": "Boot: without udevd, process 1 mounts a volume by its PCI path",
}

# The disk is no root file system of this guest's. It has a label.
TOPOLOGY = [*root_ports(4), disk("virtio-blk-pci", "root", bus="port0"), {"driver": "nvme", "id": "nvme", "bus": "port1", "serial": "nvme"},
            disk("nvme-ns", "volume", bus="nvme", nsid=3)]


def links(machine, *directories):
    return machine.run(f"cd /dev/disk; ls {' '.join(directories)}").split()


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(TOPOLOGY[:5], kind="example") as machine:
        machine.add_drive("data")
        machine.boot("")
        yield machine


def test_cold_and_hot(machine):
    """There when process 1 goes on; plugged in, into another port, and out."""
    cold = link_name(machine.qmp, "root")
    assert links(machine, "by-pci-path", "by-label") == ["by-label:", "root", "by-pci-path:", cold]
    assert machine.run("ps -o comm | grep -cE 'udev|systemd'; true") == "0\n"
    for port in ("port1", "port2"):
        machine.plug(disk("virtio-blk-pci", "data", bus=port))
        hot = link_name(machine.qmp, "data")
        machine.wait(f"{LINKS}/{hot}")
        assert links(machine, "by-pci-path") == sorted([cold, hot])
        assert machine.run(f"realpath {LINKS}/{hot}") == machine.run(f"pcipath find {pci_path(machine.qmp, 'data')}")
        machine.unplug("data")
        machine.wait(f"{LINKS}/{hot}", gone=True)
        assert links(machine, "by-pci-path") == [cold]


def test_module_on_demand(machine):
    assert "nvme" not in machine.run("cut -d' ' -f1 /proc/modules").split()
    machine.plug(disk("nvme", "data", bus="port3"))
    link = f"{LINKS}/{link_name(machine.qmp, 'data')}"
    machine.wait(link)
    assert machine.run(f"realpath {link}") == "/dev/nvme0n1\n"
    assert "nvme" in machine.run("cut -d' ' -f1 /proc/modules").split()
    machine.unplug("data")
    machine.wait(link, gone=True)


def test_volume(make_machine):
    """A partition of a disk that its driver finds in its own time."""
    with make_machine(TOPOLOGY, kind="example") as machine:
        drive = machine.add_drive("volume")
        subprocess.run(["sfdisk", "-q", drive], input="start=2048,size=2048\nstart=4096,size=65536\n", text=True, check=True)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-E", f"offset={4096 * 512}", drive, "32M"], check=True)
        machine.start()
        name = link_name(machine.qmp, "volume")
        machine.boot(f"volume={name}-part2")
        assert machine.run("grep ' /mnt ' /proc/mounts").split()[:3] == ["/dev/nvme0n1p2", "/mnt", "ext4"]
        machine.settle()
        assert links(machine, "by-pci-path") == [link_name(machine.qmp, "root"), name, f"{name}-part1", f"{name}-part2"]
