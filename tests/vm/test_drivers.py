# SPDX-License-Identifier: LGPL-2.1-or-later
"""One disk image and one initramfs on the virtual hardware of several hypervisors: each adapter of disks that QEMU has, by the drivers of
initramfs/drivers."""

from dataclasses import dataclass

import pytest
from checks import check_disks, check_functions, check_helper, check_interfaces, names_of
from machine import MACHINES, card, disk, root_ports

COVERS = {
    "pvscsi": "Boot: one image on several hypervisors: VMware's pvscsi and vmxnet3",
    "mptsas1068": "Boot: one image on several hypervisors: LSI SAS (VMware, VirtualBox) and e1000",
    "lsi53c895a": "Boot: one image on several hypervisors: LSI 53C895A (Proxmox VE) and e1000",
    "am53c974": "Boot: one image on several hypervisors: AM53C974",
    "megasas": "Boot: one image on several hypervisors: MegaRAID SAS and e1000e",
    "ahci": "Boot: one image on several hypervisors: AHCI and e1000e",
    "nvme": "Boot: one image on several hypervisors: NVMe (clouds)",
    "virtio-blk": "Boot: one image on several hypervisors: virtio-blk and virtio-net (KVM)",
    "virtio-scsi": "Boot: one image on several hypervisors: virtio-scsi (KVM, Google's cloud)",
    "usb3": "Boot: one image on several hypervisors: a USB disk at xHCI",
    "usb2": "Boot: one image on several hypervisors: a USB disk at EHCI, and one at UHCI, which would take minutes for a boot",
    "virtio-mmio": "Boot: one image on several hypervisors: virtio-mmio (Firecracker, QEMU's microvm): no name, but root is found",
    "ibmvscsi": "Boot: one image on several hypervisors: IBM's virtual SCSI (PowerVM, QEMU's pseries): no name, but root is found",
}


UNCOVERED = {
    "Boot: virtual functions of cards that are passed through (igbvf, ixgbevf, iavf, mlx4_en, mlx5_core)": "in QEMU only a guest that has the "
    "physical function enables virtual functions, and QEMU has no card of the last four drivers",
    "Boot: disks behind Intel VMD (vmd)": "QEMU has no VMD. A synthetic tree has it",
    "Boot: e1000, e1000e, igb, vmxnet3, 8139cp, tulip, pcnet32, ne2k-pci and e100 in the initramfs": "the images of the tests have no "
    "networking. Debian's kernels have each of these drivers, and the cards of the rows above are checked after the boot",
    "Boot: root on virtiofs or 9p": "they need virtiofsd, or dracut's module of another package, and have no disk",
}


@dataclass(frozen=True)
class Hardware:
    """The adapter "adapter" and the disks "root" and "data", as `devices`; and where root is, typed from pcipath-names(7), if it has a name."""

    devices: list
    root: str | None
    machine: str = "q35"
    card: str = "e1000"

    @property
    def topology(self):
        ports, bus = (root_ports(3), {"bus": "port1"}) if self.machine == "q35" else ([], {"bus": MACHINES[self.machine].root_bus, "addr": "6.0"})
        return [*ports, *self.devices, card("card", driver=self.card, **bus)]


def adapter(driver, bus="port0", **properties):
    return {"driver": driver, "id": "adapter", "bus": bus, **properties}


def luns(*names):
    """The targets 3, 5, … Linux finds no SAS disk without a world wide name (mptsas_setup_wide_ports())."""
    return [disk("scsi-hd", name, bus="adapter.0", channel=0, **{"scsi-id": target}, lun=0, wwn=0x5000c50000000000 + target)
            for target, name in zip(range(3, 16, 2), names)]


def scsi(driver, **place):
    return [adapter(driver, **place), *luns("root", "data")]


def usb(driver, another):
    return [adapter(driver, **ON_PC), {"driver": another, "id": "another", "bus": "pci.0", "addr": "7.0"},
            disk("usb-storage", "root", bus="adapter.0", port="2"), disk("usb-storage", "data", bus="another.0", port="1")]


ON_PC = {"bus": "pci.0", "addr": "5.0"}
HARDWARE = {
    "pvscsi": Hardware(scsi("pvscsi"), "02.0/00.0,scsi-0:0:3:0", card="vmxnet3"),
    "mptsas1068": Hardware(scsi("mptsas1068", **ON_PC), "05.0,sas-phy3-lun-0", "pc"),
    "lsi53c895a": Hardware(scsi("lsi53c895a", **ON_PC), "05.0,scsi-0:0:3:0", "pc"),
    "am53c974": Hardware(scsi("am53c974", **ON_PC), "05.0,scsi-0:0:3:0", "pc"),
    "megasas": Hardware(scsi("megasas-gen2"), "02.0/00.0,scsi-0:2:3:0", card="e1000e"),
    "ahci": Hardware([adapter("ich9-ahci"), disk("ide-hd", "root", bus="adapter.3"), disk("ide-hd", "data", bus="adapter.1")],
                     "02.0/00.0,ata-4.0", card="e1000e"),
    "nvme": Hardware([adapter("nvme", serial="nvme"), disk("nvme-ns", "root", bus="adapter", nsid=2),
                      disk("nvme-ns", "data", bus="adapter", nsid=1)], "02.0/00.0,nvme-2"),
    "virtio-blk": Hardware([disk("virtio-blk-pci", "root", bus="port0"), disk("virtio-blk-pci", "data", bus="port2")], "02.0/00.0",
                           card="virtio-net-pci"),
    "virtio-scsi": Hardware(scsi("virtio-scsi-pci"), "02.0/00.0,scsi-0:0:3:0", card="virtio-net-pci"),
    "usb3": Hardware(usb("qemu-xhci", "nec-usb-xhci"), "05.0,usb-0:2:1.0-scsi-0:0:0:0", "pc"),
    "usb2": Hardware(usb("usb-ehci", "piix3-usb-uhci"), "05.0,usb-0:2:1.0-scsi-0:0:0:0", "pc"),
    "virtio-mmio": Hardware([disk("virtio-blk-device", name, bus=f"virtio-mmio-bus.{n}") for n, name in enumerate(("root", "data"))], None,
                            "virt", "virtio-net-pci"),
    "ibmvscsi": Hardware([{"driver": "spapr-vscsi", "id": "adapter"}, *luns("root", "data")], None, "pseries", "virtio-net-pci"),
}
# The one that is no guest of QEMU's own is in the default.
ONES = [pytest.param(name, marks=[] if name == "pvscsi" else [pytest.mark.exhaustive]) for name in HARDWARE]


def boot(make_machine, name, **options):
    """With root and data on the hardware: both have the names that QEMU and systemd agree on."""
    hardware = HARDWARE[name]
    with make_machine(hardware.topology, machine=hardware.machine, **options) as machine:
        machine.add_drive("data")
        # initramfs-tools waits for half a minute, which may be too short for an adapter that resets its bus. With rootdelay= it sleeps.
        machine.boot(f"root=pcipath:{hardware.root} rd.pcipath.wait={hardware.root},timeout=1800" if hardware.root else "root=LABEL=root")
        machine.settle()
        assert machine.run("realpath $(findmnt -n -o SOURCE /)") == f"/dev/{machine.disks()['root']}\n"
        check_functions(machine)
        check_disks(machine)
        check_helper(machine)
        check_interfaces(machine)
        for names in names_of(machine, "root", "data").values() if hardware.root else ():
            assert names["by-pci-path"].endswith(names["by-path"].partition(names["address"])[2]), names


@pytest.mark.parametrize("hardware", ONES)
def test_one_image(make_machine, hardware):
    boot(make_machine, hardware, kind="nosystemd")


@pytest.mark.exhaustive
@pytest.mark.parametrize("hardware", ["pvscsi", "mptsas1068"])
@pytest.mark.parametrize("kind", ["systemd", "hostonly", "initramfs-tools"])
def test_image_of_another_tool(make_machine, hardware, kind):
    boot(make_machine, hardware, kind=kind)
