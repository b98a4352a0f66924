# SPDX-License-Identifier: LGPL-2.1-or-later
"""pcipath_id on machines that QEMU cannot make. Each is written as three boots could have shown it."""

import os

import pytest
from programs import name_tree, pcipath_id
from synthetic.machines import COVERS, SYNTHETIC  # noqa: F401
from trees import sandbox
from trees.machine import Machine, Namespace, Nvme, NvmeSubsystem, Root, function
from trees.names import LINK_BYTES, Names, flatten
from trees.sysfs import Tree

BOOTS = [None, 1, 2]


def expected_outcome(name):
    return {} if name is None else name.properties()


def ask_every_device(machine, seed):
    sandbox.empty("/sys")
    tree = Tree(machine, "/sys", seed)
    return [(device, pcipath_id(device.syspath)) for device in tree.devices], name_tree()


@pytest.mark.parametrize("boot", BOOTS)
@pytest.mark.parametrize("name", SYNTHETIC)
def test_every_device(name, boot):
    machine = SYNTHETIC[name].machine
    outcomes, named = sandbox.run(ask_every_device_by_place, machine, boot)
    names = Names(machine)
    by_place = list(names.values())
    # What has no events (the paths of a multipath head) has no link.
    events = {"/sys" + devpath for devpath, _, _ in outcomes}
    assert not any(link for syspath, places in named.items() if syspath not in events for _, link in places)
    for devpath, place, outcome in outcomes:
        expected = None if place is None else by_place[place]
        not_made = expected is not None and expected.link is None and outcome.stderr.endswith(
            (b": the link is not made\n", b": no name is added\n"))
        assert outcome.status == 0, devpath
        assert outcome.properties == expected_outcome(expected), devpath
        assert outcome.stderr == b"" or not_made, devpath
        assert sorted(named.get("/sys" + devpath, [])) == sorted(expected.places if expected else []), devpath


def ask_every_device_by_place(machine, seed):
    """Nodes are themselves in one process only, so what comes back says which of Names' entries a device has."""
    places = {key: place for place, key in enumerate(Names(machine))}
    outcomes, named = ask_every_device(machine, seed)
    return [(device.devpath, places.get(device.key), outcome) for device, outcome in outcomes], named


@pytest.mark.parametrize("name", SYNTHETIC)
def test_oracle_knows_the_contract(name):
    """The names typed beside a machine are among those that the oracle makes for it."""
    made = set()
    for device in Names(SYNTHETIC[name].machine).values():
        if device:
            made |= {text for path, link in device.places for text in (path, flatten(path), link)}
            made |= {device.interface, *device.nodes}
    assert SYNTHETIC[name].expected <= made


@pytest.mark.parametrize("name", SYNTHETIC)
def test_oracle_is_injective(name):
    names = [device for device in Names(SYNTHETIC[name].machine).values() if device]
    links = [link for device in names for link in device.links]
    interfaces = [device.interface for device in names if device.interface]
    assert len(links) == len(set(links)) and len(interfaces) == len(set(interfaces))
    assert all(len(link.rpartition("/")[2]) <= LINK_BYTES for link in links)


def ask_in_every_way(machine):
    """The four ways to name a disk, and /sys/class for good measure."""
    tree = Tree(machine, "/sys")
    disk = next(device for device in tree.devices if device.devname)
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    os.mknod(f"/dev/{disk.devname}", 0o60600, os.makedev(*disk.devnum))
    os.symlink(disk.devname, "/dev/link")
    return [pcipath_id(disk.syspath), pcipath_id(f"/dev/{disk.devname}"), pcipath_id("/dev/link"),
            pcipath_id(env={"DEVPATH": disk.devpath}), pcipath_id(f"/sys/class/block/{disk.devname}"),
            pcipath_id(f"/sys/dev/block/{disk.devnum[0]}:{disk.devnum[1]}")]


def test_ways_to_name_a_device():
    for outcome in sandbox.run(ask_in_every_way, SYNTHETIC["contract"].machine):
        assert (outcome.status, outcome.stderr) == (0, b"")
        assert outcome.stdout == (b"ID_PCI_PATH=02.0/00.0\nID_PCI_PATH_TAG=02.0-00.0\nID_PCI_PATH_LINK=02.0-00.0\n")


def ask_above_functions(machine):
    tree = Tree(machine, "/sys")
    bridge = next(device for device in tree.devices if device.subsystem == "pci").syspath.rpartition("/")[0]
    return [pcipath_id(bridge), pcipath_id("/sys/devices/virtual/block/loop0")]


def test_no_pci_function_above():
    """A host bridge and a loop device: nothing to say, and no error."""
    machine = SYNTHETIC["contract"].machine
    machine.others.append(SYNTHETIC["no-pci"].machine.others[0])
    for outcome in sandbox.run(ask_above_functions, machine):
        assert (outcome.status, outcome.stdout, outcome.stderr) == (0, b"", b"")


def ask_head(machine):
    tree = Tree(machine, "/sys")
    return pcipath_id(next(device.syspath for device in tree.devices if device.devname))


def test_links_that_udev_has_no_room_for():
    """A head of 64 controllers, of which udev's line would be cut somewhere: the first links are made, a line says so."""
    subsystem, namespace = NvmeSubsystem(), Namespace(1)
    machine = Machine([Root([function(f"{slot:02x}.{number}", Nvme([namespace], subsystem))
                             for slot in range(8) for number in range(8)])])
    outcome = sandbox.run(ask_head, machine)
    links = outcome.properties["ID_PCI_PATH_LINKS"]
    words = links.split()
    assert outcome.status == 0 and len(links) < 1024 <= len(links) + len(" disk/by-pci-path/00.0-nvme-1")
    assert words == [f"disk/by-pci-path/{n // 8:02x}.{n % 8}-nvme-1" for n in range(len(words))]
    assert outcome.stderr.decode().splitlines() == [
        f"pcipath_id: /sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1: the links are longer than 1023 bytes in total: "
        f"those from {len(words) // 8:02x}.{len(words) % 8}-nvme-1 on are not made"]


def test_help_and_version():
    for option in ("--help", "-h", "--version"):
        outcome = pcipath_id(option)
        assert outcome.status == 0 and outcome.stdout and not outcome.stderr
