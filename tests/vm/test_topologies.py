# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shapes of machines: what hosts build between a root bus and a disk or network card. Shapes of one machine type share a boot."""

import pytest
from checks import check_disks, check_functions, check_helper, check_interfaces
from machine import MACHINES, card, disk
from oracle import interfaces, link_name, mac, pci_path

LINKS = "/dev/disk/by-pci-path"

ALSO_WITHOUT_UDEVD = "exhaustive"

COVERS = {
    "minimal": "Boot: without udevd: a minimal image; all scenarios with disks",
    "six-functions-of-one-slot": "Bridge: six root ports as functions of one slot (libvirt's q35)",
    "switch": "Bridge: a PCIe switch",
    "switch-below-switch": "Bridge: a PCIe switch below another",
    "dmi-to-pci": "Bridge: a DMI-to-PCI bridge with a conventional bridge below",
    "pcie-to-pci": "Bridge: a PCIe-to-PCI bridge",
    "two-more-roots": "Root bus: several host bridges in one PCI domain",
    "functions-behind-a-port": "Function: several functions of one device behind a root port",
    "three-bridges": "Bridge: three conventional bridges in a row",
    "conventional-root": "Root bus: conventional PCI expanders (pxb) with their hidden bridge",
    "26_bridges_deep": "Bridge: 26 bridges in a row",
}


def bridge(driver, name, bus, addr=None, **properties):
    """QEMU wants (chassis, slot) of ports and chassis_nr of conventional bridges to be unique: build() counts them."""
    return {"driver": driver, "id": name, "bus": bus, **({"addr": addr} if addr else {}), **properties}


def port(name, bus, addr, **properties):
    return bridge("pcie-root-port", name, bus, addr, **properties)


def virtio(name, bus, addr=None, **properties):
    return disk("virtio-blk-pci", name, bus=bus, **({"addr": addr} if addr else {}), **properties)


def switch(name, bus, *ports):
    """An upstream port in `bus` and downstream ports at the addresses; the downstream ports are NAME-0, NAME-1, …"""
    return [bridge("x3130-upstream", name, bus),
            *(bridge("xio3130-downstream", f"{name}-{n}", name, addr) for n, addr in enumerate(ports))]


def conventional(name, bus, addr, depth):
    """Bridges below each other, NAME-0 to NAME-(depth - 1); the first at `addr`, the others in slots that differ."""
    return [bridge("pci-bridge", f"{name}-{n}", f"{name}-{n - 1}" if n else bus, f"{n % 31 + 1:x}.0" if n else addr)
            for n in range(depth)]


# By machine type and name: the devices, and how many hops the path of each disk has (its root prefix is none).
SHAPES = {
    "q35": {
        # libvirt's default: the first ports of a domain.
        "six-functions-of-one-slot": ([
            *(port(f"six{n}", "pcie.0", f"2.{n}", multifunction=n == 0) for n in range(6)),
            *(virtio(f"six{n}-disk", f"six{n}") for n in (0, 3, 5)), card("six1-card", "six1")], 2),
        "switch": ([
            port("above-switch", "pcie.0", "3.0"),
            *switch("switch", "above-switch", "0.0", "3.0"),
            virtio("switch-disk", "switch-1", "0.0", multifunction=True), card("switch-card", "switch-1", addr="0.1")], 4),
        "switch-below-switch": ([
            *switch("inner", "switch-0", "0.0", "1f.0"),
            *(virtio(f"inner-disk{n}", f"inner-{n}", "0.0", multifunction=True) for n in range(2)),
            *(card(f"inner-card{n}", f"inner-{n}", addr="0.7") for n in range(2))], 6),
        "dmi-to-pci": ([
            bridge("i82801b11-bridge", "dmi", "pcie.0", "4.0"),
            *conventional("below-dmi", "dmi", "1.0", 1),
            virtio("dmi-disk", "below-dmi-0", "7.0"), card("dmi-card", "below-dmi-0", addr="8.0")], 3),
        "pcie-to-pci": ([
            port("above-pcie-pci", "pcie.0", "5.0"),
            bridge("pcie-pci-bridge", "pcie-pci", "above-pcie-pci"),
            virtio("pcie-pci-disk", "pcie-pci", "2.0"), card("pcie-pci-card", "pcie-pci", addr="3.0")], 3),
        "two-more-roots": ([
            *(bridge("pxb-pcie", f"root{n}", "pcie.0", f"{n + 8}.0", bus_nr=0x40 * n) for n in (1, 2)),
            # Slots of the main root's ports.
            *(port(f"root{n}-{slot}", f"root{n}", f"{slot}.0") for n in (1, 2) for slot in (2, 3)),
            *(virtio(f"root{n}-{slot}-disk", f"root{n}-{slot}", "0.0", multifunction=True) for n in (1, 2) for slot in (2, 3)),
            *(card(f"root{n}-{slot}-card", f"root{n}-{slot}", addr="0.2") for n in (1, 2) for slot in (2, 3))], 2),
        "functions-behind-a-port": ([
            port("above-functions", "pcie.0", "6.0"),
            virtio("function0", "above-functions", "0.0", multifunction=True),
            {"driver": "virtio-scsi-pci", "id": "function1", "bus": "above-functions", "addr": "0.1"},
            *(disk("scsi-hd", f"function1-{n}", bus="function1.0", channel=0, **{"scsi-id": n}, lun=0) for n in (0, 9)),
            card("function2", "above-functions", addr="0.2"),
            virtio("function7", "above-functions", "0.7")], 2),
    },
    "pc": {
        "three-bridges": ([
            *conventional("three", "pci.0", "5.0", 3),
            *(virtio(f"three-disk{n}", f"three-{n}", "1f.0") for n in range(3)),
            *(card(f"three-card{n}", f"three-{n}", addr="1e.0") for n in range(3))], None),
        # A hidden bridge at 00.0, which QEMU puts below its new root.
        "conventional-root": ([
            *(bridge("pxb", f"pxb{n}", "pci.0", f"{n + 7}.0", bus_nr=0x40 * n) for n in (1, 2)),
            *(virtio(f"pxb{n}-disk", f"pxb{n}", "1.0") for n in (1, 2)),
            *(card(f"pxb{n}-card", f"pxb{n}", addr="2.0") for n in (1, 2))], 2),
    },
}

# By machine type where a card can still be plugged in: bus and address.
FREE = {"q35": [("six2", None), ("pcie-pci", "6.0")], "pc": [("pci.0", "1b.0"), ("three-2", "1d.0")]}

# Ports and bridges do it themselves on q35: QEMU's ACPI tables have a name in them that is not there when a machine has
# a bridge that no card can be plugged into, and then nothing comes.
OPTIONS = {"q35": ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"], "pc": []}


def build(kind, shapes):
    devices = [virtio("root", MACHINES[kind].root_bus, "1d.0"), *(device for shape in shapes for device in shape)]
    for number, device in enumerate(devices, 1):
        if device["driver"] in ("pcie-root-port", "xio3130-downstream"):
            device["chassis"] = number
        elif device["driver"] == "pci-bridge":
            device["chassis_nr"] = number
    return devices


def boot(machine):
    machine.add_drives()
    machine.boot("root=LABEL=root")
    machine.settle()


def check_all(machine):
    check_functions(machine)
    check_disks(machine)
    check_interfaces(machine)
    check_helper(machine)


@pytest.fixture(scope="module")
def machine(make_machine, request):
    shapes = [devices for devices, _ in SHAPES[request.param].values()]
    with make_machine(build(request.param, shapes), machine=request.param, options=OPTIONS[request.param]) as machine:
        boot(machine)
        yield machine


@pytest.mark.parametrize("machine", SHAPES, indirect=True)
def test_every_device(machine):
    """Of all shapes together: functions as lspci has them, disks as QEMU has them, rules and helper the same."""
    check_all(machine)
    machine.trigger("change", "pci", "block")
    check_disks(machine)


@pytest.mark.parametrize("machine,shape", [(kind, name) for kind, shapes in SHAPES.items() for name in shapes],
                         indirect=["machine"], scope="module")
def test_shape(machine, shape):
    """Each disk of the shape has its link, and as many hops as it was put behind."""
    devices, hops = next(shapes[shape] for shapes in SHAPES.values() if shape in shapes)
    names = [device["id"] for device in devices if "drive" in device]
    kernel = machine.disks()
    for name in names:
        path = pci_path(machine.qmp, name)
        assert hops in (None, path.count("/") + 1), path
        assert machine.run(f"realpath {LINKS}/{link_name(machine.qmp, name)}") == f"/dev/{kernel[name]}\n"
    for name in [device["id"] for device in devices if device["driver"] == "virtio-net-pci"]:
        path = pci_path(machine.qmp, name)
        assert hops in (None, path.count("/") + 1), path
        assert mac(machine.qmp, name) in machine.run(f"ip link show {interfaces(machine.qmp)[name]}")


@pytest.mark.parametrize("machine", SHAPES, indirect=True)
def test_hot_cards(machine):
    """In a port, below a bridge, on the root bus: cards come and go, and each has its name as long as it is there."""
    kind = next(kind for kind in FREE if MACHINES[kind] is machine.type)
    for number, (bus, addr) in enumerate(FREE[kind]):
        machine.plug(card(f"hot{number}", bus, **({"addr": addr} if addr else {})))
        machine.run(f"pcipath wait --timeout=1000 {pci_path(machine.qmp, f'hot{number}')}")
        check_interfaces(machine)
    for number, _ in enumerate(FREE[kind]):
        machine.unplug(f"hot{number}")
    machine.settle()
    check_interfaces(machine)


def test_26_bridges_deep(make_machine):
    """As deep as the kernel will number them behind conventional bridges that SeaBIOS sets up."""
    shape = [*conventional("deep", "pci.0", "5.0", 26), virtio("deep-disk", "deep-25", "2.0")]
    with make_machine(build("pc", [shape]), machine="pc") as machine:
        boot(machine)
        assert pci_path(machine.qmp, "deep-disk").count("/") == 26
        check_all(machine)
