# SPDX-License-Identifier: LGPL-2.1-or-later
"""libblkid's own test images, and what it is to find on them: of Debian's source package, which is downloaded once."""

import re
import subprocess

import debian

RELEASE = "bookworm"  # of the libblkid that pcipath is compiled with


def _unpack(archive):
    archive.get("source", "--download-only", "util-linux")
    directory = archive.directory
    [packed] = directory.glob("util-linux_*.orig.tar.*")
    subprocess.run(["tar", "-x", "-f", packed, "--strip-components=2", "--wildcards", "*/tests/ts/blkid/images-*", "*/tests/expected/blkid"],
                   cwd=directory, check=True)
    for image in directory.glob("ts/blkid/images-*/*.xz"):
        with (directory / image.stem).open("wb") as file:
            subprocess.run(["xz", "-dc", image], stdout=file, check=True)
        subprocess.run(["fallocate", "--dig-holes", directory / image.stem], check=True)


def images():
    """By name, the image's file. Raises Unavailable."""
    return {image.stem: image for image in sorted(debian.downloaded("blkid-images", RELEASE, _unpack).glob("*.img"))}


def udev_values(text):
    return dict(line.split("=", 1) for line in text.splitlines())


def expected(image):
    """What libblkid's tests expect of an image: properties as udev has them, of a table or of all else. None: that cannot be said
    in properties. Images with several sessions are for hints, and a BSD table that is in no partition is no blkid's property."""
    directory = image.parent / "expected/blkid"
    if (file := directory / f"low-probe-{image.stem}").exists():
        return udev_values(file.read_text())
    file = directory / f"lowprobe-pt-{image.stem}"
    if not file.exists() or image.stem == "bsd":
        return None
    kind, number = re.search(r"PT: (\w+), .* id=(\S+)", file.read_text()).groups()
    return {"ID_PART_TABLE_TYPE": kind} | ({} if number == "(null)" else {"ID_PART_TABLE_UUID": number})
