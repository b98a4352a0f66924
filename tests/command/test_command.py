# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all commands share: help, usage, errors, output that cannot be written. And `pcipath convert`, which reads no device."""

import re
import subprocess

import pytest
from command.run import PCIPATH, pcipath
from host.run import PCIPATH_HOST
from programs import PCIPATH_ID

VERBS = ['list', 'tree', 'of', 'find', 'wait', 'convert', 'cdi', 'compare']


# -- Help and usage --

@pytest.mark.parametrize('arguments', [[], *([verb] for verb in [*VERBS, 'open', 'probe', 'coldplug', 'monitor', 'prune'])], ids=lambda a: ' '.join(a) or 'pcipath')
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
    ['compare'], ['compare', 'a', 'b'], ['cdi', '02.0'], ['cdi', '-k', 'usb'], ['cdi', '--kind'],
    *(['wait', f'--timeout={text}', '02.0'] for text in ('0x10', '1e3', '99999999999999999999', '1000000001', '+1', ' 1', '1 ', '.5', '5.', '1,5', 'inf', '1\n')),
    ['wait', '--timeout=nan', '02.0'], ['wait', '--timeout=', '02.0'], ['wait', '--settled', '--kernel', '02.0'],
], ids=' '.join)
def test_bad_usage(arguments):
    """An error of the command line ends with the command that shows the help. One of a path shows the position or the reason."""
    outcome = pcipath(*arguments)
    assert outcome.status == 2 and outcome.stdout == ''
    is_path_error = re.search(r"not a path, at byte|cannot be written as|, not (?:net|of a disk)|not a disk or partition", outcome.stderr)
    if arguments and not is_path_error:
        verb = f' {arguments[0]}' if arguments[0] in VERBS else ''
        if arguments[:2] == ['of', '--to=no']:
            verb = ' convert'  # its help describes the formats
        assert re.fullmatch(rf"pcipath: [^.].*[^.]\. Try 'pcipath{verb} --help'\.\n", outcome.stderr, re.DOTALL)


@pytest.mark.parametrize('arguments', [['--list-options'], ['of', '--list-columns'], ['find', '--list-options', '02.0']], ids=' '.join)
def test_no_list(arguments):
    """--list-options stands alone behind a verb, and --list-columns is an option of verbs with columns."""
    outcome = pcipath(*arguments)
    assert outcome.status == 2 and outcome.stdout == ''


def test_abbreviated_options():
    """--list-options makes no abbreviation of another option ambiguous."""
    assert pcipath('convert', '--l', '02.0').stdout == '02.0\n'
    assert pcipath('wait', '--ti=x', '02.0').stderr.startswith('pcipath: --timeout=x: ')


@pytest.mark.parametrize('arguments,reason', [(['--to'], '--to: missing argument'), (['--live=x'], '--live=x: unexpected argument'),
                                              (['--nosuch'], '--nosuch: unknown option'), (['-x'], '-x: unknown option')])
def test_option_error(arguments, reason):
    assert pcipath('convert', *arguments).stderr == f"pcipath: {reason}. Try 'pcipath convert --help'.\n"


def test_list_columns_of_program():
    assert pcipath('list', '--list-columns').lines[:2] == ['PATH', 'ADDRESS']
    assert pcipath('list', '-o', 'NO').stderr == "pcipath: unknown column 'NO'. Try 'pcipath list --help'.\n"


def test_no_control_character_reaches_the_terminal():
    for arguments in (['find', '02.0\x1b[31m'], ['of', '\x1b[31m'], ['\x1b[31m'], ['list', '-o', '\x1b[31m'],
                      ['list', '--\x1b[31m'], ['list', '-\x1b'], ['list', '-a\x1b']):
        outcome = pcipath(*arguments)
        assert outcome.status in (2, 3) and '\x1b' not in outcome.stderr


@pytest.mark.parametrize('text, offset, reason', [('02.9', 3, 'a function is 0 to 7'), ('02.0/20.0', 5, 'a slot is 00 to 1f'),
                                                  ('', 0, 'an empty string'), ('PciRoot(0x0)/Pci(0x2)', 20, "a ',' is missing")])
def test_error_points_at_the_place(text, offset, reason):
    line, shown, mark = pcipath('find', text).stderr.splitlines()
    assert line == f"pcipath: '{text}' is not a path, at byte {offset}: {reason}"
    assert shown == f'    {text}' and mark == ' ' * (4 + offset) + '^'


def test_output_that_cannot_be_written():
    with open('/dev/full', 'w') as full:
        for arguments in (['convert', '02.0'], ['list', '-a'], ['tree', '-J'], ['--help'], ['find', '--version']):
            assert subprocess.run([PCIPATH, *arguments], stdout=full, stderr=subprocess.DEVNULL).returncode == 1, arguments


@pytest.mark.parametrize('lines', ['02.0\0x\n', '\0\n', '03.0\n02.0\0'])
def test_line_with_a_null_byte(lines):
    outcome = pcipath('convert', '-', stdin=lines)
    assert outcome.status == 2 and 'null byte' in outcome.stderr


@pytest.mark.parametrize('program', [PCIPATH, PCIPATH_ID, PCIPATH_ID.with_name('pcipath_altname'), PCIPATH_HOST])
@pytest.mark.parametrize('option', ['-h', '--help', '--version'])
def test_help_that_cannot_be_written(program, option):
    with open('/dev/full', 'w') as full:
        assert subprocess.run([program, option], stdout=full, stderr=subprocess.DEVNULL).returncode == 1


# -- convert --

def test_convert():
    assert pcipath('convert', '--to=kata', '02.0/03.0').stdout == '02/03\n'
    assert pcipath('convert', '--to=flat', '02/03', '40:00.0').stdout == '02.0-03.0\n0000_40_00.0\n'
    assert pcipath('convert', '-', '--to=uefi', stdin='02.0\n02.0/03.1\n').stdout == (
        'PciRoot(0x0)/Pci(0x2,0x0)\nPciRoot(0x0)/Pci(0x2,0x0)/Pci(0x3,0x1)\n')
    assert pcipath('convert', '-', stdin='').stdout == ''
    assert pcipath('convert', '-', stdin='02.0\nno path\n').status == 2
    assert 'cannot express a function other than 0' in pcipath('convert', '--to=kata', '02.1').stderr


def test_convert_to_link():
    link = '/dev/disk/by-pci-path/02.0-00.0'
    for text in ('02.0/00.0', '2/0', '02.0-00.0', 'PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x0,0x0)'):
        assert pcipath('convert', '--to=link', text).stdout == f'{link}\n'
    assert pcipath('convert', '--to=link', '-', stdin='02/00,nvme-2,part=1\n02.0-00.0-part3\n').stdout == (
        f'{link}-nvme-2-part1\n{link}-part3\n')
    wrong = pcipath('convert', '--to=link', '02.0/00.0,nvm-2')
    assert wrong.status == 2 and 'at byte 10: unknown suffix' in wrong.stderr
    assert 'is not a disk' in pcipath('convert', '--to=link', '02.0/00.0,type=net').stderr
    assert 'longer than 255 bytes' in pcipath('convert', '--to=link', '/'.join(['02.0'] * 52)).stderr
