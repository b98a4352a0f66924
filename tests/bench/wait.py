#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares `pcipath wait` with `udevadm wait`: both wait for the same hotplugged disk, in one guest.

    tests/bench/wait.py [PLUGS]        (default 50)

They take turns in being started first. The times are from the kernel's "add" event of the disk to the exit of the process. The ratio is
that of the medians. A second table has the times for a disk that is there already.
"""

import base64
import os
import statistics
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / 'vm')]

from guest import make_guest  # noqa: E402
from machine import Machine, disk  # noqa: E402

BUILD = Path(os.environ.get('PCIPATH_BUILDDIR', TESTS.parent / 'build'))
CACHE = Path(os.environ.get('PCIPATH_CACHE', BUILD / 'guest-cache'))
PORT = {'driver': 'pcie-root-port', 'bus': 'pcie.0'}
TOPOLOGY = [PORT | {'id': 'port0', 'addr': '2.0', 'chassis': 1, 'multifunction': True},
            PORT | {'id': 'port1', 'addr': '2.1', 'chassis': 2},
            disk('virtio-blk-pci', 'root', bus='port0')]
LINK = '/dev/disk/by-pci-path/02.1-00.0'
COMMANDS = {'pcipath wait': 'exec pcipath wait 02.1/00.0 >/dev/null',
            'udevadm wait': f'exec udevadm wait {LINK}'}


def one_plug(machine, names):
    commands = ' '.join(f"'{COMMANDS[name]}'" for name in names)
    machine.run(f'rm -f /run/ready; mkfifo /run/ready; (/run/race {commands} 2>&1 | (read r; echo >/run/ready;'
                ' cat >/run/times; echo >/run/ready)) >/dev/null 2>&1 </dev/null &')
    machine.run('cat /run/ready')
    machine.plug(disk('virtio-blk-pci', 'data', bus='port1'))
    machine.run('cat /run/ready')
    times = dict(zip(names, map(int, machine.run('cat /run/times').split()), strict=True))
    machine.unplug('data')
    machine.wait(LINK, gone=True)
    machine.settle()
    return times


def already_there(machine, plugs):
    """Start-up and one look; each figure is the mean of five runs in a row."""
    machine.plug(disk('virtio-blk-pci', 'data', bus='port1'))
    machine.wait(LINK)
    times = {name: [] for name in COMMANDS}
    for _ in range(plugs):
        for name, command in COMMANDS.items():
            output = machine.run('a=$(date +%s%N); for i in 1 2 3 4 5; do '
                                 f'({command}); done; b=$(date +%s%N); echo $((b - a))')
            times[name].append(int(output) / 5000)
    return times


def show(title, times):
    print(title)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        print(f"  {name:22} median {value / 1000:8.2f} ms, ratio to udevadm wait {value / medians['udevadm wait']:.2f}")


def main():
    plugs = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as directory:
        machine = Machine(make_guest(CACHE, BUILD), Path(directory), TOPOLOGY)
        machine.add_drive('data')
        machine.boot('root=LABEL=root')
        try:
            machine.settle()
            race = base64.b64encode((BUILD / 'tests/bench/race').read_bytes()).decode()
            machine.run(f'echo {race} | base64 -d >/run/race; chmod 755 /run/race')
            times = {name: [] for name in COMMANDS}
            for plug in range(plugs):
                for name, value in one_plug(machine, sorted(COMMANDS, reverse=plug % 2 == 0)).items():
                    times[name].append(value)
            show(f'time from the kernel\'s event to the exit, {plugs} plugs', times)
            show('time for a disk that is there already', already_there(machine, 10))
        finally:
            machine.stop()


if __name__ == '__main__':
    main()
