# SPDX-License-Identifier: LGPL-2.1-or-later
"""The root disk behind one port, another disk plugged into a second one: both have the names that the host gives them."""

import pytest
from checks import check_functions
from guest import KINDS
from machine import disk, root_ports
from oracle import link_name

COVERS = {
    "bookworm": "Release: Debian 12: systemd 252, dracut 059, Linux 6.1",
    "trixie": "Release: Debian 13: systemd 257, dracut 106, Linux 6.12",
    "forky": "Release: Debian forky: systemd 262, dracut 112, Linux 7.2",
}

TOPOLOGY = [*root_ports(2), disk("virtio-blk-pci", "root", bus="port0")]


@pytest.fixture(scope="module", params=KINDS)
def machine(make_machine, request, release):
    with make_machine(TOPOLOGY, kind=request.param, release=release) as machine:
        machine.start()
        machine.boot(f"root=/dev/disk/by-pci-path/{link_name(machine.qmp, 'root')}")
        machine.settle()
        yield machine


def test_functions(machine):
    check_functions(machine)


def test_hotplug(machine):
    machine.add_drive("data")
    machine.plug(disk("virtio-blk-pci", "data", bus="port1"))
    link = f"/dev/disk/by-pci-path/{link_name(machine.qmp, 'data')}"
    machine.wait(link)
    check_functions(machine)
    assert machine.run(f"realpath {link}") == f"/dev/{machine.disks()['data']}\n"

    machine.unplug("data")
    machine.wait(link, gone=True)
    assert "data" not in machine.disks()
