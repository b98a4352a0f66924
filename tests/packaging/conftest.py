# SPDX-License-Identifier: LGPL-2.1-or-later
import pytest
from release_files import TOP, installed_files, make_tarball
from unavailable import Unavailable


@pytest.fixture(scope="session")
def tarball(tmp_path_factory):
    """Of a release of this source tree, in the repository that it was made in."""
    if not (TOP / ".git").exists():
        raise Unavailable("a release is made of a git checkout")
    return make_tarball(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """By package of RPM and Arch the files that it should have."""
    return installed_files(tmp_path_factory.mktemp("installed"))
