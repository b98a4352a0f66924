# SPDX-License-Identifier: LGPL-2.1-or-later
"""dracut.pcipath(7): root=pcipath: and rd.pcipath.wait=, with and without systemd in the initramfs. A boot that is to fail
is followed on its console."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from checks import check_disks, check_links, interface_of
from guest import KINDS
from machine import card, disk, root_ports
from oracle import flat, link_name, pci_path

COVERS = {
    "bookworm": "Release: Debian 12: systemd 252, dracut 059, Linux 6.1",
    "trixie": "Release: Debian 13: systemd 257, dracut 106, Linux 6.12",
    "forky": "Release: Debian forky: systemd 262, dracut 112, Linux 7.2",
    "hostonly": "Boot: a host-only initramfs on another machine",
    "root-port": "Boot: root on a disk behind a root port, plugged in while the boot waits",
    "switch-and-namespace": "Boot: root on an NVMe namespace behind a switch",
    "host-bridge-and-partition": "Boot: root on a partition of a LUN below a second host bridge",
    "usr": "Boot: /usr on another disk than root, plugged in while the boot waits",
    "resume": "Boot: resume from hibernation on a swap partition",
    "resume_with_systemd_255_and_later": "Boot: resume from hibernation on a swap partition",
    "names_hold_at_the_change_of_root": "Boot: the links stay right at the change of root, while a disk is unplugged",
    "plugged_while_the_boot_waits": "Boot: root (SHPC), disks in reverse order, an interface and a function without a driver plugged in while the boot waits",
    "never_plugged": "Boot: a missing root disk: the boot times out and prints the first missing part of the path",
    "awaited_in_vain": "Boot: a missing disk of rd.pcipath.wait=: the boot times out and prints the first missing part of the path",
    "misspelt": "Boot: an invalid path stops the boot at once",
}

KIND = pytest.mark.parametrize("kind", KINDS)


def bridge(driver, name, bus, addr, **properties):
    return {"driver": driver, "id": name, "bus": bus, "addr": addr, **properties}


def virtio(name, bus, addr="0.0"):
    return disk("virtio-blk-pci", name, bus=bus, addr=addr)


@dataclass(frozen=True)
class Root:
    """Where root is: the devices, beside four root ports; its partition; and how the path is written, of its canonical form."""

    devices: list
    part: int
    spell: Callable

    def link(self, machine):
        return f"/dev/disk/by-pci-path/{link_name(machine.qmp, 'root')}{f'-part{self.part}' if self.part else ''}"

    def words(self, machine, by_link=False):
        path = self.link(machine) if by_link else f"pcipath:{self.spell(pci_path(machine.qmp, 'root'))}"
        return f"root={path} rootfstype=ext4 rootflags=noatime,commit=7"

    def check(self, machine):
        source, options = machine.run(f"realpath {self.link(machine)} $(findmnt -n -o SOURCE /); findmnt -n -o OPTIONS /"
                                      ).rsplit("\n", 2)[0:2]
        assert len(set(source.split())) == 1
        assert {"rw", "noatime", "commit=7"} <= set(options.split(","))


ROOTS = {
    "root-port": Root([virtio("root", "port0")], 0, lambda path: path.replace(".0", "")),
    "switch-and-namespace": Root([
        bridge("x3130-upstream", "switch", "port0", "0.0"), bridge("xio3130-downstream", "down", "switch", "3.0"),
        bridge("nvme", "nvme", "down", "0.0", serial="nvme"),
        disk("nvme-ns", "other", bus="nvme", nsid=1), disk("nvme-ns", "root", bus="nvme", nsid=2),
    ], 0, lambda path: f"{flat(path)}-nvme-2"),
    "host-bridge-and-partition": Root([
        bridge("pxb-pcie", "expander", "pcie.0", "8.0", bus_nr=0x40), bridge("pcie-root-port", "far", "expander", "1.0"),
        bridge("virtio-scsi-pci", "scsi", "far", "0.0"),
        disk("scsi-hd", "root", bus="scsi.0", channel=0, lun=1, **{"scsi-id": 5}),
    ], 2, lambda path: f"{path.upper()},scsi-0:0:5:1,part=2"),
}
PORTS = root_ports(4)


@pytest.mark.parametrize("kind,place", [("hostonly", "host-bridge-and-partition")])
def test_hostonly(make_machine, release, kind, place):
    root = ROOTS[place]
    with make_machine([*PORTS, *root.devices], kind=kind, release=release) as machine:
        machine.partition_root()
        machine.start()
        machine.boot(root.words(machine, by_link=True))
        root.check(machine)


@pytest.fixture(scope="session")
def halves(guest):
    """The root file system of the release's guest as two: its /usr, and what else there is."""
    with tempfile.TemporaryDirectory() as directory:
        root, usr, tree = (Path(directory, name) for name in ("root.img", "usr.img", "tree"))
        tree.mkdir()
        subprocess.run(["debugfs", "-R", f"rdump / {tree}", guest.root], stderr=subprocess.DEVNULL, check=True)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree / "usr", usr, "1G"], check=True)
        shutil.rmtree(tree / "usr")
        (tree / "usr").mkdir()
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, root, "256M"], check=True)
        shutil.rmtree(tree)
        yield root, usr


@KIND
@pytest.mark.parametrize("place", ["switch-and-namespace"])
def test_usr(make_machine, release, kind, place, halves):
    """Without it there is not even an init."""
    root = ROOTS[place]
    with make_machine([*PORTS, *root.devices], kind=kind, release=release,
                      options=["-drive", f"if=none,id=usr,snapshot=on,format=raw,file={halves[1]}"]) as machine:
        machine.root = halves[0]
        machine.add_drive("other")
        machine.start()
        machine.start(f"{root.words(machine)} mount.usr=pcipath:02.1/0 mount.usrflags=ro,nodev rd.pcipath.debug")
        machine.resume()
        machine.wait_console("mount.usr=pcipath:02.1/0 is /dev/disk/by-pci-path/02.1-00.0")
        machine.plug(virtio("usr", "port1"))
        machine.wait_agent()
        root.check(machine)
        source, options = machine.run("findmnt -n -o SOURCE,OPTIONS /usr").split()
        assert machine.run(f"realpath /dev/disk/by-pci-path/{link_name(machine.qmp, 'usr')}").strip() == source
        assert {"ro", "nodev"} <= set(options.split(",")) and "noatime" not in options


def check_resume(make_machine, release, kind):
    """At its first start there is nothing to resume from, and the boot goes on."""
    root = ROOTS["host-bridge-and-partition"]
    with make_machine([*PORTS, *root.devices, virtio("swap", "port1")], kind=kind, release=release) as machine:
        machine.partition_root()
        swap = machine.add_drive("swap", 1 << 30)
        subprocess.run(["sfdisk", "-q", swap], input="size=2048\ntype=swap\n", text=True, check=True)
        machine.start()
        resume = "/dev/disk/by-pci-path/02.1-00.0-part2" if kind == "systemd" else "pcipath:02.1/0,part=2"
        machine.boot(f"{root.words(machine)} resume={resume}")
        root.check(machine)
        partition = f"/dev/disk/by-pci-path/{link_name(machine.qmp, 'swap')}-part2"
        machine.run(f"mkswap {partition} && swapon {partition} && echo kept >/run/kept")
        boot = machine.run("cat /proc/sys/kernel/random/boot_id")
        machine.qmp.execute("set-action", reboot="reset")
        # The agent would say so if it were another.
        machine.run("echo reboot >/sys/power/disk && echo disk >/sys/power/state")
        machine.qmp.wait_event("RESET", guest=True)
        assert machine.run("cat /run/kept /proc/sys/kernel/random/boot_id") == f"kept\n{boot}"


@pytest.mark.parametrize("kind", [*(pytest.param(kind, marks=pytest.mark.exhaustive) for kind in ("systemd", "nosystemd")), "initramfs-tools"])
@pytest.mark.releases("bookworm")
def test_resume(make_machine, release, kind):
    check_resume(make_machine, release, kind)


@pytest.mark.releases("trixie")
def test_resume_with_systemd_255_and_later(make_machine, release):
    """Its generator makes another service, which reads the command line once more."""
    check_resume(make_machine, release, "systemd")


@KIND
def test_plugged_while_the_boot_waits(make_machine, release, kind):
    """Root five seconds after the kernel started, by SHPC, and of two volumes the first awaited last. Its wait does not end before."""
    topology = [*PORTS, bridge("i82801b11-bridge", "dmi", "pcie.0", "4.0"), bridge("pci-bridge", "bridge", "dmi", "5.0", chassis_nr=9)]
    native = ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
    with make_machine(topology, kind=kind, release=release, options=native) as machine:
        for name in ("data", "more"):
            machine.add_drive(name)
        machine.start("root=pcipath:04.0-05.0-03.0 rd.pcipath.wait=02.2/00.0,2.3/0,timeout=1800"
                      " rd.pcipath.wait=02.0/00.0 rd.pcipath.wait=02.1/00.0,type=pci rd.pcipath.debug")
        machine.resume()
        missing = "pcipath: 02.2/00.0: 02.2 is there: a PCIe root port with an empty slot"
        devices = [virtio("root", "bridge", "3.0"), {"driver": "edu", "id": "function", "bus": "port1"}, card("card", "port0"),
                   virtio("more", "port3")]
        if kind == "nosystemd":  # dracut finds root before it waits for others
            machine.wait_console("root=pcipath:04.0-05.0-03.0 is /dev/disk/by-pci-path/04.0-05.0-03.0")
            time.sleep(5)
            machine.plug(devices.pop(0))
        said = machine.wait_console("pcipath: 2.3/0: 02.3 is there: a PCIe root port with an empty slot")
        uptime = float(re.search(r"at ([0-9.]+) s: pcipath: 2.3/0", said)[1])
        time.sleep(max(0, 5 - uptime))
        for device in devices:
            machine.plug(device)
        # A look that finds the one and still not the other.
        machine.wait_console(missing, said.count(missing) + 1)
        machine.plug(virtio("data", "port2"))
        machine.wait_agent()
        found = machine.run("pcipath find 04.0/05.0/03.0; for n in 0 2 3; do pcipath find 02.$n/00.0; done; pcipath find -t pci 02.1/00.0")
        root, interface, data, more, function = found.split()
        assert [root, data, more] == [f"/dev/{machine.disks()[name]}" for name in ("root", "data", "more")]
        assert machine.run("findmnt -n -o SOURCE /") == f"{root}\n"
        assert (interface_of(machine, "card")["ifname"], function) == (interface, "0000:02:00.0")
        # The root file system was not touched before all three were there.
        events = machine.run("dmesg | grep -o -e 'virtio_blk .*: .vd..' -e 'EXT4-fs .*: mounted'").splitlines()
        assert [event.split()[0] for event in events[:4]] == [*["virtio_blk"] * 3, "EXT4-fs"]


def rows(machine, nodes):
    """What a look finds: from each link to its node, and its path. All but root have a partition."""
    disks = {name: (link_name(machine.qmp, name), pci_path(machine.qmp, name)) for name in nodes}
    return {f"{link}{part and f'-part{part}'}": [f"/dev/{nodes[name]}{part}", f"/dev/{nodes[name]}{part}", path]
            for name, (link, path) in disks.items() for part in ("", *(["1"] if name != "root" else []))}


def watched(machine):
    """The lines of the watch, with all that has happened until now: it has seen a file that is made last."""
    return machine.run('seen=$(mktemp /dev/disk/by-pci-path/.seen-XXXXXX) && until grep -qx "create ${seen##*/}" /run/links-events; do :; done;'
                       ' rm "$seen"; cat /run/links-events').splitlines()


@KIND
@pytest.mark.parametrize("place", ["root-port"])
def test_names_hold_at_the_change_of_root(make_machine, release, kind, place):
    """Watched from the initramfs on: no name goes, not for a moment, and none is another disk's. Whoever is started before
    udevd has begun anew finds them all, and so does pcipath; udev's own database has the right names or none.

    One disk is unplugged while none runs, and another gets its node: the names of the first go with the new coldplug."""
    root = ROOTS[place]
    with make_machine([*PORTS, virtio("data", "port1"), virtio("more", "port2")], kind=kind, release=release) as machine:
        for name in ("data", "more", "late"):
            subprocess.run(["sfdisk", "-q", machine.add_drive(name)], input="size=2048\n", text=True, check=True)
        machine.start("root=pcipath:02/00 rootfstype=ext4 rootflags=noatime,commit=7 pcipath.watch rd.pcipath.debug")
        machine.resume()
        machine.wait_console("root=pcipath:02/00 is /dev/disk/by-pci-path/02.0-00.0")
        for device in root.devices:
            machine.plug(device)
        machine.wait_console("no udevd runs")
        before = rows(machine, {"root": "vdc", "data": "vda", "more": "vdb"})
        machine.unplug("more")
        machine.plug(virtio("late", "port3"))
        machine.wait_agent()
        root.check(machine)
        machine.settle()
        names = check_links(machine)
        after = rows(machine, {"root": "vdc", "data": "vda", "late": "vdb"})
        gone = sorted(before.keys() - after.keys())
        early, late = ({line.split()[0]: line.split()[1:] for line in machine.run(f"cat /run/links-{look}").splitlines()}
                       for look in ("early", "late"))
        assert early == before
        # That the name of what has gone leads to another disk's node only its link says.
        assert [late.pop(link)[:2] for link in gone] == [[before[link][0], "02.3/00.0"] for link in gone]
        assert late == {link: [*row, link, link] for link, row in after.items()}
        assert {link: f"/dev/{node}" for link, node in names.items()} == {link: row[0] for link, row in after.items()}
        assert machine.run("cat /run/links-problem") == ""
        first, *events = watched(machine)
        assert first.split() == ["watching", *sorted(before)]
        # udevd makes a link anew with a name of its own, and renames it.
        assert not [event for event in events if event.split()[1] in names and event.split()[0] != "replace"]
        assert machine.run("journalctl -b -o cat -u pcipath-prune.service | grep ^remove | sort").splitlines() == [
            f"remove /dev/disk/by-pci-path/{link} {before[link][0]}" for link in gone]
        # It is a watch that sees, still.
        machine.unplug("late")
        machine.wait("/dev/disk/by-pci-path/02.3-00.0", gone=True)
        assert "delete 02.3-00.0" in watched(machine)
        check_disks(machine)


def fail(machine, *texts):
    """Each is said on the console, in this order; then the boot is at its end."""
    machine.resume()
    for text in texts:
        machine.wait_console(text)


@KIND
def test_never_plugged(make_machine, release, kind):
    with make_machine(root_ports(2), kind=kind, release=release) as machine:
        machine.start("root=pcipath:02.1/00.0 rd.retry=4")
        fail(machine, "pcipath: 02.1/00.0: 02.1 is there: a PCIe root port with an empty slot", "pcipath: these devices are plugged in:")


@KIND
def test_awaited_in_vain(make_machine, release, kind):
    with make_machine([*root_ports(2), virtio("root", "port0")], kind=kind, release=release) as machine:
        machine.start("root=pcipath:02.0/00.0 rd.pcipath.wait=02.0/00.0,2.5/0,timeout=30")
        fail(machine, "rd.pcipath.wait=02.0/00.0,2.5/0: not all devices are ready after 30 seconds",
             "pcipath: 2.5/0: no bridge 02.5; on the root bus there are 00.0, 02.0, 02.1",
             "pcipath: these devices are plugged in:", "02.0/00.0 0000:01:00.0 virtio-pci block")


@KIND
@pytest.mark.parametrize("words,why", [
    pytest.param("root=pcipath:02.0/00.9", "root=pcipath:02.0/00.9: pcipath: '02.0/00.9' is not a path, at byte 8: a function is 0 to 7",
                 id="root"),
    pytest.param("root=LABEL=root rd.pcipath.wait=02.0/00.0,2.x/0",
                 "rd.pcipath.wait=02.0/00.0,2.x/0: pcipath: '2.x/0' is not a path, at byte 2", id="wait"),
    pytest.param("root=LABEL=root rd.pcipath.wait=02.0/00.0,timeout=1x",
                 "rd.pcipath.wait=02.0/00.0,timeout=1x: pcipath: --timeout=1x", id="seconds", marks=pytest.mark.exhaustive),
])
def test_misspelt(make_machine, release, kind, words, why):
    """Before anything is waited for."""
    with make_machine([*root_ports(1), virtio("root", "port0")], kind=kind, release=release) as machine:
        machine.start(words)
        fail(machine, f"FATAL: {why}", "Refusing to continue")
