# SPDX-License-Identifier: LGPL-2.1-or-later
"""No commit makes a coldplug more expensive for udevd and systemd unnoticed: as tests/cost for programs. `tests/bench/run coldplug` measures
more."""

from coldplug_modes import COLUMNS, measure
from machine import INSTRUCTION_CLOCK, disk, root_ports

DISKS = 16
TOPOLOGY = [*root_ports(1 + DISKS), disk("virtio-blk-pci", "root", bus="port0"),
            *(disk("virtio-blk-pci", f"disk{n}", bus=f"port{n}") for n in range(1, 1 + DISKS))]
# The ratio, and by how much of it a run may differ. A property more of each disk is 0.016 of systemd's CPU, a symlink more 0.17.
RATIOS = {"udevd's CPU": (1.040, 0.03), "systemd's CPU": (1.118, 0.015)}


def test_cost_of_a_coldplug(make_machine):
    """With the package's rules, to that with one line that adds one symlink to each disk."""
    with make_machine(TOPOLOGY, options=INSTRUCTION_CLOCK) as machine:
        machine.add_drives()
        machine.boot("root=LABEL=root")
        machine.settle()
        package, floor = (dict(zip(COLUMNS, measure(machine, mode), strict=True)) for mode in ("package", "floor"))
    for column, (recorded, limit) in RATIOS.items():
        ratio = package[column] / floor[column]
        assert abs(ratio / recorded - 1) <= limit, f"{column}: {ratio:.3f}, recorded {recorded:.3f}: find out why, or record the new figure"
