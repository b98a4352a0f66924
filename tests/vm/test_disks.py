# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks and their partitions: named wherever they are plugged in, when they are plugged in, and never after."""

import pytest
from checks import check_disks, check_functions, check_helper, check_interfaces, interface_of, names_of
from guest import KINDS
from machine import card, disk, root_ports, virtio
from oracle import link_name

LINKS = "/dev/disk/by-pci-path"

ALSO_WITHOUT_UDEVD = True

COVERS = {
    "minimal": "Boot: without udevd: a minimal image; all scenarios with disks",
    "partition_of_a_plugged_disk": "Hotplug: a disk is partitioned, mounted, unplugged and plugged into another port",
    "plugged_in_either_order": "Hotplug: two disks in either order",
    "events_keep_the_links": "Hotplug: repeated add, change and bind events",
    "bus_numbers_move_and_names_stay": "Bridge: one more bridge changes all bus numbers, and no name",
    "root_by_name_from_any_port": "Boot: root= with a PCI path behind any port, with and without systemd in the initramfs",
    "i440fx": "Bridge: i440fx: no bridge, and one conventional bridge",
    "kinds_of_disk": "Disk: virtio-blk, SCSI LUNs below and above 255, NVMe namespaces, ATA ports",
}


Q35 = [*root_ports(4), virtio("root", "port0")]


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(Q35) as machine:
        for name in ("data", "more"):
            machine.add_drive(name)
        machine.boot("root=LABEL=root")
        machine.settle()
        yield machine


def plug(machine, name, bus):
    """Plug in and wait for the link that the host computes; its path."""
    machine.plug(virtio(name, bus))
    link = f"{LINKS}/{link_name(machine.qmp, name)}"
    machine.wait(link)
    return link


def unplug(machine, *names):
    """Unplug and wait until the guest has no link of any of the disks left."""
    links = [f"{LINKS}/{link_name(machine.qmp, name)}" for name in names]
    for name in names:
        machine.unplug(name)
    for link in links:
        machine.wait(link, gone=True)
    check_disks(machine)


def test_partition_of_a_plugged_disk(machine):
    """Plugged in, partitioned, formatted and mounted through -part1; in another port it has the other port's name."""
    link = plug(machine, "data", "port1")
    machine.run(f"echo 'type=linux' | sfdisk -q {link}")
    machine.wait(f"{link}-part1")
    machine.run(f"mkfs.ext4 -q {link}-part1 && mount {link}-part1 /mnt && echo kept >/mnt/file && umount /mnt")
    check_disks(machine)
    unplug(machine, "data")

    other = plug(machine, "data", "port2")
    assert other != link
    machine.wait(f"{other}-part1")
    assert machine.run(f"mount {other}-part1 /mnt && cat /mnt/file && umount /mnt") == "kept\n"
    check_disks(machine)
    unplug(machine, "data")


@pytest.mark.parametrize("order", [("data", "more"), ("more", "data")], ids="-then-".join)
def test_plugged_in_either_order(machine, order):
    """Which comes first decides which is vdb; it does not decide whose name is whose."""
    ports = {"data": "port1", "more": "port2"}
    for name in order:
        plug(machine, name, ports[name])
    assert sorted(order, key=machine.disks().get) == list(order)
    check_disks(machine)
    unplug(machine, *order)


def test_events_keep_the_links(machine):
    """Every event but the last one leaves the links as they are, and a change starts no process."""
    link = plug(machine, "data", "port1")
    machine.run(f"echo 'type=linux' | sfdisk -q {link}")
    machine.wait(f"{link}-part1")
    for action in ("add", "change", "bind", "change"):
        machine.trigger(action)
        check_disks(machine)
        check_functions(machine)
    unplug(machine, "data")


@pytest.mark.udevd
@pytest.mark.parametrize("kind,port", zip(KINDS, ("port1", "port3"), strict=True))
def test_root_by_name_from_any_port(make_machine, kind, port):
    """The same images boot from port0 in test_boot.py: whichever port the command line names."""
    with make_machine([*Q35[:-1], virtio("root", port)], kind=kind) as machine:
        machine.start()
        link = f"{LINKS}/{link_name(machine.qmp, 'root')}"
        machine.boot(f"root={link}")
        machine.settle()
        assert machine.run("findmnt -n -o SOURCE /") == f"/dev/{machine.disks()['root']}\n"
        check_disks(machine)
        check_functions(machine)


def test_bus_numbers_move_and_names_stay(make_machine):
    """The proof: a bridge more, below which nothing is, renumbers every bus behind it; PCI paths do not move."""
    disks = [*root_ports(3), virtio("root", "port0"), virtio("data", "port1"), card("card", "port2")]
    extra = {"driver": "pcie-root-port", "id": "extra", "bus": "pcie.0", "addr": "1.0", "chassis": 9}
    names, interfaces = [], []
    for topology in (disks, [extra, *disks]):
        with make_machine(topology) as machine:
            machine.add_drive("data")
            machine.boot("root=LABEL=root")
            machine.settle()
            check_disks(machine)
            check_functions(machine)
            check_interfaces(machine)
            names.append(names_of(machine, "root", "data"))
            interfaces.append(interface_of(machine, "card"))
    without, with_extra = names
    for name in ("root", "data"):
        assert without[name]["address"] != with_extra[name]["address"]
        assert without[name].get("by-path") != with_extra[name].get("by-path") or not machine.has_udevd
        assert without[name]["by-pci-path"] == with_extra[name]["by-pci-path"]
    # systemd's enpXsY has the bus number, the kernel's eth0 is all that one card can be.
    assert (interfaces[0]["ifname"] != interfaces[1]["ifname"]) == machine.has_udevd
    assert interfaces[0]["by-pci-path"] == interfaces[1]["by-pci-path"]


I440FX = [
    {"driver": "pci-bridge", "id": "bridge", "bus": "pci.0", "addr": "5.0", "chassis_nr": 1},
    virtio("root", "pci.0", addr="4.0"),
    virtio("behind", "bridge", addr="3.0"),
]


def test_i440fx(make_machine):
    """One hop on the root bus, two behind a conventional bridge."""
    with make_machine(I440FX, machine="pc") as machine:
        machine.add_drive("behind")
        machine.boot("root=LABEL=root")
        machine.settle()
        check_disks(machine)
        check_functions(machine)
        check_helper(machine)
        assert link_name(machine.qmp, "root").count("-") == 0
        assert link_name(machine.qmp, "behind").count("-") == 1


KINDS_OF_DISK = [
    virtio("root", "pcie.0", addr="3.0"),
    *root_ports(4),
    {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "port0"},
    *(disk("scsi-hd", f"lun{target}-{lun}", bus="scsi.0", channel=0, **{"scsi-id": target}, lun=lun)
      for target, lun in ((0, 0), (1, 5), (3, 255), (3, 256), (3, 4000))),
    {"driver": "nvme", "id": "nvme", "bus": "port1", "serial": "controller"},
    *(disk("nvme-ns", f"ns{nsid}", bus="nvme", nsid=nsid) for nsid in (1, 7)),
    {"driver": "ich9-ahci", "id": "ahci", "bus": "port2"},
    *(disk("ide-hd", f"ata{port}", bus=f"ahci.{port}") for port in (0, 4)),
    {"driver": "virtio-pmem-pci", "id": "pmem", "bus": "port3", "memdev": "pmem-memory"},
]


def test_kinds_of_disk(make_machine):
    """virtio-blk, SCSI LUNs below and above 255, NVMe namespaces, ATA ports and virtio-pmem, each by its own words."""
    with make_machine(KINDS_OF_DISK, memory="512M,maxmem=1G") as machine:
        machine.add_drives()
        memory = machine.add_drive("pmem", size=128 << 20)
        machine.options += ["-object", f"memory-backend-file,id=pmem-memory,share=on,size=128M,mem-path={memory}"]
        machine.boot("root=LABEL=root")
        machine.settle()
        check_disks(machine)
        check_functions(machine)
        check_helper(machine)
        machine.trigger("change")
        check_disks(machine)
