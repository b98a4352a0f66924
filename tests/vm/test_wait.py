# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath wait`, whatever happens before, while and after it looks: each wait prints the right device exactly once."""

import contextlib
import itertools
import shlex

import pytest
from machine import disk, root_ports
from oracle import link_name, pci_path

TOPOLOGY = [*root_ports(4), disk("virtio-blk-pci", "root", bus="port0")]

# Where the guest's device will be is known before it is plugged in: that is what the path is for.
PATH = {f"port{n}": f"02.{n}/00.0" for n in range(4)}

COVERS = {
    "plugged": "Hotplug: `pcipath wait` started before, during and after a hotplug",
    "bridge_does_not_exist_yet": "Hotplug: `pcipath wait` for a disk behind a bridge that does not exist yet",
    "several_paths": "Hotplug: `pcipath wait` for two disks that are plugged in in either order",
    "comes_and_goes": "Hotplug: `pcipath wait` while a disk is plugged in and unplugged",
    "without_udevd": "Hotplug: `pcipath wait` without udevd",
}

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(TOPOLOGY) as machine:
        for name in ("data", "more"):
            machine.add_drive(name)
        machine.boot("root=LABEL=root")
        machine.settle()
        # A third drive with a partition, which is made once.
        machine.add_drive("parted")
        plug(machine, "parted", "port1")
        machine.wait("/dev/disk/by-pci-path/02.1-00.0")
        machine.run("echo 'type=linux' | sfdisk -q /dev/disk/by-pci-path/02.1-00.0")
        machine.wait("/dev/disk/by-pci-path/02.1-00.0-part1")
        machine.unplug("parted")
        machine.wait("/dev/disk/by-pci-path/02.1-00.0", gone=True)
        yield machine


@pytest.fixture(autouse=True)
def clean(machine):
    yield
    for name in ("data", "more", "parted"):
        with contextlib.suppress(Exception):
            machine.unplug(name)
    machine.settle()


def plug(machine, name, port):
    machine.plug(disk("virtio-blk-pci", name, bus=port))
    assert pci_path(machine.qmp, name) == PATH[port]


class Wait:
    """`pcipath wait` in the background of the guest. `listening`: return when it has had its first look."""

    def __init__(self, machine, *arguments, listening=True):
        self.machine, self.place = machine, f"/run/wait{next(NUMBERS)}"
        command = shlex.join(["pcipath", "wait", *arguments])
        machine.run(f"mkdir {self.place}; cd {self.place}; mkfifo status; ({command} >out 2>err & echo $! >pid; wait $!;"
                    f" echo $? >status) >/dev/null 2>&1 </dev/null &")
        if listening:
            self.wait_until_asleep()

    def wait_until_asleep(self):
        """It sleeps in ppoll: system call 271 of x86-64. The shell's loop ends at once, or when it has started."""
        self.machine.run(f"cd {self.place}; until [ -s pid ] && grep -q '^271 ' /proc/$(cat pid)/syscall; do :; done")

    def signal(self, name):
        self.machine.run(f"kill -{name} $(cat {self.place}/pid)")

    def dropped(self):
        """How many events its socket had no room for."""
        rows = self.machine.run(f"inode=$(readlink /proc/$(cat {self.place}/pid)/fd/* | sed -n 's/socket:.\\([0-9]*\\).*/\\1/p');"
                                " grep \" $inode *$\" /proc/net/netlink").split()
        return int(rows[-2])

    def result(self):
        """(status, standard output, standard error), when it has ended."""
        status = self.machine.run(f"cat {self.place}/status").strip()
        out, err = (self.machine.run(f"cat {self.place}/{name}") for name in ("out", "err"))
        return int(status), out, err


def node(machine, name):
    return f"/dev/{machine.disks()[name]}\n"


def assert_found(machine, wait, *names):
    """It has printed each disk once. With udevd the link is there when it returns: asked before anything else."""
    assert wait.result() == (0, "".join(node(machine, name) for name in names), "")


@pytest.mark.parametrize("moment", ["before", "while", "after"])
def test_plugged(machine, moment):
    if moment == "before":
        wait = Wait(machine, PATH["port1"])
        plug(machine, "data", "port1")
    else:
        plug(machine, "data", "port1")
        if moment == "after":
            machine.wait("/dev/disk/by-pci-path/02.1-00.0")
        wait = Wait(machine, PATH["port1"], listening=False)
    assert_found(machine, wait, "data")
    assert machine.run(f"realpath /dev/disk/by-pci-path/{link_name(machine.qmp, 'data')}") == node(machine, "data")


def test_link_is_there_at_return(machine):
    """In one command: no time between the return and the look."""
    plug(machine, "data", "port1")
    assert machine.run("pcipath wait 02.1/00.0 >/dev/null && readlink /dev/disk/by-pci-path/02.1-00.0").strip()


def test_several_paths(machine):
    wait = Wait(machine, PATH["port2"], "02.1-00.0-part1", "--timeout=1000")
    plug(machine, "parted", "port1")
    machine.wait("/dev/disk/by-pci-path/02.1-00.0-part1")
    wait.wait_until_asleep()
    plug(machine, "data", "port2")
    status, out, _ = wait.result()
    assert (status, out) == (0, node(machine, "data") + node(machine, "parted").strip() + "1\n")


@pytest.mark.parametrize("target", ["02.1/00.0,part=1", "02.1-00.0-part1"])
def test_partition(machine, target):
    wait = Wait(machine, target)
    plug(machine, "parted", "port1")
    assert wait.result() == (0, node(machine, "parted").strip() + "1\n", "")


def test_fifty_at_once(machine):
    """One look each at each event, all at the same time."""
    paths = [PATH["port1"], PATH["port2"]]
    one = "(pcipath wait --timeout=1000 $p >$i-${p%/*} 2>&1; echo $? >done) &"
    machine.run("mkdir /run/fifty; mkfifo /run/fifty/done")
    machine.run(f"(cd /run/fifty; for i in $(seq 25); do for p in {' '.join(paths)}; do {one} done; done)"
                " >/dev/null 2>&1 </dev/null &")
    plug(machine, "data", "port1")
    plug(machine, "more", "port2")
    machine.run("cd /run/fifty; exec 4<>done; for i in $(seq 50); do read status <&4; [ $status = 0 ] || exit 1; done")
    assert machine.run("cat /run/fifty/*-02.1") == 25 * node(machine, "data")
    assert machine.run("cat /run/fifty/*-02.2") == 25 * node(machine, "more")


def test_udevd_restarted(machine):
    wait = Wait(machine, PATH["port1"], "--timeout=1000")
    machine.run("systemctl restart systemd-udevd")
    plug(machine, "data", "port1")
    assert_found(machine, wait, "data")


def test_udevd_restarted_while_it_has_the_device(machine):
    """It forgets what it has not begun; who starts it again asks for the events again."""
    wait = Wait(machine, PATH["port1"], "--timeout=1000")
    machine.run("udevadm control --stop-exec-queue")
    plug(machine, "data", "port1")
    machine.run("pcipath wait --kernel 02.1/00.0; systemctl restart systemd-udevd; udevadm trigger --action=add --type=all")
    assert_found(machine, wait, "data")


@pytest.fixture
def no_udevd(machine):
    """Neither udevd nor what starts it."""
    units = "systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udevd.service"
    machine.run(f"systemctl stop {units} && [ ! -e /run/udev/control ]")
    yield
    machine.run(f"systemctl start {units} && udevadm trigger --settle --type=all --action=add")


def test_without_udevd(machine, no_udevd):
    wait = Wait(machine, PATH["port1"], "02.2-00.0-part1", "--timeout=1000")
    plug(machine, "data", "port1")
    plug(machine, "parted", "port2")
    status, out, err = wait.result()
    assert (status, out, err) == (0, node(machine, "data") + node(machine, "parted").strip() + "1\n", "")
    assert machine.run("dd if=/dev/vdb of=/dev/null bs=4k count=1 2>&1 && echo readable").endswith("readable\n")
    gone = Wait(machine, "--removed", PATH["port1"], "--timeout=1000")
    machine.unplug("data")
    assert gone.result() == (0, "", "")


def test_kernel(machine):
    """--kernel does not wait for a udevd that does nothing."""
    machine.run("udevadm control --stop-exec-queue")
    try:
        wait = Wait(machine, "--kernel", PATH["port1"], "--timeout=1000")
        plug(machine, "data", "port1")
        assert_found(machine, wait, "data")
    finally:
        machine.run("udevadm control --start-exec-queue")


def test_settled(machine):
    wait = Wait(machine, "--settled", PATH["port1"], "--timeout=1000")
    plug(machine, "data", "port1")
    assert_found(machine, wait, "data")
    assert machine.call("test -e /run/udev/queue").status == 1


def test_lost_events(machine):
    """A buffer of the least size and 500 other events, while it cannot read: the plug's own events are lost."""
    setting = "/proc/sys/net/core/rmem_default"
    before = machine.run(f"cat {setting}; echo 2304 >{setting}").strip()
    try:
        wait = Wait(machine, PATH["port1"], "--timeout=1000")
    finally:
        machine.run(f"echo {before} >{setting}")
    wait.signal("STOP")
    machine.run("for i in $(seq 500); do echo change >/sys/class/mem/null/uevent; done")
    plug(machine, "data", "port1")
    machine.wait("/dev/disk/by-pci-path/02.1-00.0")
    machine.run("for i in $(seq 500); do echo change >/sys/class/mem/null/uevent; done; udevadm settle")
    assert wait.dropped() > 500
    wait.signal("CONT")
    assert_found(machine, wait, "data")


def test_many_other_events(machine):
    """While it reads them."""
    wait = Wait(machine, PATH["port1"], "--timeout=1000")
    machine.run("(for i in $(seq 500); do echo change >/sys/class/mem/null/uevent; done) >/dev/null 2>&1 </dev/null &")
    plug(machine, "data", "port1")
    assert_found(machine, wait, "data")


def test_comes_and_goes(machine):
    """The disk without the partition is plugged in, unplugged, and the one with it comes in its place."""
    wait = Wait(machine, "02.1-00.0-part1", "--timeout=1000")
    plug(machine, "data", "port1")
    machine.wait("/dev/disk/by-pci-path/02.1-00.0")
    machine.unplug("data")
    machine.wait("/dev/disk/by-pci-path/02.1-00.0", gone=True)
    wait.wait_until_asleep()
    plug(machine, "parted", "port1")
    assert wait.result() == (0, node(machine, "parted").strip() + "1\n", "")


def test_comes_and_goes_unseen(machine):
    """All of it between two looks."""
    wait = Wait(machine, PATH["port1"], "--timeout=1000")
    wait.signal("STOP")
    plug(machine, "more", "port1")
    machine.wait("/dev/disk/by-pci-path/02.1-00.0")
    machine.unplug("more")
    plug(machine, "data", "port1")
    machine.wait("/dev/disk/by-pci-path/02.1-00.0")
    wait.signal("CONT")
    assert_found(machine, wait, "data")


def test_bridge_does_not_exist_yet(machine):
    """The port itself goes, and comes back with the disk behind it."""
    plug(machine, "data", "port3")
    machine.wait("/dev/disk/by-pci-path/02.3-00.0")
    gone = Wait(machine, "--removed", PATH["port3"], "--timeout=1000")
    machine.run("echo 1 >/sys/bus/pci/devices/0000:00:02.3/remove")
    assert gone.result() == (0, "", "")
    wait = Wait(machine, PATH["port3"], "--timeout=1000")
    machine.run("echo 1 >/sys/bus/pci/rescan")
    assert_found(machine, wait, "data")


def test_removed(machine):
    plug(machine, "data", "port1")
    machine.wait("/dev/disk/by-pci-path/02.1-00.0")
    wait = Wait(machine, "--removed", PATH["port1"], "--timeout=1000")
    machine.unplug("data")
    assert wait.result() == (0, "", "")
    assert machine.call("test -L /dev/disk/by-pci-path/02.1-00.0").status == 1
    assert machine.run("pcipath wait --removed 02.1/00.0") == ""


def test_function_alone(machine):
    """-t pci: the function, whose PCI address it prints."""
    wait = Wait(machine, "-t", "pci", PATH["port1"], "--timeout=1000")
    plug(machine, "data", "port1")
    status, out, _ = wait.result()
    assert status == 0 and machine.run(f"lspci -D -s {out.strip()}").split()[0] == out.strip()


@pytest.mark.parametrize("path, why", [
    ("02.1/00.0", "02.1 is there: a PCIe root port with an empty slot"),
    ("02.0/03.0", "02.0 is there: a PCIe root port; behind it there are 00.0, but no 03.0"),
    ("03.0/00.0", "no bridge 03.0; on the root bus there are 00.0, "),
    ("0000:40:00.0", "this machine has no root bus 0000:40; it has 0000:00"),
    ("02.0/00.0,part=9", "02.0/00.0 is there: a SCSI controller with the driver virtio-pci, no partition 9"),
])
def test_timed_out(machine, path, why):
    outcome = machine.call(f"pcipath wait --timeout=0.3 {path}")
    assert (outcome.status, outcome.stdout) == (4, "")
    assert outcome.stderr.startswith(f"pcipath: {path}: {why}")


def test_address_for_a_path(machine):
    """Known at once: no timeout."""
    address = machine.run("pcipath find -t pci 02.0/00.0").strip()
    outcome = machine.call(f"pcipath wait {address}")
    assert outcome.status == 3 and "path 02.0/00.0" in outcome.stderr


def test_lspci_reads_back(machine):
    """Two programs that share nothing: lspci -P read by convert is what list calls the functions."""
    theirs = machine.run("lspci -P | sed 's/ .*//' | pcipath convert --from=lspci -").split()
    assert theirs and sorted(theirs) == sorted(set(machine.run("pcipath list -a -n -o PATH").split()))
