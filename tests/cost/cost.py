#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the programs and the rules cost, in numbers that do not depend on the load of the machine: instructions and system calls.

    tests/cost/cost.py            prints the figures
    tests/cost/cost.py --write    writes them to tests/cost/figures, with which the suite "cost" compares the figures of each run

The figures of a case are what it costs beyond `PROGRAM --version`. The start has cases of its own. cachegrind counts the
instructions of the process, strace its system calls.

The unit of instructions is another program of the same run, so that a new version of a library changes both: the smallest
program that opens a disk with sd-device. The figures of the start are those of this program's start; all others are those of
opening the disk, without the start.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
if __name__ == '__main__':
    sys.path.insert(0, str(TESTS))

from command import alias  # noqa: E402
from command.manager import build  # noqa: E402
from cost.events import measure_events  # noqa: E402
from cost.hotplug import filesystem, measure_hotplug  # noqa: E402
from programs import BUILD  # noqa: E402
from rules import udev  # noqa: E402
from trees import sandbox  # noqa: E402
from trees.generate import disks_behind_ports  # noqa: E402
from trees.machine import Ata, AtaPort, Disk, Lun, Machine, Namespace, Net, Nvme, Root, VirtioBlk, VirtioScsi, function  # noqa: E402

FIGURES = TESTS / 'cost/figures'
HEADER = """# SPDX-License-Identifier: LGPL-2.1-or-later
# Written by tests/cost/cost.py --write: case, instructions, system calls.
"""
PCIPATH, PCIPATH_ID, ALTNAME = (str(BUILD / 'helper' / name) for name in ('pcipath', 'pcipath_id', 'pcipath_altname'))
OPEN = str(BUILD / 'tests/bench/open-device')
VIRTIO, SCSI, ATA, NVME, NET = 'virtio', 'SCSI', 'ATA', 'NVMe', 'net'
SMALL = {VIRTIO: VirtioBlk(Disk(1)), SCSI: VirtioScsi([Lun(0, 1)]), ATA: Ata([AtaPort(1, Disk())]),
         NVME: Nvme([Namespace(1)]), NET: Net(virtio=True)}
LARGE = (250, 2000)

# A bridge of the kernel stands for the interface of the tree.
IN_NAMESPACE = ['unshare', '--net', 'sh', '-c', 'ip link add eth2 index 2 type bridge && exec "$@"', 'sh']


def run(command, devpath=''):
    """`command` may fail: the smallest program does without an argument."""
    environment = {'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8', 'SYSTEMD_DEVICE_VERIFY_SYSFS': '0', 'DEVPATH': devpath}
    return subprocess.run([*IN_NAMESPACE, *command], env=environment, capture_output=True, text=True, check=False)


def count(*command, devpath=''):
    """Instructions and system calls."""
    with tempfile.TemporaryDirectory() as directory:
        cachegrind, strace = f'{directory}/cachegrind', f'{directory}/strace'
        counted = run(['valgrind', '-q', '--tool=cachegrind', '--cache-sim=no', f'--cachegrind-out-file={cachegrind}', *command], devpath)
        traced = run(['strace', '-f', '-qq', '-o', strace, *command], devpath)
        if command[1:] and (counted.returncode or traced.returncode):
            raise RuntimeError(f'{command}: {counted.stderr}{traced.stderr}')
        instructions = re.search(r'^summary: (\d+)', Path(cachegrind).read_text(), re.MULTILINE)[1]
        return int(instructions), len(Path(strace).read_text(errors='replace').splitlines())


def small():
    return Machine([Root([function(f'02.{number}', function('00.0', below)) for number, below in enumerate(SMALL.values())])])


def measure_small():
    """Starts and helpers: (case, unit, instructions, system calls)."""
    tree = build(small())
    functions = dict(zip(SMALL, (f'/0000:00:02.{number}/' for number in range(len(SMALL))), strict=True))

    def find(kind, devtype='disk'):
        return next(device for device in tree.devices if functions[kind] in device.devpath and device.devtype == devtype)

    def syspath(*which):
        return find(*which).syspath

    interface = next(device.devpath for device in tree.devices if device.subsystem == 'net')
    starts = {program: count(program, '--version') for program in (PCIPATH, PCIPATH_ID, ALTNAME)} | {OPEN: count(OPEN)}
    for program, figures in starts.items():
        yield f'start {os.path.basename(program)}', 'start', figures

    def beyond_start(program, *arguments, **options):
        return tuple(all_ - start for all_, start in zip(count(program, *arguments, **options), starts[program], strict=True))

    yield 'open', 'open', beyond_start(OPEN, syspath(VIRTIO))
    for kind in (VIRTIO, SCSI, ATA, NVME):
        yield f'pcipath_id {kind}', 'open', beyond_start(PCIPATH_ID, syspath(kind))
    yield 'pcipath_id partition', 'open', beyond_start(PCIPATH_ID, syspath(VIRTIO, 'partition'))
    yield 'pcipath_altname', 'open', beyond_start(ALTNAME, '02.4-00.0', devpath=interface)
    yield 'find', 'open', beyond_start(PCIPATH, 'find', '02.0/00.0')
    yield 'wait', 'open', beyond_start(PCIPATH, 'wait', '--timeout=0', '--type=pci', '02.0/00.0')
    with filesystem() as image:
        yield 'probe', 'open', beyond_start(PCIPATH, 'probe', image)


def measure_large(number, *more):
    """As measure_small()."""
    build(Machine([disks_behind_ports(domain, 1) for domain in range(number // 250)]))
    start = count(PCIPATH, '--version')
    for words in (['list'], ['tree'], *more):
        figures = count(PCIPATH, *words)
        yield f'{" ".join(words)}, {number}', 'open', tuple(all_ - begin for all_, begin in zip(figures, start, strict=True))


def measure_aliases():
    alias.enter()
    alias.write(f'{alias.ETC}/all.conf', ''.join(f'alias-{i}=01.0/{i >> 3:02x}.{i & 7}\n' for i in range(20)))
    return measure_large(250, ['alias', '--apply'], ['coldplug', '--links'])


def in_list(function_, *arguments):
    return list(function_(*arguments))


def measure():
    """From a case to its figures: instructions in units of the reference, and system calls."""
    with tempfile.TemporaryDirectory() as destdir:
        os.environ['PCIPATH_UDEV'] = udev.install(destdir)
        measured = sum(sandbox.run_all(in_list, (measure_small,), (measure_aliases,), (measure_events,), (measure_hotplug,), (measure_large, LARGE[1])), [])
    found = {case: figures for case, _, figures in measured}
    units = {'start': found['start open-device'][0], 'open': found['open'][0]}
    return {case: (figures[0] / units[unit], figures[1]) for case, unit, figures in measured if case not in ('open', 'start open-device')}


def read():
    lines = [line.rsplit(None, 2) for line in FIGURES.read_text().splitlines() if not line.startswith('#')]
    return {case: (float(instructions), int(calls)) for case, instructions, calls in lines}


def show(figures):
    return ''.join(f'{case:24} {instructions:8.2f} {calls:6}\n' for case, (instructions, calls) in figures.items())


def main(arguments):
    text = show(measure())
    if arguments == ['--write']:
        FIGURES.write_text(HEADER + text)
    elif arguments:
        print(__doc__, end='', file=sys.stderr)
        return 2
    print(text, end='')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
