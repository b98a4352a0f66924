# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU with a topology and without a guest: paused before its first instruction, it has all of its objects."""

import contextlib
import json
import socket
import subprocess
import tempfile
import threading

from build import TreeError
from emulator import emulator
from host.server import served
from programs import CACHE
from qmp import QMP
from release import HOST
from unavailable import unavailable

# By machine type: the program and its argument. pseries: what TCG does not have.
MACHINES = {
    "q35": ("qemu-system-x86_64", "q35"),
    "pc": ("qemu-system-x86_64", "pc"),
    "virt": ("qemu-system-aarch64", "virt"),
    "pseries": ("qemu-system-ppc64", "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"),
}
# Those that Debian's later releases have: see emulator.py.
LATER_MACHINES = {"s390": ("qemu-system-s390x", "s390-ccw-virtio")}
# Those whose host bridge has no row in the table of known machines.
UNKNOWN_MACHINES = {"mac99": ("qemu-system-ppc64", "mac99"), "g3beige": ("qemu-system-ppc64", "g3beige")}
NULL_DRIVE = {"driver": "null-co", "size": 1 << 20, "read-zeroes": True}


class Paused:
    """`qmp` is the test's own monitor, `socket` the path of the one for pcipath-host."""

    def __init__(self, kind, topology, directory, options, qemu):
        self.socket = f"{directory}/qmp"
        program, machine = (MACHINES | LATER_MACHINES | UNKNOWN_MACHINES)[kind]
        with unavailable(f"QEMU of Debian's {qemu}", TreeError):
            before = emulator(CACHE, qemu)
        drives = dict.fromkeys(device["drive"] for device in topology if device.get("drive"))
        memories = [{"qom-type": "memory-backend-ram", "id": device["memdev"], "size": 128 << 20}
                    for device in topology if "memdev" in device]
        ours, its = socket.socketpair()
        with its:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *before, program, "-accel", "tcg", "-machine", machine, "-nodefaults",
                 "-no-user-config", "-display", "none", "-S", "-m", "256M,maxmem=1G" if memories else "256M",
                 "-chardev", f"socket,id=ours,fd={its.fileno()}", "-mon", "chardev=ours,mode=control",
                 "-chardev", f"socket,id=theirs,path={self.socket},server=on,wait=off", "-mon", "chardev=theirs,mode=control",
                 *(word for drive in drives for word in ("-blockdev", json.dumps({"node-name": drive, **NULL_DRIVE}))),
                 *(word for memory in memories for word in ("-object", json.dumps(memory))),
                 *(word for device in topology for word in ("-device", json.dumps(device))), *options],
                pass_fds=(its.fileno(),), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.qmp = None
        try:
            self.qmp = QMP(ours, self.process.pid)
        except EOFError:
            raise AssertionError(self.process.communicate()[1]) from None

    def plug(self, **device):
        """device_add, with a drive of its own if it wants one."""
        if device.get("drive"):
            self.qmp.execute("blockdev-add", **{"node-name": device["drive"], **NULL_DRIVE})
        self.qmp.execute("device_add", **device)

    def stop(self):
        self.process.kill()
        self.process.communicate()
        if self.qmp:
            self.qmp.close()


@contextlib.contextmanager
def paused(kind, topology, options=(), qemu=HOST):
    """`qemu` is the release of Debian whose QEMU it is."""
    with tempfile.TemporaryDirectory(prefix="pcipath-") as directory:
        machine = Paused(kind, topology, directory, options, qemu)
        try:
            yield machine
        finally:
            machine.stop()


@contextlib.contextmanager
def as_older(machine):
    """A path of the machine's monitor that says it is QEMU 7: pcipath-host reads it without qom-list-get. Serves one connection after
    another; `asked` has what the clients sent."""
    asked = []

    def answer(qemu, client):
        with contextlib.suppress(OSError), qemu.makefile("rb") as lines:
            greeting = json.loads(next(lines))
            greeting["QMP"]["version"]["qemu"] |= {"major": 7, "minor": 2}
            client.sendall(json.dumps(greeting).encode() + b"\r\n")
            for line in lines:
                client.sendall(line)

    def serve(client):
        with socket.socket(socket.AF_UNIX) as qemu:
            qemu.connect(machine.socket)
            answers = threading.Thread(target=answer, args=(qemu, client))
            answers.start()
            while data := client.recv(1 << 16):
                asked.append(data)
                qemu.sendall(data)
            qemu.shutdown(socket.SHUT_RDWR)
            answers.join()

    with served(serve) as path:
        yield path, asked
