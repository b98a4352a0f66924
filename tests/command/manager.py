# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath coldplug` and `pcipath monitor` on synthetic machines, in a sandbox."""

import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile

from command.machine import complete, make_nodes, write
from command.run import PCIPATH
from synthetic.parts import node, tape
from trees import sandbox
from trees.machine import Disk, Lun, Machine, Nodes, Root, VirtioBlk, VirtioScsi, function
from trees.sysfs import Tree

MACHINE = Machine([Root([function("02.0", function("00.0", VirtioBlk(Disk(1)))),
                         function("02.1", function("00.0", VirtioScsi([Lun(0, 0), Lun(1, 1)])))])])
# A disk would have to be one that can be opened.
NODES = Machine([Root([function("02.0", function("00.0", Nodes([
    node("drm/card0", "drm", "dri/by-pci-path/FLAT-card"), node("drm/renderD128", "drm", "dri/by-pci-path/FLAT-render")]))),
    function("03.0", Nodes([tape("st0", "tape/by-pci-path/FLAT-scsi-0:0:0:0"), node("tty/ttyS4", "tty", "serial/by-pci-path/FLAT")]))])])
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


def add_hook(script):
    """A program for --exec=/dev/hook. Returns the end of /dev/fifo that is read; the program can write to it."""
    write("/dev/hook", script.encode())
    os.chmod("/dev/hook", 0o755)
    os.mkfifo("/dev/fifo")
    return os.fdopen(os.open("/dev/fifo", os.O_RDWR), "rb", buffering=0)  # open for writing, too: so it never ends


def complaints(done):
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert all(line.startswith("pcipath: ") for line in lines)
    return lines


class Process:
    """A program that runs until it is stopped. end() stops it and returns how it ended."""

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=60)
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, stdout, stderr)


class Follower(Process):
    """A `pcipath cdi --follow` that has told systemd that it is ready, or has ended."""

    def __init__(self, *arguments):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified, tempfile.TemporaryDirectory() as directory:
            notified.bind(f"{directory}/notify")
            self.process = subprocess.Popen(["unshare", "--net", PCIPATH, "cdi", "--follow", *arguments], text=True,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            env=os.environ | {"NOTIFY_SOCKET": notified.getsockname()})
            notified.settimeout(0.1)
            self.told = b""
            while self.told == b"" and self.process.poll() is None:
                try:
                    self.told = notified.recv(100)
                except TimeoutError:
                    pass


class Monitor(Process):
    """A `pcipath monitor` that has become ready. `runner`: a command that starts it and keeps its process."""

    def __init__(self, *arguments, env=None, runner=(), **options):
        ours, theirs = os.pipe()
        self.process = subprocess.Popen(["unshare", "--net", *runner, PCIPATH, "monitor", f"--ready-fd={theirs}", *arguments],
                                        pass_fds=[theirs], text=True, env=os.environ | (env or {}),
                                        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options)
        os.close(theirs)
        with os.fdopen(ours, "rb") as ready:
            self.ready = ready.read()  # to its end: it is closed


SEND = """
import socket, sys
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15) as sender:  # NETLINK_KOBJECT_UEVENT
    sender.sendto(bytes.fromhex(sys.argv[2]), (int(sys.argv[1]), 0))
"""


def send(monitor, event, receiver):
    """To a netlink socket of the monitor's network namespace, and wait until the monitor has done all that is to be done."""
    pid = monitor.process.pid
    subprocess.run(["nsenter", "-t", str(pid), "-n", sys.executable, "-c", SEND, str(receiver), event.hex()], check=True)
    # The event has been taken from the socket (Rmem), then all that is to be done has been.
    while any(row.split()[4] != "0" for row in read(monitor, "net/netlink").splitlines()[1:] if row.split()[2] == str(pid)):
        pass
    settle(monitor)


def read(monitor, name):
    with open(f"/proc/{monitor.process.pid}/{name}") as file:
        return file.read()


def settle(monitor):
    """Wait until the monitor sleeps, in ppoll(2) of x86-64."""
    while not read(monitor, "syscall").startswith("271 "):
        pass


def hang_up(monitor):
    """Send SIGHUP, and wait until the monitor has taken it and done all that is to be done."""
    monitor.process.send_signal(signal.SIGHUP)
    while any(int(row.split()[1], 16) for row in read(monitor, "status").splitlines() if row.startswith(("SigPnd:", "ShdPnd:"))):
        pass
    settle(monitor)


def send_as_kernel(monitor, action, devpath, subsystem):
    """The kernel hands an event of a privileged process on as its own (lib/kobject_uevent.c, uevent_net_rcv_skb(), Linux 4.18)."""
    text = f"{action}@{devpath}\0ACTION={action}\0DEVPATH={devpath}\0SUBSYSTEM={subsystem}\0".encode()
    send(monitor, struct.pack("=IHHII", 16 + len(text), 16, 1, 0, 0) + text, 0)  # struct nlmsghdr: NLMSG_MIN_TYPE, NLM_F_REQUEST
