# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bytes that the dracut module adds to an image, on each release of Debian. For tests/bench/run."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from guest import KINDS, Guest, Recipe, make_guest
from image_files import compressed, files_of, unpack
from programs import BUILD, CACHE
from release import HOST, RELEASES


@dataclass(frozen=True)
class Plain(Guest):
    """The guest with another initramfs, which has the same drivers but not the module."""

    other: Guest

    def initrd(self, kind):
        return self.other.initrd(kind)


def print_bytes(release, guest, plain, kind):
    with tempfile.TemporaryDirectory() as directory:
        have, had = (unpacked(where, kind, Path(directory, name)) for name, where in (("with", guest), ("without", plain)))
        added = [name for name in sorted(have) if name not in had]
        print(f"{release}, {kind}: the module adds {compressed(*map(have.get, added)) / 1024:.0f} KiB (compressed):")
        for size, name in sorted(((compressed(have[name]), name) for name in added), reverse=True):
            print(f"    {size / 1024:6.1f} KiB  /{name}", flush=True)


def unpacked(guest, kind, directory):
    """By name: the files of an image."""
    directory.mkdir()
    unpack(guest.initrd(kind).resolve(), directory)
    return files_of(directory)


def drivers_of(guest):
    with tempfile.TemporaryDirectory() as directory:
        names = unpacked(guest, "nosystemd", Path(directory, "image"))
    return sorted(Path(name).name.partition(".ko")[0] for name in names if ".ko" in name)


def make_plain(guest, suite=HOST, drivers=None):
    """The guest with images of the release that have no module, and these drivers or the same ones."""
    return Plain(guest.path, make_guest(CACHE, None, Recipe(suite, drivers=tuple(drivers or drivers_of(guest)))))


def bench_image(_guest, _directory):
    for release in RELEASES:
        guest = make_guest(CACHE, BUILD, Recipe(release))
        plain = make_plain(guest, release)
        for kind in KINDS:
            print_bytes(release, guest, plain, kind)
