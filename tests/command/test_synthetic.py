# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every function and disk of the machines that QEMU cannot make, and of random ones: list, tree, of and find tell the
oracle's names, on every boot, and each finds what the other names."""

import json
import subprocess

import cdi
import pytest
from command.machine import complete
from command.run import PCIPATH, pcipath
from synthetic.machines import COVERS, SYNTHETIC  # noqa: F401
from trees import machine as m
from trees import sandbox
from trees.generate import random_machine
from trees.names import Names
from trees.sysfs import Tree

BOOTS = [None, 1, 2]


def output(*arguments, stdin=None):
    return subprocess.run([PCIPATH, *arguments], input=stdin, capture_output=True, text=True, check=True).stdout


def flatten_tree(rows):
    for row in rows:
        yield row
        yield from flatten_tree(row.get('children', []))


def check_functions(tree, names):
    """list -a and tree have each function once, and under its name."""
    functions = {device.devpath.rpartition('/')[2]: names[device.key].path
                 for device in tree.devices if device.subsystem == 'pci'}
    rows = json.loads(output('list', '-a', '-J', '-o', 'path,tag,address'))['functions']
    assert {row['address']: row['path'] for row in rows} == functions
    assert all(row['tag'] == row['path'].replace('/', '-').replace(':', '_') for row in rows)
    listed = [row['path'] for row in rows]
    assert listed == sorted(listed, key=listed.index)

    drawn = list(flatten_tree(json.loads(output('tree', '-J'))['roots']))
    assert {row['address']: row['path'] for row in drawn if row['address']} == functions
    if functions:
        assert output('of', *functions).split() == list(functions.values())
    return functions


def check_found(functions):
    for address, path in functions.items():
        assert output('find', '-t', 'pci', path) == address + '\n', path


def add_uses(below, tree, names):
    """Interfaces, and for what is bound to vfio the node of its group."""
    for device in tree.devices:
        if device.subsystem == 'net':
            name = names[device.key]
            below.setdefault((name.path, name.sub), []).append(device.devpath.rpartition('/')[2])
        elif device.subsystem == 'vfio':
            for function in device.key.bound:
                below[names[function].path, None] = [f'/dev/{device.devname}']


def check_disks(tree, names):
    """By link name, which has the suffix and the partition, find has one answer; by path, all of the function. Its other
    nodes are not what it is for: all of these functions are storage."""
    below = {}
    for device in tree.devices:
        name = names.get(device.key) if device.devname else None
        if name is None or not name.places:
            continue
        node = f'/dev/{device.devname}'
        for path, link in name.places:
            if device.devtype == 'disk':
                below.setdefault((path, name.sub), []).append(node)
            if link:
                assert output('find', link) == node + '\n', link
        assert sorted(output('of', device.syspath).split()) == sorted(path for path, _ in name.places), device.syspath
    add_uses(below, tree, names)
    for (path, sub), nodes in below.items():
        target = path if sub is None else f'{path},sf-{sub}'
        assert sorted(output('find', target).split()) == sorted(nodes), target
    rows = json.loads(output('list', '-J'))['functions']
    assert sorted((row['path'], row['name']) for row in rows) == sorted((p, n) for (p, sub), nodes in below.items() for n in nodes)


def check_cdi(tree, names):
    """A container can have each disk that has a link, by each of its links, and each function that is bound to vfio."""
    disks, given = {}, {}
    for device in tree.devices:
        name = names.get(device.key) if device.devname else None
        if device.devtype in ('disk', 'partition') and name is not None:
            disks |= {link: (path, f'/dev/{device.devname}') for path, link in name.places if link}
        elif device.subsystem == 'vfio':
            given |= {names[function].flat: (names[function].path, f'/dev/{device.devname}') for function in device.key.bound}
        elif device.subsystem == 'vfio-dev':
            given[name.flat] = name.path, f'/dev/{device.devname}'
    for kind, expected in (('disk', disks), ('vfio', given)):
        outcome = pcipath('cdi', '--kind', kind)
        assert outcome.status == (0 if expected else 3)
        devices = cdi.read(outcome.stdout, kind)[0] if expected else {}
        assert {name: (path, node['hostPath']) for name, (path, [node]) in devices.items()} == expected


def check_others(tree, names):
    for device in tree.devices:
        if device.devname and names.get(device.key) is None:
            assert pcipath('of', device.syspath).status == 3


def check(machine, seed):
    sandbox.empty('/sys')
    tree = Tree(machine, '/sys', seed)
    complete(tree)
    names = Names(machine)
    # A suffix of the longest link leaves no room for a link name: those are found by path alone.
    check_found(check_functions(tree, names))
    check_disks(tree, names)
    check_cdi(tree, names)
    check_others(tree, names)


@pytest.mark.parametrize('boot', BOOTS)
@pytest.mark.parametrize('name', SYNTHETIC)
def test_machine(name, boot):
    sandbox.run(check_all, [(SYNTHETIC[name].machine, boot)])


def check_all(machines):
    sandbox.mount('tmpfs', '/dev', 'tmpfs')  # whose nodes are this machine's
    for machine, seed in machines:
        check(machine, seed)


@pytest.mark.parametrize('start', range(0, 200, 20))
def test_random(start):
    sandbox.run(check_all, [(random_machine(seed), seed) for seed in range(start, start + 20)])


def check_vf_has_no_slot(machine):
    complete(Tree(machine, '/sys'))
    return pcipath('find', '-t', 'pci', '02.0/01.0'), pcipath('find', '-t', 'pci', '02.0/00.0v1')


def test_virtual_function_is_not_found_by_its_address():
    """Its slot and function are nobody's: a path that has them is of a function that is not there."""
    vfs = m.VirtualFunctions([m.vf(), m.vf()], offset=8, stride=8)
    machine = m.Machine([m.Root([m.function('02.0', m.function('00.0', vfs=vfs))])])
    by_address, by_name = sandbox.run(check_vf_has_no_slot, machine)
    assert by_address.status == 3
    assert (by_name.status, by_name.stdout) == (0, '0000:01:02.0\n')
