# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the dracut module brings into an image, whatever machine the image is built on."""

import subprocess

import pytest
from guest import KINDS

# The harness asks dracut for ext4 alone: all other drivers are the module's or its dependencies'. Debian's kernels have
# the hotplug controllers (acpiphp, pciehp, shpchp) built in.
DRIVERS = {"virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", "nvme", "ahci", "ata_piix", "sd_mod", "sr_mod",
           "vmd", "pci-hyperv", "xhci-pci", "usb-storage", "uas"}


@pytest.mark.parametrize("kind", KINDS)
def test_image(guest, kind):
    listed = subprocess.run(["lsinitrd", guest.initrd(kind)], text=True, capture_output=True, check=True).stdout
    files = {line.split()[8].rpartition("/")[2] for line in listed.splitlines() if len(line.split()) > 8}
    assert {"pcipath_id", "pcipath_altname", "61-pcipath.rules"} <= files
    assert {"libsystemd.so.0", "libmnl.so.0"} <= files
    assert DRIVERS <= {name.partition(".ko")[0] for name in files if ".ko" in name}
