# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cloud Hypervisor's vm.info and Firecracker's configuration, of the shapes that their API descriptions give, against what
pcipath lists in fake guests of the same machines."""

import json
from pathlib import Path

import pytest
from command.run import on_machine
from host.run import error, growth, pcipath_host, table
from trees.machine import Machine, Root, VirtioBlk, function

COVERS = {
    "cloud-hypervisor": "Host: Cloud Hypervisor's vm.info, compared with `pcipath list` in a guest like that",
    "firecracker": "Host: Firecracker's configuration, compared with `pcipath list` in a guest like that",
    "cloud_hypervisor_wrong_shape": "Fault: documents of monitors with missing or impossible values",
    "firecracker_wrong_shape": "Fault: documents of monitors with missing or impossible values",
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
        3, "card: the slot is chosen at boot: use vm.info of the running machine")
    assert table("free", "--cloud-hypervisor=-", stdin=text) == []


def test_cloud_hypervisor_reply_to_a_device_that_was_added():
    text = '{"id":"_disk7","bdf":"0001:00:04.0"}'
    [row] = table("list", "--cloud-hypervisor=-", stdin=text)
    assert (row["id"], row["path"], row["name"]) == ("_disk7", "0001:00:04.0", LINKS + "0001_00_04.0")


NODE = {"id": "x", "children": [], "pci_bdf": "0000:00:05.0"}


@pytest.mark.parametrize("text, reason", [
    ("", "the document is empty: nothing came from standard input"), ("{", "not complete"), ("[]", "the document is not a JSON object"), ('{} {}', "byte 3: text after the end"),
    ("{\"a\":" + "[" * 100, "not JSON"), ("{}", "the key config is missing: save the output of 'ch-remote --api-socket SOCKET info'"), ('{"config":[]}', "config is not of type object"),
    (vm_info(device_tree=[]), "device_tree is not of type object"), (vm_info(device_tree={"x": 1}), "device_tree['x'] is not an object"),
    (vm_info(device_tree={"x": NODE | {"pci_bdf": 40}}), "device_tree['x'].pci_bdf is not of type string"),
    (vm_info(device_tree={"x": NODE | {"children": "y"}}), "device_tree['x'].children is not of type array"),
    *((vm_info(device_tree={"x": NODE | {"pci_bdf": bdf}}), f"x: '{bdf[:40]}' is not an address on bus 00 of a segment: bridges of Cloud Hypervisor are not supported") for bdf in (
        "", "05.0", "0000:01:05.0", "0000:00:20.0", "0000:00:05.8", "0000:00:05.0x", "0000:00:05", "x" * 99)),
    (vm_info(device_tree={"x": NODE | {"pci_bdf": "ffff:00:05.0"}}), "-: x: segment 65535 is not one of 0 to 255"),
    (vm_info(config={"platform": {"num_pci_segments": 0}}), "config.platform.num_pci_segments is not a number from 1 to 256"),
    (vm_info(device_tree=None, config={"disks": {"id": "a", "pci_device_id": 32}}), "config.disks.pci_device_id is not a number from 1 to 31"),
    (vm_info(device_tree=None, config={"disks": {"id": "a", "pci_segment": -(1 << 32) + 1}}), "-: config.disks: segment -4294967295 is not one of 0 to 255"),
    (vm_info(device_tree=None, config={"disks": [{"id": "a"}, {"id": 7}]}), "config.disks[1].id is not of type string"),
    (vm_info(device_tree=None, config={"disks": [[]]}), "config.disks[0] is not an object"),
    (vm_info(device_tree=None, config={"disks": "all"}), "config.disks is not an array"),
    ('{"bdf":"0000:00:05.0"}', "the key id is missing"), ('{"bdf":5}', "bdf is not of type string"),
], ids=range(28))
def test_cloud_hypervisor_wrong_shape(text, reason):
    status, said = error("list", "--cloud-hypervisor=-", stdin=text)
    assert status == 1 and reason in said


def test_cloud_hypervisor_without_host_bridges():
    """After v53, slot 0 of segments other than 0 is a slot like others."""
    nodes = {"a": NODE | {"pci_bdf": "0001:00:00.0", "id": "a"}, "b": NODE | {"pci_bdf": "0002:00:05.0"}}
    text = vm_info(device_tree=nodes, config={"platform": {"num_pci_segments": 3}})
    assert {row["id"]: row["path"] for row in table("list", "--cloud-hypervisor=-", stdin=text)} == {
        "a": "0001:00:00.0", "b": "0002:00:05.0"}
    free = {row["path"] for row in table("free", "--cloud-hypervisor=-", stdin=text)}
    assert "0002:00:00.0" in free and not {"0001:00:00.0", "00.0"} & free
    # Before the boot: by choice there, never on segment 0.
    chosen = {"disks": [{"id": "a", "pci_segment": 1, "pci_device_id": 0}]}
    assert [row["path"] for row in table("list", "--cloud-hypervisor=-", stdin=vm_info(device_tree=None, config=chosen))] == ["0001:00:00.0"]
    chosen["disks"][0]["pci_segment"] = 0
    assert error("list", "--cloud-hypervisor=-", stdin=vm_info(device_tree=None, config=chosen))[0] == 1


OWN = {"rng": "__rng", "balloon": "__balloon", "console": "__console", "rtc": "__rtc", "ivshmem": "__ivshmem"}


def test_cloud_hypervisor_own_devices():
    """Two underscores, and a slot by choice, even without an id."""
    nodes = {f"_virtio-pci-{name}": {"children": [name], "pci_bdf": f"0000:00:{slot:02x}.0"}
             for slot, name in enumerate([*OWN.values(), "__watchdog", "__iommu"], start=1)}
    rows = table("list", "--cloud-hypervisor=-", stdin=vm_info(device_tree=nodes, config={"watchdog": True, "iommu": False}))
    assert {row["id"]: row["type"] for row in rows} == {name: kind for kind, name in OWN.items()} | {
        "__watchdog": "watchdog", "__iommu": "iommu"}
    config = {"watchdog": True, "console": {"mode": "Off", "pci_device_id": 9}, "rtc": {"pci_device_id": 3, "pci_segment": 1},
              "ivshmem": {"pci_device_id": 4, "path": "/x", "size": 1}, "rng": {"src": "/dev/urandom"}}
    rows = table("list", "--cloud-hypervisor=-", stdin=vm_info(device_tree=None, config=config))
    assert {row["id"]: row["path"] for row in rows} == {"__rtc": "0001:00:03.0", "__ivshmem": "04.0"}


def test_cloud_hypervisor_section_of_a_later_version():
    """Its devices are PCI devices if one of them has a slot; they move no others."""
    config = {"tomorrow": [{"id": "a"}, {"id": "b", "pci_device_id": 9, "pci_segment": 1}], "next": {"pci_device_id": 3},
              "numa": [{"id": "c", "pci_segments": [0]}], "disks": [{"id": "d", "pci_device_id": 4}]}
    rows = table("list", "--cloud-hypervisor=-", stdin=vm_info(device_tree=None, config=config))
    assert {(row["id"], row["type"], row["path"]) for row in rows} == {
        ("a", "tomorrow", None), ("b", "tomorrow", "0001:00:09.0"), (None, "next", "03.0"), ("d", "disks", "04.0")}
    config["tomorrow"].append(7)
    assert error("list", "--cloud-hypervisor=-", stdin=vm_info(device_tree=None, config=config)) == (
        1, "-: config.tomorrow[2] is not an object")


def test_id_of_a_user_before_that_of_the_monitor():
    """A network card that is called like a disk."""
    text = vm_info(device_tree={"_disk7": {"pci_bdf": "0000:00:05.0"}}, config={"net": [{"id": "_disk7"}]})
    assert [(row["type"], row["name"]) for row in table("list", "--cloud-hypervisor=-", stdin=text)] == [("net", "pci-05.0")]


def many_disks(n):
    config = {"disks": [{"id": f"d{i}"} for i in range(n)], "platform": {"num_pci_segments": 256}}
    tree = {f"_virtio-pci-d{i}": {"children": [f"d{i}"], "pci_bdf": f"{i % 256:04x}:00:{1 + i // 256 % 31:02x}.{i // 7936}"} for i in range(n)}
    return json.dumps({"config": config, "device_tree": tree})


def test_time_grows_with_the_number_of_devices():
    """Not with its square, which would be 16."""
    assert growth(many_disks(10000), many_disks(40000), "list", "--cloud-hypervisor=-") < 9
    everything = [f"d{i}" for i in range(5000)]
    assert len(pcipath_host("of", "--cloud-hypervisor=-", *everything, stdin=many_disks(5000)).stdout.split()) == 5000


def test_two_at_one_address():
    """What no monitor says: neither is named."""
    text = vm_info(device_tree={"a": NODE, "b": NODE})
    assert [(row["path"], row["absent"]) for row in table("list", "--cloud-hypervisor=-", stdin=text)] == [
        (None, "another device has the same address")] * 2


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
    ({"boot_source": None}, "the key boot-source is missing: use the file of its option --config-file"),
    ({"boot_source": {"boot_args": 1}}, "boot-source.boot_args is not of type string"),
    ({"drives": [{"drive_id": None}]}, "drives[0].drive_id is missing"), ({"drives": {"drive_id": 1}}, "drives.drive_id is not of type string"),
    ({"drives": [1]}, "drives[0] is not an object"), ({"drives": 1}, "drives is not an array"),
    ({"drives": [{"drive_id": "a", "is_root_device": "yes"}]}, "drives[0].is_root_device is not of type boolean"),
    ({"network_interfaces": [{"iface_id": str(n)} for n in range(32)]}, "network-interfaces[27] is the 32nd device"),
], ids=range(8))
def test_firecracker_wrong_shape(changes, reason):
    status, said = error("list", "--firecracker=-", stdin=configuration(**changes))
    assert status == 1 and reason in said


def test_firecracker_unknown_section():
    """It may be a device, before or between those that are known; one that is empty is none."""
    text = configuration(wormhole={"id": "w"})
    assert error("of", "--firecracker=-", "rootfs", stdin=text) == (
        3, "rootfs: the section 'wormhole' is not known: it may be a PCI device that moves the others")
    assert {row["path"] for row in table("list", "--firecracker=-", stdin=text)} == {None}
    for section in (None, []):
        assert table("list", "--firecracker=-", stdin=configuration(wormhole=section))[0]["path"]
    known = {name: {} for name in ("cpu_config", "logger", "machine_config", "metrics", "mmds_config", "serial")}
    assert table("list", "--firecracker=-", stdin=configuration(**known))[0]["path"]


def test_firecracker_one_id_twice():
    text = configuration(drives=[{"drive_id": "a", "is_root_device": False}] * 2)
    assert error("list", "--firecracker=-", stdin=text) == (1, "-: drives[1]: another device has the id 'a'")


def test_too_large():
    text = '{"config": {}, "device_tree": {}}' + " " * (16 << 20)
    assert error("list", "--cloud-hypervisor=-", stdin=text) == (1, "-: the document is larger than 16 MiB")


def test_nothing_is_free():
    outcome = pcipath_host("free", f"--firecracker={DOCUMENTS}/firecracker.json")
    assert outcome.stderr.endswith("firecracker.json: Firecracker chooses the slot of a hotplugged device\n")


@pytest.mark.parametrize("args, has_pci", [("pci=off", False), ("quiet pci=off panic=1", False), ("pci=offset", True)])
def test_firecracker_without_pci(args, has_pci):
    text = configuration(boot_source={"boot_args": args})
    if has_pci:
        assert table("list", "--firecracker=-", stdin=text)
    else:
        assert error("list", "--firecracker=-", stdin=text) == (
            3, "-: the guest has no PCI: remove pci=off from boot-source.boot_args, and start Firecracker with --enable-pci")
