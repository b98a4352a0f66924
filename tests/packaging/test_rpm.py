# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packages of packaging/rpm/pcipath.spec, built by Debian's rpmbuild with the macros of Fedora and openSUSE that it lacks."""

import subprocess
from pathlib import Path

import pytest
from programs import loaded_later
from release_files import TOP, WARNING, files_below, releasing_block, repository_of, run, run_in_copy

pytestmark = pytest.mark.xdist_group("rpm")

HERE = Path(__file__).parent
SPEC = TOP / "packaging/rpm/pcipath.spec"


@pytest.fixture(scope="module")
def rpms(tarball, tmp_path_factory):
    """Files by package; "src" is the source package."""
    top = tmp_path_factory.mktemp("rpm")
    run("sh", "-euc", f'exec {releasing_block("rpm").strip()} "$@"', "sh", "--nodeps", f"--load={HERE}/rpm-macros", f"--define=_topdir {top}",
        cwd=repository_of(tarball))
    [source] = top.glob("SRPMS/*")
    return {run("rpm", "-qp", "--queryformat=%{NAME}", path): path for path in top.glob("RPMS/*/*.rpm")} | {"src": source}


def test_packages(rpms):
    assert set(rpms) == {"pcipath", "pcipath-host", "pcipath-debuginfo", "src"}


@pytest.mark.parametrize("package", ["pcipath", "pcipath-host"])
def test_files_are_those_that_meson_installs(rpms, installed, package, tmp_path):
    run("sh", "-euc", 'rpm2cpio "$0" | cpio -id --quiet', rpms[package], cwd=tmp_path)
    files = {name.removesuffix(".gz") if "/man/" in name else name for name in files_below(tmp_path)
             if not name.startswith(("usr/share/doc/", "usr/share/licenses/", "usr/lib/.build-id/"))}
    assert files == {name for name in installed[package] if not name.startswith("usr/lib/initcpio/")}


def test_rpmlint(rpms):
    packages = [path for name, path in rpms.items() if name != "pcipath-debuginfo"]
    printed = run("rpmlint", "--strict", f"--config={HERE}/rpmlint.toml", f"--rpmlintrc={SPEC.with_suffix('.rpmlintrc')}", *packages, SPEC)
    assert "0 errors, 0 warnings" in printed


def test_asks_for_libraries_and_a_shell_alone(rpms):
    for package, shells in (("pcipath", {"/bin/sh"}), ("pcipath-host", set())):
        needs = {line for line in run("rpm", "-qp", "--requires", rpms[package]).splitlines() if ".so." not in line}
        assert {need for need in needs if not need.startswith(("rpmlib(", "rtld("))} == shells


def test_asks_for_what_it_loads_later(rpms, tmp_path):
    """As rpm itself asks for a library that is linked: of this architecture's word size."""
    run("sh", "-euc", 'rpm2cpio "$0" | cpio -id --quiet', rpms["pcipath"], cwd=tmp_path)
    needs = run("rpm", "-qp", "--requires", rpms["pcipath"]).splitlines()
    [libc] = {need for need in needs if need.startswith("libc.so.6()")} or {"libc.so.6"}
    for entry in loaded_later(tmp_path / "usr/bin/pcipath"):
        assert {libc.replace("libc.so.6", name) for name in entry["soname"]} <= set(needs)


def test_scripts(rpms):
    """No macro is left in them, and a shell can read them. $1 is rpm's number."""
    printed = run("rpm", "-qp", "--queryformat=%{PREIN}%{POSTIN}\n%{PREUN}\n%{POSTUN}\n", rpms["pcipath"]).replace("(none)", "")
    assert "%{" not in printed
    subprocess.run(["shellcheck", "--shell=sh", "--exclude=SC2015,SC2086", "-"], input=f"set -u\n{printed}", text=True, check=True)


def test_scripts_run(rpms, tmp_path):
    """Only the removal warns of names in use. The mask of the rules that it leaves to the end is removed."""
    assert run_in_copy(tmp_path, f"""
        rpm() {{ command rpm --force-debian --root="$root" --dbpath=/db --nodeps "$@"; }}
        rpm -i {rpms["pcipath"]}
        rpm -U --replacepkgs {rpms["pcipath"]}
        touch "$mask"
        rpm -e pcipath
        [ ! -e "$mask" ]""") == WARNING


def test_comes_and_goes(rpms, tmp_path):
    """Installed and removed by rpm below a directory, where no script is run: it leaves nothing."""
    rpm = ("rpm", f"--root={tmp_path}", "--dbpath=/db", "--nodeps", "--noscripts")
    run(*rpm, "-i", rpms["pcipath"], rpms["pcipath-host"])
    assert (tmp_path / "usr/bin/pcipath-host").exists()
    run(*rpm, "-e", "pcipath", "pcipath-host")
    assert not [name for name in files_below(tmp_path) if not name.startswith("db/")]
