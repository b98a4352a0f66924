# SPDX-License-Identifier: LGPL-2.1-or-later
"""Links by id and by sequence number that `pcipath coldplug` makes. The names are typed from udev's rules; tests/vm/test_content.py
compares them with those of a udevd."""

import os
import struct
from pathlib import Path

import pytest
from command.machine import complete, links, make_nodes
from command.run import pcipath
from trees import sandbox
from trees.machine import Disk, Lun, Machine, Namespace, Nvme, Root, VirtioBlk, VirtioScsi, function
from trees.sysfs import Tree

COVERS = {"hostile_serial": "Fault: serial numbers with slashes, blanks, control characters and invalid UTF-8"}

MACHINE = Machine([Root([function('02.0', VirtioBlk(Disk(1))), function('03.0', VirtioBlk()), function('04.0', Nvme([Namespace(1), Namespace(2)])),
                         function('05.0', VirtioScsi([Lun(0, 0, disk=Disk(1))]))])])


def designator(kind, code, value):
    return bytes([code, kind, 0, len(value)]) + value


def page(number, *content):
    content = b''.join(content)
    return struct.pack('>BBH', 0, number, len(content)) + content


NAA5, NAA6 = bytes.fromhex('5000c50015ea71ac'), bytes.fromhex('6001405aabbccdd00011223344556677')
VENDOR, EUI = designator(0, 2, b's  1%'), designator(2, 1, bytes(range(8)))

# Attributes by the path of a disk, or of its function's device; the names of that disk and its partition.
VALUES = [
    ({'vda': {'serial': b' a  b$c%\xc3\xa4\\x2f'}}, {'virtio-a_b_c_ä\\x2f': 'vda', 'virtio-a_b_c_ä\\x2f-part1': 'vda1'}),
    # The first of two by PCI path.
    ({'vda': {'serial': b'same'}, 'vdb': {'serial': b'same'}}, {'virtio-same': 'vda', 'virtio-same-part1': 'vda1'}),
    ({'nvme0n1': {'wwid': b'eui.0011', 'nsid': b'1', 'device/model': b'A  b     ', 'device/serial': b's/1   '},
      'nvme0n2': {'wwid': b'nvme.1', 'nsid': b'2'}},
     {'nvme-eui.0011': 'nvme0n1', 'nvme-A__b_s_1': 'nvme0n1', 'nvme-A__b_s_1_1': 'nvme0n1', 'nvme-nvme.1': 'nvme0n2', 'nvme-A__b_s_1_2': 'nvme0n2'}),
    ({'nvme0n1': {'nsid': b'1', 'device/model': b'A  b', 'device/serial': b's1'}}, {'nvme-A_b_s1': 'nvme0n1', 'nvme-A__b_s1': 'nvme0n1', 'nvme-A__b_s1_1': 'nvme0n1', 'nvme-A__b_s1_2': 'nvme0n2'}),
    ({'sda': {'device/vpd_pg83': page(0x83, VENDOR)}}, {'scsi-0QEMU_HARD_DISK_s_1_': 'sda', 'scsi-0QEMU_HARD_DISK_s_1_-part1': 'sda1'}),
    ({'sda': {'device/vpd_pg83': page(0x83, VENDOR, EUI)}}, {'scsi-20001020304050607': 'sda', 'scsi-20001020304050607-part1': 'sda1'}),
    ({'sda': {'device/vpd_pg83': page(0x83, EUI, designator(3, 1, NAA5), designator(0x13, 1, NAA6), VENDOR)}},
     {f'{name}{NAA5.hex()}{part}': f'sda{part[5:]}' for name in ('scsi-3', 'wwn-0x') for part in ('', '-part1')}),
    ({'sda': {'device/vpd_pg83': page(0x83, designator(3, 1, NAA5), designator(3, 1, NAA6))}},
     {f'{name}{NAA6.hex()}{part}': f'sda{part[5:]}' for name in ('scsi-3', 'wwn-0x') for part in ('', '-part1')}),
    ({'sda': {'device/vpd_pg80': page(0x80, b'  number ')}}, {'scsi-SQEMU_HARD_DISK_number': 'sda', 'scsi-SQEMU_HARD_DISK_number-part1': 'sda1'}),
    # Lengths that point behind the end.
    *(({'sda': {'device/vpd_pg83': content}}, {}) for content in (b'', b'\0\x83', page(0x83), page(0x83, VENDOR)[:-1], page(0x83, b'\2\0\0'), b'\0\x83\xff\xff\2\0\0\xff')),
    ({'vda': {'diskseq': b'7'}}, {'7': 'vda', '7-part1': 'vda1'}),
]


def coldplugged(attributes):
    tree = Tree(MACHINE, '/sys')
    complete(tree)
    sandbox.mount('tmpfs', '/dev', 'tmpfs')
    for device in tree.devices:
        if device.devname:
            device.devnum = 7, 0  # an empty loop device can be opened
            Path(device.syspath, 'dev').write_text('7:0\n')
            if device.devname in ('vda1', 'sda1'):
                Path(device.syspath, 'partition').write_text('1\n')
            disk = {'device/vendor': b'QEMU    ', 'device/model': b'HARD DISK       '} if device.devname == 'sda' else {}
            if device.devname.startswith(('sd', 'nvme')) and device.devname[-2:] != 'a1':
                os.symlink('../..' if device.devname.startswith('sd') else '..', f'{device.syspath}/device')
            for name, value in {**disk, **attributes.get(device.devname, {})}.items():
                Path(device.syspath, name).write_bytes(value if 'vpd' in name else value + b'\n')
    make_nodes(tree)
    os.makedirs('/dev/links')
    done = pcipath('coldplug', '--links=/dev/links')
    return done, {name.rpartition('/')[2]: node.rpartition('/')[2] for name, node in links('/dev/links').items() if 'by-id/' in name or 'by-diskseq/' in name}


@pytest.mark.parametrize('attributes, expected', VALUES, ids=range(len(VALUES)))
def test_names(attributes, expected):
    done, found = sandbox.run(coldplugged, attributes)
    assert done.status == 0, done
    assert found == expected


@pytest.mark.parametrize('serial', [b'a/b', b'../../etc/passwd', b'\xff\x01\x1b[31m', b'x' * 300, b'.', b' '])
def test_hostile_serial(serial):
    """No name leads into another directory or has a control character."""
    done, found = sandbox.run(coldplugged, {'vda': {'serial': serial}})
    assert done.status == 0 and all(name.isprintable() and name.startswith('virtio-') for name in found)
    assert len(found) == (0 if serial.startswith((b'a/', b'..', b'x', b' ')) else 2)
