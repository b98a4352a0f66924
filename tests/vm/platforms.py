# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines as well-known hosts start them: the devices at their addresses, and what such a host plugs in while the guest runs.

Of a platform whose host is public, they are written after its source; of a cloud, after what its guests print. `source` says which.
The boot disk and its drive are called `root`. A device that QEMU does not have is left out (UNCOVERED in test_platforms.py), or another
of the same kind stands at its address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from machine import Device, card, disk


@dataclass(frozen=True)
class Platform:
    """`agent`: the virtio-serial device that has the port of the tests' agent; of the platform's own guest agent where it has one.
    `hot`: the devices of each step, which are plugged in one after the other. `kind`: of the initramfs."""

    source: str
    machine: str
    devices: list[Device]
    agent: str
    hot: list[list[Device]]
    options: list[str] = field(default_factory=list)
    kind: str = "nosystemd"


@dataclass(frozen=True)
class LibvirtPlatform:
    """`elements`: of <devices>. {NAME} in it, and in each element of `hot`, is the file of a drive. libvirt knows what is plugged in by
    the alias."""

    source: str
    machine: str
    elements: str
    hot: dict[str, str]  # by alias


def drives(element: str) -> list[str]:
    return [name for name in re.findall(r"\{([\w-]+)\}", element) if name != "root"]


def lun(name: str, adapter: str, target: int, number: int) -> Device:
    return disk("scsi-hd", name, bus=f"{adapter}.0", channel=0, **{"scsi-id": target}, lun=number)


def device(driver: str, name: str, bus: str, addr: str | None = None, **properties: Any) -> Device:
    return {"driver": driver, "id": name, "bus": bus, **({"addr": addr} if addr else {}), **properties}


def nvme(name: str, bus: str, addr: str | None = None) -> Device:
    """A controller with one namespace, 1."""
    return disk("nvme", name, bus=bus, **({"addr": addr} if addr else {}))


def usb_controllers(slot: str, first: int, ehci: str, number: int) -> list[Device]:
    """An EHCI controller of ICH9 with its three companions; the first of them has the number `first`."""
    return [device(f"ich9-usb-ehci{number}", ehci, "pcie.0", f"{slot}.7", multifunction=True),
            *(device(f"ich9-usb-uhci{first + n}", f"uhci-{first + n}", "pcie.0", f"{slot}.{n}", multifunction=True,
                     masterbus=f"{ehci}.0", firstport=2 * n) for n in range(3))]


PROXMOX_PC = Platform(
    "proxmox/qemu-server 9: PVE/QemuServer/PCI.pm get_pci_addr_map(), test/cfg2cmd/linux-bridges-qemu-11.1.conf.cmd, virtio-scsi-single",
    "pc", [
        device("pci-bridge", "pci.3", "pci.0", "5.0", chassis_nr=3),
        device("pci-bridge", "pci.1", "pci.0", "1e.0", chassis_nr=1),
        device("pci-bridge", "pci.2", "pci.0", "1f.0", chassis_nr=2),
        device("piix3-usb-uhci", "uhci", "pci.0", "1.2"), {"driver": "usb-tablet", "id": "tablet", "bus": "uhci.0", "port": "1"},
        device("VGA", "vga", "pci.0", "2.0"),
        device("virtio-balloon-pci", "balloon0", "pci.0", "3.0"),
        device("virtio-serial-pci", "qga0", "pci.0", "8.0"),
        disk("ide-cd", "ide2", bus="ide.1", unit=0),
        device("virtio-scsi-pci", "virtioscsi0", "pci.3", "1.0"), lun("root", "virtioscsi0", 0, 0),
        device("virtio-scsi-pci", "virtioscsi1", "pci.3", "2.0"), lun("scsi1", "virtioscsi1", 0, 1),
        disk("virtio-blk-pci", "virtio0", bus="pci.0", addr="a.0"), disk("virtio-blk-pci", "virtio6", bus="pci.2", addr="1.0"),
        card("net0", "pci.0", addr="12.0"), card("net6", "pci.1", addr="1.0")],
    "qga0",
    [[disk("virtio-blk-pci", "virtio1", bus="pci.0", addr="b.0")],
     [device("virtio-scsi-pci", "virtioscsi2", "pci.3", "3.0"), lun("scsi2", "virtioscsi2", 0, 2)],
     [card("net1", "pci.0", addr="13.0")]])

PROXMOX_Q35 = Platform(
    "proxmox/qemu-server 9: pve-q35-4.0.cfg, PVE/QemuServer/PCI.pm, test/cfg2cmd/q35-simple.conf.cmd", "q35", [
        *usb_controllers("1d", 1, "ehci", 1), *usb_controllers("1a", 4, "ehci-2", 2),
        device("ich9-intel-hda", "audio0", "pcie.0", "1b.0"),
        *(device("pcie-root-port", f"ich9-pcie-port-{n}", "pcie.0", f"1c.{n - 1}", multifunction=True, port=n, chassis=n,
                 **{"x-speed": "16", "x-width": "32"}) for n in range(1, 5)),
        device("i82801b11-bridge", "pcidmi", "pcie.0", "1e.0"),
        *(device("pci-bridge", f"pci.{n}", "pcidmi", f"{n + 1}.0", chassis_nr=n + 1) for n in range(4)),
        {"driver": "usb-tablet", "id": "tablet", "bus": "ehci.0", "port": "1"},
        device("VGA", "vga", "pcie.0", "1.0"),
        device("virtio-balloon-pci", "balloon0", "pci.0", "3.0"),
        device("virtio-serial-pci", "qga0", "pci.0", "8.0"),
        device("virtio-scsi-pci", "scsihw0", "pci.0", "5.0"), lun("root", "scsihw0", 0, 0), lun("scsi1", "scsihw0", 0, 1),
        disk("virtio-blk-pci", "virtio0", bus="pci.0", addr="a.0"),
        nvme("hostpci0", "ich9-pcie-port-1"),  # for a device that is passed through
        card("net0", "pci.0", addr="12.0")],
    "qga0",
    [[lun("scsi2", "scsihw0", 0, 2)], [disk("virtio-blk-pci", "virtio1", bus="pci.0", addr="b.0")]],
    ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"])

KATA = Platform(
    "kata-containers 3: src/runtime/pkg/govmm/qemu/qemu.go BridgeDevice, virtcontainers/qemu_arch_base.go; the guest has no udevd", "q35", [
        device("pci-bridge", "pci-bridge-0", "pcie.0", "2", chassis_nr=1, shpc=False,
               **{"io-reserve": 4 << 10, "mem-reserve": 1 << 20, "pref64-reserve": 1 << 20}),
        device("virtio-serial-pci", "serial0", "pcie.0"),
        disk("virtio-blk-pci", "root", bus="pcie.0"),
        device("virtio-scsi-pci", "scsi0", "pcie.0"),
        device("virtio-rng-pci", "rng0", "pcie.0"),
        device("pcie-root-port", "rp0", "pcie.0", chassis=0, slot=0, multifunction=False),
        card("network-0", "pcie.0")],
    "serial0",
    [[disk("virtio-blk-pci", "virtio-drive-1", bus="pci-bridge-0", addr="01")],
     [lun("scsi-drive-2", "scsi0", 0, 1)],
     [card("virtio-net-3", "pci-bridge-0", addr="02")],
     [nvme("vfio-4", "rp0")]],  # for a device that is passed through
    kind="minimal")

GCE = Platform(
    "lspci of an n1 guest in elasticluster/elasticluster#504, of an a2 guest in tests of NVIDIA's tools; /dev/disk/by-id/google-*: "
    "virtio-scsi targets from 1, local SSDs as namespaces", "pc", [
        device("virtio-scsi-pci", "scsi", "pci.0", "3.0"), lun("root", "scsi", 1, 0), lun("persistent-disk-1", "scsi", 2, 0),
        card("nic0", "pci.0", addr="4.0"),
        device("nvme", "nvme_card", "pci.0", "5.0", serial="nvme_card"),
        *(disk("nvme-ns", f"local-ssd-{n}", bus="nvme_card", nsid=n + 1) for n in range(2)),
        device("virtio-rng-pci", "rng", "pci.0", "6.0"),
        device("virtio-serial-pci", "agent0", "pci.0", "1d.0")],
    "agent0",
    [[lun("persistent-disk-2", "scsi", 3, 0)]])

EC2 = Platform(
    "lspci of trn1 and t3 guests (EBS 04.0, ENA 05.0, instance store 1f.0); attached volumes take free slots from 1f.0 down", "pc", [
        device("VGA", "vga", "pci.0", "3.0"),
        nvme("root", "pci.0", "4.0"),
        card("eni0", "pci.0", addr="5.0"),  # for ENA
        nvme("instance-store", "pci.0", "1f.0"), nvme("volume-1", "pci.0", "1e.0"),
        device("virtio-serial-pci", "agent0", "pci.0", "1c.0")],
    "agent0",
    [[nvme("volume-2", "pci.0", "1d.0")], [card("eni1", "pci.0", addr="6.0")]])

HETZNER = Platform(
    "NixOS configurations of Hetzner Cloud guests: /dev/disk/by-path/pci-0000:06:00.0-scsi-0:0:0:N, root N=0, volumes from 1, "
    "cards enp1s0 and enp7s0", "q35", [
        device("VGA", "vga", "pcie.0", "1.0"),
        *(device("pcie-root-port", f"pci.{n + 1}", "pcie.0", f"2.{n}", chassis=n + 1, multifunction=n == 0) for n in range(8)),
        card("public", "pci.1"),
        device("qemu-xhci", "usb", "pci.2"), {"driver": "usb-tablet", "id": "tablet", "bus": "usb.0", "port": "1"},
        device("virtio-serial-pci", "virtio-serial0", "pci.3"),
        device("virtio-balloon-pci", "balloon0", "pci.4"),
        device("virtio-rng-pci", "rng0", "pci.5"),
        device("virtio-scsi-pci", "scsi0", "pci.6"), lun("root", "scsi0", 0, 0), lun("volume-1", "scsi0", 0, 1)],
    "virtio-serial0",
    [[lun("volume-2", "scsi0", 0, 2)], [card("private", "pci.7")]])


def disk_element(drive: str, target: str, bus: str, address: str = "", alias: str = "", model: str = "", kind: str = "disk") -> str:
    return (f"<disk type='file' device='{kind}'{model and f' model={model!r}'}><driver name='qemu' type='raw'/><source file='{{{drive}}}'/>"
            f"<target dev='{target}' bus='{bus}'/>{alias and f'<alias name={alias!r}/>'}{address}</disk>")


def card_element(mac: str, model: str = "virtio", address: str = "", alias: str = "") -> str:
    return (f"<interface type='user'><mac address='52:54:00:00:00:{mac}'/><model type='{model}'/>"
            f"{alias and f'<alias name={alias!r}/>'}{address}</interface>")


def on_root_bus(slot: int) -> str:
    return f"<address type='pci' domain='0x0000' bus='0x00' slot='{slot:#04x}' function='0x0'/>"


def unit(number: int) -> str:
    return f"<address type='drive' controller='0' bus='0' target='0' unit='{number}'/>"


VIRT_MANAGER = LibvirtPlatform(
    "virt-manager 5: tests/data/cli/compare/virt-install-linux2020.xml", "q35",
    disk_element("root", "vda", "virtio") + "<controller type='usb' model='qemu-xhci' ports='15'/><controller type='pci' model='pcie-root'/>" +
    14 * "<controller type='pci' model='pcie-root-port'/>" + card_element("01") +
    "<input type='tablet' bus='usb'/><sound model='ich9'/><video><model type='virtio'/></video><memballoon model='virtio'/>"
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    {"virtio-disk1": disk_element("second", "vdb", "virtio"), "net1": card_element("02")})

NON_TRANSITIONAL = "virtio-non-transitional"


def kubevirt(addresses: list[str]) -> str:
    """The devices that have a PCI address, in the order of the converter: the interface, the controllers, the disks, the tablet, the
    random number generator, the balloon."""
    card_at, scsi_at, serial_at, root_at, cloud_init_at, tablet_at, rng_at, balloon_at = addresses
    return "".join([
        card_element("01", NON_TRANSITIONAL, card_at, "ua-default"), "<controller type='usb' index='0' model='none'/>",
        f"<controller type='scsi' index='0' model='{NON_TRANSITIONAL}'>{scsi_at}</controller>",
        f"<controller type='virtio-serial' index='0' model='{NON_TRANSITIONAL}'>{serial_at}</controller>",
        disk_element("root", "vda", "virtio", root_at, "ua-rootdisk", NON_TRANSITIONAL),
        disk_element("cloud-init", "vdb", "virtio", cloud_init_at, "ua-cloudinitdisk", NON_TRANSITIONAL),
        f"<input type='tablet' bus='virtio' model='virtio'><alias name='ua-tablet0'/>{tablet_at}</input>",
        f"<rng model='{NON_TRANSITIONAL}'><backend model='random'>/dev/urandom</backend>{rng_at}</rng>",
        f"<memballoon model='{NON_TRANSITIONAL}'>{balloon_at}</memballoon><video><model type='vga' heads='1' vram='16384'/></video>"])


KUBEVIRT_VOLUME = {"ua-volume": disk_element("volume", "sda", "scsi", unit(0), "ua-volume")}

KUBEVIRT = LibvirtPlatform(
    "kubevirt 1.7: pkg/virt-launcher/virtwrap/converter/testdata/domain_x86_64.xml.tmpl, hotplug ports", "q35",
    kubevirt(8 * [""]) + "<controller type='pci' model='pcie-root'/>" + 10 * "<controller type='pci' model='pcie-root-port'/>",
    KUBEVIRT_VOLUME | {"ua-second": card_element("02", NON_TRANSITIONAL, "", "ua-second")})

KUBEVIRT_ROOT_COMPLEX = LibvirtPlatform(
    "kubevirt 1.7: pkg/virt-launcher/virtwrap/converter/pci-placement.go PlacePCIDevicesOnRootComplex(), domain_x86_64_root.xml.tmpl", "q35",
    kubevirt([on_root_bus(slot) for slot in range(2, 10)]), KUBEVIRT_VOLUME)

NOVA = LibvirtPlatform(
    "openstack/nova 2025.1: virt/libvirt/driver.py, blockinfo.py with hw_scsi_model=virtio-scsi, hw_disk_bus=scsi and a config drive", "pc",
    disk_element("root", "sda", "scsi", unit(0)) + disk_element("volume-1", "sdb", "scsi", unit(1)) +
    disk_element("config", "hdd", "ide", kind="cdrom") +
    "<controller type='scsi' index='0' model='virtio-scsi'/><controller type='usb' index='0' model='piix3-uhci'/>" + card_element("01") +
    "<input type='tablet' bus='usb'/><video><model type='virtio'/></video><memballoon model='virtio'/>"
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    {"scsi0-0-0-2": disk_element("volume-2", "sdc", "scsi", unit(2)), "net1": card_element("02")})


# By name, with which tests/run selects one.
QEMU_PLATFORMS = {"proxmox-pc": PROXMOX_PC, "proxmox-q35": PROXMOX_Q35, "kata": KATA, "gce": GCE, "ec2": EC2, "hetzner": HETZNER}
LIBVIRT_PLATFORMS = {"virt-manager": VIRT_MANAGER, "kubevirt": KUBEVIRT, "kubevirt-root-complex": KUBEVIRT_ROOT_COMPLEX, "nova": NOVA}
