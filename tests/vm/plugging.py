# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host that plugs and unplugs at random, and knows what must be in the guest then.

A *change* is one device that comes, goes, or gets another driver. The random numbers and the guest's progress are apart: the same
seed gives the same changes.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from content import Content
from machine import Device, Machine, card, disk, root_ports
from oracle import flat, link_name, mac, pci_path, virtual_functions

PORTS, BRIDGE_SLOTS, TARGETS, USB_PORTS = 7, 8, 12, 4
DRIVES, PARTITIONED, CARDS = 28, 6, 10
VIRTUAL_FUNCTIONS = 7  # of igb
MOST = 12  # devices that are unplugged in one round, or plugged

# By kind of place, the drivers of QEMU with their weights. The minimal guest has no driver of e1000 and e1000e.
DISKS = {"port": {"virtio-blk-pci": 4, "nvme": 2, "virtio-scsi-pci": 1}, "bridge": {"virtio-blk-pci": 1},
         "scsi": {"scsi-hd": 3, "scsi-cd": 1}, "usb": {"usb-storage": 1}}
INTERFACES = {"port": {"virtio-net-pci": 2, "e1000e": 1}, "bridge": {"virtio-net-pci": 2, "e1000": 1}, "scsi": {}, "usb": {}}
FOREIGN = ("e1000", "e1000e")

Place = tuple[str, tuple[tuple[str, Any], ...]]  # kind, and properties of a device there


def topology(with_virtual_functions: bool) -> list[Device]:
    """Of the machine before anything is plugged in."""
    return [{"driver": "intel-iommu", "intremap": "off"},  # test_vfio.py says why without interrupts
            *root_ports(1 + PORTS), disk("virtio-blk-pci", "root", bus="port0"),
            {"driver": "i82801b11-bridge", "id": "dmi", "bus": "pcie.0", "addr": "4.0"},
            {"driver": "pci-bridge", "id": "bridge", "bus": "dmi", "addr": "1.0", "chassis_nr": 99},
            {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "pcie.0", "addr": "5.0"},
            {"driver": "qemu-xhci", "id": "xhci", "bus": "pcie.0", "addr": "6.0", "p2": USB_PORTS, "p3": USB_PORTS},
            *([{"driver": "pcie-root-port", "id": "igbport", "bus": "pcie.0", "addr": "7.0", "chassis": 98},
               card("igb", "igbport", "igb")] if with_virtual_functions else [])]


PLACES: list[Place] = [
    *(("port", (("bus", f"port{n}"),)) for n in range(1, 1 + PORTS)),
    *(("bridge", (("bus", "bridge"), ("addr", f"{n}.0"))) for n in range(1, 1 + BRIDGE_SLOTS)),
    *(("scsi", (("bus", "scsi.0"), ("channel", 0), ("scsi-id", n), ("lun", (0, 5, 300)[n % 3]))) for n in range(TARGETS)),
    *(("usb", (("bus", "xhci.0"), ("port", str(n)))) for n in range(1, 1 + USB_PORTS))]


@dataclass
class Plugged:
    device: Device
    path: str  # of its PCI function
    place: Place | None = None  # None: not to be moved
    link: str | None = None  # of a disk
    mac: str | None = None  # of a card
    vfio: bool = False  # it has the driver vfio-pci
    below: list[str] = field(default_factory=list)  # what goes with it

    @property
    def is_function(self) -> bool:
        return self.place is not None and self.place[0] in ("port", "bridge")


class Host:
    def __init__(self, machine: Machine, seed: str, with_foreign_cards: bool):
        """The machine has not been started."""
        self.machine, self.random = machine, random.Random(seed)
        self.without = () if with_foreign_cards else FOREIGN
        self.contents = {f"drive{n}": Content(n) for n in range(PARTITIONED)}
        self.plugged: dict[str, Plugged] = {}
        self.virtual = 0  # how many virtual functions are enabled
        self.changes: Counter[str] = Counter()
        self.said: list[str] = []  # the changes of this round
        for number in range(DRIVES):
            path = machine.add_drive(f"drive{number}")
            if content := self.contents.get(path.stem):
                content.write(path)

    def begin(self) -> None:
        """The machine has been booted."""
        for device in self.machine.topology:
            if "addr" in device or device.get("bus", "").startswith(("port", "igbport")):
                self._add(device, None)
        known = virtual_functions(self.machine.qmp)
        self.virtual_addresses = {path: hop for path, hop in known.items()}

    def say(self, kind: str, what: str) -> None:
        self.changes[kind] += 1
        self.said.append(what)

    # Changes

    def change(self) -> list[str]:
        """Ask for devices to go and plug others in. Returns those that were asked to go."""
        movable = sorted(name for name, plugged in self.plugged.items() if plugged.place)
        going = self.random.sample(movable, self.random.randint(0, min(MOST, len(movable))))
        free = [place for place in PLACES if place not in {plugged.place for plugged in self.plugged.values()}]
        coming = self.random.sample(free, min(len(free), self.random.randint(1, MOST)))
        actions = [(True, name) for name in going] + [(False, place) for place in coming]
        self.random.shuffle(actions)
        for goes, what in actions:
            if goes:
                self.machine.qmp.execute("device_del", id=what)
            else:
                self._plug(what)
        return going

    def finish(self, going: list[str]) -> None:
        """Wait until they have gone. Their places are free when the guest has settled: QEMU says that a function has gone while the guest
        is still at it, and Linux (6.1) overlooks another one that comes then."""
        for name in going:
            for each in (name, *self.plugged[name].below):
                self.machine.qmp.wait_event("DEVICE_DELETED", device=each)
                self.say("unplug", f"unplug {each}")
                del self.plugged[each]

    def _plug(self, place: Place) -> None:
        kinds = {driver: weight for driver, weight in (DISKS[place[0]] | INTERFACES[place[0]]).items() if driver not in self.without}
        [driver] = self.random.choices(list(kinds), list(kinds.values()))
        names = [f"{prefix}{n}" for prefix, number in (("drive", DRIVES), ("card", CARDS), ("adapter", PORTS)) for n in range(number)
                 if f"{prefix}{n}" not in self.plugged]
        prefix = "card" if driver in INTERFACES[place[0]] else "adapter" if driver == "virtio-scsi-pci" else "drive"
        free = [name for name in names if name.startswith(prefix)]
        drives = [name for name in names if name.startswith("drive")]
        if not free or not drives:
            return
        name, properties = self.random.choice(free), dict(place[1])
        if prefix == "card":
            self._add(card(name, properties.pop("bus"), driver, **properties), place)
        elif prefix == "drive":
            self._add(disk(driver, name, **properties), place)
        else:
            self._add({"driver": driver, "id": name, **properties}, place)
            drive = self.random.choice(drives)
            self._add(disk("scsi-hd", drive, bus=f"{name}.0", channel=0, **{"scsi-id": 3}, lun=self.random.choice([1, 256])), None)
            self.plugged[name].below.append(drive)

    def _add(self, device: Device, place: Place | None) -> None:
        """Plug the device in, unless it has been there from the start."""
        machine, name = self.machine, device["id"]
        if name not in {known["id"] for known in machine.topology if "id" in known}:
            machine.plug(device)
            self.say("plug", f"plug {device}")
        self.plugged[name] = Plugged(
            device, pci_path(machine.qmp, name), place, link_name(machine.qmp, name) if "drive" in device else None,
            mac(machine.qmp, name) if "romfile" in device else None)

    # Drivers

    def change_drivers(self, addresses: dict[str, str], going: list[str]) -> str:
        """A command for the guest that binds functions to vfio-pci or takes them back, and sets the number of virtual functions.

        `addresses` has the PCI address by path of those that were there when the guest was settled.
        """
        staying = sorted(name for name, plugged in self.plugged.items() if plugged.is_function and name not in going
                         and plugged.path in addresses and not plugged.below)
        lines = []
        for name in self.random.sample(staying, min(len(staying), self.random.choice([0, 0, 1, 2]))):
            plugged = self.plugged[name]
            lines.append(set_driver(addresses[plugged.path], "" if plugged.vfio else "vfio-pci"))
            self.say("unbind" if plugged.vfio else "bind", f"{'unbind' if plugged.vfio else 'bind'} {name}")
            plugged.vfio = not plugged.vfio
        if self.virtual_addresses and self.random.random() < 0.2:
            lines.append(self._enable(addresses, self.random.randint(0, VIRTUAL_FUNCTIONS)))
        return "\n".join(lines)

    def _enable(self, addresses: dict[str, str], number: int) -> str:
        """The kernel wants to have none between two numbers."""
        before, self.virtual = self.virtual, number
        self.changes["virtual functions"] += before + number
        self.said.append(f"{number} virtual functions in place of {before}")
        attribute = f"/sys/bus/pci/devices/{addresses[self.plugged['igb'].path]}/sriov_numvfs"
        return f"echo 0 >{attribute}; echo {number} >{attribute} || exit"

    # What must be there

    def functions(self) -> set[str]:
        """The paths of all functions."""
        return {plugged.path for plugged in self.plugged.values()} | set(self.enabled())

    def enabled(self) -> dict[str, str]:
        """The address on its bus, by path, of the virtual functions."""
        return {path: hop for path, hop in self.virtual_addresses.items() if int(path.rpartition("v")[2]) < self.virtual}

    def disks(self) -> dict[str, Plugged]:
        """By drive."""
        return {name: plugged for name, plugged in self.plugged.items() if plugged.link and not plugged.vfio}

    def content(self, drive: str) -> Content | None:
        """What the guest finds on a drive. An optical drive has no partitions."""
        return None if self.plugged[drive].device["driver"] == "scsi-cd" else self.contents.get(drive)

    def interfaces(self) -> dict[str, str | None]:
        """The MAC address by path of each function that has an interface; None if the guest chooses it."""
        return {plugged.path: plugged.mac for plugged in self.plugged.values() if plugged.mac and not plugged.vfio} | dict.fromkeys(self.enabled())

    def bound(self) -> set[str]:
        """The paths of functions that have the driver vfio-pci."""
        return {plugged.path for plugged in self.plugged.values() if plugged.vfio}

    def links(self) -> set[str]:
        """All links by PCI path, below /dev, but for those of other nodes."""
        links = {f"vfio/by-pci-path/{flat(path)}" for path in self.bound()}
        for name, plugged in self.disks().items():
            parts = ["", "-part1", "-part2"] if self.content(name) else [""]
            links |= {f"disk/by-pci-path/{plugged.link}{part}" for part in parts}
        return links


def set_driver(address: str, driver: str) -> str:
    """A command for the guest: the driver's name, or an empty string for the kernel's choice."""
    return (f"cd /sys/bus/pci/devices/{address} && echo {driver} >driver_override && {{ [ ! -e driver ] || echo {address} >driver/unbind; }}"
            f" && echo {address} >/sys/bus/pci/drivers_probe || exit")
