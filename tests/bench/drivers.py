#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints how many bytes the drivers of initramfs/drivers add to an image, for each word of DRIVERS=, with the kernels of Debian.

    tests/bench/drivers.py [RELEASE]...

The kernel packages are downloaded. An image has the drivers that its root disk on virtio-blk needs anyway (virtio_pci, virtio_blk, ext4), so
these and what they depend on do not count. Bytes are compressed together with zstd -15, as dracut compresses by default.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "vm")]

from debian import downloaded  # noqa: E402
from driver_table import MACHINES, TABLE  # noqa: E402
from programs import BUILD  # noqa: E402

ROOT = ["virtio_pci", "virtio_blk", "ext4"]
EVERYWHERE = ["bus", "disk", "net"]


def kernel(release):
    """A directory with lib/modules."""
    def build(archive):
        [package] = archive.dependencies("linux-image-amd64")
        archive.get("download", package)
        [deb] = archive.directory.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", deb, archive.directory], check=True)
        deb.unlink()
        if not (archive.directory / "lib").exists():  # Debian 13's
            (archive.directory / "lib").symlink_to("usr/lib")
        [version] = [path.name for path in (archive.directory / "lib/modules").iterdir()]
        # As both of the tools that make images leave them.
        subprocess.run(["find", f"{archive.directory}/lib/", "-name", "*.ko.xz", "-exec", "xz", "-d", "{}", "+"], check=True)
        subprocess.run(["depmod", "-b", archive.directory, version], check=True)
    return downloaded("kernel-amd64", release, build)


def files_of(directory, modules):
    """Of modules and what they depend on."""
    [version] = [path.name for path in (directory / "lib/modules").iterdir()]
    done = subprocess.run(["modprobe", "-d", directory, "-S", version, "-a", "--show-depends", *modules], text=True, capture_output=True, check=False)
    return {line.split()[1] for line in done.stdout.splitlines() if line.startswith("insmod ")}


def choose(root, words, kinds):
    """What the installed script prints for the configuration."""
    (root / "etc/pcipath/initramfs.conf").write_text(f"DRIVERS={words}\n")
    done = subprocess.run([root / "usr/libexec/pcipath/list-initramfs-drivers", f"--root={root}", "--machine=x86_64", *kinds], text=True,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.split()


def compressed(paths):
    data = b"".join(Path(path).read_bytes() for path in sorted(paths))
    return len(subprocess.run(["zstd", "-15", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout)


def main():
    releases = sys.argv[1:] or ["bookworm", "trixie"]
    directories = {release: kernel(release) for release in releases}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True)
        (root / "etc/pcipath").mkdir(parents=True)
        print(f"drivers of {TABLE.name}, in KiB, with {' and '.join(releases)}'s kernel: in every image; with networking")
        for words in ["all", *sorted(MACHINES - {"all"}), "virtio nvme"]:
            cells = []
            for directory in directories.values():
                needed = files_of(directory, ROOT)
                sizes = [compressed(files_of(directory, [*ROOT, *choose(root, words, kinds)]) - needed)
                         for kinds in (EVERYWHERE, [*EVERYWHERE, "netboot"])]
                cells.append("; ".join(f"{size / 1024:5.0f}" for size in sizes))
            print(f"{words:12} {' | '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
