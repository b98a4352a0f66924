# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cloud Hypervisor's vm.info and Firecracker's configuration, of the shapes that their API descriptions give, against what
pcipath lists in fake guests of the same machines."""

import json
from pathlib import Path

import pytest
from command.run import on_machine
from host.run import error, pcipath_host, table
from trees.machine import Machine, Root, VirtioBlk, function

COVERS = {
    "cloud-hypervisor": "Host: Cloud Hypervisor's vm.info, as a guest of its shape lists it",
    "firecracker": "Host: Firecracker's configuration, as a guest of its shape lists it",
    "cloud_hypervisor_wrong_shape": "Input: documents of monitors that say too little or what cannot be",
    "firecracker_wrong_shape": "Input: documents of monitors that say too little or what cannot be",
}

DOCUMENTS = Path(__file__).parent / "documents"
LINKS = "/dev/disk/by-pci-path/"
VM_INFO, CONFIGURATION = ((DOCUMENTS / f"{name}.json").read_text() for name in ("cloud-hypervisor", "firecracker"))


def blk(slot):
    return function(slot, VirtioBlk())


GUESTS = {
    "cloud-hypervisor": Machine([
        Root([function("00.0"), blk("01.0"), function("02.0"), blk("1f.0")]),
        Root([function("00.0"), blk("01.0"), function("1f.0")], domain=1),
        Root([function("00.0"), blk("01.0"), function("1f.0")], domain=15),
        *(Root([function("00.0")], domain=segment) for segment in range(2, 15))]),
    # Balloon; drives with the root first; interfaces; vsock; entropy.
    "firecracker": Machine([Root([function("00.0"), function("01.0"), blk("02.0"), blk("03.0"), blk("04.0"), function("05.0"),
                                  function("06.0"), function("07.0"), function("08.0")])]),
}


@pytest.mark.parametrize("monitor", GUESTS)
def test_as_a_guest_lists_it(monitor):
    """But for the host bridges, which no document has."""
    [listed] = on_machine(GUESTS[monitor], ["list", "-a", "-n", "-o", "PATH"])
    inside = {path for path in listed.lines if not path.strip().endswith("00.0")}
    [disks] = on_machine(GUESTS[monitor], ["list", "-J"])
    rows = table("list", f"--{monitor}={DOCUMENTS}/{monitor}.json")
    assert {row["path"] for row in rows} == {path.strip() for path in inside}
    assert {row["path"] for row in rows if row["kind"] == "disk"} == {
        row["path"] for row in json.loads(disks.stdout)["functions"] if row["name"].startswith("/dev/vd")}
    assert all(row["name"] == LINKS + row["path"].replace(":", "_") for row in rows if row["kind"] == "disk")


# -- Cloud Hypervisor --

def vm_info(**changes):
    return json.dumps(json.loads(VM_INFO) | changes)


def test_cloud_hypervisor_ids():
    source = f"--cloud-hypervisor={DOCUMENTS}/cloud-hypervisor.json"
    ids = ["_disk0", "_virtio-pci-_disk0", "data", "card", "_vfio4"]
    assert pcipath_host("of", source, *ids).stdout.split() == ["01.0", "01.0", "1f.0", "0001:00:1f.0", "000f:00:1f.0"]
    rows = {row["id"]: row for row in table("list", source)}
    assert rows["card"]["name"] == "pci-0001_00_1f.0" and rows["_vfio4"]["name"] is None
    assert "__serial" not in rows


def test_cloud_hypervisor_free():
    free = table("free", f"--cloud-hypervisor={DOCUMENTS}/cloud-hypervisor.json")
    assert len(free) == 16 * 31 - 7
    assert {"bus": "1", "slot": "02", "path": "0001:00:02.0"} in free
    assert not {"01.0", "02.0", "1f.0", "00.0"} & {row["path"] for row in free}


def test_cloud_hypervisor_before_the_boot():
    """Only a slot that was chosen is known."""
    text = vm_info(device_tree=None, state="Created")
    rows = {row["id"]: (row["path"], row["name"]) for row in table("list", "--cloud-hypervisor=-", stdin=text)}
    assert rows["data"] == ("1f.0", LINKS + "1f.0") and rows["_disk3"] == rows["card"] == (None, None)
    assert error("of", "--cloud-hypervisor=-", "card", stdin=text) == (
        3, "card: its slot is chosen at the boot: ask vm.info after it")
    assert table("free", "--cloud-hypervisor=-", stdin=text) == []


def test_cloud_hypervisor_reply_to_a_device_that_was_added():
    text = '{"id":"_disk7","bdf":"0001:00:04.0"}'
    [row] = table("list", "--cloud-hypervisor=-", stdin=text)
    assert (row["id"], row["path"], row["name"]) == ("_disk7", "0001:00:04.0", LINKS + "0001_00_04.0")


NODE = {"id": "x", "children": [], "pci_bdf": "0000:00:05.0"}


@pytest.mark.parametrize("text, reason", [
    ("", "not JSON, at byte 0"), ("{", "not complete"), ("[]", "not an object"), ('{} {}', "at byte 3: more after its end"),
    ("{\"a\":" + "[" * 100, "not JSON"), ("{}", "not vm.info of Cloud Hypervisor: no config"), ('{"config":[]}', "config: not of type object"),
    (vm_info(device_tree=[]), "device_tree: not of type object"), (vm_info(device_tree={"x": 1}), "device_tree['x']: not an object"),
    (vm_info(device_tree={"x": NODE | {"pci_bdf": 40}}), "device_tree['x'].pci_bdf: not of type string"),
    (vm_info(device_tree={"x": NODE | {"children": "y"}}), "device_tree['x'].children: not of type array"),
    *((vm_info(device_tree={"x": NODE | {"pci_bdf": bdf}}), f"x: '{bdf[:40]}' is no address on bus 00 of a segment") for bdf in (
        "", "05.0", "0000:01:05.0", "0000:00:20.0", "0000:00:05.8", "0000:00:05.0x", "0000:00:05", "x" * 99)),
    (vm_info(device_tree={"x": NODE | {"pci_bdf": "ffff:00:05.0"}}), "segment 65535 is not one of 256"),
    (vm_info(config={"platform": {"num_pci_segments": 0}}), "config.platform.num_pci_segments: not 1 to 256"),
    (vm_info(device_tree=None, config={"disks": {"id": "a", "pci_device_id": 32}}), "config.disks.pci_device_id: not 1 to 31"),
    (vm_info(device_tree=None, config={"disks": {"id": "a", "pci_segment": -(1 << 32) + 1}}), "is not one of 256"),
    (vm_info(device_tree=None, config={"disks": [{"id": "a"}, {"id": 7}]}), "config.disks[1].id: not of type string"),
    (vm_info(device_tree=None, config={"disks": [[]]}), "config.disks[0]: not an object"),
    (vm_info(device_tree=None, config={"disks": "all"}), "config.disks: not an array"),
    ('{"bdf":"0000:00:05.0"}', "no id"), ('{"bdf":5}', "bdf: not of type string"),
], ids=range(28))
def test_cloud_hypervisor_wrong_shape(text, reason):
    status, said = error("list", "--cloud-hypervisor=-", stdin=text)
    assert status == 1 and reason in said


def test_two_at_one_address():
    """What no monitor says: neither is named."""
    text = vm_info(device_tree={"a": NODE, "b": NODE})
    assert [(row["path"], row["absent"]) for row in table("list", "--cloud-hypervisor=-", stdin=text)] == [
        (None, "another device has the same place")] * 2


def test_control_characters_of_an_id():
    text = vm_info(device_tree={"\x1b[31m\n": NODE})
    assert "\x1b" not in pcipath_host("list", "--cloud-hypervisor=-", stdin=text).stdout
    status, said = error("of", "--cloud-hypervisor=-", "\x1b[31m", stdin=text)
    assert status == 3 and "\x1b" not in said


# -- Firecracker --

def configuration(**changes):
    return json.dumps(json.loads(CONFIGURATION) | {key.replace("_", "-"): value for key, value in changes.items()})


def test_firecracker_ids():
    source = f"--firecracker={DOCUMENTS}/firecracker.json"
    assert pcipath_host("of", source, "rootfs", "data", "more", "eth1").stdout.split() == ["02.0", "03.0", "04.0", "06.0"]
    assert table("free", source) == []


@pytest.mark.parametrize("changes, reason", [
    ({"boot_source": None}, "not a configuration of Firecracker: no boot-source"),
    ({"boot_source": {"boot_args": 1}}, "boot-source.boot_args: not of type string"),
    ({"drives": [{"drive_id": None}]}, "drives[0]: no drive_id"), ({"drives": {"drive_id": 1}}, "drives.drive_id: not of type string"),
    ({"drives": [1]}, "drives[0]: not an object"), ({"drives": 1}, "drives: not an array"),
    ({"drives": [{"drive_id": "a", "is_root_device": "yes"}]}, "drives[0].is_root_device: not of type boolean"),
    ({"network_interfaces": [{"iface_id": str(n)} for n in range(32)]}, "network-interfaces[27]: more than 31 devices"),
], ids=range(8))
def test_firecracker_wrong_shape(changes, reason):
    status, said = error("list", "--firecracker=-", stdin=configuration(**changes))
    assert status == 1 and reason in said


@pytest.mark.parametrize("args, has_pci", [("pci=off", False), ("quiet pci=off panic=1", False), ("pci=offset", True)])
def test_firecracker_without_pci(args, has_pci):
    text = configuration(boot_source={"boot_args": args})
    if has_pci:
        assert table("list", "--firecracker=-", stdin=text)
    else:
        assert error("list", "--firecracker=-", stdin=text) == (3, "-: the guest has no PCI: pci=off in boot-source.boot_args")
