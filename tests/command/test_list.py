# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath list` and `pcipath tree`: tables, JSON and drawings of a whole machine."""

import json
import os
import stat
from pathlib import Path

from command.machine import complete
from command.run import on_machine, pcipath, run
from synthetic.parts import multipath
from trees import sandbox
from trees.machine import Disk, Machine, Root, VirtioBlk, function
from trees.sysfs import Tree


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


def test_each_path_of_a_disk_has_its_own_link():
    """An NVMe multipath head is in a line for each of its live paths, with the link by that path."""
    links = [f'02.{n}-00.0-nvme-1' for n in (0, 1, 3)]
    [outcome] = on_machine(multipath(), ['list', '-n', '-o', 'PATH,NAME,LINK'],
                           links={'/dev/disk/by-pci-path': {link: '../../nvme1n1' for link in links}})
    rows = [line.split() for line in outcome.lines if '/dev/nvme1n1' in line]
    assert rows == [[f'02.{n}/00.0', '/dev/nvme1n1', f'/dev/disk/by-pci-path/02.{n}-00.0-nvme-1'] for n in (0, 1, 3)]


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
