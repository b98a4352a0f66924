# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completion in bash and zsh, as the shells call it, also over names that would run a command."""

import contextlib
import json
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from command.run import PCIPATH
from host.test_sockets import machine_with, qemu, served

COMPLETION = Path(__file__).parents[2] / 'completion'
HOST = PCIPATH.parent / 'host/pcipath-host'
VERBS = ['list', 'tree', 'of', 'find', 'wait', 'open', 'convert', 'probe', 'coldplug', 'monitor', 'prune', 'cdi', 'compare', 'alias']

# Replaces the machine. The program itself lists its verbs, options and columns.
FAKE = f"""pcipath() {{
    case "$*" in *--list-*) {PCIPATH} "$@";; *ADDRESS*) echo 0000:01:00.0;; alias*) printf '%s\\n' database lan;; *) printf '%s\\n' 02.0 02.0/00.0 0000:40:00.0;; esac
}}"""


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
    assert complete('pcipath', 'find', '0') == ['0000:40:00.0', '02.0', '02.0/00.0']
    assert complete('pcipath', 'find', '') == ['0000:40:00.0', '02.0', '02.0/00.0', 'alias:database', 'alias:lan']
    assert complete('pcipath', 'open', 'alias:d') == ['alias:database'] and complete('pcipath', 'of', 'alias:') == []
    assert complete('pcipath', 'wait', '--removed', '02.0/') == ['02.0/00.0']
    assert complete('pcipath', 'of', '0000') == ['0000:01:00.0']
    assert '/dev/null' in complete('pcipath', 'of', '/dev/nul')


def test_arguments():
    assert complete('pcipath', 'convert', '--to=k') == ['kata', 'kernel']
    assert complete('pcipath', 'convert', '--to=l') == ['lspci', 'link'] and complete('pcipath', 'of', '--to=l') == ['lspci']
    assert complete('pcipath', 'list', '-o', 'S') == ['SUBSYSTEM', 'SYSPATH']
    assert complete('pcipath', 'find', '-t', 'b') == complete('pcipath', 'find', '--type=b') == ['block']
    assert complete('pcipath', 'cdi', '-k', '') == ['disk', 'vfio', 'rdma', 'net', 'alias']
    assert complete('pcipath', 'probe', '-o', 'PARTL') == ['PARTLABEL']
    assert complete('pcipath', 'list', '--output=S') == ['SUBSYSTEM', 'SYSPATH'] and complete('pcipath', 'of', '-o', 'S') == []
    assert complete('pcipath', 'open', '--kernel', '-t', 'block', '02.0/') == ['02.0/00.0']
    for options in [], ['-t', 'block']:  # once for each directory of $PATH
        assert set(complete('pcipath', 'open', *options, '02.0', 'trunca')) == {'truncate'}
    assert complete('pcipath', 'monitor', '--links=/ro') == complete('pcipath', 'cdi', '--write=/ro') == ['/root']


def complete_host(*words):
    """What bash would offer for the last word of a command line of pcipath-host."""
    quoted = ' '.join(f"'{word}'" for word in words)
    script = f"""
        source {COMPLETION}/pcipath-host.bash
        compopt() {{ :; }}
        COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1} COMPREPLY=()
        _pcipath_host
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(['bash', '--norc', '-c', script], capture_output=True, text=True, check=True,
                          env=os.environ | {'PATH': f"{HOST.parent}:{os.environ['PATH']}"})
    assert done.stderr == ''
    return done.stdout.split()


def listed(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout.split()


def shown_options(program, verb):
    """The options in --help, with an '=' where one needs an argument."""
    text = subprocess.run([program, verb, '--help'], capture_output=True, text=True, check=True).stdout
    return [name + equals for name, equals in re.findall(r'^ +(?:-\w )?(--[a-z-]+)(=?)', text, re.MULTILINE)]


def zsh_branch(name, verb):
    """What zsh's function completes for a verb."""
    zsh = (COMPLETION / name).read_text()
    return re.search(rf'^ +(?:\w+\|)*{verb}(?:\|\w+)*\)\s(.*?);;', zsh, re.MULTILINE | re.DOTALL)[1]


def zsh_options(text):
    return set(re.findall(r'(?<![\w(])--[a-z-]+', re.sub(r"'\([^)]*\)", "'", text)))


@pytest.mark.parametrize('verb', VERBS)
def test_every_option_is_completed(verb):
    """bash offers the options that --help shows. zsh's list has the same options."""
    options = listed(PCIPATH, verb, '--list-options')
    assert options == shown_options(PCIPATH, verb) == complete('pcipath', verb, '--')
    assert zsh_options(zsh_branch('_pcipath', verb)) | {'--help', '--version'} == {option.rstrip('=') for option in options}


HOST_VERBS = ['list', 'of', 'free', 'tree', 'compare', 'alias']


@pytest.mark.parametrize('verb', HOST_VERBS)
def test_every_option_of_the_host_is_completed(verb):
    options = listed(HOST, verb, '--list-options')
    assert options == shown_options(HOST, verb) == complete_host('pcipath-host', verb, '--')
    common = re.search(r'^ +common=\((.*?)\n\n', (COMPLETION / '_pcipath-host').read_text(), re.MULTILINE | re.DOTALL)[1]
    assert zsh_options(common) | zsh_options(zsh_branch('_pcipath-host', verb)) | {'--help'} == {option.rstrip('=') for option in options}


def test_verbs_of_the_host():
    assert complete_host('pcipath-host', '') == listed(HOST, '--list-verbs') == [*HOST_VERBS, '--help', '--version']
    zsh = (COMPLETION / '_pcipath-host').read_text()
    assert re.findall(r"'(\w+):", re.search(r'verbs=\((.*?)\)', zsh, re.DOTALL)[1]) == HOST_VERBS
    assert complete_host('pcipath-host', 'nosuch', '--') == complete_host('pcipath-host', '', '') == []


def test_every_format_is_completed():
    """bash and zsh have lists of the formats in the help."""
    text = subprocess.run([PCIPATH, 'convert', '--help'], capture_output=True, text=True, check=True).stdout
    formats = re.findall(r'^  ([a-z]+) +\S', text.partition('FORMAT  example\n')[2].partition('\n\n')[0], re.MULTILINE)
    assert len(formats) > 5 and complete('pcipath', 'convert', '--to=') == formats
    assert complete('pcipath', 'convert', '--from=') == complete('pcipath', 'of', '--to=') == formats[:-1]
    assert re.search(r'format=\(([a-z ]+)\)', (COMPLETION / '_pcipath').read_text())[1].split() == formats[:-1]


@pytest.mark.parametrize('verb,option,word,pattern', [('find', 'type', 'TYPE', r'\b(block|net|pci|all)\b(?=,| or another| for the| \[)'),
                                                      ('cdi', 'kind', 'KIND', r'(?:^|; )(\w+):')])
def test_every_type_and_kind_is_completed(verb, option, word, pattern):
    """bash and zsh have lists of those in the help of the option."""
    text = subprocess.run([PCIPATH, verb, '--help'], capture_output=True, text=True, check=True).stdout
    shown = re.findall(pattern, re.sub(r'\n +', ' ', text).partition(f'--{option}={word}')[2].strip().partition('\n')[0])
    assert len(shown) > 3
    assert complete('pcipath', verb, f'-{option[0]}', '') == complete('pcipath', verb, f'--{option}=') == shown
    assert re.findall(rf':{option}:\(([a-z ]+)\)', (COMPLETION / '_pcipath').read_text()) == [' '.join(shown)] * (3 if verb == 'find' else 1)


@pytest.mark.parametrize('verb', ['list', 'probe', 'alias', 'find', 'wait'])
def test_every_column_is_completed(verb):
    columns = listed(PCIPATH, verb, '--list-columns')
    assert complete('pcipath', verb, '-o', '') == columns
    assert re.search(r"compadd - ([A-Z ]+)'", zsh_branch('_pcipath', verb))[1].split() == columns


def test_every_column_of_the_host_is_completed():
    columns = listed(HOST, 'list', '--list-columns')
    assert complete_host('pcipath-host', 'list', '-o', '') == complete_host('pcipath-host', 'list', '--output=') == columns
    assert re.search(r"compadd - ([A-Z ]+)'", zsh_branch('_pcipath-host', 'list'))[1].split() == columns


HOSTILE = ['$(touch canary)', '`touch canary`', ";touch canary;", "a'b", '$x', 'b c', '*', '~root', '\\', '<(touch canary)', 'é', 'plain']


def write_domain(path):
    disks = ''.join(f"<disk type='file' device='disk'><target dev='vd{index}' bus='virtio'/><alias name='{escape(name, {chr(39): '&apos;'})}'/>"
                    f"<address type='pci' domain='0' bus='0' slot='{index + 1:#x}' function='0'/></disk>"
                    for index, name in enumerate(HOSTILE))
    path.write_text(f"<domain type='kvm'><os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os><devices>"
                    f"<controller type='pci' index='0' model='pci-root'/>{disks}</devices></domain>")


def write_vm_info(path):
    """Cloud Hypervisor's answer of a running machine."""
    cards = [{"id": name} for name in HOSTILE]
    tree = {f"_virtio-pci-{name}": {"pci_bdf": f"0000:00:{index + 1:02x}.0", "children": [name]} for index, name in enumerate(HOSTILE)}
    path.write_text(json.dumps({"config": {"net": cards}, "device_tree": tree}, indent=1))


@contextlib.contextmanager
def source_of_ids(kind, directory):
    """The option for a machine whose devices have hostile ids."""
    if kind == 'qmp':
        with served(qemu(machine_with(**{name: ('virtio-blk-pci', 8 * (index + 1)) for index, name in enumerate(HOSTILE)}))) as path:
            yield f'--qmp={path}'
    else:
        {'libvirt': write_domain, 'cloud-hypervisor': write_vm_info}[kind](directory / 'document')
        yield f'--{kind}=document'


@pytest.mark.parametrize('kind', ['libvirt', 'cloud-hypervisor', 'qmp'])
def test_hostile_ids(kind, tmp_path):
    """What is offered is one word of the shell, and offering it runs nothing."""
    directory = tmp_path / 'cwd'
    directory.mkdir()
    with source_of_ids(kind, directory) as source:
        script = f"""
            source {COMPLETION}/pcipath-host.bash
            compopt() {{ :; }}
            COMP_WORDS=(pcipath-host of {source} '') COMP_CWORD=3 COMPREPLY=()
            _pcipath_host
            for word in "${{COMPREPLY[@]}}"; do eval "printf '%s\\n' $word"; done"""
        done = subprocess.run(['bash', '--norc', '-c', script], capture_output=True, text=True, check=True, cwd=directory,
                              env=os.environ | {'PATH': f"{HOST.parent}:{os.environ['PATH']}"})
    assert done.stderr == '' and not (directory / 'canary').exists()
    # An id with an escape in JSON is not offered.
    assert {'plain', '$(touch canary)', '`touch canary`', 'b c'} <= set(done.stdout.splitlines()) <= {*HOSTILE, *(f'vd{n}' for n in range(20))}


def test_hostile_interface(tmp_path):
    """The kernel lets an interface have such a name."""
    name = '$(>canary)'
    script = f"""
        mount -t sysfs sysfs /sys
        ip link set lo name '{name}'
        source {COMPLETION}/pcipath.bash
        compopt() {{ :; }}
        COMP_WORDS=(pcipath of '') COMP_CWORD=2 COMPREPLY=()
        _pcipath
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(['unshare', '--net', '--mount', 'bash', '--norc', '-c', script], capture_output=True, text=True, check=True,
                          cwd=tmp_path, env=os.environ | {'PATH': f"{PCIPATH.parent}:{os.environ['PATH']}"})
    assert done.stderr == '' and os.listdir(tmp_path) == []
    assert '\\$\\(\\>canary\\)' in done.stdout.splitlines()


def test_hostile_names():
    """From devices and paths, in a shell that would run a command in them."""
    quoted = ' '.join("'" + name.replace("'", "'\\''") + "'" for name in HOSTILE)
    script = f"""
        source {COMPLETION}/pcipath.bash
        pcipath() {{ printf '%s\\n' {quoted} -h; }}
        compopt() {{ :; }}
        for verb in of find; do
            COMP_WORDS=(pcipath $verb '') COMP_CWORD=2 COMPREPLY=()
            _pcipath
            for word in "${{COMPREPLY[@]}}"; do eval "printf '%s\\n' $word"; done
        done"""
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(['bash', '--norc', '-c', script], capture_output=True, text=True, check=True, cwd=directory)
        assert done.stderr == '' and os.listdir(directory) == []
    assert {*HOSTILE, *(f'alias:{name}' for name in HOSTILE)} <= set(done.stdout.splitlines()) and '-h' not in done.stdout.splitlines()


ZSHRC = f"""
fpath=({COMPLETION} $fpath)
autoload -Uz compinit && compinit -D -u
unset zle_bracketed_paste
PS1='READY '
"""


class Zsh:
    """An interactive zsh on a terminal of its own, as a user has it."""

    def __init__(self, home, path):
        (home / '.zshrc').write_text(ZSHRC)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.execve(shutil.which('zsh'), ['zsh', '-i'], {'HOME': str(home), 'ZDOTDIR': str(home), 'TERM': 'vt100', 'PATH': path, 'LC_ALL': 'C.UTF-8'})
        self.output = ''
        self.wait_for('READY ')

    def wait_for(self, pattern):
        """The match of what zsh prints; a silent zsh is stuck."""
        while not (match := re.search(pattern, self.output)):
            assert select.select([self.fd], [], [], 300)[0], self.output
            self.output += os.read(self.fd, 4096).decode(errors='replace')
        self.output = self.output[match.end():]
        return match

    def complete(self, line):
        """The words of a line after TAB, as zsh passes them to a command."""
        os.write(self.fd, line.encode() + b'\t\x01print -rl -- BEGIN \x05 END\r')
        return self.wait_for(r'BEGIN\r\n((?s:.*?))\r\nEND\r\n')[1].split('\r\n')

    def run(self, line):
        os.write(self.fd, line.encode() + b"; print DO''NE\r")
        self.wait_for('DONE\r\n')

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


@pytest.fixture
def zsh(tmp_path):
    shell = Zsh(tmp_path, f"{HOST.parent}:{PCIPATH.parent}:{os.environ['PATH']}")
    yield shell
    shell.close()


def test_hostile_ids_in_zsh(tmp_path, zsh):
    """TAB inserts an id as one quoted word, and runs nothing of what it offers."""
    write_domain(tmp_path / 'domain.xml')
    command = 'pcipath-host of --libvirt=domain.xml '
    assert zsh.complete(command + 'pl') == [*command.split(), 'plain']
    assert zsh.complete(command + '\\$\\(t') == [*command.split(), '$(touch canary)']
    assert zsh.complete(command + '\\`t') == [*command.split(), '`touch canary`']
    zsh.complete(command)
    assert not (tmp_path / 'canary').exists()


def test_aliases_in_zsh(tmp_path, zsh):
    """Hostile names, too, as if the program did not refuse them."""
    quoted = ' '.join("'" + name.replace("'", "'\\''") + "'" for name in HOSTILE)
    zsh.run(f"pcipath() {{ [[ $1 == alias ]] && print -rl -- {quoted} }}")
    assert zsh.complete('pcipath find alias:pl') == ['pcipath', 'find', 'alias:plain']
    assert zsh.complete('pcipath find alias:\\$\\(t') == ['pcipath', 'find', 'alias:$(touch canary)']
    zsh.complete('pcipath find alias:')
    assert not (tmp_path / 'canary').exists()


def test_words_in_zsh(zsh):
    assert zsh.complete('pcipath conv') == ['pcipath', 'convert']
    assert zsh.complete('pcipath convert --to=ka') == ['pcipath', 'convert', '--to=kata']
    assert zsh.complete('pcipath open -t block 02.0 trunca') == ['pcipath', 'open', '-t', 'block', '02.0', 'truncate']
    assert zsh.complete('pcipath cdi --kind=v') == ['pcipath', 'cdi', '--kind=vfio']
