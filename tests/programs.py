# SPDX-License-Identifier: LGPL-2.1-or-later
"""The built programs under test.

PCIPATH_BUILDDIR  of which build (default: build/)
PCIPATH_CACHE     where guests, and whatever else is downloaded for tests, are kept from one run to the next (default:
                  build/guest-cache/, whichever build is tested)
PCIPATH_RUNNER    words to put before their command, as "valgrind -q"
"""

import json
import os
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_DEFAULT = Path(__file__).parent.parent / "build"
BUILD = Path(os.environ.get("PCIPATH_BUILDDIR", _DEFAULT)).resolve()
CACHE = Path(os.environ.get("PCIPATH_CACHE", _DEFAULT / "guest-cache"))
PCIPATH_ID = BUILD / "helper/pcipath_id"
NAME_TREE = BUILD / "tests/trees/name-tree"
RUNNER = os.environ.get("PCIPATH_RUNNER", "").split()


@dataclass
class Outcome:
    status: int
    stdout: bytes
    stderr: bytes

    @property
    def properties(self):
        return parse_properties(self.stdout.decode())


def parse_properties(text):
    return normalise(line.split("=", 1) for line in text.splitlines())


def normalise(properties):
    """The links of a device with several are a set, here in the order of their names."""
    return {name: " ".join(sorted(value.split(" "))) if name == "ID_PCI_PATH_LINKS" else value for name, value in properties}


def pcipath_id(*arguments, env=None, stdout=subprocess.PIPE):
    done = subprocess.run([*RUNNER, PCIPATH_ID, *arguments], env=os.environ | (env or {}), stdout=stdout, stderr=subprocess.PIPE,
                          check=False)
    return Outcome(done.returncode, done.stdout or b"", done.stderr)


def name_tree():
    """From each syspath below /sys/devices to the (path, link or None) of each place where it is below a PCI function."""
    done = subprocess.run([*RUNNER, NAME_TREE], text=True, capture_output=True, check=True)
    names = {}
    for line in done.stdout.splitlines():
        syspath, path, *link = line.split("\t")
        names.setdefault(syspath, []).append((path, *[text or None for text in link]))
    return names


def loaded_later(program):
    """The entries of the ELF note in which a program names the libraries that it loads with dlopen(3)."""
    with tempfile.NamedTemporaryFile() as dump:
        subprocess.run(["objcopy", f"--dump-section=.note.dlopen={dump.name}", program, "/dev/null"], check=True)
        note = dump.read()
    owner_size, size, kind = struct.unpack_from("=III", note)
    assert (note[12:16], owner_size, kind) == (b"FDO\0", 4, 0x407c0c0a) and len(note) == 16 + (size + 3) // 4 * 4
    text, end, padding = note[16:].partition(b"\0")
    assert end and len(text) + 1 == size and not padding.strip(b"\0")
    return json.loads(text)
