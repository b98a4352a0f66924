# SPDX-License-Identifier: LGPL-2.1-or-later
"""What takes long to make, and is kept: directories that are whole when they are there."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cached(path: Path, build: Callable[[Path], None]) -> Path:
    """The path NAME-KEY, made by build(temporary path) if it is not there, and renamed into place when it is whole. What is left
    over of a build that was killed the next one removes, whatever its key."""
    if not path.exists():
        partial = path.with_name(f"partial-{path.name.rpartition('-')[0]}")
        shutil.rmtree(partial, ignore_errors=True)
        build(partial)
        partial.rename(path)
    return path
