# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB storage and optical drives: there at boot, plugged in later, behind a hub, with several LUNs."""

import pytest
from checks import check_disks, check_functions, check_helper
from machine import disk
from oracle import link_name

LINKS = "/dev/disk/by-pci-path"

ALSO_WITHOUT_UDEVD = "exhaustive"

COVERS = {
    "minimal": "Boot: without udevd: a minimal image; all scenarios with disks",
    "cold": "Disk: USB: behind hubs, with several LUNs, with several interfaces",
    "hot": "Hotplug: USB storage, also behind a hub",
    "optical_drives": "Disk: optical drives",
}

TOPOLOGY = [
    *({"driver": "pcie-root-port", "id": f"port{n}", "bus": "pcie.0", "addr": f"2.{n}", "chassis": n + 1,
       "multifunction": n == 0} for n in range(4)),
    disk("virtio-blk-pci", "root", bus="pcie.0", addr="3.0"),
    # Two root hubs, of four ports each, that are halves of four sockets.
    {"driver": "qemu-xhci", "id": "xhci", "bus": "port0", "p2": 4, "p3": 4},
    {"driver": "usb-hub", "id": "hub", "bus": "xhci.0", "port": "2"},
    disk("usb-storage", "stick", bus="xhci.0", port="1"),
    disk("usb-storage", "behind", bus="xhci.0", port="2.3"),
    {"driver": "usb-uas", "id": "uas", "bus": "xhci.0", "port": "3"},
    *(disk("scsi-hd", f"uas{lun}", bus="uas.0", channel=0, **{"scsi-id": 0}, lun=lun) for lun in (0, 5)),
    # One root hub, of the machine's own slowness.
    {"driver": "usb-ehci", "id": "ehci", "bus": "pcie.0", "addr": "4.0"},
    disk("usb-storage", "slow", bus="ehci.0", port="2"),
    # Optical drives.
    {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "port1"},
    disk("scsi-cd", "scsi-cd", bus="scsi.0", channel=0, **{"scsi-id": 4}, lun=1),
    {"driver": "ich9-ahci", "id": "ahci", "bus": "port2"},
    disk("ide-cd", "ide-cd", bus="ahci.2"),
]


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(TOPOLOGY) as machine:
        names = [device["drive"] for device in TOPOLOGY if device.get("drive", "root") != "root"]
        for name in names:
            machine.add_drive(name)
        machine.add_drive("hot")
        machine.boot("root=LABEL=root")
        for name in names:  # a USB disk comes a second after its port
            machine.wait(f"{LINKS}/{link_name(machine.qmp, name)}")
        machine.settle()
        yield machine


def check_all(machine):
    check_functions(machine)
    check_disks(machine)
    check_helper(machine)


def test_cold(machine):
    check_all(machine)
    machine.trigger("change", "block")
    check_disks(machine)


def test_optical_drives(machine):
    kernel = machine.disks()
    for name in ("scsi-cd", "ide-cd"):
        assert kernel[name].startswith("sr")
        assert machine.run(f"realpath {LINKS}/{link_name(machine.qmp, name)}") == f"/dev/{kernel[name]}\n"


@pytest.mark.parametrize("port", ["4", "2.1"])
def test_hot(machine, port):
    """Into a port of the controller, and of the hub; with a partition; and out again."""
    machine.plug(disk("usb-storage", "hot", bus="xhci.0", port=port))
    link = f"{LINKS}/{link_name(machine.qmp, 'hot')}"
    machine.wait(link)
    machine.run(f"echo 'type=linux' | sfdisk -q --wipe always {link}")
    machine.wait(f"{link}-part1")
    check_disks(machine)
    check_helper(machine)
    machine.unplug("hot")
    machine.wait(link, gone=True)
    machine.wait(f"{link}-part1", gone=True)
    check_disks(machine)
