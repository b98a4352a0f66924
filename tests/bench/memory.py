# SPDX-License-Identifier: LGPL-2.1-or-later
"""What names cost in memory: of systemd, which keeps a unit for each link, and of udev's database. For tests/bench/run."""

from coldplug_modes import TAKE_RULES, quoted_rules
from hardware import boot, scsi_disks, virtio_disks

MODES = ("none", "floor", "package")
FIGURES = ("systemd's memory", "database", "database in pages", "files and links of the database")

# systemd's memory is measured in a new process, which has loaded what the old one knew: the old one keeps memory that it no longer needs.
# "read" waits for it: systemd answers when it has started again.
MEASURE = TAKE_RULES + """
systemctl daemon-reexec
systemctl is-system-running >/dev/null
sed -n 's/^Anonymous: *\\([0-9]*\\) kB/\\1/p' /proc/1/smaps_rollup
find /run/udev/data -type f -printf '%s\\n' | awk '{ bytes += $1 } END { print bytes }'
find /run/udev -printf '%b\\n' | awk '{ blocks += $1 } END { print blocks * 512 }'
find /run/udev | wc -l
"""


def measure(machine, mode):
    systemd, database, pages, files = map(int, machine.run(f"set -- {quoted_rules(mode)}\n{MEASURE}").split())
    return systemd * 1024, database, pages, files


def bench_memory(guest, directory):
    for title, number, topology in (("64 virtio disks", 64, virtio_disks(64)), ("128 LUNs", 128, scsi_disks(128, 32))):
        machine = boot(guest, directory, topology)
        found = {mode: measure(machine, mode) for mode in MODES}
        machine.stop()
        for i, figure in enumerate(FIGURES):
            print(f"{title}: {figure}: " + ", ".join(f"{mode} {figures[i]}" for mode, figures in found.items()) + "; for each disk more than none: " +
                  ", ".join(f"{mode} {(found[mode][i] - found['none'][i]) / number:.1f}" for mode in MODES[1:]), flush=True)
