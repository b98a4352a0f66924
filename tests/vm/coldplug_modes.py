# SPDX-License-Identifier: LGPL-2.1-or-later
"""Coldplugs of one guest by the package's rules, by others and by none. Its clock counts instructions (INSTRUCTION_CLOCK), so that other load
plays no part."""

from __future__ import annotations

import shlex

from machine import Machine

COLUMNS = ("wall", "udevd's CPU", "systemd's CPU")

# What the package's rules are measured against. systemd makes a unit of each link and each alias, so no package that adds one
# to each device costs less than the floor, and none that has as many properties as ours costs systemd less than "properties". Another that
# starts a program for each disk would cost as much as "helper".
FLOOR = ('SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", SYMLINK+="disk/by-floor/$kernel"',
         'SUBSYSTEM=="net", ENV{SYSTEMD_ALIAS}+="/sys/subsystem/net/devices/floor-$kernel"')
RULES = {
    "package": None,
    "floor": FLOOR,
    "properties": (*FLOOR, 'SUBSYSTEM=="block|net", ENV{ID_FLOOR}="02.0/00.0", ENV{ID_FLOOR_TAG}="02.0-00.0", ENV{ID_FLOOR_LINK}="02.0-00.0"'),
    "helper": ('SUBSYSTEM=="block", IMPORT{program}="pcipath_id"',
               'SUBSYSTEM=="block", ENV{ID_PCI_PATH_LINK}=="?*", SYMLINK+="disk/by-pci-path/$env{ID_PCI_PATH_LINK}"',
               'SUBSYSTEM=="net", IMPORT{program}="pcipath_id"'),
    "none": (),
    "aliases": None,  # the package's, and those that `pcipath alias --apply` makes
    "handwritten": None,  # the package's, and what takes the place of those
}

# A whole coldplug with the rules in $1, or with the package's if it is empty. systemd still makes units when udevd has finished, and
# answers systemctl before it has: it has finished when it uses no CPU any more. Random numbers, which systemd takes for each of its tables,
# take more instructions until the kernel has seen enough of what is random.
TAKE_RULES = """
usage() { sed -n 's/usage_usec //p' /sys/fs/cgroup/$1/cpu.stat; }
wait_for_systemd() { used=; until [ "$(usage init.scope)" = "$used" ]; do used=$(usage init.scope); sleep 0.1; done; }
head -c 1 /dev/random >/dev/null
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


def quoted_rules(mode: str) -> str:
    """The first argument of TAKE_RULES."""
    return shlex.quote("" if RULES[mode] is None else "\n".join(("# " + mode, *RULES[mode])))


def measure(machine: Machine, mode: str, forget: str = "") -> list[int]:
    """Microseconds by COLUMNS."""
    return [int(figure) for figure in machine.run(f"set -- {quoted_rules(mode)} {forget}\n{COLDPLUG}").split()]
