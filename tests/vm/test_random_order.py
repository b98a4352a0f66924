# SPDX-License-Identifier: LGPL-2.1-or-later
"""One image on three machines, whose devices QEMU gets in another order at each boot: the kernel's names change, ours never do.

    --boots=N   how many of each machine (PCIPATH_TEST_BOOTS, default with --all 3)
    --seed=N    the seed of the first of them
"""

import random

import pytest
from checks import check_disks, check_functions, check_interfaces, names_of_interfaces
from machine import card, disk, root_ports, virtio

pytestmark = pytest.mark.exhaustive

COVERS = {
    "any_order": "Boot: devices in random order, boot after boot: i440fx, q35 and aarch64 virt",
}


def luns(adapter, *places):
    return [disk("scsi-hd", f"{adapter}-{target}-{lun}", bus=f"{adapter}.0", channel=0, **{"scsi-id": target}, lun=lun) for target, lun in places]


def nvme(name, bus, addr):
    return [{"driver": "nvme", "id": name, "bus": bus, "addr": addr, "serial": name},
            *(disk("nvme-ns", f"{name}-{nsid}", bus=name, nsid=nsid) for nsid in (1, 7))]


def scsi(name, bus, addr):
    return [{"driver": "virtio-scsi-pci", "id": name, "bus": bus, "addr": addr}, *luns(name, (0, 0), (0, 300), (9, 1))]


def mac(number):
    return {"mac": f"52:54:00:00:01:{number:02x}"}


# By machine: the devices, and what the host calls disks and cards.
MACHINES = {
    "pc": ([
        virtio("root", "pci.0", addr="3.0"), virtio("flat", "pci.0", addr="4.0"), card("card", "pci.0", addr="5.0", **mac(1)),
        {"driver": "pci-bridge", "id": "outer", "bus": "pci.0", "addr": "6.0", "chassis_nr": 1},
        {"driver": "pci-bridge", "id": "inner", "bus": "outer", "addr": "1.0", "chassis_nr": 2},
        virtio("bridged", "outer", addr="2.0"), virtio("deep", "inner", addr="2.0"), card("deep-card", "inner", addr="3.0", **mac(2)),
        *scsi("scsi", "pci.0", "7.0"), *nvme("nvme", "pci.0", "8.0"),
    ], {
        "root": "03.0", "flat": "04.0", "bridged": "06.0-02.0", "deep": "06.0-01.0-02.0", "scsi-0-0": "07.0-scsi-0:0:0:0",
        "scsi-0-300": "07.0-scsi-0:0:0:300", "scsi-9-1": "07.0-scsi-0:0:9:1", "nvme-1": "08.0-nvme-1", "nvme-7": "08.0-nvme-7",
    }, {"pci-05.0": 1, "pci-06.0-01.0-03.0": 2}),
    "q35": ([
        *root_ports(6), virtio("root", "port0", addr="0.0"), virtio("behind", "port5", addr="0.0"), card("card", "port3", addr="0.0", **mac(1)),
        {"driver": "x3130-upstream", "id": "switch", "bus": "port1", "addr": "0.0"},
        *({"driver": "xio3130-downstream", "id": f"down{n}", "bus": "switch", "addr": f"{n}.0", "chassis": 32 + n} for n in range(2)),
        virtio("switched", "down1", addr="0.0"), card("switched-card", "down0", addr="0.0", **mac(2)),
        {"driver": "pcie-pci-bridge", "id": "bridge", "bus": "port2", "addr": "0.0"}, virtio("bridged", "bridge", addr="2.0"),
        *scsi("scsi", "port4", "0.0"), *nvme("nvme", "pcie.0", "8.0"),
    ], {
        "root": "02.0-00.0", "behind": "02.5-00.0", "switched": "02.1-00.0-01.0-00.0", "bridged": "02.2-00.0-02.0",
        "scsi-0-0": "02.4-00.0-scsi-0:0:0:0", "scsi-0-300": "02.4-00.0-scsi-0:0:0:300", "scsi-9-1": "02.4-00.0-scsi-0:0:9:1",
        "nvme-1": "08.0-nvme-1", "nvme-7": "08.0-nvme-7",
    }, {"pci-02.3-00.0": 1, "pci-02.1-00.0-00.0-00.0": 2}),
    "virt": ([
        *root_ports(4), virtio("root", "port0", addr="0.0"), virtio("behind", "port3", addr="0.0"), card("card", "port1", addr="0.0", **mac(1)),
        {"driver": "pcie-pci-bridge", "id": "bridge", "bus": "port2", "addr": "0.0"}, virtio("bridged", "bridge", addr="2.0"),
        *scsi("scsi", "pcie.0", "8.0"),
    ], {
        "root": "02.0-00.0", "behind": "02.3-00.0", "bridged": "02.2-00.0-02.0", "scsi-0-0": "08.0-scsi-0:0:0:0",
        "scsi-0-300": "08.0-scsi-0:0:0:300", "scsi-9-1": "08.0-scsi-0:0:9:1",
    }, {"pci-02.1-00.0": 1}),
}


def pytest_generate_tests(metafunc):
    first = metafunc.config.getoption("seed")
    metafunc.parametrize("boot_seed", range(first, first + metafunc.config.getoption("boots")))


def shuffle(devices, seed):
    """The devices in random order, but each after the one that has its bus, for QEMU adds them one by one."""
    chance, rest, placed = random.Random(seed), list(devices), []
    names = {device["id"] for device in devices}
    while rest:
        waiting = {device["id"] for device in rest}
        ready = [device for device in rest if not {device["bus"], device["bus"].rpartition(".")[0]} & names & waiting]
        placed.append(chance.choice(ready))
        rest.remove(placed[-1])
    return placed


@pytest.mark.parametrize("name", MACHINES)
def test_any_order(make_machine, name, boot_seed):
    devices, links, cards = MACHINES[name]
    # Where there is no udevd, every other time. A direct way to the root file system is there for x86-64 alone.
    kind = "nosystemd" if name == "virt" else ("direct", "minimal")[boot_seed % 2]
    with make_machine(shuffle(devices, boot_seed), machine=name, kind=kind) as machine:
        machine.add_drives()
        machine.boot("root=LABEL=root" if name != "virt" else f"root=/dev/disk/by-pci-path/{links['root']}")
        machine.settle()
        check_functions(machine)
        check_disks(machine)
        check_interfaces(machine)
        kernel = machine.disks()
        rows = machine.run(f"cd /dev/disk/by-pci-path && for l in *; do echo $l $(readlink $l); done").splitlines()
        assert dict(row.split() for row in rows) == {link: f"../../{kernel[disk]}" for disk, link in links.items()}
        assert names_of_interfaces(machine) == {interface: mac(number)["mac"] for interface, number in cards.items()}
