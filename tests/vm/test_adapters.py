# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adapters full of disks: four of virtio-scsi with 32 LUNs each, and AHCI, whose one function has a host for each port."""

import pytest
from checks import check_disks, check_functions, check_helper
from machine import disk, root_ports
from oracle import disks, link_name

ALSO_WITHOUT_UDEVD = "exhaustive"

COVERS = {
    "minimal": "Boot: without udevd: a minimal image; all scenarios with disks",
    "every_disk": "Disk: four SCSI adapters with 32 LUNs each, AHCI with six disks",
    "lun_comes_and_goes": "Hotplug: one LUN of a SCSI adapter",
}

# By adapter, the target and LUN of each disk.
LUNS = {
    "one-target": [(0, lun) for lun in range(32)],
    "many-targets": [(target, 0) for target in range(32)],
    "both": [(target, lun) for target in (0, 85, 170, 255) for lun in range(1, 9)],
    "beyond-255": [(7, lun) for lun in range(240, 272)],
}


def lun(adapter, target, number):
    return disk("scsi-hd", f"{adapter}-{target}-{number}", bus=f"{adapter}.0", channel=0, **{"scsi-id": target}, lun=number)


TOPOLOGY = [
    disk("virtio-blk-pci", "root", bus="pcie.0", addr="3.0"),
    *root_ports(5),
    *({"driver": "virtio-scsi-pci", "id": adapter, "bus": f"port{n}"} for n, adapter in enumerate(LUNS)),
    *(lun(adapter, *place) for adapter, places in LUNS.items() for place in places),
    {"driver": "ich9-ahci", "id": "ahci", "bus": "port4"},
    *(disk("ide-hd", f"ahci-{port}", bus=f"ahci.{port}") for port in range(6)),
]


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(TOPOLOGY, memory="1G") as machine:
        machine.add_drives()
        machine.add_drive("hot")
        machine.boot("root=LABEL=root")
        machine.settle()
        yield machine


def test_every_disk(machine):
    assert len(disks(machine.qmp)) == 1 + 4 * 32 + 6
    check_functions(machine)
    check_disks(machine)
    check_helper(machine)
    machine.trigger("change", "block")
    check_disks(machine)


@pytest.mark.parametrize("adapter,target,number", [("one-target", 0, 32), ("many-targets", 40, 3), ("both", 85, 300)])
def test_lun_comes_and_goes(machine, adapter, target, number):
    """Into an adapter in use: beside LUNs that are there, alone at a target, with a number beyond 255."""
    machine.plug({**lun(adapter, target, number), "id": "hot", "drive": "hot", "serial": "hot"})
    link = f"/dev/disk/by-pci-path/{link_name(machine.qmp, 'hot')}"
    machine.wait(link)
    check_disks(machine)
    machine.unplug("hot")
    machine.wait(link, gone=True)
    check_disks(machine)
