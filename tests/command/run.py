# SPDX-License-Identifier: LGPL-2.1-or-later
"""The built pcipath, and fake machines to run it on."""

import os
import subprocess
from dataclasses import dataclass

from command.machine import complete, make_nodes
from programs import BUILD
from trees import sandbox
from trees.machine import Disk, Lun, Machine, Root, VirtioBlk, VirtioScsi, function
from trees.sysfs import Tree

PCIPATH = BUILD / 'helper/pcipath'

# A disk with partitions, two LUNs, an empty port, and a second root bus.
MACHINE = Machine([Root([function('02.0', function('00.0', VirtioBlk(Disk(2)))),
                         function('02.1', function('00.0', VirtioScsi([Lun(0, 0), Lun(1, 300, disk=Disk(1))]))),
                         function('03.0')]),
                   Root([function('00.0', VirtioBlk())], bus=0x40)])


@dataclass
class Outcome:
    status: int
    stdout: str
    stderr: str

    @property
    def lines(self):
        return self.stdout.splitlines()


def pcipath(*arguments, stdin=None, locale='C.UTF-8', env=None, umask=-1):
    done = subprocess.run([PCIPATH, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False, umask=umask,
                          env=os.environ | {'LC_ALL': locale} | (env or {}))
    # "On 2, 3 and 4 nothing on stdout", whatever is run.
    assert done.returncode in (0, 1) or done.stdout == '', arguments
    # For compare 1 is a difference, and open has the status of its command.
    assert done.returncode == 0 or done.stderr != '' or (*arguments, '')[0] in ('compare', 'open'), arguments
    return Outcome(done.returncode, done.stdout, done.stderr)


def _on_machine(machine, seed, links, calls, locale):
    tree = Tree(machine, '/sys', seed)
    complete(tree)
    sandbox.mount('tmpfs', '/dev', 'tmpfs')
    if links:
        make_nodes(tree)
    for directory, names in links.items():
        os.makedirs(directory)
        for name, target in names.items():
            os.symlink(target, f'{directory}/{name}')
    return [pcipath(*call, locale=locale) for call in calls]


def on_machine(machine, *calls, seed=None, links=None, locale='C.UTF-8'):
    """The outcomes of pcipath with each list of arguments, on the machine as a boot with `seed` shows it."""
    return sandbox.run(_on_machine, machine, seed, links or {}, calls, locale)


def run(*calls, **options):
    """The outcomes on MACHINE; of a single call not a list."""
    outcomes = on_machine(MACHINE, *calls, **options)
    return outcomes[0] if len(outcomes) == 1 else outcomes
