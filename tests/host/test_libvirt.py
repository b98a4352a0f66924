# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's domain XML. libvirt/NAME.xml is written after libvirt's documents (formatdomain, pci-addresses, pci-hotplug), and
NAME.qemu has the devices that libvirt would give QEMU for it, one a line: a paused QEMU has to agree, device by device."""

import json
import re
from pathlib import Path

import pytest
from host.qemu import paused
from host.run import error, pcipath_host, table

DOCUMENTS = Path(__file__).parent / "libvirt"
COVERS = {
    "as_qemu_has_it": "Host: libvirt's documents, and the QEMU that they describe",
    "s390": "Root: s390: a domain for each UID",
    "without_address": "Input: documents of monitors that say too little or what cannot be",
    "wrong_shape": "Input: documents of monitors that say too little or what cannot be",
    "entities_do_not_grow": "Input: documents of monitors that say too little or what cannot be",
}

MACHINES = {"q35": "q35", "q35-expanders": "q35", "q35-switches": "q35", "i440fx": "pc", "pseries": "pseries",
            "aarch64": "virt"}


def read(name):
    return (DOCUMENTS / f"{name}.xml").read_text()


@pytest.mark.parametrize("name", MACHINES)
def test_as_qemu_has_it(name):
    devices = [json.loads(line) for line in (DOCUMENTS / f"{name}.qemu").read_text().splitlines()]
    with paused(MACHINES[name], devices) as machine:
        of_qemu = {row["id"]: (row["path"], row["name"]) for row in table("list", f"--qmp={machine.socket}")}
        rows = table("list", f"--libvirt={DOCUMENTS}/{name}.xml")
        described = {row["id"]: (row["path"], row["name"]) for row in rows if row["id"] in of_qemu}
        # pseries' host bridges are devices, but no functions.
        named = {device["id"] for device in devices if device["driver"] != "spapr-pci-host-bridge"}
        assert named == set(described) - {None}
        assert {name: of_qemu[name] for name in named} == {name: described[name] for name in named}
        assert all(row["path"] and not row["absent"] for row in rows)
        # What QEMU takes while it runs, libvirt plans for.
        assert {row["path"] for row in table("free", f"--libvirt={DOCUMENTS}/{name}.xml")} <= {
            row["path"] for row in table("free", f"--qmp={machine.socket}")}


@pytest.mark.parametrize("name", MACHINES)
def test_free_names_what_an_address_does(name):
    """Plug a disk in by an address of libvirt's: the new document has it where it was promised."""
    for row in table("free", f"--libvirt={DOCUMENTS}/{name}.xml"):
        address = f"<address type='pci' bus='{row['bus']}' slot='0x{row['slot']}' function='0x0'/>"
        text = read(name).replace("<devices>", f"<devices><disk><target dev='new' bus='virtio'/>{address}</disk>")
        assert pcipath_host("of", "--libvirt=-", "new", stdin=text).stdout == row["path"] + "\n"


def test_s390():
    """Each function is alone in the domain of its uid, whatever its address; bridges and channel devices are not shown."""
    rows = {row["id"]: row for row in table("list", f"--libvirt={DOCUMENTS}/s390.xml")}
    assert set(rows) == {"pci.1", "vnet0", "vda"}
    assert (rows["vnet0"]["path"], rows["vnet0"]["name"]) == ("0007:00:00.0", "pci-0007_00_00.0")
    assert rows["vda"]["name"] == "/dev/disk/by-pci-path/ffff_00_00.0"
    assert rows["pci.1"]["path"] is None and rows["pci.1"]["absent"]


def test_s390_has_no_slots():
    assert table("free", f"--libvirt={DOCUMENTS}/s390.xml") == []


@pytest.mark.parametrize("name, first, second, told", [
    ("pseries", "index='7'", "index='1'", {"virtio-disk0"}), ("q35-expanders", "busNr='0x60'", "busNr='254'", {"virtio-disk2"}),
    ("s390", "uid='0x0007'", "uid='0xffff'", set())])
def test_two_roots_of_one_number(name, first, second, told):
    """Neither is named, whatever the slots below them are."""
    rows = table("list", "--libvirt=-", stdin=read(name).replace(first, second))
    assert {row["id"] for row in rows if row["path"] and row["kind"] == "disk"} == told


def test_names_of_a_device():
    """By alias, and by target."""
    source = f"--libvirt={DOCUMENTS}/q35.xml"
    assert pcipath_host("of", source, "virtio-disk0", "vda", "vnet0", "sdb").stdout.split() == ["02.1/00.0"] * 2 + ["02.3/00.0", "1f.2"]
    assert error("of", source, "vda", "vdx") == (3, "vdx: no such device, or none that has a PCI path")


def test_live_status():
    """What libvirt keeps in /run has the domain within."""
    text = re.sub(r"(?s)(.*)", r"<domstatus state='running' pid='1'>\1</domstatus>", read("q35"), count=1)
    assert pcipath_host("of", "--libvirt=-", "vda", stdin=text).stdout == "02.1/00.0\n"


@pytest.mark.parametrize("element, described", [
    (r"<disk (?:(?!<disk).)*dev='vda'.*?</disk>", "disk 'vda'"), (r"<interface .*?</interface>", "interface 'vnet0'"),
    (r"<controller type='pci' index='3'.*?</controller>", "controller pci '3'"),
    (r"<controller type='scsi' .*?</controller>", "controller scsi '0'"),
    (r"<disk (?:(?!<disk).)*dev='sda'.*?</disk>", "disk 'sda'")])
def test_without_address(element, described):
    """As an XML that a person wrote, before libvirt has filled it in."""
    text = read("q35")
    [found] = re.findall("(?s)" + element, text)
    status, reason = error("list", "--libvirt=-", stdin=text.replace(found, re.sub(r"<address [^>]*/>", "", found)))
    assert status == 3
    assert re.fullmatch(rf"-, line \d+: {described} has no address; libvirt .*virsh define, then virsh dumpxml", reason)


@pytest.mark.parametrize("name, pattern, replacement, reason", [
    ("q35", "</domain>", "", "line 93: not XML"),
    ("q35", r"<domain type='qemu'>", "<!DOCTYPE x [<!ENTITY a 'b'>]><domain>", "no document type"),
    ("q35", r"(?s)<devices>.*</devices>", "", "line 1: <domain> has no <devices>"),
    ("q35", r"\Z", "", None),
    ("q35", "domain", "network", "no element <domain>"),
    ("q35", "bus='0x02' slot='0x00'", "bus='0x42' slot='0x00'", "disk 'vda': no PCI controller has the index"),
    ("q35", "bus='0x02' slot='0x00'", "bus='0x02' slot='0x20'", "slot='0x20' is no number up to 31"),
    ("q35", "bus='0x02' slot='0x00'", "bus='-1' slot='0x00'", "bus='-1' is no number up to 255"),
    ("q35", "index='3' model='pcie-root-port'", "index='2' model='pcie-root-port'", "controller pci '2': another controller"),
    ("q35", "index='3' model='pcie-root-port'", "index='3' model='new'", "controller pci '3': no known model"),
    ("q35", "index='3' model='pcie-root-port'", "index='3' model='pci-root'", "a second root"),
    ("q35", "bus='scsi'", "bus='nvme'", "disk 'sda': no controller of type nvme"),
    ("q35-expanders", "busNr='254'", "busNr='256'", "is no number up to 255"),
    ("q35-expanders", "<target busNr='254'/>", "", "controller pci '1': an expander needs <target busNr"),
    ("pseries", "<target index='7'/>", "", "controller pci '2': a host bridge of pseries needs <target index"),
    ("s390", "<zpci uid='0x0007' fid='0x00000003'/>", "", "interface 'vnet0' has no address"),
])
def test_wrong_shape(name, pattern, replacement, reason):
    text = re.sub(pattern, replacement, read(name))
    if reason is None:
        assert pcipath_host("list", "--libvirt=-", stdin=text).status == 0
        return
    status, said = error("list", "--libvirt=-", stdin=text)
    assert status in (1, 3) and reason in said


def test_controller_in_a_circle():
    """Behind itself: its devices have no path, and the others keep theirs."""
    text = read("q35-switches").replace("bus='0x01' slot='0x00'", "bus='0x02' slot='0x00'")
    rows = {row["id"]: row for row in table("list", "--libvirt=-", stdin=text)}
    assert rows["pci.1"]["path"] == "02.0"
    assert rows["virtio-disk0"]["path"] is rows["pci.2"]["path"] is None and "255 bridges" in rows["pci.2"]["absent"]


def test_controller_of_another_bus():
    """A bridge that is no PCI function: what is behind it must not look as if it were on the root bus."""
    text = re.sub(r"(index='2' .*?\n.*\n.*\n\s*)<address type='pci'[^>]*>", r"\1<address type='ccw'/>", read("q35"), count=1)
    [row] = [row for row in table("list", "--libvirt=-", stdin=text) if row["id"] == "virtio-disk0"]
    assert row["path"] is None and row["absent"] == "behind a controller that has no PCI address"


def test_disks_of_other_buses():
    """No words are known for a namespace of libvirt's; a floppy is below no function."""
    text = read("q35").replace("type='scsi' index", "type='nvme' index").replace("bus='scsi'", "bus='nvme'")
    text = text.replace("bus='sata'", "bus='fdc'")
    rows = {row["id"]: row for row in table("list", "--libvirt=-", stdin=text)}
    assert (rows["scsi0-0-3-5"]["path"], rows["scsi0-0-3-5"]["name"]) == ("02.2/00.0", None)
    assert "sata0-0-2" not in rows


def test_two_devices_at_one_place():
    text = read("i440fx").replace("bus='0x00' slot='0x08'", "bus='0x00' slot='0x04'")
    rows = {row["id"]: row for row in table("list", "--libvirt=-", stdin=text)}
    assert rows["virtio-disk0"]["path"] is rows["scsi1"]["path"] is rows["scsi1-0-0-3"]["path"] is None
    assert rows["virtio-disk1"]["path"] == "05.0/1f.0"


def test_no_file():
    assert error("list", "--libvirt=/no/such/file") == (1, "/no/such/file: No such file or directory")


def test_entities_do_not_grow():
    """A billion laughs: refused, and at once."""
    entities = "".join(f"<!ENTITY l{n + 1} '{f'&l{n};' * 10}'>" for n in range(9))
    text = f"<!DOCTYPE d [<!ENTITY l0 'ha'>{entities}]><domain><name a='&l9;'>&l9;</name><devices/></domain>"
    assert error("list", "--libvirt=-", stdin=text)[0] == 1
