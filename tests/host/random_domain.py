# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a seed the XML of a domain, as a person or a program would give it to `virsh define`: PCI controllers in any nesting that libvirt
takes, with and without addresses, and devices of all kinds on them.

The same seed gives the same domain on every computer. Nothing here knows a name or what libvirt makes of the domain.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

# By kind of bus: the slots that may be chosen by hand. A port has slot 0 alone. Low slots of the root buses have what the machine type
# itself needs, so they are left to libvirt.
SLOTS = {"pcie-root": range(3, 27), "pci-root": range(3, 26), "link": range(1), "upstream": range(32), "pci": range(1, 32),
         "pcie-expander": range(32)}
# By model of a PCI controller: the kind of its bus, and the kinds of bus that it may be plugged into.
CONTROLLERS = {
    "pcie-root-port": ("link", ("pcie-root", "pcie-expander")),
    "pcie-switch-upstream-port": ("upstream", ("link",)),
    "pcie-switch-downstream-port": ("link", ("upstream",)),
    "pcie-to-pci-bridge": ("pci", ("link",)),
    "dmi-to-pci-bridge": ("pci", ("pcie-root", "pcie-expander")),
    "pci-bridge": ("pci", ("pci-root", "pci")),
    "pcie-expander-bus": ("pcie-expander", ("pcie-root",)),
    "pci-expander-bus": ("pci", ("pci-root",)),
}
ENDPOINTS = ("pcie-root", "pci-root", "link", "pci")  # buses that may have functions which are no bridges


@dataclass(frozen=True)
class MachineType:
    arch: str
    machine: str
    root: str
    controllers: tuple[str, ...]
    features: str = ""
    usb: tuple[str, ...] = ("qemu-xhci", "nec-xhci")
    buses: tuple[str, ...] = ("virtio", "virtio", "scsi", "usb", "sata")
    cards: tuple[str, ...] = ("virtio", "virtio", "e1000", "e1000e", "rtl8139")
    videos: tuple[str, ...] = ("virtio",)
    sounds: tuple[str, ...] = ("ich6", "ich9")


_PCIE = ("pcie-root-port", "pcie-root-port", "pcie-root-port", "pcie-switch-upstream-port", "pcie-to-pci-bridge", "pcie-expander-bus")
_USB = ("qemu-xhci", "nec-xhci", "piix3-uhci", "ehci", "ich9-ehci1", "pci-ohci")
MACHINES = {
    "q35": MachineType("x86_64", "q35", "pcie-root", (*_PCIE, "dmi-to-pci-bridge", "pci-bridge"), usb=_USB,
                       cards=(*MachineType.cards, "vmxnet3"), videos=("qxl", "vga", "cirrus", "virtio", "bochs"),
                       sounds=("ich6", "ich9", "ac97", "es1370")),
    "pc": MachineType("x86_64", "pc", "pci-root", ("pci-bridge", "pci-bridge", "pci-expander-bus"), usb=_USB,
                      buses=(*MachineType.buses, "ide", "fdc"), videos=("qxl", "vga", "cirrus", "virtio"), sounds=("ich6", "ac97", "es1370")),
    "virt": MachineType("aarch64", "virt", "pcie-root", _PCIE),
    "pseries": MachineType("ppc64", "pseries", "pci-root", ("pci-root", "pci-root", "pci-bridge"),
                           "<cfpc value='broken'/><sbbc value='broken'/><ibs value='broken'/><ccf-assist state='off'/>",
                           buses=("virtio", "virtio", "scsi", "usb"), cards=("virtio", "virtio", "e1000", "spapr-vlan"), videos=("vga",),
                           sounds=("ich6",)),
}
SCSI_MODELS = ("virtio-scsi", "virtio-scsi", "virtio-scsi", "lsilogic", "lsisas1068", "lsisas1078", "vmpvscsi",
               "virtio-transitional", "virtio-non-transitional")


@dataclass
class Bus:
    index: int
    kind: str
    used: dict[int, set[int]] = field(default_factory=dict)  # by slot: its functions
    shared: set[int] = field(default_factory=set)  # slots with room for more functions

    def free(self) -> list[int]:
        return [slot for slot in SLOTS[self.kind] if slot not in self.used]


class NoPlace(Exception):
    """No bus has a slot for the device."""


class Generator:
    def __init__(self, seed: str, runs: bool, files: Path):
        self.random = random.Random(seed)
        self.runs, self.files = runs, files
        self.kind = self.random.choice(["q35", "q35", "q35", "pc", "pc", "virt", "pseries"])
        self.type = MACHINES[self.kind]
        self.buses = [Bus(0, self.type.root)]
        self.elements: list[str] = []
        self.numbers = {"vd": 0, "sd": 0, "hd": 0, "fd": 0, "mac": 0, "alias": 0}
        self.root_numbers = {0}  # of pseries' host bridges, or of expanders
        self.has_watchdog = self.has_usb = False
        self.adapters: list[str] = []  # models of the controllers, by index
        self.scsi_used: set[tuple[int, ...]] = set()
        # Of what is given an address by hand. Some domains have none, some have all.
        self.by_hand = self.random.choice([0, 0.3, 0.6, 1])

    def maybe(self, probability: float) -> bool:
        return self.random.random() < probability

    # Addresses

    def address(self, kinds: tuple[str, ...] = ENDPOINTS, single: bool = False, must: bool = False) -> str:
        """<address> at a place that no other has by hand; or nothing, and libvirt chooses. `single`: in a slot of its own. `must`: libvirt
        would not find such a place itself."""
        if not must and not self.maybe(self.by_hand):
            return self.random.choice(["", "", "<address type='pci'/>"])
        buses = [bus for bus in self.buses if bus.kind in kinds]
        shared = [(bus, slot) for bus in buses for slot in bus.shared if len(bus.used[slot]) < 8]
        free = [bus for bus in buses if bus.free()]
        if shared and not single and self.maybe(0.4):
            bus, slot = self.random.choice(shared)
            function = self.random.choice([n for n in range(8) if n not in bus.used[slot]])
        elif free:
            bus = self.random.choice(free)
            slot, function = self.random.choice(bus.free()), 0
            bus.used[slot] = set()
            if not single and self.maybe(0.3):
                bus.shared.add(slot)
                # A guest finds none of the functions if there is no function 0.
                function = 0 if self.maybe(0.9) else self.random.randint(1, 7)
        elif must:
            raise NoPlace
        else:
            return ""
        bus.used[slot].add(function)
        several = " multifunction='on'" if slot in bus.shared and function == 0 else ""
        return f"<address type='pci' domain='0x0000' bus='0x{bus.index:02x}' slot='0x{slot:02x}' function='0x{function}'{several}/>"

    def add(self, tag: str, attributes: str = "", content: str = "", address: str | None = None, alias: bool = True) -> None:
        if alias and self.maybe(0.1):
            self.numbers["alias"] += 1
            content += f"<alias name='ua-of-{self.numbers['alias']}'/>"
        content += self.address() if address is None else address
        self.elements.append(f"<{tag}{attributes and ' '}{attributes}>{content}</{tag}>")

    # Controllers

    def add_pci_controller(self) -> None:
        model = self.random.choice(self.type.controllers)
        if model == "pcie-switch-upstream-port":
            self.add_bridge(model)
            for _ in range(self.random.randint(1, 3)):
                self.add_bridge("pcie-switch-downstream-port")
        elif model == "pci-root":
            self.add_pci_root()
        else:
            self.add_bridge(model)

    def add_pci_root(self) -> None:
        index = len(self.buses)
        number = self.random.choice([n for n in range(1, 31) if n not in self.root_numbers])
        self.root_numbers.add(number)
        target = f"<target index='{number}'/>" if self.by_hand else ""
        self.elements.append(f"<controller type='pci' index='{index}' model='pci-root'>{target}</controller>")
        self.buses.append(Bus(index, "pci-root"))

    def add_bridge(self, model: str) -> None:
        kind, parents = CONTROLLERS[model]
        index = len(self.buses)
        content = ""
        if "expander" in model and self.by_hand:
            number = self.random.choice([n for n in range(32, 250, 9) if n not in self.root_numbers])
            self.root_numbers.add(number)
            content = f"<target busNr='{number}'/>"
        # Without an address libvirt puts ports and bridges on the root bus, and refuses most switches.
        if self.kind != "pc" and model not in ("pcie-root-port", "pcie-expander-bus", "dmi-to-pci-bridge") or self.maybe(self.by_hand):
            try:
                address = self.address(parents, single=model not in ("pcie-root-port", "pcie-switch-downstream-port"), must=True)
            except NoPlace:
                return
        else:
            address = ""
        self.add("controller", f"type='pci' index='{index}' model='{model}'", content, address, alias=False)
        self.buses.append(Bus(index, kind))

    def add_usb(self) -> None:
        self.has_usb = True
        for index in range(self.random.choice([1, 1, 2])):
            model = self.random.choice(self.type.usb)
            # i440fx has the first one within a chip.
            companions = model == "ich9-ehci1" and self.maybe(0.7)
            address = "" if model == "piix3-uhci" and index == 0 else self.address(single=companions)
            self.add("controller", f"type='usb' index='{index}' model='{model}'", "", address, alias=False)
            if companions:
                for number in range(3):
                    self.add("controller", f"type='usb' index='{index}' model='ich9-uhci{number + 1}'", f"<master startport='{2 * number}'/>",
                             "", alias=False)

    def add_scsi(self) -> None:
        models = SCSI_MODELS if self.type.arch == "x86_64" else SCSI_MODELS[:3]
        self.adapters.append(self.random.choice(models))
        self.add("controller", f"type='scsi' index='{len(self.adapters) - 1}' model='{self.adapters[-1]}'", alias=False)

    # Devices

    def target(self, prefix: str) -> str:
        number = self.numbers[prefix]
        self.numbers[prefix] += 1
        letters = chr(ord("a") + number % 26)
        return prefix + (chr(ord("a") + number // 26 - 1) if number >= 26 else "") + letters

    def scsi_address(self) -> str:
        # libvirt's own choice begins at the first adapter, and is one that QEMU's other adapters do not take.
        if self.adapters[0].startswith(("virtio", "lsilogic")) and self.maybe(0.4):
            return ""
        places = [(index, *place) for index, model in enumerate(self.adapters) for place in self.scsi_places(model)
                  if (index, *place) not in self.scsi_used]
        index, target, unit = place = self.random.choice(places)
        self.scsi_used.add(place)
        return f"<address type='drive' controller='{index}' bus='0' target='{target}' unit='{unit}'/>"

    def scsi_places(self, model: str) -> list[tuple[int, int]]:
        """Target and unit of some disks that QEMU's adapter takes."""
        if model.startswith("virtio"):
            return [(target, unit) for target in self.random.sample(range(256), 3) for unit in (0, 1, 7, 255, 256, 300, 16383)]
        return [(0, number) if model == "lsilogic" else (number, 0) for number in range(7)]

    def add_disk(self) -> None:
        bus = self.random.choice(self.type.buses)
        if bus == "scsi" and not self.adapters:
            self.add_scsi()
        prefix = {"virtio": "vd", "ide": "hd", "fdc": "fd"}.get(bus, "sd")
        if (prefix, self.numbers[prefix]) in (("hd", 4), ("fd", 2)):
            return
        target = self.target(prefix)
        source = f"<driver name='qemu' type='raw'/><source file='{self.files}/disk-{target}'/><target dev='{target}' bus='{bus}'/>"
        # A serial number tells the device on QEMU's command line; a floppy disk has none.
        serial = f"<serial>{target}</serial>" if bus != "fdc" else ""
        model = ""
        address: str | None = ""
        if bus == "virtio":
            address = None
            if self.type.arch == "x86_64" and self.maybe(0.2):
                model = f" model='virtio-{self.random.choice(['transitional', 'non-transitional'])}'"
        elif bus == "scsi":
            address = self.scsi_address()
        device = "floppy" if bus == "fdc" else "cdrom" if bus in ("scsi", "sata", "ide") and self.maybe(0.3) else "disk"
        read_only = "<readonly/>" if device == "cdrom" else ""
        if not self.runs and bus == "virtio" and not model and self.maybe(0.1):
            source = f"<driver name='qemu'/><source type='unix' path='/run/{target}.sock'/><target dev='{target}' bus='virtio'/>"
            self.add("disk", "type='vhostuser' device='disk'", source, alias=False)
            return
        self.add("disk", f"type='file' device='{device}'{model}", source + read_only + serial, address, alias=self.maybe(0.5))

    def add_card(self) -> None:
        self.numbers["mac"] += 1
        mac = f"<mac address='52:54:00:00:00:{self.numbers['mac']:02x}'/>"
        model = self.random.choice(self.type.cards)
        failover = "<teaming type='persistent'/>" if model == "virtio" and self.maybe(0.2) else ""
        self.add("interface", "type='user'", f"{mac}<model type='{model}'/>{failover}", "" if model == "spapr-vlan" else None)

    def host_address(self) -> str:
        return f"<address type='pci' domain='0' bus='{self.random.randint(1, 250)}' slot='{self.random.randint(0, 31)}' function='0'/>"

    def add_hostdev(self) -> None:
        kind = self.random.choice(["pci", "pci", "mdev", "scsi"])
        if kind == "pci":
            self.add("hostdev", "mode='subsystem' type='pci' managed='no'", f"<driver name='vfio'/><source>{self.host_address()}</source>")
        elif kind == "mdev":
            uuid = f"c2177883-f1bb-47f0-914d-{self.random.randrange(16 ** 12):012x}"
            self.add("hostdev", "mode='subsystem' type='mdev' model='vfio-pci'", f"<source><address uuid='{uuid}'/></source>")
        elif self.adapters:
            self.add("hostdev", "mode='subsystem' type='scsi'", "<source protocol='iscsi' name='iqn.2001-04.com.example:storage/1'>"
                     "<host name='192.0.2.1' port='3260'/></source>", self.scsi_address())

    def add_other(self) -> None:
        kind = self.random.choice(["rng", "fs", "sound", "input", "usb", "channel", "serial", "watchdog", "shmem", "pmem"])
        if kind == "rng":
            self.add("rng", "model='virtio'", "<backend model='random'>/dev/urandom</backend>")
        elif kind == "fs" and self.maybe(0.5):
            self.add("filesystem", "type='mount' accessmode='passthrough'", f"<source dir='/'/><target dir='t{len(self.elements)}'/>")
        elif kind == "fs" and not self.runs:
            self.add("filesystem", "type='mount'", f"<driver type='virtiofs'/><source dir='/'/><target dir='t{len(self.elements)}'/>")
        elif kind == "sound":
            self.add("sound", f"model='{self.random.choice(self.type.sounds)}'")
        elif kind == "input":
            self.add("input", f"type='{self.random.choice(['mouse', 'keyboard', 'tablet'])}' bus='virtio'")
        elif kind == "usb" and self.has_usb:
            self.add_usb_device(self.random.choice(["input", "input", "sound", "redirdev", "hostdev"]))
        elif kind == "channel":
            self.add("channel", "type='pty'", f"<target type='virtio' name='port.{len(self.elements)}'/>", "")
        elif kind == "serial" and self.type.arch == "x86_64":
            self.add("serial", "type='pty'", "<target type='pci-serial'/>")
        elif kind == "watchdog" and not self.has_watchdog:
            self.has_watchdog = True
            self.add("watchdog", "model='i6300esb'")
        elif kind == "shmem" and self.type.arch == "x86_64":
            self.add("shmem", f"name='s{len(self.elements)}'", "<model type='ivshmem-plain'/><size unit='M'>4</size>")
        elif kind == "pmem" and self.type.arch == "x86_64" and not self.runs:
            self.add("memory", "model='virtio-pmem' access='shared'", "<source><path>/dev/null</path></source>"
                     "<target><size unit='M'>128</size></target>")

    def add_usb_device(self, kind: str) -> None:
        if kind == "input":
            self.add("input", f"type='{self.random.choice(['mouse', 'keyboard', 'tablet'])}' bus='usb'", "", "")
        elif kind == "sound":
            self.add("sound", "model='usb'", "", "")
        elif kind == "redirdev" and not self.runs:
            self.add("redirdev", "bus='usb' type='tcp'", "<source mode='bind' host='127.0.0.1' service='4000'/>", "")
        elif kind == "hostdev" and not self.runs:
            self.add("hostdev", "mode='subsystem' type='usb' managed='no'", "<source><address bus='1' device='2'/></source>", "")

    def fill(self) -> None:
        for _ in range(self.random.randint(0, 7)):
            self.add_pci_controller()
        if self.kind == "virt" or self.maybe(0.7):
            self.add_usb()
        for _ in range(self.random.randint(0, 2)):
            self.add_scsi()
        for _ in range(self.random.randint(1, 12)):
            kind = self.random.choice(["disk", "disk", "disk", "card" if self.runs else "hostdev", "other", "other"])
            getattr(self, f"add_{kind}")()
        if self.maybe(0.3):
            self.add("video", "", f"<model type='{self.random.choice(self.type.videos)}' primary='yes'/>", "", alias=False)
            if "virtio" in self.type.videos and self.maybe(0.5):
                self.add("video", "", "<model type='virtio'/>", alias=False)
        if self.maybe(0.5):
            self.add("memballoon", "model='virtio'")
        else:
            self.elements.append("<memballoon model='none'/>")
        self.random.shuffle(self.elements)

    def text(self, name: str, monitor: Path) -> str:
        acpi = "<acpi/>" if self.type.arch == "x86_64" and self.maybe(0.9) else ""
        shared = "" if self.runs else "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
        elements = "\n    ".join(self.elements)
        return f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <maxMemory slots='16' unit='MiB'>4096</maxMemory>
  <memory unit='MiB'>256</memory>
  {shared}
  <vcpu>1</vcpu>
  <os><type arch='{self.type.arch}' machine='{self.type.machine}'>hvm</type></os>
  <features>{acpi}{self.type.features}</features>
  <cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>
  <devices>
    <emulator>{self.files}/qemu-system-{self.type.arch}</emulator>
    {elements}
  </devices>
  <qemu:commandline>
    <qemu:arg value='-qmp'/>
    <qemu:arg value='unix:{monitor},server=on,wait=off'/>
  </qemu:commandline>
</domain>
"""


def random_domain(seed: str, name: str, runs: bool, directory: Path, monitor: Path) -> tuple[str, str]:
    """Machine type and XML. `directory` has the emulators and the files of disks. `runs`: with nothing that needs a host that has it, so that libvirt can start it. Such a domain has cards, the
    others have what is passed through: libvirt's domxml-to-native moves cards."""
    generator = Generator(seed, runs, directory)
    generator.fill()
    return generator.kind, generator.text(name, monitor)
