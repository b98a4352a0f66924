# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath prune` on fake machines: what it removes, what it leaves, and what udevd may do meanwhile. The gap in which no udevd runs
is in tests/vm."""

import os
import re
import stat

import pytest
from command.machine import complete, links, make_nodes, write
from command.run import PCIPATH, pcipath
from command.test_faults import LOOKS, TRACE, looks_of, stop_at, traced
from synthetic.machines import SYNTHETIC
from synthetic.parts import blk
from trees import sandbox
from trees.machine import Machine, Root, function
from trees.names import Names
from trees.sysfs import Tree

COVERS = {
    "right_links_stay": "Hotplug: a disk is unplugged while no udevd runs, and another disk gets its device node",
    "unplugged_while_no_udevd_ran": "Hotplug: a disk is unplugged while no udevd runs, and another disk gets its device node",
    "replaced_meanwhile": "Hotplug: a disk is unplugged while no udevd runs, and another disk gets its device node",
}

BY_PATH = "/dev/disk/by-pci-path"


def build(machine):
    """The links that are right, as udevd makes them."""
    tree = Tree(machine, "/sys")
    complete(tree)
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    make_nodes(tree)
    names = Names(machine)
    return {link: os.path.relpath(f"/dev/{device.devname}", f"/dev/{os.path.dirname(link)}")
            for device in tree.devices if device.devname and names.get(device.key) for link in names[device.key].links}


def make(made):
    for link, target in made.items():
        os.makedirs(os.path.dirname(f"/dev/{link}"), exist_ok=True)
        os.symlink(target, f"/dev/{link}")


def prune_right(name):
    right = build(SYNTHETIC[name].machine)
    make(right)
    return right, pcipath("prune"), links()


@pytest.mark.parametrize("name", SYNTHETIC)
def test_right_links_stay(name):
    right, done, after = sandbox.run(prune_right, name)
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    assert after == right


# The disk behind 02.1 went, and the others were counted anew. One was plugged in behind 02.3.
MACHINE = Machine([Root([function(f"02.{n}", function("00.0", blk(1))) for n in (0, 2, 3)])])
OLD = {"02.0-00.0": "vda", "02.1-00.0": "vdb", "02.1-00.0-part1": "vdb1", "02.2-00.0": "vdc", "02.9-00.0": "vdx",
       "02.9-00.0-part1": "../etc", "09.0": "null"}
RIGHT = {"02.0-00.0": "vda", "02.2-00.0": "vdb", "02.3-00.0": "vdc"}


def build_old():
    right = build(MACHINE)
    os.mknod("/dev/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    make({f"disk/by-pci-path/{name}": f"../../{node}" for name, node in OLD.items()})
    return right


def prune_old():
    right = build_old()
    write(f"{BY_PATH}/02.3-00.0", b"precious")
    make({"disk/by-id/others": "../../vdx", "vfio/by-pci-path/02.1-00.0": "../7"})
    before = links()
    dry = pcipath("prune", "-n")
    assert links() == before
    done = pcipath("prune")
    assert os.path.isfile(f"{BY_PATH}/02.3-00.0")
    return right, dry, done, links(), pcipath("prune")


def test_unplugged_while_no_udevd_ran():
    right, dry, done, after, again = sandbox.run(prune_old)
    gone = {f"{BY_PATH}/{name} {os.path.normpath(f'/dev/{node}')}" for name, node in OLD.items() if name != "02.0-00.0"}
    gone.add("/dev/vfio/by-pci-path/02.1-00.0 /dev/vfio/7")
    assert {os.path.normpath(line.removeprefix("remove ")) for line in done.lines} == gone
    assert (done.status, done.stderr) == (dry.status, dry.stderr) == (0, "") and dry.stdout == done.stdout
    assert after == {"disk/by-pci-path/02.0-00.0": "../../vda", "disk/by-id/others": "../../vdx"}
    assert after.items() - {("disk/by-id/others", "../../vdx")} <= right.items()
    assert (again.status, again.stdout, again.stderr) == (0, "", "")


def replace_at_each_look():
    right = {link: target for link, target in build_old().items() if os.path.basename(link) in RIGHT}
    _, looks = looks_of([PCIPATH, "prune"], "getdents64,readlinkat,renameat2,unlinkat")
    os.unlink(TRACE)

    def udevd():
        """It makes a link under another name, and renames it; unless it is there as it should be."""
        for link, target in right.items():
            if not os.path.islink(f"/dev/{link}") or os.readlink(f"/dev/{link}") != target:
                os.symlink(target, "/dev/new")
                os.rename("/dev/new", f"/dev/{link}")

    stopped = set()
    for syscall, count, text in looks:
        for link in links():
            os.unlink(f"/dev/{link}")
        make({f"disk/by-pci-path/{name}": f"../../{node}" for name, node in OLD.items()})
        done = stop_at([PCIPATH, "prune"], syscall, count, udevd)
        assert (done.returncode, done.stderr) == (0, ""), text
        assert links() == right, text
        stopped.add(syscall)
    return stopped


def test_replaced_meanwhile():
    """And none stays that udevd does not know of."""
    assert {"renameat2", "unlinkat", "readlinkat"} <= sandbox.run(replace_at_each_look)


def hide_each_file(name):
    right = build(SYNTHETIC[name].machine)
    make(right)
    _, looks = looks_of([PCIPATH, "prune"])
    files = {file for _, _, text in looks for file in re.findall(r'["<](/sys/[^">]+)', text)}
    for file in files:
        done = traced([PCIPATH, "prune"], "-P", file, "-e", f"inject={LOOKS}:error=EIO")
        assert links() == right and done.stdout == "", f"{file}\n{done.stdout}"
    return len(files)


@pytest.mark.parametrize("name", ["xeon", "nvme-multipath-elsewhere"])
def test_unreadable(name):
    """A link whose device cannot be read may be right: it stays."""
    assert sandbox.run(hide_each_file, name) > 5


TEMPORARY = {".#02.0-00.0123456789abcdef": "vdx", ".pcipath-links-0123456789abcdef": "vdx", ".pcipath-prune-0123456789abcdef": "vdx"}


def prune_temporary():
    right = build(MACHINE)
    make(right)
    make({f"disk/by-pci-path/{name}": f"../../{node}" for name, node in TEMPORARY.items()})
    done = pcipath("prune")
    return set(right), done, set(links())


def test_temporary_links():
    """Whoever makes one is about to rename it. Those of a prune that was killed are removed."""
    right, done, after = sandbox.run(prune_temporary)
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    assert {os.path.basename(link) for link in after - right} == set(TEMPORARY) - {".pcipath-prune-0123456789abcdef"} and right <= after


def hostile_names():
    build_old()
    sandbox.empty(BY_PATH)
    make({"disk/by-pci-path/02.9\x1b[31m\udc9b\n": "../../vd\x1b[2J"})
    os.makedirs("/dev/\x1b[31m")
    make({"\x1b[31m/disk/by-pci-path/09.0\x9b": "/dev/null"})
    return [pcipath(*call).stdout for call in (["prune", "-n"], ["prune"], ["coldplug", "-n", "--links=/dev/\x1b[31m"])]


def test_hostile_names():
    """None reaches the terminal as it is."""
    *pruned, cold = sandbox.run(hostile_names)
    assert pruned == 2 * [f"remove {BY_PATH}/02.9\\x1b[31m\\x9b\\x0a /dev/vd\\x1b[2J\n"]
    assert "remove /dev/\\x1b[31m/disk/by-pci-path/09.0\\xc2\\x9b\n" in cold and "\x1b" not in cold and "\x9b" not in cold


def no_sys():
    build_old()
    sandbox.mount("tmpfs", "/sys", "tmpfs")
    return pcipath("prune"), links()


def test_no_sys():
    """Not that there are no devices is what is seen: no link is removed."""
    done, after = sandbox.run(no_sys)
    assert (done.status, done.stderr) == (1, "pcipath: cannot read /sys/class: No such file or directory\n")
    assert len(after) == len(OLD)


def read_only():
    build_old()
    sandbox.bind("/dev", "/dev")
    sandbox.mount("none", "/dev", flags=0x20 | 0x1000 | 1)  # MS_REMOUNT, MS_BIND, MS_RDONLY
    return pcipath("prune"), len(links())


def test_read_only():
    done, after = sandbox.run(read_only)
    assert (done.status, done.stdout, after) == (1, "", len(OLD))
    assert done.stderr.count(": Read-only file system\n") == len(OLD) - 1


def test_prune_takes_no_path():
    done = pcipath("prune", "02.0")
    assert (done.status, done.stderr) == (2, "pcipath: 02.0: unexpected argument. Try 'pcipath prune --help'.\n")
