# SPDX-License-Identifier: LGPL-2.1-or-later
"""The devices of a QEMU command line, and the names that its guest gives them.

Written after QEMU's documents (docs/pcie.txt, docs/pci_expander_bridge.txt, qdev-device-use.txt) and the naming contract. It sees neither
libvirt's XML nor anything of pcipath, so it can judge both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

LINKS = "/dev/disk/by-pci-path/"

# Drivers whose bus has the device's id. Others number theirs: ID.0, ID.1, ...
BRIDGES = ("pcie-root-port", "ioh3420", "x3130-upstream", "xio3130-downstream", "pcie-pci-bridge", "pci-bridge", "i82801b11-bridge")
EXPANDERS = ("pxb", "pxb-pcie")
# Behind these a guest looks for slot 0 alone.
LINK_PORTS = ("pcie-root-port", "ioh3420", "xio3130-downstream")

# By machine type: the root bus, and where the controllers of the chipset are, by the names of their buses.
ROOTS = {"q35": "pcie.0", "pc": "pci.0", "virt": "pcie.0", "pseries": "pci.0"}
CHIPSETS = {"q35": {"ide": "1f.2"}, "pc": {"ide": "01.1"}}
CHIPSET_SLOTS = {"q35": (0, 0x1f), "pc": (0, 1)}  # with a function 0

# SCSI adapters whose drivers in the guest have numbers of their own.
OWN_NUMBERS = ("megasas", "megasas-gen2", "mptsas1068")


@dataclass
class Device:
    driver: str
    id: str | None
    properties: dict[str, Any] = field(repr=False)
    path: str | None = None   # of the PCI function that is the device, or that carries it
    is_function: bool = False
    name: str | None = None   # what its node or interface is called in the guest
    adapter: str | None = None  # driver of what carries its bus


class Arguments:
    def __init__(self, words: list[str], kind: str):
        """`kind` is the machine type in words of ROOTS."""
        self.kind, self.chipset = kind, CHIPSETS.get(kind, {})
        self.devices = [_parse(value) for option, value in zip(words, words[1:]) if option == "-device"]
        self.by_id = {device.id: device for device in self.devices if device.id}
        slots = {(device.properties.get("bus"), *_address(device)) for device in self.devices if _address(device)}
        self.shown = {(bus, slot) for bus, slot, function in slots if function == 0}
        self.shown |= {(ROOTS[kind], slot) for slot in CHIPSET_SLOTS.get(kind, ())}
        for device in self.devices:
            self._place(device)
        for device in self.devices:
            device.name = self._name(device)
        # The standby interface of a virtio card, whose port has the name "sby" in Linux.
        self.devices += [Device(device.driver, None, {}, device.path, name=f"{device.name}nsby")
                         for device in self.devices if device.properties.get("failover") and device.name]
        # The bridge that QEMU has below a pxb.
        self.devices += [Device("pci-bridge", None, {}, f"0000:{device.properties['bus_nr']:02x}:00.0", True)
                         for device in self.devices if device.driver == "pxb"]

    def _place(self, device: Device) -> None:
        carrier, device.is_function = device, _address(device) is not None
        for _ in range(8):
            if _address(carrier):
                device.path = self._path(carrier)
                return
            bus = carrier.properties.get("bus", "")
            owner = bus.rpartition(".")[0]
            if owner in self.by_id:
                carrier = self.by_id[owner]
                device.adapter = device.adapter or carrier.driver
            else:
                device.path = self.chipset.get(owner)
                return

    def _path(self, device: Device) -> str | None:
        slot, function = _address(device)
        bus = device.properties["bus"]
        if (bus, slot) not in self.shown or self._is_link(bus) and slot != 0:
            return None
        above = self._bus(bus)
        return None if above is None else f"{above}{slot:02x}.{function}"

    def _is_link(self, bus: str) -> bool:
        return bus in self.by_id and self.by_id[bus].driver in LINK_PORTS

    def _bus(self, bus: str) -> str | None:
        """What is before the last hop on a bus: "", "02.0/", "0000:40:"."""
        if bus == ROOTS[self.kind]:
            return ""
        owner = self.by_id[bus if bus in self.by_id else bus.removesuffix(".0")]
        if owner.driver == "spapr-pci-host-bridge":
            return f"{owner.properties['index']:04x}:00:" if owner.properties["index"] else ""
        if owner.driver in EXPANDERS:
            # A guest does not see a root bus whose expander it does not see; QEMU's pxb has a bridge of its own at 00.0.
            return f"0000:{owner.properties['bus_nr']:02x}:" + ("00.0/" if owner.driver == "pxb" else "")
        assert owner.driver in BRIDGES, f"{bus} is the bus of a {owner.driver}"
        path = self._path(owner)
        return None if path is None else path + "/"

    def _name(self, device: Device) -> str | None:
        if device.path is None:
            return None
        flat = device.path.replace("/", "-").replace(":", "_")
        if device.is_function and "mac" in device.properties:
            return f"pci-{flat}"
        suffix = self._suffix(device)
        return None if suffix is None else LINKS + flat + suffix

    def _suffix(self, device: Device) -> str | None:
        """After the flat form, in the words of systemd's by-path; None of what is no disk."""
        bus = device.properties.get("bus", "")
        owner, _, number = bus.rpartition(".")
        if device.driver.startswith(("virtio-blk-pci", "vhost-user-blk-pci", "virtio-pmem-pci")):
            return ""
        if device.driver in ("scsi-hd", "scsi-cd", "scsi-block", "scsi-generic") and device.adapter not in OWN_NUMBERS:
            return "-scsi-0:{}:{}:{}".format(*(device.properties.get(name, 0) for name in ("channel", "scsi-id", "lun")))
        if device.driver in ("ide-hd", "ide-cd"):
            return f"-ata-{int(number) + 1}.{device.properties.get('unit', 0)}"
        if device.driver == "usb-storage":
            return f"-usb-0:{device.properties['port']}:1.0-scsi-0:0:0:0"
        return None


def _parse(value: str) -> Device:
    if value.startswith("{"):
        properties = json.loads(value)
        return Device(properties.pop("driver"), properties.pop("id", None), properties)
    driver, *pairs = value.split(",")
    properties = dict(pair.split("=", 1) for pair in pairs)
    return Device(driver, properties.pop("id", None), properties)


def _address(device: Device) -> tuple[int, int] | None:
    """Slot and function of a PCI function: addr=0x2.0x1."""
    if "addr" not in device.properties:
        return None
    slot, _, function = str(device.properties["addr"]).partition(".")
    return int(slot, 16), int(function or "0", 16)
