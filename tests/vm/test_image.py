# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the dracut module, or initramfs-tools' hook, brings into an image, whatever machine the image is built on."""

import re
import subprocess

import pytest
from architecture import ARM64, LOONG64, NATIVE, PPC64EL, RISCV64, S390X
from driver_table import ALWAYS, rows
from guest import KINDS
from image_files import compressed, files_of, unpack

# What no QEMU of these tests has. A parameter of test_drivers_of().
COVERS = {
    "hyper-v": "Boot: Hyper-V, Azure: the drivers are in the image",
    "xen": "Boot: Xen, older machines of EC2: the drivers are in the image",
    "virtualbox": "Boot: VMware, VirtualBox: the drivers of BusLogic and LSI Logic Parallel are in the image",
    "ec2": "Boot: EC2: the drivers of NVMe disks are in the image, that of ENA cards with networking",
    "gce": "Boot: Google's cloud: the drivers of disks and virtio-net are in the image, that of gVNIC with networking",
    "azure": "Boot: Azure: the drivers of disks are in the image, that of MANA cards with networking",
    "pseries": "Boot: PowerVM: the drivers of virtual SCSI and Fibre Channel are in the image",
}

UNCOVERED = {
    "Boot: Hyper-V, Azure: with hv_storvsc, hv_netvsc and pci_hyperv": "QEMU has VMBus only with KVM, which these tests do without",
    "Boot: Xen, older machines of EC2: with xen_blkfront, xen_scsifront, xen_netfront and xen_pcifront": "QEMU has Xen's disks and cards only with KVM "
    "or on Xen",
    "Boot: VMware, VirtualBox: on BusLogic and LSI Logic Parallel (mptspi)": "QEMU has neither adapter",
    "Boot: EC2, Google's cloud, Azure: with ena, gve and mana": "QEMU has no such cards",
    "Boot: PowerVM: on virtual Fibre Channel (ibmvfc)": "QEMU has no such adapter",
    "Boot: PowerVM: with a virtual network card (ibmveth)": "it is not on PCI, so it has no name, and no boot waits for it. QEMU's pseries has it as "
    "spapr-vlan",
}


# Of pcipath's own files in an image, compressed, and what its programs load.
KIB = 108.5
PROGRAMS = {"pcipath", "pcipath_id", "pcipath_altname"}
LIBRARIES = {"libc.so.6", "libsystemd.so.0", "libmnl.so.0", "libblkid.so.1", "libsmartcols.so.1"}


@pytest.mark.parametrize("kind", [*KINDS, "hostonly", "initramfs-tools"])
def test_image(guest, release, kind, tmp_path):
    unpack(guest.initrd(kind).resolve(), tmp_path)
    files = {path.name for path in tmp_path.rglob("*")}
    assert {"pcipath_id", "pcipath_altname", "61-pcipath.rules", "pcipath", "pcipath-lib.sh"} <= files
    assert ({"pcipath-generator", "pcipath-cmdline.service", "pcipath-initrd.service"} <= files) == (kind == "systemd")
    assert not (tmp_path / "etc/systemd/system-generators").exists()
    assert not {"pcipath-cdi.service", "pcipath-prune.service", "pcipath-wait@.service"} & files
    # Its dracut brings the loop of dracut's own, and with it grep, only if a module asks for it.
    assert not (release == "forky" and kind == "systemd" and "dracut-initqueue.service" in files)
    assert {"libsystemd.so.0", "libmnl.so.0"} <= files
    builtin, loadable, brought = drivers_of(tmp_path)
    table = [row for row in rows() if row.is_for(NATIVE.machine)]
    assert {row.module for row in table} - builtin - loadable == set()
    assert {row.module for row in table if row.kind in ALWAYS} - builtin - brought == set()
    # Not without networking, or another root file system than ext4. dracut's own module for host-only images may bring more.
    assert kind == "hostonly" or not {row.module for row in table if row.kind not in ALWAYS} & brought


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_of_the_image(guest, kind, tmp_path):
    """No commit makes the image larger unnoticed: as tests/cost for instructions. docs/performance.md has the bytes of the libraries."""
    unpack(guest.initrd(kind).resolve(), tmp_path)
    own = [path for name, path in sorted(files_of(tmp_path).items()) if "pcipath" in name]
    change = compressed(*own) / 1024 / KIB - 1
    assert abs(change) <= 0.05, f"pcipath's own files: {100 * change:+.0f} %: find out why, or record the new figure"
    needed = subprocess.run(["readelf", "-d", *(path for path in own if path.name in PROGRAMS)], text=True, capture_output=True, check=True).stdout
    assert set(re.findall(r"\(NEEDED\).*\[(.*)\]", needed)) == LIBRARIES


@pytest.mark.parametrize("architecture,hypervisor", [
    *((NATIVE, name) for name in ("hyper-v", "xen", "virtualbox", "ec2", "gce", "azure")), (PPC64EL, "pseries"), (ARM64, "azure"),
    (ARM64, "gce"), (ARM64, "kvm"), (PPC64EL, "kvm"), (S390X, "kvm"), *(pytest.param(architecture, "kvm", marks=pytest.mark.exhaustive)
                                                                       for architecture in (RISCV64, LOONG64))],
    ids=lambda value: getattr(value, "name", value))
def test_drivers_of(first_guest, architecture, hypervisor, tmp_path):
    """Debian's kernel has each driver of the table, and the image each that is not left to images with networking."""
    unpack(first_guest(architecture).initrd("nosystemd").resolve(), tmp_path)
    builtin, loadable, brought = drivers_of(tmp_path)
    table = [row for row in rows() if row.is_for(architecture.machine) and hypervisor in row.machines]
    assert table and {row.module for row in table} - builtin - loadable == set()
    assert {row.module for row in table if row.kind in ALWAYS} - builtin - brought == set()


def drivers_of(image):
    """The kernel's, built in and loadable, and those in the image. The harness asks for ext4 alone: others are the module's or hook's."""
    [modules] = image.glob("usr/lib/modules/*")
    builtin, loadable = ({module_of(line) for line in (modules / name).read_text().split()} for name in ("modules.builtin", "modules.order"))
    builtin.add("shpchp")  # the lists of Debian 13 and later do not have it, as it is no module
    return builtin, loadable, {module_of(path.name) for path in image.rglob("*.ko*")}


def module_of(name):
    return name.rpartition("/")[2].partition(".ko")[0].replace("-", "_")
