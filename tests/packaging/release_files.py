# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of a release and of its packages share: commands, versions, lists of files."""

import json
import os
import re
import subprocess
from pathlib import Path

from release import copy_source

TOP = Path(__file__).resolve().parents[2]
RELEASING = (TOP / "docs/releasing.md").read_text()

IDENTITY = {f"GIT_{who}_{what}": f"{what.lower()}@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

# As packages of distributions without initramfs-tools are built: packaging/rpm/pcipath.spec, packaging/arch/PKGBUILD. Only Arch has
# mkinitcpio.
OPTIONS = ("-Dudevdir=/usr/lib/udev", "-Dsystemdsystemunitdir=/usr/lib/systemd/system", "-Ddracutmodulesdir=/usr/lib/dracut/modules.d",
           "-Dinitramfs-tools=false", "-Dman=enabled", "-Dtests=disabled")


def run(*command, **options):
    """The standard output of a command that has to succeed."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout[-8000:]}"
    return done.stdout


def version():
    return json.loads(run("meson", "introspect", "--projectinfo", TOP / "meson.build"))["version"]


def releasing_block(name):
    """The only block of docs/releasing.md with this name after the ```."""
    [text] = re.findall(rf"^ *```sh {name}\n(.*?)^ *```$", RELEASING, re.MULTILINE | re.DOTALL)
    return text


def make_tarball(directory):
    """Run the commands of docs/releasing.md in a repository of this source tree as it is. They leave the tarball in it."""
    clone = copy_source(TOP, directory / "clone", tests=True)
    run("git", "init", "--quiet", cwd=clone)
    run("git", "add", "--all", cwd=clone)
    run("git", "commit", "--quiet", "--message=test", cwd=clone, env=os.environ | IDENTITY)
    run("sh", "-euxc", releasing_block("tarball"), cwd=clone, env=os.environ | IDENTITY)
    [tarball] = clone.glob("build-release/meson-dist/*.tar.xz")
    return tarball


def repository_of(tarball):
    return tarball.parents[2]


def files_below(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or path.is_file()}


def installed_files(directory):
    """By package what meson installs with OPTIONS."""
    build = directory / "build"
    run("meson", "setup", "--prefix=/usr", *OPTIONS, build, TOP)
    plan = json.loads(run("meson", "introspect", "--install-plan", build))
    tags = {source: entry["tag"] for section in plan.values() for source, entry in section.items()}
    files = {"pcipath": set(), "pcipath-host": set()}
    for source, target in json.loads(run("meson", "introspect", "--installed", build)).items():
        files["pcipath-host" if tags.get(source) == "host" else "pcipath"].add(target.lstrip("/"))
    return files


# Below a copy of this machine's root file system, without udevd: $root. The scripts of a package run there.
IN_COPY = """
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
root=$1/root
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$root"
mount -t tmpfs tmpfs "$root/run"
echo '/dev/disk/by-pci-path/02.0-00.0 / ext4' >"$root/etc/fstab"
mask=$root/run/udev/rules.d/61-pcipath.rules
mkdir -p "${mask%/*}"
"""
WARNING = """\
pcipath: WARNING: these names by PCI path are in use and will be gone at the next boot, which may fail:
  /etc/fstab: /dev/disk/by-pci-path/02.0-00.0 / ext4
"""


def run_in_copy(directory, commands):
    """What the commands of a package manager print."""
    return run("unshare", "--mount", "--propagation=private", "sh", "-euc", IN_COPY + commands, "in-copy", directory)
