# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trees and attributes that no kernel should show: pcipath_id refuses them, and prints nothing of them."""

import os

import pytest
from programs import pcipath_id
from synthetic.malformed import KIB64, MACHINES, TREES, UNREADABLE, Edit, assert_refused
from synthetic.parts import blk, chain, multipath
from trees import sandbox
from trees.machine import Machine, Root
from trees.sysfs import Tree

COVERS = {
    "malformed_tree": "Fault: names, attributes and links in sysfs that no kernel makes",
    "odd_uevent": "Fault: names, attributes and links in sysfs that no kernel makes",
    "number_of_64k_digits": "Fault: sysfs attributes of 64 KiB",
}


def spoil_and_ask(names):
    outcomes = {}
    for name in names:
        sandbox.empty("/sys")
        edit = Edit(MACHINES[TREES[name].machine])
        asked = TREES[name].edit(edit) or edit.disk
        outcomes[name] = pcipath_id(asked)
    return outcomes


@pytest.fixture(scope="module")
def outcomes():
    return sandbox.run(spoil_and_ask, list(TREES))


@pytest.mark.parametrize("name", TREES)
def test_malformed_tree(outcomes, name):
    assert_refused(outcomes[name], TREES[name].status, TREES[name].message)


def ask_sound_trees():
    outcomes = {}
    for name, machine in MACHINES.items():
        sandbox.empty("/sys")
        outcomes[name] = pcipath_id(Edit(machine).disk)
    return outcomes


def test_unspoilt_trees_are_named():
    """It is the edit that is refused in each case."""
    outcomes = sandbox.run(ask_sound_trees)
    assert {name for name, outcome in outcomes.items() if outcome.status != 0} == {"too-deep"}
    assert all(b"ID_PCI_PATH_LINK=" in outcome.stdout for name, outcome in outcomes.items() if name != "too-deep")


def long_digits(machine, find):
    sandbox.empty("/sys")
    edit = Edit(machine)
    edit.write(find(edit), b"1" * KIB64 + b"\n")
    return pcipath_id(edit.disk)


def deep_link(machine):
    return pcipath_id(Edit(machine).disk)


def assert_no_link(outcome, path):
    assert outcome.status == 0
    assert outcome.stdout.decode() == f'ID_PCI_PATH={path}\nID_PCI_PATH_TAG={path.replace("/", "-")}\n'
    assert outcome.stderr.endswith(b"the name of the link would be longer than 255 bytes: the link is not made\n")
    assert outcome.stderr.count(b"\n") == 1


def test_link_too_long():
    """The properties are printed, the link is not made, and one line says so."""
    outcome = sandbox.run(deep_link, Machine([Root([chain(52, blk())])]))
    assert_no_link(outcome, "/".join(["00.0"] * 52))


@pytest.mark.parametrize("name,find,path", [
    ("nvme", lambda t: t.disk + b"/nsid", "02.0/00.0"),
    ("ata", lambda t: t.find("/ata_port/ata1") + b"/port_no", "1f.2"),
])
def test_number_of_64k_digits(name, find, path):
    assert_no_link(sandbox.run(long_digits, MACHINES[name], find), path)


def short_scsi(t):
    """A SCSI device that is a child of its host's parent."""
    device = t.find("/0:0:0:0")
    above = device.split(b"/host0")[0]
    os.rename(device, above + b"/0:0:0:0")
    os.unlink(above + b"/0:0:0:0/subsystem")
    os.symlink("/sys/bus/scsi", above + b"/0:0:0:0/subsystem")
    t.disk = above + b"/0:0:0:0/block/sda"


def ask_short_scsi():
    edit = Edit(MACHINES["scsi"])
    short_scsi(edit)
    return pcipath_id(edit.disk)


def test_scsi_device_without_host():
    """A transport that we do not know: the function has a path, the disk no link."""
    outcome = sandbox.run(ask_short_scsi)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, b"ID_PCI_PATH=02.0\nID_PCI_PATH_TAG=02.0\n", b"")


def test_most_hops():
    outcome = sandbox.run(deep_link, Machine([Root([chain(255, blk())])]))
    assert_no_link(outcome, "/".join(["00.0"] * 255))


def uevent_of(content):
    edit = Edit(MACHINES["virtio"])
    edit.write(edit.disk + b"/uevent", content or b"")
    if content is None:
        os.unlink(edit.disk + b"/uevent")
        os.mkdir(edit.disk + b"/uevent")
    return pcipath_id(edit.disk)


@pytest.mark.parametrize("content", [
    None, b"", b"\n\n\n", b"DEVTYPE", b"DEVTYPE=\n", b"DEVTYPE=disk\x01\n", b"=\n=\n", b"\xff\xfe\n",
    b"DEVTYPE=disk" * 6000, b"A" * KIB64, b"\n" * KIB64, b"DEVNAME=../../etc/passwd\nMAJOR=x\nMINOR=-1\n",
], ids=lambda content: repr(content[:16]) if content else str(content))
def test_odd_uevent(content):
    """It does not say that this is a disk, and what it says is not repeated. None: it is a directory."""
    outcome = sandbox.run(uevent_of, content)
    assert outcome.status in (0, UNREADABLE)
    if outcome.status == 0:
        assert outcome.stdout == b"ID_PCI_PATH=02.0/00.0\nID_PCI_PATH_TAG=02.0-00.0\n"
        assert outcome.stderr == b""
    else:
        assert_refused(outcome, UNREADABLE)


# -- NVMe multipath heads: what one path is spoilt by does not touch the others --

def path_of_head(name, content):
    """An attribute of the first controller's path, or of the controller."""
    def edit(controller, path):
        target = f"{controller}/{name}" if name == "state" else f"{path}/{name}"
        os.unlink(target)
        if content is not None:
            with open(target, "wb") as f:
                f.write(content)
    return edit


def controller_link(target):
    def edit(controller, _):
        link = f"/sys/devices/virtual/nvme-subsystem/nvme-subsys1/{os.path.basename(controller)}"
        os.unlink(link)
        if target:
            os.symlink(target, link)
    return edit


PATHS = {
    "state-missing": path_of_head("state", None),
    "state-empty": path_of_head("state", b""),
    "state-unknown": path_of_head("state", b"live (almost)\n"),
    "state-64k": path_of_head("state", b"live" * (KIB64 // 4)),
    "nsid-missing": path_of_head("nsid", None),
    "nsid-injects": path_of_head("nsid", b"1\nID_EVIL=1 disk/by-pci-path/evil\n"),
    "nsid-path": path_of_head("nsid", b"../../evil\n"),
    "nsid-blank": path_of_head("nsid", b"1 evil\n"),
    "nsid-64k": path_of_head("nsid", b"1 " * (KIB64 // 2)),
    "controller-not-in-subsystem": controller_link(None),
    "controller-dangling": controller_link("/sys/devices/nothing"),
    "controller-loop": controller_link("/sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme0"),
    "function-no-address": lambda controller, _: os.rename(controller.partition("/nvme/")[0], "/sys/devices/pci0000:00/evil"),
}


def ask_spoilt_head(edit):
    tree = Tree(multipath(), "/sys")
    controller = next(device.syspath for device in tree.devices if device.subsystem == "nvme")
    edit(controller, f"{controller}/nvme1c{controller[-1]}n1")
    return [pcipath_id(next(device.syspath for device in tree.devices if device.devname == name))
            for name in ("nvme1n1", "nvme1n1p2")]


@pytest.mark.parametrize("name", PATHS)
def test_one_path_does_not_spoil_the_others(name):
    for outcome, part in zip(sandbox.run(ask_spoilt_head, PATHS[name]), ("", "-part2"), strict=True):
        assert (outcome.status, outcome.stderr) == (0, b"")
        assert outcome.properties == {"ID_PCI_PATH_LINKS": " ".join(
            f"disk/by-pci-path/02.{n}-00.0-nvme-1{part}" for n in (1, 3))}
