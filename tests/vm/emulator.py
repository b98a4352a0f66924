# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU: the host's own; or that of a later release of Debian, unpacked, for what the host's has not.

QEMU goes by absolute names: of its firmware, its modules, its dynamic linker. So the later one has the tree's /usr in place of
the host's, in a mount namespace of its own. All else is as ever: its files, sockets and inherited file descriptors; but
nothing of the machine's can be below /usr.
"""

from __future__ import annotations

import functools
from pathlib import Path

from architecture import NATIVE
from build import UNPACKED, make_tree
from cache import locked
from release import HOST

# The packages of each. The host has its own of the machines that are in none.
LATER = {
    # QEMU 10.0: a network card with virtual functions (igb), an NVMe subsystem for each controller. The host's package of s390x and
    # riscv64 has twenty machines more, and is six times as large.
    "trixie": ("qemu-system-x86", "qemu-system-s390x", "qemu-system-riscv", "opensbi"),
    # QEMU 11.1: virtual functions of virtio-net-pci, and loong64 ("misc")
    "forky": ("qemu-system-x86", "qemu-system-s390x", "qemu-system-misc", "qemu-efi-loongarch64"),
}

# For mmdebstrap: what the machines of these tests never look at is more than half of it.
_PRUNE = """
cd "$1/usr"
rm -r share/doc share/man share/locale lib/*/gconv
find bin -name 'qemu-system-*' ! -name '*-x86_64' ! -name '*-s390x' ! -name '*-riscv64' ! -name '*-loongarch64' -delete
"""
_ENTER = 'mount --bind "$0/usr" /usr; exec "$@"'


def emulator(cache: Path, release: str = HOST) -> list[str]:
    """What goes before QEMU's command in order that it is the release's. Raises TreeError."""
    if release == HOST:
        return []
    return ["unshare", "--mount", "--propagation=private", "sh", "-euc", _ENTER, str(_tree(cache, release))]


@functools.cache
def _tree(cache: Path, release: str) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    name = f"qemu-{release}-{NATIVE.name}"
    with locked(cache / f"lock-{name}"):
        return make_tree((cache / f"tree-{name}").resolve(), lambda path: _debstrap(release, path))


def _debstrap(release: str, tree: str) -> list[str]:
    return ["mmdebstrap", f"--architectures={NATIVE.name}", '--aptopt=Acquire::Check-Valid-Until "false"', *UNPACKED,
            f"--include={','.join(LATER[release])}", f"--extract-hook={_PRUNE}", release, tree]
