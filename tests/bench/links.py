#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath monitor` beside udevd on the same plugs, in one guest.

    tests/bench/links.py [PLUGS]        (default 30)

At each plug both make the same links, below different directories. The times are from the kernel's "add" event of the disk
to the link by PCI path, and to the link of the file system's UUID, which the disk has to be read for; the ratios are those of
the medians. Then the memory of both when they sleep.
"""

import base64
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / 'vm'))

from guest import make_guest  # noqa: E402
from machine import Machine, disk, root_ports  # noqa: E402

BUILD = Path(os.environ.get('PCIPATH_BUILDDIR', TESTS.parent / 'build'))
CACHE = Path(os.environ.get('PCIPATH_CACHE', BUILD / 'guest-cache'))
UUID = '6dd3e8a1-1c1f-4d4c-8f0a-0123456789ab'
TOPS = {'pcipath monitor': '/run/links', 'udevd': '/dev'}
LINKS = {'by-pci-path': 'disk/by-pci-path/02.1-00.0', 'by-uuid': f'disk/by-uuid/{UUID}'}


def one_plug(machine):
    """Microseconds by program and link."""
    paths = [f'{top}/{link}' for top in TOPS.values() for link in LINKS.values()]
    machine.run(f"rm -f /run/ready; mkfifo /run/ready; (/run/measure {' '.join(paths)} 2>&1 | (read r; echo >/run/ready;"
                ' cat >/run/times; echo >/run/ready)) >/dev/null 2>&1 </dev/null &')
    machine.run('cat /run/ready')
    machine.plug(disk('virtio-blk-pci', 'data', bus='port1'))
    machine.run('cat /run/ready')
    times = iter(machine.run('cat /run/times').split())
    machine.unplug('data')
    machine.settle()
    machine.run(''.join(f'until [ ! -L {path} ]; do :; done;' for path in paths))
    return {(program, link): int(next(times)) for program in TOPS for link in LINKS}


def memory(machine, pid):
    """Kilobytes: resident, and its share of them when what is shared is divided."""
    rollup = dict(line.split()[:2] for line in machine.run(f'cat /proc/{pid}/smaps_rollup').splitlines()[1:])
    return int(rollup['Rss:']), int(rollup['Pss:'])


def show(times, plugs):
    medians = {key: statistics.median(each[key] for each in times) / 1000 for key in times[0]}
    for link in LINKS:
        ours, theirs = (medians[program, link] for program in TOPS)
        print(f"from the kernel's event to the link in {link}, {plugs} plugs: pcipath monitor {ours:.1f} ms, udevd {theirs:.1f} ms, "
              f'ratio of medians {ours / theirs:.2f}', flush=True)


def main():
    plugs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as directory:
        machine = Machine(make_guest(CACHE, BUILD), Path(directory), [*root_ports(2), disk('virtio-blk-pci', 'root', bus='port0')])
        image = machine.add_drive('data')
        subprocess.run(['mke2fs', '-q', '-t', 'ext4', '-U', UUID, image], check=True)
        machine.boot('root=LABEL=root')
        try:
            machine.settle()
            tool = base64.b64encode((BUILD / 'tests/bench/links').read_bytes()).decode()
            machine.run(f'echo {tool} | base64 -d >/run/measure; chmod 755 /run/measure; mkdir /run/links; mkfifo /run/up;'
                        '(pcipath monitor --beside-udev --modules --links=/run/links --ready-fd=9 9>/run/up & echo $! >/run/pid)'
                        ' >/dev/null 2>&1 </dev/null; cat /run/up')
            show([one_plug(machine) for _ in range(plugs)], plugs)
            # A worker of udevd's that has nothing to do ends after three seconds.
            udevd = machine.run('systemctl show -P MainPID systemd-udevd').strip()
            machine.run(f'until [ -z "$(cat /proc/{udevd}/task/{udevd}/children)" ]; do sleep 1; done')
            for program, pid in {'pcipath monitor': '$(cat /run/pid)', 'udevd': udevd}.items():
                print('{}: {} KB resident, {} KB when what is shared is divided'.format(program, *memory(machine, pid)))
        finally:
            machine.stop()


if __name__ == '__main__':
    main()
