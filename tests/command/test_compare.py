# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath compare`: what the host expects, against what a synthetic guest has."""

import json
import os
from pathlib import Path

import pytest
from command.machine import NETWORK, complete
from command.run import pcipath
from host.run import pcipath_host
from host.test_documents import DOCUMENTS, GUESTS
from trees import sandbox
from trees.machine import Ata, AtaPort, Disk, Lun, Machine, Net, Nvme, Namespace, Port, Root, VirtioBlk, VirtioScsi, VirtualFunctions, function
from trees.sysfs import Tree

COVERS = {
    "guest_differences": "Host: `pcipath compare`: devices that moved, went or came",
    "guest_of_a_monitor": "Host: `pcipath compare`: the list of each monitor, and a guest like that",
    "list_of_wrong_shape": "Fault: a saved list with missing or impossible values",
}

MACHINE = Machine([Root([function('00.0'), function('02.0', function('00.0', VirtioBlk(Disk(2)))),
                         function('02.1', function('00.0', VirtioScsi([Lun(0, 0), Lun(1, 0)]))),
                         function('02.2', function('00.0', Net())), function('02.3', function('00.0', Nvme([Namespace(1)]))),
                         function('1f.0'), function('1f.2', Ata([AtaPort(1)])), function('1f.3')])])
CLASSES = {'00.0': 0x060000, '1f.0': 0x060100, '1f.2': 0x010601, '1f.3': 0x0c0500}
MAC, SERIAL = '52:54:00:12:34:56', 'a-serial-of-more-than-20'


def row(path, kind='device', name=None, **more):
    return {'id': path, 'type': 'x', 'kind': kind, 'path': path, 'name': name, 'absent': None} | more


def disk(path, suffix='', **more):
    return row(path, 'disk', '/dev/disk/by-pci-path/' + path.replace('/', '-').replace(':', '_') + suffix, **more)


def card(path, **more):
    return row(path, 'network controller', 'pci-' + path.replace('/', '-'), **more)


PORTS = [row(f'02.{n}', 'PCIe root port') for n in range(4)]
LIST = [*PORTS, disk('02.0/00.0', serial=SERIAL), row('02.1/00.0', 'SCSI controller'), disk('02.1/00.0', '-scsi-0:0:0:0'),
        disk('02.1/00.0', '-scsi-0:0:1:0'), card('02.2/00.0', mac=MAC.upper()), disk('02.3/00.0', '-nvme-1')]


def make(machine):
    """The serial number of the first disk and the address of the interface, as drivers show them."""
    tree = Tree(machine, '/sys')
    complete(tree)
    for path in Path('/sys/devices').glob('pci*/*/class'):
        if (name := path.parent.name.rpartition(':')[2]) in CLASSES:
            path.write_text(f'0x{CLASSES[name]:06x}\n')
        elif not [*path.parent.glob('**/block')] and not [*path.parent.glob('*:*')] and name < '1':
            path.write_text('0xff0000\n')  # as monitors give it to virtio devices that are no disks
    for device in tree.devices:
        if device.devname == 'vda':
            Path(device.syspath, 'serial').write_text(SERIAL[:20])
        if device.subsystem == 'net':
            Path(device.syspath, 'address').write_text(MAC + '\n')
            Path(device.syspath.partition('/net/')[0], 'class').write_text(f'0x{NETWORK:06x}\n')
    sandbox.mount('tmpfs', '/dev', 'tmpfs')


def compare_all(machine, texts, arguments):
    make(machine)
    return [pcipath('compare', *arguments, '-', stdin=text) for text in texts]


def compare(*lists, machine=MACHINE):
    """For each list what changed, as (change, id, old, new)."""
    texts = [json.dumps({'devices': rows}) for rows in lists]
    for done in sandbox.run(compare_all, machine, texts, ['-J']):
        assert done.stderr == '', done.stderr
        changes = json.loads(done.stdout)['changes']
        assert done.status == bool(changes)
        yield [(change['change'], change['id'], change['old'], change['new']) for change in changes]


def without(*paths):
    return [entry for entry in LIST if entry['path'] not in paths]


DIFFERENCES = [
    (LIST, []),
    # Rows that say that the guest may not have the device.
    ([*LIST, row(None, absent='behind a bridge'), row('02.3/00.0v1', 'NVMe controller', absent='if the guest enables it')], []),
    ([*LIST, disk('03.0')], [('went', '03.0', '03.0', None)]),
    (without('02.0/00.0'), [('came', None, None, '02.0/00.0')]),
    ([entry for entry in LIST if not (entry['name'] or '').endswith('0:0:1:0')], [('came', None, None, '02.1/00.0,scsi-0:0:1:0')]),
    # The serial number and the MAC address are those of another place.
    ([*without('02.0/00.0'), disk('03.0', serial=SERIAL)], [('moved', '03.0', '03.0', '02.0/00.0')]),
    ([*without('02.2/00.0'), card('03.0', mac=MAC)], [('moved', '03.0', '03.0', '02.2/00.0')]),
    # Two rows of one number.
    ([*without('02.0/00.0'), disk('03.0', serial=SERIAL), disk('04.0', serial=SERIAL)],
     [('went', '03.0', '03.0', None), ('went', '04.0', '04.0', None), ('came', None, None, '02.0/00.0')]),
    # Another device in the place of the expected one.
    ([*without('02.0/00.0'), disk('02.0/00.0', serial='other')], [('went', '02.0/00.0', '02.0/00.0', None), ('came', None, None, '02.0/00.0')]),
    ([*without('02.2/00.0'), disk('02.2/00.0')], [('went', '02.2/00.0', '02.2/00.0', None), ('came', None, None, '02.2/00.0')]),
    ([*without('02.0/00.0'), card('02.0/00.0')], [('went', '02.0/00.0', '02.0/00.0', None), ('came', None, None, '02.0/00.0')]),
    ([*without('02.0/00.0'), row('02.0/00.0', 'USB controller')], [('went', '02.0/00.0', '02.0/00.0', None), ('came', None, None, '02.0/00.0')]),
    # What is passed through can have disks that the host does not know.
    ([*without('02.3/00.0'), row('02.3/00.0')], []),
    ([*without('02.1/00.0'), row('02.1/00.0', 'SCSI controller', type='vhost-scsi-pci')], []),
]


def test_guest_differences():
    found = compare(*(rows for rows, _ in DIFFERENCES))
    for (_, expected), changes in zip(DIFFERENCES, found, strict=True):
        assert changes == expected


def test_devices_that_nobody_asked_for():
    """Virtual functions that the guest has enabled are none of the host's; a controller without disks is."""
    machine = Machine([Root([function('02.0', Net(), vfs=VirtualFunctions([function('00.0', Net())])), function('03.0', VirtioScsi([])), function('04.0', Net())])])
    [changes] = compare([card('02.0'), card('04.0')], machine=machine)
    assert changes == [('came', None, None, '03.0')]


def test_failover_pair():
    """The host lists the standby interface, which has no id. A list that it has saved earlier may lack it."""
    standby = row('02.0', 'standby interface', 'pci-02.0nsby', id=None)
    ports = [Port(0), Port(0, 'sby')]
    pair, alone = (Machine([Root([function('02.0', Net(number, virtio=True))])]) for number in (ports, ports[:1]))
    assert [*compare([card('02.0'), standby], [card('02.0')], [standby], machine=pair)] == [[], [], []]
    assert [*compare([card('02.0'), standby], machine=alone)] == [[('went', None, '02.0,nsby', None)]]


@pytest.mark.parametrize('monitor', GUESTS)
def test_guest_of_a_monitor(monitor):
    """Its host bridges are in no list."""
    listed = json.loads(pcipath_host('list', '-J', '-o', '+MAC,SERIAL', f'--{monitor}={DOCUMENTS}/{monitor}.json').stdout)['devices']
    # The synthetic guest has no interfaces.
    rows = [entry | {'name': None, 'kind': 'device'} if (entry['name'] or '').startswith('pci-') else entry for entry in listed]
    assert [*compare(rows, rows[1:], machine=GUESTS[monitor])] == [[], [('came', None, None, rows[0]['path'])]]


ENTRY = disk('02.0/00.0')


@pytest.mark.parametrize('text, reason', [
    ('', 'the document is empty: nothing came from standard input'), ('{', 'not JSON: byte 1: '), ('[]', 'the document is not a JSON object'),
    ('{} x', 'not JSON: byte 3: text after the end'), ('{"a":' + '[' * 99, 'nested too deeply'), ('{}', 'the key devices is missing'),
    ('{"devices": 1}', 'devices is not of type array'), ('{"devices": [1]}', 'devices[0] is not an object'),
    ('{"devices": [{"id": "\\u0000"}]}', 'a string has a null byte'), ('{"devices": [{"id": "\n"}]}', 'a string has a control character'),
    ('{"devices": [{"id": "\\x"}]}', 'unknown escape sequence'), ('{"devices": [{"id": "\\u12g4"}]}', 'expected four hexadecimal digits'),
    ('{"devices": [{"id": nul}]}', 'devices[0].id is not of type string'), ('{"devices": [,]}', 'devices[0] is not an object'),
    ('{"devices": [{"x": 01}]}', 'expected a comma or the end'), ('{"devices": [{"x": -}]}', 'expected a value'),
    *((json.dumps({'devices': [ENTRY, {key: value for key, value in ENTRY.items() if key != gone}]}), f'devices[1].{gone} is missing')
      for gone in ('id', 'type', 'kind', 'path')),
    (json.dumps({'devices': [ENTRY | {'path': '02.9'}]}), "devices[0].path: '02.9' is not a PCI path: byte 3: "),
    (json.dumps({'devices': [ENTRY | {'name': '/dev/vda'}]}), "devices[0].name: '/dev/vda' is not a name of its path"),
])
def test_list_of_wrong_shape(text, reason):
    """The guest and the host read a list with the same code."""
    done = pcipath('compare', '-', stdin=text)
    assert done.status == 2 and reason in done.stderr and done.stderr.count('\n') == 1


def test_any_json():
    """Another program may have written the list anew: other white space, other keys, escapes."""
    rows = [entry | {'new': [1.5e-3, {'a': [True, False, None, 'x']}], 'more': -0} for entry in LIST]
    text = json.dumps({'version': 2, 'devices': rows}, indent=3).replace('02.0/00.0', '02.0\\/00\\u002e0').replace('a-serial', '\\u0061-serial')
    [done] = sandbox.run(compare_all, MACHINE, [text], ['-J'])
    assert (done.status, json.loads(done.stdout)) == (0, {'changes': []})
    [done] = sandbox.run(compare_all, MACHINE, [json.dumps({'devices': [*LIST, disk('03.0', id='\U0001d11e\x1b\ud800')]})], [])
    assert done.lines[1].split()[:2] == ['went', '𝄞\\x1b\ufffd']


def test_lines(tmp_path):
    (tmp_path / 'list').write_text(json.dumps({'devices': without('02.0/00.0')}))

    def on_machine():
        make(MACHINE)
        return pcipath('compare', '-n', str(tmp_path / 'list')), pcipath('compare', os.devnull), pcipath('compare'), pcipath('compare', '/no/such')

    done, empty, without_file, absent = sandbox.run(on_machine)
    assert (done.status, done.stdout.split()) == (1, ['came', 'disk', '02.0/00.0', '/dev/vda'])
    assert [outcome.status for outcome in (empty, without_file, absent)] == [2, 2, 2]
    assert absent.stderr == 'pcipath: /no/such: cannot open: No such file or directory\n'
