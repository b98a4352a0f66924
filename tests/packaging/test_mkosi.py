# SPDX-License-Identifier: LGPL-2.1-or-later
"""The image of packaging/mkosi, made by Debian 13's mkosi and booted with its firmware, boot loader and initrd."""

import base64
import re
import shutil
import subprocess

import pytest
from architecture import NATIVE
from build import TreeError, make_tree
from cache import locked
from programs import CACHE
from release import make_debs
from release_files import TOP, run
from unavailable import unavailable

pytestmark = [pytest.mark.xdist_group("mkosi"), pytest.mark.exhaustive]

RELEASE = "trixie"
EXAMPLE = TOP / "packaging/mkosi"
TOOLS = ("mkosi", "reprepro", "systemd-repart", "systemd-ukify", "systemd-boot-efi", "systemd-boot-tools", "dosfstools", "mtools", "e2fsprogs",
         "zstd", "cpio", "kmod", "debian-archive-keyring")

# mkosi would ask for Debian's archive of debug symbols, too, which a mirror need not have.
SOURCES = f"""Types: deb
URIs: http://deb.debian.org/debian
Suites: {RELEASE}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""

# In a tree that is thrown away. mkosi mounts overlays of its own, which cannot be on this one.
IN_TREE = """
tree=$1 scratch=$2 command=$3
mkdir "$scratch/upper" "$scratch/workdir" "$scratch/root" "$scratch/tmp"
mount -t overlay -o "lowerdir=$tree,upperdir=$scratch/upper,workdir=$scratch/workdir" overlay "$scratch/root"
cd "$scratch/root"
cp --remove-destination /etc/resolv.conf etc/resolv.conf
mkdir work
mount --bind "$scratch/work" work
mount --bind "$scratch/tmp" var/tmp
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
exec env -i PATH=/usr/bin:/usr/sbin LC_ALL=C.UTF-8 HOME=/root chroot . sh -euxc "cd /work; $command"
"""

# In the booted system, not in the initrd.
CREDENTIALS = {
    "extra-unit.check.service": """[Unit]
ConditionPathExists=!/etc/initrd-release
After=multi-user.target
[Service]
Type=oneshot
StandardOutput=tty
TTYPath=/dev/ttyS0
ExecStart=sh -c 'echo; echo "root=$$(findmnt -no SOURCE /) path=$$(pcipath of "$$(findmnt -no SOURCE /)")"; pcipath --version'
ExecStopPost=systemctl poweroff --force
""",
    "unit-dropin.multi-user.target": """[Unit]
Wants=check.service
""",
}


def block(name):
    [text] = re.findall(rf"^```sh {name}\n(.*?)^```$", (EXAMPLE / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return text


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """With packaging/mkosi/guest.raw."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with unavailable(f"mkosi of Debian's {RELEASE}", TreeError), locked(CACHE / "lock-mkosi"):
        tree = make_tree(CACHE.resolve() / f"mkosi-{RELEASE}-{NATIVE.name}", lambda path: [
            "mmdebstrap", f"--architectures={NATIVE.name}", "--variant=apt", f"--include={','.join(TOOLS)}", RELEASE, path])
    scratch = tmp_path_factory.mktemp("mkosi")
    example = scratch / "work/packaging/mkosi"
    shutil.copytree(EXAMPLE, example)
    sources = example / "mkosi.sandbox/etc/apt/sources.list.d/mkosi.sources"
    sources.parent.mkdir(parents=True)
    sources.write_text(SOURCES)
    (example / "mkosi.packages").mkdir(exist_ok=True)
    [deb] = make_debs(CACHE, RELEASE, TOP).glob("pcipath_*.deb")
    shutil.copy(deb, example / "mkosi.packages")
    [build_deb, mkosi] = block("image").splitlines()
    assert build_deb == "packaging/build-deb packaging/mkosi/mkosi.packages"
    run("unshare", "--mount", "--propagation=private", "sh", "-euc", IN_TREE, "in-tree", tree, scratch, mkosi)
    yield scratch / "work"
    shutil.rmtree(scratch)


def test_boots(directory):
    """The initrd finds the root disk by its PCI path, and the system on it starts."""
    options = ["-no-reboot", "-net", "none"]
    for name, text in CREDENTIALS.items():
        value = base64.b64encode(text.encode()).decode()
        options += ["-smbios", f"type=11,value=io.systemd.credential.binary:systemd.{name}={value}"]
    done = subprocess.run(["sh", "-c", f'exec {block("boot").rstrip()} "$@"', "sh", *options], cwd=directory, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800, check=False)
    printed = done.stdout.decode(errors="replace").replace("\r", "")
    assert done.returncode == 0, printed[-4000:]
    assert "root=/dev/vda2 path=02.0/00.0" in printed, printed[-4000:]
    assert re.search(r"^pcipath [0-9.]+\n\+GUEST \+MANAGER", printed, re.MULTILINE), printed[-4000:]
