# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of an initramfs image, and their bytes."""

import subprocess
import tempfile
from pathlib import Path


def unpack(initrd, directory):
    """Two archives one after the other, where dracut (112) leaves compressed drivers as they are."""
    if initrd.read_bytes().startswith(b"070701"):
        subprocess.run(["cpio", "-i", "-d", "--quiet"], stdin=initrd.open("rb"), cwd=directory, check=True)
    subprocess.run(f"/usr/lib/dracut/skipcpio {initrd} | zstd -dc | cpio -i -d -u --quiet", shell=True, cwd=directory, check=True)


def files_of(directory):
    """By name: the regular files of an unpacked image."""
    return {str(path.relative_to(directory)): path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()}


def content(path):
    """A program without its symbols, as a distribution's package has it and as dracut leaves it where there is strip(1)."""
    if not path.read_bytes().startswith(b"\x7fELF"):
        return path.read_bytes()
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, path], check=True)
        return Path(stripped.name).read_bytes()


def compressed(*paths):
    """Bytes of the files, one after the other, as dracut compresses by default."""
    data = b"".join(content(path) for path in paths)
    return len(subprocess.run(["zstd", "-15", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout)
