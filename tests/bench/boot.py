# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the dracut module, its drivers and aliases cost in a boot: instructions of the guest. For tests/bench/run."""

import statistics
import struct
from pathlib import Path

from guest import KINDS, Recipe
from hardware import aliases, virtio_disks
from image import make_plain
from machine import INSTRUCTION_CLOCK, Machine, disk, root_ports

PLUGIN = Path(__file__).resolve().parents[2] / "build/tests/bench/count-instructions.so"
ROUNDS = 3
ROOT_DRIVERS = ("virtio_pci", "virtio_blk")
TOPOLOGY = [*root_ports(1), disk("virtio-blk-pci", "root", bus="port0")]
ALIASES = 64


def boot_once(directory, kind, guest, topology=(), options=()):
    """Billions of instructions that the guest executes until its agent answers and udevd has handled all events."""
    count = directory / "count"
    count.write_bytes(bytes(8))
    machine = Machine(guest, directory, [*TOPOLOGY, *topology], kind=kind, memory="1G",
                      options=[*INSTRUCTION_CLOCK, "-plugin", f"{PLUGIN},count={count}", *options])
    machine.add_drives()
    machine.boot("root=LABEL=root")
    machine.settle()
    [instructions] = struct.unpack("Q", count.read_bytes())
    machine.stop()
    return instructions / 1e9


def median_costs(directory, kind, *boots):
    """Billions of instructions of each boot, the arguments of boot_once(). They take turns."""
    costs = [[] for _ in boots]
    for round_number in range(ROUNDS):
        for which in sorted(range(len(boots)), reverse=round_number % 2):
            costs[which].append(boot_once(directory, kind, *boots[which]))
    return map(statistics.median, costs)


def bench_boot(guest, directory):
    plain, small = make_plain(guest), make_plain(guest, drivers=(*Recipe.drivers, *ROOT_DRIVERS))
    (directory / "aliases").write_text(aliases(ALIASES))
    disks, credential = virtio_disks(ALIASES), ["-fw_cfg", f"name=opt/io.systemd.credentials/pcipath.aliases,file={directory / 'aliases'}"]
    for kind in KINDS:
        have, had, least = median_costs(directory, kind, [guest], [plain], [small])
        print(f"{kind}: a boot takes {have:.2f} billion instructions with the module, {had:.2f} without, ratio {have / had:.3f};"
              f" {least:.2f} without the module and with no other drivers than those of root, ratio {had / least:.3f}", flush=True)
        with_, without = median_costs(directory, kind, [guest, disks, credential], [guest, disks])
        print(f"{kind}: a boot with {ALIASES} more disks takes {with_:.2f} billion instructions with an alias each, {without:.2f} without,"
              f" ratio {with_ / without:.3f}", flush=True)
