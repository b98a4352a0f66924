# SPDX-License-Identifier: LGPL-2.1-or-later
"""What names cost in a coldplug. For tests/bench/run."""

import shlex
import statistics
import sys

from hardware import aliases, boot, bridged_disks, cards, place, scsi_disks, virtio_disks

ROUNDS = 3
MANY_ROUNDS = 1  # of a minute each
COLUMNS = ("wall", "udevd's CPU", "systemd's CPU")

# What the package's rules are measured against. systemd makes a unit of each link and each alias, so no package that adds one
# to each device costs less than the floor. Another that starts a program for each disk would cost as much as "helper".
RULES = {
    "package": None,
    "floor": ('SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", SYMLINK+="disk/by-floor/$kernel"',
              'SUBSYSTEM=="net", ENV{SYSTEMD_ALIAS}+="/sys/subsystem/net/devices/floor-$kernel"'),
    "helper": ('SUBSYSTEM=="block", IMPORT{program}="pcipath_id"',
               'SUBSYSTEM=="block", ENV{ID_PCI_PATH_LINK}=="?*", SYMLINK+="disk/by-pci-path/$env{ID_PCI_PATH_LINK}"',
               'SUBSYSTEM=="net", IMPORT{program}="pcipath_id"'),
    "none": (),
    "aliases": None,  # the package's, and those that `pcipath alias --apply` makes
    "handwritten": None,  # the package's, and those of HANDWRITTEN
}

ALIASES = """
mkdir -p /run/pcipath/aliases.d
[ -z "$1" ] && rm -f /run/pcipath/aliases.d/bench.conf || printf '%s' "$1" >/run/pcipath/aliases.d/bench.conf
pcipath alias --apply
[ -z "$2" ] && rm -f /run/udev/rules.d/90-bench.rules || printf '%s' "$2" >/run/udev/rules.d/90-bench.rules
"""

# A whole coldplug with the rules in $1, or with the package's if it is empty. systemd still makes units when udevd has finished, and
# answers systemctl before it has: it has finished when it uses no CPU any more.
TAKE_RULES = """
usage() { sed -n 's/usage_usec //p' /sys/fs/cgroup/$1/cpu.stat; }
wait_for_systemd() { used=; until [ "$(usage init.scope)" = "$used" ]; do used=$(usage init.scope); sleep 0.1; done; }
rules=/usr/lib/udev/rules.d/61-pcipath.rules other=/run/udev/rules.d/61-bench.rules
mkdir -p /run/udev/rules.d
if [ -z "$1" ]; then
    rm -f $other
    [ -e $rules ] || mv /run/61-pcipath.rules $rules
else
    printf '%s\n' "$1" >$other
    [ ! -e $rules ] || mv $rules /run
fi
udevadm control --reload
udevadm trigger --action=add
udevadm settle
wait_for_systemd
"""

# Prints wall time and the CPU time of udevd and of systemd, in microseconds, of a coldplug after one that is not timed: that removes
# what the other mode has left in udev's database and in systemd.
COLDPLUG = TAKE_RULES + """
[ -z "$2" ] || rm -f /run/udev/data/n* # as if udev had not seen any interface yet
udevd=$(usage system.slice/systemd-udevd.service) systemd=$(usage init.scope) wall=$(date +%s%N)
udevadm trigger --action=add
udevadm settle
wall=$(( ($(date +%s%N) - wall) / 1000 ))
wait_for_systemd
echo $wall $(( $(usage system.slice/systemd-udevd.service) - udevd )) $(( $(usage init.scope) - systemd ))
"""


def quoted_rules(mode):
    """The first argument of TAKE_RULES."""
    return shlex.quote("" if RULES[mode] is None else "\n".join(("# " + mode, *RULES[mode])))


def coldplug(machine, title, modes, number=ROUNDS, forget="", alias_lines="", handwritten=""):
    """Prints how long coldplugs of the machine take. Returns udevd's CPU time of one, by mode."""
    rounds = {mode: [] for mode in modes}
    for i in range(1 + number):
        for mode in modes:
            texts = (alias_lines if mode == "aliases" else "", handwritten if mode == "handwritten" else "")
            machine.run(f"set -- {shlex.join(texts)}\n{ALIASES}")
            figures = [int(figure) for figure in machine.run(f"set -- {quoted_rules(mode)} {forget}\n{COLDPLUG}").split()]
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
        coldplug(machine, title, ("package", "floor", "helper", "none"), forget=forget)
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
    rounds = {few: ROUNDS, many: MANY_ROUNDS}
    for title, topology in (("LUNs", lambda number: scsi_disks(number, 32)), ("virtio disks behind bridges", bridged_disks)):
        cost = {}
        for number in (few, many):
            machine = boot(guest, directory, topology(number), partitioned=True)
            cpu = coldplug(machine, f"{number} {title} of two partitions", ("package", "none"), rounds[number])
            cost[number] = [cpu[mode] / number for mode in ("package", "none")]
            machine.stop()
        with_, without = (more / less for more, less in zip(cost[many], cost[few], strict=True))
        print(f"CPU for each of {many} {title} to that for each of {few}: with the rules {with_:.2f}, without {without:.2f}", flush=True)
