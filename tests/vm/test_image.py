# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the dracut module, or initramfs-tools' hook, brings into an image, whatever machine the image is built on."""

import subprocess

import pytest
from guest import KINDS

# The harness asks for ext4 alone: all other drivers are the module's or hook's, or their dependencies'. Debian's kernels have
# the hotplug controllers (acpiphp, pciehp, shpchp) built in.
DRIVERS = {"virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", "nvme", "ahci", "ata_piix", "sd_mod", "sr_mod",
           "vmd", "pci-hyperv", "xhci-pci", "usb-storage", "uas", "qemu_fw_cfg"}


def unpack(initrd, directory):
    """Two archives one after the other, where dracut (112) leaves compressed drivers as they are."""
    if initrd.read_bytes().startswith(b"070701"):
        subprocess.run(["cpio", "-i", "-d", "--quiet"], stdin=initrd.open("rb"), cwd=directory, check=True)
    subprocess.run(f"/usr/lib/dracut/skipcpio {initrd} | zstd -dc | cpio -i -d -u --quiet", shell=True, cwd=directory, check=True)


@pytest.mark.parametrize("kind", [*KINDS, "hostonly", "initramfs-tools"])
def test_image(guest, kind, tmp_path):
    unpack(guest.initrd(kind).resolve(), tmp_path)
    files = {path.name for path in tmp_path.rglob("*")}
    assert {"pcipath_id", "pcipath_altname", "61-pcipath.rules", "pcipath", "pcipath-lib.sh"} <= files
    assert ({"pcipath-generator", "pcipath-cmdline.service", "pcipath-initrd.service"} <= files) == (kind == "systemd")
    assert not (tmp_path / "etc/systemd/system-generators").exists()
    assert not {"pcipath-cdi.service", "pcipath-prune.service", "pcipath-wait@.service"} & files
    assert {"libsystemd.so.0", "libmnl.so.0"} <= files
    [builtin] = tmp_path.glob("usr/lib/modules/*/modules.builtin")
    drivers = {name.partition(".ko")[0] for name in files | set(builtin.read_text().replace("/", "\n").split()) if ".ko" in name}
    assert DRIVERS <= drivers
