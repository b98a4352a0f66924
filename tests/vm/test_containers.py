# SPDX-License-Identifier: LGPL-2.1-or-later
"""Volumes for containers: the host plugs a disk in under a path that it knows, the guest gives it to a container, and the host
finds on it what the container wrote."""

import subprocess

import cdi
import container
import pytest
from checks import check_disks, check_interfaces
from machine import card, disk, root_ports
from oracle import flat, link_name, mac, pci_path

ALSO_WITHOUT_UDEVD = "exhaustive"

COVERS = {
    "volume": "Container: a disk: plugged in, mounted, written by a container, unplugged, read by the host",
    "service": "Container: pcipath-cdi.service follows disks that are plugged in and unplugged",
    "disk_by_name": "Container: a disk by its CDI name",
    "interface_by_name": "Container: a network interface by its CDI name, with crun; it gets its names again when the container has ended",
    "podman": "Container: podman run --device pcipath.dev/disk=...",
    "podman_by_alias": "Container: podman run --device pcipath.dev/alias=..., with the volume plugged in elsewhere, and other bus numbers",
}

TOPOLOGY = [*root_ports(4), disk("virtio-blk-pci", "root", bus="port0"), disk("virtio-blk-pci", "tools", bus="port1")]


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(TOPOLOGY) as machine:
        container.make_tools(machine.add_drive("tools"))
        machine.boot("root=LABEL=root")
        container.mount_tools(machine, pci_path(machine.qmp, "tools"))
        yield machine


def plug(machine, name):
    """Plug in and wait for it in the guest. Returns its PCI path and node."""
    machine.plug(disk("virtio-blk-pci", name, bus="port2"))
    path = pci_path(machine.qmp, name)
    return path, machine.run(f"pcipath wait --timeout=1000 {path}").strip()


def test_volume(machine):
    drive = machine.add_drive("volume")
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", drive], check=True)
    _, node = plug(machine, "volume")
    machine.run(f"mkdir /run/volume && mount {node} /run/volume")
    printed = container.run(machine, "echo written >/volume/file; ls /volume", mounts=[
        {"destination": "/volume", "type": "bind", "source": "/run/volume", "options": ["bind", "rw"]}])
    assert printed.split() == ["file", "lost+found"]
    machine.run("umount /run/volume")
    machine.unplug("volume")
    machine.settle()
    check_disks(machine)

    subprocess.run(["e2fsck", "-fn", drive], stdout=subprocess.DEVNULL, check=True)
    read = subprocess.run(["debugfs", "-R", "cat /file", drive], text=True, capture_output=True, check=True)
    assert read.stdout == "written\n"


def test_disk_by_name(machine):
    """Without a file system: the container has its node where the host's name for it is, and no other disk's."""
    drive = machine.add_drive("raw")
    path, _ = plug(machine, "raw")
    machine.run("pcipath cdi --write")
    devices, common = cdi.read(machine.run("cat /run/cdi/pcipath.dev-disk.json"), "disk")
    assert devices[flat(path)][0] == path
    node = f"/dev/disk/by-pci-path/{flat(path)}"
    printed = container.run(machine, f"echo written | dd of={node} conv=fsync 2>/dev/null; find /dev -type b",
                            nodes=devices[flat(path)][1] + common)
    assert printed == f"{node}\n"
    machine.unplug("raw")
    assert drive.read_bytes().startswith(b"written\n")


@pytest.mark.udevd
def test_service(machine):
    """In its sandbox, the service writes what comes and goes."""
    file = "/run/cdi/pcipath.dev-disk.json"
    machine.run("rm -f /run/cdi/* && systemctl start pcipath-cdi.service")
    before = cdi.read(machine.run(f"cat {file}"), "disk")[0].keys()
    machine.add_drive("followed")
    path, _ = plug(machine, "followed")
    machine.run(f"until grep -q {flat(path)} {file}; do sleep 0.1; done")
    devices, _ = cdi.read(machine.run(f"cat {file}"), "disk")
    assert devices.keys() == before | {flat(path)} and devices[flat(path)][0] == path
    machine.unplug("followed")
    machine.run(f"while grep -q {flat(path)} {file}; do sleep 0.1; done")
    assert cdi.read(machine.run(f"cat {file}"), "disk")[0].keys() == before
    machine.run("systemctl stop pcipath-cdi.service")
    assert machine.run("ls /run/cdi") == "" and machine.run("journalctl -b -q -o cat -p notice -u pcipath-cdi.service") == ""


@pytest.mark.exhaustive
@pytest.mark.udevd
@pytest.mark.releases("forky")
def test_interface_by_name(make_machine, release):
    """With forky's crun: those of Debian 12 and 13 do not know netDevices, nor does forky's podman."""
    topology = [*TOPOLOGY[:-1], card("card", "port1"), card("other", "port2")]
    with make_machine(topology, release=release, packages=("crun", "busybox-static")) as machine:
        machine.add_drives()
        machine.boot("root=LABEL=root")
        machine.run(f"mkdir -p {container.TOOLS}/lib {container.TOOLS}/rootfs/bin {container.TOOLS}/rootfs/proc {container.TOOLS}/rootfs/dev"
                    f" {container.BUNDLE} && ln -s /usr/bin/crun {container.TOOLS}/ && cp /bin/busybox {container.TOOLS}/rootfs/bin"
                    f" && ln -s busybox {container.TOOLS}/rootfs/bin/sh")
        path = pci_path(machine.qmp, "card")
        machine.run(f"pcipath wait --timeout=1000 --type=net {path} && pcipath cdi --write")
        devices, _ = cdi.read(machine.run("cat /run/cdi/pcipath.dev-net.json"), "net")
        assert {found for found, _ in devices.values()} == {path, pci_path(machine.qmp, "other")}
        inside = container.run(machine, "busybox ip -o link", interfaces=devices[flat(path)][1])
        assert mac(machine.qmp, "card") in inside and mac(machine.qmp, "other") not in inside
        # The kernel gives it back when the last process of the container's network namespace has ended.
        machine.run(f"pcipath wait --timeout=1000 --type=net {path}")
        machine.settle()
        check_interfaces(machine)


@pytest.mark.exhaustive
@pytest.mark.udevd
@pytest.mark.releases("trixie")
def test_podman(make_machine, release):
    """Of Debian 13: that of Debian 12 is older than CDI 0.6. The container is given disks by the host's names for them, or refused."""
    topology = [*TOPOLOGY[:-1], {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "port3"},
                disk("scsi-hd", "lun", bus="scsi.0", channel=0, **{"scsi-id": 1}, lun=5)]
    with make_machine(topology, release=release, packages=("podman", "crun", "busybox-static"), memory="1G") as machine:
        machine.add_drives()
        drive = machine.add_drive("raw")
        machine.boot("root=LABEL=root")
        machine.run("mkdir -p /run/rootfs/bin && cp /bin/busybox /run/rootfs/bin && ln -s busybox /run/rootfs/bin/sh")
        plug(machine, "raw")
        names = [link_name(machine.qmp, name) for name in ("raw", "lun")]
        nodes = [f"/dev/disk/by-pci-path/{name}" for name in names]
        devices = " ".join(f"--device pcipath.dev/disk={name}" for name in names)
        podman = f"podman --cgroup-manager=cgroupfs run --rm --network=none {devices} --rootfs /run/rootfs sh -c"
        refused = machine.call(f"{podman} true")
        assert refused.status != 0 and "unresolvable CDI devices" in refused.stderr

        machine.run("pcipath cdi --write")
        inside = machine.run(f"{podman} 'echo written | busybox dd of={nodes[0]} conv=fsync; busybox find /dev -type b'")
        assert sorted(inside.split()) == sorted(nodes)
        machine.unplug("raw")
        assert drive.read_bytes().startswith(b"written\n")
        refused = machine.call(f"{podman} true")
        assert refused.status != 0 and "no such file or directory" in refused.stderr


SWITCH = [{"driver": "x3130-upstream", "id": "upstream", "bus": "port1"},
          {"driver": "xio3130-downstream", "id": "downstream", "bus": "upstream", "chassis": 99}]


def use_alias(machine):
    """A container writes to a disk by alias. It is unplugged and plugged in elsewhere under a new alias file, and another container
    reads it. Returns the disk's address at first."""
    podman = "podman --cgroup-manager=cgroupfs run --rm --network=none --device pcipath.dev/alias=database --rootfs /run/rootfs sh -c"
    file, node = "/run/cdi/pcipath.dev-alias.json", "/dev/disk/by-pci-alias/database"
    machine.run("mkdir -p /etc/pcipath/aliases.d /run/rootfs/bin && cp /bin/busybox /run/rootfs/bin && ln -s busybox /run/rootfs/bin/sh"
                " && systemctl start pcipath-cdi.service")
    for port, command, expected in (("port2", f"echo written | busybox dd of={node} conv=fsync; busybox find /dev -type b", node),
                                    ("port3", f"busybox head -n1 {node}", "written")):
        path = f"02.{port[-1]}/00.0"
        machine.run(f"echo database={path} >/etc/pcipath/aliases.d/host.conf")
        machine.plug(disk("virtio-blk-pci", "database", bus=port))
        assert pci_path(machine.qmp, "database") == path
        address = machine.run(f"pcipath wait --timeout=1000 --type=pci {path}")
        machine.run(f"until grep -qs {path} {file}; do sleep 0.1; done")
        assert machine.run(f"{podman} '{command}'").strip() == expected
        machine.unplug("database")
        machine.run(f"while [ -e {file} ]; do sleep 0.1; done")
        refused = machine.call(f"{podman} true")
        assert refused.status != 0 and "unresolvable CDI devices" in refused.stderr
    return address


@pytest.mark.exhaustive
@pytest.mark.udevd
@pytest.mark.releases("trixie")
def test_podman_by_alias(make_machine, release):
    """Also at the next boot, when the bus has another number."""
    addresses = set()
    for switch in ([], SWITCH):
        with make_machine([*TOPOLOGY[:-1], *switch], release=release, packages=("podman", "crun", "busybox-static"),
                          memory="1G") as machine:
            machine.add_drives()
            machine.add_drive("database")
            machine.boot("root=LABEL=root")
            addresses.add(use_alias(machine))
    assert len(addresses) == 2
