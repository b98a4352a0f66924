# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pcipath says: exit statuses, tables, JSON, drawings, reasons."""

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from command.machine import complete
from command.run import PCIPATH, on_machine, pcipath
from host.run import PCIPATH_HOST
from programs import PCIPATH_ID
from synthetic.machines import multipath, uverbs
from trees import sandbox
from trees.machine import Disk, HostBridge, Lun, Machine, Net, Root, SubFunctions, VirtioBlk, VirtioScsi, function
from trees.sysfs import Tree

VERBS = ['list', 'tree', 'of', 'find', 'wait', 'convert', 'cdi']

# A disk with partitions, two LUNs, an empty port, and a second root bus.
MACHINE = Machine([Root([function('02.0', function('00.0', VirtioBlk(Disk(2)))),
                         function('02.1', function('00.0', VirtioScsi([Lun(0, 0), Lun(1, 300, disk=Disk(1))]))),
                         function('03.0')]),
                   Root([function('00.0', VirtioBlk())], bus=0x40)])


def run(*calls, **options):
    outcomes = on_machine(MACHINE, *calls, **options)
    return outcomes[0] if len(outcomes) == 1 else outcomes


# -- Help and usage --

@pytest.mark.parametrize('arguments', [[], *([verb] for verb in [*VERBS, 'probe', 'coldplug', 'monitor', 'prune'])], ids=lambda a: ' '.join(a) or 'pcipath')
def test_help_and_version(arguments):
    for option in ['--help', '-h']:
        outcome = pcipath(*arguments, option)
        assert outcome.status == 0 and outcome.stderr == ''
        assert outcome.stdout.startswith(' '.join(['pcipath', *arguments]))
        assert all(len(line) <= 80 for line in outcome.lines), outcome.stdout
    version = pcipath(*arguments, '--version')
    assert version.status == 0 and re.fullmatch(r'pcipath \d+\.\d+\.\d+\n(\S+ )*\+MANAGER( \S+)*\n', version.stdout)


@pytest.mark.parametrize('arguments', [
    [], ['no-such-verb'], ['--no-such-option'], *([verb, '--no-such-option'] for verb in VERBS),
    ['find', '-t'], ['wait', '--timeout'], ['of'], ['find'], ['find', '02.0', '03.0'], ['wait'], ['convert'], ['list', '-o', 'NO'], ['list', '-o', ''],
    ['list', '02.9'], ['tree', '02.9'], ['find', '02.9'], ['wait', '02.9'], ['convert', '02.9'],
    ['find', '02.0,part=0'], ['find', '-t', 'net', '02.0,part=1'], ['list', '02.0,part=1'],
    ['of', '--to=no', '/dev/null'], ['convert', '--to=no', '02.0'], ['convert', '--from=no', '02.0'],
    ['convert', '--to=kata', '02.1'], ['convert', '--to=link', '02.0,part=0'], ['convert', '--to=link', '--from=path', '02.0'], ['wait', '--timeout=x', '02.0'], ['wait', '--timeout=-1', '02.0'],
    ['cdi', '02.0'], ['cdi', '-k', 'net'], ['cdi', '--kind'],
    *(['wait', f'--timeout={text}', '02.0'] for text in ('0x10', '1e3', '99999999999999999999', '1000000001', '+1', ' 1', '1 ', '.5', '5.', '1,5', 'inf', '1\n')),
    ['wait', '--timeout=nan', '02.0'], ['wait', '--timeout=', '02.0'], ['wait', '--settled', '--kernel', '02.0'],
], ids=' '.join)
def test_bad_usage(arguments):
    assert pcipath(*arguments).status == 2


@pytest.mark.parametrize('arguments', [['--list-options'], ['find', '--list-columns'], ['find', '--list-options', '02.0']], ids=' '.join)
def test_no_list(arguments):
    """--list-options stands alone behind a verb, and --list-columns is an option of verbs with columns."""
    outcome = pcipath(*arguments)
    assert outcome.status == 2 and outcome.stdout == ''


def test_abbreviated_options():
    """--list-options makes no abbreviation of another option ambiguous."""
    assert pcipath('convert', '--l', '02.0').stdout == '02.0\n'
    assert pcipath('wait', '--ti=x', '02.0').stderr.startswith('pcipath: --timeout=x: ')


def test_list_columns_of_program():
    assert pcipath('list', '--list-columns').lines[:2] == ['PATH', 'ADDRESS']
    assert pcipath('list', '-o', 'NO').stderr == "pcipath: unknown column 'NO'; see 'pcipath list --list-columns'\n"


def test_no_control_character_reaches_the_terminal():
    for arguments in (['find', '02.0\x1b[31m'], ['of', '\x1b[31m'], ['\x1b[31m'], ['list', '-o', '\x1b[31m'],
                      ['list', '--\x1b[31m'], ['list', '-\x1b'], ['list', '-a\x1b']):
        outcome = pcipath(*arguments)
        assert outcome.status in (2, 3) and '\x1b' not in outcome.stderr


@pytest.mark.parametrize('text, offset, reason', [('02.9', 3, 'a function is 0 to 7'), ('02.0/20.0', 5, 'a slot is 00 to 1f'),
                                                  ('', 0, 'an empty string'), ('PciRoot(0x0)/Pci(0x2)', 20, "a ',' is missing")])
def test_error_points_at_the_place(text, offset, reason):
    line, shown, mark = pcipath('find', text).stderr.splitlines()
    assert line == f"pcipath: '{text}' is no path, at byte {offset}: {reason}"
    assert shown == f'    {text}' and mark == ' ' * (4 + offset) + '^'


def test_output_that_cannot_be_written():
    with open('/dev/full', 'w') as full:
        for arguments in (['convert', '02.0'], ['list', '-a'], ['tree', '-J'], ['--help'], ['find', '--version']):
            assert subprocess.run([PCIPATH, *arguments], stdout=full, stderr=subprocess.DEVNULL).returncode == 1, arguments


@pytest.mark.parametrize('lines', ['02.0\0x\n', '\0\n', '03.0\n02.0\0'])
def test_line_with_a_null_byte(lines):
    outcome = pcipath('convert', '-', stdin=lines)
    assert outcome.status == 2 and 'null byte' in outcome.stderr


@pytest.mark.parametrize('program', [PCIPATH, PCIPATH_ID, PCIPATH_HOST])
@pytest.mark.parametrize('option', ['-h', '--help', '--version'])
def test_help_that_cannot_be_written(program, option):
    with open('/dev/full', 'w') as full:
        assert subprocess.run([program, option], stdout=full, stderr=subprocess.DEVNULL).returncode == 1


# -- list --

def test_list():
    outcome = run(['list'], links={'/dev/disk/by-pci-path': {'02.0-00.0': '../../vda', '02.0-00.0-part1': '../../vda1'}})
    assert outcome.lines[0].split() == ['PATH', 'ADDRESS', 'DRIVER', 'SUBSYSTEM', 'NAME', 'LINK']
    assert [line.split() for line in outcome.lines[1:]] == [
        ['02.0/00.0', '0000:01:00.0', 'virtio-pci', 'block', '/dev/vda', '/dev/disk/by-pci-path/02.0-00.0'],
        ['02.1/00.0', '0000:02:00.0', 'virtio-pci', 'block', '/dev/sda'],
        ['02.1/00.0', '0000:02:00.0', 'virtio-pci', 'block', '/dev/sdb'],
        ['0000:40:00.0', '0000:40:00.0', 'virtio-pci', 'block', '/dev/vdb']]


def test_list_json():
    outcome = run(['list', '-J', '02.0'])
    assert json.loads(outcome.stdout) == {'functions': [
        {'path': '02.0/00.0', 'address': '0000:01:00.0', 'driver': 'virtio-pci', 'subsystem': 'block', 'name': '/dev/vda',
         'link': None}]}


def test_list_of_nothing():
    empty, filtered = on_machine(Machine([]), ['list', '-J'], ['list', '02.0'])
    assert empty.status == 0 and json.loads(empty.stdout) == {'functions': []}
    assert filtered.status == 3


def test_list_columns_and_paths():
    names, more, both, every, absent = run(['list', '-n', '-o', 'name,path'], ['list', '-o', '+TAG,KIND'],
                                           ['list', '-n', '-o', 'NAME', '02.1', '0000:40:00.0'],
                                           ['list', '-a', '-n', '-o', 'PATH'], ['list', '02.0', '04.0'])
    assert [line.split() for line in names.lines] == [['/dev/vda', '02.0/00.0'], ['/dev/sda', '02.1/00.0'],
                                                      ['/dev/sdb', '02.1/00.0'], ['/dev/vdb', '0000:40:00.0']]
    assert more.lines[0].split()[-2:] == ['TAG', 'KIND'] and more.lines[1].split()[-3:] == ['02.0-00.0', 'SCSI', 'controller']
    assert both.stdout.split() == ['/dev/sda', '/dev/sdb', '/dev/vdb']
    assert every.stdout.split() == ['02.0', '02.0/00.0', '02.1', '02.1/00.0', '02.1/00.0', '03.0', '0000:40:00.0']
    assert absent.status == 3 and absent.stderr.startswith('pcipath: 04.0: no function 04.0; on the root bus there are 02.0, ')


def _identities():
    complete(Tree(Machine([Root([function('02.0')])]), '/sys'))
    Path('/sys/devices/pci0000:00/0000:00:02.0/modalias').write_text('pci:v00001AF4d00001042sv00001AF4sd00000002bc01sc00i00\n')
    known = pcipath('list', '-a', '-J', '-o', 'VENDOR,MODEL')
    for directory in ('/usr/lib/udev', '/etc/udev'):
        sandbox.mount('tmpfs', directory, 'tmpfs')
    return known, pcipath('list', '-a', '-J', '-o', 'VENDOR,MODEL')


def test_vendor_and_model():
    """In the words of udev's database; without it the numbers."""
    known, unknown = (json.loads(outcome.stdout)['functions'] for outcome in sandbox.run(_identities))
    assert known == [{'vendor': 'Red Hat, Inc.', 'model': 'Virtio 1.0 block device'}]
    assert unknown == [{'vendor': '1af4', 'model': '1042'}]


# -- tree --

DRAWING = """\
PATH           ADDRESS      KIND            NAMES
0000:00                     root bus
├─02.0         0000:00:02.0 PCIe root port
│ └─00.0       0000:01:00.0 SCSI controller /dev/vda
├─02.1         0000:00:02.1 PCIe root port
│ └─00.0       0000:02:00.0 SCSI controller /dev/sda
│                                           /dev/sdb
└─03.0         0000:00:03.0 SCSI controller
0000:40                     root bus
└─0000:40:00.0 0000:40:00.0 SCSI controller /dev/vdb
"""


def drawn(outcome):
    return ''.join(line.rstrip() + '\n' for line in outcome.lines)


def test_tree():
    assert drawn(run(['tree'])) == DRAWING


def test_tree_full():
    shown = run(['tree', '--full']).stdout
    assert '│ └─02.0/00.0  0000:01:00.0' in shown and shown.replace('02.0/00.0', '00.0     ').replace('02.1/00.0', '00.0     ') == DRAWING


def test_tree_of_a_big_machine():
    """As deep as the contract allows: no line but the longest name's is wider than the drawing needs."""
    deep = function('00.0', VirtioBlk(Disk()))
    for _ in range(24):
        deep = function('00.0', deep)
    short, full = on_machine(Machine([Root([deep])]), ['tree'], ['tree', '--full'])
    assert max(map(len, short.lines)) < 100 < max(map(len, full.lines)) and '/dev/vda' in short.stdout


def test_tree_in_ascii():
    ascii_drawing = drawn(pcipath('tree', locale='C'))
    assert ascii_drawing.isascii() and '|-' in ascii_drawing


def test_tree_json():
    root, other = json.loads(run(['tree', '-J']).stdout)['roots']
    assert [child['path'] for child in root['children']] == ['02.0', '02.1', '03.0']
    assert root['children'][1]['children'][0]['names'] == ['/dev/sda', '/dev/sdb']
    assert other['path'] == '0000:40' and 'address' in other


def test_tree_of_a_path():
    outcome = run(['tree', '-n', '02.1/00.0'])
    assert [line.split()[0].lstrip('└─') for line in outcome.lines[:2]] == ['0000:00', '02.1/00.0']


def test_nested_host_bridge():
    vmd = Machine([Root([function('0e.0', HostBridge(0xe0, [function('01.0', function('00.0', VirtioBlk()))]))])])
    tree, find, absent = on_machine(vmd, ['tree', '-J'], ['find', '0e.0/e0:01.0/00.0'], ['find', '0e.0/e0:02.0'])
    bridge = json.loads(tree.stdout)['roots'][0]['children'][0]
    assert bridge['children'][0]['children'][0]['path'] == '0e.0/e0:01.0/00.0'
    assert find.stdout == '/dev/vda\n'
    assert absent.status == 3 and 'without a function 02.0 on a bus e0 below it' in absent.stderr


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


def test_each_path_of_a_disk_has_its_own_link():
    """An NVMe multipath head is in a line for each of its live paths, with the link by that path."""
    links = [f'02.{n}-00.0-nvme-1' for n in (0, 1, 3)]
    [outcome] = on_machine(multipath(), ['list', '-n', '-o', 'PATH,NAME,LINK'],
                           links={'/dev/disk/by-pci-path': {link: '../../nvme1n1' for link in links}})
    rows = [line.split() for line in outcome.lines if '/dev/nvme1n1' in line]
    assert rows == [[f'02.{n}/00.0', '/dev/nvme1n1', f'/dev/disk/by-pci-path/02.{n}-00.0-nvme-1'] for n in (0, 1, 3)]


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


# -- of and find --

def list_beside_a_wrong_node():
    """The node that the link of vdb leads to has the number of another disk."""
    tree = Tree(Machine([Root([function('02.0', VirtioBlk()), function('03.0', VirtioBlk())])]), '/sys')
    complete(tree)
    sandbox.mount('tmpfs', '/dev', 'tmpfs')
    os.makedirs('/dev/disk/by-pci-path')
    nodes = {device.devname: device.devnum for device in tree.devices if device.devname}
    for name, path in (('vda', '02.0'), ('vdb', '03.0')):
        os.mknod(f'/dev/{name}', stat.S_IFBLK, os.makedev(*nodes['vda']))
        os.symlink(f'../../{name}', f'/dev/disk/by-pci-path/{path}')
    return pcipath('list', '-n', '-o', 'NAME,LINK')


def test_link_to_another_device_is_not_listed():
    assert sandbox.run(list_beside_a_wrong_node).stdout.split() == ['/dev/vda', '/dev/disk/by-pci-path/02.0', '/dev/vdb']


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


# -- wait --

def test_wait_for_what_is_there():
    """Without udevd, a node that is not there is not ready; --removed is the opposite."""
    pci, node, removed, present = run(['wait', '-t', 'pci', '02.0/00.0', '03.0'], ['wait', '--timeout=0', '02.0/00.0'],
                                      ['wait', '--removed', '04.0'], ['wait', '--removed', '--timeout=0', '02.0/00.0'])
    assert pci.stdout == '0000:01:00.0\n0000:00:03.0\n'
    assert node.status == 4 and node.stderr.endswith('/dev/vda is there, but the kernel is not finished with it\n')
    assert (removed.status, removed.stdout) == (0, '')
    assert present.status == 4 and present.stderr.endswith('/dev/vda is still there\n')


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
    assert wrong.status == 2 and wrong.stderr.startswith("pcipath: '2.9/0' is no path, at byte 2: ")
    assert clash.status == 2 and 'has the type block, not net' in clash.stderr


# -- convert --

def test_convert():
    assert pcipath('convert', '--to=kata', '02.0/03.0').stdout == '02/03\n'
    assert pcipath('convert', '--to=flat', '02/03', '40:00.0').stdout == '02.0-03.0\n0000_40_00.0\n'
    assert pcipath('convert', '-', '--to=uefi', stdin='02.0\n02.0/03.1\n').stdout == (
        'PciRoot(0x0)/Pci(0x2,0x0)\nPciRoot(0x0)/Pci(0x2,0x0)/Pci(0x3,0x1)\n')
    assert pcipath('convert', '-', stdin='').stdout == ''
    assert pcipath('convert', '-', stdin='02.0\nno path\n').status == 2
    assert 'no word for a function other than 0' in pcipath('convert', '--to=kata', '02.1').stderr


def test_convert_to_link():
    link = '/dev/disk/by-pci-path/02.0-00.0'
    for text in ('02.0/00.0', '2/0', '02.0-00.0', 'PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x0,0x0)'):
        assert pcipath('convert', '--to=link', text).stdout == f'{link}\n'
    assert pcipath('convert', '--to=link', '-', stdin='02/00,nvme-2,part=1\n02.0-00.0-part3\n').stdout == (
        f'{link}-nvme-2-part1\n{link}-part3\n')
    wrong = pcipath('convert', '--to=link', '02.0/00.0,nvm-2')
    assert wrong.status == 2 and 'at byte 10: no suffix' in wrong.stderr
    assert 'is not a disk' in pcipath('convert', '--to=link', '02.0/00.0,type=net').stderr
    assert 'longer than 255 bytes' in pcipath('convert', '--to=link', '/'.join(['02.0'] * 52)).stderr


# -- Kinds --

KINDS = {(0x0b4000, 0x1234, 0x1111): 'processor', (0x0d1000, 0x1234, 0x1111): 'wireless controller',
         (0x118000, 0x1234, 0x1111): 'signal processing controller', (0x130000, 0x1234, 0x1111): 'instrumentation',
         (0x00ff00, 0x1af4, 0x1002): 'memory balloon', (0xff0000, 0x1af4, 0x1045): 'memory balloon',
         (0x00ff00, 0x1af4, 0x1044): 'entropy source', (0xffff00, 0x1af4, 0x1053): 'vsock device',
         (0xff0000, 0x1234, 0x1045): 'device', (0x010000, 0x1af4, 0x1045): 'SCSI controller'}


def _kinds():
    shown = {}
    for key in KINDS:
        sandbox.empty('/sys')
        complete(Tree(Machine([Root([function('02.0')])]), '/sys'))
        for name, value in zip(('class', 'vendor', 'device'), key, strict=True):
            Path(f'/sys/devices/pci0000:00/0000:00:02.0/{name}').write_text(f'0x{value:04x}\n')
        shown[key] = pcipath('list', '-a', '-n', '-o', 'KIND').stdout.strip()
    return shown


def test_kinds():
    assert sandbox.run(_kinds) == KINDS
