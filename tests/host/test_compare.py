# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath-host compare`: documents, running machines and saved lists against each other."""

import json
import os
from pathlib import Path

import pytest
from host.qemu import paused
from host.run import error, growth, pcipath_host, run, table

COVERS = {
    "same": "Host: `pcipath-host compare`: devices that moved, went or came",
    "differences": "Host: `pcipath-host compare`: devices that moved, went or came",
    "saved_list_of_wrong_shape": "Fault: documents of monitors with missing or impossible values",
}

TOP = Path(__file__).parent
DOCUMENTS = [f"--libvirt={TOP}/libvirt/{name}.xml" for name in ("q35", "q35-expanders", "q35-switches", "i440fx", "pseries", "aarch64", "s390")]
DOCUMENTS += [f"--cloud-hypervisor={TOP}/documents/cloud-hypervisor.json", f"--firecracker={TOP}/documents/firecracker.json"]


def compare(*sources, stdin=None):
    """The exit status, and what changed, as (change, id, old, new)."""
    done = run("compare", "-J", *sources, stdin=stdin)
    assert done.status in (0, 1) and done.stderr == "", done.stderr
    changes = json.loads(done.stdout)["changes"]
    assert done.status == bool(changes)
    return [(row["change"], row["id"], row["old"], row["new"]) for row in changes]


def save(tmp_path, *arguments, stdin=None):
    (tmp_path / "list.json").write_text(pcipath_host("list", "-J", *arguments, stdin=stdin).stdout)
    return f"--list={tmp_path}/list.json"


@pytest.mark.parametrize("source", DOCUMENTS)
def test_same(source, tmp_path):
    """A machine and itself, a list of it, and the list of that list."""
    assert compare(source, source) == []
    saved = save(tmp_path, source, "-o", "+MAC,SOURCE,SERIAL,HOST,BACKEND")
    assert compare(source, saved) == compare(saved, source) == []
    assert table("list", saved, "-o", "+MAC,SOURCE,SERIAL,HOST,BACKEND") == table("list", source, "-o", "+MAC,SOURCE,SERIAL,HOST,BACKEND")


@pytest.mark.parametrize("name, kind", [("q35", "q35"), ("i440fx", "pc"), ("q35-expanders", "q35")])
def test_document_and_running_machine(name, kind, tmp_path):
    """What QEMU has of its own is in no document."""
    source = f"--libvirt={TOP}/libvirt/{name}.xml"
    devices = [json.loads(line) for line in (TOP / f"libvirt/{name}.qemu").read_text().splitlines()]
    tablet = [{"driver": "piix3-usb-uhci", "id": "of-tablet", "bus": "pci.0" if kind == "pc" else "pcie.0", "addr": "0x15"}, {"driver": "usb-tablet", "id": "input0", "bus": "of-tablet.0"}]
    with paused(kind, devices + tablet) as machine:
        changes = compare(source, f"--qmp={machine.socket}")
        assert [(change, ident) for change, ident, _, _ in changes] == [("came", "of-tablet"), ("came", "input0")]
    with paused(kind, devices) as machine:
        assert compare(source, f"--qmp={machine.socket}") == []
        saved = save(tmp_path, f"--qmp={machine.socket}")
        assert compare(saved, source) == compare(saved, f"--qmp={machine.socket}") == []
    gone = next(device for device in devices if device["driver"] == "virtio-blk-pci")
    devices.remove(gone)
    with paused(kind, devices) as machine:
        assert [(change, ident) for change, ident, _, _ in compare(source, f"--qmp={machine.socket}")] == [("went", gone["id"])]


def domain(*devices):
    return f"""<domain type='qemu'><os><type machine='q35'>hvm</type></os><devices><controller type='pci' index='0' model='pcie-root'/>
        <controller type='scsi' index='0' model='virtio-scsi'><address type='pci' bus='0' slot='0x1e'/></controller>{"".join(devices)}</devices></domain>"""


def at(slot):
    return f"<address type='pci' bus='0' slot='{slot}'/>"


def disk(name, slot, *more):
    return f"<disk><target dev='{name}' bus='virtio'/>{at(slot)}{''.join(more)}</disk>"


def card(mac, slot):
    return f"<interface><mac address='52:54:00:00:00:{mac:02x}'/>{at(slot)}</interface>"


def lun(name, target):
    return f"<disk><target dev='{name}' bus='scsi'/><address type='drive' target='{target}'/></disk>"


PANIC = "<panic model='pvpanic'>{}</panic>"
DIFFERENCES = [
    ([disk("vda", 2)], [disk("vda", 3)], [("moved", "vda", "02.0", "03.0")]),
    ([disk("vda", 2)], [], [("went", "vda", "02.0", None)]),
    ([], [disk("vda", 2)], [("came", "vda", None, "02.0")]),
    ([disk("vda", 2)], [disk("vdb", 2)], [("went", "vda", "02.0", None), ("came", "vdb", None, "02.0")]),
    ([disk("vda", 2), disk("vdb", 3)], [disk("vda", 3), disk("vdb", 2)], [("moved", "vda", "02.0", "03.0"), ("moved", "vdb", "03.0", "02.0")]),
    ([lun("sda", 0)], [lun("sda", 1)], [("moved", "sda", "1e.0,scsi-0:0:0:0", "1e.0,scsi-0:0:1:0")]),
    ([disk("vda", 2)], ["<disk><target dev='vda' bus='virtio'/></disk>"], [("went", "vda", "02.0", None)]),
    # Numbered by order; the MAC address comes after the id.
    ([card(1, 2), card(2, 3)], [card(1, 2), card(2, 4)], [("moved", "net1", "03.0", "04.0")]),
    # The id is another, the label the same.
    ([disk("vda", 2, "<serial>s</serial>")], [disk("vdb", 4, "<serial>s</serial>")], [("moved", "vda", "02.0", "04.0")]),
    # Of two with the same label nothing is known.
    ([disk("vda", 2, "<serial>s</serial>")], [disk("vdb", 4, "<serial>s</serial>"), disk("vdc", 5, "<serial>s</serial>")],
     [("went", "vda", "02.0", None), ("came", "vdb", None, "04.0"), ("came", "vdc", None, "05.0")]),
    # Without an id, the place is all there is.
    ([PANIC.format(at(2))], [PANIC.format(at(2) + "<alias name='ua-panic'/>")], []),
    ([PANIC.format(at(2))], [PANIC.format(at(3))], [("went", None, "02.0", None), ("came", None, None, "03.0")]),
]


@pytest.mark.parametrize("before, after, changes", DIFFERENCES)
@pytest.mark.parametrize("saved", [False, True])
def test_differences(before, after, changes, saved, tmp_path):
    (tmp_path / "before.xml").write_text(domain(*before))
    source = f"--libvirt={tmp_path}/before.xml"
    if saved:
        source = save(tmp_path, source, "-o", "+MAC,SERIAL")
    assert compare(source, "--libvirt=-", stdin=domain(*after)) == changes
    reverse = compare("--libvirt=-", source, stdin=domain(*after))
    assert sorted((str(old), str(new)) for _, _, new, old in reverse) == sorted((str(old), str(new)) for _, _, old, new in changes)


def test_lines(tmp_path):
    """Nothing is printed for machines without differences, and a line for each difference."""
    (tmp_path / "a.xml").write_text(domain(disk("vda", 2)))
    source = f"--libvirt={tmp_path}/a.xml"
    assert run("compare", source, source).stdout == ""
    done = run("compare", "-n", source, "--libvirt=-", stdin=domain(disk("vda", 3)))
    assert (done.status, done.stdout.split()) == (1, ["moved", "vda", "disk", "disk", "02.0", "03.0"])


@pytest.mark.parametrize("before, after, changes", [
    (["04.0", "05.0"], ["05.0", "06.0"], [("moved", "ns", "04.0", "06.0")]), (["04.0", "05.0"], ["05.0", "04.0"], [])])
def test_several_devices_of_one_id(before, after, changes, tmp_path):
    """The paths of an NVMe namespace."""
    def listed(places):
        return json.dumps({"devices": [{"id": "ns", "type": "nvme-ns", "kind": "disk", "path": place} for place in places]})

    (tmp_path / "before").write_text(listed(before))
    assert compare(f"--list={tmp_path}/before", "--list=-", stdin=listed(after)) == changes


ENTRY = {"id": "vda", "type": "disk", "kind": "disk", "path": "02.0", "name": "/dev/disk/by-pci-path/02.0", "absent": None}


@pytest.mark.parametrize("text, reason", [
    ("", "the document is empty"), ("{}", "not a saved list: the key devices is missing; save one with 'pcipath-host list -J'"),
    ('{"devices": {}}', "devices is not of type array"), ('{"devices": [1]}', "devices[0] is not an object"),
    *((json.dumps({"devices": [ENTRY, {key: value for key, value in ENTRY.items() if key != gone}]}),
       f"devices[1].{gone} is missing; save the list with 'pcipath-host list -J'") for gone in ("id", "type", "kind", "path")),
    *((json.dumps({"devices": [ENTRY | {key: 1}]}), f"devices[0].{key} is not of type string") for key in (*ENTRY, "mac")),
    (json.dumps({"devices": [ENTRY | {"path": "02.9"}]}), "devices[0].path: '02.9' is not a PCI path: byte 3: "),
    *((json.dumps({"devices": [ENTRY | {"name": name}]}), f"devices[0].name: '{name}' is not a name of its path")
      for name in ("", "/dev/vda", "/dev/disk/by-pci-path/03.0", "/dev/disk/by-pci-path/02.0-", "/dev/disk/by-pci-path/02.0x", "pci-03.0", "pci-02.0x1")),
])
def test_saved_list_of_wrong_shape(text, reason):
    """As diff(1) has it, status 1 is a difference and 2 an error."""
    assert error("list", "--list=-", stdin=text)[0] == 1
    status, said = error("compare", "--list=-", DOCUMENTS[0], stdin=text)
    assert status == 2 and reason in said


def test_saved_list_as_a_source(tmp_path):
    saved = save(tmp_path, DOCUMENTS[0])
    assert pcipath_host("of", saved, "virtio-disk0").stdout == pcipath_host("of", DOCUMENTS[0], "virtio-disk0").stdout
    for verb in ("tree", "free"):
        status, reason = error(verb, saved)
        assert status == 2 and "a list does not have the machine's buses; use another source" in reason


@pytest.mark.parametrize("arguments, reason", [
    ([], "no source given"), (DOCUMENTS[:1], "only one source given"), (DOCUMENTS[:3], "more than two sources given"),
    ([*DOCUMENTS[:2], "vda"], "vda: unexpected argument"), (["--list=-", "--libvirt=-"], "both sources are standard input"),
    ([DOCUMENTS[0], "--list=/no/such"], "/no/such: ")])
def test_bad_usage(arguments, reason):
    status, said = error("compare", *arguments)
    assert status == 2 and reason in said


def test_timeout(tmp_path):
    """Each source has the whole time."""
    os.mkfifo(tmp_path / "pipe")
    for sources in ([DOCUMENTS[0], f"--list={tmp_path}/pipe"], [f"--list={tmp_path}/pipe", DOCUMENTS[0]]):
        assert error("compare", *sources, "--timeout=0.2") == (4, f"{tmp_path}/pipe: timed out after 0.2 s")


def many(n):
    return json.dumps({"devices": [{"id": f"d{i % 7}", "type": "x", "kind": "disk", "path": f"{i % 65536:04x}:00:01.0/{i % 32:02x}.0"} for i in range(n)]})


def test_time_grows_with_the_number_of_devices(tmp_path):
    """Also if thousands have the same id."""
    (tmp_path / "one").write_text('{"devices": []}')
    assert growth(many(5000), many(20000), "compare", "--list=-", f"--list={tmp_path}/one") < 9
    (tmp_path / "list").write_text(many(20000))
    assert compare(f"--list={tmp_path}/list", "--list=-", stdin=many(20000)) == []
