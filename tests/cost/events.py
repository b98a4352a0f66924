# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the rules and aliases cost udevd in a coldplug of 32 disks, three aliases each: the real udevd with them and without, see rules/udev.py.

udevd has one worker, which does the same in each run. The process that gives it the events does not: it may be woken for one event or for
several. The worker is a copy of that process, so the instructions of udevd without events, which reads the rules, are subtracted. The
machine has no stock rules, so that another version of them changes nothing.
"""

import re
import subprocess
from pathlib import Path

from command import alias
from programs import BUILD
from rules import udev
from trees import sandbox
from trees.machine import Disk, Lun, Machine, Root, VirtioBlk, VirtioScsi, function
from trees.sysfs import Tree

OUT = Path('/run/cost')
CACHEGRIND = ['valgrind', '-q', '--tool=cachegrind', '--cache-sim=no', f'--cachegrind-out-file={OUT}/cachegrind.%p']
STRACE = ['strace', '-ff', '-qq', '-o', f'{OUT}/strace']
DISKS = 16
MACHINE = Machine([Root([*(function(f'04.{i}', VirtioBlk(Disk())) for i in range(DISKS // 2)),
                         *(function(f'05.{i}', VirtioBlk(Disk())) for i in range(DISKS // 2)),
                         function('06.0', VirtioScsi([Lun(i) for i in range(DISKS)]))])])
TARGETS = [f'{4 + i // 8:02x}.{i % 8}' for i in range(DISKS)] + [f'06.0,scsi-0:0:{i}:0' for i in range(DISKS)]
ALIASES = ''.join(f'{name}-{i}={target}\n' for i, target in enumerate(TARGETS) for name in ('a', 'b', 'c'))


def run_udevd(tree, has_events, runner):
    """What the runner wrote of the process that ended first: the worker, or the only one without events."""
    OUT.mkdir(exist_ok=True)
    sandbox.empty(OUT)
    with udev.Udevd(runner=runner, workers=1) as udevd:
        udevd.boot(tree)
        udevd.events('add', udevd.devices if has_events else [])
        udevd.stop()
    first = min(OUT.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return first.read_text(errors='replace')


def instructions(tree, has_events):
    return int(re.search(r'^summary: (\d+)', run_udevd(tree, has_events, CACHEGRIND), re.MULTILINE)[1])


def coldplug(tree):
    """Instructions and system calls of the worker."""
    return instructions(tree, True) - instructions(tree, False), len(run_udevd(tree, True, STRACE).splitlines())


def measure_events():
    """As cost.measure_small()."""
    udev.enter()
    tree = Tree(MACHINE, '/sys')
    alias.write(f'{alias.RUN}/1.conf', ALIASES)
    subprocess.run([BUILD / 'helper/pcipath', 'alias', '--apply'], check=True)
    with_aliases = coldplug(tree)
    Path('/run/udev/rules.d/62-pcipath-alias.rules').unlink()
    ours = coldplug(tree)
    sandbox.mount('tmpfs', '/usr/lib/udev', 'tmpfs')
    without = coldplug(tree)
    for case, more, less in (('udevd, rules', ours, without), ('udevd, aliases', with_aliases, ours)):
        yield case, 'open', tuple(with_ - base for with_, base in zip(more, less, strict=True))
