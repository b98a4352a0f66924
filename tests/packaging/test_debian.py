# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's packages: what is in them, what they ask for, how they are built, and that they come and go without a trace."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from architecture import NATIVE
from build import TreeError, make_tree
from documents import README
from programs import BUILD, CACHE, loaded_later
from release import HOST, RELEASES, build_debs, copy_source, make_debs
from unavailable import unavailable

TOP = Path(__file__).resolve().parents[2]
DEBIAN = TOP / "packaging/debian"
OTHERS = [pytest.param(name, marks=[] if name == HOST else [pytest.mark.exhaustive]) for name in RELEASES]

# In a tree that is thrown away, without its network.
IN_TREE = """
tree=$1 scratch=$2 debs=$3
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay -o "lowerdir=$tree,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/root"
cd "$scratch/root"
mount -t proc proc proc
mount --rbind /dev dev
mkdir -p mnt/debs
mount --bind "$debs" mnt/debs
cat >run/script
exec env -i PATH=/usr/sbin:/usr/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot . sh -eux /run/script
"""

COME_AND_GO = """
list() { find / -xdev ! -path '/proc/*' ! -path '/dev/*' ! -path '/run/*' ! -path '/tmp/*' ! -path '/var/lib/dpkg/*' ! -path '/var/cache/*' \\
    ! -path '/var/log/*' ! -path '/usr/share/doc/*' | sort; }
list >/tmp/before
dpkg -i /mnt/debs/pcipath_*.deb /mnt/debs/pcipath-host_*.deb
export AUTOPKGTEST_TMP=/tmp
sh -eux /run/smoke
mkdir -p /run/cdi && touch /run/cdi/pcipath.dev-disk.json
dpkg -r pcipath pcipath-host
dpkg -P pcipath pcipath-host
list >/tmp/after
diff /tmp/before /tmp/after
[ ! -e /run/cdi/pcipath.dev-disk.json ]
! dpkg-query -W pcipath pcipath-host
"""


def run(*command, **options):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout[-8000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def debs():
    return make_debs(CACHE, HOST, TOP)


@pytest.fixture(scope="session")
def unpacked(debs, tmp_path_factory):
    """By package the directory with its files."""
    directories = {}
    for name in ("pcipath", "pcipath-host", "pcipath-dbgsym", "pcipath-host-dbgsym"):
        directories[name] = tmp_path_factory.mktemp(name)
        [deb] = debs.glob(f"{name}_*.deb")
        run("dpkg-deb", "-x", deb, directories[name])
    return directories


def files_of(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or path.is_file()}


def field(debs, package, name):
    [deb] = debs.glob(f"{package}_*.deb")
    return run("dpkg-deb", "-f", deb, name).strip()


def test_version():
    """The changelog's is the project's."""
    version = json.loads(run("meson", "introspect", "--projectinfo", TOP / "meson.build"))["version"]
    assert run("dpkg-parsechangelog", "-l", DEBIAN / "changelog", "-S", "Version") == f"{version}-1\n"


def test_files_are_those_that_meson_installs(unpacked, tmp_path):
    for package, tags in (("pcipath", []), ("pcipath-host", ["--tags=host"])):
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", *tags, "--destdir", tmp_path / package)
    installed = {package: files_of(tmp_path / package) for package in ("pcipath", "pcipath-host")}
    installed["pcipath"] -= installed["pcipath-host"]
    for package, files in installed.items():
        # Debian's zsh has a directory of its own, and manual pages are compressed.
        packed = {re.sub(r"(/man/.*)\.gz$", r"\1", name.replace("zsh/vendor-completions", "zsh/site-functions"))
                  for name in files_of(unpacked[package])
                  if not name.startswith((f"usr/share/doc/{package}/", "usr/share/lintian/"))}
        assert packed == {name for name in files if not name.startswith("usr/lib/initcpio/")}, package  # Debian has no mkinitcpio


def dependencies(debs, package):
    return [name.split()[0] for name in field(debs, package, "Depends").split(", ")]


@pytest.mark.parametrize("package", ["pcipath", "pcipath-host"])
def test_readme_has_the_dependencies(debs, package):
    [listed] = re.findall(rf"^\| `{package}` \|.*\| (.*) \|$", README, re.MULTILINE)
    assert listed.split(", ") == sorted(dependencies(debs, package))


def test_asks_for_what_it_loads_later(debs, unpacked):
    """dpkg-shlibdeps does not see it. Debian 12 has no dh_dlopenlibdeps."""
    [soname] = [name for entry in loaded_later(unpacked["pcipath"] / "usr/bin/pcipath") for name in entry["soname"]]
    [owner] = {line.split(":")[0] for line in run("dpkg-query", "-S", f"*/{soname}").splitlines()}
    assert owner in dependencies(debs, "pcipath")


def test_asks_for_libraries_alone(debs, unpacked):
    for package in ("pcipath", "pcipath-host"):
        assert all(name.startswith("lib") for name in dependencies(debs, package))
    interpreters = {}
    for name in files_of(unpacked["pcipath"]):
        path = unpacked["pcipath"] / name
        if not path.is_symlink() and (first := path.open("rb").readline()).startswith(b"#!"):
            interpreters.setdefault(first.decode().strip(), set()).add(name)
    # dracut is a bash script, and sources this file.
    assert interpreters.pop("#!/bin/bash") == {"usr/lib/dracut/modules.d/55pcipath/module-setup.sh"}
    assert set(interpreters) == {"#!/bin/sh"}


def programs_of(root):
    return [path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and path.open("rb").read(4) == b"\x7fELF"]


def test_hardening_and_debug_symbols(unpacked):
    for package, count in (("pcipath", 3), ("pcipath-host", 1)):
        programs = programs_of(unpacked[package])
        assert len(programs) == count
        for program in programs:
            told = run("readelf", "-W", "--file-header", "--program-headers", "--dynamic", program)
            assert "DYN (Position-Independent Executable" in told and "GNU_RELRO" in told and "BIND_NOW" in told, told
            symbols = run("readelf", "-W", "--dyn-syms", program)
            assert "__stack_chk_fail" in symbols and "_chk@" in symbols, symbols
            # Debian 12's readelf fails because it does not know .note.dlopen.
            notes = subprocess.run(["readelf", "--notes", program], text=True, stdout=subprocess.PIPE, check=False).stdout
            [identity] = re.findall(r"Build ID: ([0-9a-f]+)", notes)
            assert (unpacked[f"{package}-dbgsym"] / f"usr/lib/debug/.build-id/{identity[:2]}/{identity[2:]}.debug").exists()


def test_lintian(debs):
    [changes] = debs.glob("*.changes")
    assert run("lintian", "--allow-root", "--fail-on=none", "--info", "--display-experimental", "--pedantic", changes) == ""


def test_lintian_of_the_source(tmp_path):
    run(copy_source(TOP, tmp_path / "source") / "packaging/build-deb", tmp_path / "out", "-S", "-d")
    [changes] = (tmp_path / "out").glob("*.changes")
    assert run("lintian", "--allow-root", "--fail-on=none", "--info", "--pedantic", changes) == ""


@pytest.mark.exhaustive
def test_reproducible(debs, tmp_path):
    """Built again in another directory, with another time zone, language, umask and name of the user: the same bytes."""
    source = copy_source(TOP, tmp_path / "elsewhere/source")
    environment = os.environ | {"DEB_BUILD_OPTIONS": "nocheck", "DEB_BUILD_PROFILES": "nocheck", "TMPDIR": str(tmp_path), "HOME": "/nonexistent",
                                "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "de_DE.UTF-8", "USER": "someone"}
    run("sh", "-c", 'umask 0027; exec "$0" "$1"', source / "packaging/build-deb", tmp_path / "out", env=environment)
    again = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.deb")}
    assert sorted(again) == sorted(path.name for path in debs.glob("*.deb")) and len(again) == 4
    assert [name for name, data in again.items() if data != (debs / name).read_bytes()] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("release", RELEASES)
def test_clean_build(release, tmp_path):
    """With its tests, in a tree that has the release's build-essential and the build dependencies, without a network."""
    source = copy_source(TOP, tmp_path / "source", tests=True)
    (tmp_path / "out").mkdir()
    with unavailable(f"Debian's {release}", *() if release == HOST else (TreeError,)):
        build_debs(CACHE.resolve(), release, source, tmp_path / "out", options="", clean=True)
    assert len(list((tmp_path / "out").glob("*.deb"))) == 4


@pytest.mark.parametrize("release", OTHERS)
def test_comes_and_goes(release, tmp_path):
    """Installed, removed and purged where no udevd runs; the smoke test of the package runs in between."""
    debs = make_debs(CACHE, release, TOP)
    libraries = ",".join(sorted({name for package in ("pcipath", "pcipath-host") for name in dependencies(debs, package)}))
    with unavailable(f"Debian's {release}", *() if release == HOST else (TreeError,)):
        tree = make_tree(CACHE.resolve() / f"bare-{release}-{NATIVE.name}", lambda path: [
            "mmdebstrap", f"--architectures={NATIVE.name}", '--aptopt=Acquire::Check-Valid-Until "false"', "--variant=minbase", f"--include={libraries},udev", release, path])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    smoke = (DEBIAN / "tests/smoke").read_text()
    script = f"cat >/run/smoke <<'SMOKE'\n{smoke}\nSMOKE\n{COME_AND_GO}"
    run("unshare", "--mount", "--net", "--propagation=private", "sh", "-euc", IN_TREE, "in-tree", tree, scratch, debs, input=script)
