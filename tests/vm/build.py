# SPDX-License-Identifier: LGPL-2.1-or-later
"""What builds of guests and packages share: trees of Debian, commands that must succeed, keys of what is kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from cache import cached

# For mmdebstrap: do not install but unpack, as usrmerge would have it.
UNPACKED = ("--variant=extract", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr")

# Of a command that is killed no mount is left in the tree, which the next one removes.
PRIVATELY = ("unshare", "--mount", "--propagation=private")

# So many of each kind stay in the cache, the last used. A guest takes half a gigabyte, and each change of the package makes a new one.
KEPT = 4


class BuildError(Exception):
    """A step of a build failed; the text holds the command and the end of its output."""


class TreeError(BuildError):
    """It is no fault of the package: this machine cannot have Debian's own part of the guest."""


def make_tree(path: Path, command: Callable[[str], list[str]]) -> Path:
    """A tree, made by a command that is a function of its path; what the command is else is the end of the path.

    No one would boot the initramfs of the kernel package, and it takes ten seconds to make.
    """
    key = digest(*map(str.encode, command("TREE")))
    try:
        return cached(path.with_name(f"{path.name}-{key}"),
                      lambda path: run(*PRIVATELY, *command(str(path)), env=os.environ | {"INITRD": "No"}))
    except BuildError as error:
        raise TreeError(*error.args) from error


def forget_old(path: Path) -> None:
    """Something NAME-KEY is used; of those with its name only the last used stay."""
    path.touch()
    for old in sorted(path.parent.glob(f"{path.name.rpartition('-')[0]}-*"), key=lambda made: made.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old)


def digest(*parts: bytes) -> str:
    """Sixteen hex digits over parts, each with its length before it, so that no two lists of parts run together."""
    state = hashlib.sha256()
    for part in parts:
        state.update(b"%d:" % len(part) + part)
    return state.hexdigest()[:16]


def content(root: Path) -> Iterator[bytes]:
    """Names, modes and contents of all below root, in one order. Times are left out: an install changes them."""
    for path in sorted(root.rglob("*")):
        yield os.fsencode(path.relative_to(root)) + b"\0%o" % path.lstat().st_mode
        if path.is_symlink():
            yield os.fsencode(os.readlink(path))
        elif path.is_file():
            yield path.read_bytes()


def run(*command: str | bytes | Path, env: dict[str, str] | None = None) -> None:
    result = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, errors="replace")
    if result.returncode:
        raise BuildError(f"{command[0]} failed ({result.returncode}): {command}\n{result.stdout[-8000:]}")
