# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of pcipath(1), run as they stand there on a machine like the one they speak of."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from command.machine import complete
from command.run import PCIPATH
from trees import sandbox
from trees.machine import Disk, Lun, Machine, Root, VirtioBlk, VirtioScsi, function
from trees.sysfs import Tree

MANUAL = Path(__file__).parents[2] / 'man/pcipath.1.scd'
MACHINE = Machine([Root([function('02.0', function('00.0', VirtioBlk(Disk(1)))),
                         function('02.1', function('00.0', VirtioScsi([Lun(0, 0), Lun(1, 1)]))),
                         function('03.0')])])


def examples():
    """Each command of the manual with the output below it."""
    text = MANUAL.read_text().partition('# EXAMPLES')[2]
    blocks = re.findall(r'^```\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)
    pairs = [part.split('\n', 1) for block in blocks for part in re.split(r'^\$ ', block, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, output in pairs]


def run_all(commands):
    tree = Tree(MACHINE, '/sys')
    complete(tree)
    sandbox.mount('tmpfs', '/dev', 'tmpfs')
    os.makedirs('/dev/disk/by-pci-path')
    os.symlink('../../vda', '/dev/disk/by-pci-path/02.0-00.0')
    for device in tree.devices:
        if device.devname:
            os.mknod(f'/dev/{device.devname}', 0o60600, os.makedev(*device.devnum))
    env = os.environ | {'PATH': f'{PCIPATH.parent}:/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'}
    return [subprocess.run(command, shell=True, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
            for command in commands]


def stripped(text):
    return [line.rstrip() for line in text.rstrip('\n').split('\n')]


def test_examples():
    commands = [command for command, _ in examples()]
    assert len(commands) > 8
    for (command, expected), output in zip(examples(), sandbox.run(run_all, commands), strict=True):
        assert stripped(output) == stripped(expected), command


HOST = PCIPATH.parent / 'host/pcipath-host'
PAGES = {'pcipath.1.scd': PCIPATH, 'pcipath-host.1.scd': HOST, 'pcipath_id.8.scd': None}


@pytest.mark.parametrize('page', PAGES)
def test_exit_statuses(page):
    """The sources define the meaning of each status once. Both commands print it, and each page repeats it."""
    table = (MANUAL.parents[1] / 'helper/program/exit-status.h').read_text()
    defined = {number: meaning for number, meaning in re.findall(r'ROW\(EXIT_\w+, (\d+), "(.*)"\)', table)}
    assert list(defined) == ['0', '1', '2', '3', '4']
    if PAGES[page]:
        text = subprocess.run([PAGES[page], '--help'], capture_output=True, text=True, check=True).stdout
        section = re.search(r'^Exit status:\n(.*?)^$', text, re.MULTILINE | re.DOTALL)[1]
        assert dict(re.findall(r'^  (\d+)  (.*)$', section, re.MULTILINE)) == defined
    else:
        del defined['4']  # udev's helpers have no timeout
    section = re.search(r'^# EXIT STATUS\n(.*?)^# ', (MANUAL.parent / page).read_text(), re.MULTILINE | re.DOTALL)[1]
    described = dict(re.findall(r'^\*(\d+)\*\n\t(.*)$', section, re.MULTILINE))
    assert described.keys() == defined.keys()
    for number, meaning in defined.items():
        assert re.match(re.escape(meaning) + '[.,:]', described[number][0].lower() + described[number][1:]), number


def test_every_option_is_described():
    """What --help knows, the manual knows."""
    manual = MANUAL.read_text()
    for verb in ['list', 'tree', 'of', 'find', 'wait', 'open', 'convert', 'probe', 'coldplug', 'monitor', 'prune', 'cdi', 'compare', 'alias']:
        text = subprocess.run([PCIPATH, verb, '--help'], capture_output=True, text=True, check=True).stdout
        assert f'## pcipath {verb}' in manual
        for option in re.findall(r'--[a-z-]+', text):
            assert option in ('--help', '--version') or option in manual, option
        for column in re.findall(r'\b[A-Z]{4,}\b', text.partition('Columns:')[2].partition('See ')[0]):
            assert f'*{column}*' in manual


def test_synopsis():
    """The manual has the synopsis of --help, but for options that exclude each other and those of all verbs."""
    lines = re.search(r'^# SYNOPSIS\n\n(.*?)\n\n', MANUAL.read_text(), re.MULTILINE | re.DOTALL)[1].split('\n')
    manual = [re.sub(r'[*_]|\+\+$', '', line).replace('|--', '] [--') for line in lines]
    verbs = subprocess.run([PCIPATH, '--list-verbs'], capture_output=True, text=True, check=True).stdout.split()
    shown = [subprocess.run([PCIPATH, verb, '--help'], capture_output=True, text=True, check=True).stdout.partition('\n\n')[0]
             for verb in verbs if not verb.startswith('-')]
    assert manual == [' '.join(text.split()) for text in shown]
