# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a seed a machine that QEMU accepts: ports, switches, bridges and expanders in any legal nesting, with disks.

The same seed gives the same machine on every computer. Nothing here knows a name: the oracle asks QEMU for them.
"""

from __future__ import annotations

import random
from typing import Any

from machine import MACHINES, disk

Device = dict[str, Any]

# More disks take longer to boot and find no more. More conventional bridges than nine side by side SeaBIOS refuses: each
# takes 4 KiB of the I/O ports, of which it has 36 to give.
BRIDGES, DISKS, DEPTH = 8, 10, 5

# By kind of bus, what may be plugged into it. A port and an upstream port's bus have one slot, 0 ("link").
# q35's root bus takes ports, bridges to PCI, and functions; pxb-pcie's takes no functions, QEMU says; conventional buses
# take conventional things.
BRIDGES_OF = {
    "pcie-root": ["pcie-root-port", "pcie-root-port", "i82801b11-bridge"],
    "pcie-expander": ["pcie-root-port", "pcie-root-port", "i82801b11-bridge"],
    "link": ["x3130-upstream", "pcie-pci-bridge"],
    "switch": ["xio3130-downstream"],
    "dmi": ["pci-bridge"],  # what the i82801b11 leads to; QEMU takes functions there, too
    "pci": ["pci-bridge"],
}
BUS_OF = {"pcie-root-port": "link", "x3130-upstream": "switch", "xio3130-downstream": "link", "pcie-pci-bridge": "pci",
          "i82801b11-bridge": "dmi", "pci-bridge": "pci", "pxb-pcie": "pcie-expander", "pxb": "pci"}


class Generator:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.kind = self.random.choice(["q35", "q35", "pc"])
        self.devices: list[Device] = []
        self.bridges, self.disks = BRIDGES, DISKS
        self.numbers = 0

    def name(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}{self.numbers}"

    def add(self, driver: str, bus: str, addr: str | None, **properties: Any) -> str:
        name = self.name("n")
        if driver in ("pcie-root-port", "xio3130-downstream"):
            properties["chassis"] = self.numbers
        elif driver == "pci-bridge":
            properties["chassis_nr"] = self.numbers
        address = {"addr": addr} if addr else {}
        self.devices.append({"driver": driver, "id": name, "bus": bus, **address, **properties})
        return name

    def slots(self, kind: str, taken: int) -> list[int]:
        """Some free slots, the low ones more often, so that other buses have the same. 0 is what SHPC keeps for itself."""
        if kind == "link":
            return [0]
        low = list(range(max(1, taken), 8))
        high = list(range(8, 0x1a))
        return sorted(self.random.sample(low, self.random.randint(1, 3)) +
                      self.random.sample(high, self.random.randint(0, 1)))

    def fill(self, bus: str, kind: str, depth: int, taken: int = 0) -> None:
        """Plug bridges and functions into a bus. A slot may get several functions of one sort."""
        for slot in self.slots(kind, taken):
            bridge = self.bridges > 0 and depth < DEPTH and self.random.random() < 0.6
            if kind == "switch" or bridge:
                self.add_bridges(bus, kind, slot, depth)
            elif self.disks > 0 and kind != "pcie-expander":
                self.add_functions(bus, slot)

    def add_bridges(self, bus: str, kind: str, slot: int, depth: int) -> None:
        driver = self.random.choice(BRIDGES_OF[kind])
        # Ports come as functions of one device, as libvirt has them.
        several = driver == "pcie-root-port" and self.random.random() < 0.5
        functions = sorted(self.random.sample(range(1, 8), self.random.randint(1, 2))) if several else []
        made = []
        for function in [0, *functions]:
            self.bridges -= 1
            many = {"multifunction": True} if functions and function == 0 else {}
            made.append(self.add(driver, bus, f"{slot:x}.{function}", **many))
        for name in made:
            self.fill(name, BUS_OF[driver], depth + 1)

    def add_functions(self, bus: str, slot: int) -> None:
        functions = [0, *sorted(self.random.sample(range(1, 8), self.random.choice([0, 0, 1, 2])))]
        for function in functions:
            many = {"multifunction": True} if len(functions) > 1 and function == 0 else {}
            self.add_function(bus, f"{slot:x}.{function}", many)

    def add_function(self, bus: str, addr: str, many: Device) -> None:
        if self.random.random() < 0.6:
            self.add_disk("virtio-blk-pci", bus=bus, addr=addr, **many)
            return
        adapter = self.add("virtio-scsi-pci", bus, addr, **many)
        for target in self.random.sample(range(256), self.random.randint(1, 2)):
            self.add_disk("scsi-hd", bus=f"{adapter}.0", channel=0, **{"scsi-id": target},
                          lun=self.random.choice([0, 1, 255, 256, 16383]))

    def add_disk(self, driver: str, **properties: Any) -> None:
        self.disks -= 1
        self.devices.append(disk(driver, self.name("d"), **properties))

    def machine(self) -> tuple[str, list[Device]]:
        root = MACHINES[self.kind].root_bus
        self.devices.append(disk("virtio-blk-pci", "root", bus=root, addr="1d.0"))
        for number in range(self.random.choice([0, 1, 2])):
            driver = "pxb-pcie" if self.kind == "q35" else "pxb"
            expander = self.add(driver, root, f"{0x1a + number:x}.0", bus_nr=0x60 * (number + 1))
            self.bridges -= 1
            # QEMU's own bridge below a pxb is no level that can be seen from outside.
            self.fill(expander, BUS_OF[driver], 1)
        # i440fx has its ISA bridge in slot 1. The expanders are above 0x19.
        self.fill(root, "pcie-root" if self.kind == "q35" else "pci", 0, taken=2)
        return self.kind, self.devices


def random_machine(seed: int) -> tuple[str, list[Device]]:
    """Machine type and topology."""
    return Generator(seed).machine()
