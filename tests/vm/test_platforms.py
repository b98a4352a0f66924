# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests of well-known hosts (platforms.py): they boot from their root disk by its name, and every name is the host's; a disk and a card
are plugged in and out as that host does it."""

import pytest
from checks import check_disks, check_functions, check_helper, check_interfaces
from domain import Domain
from oracle import interfaces, link_name, pci_path
from platforms import LIBVIRT_PLATFORMS, QEMU_PLATFORMS, drives
from test_host import ask, compare
from test_libvirt import attach, check_live, detach

LINKS = "/dev/disk/by-pci-path"

COVERS = {
    "proxmox-pc": "Platform: Proxmox VE, i440fx with its three bridges, a SCSI controller for each disk",
    "proxmox-q35": "Platform: Proxmox VE, q35 with bridges below a DMI-to-PCI bridge",
    "kata": "Platform: Kata Containers, q35: disks and cards behind a conventional bridge and a root port, no udevd",
    "gce": "Platform: Google Compute Engine: SCSI targets, local SSDs as NVMe namespaces",
    "ec2": "Platform: Amazon EC2: an NVMe controller on the root bus for each volume",
    "hetzner": "Platform: Hetzner Cloud: volumes as LUNs of one SCSI controller behind a root port",
    "virt-manager": "Platform: virt-manager's default domain: 14 root ports",
    "kubevirt": "Platform: KubeVirt: root ports, hotplug as LUNs of one SCSI controller",
    "kubevirt-root-complex": "Platform: KubeVirt: every device on the root bus (placePCIDevicesOnRootComplex)",
    "nova": "Platform: OpenStack Nova: virtio-scsi LUNs and a config drive",
}

UNCOVERED = {
    "Platform: Google Compute Engine's gVNIC, Amazon EC2's ENA, Azure's MANA": "QEMU has no such cards. A virtio card is at their addresses; "
    "names depend on the address alone",
    "Platform: Azure, booted": "QEMU has VMBus only with KVM, which these tests do without. A synthetic tree has it",
    "Platform: Kata Containers' vsock and shared file system": "they need /dev/vhost-vsock and virtiofsd. They have no disk and no interface",
    "Platform: devices passed through by VFIO on the host": "they need an IOMMU. An NVMe controller of QEMU is at their addresses",
}


def check_all(machine):
    machine.settle()
    check_functions(machine)
    check_disks(machine)
    check_interfaces(machine)
    check_helper(machine)


def cmdline(link):
    return f"root={LINKS}/{link} rootfstype=ext4"


def boot(machine, root):
    """From the root disk by its name, as the host knows it before the guest runs. What it lists then is in the guest."""
    machine.start()  # a QEMU that is asked only
    line = cmdline(link_name(machine.qmp, root))
    machine.start(line)
    listed = ask(machine, "list")
    machine.resume()
    machine.wait_agent()
    check_all(machine)
    assert compare(machine, listed) == (0, [])
    if machine.has_udevd:
        source = machine.run("findmnt -n -o SOURCE /").strip()
        assert source == f"/dev/{machine.disks()[root]}"


@pytest.mark.parametrize("name", [name if name == "kata" else pytest.param(name, marks=pytest.mark.exhaustive) for name in QEMU_PLATFORMS])
def test_platform(make_machine, name):
    platform = QEMU_PLATFORMS[name]
    with make_machine(platform.devices, machine=platform.machine, kind=platform.kind, options=platform.options, agent=platform.agent) as machine:
        machine.add_drives()
        boot(machine, "root")
        for devices in platform.hot:
            for device in devices:
                if "drive" in device:
                    machine.add_drive(device["drive"])
                machine.plug(device)
            wait_for(machine, devices[-1]["id"])
            check_all(machine)
        for devices in platform.hot:
            for device in reversed(devices):
                machine.unplug(device["id"])
        check_all(machine)


def wait_for(machine, name):
    if name in interfaces(machine.qmp):
        machine.run(f"pcipath wait -t net --timeout=3600 {pci_path(machine.qmp, name)}")
    else:
        machine.wait(f"{LINKS}/{link_name(machine.qmp, name)}")


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", LIBVIRT_PLATFORMS)
def test_domain(make_machine, libvirtd, name):
    """A real libvirt starts QEMU, chooses the addresses that the platform leaves to it, and plugs."""
    platform = LIBVIRT_PLATFORMS[name]
    with make_machine([], machine=platform.machine, kind="nosystemd", of=Domain, libvirtd=libvirtd, elements=platform.elements) as machine:
        machine.keep_root()
        for drive in drives(platform.elements):
            machine.add_drive(drive)
        machine.start()
        [root] = [device for device, drive in machine.drive_of.items() if drive == "root"]
        boot(machine, root)
        check_live(machine)
        for alias, element in platform.hot.items():
            attach(machine, alias, element.format(**{drive: machine.add_drive(drive) for drive in drives(element)}))
            check_all(machine)
        for alias in platform.hot:
            detach(machine, alias)
        check_all(machine)
