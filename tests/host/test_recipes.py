# SPDX-License-Identifier: LGPL-2.1-or-later
"""The recipes of docs/hosts.md, as they stand there: the blocks of a section, one after the other, in one directory.

    sh         commands
    console    commands, each with what it prints
    json FILE  commands for the monitor whose socket is FILE
    xml FILE   a file; ini FILE too
"""

import json
import os
import re
import socket
import subprocess

import pytest
from documents import TOP, console, sections
from programs import BUILD
from qmp import QMP

COVERS = {
    "recipes": "Host: recipes for QEMU, libvirt, Proxmox VE, KubeVirt and Kata Containers",
}

SECTIONS = sections(TOP / "docs/hosts.md")
IMAGES = "/var/lib/libvirt/images/"  # of the libvirtd that the tests have


START = 'mount --bind "$1" /srv; cd /srv; exec sh'


pytestmark = pytest.mark.xdist_group("libvirtd")


class Shell:
    """The directory is its /srv. It has a namespace of its own for process ids: what runs in the background ends with it."""

    def __init__(self, directory, environment):
        path = f"{BUILD}/helper/host:{BUILD}/helper:{os.environ['PATH']}"
        self._process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-euc", START, "sh", directory],
                                         text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment | {"PATH": path})

    def run(self, commands):
        """What the commands print, on standard error too."""
        self._process.stdin.write(f"(set -e\n{commands}\n) </dev/null; echo \"===== $?\"\n")
        self._process.stdin.flush()
        output = ""
        while not (end := re.search(r"===== (\d+)\n$", output)):
            line = self._process.stdout.readline()
            assert line, output
            output += line
        assert end[1] == "0", output
        return output[:end.start()]

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def send_to_monitor(path, commands):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    monitor = QMP(connection, os.getpid())
    for request in map(json.loads, commands.splitlines()):
        monitor.execute(request["execute"], **request["arguments"])
    monitor.close()


def make_images(libvirtd, text):
    """The disks of a domain, where libvirt has them."""
    for name in re.findall(rf"{IMAGES}([\w.]+)", text):
        path = libvirtd.directory / "var/lib/images"
        path.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(bytes(1 << 20))


def run_block(language, word, text, shell, directory):
    if language == "sh":
        shell.run(text)
    elif language == "console":
        for command, output in console(text):
            assert shell.run(command) == output, command
    elif language == "json":
        send_to_monitor(directory / word, text)
    else:
        (directory / word).write_text(text)


@pytest.mark.parametrize("section", SECTIONS)
def test_recipes(section, libvirtd, tmp_path):
    shell = Shell(tmp_path, libvirtd.environment)
    try:
        for language, word, text in SECTIONS[section]:
            make_images(libvirtd, text)
            run_block(language, word, text, shell, tmp_path)
    finally:
        shell.close()
        for name in libvirtd.virsh("list", "--all", "--name").split():
            libvirtd.batch([f"destroy {name}", f"undefine {name}"])
