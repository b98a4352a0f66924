# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stock systemd-udevd over a fake machine: the installed rule and helper, nothing else of /usr/lib/udev.

In a network namespace that it owns, root may send a uevent to the kernel, which broadcasts it there as its own
(Linux 4.18, 692ec06d7c92 "netns: send uevent messages"). So a tree's events are a boot's coldplug: all at once, put in
order by udevd and run by its workers, which start helpers, write the database and make the links. `udevadm test` does
that, too, for one event in ten times the time, and from systemd 256 on without helpers.
"""

import os
import re
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass

from programs import BUILD, normalise
from trees import sandbox
from trees.storage import UNTOUCHED

SUBSYSTEMS = {"auxiliary", "pci", "virtio", "nvme", "nd", "usb", "scsi", "block", "net", "drm", "hid", "infiniband_verbs", "input", "scsi_tape",
              "sound", "tty", "usb-serial", "vfio", "vfio-dev", "video4linux", "virtio-ports"}  # of those that have events
HELPER_STARTED = re.compile(rb"^(.*): \S*61-pcipath\.rules:\d+ Importing properties from results of '", re.MULTILINE)
OURS = ("ID_PCI_PATH", "ID_PCI_SF_", "ID_NET_NAME_PCI_PATH", "ID_NET_NAME_FROM_DATABASE")
LOG = "/run/udevd.log"
LINKS = "/dev/disk/by-pci-path"

CLONE_NEWNET = 0x40000000
NETLINK_KOBJECT_UEVENT = 15
GROUP_UDEV = 2
SO_RCVBUFFORCE = 33
NLM_F_REQUEST = 1
NLMSG_MIN_TYPE = 0x10


def install(destdir):
    """`meson install` to an empty directory; returns what became of /usr/lib/udev there."""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", destdir], check=True,
                   stdout=subprocess.DEVNULL)
    return find_udev_directory(destdir)


def find_udev_directory(destdir):
    for directory, _, files in os.walk(destdir):
        if "pcipath_id" in files:
            return directory
    raise FileNotFoundError(f"{destdir}: no pcipath_id in it")


def enter():
    """In a sandbox: fake /run and /dev as well, and no rules but the installed ones."""
    sandbox.mount("tmpfs", "/run", "tmpfs")
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    os.mknod("/dev/null", 0o20666, os.makedev(1, 3))
    sandbox.bind(os.environ["PCIPATH_UDEV"], "/usr/lib/udev")
    for directory in ("/etc/udev", "/usr/local/lib/udev"):
        if os.path.isdir(directory):
            sandbox.mount("tmpfs", directory, "tmpfs")
    # udev gives a helper the device's properties for its environment, and nothing else.
    os.makedirs("/run/udev/rules.d")
    with open("/run/udev/rules.d/00-fake-sysfs.rules", "w", encoding="utf-8") as rules:
        rules.write('ENV{SYSTEMD_DEVICE_VERIFY_SYSFS}="0"\n')
    sandbox.check(sandbox.libc.unshare(CLONE_NEWNET), "unshare")


def netlink(groups):
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    s.bind((0, groups))
    return s


@dataclass
class Record:
    """What the database has of a device."""
    properties: dict
    links: set


class Udevd:
    """The daemon, in a sandbox that enter() has prepared. `debug`: log, for `started` to be known. `runner`: words to put before its command."""

    def __init__(self, debug=False, runner=(), workers=4):
        self.debug = debug
        self.command = ["setpriv", "--pdeathsig", "KILL", *runner, "/lib/systemd/systemd-udevd", "--resolve-names=never",
                        f"--children-max={workers}", *(["--debug"] if debug else [])]  # setpriv: not to be left behind when this process is killed
        self.read = 0  # how much of the log
        self.sent = {}  # by devpath, what its last event had

    def __enter__(self):
        self.kernel = netlink(0)
        self.done = netlink(GROUP_UDEV)
        self.done.settimeout(60)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ready, open(LOG, "ab") as log:
            ready.bind("/run/notify")
            ready.settimeout(60)
            self.daemon = subprocess.Popen(self.command, stderr=log, env=os.environ | {"NOTIFY_SOCKET": "/run/notify"})
            while b"READY=1" not in ready.recv(4096):
                pass
        os.unlink("/run/notify")
        return self

    def stop(self):
        """Let it end, with its workers and its runner. Under valgrind it was seen to sleep for ever with no worker left."""
        subprocess.run(["udevadm", "control", "--exit"], check=True)
        for _ in range(20):
            try:
                self.daemon.wait(15)
                return
            except subprocess.TimeoutExpired:
                self.daemon.send_signal(signal.SIGCHLD)
        raise TimeoutError("udevd does not end")

    def __exit__(self, *_):
        self.daemon.kill()
        self.daemon.wait()

    def boot(self, tree):
        """Another machine: nothing is left of the one before."""
        for directory in ("/run/udev/data", "/run/udev/links", "/dev/disk", "/dev/block"):
            if os.path.isdir(directory):
                sandbox.empty(directory)
        self.sent.clear()
        self.devices = [device for device in tree.devices if device.subsystem in SUBSYSTEMS]
        for device in self.devices:
            if device.devname:
                self.make_node(device)

    def make_node(self, device):
        node = f"/dev/{device.devname}"
        if os.path.lexists(node):
            os.unlink(node)
        os.makedirs(os.path.dirname(node), exist_ok=True)
        os.mknod(node, 0o20600 if device.is_char else 0o60600, os.makedev(*device.devnum))

    def send(self, action, device):
        try:
            with open(f"{device.syspath}/uevent", "rb") as f:
                self.sent[device.devpath] = [line for line in f.read().splitlines() if b"=" in line]
        except OSError:
            pass  # the kernel knows them when sysfs has them no more
        lines = self.sent.get(device.devpath, [])
        head = [f"{action}@{device.devpath}", f"ACTION={action}", f"DEVPATH={device.devpath}",
                f"SUBSYSTEM={device.subsystem}"]
        payload = b"".join(line + b"\0" for line in [*map(os.fsencode, head), *lines])
        header = struct.pack("=IHHII", 16 + len(payload), NLMSG_MIN_TYPE, NLM_F_REQUEST, 0, 0)
        self.kernel.sendto(header + payload, (0, 0))

    def events(self, action, devices=None):
        """An event for each device, parents first, for a removal last; returns when udevd has told of all of them."""
        devices = self.devices if devices is None else devices
        for device in devices if action != "remove" else reversed(devices):
            self.send(action, device)
        for _ in devices:
            self.done.recv(65536)

    def changed(self):
        """The names of devices for which "change" was written into their uevent file since the last call."""
        names = []
        for device in self.devices:
            with open(f"{device.syspath}/uevent", "r+", encoding="utf-8") as f:
                if f.read(len("change\n")) == "change\n":
                    names.append(os.path.basename(device.devpath))
                    f.seek(0)
                    f.write(UNTOUCHED)
        return sorted(names)

    def started(self):
        """The names of devices whose events started the helper since the last call."""
        assert self.debug
        with open(LOG, "rb") as log:
            log.seek(self.read)
            text = log.read()
        self.read += len(text)
        return sorted(name.decode() for name in HELPER_STARTED.findall(text))


def record(device):
    number = "%d:%d" % device.devnum if device.devnum else ""
    name = (f"c{number}" if device.is_char else f"b{number}" if number else f"n{device.ifindex}" if device.ifindex else
            f"+{device.subsystem}:{os.path.basename(device.devpath)}")
    return read_record(f"/run/udev/data/{name}")


def read_record(path):
    found = Record({}, set())
    try:
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
    except FileNotFoundError:
        return found
    for line in lines:
        kind, _, value = line.partition(":")
        if kind == "E" and value.startswith(OURS):
            name, _, content = value.partition("=")
            found.properties[name] = content
        elif kind == "S":
            found.links.add(value)
    found.properties = normalise(found.properties.items())
    return found


def links_on_disk():
    """From the name of each link in by-pci-path/ to what it points to; a directory there shows as a name with "/"."""
    links = {}
    for directory, subdirectories, files in os.walk(LINKS):
        for name in files + subdirectories:
            path = os.path.join(directory, name)
            if os.path.islink(path):
                links[os.path.relpath(path, LINKS)] = os.path.basename(os.readlink(path))
    return links
