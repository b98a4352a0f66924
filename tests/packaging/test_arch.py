# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packages of packaging/arch/PKGBUILD, built by Debian's makepkg. It refuses to run as root."""

import shutil
import tempfile
from pathlib import Path

import pytest
from programs import loaded_later
from release_files import WARNING, files_below, releasing_block, repository_of, run, run_in_copy

pytestmark = [pytest.mark.xdist_group("arch"), pytest.mark.exhaustive]

LIBRARIES = {"libblkid.so.1": "util-linux-libs", "libc.so.6": "glibc", "libjson-c.so.5": "json-c", "libkmod.so.2": "kmod",
             "libmnl.so.0": "libmnl", "libsmartcols.so.1": "util-linux-libs", "libsystemd.so.0": "systemd-libs", "libxml2.so.2": "libxml2"}


@pytest.fixture(scope="module")
def packages(tarball):
    """Files by package."""
    with tempfile.TemporaryDirectory() as directory:  # pytest's own are for root alone
        repository = shutil.copytree(repository_of(tarball), Path(directory) / "repository", symlinks=True)
        run("chown", "-R", "nobody:nogroup", directory)
        # pacman knows none of the packages that Debian has installed.
        commands = releasing_block("arch").replace("--syncdeps", "--nodeps")
        run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env", f"HOME={directory}", "sh", "-euxc", commands, cwd=repository)
        yield {path.name.partition("-1.")[0]: path for path in repository.glob("build-release/meson-dist/*.pkg.tar.*")}


def information(package):
    """Lists by key of .PKGINFO."""
    values = {}
    for line in run("bsdtar", "-xOf", package, ".PKGINFO").splitlines():
        key, separator, value = line.partition(" = ")
        if separator:
            values.setdefault(key, []).append(value)
    return values


@pytest.mark.parametrize("package", ["pcipath", "pcipath-host"])
def test_files_are_those_that_meson_installs(packages, installed, package, tmp_path):
    run("bsdtar", "-xf", packages[package], "-C", tmp_path)
    files = {name.removesuffix(".gz") if "/man/" in name else name for name in files_below(tmp_path) if name.startswith("usr/")}
    assert files == {name.replace("usr/libexec/", "usr/lib/") for name in installed[package]}


@pytest.mark.parametrize("package", ["pcipath", "pcipath-host"])
def test_depends_on_what_it_loads(packages, package, tmp_path):
    """One of namcap's rules: each library's package is named, and no other."""
    run("bsdtar", "-xf", packages[package], "-C", tmp_path)
    needed = {"sh"} if package == "pcipath" else set()
    if package == "pcipath":
        needed |= {LIBRARIES[name] for entry in loaded_later(tmp_path / "usr/bin/pcipath") for name in entry["soname"]}
    for name in files_below(tmp_path):
        if (tmp_path / name).is_file() and (tmp_path / name).open("rb").read(4) == b"\x7fELF":
            printed = run("readelf", "--dynamic", tmp_path / name)
            needed |= {LIBRARIES[line.split("[")[1].rstrip("]")] for line in printed.splitlines() if "(NEEDED)" in line}
    assert set(information(packages[package])["depend"]) == needed


def test_scripts_run(packages, tmp_path):
    """Only the removal warns of names in use. The mask of the rules that it leaves to the end is removed."""
    printed = run_in_copy(tmp_path, f"""
        mkdir -p "$root/db"
        pacman() {{ command pacman --root "$root" --dbpath "$root/db" --noconfirm "$@"; }}
        pacman -Udd {packages["pcipath"]}
        pacman -Udd {packages["pcipath"]}
        touch "$mask"
        echo REMOVAL
        pacman -Rdd pcipath
        [ ! -e "$mask" ]""")
    before, removal = printed.split("REMOVAL")
    assert "WARNING" not in before and WARNING in removal


def test_comes_and_goes(packages, tmp_path):
    """Installed and removed by pacman below a directory, where no script is run: it leaves nothing."""
    (tmp_path / "db").mkdir()
    pacman = ("pacman", "--root", tmp_path, "--dbpath", tmp_path / "db", "--noconfirm", "--noscriptlet")
    run(*pacman, "-Udd", *packages.values())
    assert (tmp_path / "usr/bin/pcipath-host").exists()
    run(*pacman, "-Rdd", *packages)
    assert not [name for name in files_below(tmp_path) if name.startswith("usr/")]
