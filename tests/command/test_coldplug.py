# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath coldplug` and `pcipath monitor` on fake machines: links, what is in their way, modules, the monitor's life.

What needs a kernel that answers (events, disks that can be read, modules that are loaded) is in tests/vm.
"""

import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys

import pytest
from command.machine import complete, links, make_nodes, write
from command.run import PCIPATH
from synthetic.machines import COVERS as MACHINE_COVERS
from synthetic.machines import SYNTHETIC, node, tape
from trees import sandbox
from trees.machine import Disk, Lun, Machine, Nodes, Root, VirtioBlk, VirtioScsi, function
from trees.names import Names
from trees.sysfs import Tree

assert MACHINE_COVERS  # the rows of the machines are filled by tests/synthetic

COVERS = {
    "symbolic_link_for_a_directory": "Input: a directory of links that leads elsewhere, files and directories where links should be",
    "file_where_a_link_should_be": "Input: a directory of links that leads elsewhere, files and directories where links should be",
    "file_system_is_full": "Input: no room for links, a read-only file system, no /dev, no /sys",
    "read_only_file_system": "Input: no room for links, a read-only file system, no /dev, no /sys",
    "no_dev": "Input: no room for links, a read-only file system, no /dev, no /sys",
    "no_sys": "Input: no room for links, a read-only file system, no /dev, no /sys",
}

MACHINE = Machine([Root([function("02.0", function("00.0", VirtioBlk(Disk(1)))),
                         function("02.1", function("00.0", VirtioScsi([Lun(0, 0), Lun(1, 1)])))])])
BY_PATH = "/dev/disk/by-pci-path"
RIGHT = {"02.0-00.0", "02.0-00.0-part1", "02.1-00.0-scsi-0:0:0:0", "02.1-00.0-scsi-0:0:1:1"}


def pcipath(*arguments, **options):
    """In a network namespace of its own: a fake interface has the index of one of the host's."""
    sandbox.require()
    return subprocess.run(["unshare", "--net", PCIPATH, *arguments], capture_output=True, text=True, timeout=60, check=False,
                          **{"env": os.environ | {"LC_ALL": "C.UTF-8"}} | options)


def build(machine, seed=None):
    """The machine on /sys, and its nodes in a /dev that has nothing else but what programs need."""
    tree = Tree(machine, "/sys", seed)
    complete(tree)
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    os.mknod("/dev/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    make_nodes(tree)
    return tree


def in_sandbox(function, *arguments):
    return sandbox.run(function, *arguments)


# -- Names --


def coldplug_synthetic(name, seed):
    machine = SYNTHETIC[name].machine
    tree = build(machine, seed)
    names = Names(machine)
    # What an input device is for udev has found out, or nobody.
    wanted = {link: device.devname for device in tree.devices if device.devname and names.get(device.key)
              for link in names[device.key].links if not link.startswith("input/")}
    outcome = pcipath("coldplug", "--links")
    made = links()
    os.mkdir("/dev/elsewhere")
    elsewhere = pcipath("coldplug", "--links=/dev/elsewhere")
    return wanted, made, links("/dev/elsewhere"), outcome, elsewhere


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize("name", SYNTHETIC)
def test_links_of_every_machine(name, seed):
    """Those that the naming contract gives, and no other: relative as udev's below /dev, absolute elsewhere."""
    wanted, made, made_elsewhere, outcome, elsewhere = in_sandbox(coldplug_synthetic, name, seed)
    assert {link: os.path.normpath(os.path.join("/dev", os.path.dirname(link), target)) for link, target in made.items()
            } == {link: f"/dev/{node}" for link, node in wanted.items()}
    assert all(target == os.path.relpath(f"/dev/{wanted[link]}", f"/dev/{os.path.dirname(link)}") for link, target in made.items())
    assert made_elsewhere == {link: f"/dev/{node}" for link, node in wanted.items()}
    for done in (outcome, elsewhere):
        # The nodes have no drivers: they cannot be opened, and that is no failure. Nor is that the contract has no name.
        assert (done.returncode, done.stdout) == (0, "")
        assert all(re.search("not made|no name|no link by PCI path|is ambiguous", line) for line in done.stderr.splitlines()), done.stderr


def inodes():
    return {name: os.lstat(f"{BY_PATH}/{name}").st_ino for name in os.listdir(BY_PATH)}


def run_twice():
    build(MACHINE)
    first = pcipath("coldplug", "--links")
    before = inodes()
    second = pcipath("coldplug", "--links")
    return (first, second), before, inodes()


def test_second_run_changes_nothing():
    outcomes, before, after = in_sandbox(run_twice)
    assert all((done.returncode, done.stdout, done.stderr) == (0, "", "") for done in outcomes)
    assert set(before) == RIGHT and before == after


def repair():
    build(MACHINE)
    os.makedirs(BY_PATH)
    os.makedirs("/dev/disk/by-uuid")
    os.makedirs("/dev/disk/by-id")
    os.mknod("/dev/dm-0", stat.S_IFBLK | 0o600, os.makedev(253, 0))
    for name, target in {f"{BY_PATH}/02.0-00.0": "../../sda", f"{BY_PATH}/09.0": "../../vda", f"{BY_PATH}/.pcipath-links-0123456789abcdef": "../../vda",
                         "/dev/disk/by-uuid/dead": "../../sdz", "/dev/disk/by-uuid/ours": "../../vda",
                         "/dev/disk/by-uuid/others": "../../dm-0", "/dev/disk/by-uuid/file": "/etc/passwd",
                         "/dev/disk/by-id/others": "../../sdz"}.items():
        os.symlink(target, name)
    dry = pcipath("coldplug", "--links", "-n")
    between = links()
    return dry, between, pcipath("coldplug", "--links"), links()


def test_wrong_and_stale_links():
    """The wrong is replaced, the stale is removed; what is another disk's, or in another directory, stays."""
    dry, between, done, after = in_sandbox(repair)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert set(after) == {f"disk/by-pci-path/{name}" for name in RIGHT} | {"disk/by-uuid/others", "disk/by-id/others"}
    assert after["disk/by-pci-path/02.0-00.0"] == "../../vda"
    assert len(between) == 8 and dry.returncode == 0
    assert "link /dev/disk/by-pci-path/02.0-00.0 /dev/vda\n" in dry.stdout
    assert "remove /dev/disk/by-pci-path/09.0\n" in dry.stdout and "others" not in dry.stdout


def wrong_nodes():
    build(MACHINE)
    os.unlink("/dev/vda")
    os.mknod("/dev/vda", stat.S_IFBLK | 0o600, os.makedev(1, 7))
    os.unlink("/dev/sda")
    return pcipath("coldplug", "--links"), links()


def test_node_that_is_another_device():
    """A node that is not there, or has another device's number, is nobody's: no link leads to it."""
    done, made = in_sandbox(wrong_nodes)
    assert done.returncode == 0
    assert set(made) == {f"disk/by-pci-path/{name}" for name in RIGHT - {"02.0-00.0", "02.1-00.0-scsi-0:0:0:0"}}


# -- What is in the way --


def complaints(done):
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert all(line.startswith("pcipath: ") for line in lines)
    return lines


def lead_elsewhere(directory, target):
    build(MACHINE)
    os.makedirs("/dev/elsewhere/by-pci-path")
    os.symlink("../../precious", "/dev/elsewhere/by-pci-path/precious")
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    os.symlink(target, directory)
    done = pcipath("coldplug", "--links")
    return done, links("/dev/elsewhere"), os.readlink(directory)


@pytest.mark.parametrize("directory,target", [("/dev/disk", "elsewhere"), (BY_PATH, "../elsewhere/by-pci-path"),
                                              (BY_PATH, "/etc"), (BY_PATH, "nowhere")])
def test_symbolic_link_for_a_directory(directory, target):
    """It is not followed: nothing is made or removed where it leads."""
    done, elsewhere, after = in_sandbox(lead_elsewhere, directory, target)
    assert elsewhere == {"by-pci-path/precious": "../../precious"} and after == target
    lines = complaints(done)
    assert f"pcipath: {BY_PATH}: not a directory: no links are made there" in lines
    assert len(lines) == len(set(lines))


def put_in_the_way(kind):
    build(MACHINE)
    os.makedirs(BY_PATH)
    if kind == "file":
        write(f"{BY_PATH}/02.0-00.0", b"precious")
    else:
        os.makedirs(f"{BY_PATH}/02.0-00.0/precious")
    done = pcipath("coldplug", "--links")
    return done, links(), os.path.isfile(f"{BY_PATH}/02.0-00.0"), os.path.isdir(f"{BY_PATH}/02.0-00.0/precious")


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_file_where_a_link_should_be(kind):
    done, made, is_file, is_directory = in_sandbox(put_in_the_way, kind)
    assert complaints(done) == [
        f"pcipath: {BY_PATH}/02.0-00.0: not a symbolic link: left as it is"]
    assert (is_file, is_directory) == (kind == "file", kind == "directory")
    assert set(made) == {f"disk/by-pci-path/{name}" for name in RIGHT - {"02.0-00.0"}}


def file_for_a_directory():
    build(MACHINE)
    write("/dev/disk", b"precious")
    return pcipath("coldplug", "--links"), open("/dev/disk", "rb").read()


def test_file_where_a_directory_should_be():
    done, content = in_sandbox(file_for_a_directory)
    assert f"pcipath: {BY_PATH}: not a directory: no links are made there" in complaints(done)
    assert content == b"precious"


def fill_up(inodes_free):
    """A tmpfs that has room for so many inodes. Two of the links are there already, one of them is wrong."""
    build(MACHINE)
    os.mkdir("/dev/small")
    sandbox.mount("tmpfs", "/dev/small", "tmpfs", options=f"nr_inodes={5 + inodes_free}")
    os.makedirs("/dev/small/disk/by-pci-path")
    os.symlink("/dev/sdb", "/dev/small/disk/by-pci-path/02.0-00.0")
    os.symlink("/dev/vda1", "/dev/small/disk/by-pci-path/02.0-00.0-part1")
    done = pcipath("coldplug", "--links=/dev/small")
    made = links("/dev/small")
    sandbox.mount("tmpfs", "/dev/small", "tmpfs", flags=0x20, options="nr_inodes=100")  # MS_REMOUNT
    return done, made, pcipath("coldplug", "--links=/dev/small"), links("/dev/small")


def test_file_system_is_full():
    """A link that cannot be replaced is removed rather than left wrong; when there is room again all is made."""
    done, made, again, all_made = in_sandbox(fill_up, 0)
    assert any("No space left on device" in line for line in complaints(done))
    node = {"02.0-00.0": "vda", "02.0-00.0-part1": "vda1", "02.1-00.0-scsi-0:0:0:0": "sda", "02.1-00.0-scsi-0:0:1:1": "sdb"}
    right = {f"disk/by-pci-path/{name}": f"/dev/{node[name]}" for name in RIGHT}
    assert made.items() <= right.items() and "disk/by-pci-path/02.0-00.0-part1" in made
    assert (again.returncode, again.stderr) == (0, "") and all_made == right


def read_only():
    build(MACHINE)
    os.makedirs("/dev/fixed/disk/by-pci-path")
    os.symlink("/dev/vda", "/dev/fixed/disk/by-pci-path/02.0-00.0")
    os.symlink("/dev/vda", "/dev/fixed/disk/by-pci-path/09.0")
    sandbox.bind("/dev/fixed", "/dev/fixed")
    sandbox.mount("none", "/dev/fixed", flags=0x20 | 0x1000 | 1)  # MS_REMOUNT, MS_BIND, MS_RDONLY
    done = pcipath("coldplug", "--links=/dev/fixed")
    return done, links("/dev/fixed")


def test_read_only_file_system():
    done, made = in_sandbox(read_only)
    assert made == {"disk/by-pci-path/02.0-00.0": "/dev/vda", "disk/by-pci-path/09.0": "/dev/vda"}
    assert all(line.endswith(": Read-only file system") for line in complaints(done))
    assert len(complaints(done)) == len(RIGHT) - 1 + 1


def without_dev():
    Tree(MACHINE, "/sys")
    os.mkdir("/sys/empty")
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    return (pcipath("coldplug", "--links=/dev/nosuch"), pcipath("coldplug", "--links=/sys/devices/pci0000:00/uevent"),
            pcipath("monitor", "--links=/dev/nosuch"), pcipath("coldplug", "--links"), links())


def test_no_dev():
    absent, file, monitor, empty, made = in_sandbox(without_dev)
    assert complaints(absent) == complaints(monitor) == ["pcipath: /dev/nosuch: No such file or directory"]
    assert complaints(file) == ["pcipath: /sys/devices/pci0000:00/uevent: Not a directory"]
    assert (empty.returncode, made) == (0, {})


def without_sys(arguments):
    build(MACHINE)
    first = pcipath("coldplug", "--links")
    sandbox.mount("tmpfs", "/sys", "tmpfs")
    return first, pcipath(*arguments), links()


@pytest.mark.parametrize("arguments", [["coldplug", "--links"], ["coldplug", "--modules"]], ids=" ".join)
def test_no_sys(arguments):
    """Not that there are no devices is what is seen: no link is removed."""
    first, done, made = in_sandbox(without_sys, arguments)
    assert first.returncode == 0
    assert complaints(done) == ["pcipath: cannot scan the machine: No such file or directory"]
    assert set(made) == {f"disk/by-pci-path/{name}" for name in RIGHT}


# -- Modules --

PCI_ALIAS, VIRTIO_ALIAS = "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00", "virtio:d00000002v00001AF4"
MODULES = {
    "transport": {"alias": "pci:v00001AF4d*sv*sd*bc*sc*i*"},
    "ring": {},
    "disk": {"alias": "virtio:d00000002v*", "softdep": "pre: helper post: late"},
    "helper": {},
    "late": {},
    "bad": {"alias": "virtio:d00000002v*"},
}


def make_module(directory, name, fields):
    """What depmod reads of a module: a relocatable object with the section .modinfo, and the symbols by which one needs another."""
    source = f"{directory}/{name}.c"
    text = "".join(f"{key}={value}\\0" for key, value in {"license": "GPL", "name": name, **fields}.items())
    symbols = {"ring": 'const char strings[] __attribute__((section("__ksymtab_strings"), used)) = "use_ring";',
               "transport": "void use_ring(void); void (*pointer)(void) = use_ring;"}
    write(source, f'const char modinfo[] __attribute__((section(".modinfo"), used)) = "{text}";\n{symbols.get(name, "")}\n'.encode())
    subprocess.run(["gcc", "-c", "-o", f"{directory}/{name}.ko", source], check=True)


def modules_tree(tmp_path):
    directory = tmp_path / os.uname().release
    directory.mkdir(parents=True)
    for name, fields in MODULES.items():
        make_module(directory, name, fields)
    for name in ("order", "builtin"):
        write(directory / f"modules.{name}", b"")
    base = tmp_path / "base/lib/modules"
    base.parent.mkdir(parents=True)
    base.symlink_to(tmp_path)
    subprocess.run(["depmod", "-b", tmp_path / "base", os.uname().release], check=True)
    return directory.parent


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    return modules_tree(tmp_path_factory.mktemp("modules"))


def load_modules(modules, modprobe, arguments):
    tree = build(MACHINE)
    for device in tree.devices:
        alias = {"pci": PCI_ALIAS, "virtio": VIRTIO_ALIAS}.get(device.subsystem)
        if alias:
            write(f"{device.syspath}/modalias", alias.encode() + b"\n")
            if os.path.lexists(f"{device.syspath}/driver"):
                os.unlink(f"{device.syspath}/driver")
    os.makedirs("/usr/lib/modules", exist_ok=True)  # a machine in a container may have none
    if modules:
        sandbox.bind(str(modules), "/usr/lib/modules")
    else:
        sandbox.mount("tmpfs", "/usr/lib/modules", "tmpfs")
    for directory in filter(os.path.isdir, ("/etc/modprobe.d", "/usr/lib/modprobe.d", "/run/modprobe.d")):
        sandbox.mount("tmpfs", directory, "tmpfs")
    write("/etc/modprobe.d/test.conf", modprobe.encode())
    return pcipath("coldplug", "--modules", *arguments)


def loaded(outcome):
    assert (outcome.returncode, outcome.stderr) == (0, "")
    return [line.removeprefix("load ") for line in outcome.stdout.splitlines()]


def test_modules_by_modalias(modules):
    """Those that depend on others after them, softly or not; each device's, in the order of the walk."""
    names = loaded(in_sandbox(load_modules, modules, "options disk depth=5\n", ["-n"]))
    assert {"ring", "transport", "helper", "disk depth=5", "late", "bad"} == set(names)
    assert names.index("ring") < names.index("transport")
    assert names.index("helper") < names.index("disk depth=5") < names.index("late")


@pytest.mark.parametrize("modprobe,missing", [
    ("blacklist bad\n", {"bad"}),
    ("blacklist disk\nblacklist bad\n", {"disk", "helper", "late", "bad"}),
    ("alias virtio:d00000002v* ring\n", {"disk", "helper", "late", "bad"}),
    ("install disk /bin/true\n", set()),
], ids=["blacklist", "two", "alias", "install"])
def test_modprobe_d(modules, modprobe, missing):
    names = loaded(in_sandbox(load_modules, modules, modprobe, ["-n"]))
    assert {"ring", "transport", "helper", "disk", "late", "bad"} - missing == {name.split()[0] for name in names}


def test_garbage_in_modprobe_d(modules):
    """libkmod says so itself; the rest is respected."""
    garbage = "options \x01\x02 =\nblacklist\ngarbage \xff line\nblacklist bad\n" + "x" * 70000 + "\n"
    done = in_sandbox(load_modules, modules, garbage, ["-n"])
    assert done.returncode == 0 and "load disk\n" in done.stdout and "load bad" not in done.stdout


def test_module_that_cannot_be_loaded(modules):
    """Not one of them is a module: each is said once, though several devices want it, and the links are made all the same."""
    done = in_sandbox(load_modules, modules, "", ["--links"])
    lines = complaints(done)
    # Whether the kernel looks at a module at all depends on what this process may do.
    assert {line.split(":")[1] for line in lines} == {f" cannot load module {name}" for name in ("transport", "disk", "bad")}
    assert len(lines) == 3


def test_no_modules():
    done = in_sandbox(load_modules, None, "", [])
    assert complaints(done) == ["pcipath: no index of modules for this kernel: run depmod, or build the drivers into the kernel"]


# -- Usage --


@pytest.mark.parametrize("arguments", [["coldplug"], ["coldplug", "--links", "02.0"], ["monitor"], ["monitor", "--links", "x"],
                                       ["monitor", "--links", "--ready-fd=77"], ["monitor", "--links", "--ready-fd=-1"],
                                       ["monitor", "--links", "--ready-fd=1x"], ["monitor", "--exec"], ["coldplug", "--modules=x"]],
                         ids=" ".join)
def test_usage(arguments):
    done = pcipath(*arguments)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("pcipath: ")


def beside_udevd():
    build(MACHINE)
    sandbox.mount("tmpfs", "/run", "tmpfs")
    os.mkdir("/run/udev")
    write("/run/udev/control", b"")
    os.mkdir("/dev/elsewhere")
    calls = [["coldplug", "--links"], ["monitor", "--links"], ["monitor", "--links=/dev/elsewhere"],
             ["coldplug", "--links=/dev/../dev/"], ["coldplug", "--links=/dev/elsewhere"], ["coldplug", "--links", "--beside-udev"]]
    return [(pcipath(*call), set(links())) for call in calls]


def test_refuses_to_run_beside_udevd():
    *refused, (elsewhere, made_elsewhere), (told, made) = in_sandbox(beside_udevd)
    for done, before in refused:
        assert "udevd is running" in complaints(done)[0] and before == set()
    assert elsewhere.returncode == told.returncode == 0
    assert made_elsewhere == {f"elsewhere/disk/by-pci-path/{name}" for name in RIGHT}
    assert made - made_elsewhere == {f"disk/by-pci-path/{name}" for name in RIGHT}


# -- The monitor's life. Its network namespace has no events. --


class Monitor:
    """`pcipath monitor`, ready. `done()` ends it and says what became of it."""

    def __init__(self, *arguments, env=None, **options):
        ours, theirs = os.pipe()
        self.process = subprocess.Popen(["unshare", "--net", PCIPATH, "monitor", f"--ready-fd={theirs}", *arguments],
                                        pass_fds=[theirs], text=True, env=os.environ | (env or {}),
                                        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options)
        os.close(theirs)
        with os.fdopen(ours, "rb") as ready:
            self.ready = ready.read()  # to its end: it is closed

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=60)
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, stdout, stderr)


def live():
    build(MACHINE)
    os.makedirs(BY_PATH)
    os.symlink("../../vda", f"{BY_PATH}/09.0")
    outcomes = []
    for number in (signal.SIGTERM, signal.SIGINT):
        monitor = Monitor("--links")
        made = set(links())
        outcomes.append((monitor.ready, made, monitor.end(number), set(links())))
    return outcomes


def test_ready_and_end():
    """Ready is when the links are there; they stay when it ends."""
    for ready, made, done, after in in_sandbox(live):
        assert ready == b"\n" and made == after == {f"disk/by-pci-path/{name}" for name in RIGHT}
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


HOOK = """#!/bin/sh
[ ! "$NOTIFY_SOCKET" ] || echo inherited >>/dev/shm/log
echo "$ACTION $ID_PCI_PATH $SUBSYSTEM $DEVNAME $DEVPATH $DEVLINKS" >>/dev/log
%s
"""


# A disk would have to be one that can be opened.
NODES = Machine([Root([function("02.0", function("00.0", Nodes([
    node("drm/card0", "drm", "dri/by-pci-path/FLAT-card"), node("drm/renderD128", "drm", "dri/by-pci-path/FLAT-render")]))),
    function("03.0", Nodes([tape("st0", "tape/by-pci-path/FLAT-scsi-0:0:0:0"), node("tty/ttyS4", "tty", "serial/by-pci-path/FLAT")]))])])


def run_hook(body, program="/dev/hook"):
    build(NODES)
    write("/dev/hook", (HOOK % body).encode())
    os.chmod("/dev/hook", 0o755)
    os.mkfifo("/dev/fifo")
    fifo = os.fdopen(os.open("/dev/fifo", os.O_RDWR), "rb", buffering=0)  # with a writer it has no end
    monitor = Monitor("--links", f"--exec={program}", env={"ACTION": "nonsense", "DEVLINKS": "nonsense"})
    if program == "/dev/hook":
        for _ in range(4):
            fifo.readline()
    done = monitor.end()
    return done, open("/dev/log").read().splitlines() if os.path.exists("/dev/log") else []


def test_exec_at_the_start():
    done, log = in_sandbox(run_hook, "echo >/dev/fifo")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(line.split()[:4] + line.split()[5:] for line in log) == [
        ["add", "02.0/00.0", "drm", "/dev/card0", "/dev/dri/by-pci-path/02.0-00.0-card"],
        ["add", "02.0/00.0", "drm", "/dev/renderD128", "/dev/dri/by-pci-path/02.0-00.0-render"],
        ["add", "03.0", "scsi_tape", "/dev/st0", "/dev/tape/by-pci-path/03.0-scsi-0:0:0:0"],
        ["add", "03.0", "tty", "/dev/ttyS4", "/dev/serial/by-pci-path/03.0"]]
    assert all(os.path.basename(line.split()[3]) == os.path.basename(line.split()[4]) for line in log)


@pytest.mark.parametrize("body,complaint", [("echo >/dev/fifo; exit 3", "exit status 3"),
                                            ("echo >/dev/fifo; kill -9 $$", "killed by signal 9")])
def test_exec_fails(body, complaint):
    """The next is run all the same."""
    done, log = in_sandbox(run_hook, body)
    assert done.returncode == 0 and len(log) == 4
    lines = done.stderr.splitlines()
    assert lines and set(lines) == {f"pcipath: /dev/hook: {complaint}"}


def test_exec_of_nothing():
    done, _ = in_sandbox(run_hook, "", "/dev/nosuch")
    assert done.returncode == 0
    assert done.stderr.splitlines() == 4 * ["pcipath: /dev/nosuch: cannot run: No such file or directory"]


SEND = """
import socket, sys
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15) as sender:  # NETLINK_KOBJECT_UEVENT
    sender.sendto(bytes.fromhex(sys.argv[2]), (int(sys.argv[1]), 0))
"""


def send(monitor, event, receiver):
    """To a netlink socket of the monitor's network namespace, and wait until the monitor has done all that is to be done."""
    pid = monitor.process.pid
    subprocess.run(["nsenter", "-t", str(pid), "-n", sys.executable, "-c", SEND, str(receiver), event.hex()], check=True)

    def read(name):
        with open(f"/proc/{pid}/{name}") as file:
            return file.read()

    # The event has been taken from the socket (Rmem), then all that is to be done has been (ppoll(2) of x86-64).
    while any(row.split()[4] != "0" for row in read("net/netlink").splitlines()[1:] if row.split()[2] == str(pid)):
        pass
    while not read("syscall").startswith("271 "):
        pass


def send_as_kernel(monitor, action, devpath, subsystem):
    """The kernel hands an event of a privileged process on as its own (lib/kobject_uevent.c, uevent_net_rcv_skb(), Linux 4.18)."""
    text = f"{action}@{devpath}\0ACTION={action}\0DEVPATH={devpath}\0SUBSYSTEM={subsystem}\0".encode()
    send(monitor, struct.pack("=IHHII", 16 + len(text), 16, 1, 0, 0) + text, 0)  # struct nlmsghdr: NLMSG_MIN_TYPE, NLM_F_REQUEST


def send_event():
    """A process says that a function has come, which has come and of which the kernel has said nothing."""
    build(NODES)
    function = "/sys/devices/pci0000:00/0000:00:03.0"
    os.rename(function, "/sys/absent")
    monitor = Monitor("--links")
    os.rename("/sys/absent", function)
    before = set(links())
    send(monitor, b"add@/devices/pci0000:00/0000:00:03.0\0SUBSYSTEM=pci\0", monitor.process.pid)
    ignored = set(links())
    send_as_kernel(monitor, "add", "/devices/pci0000:00/0000:00:03.0", "pci")
    return before, ignored, set(links()), monitor.end()


def test_event_of_a_process():
    """It is ignored; the same event of the kernel is not."""
    before, ignored, after, done = in_sandbox(send_event)
    assert before == ignored and len(before) == 2 and len(after) == 4
    assert (done.returncode, done.stderr) == (0, "")


def remove_node_first():
    """As the kernel does it: a device's node goes, then its directory in sysfs. A scan falls between them."""
    tree = build(NODES)
    write("/dev/hook", (HOOK % "[ $ACTION = add ] || echo >/dev/fifo").encode())
    os.chmod("/dev/hook", 0o755)
    os.mkfifo("/dev/fifo")
    fifo = os.fdopen(os.open("/dev/fifo", os.O_RDWR), "rb", buffering=0)  # with a writer it has no end
    monitor = Monitor("--links", "--exec=/dev/hook")
    tape_drive = next(device for device in tree.devices if device.devname == "st0")
    os.unlink("/dev/st0")
    send_as_kernel(monitor, "change", "/devices/pci0000:00/0000:00:03.0", "pci")
    between = set(links())
    shutil.rmtree(tape_drive.syspath)
    send_as_kernel(monitor, "remove", tape_drive.syspath.removeprefix("/sys"), "scsi_tape")
    fifo.readline()
    return between, monitor.end(), open("/dev/log").read().splitlines()


def test_exec_for_a_removal():
    """It is told of the links that led to the device, although they were removed with its node."""
    between, done, log = in_sandbox(remove_node_first)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tape/by-pci-path/03.0-scsi-0:0:0:0" not in between and "serial/by-pci-path/03.0" in between
    assert [line.split()[:4] + line.split()[5:] for line in log if line.startswith("remove ")] == [
        ["remove", "03.0", "scsi_tape", "/dev/st0", "/dev/tape/by-pci-path/03.0-scsi-0:0:0:0"]]
