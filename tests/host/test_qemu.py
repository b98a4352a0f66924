# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU while it is paused: pcipath-host against the oracle of tests/vm, which reads the same objects another way.

What a guest makes of it is compared in tests/vm (checks.py).
"""

import pytest
from command.run import on_machine
from emulator import LATER
from host.qemu import MACHINES, UNKNOWN_MACHINES, as_older, paused
from host.run import error, pcipath_host, table
from oracle import disks, interfaces, link_name, pci_functions, pci_path, standby_interfaces, virtual_functions
from machine import with_uid
from qmp import QMPError
from release import HOST
from platforms import QEMU_PLATFORMS
from random_machine import random_machine
from test_disks import KINDS_OF_DISK
from test_platforms import COVERS as PLATFORMS
from test_topologies import SHAPES, build
from test_usb_optical import TOPOLOGY as USB_OPTICAL
from trees.machine import Lun, Machine, Root, VirtioScsi, function

LINKS = "/dev/disk/by-pci-path/"
SEEDS = range(1, 13)

COVERS = {
    **PLATFORMS,
    "failover-pair": "Interface: a virtio failover pair: the standby interface",
    "topology": "Host: QEMU's pc, q35, virt and pseries, before they run",
    "later": "Host: QEMU 10 and 11",
    "both_ways": "Host: QEMU 10 and 11",
    "virtual_functions": "Host: virtual functions, before the guest enables them",
    "made_virtual_functions": "Host: virtual functions, before the guest enables them",
    "uids": "Root bus: s390: one PCI domain for each UID",
    "random_machine": "Bridge: random topologies",
    "devices_without_id": "Host: devices without an ID",
    "expanders_that_cannot_be_told_apart": "Host: ambiguous devices have no name",
    "multipath_namespace_has_a_name_for_each_controller": "Disk: NVMe multipath: one link for each live path",
    "marked": "Host: devices that the guest cannot have are marked",
    "shpc_that_the_guest_does_not_take": "Host: devices that the guest cannot have are marked",
    "free": "Host: `pcipath-host free`: where a device can be plugged in",
}


def device(driver, name=None, **properties):
    return {"driver": driver, **({"id": name} if name else {}), **properties}


def disk(name, bus, addr=None, **properties):
    return device("virtio-blk-pci", name, bus=bus, **({"addr": addr} if addr else {}), drive=name, **properties)


def port(name, bus, addr, chassis, **properties):
    return device("pcie-root-port", name, bus=bus, addr=addr, chassis=chassis, **properties)


TOPOLOGIES = {
    "six-shapes": ("q35", build("q35", [devices for devices, _ in SHAPES["q35"].values()])),
    "pc-shapes": ("pc", build("pc", [devices for devices, _ in SHAPES["pc"].values()])),
    "disks": ("q35", KINDS_OF_DISK),
    "usb-optical": ("q35", USB_OPTICAL),
    "failover-pair": ("q35", [port("rp", "pcie.0", "1.0", 1), device("virtio-net-pci", "standby", bus="rp", failover=True),
                              device("virtio-net-pci", "alone", bus="pcie.0", addr="2.0"), device("e1000e", "other", bus="pcie.0", addr="3.0")]),
    **{name: (platform.machine, platform.devices) for name, platform in QEMU_PLATFORMS.items()},
    "aarch64": ("virt", [
        port("rp", "pcie.0", "1.0", 1), disk("behind", "rp"), disk("flat", "pcie.0", "5.0"),
        device("pxb-pcie", "expander", bus="pcie.0", addr="6.0", bus_nr=0x80),
        port("below", "expander", "0.0", 2), device("virtio-net-pci", "net", bus="below")]),
    "pseries": ("pseries", [
        device("spapr-pci-host-bridge", "second", index=1), device("spapr-pci-host-bridge", "third", index=0x1e),
        device("pci-bridge", "bridge", bus="third.0", addr="4.0", chassis_nr=1),
        # Three at the same slot: only the domain tells them apart.
        *(disk(f"disk{n}", bus, "3.0") for n, bus in enumerate(("pci.0", "second.0", "third.0"))),
        disk("behind", "bridge", "3.0")]),
}


@pytest.mark.parametrize("kind, model", [("pc", "pci-root"), ("q35", "pcie-root"), ("virt", "pcie-root"),
                                         *((kind, "pci-root") for kind in UNKNOWN_MACHINES)])
def test_machines_that_both_readers_know(kind, model):
    """QMP knows the host bridge and libvirt the machine type: either both have a path, or neither has."""
    with paused(kind, [{"driver": "virtio-blk-pci", "id": "vda", "drive": "disk", "addr": "0x13"}]) as machine:
        [by_qmp] = [row["path"] for row in table("list", f"--qmp={machine.socket}") if row["id"] == "vda"]
    text = f"""<domain type='qemu'><os><type machine='{kind}'>hvm</type></os><devices><controller type='pci' index='0' model='{model}'/>
        <disk><target dev='vda' bus='virtio'/><address type='pci' bus='0x00' slot='0x13' function='0x0'/></disk></devices></domain>"""
    [by_libvirt] = [row["path"] for row in table("list", "--libvirt=-", stdin=text)]
    assert by_qmp == by_libvirt == (None if kind in UNKNOWN_MACHINES else "13.0")


def compare(machine):
    """The same functions and disks, with the same names, as the oracle has for what bears an id; and only those."""
    all_rows = table("list", f"--qmp={machine.socket}")
    rows = {row["id"]: row for row in all_rows if row["id"]}
    qmp = machine.qmp
    paths = {name: pci_path(qmp, name) for name in pci_functions(qmp)}
    links = {name: LINKS + link_name(qmp, name) for name in disks(qmp)}
    assert {name: row["path"] for name, row in rows.items() if name in paths} == paths
    assert {name: row["name"] for name, row in rows.items() if (row["name"] or "").startswith(LINKS)} == links
    names = [row["name"] for row in all_rows if (row["name"] or "").startswith("pci-")]
    assert sorted(names) == sorted([*interfaces(qmp).values(), *standby_interfaces(qmp).values()])
    for name, row in rows.items():
        assert row["absent"] is None and row["path"] == pci_path(qmp, name), name
    assert pcipath_host("of", f"--qmp={machine.socket}", *paths).stdout.split() == list(paths.values())
    return rows


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_topology(name):
    with paused(*TOPOLOGIES[name]) as machine:
        assert compare(machine)


@pytest.mark.parametrize("qemu", LATER)
@pytest.mark.parametrize("name", [name for name, (kind, _) in TOPOLOGIES.items() if kind in ("q35", "pc")])
def test_later(name, qemu):
    with paused(*TOPOLOGIES[name], qemu=qemu) as machine:
        assert compare(machine)


def check_both_ways(machine):
    """qom-list-get, and a command for each property: the same rows."""
    columns = "PATH,ID,NAME,KIND,TYPE,ABSENT,SOURCE,BACKEND,SERIAL,MAC,HOST"
    with as_older(machine) as (path, asked):
        for arguments in (["list", "-o", columns], ["free"]):
            assert table(*arguments, f"--qmp={machine.socket}") == table(*arguments, f"--qmp={path}")
    sent = b"".join(asked)
    assert b'"qom-get"' in sent and b'"qom-list-get"' not in sent


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name == "disks" else pytest.mark.exhaustive)
                                  for name, (kind, _) in TOPOLOGIES.items() if kind in ("q35", "pc")])
def test_both_ways(name):
    with paused(*TOPOLOGIES[name], qemu="forky") as machine:
        check_both_ways(machine)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", SEEDS)
def test_both_ways_on_random_machine(seed):
    kind, devices = random_machine(seed)
    if kind not in ("q35", "pc"):
        pytest.skip("forky's QEMU here is that of x86")
    with paused(kind, devices, qemu="forky") as machine:
        check_both_ways(machine)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_machine(seed):
    with paused(*random_machine(seed)) as machine:
        assert compare(machine)


UIDS = [
    *with_uid(0x10, disk("data", "pci.0")), disk("without-uid", "pci.0"),
    *with_uid(0xabcd, device("virtio-scsi-pci", "scsi", bus="pci.0")), device("scsi-hd", "lun", bus="scsi.0", drive="lun", lun=256),
    *with_uid(0xffff, device("virtio-net-pci", "card", bus="pci.0")),
    *with_uid(6, device("pci-bridge", "bridge", bus="pci.0", chassis_nr=1)), *with_uid(7, disk("bridged", "bridge", "3.0")),
    device("virtio-blk-ccw", "elsewhere", drive="elsewhere"), device("virtio-net-ccw", "channel-card")]


@pytest.mark.parametrize("qemu", LATER)
def test_uids(qemu):
    """s390: a function has the domain of its uid, wherever it is plugged in; a bridge is not there. What has no id has a uid that QEMU
    does not tell."""
    with paused("s390", [*UIDS, device("virtio-rng-pci", bus="pci.0")], qemu=qemu) as machine:
        rows = {row["id"]: row for row in table("list", f"--qmp={machine.socket}")}
        paths = {name: pci_path(machine.qmp, name) for name in pci_functions(machine.qmp)}
        without = {"bridge": "a bridge, which guests on s390 do not show", None: "without an id, so QEMU does not tell its uid"}
        assert {name: row["absent"] for name, row in rows.items() if not row["path"]} == without
        assert {name: row["path"] for name, row in rows.items() if name in paths} == paths
        on_pci = set(disks(machine.qmp)) - {"elsewhere"}
        assert {name: rows[name]["name"] for name in on_pci} == {name: LINKS + link_name(machine.qmp, name) for name in on_pci}
        assert (rows["bridged"]["path"], rows["card"]["name"]) == ("0007:00:00.0", "pci-ffff_00_00.0")
        assert rows.keys() == {None, "bridge", *paths, *on_pci}, "neither channel devices nor zpci devices"
        free = pcipath_host("free", f"--qmp={machine.socket}")
        assert (free.stdout, "devices on s390 have no slots" in free.stderr) == ("", True)
        if qemu == "forky":
            check_both_ways(machine)


def paths_by_type(machine):
    return sorted((row["type"], row["path"]) for row in table("list", f"--qmp={machine.socket}"))


@pytest.mark.parametrize("kind, functions", [
    ("q35", [("ICH9-LPC", "1f.0"), ("ICH9-SMB", "1f.3"), ("ich9-ahci", "1f.2"), ("mch", "00.0")]),
    ("pc", [("PIIX3", "01.0"), ("PIIX4_PM", "01.3"), ("i440FX", "00.0"), ("piix3-ide", "01.1")]),
    ("virt", [("gpex-root", "00.0")]), ("pseries", [])])
def test_machine_without_devices(kind, functions):
    """What the machine is born with has no id, but a type and a path."""
    with paused(kind, []) as machine:
        assert paths_by_type(machine) == functions


def test_devices_without_id():
    """Their expanders are told apart by their order."""
    with paused("pc", [*(device("pxb", bus="pci.0", addr=f"{n}.0", bus_nr=n << 4) for n in (9, 4)),
                       device("virtio-rng-pci", "first", bus="pci.1", addr="3.0"),
                       device("virtio-rng-pci", "second", bus="pci.2", addr="3.0")]) as machine:
        paths = pcipath_host("of", f"--qmp={machine.socket}", "first", "second").stdout.split()
        assert paths == ["0000:90:00.0/03.0", "0000:40:00.0/03.0"]


def test_expanders_that_cannot_be_told_apart():
    """One has no id, and the other as its id the name that QEMU makes up for the bus of the first."""
    with paused("pc", [device("pxb", bus="pci.0", addr="4.0", bus_nr=0x40),
                       device("pxb", "pci.1", bus="pci.0", addr="5.0", bus_nr=0x50)]) as machine:
        bridges = [row["path"] for row in table("list", f"--qmp={machine.socket}") if row["type"] == "pci-bridge"]
        assert bridges == [None, None]


def test_names_of_interfaces():
    with paused("q35", [port("rp", "pcie.0", "2.0", 1), device("e1000e", "card", bus="rp")]) as machine:
        [row] = [row for row in table("list", f"--qmp={machine.socket}") if row["id"] == "card"]
        assert (row["path"], row["name"], row["kind"]) == ("02.0/00.0", "pci-02.0-00.0", "network controller")


# -- Disks of several controllers --

def subsystem(*namespaces, controllers=2):
    return [device("nvme-subsys", "subsystem", nqn="s"),
            *(device("nvme", f"controller{n}", bus="pcie.0", addr=f"{n + 4}.0", serial="s", subsys="subsystem")
              for n in range(controllers)), *namespaces]


def test_multipath_namespace_has_a_name_for_each_controller():
    shared = device("nvme-ns", "ns", drive="ns", bus="controller0", nsid=3, shared=True)
    with paused("q35", subsystem(shared)) as machine:
        names = [row["name"] for row in table("list", f"--qmp={machine.socket}") if row["id"] == "ns"]
        assert names == [f"{LINKS}04.0-nvme-3", f"{LINKS}05.0-nvme-3"]
        assert pcipath_host("of", f"--qmp={machine.socket}", "ns").stdout.split() == ["04.0", "05.0"]


@pytest.mark.parametrize("controllers, names", [(1, [None]), (2, [None, None])])
def test_private_namespace_of_a_subsystem(controllers, names):
    """QEMU does not say which controller has it, nor that the one which had it is unplugged: no name is better than a wrong one."""
    private = device("nvme-ns", "ns", drive="ns", bus="controller0", nsid=3, shared=False)
    with paused("q35", subsystem(private, controllers=controllers)) as machine:
        rows = [row for row in table("list", f"--qmp={machine.socket}") if row["id"] == "ns"]
        assert [row["name"] for row in rows] == names
        assert all((row["absent"] is None) == (row["name"] is not None) for row in rows)


LUNS = [255, 256, 4000, 16383]


def test_luns_have_the_guest_s_number():
    """Linux has the LUNs from 256 on in SAM's flat form (16640 for 256); the guest's link has them decoded, as QEMU and libvirt
    count them. 16383 is the most that QEMU's virtio-scsi takes."""
    names = {f"scsi0-0-3-{lun}": f"{LINKS}04.0-scsi-0:0:3:{lun}" for lun in LUNS}
    luns = [device("scsi-hd", name, bus="scsi.0", channel=0, lun=lun, drive=name, **{"scsi-id": 3}) for name, lun in zip(names, LUNS)]
    with paused("q35", [device("virtio-scsi-pci", "scsi", bus="pcie.0", addr="4.0"), *luns]) as machine:
        by_qmp = {row["id"]: row["name"] for row in table("list", f"--qmp={machine.socket}") if row["id"] in names}
        with pytest.raises(QMPError, match="lun"):
            machine.plug(**device("scsi-hd", "more", bus="scsi.0", channel=0, lun=16384, drive="more", **{"scsi-id": 3}))
    disks = "".join(f"<disk><target dev='sd{letter}' bus='scsi'/><alias name='{name}'/>"
                    f"<address type='drive' controller='0' bus='0' target='3' unit='{lun}'/></disk>"
                    for letter, name, lun in zip("abcd", names, LUNS))
    text = f"""<domain type='qemu'><os><type machine='q35'>hvm</type></os><devices><controller type='pci' index='0' model='pcie-root'/>
        <controller type='scsi' index='0' model='virtio-scsi'><address type='pci' bus='0x00' slot='0x04' function='0x0'/></controller>
        {disks}</devices></domain>"""
    by_libvirt = {row["id"]: row["name"] for row in table("list", "--libvirt=-", stdin=text) if row["id"] in names}
    assert by_qmp == by_libvirt == names
    guest = Machine([Root([function("04.0", VirtioScsi([Lun(3, lun) for lun in LUNS]))])])
    found = on_machine(guest, *(["find", name.removeprefix(LINKS)] for name in names.values()))
    assert all(f.status == 0 and f.stdout.startswith("/dev/sd") for f in found) and len({f.stdout for f in found}) == len(LUNS)


def test_usb_port_that_the_host_did_not_name():
    with paused("q35", [device("qemu-xhci", "xhci", bus="pcie.0", addr="4.0"),
                        device("usb-storage", "stick", bus="xhci.0", drive="stick")]) as machine:
        [row] = [row for row in table("list", f"--qmp={machine.socket}") if row["id"] == "stick"]
        assert row["path"] == "04.0" and row["name"] is None


@pytest.mark.parametrize("qemu", [HOST, *LATER])
def test_namespaces_of_a_controller_alone(qemu):
    """Later QEMU has a subsystem for it that nobody asked for; what is private in that is its own as well."""
    controllers = [device("nvme", f"controller{n}", bus="pcie.0", addr=f"{n + 4}.0", serial=f"s{n}") for n in range(2)]
    spaces = [device("nvme-ns", f"ns{n}", drive=f"ns{n}", bus=f"controller{n}", nsid=3, shared=bool(n)) for n in range(2)]
    with paused("q35", [*controllers, *spaces], qemu=qemu) as machine:
        rows = {row["id"]: row["name"] for row in table("list", f"--qmp={machine.socket}")}
        assert {f"ns{n}": rows[f"ns{n}"] for n in range(2)} == {"ns0": f"{LINKS}04.0-nvme-3", "ns1": f"{LINKS}05.0-nvme-3"}


# -- Virtual functions --

UNTIL = "a virtual function: exists while the guest has it enabled"


def check_virtual_functions(machine, names):
    """list has those that the oracle has, each with the path that it will have; `of` says it, and tree does not show them."""
    source = f"--qmp={machine.socket}"
    rows = [row for row in table("list", source) if row["absent"] == UNTIL]
    assert {row["path"] for row in rows} == set(virtual_functions(machine.qmp))
    assert [row["name"] for row in rows] == names
    for row in rows:
        if row["id"]:
            assert row["path"] in pcipath_host("of", source, row["id"]).stdout.split()
    assert "v0" not in pcipath_host("tree", source).stdout


@pytest.mark.parametrize("qemu", LATER)
def test_virtual_functions(qemu):
    """Of a network card, and of an NVMe controller whose namespaces they have, too."""
    shared = device("nvme-ns", "ns", drive="ns", bus="controller0", nsid=1)
    topology = [port("rp", "pcie.0", "2.0", 1), device("igb", "card", bus="rp"), port("other", "pcie.0", "3.0", 2),
                device("nvme-subsys", "subsystem"),
                device("nvme", "controller0", bus="other", serial="s", subsys="subsystem", sriov_max_vfs=2, sriov_vq_flexible=4,
                       sriov_vi_flexible=2), shared]
    with paused("q35", topology, qemu=qemu) as machine:
        of_controller = [name for n in range(2) for name in (None, f"{LINKS}03.0-00.0v{n}-nvme-1")]
        check_virtual_functions(machine, [*(f"pci-02.0-00.0v{n}" for n in range(8)), *of_controller])


@pytest.mark.exhaustive
def test_made_virtual_functions():
    """They have ids, and are made in any order, all of them before the physical function."""
    def card(name, addr, **properties):
        return device("virtio-net-pci", name, bus="rp", addr=addr, **properties)

    virtual = [card(f"vf{n}", f"0.{1 + 3 * n}", **{"sriov-pf": "card"}) for n in (1, 0)]
    with paused("q35", [port("rp", "pcie.0", "2.0", 1), *virtual, card("card", "0.0")], qemu="forky") as machine:
        check_virtual_functions(machine, [f"pci-02.0-00.0v{n}" for n in range(2)])
    with paused("q35", [port("rp", "pcie.0", "2.0", 1), *virtual], qemu="forky") as machine:
        assert error("of", f"--qmp={machine.socket}", "vf0") == (3, "vf0: a virtual function whose physical function does not exist")


# -- What the guest does not show --

@pytest.mark.parametrize("topology, reason", [
    ([port("rp", "pcie.0", "2.0", 1), disk("it", "rp", "1.0")], "behind a PCIe port, but not in slot 0"),
    ([port("rp", "pcie.0", "2.0", 1), disk("it", "rp", "0.3")], "the slot has no function 0"),
    ([disk("it", "pcie.0", "4.1")], "the slot has no function 0"),
    ([port("rp", "pcie.0", "2.1", 1), disk("it", "rp")], "behind a bridge that the guest does not show"),
    ([device("virtio-scsi-pci", "scsi", bus="pcie.0", addr="4.1"),
      device("scsi-hd", "it", bus="scsi.0", drive="it")], "below a function that the guest does not show"),
], ids=["slot", "function", "root-bus", "behind", "below"])
def test_marked(topology, reason):
    with paused("q35", topology) as machine:
        source = f"--qmp={machine.socket}"
        [row] = [row for row in table("list", source) if row["id"] == "it"]
        assert (row["path"], row["name"], row["absent"]) == (None, None, reason)
        assert error("of", source, "it") == (3, f"it: {reason}")
        assert " it " not in pcipath_host("tree", source).stdout


def test_shpc_that_the_guest_does_not_take():
    """i440fx without ACPI hotplug behind bridges: plugged later, it is not seen; there from the start, it is."""
    bridge = device("pci-bridge", "bridge", bus="pci.0", addr="5.0", chassis_nr=1, shpc=True)
    options = ["-global", "PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off"]
    with paused("pc", [bridge, disk("cold", "bridge", "3.0")], options) as machine:
        source = f"--qmp={machine.socket}"
        machine.plug(**disk("hot", "bridge", "4.0"))
        assert pcipath_host("of", source, "cold").stdout == "05.0/03.0\n"
        status, text = error("of", source, "hot")
        assert status == 3 and "SHPC" in text
        assert not [row for row in table("free", source) if row["bus"] == "bridge"]


# -- free --

FREE = {
    "q35": [port("port0", "pcie.0", "2.0", 1), port("port1", "pcie.0", "3.0", 2), disk("taken", "port1"),
            port("fixed", "pcie.0", "4.0", 3, hotplug=False), device("pcie-pci-bridge", "conventional", bus="pcie.0", addr="5.0"),
            device("pxb-pcie", "expander", bus="pcie.0", addr="6.0", bus_nr=0x40), port("below", "expander", "1.0", 4),
            device("x3130-upstream", "up", bus="below"), device("xio3130-downstream", "down", bus="up", addr="1.0", chassis=5)],
    "pc": [device("pci-bridge", "bridge", bus="pci.0", addr="5.0", chassis_nr=1), disk("taken", "bridge", "7.0"),
           device("pxb", "expander", bus="pci.0", addr="6.0", bus_nr=0x40)],
    "virt": [port("port0", "pcie.0", "2.0", 1), port("port1", "pcie.0", "3.0", 2), port("fixed", "pcie.0", "4.0", 3, hotplug=False)],
    "pseries": [device("spapr-pci-host-bridge", "second", index=1), disk("taken", "second.0", "7.0")],
}
BUSES = {"q35": {"port0", "conventional", "down"}, "pc": {"pci.0", "bridge"}, "virt": {"port0", "port1"},
         "pseries": {"pci.0", "second.0"}}


@pytest.mark.parametrize("kind, acpi, qemu", [
    *((kind, True, HOST) for kind in MACHINES), ("q35", False, HOST), *((kind, True, qemu) for kind in ("q35", "pc") for qemu in LATER)])
def test_free(kind, acpi, qemu):
    """QEMU takes a device wherever it is said to, there it has the promised path, and then the slot is free no more. Without
    ACPI conventional bridges have SHPC, which has no slot 0."""
    options = [] if acpi else ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
    with paused(kind, FREE[kind], options, qemu) as machine:
        source = f"--qmp={machine.socket}"
        free = table("free", source)
        assert {row["bus"] for row in free} == BUSES[kind]
        assert acpi or len(free) == 1 + 31 + 1
        assert not {row["path"] for row in free} & {row["path"] for row in table("list", source)}
        for number, row in enumerate(free):
            machine.qmp.execute("device_add", driver="virtio-rng-pci", id=f"new{number}", bus=row["bus"], addr=row["slot"])
            assert pci_path(machine.qmp, f"new{number}") == row["path"]
        rows = {row["id"]: row for row in table("list", source)}
        assert [rows[f"new{n}"]["path"] for n in range(len(free))] == [row["path"] for row in free]
        assert table("free", source) == []
