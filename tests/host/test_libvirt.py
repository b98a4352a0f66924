# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's domain XML. libvirt/NAME.xml is written after libvirt's documents (formatdomain, pci-addresses, pci-hotplug), and
NAME.qemu has the devices that libvirt would give QEMU for it, one a line: a paused QEMU has to agree, device by device."""

import json
import re
import socket
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from host.qemu import paused
from host.run import error, growth, pcipath_host, run, table

DOCUMENTS = Path(__file__).parent / "libvirt"
NEED = "use the output of 'virsh dumpxml DOMAIN'"
COVERS = {
    "as_qemu_has_it": "Host: libvirt's domain XML, compared with the QEMU that it describes",
    "device_of_the_command_line_without_a_place": "Host: devices of `qemu:commandline` and `qemu:override`",
    "s390": "Root bus: s390: one PCI domain for each UID",
    "without_address": "Fault: documents of monitors with missing or impossible values",
    "wrong_shape": "Fault: documents of monitors with missing or impossible values",
    "entities_do_not_grow": "Fault: documents of monitors with missing or impossible values",
}

MACHINES = {"q35": "q35", "q35-expanders": "q35", "q35-switches": "q35", "i440fx": "pc", "pseries": "pseries",
            "aarch64": "virt", "q35-devices": "q35", "q35-commandline": "q35"}
# What the devices of q35-devices are connected to.
BACKENDS = ["-fsdev", "local,id=fs,path=/tmp,security_model=none", "-audiodev", "none,id=a", "-object", "cryptodev-backend-builtin,id=c",
            "-chardev", "null,id=t"]


def read(name):
    return (DOCUMENTS / f"{name}.xml").read_text()


@pytest.mark.parametrize("name", MACHINES)
def test_as_qemu_has_it(name):
    devices = [json.loads(line) for line in (DOCUMENTS / f"{name}.qemu").read_text().splitlines()]
    with paused(MACHINES[name], devices, BACKENDS if name == "q35-devices" else ()) as machine:
        # By id; the last of the devices without one is that of the document, if it has one.
        of_qemu = {row["id"]: (row["path"], row["name"], row["kind"]) for row in table("list", f"--qmp={machine.socket}")
                   if row["id"] or row["type"] == "pvpanic-pci"}
        rows = table("list", f"--libvirt={DOCUMENTS}/{name}.xml")
        described = {row["id"]: (row["path"], row["name"], row["kind"]) for row in rows if row["id"] in of_qemu}
        # pseries' host bridges are devices, but no functions.
        named = {device.get("id") for device in devices if device["driver"] != "spapr-pci-host-bridge"}
        assert named == set(described)
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
    assert set(rows) == {"pci.1", "vnet0", "vda", "vdb"}
    assert (rows["vdb"]["path"], rows["vdb"]["absent"]) == (None, "a channel device (ccw), not on PCI")
    assert (rows["vnet0"]["path"], rows["vnet0"]["name"]) == ("0007:00:00.0", "pci-0007_00_00.0")
    assert rows["vda"]["name"] == "/dev/disk/by-pci-path/ffff_00_00.0"
    assert rows["pci.1"]["path"] is None and rows["pci.1"]["absent"]


def test_memory_on_s390():
    """libvirt has a uid for it in the document, and QEMU chooses one."""
    memory = "<memory model='virtio-mem'><address type='pci'><zpci uid='0x0009'/></address></memory>"
    text = read("s390").replace("</devices>", f"{memory}</devices>")
    assert error("of", "--libvirt=-", "virtiomem0", stdin=text) == (3, "virtiomem0: libvirt does not pass the uid of a memory device to QEMU")


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


@pytest.mark.parametrize("element, ident", [
    (r"<disk (?:(?!<disk).)*dev='vda'.*?</disk>", "vda"), (r"<interface .*?</interface>", "vnet0"),
    (r"<controller type='pci' index='3'.*?</controller>", "pci.3"), (r"<controller type='scsi' .*?</controller>", "scsi0"),
    (r"<disk (?:(?!<disk).)*dev='sda'.*?</disk>", "sda")])
def test_without_address(element, ident):
    """As an XML that a person wrote, before libvirt has filled it in: that device has no path, and others keep theirs."""
    text = read("q35")
    [found] = re.findall("(?s)" + element, text)
    text = text.replace(found, re.sub(r"<address [^>]*/>", "", found))
    status, reason = error("of", "--libvirt=-", ident, stdin=text)
    assert status == 3
    assert reason == f"{ident}: no address; libvirt adds one when the domain is defined (virsh define, then virsh dumpxml)"
    assert pcipath_host("of", "--libvirt=-", "sdb", stdin=text).stdout == "1f.2\n"


ABSENT = {
    "ccw": "a channel device (ccw), not on PCI", "virtio-mmio": "a virtio-mmio device, not on PCI",
    "spapr-vio": "a device of pseries' VIO, not on PCI", "new": "not a PCI address"}


@pytest.mark.parametrize("kind", ABSENT)
def test_address_of_another_kind(kind):
    """An adapter off PCI with a disk, and a card: listed with the reason, and nobody else is harmed."""
    text = re.sub(r"(?s)(<controller type='scsi'[^>]*>.*?)<address [^>]*>", rf"\1<address type='{kind}'/>", read("q35"), count=1)
    text = re.sub(r"(?s)(<interface .*?)<address [^>]*>", rf"\1<address type='{kind}'/>", text, count=1)
    rows = {row["id"]: (row["path"], row["absent"]) for row in table("list", "--libvirt=-", stdin=text)}
    assert rows["scsi0"] == rows["net0"] == (None, ABSENT[kind])
    assert rows["scsi0-0-3-5"] == (None, "the controller is not a PCI device of this document")
    assert rows["virtio-disk0"] == ("02.1/00.0", None)


@pytest.mark.parametrize("name, pattern, replacement, ident, reason", [
    ("q35", "bus='0x02' slot='0x00'", "bus='0x42' slot='0x00'", "vda", "the address names a PCI controller that is not in the document; libvirt adds it when the domain is defined"),
    ("q35", "bus='0x02' slot='0x00'", "bus='0x02'", "vda", "the address is incomplete; libvirt adds the rest when the domain is defined"),
    ("q35", "index='2' model='pcie-root-port'", "index='2' model='new'", "vda", "behind a controller of a model that is not known"),
    ("q35", "index='2' model='pcie-root-port'", "index='2'", "vda", "behind a controller of a model that is not known"),
    ("q35", "index='2' model='pcie-root-port'", "index='2' model='pci-root'", "vda", "a second root bus, which this machine type does not support"),
    ("q35", "index='2' model", "model", "vda", "the address names a PCI controller that is not in the document; libvirt adds it when the domain is defined"),
    ("q35", "bus='scsi'", "bus='xen'", "sda", "the controller is not a PCI device of this document"),
    ("q35-expanders", "<target busNr='0x60'/>", "", "virtio-disk1", "the number of the root bus is not in the document; libvirt adds it when the domain is defined"),
    ("pseries", "<target index='7'/>", "", "virtio-disk2", "the number of the root bus is not in the document; libvirt adds it when the domain is defined"),
    ("s390", "<zpci uid='0x0007' fid='0x00000003'/>", "", "vnet0", "no uid in the address; libvirt adds it when the domain is defined"),
    ("s390", "uid='0x0007'", "uid='0x0000'", "vnet0", "no uid in the address; libvirt adds it when the domain is defined"),
    ("q35", "bus='0x02' slot='0x00'", "bus='0x02' slot='0x20'", "vda", "line {line}: slot='0x20' is not a number from 0 to 31; correct the document"),
    ("q35", "bus='0x02' slot='0x00'", "bus='-1' slot='0x00'", "vda", "line {line}: bus='-1' is not a number from 0 to 255; correct the document"),
    ("q35", "domain='0x0000' bus='0x02'", "domain='x' bus='0x02'", "vda", "line {line}: domain='x' is not a number from 0 to 65535; correct the document"),
    ("q35", "controller='0' bus='0' target='3'", "controller='65536' bus='0' target='3'", "sda",
     "line {line}: controller='65536' is not a number from 0 to 65535; correct the document"),
    ("q35", "type='usb' bus='0' port='1'", "type='usb' bus='b' port='1'", "sdc", "line {line}: bus='b' is not a number from 0 to 65535; correct the document"),
    ("q35", "type='scsi' index='0'", "type='scsi' index='0.'", "scsi0.", "line {line}: index='0.' is not a number from 0 to 65535; correct the document"),
    ("q35", "index='3' model='pcie-root-port'", "index='2' model='pcie-root-port'", "vda",
     "behind one of two PCI controllers with the same index; correct the document"),
    ("q35-expanders", "busNr='0x60'", "busNr='256'", "virtio-disk1", "the number of the root bus is wrong; correct the document"),
    ("pseries", "<target index='7'/>", "<target index='x'/>", "virtio-disk2", "the number of the root bus is wrong; correct the document"),
    ("s390", "uid='0x0007'", "uid='0x10000'", "vnet0", "line {line}: uid='0x10000' is not a number from 0 to 65535; correct the document"),
])
def test_place_that_is_not_known(name, pattern, replacement, ident, reason):
    """The document goes on, and those that have a place keep it."""
    text = read(name)
    assert pattern in text
    reason = reason.format(line=text[:text.index(pattern)].count("\n") + 1)
    text = text.replace(pattern, replacement)
    assert error("of", "--libvirt=-", ident, stdin=text) == (3, f"{ident}: {reason}")
    assert any(row["path"] for row in table("list", "--libvirt=-", stdin=text))


def test_console_that_repeats_the_serial_port():
    port = "<address type='pci' domain='0x0000' bus='0x00' slot='0x1c' function='0x0'/>"
    text = read("q35").replace("<devices>", f"<devices><serial type='pty'><target type='pci-serial' port='0'/>{port}</serial>"
                               f"<console type='pty'><target type='serial' port='0'/>{port}</console>")
    [row] = [row for row in table("list", "--libvirt=-", stdin=text) if row["type"] in ("serial", "console")]
    assert (row["type"], row["path"]) == ("serial", "1c.0")


@pytest.mark.parametrize("number, path", [("2", "02.1/00.0"), (" 2", "02.1/00.0"), ("+0x02", "02.1/00.0"), ("02", "02.1/00.0"), ("-2", None), ("2 ", None),
                                          ("", None), ("0x", None)])
def test_numbers(number, path):
    """As libvirt reads them, by strtoul() but without a sign."""
    rows = {row["id"]: row for row in table("list", "--libvirt=-", stdin=read("q35").replace("bus='0x02' slot", f"bus='{number}' slot"))}
    assert rows["virtio-disk0"]["path"] == path and bool(rows["virtio-disk0"]["absent"]) == (path is None)


PASSED_THROUGH = """<domain type='kvm'><os><type machine='q35'/></os><devices><controller type='pci' index='0' model='pcie-root'/>
    <controller type='scsi' index='1' model='virtio-scsi'><address type='pci' bus='0' slot='2'/></controller>
    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source><address type='usb' bus='0' port='1'/></hostdev>
    <hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source>
      <address type='drive' controller='1' bus='0' target='4' unit='256'/></hostdev>
    <hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.5123456789abcde0'/><address type='pci' bus='0' slot='3'/></hostdev>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source>
      <address type='pci' bus='0' slot='4'/></hostdev>
    <hostdev mode='subsystem' type='mdev' model='vfio-ap'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8805'/></source></hostdev>
    <interface type='hostdev'><source><address type='pci' bus='0x3b' slot='0' function='0'/></source><address type='pci' bus='0' slot='5'/></interface>
    <interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/><address type='pci' bus='0' slot='6'/></interface>
    <disk type='vhostvdpa'><source dev='/dev/vhost-vdpa-1'/><target dev='vda' bus='virtio'/><address type='pci' bus='0' slot='7'/></disk>
    <disk type='vhostuser'><source type='unix' path='/u'/><target dev='vdb' bus='virtio'/><address type='pci' bus='0' slot='8'/></disk>
    </devices></domain>"""


def test_passed_through():
    """libvirt numbers the interfaces of the host first, and then all other devices of the host, USB devices, too."""
    rows = {row["id"]: (row["kind"], row["path"], row["name"]) for row in table("list", "--libvirt=-", stdin=PASSED_THROUGH)}
    links = "/dev/disk/by-pci-path/"
    assert rows == {
        "scsi1": ("SCSI controller", "02.0", None), "hostdev2": ("SCSI device", "02.0", links + "02.0-scsi-0:0:4:256"),
        "hostdev1": ("USB device", None, None), "hostdev3": ("SCSI controller", "03.0", None), "hostdev4": ("device", "04.0", None), "hostdev0": ("network controller", "05.0", "pci-05.0"),
        "net0": ("network controller", "06.0", "pci-06.0"), "vda": ("disk", "07.0", links + "07.0"), "vdb": ("disk", "08.0", links + "08.0")}
    labels = {row["id"]: row["source"] for row in table("list", "--libvirt=-", "-o", "ID,SOURCE", stdin=PASSED_THROUGH)}
    assert (labels["net0"], labels["vda"], labels["vdb"]) == ("/dev/vhost-vdpa-0", "/dev/vhost-vdpa-1", "/u")


USB_DEVICES = {"input1": "<input type='tablet' bus='usb'>", "hub0": "<hub type='usb'>", "redir0": "<redirdev bus='usb' type='spicevmc'>",
               "sound0": "<sound model='usb'>", "hostdev0": "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source>"}


def test_usb_devices():
    """As QEMU lists them: the path is that of their controller, and there is no name."""
    elements = "".join(f"{element}<address type='usb' bus='0' port='{port}'/></{re.match('<([a-z]+)', element)[1]}>"
                       for port, element in enumerate(USB_DEVICES.values(), 1))
    text = ("<domain type='kvm'><os><type machine='q35'/></os><devices><controller type='pci' index='0' model='pcie-root'/>"
            "<controller type='usb' index='0' model='qemu-xhci'><address type='pci' bus='0' slot='8'/></controller>"
            f"<input type='mouse' bus='ps2'/>{elements}</devices></domain>")
    rows = {row["id"]: (row["kind"], row["path"], row["name"], row["absent"]) for row in table("list", "--libvirt=-", stdin=text)}
    assert rows == {"usb": ("USB controller", "08.0", None, None)} | dict.fromkeys(USB_DEVICES, ("USB device", "08.0", None, None))


@pytest.mark.parametrize("persistent", [True, False])
def test_failover_pair(persistent, tmp_path):
    """The card of the pair that stays has two interfaces, whoever says that it is one."""
    teaming = "<teaming type='persistent'/>" if persistent else "<teaming type='transient' persistent='ua-other'/>"
    argument = f"virtio-net-pci,id=by-hand,bus=pcie.0,addr=0xa,failover={'on' if persistent else 'off'}"
    text = ("<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><os><type machine='q35'/></os><devices>"
            "<controller type='pci' index='0' model='pcie-root'/><interface type='user'><mac address='52:54:00:00:00:01'/>"
            f"<model type='virtio'/>{teaming}<address type='pci' bus='0' slot='9'/></interface></devices><qemu:commandline>"
            f"<qemu:arg value='-device'/><qemu:arg value='{argument}'/></qemu:commandline></domain>")
    names = [(row["id"], row["name"]) for row in table("list", "--libvirt=-", stdin=text)]
    standby = lambda path: [(None, f"pci-{path}nsby")] if persistent else []
    assert names == [("net0", "pci-09.0"), *standby("09.0"), ("by-hand", "pci-0a.0"), *standby("0a.0")]
    # The card alone bears the id and the labels.
    assert pcipath_host("of", "--libvirt=-", "net0", "52:54:00:00:00:01", stdin=text).stdout == "09.0\n09.0\n"
    saved = tmp_path / "list.json"
    saved.write_text(pcipath_host("list", "-J", "--libvirt=-", stdin=text).stdout)
    assert [(row["id"], row["name"]) for row in table("list", f"--list={saved}")] == names
    assert table("compare", f"--list={saved}", "--libvirt=-", stdin=text) == []


def test_primary_video():
    """libvirt puts it first. It is so in the documents that libvirt prints, but not in those that it accepts."""
    videos = "".join(f"<video><model type='qxl'{primary}/><address type='pci' bus='0' slot='{slot}'/></video>"
                     for slot, primary in ((8, ""), (9, " primary='yes'"), (10, "")))
    rows = table("list", "--libvirt=-", stdin=read("q35").replace("</devices>", videos + "</devices>"))
    assert {row["id"]: row["path"] for row in rows if row["type"] == "video"} == {"video0": "09.0", "video1": "08.0", "video2": "0a.0"}


def test_companions():
    """QEMU gives the alias to the USB 2 controller only."""
    controllers = "".join(f"<controller type='usb' index='0' model='ich9-{model}'>{master}<address type='pci' bus='0' slot='0x1d' function='{function}'/>"
                          "</controller>" for model, function, master in
                          (("ehci1", 7, ""), ("uhci1", 0, "<master startport='0'/>"), ("uhci2", 1, "<master startport='2'/>")))
    text = ("<domain type='kvm'><os><type machine='q35'/></os><devices><controller type='pci' index='0' model='pcie-root'/>"
            f"{controllers}</devices></domain>")
    assert {row["path"]: row["id"] for row in table("list", "--libvirt=-", stdin=text)} == {"1d.0": None, "1d.1": None, "1d.7": "usb"}


@pytest.mark.parametrize("element", ["<sound model='sb16'/>", "<video><model type='none'/></video>", "<memballoon model='none'/>", "<watchdog model='itco'/>",
                                     "<input type='mouse' bus='ps2'/>", "<controller type='usb' index='0' model='none'/>", "<tpm model='tpm-crb'/>",
                                     "<controller type='fdc' index='0'/>", "<panic model='isa'/>", "<hub type='usb'/>", "<iommu model='intel'/>"])
def test_never_on_pci(element):
    text = re.sub("<input [^>]*>", element, read("q35"))
    assert table("list", "--libvirt=-", stdin=text) == table("list", f"--libvirt={DOCUMENTS}/q35.xml")


@pytest.mark.parametrize("element, ident", [
    ("<rng model='virtio'/>", "rng0"), ("<vsock model='virtio'/>", "vsock0"), ("<filesystem/>", "fs0"), ("<input type='keyboard' bus='virtio'/>", "input1"),
    ("<controller type='virtio-serial' index='3'/>", "virtio-serial3"), ("<hostdev type='pci'/>", "hostdev1"), ("<sound model='ich6'/>", "sound0")])
def test_without_address_yet(element, ident):
    """A document that libvirt has not filled in: what it will put on PCI is listed."""
    text = read("q35").replace("</devices>", element + "</devices>")
    assert error("of", "--libvirt=-", ident, stdin=text) == (3, f"{ident}: no address; libvirt adds one when the domain is defined (virsh define, then virsh dumpxml)")


@pytest.mark.parametrize("machine", ["mac99", "g3beige", "powernv9", "ppce500", "versatilepb", "isapc", "pc-new", ""])
def test_machine_that_is_not_known(machine):
    """As with --qmp, which knows the host bridge: no path, and nothing to plug into."""
    text = re.sub(r"machine='[^']*'", f"machine='{machine}'", read("q35"))
    rows = table("list", "--libvirt=-", stdin=text)
    assert rows and not any(row["path"] or row["name"] for row in rows)
    assert {row["absent"] for row in rows if row["type"] == "pcie-root-port"} == {"the PCI addresses of this machine type are not known"}
    outcome = pcipath_host("free", "--libvirt=-", stdin=text)
    assert outcome.stderr == "pcipath-host: -: the PCI addresses of this machine type are not known\n" and not outcome.stdout


@pytest.mark.parametrize("machine", ["pc", "pc-1.3", "rhel6.6.0", "pc-i440fx-jammy"])
def test_machine_with_many_names(machine):
    text = re.sub(r"machine='[^']*'", f"machine='{machine}'", read("i440fx"))
    assert table("list", "--libvirt=-", stdin=text) == table("list", f"--libvirt={DOCUMENTS}/i440fx.xml")


BHYVE = """<domain type='bhyve'><os><type>hvm</type></os><devices>
    <disk><target dev='sda' bus='sata'/><address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>
    <disk><target dev='sdb' bus='sata'/><address type='drive' controller='0' bus='0' target='0' unit='2'/></disk>
    <disk><target dev='sdc' bus='sata'/><address type='drive' controller='0' bus='0' target='0' unit='1'/></disk>
    <disk><target dev='vda' bus='virtio'/><address type='pci' bus='0x00' slot='0x04' function='0x0'/></disk>
    <disk><target dev='vdb' bus='virtio'/><address type='pci' bus='0x00' slot='0x05' function='0x1'/></disk>
    <controller type='pci' index='0' model='pci-root'/>
    <controller type='sata' index='0'><address type='pci' bus='0x00' slot='0x02' function='0x0'/></controller>
    </devices></domain>"""


def test_bhyve():
    """It numbers SATA ports in the order of the disks: those have a name whose unit is the same; the function is not passed on."""
    names = {row["id"]: (row["path"], row["name"]) for row in table("list", "--libvirt=-", stdin=BHYVE)}
    links = "/dev/disk/by-pci-path/"
    assert names == {"sda": ("02.0", links + "02.0-ata-1.0"), "sdb": ("02.0", None), "sdc": ("02.0", None), "sata0": ("02.0", None),
                     "vda": ("04.0", links + "04.0"), "vdb": (None, None)}
    outcome = pcipath_host("free", "--libvirt=-", stdin=BHYVE)
    assert (outcome.stdout, outcome.stderr) == ("", "pcipath-host: -: bhyve does not support PCI hotplug\n")


def test_nothing_is_free():
    """Why, and what would give room."""
    text = read("i440fx").replace("<acpi/>", "")
    outcome = pcipath_host("free", "--libvirt=-", stdin=text)
    assert (outcome.stdout, outcome.stderr) == (
        "", "pcipath-host: -: hotplug on i440fx needs ACPI: enable it and start the machine again\n")
    text = re.sub("(?s)<controller type='pci' index='[1-9]' model='pcie-root-port'.*?</controller>", "", read("q35"))
    outcome = pcipath_host("free", "--libvirt=-", stdin=text)
    assert outcome.stderr == ("pcipath-host: -: hotplug needs an empty PCIe port: add a pcie-root-port and start the machine again\n")
    assert table("free", "--libvirt=-", stdin=text) == []


@pytest.mark.parametrize("name", [name for name in MACHINES if "<alias name='ua-" not in read(name)])
def test_ids_of_a_domain_that_does_not_run(name):
    """Without the aliases, which only a running domain has, all disks, cards and controllers answer to the same ids."""
    live = table("list", f"--libvirt={DOCUMENTS}/{name}.xml")
    text = re.sub(r"<alias [^>]*/>", "", read(name))
    wanted = {row["id"]: row["path"] for row in live if row["id"]}
    assert "usb" in wanted or "net0" in wanted or "virtio-disk0" in wanted
    found = pcipath_host("of", "--libvirt=-", *wanted, stdin=text).stdout.split()
    assert dict(zip(wanted, found)) == wanted


def test_first_controllers():
    """QEMU itself calls them "usb" and "ide"; by type and index they are found as well, running or not."""
    controllers = "".join(f"<controller type='{kind}' index='{index}'><address type='pci' bus='0' slot='{slot}' function='0'/></controller>"
                          for slot, (kind, index) in enumerate([("usb", 0), ("usb", 1), ("sata", 0), ("sata", 1), ("ide", 0)], start=8))
    domain = "<domain type='kvm'><os><type machine='{}'>hvm</type></os><devices><controller type='pci' index='0' model='{}'/>{}</devices></domain>"
    q35, pc = domain.format("q35", "pcie-root", controllers), domain.format("pc", "pci-root", controllers)
    paths = ["08.0", "08.0", "09.0", "0a.0", "0a.0", "0b.0"]
    assert pcipath_host("of", "--libvirt=-", "usb", "usb0", "usb1", "ide", "sata0", "sata1", stdin=q35).stdout.split() == paths
    assert pcipath_host("of", "--libvirt=-", "ide", "ide0", "sata0", stdin=pc).stdout.split() == ["0c.0", "0c.0", "0a.0"]
    live = re.sub("(<controller type='usb' index='0'>)", r"\1<alias name='usb'/>", q35)
    assert pcipath_host("of", "--libvirt=-", "usb", "usb0", stdin=live).stdout.split() == ["08.0", "08.0"]


@pytest.mark.parametrize("kind", ["xen", "vmware", "lxc", "hyperv", ""])
def test_domain_of_another_hypervisor(kind):
    text = read("q35").replace("type='qemu'", f"type='{kind}'")
    assert error("list", "--libvirt=-", stdin=text) == (
        3, f"-, line 1: PCI addresses of domains of type '{kind}' are not known, only of QEMU's (qemu, kvm, hvf) and bhyve's")


@pytest.mark.parametrize("text, reason", [
    ("", "-: the document is empty: nothing came from standard input"),
    ("<domainsnapshot><name/>\n<domain><uuid/></domain></domainsnapshot>", f"-, line 2: <domainsnapshot> does not have the devices of its domain; {NEED}"),
    ("<domainsnapshot/>", f"-, line 1: <domainsnapshot> does not have the devices of its domain; {NEED}"),
    ("<network/>", f"-, line 1: <network> is a virtual network; {NEED}"),
    ("<domainCapabilities/>", f"-, line 1: <domainCapabilities> is what a host supports; {NEED}"),
    ("<domainbackup/>", f"-, line 1: <domainbackup> is a backup job; {NEED}"),
    ("<domains><domain/><domain/></domains>", f"-, line 1: <domains> is a list of several domains; {NEED}"),
    ("\n<disk/>", f"-, line 2: <disk> is a device without its domain; {NEED}"), ("<x/>", f"-, line 1: <x> is not a domain; {NEED}"),
    ("<domain type='kvm'/>\n<domain type='kvm'/>\n", "-, line 2: the document goes on after its end; give one domain only"),
    ("error: failed to get domain 'x'\n", "-, line 1: not XML: Start tag expected, '<' not found; " + NEED)])
def test_not_a_domain(text, reason):
    assert error("list", "--libvirt=-", stdin=text) == (1, reason)


@pytest.mark.parametrize("charset", ["UCS-4", "UTF-32", "EUC-JP", "x"])
def test_wrong_character_set(charset):
    """libxml2 prints nothing of its own: error() accepts one line."""
    status, reason = error("list", "--libvirt=-", stdin=f"<?xml version='1.0' encoding='{charset}'?>{read('q35')}\u00ff")
    assert status == 1 and reason.startswith("-, line ")


@pytest.mark.parametrize("around", ["domstatus", "domainsnapshot", "domaincheckpoint"])
def test_domain_in_another_document(around):
    """What libvirt keeps in /run, and the domain at the time of a snapshot; its <inactiveDomain> plays no part."""
    text = f"<{around}><name>1</name>{read('q35')}<inactiveDomain type='kvm'>{read('i440fx')}</inactiveDomain></{around}>"
    assert table("list", "--libvirt=-", stdin=text) == table("list", f"--libvirt={DOCUMENTS}/q35.xml")


def test_domain_without_devices():
    """libvirt accepts it, and adds what each machine has."""
    text = "<domain type='kvm'><os><type machine='q35'/></os></domain>"
    assert table("list", "--libvirt=-", stdin=text) == []
    assert pcipath_host("free", "--libvirt=-", stdin=text).stderr == (
        "pcipath-host: -: the root bus is not in the document; libvirt adds it when the domain is defined\n")


@pytest.mark.parametrize("name", ["q35", "i440fx", "pseries", "aarch64", "q35-expanders", "q35-commandline"])
def test_root_that_libvirt_adds(name):
    """A document that a person wrote: the first root is missing, or has no index. Nothing is known to be free on it."""
    text = re.sub(r"<controller type='pci' index='0' model='pcie?-root'(/>|>(?s:.*?)</controller>)", "", read(name), count=1)
    assert text != read(name)
    assert table("list", "--libvirt=-", stdin=text) == table("list", f"--libvirt={DOCUMENTS}/{name}.xml")
    assert not {row["bus"] for row in table("free", "--libvirt=-", stdin=text)} & {"0x00"}
    text = re.sub("type='pci' index='0' ", "type='pci' ", read(name))
    assert table("free", "--libvirt=-", stdin=text) == table("free", f"--libvirt={DOCUMENTS}/{name}.xml")


def on_commandline(*arguments, machine="q35", more=""):
    """A domain with a free port, and these arguments for QEMU."""
    root = "pcie-root" if machine == "q35" else "pci-root"
    return (f"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n<os><type machine='{machine}'/></os><devices>"
            f"<controller type='pci' index='0' model='{root}'/>{more}<controller type='pci' index='1' model='pcie-root-port'>"
            "<address type='pci' bus='0' slot='2'/></controller></devices>\n<qemu:commandline>"
            + "".join(f"<qemu:arg value={quoteattr(argument)}/>" for argument in arguments) + "</qemu:commandline></domain>")


CHOOSES = "line 3: no bus= and addr= in qemu:commandline, so that QEMU chooses them"
EXPANDER = "<controller type='pci' index='4' model='pcie-expander-bus'><target busNr='64'/><address type='pci' bus='0' slot='9'/></controller>"


@pytest.mark.parametrize("argument, machine, more, reason", [
    ("e1000,id=x", "q35", "", CHOOSES), ("e1000,id=x,bus=pcie.0", "q35", "", CHOOSES), ('{"driver": "e1000", "id": "x"}', "q35", "", CHOOSES),
    ("e1000,id=x,addr=3", "q35", EXPANDER, CHOOSES), ("new,id=x", "q35", "", CHOOSES),
    ("e1000,id=x,bus=pci.9,addr=0", "q35", "", "line 3: the bus 'pci.9' is not a PCI bus of the document"),
    ("e1000,id=x,addr=20", "q35", "", "line 3: addr= in qemu:commandline is not a PCI address"),
    ("e1000,id=x,addr=1.8", "q35", "", "line 3: addr= in qemu:commandline is not a PCI address"),
    ("e1000,id=x,addr=", "q35", "", "line 3: addr= in qemu:commandline is not a PCI address"),
    ('{"driver": "e1000", "id": "x", "addr": -1}', "q35", "", "line 3: addr= in qemu:commandline is not a PCI address"),
    ("e1000,id=x,bus=pci.0,addr=3", "s390-ccw-virtio", "", "in qemu:commandline, which has no uid for it"),
    ("scsi-hd,id=x,bus=scsi0.0,drive=d", "q35", "", "below a controller in qemu:commandline, which is not read")])
def test_device_of_the_command_line_without_a_place(argument, machine, more, reason):
    text = on_commandline("-device", argument, machine=machine, more=more)
    assert error("of", "--libvirt=-", "x", stdin=text) == (3, f"x: {reason}")
    free = pcipath_host("free", "--libvirt=-", stdin=text)
    unplaced = "no bus=" in reason or "is not a PCI address" in reason
    assert ("warning: 1 device without a known PCI address can use slots that are listed" in free.stderr) == unplaced


def test_slot_of_the_command_line_is_not_free():
    """Also that of an overridden address; the slot of the document is free then."""
    before = [row["slot"] for row in table("free", f"--libvirt={DOCUMENTS}/i440fx.xml") if row["bus"] == "0x00"]
    assert {"04", "0a", "0b"} & set(before) == {"0a", "0b"}
    more = ("<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-device'/><qemu:arg value='e1000,bus=pci.0,addr=a'/></qemu:commandline>"
            "<qemu:override xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:device alias='virtio-disk0'><qemu:frontend>"
            "<qemu:property name='addr' type='string' value='b'/></qemu:frontend></qemu:device></qemu:override>")
    text = read("i440fx").replace("</domain>", f"{more}</domain>")
    after = [row["slot"] for row in table("free", "--libvirt=-", stdin=text) if row["bus"] == "0x00"]
    assert set(before) ^ set(after) == {"04", "0a", "0b"} and "04" in after


@pytest.mark.parametrize("argument", ["-nic", "-vga", "-usb", "--virtfs", "-set", "-drive"])
def test_option_that_is_not_read(argument):
    """A warning of each command; `of` says nothing of a device that it finds."""
    text = on_commandline("-name", "x", argument, "x")
    warning = f"pcipath-host: -: warning: line 3: {argument.replace('--', '-')} is not read; it can add devices or move them\n"
    for verb in ("list", "free", "tree"):
        done = pcipath_host(verb, "--libvirt=-", stdin=text)
        assert (done.status, done.stderr) == (0, warning) and done.stdout
    assert pcipath_host("of", "--libvirt=-", "pci.1", stdin=text).stderr == ""
    assert warning in pcipath_host("of", "--libvirt=-", "x", stdin=text).stderr
    assert run("compare", "--libvirt=-", f"--libvirt={DOCUMENTS}/q35.xml", stdin=text).stderr == warning


@pytest.mark.parametrize("arguments", [("-drive", "if=none,id=d"), ("-netdev", "user,id=n"), ("-device", "usb-mouse"), ("-device",), ("-nodefaults",)])
def test_option_that_adds_nothing(arguments):
    text = on_commandline(*arguments)
    assert pcipath_host("list", "--libvirt=-", stdin=text).stderr == "" and len(table("list", "--libvirt=-", stdin=text)) == 1


@pytest.mark.parametrize("kind", ["bhyve", "xen"])
def test_command_line_of_another_hypervisor(kind):
    text = on_commandline("-s", "5,virtio-blk,/a").replace("schemas/domain/qemu/1.0", f"schemas/domain/{kind}/1.0")
    assert "warning: line 3: <commandline> is not read" in pcipath_host("list", "--libvirt=-", stdin=text).stderr


@pytest.mark.parametrize("text", ["", "{", '{"id": "x"}', '{"driver": 1}', "id=x"])
def test_device_of_the_command_line_that_is_wrong(text):
    done = pcipath_host("list", "--libvirt=-", stdin=on_commandline("-device", text))
    assert done.status == 0 and "warning: line 3: the value of -device is not read" in done.stderr


@pytest.mark.parametrize("name, value, reason", [
    ("addr", "x", "qemu:override changes its property 'addr'"), ("bus", "scsi0.0", "qemu:override changes its property 'bus'"),
    ("driver", "x", "qemu:override changes its property 'driver'")])
def test_override_that_is_not_known(name, value, reason):
    text = read("q35-commandline").replace("name='rotation_rate' type='unsigned' value='1'", f"name='{name}' type='string' value='{value}'")
    assert error("of", "--libvirt=-", "virtio-disk1", stdin=text) == (3, f"virtio-disk1: {reason}")
    assert "1 device without a known PCI address" in pcipath_host("free", "--libvirt=-", stdin=text).stderr


def test_override_of_a_disk_of_a_controller():
    override = ("<qemu:override xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:device alias='scsi0-0-3-5'><qemu:frontend>"
                "<qemu:property name='lun' type='unsigned' value='1'/></qemu:frontend></qemu:device></qemu:override>")
    text = read("q35").replace("</devices>", f"</devices>{override}")
    assert error("of", "--libvirt=-", "sda", stdin=text) == (3, "sda: qemu:override changes its property 'lun'")


def test_name_of_a_domain_in_place_of_a_file(tmp_path):
    assert error("list", "--libvirt=guest") == (
        1, "guest: no such file. For a domain: virsh dumpxml DOMAIN | pcipath-host VERB --libvirt=-")
    assert error("list", f"--libvirt={tmp_path}")[0] == 1
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{tmp_path}/socket")
        assert error("list", f"--libvirt={tmp_path}/socket")[0] == 1


def many_functions(n):
    """s390: each is on a root bus of its own."""
    functions = "".join(f"<interface><target dev='n{i}'/><address type='pci'><zpci uid='{i + 1}'/></address></interface>" for i in range(n))
    return f"<domain type='kvm'><os><type machine='s390-ccw-virtio'/></os><devices>{functions}</devices></domain>"


def many_adapters(n):
    """With a disk each, which looks for its adapter; all functions of a slot are twins."""
    adapters = "".join(f"<controller type='scsi' index='{i}' model='virtio-scsi'><address type='pci' bus='0' slot='{1 + i % 31}' function='0'/></controller>"
                       f"<disk><target dev='d{i}' bus='scsi'/><address type='drive' controller='{i}'/></disk>" for i in range(n))
    return ("<domain type='kvm'><os><type machine='q35'/></os><devices><controller type='pci' index='0' model='pcie-root'/>"
            f"{adapters}</devices></domain>")


def many_arguments(n):
    """Of the command line: ports in chains of a hundred, and an override for each."""
    ports = "".join(f"<qemu:arg value='-device'/><qemu:arg value='pcie-root-port,id=p{i},bus={f'p{i - 1}' if i % 100 else 'pcie.0'},addr=0'/>" for i in range(n))
    overrides = "".join(f"<qemu:device alias='a{i}'><qemu:frontend><qemu:property name='lun' type='signed' value='0'/></qemu:frontend></qemu:device>"
                        for i in range(n))
    return ("<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><os><type machine='q35'/></os><devices>"
            f"<controller type='pci' index='0' model='pcie-root'/></devices><qemu:commandline>{ports}</qemu:commandline>"
            f"<qemu:override>{overrides}</qemu:override></domain>")


@pytest.mark.parametrize("document", [many_functions, many_adapters, many_arguments])
def test_time_grows_with_the_number_of_devices(document):
    """Not with its square, which would be 16."""
    assert growth(document(5000), document(20000), "list", "--libvirt=-") < 9


@pytest.mark.parametrize("name, pattern, replacement, reason", [
    ("q35", "</domain>", "", "line 93: not XML"),
    ("q35", r"<domain type='qemu'>", "<!DOCTYPE x [<!ENTITY a 'b'>]><domain>", "a document type is not allowed"),
    ("q35", r"\Z", "", None),
    ("q35", "domain", "network", "line 1: <network> is a virtual network"),
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
    """A floppy is below no function."""
    text = read("q35").replace("bus='sata'", "bus='fdc'")
    rows = {row["id"]: row for row in table("list", "--libvirt=-", stdin=text)}
    assert (rows["sata0-0-2"]["path"], rows["sata0-0-2"]["absent"]) == (None, "the controller is not a PCI device of this document")


def test_two_devices_at_one_place():
    text = read("i440fx").replace("bus='0x00' slot='0x08'", "bus='0x00' slot='0x04'")
    rows = {row["id"]: row for row in table("list", "--libvirt=-", stdin=text)}
    assert rows["virtio-disk0"]["path"] is rows["scsi1"]["path"] is rows["scsi1-0-3"]["path"] is None
    assert rows["virtio-disk1"]["path"] == "05.0/1f.0"


def test_no_file():
    assert error("list", "--libvirt=/no/such/file") == (1, "/no/such/file: cannot open: No such file or directory")


def test_entities_do_not_grow():
    """A billion laughs: refused, and at once."""
    entities = "".join(f"<!ENTITY l{n + 1} '{f'&l{n};' * 10}'>" for n in range(9))
    text = f"<!DOCTYPE d [<!ENTITY l0 'ha'>{entities}]><domain><name a='&l9;'>&l9;</name><devices/></domain>"
    assert error("list", "--libvirt=-", stdin=text)[0] == 1
