# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that are not dracut's: initramfs-tools', and systemd's own without anyone's scripts. A boot that is to fail is followed
on its console."""

import pytest
from checks import check_disks, check_functions
from machine import root_ports, virtio

COVERS = {
    "initramfs_tools": "Boot: initramfs-tools: root and other disks plugged in while the boot waits, in reverse order",
    "initramfs_tools_by_link": "Boot: initramfs-tools: root= with a link",
    "initramfs_tools_gives_up": "Boot: initramfs-tools: a missing disk or an invalid path: the boot times out and prints the reason",
    "systemd_alone": "Boot: an initramfs of systemd alone (as from mkosi): root by its link, plugged in while the boot waits",
}

KIND = "initramfs-tools"


def check_root(machine):
    assert machine.run("realpath $(findmnt -n -o SOURCE /)") == f"/dev/{machine.disks()['root']}\n"
    machine.settle()
    check_disks(machine)
    check_functions(machine)


def test_initramfs_tools(make_machine, release):
    """In Kata's spelling; root is looked for when both volumes are there."""
    with make_machine(root_ports(3), kind=KIND, release=release) as machine:
        for name in ("data", "more"):
            machine.add_drive(name)
        machine.start("root=pcipath:02/00 rd.pcipath.wait=02.1/00.0,02.2-00.0,timeout=1800")
        machine.resume()
        machine.wait_console("Running /scripts/init-premount")
        for name, port in (("root", "port0"), ("more", "port2"), ("data", "port1")):
            machine.plug(virtio(name, port))
        machine.wait_agent()
        check_root(machine)
        log = machine.run("dmesg")
        assert log.index("EXT4-fs (vd") > max(log.index(f"[{machine.disks()[name]}]") for name in ("data", "more"))


def test_initramfs_tools_by_link(make_machine, release):
    with make_machine([*root_ports(2), virtio("root", "port1")], kind=KIND, release=release) as machine:
        machine.boot("root=/dev/disk/by-pci-path/02.1-00.0")
        check_root(machine)


@pytest.mark.parametrize("words,said", [
    ("root=pcipath:02.0/00.0 rd.pcipath.wait=02.0/00.0,02.1/00.0,timeout=1",
     ["02.1/00.0: 02.1 is there: a PCIe root port with an empty slot", "02.0/00.0 0000:01:00.0 virtio-pci block",
      "rd.pcipath.wait=02.0/00.0,02.1/00.0,timeout=1: not all devices are ready after 1 seconds"]),
    ("root=pcipath:02.0/00.9", ["'02.0/00.9' is not a path, at byte 8: a function is 0 to 7"]),
    ("root=LABEL=root rd.pcipath.wait=2.x/0", ["'2.x/0' is not a path, at byte 2"]),
], ids=["never", "root", "wait"])
def test_initramfs_tools_gives_up(make_machine, release, words, said):
    with make_machine([*root_ports(2), virtio("root", "port0")], kind=KIND, release=release) as machine:
        machine.start(words)
        machine.resume()
        for text in [*said, "due to panic= boot argument"]:
            machine.wait_console(text)


def test_systemd_alone(make_machine, release):
    """Nothing of the package is in it but the rules and their helpers."""
    with make_machine(root_ports(2), kind="systemd-alone", release=release) as machine:
        machine.start("root=/dev/disk/by-pci-path/02.1-00.0 systemd.show_status=1")
        machine.resume()
        machine.wait_console("basic.target")  # coloured, in 252
        machine.plug(virtio("root", "port1"))
        machine.wait_agent()
        check_root(machine)
