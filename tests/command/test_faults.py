# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that cannot be read, or that changes while it is read.

Each look that a program takes at /sys and /dev is made to fail, one in each run (strace's fault injection); and at each
look the disk's whole function goes away. Then the program says the same as ever, or nothing but a reason, or what has
gone is left out: never a crash, a half output or the name of another place.
"""

import json
import os
import re
import shutil
import signal
import subprocess

import cdi
import pytest
from command.machine import FUNCTION, complete
from command.run import PCIPATH
from programs import PCIPATH_ID
from synthetic.malformed import MACHINES
from trees import sandbox
from trees.sysfs import Tree

COVERS = {
    "look_fails": "Fault: each system call that reads sysfs fails in turn",
    "unplugged_at_a_look": "Fault: the device is unplugged before each system call that reads sysfs",
}

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="no strace")

LOOKS = "access,faccessat,faccessat2,getdents64,newfstatat,open,openat,read,readlink,readlinkat,statx"
LOOK = re.compile(r'(\w+)\((.*[<"](?:/sys|/dev/(?!null)|/run/udev).*)')

TRACE = "/dev/trace"

# By the errno: what has gone, and what is there but cannot be read.
GONE, UNREADABLE = ("ENOENT", "ENODEV"), ("EIO", "EACCES")

# The programs share their code: what reads it in the most ways is asked of every machine, the others of two.
CALLS = {"pcipath_id": [name for name in MACHINES if name != "too-deep"], "of": ["vf", "vmd"], "find": ["scsi", "vf"],
         "wait": ["scsi", "vf"], "cdi": ["scsi", "vf"], "list": ["scsi", "vf", "vmd"], "tree": ["scsi", "vf", "vmd"]}
# With --all alone: "list" reads the same of these machines.
EXHAUSTIVE = {(call, name) for call in ("cdi", "tree") for name in ("vf", "vmd")}
CASES = [pytest.param(call, name, marks=[pytest.mark.exhaustive] if (call, name) in EXHAUSTIVE else [])
         for call, names in CALLS.items() for name in names]


def command_for(call, disk):
    if call == "pcipath_id":
        return [PCIPATH_ID, disk]
    if call == "list":
        return [PCIPATH, "list", "-a", "-J", "-o", "address,path,name"]
    if call == "tree":
        return [PCIPATH, "tree", "-J"]
    if call == "cdi":
        return [PCIPATH, "cdi"]
    of = [PCIPATH, "of", disk]
    if call == "of":
        return of
    path = subprocess.run(of, capture_output=True, text=True, check=True).stdout.strip()
    return [PCIPATH, "find", path] if call == "find" else [PCIPATH, "wait", "-t", "pci", "--timeout=0", path]


def traced(command, *options):
    return subprocess.run(["strace", "-f", "--seccomp-bpf", "-o", TRACE, *options, *command], capture_output=True, text=True,
                          check=False)


def looks_of(command, calls=LOOKS):
    """What it says, and which call of which name looks at which of our files."""
    right = traced(command, "-y", "-e", f"trace={calls}")
    assert (right.returncode, right.stderr) == (0, "")
    counts, looks = {}, []
    with open(TRACE, encoding="utf-8", errors="replace") as trace:
        for line in trace:
            text = line.split(None, 1)[1]
            call = text.partition("(")[0]
            counts[call] = counts.get(call, 0) + 1
            if LOOK.match(text):
                looks.append((call, counts[call], text))
    return right, looks


def functions(call, text):
    """By address, or name of CDI: path, None if it has no name, and the names of what is below."""
    def walk(nodes):
        for node in nodes:
            if node["address"]:
                yield node["address"], node["path"], node["names"]
            yield from walk(node.get("children", []))

    if call == "cdi":
        return {name: (path, {node["hostPath"] for node in nodes}) for name, (path, nodes) in cdi.read(text, "disk")[0].items()}
    found = {}
    for address, path, names in (walk(json.loads(text)["roots"]) if call == "tree" else
                                 (row.values() for row in json.loads(text)["functions"])):
        found.setdefault(address, (path, set()))[1].update([names] if isinstance(names, str) else filter(None, names or []))
    return found


def leaves_out(call, text, right):
    """Is it `right` without some functions, some names of them, or some of what is below them?"""
    if call == "pcipath_id":
        return text == "".join(line for line in right.splitlines(True) if "_LINK=" not in line)
    if call not in ("list", "tree", "cdi"):
        return False
    known = functions(call, right)
    return all(address in known and path in (None, known[address][0]) and names <= known[address][1]
               for address, (path, names) in functions(call, text).items())


def judge(call, done, right, may_leave_out, what):
    if done.returncode == 0 and done.stderr == "":
        # A function whose class cannot be read is drawn as a "device".
        same = functions(call, done.stdout) == functions(call, right.stdout) if call == "tree" else done.stdout == right.stdout
        assert same or may_leave_out and leaves_out(call, done.stdout, right.stdout), (what, done.stdout)
    elif call in ("list", "tree") and done.stdout:
        # What cannot be read is named, and the rest is shown.
        assert done.returncode == 1 and leaves_out(call, done.stdout, right.stdout), (what, done)
        assert re.fullmatch(r"(pcipath: cannot read /sys/[ -~]+\n)+", done.stderr), (what, done.stderr)
    else:
        assert done.returncode in (1, 3, 4), (what, done)
        assert done.stdout == "", what
        assert re.fullmatch(r"pcipath(_id)?: [ -~]+\n", done.stderr), (what, done.stderr)


def build(name):
    sandbox.empty("/sys")
    tree = Tree(MACHINES[name], "/sys")
    complete(tree)
    return next(device for device in tree.devices if device.devtype == "disk")


def fail_each_look(call, name):
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    command = command_for(call, build(name).syspath)
    right, looks = looks_of(command)
    for number, (syscall, count, text) in enumerate(looks):
        for errors in (GONE, UNREADABLE):
            # That it has none of this name is how a function says that it is not virtual.
            error = "ENODEV" if "physfn" in text and errors is GONE else errors[number % 2]
            done = traced(command, "-e", f"trace={syscall}", "-e", f"inject={syscall}:error={error}:when={count}")
            judge(call, done, right, errors is GONE, f"{error}: {text}")
    return len(looks)


@pytest.mark.parametrize("call,name", CASES)
def test_look_fails(call, name):
    assert sandbox.run(fail_each_look, call, name) > 5


def unplug(syspath):
    """The directory goes, and the links of what was in it."""
    shutil.rmtree(syspath)
    for directory, subdirectories, files in os.walk("/sys"):
        for entry in subdirectories + files:
            path = os.path.join(directory, entry)
            if os.path.islink(path) and not os.path.exists(path) and os.path.basename(path) not in ("subsystem", "driver"):
                os.unlink(path)


def stop_at(command, syscall, count, while_stopped):
    """Run it, and stop it after that call."""
    os.mkfifo(TRACE)
    with subprocess.Popen(["strace", "-f", "-o", TRACE, "-e", f"trace={syscall}", "-e",
                           f"inject={syscall}:signal=SIGSTOP:when={count}", *command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        with open(TRACE, encoding="utf-8", errors="replace") as trace:
            stopped = next(line for line in trace if "--- stopped by SIGSTOP ---" in line)
            while_stopped()
            os.kill(int(stopped.split()[0]), signal.SIGCONT)
            trace.read()
        stdout, stderr = process.communicate()
    os.unlink(TRACE)
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def unplug_at_each_look(call, name):
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    syspath = build(name).syspath
    command = command_for(call, syspath)
    right, looks = looks_of(command)
    os.unlink(TRACE)
    parts = syspath.split("/")
    # The disk's own function, and the ports that lead to it.
    functions = ["/".join(parts[:n + 1]) for n, part in enumerate(parts) if FUNCTION.fullmatch(part)]
    for syscall, count, text in looks:
        for gone in functions:
            build(name)
            done = stop_at(command, syscall, count, lambda: unplug(gone))
            judge(call, done, right, call in ("list", "tree", "cdi"), f"{gone} gone at {text}")


@pytest.mark.parametrize("call,name", CASES)
def test_unplugged_at_a_look(call, name):
    sandbox.run(unplug_at_each_look, call, name)
