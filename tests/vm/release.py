# SPDX-License-Identifier: LGPL-2.1-or-later
"""The releases of Debian that guests are built of.

The host is of the first one, and what it compiled is what that guest gets. For each other one the package is compiled
with the release's own compiler and libraries, in a tree of their own.
"""

from architecture import LIBRARIES

HOST = "bookworm"  # Debian 12: systemd 252, dracut 059, Linux 6.1

RELEASES = (
    HOST,
    "trixie",  # Debian 13: systemd 257, dracut 106, Linux 6.12
    "forky",  # what will be Debian 14: systemd 262, dracut 112, Linux 7.2
)

# What the package is compiled with in a workshop. systemd-dev has udev.pc and systemd.pc, and is new in Debian 13.
WORKSHOP = ("gcc", "libc6-dev", "meson", "ninja-build", "pkgconf", "systemd-dev", "dracut-core", *LIBRARIES)

# Compiles in a workshop, to which nothing is written but what is mounted on these. Without man pages, which a guest has not,
# and tests, which are the host's.
PLACES = 'mkdir "$1/source" "$1/build" "$1/package"'
COMPILE = """
workshop=$1 source=$2 build=$3 package=$4
mount --bind "$workshop" "$workshop"
mount -o remount,bind,ro "$workshop"
cd "$workshop"
mount --bind "$source" source
mount --bind "$build" build
mount --bind "$package" package
mount -t proc proc proc
mount -t tmpfs tmpfs tmp
mount --rbind /dev dev
exec env -i PATH=/usr/bin:/usr/sbin LC_ALL=C.UTF-8 chroot . sh -euc '
    [ -e build/build.ninja ] || meson setup -Dwerror=true -Dtests=disabled -Dman=disabled -Dhost=disabled build source
    meson install -C build --quiet --destdir /package'
"""
