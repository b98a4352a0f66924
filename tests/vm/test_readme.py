# SPDX-License-Identifier: LGPL-2.1-or-later
"""The README's recipes, as they stand there, in a guest like the one that they speak of."""

import subprocess

import pytest
from documents import recipe, troubleshooting
from machine import card, disk, root_ports

COVERS = {
    "recipes": "Boot: the examples of the README",
}

TOPOLOGY = [{"driver": "intel-iommu", "intremap": "off"}, *root_ports(4), disk("virtio-blk-pci", "root", bus="port0"),
            disk("virtio-blk-pci", "data", bus="port1"), card("card", "port2"), card("passed-on", "port3")]
TO_VFIO = """modprobe vfio-pci
cd /sys/bus/pci/devices/$(pcipath find -t pci 02.3/00.0)
echo vfio-pci >driver_override
echo ${PWD##*/} >driver/unbind
echo ${PWD##*/} >/sys/bus/pci/drivers_probe
pcipath wait -t vfio 02.3/00.0"""
OUTPUT = {
    "pcipath of /dev/vda": "02.0/00.0\n",
    "pcipath wait --timeout=30 02.1/00.0": "/dev/vdb\n",
}


def test_recipes(make_machine):
    with make_machine(TOPOLOGY, kind="systemd") as machine:
        drive = machine.add_drive("data")
        subprocess.run(["sfdisk", "-q", drive], input="start=2048,type=linux\n", text=True, check=True)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-E", "offset=1048576", drive, "32M"], check=True)
        machine.boot(f"intel_iommu=on {recipe('cmdline').strip()}")
        machine.settle()
        machine.run(TO_VFIO)
        for line in recipe("guest").splitlines():
            command = line.partition("#")[0].strip()
            output = machine.run(command)
            assert output == OUTPUT.get(command, output), command
        assert "02.1-00.0" in machine.run("cat /run/cdi/pcipath.dev-disk.json")
        assert "/dev/disk/by-pci-path/02.1-00.0" in machine.run("pcipath list")
        machine.run(f"cat >/run/systemd/system/it.service <<'END'\n{recipe('unit')}[Service]\nType=oneshot\nExecStart=true\nEND\n"
                    "systemctl start it.service")


@pytest.mark.releases("bookworm")
def test_the_image_has_it(guest):
    [command] = [command for command in troubleshooting() if command.startswith("lsinitrd")]
    boot = f'mount -t tmpfs tmpfs /boot && cp "$0" "/boot/initrd.img-$(uname -r)" && {command}'
    done = subprocess.run(["unshare", "--mount", "sh", "-c", boot, guest.initrd("systemd")], text=True, capture_output=True, check=False)
    assert done.returncode == 0 and "bin/pcipath" in done.stdout, done.stderr
