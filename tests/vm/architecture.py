# SPDX-License-Identifier: LGPL-2.1-or-later
"""The processors that guests are built for, and what of a guest's build depends on them.

The host runs nothing of a foreign architecture: it unpacks Debian's packages of it, compiles the package under test for it
with clang, and makes the initramfs with its own dracut. So it needs no emulation but QEMU's of whole machines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Architecture:
    """A processor under each name that it goes by."""

    name: str  # Debian's
    kernel: str  # of the kernel package: linux-image-KERNEL
    machine: str  # uname -m
    triple: str  # of compilers, and of the directories of libraries
    family: str  # meson's, and of QEMU's program
    packages: tuple[str, ...] = ()  # what its machines need beside what all need
    release: str = "bookworm"  # the first of Debian that has it
    gcc: str = "12"  # the version of that release's, whose start files and libgcc are linked
    endian: str = "little"


AMD64 = Architecture("amd64", "amd64", "x86_64", "x86_64-linux-gnu", "x86_64", ("initramfs-tools",))
ARM64 = Architecture("arm64", "arm64", "aarch64", "aarch64-linux-gnu", "aarch64")
PPC64EL = Architecture("ppc64el", "powerpc64le", "ppc64le", "powerpc64le-linux-gnu", "ppc64", ("powerpc-ibm-utils",))
S390X = Architecture("s390x", "s390x", "s390x", "s390x-linux-gnu", "s390x", endian="big")
RISCV64 = Architecture("riscv64", "riscv64", "riscv64", "riscv64-linux-gnu", "riscv64", release="trixie", gcc="14")
LOONG64 = Architecture("loong64", "loong64", "loongarch64", "loongarch64-linux-gnu", "loongarch64", release="forky", gcc="16")

# The first of Debian 12's that compiles and links for all of them.
CLANG = "clang-19"

# The host's. tests/setup makes a Debian of this architecture ready and no other.
NATIVE = AMD64

# What a native tree has, too, by mmdebstrap's variant; and what the package is compiled with.
ESSENTIAL = "?essential"
LIBRARIES = ("libsystemd-dev", "libmnl-dev", "libsmartcols-dev", "libkmod-dev", "libblkid-dev")
DEVELOPMENT = ("libc6-dev", *LIBRARIES)

# What Debian's packages do when they are installed, as far as a guest needs it, done by the host. An absolute link would
# lead the linker out of the tree.
FINISH = """
set -e
cd "$1"
find usr/lib* -type l -lname '/*' | while read -r link; do
    ln -sfr ".$(readlink "$link")" "$link"
done
for table in passwd group; do
    cp usr/share/base-passwd/$table.master etc/$table
done
printf 'g %s -\\n' input kvm render sgx >usr/lib/sysusers.d/udev.conf
systemd-sysusers --root=.
depmod -b . "$(ls usr/lib/modules)"
"""


def compiler(architecture: Architecture, tree: Path) -> list[str]:
    """The command that compiles against the libraries and headers of a tree."""
    return [CLANG, f"--target={architecture.triple}", f"--sysroot={tree}"]


def cross_file(architecture: Architecture, tree: Path) -> str:
    """For `meson setup --cross-file`: clang, lld, and the libraries and headers of a tree."""
    directories = [tree / "usr/lib" / architecture.triple / "pkgconfig", tree / "usr/share/pkgconfig"]
    return f"""
[binaries]
c = {compiler(architecture, tree)}
c_ld = 'lld'
pkgconfig = 'pkg-config'
[properties]
sys_root = '{tree}'
pkg_config_libdir = '{":".join(map(str, directories))}'
[host_machine]
system = 'linux'
cpu_family = '{architecture.family}'
cpu = '{architecture.family}'
endian = '{architecture.endian}'
"""
