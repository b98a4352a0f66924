# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains as virt-manager, KubeVirt and Nova define them (tests/vm/platforms.py): libvirt starts them, paused, and plugs. Its live document, QEMU
and the oracle of tests/vm agree, before and after."""

import contextlib
import socket
import struct

import pytest
from host.run import run, table
from oracle import disks, interfaces, link_name
from platforms import LIBVIRT_PLATFORMS, drives
from qmp import QMP
from test_platforms import COVERS  # noqa: F401

pytestmark = pytest.mark.xdist_group("libvirtd")

# Names that the sources of the platform fix, or that its users know.
EXPECTED = {
    "virt-manager": {},
    "kubevirt": {},
    "kubevirt-root-complex": {"ua-rootdisk": "/dev/disk/by-pci-path/05.0", "ua-default": "pci-02.0",
                              "ua-volume": "/dev/disk/by-pci-path/03.0-scsi-0:0:0:0"},
    "nova": {"scsi0-0-0-2": "/dev/disk/by-pci-path/04.0-scsi-0:0:0:2", "ide0-1-1": "/dev/disk/by-pci-path/01.1-ata-2.1"},
}


def make_drives(directory, element):
    """The element with a file in the place of each {NAME}."""
    files = {name: directory / f"{name}.img" for name in ["root", *drives(element)]}
    for file in files.values():
        file.write_bytes(bytes(1 << 20))
    return element.format(**files)


@contextlib.contextmanager
def started(libvirtd, name, platform, directory):
    """The domain, paused, and a connection to QEMU."""
    text = f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>{name}</name><memory unit='MiB'>256</memory>
      <os><type arch='x86_64' machine='{platform.machine}'>hvm</type></os><features><acpi/><apic/></features>
      <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{make_drives(directory, platform.elements)}</devices>
      <qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='unix:{directory}/ours,server=on,wait=off'/>
      <qemu:arg value='-qmp'/><qemu:arg value='unix:{directory}/theirs,server=on,wait=off'/></qemu:commandline></domain>"""
    (directory / "domain.xml").write_text(text)
    libvirtd.virsh("define", directory / "domain.xml")
    try:
        libvirtd.virsh("start", "--paused", name)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"{directory}/ours")
            pid, _, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            yield QMP(connection, pid)
    finally:
        libvirtd.batch([f"destroy {name}", f"undefine {name}"])


def check(libvirtd, name, qmp, directory):
    """By id, the names of disks and interfaces: the oracle's."""
    live = libvirtd.virsh("dumpxml", name)
    expected = {i: f"/dev/disk/by-pci-path/{link_name(qmp, i)}" for i in disks(qmp)} | interfaces(qmp)
    for source, text in ((f"--qmp={directory}/theirs", None), ("--libvirt=-", live)):
        assert {row["id"]: row["name"] for row in table("list", source, stdin=text) if row["name"]} == expected, source
    changes = run("compare", "--libvirt=-", f"--qmp={directory}/theirs", stdin=live)
    assert (changes.status, changes.stdout, changes.stderr) == (0, "", "")
    return expected


@pytest.mark.parametrize("name", [name if name == "kubevirt" else pytest.param(name, marks=pytest.mark.exhaustive) for name in LIBVIRT_PLATFORMS])
def test_platform_domain(libvirtd, name, tmp_path):
    platform = LIBVIRT_PLATFORMS[name]
    with started(libvirtd, name, platform, tmp_path) as qmp:
        before = check(libvirtd, name, qmp, tmp_path)
        for element in platform.hot.values():
            libvirtd.virsh("attach-device", name, "/dev/stdin", "--live", stdin=make_drives(tmp_path, element))
        after = check(libvirtd, name, qmp, tmp_path)
        assert after.items() >= before.items() | EXPECTED[name].items() and after.keys() - before.keys() == platform.hot.keys()
        qmp.close()
