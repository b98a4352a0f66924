# SPDX-License-Identifier: LGPL-2.1-or-later
"""Build the guest: a Debian tree, the installed package in it, its initramfs images and its root file system.

Two steps, each a pure function of its inputs and kept in the cache under a hash of them:

    recipe ─ mmdebstrap ─> tree            (half a minute, once)
    tree + package ─ overlay ─> Guest      (ten seconds, once for each content of the package)

dpkg installs the Debian package in the guest, as users do. For a guest of another architecture pcipath is cross-compiled, and
`meson install` puts it there. Nothing else is read from the source tree but the test's own files. The tree is never written to after
it was made: the package lies above it in an overlay, in a mount namespace that ends with the build, so a build that is killed
leaves neither mounts nor half a guest.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from architecture import DEVELOPMENT, ESSENTIAL, FINISH, NATIVE, Architecture, cross_file
from build import UNPACKED, BuildError, content, digest, forget_old, make_tree, run
from cache import cached, locked
from release import HOST, make_debs

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[1] / "examples/minimal-initramfs"
KINDS = ("systemd", "nosystemd")  # of dracut's images

# For mmdebstrap: systemd-nspawn without its package, which needs a message bus, which would take each boot a second.
NSPAWN = """
chroot "$1" sh -euc 'cd /tmp; apt-get -q download systemd-container
    dpkg-deb --fsys-tarfile systemd-container_*.deb | tar -x -C / ./usr/bin/systemd-nspawn; rm systemd-container_*.deb'
"""

# Each driver takes an emulated processor a quarter of a second to unpack (Debian 13 and later).
PLAIN_DRIVERS = """
cd "$1/usr/lib/modules"/*
find . -name '*.ko.xz' -exec xz -d {} +
chroot "$1" depmod "${PWD##*/}"
"""


@dataclass(frozen=True)
class Recipe:
    """What a tree is made of; two equal recipes share one tree in the cache."""

    suite: str = HOST
    architecture: Architecture = NATIVE
    packages: tuple[str, ...] = (
        "systemd", "systemd-sysv", "udev", "kmod", "dracut-core", "dash",
        "util-linux", "util-linux-extra", "mount", "fdisk", "e2fsprogs", "pciutils", "iproute2", "zstd")
    # What a guest of these tests cannot have; it is four fifths of the kernel package.
    excludes: tuple[str, ...] = (
        "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/i18n/*",
        *(f"*/lib/modules/*/kernel/{part}/*" for part in (
            "sound", "lib", "arch/x86/kvm", "drivers/gpu", "drivers/media", "drivers/infiniband", "drivers/staging",
            "drivers/iio", "drivers/hwmon", "drivers/comedi", "drivers/mtd", "drivers/isdn", "drivers/bluetooth", "drivers/platform",
            "drivers/net/wireless", "drivers/net/ethernet", "net/wireless", "net/mac80211", "net/bluetooth")))
    includes: tuple[str, ...] = ("*/kernel/drivers/net/ethernet/intel/*", "*/kernel/lib/crypto/*", "*/kernel/lib/*crc*")
    # Of the initramfs: those for the root disk are the package's to bring.
    drivers: tuple[str, ...] = ("ext4",)


@dataclass(frozen=True)
class Guest:
    """A built guest. Its files are shared by all who run it: open them read-only."""

    path: Path

    @property
    def kernel(self) -> Path:
        """An ELF file (x86: QEMU enters it by its PVH note), or an uncompressed Image (ARM)."""
        return self.path / "vmlinux"

    @property
    def root(self) -> Path:
        """A raw ext4 image, labelled `root`."""
        return self.path / "root.img"

    def initrd(self, kind: str) -> Path:
        """The initramfs of one of KINDS; "direct", which has nothing of the package and goes on to the root file system at once;
        "example", or "minimal", which is that with what the tests need; or "hostonly", made for the machine that made it."""
        return self.path / f"initrd-{kind}"

    def unpacked(self, kind: str) -> Path:
        """The same and not compressed: that would take an emulated processor seconds. Made when it is first asked for."""
        with locked(self.path / "lock"):
            return cached(self.path / f"unpacked-{kind}", lambda path: _unpack_initrd(self.initrd(kind), path))


def make_guest(cache: Path, builddir: Path | None, recipe: Recipe = Recipe()) -> Guest:
    """The guest with the package of a configured meson directory's source tree, or with no package if builddir is None.

    Safe to call from several processes at once: one builds, the others wait for it.
    Raises BuildError.
    """
    cache.mkdir(parents=True, exist_ok=True)
    cache = cache.resolve()  # the build changes its directory
    name = f"{recipe.suite}-{recipe.architecture.name}"
    with locked(cache / f"lock-{name}"):
        tree = make_tree(cache / f"tree-{name}", lambda path: debstrap(recipe, path))
        package = cache / f"package-{name}"
        shutil.rmtree(package, ignore_errors=True)
        package.mkdir()
        if builddir and recipe.architecture == NATIVE:
            [deb] = make_debs(cache, recipe.suite, _source_of(builddir)).glob("pcipath_*.deb")
            shutil.copy(deb, package)
        elif builddir:
            builddir = cross_build(builddir, tree, recipe.architecture)
            run("meson", "install", "-C", builddir, "--no-rebuild", "--quiet", "--destdir", package)
        modules, drivers = "pcipath" if builddir else "", " ".join(recipe.drivers)
        own = [(HERE / name).read_bytes() for name in ("agent.sh", "agent.service", "direct-init", "watch-links.pl", "foreign-ldd", "systemd-initrd", "timeouts.conf")]
        key = digest(tree.name.encode(), _ASSEMBLE, modules.encode(), drivers.encode(), *own, *content(HERE / "dracut"),
                      *content(EXAMPLE), *content(package))
        path = cached(cache / f"guest-{name}-{key}",
                      lambda path: _assemble(path, tree, package, modules, drivers, recipe.architecture))
        forget_old(path)
    return Guest(path)


def debstrap(recipe: Recipe, tree: str) -> list[str]:
    """The command that makes the guest's tree."""
    packages = ",".join([*recipe.packages, f"linux-image-{recipe.architecture.kernel}", *recipe.architecture.packages])
    command = ["mmdebstrap", f"--architectures={recipe.architecture.name}", '--aptopt=Acquire::Check-Valid-Until "false"']
    if recipe.architecture == NATIVE:
        options = [f"path-exclude={glob}" for glob in recipe.excludes] + [f"path-include={glob}" for glob in recipe.includes]
        return [*command, "--variant=minbase", *(f"--dpkgopt={option}" for option in options), f"--include={packages}",
                f"--customize-hook={NSPAWN}", f"--customize-hook={PLAIN_DRIVERS}", recipe.suite, tree]
    # Packages are unpacked, not installed. mmdebstrap's own filter would take longer than all the rest. One index is
    # enough for a guest that no one attacks.
    return [*command, *UNPACKED, f"--include={ESSENTIAL}", f"--include={packages}", f"--include={','.join(DEVELOPMENT)},libgcc-{recipe.architecture.gcc}-dev",
            f"--extract-hook={_prune(recipe)}", f"--extract-hook={FINISH}",
            recipe.suite, tree, f"deb http://deb.debian.org/debian {recipe.suite} main"]


def _prune(recipe: Recipe) -> str:
    """The shell command that removes from the tree $1 what dpkg would not have unpacked."""
    excludes, includes = (" -o ".join(f"-path '.{glob}'" for glob in globs) for globs in (recipe.excludes, recipe.includes))
    return f"cd \"$1\" && find ./usr ! -type d \\( {excludes} \\) ! \\( {includes} \\) -delete"


def _source_of(builddir: Path) -> Path:
    return Path(json.loads((builddir / "meson-info/meson-info.json").read_text())["directories"]["source"])


def cross_build(builddir: Path, tree: Path, architecture: Architecture) -> Path:
    """Compile the source tree of a meson directory for another architecture, in a meson directory within that."""
    build = builddir / f"cross-{tree.name}"
    if not (build / "build.ninja").exists():
        shutil.rmtree(build, ignore_errors=True)
        cross = build.with_suffix(".ini")
        cross.write_text(cross_file(architecture, tree))
        # In a sysroot pkg-config says where udev's directory is on this host.
        run("meson", "setup", "--cross-file", cross, "-Dwerror=true", "-Dtests=disabled", "-Dman=disabled", "-Dhost=disabled",
             "-Dudevdir=/usr/lib/udev", "-Ddracutmodulesdir=/usr/lib/dracut/modules.d",
             "-Dsystemdsystemunitdir=/usr/lib/systemd/system", "-Dudevadm=/usr/bin/udevadm",
             build, _source_of(builddir))
    run("ninja", "-C", build)
    return build


def _assemble(path: Path, tree: Path, package: Path, modules: str, drivers: str, architecture: Architecture) -> None:
    path.mkdir()
    scratch = path / "overlay"
    scratch.mkdir()
    foreign = () if architecture == NATIVE else (architecture.machine, architecture.triple)
    run("unshare", "--mount", "--propagation=private", "sh", "-eu", "-c", _ASSEMBLE, "assemble",
         tree, package, HERE, scratch, path, modules, drivers, EXAMPLE, *foreign)
    shutil.rmtree(scratch)
    # Up to Debian 13 the package has it in the first, later in the second.
    kernel, *_ = [*tree.glob("boot/vmlinu[xz]-*"), *tree.glob("usr/lib/modules/*/vmlinu[xz]")]
    _unpack_kernel(kernel, path / "vmlinux")


_ASSEMBLE = rb"""
tree=$1 package=$2 tests=$3 scratch=$4 out=$5 modules=$6 drivers=$7 example=$8 machine=${9-} triple=${10-}
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay -o "lowerdir=$tree,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/root"
cd "$scratch/root"

if [ -z "$machine" ]; then
    for deb in "$package"/*.deb; do
        [ -e "$deb" ] || break
        cp "$deb" tmp
        chroot . dpkg -i "/tmp/${deb##*/}"
        rm "tmp/${deb##*/}"
    done
else
    tar -C "$package" -c . | tar -x --keep-directory-symlink --no-overwrite-dir
fi
install -D -m 755 "$tests/agent.sh" usr/local/libexec/pcipath-agent
install -m 644 "$tests/watch-links.pl" usr/local/libexec/watch-links.pl
install -D -m 644 "$tests/agent.service" etc/systemd/system/pcipath-agent.service
systemctl --quiet --root=. enable pcipath-agent.service
install -D -m 644 "$tests/timeouts.conf" etc/systemd/system.conf.d/timeouts.conf

# What a test has no use for and would take seconds of an emulated boot. udev is left as Debian has it.
systemctl --quiet --root=. mask getty.target timers.target systemd-logind.service systemd-user-sessions.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-pstore.service e2scrub_reap.service \
    systemd-binfmt.service systemd-firstboot.service systemd-ask-password-console.path systemd-ask-password-wall.path \
    systemd-random-seed.service systemd-journal-flush.service systemd-sysusers.service dracut-shutdown.service \
    systemd-tmpfiles-setup.service systemd-sysctl.service systemd-modules-load.service \
    modprobe@.service dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount \
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount
mkdir -p etc/systemd/system-generators
for generator in usr/lib/systemd/system-generators/*; do
    ln -s /dev/null "etc/systemd/system-generators/${generator##*/}"
done
touch etc/.updated var/.updated
systemd-machine-id-setup --root=. >/dev/null
printf 'guest\n' >etc/hostname

mke2fs -q -t ext4 -L root -d . "$out/root.img" 2G

mount -t proc proc proc
mount -t tmpfs tmpfs run
mount --rbind /dev dev
mount --rbind /sys sys
if [ "$machine" ]; then
    # The guest's dracut, which is a script, run by the host and looking in from outside: it ends where programs of the guest would
    # have to run.
    in=$PWD
    run_dracut() { usr/bin/dracut --sysroot "$PWD" --nostrip "$@"; }
    export DRACUT_INSTALL=/usr/lib/dracut/dracut-install DRACUT_LDCONFIG=true DRACUT_ARCH="$machine" \
        DRACUT_LDD="$tests/foreign-ldd" FOREIGN_ROOT="$PWD" FOREIGN_TRIPLE="$triple"
    # With --sysroot dracut 059 finds each directory whose variable is empty: the sysroot itself.
    for directory in $(sed -n 's/^\[\[ -d $dracutsysrootdir$\([a-z]*\) .*/\1/p' usr/bin/dracut); do
        export "$directory=/absent"
    done
else
    in=
    run_dracut() { chroot . dracut "$@"; }
fi
kernel=$(ls lib/modules)
cp -r "$tests/dracut" usr/lib/dracut/modules.d/99pcipath-tests
make_initrd() {
    kind=$1; shift
    run_dracut --quiet --tmpdir "$in/run" --kver "$kernel" "$hostonly" --no-hostonly-cmdline --no-early-microcode \
        --nomdadmconf --nolvmconf --nofscks --compress 'zstd -1 -T0' \
        --add-drivers "$drivers" --modules "$* $modules pcipath-tests" "$in/run/initrd-$kind"
    cp "run/initrd-$kind" "$out"
}
hostonly=--no-hostonly
make_initrd nosystemd dash udev-rules base rootfs-block fs-lib resume
make_initrd systemd dash systemd systemd-initrd systemd-udevd systemd-journald systemd-modules-load dracut-systemd \
    udev-rules base rootfs-block fs-lib resume

# A short way to the root file system; the example as it is; and one with what the tests ask a guest with. There the agent has a shell of its own: busybox's runs
# busybox's ip and lspci, whatever is on $PATH.
if [ -z "$machine" ] && [ "$modules" ]; then
    "$example/build" --root="$PWD" --kernel="$kernel" --init="$tests/direct-init" --modules=virtio_pci,virtio_blk,ext4 "$out/initrd-direct"
    "$example/build" --root="$PWD" --kernel="$kernel" --workload="$tests/agent.sh" "$out/initrd-example"
    sed '1s,/bin/sh,/usr/bin/dash,' "$tests/agent.sh" >run/agent
    set --
    for program in bin/dash bin/mount bin/ip bin/lsblk bin/findmnt bin/lspci bin/setpci bin/perl sbin/sfdisk sbin/mkfs.ext4; do
        set -- "$@" "--add=/usr/$program"
    done
    "$example/build" --root="$PWD" --kernel="$kernel" --workload=run/agent "$@" \
        --modules="$(sed -n 's/^modules=//p' "$example/build"),igb,igbvf,vfio_pci" "$out/initrd-minimal"

    # For the machine that this is: the image is to boot on others all the same.
    hostonly=--hostonly make_initrd hostonly dash udev-rules base rootfs-block fs-lib kernel-modules
fi

# Debian's other tool, with no driver of its own; and an image with no tool's scripts.
if [ -z "$machine" ] && [ "$modules" ]; then
    printf '%s\n' MODULES=list COMPRESS=zstd COMPRESSLEVEL=1 >etc/initramfs-tools/conf.d/tests
    echo ext4 >>etc/initramfs-tools/modules
    chroot . mkinitramfs -o /run/initrd-initramfs-tools "$kernel"
    cp run/initrd-initramfs-tools "$out"
    "$tests/systemd-initrd" "$PWD" "$kernel" "$out/initrd-systemd-alone"
fi
"""


def _unpack_kernel(image: Path, target: Path) -> None:
    """Do on the host what a bzImage or an EFI zboot image does first, and what takes an emulated processor three seconds. Other
    kernels are taken as they are.

    The payload's place is in the header (Documentation/arch/x86/boot.rst; drivers/firmware/efi/libstub/zboot-header.S). For xz and
    zstd the build of a bzImage appends the size, four bytes that their decompressors would not take.
    """
    tools = {b"\x1f\x8b": ("gzip", 0), b"\xfd7": ("xz", 4), b"\x28\xb5": ("zstd", 4)}
    data = image.read_bytes()
    if is_bzimage := data[0x202:0x206] == b"HdrS":
        offset, length = struct.unpack_from("<II", data, 0x248)
        offset += (data[0x1F1] + 1) * 512
    elif data[4:8] == b"zimg":
        offset, length = struct.unpack_from("<II", data, 8)
    else:
        shutil.copy(image, target)
        return
    if (magic := data[offset:offset + 2]) not in tools:
        raise BuildError(f"{image} is not compressed in a way that is known here")
    tool, appended = tools[magic]
    with target.open("wb") as file:
        subprocess.run([tool, "-dc"], input=data[offset:offset + length - appended * is_bzimage], stdout=file, check=True)


def _unpack_initrd(image: Path, target: Path) -> None:
    """An image is one archive that is compressed, or one that is not and then one that is."""
    rest = subprocess.run(["/usr/lib/dracut/skipcpio", image], stdout=subprocess.PIPE, check=True).stdout
    with target.open("wb") as file:
        file.write(image.read_bytes().removesuffix(rest))
        file.flush()
        subprocess.run(["zstd", "-dc"], input=rest, stdout=file, check=True)
