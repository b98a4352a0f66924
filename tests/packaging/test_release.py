# SPDX-License-Identifier: LGPL-2.1-or-later
"""The release: its tarball, and that all recipes package the same version."""

import os
import re
import tarfile

import pytest
from release import source_files
from release_files import TOP, run, version

pytestmark = pytest.mark.xdist_group("release")


@pytest.fixture(scope="module")
def source(tarball, tmp_path_factory):
    """The tarball, unpacked."""
    directory = tmp_path_factory.mktemp("unpacked")
    run("tar", "-xf", tarball, "-C", directory)
    [source] = directory.iterdir()
    return source


@pytest.fixture(scope="module")
def build(source):
    """Built by a user's commands, where git does not work."""
    (source.parent / "bin").mkdir()
    git = source.parent / "bin/git"
    git.write_text("#!/bin/sh\nexit 127\n")
    git.chmod(0o755)
    environment = os.environ | {"PATH": f"{git.parent}:{os.environ['PATH']}"}
    run("meson", "setup", "-Dwerror=true", source / "build", source, env=environment)
    run("ninja", "-C", source / "build", env=environment)
    return lambda *arguments: run("meson", "test", "-C", source / "build", "--no-rebuild", "--timeout-multiplier", "0", *arguments, env=environment)


def test_tarball_has_each_file(tarball):
    top = f"pcipath-{version()}"
    with tarfile.open(tarball) as archive:
        names = {member.name for member in archive if not member.isdir()}
    assert names == {f"{top}/{name}" for name in source_files(TOP, tests=True)}


@pytest.mark.exhaustive
def test_builds_from_the_tarball(source, build):
    done = build("--suite", "unit", "--suite", "fuzz")
    assert re.search(r"^Fail: +0 *$", done, re.MULTILINE) and not re.search(r"^Ok: +0 *$", done, re.MULTILINE)
    printed = run(source / "build/helper/pcipath", "--version").splitlines()
    assert printed[0] == f"pcipath {version()}"
    assert "-" not in printed[1], "something was not built"


@pytest.mark.exhaustive
def test_all_tests_of_the_tarball(build):
    build()


def test_one_version():
    """meson.build has it. The others say which release they are about."""
    [news] = re.findall(r"^## (\S+)", (TOP / "NEWS.md").read_text(), re.MULTILINE)[:1]
    [spec] = re.findall(r"^Version: +(\S+)$", (TOP / "packaging/rpm/pcipath.spec").read_text(), re.MULTILINE)
    [changelog] = re.findall(r"^\* .* - (\S+)-\d+$", (TOP / "packaging/rpm/pcipath.spec").read_text(), re.MULTILINE)[:1]
    [pkgbuild] = re.findall(r"^pkgver=(\S+)$", (TOP / "packaging/arch/PKGBUILD").read_text(), re.MULTILINE)
    assert {news, spec, changelog, pkgbuild} == {version()}
