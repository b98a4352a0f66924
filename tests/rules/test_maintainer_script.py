# SPDX-License-Identifier: LGPL-2.1-or-later
"""The script that the packages of all distributions call, with the real udevd. A fake /sys sends no events: the test sends those that
the script asks for."""

import os
import subprocess

from command.machine import write
from rules import udev
from rules.test_interfaces import Boot, altnames
from synthetic.parts import blk
from trees import sandbox
from trees.machine import Machine, Net, Root, function

MACHINE = Machine([Root([function("02.0", function("00.0", blk(1))), function("03.0", Net(virtio=True))])])
LINKS = {"02.0-00.0": "vda", "02.0-00.0-part1": "vda1"}
MASK = "/run/udev/rules.d/61-pcipath.rules"
USES = ("pcipath: WARNING: these names by PCI path are in use and will be gone at the next boot, which may fail:\n"
        "  /proc/cmdline: root=pcipath:02.0/00.0 quiet\n"
        "  /etc/fstab: /dev/disk/by-pci-path/02.0-00.0-part1 /srv?[31m ext4\n")


class Guest:
    """It knows what the script has written into uevent files, and sends these events."""

    def __init__(self, boot, udevd):
        self.boot = boot
        self.udevd = udevd
        boot.start(udevd)
        self.uevents = {device.syspath: self.read(device) for device in udevd.devices}

    @staticmethod
    def read(device):
        with open(f"{device.syspath}/uevent", "rb") as file:
            return file.read()

    def call(self, verb):
        done = subprocess.run(["/usr/libexec/pcipath/maintainer-script", verb], capture_output=True, text=True, timeout=60, check=False)
        events = []
        for device in self.udevd.devices:
            content, before = self.read(device), self.uevents[device.syspath]
            if content != before:
                events.append((device, content.splitlines()[0]))
                write(f"{device.syspath}/uevent", before)
        self.udevd.events("change", [device for device, _ in events])
        return (done.returncode, done.stdout, done.stderr), {os.path.basename(device.devpath): line for device, line in events}

    def state(self):
        properties = [name for device in self.udevd.devices for name in udev.record(device).properties]
        return udev.links_on_disk(), bool(properties), altnames()[self.boot.interfaces[0].ifindex], os.path.lexists(MASK)


def install_and_remove():
    sandbox.mount("overlay", "/usr", "overlay", options=f"lowerdir={os.environ['PCIPATH_DESTDIR']}/usr:/usr")
    udev.enter()
    for name, text in (("/proc/cmdline", b"root=pcipath:02.0/00.0 quiet\n"),
                       ("/etc/fstab", b"#/dev/disk/by-pci-path/01.0 /mnt ext4\n/dev/disk/by-pci-path/02.0-00.0-part1 /srv\033[31m ext4\n")):
        write("/run/text", text)
        sandbox.bind("/run/text", name)
        os.unlink("/run/text")
    os.symlink("/dev/null", MASK)  # as if a removal had not been completed
    boot = Boot(MACHINE)
    with udev.Udevd() as udevd:
        guest = Guest(boot, udevd)
        udevd.events("add")
        before = guest.state()
        installed = guest.call("install"), guest.state()
        os.symlink("../../nosuch", f"{udev.LINKS}/09.0")  # udevd does not know it
        removed = guest.call("remove"), guest.state()
        guest.call("install")
        return before, installed, removed, guest.state()


def test_install_and_remove():
    before, (install, installed), (remove, removed), again = sandbox.run(install_and_remove)
    assert before == ({}, False, set(), True)

    assert install[0] == (0, "", "")
    [interface] = [name for name in install[1] if name.startswith("e")]
    assert install[1].pop(interface) == b"change 00000000-0000-0000-0000-000000000000 PCIPATH=1"
    assert {"0000:00:02.0", "vda", "vda1"} <= set(install[1])
    assert installed == (LINKS, True, {"pci-03.0"}, False)

    assert remove[0] == (0, "remove /dev/disk/by-pci-path/09.0 /dev/nosuch\n", USES)
    assert {"vda", "vda1", interface} <= set(remove[1])
    assert removed == ({}, False, set(), True)
    assert again[0] == LINKS and not again[3]
