# SPDX-License-Identifier: LGPL-2.1-or-later
"""The start of `pcipath monitor` beside a coldplug of udevd's, for the same disks. For tests/bench/run."""

import statistics

from hardware import boot, scsi_disks

DISKS = 256
ROUNDS = 3

# Both print wall time in microseconds. The kernel forgets what was read of a disk when no program has it open any more, so each reads all.
UDEVD = """
wall=$(date +%s%N)
udevadm trigger --action=add --parent-match=/sys/devices/pci0000:00
udevadm settle
echo $(( ($(date +%s%N) - wall) / 1000 ))
"""
MONITOR = """
rm -rf /run/links /run/up
mkdir /run/links
mkfifo /run/up
wall=$(date +%s%N)
(pcipath monitor --beside-udev --modules --links=/run/links --ready-fd=9 9>/run/up & echo $! >/run/pid) >/dev/null 2>&1 </dev/null
cat /run/up >/dev/null
echo $(( ($(date +%s%N) - wall) / 1000 ))
kill $(cat /run/pid)
"""
COUNT = "ls {}/disk/by-pci-path | wc -l"


def bench_ready(guest, directory):
    machine = boot(guest, directory, scsi_disks(DISKS, 32))
    times = {UDEVD: [], MONITOR: []}
    for i in range(1 + ROUNDS):
        for script, found in times.items():
            figure = int(machine.run(script))
            if i > 0:  # the first is a warm-up
                found.append(figure)
    links = [int(machine.run(COUNT.format(directory))) for directory in ("/dev", "/run/links")]
    machine.stop()
    assert min(links) >= DISKS, links
    udevd, monitor = (statistics.median(found) / 1000 for found in times.values())
    print(f"{DISKS} LUNs: pcipath monitor is ready after {monitor:.0f} ms, a coldplug by udevd takes {udevd:.0f} ms, "
          f"ratio {monitor / udevd:.3f}", flush=True)
