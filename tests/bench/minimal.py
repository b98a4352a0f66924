# SPDX-License-Identifier: LGPL-2.1-or-later
"""The size of initramfs images, and the time until they have mounted a volume by the kernel's clock: the example without udevd, the same
with udevd in place of the monitor, and dracut's. For tests/bench/run."""

import re
import statistics
import subprocess

from guest import EXAMPLE, KINDS, Guest
from machine import Machine, disk, root_ports

ROUNDS = 7

# What dracut's image has of udev, as far as disks need it, and who the rules give nodes to.
UDEV = ["/usr/lib/systemd/systemd-udevd", "/usr/bin/udevadm", "/etc/passwd", "/etc/group",
        *(f"/usr/lib/udev/{name}" for name in ("ata_id", "scsi_id", "cdrom_id", "pcipath_id", "pcipath_altname")),
        *(f"/usr/lib/udev/rules.d/{name}.rules" for name in ("50-udev-default", "60-block", "60-cdrom_id", "60-persistent-storage",
                                                             "61-pcipath", "80-drivers"))]
START_UDEVD = """
/usr/lib/systemd/systemd-udevd --daemon
udevadm trigger --type=subsystems --action=add
udevadm trigger --type=devices --action=add
udevadm settle

"""

# The guest's root file system is the system that the images are made of.
BUILD_IMAGE = """
root=$1
shift
mount -o loop,ro "$1" "$root"
shift
exec "$@" --root="$root" --kernel="$(ls "$root/lib/modules")" "$IMAGE"
"""


def build_image(guest, directory, kind, *options):
    root = directory / "root"
    root.mkdir(exist_ok=True)
    subprocess.run(["unshare", "--mount", "sh", "-euc", BUILD_IMAGE, "build", root, guest.root, EXAMPLE / "build",
                    f"--workload={EXAMPLE.parents[1] / 'tests/vm/agent.sh'}", *options],
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "IMAGE": str(directory / f"initrd-{kind}")}, check=True)


def build_images(guest, directory):
    """A guest with all kinds of images."""
    for name in ("vmlinux", "root.img", *(f"initrd-{kind}" for kind in KINDS)):
        (directory / name).symlink_to(guest.path / name)
    build_image(guest, directory, "example")
    before, rest = (EXAMPLE / "init").read_text().split("# The monitor writes a line")
    init = directory / "init"
    init.write_text(before + START_UDEVD + "if [" + rest.partition("if [")[2])
    build_image(guest, directory, "udevd", f"--init={init}", *(f"--add={path}" for path in UDEV))
    return Guest(directory)


def size_of(image):
    """In bytes, compressed as the example is."""
    with image.open("rb") as file, subprocess.Popen(["zstd", "-d"], stdin=file, stdout=subprocess.PIPE) as plain:
        return len(subprocess.run(["zstd", "-9", "-c"], stdin=plain.stdout, stdout=subprocess.PIPE, check=True).stdout)


def time_to_mount(guest, directory, kind):
    machine = Machine(guest, directory, [*root_ports(2), disk("virtio-blk-pci", "root", bus="port0")], kind=kind)
    try:
        name = "root=/dev/disk/by-pci-path/02.0-00.0" if kind in KINDS else "volume=02.0/00.0"
        machine.boot(f"{name} loglevel=7")  # the kernel prints when it mounts
        return float(re.search(r"\[ *(\d+\.\d+)\] EXT4-fs \(vda\): mounted", machine.log.read_text(errors="replace"))[1])
    finally:
        machine.stop()


def bench_minimal(guest, directory):
    guest = build_images(guest, directory)
    titles = {"example": "example without udevd", "udevd": "example with udevd", "nosystemd": "dracut", "systemd": "dracut with systemd"}
    times = {kind: [] for kind in titles}
    for _ in range(ROUNDS):
        for kind in titles:
            times[kind].append(time_to_mount(guest, directory, kind))
    for kind, title in titles.items():
        print(f"{title}: {size_of(guest.initrd(kind)) / 1e6:.1f} MB, {statistics.median(times[kind]):.2f} s to a mounted volume, "
              f"ratio {statistics.median(times[kind]) / statistics.median(times['example']):.2f}", flush=True)
