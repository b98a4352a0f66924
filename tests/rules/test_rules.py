# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules under stock udev: the oracle's and the helper's names, and a helper only where one is needed."""

import os
import shutil
from pathlib import Path

import pytest
from programs import pcipath_id
from rules import udev
from synthetic import machines
from synthetic.machines import SYNTHETIC
from synthetic.malformed import MACHINES, TREES, Edit
from synthetic.parts import blk, chain, multipath, nvme
from trees import sandbox
from trees.machine import (Ata, AtaPort, Disk, HostBridge, Lun, Machine, Mmc, Root, ScsiHosts, Usb, UsbDisk,
                           VirtioScsi, VirtualFunctions, VmbusRoot, function, vf)
from trees.names import Name, Names
from trees.sysfs import Tree

COVERS = machines.COVERS | {
    "no_half_name_when_the_helper_fails": "Fault: a udev helper fails, is killed or is missing",
    "no_link_for_what_the_helper_refuses": "Fault: names, attributes and links in sysfs that no kernel makes",
}


def named_by_contract(device):
    """Functions and what has a node have names; what lies between may have its function's."""
    return device.subsystem == "pci" or device.devname is not None


def check_records(devices, names):
    links = {}
    for device in devices:
        expected = names.get(device.key)
        found = udev.record(device)
        wanted = expected.properties() if expected else {}
        if device.subsystem == "auxiliary":
            continue  # what it has is private
        if named_by_contract(device):
            assert found.properties == wanted, device.devpath
        else:
            assert found.properties.get("ID_PCI_PATH") in (None, wanted.get("ID_PCI_PATH")), device.devpath
            assert "ID_PCI_PATH_LINK" not in found.properties, device.devpath
        own = expected if expected and (device.devname or expected.nodes) else Name(None)
        assert found.links == set(own.links), device.devpath
        links |= {link: device.devname for link in own.disk_links}
    assert udev.links_on_disk() == links


def live(machine):
    """A device's life: it comes, changes, comes again (udevadm trigger), is bound, goes. Who started the helper?"""
    udev.enter()
    names = Names(machine)
    started = {}
    with udev.Udevd(debug=True) as udevd:
        udevd.boot(Tree(machine, "/sys", seed=3))
        for device in filter(named_by_contract, udevd.devices):
            expected = names.get(device.key)
            assert pcipath_id(device.syspath).properties == (expected.properties() if expected else {})
        # To be bound has another event follow, which the test below looks at.
        for action in ("add", "change", "add", *([] if machine.groups else ["bind"]), "change"):
            udevd.events(action)
            check_records(udevd.devices, names)
            starts = udevd.started()
            assert starts == started.setdefault(action, starts)
        udevd.events("remove")
        assert udev.links_on_disk() == {}
        assert not any(udev.record(device).links for device in udevd.devices)
        assert udevd.started() == []
    return started


@pytest.mark.parametrize("name", SYNTHETIC)
def test_life(name):
    sandbox.run(live, SYNTHETIC[name].machine)


def below_port(*below):
    return Machine([Root([function("02.0", function("00.0", *below))])])


# What needs no helper, and what does, with how many starts of it: once for each function on another root's bus, say.
ORDINARY = {
    "virtio-blk": below_port(blk(2)),
    "nvme": below_port(nvme(1, 2)),
    "virtio-scsi": below_port(VirtioScsi([Lun(0, 0, disk=Disk(2)), Lun(3, 17), Lun(255, 255)])),
    "every-slot": Machine([Root([function(f"{slot:02x}.{slot % 8}", blk()) for slot in range(32)])]),
    "nine-hops": Machine([Root([chain(9, blk(1))])]),
    "device-tree": Machine([Root([function("01.0", blk(1))], above="platform/4010000000.pcie")]),
    "firecracker": SYNTHETIC["firecracker"].machine,
    "no-pci": SYNTHETIC["no-pci"].machine,
}
OTHERS = {
    "other-bus": (Machine([Root([function("00.0", function("00.0", blk(1)))], bus=0x40)]), 1),
    "other-domain": (Machine([Root([function("03.0", blk(1))], domain=1)]), 1),
    "vmbus": (Machine([VmbusRoot([function("02.0", nvme(1))], "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0")]), 1),
    "vmd": (Machine([Root([function("0e.0", HostBridge(0xe0, [function("01.0", function("00.0", nvme(1)))]))])]), 1),
    "virtual-functions": (Machine([Root([function("02.0", nvme(1), vfs=VirtualFunctions([vf(nvme(1)), vf(blk(1))],
                                                                                       offset=8))])]), 2),
    "ata": (below_port(Ata([AtaPort(1, Disk(2)), AtaPort(2, Disk())])), 2),
    "lun-256": (below_port(VirtioScsi([Lun(0, 0), Lun(0, 256)])), 1),
    "scsi-hosts": (below_port(ScsiHosts([[Lun(0, 0)], [Lun(0, 0)]])), 2),
    "usb": (below_port(Usb([UsbDisk("1", [Lun(disk=Disk(2))]), UsbDisk("2.1", [Lun()])])), 2),
    "mmc": (below_port(Mmc(Disk(2))), 1),
    "ten-hops": (Machine([Root([chain(10)])]), 1),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_no_process_for_ordinary_devices(name):
    started = sandbox.run(live, ORDINARY[name])
    assert not any(started.values())


@pytest.mark.parametrize("name", OTHERS)
def test_helper_is_asked(name):
    machine, starts = OTHERS[name]
    assert len(sandbox.run(live, machine)["add"]) == starts


@pytest.mark.parametrize("name", OTHERS)
def test_no_process_for_a_change(name):
    assert sandbox.run(live, OTHERS[name][0])["change"] == []


def live_controllers(machine):
    """After each event of a controller, what udev was made to look at again."""
    udev.enter()
    changed = {}
    with udev.Udevd(debug=True) as udevd:
        udevd.boot(Tree(machine, "/sys"))
        for action in ("add", "change", "remove"):
            for device in udevd.devices:
                if device.subsystem == "nvme":
                    udevd.events(action, [device])
                    changed[action, device.devpath] = udevd.changed()
        heads = sorted(os.path.basename(device.devpath) for device in udevd.devices if "/nvme-subsystem/" in device.devpath and
                       device.subsystem == "block")
        with open(udev.LOG, "rb") as log:
            return changed, heads, b"udevadm" in log.read()


@pytest.mark.parametrize("name", ["nvme-multipath", "nvme-multipath-elsewhere"])
def test_a_controller_has_the_heads_looked_at(name):
    """When it comes or goes, all heads and their partitions; not when it is no PCI function's."""
    changed, heads, _ = sandbox.run(live_controllers, SYNTHETIC[name].machine)
    assert len(heads) > 3
    for (action, devpath), names in changed.items():
        assert names == (heads if action != "add" and "/pci" in devpath else []), (action, devpath)


def test_an_ordinary_controller_starts_no_process():
    changed, heads, started = sandbox.run(live_controllers, below_port(nvme(1, 2)))
    assert not any(changed.values()) and not heads and not started


def bind_functions():
    """What udev makes the kernel do with the nodes of groups when each of their functions is bound or unbound."""
    udev.enter()
    tree = Tree(SYNTHETIC["vfio"].machine, "/sys")
    nodes = [device for device in tree.devices if device.subsystem == "vfio"]
    written = []
    with udev.Udevd() as udevd:
        udevd.boot(tree)
        for action in ("add", "bind", "unbind"):
            udevd.events(action, [device for device in udevd.devices if device.subsystem == "pci"])
            written.append([])
            for node in nodes:
                with open(f"{node.syspath}/uevent", "r+", encoding="utf-8") as f:
                    written[-1].append(f.read().strip())
                    f.truncate(0)
    return written


def test_group_is_looked_at_again_when_a_function_is_bound_or_unbound():
    add, bind, unbind = sandbox.run(bind_functions)
    assert len(add) == 4 and all("MAJOR=" in text for text in add)
    assert bind == unbind == ["change"] * 4


def unplug_functions():
    """For each function the nodes whose links lead to its group, and those that have an event when it is unplugged, and is gone before its
    event "unbind"."""
    udev.enter()
    answers = []
    with udev.Udevd() as udevd:
        udevd.boot(Tree(SYNTHETIC["vfio"].machine, "/sys"))
        udevd.events("add")
        nodes = [device for device in udevd.devices if device.subsystem == "vfio"]
        texts = {path: path.read_text() for node in nodes for path in [Path(node.syspath, "uevent")]}
        groups = {link: os.path.basename(node.devpath) for node in nodes for link in udev.record(node).links}
        for device in [device for device in udevd.devices if device.subsystem == "pci"]:
            link = f"vfio/by-pci-path/{udev.record(device).properties['ID_PCI_PATH_TAG']}"
            if os.path.lexists(f"{device.syspath}/iommu_group"):
                os.unlink(f"{device.syspath}/iommu_group")
            udevd.changed()
            for action in ("unbind", "remove"):
                udevd.events(action, [device])
            answers.append(([groups[link]] if link in groups else [], udevd.changed()))
            for path, text in texts.items():
                path.write_text(text)
    return answers


def test_group_is_looked_at_again_when_a_function_is_unplugged():
    answers = sandbox.run(unplug_functions)
    assert sum(bool(expected) for expected, _ in answers) >= 4
    for expected, changed in answers:
        assert changed == expected


HELPERS = {
    "fails": "exit 1",
    "prints-half-and-fails": "echo ID_PCI_PATH=07.0; exit 3",
    "prints-all-and-fails": "echo ID_PCI_PATH=07.0; echo ID_PCI_PATH_TAG=07.0; echo ID_PCI_PATH_LINK=07.0; exit 1",
    "dies": "echo ID_PCI_PATH=07.0; kill -SEGV $$",
    "missing": None,
}

# Devices that the rules cannot name themselves, with properties of a parent and without.
ASKING = {
    "other-root": Machine([Root([function("00.0", function("00.0", blk(1)))], bus=0x40)]),
    "virtual-function": Machine([Root([function("02.0", vfs=VirtualFunctions([vf(nvme(1))], 8))])]),
    "vmd": Machine([Root([function("0e.0", HostBridge(0xe0, [function("01.0", nvme(1))]))])]),
    "deep": Machine([Root([chain(12, blk(1))])]),
    "ata": below_port(Ata([AtaPort(1, Disk(1))])),
    "lun-256": below_port(VirtioScsi([Lun(0, 256, disk=Disk(1))])),
    "usb": below_port(Usb([UsbDisk("1", [Lun(disk=Disk(1))])])),
    "mmc": below_port(Mmc(Disk(1))),
    "nvme-multipath": multipath(),
}


def live_with_helper(script, machine):
    directory = "/run/pcipath-udev"
    os.makedirs(directory, exist_ok=True)
    udev.enter()
    shutil.copytree("/usr/lib/udev/rules.d", f"{directory}/rules.d")
    if script is not None:
        with open(f"{directory}/pcipath_id", "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\n{script}\n")
        os.chmod(f"{directory}/pcipath_id", 0o755)
    sandbox.bind(directory, "/usr/lib/udev")

    names = Names(machine)
    with udev.Udevd() as udevd:
        udevd.boot(Tree(machine, "/sys"))
        for action in ("add", "change", "add"):
            udevd.events(action)
            for device in udevd.devices:
                found, expected = udev.record(device), names.get(device.key)
                visible = {key: value for key, value in found.properties.items() if key != "ID_PCI_PATH_SCSI"}
                both = {"ID_PCI_PATH": expected.path, "ID_PCI_PATH_TAG": expected.flat} if expected and expected.path else {}
                assert visible in ({}, both), f"{action}: {device.devpath}"
                assert not found.links, device.devpath
            assert udev.links_on_disk() == {}


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("helper", HELPERS)
def test_no_half_name_when_the_helper_fails(helper, name):
    sandbox.run(live_with_helper, HELPERS[helper], ASKING[name])


def live_spoilt(names):
    """The events on the way to what each spoilt tree is asked about; what became of its disk."""
    udev.enter()
    found = {}
    with udev.Udevd() as udevd:
        for name in names:
            sandbox.empty("/sys")
            edit = Edit(MACHINES[TREES[name].machine])
            udevd.boot(edit.tree)
            asked = TREES[name].edit(edit) or edit.disk
            for device in walk(os.fsdecode(asked), edit.tree):
                if os.path.isfile(f"{device.syspath}/uevent"):
                    udevd.events("add", [device])
            found[name] = udev.links_on_disk(), injected()
    return found


def walk(syspath, tree):
    """The devices on the way to `syspath`, as they are called now."""
    disk = next(device for device in tree.devices if device.devtype == "disk")
    parts = syspath.removeprefix("/sys").split("/")
    for end in range(3, len(parts) + 1):
        devpath = "/".join(parts[:end])
        if os.path.lexists(f"/sys{devpath}/subsystem"):
            device = type(disk)(devpath, os.path.basename(os.readlink(f"/sys{devpath}/subsystem")))
            if end == len(parts):
                device.devname, device.devnum = disk.devname, disk.devnum
            yield device


def injected():
    """Files of the database with a line that no rule wrote."""
    found = []
    for name in os.listdir("/run/udev/data"):
        with open(f"/run/udev/data/{name}", "rb") as f:
            found += [name for line in f if b"EVIL" in line and not line.startswith(b"E:DEVPATH")]
    return found


# What a rule cannot see: what a parent's number is.
UNSEEN = {"scsi-host-of-another-number"}
REFUSED = [name for name in TREES if name not in UNSEEN | {"too-deep"}]


@pytest.fixture(scope="module")
def spoilt():
    return sandbox.run(live_spoilt, REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_no_link_for_what_the_helper_refuses(spoilt, name):
    links, evil = spoilt[name]
    # There it is the partition that is refused, not its disk.
    assert links == ({"02.0-00.0": "vda"} if name == "partition-without-number" else {})
    assert evil == []
