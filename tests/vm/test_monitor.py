# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath monitor` in a guest without udevd, which is the example of one: what no other scenario does to it."""

import random
import subprocess
import uuid
from contextlib import suppress
from dataclasses import dataclass

import pytest
from checks import check_disks, check_links
from machine import disk, root_ports

COVERS = {
    "plugged_and_unplugged_at_random": "Hotplug: without udevd, random hotplug while `pcipath monitor` is killed and restarted",
    "lost_events": "Hotplug: without udevd, more events than the socket can hold",
    "two_disks_of_one_uuid": "Fault: two disks with the same UUID",
    "written_to": "Disk: without udevd, links by label and UUID follow what is written to a disk",
    "blacklisted": "Hotplug: without udevd, a disk whose driver is in modprobe's blacklist",
    "told_of_each_device": "Hotplug: without udevd, the program of `--exec` runs for each device",
}

PORTS, LUNS, DRIVES = 5, 4, 8
TOPOLOGY = [*root_ports(1 + PORTS), disk("virtio-blk-pci", "root", bus="port0"),
            {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "pcie.0", "addr": "5.0"}]
MONITOR = "pcipath monitor --modules --links"

# Writes down which disks and partitions the kernel has told of, with a '+', or a '-' when they have gone: it shows them before,
# and hides them before.
LISTEN = r"""perl -e 'socket S, 16, 3, 15; bind S, pack "SSLL", 16, 0, 0, 1; open F, ">>/run/kernel-told"; select F; $| = 1; print "listens\n";
while (sysread S, $_, 8192) { print {add => "+\n", remove => "-\n"}->{$1} if m!^(add|remove)\@.*\0SUBSYSTEM=block\0!s }' >/dev/null 2>&1 </dev/null &
until grep -q listens /run/kernel-told; do :; done"""


@dataclass(frozen=True)
class Content:
    """What is on a drive: a table of two partitions, and a file system on the first."""
    number: int

    def id(self, what):
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.number} {what}"))

    def write(self, path):
        table = (f"label: gpt\nlabel-id: {self.id('table')}\n"
                 f"start=2048, size=16384, uuid={self.id(1)}, name=\"first of {self.number}\"\n"
                 f"start=32768, size=2048, uuid={self.id(2)}, name=second{self.number}\n")
        subprocess.run(["sfdisk", "-q", path], input=table, text=True, check=True)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-U", self.id("fs"), "-L", f"label/{self.number}",
                        "-E", f"offset={2048 * 512}", path, "8M"], check=True)

    @property
    def links(self):
        """By directory and name, the number of the partition."""
        return {f"by-uuid/{self.id('fs')}": 1, f"by-label/label\\x2f{self.number}": 1, f"by-partuuid/{self.id(1)}": 1,
                f"by-partuuid/{self.id(2)}": 2, f"by-partlabel/first\\x20of\\x20{self.number}": 1,
                f"by-partlabel/second{self.number}": 2}


DRIVE = {f"drive{n}": Content(n) for n in range(DRIVES)}


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
    for name in [*DRIVE, "empty", "spare"]:
        with suppress(Exception):
            machine.unplug(name)
    restart(machine)
    settle(machine, {})


def restart(machine, arguments="", ready=True):
    """The monitor is killed and another one started. With `ready`, wait until it is."""
    machine.run("kill -9 $(cat /run/monitor.pid); rm -f /run/again; mkfifo /run/again; "
                f"({MONITOR} {arguments} --ready-fd=9 9<>/run/again 2>>/run/monitor.err & echo $! >/run/monitor.pid) >/dev/null </dev/null"
                + ("; read -r _ </run/again" if ready else ""))


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
        node = kernel[name]
        separator = "p" if node[-1].isdigit() else ""
        expected |= {link: f"{node}{separator}{part}" for link, part in DRIVE[name].links.items()}
    found = content_links(machine)
    assert {link: node for link, node in found.items() if node != kernel["root"]} == expected


def device(slot, name):
    kind, number = slot
    if kind == "lun":
        return disk("scsi-hd", name, bus="scsi.0", **{"scsi-id": number})
    return disk(kind, name, bus=f"port{number}")


def memory_and_time(machine):
    """Of the monitor: kilobytes of its own, resident kilobytes, and hundredths of seconds of processor time."""
    status = machine.run("cat /proc/$(cat /run/monitor.pid)/status")
    values = dict(line.split(":", 1) for line in status.splitlines())
    times = machine.run("cat /proc/$(cat /run/monitor.pid)/stat").rpartition(")")[2].split()
    return int(values["RssAnon"].split()[0]), int(values["VmRSS"].split()[0]), int(times[11]) + int(times[12])


class Plugging:
    """Disks in and out of slots at random."""

    def __init__(self, machine, seed):
        self.machine, self.random = machine, random.Random(seed)
        self.plugged = {}  # slot by drive
        self.cycles = 0

    def change(self):
        """Several at once. Returns those that were asked to go."""
        going = self.random.sample(sorted(self.plugged), self.random.randint(0, min(4, len(self.plugged))))
        used = {slot[1] if slot[0] != "lun" else slot for slot in self.plugged.values()}
        free = [("lun", n) for n in range(LUNS) if ("lun", n) not in used]
        free += [(self.random.choice(["virtio-blk-pci", "nvme"]), n) for n in range(1, 1 + PORTS) if n not in used]
        drives = [name for name in DRIVE if name not in self.plugged]
        coming = list(zip(self.random.sample(drives, min(len(drives), self.random.randint(1, 3))),
                          self.random.sample(free, min(len(free), 3)), strict=False))
        actions = [("out", name, None) for name in going] + [("in", *pair) for pair in coming]
        self.random.shuffle(actions)
        for action, name, slot in actions:
            if action == "out":
                self.machine.qmp.execute("device_del", id=name)
            else:
                self.machine.plug(device(slot, name))
                self.plugged[name] = slot
        return going

    def finish(self, going):
        for name in going:
            self.machine.qmp.wait_event("DEVICE_DELETED", device=name)
            del self.plugged[name]
            self.cycles += 1
        settle(self.machine, self.plugged)

    def check(self):
        check_content(self.machine, self.plugged)
        (check_disks if self.random.random() < 0.1 else check_links)(self.machine)


def test_plugged_and_unplugged_at_random(machine, request):
    """At each moment when nothing moves the links are those of the disks that are there. First the monitor is killed now and
    then, before, while and after; then it is left alone, and must not grow."""
    wanted = request.config.getoption("cycles")
    plugging = Plugging(machine, request.config.getoption("seed"))
    kills = 0
    while plugging.cycles < wanted // 2:
        when = plugging.random.choice(["before", "while", "after", *["never"] * 5])
        if when == "before":
            restart(machine, ready=False)
        going = plugging.change()
        if when == "while":
            restart(machine, ready=False)
        plugging.finish(going)
        if when == "after":
            restart(machine)
        kills += when != "never"
        plugging.check()

    restart(machine)
    first = None
    while plugging.cycles < wanted:
        plugging.finish(plugging.change())
        plugging.check()
        if plugging.cycles > wanted * 2 // 3:  # when it has had as many disks as there will ever be
            first = first or memory_and_time(machine)
    last = memory_and_time(machine)
    print(f"{plugging.cycles} cycles, the monitor killed {kills} times; in the last third, of itself {first[0]} KB at first and "
          f"{last[0]} KB at last, resident {first[1]} KB and {last[1]} KB, {last[2] / 100:.2f} s of processor time")
    assert last[0] - first[0] < 400
    assert machine.run("cat /run/monitor.err 2>/dev/null; true") == ""


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
    machine.plug(device(("virtio-blk-pci", 1), "drive0"))
    machine.plug(device(("virtio-blk-pci", 2), "drive1"))
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
    machine.plug(device(("virtio-blk-pci", 3), "drive0"))
    settle(machine, ["drive0"])
    original = machine.run("dd if=/dev/vdb bs=1M count=64 2>/dev/null | md5sum")
    machine.plug(device(("virtio-blk-pci", 2), "empty"))
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
    machine.plug(device(("virtio-blk-pci", 1), "empty"))
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
    machine.plug(device(("nvme", 1), "spare"))
    machine.run("pcipath wait -t pci --timeout=1000 02.1/00.0")
    machine.settle()
    assert "nvme" not in machine.run("cut -d' ' -f1 /proc/modules").split()
    machine.run("rm /etc/modprobe.d/test.conf; pcipath coldplug --modules")
    settle(machine, ["spare"])
    check_disks(machine)


def test_told_of_each_device(machine):
    """In order: a disk before its partitions; a program that hangs holds up no link."""
    machine.run("printf '#!/bin/sh\\necho $ACTION $ID_PCI_PATH $DEVNAME $DEVLINKS >>/run/told\\n"
                "[ $DEVNAME != /dev/vdb ] || read x </run/hang\\n' >/run/tell; chmod 755 /run/tell; mkfifo /run/hang")
    restart(machine, "--exec=/run/tell")
    machine.plug(device(("virtio-blk-pci", 2), "drive3"))
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
