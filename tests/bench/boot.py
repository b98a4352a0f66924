# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cost of the dracut module and of the drivers that it brings: bytes of an image, and instructions of a boot. For tests/bench/run."""

import statistics
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "vm")]

from guest import KINDS, Guest, Recipe, make_guest  # noqa: E402
from machine import Machine, disk, root_ports  # noqa: E402
from test_image import unpack  # noqa: E402

PLUGIN = TESTS.parent / "build/tests/bench/count-instructions.so"
ROUNDS = 3
ROOT_DRIVERS = ("virtio_pci", "virtio_blk")
TOPOLOGY = [*root_ports(1), disk("virtio-blk-pci", "root", bus="port0")]


@dataclass(frozen=True)
class Plain(Guest):
    """The guest with another initramfs, which has the same drivers but not the module."""

    other: Guest

    def initrd(self, kind):
        return self.other.initrd(kind)


def files_of(initrd, directory):
    """By name: the regular files of an image."""
    unpack(initrd.resolve(), directory)
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


def print_bytes(guest, plain, kind):
    with tempfile.TemporaryDirectory() as directory:
        places = Path(directory, "with"), Path(directory, "without")
        for place in places:
            place.mkdir()
        have, had = (files_of(where.initrd(kind), place) for place, where in zip(places, (guest, plain), strict=True))
        added = [have[name] for name in sorted(set(have) - set(had))]
        print(f"{kind}: the module adds {compressed(*added) / 1024:.0f} KiB (compressed):")
        for size, path in sorted(((compressed(path), path) for path in added), reverse=True):
            print(f"    {size / 1024:6.1f} KiB  /{path.relative_to(places[0])}", flush=True)


def boot_once(guest, kind, directory):
    """Billions of instructions that the guest executes until its agent answers."""
    count = directory / "count"
    count.write_bytes(bytes(8))
    machine = Machine(guest, directory, TOPOLOGY, kind=kind, options=["-plugin", f"{PLUGIN},count={count}"])
    machine.boot("root=LABEL=root")
    [instructions] = struct.unpack("Q", count.read_bytes())
    machine.stop()
    return instructions / 1e9


def median_costs(kind, directory, *guests):
    """Billions of instructions of a boot of each, which take turns."""
    costs = [[] for _ in guests]
    for round_number in range(ROUNDS):
        for which in sorted(range(len(guests)), reverse=round_number % 2):
            costs[which].append(boot_once(guests[which], kind, directory))
    return map(statistics.median, costs)


def bench_boot(guest, directory):
    with tempfile.TemporaryDirectory() as place:
        drivers = [Path(name).name.partition(".ko")[0] for name in files_of(guest.initrd("nosystemd"), Path(place)) if ".ko" in name]
    cache = guest.path.parent
    plain = Plain(guest.path, make_guest(cache, None, Recipe(drivers=tuple(sorted(drivers)))))
    small = Plain(guest.path, make_guest(cache, None, Recipe(drivers=(*Recipe.drivers, *ROOT_DRIVERS))))
    for kind in KINDS:
        print_bytes(guest, plain, kind)
        have, had, least = median_costs(kind, directory, guest, plain, small)
        print(f"{kind}: a boot takes {have:.2f} billion instructions with the module, {had:.2f} without, ratio {have / had:.3f};"
              f" {least:.2f} without the module and with no other drivers than those of root, ratio {had / least:.3f}", flush=True)
