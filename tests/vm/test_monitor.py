# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath monitor` in a guest without udevd, which is the example of one: what no other scenario does to it."""

from contextlib import suppress

import pytest
from checks import check_disks
from content import Content, partition_node
from machine import disk, root_ports, virtio
from manager import PPOLL, restart_monitor
from oracle import link_name

COVERS = {
    "lost_events": "Hotplug: without udevd, more events than the socket can hold",
    "two_disks_of_one_uuid": "Fault: two disks with the same UUID",
    "written_to": "Disk: without udevd, links by label and UUID follow what is written to a disk",
    "blacklisted": "Hotplug: without udevd, a disk whose driver is in modprobe's blacklist",
    "told_of_each_device": "Hotplug: without udevd, the program of `--exec` runs for each device",
    "unreadable": "Fault: without udevd, a disk that cannot be read, and one that is unplugged while it is read",
}

TOPOLOGY = [*root_ports(4), virtio("root", "port0"), {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "pcie.0", "addr": "5.0"}]
DRIVE = {f"drive{n}": Content(n) for n in (0, 1, 3)}

# Writes down which disks and partitions the kernel has told of, with a '+', or a '-' when they have gone: it shows them before,
# and hides them before.
LISTEN = r"""perl -e 'socket S, 16, 3, 15; bind S, pack "SSLL", 16, 0, 0, 1; open F, ">>/run/kernel-told"; select F; $| = 1; print "listens\n";
while (sysread S, $_, 8192) { print {add => "+\n", remove => "-\n"}->{$1} if m!^(add|remove)\@.*\0SUBSYSTEM=block\0!s }' >/dev/null 2>&1 </dev/null &
until grep -q listens /run/kernel-told; do :; done"""


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(TOPOLOGY, kind="minimal") as machine:
        for name, content in DRIVE.items():
            content.write(machine.add_drive(name))
        for name in ("empty", "spare"):
            machine.add_drive(name)
        machine.boot("")
        machine.run(LISTEN)
        yield machine


@pytest.fixture(autouse=True)
def clean(machine):
    yield
    for name in [*DRIVE, "empty", "spare", "unreadable"]:
        with suppress(Exception):
            machine.unplug(name)
    restart(machine)
    settle(machine, {})


def restart(machine, arguments="", ready=True):
    machine.run(restart_monitor(arguments, ready))


def settle(machine, plugged):
    """The kernel shows all disks that are plugged in, and their partitions, and no other, and has told of it; the monitor has acted
    on all of it."""
    number = 1 + sum(3 if name in DRIVE else 1 for name in plugged)
    machine.run(f"until set -- /sys/class/block/*; [ $# = {number} ] && "
                f"[ $(($(grep -c + /run/kernel-told) - $(grep -c - /run/kernel-told))) = {number - 1} ]; do :; done; {machine.manager.settle}")


def content_links(machine):
    """By directory and name the node, in the four directories."""
    rows = machine.run("cd /dev/disk; for l in by-uuid/* by-label/* by-partuuid/* by-partlabel/*; do"
                       " [ ! -L \"$l\" ] || echo \"$l $(readlink \"$l\")\"; done").splitlines()
    return {link: target.rpartition("/")[2] for link, target in (row.rsplit(" ", 1) for row in rows)}


def check_content(machine, plugged):
    kernel = machine.disks()
    expected = {}
    for name in plugged:
        expected |= {link: partition_node(kernel[name], part) for link, part in DRIVE[name].links.items()}
    found = content_links(machine)
    assert {link: node for link, node in found.items() if node != kernel["root"]} == expected


def dropped(machine):
    """How many events the monitor's socket had no room for."""
    rows = machine.run("cat /proc/net/netlink").splitlines()
    pid = machine.run("cat /run/monitor.pid").strip()
    [row] = [row.split() for row in rows if row.split()[1:3] == ["15", pid]]
    return int(row[8])


def test_lost_events(machine):
    setting = "/proc/sys/net/core/rmem_default"
    before = machine.run(f"cat {setting}; echo 2304 >{setting}").strip()
    restart(machine)
    machine.run(f"echo {before} >{setting}; kill -STOP $(cat /run/monitor.pid)")
    noise = "for i in $(seq 300); do echo change >/sys/class/mem/null/uevent; done"
    machine.run(noise)
    machine.plug(virtio("drive0", "port1"))
    machine.plug(virtio("drive1", "port2"))
    machine.run("until set -- /sys/class/block/*; [ $# = 7 ]; do :; done")
    machine.run(noise)
    assert dropped(machine) > 300
    machine.run("kill -CONT $(cat /run/monitor.pid)")
    settle(machine, ["drive0", "drive1"])
    check_disks(machine)
    check_content(machine, ["drive0", "drive1"])


def test_two_disks_of_one_uuid(machine):
    """The link stays with the disk that has it, though the other is in an earlier port; and goes to that with the first's end,
    also when another monitor has come meanwhile."""
    machine.plug(virtio("drive0", "port3"))
    settle(machine, ["drive0"])
    original = machine.run("dd if=/dev/vdb bs=1M count=64 2>/dev/null | md5sum")
    machine.plug(virtio("empty", "port2"))
    settle(machine, ["drive0", "empty"])
    machine.run("dd if=/dev/vdb1 of=/dev/vdc bs=1M 2>/dev/null; sync")
    machine.settle()
    link = f"by-uuid/{Content(0).id('fs')}"
    assert content_links(machine)[link] == "vdb1"
    restart(machine)
    assert content_links(machine)[link] == "vdb1"
    machine.unplug("drive0")
    settle(machine, ["empty"])
    assert content_links(machine) == {key: node for key, node in content_links(machine).items() if node in ("vda", "vdc")}
    assert content_links(machine)[link] == "vdc" and original
    machine.run("dd if=/dev/zero of=/dev/vdc bs=1M count=8 2>/dev/null; sync")
    machine.settle()
    assert link not in content_links(machine)


def test_written_to(machine):
    """A table, a file system and another label, as they are written; and nothing, when it is wiped."""
    machine.plug(virtio("empty", "port1"))
    settle(machine, ["empty"])
    machine.run("dd if=/dev/zero of=/dev/vdb bs=1M count=64 2>/dev/null;"
                " printf 'label: gpt\\nsize=32M, name=one\\nname=two\\n' | sfdisk -q /dev/disk/by-pci-path/02.1-00.0")
    machine.run("until set -- /sys/class/block/*; [ $# = 4 ]; do :; done")
    machine.settle()
    labels = {link: node for link, node in content_links(machine).items() if link.startswith(("by-partlabel", "by-label")) and node != "vda"}
    assert labels == {"by-partlabel/one": "vdb1", "by-partlabel/two": "vdb2"}
    machine.run("mkfs.ext4 -q -L fresh /dev/disk/by-partlabel/one")
    machine.settle()
    assert content_links(machine)["by-label/fresh"] == "vdb1"
    machine.run("dd if=/dev/zero of=/dev/disk/by-label/fresh bs=1M count=32 2>/dev/null")
    machine.settle()
    assert "by-label/fresh" not in content_links(machine) and "by-partlabel/one" in content_links(machine)


def test_blacklisted(machine):
    machine.run("mkdir -p /etc/modprobe.d; echo 'blacklist e1000e' >/etc/modprobe.d/test.conf; rmmod nvme nvme_core 2>/dev/null;"
                "echo 'blacklist nvme' >/etc/modprobe.d/test.conf")
    machine.plug(disk("nvme", "spare", bus="port1"))
    machine.run("pcipath wait -t pci --timeout=1000 02.1/00.0")
    machine.settle()
    assert "nvme" not in machine.run("cut -d' ' -f1 /proc/modules").split()
    machine.run("rm /etc/modprobe.d/test.conf; pcipath coldplug --modules")
    settle(machine, ["spare"])
    check_disks(machine)


# Stops the monitor when it sleeps with a timeout: it has failed to read a disk, and is going to read it again.
STOP_BEFORE_RETRY = f"""(monitor=$(cat /run/monitor.pid)
until read -r call _ _ timeout _ </proc/$monitor/syscall && [ $call = {PPOLL} ] && [ $timeout != 0x0 ]; do :; done
kill -STOP $monitor; : >/run/stopped) >/dev/null 2>&1 </dev/null &"""


def test_unreadable(machine):
    """Of a disk that went while it was read nothing is said. A disk that stays is reported once, and has its link."""
    machine.qmp.execute("blockdev-add", **{"driver": "blkdebug", "node-name": "unreadable", "image": {"driver": "null-co", "size": 64 << 20},
                                           "inject-error": [{"event": "none", "iotype": "read", "errno": 5, "once": False}]})
    restart(machine)
    machine.run(f": >/run/monitor.err; {STOP_BEFORE_RETRY}")
    machine.plug(disk("scsi-hd", "unreadable", bus="scsi.0"))
    machine.run("until [ -e /run/stopped ]; do :; done")
    machine.unplug("unreadable")
    machine.run("while [ -e /sys/class/block/sda ]; do :; done; kill -CONT $(cat /run/monitor.pid)")
    settle(machine, [])
    assert machine.run("cat /run/monitor.err") == ""

    machine.plug(disk("scsi-hd", "unreadable", bus="scsi.0"))
    machine.run("until [ -s /run/monitor.err ]; do :; done")
    settle(machine, ["unreadable"])
    assert machine.run(f"readlink /dev/disk/by-pci-path/{link_name(machine.qmp, 'unreadable')}") == "../../sda\n"
    assert machine.run("cat /run/monitor.err") == "pcipath: /dev/sda: cannot read its content: Input/output error\n"


def test_told_of_each_device(machine):
    """In order: a disk before its partitions; a program that hangs holds up no link."""
    machine.run("printf '#!/bin/sh\\necho $ACTION $ID_PCI_PATH $DEVNAME $DEVLINKS >>/run/told\\n"
                "[ $DEVNAME != /dev/vdb ] || read x </run/hang\\n' >/run/tell; chmod 755 /run/tell; mkfifo /run/hang")
    restart(machine, "--exec=/run/tell")
    machine.plug(virtio("drive3", "port2"))
    settle(machine, ["drive3"])
    check_disks(machine)
    machine.run("echo >/run/hang; until grep -q vdb2 /run/told; do :; done")
    machine.unplug("drive3")
    settle(machine, [])
    machine.run("until grep -q 'remove.*vdb ' /run/told; do :; done; echo >/run/hang; until grep -q 'remove.*vdb2' /run/told; do :; done")
    told = [line.split() for line in machine.run("cat /run/told").splitlines() if " 02.2/00.0 " in line]
    assert sorted(line[:3] for line in told) == sorted([action, "02.2/00.0", f"/dev/vdb{part}"] for action in ("add", "remove")
                                                       for part in ("", 1, 2))
    order = [(line[0], line[2]) for line in told]
    assert order.index(("add", "/dev/vdb")) < order.index(("add", "/dev/vdb1")) < order.index(("remove", "/dev/vdb1"))
    assert all(f"/dev/disk/by-pci-path/02.2-00.0{'-part' + line[2][8:] if line[2][8:] else ''}" in line[3:] for line in told)
    assert all(f"/dev/disk/by-label/label\\x2f3" in line[3:] for line in told if line[2] == "/dev/vdb1")
