# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that are not dracut's: initramfs-tools', mkinitcpio's, and systemd's own without anyone's scripts. A boot that is to fail is
followed on its console."""

import contextlib
import os

import mkinitcpio_image
import pytest
from checks import check_disks, check_functions
from image_files import unpack
from machine import root_ports, virtio

COVERS = {
    "initramfs_tools": "Boot: initramfs-tools: root and other disks plugged in while the boot waits, in reverse order",
    "initramfs_tools_by_link": "Boot: initramfs-tools: root= with a link",
    "initramfs_tools_gives_up": "Boot: initramfs-tools: a missing disk or an invalid path: the boot times out and prints the reason",
    "mkinitcpio": "Boot: mkinitcpio, with udev and with systemd in the image: root and other disks plugged in while the boot waits",
    "mkinitcpio_alias": "Boot: mkinitcpio, with udev and with systemd in the image: root= with an alias",
    "mkinitcpio_gives_up": "Boot: mkinitcpio, with udev and with systemd in the image: a missing disk or an invalid path: the boot prints the reason and starts a shell",
    "systemd_alone": "Boot: an initramfs of systemd alone (as from mkosi): root by its link, plugged in while the boot waits",
}

KIND = "initramfs-tools"

# mkinitcpio's image by the image of another tool that it is made from.
MKINITCPIO = [pytest.param("nosystemd", id="udev"), pytest.param("systemd-alone", id="systemd")]


def check_root(machine):
    assert machine.run("realpath $(findmnt -n -o SOURCE /)") == f"/dev/{machine.disks()['root']}\n"
    machine.settle()
    check_disks(machine)
    check_functions(machine)


def check_held(machine, line, words=""):
    """Disks that are plugged in after the line on the console. Root, in Kata's spelling, is looked for when both volumes are there."""
    for name in ("data", "more"):
        machine.add_drive(name)
    machine.start(f"root=pcipath:02/00 rd.pcipath.wait=02.1/00.0,02.2-00.0,timeout=1800 {words}")
    machine.resume()
    machine.wait_console(line)
    for name, port in (("root", "port0"), ("more", "port2"), ("data", "port1")):
        machine.plug(virtio(name, port))
    machine.wait_agent()
    check_root(machine)
    log = machine.run("dmesg")
    assert log.index("EXT4-fs (vd") > max(log.index(f"[{machine.disks()[name]}]") for name in ("data", "more"))


def test_initramfs_tools(make_machine, release):
    with make_machine(root_ports(3), kind=KIND, release=release) as machine:
        check_held(machine, "Running /scripts/init-premount")


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


@pytest.fixture(scope="module")
def make_mkinitcpio(make_machine, tmp_path_factory):
    """`with make_mkinitcpio(kind, topology) as machine`: the hook has made its initramfs, for udev alone of the host's udevd and busybox with the
    drivers of dracut's image, for systemd of an image that has nothing else of the package."""
    images = {}
    installed = mkinitcpio_image.install(tmp_path_factory.mktemp("installed"))

    def make_image(initrd, kind):
        unpacked, image = tmp_path_factory.mktemp(kind), tmp_path_factory.mktemp("image")
        unpack(initrd, unpacked)
        [kernel] = os.listdir(unpacked / "usr/lib/modules")
        hooks = ("base", "udev")
        if kind == "systemd-alone":
            mkinitcpio_image.forget(unpacked)
            image, hooks = unpacked, ("systemd",)
        assert mkinitcpio_image.make_image(installed, image, *hooks, "pcipath", modules=unpacked, kernel=kernel) == (0, "")
        mkinitcpio_image.pack(image, image.with_suffix(".cpio"))
        return image.with_suffix(".cpio")

    @contextlib.contextmanager
    def make(kind, topology):
        with make_machine(topology, kind=kind) as machine:
            if kind not in images:
                images[kind] = make_image(machine.guest.initrd(kind).resolve(), kind)
            machine.initrd = images[kind]
            yield machine

    return make


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", MKINITCPIO)
def test_mkinitcpio(make_mkinitcpio, kind):
    """The disk of root= comes last: rd.pcipath.wait= holds the boot before."""
    with make_mkinitcpio(kind, root_ports(3)) as machine:
        check_held(machine, "running hook [pcipath]" if kind == "nosystemd" else "basic.target", "systemd.show_status=1")


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", MKINITCPIO)
def test_mkinitcpio_alias(make_mkinitcpio, kind):
    """It is compiled before the disk has its event."""
    with make_mkinitcpio(kind, [*root_ports(2), virtio("root", "port1")]) as machine:
        machine.boot("pcipath.alias=system=02.1/00.0 root=/dev/disk/by-pci-alias/system")
        check_root(machine)


@pytest.mark.exhaustive
@pytest.mark.parametrize("words,said", [
    ("root=pcipath:02.0/00.0 rd.pcipath.wait=02.0/00.0,02.1/00.0,timeout=1",
     ["02.1/00.0: 02.1 is there: a PC", "02.0/00.0 0000:01:00.0 virtio-pci block", "not all devices are ready after 1 seconds"]),
    ("root=pcipath:02.0/00.9", ["'02.0/00.9' is not a path, at byte 8: a function is 0 to 7"]),
], ids=["never", "root"])
@pytest.mark.parametrize("kind", MKINITCPIO)
def test_mkinitcpio_gives_up(make_mkinitcpio, kind, words, said):
    with make_mkinitcpio(kind, [*root_ports(2), virtio("root", "port0")]) as machine:
        machine.start(words + " systemd.show_status=1")
        machine.resume()
        for text in [*said, "a shell would start here" if kind == "nosystemd" else "emergency.target"]:
            machine.wait_console(text)
