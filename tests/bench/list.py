#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares `pcipath list` with lspci and `lspci -P` on synthetic machines with 250 to 4,000 functions, at several depths.

    tests/bench/list.py [RUNS]

Every function is a virtio disk behind a root port. `find` finds one of them. Each round runs all commands once, one after the
other. The times are CPU times (user and system), which other load hardly changes. The ratio is that of the medians.
"""

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from command.machine import complete  # noqa: E402
from programs import BUILD  # noqa: E402
from trees import sandbox  # noqa: E402
from trees.generate import disks_behind_ports  # noqa: E402
from trees.machine import Machine  # noqa: E402
from trees.sysfs import Tree  # noqa: E402

PCIPATH = str(BUILD / 'helper/pcipath')
RATIOS = [('list', 'lspci'), ('tree', 'lspci'), ('find', 'lspci'), ('list', 'lspci -P')]


def commands(depth):
    return {'list': [PCIPATH, 'list'], 'list -a': [PCIPATH, 'list', '-a'], 'tree': [PCIPATH, 'tree'],
            'find': [PCIPATH, 'find', '01.0' + '/00.0' * depth], 'lspci': ['lspci'], 'lspci -P': ['lspci', '-P']}


def processor_time():
    """Of all children so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def median_times(depth, runs):
    times = {name: [] for name in commands(depth)}
    for _ in range(runs):
        for name, command in commands(depth).items():
            before = processor_time()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            times[name].append(processor_time() - before)
    return {name: statistics.median(values) for name, values in times.items()}


def output(*command, stdin=None):
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def compare_paths():
    """Check that both print the same; else their times could not be compared."""
    ours = output(PCIPATH, 'list', '-a', '-n', '-o', 'PATH')
    lspci = ''.join(line.split()[0] + '\n' for line in output('lspci', '-P', '-D').splitlines())
    theirs = output(PCIPATH, 'convert', '--from=lspci', '-', stdin=lspci)
    assert sorted(ours.split()) == sorted(theirs.split())


def measure(domains, depth, runs):
    sandbox.empty('/sys')
    complete(Tree(Machine([disks_behind_ports(number, depth) for number in range(domains)]), '/sys'))
    compare_paths()
    return median_times(depth, runs)


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    print('functions depth ' + ' '.join(f'{name:>10}' for name in commands(1)) +
          ''.join(f'  {ours}/{theirs}' for ours, theirs in RATIOS))
    for domains, depth in [(1, 1), (2, 1), (4, 1), (8, 1), (16, 1), (8, 2), (8, 4), (8, 8), (8, 16)]:
        medians = sandbox.run(measure, domains, depth, runs)
        print(f'{250 * domains:9} {depth:5} ' + ' '.join(f'{1000 * value:7.1f} ms' for value in medians.values()) +
              ''.join(f'  {medians[ours] / medians[theirs]:{len(ours + theirs) + 1}.2f}' for ours, theirs in RATIOS), flush=True)


if __name__ == '__main__':
    os.environ['SYSTEMD_DEVICE_VERIFY_SYSFS'] = '0'
    main()
