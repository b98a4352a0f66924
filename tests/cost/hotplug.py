# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a disk with a file system that comes and goes costs `pcipath monitor`: its instructions and system calls with the events, less those
without. The functions that are there already would show if an event had the monitor scan the whole machine.

The disk is a loop device, because libblkid reads it.
"""

import contextlib
import os
import re
import stat
import subprocess
import tempfile
from pathlib import Path

from command.machine import links
from command.manager import Monitor, build, read, send_as_kernel
from synthetic.parts import blk, node
from trees.machine import Machine, Nodes, Root, function

OTHERS = 16
MACHINE = Machine([Root([*(function(f"{4 + i // 8:02x}.{i % 8}", Nodes([node(f"tty/ttyS{i}", "tty")])) for i in range(OTHERS)),
                         function("02.0", blk())])])
UUID = "6dd3e8a1-1c1f-4d4c-8f0a-0123456789ab"
LINKS = {"disk/by-pci-path/02.0", f"disk/by-uuid/{UUID}", "disk/by-id/virtio-data"}


@contextlib.contextmanager
def filesystem():
    """A file: the smallest disk on which libblkid looks for ZFS, as it does on each larger one."""
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(64 << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-U", UUID, "-E", f"hash_seed={UUID}", image.name], check=True)
        yield image.name


@contextlib.contextmanager
def loop_device(image):
    """Its major and minor number. Other tests open the first loop device, which must be empty."""
    for path in sorted(Path("/dev").glob("loop[1-9]*"), reverse=True):
        if subprocess.run(["losetup", "--read-only", path, image], capture_output=True, check=False).returncode == 0:
            break
    else:
        raise RuntimeError("no loop device is free")
    with path.open("rb") as opened:
        subprocess.run(["losetup", "--detach", path], check=True)  # when it is closed
        number = os.fstat(opened.fileno()).st_rdev
        yield os.major(number), os.minor(number)


def hide(path):
    path.rename(f"/sys/hidden-{path.name}")


def show(path):
    Path(f"/sys/hidden-{path.name}").rename(path)


class Disk:
    """As the kernel shows it: first the function, then the virtio device, then the disk."""

    def __init__(self, device, number):
        self.block, self.node = device.devpath, Path("/dev", device.devname)
        self.virtio = self.block[:self.block.index("/block/")]
        self.pci = os.path.dirname(self.virtio)
        self.number = os.makedev(*number)
        Path(device.syspath, "dev").write_text(f"{number[0]}:{number[1]}\n")
        Path(device.syspath, "serial").write_text("data\n")
        self.node.unlink()
        self.directories = [Path(f"/sys{self.virtio}/block"), Path(f"/sys{self.pci}")]
        for directory in self.directories:
            hide(directory)

    def plug(self, monitor):
        block, pci = self.directories
        show(pci)
        send_as_kernel(monitor, "add", self.pci, "pci")
        send_as_kernel(monitor, "add", self.virtio, "virtio")
        show(block)
        os.mknod(self.node, stat.S_IFBLK | 0o600, self.number)
        for action, devpath, subsystem in (("add", self.block, "block"), ("bind", self.virtio, "virtio"), ("bind", self.pci, "pci")):
            send_as_kernel(monitor, action, devpath, subsystem)

    def unplug(self, monitor):
        block, pci = self.directories
        self.node.unlink()
        hide(block)
        for action, devpath, subsystem in (("remove", self.block, "block"), ("unbind", self.virtio, "virtio"), ("remove", self.virtio, "virtio"),
                                           ("unbind", self.pci, "pci")):
            send_as_kernel(monitor, action, devpath, subsystem)
        hide(pci)
        send_as_kernel(monitor, "remove", self.pci, "pci")


@contextlib.contextmanager
def traced(monitor, output):
    """strace must not start the monitor: it would keep the other end of the pipe that the monitor closes when it is ready."""
    tracer = subprocess.Popen(["strace", "-qq", "-o", output, "-p", str(monitor.process.pid)])
    while "TracerPid:\t0\n" in read(monitor, "status"):
        if tracer.poll() is not None:
            raise RuntimeError("strace has ended")
    yield
    tracer.wait(timeout=60)


def run(monitor, disk, has_events):
    before = set(links())
    if has_events:
        disk.plug(monitor)
        plugged = set(links())
        disk.unplug(monitor)
        if plugged - before != LINKS or set(links()) != before:
            raise RuntimeError(f"links to the disk: {plugged - before}, of which stay: {set(links()) - before}")
    done = monitor.end()
    if done.returncode or "pcipath: " in done.stderr:  # valgrind has warnings of its own
        raise RuntimeError(done.stderr)


def count(disk, has_events):
    """Instructions and system calls."""
    with tempfile.TemporaryDirectory() as directory:
        cachegrind, strace = Path(directory, "cachegrind"), Path(directory, "strace")
        run(Monitor("--links", runner=["valgrind", "-q", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={cachegrind}"]),
            disk, has_events)
        monitor = Monitor("--links")
        with traced(monitor, strace):
            run(monitor, disk, has_events)
        return (int(re.search(r"^summary: (\d+)", cachegrind.read_text(), re.MULTILINE)[1]),
                len(strace.read_text(errors="replace").splitlines()))


def measure_hotplug():
    """As cost.measure_small()."""
    with filesystem() as image, loop_device(image) as number:
        tree = build(MACHINE)
        disk = Disk(next(device for device in tree.devices if device.subsystem == "block"), number)
        counts = (count(disk, has_events) for has_events in (True, False))
        yield "monitor, a disk", "open", tuple(with_ - without for with_, without in zip(*counts, strict=True))
