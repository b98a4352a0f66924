# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath of`, `find` and `wait`: from a device to its path, from a path to its devices, and why a device is not found."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from command.machine import complete
from command.run import MACHINE, PCIPATH, on_machine, pcipath, run
from synthetic.parts import uverbs
from trees import sandbox
from trees.machine import HostBridge, Machine, Net, Port, Root, SubFunctions, VirtioBlk, function
from trees.sysfs import Tree


# -- of and find --

def test_of():
    many, flat, absent, partly = run(['of', '/sys/class/block/vda2', '0000:02:00.0', '40:00.0'],
                                     ['of', '--to=flat', '02:00.0'], ['of', '05:00.0'], ['of', '0000:02:00.0', '/dev/nothing'])
    assert many.stdout == '02.0/00.0\n02.1/00.0\n0000:40:00.0\n'
    assert flat.stdout == '02.1-00.0\n'
    assert absent.status == partly.status == 3


@pytest.mark.parametrize('target, found', [
    ('02.0/00.0', '/dev/vda'), ('02.0-00.0', '/dev/vda'), ('02/00', '/dev/vda'), ('00:02.0/00.0', '/dev/vda'),
    ('PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x0,0x0)', '/dev/vda'), ('/pci@i0cf8/pci-bridge@2/scsi@0/disk@0,0', '/dev/vda'),
    ('02.0/00.0,part=2', '/dev/vda2'), ('02.0-00.0-part1', '/dev/vda1'), ('40:00.0', '/dev/vdb'),
    ('02.1/00.0', '/dev/sda /dev/sdb'), ('02.1/00.0,scsi-0:0:1:300', '/dev/sdb'), ('02.1-00.0-scsi-0:0:0:0', '/dev/sda'),
    ('02.1-00.0-scsi-0:0:1:300-part1', '/dev/sdb1'), ('02.1/00.0,part=1', '/dev/sdb1'),
])
def test_find(target, found):
    outcome = run(['find', target])
    assert (outcome.status, outcome.stdout.split()) == (0, found.split())


@pytest.mark.parametrize('target, why', [
    ('02.0/01.0', '02.0 is there: a PCIe root port; behind it there are 00.0, but no 01.0'),
    ('03.0/00.0', '03.0 is there: a SCSI controller, with nothing behind it'),
    ('04.0', 'no function 04.0; on the root bus there are 02.0, 02.1, 03.0'),
    ('04.0/00.0', 'no bridge 04.0; on the root bus there are 02.0, 02.1, 03.0'),
    ('0001:00:02.0', 'this machine has no root bus 0001:00; it has 0000:00, 0000:40'),
    ('03.0', '03.0 is there: a SCSI controller with the driver virtio-pci, no device below it'),
    ('02.0/00.0,part=3', '02.0/00.0 is there: a SCSI controller with the driver virtio-pci, no partition 3 '
                         'below it; there is /dev/vda (block), /dev/vda1 (block), /dev/vda2 (block)'),
    ('fd1d2cbdce7c535c966beb5f811c95f0:02.0', 'this machine has no PCI bus on such a VMBus device'),
    ('0000:01:00.0', 'this machine has no root bus 0000:01; it has 0000:00, 0000:40. 0000:01:00.0 is the PCI address that '
                     'this machine gave to the device at path 02.0/00.0'),
])
def test_absence_is_explained(target, why):
    for verb in (['find'], ['wait', '--timeout=0']):
        outcome = run([*verb, target])
        address = '01:00.0' in target
        assert outcome.status == (3 if verb == ['find'] or address else 4)
        assert outcome.stderr == f'pcipath: {target}: {why}\n'


def absence_without(driver):
    """Why the virtio disk at 02.0/00.0 is not there, on a machine that has not this driver."""
    tree = Tree(Machine([Root([function('02.0', function('00.0', VirtioBlk()))])]), '/sys')
    complete(tree)
    function_path = '/sys/devices/pci0000:00/0000:00:02.0/0000:01:00.0'
    virtio = next(d.syspath for d in tree.devices if d.subsystem == 'virtio')
    for path, modalias in ((function_path, 'pci:v00001AF4d00001042'), (virtio, 'virtio:d00000002v00001AF4')):
        Path(path, 'modalias').write_text(modalias + '\n')
    if driver == 'virtio_pci':
        Path(function_path, 'driver').unlink()
    shutil.rmtree(virtio if driver == 'virtio_pci' else f'{virtio}/block')
    return pcipath('find', '02.0/00.0').stderr


def test_missing_driver_is_named():
    outcome = sandbox.run(absence_without, 'virtio_pci')
    assert outcome == ('pcipath: 02.0/00.0: 02.0/00.0 is there: a SCSI controller (0x1af4:0x1042) without a driver, no device '
                       'below it; no driver has been found for 0000:01:00.0 (pci:v00001AF4d00001042)\n')
    outcome = sandbox.run(absence_without, 'virtio_blk')
    assert 'with the driver virtio-pci, no device below it; no driver has been found for virtio' in outcome
    assert outcome.endswith(' (virtio:d00000002v00001AF4)\n')


def test_find_type():
    assert run(['find', '-t', 'net', '02.0/00.0,type=pci']).stdout == '0000:01:00.0\n'
    outcomes = run(['find', '-t', 'pci', '02.0/00.0'], ['find', '-t', 'all', '02.0/00.0'], ['find', '-t', 'net', '02.0/00.0'])
    assert [outcome.stdout for outcome in outcomes] == ['0000:01:00.0\n', '/dev/vda\n/dev/vda1\n/dev/vda2\n', '']
    assert outcomes[2].status == 3 and 'no device of type net' in outcomes[2].stderr


def test_nested_host_bridge():
    vmd = Machine([Root([function('0e.0', HostBridge(0xe0, [function('01.0', function('00.0', VirtioBlk()))]))])])
    tree, find, absent = on_machine(vmd, ['tree', '-J'], ['find', '0e.0/e0:01.0/00.0'], ['find', '0e.0/e0:02.0'])
    bridge = json.loads(tree.stdout)['roots'][0]['children'][0]
    assert bridge['children'][0]['children'][0]['path'] == '0e.0/e0:01.0/00.0'
    assert find.stdout == '/dev/vda\n'
    assert absent.status == 3 and 'without a function 02.0 on a bus e0 below it' in absent.stderr


def ask_s390(unique):
    """Two functions and their uids, which the host ensures to be unique or does not."""
    tree = Tree(Machine([Root([function('00.0', VirtioBlk())], domain=uid) for uid in (0, 1)]), '/sys')
    for address in ('0000:00:00.0', '0001:00:00.0'):
        Path(f'/sys/devices/pci{address[:-5]}/{address}/uid_is_unique').write_text(f'{unique}\n', encoding='ascii')
    complete(tree)
    sandbox.mount('tmpfs', '/dev', 'tmpfs')
    return [pcipath(*call) for call in (['find', '0001:00:00.0'], ['find', '00.0'], ['of', '0001:00:00.0'],
                                        ['list', '--noheadings', '-o', 'PATH'])]


def test_domain_that_the_host_does_not_know():
    """Without unique uids the kernel of s390 makes the domains up: no name is made of them."""
    second, first, of, listed = sandbox.run(ask_s390, 1)
    assert (first.status, second.stdout, of.stdout) == (0, '/dev/vdb\n', '0001:00:00.0\n')
    assert listed.stdout.split() == ['00.0', '0001:00:00.0']
    *found, of, listed = sandbox.run(ask_s390, 0)
    for outcome in found:
        assert outcome.status == 3
        assert outcome.stderr.endswith(': the host does not ensure that uids are unique, so no function has a path\n')
    assert (of.status, listed.stdout.split()) == (3, [])


def test_sub_function_is_not_its_function():
    """What a sub-function has is found by its number alone; list has all of it."""
    machine = Machine([Root([function('02.0', Net(), SubFunctions({88: [Net(), uverbs(1)], 99: [Net()]}), uverbs(0))])])
    function_, sub, flat, verbs, of_all, absent, odd, listed = on_machine(
        machine, ['find', '02.0'], ['find', '02.0,sf-88'], ['find', '02.0-sf-99'], ['find', '-t', 'infiniband_verbs', '02.0,sf-88'],
        ['find', '-t', 'all', '02.0'], ['find', '02.0,sf-7'], ['find', '02.0,sf-x'], ['list', '-n', '-o', 'NAME'])
    assert (function_.stdout, sub.stdout, flat.stdout) == ('eth2\n', 'eth3\n', 'eth4\n')
    assert verbs.stdout == '/dev/uverbs1\n' and of_all.stdout.split() == ['/dev/uverbs0', 'eth2']
    assert absent.status == 3 and 'no device of sub-function 7' in absent.stderr
    assert odd.status == 2 and 'at byte 8: a sub-function is a decimal number' in odd.stderr
    assert listed.stdout.split() == ['eth2', 'eth3', 'eth4']


def test_port_of_an_interface():
    """The suffix of its alternative name, after a comma or in the flat form."""
    machine = Machine([Root([function('02.0', Net([Port(0, 'p0'), Port(1)]), SubFunctions({88: [Net([Port(0, 'p0')])]}), uverbs(0)),
                             function('03.0', function('00.0', Net([Port(), Port(1)])))])])
    calls = [(['02.0,np0'], 'eth2'), (['02.0np0'], 'eth2'), (['02.0,d1'], 'eth3'), (['02.0,S88'], 'eth4'), (['02.0S88np0'], 'eth4'), (['02.0,S88np0,type=net'], 'eth4'),
             (['03.0/00.0,d1'], 'eth6'), (['03.0-00.0d1'], 'eth6'), (['02.0,np1'], None), (['03.0/00.0,np0'], None)]
    *found, disk, part = on_machine(machine, *(['find', '-n', '-o', 'NAME', *call] for call, _ in calls), ['find', '02.0,np0,type=block'], ['find', '02.0,np0,part=1'])
    for (call, name), outcome in zip(calls, found, strict=True):
        assert (outcome.status, outcome.stdout) == ((0, f'{name}\n') if name else (3, '')), (call, outcome)
    assert 'no device with the suffix np1 below it' in found[-2].stderr
    assert disk.status == 2 and 'a network interface has the type net, not block' in disk.stderr
    assert part.status == 2 and 'an interface has no partitions' in part.stderr


def ask_unprivileged(machine, unreadable, calls):
    """The outcomes of pcipath without the capabilities by which root reads everything. The directory has mode 000."""
    complete(Tree(machine, '/sys'))
    os.chmod(f'/sys/devices/pci0000:00/{unreadable}', 0)
    return [subprocess.run(['setpriv', '--bounding-set=-dac_override,-dac_read_search', PCIPATH, *call], capture_output=True, text=True,
                           timeout=60, check=False) for call in calls]


UNREADABLE = Machine([Root([function('02.0', function('00.0', VirtioBlk())), function('03.0', VirtioBlk()), function('1f.2', VirtioBlk())])])


def test_unreadable_function_is_not_absent():
    calls = [['find', '1f.2'], ['wait', '--timeout=0', '1f.2'], ['find', '03.0'], ['find', '1e.0'], ['list', '-n', '-o', 'PATH'],
             ['tree', '-n', '--full'], ['list', '1f.2'], ['cdi']]
    find, wait, other, absent, listed, tree, one, cdi = sandbox.run(ask_unprivileged, UNREADABLE, '0000:00:1f.2', calls)
    syspath = '/sys/devices/pci0000:00/0000:00:1f.2'
    for outcome in (find, wait, one):
        assert (outcome.returncode, outcome.stdout) == (1, '')
        assert outcome.stderr.startswith(f'pcipath: 1f.2: cannot read {syspath}: Permission denied\n')
    assert (other.returncode, other.stdout) == (0, '/dev/vdb\n')
    assert absent.returncode == 3 and 'no function 1e.0' in absent.stderr
    # The rest is shown.
    for outcome in (listed, tree):
        assert (outcome.returncode, outcome.stderr) == (1, f'pcipath: cannot read {syspath}: Permission denied\n')
        assert '02.0/00.0' in outcome.stdout and '03.0' in outcome.stdout and '1f.2' not in outcome.stdout.split()
    # A runtime would take what is missing for gone.
    assert (cdi.returncode, cdi.stdout) == (1, '') and 'Permission denied' in cdi.stderr


def test_unreadable_bridge():
    find, listed = sandbox.run(ask_unprivileged, UNREADABLE, '0000:00:02.0', [['find', '02.0/00.0'], ['list', '-n', '-o', 'PATH']])
    assert find.returncode == 1 and 'cannot read /sys/devices/pci0000:00/0000:00:02.0: Permission denied' in find.stderr
    assert listed.returncode == 1 and len(listed.stderr.splitlines()) == 1 and listed.stdout.split() == ['03.0', '1f.2']


# -- wait --

def test_wait_for_what_is_there():
    """Without udevd, a node that is not there is not ready; --removed is the opposite."""
    pci, node, removed, present = run(['wait', '-t', 'pci', '02.0/00.0', '03.0'], ['wait', '--timeout=0', '02.0/00.0'],
                                      ['wait', '--removed', '04.0'], ['wait', '--removed', '--timeout=0', '02.0/00.0'])
    assert pci.stdout == '0000:01:00.0\n0000:00:03.0\n'
    assert node.status == 4 and node.stderr.endswith('/dev/vda exists, but the kernel has not finished with it\n')
    assert (removed.status, removed.stdout) == (0, '')
    assert present.status == 4 and present.stderr.endswith('/dev/vda still exists\n')


@pytest.mark.skipif(not shutil.which('strace'), reason='no strace')
def test_wait_sleeps():
    """Nothing happens: one call that sleeps, for all of the time."""
    done = subprocess.run(['strace', '-f', '-e', 'trace=ppoll,poll,select,pselect6,epoll_wait,epoll_pwait,nanosleep,'
                           'clock_nanosleep', PCIPATH, 'wait', '--timeout=1.5', '1f.7/1f.7'], capture_output=True, text=True)
    calls = [line for line in done.stderr.splitlines() if re.match(r'\w+\(', line)]
    assert done.returncode == 4 and len(calls) == 1 and calls[0].startswith('ppoll('), done.stderr


def test_wait_for_a_list():
    """Its commas are those between paths; what else begins with one belongs to the path before. Each can have a type."""
    every, one, wrong, clash = run(['wait', '02.0/00.0,type=pci,03.0,type=pci', '02.1,type=pci'],
                                   ['wait', '-t', 'pci', '--timeout=0', '02.0/00.0,02.0/01.0,04.0,part=1,type=block'],
                                   ['wait', '02.0/00.0,part=1,2.9/0'], ['wait', '02.0/00.0,part=1,type=net'])
    assert every.stdout == '0000:01:00.0\n0000:00:03.0\n0000:00:02.1\n'
    assert one.status == 4 and [line.split(': ')[1] for line in one.stderr.splitlines()] == [
        '02.0/01.0', '04.0,part=1,type=block']
    assert wrong.status == 2 and wrong.stderr.startswith("pcipath: '2.9/0' is not a path, at byte 2: ")
    assert clash.status == 2 and 'has the type block, not net' in clash.stderr


# -- Tables --

def with_sequence_numbers():
    complete(Tree(MACHINE, '/sys'))
    Path('/sys/class/block/vda/diskseq').write_text('7\n')
    for number in (1, 2):
        Path(f'/sys/class/block/vda{number}/partition').write_text(f'{number}\n')
    sandbox.mount('tmpfs', '/dev', 'tmpfs')
    return [pcipath(*call) for call in (
        ['find', '-o', '+DISKSEQ', '02.0/00.0'], ['find', '-n', '-o', 'diskseq,name', '-t', 'all', '02.0/00.0'],
        ['find', '-J', '-t', 'pci', '02.0/00.0'], ['find', '-J', '-o', 'DISKSEQ,NAME', '02.1/00.0'], ['find', '-n', '02.0/00.0'],
        ['wait', '-J', '-o', 'NAME,DISKSEQ', '-t', 'pci', '02.0/00.0,02.1/00.0'], ['find', '-o', 'NO', '02.0/00.0'], ['find', '-J', '05.0'])]


def test_tables():
    """-o and -J make a table; without them there is a name on each line."""
    more, numbers, function, luns, names, waited, wrong, absent = sandbox.run(with_sequence_numbers)
    assert [line.split() for line in more.lines] == [['NAME', 'SUBSYSTEM', 'DISKSEQ'], ['/dev/vda', 'block', '7']]
    assert [line.split() for line in numbers.lines] == [['7', '/dev/vda'], ['7', '/dev/vda1'], ['7', '/dev/vda2']]
    assert json.loads(function.stdout) == {'devices': [{'name': '0000:01:00.0', 'subsystem': 'pci'}]}
    assert json.loads(luns.stdout) == {'devices': [{'diskseq': None, 'name': '/dev/sda'}, {'diskseq': None, 'name': '/dev/sdb'}]}
    assert names.stdout == '/dev/vda\n'
    assert json.loads(waited.stdout) == {'devices': [{'name': address, 'diskseq': None} for address in ('0000:01:00.0', '0000:02:00.0')]}
    assert (wrong.status, absent.status) == (2, 3)
