# SPDX-License-Identifier: LGPL-2.1-or-later
"""The recipes of docs/guests.md, as they stand there, in a guest that has the programs that they need."""

import posixpath
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

from documents import TOP, sections
from machine import Machine
from release import HOST

SECTIONS = sections(TOP / "docs/guests.md")

PACKAGES = ("cryptsetup", "cryptsetup-initramfs", "lvm2", "mdadm", "multipath-tools", "btrfs-progs", "dbus", "network-manager", "ifupdown")
# Of systemd's generators, which guests have no use for but here.
GENERATORS = ("cryptsetup", "fstab", "integritysetup", "veritysetup")

# What the packages start at each boot.
STARTED = {
    "NetworkManager": ("multi-user.target.wants/NetworkManager.service",),
    "ifupdown": ("multi-user.target.wants/networking.service",),
    "disks": ("multi-user.target.wants/mdmonitor.service", "sysinit.target.wants/lvm2-monitor.service", "sysinit.target.wants/multipathd.service",
              "sockets.target.wants/multipathd.socket"),
}


def guest(release: str) -> dict[str, Any]:
    """All packages in one guest of a release, because each guest takes a minute to make. It has the kernel's libraries, which dm-verity and Btrfs
    need."""
    # systemd-cryptsetup is new in Debian 13.
    return {"release": release, "packages": (*PACKAGES, *("systemd-cryptsetup",) * (release != HOST)), "modules": ("*/kernel/lib/*",),
            "memory": "768M"}


def keep_root(machine: Machine, *, without: Sequence[str] = (), starts: Sequence[str] = (), files: dict[str, str] | None = None) -> None:
    """Before the start: a root file system of the machine's own, with systemd's generators, without what is STARTED, with files, and with
    services of systemd's own that start at each boot."""
    machine.keep_root()
    edit = [f"rm /etc/systemd/system-generators/systemd-{name}-generator" for name in GENERATORS]
    edit += [f"rm /etc/systemd/system/{unit}" for name in without for unit in STARTED[name]]
    edit += [f"symlink /etc/systemd/system/multi-user.target.wants/{unit} /usr/lib/systemd/system/{unit}" for unit in starts]
    for name, text in (files or {}).items():
        file = machine.directory / posixpath.basename(name)
        file.write_text(text)
        file.chmod(0o600 if name.endswith(".nmconnection") else 0o644)  # NetworkManager ignores what others can read
        edit += [f"rm {name}", f"write {file} {name}"]
    subprocess.run(["debugfs", "-w", "-f", "-", machine.root], input="\n".join(edit), text=True, check=True, capture_output=True)


def section_commands(heading: str, word: str = "") -> str:
    """The blocks of a section as commands of a shell: those without a word, and those with this one."""
    return "\n".join(["set -e", *(command for command, its_word in _commands(heading) if its_word in ("", word))])


def section_files(*headings: str) -> dict[str, str]:
    """From the name of each file that blocks of these sections have lines for to the lines; of blocks without a word."""
    return {rest: text for heading in headings for language, rest, text in SECTIONS[heading] if language == "text" and " " not in rest}


def run_section(machine: Machine, heading: str) -> None:
    machine.run(section_commands(heading))


def run_blocks(machine: Machine, heading: str, word: str) -> None:
    """The blocks of a section with a word, alone."""
    machine.run("\n".join(["set -e", *(command for command, its_word in _commands(heading) if its_word == word)]))


def _commands(heading: str) -> Iterator[tuple[str, str]]:
    """Of each block of a section the commands and its word: "sh WORD", or "text FILE WORD", lines to add to a file."""
    for language, rest, text in SECTIONS[heading]:
        if language == "sh":
            yield text, rest
        else:
            file, _, word = rest.partition(" ")
            yield f"mkdir -p {shlex.quote(posixpath.dirname(file))}\ncat >>{shlex.quote(file)} <<'END'\n{text}END\n", word
