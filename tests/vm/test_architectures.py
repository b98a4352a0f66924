# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other machines than a PC: Debian's kernel and packages of their architecture, the package compiled for it.

virt       aarch64, a device tree: the root is below a platform device
virt-acpi  aarch64, firmware and ACPI, with two more roots
pseries    ppc64le, four host bridges, each a domain of its own
s390       s390x, each function in a domain of its own, whose number is the uid that the host gives it
riscv      riscv64, a device tree, as virt; QEMU has no expander for it
loong      loong64, firmware and ACPI; QEMU has no expander for it, either

All but the last have a disk that is below no PCI function, too: virtio-mmio, pseries' own virtual adapter, or a channel device.
"""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from checks import HELPER, check_disks, check_functions, check_helper, check_interfaces, interface_of
from machine import Result, card, disk, root_ports, virtio, with_uid
from oracle import NoName, link_name, pci_path

LINKS = "/dev/disk/by-pci-path"

COVERS = {
    "virt": "Architecture: aarch64 virt with a device tree",
    "virt-acpi": "Architecture: aarch64 virt with UEFI, ACPI and two more root buses",
    "pseries": "Architecture: ppc64le pseries with several host bridges, and hotplug by drmgr",
    "s390": "Architecture: s390x: functions with uids (zpci), plugged in and unplugged, beside channel devices",
    "riscv": "Architecture: riscv64 virt with a device tree",
    "loong": "Architecture: loong64 virt with UEFI and ACPI, and native hotplug",
    "elsewhere": "Disk: not below a PCI function: no name, and no error is printed",
    "rescan": "Hotplug: a function is removed and found again through sysfs",
}

UNCOVERED = {
    "Root bus: riscv64 and loong64 virt with a second root bus": "QEMU up to 11.1 has no expander bridge (pxb-pcie) for them",
    "Root bus: s390 without unique UIDs, booted": "QEMU always ensures that they are unique. A synthetic tree has it",
    "Hotplug: riscv64": "Debian builds its kernels for riscv64 without CONFIG_HOTPLUG_PCI, and so without HOTPLUG_PCI_PCIE, _ACPI and _SHPC: Linux "
                        "6.12.117-1 (Debian 13) and 7.2.12-1 (forky)",
}


def luns(adapter, *numbers):
    return [disk("scsi-hd", f"{adapter}-lun{n}", bus=f"{adapter}.0", channel=0, **{"scsi-id": 1}, lun=n) for n in numbers]


PORTS = [
    *root_ports(4),
    virtio("root", "port0"),
    {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "port1"},
    *luns("scsi", 1, 256),
    {"driver": "pcie-pci-bridge", "id": "bridge", "bus": "port2"},
    virtio("bridged", "bridge", addr="5.0"),
    card("card", "bridge", addr="6.0"),
]
MMIO = [disk("virtio-blk-device", "elsewhere", bus="virtio-mmio-bus.0")]

# Slots of the main root's ports; the second of each is left empty.
EXPANDERS = [device for n in (1, 2) for device in (
    {"driver": "pxb-pcie", "id": f"root{n}", "bus": "pcie.0", "addr": f"{n + 8}.0", "bus_nr": 0x40 * n},
    *({"driver": "pcie-root-port", "id": f"root{n}-{port}", "bus": f"root{n}", "addr": f"2.{port}", "chassis": 0x10 * n + port,
       "multifunction": port == 0} for port in range(2)),
    virtio(f"root{n}-disk", f"root{n}-0"))]

HOST_BRIDGES = [
    *({"driver": "spapr-pci-host-bridge", "id": f"phb{n}", "index": n} for n in (1, 2, 3)),
    virtio("root", "pci.0", addr="2.0"),
    # The same slot below each host bridge.
    *(virtio(f"phb{n}-disk", f"phb{n}.0", addr="2.0") for n in (1, 2)),
    {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "phb1.0", "addr": "4.0"},
    *luns("scsi", 1, 256),
    *({"driver": "pci-bridge", "id": f"bridge{n}", "bus": bus, "addr": "3.0", "chassis_nr": n}
      for n, bus in ((1, "phb2.0"), (2, "bridge1"))),
    virtio("bridged", "bridge2", addr="5.0"),
    {"driver": "spapr-vscsi", "id": "vscsi"},
    disk("scsi-hd", "elsewhere", bus="vscsi.0", channel=0, **{"scsi-id": 0}, lun=0),
]

# The kernel of pseries leaves hotplug to drmgr, which takes slot 6 of the third host bridge by its index in the platform's
# terms: 4 for PCI, host bridge, device and function. rpaphp (Linux 6.1) must know the slot while it is empty, and with one
# device it takes away all of the host bridge's: this one has no other.
DRMGR = "drmgr -c pci -n -s 0x40030030"


UIDS = [
    *with_uid(0x10, virtio("root", "pci.0")),
    virtio("without-uid", "pci.0"),  # QEMU gives it one
    *with_uid(0xabcd, {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "pci.0"}),
    *luns("scsi", 1, 256),
    *with_uid(0xffff, card("card", "pci.0")),
    *with_uid(6, {"driver": "pci-bridge", "id": "bridge", "bus": "pci.0", "chassis_nr": 1}),
    *with_uid(7, virtio("bridged", "bridge", addr="3.0")),
    disk("virtio-blk-ccw", "elsewhere"),
    {"driver": "virtio-net-ccw", "id": "channel-card"},
]


@dataclass
class Scenario:
    kind: str  # of the initramfs
    topology: list[dict[str, Any]]
    links: dict[str, str]  # of some disks, as the contract has them
    plugged: list[list[dict[str, Any]]]  # devices that are plugged in together, the last of them a disk or a card
    # What makes the guest ready, notice, and give up, where its kernel does not do so by itself.
    prepare: str = "true"
    notice: str = "true"
    give_up: str = "true"
    words: str = ""  # on the kernel command line


SCENARIOS = {
    "virt": Scenario("nosystemd", PORTS + MMIO, {
        "root": "02.0-00.0",
        "scsi-lun256": "02.1-00.0-scsi-0:0:1:256",
        "bridged": "02.2-00.0-05.0",
    }, [[virtio("data", "port3")]]),
    "virt-acpi": Scenario("systemd", PORTS + MMIO + EXPANDERS, {
        "root": "02.0-00.0",
        "root1-disk": "0000_40_02.0-00.0",
        "root2-disk": "0000_80_02.0-00.0",
    }, [[virtio("data", "port3")], [virtio("data", "root2-1")]]),
    "pseries": Scenario("systemd", HOST_BRIDGES, {
        "root": "02.0",
        "phb1-disk": "0001_00_02.0",
        "phb2-disk": "0002_00_02.0",
        "scsi-lun256": "0001_00_04.0-scsi-0:0:1:256",
        "bridged": "0002_00_03.0-03.0-05.0",
    }, [[virtio("data", "phb3.0", addr="6.0")]], "modprobe rpadlpar_io", f"{DRMGR} -a", f"{DRMGR} -r"),
    "s390": Scenario("nosystemd", UIDS, {
        "root": "0010_00_00.0",
        "scsi-lun256": "abcd_00_00.0-scsi-0:0:1:256",
        "bridged": "0007_00_00.0",
    }, [with_uid(0x20, virtio("data", "pci.0")), [virtio("data", "bridge", addr="4.0")], with_uid(0x21, card("hot", "pci.0"))]),
    "riscv": Scenario("nosystemd", PORTS + MMIO, {
        "root": "02.0-00.0",
        "scsi-lun256": "02.1-00.0-scsi-0:0:1:256",
        "bridged": "02.2-00.0-05.0",
    }, []),  # Debian's kernel for riscv64 has no PCI hotplug
    "loong": Scenario("systemd", PORTS, {
        "root": "02.0-00.0",
        "scsi-lun256": "02.1-00.0-scsi-0:0:1:256",
        "bridged": "02.2-00.0-05.0",
    }, [[virtio("data", "port3")], [card("hot", "port3")]],
        # From 10.1 on, the ACPI tables of QEMU's machine keep hotplug from the kernel (_OSC), although QEMU does not do it itself.
        words="pcie_ports=native"),
}


EXHAUSTIVE = ("virt-acpi", "riscv", "loong")
MACHINES = {name: pytest.param(name, marks=[pytest.mark.exhaustive] if name in EXHAUSTIVE else []) for name in SCENARIOS}


@pytest.fixture(scope="module", params=MACHINES.values())
def machine(make_machine, request):
    scenario = SCENARIOS[request.param]
    with make_machine(scenario.topology, machine=request.param, kind=scenario.kind) as machine:
        machine.add_drives()
        machine.add_drive("data")
        machine.start()
        machine.boot(f"root={LINKS}/{link_name(machine.qmp, 'root')} {scenario.words}")
        machine.settle()
        yield machine


@pytest.fixture
def scenario(machine, request):
    return SCENARIOS[request.node.callspec.params["machine"]]


def check_everything(machine):
    check_functions(machine)
    check_disks(machine)
    check_interfaces(machine)


def test_names(machine):
    check_everything(machine)


def test_helper(machine):
    check_helper(machine)


def test_contract(machine, scenario):
    """The oracle against names that were written by hand."""
    assert {name: link_name(machine.qmp, name) for name in scenario.links} == scenario.links


def test_command(machine, scenario):
    nodes = {name: f"/dev/{node}" for name, node in machine.disks().items()}
    answers = machine.run("\n".join(f"pcipath of {nodes[name]} && pcipath find {link}"
                                    for name, link in scenario.links.items()))
    assert answers.split() == [word for name in scenario.links for word in (pci_path(machine.qmp, name), nodes[name])]


@pytest.mark.parametrize("machine", [MACHINES[name] for name in SCENARIOS if name != "loong"], indirect=True)
def test_elsewhere(machine):
    """No PCI path, no error, no noise."""
    with pytest.raises(NoName):
        link_name(machine.qmp, "elsewhere")
    node = f"/dev/{machine.disks()['elsewhere']}"
    assert machine.call(f"{HELPER} {node}") == Result(0, "", "")
    assert "PCI_PATH" not in machine.run(f"udevadm info -q property {node}")
    # systemd's own lines about its units are no noise of ours.
    journal = machine.run("journalctl -b -o cat").splitlines()
    # systemd starts one unit at each boot, and says that the other has nothing to do.
    assert [line for line in journal if re.search("pcipath(?![-.]agent)", line) and
            not re.search("pcipath-prune.service|pcipath-alias.service .* skipped", line)] == []


def test_rescan(machine):
    """Removed and found again by hand."""
    path, link = pci_path(machine.qmp, "bridged"), f"{LINKS}/{link_name(machine.qmp, 'bridged')}"
    machine.run(f"echo 1 >/sys/bus/pci/devices/$(pcipath find -t pci {path})/remove")
    machine.wait(link, gone=True)
    machine.run("echo 1 >/sys/bus/pci/rescan")
    machine.wait(link)
    check_disks(machine)


def test_hotplug(machine, scenario):
    machine.run(scenario.prepare)
    for devices in scenario.plugged:
        for device in devices:
            machine.plug(device)
        machine.run(scenario.notice)
        name = devices[-1]["id"]
        path = pci_path(machine.qmp, name)
        node = machine.run(f"pcipath wait {path}").strip()
        assert node == (f"/dev/{machine.disks()['data']}" if name == "data" else interface_of(machine, name)["ifname"])
        machine.settle()
        check_everything(machine)
        machine.run(scenario.give_up)
        machine.unplug(name)
        machine.run(f"pcipath wait --removed {path}")
        machine.settle()
    check_everything(machine)
