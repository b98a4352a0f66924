# SPDX-License-Identifier: LGPL-2.1-or-later
"""What names cost in a coldplug. For tests/bench/run."""

import shlex
import statistics
import sys

from coldplug_modes import COLUMNS, measure
from hardware import aliases, boot, cards, place, scsi_disks, virtio_disks

ROUNDS = 3
MANY_ROUNDS = 1  # of a minute each

ALIASES = """
mkdir -p /run/pcipath/aliases.d
[ -z "$1" ] && rm -f /run/pcipath/aliases.d/bench.conf || printf '%s' "$1" >/run/pcipath/aliases.d/bench.conf
pcipath alias --apply
[ -z "$2" ] && rm -f /run/udev/rules.d/90-bench.rules || printf '%s' "$2" >/run/udev/rules.d/90-bench.rules
"""


def coldplug(machine, title, modes, number=ROUNDS, forget="", alias_lines="", handwritten=""):
    """Prints how long coldplugs of the machine take. Returns udevd's CPU time of one, by mode."""
    rounds = {mode: [] for mode in modes}
    for i in range(1 + number):
        for mode in modes:
            texts = (alias_lines if mode == "aliases" else "", handwritten if mode == "handwritten" else "")
            machine.run(f"set -- {shlex.join(texts)}\n{ALIASES}")
            figures = measure(machine, mode, forget)
            print(f"{title}: round {i} of {number}: {mode}: " +
                  ", ".join(f"{column} {figure / 1000:.0f} ms" for column, figure in zip(COLUMNS, figures, strict=True)), file=sys.stderr)
            if i > 0:  # the first is a warm-up
                rounds[mode].append(figures)
    medians = {mode: [statistics.median(column) for column in zip(*rounds[mode], strict=True)] for mode in modes}
    for i, column in enumerate(COLUMNS):
        print(f"coldplug of {title}: {column}: " +
              ", ".join(f"{mode} {medians[mode][i] / 1000:.0f} ms" + (
                  f" ({medians[mode][i] / medians[modes[-1]][i]:.2f})" if mode != modes[-1] else "") for mode in modes), flush=True)
    if "floor" in modes:
        print(f"coldplug of {title}: package to floor: " +
              ", ".join(f"{column} {medians['package'][i] / medians['floor'][i]:.2f}" for i, column in enumerate(COLUMNS)), flush=True)
    return {mode: figures[1] for mode, figures in medians.items()}


def bench_coldplug(guest, directory):
    for title, topology, forget in (("64 virtio disks", virtio_disks(64), ""), ("128 LUNs", scsi_disks(128, 32), ""),
                                    ("64 interfaces", cards(64), ""),
                                    ("64 interfaces for the first time", cards(64), "forget")):
        machine = boot(guest, directory, topology)
        coldplug(machine, title, ("package", "floor", "properties", "helper", "none"), forget=forget)
        machine.stop()


def bench_aliases(guest, directory):
    disks = "".join(f'ENV{{ID_SERIAL}}=="disk{i}", SYMLINK+="disk/by-hand/alias-{i}"\n' for i in range(64))
    interfaces = "".join(f'SUBSYSTEM=="net", ATTR{{dev_port}}=="0", ENV{{ID_PATH}}=="pci-0000:00:{place(i)}", '
                         f'ENV{{SYSTEMD_ALIAS}}+="/sys/subsystem/net/devices/alias-{i}"\n' for i in range(64))
    for title, topology, handwritten in (("64 virtio disks", virtio_disks(64), disks), ("64 interfaces", cards(64), interfaces)):
        machine = boot(guest, directory, topology)
        coldplug(machine, title, ("aliases", "handwritten", "package"), alias_lines=aliases(64), handwritten=handwritten)
        machine.stop()


def bench_many(guest, directory):
    few, many = 32, 256
    cost = {}
    for number, rounds in ((few, ROUNDS), (many, MANY_ROUNDS)):
        machine = boot(guest, directory, scsi_disks(number, 32), partitioned=True)
        cpu = coldplug(machine, f"{number} LUNs of two partitions", ("package", "none"), rounds)
        cost[number] = [cpu[mode] / number for mode in ("package", "none")]
        machine.stop()
    with_, without = (more / less for more, less in zip(cost[many], cost[few], strict=True))
    print(f"CPU for each of {many} LUNs to that for each of {few}: with the rules {with_:.2f}, without {without:.2f}", flush=True)
