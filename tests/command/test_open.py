# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath open`: the command, its file descriptors and statuses, and which device is refused. tests/vm/test_open.py unplugs disks."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from command.machine import complete
from command.run import PCIPATH, pcipath
from trees import sandbox
from trees.machine import Disk, Machine, Net, Node, Nodes, Root, VirtioBlk, VirtioScsi, Lun, function
from trees.sysfs import Tree

COVERS = {"another_disk_at_the_node": "Fault: `pcipath open`: a node that belongs to another disk"}

# A loop device of this machine: nobody writes to it here.
LOOP = Path('/dev/loop0')
MACHINE = Machine([Root([function('02.0', VirtioBlk(Disk(1))), function('03.0', Net()), function('04.0', VirtioScsi([Lun(0, 0), Lun(1, 0)])),
                         function('05.0', Nodes([Node([('x/x0', 'x')])]))])])


def make(diskseq):
    """The disks have the number of a loop device, the character device that of /dev/null."""
    loop = os.stat(LOOP).st_rdev
    tree = Tree(MACHINE, '/sys')
    complete(tree)
    sandbox.mount('tmpfs', '/dev', 'tmpfs')
    os.mknod('/dev/null', 0o20666, os.makedev(1, 3))
    for device in tree.devices:
        if device.devname:
            number = os.makedev(1, 3) if device.is_char else loop
            Path(device.syspath, 'dev').write_text(f'{os.major(number)}:{os.minor(number)}\n')
            os.mknod(f'/dev/{device.devname}', (0o20600 if device.is_char else 0o60600), number)
            if device.devname == 'vda':
                Path(device.syspath, 'diskseq').write_text(f'{diskseq}\n')
            if device.devname == 'vda1':
                Path(device.syspath, 'partition').write_text('1\n')


def run_all(diskseq, calls, **options):
    make(diskseq)
    return [pcipath('open', *call, **options) for call in calls]


def opened(*calls, change=0, **options):
    """The outcomes of `pcipath open` with each list of arguments. `change`: added to the sequence number of the disk."""
    diskseq = int(Path('/sys/block/loop0/diskseq').read_text()) + change
    return sandbox.run(lambda: run_all(diskseq, calls, **options))


def test_descriptors():
    """The command has the device as 3 and none of pcipath's own, standard input and output as they are, and its own options."""
    show = ['sh', '-c', 'cd /proc/self/fd; echo *; readlink 3; cat; echo "$@"', 'sh', '--help', '-t']
    disk, part, other = opened(['--timeout=0', '--read-only', '02.0', '--', *show], ['--timeout=0', '--read-only', '02.0,part=1', *show], ['--timeout=0', '05.0,type=x', *show], stdin='in\n')
    for outcome, node in ((disk, '/dev/vda'), (part, '/dev/vda1'), (other, '/dev/x0')):
        descriptors, *rest = outcome.lines
        assert {'0', '1', '2', '3'} <= set(descriptors.split()) <= {'0', '1', '2', '3', '4'}  # 4 is the shell's own, for the directory
        assert rest == [node, 'in', '--help -t'], outcome


def test_modes():
    modes = opened(*(arguments + ['--', 'sh', '-c', 'grep flags /proc/self/fdinfo/3'] for arguments in (['--timeout=0', '--read-only', '02.0'], ['--timeout=0', '02.0'], ['--timeout=0', '05.0,type=x'])))
    flags = [int(outcome.stdout.split()[1], 8) if outcome.status == 0 else outcome.stderr for outcome in modes]
    assert [flag & (os.O_ACCMODE | os.O_NONBLOCK) for flag in flags] == [os.O_RDONLY, os.O_RDWR, os.O_RDWR]


def test_another_disk_at_the_node():
    """The node has the number of the disk, but the open file is another disk."""
    [outcome] = opened(['--read-only', '--timeout=0', '02.0', 'true'], change=1)
    assert outcome.status == 124 and outcome.stdout == ''
    assert outcome.stderr == 'pcipath: timed out: 02.0: another device was plugged in while this one was opened\n'


STATUSES = [
    (['02.0', 'sh', '-c', 'exit 7'], 7, ''), (['02.0', '/no/such'], 127, 'cannot run /no/such: No such file or directory'),
    (['02.0', '/dev/null'], 126, 'cannot run /dev/null: Permission denied'), (['06.0', 'true'], 124, '06.0: no function 06.0'),
    (['03.0', 'true'], 125, '03.0: the network interface'), (['04.0', 'true'], 125, '04.0: 2 devices, for example /dev/sda and /dev/sdb: add a suffix'),
    (['02.0,type=pci', 'true'], 125, 'a PCI function has no device node'), (['02.9', 'true'], 125, 'not a path'),
    (['02.0'], 125, 'expected a PATH and a COMMAND'), (['02.0', '--'], 125, 'expected a PATH and a COMMAND'), ([], 125, 'expected a PATH and a COMMAND'),
]


def test_statuses():
    outcomes = opened(*(['--read-only', '--timeout=0', *arguments] for arguments, _, _ in STATUSES))
    for (arguments, status, reason), outcome in zip(STATUSES, outcomes, strict=True):
        assert outcome.status == status and reason in outcome.stderr, (arguments, outcome)


@pytest.mark.parametrize('arguments', [['--no-such'], ['--timeout=x'], ['--timeout'], ['-t']])
def test_bad_options(arguments):
    outcome = pcipath('open', *arguments)
    assert outcome.status == 125 and "Try 'pcipath open --help'." in outcome.stderr


def signals_of_command(block):
    make(0)
    done = subprocess.run([PCIPATH, 'open', '--timeout=0', '05.0,type=x', 'grep', 'Sig[BI]', '/proc/self/status'], capture_output=True, text=True, check=True,
                          preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, block))
    return [int(line.split()[1], 16) for line in done.stdout.splitlines()]


@pytest.mark.parametrize('block', [[], [signal.SIGTERM], [signal.SIGHUP]])
def test_signals(block):
    """SIGTERM ends the wait. The command has it, and all others, as the caller of pcipath has them."""
    blocked, ignored = sandbox.run(signals_of_command, block)
    assert blocked == sum(1 << (number - 1) for number in block)
    assert not ignored & 1 << (signal.SIGTERM - 1)
