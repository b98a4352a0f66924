# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sub-functions, which no emulated card has, as the guest's own systemd names them: its udevadm reads a synthetic /sys. No machine is booted."""

import re
import subprocess

import pytest
from synthetic.machines import SYNTHETIC
from trees.sysfs import Tree

COVERS = {"sub_functions_as_systemd": "Interface: sub-functions: systemd's own names (261 and later) have the same suffixes"}

UNCOVERED = {
    "Interface: sub-functions, booted": "only NVIDIA's cards (mlx5) have them, which QEMU does not emulate. The devices of netdevsim are not below a "
    "PCI function. A synthetic tree has them, and forky's udevadm names them as pcipath does",
}

ASK = """
root=$1 sys=$2 mnt=$3; shift 3
mount -o loop,ro "$root" "$mnt"
mount -t proc proc "$mnt/proc"
mount --bind "$sys" "$mnt/sys"
export SYSTEMD_DEVICE_VERIFY_SYSFS=0 NET_NAMING_SCHEME=latest
for device; do
    echo "DEVICE=$device"
    chroot "$mnt" udevadm test-builtin net_id "/sys$device"
    chroot "$mnt" udevadm test-builtin path_id "/sys$device"
done
"""


def complete(root, device):
    """What net_id reads and pcipath does not."""
    for name, text in (("type", "1"), ("iflink", device.ifindex), ("addr_assign_type", "0")):
        (root / device.devpath[1:] / name).write_text(f"{text}\n")


@pytest.mark.exhaustive
@pytest.mark.releases("forky")
def test_sub_functions_as_systemd(guest, tmp_path):
    """systemd has the port's part before the sub-function's, pcipath after it."""
    synthetic = SYNTHETIC["sub-functions"]
    root, mnt = tmp_path / "sys", tmp_path / "mnt"
    root.mkdir()
    mnt.mkdir()
    interfaces = [device for device in Tree(synthetic.machine, str(root)).devices if device.subsystem == "net"]
    for device in interfaces:
        complete(root, device)
    printed = subprocess.run(["unshare", "--mount", "--propagation=private", "sh", "-euc", ASK, "ask", guest.root, root, mnt,
                              *(device.devpath for device in interfaces)], text=True, capture_output=True, check=True).stdout
    names = set()
    for block in printed.split("DEVICE=")[1:]:
        properties = dict(line.split("=", 1) for line in block.splitlines()[1:])
        if found := re.fullmatch(r"enp1s0(d\d+|n[^S]+|)(v\d+|)(S\d+|)", properties.get("ID_NET_NAME_PATH", "")):
            port, virtual, number = found.groups()
            names.add(f"pci-02.0-00.0{virtual}{number}{port}")
            assert properties["ID_PATH"].partition("-sf-")[2] == number[1:], printed
    assert names == {name for name in synthetic.expected if name.startswith("pci-")}, printed
