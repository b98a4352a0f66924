# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completion in bash, as the shell calls it; the zsh file is held to the same words."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from command.run import PCIPATH

COMPLETION = Path(__file__).parents[2] / 'completion'
VERBS = ['list', 'tree', 'of', 'find', 'wait', 'convert', 'probe', 'coldplug', 'monitor', 'prune', 'cdi']

# Stands in for the machine.
FAKE = """pcipath() { case "$*" in *ADDRESS*) echo 0000:01:00.0;; *) printf '%s\\n' 02.0 02.0/00.0 0000:40:00.0;; esac; }"""


def complete(*words):
    """What bash would offer for the last word."""
    quoted = ' '.join(f"'{word}'" for word in words)
    script = f"""{FAKE}
        source {COMPLETION}/pcipath.bash
        compopt() {{ :; }}
        COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1} COMPREPLY=()
        _pcipath
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(['bash', '--norc', '-c', script], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stderr == ''
    return done.stdout.split()


def test_verbs():
    assert sorted(complete('pcipath', '')) == sorted([*VERBS, '--help', '--version'])
    assert complete('pcipath', 'con') == ['convert']


def test_paths_that_exist():
    assert complete('pcipath', 'find', '') == ['0000:40:00.0', '02.0', '02.0/00.0']
    assert complete('pcipath', 'wait', '--removed', '02.0/') == ['02.0/00.0']
    assert complete('pcipath', 'of', '0000') == ['0000:01:00.0']
    assert '/dev/null' in complete('pcipath', 'of', '/dev/nul')


def test_arguments():
    assert complete('pcipath', 'convert', '--to=k') == ['kata', 'kernel']
    assert complete('pcipath', 'convert', '--to=l') == ['lspci', 'link'] and complete('pcipath', 'of', '--to=l') == ['lspci']
    assert complete('pcipath', 'list', '-o', 'S') == ['SUBSYSTEM', 'SYSPATH']
    assert complete('pcipath', 'find', '-t', 'b') == ['block']
    assert complete('pcipath', 'cdi', '-k', '') == ['disk', 'vfio']
    assert complete('pcipath', 'probe', '-o', 'PARTL') == ['PARTLABEL']
    assert complete('pcipath', 'monitor', '--links=/ro') == ['/root']


@pytest.mark.parametrize('verb', VERBS)
def test_every_option_is_completed(verb):
    text = subprocess.run([PCIPATH, verb, '--help'], capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r'(?<!\S)(?:-\w )? *(--[a-z-]+)', text.partition('\n')[2]))
    assert {word.rstrip('=') for word in complete('pcipath', verb, '--')} == options
    zsh = (COMPLETION / '_pcipath').read_text()
    assert all(option in zsh or option.removeprefix('--') in zsh for option in options)
