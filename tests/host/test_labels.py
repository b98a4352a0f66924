# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices by what a host has at hand: MAC address, source, serial number, address on the host, netdev or drive."""

import json
from pathlib import Path

import pytest
from emulator import LATER
from host.qemu import paused
from host.run import error, growth, pcipath_host, table
from release import HOST

COVERS = {
    "labels_of_qemu": "Host: a device by MAC address, source, serial number or address on the host",
    "labels_of_libvirt": "Host: a device by MAC address, source, serial number or address on the host",
    "ambiguous": "Host: ambiguous devices have no name",
}

DOCUMENTS = Path(__file__).parent / "documents"
LABELS = ("mac", "source", "serial", "host", "backend")
SHOW = ",".join(("ID", "PATH", *LABELS)).upper()


def labels(*source, **options):
    """By path: the labels that are there."""
    return {row["path"]: {key: row[key] for key in LABELS if row[key]} for row in table("list", *source, "-o", SHOW, **options)}


def check_of(source, by_label, **options):
    """Each label that one device has leads to it; one of several is refused with the candidates."""
    values = [value for has in by_label.values() for value in has.values()]
    for path, has in by_label.items():
        for value in has.values():
            if values.count(value) == 1:
                assert pcipath_host("of", source, value, **options).stdout == f"{path}\n"
            else:
                status, reason = error("of", source, value, **options)
                assert status == 1 and f"({path})" in reason


@pytest.mark.parametrize("qemu", [HOST, *LATER])
def test_labels_of_qemu(qemu, tmp_path):
    for name in ("data", "shared"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    topology = [
        {"driver": "virtio-net-pci", "netdev": "n0", "mac": "52:54:00:AA:00:01", "addr": "2.0"},
        {"driver": "e1000e", "netdev": "n1", "mac": "52:54:00:aa:00:02", "addr": "3.0"},
        {"driver": "virtio-blk-pci", "id": "disk", "drive": "data", "serial": "S-1", "addr": "4.0"},
        {"driver": "virtio-scsi-pci", "id": "scsi", "addr": "5.0"},
        {"driver": "scsi-hd", "bus": "scsi.0", "drive": "old", "serial": "S-2"},
        {"driver": "nvme", "serial": "S-3", "drive": "null", "addr": "6.0"}]
    options = ["-netdev", "user,id=n0", "-netdev", "user,id=n1",
               "-drive", f"if=none,id=old,format=raw,file={tmp_path}/shared",
               "-blockdev", f"driver=file,node-name=of-data,filename={tmp_path}/data",
               "-blockdev", "driver=raw,node-name=data,file=of-data"]
    with paused("q35", [], [*options, "-blockdev", "driver=null-co,node-name=null,size=1048576",
                            *(word for row in topology for word in ("-device", json.dumps(row)))], qemu=qemu) as machine:
        source = f"--qmp={machine.socket}"
        found = {path: has for path, has in labels(source).items() if has}
        assert found == {
            "02.0": {"mac": "52:54:00:aa:00:01", "backend": "n0"},
            "03.0": {"mac": "52:54:00:aa:00:02", "backend": "n1"},
            "04.0": {"serial": "S-1", "backend": "data", "source": f"{tmp_path}/data"},
            "05.0": {"serial": "S-2", "backend": "old", "source": f"{tmp_path}/shared"},
            "06.0": {"serial": "S-3", "backend": "null"}}
        check_of(source, found)
        assert pcipath_host("of", source, "52-54-00-AA-00-01").stdout == "02.0\n"


def domain(devices):
    return f"""<domain type='qemu'><os><type machine='q35'>hvm</type></os><devices>
        <controller type='pci' index='0' model='pcie-root'/>{devices}</devices></domain>"""


def at(slot):
    return f"<address type='pci' bus='0x00' slot='{slot}' function='0x0'/>"


LIBVIRT = {
    "02.0": ("<disk type='file'><source file='/a.img'/><serial>S 1</serial>{}</disk>", {"source": "/a.img", "serial": "S 1"}),
    "03.0": ("<disk type='block'><source dev='/dev/sdb'/>{}</disk>", {"source": "/dev/sdb"}),
    "04.0": ("<disk type='volume'><source pool='p' volume='v' index='1'/>{}</disk>", {"source": "p/v"}),
    "05.0": ("<disk type='network'><source protocol='rbd' name='p/i'><host name='h'/></source>{}</disk>", {"source": "p/i"}),
    "06.0": ("<disk type='nvme'><source type='pci' namespace='1'><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>"
             "{}</disk>", {"host": "0000:01:00.0"}),
    "07.0": ("<interface type='network'><mac address='52:54:00:AA:00:01'/><source network='n' bridge='b'/>{}</interface>",
             {"mac": "52:54:00:aa:00:01", "source": "n"}),
    "08.0": ("<interface type='direct'><mac address='52:54:00:aa:00:02'/><source dev='eth0' mode='vepa'/>{}</interface>",
             {"mac": "52:54:00:aa:00:02", "source": "eth0"}),
    "09.0": ("<interface type='hostdev'><source><address type='pci' bus='0x3B' slot='0x10' function='0x7'/></source>{}</interface>",
             {"host": "0000:3b:10.7"}),
    "0a.0": ("<hostdev type='mdev'><source><address uuid='C2177883-F1BB-47F0-914D-32A22E3A8804'/></source>{}</hostdev>",
             {"host": "c2177883-f1bb-47f0-914d-32a22e3a8804"}),
    "0b.0": ("<interface type='network'><mac address='52:54:00:aa:00:03'/><source network='n'/>{}</interface>",
             {"mac": "52:54:00:aa:00:03", "source": "n"}),
    "0c.0": ("<disk type='nvme'><source><address bus='0x100' slot='0' function='0'/></source><serial/>{}</disk>", {}),
}


def test_labels_of_libvirt():
    text = domain("".join(element.format(at(f"0x{path[:2]}")) for path, (element, _) in LIBVIRT.items()))
    found = labels("--libvirt=-", stdin=text)
    assert found == {path: has for path, (_, has) in LIBVIRT.items()}
    check_of("--libvirt=-", found, stdin=text)
    for label, path in (("52-54-00-aa-00-01", "07.0"), ("3b:10.7", "09.0"), ("0000:3B:10.7", "09.0"),
                        ("C2177883-f1bb-47f0-914d-32a22e3a8804", "0a.0")):
        assert pcipath_host("of", "--libvirt=-", label, stdin=text).stdout == f"{path}\n"


def test_ambiguous():
    """At most eight candidates are named. A device without a path can be one."""
    cards = "".join(f"<interface><mac address='52:54:00:00:00:01'/><source bridge='b'/>{at(slot) if slot > 1 else ''}</interface>"
                    for slot in range(1, 13))
    status, reason = error("of", "--libvirt=-", "52:54:00:00:00:01", stdin=domain(cards))
    assert status == 1 and reason.startswith("52:54:00:00:00:01: ambiguous: net1 (02.0), net2 (03.0), ")
    assert " and 4 more. Use an ID, or another value from 'pcipath-host list -o +MAC" in reason
    two = domain("<disk><serial>52-54-00-00-00-01</serial>" + at(2) + "</disk><interface><mac address='52:54:00:00:00:01'/></interface>")
    assert "disk (02.0), net0 (no path)" in error("of", "--libvirt=-", "52-54-00-00-00-01", stdin=two)[1]


def test_an_id_comes_first():
    text = domain(f"<disk><target dev='vda'/>{at(2)}</disk><disk><target dev='vdb'/><serial>vda</serial>{at(3)}</disk>")
    assert pcipath_host("of", "--libvirt=-", "vda", stdin=text).stdout == "02.0\n"


@pytest.mark.parametrize("label", ["", ":", "52:54:00:00:00:0", "52:54:00:00:00:011", "3b:00", "3b:00.8", "3b:20.0", "0x3b:00.0", "::", "3b:00.0 ",
                                   "123456789:00:00.0"])
def test_not_an_address(label):
    text = domain(f"<interface><mac address='52:54:00:00:00:01'/>{at(2)}</interface>")
    assert error("of", "--libvirt=-", label, stdin=text)[0] == 3


CLOUD_HYPERVISOR = {
    "disks": ("02.0", {"path": "/a.img", "serial": "s"}, {"source": "/a.img", "serial": "s"}),
    "net": ("03.0", {"mac": "AE:00:00:00:00:01", "tap": "tap0"}, {"mac": "ae:00:00:00:00:01", "source": "tap0"}),
    "devices": ("04.0", {"path": "/sys/bus/pci/devices/0000:3b:00.0/"}, {"host": "0000:3b:00.0"}),
    "pmem": ("05.0", {"file": "/p"}, {"source": "/p"}), "fs": ("06.0", {"tag": "t", "socket": "/s"}, {"source": "/s"}),
    "vsock": ("07.0", {"socket": "/v"}, {"source": "/v"}), "vdpa": ("08.0", {"path": "/dev/vhost-vdpa-0"}, {"source": "/dev/vhost-vdpa-0"}),
    "user_devices": ("09.0", {"socket": "/u"}, {"source": "/u"}),
}


@pytest.mark.parametrize("booted", [False, True])
def test_labels_of_cloud_hypervisor(booted):
    config = {key: [{"id": f"x-{key}", **values, **({} if booted else {"pci_device_id": int(path[:2], 16)})}]
              for key, (path, values, _) in CLOUD_HYPERVISOR.items()}
    tree = {f"_virtio-pci-x-{key}": {"children": [f"x-{key}"], "pci_bdf": f"0000:00:{path}"}
            for key, (path, _, _) in CLOUD_HYPERVISOR.items()}
    text = json.dumps({"config": config, **({"device_tree": tree} if booted else {})})
    found = labels("--cloud-hypervisor=-", stdin=text)
    assert found == {path: has for path, _, has in CLOUD_HYPERVISOR.values()}
    check_of("--cloud-hypervisor=-", found, stdin=text)


def test_labels_of_firecracker():
    text = json.dumps({"boot-source": {}, "drives": [
        {"drive_id": "d", "is_root_device": True, "path_on_host": "/a.img"}, {"drive_id": "e", "is_root_device": False, "socket": "/s"}],
        "network-interfaces": [{"iface_id": "n", "guest_mac": "06:00:AC:10:00:02", "host_dev_name": "tap0"}], "vsock": {"uds_path": "/v"}})
    found = labels("--firecracker=-", stdin=text)
    assert found == {"01.0": {"source": "/a.img"}, "02.0": {"source": "/s"},
                     "03.0": {"mac": "06:00:ac:10:00:02", "source": "tap0"}, "04.0": {"source": "/v"}}
    check_of("--firecracker=-", found, stdin=text)


def test_labels_of_a_wrong_type():
    """Labels are no reason to refuse a machine."""
    text = json.dumps({"boot-source": {}, "drives": [{"drive_id": "d", "path_on_host": 1}]})
    assert labels("--firecracker=-", stdin=text) == {"01.0": {}}


def test_columns():
    source = f"--firecracker={DOCUMENTS}/firecracker.json"
    assert pcipath_host("list", "--list-columns").stdout.split() == [
        "ID", "TYPE", "KIND", "PATH", "NAME", "ABSENT", "MAC", "SOURCE", "SERIAL", "HOST", "BACKEND"]
    assert list(table("list", source, "-o", "+mac")[0]) == ["id", "type", "kind", "path", "name", "absent", "mac"]
    assert pcipath_host("list", "-n", "-o", "id,path", source).stdout.splitlines()[1].split() == ["rootfs", "02.0"]
    assert error("list", source, "-o", "WORD")[0] == 2


def many_cards(n):
    return json.dumps({"config": {"net": [{"id": f"n{i}", "tap": "tap", "mac": f"52:54:00:00:{i >> 8:02x}:{i & 255:02x}", "pci_segment": i % 256}
                                          for i in range(n)]}})


def test_time_grows_with_the_number_of_devices():
    assert growth(many_cards(10000), many_cards(40000), "list", "--cloud-hypervisor=-", "-o", "+MAC,SOURCE") < 9
    assert " and 9992 more" in error("of", "--cloud-hypervisor=-", "tap", stdin=many_cards(10000))[1]
