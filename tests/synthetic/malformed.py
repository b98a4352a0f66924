# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trees that no kernel should show, each with the way in which pcipath_id must refuse it. A case edits a sound tree and says which device
to ask about.

Refused means: the documented exit status, one printable line on stderr, nothing on stdout.
"""

import os
import shutil
from dataclasses import dataclass
from typing import Callable

from synthetic.parts import blk, chain, node, nvme
from trees.machine import (Ata, AtaPort, FibreChannel, HostBridge, Lun, Machine, Nodes, Root, Sas, SasDevice, ScsiHosts, Usb, UsbDisk,
                           VirtioScsi, VirtualFunctions, VmbusRoot, function, vf)
from trees.sysfs import Tree

# Exit statuses: the device cannot be read, bad usage, the device has no name.
UNREADABLE, USAGE, NO_NAME = 1, 2, 3
KIB64 = 64 * 1024

MACHINES = {
    "virtio": Machine([Root([function("02.0", function("00.0", blk(1)))])]),
    "nvme": Machine([Root([function("02.0", function("00.0", nvme(1)))])]),
    "ata": Machine([Root([function("1f.2", Ata([AtaPort(1, multiplied=[(0, blk().disk)])]))])]),
    "scsi": Machine([Root([function("02.0", VirtioScsi([Lun(0, 0)]))])]),
    "hosts": Machine([Root([function("02.0", ScsiHosts([[Lun(0, 0)], []]))])]),
    "fc": Machine([Root([function("02.0", FibreChannel({"0x50060e801049cfd1": [Lun(0, 0)]}))])]),
    "sas": Machine([Root([function("02.0", Sas([[SasDevice(0, "0x5000c500a1b2c3d1", [Lun()])]]))])]),
    "usb": Machine([Root([function("02.0", Usb([UsbDisk("1.2", [Lun(0, 0)])], root_hubs=1))])]),
    "vf": Machine([Root([function("02.0", function("00.0", vfs=VirtualFunctions([vf(nvme(1)), vf()])))])]),
    "port": Machine([Root([function("02.0", blk()), function("03.0", Nodes([node("virtio-ports/vport0p1", "virtio-ports")],
                                                                               virtio=True))])]),
    "vmd": Machine([Root([function("0e.0", HostBridge(0xe0, [function("01.0", nvme(1))]))])]),
    "vmbus": Machine([VmbusRoot([function("02.0", nvme(1))], "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0")]),
    "too-deep": Machine([Root([chain(256, blk())])]),
}


class Edit:
    """A tree to be spoilt. `self.disk` is its first disk; `find` finds others by a part of their path."""

    def __init__(self, machine):
        self.tree = Tree(machine, "/sys")
        disks = [device.syspath for device in self.tree.devices if device.devtype == "disk"]
        self.disk = disks[0].encode()

    def find(self, end):
        return next(d.syspath for d in self.tree.devices if d.syspath.endswith(end)).encode()

    def rename(self, end, new):
        """The device whose path ends so has another name. The disk follows."""
        old = self.find(end)
        new = os.path.join(os.path.dirname(old), new)
        os.rename(old, new)
        self.disk = self.disk.replace(old, new)

    def rename_dir(self, old, new):
        os.rename(old, new)
        self.disk = self.disk.replace(old, new)

    def write(self, path, content):
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "wb") as f:
            f.write(content)


@dataclass
class Case:
    machine: str
    edit: Callable  # may return what to ask about, in place of the disk
    status: int
    message: bytes = b""


def renamed(machine, end, new, status=NO_NAME):
    return Case(machine, lambda t: t.rename(end, new), status)


def attribute(machine, find, content, status=NO_NAME):
    """The attribute `find` (a function of the edit) has other content; None: it is not there."""
    def edit(t):
        if content is None:
            os.unlink(find(t))
        else:
            t.write(find(t), content)
    return Case(machine, edit, status)


def nsid(content, status=NO_NAME):
    return attribute("nvme", lambda t: t.disk + b"/nsid", content, status)


def port_no(content, status=NO_NAME):
    return attribute("ata", lambda t: t.find("/ata_port/ata1") + b"/port_no", content, status)


def port_name(content, status=NO_NAME):
    return attribute("fc", lambda t: t.find("/fc_transport/target0:0:0") + b"/port_name", content, status)


def virtio_port(name):
    """What the host has called it, who may call it anything."""
    def edit(t):
        port = t.find("/vport0p1")
        t.write(port + b"/name", name)
        return port
    return Case("port", edit, NO_NAME)


def phy(content, status=NO_NAME):
    return attribute("sas", lambda t: t.find("/sas_device/end_device-0:0") + b"/phy_identifier", content, status)


def device_id(content, status=NO_NAME):
    return attribute("vmbus", lambda t: t.find("c95f0") + b"/device_id", content, status)


def host_bridge(new):
    return Case("virtio", lambda t: t.rename_dir(b"/sys/devices/pci0000:00", b"/sys/devices/" + new), NO_NAME)


def scsi(new):
    return renamed("scsi", "/0:0:0:0", new)


def physfn(target, status):
    def edit(t):
        link = os.path.dirname(os.path.dirname(os.path.dirname(t.disk))) + b"/physfn"
        os.unlink(link)
        if callable(target):
            target(t, link)
        else:
            os.symlink(target, link)
    return Case("vf", edit, status)


def virtfns(edit, status=NO_NAME):
    return Case("vf", lambda t: edit(t, t.find("/0000:01:00.0")), status)


def replace_link(old, new, target):
    os.unlink(old)
    os.symlink(target, new)


def move_up(t):
    """The function of the disk is a child of /sys/devices: no host bridge above."""
    shutil.move(b"/sys/devices/pci0000:00/0000:00:02.0", b"/sys/devices/0000:00:02.0")
    t.disk = t.disk.replace(b"/pci0000:00", b"")


def partition_without_number(t):
    os.rename(t.disk + b"/vda1", t.disk + b"/vdax")
    t.disk += b"/vdax"


TREES = {
    # Names of functions.
    "function-missing": renamed("virtio", "/0000:01:00.0", b"0000:01:02"),
    "function-8": renamed("virtio", "/0000:01:00.0", b"0000:01:00.8"),
    "function-two-digits": renamed("virtio", "/0000:01:00.0", b"0000:01:00.00"),
    "slot-20": renamed("virtio", "/0000:01:00.0", b"0000:01:20.0"),
    "slot-one-digit": renamed("virtio", "/0000:01:00.0", b"0000:01:2.0"),
    "slot-sign": renamed("virtio", "/0000:01:00.0", b"0000:01:+2.0"),
    "bus-three-digits": renamed("virtio", "/0000:01:00.0", b"0000:001:00.0"),
    "domain-missing": renamed("virtio", "/0000:01:00.0", b"01:00.0"),
    "domain-nine-digits": renamed("virtio", "/0000:01:00.0", b"000000000:01:00.0"),
    "function-newline": renamed("virtio", "/0000:01:00.0", b"0000:01:00.0\n"),
    "function-injects": renamed("virtio", "/0000:01:00.0", b"0000:01:00.0\nID_EVIL=1"),
    "function-escape": renamed("virtio", "/0000:01:00.0", b"\x1b[31m0000:01:00.0"),
    "function-not-utf8": renamed("virtio", "/0000:01:00.0", b"0000:01:\xff\xfe.0"),
    "function-no-address": renamed("virtio", "/0000:01:00.0", b"virtio0"),
    # s390 without unique uids: a kernel does show this, but no host knows the domain.
    "uid-not-unique": attribute("scsi", lambda t: t.find("/0000:00:02.0") + b"/uid_is_unique", b"0\n"),
    "uid-unknown": attribute("scsi", lambda t: t.find("/0000:00:02.0") + b"/uid_is_unique", b"10\n"),
    "bridge-slot-20": renamed("virtio", "/0000:00:02.0", b"0000:00:20.0"),
    "bridge-no-address": renamed("virtio", "/0000:00:02.0", b"bridge"),

    # Host bridges.
    "host-bridge-missing": Case("virtio", move_up, NO_NAME),
    "host-bridge-platform": host_bridge(b"4010000000.pcie"),
    "host-bridge-no-bus": host_bridge(b"pci0000"),
    "host-bridge-bus-one-digit": host_bridge(b"pci0000:0"),
    "host-bridge-domain-three-digits": host_bridge(b"pci000:00"),
    "host-bridge-sign": host_bridge(b"pci-0000:00"),
    "host-bridge-newline": host_bridge(b"pci0000:00\n"),
    "host-bridge-not-utf8": host_bridge(b"pci0000:\xc3\x28"),
    "nested-host-bridge-no-address": Case("vmd", lambda t: t.rename_dir(
        t.disk.split(b"/pci10000:e0")[0] + b"/pci10000:e0", t.disk.split(b"/pci10000:e0")[0] + b"/vmd0"), NO_NAME),

    # VMBus.
    "vmbus-no-device-id": device_id(None, UNREADABLE),
    "vmbus-device-id-empty": device_id(b""),
    "vmbus-device-id-no-braces": device_id(b"fd1d2cbd-ce7c-535c-966b-eb5f811c95f0\n"),
    "vmbus-device-id-short": device_id(b"{fd1d2cbd-ce7c-535c-966b-eb5f811c95f}\n"),
    "vmbus-device-id-injects": device_id(b"{fd1d2cbd-ce7c-535c-966b-eb5f811c95f0}\nID_EVIL=1\n"),
    "vmbus-device-id-path": device_id(b"{../../..-ce7c-535c-966b-eb5f811c95f0}\n"),
    "vmbus-device-id-64k": device_id(b"{" * KIB64),

    # Virtual functions.
    "vf-unknown-to-physfn": virtfns(lambda t, pf: os.unlink(pf + b"/virtfn0")),
    "vf-virtfn-no-number": virtfns(lambda t, pf: os.rename(pf + b"/virtfn0", pf + b"/virtfn")),
    "vf-virtfn-number-and-text": virtfns(lambda t, pf: os.rename(pf + b"/virtfn0", pf + b"/virtfn0x")),
    "vf-virtfn-sign": virtfns(lambda t, pf: os.rename(pf + b"/virtfn0", pf + b"/virtfn+0")),
    "vf-virtfn-65536": virtfns(lambda t, pf: os.rename(pf + b"/virtfn0", pf + b"/virtfn65536")),
    "vf-virtfn-2-to-the-64": virtfns(lambda t, pf: os.rename(pf + b"/virtfn0", pf + b"/virtfn18446744073709551616")),
    "vf-virtfn-elsewhere": virtfns(lambda t, pf: replace_link(pf + b"/virtfn0", pf + b"/virtfn0", "../0000:01:1f.0")),
    "vf-physfn-gone": physfn(lambda t, link: t.write(os.path.dirname(link) + b"/sriov_vf_msix_count", b""), UNREADABLE),
    "vf-physfn-dangling": physfn("../0000:01:1f.7", UNREADABLE),
    "vf-physfn-loop": physfn("physfn", UNREADABLE),
    "vf-physfn-is-host-bridge": physfn("../..", NO_NAME),
    "vf-physfn-outside-sysfs": physfn("/etc", UNREADABLE),
    "vf-physfn-is-file": physfn(lambda t, link: t.write(link, b"0000:01:00.0\n"), UNREADABLE),

    # NVMe.
    "nsid-missing": nsid(None, UNREADABLE),
    "nsid-empty": nsid(b""),
    "nsid-only-newline": nsid(b"\n"),
    "nsid-text": nsid(b"one\n"),
    "nsid-number-and-text": nsid(b"1x\n"),
    "nsid-sign": nsid(b"-1\n"),
    "nsid-space": nsid(b" 1\n"),
    "nsid-path": nsid(b"../1\n"),
    "nsid-injects": nsid(b"1\nID_EVIL=1\n"),
    "nsid-not-utf8": nsid(b"\xff\xfe\n"),
    "nsid-64k-text": nsid(b"x" * KIB64),

    # ATA.
    "port-no-missing": port_no(None, UNREADABLE),
    "port-no-empty": port_no(b""),
    "port-no-only-newline": port_no(b"\n"),
    "port-no-text": port_no(b"one\n"),
    "port-no-sign": port_no(b"+1\n"),
    "port-no-path": port_no(b"../1\n"),
    "port-no-injects": port_no(b"1\nID_EVIL=1\n"),
    "port-no-64k-text": port_no(b"x" * KIB64),
    "ata-class-missing": Case("ata", lambda t: shutil.rmtree(os.path.dirname(t.find("/ata_port/ata1"))), UNREADABLE),

    # SCSI.
    "scsi-three-numbers": scsi(b"0:0:0"),
    "scsi-five-numbers": scsi(b"0:0:0:0:0"),
    "scsi-text": scsi(b"disk"),
    "scsi-number-and-text": scsi(b"0:0:0:0x"),
    "scsi-negative-lun": scsi(b"0:0:0:-1"),
    "scsi-negative-host": scsi(b"-1:0:0:0"),
    "scsi-sign": scsi(b"0:0:+1:0"),
    "scsi-space": scsi(b"0:0:0: 1"),
    "scsi-newline": scsi(b"0:0:0:0\n"),
    "scsi-lun-of-2-to-the-64": scsi(b"0:0:0:18446744073709551616"),
    "scsi-target-of-2-to-the-32": scsi(b"0:0:4294967296:0"),
    "scsi-host-of-another-number": renamed("scsi", "/virtio0/host0", b"host7", UNREADABLE),

    # FC and SAS.
    "virtio-port-path": virtio_port(b"../../etc/passwd\n"),
    "virtio-port-space": virtio_port(b"a b\n"),
    "virtio-port-injects": virtio_port(b"a\nID_EVIL=1\n"),
    "virtio-port-escape": virtio_port(b"\x1b[31m\n"),
    "virtio-port-expands": virtio_port(b"$env{PATH}%k\n"),
    "fc-port-name-missing": port_name(None, UNREADABLE),
    "fc-port-name-empty": port_name(b"\n"),
    "fc-port-name-path": port_name(b"../../0x5\n"),
    "fc-port-name-space": port_name(b"0x5 other\n"),
    "fc-port-name-injects": port_name(b"0x5\nID_EVIL=1\n"),
    "fc-port-name-64k": port_name(b"5" * KIB64),
    "sas-phy-missing": phy(None, UNREADABLE),
    "sas-phy-empty": phy(b""),
    "sas-phy-not-utf8": phy(b"\xff\n"),
    "sas-phy-injects": phy(b"0\nID_EVIL=1\n"),
    "sas-class-missing": Case("sas", lambda t: shutil.rmtree("/sys/class/sas_port"), UNREADABLE),

    # USB.
    "usb-no-configuration": renamed("usb", "/1-1.2:1.0", b"1-1.2"),
    "usb-no-interface": renamed("usb", "/1-1.2:1.0", b"1-1.2:1"),
    "usb-no-port": renamed("usb", "/1-1.2:1.0", b"1-:1.0"),
    "usb-no-bus": renamed("usb", "/1-1.2:1.0", b"-1.2:1.0"),
    "usb-two-colons": renamed("usb", "/1-1.2:1.0", b"1-1.2:1:0"),
    "usb-text": renamed("usb", "/1-1.2:1.0", b"1-1.2:1.0x"),
    "usb-port-sign": renamed("usb", "/1-1.2:1.0", b"1-+1.2:1.0"),
    "usb-port-256": renamed("usb", "/1-1.2:1.0", b"1-1.256:1.0"),
    "usb-port-empty": renamed("usb", "/1-1.2:1.0", b"1-1..2:1.0"),
    "usb-newline": renamed("usb", "/1-1.2:1.0", b"1-1.2:1.0\n"),

    # What else a device is known by.
    "uevent-missing": Case("virtio", lambda t: os.unlink(t.disk + b"/uevent"), UNREADABLE),
    "partition-without-number": Case("virtio", partition_without_number, UNREADABLE),
    "too-deep": Case("too-deep", lambda t: None, NO_NAME, b"255"),
}


def assert_refused(outcome, status, message=b""):
    assert outcome.stdout == b""
    assert outcome.status == status, outcome.stderr
    assert outcome.stderr.startswith(b"pcipath_id: ") and outcome.stderr.endswith(b"\n")
    line = outcome.stderr[:-1]
    assert all(0x20 <= byte <= 0x7e for byte in line)
    assert message in line
