# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each allocation in turn fails: the answer is the whole one, or an error and nothing on stdout."""

import os
import subprocess

import pytest
from command.machine import complete
from command.run import PCIPATH
from programs import BUILD, PCIPATH_ID
from synthetic.machines import SYNTHETIC
from trees import sandbox
from trees.names import Names
from trees.sysfs import Tree

COVERS = {
    "command_out_of_memory": "Fault: each memory allocation fails in turn",
    "helper_out_of_memory": "Fault: each memory allocation fails in turn",
}

FAIL_ALLOCATION = BUILD / "tests/trees/fail-allocation.so"

CROWDED = SYNTHETIC["crowded"].machine


def run(command, number=0):
    """The command with its allocation of that number failing; also how many it made."""
    ours, theirs = os.pipe()
    try:
        done = subprocess.run(command, capture_output=True, pass_fds=[theirs], check=False, timeout=60,
                              env=os.environ | {"LD_PRELOAD": str(FAIL_ALLOCATION), "PCIPATH_FAIL_ALLOCATION": str(number),
                                                "PCIPATH_ALLOCATIONS_FD": str(theirs), "LC_ALL": "C.UTF-8"})
    finally:
        os.close(theirs)
    with os.fdopen(ours) as counted:
        return done, int(counted.read())


def fail_each(command, prepare=lambda: None):
    """How often it failed, when it must not have had a bad answer; the bad ones. prepare() is called before each."""
    prepare()
    whole, total = run(command)
    assert (whole.returncode, whole.stderr) == (0, b""), command
    failed, bad = 0, []
    for number in range(1, total + 1):
        prepare()
        done, made = run(command, number)
        assert made >= number
        answered = (done.returncode, done.stdout, done.stderr) == (0, whole.stdout, b"")
        refused = done.returncode == 1 and done.stdout == b"" and done.stderr.count(b"\n") == 1
        failed += refused
        if not answered and not refused:
            bad.append((number, done.returncode, done.stdout, done.stderr))
    return failed, bad


def on_crowded(check, arguments):
    tree = Tree(CROWDED, "/sys")
    complete(tree)
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    names = Names(CROWDED)
    for device in tree.devices:
        for link in names[device.key].links if device.devname and names.get(device.key) else ():
            os.makedirs(os.path.dirname(f"/dev/{link}"), exist_ok=True)
            os.symlink(f"/dev/{device.devname}", f"/dev/{link}")
    return check(tree, arguments)


def check_command(_, arguments):
    return fail_each([PCIPATH, *arguments])


@pytest.mark.parametrize("arguments", [
    ["list"], ["list", "-a", "-J"], ["tree"], ["tree", "-J"], ["of", "0000:01:00.0"], ["of", "/sys/class/block/nvme0n1"],
    ["find", "02.0/00.0"], ["find", "08.1,nvme-1"], ["find", "0b.0"], ["find", "0a.0"],
    ["find", "-t", "pci", "0e.0/e0:01.0"], ["wait", "--kernel", "-t", "pci", "02.0/00.0"],
    ["convert", "--to=lspci", "02.0/00.0"], ["convert", "--to=link", "02.0/00.0,part=1"], ["convert", "--to=uefi", "--live", "02.0/00.0"],
    pytest.param(["cdi"], marks=pytest.mark.exhaustive), pytest.param(["cdi", "--write=/dev"], marks=pytest.mark.exhaustive),
    ["cdi", "-k", "vfio"], ["cdi", "-k", "vfio", "--write=/dev"],
], ids=" ".join)
def test_command_out_of_memory(arguments):
    failed, bad = sandbox.run(on_crowded, check_command, arguments)
    assert failed > 0 and bad == []


def check_helper(tree, _):
    return {device.devpath: fail_each([PCIPATH_ID, device.syspath]) for device in tree.devices
            if device.devname or device.subsystem in ("net", "vfio")}


def test_helper_out_of_memory():
    outcomes = sandbox.run(on_crowded, check_helper, None)
    assert len(outcomes) > 10
    for devpath, (failed, bad) in outcomes.items():
        assert failed > 0 and bad == [], devpath
