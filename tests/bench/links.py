#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath monitor` beside udevd on the same plugs, in one guest.

    tests/bench/links.py [PLUGS]        (default 30)

Both make the same links, below different directories: at each third plug at the same time, at the others one of them alone,
while the other is stopped. The times are from the kernel's "add" event of the disk to the link by PCI path, and to the link of
the file system's UUID, which the disk has to be read for; the ratios are those of the medians. Then the time that libblkid takes to read
the disk, which is a part of both, and the memory of both when they sleep.

The guest's clock counts its instructions, so that what else is done on the host is no part of the times, but for the disk's.
"""

import base64
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / 'vm')]

from guest import make_guest  # noqa: E402
from machine import INSTRUCTION_CLOCK, Machine, disk, root_ports  # noqa: E402

BUILD = Path(os.environ.get('PCIPATH_BUILDDIR', TESTS.parent / 'build'))
CACHE = Path(os.environ.get('PCIPATH_CACHE', BUILD / 'guest-cache'))
UUID = '6dd3e8a1-1c1f-4d4c-8f0a-0123456789ab'
TOPS = {'pcipath monitor': '/run/links', 'udevd': '/dev'}
LINKS = {'by-pci-path': 'disk/by-pci-path/02.1-00.0', 'by-uuid': f'disk/by-uuid/{UUID}'}
NUMBERS = itertools.count()
PIDS = {'pcipath monitor': '$(cat /run/pid)', 'udevd': '$(systemctl show -P MainPID systemd-udevd)'}


def one_plug(machine, programs):
    """Microseconds by program and link."""
    paths = [f'{TOPS[program]}/{link}' for program in programs for link in LINKS.values()]
    others = ' '.join(PIDS[program] for program in TOPS if program not in programs)
    machine.run(f'[ -z "{others}" ] || kill -STOP {others}')
    number = next(NUMBERS)
    machine.run(f"rm -f /run/ready; mkfifo /run/ready; (/run/measure {' '.join(paths)} 2>&1 | (read r; echo >/run/ready;"
                f' cat >/run/times; echo measured plug {number}. >/dev/console)) >/dev/null 2>&1 </dev/null &')
    machine.run('cat /run/ready')
    machine.plug(disk('virtio-blk-pci', 'data', bus='port1'))
    # A command that waited for it would be started by the agent while the times are measured.
    machine.wait_console(f'measured plug {number}.')
    times = iter(machine.run('cat /run/times').split())
    machine.run(f'[ -z "{others}" ] || kill -CONT {others}')
    machine.settle()
    machine.unplug('data')
    machine.settle()
    machine.run(''.join(f'until [ ! -L {top}/{link} ]; do :; done;' for top in TOPS.values() for link in LINKS.values()))
    return {(program, link): int(next(times)) for program in programs for link in LINKS}


# Wall time in nanoseconds. The kernel forgets what was read of a disk when no program has it open any more.
READ = """
time_of() {
    start=$(date +%s%N)
    for i in $(seq PLUGS); do pcipath "$@" >/dev/null; done
    echo $(( $(date +%s%N) - start ))
}
echo $(( $(time_of probe /dev/disk/by-pci-path/02.1-00.0) - $(time_of --version) ))
"""


def measure_read(machine, plugs):
    machine.plug(disk('virtio-blk-pci', 'data', bus='port1'))
    machine.wait(f'/dev/{LINKS["by-uuid"]}')
    machine.settle()
    time = int(machine.run(READ.replace('PLUGS', str(plugs))))
    print(f'libblkid reads the disk in {time / plugs / 1e6:.1f} ms, mean of {plugs}', flush=True)


def memory(machine, pid):
    """Kilobytes: resident, and its share of them when what is shared is divided."""
    rollup = dict(line.split()[:2] for line in machine.run(f'cat /proc/{pid}/smaps_rollup').splitlines()[1:])
    return int(rollup['Rss:']), int(rollup['Pss:'])


def measure(machine, plugs):
    times = {'at the same time': [], 'each alone': []}
    for _ in range(plugs):
        times['at the same time'].append(one_plug(machine, TOPS))
        times['each alone'].append({key: time for program in TOPS for key, time in one_plug(machine, [program]).items()})
    for link in LINKS:
        for how, all_times in times.items():
            ours, theirs = (statistics.median(each[program, link] for each in all_times) / 1000 for program in TOPS)
            print(f"from the kernel's event to the link in {link}, {how}, {plugs} plugs: pcipath monitor {ours:.1f} ms, "
                  f'udevd {theirs:.1f} ms, ratio of medians {ours / theirs:.2f}', flush=True)


def main():
    plugs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as directory:
        machine = Machine(make_guest(CACHE, BUILD), Path(directory), [*root_ports(2), disk('virtio-blk-pci', 'root', bus='port0')],
                          options=INSTRUCTION_CLOCK)
        image = machine.add_drive('data')
        subprocess.run(['mke2fs', '-q', '-t', 'ext4', '-U', UUID, image], check=True)
        machine.boot('root=LABEL=root')
        try:
            machine.settle()
            tool = base64.b64encode((BUILD / 'tests/bench/links').read_bytes()).decode()
            machine.run(f'echo {tool} | base64 -d >/run/measure; chmod 755 /run/measure; mkdir /run/links; mkfifo /run/up;'
                        '(pcipath monitor --beside-udev --modules --links=/run/links --ready-fd=9 9>/run/up & echo $! >/run/pid)'
                        ' >/dev/null 2>&1 </dev/null; cat /run/up')
            measure(machine, plugs)
            measure_read(machine, plugs)
            # A worker of udevd's that has nothing to do ends after three seconds.
            machine.run(f'set -- {PIDS["udevd"]}; until [ -z "$(cat /proc/$1/task/$1/children)" ]; do sleep 1; done')
            for program, pid in PIDS.items():
                print('{}: {} KB resident, {} KB when what is shared is divided'.format(program, *memory(machine, pid)))
        finally:
            machine.stop()


if __name__ == '__main__':
    main()
