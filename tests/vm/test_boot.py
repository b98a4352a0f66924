# SPDX-License-Identifier: LGPL-2.1-or-later
"""dracut.pcipath(7): root=pcipath: and rd.pcipath.wait=, with and without systemd in the initramfs. A boot that is to fail
is followed on its console."""

import itertools
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from checks import check_disks, check_links
from guest import KINDS
from machine import card, disk, root_ports
from oracle import flat, link_name, pci_path

COVERS = {
    "hostonly": "Boot: a host-only image on a machine that it was not made for",
    "root": "Boot: root on a disk behind a root port; on NVMe behind a switch; on a partition of a LUN below a second host bridge",
    "usr": "Boot: /usr on another disk than root, plugged while the boot waits",
    "resume": "Boot: a guest that hibernates goes on from the swap partition of a disk",
    "plugged_while_the_boot_waits": "Boot: root and awaited volumes plugged while the boot waits, in reverse order",
    "shpc": "Boot: root that comes by SHPC; an interface and a bare function awaited",
    "names_hold_at_the_change_of_root": "Boot: names watched at the change of root",
    "never_plugged": "Boot: root that never comes: ends in time and says how far the path got",
    "awaited_in_vain": "Boot: an awaited disk that never comes: ends in time and says how far the path got",
    "misspelt": "Boot: a path that cannot be read ends the boot at once",
}

KIND = pytest.mark.parametrize("kind", KINDS)


def bridge(driver, name, bus, addr, **properties):
    return {"driver": driver, "id": name, "bus": bus, "addr": addr, **properties}


def virtio(name, bus, addr="0.0"):
    return disk("virtio-blk-pci", name, bus=bus, addr=addr)


# By name: the devices, the partition that root is on, and how the path is written, of its canonical form.
ROOTS = {
    "root-port": ([*root_ports(1), virtio("root", "port0")], 0, lambda path: path.replace(".0", "")),
    "switch-and-namespace": ([
        *root_ports(1), bridge("x3130-upstream", "switch", "port0", "0.0"),
        bridge("xio3130-downstream", "down", "switch", "3.0"),
        bridge("nvme", "nvme", "down", "0.0", serial="nvme"),
        disk("nvme-ns", "other", bus="nvme", nsid=1), disk("nvme-ns", "root", bus="nvme", nsid=2),
    ], 0, lambda path: f"{flat(path)}-nvme-2"),
    "host-bridge-and-partition": ([
        bridge("pxb-pcie", "expander", "pcie.0", "8.0", bus_nr=0x40), bridge("pcie-root-port", "far", "expander", "1.0"),
        bridge("virtio-scsi-pci", "scsi", "far", "0.0"),
        disk("scsi-hd", "root", bus="scsi.0", channel=0, lun=1, **{"scsi-id": 5}),
    ], 2, lambda path: f"{path.upper()},scsi-0:0:5:1,part=2"),
}


def root_of(machine):
    """The kernel's name of what is mounted as root, and its options."""
    source, options = machine.run("findmnt -n -o SOURCE,OPTIONS /").split()
    return source, set(options.split(","))


# A host-only image was made for another machine.
@pytest.mark.parametrize("kind,place", [*itertools.product(KINDS, ROOTS), ("hostonly", "switch-and-namespace")])
def test_root(make_machine, release, kind, place):
    topology, part, spell = ROOTS[place]
    with make_machine(topology, kind=kind, release=release) as machine:
        machine.add_drives()
        if part:
            machine.partition_root()
        machine.start()
        machine.boot(f"root=pcipath:{spell(pci_path(machine.qmp, 'root'))} rootfstype=ext4 rootflags=noatime,commit=7")
        source, options = root_of(machine)
        link = f"/dev/disk/by-pci-path/{link_name(machine.qmp, 'root')}{f'-part{part}' if part else ''}"
        assert machine.run(f"realpath {link}").strip() == source
        assert {"rw", "noatime", "commit=7"} <= options


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
def test_usr(make_machine, release, kind, halves):
    """Without it there is not even an init."""
    root, usr = halves
    with make_machine([*root_ports(2), virtio("root", "port0")], kind=kind, release=release,
                      options=["-drive", f"if=none,id=usr,snapshot=on,format=raw,file={usr}"]) as machine:
        machine.root = root
        machine.start("root=pcipath:02.0/00.0 mount.usr=pcipath:02.1/0 mount.usrflags=ro,noatime rd.pcipath.debug")
        machine.resume()
        machine.wait_console("mount.usr=pcipath:02.1/0 is /dev/disk/by-pci-path/02.1-00.0")
        machine.plug(virtio("usr", "port1"))
        machine.wait_agent()
        assert root_of(machine)[0] == f"/dev/{machine.disks()['root']}"
        source, options = machine.run("findmnt -n -o SOURCE,OPTIONS /usr").split()
        assert machine.run(f"realpath /dev/disk/by-pci-path/{link_name(machine.qmp, 'usr')}").strip() == source
        assert {"ro", "noatime"} <= set(options.split(","))


@pytest.mark.parametrize("kind", [*KINDS, "initramfs-tools"])
def test_resume(make_machine, release, kind):
    """At its first start there is nothing to resume from, and the boot goes on."""
    topology = [*root_ports(2), virtio("root", "port0"), virtio("swap", "port1")]
    with make_machine(topology, kind=kind, release=release) as machine:
        swap = machine.add_drive("swap", 1 << 30)
        subprocess.run(["sfdisk", "-q", swap], input="size=2048\ntype=swap\n", text=True, check=True)
        machine.boot("root=pcipath:02.0/00.0 resume=pcipath:02.1/0,part=2")
        partition = f"/dev/disk/by-pci-path/{link_name(machine.qmp, 'swap')}-part2"
        machine.run(f"mkswap {partition} && swapon {partition} && echo kept >/run/kept")
        boot = machine.run("cat /proc/sys/kernel/random/boot_id")
        machine.qmp.execute("set-action", reboot="reset")
        # The agent would say so if it were another.
        machine.run("echo reboot >/sys/power/disk && echo disk >/sys/power/state")
        machine.qmp.wait_event("RESET", guest=True)
        assert machine.run("cat /run/kept /proc/sys/kernel/random/boot_id") == f"kept\n{boot}"


@KIND
def test_plugged_while_the_boot_waits(make_machine, release, kind):
    """Five seconds after the kernel started, and the first awaited last. Its wait does not end before."""
    with make_machine(root_ports(4), kind=kind, release=release) as machine:
        for name in ("data", "more"):
            machine.add_drive(name)
        machine.start("root=pcipath:02.1/00.0 rd.pcipath.wait=02.2/00.0,2.3/0,timeout=600 rd.pcipath.debug")
        machine.resume()
        missing = "pcipath: 02.2/00.0: 02.2 is there: a PCIe root port with an empty slot"
        said = machine.wait_console("pcipath: 2.3/0: 02.3 is there: a PCIe root port with an empty slot")
        uptime = float(re.search(r"at ([0-9.]+) s: pcipath: 2.3/0", said)[1])
        time.sleep(max(0, 5 - uptime))
        machine.plug(virtio("root", "port1"))
        machine.plug(virtio("more", "port3"))
        # A look that finds the one and still not the other.
        machine.wait_console(missing, said.count(missing) + 1)
        machine.plug(virtio("data", "port2"))
        machine.wait_agent()
        names = machine.run("for n in 1 2 3; do pcipath find 02.$n/00.0; done").split()
        assert names == [f"/dev/{machine.disks()[name]}" for name in ("root", "data", "more")]
        assert root_of(machine)[0] == names[0]
        # The root file system was not touched before all three were there.
        events = machine.run("dmesg | grep -o -e 'virtio_blk .*: .vd..' -e 'EXT4-fs .*: mounted'").splitlines()
        assert [event.split()[0] for event in events[:4]] == [*["virtio_blk"] * 3, "EXT4-fs"]


@KIND
def test_shpc(make_machine, release, kind):
    """Root comes by it. It is no more than a disk of another path; an interface and a function without a driver come, too."""
    topology = [*root_ports(3), bridge("i82801b11-bridge", "dmi", "pcie.0", "4.0"),
                bridge("pci-bridge", "bridge", "dmi", "5.0", chassis_nr=9)]
    native = ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
    with make_machine(topology, kind=kind, release=release, options=native) as machine:
        machine.start("root=pcipath:04.0-05.0-03.0 rd.pcipath.wait=02.0/00.0 rd.pcipath.wait=02.1/00.0,type=pci rd.pcipath.debug")
        machine.resume()
        machine.wait_console("pcipath: 02.0/00.0: 02.0 is there: a PCIe root port with an empty slot")
        machine.plug(virtio("root", "bridge", "3.0"))
        machine.plug({"driver": "edu", "id": "function", "bus": "port1"})
        machine.plug(card("card", "port0"))
        machine.wait_agent()
        assert root_of(machine)[0] == machine.run("pcipath find 04.0/05.0/03.0").strip()
        assert machine.run("pcipath find 02.0/00.0; pcipath find -t pci 02.1/00.0").split()[1] == "0000:02:00.0"


@KIND
def test_names_hold_at_the_change_of_root(make_machine, release, kind):
    """Watched from the initramfs on: no name goes, not for a moment, and none is another disk's. Whoever is started before
    udevd has begun anew finds them all, and so does pcipath; udev's own database has the right names or none."""
    topology = [*root_ports(4), *(virtio(name, f"port{n}") for n, name in enumerate(("root", "data", "more")))]
    with make_machine(topology, kind=kind, release=release) as machine:
        for name in ("data", "more"):
            subprocess.run(["sfdisk", "-q", machine.add_drive(name)], input="size=2048\n", text=True, check=True)
        machine.boot("root=pcipath:02.0/00.0 pcipath.watch")
        machine.settle()
        names = check_links(machine)
        paths = {machine.disks()[name]: pci_path(machine.qmp, name) for name in ("root", "data", "more")}
        rows = [[link, f"/dev/{node}", f"/dev/{node}", paths[node.rstrip("1")]] for link, node in sorted(names.items())]
        early, late = ([line.split() for line in machine.run(f"cat /run/links-{look}").splitlines()] for look in ("early", "late"))
        assert early == rows
        assert late == [[*row, row[0], row[0]] for row in rows]
        assert machine.run("cat /run/links-problem") == ""
        first, *events = machine.run("cat /run/links-events").splitlines()
        assert first.split() == ["watching", *sorted(names)]
        # udevd makes a link anew with a name of its own, and renames it.
        assert not [event for event in events if event.split()[1] in names and event.split()[0] != "replace"]
        # It is a watch that sees, still.
        machine.unplug("more")
        machine.wait("/dev/disk/by-pci-path/02.2-00.0", gone=True)
        assert "delete 02.2-00.0" in machine.run("cat /run/links-events").splitlines()
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
        fail(machine, "pcipath: 02.1/00.0: 02.1 is there: a PCIe root port with an empty slot", "pcipath: plugged in are:")


@KIND
def test_awaited_in_vain(make_machine, release, kind):
    with make_machine([*root_ports(2), virtio("root", "port0")], kind=kind, release=release) as machine:
        machine.start("root=pcipath:02.0/00.0 rd.pcipath.wait=02.0/00.0,2.5/0,timeout=3")
        fail(machine, "rd.pcipath.wait=02.0/00.0,2.5/0: not all of it was there within 3 seconds",
             "pcipath: 2.5/0: no bridge 02.5; on the root bus there are 00.0, 02.0, 02.1",
             "pcipath: plugged in are:", "02.0/00.0 0000:01:00.0 virtio-pci block")


@KIND
@pytest.mark.parametrize("words,why", [
    ("root=pcipath:02.0/00.9", "root=pcipath:02.0/00.9: pcipath: '02.0/00.9' is no path, at byte 8: a function is 0 to 7"),
    ("root=LABEL=root rd.pcipath.wait=02.0/00.0,2.x/0",
     "rd.pcipath.wait=02.0/00.0,2.x/0: pcipath: '2.x/0' is no path, at byte 2"),
], ids=["root", "wait"])
def test_misspelt(make_machine, release, kind, words, why):
    """Before anything is waited for."""
    with make_machine([*root_ports(1), virtio("root", "port0")], kind=kind, release=release) as machine:
        machine.start(words)
        fail(machine, f"FATAL: {why}", "Refusing to continue")
