# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath monitor` on synthetic machines: it becomes ready, runs the program of --exec, handles events, and ends.

Its network namespace has no events but those that a test sends.
"""

import os
import shutil
import signal
import subprocess

import pytest
from command import alias
from command.machine import links, write
from command.manager import BY_PATH, MACHINE, NODES, RIGHT, Monitor, add_hook, build, hang_up, send, send_as_kernel
from command.run import PCIPATH
from trees import sandbox


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
    for ready, made, done, after in sandbox.run(live):
        assert ready == b"\n" and made == after == {f"disk/by-pci-path/{name}" for name in RIGHT}
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def aliases():
    return {name.rpartition("/")[2]: os.path.basename(target) for name, target in links().items() if "by-pci-alias" in name}


def read_again():
    alias.enter("pcipath.alias=c=02.1/00.0,scsi-0:0:1:1")
    build(MACHINE)
    alias.write(f"{alias.ETC}/1.conf", "a=02.0/00.0\n")
    monitor = Monitor("--links")
    found = [aliases()]
    for text in ("a=02.0/00.0\nb=02.0/00.0,part=1\n", "b=02.0/00.0\nwrong\n", ""):
        alias.write(f"{alias.ETC}/1.conf", text)
        hang_up(monitor)
        found.append(aliases())
    return found, monitor.end()


def test_aliases_are_read_again():
    """At a SIGHUP: links are added, changed and removed; a wrong line is a message."""
    found, done = sandbox.run(read_again)
    assert found == [{"c": "sdb", "a": "vda", "a-part1": "vda1"}, {"c": "sdb", "a": "vda", "a-part1": "vda1", "b": "vda1"},
                     {"c": "sdb", "b": "vda", "b-part1": "vda1"}, {"c": "sdb"}]
    assert done.returncode == 0 and done.stderr.count("\n") == 1 and "1.conf:2: the line is not NAME=TARGET" in done.stderr


HOOK = """#!%s
[ ! "$NOTIFY_SOCKET" ] || echo inherited >>/dev/shm/log
echo "$ACTION $ID_PCI_PATH $SUBSYSTEM $DEVNAME $DEVPATH $DEVLINKS" >>/dev/log
%s
"""


def run_hook(body, interpreter="/bin/sh"):
    build(NODES)
    fifo = add_hook(HOOK % (interpreter, body))
    monitor = Monitor("--links", "--exec=/dev/hook", env={"ACTION": "nonsense", "DEVLINKS": "nonsense"})
    if interpreter == "/bin/sh":
        for _ in range(4):
            fifo.readline()
    done = monitor.end()
    return done, open("/dev/log").read().splitlines() if os.path.exists("/dev/log") else []


def test_exec_at_the_start():
    done, log = sandbox.run(run_hook, "echo >/dev/fifo")
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
    done, log = sandbox.run(run_hook, body)
    assert done.returncode == 0 and len(log) == 4
    lines = done.stderr.splitlines()
    assert lines and set(lines) == {f"pcipath: /dev/hook: {complaint}"}


def run_with_program(program):
    build(NODES)
    os.mkdir("/dev/bin")
    write("/dev/bin/text", b"#!/bin/sh\n")
    shutil.copy("/dev/bin/text", "/dev/bin/good")
    os.chmod("/dev/bin/good", 0o755)
    process = subprocess.Popen(["unshare", "--net", PCIPATH, "monitor", "--links", "--ready-fd=1", f"--exec={program}"], text=True,
                               env=os.environ | {"PATH": f"{os.environ['PATH']}:/dev/bin"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ready = process.stdout.read()
    if ready:
        process.terminate()
    return process.wait(timeout=60), ready, process.stderr.read(), set(links())


@pytest.mark.parametrize("program,reason", [("/dev/nosuch", "No such file or directory"), ("nosuch", "No such file or directory"),
                                            ("", "No such file or directory"), ("/dev/bin", "Permission denied"),
                                            ("/dev/bin/text", "Permission denied"), ("text", "Permission denied")])
def test_exec_of_no_program(program, reason):
    """An error at the start, before anything is made."""
    assert sandbox.run(run_with_program, program) == (1, "", f"pcipath: --exec={program}: cannot run: {reason}\n", set())


def test_exec_in_path():
    status, ready, stderr, made = sandbox.run(run_with_program, "good")
    assert (status, ready, stderr, len(made)) == (0, "\n", "", 4)


def test_exec_without_interpreter():
    """The program is there when the monitor looks for it, but cannot be run for any event."""
    done, _ = sandbox.run(run_hook, "", "/dev/nosuch")
    assert done.returncode == 0
    assert done.stderr.splitlines() == 4 * ["pcipath: /dev/hook: cannot run: No such file or directory"]


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
    before, ignored, after, done = sandbox.run(send_event)
    assert before == ignored and len(before) == 2 and len(after) == 4
    assert (done.returncode, done.stderr) == (0, "")


def remove_node_first():
    """As the kernel does it: a device's node goes, then its directory in sysfs. A scan falls between them."""
    tree = build(NODES)
    fifo = add_hook(HOOK % ("/bin/sh", "[ $ACTION = add ] || echo >/dev/fifo"))
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
    between, done, log = sandbox.run(remove_node_first)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tape/by-pci-path/03.0-scsi-0:0:0:0" not in between and "serial/by-pci-path/03.0" in between
    assert [line.split()[:4] + line.split()[5:] for line in log if line.startswith("remove ")] == [
        ["remove", "03.0", "scsi_tape", "/dev/st0", "/dev/tape/by-pci-path/03.0-scsi-0:0:0:0"]]
