# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath coldplug` on synthetic machines: the symlinks that it makes and removes, and what prevents that.

Events, disks that can be read and modules that can be loaded need a real kernel: see tests/vm.
"""

import os
import re
import stat

import pytest
from command.machine import links, write
from command.manager import BY_PATH, MACHINE, RIGHT, build, complaints, pcipath
from synthetic.machines import COVERS as MACHINE_COVERS
from synthetic.machines import SYNTHETIC
from trees import sandbox
from trees.names import Names
from trees.sysfs import Tree

assert MACHINE_COVERS  # the rows of the machines are filled by tests/synthetic

COVERS = {
    "symbolic_link_for_a_directory": "Fault: symlinks in place of directories, files and directories in place of links",
    "file_where_a_link_should_be": "Fault: symlinks in place of directories, files and directories in place of links",
    "file_system_is_full": "Fault: a full or read-only file system, no /dev, no /sys",
    "read_only_file_system": "Fault: a full or read-only file system, no /dev, no /sys",
    "no_dev": "Fault: a full or read-only file system, no /dev, no /sys",
    "no_sys": "Fault: a full or read-only file system, no /dev, no /sys",
}


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
    wanted, made, made_elsewhere, outcome, elsewhere = sandbox.run(coldplug_synthetic, name, seed)
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
    outcomes, before, after = sandbox.run(run_twice)
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
    dry, between, done, after = sandbox.run(repair)
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
    done, made = sandbox.run(wrong_nodes)
    assert done.returncode == 0
    assert set(made) == {f"disk/by-pci-path/{name}" for name in RIGHT - {"02.0-00.0", "02.1-00.0-scsi-0:0:0:0"}}


# -- What is in the way --


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
    done, elsewhere, after = sandbox.run(lead_elsewhere, directory, target)
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
    done, made, is_file, is_directory = sandbox.run(put_in_the_way, kind)
    assert complaints(done) == [
        f"pcipath: {BY_PATH}/02.0-00.0: not a symbolic link: left as it is"]
    assert (is_file, is_directory) == (kind == "file", kind == "directory")
    assert set(made) == {f"disk/by-pci-path/{name}" for name in RIGHT - {"02.0-00.0"}}


def file_for_a_directory():
    build(MACHINE)
    write("/dev/disk", b"precious")
    return pcipath("coldplug", "--links"), open("/dev/disk", "rb").read()


def test_file_where_a_directory_should_be():
    done, content = sandbox.run(file_for_a_directory)
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
    done, made, again, all_made = sandbox.run(fill_up, 0)
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
    done, made = sandbox.run(read_only)
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
    absent, file, monitor, empty, made = sandbox.run(without_dev)
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
    first, done, made = sandbox.run(without_sys, arguments)
    assert first.returncode == 0
    assert complaints(done) == ["pcipath: cannot read the machine's devices: No such file or directory"]
    assert set(made) == {f"disk/by-pci-path/{name}" for name in RIGHT}


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
    *refused, (elsewhere, made_elsewhere), (told, made) = sandbox.run(beside_udevd)
    for done, before in refused:
        assert "udevd is running" in complaints(done)[0] and before == set()
    assert elsewhere.returncode == told.returncode == 0
    assert made_elsewhere == {f"elsewhere/disk/by-pci-path/{name}" for name in RIGHT}
    assert made - made_elsewhere == {f"disk/by-pci-path/{name}" for name in RIGHT}
