# SPDX-License-Identifier: LGPL-2.1-or-later
"""The releases of Debian that guests are built of, and the packages of pcipath for each.

The host is of the first one, and builds its packages itself. Those of another are built in a clean tree of that release, as Debian's
own machines do it, with its compiler and libraries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from architecture import LIBRARIES, NATIVE
from cache import cached, locked
from build import digest, forget_old, make_tree, run

HOST = "bookworm"  # Debian 12: systemd 252, dracut 059, Linux 6.1

RELEASES = (
    HOST,
    "trixie",  # Debian 13: systemd 257, dracut 106, Linux 6.12
    "forky",  # what will be Debian 14: systemd 262, dracut 112, Linux 7.2
)

# Build-Depends of packaging/debian/control, and what of its alternatives a release has.
WORKSHOP = ("debhelper", "libcmocka-dev", "libjson-c-dev", "libxml2-dev", "meson", "pkgconf", "scdoc", *LIBRARIES)
UDEV_PC = {HOST: ("systemd", "udev")}  # systemd-dev is new in Debian 13

# A package that is built without its tests has nothing of these.
NOT_PACKAGED = ("tests/", "docs/", ".ci/", ".clang-format", ".editorconfig", ".gitignore")

# Writes to nothing in a workshop but what is mounted there. The network is the host's, and no build may use it.
PLACES = 'mkdir "$1/source" "$1/package"'
ENTER = """
workshop=$1 source=$2 package=$3
mount --bind "$workshop" "$workshop"
mount -o remount,bind,ro "$workshop"
cd "$workshop"
mount --bind "$source" source
mount --bind "$package" package
mount -t proc proc proc
mount -t tmpfs tmpfs tmp
mount --rbind /dev dev
exec env -i PATH=/usr/bin:/usr/sbin LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="$DEB_BUILD_OPTIONS" DEB_BUILD_PROFILES="$DEB_BUILD_PROFILES" \\
    chroot . /source/packaging/build-deb /package
"""


def source_files(top: Path, tests: bool = False) -> list[str]:
    """The names of the files of a source tree that packages are built of, and with those of the tests if they are to be run."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--deduplicate"], cwd=top, text=True, capture_output=True,
                           check=True).stdout.splitlines()
    return sorted(name for name in names if (tests or not name.startswith(NOT_PACKAGED)) and (top / name).is_file())


def copy_source(top: Path, target: Path, tests: bool = False) -> Path:
    """A source tree that is no git repository, with source_files() alone. Links are kept: LICENSE is one."""
    for name in source_files(top, tests):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(top / name, target / name, follow_symlinks=False)
    return target


def build_debs(cache: Path, release: str, source: Path, package: Path, options: str = "nocheck", clean: bool = False) -> None:
    """Build the packages of copy_source()'s tree with a release's tools, and leave them in a directory. `clean`: not even the host's release
    uses the host's tools."""
    environment = os.environ | {"DEB_BUILD_OPTIONS": options, "DEB_BUILD_PROFILES": options if options == "nocheck" else ""}
    if release == HOST and not clean:
        run(source / "packaging/build-deb", package, env=environment)
        return
    name = f"{release}-{NATIVE.name}"
    with locked(cache / f"lock-workshop-{name}"):
        workshop = make_tree(cache / f"workshop-{name}", lambda path: _debstrap(release, path))
    run("unshare", "--mount", "--net", "--propagation=private", "sh", "-eu", "-c", ENTER, "enter", workshop, source, package, env=environment)


def make_debs(cache: Path, release: str, top: Path) -> Path:
    """The directory with the packages of a source tree as it is, for a release. Raises BuildError."""
    def build(path: Path) -> None:
        (path / "source").mkdir(parents=True)
        build_debs(cache, release, copy_source(top, path / "source"), path)
        shutil.rmtree(path / "source")

    cache.mkdir(parents=True, exist_ok=True)
    cache = cache.resolve()
    files = [part for name in source_files(top) for part in (os.fsencode(name), (top / name).read_bytes())]
    name = f"debs-{release}"
    with locked(cache / f"lock-{name}"):
        path = cached(cache / f"{name}-{digest(*files, *map(str.encode, WORKSHOP))}", build)
        forget_old(path)
    return path


def _debstrap(release: str, tree: str) -> list[str]:
    """The command that makes a tree with build-essential and what the package is built with, as sbuild has it."""
    return ["mmdebstrap", f"--architectures={NATIVE.name}", '--aptopt=Acquire::Check-Valid-Until "false"', "--variant=buildd",
            f"--include={','.join([*WORKSHOP, *UDEV_PC.get(release, ('systemd-dev',))])}", f"--customize-hook={PLACES}", release, tree]
